//! How long a judgement takes, and a whole choice.

use std::hint::black_box;
use std::time::Instant;

use portolan_catalog::Catalog;
use portolan_core::Preferences;
use portolan_routing::auto::{AutoPlugin, Market, PromptView, classify, route};
use portolan_routing::{Ask, Bind, Bindings};

const RUNS: usize = 20_000;

const SENTENCE: &str =
    "Explain how the (second) function computes x = 3 * y + 1, why it must never return less than 7, and list the steps. ";

/// Median and 99th percentile for prompts of three lengths.
pub(crate) fn print() {
    println!("\n| prompt | p50 | p99 |\n|---|---|---|");
    for (label, bytes) in [("100 B", 100), ("2 KiB", 2 * 1024), ("100 KiB", 100 * 1024)] {
        let text: String = SENTENCE.chars().cycle().take(bytes).collect();
        let view = PromptView::of_text(&text);
        row(label, RUNS, || {
            black_box(classify(black_box(&view)));
        });
    }
    choices();
}

/// The choice for a short prompt: from the default set, and from all models, where each of them can be called.
fn choices() {
    let (catalog, preferences) = (Catalog::builtin(), Preferences::default());
    let bindings = Bindings::new(&catalog, |_, _| Bind::Real);
    let ask = Ask::new(&[], &preferences);
    let market = Market { catalog: &catalog, bindings: &bindings, ask: &ask };
    let view = PromptView::of_text(SENTENCE);
    let all = AutoPlugin { allowed_models: Some(vec!["*".to_owned()]), ..AutoPlugin::default() };
    println!("\n| choice among | p50 | p99 |\n|---|---|---|");
    for (label, settings) in [("the default set", AutoPlugin::default()), ("all models", all)] {
        row(label, RUNS / 10, || {
            black_box(route(&market, black_box(&view), &settings, None).is_ok());
        });
    }
}

/// Median and 99th percentile of many runs.
fn row(label: &str, runs: usize, run: impl Fn()) {
    let mut times: Vec<u128> = (0..runs).map(|_| nanoseconds(&run)).collect();
    times.sort_unstable();
    println!("| {label} | {:.1} µs | {:.1} µs |", times[runs / 2] as f64 / 1e3, times[runs * 99 / 100] as f64 / 1e3);
}

#[expect(clippy::disallowed_methods, reason = "a measurement, not a part of the program")]
fn nanoseconds(run: &impl Fn()) -> u128 {
    let from = Instant::now();
    run();
    from.elapsed().as_nanos()
}
