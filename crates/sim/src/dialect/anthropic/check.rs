//! What Anthropic refuses beside its messages: headers, fields, tools, thinking, cache marks.

use http::HeaderMap;
use serde_json::{Map, Value};

use super::messages;
use crate::dialect::Problem;

/// The fields of a request. Any other is refused, as the provider does.
const FIELDS: &[&str] = &[
    "model",
    "messages",
    "max_tokens",
    "system",
    "stream",
    "temperature",
    "top_p",
    "top_k",
    "stop_sequences",
    "tools",
    "tool_choice",
    "metadata",
    "thinking",
    "output_config",
    "output_format",
    "service_tier",
    "container",
    "context_management",
    "mcp_servers",
    "cache_control",
    "inference_geo",
    "speed",
];

/// Marks of what to cache, in a whole request.
const CACHE_MARKS_MAX: usize = 4;

pub(crate) fn check_headers(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.contains_key("anthropic-version") { Ok(()) } else { Err(Problem::status(400, "anthropic-version: header is required")) }
}

pub(crate) fn check(body: &Map<String, Value>) -> Result<(), Problem> {
    if let Some(field) = body.keys().find(|field| !FIELDS.contains(&field.as_str())) {
        return Err(Problem::invalid(field, "Extra inputs are not permitted"));
    }
    if given(body, "model").and_then(Value::as_str).is_none_or(str::is_empty) {
        return Err(Problem::invalid("model", "Field required"));
    }
    let max_tokens = given(body, "max_tokens").ok_or_else(|| Problem::invalid("max_tokens", "Field required"))?;
    let max_tokens = max_tokens
        .as_u64()
        .filter(|most| *most > 0)
        .ok_or_else(|| Problem::invalid("max_tokens", "Input should be greater than or equal to 1"))?;
    sampling(body)?;
    thinking(body, max_tokens)?;
    tools(body)?;
    let marks = system(body)?
        + count_marks(given(body, "tools"))
        + count_marks(given(body, "messages"))
        + usize::from(given(body, "cache_control").is_some());
    if marks > CACHE_MARKS_MAX {
        return Err(Problem::invalid("cache_control", format!("A maximum of 4 blocks with cache_control may be provided. Found {marks}.")));
    }
    let thinking_on = given(body, "thinking").is_some_and(|thinking| thinking["type"] == "enabled");
    messages::check(given(body, "messages"), thinking_on)
}

/// A field with a value; null is as good as absent.
fn given<'a>(body: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    body.get(name).filter(|value| !value.is_null())
}

fn sampling(body: &Map<String, Value>) -> Result<(), Problem> {
    for name in ["temperature", "top_p"] {
        let out_of_range = |value: &Value| value.as_f64().is_none_or(|number| !(0.0..=1.0).contains(&number));
        if given(body, name).is_some_and(out_of_range) {
            return Err(Problem::invalid(name, "Input should be a number between 0 and 1"));
        }
    }
    if given(body, "top_k").is_some_and(|value| value.as_u64().is_none()) {
        return Err(Problem::invalid("top_k", "Input should be a valid integer"));
    }
    if let Some(metadata) = given(body, "metadata").and_then(Value::as_object)
        && let Some(field) = metadata.keys().find(|field| *field != "user_id")
    {
        return Err(Problem::invalid(format!("metadata.{field}"), "Extra inputs are not permitted"));
    }
    let Some(sequences) = given(body, "stop_sequences") else { return Ok(()) };
    let sequences = sequences.as_array().ok_or_else(|| Problem::invalid("stop_sequences", "Input should be a valid list"))?;
    match sequences.iter().all(|sequence| sequence.as_str().is_some_and(|text| !text.trim().is_empty())) {
        true => Ok(()),
        false => Err(Problem::invalid("stop_sequences", "each stop sequence must contain non-whitespace")),
    }
}

