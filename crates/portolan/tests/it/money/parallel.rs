//! 2,000 requests at once on a key with one dollar.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use portolan_core::Money;
use portolan_testkit::{Config, Provider, Request, Sim, TestApp};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{Budget, ask, budget, money, verify, worst};
use crate::BINARY;

const REQUESTS: usize = 2_000;
const MAX_TOKENS: u64 = 100;
/// Nanodollars per token.
const PROMPT: u64 = 1_000;
const COMPLETION: u64 = 100_000;
const LIMIT: Money = Money(1_000_000_000);

/// Two models at one price: a quick one, and one that keeps its holds long enough for others to give up waiting.
const QUICK: &str = "test/quick";
const SLOW: &str = "test/slow";

fn start(sim: &Sim) -> TestApp {
    let (prompt, completion) = ("0.000001", "0.0001");
    let provider = Provider::openai_chat("outside", &sim.base_url()).priced(QUICK, "sim-c20-d2", prompt, completion).priced(
        SLOW,
        "sim-c20-l1200",
        prompt,
        completion,
    );
    TestApp::start(BINARY.as_ref(), &Config::new().provider(&provider))
}

fn body(n: usize) -> Value {
    let mut body = ask(if n.is_multiple_of(4) { SLOW } else { QUICK });
    body["max_tokens"] = MAX_TOKENS.into();
    body["stream"] = n.is_multiple_of(2).into();
    body
}

/// What became of a request.
struct Outcome {
    status: u16,
    generation: String,
    /// Metadata of a refusal.
    metadata: Value,
}

async fn send(request: Request) -> Outcome {
    let answer = request.send().await.expect("every request is answered");
    let generation = answer.generation();
    let metadata = if answer.status == 200 { Value::Null } else { answer.json()["error"]["metadata"].take() };
    if answer.status == 200 && answer.header("content-type") == Some("text/event-stream") {
        assert!(answer.stream().done, "an admitted stream ends well: {}", answer.text());
    }
    Outcome { status: answer.status, generation, metadata }
}

/// Fires all requests at once, and looks at the budget all the while.
fn fire(app: &TestApp, key: &str, hash: &str) -> (Vec<Outcome>, Vec<Budget>) {
    let over = Arc::new(AtomicBool::new(false));
    std::thread::scope(|scope| {
        let ended = Arc::clone(&over);
        let sampler = scope.spawn(move || {
            let mut samples = Vec::new();
            while !ended.load(Ordering::Relaxed) {
                samples.push(budget(app, hash, QUICK));
            }
            samples
        });
        let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
        let outcomes = runtime.block_on(async {
            let mut sending = JoinSet::new();
            for n in 0..REQUESTS {
                let request = Request::new(app.address, "POST", "/api/v1/chat/completions").bearer(key).json(&body(n));
                sending.spawn(send(request));
            }
            sending.join_all().await
        });
        over.store(true, Ordering::Relaxed);
        (outcomes, sampler.join().expect("the samples"))
    })
}

/// Sends one request after the other until one is refused, which it answers last.
fn until_refused(app: &TestApp, key: &str) -> Vec<Outcome> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let mut outcomes = Vec::new();
    while outcomes.last().is_none_or(|o: &Outcome| o.status == 200) {
        assert!(outcomes.len() < REQUESTS, "the budget never ends");
        let request = Request::new(app.address, "POST", "/api/v1/chat/completions").bearer(key).json(&body(1));
        outcomes.push(runtime.block_on(send(request)));
    }
    outcomes
}

/// What the simulator served, priced by hand.
fn served(sim: &Sim) -> (u64, Money) {
    let ledger = sim.ledger();
    let cost = ledger.requests.iter().map(|r| r.input_tokens * PROMPT + r.output_tokens * COMPLETION).sum::<u64>();
    (ledger.totals.requests, Money(i64::try_from(cost).expect("some dollars")))
}

fn by_rule(outcomes: &[Outcome]) -> BTreeMap<(u16, String), usize> {
    let mut counts = BTreeMap::new();
    for outcome in outcomes {
        let rule = outcome.metadata["rule"].as_str().unwrap_or_default().to_owned();
        *counts.entry((outcome.status, rule)).or_default() += 1;
    }
    counts
}

fn charges(app: &TestApp, outcomes: &[Outcome]) -> Money {
    let served = outcomes.iter().filter(|o| o.status == 200);
    served.map(|o| money(&app.record(&o.generation).expect("what was answered is recorded")["charge"])).sum()
}

