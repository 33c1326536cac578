//! The columns of a model at a provider.

use std::collections::BTreeMap;

use portolan_core::{Price, Quantization, ServiceTier, Task};

use super::super::live::LiveEndpoint;
use super::{set, set_optional, stated};
use crate::rows::{EndpointRow, ServiceTiers};
use crate::{DataOrigin, DataPolicy, Pricing};

/// What the source states wins. An id at the provider that is known stays.
pub(super) fn describe(row: &mut EndpointRow, live: &LiveEndpoint, task: Task, whole_parameters: bool) {
    row.origin = DataOrigin::Synced;
    set_optional(&mut row.context_length, live.context_length.as_ref());
    set_optional(&mut row.max_prompt_tokens, live.max_prompt_tokens.as_ref());
    set_optional(&mut row.max_output, live.max_output.as_ref());
    set_optional(&mut row.quantization, quantization(live).as_ref());
    set(&mut row.implicit_caching, live.implicit_caching.as_ref());
    if whole_parameters {
        set(&mut row.supported_parameters, stated(&live.supported_parameters));
    }
    if row.upstream_id.is_none() {
        row.upstream_id.clone_from(&live.upstream_id);
    }
    // Where there are prices by other units, what a source says of tokens is only a part of it, or the same in another form.
    if row.media.is_empty()
        && let Some(pricing) = charged(live, &row.pricing, row.task.unwrap_or(task))
    {
        row.pricing = pricing;
        // A source that states only a part of a free list takes nothing from it; a price that somebody pays does.
        row.free &= row.pricing.is_zero();
    }
}

/// Of another class of service only the price is its own.
pub(super) fn price_tier(row: &mut EndpointRow, live: &LiveEndpoint, task: Task, tier: ServiceTier) {
    let task = row.task.unwrap_or(task);
    let Some(known) = row.service_tiers.of(tier) else { return };
    if let Some(pricing) = charged(live, known, task) {
        *known = pricing;
        row.origin = DataOrigin::Synced;
    }
}

/// The live prices over those that are known, where the source states prices that somebody pays.
fn charged(live: &LiveEndpoint, known: &Pricing, task: Task) -> Option<Pricing> {
    let is_same_zero = |live: &Pricing| known.completion == Some(Price(0)) && live.completion == Some(Price(0));
    let stated = live.pricing.as_ref().filter(|live| is_charged(live, task) || (is_same_zero(live) && !live.is_zero()));
    stated.map(|live| live.or(known))
}

/// A source that lists zero means a trial, a promotion or its own pool; what the operator's own key pays there, it does not say.
/// What a model gives that is no chat may cost nothing by the token.
fn is_charged(pricing: &Pricing, task: Task) -> bool {
    let paid = |price: Option<Price>| price.is_some_and(|price| price > Price(0));
    paid(pricing.prompt) && (task != Task::Chat || paid(pricing.completion))
}

fn quantization(live: &LiveEndpoint) -> Option<Quantization> {
    live.quantization.as_deref().and_then(Quantization::parse).filter(|known| *known != Quantization::Unknown)
}

pub(super) fn new(live: &LiveEndpoint, task: Task) -> EndpointRow {
    EndpointRow {
        model: live.model.clone(),
        tag: Some(live.tag.clone()),
        upstream_id: live.upstream_id.clone(),
        requires_setting: None,
        region: None,
        dialect: None,
        task: None,
        quirks: Vec::new(),
        context_length: live.context_length,
        max_prompt_tokens: live.max_prompt_tokens,
        max_output: live.max_output,
        quantization: quantization(live),
        supported_parameters: live.supported_parameters.clone(),
        capabilities: None,
        without_input: Vec::new(),
        tool_choice: None,
        pricing: live.pricing.clone().filter(|pricing| is_charged(pricing, task)).unwrap_or_default(),
        service_tiers: ServiceTiers::default(),
        media: Vec::new(),
        skus: BTreeMap::new(),
        free: false,
        // What the provider's other endpoints promise, nobody has read for this one: unknown, which counts as the worst.
        data_policy: Some(DataPolicy::default()),
        zdr: false,
        zdr_basis: None,
        implicit_caching: live.implicit_caching.unwrap_or(false),
        native_web_search: false,
        file_urls: false,
        video_urls: false,
        passthrough_parameters: Vec::new(),
        deprecation_date: None,
        origin: DataOrigin::Synced,
        line: 0,
    }
}
