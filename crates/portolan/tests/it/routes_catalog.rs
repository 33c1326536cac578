//! The catalog over HTTP: what may be kept, what depends on the key, and what is told of a name that leads nowhere.

use portolan_testkit::{Answer, Config, Request, TestApp};
use serde_json::Value;

use crate::BINARY;

/// One provider with a credential, and so no simulator behind the others.
const ONE_PROVIDER: &str = r#"
[providers.acme]
base_url = "http://127.0.0.1:9/v1"
dialect = "openai_chat"
api_key = "acme-key"
[[providers.acme.models]]
id = "acme/sloop"
context_length = 8000
pricing = { prompt = "0.0000001", completion = "0.0000004" }
[[providers.acme.models]]
id = "acme/brig"
context_length = 16000
pricing = { prompt = "0.0000002", completion = "0.0000008" }
"#;

async fn get(app: &TestApp, path: &str) -> Answer {
    Request::new(app.address, "GET", path).send().await.unwrap()
}

async fn ids(app: &TestApp, path: &str) -> Vec<String> {
    let answer = Request::new(app.address, "GET", path).bearer(&app.key).send().await.unwrap();
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    let json = answer.json();
    json["data"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_shown_the_models_that_something_stands_behind() {
    let app = TestApp::start(BINARY.as_ref(), &Config::new().tables(ONE_PROVIDER));
    assert_eq!(ids(&app, "/api/v1/models/user").await, ["openrouter/auto", "openrouter/free", "acme/sloop", "acme/brig"]);
    assert_eq!(ids(&app, "/v1/models/user?sort=context-high-to-low&model_authors=acme&limit=1").await, ["acme/brig"]);
    assert_eq!(ids(&app, "/v1/models/user?output_modalities=image&model_authors=acme").await, [""; 0]);
    let all = ids(&app, "/api/v1/models").await;
    for listed in ["acme/sloop", "openai/gpt-4o-mini"] {
        assert!(all.iter().any(|id| id == listed), "{listed}");
    }
}

/// Each list, asked with and without filters: how many rows at least, one that stands in it, and one that does not.
const LISTS: &[(&str, usize, &str, &str)] = &[
    ("/api/v1/models", 300, "openai/gpt-4o-mini", EMBEDS),
    ("/v1/models?output_modalities=all", 600, EMBEDS, "no/such-model"),
    ("/api/v1/models?output_modalities=embeddings", 50, EMBEDS, "openai/gpt-4o-mini"),
    ("/api/v1/models?output_modalities=image", 20, DRAWS, EMBEDS),
    ("/api/v1/models?q=gpt%204o&model_authors=openai", 3, "openai/gpt-4o-mini", "openai/gpt-5"),
    ("/api/v1/embeddings/models", 50, EMBEDS, "openai/gpt-4o-mini"),
    ("/v1/embeddings/models?output_modalities=all", 50, EMBEDS, "openai/gpt-4o-mini"),
    ("/api/v1/embeddings/models?output_modalities=text", 50, EMBEDS, "openai/gpt-4o-mini"),
    ("/api/v1/embeddings/models?q=3-large&model_authors=openai", 1, EMBEDS, "openai/text-embedding-3-small"),
    ("/api/v1/embeddings/models?limit=1000&sort=pricing-low-to-high", 50, EMBEDS, "openai/gpt-4o-mini"),
    ("/api/v1/images/models", 20, DRAWS, "openai/gpt-4o-mini"),
    ("/v1/videos/models", 10, FILMS, DRAWS),
    ("/api/v1/models/user", 300, "openai/gpt-4o-mini", EMBEDS),
    ("/api/v1/models/user?q=gpt%204o&model_authors=openai", 3, "openai/gpt-4o-mini", "openai/gpt-5"),
];
const EMBEDS: &str = "openai/text-embedding-3-large";
const DRAWS: &str = "openai/dall-e-3";
const FILMS: &str = "openai/sora-2";

#[tokio::test(flavor = "multi_thread")]
async fn each_list_holds_what_it_is_named_after_with_filters_and_without() {
    let app = TestApp::start(BINARY.as_ref(), &Config::new());
    let mut lengths = std::collections::BTreeMap::new();
    for &(path, at_least, listed, absent) in LISTS {
        let found = ids(&app, path).await;
        let has = |id: &str| found.iter().any(|one| one == id);
        assert!(found.len() >= at_least, "{path}: {}", found.len());
        assert_eq!((has(listed), has(absent)), (true, false), "{path}: {found:?}");
        lengths.insert(path, found.len());
    }
    let embeds = lengths["/api/v1/embeddings/models"];
    for same in ["/api/v1/models?output_modalities=embeddings", "/v1/embeddings/models?output_modalities=all"] {
        assert_eq!(lengths[same], embeds, "{same}");
    }
    for (query, list) in [
        ("", "/api/v1/models"),
        ("?output_modalities=all", "/v1/models?output_modalities=all"),
        ("?output_modalities=embeddings", "/api/v1/embeddings/models"),
        ("?q=gpt%204o&model_authors=openai", "/api/v1/models?q=gpt%204o&model_authors=openai"),
    ] {
        let count = get(&app, &format!("/api/v1/models/count{query}")).await.json()["data"]["count"].take();
        assert_eq!(count, lengths[list], "{query}");
    }
    for path in LISTS.iter().map(|(path, ..)| *path).filter(|path| !path.contains("images") && !path.contains("videos")) {
        let answer = Request::new(app.address, "GET", path).bearer(&app.key).send().await.unwrap().json();
        assert_eq!(answer["total_count"], lengths[path], "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_may_be_kept_where_they_depend_on_nobody() {
    let app = TestApp::start(BINARY.as_ref(), &Config::new());
    for (path, public) in [
        ("/api/v1/models", true),
        ("/v1/models?q=gpt", true),
        ("/api/v1/models/count", true),
        ("/api/v1/model/openai/gpt-4o-mini", true),
        ("/v1/models/openai%2Fgpt-4o-mini", true),
        ("/api/v1/embeddings/models", true),
        ("/api/v1/images/models", true),
        ("/api/v1/videos/models", true),
        ("/api/v1/providers", true),
        ("/api/v1/models/openai/gpt-4o-mini/endpoints", false),
        ("/api/v1/endpoints/zdr", false),
    ] {
        let answer = get(&app, path).await;
        let kept = answer.header("cache-control").is_some_and(|value| value.starts_with("public, max-age=300"));
        assert_eq!((answer.status, kept), (200, public), "{path}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{path}");
    }
    let own = Request::new(app.address, "GET", "/api/v1/models/user").bearer(&app.key).send().await.unwrap();
    assert_eq!((own.status, own.header("cache-control")), (200, Some("private, no-store")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_leads_to_the_next_with_the_filters_it_was_asked_with() {
    let app = TestApp::start(BINARY.as_ref(), &Config::new());
    let whole = ids(&app, "/api/v1/models?model_authors=openai&q=gpt%204o").await;
    assert!(whole.len() > 2, "{whole:?}");
    let mut next = Value::from("/api/v1/models?model_authors=openai&q=gpt%204o&limit=2");
    let mut gathered = Vec::new();
    while let Some(path) = next.as_str() {
        gathered.extend(ids(&app, path).await);
        next = get(&app, path).await.json()["links"]["next"].take();
    }
    assert_eq!(gathered, whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_leads_nowhere_is_told_as_openrouter_tells_it() {
    let app = TestApp::start(BINARY.as_ref(), &Config::new());
    for (path, status) in [
        ("/api/v1/model/acme/fake-1.0", 404),
        ("/api/v1/model/openai/gpt-4o-mini:free", 404),
        ("/api/v1/model/openai/gpt-4o-mini:nitro", 200),
        ("/api/v1/model/openai/gpt-4o-mini:bogus", 404),
        ("/api/v1/model/portolan/auto", 200),
        ("/v1/models/gpt-4o-mini", 404),
        ("/api/v1/models/acme/fake-1.0/endpoints", 404),
        ("/api/v1/models/acme/fake-1.0:free/endpoints", 404),
        ("/api/v1/models/openai/gpt-4o-mini:free/endpoints", 200),
        ("/api/v1/models/openai/gpt-4o-mini:free:nitro/endpoints", 200),
        ("/api/v1/models/openai/gpt-4o-mini:bogus/endpoints", 404),
        ("/api/v1/models/openai/gpt-4o-mini:free:bogus/endpoints", 404),
        ("/api/v1/images/models/openai/gpt-4o-mini/endpoints", 404),
        ("/api/v1/models?sort=best", 400),
        ("/api/v1/models/count?output_modalities=smell", 400),
        ("/api/v1/embeddings/models?limit=0", 400),
        ("/api/v1/models?max_price=1&max_price=2", 400),
        ("/api/v1/models/count?providers=openai&providers=groq", 200),
    ] {
        let answer = get(&app, path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        let error = &answer.json()["error"];
        assert_eq!(error["code"].as_u64(), (status != 200).then_some(status.into()), "{path}");
    }
    let none = get(&app, "/api/v1/models/openai/gpt-4o-mini:free/endpoints").await.json();
    assert_eq!((&none["data"]["id"], &none["data"]["endpoints"]), (&"openai/gpt-4o-mini:free".into(), &serde_json::json!([])));
    let sorted = get(&app, "/api/v1/models/openai/gpt-4o-mini:nitro/endpoints").await.json();
    assert_eq!(sorted, get(&app, "/api/v1/models/openai/gpt-4o-mini/endpoints").await.json(), "a variant that only sorts");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_model_whose_text_may_train_others_is_left_where_that_is_asked_for() {
    let app = TestApp::start(BINARY.as_ref(), &Config::new());
    let count = async |path: &str| get(&app, path).await.json()["data"]["count"].as_u64().unwrap();
    let (open, all) = (count("/api/v1/models/count?distillable=true").await, count("/api/v1/models/count").await);
    assert!(open > 50 && open + count("/api/v1/models/count?distillable=false").await == all, "{open} of {all}");
    let listed = ids(&app, "/api/v1/models?distillable=true").await;
    assert!(listed.iter().any(|id| id == "openai/gpt-oss-120b") && !listed.iter().any(|id| id == "openai/gpt-4o-mini"), "{listed:?}");
    for (model, status) in [("openai/gpt-oss-120b", 200), ("openai/gpt-4o-mini", 404)] {
        let body = serde_json::json!({
            "model": model, "messages": [{ "role": "user", "content": "Hello" }], "provider": { "enforce_distillable_text": true },
        });
        let answer = app.chat(&body).send().await.unwrap();
        assert_eq!(answer.status, status, "{model}: {}", answer.text());
    }
}
