//! The configuration and the live catalog that are in force, and how others take their place.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use portolan_catalog::Catalog;
use portolan_engine::Engine;

use super::build;
use super::layers::{self, Layered};
use super::sync::{self, Good, Live};
use crate::cli::{CliError, ExitCode};
use crate::config::{Config, ConfigError};

/// What a deployment was made from.
#[derive(Clone)]
pub(super) struct MadeFrom {
    pub(super) config: Config,
    /// The live catalog in it.
    pub(super) synced: Option<Good>,
    /// Why the stored catalog is not in it.
    pub(super) unused: Option<Unused>,
    /// One line for each attestation that holds for nothing.
    pub(super) unmet: Vec<String>,
}

/// Why a stored catalog is not in force.
#[derive(Clone, PartialEq)]
pub(super) struct Unused {
    /// One word.
    pub(super) kind: &'static str,
    pub(super) why: String,
}

impl Unused {
    fn new(kind: &'static str) -> impl FnOnce(String) -> Self {
        move |why| Self { kind, why: format!("{}: {why}", sync::FILE) }
    }

    /// The same, where the copy is of no use either.
    fn and_copy(self, why: &str) -> Self {
        Self { why: format!("{}; {}: {why}", self.why, sync::COPY), ..self }
    }
}

impl MadeFrom {
    /// Which catalog lies under the configuration, in words.
    pub(super) fn under(&self) -> &'static str {
        match (&self.synced, &self.unused) {
            (None, _) => "the built-in catalog",
            (Some(_), None) => "the synced catalog",
            (Some(_), Some(_)) => "the last good synced catalog",
        }
    }

    fn tell(&self) {
        if let Some(Unused { why, .. }) = &self.unused {
            tracing::error!(error = %why, "{} is in force; `portolan catalog sync` writes a new one", self.under());
        }
        self.unmet.iter().for_each(|line| tracing::warn!("{line}"));
    }
}

/// What the deployment of now was made from.
pub(super) struct InForce {
    engine: Engine,
    live: Arc<Live>,
    /// Held while the next deployment is made: no two are made at once.
    making: Mutex<()>,
    made_from: Mutex<MadeFrom>,
}

impl InForce {
    /// The engine's first deployment was made from this.
    pub(super) fn new(engine: Engine, live: Arc<Live>, made_from: MadeFrom) -> Self {
        made_from.tell();
        Self { engine, live, making: Mutex::default(), made_from: Mutex::new(made_from) }
    }

    fn made_from(&self) -> MutexGuard<'_, MadeFrom> {
        self.made_from.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the deployment of now was made from.
    pub(super) fn now(&self) -> MadeFrom {
        self.made_from().clone()
    }

    /// The configuration of now.
    pub(super) fn config(&self) -> Config {
        self.made_from().config.clone()
    }

    /// Puts a configuration in force, with the live catalog of now. Answers the epoch. Takes tens of milliseconds.
    ///
    /// # Errors
    /// When it has a mistake; the old one stays.
    pub(super) fn deploy(&self, config: Config) -> Result<u64, ConfigError> {
        let _one = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        let (catalog, made_from) = assembled(config, &self.live)?;
        self.put(catalog, made_from)
    }

    /// Puts the live catalog of now in force, where it is another than that of the deployment, or where the stored one was not usable.
    ///
    /// # Errors
    /// When it cannot be; the old one stays.
    pub(super) async fn refresh(self: &Arc<Self>) -> Result<(), CliError> {
        let own = self.clone();
        // Reading and assembling take tens of milliseconds, which no stream is to wait for.
        let made = tokio::task::spawn_blocking(move || own.refresh_now()).await;
        made.map_err(|e| CliError::new(ExitCode::Failure, format!("making the catalog failed: {e}")))?.map_err(CliError::from)
    }

    fn refresh_now(&self) -> Result<(), ConfigError> {
        let _one = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        let MadeFrom { config, synced, unused, .. } = self.now();
        if unused.is_none() && self.live.in_force(&config) == synced {
            return Ok(());
        }
        let before = (synced, unused);
        let (layered, synced, unused) = layered(&config, &self.live)?;
        if before == (synced.clone(), unused.clone()) {
            return Ok(());
        }
        let (catalog, unmet) = layered.unchecked();
        self.put(catalog, MadeFrom { config, synced, unused, unmet }).map(|_| ())
    }

    fn put(&self, catalog: Catalog, made_from: MadeFrom) -> Result<u64, ConfigError> {
        let deployment = build::deployment(&made_from.config, Some(&self.engine.deployment()), catalog)?;
        let epoch = deployment.epoch;
        self.engine.deploy(deployment, build::settings(&made_from.config));
        made_from.tell();
        *self.made_from() = made_from;
        Ok(epoch)
    }
}

/// The catalog of a configuration that has no mistake, with the live catalog of now.
///
/// # Errors
/// Its mistakes.
pub(super) fn assembled(config: Config, live: &Live) -> Result<(Catalog, MadeFrom), ConfigError> {
    let (layered, synced, unused) = layered(&config, live)?;
    let (catalog, unmet) = layered.checked(unused.is_some() || live.good().is_some())?;
    Ok((catalog, MadeFrom { config, synced, unused, unmet }))
}

/// The layers, with the live catalog among them: the stored one; the last good one where that cannot be used; none where there is
/// none, or it is stale. What a source says, and what became of its file, keeps no instance from starting.
fn layered(config: &Config, live: &Live) -> Result<(Layered, Option<Good>, Option<Unused>), ConfigError> {
    let over = |good: Good| layers::with(&good.synced, config).map(|layered| (layered, good));
    let read = live.read().map_err(Unused::new("unreadable"));
    let stored = read.and_then(|stored| stored.map(over).transpose().map_err(Unused::new("left_out")));
    let (found, unused) = match stored {
        Ok(found) => {
            live.keep(found.as_ref().map(|(_, good)| good.clone()));
            (found, None)
        }
        Err(unused) => {
            let (found, unused) = last_good(live, unused, over);
            (found, Some(unused))
        }
    };
    Ok(match found.filter(|_| !live.is_set_aside(config)) {
        Some((layered, good)) => (layered, Some(good), unused),
        None => (layers::alone(config)?, None, unused),
    })
}

/// The last good live catalog that goes with the configuration: the one in memory, or its copy, which is all that a start has.
fn last_good<T>(live: &Live, unused: Unused, over: impl Fn(Good) -> Result<(T, Good), String>) -> (Option<(T, Good)>, Unused) {
    if let Some(found) = live.good().and_then(|good| over(good).ok()) {
        return (Some(found), unused);
    }
    match live.read_copy().and_then(|copy| copy.map(over).transpose()) {
        Ok(Some(found)) => {
            live.keep(Some(found.1.clone()));
            (Some(found), unused)
        }
        Ok(None) => (None, unused),
        Err(why) => (None, unused.and_copy(&why)),
    }
}
