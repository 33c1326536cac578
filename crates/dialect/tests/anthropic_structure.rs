//! Whatever the conversation, what is written obeys Anthropic's rules about its structure.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use portolan_core::Dialect;
use portolan_dialect::anthropic::encode::encode;
use portolan_dialect::ir::{Cache, Message, Part, ReasoningKind, ReasoningPart, Request, Role, Source, Tool};
use portolan_dialect::target::Target;
use proptest::prelude::*;
use serde_json::Value;

fn cache() -> impl Strategy<Value = Option<Cache>> {
    prop_oneof![4 => Just(None), 1 => Just(Some(Cache::Minutes5)), 1 => Just(Some(Cache::Hour1))]
}

fn text() -> impl Strategy<Value = Part> {
    (prop_oneof![Just(String::new()), Just(" \n".into()), "[a-z ]{1,8}", "\\PC{0,4}"], cache())
        .prop_map(|(text, cache)| Part::Text { text, cache })
}

fn image() -> impl Strategy<Value = Part> {
    cache().prop_map(|cache| Part::Image { source: Source::Url("https://example.com/i.png".into()), detail: None, cache })
}

fn thought() -> impl Strategy<Value = Part> {
    (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(sealed, signed, ours)| {
        Part::Reasoning(ReasoningPart {
            kind: if sealed { ReasoningKind::Encrypted } else { ReasoningKind::Text },
            text: "t".into(),
            signature: signed.then(|| "s".into()),
            format: Some(if ours { "anthropic-claude-v1" } else { "google-gemini-v1" }.into()),
            id: None,
        })
    })
}

fn messages(role: Role, part: impl Strategy<Value = Part> + 'static) -> BoxedStrategy<Vec<Message>> {
    prop::collection::vec(part, 0..4).prop_map(move |parts| vec![Message { role, name: None, parts }]).boxed()
}

/// An assistant that calls tools, and the tools' answers: one message each, some other message perhaps in between, in any order.
fn tool_round() -> impl Strategy<Value = Vec<Message>> {
    let id = prop_oneof![Just("call_0".to_owned()), "[a-z.:]{1,6}", "\\PC{1,3}", "[a-z0-9]{70}"];
    let calls = prop::collection::btree_set(id, 1..4);
    let between = prop_oneof![
        3 => Just(Vec::new()),
        1 => messages(Role::User, text()),
        1 => messages(Role::System, text()),
    ];
    (
        prop::collection::vec(prop_oneof![text(), thought()], 0..3),
        calls,
        between,
        any::<bool>(),
        cache(),
        prop::collection::vec(text(), 0..2),
    )
        .prop_map(|(mut parts, calls, between, reversed, cache, answer)| {
            parts.extend(calls.iter().map(|id| Part::ToolCall { id: id.clone(), name: "f".into(), arguments: String::new(), cache }));
            let mut answers: Vec<Message> = calls
                .iter()
                .map(|id| Part::ToolResult { id: id.clone(), parts: answer.clone(), is_error: false, cache })
                .map(|part| Message { role: Role::Tool, name: None, parts: vec![part] })
                .collect();
            if reversed {
                answers.reverse();
            }
            let last = answers.pop();
            let assistant = Message { role: Role::Assistant, name: None, parts };
            std::iter::once(assistant).chain(answers).chain(between).chain(last).collect()
        })
}

fn request() -> impl Strategy<Value = Request> {
    let step = prop_oneof![
        messages(Role::System, text()),
        messages(Role::Developer, text()),
        messages(Role::User, prop_oneof![text(), image()]),
        messages(Role::Assistant, prop_oneof![text(), thought()]),
        tool_round().boxed(),
    ];
    (prop::collection::vec(step, 0..8), cache(), cache()).prop_map(|(steps, automatic, on_tool)| Request {
        messages: steps.into_iter().flatten().collect(),
        tools: vec![Tool::Function { name: "f".into(), description: None, parameters: None, strict: None, cache: on_tool }],
        cache: automatic,
        ..Request::default()
    })
}

fn marks(value: &Value) -> usize {
    match value {
        Value::Object(members) => usize::from(members.contains_key("cache_control")) + members.values().map(marks).sum::<usize>(),
        Value::Array(items) => items.iter().map(marks).sum(),
        _ => 0,
    }
}

fn blocks<'a>(turn: &'a Value, kind: &'a str) -> impl Iterator<Item = &'a Value> {
    turn["content"].as_array().unwrap().iter().filter(move |block| block["type"] == kind)
}

fn ids<'a>(turn: &'a Value, kind: &'a str, field: &'a str) -> Vec<&'a str> {
    let mut ids: Vec<_> = blocks(turn, kind).map(|block| block[field].as_str().unwrap()).collect();
    ids.sort_unstable();
    ids
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Object(members) => {
            members.iter().flat_map(|(key, value)| if key == "text" { vec![value.as_str().unwrap()] } else { texts(value) }).collect()
        }
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

proptest! {
    #[test]
    fn a_written_conversation_obeys_the_rules(request in request()) {
        let target = Target { caller: Dialect::OpenAiChat, upstream_id: "claude-sonnet-4-5", stream: false, max_tokens: None, user_hash: None, quirks: &[], supported: &[], service_tier: None, reseller: None };
        let encoded = match encode(&request, &target) {
            Ok(encoded) => encoded,
            // Only a conversation without any content is refused.
            Err(error) => {
                prop_assert_eq!(error.field, "messages");
                return Ok(());
            }
        };
        let body: Value = serde_json::from_slice(&encoded.body.concat()).unwrap();
        let turns = body["messages"].as_array().unwrap();

        prop_assert!(!turns.is_empty());
        for (position, turn) in turns.iter().enumerate() {
            prop_assert_eq!(&turn["role"], if position % 2 == 0 { "user" } else { "assistant" }, "roles alternate, the user begins");
            prop_assert!(!turn["content"].as_array().unwrap().is_empty());
        }
        prop_assert!(texts(&body).iter().all(|text| !text.trim().is_empty()), "no blank text");
        if let Some(last) = turns.last().filter(|turn| turn["role"] == "assistant").and_then(|turn| turn["content"].as_array()?.last()?["text"].as_str()) {
            prop_assert_eq!(last, last.trim_end());
        }
        prop_assert!(marks(&body) <= 4);

        let mut used = std::collections::HashSet::new();
        for pair in turns.chunks(2) {
            let results = ids(&pair[0], "tool_result", "tool_use_id");
            prop_assert!(pair[0]["content"].as_array().unwrap().iter().take(results.len()).all(|block| block["type"] == "tool_result"), "results stand first");
            for id in pair.get(1).into_iter().flat_map(|turn| ids(turn, "tool_use", "id")) {
                prop_assert!(id.len() <= 64 && !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'), "{}", id);
                prop_assert!(used.insert(id.to_owned()), "an id is used once");
            }
        }
        for pair in turns.windows(2).filter(|pair| pair[0]["role"] == "assistant") {
            prop_assert_eq!(ids(&pair[0], "tool_use", "id"), ids(&pair[1], "tool_result", "tool_use_id"), "every call is answered in the next turn");
        }
    }
}
