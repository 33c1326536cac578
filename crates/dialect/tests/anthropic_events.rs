//! Answers of Anthropic's: what no recording shows, and what no provider should send.

#![expect(clippy::panic, reason = "a test fails by panicking")]

use portolan_core::{Class, Meter};
use portolan_dialect::anthropic::events::Events;
use portolan_dialect::decoder::Decoder;
use portolan_dialect::ir::{Delta, Event, Finish};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The events of some frames, in a short notation.
fn told(frames: &[Value]) -> Vec<String> {
    let mut decoder = Events::default();
    let mut told = Vec::new();
    for frame in frames {
        decoder.frame(frame["type"].as_str(), &frame.to_string(), &mut |event| told.push(short(&event)));
    }
    told
}

fn short(event: &Event<'_>) -> String {
    match event {
        Event::Start { id, model } => format!("start {id} {model}"),
        Event::Delta { choice: 0, delta } => match delta {
            Delta::Text(text) => format!("text {text}"),
            Delta::Reasoning { index, text, format, .. } => format!("reasoning {index} {text} {}", format.unwrap_or("?")),
            Delta::Sealed { kind, index, data, .. } => format!("sealed {kind:?} {index} {data}"),
            Delta::ToolCall { index, id, name } => format!("call {index} {id} {name}"),
            Delta::Arguments { index, text } => format!("arguments {index} {text}"),
            Delta::Refusal(text) => format!("refusal {text}"),
            Delta::Field { name, json } => format!("{name} {json}"),
            other => panic!("unexpected {other:?}"),
        },
        Event::Delta { choice, .. } => panic!("there is no choice {choice}"),
        Event::Usage(usage) => format!("usage {}/{}", usage.prompt_tokens(), usage.completion_tokens()),
        Event::Cost(_) | Event::Served { .. } => panic!("no field of this dialect says so: {event:?}"),
        Event::Finish { reason, native, .. } => format!("finish {} {native}", reason.as_str()),
        Event::Fault(fault) => format!("fault {:?} {:?}", fault.class, fault.status),
        Event::Done => "done".into(),
    }
}

fn begin() -> Value {
    json!({"type": "message_start", "message": {"id": "msg_1", "model": "m", "type": "message", "role": "assistant", "content": [],
        "stop_reason": null, "usage": {"input_tokens": 3, "output_tokens": 1}}})
}

fn open(index: u32, block: Value) -> Value {
    json!({"type": "content_block_start", "index": index, "content_block": block})
}

fn piece(index: u32, delta: Value) -> Value {
    json!({"type": "content_block_delta", "index": index, "delta": delta})
}

fn close(index: u32) -> Value {
    json!({"type": "content_block_stop", "index": index})
}

fn finish(reason: Value, output: u32) -> Value {
    json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null}, "usage": {"output_tokens": output}})
}

fn end() -> Value {
    json!({"type": "message_stop"})
}

#[test]
fn calls_are_counted_from_zero_and_always_have_arguments() {
    let frames = [
        begin(),
        open(0, json!({"type": "thinking", "thinking": "", "signature": ""})),
        piece(0, json!({"type": "thinking_delta", "thinking": "a\"b"})),
        piece(0, json!({"type": "signature_delta", "signature": "c2ln+/="})),
        close(0),
        open(1, json!({"type": "redacted_thinking", "data": "ZGF0YQ=="})),
        close(1),
        open(2, json!({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}})),
        piece(2, json!({"type": "input_json_delta", "partial_json": "{\"q\":1}"})),
        close(2),
        open(3, json!({"type": "tool_use", "id": "t1", "name": "now", "input": {}})),
        piece(3, json!({"type": "input_json_delta", "partial_json": ""})),
        close(3),
        json!({"type": "ping"}),
        open(4, json!({"type": "tool_use", "id": "t2", "name": "f", "input": {}})),
        piece(4, json!({"type": "input_json_delta", "partial_json": "{\"a\""})),
        piece(4, json!({"type": "input_json_delta", "partial_json": ":1}"})),
        close(4),
        // Its end gets lost.
        open(5, json!({"type": "tool_use", "id": "t3", "name": "g", "input": {"whole": true}})),
        finish(json!("tool_use"), 9),
        end(),
    ];
    assert_eq!(
        told(&frames),
        [
            "start msg_1 m",
            "usage 3/1",
            "reasoning 0 a\"b anthropic-claude-v1",
            "sealed Text 0 c2ln+/=",
            "sealed Encrypted 1 ZGF0YQ==",
            "call 0 t1 now",
            "arguments 0 {}",
            "call 1 t2 f",
            "arguments 1 {\"a\"",
            "arguments 1 :1}",
            "call 2 t3 g",
            "usage 3/9",
            "arguments 2 {\"whole\":true}",
            "finish tool_calls tool_use",
            "done",
        ]
    );
}

