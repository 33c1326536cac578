//! What cannot be routed is refused in the same words by the explanation and by the request, with the rules that did it.

use std::collections::BTreeSet;

use portolan_testkit::{Config, TestApp};
use serde_json::{Value, json};

use super::oracle::is_documented_rule;
use super::{ask, candidates, catalog, explain, explained, text};
use crate::BINARY;

const MODEL: &str = "deepseek/deepseek-v3.2";

/// Requests for a router that has no model to choose.
fn without_model() -> Vec<Case> {
    let auto = |allowed: &str, excluded: &str| {
        let plugin = json!({ "id": "auto-router", "allowed_models": [allowed], "excluded_models": [excluded] });
        ask("openrouter/auto", json!({ "plugins": [plugin] }))
    };
    let provider = |router: &str, provider: Value| ask(router, json!({ "provider": provider }));
    vec![
        (auto("nobody/*", "x/*"), 404, "model_not_allowed", None, &["model_not_allowed"], "allowed_models covers no chat model"),
        (auto("anthropic/*", "anthropic/*"), 404, "model_not_allowed", None, &["model_not_allowed"], "excluded_models: "),
        (
            provider("portolan/free", json!({ "only": ["anthropic"] })),
            404,
            "provider_not_allowed",
            None,
            &["allowed_providers"],
            "provider_not_allowed (request.provider.only: ",
        ),
        (
            provider("portolan/auto", json!({ "max_price": { "prompt": 0.000_001 }, "only": ["openai"] })),
            404,
            "max_price",
            None,
            &["task", "allowed_providers", "max_price"],
            "No models match your request and model restrictions. Excluded by ",
        ),
    ]
}

/// What the request says; the status; the rule; the field; the rules in OpenRouter's words; a part of the message.
type Case = (Value, u16, &'static str, Option<&'static str>, &'static [&'static str], &'static str);

