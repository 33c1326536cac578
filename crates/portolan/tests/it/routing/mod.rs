//! Routing as its users see it: OpenRouter's documented examples, conversations and areas, asked of a running gateway
//! twice, once to be explained and once to be served.

mod budgets;
mod conversations;
mod examples;
mod measured;
mod oracle;
mod recovery;
mod refusals;
mod regions;
mod routers;
mod seeds;
mod sticky;

use portolan_testkit::TestApp;
use serde_json::{Value, json};

use crate::BINARY;

/// A gateway in front of the built-in catalog, with the simulator behind every endpoint of it.
fn catalog() -> TestApp {
    TestApp::start(BINARY.as_ref(), &portolan_testkit::Config::new())
}

/// A question to a model, with some more fields.
fn ask(model: &str, more: Value) -> Value {
    let mut body = json!({ "model": model, "messages": [{ "role": "user", "content": "Which way?" }] });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

/// What would happen to a request that comes to a host: the explanation, or the error.
async fn explained(app: &TestApp, host: &str, body: &Value, seed: u64) -> Result<Value, Value> {
    let request = app.request("POST", &format!("/api/v1/portolan/explain?seed={seed}")).header("host", host);
    let answer = request.json(body).send().await.unwrap();
    let mut said = answer.json();
    if answer.status == 200 { Ok(said["data"].take()) } else { Err(said["error"].take()) }
}

/// The explanation of a request that can be explained.
async fn explain(app: &TestApp, body: &Value, seed: u64) -> Value {
    explained(app, "localhost", body, seed).await.unwrap_or_else(|error| panic!("{body}: {error}"))
}

fn candidates<'v>(explained: &'v Value, status: &str) -> Vec<&'v Value> {
    explained["candidates"].as_array().unwrap().iter().filter(|candidate| candidate["status"] == status).collect()
}

/// The tags of the endpoints that a request may go to, in their order.
fn eligible(explained: &Value) -> Vec<&str> {
    candidates(explained, "eligible").into_iter().map(|candidate| text(&candidate["tag"])).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// Sends a request that must be answered; its body and its record.
async fn served(app: &TestApp, body: &Value) -> (Value, Value) {
    let answer = app.chat(body).send().await.unwrap();
    assert_eq!(answer.status, 200, "{body}: {}", answer.text());
    (answer.json(), app.record(&answer.generation()).unwrap())
}
