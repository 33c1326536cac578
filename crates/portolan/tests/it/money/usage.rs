//! What providers say about usage, true or not, and what is charged for it.

use portolan_core::Money;
use portolan_testkit::{Answer, Config, Provider, Request, Sim, TestApp};
use serde_json::{Value, json};

use super::{ask, budget, class, explain, money, verify};
use crate::BINARY;

const PROMPT: u64 = 1_000;
const COMPLETION: u64 = 2_000;
const MAX_TOKENS: u64 = 50;

/// Shape; flags that the record must have; whether the charge is the truth all the same.
const REPORTS: &[(&str, &[&str], bool)] = &[
    ("sim-c30", &[], true),
    ("sim-c30-usagetwice", &[], true),
    ("sim-c30-nousage", &["estimated"], false),
    ("sim-c30-usageneg", &["odd_usage"], false),
    ("sim-c30-usagestr", &["odd_usage"], false),
    ("sim-c30-usagehuge", &["odd_usage"], false),
];

fn rows(sim: &Sim) -> Config {
    let mut openai = Provider::openai_chat("outside", &sim.base_url());
    let mut anthropic = Provider::anthropic("other", &sim.base_url());
    for (shape, _, _) in REPORTS.iter().chain(&[("sim-c30-usagedec", [].as_slice(), false)]) {
        openai = openai.model(&format!("openai/{shape}"), shape);
        anthropic = anthropic.model(&format!("anthropic/{shape}"), shape);
    }
    Config::new().provider(&openai).provider(&anthropic)
}

async fn send(app: &TestApp, key: &str, body: &Value) -> Answer {
    Request::new(app.address, "POST", "/api/v1/chat/completions").bearer(key).json(body).send().await.expect("an answer")
}

fn body(model: &str, stream: bool) -> Value {
    let mut body = ask(model);
    body["stream"] = stream.into();
    body["max_tokens"] = MAX_TOKENS.into();
    body
}

/// The usage object that the caller got.
fn told(answer: &Answer, stream: bool) -> Value {
    if stream { answer.stream().usage().cloned().unwrap_or_default() } else { answer.json()["usage"].take() }
}

fn flags(record: &Value) -> Vec<String> {
    record["flags"].as_object().into_iter().flatten().filter(|(_, set)| **set == true).map(|(name, _)| name.clone()).collect()
}

#[tokio::test]
async fn whatever_a_provider_says_of_its_usage_the_charge_is_sound_and_what_is_odd_is_flagged() {
    let sim = Sim::start(BINARY.as_ref());
    let app = TestApp::start(BINARY.as_ref(), &rows(&sim));
    let (strict, _) = app.create_key(&json!({ "name": "strict", "limit": 5, "enforcement": "strict" }));
    for (shape, wanted, exact) in REPORTS {
        for (family, stream, key) in
            [("openai", false, &app.key), ("openai", true, &strict), ("anthropic", false, &strict), ("anthropic", true, &app.key)]
        {
            let what = format!("{family}/{shape}, stream: {stream}");
            let answer = send(&app, key, &body(&format!("{family}/{shape}"), stream)).await;
            assert_eq!(answer.status, 200, "{what}: {}", answer.text());
            let record = app.record(&answer.generation()).expect("a record");
            let charge = money(&record["charge"]);
            for flag in *wanted {
                assert!(flags(&record).contains(&(*flag).to_owned()), "{what}: {flag} is missing in {record:#}");
            }
            let served = sim.served(record["attempts"][0]["upstream_id"].as_str().expect("an id")).expect("it was served");
            let truth = Money(i64::try_from(served.input_tokens * PROMPT + served.output_tokens * COMPLETION).expect("cents"));
            assert_eq!(record["end"], "completed", "{what}");
            assert!(charge > Money::ZERO && charge < Money(truth.0 * 10), "{what}: {charge} for {truth}");
            if *exact {
                assert_eq!((charge, flags(&record)), (truth, vec![]), "{what}: {record:#}");
            }
            assert_eq!(money(&told(&answer, stream)["cost"]), charge, "{what}: the caller is told what is charged: {}", answer.text());
        }
    }
    let report = verify(&app, &sim);
    assert_eq!(class(&report, "completed")["requests"], 8, "{report:#}");
}

