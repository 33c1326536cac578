//! Seeded numbers for content, and ids that no other run of the simulator has given out.

use std::sync::atomic::{AtomicU64, Ordering};

/// A small generator whose numbers follow from its seed alone (SplitMix64).
#[derive(Debug, Clone)]
pub(crate) struct Rng(u64);

impl Rng {
    /// A generator for one answer: the same seed and texts give the same content, in whatever order requests arrive.
    pub(crate) fn seeded(seed: u64, texts: &[&str]) -> Rng {
        Rng(texts.iter().fold(seed, |hash, text| fnv1a(hash, text.as_bytes())))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `bound`; 0 when the bound is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next().checked_rem(bound).unwrap_or(0)
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len() as u64) as usize)
    }
}

/// The finalizer of SplitMix64: a bijection, so that different counters never meet.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// FNV-1a with a start value: stable across builds, which the hasher of the standard library is not.
pub(crate) fn fnv1a(start: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(start ^ 0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// Gives out response ids: a random start per process, then a counter.
#[derive(Debug)]
pub(crate) struct Ids {
    run: u64,
    start: u64,
    given: AtomicU64,
}

impl Ids {
    pub(crate) fn new() -> Ids {
        let run = getrandom::u64().expect("the operating system has random numbers");
        let start = getrandom::u64().expect("the operating system has random numbers");
        Ids { run, start, given: AtomicU64::new(0) }
    }

    /// The next id: how many came before it in this run, and 22 characters that no other id has.
    pub(crate) fn mint(&self) -> (u64, String) {
        let count = self.given.fetch_add(1, Ordering::Relaxed);
        let mut id = String::with_capacity(22);
        base62(self.run, &mut id);
        base62(mix(self.start.wrapping_add(count)), &mut id);
        (count, id)
    }
}

/// Eleven digits hold any 64-bit number.
fn base62(mut number: u64, out: &mut String) {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    for _ in 0..11 {
        out.push(char::from(DIGITS[(number % 62) as usize]));
        number /= 62;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_within_a_run_and_between_runs() {
        let (one, two) = (Ids::new(), Ids::new());
        let mut seen = std::collections::HashSet::new();
        for _ in 0..10_000 {
            assert!(seen.insert(one.mint().1));
            assert!(seen.insert(two.mint().1));
        }
        assert!(seen.iter().all(|id| id.len() == 22));
    }

    #[test]
    fn content_follows_from_the_seed_and_the_texts() {
        let numbers = |seed, text: &str| {
            let mut rng = Rng::seeded(seed, &[text]);
            [rng.next(), rng.next()]
        };
        assert_eq!(numbers(1, "a"), numbers(1, "a"));
        assert_ne!(numbers(1, "a"), numbers(2, "a"));
        assert_ne!(numbers(1, "a"), numbers(1, "b"));
    }
}
