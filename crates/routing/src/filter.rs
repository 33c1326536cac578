//! Which endpoints of a model are out, and by which rule.
//!
//! Rules are asked in the order of [`Rule`]. None of them looks at what the preferences have left over, so a further
//! restriction can only take endpoints away.

use portolan_catalog::{Catalog, Endpoint, Model};
use portolan_core::{Capabilities, Capability};

use crate::ask::{Ask, Bind, Bindings, Health, SimulatorUse};
use crate::order;
use crate::plan::{Choice, Rejection};
use crate::rule::{Detail, Rule, Source};

/// Lacking one of these, an endpoint can not read the request or give what it asks for. Lacking another ability it
/// can still answer, and others are only preferred.
const HARD: [Capability; 6] = [
    Capability::ImageInput,
    Capability::FileInput,
    Capability::AudioInput,
    Capability::VideoInput,
    Capability::ImageOutput,
    Capability::AudioOutput,
];

/// What the rules look at.
pub(crate) struct Scope<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) bindings: &'a Bindings,
    pub(crate) ask: &'a Ask<'a>,
    pub(crate) health: &'a dyn Health,
    pub(crate) simulator_use: SimulatorUse,
    pub(crate) requested: u16,
}

type Verdict = Option<(Rule, Source, Detail)>;

/// Sorts the endpoints of a model into attempts, in the order of the catalog, and rejections.
pub(crate) fn filter(scope: &Scope<'_>, model: &Model, attempts: &mut Vec<Choice>, rejected: &mut Vec<Rejection>) {
    let soft = scope.ask.needs.without(hard());
    let preferred = !soft.is_empty() && model.endpoints.iter().any(|ix| scope.offers(scope.catalog.endpoint(*ix), soft));
    for ix in &model.endpoints {
        let endpoint = scope.catalog.endpoint(*ix);
        let verdict = scope.fixed(endpoint).or_else(|| scope.chosen(endpoint, if preferred { soft } else { Capabilities::NONE }));
        match verdict {
            None => attempts.push(order::unordered(scope, endpoint)),
            Some((rule, source, detail)) => {
                rejected.push(Rejection { endpoint: *ix, requested: scope.requested, rule, source, detail });
            }
        }
    }
}

fn hard() -> Capabilities {
    HARD.into_iter().collect()
}

impl Scope<'_> {
    /// Rules that leave no choice, except that `only` and `ignore` are told before what the request needs.
    fn fixed(&self, endpoint: &Endpoint) -> Verdict {
        self.bound(endpoint).or_else(|| self.allowed(endpoint)).or_else(|| self.fits(endpoint))
    }

    /// Whether it can be called at all, in the world of this plan.
    fn bound(&self, endpoint: &Endpoint) -> Verdict {
        let not_callable = |why| Some((Rule::NotCallable, Source::Catalog, Detail::NotCallable(why)));
        let bind = self.bindings.get(endpoint.ix);
        match self.simulator_use {
            SimulatorUse::OnlySimulated => match endpoint.callable {
                Err(why) if !why.is_callable_by_simulator() => not_callable(why),
                _ if bind == Bind::Simulated || self.ask.simulate => None,
                _ => Some((Rule::SimulatedApart, Source::Configuration, Detail::None)),
            },
            SimulatorUse::OnlyReal => match (endpoint.callable, bind) {
                (Err(why), _) => not_callable(why),
                (Ok(()), Bind::Real) => None,
                (Ok(()), Bind::Simulated) => Some((Rule::SimulatedApart, Source::Configuration, Detail::None)),
                (Ok(()), Bind::Unbound) => Some((Rule::NoCredential, Source::Configuration, Detail::None)),
            },
        }
    }

    /// Whether `only` and `ignore` let it pass.
    fn allowed(&self, endpoint: &Endpoint) -> Verdict {
        let preferences = self.ask.preferences;
        let named = |entries: &[String]| entries.iter().any(|entry| self.names(entry, endpoint));
        if !preferences.only.is_empty() && !named(&preferences.only) {
            return Some((Rule::ProviderNotAllowed, Source::RequestOnly, Detail::None));
        }
        named(&preferences.ignore).then_some((Rule::ProviderNotAllowed, Source::RequestIgnore, Detail::None))
    }

    /// Whether the request fits it.
    fn fits(&self, endpoint: &Endpoint) -> Verdict {
        let ask = self.ask;
        let lacking = self.lacking(endpoint, hard());
        if !lacking.is_empty() {
            return Some((Rule::Capability, Source::RequestNeeds, Detail::Lacks(lacking)));
        }
        let (needs, has) = (ask.input_tokens_min(), u64::from(endpoint.prompt_limit()));
        if needs > has {
            return Some((Rule::ContextLength, Source::RequestMessages, Detail::Limit { needs, has }));
        }
        let (needs, has) = (ask.max_output.unwrap_or(0), u64::from(endpoint.max_output));
        (needs > has).then_some((Rule::MaxOutput, Source::RequestMaxTokens, Detail::Limit { needs, has }))
    }

    /// Rules that look at the state of the endpoint and at the others.
    fn chosen(&self, endpoint: &Endpoint, soft: Capabilities) -> Verdict {
        if self.ask.strict && self.health.strict_barred(endpoint.ix) {
            return Some((Rule::StrictBarred, Source::Health, Detail::None));
        }
        let lacking = self.lacking(endpoint, soft);
        if !lacking.is_empty() {
            return Some((Rule::CapabilityPreferred, Source::RequestNeeds, Detail::Lacks(lacking)));
        }
        let preferences = self.ask.preferences;
        let left_out = !preferences.allow_fallbacks && !preferences.order.is_empty() && self.rank(endpoint).is_none();
        left_out.then_some((Rule::NotInOrder, Source::RequestAllowFallbacks, Detail::None))
    }

    /// Whether it could serve this request with all of `soft`, whatever the preferences say.
    fn offers(&self, endpoint: &Endpoint, soft: Capabilities) -> bool {
        self.lacking(endpoint, soft).is_empty() && self.bound(endpoint).is_none() && self.fits(endpoint).is_none()
    }

    /// What of `these` the request needs and the endpoint lacks.
    fn lacking(&self, endpoint: &Endpoint, these: Capabilities) -> Capabilities {
        let needed = self.ask.needs.without(self.ask.needs.without(these));
        needed.without(endpoint.capabilities)
    }

    /// Its place in `order`.
    pub(crate) fn rank(&self, endpoint: &Endpoint) -> Option<usize> {
        self.ask.preferences.order.iter().position(|entry| self.names(entry, endpoint))
    }

    /// Whether an entry of `order`, `only` or `ignore` means this endpoint: the provider's slug or display name, or the tag, in any case.
    fn names(&self, entry: &str, endpoint: &Endpoint) -> bool {
        endpoint.tag.eq_ignore_ascii_case(entry) || self.catalog.provider(endpoint.provider).is_named(entry)
    }
}
