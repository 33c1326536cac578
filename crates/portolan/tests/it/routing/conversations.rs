//! A router chooses once for a conversation: `openrouter/auto` and `openrouter/free` from turn to turn.

use std::collections::BTreeSet;

use portolan_testkit::{Config, Sim, TestApp};
use serde_json::{Value, json};

use super::{explain, served, text};
use crate::BINARY;

const EASY: &str = "hi";
const HARD: &str = "Design a distributed lock service, prove that it is safe under clock skew, compare three approaches and analyse the failure modes of each.";
const AUTO: &str = "openrouter/auto";
/// How many models cost nothing: more than stand in for a router at a time.
const FREE: usize = 8;

/// Two providers of equal prices. Of the models that report no cache (`plain`) and those that do (`cached`) one is cheap, one is
/// strong, and one that is dearer still reads images. The others cost nothing.
fn config(sim: &Sim) -> Config {
    let provider = |slug: &str| {
        let row = |id: &str, shape: &str, price: [&str; 3], more: &str| {
            let [prompt, completion, cached] = price;
            format!(
                "[[providers.{slug}.models]]\nid = \"{id}\"\nupstream_id = \"{shape}\"\n{more}\npricing = {{ prompt = \"{prompt}\", completion = \"{completion}\", cache_read = \"{cached}\" }}\n"
            )
        };
        let mut table =
            format!("[providers.{slug}]\nbase_url = \"{}\"\ndialect = \"openai_chat\"\napi_key = \"canary-{slug}\"\n", sim.base_url());
        for (author, shape) in [("plain", "sim-c3"), ("cached", "sim-c3-in20-cache9")] {
            table += &row(&format!("{author}/cheap"), shape, ["0.000001", "0.000001", "0.0000001"], "");
            table += &row(&format!("{author}/strong"), shape, ["0.00001", "0.00001", "0.000001"], "");
            table += &row(&format!("{author}/eye"), shape, ["0.00004", "0.00004", "0.000004"], "capabilities = [\"image_input\"]");
        }
        (0..FREE).for_each(|n| table += &row(&format!("gift/m{n}"), "sim-c3", ["0"; 3], ""));
        table
    };
    Config::new().tables(&provider("p1")).tables(&provider("p2"))
}

