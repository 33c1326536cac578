//! Endpoints of providers that serve other providers' models: derived, for what they charge they report.

use std::sync::Arc;

use portolan_core::{Meter, Parameters, PriceCard, PriceTier, Quantization, Rates, Task};

use super::derive::callable_at;
use super::shared::Shared;
use crate::pricing::in_service_tier;
use crate::rows::{EndpointRow, ModelRow, ProviderRow};
use crate::{Catalog, DataOrigin, DataPolicy, Endpoint, EndpointIx, NotCallable, ToolChoice};

/// Adds an endpoint for each chat model that names this reseller and is served by somebody. Where nobody knows what the others take,
/// nobody knows what the reseller may charge: it is there, and cannot be called. What the configuration alone has (a machine of one's
/// own) is nobody that a reseller buys from. A row of the configuration for the reseller itself says what differs.
pub(super) fn add(catalog: &mut Catalog, shared: &mut Shared, of: &ProviderRow, models: &[ModelRow]) {
    for (i, row) in models.iter().enumerate().filter(|(_, row)| row.task == Task::Chat && row.resold_by.contains(&of.slug)) {
        let model = &catalog.models[i];
        let sold_already = catalog.endpoints_of(model).find(|e| catalog.provider(e.provider).slug == of.slug).map(|e| e.ix);
        let own: Vec<&Endpoint> = catalog.endpoints_of(model).filter(|e| is_sold(e)).collect();
        let priced: Vec<&Endpoint> = own.iter().copied().filter(|e| is_priced(e)).collect();
        let is_priced = !priced.is_empty();
        let sellers = if is_priced { priced } else { own };
        let Some(first) = sellers.first() else { continue };
        let (Ok(ix), Some(&provider)) = (u32::try_from(catalog.endpoints.len()), catalog.by_provider.get(of.slug.as_str())) else {
            continue;
        };
        let endpoint = Endpoint {
            ix: EndpointIx(ix),
            model: first.model,
            provider,
            origin: origin(&sellers),
            own: false,
            is_bounded: sellers.iter().any(|e| e.is_bounded),
            tag: of.slug.to_string(),
            upstream_id: Some(row.slug.to_string()),
            region: None,
            dialect: of.dialect.unwrap_or(portolan_core::Dialect::OpenAiChat),
            context_length: largest(&sellers, |e| e.context_length),
            max_prompt_tokens: None,
            max_output: largest(&sellers, |e| e.max_output),
            quantization: Quantization::Unknown,
            task: Task::Chat,
            service_tier: None,
            area: None,
            claimed_area: None,
            zdr: false,
            zdr_basis: None,
            capabilities: sellers.iter().flat_map(|e| e.capabilities.iter()).collect(),
            supported_parameters: union(&sellers, shared),
            parameters: sellers.iter().map(|e| e.parameters).fold(Parameters::NONE, Parameters::union),
            tool_choice: sellers.iter().map(|e| e.tool_choice).fold(ToolChoice::default(), either),
            free: is_priced && sellers.iter().all(|e| e.free),
            callable: if is_priced { callable_at(of, of.dialect, Task::Chat) } else { Err(NotCallable::PriceUnknown) },
            prices: shared.card(if is_priced { dearest(&sellers) } else { PriceCard::default() }),
            media: None,
            audio_cache_read: None,
            charged_by_report: true,
            policy: DataPolicy::default(),
            implicit_caching: false,
            native_web_search: false,
            file_urls: false,
            video_urls: false,
            passthrough_parameters: shared.list(&[]),
            deprecation_date: None,
            quirks: of.quirks.clone(),
        };
        if let Some(known) = sold_already {
            let stated = of.endpoints.iter().find(|stated| stated.model == row.slug && stated.own);
            if let Some(stated) = stated {
                let known = &mut catalog.endpoints[known.0 as usize];
                *known = completed(known, stated, endpoint, shared);
            }
            continue;
        }
        catalog.models[i].endpoints.push(endpoint.ix);
        catalog.endpoints.push(endpoint);
    }
}

fn is_sold(endpoint: &Endpoint) -> bool {
    endpoint.task == Task::Chat && endpoint.service_tier.is_none() && !endpoint.charged_by_report && !endpoint.own
}

/// What is derived, where the configuration's row for the reseller states nothing.
fn completed(known: &Endpoint, stated: &EndpointRow, derived: Endpoint, shared: &mut Shared) -> Endpoint {
    let is_priced = derived.callable != Err(NotCallable::PriceUnknown);
    let prices = if is_priced { shared.card(in_service_tier(&derived.prices, &stated.pricing.rates())) } else { known.prices.clone() };
    let context_length = stated.context_length.unwrap_or(derived.context_length);
    Endpoint {
        is_bounded: known.is_bounded || derived.is_bounded,
        context_length,
        max_output: stated.max_output.unwrap_or(derived.max_output).min(context_length),
        capabilities: stated.capabilities.unwrap_or(derived.capabilities),
        supported_parameters: derived.supported_parameters,
        parameters: derived.parameters,
        tool_choice: derived.tool_choice,
        free: if stated.pricing.is_stated() { known.free } else { derived.free },
        prices,
        callable: derived.callable.or(known.callable),
        ..known.clone()
    }
}

fn is_priced(endpoint: &Endpoint) -> bool {
    endpoint.callable != Err(NotCallable::PriceUnknown)
}

/// Of the last layer that one of those has anything from of whom it is derived.
fn origin(of: &[&Endpoint]) -> DataOrigin {
    let from = |origin| of.iter().any(|e| e.origin == origin);
    [DataOrigin::Configuration, DataOrigin::Synced].into_iter().find(|origin| from(*origin)).unwrap_or_default()
}

fn largest(of: &[&Endpoint], column: impl Fn(&Endpoint) -> u32) -> u32 {
    of.iter().map(|e| column(e)).max().unwrap_or(0)
}

/// For every meter that any of them lists, the dearest price that any of them takes for it; for longer prompts by their
/// lists for these, from each bound that one of them has.
fn dearest(of: &[&Endpoint]) -> PriceCard {
    let above = |bound: u64| {
        let lists: Vec<&Rates> = of.iter().map(|e| e.prices.rates(bound.saturating_add(1))).collect();
        let listed = |meter: &Meter| lists.iter().any(|rates| rates.listed(*meter).is_some());
        let price = |meter| lists.iter().map(|rates| rates.effective(meter)).max().unwrap_or_default();
        Meter::ALL.into_iter().filter(listed).fold(Rates::default(), |rates, meter| rates.with(meter, price(meter)))
    };
    let mut bounds: Vec<u64> = of.iter().flat_map(|e| e.prices.tiers.iter().map(|tier| tier.above_prompt_tokens)).collect();
    bounds.sort_unstable();
    bounds.dedup();
    let base = above(0);
    let tiers = bounds.into_iter().map(|bound| PriceTier { above_prompt_tokens: bound, rates: above(bound) });
    PriceCard::new(base, tiers.collect())
}

fn union(of: &[&Endpoint], shared: &mut Shared) -> Arc<[String]> {
    let mut all: Vec<String> = of.iter().flat_map(|e| e.supported_parameters.iter().cloned()).collect();
    all.sort_unstable();
    all.dedup();
    shared.list(&all)
}

fn either(a: ToolChoice, b: ToolChoice) -> ToolChoice {
    ToolChoice { auto: a.auto || b.auto, none: a.none || b.none, required: a.required || b.required, function: a.function || b.function }
}
