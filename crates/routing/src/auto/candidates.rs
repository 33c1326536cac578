//! Which models may answer at all.

use portolan_catalog::{Catalog, EndpointIx, Model, ModelIx, SIMULATOR};
use portolan_core::{Capabilities, Capability, ModelSlug, Parameters, Price, Task};

use super::pattern::any_covers;
use super::plugin::AutoPlugin;
use super::route::Router;
use super::strength;
use super::task::TaskKind;
use crate::ask::{Ask, Bind, Bindings, SimulatorUse};
use crate::plan::{Choice, NoEndpoint, Rejection, Sieve};
use crate::rule::{Detail, Rule, Source};

/// Parts of the names of models that judge text and do not answer it: guards and classifiers. The catalog lists them as
/// chat models, for they are called so. `guard` is in `safeguard`, `guardian` and `prompt-guard`, too.
const JUDGES: [&str; 4] = ["guard", "content-safety", "shieldgemma", "moderation"];

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
}

/// Where models are looked for, and for which request.
#[derive(Debug, Clone, Copy)]
pub struct Market<'a> {
    /// The snapshot.
    pub catalog: &'a Catalog,
    /// What stands behind its endpoints.
    pub bindings: &'a Bindings,
    /// The request. Its models count for nothing.
    pub ask: &'a Ask<'a>,
}

/// Which chat models a router looks at.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pool<'s> {
    /// Those that cost nothing wherever they are served. One that costs nothing at some endpoints only is none: a failure there
    /// would lead to the others.
    Free,
    /// Those that the settings allow: without `allowed_models` the default set, and all ordinary ones where none of that set can
    /// serve the request.
    Allowed(&'s AutoPlugin),
}

/// A part of a pool.
#[derive(Clone, Copy)]
enum Part<'s> {
    Free,
    Covered(&'s [String]),
    Default,
    Others,
}

impl<'s> Pool<'s> {
    /// The pool of a router.
    pub(crate) fn of(router: Router, settings: &'s AutoPlugin) -> Self {
        match router {
            Router::Auto => Pool::Allowed(settings),
            Router::Free => Pool::Free,
        }
    }

    /// Its parts. A later one is looked at when no model of those before it can serve the request.
    fn parts(&self) -> Vec<Part<'_>> {
        match self {
            Pool::Free => vec![Part::Free],
            Pool::Allowed(settings) if settings.allowed().is_empty() => vec![Part::Default, Part::Others],
            Pool::Allowed(settings) => vec![Part::Covered(settings.allowed())],
        }
    }

    fn excluded(&self) -> &[String] {
        match self {
            Pool::Free => &[],
            Pool::Allowed(settings) => settings.excluded(),
        }
    }

    /// `allowed_models` says which these are.
    fn is_covered(&self) -> bool {
        matches!(self, Pool::Allowed(settings) if !settings.allowed().is_empty())
    }
}

impl<'a> Market<'a> {
    /// The models that `settings` allow and that can serve the request, in the order of the catalog.
    ///
    /// # Errors
    /// When none is left, or the preferences of the request are wrong whatever the model.
    pub fn candidates(&self, task: TaskKind, settings: &AutoPlugin) -> Result<Vec<AutoCandidate>, NoEndpoint> {
        self.serving(Pool::Allowed(settings), task)
    }

    /// The models of a pool that can serve the request, in the order of the catalog.
    ///
    /// # Errors
    /// As for [`Market::candidates`].
    pub(crate) fn serving(&self, pool: Pool<'_>, task: TaskKind) -> Result<Vec<AutoCandidate>, NoEndpoint> {
        let sieve = self.sieve()?;
        let found = self.sort(&sieve, pool, task, |_| {});
        if found.is_empty() { Err(sieve.nothing_left(self.rejected(pool), pool.is_covered())) } else { Ok(found) }
    }

    /// The endpoints of a pool that can not serve the request, each with its rule, model by model. Who explains a choice asks for them.
    pub(crate) fn rejected(&self, pool: Pool<'_>) -> Vec<Rejection> {
        let mut all = Vec::new();
        if let Ok(sieve) = self.sieve() {
            self.sort(&sieve, pool, TaskKind::General, |rejected| all.extend_from_slice(rejected));
        }
        all
    }

