//! Money: what budgets admit, what is charged, and the proof of it.

mod limits;
mod parallel;
mod usage;

use portolan_core::Money;
use portolan_testkit::{Sim, TestApp};
use serde_json::{Value, json};

/// How a key's budget stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    pub(crate) settled: Money,
    pub(crate) held: Money,
    pub(crate) holds: u64,
    pub(crate) peak_committed: Money,
    pub(crate) overshoot: Money,
}

/// Asks for an explanation on behalf of a key.
pub(crate) fn explain(app: &TestApp, hash: &str, body: &Value) -> Value {
    let (status, mut explained) = app.administrate("POST", &format!("/explain?key={hash}&seed=1"), Some(body));
    assert_eq!(status, 200, "{explained}");
    explained["data"].take()
}

pub(crate) fn budget(app: &TestApp, hash: &str, model: &str) -> Budget {
    let explained = explain(app, hash, &ask(model));
    let stands = &explained["budgets"][0];
    Budget {
        settled: money(&stands["settled"]),
        held: money(&stands["held"]),
        holds: stands["holds"].as_u64().expect("a count of holds"),
        peak_committed: money(&stands["peak_committed"]),
        overshoot: money(&stands["overshoot"]),
    }
}

/// The worst case of a request at its first endpoint.
pub(crate) fn worst(app: &TestApp, hash: &str, body: &Value) -> Money {
    let explained = explain(app, hash, body);
    let first = explained["candidates"].as_array().expect("candidates").iter().find(|c| c["order"] == 1);
    money(&first.unwrap_or_else(|| panic!("nothing is eligible: {explained}"))["quote"]["worst"])
}

/// An amount: a text, or a number as it is written.
pub(crate) fn money(value: &Value) -> Money {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Money::parse(&text).unwrap_or_else(|e| panic!("{e}"))
}

/// The least chat request.
pub(crate) fn ask(model: &str) -> Value {
    json!({ "model": model, "messages": [{ "role": "user", "content": "How deep is the sea?" }] })
}

/// The proof: everything that the simulator served is recorded, priced and charged as it should be.
pub(crate) fn verify(app: &TestApp, sim: &Sim) -> Value {
    let (status, report) = app.administrate("POST", "/verify", Some(&json!({ "sim_url": format!("http://{}", sim.address) })));
    assert_eq!((status, &report["ok"]), (200, &Value::Bool(true)), "{report:#}");
    report
}

/// The class of a proof.
pub(crate) fn class<'a>(report: &'a Value, name: &str) -> &'a Value {
    let classes = report["classes"].as_array().expect("classes");
    classes.iter().find(|c| c["name"] == name).unwrap_or(&Value::Null)
}
