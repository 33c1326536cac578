//! Every fault of the simulator, streamed or not, through every lane: what the caller gets, what it costs, what is recorded.

use std::sync::Arc;

use portolan_testkit::{Answer, Config, Provider, Sim, TestApp};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::BINARY;

/// Cases under way at a time.
const AT_A_TIME: usize = 24;
/// First token, idle, total, in milliseconds: for the cases that wait for one of them, longer than a busy machine pauses,
const IMPATIENT: (u32, u32, u32) = (2_000, 2_000, 6_000);
/// and for all others longer than any pause.
const PATIENT: (u32, u32, u32) = (60_000, 60_000, 120_000);

/// What a case shall come to.
#[derive(Clone, Copy, Debug)]
struct Want {
    status: u16,
    end: &'static str,
    /// The class of the attempt's fault.
    class: Option<&'static str>,
    charge: Charge,
    /// Chunks of text that reach the caller of a stream.
    pieces: Option<usize>,
    /// The code of the error within the stream.
    code: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Charge {
    /// What the simulator served, to the nanodollar.
    Served,
    Nothing,
    /// More than nothing, flagged: the provider did not say what it served.
    Estimated,
    /// What the provider reported, which is not the truth: so many output tokens.
    Reported(u64),
    /// At least what was served, and flagged: reports of the provider contradict each other.
    Odd,
}

const fn completed() -> Want {
    Want { status: 200, end: "completed", class: None, charge: Charge::Served, pieces: None, code: None }
}

const fn charged(charge: Charge) -> Want {
    Want { charge, ..completed() }
}

/// It failed before content: an error with a status.
const fn before(status: u16, class: &'static str) -> Want {
    Want { status, end: "upstream_error_before_content", class: Some(class), charge: Charge::Nothing, pieces: None, code: None }
}

const fn timeout() -> Want {
    Want { end: "timeout_before_content", ..before(504, "timeout") }
}

/// It failed after so many chunks: an error within the stream.
const fn after(pieces: usize, code: u16, class: &'static str) -> Want {
    Want {
        status: 200,
        end: "upstream_error_after_content",
        class: Some(class),
        charge: Charge::Nothing,
        pieces: Some(pieces),
        code: Some(code),
    }
}

const fn stalled(pieces: usize) -> Want {
    Want { end: "timeout_after_content", ..after(pieces, 504, "timeout") }
}

const UNAVAILABLE: &str = "provider_unavailable";
const INVALID: &str = "invalid_answer";

/// Shape, streamed, whole.
const CASES: &[(&str, Want, Want)] = &[
    // Sound answers, however they come.
    ("sim-c5", Want { pieces: Some(5), ..completed() }, completed()),
    ("sim-c40-tiny", Want { pieces: Some(40), ..completed() }, completed()),
    ("sim-c6-crlf", Want { pieces: Some(6), ..completed() }, completed()),
    ("sim-c6-ping-d20", Want { pieces: Some(6), ..completed() }, completed()),
    ("sim-c5-len", completed(), completed()),
    ("sim-c5-filter", completed(), completed()),
    ("sim-c5-reason4", completed(), completed()),
    ("sim-c5-in1000", completed(), completed()),
    ("sim-c5-in1000-cache100", completed(), completed()),
    ("sim-c5-in1000-cachew100", completed(), completed()),
    ("sim-c5-in1000-cacheh100", completed(), completed()),
    ("sim-c5-t200", completed(), completed()),
    ("sim-l200-c5", completed(), completed()),
    // A provider that says nothing is paid nothing.
    (
        "sim-empty",
        Want { end: "zero_completion", charge: Charge::Nothing, ..completed() },
        Want { end: "zero_completion", charge: Charge::Nothing, ..completed() },
    ),
    // Usage that is missing or makes no sense.
    ("sim-c9-nousage", charged(Charge::Estimated), charged(Charge::Estimated)),
    ("sim-c9-usageneg", charged(Charge::Estimated), charged(Charge::Estimated)),
    ("sim-c9-usagestr", charged(Charge::Estimated), charged(Charge::Estimated)),
    ("sim-c9-usagehuge", charged(Charge::Estimated), charged(Charge::Estimated)),
    ("sim-c9-usagetwice", completed(), completed()),
    ("sim-c9-usagedec", charged(Charge::Odd), completed()),
    ("sim-c9-usageover", charged(Charge::Reported(10 * MAX_TOKENS)), charged(Charge::Reported(10 * MAX_TOKENS))),
    // Errors with a status.
    ("sim-e400", before(400, "invalid_request"), before(400, "invalid_request")),
    ("sim-e401", before(502, "credential_refused"), before(502, "credential_refused")),
    ("sim-e402", before(502, "credential_exhausted"), before(502, "credential_exhausted")),
    ("sim-e403", before(502, "credential_refused"), before(502, "credential_refused")),
    ("sim-e404", before(502, "not_found"), before(502, "not_found")),
    ("sim-e408", timeout(), timeout()),
    ("sim-e409", before(502, UNAVAILABLE), before(502, UNAVAILABLE)),
    ("sim-e413", before(413, "payload_too_large"), before(413, "payload_too_large")),
    ("sim-e422", before(400, "invalid_request"), before(400, "invalid_request")),
    ("sim-e429", before(429, "rate_limit_exceeded"), before(429, "rate_limit_exceeded")),
    ("sim-e429-ra7", before(429, "rate_limit_exceeded"), before(429, "rate_limit_exceeded")),
    ("sim-e500", before(502, UNAVAILABLE), before(502, UNAVAILABLE)),
    ("sim-e502", before(502, UNAVAILABLE), before(502, UNAVAILABLE)),
    ("sim-e503", before(503, "provider_overloaded"), before(503, "provider_overloaded")),
    ("sim-e529", before(503, "provider_overloaded"), before(503, "provider_overloaded")),
    ("sim-e599", before(502, UNAVAILABLE), before(502, UNAVAILABLE)),
    ("sim-html", before(502, UNAVAILABLE), before(502, UNAVAILABLE)),
    ("sim-html-e403", before(502, "credential_refused"), before(502, "credential_refused")),
    ("sim-redirect", before(502, UNAVAILABLE), before(502, UNAVAILABLE)),
    ("sim-echokey", before(502, "credential_refused"), before(502, "credential_refused")),
    ("sim-err200", before(502, UNAVAILABLE), before(502, UNAVAILABLE)),
    // Silence and cuts before the headers.
    ("sim-hang", timeout(), timeout()),
    ("sim-cut", before(502, UNAVAILABLE), before(502, UNAVAILABLE)),
    ("sim-l9000-c5", timeout(), timeout()),
    // In the answer: before content, and after it.
    ("sim-c9-hang0", timeout(), timeout()),
    ("sim-c9-hang3", stalled(3), timeout()),
    // Keep-alives are proof of life: then the whole is what takes too long.
    ("sim-c9-hang3-ping-d100", stalled(3), timeout()),
    ("sim-c9-t9000", timeout(), completed()),
    ("sim-c9-d3000", stalled(1), timeout()),
    // A byte every 150 ms: not even the opening frame is whole in time.
    ("sim-s999-drip150", timeout(), timeout()),
    ("sim-c9-cut0", before(502, UNAVAILABLE), before(502, UNAVAILABLE)),
    ("sim-c9-cut3", after(3, 502, UNAVAILABLE), before(502, UNAVAILABLE)),
    ("sim-c9-cut9", after(9, 502, UNAVAILABLE), before(502, UNAVAILABLE)),
    ("sim-c9-eof", before(502, UNAVAILABLE), before(502, UNAVAILABLE)),
    ("sim-c9-eof3", after(3, 502, UNAVAILABLE), before(502, INVALID)),
    ("sim-c9-garble", before(502, INVALID), before(502, INVALID)),
    ("sim-c9-garble3", after(3, 502, INVALID), before(502, INVALID)),
    ("sim-c9-errevent", before(502, UNAVAILABLE), before(502, UNAVAILABLE)),
    ("sim-c9-errevent3", after(3, 502, UNAVAILABLE), before(502, UNAVAILABLE)),
    ("sim-c9-bigline3", Want { pieces: Some(9), ..completed() }, completed()),
    ("sim-c9-gzip", before(502, INVALID), before(502, INVALID)),
];

/// Where Anthropic's words for an error say more than its status.
const ANTHROPIC: &[(&str, Want, Want)] = &[
    ("sim-e408", before(400, "invalid_request"), before(400, "invalid_request")),
    ("sim-e409", before(400, "invalid_request"), before(400, "invalid_request")),
    ("sim-e503", before(502, UNAVAILABLE), before(502, UNAVAILABLE)),
    ("sim-c9-errevent", before(503, "provider_overloaded"), before(502, UNAVAILABLE)),
    ("sim-c9-errevent3", after(3, 503, "provider_overloaded"), before(502, UNAVAILABLE)),
];

/// The output limit of every request.
const MAX_TOKENS: u64 = 300;

const LANES: &[Lane] = &[
    Lane { name: "raw", author: "oai", expected: "raw", marked: false },
    Lane { name: "translated", author: "oai", expected: "translated", marked: true },
    Lane { name: "anthropic", author: "ant", expected: "translated", marked: false },
];

#[derive(Clone, Copy, Debug)]
struct Lane {
    name: &'static str,
    author: &'static str,
    expected: &'static str,
    /// A cache mark on a part: the raw lane cannot take it.
    marked: bool,
}

fn body(lane: Lane, shape: &str, stream: bool) -> Value {
    let mut part = json!({ "type": "text", "text": "Which harbour is the safest in a storm from the south?" });
    if lane.marked {
        part["cache_control"] = json!({ "type": "ephemeral" });
    }
    json!({ "model": format!("{}/{shape}", lane.author), "stream": stream, "max_tokens": MAX_TOKENS, "messages": [{ "role": "user", "content": [part] }] })
}

/// Whether the gateway's own timeouts end it.
fn waits(shape: &str, want: Want) -> bool {
    want.class == Some("timeout") && shape != "sim-e408"
}

fn config(sim: &Sim, timeouts: (u32, u32, u32)) -> Config {
    let mut openai = Provider::openai_chat("alpha", &sim.base_url()).key("canary-alpha-7f3a9c");
    let mut anthropic = Provider::anthropic("beta", &sim.base_url()).key("canary-beta-7f3a9c");
    for (shape, ..) in CASES {
        openai = openai.model(&format!("oai/{shape}"), shape);
        anthropic = anthropic.model(&format!("ant/{shape}"), shape);
    }
    Config::new().timeouts(timeouts.0, timeouts.1, timeouts.2).provider(&openai).provider(&anthropic)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_is_answered_charged_and_recorded_as_the_tables_say() {
    let sim = Arc::new(Sim::start(BINARY.as_ref()));
    let patient = Arc::new(TestApp::start(BINARY.as_ref(), &config(&sim, PATIENT)));
    let impatient = Arc::new(TestApp::start(BINARY.as_ref(), &config(&sim, IMPATIENT)));
    let places = Arc::new(Semaphore::new(AT_A_TIME));
    let mut running = JoinSet::new();
    for (shape, streamed, whole) in CASES {
        for lane in LANES {
            let own = ANTHROPIC.iter().find(|(own, ..)| own == shape && lane.author == "ant");
            let (streamed, whole) = own.map_or((*streamed, *whole), |(_, streamed, whole)| (*streamed, *whole));
            for (stream, want) in [(true, streamed), (false, whole)] {
                let app = if waits(shape, want) { &impatient } else { &patient };
                let (sim, app, places) = (sim.clone(), app.clone(), places.clone());
                running.spawn(async move {
                    let _place = places.acquire().await.unwrap();
                    let found = run(&app, &sim, *lane, shape, stream, want).await;
                    found.map_err(|why| format!("{shape}, {}, {}: {why}", lane.name, if stream { "stream" } else { "whole" }))
                });
            }
        }
    }
    let mut wrong: Vec<String> = Vec::new();
    while let Some(done) = running.join_next().await {
        wrong.extend(done.unwrap().err());
    }
    wrong.sort();
    assert!(wrong.is_empty(), "{} cases differ:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(sim.ledger().totals.redirects_followed, 0);
    for app in [patient, impatient] {
        assert!(!app.output().contains("canary-"), "a credential is in the log");
    }
}

fn same<T: PartialEq<U> + std::fmt::Debug, U: std::fmt::Debug>(what: &str, found: T, wanted: U) -> Result<(), String> {
    if found == wanted { Ok(()) } else { Err(format!("{what}: {found:?}, not {wanted:?}")) }
}

async fn run(app: &TestApp, sim: &Sim, lane: Lane, shape: &str, stream: bool, want: Want) -> Result<(), String> {
    let answer = app.chat(&body(lane, shape, stream)).send().await.map_err(|e| format!("{e:#}"))?;
    if answer.text().contains("canary-") {
        return Err(format!("a credential is in the answer: {}", answer.text()));
    }
    if answer.status != want.status {
        return Err(format!("status {}, not {}: {:.300}", answer.status, want.status, answer.text()));
    }
    let cost = match (want.status, stream) {
        (200, true) => streamed(&answer, want)?,
        (200, false) => whole(&answer)?,
        _ => refused(&answer, shape)?,
    };
    let id = answer.generation();
    let record = app.record(&id)?;
    same("end", record["end"].as_str(), Some(want.end))?;
    same("status in the record", record["status"].as_u64(), Some(u64::from(want.status)))?;
    same("attempts", record["attempts"].as_array().map(Vec::len), Some(1))?;
    same("lane", record["attempts"][0]["lane"].as_str(), Some(lane.expected))?;
    same("class", record["attempts"][0]["fault"]["class"].as_str(), want.class)?;
    let charge = nanos(&record["charge"]);
    charged_as(sim, &record, charge, want.charge)?;
    if let Some(cost) = cost {
        same("cost in the answer", cost, charge)?;
    }
    let (status, shown) = app.get(&format!("/api/v1/generation?id={id}")).await.map_err(|e| e.to_string())?;
    same("GET /generation", status, 200)?;
    let shown = &shown["data"];
    same("total_cost", nanos(&shown["total_cost"]), charge)?;
    same("streamed", shown["streamed"].as_bool(), Some(stream))?;
    same("cancelled", shown["cancelled"].as_bool(), Some(false))?;
    same("provider_responses", shown["provider_responses"].as_array().map(Vec::len), Some(1))?;
    let (status, explained) = app.get(&format!("/api/v1/portolan/generations/{id}/explanation")).await.map_err(|e| e.to_string())?;
    same("GET explanation", status, 200)?;
    same("end in the explanation", &explained["data"]["end"], &record["end"])?;
    same("attempts in the explanation", explained["data"]["attempts"].as_array().map(Vec::len), Some(1))?;
    same("class in the explanation", explained["data"]["attempts"][0]["fault"]["class"].as_str(), want.class)?;
    Ok(())
}

/// A stream that began: whole with its cost, or with an error at its end.
fn streamed(answer: &Answer, want: Want) -> Result<Option<u64>, String> {
    let stream = answer.stream();
    same("[DONE]", stream.done, true)?;
    let id = answer.generation();
    if let Some(other) = stream.chunks.iter().find(|c| c["id"] != id.as_str()) {
        return Err(format!("a chunk is another generation's: {other}"));
    }
    if let Some(pieces) = want.pieces {
        same("chunks of text", stream.pieces(), pieces)?;
    }
    same("code of the error", stream.error().and_then(|e| e["code"].as_u64()), want.code.map(u64::from))?;
    if stream.error().is_some() {
        same("finish reason", stream.finish(), Some("error"))?;
        return Ok(None);
    }
    let usage = stream.usage().ok_or("no usage in the last chunk")?;
    Ok(Some(nanos(&usage["cost"])))
}

fn whole(answer: &Answer) -> Result<Option<u64>, String> {
    let json = answer.json();
    same("id", json["id"].as_str(), Some(answer.generation().as_str()))?;
    same("object", json["object"].as_str(), Some("chat.completion"))?;
    Ok(Some(nanos(&json["usage"]["cost"])))
}

/// An error in OpenRouter's shape.
fn refused(answer: &Answer, shape: &str) -> Result<Option<u64>, String> {
    let error = answer.json()["error"].take();
    same("error.code", error["code"].as_u64(), Some(u64::from(answer.status)))?;
    if error["message"].as_str().is_none_or(str::is_empty) || error["metadata"]["error_type"].as_str().is_none_or(str::is_empty) {
        return Err(format!("an incomplete error: {error}"));
    }
    same("provider_name", error["metadata"]["provider_name"].is_string(), true)?;
    same("retryable", error["metadata"]["retryable"].as_bool(), Some(matches!(answer.status, 429 | 502 | 503 | 504)))?;
    let wait = answer.header("retry-after");
    match (shape.contains("ra7"), answer.status) {
        (true, _) => same("Retry-After", wait, Some("7"))?,
        (false, 503) => same("Retry-After", wait, Some("1"))?,
        _ => same("Retry-After", wait, None)?,
    }
    Ok(None)
}

fn charged_as(sim: &Sim, record: &Value, charge: u64, want: Charge) -> Result<(), String> {
    let estimated = record["flags"]["estimated"] == true;
    match want {
        Charge::Nothing => {
            same("charge", charge, 0)?;
        }
        Charge::Served | Charge::Reported(_) | Charge::Odd => {
            let id = record["attempts"][0]["upstream_id"].as_str().ok_or("no upstream id")?;
            let served = sim.served(id).ok_or("the simulator served no such answer")?;
            let output = if let Charge::Reported(output) = want { output } else { served.output_tokens };
            let due = served.input_tokens * Provider::PROMPT_NANOS + output * Provider::COMPLETION_NANOS;
            // More than the limit that was sent is believed, for the provider will bill it, and flagged.
            let above_limit = matches!(want, Charge::Reported(tokens) if tokens > MAX_TOKENS);
            same("odd usage", record["flags"]["odd_usage"] == true, want == Charge::Odd || above_limit)?;
            same("charge", if want == Charge::Odd { charge.min(due) } else { charge }, due)?;
            same("estimated", estimated, false)?;
        }
        Charge::Estimated => {
            same("estimated", estimated, true)?;
            if charge == 0 || charge > 1_000_000 {
                return Err(format!("an estimate of {charge} nanodollars"));
            }
        }
    }
    Ok(())
}

/// An amount in USD, as nanodollars.
pub(crate) fn nanos(amount: &Value) -> u64 {
    let usd = amount.as_f64().unwrap_or_else(|| panic!("no amount: {amount}"));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the amounts of tests are small and positive")]
    let nanos = (usd * 1e9).round() as u64;
    nanos
}
