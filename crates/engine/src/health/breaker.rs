//! The circuit breaker of one endpoint: when it goes behind the others, and when one request may look whether it is well again.
//!
//! Pure: the time comes with every call. An endpoint is never taken out of a plan, only put to its back.

use portolan_core::UnixMillis;
use portolan_routing::Standing;

/// An endpoint that failed within this time goes behind the others, even while its breaker is closed.
pub(crate) const FAILED_RECENTLY_MS: i64 = 30_000;
/// So many faults in a row open the breaker.
pub(crate) const CONSECUTIVE_FAULTS_MAX: u32 = 3;
/// The breaker opens when at least this share of the recent requests failed.
pub(crate) const FAULT_SHARE_MAX: f64 = 0.5;
/// The share counts once there were so many requests: a few prove nothing.
pub(crate) const SHARE_REQUESTS_MIN: u32 = 10;
/// The share looks at the current and the previous span of this length.
const SHARE_SPAN_MS: i64 = 30_000;
/// After the first fault the first probe may go after this time; it doubles with every probe that fails.
pub(crate) const PROBE_DELAY_MIN_MS: i64 = 5_000;
/// The delay grows no further.
pub(crate) const PROBE_DELAY_MAX_MS: i64 = 60_000;
/// A probe that was permitted and of which nothing was heard for this time is permitted again, to another request.
pub(crate) const PROBE_PERMIT_MS: i64 = 30_000;
/// How long an endpoint that answers 429 is left alone when it does not say for how long.
pub(crate) const COOL_DOWN_MS: i64 = 5_000;
/// An endpoint is left alone no longer than this, whatever it asks for.
pub(crate) const COOL_DOWN_MAX_MS: i64 = 600_000;

/// The state of one endpoint's breaker.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    trouble: Option<Trouble>,
    consecutive: u32,
    cool_until: Option<UnixMillis>,
    current: Span,
    previous: Span,
}

/// It failed, and no probe has succeeded since.
#[derive(Debug)]
struct Trouble {
    failed_at: UnixMillis,
    /// Stays until a probe succeeds; else 30 seconds without another fault end it.
    open: bool,
    probe_at: UnixMillis,
    delay_ms: i64,
    /// When the plan was made that holds the permit to probe.
    permit: Option<UnixMillis>,
}

/// Requests of one span of time.
#[derive(Debug, Default, Clone, Copy)]
struct Span {
    number: i64,
    served: u32,
    failed: u32,
}

impl Breaker {
    /// An attempt failed by the endpoint's own fault.
    pub(super) fn failed(&mut self, now: UnixMillis) {
        self.consecutive = self.consecutive.saturating_add(1);
        self.span(now).failed += 1;
        let opens = self.consecutive >= CONSECUTIVE_FAULTS_MAX || self.fails_too_often();
        let (delay_ms, probe_at, was_open) = match &self.trouble {
            // Requests that had nothing else fail meanwhile; only what failed when a probe was due says that it still ails.
            Some(trouble) if trouble.lasts(now) && is_ahead(trouble.probe_at, now, PROBE_DELAY_MAX_MS) => {
                (trouble.delay_ms, trouble.probe_at, trouble.open)
            }
            Some(trouble) if trouble.lasts(now) => {
                let delay_ms = (trouble.delay_ms * 2).min(PROBE_DELAY_MAX_MS);
                (delay_ms, after(now, delay_ms), trouble.open)
            }
            _ => (PROBE_DELAY_MIN_MS, after(now, PROBE_DELAY_MIN_MS), false),
        };
        self.trouble = Some(Trouble { failed_at: now, open: was_open || opens, probe_at, delay_ms, permit: None });
    }

    /// The endpoint asked to be left alone: for `wait_ms`, or for the usual time.
    pub(super) fn cool_down(&mut self, now: UnixMillis, wait_ms: Option<i64>) {
        let until = after(now, wait_ms.unwrap_or(COOL_DOWN_MS).clamp(0, COOL_DOWN_MAX_MS));
        self.cool_until = Some(self.cool_until.map_or(until, |known| known.max(until)));
    }

    /// An attempt that began at `began` was answered. It closes the breaker if a probe was due by then: what began earlier
    /// may have begun before the trouble.
    pub(super) fn served(&mut self, began: UnixMillis, now: UnixMillis) {
        self.consecutive = 0;
        self.span(now).served += 1;
        if self.trouble.as_ref().is_some_and(|trouble| began >= trouble.probe_at) {
            self.trouble = None;
            (self.current, self.previous) = (Span::default(), Span::default());
        }
    }

