//! Which endpoints of a model are out, and by which rule.
//!
//! Rules are asked in the order of [`Rule`]. None of them looks at what the preferences have left over, so a further
//! restriction can only take endpoints away.

use std::sync::LazyLock;

use portolan_catalog::{Catalog, Endpoint, Model};
use portolan_core::{Capabilities, Capability, Parameters, ServiceTier, SortBy};

use crate::ask::{Ask, Bind, Bindings, Health, SimulatorUse};
use crate::names::Entry;
use crate::order;
use crate::plan::{Choice, Rejection};
use crate::policy::{CHECKS, Candidate, Terms};
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

/// Parameters that endpoints are preferred for, beside abilities.
static SOFT_PARAMETERS: LazyLock<Parameters> = LazyLock::new(|| ["verbosity"].into_iter().collect());

/// What the rules look at, of one requested model.
pub(crate) struct Scope<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) bindings: &'a Bindings,
    pub(crate) ask: &'a Ask<'a>,
    pub(crate) health: &'a dyn Health,
    pub(crate) simulator_use: SimulatorUse,
    pub(crate) terms: &'a [Terms<'a>],
    /// `order`, looked up.
    pub(crate) named: &'a [Entry<'a>],
    pub(crate) model: &'a Model,
    pub(crate) requested: u16,
    /// By what its endpoints are sorted, where they are not balanced.
    pub(crate) sort: Option<SortBy>,
}

/// Abilities and parameters for which endpoints are preferred.
type Wishes = (Capabilities, Parameters);

pub(crate) type Verdict = Option<(Rule, Source, Detail)>;

/// Sorts the endpoints of a model into attempts, in the order of the catalog, and rejections.
pub(crate) fn filter(scope: &Scope<'_>, attempts: &mut Vec<Choice>, rejected: &mut Vec<Rejection>) {
    let wishes = scope.granted_wishes();
    let flex_only = scope.ask.service_tier == Some(ServiceTier::Flex) && scope.serves_flex();
    for ix in &scope.model.endpoints {
        let endpoint = scope.catalog.endpoint(*ix);
        let mut policy = None;
        let verdict = scope
            .bound(endpoint)
            .or_else(|| scope.does(endpoint))
            .or_else(|| scope.in_order(endpoint))
            .or_else(|| scope.allowed(endpoint, &mut policy))
            .or_else(|| scope.tier(endpoint, flex_only))
            .or_else(|| fits(scope.ask, endpoint))
            .or_else(|| scope.chosen(endpoint, wishes));
        match verdict {
            None => attempts.push(order::unordered(scope, endpoint)),
            Some((rule, source, detail)) => {
                rejected.push(Rejection { endpoint: *ix, requested: scope.requested, rule, source, policy, detail });
            }
        }
    }
}

fn hard() -> Capabilities {
    HARD.into_iter().collect()
}

/// Whether the request fits an endpoint, whatever is allowed.
pub(crate) fn fits(ask: &Ask<'_>, endpoint: &Endpoint) -> Verdict {
    let lacking = ask.needs.without(ask.needs.without(hard())).without(endpoint.capabilities);
    if !lacking.is_empty() {
        return Some((Rule::Capability, Source::RequestNeeds, Detail::Lacks(lacking, Parameters::NONE)));
    }
    let (needs, has) = (ask.input_tokens_min(), u64::from(endpoint.prompt_limit()));
    if needs > has {
        return Some((Rule::ContextLength, Source::RequestMessages, Detail::Limit { needs, has }));
    }
    let (needs, has) = (ask.max_output.unwrap_or(0), u64::from(endpoint.max_output));
    (needs > has).then_some((Rule::MaxOutput, Source::RequestMaxTokens, Detail::Limit { needs, has }))
}

