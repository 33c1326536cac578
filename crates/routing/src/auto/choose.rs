//! The order in which candidates are tried.

use std::cmp::Ordering;

use super::candidates::AutoCandidate;
use super::classify::Judgement;
use super::knob::Knob;

/// The candidates that the knob admits, the first choice first.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    /// The strength that was asked for.
    pub need: f32,
    /// How many of [`Ranking::models`] are strong enough. They come first, the cheapest before the others; the rest follow, the strongest first.
    pub sufficient: usize,
    /// Never empty where there was a candidate.
    pub models: Vec<AutoCandidate>,
    /// Those that the knob does not admit, the cheapest first.
    pub above: Vec<AutoCandidate>,
}

/// Ranks candidates for a prompt: the cheapest that is strong enough comes first.
///
/// The knob is a ceiling of the price (a share of the candidates, the cheapest first; one is always under it) and raises the strength
/// that is asked for. Under the ceiling, a prompt of complexity 1 asks for the strongest. A higher knob never chooses a cheaper model
/// or a weaker one.
#[must_use]
pub fn choose(judgement: &Judgement, mut candidates: Vec<AutoCandidate>, knob: Knob) -> Ranking {
    candidates.sort_by(cheaper);
    let ceiling = usize::from(knob.ceiling_percent());
    let count = candidates.len();
    // The candidate at place `i` stands at `i / count` of the order by price.
    let admitted = (ceiling * count).div_ceil(100).clamp(1.min(count), count);
    let above = candidates.split_off(admitted);
    let strongest = candidates.iter().map(|candidate| candidate.strength).fold(0.0, f32::max);
    let need = (judgement.complexity + knob.lean()).clamp(0.0, 1.0) * strongest;
    let (mut models, mut rest): (Vec<_>, Vec<_>) = candidates.into_iter().partition(|candidate| candidate.strength >= need);
    let sufficient = models.len();
    rest.sort_by(|a, b| b.strength.total_cmp(&a.strength).then_with(|| cheaper(a, b)));
    models.append(&mut rest);
    Ranking { need, sufficient, models, above }
}

/// By price; of equal prices the stronger first; of equal ones in the order of the catalog.
fn cheaper(a: &AutoCandidate, b: &AutoCandidate) -> Ordering {
    a.price.cmp(&b.price).then_with(|| b.strength.total_cmp(&a.strength)).then_with(|| a.model.cmp(&b.model))
}
