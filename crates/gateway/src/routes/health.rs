//! `GET /healthz` and `GET /readyz`

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Map, json};

use crate::Gateway;

/// The process answers. Asks nothing else: a database that is down is no reason to restart it.
pub(crate) async fn alive() -> &'static str {
    "ok\n"
}

/// Whether to send traffic here, with every check by name.
pub(crate) async fn ready(State(gateway): State<Arc<Gateway>>) -> Response {
    let checks = gateway.readiness.checks();
    let ready = checks.iter().all(|(_, result)| result.is_ok());
    let shown: Map<_, _> =
        checks.into_iter().map(|(name, result)| (name.to_owned(), result.map_or_else(|e| e, |()| "ok".to_owned()).into())).collect();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut body = json!({ "ready": ready, "checks": shown });
    let warnings: Map<_, _> = gateway.readiness.warnings().into_iter().map(|(name, what)| (name.to_owned(), what.into())).collect();
    if !warnings.is_empty() {
        body["warnings"] = warnings.into();
    }
    (status, axum::Json(body)).into_response()
}
