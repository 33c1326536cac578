//! Models of other tasks than text: `GET /images/models`, `/images/models/{author}/{slug}/endpoints` and `/videos/models`.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;

use super::models::{cached, not_found};
use crate::{ApiError, Gateway};

pub(crate) async fn images(State(gateway): State<Arc<Gateway>>) -> Response {
    cached(gateway.engine.deployment().catalog.image_models_answer().to_string())
}

pub(crate) async fn image_endpoints(
    State(gateway): State<Arc<Gateway>>,
    names: Result<Path<(String, String)>, PathRejection>,
) -> Result<Response, ApiError> {
    let Path((author, name)) = names?;
    let slug = format!("{author}/{name}");
    let deployment = gateway.engine.deployment();
    let found = deployment.catalog.find_listed(&slug).and_then(|listed| deployment.catalog.image_endpoints_answer(listed.model));
    Ok(cached(found.ok_or_else(|| not_found(&deployment.catalog, &slug))?.to_string()))
}

pub(crate) async fn videos(State(gateway): State<Arc<Gateway>>) -> Response {
    cached(gateway.engine.deployment().catalog.video_models_answer().to_string())
}
