//! `kill -9` under load, again and again on one data directory, and a disk that is full: nothing that was answered is
//! lost, nothing is free.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portolan_core::{Money, Random, SeededRandom};
use portolan_testkit::{Answer, Config, Provider, Request, Sim, Target, TestApp, exchange};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::BINARY;
use crate::money::{ask, class, explain, money, verify};

const KILLS: u64 = 20;
/// Callers at a time.
const CALLERS: u64 = 24;
const START_MAX: Duration = Duration::from_secs(30);

/// Both dialects, drained and cancelled, quick and slow, and one that fails half of the time before content.
const MODELS: &[&str] = &["a/quick", "a/slow", "b/quick", "b/slow", "c/quick", "c/slow", "c/flaky"];

fn config(sim: &Sim) -> Config {
    let url = sim.base_url();
    let drains = Provider::openai_chat("drains", &url).drains().model("a/quick", "sim-c6-a").model("a/slow", "sim-c20-d15-a");
    let cancels = Provider::openai_chat("cancels", &url).model("b/quick", "sim-c6-b").model("b/slow", "sim-c20-d15-b");
    let anthropic = Provider::anthropic("translated", &url).drains().model("c/quick", "sim-c6-l20-c").model("c/slow", "sim-c20-d15-c");
    // One model at two providers: the second serves where the first fails.
    let flaky = Provider::openai_chat("flaky", &url).model("c/flaky", "sim-c6-e500-p50");
    let anthropic = anthropic.model("c/flaky", "sim-c6-d5");
    Config::new().top("# killed and started again").provider(&drains).provider(&cancels).provider(&anthropic).provider(&flaky)
}

/// The gateway, started again and again.
struct Gateway {
    child: Child,
}

