//! Every recorded chat request: peek takes what is valid, and decoding and encoding keep what it says.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of a test")]

use std::path::{Path, PathBuf};

use bytes::Bytes;
use portolan_core::Dialect;
use portolan_dialect::openai_chat::decode::decode;
use portolan_dialect::openai_chat::encode::encode;
use portolan_dialect::openai_chat::patch::patch;
use portolan_dialect::openai_chat::peek::peek;
use portolan_dialect::target::Target;
use serde_json::Value;

#[expect(clippy::disallowed_methods, reason = "the recordings live outside the repository")]
fn recordings() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let root = std::env::var("PORTOLAN_SHARED").map_or_else(|_| beside(), PathBuf::from);
    Some(root.join("data/fixtures/recorded/openai-chat")).filter(|dir| dir.is_dir())
}

fn requests(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            requests(&path, out);
        } else if path.file_name().is_some_and(|name| name == "request.json") {
            out.push(path);
        }
    }
}

/// The texts, ids, names and arguments of all messages, in order: what an answer depends on.
fn meaning(body: &Value) -> Vec<String> {
    let mut out = Vec::new();
    let mut texts = |content: &Value| match content {
        Value::String(text) if !text.is_empty() => out.push(format!("text {text}")),
        Value::Array(parts) => out.extend(parts.iter().map(|part| match part["type"].as_str() {
            Some("text") => format!("text {}", part["text"].as_str().unwrap()),
            Some("image_url") => format!("image {}", part["image_url"]["url"].as_str().or(part["image_url"].as_str()).unwrap()),
            Some("input_audio") => format!("audio {}", part["input_audio"]["data"]),
            Some("file") => format!("file {}", part["file"]["file_data"]),
            other => panic!("a part of type {other:?}"),
        })),
        _ => {}
    };
    for message in body["messages"].as_array().unwrap() {
        texts(&Value::String(format!("role {}", message["role"].as_str().unwrap())));
        texts(&message["content"]);
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            let arguments = Some(call["function"]["arguments"].as_str().unwrap_or_default()).filter(|a| !a.is_empty()).unwrap_or("{}");
            texts(&Value::String(format!("call {} {} {arguments}", call["id"], call["function"]["name"])));
        }
        texts(&Value::String(format!("answers {}", message["tool_call_id"])));
    }
    out
}

/// What the rest of a request says, with the fields that an encoder is free to change left out.
fn settings(body: &Value) -> Value {
    let mut body = body.clone();
    let map = body.as_object_mut().unwrap();
    for name in [
        "messages",
        "model",
        "models",
        "stream",
        "stream_options",
        "max_tokens",
        "max_completion_tokens",
        "user",
        "reasoning",
        "reasoning_effort",
    ] {
        map.remove(name);
    }
    map.retain(|name, value| {
        let is_default = match name.as_str() {
            "n" => value == 1,
            "response_format" => value["type"] == "text",
            "provider" | "usage" | "include_reasoning" | "session_id" | "trace" | "plugins" | "transforms" => true,
            "tools" | "stop" => value.as_array().is_some_and(Vec::is_empty),
            _ => false,
        };
        !value.is_null() && !is_default
    });
    if let Some(stop) = map.get_mut("stop").filter(|stop| stop.is_string()) {
        *stop = Value::Array(vec![stop.clone()]);
    }
    if let Some(choice) = map.get_mut("tool_choice").filter(|choice| *choice == "any") {
        *choice = "required".into();
    }
    if !map.contains_key("tools") {
        map.remove("parallel_tool_calls");
    }
    for tool in map.get_mut("tools").and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut) {
        tool.remove("cache_control");
        if let Some(function) = tool.get_mut("function").and_then(Value::as_object_mut) {
            function.retain(|name, value| !value.is_null() && ["name", "description", "parameters", "strict"].contains(&name.as_str()));
        }
    }
    body
}

