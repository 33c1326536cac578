//! What a credential really has: the provider's own list of models, against the catalog's rows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Method, header};
use portolan_catalog::{Endpoint, Provider, ProviderIx};
use portolan_core::Dialect;
use portolan_engine::{Deployment, Route};
use portolan_upstream::{Call, Client, Segments, Target, UpstreamError};
use serde_json::{Value, json};

use super::fetch::{self, Answer};

/// The version without which an Anthropic API answers nothing.
const ANTHROPIC_VERSION: HeaderValue = HeaderValue::from_static("2023-06-01");
/// Names of one list that are told; the rest is counted.
const NAMES_MAX: usize = 1_000;

/// Asks every provider that has a credential, or the one of this name. Empty: there is none.
pub(super) async fn probe(client: &Client, deployment: &Deployment, name: Option<&str>) -> Vec<Value> {
    let mut reports = Vec::new();
    for (ix, route) in callable(deployment) {
        let provider = deployment.catalog.provider(ix);
        if name.is_none_or(|name| provider.is_named(name)) {
            reports.push(report(client, deployment, provider, route).await);
        }
    }
    reports
}

/// The providers that can be called, each with the way to one of its endpoints. The simulator is none.
pub(in crate::serve) fn callable(deployment: &Deployment) -> BTreeMap<ProviderIx, &Route> {
    let endpoints = deployment.catalog.endpoints.iter().rev();
    endpoints.filter_map(|e| Some((e.provider, deployment.real_route(e.ix)?))).collect()
}

async fn report(client: &Client, deployment: &Deployment, provider: &Provider, route: &Route) -> Value {
    let there = match listed(client, provider, route).await {
        Ok(there) => there,
        Err(error) => return json!({ "provider": provider.slug, "ok": false, "error": error }),
    };
    let catalog = &deployment.catalog;
    let own = || catalog.endpoints.iter().filter(|e| catalog.provider(e.provider).slug == provider.slug);
    let ours: BTreeSet<&str> = own().filter_map(|e| e.upstream_id.as_deref()).collect();
    let (has, lacks): (Vec<&str>, Vec<&str>) = ours.iter().copied().partition(|id| there.contains(*id));
    let unlisted: Vec<&String> = there.iter().filter(|id| !ours.contains(id.as_str())).collect();
    let endpoint = |e: &Endpoint| {
        let id = e.upstream_id.as_deref()?;
        Some(json!({ "model": catalog.model_at(e.model).slug, "endpoint": e.tag, "upstream_id": id, "has": there.contains(id) }))
    };
    json!({
        "provider": provider.slug,
        "ok": true,
        "endpoints": own().filter_map(endpoint).collect::<Vec<_>>(),
        "models_there": there.len(),
        "has": has,
        "lacks": lacks,
        "not_in_catalog": unlisted.len(),
        "not_in_catalog_ids": unlisted.into_iter().take(NAMES_MAX).collect::<Vec<_>>(),
    })
}

/// The ids of `GET {base_url}/models`: a list, or a list under `data`. None at all is an error: nobody sells nothing.
async fn listed(client: &Client, provider: &Provider, route: &Route) -> Result<BTreeSet<String>, String> {
    let call = question(provider, route).map_err(|e| e.to_string())?;
    let error = |text: String| route.credential.mask(&text).into_owned();
    let text = match fetch::send(client, call).await.map_err(error)? {
        Answer::Text { text, .. } => text,
        Answer::NotFound(why) => return Err(error(why)),
        Answer::NotModified => return Err("the provider answers 304 to a question without a condition".to_owned()),
    };
    let answer: Value = serde_json::from_str(&text).map_err(|e| format!("its list of models is no JSON: {e}"))?;
    let rows = answer["data"].as_array().or_else(|| answer.as_array()).ok_or("its list of models has another form")?;
    let ids = rows.iter().filter_map(|row| row["id"].as_str()).map(|id| id.strip_prefix("models/").unwrap_or(id).to_owned());
    let ids: BTreeSet<String> = ids.collect();
    if ids.is_empty() { Err("it lists no models".to_owned()) } else { Ok(ids) }
}

/// `GET {base_url}/models`: it costs nothing.
///
/// # Errors
/// When its base URL allows for none.
pub(in crate::serve) fn question(provider: &Provider, route: &Route) -> Result<Call, UpstreamError> {
    let target = Arc::new(Target::new(route.target.base(), "/models")?);
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    if provider.dialect == Some(Dialect::Anthropic) {
        headers.insert("anthropic-version", ANTHROPIC_VERSION);
    }
    Ok(Call { target, method: Method::GET, headers, body: Segments::default(), credential: route.credential.clone() })
}