    /// Where a plan that is made now puts the endpoint.
    pub(super) fn standing(&self, now: UnixMillis) -> Standing {
        if self.cool_until.is_some_and(|until| is_ahead(until, now, COOL_DOWN_MAX_MS)) {
            return Standing::Behind;
        }
        let Some(trouble) = self.trouble.as_ref().filter(|trouble| trouble.lasts(now)) else { return Standing::Well };
        if is_ahead(trouble.probe_at, now, PROBE_DELAY_MAX_MS) || trouble.permit.is_some_and(|at| is_within(at, now, PROBE_PERMIT_MS)) {
            Standing::Behind
        } else {
            Standing::ProbeDue
        }
    }

    /// A plan that is made now wants to probe the endpoint: whether it may. With `take` no other may until it has ended.
    pub(super) fn probe(&mut self, now: UnixMillis, take: bool) -> bool {
        let is_due = self.standing(now) == Standing::ProbeDue;
        if let Some(trouble) = self.trouble.as_mut().filter(|_| is_due && take) {
            trouble.permit = Some(now);
        }
        is_due
    }

    /// The plan that was made at `planned` does not probe after all: the next one may.
    pub(super) fn release(&mut self, planned: UnixMillis) {
        if let Some(trouble) = self.trouble.as_mut().filter(|trouble| trouble.permit == Some(planned)) {
            trouble.permit = None;
        }
    }

    fn fails_too_often(&self) -> bool {
        let recent = if self.previous.number + 1 == self.current.number { self.previous } else { Span::default() };
        let (served, failed) = (self.current.served + recent.served, self.current.failed + recent.failed);
        served + failed >= SHARE_REQUESTS_MIN && f64::from(failed) >= FAULT_SHARE_MAX * f64::from(served + failed)
    }

    fn span(&mut self, now: UnixMillis) -> &mut Span {
        let number = now.0.div_euclid(SHARE_SPAN_MS);
        if self.current.number != number {
            self.previous = self.current;
            self.current = Span { number, ..Span::default() };
        }
        &mut self.current
    }
}

impl Trouble {
    fn lasts(&self, now: UnixMillis) -> bool {
        self.open || is_within(self.failed_at, now, FAILED_RECENTLY_MS)
    }
}

fn after(now: UnixMillis, ms: i64) -> UnixMillis {
    UnixMillis(now.0.saturating_add(ms))
}

/// Whether `at` is still to come. A clock that was set back does not stretch a wait beyond its own length.
fn is_ahead(at: UnixMillis, now: UnixMillis, longest_ms: i64) -> bool {
    (1..=longest_ms).contains(&at.0.saturating_sub(now.0))
}