/// What peek refuses in the recordings, and why it is right to.
const REFUSED: &[(&str, &str)] = &[
    (": model: is required", "Azure's classic path names the model, not the body; here the body must"),
    (": temperature: must be a number, not a string", "recorded to see it refused"),
    (": max_tokens: must be an integer of at least 1", "recorded to see it refused"),
    (": messages: is required", "recorded to see it refused"),
    (".type: video is not supported", "not built"),
    (": modalities: only", "answers with audio: not built"),
    (": functions: only []", "the older form of tools, which OpenRouter does not take either"),
    (": web_search_options: is not supported", "not built"),
    (".type: server tools are not supported", "not built"),
    (": transforms: only []", "not built"),
    ("tools[0].type: is missing", "Mistral's leniency; the type is required"),
    ("messages[1].content[0].type: must be", "Mistral's `thinking` part; OpenRouter's form is reasoning_details"),
    ("messages[0].content[1].type: must be", "Perplexity's `file_url` part; OpenRouter's form is file"),
    ("messages[2].tool_call_id: is missing", "the older form of tools"),
];

#[test]
fn recorded_requests_survive_peek_patch_decode_and_encode() {
    let Some(dir) = recordings() else {
        println!("SKIPPED: the recordings are not there (set PORTOLAN_SHARED to the folder that holds data/)");
        return;
    };
    let mut paths = Vec::new();
    requests(&dir, &mut paths);
    paths.sort();
    assert!(paths.len() > 400, "the recordings are incomplete: {} requests", paths.len());
    let (mut refused, mut failures) = (Vec::new(), Vec::new());
    for path in &paths {
        let name = path.strip_prefix(&dir).unwrap().parent().unwrap().display().to_string();
        let body = Bytes::from(std::fs::read(path).unwrap());
        let found = match peek(&body) {
            Ok(found) => found,
            Err(error) => {
                refused.push(format!("{name}: {error}"));
                continue;
            }
        };
        let before: Value = serde_json::from_slice(&body).unwrap();
        let target = Target {
            caller: Dialect::OpenAiChat,
            upstream_id: "upstream",
            stream: found.stream,
            max_tokens: found.max_tokens,
            user_hash: None,
            quirks: &[],
            supported: &[],
            service_tier: None,
            reseller: None,
        };
        let request = match decode(&body, &found) {
            Ok(request) => request,
            Err(error) => {
                failures.push(format!("{name}: decode: {error}"));
                continue;
            }
        };
        let after: Value = serde_json::from_slice(&encode(&request, &target).body.concat()).unwrap();
        let patched: Value = serde_json::from_slice(&patch(&body, &found, &target).concat()).unwrap();
        // Images that a tool returned follow its result, as the user's.
        let moved =
            before["messages"].as_array().unwrap().iter().any(|m| m["role"] == "tool" && m["content"].to_string().contains("image_url"));
        if !moved && meaning(&before) != meaning(&after) {
            failures.push(format!("{name}: messages\n  {:?}\n  {:?}", meaning(&before), meaning(&after)));
        }
        let nameless = before["response_format"]["json_schema"].is_object() && before["response_format"]["json_schema"]["name"].is_null();
        if !nameless && settings(&before) != settings(&after) {
            failures.push(format!("{name}: settings\n  {}\n  {}", settings(&before), settings(&after)));
        }
        if before["messages"] != patched["messages"] || patched["model"] != "upstream" {
            failures.push(format!("{name}: patch"));
        }
    }
    let unexpected: Vec<_> = refused.iter().filter(|line| !REFUSED.iter().any(|(part, _)| line.contains(part))).collect();
    println!("{} requests, {} refused", paths.len(), refused.len());
    assert!(unexpected.is_empty(), "{} refused without a reason:\n{unexpected:#?}", unexpected.len());
    assert!(failures.is_empty(), "{} changed:\n{}", failures.len(), failures.join("\n"));
}
