//! Holds: taken on all accounts of a request at once, or on none.

use std::ops::DerefMut;

use portolan_core::{AccountId, Day, GenerationId, Money};

use crate::{Account, Refusal};

/// What a request may cost at an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quote {
    /// The worst case: strict accounts hold it.
    pub worst: Money,
    /// The estimate: standard accounts hold it. Never above the worst case.
    pub expected: Money,
}

/// Proof that money is held for a generation. Only [`Held::take`] makes one, sending needs it, and it
/// ends in [`Held::settle`] or [`Held::release`]: there is no way to drop it that frees the money.
#[derive(Debug)]
#[must_use = "a hold must be settled or released"]
pub struct Held {
    generation: GenerationId,
    quote: Quote,
    entries: Vec<(AccountId, Money)>,
}

impl Held {
    /// Holds `quote` on every account, or on none.
    ///
    /// `accounts` are locked by the caller, in the order of their ids.
    ///
    /// # Errors
    /// The refusal that waiting cannot mend, if any account has one, else the first.
    pub fn take<A: DerefMut<Target = Account>>(
        generation: GenerationId,
        accounts: &mut [A],
        quote: Quote,
        today: Day,
    ) -> Result<Self, Refusal> {
        let entries = admit_all(accounts, quote, today)?;
        for (account, (_, amount)) in accounts.iter_mut().zip(&entries) {
            account.add_hold(*amount);
        }
        Ok(Self { generation, quote, entries })
    }

    /// Whether [`Held::take`] would hold now. Takes nothing.
    ///
    /// # Errors
    /// The refusal that it would answer.
    pub fn check<A: DerefMut<Target = Account>>(accounts: &mut [A], quote: Quote, today: Day) -> Result<(), Refusal> {
        admit_all(accounts, quote, today).map(drop)
    }

    /// Makes room for another attempt: afterwards the hold covers the dearer of the two, for only the attempt that serves is charged.
    ///
    /// # Errors
    /// As [`Held::take`]; the hold then stays as it was.
    pub fn extend<A: DerefMut<Target = Account>>(&mut self, accounts: &mut [A], quote: Quote, today: Day) -> Result<(), Refusal> {
        let more = Quote {
            worst: (quote.worst - self.quote.worst).at_least(Money::ZERO),
            expected: (quote.expected - self.quote.expected).at_least(Money::ZERO),
        };
        if more == Quote::default() {
            return Ok(());
        }
        let added = admit_all(accounts, more, today)?;
        for ((account, entry), (_, amount)) in accounts.iter_mut().zip(&mut self.entries).zip(added) {
            account.add_to_hold(amount);
            entry.1 += amount;
        }
        self.quote = Quote { worst: self.quote.worst + more.worst, expected: self.quote.expected + more.expected };
        Ok(())
    }

    /// Posts the charge and frees the rest. The charge may exceed the hold: it is then charged whole, and the caller flags it.
    pub fn settle<A: DerefMut<Target = Account>>(self, accounts: &mut [A], charge: Money, today: Day) {
        for (account, (_, amount)) in accounts.iter_mut().zip(&self.entries) {
            account.end_hold(*amount, charge, today);
        }
    }

    /// Frees everything: nothing was sent.
    pub fn release<A: DerefMut<Target = Account>>(self, accounts: &mut [A], today: Day) {
        self.settle(accounts, Money::ZERO, today);
    }

    /// The generation it belongs to.
    #[must_use]
    pub fn generation(&self) -> &GenerationId {
        &self.generation
    }

    /// What it covers.
    #[must_use]
    pub fn quote(&self) -> Quote {
        self.quote
    }

    /// How much each account holds, in the order of the accounts.
    #[must_use]
    pub fn entries(&self) -> &[(AccountId, Money)] {
        &self.entries
    }
}

fn admit_all<A: DerefMut<Target = Account>>(accounts: &mut [A], quote: Quote, today: Day) -> Result<Vec<(AccountId, Money)>, Refusal> {
    debug_assert!(accounts.windows(2).all(|w| w[0].id < w[1].id), "accounts are locked in the order of their ids");
    let mut entries = Vec::with_capacity(accounts.len());
    let mut refusal: Option<Refusal> = None;
    for account in accounts.iter_mut() {
        match account.admit(quote.worst, quote.expected, today) {
            Ok(amount) => entries.push((account.id, amount)),
            Err(final_one @ Refusal::Exhausted { .. }) => return Err(final_one),
            Err(waits) => refusal = refusal.or(Some(waits)),
        }
    }
    refusal.map_or(Ok(entries), Err)
}

#[cfg(test)]
mod tests {
    use portolan_core::{Enforcement, Reset};
    use portolan_core::{SeededRandom, UnixMillis};
    use proptest::prelude::*;

    use super::*;
    use crate::{Limit, Spend};

    fn id(n: u64) -> GenerationId {
        GenerationId::new(UnixMillis(0), &SeededRandom::new(n))
    }

    fn account(n: i64, amount: i64, enforcement: Enforcement) -> Account {
        Account::new(AccountId(n), Some(Limit { amount: Money(amount), enforcement, reset: None }), Spend::default())
    }

    fn quote(worst: i64, expected: i64) -> Quote {
        Quote { worst: Money(worst), expected: Money(expected) }
    }

    #[test]
    fn a_hold_is_taken_on_all_accounts_or_on_none() {
        let (mut a, mut b) = (account(1, 100, Enforcement::Strict), account(2, 10, Enforcement::Strict));
        let refused = Held::take(id(1), &mut [&mut a, &mut b], quote(50, 5), Day(0)).unwrap_err();
        assert!(matches!(refused, Refusal::Exhausted { account: AccountId(2), affordable: Money(10), .. }), "{refused:?}");
        assert_eq!(a.state(Day(0)).held, Money::ZERO);
    }