#[test]
fn two_thousand_requests_at_once_never_spend_more_than_a_strict_dollar() {
    let sim = Sim::start(BINARY.as_ref());
    let app = start(&sim);
    let (key, hash) = app.create_key(&json!({ "name": "strict", "limit": 1, "enforcement": "strict" }));
    let worst = worst(&app, &hash, &body(0));
    assert!(Money(worst.0 * 200) > LIMIT, "few of them fit at once: {worst}");

    let (mut outcomes, samples) = fire(&app, &key, &hash);
    let counts = by_rule(&outcomes);
    app.settles();
    let after_the_storm = budget(&app, &hash, QUICK);
    outcomes.extend(until_refused(&app, &key));

    let answered = outcomes.iter().filter(|o| o.status == 200).count();
    for sample in &samples {
        assert!(sample.settled + sample.held <= LIMIT, "{sample:?}");
    }
    assert!(samples.iter().any(|s| s.holds > 1), "they overlap, and the samples saw it");
    for refused in outcomes.iter().filter(|o| o.status != 200) {
        let told = |name: &str| money(&refused.metadata[name]);
        let left = match refused.metadata["rule"].as_str() {
            Some("budget_exhausted") if refused.status == 402 => told("limit") - told("settled"),
            Some("budget_in_flight") if refused.status == 429 => told("limit") - told("settled") - told("held"),
            _ => panic!("a refusal without its rule: {} {}", refused.status, refused.metadata),
        };
        assert!(left < worst, "refused although {worst} fits in {left}: {}", refused.metadata);
    }
    assert_eq!(outcomes.last().map(|o| o.status), Some(402), "in the end it is spent");

    app.settles();
    let stands = budget(&app, &hash, QUICK);
    println!(
        "strict: worst case {worst}; at once {counts:?}, then {after_the_storm:?}; one by one to {answered} served, {stands:?}; {} samples",
        samples.len()
    );
    assert!(stands.peak_committed <= LIMIT && stands.peak_committed > LIMIT - worst, "full, and never over: {stands:?}");
    assert_eq!((stands.held, stands.holds, stands.overshoot), (Money::ZERO, 0, Money::ZERO));
    assert!(LIMIT - stands.settled < worst, "whatever fits is served: {stands:?}");
    assert_eq!(charges(&app, &outcomes), stands.settled);
    assert_eq!(served(&sim), (answered as u64, stands.settled));
    verify(&app, &sim);
}

#[test]
fn two_thousand_requests_at_once_on_a_standard_dollar_finish_and_the_overshoot_is_reported() {
    let sim = Sim::start(BINARY.as_ref());
    let app = start(&sim);
    let (key, hash) = app.create_key(&json!({ "name": "standard", "limit": 1 }));

    let (mut outcomes, samples) = fire(&app, &key, &hash);
    let counts = by_rule(&outcomes);
    app.settles();
    let after_the_storm = budget(&app, &hash, QUICK);
    outcomes.extend(until_refused(&app, &key));

    let answered = outcomes.iter().filter(|o| o.status == 200).count();
    for refused in outcomes.iter().filter(|o| o.status != 200) {
        let told = |name: &str| money(&refused.metadata[name]);
        match refused.metadata["rule"].as_str() {
            Some("budget_exhausted") if refused.status == 402 => assert!(told("settled") >= told("limit"), "{}", refused.metadata),
            Some("budget_in_flight") if refused.status == 429 => {
                assert!(told("settled") + told("held") >= told("limit"), "{}", refused.metadata);
            }
            _ => panic!("a refusal without its rule: {} {}", refused.status, refused.metadata),
        }
    }
    app.settles();
    let stands = budget(&app, &hash, QUICK);
    println!(
        "standard: at once {counts:?}, then {after_the_storm:?}; one by one to {answered} served, {stands:?}; {} samples",
        samples.len()
    );
    assert!(stands.settled >= LIMIT, "admission closed because the limit was reached: {stands:?}");
    assert_eq!(stands.overshoot, stands.settled - LIMIT, "what was settled above the limit is reported");
    let (_, shown) = app.administrate("GET", &format!("/keys/{hash}"), None);
    assert_eq!(money(&shown["data"]["usage"]), stands.settled, "{shown}");
    assert_eq!(charges(&app, &outcomes), stands.settled);
    assert_eq!(served(&sim), (answered as u64, stands.settled));
    verify(&app, &sim);
}
