use portolan_core::Capability;

use super::*;

/// A body with one message and these further members.
fn with(members: &str) -> String {
    format!(r#"{{"model":"a/b","messages":[{{"role":"user","content":"hi"}}]{}{members}}}"#, if members.is_empty() { "" } else { "," })
}

/// A body with these messages.
fn messages(list: &str) -> String {
    format!(r#"{{"model":"a/b","messages":[{list}]}}"#)
}

/// A body with one user message of these parts.
fn parts(list: &str) -> String {
    messages(&format!(r#"{{"role":"user","content":[{list}]}}"#))
}

fn refusal(body: &str) -> PeekError {
    match peek(body.as_bytes()) {
        Ok(found) => panic!("accepted: {body}\n{found:?}"),
        Err(error) => error,
    }
}

#[test]
fn what_is_no_json_is_refused_with_its_place() {
    let deep = |n: usize| with(&format!("\"x\":{}{}", "[".repeat(n), "]".repeat(n)));
    for (body, want) in [
        ("", "the text ends too early at byte 0"),
        ("\u{feff}{}", "byte order mark at byte 0"),
        ("{\"a\":1,}", "a string is missing at byte 7"),
        ("{\"a\":[1,]}", "a value is missing at byte 8"),
        ("{\"a\":NaN}", "a value is missing at byte 5"),
        ("{\"a\":Infinity}", "a value is missing at byte 5"),
        ("{\"a\":-}", "a digit is missing at byte 6"),
        ("{\"a\":01}", "a comma or a closing bracket is missing at byte 6"),
        ("{\"a\":1.}", "a digit is missing at byte 7"),
        ("{\"a\":+1}", "a value is missing at byte 5"),
        ("{'a':1}", "a string is missing at byte 1"),
        ("{\"a\":1}x", "something follows the JSON value at byte 7"),
        ("{\"a\":\"\n\"}", "control character in a string at byte 6"),
        ("{\"a\":\"\\x\"}", "invalid escape at byte 6"),
        ("{\"a\":\"\\u12g4\"}", "invalid escape at byte 6"),
        ("{\"a\":\"b", "the text ends within a string at byte 7"),
        ("{\"a\":tru}", "a value is missing at byte 5"),
        ("{\"a\" 1}", "a colon is missing at byte 5"),
        ("{\"a\":/* */1}", "a value is missing at byte 5"),
        (&deep(128), "nested deeper than 128 levels"),
        (&deep(100_000), "nested deeper than 128 levels"),
    ] {
        let error = refusal(body);
        assert!(matches!(error, PeekError::Syntax(_)), "{error}");
        assert!(error.to_string().contains(want), "{want:?} is not in {:?}", error.to_string());
    }
    assert!(peek(b"{\"model\":\"\xff\"}").unwrap_err().to_string().contains("invalid UTF-8 at byte 10"));
}

#[test]
fn odd_but_valid_json_passes() {
    let deep = format!("\"x\":{}{}", "[".repeat(127), "]".repeat(127));
    for members in [
        r#""x":1e999999"#,
        r#""x":-0"#,
        r#""x":-0.0E-0"#,
        r#""x":"\ud800""#,
        r#""x":"\u0000""#,
        r#""x":{"a":1,"a":2}"#,
        r#""":{}"#,
        "\"x\" :\t[ ]\r\n",
        &deep,
    ] {
        assert!(peek(with(members).as_bytes()).is_ok(), "{members}: {:?}", peek(with(members).as_bytes()));
    }
    let padded = format!(" \n{}\r\n ", with(""));
    assert!(peek(padded.as_bytes()).is_ok());
}

#[test]
fn what_a_field_cannot_be_is_refused_by_its_path() {
    let many = (0..300).map(|i| format!("\"x{i}\":1")).collect::<Vec<_>>().join(",");
    for (body, field) in [
        ("[]".to_owned(), "body"),
        ("null".to_owned(), "body"),
        (with(&many), "body"),
        (r#"{"messages":[{"role":"user","content":"x"}]}"#.to_owned(), "model"),
        (r#"{"model":null,"messages":[{"role":"user","content":"x"}]}"#.to_owned(), "model"),
        (with(r#""model":"a/c""#), "model"),
        (with(r#""mod\u0065l":"a/c""#), "model"),
        (with(r#""messages":[]"#), "messages"),
        (r#"{"model":"a/b"}"#.to_owned(), "messages"),
        (r#"{"model":"a/b","messages":null}"#.to_owned(), "messages"),
        (r#"{"model":"a/b","messages":{}}"#.to_owned(), "messages"),
        (r#"{"model":"a/b","messages":{"0":{"role":"user"}}}"#.to_owned(), "messages"),
        (messages(""), "messages"),
        (messages("1"), "messages[0]"),
        (messages(r#"{"content":"x"}"#), "messages[0].role"),
        (messages(r#"{"role":"wizard","content":"x"}"#), "messages[0].role"),
        (messages(r#"{"role":["user"],"content":"x"}"#), "messages[0].role"),
        (messages(r#"{"role":"user"}"#), "messages[0].content"),
        (messages(r#"{"role":"user","content":null}"#), "messages[0].content"),
        (messages(r#"{"role":"user","content":1}"#), "messages[0].content"),
        (messages(r#"{"role":"user","content":{"text":"x"}}"#), "messages[0].content"),
        (messages(r#"{"role":"user","content":"x","content":"y"}"#), "messages[0].content"),
        (messages(r#"{"role":"user","content":"x","cont\u0065nt":"y"}"#), "messages[0].content"),
        (messages(r#"{"role":"tool","content":"x"}"#), "messages[0].tool_call_id"),
        (messages(r#"{"role":"assistant","tool_calls":{}}"#), "messages[0].tool_calls"),
        (messages(r#"{"role":"assistant","tool_calls":[{"id":"1"}]}"#), "messages[0].tool_calls[0].function"),
        (
            messages(r#"{"role":"assistant","tool_calls":[{"id":"1","function":{"name":"f","arguments":{}}}]}"#),
            "messages[0].tool_calls[0].function.arguments",
        ),
        (parts(r#""x""#), "messages[0].content[0]"),
        (parts(r#"{"text":"x"}"#), "messages[0].content[0].type"),
        (parts(r#"{"type":"thinking","thinking":"x"}"#), "messages[0].content[0].type"),
        (parts(r#"{"type":"text"}"#), "messages[0].content[0].text"),
        (parts(r#"{"type":"text","text":1}"#), "messages[0].content[0].text"),
        (parts(r#"{"type":"text","text":"a","text":"b"}"#), "messages[0].content[0].text"),
        (parts(r#"{"type":"text","text":"a","image_url":{"url":"https://x/y"}}"#), "messages[0].content[0].image_url"),
        (parts(r#"{"type":"image_url","image_url":{}}"#), "messages[0].content[0].image_url.url"),
        (parts(r#"{"type":"input_audio","input_audio":{"data":"AA"}}"#), "messages[0].content[0].input_audio.format"),
        (parts(r#"{"type":"file","file":{"filename":"a.pdf"}}"#), "messages[0].content[0].file.file_data"),
        (parts(r#"{"type":"text","text":"a","cache_control":{"type":"eternal"}}"#), "messages[0].content[0].cache_control.type"),
        (with(r#""stream":"true""#), "stream"),
        (with(r#""max_tokens":0"#), "max_tokens"),
        (with(r#""max_tokens":-1"#), "max_tokens"),
        (with(r#""max_tokens":1.5"#), "max_tokens"),
        (with(r#""max_tokens":1e3"#), "max_tokens"),
        (with(r#""max_tokens":"10""#), "max_tokens"),
        (with(r#""max_tokens":99999999999999999999"#), "max_tokens"),
        (with(r#""max_tokens":1,"max_completion_tokens":2"#), "max_tokens"),
        (with(r#""n":0"#), "n"),
        (with(r#""n":129"#), "n"),
        (with(r#""temperature":"0""#), "temperature"),
        (with(r#""temperature":1e999999"#), "temperature"),
        (with(r#""reasoning_effort":"silly""#), "reasoning_effort"),
        (with(r#""reasoning":{"effort":"silly"}"#), "reasoning.effort"),
        (with(r#""seed":1.5"#), "seed"),
        (with(r#""stop":["1","2","3","4","5"]"#), "stop"),
        (with(r#""stop":[1]"#), "stop[0]"),
        (with(r#""stop":{}"#), "stop"),
        (with(r#""logit_bias":[]"#), "logit_bias"),
        (with(r#""top_logprobs":21"#), "top_logprobs"),
        (with(r#""tools":{}"#), "tools"),
        (with(r#""tools":["f"]"#), "tools[0]"),
        (with(r#""tools":[{"function":{"name":"f"}}]"#), "tools[0].type"),
        (with(r#""tools":[{"type":"function","function":{}}]"#), "tools[0].function.name"),
        (with(r#""tools":[{"type":"function","function":{"name":"f","parameters":"{}"}}]"#), "tools[0].function.parameters"),
        (with(r#""tool_choice":"all""#), "tool_choice"),
        (with(r#""tool_choice":{"type":"function"}"#), "tool_choice.function.name"),
        (with(r#""response_format":"json""#), "response_format"),
        (with(r#""response_format":{"type":"json_schema"}"#), "response_format.json_schema"),
        (with(r#""models":"a/b""#), "models"),
        (with(r#""models":[""]"#), "models[0]"),
        (with(r#""metadata":{"a":1}"#), "metadata.a"),
        (with(r#""provider":[]"#), "provider"),
        (with(r#""provider":{"order":"openai"}"#), "provider.order"),
        (with(r#""provider":{"order":[],"order":["x"]}"#), "provider.order"),
        (with(r#""provider":{"only":null,"only":["x"]}"#), "provider.only"),
        (with(r#""provider":{"allow_fallbacks":"no"}"#), "provider.allow_fallbacks"),
        (with(r#""service_tier":"best""#), "service_tier"),
        (with(r#""service_tier":1"#), "service_tier"),
        (with(&format!(r#""session_id":"{}""#, "é".repeat(257))), "session_id"),
        (with(r#""reasoning":{"effort":"low","max_tokens":9}"#), "reasoning"),
        (with(r#""reasoning":{"effort":"low"},"reasoning_effort":"high""#), "reasoning_effort"),
        (with(r#""reasoning":{"max_tokens":9},"reasoning_effort":"high""#), "reasoning_effort"),
        (with(r#""cache_control":{"type":"ephemeral","ttl":"1d"}"#), "cache_control.ttl"),
    ] {
        let error = refusal(&body);
        assert_eq!(error.field(), Some(field), "{error}\n{}", &body[..body.len().min(300)]);
        assert_eq!(error.rule(), "invalid_request", "{error}");
    }
}

#[test]
fn what_is_not_built_is_refused_by_name_unless_its_value_changes_nothing() {
    for (members, field) in [
        (r#""provider":{"regions":["eu"]}"#, "provider.regions"),
        (r#""plugins":[{"id":"web"}]"#, "plugins[0]"),
        (r#""preset":"x""#, "preset"),
        (r#""transforms":["middle-out"]"#, "transforms"),
        (r#""route":"sort""#, "route"),
        (r#""web_search_options":{}"#, "web_search_options"),
        (r#""x_search_filter":{}"#, "x_search_filter"),
        (r#""stop_server_tools_when":[{}]"#, "stop_server_tools_when"),
        (r#""max_tool_calls":3"#, "max_tool_calls"),
        (r#""tools":[{"type":"openrouter:web_search"}]"#, "tools[0].type"),
        (r#""tools":[{"type":"web_search_preview"}]"#, "tools[0].type"),
        (r#""tool_choice":{"type":"openrouter:web_search"}"#, "tool_choice.type"),
        (r#""models":["@preset/x"]"#, "models[0]"),
        (r#""image_config":{"size":"1K"}"#, "image_config"),
        (r#""modalities":["text","image"]"#, "modalities"),
        (r#""service_tier":"scale""#, "service_tier"),
        (r#""provider":{"options":{"x":{}}}"#, "provider.options"),
        (r#""deferred_tools":{}"#, "deferred_tools"),
        (r#""debug":{"echo_upstream_body":true}"#, "debug.echo_upstream_body"),
        (r#""background":true"#, "background"),
        (r#""functions":[{"name":"f"}]"#, "functions"),
        (r#""reasoning":{"mode":"pro"}"#, "reasoning.mode"),
        (r#""zdr":true"#, "zdr"),
        (r#""data_collection":"deny""#, "data_collection"),
        (r#""max_price":{"prompt":1}"#, "max_price"),
        (r#""quantizations":["fp8"]"#, "quantizations"),
        (r#""require_parameters":true"#, "require_parameters"),
    ] {
        let error = refusal(&with(members));
        assert!(matches!(error, PeekError::NotSupported { .. }), "{error}");
        assert_eq!((error.field(), error.rule()), (Some(field), "not_supported"));
    }
    for list in [
        r#"{"role":"function","name":"f","content":"x"}"#,
        r#"{"role":"user","content":[{"type":"video_url","video_url":{"url":"https://x"}}]}"#,
        r#"{"role":"user","content":[{"type":"file","file":{"file_id":"file_1"}}]}"#,
        r#"{"role":"assistant","function_call":{"name":"f","arguments":"{}"}}"#,
        r#"{"role":"system","content":"x","configuration_update":{}}"#,
    ] {
        assert!(matches!(refusal(&messages(list)), PeekError::NotSupported { .. }), "{list}");
    }
    let harmless = r#""provider":{"zdr":false,"data_collection":"allow","require_parameters":false,"quantizations":[ ],"max_price":{},
        "sort":null,"enforce_distillable_text":false,"anything":null},"plugins":[{"id":"web","enabled":false}],"preset":null,"transforms":[],
        "route":"fallback","stop_server_tools_when":[],"image_config":null,"modalities":[ "text" ],"service_tier":"auto","debug":{},
        "background":false,"usage":{"include":true},"reasoning":{"mode":"standard","context":"auto"}"#;
    assert!(peek(with(harmless).as_bytes()).is_ok());
}

#[test]
fn null_is_absent_for_every_known_field() {
    for known in fields::names().filter(|name| !["messages", "model"].contains(name)) {
        let found = peek(with(&format!("\"{known}\":null")).as_bytes()).unwrap_or_else(|e| panic!("{known}: {e}"));
        assert_eq!(found.field(known), None);
    }
}

#[test]
fn a_body_is_summed_up() {
    let body = r#"{"models":["a/b","c/d","a/b"],"model":"c/d","stream":true,"max_completion_tokens":50,"n":2,"user":"u\u00e9",
        "session_id":"s","prompt_cache_key":"k","trace":{"trace_id":"t","x":[1]},"metadata":{"a":"b"},"logprobs":true,
        "provider":{"order":["openai","azure/eu"],"only":["openai"],"ignore":["x"],"allow_fallbacks":false},
        "tools":[{"type":"function","function":{"name":"f","parameters":{}}},{"type":"mcp","server_url":"https://x"}],"tool_choice":"required",
        "response_format":{"type":"json_schema","json_schema":{"name":"s","schema":{}}},"reasoning":{"effort":"high"},"include_reasoning":false,
        "messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x/y.png"}},
            {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}},{"type":"input_audio","input_audio":{"data":"BBBBBB","format":"wav"}},
            {"type":"file","file":{"file_data":"data:application/pdf;base64,CC"}},{"type":"text","text":"x","cache_control":{"type":"ephemeral"}}]}]}"#;
    let found = peek(body.as_bytes()).unwrap();
    assert_eq!(found.models, ["c/d", "a/b"]);
    assert!(found.stream && found.hosted_tools && found.reasoning_excluded);
    assert_eq!((found.max_tokens, found.choices, found.messages), (Some(50), 2, 1));
    assert_eq!((found.user.as_deref(), found.session_id.as_deref(), found.trace_id.as_deref()), (Some("ué"), Some("s"), Some("t")));
    assert_eq!(found.prompt_cache_key.as_deref(), Some("k"));
    assert_eq!(&body[found.trace.clone().unwrap()], r#"{"trace_id":"t","x":[1]}"#);
    assert_eq!(&body[found.metadata.clone().unwrap()], r#"{"a":"b"}"#);
    assert_eq!(found.preferences.order, ["openai", "azure/eu"]);
    assert_eq!((found.preferences.only.len(), found.preferences.ignore.len(), found.preferences.allow_fallbacks), (1, 1, false));
    use Capability::*;
    let needs = [ImageInput, FileInput, AudioInput, Tools, ToolChoice, StructuredOutputs, Reasoning, Logprobs];
    assert_eq!(found.needs, needs.into_iter().collect());
    assert_eq!(found.media.images, Medium { count: 2, inline_bytes: 26 });
    assert_eq!(found.media.audios, Medium { count: 1, inline_bytes: 6 });
    assert_eq!(found.media.files, Medium { count: 1, inline_bytes: 30 });
    assert_eq!(found.raw_blockers, [RawBlocker::Reasoning, RawBlocker::File, RawBlocker::PartCacheControl]);
    assert_eq!(found.reasoning, Some(ir::Reasoning { effort: Some("high".into()), exclude: true, ..ir::Reasoning::default() }));
}

#[test]
fn only_what_an_endpoint_would_refuse_closes_the_raw_lane() {
    let assistant = |members: &str| messages(&format!(r#"{{"role":"assistant","content":"x",{members}}}"#));
    for (body, want) in [
        (with(""), None),
        (with(r#""reasoning":{"exclude":true},"include_reasoning":true"#), None),
        (with(r#""reasoning":{"effort":null}"#), None),
        (with(r#""reasoning_effort":"low""#), None),
        (assistant(r#""reasoning_content":"x","refusal":null,"reasoning":null,"annotations":[]"#), None),
        (with(r#""reasoning":{"enabled":true}"#), Some(RawBlocker::Reasoning)),
        (with(r#""cache_control":{"type":"ephemeral"}"#), Some(RawBlocker::CacheControl)),
        (assistant(r#""reasoning":"x""#), Some(RawBlocker::ReasoningText)),
        (assistant(r#""reasoning_details":[]"#), Some(RawBlocker::ReasoningDetails)),
        (assistant(r#""annotations":[{}]"#), Some(RawBlocker::AnswerFields)),
        (
            with(r#""tools":[{"type":"function","function":{"name":"f"},"cache_control":{"type":"ephemeral"}}]"#),
            Some(RawBlocker::PartCacheControl),
        ),
    ] {
        assert_eq!(peek(body.as_bytes()).unwrap().raw_blockers.first().copied(), want, "{body}");
    }
}

#[test]
fn text_bytes_bound_the_text_and_leave_inline_media_out() {
    let of = |body: String| peek(body.as_bytes()).unwrap().text_bytes;
    let base = of(with(""));
    assert!(base >= 2);
    assert_eq!(of(with(r#""temperature":1,"user":"someone","provider":{"order":["x"]}"#)), base);
    assert_eq!(of(with(r#""documents":["abc"]"#)), base + 7);
    assert_eq!(of(with(r#""tools":[]"#)), base + 2);
    // Escapes count as the text that they mean.
    let escaped = of(messages(r#"{"role":"user","content":"\n\u6f22"}"#));
    assert_eq!(escaped, of(messages("{\"role\":\"user\",\"content\":\"漢x\"}")));
    let image = |data: &str| parts(&format!(r#"{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{data}"}}}}"#));
    assert_eq!(of(image("AAAA")), of(image(&"A".repeat(10_000))));
}

#[test]
fn a_session_id_may_have_256_characters_of_any_length() {
    let id = "é".repeat(256);
    assert_eq!(peek(with(&format!("\"session_id\":\"{id}\"")).as_bytes()).unwrap().session_id, Some(id));
}

#[test]
fn a_service_tier_is_read_and_whether_it_was_stated() {
    use portolan_core::ServiceTier::{Flex, Priority};
    for (members, tier, stated) in [
        ("", None, false),
        (r#""service_tier":null"#, None, false),
        (r#""service_tier":"auto""#, None, true),
        (r#""service_tier":"default""#, None, true),
        (r#""service_tier":"flex""#, Some(Flex), true),
        (r#""service_tier":"priority""#, Some(Priority), true),
        (r#""service_tier":"fast""#, Some(Priority), true),
    ] {
        let found = peek(with(members).as_bytes()).unwrap();
        assert_eq!((found.service_tier, found.service_tier_stated), (tier, stated), "{members}");
    }
    for (value, want) in [
        ("best", "service_tier: must be auto, default, flex, priority or fast"),
        ("scale", "service_tier: scale is not supported; use auto, default, flex, priority or fast"),
    ] {
        assert_eq!(refusal(&with(&format!("\"service_tier\":\"{value}\""))).to_string(), want);
    }
}

#[test]
fn the_parameters_in_use_have_the_names_that_endpoints_list() {
    for (members, want) in [
        ("", ""),
        (r#""temperature":1,"top_p":null,"seed":0,"custom":1,"user":"x","n":2"#, "seed temperature"),
        (r#""max_completion_tokens":5"#, "max_tokens"),
        (r#""max_tokens":5,"max_completion_tokens":5"#, "max_tokens"),
        (r#""reasoning_effort":"low""#, "reasoning"),
        (r#""reasoning":{"effort":"low"},"include_reasoning":true"#, "include_reasoning reasoning"),
        (r#""response_format":{"type":"json_object"}"#, "response_format"),
        (r#""response_format":{"type":"json_schema","json_schema":{"schema":{}}}"#, "response_format structured_outputs"),
        (
            r#""tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"auto","parallel_tool_calls":true"#,
            "parallel_tool_calls tool_choice tools",
        ),
        (r#""stop":"x","logprobs":true,"top_logprobs":1,"verbosity":"low","top_k":1"#, "logprobs stop top_k top_logprobs verbosity"),
        // Values that ask an endpoint for nothing.
        (r#""tools":[],"stop":[ ],"logit_bias":{},"logprobs":false,"top_logprobs":0,"include_reasoning":false"#, ""),
        (r#""logit_bias":{"50256":null},"response_format":{"type":"text","json_schema":null}"#, ""),
        (r#""reasoning":{}"#, ""),
        (r#""reasoning":{"exclude":true,"effort":null}"#, ""),
        // Values beside them that do.
        (r#""tool_choice":"none","tools":[]"#, "tool_choice"),
        (r#""stop":"","logit_bias":{"50256":0},"top_logprobs":1,"logprobs":false"#, "logit_bias stop top_logprobs"),
        (r#""response_format":{"type":"grammar"},"include_reasoning":true"#, "include_reasoning response_format"),
        (r#""reasoning":{"exclude":true},"reasoning_effort":"low""#, "reasoning"),
        (r#""reasoning":{"exclude":true,"summary":"auto"}"#, "reasoning"),
        // A model that reasons unasked must be told not to.
        (r#""reasoning":{"effort":"none"}"#, "reasoning"),
        (r#""reasoning":{"enabled":false}"#, "reasoning"),
        (r#""reasoning_effort":"none""#, "reasoning"),
    ] {
        let found = peek(with(members).as_bytes()).unwrap().parameters;
        assert_eq!(found.names().collect::<Vec<_>>().join(" "), want, "{members}");
    }
}

#[test]
fn a_conversation_is_known_by_its_first_instruction_and_its_first_message() {
    let of = |list: &str| peek(messages(list).as_bytes()).unwrap().conversation;
    let (system, hi, answer) =
        (r#"{"role":"system","content":"s"}"#, r#"{"role":"user","content":"hi"}"#, r#"{"role":"assistant","content":"yes?"}"#);
    let first = of(&[system, hi].join(","));
    assert_eq!(of(&[system, hi, answer, r#"{"content":"more","role":"user"}"#].join(",")), first, "it goes on");
    assert_eq!(of(&[hi, system, answer, r#"{"role":"developer","content":"t"}"#].join(" , ")), first, "the first of each kind counts");
    for other in [
        hi.to_owned(),
        system.to_owned(),
        [system, answer].join(","),
        [r#"{"role":"system","content":"t"}"#, hi].join(","),
        [system, r#"{"role":"user","content":"ho"}"#].join(","),
    ] {
        assert_ne!(of(&other), first, "{other}");
    }
    // What follows the first bytes of a long message counts by its length.
    let long = |n: usize, end: &str| of(&format!(r#"{{"role":"user","content":"{}{end}"}}"#, "x".repeat(n)));
    assert_eq!(long(5000, "a"), long(5000, "b"));
    assert_ne!(long(5000, "a"), long(5001, "a"));
}

proptest::proptest! {
    #[test]
    fn peek_never_panics_and_agrees_with_serde_about_syntax(bytes in proptest::collection::vec(proptest::sample::select(b"{}[]\",:\\u0019eE+-. \ntruefalsn\xc3\xa9\x01".to_vec()), 0..200)) {
        let serde = serde_json::from_slice::<&serde_json::value::RawValue>(&bytes).is_ok();
        let ours = crate::json::utf8(&bytes).and_then(|text| {
            let mut reader = crate::json::Reader::new(text);
            reader.skip()?;
            reader.end()
        });
        proptest::prop_assert_eq!(serde, ours.is_ok(), "{:?}", ours);
        let _ = peek(&bytes);
    }
}

#[test]
fn another_spelling_of_a_known_field_is_refused_for_some_providers_take_one_for_the_other() {
    let body = |name: &str| format!(r#"{{"model":"a/b","messages":[{{"role":"user","content":"x"}}],"{name}":null}}"#);
    for (name, known) in [("Model", "model"), ("SERVICE_TIER", "service_tier"), ("\u{17f}ervice_tier", "service_tier"), ("to\u{212a}", "")]
    {
        let found = super::peek(body(name).as_bytes());
        match known {
            "" => assert!(found.is_ok(), "{name}"),
            known => assert!(found.unwrap_err().to_string().contains(&format!("must be written {known}")), "{name}"),
        }
    }
    assert!(super::peek(body("chat_Template").as_bytes()).is_ok(), "what nobody knows passes");
}

#[test]
fn fields_that_make_a_provider_search_count_as_hosted_tools() {
    let hosted = |field: &str| {
        let body = format!(r#"{{"model":"a/b","messages":[{{"role":"user","content":"x"}}]{field}}}"#);
        super::peek(body.as_bytes()).unwrap().hosted_tools
    };
    for (field, expected) in [
        (r#","search_parameters":{"mode":"auto"}"#, true),
        (r#","enable_search":true"#, true),
        (r#","enable_search":false"#, false),
        (r#","search_parameters":null"#, false),
        ("", false),
    ] {
        assert_eq!(hosted(field), expected, "{field}");
    }
}

#[test]
fn what_is_to_be_kept_contradicts_zero_data_retention() {
    let read = |zdr: bool, field: &str| {
        let body = format!(r#"{{"model":"a/b","messages":[{{"role":"user","content":"x"}}],"provider":{{"zdr":{zdr}}},{field}}}"#);
        super::peek(body.as_bytes()).err().map(|e| e.to_string())
    };
    for field in [r#""store":true"#, r#""prompt_cache_retention":"24h""#] {
        assert!(read(true, field).is_some_and(|e| e.contains("provider.zdr forbids")), "{field}");
        assert_eq!(read(false, field), None, "{field}");
    }
    for field in [r#""store":false"#, r#""store":null"#, r#""prompt_cache_retention":"in_memory""#] {
        assert_eq!(read(true, field), None, "{field}");
    }
}
