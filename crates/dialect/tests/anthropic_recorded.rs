//! Real traffic of Anthropic's API, decoded; and our requests held against the recorded ones.
//!
//! The recordings are not part of this repository. Where they are absent, the tests say so and pass.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod shared;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use portolan_core::{Dialect, GenerationId, Meter, Usage};
use portolan_dialect::anthropic::encode::encode;
use portolan_dialect::anthropic::events::Events;
use portolan_dialect::decoder::Decoder;
use portolan_dialect::ir::{
    Cache, Delta, Event, Finish, Message, Output, Part, Reasoning, ReasoningKind, ReasoningPart, Request, Role, Sampling, Source, Tool,
    ToolChoice,
};
use portolan_dialect::relay::{Bill, Relay, RelaySpec, Seen};
use portolan_dialect::target::Target;
use serde_json::value::RawValue;
use serde_json::{Value, json};

fn cases(part: &str) -> Vec<PathBuf> {
    let Some(folder) = shared::folder(&format!("data/fixtures/{part}/anthropic-messages/anthropic")) else { return Vec::new() };
    let mut cases: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(!cases.is_empty(), "the recordings are there");
    cases
}

fn json_file(case: &Path, name: &str) -> Option<Value> {
    serde_json::from_slice(&std::fs::read(case.join(name)).ok()?).ok()
}

/// The frames of a recorded stream: server-sent events, or one event per line.
fn frames(case: &Path) -> Option<Vec<(Option<String>, String)>> {
    if let Ok(lines) = std::fs::read_to_string(case.join("stream.jsonl")) {
        return Some(lines.lines().filter(|line| !line.is_empty()).map(|line| (None, line.to_owned())).collect());
    }
    let text = std::fs::read_to_string(case.join("stream.sse")).ok()?.replace("\r\n", "\n");
    let field = |block: &str, name: &str| block.lines().find_map(|line| Some(line.strip_prefix(name)?.trim_start().to_owned()));
    Some(text.split("\n\n").filter_map(|block| Some((field(block, "event:"), field(block, "data:")?))).collect())
}

/// An answer, put together from its events.
#[derive(Debug, Default, PartialEq)]
struct Answer {
    id: String,
    text: String,
    reasoning: BTreeMap<u32, String>,
    sealed: BTreeMap<u32, (ReasoningKind, String)>,
    calls: Vec<(String, String, String)>,
    annotations: Vec<Value>,
    finish: Option<(Finish, String)>,
    usage: Option<Usage>,
    faults: usize,
    done: bool,
}

impl Answer {
    fn take(&mut self, event: Event<'_>) {
        assert!(!self.done, "nothing follows the end: {event:?}");
        match event {
            Event::Start { id, .. } => {
                assert!(self.id.is_empty(), "an answer begins once");
                self.id = id.into_owned();
            }
            Event::Delta { choice, delta } => {
                assert_eq!(choice, 0);
                self.delta(delta);
            }
            Event::Usage(usage) => self.usage = Some(usage),
            Event::Cost(_) | Event::Served { .. } => panic!("no field of this dialect says so: {event:?}"),
            Event::Finish { reason, native, .. } => {
                assert!(self.finish.is_none(), "an answer ends once");
                self.finish = Some((reason, native.into_owned()));
            }
            Event::Fault(_) => self.faults += 1,
            Event::Done => self.done = true,
        }
    }

    fn delta(&mut self, delta: Delta<'_>) {
        match delta {
            Delta::Text(text) => self.text.push_str(&text),
            Delta::Reasoning { index, text, .. } => self.reasoning.entry(index).or_default().push_str(&text),
            Delta::Sealed { kind, index, data, .. } => assert!(self.sealed.insert(index, (kind, data.into_owned())).is_none()),
            Delta::ToolCall { index, id, name } => {
                assert_eq!(index as usize, self.calls.len(), "calls are counted from 0");
                self.calls.push((id.into_owned(), name.into_owned(), String::new()));
            }
            Delta::Arguments { index, text } => self.calls[index as usize].2.push_str(&text),
            Delta::Field { name, json } => {
                assert_eq!(name, "annotations");
                self.annotations.extend(serde_json::from_str::<Vec<Value>>(&json).unwrap());
            }
            other => panic!("unexpected {other:?}"),
        }
    }

