//! The relay, by small answers of our own: what is patched, what is repaired, and when an answer is broken.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use portolan_core::{Class, Dialect, Fault, GenerationId, Meter, Money, Origin, Quirk, Retry, Usage};
use portolan_dialect::relay::{Bill, Relay, RelaySpec, Seen};
use serde_json::{Value, json};

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

fn bill() -> Bill {
    let usage = Usage::default()
        .with(Meter::Input, 10)
        .with(Meter::CacheRead, 4)
        .with(Meter::CacheWrite5m, 2)
        .with(Meter::CacheWrite1h, 1)
        .with(Meter::Output, 5)
        .with(Meter::Reasoning, 3);
    Bill { usage, cost: Money(1_234_567), prompt_cost: Money(1_000_000), completion_cost: Money(234_567), router: None }
}

fn sse(frames: &[&str]) -> String {
    frames.iter().map(|frame| format!("data: {frame}\n\n")).collect()
}

fn run(mut relay: Relay, bytes: &[u8]) -> (String, Seen) {
    let mut out = Vec::new();
    relay.push(bytes, &mut out);
    relay.end(&mut out);
    let seen = relay.seen().clone();
    if seen.fault.is_none() {
        relay.complete(&bill(), &mut out);
    }
    (String::from_utf8(out).unwrap(), seen)
}

fn raw(frames: &[&str]) -> (String, Seen) {
    run(Relay::raw(spec(true)), sse(frames).as_bytes())
}

fn translated(frames: &[&str]) -> (String, Seen) {
    run(Relay::translated(Dialect::OpenAiChat, spec(true)), sse(frames).as_bytes())
}

