//! Active probes: a provider that nobody asks goes down and comes back, and requests are spared it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use portolan_testkit::{Config, Mode, Provider, Sim, Switch, TestApp};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::BINARY;

/// The shortest that is allowed.
const INTERVAL: Duration = Duration::from_secs(5);
/// So long a probe waits for an answer.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(10);
/// A round comes a tenth early or late, and the machine may be at work.
const SLACK: Duration = Duration::from_secs(3);
const TICK: Duration = Duration::from_millis(100);

fn probing() -> Config {
    Config::new().tables("[routing]\nprobe_interval = \"5s\"")
}

fn ask() -> Value {
    json!({ "model": "m/x", "messages": [{ "role": "user", "content": "Which way?" }] })
}

/// Waits for what is to come; answers how long that took.
async fn until(what: &str, longest: Duration, mut is_so: impl AsyncFnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < longest, "{what} did not come within {longest:?}");
        tokio::time::sleep(TICK).await;
    }
    begun.elapsed()
}

/// The candidates in their order: provider, reason, health.
async fn order(app: &TestApp) -> Vec<(String, String, String)> {
    let explained = app.request("POST", "/api/v1/portolan/explain").json(&ask()).send().await.unwrap().json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let candidates = explained["data"]["candidates"].as_array().unwrap().iter();
    candidates.map(|c| (text(&c["provider"]), text(&c["order_reason"]), text(&c["score"]["health"]))).collect()
}

/// The providers that a request was sent to; the last one answered.
async fn tried(app: &TestApp) -> Vec<String> {
    let answer = app.chat(&ask()).send().await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let record = app.record(&answer.generation()).unwrap();
    record["attempts"].as_array().unwrap().iter().map(|a| a["provider"].as_str().unwrap().to_owned()).collect()
}

fn is_up(app: &TestApp, provider: &str, up: u8) -> bool {
    app.metrics().contains(&format!("portolan_provider_up{{provider=\"{provider}\"}} {up}\n"))
}