    #[test]
    fn strict_tells_what_waiting_can_mend_from_what_it_cannot() {
        let mut a = account(1, 100, Enforcement::Strict);
        let first = Held::take(id(1), &mut [&mut a], quote(60, 6), Day(0)).unwrap();
        assert!(matches!(Held::take(id(2), &mut [&mut a], quote(60, 6), Day(0)), Err(Refusal::InFlight { held: Money(60), .. })));
        assert!(matches!(Held::take(id(3), &mut [&mut a], quote(101, 6), Day(0)), Err(Refusal::Exhausted { .. })));
        first.settle(&mut [&mut a], Money(30), Day(0));
        let second = Held::take(id(2), &mut [&mut a], quote(60, 6), Day(0)).unwrap();
        second.release(&mut [&mut a], Day(0));
        assert_eq!(a.state(Day(0)).spend.total, Money(30));
    }

    #[test]
    fn standard_admits_until_the_limit_is_reached_and_reports_the_overshoot() {
        let mut a = account(1, 100, Enforcement::Standard);
        let one = Held::take(id(1), &mut [&mut a], quote(500, 99), Day(0)).unwrap();
        let two = Held::take(id(2), &mut [&mut a], quote(500, 99), Day(0)).unwrap();
        assert!(matches!(Held::take(id(3), &mut [&mut a], quote(500, 99), Day(0)), Err(Refusal::InFlight { .. })));
        one.settle(&mut [&mut a], Money(80), Day(0));
        two.settle(&mut [&mut a], Money(80), Day(0));
        assert_eq!(a.state(Day(0)).overshoot, Money(60));
        assert!(matches!(Held::take(id(4), &mut [&mut a], quote(1, 1), Day(0)), Err(Refusal::Exhausted { .. })));
    }

    #[test]
    fn a_limit_starts_anew_with_its_window_and_keeps_the_total() {
        let limit = Limit { amount: Money(100), enforcement: Enforcement::Strict, reset: Some(Reset::Weekly) };
        let sunday = Day(20_779);
        let mut a = Account::new(AccountId(1), Some(limit), Spend { as_of: sunday, ..Spend::default() });
        a.charge(Money(100), sunday);
        assert!(Held::take(id(1), &mut [&mut a], quote(1, 1), sunday).is_err());
        let monday = Day(20_780);
        let held = Held::take(id(1), &mut [&mut a], quote(100, 1), monday).unwrap();
        held.settle(&mut [&mut a], Money(1), monday);
        let state = a.state(monday);
        assert_eq!((state.spend.weekly, state.spend.total, state.spend.monthly), (Money(1), Money(101), Money(101)));
    }

    #[derive(Debug, Clone)]
    enum Step {
        Take { worst: i64 },
        Extend { which: usize, worst: i64 },
        Settle { which: usize, percent: i64 },
        Release { which: usize },
        NextDay,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => (1i64..400).prop_map(|worst| Step::Take { worst }),
            1 => (any::<usize>(), 1i64..600).prop_map(|(which, worst)| Step::Extend { which, worst }),
            3 => (any::<usize>(), 0i64..=100).prop_map(|(which, percent)| Step::Settle { which, percent }),
            1 => any::<usize>().prop_map(|which| Step::Release { which }),
            1 => Just(Step::NextDay),
        ];
        proptest::collection::vec(step, 1..200)
    }

    proptest! {
        #[test]
        fn settled_and_held_never_exceed_a_strict_limit_and_nothing_is_held_at_the_end(steps in steps(), reset in 0usize..3) {
            let reset = [None, Some(Reset::Daily), Some(Reset::Monthly)][reset];
            let limit = Limit { amount: Money(1000), enforcement: Enforcement::Strict, reset };
            let mut day = Day(20_000);
            let mut a = Account::new(AccountId(1), Some(limit), Spend::default());
            let mut free = Account::new(AccountId(2), None, Spend::default());
            let (mut open, mut charged): (Vec<Held>, Money) = (vec![], Money::ZERO);
            for (n, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Take { worst } => open.extend(Held::take(id(n as u64), &mut [&mut a, &mut free], quote(worst, worst / 2), day).ok()),
                    Step::Extend { which, worst } if !open.is_empty() => {
                        let at = which % open.len();
                        let _ = open[at].extend(&mut [&mut a, &mut free], quote(worst, worst / 2), day);
                    }
                    Step::Settle { which, percent } if !open.is_empty() => {
                        let held = open.swap_remove(which % open.len());
                        let charge = Money(held.quote().worst.0 * percent / 100);
                        charged += charge;
                        held.settle(&mut [&mut a, &mut free], charge, day);
                    }
                    Step::Release { which } if !open.is_empty() => open.swap_remove(which % open.len()).release(&mut [&mut a, &mut free], day),
                    Step::NextDay => day = Day(day.0 + 1),
                    _ => {}
                }
                let state = a.state(day);
                prop_assert!(state.spend.within(reset) + state.held <= limit.amount, "{state:?}");
                prop_assert!(state.peak_committed >= state.spend.within(reset) + state.held, "{state:?}");
                prop_assert!(state.peak_committed <= limit.amount && state.overshoot == Money::ZERO, "{state:?}");
            }
            for held in open {
                held.release(&mut [&mut a, &mut free], day);
            }
            for account in [&mut a, &mut free] {
                let state = account.state(day);
                prop_assert_eq!((state.held, state.holds, state.spend.total), (Money::ZERO, 0, charged));
            }
        }
    }
}
