//! Callers who hang up: each is recorded once, charged what was served, and holds nothing afterwards.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use portolan_testkit::{Config, Provider, Sim, TestApp};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::BINARY;
use crate::fault_matrix::nanos;

const CALLERS: u64 = 200;
/// 30 chunks, 5 ms apart: an answer takes 150 ms, streamed or not.
const SHAPE: &str = "sim-c30-d5";
/// From before the headers until after the end of the answer.
const PATIENCE_MS_MAX: u64 = 220;

/// Public author, and whether the row reads on.
const ROWS: &[(&str, bool)] = &[("oc", false), ("od", true), ("ac", false), ("ad", true)];

fn config(sim: &Sim, shapes: &[&str]) -> Config {
    ROWS.iter().fold(Config::new(), |config, (author, drains)| {
        let row = if author.starts_with('o') { Provider::openai_chat } else { Provider::anthropic };
        let mut row = row(author, &sim.base_url());
        if *drains {
            row = row.drains();
        }
        config.provider(&shapes.iter().fold(row, |row, shape| row.model(&format!("{author}/{shape}"), shape)))
    })
}

fn body(author: &str, shape: &str, stream: bool) -> Value {
    json!({ "model": format!("{author}/{shape}"), "stream": stream, "messages": [{ "role": "user", "content": "Where does the tide turn?" }] })
}

/// SplitMix64: the sequence follows from the seed, which is printed.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_callers_who_hang_up_anywhere_are_each_recorded_once_and_nothing_stays_held() {
    let sim = Sim::start(BINARY.as_ref());
    let app = Arc::new(TestApp::start(BINARY.as_ref(), &config(&sim, &[SHAPE])));
    let seed = std::hash::RandomState::new().build_hasher().finish();
    println!("seed {seed}");
    let mut state = seed;
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let (author, _) = ROWS[usize::try_from(caller).unwrap() % ROWS.len()];
        let stream = random(&mut state).is_multiple_of(2);
        let patience = Duration::from_millis(random(&mut state) % PATIENCE_MS_MAX);
        let start = Duration::from_millis(random(&mut state) % 1500);
        let app = app.clone();
        callers.spawn(async move {
            tokio::time::sleep(start).await;
            // Dropping what was opened hangs up, wherever it stands.
            tokio::time::timeout(patience, app.chat(&body(author, SHAPE, stream)).send()).await.is_ok_and(|answer| answer.is_ok())
        });
    }
    let whole = callers.join_all().await.into_iter().filter(|saw_the_end| *saw_the_end).count();
    settled(&app, &sim).await;
    let (status, proof) = app.administrate("POST", "/verify", Some(&json!({ "sim_url": sim.base_url() })));
    assert_eq!((status, &proof["ok"]), (200, &json!(true)), "{proof:#}");
    let counted = |class: &str| {
        let classes = proof["classes"].as_array().unwrap();
        classes.iter().find(|c| c["name"] == class).map_or(0, |c| c["requests"].as_u64().unwrap())
    };
    let (completed, drained, cancelled) = (counted("completed"), counted("drained"), counted("cancelled"));
    assert!(completed >= whole as u64 && drained > 20 && cancelled > 20, "{whole} {proof:#}");
    // What the simulator was asked, somebody has a record of; who hung up before sending, nobody knows.
    let asked = sim.ledger().totals.requests;
    assert!((asked..=CALLERS).contains(&(completed + drained + cancelled)), "{asked} {proof:#}");
    assert_eq!(ended(&app), completed + drained + cancelled, "each is counted once");
}

