//! A chat completion that is not streamed.

use serde_json::{Value, json};

use super::finish_reason;
use super::report::report;
use crate::content::Part;
use crate::dialect::{Answer, MODELS};
use crate::usage::Reported;

pub(crate) fn body(answer: &Answer) -> Value {
    let mut body = json!({
        "id": answer.id,
        "object": "chat.completion",
        "created": answer.created,
        "model": answer.model,
        "choices": [{
            "index": 0,
            "message": message(answer),
            "logprobs": null,
            "finish_reason": finish_reason(answer.script.finish),
        }],
        "service_tier": "default",
        "system_fingerprint": "fp_sim",
    });
    if let Some(reported) = Reported::last(answer.usage, answer.lie, answer.max_tokens) {
        body["usage"] = report(&reported);
    }
    body
}

fn message(answer: &Answer) -> Value {
    let mut message = json!({"role": "assistant", "content": null, "refusal": null, "annotations": []});
    let mut calls: Vec<Value> = Vec::new();
    for part in &answer.script.parts {
        match part {
            Part::Reasoning(pieces) => message["reasoning_content"] = Value::from(pieces.as_str()),
            Part::Text(pieces) => message["content"] = Value::from(pieces.as_str()),
            Part::Refusal(pieces) => message["refusal"] = Value::from(pieces.as_str()),
            Part::Tool(call) => calls.push(json!({
                "id": format!("call_{}", call.id),
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments.as_str()},
            })),
            Part::Withheld { .. } => {}
        }
    }
    if calls.is_empty() {
        if message["content"].is_null() && message["refusal"].is_null() {
            message["content"] = Value::from("");
        }
    } else {
        message["tool_calls"] = Value::from(calls);
    }
    message
}

pub(crate) fn models(created: u64) -> Value {
    let model = |id: &&str| json!({"id": id, "object": "model", "created": created, "owned_by": "simulator"});
    json!({"object": "list", "data": MODELS.iter().map(model).collect::<Vec<_>>()})
}
