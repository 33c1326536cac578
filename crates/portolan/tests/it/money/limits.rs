//! The output limit: stated, unstated, lowered, refused; and waiting for what is in flight.

use std::time::{Duration, Instant};

use portolan_core::Money;
use portolan_testkit::{Answer, Config, Provider, Request, Sim, TestApp};
use serde_json::{Value, json};

use super::{ask, budget, money, verify, worst};
use crate::BINARY;

/// The model's cap, as the test kit writes it.
const CAP: u64 = 8_192;

fn start(sim: &Sim) -> TestApp {
    let priced = |p: Provider, id, upstream| p.priced(id, upstream, "0.000001", "0.0001");
    let openai = priced(Provider::openai_chat("outside", &sim.base_url()), "test/short", "sim-c3");
    let openai = priced(openai, "test/endless", "sim-c9000");
    let openai = priced(openai, "test/slow", "sim-c3-l700");
    let openai = priced(openai, "test/stuck", "sim-c3-l5000");
    let anthropic = priced(Provider::anthropic("other", &sim.base_url()), "test/other", "sim-c3");
    TestApp::start(BINARY.as_ref(), &Config::new().provider(&openai).provider(&anthropic))
}

fn strict(app: &TestApp, limit: f64, more: &Value) -> (String, String) {
    let mut new = json!({ "name": format!("strict {limit} {more}"), "limit": limit, "enforcement": "strict" });
    new.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    app.create_key(&new)
}

fn request(app: &TestApp, key: &str, body: &Value) -> Request {
    Request::new(app.address, "POST", "/api/v1/chat/completions").bearer(key).json(body)
}

async fn send(app: &TestApp, key: &str, body: &Value) -> Answer {
    request(app, key, body).send().await.expect("an answer")
}

fn with(mut body: Value, field: &str, value: impl Into<Value>) -> Value {
    body[field] = value.into();
    body
}

fn refusal(answer: &Answer, status: u16, rule: &str) -> Value {
    let error = answer.json()["error"].take();
    assert_eq!((answer.status, error["metadata"]["rule"].as_str()), (status, Some(rule)), "{error:#}");
    error
}

