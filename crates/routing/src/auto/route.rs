//! The two routers: from a request to the models that are asked for in its place.

use portolan_core::ModelSlug;

use super::candidates::{Market, Needs, NoModel};
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
}

impl Routed {
    /// The models to plan with, the choice first: at most [`MODELS_MAX`].
    #[must_use]
    pub fn models(&self) -> Vec<ModelSlug> {
        self.ranking.models.iter().take(MODELS_MAX).map(|candidate| candidate.slug.clone()).collect()
    }
}

/// `openrouter/auto`: judges the prompt and ranks the models that may answer. Calls nobody, and is the same for the same request.
///
/// # Errors
/// When no model is left.
pub fn route(market: &Market<'_>, view: &PromptView<'_>, needs: &Needs, settings: &AutoPlugin) -> Result<Routed, NoModel> {
    let judgement = classify(view);
    let candidates = market.candidates(judgement.task, needs, settings)?;
    Ok(Routed { judgement, ranking: choose(&judgement, candidates, settings.knob()) })
}

/// `openrouter/free`: models that cost nothing and can serve the request, in an order that `seed` draws; at most [`MODELS_MAX`].
///
/// # Errors
/// When no model is left.
pub fn free(market: &Market<'_>, needs: &Needs, seed: u64) -> Result<Vec<ModelSlug>, NoModel> {
    let mut drawn: Vec<(u64, ModelSlug)> =
        market.free(needs).into_iter().map(|candidate| (mixed(seed, candidate.slug.as_str()), candidate.slug)).collect();
    drawn.sort();
    drawn.truncate(MODELS_MAX);
    if drawn.is_empty() { Err(NoModel) } else { Ok(drawn.into_iter().map(|(_, slug)| slug).collect()) }
}

/// A number that depends on the seed and on every character of the name (FNV-1a, then SplitMix64's finalizer).
fn mixed(seed: u64, name: &str) -> u64 {
    let mut z = name.bytes().fold(seed ^ 0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
