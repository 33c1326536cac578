//! What OpenAI refuses, as far as a wrong translation could bring it about.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::dialect::Problem;

/// Fields that belong to a gateway. Other unknown fields pass, as they do at the many hosts of this dialect.
const GATEWAY_FIELDS: &[&str] = &[
    "provider",
    "models",
    "plugins",
    "transforms",
    "route",
    "preset",
    "usage",
    "reasoning",
    "include_reasoning",
    "session_id",
    "trace",
    "cache_control",
];

pub(crate) fn check(body: &Map<String, Value>) -> Result<(), Problem> {
    if body.get("model").and_then(Value::as_str).is_none_or(str::is_empty) {
        return Err(Problem::invalid("model", "you must provide a model parameter"));
    }
    if let Some(field) = GATEWAY_FIELDS.iter().find(|field| body.contains_key(**field)) {
        return Err(Problem::invalid(*field, format!("Unrecognized request argument supplied: {field}")).with_code("unknown_parameter"));
    }
    limits(body)?;
    tools(body)?;
    let messages = body.get("messages").and_then(Value::as_array);
    let messages = messages.ok_or_else(|| Problem::invalid("messages", "Missing required parameter: 'messages'."))?;
    if messages.is_empty() {
        return Err(Problem::invalid("messages", "Invalid 'messages': empty array.").with_code("empty_array"));
    }
    for (index, message) in messages.iter().enumerate() {
        one_message(message, &format!("messages.[{index}]"))?;
    }
    tool_results(messages)
}

fn limits(body: &Map<String, Value>) -> Result<(), Problem> {
    let given = |name: &str| body.get(name).filter(|value| !value.is_null());
    for name in ["max_tokens", "max_completion_tokens"] {
        if given(name).is_some_and(|limit| limit.as_u64().is_none_or(|limit| limit == 0)) {
            return Err(Problem::invalid(name, format!("Invalid '{name}': expected an integer of at least 1.")));
        }
    }
    if given("max_tokens").is_some() && given("max_completion_tokens").is_some() {
        return Err(Problem::invalid("max_tokens", "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported."));
    }
    if given("stream_options").is_some() && body.get("stream") != Some(&Value::Bool(true)) {
        return Err(Problem::invalid("stream_options", "The 'stream_options' parameter is only allowed when 'stream' is enabled."));
    }
    if given("n").is_some_and(|n| n.as_u64() != Some(1)) {
        return Err(Problem::invalid("n", "this simulator answers with one choice: 'n' must be 1"));
    }
    let out_of_range = |name: &str, most: f64| given(name).is_some_and(|value| value.as_f64().is_none_or(|v| !(0.0..=most).contains(&v)));
    for (name, most) in [("temperature", 2.0), ("top_p", 1.0)] {
        if out_of_range(name, most) {
            return Err(Problem::invalid(name, format!("Invalid '{name}': expected a number between 0 and {most}.")));
        }
    }
    let format = body.get("response_format").and_then(|format| format.get("type")).and_then(Value::as_str);
    match (given("response_format"), format) {
        (None, _) | (_, Some("text" | "json_object")) => Ok(()),
        (Some(given), Some("json_schema")) if given["json_schema"]["name"].is_string() => Ok(()),
        (_, Some("json_schema")) => {
            Err(Problem::invalid("response_format.json_schema", "Missing required parameter: 'response_format.json_schema.name'."))
        }
        _ => Err(Problem::invalid("response_format.type", "Invalid value: 'response_format.type'.")),
    }
}

fn tools(body: &Map<String, Value>) -> Result<(), Problem> {
    let offered = body.get("tools").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for (index, tool) in offered.iter().enumerate() {
        if tool["type"] == "function" && !tool["function"]["name"].as_str().is_some_and(is_tool_name) {
            return Err(Problem::invalid(format!("tools[{index}].function.name"), "Invalid tool name: expected ^[a-zA-Z0-9_-]{1,64}$."));
        }
        if !tool["type"].is_string() {
            return Err(Problem::invalid(format!("tools[{index}].type"), "Missing required parameter: 'type'."));
        }
    }
    let named = |name: &str| offered.iter().any(|tool| tool["function"]["name"] == name);
    match body.get("tool_choice") {
        None | Some(Value::Null) => Ok(()),
        Some(_) if offered.is_empty() => Err(Problem::invalid("tool_choice", "'tool_choice' is only allowed when 'tools' are specified.")),
        Some(Value::String(choice)) if ["none", "auto", "required"].contains(&choice.as_str()) => Ok(()),
        Some(choice) if choice["type"] == "allowed_tools" => Ok(()),
        Some(choice) if choice["function"]["name"].as_str().is_some_and(named) => Ok(()),
        Some(choice) => Err(Problem::invalid("tool_choice", format!("Tool choice {choice} not found in 'tools' parameter."))),
    }
}

