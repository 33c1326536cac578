//! Health: what endpoints did lately, learned from the requests that they served, and which providers can be reached.
//!
//! Read on every plan, written once for every attempt that ended. An endpoint that failed is probed by a request that somebody
//! made; that a provider can be reached is told from outside, by whoever asks it. An endpoint that saw no traffic costs some
//! 160 bytes.

mod breaker;
mod histogram;
mod note;
mod reach;
mod statistics;
mod window;

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use portolan_catalog::{Catalog, EndpointIx};
use portolan_core::{Class, Fault, UnixMillis};
use portolan_routing::{Standing, Stats};

use breaker::Breaker;
use reach::Reach;
use statistics::Statistics;

pub use statistics::EndpointStats;
pub(crate) use statistics::Served;

/// The health of every endpoint of one catalog.
pub(crate) struct HealthTable {
    endpoints: Vec<Arc<Cell>>,
    providers: Vec<Arc<Reach>>,
}

/// What is known of one endpoint. Tables before and after a reload share it, and so do requests that began before.
struct Cell {
    provider: Arc<Reach>,
    strict_barred: AtomicBool,
    breaker: Mutex<Breaker>,
    /// Made with the first event: most endpoints of a catalog never see one.
    statistics: Mutex<Option<Box<Statistics>>>,
}

/// Whether a reading may take the permit to probe an endpoint that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Probe {
    /// The plan is for a request that is going to be sent.
    Take,
    /// Somebody only looks.
    Leave,
}

impl HealthTable {
    /// A table for `catalog` that keeps what `old` knew of the endpoints that are still there.
    pub(crate) fn new(catalog: &Catalog, old: Option<(&Catalog, &HealthTable)>) -> Self {
        let providers = kept(slugs(catalog), old.map(|(catalog, table)| (slugs(catalog), &table.providers[..])), |_| Arc::default());
        let cell = |at: usize| Arc::new(Cell::new(providers[usize::from(catalog.endpoints[at].provider.0)].clone()));
        let endpoints = kept(names(catalog), old.map(|(catalog, table)| (names(catalog), &table.endpoints[..])), cell);
        Self { endpoints, providers }
    }

    /// An attempt failed. Only the endpoint's own faults count: not the caller's, not those of this gateway.
    pub(crate) fn failed(&self, endpoint: EndpointIx, fault: &Fault, now: UnixMillis) {
        if !statistics::is_own(fault) {
            return;
        }
        let wait_ms = fault.retry_after.map(|wait| i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
        let is_rate_limit = fault.class == Class::RateLimitExceeded;
        {
            let mut breaker = self.cell(endpoint).breaker.lock();
            if is_rate_limit || wait_ms.is_some() {
                breaker.cool_down(now, wait_ms);
            }
            // Who asks for a pause is well.
            if !is_rate_limit {
                breaker.failed(now);
            }
        }
        self.count(endpoint, |statistics| statistics.failed(fault.class, now));
    }

    /// An answer came to its end.
    pub(crate) fn served(&self, endpoint: EndpointIx, served: &Served, now: UnixMillis) {
        let cell = self.cell(endpoint);
        cell.provider.served(now);
        cell.breaker.lock().served(served.began, now);
        self.count(endpoint, |statistics| statistics.served(served, now));
    }

    /// An answer ended in tool calls. `bad`: at least one cannot be carried out.
    pub(crate) fn tool_calls(&self, endpoint: EndpointIx, bad: bool, now: UnixMillis) {
        self.count(endpoint, |statistics| statistics.tool_calls(bad, now));
    }

    /// It reported more than was possible: no strict traffic until an administrator looks.
    pub(crate) fn bar_strict(&self, endpoint: EndpointIx) {
        self.cell(endpoint).strict_barred.store(true, Ordering::Relaxed);
    }

    /// The plan that was made at `planned` does not probe these endpoints: the next plan may.
    pub(crate) fn release(&self, endpoints: impl Iterator<Item = EndpointIx>, planned: UnixMillis) {
        endpoints.for_each(|endpoint| self.cell(endpoint).breaker.lock().release(planned));
    }

    /// The 95th percentile of the lengths of recent answers, in tokens; `None` before there were eight.
    pub(crate) fn output_p95(&self, endpoint: EndpointIx) -> Option<u64> {
        self.cell(endpoint).statistics.lock().as_ref()?.output_p95()
    }

    /// What the catalog shows of an endpoint.
    pub(crate) fn endpoint_stats(&self, endpoint: EndpointIx, now: UnixMillis) -> EndpointStats {
        self.cell(endpoint).statistics.lock().as_ref().map(|statistics| statistics.endpoint_stats(now)).unwrap_or_default()
    }

    /// A reading at one moment, as the planner wants it.
    pub(crate) fn at(&self, now: UnixMillis, probe: Probe) -> HealthNow<'_> {
        HealthNow { table: self, now, probe }
    }

    fn cell(&self, endpoint: EndpointIx) -> &Cell {
        &self.endpoints[endpoint.0 as usize]
    }

    fn count(&self, endpoint: EndpointIx, event: impl FnOnce(&mut Statistics)) {
        event(self.cell(endpoint).statistics.lock().get_or_insert_default());
    }
}

impl Cell {
    fn new(provider: Arc<Reach>) -> Self {
        Self { provider, strict_barred: AtomicBool::default(), breaker: Mutex::default(), statistics: Mutex::default() }
    }
}

/// What endpoints are known by across catalogs: model and tag.
fn names(catalog: &Catalog) -> impl Iterator<Item = (&str, &str)> {
    catalog.endpoints.iter().map(|e| (catalog.model_at(e.model).slug.as_str(), e.tag.as_str()))
}

/// What providers are known by across catalogs.
fn slugs(catalog: &Catalog) -> impl Iterator<Item = &str> {
    catalog.providers.iter().map(|provider| provider.slug.as_str())
}

/// One value for each key: that of `old` where it had the key, else a `new` one for its place.
fn kept<K: Eq + Hash, T>(
    keys: impl Iterator<Item = K>,
    old: Option<(impl Iterator<Item = K>, &[Arc<T>])>,
    new: impl Fn(usize) -> Arc<T>,
) -> Vec<Arc<T>> {
    let known: HashMap<K, &Arc<T>> = old.map_or_else(HashMap::new, |(keys, values)| keys.zip(values).collect());
    keys.enumerate().map(|(at, key)| known.get(&key).map_or_else(|| new(at), |value| Arc::clone(value))).collect()
}

/// [`HealthTable`] at one moment.
pub(crate) struct HealthNow<'a> {
    table: &'a HealthTable,
    now: UnixMillis,
    probe: Probe,
}

impl portolan_routing::Health for HealthNow<'_> {
    fn standing(&self, endpoint: EndpointIx) -> Standing {
        let cell = self.table.cell(endpoint);
        // Who is down is not worth a permit.
        if cell.provider.is_down() { Standing::Behind } else { cell.breaker.lock().standing(self.now) }
    }

    fn probe(&self, endpoint: EndpointIx) -> bool {
        self.table.cell(endpoint).breaker.lock().probe(self.now, self.probe == Probe::Take)
    }

    fn stats(&self, endpoint: EndpointIx) -> Stats {
        self.table.cell(endpoint).statistics.lock().as_mut().map(|statistics| statistics.stats(self.now)).unwrap_or_default()
    }

    fn strict_barred(&self, endpoint: EndpointIx) -> bool {
        self.table.cell(endpoint).strict_barred.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests;
