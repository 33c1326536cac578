//! Ids of tool calls, in the characters that Anthropic takes.

use std::borrow::Cow;
use std::collections::HashMap;

/// The longest id that is taken.
const ID_CHARS_MAX: usize = 64;
/// How much of an odd id stays readable: `_` and 16 digits follow.
const READABLE_CHARS: usize = 40;

/// Rewrites ids. The same conversation always gets the same ids, so that the provider's prompt cache still holds.
#[derive(Debug, Default)]
pub(super) struct CallIds<'a> {
    /// How often each id has been used by a call so far: some providers begin again at `0` in every turn.
    used: HashMap<&'a str, u32>,
}

impl<'a> CallIds<'a> {
    /// The id of a call that is made now.
    pub(super) fn call(&mut self, id: &'a str) -> Cow<'a, str> {
        let used = self.used.entry(id).or_default();
        *used += 1;
        written(id, *used)
    }

    /// The id of the latest call so named.
    pub(super) fn result(&self, id: &'a str) -> Cow<'a, str> {
        written(id, self.used.get(id).copied().unwrap_or(1))
    }
}

fn written(id: &str, use_number: u32) -> Cow<'_, str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if use_number <= 1 && !id.is_empty() && id.len() <= ID_CHARS_MAX && id.chars().all(fits) {
        return Cow::Borrowed(id);
    }
    let mut text: String = id.chars().take(READABLE_CHARS).map(|c| if fits(c) { c } else { '_' }).collect();
    text.push_str(&format!("_{:016x}", digest(id, use_number)));
    Cow::Owned(text)
}

/// FNV-1a: two odd ids of one conversation must differ, nothing more.
fn digest(id: &str, use_number: u32) -> u64 {
    id.bytes()
        .chain(use_number.to_le_bytes())
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fitting_id_stays_and_an_odd_one_is_rewritten_alike_for_call_and_result() {
        let long = "x".repeat(200);
        let mut ids = CallIds::default();
        assert_eq!(ids.call("toolu_01A-b"), "toolu_01A-b");
        for odd in ["functions.weather:0", "", "ü", long.as_str()] {
            let call = ids.call(odd).into_owned();
            assert!((1..=ID_CHARS_MAX).contains(&call.len()), "{call}");
            assert!(call.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_' || c == b'-'), "{call}");
            assert_eq!(ids.result(odd), call);
        }
    }

    #[test]
    fn an_id_that_comes_back_in_a_later_turn_is_told_apart() {
        let mut ids = CallIds::default();
        let first = ids.call("call_0").into_owned();
        assert_eq!(ids.result("call_0"), first);
        let second = ids.call("call_0").into_owned();
        assert_ne!(first, second);
        assert_eq!(ids.result("call_0"), second);
    }
}
