//! Starting, reloading and stopping.

use std::time::{Duration, Instant};

use portolan_testkit::{ChatStream, Config, Live, Provider, Sim, TestApp};
use serde_json::{Value, json};

use crate::BINARY;
use crate::process::{portolan, text};

const STOP_MAX: Duration = Duration::from_secs(15);

fn body(model: &str, stream: bool) -> Value {
    json!({ "model": model, "stream": stream, "messages": [{ "role": "user", "content": "Hello" }] })
}

fn config(sim: &Sim, drain_timeout: &str) -> Config {
    let shapes = ["sim-c20-d50", "sim-c2000-d50", "sim-hang", "sim-c5"];
    let provider = shapes.iter().fold(Provider::openai_chat("mine", &sim.base_url()), |p, shape| p.model(&format!("m/{shape}"), shape));
    Config::new().server(&format!("drain_timeout = \"{drain_timeout}\"")).provider(&provider)
}

/// Opens a stream and reads its first bytes.
async fn begin(app: &TestApp, model: &str) -> (Live, Vec<u8>) {
    let mut live = app.chat(&body(model, true)).open().await.unwrap();
    assert_eq!(live.status, 200);
    let first = live.next().await.unwrap().unwrap();
    (live, first.to_vec())
}

async fn finish((live, mut first): (Live, Vec<u8>)) -> ChatStream {
    first.extend(live.rest().await.unwrap().body);
    ChatStream::parse(&String::from_utf8(first).unwrap())
}

