//! Enums of which each value has a word.

/// Defines enums of which each value has one word, in configuration, requests, answers and records alike: serde writes and
/// reads the word, and beside it there are `ALL`, `as_str` and `parse`.
#[macro_export]
macro_rules! words {
    ($($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)* })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Serialize, ::serde::Deserialize)]
        $vis enum $name { $($(#[$variant_meta])* #[serde(rename = $word)] $variant,)* }

        impl $name {
            /// All of them, in their declared order.
            $vis const ALL: [$name; [$($word,)*].len()] = [$($name::$variant,)*];

            /// Its word.
            #[must_use]
            $vis const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)* }
            }

            /// The one that the word means.
            #[must_use]
            $vis fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some($name::$variant),)* _ => None }
            }
        }
    )*};
}

#[cfg(test)]
mod tests {
    crate::words! {
        /// How a word may look.
        #[derive(Default)]
        enum Look {
            /// One word.
            #[default]
            Plain = "plain",
            /// Several with dots.
            Dotted = "a.b",
        }
    }

    #[test]
    fn a_word_is_the_same_for_serde_and_for_parse() {
        assert_eq!(Look::ALL.map(Look::as_str), ["plain", "a.b"]);
        assert_eq!(Look::default(), Look::Plain);
        for look in Look::ALL {
            assert_eq!(serde_json::to_value(look).unwrap(), look.as_str());
            assert_eq!(serde_json::from_value::<Look>(look.as_str().into()).unwrap(), look);
            assert_eq!(Look::parse(look.as_str()), Some(look));
        }
        assert_eq!((Look::parse("Plain"), Look::parse("dotted")), (None, None));
        assert!(serde_json::from_str::<Look>("\"dotted\"").is_err());
    }
}
