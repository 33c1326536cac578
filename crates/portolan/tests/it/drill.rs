//! The failover drill: five providers of one model break and mend while requests go on.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use portolan_testkit::{Config, Mode, Provider, Sim, Switch, TestApp};
use serde_json::json;
use tokio::task::JoinSet;

use crate::BINARY;

const PROVIDERS: usize = 5;
/// Requests at a time, half of them streamed.
const VOLLEY: usize = 10;
/// After this an endpoint that failed is tried again for the first time.
const PROBE_INTERVAL: Duration = Duration::from_secs(5);

struct World {
    _sim: Sim,
    doors: Vec<Switch>,
    app: Arc<TestApp>,
}

async fn world() -> World {
    let sim = Sim::start(BINARY.as_ref());
    let mut doors = Vec::new();
    for _ in 0..PROVIDERS {
        doors.push(Switch::new(sim.address).await);
    }
    let config = doors.iter().enumerate().fold(Config::new().timeouts(1_000, 1_000, 8_000), |config, (i, door)| {
        config.provider(&Provider::openai_chat(&format!("p{}", i + 1), &door.base_url()).model("m/x", "sim-c5"))
    });
    let app = Arc::new(TestApp::start(BINARY.as_ref(), &config));
    World { _sim: sim, doors, app }
}

/// Sends a volley; every request must be answered in full. The providers that were tried first, and how long each request took.
async fn volley(app: &Arc<TestApp>, what: &str) -> (BTreeSet<String>, Vec<Duration>) {
    let mut running = JoinSet::new();
    for i in 0..VOLLEY {
        let (app, what) = (app.clone(), what.to_owned());
        running.spawn(async move {
            let stream = i % 2 == 0;
            let body = json!({ "model": "m/x", "stream": stream, "messages": [{ "role": "user", "content": "Which way?" }] });
            let begun = Instant::now();
            let answer = app.chat(&body).send().await.unwrap();
            let took = begun.elapsed();
            let whole = if stream { answer.stream().done && answer.stream().pieces() == 5 } else { answer.json()["usage"].is_object() };
            assert!(answer.status == 200 && whole, "{what}: {} {}", answer.status, answer.text());
            let record = app.record(&answer.generation()).unwrap();
            (record["attempts"][0]["provider"].as_str().unwrap().to_owned(), took)
        });
    }
    running.join_all().await.into_iter().unzip()
}

#[expect(clippy::print_stdout, reason = "the drill reports the latency that failing endpoints add")]
fn told(name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let (median, longest) = (times[times.len() / 2], times[times.len() - 1]);
    println!("{name:>8}: {} requests, none failed; median {median:.0?}, longest {longest:.0?}", times.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_that_break_in_turn_fail_no_request() {
    let World { _sim, doors, app } = world().await;
    let mut healthy = Vec::new();
    for _ in 0..3 {
        healthy.extend(volley(&app, "healthy").await.1);
    }
    told("healthy", healthy);
    for mode in Mode::FAULTS {
        let mut times = Vec::new();
        for (i, door) in doors.iter().enumerate() {
            door.set(mode);
            times.extend(volley(&app, &format!("p{} {mode:?}", i + 1)).await.1);
            door.set(Mode::Pass);
        }
        told(&format!("{mode:?}"), times);
    }
    let mut times = Vec::new();
    for well in 0..PROVIDERS {
        for (i, door) in doors.iter().enumerate() {
            door.set(if i == well { Mode::Pass } else { Mode::FAULTS[(i + well) % Mode::FAULTS.len()] });
        }
        times.extend(volley(&app, &format!("only p{} is well", well + 1)).await.1);
    }
    told("four out", times);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_was_mended_serves_again_within_one_probe_interval() {
    let World { _sim, doors, app } = world().await;
    doors[0].set(Mode::Status);
    let mut tried = true;
    while tried {
        tried = volley(&app, "p1 is out").await.0.contains("p1");
    }
    doors[0].set(Mode::Pass);
    let mended = Instant::now();
    while !volley(&app, "p1 is mended").await.0.contains("p1") {
        assert!(mended.elapsed() < PROBE_INTERVAL + Duration::from_secs(2), "it does not serve again");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!("it serves again {:.1?} after it was mended", mended.elapsed());
}
