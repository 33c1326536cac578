//! The two routers: from a request to the models that are asked for in its place.

use portolan_catalog::ModelIx;
use portolan_core::ModelSlug;

use super::candidates::{AutoCandidate, Market, Needs, NoModel};
use super::choose::{Ranking, choose};
use super::classify::{Judgement, classify};
use super::plugin::AutoPlugin;
use super::view::PromptView;

/// Names of the router that chooses by the prompt.
pub const AUTO: [&str; 2] = ["openrouter/auto", "portolan/auto"];

/// Names of the router that draws a model that costs nothing.
pub const FREE: [&str; 2] = ["openrouter/free", "portolan/free"];

/// So many models stand in for a router: the choice and its fallbacks.
pub const MODELS_MAX: usize = 4;

/// What a router decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Routed {
    /// What the prompt was taken for.
    pub judgement: Judgement,
    /// All that was admitted, with what was asked for.
    pub ranking: Ranking,
    /// The model that the conversation had before, where it may still answer. The knob does not count here.
    pub kept: Option<ModelSlug>,
}

impl Routed {
    /// The models to plan with, the one that is kept or else the choice first: at most [`MODELS_MAX`].
    #[must_use]
    pub fn models(&self) -> Vec<ModelSlug> {
        let ranked = self.ranking.models.iter().map(|candidate| &candidate.slug).filter(|slug| self.kept.as_ref() != Some(*slug));
        self.kept.iter().chain(ranked).take(MODELS_MAX).cloned().collect()
    }
}

/// `openrouter/auto`: judges the prompt and ranks the models that may answer. Calls nobody, and is the same for the same request.
///
/// `before` is the model that answered the conversation so far: it goes first as long as it is among the candidates.
///
/// # Errors
/// When no model is left.
pub fn route(
    market: &Market<'_>,
    view: &PromptView<'_>,
    needs: &Needs,
    settings: &AutoPlugin,
    before: Option<ModelIx>,
) -> Result<Routed, NoModel> {
    let judgement = classify(view);
    let candidates = market.candidates(judgement.task, needs, settings)?;
    let kept = candidates.iter().find(|candidate| Some(candidate.model) == before).map(|candidate| candidate.slug.clone());
    Ok(Routed { judgement, kept, ranking: choose(&judgement, candidates, settings.knob()) })
}

/// `openrouter/free`: models that cost nothing and can serve the request, in an order that `seed` draws; at most [`MODELS_MAX`].
/// `before` goes first, as for [`route`].
///
/// # Errors
/// When no model is left.
pub fn free(market: &Market<'_>, needs: &Needs, seed: u64, before: Option<ModelIx>) -> Result<Vec<ModelSlug>, NoModel> {
    let place = |candidate: AutoCandidate| (Some(candidate.model) != before, mixed(seed, candidate.slug.as_str()), candidate.slug);
    let mut drawn: Vec<(bool, u64, ModelSlug)> = market.free(needs).into_iter().map(place).collect();
    drawn.sort();
    drawn.truncate(MODELS_MAX);
    if drawn.is_empty() { Err(NoModel) } else { Ok(drawn.into_iter().map(|(.., slug)| slug).collect()) }
}

/// A number that depends on the seed and on every character of the name (FNV-1a, then SplitMix64's finalizer).
fn mixed(seed: u64, name: &str) -> u64 {
    let mut z = name.bytes().fold(seed ^ 0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
