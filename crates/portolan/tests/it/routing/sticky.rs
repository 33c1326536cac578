//! Conversations stay where their prompt is in the cache, and go on there after a restart.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use portolan_testkit::{Config, Sim, TestApp};
use serde_json::{Value, json};

use super::{explain, served, text};
use crate::BINARY;

const PROVIDERS: usize = 4;
/// So many conversations at four providers of one price are at one of them by chance once in four to the eleventh.
const CONVERSATIONS: usize = 12;
/// How long an idle conversation is remembered in the test of that.
const IDLE: Duration = Duration::from_secs(1);

/// Providers of equal prices, with a model that reports no cache, one that does, and one whose cached tokens are no cheaper.
fn config(sim: &Sim, sticky_idle: &str) -> Config {
    let model = |provider: usize, id: &str, shape: &str, cache_read: &str| {
        format!(
            "[[providers.p{provider}.models]]\nid = \"m/{id}\"\nupstream_id = \"{shape}\"\npricing = {{ prompt = \"0.000001\", completion = \"0.000002\", cache_read = \"{cache_read}\" }}\n"
        )
    };
    let table = |p: usize| {
        let head = format!("[providers.p{p}]\nbase_url = \"{}\"\ndialect = \"openai_chat\"\napi_key = \"canary-p{p}\"\n", sim.base_url());
        let models =
            [("plain", "sim-c3", "0.0000001"), ("cached", "sim-c3-in20-cache9", "0.0000001"), ("even", "sim-c3-in20-cache9", "0.000001")];
        head + &models.map(|(id, shape, price)| model(p, id, shape, price)).concat()
    };
    (1..=PROVIDERS).fold(Config::new().tables(&format!("[routing]\nsticky_idle = \"{sticky_idle}\"")), |config, p| config.tables(&table(p)))
}

