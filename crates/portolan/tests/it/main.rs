//! Tests that run the built binary.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and its clock is the real one"
)]

mod admin;
mod architecture;
mod catalog;
mod cli;
mod crash;
mod drill;
mod egress;
mod failover;
mod fault_matrix;
mod hangups;
mod lifecycle;
mod money;
mod policy;
mod probes;
mod process;
mod reseller;
mod routes;
mod routes_catalog;
mod routing;
mod tool_calls;

/// The binary under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_portolan");
