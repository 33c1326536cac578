//! `GET /models` and `GET /models/count`

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, header};
use portolan_engine::Deployment;
use serde_json::json;

use crate::Gateway;

/// The list of models as bytes, made once per deployment: it takes a millisecond and never changes in between.
#[derive(Default)]
pub(crate) struct Pages(Mutex<Option<(u64, Bytes)>>);

impl Pages {
    fn models(&self, deployment: &Deployment) -> Bytes {
        let mut page = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*page {
            Some((epoch, bytes)) if *epoch == deployment.epoch => bytes.clone(),
            _ => {
                let answer = deployment.catalog.models_answer(&deployment.catalog.models);
                let bytes = Bytes::from(answer.to_string());
                *page = Some((deployment.epoch, bytes.clone()));
                bytes
            }
        }
    }
}

pub(crate) async fn list(State(gateway): State<Arc<Gateway>>) -> Response {
    let body = gateway.pages.models(&gateway.engine.deployment());
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300, stale-while-revalidate=3600, stale-if-error=3600")),
    ];
    (headers, body).into_response()
}

pub(crate) async fn count(State(gateway): State<Arc<Gateway>>) -> Response {
    let count = gateway.engine.deployment().catalog.models.len();
    axum::Json(json!({ "data": { "count": count } })).into_response()
}