/// A turn of a conversation: it begins with `opening`.
fn turn(model: &str, opening: &str, more: Value) -> Value {
    let mut body = json!({ "model": model, "messages": [{ "role": "user", "content": opening }] });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

async fn asked(app: &TestApp, body: &Value) -> String {
    text(&served(app, body).await.1["attempts"][0]["provider"]).to_owned()
}

/// The provider and the reason that are explained for the next turn.
async fn next(app: &TestApp, body: &Value) -> (String, bool) {
    let first = explain(app, body, 7).await["candidates"][0].take();
    assert_eq!(first["score"]["sticky"], first["order_reason"] == "sticky", "{first}");
    (text(&first["provider"]).to_owned(), first["order_reason"] == "sticky")
}

fn session(name: usize) -> Value {
    turn("m/plain", "Hello", json!({ "session_id": format!("session-{name}") }))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_time_of_zero_binds_no_conversation() {
    let sim = Sim::start(BINARY.as_ref());
    let mut app = TestApp::start(BINARY.as_ref(), &config(&sim, "0s"));
    for is_new in [true, false] {
        for name in 0..CONVERSATIONS {
            asked(&app, &session(name)).await;
            assert!(!next(&app, &session(name)).await.1, "session {name}, {is_new}");
        }
        app.restart(BINARY.as_ref());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_keeps_its_provider_also_over_a_restart_and_an_order_comes_first() {
    let sim = Sim::start(BINARY.as_ref());
    let mut app = TestApp::start(BINARY.as_ref(), &config(&sim, "5m"));
    let mut homes = Vec::new();
    for name in 0..CONVERSATIONS {
        let first = served(&app, &session(name)).await.1;
        let home = text(&first["attempts"][0]["provider"]).to_owned();
        for n in 1..10 {
            // The text of a turn does not matter, and a header says the same as the body.
            let body = turn("m/plain", &format!("Turn {n}"), json!({}));
            let answer = app.chat(&body).header("x-session-id", &format!("session-{name}")).send().await.unwrap();
            let record = app.record(&answer.generation()).unwrap();
            assert_eq!((answer.status, &record["attempts"][0]["provider"]), (200, &json!(home)), "session {name}, turn {n}");
        }
        homes.push(home);
    }
    assert!(homes.iter().collect::<BTreeSet<_>>().len() > 1, "all sessions are at {homes:?}");
    // The body's session wins over the header's.
    let (mine, other) = (0, homes.iter().position(|home| *home != homes[0]).unwrap());
    let answer = app.chat(&session(mine)).header("x-session-id", &format!("session-{other}")).send().await.unwrap();
    let record = app.record(&answer.generation()).unwrap();
    assert_eq!(record["attempts"][0]["provider"], homes[mine]);
    let path = format!("/api/v1/portolan/generations/{}/explanation", answer.generation());
    let first = app.get(&path).await.unwrap().1["data"]["candidates"][0].take();
    assert_eq!((&first["order_reason"], &first["score"]["sticky"]), (&json!("sticky"), &json!(true)));
    // Another key has other conversations under the same names.
    let (key, _) = app.create_key(&json!({ "name": "other" }));
    let mut elsewhere = 0;
    for (name, home) in homes.iter().enumerate() {
        let request = portolan_testkit::Request::new(app.address, "POST", "/api/v1/chat/completions").bearer(&key).json(&session(name));
        elsewhere += u32::from(app.record(&request.send().await.unwrap().generation()).unwrap()["attempts"][0]["provider"] != *home);
    }
    assert!(elsewhere > 0, "a key shares its conversations with another");

    app.restart(BINARY.as_ref());
    for (name, home) in homes.iter().enumerate() {
        assert_eq!(next(&app, &session(name)).await, (home.clone(), true), "session {name} after the restart");
        assert_eq!(asked(&app, &session(name)).await, *home);
        // Who names an order gets that order, and the conversation stays where it was.
        let away = (1..=PROVIDERS).map(|p| format!("p{p}")).find(|p| p != home).unwrap();
        let mut ordered = session(name);
        ordered["provider"] = json!({ "order": [away] });
        assert_eq!(next(&app, &ordered).await, (away.clone(), false));
        assert_eq!(asked(&app, &ordered).await, away);
        assert_eq!(asked(&app, &session(name)).await, *home);
        // A restriction that leaves the place out goes before it.
        let mut restricted = session(name);
        restricted["provider"] = json!({ "ignore": [home] });
        assert_ne!(next(&app, &restricted).await.0, *home);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_session_only_a_cache_that_helps_binds_a_conversation() {
    let sim = Sim::start(BINARY.as_ref());
    let app = TestApp::start(BINARY.as_ref(), &config(&sim, "5m"));
    for name in 0..3 {
        let opening = format!("Opening {name}");
        for (model, binds) in [("m/plain", false), ("m/even", false), ("m/cached", true)] {
            let body = turn(model, &opening, json!({}));
            let home = asked(&app, &body).await;
            assert_eq!(next(&app, &body).await.1, binds, "{model}");
            if binds {
                for n in 0..5 {
                    assert_eq!(asked(&app, &body).await, home, "{model}, turn {n}");
                }
            }
        }
    }
    // The same cache key is the same conversation, however it began.
    let keyed = |opening: &str| turn("m/cached", opening, json!({ "prompt_cache_key": "shared" }));
    let home = asked(&app, &keyed("One")).await;
    for n in 0..5 {
        assert_eq!(asked(&app, &keyed(&format!("Other {n}"))).await, home);
    }
    assert!(!next(&app, &turn("m/cached", "Other 1", json!({}))).await.1, "without the key it is another conversation");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_that_is_idle_for_longer_than_the_setting_is_forgotten() {
    let sim = Sim::start(BINARY.as_ref());
    let app = TestApp::start(BINARY.as_ref(), &config(&sim, "1s"));
    let mut turn = Instant::now();
    let home = asked(&app, &session(1)).await;
    // Every turn begins the time anew. On a machine at work a turn may come too late; then it shows nothing.
    for _ in 0..4 {
        tokio::time::sleep(IDLE / 2).await;
        let found = next(&app, &session(1)).await;
        if turn.elapsed() >= IDLE {
            break;
        }
        assert_eq!(found, (home.clone(), true));
        turn = Instant::now();
        asked(&app, &session(1)).await;
    }
    tokio::time::sleep(IDLE + Duration::from_millis(100)).await;
    assert!(!next(&app, &session(1)).await.1, "it is still bound");
}
