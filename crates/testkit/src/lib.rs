//! Runs the built binary for tests: a gateway, simulators as outside providers, and a small HTTP client.
//!
//! A [`TestApp`] that is dropped asserts that the gateway is alive, has panicked nowhere and holds no money.
//! Nothing here is ever part of the binary.

#![allow(
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and its clock is the real one"
)]

mod app;
mod blocking;
mod client;
mod config;
mod process;
mod sim;
mod sse;
mod switch;

pub use app::TestApp;
pub use blocking::{Target, exchange};
pub use client::{Answer, Live, Request, raw};
pub use config::{Config, Provider};
pub use sim::Sim;
pub use sse::ChatStream;
pub use switch::{Mode, Switch};
