//! The judgement on tool calls: the same for a stream, wherever it is cut, and for a body, in both lanes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use portolan_core::{Dialect, GenerationId};
use portolan_dialect::openai_chat::peek::{Offered, peek};
use portolan_dialect::relay::ToolCalls::{Bad, Sound};
use portolan_dialect::relay::{Relay, RelaySpec, ToolCalls};
use serde_json::{Value, json};

/// A call as the model makes it: choice, name, arguments. `null` is a call without them.
type Call<'a> = (u32, &'a str, Value);

fn spec(stream: bool) -> RelaySpec {
    RelaySpec {
        id: GenerationId::parse("gen-1760000000-abcdefghij0123456789").unwrap(),
        model: "maker/model".into(),
        provider: "Provider".into(),
        is_resold: false,
        created: 1_760_000_000,
        stream,
        exclude_reasoning: false,
        quirks: Vec::new(),
    }
}

fn function(name: &str) -> Value {
    json!({ "type": "function", "function": { "name": name, "parameters": { "type": "object" } } })
}

/// A request, and the tools that were found in it.
struct Asked {
    body: Vec<u8>,
    offered: Offered,
}

fn asked(tools: &[Value]) -> Asked {
    let body = json!({ "model": "m/m", "messages": [{ "role": "user", "content": "Hi" }], "tools": tools }).to_string().into_bytes();
    let offered = peek(&body).unwrap().offered;
    Asked { body, offered }
}

/// Pushes an answer in pieces of so many bytes.
fn judged(mut relay: Relay, answer: &str, piece: usize, asked: &Asked) -> Option<ToolCalls> {
    let mut out = Vec::new();
    answer.as_bytes().chunks(piece).for_each(|bytes| relay.push(bytes, &mut out));
    relay.end(&mut out);
    assert_eq!(relay.seen().fault, None, "{answer}");
    relay.tool_calls(&asked.offered, &asked.body)
}

