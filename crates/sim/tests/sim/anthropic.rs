//! The happy paths of the dialect `anthropic`.

use serde_json::{Value, json};

use crate::client::{Ending, Host, TRANSPORTS, Transport, ask};

/// What a client makes of the events: the message as if it had not been streamed.
pub(crate) fn fold(events: &[Value]) -> Value {
    let mut message = Value::Null;
    let mut blocks: Vec<Value> = Vec::new();
    let mut inputs: Vec<String> = Vec::new();
    for event in events {
        match event["type"].as_str().unwrap() {
            "message_start" => message = event["message"].clone(),
            "content_block_start" => {
                assert_eq!(event["index"], blocks.len());
                blocks.push(event["content_block"].clone());
                inputs.push(String::new());
            }
            "content_block_delta" => {
                let (index, delta) = (event["index"].as_u64().unwrap() as usize, &event["delta"]);
                for field in ["text", "thinking", "signature"] {
                    if let Some(more) = delta[field].as_str() {
                        blocks[index][field] = json!(format!("{}{more}", blocks[index][field].as_str().unwrap()));
                    }
                }
                inputs[index].push_str(delta["partial_json"].as_str().unwrap_or_default());
            }
            "message_delta" => {
                for (field, value) in event["delta"].as_object().unwrap() {
                    message[field] = value.clone();
                }
                for (field, value) in event["usage"].as_object().into_iter().flatten() {
                    message["usage"][field] = value.clone();
                }
            }
            _ => {}
        }
    }
    for (block, input) in blocks.iter_mut().zip(inputs).filter(|(_, input)| !input.is_empty()) {
        block["input"] = serde_json::from_str(&input).unwrap();
    }
    message["content"] = json!(blocks);
    message
}

#[tokio::test]
async fn a_body_and_a_stream_of_the_same_request_say_the_same() {
    for transport in TRANSPORTS {
        let mut host = Host::new(transport);
        for model in ["sim", "sim-c12-reason", "sim-empty", "sim-redact", "sim-c4-in500-cache100-cachew50-cacheh20", "sim-filter"] {
            let mut body = host.messages(ask(model, false)).await.json();
            let stream = host.messages(ask(model, true)).await;
            assert_eq!((stream.ending, stream.header("x-sim")), (Ending::Whole, Some("1")));
            let mut folded = fold(&stream.events());
            assert_eq!(stream.events().last().unwrap()["type"], "message_stop");
            assert!(body["id"].as_str().unwrap().starts_with("msg_01"));
            for message in [&mut body, &mut folded] {
                message["id"] = Value::Null;
            }
            assert_eq!(body, folded, "{model} {transport:?}");
        }
    }
}

#[tokio::test]
async fn every_event_is_named_as_its_type() {
    let stream = Host::new(Transport::Duplex).messages(ask("sim-c2-ping-reason2", true)).await;
    let names: Vec<&str> = stream.text().lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    let types: Vec<Value> = stream.events().iter().map(|event| event["type"].clone()).collect();
    assert_eq!(types, names);
    assert_eq!(names.iter().filter(|name| **name == "ping").count(), 4);
}

#[tokio::test]
async fn usage_leaves_the_cache_out_of_the_input() {
    let usage =
        Host::new(Transport::Duplex).messages(ask("sim-c4-reason3-in500-cache100-cachew50-cacheh20", false)).await.json()["usage"].clone();
    assert_eq!(
        usage,
        json!({"input_tokens": 330, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 70,
               "cache_creation": {"ephemeral_5m_input_tokens": 50, "ephemeral_1h_input_tokens": 20},
               "output_tokens": 7, "service_tier": "standard", "output_tokens_details": {"thinking_tokens": 3}})
    );
}

#[tokio::test]
async fn a_tool_is_called_and_its_result_taken() {
    let mut host = Host::new(Transport::Duplex);
    let mut request = ask("sim-tool2", false);
    request["tools"] = json!([
        {"name": "now", "input_schema": {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}}},
        {"name": "nothing", "input_schema": {"type": "object", "properties": {}}},
    ]);
    let answer = host.messages(request.clone()).await.json();
    assert_eq!(answer["stop_reason"], "tool_use");
    let content = answer["content"].as_array().unwrap();
    assert_eq!((content.len(), content[0]["input"]["city"].is_string(), content[1]["input"].clone()), (2, true, json!({})));
    request["stream"] = json!(true);
    let streamed = fold(&host.messages(request.clone()).await.events());
    assert_eq!(streamed["content"][0]["input"], content[0]["input"]);
    let results: Vec<Value> =
        content.iter().map(|call| json!({"type": "tool_result", "tool_use_id": call["id"], "content": "calm"})).collect();
    let messages = request["messages"].as_array_mut().unwrap();
    messages.push(json!({"role": "assistant", "content": content}));
    messages.push(json!({"role": "user", "content": results}));
    request["stream"] = json!(false);
    let last = host.messages(request.clone()).await;
    assert_eq!((last.status, last.json()["stop_reason"].clone()), (200, json!("end_turn")));
    request["tool_choice"] = json!({"type": "any", "disable_parallel_tool_use": true});
    assert_eq!(host.messages(request).await.json()["content"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn thinking_is_signed_and_taken_back_only_unchanged() {
    let mut host = Host::new(Transport::Duplex);
    let mut request = ask("sim", false);
    request["max_tokens"] = json!(4_000);
    request["thinking"] = json!({"type": "enabled", "budget_tokens": 2_000});
    let answer = host.messages(request.clone()).await.json();
    assert_eq!(answer["content"][0]["type"], "thinking");
    let redacted = host.messages(ask("sim-redact", false)).await.json()["content"][0].clone();
    for (change, status) in [("", 200), ("thinking", 400), ("signature", 400)] {
        let mut content = answer["content"].clone();
        if !change.is_empty() {
            content[0][change] = json!(format!("{}x", content[0][change].as_str().unwrap()));
        }
        content.as_array_mut().unwrap().insert(1, redacted.clone());
        let mut next = request.clone();
        next["messages"]
            .as_array_mut()
            .unwrap()
            .extend([json!({"role": "assistant", "content": content}), json!({"role": "user", "content": "go on"})]);
        assert_eq!(host.messages(next).await.status, status, "{change}");
    }
    request["thinking"] = json!({"type": "adaptive", "display": "omitted"});
    let omitted = host.messages(request).await.json();
    assert_eq!(
        (omitted["content"][0]["thinking"].clone(), omitted["usage"]["output_tokens_details"]["thinking_tokens"].clone()),
        (json!(""), json!(8))
    );
}

#[tokio::test]
async fn structured_output_fits_its_schema() {
    let mut request = ask("sim", false);
    request["output_config"] = json!({"format": {"type": "json_schema", "schema": {"type": "object", "required": ["ok"], "properties": {"ok": {"type": "boolean"}}}}});
    let body = Host::new(Transport::Duplex).messages(request).await.json();
    assert!(serde_json::from_str::<Value>(body["content"][0]["text"].as_str().unwrap()).unwrap()["ok"].is_boolean());
}
