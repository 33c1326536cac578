//! A gateway as a child process, with a data directory of its own.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::blocking::{Target, exchange};
use crate::client::{Answer, Request};
use crate::config::Config;
use crate::process::{Process, TICK};

/// A start takes some hundred milliseconds; on a machine at work, some seconds.
const START_MAX: Duration = Duration::from_secs(30);
/// How long what is held may take to be settled once a test is over.
const SETTLE_MAX: Duration = Duration::from_secs(10);
/// Another process may take a port between the choice and the start.
const STARTS_MAX: usize = 3;

/// A running gateway.
pub struct TestApp {
    process: Process,
    dir: TempDir,
    binary: PathBuf,
    /// The main listener.
    pub address: SocketAddr,
    /// The listener of the metrics.
    pub admin: SocketAddr,
    /// An inference key without limits.
    pub key: String,
    is_stopped: bool,
}

impl TestApp {
    /// Starts a gateway and waits until it is ready.
    #[must_use]
    pub fn start(binary: &Path, config: &Config) -> Self {
        let dir = tempfile::tempdir().expect("a folder can be made");
        let key = format!("sk-or-v1-{}", "5a".repeat(32));
        let mut said = String::new();
        for _ in 0..STARTS_MAX {
            let [main, admin] = free_ports();
            std::fs::write(dir.path().join("portolan.toml"), config.toml(main.port(), admin.port())).expect("the folder is ours");
            let process = Process::start(binary, &["serve", "--config", "portolan.toml", "--data-dir", "data"], dir.path(), "serve", &env(config, &key));
            let mut app = Self { process, dir, binary: binary.to_owned(), address: main, admin, key, is_stopped: false };
            if app.becomes_ready() {
                return app;
            }
            app.is_stopped = true;
            said = app.output();
            // What `Drop` would do is done by hand, for the folder and the key are needed again.
            return_parts(app, &mut said);
            panic!("the gateway did not start: {said}");
        }
        panic!("the gateway did not start: {said}");
    }
}
