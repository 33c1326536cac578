//! Passive health: what an endpoint did lately. Read on every plan, written on every fault.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use parking_lot::Mutex;
use portolan_catalog::{Catalog, EndpointIx};
use portolan_core::UnixMillis;

/// An endpoint that failed within this time goes to the back of the order.
const FAILED_RECENTLY_MS: i64 = 30_000;
/// How many recent answers the estimate of an output's length looks at.
const OUTPUTS_KEPT: usize = 64;

/// The health of every endpoint of one catalog.
pub(crate) struct HealthTable(Vec<Cell>);

struct Cell {
    failed_at: AtomicI64,
    strict_barred: AtomicBool,
    outputs: Mutex<Outputs>,
}

impl Cell {
    fn new() -> Self {
        Self { failed_at: AtomicI64::new(i64::MIN), strict_barred: AtomicBool::new(false), outputs: Mutex::default() }
    }
}

#[derive(Default)]
struct Outputs {
    recent: Vec<u32>,
    next: usize,
}

impl HealthTable {
    /// A table for `catalog` that keeps what `old` knew of the endpoints that are still there.
    pub(crate) fn new(catalog: &Catalog, old: Option<(&Catalog, &HealthTable)>) -> Self {
        let table = Self((0..catalog.endpoints.len()).map(|_| Cell::new()).collect());
        let Some((old_catalog, old_table)) = old else { return table };
        let name = |c: &Catalog, e: &portolan_catalog::Endpoint| (c.models[e.model.0 as usize].slug.clone(), e.tag.clone());
        let known: HashMap<_, _> = old_catalog.endpoints.iter().zip(&old_table.0).map(|(e, cell)| (name(old_catalog, e), cell)).collect();
        for (endpoint, cell) in catalog.endpoints.iter().zip(&table.0) {
            if let Some(old) = known.get(&name(catalog, endpoint)) {
                cell.failed_at.store(old.failed_at.load(Ordering::Relaxed), Ordering::Relaxed);
                cell.strict_barred.store(old.strict_barred.load(Ordering::Relaxed), Ordering::Relaxed);
            }
        }
        table
    }

    pub(crate) fn failed(&self, endpoint: EndpointIx, now: UnixMillis) {
        self.0[endpoint.0 as usize].failed_at.store(now.0, Ordering::Relaxed);
    }

    /// It reported more than was possible: no strict traffic until an administrator looks.
    pub(crate) fn bar_strict(&self, endpoint: EndpointIx) {
        self.0[endpoint.0 as usize].strict_barred.store(true, Ordering::Relaxed);
    }

    pub(crate) fn answered(&self, endpoint: EndpointIx, output_tokens: u64) {
        let mut outputs = self.0[endpoint.0 as usize].outputs.lock();
        let tokens = u32::try_from(output_tokens).unwrap_or(u32::MAX);
        let at = outputs.next;
        match outputs.recent.get_mut(at) {
            Some(slot) => *slot = tokens,
            None => outputs.recent.push(tokens),
        }
        outputs.next = (at + 1) % OUTPUTS_KEPT;
    }

    /// The 95th percentile of the lengths of recent answers; `None` before there were eight.
    pub(crate) fn output_p95(&self, endpoint: EndpointIx) -> Option<u64> {
        let mut recent = self.0[endpoint.0 as usize].outputs.lock().recent.clone();
        if recent.len() < 8 {
            return None;
        }
        let rank = (recent.len() * 95 / 100).min(recent.len() - 1);
        let (_, p95, _) = recent.select_nth_unstable(rank);
        Some(u64::from(*p95))
    }

    /// A reading at one moment, as the planner wants it.
    pub(crate) fn at(&self, now: UnixMillis) -> HealthNow<'_> {
        HealthNow { table: self, now }
    }
}

/// [`HealthTable`] at one moment.
pub(crate) struct HealthNow<'a> {
    table: &'a HealthTable,
    now: UnixMillis,
}

impl portolan_routing::Health for HealthNow<'_> {
    fn failed_recently(&self, endpoint: EndpointIx) -> bool {
        let at = self.table.0[endpoint.0 as usize].failed_at.load(Ordering::Relaxed);
        at != i64::MIN && self.now.0 - at < FAILED_RECENTLY_MS
    }

    fn stats(&self, _: EndpointIx) -> portolan_routing::Stats {
        portolan_routing::Stats::default()
    }

    fn strict_barred(&self, endpoint: EndpointIx) -> bool {
        self.table.0[endpoint.0 as usize].strict_barred.load(Ordering::Relaxed)
    }
}
