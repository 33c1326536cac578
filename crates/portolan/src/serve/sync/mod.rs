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

use portolan_catalog::Catalog;
use portolan_catalog::sync::{Source, SyncError, Synced};
use portolan_core::Clock;
use portolan_upstream::Client;
use serde::{Deserialize, Serialize};

use super::metrics::Metrics;
use crate::config::{Config, LiveSource};

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

/// What is told of the stored catalog without its rows. Those are read again whenever a catalog is made of them.
struct Stored {
    name: String,
    source: Source,
    url: String,
    fetched_at: i64,
    models: usize,
    endpoints: usize,
    skipped: usize,
}

impl Stored {
    fn of(name: String, synced: &Synced) -> Self {
        Self {
            name,
            source: synced.source,
            url: synced.url.clone(),
            fetched_at: synced.fetched_at,
            models: synced.models.len(),
            endpoints: synced.endpoints.len(),
            skipped: synced.skipped.len(),
        }
    }
}

#[derive(Default)]
struct State {
    stored: Option<Stored>,
    /// Why the stored file cannot be used.
    unreadable: Option<String>,
    status: Status,
    /// What was fetched last and waits to be applied, by its name.
    candidate: Option<(String, Arc<Synced>)>,
}

/// The live catalog of this instance.
pub(super) struct Live {
    dir: PathBuf,
    client: Arc<Client>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
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
    /// Knows nothing of what is stored before it is read ([`Live::read_in_force`]).
    pub(super) fn open(config: &Config, client: Arc<Client>, clock: Arc<dyn Clock>, metrics: Arc<Metrics>) -> Self {
        let dir = config.data_dir.join("catalog");
        let state = State { status: files::status(&dir), ..State::default() };
        Self { dir, client, clock, metrics, state: Mutex::new(state), fetching: tokio::sync::Mutex::default() }
    }

    /// Reads what is stored, and answers the live catalog that is to lie over the built-in one, with its name. A file that is no
    /// catalog is told and changes nothing.
    pub(super) fn read_in_force(&self, config: &Config) -> Option<(String, Synced)> {
        let read = files::synced(&self.dir).and_then(|stored| match stored {
            Some((name, synced)) => usable(synced).map(|synced| Some((name, synced))),
            None => Ok(None),
        });
        let (found, unreadable) = match read {
            Ok(found) => (found, None),
            Err(error) => {
                let dir = self.dir.display();
                tracing::error!(%error, %dir, "the built-in catalog is in force; `portolan catalog sync` writes a new one");
                (None, Some(error.to_string()))
            }
        };
        {
            let mut state = self.state();
            state.stored = found.as_ref().map(|(name, synced)| Stored::of(name.clone(), synced));
            state.unreadable = unreadable;
        }
        self.show_metrics(config);
        found.filter(|_| self.in_force(config).is_some())
    }

