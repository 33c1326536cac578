//! Recorded answers of many providers, through both lanes: cut anywhere they read the same, and both lanes say the same.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod shared;

use std::path::{Path, PathBuf};

use portolan_core::{Dialect, GenerationId, Money, Quirk};
use portolan_dialect::relay::{Bill, Relay, RelaySpec, Seen};
use serde_json::Value;

fn spec(stream: bool) -> RelaySpec {
    RelaySpec {
        id: GenerationId::parse("gen-1760000000-abcdefghij0123456789").unwrap(),
        model: "maker/model".into(),
        provider: "Provider \"X\"".into(),
        is_resold: false,
        created: 1_760_000_000,
        stream,
        exclude_reasoning: false,
        quirks: vec![Quirk::NoDone],
    }
}

type Make = fn(bool) -> Relay;
const LANES: [(&str, Make); 2] =
    [("raw", |stream| Relay::raw(spec(stream))), ("translated", |stream| Relay::translated(Dialect::OpenAiChat, spec(stream)))];

fn run<'a>(make: Make, stream: bool, pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<u8>, Seen) {
    let mut relay = make(stream);
    let mut out = Vec::new();
    pieces.for_each(|piece| relay.push(piece, &mut out));
    relay.end(&mut out);
    let seen = relay.seen().clone();
    match &seen.fault {
        Some(fault) => relay.fail(&fault.clone(), &mut out),
        None => relay.complete(&Bill { usage: seen.usage.unwrap_or_default(), cost: Money(1), ..Bill::default() }, &mut out),
    }
    (out, seen)
}

fn cases(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let Some(root) = shared::folder("data/fixtures/recorded/openai-chat") else { return Vec::new() };
    let mut found = Vec::new();
    for provider in std::fs::read_dir(root).unwrap() {
        for case in std::fs::read_dir(provider.unwrap().path()).unwrap() {
            let path = case.unwrap().path().join(name);
            if let Ok(bytes) = std::fs::read(&path) {
                found.push((path, bytes));
            }
        }
    }
    assert!(found.len() > 100, "the recordings of {name} are there");
    found
}

/// What a client makes of an answer.
#[derive(Debug, Default, PartialEq)]
struct Heard {
    text: String,
    reasoning: String,
    refusal: String,
    calls: Vec<(u64, String, String, String)>,
    finish: Option<String>,
}

impl Heard {
    fn content(&mut self, content: &Value) {
        let text = |field: &str| content[field].as_str().unwrap_or_default();
        self.text.push_str(text("content"));
        let details = content["reasoning_details"].as_array().into_iter().flatten();
        let details: String = details.filter_map(|d| d["text"].as_str().or(d["summary"].as_str())).collect();
        self.reasoning.push_str(if details.is_empty() { text("reasoning") } else { &details });
        self.refusal.push_str(text("refusal"));
        // The lane that decodes says the older form in the newer one.
        if let Some(name) = content["function_call"]["name"].as_str().filter(|name| !name.is_empty()) {
            let arguments = content["function_call"]["arguments"].as_str().unwrap_or_default();
            self.calls.push((0, "call_".into(), name.into(), arguments.into()));
        }
        for (position, call) in content["tool_calls"].as_array().into_iter().flatten().enumerate() {
            let index = call["index"].as_u64().unwrap_or(position as u64);
            let at = self.calls.iter().position(|c| c.0 == index).unwrap_or_else(|| {
                self.calls.push((index, String::new(), String::new(), String::new()));
                self.calls.len() - 1
            });
            let known = &mut self.calls[at];
            if known.1.is_empty() {
                known.1 = call["id"].as_str().unwrap_or_default().into();
                known.2 = call["function"]["name"].as_str().unwrap_or_default().into();
            }
            known.3.push_str(call["function"]["arguments"].as_str().unwrap());
        }
    }
}

