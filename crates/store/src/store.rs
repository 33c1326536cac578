//! The store as the rest of the program sees it.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::Mutex;
use portolan_core::{AccountId, Clock, Day, GenerationId, KeyHash, Random};
use portolan_ledger::{Generation, Spend};
use portolan_tenancy::{KeyDraft, KeyRecord};
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::dir::DataDir;
use crate::fold::{Inbox, Worker, recover};
use crate::{GenerationFilter, Health, Journal, KeyPageFilter, Options, Page, Recovered, StoreError, sql};

/// The store of one data directory. Clones share it; with the last one it is closed and the directory is free.
#[derive(Debug, Clone)]
pub struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    journal: Arc<Journal>,
    fold: Arc<Inbox>,
    thread: Mutex<Option<JoinHandle<()>>>,
    reader: Arc<Mutex<Connection>>,
    migrations_ok: bool,
    // The last field: the directory is free only when all else is closed.
    _dir: Arc<DataDir>,
}

impl Store {
    /// Opens the store in `dir`, which is made where it is absent, and recovers what a crash left. Blocks: reads
    /// up to two journal segments, writes a few transactions.
    ///
    /// # Errors
    /// When another process has the directory, the database is newer than this program, the journal is damaged, or the disk fails.
    pub fn open(dir: &Path, options: &Options, clock: &dyn Clock, random: &dyn Random) -> Result<(Self, Recovered), StoreError> {
        let dir = Arc::new(DataDir::take(dir)?);
        let now = clock.now();
        let (database, journal) = (dir.database()?, dir.journal()?);
        let mut connection = sql::open_writer(&database)?;
        sql::migrate(&mut connection, now)?;
        let scope = sql::ensure_tenants(&mut connection, &options.organization, random, now)?;
        let cursor = sql::cursor(&connection)?;
        let mut worker = Worker::new(connection, journal, cursor);
        let (segments, orphans) = recover(&mut worker, options)?;
        let accounts = sql::spends(worker.connection(), now.day())?;
        let keys = sql::keys(worker.connection())?;
        let reader = sql::open_reader(&database)?;
        let migrations_ok = sql::is_current(&reader);
        let fold = Arc::new(Inbox::new(segments.end()));
        let journal = Journal::new(segments, options, Arc::clone(&fold), Arc::clone(&dir));
        let inbox = Arc::clone(&fold);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || worker.run(&inbox))
            .map_err(|e| StoreError::file("start the thread of", &database, e))?;
        let inner = Inner {
            journal: Arc::new(journal),
            fold,
            thread: Mutex::new(Some(thread)),
            reader: Arc::new(Mutex::new(reader)),
            migrations_ok,
            _dir: dir,
        };
        Ok((Self(Arc::new(inner)), Recovered { scope, keys, accounts, orphans }))
    }

    /// The journal. Its [`Journal::run`] must be spawned once. To shut down: [`Journal::close`], await `run`, [`Store::flush`], drop.
    #[must_use]
    pub fn journal(&self) -> &Arc<Journal> {
        &self.0.journal
    }

    /// Waits until everything whose append was acknowledged before is in the database.
    ///
    /// # Errors
    /// When the database refuses. The entries are safe in the journal, and it is tried again.
    pub async fn flush(&self) -> Result<(), StoreError> {
        self.0.fold.flush().await
    }

    /// How the store is.
    #[must_use]
    pub fn health(&self) -> Health {
        let progress = self.0.fold.progress();
        let same = progress.written.segment == progress.folded.segment;
        let folded = if same { progress.folded.offset } else { 0 };
        Health {
            database_ok: progress.failure.is_none(),
            migrations_ok: self.0.migrations_ok,
            journal_ok: self.0.journal.is_open(),
            unfolded_bytes: progress.written.offset.saturating_sub(folded),
        }
    }

    /// One generation, from the moment its `closed` entry was acknowledged.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn generation(&self, id: &GenerationId) -> Result<Option<Generation>, StoreError> {
        self.flush().await?;
        let id = id.clone();
        self.read(move |connection| sql::generation(connection, &id)).await
    }

    /// A page of generations; `after` is the `next` of the page before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn generations(&self, filter: GenerationFilter, after: Option<GenerationId>) -> Result<Page, StoreError> {
        self.flush().await?;
        self.read(move |connection| sql::generations(connection, &filter, after.as_ref())).await
    }

    /// What every account has spent, as of `today`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn spends(&self, today: Day) -> Result<Vec<(AccountId, Spend)>, StoreError> {
        self.flush().await?;
        self.read(move |connection| sql::spends(connection, today)).await
    }

    /// What one account has spent, as of `today`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn spend(&self, account: AccountId, today: Day) -> Result<Spend, StoreError> {
        self.flush().await?;
        self.read(move |connection| sql::spend(connection, account, today)).await
    }

    /// Makes the key of the first run; `None` if one was made, or given, in the life of this database.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn first_key(&self, draft: KeyDraft) -> Result<Option<KeyRecord>, StoreError> {
        self.change(move |connection| sql::first_key(connection, draft)).await
    }

    /// The key with this hash, made if it is absent (a key given in the environment). One that was deleted stays deleted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ensure_key(&self, draft: KeyDraft) -> Result<KeyRecord, StoreError> {
        self.change(move |connection| sql::put_key(connection, draft)).await
    }

    /// Makes a key with an account of its own.
    ///
    /// # Errors
    /// When the database fails, or there is a key with this hash.
    pub async fn insert_key(&self, draft: KeyDraft) -> Result<KeyRecord, StoreError> {
        self.change(move |connection| sql::insert_key(connection, draft)).await
    }

    /// Saves a changed key: its settings, a new secret, or its end (`deleted_at`).
    ///
    /// # Errors
    /// When the database fails, or there is no such key.
    pub async fn save_key(&self, key: KeyRecord) -> Result<(), StoreError> {
        self.change(move |connection| sql::save_key(connection, &key)).await
    }

    /// All keys that are not deleted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keys(&self) -> Result<Vec<KeyRecord>, StoreError> {
        self.read(sql::keys).await
    }

    /// A page of at most 100 keys, the newest first, with when they were last used.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn key_page(&self, filter: KeyPageFilter) -> Result<Vec<KeyRecord>, StoreError> {
        self.flush().await?;
        self.read(move |connection| sql::key_page(connection, &filter)).await
    }

    /// The key that has this hash, or had it before a rotation; also a deleted one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn key(&self, hash: KeyHash) -> Result<Option<KeyRecord>, StoreError> {
        self.flush().await?;
        self.read(move |connection| sql::key(connection, &hash)).await
    }

    /// A small fact.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn meta(&self, name: &str) -> Result<Option<String>, StoreError> {
        let name = name.to_owned();
        self.read(move |connection| sql::meta(connection, &name)).await
    }

    /// Saves a small fact.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_meta(&self, name: &str, value: &str) -> Result<(), StoreError> {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.change(move |connection| sql::set_meta(connection, &name, &value)).await
    }

    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let reader = Arc::clone(&self.0.reader);
        tokio::task::spawn_blocking(move || query(&reader.lock())).await.map_err(|_| StoreError::Closed)?
    }

    /// Makes a change on the writing thread, and waits until it is on the disk.
    async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (done, wait) = oneshot::channel();
        self.0.fold.submit(Box::new(move |connection| {
            let _ = done.send(synced(connection, change));
        }))?;
        wait.await.map_err(|_| StoreError::Closed)?
    }
}

/// A key that was switched off must not come back with the power. The journal has its own setting for that; this is rare enough to sync always.
fn synced<T>(connection: &mut Connection, change: impl FnOnce(&mut Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
    connection.pragma_update(None, "synchronous", "FULL")?;
    let result = change(connection);
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    result
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.journal.close();
        self.fold.stop();
        if let Some(thread) = self.thread.lock().take()
            && thread.join().is_err()
        {
            tracing::error!("the writing thread of the store ended with a panic");
        }
    }
}