#[tokio::test]
async fn an_unstated_limit_is_lowered_to_what_is_affordable_and_the_caller_is_told() {
    let sim = Sim::start(BINARY.as_ref());
    let app = start(&sim);
    for model in ["test/endless", "test/other"] {
        let (key, hash) = strict(&app, 0.1, &json!({}));
        let answer = send(&app, &key, &ask(model)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let told: u64 = answer.header("x-portolan-max-tokens").expect("the caller is told").parse().expect("a count");
        assert!((256..CAP).contains(&told), "{told}");
        let least = worst(&app, &strict(&app, 1.0, &json!({})).1, &with(ask(model), "max_tokens", told));
        let more = worst(&app, &strict(&app, 1.0, &json!({})).1, &with(ask(model), "max_tokens", told + 1));
        assert!(least <= Money(100_000_000) && more > Money(100_000_000), "the most that fits: {told}, {least}, {more}");
        let record = app.record(&answer.generation()).expect("a record");
        assert_eq!(
            (record["flags"]["lowered_max_tokens"].as_bool(), record["max_tokens"].as_u64()),
            (Some(true), Some(told)),
            "{record:#}"
        );
        if model == "test/endless" {
            assert_eq!(record["usage"]["output"].as_u64(), Some(told), "the provider was sent that limit: {record:#}");
        }
        assert!(budget(&app, &hash, model).peak_committed <= Money(100_000_000));
    }
    verify(&app, &sim);
}

#[tokio::test]
async fn what_is_affordable_is_told_where_a_stated_limit_does_not_fit_and_it_fits_then() {
    let sim = Sim::start(BINARY.as_ref());
    let app = start(&sim);
    let (key, _) = strict(&app, 0.05, &json!({}));
    let body = with(ask("test/short"), "max_tokens", 5_000);
    let refused = refusal(&send(&app, &key, &body).await, 402, "budget_exhausted");
    let affordable = refused["metadata"]["affordable_max_tokens"].as_u64().expect("a count");
    assert!((1..5_000).contains(&affordable), "{refused:#}");
    refusal(&send(&app, &key, &with(body.clone(), "max_tokens", affordable + 1)).await, 402, "budget_exhausted");
    let served = send(&app, &key, &with(body, "max_tokens", affordable)).await;
    assert_eq!((served.status, served.header("x-portolan-max-tokens")), (200, None), "{}", served.text());
}

#[tokio::test]
async fn a_limit_is_never_lowered_below_256_tokens_or_the_thinking_and_1024() {
    let sim = Sim::start(BINARY.as_ref());
    let app = start(&sim);
    let body = ask("test/other");
    let (_, probe) = strict(&app, 10.0, &json!({}));
    let dollars = |m: Money| m.to_string().parse::<f64>().expect("a number");
    let at = |body: &Value, tokens: u64| worst(&app, &probe, &with(body.clone(), "max_tokens", tokens));
    // A nanodollar less than what the least limit needs, and exactly that.
    let thinking = with(body.clone(), "reasoning", json!({ "max_tokens": 2_000 }));
    for (body, least) in [(&body, 256), (&thinking, 3_024)] {
        let needed = at(body, least);
        let (poor, _) = strict(&app, dollars(needed - Money(1)), &json!({ "max_tokens_default": null }));
        let refused = refusal(&send(&app, &poor, body).await, 402, "budget_exhausted");
        assert_eq!(refused["metadata"]["affordable_max_tokens"], least - 1, "{refused:#}");
        let (rich, _) = strict(&app, dollars(needed), &json!({}));
        let served = send(&app, &rich, body).await;
        assert_eq!((served.status, served.header("x-portolan-max-tokens")), (200, Some(least.to_string().as_str())), "{}", served.text());
    }
}

#[tokio::test]
async fn a_keys_default_stands_for_an_unstated_limit() {
    let sim = Sim::start(BINARY.as_ref());
    let app = start(&sim);
    let (key, _) = strict(&app, 1.0, &json!({ "max_tokens_default": 300 }));
    let answer = send(&app, &key, &ask("test/endless")).await;
    assert_eq!((answer.status, answer.header("x-portolan-max-tokens")), (200, None), "{}", answer.text());
    let record = app.record(&answer.generation()).expect("a record");
    assert_eq!((record["max_tokens"].as_u64(), record["usage"]["output"].as_u64()), (Some(300), Some(300)), "{record:#}");
    // The caller's own word goes first.
    let stated = send(&app, &key, &with(ask("test/endless"), "max_tokens", 400)).await;
    assert_eq!(app.record(&stated.generation()).expect("a record")["usage"]["output"], 400);
    // Where it does not fit, it is lowered like any limit that the caller did not state.
    let (poor, _) = strict(&app, 0.03, &json!({ "max_tokens_default": 300 }));
    let lowered = send(&app, &poor, &ask("test/endless")).await;
    assert!(lowered.status == 200 && lowered.header("x-portolan-max-tokens").is_some(), "{}", lowered.text());
}

#[tokio::test]
async fn a_tool_that_runs_at_the_provider_has_no_bound_and_is_refused_under_a_strict_limit_only() {
    let sim = Sim::start(BINARY.as_ref());
    let app = start(&sim);
    let body = with(ask("test/short"), "tools", json!([{ "type": "code_interpreter", "container": { "type": "auto" } }]));
    let (key, hash) = strict(&app, 1.0, &json!({}));
    let before = sim.ledger().totals.requests;
    refusal(&send(&app, &key, &body).await, 400, "unbounded_cost");
    assert_eq!((sim.ledger().totals.requests, budget(&app, &hash, "test/short").settled), (before, Money::ZERO), "nothing was sent");
    let free = send(&app, &app.key, &body).await;
    let rule = if free.status == 200 { Value::Null } else { free.json()["error"]["metadata"]["rule"].take() };
    assert_ne!(rule, "unbounded_cost", "{}", free.text());
}

#[tokio::test]
async fn what_fits_when_another_has_settled_waits_for_it() {
    let sim = Sim::start(BINARY.as_ref());
    let app = start(&sim);
    let slow = with(ask("test/slow"), "max_tokens", 100);
    let limit = 1.5 * worst(&app, &strict(&app, 1.0, &json!({})).1, &slow).to_string().parse::<f64>().expect("a number");
    let (key, hash) = strict(&app, (limit * 1e9).round() / 1e9, &json!({}));
    let first = tokio::spawn(request(&app, &key, &slow).send());
    while budget(&app, &hash, "test/slow").holds == 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let begun = Instant::now();
    let second = send(&app, &key, &with(ask("test/short"), "max_tokens", 100)).await;
    let waited = begun.elapsed();
    assert_eq!(second.status, 200, "{}", second.text());
    assert!(waited < Duration::from_secs(2), "as soon as the first had settled: {waited:?}");
    assert_eq!(first.await.expect("no panic").expect("an answer").status, 200);
    assert!(sim.ledger().requests.iter().all(|r| r.status == 200));
    verify(&app, &sim);
}

#[tokio::test]
async fn what_still_does_not_fit_after_two_seconds_is_told_when_to_come_back() {
    let sim = Sim::start(BINARY.as_ref());
    let app = start(&sim);
    let stuck = with(ask("test/stuck"), "max_tokens", 100);
    let needed = worst(&app, &strict(&app, 1.0, &json!({})).1, &stuck);
    let limit = Money(needed.0 * 3 / 2);
    let (key, hash) = strict(&app, limit.to_string().parse().expect("a number"), &json!({}));
    let first = tokio::spawn(request(&app, &key, &stuck).send());
    while budget(&app, &hash, "test/stuck").holds == 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let begun = Instant::now();
    // What fits beside the first does not stand behind what waits.
    let short = |tokens: u64| with(ask("test/short"), "max_tokens", tokens);
    let (hundred, ten) = (short(100), short(10));
    let (big, small) = tokio::join!(send(&app, &key, &hundred), send(&app, &key, &ten));
    assert!((Duration::from_millis(1_900)..Duration::from_secs(4)).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    assert_eq!(small.status, 200, "{}", small.text());
    let refused = refusal(&big, 429, "budget_in_flight");
    assert!(big.header("retry-after").is_some(), "{:?}", big.headers);
    let told = |name: &str| money(&refused["metadata"][name]);
    assert!(
        told("limit") == limit && told("held") == needed && told("settled") > Money::ZERO,
        "as things stand at the end of the wait: {refused:#}"
    );
    assert_eq!(refused["metadata"]["retryable"], true);
    drop(first.await);
}
