//! The share of bad tool calls: from the answers of an endpoint to the order of a plan.

use std::net::SocketAddr;

use axum::routing::post;
use axum::{Json, Router};
use portolan_testkit::{Config, Provider, TestApp};
use serde_json::{Value, json};

use crate::BINARY;

/// So many answers make a rate, and half of those of `shaky` are bad.
const ANSWERS: usize = 20;

/// A provider whose calls come out as the text of the last message says.
async fn provider() -> SocketAddr {
    let answer = |Json(body): Json<Value>| async move {
        let said = body["messages"][0]["content"].as_str().unwrap().to_owned();
        let (name, arguments) = said.split_once(' ').unwrap();
        let call = json!({ "id": "call_1", "type": "function", "function": { "name": name, "arguments": arguments } });
        let message = json!({ "role": "assistant", "content": null, "tool_calls": [call] });
        let choice = json!({ "index": 0, "message": message, "finish_reason": "tool_calls" });
        let usage = json!({ "prompt_tokens": 10, "completion_tokens": 10 });
        Json(json!({ "id": "up-1", "object": "chat.completion", "created": 7, "model": "up", "choices": [choice], "usage": usage }))
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/v1/chat/completions", post(answer))).await });
    address
}

fn body(model: &str, only: Option<&str>, says: &str) -> Value {
    json!({
        "model": model,
        "messages": [{ "role": "user", "content": says }],
        "tools": [{ "type": "function", "function": { "name": "weather", "parameters": { "required": ["city"] } } }],
        "provider": { "only": only.map_or(vec!["shaky", "steady"], |only| vec![only]) },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_share_of_bad_tool_calls_orders_the_endpoints_of_exacto() {
    let url = format!("http://{}/v1", provider().await);
    let row = |slug: &str, price: &str| Provider::openai_chat(slug, &url).priced("m/x", "up", price, price);
    let config = Config::new().provider(&row("shaky", "0.000001")).provider(&row("steady", "0.000002"));
    let app = TestApp::start(BINARY.as_ref(), &config);
    let rates = async || {
        let body = body("m/x:exacto", None, "weather {}");
        let explained = app.request("POST", "/api/v1/portolan/explain").json(&body).send().await.unwrap().json();
        let rate = |c: &Value| (c["provider"].as_str().unwrap().to_owned(), c["score"]["tool_error_rate"].as_f64());
        explained["data"]["candidates"].as_array().unwrap().iter().map(rate).collect::<Vec<_>>()
    };
    let unknown = [("shaky".to_owned(), None), ("steady".to_owned(), None)];
    assert_eq!(rates().await, unknown, "the cheaper first");
    for i in 0..ANSWERS {
        let good = r#"weather {"city":1}"#;
        let shaky = [r#"time {"city":1}"#, good, r#"weather {"city":"#, good, "weather {}", good][i % 6];
        for (only, says) in [("shaky", shaky), ("steady", good)] {
            let answer = app.chat(&body("m/x", Some(only), says)).send().await.unwrap();
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
    }
    // What the planner is told is computed once a second.
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    assert_eq!(rates().await, [("steady".to_owned(), Some(0.0)), ("shaky".to_owned(), Some(0.5))]);
}
