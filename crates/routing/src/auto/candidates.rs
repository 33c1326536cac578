//! Which models may answer at all.

use std::fmt;

use portolan_catalog::{Catalog, Endpoint, Model, ModelIx, SIMULATOR};
use portolan_core::{Capabilities, Capability, ModelSlug, Price, Task};

use super::pattern::any_covers;
use super::plugin::AutoPlugin;
use super::strength;
use super::task::TaskKind;
use crate::ask::{Ask, Bind, Bindings, SimulatorUse};
use crate::plan::Sieve;

/// Parts of the names of models that judge text and do not answer it: guards and classifiers. The catalog lists them as
/// chat models, for they are called so. `guard` is in `safeguard`, `guardian` and `prompt-guard`, too.
const JUDGES: [&str; 4] = ["guard", "content-safety", "shieldgemma", "moderation"];

/// What a request needs of a model.
#[derive(Debug, Clone, Copy, Default)]
pub struct Needs {
    /// Abilities, all of which one endpoint must have.
    pub capabilities: Capabilities,
    /// Fewer tokens than the input can have ([`crate::Ask::input_tokens_min`]).
    pub input_tokens_min: u64,
    /// The limit of output tokens that it states.
    pub max_output: Option<u64>,
}

/// A model that can answer.
#[derive(Debug, Clone, PartialEq)]
pub struct AutoCandidate {
    /// Which one.
    pub model: ModelIx,
    /// Its name.
    pub slug: ModelSlug,
    /// How strong it is for the task, 0 to 1.
    pub strength: f32,
    /// The mean of input and output price of its cheapest endpoint that can serve the request.
    pub price: Price,
    /// That endpoint costs nothing.
    pub free: bool,
}

/// No model is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoModel;

impl NoModel {
    /// OpenRouter's HTTP status.
    pub const HTTP_STATUS: u16 = 404;
}

impl fmt::Display for NoModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("No models match your request and model restrictions")
    }
}

impl std::error::Error for NoModel {}

/// Where models are looked for.
#[derive(Debug, Clone, Copy)]
pub struct Market<'a> {
    /// The snapshot.
    pub catalog: &'a Catalog,
    /// What stands behind its endpoints.
    pub bindings: &'a Bindings,
    /// The request asks for the simulator.
    pub simulate: bool,
    /// The request whose preferences and policies restrict the choice; its models count for nothing.
    pub ask: Option<&'a Ask<'a>>,
}

impl<'a> Market<'a> {
    /// The models that `settings` allow and that can serve the request, in the order of the catalog.
    ///
    /// Without `allowed_models` these are the models of the default set; all chat models, where none of that set can serve it.
    ///
    /// # Errors
    /// When none is left.
    pub fn candidates(&self, task: TaskKind, needs: &Needs, settings: &AutoPlugin) -> Result<Vec<AutoCandidate>, NoModel> {
        let (allowed, excluded) = (settings.allowed(), settings.excluded());
        let not_excluded = |model: &Model| !named(excluded, model);
        if !allowed.is_empty() {
            return some(self.serving(task, needs, |model| {
                let variant = model.slug.as_str().contains(':');
                let patterns = allowed.iter().filter(|pattern| !variant || pattern.contains(':'));
                // Who wants a judge names it; a wildcard means those that answer.
                let patterns = patterns.filter(|pattern| !pattern.contains('*') || !is_judge(model));
                patterns.into_iter().any(|pattern| named(std::slice::from_ref(pattern), model)) && not_excluded(model)
            }));
        }
        let default = self.serving(task, needs, |model| strength::is_default(model) && not_excluded(model));
        if !default.is_empty() {
            return Ok(default);
        }
        some(self.serving(task, needs, |model| ordinary(model) && not_excluded(model)))
    }

    /// The models that cost nothing wherever they are served, and of which an endpoint can serve the request. One that costs
    /// nothing at some endpoints only is none: a failure there would lead to the others.
    pub(crate) fn free(&self, needs: &Needs) -> Vec<AutoCandidate> {
        let (behind, is_simulated) = (self.behind(), self.is_simulated());
        let wanted = |model: &Model| !is_judge(model) && (model.slug.author() != SIMULATOR || is_simulated);
        let mut all = self.serving(TaskKind::General, needs, wanted);
        all.retain(|candidate| self.bound(self.catalog.model_at(candidate.model), behind).all(|endpoint| endpoint.free));
        all
    }