fn is_tool_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

fn one_message(message: &Value, at: &str) -> Result<(), Problem> {
    let role = message["role"].as_str().unwrap_or_default();
    if !["system", "developer", "user", "assistant", "tool", "function"].contains(&role) {
        return Err(Problem::invalid(format!("{at}.role"), format!("Invalid value: '{role}'.")));
    }
    if message.get("reasoning_details").is_some() {
        return Err(Problem::invalid(format!("{at}.reasoning_details"), format!("Unknown parameter: '{at}.reasoning_details'.")));
    }
    let calls = message.get("tool_calls").filter(|calls| calls.as_array().is_some_and(|calls| !calls.is_empty()));
    for (index, call) in calls.and_then(Value::as_array).into_iter().flatten().enumerate() {
        let texts = [&call["id"], &call["function"]["name"], &call["function"]["arguments"]];
        if call["type"] == "function" && !texts.iter().all(|text| text.is_string()) {
            return Err(Problem::invalid(
                format!("{at}.tool_calls[{index}]"),
                "Expected 'id', 'function.name' and 'function.arguments' as strings.",
            ));
        }
    }
    let may_be_absent =
        role == "assistant" && (calls.is_some() || ["refusal", "audio", "function_call"].iter().any(|f| message.get(f).is_some()));
    match &message["content"] {
        Value::String(_) => Ok(()),
        Value::Array(parts) if !parts.is_empty() => {
            parts.iter().enumerate().try_for_each(|(index, part)| one_part(part, &format!("{at}.content[{index}]")))
        }
        Value::Null if may_be_absent => Ok(()),
        other => {
            Err(Problem::invalid(format!("{at}.content"), format!("Invalid value for 'content': expected a string, got {}.", kind(other))))
        }
    }
}

fn one_part(part: &Value, at: &str) -> Result<(), Problem> {
    let whole = match part["type"].as_str() {
        Some("text") => part["text"].is_string(),
        Some("image_url") => part["image_url"].is_string() || part["image_url"]["url"].is_string(),
        Some("input_audio") => part["input_audio"]["data"].is_string() && part["input_audio"]["format"].is_string(),
        Some("file") => part["file"].is_object(),
        Some("refusal") => part["refusal"].is_string(),
        _ => false,
    };
    if whole { Ok(()) } else { Err(Problem::invalid(at, format!("Invalid value: '{at}' is no content part that this model takes."))) }
}

/// Every call is answered by the tool messages that follow it at once, and no tool message answers anything else.
fn tool_results(messages: &[Value]) -> Result<(), Problem> {
    let mut awaited: HashSet<&str> = HashSet::new();
    let mut after_calls = false;
    for (index, message) in messages.iter().enumerate() {
        if message["role"] == "tool" {
            let id = message["tool_call_id"].as_str().unwrap_or_default();
            if !after_calls {
                let text = "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.";
                return Err(Problem::invalid(format!("messages.[{index}].role"), text));
            }
            if !awaited.remove(id) {
                return Err(Problem::invalid(
                    format!("messages.[{index}].tool_call_id"),
                    format!("'tool_call_id' of '{id}' not found in 'tool_calls' of previous message."),
                ));
            }
            continue;
        }
        unanswered(&awaited, index)?;
        awaited.extend(message["tool_calls"].as_array().into_iter().flatten().filter_map(|call| call["id"].as_str()));
        after_calls = !awaited.is_empty();
    }
    unanswered(&awaited, messages.len())
}

fn unanswered(awaited: &HashSet<&str>, index: usize) -> Result<(), Problem> {
    let Some(id) = awaited.iter().min() else { return Ok(()) };
    let text = format!(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. Missing: {id}"
    );
    Err(Problem::invalid(format!("messages.[{index}]"), text))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
