//! `GET /providers`

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};

use crate::Gateway;

pub(crate) async fn list(State(gateway): State<Arc<Gateway>>) -> Response {
    axum::Json(gateway.engine.deployment().catalog.providers_answer()).into_response()
}
