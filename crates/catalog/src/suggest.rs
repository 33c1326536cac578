//! Which model names resemble a wrong one, at a bounded cost: unknown names come from strangers.

use crate::{Model, ModelIx};

/// Names longer than this are compared by their beginning.
const COMPARED_BYTES_MAX: usize = 64;
/// So many names pass the cheap comparison and are compared letter by letter.
const CLOSE_MAX: usize = 16;
/// Names less alike than this are no suggestion (Jaro-Winkler, 0 to 1).
const ALIKE_MIN: f64 = 0.75;

/// The names of a snapshot, each with the set of its letter pairs, hashed into 128 bits. What is for batches is never meant by a
/// wrong name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Suggester(Vec<(ModelIx, u128, String)>);

impl Suggester {
    pub(crate) fn new(models: &[Model]) -> Self {
        let own = (0..).map(ModelIx).zip(models).filter(|(_, m)| !m.is_for_batches());
        Self(own.map(|(ix, m)| (ix, pairs(m.slug.as_str()), compared(m.slug.as_str()))).collect())
    }

    pub(crate) fn nearest(&self, slug: &str, n: usize) -> Vec<ModelIx> {
        let text = compared(slug);
        let wanted = pairs(&text);
        let mut close: Vec<(u32, usize)> = self
            .0
            .iter()
            .enumerate()
            .map(|(i, (_, own, _))| ((own & wanted).count_ones() * 256 / (own | wanted).count_ones().max(1), i))
            .collect();
        close.sort_unstable_by(|a, b| b.cmp(a));
        close.truncate(CLOSE_MAX);
        let likeness = |i: usize| strsim::jaro_winkler(&text, comparable(&self.0[i].2, &text));
        let mut alike: Vec<(f64, usize)> =
            close.into_iter().map(|(_, i)| (likeness(i), i)).filter(|(score, _)| *score >= ALIKE_MIN).collect();
        alike.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        alike.into_iter().take(n).map(|(_, i)| self.0[i].0).collect()
    }
}

/// The part of a name to hold against `text`: without its author where the text has none (`gpt-4o-mini`).
fn comparable<'a>(own: &'a str, text: &str) -> &'a str {
    if text.contains('/') { own } else { own.split_once('/').map_or(own, |(_, name)| name) }
}

fn compared(slug: &str) -> String {
    slug.chars().take(COMPARED_BYTES_MAX).flat_map(char::to_lowercase).collect()
}

fn pairs(text: &str) -> u128 {
    text.as_bytes()
        .windows(2)
        .take(COMPARED_BYTES_MAX)
        .map(|w| (u32::from(w[0]).wrapping_mul(31).wrapping_add(u32::from(w[1]))) % 127)
        .fold(0, |set, bit| set | 1u128 << bit)
}

/// The known key that resembles `key` most, if one does.
pub(crate) fn nearest_key(key: &str, known: &[&'static str]) -> Option<&'static str> {
    let key = compared(key);
    known
        .iter()
        .map(|&k| (strsim::jaro_winkler(&key, k), k))
        .filter(|(score, _)| *score >= ALIKE_MIN)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, k)| k)
}
