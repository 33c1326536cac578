//! The keys in force: who a caller is, and every change to a key.
//!
//! Reading takes a snapshot and no lock. A change is durable in the store before it is in force here,
//! and in force before it is answered: a key that was switched off authenticates nothing afterwards.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use portolan_core::{AccountId, ApiKey, KeyHash, Money, UnixMillis};
use portolan_ledger::{AccountState, Limit, Spend};
use portolan_store::{KeyPageFilter, Store, StoreError};
use portolan_tenancy::{
    AdminError, Denied, Invalid, KeyAdmin, KeyDraft, KeyFilter, KeyPatch, KeyRecord, KeyScope, KeyState, NewKey, Pending, Snapshot, Spent,
};
use tokio::sync::{Mutex, oneshot};

use crate::{AccountCell, Caller, Engine};

/// Keys to a page of a list, as OpenRouter's.
const PAGE: usize = 100;

/// The keys of this instance. Clones share them.
#[derive(Clone)]
pub struct Directory(Arc<Inner>);

struct Inner {
    engine: Engine,
    store: Store,
    scope: KeyScope,
    keys: ArcSwap<Snapshot>,
    /// One change at a time: each builds on the snapshot of the one before.
    changing: Mutex<()>,
}

impl Directory {
    /// The directory of what the store holds.
    #[must_use]
    pub fn new(engine: Engine, store: Store, scope: KeyScope, keys: Vec<KeyRecord>, spends: &[(AccountId, Spend)]) -> Self {
        let spends: HashMap<AccountId, Spend> = spends.iter().copied().collect();
        for key in &keys {
            engine.accounts().open(key.account, limit_of(key), spends.get(&key.account).copied().unwrap_or_default());
        }
        Self(Arc::new(Inner { engine, store, scope, keys: ArcSwap::from_pointee(Snapshot::new(1, keys)), changing: Mutex::new(()) }))
    }

    /// The caller who presents this key.
    ///
    /// # Errors
    /// When the key is unknown, disabled or expired.
    pub fn authenticate(&self, presented: &str) -> Result<Caller, Denied> {
        let key = self.0.keys.load().authenticate(presented, self.0.engine.clock().now())?;
        Ok(self.caller(key))
    }

    /// A key as a caller, for explanations on behalf of it.
    #[must_use]
    pub fn caller_of(&self, hash: &KeyHash) -> Option<Caller> {
        Some(self.caller(Arc::clone(self.0.keys.load().get(hash)?)))
    }

    /// Any key at all, for explanations on behalf of nobody in particular: the oldest that is in force.
    #[must_use]
    pub fn any_caller(&self) -> Option<Caller> {
        let now = self.0.engine.clock().now();
        let key = self.0.keys.load().keys().min_by_key(|k| (k.denied(now).is_some(), k.id)).cloned()?;
        Some(self.caller(key))
    }

    /// Whether a text is one of our own keys, in force or not.
    #[must_use]
    pub fn is_own(&self, presented: &str) -> bool {
        self.0.keys.load().get(&KeyHash::of(presented)).is_some()
    }

    /// What was charged to a key.
    #[must_use]
    pub fn spent(&self, key: &KeyRecord) -> Spent {
        self.state(key).map_or_else(Spent::default, |state| spent_of(&state.spend))
    }

    /// Where keys of this instance belong.
    #[must_use]
    pub fn scope(&self) -> &KeyScope {
        &self.0.scope
    }

    /// Puts a key in force that the store has already.
    pub fn add(&self, key: KeyRecord) {
        let hash = key.hash;
        let next = self.0.keys.load().with(key, &hash);
        self.0.keys.store(Arc::new(next));
    }

    /// What was charged to all accounts together.
    #[must_use]
    pub fn charged_in_total(&self) -> Money {
        let today = self.0.engine.clock().now().day();
        self.0.engine.accounts().all().iter().map(|account| account.state(today).spend.total).sum()
    }

    fn caller(&self, key: Arc<KeyRecord>) -> Caller {
        let account = self.account(&key);
        let id = key.account;
        Caller::new(key, vec![(id, account)])
    }

    fn account(&self, key: &KeyRecord) -> Arc<AccountCell> {
        let known = self.0.engine.accounts().get(key.account);
        known.unwrap_or_else(|| self.0.engine.accounts().open(key.account, limit_of(key), Spend::default()))
    }

    fn state(&self, key: &KeyRecord) -> Option<AccountState> {
        let today = self.0.engine.clock().now().day();
        self.0.engine.accounts().get(key.account).map(|account| account.state(today))
    }

    fn key_state(&self, key: Arc<KeyRecord>) -> KeyState {
        KeyState { spent: self.spent(&key), key }
    }

    /// When the keys of a page were used last. Only the store knows: the keys in force are not touched by requests.
    async fn last_used(&self, filter: &KeyFilter, now: UnixMillis) -> Result<HashMap<KeyHash, UnixMillis>, AdminError> {
        let page = KeyPageFilter {
            workspace: self.0.scope.workspace.clone(),
            include_disabled: filter.include_disabled,
            alive_at: (!filter.include_expired).then_some(now),
            offset: filter.offset,
        };
        let keys = self.0.store.key_page(page).await.map_err(store_failed)?;
        Ok(keys.into_iter().filter_map(|k| Some((k.hash, k.last_used_at?))).collect())
    }

    fn find(&self, hash: KeyHash) -> Result<Arc<KeyRecord>, AdminError> {
        self.0.keys.load().get(&hash).cloned().ok_or(AdminError::NotFound(hash))
    }

    /// Makes a saved key the one in force.
    fn put_in_force(&self, key: KeyRecord, replaced: &KeyHash) -> Result<KeyState, AdminError> {
        self.account(&key).set_limit(limit_of(&key));
        let hash = key.hash;
        let next = self.0.keys.load().with(key, replaced);
        self.0.keys.store(Arc::new(next));
        Ok(self.key_state(self.find(hash)?))
    }

