//! A message that is not streamed.

use serde_json::{Value, json};

use super::report::report;
use super::{stop_details, stop_reason};
use crate::content::{Part, sign};
use crate::dialect::{Answer, MODELS};
use crate::usage::Reported;

pub(crate) fn body(answer: &Answer) -> Value {
    let mut body = json!({
        "id": answer.id,
        "type": "message",
        "role": "assistant",
        "model": answer.model,
        "content": answer.script.parts.iter().map(block).collect::<Vec<_>>(),
        "stop_reason": stop_reason(answer.script.finish),
        "stop_sequence": null,
        "stop_details": stop_details(answer.script.finish),
    });
    if let Some(reported) = Reported::last(answer.usage, answer.lie, answer.max_tokens) {
        body["usage"] = report(&reported);
    }
    body
}

fn block(part: &Part) -> Value {
    match part {
        Part::Reasoning(pieces) => json!({"type": "thinking", "thinking": pieces.as_str(), "signature": sign(pieces.as_str())}),
        Part::Withheld { data: Some(data), .. } => json!({"type": "redacted_thinking", "data": data}),
        Part::Withheld { data: None, .. } => json!({"type": "thinking", "thinking": "", "signature": sign("")}),
        Part::Text(pieces) | Part::Refusal(pieces) => json!({"type": "text", "text": pieces.as_str()}),
        Part::Tool(call) => {
            let input: Value = serde_json::from_str(call.arguments.as_str()).unwrap_or_else(|_| json!({}));
            json!({"type": "tool_use", "id": format!("toolu_{}", call.id), "name": call.name, "input": input})
        }
    }
}

pub(crate) fn models() -> Value {
    let model = |id: &&str| json!({"type": "model", "id": id, "display_name": id, "created_at": "2026-01-01T00:00:00Z"});
    let data: Vec<Value> = MODELS.iter().map(model).collect();
    json!({"data": data, "has_more": false, "first_id": MODELS.first(), "last_id": MODELS.last()})
}
