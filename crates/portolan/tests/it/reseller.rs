//! OpenRouter as an upstream: one key reaches the whole catalog. Another gateway of ours stands for it, for it speaks the same; or a
//! fake, where it says what ours never says.

use std::net::SocketAddr;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use portolan_testkit::{Answer, Config, TestApp};
use serde_json::{Value, json};

use crate::BINARY;

const MODEL: &str = "anthropic/claude-haiku-4.5";

fn body(stream: bool) -> Value {
    json!({
        "model": MODEL, "stream": stream, "max_tokens": 4000, "reasoning": { "effort": "low" },
        "provider": { "allow_fallbacks": false },
        "messages": [{ "role": "user", "content": [{ "type": "text", "text": "Which way?", "cache_control": { "type": "ephemeral" } }] }],
    })
}

/// An answer that the reseller bought from somebody else: now and then it draws its own row of the catalog, which shows nothing.
async fn sold_by_another(app: &TestApp, reseller: &TestApp, stream: bool) -> Answer {
    for _ in 0..20 {
        let answer = app.chat(&body(stream)).header("X-OpenRouter-Metadata", "enabled").send().await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        let record = app.record(&answer.generation()).unwrap();
        let sold = reseller.record(record["attempts"][0]["upstream_id"].as_str().unwrap()).unwrap();
        if sold["provider"] != "openrouter" {
            return answer;
        }
    }
    panic!("the reseller bought everything from itself");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reseller_is_quoted_by_its_ceiling_and_charged_by_what_it_reports() {
    let reseller = TestApp::start(BINARY.as_ref(), &Config::new());
    let row = format!("[providers.openrouter]\nbase_url = \"http://{}/api/v1\"\napi_key = \"{}\"\n", reseller.address, reseller.key);
    let app = TestApp::start(BINARY.as_ref(), &Config::new().tables(&row));
    let explained = app.request("POST", "/api/v1/portolan/explain").json(&body(false)).send().await.unwrap().json();
    let eligible: Vec<&Value> = explained["data"]["candidates"].as_array().unwrap().iter().filter(|c| c["status"] == "eligible").collect();
    assert_eq!(eligible.len(), 1, "{explained:#}");
    assert_eq!((&eligible[0]["provider"], &eligible[0]["lane"]), (&json!("openrouter"), &json!("raw")));
    let worst: f64 = eligible[0]["quote"]["worst"].as_str().unwrap().parse().unwrap();
    for stream in [false, true] {
        let answer = sold_by_another(&app, &reseller, stream).await;
        let last = if stream { answer.stream().chunks.last().unwrap().clone() } else { answer.json() };
        let record = app.record(&answer.generation()).unwrap();
        let attempt = &record["attempts"][0];
        // What the reseller sold, by its own record.
        let sold = reseller.record(attempt["upstream_id"].as_str().unwrap()).unwrap();
        assert_eq!((&record["charge"], &record["cost"]), (&sold["charge"], &sold["charge"]), "{record:#}");
        assert_eq!(last["usage"]["cost"], sold["charge"]);
        // Whom it bought from, it says: the caller reads that, and the record has it.
        let (_, seller) = reseller.get(&format!("/api/v1/generation?id={}", attempt["upstream_id"].as_str().unwrap())).await.unwrap();
        let host = &seller["data"]["provider_name"];
        assert_eq!((&last["model"], &last["provider"]), (&json!(MODEL), host));
        assert_eq!((&attempt["served_model"], &attempt["served_provider"]), (&json!(MODEL), host));
        assert_eq!((&record["model"], &record["provider"]), (&json!(MODEL), &json!("openrouter")), "what was bought, and where");
        let charge = sold["charge"].as_f64().unwrap();
        assert!(charge > 0.0 && charge < worst, "{charge} {worst}");
        let ceiling = &sold["preferences"]["max_price"];
        let quoted = |kind: &str| ceiling[kind].as_str().unwrap().parse::<f64>().unwrap();
        assert!(quoted("prompt") >= 0.000_001 && quoted("completion") >= 0.000_005, "{sold:#}");
        assert_eq!(sold["preferences"]["allow_fallbacks"], false, "what binds the reseller is passed on");
        let metadata = &last["openrouter_metadata"];
        assert_eq!((&metadata["requested"], &metadata["strategy"], &metadata["attempt"]), (&json!(MODEL), &json!("direct"), &json!(1)));
        assert_eq!(metadata["endpoints"]["available"], json!([{ "provider": "OpenRouter", "model": MODEL, "selected": true }]));
        assert_eq!(metadata["attempts"], json!([{ "provider": "OpenRouter", "model": MODEL, "status": 200 }]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_our_own_under_openrouters_name_is_no_credential() {
    let own = format!("sk-or-v1-{}", "5a".repeat(32));
    let app = TestApp::start(BINARY.as_ref(), &Config::new().env("OPENROUTER_API_KEY", &own));
    assert_eq!(app.key, own);
    for _ in 0..2 {
        let answer = app.chat(&body(false)).send().await.unwrap();
        assert_eq!((answer.status, answer.header("x-portolan-simulated")), (200, Some("true")), "{}", answer.text());
        app.says("OPENROUTER_API_KEY is ignored: it is one of this instance's own keys");
        app.signal("HUP");
        app.says("the configuration was reloaded");
    }
}

/// A reseller that says of every answer that `model` served it at `provider`.
async fn fake(model: Value, provider: Value) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/api/v1/chat/completions", post(sell)).with_state((model, provider));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// As OpenRouter answers: a comment, chunks that all say who serves, the cost in the last one.
async fn sell(State((model, provider)): State<(Value, Value)>, Json(asked): Json<Value>) -> Response {
    let answer = |object: &str, choice: Value| json!({ "id": "gen-up-1", "provider": provider, "model": model, "object": object, "created": 7, "choices": [choice] });
    let usage = json!({ "prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12, "cost": 0.000_012_3 });
    let choice = |content: &str, text: &str, finish: Value| json!({ "index": 0, content: { "role": "assistant", "content": text }, "finish_reason": finish, "native_finish_reason": finish });
    if asked["stream"] != true {
        let mut whole = answer("chat.completion", choice("message", "North.", json!("stop")));
        whole["usage"] = usage;
        return Json(whole).into_response();
    }
    let chunk = |text: &str, finish: Value| answer("chat.completion.chunk", choice("delta", text, finish));
    let mut last = chunk("", json!("stop"));
    last["usage"] = usage;
    let chunks = [chunk("Nor", Value::Null), chunk("th.", Value::Null), last];
    let events: String = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
    ([(header::CONTENT_TYPE, "text/event-stream")], format!(": OPENROUTER PROCESSING\n\n{events}data: [DONE]\n\n")).into_response()
}

/// Every chunk of an answer, or its body.
fn chunks(answer: &Answer, stream: bool) -> Vec<Value> {
    if stream { answer.stream().chunks } else { vec![answer.json()] }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_model_and_the_provider_that_a_reseller_reports_are_told_and_kept() {
    let (dated, host) = (json!("openai/gpt-4o-mini-2024-07-18"), json!("OpenAI"));
    let text = |value: &str| json!(value);
    let long = text(&"x".repeat(1024 * 1024));
    // What is no name leaves ours, and the record has none.
    for (model, provider, named) in [
        (dated.clone(), host.clone(), true),
        (long.clone(), long, false),
        (json!(7), json!({ "name": "OpenAI" }), false),
        (text("a\u{1b}[31mb"), text("Open\nAI\u{0}"), false),
        (Value::Null, text(""), false),
    ] {
        let reseller = fake(model, provider).await;
        let row = format!("[providers.openrouter]\nbase_url = \"http://{reseller}/api/v1\"\napi_key = \"sk-or-v1-test\"\n");
        let app = TestApp::start(BINARY.as_ref(), &Config::new().tables(&row));
        let (model, provider) = if named { (dated.clone(), host.clone()) } else { (json!("openai/gpt-4o-mini"), json!("OpenRouter")) };
        for stream in [false, true] {
            let body =
                json!({ "model": "openai/gpt-4o-mini", "stream": stream, "messages": [{ "role": "user", "content": "Which way?" }] });
            let answer = app.chat(&body).send().await.unwrap();
            assert_eq!(answer.status, 200, "{}", answer.text());
            let told = chunks(&answer, stream);
            assert_eq!(told.len(), if stream { 4 } else { 1 });
            for chunk in &told {
                assert_eq!((&chunk["model"], &chunk["provider"]), (&model, &provider));
            }
            assert_eq!(told.last().unwrap()["usage"]["cost"], json!(0.000_012_3));
            let record = app.record(&answer.generation()).unwrap();
            let attempt = &record["attempts"][0];
            let kept = |value: &Value| if named { value.clone() } else { Value::Null };
            assert_eq!((&attempt["served_model"], &attempt["served_provider"]), (&kept(&model), &kept(&provider)));
            assert_eq!(
                (&record["model"], &record["provider"]),
                (&json!("openai/gpt-4o-mini"), &json!("openrouter")),
                "what was bought, and where"
            );
            let (status, shown) = app.get(&format!("/api/v1/generation?id={}", answer.generation())).await.unwrap();
            let (shown, response) = (&shown["data"], &shown["data"]["provider_responses"][0]);
            assert_eq!((status, &shown["model"], &shown["provider_name"]), (200, &model, &provider), "{shown:#}");
            assert_eq!((&response["model_permaslug"], &response["provider_name"]), (&model, &provider), "{shown:#}");
            assert_eq!(
                (&shown["upstream_id"], &response["id"], &response["status"]),
                (&json!("gen-up-1"), &json!("gen-up-1"), &json!(200))
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_says_who_serves() {
    let own = fake(json!("other/model"), json!("Other")).await;
    let row = format!(
        "[providers.own]\nbase_url = \"http://{own}/api/v1\"\ndialect = \"openai_chat\"\nauth = \"none\"\n[[providers.own.models]]\nid = \"m/x\"\npricing = {{ prompt = \"0.000001\", completion = \"0.000001\" }}\n\
         [providers.openrouter]\nbase_url = \"http://{own}/api/v1\"\napi_key = \"sk-or-v1-test\"\n"
    );
    let app = TestApp::start(BINARY.as_ref(), &Config::new().top("simulator = \"on\"").tables(&row));
    for (model, simulated, provider) in [("m/x", "false", "own"), ("openai/gpt-4o-mini", "true", "OpenRouter")] {
        for stream in [false, true] {
            let body = json!({ "model": model, "stream": stream, "provider": { "only": ["own", "openrouter"] }, "messages": [{ "role": "user", "content": "Which way?" }] });
            let answer = app.chat(&body).header("X-Portolan-Simulate", simulated).send().await.unwrap();
            assert_eq!((answer.status, answer.header("x-portolan-simulated").is_some()), (200, simulated == "true"), "{}", answer.text());
            for chunk in chunks(&answer, stream) {
                assert_eq!((&chunk["model"], &chunk["provider"]), (&json!(model), &json!(provider)));
            }
            let attempt = &app.record(&answer.generation()).unwrap()["attempts"][0];
            assert_eq!((&attempt["served_model"], &attempt["served_provider"]), (&Value::Null, &Value::Null), "{attempt}");
        }
    }
}
