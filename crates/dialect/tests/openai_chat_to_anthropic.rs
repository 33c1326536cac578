//! The whole way of a request that an OpenAI client writes for a Claude model.

use portolan_core::Dialect;
use portolan_dialect::openai_chat::decode::decode;
use portolan_dialect::openai_chat::peek::peek;
use portolan_dialect::registry;
use portolan_dialect::target::Target;
use serde_json::{Value, json};

#[test]
fn a_tool_loop_with_signed_reasoning_arrives_as_anthropic_wants_it() {
    let caller = json!({
        "model": "anthropic/claude-sonnet-4.5",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [
                {"type": "text", "text": "Look", "cache_control": {"type": "ephemeral"}},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
            ]},
            {"role": "assistant", "content": null,
                "reasoning_details": [
                    {"type": "reasoning.text", "text": "hm", "signature": "c2ln+/=", "format": "anthropic-claude-v1", "index": 0},
                    {"type": "reasoning.encrypted", "data": "ZGF0YQ==", "format": "anthropic-claude-v1", "index": 1},
                ],
                "tool_calls": [
                    {"id": "functions.f:0", "type": "function", "function": {"name": "f", "arguments": "{\"a\": 1}"}},
                    {"id": "call_2", "type": "function", "function": {"name": "g", "arguments": ""}},
                ]},
            {"role": "tool", "tool_call_id": "call_2", "content": "two"},
            {"role": "tool", "tool_call_id": "functions.f:0", "content": "one"},
            {"role": "user", "content": "Go on"},
        ],
        "tools": [
            {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}}},
            {"type": "function", "function": {"name": "g"}},
        ],
        "tool_choice": "auto",
        "reasoning": {"effort": "low"},
        "max_tokens": 10_000,
        "temperature": 1,
        "stop": "END",
        "seed": 7,
    });
    let body = serde_json::to_vec(&caller).expect("JSON");
    let request = decode(&body, &peek(&body).expect("a valid request")).expect("a valid request");
    let target = Target {
        caller: Dialect::OpenAiChat,
        upstream_id: "claude-sonnet-4-5",
        stream: true,
        max_tokens: Some(10_000),
        user_hash: None,
        quirks: &[],
        supported: &[],
        service_tier: None,
        reseller: None,
    };
    let encoded = registry::encode(Dialect::Anthropic, &request, &target).expect("it can be said");
    assert_eq!(encoded.dropped, ["seed"]);

    let body: Value = serde_json::from_slice(&encoded.body.concat()).expect("JSON");
    let id = body["messages"][1]["content"][2]["id"].as_str().expect("an id").to_owned();
    assert!(id.starts_with("functions_f_0"), "{id}");
    assert_eq!(
        body,
        json!({
            "model": "claude-sonnet-4-5",
            "max_tokens": 10_000,
            "stream": true,
            "system": [{"type": "text", "text": "Be brief."}],
            "messages": [
                {"role": "user", "content": [
                    {"type": "text", "text": "Look", "cache_control": {"type": "ephemeral"}},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw=="}},
                ]},
                {"role": "assistant", "content": [
                    {"type": "thinking", "thinking": "hm", "signature": "c2ln+/="},
                    {"type": "redacted_thinking", "data": "ZGF0YQ=="},
                    {"type": "tool_use", "id": id, "name": "f", "input": {"a": 1}},
                    {"type": "tool_use", "id": "call_2", "name": "g", "input": {}},
                ]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "call_2", "content": [{"type": "text", "text": "two"}]},
                    {"type": "tool_result", "tool_use_id": id, "content": [{"type": "text", "text": "one"}]},
                    {"type": "text", "text": "Go on"},
                ]},
            ],
            "tools": [
                {"name": "f", "description": "d", "input_schema": {"type": "object", "properties": {"a": {"type": "integer"}}}},
                {"name": "g", "input_schema": {"type": "object", "properties": {}}},
            ],
            "tool_choice": {"type": "auto"},
            "thinking": {"type": "enabled", "budget_tokens": 2_000},
            "stop_sequences": ["END"],
        })
    );
}
