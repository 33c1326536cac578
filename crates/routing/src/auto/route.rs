//! The two routers: from a request to the models that are asked for in its place.

use portolan_catalog::ModelIx;
use portolan_core::ModelSlug;

use super::candidates::{AutoCandidate, Market, Pool};
use super::choose::{Ranking, choose};
use super::classify::{Judgement, classify};
use super::plugin::AutoPlugin;
use super::task::TaskKind;
use super::view::PromptView;
use crate::plan::NoEndpoint;
use crate::variant::Variant;

/// So many models stand in for a router: the choice and its fallbacks.
pub const MODELS_MAX: usize = 4;

portolan_core::words! {
    /// A name that stands for a choice among models.
    pub enum Router {
        /// Chooses by the prompt. Also `portolan/auto`.
        Auto = "openrouter/auto",
        /// Draws a model that costs nothing. Also `portolan/free`.
        Free = "openrouter/free",
    }
}

impl Router {
    /// The router of this name, which may have routing variants.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let (name, suffixes) = name.split_once(':').map_or((name, None), |(name, suffixes)| (name, Some(suffixes)));
        let mut suffixes = suffixes.into_iter().flat_map(|all| all.split(':'));
        if !suffixes.all(|suffix| Variant::ALL.iter().any(|variant| variant.as_str() == suffix)) {
            return None;
        }
        match name {
            "portolan/auto" => Some(Router::Auto),
            "portolan/free" => Some(Router::Free),
            name => Router::parse(name),
        }
    }
}

/// What a router decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Routed {
    /// What the prompt was taken for; `None`: nobody looked at it.
    pub judgement: Option<Judgement>,
    /// All that was admitted, with what was asked for.
    pub ranking: Ranking,
    /// The model that the conversation had before, where it may still answer. The knob does not count here.
    pub kept: Option<ModelSlug>,
}

impl Routed {
    fn new(judgement: Option<Judgement>, ranking: Ranking, before: Option<ModelIx>) -> Self {
        let mut all = ranking.models.iter().chain(&ranking.above);
        let kept = all.find(|candidate| Some(candidate.model) == before).map(|candidate| candidate.slug.clone());
        Self { judgement, ranking, kept }
    }

    /// The models to plan with, the one that is kept or else the choice first: at most [`MODELS_MAX`].
    pub fn models(&self) -> impl Iterator<Item = &ModelSlug> {
        let ranked = self.ranking.models.iter().map(|candidate| &candidate.slug).filter(|slug| self.kept.as_ref() != Some(*slug));
        self.kept.iter().chain(ranked).take(MODELS_MAX)
    }
}

/// `openrouter/auto`: judges the prompt and ranks the models that may answer. Calls nobody, and is the same for the same request.
///
/// `before` is the model that answered the conversation so far: it goes first as long as it is among the candidates.
///
/// # Errors
/// When no model is left, or the preferences of the request are wrong whatever the model.
pub fn route(market: &Market<'_>, view: &PromptView<'_>, settings: &AutoPlugin, before: Option<ModelIx>) -> Result<Routed, NoEndpoint> {
    let judgement = classify(view);
    let candidates = market.candidates(judgement.task, settings)?;
    Ok(Routed::new(Some(judgement), choose(&judgement, candidates, settings.knob()), before))
}

/// `openrouter/free`: models that cost nothing and can serve the request, in an order that the request's seed draws.
/// `before` goes first, as for [`route`].
///
/// # Errors
/// As for [`route`].
pub fn free(market: &Market<'_>, before: Option<ModelIx>) -> Result<Routed, NoEndpoint> {
    let mut models: Vec<AutoCandidate> = market.serving(Pool::Free, TaskKind::General)?;
    models.sort_by_cached_key(|candidate| mixed(market.ask.seed, candidate.slug.as_str()));
    Ok(Routed::new(None, Ranking { need: 0.0, sufficient: models.len(), models, above: Vec::new() }, before))
}

/// A number that depends on the seed and on every character of the name (FNV-1a, then SplitMix64's finalizer).
fn mixed(seed: u64, name: &str) -> u64 {
    let mut z = name.bytes().fold(seed ^ 0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
