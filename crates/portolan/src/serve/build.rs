//! From the configuration to what runs.

use std::collections::HashMap;
use std::sync::Arc;

use http::HeaderValue;
use portolan_catalog::sync::Synced;
use portolan_catalog::{Catalog, ModelOverlay, Pricing, Provider, ProviderOverlay};
use portolan_core::{Auth, Dialect, Meter, OrgId, Random, Rates};
use portolan_engine::{Deployment, Make, SIMULATOR_AUTHORITY, Settings, SimulatorMode, Tasks, Timeouts};
use portolan_sim::Sim;
use portolan_store::{Durability, Options, Store, StoreError};
use portolan_upstream::{Client, ClientOptions, Egress, InProcess};

use crate::cli::{CliError, ExitCode};
use crate::config::{BuiltinProvider, Config, JournalSync, ModelSettings, Profile, ProviderSettings, Simulator};

/// The context of a model of one's own whose configuration states none, in tokens. More than any model has: what is
/// held under a strict limit must bound what the provider may take, and a guess that is too small would not.
const CONTEXT_UNSTATED: u32 = 10_000_000;
/// The longest answer of a model of which neither context nor answer is stated, in tokens. It is a limit that is sent, so it holds.
const OUTPUT_UNSTATED: u32 = 131_072;

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
        not_built: not_built(&catalog, p),
    })
    .collect()
}

/// Why nothing of a provider can be called, where its dialect and its auth could be.
fn not_built(catalog: &Catalog, provider: &Provider) -> Option<String> {
    let mut own = catalog.endpoints.iter().filter(|e| catalog.provider(e.provider).slug == provider.slug);
    match (provider.has_address(), own.any(|e| e.callable.is_ok())) {
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
pub(super) fn client(config: &Config, sim: Sim) -> Result<Client, CliError> {
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
    Client::new(options).map_err(|e| CliError::new(ExitCode::Config, e.to_string()))
}

/// The built-in rows, a live catalog over them, the configuration over both, and over all what an administrator vouches for.
///
/// # Errors
/// When the configuration contradicts itself or the built-in rows.
pub(super) fn catalog(config: &Config, synced: Option<&Synced>) -> Result<Catalog, CliError> {
    let overlays: Vec<ProviderOverlay> = config.providers.iter().map(overlay).collect();
    let layered = |synced| {
        let rows = Catalog::layered(synced, &overlays).map_err(|e| wrong(&e))?;
        rows.attested(&config.attestations).map_err(|e| wrong(&format!("attestations: {e}")))
    };
    let Some(synced) = synced else { return layered(None) };
    // The configuration has to be right by itself: what a source says, or says no more, keeps no instance from starting.
    drop(layered(None)?);
    layered(Some(synced)).or_else(|error| {
        tracing::error!(%error, "the synced catalog does not go with the configuration; the built-in one is in force");
        layered(None)
    })
}

fn wrong(error: &dyn std::fmt::Display) -> CliError {
    CliError::new(ExitCode::Config, error.to_string())
}

/// What can be called under this configuration and this live catalog.
pub(super) fn deployment(config: &Config, old: Option<&Deployment>, synced: Option<&Synced>) -> Result<Deployment, CliError> {
    let catalog = catalog(config, synced)?;
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
    Deployment::new(make, old).map_err(|e| wrong(&e))
}

fn overlay(provider: &ProviderSettings) -> ProviderOverlay {
    ProviderOverlay {
        slug: provider.slug.clone(),
        name: provider.name.clone(),
        base_url: provider.base_url.clone(),
        dialect: provider.dialect,
        auth: provider.auth,
        quirks: provider.quirks.clone(),
        on_hangup: provider.on_hangup,
        api_key_env: None,
        privacy_policy_url: None,
        terms_of_service_url: None,
        status_page_url: None,
        headquarters: None,
        datacenters: None,
        data_policy: None,
        models: provider.models.iter().map(model).collect(),
    }
}

fn model(model: &ModelSettings) -> ModelOverlay {
    let tokens = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    ModelOverlay {
        id: model.id.clone(),
        upstream_id: model.upstream_id.clone(),
        name: model.name.clone(),
        context_length: model.context_length.map_or(CONTEXT_UNSTATED, tokens),
        max_output: model.max_output.map(tokens).or(model.context_length.is_none().then_some(OUTPUT_UNSTATED)),
        pricing: pricing(&model.pricing),
        dialect: None,
        quirks: Vec::new(),
        capabilities: model.capabilities.as_ref().map(|all| all.iter().copied().collect()),
        supported_parameters: None,
        input_modalities: None,
        output_modalities: None,
        region: None,
        quantization: None,
    }
}

fn pricing(rates: &Rates) -> Pricing {
    Pricing {
        prompt: rates.listed(Meter::Input),
        completion: rates.listed(Meter::Output),
        cache_read: rates.listed(Meter::CacheRead),
        cache_write: rates.listed(Meter::CacheWrite5m),
        cache_write_1h: rates.listed(Meter::CacheWrite1h),
        internal_reasoning: rates.listed(Meter::Reasoning),
        audio: rates.listed(Meter::InputAudio),
        audio_output: rates.listed(Meter::OutputAudio),
        image_token: rates.listed(Meter::InputImage),
        image_output: rates.listed(Meter::OutputImage),
        request: rates.listed(Meter::Request),
        web_search: rates.listed(Meter::Search),
        audio_cache_read: None,
        tiers: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use portolan_core::ModelSlug;

    use super::*;

    #[test]
    fn an_unstated_context_bounds_no_prompt_and_an_unstated_answer_has_a_limit_to_send() {
        let stated = |context_length, max_output| ModelSettings {
            id: ModelSlug::parse("a/b").unwrap(),
            upstream_id: None,
            name: None,
            context_length,
            max_output,
            capabilities: None,
            pricing: Rates::default(),
        };
        let of = |context, output| {
            let made = model(&stated(context, output));
            (made.context_length, made.max_output)
        };
        assert_eq!(of(None, None), (10_000_000, Some(131_072)));
        assert_eq!(of(None, Some(5)), (10_000_000, Some(5)));
        assert_eq!(of(Some(8), None), (8, None));
    }
}
