//! What Anthropic refuses in messages: their order, their blocks, and how tool results answer tool uses.

use serde_json::Value;

use super::check::is_identifier;
use super::request::blocks;
use crate::content::{is_redacted, is_signed};
use crate::dialect::Problem;

/// Blocks of hosted tools, beside their results.
const HOSTED: &[&str] = &["server_tool_use", "container_upload", "search_result", "tool_reference"];

/// A turn: consecutive messages of one role, which the provider merges.
struct Turn<'a> {
    role: &'a str,
    /// The first of its messages.
    index: usize,
    blocks: Vec<&'a Value>,
}

pub(super) fn check(messages: Option<&Value>, thinking: bool) -> Result<(), Problem> {
    let messages = messages.ok_or_else(|| Problem::invalid("messages", "Field required"))?;
    let messages = messages.as_array().ok_or_else(|| Problem::invalid("messages", "Input should be a valid list"))?;
    if messages.is_empty() {
        return Err(Problem::invalid("messages", "at least one message is required"));
    }
    let last = messages.len() - 1;
    for (index, message) in messages.iter().enumerate() {
        one_message(message, index, index == last)?;
    }
    let turns = turns(messages);
    if turns.first().is_some_and(|turn| turn.role != "user") {
        return Err(Problem::invalid("messages", "first message must use the \"user\" role"));
    }
    let none = Turn { role: "user", index: 0, blocks: Vec::new() };
    for (position, turn) in turns.iter().enumerate() {
        let before = position.checked_sub(1).and_then(|before| turns.get(before)).unwrap_or(&none);
        results_answer_uses(before, turn)?;
        let next = turns.get(position + 1);
        if let Some(id) = uses(turn).next().filter(|_| next.is_none() && turn.role == "assistant") {
            return Err(unanswered(turn.index, id));
        }
        if thinking
            && next.is_some_and(|next| next.blocks.iter().any(|block| block["type"] == "tool_result"))
            && position + 2 == turns.len()
        {
            thinking_comes_first(turn)?;
        }
    }
    Ok(())
}

fn turns(messages: &[Value]) -> Vec<Turn<'_>> {
    let mut turns: Vec<Turn<'_>> = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        let role = message["role"].as_str().unwrap_or_default();
        if turns.last().is_none_or(|turn| turn.role != role) {
            turns.push(Turn { role, index, blocks: Vec::new() });
        }
        if let Some(turn) = turns.last_mut() {
            // A string is a text block; what matters here is only that it is no other block.
            turn.blocks.extend(if message["content"].is_string() {
                std::slice::from_ref(&message["content"])
            } else {
                blocks(&message["content"])
            });
        }
    }
    turns
}

fn one_message(message: &Value, index: usize, last: bool) -> Result<(), Problem> {
    let at = format!("messages.{index}");
    let role = message["role"].as_str().unwrap_or_default();
    if role != "user" && role != "assistant" {
        return Err(Problem::invalid(format!("{at}.role"), "Input should be 'user' or 'assistant'"));
    }
    if let Some(field) = message.as_object().and_then(|fields| fields.keys().find(|field| *field != "role" && *field != "content")) {
        return Err(Problem::invalid(format!("{at}.{field}"), "Extra inputs are not permitted"));
    }
    let prefill = last && role == "assistant";
    match &message["content"] {
        Value::String(text) if text.is_empty() && !prefill => Err(Problem::invalid(at, "all messages must have non-empty content")),
        Value::String(text) => no_trailing_space(text, prefill),
        Value::Array(blocks) if blocks.is_empty() && role == "user" => {
            Err(Problem::invalid(at, "all messages must have non-empty content"))
        }
        Value::Array(blocks) => {
            for (index, block) in blocks.iter().enumerate() {
                one_block(block, role, &format!("{at}.content.{index}"))?;
            }
            no_trailing_space(blocks.last().and_then(|block| block["text"].as_str()).unwrap_or_default(), prefill)
        }
        _ => Err(Problem::invalid(format!("{at}.content"), "Input should be a valid string or list")),
    }
}

fn no_trailing_space(text: &str, prefill: bool) -> Result<(), Problem> {
    if prefill && text.ends_with(char::is_whitespace) {
        return Err(Problem::invalid("messages", "final assistant content cannot end with trailing whitespace"));
    }
    Ok(())
}

fn one_block(block: &Value, role: &str, at: &str) -> Result<(), Problem> {
    match (block["type"].as_str().unwrap_or_default(), role) {
        ("text", _) => text_block(block, at),
        ("image", "user") => source(block, at, &["base64", "url", "file"]),
        ("document", "user") => source(block, at, &["base64", "url", "file", "text", "content"]),
        ("tool_use", "assistant") => tool_use(block, at),
        ("tool_result", "user") => tool_result(block, at),
        ("thinking", "assistant") => thinking_block(block, at),
        ("redacted_thinking", "assistant") => match block["data"].as_str().is_some_and(is_redacted) {
            true => Ok(()),
            false => Err(Problem::invalid(at, "Invalid `data` in `redacted_thinking` block")),
        },
        // What belongs to hosted tools comes from the provider; there is nothing to hold it against.
        (kind, _) if kind.ends_with("_tool_result") || HOSTED.contains(&kind) => Ok(()),
        (kind, _) => Err(Problem::invalid(at, format!("Input tag '{kind}' is not allowed in a message of the role '{role}'"))),
    }
}

