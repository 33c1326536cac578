//! The live catalog: a source of our own on loopback, the built binary, and what is in force afterwards.

mod changed;
mod damage;
mod probe;
mod source;
mod unread;

use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use portolan_testkit::{Config, TestApp};
use serde_json::{Value, json};
use source::Source;

use crate::BINARY;
use crate::process::{portolan, text};

/// One command in a folder, with JSON: its exit code and its answer (or what it said).
fn run(dir: &Path, args: &str) -> (i32, Value) {
    let run = portolan(dir, &format!("{args} --data-dir data --json"), &[]);
    let said = || json!(text(&run.stderr));
    (run.status.code().unwrap(), serde_json::from_slice(&run.stdout).map_or_else(|_| said(), |mut value: Value| value["data"].take()))
}

/// The row of a list in which a field has this value.
fn row<'v>(rows: &'v Value, field: &str, value: &str) -> &'v Value {
    rows.as_array().and_then(|rows| rows.iter().find(|row| row[field] == value)).unwrap_or_else(|| panic!("no {value} in {rows}"))
}

fn input_price(dir: &Path) -> Value {
    let shown = run(dir, "catalog show openai/gpt-4o-mini").1;
    row(&shown["endpoints"], "endpoint", "openai")["prices"]["input"].clone()
}

#[test]
fn a_sync_shows_what_changes_applies_it_and_keeps_it() {
    let (source, dir) = (Source::start(), tempfile::tempdir().unwrap());
    let sync = format!("catalog sync --source openrouter --url {}", source.url());
    let (code, rehearsal) = run(dir.path(), &format!("{sync} --dry-run"));
    assert_eq!((code, &rehearsal["applied"], &rehearsal["changed"]), (0, &json!(false), &json!(true)), "{rehearsal}");
    assert_eq!(rehearsal["diff"]["models_added"].as_array().map(Vec::len), Some(9));
    let change = &rehearsal["diff"]["prices"][0];
    assert_eq!((&change["field"], &change["before"], &change["after"]), (&json!("input"), &json!("0.00000015"), &json!("0.0000002")));
    assert_eq!(input_price(dir.path()), "0.00000015", "a rehearsal changes nothing");
    assert!(!dir.path().join("data/catalog").exists());

    let human = portolan(dir.path(), &format!("{sync} --data-dir data"), &[]);
    let said = text(&human.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("openai/gpt-4o-mini @ openai input: 0.00000015 -> 0.0000002"), "{said}");
    assert_eq!((human.status.code(), text(&human.stderr).as_str()), (Some(0), "applied\n"));
    assert_eq!(input_price(dir.path()), "0.0000002", "the next command reads what was stored");
    let shown = run(dir.path(), "catalog show openai/gpt-4o-mini").1;
    let endpoint = row(&shown["endpoints"], "endpoint", "openai");
    assert_eq!(
        (&shown["origin"], &endpoint["origin"], &endpoint["zdr_listed_by_source"]),
        (&json!("synced"), &json!("synced"), &json!(true))
    );
    assert_eq!((&endpoint["callable"], &endpoint["zdr"]), (&json!("yes"), &json!(false)), "a source's agreement is not the operator's");
    let acme = run(dir.path(), "catalog show acme/m1").1;
    assert_eq!(row(&acme["endpoints"], "endpoint", "acme")["callable"], "its id at the provider is unknown");
    let resold = row(&acme["endpoints"], "endpoint", "openrouter");
    assert_eq!((&resold["callable"], &resold["has_credential"]), (&json!("yes"), &json!(false)));
    assert_eq!(run(dir.path(), "catalog show anthropic/claude-sonnet-4.5").1["origin"], "builtin");
    let listed = run(dir.path(), "catalog list").1;
    assert!(listed.as_array().unwrap().iter().any(|row| row["id"] == "acme/m9" && row["callable"] == 1 && row["endpoints"] == 2));

    source.asked();
    let (code, again) = run(dir.path(), &sync);
    assert_eq!((code, &again["changed"], &again["applied"]), (0, &json!(false), &json!(false)));
    assert_eq!(source.asked(), [("/models?output_modalities=all".to_owned(), 304)], "one question, and its answer is: nothing newer");
    assert_eq!(run(dir.path(), "catalog show no/such-model").0, 5);
    // model, endpoint, when it ends, whether that has passed, why it is believed to keep nothing, which of both the built-in data state
    for (model, tag, ends, passed, basis) in [
        ("z-ai/glm-5.2", "z-ai/fp8", json!("2098-12-31"), json!(false), json!("endpoint")),
        ("writer/palmyra-x5", "amazon-bedrock/us", Value::Null, Value::Null, json!("other_region")),
    ] {
        let shown = run(dir.path(), &format!("catalog show {model}")).1;
        let endpoint = row(&shown["endpoints"], "endpoint", tag);
        let told = ["deprecation_date", "deprecation_passed", "zdr_basis"].map(|field| endpoint[field].clone());
        assert_eq!(told, [ends.clone(), passed, basis.clone()], "{model}");
        let origin = |value: &Value| if value.is_null() { Value::Null } else { json!("builtin") };
        let origins = ["deprecation_date", "zdr_basis"].map(|field| endpoint["origins"][field].clone());
        assert_eq!(origins, [origin(&ends), origin(&basis)], "{model}");
    }

    let file = dir.path().join("data/catalog/synced.txt");
    let mut synced = portolan_catalog::sync::Synced::from_text(&std::fs::read_to_string(&file).unwrap()).unwrap();
    synced.fetched_at -= 86_401;
    std::fs::write(&file, synced.to_text().unwrap()).unwrap();
    assert_eq!(run(dir.path(), &sync).0, 0);
    let asked = source.asked();
    let absent = ["/images/models", "/videos/models"].map(|path| (path.to_owned(), 404));
    assert_eq!(asked.iter().filter(|one| !absent.contains(one)).filter(|(_, status)| *status == 200).count(), 13, "{asked:?}");
    assert_eq!(asked.len(), 15, "after a day all is read again, and an older server has no lists of images and videos: {asked:?}");
}

