//! Messages. A tool's results are messages of their own here, and hold no images.

use crate::ir::{Message, Part, ReasoningKind, ReasoningPart, Role, Source};
use crate::json::Writer;
use crate::target::Encoded;

pub(super) fn write(messages: &[Message], json: &mut Writer, encoded: &mut Encoded) {
    json.key("messages");
    json.array();
    // Images that tools returned. They follow as the user's, once the results of a turn are complete.
    let mut images: Vec<&Part> = Vec::new();
    for message in messages {
        if message.role != Role::Tool {
            flush(&mut images, json, encoded);
        }
        let mut rest = Vec::with_capacity(message.parts.len());
        for part in &message.parts {
            match part {
                Part::ToolResult { id, parts, is_error, cache } => {
                    note(*cache, encoded);
                    if *is_error {
                        encoded.drop_parameter("is_error");
                    }
                    write_result(id, parts, json, encoded);
                    images.extend(parts.iter().filter(|p| matches!(p, Part::Image { .. })));
                }
                other => rest.push(other),
            }
        }
        let only_results = rest.is_empty() && !message.parts.is_empty();
        if !only_results {
            flush(&mut images, json, encoded);
            write_message(message, &rest, json, encoded);
        }
    }
    flush(&mut images, json, encoded);
    json.end_array();
}

fn flush(images: &mut Vec<&Part>, json: &mut Writer, encoded: &mut Encoded) {
    if images.is_empty() {
        return;
    }
    json.object();
    json.text_member("role", "user");
    write_content(images, json, encoded);
    json.end_object();
    images.clear();
}

fn note(cache: Option<crate::ir::Cache>, encoded: &mut Encoded) {
    if cache.is_some() {
        encoded.drop_parameter("cache_control");
    }
}

fn write_result(id: &str, parts: &[Part], json: &mut Writer, encoded: &mut Encoded) {
    json.object();
    json.text_member("role", "tool");
    json.text_member("tool_call_id", id);
    let texts: Vec<_> = parts.iter().filter(|p| matches!(p, Part::Text { .. })).collect();
    write_content(&texts, json, encoded);
    json.end_object();
}

fn write_message(message: &Message, parts: &[&Part], json: &mut Writer, encoded: &mut Encoded) {
    json.object();
    json.text_member(
        "role",
        match message.role {
            Role::System => "system",
            Role::Developer => "developer",
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::Tool => "tool",
        },
    );
    if let Some(name) = &message.name {
        json.text_member("name", name);
    }
    let (mut content, mut calls, mut reasoning, mut refusal) = (Vec::new(), Vec::new(), String::new(), None);
    for part in parts {
        match part {
            Part::Text { .. } | Part::Image { .. } | Part::Audio { .. } | Part::File { .. } => content.push(*part),
            Part::ToolCall { .. } => calls.push(*part),
            Part::Refusal(text) => refusal = Some(text),
            Part::Reasoning(part) => match readable(part) {
                Some(text) => reasoning.push_str(text),
                None => encoded.drop_parameter("reasoning_details"),
            },
            Part::Opaque { .. } | Part::ToolResult { .. } => encoded.drop_parameter("reasoning_details"),
        }
    }
    if content.is_empty() && (!calls.is_empty() || refusal.is_some()) {
        json.raw_member("content", "null");
    } else {
        write_content(&content, json, encoded);
    }
    if !reasoning.is_empty() {
        json.text_member("reasoning_content", &reasoning);
    }
    if let Some(refusal) = refusal {
        json.text_member("refusal", refusal);
    }
    write_calls(&calls, json, encoded);
    json.end_object();
}

/// Reasoning that nobody signed came from an endpoint of this dialect, and some (DeepSeek, Moonshot) want it
/// back within a turn's tool loop. What a family signed or sealed goes only back to it, and not by this dialect.
fn readable(part: &ReasoningPart) -> Option<&str> {
    let unsigned = part.signature.is_none() && part.kind != ReasoningKind::Encrypted;
    let foreign = part.format.as_deref().is_some_and(|format| format != "unknown");
    (unsigned && !foreign).then_some(part.text.as_str())
}

fn write_calls(calls: &[&Part], json: &mut Writer, encoded: &mut Encoded) {
    if calls.is_empty() {
        return;
    }
    json.key("tool_calls");
    json.array();
    for call in calls {
        let Part::ToolCall { id, name, arguments, cache } = call else { continue };
        note(*cache, encoded);
        json.object();
        json.text_member("id", id);
        json.text_member("type", "function");
        json.key("function");
        json.object();
        json.text_member("name", name);
        // A call without arguments is an empty object to whoever parses them.
        json.text_member("arguments", if arguments.is_empty() { "{}" } else { arguments });
        json.end_object();
        json.end_object();
    }
    json.end_array();
}

/// A single text is a string, which every endpoint takes; all else is a list of parts.
fn write_content(parts: &[&Part], json: &mut Writer, encoded: &mut Encoded) {
    json.key("content");
    match parts {
        [] => json.text(""),
        [Part::Text { text, cache }] => {
            note(*cache, encoded);
            json.text(text);
        }
        many => {
            json.array();
            many.iter().for_each(|part| write_part(part, json, encoded));
            json.end_array();
        }
    }
}

fn write_part(part: &Part, json: &mut Writer, encoded: &mut Encoded) {
    json.object();
    match part {
        Part::Text { text, cache } => {
            note(*cache, encoded);
            json.text_member("type", "text");
            json.text_member("text", text);
        }
        Part::Image { source, detail, cache } => {
            note(*cache, encoded);
            json.text_member("type", "image_url");
            json.key("image_url");
            json.object();
            write_source("url", source, json);
            if let Some(detail) = detail {
                json.text_member("detail", detail);
            }
            json.end_object();
        }
        Part::Audio { data, format } => {
            json.text_member("type", "input_audio");
            json.key("input_audio");
            json.object();
            json.text_member("data", data);
            json.text_member("format", format);
            json.end_object();
        }
        Part::File { source, name, cache } => {
            note(*cache, encoded);
            json.text_member("type", "file");
            json.key("file");
            json.object();
            if let Some(name) = name {
                json.text_member("filename", name);
            }
            write_source("file_data", source, json);
            json.end_object();
        }
        Part::ToolCall { .. } | Part::ToolResult { .. } | Part::Reasoning(_) | Part::Refusal(_) | Part::Opaque { .. } => {}
    }
    json.end_object();
}

fn write_source(name: &str, source: &Source, json: &mut Writer) {
    json.key(name);
    match source {
        Source::Url(url) => json.text(url),
        Source::Base64 { media_type, data } => json.pieces(&["data:", media_type, ";base64,", data]),
    }
}