#[test]
fn a_message_that_begins_or_ends_twice_does_so_once() {
    let text = |text: &str| piece(0, json!({"type": "text_delta", "text": text}));
    let block = || open(0, json!({"type": "text", "text": ""}));
    let frames = [
        begin(),
        block(),
        text("a"),
        begin(),
        block(),
        text("b"),
        close(0),
        finish(json!("end_turn"), 5),
        finish(json!("max_tokens"), 6),
        end(),
        end(),
        text("c"),
    ];
    assert_eq!(
        told(&frames),
        ["start msg_1 m", "usage 3/1", "text a", "usage 3/1", "text b", "usage 3/5", "finish stop end_turn", "usage 3/6", "done"]
    );
}

#[test]
fn each_stop_reason_has_its_word() {
    for (native, reason) in [
        ("end_turn", Finish::Stop),
        ("stop_sequence", Finish::Stop),
        ("pause_turn", Finish::Stop),
        ("compaction", Finish::Stop),
        ("max_tokens", Finish::Length),
        ("model_context_window_exceeded", Finish::Length),
        ("tool_use", Finish::ToolCalls),
        ("refusal", Finish::ContentFilter),
    ] {
        assert_eq!(told(&[finish(json!(native), 1)])[1], format!("finish {} {native}", reason.as_str()));
    }
    assert_eq!(told(&[finish(Value::Null, 1)]), ["usage 0/1"]);
}

#[test]
fn a_refusal_is_told_where_it_is_explained() {
    let mut refusal = finish(json!("refusal"), 1);
    refusal["delta"]["stop_details"] = json!({"type": "refusal", "category": "x", "explanation": "No."});
    assert_eq!(told(&[refusal]), ["usage 0/1", "refusal No.", "finish content_filter refusal"]);
}

#[test]
fn a_citation_covers_the_text_of_its_block() {
    let cited =
        json!({"type": "web_search_result_location", "url": "https://a.example", "title": "A", "cited_text": "q", "encrypted_index": "e"});
    let frames = [
        open(0, json!({"type": "text", "text": ""})),
        piece(0, json!({"type": "text_delta", "text": "Füße "})),
        close(0),
        open(1, json!({"type": "text", "text": "", "citations": []})),
        piece(1, json!({"type": "citations_delta", "citation": cited})),
        piece(1, json!({"type": "citations_delta", "citation": {"type": "page_location", "cited_text": "no address"}})),
        piece(1, json!({"type": "text_delta", "text": "blue"})),
        close(1),
    ];
    let told = told(&frames);
    assert_eq!(told[..2], ["text Füße ", "text blue"]);
    let annotations: Value = serde_json::from_str(told[2].strip_prefix("annotations ").unwrap()).unwrap();
    assert_eq!(
        annotations,
        json!([{"type": "url_citation", "url_citation": {"url": "https://a.example", "title": "A", "content": "q", "start_index": 5, "end_index": 9}}])
    );
}

#[test]
fn searches_are_counted_and_their_blocks_are_not_shown() {
    let mut usage = None;
    let body = json!({"type": "message", "id": "i", "model": "m", "stop_reason": "end_turn", "content": [
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}},
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"type": "web_search_result", "url": "https://a.example"}]},
        {"type": "text", "text": "found"},
    ], "usage": {"input_tokens": 1, "output_tokens": 2, "server_tool_use": {"web_search_requests": 3}}});
    let mut told = Vec::new();
    Events::default().body(&body.to_string(), &mut |event| {
        if let Event::Usage(found) = event {
            usage = Some(found);
        }
        told.push(short(&event));
    });
    assert_eq!(told, ["start i m", "text found", "usage 1/2", "finish stop end_turn", "done"]);
    assert_eq!(usage.unwrap()[Meter::Search], 3);
}

