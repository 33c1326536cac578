//! The events of a streamed message. A part of the script is a content block, under its own number.

use serde_json::{Value, json};

use super::error::error;
use super::report::{last, report};
use super::{stop_details, stop_reason};
use crate::content::{Part, sign};
use crate::dialect::{Answer, BIG_LINE_BYTES, Frame, Problem};
use crate::usage::{Lie, Reported};

pub(crate) fn write_frame(answer: &Answer, frame: Frame) -> Vec<u8> {
    match frame {
        Frame::Start => start(answer),
        Frame::Open(part) => open(answer, part),
        Frame::Piece(part, piece) => content(answer, part, piece),
        Frame::Close(part) => close(answer, part),
        Frame::Finish => finish(answer),
        Frame::Ping => event("ping", r#"{"type": "ping"}"#),
        Frame::Garble => b"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"\xff\xfe\n\n".to_vec(),
        Frame::Failure => event("error", &error(&Problem::status(529, "Overloaded"), &request_id(answer)).to_string()),
        Frame::BigLine => event("ping", &format!(r#"{{"type": "ping"{}}}"#, " ".repeat(BIG_LINE_BYTES))),
    }
}

fn event(name: &str, data: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(name.len() + data.len() + 16);
    for text in ["event: ", name, "\ndata: ", data, "\n\n"] {
        bytes.extend_from_slice(text.as_bytes());
    }
    bytes
}

fn request_id(answer: &Answer) -> String {
    format!("req_{}", answer.id.trim_start_matches("msg_"))
}

fn start(answer: &Answer) -> Vec<u8> {
    let mut message = json!({
        "id": answer.id,
        "type": "message",
        "role": "assistant",
        "model": answer.model,
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
    });
    if let Some(reported) = Reported::early(answer.usage, answer.lie) {
        message["usage"] = report(&reported);
    }
    event("message_start", &json!({"type": "message_start", "message": message}).to_string())
}

fn open(answer: &Answer, index: u32) -> Vec<u8> {
    let block = match answer.script.parts.get(index as usize) {
        Some(Part::Reasoning(_) | Part::Withheld { data: None, .. }) => json!({"type": "thinking", "thinking": "", "signature": ""}),
        Some(Part::Withheld { data: Some(data), .. }) => json!({"type": "redacted_thinking", "data": data}),
        Some(Part::Text(_) | Part::Refusal(_)) => json!({"type": "text", "text": ""}),
        Some(Part::Tool(call)) => json!({"type": "tool_use", "id": format!("toolu_{}", call.id), "name": call.name, "input": {}}),
        None => return Vec::new(),
    };
    event("content_block_start", &json!({"type": "content_block_start", "index": index, "content_block": block}).to_string())
}

fn content(answer: &Answer, index: u32, piece: u32) -> Vec<u8> {
    let Some(part) = answer.script.parts.get(index as usize) else { return Vec::new() };
    let Some(text) = part.pieces().map(|pieces| pieces.get(piece as usize)) else { return Vec::new() };
    match part {
        Part::Reasoning(_) => delta(index, "thinking_delta", "thinking", text),
        // A tool without arguments has no fragment of them.
        Part::Tool(_) if text == "{}" => delta(index, "input_json_delta", "partial_json", ""),
        Part::Tool(_) => delta(index, "input_json_delta", "partial_json", text),
        Part::Text(_) | Part::Refusal(_) | Part::Withheld { .. } => delta(index, "text_delta", "text", text),
    }
}

fn delta(index: u32, kind: &str, field: &str, text: &str) -> Vec<u8> {
    let text = Value::from(text);
    event(
        "content_block_delta",
        &format!(r#"{{"type":"content_block_delta","index":{index},"delta":{{"type":"{kind}","{field}":{text}}}}}"#),
    )
}

/// A block of reasoning ends with its signature.
fn close(answer: &Answer, index: u32) -> Vec<u8> {
    let signature = match answer.script.parts.get(index as usize) {
        Some(Part::Reasoning(pieces)) => Some(sign(pieces.as_str())),
        Some(Part::Withheld { data: None, .. }) => Some(sign("")),
        _ => None,
    };
    let mut frames = signature.map(|signature| delta(index, "signature_delta", "signature", &signature)).unwrap_or_default();
    frames.extend(event("content_block_stop", &format!(r#"{{"type":"content_block_stop","index":{index}}}"#)));
    frames
}

fn finish(answer: &Answer) -> Vec<u8> {
    let mut delta = json!({
        "type": "message_delta",
        "delta": {
            "stop_reason": stop_reason(answer.script.finish),
            "stop_sequence": null,
            "stop_details": stop_details(answer.script.finish),
        },
    });
    if let Some(reported) = Reported::last(answer.usage, answer.lie, answer.max_tokens) {
        delta["usage"] = last(&reported);
    }
    let delta = event("message_delta", &delta.to_string());
    let mut frames = delta.clone();
    if answer.lie == Lie::Twice {
        frames.extend(delta);
    }
    frames.extend(event("message_stop", r#"{"type":"message_stop"}"#));
    frames
}
