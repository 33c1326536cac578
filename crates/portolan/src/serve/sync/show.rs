//! The catalog in force, for administrators: what can be called, why not, and where each row comes from.

use std::sync::Arc;

use portolan_catalog::sync::{SyncError, Synced};
use portolan_catalog::{Catalog, DataOrigin, Endpoint, Model, NotCallable};
use portolan_core::{Day, Meter};
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

/// What lies below the configuration: each layer with its name, the lowest first.
pub(super) struct Below {
    layers: Vec<(DataOrigin, Catalog)>,
    synced: Option<Arc<Synced>>,
}

impl Below {
    /// Reads the rows anew, which takes tens of milliseconds.
    pub(super) fn read(synced: Option<Arc<Synced>>) -> Result<Self, SyncError> {
        let layer = |of: Option<&Synced>| Catalog::layered(of, &[]).map_err(|e| SyncError::Rows(e.to_string()));
        let mut layers = vec![(DataOrigin::Builtin, layer(None)?)];
        if let Some(synced) = &synced {
            layers.push((DataOrigin::Synced, layer(Some(synced))?));
        }
        Ok(Self { layers, synced })
    }

    /// Where each known value comes from: the lowest layer from which on it is the same.
    fn origins(&self, model: &Model, tag: &str, values: &Map<String, Value>) -> Map<String, Value> {
        let of = |catalog: &Catalog| {
            let known = catalog.model(model.slug.as_str()).filter(|known| known.slug == model.slug)?;
            catalog.endpoints_of(known).find(|e| e.tag == tag).map(own_values)
        };
        let below: Vec<_> = self.layers.iter().map(|(origin, catalog)| (*origin, of(catalog))).collect();
        let origin = |name: &String, value: &Value| {
            let same = below.iter().rev().take_while(|(_, values)| values.as_ref().and_then(|v| v.get(name)) == Some(value));
            same.last().map_or(DataOrigin::Configuration, |(origin, _)| *origin)
        };
        values
            .iter()
            .filter(|(_, value)| is_known(value))
            .map(|(name, value)| (name.clone(), origin(name, value).as_str().into()))
            .collect()
    }
}

fn is_known(value: &Value) -> bool {
    value.as_object().map_or(!value.is_null(), |fields| fields.values().any(|field| !field.is_null()))
}

/// One model with all its endpoints, as they are on this day.
pub(super) fn model(deployment: &Deployment, model: &Model, below: &Below, today: Day) -> Value {
    let catalog = &deployment.catalog;
    let endpoints: Vec<Value> = catalog.endpoints_of(model).map(|e| endpoint(deployment, model, e, below, today)).collect();
    json!({
        "id": model.slug,
        "canonical_slug": model.canonical_slug,
        "name": model.name,
        "origin": model.origin.as_str(),
        "input_modalities": model.input_modalities,
        "output_modalities": model.output_modalities,
        "knowledge_cutoff": model.knowledge_cutoff,
        "expiration_date": model.expiration_date,
        "license": model.license,
        "distillable": model.distillable,
        "endpoints": endpoints,
    })
}

fn endpoint(deployment: &Deployment, model: &Model, e: &Endpoint, below: &Below, today: Day) -> Value {
    let provider = deployment.catalog.provider(e.provider);
    let zdr = below.synced.as_ref().and_then(|synced| synced.zdr.as_ref());
    let values = own_values(e);
    let origins = below.origins(model, &e.tag, &values);
    let mut shown = json!({
        "endpoint": e.tag,
        "provider": provider.name,
        "origin": e.origin.as_str(),
        "provider_origin": provider.origin.as_str(),
        "callable": e.callable.map_or_else(NotCallable::as_str, |()| "yes"),
        "has_credential": deployment.real_route(e.ix).is_some(),
        "charged_by": if e.charged_by_report { "the provider's report, within these prices" } else { "these prices" },
        "price_version": format!("{:016x}", e.prices.version),
        "deprecation_passed": e.deprecation_date.as_deref().map(|date| has_passed(date, today)),
        "zdr_listed_by_source": zdr.map(|zdr| zdr.contains(&(model.slug.clone(), e.tag.clone()))),
    });
    if let Value::Object(fields) = &mut shown {
        fields.extend(values);
        fields.insert("origins".to_owned(), origins.into());
    }
    shown
}

/// Whether this date, `YYYY-MM-DD`, lies before today.
fn has_passed(date: &str, today: Day) -> bool {
    let (year, month, day) = today.civil();
    date < format!("{year:04}-{month:02}-{day:02}").as_str()
}

/// The values that a layer may state.
fn own_values(e: &Endpoint) -> Map<String, Value> {
    let values = json!({
        "upstream_id": e.upstream_id,
        "region": e.region,
        "context_length": e.context_length,
        "max_prompt_tokens": e.max_prompt_tokens,
        "max_output": e.max_output,
        "quantization": e.quantization.as_str(),
        "prices": prices(e),
        "policy": e.policy,
        "zdr": e.zdr,
        "zdr_basis": e.zdr_basis,
        "deprecation_date": e.deprecation_date,
    });
    match values {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_has_passed_on_the_day_after() {
        // 2026-08-10
        let today = Day(20_675);
        assert_eq!(today.civil(), (2026, 8, 10));
        for (date, passed) in [
            ("2025-12-31", true),
            ("2026-08-09", true),
            ("2026-08-10", false),
            ("2026-08-11", false),
            ("2026-10-01", false),
            ("2098-12-31", false),
        ] {
            assert_eq!(has_passed(date, today), passed, "{date}");
        }
    }
}
