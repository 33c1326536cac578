//! All routes, in one flat list.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{Method, StatusCode};
use portolan_engine::{Directory, Engine, Refused};
use portolan_store::Store;
use tower::Service;

use crate::routes::{chat, endpoints, explain, generation, health, key, media, models, pages, providers};
use crate::{ApiError, headers};

/// What the handlers share.
pub struct Gateway {
    /// The engine.
    pub engine: Engine,
    /// The keys in force.
    pub directory: Directory,
    /// The records.
    pub store: Store,
    /// The largest request body.
    pub body_bytes_max: usize,
    /// Whether to take traffic.
    pub readiness: Arc<dyn Readiness>,
    /// The presented catalog, rendered once per epoch.
    pub(crate) pages: pages::Pages,
}

/// Tells the truth about whether this instance can serve.
pub trait Readiness: Send + Sync {
    /// Each check by name, and what is wrong with those that fail.
    fn checks(&self) -> Vec<(&'static str, Result<(), String>)>;

    /// What is wrong and keeps nobody from serving, by name.
    fn warnings(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

impl Gateway {
    /// The shared state.
    #[must_use]
    pub fn new(engine: Engine, directory: Directory, store: Store, body_bytes_max: usize, readiness: Arc<dyn Readiness>) -> Self {
        Self { engine, directory, store, body_bytes_max, readiness, pages: pages::Pages::default() }
    }
}

/// The main listener's service: the routes, with a short way to the one that is called a thousand times as often
/// as all others. It is a route like any other below; going there directly saves matching and boxing it.
#[derive(Clone)]
pub struct Api {
    gateway: Arc<Gateway>,
    router: Router,
}

impl Api {
    /// The service of this gateway.
    #[must_use]
    pub fn new(gateway: Arc<Gateway>) -> Self {
        Self { router: router(gateway.clone()), gateway }
    }
}

impl Service<Request> for Api {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match (request.method(), request.uri().path()) {
            (&Method::POST, "/api/v1/chat/completions" | "/v1/chat/completions") => {
                let gateway = self.gateway.clone();
                Box::pin(async move { Ok(chat::complete(State(gateway), request).await) })
            }
            _ => {
                let (mut parts, body) = request.into_parts();
                match headers::one_host(&mut parts) {
                    Ok(()) => Box::pin(self.router.call(Request::from_parts(parts, body))),
                    Err(refused) => Box::pin(std::future::ready(Ok(refuse(refused)))),
                }
            }
        }
    }
}

/// The routes of the main listener.
fn router(gateway: Arc<Gateway>) -> Router {
    let api = Router::new()
        .route("/models", get(models::list))
        .route("/models/count", get(models::count))
        .route("/models/user", get(models::of_caller))
        .route("/models/{model}", get(models::retrieve))
        .route("/model/{author}/{slug}", get(models::show))
        .route("/models/{author}/{slug}/endpoints", get(endpoints::of_model))
        .route("/endpoints/zdr", get(endpoints::zdr))
        .route("/embeddings/models", get(models::embeddings))
        .route("/images/models", get(media::images))
        .route("/images/models/{author}/{slug}/endpoints", get(media::image_endpoints))
        .route("/videos/models", get(media::videos))
        .route("/providers", get(providers::list))
        .route("/key", get(key::current))
        .route("/auth/key", get(key::current))
        .route("/generation", get(generation::show))
        .route("/portolan/explain", post(explain::explain))
        .route("/portolan/generations/{id}/explanation", get(explain::stored))
        .layer(from_fn(present));
    // Inference answers carry their headers themselves, and stand in no nested router: both would cost every request.
    Router::new()
        .route("/api/v1/chat/completions", post(chat::complete).options(preflight))
        .route("/v1/chat/completions", post(chat::complete).options(preflight))
        .nest("/api/v1", api.clone())
        .nest("/v1", api)
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .with_state(gateway)
}

/// Answers preflight requests and adds the common headers.
async fn present(request: Request, next: Next) -> Response {
    if request.method() == Method::OPTIONS {
        return preflight().await;
    }
    let mut response = next.run(request).await;
    headers::common(response.headers_mut());
    response
}

async fn preflight() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    headers::preflight(response.headers_mut());
    response
}

async fn nothing_here(request: Request) -> Response {
    if request.method() == Method::OPTIONS {
        return preflight().await;
    }
    let path: String = request.uri().path().chars().filter(|c| !c.is_control()).take(200).collect();
    refuse(Refused::new(404, "not_found", format!("There is no {path} here; the API is under /api/v1 and /v1")))
}

async fn wrong_method(request: Request) -> Response {
    if request.method() == Method::OPTIONS {
        return preflight().await;
    }
    refuse(Refused::new(405, "invalid_request", format!("{} is not a method of this path", request.method())))
}

/// An error outside of the handlers.
fn refuse(refused: Refused) -> Response {
    let mut response = ApiError::from(refused).into_response();
    headers::common(response.headers_mut());
    response
}
