//! OpenRouter as an upstream: one key reaches the whole catalog. Another gateway of ours stands for it, for it speaks the same.

use portolan_testkit::{Config, TestApp};
use serde_json::{Value, json};

use crate::BINARY;

const MODEL: &str = "anthropic/claude-haiku-4.5";

fn body(stream: bool) -> Value {
    json!({
        "model": MODEL, "stream": stream, "max_tokens": 4000, "reasoning": { "effort": "low" },
        "provider": { "allow_fallbacks": false },
        "messages": [{ "role": "user", "content": [{ "type": "text", "text": "Which way?", "cache_control": { "type": "ephemeral" } }] }],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reseller_is_quoted_by_its_ceiling_and_charged_by_what_it_reports() {
    let reseller = TestApp::start(BINARY.as_ref(), &Config::new());
    let row = format!("[providers.openrouter]\nbase_url = \"http://{}/api/v1\"\napi_key = \"{}\"\n", reseller.address, reseller.key);
    let app = TestApp::start(BINARY.as_ref(), &Config::new().tables(&row));
    let explained = app.request("POST", "/api/v1/portolan/explain").json(&body(false)).send().await.unwrap().json();
    let eligible: Vec<&Value> = explained["data"]["candidates"].as_array().unwrap().iter().filter(|c| c["status"] == "eligible").collect();
    assert_eq!(eligible.len(), 1, "{explained:#}");
    assert_eq!((&eligible[0]["provider"], &eligible[0]["lane"]), (&json!("openrouter"), &json!("raw")));
    let worst: f64 = eligible[0]["quote"]["worst"].as_str().unwrap().parse().unwrap();
    for stream in [false, true] {
        let answer = app.chat(&body(stream)).header("X-OpenRouter-Metadata", "enabled").send().await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        let last = if stream { answer.stream().chunks.last().unwrap().clone() } else { answer.json() };
        let record = app.record(&answer.generation()).unwrap();
        let attempt = &record["attempts"][0];
        // What the reseller sold, by its own record.
        let sold = reseller.record(attempt["upstream_id"].as_str().unwrap()).unwrap();
        assert_eq!((&record["charge"], &record["cost"]), (&sold["charge"], &sold["charge"]), "{record:#}");
        assert_eq!(last["usage"]["cost"], sold["charge"]);
        let charge = sold["charge"].as_f64().unwrap();
        assert!(charge > 0.0 && charge < worst, "{charge} {worst}");
        let ceiling = &sold["preferences"]["max_price"];
        let quoted = |kind: &str| ceiling[kind].as_str().unwrap().parse::<f64>().unwrap();
        assert!(quoted("prompt") >= 0.000_001 && quoted("completion") >= 0.000_005, "{sold:#}");
        assert_eq!(sold["preferences"]["allow_fallbacks"], false, "what binds the reseller is passed on");
        let metadata = &last["openrouter_metadata"];
        assert_eq!((&metadata["requested"], &metadata["strategy"], &metadata["attempt"]), (&json!(MODEL), &json!("direct"), &json!(1)));
        assert_eq!(metadata["endpoints"]["available"], json!([{ "provider": "OpenRouter", "model": MODEL, "selected": true }]));
        assert_eq!(metadata["attempts"], json!([{ "provider": "OpenRouter", "model": MODEL, "status": 200 }]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_our_own_under_openrouters_name_is_no_credential() {
    let own = format!("sk-or-v1-{}", "5a".repeat(32));
    let app = TestApp::start(BINARY.as_ref(), &Config::new().env("OPENROUTER_API_KEY", &own));
    assert_eq!(app.key, own);
    for _ in 0..2 {
        let answer = app.chat(&body(false)).send().await.unwrap();
        assert_eq!((answer.status, answer.header("x-portolan-simulated")), (200, Some("true")), "{}", answer.text());
        app.says("OPENROUTER_API_KEY is ignored: it is one of this instance's own keys");
        app.signal("HUP");
        app.says("the configuration was reloaded");
    }
}
