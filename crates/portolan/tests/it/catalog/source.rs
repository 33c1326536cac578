//! A source of catalogs on loopback.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// A source in both forms. Every answer has the ETag of the version that is served.
pub(super) struct Source {
    address: SocketAddr,
    shared: Arc<Shared>,
    _runtime: Runtime,
}

#[derive(Default)]
struct Shared {
    /// Path and query, to the body. What is not there is a 404.
    answers: Mutex<BTreeMap<String, String>>,
    version: Mutex<u32>,
    seen: Mutex<Vec<(String, u16)>>,
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let etag = format!("\"v{}\"", *shared.version.lock().unwrap());
    assert!(request.headers().get(header::AUTHORIZATION).is_none(), "no credential is a source's");
    let body = shared.answers.lock().unwrap().get(&path).cloned();
    let same = request.headers().get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes());
    let response = match body {
        Some(status) if status.starts_with("!") => StatusCode::from_bytes(&status.as_bytes()[1..]).unwrap().into_response(),
        Some(to) if to.starts_with("->") => (StatusCode::FOUND, [(header::LOCATION, to[2..].to_owned())]).into_response(),
        Some(_) if same => StatusCode::NOT_MODIFIED.into_response(),
        Some(body) => ([(header::ETAG, etag)], body).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    };
    shared.seen.lock().unwrap().push((path, response.status().as_u16()));
    response
}

impl Source {
    pub(super) fn start() -> Self {
        let shared = Arc::new(Shared::default());
        let (address, runtime) = listen(Router::new().fallback(answer).with_state(shared.clone()));
        let source = Self { address, shared, _runtime: runtime };
        source.serves(10, "0.0000002");
        source
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What is taken away is a 404 from here on.
    pub(super) fn drops(&self, path: &str) {
        self.shared.answers.lock().unwrap().remove(path);
    }

    /// `!500` is an answer of that status, `->URL` a redirect.
    pub(super) fn put(&self, path: &str, body: impl Into<String>) {
        self.shared.answers.lock().unwrap().insert(path.to_owned(), body.into());
    }

    /// The first model makes videos as well, and the second images: what they can be told is asked for apart.
    pub(super) fn serves_media(&self) {
        let video = json!({ "id": "black-forest-labs/flux-3-video", "seed": true, "supported_durations": [5] });
        let image = json!({ "id": "qwen/qwen-image-3-pro", "supported_parameters": { "n": { "type": "range", "min": 1, "max": 9 } } });
        let rows = ["black-forest-labs/flux-3-video", "qwen/qwen-image-3-pro"].map(|slug| json!({ "id": slug }));
        self.put("/models?output_modalities=all", json!({ "data": rows }).to_string());
        self.put("/videos/models", json!({ "data": [video] }).to_string());
        self.put("/images/models", json!({ "data": [image, { "id": "not/listed" }] }).to_string());
        for (slug, tag) in [("black-forest-labs/flux-3-video", "black-forest-labs"), ("qwen/qwen-image-3-pro", "alibaba")] {
            self.put(&format!("/models/{slug}/endpoints"), json!({ "data": { "endpoints": [{ "tag": tag }] } }).to_string());
        }
        let price = json!({ "billable": "output_image", "unit": "image", "cost_usd": 0.07 });
        let endpoint = json!({ "provider_tag": "alibaba", "pricing": [price] });
        self.put("/images/models/qwen/qwen-image-3-pro/endpoints", json!({ "endpoints": [endpoint] }).to_string());
        self.newer();
    }

    pub(super) fn newer(&self) {
        *self.shared.version.lock().unwrap() += 1;
    }

    /// A catalog of `n` models, the first of which is one of the built-in ones, at this price of input.
    pub(super) fn serves(&self, n: usize, prompt: &str) {
        let slugs: Vec<String> = (0..n).map(|i| if i == 0 { "openai/gpt-4o-mini".to_owned() } else { format!("acme/m{i}") }).collect();
        let rows: Vec<Value> = slugs.iter().map(|slug| json!({ "id": slug, "name": slug, "pricing": { "prompt": prompt } })).collect();
        self.put("/models?output_modalities=all", json!({ "data": rows }).to_string());
        for slug in &slugs {
            let tag = if slug.starts_with("openai") { "openai" } else { "acme" };
            let endpoint = json!({ "tag": tag, "context_length": 64_000, "pricing": { "prompt": prompt, "completion": "0.0000008" } });
            self.put(&format!("/models/{slug}/endpoints"), json!({ "data": { "endpoints": [endpoint] } }).to_string());
        }
        self.put("/endpoints/zdr", json!({ "data": [{ "model_id": "openai/gpt-4o-mini", "tag": "openai" }] }).to_string());
        self.put("/providers", json!({ "data": [{ "name": "Acme", "slug": "acme" }] }).to_string());
        let model = json!({ "name": "New", "cost": { "input": 2, "output": 8 }, "limit": { "context": 1000 },
            "modalities": { "input": ["text"], "output": ["text"] } });
        self.put("/api.json", json!({ "openai": { "name": "OpenAI", "models": { "brand-new": model } } }).to_string());
        self.newer();
    }

    /// How many questions were asked since the last time.
    pub(super) fn asked(&self) -> Vec<(String, u16)> {
        std::mem::take(&mut *self.shared.seen.lock().unwrap())
    }
}

/// Serves until the runtime is dropped.
pub(super) fn listen(router: Router) -> (SocketAddr, Runtime) {
    let runtime = Runtime::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(async move { axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), router).await });
    (address, runtime)
}
