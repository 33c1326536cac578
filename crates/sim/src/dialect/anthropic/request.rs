//! What a message asks for.

use serde_json::{Map, Value};

use crate::dialect::{Asked, InputCount, Output, Tool, ToolChoice};

pub(crate) fn read(body: &Map<String, Value>) -> Asked {
    let messages = body.get("messages").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let thinking = body.get("thinking");
    let thinks = thinking.and_then(|thinking| thinking["type"].as_str()).is_some_and(|kind| kind != "disabled");
    let tools = tools(body);
    let choice = body.get("tool_choice");
    Asked {
        model: body.get("model").and_then(Value::as_str).unwrap_or_default().to_owned(),
        stream: body.get("stream").and_then(Value::as_bool).unwrap_or(false),
        include_usage: true,
        max_tokens: body.get("max_tokens").and_then(Value::as_u64),
        input: count(messages, body),
        last_user: messages
            .iter()
            .rev()
            .filter(|m| m["role"] == "user")
            .map(|m| text_of(&m["content"]))
            .find(|t| !t.is_empty())
            .unwrap_or_default(),
        answers_tools: messages
            .last()
            .is_some_and(|message| blocks(&message["content"]).iter().any(|block| block["type"] == "tool_result")),
        tool_choice: tool_choice(choice, &tools),
        tools,
        parallel_tools: choice.is_none_or(|choice| choice["disable_parallel_tool_use"] != true),
        output: output(body),
        reasoning: thinks,
        reasoning_hidden: thinking.is_some_and(|thinking| thinking["display"] == "omitted"),
    }
}

fn tools(body: &Map<String, Value>) -> Vec<Tool> {
    let offered = body.get("tools").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let tool = |tool: &Value| Some(Tool { name: tool["name"].as_str()?.to_owned(), schema: tool.get("input_schema")?.clone() });
    offered.iter().filter_map(tool).collect()
}

fn tool_choice(choice: Option<&Value>, tools: &[Tool]) -> ToolChoice {
    match choice.and_then(|choice| choice["type"].as_str()) {
        Some("none") => ToolChoice::None,
        Some("any") => ToolChoice::Any,
        Some("tool") => {
            choice.and_then(|choice| choice["name"].as_str()).map_or(ToolChoice::Any, |name| ToolChoice::Named(name.to_owned()))
        }
        _ if tools.is_empty() => ToolChoice::None,
        _ => ToolChoice::Auto,
    }
}

fn output(body: &Map<String, Value>) -> Output {
    let format = body.get("output_config").and_then(|config| config.get("format")).or_else(|| body.get("output_format"));
    format.and_then(|format| format.get("schema")).map_or(Output::Text, |schema| Output::Schema(schema.clone()))
}

pub(super) fn blocks(content: &Value) -> &[Value] {
    content.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The text of a message: a string, or the text blocks of a list.
fn text_of(content: &Value) -> String {
    match content.as_str() {
        Some(text) => text.to_owned(),
        None => blocks(content).iter().filter_map(|block| block["text"].as_str()).collect::<Vec<_>>().join("\n"),
    }
}

fn count(messages: &[Value], body: &Map<String, Value>) -> InputCount {
    let mut count = InputCount { messages: messages.len() as u64, ..InputCount::default() };
    if let Some(system) = body.get("system") {
        count.messages += 1;
        count.text(&text_of(system));
    }
    messages.iter().for_each(|message| count_content(&message["content"], &mut count));
    for tool in body.get("tools").and_then(Value::as_array).into_iter().flatten() {
        count.json(tool);
    }
    count
}

fn count_content(content: &Value, count: &mut InputCount) {
    if let Some(text) = content.as_str() {
        count.text(text);
    }
    for block in blocks(content) {
        match block["type"].as_str().unwrap_or_default() {
            "text" => count.text(block["text"].as_str().unwrap_or_default()),
            "thinking" => count.text(block["thinking"].as_str().unwrap_or_default()),
            "tool_use" => {
                count.text(block["name"].as_str().unwrap_or_default());
                count.json(&block["input"]);
            }
            "tool_result" => count_content(&block["content"], count),
            "image" | "document" => count.media += 1,
            _ => {}
        }
    }
}
