//! What to tell a caller whose request has nowhere to go.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;

use portolan_catalog::Catalog;
use portolan_core::Price;
use serde::Serialize;

use crate::ask::Ask;
use crate::detail::{areas, detail, stray_only};
use crate::plan::{NoEndpoint, Rejection};
use crate::rule::{Detail, PriceOf, Rule, Source};

/// What one rule took away.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Excluded {
    /// How many endpoints.
    pub endpoints: usize,
    /// Where the rule comes from, each once.
    pub sources: Vec<Cow<'static, str>>,
}

impl Rejection {
    /// Where the rule comes from, in full: `guardrail:<id>` for one of several.
    #[must_use]
    pub fn source_name(&self, ask: &Ask<'_>) -> Cow<'static, str> {
        let id = self.policy.and_then(|index| ask.policies.get(usize::from(index))).and_then(|policy| policy.id.as_ref());
        id.map_or(self.source.as_str().into(), |id| format!("{}:{id}", self.source.as_str()).into())
    }

    /// Which bound of `max_price` it did not pass, and by how little; an unknown price is the furthest away.
    fn price_bound(&self) -> Option<(PriceOf, Option<Reverse<Price>>)> {
        match self.detail {
            Detail::Price { of, has, .. } => Some((of, has.map(Reverse))),
            _ => None,
        }
    }
}

/// The one of them that came furthest.
pub(crate) fn furthest(rejected: &[Rejection]) -> Option<&Rejection> {
    rejected.iter().max_by_key(|r| (r.rule, r.price_bound()))
}

impl NoEndpoint {
    /// The rejection that came furthest: the one whose rule the caller can best do something about. Of prices the lowest.
    #[must_use]
    pub fn decisive(&self) -> Option<&Rejection> {
        furthest(self.rejected())
    }

    /// The endpoints that are out, where that is the reason.
    #[must_use]
    pub fn rejected(&self) -> &[Rejection] {
        match self {
            NoEndpoint::NothingLeft { rejected } | NoEndpoint::NoModel { rejected, .. } => rejected,
            _ => &[],
        }
    }

    /// Which rules took everything away, in the order in which they were asked. Each endpoint counts for one rule.
    #[must_use]
    pub fn excluded_by(&self, ask: &Ask<'_>) -> BTreeMap<Rule, Excluded> {
        let mut all: BTreeMap<Rule, Excluded> = BTreeMap::new();
        if self.is_uncovered() {
            let sources = vec![Source::RequestAllowedModels.as_str().into()];
            all.insert(Rule::ModelNotAllowed, Excluded { endpoints: 0, sources });
        }
        for rejection in self.rejected() {
            let excluded = all.entry(rejection.rule).or_default();
            excluded.endpoints += 1;
            let source = rejection.source_name(ask);
            if !excluded.sources.contains(&source) {
                excluded.sources.push(source);
            }
        }
        all
    }

    /// `allowed_models` covers no model.
    fn is_uncovered(&self) -> bool {
        matches!(self, NoEndpoint::NoModel { is_covered: true, rejected } if rejected.is_empty())
    }

    /// The field of the request that is wrong, where one is.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        match self {
            NoEndpoint::UnknownModel { .. } => Some("model"),
            NoEndpoint::UnknownProvider { field, .. } => Some(field),
            NoEndpoint::Contradiction { fields, .. } => Some(fields[0]),
            NoEndpoint::NothingLeft { .. } | NoEndpoint::NoModel { .. } => None,
        }
    }

    /// OpenRouter's HTTP status: 400 for what the request gets wrong, 404 where no endpoint is left.
    #[must_use]
    pub fn http_status(&self) -> u16 {
        if self.field().is_some() { 400 } else { 404 }
    }

    /// The message, in OpenRouter's wording where it has one.
    #[must_use]
    pub fn message(&self, catalog: &Catalog, ask: &Ask<'_>) -> String {
        match self {
            NoEndpoint::UnknownModel { slug, nearest } => format!("{slug} is not a valid model ID{}", did_you_mean(nearest)),
            NoEndpoint::UnknownProvider { field, name, nearest } => {
                let hint = did_you_mean(nearest);
                let hint = if hint.is_empty() { "; GET /api/v1/providers lists them".to_owned() } else { hint };
                format!("{field}: no provider is called {name:.120}{hint}")
            }
            NoEndpoint::Contradiction { fields: [first, second], names } => {
                format!("{first} and {second} contradict each other: of {} nothing can remain. Change one of them.", names.join(", "))
            }
            NoEndpoint::NothingLeft { .. } => match self.decisive() {
                None => format!("No endpoints found for {}.", models(ask)),
                Some(rejection) => format!("{}{}", nothing_left(catalog, ask, rejection), self.rules(ask, 2)),
            },
            NoEndpoint::NoModel { .. } if self.is_uncovered() => {
                "No models match your request and model restrictions. allowed_models covers no chat model; \
                 GET /api/v1/models lists their names."
                    .to_owned()
            }
            NoEndpoint::NoModel { .. } => format!("No models match your request and model restrictions.{}", self.rules(ask, 1)),
        }
    }

    /// The rules that emptied the choice, where they are as many.
    fn rules(&self, ask: &Ask<'_>, least: usize) -> String {
        let all = self.excluded_by(ask);
        if all.len() < least {
            return String::new();
        }
        let one = |(rule, by): (Rule, Excluded)| format!("{} ({}: {})", rule.as_str(), by.sources.join(", "), by.endpoints);
        format!(" Excluded by {}.", all.into_iter().map(one).collect::<Vec<_>>().join(", "))
    }
}

