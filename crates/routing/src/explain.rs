//! A plan in words: the `candidates` of an explanation.

use std::borrow::Cow;

use portolan_catalog::{Catalog, EndpointIx};
use portolan_core::{ModelSlug, Money, Price};
use serde::Serialize;

use crate::ask::Ask;
use crate::detail::detail;
use crate::plan::{Choice, Rejection};
use crate::rule::Rule;

/// What a candidate was weighed by.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScoreView {
    /// USD per token, mean of input and output.
    pub price: Price,
    /// Its chance of being the first of its model.
    pub weight: f64,
    /// `ok`, `failed_recently` or `probing`; the engine knows whether that is `probe_failed`.
    pub health: &'static str,
    /// Whether an earlier request of the session bound it.
    pub sticky: bool,
    /// Tokens per second, the median of the last minutes, where the order asked for it and it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throughput: Option<f64>,
    /// Seconds to the first token, the median of the last minutes, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<f64>,
    /// The share of bad tool calls, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_error_rate: Option<f64>,
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
    /// Where the rule comes from: a [`crate::Source`], for a guardrail with its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Cow<'static, str>>,
    /// The rule's terms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// The candidates of a plan, or of a refusal, which has no attempts.
#[must_use]
pub fn explain(catalog: &Catalog, ask: &Ask<'_>, attempts: &[Choice], rejected: &[Rejection]) -> Vec<CandidateView> {
    let eligible = attempts.iter().enumerate().map(|(i, choice)| CandidateView {
        order: Some(i + 1),
        order_reason: Some(choice.reason),
        score: Some(ScoreView {
            price: choice.price,
            weight: (choice.weight * 1e6).round() / 1e6,
            health: match choice {
                Choice { failed_recently: true, .. } => "failed_recently",
                Choice { probes: true, .. } => "probing",
                _ => "ok",
            },
            sticky: choice.sticky,
            throughput: choice.throughput,
            latency: choice.latency,
            tool_error_rate: choice.tool_error_rate,
        }),
        ..bare(catalog, ask.models, choice.endpoint, choice.requested, "eligible")
    });
    let out = rejected.iter().map(|rejection| CandidateView {
        rule: Some(rejection.rule),
        source: Some(rejection.source_name(ask)),
        detail: detail(catalog, ask, rejection),
        ..bare(catalog, ask.models, rejection.endpoint, rejection.requested, "rejected")
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
