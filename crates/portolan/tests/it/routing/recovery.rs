//! Conversations whose place fails: where they go, and where they are when it is mended.

use std::time::{Duration, Instant};

use portolan_testkit::{Config, Mode, Provider, Sim, Switch, TestApp};
use serde_json::{Value, json};

use super::{ask, candidates, explain, served, text};
use crate::BINARY;

const PROVIDERS: usize = 4;
/// Within this time an endpoint that was mended is looked at again: delays of 5, 10 and 20 seconds, and a machine at work.
const MENDED_MAX: Duration = Duration::from_secs(60);

struct World {
    _sim: Sim,
    doors: Vec<Switch>,
    app: TestApp,
}

/// Providers `p1`, `p2`, ... with doors in front of them; `models` says which of the two models `m/a` and `m/b` each has.
async fn world(sticky_idle: &str, models: &[&str]) -> World {
    let sim = Sim::start(BINARY.as_ref());
    let mut doors = Vec::new();
    let mut config = Config::new().tables(&format!("[routing]\nsticky_idle = \"{sticky_idle}\""));
    for (i, model) in models.iter().enumerate() {
        let door = Switch::new(sim.address).await;
        config = config.provider(&Provider::openai_chat(&format!("p{}", i + 1), &door.base_url()).model(model, "sim-c3"));
        doors.push(door);
    }
    let app = TestApp::start(BINARY.as_ref(), &config);
    World { _sim: sim, doors, app }
}

impl World {
    fn set(&self, provider: &str, mode: Mode) {
        let number: usize = provider.strip_prefix('p').unwrap().parse().unwrap();
        self.doors[number - 1].set(mode);
    }

    /// The providers that a turn was sent to; the last one answered.
    async fn turn(&self, body: &Value) -> Vec<String> {
        let record = served(&self.app, body).await.1;
        record["attempts"].as_array().unwrap().iter().map(|a| text(&a["provider"]).to_owned()).collect()
    }

    /// The candidate of a provider in the plan of the next turn, and the first of all.
    async fn next(&self, body: &Value, provider: &str) -> (Value, Value) {
        let told = explain(&self.app, body, 7).await;
        let all = candidates(&told, "eligible");
        let own = all.iter().find(|candidate| candidate["provider"] == provider).unwrap();
        ((*own).clone(), all[0].clone())
    }
}

fn session() -> Value {
    ask("m/a", json!({ "session_id": "one" }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_whose_place_fails_goes_on_elsewhere_and_returns_when_it_is_mended() {
    let world = world("5m", &["m/a"; PROVIDERS]).await;
    let home = world.turn(&session()).await.pop().unwrap();
    world.set(&home, Mode::Status);
    let tried = world.turn(&session()).await;
    assert_eq!((tried.len(), &tried[0]), (2, &home), "it was there, and fails over");
    // The place keeps its mark, and stands behind the others; the rest of the outage is no failure to the caller.
    let (own, first) = world.next(&session(), &home).await;
    assert_eq!((&own["score"]["sticky"], &own["score"]["health"]), (&json!(true), &json!("failed_recently")), "{own}");
    assert_eq!((&own["order_reason"], &own["order"]), (&json!("unhealthy"), &json!(PROVIDERS)), "{own}");
    assert!(first["provider"] != home && first["score"]["sticky"] == false, "{first}");
    for _ in 0..4 {
        assert_ne!(world.turn(&session()).await.pop().unwrap(), home, "it is out");
    }

    world.set(&home, Mode::Pass);
    let mended = Instant::now();
    while world.turn(&session()).await.as_slice() != std::slice::from_ref(&home) {
        assert!(mended.elapsed() < MENDED_MAX, "it does not return");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    for _ in 0..6 {
        let (_, first) = world.next(&session(), &home).await;
        assert_eq!((&first["provider"], &first["order_reason"]), (&json!(home), &json!("sticky")));
        assert_eq!(world.turn(&session()).await.as_slice(), std::slice::from_ref(&home));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_whose_place_was_out_for_longer_than_the_idle_time_stays_where_it_went() {
    const IDLE: Duration = Duration::from_secs(3);
    let world = world("3s", &["m/a"; PROVIDERS]).await;
    let begun = Instant::now();
    let home = world.turn(&session()).await.pop().unwrap();
    world.set(&home, Mode::Status);
    // Turns elsewhere are no use of the place that failed.
    while begun.elapsed() < IDLE + Duration::from_millis(500) {
        assert_ne!(world.turn(&session()).await.pop().unwrap(), home);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let refuge = world.turn(&session()).await.pop().unwrap();
    world.set(&home, Mode::Pass);
    let (mended, mut last) = (Instant::now(), Instant::now());
    loop {
        let (own, first) = world.next(&session(), &home).await;
        let tried = world.turn(&session()).await;
        // On a machine at work a turn may come too late; then it shows nothing.
        if last.elapsed() >= IDLE {
            return;
        }
        assert_eq!((&first["provider"], &first["order_reason"], &tried[..]), (&json!(refuge), &json!("sticky"), &[refuge.clone()][..]));
        last = Instant::now();
        if own["score"]["health"] == "ok" {
            break;
        }
        assert!(mended.elapsed() < MENDED_MAX, "{own}");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    for _ in 0..4 {
        last = Instant::now();
        let tried = world.turn(&session()).await;
        assert!(last.elapsed() >= IDLE || tried == [refuge.clone()], "{tried:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_that_fell_back_to_another_model_is_bound_again_where_the_first_model_serves() {
    let world = world("5m", &["m/a", "m/a", "m/a", "m/a", "m/b"]).await;
    let body = ask("m/a", json!({ "models": ["m/b"], "session_id": "one" }));
    (1..=4).for_each(|n| world.set(&format!("p{n}"), Mode::Status));
    assert_eq!(world.turn(&body).await.pop().unwrap(), "p5", "the fallback serves");
    (1..=4).for_each(|n| world.set(&format!("p{n}"), Mode::Pass));
    let mended = Instant::now();
    // The caller's order of models holds: the conversation goes back to the first as soon as that is well.
    let home = loop {
        let told = explain(&world.app, &body, 7).await;
        if candidates(&told, "eligible").iter().all(|candidate| candidate["score"]["health"] == "ok") {
            break world.turn(&body).await.pop().unwrap();
        }
        assert!(mended.elapsed() < MENDED_MAX, "{told}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert_ne!(home, "p5");
    for n in 0..6 {
        let (_, first) = world.next(&body, &home).await;
        assert_eq!((&first["provider"], &first["order_reason"]), (&json!(home), &json!("sticky")), "turn {n}");
        assert_eq!(world.turn(&body).await.as_slice(), std::slice::from_ref(&home), "turn {n}");
    }
}