    fn of_frames(frames: &[(Option<String>, String)]) -> Self {
        let mut answer = Answer::default();
        let mut decoder = Events::default();
        frames.iter().for_each(|(event, data)| decoder.frame(event.as_deref(), data, &mut |event| answer.take(event)));
        answer
    }

    fn of_body(body: &str) -> Self {
        let mut answer = Answer::default();
        Events::default().body(body, &mut |event| answer.take(event));
        answer
    }

    /// Arguments as values: a body is written with other white space than a stream.
    fn normal(mut self) -> Self {
        for call in &mut self.calls {
            let value: Value = serde_json::from_str(&call.2).expect("arguments are JSON when they are complete");
            call.2 = value.to_string();
        }
        self
    }
}

/// The same message as a JSON body, put together from the frames without the decoder: Anthropic's own rule of accumulation.
fn accumulated(frames: &[(Option<String>, String)]) -> Value {
    let mut message = Value::Null;
    let mut arguments: BTreeMap<usize, String> = BTreeMap::new();
    for event in frames.iter().filter_map(|(_, data)| serde_json::from_str::<Value>(data).ok()) {
        let index = event["index"].as_u64().unwrap_or(0) as usize;
        match event["type"].as_str().unwrap_or_default() {
            "message_start" => message = event["message"].clone(),
            "content_block_start" => message["content"].as_array_mut().unwrap().push(event["content_block"].clone()),
            "content_block_delta" => {
                let (block, delta) = (&mut message["content"][index], &event["delta"]);
                let mut append = |field: &str| {
                    block[field] = json!(format!("{}{}", block[field].as_str().unwrap_or(""), delta[field].as_str().unwrap()))
                };
                match delta["type"].as_str().unwrap() {
                    "text_delta" => append("text"),
                    "thinking_delta" => append("thinking"),
                    "signature_delta" => block["signature"] = delta["signature"].clone(),
                    "input_json_delta" => arguments.entry(index).or_default().push_str(delta["partial_json"].as_str().unwrap()),
                    "citations_delta" if block["citations"].is_array() => {
                        block["citations"].as_array_mut().unwrap().push(delta["citation"].clone())
                    }
                    "citations_delta" => block["citations"] = json!([delta["citation"]]),
                    other => panic!("unknown delta {other}"),
                }
            }
            "message_delta" => {
                message["stop_reason"] = event["delta"]["stop_reason"].clone();
                for (field, value) in event["usage"].as_object().unwrap().iter().filter(|(_, value)| !value.is_null()) {
                    // Counts only grow. (One recording takes input back; what was once reported is kept there, and called odd.)
                    if value.as_u64().is_none_or(|n| n >= message["usage"][field].as_u64().unwrap_or(0)) {
                        message["usage"][field] = value.clone();
                    }
                }
            }
            _ => {}
        }
    }
    for (index, text) in arguments.into_iter().filter(|(_, text)| !text.is_empty()) {
        message["content"][index]["input"] = serde_json::from_str(&text).unwrap();
    }
    message
}

