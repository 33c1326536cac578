//! Names that stand for a model: aliases, `openrouter/auto`, `openrouter/free`.

use serde_json::{Value, json};

use super::oracle::listed;
use super::{ask, candidates, catalog, explain, explained, served, text};

fn auto(settings: Value) -> Value {
    let mut plugin = json!({ "id": "auto-router" });
    plugin.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    json!({ "plugins": [plugin] })
}

fn of_status<'v>(router: &'v Value, status: &str) -> Vec<&'v Value> {
    router["models"].as_array().unwrap().iter().filter(|view| view["status"] == status).collect()
}

/// The models that a request may be answered by, each once.
fn models(told: &Value) -> Vec<&str> {
    let mut all: Vec<&str> =
        told["candidates"].as_array().unwrap().iter().filter(|c| c["status"] == "eligible").map(|c| text(&c["model"])).collect();
    all.dedup();
    all
}

/// The name; what else the request says; the strategy; which models may answer; which provider may serve, where only one may.
type Chosen = (&'static str, Value, &'static str, fn(&str) -> bool, Option<&'static str>);

/// The request; the status; the rule; the field; a part of the message.
type Refused = (Value, u16, Option<&'static str>, Option<&'static str>, &'static str);

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_stands_for_a_model_is_answered_by_one_that_the_request_allows() {
    let app = catalog();
    let any: fn(&str) -> bool = |model| !model.starts_with("openrouter/") && !model.starts_with('~');
    let haiku: fn(&str) -> bool = |model| model == "anthropic/claude-haiku-4.5";
    let anthropic: fn(&str) -> bool = |model| model.starts_with("anthropic/");
    let free: fn(&str) -> bool = |model| model.ends_with(":free");
    let cases: Vec<Chosen> = vec![
        ("~anthropic/claude-haiku-latest", json!({}), "latest", haiku, None),
        ("~anthropic/claude-haiku-latest:floor", json!({}), "latest", haiku, None),
        ("openrouter/auto", json!({}), "auto", any, None),
        ("portolan/auto", json!({}), "auto", any, None),
        ("openrouter/auto", auto(json!({ "allowed_models": ["anthropic/*"] })), "auto", anthropic, None),
        (
            "openrouter/auto",
            auto(json!({ "allowed_models": ["anthropic/*", "*/*mini*"], "excluded_models": ["openai/*"], "cost_tier": "max" })),
            "auto",
            |model| !model.starts_with("openai/"),
            None,
        ),
        (
            "openrouter/auto",
            json!({ "plugins": [{ "id": "auto-router", "enabled": false, "allowed_models": ["nobody/*"] }] }),
            "auto",
            any,
            None,
        ),
        // What changes nothing is taken.
        ("openrouter/auto", auto(json!({ "pin_model": false })), "auto", any, None),
        (
            "openrouter/auto",
            auto(json!({ "pin_model": null, "allowed_models": null, "cost_tier": null, "other": null })),
            "auto",
            any,
            None,
        ),
        // The choice heeds the preferences, or the request would have nowhere to go.
        ("openrouter/auto", json!({ "provider": { "only": ["anthropic"] } }), "auto", anthropic, Some("anthropic")),
        (
            "openrouter/auto",
            json!({ "provider": { "order": ["anthropic"], "allow_fallbacks": false } }),
            "auto",
            anthropic,
            Some("anthropic"),
        ),
        ("openrouter/auto", json!({ "provider": { "max_price": { "prompt": 0.03, "completion": 0.05 } } }), "auto", any, None),
        (
            "openrouter/auto",
            json!({ "provider": { "zdr": true, "data_collection": "deny", "quantizations": ["bf16"] } }),
            "auto",
            any,
            None,
        ),
        ("openrouter/auto:nitro", json!({ "provider": { "only": ["openai"] } }), "auto", any, Some("openai")),
        ("portolan/auto:floor:exacto", json!({}), "auto", any, None),
        ("openrouter/free:floor", json!({}), "free", free, None),
        ("openrouter/free", json!({}), "free", free, None),
        ("portolan/free", json!({}), "free", free, None),
        ("openrouter/free", json!({ "provider": { "zdr": true } }), "free", free, None),
        ("openrouter/free", json!({ "provider": { "only": ["nvidia"] } }), "free", free, Some("nvidia")),
    ];
    for (name, more, strategy, may_answer, provider) in cases {
        let body = ask(name, more);
        let told = explain(&app, &body, 7).await;
        assert_eq!((&told["strategy"], &told["refusal"]), (&json!(strategy), &Value::Null), "{body}");
        let models = models(&told);
        assert!(!models.is_empty() && models.iter().all(|model| may_answer(model)), "{body}: {models:?}");
        for candidate in candidates(&told, "eligible") {
            assert!(provider.is_none_or(|provider| candidate["provider"] == provider), "{body}: {candidate}");
        }
        let (answer, record) = served(&app, &body).await;
        let model = text(&answer["model"]);
        assert!(may_answer(model) && record["model"] == model && record["requested"] == json!([name]), "{body}: {record}");
        assert!(listed(&app, model).await.contains_key(text(&record["attempts"][0]["endpoint"])), "{body}: a real model");
        assert_eq!(told["routers"].as_array().unwrap().len(), usize::from(strategy != "latest"), "{body}");
        for router in told["routers"].as_array().unwrap() {
            let chosen: Vec<&str> = of_status(router, "chosen").iter().map(|view| text(&view["model"])).collect();
            assert_eq!(chosen, models, "{body}: {router:#}");
            assert!(of_status(router, "rejected").iter().all(|view| view["source"].is_string()), "{body}: {router:#}");
        }
        assert_eq!(answer["usage"]["cost"].as_f64().unwrap() == 0.0, strategy == "free", "{body}");
        let path = format!("/api/v1/portolan/generations/{}/explanation", text(&record["id"]));
        let after = app.get(&path).await.unwrap().1["data"].take();
        assert_eq!((&after["strategy"], &after["requested_models"]), (&json!(strategy), &json!([name])), "{body}");
        for (told, kept) in std::iter::zip(told["routers"].as_array().unwrap(), after["routers"].as_array().unwrap()) {
            for field in ["router", "task", "ceiling_percent", "kept"] {
                assert_eq!(told[field], kept[field], "{body}: {field}");
            }
            for field in ["complexity", "strength"] {
                let (told, kept) = (told[field].as_f64(), kept[field].as_f64());
                assert!(
                    told.is_some() == (strategy == "auto") && told.zip(kept).is_none_or(|(told, kept)| (told - kept).abs() < 1e-4),
                    "{body}"
                );
                assert_eq!(told.is_some(), kept.is_some(), "{body}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_strategy_is_that_of_the_first_name_and_the_others_are_fallbacks() {
    let app = catalog();
    // With this nobody of the first name answers.
    let denied = json!({ "provider": { "only": ["nvidia"] } });
    for (names, more, before, after) in [
        (["openrouter/auto", "openrouter/free"], json!({}), "auto", "auto"),
        (["openrouter/free", "openrouter/auto"], json!({}), "free", "free"),
        (["openai/gpt-4o-mini", "openrouter/free"], json!({}), "direct", "direct"),
        (["openai/gpt-4o-mini", "openrouter/free"], denied, "direct", "fallback"),
    ] {
        let mut more = more;
        more["models"] = json!(names);
        let body = ask(names[0], more);
        assert_eq!(explain(&app, &body, 7).await["strategy"], before, "{body}");
        let answer = app.chat(&body).header("x-openrouter-metadata", "enabled").send().await.unwrap();
        assert_eq!(answer.json()["openrouter_metadata"]["strategy"], after, "{body}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_that_is_asked_wrongly_says_so() {
    let app = catalog();
    let cases: Vec<Refused> = vec![
        (
            ask("openrouter/auto", auto(json!({ "allowed_models": [""] }))),
            400,
            None,
            Some("plugins[0].allowed_models[0]"),
            "must have 1 to 1024",
        ),
        (
            ask("openrouter/auto", auto(json!({ "allowed_models": [7] }))),
            400,
            None,
            Some("plugins[0].allowed_models[0]"),
            "must be a pattern",
        ),
        (
            ask("openrouter/auto", auto(json!({ "allowed_models": "anthropic/*" }))),
            400,
            None,
            Some("plugins[0].allowed_models"),
            "must be a list of patterns",
        ),
        (ask("openrouter/auto", auto(json!({ "cost_tier": "cheap" }))), 400, None, Some("plugins[0].cost_tier"), "one of low, medium"),
        (
            ask("openrouter/auto", auto(json!({ "allowed": [] }))),
            400,
            None,
            Some("plugins[0].allowed"),
            "plugins[0].allowed: is no setting of the auto-router; known are id, enabled, allowed_models",
        ),
        (
            ask("openrouter/auto", auto(json!({ "pin_model": true }))),
            400,
            Some("not_supported"),
            Some("plugins[0].pin_model"),
            "plugins[0].pin_model: is not supported",
        ),
        (ask("openrouter/auto", auto(json!({ "pin_model": "no" }))), 400, None, Some("plugins[0].pin_model"), "must be false"),
        (
            ask("openrouter/auto", json!({ "provider": { "only": ["antropic"] } })),
            400,
            Some("provider_not_allowed"),
            Some("provider.only"),
            "Did you mean anthropic",
        ),
        (ask("openrouter/auto-beta", json!({})), 400, Some("not_supported"), Some("model"), "not supported"),
    ];
    for (body, status, rule, field, words) in cases {
        let before = explained(&app, "localhost", &body, 7).await.expect_err("there is nothing to explain");
        let answer = app.chat(&body).send().await.unwrap();
        let error = answer.json()["error"].take();
        assert_eq!(error, before, "{body}");
        let metadata = &error["metadata"];
        assert_eq!((answer.status, metadata["rule"].as_str(), metadata["field"].as_str()), (status, rule, field), "{body}: {error}");
        assert!(text(&error["message"]).contains(words), "{body}: {error}");
    }
}