fn cases() -> Vec<Case> {
    let provider = |model: &str, provider: Value| ask(model, json!({ "provider": provider, "temperature": 0.5 }));
    let strict = json!({ "only": ["anthropic", "aws-bedrock", "google-vertex"], "data_collection": "deny", "zdr": true, "require_parameters": true });
    vec![
        (
            provider("deepseek/deepseek-r1", strict.clone()),
            404,
            "zdr_required",
            None,
            &["allowed_providers", "data_policy:zdr"],
            "zero data retention is required",
        ),
        (
            ask("anthropic/claude-haiku-4.5", json!({ "provider": strict, "logit_bias": { "7": 1 } })),
            404,
            "parameters",
            None,
            &["allowed_providers", "data_policy:zdr", "require_parameters"],
            "it does not take logit_bias",
        ),
        (provider(MODEL, json!({ "only": ["anthropic"] })), 404, "provider_not_allowed", None, &["allowed_providers"], "Providers serving"),
        (
            provider(MODEL, json!({ "order": ["anthropic"], "allow_fallbacks": false })),
            404,
            "provider_not_allowed",
            None,
            &["allowed_providers"],
            "provider.order",
        ),
        (provider(MODEL, json!({ "quantizations": ["int4"] })), 404, "quantization", None, &["quantization"], "quantizations"),
        (provider(MODEL, json!({ "max_price": { "prompt": 0.0001 } })), 404, "max_price", None, &["max_price"], "max_price"),
        (
            provider(MODEL, json!({ "order": ["sambanova"], "allow_fallbacks": false, "max_price": { "prompt": 1 } })),
            404,
            "max_price",
            None,
            &["allowed_providers", "max_price"],
            "of the callable endpoints that remain after provider.order, none costs as little as max_price allows (sambanova: it costs ",
        ),
        (
            provider(
                MODEL,
                json!({ "order": ["deepinfra", "sambanova"], "ignore": ["DeepInfra"], "allow_fallbacks": false, "zdr": true, "max_price": { "prompt": 1 } }),
            ),
            404,
            "max_price",
            None,
            &["allowed_providers", "max_price"],
            "provider.order and provider.ignore, none",
        ),
        (provider(MODEL, json!({ "only": ["deepinfra", ""] })), 400, "", Some("provider.only[1]"), &[], "is empty; name a provider"),
        (
            provider(MODEL, json!({ "only": ["deepinfa"] })),
            400,
            "provider_not_allowed",
            Some("provider.only"),
            &[],
            "Did you mean deepinfra",
        ),
        (
            provider(MODEL, json!({ "order": ["google-vertx"] })),
            400,
            "provider_not_allowed",
            Some("provider.order"),
            &[],
            "Did you mean google-vertex",
        ),
        (
            provider(MODEL, json!({ "only": ["deepinfra"], "ignore": ["DeepInfra"] })),
            400,
            "provider_not_allowed",
            Some("provider.only"),
            &[],
            "provider.only and provider.ignore contradict each other",
        ),
        (
            provider(MODEL, json!({ "order": ["deepinfra"], "only": ["novita"], "allow_fallbacks": false })),
            400,
            "provider_not_allowed",
            Some("provider.order"),
            &[],
            "provider.order and provider.only contradict each other",
        ),
        (
            provider(MODEL, json!({ "order": ["deepinfra"], "ignore": ["deepinfra"], "allow_fallbacks": false })),
            400,
            "provider_not_allowed",
            Some("provider.order"),
            &[],
            "provider.order and provider.ignore contradict each other",
        ),
        (
            ask("anthropic/claude-haiku-4.6", json!({})),
            400,
            "model_not_found",
            Some("model"),
            &[],
            "Did you mean anthropic/claude-haiku-4.5",
        ),
        (
            ask(MODEL, json!({ "models": [MODEL, "deepseek/deepseek-v3.3:nitro"] })),
            400,
            "model_not_found",
            Some("models[1]"),
            &[],
            "deepseek/deepseek-v3.3 is not a valid model ID. Did you mean deepseek/",
        ),
        (ask(MODEL, json!({ "models": ["x/y:online"] })), 400, "not_supported", Some("models[0]"), &[], "the variant :online"),
        (
            provider("openai/gpt-5.1", json!({ "only": ["openai/priority"], "ignore": ["openai"] })),
            400,
            "provider_not_allowed",
            Some("provider.only"),
            &[],
            "provider.only and provider.ignore contradict each other",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_names_its_rules_before_and_at_the_request() {
    let app = catalog();
    for (body, status, rule, field, excluded, words) in cases().into_iter().chain(without_model()) {
        let before = match explained(&app, "localhost", &body, 7).await {
            Ok(mut told) => told["refusal"].take(),
            Err(error) => error,
        };
        let answer = app.chat(&body).send().await.unwrap();
        let error = answer.json()["error"].take();
        assert_eq!(error, before, "{body}: the explanation said what happens");
        let metadata = &error["metadata"];
        assert_eq!(
            (answer.status, metadata["rule"].as_str().unwrap_or(""), metadata["field"].as_str()),
            (status, rule, field),
            "{body}: {error}"
        );
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(words), "{body}: {message}");
        if status != 404 {
            continue;
        }
        // An endpoint that nobody can call is out whatever is asked, and OpenRouter has no word for it.
        let told = error["availability"]["excluded_by"].as_array().unwrap().iter().map(|name| name.as_str().unwrap());
        assert_eq!(told.filter(|name| *name != "not_callable").collect::<Vec<_>>(), excluded, "{body}: {error}");
        let by = metadata["excluded_by"].as_object().unwrap();
        for (rule, out) in by {
            assert!(out["endpoints"].as_u64() > Some(0) || words.ends_with("no chat model"), "{body}: {error}");
            for source in out["sources"].as_array().unwrap() {
                assert!(is_documented_rule(rule, source.as_str().unwrap()), "{rule} from {source}");
            }
            assert!(by.len() < 2 || message.contains(rule.as_str()), "{body}: {message}");
        }
    }
}

/// What the request says; the host; the code; the field that decided; what the message says and must not say.
type Filtered = (Value, &'static str, &'static str, Option<&'static str>, &'static str, &'static str);

fn filtered() -> Vec<Filtered> {
    let provider = |model: &str, provider: Value| ask(model, json!({ "provider": provider }));
    let tool = json!({ "type": "function", "function": { "name": "look", "parameters": { "type": "object" } } });
    let constraint = "constraint_filtered";
    vec![
        (
            ask(MODEL, json!({ "tools": [tool], "provider": { "only": ["baidu/fp8", "digitalocean", "sambanova"] } })),
            "localhost",
            constraint,
            Some("provider.only"),
            "endpoints that remain after provider.only, none supports what the request asks for",
            "excluded by its preferences",
        ),
        (
            ask("openai/gpt-5.6-sol", json!({ "service_tier": "flex", "provider": { "only": ["Azure"] } })),
            "localhost",
            constraint,
            Some("provider.only"),
            "none serves it",
            "et service_tier",
        ),
        (
            provider("anthropic/claude-sonnet-4.6", json!({ "only": ["anthropic"], "zdr": true })),
            "localhost",
            constraint,
            Some("provider.zdr"),
            "endpoints that remain after provider.only, none is known for it",
            "no endpoint",
        ),
        (
            provider(MODEL, json!({ "only": ["sambanova"], "max_price": { "prompt": 1 } })),
            "localhost",
            constraint,
            Some("provider.max_price"),
            "endpoints that remain after provider.only, none costs as little",
            "every endpoint",
        ),
        (
            provider(MODEL, json!({ "quantizations": ["int4"] })),
            "localhost",
            constraint,
            Some("provider.quantizations"),
            "endpoint has one of the quantizations (there is fp4, ",
            "its precision is",
        ),
        (
            provider(MODEL, json!({ "only": ["anthropic"] })),
            "eu.localhost",
            constraint,
            Some("provider.only"),
            "provider.only preference permits only: anthropic",
            "no endpoint",
        ),
        (ask(MODEL, json!({ "max_tokens": 100_000_000 })), "localhost", "no_endpoints", None, "Lower max_tokens.", "provider."),
        (
            ask(MODEL, json!({ "max_tokens": 100_000_000, "provider": { "only": ["deepinfra"] } })),
            "localhost",
            "no_endpoints",
            None,
            "endpoints that remain after provider.only, none gives as many tokens",
            "hange provider.only",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_is_made_for_something_else_is_told_so() {
    let app = catalog();
    let answer = app.chat(&ask("openai/text-embedding-3-large", json!({}))).send().await.unwrap();
    let error = answer.json()["error"].take();
    assert_eq!((answer.status, &error["availability"]["code"]), (400, &json!("wrong_endpoint")), "{error}");
    assert_eq!((&error["metadata"]["field"], &error["metadata"]["error_type"]), (&json!("model"), &json!("invalid_request")));
    assert!(text(&error["message"]).contains("is made for embeddings"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_callers_own_restriction_leaves_empty_is_told_as_such() {
    let app = catalog();
    for (body, host, code, field, words, never) in filtered() {
        let error = explained(&app, host, &body, 1).await.unwrap()["refusal"].take();
        let (availability, message) = (&error["availability"], text(&error["message"]));
        assert_eq!(availability["code"], code, "{body}: {error}");
        assert_eq!(availability["constraint"]["field"].as_str(), field, "{body}: {error}");
        assert!(message.contains(words) && !message.contains(never), "{body}: {message}");
        if field.is_some() {
            assert!(message.contains(text(&availability["constraint"]["detail"])), "{body}: {error}");
        }
    }
    // Whoever is told to serve the model can be called.
    let error = explained(&app, "localhost", &ask(MODEL, json!({ "provider": { "only": ["anthropic"] } })), 1).await.unwrap();
    let message = text(&error["refusal"]["message"]);
    let (_, told) = message.split_once("Providers serving deepseek/deepseek-v3.2: ").unwrap();
    let told: BTreeSet<&str> = told.split_once(", but ").unwrap().0.split(", ").collect();
    let out = candidates(&error, "rejected").into_iter().filter(|c| c["rule"] != "not_callable").map(|c| text(&c["provider"]));
    assert_eq!(told, out.collect::<BTreeSet<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_operator_states_of_a_provider_of_his_own_is_its_data_policy() {
    let (denied, zdr) = (json!({ "data_collection": "deny" }), json!({ "zdr": true }));
    for (stated, serves_denied, serves_zdr) in [
        ("", false, false),
        ("data_policy = { training = false }", true, false),
        ("data_policy = { training = false, retains_prompts = false }", true, true),
        ("data_policy = { training = true, retains_prompts = true }", false, false),
    ] {
        let table = format!(
            "[providers.own]\nbase_url = \"http://127.0.0.1:9/v1\"\ndialect = \"openai_chat\"\n{stated}\n\
             [[providers.own.models]]\nid = \"own/model\"\npricing = {{ prompt = \"0\", completion = \"0\" }}"
        );
        let app = TestApp::start(BINARY.as_ref(), &Config::new().tables(&table));
        for (provider, serves) in [(&json!({}), true), (&denied, serves_denied), (&zdr, serves_zdr)] {
            let told = explain(&app, &ask("own/model", json!({ "provider": provider })), 1).await;
            assert_eq!(told["refusal"].is_null(), serves, "{stated} {provider}: {told:#}");
        }
    }
}
