//! The plan of a request.

use portolan_catalog::{Catalog, EndpointIx, Model, ModelIx};
use portolan_core::{ModelSlug, Partition, Price};

use crate::ask::{Ask, Bindings, Health, NoFailures, SimulatorUse};
use crate::filter::Scope;
use crate::names::Entry;
use crate::policy::Terms;
use crate::rule::{Detail, Rule, Source};
use crate::variant::Variant;
use crate::{contradiction, filter, names, order};

/// So many names are suggested for an unknown model.
const SUGGESTIONS_MAX: usize = 3;

portolan_core::words! {
    /// Why an attempt stands where it stands.
    pub enum OrderReason {
        /// `order` names it.
        Named = "named",
        /// It was drawn, with a chance of its weight.
        Drawn = "drawn",
        /// An earlier request of the session bound it.
        Sticky = "sticky",
        /// The request asks for priority, and it has it.
        Tier = "tier",
        /// Sorted by price, or a fallback: the cheaper first.
        Price = "price",
        /// Sorted by throughput: the faster first.
        Throughput = "throughput",
        /// Sorted by latency: the quicker first.
        Latency = "latency",
        /// Sorted by the quality of tool calls.
        Exacto = "exacto",
        /// It misses a threshold of the request: behind those that do not.
        Misses = "misses",
        /// It failed in the last 30 seconds: behind the others.
        Unhealthy = "unhealthy",
    }
}

/// Stands for the place of a model that a router looks at. It matters for variants and wildcards only, which a router leaves out.
const UNREQUESTED: u16 = u16::MAX;

/// One attempt of a plan.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice {
    /// Where to.
    pub endpoint: EndpointIx,
    /// Which of the requested models it serves.
    pub requested: u16,
    /// The price it was weighed by.
    pub price: Price,
    /// Its chance of being the first of its model, 0 to 1; 0 where no draw was made for it.
    pub weight: f64,
    /// Why here.
    pub reason: OrderReason,
    /// It failed in the last 30 seconds.
    pub failed_recently: bool,
    /// It failed, and this plan finds out whether it is well again.
    pub probes: bool,
    /// It is known to miss a threshold that the request prefers.
    pub misses: bool,
    /// An earlier request of the session bound it.
    pub sticky: bool,
    /// Tokens per second, the median; only where the order asked for it.
    pub throughput: Option<f64>,
    /// Seconds to the first token, the median; only where the order asked for it.
    pub latency: Option<f64>,
    /// The share of bad tool calls; only where the order asked for it.
    pub tool_error_rate: Option<f64>,
}

/// An endpoint that is out, by the first rule that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejection {
    /// Which one.
    pub endpoint: EndpointIx,
    /// Which of the requested models it would have served.
    pub requested: u16,
    /// The rule.
    pub rule: Rule,
    /// Where the rule comes from.
    pub source: Source,
    /// Which policy of the ask, where the rule comes from one.
    pub policy: Option<u16>,
    /// Its terms.
    pub detail: Detail,
}

/// Where a request may go, the first choice first.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Plan {
    /// Never empty.
    pub attempts: Vec<Choice>,
    /// All other endpoints of the requested models.
    pub rejected: Vec<Rejection>,
    /// Whether the simulator answers all of it.
    pub simulator_use: SimulatorUse,
    /// The seed of the draw.
    pub seed: u64,
}

/// No plan.
#[derive(Debug, Clone, PartialEq)]
pub enum NoEndpoint {
    /// A requested model is none of the catalog's.
    UnknownModel {
        /// The name.
        slug: ModelSlug,
        /// Names that resemble it.
        nearest: Vec<ModelSlug>,
    },
    /// `order` or `only` names a provider that nobody is called.
    UnknownProvider {
        /// The field: `provider.order` or `provider.only`.
        field: &'static str,
        /// The name.
        name: String,
        /// Slugs that resemble it.
        nearest: Vec<String>,
    },
    /// Two preferences leave nothing over, whatever the endpoints are like.
    Contradiction {
        /// The two fields.
        fields: [&'static str; 2],
        /// What stands in the first.
        names: Vec<String>,
    },
    /// Every endpoint is out.
    NothingLeft {
        /// Each with its rule.
        rejected: Vec<Rejection>,
    },
    /// A router has no model to choose.
    NoModel {
        /// `allowed_models` says among which it may choose.
        is_covered: bool,
        /// The endpoints of those models, each with its rule. Empty: there is no such model.
        rejected: Vec<Rejection>,
    },
}

/// Plans a request: every endpoint of the requested models is either an attempt or rejected by one rule. No endpoint of
/// another model is ever in it: who chose a model gets it, or a refusal.
///
/// Models keep the order of the request, unless a sort is to take them all together. Within a model come the endpoints that
/// `order` names; else the one of the session; then the others as sorted, or one drawn by 1/price² and the rest by price.
/// What misses a preferred threshold goes behind, and what failed recently goes last.
///
/// # Errors
/// When a model or a named provider is unknown, preferences contradict each other, or no endpoint is left.
pub fn plan(catalog: &Catalog, bindings: &Bindings, ask: &Ask<'_>, health: &dyn Health) -> Result<Plan, NoEndpoint> {
    let models = requested(catalog, ask)?;
    let terms = Terms::all(catalog, ask);
    let named = names::entries(catalog, &ask.preferences.order);
    contradiction::known(catalog, &named, &terms)?;
    let simulator_use = ask.simulator_use(catalog, bindings);
    let total = models.iter().map(|(_, _, m)| m.endpoints.len()).sum();
    let (mut attempts, mut rejected) = (Vec::with_capacity(total), Vec::new());
    let together = sorts_together(ask);
    let scope = |requested, model| {
        let sort = ask.variant(requested).map(Variant::sorts_by).or(ask.preferences.sort.map(|sort| sort.by));
        Scope { catalog, bindings, ask, health, simulator_use, terms: &terms, named: &named, model, requested, sort }
    };
    for (requested, _, model) in &models {
        filter::filter(&scope(*requested, *model), &mut attempts, &mut rejected);
    }
    let arrange = |attempts: &mut [Choice]| {
        for own in attempts.chunk_by_mut(|one, next| together || one.requested == next.requested) {
            let (requested, _, model) = models.iter().find(|(requested, ..)| *requested == own[0].requested).expect("it was requested");
            order::order(&scope(*requested, *model), own);
        }
    };
    arrange(&mut attempts);
    if order::probe_one(health, &mut attempts) {
        arrange(&mut attempts);
    }
    if !together {
        order::misses_last(&mut attempts);
    }
    if !ask.preferences.allow_fallbacks && named.is_empty() {
        order::cut_fallbacks(&mut attempts, &mut rejected);
    }
    if attempts.is_empty() {
        let models = models.iter().map(|(_, _, model)| *model);
        return Err(contradiction::find(catalog, ask, &named, &terms, models).unwrap_or(NoEndpoint::NothingLeft { rejected }));
    }
    Ok(Plan { attempts, rejected, simulator_use, seed: ask.seed })
}

/// The restrictions of a request, for who asks many models which endpoints of theirs they leave over.
pub(crate) struct Sieve<'a> {
    catalog: &'a Catalog,
    bindings: &'a Bindings,
    ask: &'a Ask<'a>,
    simulator_use: SimulatorUse,
    terms: Vec<Terms<'a>>,
    named: Vec<Entry<'a>>,
}