pub(super) fn text_block(block: &Value, at: &str) -> Result<(), Problem> {
    let allowed = ["type", "text", "cache_control", "citations"];
    if let Some(field) = block.as_object().and_then(|fields| fields.keys().find(|field| !allowed.contains(&field.as_str()))) {
        return Err(Problem::invalid(format!("{at}.text.{field}"), "Extra inputs are not permitted"));
    }
    match block["text"].as_str() {
        Some("") => Err(Problem::invalid(at, "text content blocks must be non-empty")),
        Some(text) if text.trim().is_empty() => Err(Problem::invalid(at, "text content blocks must contain non-whitespace text")),
        Some(_) if block["type"] == "text" => Ok(()),
        _ => Err(Problem::invalid(format!("{at}.text"), "Field required")),
    }
}

fn source(block: &Value, at: &str, kinds: &[&str]) -> Result<(), Problem> {
    let source = &block["source"];
    let kind = source["type"].as_str().unwrap_or_default();
    let whole = match kind {
        "base64" => source["data"].is_string() && source["media_type"].is_string(),
        "url" => source["url"].is_string(),
        "file" => source["file_id"].is_string(),
        "text" => source["data"].is_string(),
        _ => !source["content"].is_null(),
    };
    if whole && kinds.contains(&kind) {
        Ok(())
    } else {
        Err(Problem::invalid(format!("{at}.source"), "Input tag does not match any of the expected sources"))
    }
}

fn tool_use(block: &Value, at: &str) -> Result<(), Problem> {
    if !block["id"].as_str().is_some_and(|id| is_identifier(id, 64)) {
        return Err(Problem::invalid(format!("{at}.tool_use.id"), "String should match pattern '^[a-zA-Z0-9_-]+$'"));
    }
    if !block["name"].as_str().is_some_and(|name| is_identifier(name, 200)) {
        return Err(Problem::invalid(format!("{at}.tool_use.name"), "String should match pattern '^[a-zA-Z0-9_-]{1,200}$'"));
    }
    if block["input"].is_object() {
        Ok(())
    } else {
        Err(Problem::invalid(format!("{at}.tool_use.input"), "Input should be a valid dictionary"))
    }
}

fn tool_result(block: &Value, at: &str) -> Result<(), Problem> {
    if block["tool_use_id"].as_str().is_none_or(str::is_empty) {
        return Err(Problem::invalid(format!("{at}.tool_result.tool_use_id"), "Field required"));
    }
    match &block["content"] {
        Value::Null | Value::String(_) => Ok(()),
        Value::Array(inner) => {
            inner.iter().enumerate().try_for_each(|(index, inner)| one_block(inner, "user", &format!("{at}.content.{index}")))
        }
        _ => Err(Problem::invalid(format!("{at}.tool_result.content"), "Input should be a valid string or list")),
    }
}

fn thinking_block(block: &Value, at: &str) -> Result<(), Problem> {
    let (Some(text), Some(signature)) = (block["thinking"].as_str(), block["signature"].as_str()) else {
        return Err(Problem::invalid(format!("{at}.thinking.signature"), "Field required"));
    };
    if is_signed(text, signature) { Ok(()) } else { Err(Problem::invalid(at, "Invalid `signature` in `thinking` block")) }
}

fn uses<'a>(turn: &Turn<'a>) -> impl Iterator<Item = &'a str> {
    turn.blocks.clone().into_iter().filter(|block| block["type"] == "tool_use").filter_map(|block| block["id"].as_str())
}

/// The results of one turn answer the uses of the turn before: each once, all of them, before any other content.
fn results_answer_uses(before: &Turn<'_>, turn: &Turn<'_>) -> Result<(), Problem> {
    let mut awaited: Vec<&str> = uses(before).collect();
    let mut other = false;
    for block in &turn.blocks {
        if block["type"] != "tool_result" {
            other = true;
            continue;
        }
        let id = block["tool_use_id"].as_str().unwrap_or_default();
        let Some(position) = awaited.iter().position(|awaited| *awaited == id) else {
            let text = format!(
                "unexpected `tool_use_id` found in `tool_result` blocks: {id}. Each `tool_result` must have a corresponding `tool_use` in the previous message."
            );
            return Err(Problem::invalid(format!("messages.{}", turn.index), text));
        };
        if other {
            return Err(Problem::invalid(
                format!("messages.{}", turn.index),
                "`tool_result` blocks must come before any other content of the message",
            ));
        }
        awaited.remove(position);
    }
    awaited.first().map_or(Ok(()), |id| Err(unanswered(before.index, id)))
}

fn unanswered(index: usize, id: &str) -> Problem {
    let text = format!("`tool_use` ids were found without `tool_result` blocks immediately after: {id}");
    Problem::invalid(format!("messages.{index}"), text)
}

/// Within a loop of tools the reasoning that led to the calls is sent back, first.
fn thinking_comes_first(turn: &Turn<'_>) -> Result<(), Problem> {
    let first = turn.blocks.first().and_then(|block| block["type"].as_str()).unwrap_or("text");
    if first == "thinking" || first == "redacted_thinking" {
        return Ok(());
    }
    let text = format!(
        "Expected `thinking` or `redacted_thinking`, but found `{first}`. When `thinking` is enabled, a final `assistant` message must start with a thinking block."
    );
    Err(Problem::invalid(format!("messages.{}.content.0.type", turn.index), text))
}
