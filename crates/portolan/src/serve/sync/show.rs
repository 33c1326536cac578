//! The catalog in force, for administrators: what can be called, why not, and where each row comes from.

use portolan_catalog::sync::Synced;
use portolan_catalog::{Catalog, Endpoint, Model, NotCallable};
use portolan_core::Meter;
use portolan_engine::Deployment;
use serde_json::{Map, Value, json};

/// Every model, in one line each.
pub(super) fn list(catalog: &Catalog) -> Value {
    catalog.models.iter().map(|model| line(catalog, model)).collect()
}

fn line(catalog: &Catalog, model: &Model) -> Value {
    let callable = || catalog.endpoints_of(model).filter(|e| e.callable.is_ok());
    let cheapest = callable().min_by_key(|e| (e.blended_price(), e.ix));
    let price = |meter| cheapest.map(|e| e.prices.base.effective(meter).to_string());
    json!({
        "id": model.slug,
        "name": model.name,
        "origin": model.origin.as_str(),
        "endpoints": model.endpoints.len(),
        "callable": callable().count(),
        "prompt": price(Meter::Input),
        "completion": price(Meter::Output),
    })
}

/// One model with all its endpoints.
pub(super) fn model(deployment: &Deployment, model: &Model, synced: Option<&Synced>) -> Value {
    let catalog = &deployment.catalog;
    let endpoints: Vec<Value> = catalog.endpoints_of(model).map(|e| endpoint(deployment, model, e, synced)).collect();
    json!({
        "id": model.slug,
        "canonical_slug": model.canonical_slug,
        "name": model.name,
        "origin": model.origin.as_str(),
        "input_modalities": model.input_modalities,
        "output_modalities": model.output_modalities,
        "knowledge_cutoff": model.knowledge_cutoff,
        "expiration_date": model.expiration_date,
        "endpoints": endpoints,
    })
}

fn endpoint(deployment: &Deployment, model: &Model, e: &Endpoint, synced: Option<&Synced>) -> Value {
    let provider = deployment.catalog.provider(e.provider);
    let listed = synced.and_then(|synced| synced.zdr.as_ref()).map(|zdr| zdr.contains(&(model.slug.clone(), e.tag.clone())));
    json!({
        "endpoint": e.tag,
        "provider": provider.name,
        "origin": e.origin.as_str(),
        "provider_origin": provider.origin.as_str(),
        "callable": e.callable.map_or_else(NotCallable::as_str, |()| "yes"),
        "has_credential": deployment.real_route(e.ix).is_some(),
        "upstream_id": e.upstream_id,
        "region": e.region,
        "context_length": e.context_length,
        "max_prompt_tokens": e.max_prompt_tokens,
        "max_output": e.max_output,
        "quantization": e.quantization.as_str(),
        "prices": prices(e),
        "price_version": format!("{:016x}", e.prices.version),
        "policy": e.policy,
        "zdr": e.zdr,
        "zdr_listed_by_source": listed,
    })
}

fn prices(e: &Endpoint) -> Value {
    if e.callable == Err(NotCallable::PriceUnknown) {
        return Value::Null;
    }
    let listed = |meter: Meter| e.prices.base.listed(meter).map(|price| (meter.as_str().to_owned(), json!(price)));
    let mut all: Map<String, Value> = Meter::ALL.into_iter().filter_map(listed).collect();
    for tier in &e.prices.tiers {
        let of = |meter| tier.rates.effective(meter);
        let text = format!("{} / {}", of(Meter::Input), of(Meter::Output));
        all.insert(format!("above {} tokens", tier.above_prompt_tokens), text.into());
    }
    Value::Object(all)
}