impl Gateway {
    fn start(app: &TestApp, run: u64) -> Self {
        let dir = app.dir();
        let file = |name: &str| std::fs::File::create(dir.join(format!("{name}.{run}"))).expect("the folder is ours");
        // A file that may not grow is then an error of the write, as on a full disk, and not the end of the process.
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "trap '' XFSZ; exec \"$0\" serve --config portolan.toml --data-dir data", BINARY]);
        let child = command
            .current_dir(dir)
            .env_clear()
            .env("HOME", dir)
            .stdin(Stdio::null())
            .stdout(file("out"))
            .stderr(file("err"))
            .spawn()
            .expect("the binary starts");
        let mut gateway = Self { child };
        gateway.becomes_ready(app, run);
        gateway
    }

    fn becomes_ready(&mut self, app: &TestApp, run: u64) {
        let until = Instant::now() + START_MAX;
        while !matches!(exchange(Target::Tcp(app.address), "GET", "/readyz", None), Ok((200, _))) {
            let ended = self.child.try_wait().expect("it is our child");
            let said = || std::fs::read_to_string(app.dir().join(format!("err.{run}"))).unwrap_or_default();
            assert!(ended.is_none() && Instant::now() < until, "start {run} failed ({ended:?}): {}", said());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// From now on no file grows beyond its first byte.
    #[cfg(target_os = "linux")]
    fn fill_the_disk(&self) {
        let pid = self.child.id().to_string();
        let limited = Command::new("prlimit").args(["--pid", &pid, "--fsize=1"]).status();
        assert!(limited.is_ok_and(|status| status.success()), "prlimit (util-linux) is needed");
    }

    fn kill(mut self) {
        self.child.kill().expect("it is our child");
        self.child.wait().expect("it is our child");
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What callers remember.
#[derive(Default)]
struct Seen {
    /// Generations whose end was seen, and the cost that the answer told.
    ended: Mutex<Vec<(String, Money)>>,
    /// Generations that were broken off, by the kill or by the caller.
    broken: AtomicU64,
    sent: AtomicU64,
}

/// One caller: asks, reads, sometimes hangs up, until told to stop.
async fn call(app_address: std::net::SocketAddr, key: String, seen: Arc<Seen>, stop: Arc<AtomicBool>, random: SeededRandom) {
    let pick = |n: u64| random.next_u64() % n;
    while !stop.load(Ordering::Relaxed) {
        let stream = pick(2) == 0;
        let mut body = ask(MODELS[usize::try_from(pick(MODELS.len() as u64)).expect("small")]);
        body["stream"] = stream.into();
        body["max_tokens"] = (20 + pick(20)).into();
        let request = Request::new(app_address, "POST", "/api/v1/chat/completions").bearer(&key).json(&body);
        seen.sent.fetch_add(1, Ordering::Relaxed);
        let hangs_up = pick(6) == 0;
        let patience = Duration::from_millis(pick(200));
        let answer = if hangs_up { tokio::time::timeout(patience, request.send()).await.ok() } else { Some(request.send().await) };
        match answer {
            Some(Ok(answer)) => note(&seen, &answer, stream),
            Some(Err(_)) | None => {
                seen.broken.fetch_add(1, Ordering::Relaxed);
                // A gateway that is down refuses at once.
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
    }
}

fn note(seen: &Seen, answer: &Answer, stream: bool) {
    // Without its end, an answer that breaks off cleanly is none.
    if answer.status != 200 || (stream && !answer.text().ends_with("data: [DONE]\n\n")) {
        seen.broken.fetch_add(1, Ordering::Relaxed);
        return;
    }
    let usage = if stream { answer.stream().usage().cloned().unwrap_or_default() } else { answer.json()["usage"].take() };
    seen.ended.lock().expect("no caller panicked").push((answer.generation(), money(&usage["cost"])));
}

/// Load for a while, then the kill in the middle of it.
fn load_until_killed(gateway: Gateway, app: &TestApp, keys: &[String], seen: &Arc<Seen>, random: &SeededRandom) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    runtime.block_on(async {
        let stop = Arc::new(AtomicBool::new(false));
        let mut callers = JoinSet::new();
        for n in 0..CALLERS {
            let key = keys[usize::try_from(n).expect("small") % keys.len()].clone();
            callers.spawn(call(app.address, key, Arc::clone(seen), Arc::clone(&stop), SeededRandom::new(random.next_u64())));
        }
        tokio::time::sleep(Duration::from_millis(200 + random.next_u64() % 700)).await;
        gateway.kill();
        stop.store(true, Ordering::Relaxed);
        callers.join_all().await;
    });
}

#[test]
fn killed_at_twenty_random_moments_it_records_every_answer_once_and_gives_nothing_away() {
    let seed = std::env::var("PORTOLAN_TEST_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or_else(|| u64::from(std::process::id()));
    println!("seed: {seed} (PORTOLAN_TEST_SEED repeats it)");
    let random = SeededRandom::new(seed);
    let sim = Sim::start(BINARY.as_ref());
    let mut app = TestApp::start(BINARY.as_ref(), &config(&sim));
    let made = [
        app.create_key(&json!({ "name": "strict", "limit": 50, "enforcement": "strict" })),
        app.create_key(&json!({ "name": "standard", "limit": 50 })),
        app.create_key(&json!({ "name": "free" })),
    ];
    let keys: Vec<String> = made.iter().map(|(key, _)| key.clone()).collect();
    app.signal("KILL");
    assert!(app.exit_code(START_MAX).is_none(), "a killed process has no exit code");

    let seen = Arc::new(Seen::default());
    for run in 0..KILLS {
        let gateway = Gateway::start(&app, run);
        load_until_killed(gateway, &app, &keys, &seen, &random);
    }
    let gateway = Gateway::start(&app, KILLS);

    for (_, hash) in &made {
        let stands = explain(&app, hash, &ask("a/quick"));
        assert_eq!(
            (&stands["budgets"][0]["held"], &stands["budgets"][0]["holds"]),
            (&json!("0"), &json!(0)),
            "nothing is held after a start"
        );
    }
    let report = verify(&app, &sim);
    let ended = seen.ended.lock().expect("no caller panicked");
    every_answer_is_recorded_once(&app, &ended);
    let orphans = &class(&report, "orphaned")["requests"];
    println!(
        "{KILLS} kills: {} sent, {} seen to their end, {} broken off; {} records, {orphans} orphaned",
        seen.sent.load(Ordering::Relaxed),
        ended.len(),
        seen.broken.load(Ordering::Relaxed),
        report["records"]
    );
    assert!(ended.len() > 200 && orphans.as_u64().is_some_and(|n| n > 0), "the kills came in the middle of work");
    orphans_are_charged(class(&report, "orphaned"));
    no_run_panicked(app.dir());
    drop(gateway);
}

fn every_answer_is_recorded_once(app: &TestApp, ended: &[(String, Money)]) {
    let ids: BTreeSet<&String> = ended.iter().map(|(id, _)| id).collect();
    assert_eq!(ids.len(), ended.len(), "a generation was answered twice");
    for (id, told) in ended {
        let record = app.record(id).unwrap_or_else(|e| panic!("an answer that the caller saw the end of is lost: {e}"));
        assert_eq!((record["end"].as_str(), money(&record["charge"])), (Some("completed"), *told), "{record:#}");
    }
}

fn orphans_are_charged(orphans: &Value) {
    assert_eq!(orphans["mismatches"], 0, "{orphans:#}");
    assert!(money(&orphans["charged"]) > Money::ZERO, "{orphans:#}");
}

fn no_run_panicked(dir: &Path) {
    for run in 0..=KILLS {
        let said = std::fs::read_to_string(dir.join(format!("err.{run}"))).expect("its output");
        assert!(!said.contains("panicked"), "run {run}: {said}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn when_the_disk_is_full_nothing_more_is_sent_and_what_was_is_charged() {
    let sim = Sim::start(BINARY.as_ref());
    let mut app = TestApp::start(BINARY.as_ref(), &config(&sim));
    let (key, hash) = app.create_key(&json!({ "name": "strict", "limit": 50, "enforcement": "strict" }));
    app.signal("KILL");
    assert!(app.exit_code(START_MAX).is_none(), "a killed process has no exit code");
    let gateway = Gateway::start(&app, 0);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let request = |model: &str, stream: bool| {
        let mut body = ask(model);
        body["stream"] = stream.into();
        body["max_tokens"] = 30.into();
        Request::new(app.address, "POST", "/api/v1/chat/completions").bearer(&key).json(&body)
    };
    let send = |model: &str| runtime.block_on(request(model, false).send()).expect("an answer");
    let good = send("a/quick");
    assert_eq!(good.status, 200, "{}", good.text());
    let slow = runtime.spawn(request("a/slow", true).send());
    while explain(&app, &hash, &ask("a/quick"))["budgets"][0]["holds"] == 0
        || sim.ledger().requests.iter().all(|r| r.output_tokens == 0 || r.model != "sim-c20-d15-a")
    {
        std::thread::sleep(Duration::from_millis(2));
    }

    gateway.fill_the_disk();
    let broken = runtime.block_on(slow).expect("no panic").expect("an answer").stream();
    assert!(!broken.done || broken.error().is_some(), "what could not be recorded did not end well: {broken:?}");
    let served = sim.ledger().totals.requests;
    for n in 0..5 {
        let refused = send("a/quick");
        assert_eq!(refused.status, 503, "request {n}: {}", refused.text());
        assert_eq!(refused.json()["error"]["metadata"]["retryable"], true);
    }
    let (status, said) = exchange(Target::Tcp(app.address), "GET", "/readyz", None).expect("it answers");
    assert!(status == 503 && said.contains("journal"), "{status} {said}");
    assert_eq!(sim.ledger().totals.requests, served, "nothing was sent");
    gateway.kill();

    let gateway = Gateway::start(&app, 1);
    let report = verify(&app, &sim);
    assert_eq!((&class(&report, "completed")["requests"], &class(&report, "orphaned")["requests"]), (&json!(1), &json!(1)), "{report:#}");
    orphans_are_charged(class(&report, "orphaned"));
    assert_eq!(send("a/quick").status, 200, "with room on the disk it goes on");
    drop(gateway);
}
