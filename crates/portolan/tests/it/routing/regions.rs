//! Areas: what is confined to one is served there or not at all.

use std::collections::BTreeSet;
use std::time::Duration;

use portolan_core::{Clock, SystemClock};
use portolan_testkit::{Answer, Config, Mode, Provider, Sim, Switch, TestApp, raw};
use serde_json::{Value, json};

use super::{ask, eligible, explained, text};
use crate::BINARY;
use crate::process::{portolan, text as said};

struct World {
    sim: Sim,
    /// In front of the only provider in the EU.
    door: Switch,
}

impl World {
    async fn new() -> Self {
        let sim = Sim::start(BINARY.as_ref());
        let door = Switch::new(sim.address).await;
        Self { sim, door }
    }

    /// A provider in the EU, one in the US and one of which nobody says where it is. The last part of a shape means nothing
    /// to the simulator, and tells in its ledger who was asked.
    fn app(&self, region: &str) -> TestApp {
        let model = |slug: &str, url: &str| Provider::openai_chat(slug, url).model("m/x", &format!("sim-c3-{slug}"));
        let attests = |slug: &str, area: &str| {
            format!("[[attestations]]\nendpoints = \"{slug}\"\narea = \"{area}\"\nby = \"Jane Doe, privacy\"\non = \"2024-11-20\"")
        };
        let config = Config::new()
            .timeouts(1_000, 1_000, 5_000)
            .provider(&model("european", &self.door.base_url()))
            .provider(&model("american", &self.sim.base_url()))
            .provider(&model("nowhere", &self.sim.base_url()).model("m/nowhere", "sim-c3-nowhere"))
            .tables(&attests("european", "eu"))
            .tables(&attests("american", "us"))
            .tables(region);
        TestApp::start(BINARY.as_ref(), &config)
    }

    /// Who was truly asked.
    fn asked(&self) -> BTreeSet<String> {
        self.sim.ledger().requests.into_iter().map(|request| request.model.trim_start_matches("sim-c3-").to_owned()).collect()
    }
}

async fn send(app: &TestApp, host: &str, body: &Value) -> Answer {
    app.chat(body).header("host", host).send().await.unwrap()
}