    async fn change(&self, hash: KeyHash, edit: impl FnOnce(&KeyRecord) -> KeyRecord + Send) -> Result<KeyRecord, AdminError> {
        let _one_at_a_time = self.0.changing.lock().await;
        let before = self.find(hash)?;
        let after = edit(&before);
        self.0.store.save_key(after.clone()).await.map_err(store_failed)?;
        if after.deleted_at.is_some() {
            let next = self.0.keys.load().without(&hash);
            self.0.keys.store(Arc::new(next));
        } else {
            self.put_in_force(after.clone(), &hash)?;
        }
        Ok(after)
    }

    /// Adds a key whose secret exists already, unless it is there.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn ensure(&self, key: &ApiKey, name: &str) -> Result<(), StoreError> {
        let _one_at_a_time = self.0.changing.lock().await;
        let draft = KeyDraft::unlimited(key, name, self.0.scope.clone(), self.0.engine.clock().now());
        self.add(self.0.store.ensure_key(draft).await?);
        Ok(())
    }
}

impl Directory {
    /// Runs a change in a task of its own: a caller who goes away in the middle leaves no key that is changed in
    /// the store and not in force.
    fn owned<T, F>(&self, work: impl FnOnce(Directory) -> F) -> Pending<'static, Result<T, AdminError>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, AdminError>> + Send + 'static,
    {
        let (tx, rx) = oneshot::channel();
        let work = work(self.clone());
        self.0.engine.tasks().spawn("key change", async move {
            let _ = tx.send(work.await);
        });
        Box::pin(async move { rx.await.unwrap_or_else(|gone| Err(AdminError::Store(Box::new(gone)))) })
    }
}

impl KeyAdmin for Directory {
    fn create(&self, new: NewKey) -> Pending<'_, Result<(KeyState, ApiKey), AdminError>> {
        self.owned(async move |this| {
            let _one_at_a_time = this.0.changing.lock().await;
            let (draft, secret) = new.draft(this.0.scope.clone(), this.0.engine.random(), this.0.engine.clock().now());
            let record = this.0.store.insert_key(draft).await.map_err(store_failed)?;
            let hash = record.hash;
            Ok((this.put_in_force(record, &hash)?, secret))
        })
    }

    fn list(&self, filter: KeyFilter) -> Pending<'_, Result<Vec<KeyState>, AdminError>> {
        Box::pin(async move {
            let now = self.0.engine.clock().now();
            if filter.workspace_id.as_ref().is_some_and(|w| w != self.0.scope.workspace.as_str()) {
                return Err(Invalid::field("workspace_id", "is no workspace of this organization").into());
            }
            let used = self.last_used(&filter, now).await?;
            let snapshot = self.0.keys.load();
            let shown = |k: &&Arc<KeyRecord>| (filter.include_disabled || !k.disabled) && (filter.include_expired || !k.expired(now));
            let mut keys: Vec<_> = snapshot.keys().filter(shown).cloned().collect();
            keys.sort_by_key(|k| std::cmp::Reverse(k.id));
            let page = keys.into_iter().skip(filter.offset).take(PAGE);
            Ok(page.map(|k| self.key_state(used_at(&k, used.get(&k.hash).copied()))).collect())
        })
    }

    fn get(&self, hash: KeyHash) -> Pending<'_, Result<KeyState, AdminError>> {
        Box::pin(async move {
            let key = self.find(hash)?;
            let stored = self.0.store.key(hash).await.map_err(store_failed)?;
            Ok(self.key_state(used_at(&key, stored.and_then(|k| k.last_used_at))))
        })
    }

    fn update(&self, hash: KeyHash, patch: KeyPatch) -> Pending<'_, Result<KeyState, AdminError>> {
        self.owned(async move |this| {
            let now = this.0.engine.clock().now();
            let after = this.change(hash, |before| patch.apply(before, now)).await?;
            Ok(this.key_state(Arc::new(after)))
        })
    }

    fn delete(&self, hash: KeyHash) -> Pending<'_, Result<(), AdminError>> {
        self.owned(async move |this| {
            let now = this.0.engine.clock().now();
            this.change(hash, |before| KeyRecord { deleted_at: Some(now), updated_at: Some(now), ..before.clone() }).await.map(drop)
        })
    }

    fn rotate(&self, hash: KeyHash) -> Pending<'_, Result<(KeyState, ApiKey), AdminError>> {
        self.owned(async move |this| {
            let mut secret = None;
            let edit = |before: &KeyRecord| {
                let (after, key) = before.rotated(this.0.engine.random(), this.0.engine.clock().now());
                secret = Some(key);
                after
            };
            let after = this.change(hash, edit).await?;
            let secret = secret.expect("the edit ran, for the change succeeded");
            Ok((this.key_state(Arc::new(after)), secret))
        })
    }
}

fn used_at(key: &Arc<KeyRecord>, at: Option<UnixMillis>) -> Arc<KeyRecord> {
    if at.is_none() || at == key.last_used_at {
        return Arc::clone(key);
    }
    Arc::new(KeyRecord { last_used_at: at, ..KeyRecord::clone(key) })
}

fn store_failed(error: StoreError) -> AdminError {
    AdminError::Store(Box::new(error))
}

fn limit_of(key: &KeyRecord) -> Option<Limit> {
    key.limit.map(|amount| Limit { amount, enforcement: key.enforcement, reset: key.limit_reset })
}

fn spent_of(spend: &Spend) -> Spent {
    Spent { total: spend.total, daily: spend.daily, weekly: spend.weekly, monthly: spend.monthly }
}
