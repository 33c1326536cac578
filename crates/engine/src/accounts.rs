//! The accounts in memory, and the queue of requests that wait for money in flight.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard, RwLock};
use portolan_core::{AccountId, Day, GenerationId, Money};
use portolan_ledger::{Account, AccountState, Held, Limit, Quote, Refusal, Spend};
use portolan_tenancy::KeyRecord;
use tokio::sync::Notify;

/// Requests that wait on one account. More are refused at once: waiting would not help them.
const WAITING_MAX: u32 = 4096;
/// How long a request waits for money in flight.
const WAIT_MAX: Duration = Duration::from_secs(2);
/// How many of those who wait look at what one settlement freed. All of them would be thousands of looks for
/// each of thousands of settlements; who is passed over looks once more before it is refused.
const LOOKS_MAX: u32 = 16;

/// One account: its state, and the bell that rings when a hold ends.
pub struct AccountCell {
    account: Mutex<Account>,
    freed: Notify,
    waiting: AtomicU32,
    /// How many more may look at what was freed last.
    looks: AtomicU32,
}

impl AccountCell {
    /// How the account stands.
    pub fn state(&self, today: Day) -> AccountState {
        self.account.lock().state(today)
    }

    /// Puts a new limit in force.
    pub fn set_limit(&self, limit: Option<Limit>) {
        self.account.lock().set_limit(limit);
        self.freed.notify_waiters();
    }

    /// Tells those who wait, the first of them first.
    fn ring(&self) {
        if self.waiting.load(Ordering::Relaxed) > 0 {
            self.looks.store(LOOKS_MAX, Ordering::Relaxed);
            self.freed.notify_one();
        }
    }

    fn pass_on(&self) {
        let one_less = self.looks.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |looks| looks.checked_sub(1));
        if one_less.is_ok() {
            self.freed.notify_one();
        }
    }
}

/// All accounts that are in use.
#[derive(Default)]
pub struct Accounts {
    cells: RwLock<HashMap<AccountId, Arc<AccountCell>>>,
}

impl Accounts {
    /// Adds an account, or finds it: what is in memory is newer than what was loaded.
    pub fn open(&self, id: AccountId, limit: Option<Limit>, spend: Spend) -> Arc<AccountCell> {
        let new = || {
            Arc::new(AccountCell {
                account: Mutex::new(Account::new(id, limit, spend)),
                freed: Notify::new(),
                waiting: AtomicU32::new(0),
                looks: AtomicU32::new(0),
            })
        };
        self.cells.write().entry(id).or_insert_with(new).clone()
    }

    /// All of them.
    pub fn all(&self) -> Vec<Arc<AccountCell>> {
        self.cells.read().values().cloned().collect()
    }

    /// The account, if it is known.
    pub fn get(&self, id: AccountId) -> Option<Arc<AccountCell>> {
        self.cells.read().get(&id).cloned()
    }
}

/// Who asks, and what the request counts against.
#[derive(Clone)]
pub struct Caller {
    /// The key.
    pub key: Arc<KeyRecord>,
    /// Its accounts, in the order of their ids.
    pub accounts: Vec<Arc<AccountCell>>,
}

impl Caller {
    /// A caller with handles to all its accounts.
    pub fn new(key: Arc<KeyRecord>, mut accounts: Vec<(AccountId, Arc<AccountCell>)>) -> Self {
        accounts.sort_by_key(|(id, _)| *id);
        accounts.dedup_by_key(|(id, _)| *id);
        Self { key, accounts: accounts.into_iter().map(|(_, cell)| cell).collect() }
    }

