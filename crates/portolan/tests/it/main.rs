//! Tests that run the built binary.

mod admin;
mod architecture;
mod cli;
mod crash;
mod egress;
mod failover;
mod fault_matrix;
mod hangups;
mod lifecycle;
mod money;
mod policy;
mod process;
mod routes;

/// The binary under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_portolan");
