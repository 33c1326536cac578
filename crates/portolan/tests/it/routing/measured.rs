//! Order by what was measured: endpoints of one model that differ in speed, before and after there was traffic.

use std::collections::BTreeMap;

use portolan_testkit::{Config, Provider, Sim, TestApp};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{ask, candidates, explain, served, text};
use crate::BINARY;

/// The provider, its price, and how it answers; the cheapest first. Speeds and waits differ by a factor of five and more.
const PROVIDERS: [(&str, &str, &str); 4] = [
    ("unasked", "0.0000005", "sim-c24"),
    ("late", "0.000001", "sim-c24-t1000-d16"),
    ("slow", "0.000002", "sim-c24-d80"),
    ("fast", "0.000004", "sim-c24-t200-d3"),
];
const MEASURED: [&str; 3] = ["late", "slow", "fast"];
/// So many rounds of so many streams to each: more than the five from which on something is told.
const ROUNDS: usize = 3;
const STREAMS: usize = 3;

fn start(sim: &Sim) -> TestApp {
    let config = PROVIDERS.iter().fold(Config::new(), |config, (slug, price, shape)| {
        config.provider(&Provider::openai_chat(slug, &sim.base_url()).priced("m/x", shape, price, price))
    });
    TestApp::start(BINARY.as_ref(), &config)
}

fn preferring(preferences: Value) -> Value {
    ask("m/x", json!({ "provider": preferences }))
}

/// The providers in their order, each with the reason for its place.
fn order(told: &Value) -> Vec<(&str, &str)> {
    candidates(told, "eligible").into_iter().map(|c| (text(&c["provider"]), text(&c["order_reason"]))).collect()
}

fn all_by<'a>(names: [&'a str; 4], reason: &'a str) -> Vec<(&'a str, &'a str)> {
    names.map(|name| (name, reason)).to_vec()
}

/// Streams to each of [`MEASURED`], and to no other.
async fn traffic(app: &TestApp) {
    for _ in 0..ROUNDS {
        let mut running = JoinSet::new();
        for provider in MEASURED.into_iter().flat_map(|provider| [provider; STREAMS]) {
            let body = json!({ "stream": true, "provider": { "only": [provider] } });
            let request = app.chat(&ask("m/x", body));
            running.spawn(async move { request.send().await.unwrap() });
        }
        for answer in running.join_all().await {
            assert!(answer.status == 200 && answer.stream().pieces() == 24, "{}", answer.text());
            app.record(&answer.generation()).unwrap();
        }
    }
}

/// What `GET /models/m/x/endpoints` says of each provider.
async fn rows(app: &TestApp) -> BTreeMap<String, Value> {
    let (status, mut told) = app.get("/api/v1/models/m/x/endpoints").await.unwrap();
    assert_eq!(status, 200, "{told}");
    let rows = told["data"]["endpoints"].as_array_mut().unwrap().iter_mut();
    rows.map(|row| (text(&row["tag"]).to_owned(), row.take())).collect()
}

/// Measured percentiles of a provider, as they are listed: seconds, and tokens per second.
struct Measured(BTreeMap<String, Value>);

impl Measured {
    fn of(&self, provider: &str, field: &str, percentile: &str) -> Option<f64> {
        let unit = if field == "latency" { 1_000.0 } else { 1.0 };
        self.0[provider][format!("{field}_last_30m")][percentile].as_f64().map(|value| value / unit)
    }

    /// A threshold between those of two providers.
    fn between(&self, field: &str, percentile: &str, one: &str, other: &str) -> f64 {
        let known = |provider| self.of(provider, field, percentile).unwrap();
        (known(one) * known(other)).sqrt()
    }

