//! Portolan: an open, self-hosted AI gateway in one binary.

mod cli;
mod config;
mod serve;

use std::net::SocketAddr;

use cli::{CliError, Host, Start};
use config::{BuiltinProvider, Config, ConfigError, Environment};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    cli::main(&Portolan, Environment::capture(), std::env::args_os()).into()
}

/// The parts of the binary, for the command line.
struct Portolan;

impl Host for Portolan {
    fn builtins(&self) -> Vec<BuiltinProvider> {
        serve::builtins()
    }

    fn check(&self, config: &Config) -> Result<Vec<String>, ConfigError> {
        serve::check(config)
    }

    fn sim_help(&self) -> String {
        portolan_sim::shapes_help()
    }

    async fn serve(&self, start: Start) -> Result<(), CliError> {
        serve::serve(start).await
    }

    async fn sim(&self, listen: SocketAddr) -> Result<(), CliError> {
        serve::sim(listen).await
    }

    async fn open_admin(&self, config: &Config) -> Result<axum::Router, CliError> {
        serve::open_admin(config).await
    }
}
