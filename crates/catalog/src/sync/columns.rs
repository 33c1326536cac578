//! Columns by name, to be compared and shown. Where a row comes from is none.

use std::collections::BTreeMap;

use portolan_core::Capability;
use serde_json::{Value, json};

use crate::{Endpoint, Model, Provider};

/// What a column says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    Text(String),
    List(Vec<String>),
}

/// What is known, by the name of the column.
pub(super) type Columns = BTreeMap<String, Said>;

/// Of an endpoint, beside prices, limits and what has its own list in the difference.
pub(super) fn of_endpoint(endpoint: &Endpoint) -> Columns {
    columns(&json!({
        "upstream_id": endpoint.upstream_id,
        "region": endpoint.region,
        "area": endpoint.area,
        "claimed_area": endpoint.claimed_area,
        "dialect": endpoint.dialect,
        "task": endpoint.task,
        "service_tier": endpoint.service_tier,
        "quantization": endpoint.quantization,
        "zdr": endpoint.zdr,
        "zdr_basis": endpoint.zdr_basis,
        "data_policy": endpoint.policy,
        "supported_parameters": *endpoint.supported_parameters,
        "capabilities": endpoint.capabilities.iter().map(Capability::as_str).collect::<Vec<_>>(),
        "tool_choice": tool_choice(endpoint),
        "free": endpoint.free,
        "charged_by_report": endpoint.charged_by_report,
        "implicit_caching": endpoint.implicit_caching,
        "native_web_search": endpoint.native_web_search,
        "file_urls": endpoint.file_urls,
        "video_urls": endpoint.video_urls,
        "deprecation_date": endpoint.deprecation_date,
        "quirks": endpoint.quirks,
    }))
}

fn tool_choice(endpoint: &Endpoint) -> Vec<&'static str> {
    let takes = endpoint.tool_choice;
    let values = [("auto", takes.auto), ("none", takes.none), ("required", takes.required), ("function", takes.function)];
    values.into_iter().filter(|(_, is_taken)| *is_taken).map(|(value, _)| value).collect()
}

/// Of a model. What follows from its endpoints stands there.
pub(super) fn of_model(model: &Model) -> Columns {
    columns(&json!({
        "canonical_slug": model.canonical_slug,
        "name": model.name,
        "description": model.description,
        "created": model.created,
        "input_modalities": *model.input_modalities,
        "output_modalities": *model.output_modalities,
        "tokenizer": model.tokenizer,
        "instruct_type": model.instruct_type,
        "default_parameters": model.default_parameters,
        "reasoning": model.reasoning,
        "hugging_face_id": model.hugging_face_id,
        "knowledge_cutoff": model.knowledge_cutoff,
        "expiration_date": model.expiration_date,
        "moderated": model.moderated,
        "open_weights": model.open_weights,
        "license": model.license,
        "variant_of": model.variant_of,
        "delisted": model.delisted,
        "task": model.task,
        "distillable": model.distillable,
    }))
}

/// Of a provider. How it is reached and spoken to is never a source's to say.
pub(super) fn of_provider(provider: &Provider) -> Columns {
    columns(&json!({
        "name": provider.name,
        "privacy_policy_url": provider.privacy_policy_url,
        "terms_of_service_url": provider.terms_of_service_url,
        "status_page_url": provider.status_page_url,
        "headquarters": provider.headquarters,
        "datacenters": provider.datacenters,
    }))
}

fn columns(row: &Value) -> Columns {
    let mut all = Columns::new();
    flatten("", row, &mut all);
    all
}

/// A column of several parts is one column for each: `data_policy.training`.
fn flatten(name: &str, value: &Value, into: &mut Columns) {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let said = match value {
        Value::Null => return,
        Value::Object(parts) => {
            let part = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
            return parts.iter().for_each(|(key, value)| flatten(&part(key), value, into));
        }
        Value::Array(items) => Said::List(items.iter().map(text).collect()),
        _ => Said::Text(text(value)),
    };
    into.insert(name.to_owned(), said);
}

/// Columns that differ, as name, before and after. Of a list it is told what was added and removed.
pub(super) fn differing(old: &Columns, new: &Columns) -> Vec<(String, Option<String>, Option<String>)> {
    let mut all: Vec<_> = old.keys().chain(new.keys()).filter(|name| old.get(*name) != new.get(*name)).collect();
    all.sort_unstable();
    all.dedup();
    all.into_iter().flat_map(|name| one(name, old.get(name), new.get(name))).collect()
}

fn one(name: &str, old: Option<&Said>, new: Option<&Said>) -> Vec<(String, Option<String>, Option<String>)> {
    let items = |said: Option<&Said>| match said {
        Some(Said::List(items)) => items.clone(),
        _ => Vec::new(),
    };
    let (before, after) = (items(old), items(new));
    let only = |of: &[String], other: &[String]| of.iter().filter(|item| !other.contains(item)).cloned().collect::<Vec<_>>().join(", ");
    let (added, removed) = (only(&after, &before), only(&before, &after));
    let mut all = Vec::new();
    if !added.is_empty() {
        all.push((format!("{name} added"), None, Some(added)));
    }
    if !removed.is_empty() {
        all.push((format!("{name} removed"), Some(removed), None));
    }
    if all.is_empty() {
        // Another order, or no list.
        all.push((name.to_owned(), old.map(whole), new.map(whole)));
    }
    all
}

fn whole(said: &Said) -> String {
    match said {
        Said::Text(text) => text.clone(),
        Said::List(items) => items.join(", "),
    }
}