/// Checks what every client relies on, and answers what it hears per choice.
fn hear_stream(out: &[u8], path: &Path) -> Vec<Heard> {
    let text = std::str::from_utf8(out).unwrap();
    let frames: Vec<&str> = text.strip_suffix("\n\n").unwrap().split("\n\n").map(|f| f.strip_prefix("data: ").unwrap()).collect();
    let (done, chunks) = frames.split_last().unwrap();
    assert_eq!(*done, "[DONE]");
    let mut heard: Vec<Heard> = Vec::new();
    for (at, chunk) in chunks.iter().enumerate() {
        assert!(!chunk.contains('\n'));
        let chunk: Value = serde_json::from_str(chunk).unwrap_or_else(|e| panic!("{}: {e}: {chunk}", path.display()));
        assert_eq!(chunk["id"], "gen-1760000000-abcdefghij0123456789");
        assert_eq!(chunk["model"], "maker/model");
        assert_eq!(chunk["provider"], "Provider \"X\"");
        assert_eq!(chunk["object"], "chat.completion.chunk");
        assert!(chunk["created"].is_number());
        let last = at + 1 == chunks.len();
        assert_eq!(chunk.get("usage").is_some(), last && chunk.get("error").is_none(), "{}: {chunk}", path.display());
        for choice in chunk["choices"].as_array().unwrap() {
            assert!(choice["delta"].is_object());
            let index = usize::try_from(choice["index"].as_u64().unwrap()).unwrap();
            heard.resize_with(heard.len().max(index + 1), Heard::default);
            heard[index].content(&choice["delta"]);
            if let Some(reason) = choice["finish_reason"].as_str() {
                assert!(["stop", "length", "tool_calls", "content_filter", "error"].contains(&reason));
                heard[index].finish = Some(reason.into());
            }
        }
    }
    heard
}

fn hear_body(out: &[u8]) -> Vec<Heard> {
    let body: Value = serde_json::from_slice(out).unwrap();
    assert_eq!(body["id"], "gen-1760000000-abcdefghij0123456789");
    assert_eq!(body["model"], "maker/model");
    assert_eq!(body["provider"], "Provider \"X\"");
    assert_eq!(body["object"], "chat.completion");
    assert!(body.get("system_fingerprint").is_some());
    assert!(body["usage"]["cost"].is_number());
    let hear = |choice: &Value| {
        assert!(choice["index"].is_u64() && choice["message"].is_object() && choice.get("finish_reason").is_some(), "{body}");
        let mut heard = Heard { finish: choice["finish_reason"].as_str().map(str::to_owned), ..Heard::default() };
        heard.content(&choice["message"]);
        heard
    };
    body["choices"].as_array().unwrap().iter().map(hear).collect()
}

#[test]
fn a_stream_reads_the_same_however_it_is_cut() {
    for (path, bytes) in cases("stream.sse") {
        for (lane, make) in LANES {
            let (whole, seen) = run(make, true, std::iter::once(bytes.as_slice()));
            hear_stream(&whole, &path);
            let (by_byte, _) = run(make, true, bytes.chunks(1));
            assert!(whole == by_byte, "{lane}: {} cut at every byte", path.display());
            for at in (1..bytes.len()).step_by((bytes.len() / 24).max(1)) {
                let (left, right) = bytes.split_at(at);
                let (cut, cut_seen) = run(make, true, [left, right].into_iter());
                assert!(whole == cut, "{lane}: {} cut at {at}", path.display());
                assert_eq!(format!("{seen:?}"), format!("{cut_seen:?}"));
            }
        }
    }
}

#[test]
fn both_lanes_say_the_same_of_every_recorded_stream() {
    for (path, bytes) in cases("stream.sse") {
        let (raw, raw_seen) = run(LANES[0].1, true, std::iter::once(bytes.as_slice()));
        let (translated, seen) = run(LANES[1].1, true, std::iter::once(bytes.as_slice()));
        assert_eq!(hear_stream(&raw, &path), hear_stream(&translated, &path), "{}", path.display());
        assert_eq!(raw_seen.fault, seen.fault, "{}", path.display());
        assert_eq!(raw_seen.usage, seen.usage, "{}", path.display());
        assert_eq!(raw_seen.odd_usage, seen.odd_usage, "{}", path.display());
        let text = String::from_utf8_lossy(&bytes);
        let mut chunks = text.lines().filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data:")?).ok());
        assert_eq!(raw_seen.odd_usage.is_some(), chunks.any(|chunk| has_excess(&chunk["usage"])), "{}", path.display());
        assert_eq!(raw_seen.content, seen.content, "{}", path.display());
        assert_eq!(raw_seen.upstream_id, seen.upstream_id, "{}", path.display());
        let failed = String::from_utf8_lossy(&bytes).contains("\"error\":{");
        assert_eq!(seen.fault.is_some(), failed, "{}: {:?}", path.display(), seen.fault);
    }
}

