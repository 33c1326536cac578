//! The happy paths of the dialect `openai_chat`.

use serde_json::{Value, json};

use crate::client::{Ending, Host, TRANSPORTS, Transport, ask};

fn content(events: &[Value], field: &str) -> String {
    events.iter().filter_map(|event| event["choices"][0]["delta"][field].as_str()).collect()
}

#[tokio::test]
async fn a_body_and_a_stream_of_the_same_request_say_the_same() {
    for transport in TRANSPORTS {
        let mut host = Host::new(transport);
        let body = host.chat(ask("sim", false)).await;
        assert_eq!((body.status, body.header("x-sim"), body.header("content-type")), (200, Some("1"), Some("application/json")));
        let body = body.json();
        let mut request = ask("sim", true);
        request["stream_options"] = json!({"include_usage": true});
        let stream = host.chat(request).await;
        assert_eq!(stream.ending, Ending::Whole);
        assert!(stream.text().ends_with("data: [DONE]\n\n"));
        let events = stream.events();
        assert_eq!(content(&events, "content"), body["choices"][0]["message"]["content"].as_str().unwrap());
        assert_eq!(events[events.len() - 2]["choices"][0]["finish_reason"], "stop");
        assert_eq!(events[events.len() - 1]["choices"], json!([]));
        assert_eq!(events[events.len() - 1]["usage"], body["usage"], "{transport:?}");
        assert!(events[..events.len() - 1].iter().all(|event| event["usage"].is_null() && event.get("usage").is_some()));
    }
}

#[tokio::test]
async fn usage_is_streamed_only_when_it_is_asked_for() {
    let events = Host::new(Transport::Duplex).chat(ask("sim-c3", true)).await.events();
    assert!(events.iter().all(|event| event.get("usage").is_none() && event["choices"][0].is_object()));
}

#[tokio::test]
async fn shapes_decide_content_and_usage() {
    let mut host = Host::new(Transport::Duplex);
    let cases = [
        ("sim-c20", json!({"completion_tokens": 20})),
        ("sim-s600", json!({"completion_tokens": 150})),
        ("sim-empty", json!({"completion_tokens": 0})),
        ("sim-c5-in1000-cache300-cachew200", json!({"prompt_tokens": 1000, "completion_tokens": 5, "total_tokens": 1005})),
        ("sim-c5-reason7", json!({"completion_tokens": 12})),
        ("sim-c5000", json!({"completion_tokens": 1000})),
        ("sim-c5000-nomax", json!({"completion_tokens": 5000})),
        ("sim-c3-usageover", json!({"completion_tokens": 10_000})),
        ("sim-c3-usagestr", json!({"completion_tokens": "3"})),
        ("sim-c3-usageneg", json!({"completion_tokens": -4})),
    ];
    for (model, expected) in cases {
        let usage = host.chat(ask(model, false)).await.json()["usage"].clone();
        for (field, value) in expected.as_object().unwrap() {
            assert_eq!(&usage[field], value, "{model}");
        }
    }
    let body = host.chat(ask("sim-c5-in1000-cache300-cachew200", false)).await.json();
    assert_eq!(body["usage"]["prompt_tokens_details"], json!({"cached_tokens": 300, "audio_tokens": 0, "cache_write_tokens": 200}));
    let body = host.chat(ask("sim-s600", false)).await.json();
    assert_eq!(body["choices"][0]["message"]["content"].as_str().unwrap().len(), 600);
    let body = host.chat(ask("sim-c5-reason7", false)).await.json();
    assert!(!body["choices"][0]["message"]["reasoning_content"].as_str().unwrap().is_empty());
    assert_eq!(body["usage"]["completion_tokens_details"]["reasoning_tokens"], 7);
    assert!(host.chat(ask("sim-nousage", false)).await.json().get("usage").is_none());
}

#[tokio::test]
async fn finish_reasons_follow_from_limits_and_shapes() {
    let mut host = Host::new(Transport::Duplex);
    let mut limited = ask("sim-c100", false);
    limited["max_tokens"] = json!(10);
    let cases = [
        (limited, "length"),
        (ask("sim-len", false), "length"),
        (ask("sim-filter", false), "content_filter"),
        (ask("sim-empty", false), "stop"),
    ];
    for (request, reason) in cases {
        assert_eq!(host.chat(request).await.json()["choices"][0]["finish_reason"], reason);
    }
    let refused = host.chat(ask("sim-refuse", false)).await.json()["choices"][0]["message"].clone();
    assert!(refused["content"].is_null() && refused["refusal"].is_string());
}

#[tokio::test]
async fn echo_answers_with_the_last_user_message() {
    let mut host = Host::new(Transport::Duplex);
    let text = "Quay \u{1f6a2}  seven\nplease";
    let messages = json!([{"role": "user", "content": "first"}, {"role": "assistant", "content": "x"}, {"role": "user", "content": [{"type": "text", "text": text}]}]);
    for model in ["echo", "simulator/echo", "sim-echo-tiny"] {
        let body = host.chat(json!({"model": model, "messages": messages})).await.json();
        assert_eq!(body["choices"][0]["message"]["content"], text);
        let events = host.chat(json!({"model": model, "messages": messages, "stream": true})).await.events();
        assert_eq!(content(&events, "content"), text);
    }
}

