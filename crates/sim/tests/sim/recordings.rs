//! Our templates against recordings of real providers: whatever we emit, a real provider has been seen to emit.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::client::{Host, Transport, ask};

/// By a place in an object (`choices[].delta`), the keys seen there.
type Keys = BTreeMap<String, BTreeSet<String>>;

fn recordings(dialect: &str) -> Option<PathBuf> {
    let shared =
        std::env::var_os("PORTOLAN_SHARED").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let folder = shared.join("data/fixtures/recorded").join(dialect);
    if !folder.is_dir() {
        println!("SKIPPED: no recordings at {}; the simulator's templates are not held against real providers", folder.display());
        return None;
    }
    Some(folder)
}

fn collect(value: &Value, at: &str, keys: &mut Keys) {
    match value {
        Value::Object(fields) => {
            // What is named by its type is the same thing in a body and in an event.
            let at = fields
                .get("type")
                .and_then(Value::as_str)
                .map_or(at.to_owned(), |kind| format!("{}<{kind}>", at.rsplit('.').next().unwrap()));
            for (name, value) in fields {
                keys.entry(at.clone()).or_default().insert(name.clone());
                // Arguments and schemas are the caller's.
                if name != "input" {
                    collect(value, &format!("{at}.{name}"), keys);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, &format!("{at}[]"), keys)),
        _ => {}
    }
}

/// All keys of all bodies (`whole`) and events (`event`) in a folder of recordings.
fn recorded(folder: &Path) -> (Keys, usize) {
    let (mut keys, mut files) = (Keys::new(), 0);
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if !["response.json", "stream.sse", "stream.jsonl"].contains(&name.as_str()) {
                continue;
            }
            files += 1;
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            if name == "response.json" {
                serde_json::from_str(&text).iter().for_each(|body| collect(body, "whole", &mut keys));
            } else {
                let events = text.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data:").unwrap_or(line).trim()).ok());
                events.for_each(|event: Value| collect(&event, "event", &mut keys));
            }
        }
    }
    (keys, files)
}

/// What we emit, over all kinds of content.
async fn emitted(dialect: &str) -> Keys {
    let mut host = Host::new(Transport::Duplex);
    let mut keys = Keys::new();
    let tools = match dialect {
        "openai-chat" => {
            json!([{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}}])
        }
        _ => json!([{"name": "f", "input_schema": {"type": "object", "properties": {"a": {"type": "string"}}}}]),
    };
    for shape in [
        "sim",
        "sim-reason",
        "sim-redact",
        "sim-tool",
        "sim-refuse",
        "sim-filter",
        "sim-empty",
        "sim-ping",
        "sim-in99-cache9-cachew9-cacheh9",
        "sim-e401",
        "sim-e404",
    ] {
        for stream in [false, true] {
            let mut request = ask(shape, stream);
            request["tools"] = tools.clone();
            let raw = if dialect == "openai-chat" {
                if stream {
                    request["stream_options"] = json!({"include_usage": true});
                }
                host.chat(request).await
            } else {
                host.messages(request).await
            };
            if stream && raw.status == 200 {
                raw.events().iter().for_each(|event| collect(event, "event", &mut keys));
            } else {
                collect(&raw.json(), "whole", &mut keys);
            }
        }
    }
    keys
}

/// Error objects name their class in `type`; which classes were recorded is chance, so the place is what counts.
fn without_error_classes(keys: Keys) -> Keys {
    let mut plain = Keys::new();
    for (place, names) in keys {
        let place = place.find("error<").map_or(place.clone(), |at| format!("{}error", &place[..at]));
        plain.entry(place).or_default().extend(names);
    }
    plain
}

async fn holds(dialect: &str) {
    let Some(folder) = recordings(dialect) else { return };
    let (recorded, files) = recorded(&folder);
    assert!(files >= 50, "only {files} recordings were found in {}", folder.display());
    let (recorded, emitted) = (without_error_classes(recorded), without_error_classes(emitted(dialect).await));
    assert!(emitted.len() > 8, "{emitted:?}");
    let none = BTreeSet::new();
    for (place, names) in &emitted {
        let invented: Vec<_> = names.difference(recorded.get(place).unwrap_or(&none)).collect();
        assert!(invented.is_empty(), "no provider was recorded with {invented:?} at {place}");
    }
}

#[tokio::test]
async fn openai_chat_emits_only_what_was_recorded() {
    holds("openai-chat").await;
}

#[tokio::test]
async fn anthropic_emits_only_what_was_recorded() {
    holds("anthropic-messages").await;
}

/// Requests that a real provider answered with 200. Left out is what only the provider itself
/// could judge (replayed signatures), what the simulator says it does not do (`n`), and what is behind a beta
/// (system messages in the middle of a conversation with Anthropic).
fn answered(folder: &Path) -> Vec<(PathBuf, Value)> {
    let read = |path: PathBuf| std::fs::read(path).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let cases = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    let case = |path: PathBuf| {
        let (meta, request) = (read(path.join("meta.json"))?, read(path.join("request.json"))?);
        let features = meta["features"].as_array()?;
        let replays = features.iter().any(|feature| feature == "signature_replay") || request.to_string().contains("thinking\"");
        let beta =
            meta["dialect"] == "anthropic-messages" && request["messages"].as_array()?.iter().any(|message| message["role"] == "system");
        (meta["status"] == 200 && !replays && !beta && request["n"].as_u64().is_none_or(|n| n == 1)).then_some((path, request))
    };
    cases.filter_map(case).collect()
}

#[tokio::test]
async fn what_real_providers_accepted_is_not_refused() {
    for (dialect, provider) in [("openai-chat", "openai"), ("anthropic-messages", "anthropic")] {
        let Some(folder) = recordings(dialect) else { return };
        let requests = answered(&folder.join(provider));
        assert!(requests.len() >= 30, "only {} requests of {provider} were found", requests.len());
        let mut host = Host::new(Transport::Duplex);
        let mut refused = Vec::new();
        for (path, request) in requests {
            let raw = if dialect == "openai-chat" { host.chat(request).await } else { host.messages(request).await };
            if raw.status != 200 {
                refused.push(format!("{}: {}", path.file_name().unwrap().to_string_lossy(), raw.text()));
            }
        }
        assert!(refused.is_empty(), "{}", refused.join("\n"));
    }
}