fn thinking(body: &Map<String, Value>, max_tokens: u64) -> Result<(), Problem> {
    let Some(thinking) = given(body, "thinking") else { return Ok(()) };
    match thinking["type"].as_str() {
        Some("disabled" | "adaptive") => Ok(()),
        Some("enabled") => {
            let budget =
                thinking["budget_tokens"].as_u64().ok_or_else(|| Problem::invalid("thinking.enabled.budget_tokens", "Field required"))?;
            if budget < 1_024 {
                return Err(Problem::invalid("thinking.enabled.budget_tokens", "Input should be greater than or equal to 1024"));
            }
            if budget >= max_tokens {
                return Err(Problem::invalid("max_tokens", "`max_tokens` must be greater than `thinking.budget_tokens`"));
            }
            if given(body, "temperature").and_then(Value::as_f64).is_some_and(|temperature| temperature != 1.0) {
                return Err(Problem::invalid("temperature", "`temperature` may only be set to 1 when thinking is enabled"));
            }
            if given(body, "top_k").is_some() || given(body, "top_p").and_then(Value::as_f64).is_some_and(|top_p| top_p < 0.95) {
                return Err(Problem::invalid("top_k", "`top_k` must be unset and `top_p` at least 0.95 when thinking is enabled"));
            }
            match given(body, "tool_choice").and_then(|choice| choice["type"].as_str()) {
                Some("any" | "tool") => {
                    Err(Problem::invalid("tool_choice", "Thinking may not be enabled when tool_choice forces tool use."))
                }
                _ => Ok(()),
            }
        }
        _ => Err(Problem::invalid("thinking.type", "Input tag should be one of: 'enabled', 'disabled', 'adaptive'")),
    }
}

fn tools(body: &Map<String, Value>) -> Result<(), Problem> {
    let offered = given(body, "tools").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for (index, tool) in offered.iter().enumerate() {
        let hosted = tool["type"].as_str().is_some_and(|kind| kind != "custom");
        if !tool["name"].as_str().is_some_and(|name| is_identifier(name, 128)) {
            return Err(Problem::invalid(format!("tools.{index}.name"), "String should match pattern '^[a-zA-Z0-9_-]{1,128}$'"));
        }
        if !hosted && tool["input_schema"]["type"] != "object" {
            return Err(Problem::invalid(format!("tools.{index}.input_schema.type"), "Input should be 'object'"));
        }
    }
    let named = |name: &str| offered.iter().any(|tool| tool["name"] == name);
    let Some(choice) = given(body, "tool_choice") else { return Ok(()) };
    match choice["type"].as_str() {
        _ if offered.is_empty() => Err(Problem::invalid("tool_choice", "tool_choice may only be specified while providing tools")),
        Some("auto" | "any" | "none") => Ok(()),
        Some("tool") if choice["name"].as_str().is_some_and(named) => Ok(()),
        Some("tool") => Err(Problem::invalid("tool_choice", format!("Tool {} not found in provided tools", choice["name"]))),
        _ => Err(Problem::invalid("tool_choice.type", "Input tag should be one of: 'auto', 'any', 'tool', 'none'")),
    }
}

pub(super) fn is_identifier(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// Checks the system text, and counts its cache marks.
fn system(body: &Map<String, Value>) -> Result<usize, Problem> {
    match given(body, "system") {
        None | Some(Value::String(_)) => Ok(0),
        Some(Value::Array(blocks)) => {
            for (index, block) in blocks.iter().enumerate() {
                messages::text_block(block, &format!("system.{index}"))?;
            }
            Ok(count_marks(given(body, "system")))
        }
        Some(_) => Err(Problem::invalid("system", "Input should be a valid string or list")),
    }
}

fn count_marks(value: Option<&Value>) -> usize {
    match value {
        Some(Value::Array(items)) => items.iter().map(|item| count_marks(Some(item))).sum(),
        Some(Value::Object(fields)) => {
            let own = usize::from(fields.get("cache_control").is_some_and(|mark| !mark.is_null()));
            own + fields.get("content").map_or(0, |content| count_marks(Some(content)))
        }
        _ => 0,
    }
}