    fn locked(&self) -> Vec<MutexGuard<'_, Account>> {
        self.accounts.iter().map(|cell| cell.account.lock()).collect()
    }

    /// Whether any of the caller's budgets is a hard ceiling.
    pub fn is_strict(&self) -> bool {
        use portolan_core::Enforcement::Strict;
        self.accounts.iter().any(|cell| cell.account.lock().limit().is_some_and(|l| l.enforcement == Strict))
    }

    /// Whether a hold would be taken now.
    ///
    /// # Errors
    /// The account's refusal.
    pub(crate) fn check(&self, quote: Quote, today: Day) -> Result<(), Refusal> {
        Held::check(&mut self.locked(), quote, today)
    }

    /// Holds at once, or says why not.
    ///
    /// # Errors
    /// The account's refusal.
    pub(crate) fn try_hold(&self, id: &GenerationId, quote: Quote, today: Day) -> Result<Held, Refusal> {
        Held::take(id.clone(), &mut self.locked(), quote, today)
    }

    /// Holds, waiting a moment for requests in flight if only they stand in the way.
    ///
    /// # Errors
    /// The account's refusal as things stand at the end of the wait, or at once when waiting cannot mend it.
    pub(crate) async fn hold(&self, id: &GenerationId, quote: Quote, today: Day) -> Result<Held, Refusal> {
        let refusal = match self.try_hold(id, quote, today) {
            Err(refusal @ Refusal::InFlight { .. }) => refusal,
            decided => return decided,
        };
        let Some(cell) = self.cell_of(&refusal) else { return Err(refusal) };
        if cell.waiting.fetch_add(1, Ordering::Relaxed) >= WAITING_MAX {
            cell.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(refusal);
        }
        let place = Place(cell);
        match tokio::time::timeout(WAIT_MAX, self.hold_when_freed(place.0, id, quote, today)).await {
            Ok(decided) => decided,
            // Nobody is refused for what was held a while ago, nor for a bell that rang for another.
            Err(_) => self.try_hold(id, quote, today),
        }
    }

    async fn hold_when_freed(&self, cell: &AccountCell, id: &GenerationId, quote: Quote, today: Day) -> Result<Held, Refusal> {
        let mut was_told = false;
        loop {
            // Listening before trying again: a hold that ends in between must not go unnoticed.
            let freed = cell.freed.notified();
            let decided = self.try_hold(id, quote, today);
            if was_told {
                // What was freed is too little for this request, or more than it needs: the next may have use for it.
                cell.pass_on();
            }
            match decided {
                Err(Refusal::InFlight { .. }) => freed.await,
                decided => return decided,
            }
            was_told = true;
        }
    }

    fn cell_of(&self, refusal: &Refusal) -> Option<&AccountCell> {
        let (Refusal::InFlight { account, .. } | Refusal::Exhausted { account, .. }) = refusal;
        self.accounts.iter().map(Arc::as_ref).find(|cell| cell.account.lock().id == *account)
    }

    /// Makes room for another attempt.
    ///
    /// # Errors
    /// The account's refusal.
    pub(crate) fn extend(&self, held: &mut Held, quote: Quote, today: Day) -> Result<(), Refusal> {
        held.extend(&mut self.locked(), quote, today)
    }

    /// Posts the charge, frees the rest and rings the bells.
    pub(crate) fn settle(&self, held: Held, charge: Money, today: Day) {
        held.settle(&mut self.locked(), charge, today);
        self.accounts.iter().for_each(|cell| cell.ring());
    }
}

/// A place in the queue, given back however the wait ends.
struct Place<'a>(&'a AccountCell);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use portolan_core::{ApiKey, Enforcement, KeyId, OrgId, SeededRandom, UnixMillis, WorkspaceId};
    use portolan_tenancy::{KeyDraft, KeyScope};

    use super::*;

    const TODAY: Day = Day(0);

    /// A caller with 100 nanodollars, kept strictly.
    fn caller() -> Caller {
        let random = SeededRandom::new(1);
        let scope = KeyScope { org: OrgId::new(&random), workspace: WorkspaceId::new(&random) };
        let key = KeyDraft::unlimited(&ApiKey::new(&random), "key", scope, UnixMillis(0)).into_record(KeyId(1), AccountId(1));
        let limit = Limit { amount: Money(100), enforcement: Enforcement::Strict, reset: None };
        let cell = Accounts::default().open(AccountId(1), Some(limit), Spend::default());
        Caller::new(Arc::new(key), vec![(AccountId(1), cell)])
    }

    fn id(n: u64) -> GenerationId {
        GenerationId::new(UnixMillis(0), &SeededRandom::new(n))
    }

    fn worst(nanos: i64) -> Quote {
        Quote { worst: Money(nanos), expected: Money(nanos) }
    }

    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "the test waits for its own tasks")]
    async fn what_is_freed_serves_whom_it_suffices_for_and_not_only_the_first_in_the_queue() {
        let caller = caller();
        let hold = |n: u64, nanos: i64| caller.try_hold(&id(n), worst(nanos), TODAY).unwrap();
        let (one, other) = (hold(1, 40), hold(2, 50));
        let wait = |n: u64, nanos: i64| {
            let caller = caller.clone();
            tokio::spawn(async move { caller.hold(&id(n), worst(nanos), TODAY).await })
        };
        let big = wait(3, 80);
        while caller.accounts[0].waiting.load(Ordering::Relaxed) < 1 {
            tokio::task::yield_now().await;
        }
        let small = wait(4, 40);
        while caller.accounts[0].waiting.load(Ordering::Relaxed) < 2 {
            tokio::task::yield_now().await;
        }
        // Fifty are free: too little for the first, which waits on, and enough for the second, long before its wait is over.
        caller.settle(one, Money::ZERO, TODAY);
        let small = tokio::time::timeout(WAIT_MAX / 2, small).await.unwrap().unwrap().unwrap();
        caller.settle(small, Money(20), TODAY);
        caller.settle(other, Money::ZERO, TODAY);
        let big = tokio::time::timeout(WAIT_MAX / 2, big).await.unwrap().unwrap().unwrap();
        caller.settle(big, Money(80), TODAY);
        let state = caller.accounts[0].state(TODAY);
        assert_eq!((state.held, state.spend.total, state.peak_committed), (Money::ZERO, Money(100), Money(100)));
    }

    #[tokio::test]
    async fn a_caller_who_leaves_the_queue_leaves_nothing_held() {
        let caller = caller();
        let first = caller.try_hold(&id(1), worst(90), TODAY).unwrap();
        let waiting = tokio::time::timeout(Duration::from_millis(5), caller.hold(&id(2), worst(50), TODAY)).await;
        assert!(waiting.is_err(), "it waits");
        caller.settle(first, Money(90), TODAY);
        let state = caller.accounts[0].state(TODAY);
        assert_eq!((state.held, state.holds, caller.accounts[0].waiting.load(Ordering::Relaxed)), (Money::ZERO, 0, 0));
    }
}