    /// Chat models that `wanted` picks and that can serve the request.
    fn serving(&self, task: TaskKind, needs: &Needs, wanted: impl Fn(&Model) -> bool) -> Vec<AutoCandidate> {
        let simulator_use = if self.is_simulated() { SimulatorUse::OnlySimulated } else { SimulatorUse::OnlyReal };
        let sieve = self.ask.and_then(|ask| Sieve::new(self.catalog, self.bindings, ask, simulator_use));
        let behind = self.behind();
        let mut out = Vec::new();
        for (at, model) in (0u32..).zip(&self.catalog.models) {
            if model.task != Task::Chat || model.wildcard || !speaks(model, needs.capabilities) || !wanted(model) {
                continue;
            }
            let left = sieve.as_ref().map(|sieve| sieve.left(model));
            let serves = |endpoint: &&Endpoint| can_serve(endpoint, needs) && left.as_ref().is_none_or(|left| left.contains(&endpoint.ix));
            let bound = self.bound(model, behind).filter(serves);
            if let Some(cheapest) = bound.min_by_key(|endpoint| (!endpoint.free, endpoint.blended_price())) {
                let price = if cheapest.free { Price(0) } else { cheapest.blended_price() };
                out.push(AutoCandidate {
                    model: ModelIx(at),
                    slug: model.slug.clone(),
                    strength: strength::strength(model, task, price),
                    price,
                    free: cheapest.free,
                });
            }
        }
        out
    }

    /// What stands behind the endpoints of this plan's world.
    fn behind(&self) -> Bind {
        if self.is_simulated() { Bind::Simulated } else { Bind::Real }
    }

    /// The endpoints of a model that have this behind them.
    fn bound(&self, model: &'a Model, behind: Bind) -> impl Iterator<Item = &'a Endpoint> + use<'a> {
        let Market { catalog, bindings, .. } = *self;
        model.endpoints.iter().filter(move |ix| bindings.get(**ix) == behind).map(|ix| catalog.endpoint(*ix))
    }

    /// Real providers answer as soon as one has a credential. Depends on no setting of the request but `simulate`, so that a
    /// restriction can not move it into the other world.
    fn is_simulated(&self) -> bool {
        self.simulate || !self.catalog.models.iter().flat_map(|model| &model.endpoints).any(|ix| self.bindings.get(*ix) == Bind::Real)
    }
}

fn some(candidates: Vec<AutoCandidate>) -> Result<Vec<AutoCandidate>, NoModel> {
    if candidates.is_empty() { Err(NoModel) } else { Ok(candidates) }
}

fn named(patterns: &[String], model: &Model) -> bool {
    any_covers(patterns, model.slug.as_str()) || any_covers(patterns, model.canonical_slug.as_str())
}

/// Neither a variant nor one of the simulator's, and none that only judges.
fn ordinary(model: &Model) -> bool {
    !model.slug.as_str().contains(':') && model.slug.author() != SIMULATOR && !is_judge(model)
}

/// Whether it judges text and does not answer it, by its name.
#[must_use]
pub fn is_judge(model: &Model) -> bool {
    JUDGES.iter().any(|part| model.slug.as_str().contains(part))
}

/// A model that also draws or talks is for requests that ask for it.
fn speaks(model: &Model, needs: Capabilities) -> bool {
    let media = needs.has(Capability::ImageOutput) || needs.has(Capability::AudioOutput);
    media || model.output_modalities.iter().all(|modality| modality == "text")
}

fn can_serve(endpoint: &Endpoint, needs: &Needs) -> bool {
    endpoint.callable.is_ok()
        && needs.capabilities.without(endpoint.capabilities).is_empty()
        && needs.input_tokens_min <= u64::from(endpoint.prompt_limit())
        && needs.max_output.is_none_or(|asked| asked <= u64::from(endpoint.max_output))
}