fn with_tools(model: &str, choice: Value) -> Value {
    let tool = |name: &str| {
        json!({"type": "function", "function": {"name": name, "parameters": {
        "type": "object", "required": ["city", "unit"], "additionalProperties": false,
        "properties": {"city": {"type": "string"}, "unit": {"enum": ["C", "F"]}, "days": {"type": "integer"}}}}})
    };
    json!({"model": model, "messages": [{"role": "user", "content": "weather?"}], "tools": [tool("now"), tool("later"), {
        "type": "function", "function": {"name": "none"}}], "tool_choice": choice})
}

#[tokio::test]
async fn an_offered_tool_is_called_when_it_must_be_or_the_shape_says_so() {
    let mut host = Host::new(Transport::Duplex);
    let cases = [
        ("sim", json!("required"), vec!["now"]),
        ("sim", json!({"type": "function", "function": {"name": "later"}}), vec!["later"]),
        ("sim-tool2", json!("auto"), vec!["now", "later"]),
        ("sim-tool9", json!("auto"), vec!["now", "later", "none"]),
        ("sim", json!("auto"), vec![]),
        ("sim-tool", json!("none"), vec![]),
    ];
    for (model, choice, expected) in cases {
        let body = host.chat(with_tools(model, choice.clone())).await.json();
        let calls = body["choices"][0]["message"]["tool_calls"].as_array().cloned().unwrap_or_default();
        let names: Vec<&str> = calls.iter().map(|call| call["function"]["name"].as_str().unwrap()).collect();
        assert_eq!(names, expected, "{model} {choice}");
        for call in &calls {
            let arguments: Value = serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap();
            assert!(
                call["function"]["name"] == "none"
                    || (arguments["city"].is_string() && ["C", "F"].contains(&arguments["unit"].as_str().unwrap()))
            );
        }
        let mut streamed = with_tools(model, choice);
        streamed["stream"] = json!(true);
        let events = host.chat(streamed).await.events();
        let mut arguments = vec![String::new(); expected.len()];
        for call in events.iter().filter_map(|event| event["choices"][0]["delta"]["tool_calls"].get(0)) {
            arguments[call["index"].as_u64().unwrap() as usize].push_str(call["function"]["arguments"].as_str().unwrap());
        }
        let whole: Vec<&str> = calls.iter().map(|call| call["function"]["arguments"].as_str().unwrap()).collect();
        assert_eq!(arguments, whole);
    }
}

#[tokio::test]
async fn structured_output_fits_its_schema() {
    let mut host = Host::new(Transport::Duplex);
    let mut request = ask("sim", false);
    request["response_format"] = json!({"type": "json_schema", "json_schema": {"name": "port", "schema": {
        "type": "object", "required": ["depth"], "properties": {"depth": {"type": "integer", "minimum": 5}}}}});
    let body = host.chat(request.clone()).await.json();
    let value: Value = serde_json::from_str(body["choices"][0]["message"]["content"].as_str().unwrap()).unwrap();
    assert!(value["depth"].as_i64().unwrap() >= 5);
    request["response_format"] = json!({"type": "json_object"});
    let body = host.chat(request).await.json();
    assert!(serde_json::from_str::<Value>(body["choices"][0]["message"]["content"].as_str().unwrap()).unwrap().is_object());
}

#[tokio::test]
async fn content_follows_from_the_request_and_the_header_wins_over_the_name() {
    let mut host = Host::new(Transport::Tcp);
    let text = |body: Value| body["choices"][0]["message"]["content"].as_str().unwrap().to_owned();
    let first = text(host.chat(ask("sim", false)).await.json());
    let _between = host.chat(ask("sim-c9", false)).await;
    assert_eq!(first, text(host.chat(ask("sim", false)).await.json()));
    let body = ask("sim-e500", false).to_string();
    let shaped = host.call("POST", "/any/base/chat/completions", &[("x-sim", "c4")], body.as_bytes()).await;
    assert_eq!(shaped.json()["usage"]["completion_tokens"], 4);
    let wrong = host.call("POST", "/v1/chat/completions", &[("x-sim", "c4-slow")], body.as_bytes()).await;
    assert_eq!((wrong.status, wrong.json()["error"]["code"].clone()), (400, json!("unknown_shape")));
}

#[tokio::test]
async fn models_are_listed_in_the_shape_of_the_client() {
    let mut host = Host::new(Transport::Duplex);
    let openai = host.call("GET", "/v1/models", &[], b"").await.json();
    assert_eq!((openai["object"].clone(), openai["data"][0]["id"].clone()), (json!("list"), json!("echo")));
    let anthropic = host.call("GET", "/v1/models", &[("anthropic-version", "2023-06-01")], b"").await.json();
    assert_eq!((anthropic["data"][0]["type"].clone(), anthropic["has_more"].clone()), (json!("model"), json!(false)));
    assert_eq!(host.call("GET", "/else", &[], b"").await.status, 404);
}