#[test]
fn what_a_sync_leaves_out_is_counted_whole_and_the_first_hundred_are_told() {
    let (source, dir) = (Source::start(), tempfile::tempdir().unwrap());
    for (bad, head) in [(3, "left out: 3\n"), (130, "left out: 130, of which the first 100\n")] {
        let good = json!({ "id": "openai/gpt-4o-mini" });
        let rows: Vec<Value> = (0..bad).map(|i| json!({ "id": format!("no slug {i}") })).chain([good]).collect();
        source.put("/models?output_modalities=all", json!({ "data": rows }).to_string());
        source.newer();
        let sync = format!("catalog sync --url {}", source.url());
        let human = portolan(dir.path(), &format!("{sync} --dry-run --data-dir data"), &[]);
        assert!(text(&human.stdout).contains(head), "{}", text(&human.stdout));
        let (code, synced) = run(dir.path(), &sync);
        let told = (synced["skipped_count"].as_u64(), synced["skipped"].as_array().map(Vec::len));
        assert_eq!((code, told), (0, (Some(bad), Some(bad.min(100) as usize))), "{synced}");
        assert_eq!(synced["status"]["skipped"], bad);
    }
}

#[test]
fn an_answer_that_is_broken_or_lost_half_of_its_models_changes_nothing() {
    let (source, dir) = (Source::start(), tempfile::tempdir().unwrap());
    let sync = format!("catalog sync --source openrouter --url {}", source.url());
    assert_eq!(run(dir.path(), &sync).0, 0);
    source.serves(4, "0.0000009");
    let (code, said) = run(dir.path(), &sync);
    assert!(code == 9 && said.as_str().unwrap().contains("lists 4 models and the last one listed 10"), "{code} {said}");
    let list = "/models?output_modalities=all";
    for (body, why) in
        [("<html>", "not in the form"), (r#"{"data":[]}"#, "lists no models"), ("->http://127.0.0.1:9/", "redirects are not followed")]
    {
        source.put(list, body);
        source.newer();
        let (code, said) = run(dir.path(), &sync);
        assert!(code == 9 && said.as_str().unwrap().contains(why), "{body}: {code} {said}");
    }
    source.drops(list);
    let (code, said) = run(dir.path(), &sync);
    assert!(code == 9 && said.as_str().unwrap().contains("404"), "{said}");
    let (_, status) = run(dir.path(), "catalog status");
    assert_eq!((&status["in_force"], &status["synced"], &status["models"]), (&json!("synced"), &json!("fresh"), &json!(10)));
    assert!(status["last_error"].as_str().unwrap().contains("404"), "{status}");
    assert_eq!(input_price(dir.path()), "0.0000002", "the last good one stays");
}

#[test]
fn what_an_administrator_vouches_for_lies_over_what_is_synced_and_is_no_matter_of_a_source() {
    let (source, dir) = (Source::start(), tempfile::tempdir().unwrap());
    let attest = |whose: &str| {
        let table = format!("[[attestations]]\nendpoints = \"{whose}\"\nzdr = true\nby = \"Jane Doe\"\non = \"2024-11-20\"\n");
        std::fs::write(dir.path().join("portolan.toml"), table).unwrap();
    };
    attest("openai");
    assert_eq!(run(dir.path(), &format!("catalog sync --source openrouter --url {}", source.url())).0, 0);
    let shown = run(dir.path(), "catalog show openai/gpt-4o-mini").1;
    let endpoint = row(&shown["endpoints"], "endpoint", "openai");
    assert_eq!(
        (&endpoint["origin"], &endpoint["zdr"], &endpoint["prices"]["input"]),
        (&json!("synced"), &json!(true), &json!("0.0000002"))
    );
    attest("acme");
    let shown = run(dir.path(), "catalog show acme/m1").1;
    assert_eq!(row(&shown["endpoints"], "endpoint", "acme")["zdr"], json!(true), "only the source has it: {shown}");
    let check = || {
        let run = portolan(dir.path(), "config check --data-dir data", &[]);
        (run.status.code().unwrap(), text(&run.stderr))
    };
    assert_eq!(check(), (0, String::new()));
    attest("acme/gone");
    let (code, said) = check();
    let place = "warning: portolan.toml:2:13: attestations[0].endpoints: `acme/gone` is no provider and no tag of the catalog";
    assert!(code == 0 && said.starts_with(place) && said.ends_with("it vouches for nothing until a sync brings it\n"), "{code} {said}");
    attest("acmee");
    let (code, said) = check();
    assert!(code == 0 && said.starts_with("warning: portolan.toml:2:13: ") && said.contains("did you mean `acme`?"), "{code} {said}");
    // Nobody knows what a damaged file listed.
    for (name, which) in [("synced.txt", "the last good synced catalog"), ("last-good.txt", "the built-in catalog")] {
        std::fs::write(dir.path().join("data/catalog").join(name), "damaged").unwrap();
        let (code, said) = check();
        let warning = format!("warning: {which} is in force: ");
        assert!(code == 0 && said.contains(&warning) && said.contains("warning: portolan.toml:2:13: "), "{code} {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_source_drops_what_is_attested_the_server_goes_on_and_says_so() {
    let source = tokio::task::spawn_blocking(Source::start).await.unwrap();
    let app = TestApp::start(BINARY.as_ref(), &Config::new());
    let sync = format!("catalog sync --url {}", source.url());
    assert_eq!(beside(&app, &sync).0, 0);
    let table = "[[attestations]]\nendpoints = \"acme\"\nzdr = true\nby = \"Jane Doe\"\non = \"2024-11-20\"\n";
    app.edit_config(|text| format!("{text}\n{table}"));
    app.signal("HUP");
    app.says("the configuration was reloaded");
    assert_eq!(beside(&app, "catalog show acme/m1").1["endpoints"][0]["zdr"], json!(true));
    assert_eq!(beside(&app, "catalog status").1["attestations_unmet"], json!([]));

    for i in 1..10 {
        let endpoint = json!({ "tag": "other", "context_length": 64_000, "pricing": { "prompt": "0.1", "completion": "0.2" } });
        source.put(&format!("/models/acme/m{i}/endpoints"), json!({ "data": { "endpoints": [endpoint] } }).to_string());
    }
    source.put("/providers", json!({ "data": [{ "name": "Other", "slug": "other" }] }).to_string());
    source.newer();
    let (code, synced) = beside(&app, &sync);
    assert_eq!((code, &synced["applied"]), (0, &json!(true)), "{synced}");
    let unmet = synced["status"]["attestations_unmet"][0].as_str().unwrap();
    assert!(unmet.contains("attestations[0].endpoints: `acme` is no provider and no tag of the catalog"), "{unmet}");
    app.says(unmet);
    assert_eq!(app.get("/readyz").await.unwrap().1["warnings"]["attestations"], unmet);
    let shown = beside(&app, "catalog show acme/m1").1;
    assert_eq!(row(&shown["endpoints"], "endpoint", "other")["zdr"], json!(false), "nobody vouched for the other: {shown}");
    assert_eq!(priced(&app).await, "0.0000002", "it serves");
    tokio::task::spawn_blocking(move || drop(source)).await.unwrap();
}

#[test]
fn the_rules_of_the_way_out_hold_for_a_source() {
    let (source, dir) = (Source::start(), tempfile::tempdir().unwrap());
    std::fs::write(dir.path().join("portolan.toml"), "profile = \"production\"\n").unwrap();
    let (code, said) = run(dir.path(), &format!("catalog sync --url {}", source.url()));
    assert!(code == 9 && said.as_str().unwrap().contains("no connection to 127.0.0.1"), "{code} {said}");
    assert!(source.asked().is_empty());
}

/// Runs a command beside a running server.
fn beside(app: &TestApp, args: &str) -> (i32, Value) {
    run(app.dir(), &format!("{args} --config portolan.toml"))
}

async fn priced(app: &TestApp) -> Value {
    let answer = app.get("/api/v1/models/openai/gpt-4o-mini/endpoints").await.unwrap().1;
    row(&answer["data"]["endpoints"], "tag", "openai")["pricing"]["prompt"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_server_puts_a_sync_in_force_at_once_and_charges_by_it() {
    let source = tokio::task::spawn_blocking(Source::start).await.unwrap();
    let app = TestApp::start(BINARY.as_ref(), &Config::new());
    assert_eq!(priced(&app).await, "0.00000015");
    let body =
        json!({ "model": "openai/gpt-4o-mini", "messages": [{ "role": "user", "content": "Hello" }], "provider": { "only": ["openai"] } });
    let before = app.record(&app.chat(&body).send().await.unwrap().generation()).unwrap();
    let (code, synced) = beside(&app, &format!("catalog sync --url {}", source.url()));
    assert_eq!((code, &synced["applied"], &synced["status"]["in_force"]), (0, &json!(true), &json!("synced")), "{synced}");
    assert_eq!(priced(&app).await, "0.0000002");
    let after = app.record(&app.chat(&body).send().await.unwrap().generation()).unwrap();
    assert_ne!(before["price_version"], after["price_version"], "every charge keeps the version of its prices");
    assert!(after["epoch"].as_u64() > before["epoch"].as_u64());
    assert!(!app.metrics().contains("portolan_catalog_synced_timestamp_seconds 0\n"), "{}", app.metrics());
    // A reload of the configuration keeps it.
    app.signal("HUP");
    app.says("the configuration was reloaded");
    assert_eq!(priced(&app).await, "0.0000002");
    let (_, dev) = beside(&app, &format!("catalog sync --source models-dev --url {}", source.url()));
    assert_eq!((&dev["applied"], &dev["diff"]["models_added"]), (&json!(true), &json!(["openai/brand-new"])), "{dev}");
    assert_eq!(priced(&app).await, "0.00000015", "one source at a time: the other says nothing of this price");
    tokio::task::spawn_blocking(move || drop(source)).await.unwrap();
}

/// A gateway of ours with its simulator stands for OpenRouter, and sells a model that no built-in row has.
#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_was_published_today_is_called_through_the_reseller_after_a_sync() {
    let source = tokio::task::spawn_blocking(Source::start).await.unwrap();
    source.serves(10, "0.0000001");
    let reseller = TestApp::start(BINARY.as_ref(), &Config::new());
    assert_eq!(beside(&reseller, &format!("catalog sync --source openrouter --url {}", source.url())).0, 0);
    // It sells below the listed price, so that its report is told apart from our own sum.
    source.serves(10, "0.0000002");
    source.put("/models/acme/m2/endpoints", json!({ "data": { "endpoints": [{ "tag": "acme", "context_length": 9 }] } }).to_string());
    let bought = format!("[providers.openrouter]\nbase_url = \"http://{}/api/v1\"\napi_key = \"{}\"\n", reseller.address, reseller.key);
    let app = TestApp::start(BINARY.as_ref(), &Config::new().tables(&bought));
    let ask = |model: &str| json!({ "model": model, "max_tokens": 50, "messages": [{ "role": "user", "content": "Hello" }] });
    assert_eq!(app.chat(&ask("acme/m1")).send().await.unwrap().status, 400, "nobody knows it yet");
    let (code, synced) = beside(&app, &format!("catalog sync --source openrouter --url {}", source.url()));
    assert_eq!((code, &synced["applied"]), (0, &json!(true)), "{synced}");

    let answer = app.chat(&ask("acme/m1")).send().await.unwrap();
    assert_eq!((answer.status, answer.header("x-portolan-simulated")), (200, None), "{}", answer.text());
    let record = app.record(&answer.generation()).unwrap();
    let sold = reseller.record(record["attempts"][0]["upstream_id"].as_str().unwrap()).unwrap();
    assert!(sold["charge"].as_f64().unwrap() > 0.0 && sold["model"] == "acme/m1", "{sold:#}");
    assert_eq!((&record["charge"], &answer.json()["usage"]["cost"]), (&sold["charge"], &sold["charge"]), "as it reports");
    assert_eq!(sold["preferences"]["max_price"], json!({ "prompt": "0.0000002", "completion": "0.0000008", "request": "0" }));
    let none = app.request("POST", "/api/v1/chat/completions").json(&json!({
        "model": "acme/m1", "messages": ask("")["messages"], "provider": { "data_collection": "deny" },
    }));
    assert_eq!(none.send().await.unwrap().status, 404, "nobody has read what it does with prompts");

    let shown = beside(&app, "catalog show acme/m1").1;
    let row_of = |tag: &str| row(&shown["endpoints"], "endpoint", tag).clone();
    let (resold, own) = (row_of("openrouter"), row_of("acme"));
    assert_eq!((&resold["callable"], &resold["has_credential"], &resold["origin"]), (&json!("yes"), &json!(true), &json!("synced")));
    assert_eq!(resold["provider_origin"], "configuration");
    assert_eq!(
        (&resold["origins"]["prices"], &resold["origins"]["upstream_id"], &resold["origins"]["policy"]),
        (&json!("synced"), &json!("synced"), &Value::Null)
    );
    assert!(resold["charged_by"].as_str().unwrap().contains("report"), "{resold}");
    assert_eq!((&own["callable"], &own["has_credential"]), (&json!("its id at the provider is unknown"), &json!(false)));
    let mini = beside(&app, "catalog show openai/gpt-4o-mini").1;
    let origins = &row(&mini["endpoints"], "endpoint", "openai")["origins"];
    assert_eq!((&origins["prices"], &origins["upstream_id"], &origins["policy"]), (&json!("synced"), &json!("builtin"), &json!("builtin")));

    let unpriced = beside(&app, "catalog show acme/m2").1;
    assert_eq!(row(&unpriced["endpoints"], "endpoint", "openrouter")["callable"], "its price is unknown");
    let refused = app.chat(&ask("acme/m2")).send().await.unwrap();
    assert!(refused.status >= 400 && refused.text().contains("price"), "{} {}", refused.status, refused.text());
    tokio::task::spawn_blocking(move || drop(source)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_media_models_can_be_told_is_synced_and_shown() {
    let source = tokio::task::spawn_blocking(Source::start).await.unwrap();
    source.serves_media();
    let app = TestApp::start(BINARY.as_ref(), &Config::new());
    let (code, synced) = beside(&app, &format!("catalog sync --url {}", source.url()));
    assert_eq!((code, &synced["applied"]), (0, &json!(true)), "{synced}");
    let changes = synced["diff"]["media"].as_array().unwrap();
    assert!(changes.iter().any(|c| c["model"] == "black-forest-labs/flux-3-video" && c["field"] == "seed"), "{changes:?}");
    let asked = source.asked();
    assert!(asked.iter().any(|(path, status)| path == "/images/models/qwen/qwen-image-3-pro/endpoints" && *status == 200), "{asked:?}");
    assert!(!asked.iter().any(|(path, _)| path.contains("not/listed")), "{asked:?}");
    let videos = app.get("/api/v1/videos/models").await.unwrap().1;
    let video = row(&videos["data"], "id", "black-forest-labs/flux-3-video");
    assert_eq!((&video["seed"], &video["supported_durations"]), (&json!(true), &json!([5])));
    let images = app.get("/api/v1/images/models").await.unwrap().1;
    assert_eq!(row(&images["data"], "id", "qwen/qwen-image-3-pro")["supported_parameters"]["n"]["max"], 9);
    let endpoints = app.get("/api/v1/images/models/qwen/qwen-image-3-pro/endpoints").await.unwrap().1;
    assert_eq!(row(&endpoints["endpoints"], "provider_slug", "alibaba")["pricing"][0]["cost_usd"], 0.07);
    tokio::task::spawn_blocking(move || drop(source)).await.unwrap();
}

/// A server on the data directory of a folder, until it is dropped.
struct Served {
    process: std::process::Child,
    main: u16,
    admin: u16,
}

impl Served {
    fn start(dir: &Path) -> Self {
        let (main, admin) = (free_port(), free_port());
        let config = format!("[server]\nlisten = \"127.0.0.1:{main}\"\n[admin]\nlisten = \"127.0.0.1:{admin}\"\n");
        std::fs::write(dir.join("portolan.toml"), config).unwrap();
        let mut command = std::process::Command::new(BINARY);
        command.args(["serve", "--config", "portolan.toml", "--data-dir", "data"]).current_dir(dir).env_clear().env("HOME", dir);
        let process = command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
        Self { process, main, admin }
    }

    /// What `/readyz` answers once it answers.
    fn ready(&self) -> (u16, Value) {
        let (status, body) = until(|| ask(self.main, "/readyz").ok());
        (status, serde_json::from_str(&body).unwrap())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn ask(port: u16, path: &str) -> std::io::Result<(u16, String)> {
    portolan_testkit::exchange(portolan_testkit::Target::Tcp(([127, 0, 0, 1], port).into()), "GET", path, None)
}

#[test]
fn a_restart_reads_what_was_synced_or_its_copy_and_where_both_are_damaged_the_built_in_catalog_is_in_force_and_it_is_told() {
    let (source, dir) = (Source::start(), tempfile::tempdir().unwrap());
    assert_eq!(run(dir.path(), &format!("catalog sync --url {}", source.url())).0, 0);
    let models = |served: &Served| {
        let (status, body) = served.ready();
        assert_eq!((status, &body["ready"]), (200, &json!(true)), "a warning keeps nobody from serving: {body}");
        (body["warnings"]["catalog"].clone(), ask(served.main, "/api/v1/models").unwrap().1)
    };
    let served = Served::start(dir.path());
    let (warning, listed) = models(&served);
    assert!(warning.is_null() && listed.contains("acme/m1"), "{warning}");
    drop(served);

    for (damaged, is_synced) in [(&["synced.txt"][..], true), (&["synced.txt", "last-good.txt"], false)] {
        for name in damaged {
            let file = dir.path().join("data/catalog").join(name);
            let text = std::fs::read_to_string(&file).unwrap();
            std::fs::write(&file, text.replacen("acme/m1", "acme/m0", 1)).unwrap();
        }
        let served = Served::start(dir.path());
        let (warning, listed) = models(&served);
        assert!(warning.as_str().unwrap().contains("checksum"), "{warning}");
        assert_eq!((listed.contains("acme/m1"), listed.contains("acme/m0")), (is_synced, false), "{damaged:?}");
        let metrics = ask(served.admin, "/metrics").unwrap().1;
        assert!(metrics.contains("portolan_catalog_sync_success 0\n"), "{metrics}");
        let is_untold = metrics.contains("portolan_catalog_synced_timestamp_seconds 0\n");
        assert_eq!(is_untold, !is_synced, "{damaged:?}: {metrics}");
        let (_, status) = run(dir.path(), "catalog status");
        let in_force = if is_synced { "synced" } else { "builtin" };
        assert_eq!((&status["in_force"], &status["synced"]), (&json!(in_force), &json!("unreadable")), "{status}");
        // The next sync mends it, beside the running server.
        assert_eq!(run(dir.path(), &format!("catalog sync --url {}", source.url())).0, 0);
        assert_eq!(run(dir.path(), "catalog status").1["synced"], "fresh");
        assert!(models(&served).0.is_null());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_whose_source_fails_leaves_the_built_in_catalog_in_force() {
    let table = format!("[catalog]\nsync = \"models-dev\"\nurl = \"http://127.0.0.1:{}\"", free_port());
    let app = TestApp::start(BINARY.as_ref(), &Config::new().tables(&table));
    app.says("the catalog was not synced");
    assert_eq!(priced(&app).await, "0.00000015");
    let (_, status) = beside(&app, "catalog status");
    assert_eq!((&status["in_force"], &status["synced"]), (&json!("builtin"), &json!("none")));
    assert!(status["last_error"].as_str().unwrap().contains("cannot connect"), "{status}");
    assert!(app.metrics().contains("portolan_catalog_sync_success 0"));
    let (status, ready) = app.get("/readyz").await.unwrap();
    assert_eq!((status, &ready["warnings"]["catalog"]), (200, &json!(SYNC_FAILED)), "{ready}");
}

const SYNC_FAILED: &str = "the last sync failed and changed nothing; `portolan catalog status` tells why";

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_failed_is_a_warning_until_the_next_one_succeeds_and_a_rehearsal_is_none() {
    let source = tokio::task::spawn_blocking(Source::start).await.unwrap();
    let app = TestApp::start(BINARY.as_ref(), &Config::new());
    let warning = async || {
        let (status, ready) = app.get("/readyz").await.unwrap();
        assert_eq!((status, &ready["ready"]), (200, &json!(true)), "a warning keeps nobody from serving: {ready}");
        ready["warnings"]["catalog"].clone()
    };
    let good = format!("catalog sync --url {}", source.url());
    let bad = format!("catalog sync --url http://127.0.0.1:{}", free_port());
    assert_eq!(beside(&app, &format!("{bad} --dry-run")).0, 9);
    assert_eq!(warning().await, Value::Null, "a rehearsal");
    for again in ["a new catalog", "nothing newer"] {
        assert_eq!(beside(&app, &bad).0, 9);
        assert_eq!(warning().await, SYNC_FAILED);
        assert_eq!(beside(&app, &format!("{good} --dry-run")).0, 0);
        assert_eq!(warning().await, SYNC_FAILED, "a rehearsal mends nothing");
        assert_eq!(beside(&app, &good).0, 0);
        assert_eq!(warning().await, Value::Null, "{again}");
    }
    tokio::task::spawn_blocking(move || drop(source)).await.unwrap();
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn until<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        match ask() {
            Some(found) => return found,
            None => assert!(Instant::now() < end, "it never came"),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_syncs_by_itself_and_sets_aside_what_nobody_confirmed_for_long() {
    let source = tokio::task::spawn_blocking(Source::start).await.unwrap();
    let table = format!("[catalog]\nsync = \"openrouter\"\ninterval = \"1h\"\nurl = \"{}\"", source.url());
    let app = TestApp::start(BINARY.as_ref(), &Config::new().tables(&table));
    app.says("the catalog was synced");
    assert_eq!(priced(&app).await, "0.0000002");
    let (_, status) = beside(&app, "catalog status");
    assert_eq!(
        (&status["schedule"], &status["interval_seconds"], &status["last_error"]),
        (&json!("openrouter"), &json!(3600), &Value::Null)
    );
    // The same data in another place, as if two days had passed: older than twelve intervals.
    let dir = tempfile::tempdir().unwrap();
    let stored = std::fs::read_to_string(app.dir().join("data/catalog/synced.txt")).unwrap();
    let mut synced = portolan_catalog::sync::Synced::from_text(&stored).unwrap();
    synced.fetched_at -= 2 * 86_400;
    std::fs::create_dir_all(dir.path().join("data/catalog")).unwrap();
    std::fs::write(dir.path().join("data/catalog/synced.txt"), synced.to_text().unwrap()).unwrap();
    let read = |config: &str| {
        std::fs::write(dir.path().join("portolan.toml"), config).unwrap();
        let status = run(dir.path(), "catalog status").1;
        (status["synced"].clone(), status["in_force"].clone(), input_price(dir.path()))
    };
    assert_eq!(read(&table), (json!("stale"), json!("builtin"), json!("0.00000015")));
    assert_eq!(read(&table.replace("1h", "6h")), (json!("fresh"), json!("synced"), json!("0.0000002")));
    assert_eq!(
        read("[catalog]\ninterval = \"1h\"\n"),
        (json!("stale"), json!("synced"), json!("0.0000002")),
        "without a schedule the operator decides"
    );
    tokio::task::spawn_blocking(move || drop(source)).await.unwrap();
}