/// Whether `since` is less than `ms` ago, on either side of a clock that was set.
pub(super) fn is_within(since: UnixMillis, now: UnixMillis, ms: i64) -> bool {
    now.0.saturating_sub(since.0).saturating_abs() < ms
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: i64 = 1_800_000_000_000;

    fn at(ms: i64) -> UnixMillis {
        UnixMillis(T0 + ms)
    }

    fn failed_at(times: &[i64]) -> Breaker {
        let mut breaker = Breaker::default();
        times.iter().for_each(|ms| breaker.failed(at(*ms)));
        breaker
    }

    impl Breaker {
        /// Whether a plan that is made now has the endpoint behind the others.
        fn holds_back(&mut self, now: UnixMillis, take: bool) -> bool {
            match self.standing(now) {
                Standing::Well => false,
                Standing::ProbeDue => !self.probe(now, take),
                Standing::Behind => true,
            }
        }
    }

    fn held_back(breaker: &mut Breaker, ms: i64) -> bool {
        breaker.holds_back(at(ms), false)
    }

    #[test]
    fn one_fault_holds_back_for_thirty_seconds_unless_a_probe_succeeds_earlier() {
        let mut breaker = failed_at(&[0]);
        assert!(held_back(&mut breaker, 0) && held_back(&mut breaker, 4_999));
        assert!(!breaker.holds_back(at(5_000), true), "the probe");
        assert!(breaker.holds_back(at(5_001), true) && breaker.holds_back(at(29_999), true), "only one");
        assert!(!held_back(&mut breaker, 30_000), "the fault is forgotten");
        let mut probed = failed_at(&[0]);
        probed.served(at(5_000), at(6_000));
        assert!(!held_back(&mut probed, 6_000));
    }

    #[test]
    fn an_answer_that_began_before_a_probe_was_due_proves_nothing() {
        let mut breaker = failed_at(&[0]);
        breaker.served(at(4_999), at(7_000));
        assert!(!breaker.holds_back(at(7_000), true) && breaker.holds_back(at(7_001), true), "it waits for the probe");
    }

    #[test]
    fn the_breaker_opens_after_faults_in_a_row_and_only_a_probe_closes_it() {
        let mut breaker = failed_at(&[0, 10, 20]);
        assert!(held_back(&mut breaker, 4_999));
        let hour = 3_600_000;
        assert!(!breaker.holds_back(at(hour), true), "an hour later a probe is still due");
        assert!(held_back(&mut breaker, hour + 1), "and the others wait for it");
        breaker.served(at(hour), at(hour + 500));
        assert!(!held_back(&mut breaker, hour + 500) && breaker.trouble.is_none());
        let mut two = failed_at(&[0, 10]);
        assert!(!two.holds_back(at(hour), true) && !held_back(&mut two, hour + 1), "two faults are forgotten");
    }

    #[test]
    fn an_answer_between_faults_breaks_the_row() {
        let mut breaker = failed_at(&[0, 10]);
        breaker.served(at(12), at(15));
        breaker.failed(at(20));
        assert!(!breaker.trouble.unwrap().open);
    }

    #[test]
    fn the_delay_doubles_with_every_probe_that_fails_up_to_a_minute() {
        let mut breaker = failed_at(&[0, 0, 0]);
        let mut now = 0;
        for delay in [5_000, 10_000, 20_000, 40_000, 60_000, 60_000] {
            assert!(held_back(&mut breaker, now + delay - 1), "{delay}");
            now += delay;
            assert!(!breaker.holds_back(at(now), true) && breaker.holds_back(at(now), true), "{delay}");
            breaker.failed(at(now));
        }
        breaker.served(at(now + 60_000), at(now + 60_001));
        breaker.failed(at(now + 61_000));
        assert_eq!(breaker.trouble.unwrap().delay_ms, PROBE_DELAY_MIN_MS, "after a success it begins anew");
    }

    #[test]
    fn requests_that_had_nothing_else_do_not_put_the_probe_off() {
        let mut breaker = failed_at(&[0, 1_000, 2_000, 3_000, 4_900]);
        assert!(!held_back(&mut breaker, 5_000));
    }

    #[test]
    fn a_large_share_of_faults_opens_it_though_answers_come_between() {
        // Pairs of an answer and a fault; whether that opens the breaker, and whether it does when they are spread over minutes.
        for (pairs, opens) in [(4, false), (5, true)] {
            let run = |every: i64| {
                let mut breaker = Breaker::default();
                for i in 0..pairs {
                    breaker.served(at(i * every), at(i * every));
                    breaker.failed(at(i * every));
                }
                breaker.trouble.unwrap().open
            };
            assert_eq!((run(1), run(60_000)), (opens, false), "{pairs}");
        }
        let mut mostly_well = Breaker::default();
        (0..100).for_each(|_| mostly_well.served(at(0), at(0)));
        (0..2).for_each(|_| mostly_well.failed(at(0)));
        assert!(!mostly_well.trouble.unwrap().open);
    }

    #[test]
    fn a_cool_down_lasts_exactly_as_long_as_was_asked_within_its_bound() {
        for (asked, lasts) in [(Some(7_000), 7_000), (None, 5_000), (Some(3_600_000), 600_000), (Some(0), 0), (Some(-5), 0)] {
            let mut breaker = Breaker::default();
            breaker.cool_down(at(0), asked);
            assert!(lasts == 0 || breaker.holds_back(at(lasts - 1), true), "{asked:?}");
            assert!(!breaker.holds_back(at(lasts), true) && !breaker.holds_back(at(lasts), true), "{asked:?}: no probe is needed");
        }
        let mut longer = Breaker::default();
        longer.cool_down(at(0), Some(9_000));
        longer.cool_down(at(1_000), None);
        assert!(held_back(&mut longer, 8_999), "a shorter wish does not take a longer one back");
    }

    #[test]
    fn a_permit_comes_back_when_it_is_released_or_not_used() {
        let mut breaker = failed_at(&[0, 0, 0]);
        assert!(!breaker.holds_back(at(5_000), true));
        breaker.release(at(5_001));
        assert!(held_back(&mut breaker, 5_002), "it belongs to another plan");
        breaker.release(at(5_000));
        assert!(!breaker.holds_back(at(6_000), true));
        assert!(held_back(&mut breaker, 35_999));
        assert!(!held_back(&mut breaker, 36_000), "nothing was heard of it");
    }

    #[test]
    fn a_clock_that_is_set_back_holds_nothing_back_for_longer() {
        let mut breaker = failed_at(&[0, 0, 0]);
        breaker.cool_down(at(0), Some(60_000));
        let a_day_before = -86_400_000;
        assert!(!breaker.holds_back(at(a_day_before), true));
        breaker.failed(at(a_day_before));
        assert!(held_back(&mut breaker, a_day_before));
    }
}
