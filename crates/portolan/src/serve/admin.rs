//! What administrators reach: the metrics listener, and the socket that the command line speaks to.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode, header};
use portolan_core::KeyHash;
use portolan_engine::Refused;
use portolan_gateway::{ApiError, Gateway, explain_for};
use serde::Deserialize;

use super::metrics::Metrics;
use super::{Instance, sync, verify};

/// `/metrics`, on the admin listener.
pub(super) fn metrics_router(instance: &Instance) -> Router {
    let (metrics, tasks, store) = (instance.metrics.clone(), instance.tasks.clone(), instance.store.clone());
    let (live, in_force) = (instance.live.clone(), instance.in_force.clone());
    let show = move || async move {
        live.show(&in_force.now(), &metrics);
        render(&metrics, tasks.running(), store.health().unfolded_bytes)
    };
    Router::new().route("/metrics", get(show))
}

fn render(metrics: &Metrics, tasks: usize, unfolded: u64) -> Response {
    match metrics.render(tasks, unfolded) {
        Ok(text) => ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The admin socket: keys, records, explanations on behalf of a key, proofs, the catalog.
pub(super) fn socket_router(instance: &Instance) -> Router {
    let control = portolan_control::router(portolan_control::ControlState::new(
        Arc::new(instance.gateway.directory.clone()),
        instance.store.clone(),
        Arc::new(portolan_core::SystemClock),
    ));
    let explained_max = DefaultBodyLimit::max(instance.gateway.body_bytes_max);
    let own = Router::new().route("/explain", post(explain)).layer(explained_max).with_state(instance.gateway.clone());
    let proofs = Router::new()
        .route("/verify", post(verify::verify))
        .with_state(Arc::new(verify::Proof { gateway: instance.gateway.clone(), client: instance.client.clone() }));
    control.merge(own).merge(proofs).merge(sync::router(instance))
}

#[derive(Deserialize)]
struct Asked {
    task: Option<String>,
    seed: Option<u64>,
    key: Option<String>,
}

async fn explain(
    State(gateway): State<Arc<Gateway>>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let caller = match &asked.key {
        Some(hash) => KeyHash::parse(hash).and_then(|hash| gateway.directory.caller_of(&hash)),
        None => gateway.directory.any_caller(),
    };
    let caller = caller.ok_or_else(|| Refused::new(404, "not_found", "there is no such key; list the keys with `portolan keys list`"))?;
    let answer = explain_for(&gateway, caller, &headers, body, asked.task.as_deref(), asked.seed)?;
    Ok(axum::Json(answer).into_response())
}