#[test]
fn nothing_of_a_recorded_stream_is_lost() {
    for (path, bytes) in cases("stream.sse") {
        let (out, seen) = run(LANES[0].1, true, std::iter::once(bytes.as_slice()));
        if seen.fault.is_some() {
            continue;
        }
        let mut said = String::new();
        for line in std::str::from_utf8(&bytes).unwrap().lines() {
            let Some(data) = line.strip_prefix("data:").map(str::trim).filter(|data| *data != "[DONE]") else { continue };
            let chunk: Value = serde_json::from_str(data).unwrap();
            for choice in chunk["choices"].as_array().into_iter().flatten().filter(|choice| choice["index"] == 0) {
                match &choice["delta"]["content"] {
                    Value::String(text) => said.push_str(text),
                    Value::Array(parts) => said.extend(parts.iter().filter_map(|part| part["text"].as_str())),
                    _ => {}
                }
            }
        }
        let heard = hear_stream(&out, &path);
        assert_eq!(heard.first().map(|h| h.text.as_str()).unwrap_or_default(), said, "{}", path.display());
    }
}

/// Whether a part, other than reasoning, is larger than its whole. Where the grand total is more than both, the part stands beside.
fn has_excess(usage: &Value) -> bool {
    let count = |name: &str| usage[name].as_u64().unwrap_or(0);
    let is_beside = count("total_tokens") > count("prompt_tokens") + count("completion_tokens");
    let exceeds = |parts: &str, whole: &str| {
        let mut parts = usage[parts].as_object().into_iter().flatten().filter(|(name, _)| *name != "reasoning_tokens");
        parts.any(|(_, part)| part.as_u64() > usage[whole].as_u64())
    };
    !is_beside && (exceeds("prompt_tokens_details", "prompt_tokens") || exceeds("completion_tokens_details", "completion_tokens"))
}

#[test]
fn both_lanes_say_the_same_of_every_recorded_body() {
    for (path, bytes) in cases("response.json") {
        let recorded: Value = serde_json::from_slice(&bytes).unwrap();
        let (raw, raw_seen) = run(LANES[0].1, false, std::iter::once(bytes.as_slice()));
        let (translated, seen) = run(LANES[1].1, false, bytes.chunks(1_000));
        assert_eq!(raw_seen.fault, seen.fault, "{}", path.display());
        let choices = recorded["choices"].as_array().filter(|choices| !choices.is_empty());
        assert_eq!(
            seen.fault.is_none(),
            choices.is_some() && recorded["choices"][0].get("error").is_none(),
            "{}: {:?}",
            path.display(),
            seen.fault
        );
        if seen.fault.is_some() {
            assert!(raw.is_empty() && translated.is_empty());
            continue;
        }
        assert_eq!(raw_seen.usage, seen.usage, "{}", path.display());
        assert_eq!(raw_seen.odd_usage, seen.odd_usage, "{}", path.display());
        assert_eq!(raw_seen.odd_usage.is_some(), has_excess(&recorded["usage"]), "{}", path.display());
        let (mut heard, mut expected) = (hear_body(&raw), hear_body(&translated));
        for choice in &mut heard {
            choice.calls.iter_mut().filter(|call| call.3.is_empty()).for_each(|call| call.3 = "{}".into());
        }
        // An id that the provider left out is made from what is known where the call stands.
        let left_out: Vec<bool> = choices
            .into_iter()
            .flatten()
            .map(|c| &c["message"])
            .map(|m| m["tool_calls"][0]["id"] == "" || m["function_call"]["name"].as_str().is_some_and(|name| !name.is_empty()))
            .collect();
        for choice in heard.iter_mut().chain(&mut expected).filter(|_| left_out.contains(&true)) {
            choice.calls.iter_mut().for_each(|call| assert!(std::mem::take(&mut call.1).starts_with("call_")));
        }
        assert_eq!(heard, expected, "{}", path.display());
    }
}
