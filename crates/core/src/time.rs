//! Time and chance, passed in: decisions can be repeated, tests do not sleep.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixMillis(pub i64);

impl UnixMillis {
    /// Whole seconds, rounded down.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The UTC day that holds this moment.
    #[must_use]
    pub fn day(self) -> Day {
        Day(i32::try_from(self.0.div_euclid(86_400_000)).unwrap_or(i32::MAX))
    }
}

/// A UTC day, counted from 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(pub i32);

impl Day {
    /// The Monday of this day's week (OpenRouter's weekly limits reset on Mondays, 00:00 UTC).
    #[must_use]
    pub fn week_start(self) -> Day {
        // 1970-01-01 was a Thursday, three days after a Monday.
        Day(self.0 - (self.0 + 3).rem_euclid(7))
    }

    /// The first day of this day's month.
    #[must_use]
    pub fn month_start(self) -> Day {
        Day(self.0 - self.civil().2 + 1)
    }

    /// The first day of the month after this day's.
    #[must_use]
    pub fn next_month_start(self) -> Day {
        Day(self.month_start().0 + 31).month_start()
    }

    /// The day of this date. `None`: there is no such date.
    #[must_use]
    pub fn of_civil(year: i32, month: i32, day: i32) -> Option<Day> {
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) || !(-9_999..=9_999).contains(&year) {
            return None;
        }
        let (shifted_month, year_of_march) = if month > 2 { (month - 3, year) } else { (month + 9, year - 1) };
        let (era, year_of_era) = (year_of_march.div_euclid(400), year_of_march.rem_euclid(400));
        let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let found = Day(era * 146_097 + day_of_era - 719_468);
        (found.civil() == (year, month, day)).then_some(found)
    }

    /// Year, month (1 to 12) and day of the month, in the proleptic Gregorian calendar.
    ///
    /// The algorithm counts eras of 400 years from 1 March of year 0, so that a leap day is the last of its year.
    #[must_use]
    pub fn civil(self) -> (i32, i32, i32) {
        let days = self.0 + 719_468;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + i32::from(month <= 2);
        (year, month, day)
    }
}

/// The source of the wall clock.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> UnixMillis;
}

/// The source of random numbers.
pub trait Random: Send + Sync {
    /// 64 random bits.
    fn next_u64(&self) -> u64;
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that is injected everywhere else")]
    fn now(&self) -> UnixMillis {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// A clock that stands still until a test moves it.
#[derive(Debug, Default)]
pub struct FixedClock(AtomicI64);

impl FixedClock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn at(now: UnixMillis) -> Self {
        Self(AtomicI64::new(now.0))
    }

    /// Moves the clock.
    pub fn set(&self, now: UnixMillis) {
        self.0.store(now.0, Ordering::SeqCst);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.load(Ordering::SeqCst))
    }
}

/// Random numbers of the operating system: unpredictable, fit for keys and ids.
///
/// Reads 4 KiB at a time, for a system call per id would cost more than the id.
#[derive(Default)]
pub struct SystemRandom(std::sync::Mutex<Pool>);

#[derive(Default)]
struct Pool {
    words: Vec<u64>,
}

impl Random for SystemRandom {
    fn next_u64(&self) -> u64 {
        let mut pool = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if pool.words.is_empty() {
            let mut bytes = [0u8; 4096];
            getrandom::fill(&mut bytes).expect("the operating system has a source of random numbers");
            let (words, _) = bytes.as_chunks::<8>();
            pool.words.extend(words.iter().map(|w| u64::from_le_bytes(*w)));
        }
        pool.words.pop().unwrap_or_default()
    }
}

impl std::fmt::Debug for SystemRandom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SystemRandom")
    }
}

/// A repeatable sequence (SplitMix64), for tests and for explanations with a seed. Never for keys.
#[derive(Debug)]
pub struct SeededRandom(AtomicU64);

impl SeededRandom {
    /// The sequence that belongs to `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Random for SeededRandom {
    fn next_u64(&self) -> u64 {
        let mut z = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed).wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn civil_dates_weeks_and_months_follow_the_calendar() {
        assert_eq!(Day(0).civil(), (1970, 1, 1));
        let day = Day(20_779); // 2026-11-22, a Sunday
        assert_eq!(day.civil(), (2026, 11, 22));
        assert_eq!(day.week_start().civil(), (2026, 11, 16));
        assert_eq!(day.month_start().civil(), (2026, 11, 1));
        assert_eq!(day.next_month_start().civil(), (2026, 12, 1));
        assert_eq!(Day(19_782).civil(), (2024, 2, 29));
        assert_eq!(Day(19_782).next_month_start().civil(), (2024, 3, 1));
        assert_eq!(Day(-1).civil(), (1969, 12, 31));
        for day in (-1_000_000..1_000_000).step_by(17) {
            let (year, month, of_month) = Day(day).civil();
            assert_eq!(Day::of_civil(year, month, of_month), Some(Day(day)));
        }
        for (year, month, day) in
            [(2025, 2, 29), (2026, 4, 31), (2026, 0, 1), (2026, 13, 1), (2026, 1, 0), (2026, 1, i32::MAX), (i32::MAX, 1, 1)]
        {
            assert_eq!(Day::of_civil(year, month, day), None, "{year} {month} {day}");
        }
    }
}
