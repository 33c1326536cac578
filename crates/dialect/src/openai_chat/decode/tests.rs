use super::*;
use crate::ir::{Cache, Part, ReasoningKind, ReasoningPart, Role, Tool};
use crate::openai_chat::peek::peek;

fn request(list: &str) -> ir::Request {
    let body = format!(r#"{{"model":"a/b","messages":[{list}]}}"#);
    decode(body.as_bytes(), &peek(body.as_bytes()).unwrap()).unwrap()
}

fn reasoning(list: &str) -> Vec<Part> {
    request(&format!(r#"{{"role":"assistant","content":"x","reasoning":"shown","reasoning_details":[{list}]}}"#)).messages.remove(0).parts
}

#[test]
fn replayed_reasoning_keeps_its_order_signature_and_family() {
    let parts = reasoning(
        r#"{"type":"reasoning.text","text":"a","index":0,"format":"anthropic-claude-v1"},{"type":"reasoning.text","text":"b","index":0},
        {"type":"reasoning.text","signature":"s+/=","index":0},{"type":"reasoning.encrypted","data":"e","id":"rs_1","format":"openai-responses-v1","index":1},
        {"type":"reasoning.summary","summary":"c","index":2},{"type":"reasoning.server_tool_call","tool_name":"t","x":[1]}"#,
    );
    let [Part::Reasoning(signed), Part::Reasoning(sealed), Part::Reasoning(summary), Part::Opaque { format, json }, Part::Text { .. }] =
        &parts[..]
    else {
        panic!("{parts:?}")
    };
    let family = Some("anthropic-claude-v1".to_owned());
    assert_eq!(
        *signed,
        ReasoningPart { kind: ReasoningKind::Text, text: "ab".into(), signature: Some("s+/=".into()), format: family, id: None }
    );
    assert_eq!((sealed.kind, sealed.text.as_str(), sealed.id.as_deref()), (ReasoningKind::Encrypted, "e", Some("rs_1")));
    assert_eq!((summary.kind, summary.text.as_str(), summary.format.as_deref()), (ReasoningKind::Summary, "c", None));
    assert_eq!((format.as_str(), json.get()), ("unknown", r#"{"type":"reasoning.server_tool_call","tool_name":"t","x":[1]}"#));
}

#[test]
fn pieces_are_joined_only_within_one_item() {
    for (list, items) in [
        (r#"{"type":"reasoning.text","text":"a","index":0},{"type":"reasoning.text","text":"b","index":1}"#, 2),
        (r#"{"type":"reasoning.text","text":"a"},{"type":"reasoning.text","text":"b"}"#, 2),
        (r#"{"type":"reasoning.text","text":"a","signature":"s","index":0},{"type":"reasoning.text","text":"b","index":0}"#, 2),
        (r#"{"type":"reasoning.text","text":"a","index":0},{"type":"reasoning.summary","summary":"b","index":0}"#, 2),
        (r#"{"type":"reasoning.text","text":"a","index":0,"id":"1"},{"type":"reasoning.text","text":"b","index":0,"id":"2"}"#, 2),
        (r#"{"type":"reasoning.text","text":"a","index":0,"id":"1"},{"type":"reasoning.text","text":"b","index":0}"#, 1),
        ("", 1),
    ] {
        let found = reasoning(list).iter().filter(|p| matches!(p, Part::Reasoning(_))).count();
        assert_eq!(found, items, "{list}");
    }
}

#[test]
fn cache_marks_stand_where_the_caller_set_them() {
    let all = request(
        r#"{"role":"system","content":"a","cache_control":{"type":"ephemeral"}},
        {"role":"user","content":[{"type":"text","text":"b","cache_control":{"type":"ephemeral","ttl":"1h"}},{"type":"text","text":"c","prompt_cache_breakpoint":{}}],"cache_control":{"type":"ephemeral"}},
        {"role":"tool","tool_call_id":"1","content":"d","cache_control":{"type":"ephemeral","ttl":"1h"}}"#,
    );
    let marks: Vec<_> = all
        .messages
        .iter()
        .flat_map(|m| &m.parts)
        .map(|part| match part {
            Part::Text { cache, .. } | Part::ToolResult { cache, .. } => *cache,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(marks, [Some(Cache::Minutes5), Some(Cache::Hour1), Some(Cache::Minutes5), Some(Cache::Hour1)]);
    assert_eq!(all.messages[2].role, Role::Tool);
}

#[test]
fn schemas_and_numbers_are_kept_as_written() {
    let body = r#"{"model":"a/b","messages":[{"role":"user","content":"x"}],"temperature":0.30000000000000004,
        "tools":[{"type":"function","function":{"name":"f","parameters":{ "z":1.10, "a":"\u00e9" }}}],"big":1e999999}"#;
    let request = decode(body.as_bytes(), &peek(body.as_bytes()).unwrap()).unwrap();
    assert_eq!(request.sampling.temperature.unwrap().to_string(), "0.30000000000000004");
    let [Tool::Function { parameters: Some(schema), .. }] = &request.tools[..] else { panic!("{:?}", request.tools) };
    assert_eq!(schema.get(), r#"{ "z":1.10, "a":"\u00e9" }"#);
    assert_eq!((request.extra[0].0.as_str(), request.extra[0].1.get()), ("big", "1e999999"));
}

#[test]
fn what_no_program_can_hold_is_refused_by_its_field() {
    for (members, field) in [
        (
            r#""messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"AAAA"}}]}]"#,
            "messages[0].content[0].image_url.url",
        ),
        (r#""messages":[{"role":"assistant","reasoning_details":[1]}]"#, "messages[0].reasoning_details[0]"),
        (
            r#""messages":[{"role":"assistant","reasoning_details":[{"type":"reasoning.text","text":1}]}]"#,
            "messages[0].reasoning_details[0].text",
        ),
    ] {
        let body = format!(r#"{{"model":"a/b",{members}}}"#);
        let error = decode(body.as_bytes(), &peek(body.as_bytes()).unwrap()).unwrap_err();
        assert_eq!(error.field(), Some(field), "{error}");
    }
}
