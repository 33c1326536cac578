//! Which model names resemble a wrong one, at a bounded cost: unknown names come from strangers.

use std::cmp::Reverse;

use portolan_core::ModelSlug;

/// Names longer than this are compared by their beginning.
const COMPARED_BYTES_MAX: usize = 64;
/// So many names pass the cheap comparison and are compared letter by letter.
const CLOSE_MAX: usize = 16;
/// Names less alike than this are no suggestion (Jaro-Winkler, 0 to 1).
const ALIKE_MIN: f64 = 0.75;

/// The names of a snapshot, each as it is compared, with the set of its letter pairs, hashed into 128 bits.
#[derive(Debug, Clone, Default)]
pub(crate) struct Suggester(Vec<Name>);

#[derive(Debug, Clone)]
struct Name {
    slug: ModelSlug,
    text: String,
    pairs: u128,
}

impl Suggester {
    pub(crate) fn new<'a>(names: impl Iterator<Item = &'a ModelSlug>) -> Self {
        Self(
            names
                .map(|slug| {
                    let text = compared(slug.as_str());
                    Name { slug: slug.clone(), pairs: pairs(&text), text }
                })
                .collect(),
        )
    }

    pub(crate) fn nearest(&self, slug: &str, n: usize) -> Vec<&ModelSlug> {
        let text = compared(slug);
        let wanted = pairs(&text);
        // The newest of a family has a name of that form only.
        let is_latest = text.starts_with('~') && text.ends_with("-latest");
        let likeness = |name: &Name| (name.pairs & wanted).count_ones() * 256 / (name.pairs | wanted).count_ones().max(1);
        let mut close: Vec<(u32, &Name)> =
            self.0.iter().filter(|name| !is_latest || name.text.starts_with('~')).map(|name| (likeness(name), name)).collect();
        close.sort_by_key(|(likeness, _)| Reverse(*likeness));
        close.truncate(CLOSE_MAX);
        let mut alike: Vec<(f64, &ModelSlug)> = close
            .into_iter()
            .map(|(_, name)| (strsim::jaro_winkler(&text, comparable(&name.text, &text)), &name.slug))
            .filter(|(likeness, _)| *likeness >= ALIKE_MIN)
            .collect();
        alike.sort_by(|a, b| b.0.total_cmp(&a.0));
        alike.into_iter().take(n).map(|(_, slug)| slug).collect()
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