impl Scope<'_> {
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

    /// Whether it does what is asked for.
    fn does(&self, endpoint: &Endpoint) -> Verdict {
        (endpoint.task != self.ask.task).then_some((Rule::Task, Source::Catalog, Detail::Does(endpoint.task)))
    }

    /// Whether `order` names it, where there are no fallbacks. Asked before the rules that look at what is named.
    fn in_order(&self, endpoint: &Endpoint) -> Verdict {
        let left_out = !self.ask.preferences.allow_fallbacks && !self.named.is_empty() && self.rank(endpoint).is_none();
        left_out.then_some((Rule::NotInOrder, Source::RequestAllowFallbacks, Detail::None))
    }

    /// Whether the preferences and policies let it pass; else also which policy does not.
    fn allowed(&self, endpoint: &Endpoint, policy: &mut Option<u16>) -> Verdict {
        let of = Candidate { endpoint, model: self.model, needs: self.ask.needs, is_tier_open: self.is_tier_open(endpoint) };
        for (rule, check) in CHECKS {
            for terms in self.terms {
                if let Some((source, detail)) = check(terms, &of) {
                    *policy = terms.policy.map(|(index, _)| index);
                    return Some((rule, terms.policy.map_or(source, |(_, source)| source), detail));
                }
            }
        }
        None
    }

    /// Whether its service tier may serve this request. Where there are flex endpoints, a flex request does not go up.
    fn tier(&self, endpoint: &Endpoint, flex_only: bool) -> Verdict {
        let out = if flex_only { endpoint.service_tier != Some(ServiceTier::Flex) } else { !self.is_tier_chosen(endpoint) };
        out.then_some((Rule::ServiceTier, Source::RequestServiceTier, Detail::Tier(endpoint.service_tier)))
    }

    /// The request asks for the tier, by `service_tier` or by a variant, or there is none to ask for.
    pub(crate) fn is_tier_open(&self, endpoint: &Endpoint) -> bool {
        let admitted = self.ask.variant(self.requested).and_then(crate::Variant::admits);
        endpoint.service_tier.is_none_or(|tier| self.ask.service_tier == Some(tier) || admitted == Some(tier))
    }

    /// The tier is open, or the request names the endpoint in full. What a policy names is no wish.
    fn is_tier_chosen(&self, endpoint: &Endpoint) -> bool {
        let only = self.terms.iter().filter(|terms| terms.policy.is_none()).flat_map(|terms| &terms.only);
        self.is_tier_open(endpoint) || only.chain(self.named).any(|entry| entry.is_full_slug_of(endpoint))
    }

    /// Whether a flex endpoint could serve this request, whatever the preferences say.
    fn serves_flex(&self) -> bool {
        let flex = |endpoint: &Endpoint| endpoint.service_tier == Some(ServiceTier::Flex);
        self.catalog.endpoints_of(self.model).any(|e| flex(e) && self.could_serve(e))
    }

    fn could_serve(&self, endpoint: &Endpoint) -> bool {
        self.bound(endpoint).is_none() && self.does(endpoint).is_none() && fits(self.ask, endpoint).is_none()
    }

    /// What endpoints are preferred for: of the wishes, taken one after the other, those that some endpoint grants beside
    /// the ones before, whatever the preferences say.
    fn granted_wishes(&self) -> Wishes {
        let ask = self.ask;
        let parameters = ask.parameters.without(ask.parameters.without(*SOFT_PARAMETERS));
        let abilities = ask.needs.without(hard());
        let mut granted = (Capabilities::NONE, Parameters::NONE);
        if abilities.is_empty() && parameters.is_empty() {
            return granted;
        }
        let granting = |(abilities, parameters): Wishes| {
            let grants = |e: &Endpoint| abilities.without(e.capabilities).is_empty() && parameters.without(e.parameters).is_empty();
            self.catalog.endpoints_of(self.model).any(|e| grants(e) && self.is_tier_chosen(e) && self.could_serve(e))
        };
        for ability in abilities.iter() {
            let more = (granted.0.with(ability), granted.1);
            granted = if granting(more) { more } else { granted };
        }
        let more = (granted.0, parameters);
        if !parameters.is_empty() && granting(more) { more } else { granted }
    }

    /// Rules that look at the state of the endpoint and at the others.
    fn chosen(&self, endpoint: &Endpoint, (abilities, parameters): Wishes) -> Verdict {
        if self.ask.strict && self.health.strict_barred(endpoint.ix) {
            return Some((Rule::StrictBarred, Source::Health, Detail::None));
        }
        let lacking = (abilities.without(endpoint.capabilities), parameters.without(endpoint.parameters));
        let lacks = !lacking.0.is_empty() || !lacking.1.is_empty();
        lacks.then_some((Rule::CapabilityPreferred, Source::RequestNeeds, Detail::Lacks(lacking.0, lacking.1)))
    }

    /// Its place in `order`.
    pub(crate) fn rank(&self, endpoint: &Endpoint) -> Option<usize> {
        let whole = self.is_tier_open(endpoint);
        self.named.iter().position(|entry| entry.is_provider_of(endpoint) && whole || entry.is_full_slug_of(endpoint))
    }
}