fn times_said(app: &TestApp, what: &str) -> usize {
    app.output().matches(what).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_goes_down_without_traffic_is_met_by_no_request_until_it_is_well() {
    goes_and_comes_back(Mode::Cut, 2 * INTERVAL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_accepts_and_never_answers_is_down_after_two_probes_that_were_given_up() {
    goes_and_comes_back(Mode::Hang, INTERVAL + 2 * GIVEN_UP_AFTER).await;
}

#[expect(clippy::print_stdout, reason = "it reports how long an outage goes unnoticed")]
async fn goes_and_comes_back(mode: Mode, longest: Duration) {
    let sim = Sim::start(BINARY.as_ref());
    let (cheap, dear) = (Switch::new(sim.address).await, Switch::new(sim.address).await);
    // The cheap one weighs a million million times as much: it is the first whenever it is well.
    let config = probing()
        .provider(&Provider::openai_chat("cheap", &cheap.base_url()).priced("m/x", "sim-c5", "0.00000001", "0.00000001"))
        .provider(&Provider::openai_chat("dear", &dear.base_url()).priced("m/x", "sim-c5", "0.01", "0.01"));
    let app = TestApp::start(BINARY.as_ref(), &config);
    until("the first probe", INTERVAL + SLACK, async || is_up(&app, "cheap", 1) && is_up(&app, "dear", 1)).await;

    cheap.set(mode);
    let away = until("the provider's place at the back", longest + SLACK, async || order(&app).await[0].0 == "dear").await;
    let seen = order(&app).await;
    assert_eq!(seen[1], ("cheap".to_owned(), "unhealthy".to_owned(), "probe_failed".to_owned()), "{seen:?}");
    assert_eq!(tried(&app).await, ["dear"], "not one attempt at the dead one");
    until("the gauge", SLACK, async || is_up(&app, "cheap", 0) && is_up(&app, "dear", 1)).await;

    cheap.set(Mode::Pass);
    // A probe that was under way is given up first.
    let back = until("the provider's return", longest + SLACK, async || order(&app).await[0].0 == "cheap").await;
    println!("{mode:?}: at the back after {away:.1?}, to the front after {back:.1?}");
    assert_eq!(tried(&app).await, ["cheap"]);
    until("the gauge", SLACK, async || is_up(&app, "cheap", 1)).await;
    let said = ["the provider cannot be reached", "the provider can be reached again"].map(|what| times_said(&app, what));
    assert_eq!(said, [1, 1], "changes only:\n{}", app.output());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_down_serves_where_it_is_the_only_one_and_that_clears_it() {
    let only = Upstream::start(|request| match *request.method() {
        Method::GET => StatusCode::BAD_GATEWAY.into_response(),
        _ => completion(),
    })
    .await;
    let app = TestApp::start(BINARY.as_ref(), &probing().provider(&only.provider("only")));
    until("its place at the back", 2 * INTERVAL + SLACK, async || order(&app).await[0].2 == "probe_failed").await;
    assert_eq!(tried(&app).await, ["only"], "put to the back is not refused");
    assert_eq!(order(&app).await[0].2, "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_asked_unless_an_interval_is_set_nor_of_who_serves_meanwhile() {
    let answers = |_: &Request| completion();
    let (quiet, busy, off) = (Upstream::start(answers).await, Upstream::start(answers).await, Upstream::start(answers).await);
    let unprobed = TestApp::start(BINARY.as_ref(), &Config::new().provider(&off.provider("off")));
    let app = TestApp::start(BINARY.as_ref(), &probing().provider(&busy.provider("busy")));
    let idle = TestApp::start(BINARY.as_ref(), &probing().provider(&quiet.provider("quiet")));
    tried(&app).await;
    let before = busy.lists();
    until("three probes of who is quiet", 3 * INTERVAL + SLACK, async || {
        assert_eq!(tried(&app).await, ["busy"]);
        quiet.lists() == 3
    })
    .await;
    assert_eq!((busy.lists() - before, off.lists()), (0, 0));
    assert!(is_up(&app, "busy", 1) && is_up(&idle, "quiet", 1), "traffic is a probe");
    assert!(!unprobed.metrics().contains("portolan_provider_up{"));
}

const SECRETS: [&str; 2] = ["sk-wrong-0123456789abcdef-environment", "sk-wrong-0123456789abcdef-file"];

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_is_not_taken_is_told_once_with_its_place_and_without_itself() {
    let refusing = Upstream::start(|request| {
        let shown = request.headers().get(header::AUTHORIZATION).unwrap().to_str().unwrap().to_owned();
        (StatusCode::UNAUTHORIZED, [("www-authenticate", shown.clone())], format!("who is {shown}?")).into_response()
    })
    .await;
    let config = probing()
        .tables(&format!("[providers.openai]\nbase_url = \"{}\"", refusing.base_url()))
        .provider(&refusing.provider("mine").key(SECRETS[1]))
        .env("OPENAI_API_KEY", SECRETS[0]);
    let app = TestApp::start(BINARY.as_ref(), &config);
    let told = "the provider does not take the credential";
    until("the warnings", 2 * INTERVAL + SLACK, async || times_said(&app, told) == 2).await;
    let asked = refusing.lists();
    until("more probes", 2 * INTERVAL + SLACK, async || refusing.lists() >= asked + 4).await;
    let said = app.output();
    let lines: Vec<_> = said.lines().filter(|line| line.contains(told)).collect();
    assert_eq!(lines.len(), 2, "once each: {said}");
    for (provider, place) in [("openai", "env OPENAI_API_KEY"), ("mine", "portolan.toml:")] {
        let line = lines.iter().find(|line| line.contains(&format!("provider.slug={provider}")));
        assert!(line.is_some_and(|line| line.contains(place) && line.contains("401")), "{provider}: {lines:?}");
        assert!(is_up(&app, provider, 0), "{provider}");
    }
    assert!(!SECRETS.iter().any(|secret| said.contains(secret)) && !said.contains("0123456789abcdef"), "{said}");
    assert_eq!(order(&app).await[0].2, "probe_failed");
}

/// A provider that answers as a test wants, and counts how often it was asked for its models.
#[derive(Clone)]
struct Upstream {
    address: SocketAddr,
    lists: Arc<AtomicUsize>,
    answer: fn(&Request) -> Response,
}

impl Upstream {
    async fn start(answer: fn(&Request) -> Response) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = Self { address: listener.local_addr().unwrap(), lists: Arc::default(), answer };
        let router = Router::new().fallback(Self::serve).with_state(upstream.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        upstream
    }

    async fn serve(State(upstream): State<Self>, request: Request) -> Response {
        let is_list = request.method() == Method::GET && request.uri().path() == "/v1/models";
        upstream.lists.fetch_add(usize::from(is_list), Ordering::SeqCst);
        (upstream.answer)(&request)
    }

    fn lists(&self) -> usize {
        self.lists.load(Ordering::SeqCst)
    }

    fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    fn provider(&self, slug: &str) -> Provider {
        Provider::openai_chat(slug, &self.base_url()).model("m/x", "x")
    }
}

fn completion() -> Response {
    let message = json!({ "role": "assistant", "content": "That way." });
    let choice = json!({ "index": 0, "message": message, "finish_reason": "stop" });
    let usage = json!({ "prompt_tokens": 3, "completion_tokens": 3, "total_tokens": 6 });
    Json(json!({ "id": "c-1", "object": "chat.completion", "created": 1, "model": "x", "choices": [choice], "usage": usage }))
        .into_response()
}
