//! Strings as they stand in the text, and their meaning.

use std::borrow::Cow;

use super::scan;

/// A string as it stands in the text, without its quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text<'a> {
    /// The characters between the quotes.
    pub raw: &'a str,
    /// Whether there are escapes among them.
    pub escaped: bool,
    /// Where the opening quote stands.
    pub at: usize,
}

impl<'a> Text<'a> {
    /// The text that is meant. A lone surrogate becomes U+FFFD.
    #[must_use]
    pub fn decode(&self) -> Cow<'a, str> {
        if self.escaped { Cow::Owned(unescape(self.raw)) } else { Cow::Borrowed(self.raw) }
    }

    /// The end of the string, after the closing quote.
    #[must_use]
    pub fn end(&self) -> usize {
        self.at + self.raw.len() + 2
    }
}

/// Undoes the escapes of a string that the reader found valid.
fn unescape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    // A valid string holds nothing special but backslashes.
    while let Some(i) = scan::special(rest.as_bytes(), 0) {
        out.push_str(&rest[..i]);
        let letter = rest.as_bytes().get(i + 1).copied().unwrap_or_default();
        rest = rest.get(i + 2..).unwrap_or_default();
        match letter {
            b'u' => rest = unescape_unicode(rest, &mut out),
            b'b' => out.push('\u{8}'),
            b'f' => out.push('\u{c}'),
            b'n' => out.push('\n'),
            b'r' => out.push('\r'),
            b't' => out.push('\t'),
            other => out.push(char::from(other)),
        }
    }
    out.push_str(rest);
    out
}

/// Reads the four digits that `rest` begins with, and the other half of a pair; answers what is left.
fn unescape_unicode<'a>(rest: &'a str, out: &mut String) -> &'a str {
    let unit = |text: &str| {
        let digits = text.as_bytes().first_chunk::<4>()?;
        digits.iter().try_fold(0, |all, digit| Some(all << 4 | char::from(*digit).to_digit(16)?))
    };
    let first = unit(rest).unwrap_or(0xfffd);
    let rest = rest.get(4..).unwrap_or_default();
    if (0xd800..0xdc00).contains(&first)
        && let Some(low) = rest.strip_prefix("\\u").and_then(unit).filter(|low| (0xdc00..0xe000).contains(low))
    {
        let both = 0x10000 + ((first - 0xd800) << 10) + (low - 0xdc00);
        out.push(char::from_u32(both).unwrap_or(char::REPLACEMENT_CHARACTER));
        return rest.get(6..).unwrap_or_default();
    }
    out.push(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
    rest
}

/// Appends `text` as a JSON string, quotes included.
pub fn quote(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.reserve(text.len() + 2);
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut done = 0;
    while let Some(i) = scan::special(bytes, done) {
        out.extend_from_slice(&bytes[done..i]);
        done = i + 1;
        let byte = bytes[i];
        let letter = match byte {
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0..0x20 => {
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
                continue;
            }
            other => other,
        };
        out.extend_from_slice(&[b'\\', letter]);
    }
    out.extend_from_slice(&bytes[done..]);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_become_the_characters_that_they_mean() {
        for (raw, meant) in [
            (r#"a\"b\\c\/d\b\f\n\r\t"#, "a\"b\\c/d\u{8}\u{c}\n\r\t"),
            (r"\u00e9\u6f22", "é漢"),
            (r"\ud83d\ude00!", "😀!"),
            (r"\ud83d!", "\u{fffd}!"),
            (r"\ude00", "\u{fffd}"),
            (r"\ud83d\ud83d\ude00", "\u{fffd}😀"),
            (r"\ud83d\n", "\u{fffd}\n"),
            (r"\u0000", "\0"),
        ] {
            assert_eq!(Text { raw, escaped: true, at: 0 }.decode(), meant, "{raw}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_quoted_text_is_what_serde_reads_and_what_decode_reads(text in "\\PC*|[\\x00-\\x7f]*") {
            let mut out = Vec::new();
            quote(&text, &mut out);
            let json = String::from_utf8(out).unwrap();
            proptest::prop_assert_eq!(&serde_json::from_str::<String>(&json).unwrap(), &text);
            let raw = &json[1..json.len() - 1];
            let decoded = Text { raw, escaped: true, at: 0 }.decode();
            proptest::prop_assert_eq!(decoded.as_ref(), text.as_str());
        }
    }
}
