//! Trains the auto router's model of complexity and measures it on prompts that it was not trained on.
//!
//! ```text
//! cargo run --release -p portolan-routing --example auto_curve            # measures the weights that the program carries
//! cargo run --release -p portolan-routing --example auto_curve -- --tune  # cross-validates recipes, on the training part alone
//! cargo run --release -p portolan-routing --example auto_curve -- --train # writes crates/routing/src/auto/weights.txt
//! cargo run --release -p portolan-routing --example auto_curve -- --svg   # writes docs/auto-router.svg
//! ```
//!
//! The labelled prompts are looked for in `../shared/data/router`, beside the repository.
#![allow(clippy::print_stdout, reason = "a program for a terminal")]
#![allow(clippy::cast_precision_loss, reason = "counts of a few thousand rows")]

mod curve;
mod data;
mod latency;
mod report;
mod svg;
mod train;

use std::path::Path;

use data::Row;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/router");
const WEIGHTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/auto/weights.txt");
const SVG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/auto-router.svg");

fn main() -> Result<(), String> {
    let rows = data::load(Path::new(DATA))?;
    match std::env::args().nth(1).as_deref() {
        None => {
            report::held_out(&rows);
            report::cross_validated(&rows, train::RECIPE);
            report::transfer(&rows);
            report::tasks(&rows);
            latency::print();
            Ok(())
        }
        Some("--tune") => {
            for recipe in train::recipes() {
                report::cross_validated(&rows, recipe);
            }
            Ok(())
        }
        Some("--train") => {
            let training: Vec<&Row> = rows.iter().filter(|row| !row.held_out()).collect();
            write(WEIGHTS, &train::train(&training, train::RECIPE).to_text())
        }
        Some("--svg") => write(SVG, &svg::draw(&rows)),
        Some(other) => Err(format!("unknown argument {other}; give --tune, --train, --svg or none")),
    }
}

fn write(path: &str, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|e| format!("{path}: {e}"))?;
    println!("wrote {path}: {} bytes", text.len());
    Ok(())
}