/// What a message says, read without the decoder.
fn check(case: &Path, message: &Value, answer: &Answer) {
    let at = case.display();
    let blocks = |kind: &'static str| message["content"].as_array().unwrap().iter().filter(move |block| block["type"] == kind);
    let text: String = blocks("text").map(|block| block["text"].as_str().unwrap()).collect();
    assert_eq!(answer.text, text, "{at}");
    let calls: Vec<_> = blocks("tool_use").map(|block| (block["id"].as_str().unwrap().to_owned(), block["input"].to_string())).collect();
    assert_eq!(answer.calls.iter().map(|(id, _, input)| (id.clone(), input.clone())).collect::<Vec<_>>(), calls, "{at}");
    let mut signatures: Vec<_> = blocks("thinking").map(|block| block["signature"].as_str().unwrap()).collect();
    signatures.extend(blocks("redacted_thinking").map(|block| block["data"].as_str().unwrap()));
    signatures.sort_unstable();
    let mut sealed: Vec<_> = answer.sealed.values().map(|(_, data)| data.as_str()).collect();
    sealed.sort_unstable();
    assert_eq!(sealed, signatures, "{at}: signatures are carried byte for byte");

    let reason = match message["stop_reason"].as_str().unwrap() {
        "end_turn" | "stop_sequence" => Finish::Stop,
        "max_tokens" => Finish::Length,
        "tool_use" => Finish::ToolCalls,
        "refusal" => Finish::ContentFilter,
        other => panic!("{at}: a stop reason that no recording had: {other}"),
    };
    assert_eq!(answer.finish, Some((reason, message["stop_reason"].as_str().unwrap().to_owned())), "{at}");

    let (usage, reported) = (answer.usage.expect("every recording reports usage"), &message["usage"]);
    let count = |field: &str| reported[field].as_u64().unwrap_or(0);
    assert_eq!(
        usage.prompt_tokens(),
        count("input_tokens") + count("cache_read_input_tokens") + count("cache_creation_input_tokens"),
        "{at}"
    );
    assert_eq!(usage.completion_tokens(), count("output_tokens"), "{at}");
    assert_eq!(usage[Meter::Input], count("input_tokens"), "{at}");
    assert_eq!(usage[Meter::CacheWrite1h], reported["cache_creation"]["ephemeral_1h_input_tokens"].as_u64().unwrap_or(0), "{at}");
    assert_eq!(usage[Meter::Reasoning], reported["output_tokens_details"]["thinking_tokens"].as_u64().unwrap_or(0), "{at}");
    assert_eq!(usage[Meter::Search], reported["server_tool_use"]["web_search_requests"].as_u64().unwrap_or(0), "{at}");
}

#[test]
fn every_recorded_stream_says_what_its_frames_add_up_to_and_the_same_as_its_body() {
    for case in cases("recorded") {
        let Some(frames) = frames(&case) else { continue };
        let answer = Answer::of_frames(&frames).normal();
        assert!(answer.done && answer.faults == 0, "{}", case.display());
        let message = accumulated(&frames);
        check(&case, &message, &answer);
        assert_eq!(Answer::of_body(&message.to_string()).normal(), answer, "{}", case.display());
    }
}

#[test]
fn every_recorded_body_is_decoded() {
    for case in cases("recorded") {
        let meta = json_file(&case, "meta.json").unwrap();
        let Some(message) = json_file(&case, "response.json").filter(|m| meta["status"] == 200 && m["type"] == "message") else { continue };
        let answer = Answer::of_body(&std::fs::read_to_string(case.join("response.json")).unwrap()).normal();
        assert!(answer.done && answer.faults == 0, "{}", case.display());
        check(&case, &message, &answer);
    }
}

#[test]
fn a_stream_that_breaks_off_anywhere_is_never_taken_for_whole() {
    for case in cases("recorded") {
        let Some(frames) = frames(&case) else { continue };
        let end = frames.iter().position(|(_, data)| data.contains(r#""stop_reason":""#) || data.contains(r#""stop_reason": ""#)).unwrap();
        for cut in 0..end {
            let answer = Answer::of_frames(&frames[..cut]);
            assert!(!answer.done && answer.finish.is_none(), "{} cut at {cut}", case.display());
        }
    }
}

fn relayed<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<u8>, Seen) {
    let spec = RelaySpec {
        id: GenerationId::parse("gen-1760000000-abcdefghij0123456789").unwrap(),
        model: "anthropic/claude".into(),
        provider: "Anthropic".into(),
        is_resold: false,
        created: 1_760_000_000,
        stream: true,
        exclude_reasoning: false,
        quirks: Vec::new(),
    };
    let (mut relay, mut out) = (Relay::translated(Dialect::Anthropic, spec), Vec::new());
    pieces.for_each(|piece| relay.push(piece, &mut out));
    relay.end(&mut out);
    let seen = relay.seen().clone();
    relay.complete(&Bill { usage: seen.usage.unwrap_or_default(), ..Bill::default() }, &mut out);
    (out, seen)
}

#[test]
fn a_recorded_stream_reads_the_same_through_the_relay_wherever_it_is_cut() {
    for case in cases("recorded") {
        let (Some(frames), Ok(bytes)) = (frames(&case), std::fs::read(case.join("stream.sse"))) else { continue };
        let answer = Answer::of_frames(&frames);
        let (whole, seen) = relayed(std::iter::once(&bytes[..]));
        assert!(seen.done && seen.fault.is_none(), "{}: {:?}", case.display(), seen.fault);
        assert_eq!(
            (seen.usage, &seen.finish, seen.upstream_id.as_deref()),
            (answer.usage, &answer.finish, Some(answer.id.as_str())),
            "{}",
            case.display()
        );
        assert_eq!(relayed(bytes.chunks(1)).0, whole, "{} byte by byte", case.display());
        for cut in (0..bytes.len()).step_by(29) {
            let (head, tail) = bytes.split_at(cut);
            assert!(relayed([head, tail].into_iter()).0 == whole, "{} cut at {cut}", case.display());
        }
        let chunks = String::from_utf8(whole).unwrap();
        let text: String = chunks
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok())
            .filter_map(|chunk| Some(chunk["choices"][0]["delta"]["content"].as_str()?.to_owned()))
            .collect();
        assert_eq!(text, answer.text, "{}", case.display());
    }
}

