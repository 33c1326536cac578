//! Tests that run the built binary.

mod admin;
mod architecture;
mod cli;
mod failover;
mod fault_matrix;
mod hangups;
mod money;
mod process;

/// The binary under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_portolan");
