//! Which request goes where.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use serde::Serialize;

use super::body::PacedBody;
use super::exchange::{Severed, exchange, unix_seconds};
use super::sim::State;
use crate::dialect::{Dialect, Problem};

/// Where simulated redirects lead.
pub(super) const FOLLOWED: &str = "/sim/followed";

/// Answers a request. An error means that the connection is to be cut before any header.
pub(super) async fn handle(
    state: Arc<State>,
    severed: Arc<AtomicBool>,
    request: Request<Incoming>,
) -> Result<Response<PacedBody>, Severed> {
    let path = request.uri().path().to_owned();
    let mut response = match (request.method(), path.as_str()) {
        (&Method::GET, "/sim/ledger") => json(StatusCode::OK, &state.ledger.view()),
        (&Method::DELETE, "/sim/ledger") => {
            state.ledger.reset();
            json(StatusCode::OK, &state.ledger.view())
        }
        (_, FOLLOWED) => {
            state.ledger.redirect_followed();
            not_found(&path)
        }
        (&Method::GET, _) if path.ends_with("/models") => {
            json(StatusCode::OK, &Dialect::of_headers(request.headers()).models(unix_seconds()))
        }
        (&Method::POST, _) => match Dialect::of_path(&path) {
            Some(dialect) => exchange(&state, severed, dialect, request).await?,
            None => not_found(&path),
        },
        _ => not_found(&path),
    };
    response.headers_mut().insert("x-sim", HeaderValue::from_static("1"));
    Ok(response)
}

fn not_found(path: &str) -> Response<PacedBody> {
    let problem = Problem::status(404, format!("the simulator serves nothing at {path}")).with_code("not_found");
    json(StatusCode::NOT_FOUND, &Dialect::OpenAiChat.error(&problem, ""))
}

fn json(status: StatusCode, value: &impl Serialize) -> Response<PacedBody> {
    let body = serde_json::to_vec(value).expect("the simulator's own values are JSON");
    let length = HeaderValue::from(body.len());
    let mut response = Response::new(PacedBody::plain(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(http::header::CONTENT_LENGTH, length);
    response
}
