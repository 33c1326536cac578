//! From the configuration to what runs.

use std::collections::HashMap;
use std::sync::Arc;

use http::HeaderValue;
use portolan_catalog::{Catalog, Endpoint, Provider};
use portolan_core::{Auth, Dialect, OrgId, Random};
use portolan_engine::{Deployment, Make, SIMULATOR_AUTHORITY, Settings, SimulatorMode, Tasks, Timeouts};
use portolan_sim::Sim;
use portolan_store::{Durability, Options, Store, StoreError};
use portolan_upstream::{Client, ClientOptions, Egress, InProcess, UpstreamError};

use crate::config::{BuiltinProvider, Config, ConfigError, JournalSync, Origin, Problem, Profile, Simulator};

/// The providers of the catalog, as the configuration needs to know them.
pub(crate) fn builtins() -> Vec<BuiltinProvider> {
    let catalog = Catalog::builtin();
    let rows = catalog.providers.iter().filter(|p| !p.is_simulator());
    rows.map(|p| BuiltinProvider {
        slug: p.slug.to_string(),
        // Where there is none, nothing can be called, and that is told.
        dialect: p.dialect.unwrap_or(Dialect::OpenAiChat),
        auth: p.auth,
        key_env: p.api_key_env.clone(),
        serves: served(&catalog, p).map(|e| catalog.model_at(e.model).slug.clone()).collect(),
        not_built: not_built(&catalog, p),
    })
    .collect()
}

/// What a provider serves.
fn served<'a>(catalog: &'a Catalog, provider: &'a Provider) -> impl Iterator<Item = &'a Endpoint> {
    catalog.endpoints.iter().filter(|e| catalog.provider(e.provider).slug == provider.slug)
}

/// Why nothing of a provider can be called, where its dialect and its auth could be.
fn not_built(catalog: &Catalog, provider: &Provider) -> Option<String> {
    match (provider.has_address(), served(catalog, provider).any(|e| e.callable.is_ok())) {
        (_, true) => None,
        (false, _) => Some("its address is unknown or differs from account to account: write its `base_url` and its `dialect`".to_owned()),
        (true, false) => Some("none of its models can be called yet".to_owned()),
    }
}

pub(super) fn store_options(config: &Config) -> Options {
    let durability = match config.journal.sync {
        JournalSync::Process => Durability::Process,
        JournalSync::Disk => Durability::Disk,
    };
    let defaults = Options::default();
    Options { durability, organization: config.init.org.clone().unwrap_or_else(|| defaults.organization.clone()), ..defaults }
}

pub(super) fn settings(config: &Config) -> Settings {
    let t = &config.timeouts;
    Settings {
        timeouts: Timeouts { first_token: t.first_token, idle: t.idle, total: t.total },
        here: config.region.here,
        confine: config.region.confine,
        ..Settings::default()
    }
}

/// The name of this instance: random, and kept with its data.
pub(super) async fn instance_name(store: &Store, random: &dyn Random) -> Result<HeaderValue, StoreError> {
    let name = match store.meta("instance").await? {
        Some(name) => name,
        None => {
            let name = OrgId::new(random).to_string();
            store.set_meta("instance", &name).await?;
            name
        }
    };
    HeaderValue::from_str(&name).map_err(|e| StoreError::Row { what: "instance", problem: e.to_string() })
}

/// The way out, with the simulator of this process at its own, unreachable name.
///
/// # Errors
/// When there can be none.
pub(super) fn client(config: &Config, sim: Sim) -> Result<Client, ConfigError> {
    let egress = Egress::new(config.egress.allow.clone(), config.profile == Profile::Development);
    // Its connections idle in our own pool: a shutdown waits for what they serve, not for them.
    let tasks = Tasks::default();
    let serve = move |far| {
        let sim = sim.clone();
        tasks.spawn("simulator", async move { sim.serve_connection(far).await });
    };
    let options = ClientOptions {
        connect_timeout: config.timeouts.connect,
        in_process: Some(InProcess { authority: SIMULATOR_AUTHORITY, serve: Arc::new(serve) }),
        ..ClientOptions::new(egress)
    };
    Client::new(options).map_err(|e| unusable(&e))
}

/// What can be called of this catalog under this configuration.
///
/// # Errors
/// A base URL or a credential that cannot be used.
pub(super) fn deployment(config: &Config, old: Option<&Deployment>, catalog: Catalog) -> Result<Deployment, ConfigError> {
    let credentials: HashMap<_, _> = config.provider_keys.found.iter().map(|k| (k.provider.clone(), k.secret.clone())).collect();
    let open_provider = catalog.providers.iter().any(|p| p.auth == Auth::None && !p.is_simulator());
    let simulator = match config.simulator {
        _ if !config.simulator_allowed() => SimulatorMode::Off,
        Simulator::Off => SimulatorMode::Off,
        Simulator::Auto | Simulator::On if credentials.is_empty() && !open_provider => SimulatorMode::Everything,
        Simulator::Auto => SimulatorMode::Off,
        Simulator::On => SimulatorMode::OnRequest,
    };
    let epoch = old.map_or(1, |old| old.epoch + 1);
    let make = Make { epoch, catalog: Arc::new(catalog.at_epoch(epoch)), credentials, simulator };
    Deployment::new(make, old).map_err(|e| unusable(&e))
}

fn unusable(error: &UpstreamError) -> ConfigError {
    ConfigError::new(vec![Problem::new(Origin::Default, "", error.to_string())], Vec::new())
}
