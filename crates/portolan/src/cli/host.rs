//! What the command line needs done by the rest of the binary.

use std::net::SocketAddr;

use crate::cli::CliError;
use crate::config::{BuiltinProvider, Config, ConfigError, Environment, Flags};

/// Everything that `serve` starts from.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) config: Config,
    /// To load the configuration again on SIGHUP.
    pub(crate) flags: Flags,
    pub(crate) env: Environment,
    /// Whether only JSON may go to standard output.
    pub(crate) json: bool,
}

/// The parts of the binary behind the command line.
pub(crate) trait Host {
    /// The providers of the catalog.
    fn builtins(&self) -> Vec<BuiltinProvider>;

    /// Finds the mistakes of a configuration that only the catalog knows. Answers what a start would warn of.
    fn check(&self, config: &Config) -> Result<Vec<String>, ConfigError>;

    /// The shapes and faults that the simulator knows, for `portolan sim --help`.
    fn sim_help(&self) -> String;

    /// Serves until the process is told to stop.
    async fn serve(&self, start: Start) -> Result<(), CliError>;

    /// Serves the simulator alone.
    async fn sim(&self, listen: SocketAddr) -> Result<(), CliError>;

    /// Takes the lock of the data directory, opens the store, and answers the router of the admin socket.
    /// Called when no server answers there. A lock that somebody holds is a [`super::ExitCode::Conflict`].
    async fn open_admin(&self, config: &Config) -> Result<axum::Router, CliError>;
}
