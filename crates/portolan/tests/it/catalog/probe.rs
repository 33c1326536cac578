//! Probes: what a credential really has of what the catalog lists.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use tokio::runtime::Runtime;

use super::source::listen;
use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_says_what_a_credential_has_and_which_rows_it_lacks() {
    let source = tokio::task::spawn_blocking(Source::start).await.unwrap();
    // This provider needs no credential: the source refuses to see one.
    source.put("/v1/models", json!({ "data": [{ "id": "here" }, { "id": "new" }] }).to_string());
    let table = format!(
        "[providers.mine]\nbase_url = \"{}/v1\"\ndialect = \"openai_chat\"\nauth = \"none\"\n[[providers.mine.models]]\nid = \"m/here\"\nupstream_id = \"here\"\npricing = {{ prompt = \"0.000001\", completion = \"0.000001\" }}\n[[providers.mine.models]]\nid = \"m/gone\"\nupstream_id = \"gone\"\npricing = {{ prompt = \"0.000001\", completion = \"0.000001\" }}\n",
        source.url()
    );
    let app = TestApp::start(BINARY.as_ref(), &Config::new().tables(&table));
    let (code, reports) = beside(&app, "catalog probe mine");
    assert_eq!(code, 0, "{reports}");
    let report = &reports[0];
    assert_eq!((&report["has"], &report["lacks"], &report["not_in_catalog_ids"]), (&json!(["here"]), &json!(["gone"]), &json!(["new"])));
    assert_eq!(beside(&app, "catalog probe openai").0, 5, "no credential");
    let (code, said) = beside(&app, "catalog probe opnai");
    assert!(code == 5 && said.to_string().contains("no provider is called `opnai`; did you mean `openai`?"), "{code} {said}");
    for (body, why) in [(r#"{"data":[]}"#, "lists no models"), (r#"{"data":[{"name":"x"}]}"#, "lists no models"), ("7", "another form")] {
        source.put("/v1/models", body);
        let (code, reports) = beside(&app, "catalog probe mine");
        assert!(code == 9 && reports[0]["error"].as_str().unwrap().contains(why), "{body}: {code} {reports}");
        assert_eq!((&reports[0]["ok"], &reports[0]["lacks"]), (&json!(false), &Value::Null), "{body}");
    }
    source.drops("/v1/models");
    let (code, reports) = beside(&app, "catalog probe");
    assert!(code == 9 && reports[0]["error"].as_str().unwrap().contains("404"), "{code} {reports}");
    tokio::task::spawn_blocking(move || drop(source)).await.unwrap();
}

const SECRET: &str = "sk-right-0123456789abcdef0123456789";

/// A provider that lists two models to whoever shows the right credential, and repeats what else it was shown.
fn demanding() -> (SocketAddr, Runtime) {
    async fn models(request: Request) -> Response {
        let shown = request.headers().get(header::AUTHORIZATION).and_then(|shown| shown.to_str().ok()).unwrap_or_default().to_owned();
        match (request.uri().path(), shown == format!("Bearer {SECRET}")) {
            ("/v1/models", true) => json!({ "object": "list", "data": [{ "id": "here" }, { "id": "new" }] }).to_string().into_response(),
            (_, true) => StatusCode::NOT_FOUND.into_response(),
            (_, false) => (StatusCode::UNAUTHORIZED, [("www-authenticate", shown.clone())], format!("who is {shown}?")).into_response(),
        }
    }
    listen(Router::new().fallback(models))
}

#[test]
fn a_probe_shows_which_endpoints_a_credential_has_and_says_when_it_is_wrong_without_telling_it() {
    let ((address, _runtime), dir) = (demanding(), tempfile::tempdir().unwrap());
    let row = |id: &str| {
        format!(
            "[[providers.mine.models]]\nid = \"m/{id}\"\nupstream_id = \"{id}\"\ncontext_length = 1000\npricing = {{ prompt = \"0.000001\", completion = \"0.000001\" }}\n"
        )
    };
    let configure = |secret: &str| {
        let head = format!("[providers.mine]\nbase_url = \"http://{address}/v1\"\ndialect = \"openai_chat\"\napi_key = \"{secret}\"\n");
        std::fs::write(dir.path().join("portolan.toml"), format!("{head}{}{}", row("here"), row("gone"))).unwrap();
    };
    let probe = |args: &str| {
        let run = portolan(dir.path(), &format!("catalog probe mine --data-dir data{args}"), &[]);
        (run.status.code().unwrap(), text(&run.stdout), text(&run.stderr))
    };
    configure(SECRET);
    let (code, json, _) = probe(" --json");
    let report = &serde_json::from_str::<Value>(&json).unwrap()["data"][0];
    assert_eq!((code, &report["has"], &report["lacks"], &report["not_in_catalog"]), (0, &json!(["here"]), &json!(["gone"]), &json!(1)));
    let endpoint = |id: &str, has: bool| json!({ "model": format!("m/{id}"), "endpoint": "mine", "upstream_id": id, "has": has });
    assert_eq!(report["endpoints"], json!([endpoint("here", true), endpoint("gone", false)]));
    let (_, human, _) = probe("");
    assert!(human.contains("mine has here: m/here @ mine\n") && human.contains("mine lacks gone: m/gone @ mine\n"), "{human}");
    assert!(![&json, &human].iter().any(|said| said.contains(SECRET)));

    let wrong = SECRET.replace("right", "wrong");
    configure(&wrong);
    for args in ["", " --json"] {
        let (code, said, noted) = probe(args);
        let whole = format!("{said}{noted}");
        assert!(code == 9 && said.contains("401 Unauthorized: the credential is missing, wrong"), "{code} {whole}");
        assert!(!whole.contains(&wrong) && !whole.contains("0123456789abcdef"), "{whole}");
    }
}
