//! What each dialect refuses: one request for each mistake that a translation could make.

use portolan_sim::{End, SimOptions};
use serde_json::{Value, json};

use crate::client::{Host, Transport, ask};

/// A good request with some fields replaced; null takes a field away.
fn with(changes: Value) -> Value {
    let mut body = ask("sim", false);
    for (field, value) in changes.as_object().unwrap() {
        if value.is_null() {
            body.as_object_mut().unwrap().remove(field);
        } else {
            body[field] = value.clone();
        }
    }
    body
}

/// A good request with fields that are null.
fn with_nulls(fields: Value) -> Value {
    let mut body = ask("sim", false);
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    body
}

fn said(messages: Value) -> Value {
    with(json!({"messages": messages}))
}

fn call(id: &str) -> Value {
    json!({"role": "assistant", "content": null, "tool_calls": [{"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}}]})
}

#[tokio::test]
async fn openai_chat_refuses_what_openai_refuses() {
    let user = json!({"role": "user", "content": "hi"});
    let result = |id: &str| json!({"role": "tool", "tool_call_id": id, "content": "calm"});
    let cases = [
        with(json!({"messages": null})),
        with(json!({"model": null})),
        said(json!([])),
        said(json!([{"role": "robot", "content": "hi"}])),
        said(json!([{"role": "user", "content": null}])),
        said(json!([{"role": "user", "content": [{"type": "image", "source": {}}]}])),
        said(json!([user, {"role": "assistant", "content": "x", "reasoning_details": []}, user])),
        said(json!([user, call("a"), user])),
        said(json!([user, call("a"), result("b")])),
        said(json!([user, call("a"), result("a"), result("a")])),
        said(json!([user, result("a")])),
        said(json!([user, call("a")])),
        said(json!([user, {"role": "assistant", "content": null, "tool_calls": []}])),
        with(json!({"provider": {"order": ["x"]}})),
        with(json!({"reasoning": {"effort": "low"}})),
        with(json!({"stream_options": {"include_usage": true}})),
        with(json!({"max_completion_tokens": 5})),
        with(json!({"max_tokens": 0})),
        with(json!({"n": 2})),
        with(json!({"temperature": 3})),
        with(json!({"tool_choice": "required"})),
        with(json!({"response_format": {"type": "json_schema"}})),
    ];
    let mut host = Host::new(Transport::Duplex);
    for case in &cases {
        let raw = host.chat(case.clone()).await;
        assert_eq!(raw.status, 400, "{case}");
        assert_eq!(raw.json()["error"]["type"], "invalid_request_error");
        assert!(raw.json()["error"]["param"].is_string(), "{case}");
        let lax = host.call("POST", "/v1/chat/completions", &[("x-sim", "lax")], case.to_string().as_bytes()).await;
        assert_eq!(lax.status, 200, "{case}");
    }
    let ends = host.sim.ledger().totals.ends;
    assert_eq!((ends[&End::Refused], ends[&End::Completed]), (cases.len() as u64, cases.len() as u64));
    let good = [
        said(json!([user, call("a"), result("a"), user])),
        with(json!({"some_hosts_own_field": 1, "reasoning_effort": "low"})),
        said(
            json!([{"role": "developer", "content": [{"type": "text", "text": "x"}]}, {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:x"}}]}]),
        ),
    ];
    for case in good {
        assert_eq!(host.chat(case.clone()).await.status, 200, "{case}");
    }
}

#[tokio::test]
async fn anthropic_refuses_what_anthropic_refuses() {
    let user = json!({"role": "user", "content": "hi"});
    let uses = |id: &str| json!({"role": "assistant", "content": [{"type": "tool_use", "id": id, "name": "f", "input": {}}]});
    let result = |id: &str| json!({"type": "tool_result", "tool_use_id": id, "content": "calm"});
    let text = json!({"type": "text", "text": "and?"});
    let marked = json!({"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}});
    let cases = [
        with(json!({"max_tokens": null})),
        with(json!({"messages": null})),
        with(json!({"stream_options": {"include_usage": true}})),
        with(json!({"metadata": {"user": "x"}})),
        with(json!({"temperature": 1.5})),
        with(json!({"stop_sequences": [" "]})),
        with(json!({"system": [{"type": "text", "text": ""}]})),
        with(json!({"system": [marked, marked, marked, marked, marked]})),
        with(json!({"tools": [{"name": "f", "input_schema": {"type": "string"}}]})),
        with(json!({"tool_choice": {"type": "any"}})),
        with(json!({"thinking": {"type": "enabled", "budget_tokens": 100}})),
        with(json!({"thinking": {"type": "enabled", "budget_tokens": 1_024}})),
        with(json!({"max_tokens": 4_000, "temperature": 0.5, "thinking": {"type": "enabled", "budget_tokens": 1_024}})),
        said(json!([])),
        said(json!([{"role": "system", "content": "x"}, user])),
        said(json!([{"role": "assistant", "content": "x"}, user])),
        said(json!([{"role": "user", "content": ""}])),
        said(json!([{"role": "user", "content": [{"type": "text", "text": ""}]}])),
        said(json!([{"role": "user", "content": [{"type": "text", "text": " \n"}]}])),
        said(json!([{"role": "user", "content": "hi", "name": "bob"}])),
        said(json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}])),
        said(json!([user, {"role": "assistant", "content": "x "}])),
        said(json!([user, uses("a")])),
        said(json!([user, uses("a"), user])),
        said(json!([user, uses("functions.f:0"), {"role": "user", "content": [result("functions.f:0")]}])),
        said(json!([user, uses("a"), {"role": "user", "content": [result("b")]}])),
        said(json!([user, uses("a"), {"role": "user", "content": [text, result("a")]}])),
        said(json!([user, uses("a"), {"role": "user", "content": [result("a"), result("a")]}])),
        said(json!([{"role": "user", "content": [result("a")]}])),
        said(json!([user, {"role": "assistant", "content": [{"type": "thinking", "thinking": "x", "signature": "made up"}]}, user])),
        said(json!([user, {"role": "assistant", "content": [{"type": "redacted_thinking", "data": "made up"}]}, user])),
    ];
    let mut host = Host::new(Transport::Duplex);
    for case in &cases {
        let raw = host.messages(case.clone()).await;
        assert_eq!((raw.status, raw.json()["error"]["type"].clone()), (400, json!("invalid_request_error")), "{case}");
        assert_eq!(raw.json()["type"], "error");
    }
    let mut in_a_loop = said(json!([user, uses("a"), {"role": "user", "content": [result("a")]}]));
    assert_eq!(host.messages(in_a_loop.clone()).await.status, 200);
    in_a_loop["max_tokens"] = json!(4_000);
    in_a_loop["thinking"] = json!({"type": "enabled", "budget_tokens": 1_024});
    assert_eq!(host.messages(in_a_loop).await.status, 400, "reasoning comes back first within a loop of tools");
    let good = [
        said(json!([user, user, {"role": "assistant", "content": "x"}, user])),
        with_nulls(json!({"temperature": null, "system": null, "stop_sequences": null, "tool_choice": null, "thinking": null})),
        said(json!([user, uses("a"), {"role": "user", "content": [result("a")]}, {"role": "user", "content": [text]}])),
        said(json!([user, {"role": "assistant", "content": []}, user])),
    ];
    for case in good {
        assert_eq!(host.messages(case.clone()).await.status, 200, "{case}");
    }
}

#[tokio::test]
async fn a_missing_credential_or_version_gets_the_providers_own_answer() {
    let mut host = Host::with(Transport::Duplex, SimOptions { require_credential: true, ..SimOptions::default() });
    let body = ask("sim", false).to_string();
    let raw = host.call("POST", "/v1/chat/completions", &[], body.as_bytes()).await;
    assert_eq!((raw.status, raw.json()["error"]["code"].clone()), (401, json!("invalid_api_key")));
    let raw = host.call("POST", "/v1/messages", &[("anthropic-version", "2023-06-01")], body.as_bytes()).await;
    assert_eq!((raw.status, raw.json()["error"]["type"].clone()), (401, json!("authentication_error")));
    let raw = host.call("POST", "/v1/messages", &[("x-api-key", "k")], body.as_bytes()).await;
    assert_eq!((raw.status, raw.json()["error"]["message"].clone()), (400, json!("anthropic-version: header is required")));
    assert_eq!(host.chat(ask("sim", false)).await.status, 200);
    assert_eq!(
        host.call("POST", "/v1/messages", &[("authorization", "Bearer k"), ("anthropic-version", "1")], body.as_bytes()).await.status,
        200
    );
    assert_eq!(host.call("POST", "/v1/chat/completions", &[], b"{\"model\":").await.status, 400);
}
