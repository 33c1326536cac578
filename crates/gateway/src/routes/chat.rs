//! `POST /chat/completions`

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, header};
use portolan_core::GenerationId;
use portolan_dialect::openai_chat::peek::{self, Peek, PeekError};
use portolan_engine::{Caller, Head, Inbound, Refused, Reply, Rule};
use tokio::time::Instant;

use crate::{ApiError, Gateway, auth, body, headers};

pub(crate) async fn complete(State(gateway): State<Arc<Gateway>>, request: Request<Body>) -> Response {
    let begun = Instant::now();
    let id = GenerationId::new(gateway.engine.clock().now(), gateway.engine.random());
    let request_id = request.headers().get(headers::REQUEST_ID).cloned();
    let mut response = match read(&gateway, id.clone(), begun, request).await {
        Ok(inbound) => answer(&id, gateway.engine.chat(inbound).await),
        Err(error) => {
            gateway.engine.note_refused(error.refused());
            refuse(&id, error)
        }
    };
    if let Some(request_id) = request_id {
        response.headers_mut().insert(headers::REQUEST_ID, request_id);
    }
    response
}

async fn read(gateway: &Gateway, id: GenerationId, begun: Instant, request: Request<Body>) -> Result<Box<Inbound>, ApiError> {
    let (mut parts, body) = request.into_parts();
    let caller = auth::authenticate(gateway, &parts.headers)?;
    headers::one_host(&mut parts)?;
    let Some(via) = headers::via(&parts.headers, &gateway.engine.via()) else {
        let message = "This request has passed through this gateway before, or through too many; a provider's base_url points back";
        return Err(Refused::new(508, "invalid_request", message).by(Rule::Loop).into());
    };
    let body = body::read(&parts.headers, body, gateway.body_bytes_max).await?;
    let mut inbound = inbound(gateway, id, begun, caller, &parts.headers, body)?;
    inbound.via = via;
    Ok(inbound)
}

/// Parses a chat body into what the engine takes.
pub(crate) fn inbound(
    gateway: &Gateway,
    id: GenerationId,
    begun: Instant,
    caller: Caller,
    request_headers: &HeaderMap,
    body: Bytes,
) -> Result<Box<Inbound>, ApiError> {
    let peek = peek::peek(&body).map_err(refused)?;
    let mut origins = headers::origins(request_headers)?;
    origins.tags = tags(&body, &peek);
    Ok(Box::new(Inbound {
        id,
        at: gateway.engine.clock().now(),
        begun,
        caller,
        body,
        peek,
        origins,
        simulate: request_headers.get(headers::SIMULATE).is_some_and(|v| v == "true"),
        wants_metadata: headers::wants_metadata(request_headers),
        area: headers::area(request_headers),
        x_sim: request_headers.get(headers::X_SIM).cloned(),
        via: gateway.engine.via(),
    }))
}

fn refused(error: PeekError) -> ApiError {
    let refused = match error.field() {
        Some(field) => Refused::field(field, error.to_string()),
        None => Refused::new(400, "invalid_request", error.to_string()),
    };
    match error {
        PeekError::NotSupported { .. } => refused.by(Rule::NotSupported).into(),
        PeekError::Syntax(_) | PeekError::Invalid { .. } => refused.into(),
    }
}

/// `metadata`, as the record keeps it. Peek has checked its size.
fn tags(body: &[u8], peek: &Peek) -> Vec<(String, String)> {
    let Some(span) = peek.metadata.clone() else { return Vec::new() };
    let tags: BTreeMap<String, String> = serde_json::from_slice(&body[span]).unwrap_or_default();
    tags.into_iter().map(|(name, value)| (headers::clean(&name), headers::clean(&value))).collect()
}

fn answer(id: &GenerationId, reply: Reply) -> Response {
    let (head, mut response) = match reply {
        Reply::Body(head, bytes) => {
            let mut response = Response::new(Body::from(bytes));
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            (head, response)
        }
        Reply::Stream(head, stream) => {
            let mut response = Response::new(Body::new(stream));
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            // Proxies that buffer would hold tokens back (nginx reads this one).
            response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
            (head, response)
        }
        Reply::Refused(refused) => return refuse(id, refused.into()),
    };
    headers::common(response.headers_mut());
    headers::inference(response.headers_mut(), id, &head);
    response
}

fn refuse(id: &GenerationId, error: ApiError) -> Response {
    tracing::info!(generation.id = %id, http.status = error.refused().status, rule = error.refused().rule.map(Rule::as_str), "a request was refused");
    let head = Head { simulated: error.refused().simulated, ..Head::default() };
    let mut response = error.into_response();
    headers::common(response.headers_mut());
    headers::inference(response.headers_mut(), id, &head);
    response
}
