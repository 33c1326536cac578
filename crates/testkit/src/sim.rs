//! A simulator as a process of its own: the outside provider.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use portolan_sim::{LedgerView, ServedRequest};
use tempfile::TempDir;

use crate::blocking::{Target, exchange};
use crate::process::{Process, TICK};

/// A simulator; it ends with its owner.
pub struct Sim {
    _process: Process,
    _dir: TempDir,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Sim {
    /// Starts one on a free port.
    #[must_use]
    pub fn start(binary: &Path) -> Self {
        let dir = tempfile::tempdir().expect("a folder can be made");
        let process = Process::start(binary, &["sim", "--listen", "127.0.0.1:0"], dir.path(), "sim", &[]);
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let (out, err) = process.said();
            let address =
                out.split_once("http://").and_then(|(_, rest)| rest.split_once("/v1")).and_then(|(address, _)| address.parse().ok());
            if let Some(address) = address {
                return Self { _process: process, _dir: dir, address };
            }
            assert!(Instant::now() < until, "the simulator did not start: {out}{err}");
            std::thread::sleep(TICK);
        }
    }

    /// The base URL of a provider row.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// What it served.
    #[must_use]
    pub fn ledger(&self) -> LedgerView {
        let (status, body) = exchange(Target::Tcp(self.address), "GET", "/sim/ledger", None).expect("the simulator answers");
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).expect("the ledger is JSON")
    }

    /// What it served under this response id.
    #[must_use]
    pub fn served(&self, upstream_id: &str) -> Option<ServedRequest> {
        self.ledger().requests.into_iter().find(|r| r.id == upstream_id)
    }
}
