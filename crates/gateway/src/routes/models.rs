//! The lists of models: `GET /models`, `/models/count`, `/models/user` and `/embeddings/models`; and one model by its name.

use std::sync::Arc;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{OriginalUri, Path, Query, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use portolan_catalog::{Catalog, Listed};
use portolan_core::{Area, Task};
use portolan_engine::{Caller, Deployment, Refused, Rule, find_listed, is_router, not_a_model};
use serde_json::{Value, json};

use super::endpoints::measured;
use super::listing::Asked;
use super::pages::{OUTPUT_DEFAULT, select};
use crate::auth::Authenticated;
use crate::headers::area;
use crate::{ApiError, Gateway};

type Pairs = Result<Query<Vec<(String, String)>>, QueryRejection>;

/// What anyone may keep for a while, as OpenRouter's list of models.
const PUBLIC: HeaderValue = HeaderValue::from_static("public, max-age=300, stale-while-revalidate=3600, stale-if-error=3600");
/// What depends on who asks.
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-store");

pub(crate) async fn list(State(gateway): State<Arc<Gateway>>, OriginalUri(uri): OriginalUri, pairs: Pairs) -> Result<Response, ApiError> {
    let asked = read(&gateway, pairs)?;
    let deployment = gateway.engine.deployment();
    if asked.is_plain() {
        return Ok(cached(gateway.pages.of(&deployment).whole.clone()));
    }
    Ok(cached(answer(&gateway, &deployment, &asked.filter_or(OUTPUT_DEFAULT), &uri, |_| true)))
}

pub(crate) async fn embeddings(
    State(gateway): State<Arc<Gateway>>,
    OriginalUri(uri): OriginalUri,
    pairs: Pairs,
) -> Result<Response, ApiError> {
    let asked = read(&gateway, pairs)?.filter_any_output();
    let deployment = gateway.engine.deployment();
    let embeds = |row: &Listed<'_>| deployment.catalog.does(row.model, Task::Embeddings);
    Ok(cached(answer(&gateway, &deployment, &asked, &uri, embeds)))
}

pub(crate) async fn of_caller(
    State(gateway): State<Arc<Gateway>>,
    Authenticated(caller): Authenticated,
    headers: HeaderMap,
    OriginalUri(uri): OriginalUri,
    pairs: Pairs,
) -> Result<Response, ApiError> {
    let asked = read(&gateway, pairs)?.filter_or(OUTPUT_DEFAULT);
    let deployment = gateway.engine.deployment();
    let area = gateway.engine.confinement(area(&headers))?;
    let body = answer(&gateway, &deployment, &asked, &uri, |row| may_use(&deployment, &caller, row, area));
    Ok(([JSON, (header::CACHE_CONTROL, PRIVATE)], body).into_response())
}

pub(crate) async fn count(State(gateway): State<Arc<Gateway>>, pairs: Pairs) -> Result<Response, ApiError> {
    let asked = read(&gateway, pairs)?.filter_or(OUTPUT_DEFAULT);
    let count = select(&gateway.engine.deployment().catalog, &asked, |_| true, |_| None).len();
    Ok(cached(json!({ "data": { "count": count } }).to_string()))
}

pub(crate) async fn show(
    State(gateway): State<Arc<Gateway>>,
    names: Result<Path<(String, String)>, PathRejection>,
) -> Result<Response, ApiError> {
    let Path((author, name)) = names?;
    Ok(cached(json!({ "data": find(&gateway, &format!("{author}/{name}"))? }).to_string()))
}

/// The same as OpenAI's clients ask for it: the slug is one segment, with its slash encoded, and the answer is the row itself.
pub(crate) async fn retrieve(State(gateway): State<Arc<Gateway>>, slug: Result<Path<String>, PathRejection>) -> Result<Response, ApiError> {
    let Path(slug) = slug?;
    Ok(cached(find(&gateway, &slug)?.to_string()))
}

/// A 404 that names the model.
pub(crate) fn not_found(catalog: &Catalog, slug: &str) -> ApiError {
    Refused::new(404, "not_found", not_a_model(catalog, slug)).by(Rule::ModelNotFound).into()
}

/// An answer that anyone may keep for a while.
pub(crate) fn cached(body: impl Into<Bytes>) -> Response {
    ([JSON, (header::CACHE_CONTROL, PUBLIC)], body.into()).into_response()
}

const JSON: (HeaderName, HeaderValue) = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));

fn read(gateway: &Gateway, pairs: Pairs) -> Result<Asked, ApiError> {
    let Query(pairs) = pairs?;
    Ok(Asked::read(&pairs, gateway.engine.clock().now())?)
}

fn answer(gateway: &Gateway, deployment: &Deployment, asked: &Asked, uri: &Uri, may_see: impl Fn(&Listed<'_>) -> bool) -> Bytes {
    let selected = select(&deployment.catalog, asked, may_see, |ix| measured(gateway, deployment, ix));
    gateway.pages.of(deployment).answer(&selected, asked, |offset| next_page(uri, offset))
}

fn find(gateway: &Gateway, slug: &str) -> Result<Value, ApiError> {
    let deployment = gateway.engine.deployment();
    let listed = find_listed(&deployment.catalog, slug).ok_or_else(|| not_found(&deployment.catalog, slug))?;
    Ok(deployment.catalog.model_row(listed))
}

/// Whether a key may use a model from a host of this area: today every key, where something stands behind one of its endpoints.
/// Routers choose among models whose endpoints stand anywhere. Guardrails will speak here.
fn may_use(deployment: &Deployment, _: &Caller, row: &Listed<'_>, area: Option<Area>) -> bool {
    if is_router(row.slug().as_str()) {
        return area.is_none();
    }
    let stays = |ix| area.is_none() || deployment.catalog.endpoint(ix).area == area;
    row.model.endpoints.iter().any(|ix| deployment.reaches(*ix) && stays(*ix))
}

/// The same query, at another offset.
fn next_page(uri: &Uri, offset: usize) -> String {
    let others = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty() && pair.split('=').next() != Some("offset"));
    let query: Vec<String> = others.map(str::to_owned).chain([format!("offset={offset}")]).collect();
    format!("{}?{}", uri.path(), query.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_asked_for_with_the_same_filters() {
        for (uri, next) in [
            ("/api/v1/models", "/api/v1/models?offset=5"),
            ("/v1/models?limit=5", "/v1/models?limit=5&offset=5"),
            ("/v1/models?offset=0&q=a%20b&limit=5&offset=2", "/v1/models?q=a%20b&limit=5&offset=5"),
        ] {
            assert_eq!(next_page(&uri.parse().unwrap(), 5), next);
        }
    }
}
