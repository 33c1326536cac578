//! `GET /providers`

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use super::models::cached;
use crate::Gateway;

pub(crate) async fn list(State(gateway): State<Arc<Gateway>>) -> Response {
    cached(gateway.engine.deployment().catalog.providers_answer().to_string())
}