    fn sieve(&self) -> Result<Sieve<'a>, NoEndpoint> {
        let simulator_use = if self.is_simulated() { SimulatorUse::OnlySimulated } else { SimulatorUse::OnlyReal };
        Sieve::new(self.catalog, self.bindings, self.ask, simulator_use)
    }

    /// The models of the first part with one that can serve the request. `out` is told of the endpoints that can not, model by model.
    fn sort(&self, sieve: &Sieve<'_>, pool: Pool<'_>, task: TaskKind, mut out: impl FnMut(&[Rejection])) -> Vec<AutoCandidate> {
        let is_simulated = self.is_simulated();
        let (mut found, mut attempts, mut rejected) = (Vec::new(), Vec::new(), Vec::new());
        for part in pool.parts() {
            for ix in self.models(part) {
                let model = self.catalog.model_at(ix);
                if model.task != Task::Chat || model.wildcard || !self.holds(part, model, is_simulated) {
                    continue;
                }
                attempts.clear();
                rejected.clear();
                match unfit(model, pool.excluded(), self.ask.needs) {
                    Some((rule, source, detail)) => {
                        rejected.extend(model.endpoints.iter().map(|ix| Rejection::by_router(*ix, rule, source, detail)));
                    }
                    None => sieve.sort(model, &mut attempts, &mut rejected),
                }
                if let Some(price) = self.cheapest(&attempts, &mut rejected) {
                    let (slug, strength) = (model.slug.clone(), strength::strength(model, task, price));
                    found.push(AutoCandidate { model: ix, slug, strength, price });
                }
                out(&rejected);
            }
            if !found.is_empty() {
                break;
            }
        }
        found
    }

    /// The price of the cheapest endpoint that has every ability of the request. What is a wish to a named model, a router finds elsewhere.
    fn cheapest(&self, left: &[Choice], rejected: &mut Vec<Rejection>) -> Option<Price> {
        let able = left.iter().map(|choice| self.catalog.endpoint(choice.endpoint)).filter(|endpoint| {
            let lacks = self.ask.needs.without(endpoint.capabilities);
            if !lacks.is_empty() {
                let detail = Detail::Lacks(lacks, Parameters::NONE);
                rejected.push(Rejection::by_router(endpoint.ix, Rule::Capability, Source::RequestNeeds, detail));
            }
            lacks.is_empty()
        });
        able.map(|endpoint| if endpoint.free { Price(0) } else { endpoint.blended_price() }).min()
    }

    /// The models that a part may hold, in the order of the catalog.
    fn models(&self, part: Part<'_>) -> Vec<ModelIx> {
        match part {
            Part::Default => {
                let mut set: Vec<_> = strength::default_set().filter_map(|slug| self.catalog.model_ix(slug)).collect();
                set.sort_unstable();
                set
            }
            _ => (0u32..).map(ModelIx).take(self.catalog.models.len()).collect(),
        }
    }

    fn holds(&self, part: Part<'_>, model: &Model, is_simulated: bool) -> bool {
        match part {
            Part::Default => strength::is_default(model),
            Part::Others => ordinary(model) && !strength::is_default(model),
            Part::Covered(patterns) => {
                let variant = model.slug.as_str().contains(':');
                let patterns = patterns.iter().filter(|pattern| !variant || pattern.contains(':'));
                // Who wants a judge names it; a wildcard means those that answer.
                let mut patterns = patterns.filter(|pattern| !pattern.contains('*') || !is_judge(model));
                patterns.any(|pattern| named(std::slice::from_ref(pattern), model))
            }
            Part::Free => {
                let behind = if is_simulated { Bind::Simulated } else { Bind::Real };
                let is_free = |ix: &EndpointIx| self.catalog.endpoint(*ix).free;
                let mut bound = model.endpoints.iter().filter(|ix| self.bindings.get(**ix) == behind).peekable();
                let costs_nothing = if bound.peek().is_some() { bound.all(is_free) } else { model.endpoints.iter().all(is_free) };
                costs_nothing && !is_judge(model) && (model.slug.author() != SIMULATOR || is_simulated)
            }
        }
    }

    /// Real providers answer as soon as one has a credential. Depends on no setting of the request but `simulate`, so that a
    /// restriction can not move it into the other world.
    fn is_simulated(&self) -> bool {
        self.ask.simulate || !self.catalog.models.iter().flat_map(|model| &model.endpoints).any(|ix| self.bindings.get(*ix) == Bind::Real)
    }
}

/// Why no endpoint of a model may serve the request, whatever they are like.
fn unfit(model: &Model, excluded: &[String], needs: Capabilities) -> Option<(Rule, Source, Detail)> {
    if named(excluded, model) {
        return Some((Rule::ModelNotAllowed, Source::RequestExcludedModels, Detail::None));
    }
    // A model that also draws or talks is for requests that ask for it.
    let media = needs.has(Capability::ImageOutput) || needs.has(Capability::AudioOutput);
    let speaks = media || model.output_modalities.iter().all(|modality| modality == "text");
    (!speaks).then_some((Rule::Task, Source::Catalog, Detail::GivesMedia))
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
