//! Decoding a caller's body and encoding it again, shown side by side.

use portolan_core::{Dialect, MaxPrice, Preferences, Quirk, ServiceTier};
use serde_json::Value;

use super::*;
use crate::openai_chat::decode::decode;
use crate::openai_chat::peek::peek;
use crate::target::Reseller;

fn target(quirks: &[Quirk]) -> Target<'_> {
    Target {
        caller: Dialect::OpenAiChat,
        upstream_id: "up",
        stream: false,
        max_tokens: None,
        user_hash: Some("h4sh"),
        quirks,
        supported: &[],
        service_tier: None,
        reseller: None,
    }
}

/// The request that an endpoint gets for these members (a model and, unless given, a message are added).
fn through(members: &str, target: &Target<'_>) -> (Value, Vec<String>) {
    let message = if members.contains("\"messages\"") { "" } else { r#","messages":[{"role":"user","content":"hi"}]"# };
    let body = format!(r#"{{"model":"a/b"{message},{members}}}"#);
    let request = decode(body.as_bytes(), &peek(body.as_bytes()).unwrap()).unwrap();
    let encoded = encode(&request, target);
    let mut value: Value = serde_json::from_slice(&encoded.body.concat()).unwrap();
    let map = value.as_object_mut().unwrap();
    assert_eq!(map.shift_remove("model"), Some("up".into()));
    if message.is_empty() {
        return (value["messages"].take(), encoded.dropped);
    }
    map.shift_remove("messages");
    (value, encoded.dropped)
}

fn show((value, dropped): (Value, Vec<String>)) -> String {
    format!("{value}{}", if dropped.is_empty() { String::new() } else { format!("\ndropped: {}", dropped.join(", ")) })
}

#[test]
fn settings_reach_an_endpoint_of_this_dialect_or_are_listed_as_dropped() {
    for (members, want) in [
        (r#""temperature":0.10,"top_p":1,"top_k":5,"seed":-3"#, r#"{"temperature":0.1,"top_p":1,"top_k":5,"seed":-3}"#),
        (r#""stop":"x""#, r#"{"stop":["x"]}"#),
        (r#""n":3"#, r#"{"n":3}"#),
        (r#""user":"me","safety_identifier":"me""#, r#"{"user":"h4sh","safety_identifier":"h4sh"}"#),
        (
            r#""logit_bias":{"5":-1},"verbosity":"low","safe_prompt":true"#,
            r#"{"logit_bias":{"5":-1},"verbosity":"low","safe_prompt":true}"#,
        ),
        (r#""reasoning":{"effort":"high","summary":"auto"}"#, "{\"reasoning_effort\":\"high\"}\ndropped: reasoning.summary"),
        (r#""reasoning_effort":"low""#, r#"{"reasoning_effort":"low"}"#),
        (r#""reasoning":{"max_tokens":30000}"#, "{\"reasoning_effort\":\"xhigh\"}\ndropped: reasoning.max_tokens"),
        (r#""reasoning":{"enabled":false}"#, r#"{"reasoning_effort":"none"}"#),
        (r#""include_reasoning":false"#, "{}"),
        (r#""cache_control":{"type":"ephemeral"}"#, "{}\ndropped: cache_control"),
        (r#""response_format":{"type":"text"}"#, "{}"),
        (r#""response_format":{"type":"json_object"}"#, r#"{"response_format":{"type":"json_object"}}"#),
        (
            r#""response_format":{"type":"json_schema","json_schema":{"name":"s","strict":true,"schema":{"b":1,"a":2.50}}}"#,
            r#"{"response_format":{"type":"json_schema","json_schema":{"name":"s","schema":{"b":1,"a":2.5},"strict":true}}}"#,
        ),
        (r#""response_format":{"type":"grammar","grammar":"x"}"#, r#"{"response_format":{"type":"grammar","grammar":"x"}}"#),
        (
            r#""tools":[{"type":"function","function":{"name":"f","parameters":{"z":1,"a":[]},"strict":null},"cache_control":{"type":"ephemeral"}}],"parallel_tool_calls":false"#,
            "{\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"z\":1,\"a\":[]}}}],\"parallel_tool_calls\":false}\ndropped: cache_control",
        ),
        (r#""tools":[{"type":"mcp","x":1}],"tool_choice":"any""#, r#"{"tools":[{"type":"mcp","x":1}],"tool_choice":"required"}"#),
        (r#""tool_choice":{"type":"function","function":{"name":"f"}}"#, r#"{"tool_choice":{"type":"function","function":{"name":"f"}}}"#),
        (r#""tool_choice":{"type":"allowed_tools","x":1}"#, r#"{"tool_choice":{"type":"allowed_tools","x":1}}"#),
        (r#""provider":{"order":["x"]},"trace":{},"session_id":"s","usage":{},"stream_options":{},"max_tokens":5"#, "{}"),
    ] {
        assert_eq!(show(through(members, &target(&[]))), want, "{members}");
    }
}

#[test]
fn messages_keep_what_they_say() {
    for (list, want) in [
        (
            r#"{"role":"system","content":"a\u00e9"},{"role":"user","name":"n","content":"b"}"#,
            r#"[{"role":"system","content":"aé"},{"role":"user","name":"n","content":"b"}]"#,
        ),
        (
            r#"{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral","ttl":"1h"}},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA","detail":"low"}},{"type":"input_audio","input_audio":{"data":"BB","format":"wav"}},{"type":"file","file":{"filename":"f.pdf","file_data":"data:application/pdf;base64,CC"}}]}"#,
            "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AA\",\"detail\":\"low\"}},{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"BB\",\"format\":\"wav\"}},{\"type\":\"file\",\"file\":{\"filename\":\"f.pdf\",\"file_data\":\"data:application/pdf;base64,CC\"}}]}]\ndropped: cache_control",
        ),
        (
            r#"{"role":"assistant","content":"","tool_calls":[{"id":"1","index":0,"type":"function","function":{"name":"f","arguments":"{\"a\": 1}"}},{"id":"2","type":"function","function":{"name":"g","arguments":""}}]},{"role":"tool","tool_call_id":"1","content":"r"},{"role":"tool","tool_call_id":"2","content":[{"type":"text","text":"s"},{"type":"image_url","image_url":{"url":"https://x/y"}}]},{"role":"user","content":"go"}"#,
            r#"[{"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{\"a\": 1}"}},{"id":"2","type":"function","function":{"name":"g","arguments":"{}"}}]},{"role":"tool","tool_call_id":"1","content":"r"},{"role":"tool","tool_call_id":"2","content":"s"},{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x/y"}}]},{"role":"user","content":"go"}]"#,
        ),
        (r#"{"role":"assistant","content":null,"refusal":"no"}"#, r#"[{"role":"assistant","content":null,"refusal":"no"}]"#),
        (r#"{"role":"assistant"}"#, r#"[{"role":"assistant","content":""}]"#),
        (
            r#"{"role":"assistant","content":"x","reasoning_content":"because"}"#,
            r#"[{"role":"assistant","content":"x","reasoning_content":"because"}]"#,
        ),
        (
            r#"{"role":"assistant","content":"x","reasoning":"because","reasoning_details":[{"type":"reasoning.text","text":"because","signature":"s","format":"anthropic-claude-v1","index":0}]}"#,
            "[{\"role\":\"assistant\",\"content\":\"x\"}]\ndropped: reasoning_details",
        ),
        (
            r#"{"role":"assistant","content":"x","prefix":true,"images":[]}"#,
            "[{\"role\":\"assistant\",\"content\":\"x\"}]\ndropped: messages[].prefix",
        ),
    ] {
        assert_eq!(show(through(&format!("\"messages\":[{list}]"), &target(&[]))), want, "{list}");
    }
}

#[test]
fn limits_and_stream_follow_the_target_and_its_quirks() {
    let one = |stream, max_tokens, quirks| {
        let target = Target { stream, max_tokens, user_hash: None, ..target(quirks) };
        show(through(r#""user":"me","max_tokens":7"#, &target))
    };
    assert_eq!(one(false, Some(9), &[]), r#"{"max_tokens":9}"#);
    assert_eq!(
        one(true, Some(9), &[Quirk::MaxCompletionTokens]),
        r#"{"max_completion_tokens":9,"stream":true,"stream_options":{"include_usage":true}}"#
    );
    assert_eq!(one(true, None, &[Quirk::NoStreamOptions]), r#"{"stream":true}"#);
}

#[test]
fn fields_of_another_dialect_are_listed_as_dropped() {
    let target = Target { caller: Dialect::Anthropic, ..target(&[]) };
    assert_eq!(show(through(r#""container":"c""#, &target)), "{}\ndropped: container");
}

#[test]
fn the_tier_of_the_endpoint_is_written_and_never_that_of_the_caller() {
    let flex = Target { service_tier: Some(ServiceTier::Flex), ..target(&[]) };
    for members in [r#""service_tier":"priority""#, r#""service_tier":"auto""#, r#""top_k":null"#] {
        assert_eq!(show(through(members, &target(&[]))), "{}", "{members}");
        assert_eq!(show(through(members, &flex)), r#"{"service_tier":"flex"}"#, "{members}");
    }
}

#[test]
fn a_reseller_is_bound_in_this_lane_too() {
    let preferences = Preferences { zdr: true, ..Preferences::default() };
    let reseller = Some(Reseller { preferences: &preferences, ignore: &[], max_price: MaxPrice::default() });
    let target = Target { reseller, ..target(&[]) };
    assert_eq!(show(through(r#""provider":{"zdr":true,"order":["x"]}"#, &target)), r#"{"provider":{"zdr":true},"usage":{"include":true}}"#);
}
