//! Commands against a server: a stand-in answers on the admin socket, the built binary asks.

use std::path::Path;

use axum::extract::{Path as UrlPath, Query};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::UnixListener;
use tokio::runtime::Runtime;

use crate::process::{portolan, text};

const KEY: &str = r#"{"data": {"hash": "HASH", "name": "ci", "limit": 0.000000001}, "key": "sk-or-v1-secret"}"#;

fn hash(digit: &str) -> String {
    digit.repeat(64)
}

/// Two pages of keys, as a server with small pages would send them.
async fn keys(Query(query): Query<std::collections::HashMap<String, String>>) -> String {
    let key = |digit: &str, name: &str| format!(r#"{{"hash":"{}","name":"{name}","usage":0.000000001,"disabled":false}}"#, hash(digit));
    match query["offset"].as_str() {
        "0" => format!(r#"{{"data":[{}]}}"#, key("a", "ci")),
        "1" => format!(r#"{{"data":[{}]}}"#, key("b", "batch")),
        _ => r#"{"data":[]}"#.to_owned(),
    }
}

fn refusal(status: u16, rule: Option<&str>) -> (StatusCode, Json<Value>) {
    let body = json!({ "error": { "code": status, "message": format!("refused with {status}"), "metadata": { "rule": rule } } });
    (StatusCode::from_u16(status).expect("a status"), Json(body))
}

async fn create(Json(body): Json<Value>) -> Result<(StatusCode, &'static str), (StatusCode, Json<Value>)> {
    match body["name"].as_str() {
        Some("taken") => Err(refusal(409, None)),
        Some("budget") => Err(refusal(403, Some("budget_exhausted"))),
        Some("broken") => Err(refusal(500, None)),
        _ => Ok((StatusCode::CREATED, KEY)),
    }
}

async fn one(UrlPath(named): UrlPath<String>) -> Result<Json<Value>, (StatusCode, Json<Value>)> {
    if named == hash("b") { Ok(Json(json!({ "data": { "hash": named, "name": "batch" } }))) } else { Err(refusal(404, None)) }
}

async fn verify(Json(body): Json<Value>) -> Json<Value> {
    Json(json!({ "classes": [], "ok": body["sim_url"] == "http://127.0.0.1:1" }))
}

/// A server in the data directory, until the runtime is dropped.
fn server(data: &Path) -> Runtime {
    let router = Router::new()
        .route("/keys", get(keys).post(create))
        .route("/keys/{hash}", get(one).patch(one).delete(one))
        .route("/verify", post(verify))
        .route("/explain", post(|query: axum::extract::RawQuery| async move { Json(json!({ "data": { "query": query.0 } })) }));
    std::fs::create_dir_all(data).expect("the folder is ours");
    let runtime = Runtime::new().expect("a runtime starts");
    let listener = {
        let _entered = runtime.enter();
        UnixListener::bind(data.join("admin.sock")).expect("the socket is free")
    };
    runtime.spawn(async { axum::serve(listener, router).await });
    runtime
}

#[test]
fn commands_speak_to_the_running_server_and_their_exit_codes_say_how_it_answered() {
    let dir = tempfile::tempdir().unwrap();
    let _server = server(&dir.path().join("data"));
    let generation = "gen-1760000000-abcdefghij0123456789";
    for (args, code) in [
        ("keys create --name ci".to_owned(), 0),
        ("keys create --name taken".to_owned(), 6),
        ("keys create --name budget".to_owned(), 7),
        ("keys create --name broken".to_owned(), 1),
        ("keys list".to_owned(), 0),
        ("keys show batch".to_owned(), 0),
        ("keys disable bbbbbb".to_owned(), 0),
        ("keys delete nobody".to_owned(), 5),
        (format!("keys show {}", hash("c")), 5),
        (format!("logs show {generation}"), 5),
        ("verify --sim http://127.0.0.1:1".to_owned(), 0),
        ("verify --sim http://127.0.0.1:2".to_owned(), 1),
        ("explain gone.json".to_owned(), 5),
    ] {
        let run = portolan(dir.path(), &format!("{args} --data-dir data"), &[]);
        assert_eq!(run.status.code(), Some(code), "{args}: {}{}", text(&run.stdout), text(&run.stderr));
        assert!(code == 0 || args.starts_with("verify") || run.stdout.is_empty(), "{args}: a refusal is no data");
    }
}

#[test]
fn with_json_nothing_but_the_answer_goes_to_standard_output_digit_for_digit() {
    let dir = tempfile::tempdir().unwrap();
    let _server = server(&dir.path().join("data"));
    std::fs::write(dir.path().join("body.json"), "{}").unwrap();
    let json = |args: &str| text(&portolan(dir.path(), &format!("{args} --data-dir data --json"), &[]).stdout);
    assert_eq!(json("keys create --name ci --limit 0.000000001"), format!("{KEY}\n"));
    let list = json("keys list");
    assert_eq!(list.matches("\"usage\":0.000000001").count(), 2, "both pages, as they were sent: {list}");
    let explained = json("explain body.json --seed 7 --key batch");
    assert!(explained.contains(&format!("task=chat&seed=7&key={}", hash("b"))), "{explained}");
}

#[test]
fn a_new_key_stands_alone_on_standard_output() {
    let dir = tempfile::tempdir().unwrap();
    let _server = server(&dir.path().join("data"));
    let run = portolan(dir.path(), "keys create --name ci --data-dir data", &[]);
    assert_eq!(text(&run.stdout), "sk-or-v1-secret\n");
    assert!(text(&run.stderr).contains("only time"), "{}", text(&run.stderr));
}
