//! Slugs: the public names of models and providers.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A text that is no slug.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a valid model ID")]
pub struct SlugError(pub String);

/// `author/name`, optionally with a variant after a colon: `openai/gpt-4o-mini`, `x/y:free`. Lowercase is kept as given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct ModelSlug(Arc<str>);

impl ModelSlug {
    /// Reads a slug: 3 to 200 characters of `A-Z a-z 0-9 . _ - : ~ @ +`, with one slash that has text on both sides.
    ///
    /// # Errors
    /// When the text has another form; the message is the one that OpenRouter answers.
    pub fn parse(text: &str) -> Result<Self, SlugError> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._-:~@+/".contains(&b);
        let fits = text.len() <= 200
            && text.bytes().all(allowed)
            && text.split_once('/').is_some_and(|(author, name)| !author.is_empty() && !name.is_empty() && !name.contains('/'));
        if fits { Ok(Self(text.into())) } else { Err(SlugError(text.chars().take(120).collect())) }
    }

    /// The part before the slash.
    #[must_use]
    pub fn author(&self) -> &str {
        self.0.split_once('/').map_or("", |(author, _)| author)
    }
}

/// A provider's name in routing: `openai`, `amazon-bedrock`. Lowercase letters, digits and dashes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct ProviderSlug(Arc<str>);

impl ProviderSlug {
    /// Reads a slug.
    ///
    /// # Errors
    /// When the text is empty, longer than 64 or has other characters.
    pub fn parse(text: &str) -> Result<Self, SlugError> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.into()))
        } else {
            Err(SlugError(text.chars().take(120).collect()))
        }
    }
}

macro_rules! text_of {
    ($name:ident) => {
        impl $name {
            /// The slug as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text itself, to be kept without a copy.
            #[must_use]
            pub fn shared(&self) -> Arc<str> {
                self.0.clone()
            }
        }

        impl TryFrom<String> for $name {
            type Error = SlugError;
            fn try_from(text: String) -> Result<Self, SlugError> {
                Self::parse(&text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

text_of!(ModelSlug);
text_of!(ProviderSlug);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_slug_has_one_slash_and_harmless_characters() {
        for right in ["openai/gpt-4o-mini", "a/b:free", "~anthropic/claude-latest", "x/y@preset"] {
            assert_eq!(ModelSlug::parse(right).map(|s| s.to_string()), Ok(right.to_owned()));
        }
        for wrong in ["", "gpt-4o", "/x", "x/", "a/b/c", "a/b c", "a/b\u{202e}", "a/\n"] {
            assert!(ModelSlug::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
