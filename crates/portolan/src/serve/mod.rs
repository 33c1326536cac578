//! `portolan serve`: from a configuration to listeners, and back to nothing in good order.

mod admin;
mod build;
mod conversations;
mod in_force;
mod layers;
mod logging;
mod metrics;
mod readiness;
mod sync;
mod verify;
mod watch;

use std::io::IsTerminal;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use portolan_catalog::Catalog;
use portolan_core::{ApiKey, Clock, KeyHash, Random, SystemClock, SystemRandom};
use portolan_engine::{Directory, Engine, Parts, Tasks};
use portolan_gateway::{Api, Gateway, ServerLimits};
use portolan_sim::{Sim, SimOptions};
use portolan_store::{Recovered, Store, StoreError};
use portolan_tenancy::KeyDraft;
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::cli::{Banner, BannerProvider, CliError, ExitCode, FirstRun, Start, curl, write_first_run};
use crate::config::{Config, ConfigError, Profile};

pub(crate) use build::builtins;

/// What streams that were told to end may still take.
const END_GRACE: Duration = Duration::from_secs(5);
/// The model of the line that a first run prints.
const FIRST_MODEL: &str = "openai/gpt-4o-mini";

/// Everything that runs.
struct Instance {
    gateway: Arc<Gateway>,
    store: Store,
    metrics: Arc<metrics::Metrics>,
    readiness: Arc<readiness::State>,
    tasks: Tasks,
    client: Arc<portolan_upstream::Client>,
    live: Arc<sync::Live>,
    in_force: Arc<in_force::InForce>,
}

/// Serves until SIGTERM or SIGINT.
pub(crate) async fn serve(mut start: Start) -> Result<(), CliError> {
    let config = &mut start.config;
    logging::start(&config.logging, &start.env);
    let outset = Outset::of(config)?;
    let main = bind(config, config.server.listen, "server.listen").await?;
    let bound = main.local_addr().map_err(failed("the listener has no address"))?;
    let admin = bind(config, config.admin.listen, "admin.listen").await?;
    let (instance, recovered) = open(config, outset).await?;
    let config = &start.config;
    if !recovered.orphans.is_empty() {
        tracing::warn!(count = recovered.orphans.len(), "generations that a crash left open were charged what they held, and flagged");
    }
    let url = format!("{}/api/v1", config.public_url(bound));
    let first = first_key(&instance, config, &url).await?;
    greet(&start, &instance, &url, first.as_ref())?;

    let stop = CancellationToken::new();
    let limits = ServerLimits::default();
    let signals = Signals::hear()?;
    let socket = admin_socket(&config.admin_socket())?;
    let administrators = admin::socket_router(&instance);
    instance.tasks.spawn(
        "main listener",
        portolan_gateway::serve(main, Api::new(instance.gateway.clone()), limits, instance.tasks.clone(), stop.clone()),
    );
    instance.tasks.spawn(
        "admin listener",
        portolan_gateway::serve(admin, admin::metrics_router(&instance), limits, instance.tasks.clone(), stop.clone()),
    );
    instance.tasks.spawn("admin socket", portolan_gateway::serve(socket, administrators, limits, instance.tasks.clone(), stop.clone()));
    instance.tasks.spawn("catalog sync", sync::run(instance.live.clone(), instance.in_force.clone(), stop.clone()));
    instance.tasks.spawn("provider probes", watch::Watch::of(&instance).run(stop.clone()));
    signals.until_told_to_stop(&start, &instance).await;
    drain(config, &instance, &stop).await;
    Ok(())
}

/// What there is before anything is opened: whoever has it has a configuration without mistakes.
struct Outset {
    clock: Arc<dyn Clock>,
    metrics: Arc<metrics::Metrics>,
    client: Arc<portolan_upstream::Client>,
    live: Arc<sync::Live>,
    catalog: Catalog,
    made_from: in_force::MadeFrom,
}

impl Outset {
    fn of(config: &Config) -> Result<Self, ConfigError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let metrics = Arc::new(metrics::Metrics::new());
        let client = Arc::new(build::client(config, Sim::new(SimOptions::default()))?);
        let live = Arc::new(sync::Live::open(config, client.clone(), clock.clone()));
        let (catalog, made_from) = in_force::assembled(config.clone(), &live)?;
        Ok(Self { clock, metrics, client, live, catalog, made_from })
    }
}

/// Finds the mistakes that only the catalog knows, as [`serve`] does, and what it would warn of.
///
/// # Errors
/// All of them.
pub(crate) fn check(config: &Config) -> Result<Vec<String>, ConfigError> {
    let Outset { live, catalog, made_from, .. } = Outset::of(config)?;
    build::deployment(config, None, catalog)?;
    let ignored = config.provider_keys.ignored.iter().cloned().chain(config.init.not_built());
    Ok(ignored.chain(live.warning(&made_from)).chain(made_from.unmet).collect())
}