/// A conversation with a router among the models of one author, up to the last of what the user said.
fn turn(router: &str, author: &str, said: &[&str], more: Value) -> Value {
    let answered = |text: &&str| [json!({ "role": "user", "content": text }), json!({ "role": "assistant", "content": "Well." })];
    let mut messages: Vec<Value> = said.iter().flat_map(answered).collect();
    messages.pop();
    let plugin = json!({ "id": "auto-router", "allowed_models": [format!("{author}/*")], "cost_tier": "high" });
    let mut body = json!({ "model": router, "messages": messages, "plugins": [plugin] });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

/// The model that would answer, and whether the conversation is there already.
async fn next(app: &TestApp, body: &Value) -> (String, bool) {
    let first = explain(app, body, 7).await["candidates"][0].take();
    let is_sticky = first["order_reason"] == "sticky";
    assert_eq!(first["score"]["sticky"], is_sticky, "{first}");
    (text(&first["model"]).to_owned(), is_sticky)
}

fn at(model: &str, is_sticky: bool) -> (String, bool) {
    (model.to_owned(), is_sticky)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_with_a_router_keeps_its_model_and_its_endpoint_where_another_would_be_chosen() {
    let sim = Sim::start(BINARY.as_ref());
    let mut app = TestApp::start(BINARY.as_ref(), &config(&sim));
    // By its session, and by how it began once a cache has helped.
    let cases = [("plain", json!({ "session_id": "one" })), ("cached", json!({}))];
    for (author, more) in &cases {
        let (cheap, strong) = (format!("{author}/cheap"), format!("{author}/strong"));
        let first = turn(AUTO, author, &[EASY], more.clone());
        let second = turn(AUTO, author, &[EASY, HARD], more.clone());
        assert_eq!(next(&app, &second).await, at(&strong, false), "the second turn by itself");
        let (answer, begun) = served(&app, &first).await;
        assert_eq!(answer["model"], cheap);
        for (router, models) in [(AUTO, json!([])), ("portolan/auto", json!([])), (AUTO, json!(["gift/m0"]))] {
            let mut second = second.clone();
            second["model"] = router.into();
            second["models"] = models;
            assert_eq!(next(&app, &second).await, at(&cheap, true), "{second}");
            let (answer, record) = served(&app, &second).await;
            assert_eq!((&answer["model"], &record["attempts"][0]["endpoint"]), (&json!(cheap), &begun["attempts"][0]["endpoint"]));
            let path = format!("/api/v1/portolan/generations/{}/explanation", text(&record["id"]));
            let told = app.get(&path).await.unwrap().1["data"].take();
            let place = &told["candidates"][0];
            assert_eq!((&place["model"], &place["order_reason"], &told["strategy"]), (&json!(cheap), &json!("sticky"), &json!("auto")));
        }
        // Without its endpoint the model is kept at another one.
        let home = text(&begun["attempts"][0]["provider"]);
        let mut away = second.clone();
        away["provider"] = json!({ "ignore": [home] });
        assert_eq!(next(&app, &away).await, at(&cheap, false));
        // Who names the model himself is in another conversation, and so is who begins anew.
        let other = turn(AUTO, author, &["Hello there", HARD], json!({ "session_id": format!("other-{author}") }));
        assert_eq!(next(&app, &other).await, at(&strong, false));
        let mut named = second.clone();
        named["model"] = cheap.clone().into();
        assert_eq!(next(&app, &named).await, at(&cheap, false));
    }
    app.restart(BINARY.as_ref());
    for (author, more) in cases {
        let body = turn(AUTO, author, &[EASY, HARD], more);
        assert_eq!(next(&app, &body).await, at(&format!("{author}/cheap"), true), "after the restart");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_may_no_longer_answer_is_replaced_and_the_new_one_is_kept() {
    let sim = Sim::start(BINARY.as_ref());
    let app = TestApp::start(BINARY.as_ref(), &config(&sim));
    let session = json!({ "session_id": "one" });
    let say = |said: &[&str]| turn(AUTO, "plain", said, session.clone());
    let picture = json!([{ "type": "image_url", "image_url": { "url": "data:image/png;base64,iVBORw0KGgo=" } }]);
    let mut seen = say(&[EASY, "?"]);
    seen["messages"][2]["content"] = picture;
    let mut narrowed = say(&[EASY, HARD]);
    narrowed["plugins"][0]["excluded_models"] = json!(["*/eye"]);
    let mut lowered = say(&[EASY]);
    lowered["plugins"][0]["cost_tier"] = "low".into();
    let mut bounded = say(&[EASY]);
    bounded["provider"] = json!({ "max_price": { "prompt": 5 } });
    // The turn; whether the model before it is kept; who answers.
    for (body, is_kept, model) in [
        (say(&[EASY]), false, "plain/cheap"),
        (seen.clone(), false, "plain/eye"),
        // Above the ceiling of the knob it would not be chosen for this turn.
        (say(&[EASY]), true, "plain/eye"),
        (say(&[EASY, HARD]), true, "plain/eye"),
        (narrowed, false, "plain/strong"),
        (say(&[EASY]), true, "plain/strong"),
        (lowered, true, "plain/strong"),
        (bounded, false, "plain/cheap"),
        (say(&[EASY, HARD]), true, "plain/cheap"),
    ] {
        assert_eq!(next(&app, &body).await, at(model, is_kept), "{body}");
        assert_eq!(served(&app, &body).await.0["model"], model, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_with_the_free_router_keeps_the_model_that_was_drawn() {
    let sim = Sim::start(BINARY.as_ref());
    let app = TestApp::start(BINARY.as_ref(), &config(&sim));
    let mut homes = BTreeSet::new();
    for name in 0..6 {
        let session = |router| turn(router, "none", &[EASY], json!({ "session_id": format!("session-{name}") }));
        let home = text(&served(&app, &session("openrouter/free")).await.0["model"]).to_owned();
        for router in ["openrouter/free", "portolan/free", "openrouter/free", "portolan/free"] {
            assert_eq!(next(&app, &session(router)).await, at(&home, true), "session {name}");
            assert_eq!(served(&app, &session(router)).await.0["model"], home, "session {name}");
        }
        homes.insert(home);
    }
    assert!(homes.len() > 1, "six sessions are all at {homes:?}");
}
