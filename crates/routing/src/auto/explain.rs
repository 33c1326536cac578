//! The decision of a router in words: the `routers` of an explanation.

use std::borrow::Cow;
use std::cmp::Reverse;

use portolan_core::{ModelSlug, Price};
use serde::Serialize;

use super::candidates::{AutoCandidate, Market, Pool};
use super::knob::Knob;
use super::plugin::AutoPlugin;
use super::route::{MODELS_MAX, Routed, Router};
use super::task::TaskKind;
use crate::detail::detail;
use crate::plan::{NoEndpoint, Rejection};
use crate::refusal;

/// What a router decided.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RouterView {
    /// Its name.
    pub router: Router,
    /// What the prompt was taken for.
    pub task: Option<TaskKind>,
    /// How hard it is, 0 to 1.
    pub complexity: Option<f64>,
    /// The share of the candidates, in percent and the cheapest first, that might be chosen.
    pub ceiling_percent: Option<Knob>,
    /// The strength that was asked for, 0 to 1.
    pub strength: Option<f64>,
    /// The model that the conversation had before and keeps.
    pub kept: Option<ModelSlug>,
    /// Every model that it looked at: those that it chose in their order, those that it could have chosen, those that can not serve.
    pub models: Vec<ModelView>,
}

/// What a router made of one model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelView {
    /// Its name.
    pub model: ModelSlug,
    /// `chosen` or `rejected`.
    pub status: &'static str,
    /// Its place, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<usize>,
    /// Why it has this place: `kept`, `strong_enough`, `weaker` or `drawn`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_reason: Option<&'static str>,
    /// How strong it is for the task, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strength: Option<f64>,
    /// USD per token at its cheapest endpoint that can serve, mean of input and output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// Why it was not chosen: `cost_ceiling`, `models_max`, or the rule of the endpoint of it that came furthest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<&'static str>,
    /// Where the rule comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Cow<'static, str>>,
    /// The rule's terms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What `router` decided, and why about each model. The settings are those of [`Router::Auto`].
#[must_use]
pub fn explain(market: &Market<'_>, router: Router, settings: &AutoPlugin, decided: &Result<Routed, NoEndpoint>) -> RouterView {
    let mut view = RouterView {
        router,
        task: None,
        complexity: None,
        ceiling_percent: (router == Router::Auto).then(|| settings.knob()),
        strength: None,
        kept: None,
        models: Vec::new(),
    };
    match decided {
        Err(none) => view.add_rejected(market, none.rejected()),
        Ok(routed) => {
            let judgement = routed.judgement.as_ref();
            view.task = judgement.map(|judgement| judgement.task);
            view.complexity = judgement.map(|judgement| rounded(judgement.complexity));
            view.strength = judgement.map(|_| rounded(routed.ranking.need));
            view.kept = routed.kept.clone();
            view.add_candidates(routed, settings);
            view.add_rejected(market, &market.rejected(Pool::of(router, settings)));
        }
    }
    view
}

impl RouterView {
    fn add_candidates(&mut self, routed: &Routed, settings: &AutoPlugin) {
        let ranking = &routed.ranking;
        let (enough, weaker) = ranking.models.split_at(ranking.sufficient);
        let reason = if routed.judgement.is_some() { "strong_enough" } else { "drawn" };
        let all =
            enough.iter().map(|c| (c, reason)).chain(weaker.iter().map(|c| (c, "weaker"))).chain(ranking.above.iter().map(|c| (c, "")));
        let (kept, others): (Vec<_>, Vec<_>) = all.partition(|(candidate, _)| routed.kept.as_ref() == Some(&candidate.slug));
        let all = kept.into_iter().map(|(candidate, _)| (candidate, "kept")).chain(others);
        self.models.extend(all.zip(1..).map(|((candidate, reason), order)| match reason {
            "" => rejected(candidate, "cost_ceiling", settings.knob_source()),
            _ if order > MODELS_MAX => rejected(candidate, "models_max", "router"),
            reason => ModelView { order: Some(order), order_reason: Some(reason), ..candidate_view(candidate, "chosen") },
        }));
    }

    /// The models without an endpoint that can serve, those that came furthest first. The rejections of a model stand together.
    fn add_rejected(&mut self, market: &Market<'_>, all: &[Rejection]) {
        let catalog = market.catalog;
        let model = |rejection: &Rejection| catalog.endpoint(rejection.endpoint).model;
        let by_model = all.chunk_by(|a, b| model(a) == model(b));
        let mut furthest: Vec<&Rejection> = by_model.filter_map(refusal::furthest).collect();
        furthest.sort_by_key(|rejection| Reverse(rejection.rule));
        for rejection in furthest {
            let slug = &catalog.model_at(model(rejection)).slug;
            // Another endpoint of a candidate.
            if self.models.iter().any(|view| view.model == *slug) {
                continue;
            }
            self.models.push(ModelView {
                rule: Some(rejection.rule.as_str()),
                source: Some(rejection.source_name(market.ask)),
                detail: detail(catalog, market.ask, rejection),
                ..bare(slug, "rejected")
            });
        }
    }
}

fn rejected(candidate: &AutoCandidate, rule: &'static str, source: &'static str) -> ModelView {
    ModelView { rule: Some(rule), source: Some(source.into()), ..candidate_view(candidate, "rejected") }
}

fn candidate_view(candidate: &AutoCandidate, status: &'static str) -> ModelView {
    ModelView { strength: Some(rounded(candidate.strength)), price: Some(candidate.price), ..bare(&candidate.slug, status) }
}

/// To the places that mean something.
fn rounded(share: f32) -> f64 {
    (f64::from(share) * 1e4).round() / 1e4
}

fn bare(model: &ModelSlug, status: &'static str) -> ModelView {
    ModelView {
        model: model.clone(),
        status,
        order: None,
        order_reason: None,
        strength: None,
        price: None,
        rule: None,
        source: None,
        detail: None,
    }
}
