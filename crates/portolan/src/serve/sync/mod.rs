//! The live catalog: fetched on command or on a schedule, kept in the data directory, laid over the built-in one.
//!
//! What is read and merged is the catalog's own business (`portolan_catalog::sync`); here are the network, the files and the time.

mod fetch;
mod files;
mod probe;
mod routes;
mod schedule;
mod show;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use portolan_catalog::sync::{Source, Synced};
use portolan_core::Clock;
use portolan_upstream::Client;
use serde::{Deserialize, Serialize};

use super::in_force::MadeFrom;
use super::layers;
use super::metrics::Metrics;
use crate::config::{Config, LiveSource};

pub(super) use files::{COPY, FILE};
pub(super) use probe::{callable, question};
pub(super) use routes::router;
pub(super) use schedule::run;

/// A live catalog that nobody confirmed for so many intervals is set aside while a schedule is on: the source has gone, and the
/// built-in data are the ones that somebody answers for. Three days at the default interval.
const STALE_AFTER_INTERVALS: u32 = 12;

/// What is remembered of the last tries.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Status {
    /// When the source last confirmed what is stored, Unix seconds.
    checked_at: i64,
    /// When a try last failed, Unix seconds.
    failed_at: Option<i64>,
    /// Why the last try failed. `None`: it did not.
    last_error: Option<String>,
}

/// A live catalog that can be used.
#[derive(Clone)]
pub(super) struct Good {
    /// The checksum of its text.
    name: String,
    pub(super) synced: Arc<Synced>,
}

impl Good {
    /// `text` is that of `synced`.
    fn new(text: &str, synced: Synced) -> Self {
        let name = text.lines().next().and_then(|head| head.split(' ').nth(1)).unwrap_or_default().to_owned();
        Self { name, synced: Arc::new(synced) }
    }
}

impl PartialEq for Good {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

#[derive(Default)]
struct State {
    /// The last one that was stored, or read from there. It stays in memory: the files may be damaged when it is needed next.
    good: Option<Good>,
    status: Status,
    /// What was fetched last and waits to be applied.
    candidate: Option<Good>,
}

impl State {
    /// When the source last confirmed the last good catalog, Unix seconds.
    fn confirmed_at(&self) -> Option<i64> {
        self.good.as_ref().map(|good| good.synced.fetched_at.max(self.status.checked_at))
    }
}

/// The live catalog of this instance.
pub(super) struct Live {
    dir: PathBuf,
    client: Arc<Client>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// One fetch at a time: a second one would only ask the source the same.
    fetching: tokio::sync::Mutex<()>,
}

/// What a fetch has brought.
pub(super) enum Outcome {
    /// The source has nothing newer than what is stored.
    NotModified,
    /// A catalog that may be applied, and its name.
    Candidate(String, Arc<Synced>),
}

impl Live {
    /// Knows nothing of what is stored before it is read and kept.
    pub(super) fn open(config: &Config, client: Arc<Client>, clock: Arc<dyn Clock>) -> Self {
        let dir = config.data_dir.join("catalog");
        let state = State { status: files::status(&dir), ..State::default() };
        Self { dir, client, clock, state: Mutex::new(state), fetching: tokio::sync::Mutex::default() }
    }

    /// Reads what is stored.
    ///
    /// # Errors
    /// Why it cannot be read, and in which line.
    pub(super) fn read(&self) -> Result<Option<Good>, String> {
        files::synced(&self.dir)
    }

    /// Reads the copy of what was last stored.
    ///
    /// # Errors
    /// As [`Live::read`].
    pub(super) fn read_copy(&self) -> Result<Option<Good>, String> {
        files::last_good(&self.dir)
    }

    /// Keeps what was read as the last good one.
    pub(super) fn keep(&self, good: Option<Good>) {
        self.state().good = good;
    }

