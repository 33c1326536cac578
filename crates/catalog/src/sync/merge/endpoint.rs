//! The columns of a model at a provider.

use std::collections::BTreeMap;

use portolan_core::{Price, Quantization, ServiceTier, Task};

use super::super::live::{LiveEndpoint, LiveMediaEndpoint};
use super::{set, set_optional, stated};
use crate::rows::{EndpointRow, ServiceTiers};
use crate::{DataOrigin, DataPolicy, MediaPrice, MediaUnit, Pricing};

/// What the source states wins. An id at the provider that is known stays. Of a source that is not `is_whole`, only prices win: known
/// limits and parameters stay as well.
pub(super) fn describe(row: &mut EndpointRow, live: &LiveEndpoint, task: Task, is_whole: bool) {
    row.origin = DataOrigin::Synced;
    for (known, live) in [
        (&mut row.context_length, live.context_length),
        (&mut row.max_prompt_tokens, live.max_prompt_tokens),
        (&mut row.max_output, live.max_output),
    ] {
        *known = if is_whole { live.or(*known) } else { known.or(live) };
    }
    set_optional(&mut row.quantization, quantization(live).as_ref());
    set(&mut row.implicit_caching, live.implicit_caching.as_ref());
    if is_whole {
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

/// Prices by other units than tokens: those that are stated win, one by one. What a chat model gives beside its text is sold by the
/// token, and so is an image where the row says so: two prices for one thing would be charged twice.
pub(super) fn price_media(row: &mut EndpointRow, live: &LiveMediaEndpoint, task: Task) {
    set(&mut row.passthrough_parameters, stated(&live.passthrough_parameters));
    if row.task.unwrap_or(task) == Task::Chat {
        return;
    }
    if !live.skus.is_empty() {
        // Prices of another list, under names of its own, would be charged beside these.
        let EndpointRow { media, skus, .. } = row;
        media.retain(|known| skus.contains_key(&known.sku));
    }
    for price in &live.prices {
        match row.media.iter_mut().find(|known| known.sku == price.sku && known.unit == price.unit) {
            Some(known) => known.clone_from(price),
            None if row.pricing.image_output.is_some() || is_of_the_ordinary_list(price, live, &row.pricing) => {}
            None => row.media.push(price.clone()),
        }
    }
    row.skus.extend(live.skus.clone());
}

/// The ordinary list has the prices of tokens, unless they stand among others or among SKUs.
fn is_of_the_ordinary_list(price: &MediaPrice, live: &LiveMediaEndpoint, ordinary: &Pricing) -> bool {
    let is_by_token = |price: &MediaPrice| price.unit == MediaUnit::Token;
    let is_paid = ordinary.prompt.is_some_and(|price| price > Price(0));
    is_by_token(price) && live.skus.is_empty() && (is_paid || live.prices.iter().all(is_by_token))
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

/// An endpoint that only the source has, with what it says of it as one that makes images or videos.
pub(super) fn new<'a>(live: &LiveEndpoint, task: Task, media: impl Iterator<Item = &'a LiveMediaEndpoint>) -> EndpointRow {
    let mut row = EndpointRow {
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
        pricing: Pricing::default(),
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
        own: false,
        own_region: false,
        line: 0,
    };
    media.for_each(|said| price_media(&mut row, said, task));
    if row.media.is_empty() {
        row.pricing = live.pricing.clone().filter(|pricing| is_charged(pricing, task)).unwrap_or_default();
    }
    row
}
