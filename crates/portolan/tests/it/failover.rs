//! Which endpoint is tried when, until one serves; and what is told where none does.

use std::sync::Arc;

use portolan_testkit::{Answer, Config, Provider, Sim, TestApp};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::BINARY;

/// Model by model: what each provider of it does, in the order of their names `p1`, `p2`, ...
const MODELS: &[(&str, &[&str])] = &[
    ("status", &["sim-e500", "sim-e429-ra30", "sim-e503", "sim-e401", "sim-c5"]),
    ("silent", &["sim-hang", "sim-drip", "sim-c9-hang0", "sim-c5"]),
    ("broken", &["sim-cut", "sim-c9-cut0", "sim-c9-garble", "sim-c9-eof", "sim-c5"]),
    ("odd", &["sim-html", "sim-redirect", "sim-c9-gzip", "sim-err200", "sim-c5"]),
    ("midway", &["sim-c9-cut3", "sim-c5"]),
    ("waits", &["sim-e429-ra9", "sim-e429-ra4", "sim-e503-ra20"]),
    ("bad", &["sim-e400", "sim-c5"]),
    ("good", &["sim-c5"]),
    ("flaky", &["sim-c5-e500-p50", "sim-c5-cut0-p50", "sim-c5-e429-p50", "sim-c5-garble-p50", "sim-c5"]),
];

/// Adds the providers of all models.
fn providers_of(sim: &Sim, config: Config) -> Config {
    let longest = MODELS.iter().map(|(_, rows)| rows.len()).max().unwrap();
    (0..longest).fold(config, |config, at| {
        let provider = Provider::openai_chat(&format!("p{}", at + 1), &sim.base_url());
        let own = MODELS.iter().filter_map(|(name, rows)| Some((name, rows.get(at)?)));
        config.provider(&own.fold(provider, |provider, (name, shape)| provider.model(&format!("m/{name}"), shape)))
    })
}

struct World {
    sim: Sim,
    app: Arc<TestApp>,
}

fn world(config: Config) -> World {
    let sim = Sim::start(BINARY.as_ref());
    let app = Arc::new(TestApp::start(BINARY.as_ref(), &providers_of(&sim, config)));
    World { sim, app }
}

fn body(name: &str, stream: bool) -> Value {
    json!({ "model": format!("m/{name}"), "stream": stream, "messages": [{ "role": "user", "content": "Which way?" }], "provider": { "order": ["p1", "p2", "p3", "p4", "p5"] } })
}

fn providers(record: &Value) -> Vec<&str> {
    record["attempts"].as_array().unwrap().iter().map(|a| a["provider"].as_str().unwrap()).collect()
}

