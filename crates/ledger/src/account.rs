//! An account: what a budget counts against, and when it admits.

use std::fmt;

use portolan_core::{AccountId, Day, Enforcement, Money, Reset};
use serde::{Deserialize, Serialize};

/// A limit on the charges of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// How much.
    pub amount: Money,
    /// How it is kept.
    pub enforcement: Enforcement,
    /// When it starts anew; never, where absent.
    pub reset: Option<Reset>,
}

/// What was charged: for ever, and in the current day, week and month (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Spend {
    /// For ever.
    pub total: Money,
    /// In the day of `as_of`.
    pub daily: Money,
    /// In its week.
    pub weekly: Money,
    /// In its month.
    pub monthly: Money,
    /// The day that the three belong to.
    pub as_of: Day,
}

impl Spend {
    /// Starts the windows anew that ended before `today`. Time that runs backwards changes nothing.
    pub fn roll(&mut self, today: Day) {
        if today <= self.as_of {
            return;
        }
        self.daily = Money::ZERO;
        if today.week_start() != self.as_of.week_start() {
            self.weekly = Money::ZERO;
        }
        if today.month_start() != self.as_of.month_start() {
            self.monthly = Money::ZERO;
        }
        self.as_of = today;
    }

    /// Adds a charge (or a correction, which is negative).
    pub fn add(&mut self, charge: Money) {
        for sum in [&mut self.total, &mut self.daily, &mut self.weekly, &mut self.monthly] {
            *sum = sum.saturating_add(charge);
        }
    }

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

/// An account in memory. What is settled is a fold of the journal; what is held lives here only.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its id: accounts are locked in this order.
    pub id: AccountId,
    limit: Option<Limit>,
    spend: Spend,
    held: Money,
    holds: u32,
    peak: Money,
    peak_over: Money,
}

/// A reading of an account at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountState {
    /// The limit in force.
    pub limit: Option<Limit>,
    /// What was charged.
    pub spend: Spend,
    /// The sum of the holds.
    pub held: Money,
    /// How many holds there are.
    pub holds: u32,
    /// The most that settled + held have come to at any moment under this limit: what no sampling can miss.
    pub peak_committed: Money,
    /// The most that was settled above the limit. Under a strict one only what a provider reported above its hold.
    pub overshoot: Money,
}

/// Why an account admits nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// What is settled leaves too little. `affordable` is what a request may cost at most.
    Exhausted {
        /// The account that refused.
        account: AccountId,
        /// Its limit.
        limit: Limit,
        /// What is charged against it.
        settled: Money,
        /// What a single request may cost at most.
        affordable: Money,
    },
    /// It would fit if requests in flight cost less than they hold: worth waiting for.
    InFlight {
        /// The account that refused.
        account: AccountId,
        /// Its limit.
        limit: Limit,
        /// What is charged against it.
        settled: Money,
        /// What is held by requests in flight.
        held: Money,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Exhausted { limit, settled, affordable, .. } => {
                write!(f, "the limit of ${} leaves ${affordable} (${settled} is spent)", limit.amount)
            }
            Refusal::InFlight { limit, settled, held, .. } => {
                write!(f, "the limit of ${} is taken by requests in flight (${settled} is spent, ${held} is held)", limit.amount)
            }
        }
    }
}

impl Account {
    /// An account with what was settled before.
    #[must_use]
    pub fn new(id: AccountId, limit: Option<Limit>, spend: Spend) -> Self {
        let mut account = Self { id, limit, spend, held: Money::ZERO, holds: 0, peak: Money::ZERO, peak_over: Money::ZERO };
        account.start_peaks();
        account
    }

    /// Replaces the limit. Holds stay: a lower limit closes admission, it takes nothing back.
    pub fn set_limit(&mut self, limit: Option<Limit>) {
        if limit != self.limit {
            self.limit = limit;
            self.start_peaks();
        }
    }

    /// The limit in force.
    #[must_use]
    pub fn limit(&self) -> Option<Limit> {
        self.limit
    }

    /// How things stand on `today`.
    pub fn state(&mut self, today: Day) -> AccountState {
        self.spend.roll(today);
        AccountState {
            limit: self.limit,
            spend: self.spend,
            held: self.held,
            holds: self.holds,
            peak_committed: self.peak,
            overshoot: self.peak_over,
        }
    }

    /// Whether a hold of this size is admitted now, and how much this account would hold.
    pub(crate) fn admit(&mut self, worst: Money, expected: Money, today: Day) -> Result<Money, Refusal> {
        self.spend.roll(today);
        let Some(limit) = self.limit else { return Ok(expected) };
        let settled = self.spend.within(limit.reset);
        // An absurd charge saturates what is settled, and must not wrap round to plenty.
        let left = Money(limit.amount.0.saturating_sub(settled.0));
        match limit.enforcement {
            Enforcement::Strict if worst <= Money(left.0.saturating_sub(self.held.0)) => Ok(worst),
            // A hold that grows by nothing asks for nothing.
            Enforcement::Standard if self.held < left || expected == Money::ZERO => Ok(expected),
            Enforcement::Strict if worst > left => {
                Err(Refusal::Exhausted { account: self.id, limit, settled, affordable: left.at_least(Money::ZERO) })
            }
            Enforcement::Standard if left <= Money::ZERO => {
                Err(Refusal::Exhausted { account: self.id, limit, settled, affordable: Money::ZERO })
            }
            Enforcement::Strict | Enforcement::Standard => Err(Refusal::InFlight { account: self.id, limit, settled, held: self.held }),
        }
    }

    pub(crate) fn add_hold(&mut self, amount: Money) {
        self.held += amount;
        self.holds += 1;
        self.note_peaks();
    }

    pub(crate) fn add_to_hold(&mut self, more: Money) {
        self.held += more;
        self.note_peaks();
    }

    pub(crate) fn end_hold(&mut self, amount: Money, charge: Money, today: Day) {
        self.held -= amount;
        self.holds -= 1;
        self.charge(charge, today);
    }

    /// Charges without a hold: corrections, and what a crash left behind.
    pub fn charge(&mut self, charge: Money, today: Day) {
        self.spend.roll(today);
        self.spend.add(charge);
        self.note_peaks();
    }

    /// The high-water marks belong to a limit: under another one they begin where things stand.
    fn start_peaks(&mut self) {
        (self.peak, self.peak_over) = (Money::ZERO, Money::ZERO);
        self.note_peaks();
    }

    fn note_peaks(&mut self) {
        let settled = self.spend.within(self.limit.and_then(|l| l.reset));
        self.peak = self.peak.at_least(settled.saturating_add(self.held));
        if let Some(limit) = self.limit {
            self.peak_over = self.peak_over.at_least(Money(settled.0.saturating_sub(limit.amount.0)));
        }
    }
}