/// Opens the store and puts engine and gateway on it. Also what commands without a server work on.
async fn open(config: &mut Config, outset: Outset) -> Result<(Instance, Recovered), CliError> {
    let Outset { clock, metrics, client, live, catalog, made_from } = outset;
    let random: Arc<dyn Random> = Arc::new(SystemRandom::default());
    let options = build::store_options(config);
    let (store, recovered) = Store::open(&config.data_dir, &options, &*clock, &*random).map_err(|e| {
        let code = if matches!(e, StoreError::Locked { .. }) { ExitCode::Conflict } else { ExitCode::Failure };
        CliError::new(code, e.to_string())
    })?;
    let first = config.init.api_key.as_ref().map(ApiKey::hash);
    config.disown(|secret| recovered.keys.iter().map(|key| key.hash).chain(first).any(|own| own == KeyHash::of(secret)));
    let tasks = Tasks::default();
    tasks.spawn("journal", store.journal().clone().run());
    let via = build::instance_name(&store, &*random).await.map_err(failed("the store cannot be read"))?;
    let deployment = build::deployment(config, None, catalog)?;
    let (idle, longest) = (config.routing.sticky_idle, config.timeouts.total);
    let sticky = conversations::restored(&store, idle, longest, clock.now()).await.map_err(failed("the store cannot be read"))?;
    let engine = Engine::new(Parts {
        deployment,
        client: client.clone(),
        journal: store.journal().clone(),
        clock,
        random,
        tasks: tasks.clone(),
        observer: metrics.clone(),
        sticky: Arc::new(sticky),
        settings: build::settings(config),
        via,
    });
    let directory = Directory::new(engine.clone(), store.clone(), recovered.scope.clone(), recovered.keys.clone(), &recovered.accounts);
    let made_from = in_force::MadeFrom { config: config.clone(), ..made_from };
    let in_force = Arc::new(in_force::InForce::new(engine.clone(), live.clone(), made_from));
    let readiness = Arc::new(readiness::State::new(store.clone(), in_force.clone(), live.clone()));
    let body_bytes_max = usize::try_from(config.server.body_bytes_max).unwrap_or(usize::MAX);
    let gateway = Arc::new(Gateway::new(engine, directory, store.clone(), body_bytes_max, readiness.clone()));
    Ok((Instance { gateway, store, metrics, readiness, tasks, client, live, in_force }, recovered))
}

/// The administrators' router on the store alone, for commands while no server runs.
pub(crate) async fn open_admin(config: &Config) -> Result<axum::Router, CliError> {
    let (instance, _) = open(&mut config.clone(), Outset::of(config)?).await?;
    Ok(admin::socket_router(&instance))
}

/// The key that this start made, if it made one.
async fn first_key(instance: &Instance, config: &Config, url: &str) -> Result<Option<(ApiKey, Option<std::path::PathBuf>)>, CliError> {
    let engine = &instance.gateway.engine;
    if let Some(key) = &config.init.api_key {
        instance.gateway.directory.ensure(key, "PORTOLAN_INIT_API_KEY").await.map_err(failed("the first key cannot be saved"))?;
        return Ok(None);
    }
    let key = ApiKey::new(engine.random());
    let draft = KeyDraft::unlimited(&key, "first key", instance.gateway.directory.scope().clone(), engine.clock().now());
    let Some(record) = instance.store.first_key(draft).await.map_err(failed("the first key cannot be saved"))? else { return Ok(None) };
    instance.gateway.directory.add(record);
    if std::io::stdout().is_terminal() {
        return Ok(Some((key, None)));
    }
    let line = curl(url, &key, FIRST_MODEL);
    let path = write_first_run(&config.data_dir, &FirstRun { api_url: url, key: &key, curl: &line })
        .map_err(failed("first-run.json cannot be written"))?;
    Ok(Some((key, Some(path))))
}

fn greet(start: &Start, instance: &Instance, url: &str, first: Option<&(ApiKey, Option<std::path::PathBuf>)>) -> Result<(), CliError> {
    let config = &start.config;
    let providers: Vec<BannerProvider> = config
        .provider_keys
        .found
        .iter()
        .map(|k| BannerProvider { name: k.provider.to_string(), masked: k.masked.clone(), origin: k.origin.to_string() })
        .collect();
    for line in &config.provider_keys.ignored {
        tracing::warn!("{line}");
    }
    for line in config.init.not_built() {
        tracing::warn!("{line}");
    }
    if config.profile == Profile::Development && !config.server.listen.ip().is_loopback() {
        tracing::warn!(listen = %config.server.listen, "LISTENING BEYOND THIS MACHINE in the development profile; set profile = \"production\"");
    }
    let deployment = instance.gateway.engine.deployment();
    let (key, path) = first.map_or((None, None), |(key, path)| (path.is_none().then_some(key), path.as_deref()));
    let banner = Banner {
        version: env!("CARGO_PKG_VERSION"),
        profile: config.profile.as_str(),
        data_dir: &config.data_dir,
        api_url: url,
        providers: &providers,
        simulator: deployment.simulator_on_request,
        key,
        model: FIRST_MODEL,
        first_run: path,
    };
    crate::cli::say(&banner, start.json);
    Ok(())
}

