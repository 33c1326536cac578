use portolan_core::{Dialect, MaxPrice, Preferences, Price, Quantization, ServiceTier};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::openai_chat::peek::peek;
use crate::target::Reseller;

const QUIRKS: [&[Quirk]; 3] = [&[], &[Quirk::NoStreamOptions], &[Quirk::MaxCompletionTokens]];

fn target<'a>(stream: bool, max_tokens: Option<u64>, user_hash: Option<&'a str>, quirks: &'a [Quirk]) -> Target<'a> {
    Target {
        caller: Dialect::OpenAiChat,
        upstream_id: "up",
        stream,
        max_tokens,
        user_hash,
        quirks,
        supported: &[],
        service_tier: None,
        reseller: None,
    }
}

fn patched(body: &str, target: &Target<'_>) -> String {
    let body = Bytes::from(body.to_owned());
    let found = peek(&body).unwrap_or_else(|e| panic!("{e}: {body:?}"));
    String::from_utf8(patch(&body, &found, target).concat()).unwrap()
}

/// The same edit, made on the parsed body.
fn edited(body: &Map<String, Value>, target: &Target<'_>) -> Map<String, Value> {
    let mut out = body.clone();
    let understood = |name: &str| target.reseller.is_some() && ["reasoning", "include_reasoning", "cache_control"].contains(&name);
    out.retain(|name, _| {
        let name = name.as_str();
        (understood(name) || !GATEWAY_ONLY.contains(&name))
            && !["max_tokens", "max_completion_tokens", "stream_options", "service_tier"].contains(&name)
    });
    if let Some(tier) = target.service_tier {
        out.insert("service_tier".into(), json!(tier.as_str()));
    }
    if target.reseller.is_some() {
        out.insert("provider".into(), json!({"zdr": true, "max_price": {"prompt": "2.5"}}));
        out.insert("usage".into(), json!({"include": true}));
    }
    out.insert("model".into(), json!(target.upstream_id));
    if let Some(max) = target.max_tokens {
        out.insert(limit_name(target).into(), json!(max));
    }
    if target.stream {
        out.insert("stream".into(), json!(true));
        if !target.has(Quirk::NoStreamOptions) {
            out.insert("stream_options".into(), json!({"include_usage": true}));
        }
    } else if out.contains_key("stream") {
        out.insert("stream".into(), json!(false));
    }
    for name in ["user", "safety_identifier"] {
        match (out.get(name).cloned(), target.user_hash) {
            (Some(Value::String(_)), Some(hash)) => drop(out.insert(name.into(), json!(hash))),
            _ => drop(out.remove(name)),
        }
    }
    out
}

/// Members of a body, any of which may be there, in any order.
fn members() -> Vec<(&'static str, Value)> {
    vec![
        ("model", json!("a/b")),
        ("models", json!(["c/d"])),
        ("stream", json!(true)),
        ("stream", json!(false)),
        ("stream", json!(null)),
        ("stream_options", json!({"include_usage": false})),
        ("max_tokens", json!(7)),
        ("max_tokens", json!(null)),
        ("max_completion_tokens", json!(7)),
        ("user", json!("someone")),
        ("user", json!(null)),
        ("safety_identifier", json!("someone")),
        ("provider", json!({"order": ["x"], "zdr": false})),
        ("trace", json!({"trace_id": "t"})),
        ("session_id", json!("s")),
        ("usage", json!({"include": true})),
        ("usage", json!(null)),
        ("reasoning", json!({"effort": "high"})),
        ("include_reasoning", json!(true)),
        ("cache_control", json!({"type": "ephemeral"})),
        ("service_tier", json!("fast")),
        ("service_tier", json!(null)),
        ("temperature", json!(0.5)),
        ("a \"quoted\" name", json!({"b": [1, "}", "{"]})),
        ("unknown", json!("x")),
        ("tools", json!([])),
    ]
}

