//! How long a judgement takes.

use std::hint::black_box;
use std::time::Instant;

use portolan_routing::auto::{PromptView, classify};

const RUNS: usize = 20_000;

const SENTENCE: &str =
    "Explain how the (second) function computes x = 3 * y + 1, why it must never return less than 7, and list the steps. ";

/// Median and 99th percentile for prompts of three lengths.
pub(crate) fn print() {
    println!("\n| prompt | p50 | p99 |\n|---|---|---|");
    for (label, bytes) in [("100 B", 100), ("2 KiB", 2 * 1024), ("100 KiB", 100 * 1024)] {
        let text: String = SENTENCE.chars().cycle().take(bytes).collect();
        let view = PromptView::of_text(&text);
        let mut times: Vec<u128> = (0..RUNS).map(|_| nanoseconds(&view)).collect();
        times.sort_unstable();
        println!("| {label} | {:.1} µs | {:.1} µs |", times[RUNS / 2] as f64 / 1e3, times[RUNS * 99 / 100] as f64 / 1e3);
    }
}

#[expect(clippy::disallowed_methods, reason = "a measurement, not a part of the program")]
fn nanoseconds(view: &PromptView<'_>) -> u128 {
    let from = Instant::now();
    black_box(classify(black_box(view)));
    from.elapsed().as_nanos()
}