impl<'a> Sieve<'a> {
    /// # Errors
    /// When the preferences name somebody unknown, whatever the models.
    pub(crate) fn new(
        catalog: &'a Catalog,
        bindings: &'a Bindings,
        ask: &'a Ask<'a>,
        simulator_use: SimulatorUse,
    ) -> Result<Self, NoEndpoint> {
        let (terms, named) = (Terms::all(catalog, ask), names::entries(catalog, &ask.preferences.order));
        contradiction::known(catalog, &named, &terms)?;
        Ok(Self { catalog, bindings, ask, simulator_use, terms, named })
    }

    /// Why none of the models is left whose endpoints are rejected.
    pub(crate) fn nothing_left(&self, rejected: Vec<Rejection>, is_covered: bool) -> NoEndpoint {
        let mut models: Vec<ModelIx> = rejected.iter().map(|rejection| self.catalog.endpoint(rejection.endpoint).model).collect();
        models.dedup();
        let models = models.into_iter().map(|ix| self.catalog.model_at(ix));
        let wrong = contradiction::find(self.catalog, self.ask, &self.named, &self.terms, models);
        wrong.unwrap_or(NoEndpoint::NoModel { is_covered, rejected })
    }

    /// Sorts the endpoints of a model into those that can be attempts and rejections.
    pub(crate) fn sort(&self, model: &Model, attempts: &mut Vec<Choice>, rejected: &mut Vec<Rejection>) {
        let Self { catalog, bindings, ask, simulator_use, terms, named } = self;
        let (terms, named, simulator_use) = (terms.as_slice(), named.as_slice(), *simulator_use);
        let scope =
            Scope { catalog, bindings, ask, health: &NoFailures, simulator_use, terms, named, model, requested: UNREQUESTED, sort: None };
        filter::filter(&scope, attempts, rejected);
    }
}

impl Rejection {
    /// Of an endpoint that a router leaves out for a reason of its own.
    pub(crate) fn by_router(endpoint: EndpointIx, rule: Rule, source: Source, detail: Detail) -> Self {
        Self { endpoint, requested: UNREQUESTED, rule, source, policy: None, detail }
    }
}

/// `partition: "none"`. A variant sorts its own model, so that with one of them the models stay apart.
fn sorts_together(ask: &Ask<'_>) -> bool {
    ask.preferences.sort.is_some_and(|sort| sort.partition == Partition::None) && ask.variants.iter().all(Option::is_none)
}

/// The requested models, each once. One unknown name refuses the request: a typing error in a fallback shows at once, not on a bad day.
fn requested<'c>(catalog: &'c Catalog, ask: &Ask<'_>) -> Result<Vec<(u16, ModelIx, &'c Model)>, NoEndpoint> {
    let mut models = Vec::with_capacity(ask.models.len());
    for (i, slug) in ask.models.iter().enumerate().take(usize::from(u16::MAX)) {
        let Some(ix) = catalog.model_ix(slug.as_str()) else {
            let nearest = catalog.nearest(slug.as_str(), SUGGESTIONS_MAX).into_iter().cloned().collect();
            return Err(NoEndpoint::UnknownModel { slug: slug.clone(), nearest });
        };
        let model = catalog.model_at(ix);
        // A wildcard is another model under each name.
        if model.wildcard || !models.iter().any(|(_, other, _)| *other == ix) {
            models.push((u16::try_from(i).unwrap_or(u16::MAX), ix, model));
        }
    }
    Ok(models)
}
