//! Takes a secret out of a text that may hold it whole, in part, or abbreviated. Runs on error paths only.

use std::borrow::Cow;
use std::collections::HashSet;

const REPLACEMENT: &str = "[redacted]";
/// So many characters of a secret in a row are part of it and no chance.
const PART_BYTES_MIN: usize = 8;
/// Before a filler (`sk-a***`) this much of the secret's beginning is part of it; after a filler, of its end.
const ABBREVIATED_BYTES_MIN: usize = 2;
/// What providers write in place of the middle.
const FILLERS: [&str; 4] = ["*", ".", "…", "•"];

/// `secret` is visible ASCII, so that every byte range that matches it lies on character borders.
pub(crate) fn mask<'text>(text: &'text str, secret: &str) -> Cow<'text, str> {
    let mut hidden = vec![false; text.len()];
    hide_parts(text.as_bytes(), secret.as_bytes(), &mut hidden);
    hide_abbreviations(text, secret, &mut hidden);
    if !hidden.contains(&true) {
        return Cow::Borrowed(text);
    }
    let mut masked = String::with_capacity(text.len());
    let mut within = false;
    for (at, c) in text.char_indices() {
        if hidden[at] && !within {
            masked.push_str(REPLACEMENT);
        } else if !hidden[at] {
            masked.push(c);
        }
        within = hidden[at];
    }
    Cow::Owned(masked)
}

/// Hides each run of the secret's characters that is long enough; all of a short secret.
fn hide_parts(text: &[u8], secret: &[u8], hidden: &mut [bool]) {
    let length = secret.len().min(PART_BYTES_MIN);
    if length == 0 {
        return;
    }
    let parts: HashSet<&[u8]> = secret.windows(length).collect();
    for (at, window) in text.windows(length).enumerate() {
        if parts.contains(window) {
            hidden[at..at + length].fill(true);
        }
    }
}

/// Hides `beginning***end` where both are the secret's, and either alone.
fn hide_abbreviations(text: &str, secret: &str, hidden: &mut [bool]) {
    let mut at = 0;
    while at < text.len() {
        let end = at + filler_bytes(&text[at..]);
        if end == at {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
            continue;
        }
        let lengths = |bytes_max: usize| (ABBREVIATED_BYTES_MIN..=secret.len().min(bytes_max)).rev();
        let before = lengths(at).find(|length| text[..at].ends_with(&secret[..*length])).unwrap_or(0);
        let after = lengths(text.len() - end).find(|length| text[end..].starts_with(&secret[secret.len() - length..])).unwrap_or(0);
        // One full stop is punctuation, not an abbreviation.
        if end - at > 1 && before + after > 0 {
            hidden[at - before..end + after].fill(true);
        }
        at = end;
    }
}

fn filler_bytes(text: &str) -> usize {
    let mut rest = text;
    while let Some(shorter) = FILLERS.iter().find_map(|filler| rest.strip_prefix(filler)) {
        rest = shorter;
    }
    text.len() - rest.len()
}

#[cfg(test)]
mod tests {
    use super::mask;

    const SECRET: &str = "sk-proj-AbCdEfGhIjKlMnOpQrStUvWxYz0123";

    #[test]
    fn a_secret_is_masked_whole_in_part_and_abbreviated() {
        let cases = [
            (format!("Incorrect API key provided: {SECRET}."), "Incorrect API key provided: [redacted]."),
            (format!("{SECRET}{SECRET} {SECRET}"), "[redacted] [redacted]"),
            ("key sk-proj-*****************0123. See".to_owned(), "key [redacted]. See"),
            ("key sk-proj-AbCdEf...0123".to_owned(), "key [redacted]"),
            ("key sk-p…z0123".to_owned(), "key [redacted]"),
            ("key ****0123!".to_owned(), "key [redacted]!"),
            ("key sk-pr**** is".to_owned(), "key [redacted] is"),
            ("key ends in UvWxYz0123".to_owned(), "key ends in [redacted]"),
            ("ü …middle IjKlMnOpQr ü".to_owned(), "ü …middle [redacted] ü"),
            (format!("Bearer {SECRET}\n{{\"k\":\"{SECRET}\"}}"), "Bearer [redacted]\n{\"k\":\"[redacted]\"}"),
        ];
        for (text, expected) in cases {
            assert_eq!(mask(&text, SECRET), expected, "{text}");
        }
    }

    #[test]
    fn a_text_without_the_secret_is_left_alone() {
        for text in ["", "invalid model. Try again", "wait... what", "sk-pro", "** bold **", "key sk-live-1234567890"] {
            assert!(matches!(mask(text, SECRET), std::borrow::Cow::Borrowed(_)), "{text}");
        }
    }

    #[test]
    fn no_eight_characters_of_the_secret_survive_any_cut() {
        for from in 0..SECRET.len() {
            for to in from + 8..=SECRET.len() {
                let text = format!("<{}>", &SECRET[from..to]);
                assert_eq!(mask(&text, SECRET), "<[redacted]>");
            }
        }
    }

    #[test]
    fn a_short_secret_is_masked_whole() {
        assert_eq!(mask("the key is k3y", "k3y"), "the key is [redacted]");
    }
}
