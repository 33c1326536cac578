//! A draw is repeated by its seed.

use std::collections::BTreeSet;

use portolan_testkit::TestApp;
use serde_json::{Value, json};

use super::{ask, catalog, eligible, explain, served, text};

#[tokio::test(flavor = "multi_thread")]
async fn the_same_seed_gives_the_same_order_and_seeds_differ() {
    let app = catalog();
    for body in [
        ask("deepseek/deepseek-v3.2", json!({})),
        ask("deepseek/deepseek-v3.2", json!({ "models": ["openai/gpt-5-mini"], "provider": { "zdr": true } })),
        ask("openrouter/free", json!({})),
    ] {
        let mut firsts = BTreeSet::new();
        for seed in 0..12 {
            let told = explain(&app, &body, seed).await;
            assert_eq!(told["seed"], seed);
            let order: Vec<String> = eligible(&told).into_iter().map(str::to_owned).collect();
            assert_eq!(eligible(&explain(&app, &body, seed).await), order, "{body} {seed}");
            firsts.insert(format!("{} {}", told["candidates"][0]["model"], order[0]));
        }
        assert!(firsts.len() > 1, "{body}: twelve seeds draw {firsts:?}");
        // What was served is explained afterwards, and by its seed beforehand.
        afterwards_as_before(&app, &body).await;
    }
    // A model of any name is known by the name that was asked for, also where it is left out.
    afterwards_as_before(&app, &ask("simulator/sim-c5", json!({ "models": ["openai/gpt-5-mini"], "provider": { "only": ["openai"] } })))
        .await;
}

async fn afterwards_as_before(app: &TestApp, body: &Value) {
    let (_, record) = served(app, body).await;
    let path = format!("/api/v1/portolan/generations/{}/explanation", text(&record["id"]));
    let after = app.get(&path).await.unwrap().1["data"].take();
    let seed = after["seed"].as_u64().unwrap();
    let before = explain(app, body, seed).await;
    let decisions = |told: &Value| {
        let all = told["candidates"].as_array().unwrap().iter();
        all.map(|c| ["model", "tag", "status", "order", "order_reason", "rule", "source"].map(|name| c[name].clone())).collect::<Vec<_>>()
    };
    assert_eq!(decisions(&after), decisions(&before), "{body} {seed}");
}