/// The listeners come before the data directory, so that a mistaken address leaves no directory behind. A second start on
/// one data directory fails here too, as a rule: it is told what is really in its way.
async fn bind(config: &Config, address: std::net::SocketAddr, setting: &str) -> Result<TcpListener, CliError> {
    match listen(address, setting).await {
        Err(_) if UnixStream::connect(config.admin_socket()).await.is_ok() => {
            let dir = config.data_dir.display();
            Err(CliError::new(ExitCode::Conflict, format!("the data directory {dir} is in use: a server runs on it already"))
                .hint("stop that server, or choose another directory with --data-dir, and other addresses"))
        }
        bound => bound,
    }
}

async fn listen(address: std::net::SocketAddr, setting: &str) -> Result<TcpListener, CliError> {
    TcpListener::bind(address).await.map_err(|e| {
        CliError::new(ExitCode::Failure, format!("cannot listen on {address}: {e}"))
            .hint(format!("is another server there? choose another address with {setting}"))
    })
}

/// The socket of the command line. What a crash left there is removed: the data directory is locked, so it is nobody's.
fn admin_socket(path: &Path) -> Result<UnixListener, CliError> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(failed("the old admin socket cannot be removed")(e)),
        _ => {}
    }
    let socket = UnixListener::bind(path).map_err(failed("the admin socket cannot be made"))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(failed("the admin socket cannot be protected"))?;
    Ok(socket)
}

/// What an operator tells the process.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    /// From here on none of them kills. Before the first connection is taken: who is served may be told to stop right after.
    fn hear() -> Result<Self, CliError> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).map_err(failed("SIGTERM cannot be heard"))?,
            interrupt: signal(SignalKind::interrupt()).map_err(failed("SIGINT cannot be heard"))?,
            hangup: signal(SignalKind::hangup()).map_err(failed("SIGHUP cannot be heard"))?,
        })
    }

    async fn until_told_to_stop(mut self, start: &Start, instance: &Instance) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hangup.recv() => reload(start, instance).await,
            }
        }
    }
}

/// Puts the configuration of now in force. One with a mistake changes nothing.
async fn reload(start: &Start, instance: &Instance) {
    let (flags, env) = (start.flags.clone(), start.env.clone());
    let (gateway, in_force) = (instance.gateway.clone(), instance.in_force.clone());
    // Reading and assembling take tens of milliseconds, which no stream is to wait for.
    let reloaded = tokio::task::spawn_blocking(move || {
        let mut config = crate::config::load(&flags, &env, &builtins())?;
        config.disown(|secret| gateway.directory.is_own(secret));
        in_force.deploy(config)
    });
    match reloaded.await.map_err(failed("reloading failed")).and_then(|made| made.map_err(CliError::from)) {
        Ok(epoch) => {
            tracing::info!(
                epoch,
                "the configuration was reloaded: providers, models, the simulator and the timeouts first_token, idle and total are in force; the rest needs a restart"
            );
            instance.metrics.reloaded(true);
        }
        Err(error) => {
            tracing::error!(error = %error, "the configuration has a mistake and was not reloaded; the old one stays in force");
            instance.metrics.reloaded(false);
        }
    }
}

/// Ends in good order: `/readyz` says so and new generations are refused, streams may finish, then they are told to
/// end; every one is settled. Only then do the listeners close.
async fn drain(config: &Config, instance: &Instance, stop: &CancellationToken) {
    tracing::info!(timeout_s = config.server.drain_timeout.as_secs(), "draining");
    instance.readiness.start_draining();
    let cut_off = instance.gateway.engine.drain(config.server.drain_timeout, END_GRACE).await;
    stop.cancel();
    // The journal's own task ends when the journal closes; it is the one that may remain.
    instance.tasks.drain_to(1, END_GRACE, Duration::ZERO).await;
    instance.store.journal().close();
    instance.tasks.drain_to(0, END_GRACE, Duration::ZERO).await;
    if let Err(error) = instance.store.flush().await {
        tracing::error!(%error, "the database did not take in the last records; the journal has them");
    }
    let _ = std::fs::remove_file(config.admin_socket());
    tracing::info!(cut_off, "stopped");
}

/// Serves the simulator alone.
pub(crate) async fn sim(listen: std::net::SocketAddr) -> Result<(), CliError> {
    let listener = self::listen(listen, "--listen").await?;
    let bound = listener.local_addr().map_err(failed("the listener has no address"))?;
    crate::cli::say(&format_args!("The simulator listens on http://{bound}/v1 (ledger: http://{bound}/sim/ledger)\n"), false);
    let mut terminate = signal(SignalKind::terminate()).map_err(failed("SIGTERM cannot be heard"))?;
    Sim::new(SimOptions::default())
        .serve(listener, async move {
            tokio::select! { _ = terminate.recv() => {}, _ = tokio::signal::ctrl_c() => {} }
        })
        .await;
    Ok(())
}

fn failed<E: std::fmt::Display>(what: &'static str) -> impl FnOnce(E) -> CliError {
    move |error| CliError::new(ExitCode::Failure, format!("{what}: {error}"))
}