/// Waits until neither side has anything under way.
async fn settled(app: &TestApp, sim: &Sim) {
    let until = Instant::now() + Duration::from_secs(10);
    while sim.ledger().requests.iter().any(|r| format!("{:?}", r.end) == "Open") {
        assert!(Instant::now() < until, "the simulator still serves: {:?}", sim.ledger().totals);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    app.settles();
}

/// Generations that ended, by the metrics.
fn ended(app: &TestApp) -> u64 {
    let metrics = app.metrics();
    let lines = metrics.lines().filter(|line| line.starts_with("portolan_generations_total"));
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_cancels_closes_the_connection_to_the_provider_within_half_a_second() {
    let shapes = ["sim-c1000-d10", "sim-l8000-c5"];
    let sim = Sim::start(BINARY.as_ref());
    let app = TestApp::start(BINARY.as_ref(), &config(&sim, &shapes));
    for author in ["oc", "ac"] {
        for (shape, stream) in [(shapes[0], true), (shapes[0], false), (shapes[1], true), (shapes[1], false)] {
            let before = sim.ledger().requests.len();
            if shape == shapes[0] && stream {
                let mut live = app.chat(&body(author, shape, stream)).open().await.unwrap();
                live.read_bytes(1000).await.unwrap();
            } else {
                let waiting = app.chat(&body(author, shape, stream)).send();
                assert!(tokio::time::timeout(Duration::from_millis(300), waiting).await.is_err(), "{shape}");
            }
            let gone = Instant::now();
            loop {
                let requests = sim.ledger().requests;
                let request = requests.get(before).unwrap_or_else(|| panic!("{author} {shape} {stream}: it was never asked"));
                match format!("{:?}", request.end).as_str() {
                    "HungUp" => break,
                    "Open" => assert!(gone.elapsed() < Duration::from_millis(500), "{author} {shape} {stream}: still open"),
                    other => panic!("{author} {shape} {stream}: {other}"),
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_charged_after_a_hang_up_is_what_was_served_exactly_where_it_was_read_on() {
    let sim = Sim::start(BINARY.as_ref());
    let app = TestApp::start(BINARY.as_ref(), &config(&sim, &[SHAPE]));
    for (author, drains) in ROWS {
        let mut live = app.chat(&body(author, SHAPE, true)).open().await.unwrap();
        let id = live.header("x-generation-id").unwrap().to_owned();
        live.read_bytes(2000).await.unwrap();
        drop(live);
        let record = app.record(&id).unwrap();
        let served = sim.served(record["attempts"][0]["upstream_id"].as_str().unwrap()).unwrap();
        let cost = |output: u64| served.input_tokens * Provider::PROMPT_NANOS + output * Provider::COMPLETION_NANOS;
        let charge = nanos(&record["charge"]);
        assert_eq!(record["end"], "caller_gone_after_content", "{author}");
        if *drains {
            assert_eq!((charge, &record["flags"]["drained"]), (cost(30), &json!(true)), "{author}: {record}");
        } else {
            // Nobody says how many tokens they were: text is estimated by its bytes, and the order of magnitude holds.
            let output = record["usage"]["output"].as_u64().unwrap();
            assert!(record["flags"]["estimated"] == true && charge > 0, "{author}: {record}");
            assert!((1..=2 * served.output_tokens).contains(&output), "{author}: {output} of {}", served.output_tokens);
            assert!(served.output_tokens < 30, "{author}: it was not cancelled");
        }
        let (_, shown) = app.get(&format!("/api/v1/generation?id={id}")).await.unwrap();
        assert_eq!((nanos(&shown["data"]["total_cost"]), &shown["data"]["cancelled"]), (charge, &json!(true)), "{author}");
    }
}

/// More than all buffers on the way hold: 60,000 chunks of 500 bytes, as fast as they are read.
const LONG: &str = "sim-c60000-s30000000-nomax";

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_stops_reading_is_taken_for_gone_and_pays_what_was_served() {
    let sim = Sim::start(BINARY.as_ref());
    let app = TestApp::start(BINARY.as_ref(), &config(&sim, &[LONG]).timeouts(30_000, 2_000, 60_000));
    for (author, drains) in ROWS {
        let mut live = app.chat(&body(author, LONG, true)).open().await.unwrap();
        let id = live.header("x-generation-id").unwrap().to_owned();
        live.read_bytes(1000).await.unwrap();
        let record = app.record(&id).unwrap();
        assert_eq!((&record["end"], nanos(&record["charge"]) > 0), (&json!("caller_gone_after_content"), true), "{author}: {record}");
        assert_eq!(record["flags"]["drained"] == true, *drains, "{author}: {record}");
        drop(live);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_reads_until_the_time_is_over_pays_what_was_served() {
    let sim = Sim::start(BINARY.as_ref());
    let app = TestApp::start(BINARY.as_ref(), &config(&sim, &[LONG]).timeouts(30_000, 2_500, 12_000));
    let mut live = app.chat(&body("oc", LONG, true)).open().await.unwrap();
    let id = live.header("x-generation-id").unwrap().to_owned();
    let begun = Instant::now();
    // A megabyte a second: less than comes, also on a busy machine, and more often than the pause that is allowed.
    while begun.elapsed() < Duration::from_secs(20) && live.read_bytes(300_000).await.is_ok_and(|read| read >= 300_000) {
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let record = app.record(&id).unwrap();
    assert_eq!((&record["end"], nanos(&record["charge"]) > 0), (&json!("caller_gone_after_content"), true), "{record}");
    // Not when reading stopped, and not for a pause of the reader: when the time was over.
    let took = record["latency"]["total_ms"].as_u64().unwrap();
    assert!((12_000..17_000).contains(&took), "{took}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_stops_reading_does_not_hold_up_a_shutdown() {
    let sim = Sim::start(BINARY.as_ref());
    let mut app = TestApp::start(BINARY.as_ref(), &config(&sim, &[LONG]).server("drain_timeout = \"1s\""));
    let mut live = app.chat(&body("oc", LONG, true)).open().await.unwrap();
    live.read_bytes(1000).await.unwrap();
    let told = Instant::now();
    app.signal("TERM");
    assert_eq!(app.exit_code(Duration::from_secs(20)), Some(0), "{}", app.output());
    assert!(told.elapsed() < Duration::from_secs(15), "{:?}", told.elapsed());
    let run = crate::process::portolan(
        app.dir(),
        &format!("logs show {} --data-dir data --config portolan.toml --json", live.header("x-generation-id").unwrap()),
        &[],
    );
    assert!(crate::process::text(&run.stdout).contains("drained_after_content"), "{}", crate::process::text(&run.stdout));
}
