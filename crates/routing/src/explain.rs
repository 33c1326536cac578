//! A plan in words: the `candidates` of an explanation.

use std::borrow::Cow;

use portolan_catalog::{Catalog, EndpointIx};
use portolan_core::{ModelSlug, Money, Preferences, Price};
use serde::Serialize;

use crate::ask::Ask;
use crate::plan::{Choice, NoEndpoint, Plan, Rejection};
use crate::rule::{Detail, Rule, Source};

/// What a candidate was weighed by.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScoreView {
    /// USD per token, mean of input and output.
    pub price: Price,
    /// Its chance of being the first of its model.
    pub weight: f64,
    /// `ok` or `failed_recently`.
    pub health: &'static str,
    /// Whether an earlier request of the session bound it.
    pub sticky: bool,
}

/// What an attempt would cost, as decimal text in USD.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QuoteView {
    /// Expected.
    pub expected: String,
    /// At most.
    pub worst: String,
}

impl QuoteView {
    /// From two amounts.
    #[must_use]
    pub fn new(expected: Money, worst: Money) -> Self {
        Self { expected: expected.to_string(), worst: worst.to_string() }
    }
}

/// One endpoint of a requested model: eligible with its place, or rejected with the first rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CandidateView {
    /// Which one; for whoever fills in the rest.
    #[serde(skip)]
    pub endpoint: EndpointIx,
    /// The model.
    pub model: ModelSlug,
    /// The provider's slug.
    pub provider: String,
    /// The endpoint's tag.
    pub tag: String,
    /// The region, where it is bound to one.
    pub region: Option<String>,
    /// `eligible` or `rejected`.
    pub status: &'static str,
    /// Its place, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<usize>,
    /// Why it has this place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_reason: Option<crate::OrderReason>,
    /// `raw` or `translated`; the engine knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lane: Option<Cow<'static, str>>,
    /// Why this lane.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lane_reason: Option<Cow<'static, str>>,
    /// What it was weighed by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<ScoreView>,
    /// What it would cost; the engine knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quote: Option<QuoteView>,
    /// What its dialect can not say; the engine knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropped: Option<Vec<String>>,
    /// The rule that rejected it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<Rule>,
    /// Where the rule comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// The rule's terms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// The candidates of a plan, or of a refusal.
#[must_use]
pub fn explain(catalog: &Catalog, ask: &Ask<'_>, planned: &Result<Plan, NoEndpoint>) -> Vec<CandidateView> {
    match planned {
        Ok(plan) => candidates(catalog, ask.models, ask.preferences, &plan.attempts, &plan.rejected),
        Err(NoEndpoint::NothingLeft { rejected }) => candidates(catalog, ask.models, ask.preferences, &[], rejected),
        Err(NoEndpoint::UnknownModel { .. }) => Vec::new(),
    }
}

/// Renders attempts and rejections, which may have been stored.
#[must_use]
pub fn candidates(
    catalog: &Catalog,
    models: &[ModelSlug],
    preferences: &Preferences,
    attempts: &[Choice],
    rejected: &[Rejection],
) -> Vec<CandidateView> {
    let eligible = attempts.iter().enumerate().map(|(i, choice)| CandidateView {
        order: Some(i + 1),
        order_reason: Some(choice.reason),
        score: Some(ScoreView {
            price: choice.price,
            weight: (choice.weight * 1e6).round() / 1e6,
            health: if choice.failed_recently { "failed_recently" } else { "ok" },
            sticky: false,
        }),
        ..bare(catalog, models, choice.endpoint, choice.requested, "eligible")
    });
    let out = rejected.iter().map(|rejection| CandidateView {
        rule: Some(rejection.rule),
        source: Some(rejection.source),
        detail: detail(catalog, preferences, rejection),
        ..bare(catalog, models, rejection.endpoint, rejection.requested, "rejected")
    });
    eligible.chain(out).collect()
}

fn bare(catalog: &Catalog, models: &[ModelSlug], ix: EndpointIx, requested: u16, status: &'static str) -> CandidateView {
    let endpoint = catalog.endpoint(ix);
    let model = catalog.model_at(endpoint.model);
    // A wildcard is known by the name that was asked for.
    let asked = models.get(usize::from(requested)).filter(|_| model.wildcard);
    CandidateView {
        endpoint: ix,
        model: asked.unwrap_or(&model.slug).clone(),
        provider: catalog.provider(endpoint.provider).slug.to_string(),
        tag: endpoint.tag.clone(),
        region: endpoint.region.clone(),
        status,
        order: None,
        order_reason: None,
        lane: None,
        lane_reason: None,
        score: None,
        quote: None,
        dropped: None,
        rule: None,
        source: None,
        detail: None,
    }
}

/// The terms of a rejection in words.
#[must_use]
pub fn detail(catalog: &Catalog, preferences: &Preferences, rejection: &Rejection) -> Option<String> {
    let list = |name: &str, entries: &[String]| format!("{name}: {}{}", entries.join(", "), unknown(catalog, entries));
    match (rejection.detail, rejection.source) {
        (Detail::NotCallable(why), _) => Some(why.as_str().to_owned()),
        (Detail::Lacks(what), _) => {
            let what: Vec<&str> = what.iter().map(portolan_core::Capability::as_str).collect();
            Some(format!("lacks {}", what.join(", ")))
        }
        (Detail::Limit { needs, has }, _) if rejection.rule == Rule::ContextLength => {
            Some(format!("the prompt has at least {needs} tokens, it takes {has}"))
        }
        (Detail::Limit { needs, has }, _) => Some(format!("{needs} tokens are asked for, it gives {has}")),
        (Detail::None, Source::RequestOnly) => Some(list("only", &preferences.only)),
        (Detail::None, Source::RequestIgnore) => Some(list("ignore", &preferences.ignore)),
        (Detail::None, Source::RequestAllowFallbacks) if rejection.rule == Rule::NotInOrder => Some(list("order", &preferences.order)),
        (Detail::None, _) => None,
    }
}

/// Entries that name no provider of the catalog: most likely a typing error, which the reader should see.
fn unknown(catalog: &Catalog, entries: &[String]) -> String {
    let known = |entry: &str| {
        let base = entry.split('/').next().unwrap_or(entry);
        catalog.providers.iter().any(|p| p.is_named(entry) || p.slug.as_str().eq_ignore_ascii_case(base))
    };
    let unknown: Vec<&str> = entries.iter().map(String::as_str).filter(|entry| !known(entry)).collect();
    if unknown.is_empty() { String::new() } else { format!(" (no provider is called {})", unknown.join(", ")) }
}