fn did_you_mean(names: &[impl ToString]) -> String {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    if names.is_empty() { String::new() } else { format!(". Did you mean {}?", names.join(", ")) }
}

fn models(ask: &Ask<'_>) -> String {
    ask.models.iter().map(portolan_core::ModelSlug::as_str).collect::<Vec<_>>().join(", ")
}

fn nothing_left(catalog: &Catalog, ask: &Ask<'_>, rejection: &Rejection) -> String {
    let preferences = ask.preferences;
    let why: Cow<'_, str> = match (rejection.rule, rejection.source) {
        (Rule::ProviderNotAllowed, Source::RequestOnly) => {
            return not_allowed(
                catalog,
                ask,
                &format!(
                    "your request's provider.only preference permits only: {}{}",
                    preferences.only.join(", "),
                    stray_only(catalog, ask)
                ),
            );
        }
        (Rule::ProviderNotAllowed, Source::RequestIgnore) => {
            return not_allowed(
                catalog,
                ask,
                &format!("your request's provider.ignore preference excludes: {}", preferences.ignore.join(", ")),
            );
        }
        (Rule::ProviderNotAllowed, _) => return not_allowed(catalog, ask, &format!("the {} allows others", rejection.source_name(ask))),
        (Rule::NotInOrder, _) => {
            let named = preferences.order.join(", ");
            return not_allowed(catalog, ask, &format!("your request's provider.order preference without fallbacks permits only: {named}"));
        }
        (Rule::ModelNotAllowed, _) => "the router may not choose it".into(),
        (Rule::NotCallable, _) => "its endpoints are listed, but can not be called".into(),
        (Rule::NoCredential, _) => "no provider that serves it has a credential; configure one or switch the simulator on".into(),
        (Rule::SimulatedApart, _) => "real and simulated endpoints never serve one request".into(),
        (Rule::Task, _) => "the model is not made for this kind of request; use another route".into(),
        (Rule::Region, _) => format!("no endpoint keeps requests in {}", areas(ask).join(" and in ")).into(),
        (Rule::ZdrRequired, _) => "zero data retention is required, and no endpoint is known for it".into(),
        (Rule::DataCollection, _) => "collecting data is denied, and no endpoint is known not to".into(),
        (Rule::MaxPrice, _) => "every endpoint costs more than max_price allows".into(),
        (Rule::Quantization, _) => "no endpoint has one of the quantizations".into(),
        (Rule::Distillable, _) => "text that may train other models is required".into(),
        (Rule::Parameters, _) => "no endpoint takes every parameter of the request, and require_parameters is set".into(),
        (Rule::ServiceTier, _) => "no endpoint of this service tier is left; set service_tier, or name the endpoint in full".into(),
        (Rule::Capability, _) => "no endpoint takes this kind of input or gives this kind of output".into(),
        (Rule::ContextLength, _) => "the prompt is longer than every endpoint's context".into(),
        (Rule::MaxOutput, _) => "no endpoint gives as many tokens as max_tokens asks for; lower it".into(),
        (Rule::StrictBarred, _) => {
            "its endpoints reported more usage than was held, and this key's budget is strict; ask an administrator".into()
        }
        (Rule::CapabilityPreferred, _) => "the endpoints that support what the request asks for are excluded by its preferences".into(),
        (Rule::FallbackNotAllowed, _) => "fallbacks are not allowed".into(),
        (Rule::BudgetExhausted | Rule::BudgetInFlight, _) => "the key's limit does not allow what they can cost".into(),
    };
    let terms = detail(catalog, ask, rejection).map(|d| format!(" ({d})")).unwrap_or_default();
    format!("No endpoints found for {}: {why}{terms}.", models(ask))
}

fn not_allowed(catalog: &Catalog, ask: &Ask<'_>, why: &str) -> String {
    let mut providers: Vec<&str> = Vec::new();
    for model in ask.models.iter().filter_map(|slug| catalog.model(slug.as_str())) {
        for endpoint in catalog.endpoints_of(model) {
            let slug = catalog.provider(endpoint.provider).slug.as_str();
            if !providers.contains(&slug) {
                providers.push(slug);
            }
        }
    }
    format!(
        "No allowed providers are available for the selected model. Providers serving {}: {}, but {why}.",
        models(ask),
        providers.join(", ")
    )
}
