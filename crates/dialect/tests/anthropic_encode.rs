//! Requests in Anthropic's dialect: what is written, what is dropped, what is refused.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use portolan_core::{Dialect, ServiceTier};
use portolan_dialect::anthropic::encode::encode;
use portolan_dialect::ir::{
    Cache, Message, Output, Part, Reasoning, ReasoningKind, ReasoningPart, Request, Role, Sampling, Source, Tool, ToolChoice,
};
use portolan_dialect::registry::EncodeError;
use portolan_dialect::target::{Encoded, Target};
use serde_json::value::RawValue;
use serde_json::{Number, Value, json};

const BUDGETED: &str = "claude-sonnet-4-5-20250929";
const BOTH: &str = "claude-opus-4-6";
const NEWEST: &str = "claude-opus-4-8";

fn target(upstream_id: &str) -> Target<'_> {
    Target {
        caller: Dialect::OpenAiChat,
        upstream_id,
        stream: false,
        max_tokens: Some(16_000),
        user_hash: None,
        quirks: &[],
        supported: &[],
        service_tier: None,
        reseller: None,
    }
}

fn raw(value: Value) -> Box<RawValue> {
    RawValue::from_string(value.to_string()).unwrap()
}

fn text(text: &str) -> Part {
    Part::Text { text: text.into(), cache: None }
}

fn marked(text: &str, cache: Cache) -> Part {
    Part::Text { text: text.into(), cache: Some(cache) }
}

fn says(role: Role, parts: Vec<Part>) -> Message {
    Message { role, name: None, parts }
}

fn call(id: &str, arguments: &str) -> Part {
    Part::ToolCall { id: id.into(), name: "weather".into(), arguments: arguments.into(), cache: None }
}

fn result(id: &str, parts: Vec<Part>) -> Message {
    says(Role::Tool, vec![Part::ToolResult { id: id.into(), parts, is_error: false, cache: None }])
}

fn thought(signature: Option<&str>, format: &str) -> Part {
    Part::Reasoning(ReasoningPart {
        kind: ReasoningKind::Text,
        text: "hm".into(),
        signature: signature.map(str::to_owned),
        format: Some(format.into()),
        id: None,
    })
}

fn hello() -> Request {
    Request { messages: vec![says(Role::User, vec![text("Hello")])], ..Request::default() }
}

fn function(name: &str, parameters: Option<Value>, strict: Option<bool>) -> Tool {
    Tool::Function { name: name.into(), description: Some("What it does".into()), parameters: parameters.map(raw), strict, cache: None }
}

fn number(n: f64) -> Option<Number> {
    Number::from_f64(n)
}

fn effort(effort: &str) -> Option<Reasoning> {
    Some(Reasoning { effort: Some(effort.into()), ..Reasoning::default() })
}

fn body(encoded: &Encoded) -> Value {
    serde_json::from_slice(&encoded.body.concat()).unwrap()
}

/// The whole of what an encoder answers, for a golden file.
fn shown(encoded: &Encoded) -> String {
    let headers: Vec<String> = encoded.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    format!(
        "POST {}\n{}\ndropped: {:?}\n\n{}",
        encoded.path,
        headers.join("\n"),
        encoded.dropped,
        serde_json::to_string_pretty(&body(encoded)).unwrap()
    )
}

