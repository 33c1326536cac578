//! `POST /portolan/explain` and `GET /portolan/generations/{id}/explanation`

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, Request};
use portolan_core::GenerationId;
use portolan_engine::{Caller, Refused, Rule, stored_explanation};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{chat, generation};
use crate::auth::Authenticated;
use crate::{ApiError, Gateway, body, headers};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    task: Option<String>,
    seed: Option<u64>,
}

pub(crate) async fn explain(
    State(gateway): State<Arc<Gateway>>,
    Authenticated(caller): Authenticated,
    asked: Result<Query<Asked>, QueryRejection>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let Query(asked) = asked?;
    let (mut parts, body) = request.into_parts();
    headers::one_host(&mut parts)?;
    let body = body::read(&parts.headers, body, gateway.body_bytes_max).await?;
    let answer = explain_for(&gateway, caller, &parts.headers, body, asked.task.as_deref(), asked.seed)?;
    Ok(axum::Json(answer).into_response())
}

/// Explains a request on behalf of a caller; also what the administrator's socket offers.
///
/// # Errors
/// When the body or the task cannot be explained.
pub fn explain_for(
    gateway: &Gateway,
    caller: Caller,
    headers: &HeaderMap,
    body: Bytes,
    task: Option<&str>,
    seed: Option<u64>,
) -> Result<Value, ApiError> {
    if let Some(task) = task.filter(|t| *t != "chat") {
        let task: String = task.chars().filter(|c| !c.is_control()).take(40).collect();
        return Err(Refused::field("task", format!("task: {task} is not supported yet; use chat")).by(Rule::NotSupported).into());
    }
    let id = GenerationId::new(gateway.engine.clock().now(), gateway.engine.random());
    // An administrator may ask for a key that is out of force; who presents it gets no further than that.
    let out_of_force = caller.key.denied(gateway.engine.clock().now()).map(ApiError::from);
    let inbound = chat::inbound(gateway, id, Instant::now(), caller, headers, body)?;
    let mut data = gateway.engine.explain(inbound, seed)?;
    if let Some(error) = out_of_force {
        data["refusal"] = error.refused().body()["error"].take();
    }
    Ok(json!({ "data": data }))
}

pub(crate) async fn stored(
    State(gateway): State<Arc<Gateway>>,
    Authenticated(caller): Authenticated,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, ApiError> {
    let Path(id) = id?;
    let generation = generation::find(&gateway, &caller, &id).await?;
    Ok(axum::Json(json!({ "data": stored_explanation(&generation) })).into_response())
}