#[test]
fn an_empty_answer_is_an_answer() {
    let mut told = Vec::new();
    let body =
        r#"{"type":"message","id":"i","model":"m","content":[],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":0}}"#;
    Events::default().body(body, &mut |event| told.push(short(&event)));
    assert_eq!(told, ["start i m", "usage 1/0", "finish stop end_turn", "done"]);
}

#[test]
fn odd_usage_is_left_out_and_said() {
    let mut decoder = Events::default();
    let mut events = 0;
    for usage in [json!({"output_tokens": -1}), json!({"output_tokens": "7"}), json!("7"), json!([])] {
        let frame = json!({"type": "message_delta", "delta": {}, "usage": usage});
        decoder.frame(None, &frame.to_string(), &mut |_| events += 1);
    }
    assert_eq!(events, 0);
    assert!(decoder.odd_usage().is_some());
}

#[test]
fn what_is_not_anthropics_is_a_fault_and_not_an_answer() {
    for (body, class) in [
        ("", Class::InvalidAnswer),
        ("<html>", Class::InvalidAnswer),
        ("[]", Class::InvalidAnswer),
        ("{}", Class::InvalidAnswer),
        (r#"{"type":"message","content":[7]}"#, Class::InvalidAnswer),
        (r#"{"object":"chat.completion","choices":[]}"#, Class::InvalidAnswer),
        (r#"{"type":"error","error":{"type":"overloaded_error","message":"x"}}"#, Class::ProviderOverloaded),
    ] {
        let mut faults = Vec::new();
        let mut done = false;
        Events::default().body(body, &mut |event| match event {
            Event::Fault(fault) => faults.push(fault.class),
            Event::Done => done = true,
            _ => {}
        });
        assert_eq!((faults, done), (vec![class], false), "{body}");
    }
    assert_eq!(
        told(&[json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})]),
        ["fault ProviderOverloaded None"]
    );
}

#[test]
fn a_stream_cannot_fill_our_memory_with_blocks() {
    let mut decoder = Events::default();
    let mut faults = 0;
    for index in 0..10_000 {
        let frame = open(index, json!({"type": "text", "text": ""}));
        decoder.frame(None, &frame.to_string(), &mut |event| faults += u32::from(matches!(event, Event::Fault(_))));
    }
    assert!(faults > 9_000);
}

fn some_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop_oneof![Just("tool_use".to_owned()), Just("text_delta".to_owned()), Just("thinking".to_owned()), "\\PC{0,6}"]
            .prop_map(Value::from),
    ];
    let key = prop::sample::select(vec![
        "type",
        "index",
        "delta",
        "content_block",
        "message",
        "usage",
        "text",
        "partial_json",
        "input",
        "citations",
        "citation",
        "stop_reason",
        "content",
        "input_tokens",
        "output_tokens",
        "cache_creation",
        "thinking",
        "signature",
        "error",
        "stop_details",
    ]);
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(key.clone(), inner, 0..6)
                .prop_map(|members| members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
        ]
    })
}

proptest! {
    #[test]
    fn no_frame_and_no_body_can_break_the_decoder(
        frames in prop::collection::vec((prop::sample::select(vec!["message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop", "error", "x"]), some_json()), 0..12),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut decoder = Events::default();
        for (kind, frame) in frames {
            let text = frame.to_string();
            decoder.frame(Some(kind), &text, &mut |_| {});
            let end = (0..=cut.index(text.len() + 1)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            decoder.frame(Some(kind), &text[..end], &mut |_| {});
            Events::default().body(&text, &mut |_| {});
            let mut typed = frame;
            if let Some(members) = typed.as_object_mut() {
                members.insert("type".into(), kind.into());
                decoder.frame(None, &typed.to_string(), &mut |_| {});
            }
        }
    }
}
