//! `GET /models/{author}/{slug}/endpoints`

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use portolan_engine::{Refused, Rule};

use crate::{ApiError, Gateway};

pub(crate) async fn of_model(
    State(gateway): State<Arc<Gateway>>,
    names: Result<Path<(String, String)>, PathRejection>,
) -> Result<Response, ApiError> {
    let Path((author, name)) = names?;
    let deployment = gateway.engine.deployment();
    let slug = format!("{author}/{name}");
    match deployment.catalog.model(&slug) {
        Some(model) => Ok(axum::Json(deployment.catalog.endpoints_answer(model)).into_response()),
        None => {
            let slug: String = slug.chars().filter(|c| !c.is_control()).take(120).collect();
            Err(Refused::new(404, "not_found", format!("{slug} is not a valid model ID")).by(Rule::ModelNotFound).into())
        }
    }
}
