//! `GET /models/{author}/{slug}/endpoints` and `GET /endpoints/zdr`

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use portolan_catalog::{Catalog, EndpointIx, EndpointStats, Model};
use portolan_core::Suffix;
use portolan_engine::{Deployment, find_listed};

use super::models::not_found;
use crate::{ApiError, Gateway, auth};

pub(crate) async fn of_model(
    State(gateway): State<Arc<Gateway>>,
    headers: HeaderMap,
    names: Result<Path<(String, String)>, PathRejection>,
) -> Result<Response, ApiError> {
    let Path((author, name)) = names?;
    let deployment = gateway.engine.deployment();
    let (catalog, slug) = (&deployment.catalog, format!("{author}/{name}"));
    let with_speed = is_known(&gateway, &headers);
    let answer = match find_listed(catalog, &slug) {
        Some(listed) => catalog.endpoints_answer(listed.model, |ix| shown(&gateway, &deployment, ix, with_speed)),
        None => catalog.no_endpoints_answer(base_of_variant(catalog, &slug).ok_or_else(|| not_found(catalog, &slug))?, &slug),
    };
    Ok(axum::Json(answer).into_response())
}

pub(crate) async fn zdr(State(gateway): State<Arc<Gateway>>, headers: HeaderMap) -> Response {
    let deployment = gateway.engine.deployment();
    let with_speed = is_known(&gateway, &headers);
    axum::Json(deployment.catalog.zdr_answer(|ix| shown(&gateway, &deployment, ix, with_speed))).into_response()
}

/// What our own traffic tells of an endpoint.
pub(crate) fn measured(gateway: &Gateway, deployment: &Deployment, ix: EndpointIx) -> Option<EndpointStats> {
    let seen = deployment.endpoint_stats(ix, gateway.engine.clock().now());
    Some(EndpointStats {
        uptime_5m: seen.uptime_5m,
        uptime_30m: seen.uptime_30m,
        uptime_1d: seen.uptime_1d,
        latency_30m: seen.latency_30m,
        throughput_30m: seen.throughput_30m,
    })
}

/// The same for who asks: only a key is shown how fast an endpoint is, as at OpenRouter.
fn shown(gateway: &Gateway, deployment: &Deployment, ix: EndpointIx, with_speed: bool) -> Option<EndpointStats> {
    measured(gateway, deployment, ix).map(|stats| if with_speed { stats } else { stats.without_speed() })
}

/// Whether the request presents a key in force. A wrong one is none, for these answers are public.
fn is_known(gateway: &Gateway, headers: &HeaderMap) -> bool {
    auth::authenticate(gateway, headers).is_ok()
}

/// The model of a slug with variants (`openai/gpt-4o:free`) of which the catalog has no entry. Other words behind a colon are a part of
/// a name.
fn base_of_variant<'a>(catalog: &'a Catalog, slug: &str) -> Option<&'a Model> {
    let mut rest = slug;
    while let Some((base, word)) = rest.rsplit_once(':')
        && Suffix::parse(word).is_some()
    {
        if let Some(listed) = catalog.find_listed(base) {
            return Some(listed.model);
        }
        rest = base;
    }
    None
}
