//! What a limit does not allow is no candidate, as long as something else is.

use portolan_testkit::{Config, Provider, Request, Sim, TestApp};
use serde_json::json;

use super::{ask, candidates, eligible, text};
use crate::BINARY;

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_a_limit_does_not_allow_is_rejected_by_it_before_and_after() {
    let sim = Sim::start(BINARY.as_ref());
    let provider =
        |slug: &str, price: &str| Provider::openai_chat(slug, &sim.base_url()).priced(&format!("m/{slug}"), "sim-c3", price, price);
    let config = Config::new().provider(&provider("dear", "0.01")).provider(&provider("cheap", "0.000001"));
    let app = TestApp::start(BINARY.as_ref(), &config);
    let limit = json!({ "name": "small", "limit": 0.5, "enforcement": "strict" });
    let (key, _) = app.create_key(&limit);
    let asked = |models: &[&str]| ask(models[0], json!({ "models": models, "max_tokens": 100 }));
    let request = |method: &str, path: &str| Request::new(app.address, method, path).bearer(&key);
    let post = async |path: &str, models: &[&str]| request("POST", path).json(&asked(models)).send().await.unwrap();
    const EXPLAIN: &str = "/api/v1/portolan/explain?seed=7";
    let check = |told: &serde_json::Value| {
        assert_eq!(eligible(told), ["cheap"], "{told:#}");
        let out = candidates(told, "rejected");
        assert_eq!(out.len(), 1);
        assert_eq!((&out[0]["tag"], &out[0]["rule"], &out[0]["source"]), (&json!("dear"), &json!("budget_exhausted"), &json!("key")));
        assert!(text(&out[0]["detail"]).contains("left of the key's limit"), "{told:#}");
        assert_eq!(told["refusal"], json!(null));
    };
    let models = ["m/dear", "m/cheap"];
    check(&post(EXPLAIN, &models).await.json()["data"]);
    let answer = post("/api/v1/chat/completions", &models).await;
    assert_eq!((answer.status, &answer.json()["model"]), (200, &json!("m/cheap")), "{}", answer.text());
    let id = answer.generation();
    app.record(&id).unwrap();
    let after = request("GET", &format!("/api/v1/portolan/generations/{id}/explanation")).send().await.unwrap();
    check(&after.json()["data"]);

    // What fits stays in its place, and where nothing fits the request is refused.
    let told = post(EXPLAIN, &["m/cheap", "m/dear"]).await.json();
    assert_eq!(eligible(&told["data"]), ["cheap", "dear"]);
    let told = post(EXPLAIN, &["m/dear"]).await.json();
    assert_eq!((told["data"]["refusal"]["code"].as_u64(), eligible(&told["data"])), (Some(402), vec!["dear"]));
}
