//! A store in a directory of its own, and generations to put in it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use portolan_core::{
    AccountId, Clock, FixedClock, GenerationId, KeyHash, Meter, Money, Preferences, SeededRandom, UnixMillis, Usage, WorkspaceId,
};
use portolan_ledger::{App, Attempt, End, Entry, Flags, Generation, Latency, Opened};
use portolan_store::{Options, Recovered, Store, StoreError};
use tempfile::TempDir;
use tokio::task::JoinHandle;

/// 2026-11-22T12:00:00Z, a Sunday.
pub(crate) const NOON: UnixMillis = UnixMillis(20_779 * 86_400_000 + 43_200_000);

/// A store whose journal runs.
pub(crate) struct Open {
    pub(crate) store: Store,
    pub(crate) recovered: Recovered,
    run: JoinHandle<()>,
}

pub(crate) fn sqlite() -> TempDir {
    tempfile::tempdir().unwrap()
}

pub(crate) fn try_open(dir: &Path, options: &Options) -> Result<(Store, Recovered), StoreError> {
    Store::open(dir, options, &FixedClock::at(NOON), &SeededRandom::new(7))
}

pub(crate) fn open(dir: &Path) -> Open {
    open_with(dir, &Options::default(), NOON)
}

#[expect(clippy::disallowed_methods, reason = "the test is the owner of the task")]
pub(crate) fn open_with(dir: &Path, options: &Options, now: UnixMillis) -> Open {
    let clock: Arc<dyn Clock> = Arc::new(FixedClock::at(now));
    let (store, recovered) = Store::open(dir, options, &*clock, &SeededRandom::new(7)).unwrap();
    let run = tokio::spawn(Arc::clone(store.journal()).run());
    Open { store, recovered, run }
}

impl Open {
    pub(crate) async fn append(&self, entry: &Entry) {
        self.store.journal().append(entry).await.unwrap();
    }

    /// An orderly end: the directory is free afterwards.
    pub(crate) async fn close(self) {
        self.store.journal().close();
        self.run.await.unwrap();
        drop(self.store);
    }
}

pub(crate) fn id(n: u64) -> GenerationId {
    GenerationId::new(NOON, &SeededRandom::new(n))
}

pub(crate) fn key() -> KeyHash {
    KeyHash::of("a key")
}

pub(crate) fn opened(n: u64, account: i64, held: i64) -> Opened {
    Opened {
        id: id(n),
        at: NOON,
        key: key(),
        model: "maker/model".into(),
        provider: "provider".into(),
        endpoint: "provider/region".to_owned(),
        price_version: 3,
        held: vec![(AccountId(account), Money(held))],
        simulated: false,
    }
}

pub(crate) fn generation(n: u64, account: i64, charge: i64) -> Generation {
    Generation {
        id: id(n),
        at: NOON,
        key: key(),
        workspace: WorkspaceId::from_saved("w"),
        requested: vec!["maker/model".to_owned()],
        model: "maker/model".into(),
        provider: "provider".into(),
        endpoint: "provider/region".to_owned(),
        stream: true,
        simulated: n % 2 == 1,
        end: End::Completed,
        status: 200,
        finish: Some("stop".to_owned()),
        native_finish: Some("end_turn".to_owned()),
        attempts: vec![Attempt {
            model: "maker/model".into(),
            provider: "provider".into(),
            endpoint: "provider/region".to_owned(),
            lane: "raw".into(),
            lane_reason: "same dialect".into(),
            dropped: vec![],
            upstream_id: Some("up-1".to_owned()),
            served_model: None,
            served_provider: None,
            status: Some(200),
            fault: None,
            started_ms: 0,
            took_ms: 5,
            usage: Usage::default().with(Meter::Input, 100).with(Meter::Output, 20),
            cost: Money(charge),
            price_version: 3,
        }],
        needs: Default::default(),
        preferences: Preferences::default(),
        candidates: vec![],
        epoch: 1,
        seed: 2,
        usage: Usage::default().with(Meter::Input, 100).with(Meter::Output, 20),
        cost: Money(charge),
        charge: Money(charge),
        price_version: 3,
        held: vec![(AccountId(account), Money(charge * 2))],
        flags: Flags::default(),
        latency: Latency { first_token_ms: Some(3), total_ms: 5, gateway_us: 40 },
        max_tokens: None,
        trace_id: None,
        app: App::default(),
        user: None,
        session: None,
        routed: Vec::new(),
        sticky: None,
        tags: vec![],
    }
}

pub(crate) fn closed(n: u64, account: i64, charge: i64) -> Entry {
    Entry::Closed(Box::new(generation(n, account, charge)))
}

/// What a crash would leave behind at this moment.
pub(crate) fn snapshot(from: &Path) -> TempDir {
    let to = sqlite();
    copy(from, to.path());
    to
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        let target = to.join(file.file_name());
        if file.file_type().unwrap().is_dir() {
            copy(&file.path(), &target);
        } else {
            fs::copy(file.path(), target).unwrap();
        }
    }
}

/// Puts the journal of one moment beside the database of another.
pub(crate) fn with_journal_of(database: &Path, journal: &Path) -> TempDir {
    let both = snapshot(database);
    fs::remove_dir_all(both.path().join("journal")).unwrap();
    copy(&journal.join("journal"), &both.path().join("journal"));
    both
}