#[test]
fn every_recorded_or_documented_failure_has_a_fault_of_its_type() {
    use portolan_core::{Class, UnixMillis};
    use portolan_dialect::classify::RetryHeaders;
    for case in cases("recorded").into_iter().chain(cases("documented")) {
        let meta = json_file(&case, "meta.json").unwrap();
        let Some(status) = meta["status"].as_u64().filter(|status| *status != 200) else { continue };
        let Some(body) = json_file(&case, "response.json") else { continue };
        let fault = portolan_dialect::registry::classify(
            Dialect::Anthropic,
            status as u16,
            RetryHeaders::default(),
            body.to_string().as_bytes(),
            UnixMillis(0),
        );
        let class = match (body["error"]["type"].as_str().unwrap(), body["error"]["message"].as_str().unwrap()) {
            ("invalid_request_error", m) if m.starts_with("prompt is too long") => Class::ContextLengthExceeded,
            ("invalid_request_error", _) => Class::InvalidRequest,
            ("authentication_error" | "permission_error", _) => Class::CredentialRefused,
            ("billing_error", _) => Class::CredentialExhausted,
            ("not_found_error", _) => Class::NotFound,
            ("request_too_large", _) => Class::PayloadTooLarge,
            ("rate_limit_error", _) => Class::RateLimitExceeded,
            ("api_error", _) => Class::ProviderUnavailable,
            ("timeout_error", _) => Class::Timeout,
            ("overloaded_error", _) => Class::ProviderOverloaded,
            other => panic!("{}: {other:?}", case.display()),
        };
        assert_eq!(fault.class, class, "{}", case.display());
    }
    for case in cases("documented") {
        let Some(frames) = frames(&case) else { continue };
        let answer = Answer::of_frames(&frames);
        let reports = frames.iter().any(|(_, data)| data.contains(r#""type": "error""#));
        assert_eq!((answer.faults, answer.done, answer.finish), (usize::from(reports), false, None), "{}", case.display());
    }
}

/// Every key of a request, with the kind of object that it stands in.
fn keys(request: &Value, found: &mut BTreeSet<String>) {
    fn object(place: &str, value: &Value, found: &mut BTreeSet<String>) {
        let Some(members) = value.as_object() else { return };
        let place = members.get("type").and_then(Value::as_str).map_or_else(|| place.to_owned(), |kind| format!("{place} {kind}"));
        for (key, value) in members {
            found.insert(format!("{place}: {key}"));
            match key.as_str() {
                "cache_control" | "source" | "thinking" | "output_config" | "format" | "metadata" | "tool_choice" => {
                    object(key, value, found)
                }
                "system" | "content" => list("block", value, found),
                "messages" => list("message", value, found),
                "tools" => list("tool", value, found),
                _ => {}
            }
        }
    }
    fn list(place: &str, value: &Value, found: &mut BTreeSet<String>) {
        value.as_array().into_iter().flatten().for_each(|value| object(place, value, found));
    }
    object("request", request, found);
}

/// A request that makes the encoder say everything that it can say.
fn everything(reasoning: Option<Reasoning>) -> Request {
    let raw = |value: Value| RawValue::from_string(value.to_string()).unwrap();
    let cache = Some(Cache::Hour1);
    let image = |source| Part::Image { source, detail: None, cache };
    let inline = |media_type: &str| Source::Base64 { media_type: media_type.into(), data: "AAAA".into() };
    let url = || Source::Url("https://example.com/a".into());
    let file = |source| Part::File { source, name: Some("a.pdf".into()), cache };
    let text = || Part::Text { text: "x".into(), cache };
    let thought = |kind| {
        Part::Reasoning(ReasoningPart {
            kind,
            text: "t".into(),
            signature: Some("s".into()),
            format: Some("anthropic-claude-v1".into()),
            id: None,
        })
    };
    let says = |role, parts| Message { role, name: None, parts };
    Request {
        messages: vec![
            says(Role::System, vec![text()]),
            says(Role::User, vec![text(), image(inline("image/png")), image(url()), file(inline("application/pdf")), file(url())]),
            says(
                Role::Assistant,
                vec![
                    thought(ReasoningKind::Text),
                    thought(ReasoningKind::Encrypted),
                    Part::ToolCall { id: "a".into(), name: "f".into(), arguments: "{}".into(), cache },
                ],
            ),
            says(Role::Tool, vec![Part::ToolResult { id: "a".into(), parts: vec![text()], is_error: true, cache }]),
        ],
        tools: vec![Tool::Function {
            name: "f".into(),
            description: Some("d".into()),
            parameters: Some(raw(json!({"type": "object"}))),
            strict: Some(true),
            cache,
        }],
        tool_choice: Some(if reasoning.is_some() { ToolChoice::Auto } else { ToolChoice::Function("f".into()) }),
        parallel_tool_calls: Some(false),
        output: Output::JsonSchema { name: "n".into(), description: None, schema: raw(json!({"type": "object"})), strict: None },
        sampling: Sampling { temperature: Some(0.into()), top_k: Some(3.into()), ..Sampling::default() },
        reasoning,
        stop: vec!["x".into()],
        ..Request::default()
    }
}

#[test]
fn no_field_is_written_that_no_recorded_request_has() {
    let mut recorded = BTreeSet::new();
    let mut requests = 0;
    for request in cases("recorded").iter().filter_map(|case| json_file(case, "request.json")) {
        keys(&request, &mut recorded);
        requests += 1;
    }
    if requests == 0 {
        return;
    }
    // Documented by Anthropic, and not in this selection of recordings.
    let documented = [
        "request: top_k",
        "block redacted_thinking: data",
        "block redacted_thinking: type",
        "thinking adaptive: display",
        "tool: cache_control",
    ];
    let mut unknown = BTreeSet::new();
    let effort = |word: &str| Some(Reasoning { effort: Some(word.into()), ..Reasoning::default() });
    for (model, reasoning) in [
        ("claude-sonnet-4-5", None),
        ("claude-sonnet-4-5", effort("low")),
        ("claude-opus-4-8", effort("low")),
        ("claude-opus-5", effort("none")),
    ] {
        for skipped in 0..=everything(None).messages.len() {
            // Only four marks are written at once: leaving messages out lets those of the others through.
            let mut request = everything(reasoning.clone());
            request.messages.truncate(request.messages.len() - skipped.min(3));
            let target = Target {
                caller: Dialect::OpenAiChat,
                upstream_id: model,
                stream: true,
                max_tokens: Some(8_000),
                user_hash: Some("u"),
                quirks: &[],
                supported: &[],
                service_tier: None,
                reseller: None,
            };
            let encoded = encode(&request, &target).unwrap();
            let mut written = BTreeSet::new();
            keys(&serde_json::from_slice(&encoded.body.concat()).unwrap(), &mut written);
            unknown.extend(written.into_iter().filter(|key| !recorded.contains(key) && !documented.contains(&key.as_str())));
        }
    }
    assert_eq!(unknown, BTreeSet::new());
}
