//! The endpoints in process, on a real store.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Body;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use portolan_control::{ControlState, router};
use portolan_core::{ApiKey, Clock, FixedClock, KeyHash, SeededRandom, UnixMillis};
use portolan_ledger::{End, Entry, Generation};
use portolan_store::{KeyPageFilter, Options, Store};
use portolan_tenancy::{
    AdminError, Denied, Invalid, KeyAdmin, KeyFilter, KeyPatch, KeyRecord, KeyScope, KeyState, NewKey, Pending, Snapshot, Spent,
};
use serde_json::{Value, json};
use tower::ServiceExt;

const NOW: UnixMillis = UnixMillis(1_795_348_800_000);

/// The least that keeps keys: the store, and the snapshot that requests would be checked against.
struct Keys {
    store: Store,
    scope: KeyScope,
    snapshot: ArcSwap<Snapshot>,
    random: SeededRandom,
}

impl Keys {
    async fn state(&self, key: KeyRecord) -> KeyState {
        let spend = self.store.spend(key.account, NOW.day()).await.unwrap();
        let spent = Spent { total: spend.total, daily: spend.daily, weekly: spend.weekly, monthly: spend.monthly };
        KeyState { key: Arc::new(key), spent }
    }

    fn find(&self, hash: KeyHash) -> Result<KeyRecord, AdminError> {
        self.snapshot.load().get(&hash).map(|key| (**key).clone()).ok_or(AdminError::NotFound(hash))
    }

    async fn save(&self, after: KeyRecord, hash: KeyHash) -> Result<KeyState, AdminError> {
        self.store.save_key(after.clone()).await.map_err(|e| AdminError::Store(Box::new(e)))?;
        self.snapshot.rcu(|now| now.with(after.clone(), &hash));
        Ok(self.state(after).await)
    }
}

impl KeyAdmin for Keys {
    fn create(&self, new: NewKey) -> Pending<'_, Result<(KeyState, ApiKey), AdminError>> {
        Box::pin(async move {
            let (draft, secret) = new.draft(self.scope.clone(), &self.random, NOW);
            let key = self.store.insert_key(draft).await.map_err(|e| AdminError::Store(Box::new(e)))?;
            self.snapshot.rcu(|now| now.with(key.clone(), &key.hash));
            Ok((self.state(key).await, secret))
        })
    }

    fn list(&self, filter: KeyFilter) -> Pending<'_, Result<Vec<KeyState>, AdminError>> {
        Box::pin(async move {
            if filter.workspace_id.is_some_and(|id| id != self.scope.workspace.as_str()) {
                return Err(Invalid::field("workspace_id", "is unknown").into());
            }
            let alive_at = (!filter.include_expired).then_some(NOW);
            let (workspace, include_disabled, offset) = (self.scope.workspace.clone(), filter.include_disabled, filter.offset);
            let page = self.store.key_page(KeyPageFilter { workspace, include_disabled, alive_at, offset }).await.unwrap();
            let mut states = Vec::new();
            for key in page {
                states.push(self.state(key).await);
            }
            Ok(states)
        })
    }

    fn get(&self, hash: KeyHash) -> Pending<'_, Result<KeyState, AdminError>> {
        Box::pin(async move { Ok(self.state(self.find(hash)?).await) })
    }

    fn update(&self, hash: KeyHash, patch: KeyPatch) -> Pending<'_, Result<KeyState, AdminError>> {
        Box::pin(async move { self.save(patch.apply(&self.find(hash)?, NOW), hash).await })
    }

    fn delete(&self, hash: KeyHash) -> Pending<'_, Result<(), AdminError>> {
        Box::pin(async move {
            let key = KeyRecord { deleted_at: Some(NOW), ..self.find(hash)? };
            self.save(key, hash).await.map(drop)
        })
    }

    fn rotate(&self, hash: KeyHash) -> Pending<'_, Result<(KeyState, ApiKey), AdminError>> {
        Box::pin(async move {
            let (key, secret) = self.find(hash)?.rotated(&self.random, NOW);
            Ok((self.save(key, hash).await?, secret))
        })
    }
}