#[test]
fn a_setting_that_the_endpoint_does_not_take_is_left_out_and_named() {
    let body = Bytes::from_static(br#"{"model":"a/b","temperature":1,"messages":[{"role":"user","content":"x"}],"custom":2,"top_k":3}"#);
    let peek = super::super::peek::peek(&body).unwrap();
    let supported = ["top_k".to_owned()];
    let target = Target { supported: &supported, ..target(false, None, None, &[]) };
    assert_eq!(left_out(&peek, &target), ["temperature"]);
    let patched: Value = serde_json::from_slice(&patch(&body, &peek, &target).concat()).unwrap();
    assert_eq!(patched, json!({ "model": "up", "messages": [{ "role": "user", "content": "x" }], "custom": 2, "top_k": 3 }));
}

proptest! {
    #[test]
    fn a_patched_body_is_the_edit_of_the_parsed_one(
        chosen in prop::sample::subsequence(members(), 0..=26).prop_shuffle(),
        place: prop::sample::Index,
        pretty: bool,
        stream: bool,
        max_tokens in prop::option::of(1..9u64),
        hash in prop::option::of(Just("h4sh")),
        quirks in 0..3usize,
        tier in prop::option::of(prop::sample::select(&ServiceTier::ALL)),
        resold: bool,
    ) {
        let mut list = chosen;
        list.insert(place.index(list.len() + 1), ("messages", json!([{"role": "user", "content": "h\"i"}])));
        list.push(("models", json!(["c/d"])));
        // Each name once: the first one stays.
        let mut body = Map::new();
        for (name, value) in list {
            body.entry(name).or_insert(value);
        }
        let text = if pretty { serde_json::to_string_pretty(&body) } else { serde_json::to_string(&body) }.unwrap();
        let preferences = Preferences { zdr: true, order: vec!["ours".into()], ..Preferences::default() };
        let max_price = MaxPrice { prompt: Some(Price(2_500_000)), ..MaxPrice::default() };
        let reseller = resold.then_some(Reseller { preferences: &preferences, ignore: &[], max_price });
        let target = Target { service_tier: tier, reseller, ..target(stream, max_tokens, hash, QUIRKS[quirks]) };
        let found = patched(&text, &target);
        let parsed: Map<String, Value> = serde_json::from_str(&found).map_err(|e| TestCaseError::fail(format!("{e}: {found}")))?;
        let mut want = edited(&body, &target);
        // What stays keeps its order.
        let order: Vec<_> = parsed.keys().filter(|name| body.contains_key(*name)).collect();
        let before: Vec<_> = body.keys().filter(|name| parsed.contains_key(*name)).collect();
        prop_assert_eq!(order, before);
        prop_assert_eq!(parsed.len(), want.len());
        for (name, value) in &parsed {
            prop_assert_eq!(want.remove(name), Some(value.clone()), "{}", name);
        }
    }
}

#[test]
fn what_is_not_edited_keeps_its_bytes() {
    let body = " {\"x\" : 1e999999,\n \"model\":\"a/b\", \"y\":\"\\ud800\" ,\"provider\":{},\"z\": -0 ,\"messages\":[ {\"role\":\"user\",\"content\":\"\\u00e9\"} ]}\n";
    let want = " {\"x\" : 1e999999,\n \"model\":\"up\", \"y\":\"\\ud800\",\"z\": -0 ,\"messages\":[ {\"role\":\"user\",\"content\":\"\\u00e9\"} ]}\n";
    assert_eq!(patched(body, &target(false, None, None, &[])), want);
    let want = want.replacen(" {", "{\"max_tokens\":9,", 1);
    assert_eq!(patched(body, &target(false, Some(9), None, &[])), want);
}

#[test]
fn the_messages_are_not_copied() {
    let body =
        Bytes::from(format!(r#"{{"model":"a/b","messages":[{{"role":"user","content":"{}"}}],"stream":true}}"#, "x".repeat(100_000)));
    let pieces = patch(&body, &peek(&body).unwrap(), &target(true, None, None, &[]));
    let inside = body.as_ptr_range();
    assert!(pieces.iter().filter(|p| p.len() > 1000).all(|p| inside.contains(&p.as_ptr())));
    assert!(pieces.len() <= 5, "{}", pieces.len());
}

#[test]
fn the_tier_of_the_endpoint_is_sent_and_never_that_of_the_caller() {
    let body = |tier: &str| format!(r#"{{"model":"up","service_tier":{tier},"messages":[{{"role":"user","content":"x"}}]}}"#);
    let plain = target(false, None, None, &[]);
    let flex = Target { service_tier: Some(ServiceTier::Flex), ..plain };
    for stated in ["\"auto\"", "\"default\"", "\"flex\"", "\"fast\"", "null"] {
        assert_eq!(patched(&body(stated), &plain), r#"{"model":"up","messages":[{"role":"user","content":"x"}]}"#);
        assert_eq!(patched(&body(stated), &flex), body("\"flex\""), "{stated}");
    }
    let unstated = r#"{"model":"up","messages":[{"role":"user","content":"x"}]}"#;
    let priority = Target { service_tier: Some(ServiceTier::Priority), ..plain };
    assert_eq!(patched(unstated, &priority), unstated.replacen('{', r#"{"service_tier":"priority","#, 1));
}

#[test]
fn a_reseller_keeps_what_only_it_understands_and_is_bound_as_the_caller_is() {
    let preferences = Preferences {
        order: vec!["ours".into()],
        only: vec!["ours".into()],
        ignore: vec!["deepseek".into(), "deepinfra/fp4".into()],
        allow_fallbacks: false,
        require_parameters: true,
        deny_data_collection: true,
        zdr: true,
        enforce_distillable_text: true,
        quantizations: vec![Quantization::Fp8, Quantization::Bf16],
        max_price: MaxPrice { prompt: Some(Price(9)), ..MaxPrice::default() },
        ..Preferences::default()
    };
    let max_price = MaxPrice {
        prompt: Some(Price(150_000)),
        completion: Some(Price(1)),
        request: Some(Price(10_000_000_000)),
        image: Some(Price(0)),
        audio: None,
    };
    let bound = Target {
        reseller: Some(Reseller { preferences: &preferences, ignore: &preferences.ignore, max_price }),
        ..target(false, None, None, &[])
    };
    let body = r#"{"model":"up","provider":{"order":["x"]},"reasoning":{"max_tokens":5},"cache_control":{"type":"ephemeral"},"session_id":"s",
        "messages":[{"role":"assistant","content":[{"type":"file","file":{"file_data":"AA"}}],"reasoning":"r","reasoning_details":[{}]}]}"#;
    let found: Value = serde_json::from_str(&patched(body, &bound)).unwrap();
    let want = json!({
        "usage": {"include": true},
        "model": "up",
        "provider": {
            "allow_fallbacks": false, "require_parameters": true, "data_collection": "deny", "zdr": true, "enforce_distillable_text": true,
            "ignore": ["deepseek", "deepinfra/fp4"], "quantizations": ["fp8", "bf16"],
            "max_price": {"prompt": "0.15", "completion": "0.000001", "request": "0.01", "image": "0"},
        },
        "reasoning": {"max_tokens": 5},
        "cache_control": {"type": "ephemeral"},
        "messages": [{"role": "assistant", "content": [{"type": "file", "file": {"file_data": "AA"}}], "reasoning": "r", "reasoning_details": [{}]}],
    });
    assert_eq!(found, want);
    // What is written for a reseller is what a gateway like this one reads.
    let read = peek(patched(body, &bound).as_bytes()).unwrap().preferences;
    assert_eq!(read, Preferences { order: vec![], only: vec![], max_price, ..preferences });
}

proptest! {
    #[test]
    fn what_a_reseller_is_told_holds_there(
        flags: [bool; 5],
        quantizations in prop::sample::subsequence(&Quantization::ALL, 0..=12),
        prices: [Option<u64>; 5],
        ignore in prop::collection::vec("[a-z]{1,9}(/[a-z0-9]{1,4})?", 0..3),
    ) {
        let [allow_fallbacks, require_parameters, deny_data_collection, zdr, enforce_distillable_text] = flags;
        let [prompt, completion, request, image, audio] = prices.map(|price| price.map(Price));
        let max_price = MaxPrice { prompt, completion, request, image, audio };
        let restrictions = Preferences {
            allow_fallbacks, require_parameters, deny_data_collection, zdr, enforce_distillable_text, quantizations, max_price,
            ignore: ignore.clone(), ..Preferences::default()
        };
        let told = reseller::provider(&Reseller { preferences: &restrictions, ignore: &ignore, max_price });
        let body = format!(r#"{{"model":"a/b","provider":{told},"messages":[{{"role":"user","content":"x"}}]}}"#);
        prop_assert_eq!(peek(body.as_bytes()).unwrap().preferences, restrictions);
    }
}
