//! Whether a provider can be reached, as probes say.
//!
//! A probe only ever holds a provider back. It ends nothing that requests began: who lists models need not be able to run one.

use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use portolan_catalog::{EndpointIx, ProviderIx};
use portolan_core::UnixMillis;

use super::HealthTable;
use super::breaker::is_within;
use crate::Deployment;

/// So many probes in a row that fail hold a provider back: a single one may have been lost on its way.
pub(crate) const FAILED_PROBES_MAX: u32 = 2;

/// What is known of one provider. Shared by tables before and after a reload.
#[derive(Debug, Default)]
pub(super) struct Reach {
    /// Probes that failed since something last succeeded.
    failed: AtomicU32,
    /// When an answer last came to its end, in milliseconds since 1970.
    served_at: AtomicI64,
}

impl Reach {
    /// An answer came to its end.
    pub(super) fn served(&self, now: UnixMillis) {
        self.served_at.store(now.0, Ordering::Relaxed);
        self.failed.store(0, Ordering::Relaxed);
    }

    /// Whether probes hold it back.
    pub(super) fn is_down(&self) -> bool {
        self.failed.load(Ordering::Relaxed) >= FAILED_PROBES_MAX
    }

    fn probed(&self, reachable: bool) {
        let failed = if reachable { 0 } else { self.failed.load(Ordering::Relaxed).saturating_add(1) };
        self.failed.store(failed, Ordering::Relaxed);
    }
}

impl HealthTable {
    /// A probe of a provider came back. Answers whether the provider is held back now.
    pub(crate) fn probed(&self, provider: ProviderIx, reachable: bool) -> bool {
        let reach = &self.providers[usize::from(provider.0)];
        reach.probed(reachable);
        reach.is_down()
    }

    /// Whether a provider answered a request in the last `ms`.
    pub(crate) fn served_within(&self, provider: ProviderIx, ms: i64, now: UnixMillis) -> bool {
        is_within(UnixMillis(self.providers[usize::from(provider.0)].served_at.load(Ordering::Relaxed)), now, ms)
    }

    /// Whether probes hold the provider of this endpoint back.
    pub(crate) fn probe_failed(&self, endpoint: EndpointIx) -> bool {
        self.cell(endpoint).provider.is_down()
    }
}

impl Deployment {
    /// Notes whether a provider could be reached. Answers whether its endpoints are held back now: after two probes in a row
    /// that failed, until one succeeds or the provider answers a request.
    pub fn note_probe(&self, provider: ProviderIx, reachable: bool) -> bool {
        self.health(false).probed(provider, reachable)
    }

    /// Whether a provider answered a request in the last `ms`, so that it need not be probed.
    #[must_use]
    pub fn served_within(&self, provider: ProviderIx, ms: i64, now: UnixMillis) -> bool {
        self.health(false).served_within(provider, ms, now)
    }
}