struct App {
    router: Router,
    keys: Arc<Keys>,
    _place: tempfile::TempDir,
}

#[expect(clippy::disallowed_methods, reason = "the test is the owner of the task")]
fn app() -> App {
    let place = tempfile::tempdir().unwrap();
    let clock = Arc::new(FixedClock::at(NOW));
    let (store, recovered) = Store::open(place.path(), &Options::default(), &*clock, &SeededRandom::new(1)).unwrap();
    tokio::spawn(Arc::clone(store.journal()).run());
    let snapshot = ArcSwap::from_pointee(Snapshot::new(1, recovered.keys));
    let keys = Arc::new(Keys { store: store.clone(), scope: recovered.scope, snapshot, random: SeededRandom::new(2) });
    let clock: Arc<dyn Clock> = clock;
    let router = router(ControlState::new(Arc::clone(&keys) as Arc<dyn KeyAdmin>, store, clock));
    App { router, keys, _place: place }
}

impl App {
    async fn call(&self, method: Method, path: &str, body: &str) -> (StatusCode, Value) {
        let request = Request::builder().method(method).uri(path).body(Body::from(body.to_owned())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap())
    }

    async fn create(&self, body: &str) -> (String, String) {
        let (status, made) = self.call(Method::POST, "/keys", body).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        (made["data"]["hash"].as_str().unwrap().to_owned(), made["key"].as_str().unwrap().to_owned())
    }

    fn authenticate(&self, key: &str) -> Result<Arc<KeyRecord>, Denied> {
        self.keys.snapshot.load().authenticate(key, NOW)
    }
}

#[tokio::test]
async fn a_created_key_is_shown_with_its_secret_once_and_without_it_afterwards() {
    let app = app();
    let body = r#"{"name":"ci","limit":1.5,"limit_reset":"weekly","enforcement":"strict","max_tokens_default":99,"expires_at":"2030-01-01T00:00:00Z"}"#;
    let (hash, key) = app.create(body).await;
    assert!(app.authenticate(&key).is_ok());
    let (status, got) = app.call(Method::GET, &format!("/keys/{hash}"), "").await;
    assert_eq!(status, StatusCode::OK);
    let data = &got["data"];
    for (field, expected) in [
        ("name", json!("ci")),
        ("limit", json!(1.5)),
        ("limit_remaining", json!(1.5)),
        ("limit_reset", json!("weekly")),
        ("enforcement", json!("strict")),
        ("max_tokens_default", json!(99)),
        ("expires_at", json!("2030-01-01T00:00:00Z")),
        ("created_at", json!("2026-11-22T12:00:00Z")),
        ("disabled", json!(false)),
        ("usage", json!(0)),
    ] {
        assert_eq!(data[field], expected, "{field}");
    }
    assert!(!got.to_string().contains(&key["sk-or-v1-".len()..]));
}

