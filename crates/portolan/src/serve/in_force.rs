//! The configuration and the live catalog that are in force, and how others take their place.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use portolan_engine::Engine;

use super::build;
use super::sync::Live;
use crate::cli::{CliError, ExitCode};
use crate::config::Config;

/// What the deployment of now was made from.
pub(super) struct InForce {
    engine: Engine,
    live: Arc<Live>,
    /// The configuration, and the name of the live catalog. Held while the next deployment is made: no two are made at once.
    made_from: Mutex<(Config, Option<String>)>,
}

impl InForce {
    /// The engine's first deployment was made from these.
    pub(super) fn new(engine: Engine, live: Arc<Live>, config: Config, synced: Option<String>) -> Self {
        Self { engine, live, made_from: Mutex::new((config, synced)) }
    }

    fn made_from(&self) -> MutexGuard<'_, (Config, Option<String>)> {
        self.made_from.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The configuration of now.
    pub(super) fn config(&self) -> Config {
        self.made_from().0.clone()
    }

    /// Puts a configuration in force, with the live catalog of now. Answers the epoch.
    ///
    /// # Errors
    /// When it cannot be; the old one stays.
    pub(super) fn deploy(&self, config: Config) -> Result<u64, CliError> {
        self.make(&mut self.made_from(), config)
    }

    /// Puts the live catalog of now in force, where it is another than that of the deployment.
    ///
    /// # Errors
    /// When it cannot be; the old one stays.
    pub(super) async fn refresh(self: &Arc<Self>) -> Result<(), CliError> {
        let own = self.clone();
        // Reading and assembling take tens of milliseconds, which no stream is to wait for.
        let made = tokio::task::spawn_blocking(move || own.refresh_now()).await;
        made.unwrap_or_else(|e| Err(CliError::new(ExitCode::Failure, format!("making the catalog failed: {e}"))))
    }

    fn refresh_now(&self) -> Result<(), CliError> {
        let mut made_from = self.made_from();
        let next = self.live.in_force(&made_from.0);
        let config = made_from.0.clone();
        if next == made_from.1 { Ok(()) } else { self.make(&mut made_from, config).map(|_| ()) }
    }

    fn make(&self, made_from: &mut (Config, Option<String>), config: Config) -> Result<u64, CliError> {
        let synced = self.live.read_in_force(&config);
        let deployment = build::deployment(&config, Some(&self.engine.deployment()), synced.as_ref().map(|(_, synced)| synced))?;
        let epoch = deployment.epoch;
        self.engine.deploy(deployment, build::settings(&config));
        *made_from = (config, synced.map(|(name, _)| name));
        Ok(epoch)
    }
}