#[tokio::test]
async fn usage_that_decreases_is_flagged_and_never_negative() {
    let sim = Sim::start(BINARY.as_ref());
    let app = TestApp::start(BINARY.as_ref(), &rows(&sim));
    for family in ["openai", "anthropic"] {
        let answer = send(&app, &app.key, &body(&format!("{family}/sim-c30-usagedec"), true)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let record = app.record(&answer.generation()).expect("a record");
        let served = sim.served(record["attempts"][0]["upstream_id"].as_str().expect("an id")).expect("it was served");
        let truth = Money(i64::try_from(served.input_tokens * PROMPT + served.output_tokens * COMPLETION).expect("cents"));
        let charge = money(&record["charge"]);
        // What was reported before is not taken back: at most the thousand of each count that the simulator adds.
        assert!(charge >= truth && charge <= truth + Money(1_000 * 3_000 + 3 * 1_000 * 1_000), "{family}: {charge} for {truth}");
        assert!(charge == truth || flags(&record).contains(&"odd_usage".to_owned()), "{family}: {record:#}");
    }
    verify(&app, &sim);
}

#[tokio::test]
async fn usage_above_the_hold_is_charged_flagged_and_bars_the_endpoint_from_strict_traffic() {
    for stream in [false, true] {
        let sim = Sim::start(BINARY.as_ref());
        let (prompt, completion) = ("0.000001", "0.0001");
        let liar = Provider::openai_chat("liar", &sim.base_url()).priced("test/model", "sim-c30-usageover", prompt, completion);
        let honest = Provider::openai_chat("honest", &sim.base_url()).priced("test/model", "sim-c30", prompt, completion);
        let app = TestApp::start(BINARY.as_ref(), &Config::new().provider(&liar).provider(&honest));
        let (strict, hash) = app.create_key(&json!({ "name": "strict", "limit": 1, "enforcement": "strict" }));
        let mut only = body("test/model", stream);
        only["provider"] = json!({ "only": ["liar"] });

        let answer = send(&app, &strict, &only).await;
        assert_eq!(answer.status, 200, "the answer is whole: {}", answer.text());
        assert!(!stream || answer.stream().done, "{}", answer.text());
        let record = app.record(&answer.generation()).expect("a record");
        assert_eq!(record["end"], "completed");
        assert!(flags(&record).contains(&"over_hold".to_owned()), "{record:#}");
        let reported = record["usage"]["output"].as_u64().expect("a count");
        assert_eq!(reported, MAX_TOKENS * 10, "what the provider reports is what it will bill: {record:#}");
        let input = record["usage"]["input"].as_u64().expect("a count");
        assert_eq!(money(&record["charge"]), Money(i64::try_from(input * 1_000 + reported * 100_000).expect("cents")), "{record:#}");
        assert_eq!(budget(&app, &hash, "test/model").settled, money(&record["charge"]));

        let explained = explain(&app, &hash, &body("test/model", stream));
        let candidate =
            |provider: &str| explained["candidates"].as_array().and_then(|all| all.iter().find(|c| c["provider"] == provider)).cloned();
        let barred = candidate("liar").expect("a candidate");
        assert_eq!((&barred["status"], &barred["rule"]), (&json!("rejected"), &json!("strict_barred")), "{explained:#}");
        assert_eq!(candidate("honest").expect("a candidate")["status"], "eligible", "{explained:#}");
        for _ in 0..5 {
            let again = send(&app, &strict, &body("test/model", stream)).await;
            assert_eq!(again.status, 200, "{}", again.text());
            assert_eq!(app.record(&again.generation()).expect("a record")["provider"], "honest");
        }
        assert_eq!(class(&verify(&app, &sim), "over the hold")["requests"], 1);
        let refused = send(&app, &strict, &only).await;
        assert_ne!(refused.status, 200, "{}", refused.text());
        let standard = send(&app, &app.key, &only).await;
        assert_eq!(standard.status, 200, "no matter for others: {}", standard.text());
    }
}

#[tokio::test]
async fn cached_tokens_cost_their_own_rate_in_both_dialects_to_the_nanodollar() {
    let sim = Sim::start(BINARY.as_ref());
    let shape = "sim-c7-in1000-cache300-cachew200-cacheh100-reason3";
    let table = |slug: &str, dialect: &str| {
        format!(
            "[providers.{slug}]\nbase_url = \"{}\"\ndialect = \"{dialect}\"\napi_key = \"canary-0123456789abcdef\"\n\
             [[providers.{slug}.models]]\nid = \"{slug}/model\"\nupstream_id = \"{shape}\"\n\
             pricing = {{ prompt = \"0.000001\", completion = \"0.000002\", cache_read = \"0.0000001\", cache_write = \"0.00000125\", \
             cache_write_1h = \"0.000002\", reasoning = \"0.000003\", request = \"0.000000007\" }}\n",
            sim.base_url()
        )
    };
    let app = TestApp::start(BINARY.as_ref(), &Config::new().tables(&table("first", "openai_chat")).tables(&table("second", "anthropic")));
    for slug in ["first", "second"] {
        for stream in [false, true] {
            let mut body = body(&format!("{slug}/model"), stream);
            body["max_tokens"] = 5_000.into();
            let answer = send(&app, &app.key, &body).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let record = app.record(&answer.generation()).expect("a record");
            let served = sim.served(record["attempts"][0]["upstream_id"].as_str().expect("an id")).expect("it was served");
            // 400 fresh, 300 read, 300 written; 7 of text, 3 of thought; one request. Only Anthropic says how long it keeps what is written.
            let written = if slug == "first" { 300 * 1_250 } else { 200 * 1_250 + 100 * 2_000 };
            assert_eq!((served.input_tokens, served.output_tokens, served.reasoning_tokens), (1_000, 10, 3));
            let expected = Money(400 * 1_000 + 300 * 100 + written + 7 * 2_000 + 3 * 3_000 + 7);
            assert_eq!(money(&record["charge"]), expected, "{slug}, stream {stream}: {:#}", record["usage"]);
            let usage = told(&answer, stream);
            assert_eq!(money(&usage["cost"]), expected, "{slug}, stream {stream}: {usage:#}");
            let details = &usage["prompt_tokens_details"];
            assert_eq!(
                (&usage["prompt_tokens"], &details["cached_tokens"], &details["cache_write_tokens"]),
                (&json!(1_000), &json!(300), &json!(300))
            );
        }
    }
    verify(&app, &sim);
}

#[tokio::test]
async fn what_a_failed_attempt_consumed_is_cost_and_no_charge_and_stays_with_that_attempt() {
    let sim = Sim::start(BINARY.as_ref());
    let first = Provider::anthropic("first", &sim.base_url()).priced("test/model", "sim-c6-cut0", "0.000001", "0.000002");
    let second = Provider::openai_chat("second", &sim.base_url()).priced("test/model", "sim-c6", "0.000001", "0.01");
    let app = TestApp::start(BINARY.as_ref(), &Config::new().provider(&first).provider(&second));
    // Records leave zeros out.
    let cost = |value: &Value| if value.is_null() { Money::ZERO } else { money(value) };
    // Enough for the first, and not for the second.
    let (poor, _) = app.create_key(&json!({ "name": "poor", "limit": 0.05, "enforcement": "strict" }));
    for stream in [true, false] {
        let mut body = body("test/model", stream);
        body["provider"] = json!({ "order": ["first", "second"] });
        let served = send(&app, &app.key, &body).await;
        assert_eq!(served.status, 200, "{}", served.text());
        let record = app.record(&served.generation()).expect("a record");
        let costs: Vec<Money> = record["attempts"].as_array().expect("attempts").iter().map(|a| cost(&a["cost"])).collect();
        let charge = money(&record["charge"]);
        assert_eq!((record["provider"].as_str(), costs.len(), costs[1]), (Some("second"), 2, charge), "{record:#}");
        if stream {
            assert!(costs[0] > Money::ZERO, "the provider had read the prompt: {record:#}");
        }
        assert_eq!(money(&record["cost"]), costs[0] + costs[1]);
        assert_eq!(record["usage"], record["attempts"][1]["usage"]);

        let failed = send(&app, &poor, &body).await;
        assert_ne!(failed.status, 402, "the first attempt fits: {}", failed.text());
        let record = app.record(&failed.generation()).expect("a record");
        let skipped = &record["attempts"][1];
        assert!(skipped["fault"]["message"].as_str().is_some_and(|m| m.contains("budget")), "{record:#}");
        assert_eq!((&skipped["usage"], &skipped["cost"]), (&Value::Null, &Value::Null), "nothing was sent there: {record:#}");
        assert_eq!((record["provider"].as_str(), money(&record["charge"])), (Some("first"), Money::ZERO), "{record:#}");
        assert_eq!(money(&record["cost"]), cost(&record["attempts"][0]["cost"]));
    }
    verify(&app, &sim);
}
