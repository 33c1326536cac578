//! What a proof says: classes apart, for only some of them are exact by nature.

use portolan_core::Money;
use serde::Serialize;

/// Mismatches that a class names. The count is of all.
const NAMED_MAX: usize = 20;

/// The whole proof.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// Nothing contradicts anything.
    pub(super) ok: bool,
    /// The classes.
    pub(super) classes: Vec<ClassReport>,
    /// Requests that the simulator accepted.
    pub(super) served: u64,
    /// Records that were read.
    pub(super) records: u64,
    /// The sum of the records' charges.
    pub(super) charges: Money,
    /// The sum of the accounts.
    pub(super) ledger: Money,
    /// Attempts whose price list is no longer in the catalog: their tokens are compared, their price is not.
    pub(super) unpriced: u64,
    /// Generations under way while this was read.
    pub(super) in_flight: u64,
}

/// One class of generations, and whether they agree.
#[derive(Debug, Default, Serialize)]
pub(super) struct ClassReport {
    pub(super) name: &'static str,
    pub(super) requests: u64,
    pub(super) charged: Money,
    pub(super) cost: Money,
    pub(super) mismatches: u64,
    pub(super) named: Vec<String>,
}

impl ClassReport {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, ..Self::default() }
    }

    pub(super) fn note(&mut self, problem: &str) {
        self.mismatches += 1;
        if self.named.len() < NAMED_MAX {
            self.named.push(problem.to_owned());
        }
    }
}
