//! Whether this instance can serve: the truth, for load balancers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use portolan_gateway::Readiness;
use portolan_store::Store;

use super::in_force::InForce;
use super::sync::Live;

/// What readiness looks at.
pub(super) struct State {
    store: Store,
    in_force: Arc<InForce>,
    live: Arc<Live>,
    draining: AtomicBool,
}

impl State {
    pub(super) fn new(store: Store, in_force: Arc<InForce>, live: Arc<Live>) -> Self {
        Self { store, in_force, live, draining: AtomicBool::new(false) }
    }

    pub(super) fn start_draining(&self) {
        self.draining.store(true, Ordering::SeqCst);
    }
}

impl Readiness for State {
    fn checks(&self) -> Vec<(&'static str, Result<(), String>)> {
        let health = self.store.health();
        let check = |ok: bool, problem: &str| if ok { Ok(()) } else { Err(problem.to_owned()) };
        vec![
            ("store", check(health.database_ok, "the database does not answer")),
            ("migrations", check(health.migrations_ok, "the database is not at this version's schema")),
            ("journal", check(health.journal_ok, "the journal takes no entries; is the disk full?")),
            ("draining", check(!self.draining.load(Ordering::SeqCst), "the instance is shutting down")),
        ]
    }

    fn warnings(&self) -> Vec<(&'static str, String)> {
        let made_from = self.in_force.now();
        let catalog = self.live.warning(&made_from).map(|warning| ("catalog", warning));
        let attestations = (!made_from.unmet.is_empty()).then(|| ("attestations", made_from.unmet.join("\n")));
        catalog.into_iter().chain(attestations).collect()
    }
}