/// The record of a generation, asked of the data directory of a gateway that has ended.
fn logged(app: &TestApp, id: &str) -> Value {
    let run = portolan(app.dir(), &format!("logs show {id} --data-dir data --config portolan.toml --json"), &[]);
    assert_eq!(run.status.code(), Some(0), "{}{}", text(&run.stdout), text(&run.stderr));
    let shown: Value = serde_json::from_slice(&run.stdout).unwrap();
    if shown["data"].is_object() { shown["data"].clone() } else { shown }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_sigterm_open_streams_finish_and_new_requests_are_refused() {
    let sim = Sim::start(BINARY.as_ref());
    let mut app = TestApp::start(BINARY.as_ref(), &config(&sim, "20s"));
    let begun = begin(&app, "m/sim-c20-d50").await;
    let id = begun.0.header("x-generation-id").unwrap().to_owned();
    app.signal("TERM");
    app.says("draining");
    let refused = app.chat(&body("m/sim-c5", false)).send().await.unwrap();
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")), "{refused:?}");
    let (status, ready) = app.get("/readyz").await.unwrap();
    assert_eq!((status, &ready["checks"]["draining"]), (503, &json!("the instance is shutting down")));
    let stream = finish(begun).await;
    assert_eq!((stream.done, stream.error(), stream.pieces()), (true, None, 20));
    let told = Instant::now();
    assert_eq!(app.exit_code(STOP_MAX), Some(0), "{}", app.output());
    assert!(told.elapsed() < Duration::from_secs(3), "it waited for nothing: {:?}", told.elapsed());
    let record = logged(&app, &id);
    assert_eq!((&record["end"], record["charge"].as_f64() > Some(0.0)), (&json!("completed"), true), "{record}");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_drain_timeout_streams_end_with_an_error_and_are_recorded_without_charge() {
    let sim = Sim::start(BINARY.as_ref());
    let mut app = TestApp::start(BINARY.as_ref(), &config(&sim, "1s"));
    let begun = begin(&app, "m/sim-c2000-d50").await;
    let id = begun.0.header("x-generation-id").unwrap().to_owned();
    // One who waits for content, and one for a whole body.
    let waiting = [app.chat(&body("m/sim-hang", true)).send(), app.chat(&body("m/sim-c2000-d50", false)).send()];
    let waiting = waiting.map(|request| tokio::runtime::Handle::current().spawn(request));
    while sim.ledger().requests.len() < 3 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let told = Instant::now();
    app.signal("TERM");
    let stream = finish(begun).await;
    let error = stream.error().expect("it was cut").clone();
    assert_eq!((stream.done, error["code"].as_u64(), stream.finish()), (true, Some(503), Some("error")), "{error}");
    let mut early = Vec::new();
    for answer in waiting {
        let answer = answer.await.unwrap().unwrap();
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")), "{}", answer.text());
        assert_eq!(answer.json()["error"]["metadata"]["retryable"], true, "{}", answer.text());
        early.push(answer.generation());
    }
    assert_eq!(app.exit_code(STOP_MAX), Some(0), "{}", app.output());
    assert!(told.elapsed() < Duration::from_secs(4), "{:?}", told.elapsed());
    let record = logged(&app, &id);
    assert_eq!(
        (&record["end"], record["charge"].as_f64(), &record["status"]),
        (&json!("drained_after_content"), Some(0.0), &json!(200)),
        "{record}"
    );
    for id in early {
        let record = logged(&app, &id);
        assert_eq!(
            (&record["end"], record["charge"].as_f64(), &record["status"]),
            (&json!("drained_before_content"), Some(0.0), &json!(503)),
            "{record}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_has_served_simulated_answers_stops_at_once() {
    let mut app = TestApp::start(BINARY.as_ref(), &Config::new());
    assert_eq!(app.chat(&body("openai/gpt-4o-mini", false)).send().await.unwrap().status, 200);
    let told = Instant::now();
    app.signal("TERM");
    assert_eq!(app.exit_code(STOP_MAX), Some(0), "{}", app.output());
    assert!(told.elapsed() < Duration::from_secs(2), "it waited for nothing: {:?}\n{}", told.elapsed(), app.output());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_takes_what_is_valid_and_changes_nothing_otherwise() {
    let sim = Sim::start(BINARY.as_ref());
    let app = TestApp::start(BINARY.as_ref(), &config(&sim, "1s"));
    let serves = async |model: &str| app.chat(&body(model, false)).send().await.unwrap().status;
    assert_eq!((serves("m/sim-c5").await, serves("m/new").await), (200, 400));
    let valid = "[[providers.mine.models]]\nid = \"m/new\"\nupstream_id = \"sim-c7\"\npricing = { prompt = \"0\", completion = \"0\" }\n";
    app.edit_config(|text| format!("{text}\n[server.oops]\n{valid}"));
    app.signal("HUP");
    app.says("was not reloaded");
    assert_eq!((serves("m/sim-c5").await, serves("m/new").await), (200, 400));
    assert!(app.metrics().contains("portolan_config_reload_success 0"));
    app.edit_config(|text| text.replace("[server.oops]\n", ""));
    // What is open stays on the configuration that it began with.
    let begun = begin(&app, "m/sim-c20-d50").await;
    app.signal("HUP");
    app.says("was reloaded");
    assert_eq!((serves("m/sim-c5").await, serves("m/new").await), (200, 200));
    assert!(app.metrics().contains("portolan_config_reload_success 1"));
    assert_eq!(finish(begun).await.pieces(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_on_one_data_directory_is_refused_and_harms_nothing() {
    let app = TestApp::start(BINARY.as_ref(), &Config::new());
    let second = "[server]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n";
    std::fs::write(app.dir().join("second.toml"), second).unwrap();
    let run = portolan(app.dir(), "serve --config second.toml --data-dir data", &[]);
    assert_eq!(run.status.code(), Some(6), "{}{}", text(&run.stdout), text(&run.stderr));
    assert_eq!(app.chat(&body("openai/gpt-4o-mini", false)).send().await.unwrap().status, 200);
    assert_eq!(app.administrate("GET", "/keys", None).0, 200, "the socket of the first is still there");
    // The same start once more stumbles over the ports first, and is told the real reason.
    let run = portolan(app.dir(), "serve --config portolan.toml --data-dir data", &[]);
    assert_eq!(run.status.code(), Some(6), "{}", text(&run.stderr));
    assert!(text(&run.stderr).contains("the data directory"), "{}", text(&run.stderr));
    // A port that is taken is no conflict of data, and says so.
    let taken = format!("[server]\nlisten = \"{}\"\n[admin]\nlisten = \"127.0.0.1:0\"\n", app.address);
    std::fs::write(app.dir().join("third.toml"), taken).unwrap();
    let run = portolan(app.dir(), "serve --config third.toml --data-dir elsewhere", &[]);
    assert_eq!(run.status.code(), Some(1), "{}", text(&run.stderr));
    assert!(text(&run.stderr).contains("server.listen"), "{}", text(&run.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_waits_gets_comments_and_then_its_content_or_its_error() {
    let sim = Sim::start(BINARY.as_ref());
    let provider = ["sim-c5-t11000", "sim-hang", "sim-l11000-c5"]
        .iter()
        .fold(Provider::openai_chat("mine", &sim.base_url()), |p, shape| p.model(&format!("m/{shape}"), shape));
    let app = TestApp::start(BINARY.as_ref(), &Config::new().timeouts(12_000, 12_000, 20_000).provider(&provider));
    let (late, hanging, slow) = tokio::join!(
        app.chat(&body("m/sim-c5-t11000", true)).send(),
        app.chat(&body("m/sim-hang", true)).send(),
        app.chat(&body("m/sim-l11000-c5", true)).send(),
    );
    for answer in [late.unwrap(), slow.unwrap()] {
        let stream = answer.stream();
        assert_eq!((stream.comments.len(), stream.pieces(), stream.done, stream.error()), (1, 5, true, None), "{}", answer.text());
    }
    // The head is out: the error can only be told within the stream.
    let hanging = hanging.unwrap();
    let stream = hanging.stream();
    assert_eq!((hanging.status, stream.comments.len(), stream.done), (200, 1, true), "{}", hanging.text());
    assert_eq!(stream.error().unwrap()["code"], 504, "{}", hanging.text());
    let record = app.record(&hanging.generation()).unwrap();
    assert_eq!((&record["end"], &record["status"], &record["charge"]), (&json!("timeout_before_content"), &json!(200), &json!(0)));
}