fn chunk(choice: &str) -> String {
    format!(r#"{{"id":"up-1","object":"chat.completion.chunk","created":7,"model":"up-model","choices":[{choice}]}}"#)
}

/// The one choice that the raw lane makes of one choice.
fn patched(choice: &str) -> Value {
    let (out, seen) = raw(&[&chunk(choice), &chunk(r#"{"index":0,"delta":{},"finish_reason":"stop"}"#)]);
    assert_eq!(seen.fault, None, "{choice}");
    let first = out.split("\n\n").next().unwrap().strip_prefix("data: ").unwrap();
    serde_json::from_str::<Value>(first).unwrap()["choices"][0].clone()
}

const STREAM: [&str; 6] = [
    r#"{"id":"up-1","object":"chat.completion.chunk","created":7,"model":"up-model","system_fingerprint":"fp","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"xx"}"#,
    r#"{"id":"up-1","object":"chat.completion.chunk","created":7,"model":"up-model","system_fingerprint":"fp","choices":[{"index":0,"delta":{"reasoning_content":"Hm \"so\"."},"logprobs":null,"finish_reason":null}],"usage":null}"#,
    r#"{"id":"up-1","object":"chat.completion.chunk","created":7,"model":"up-model","system_fingerprint":"fp","choices":[{"index":0,"delta":{"content":"Hello \u00e9\n"},"logprobs":null,"finish_reason":null}],"usage":null,"extra":{"kept":[1, 2.50]}}"#,
    r#"{"id":"up-1","object":"chat.completion.chunk","created":7,"model":"up-model","system_fingerprint":"fp","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"eos"}],"usage":null}"#,
    r#"{"id":"up-1","object":"chat.completion.chunk","created":7,"model":"up-model","choices":[],"usage":{"prompt_tokens":17,"completion_tokens":8,"total_tokens":25,"prompt_tokens_details":{"cached_tokens":4}}}"#,
    "[DONE]",
];

#[test]
fn the_raw_lane_patches_a_stream() {
    let (out, seen) = raw(&STREAM);
    insta::assert_snapshot!(out);
    assert_eq!((seen.upstream_id.as_deref(), seen.upstream_model.as_deref()), (Some("up-1"), Some("up-model")));
    assert!(seen.content && seen.done && seen.odd_usage.is_none());
    assert_eq!(seen.finish.map(|(reason, native)| (reason.as_str(), native)), Some(("stop", "eos".into())));
    assert_eq!(seen.usage, Some(Usage::default().with(Meter::Input, 13).with(Meter::CacheRead, 4).with(Meter::Output, 8)));
    assert_eq!((seen.output_bytes, seen.output_frames), (24, 2));
}

#[test]
fn the_translated_lane_writes_a_stream() {
    let (out, seen) = translated(&STREAM);
    insta::assert_snapshot!(out);
    assert!(seen.content && seen.done);
    assert_eq!(seen.output_frames, 2);
}

const BODY: &str = r#"{"id":"up-1","object":"chat.completion","created":7,"model":"up-model","choices":[{"index":0,"message":{"role":"assistant","reasoning_content":"Hm.","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Ulm\"}"}},{"id":"call_2","type":"function","function":{"name":"time","arguments":null}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":17,"completion_tokens":8}}"#;

#[test]
fn the_raw_lane_patches_a_body() {
    let (out, seen) = run(Relay::raw(spec(false)), BODY.as_bytes());
    insta::assert_snapshot!(out);
    assert!(seen.content && seen.done && seen.fault.is_none());
}

#[test]
fn the_translated_lane_folds_a_body() {
    let (out, seen) = run(Relay::translated(Dialect::OpenAiChat, spec(false)), BODY.as_bytes());
    insta::assert_snapshot!(out);
    assert!(seen.content && seen.done && seen.fault.is_none());
}

#[test]
fn frames_before_content_are_written_and_do_not_count_as_content() {
    for make in [Relay::raw as fn(RelaySpec) -> Relay, |spec| Relay::translated(Dialect::OpenAiChat, spec)] {
        let mut relay = make(spec(true));
        let mut out = Vec::new();
        relay.push(sse(&[STREAM[0]]).as_bytes(), &mut out);
        assert!(!relay.seen().content && !out.is_empty());
        relay.push(sse(&[STREAM[1]]).as_bytes(), &mut out);
        assert!(relay.seen().content);
    }
}

#[test]
fn a_choice_is_repaired_where_clients_could_not_read_it() {
    for (choice, expected) in [
        // Reasoning has one name, whatever the provider calls it.
        (r#"{"index":0,"delta":{"reasoning_text":"r","content":null}}"#, json!({"reasoning": "r", "content": null})),
        (r#"{"index":0,"delta":{"reasoning_content":"r","reasoning":"r"}}"#, json!({"reasoning": "r"})),
        (r#"{"index":0,"delta":{"reasoning":null,"reasoning_content":"r"}}"#, json!({"reasoning": "r"})),
        (r#"{"index":0,"delta":{"reasoning_content":null,"content":"c"}}"#, json!({"content": "c"})),
        // Content is a text.
        (
            r#"{"index":0,"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"t\n"}]},{"type":"text","text":"c"}]}}"#,
            json!({"content": "c", "reasoning": "t\n"}),
        ),
        (r#"{"index":0,"delta":{"content":{"a":"\"b"}}}"#, json!({"content": r#"{"a":"\"b"}"#})),
        // Calls have an index, an id and arguments in a text.
        (
            r#"{"index":0,"delta":{"tool_calls":[{"id":"a","function":{"name":"f","arguments":null}},{"id":"b","function":{"name":"g","arguments":{"x":1}}}]}}"#,
            json!({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}}, {"index": 1, "id": "b", "function": {"name": "g", "arguments": "{\"x\":1}"}}]}),
        ),
        (
            r#"{"index":0,"delta":{"tool_calls":[{"function":{"arguments":"{}","name":"f"},"id":"a","index":0},{"function":{"arguments":"{}","name":"f"},"id":"b","index":0}]}}"#,
            json!({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}, {"index": 1, "id": "b", "function": {"name": "f", "arguments": "{}"}}]}),
        ),
        // Some repeat the whole message in every chunk; some send nothing else.
        (r#"{"index":0,"message":{"content":"all so far"},"delta":{"content":"c"}}"#, json!({"content": "c"})),
        (r#"{"index":0,"message":{"content":"c"}}"#, json!({"content": "c"})),
        (r#"{"index":0,"delta":null}"#, json!({})),
        (r#"{"index":0}"#, json!({})),
    ] {
        assert_eq!(patched(choice)["delta"], expected, "{choice}");
    }
    let minted = patched(r#"{"index":0,"delta":{"tool_calls":[{"index":0,"id":"","function":{"name":"f","arguments":"{}"}}]}}"#);
    assert!(minted["delta"]["tool_calls"][0]["id"].as_str().unwrap().starts_with("call_"));
}

#[test]
fn finish_reasons_are_normalised_and_the_providers_word_is_kept() {
    for (choice, reason, native) in [
        (r#"{"index":0,"delta":{},"finish_reason":"stop"}"#, json!("stop"), json!("stop")),
        (r#"{"index":0,"delta":{},"finish_reason":"model_length"}"#, json!("length"), json!("model_length")),
        (r#"{"finish_reason":"function_call","delta":{},"index":0}"#, json!("tool_calls"), json!("function_call")),
        (r#"{"index":0,"delta":{},"finish_reason":"sensitive"}"#, json!("content_filter"), json!("sensitive")),
        (r#"{"index":0,"delta":{},"finish_reason":"insufficient_system_resource"}"#, json!("error"), json!("insufficient_system_resource")),
        (r#"{"index":0,"delta":{},"finish_reason":"new word"}"#, json!("stop"), json!("new word")),
        (r#"{"index":0,"delta":{},"finish_reason":"stop" , "native_finish_reason":"STOP"}"#, json!("stop"), json!("STOP")),
        (r#"{"native_finish_reason":"STOP","index":0,"delta":{},"finish_reason":"stop"}"#, json!("stop"), json!("STOP")),
        (r#"{"index":0,"delta":{},"finish_reason":""}"#, json!(null), json!(null)),
        (r#"{"index":0,"delta":{},"finish_reason":null}"#, json!(null), json!(null)),
        (r#"{"index":0,"delta":{}}"#, json!(null), json!(null)),
    ] {
        let found = patched(choice);
        assert_eq!((&found["finish_reason"], &found["native_finish_reason"]), (&reason, &native), "{choice}");
        assert_eq!(found["index"], 0);
    }
}

#[test]
fn excluded_reasoning_is_left_out_and_still_weighed() {
    for translate in [false, true] {
        for stream in [false, true] {
            let spec = RelaySpec { exclude_reasoning: true, ..spec(stream) };
            let relay = if translate { Relay::translated(Dialect::OpenAiChat, spec) } else { Relay::raw(spec) };
            let (out, seen) = run(relay, if stream { sse(&STREAM) } else { BODY.to_owned() }.as_bytes());
            assert!(!out.contains("Hm") && seen.output_bytes > 10 && seen.content, "{out}");
            assert_eq!(seen.output_frames, 1);
        }
    }
}

#[test]
fn what_stands_before_the_choices_may_change_within_a_stream() {
    let frames = [
        r#"{"id":"a","model":"m","created":7,"choices":[{"index":0,"delta":{"content":"1"}}]}"#,
        r#"{"id":"a","model":"m","created":7,"choices":[{"index":0,"delta":{"content":"2"}}] , "usage":null , "tail":1 }"#,
        r#"{"id":"a","model":"m","created":7,"choices":[{"index":0,"delta":{"content":"3"}}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#,
        r#"{"id":"b","model":"m","created":8,"choices":[{"index":0,"delta":{"content":"4"}}],"created":9}"#,
        r#"{"choices":[{"index":0,"delta":{"content":"5"}}],"id":"a","model":"m"}"#,
        r#"{"choices":[{"index":0,"delta":{"content":"6"}}]}"#,
        r#"{"usage":{"prompt_tokens":2,"completion_tokens":1},"choices":[{"index":0,"delta":{"content":"7"},"finish_reason":"stop"}]}"#,
    ];
    let (out, seen) = raw(&frames);
    assert_eq!(seen.fault, None);
    insta::assert_snapshot!(out);
    assert_eq!(seen.usage.unwrap().prompt_tokens(), 2);
}

#[test]
fn a_stream_that_ends_before_its_finish_reason_is_broken_off() {
    let text = chunk(r#"{"index":0,"delta":{"content":"c"}}"#);
    let other = chunk(r#"{"index":1,"delta":{"content":"c"}}"#);
    let stop = chunk(r#"{"index":0,"delta":{},"finish_reason":"stop"}"#);
    let cut = &stop[..stop.len() / 2];
    for (frames, broken) in [
        (vec![text.as_str()], true),
        (vec![], true),
        (vec!["[DONE]"], true),
        (vec![text.as_str(), cut], true),
        (vec![text.as_str(), stop.as_str()], false),
        (vec![text.as_str(), stop.as_str(), "[DONE]"], false),
        (vec![text.as_str(), other.as_str(), stop.as_str()], true),
        // Snowflake knows no finish reasons.
        (vec![text.as_str(), "[DONE]"], false),
    ] {
        let stream = sse(&frames);
        for relay in [Relay::raw(spec(true)), Relay::translated(Dialect::OpenAiChat, spec(true))] {
            let (_, seen) = run(relay, stream.trim_end().as_bytes());
            assert_eq!(
                seen.fault.as_ref().map(|f| (f.origin, f.class, f.retry)),
                broken.then_some((Origin::Upstream, Class::ProviderUnavailable, Retry::NextEndpoint)),
                "{stream}"
            );
        }
    }
}

#[test]
fn a_failure_inside_a_stream_is_told_apart() {
    let text = chunk(r#"{"index":0,"delta":{"content":"c"}}"#);
    for (frame, class, code) in [
        (
            r#"{"error":{"message":"slow down","type":"rate_limit_error","code":"rate_limit_exceeded"}}"#,
            Class::RateLimitExceeded,
            Some("rate_limit_exceeded"),
        ),
        (r#"{"error":{"message":"oops","code":503}}"#, Class::ProviderOverloaded, Some("503")),
        (r#"{"error":"it broke"}"#, Class::ProviderUnavailable, None),
        (
            r#"{"error":{"message":"bad call","type":"invalid_request_error","code":"tool_use_failed","status_code":400}}"#,
            Class::InvalidRequest,
            Some("tool_use_failed"),
        ),
        (
            r#"{"id":"x","choices":[{"index":0,"delta":{},"finish_reason":"error","error":{"code":502,"message":"gone"}}]}"#,
            Class::ProviderUnavailable,
            Some("502"),
        ),
        (r#"{"id":"x","choices":[{"index":0,"delta":{"content":"half"#, Class::InvalidAnswer, None),
        (r#"{"choices":[{"index":0,"delta":{}}],}"#, Class::InvalidAnswer, None),
        (
            r#"{"id":"up-1","object":"chat.completion.chunk","created":7,"model":"up-model","choices":[{"index":0,"delta":{}}],}"#,
            Class::InvalidAnswer,
            None,
        ),
        (
            r#"{"id":"up-1","object":"chat.completion.chunk","created":7,"model":"up-model","choices":[{"index":0,"delta":{}}]]}"#,
            Class::InvalidAnswer,
            None,
        ),
        ("upstream connect error", Class::InvalidAnswer, None),
    ] {
        for lane in [raw, translated] {
            let (out, seen) = lane(&[&text, frame, &text]);
            let fault = seen.fault.unwrap_or_else(|| panic!("{frame}"));
            assert_eq!((fault.class, fault.provider_code.as_deref()), (class, code), "{frame}");
            assert_eq!(out.matches("\"c\"").count(), 1, "nothing follows a failure: {out}");
        }
    }
}

#[test]
fn a_failure_after_content_ends_the_stream_in_openrouters_shape() {
    let mut fault = Fault::new(Origin::Upstream, Class::RateLimitExceeded, Retry::NextEndpoint, "slow \"down\"");
    fault.provider_code = Some("too_many".into());
    for mut relay in [Relay::raw(spec(true)), Relay::translated(Dialect::OpenAiChat, spec(true))] {
        let mut out = Vec::new();
        relay.fail(&fault, &mut out);
        let text = String::from_utf8(out).unwrap();
        let (chunk, done) = text.split_once("\n\n").unwrap();
        assert_eq!(done, "data: [DONE]\n\n");
        let chunk: Value = serde_json::from_str(chunk.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(
            chunk["error"],
            json!({"code": 429, "message": "slow \"down\"", "metadata": {"error_type": "rate_limit_exceeded", "provider_code": "too_many"}})
        );
        assert_eq!(chunk["choices"], json!([{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}]));
        assert_eq!(chunk["object"], "chat.completion.chunk");
    }
}

#[test]
fn a_body_that_is_no_answer_is_a_fault() {
    for (body, class) in [
        ("", Class::ProviderUnavailable),
        ("{", Class::InvalidAnswer),
        ("{}", Class::InvalidAnswer),
        (r#"{"choices":[]}"#, Class::InvalidAnswer),
        (r#"{"choices":null}"#, Class::InvalidAnswer),
        ("<html>busy</html>", Class::InvalidAnswer),
        (r#"{"error":{"code":"content_filter","message":"filtered","status":400}}"#, Class::ContentPolicyViolation),
        (r#"{"choices":[{"index":0,"message":{"content":"x"},"finish_reason":"stop"}]} trailing"#, Class::InvalidAnswer),
    ] {
        for relay in [Relay::raw(spec(false)), Relay::translated(Dialect::OpenAiChat, spec(false))] {
            let (out, seen) = run(relay, body.as_bytes());
            assert_eq!(seen.fault.map(|f| f.class), Some(class), "{body}");
            assert!(out.is_empty());
        }
    }
    let mut relay = Relay::raw(spec(true));
    relay.push(br#" {"error":{"code":"content_filter","message":"filtered","status":400}}"#, &mut Vec::new());
    relay.end(&mut Vec::new());
    assert_eq!(
        relay.seen().fault.as_ref().map(|f| f.class),
        Some(Class::ContentPolicyViolation),
        "a JSON body where a stream was asked for"
    );
}

#[test]
fn a_body_beyond_the_bound_is_refused() {
    let piece = vec![b' '; 1 << 20];
    let mut relay = Relay::raw(spec(false));
    for _ in 0..65 {
        relay.push(&piece, &mut Vec::new());
    }
    assert_eq!(relay.seen().fault.as_ref().map(|f| f.class), Some(Class::InvalidAnswer));
}

#[test]
fn usage_is_read_wherever_it_stands() {
    let stop = r#""choices":[{"index":0,"delta":{"content":"c"},"finish_reason":"stop"}]"#;
    let usage = r#"{"prompt_tokens":5,"completion_tokens":2}"#;
    for frames in [
        vec![format!(r#"{{"id":"a",{stop},"usage":{usage}}}"#)],
        vec![format!(r#"{{"id":"a","usage":{usage},{stop}}}"#)],
        vec![format!(r#"{{"id":"a",{stop}}}"#), format!(r#"{{"id":"a","choices":[],"usage":{usage}}}"#)],
        vec![format!(r#"{{"id":"a",{stop}}}"#), format!(r#"{{"usage":{usage}}}"#)],
        vec![format!(r#"{{"id":"a",{stop},"x_groq":{{"id":"q","usage":{usage}}}}}"#)],
        vec![format!(r#"{{"id":"a",{stop},"usage":{usage}}}"#), format!(r#"{{"id":"a","choices":[],"usage":null}}"#)],
        vec![
            format!(r#"{{"id":"a","usage":{{"prompt_tokens":5,"completion_tokens":1}},"choices":[]}}"#),
            format!(r#"{{"id":"a",{stop},"usage":{usage}}}"#),
        ],
    ] {
        let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
        for lane in [raw, translated] {
            let (out, seen) = lane(&frames);
            assert_eq!(seen.usage.map(|u| (u.prompt_tokens(), u.completion_tokens())), Some((5, 2)), "{frames:?}");
            assert_eq!(out.matches("\"usage\"").count(), 1, "only ours: {out}");
            assert_eq!(seen.odd_usage, None);
        }
    }
}

#[test]
fn reasoning_beside_completion_is_added_to_it() {
    let quirks = vec![Quirk::ReasoningBesideCompletion];
    let body = r#"{"choices":[{"index":0,"message":{"content":"c"},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2,"completion_tokens_details":{"reasoning_tokens":30}}}"#;
    for relay in [Relay::raw as fn(RelaySpec) -> Relay, |spec| Relay::translated(Dialect::OpenAiChat, spec)] {
        let (_, seen) = run(relay(RelaySpec { quirks: quirks.clone(), ..spec(false) }), body.as_bytes());
        assert_eq!(seen.usage.map(|u| (u.completion_tokens(), u[Meter::Reasoning])), Some((32, 30)));
    }
}

#[test]
fn several_data_lines_never_break_our_one_line() {
    let stream = b"data: {\"id\":\"a\",\ndata: \"choices\":[{\"index\":0,\"logprobs\":{\ndata: },\ndata: \"delta\":{\"content\":\"c\",\"images\":[1,\ndata: 2]},\"finish_reason\":\"stop\"}]}\n\n";
    for relay in [Relay::raw(spec(true)), Relay::translated(Dialect::OpenAiChat, spec(true))] {
        let (out, seen) = run(relay, stream);
        assert_eq!(seen.fault, None);
        assert!(out.split_terminator("\n\n").all(|frame| frame.starts_with("data: ") && !frame.contains('\n')), "{out}");
    }
}

#[test]
fn the_last_chunk_of_several_choices_claims_nothing_for_the_first() {
    let frames = [
        chunk(r#"{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}"#),
        chunk(r#"{"index":1,"delta":{"content":"b"},"finish_reason":"length"}"#),
    ];
    for lane in [raw, translated] {
        let (out, seen) = lane(&[&frames[0], &frames[1]]);
        assert_eq!(seen.fault, None);
        let last = out.split("\n\n").find(|frame| frame.contains("\"usage\"")).unwrap().strip_prefix("data: ").unwrap();
        assert_eq!(serde_json::from_str::<Value>(last).unwrap()["choices"], json!([]));
    }
}

/// A chunk in which every member that is patched occurs.
const RICH: &str = r#"{"id":"up-1","model":"m","created":7,"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":"c\n\"q\"","reasoning_content":"r","tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":null}}]},"finish_reason":"eos","logprobs":{"content":[{"token":"c","logprob":-1.5e-3}]}}],"usage":{"prompt_tokens":5,"completion_tokens":2},"tail":[true,null]}"#;

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 2_000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_damaged_chunk_is_told_from_a_whole_one_and_never_passed_on(at in 0..RICH.len(), with in proptest::option::of("[ -~]"), warm in proptest::bool::ANY) {
        let damaged = format!("{}{}{}", &RICH[..at], with.unwrap_or_default(), &RICH[at + 1..]);
        let valid = serde_json::from_str::<serde::de::IgnoredAny>(&damaged).is_ok();
        for mut relay in [Relay::raw(spec(true)), Relay::translated(Dialect::OpenAiChat, spec(true))] {
            let mut out = Vec::new();
            // After a whole chunk the beginning is known, and not read again.
            relay.push(if warm { sse(&[RICH]) } else { String::new() }.as_bytes(), &mut out);
            relay.push(sse(&[&damaged]).as_bytes(), &mut out);
            let broken = relay.seen().fault.as_ref().is_some_and(|fault| fault.class == Class::InvalidAnswer);
            proptest::prop_assert_eq!(broken, !valid, "{}", damaged);
            for frame in String::from_utf8(out).unwrap().split_terminator("\n\n") {
                let chunk: Value = serde_json::from_str(frame.strip_prefix("data: ").unwrap()).unwrap();
                proptest::prop_assert_eq!(&chunk["id"], "gen-1760000000-abcdefghij0123456789");
                proptest::prop_assert!(chunk["choices"].is_array());
            }
        }
    }
}

const RESOLD: [&str; 3] = [
    r#"{"id":"up-1","provider":"Host One","object":"chat.completion.chunk","created":7,"model":"up-model","service_tier":"flex","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}"#,
    r#"{"id":"up-1","provider":"Host One","object":"chat.completion.chunk","created":7,"model":"up-model","service_tier":"flex","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":17,"completion_tokens":8,"cost":0.00001425}}"#,
    "[DONE]",
];

#[test]
fn what_an_endpoint_reports_of_who_serves_is_seen_and_the_caller_reads_our_own() {
    for (lane, (out, seen)) in [("raw", raw(&RESOLD)), ("translated", translated(&RESOLD))] {
        assert_eq!(seen.cost, Some(Money(14_250)), "{lane}");
        assert_eq!(seen.upstream_provider.as_deref(), Some("Host One"), "{lane}");
        assert_eq!(seen.upstream_model.as_deref(), Some("up-model"), "{lane}");
        assert_eq!(seen.upstream_tier.as_deref(), Some("flex"), "{lane}");
        assert!(!out.contains("Host One") && out.contains(r#""provider":"Provider""#) && out.contains(r#""cost":0.001234567"#), "{out}");
        assert_eq!(out.matches(r#""service_tier":"flex""#).count(), if lane == "raw" { 2 } else { 0 }, "{out}");
    }
    let body = r#"{"id":"u","model":"m","provider":"Host","service_tier":"default","choices":[{"index":0,"message":{"role":"assistant","content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"cost":1e-6}}"#;
    for relay in [Relay::raw(spec(false)), Relay::translated(Dialect::OpenAiChat, spec(false))] {
        let (out, seen) = run(relay, body.as_bytes());
        assert_eq!((seen.cost, seen.upstream_provider.as_deref()), (Some(Money(1000)), Some("Host")));
        assert_eq!(seen.upstream_tier.as_deref(), Some("default"));
        assert!(!out.contains("Host"), "{out}");
    }
}

/// What every chunk of an answer, or its body, says of who serves.
fn served(out: &str) -> Vec<(String, String)> {
    let chunks = out.split_terminator("\n\n").map(|frame| frame.strip_prefix("data: ").unwrap_or(frame)).filter(|data| *data != "[DONE]");
    let name = |chunk: &Value, member: &str| chunk[member].as_str().unwrap().to_owned();
    let chunks = chunks.map(|chunk| {
        assert_eq!((chunk.matches(r#""provider":"#).count(), chunk.matches(r#""model":"#).count()), (1, 1), "{chunk}");
        serde_json::from_str::<Value>(chunk).unwrap()
    });
    chunks.map(|chunk| (name(&chunk, "model"), name(&chunk, "provider"))).collect()
}

#[test]
fn the_answer_of_a_reseller_names_whom_the_reseller_names() {
    let resold = |stream| RelaySpec { is_resold: true, ..spec(stream) };
    let chunk =
        |head: &str, tail: &str| format!(r#"{{{head}"choices":[{{"index":0,"delta":{{"content":"a"}},"finish_reason":"stop"}}]{tail}}}"#);
    let reversed = chunk(r#""model":"up-model","provider":"Host One","provider":"Twice","model":"Twice","id":"up-1","#, "");
    let after = chunk(r#""id":"up-1","#, r#","model":"up-model","provider":"Host \u004fne""#);
    let other = chunk(r#""id":"up-1","provider":"Host Two","model":"other","#, "");
    let nobody = chunk(r#""id":"up-1","provider":null,"#, "");
    let (ours, theirs) = (("maker/model", "Provider"), ("up-model", "Host One"));
    for (name, frames, expected) in [
        ("as OpenRouter writes it", [RESOLD[0], RESOLD[0], RESOLD[1]], [theirs; 4]),
        ("in another order", [&reversed, &reversed, &reversed], [theirs; 4]),
        ("after the choices", [&after, &after, &after], [theirs; 4]),
        ("the first one holds", [RESOLD[0], &other, RESOLD[1]], [theirs; 4]),
        ("nobody", [&nobody, &nobody, &nobody], [ours; 4]),
        ("late", [&nobody, RESOLD[0], &nobody], [ours, theirs, theirs, theirs]),
    ] {
        let (out, seen) = run(Relay::raw(resold(true)), sse(&frames).as_bytes());
        assert_eq!(seen.fault, None, "{name}");
        let expected = expected.map(|(model, provider)| (model.to_owned(), provider.to_owned()));
        assert_eq!(served(&out), expected, "{name}: {out}");
        assert_eq!(seen.upstream_provider.is_some(), name != "nobody", "{name}");
    }
    let (out, _) = run(Relay::translated(Dialect::OpenAiChat, resold(true)), sse(&RESOLD).as_bytes());
    assert!(served(&out).iter().all(|(model, provider)| (model.as_str(), provider.as_str()) == theirs), "{out}");
    let body = r#"{"id":"u","provider":"Host","model":"m/model-1","choices":[{"index":0,"message":{"role":"assistant","content":"x"},"finish_reason":"stop"}]}"#;
    for relay in [Relay::raw(resold(false)), Relay::translated(Dialect::OpenAiChat, resold(false))] {
        let (out, _) = run(relay, body.as_bytes());
        assert_eq!(served(&out), [("m/model-1".to_owned(), "Host".to_owned())], "{out}");
    }
    // Before the answer there is an error: it names them too.
    let mut out = Vec::new();
    let mut relay = Relay::raw(resold(true));
    relay.push(sse(&[RESOLD[0]]).as_bytes(), &mut out);
    out.clear();
    relay.fail(&Fault::new(Origin::Upstream, Class::Timeout, Retry::Never, "late"), &mut out);
    assert_eq!(served(std::str::from_utf8(&out).unwrap()), [("up-model".to_owned(), "Host One".to_owned())]);
}

#[test]
fn what_is_no_name_leaves_ours() {
    let long = json!("x".repeat(1024 * 1024));
    let limit = "x".repeat(256);
    let hostile = [
        long,
        json!("x".repeat(257)),
        json!(7),
        json!({ "a": [1] }),
        json!("a\u{1b}[31mb"),
        json!("a\n"),
        json!(" "),
        json!("\u{202e}IAnepO"),
        json!(""),
    ];
    for name in hostile {
        for stream in [false, true] {
            let content = if stream { "delta" } else { "message" };
            let answer = json!({
                "id": "u", "provider": name, "model": name,
                "choices": [{ "index": 0, content: { "role": "assistant", "content": "x" }, "finish_reason": "stop" }],
            });
            let spec = RelaySpec { is_resold: true, ..spec(stream) };
            let answer = if stream { sse(&[&answer.to_string(), "[DONE]"]) } else { answer.to_string() };
            for relay in [Relay::raw(spec.clone()), Relay::translated(Dialect::OpenAiChat, spec.clone())] {
                let (out, seen) = run(relay, answer.as_bytes());
                assert_eq!((seen.fault, seen.upstream_model, seen.upstream_provider), (None, None, None));
                assert!(served(&out).iter().all(|served| *served == ("maker/model".to_owned(), "Provider".to_owned())), "{out}");
                assert!(out.len() < 4096);
            }
        }
    }
    let (out, _) =
        run(Relay::raw(RelaySpec { is_resold: true, ..spec(true) }), sse(&[RESOLD[0], RESOLD[1]]).replace("Host One", &limit).as_bytes());
    assert!(served(&out).iter().all(|(_, provider)| *provider == limit), "256 bytes are a name");
}

#[test]
fn an_answer_that_reports_no_cost_has_none() {
    let (_, seen) = raw(&STREAM);
    assert_eq!((seen.cost, seen.upstream_provider, seen.upstream_tier), (None, None, None));
}
