//! What is refused, by which rule and in which words; and what never shows: secrets.

use std::collections::BTreeSet;
use std::time::Duration;

use portolan_testkit::{Config, Provider, Request, Sim, TestApp, raw};
use serde_json::{Value, json};

use crate::BINARY;

const BODY_BYTES_MAX: usize = 4096;

fn chat() -> Value {
    json!({ "model": "openai/gpt-4o-mini", "messages": [{ "role": "user", "content": "Hello" }] })
}

/// `chat` with one field more.
fn with(name: &str, value: Value) -> Value {
    let mut body = chat();
    body[name] = value;
    body
}

fn app() -> TestApp {
    TestApp::start(BINARY.as_ref(), &Config::new().server(&format!("body_bytes_max = {BODY_BYTES_MAX}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_in_the_settings_of_the_auto_router_is_named() {
    let app = app();
    let own = |more: Value| {
        let mut plugin = json!({ "id": "auto-router" });
        plugin.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        plugin
    };
    let off = json!({ "id": "auto-router", "enabled": false });
    let twice = json!([own(json!({ "cost_tier": "max" })), off, own(json!({ "excluded_models": ["openai/*"] }))]);
    for (plugins, field, words) in [
        (twice, "plugins[2].id", "stands twice"),
        (json!([own(json!({ "cost_tier": 3 }))]), "plugins[0].cost_tier", "must be one of low, medium, high, xhigh and max"),
        (json!([off, own(json!({ "cost_tier": "cheap" }))]), "plugins[1].cost_tier", "must be one of"),
        (json!([own(json!({ "cost_quality_tradeoff": 11 }))]), "plugins[0].cost_quality_tradeoff", "between 0 and 10"),
        (json!([own(json!({ "cost_quality_tradeoff": "x" }))]), "plugins[0].cost_quality_tradeoff", "between 0 and 10"),
        (json!([own(json!({ "excluded_models": ["a/*", 7] }))]), "plugins[0].excluded_models[1]", "must be a pattern"),
        (json!([own(json!({ "excluded_models": ["a/*", ""] }))]), "plugins[0].excluded_models[1]", "1 to 1024 characters"),
        (json!([own(json!({ "models": [] }))]), "plugins[0].models", "is no setting of the auto-router"),
        (json!([off, own(json!({ "models": [] }))]), "plugins[1].models", "is no setting of the auto-router"),
        (json!([own(json!({ "pin_model": true }))]), "plugins[0].pin_model", "is not supported"),
        (json!([own(json!({ "pin_model": 1 }))]), "plugins[0].pin_model", "must be false"),
    ] {
        let body = json!({ "model": "openrouter/auto", "messages": [{ "role": "user", "content": "Hi" }], "plugins": plugins });
        let answer = app.chat(&body).send().await.unwrap();
        let error = answer.json()["error"].take();
        assert_eq!((answer.status, error["metadata"]["field"].as_str()), (400, Some(field)), "{body}: {error}");
        let message = error["message"].as_str().unwrap();
        assert!(message.starts_with(&format!("{field}: ")) && message.contains(words), "{message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_unknown_model_is_answered_alike_with_the_nearest_names() {
    let app = app();
    for (name, nearest) in [
        ("gpt-4o-mini", "openai/gpt-4o-mini"),
        ("gpt-4o-mini:nitro", "openai/gpt-4o-mini"),
        ("claude-sonnet-4.5", "anthropic/claude-sonnet-4.5"),
        ("openai/gpt-4o-mini ", "openai/gpt-4o-mini"),
        ("openai/gpt-4o-mni", "openai/gpt-4o-mini"),
    ] {
        let mut body = chat();
        body["model"] = name.into();
        let answer = app.chat(&body).send().await.unwrap();
        let error = answer.json()["error"].take();
        let metadata = &error["metadata"];
        let told = (answer.status, metadata["rule"].as_str(), metadata["field"].as_str());
        assert_eq!(told, (400, Some("model_not_found"), Some("model")), "{error}");
        let wanted = format!("{name} is not a valid model ID. Did you mean {nearest}");
        assert!(error["message"].as_str().unwrap().starts_with(&wanted), "{error}");
        assert_eq!(error["availability"], json!({ "code": "model_not_found", "retryable": false, "requested_models": [name] }));
    }
    for (name, said) in [
        (
            "openai/gpt-4o-mini\u{0}",
            "openai/gpt-4o-mini is not a valid model ID: the name holds a control character, which is not shown here; leave it out",
        ),
        (
            "openai/\u{1b}gpt\n-4o-mini",
            "openai/gpt-4o-mini is not a valid model ID: the name holds a control character, which is not shown here; leave it out",
        ),
    ] {
        let mut body = chat();
        body["model"] = name.into();
        let error = app.chat(&body).send().await.unwrap().json()["error"].take();
        assert_eq!((&error["message"], &error["metadata"]["rule"]), (&json!(said), &json!("model_not_found")), "{error}");
    }
    let (status, body) = app.get("/api/v1/model/openai/gpt-4o-mni").await.unwrap();
    let message = body["error"]["message"].as_str().unwrap();
    assert!(status == 404 && message.contains("Did you mean openai/gpt-4o-mini"), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_by_the_router_tells_what_the_router_did_where_the_caller_asks() {
    let app = app();
    let body = with("provider", json!({ "only": ["anthropic"] }));
    let mute = app.chat(&body).send().await.unwrap().json();
    assert!(mute["error"]["code"] == 404 && mute["openrouter_metadata"].is_null(), "{mute}");
    let told = app.chat(&body).header("X-OpenRouter-Metadata", "enabled").send().await.unwrap().json();
    assert_eq!(told["error"], mute["error"]);
    let router = &told["openrouter_metadata"];
    assert_eq!((&router["requested"], &router["strategy"], &router["attempt"]), (&body["model"], &json!("direct"), &json!(0)), "{told}");
    assert!(router["endpoints"]["total"].as_u64() > Some(0) && router["endpoints"]["available"] == json!([]), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_built_is_refused_by_name_and_never_skipped() {
    let app = app();
    let cases: &[(&str, Value)] = &[
        ("provider.options", with("provider", json!({ "options": { "openai": {} } }))),
        ("provider.something_new", with("provider", json!({ "something_new": true }))),
        ("plugins[0]", with("plugins", json!([{ "id": "web" }]))),
        ("preset", with("preset", json!("mine"))),
        ("model", with("model", json!("@preset/mine"))),
        ("model", with("model", json!("openai/gpt-4o-mini:online"))),
        ("model", with("model", json!("openai/gpt-4o-mini:batch:nitro"))),
        ("model", with("model", json!("anthropic/claude-haiku-4.5:batch"))),
        ("model", with("model", json!("anthropic/no-such-model:batch"))),
        ("models[1]", with("models", json!(["openai/gpt-4o-mini", "openai/gpt-4o:batch"]))),
        ("model", with("model", json!("openrouter/fusion"))),
        ("models[1]", with("models", json!(["openai/gpt-4o-mini", "openai/gpt-4o@preset/mine"]))),
        ("transforms", with("transforms", json!(["middle-out"]))),
        ("route", with("route", json!("other"))),
        ("service_tier", with("service_tier", json!("scale"))),
        ("modalities", with("modalities", json!(["image", "text"]))),
        ("web_search_options", with("web_search_options", json!({}))),
        ("background", with("background", json!(true))),
        ("debug.echo_upstream_body", with("debug", json!({ "echo_upstream_body": true }))),
        ("functions", with("functions", json!([{ "name": "f" }]))),
    ];
    for (field, body) in cases {
        for path in ["/api/v1/chat/completions", "/v1/chat/completions", "/api/v1/portolan/explain"] {
            let answer = app.request("POST", path).json(body).send().await.unwrap();
            let metadata = answer.json()["error"]["metadata"].take();
            assert_eq!(
                (answer.status, metadata["rule"].as_str(), metadata["field"].as_str()),
                (400, Some("not_supported"), Some(*field)),
                "{path} {body}: {}",
                answer.text()
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_wrong_gets_a_400_that_names_the_field() {
    let app = app();
    let deep = format!(
        r#"{{"model":"openai/gpt-4o-mini","messages":[{{"role":"user","content":"x"}}],"extra":{}1{}}}"#,
        "[".repeat(129),
        "]".repeat(129)
    );
    let cases: &[(Option<&str>, String)] = &[
        (None, String::new()),
        (None, "null".to_owned()),
        (None, "[]".to_owned()),
        (None, "{".to_owned()),
        (None, "{} {}".to_owned()),
        (None, deep),
        (None, "\u{feff}{}".to_owned()),
        (None, r#"{"model":"openai/gpt-4o-mini","model":"openai/gpt-4o","messages":[{"role":"user","content":"x"}]}"#.to_owned()),
        (Some("messages"), r#"{"model":"openai/gpt-4o-mini"}"#.to_owned()),
        (Some("messages"), with("messages", json!([])).to_string()),
        (Some("messages"), with("messages", json!("hi")).to_string()),
        (Some("messages[0].role"), with("messages", json!([{ "content": "x" }])).to_string()),
        (Some("model"), with("model", json!(7)).to_string()),
        (Some("stream"), with("stream", json!("yes")).to_string()),
        (Some("temperature"), with("temperature", json!("hot")).to_string()),
        (Some("max_tokens"), with("max_tokens", json!(0)).to_string()),
        (Some("max_tokens"), with("max_tokens", json!(-1)).to_string()),
        (Some("max_tokens"), with("max_tokens", json!(1.5)).to_string()),
        (Some("n"), with("n", json!(129)).to_string()),
        (Some("provider.order"), with("provider", json!({ "order": "openai" })).to_string()),
        (Some("provider"), with("provider", json!([])).to_string()),
        (Some("provider.zdr"), with("provider", json!({ "zdr": "yes" })).to_string()),
        (Some("provider.sort"), with("provider", json!({ "sort": "speed" })).to_string()),
        (Some("provider.quantizations[0]"), with("provider", json!({ "quantizations": ["q4"] })).to_string()),
        (Some("provider.max_price.prompt"), with("provider", json!({ "max_price": { "prompt": -1 } })).to_string()),
        (Some("service_tier"), with("service_tier", json!("best")).to_string()),
    ];
    for (field, body) in cases {
        let answer = app.request("POST", "/api/v1/chat/completions").body(body.clone()).send().await.unwrap();
        let error = answer.json()["error"].take();
        assert_eq!((answer.status, error["metadata"]["error_type"].as_str()), (400, Some("invalid_request")), "{body}: {error}");
        if let Some(field) = field {
            assert_eq!(error["metadata"]["field"], *field, "{body}: {error}");
        }
        assert!(answer.header("x-generation-id").is_some() && error["metadata"]["provider_name"].is_null(), "{body}: {error}");
    }
    let mut latin = chat().to_string().into_bytes();
    latin.truncate(latin.len() - 2);
    latin.extend(b",\"x\":\"\xff\"}");
    assert_eq!(app.request("POST", "/api/v1/chat/completions").body(latin).send().await.unwrap().status, 400, "it is no UTF-8");
    let unknown = app.chat(&with("model", json!("openai/gpt-4o-mimi"))).send().await.unwrap();
    assert_eq!((unknown.status, &unknown.json()["error"]["metadata"]["rule"]), (400, &json!("model_not_found")), "{}", unknown.text());
    assert_eq!(app.metrics().matches("portolan_generations_total{").count(), 0, "nothing of it was a generation");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_one_valid_key_authenticates() {
    let app = app();
    let (other, _) = app.create_key(&json!({ "name": "other" }));
    let (key, wrong) = (app.key.clone(), format!("sk-or-v1-{}", "00".repeat(32)));
    let bearer = |key: &str| ("authorization", format!("Bearer {key}"));
    let cases: &[(u16, Vec<(&str, String)>)] = &[
        (200, vec![bearer(&key)]),
        (200, vec![("authorization", format!("bearer {key}"))]),
        (200, vec![("x-api-key", key.clone())]),
        (200, vec![("x-goog-api-key", key.clone())]),
        (200, vec![bearer(&key), ("x-api-key", key.clone())]),
        (401, vec![]),
        (401, vec![bearer(&wrong)]),
        (401, vec![bearer("")]),
        (401, vec![bearer(&key[..key.len() - 1])]),
        (401, vec![bearer(&key.to_uppercase())]),
        (401, vec![("authorization", key.clone())]),
        (401, vec![("authorization", format!("Basic {key}"))]),
        (401, vec![bearer(&key), ("x-api-key", other.clone())]),
        (401, vec![bearer(&key), bearer(&other)]),
        (401, vec![bearer(&wrong), ("x-goog-api-key", key.clone())]),
        (401, vec![("cookie", format!("key={key}"))]),
        (401, vec![("x-api-key", app.create_key(&json!({ "name": "third" })).1)]),
    ];
    for (status, headers) in cases {
        for (method, path) in [("GET", "/api/v1/key"), ("POST", "/v1/chat/completions")] {
            let request = Request::new(app.address, method, path);
            let request = if method == "POST" { request.json(&chat()) } else { request };
            let answer = headers.iter().fold(request, |request, (name, value)| request.header(name, value)).send().await.unwrap();
            assert_eq!(answer.status, *status, "{headers:?} {path}: {}", answer.text());
            if *status == 401 {
                assert_eq!(answer.json()["error"]["code"], 401);
                assert!(!answer.text().contains("sk-or-v1-"), "{}", answer.text());
            }
        }
    }
    assert_eq!(Request::new(app.address, "GET", &format!("/api/v1/key?key={key}")).send().await.unwrap().status, 401, "no key in a URL");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_switched_off_expired_rotated_or_deleted_is_dead_at_once() {
    let app = app();
    let call = async |key: &str| {
        let answer = Request::new(app.address, "POST", "/api/v1/chat/completions").bearer(key).json(&chat()).send().await.unwrap();
        (answer.status, answer.json()["error"]["metadata"]["rule"].as_str().map(str::to_owned))
    };
    let dead = |rule: Option<&str>| (401, rule.map(str::to_owned));
    let (key, hash) = app.create_key(&json!({ "name": "switched" }));
    assert_eq!(call(&key).await.0, 200);
    assert_eq!(app.administrate("PATCH", &format!("/keys/{hash}"), Some(&json!({ "disabled": true }))).0, 200);
    assert_eq!(call(&key).await, dead(Some("key_disabled")));
    let (status, explained) = app.administrate("POST", &format!("/explain?key={hash}"), Some(&chat()));
    assert_eq!((status, &explained["data"]["refusal"]["metadata"]["rule"]), (200, &json!("key_disabled")), "{explained}");
    assert_eq!(app.administrate("PATCH", &format!("/keys/{hash}"), Some(&json!({ "disabled": false }))).0, 200);
    assert_eq!(call(&key).await.0, 200);
    for path in [format!("/keys/{hash}"), "/keys".to_owned()] {
        let (_, shown) = app.administrate("GET", &path, None);
        let key = if shown["data"].is_array() { &shown["data"][0] } else { &shown["data"] };
        assert!(key["last_used_at"].is_string(), "{path}: {shown}");
    }
    let (status, rotated) = app.administrate("POST", &format!("/keys/{hash}/rotate"), None);
    assert_eq!(status, 200, "{rotated}");
    assert_eq!(call(&key).await, dead(None));
    let (key, hash) = (rotated["key"].as_str().unwrap(), rotated["data"]["hash"].as_str().unwrap());
    assert_eq!(call(key).await.0, 200);
    assert!(matches!(app.administrate("DELETE", &format!("/keys/{hash}"), None).0, 200 | 204));
    assert_eq!(call(key).await, dead(None));
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(2);
    let (key, _) = app.create_key(&json!({ "name": "short-lived", "expires_at": soon.to_string() }));
    assert_eq!(call(&key).await.0, 200);
    while jiff::Timestamp::now() <= soon {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(call(&key).await, dead(Some("key_expired")));
    // A budget of nothing is no budget: refused before anything is sent.
    let (key, _) = app.create_key(&json!({ "name": "poor", "limit": 0 }));
    assert_eq!(call(&key).await, (402, Some("budget_exhausted".to_owned())));
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_and_headers_beyond_their_limits_are_refused() {
    let app = app();
    let large = with("user", json!("x".repeat(BODY_BYTES_MAX))).to_string();
    let answer = app.request("POST", "/api/v1/chat/completions").body(large.clone()).send().await.unwrap();
    let told = |answer: &portolan_testkit::Answer| answer.json()["error"]["metadata"]["rule"].as_str().map(str::to_owned);
    assert_eq!((answer.status, told(&answer).as_deref()), (413, Some("limit")));
    for encoding in ["gzip", "br", "GZIP", "identity, gzip"] {
        let answer = app.chat(&chat()).header("content-encoding", encoding).send().await.unwrap();
        assert_eq!((answer.status, told(&answer).as_deref()), (415, Some("limit")), "{encoding}");
    }
    assert_eq!(app.chat(&chat()).header("content-encoding", "identity").send().await.unwrap().status, 200);
    let auth = format!("Host: x\r\nAuthorization: Bearer {}\r\n", app.key);
    // The same body without a length announced, in one piece.
    let head = format!("POST /v1/chat/completions HTTP/1.1\r\n{auth}Transfer-Encoding: chunked\r\n\r\n");
    let chunked = format!("{head}{:x}\r\n{large}\r\n0\r\n\r\n", large.len());
    let status = async |bytes: String| {
        raw(app.address, bytes.as_bytes(), Duration::from_secs(2)).await.unwrap().chars().skip(9).take(3).collect::<String>()
    };
    assert_eq!(status(chunked).await, "413");
    assert_eq!(status(format!("GET /v1/key HTTP/1.1\r\n{auth}{}\r\n", "X-Bomb: y\r\n".repeat(500))).await, "431");
    assert_eq!(status(format!("GET /v1/key HTTP/1.1\r\n{auth}X-Bomb: {}\r\n\r\n", "y".repeat(300 << 10))).await, "431");
    assert_eq!(status(format!("GET /{} HTTP/1.1\r\n{auth}\r\n", "y".repeat(300 << 10))).await, "431");
    // Two lengths, or a length beside chunks, would let two servers see two requests.
    let smuggled = format!("POST /v1/chat/completions HTTP/1.1\r\n{auth}Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef");
    assert_eq!(status(smuggled).await, "400");
    assert_eq!(status("nonsense\r\n\r\n".to_owned()).await, "400");
    assert_eq!(app.get("/api/v1/key").await.unwrap().0, 200, "it is alive and well");
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_methods_and_headers_are_answered_as_openrouter_answers_them() {
    let app = app();
    for (method, path, status) in [
        ("GET", "/", 404),
        ("GET", "/api/v1/nothing", 404),
        ("POST", "/v2/chat/completions", 404),
        ("GET", "/api/v1/../v1/key", 404),
        ("GET", "/metrics", 404),
        ("GET", "/keys", 404),
        ("POST", "/verify", 404),
        ("GET", "/api/v1/chat/completions", 405),
        ("DELETE", "/api/v1/key", 405),
        ("GET", "/api/v1/models/openai/no-such/endpoints", 404),
        ("GET", "/api/v1/generation", 400),
        ("GET", "/api/v1/generation?id=nonsense", 400),
        ("GET", "/api/v1/generation?id=a&id=b", 400),
        ("GET", "/api/v1/generation?id=%ff", 400),
        ("GET", "/api/v1/portolan/generations/%ff/explanation", 400),
        ("GET", "/api/v1/models/%ff/x/endpoints", 400),
        ("GET", "/api/v1/generation?id=gen-1760000000-abcdefghij0123456789", 404),
        ("GET", "/api/v1/portolan/generations/gen-1760000000-abcdefghij0123456789/explanation", 404),
        ("POST", "/api/v1/portolan/explain?task=image", 400),
        ("POST", "/api/v1/portolan/explain?sed=1", 400),
    ] {
        let request = app.request(method, path);
        let answer = if method == "POST" { request.json(&chat()) } else { request }.send().await.unwrap();
        let error = answer.json()["error"].take();
        assert_eq!((answer.status, error["code"].as_u64()), (status, Some(status.into())), "{method} {path}: {error}");
        assert!(error["message"].as_str().is_some_and(|m| !m.is_empty()), "{method} {path}");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{method} {path}");
    }
    for path in ["/api/v1/chat/completions", "/v1/chat/completions", "/api/v1/key", "/api/v1/models", "/nothing"] {
        let answer = Request::new(app.address, "OPTIONS", path)
            .header("origin", "https://a.test")
            .header("access-control-request-method", "POST")
            .send()
            .await
            .unwrap();
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, Some("*")), "{path}");
        assert!(
            answer.header("access-control-allow-methods").unwrap().contains("POST")
                && answer.header("access-control-allow-headers").unwrap().contains("Authorization")
        );
    }
    for (path, body) in
        [("/healthz", "ok\n"), ("/readyz", r#"{"ready":true,"checks":{"store":"ok","migrations":"ok","journal":"ok","draining":"ok"}}"#)]
    {
        let answer = Request::new(app.address, "GET", path).send().await.unwrap();
        assert_eq!((answer.status, answer.text().as_str()), (200, body));
    }
    for stream in [true, false] {
        let answer = app.chat(&with("stream", json!(stream))).header("x-request-id", "trace-7").send().await.unwrap();
        assert_eq!(
            (answer.status, answer.header("x-request-id"), answer.header("x-portolan-simulated")),
            (200, Some("trace-7"), Some("true"))
        );
        assert!(answer.header("access-control-expose-headers").unwrap().contains("X-Generation-Id"));
        assert_eq!(app.record(&answer.generation()).unwrap()["trace_id"], "trace-7");
    }
    for stream in [true, false] {
        let failed = app.chat(&with("stream", json!(stream))).header("x-sim", "e429").send().await.unwrap();
        assert_eq!((failed.status, failed.header("x-portolan-simulated")), (429, Some("true")), "its errors are the simulator's too");
    }
    for (query, field, message) in [
        ("seed=x", "seed", "seed: must be a whole number from 0 to 18446744073709551615"),
        ("foo=1", "foo", "foo: is no parameter of this route; it has task and seed"),
    ] {
        let wrong = app.request("POST", &format!("/api/v1/portolan/explain?{query}")).json(&chat()).send().await.unwrap().json();
        let error = &wrong["error"];
        assert_eq!((&error["metadata"]["field"], &error["message"]), (&json!(field), &json!(message)), "{query}");
    }
    let refused = app.chat(&with("stream", json!(7))).header("x-request-id", "trace-8").send().await.unwrap();
    assert_eq!((refused.status, refused.header("x-request-id")), (400, Some("trace-8")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generation_is_shown_to_keys_of_its_workspace_and_to_nobody_without_one() {
    let app = app();
    let answer = app.chat(&chat()).send().await.unwrap();
    let id = answer.generation();
    let fields = |value: &Value| value.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect::<BTreeSet<_>>();
    let before = app.request("POST", "/api/v1/portolan/explain").json(&chat()).send().await.unwrap().json()["data"].take();
    let after = app.get(&format!("/api/v1/portolan/generations/{id}/explanation")).await.unwrap().1["data"].take();
    for place in ["", "/candidates/0", "/candidates/0/score"] {
        let (before, after) = (fields(before.pointer(place).unwrap()), fields(after.pointer(place).unwrap()));
        assert!(before.is_subset(&after), "{place}: a stored explanation has the shape of the other: {before:?}, {after:?}");
    }
    for name in ["scope", "enforcement", "limit", "settled", "held", "fits"] {
        assert!(after["budgets"][0].get(name).is_some(), "{name} in {after}");
    }
    // Which endpoint comes first is drawn anew each time.
    let first = &after["candidates"][0];
    let same = before["candidates"].as_array().unwrap().iter().find(|c| c["tag"] == first["tag"]).unwrap();
    assert_eq!(same["score"]["price"], first["score"]["price"]);
    for path in [format!("/api/v1/generation?id={id}"), format!("/v1/portolan/generations/{id}/explanation")] {
        assert_eq!(app.get(&path).await.unwrap().0, 200);
        assert_eq!(Request::new(app.address, "GET", &path).send().await.unwrap().status, 401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_comes_back_is_refused_also_over_another_gateway() {
    let key = format!("sk-or-v1-{}", "5a".repeat(32));
    let itself = Provider::openai_chat("itself", "http://{self}/v1").key(&key).model("m/self", "m/self");
    let app = TestApp::start(BINARY.as_ref(), &Config::new().provider(&itself));
    let body = json!({ "model": "m/self", "messages": [{ "role": "user", "content": "Hello" }] });
    let answer = app.chat(&body).send().await.unwrap();
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert!(answer.text().contains("has passed through this gateway before"), "{}", answer.text());
    assert_eq!(refused(&app, "loop"), 1);
    // One that points to another, which points back.
    let there = Provider::openai_chat("there", &format!("http://{}/v1", app.address)).key(&key).model("m/round", "m/round");
    let other = TestApp::start(BINARY.as_ref(), &Config::new().provider(&there));
    let back = format!(
        "[providers.back]\nbase_url = \"http://{}/v1\"\ndialect = \"openai_chat\"\napi_key = \"{key}\"\n[[providers.back.models]]\nid = \"m/round\"\nupstream_id = \"m/round\"\npricing = {{ prompt = \"0\", completion = \"0\" }}\n",
        other.address
    );
    app.edit_config(|text| text + &back);
    app.signal("HUP");
    app.says("was reloaded");
    let body = json!({ "model": "m/round", "messages": [{ "role": "user", "content": "Hello" }] });
    let answer = app.chat(&body).send().await.unwrap();
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert_eq!((refused(&app, "loop"), refused(&other, "loop")), (2, 0), "it went round once");
}

/// Requests that a rule refused, by the metrics.
fn refused(app: &TestApp, rule: &str) -> usize {
    let said = app.output();
    said.lines().filter(|line| line.contains("a request was refused") && line.contains(&format!("\"{rule}\""))).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_shows_in_any_answer_log_or_metric() {
    // Neither looks like a key of any known provider.
    let (chat_key, anthropic_key) = ("hvb-canary-7f3a9c51d2", "tidal/canary+51d27f3a9c==");
    let sim = Sim::start(BINARY.as_ref());
    let shapes = ["sim-echokey", "sim-c5", "sim-e500", "sim-c9-cut3"];
    let row = |row: Provider, author: &str, key: &str| {
        shapes.iter().fold(row.key(key), |row, shape| row.model(&format!("{author}/{shape}"), shape))
    };
    let config = Config::new()
        .tables("[logging]\nlevel = \"trace\"")
        .provider(&row(Provider::openai_chat("alpha", &sim.base_url()), "oai", chat_key))
        .provider(&row(Provider::anthropic("beta", &sim.base_url()), "ant", anthropic_key));
    let app = TestApp::start(BINARY.as_ref(), &config);
    let prompt = "a prompt that is nobody's business";
    let mut seen = String::new();
    for author in ["oai", "ant"] {
        for shape in shapes {
            for stream in [true, false] {
                let body =
                    json!({ "model": format!("{author}/{shape}"), "stream": stream, "messages": [{ "role": "user", "content": prompt }] });
                let answer = app.chat(&body).send().await.unwrap();
                seen += &format!("{:?} {}", answer.headers, answer.text());
                let id = answer.generation();
                seen += &app.record(&id).unwrap().to_string();
                seen += &app.get(&format!("/api/v1/portolan/generations/{id}/explanation")).await.unwrap().1.to_string();
            }
        }
    }
    seen += &app.metrics();
    seen += &app.administrate("GET", "/keys", None).1.to_string();
    seen += &app.get("/api/v1/key").await.unwrap().1.to_string();
    let logged = app.output();
    for secret in [chat_key, anthropic_key, "canary", app.key.as_str(), &app.key[20..]] {
        assert!(!seen.contains(secret), "{secret} is in an answer");
        assert!(!logged.contains(secret), "{secret} is in the log: {}", logged.lines().find(|line| line.contains(secret)).unwrap());
    }
    assert!(!logged.contains(prompt), "a prompt is in the log: {}", logged.lines().find(|line| line.contains(prompt)).unwrap());
    let (mut folders, mut files) = (vec![app.dir().join("data")], 0);
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.is_file() {
                files += 1;
                let content = std::fs::read(&path).unwrap();
                let content = String::from_utf8_lossy(&content);
                assert!(
                    !content.contains("canary") && !content.contains(&app.key) && !content.contains(prompt),
                    "a secret is in {}",
                    path.display()
                );
            }
        }
    }
    assert!(files >= 2, "the journal and the database are there");
}
