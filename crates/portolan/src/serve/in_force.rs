//! The configuration and the live catalog that are in force, and how others take their place.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use portolan_catalog::Catalog;
use portolan_engine::Engine;

use super::sync::Live;
use super::{build, layers};
use crate::cli::{CliError, ExitCode};
use crate::config::{Config, ConfigError};

/// What a deployment was made from.
#[derive(Clone)]
pub(super) struct MadeFrom {
    pub(super) config: Config,
    /// The name of the live catalog.
    pub(super) synced: Option<String>,
    /// One line for each attestation that holds for nothing.
    pub(super) unmet: Vec<String>,
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
        tell(&made_from.unmet);
        Self { engine, live, making: Mutex::default(), made_from: Mutex::new(made_from) }
    }

    fn made_from(&self) -> MutexGuard<'_, MadeFrom> {
        self.made_from.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The configuration of now.
    pub(super) fn config(&self) -> Config {
        self.made_from().config.clone()
    }

    /// One line for each attestation that holds for nothing.
    pub(super) fn unmet(&self) -> Vec<String> {
        self.made_from().unmet.clone()
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

    /// Puts the live catalog of now in force, where it is another than that of the deployment.
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
        let MadeFrom { config, synced, .. } = self.made_from().clone();
        if self.live.in_force(&config) == synced {
            return Ok(());
        }
        let (name, synced) = self.live.read_in_force(&config).unzip();
        let (catalog, unmet) = layers::layered(&config, synced.as_ref())?.unchecked();
        self.put(catalog, MadeFrom { config, synced: name, unmet }).map(|_| ())
    }

    fn put(&self, catalog: Catalog, made_from: MadeFrom) -> Result<u64, ConfigError> {
        let deployment = build::deployment(&made_from.config, Some(&self.engine.deployment()), catalog)?;
        let epoch = deployment.epoch;
        self.engine.deploy(deployment, build::settings(&made_from.config));
        tell(&made_from.unmet);
        *self.made_from() = made_from;
        Ok(epoch)
    }
}

fn tell(unmet: &[String]) {
    unmet.iter().for_each(|line| tracing::warn!("{line}"));
}

/// The catalog of a configuration that has no mistake, with the live catalog of now.
///
/// # Errors
/// Its mistakes.
pub(super) fn assembled(config: Config, live: &Live) -> Result<(Catalog, MadeFrom), ConfigError> {
    let (name, synced) = live.read_in_force(&config).unzip();
    let (catalog, unmet) = layers::layered(&config, synced.as_ref())?.checked(live)?;
    Ok((catalog, MadeFrom { config, synced: name, unmet }))
}
