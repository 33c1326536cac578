//! How a key looks from outside: pure functions of its record and what it spent.

mod current;
mod key;

use portolan_core::{Money, Reset};

pub use current::{CurrentKeyView, FreeModelDailyRequests, KeyBudget, RateLimit};
pub use key::KeyView;

use crate::KeyRecord;

/// What was charged to a key: for ever, and in the current day, week and month (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// For ever.
    pub total: Money,
    /// Today.
    pub daily: Money,
    /// This week, from Monday.
    pub weekly: Money,
    /// This month.
    pub monthly: Money,
}

impl Spent {
    /// What counts against a limit with this reset.
    #[must_use]
    pub fn within(&self, reset: Option<Reset>) -> Money {
        match reset {
            None => self.total,
            Some(Reset::Daily) => self.daily,
            Some(Reset::Weekly) => self.weekly,
            Some(Reset::Monthly) => self.monthly,
        }
    }
}

fn remaining(key: &KeyRecord, spent: &Spent) -> Option<Money> {
    key.limit.map(|limit| (limit - spent.within(key.limit_reset)).at_least(Money::ZERO))
}
