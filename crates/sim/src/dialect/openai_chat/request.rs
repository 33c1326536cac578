//! What a chat completion asks for.

use serde_json::{Map, Value, json};

use crate::dialect::{Asked, InputCount, Output, Tool, ToolChoice};

pub(crate) fn read(body: &Map<String, Value>) -> Asked {
    let messages = body.get("messages").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let flag = |name: &str| body.get(name).and_then(Value::as_bool);
    let limit = |name: &str| body.get(name).and_then(Value::as_u64);
    let effort = body.get("reasoning_effort").and_then(Value::as_str);
    let tools = tools(body);
    Asked {
        model: body.get("model").and_then(Value::as_str).unwrap_or_default().to_owned(),
        stream: flag("stream").unwrap_or(false),
        include_usage: body
            .get("stream_options")
            .and_then(|options| options.get("include_usage"))
            .and_then(Value::as_bool)
            .unwrap_or(false),
        max_tokens: limit("max_completion_tokens").or_else(|| limit("max_tokens")),
        input: count(messages, body),
        last_user: messages
            .iter()
            .rfind(|message| message["role"] == "user")
            .map(|message| text_of(&message["content"]))
            .unwrap_or_default(),
        answers_tools: messages.last().is_some_and(|message| message["role"] == "tool"),
        tool_choice: tool_choice(body, &tools),
        tools,
        parallel_tools: flag("parallel_tool_calls").unwrap_or(true),
        output: output(body),
        reasoning: effort.is_some_and(|effort| effort != "none"),
        reasoning_hidden: false,
    }
}

fn tools(body: &Map<String, Value>) -> Vec<Tool> {
    let offered = body.get("tools").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let tool = |tool: &Value| {
        let function = tool.get("function")?;
        let schema = function.get("parameters").cloned().unwrap_or_else(|| json!({"type": "object", "properties": {}}));
        Some(Tool { name: function.get("name")?.as_str()?.to_owned(), schema })
    };
    offered.iter().filter_map(tool).collect()
}

fn tool_choice(body: &Map<String, Value>, tools: &[Tool]) -> ToolChoice {
    match body.get("tool_choice") {
        Some(Value::String(choice)) if choice == "none" => ToolChoice::None,
        Some(Value::String(choice)) if choice == "required" => ToolChoice::Any,
        Some(Value::Object(choice)) => {
            let name = choice.get("function").and_then(|function| function.get("name")).and_then(Value::as_str);
            name.map_or(ToolChoice::Auto, |name| ToolChoice::Named(name.to_owned()))
        }
        _ if tools.is_empty() => ToolChoice::None,
        _ => ToolChoice::Auto,
    }
}

fn output(body: &Map<String, Value>) -> Output {
    let Some(format) = body.get("response_format") else { return Output::Text };
    match format["type"].as_str() {
        Some("json_schema") => Output::Schema(format["json_schema"]["schema"].clone()),
        Some("json_object") => Output::Json,
        _ => Output::Text,
    }
}

/// The text of a message: a string, or the text parts of a list.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join("\n"),
        _ => String::new(),
    }
}

fn count(messages: &[Value], body: &Map<String, Value>) -> InputCount {
    let mut count = InputCount { messages: messages.len() as u64, ..InputCount::default() };
    for message in messages {
        match &message["content"] {
            Value::String(text) => count.text(text),
            Value::Array(parts) => parts.iter().for_each(|part| match part["text"].as_str() {
                Some(text) => count.text(text),
                None => count.media += 1,
            }),
            _ => {}
        }
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            count.text(call["function"]["name"].as_str().unwrap_or_default());
            count.text(call["function"]["arguments"].as_str().unwrap_or_default());
        }
    }
    for tool in body.get("tools").and_then(Value::as_array).into_iter().flatten() {
        count.json(&tool["function"]);
    }
    count
}
