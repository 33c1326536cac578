//! Endpoints of providers that serve other providers' models: derived, for what they charge they report.

use std::sync::Arc;

use portolan_core::{Meter, Parameters, PriceCard, PriceTier, Quantization, Rates, Task};

use super::shared::Shared;
use crate::rows::{ModelRow, ProviderRow};
use crate::{Catalog, DataPolicy, Endpoint, EndpointIx, ToolChoice};

/// Adds an endpoint for each chat model that names this reseller, has a priced endpoint, and has no row there already.
pub(super) fn add(catalog: &mut Catalog, shared: &mut Shared, of: &ProviderRow, models: &[ModelRow]) {
    for (i, row) in models.iter().enumerate().filter(|(_, row)| row.task == Task::Chat && row.resold_by.contains(&of.slug)) {
        let model = &catalog.models[i];
        let sold_already = catalog.endpoints_of(model).any(|e| catalog.provider(e.provider).slug == of.slug);
        let priced: Vec<&Endpoint> = catalog.endpoints_of(model).filter(|e| is_own_and_priced(e)).collect();
        let (false, Some(first)) = (sold_already, priced.first()) else { continue };
        let (Ok(ix), Some(&provider)) = (u32::try_from(catalog.endpoints.len()), catalog.by_provider.get(of.slug.as_str())) else {
            continue;
        };
        let endpoint = Endpoint {
            ix: EndpointIx(ix),
            model: first.model,
            provider,
            origin: of.origin,
            tag: of.slug.to_string(),
            upstream_id: Some(row.slug.to_string()),
            region: None,
            dialect: of.dialect.unwrap_or(portolan_core::Dialect::OpenAiChat),
            context_length: largest(&priced, |e| e.context_length),
            max_prompt_tokens: None,
            max_output: largest(&priced, |e| e.max_output),
            quantization: Quantization::Unknown,
            task: Task::Chat,
            service_tier: None,
            area: None,
            claimed_area: None,
            zdr: false,
            zdr_basis: None,
            capabilities: priced.iter().flat_map(|e| e.capabilities.iter()).collect(),
            supported_parameters: union(&priced, shared),
            parameters: priced.iter().map(|e| e.parameters).fold(Parameters::NONE, Parameters::union),
            tool_choice: priced.iter().map(|e| e.tool_choice).fold(ToolChoice::default(), either),
            free: priced.iter().all(|e| e.free),
            callable: super::derive::callable_at(of, of.dialect, Task::Chat),
            prices: shared.card(dearest(&priced)),
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
        catalog.models[i].endpoints.push(endpoint.ix);
        catalog.endpoints.push(endpoint);
    }
}

fn is_own_and_priced(endpoint: &Endpoint) -> bool {
    let priced = endpoint.callable != Err(crate::NotCallable::PriceUnknown);
    priced && endpoint.task == Task::Chat && endpoint.service_tier.is_none() && !endpoint.charged_by_report
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