#[tokio::test]
async fn a_change_is_in_force_when_it_is_answered() {
    let app = app();
    let (hash, key) = app.create(r#"{"name":"a","limit":5}"#).await;
    let path = format!("/keys/{hash}");
    let (_, changed) = app.call(Method::PATCH, &path, r#"{"disabled":true,"limit":null}"#).await;
    assert_eq!((&changed["data"]["disabled"], &changed["data"]["limit"]), (&json!(true), &json!(null)));
    assert_eq!(app.authenticate(&key), Err(Denied::Disabled));
    app.call(Method::PATCH, &path, r#"{"disabled":false}"#).await;
    assert!(app.authenticate(&key).is_ok());
    let (status, rotated) = app.call(Method::POST, &format!("{path}/rotate"), "").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(app.authenticate(&key), Err(Denied::Unknown));
    assert!(app.authenticate(rotated["key"].as_str().unwrap()).is_ok());
    let path = format!("/keys/{}", rotated["data"]["hash"].as_str().unwrap());
    assert_eq!(app.call(Method::DELETE, &path, "").await, (StatusCode::OK, json!({ "deleted": true })));
    assert_eq!(app.authenticate(rotated["key"].as_str().unwrap()), Err(Denied::Unknown));
    assert_eq!(app.call(Method::GET, &path, "").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_list_shows_the_newest_first_and_hides_the_disabled() {
    let app = app();
    for name in ["a", "b", "c"] {
        app.create(&json!({ "name": name }).to_string()).await;
    }
    let (_, all) = app.call(Method::GET, "/keys", "").await;
    let names = |list: &Value| list["data"].as_array().unwrap().iter().map(|k| k["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(names(&all), ["c", "b", "a"]);
    let path = format!("/keys/{}", all["data"][1]["hash"].as_str().unwrap());
    app.call(Method::PATCH, &path, r#"{"disabled":true}"#).await;
    assert_eq!(names(&app.call(Method::GET, "/keys?include_disabled=", "").await.1), ["c", "a"]);
    assert_eq!(names(&app.call(Method::GET, "/keys?include_disabled=true&offset=1", "").await.1), ["b", "a"]);
}

#[tokio::test]
async fn a_wrong_request_is_refused_with_the_name_of_the_field() {
    let app = app();
    let (hash, _) = app.create(r#"{"name":"a"}"#).await;
    let key = format!("/keys/{hash}");
    for (method, path, body, status, field) in [
        (Method::POST, "/keys", "{}", 400, Some("name")),
        (Method::POST, "/keys", "not json", 400, None),
        (Method::POST, "/keys", r#"{"name":"a","limit":-1}"#, 400, Some("limit")),
        (Method::PATCH, &key, r#"{"limit_reset":"hourly"}"#, 400, Some("limit_reset")),
        (Method::GET, "/keys/xyz", "", 400, Some("hash")),
        (Method::GET, "/keys?offset=-1", "", 400, Some("offset")),
        (Method::GET, "/keys?include_disabled=maybe", "", 400, Some("include_disabled")),
        (Method::GET, "/keys?workspace_id=other", "", 400, Some("workspace_id")),
        (Method::DELETE, &format!("/keys/{}", "0".repeat(64)), "", 404, None),
        (Method::GET, "/generations/x", "", 400, Some("id")),
        (Method::GET, "/generations/gen-1-01234567890123456789", "", 404, None),
    ] {
        let (got, answer) = app.call(method, path, body).await;
        assert_eq!(got.as_u16(), status, "{path} {body}: {answer}");
        assert_eq!(answer["error"]["code"], status, "{answer}");
        assert_eq!(answer["error"]["metadata"]["field"].as_str(), field, "{answer}");
        assert!(field.is_none_or(|field| answer["error"]["message"].as_str().unwrap().contains(field)), "{answer}");
    }
}

#[tokio::test]
async fn a_record_and_its_charge_show_as_soon_as_it_is_acknowledged() {
    let app = app();
    let (hash, _) = app.create(r#"{"name":"a","limit":"0.000001"}"#).await;
    let account = app.keys.find(KeyHash::parse(&hash).unwrap()).unwrap().account;
    let record = json!({
        "id": "gen-1795348800-01234567890123456789", "t": NOW.0, "k": hash, "w": "w", "rq": ["m"], "m": "m", "p": "p", "e": "p",
        "end": "completed", "s": 200, "a": [], "ep": 1, "sd": 1, "u": { "input": 3 }, "co": 0.0000004, "ch": 0.0000004, "pv": 1,
        "h": [[account, 0.0000005]], "l": { "tt": 1, "gw": 1 },
    });
    let generation: Generation =
        serde_json::from_str(&record.to_string().replace("4e-7", "0.0000004").replace("5e-7", "0.0000005")).unwrap();
    assert_eq!(generation.end, End::Completed);
    app.keys.store.journal().append(&Entry::Closed(Box::new(generation))).await.unwrap();
    let (status, shown) = app.call(Method::GET, "/generations/gen-1795348800-01234567890123456789", "").await;
    assert_eq!((status, &shown["data"]["usage"]["input"]), (StatusCode::OK, &json!(3)));
    let (_, key) = app.call(Method::GET, &format!("/keys/{hash}"), "").await;
    assert_eq!((&key["data"]["usage"], &key["data"]["limit_remaining"]), (&json!(0.0000004), &json!(0.0000006)));
}