    /// The last good one, stale or not.
    pub(super) fn good(&self) -> Option<Good> {
        self.state().good.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> i64 {
        self.clock.now().seconds()
    }

    /// The live catalog that is to lie over the built-in one: none while there is none, or while it is stale.
    pub(super) fn in_force(&self, config: &Config) -> Option<Good> {
        self.good().filter(|_| !self.is_set_aside(config))
    }

    /// Whether the last good one is too old for a schedule.
    pub(super) fn is_set_aside(&self, config: &Config) -> bool {
        scheduled(config).is_some() && self.is_stale(config)
    }

    fn is_stale(&self, config: &Config) -> bool {
        self.age().is_some_and(|age| age > config.catalog.interval * STALE_AFTER_INTERVALS)
    }

    /// How long ago the source last confirmed the last good one.
    fn age(&self) -> Option<Duration> {
        let confirmed = self.state().confirmed_at()?;
        Some(Duration::from_secs(u64::try_from(self.now() - confirmed).unwrap_or(0)))
    }

    /// Why what is stored is not what is in force.
    fn problem(&self, made_from: &MadeFrom) -> Option<String> {
        let unused = made_from.unused.as_ref().map(|unused| unused.why.clone());
        let age = self.age().filter(|_| self.is_set_aside(&made_from.config));
        let stale = age.map(|age| format!("the live one is {} days old", age.as_secs() / 86_400));
        joined(unused.into_iter().chain(stale))
    }

    /// What is wrong with the live catalog, for `/readyz`.
    pub(super) fn warning(&self, made_from: &MadeFrom) -> Option<String> {
        let other = self.problem(made_from).map(|why| format!("{} is in force: {why}", made_from.under()));
        let has_failed = self.state().status.last_error.is_some();
        let failed = has_failed.then(|| "the last sync failed and changed nothing; `portolan catalog status` tells why".to_owned());
        joined(other.into_iter().chain(failed))
    }

    /// Fetches and checks. Stores nothing, but mends the file of a catalog that the source confirms.
    ///
    /// # Errors
    /// Why there is no catalog. Noted, unless it is a rehearsal.
    pub(super) async fn fetch(&self, source: Source, url: &str, rehearsal: bool, config: &Config) -> Result<Outcome, String> {
        let _one = self.fetching.lock().await;
        let last = self.good();
        let known = last.as_ref().map(|good| good.synced.clone());
        let fetched = fetch::fetch(&self.client, source, url, known.clone(), self.now()).await;
        let checked = match fetched {
            Ok(None) if rehearsal => Ok(Outcome::NotModified),
            Ok(None) => self.store(last).await.map(|()| Outcome::NotModified),
            Ok(Some(synced)) => self.candidate(synced, known.as_deref(), rehearsal, config).await,
            Err(error) => Err(error),
        };
        match &checked {
            Err(error) if !rehearsal => self.note_failure(error),
            Ok(Outcome::NotModified) if !rehearsal => self.note(|status, now| (status.checked_at, status.last_error) = (now, None)),
            _ => {}
        }
        checked
    }

    async fn candidate(&self, synced: Synced, last: Option<&Synced>, rehearsal: bool, config: &Config) -> Result<Outcome, String> {
        synced.check_against(last).map_err(|e| e.to_string())?;
        let config = config.clone();
        let checked = move || {
            layers::with(&synced, &config)?;
            synced.to_text().map(|text| Good::new(&text, synced)).map_err(|e| e.to_string())
        };
        let good = fetch::apart(checked).await?;
        let outcome = Outcome::Candidate(good.name.clone(), good.synced.clone());
        if !rehearsal {
            self.state().candidate = Some(good);
        }
        Ok(outcome)
    }

    async fn store(&self, good: Option<Good>) -> Result<(), String> {
        let Some(good) = good else { return Ok(()) };
        let dir = self.dir.clone();
        let stored = fetch::apart(move || files::keep(&dir, &good)).await;
        stored.map_err(|e| format!("the catalog cannot be stored in {}: {e}", self.dir.display()))
    }

    /// Stores the catalog of this name, which was fetched last.
    ///
    /// # Errors
    /// When another one was fetched since, and when it cannot be written.
    pub(super) async fn apply(&self, name: &str) -> Result<(), String> {
        let taken = self.state().candidate.take_if(|candidate| candidate.name == name);
        let good = taken.ok_or("another catalog was fetched since, or the server was started anew; sync again")?;
        self.store(Some(good.clone())).await.inspect_err(|error| self.note_failure(error))?;
        if good.synced.unread_count > 0 {
            let (answers, first) = (good.synced.unread_count, good.synced.unread_first().join("; "));
            tracing::warn!(
                answers,
                first,
                "the source did not answer all that was asked; what it last said stands in, and the next sync asks again"
            );
        }
        self.keep(Some(good));
        self.note(|status, now| (status.checked_at, status.last_error) = (now, None));
        Ok(())
    }

    fn note_failure(&self, error: &str) {
        self.note(|status, now| (status.failed_at, status.last_error) = (Some(now), Some(error.to_owned())));
    }

    /// Remembers how a try went. That this cannot be stored is logged: it is told again after the next.
    fn note(&self, change: impl FnOnce(&mut Status, i64)) {
        let now = self.now();
        let status = {
            let mut state = self.state();
            change(&mut state.status, now);
            state.status.clone()
        };
        if let Err(error) = files::write_status(&self.dir, &status) {
            tracing::warn!(%error, "the state of the catalog's sync cannot be stored");
        }
    }

    /// How it stands, as metrics.
    pub(super) fn show(&self, made_from: &MadeFrom, metrics: &Metrics) {
        let state = self.state();
        let confirmed = state.confirmed_at().filter(|_| made_from.synced.is_some());
        metrics.catalog(made_from.unused.is_none() && state.status.last_error.is_none(), confirmed.unwrap_or(0));
    }
}

/// What there is to tell, in one line.
fn joined(told: impl Iterator<Item = String>) -> Option<String> {
    told.reduce(|all, one| format!("{all}; {one}"))
}

/// The source that is fetched on a schedule.
fn scheduled(config: &Config) -> Option<Source> {
    match config.catalog.sync {
        LiveSource::Off => None,
        LiveSource::OpenRouter => Some(Source::OpenRouter),
        LiveSource::ModelsDev => Some(Source::ModelsDev),
    }
}

/// Where a source is read: the configuration's `url` belongs to the configuration's source.
fn url_of(source: Source, config: &Config) -> String {
    let own = config.catalog.url.clone().filter(|_| scheduled(config).is_none_or(|scheduled| scheduled == source));
    own.unwrap_or_else(|| source.base_url().to_owned())
}