    /// What is stored, read again.
    async fn stored(&self) -> Option<Synced> {
        let dir = self.dir.clone();
        let read = tokio::task::spawn_blocking(move || files::synced(&dir)).await;
        read.ok()?.ok()?.map(|(_, synced)| synced)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> i64 {
        self.clock.now().seconds()
    }

    /// The name of the live catalog that lies over the built-in one: none while there is none, or while it is stale.
    pub(super) fn in_force(&self, config: &Config) -> Option<String> {
        let is_set_aside = scheduled(config).is_some() && self.is_stale(config);
        self.state().stored.as_ref().filter(|_| !is_set_aside).map(|stored| stored.name.clone())
    }

    /// Whether a source was ever read, so that it may have had, or have again, what is not in force now.
    pub(super) fn has_source(&self) -> bool {
        let state = self.state();
        state.unreadable.is_some() || state.stored.is_some()
    }

    fn is_stale(&self, config: &Config) -> bool {
        self.age().is_some_and(|age| age > config.catalog.interval * STALE_AFTER_INTERVALS)
    }

    /// How long ago the source last confirmed what is stored.
    fn age(&self) -> Option<Duration> {
        let state = self.state();
        let confirmed = state.stored.as_ref()?.fetched_at.max(state.status.checked_at);
        Some(Duration::from_secs(u64::try_from(self.now() - confirmed).unwrap_or(0)))
    }

    /// What is wrong with the live catalog, for `/readyz`.
    pub(super) fn warning(&self, config: &Config) -> Option<String> {
        if let Some(why) = &self.state().unreadable {
            return Some(format!("the built-in catalog is in force: {why}"));
        }
        let days = |age: Duration| age.as_secs() / 86_400;
        let is_set_aside = scheduled(config).is_some() && self.is_stale(config);
        let stale = self
            .age()
            .filter(|_| is_set_aside)
            .map(|age| format!("the built-in catalog is in force: the live one is {} days old", days(age)));
        let has_failed = self.state().status.last_error.is_some();
        let failed = has_failed.then(|| "the last sync failed and changed nothing; `portolan catalog status` tells why".to_owned());
        let told: Vec<String> = stale.into_iter().chain(failed).collect();
        (!told.is_empty()).then(|| told.join("; "))
    }

    /// Fetches and checks; stores nothing.
    ///
    /// # Errors
    /// Why there is no catalog. Noted, unless it is a rehearsal.
    pub(super) async fn fetch(&self, source: Source, url: &str, rehearsal: bool, config: &Config) -> Result<Outcome, String> {
        let _one = self.fetching.lock().await;
        let last = self.stored().await.map(Arc::new);
        let fetched = fetch::fetch(&self.client, source, url, last.clone(), self.now()).await;
        let checked = match fetched {
            Ok(None) => Ok(Outcome::NotModified),
            Ok(Some(synced)) => self.candidate(synced, last.as_deref(), rehearsal).await,
            Err(error) => Err(error),
        };
        match &checked {
            Err(error) if !rehearsal => {
                self.note(config, |status, now| (status.failed_at, status.last_error) = (Some(now), Some(error.clone())))
            }
            Ok(Outcome::NotModified) if !rehearsal => self.note(config, |status, now| (status.checked_at, status.last_error) = (now, None)),
            _ => {}
        }
        checked
    }

    async fn candidate(&self, synced: Synced, last: Option<&Synced>, rehearsal: bool) -> Result<Outcome, String> {
        synced.check_against(last).map_err(|e| e.to_string())?;
        let named = || {
            let synced = usable(synced)?;
            Ok::<_, SyncError>((files::name(&synced.to_text()?), Arc::new(synced)))
        };
        let (name, synced) = fetch::apart(named).await?;
        if !rehearsal {
            self.state().candidate = Some((name.clone(), synced.clone()));
        }
        Ok(Outcome::Candidate(name, synced))
    }

    /// Stores the catalog of this name, which was fetched last.
    ///
    /// # Errors
    /// When another one was fetched since, and when it cannot be written.
    pub(super) fn apply(&self, name: &str, config: &Config) -> Result<(), String> {
        let taken = self.state().candidate.take_if(|(other, _)| other == name);
        let (name, synced) = taken.ok_or("another catalog was fetched since, or the server was started anew; sync again")?;
        let written =
            files::write_synced(&self.dir, &synced).map_err(|e| format!("the catalog cannot be stored in {}: {e}", self.dir.display()));
        if let Err(error) = written {
            self.note(config, |status, now| (status.failed_at, status.last_error) = (Some(now), Some(error.clone())));
            return Err(error);
        }
        {
            let mut state = self.state();
            (state.stored, state.unreadable) = (Some(Stored::of(name, &synced)), None);
        }
        self.note(config, |status, now| (status.checked_at, status.last_error) = (now, None));
        Ok(())
    }

    /// Remembers how a try went. That this cannot be stored is logged: it is told again after the next.
    fn note(&self, config: &Config, change: impl FnOnce(&mut Status, i64)) {
        let now = self.now();
        let status = {
            let mut state = self.state();
            change(&mut state.status, now);
            state.status.clone()
        };
        if let Err(error) = files::write_status(&self.dir, &status) {
            tracing::warn!(%error, "the state of the catalog's sync cannot be stored");
        }
        self.show_metrics(config);
    }

    pub(super) fn show_metrics(&self, config: &Config) {
        let in_force = self.in_force(config).is_some();
        let state = self.state();
        let confirmed = state.stored.as_ref().map_or(0, |stored| stored.fetched_at.max(state.status.checked_at));
        self.metrics.catalog(state.unreadable.is_none() && state.status.last_error.is_none(), if in_force { confirmed } else { 0 });
    }
}

/// A catalog that the built-in rows take.
fn usable(synced: Synced) -> Result<Synced, SyncError> {
    Catalog::layered(Some(&synced), &[]).map_err(|e| SyncError::Rows(e.to_string()))?;
    Ok(synced)
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
