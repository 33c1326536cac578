//! Portolan: an open, self-hosted AI gateway in one binary.

#![allow(dead_code, unused_imports)] // wiring: what only `serve` uses has no user yet

mod cli;
mod config;

use std::net::SocketAddr;

use cli::{CliError, ExitCode, Host, Start};
use config::{BuiltinProvider, Config, Environment};

fn main() -> std::process::ExitCode {
    cli::main(&Unwired, Environment::capture(), std::env::args_os()).into()
}

// wiring: replaced by the host that serves
struct Unwired;

impl Host for Unwired {
    fn builtins(&self) -> Vec<BuiltinProvider> {
        Vec::new()
    }

    fn sim_help(&self) -> &'static str {
        ""
    }

    async fn serve(&self, _: Start) -> Result<(), CliError> {
        Err(CliError::new(ExitCode::Failure, "serve is not wired yet"))
    }

    async fn sim(&self, _: SocketAddr) -> Result<(), CliError> {
        Err(CliError::new(ExitCode::Failure, "sim is not wired yet"))
    }

    async fn open_admin(&self, _: &Config) -> Result<axum::Router, CliError> {
        Err(CliError::new(ExitCode::Failure, "no server answers, and the store is not wired yet"))
    }
}