fn rule(answer: &Answer) -> (u16, Option<String>) {
    (answer.status, answer.json()["error"]["metadata"]["rule"].as_str().map(str::to_owned))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_listed_the_models_that_it_can_use_at_a_host() {
    let app = World::new().await.app("");
    for (host, listed) in [
        ("localhost", &["m/nowhere", "m/x", "openrouter/auto", "openrouter/free"][..]),
        ("eu.localhost", &["m/x"]),
        ("us.localhost", &["m/x"]),
    ] {
        let answer = app.request("GET", "/api/v1/models/user").header("host", host).send().await.unwrap().json();
        let mut seen: Vec<&str> = answer["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
        seen.sort_unstable();
        assert_eq!(seen, listed, "{host}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_name_confines_and_no_failure_leads_out() {
    let world = World::new().await;
    let app = world.app("");
    let body = ask("m/x", json!({}));
    for (host, provider, area) in
        [("eu.localhost", "european", "eu"), ("EU.gateway.test:443", "european", "eu"), ("us.localhost", "american", "us")]
    {
        let told = explained(&app, host, &body, 7).await.unwrap();
        assert_eq!(eligible(&told), [provider], "{host}");
        for out in told["candidates"].as_array().unwrap().iter().filter(|c| c["status"] == "rejected") {
            assert_eq!((&out["rule"], &out["source"]), (&json!("region"), &json!("host")), "{host}");
            assert!(text(&out["detail"]).contains(&format!("confined to {area}")), "{out}");
        }
        for stream in [true, false, true, false] {
            let answer = send(&app, host, &ask("m/x", json!({ "stream": stream }))).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert_eq!(app.record(&answer.generation()).unwrap()["provider"], provider, "{host}");
        }
        // No preference leads out.
        for preferences in [json!({ "only": ["nowhere"] }), json!({ "order": ["nowhere"], "allow_fallbacks": false })] {
            let answer = send(&app, host, &ask("m/x", json!({ "provider": preferences }))).await;
            assert_eq!(answer.status, 404, "{}", answer.text());
            assert_eq!(answer.json()["error"]["metadata"]["rule"], "region", "{}", answer.text());
            assert!(answer.json()["error"]["availability"]["excluded_by"].as_array().unwrap().contains(&json!("data_region")));
        }
        // A session that was somewhere else before does not lead out, either.
        let away = ask("m/x", json!({ "session_id": "s", "provider": { "ignore": [provider] } }));
        assert_eq!(send(&app, "localhost", &away).await.status, 200);
        let answer = send(&app, host, &ask("m/x", json!({ "session_id": "s" }))).await;
        assert_eq!(app.record(&answer.generation()).unwrap()["provider"], provider, "{host}");
        for router in ["openrouter/auto", "portolan/free"] {
            let answer = send(&app, host, &ask(router, json!({}))).await;
            assert_eq!(rule(&answer), (400, Some("region".to_owned())), "{}", answer.text());
        }
    }
    // A key that has nothing to do with an area uses all of them.
    for _ in 0..12 {
        assert_eq!(send(&app, "localhost", &body).await.status, 200);
    }

    // The only endpoint in the EU is out: an error, and nobody else is asked.
    world.door.set(Mode::Status);
    let before = world.sim.ledger().totals.requests;
    for n in 0..8 {
        let answer = send(&app, "eu.localhost", &ask("m/x", json!({ "stream": n % 2 == 0, "session_id": "s" }))).await;
        assert!(answer.status >= 500, "{} {}", answer.status, answer.text());
        let record = app.record(&answer.generation()).unwrap();
        assert!(record["attempts"].as_array().unwrap().iter().all(|attempt| attempt["provider"] == "european"), "{record}");
    }
    assert_eq!(world.sim.ledger().totals.requests, before, "somebody else was asked");
    assert_eq!(send(&app, "localhost", &body).await.status, 200, "the others are well");
    assert_eq!(world.asked(), ["american", "european", "nowhere"].map(str::to_owned).into(), "the ledger tells them apart");
}

/// The status of a chat completion whose target and Host headers are as they are written here; the message, where it is an error.
async fn status(app: &TestApp, path: &str, hosts: &[&str]) -> (String, String) {
    let hosts: String = hosts.iter().map(|host| format!("Host: {host}\r\n")).collect();
    let body = ask("m/x", json!({})).to_string();
    let head = format!("POST {path} HTTP/1.1\r\n{hosts}Authorization: Bearer {}\r\nContent-Length: {}\r\n", app.key, body.len());
    let answer = raw(app.address, format!("{head}Connection: close\r\n\r\n{body}").as_bytes(), Duration::from_secs(10)).await.unwrap();
    let (_, told) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{path} {hosts}: {answer}"));
    let message = serde_json::from_str::<Value>(told).ok().and_then(|told| told["error"]["message"].as_str().map(str::to_owned));
    (answer.chars().skip(9).take(3).collect(), message.unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_whose_host_is_in_doubt_is_refused_on_every_route() {
    let world = World::new().await;
    let app = world.app("");
    const CHAT: &str = "/api/v1/chat/completions";
    let absolute = |host: &str| format!("http://{host}{CHAT}");
    // The host of the target goes before that of the header.
    for (target, header) in [(CHAT.to_owned(), "eu.localhost"), (absolute("eu.localhost"), "localhost"), (absolute("EU.localhost:80"), "")]
    {
        assert_eq!(status(&app, &target, &[header]).await.0, "200", "{target} {header}");
    }
    assert_eq!(world.asked(), ["european".to_owned()].into());
    let (userinfo, header, two) = ("userinfo", "Host header is no host name", "more than one Host header");
    for path in [CHAT, "/v1/chat/completions", "/api/v1/portolan/explain", "/v1/key", "/api/v1/models", "/healthz", "/nothing"] {
        for (target, hosts, words) in [
            (format!("http://x@eu.localhost{path}"), &["eu.localhost"][..], userinfo),
            (format!("http://x:y@eu.localhost{path}"), &["localhost"], userinfo),
            (format!("http://@eu.localhost{path}"), &["eu.localhost"], userinfo),
            (path.to_owned(), &["x@eu.localhost"], header),
            (path.to_owned(), &["e%75.localhost"], header),
            (format!("http://eu.localhost{path}"), &["x@eu.localhost"], header),
            (path.to_owned(), &["localhost", "eu.localhost"], two),
        ] {
            let (status, message) = status(&app, &target, hosts).await;
            assert_eq!(status, "400", "{target} {hosts:?}: {message}");
            assert!(message.contains(words), "{target} {hosts:?}: {message}");
        }
    }
    assert_eq!(world.asked(), ["european".to_owned()].into(), "nobody else was asked");
}

/// The host; who may serve, or the status of the refusal; the source of the rule.
type Visit<'a> = (&'a str, Result<&'a [&'a str], u16>, &'a str);

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_confines_and_refuses_what_belongs_elsewhere() {
    let world = World::new().await;
    let body = ask("m/x", json!({}));
    let cases: &[(&str, &[Visit<'_>])] = &[
        (
            "[region]\nconfine = \"eu\"",
            &[
                ("localhost", Ok(&["european"]), "configuration"),
                ("eu.localhost", Ok(&["european"]), "host"),
                ("us.localhost", Err(403), ""),
            ],
        ),
        (
            "[region]\nhere = \"eu\"",
            &[
                ("localhost", Ok(&["american", "european", "nowhere"]), ""),
                ("eu.localhost", Ok(&["european"]), "host"),
                ("us.localhost", Err(403), ""),
            ],
        ),
        ("[region]\nhere = \"us\"\nconfine = \"us\"", &[("localhost", Ok(&["american"]), "configuration"), ("eu.localhost", Err(403), "")]),
    ];
    for (table, hosts) in cases {
        let app = world.app(table);
        for (host, expected, source) in *hosts {
            let answer = send(&app, host, &body).await;
            match (expected, explained(&app, host, &body, 7).await) {
                (Ok(providers), Ok(told)) => {
                    let mut found = eligible(&told);
                    found.sort_unstable();
                    assert_eq!(found, *providers, "{table} {host}");
                    let sources = told["candidates"].as_array().unwrap().iter().filter_map(|c| c["source"].as_str());
                    assert!(sources.into_iter().all(|found| found == *source), "{table} {host}: {told:#}");
                    let record = app.record(&answer.generation()).unwrap();
                    assert!(answer.status == 200 && providers.contains(&text(&record["provider"])), "{table} {host}: {}", answer.text());
                }
                (Err(status), Err(error)) => {
                    assert_eq!(rule(&answer), (*status, Some("region".to_owned())), "{table} {host}: {}", answer.text());
                    assert_eq!(error, answer.json()["error"], "{table} {host}");
                }
                (expected, found) => panic!("{table} {host}: {expected:?}, not {found:?}"),
            }
        }
        // Routers choose among all models, so that where everything is confined they are refused on every host.
        let confined = table.contains("confine");
        let answer = send(&app, "localhost", &ask("openrouter/auto", json!({}))).await;
        assert_eq!(rule(&answer) == (400, Some("region".to_owned())), confined, "{table}: {}", answer.text());
    }
}

/// The day in so many days, by the machine's clock.
fn day_in(days: i64) -> String {
    let then = jiff::Timestamp::from_second(SystemClock.now().seconds() + days * 86_400).unwrap();
    jiff::tz::Offset::UTC.to_datetime(then).date().to_string()
}

#[test]
fn nobody_vouches_from_a_day_in_the_future_on() {
    let dir = tempfile::tempdir().unwrap();
    // Where the day begins first, it is tomorrow already.
    for (on, is_taken) in [
        ("1999-12-31".to_owned(), true),
        (day_in(0), true),
        (day_in(1), true),
        (day_in(3), false),
        (day_in(360), false),
        ("9999-12-31".to_owned(), false),
    ] {
        let table = format!("[[attestations]]\nendpoints = \"mistral\"\nzdr = true\nby = \"Jane Doe\"\non = \"{on}\"\n");
        std::fs::write(dir.path().join("portolan.toml"), table).unwrap();
        let run = portolan(dir.path(), "config check --config portolan.toml", &[]);
        let told = said(&run.stderr);
        assert_eq!(run.status.code(), Some(if is_taken { 0 } else { 3 }), "{on}: {told}");
        let refused = told.contains("portolan.toml:5:6: attestations[0].on: lies in the future (today is ");
        assert_eq!(refused && told.contains("write the day on which"), !is_taken, "{on}: {told}");
    }
}

#[test]
fn a_mistake_in_an_attestation_or_an_area_is_refused_with_its_line_and_the_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let whole = "[[attestations]]\nendpoints = \"mistral\"\narea = \"eu\"\nby = \"Jane Doe\"\non = \"2024-11-20\"\n";
    // What is written; what is said of it.
    let cases = [
        (
            whole.replace("area = \"eu\"\n", ""),
            "1:1: attestations[0]: vouches for nothing: write area = \"eu\" (or \"us\"), zdr = true, or both",
        ),
        (whole.replace("\"eu\"", "\"europe\""), "3:8: attestations[0].area: expected one of \"eu\", \"us\", found `europe`"),
        (whole.replace("by = \"Jane Doe\"\n", ""), "1:1: attestations[0].by: is missing: write who vouches for it"),
        (whole.replace("2024-11-20", "2026-02-30"), "5:6: attestations[0].on: expected a day such as \"2026-11-20\""),
        (whole.replace("endpoints = \"mistral\"\n", ""), "1:1: attestations[0].endpoints: is missing: write a provider's slug"),
        (whole.replace("area", "aera"), "3:1: attestations[0].aera: unknown key; did you mean `area`?"),
        (format!("{whole}{}", whole.replace("\"eu\"", "\"de\"")), "8:8: attestations[1].area: expected one of"),
        ("[region]\nhere = \"de\"\n".to_owned(), "2:8: region.here: expected one of \"eu\", \"us\", found `de`"),
        ("[region]\nhere = \"eu\"\nconfine = \"us\"\n".to_owned(), "region.confine: is not where this instance stands (here = \"eu\")"),
        ("[routing]\nsticky_idel = \"1s\"\n".to_owned(), "2:1: routing.sticky_idel: unknown key; did you mean `sticky_idle`?"),
    ];
    for (toml, words) in cases {
        std::fs::write(dir.path().join("portolan.toml"), &toml).unwrap();
        let run = portolan(dir.path(), "config check --config portolan.toml", &[]);
        let told = said(&run.stdout) + &said(&run.stderr);
        assert_eq!(run.status.code(), Some(3), "{toml}{told}");
        assert!(told.contains("portolan.toml:") && told.contains(words), "{toml}{told}");
    }
}
