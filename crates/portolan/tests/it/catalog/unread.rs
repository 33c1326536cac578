//! A source that answers only a part of what it is asked, or leaves out what it said before.

use super::*;

#[test]
fn answers_that_failed_are_told_everywhere_and_asked_for_again_by_the_next_sync() {
    let (source, dir) = (Source::start(), tempfile::tempdir().unwrap());
    let sync = format!("catalog sync --source openrouter --url {}", source.url());
    assert_eq!(run(dir.path(), &sync).0, 0);
    let endpoints = |i: usize| format!("/models/acme/m{i}/endpoints");
    source.serves(10, "0.0000003");
    source.put(&endpoints(1), "!500");
    source.put(&endpoints(2), "<html>");
    source.put("/endpoints/zdr", "!503");
    let (code, synced) = run(dir.path(), &sync);
    let told: Vec<&str> = synced["unread"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!((code, &synced["applied"], &synced["unread_count"], told.len()), (0, &json!(true), &json!(3), 3), "{synced}");
    for part in
        ["/models/acme/m1/endpoints answers 500", "/models/acme/m2/endpoints: no answer of the known form", "/endpoints/zdr answers 503"]
    {
        assert!(told.iter().any(|one| one.contains(part)), "{told:?} lacks {part}");
    }
    let price =
        |model: &str| row(&run(dir.path(), &format!("catalog show {model}")).1["endpoints"], "endpoint", "acme")["prices"]["input"].clone();
    assert_eq!(["acme/m1", "acme/m2", "acme/m3"].map(price), ["0.0000002", "0.0000002", "0.0000003"].map(|price| json!(price)));
    let status = run(dir.path(), "catalog status").1;
    assert_eq!(
        (&status["unread"], status["unread_first"].as_array().map(Vec::len), &status["last_error"]),
        (&json!(3), Some(3), &Value::Null)
    );
    let human = portolan(dir.path(), &format!("{sync} --data-dir data"), &[]);
    assert!(text(&human.stdout).contains("not answered, the last good answers stand in: 3\n"), "{}", text(&human.stdout));

    // The list did not change, and all is asked for again.
    source.put("/endpoints/zdr", json!({ "data": [] }).to_string());
    for i in [1, 2] {
        let endpoint = json!({ "tag": "acme", "context_length": 64_000, "pricing": { "prompt": "0.0000003", "completion": "0.0000008" } });
        source.put(&endpoints(i), json!({ "data": { "endpoints": [endpoint] } }).to_string());
    }
    let (code, synced) = run(dir.path(), &sync);
    assert_eq!((code, &synced["changed"], &synced["unread_count"]), (0, &json!(true), &json!(0)), "{synced}");
    assert_eq!(["acme/m1", "acme/m2"].map(price), ["0.0000003", "0.0000003"].map(|price| json!(price)));
    assert_eq!(run(dir.path(), "catalog status").1["unread"], 0);
    assert_eq!(run(dir.path(), &sync).1["changed"], false, "now the name of the version is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_logs_that_answers_failed() {
    let source = tokio::task::spawn_blocking(Source::start).await.unwrap();
    let app = TestApp::start(BINARY.as_ref(), &Config::new());
    source.put("/models/acme/m1/endpoints", "!500");
    assert_eq!(beside(&app, &format!("catalog sync --url {}", source.url())).0, 0);
    app.says("the source did not answer all that was asked");
    app.says("/models/acme/m1/endpoints answers 500");
    tokio::task::spawn_blocking(move || drop(source)).await.unwrap();
}

#[test]
fn a_price_that_a_source_leaves_out_stays_the_one_that_it_last_said() {
    let (source, dir) = (Source::start(), tempfile::tempdir().unwrap());
    let sync = format!("catalog sync --source openrouter --url {}", source.url());
    source.serves(10, "0.0000009");
    assert_eq!(run(dir.path(), &sync).0, 0);
    assert_eq!(input_price(dir.path()), "0.0000009");
    for pricing in
        [json!({}), Value::Null, json!({ "prompt": "abc", "completion": "0.0000008" }), json!({ "prompt": "0", "completion": "0" })]
    {
        let endpoint = json!({ "tag": "openai", "pricing": pricing });
        source.put("/models/openai/gpt-4o-mini/endpoints", json!({ "data": { "endpoints": [endpoint] } }).to_string());
        source.newer();
        let (code, synced) = run(dir.path(), &sync);
        assert_eq!((code, &synced["diff"]["prices"], &synced["diff"]["limits"]), (0, &json!([]), &json!([])), "{pricing}: {synced}");
        let shown = run(dir.path(), "catalog show openai/gpt-4o-mini").1;
        let endpoint = row(&shown["endpoints"], "endpoint", "openai");
        let found = (&endpoint["prices"]["input"], &endpoint["origins"]["prices"], &endpoint["context_length"]);
        assert_eq!(found, (&json!("0.0000009"), &json!("synced"), &json!(64_000)), "{pricing}");
    }
    source.serves(10, "0.0000004");
    assert_eq!(run(dir.path(), &sync).0, 0);
    assert_eq!(input_price(dir.path()), "0.0000004", "another price wins");
}

#[test]
fn an_address_that_can_be_none_is_a_wrong_argument_and_no_sync_that_failed() {
    let dir = tempfile::tempdir().unwrap();
    for url in ["http://user:hunter2@127.0.0.1:9/", "http://127.0.0.1:9/?a=b", "notaurl"] {
        let (code, said) = run(dir.path(), &format!("catalog sync --url {url}"));
        assert!(code == 2 && !said.to_string().contains("hunter2"), "{url}: {code} {said}");
        let status = run(dir.path(), "catalog status").1;
        assert_eq!((&status["failed_at"], &status["last_error"]), (&Value::Null, &Value::Null), "{url}: {status}");
    }
}
