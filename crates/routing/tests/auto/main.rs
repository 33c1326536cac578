//! The auto router: what it allows, what it picks, and that its judgement is worth something.
#![allow(clippy::unwrap_used, reason = "tests")]

#[allow(dead_code, reason = "shared with the example that measures")]
#[path = "../../examples/auto_curve/curve.rs"]
mod curve;
#[allow(dead_code, reason = "shared with the example that measures")]
#[path = "../../examples/auto_curve/data.rs"]
mod data;
mod judgement;
mod market;
mod ranking;
mod settings;
