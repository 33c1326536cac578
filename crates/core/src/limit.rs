//! The terms of a limit on what may be charged.

use crate::{Day, UnixMillis};

crate::words! {
    /// How a limit is kept.
    #[derive(Default)]
    pub enum Enforcement {
        /// What OpenRouter's users expect: an estimate is held, admission closes when the limit is reached, what is in flight finishes.
        #[default]
        Standard = "standard",
        /// A hard ceiling: the worst case is held, and settled + held never exceeds the limit.
        Strict = "strict",
    }

    /// When a limit starts anew. All at 00:00 UTC; weeks begin on Monday.
    pub enum Reset {
        /// Every day.
        Daily = "daily",
        /// Every Monday.
        Weekly = "weekly",
        /// On the first of every month.
        Monthly = "monthly",
    }
}

impl Reset {
    /// The first day of the window that holds `day`.
    #[must_use]
    pub fn window_start(self, day: Day) -> Day {
        match self {
            Reset::Daily => day,
            Reset::Weekly => day.week_start(),
            Reset::Monthly => day.month_start(),
        }
    }

    /// When the window that holds `day` ends.
    #[must_use]
    pub fn resets_at(self, day: Day) -> UnixMillis {
        let next = match self {
            Reset::Daily => Day(day.0 + 1),
            Reset::Weekly => Day(day.week_start().0 + 7),
            Reset::Monthly => day.next_month_start(),
        };
        UnixMillis(i64::from(next.0) * 86_400_000)
    }
}