fn a_conversation() -> Request {
    Request {
        messages: vec![
            says(Role::System, vec![text("Be brief.")]),
            says(Role::Developer, vec![text("  "), marked("Speak French.", Cache::Hour1)]),
            says(
                Role::User,
                vec![
                    text("What is in these?"),
                    Part::Image { source: Source::Url("https://example.com/cat.png".into()), detail: Some("high".into()), cache: None },
                    Part::Image {
                        source: Source::Base64 { media_type: "image/jpg".into(), data: "/9j/".into() },
                        detail: None,
                        cache: Some(Cache::Minutes5),
                    },
                    Part::File {
                        source: Source::Base64 { media_type: "application/pdf".into(), data: "JVBE".into() },
                        name: Some("a.pdf".into()),
                        cache: None,
                    },
                    Part::File { source: Source::Url("https://example.com/b.pdf".into()), name: None, cache: None },
                ],
            ),
            says(Role::User, vec![text(""), text("And the weather?")]),
            says(
                Role::Assistant,
                vec![
                    text("Let me look."),
                    thought(Some("c2lnbmVk+/="), "anthropic-claude-v1"),
                    Part::Reasoning(ReasoningPart {
                        kind: ReasoningKind::Encrypted,
                        text: "cmVkYWN0ZWQ=".into(),
                        format: Some("anthropic-claude-v1".into()),
                        ..ReasoningPart::default()
                    }),
                    thought(Some("foreign"), "google-gemini-v1"),
                    thought(None, "anthropic-claude-v1"),
                    call("functions.weather:0", r#"{ "city": "Paris", "n": 1e2 }"#),
                    call("toolu_2", ""),
                ],
            ),
            result(
                "functions.weather:0",
                vec![text("rain"), Part::Image { source: Source::Url("https://example.com/r.png".into()), detail: None, cache: None }],
            ),
            says(Role::System, vec![text("The user is in a hurry.")]),
            says(
                Role::Tool,
                vec![Part::ToolResult { id: "toolu_2".into(), parts: vec![text("")], is_error: true, cache: Some(Cache::Minutes5) }],
            ),
            says(Role::User, vec![text("So?")]),
            says(
                Role::Assistant,
                vec![
                    Part::Opaque {
                        format: "anthropic-claude-v1".into(),
                        json: RawValue::from_string(r#"{"type":"server_tool_use","id":"s","name":"web_search","input":{ "q":1 }}"#.into())
                            .unwrap(),
                    },
                    Part::Opaque { format: "openai-responses-v1".into(), json: raw(json!({"type": "x"})) },
                    Part::Opaque { format: "anthropic-claude-v1".into(), json: raw(json!({"type": "reasoning.server_tool_call"})) },
                    Part::Refusal("I would rather not.".into()),
                    text("It \n"),
                ],
            ),
        ],
        ..Request::default()
    }
}

#[test]
fn a_conversation_is_arranged_in_two_roles() {
    insta::assert_snapshot!("conversation", shown(&encode(&a_conversation(), &target(BUDGETED)).unwrap()));
}

#[test]
fn opaque_bytes_stay_what_they_were() {
    let encoded = encode(&a_conversation(), &target(BUDGETED)).unwrap();
    let body = String::from_utf8(encoded.body.concat()).unwrap();
    for exact in [
        r#""signature":"c2lnbmVk+/=""#,
        r#""input":{ "city": "Paris", "n": 1e2 }"#,
        r#"{"type":"server_tool_use","id":"s","name":"web_search","input":{ "q":1 }}"#,
    ] {
        assert!(body.contains(exact), "{exact} in {body}");
    }
}

#[test]
fn settings_are_written_or_listed_as_dropped() {
    let request = Request {
        tools: vec![
            function("weather", Some(json!({"type": "object", "properties": {"city": {"type": "string"}}})), Some(true)),
            function("now", None, None),
            Tool::Other(raw(json!({"type": "web_fetch_20250910", "name": "web_fetch"}))),
            Tool::Other(raw(json!({"type": "openrouter:datetime"}))),
        ],
        tool_choice: Some(ToolChoice::Auto),
        parallel_tool_calls: Some(false),
        output: Output::JsonSchema {
            name: "answer".into(),
            description: None,
            schema: raw(json!({"type": "object", "properties": {"a": {"type": "object", "properties": {}}}})),
            strict: Some(true),
        },
        sampling: Sampling {
            temperature: number(0.5),
            top_p: number(0.9),
            top_k: Some(40.into()),
            seed: Some(7.into()),
            frequency_penalty: number(0.1),
            ..Sampling::default()
        },
        stop: vec!["END".into(), "\n\n".into()],
        user: Some("alice@example.com".into()),
        cache: Some(Cache::Minutes5),
        extra: vec![("logit_bias".into(), raw(json!({"1": 2}))), ("metadata".into(), raw(json!({"a": "b"})))],
        ..hello()
    };
    let target = Target { stream: true, user_hash: Some("u-123"), ..target("claude-sonnet-4-20250514") };
    insta::assert_snapshot!("settings_of_an_older_model", shown(&encode(&request, &target).unwrap()));
    insta::assert_snapshot!("settings_of_the_newest_model", shown(&encode(&request, &Target { upstream_id: NEWEST, ..target }).unwrap()));
}

/// Model, caller's bound, gateway's bound, reasoning; `thinking`, `output_config`, `max_tokens`, dropped.
type ReasoningCase = (&'static str, Option<u64>, Option<u64>, Reasoning, Value, Value, u64, &'static [&'static str]);

#[test]
fn reasoning_is_asked_for_in_the_way_that_the_model_takes() {
    let cases: &[ReasoningCase] = &[
        (
            BUDGETED,
            Some(16_000),
            Some(16_000),
            effort("high").unwrap(),
            json!({"type": "enabled", "budget_tokens": 12_800}),
            Value::Null,
            16_000,
            &[],
        ),
        (
            BUDGETED,
            None,
            Some(2_000),
            effort("minimal").unwrap(),
            json!({"type": "enabled", "budget_tokens": 1_024}),
            Value::Null,
            2_000,
            &[],
        ),
        (BUDGETED, None, Some(1_500), effort("low").unwrap(), json!({"type": "enabled", "budget_tokens": 1_024}), Value::Null, 1_500, &[]),
        (BUDGETED, None, Some(1_000), effort("low").unwrap(), Value::Null, Value::Null, 1_000, &["reasoning"]),
        (
            BUDGETED,
            None,
            Some(200_000),
            effort("xhigh").unwrap(),
            json!({"type": "enabled", "budget_tokens": 128_000}),
            Value::Null,
            200_000,
            &[],
        ),
        (BUDGETED, None, None, effort("medium").unwrap(), json!({"type": "enabled", "budget_tokens": 2_048}), Value::Null, 6_144, &[]),
        (
            BUDGETED,
            None,
            None,
            Reasoning { max_tokens: Some(8_000), ..Reasoning::default() },
            json!({"type": "enabled", "budget_tokens": 8_000}),
            Value::Null,
            12_096,
            &[],
        ),
        (
            BUDGETED,
            None,
            Some(6_000),
            Reasoning { max_tokens: Some(8_000), ..Reasoning::default() },
            json!({"type": "enabled", "budget_tokens": 3_000}),
            Value::Null,
            6_000,
            &[],
        ),
        (
            BUDGETED,
            None,
            Some(8_000),
            Reasoning { enabled: Some(true), ..Reasoning::default() },
            json!({"type": "enabled", "budget_tokens": 4_000}),
            Value::Null,
            8_000,
            &[],
        ),
        (BUDGETED, None, Some(8_000), Reasoning { exclude: true, ..Reasoning::default() }, Value::Null, Value::Null, 8_000, &[]),
        (BUDGETED, None, Some(8_000), effort("none").unwrap(), Value::Null, Value::Null, 8_000, &[]),
        (BOTH, None, Some(8_000), effort("xhigh").unwrap(), json!({"type": "adaptive"}), json!({"effort": "high"}), 8_000, &[]),
        (
            BOTH,
            None,
            Some(8_000),
            Reasoning { max_tokens: Some(2_000), ..Reasoning::default() },
            json!({"type": "enabled", "budget_tokens": 2_000}),
            Value::Null,
            8_000,
            &[],
        ),
        (
            NEWEST,
            None,
            Some(900),
            effort("xhigh").unwrap(),
            json!({"type": "adaptive", "display": "summarized"}),
            json!({"effort": "xhigh"}),
            900,
            &[],
        ),
        (
            NEWEST,
            None,
            Some(8_000),
            Reasoning { max_tokens: Some(2_000), exclude: true, ..Reasoning::default() },
            json!({"type": "adaptive"}),
            Value::Null,
            8_000,
            &["reasoning.max_tokens"],
        ),
        ("claude-opus-5", None, Some(8_000), effort("none").unwrap(), json!({"type": "disabled"}), Value::Null, 8_000, &[]),
        ("claude-3-haiku-20240307", None, Some(4_000), effort("high").unwrap(), Value::Null, Value::Null, 4_000, &["reasoning"]),
    ];
    for (model, stated, bound, reasoning, thinking, output_config, max_tokens, dropped) in cases {
        let request = Request { reasoning: Some(reasoning.clone()), max_tokens: *stated, ..hello() };
        let encoded = encode(&request, &Target { max_tokens: *bound, ..target(model) }).unwrap();
        let body = body(&encoded);
        let got = (&body["thinking"], &body["output_config"], body["max_tokens"].as_u64());
        assert_eq!(got, (thinking, output_config, Some(*max_tokens)), "{model} {reasoning:?} within {bound:?}");
        assert_eq!(encoded.dropped, *dropped, "{model} {reasoning:?}");
    }
}

/// Model, `temperature`, `top_p`, reasoning; what is written, dropped.
type SamplingCase = (&'static str, f64, Option<f64>, Option<Reasoning>, Value, &'static [&'static str]);

#[test]
fn sampling_keeps_to_what_the_model_takes() {
    let thinking = effort("low");
    let cases: &[SamplingCase] = &[
        (BUDGETED, 0.2, None, None, json!({"temperature": 0.2}), &[]),
        (BUDGETED, 1.0, Some(1.0), None, json!({}), &[]),
        (BUDGETED, 1.7, None, None, json!({}), &["temperature"]),
        (BUDGETED, 0.2, Some(0.9), None, json!({"temperature": 0.2}), &["top_p"]),
        (BUDGETED, 1.0, Some(0.9), None, json!({"top_p": 0.9}), &[]),
        (BUDGETED, 0.2, Some(0.9), thinking.clone(), json!({}), &["temperature", "top_p"]),
        (BUDGETED, 1.0, Some(0.97), thinking, json!({"top_p": 0.97}), &[]),
        ("claude-3-5-haiku-20241022", 0.2, Some(0.9), None, json!({"temperature": 0.2, "top_p": 0.9}), &[]),
        (NEWEST, 0.2, Some(0.9), None, json!({}), &["temperature", "top_p"]),
        (NEWEST, 1.0, Some(1.0), None, json!({}), &[]),
    ];
    for (model, temperature, top_p, reasoning, expected, dropped) in cases {
        let sampling = Sampling { temperature: number(*temperature), top_p: top_p.and_then(number), ..Sampling::default() };
        let encoded = encode(&Request { sampling, reasoning: reasoning.clone(), ..hello() }, &target(model)).unwrap();
        let body = body(&encoded);
        let got: serde_json::Map<_, _> =
            ["temperature", "top_p"].into_iter().filter_map(|key| Some((key.to_owned(), body.get(key)?.clone()))).collect();
        assert_eq!(
            (Value::Object(got), encoded.dropped.as_slice()),
            (expected.clone(), &dropped.iter().map(|d| (*d).to_owned()).collect::<Vec<_>>()[..]),
            "{model} {temperature} {top_p:?}"
        );
    }
}

#[test]
fn a_forced_call_keeps_the_model_from_thinking() {
    let request =
        Request { tools: vec![function("f", None, None)], tool_choice: Some(ToolChoice::Required), reasoning: effort("low"), ..hello() };
    for (model, output_config) in [(BUDGETED, Value::Null), (NEWEST, json!({"effort": "low"}))] {
        let encoded = encode(&request, &target(model)).unwrap();
        let body = body(&encoded);
        assert_eq!(
            (&body["thinking"], &body["tool_choice"], &body["output_config"]),
            (&Value::Null, &json!({"type": "any"}), &output_config)
        );
        assert_eq!(encoded.dropped, ["reasoning"]);
    }
}

#[test]
fn a_tool_loop_that_another_family_began_goes_on_without_a_thinking_budget() {
    let looped = |reasoning: Part| Request {
        messages: vec![
            says(Role::User, vec![text("?")]),
            says(Role::Assistant, vec![reasoning, call("a", "{}")]),
            result("a", vec![text("1")]),
        ],
        reasoning: effort("low"),
        ..Request::default()
    };
    let foreign = encode(&looped(thought(Some("x"), "openai-responses-v1")), &target(BUDGETED)).unwrap();
    assert_eq!(body(&foreign)["thinking"], Value::Null);
    assert_eq!(foreign.dropped, ["messages.reasoning_details", "reasoning"]);
    let own = encode(&looped(thought(Some("x"), "anthropic-claude-v1")), &target(BUDGETED)).unwrap();
    assert_eq!(body(&own)["thinking"]["type"], "enabled");
    assert!(own.dropped.is_empty());
}

#[test]
fn tool_choices_have_their_words() {
    for (choice, parallel, expected) in [
        (None, None, Value::Null),
        (None, Some(true), Value::Null),
        (None, Some(false), json!({"type": "auto", "disable_parallel_tool_use": true})),
        (Some(ToolChoice::None), Some(false), json!({"type": "none"})),
        (Some(ToolChoice::Required), Some(false), json!({"type": "any", "disable_parallel_tool_use": true})),
        (Some(ToolChoice::Function("f".into())), None, json!({"type": "tool", "name": "f"})),
    ] {
        let request = Request { tools: vec![function("f", None, None)], tool_choice: choice, parallel_tool_calls: parallel, ..hello() };
        assert_eq!(body(&encode(&request, &target(BUDGETED)).unwrap())["tool_choice"], expected);
    }
    let without_tools = encode(&Request { tool_choice: Some(ToolChoice::Required), ..hello() }, &target(BUDGETED)).unwrap();
    assert_eq!((body(&without_tools).get("tool_choice"), without_tools.dropped.as_slice()), (None, &["tool_choice".to_owned()][..]));
}

#[test]
fn the_last_four_cache_marks_stay() {
    let request = Request {
        messages: vec![
            says(Role::System, vec![marked("s", Cache::Minutes5)]),
            says(Role::User, vec![marked("1", Cache::Minutes5), marked("2", Cache::Minutes5), marked("3", Cache::Hour1), text("4")]),
        ],
        tools: vec![Tool::Function { name: "f".into(), description: None, parameters: None, strict: None, cache: Some(Cache::Minutes5) }],
        cache: Some(Cache::Minutes5),
        ..Request::default()
    };
    let encoded = encode(&request, &target(BUDGETED)).unwrap();
    let body = body(&encoded);
    assert_eq!((body["tools"][0].get("cache_control"), body["system"][0].get("cache_control")), (None, None));
    let marks: Vec<&Value> = body["messages"][0]["content"].as_array().unwrap().iter().map(|block| &block["cache_control"]).collect();
    let five = json!({"type": "ephemeral"});
    assert_eq!(marks, [&five, &five, &json!({"type": "ephemeral", "ttl": "1h"}), &five]);
    assert_eq!(encoded.dropped, ["cache_control"]);
}

#[test]
fn a_conversation_that_the_user_did_not_begin_gets_a_user() {
    let request =
        Request { messages: vec![says(Role::Assistant, vec![text("Hi")]), says(Role::User, vec![text("Ho")])], ..Request::default() };
    assert_eq!(
        body(&encode(&request, &target(BUDGETED)).unwrap())["messages"][0],
        json!({"role": "user", "content": [{"type": "text", "text": "."}]})
    );
    let alone = Request { messages: vec![says(Role::System, vec![text("Say hi")])], ..Request::default() };
    let body = body(&encode(&alone, &target(BUDGETED)).unwrap());
    assert_eq!(
        (body.get("system"), &body["messages"]),
        (None, &json!([{"role": "user", "content": [{"type": "text", "text": "Say hi"}]}]))
    );
}

#[test]
fn verbosity_is_an_effort_and_wins() {
    let extra = |word: &str| vec![("verbosity".to_owned(), raw(json!(word)))];
    for (model, word, output_config, dropped) in
        [(NEWEST, "max", json!({"effort": "max"}), 0), (NEWEST, "shouting", Value::Null, 1), (BUDGETED, "low", Value::Null, 1)]
    {
        let encoded = encode(&Request { extra: extra(word), ..hello() }, &target(model)).unwrap();
        assert_eq!((&body(&encoded)["output_config"], encoded.dropped.len()), (&output_config, dropped), "{model} {word}");
    }
    let both = encode(&Request { extra: extra("low"), reasoning: effort("high"), ..hello() }, &target(NEWEST)).unwrap();
    assert_eq!(body(&both)["output_config"], json!({"effort": "low"}));
}

#[test]
fn what_cannot_be_said_is_refused_by_its_field() {
    let refused = |request: Request| -> EncodeError { encode(&request, &target(BUDGETED)).unwrap_err() };
    let of = |role: Role, part: Part| Request {
        messages: vec![says(Role::User, vec![text("x")]), says(role, vec![text("y"), part])],
        ..Request::default()
    };
    let audio = || Part::Audio { data: "AAAA".into(), format: "wav".into() };
    for (request, field) in [
        (of(Role::User, audio()), "messages[1].content[1]"),
        (of(Role::Assistant, call("a", "{nonsense")), "messages[1].content[1]"),
        (of(Role::Assistant, call("a", "[1]")), "messages[1].content[1]"),
        (of(Role::User, call("a", "{}")), "messages[1].content[1]"),
        (of(Role::Tool, Part::ToolResult { id: "a".into(), parts: vec![audio()], is_error: false, cache: None }), "messages[1].content[1]"),
        (
            of(
                Role::User,
                Part::File { source: Source::Base64 { media_type: "text/csv".into(), data: "YQ==".into() }, name: None, cache: None },
            ),
            "messages[1].content[1]",
        ),
        (
            Request {
                messages: vec![says(
                    Role::System,
                    vec![Part::Image { source: Source::Url("https://e.com/a".into()), detail: None, cache: None }],
                )],
                ..Request::default()
            },
            "messages[0].content[0]",
        ),
        (Request { choices: Some(2), ..hello() }, "n"),
        (Request { messages: vec![says(Role::User, vec![text("  ")])], ..Request::default() }, "messages"),
        (Request { max_tokens: Some(1_000), reasoning: effort("low"), ..hello() }, "max_tokens"),
        (
            Request { max_tokens: Some(4_000), reasoning: Some(Reasoning { max_tokens: Some(50_000), ..Reasoning::default() }), ..hello() },
            "reasoning.max_tokens",
        ),
    ] {
        let max_tokens = request.max_tokens;
        let error =
            if max_tokens.is_some() { encode(&request, &Target { max_tokens, ..target(BUDGETED) }).unwrap_err() } else { refused(request) };
        assert_eq!(error.field, field, "{error}");
    }
}

#[test]
fn null_and_nothing_are_calls_without_arguments() {
    for arguments in ["", "  ", "null", "{}"] {
        let request = Request {
            messages: vec![says(Role::User, vec![text("x")]), says(Role::Assistant, vec![call("a", arguments)]), result("a", vec![])],
            ..Request::default()
        };
        assert_eq!(body(&encode(&request, &target(BUDGETED)).unwrap())["messages"][1]["content"][0]["input"], json!({}));
    }
}

#[test]
fn a_tier_cannot_be_asked_for_and_is_listed_as_dropped() {
    let message = Message { role: Role::User, name: None, parts: vec![text("x")] };
    let request = Request { messages: vec![message], ..Request::default() };
    let encoded = encode(&request, &Target { service_tier: Some(ServiceTier::Priority), ..target(NEWEST) }).unwrap();
    assert_eq!(encoded.dropped, ["service_tier"]);
    assert!(!String::from_utf8(encoded.body.concat()).unwrap().contains("tier"));
}
