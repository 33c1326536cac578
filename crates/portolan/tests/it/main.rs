//! Tests that run the built binary.

mod admin;
mod cli;
mod process;