fn is_whole(answer: &Answer, stream: bool) -> bool {
    answer.status == 200
        && if stream {
            answer.stream().done && answer.stream().error().is_none() && answer.stream().pieces() == 5
        } else {
            answer.json()["usage"]["completion_tokens"] == 5
        }
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_are_tried_in_order_until_one_gives_content() {
    // A hanging endpoint takes half of what is left of the total.
    let World { sim, app } = world(Config::new().timeouts(2_000, 2_000, 16_000));
    let mut running = JoinSet::new();
    for (name, rows) in MODELS.iter().filter(|(name, _)| ["status", "silent", "broken", "odd"].contains(name)) {
        for stream in [true, false] {
            let app = app.clone();
            running.spawn(async move {
                let answer = app.chat(&body(name, stream)).send().await.unwrap();
                let said = answer.text();
                assert!(is_whole(&answer, stream), "{name} {stream}: {} {said}", answer.status);
                let id = answer.generation();
                let record = app.record(&id).unwrap();
                let expected: Vec<_> = (1..=rows.len()).map(|at| format!("p{at}")).collect();
                assert_eq!(providers(&record), expected, "{name} {stream}");
                let attempts = record["attempts"].as_array().unwrap();
                let (serving, failed) = attempts.split_last().unwrap();
                assert!(failed.iter().all(|a| a["fault"]["origin"] == "upstream"), "{name} {stream}: {failed:#?}");
                assert!(serving["fault"].is_null() && record["end"] == "completed", "{name} {stream}: {record}");
                let (_, shown) = app.get(&format!("/api/v1/generation?id={id}")).await.unwrap();
                assert_eq!(shown["data"]["provider_name"], *expected.last().unwrap());
                assert_eq!(shown["data"]["provider_responses"].as_array().unwrap().len(), rows.len());
                (serving["upstream_id"].as_str().unwrap().to_owned(), crate::fault_matrix::nanos(&record["charge"]))
            });
        }
    }
    for (upstream_id, charge) in running.join_all().await {
        let served = sim.served(&upstream_id).unwrap();
        assert_eq!(charge, served.input_tokens * Provider::PROMPT_NANOS + served.output_tokens * Provider::COMPLETION_NANOS);
    }
    assert_eq!(sim.ledger().totals.redirects_followed, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_fails_while_one_endpoint_is_healthy() {
    let World { sim: _sim, app } = world(Config::new());
    let mut running = JoinSet::new();
    for i in 0..80 {
        let app = app.clone();
        running.spawn(async move {
            let stream = i % 2 == 0;
            let mut body = body("flaky", stream);
            body.as_object_mut().unwrap().remove("provider");
            let answer = app.chat(&body).send().await.unwrap();
            assert!(is_whole(&answer, stream), "{} {}", answer.status, answer.text());
        });
    }
    running.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_content_there_is_no_failover_and_nothing_is_charged() {
    let World { sim: _sim, app } = world(Config::new());
    let answer = app.chat(&body("midway", true)).send().await.unwrap();
    let stream = answer.stream();
    assert_eq!((answer.status, stream.pieces(), stream.done), (200, 3, true));
    assert_eq!(stream.error().unwrap()["metadata"]["error_type"], "provider_unavailable", "{}", answer.text());
    let record = app.record(&answer.generation()).unwrap();
    assert_eq!((providers(&record), &record["end"]), (vec!["p1"], &json!("upstream_error_after_content")));
    assert_eq!(record["charge"].as_f64(), Some(0.0));
    // A body that is not streamed had no content yet when it broke.
    assert!(is_whole(&app.chat(&body("midway", false)).send().await.unwrap(), false));
}

#[tokio::test(flavor = "multi_thread")]
async fn when_all_fail_the_last_error_is_told_with_the_others_and_the_shortest_wait() {
    let World { sim: _sim, app } = world(Config::new());
    for stream in [true, false] {
        let answer = app.chat(&body("waits", stream)).send().await.unwrap();
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("4")), "{}", answer.text());
        let error = answer.json()["error"].take();
        let previous = error["metadata"]["previous_errors"].as_array().unwrap();
        let told: Vec<_> = previous.iter().map(|e| (e["provider"].as_str().unwrap(), e["status"].as_u64().unwrap())).collect();
        assert_eq!(told, [("p1", 429), ("p2", 429)]);
        assert_eq!((&error["metadata"]["provider_name"], &error["metadata"]["retryable"]), (&json!("p3"), &json!(true)), "{error}");
        let busy = json!({ "code": "temporarily_unavailable", "retryable": true, "retry_after": 4, "requested_models": ["m/waits"], "affected_providers": ["p1", "p2", "p3"] });
        assert_eq!(error["availability"], busy);
        let record = app.record(&answer.generation()).unwrap();
        assert_eq!((providers(&record).len(), &record["charge"], &record["status"]), (3, &json!(0), &json!(503)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn router_metadata_says_of_each_attempt_what_became_of_it() {
    let World { sim: _sim, app } = world(Config::new());
    for (name, expected) in [("status", [500, 429, 503, 401, 200]), ("broken", [502, 502, 502, 502, 200])] {
        let answer = app.chat(&body(name, false)).header("x-openrouter-metadata", "enabled").send().await.unwrap();
        let json = answer.json();
        let attempts = json["openrouter_metadata"]["attempts"].as_array().unwrap();
        let statuses: Vec<_> = attempts.iter().map(|attempt| attempt["status"].as_u64().unwrap()).collect();
        assert_eq!(statuses, expected, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_calls_invalid_is_not_sent_to_another_one_of_the_model_but_to_the_next_model() {
    let World { sim: _sim, app } = world(Config::new());
    let answer = app.chat(&body("bad", false)).send().await.unwrap();
    assert_eq!((answer.status, providers(&app.record(&answer.generation()).unwrap())), (400, vec!["p1"]), "{}", answer.text());
    for stream in [true, false] {
        let mut body = body("bad", stream);
        body["models"] = json!(["m/bad", "m/good"]);
        let answer = app.chat(&body).send().await.unwrap();
        assert!(is_whole(&answer, stream), "{}", answer.text());
        let model = if stream { answer.stream().chunks[0]["model"].clone() } else { answer.json()["model"].clone() };
        assert_eq!(model, "m/good");
        let record = app.record(&answer.generation()).unwrap();
        let models: Vec<_> = record["attempts"].as_array().unwrap().iter().map(|a| a["model"].as_str().unwrap()).collect();
        assert_eq!(models, ["m/bad", "m/good"]);
        assert_eq!(record["requested"], json!(["m/bad", "m/good"]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_failed_goes_to_the_back_and_the_explanation_says_so() {
    let sim = Sim::start(BINARY.as_ref());
    let cheap = Provider::openai_chat("cheap", &sim.base_url()).priced("m/x", "sim-e500", "0.000000001", "0.000000001");
    let dear = Provider::openai_chat("dear", &sim.base_url()).priced("m/x", "sim-c5", "0.001", "0.001");
    let app = TestApp::start(BINARY.as_ref(), &Config::new().provider(&cheap).provider(&dear));
    let body = json!({ "model": "m/x", "messages": [{ "role": "user", "content": "Which way?" }] });
    let tried = async || {
        let answer = app.chat(&body).send().await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        let record = app.record(&answer.generation()).unwrap();
        providers(&record).join(",")
    };
    assert_eq!(tried().await, "cheap,dear", "it weighs a trillion times as much");
    assert_eq!(tried().await, "dear");
    let explained = app.request("POST", "/api/v1/portolan/explain").json(&body).send().await.unwrap().json();
    let candidates = explained["data"]["candidates"].as_array().unwrap();
    let seen: Vec<_> = candidates
        .iter()
        .map(|c| (c["provider"].as_str().unwrap(), c["order_reason"].as_str().unwrap(), c["score"]["health"].as_str().unwrap()))
        .collect();
    assert_eq!(seen, [("dear", "drawn", "ok"), ("cheap", "unhealthy", "failed_recently")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_simulator_is_asked_to_do_holds_no_real_endpoint_back() {
    let sim = Sim::start(BINARY.as_ref());
    let real = Provider::openai_chat("real", &sim.base_url()).model("m/x", "sim-c5");
    let app = TestApp::start(BINARY.as_ref(), &Config::new().top(r#"simulator = "on""#).provider(&real));
    let body = json!({ "model": "m/x", "messages": [{ "role": "user", "content": "Which way?" }] });
    let failed = app.chat(&body).header("x-portolan-simulate", "true").header("x-sim", "e500").send().await.unwrap();
    assert_eq!((failed.status, failed.header("x-portolan-simulated")), (502, Some("true")), "{}", failed.text());
    for (simulate, health) in [("false", "ok"), ("true", "failed_recently")] {
        let explain = app.request("POST", "/api/v1/portolan/explain").header("x-portolan-simulate", simulate);
        let explained = explain.json(&body).send().await.unwrap().json();
        assert_eq!(explained["data"]["candidates"][0]["score"]["health"], health, "{simulate}: {explained:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_callers_preferences_decide_who_is_asked() {
    let World { sim: _sim, app } = world(Config::new());
    // The preferences; who is tried; the status; the rule that refuses.
    let cases: &[(Value, &[&str], u16, Option<&str>)] = &[
        (json!({ "only": ["p5"] }), &["p5"], 200, None),
        (json!({ "only": ["p1"] }), &["p1"], 502, None),
        (json!({ "only": ["p4", "p5"], "order": ["p4"] }), &["p4", "p5"], 200, None),
        (json!({ "ignore": ["p1", "p2", "p3", "p4"] }), &["p5"], 200, None),
        (json!({ "order": ["p5"] }), &["p5"], 200, None),
        (json!({ "order": ["p3", "p1"], "allow_fallbacks": false }), &["p3", "p1"], 502, None),
        (json!({ "only": ["p2"], "allow_fallbacks": false }), &["p2"], 429, None),
        (json!({ "only": ["openai"] }), &[], 404, Some("provider_not_allowed")),
        (json!({ "only": ["p1"], "ignore": ["p1"] }), &[], 400, Some("provider_not_allowed")),
        (json!({ "order": ["p9"] }), &[], 400, Some("provider_not_allowed")),
    ];
    for (preferences, tried, status, rule) in cases {
        let mut body = body("status", false);
        body["provider"] = preferences.clone();
        let answer = app.chat(&body).send().await.unwrap();
        assert_eq!(answer.status, *status, "{preferences}: {}", answer.text());
        match rule {
            Some(rule) => assert_eq!(answer.json()["error"]["metadata"]["rule"], *rule, "{preferences}: {}", answer.text()),
            None => assert_eq!(providers(&app.record(&answer.generation()).unwrap()), *tried, "{preferences}"),
        }
    }
}
