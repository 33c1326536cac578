//! Why nothing is left, in one sentence. It speaks of the endpoints that the rules before the decisive one left, and of no others.

use std::borrow::Cow;
use std::collections::BTreeSet;

use portolan_catalog::{Catalog, EndpointIx};
use portolan_core::ServiceTier;

use crate::ask::Ask;
use crate::detail::{areas, detail, stray_only};
use crate::filter::fits;
use crate::plan::Rejection;
use crate::policy::{CHECKS, Candidate, Terms};
use crate::rule::{Detail, Rule, Source};

/// The endpoints that are out, and the one whose rule decides.
pub(crate) struct Why<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) ask: &'a Ask<'a>,
    pub(crate) rejected: &'a [Rejection],
    pub(crate) decisive: &'a Rejection,
}

impl Why<'_> {
    /// The whole message: what happened, why, and the remedy.
    pub(crate) fn message(&self) -> String {
        let models = models(self.ask);
        if self.is_by_name() {
            let (serving, stray) = (self.serving().join(", "), stray_only(self.catalog, self.ask));
            return format!(
                "No allowed providers are available for the selected model. Providers serving {models}: {serving}, but {}{stray}.",
                self.reason()
            );
        }
        let remedy = self.remedy();
        let stop = if remedy.is_empty() { "" } else { ". " };
        format!("No endpoints found for {models}: {}{stop}{remedy}.", self.reason())
    }

    /// Why, as a part of a sentence.
    pub(crate) fn reason(&self) -> String {
        if self.is_by_name() {
            return self.permitted();
        }
        let none = self.none();
        let words: Cow<'_, str> = match self.decisive.rule {
            Rule::ModelNotAllowed => "excluded_models leaves no model over".into(),
            Rule::NotCallable => "its endpoints are listed, but can not be called".into(),
            Rule::NoCredential => "no provider that serves it has a credential".into(),
            Rule::SimulatedApart => "real and simulated endpoints never serve one request".into(),
            Rule::Task => "the model is not made for this kind of request".into(),
            Rule::NotInOrder | Rule::ProviderNotAllowed => self.permitted().into(),
            Rule::Region => format!("{none} is known to keep requests in {}", areas(self.ask).join(" and in ")).into(),
            Rule::ZdrRequired => format!("zero data retention is required, and {none} is known for it").into(),
            Rule::DataCollection => format!("collecting data is denied, and {none} is known to keep to that").into(),
            Rule::MaxPrice => format!("{none} costs as little as max_price allows").into(),
            Rule::Quantization => format!("{none} has one of the quantizations (there is {})", self.precisions().join(", ")).into(),
            Rule::Distillable => format!("text that may train other models is required, and {none} is known to give it").into(),
            Rule::Parameters => format!("require_parameters is set, and {none} takes every parameter of the request").into(),
            Rule::ServiceTier => match self.ask.service_tier.map(ServiceTier::as_str) {
                Some(tier) => format!("service_tier asks for {tier}, and {none} serves it").into(),
                None => format!("no service_tier is asked for, and {none} serves without one").into(),
            },
            Rule::Capability => format!("{none} takes this kind of input and gives this kind of output").into(),
            Rule::ContextLength => format!("{none} takes a prompt of this length").into(),
            Rule::MaxOutput => format!("{none} gives as many tokens as max_tokens asks for").into(),
            Rule::StrictBarred => format!("this key's budget is strict, and {none} kept to the usage that was held").into(),
            Rule::CapabilityPreferred => format!("{none} supports what the request asks for, as others of the model do").into(),
            Rule::FallbackNotAllowed => "fallbacks are not allowed".into(),
            Rule::BudgetExhausted | Rule::BudgetInFlight => "the key's limit does not allow what they can cost".into(),
        };
        format!("{words}{}", self.example())
    }

    /// It is a list of providers that decides.
    fn is_by_name(&self) -> bool {
        matches!(self.decisive.rule, Rule::NotInOrder | Rule::ProviderNotAllowed)
    }

    /// Of which endpoints the sentence speaks: all, or those that the rules before left.
    fn none(&self) -> String {
        let callable = if self.before().all(is_callable) { "" } else { "callable " };
        let mut after: Vec<Cow<'_, str>> = Vec::new();
        for rejection in self.before().filter(|rejection| is_callable(rejection)) {
            let name = self.restriction(rejection);
            if !after.contains(&name) {
                after.push(name);
            }
        }
        if after.is_empty() {
            return format!("no {callable}endpoint");
        }
        format!("of the {callable}endpoints that remain after {}, none", after.join(" and "))
    }

    /// What came before the decisive rule, in the order in which the rules are asked.
    fn before(&self) -> impl Iterator<Item = &Rejection> {
        let key = |rejection: &Rejection| (rejection.rule, rejection.source);
        let mut before: Vec<&Rejection> = self.rejected.iter().filter(|rejection| key(rejection) < key(self.decisive)).collect();
        before.sort_by_key(|rejection| key(rejection));
        before.into_iter()
    }

    /// What a rejection comes from, as the caller knows it.
    fn restriction(&self, rejection: &Rejection) -> Cow<'static, str> {
        match (rejection.rule, rejection.source) {
            (Rule::Region, _) => "the area".into(),
            (Rule::ServiceTier, _) if self.ask.service_tier.is_none() => "the choice of service tier".into(),
            (_, Source::RequestNeeds) => "what the request needs".into(),
            (_, Source::RequestMessages) => "the length of the prompt".into(),
            (_, Source::Health) => "the strict budget".into(),
            _ => rejection.field().map_or_else(|| format!("the {}", rejection.source_name(self.ask)).into(), Cow::Borrowed),
        }
    }

    /// The precisions that there are in place of those that are asked for.
    fn precisions(&self) -> Vec<&'static str> {
        let precisions = self.rejected.iter().filter_map(|rejection| match rejection.detail {
            Detail::Quantization(own) => Some(own),
            _ => None,
        });
        precisions.collect::<BTreeSet<_>>().into_iter().map(portolan_core::Quantization::as_str).collect()
    }

    /// The decisive endpoint with the terms of its rejection, which are not those of the others.
    fn example(&self) -> String {
        if matches!(self.decisive.detail, Detail::None | Detail::Quantization(_)) {
            return String::new();
        }
        let tag = &self.catalog.endpoint(self.decisive.endpoint).tag;
        detail(self.catalog, self.ask, self.decisive).map(|terms| format!(" ({tag}: {terms})")).unwrap_or_default()
    }

    /// What the caller can do: about the decisive rule, and about the preferences that were asked before.
    fn remedy(&self) -> String {
        let own = match (self.decisive.rule, self.decisive.source) {
            (Rule::NoCredential, _) => return "Configure one, or switch the simulator on".to_owned(),
            (Rule::FallbackNotAllowed | Rule::BudgetExhausted | Rule::BudgetInFlight, _) => return String::new(),
            (Rule::Task, _) => "Use another route",
            (Rule::StrictBarred, _) => "Ask an administrator",
            (Rule::ServiceTier, _) if self.ask.service_tier.is_none() => "Set service_tier, or name the endpoint in full",
            (_, Source::RequestServiceTier) => "Leave service_tier out",
            (_, Source::RequestZdr) => "Leave provider.zdr out",
            (_, Source::RequestDataCollection) => "Leave provider.data_collection out",
            (_, Source::RequestMaxPrice) => "Raise provider.max_price",
            (_, Source::RequestQuantizations) => "Widen provider.quantizations",
            (_, Source::RequestDistillable) => "Leave provider.enforce_distillable_text out",
            (_, Source::RequestRequireParameters) => "Leave provider.require_parameters out",
            (_, Source::RequestMessages) => "Shorten the messages",
            (_, Source::RequestMaxTokens) => "Lower max_tokens",
            _ => "",
        };
        match (own, self.preferences().join(" or ").as_str()) {
            ("", "") => "Name another model".to_owned(),
            ("", fields) => format!("Change {fields}"),
            (own, "") => own.to_owned(),
            (own, fields) => format!("{own}, or change {fields}"),
        }
    }

    /// The preferences, asked before the decisive rule, that took endpoints which this rule would have left.
    pub(crate) fn preferences(&self) -> Vec<&'static str> {
        let terms = Terms::all(self.catalog, self.ask);
        let mut fields: Vec<&str> = Vec::new();
        for rejection in self.before() {
            if let Some(field) = rejection.preference().filter(|field| !fields.contains(field))
                && self.would_pass(&terms, rejection.endpoint)
            {
                fields.push(field);
            }
        }
        fields
    }

    /// Whether the request fits an endpoint, and the decisive rule lets it pass.
    fn would_pass(&self, terms: &[Terms<'_>], endpoint: EndpointIx) -> bool {
        let endpoint = self.catalog.endpoint(endpoint);
        let model = self.catalog.model_at(endpoint.model);
        let of = Candidate { endpoint, model, needs: self.ask.needs, is_tier_open: true };
        let mut checks = CHECKS.iter().filter(|(rule, _)| *rule == self.decisive.rule);
        fits(self.ask, endpoint).is_none() && checks.all(|(_, check)| terms.iter().all(|terms| check(terms, &of).is_none()))
    }

    /// The providers of the requested models that could be asked, whatever is allowed.
    fn serving(&self) -> Vec<&str> {
        let mut providers: Vec<&str> = Vec::new();
        for rejection in self.rejected.iter().filter(|rejection| is_callable(rejection)) {
            let slug = self.catalog.provider(self.catalog.endpoint(rejection.endpoint).provider).slug.as_str();
            if !providers.contains(&slug) {
                providers.push(slug);
            }
        }
        providers
    }

    /// What the lists of providers permit that took something away.
    fn permitted(&self) -> String {
        let preferences = self.ask.preferences;
        let mut all: Vec<String> = Vec::new();
        for rejection in self.before().chain([self.decisive]).filter(|rejection| is_callable(rejection)) {
            let words = match (rejection.rule, rejection.source) {
                (Rule::NotInOrder, _) => {
                    format!("your request's provider.order preference without fallbacks permits only: {}", preferences.order.join(", "))
                }
                (_, Source::RequestOnly) => {
                    format!("your request's provider.only preference permits only: {}", preferences.only.join(", "))
                }
                (_, Source::RequestIgnore) => {
                    format!("your request's provider.ignore preference excludes: {}", preferences.ignore.join(", "))
                }
                // What an administrator lists is not the caller's to read.
                _ => format!("the {} allows others", rejection.source_name(self.ask)),
            };
            if !all.contains(&words) {
                all.push(words);
            }
        }
        all.join(", and ")
    }
}

/// Whether the endpoint could be asked, were it allowed.
fn is_callable(rejection: &Rejection) -> bool {
    !matches!(rejection.rule, Rule::NotCallable | Rule::NoCredential | Rule::SimulatedApart | Rule::Task)
}

/// The names of the requested models.
pub(crate) fn models(ask: &Ask<'_>) -> String {
    ask.models.iter().map(portolan_core::ModelSlug::as_str).collect::<Vec<_>>().join(", ")
}