    /// Who is known to miss one of these thresholds.
    fn missing(&self, field: &str, wanted: &Value) -> Vec<&str> {
        let misses = |provider: &&str| {
            wanted.as_object().unwrap().iter().any(|(percentile, limit)| {
                let (limit, known) = (limit.as_f64().unwrap(), self.of(provider, field, percentile));
                known.is_some_and(|known| if field == "latency" { known > limit } else { known < limit })
            })
        };
        PROVIDERS.iter().map(|(slug, ..)| *slug).filter(misses).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_are_sorted_by_what_was_measured_and_by_price_before() {
    let sim = Sim::start(BINARY.as_ref());
    let app = start(&sim);
    let by_price = ["unasked", "late", "slow", "fast"];
    let orders = [("throughput", ["fast", "late", "slow", "unasked"]), ("latency", ["slow", "fast", "late", "unasked"])];
    for (sort, _) in orders {
        let told = explain(&app, &preferring(json!({ "sort": sort })), 7).await;
        assert_eq!(order(&told), all_by(by_price, sort), "nothing is known");
        assert!(candidates(&told, "eligible").iter().all(|c| c["score"].get(sort).is_none()), "{told}");
    }
    // A wish that nobody is known to miss moves nobody.
    let wish = json!({ "sort": "price", "preferred_min_throughput": 1e6, "preferred_max_latency": 1e-6 });
    assert_eq!(order(&explain(&app, &preferring(wish), 7).await), all_by(by_price, "price"));
    assert!(rows(&app).await.values().all(|row| row["latency_last_30m"].is_null() && row["throughput_last_30m"].is_null()));

    traffic(&app).await;
    let measured = Measured(rows(&app).await);
    for (slug, ..) in PROVIDERS {
        for (field, rises) in [("latency", true), ("throughput", false)] {
            let known: Vec<f64> = ["p50", "p75", "p90", "p99"].iter().filter_map(|p| measured.of(slug, field, p)).collect();
            assert_eq!(known.len(), if slug == "unasked" { 0 } else { 4 }, "{slug} {field}");
            assert!(known.is_sorted_by(|a, b| if rises { a <= b } else { a >= b }), "{slug} {field}: {known:?}");
        }
    }
    for (sort, expected) in orders {
        let told = explain(&app, &preferring(json!({ "sort": sort })), 7).await;
        assert_eq!(order(&told), all_by(expected, sort));
        for candidate in candidates(&told, "eligible") {
            let listed = measured.of(text(&candidate["provider"]), sort, "p50");
            // Two readings of one number may differ in its last digit.
            let shown = candidate["score"].get(sort).and_then(Value::as_f64);
            let same = shown.zip(listed).is_some_and(|(shown, listed)| (shown / listed - 1.0).abs() < 1e-12);
            assert!(same || shown.is_none() && listed.is_none(), "{candidate}: {listed:?}");
        }
        let (_, record) = served(&app, &preferring(json!({ "sort": sort }))).await;
        assert_eq!(record["attempts"][0]["provider"], expected[0], "sorted by {sort}");
    }
    let told = explain(&app, &ask("m/x:nitro", json!({})), 7).await;
    assert_eq!(order(&told), all_by(orders[0].1, "throughput"));
    assert_eq!(order(&explain(&app, &preferring(json!({ "sort": "price" })), 7).await), all_by(by_price, "price"));

    let (speed, wait) = (
        |percentile| measured.between("throughput", percentile, "late", "slow"),
        |percentile| measured.between("latency", percentile, "late", "fast"),
    );
    // A number is the median.
    for (field, threshold, who) in [("throughput", speed("p50"), "slow"), ("latency", wait("p50"), "late")] {
        let name = if field == "latency" { "preferred_max_latency" } else { "preferred_min_throughput" };
        assert_eq!(measured.missing(field, &json!({ "p50": threshold })), [who]);
        for wanted in [json!(threshold), json!({ "p50": threshold })] {
            let told = explain(&app, &preferring(json!({ "sort": "price", name: wanted })), 7).await;
            let mut expected: Vec<_> = by_price.into_iter().filter(|name| *name != who).map(|name| (name, "price")).collect();
            expected.push((who, "misses"));
            assert_eq!(order(&told), expected, "{name}: {wanted}");
        }
    }
    // All percentiles that are stated must hold.
    let nobody = measured.of("slow", "throughput", "p99").unwrap() / 2.0;
    let everybody = measured.of("late", "latency", "p99").unwrap() * 2.0;
    for (name, field, wanted) in [
        ("preferred_min_throughput", "throughput", json!({ "p90": speed("p90"), "p99": nobody })),
        ("preferred_min_throughput", "throughput", json!({ "p50": nobody, "p75": speed("p75") })),
        ("preferred_min_throughput", "throughput", json!({ "p50": nobody, "p99": nobody })),
        ("preferred_max_latency", "latency", json!({ "p75": everybody, "p90": wait("p90") })),
        ("preferred_max_latency", "latency", json!({ "p99": wait("p99") })),
        ("preferred_max_latency", "latency", json!({ "p50": everybody, "p99": everybody })),
    ] {
        let expected = measured.missing(field, &wanted);
        let told = explain(&app, &preferring(json!({ name: wanted })), 7).await;
        let late: Vec<_> = order(&told).into_iter().filter(|(_, reason)| *reason == "misses").map(|(name, _)| name).collect();
        assert_eq!(late, expected, "{name}: {wanted}");
        assert!(order(&told).iter().skip(4 - expected.len()).all(|(_, reason)| *reason == "misses"), "{told}");
        for candidate in candidates(&told, "eligible").iter().filter(|c| c["provider"] != "unasked") {
            assert!(candidate["score"]["latency"].is_f64() && candidate["score"]["throughput"].is_f64(), "{candidate}");
        }
    }
    // A wish counts before the sort: the one with the shortest wait is the one that is too slow.
    let both = json!({ "sort": "latency", "preferred_min_throughput": speed("p50") });
    let told = explain(&app, &preferring(both.clone()), 7).await;
    assert_eq!(order(&told), [("fast", "latency"), ("late", "latency"), ("unasked", "latency"), ("slow", "misses")]);
    assert_eq!(served(&app, &preferring(both)).await.1["attempts"][0]["provider"], "fast");
}