fn choices(calls: &[Call<'_>]) -> Vec<u32> {
    let mut all: Vec<_> = calls.iter().map(|call| call.0).chain([0]).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn body(calls: &[Call<'_>], finish: &str) -> String {
    let choice = |at: u32| {
        let own = calls.iter().filter(|call| call.0 == at).enumerate();
        let calls: Vec<_> = own
            .map(|(i, call)| json!({ "id": format!("call_{i}"), "type": "function", "function": { "name": call.1, "arguments": call.2 } }))
            .collect();
        let message = if calls.is_empty() { json!({ "content": "Hi" }) } else { json!({ "content": null, "tool_calls": calls }) };
        // The first choice ends in the way that is asked for; the others in the ordinary one.
        let reason = if at == 0 { finish } else { "tool_calls" };
        json!({ "finish_reason": reason, "index": at, "message": message })
    };
    let choices: Vec<_> = choices(calls).into_iter().map(choice).collect();
    json!({ "id": "up-1", "object": "chat.completion", "created": 7, "model": "up", "choices": choices }).to_string()
}

fn stream(calls: &[Call<'_>], finish: &str) -> String {
    let chunk = |choice: Value| {
        let chunk = json!({ "id": "up-1", "object": "chat.completion.chunk", "created": 7, "model": "up", "choices": [choice] });
        format!("data: {chunk}\n\n")
    };
    let delta = |choice: u32, call: Value| chunk(json!({ "index": choice, "delta": { "tool_calls": [call] }, "finish_reason": null }));
    let mut out = chunk(json!({ "index": 0, "delta": { "role": "assistant", "content": "Hi" }, "finish_reason": null }));
    let mut rest = Vec::new();
    for (i, (choice, name, arguments)) in calls.iter().enumerate() {
        let at = calls[..i].iter().filter(|call| call.0 == *choice).count();
        out += &delta(*choice, json!({ "index": at, "id": format!("call_{i}"), "type": "function", "function": { "name": name } }));
        let text: Vec<char> = arguments.as_str().unwrap_or_default().chars().collect();
        // Pieces of two characters, those of all calls in turn.
        for (round, piece) in text.chunks(2).enumerate() {
            let piece: String = piece.iter().collect();
            rest.push((round, delta(*choice, json!({ "index": at, "function": { "arguments": piece } }))));
        }
    }
    rest.sort_by_key(|(round, _)| *round);
    out.extend(rest.into_iter().map(|(_, delta)| delta));
    for choice in choices(calls) {
        let reason = if choice == 0 { finish } else { "tool_calls" };
        out += &chunk(json!({ "index": choice, "delta": {}, "finish_reason": reason }));
    }
    out + "data: [DONE]\n\n"
}

#[test]
fn calls_are_judged_alike_streamed_and_whole_raw_and_translated() {
    let good = || json!(r#"{"city":"Ulm \"X\" é","n":[1,{"a":null}]}"#);
    let cases: &[(&str, &[Call<'_>], &str, Option<ToolCalls>)] = &[
        ("no call", &[], "stop", None),
        ("a good one", &[(0, "weather", good())], "tool_calls", Some(Sound)),
        ("white space around the object", &[(0, "weather", json!(" {} \n"))], "tool_calls", Some(Sound)),
        ("several good ones", &[(0, "weather", good()), (0, "time", json!("{}")), (0, "weather", good())], "tool_calls", Some(Sound)),
        ("a good one, under another word", &[(0, "weather", good())], "stop", Some(Sound)),
        ("half an object", &[(0, "weather", json!(r#"{"city":"U"#))], "tool_calls", Some(Bad)),
        ("more than an object", &[(0, "weather", json!(r#"{"city":1}}"#))], "tool_calls", Some(Bad)),
        ("a list", &[(0, "weather", json!("[1]"))], "tool_calls", Some(Bad)),
        ("a word", &[(0, "weather", json!("Ulm"))], "tool_calls", Some(Bad)),
        ("nothing", &[(0, "weather", json!(""))], "tool_calls", Some(Bad)),
        ("null", &[(0, "weather", json!(null))], "tool_calls", Some(Bad)),
        ("a name that was not offered", &[(0, "Weather", good())], "tool_calls", Some(Bad)),
        ("one bad one among good ones", &[(0, "weather", good()), (0, "time", json!("{]")), (0, "time", good())], "tool_calls", Some(Bad)),
        ("a bad one in another choice", &[(0, "weather", good()), (1, "time", json!("{]"))], "tool_calls", Some(Bad)),
        ("what was cut off is not judged", &[(0, "weather", json!(r#"{"city":"U"#))], "length", None),
        ("nor what was filtered", &[(0, "weather", json!(r#"{"city":"U"#))], "content_filter", None),
        ("another choice is", &[(0, "weather", json!(r#"{"ci"#)), (1, "time", good())], "length", Some(Sound)),
    ];
    let asked = asked(&[function("time"), function("weather")]);
    for (name, calls, finish, expected) in cases {
        for piece in [1, 7, usize::MAX] {
            let (stream, body) = (stream(calls, finish), body(calls, finish));
            let raw = |stream| Relay::raw(spec(stream));
            let translated = |stream| Relay::translated(Dialect::OpenAiChat, spec(stream));
            assert_eq!(judged(raw(true), &stream, piece, &asked), *expected, "{name}, raw, streamed, {piece}");
            assert_eq!(judged(raw(false), &body, piece, &asked), *expected, "{name}, raw, whole, {piece}");
            assert_eq!(judged(translated(true), &stream, piece, &asked), *expected, "{name}, translated, streamed, {piece}");
            assert_eq!(judged(translated(false), &body, piece, &asked), *expected, "{name}, translated, whole, {piece}");
        }
    }
}

#[test]
fn arguments_are_held_against_the_schema_of_their_tool() {
    let tool = |name: &str, parameters: Value| json!({ "type": "function", "function": { "parameters": parameters, "name": name } });
    let city = json!({ "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"] });
    let free = json!({ "type": "function", "function": { "name": "free", "parameters": null } });
    let asked = asked(&[tool("other", json!({ "required": ["ö"] })), free, tool("weather", city)]);
    let cases = [
        ("weather", r#"{"city":"Ulm"}"#, Sound),
        ("weather", r#"{"city":7}"#, Bad),
        ("weather", "{}", Bad),
        ("other", r#"{"ö":7}"#, Sound),
        ("other", r#"{"city":"Ulm"}"#, Bad),
        ("free", r#"{"city":7}"#, Sound),
        // No parser's number, and so none to hold against a schema.
        ("weather", r#"{"city":1e999}"#, Sound),
    ];
    for (name, arguments, expected) in cases {
        let calls = [(0, name, json!(arguments))];
        assert_eq!(judged(Relay::raw(spec(true)), &stream(&calls, "tool_calls"), 64, &asked), Some(expected), "{name} {arguments}");
        assert_eq!(judged(Relay::raw(spec(false)), &body(&calls, "tool_calls"), 64, &asked), Some(expected), "{name} {arguments}");
    }
}

#[test]
fn arguments_that_are_json_instead_of_text_are_judged_as_the_caller_reads_them() {
    let asked = asked(&[function("weather")]);
    for (arguments, expected) in [(json!({ "city": "Ulm" }), Sound), (json!([1]), Bad), (json!(7), Bad)] {
        let body = body(&[(0, "weather", arguments)], "tool_calls");
        assert_eq!(judged(Relay::raw(spec(false)), &body, 9, &asked), Some(expected), "{body}");
        assert_eq!(judged(Relay::translated(Dialect::OpenAiChat, spec(false)), &body, 9, &asked), Some(expected), "{body}");
    }
}

#[test]
fn calls_of_an_anthropic_endpoint_are_judged() {
    let event = |data: Value| format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap());
    let stream = |name: &str, pieces: &[&str], reason: &str| {
        let mut out = event(
            json!({ "type": "message_start", "message": { "id": "msg_1", "model": "claude", "usage": { "input_tokens": 1, "output_tokens": 1 } } }),
        );
        out += &event(
            json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "tool_use", "id": "t1", "name": name, "input": {} } }),
        );
        for piece in pieces {
            out += &event(
                json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "input_json_delta", "partial_json": piece } }),
            );
        }
        out += &event(json!({ "type": "content_block_stop", "index": 0 }));
        out += &event(json!({ "type": "message_delta", "delta": { "stop_reason": reason }, "usage": { "output_tokens": 5 } }));
        out + &event(json!({ "type": "message_stop" }))
    };
    let asked = asked(&[function("weather")]);
    let relay = |stream| Relay::translated(Dialect::Anthropic, spec(stream));
    let cases: [(&str, &[&str], &str, _); 5] = [
        ("weather", &["{\"ci", "ty\":", "\"Ulm\"}"], "tool_use", Some(Sound)),
        ("weather", &[], "tool_use", Some(Sound)),
        ("weather", &["{\"ci", "ty\":"], "tool_use", Some(Bad)),
        ("weather", &["{\"ci", "ty\":"], "max_tokens", None),
        ("time", &["{}"], "tool_use", Some(Bad)),
    ];
    for (name, pieces, reason, expected) in cases {
        for piece in [1, usize::MAX] {
            assert_eq!(judged(relay(true), &stream(name, pieces, reason), piece, &asked), expected, "{name} {pieces:?} {reason}");
        }
    }
    for (name, input, expected) in [("weather", json!({ "city": "Ulm" }), Sound), ("time", json!({}), Bad)] {
        let content = json!([{ "type": "text", "text": "Hi" }, { "type": "tool_use", "id": "t1", "name": name, "input": input }]);
        let body = json!({ "id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": content, "stop_reason": "tool_use", "usage": { "input_tokens": 1, "output_tokens": 5 } });
        assert_eq!(judged(relay(false), &body.to_string(), 5, &asked), Some(expected), "{body}");
    }
}

#[test]
fn without_a_tool_any_name_is_bad_and_tools_of_other_kinds_are_not_judged() {
    let answer = stream(&[(0, "weather", json!("{}"))], "tool_calls");
    let custom = json!({ "type": "custom", "custom": { "name": "shell" } });
    let many: Vec<_> = (0..1_025).map(|i| function(&format!("f{i}"))).collect();
    let cases = [(asked(&[]), Some(Bad)), (asked(&[function("weather"), custom]), None), (asked(&many), None)];
    for (i, (asked, expected)) in cases.iter().enumerate() {
        assert_eq!(judged(Relay::raw(spec(true)), &answer, 64, asked), *expected, "{i}");
    }
}

#[test]
fn an_answer_with_more_than_is_kept_is_not_judged() {
    let asked = asked(&[function("weather")]);
    let text = |bytes: usize| json!(format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8 - "weather".len())));
    let calls = |n: usize| vec![(0, "weather", json!("{}")); n];
    const MIB: usize = 1024 * 1024;
    let cases = [
        (vec![(0, "weather", text(MIB))], Some(Sound)),
        (vec![(0, "weather", text(MIB + 1))], None),
        (calls(1_024), Some(Sound)),
        (calls(1_025), None),
    ];
    for (i, (calls, expected)) in cases.iter().enumerate() {
        let body = body(calls, "tool_calls");
        assert_eq!(judged(Relay::raw(spec(false)), &body, MIB, &asked), *expected, "{i}, raw");
        assert_eq!(judged(Relay::translated(Dialect::OpenAiChat, spec(false)), &body, MIB, &asked), *expected, "{i}, translated");
    }
}
