//! `GET /models` and `GET /models/count`

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::rejection::QueryRejection;
use axum::extract::{OriginalUri, Query, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, header};
use portolan_engine::{Deployment, Refused};
use serde::Deserialize;
use serde_json::json;

use crate::{ApiError, Gateway};

/// The list of models as bytes, made once per deployment: it takes a millisecond and never changes in between.
#[derive(Default)]
pub(crate) struct Pages(Mutex<Option<(u64, Bytes)>>);

impl Pages {
    fn models(&self, deployment: &Deployment) -> Bytes {
        let mut page = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*page {
            Some((epoch, bytes)) if *epoch == deployment.epoch => bytes.clone(),
            _ => {
                let answer = deployment.catalog.models_answer(&deployment.catalog.models, None);
                let bytes = Bytes::from(answer.to_string());
                *page = Some((deployment.epoch, bytes.clone()));
                bytes
            }
        }
    }
}

/// Where a page starts and how long it is. Without either the list is whole, as OpenRouter's.
#[derive(Deserialize)]
pub(crate) struct Asked {
    offset: Option<usize>,
    limit: Option<usize>,
}

/// The length of a page that states none, and of the longest.
const LIMIT_DEFAULT: usize = 500;
const LIMIT_MAX: usize = 1000;

pub(crate) async fn list(
    State(gateway): State<Arc<Gateway>>,
    OriginalUri(uri): OriginalUri,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(asked) = asked?;
    let deployment = gateway.engine.deployment();
    let body = match asked {
        Asked { offset: None, limit: None } => gateway.pages.models(&deployment),
        Asked { offset, limit } => page(&deployment, uri.path(), offset.unwrap_or(0), limit.unwrap_or(LIMIT_DEFAULT))?,
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300, stale-while-revalidate=3600, stale-if-error=3600")),
    ];
    Ok((headers, body).into_response())
}

fn page(deployment: &Deployment, path: &str, offset: usize, limit: usize) -> Result<Bytes, ApiError> {
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Refused::field("limit", format!("limit: {limit} is not between 1 and {LIMIT_MAX}")).into());
    }
    let models = &deployment.catalog.models;
    let (start, end) = (offset.min(models.len()), offset.saturating_add(limit).min(models.len()));
    let next = (end < models.len()).then(|| format!("{path}?offset={end}&limit={limit}"));
    Ok(Bytes::from(deployment.catalog.models_answer(&models[start..end], next).to_string()))
}

pub(crate) async fn count(State(gateway): State<Arc<Gateway>>) -> Response {
    let count = gateway.engine.deployment().catalog.models.len();
    axum::Json(json!({ "data": { "count": count } })).into_response()
}
