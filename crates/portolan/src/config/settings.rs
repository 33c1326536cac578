//! The typed configuration. Made by [`super::load`] only, and never changed afterwards.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use portolan_catalog::{Attestation, DataPolicy};
use portolan_core::{ApiKey, Area, Auth, Capability, Dialect, ExposeSecret, ModelSlug, OnHangup, ProviderSlug, Quirk, Rates, SecretString};
use portolan_upstream::EgressRule;
use serde::Serialize;

use super::choices::{JournalSync, LiveSource, LogFormat, Profile, Simulator};
use super::keys::ProviderKeys;
use super::problem::{Origin, Problem};

/// Everything that the process is told from outside.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) profile: Profile,
    pub(crate) simulator: Simulator,
    pub(crate) server: Server,
    pub(crate) admin: Admin,
    pub(crate) journal: Journal,
    pub(crate) catalog: LiveCatalog,
    pub(crate) egress: Egress,
    pub(crate) timeouts: Timeouts,
    pub(crate) logging: Logging,
    pub(crate) routing: Routing,
    pub(crate) region: Region,
    /// What the administrator vouches for.
    pub(crate) attestations: Vec<Attestation>,
    /// The `[providers]` tables, by slug: overrides of built-in rows, and rows of one's own.
    pub(crate) providers: Vec<ProviderSettings>,
    /// The credentials of all providers, from the tables and from the customary environment variables.
    pub(crate) provider_keys: ProviderKeys,
    pub(crate) data_dir: PathBuf,
    /// The file that was read, if any.
    pub(crate) file: Option<PathBuf>,
    /// What a headless first start creates.
    pub(crate) init: Init,
    /// One line each, for standard error or the log.
    pub(crate) warnings: Vec<String>,
    /// Every setting with its origin, secrets masked.
    pub(crate) entries: Vec<Entry>,
}

/// `[server]`: the data plane.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub(crate) listen: SocketAddr,
    /// `None`: derived from the bound address, see [`Config::public_url`].
    pub(crate) public_url: Option<String>,
    pub(crate) body_bytes_max: u64,
    pub(crate) drain_timeout: Duration,
}

/// `[admin]`: metrics.
#[derive(Debug, Clone)]
pub(crate) struct Admin {
    pub(crate) listen: SocketAddr,
}

/// `[journal]`.
#[derive(Debug, Clone)]
pub(crate) struct Journal {
    pub(crate) sync: JournalSync,
}

/// `[catalog]`: the live catalog that lies over the built-in one.
#[derive(Debug, Clone)]
pub(crate) struct LiveCatalog {
    pub(crate) sync: LiveSource,
    /// How often it is asked for.
    pub(crate) interval: Duration,
    /// Where, in place of the source's own address.
    pub(crate) url: Option<String>,
}

/// `[egress]`.
#[derive(Debug, Clone)]
pub(crate) struct Egress {
    pub(crate) allow: Vec<EgressRule>,
}

/// `[timeouts]`, of a request to a provider.
#[derive(Debug, Clone)]
pub(crate) struct Timeouts {
    pub(crate) connect: Duration,
    pub(crate) first_token: Duration,
    pub(crate) idle: Duration,
    pub(crate) total: Duration,
}

/// `[logging]`.
#[derive(Debug, Clone)]
pub(crate) struct Logging {
    /// A level (`info`) or directives by target (`info,portolan_engine=debug`).
    pub(crate) level: String,
    pub(crate) format: LogFormat,
}

/// `[routing]`.
#[derive(Debug, Clone)]
pub(crate) struct Routing {
    /// How long a conversation that is idle stays bound to its endpoint.
    pub(crate) sticky_idle: Duration,
    /// How often providers without traffic are asked whether they can be reached. Zero: never.
    pub(crate) probe_interval: Duration,
}

/// `[region]`.
#[derive(Debug, Clone)]
pub(crate) struct Region {
    /// Where this instance stands: it serves no request that is confined to elsewhere.
    pub(crate) here: Option<Area>,
    /// Every request is confined to it.
    pub(crate) confine: Option<Area>,
}

/// A `[providers.<slug>]` table. For a built-in provider, what is `None` or empty stays as the catalog has it.
#[derive(Debug, Clone)]
pub(crate) struct ProviderSettings {
    pub(crate) slug: ProviderSlug,
    pub(crate) name: Option<String>,
    pub(crate) base_url: Option<String>,
    pub(crate) dialect: Option<Dialect>,
    pub(crate) auth: Option<Auth>,
    pub(crate) api_key: Option<SecretString>,
    pub(crate) on_hangup: Option<OnHangup>,
    /// `None`: as the catalog has it; an empty list removes the catalog's.
    pub(crate) quirks: Option<Vec<Quirk>>,
    /// `None`: as the catalog has it, or unknown.
    pub(crate) data_policy: Option<DataPolicy>,
    pub(crate) models: Vec<ModelSettings>,
}

/// A `[[providers.<slug>.models]]` table.
#[derive(Debug, Clone)]
pub(crate) struct ModelSettings {
    pub(crate) id: ModelSlug,
    /// Which endpoint, where a built-in provider has several of the model.
    pub(crate) tag: Option<String>,
    pub(crate) upstream_id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) context_length: Option<u32>,
    pub(crate) max_output: Option<u32>,
    /// `None`: as the catalog has it, or unknown.
    pub(crate) capabilities: Option<Vec<Capability>>,
    /// The prices that are stated. A provider of one's own states `prompt` and `completion` at least.
    pub(crate) pricing: Rates,
}

/// `PORTOLAN_INIT_*`: what is created at boot if absent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Init {
    pub(crate) api_key: Option<ApiKey>,
    pub(crate) management_key: Option<ApiKey>,
    pub(crate) org: Option<String>,
    pub(crate) admin_email: Option<String>,
    pub(crate) admin_password_file: Option<PathBuf>,
}

/// A setting, as `portolan config show` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Entry {
    /// The dotted path.
    pub(crate) key: String,
    /// As TOML, secrets masked.
    pub(crate) value: String,
    pub(crate) origin: Origin,
}

impl Init {
    /// One line for each variable that is set and belongs to a part that is not built yet.
    pub(crate) fn not_built(&self) -> Vec<String> {
        let set = [
            ("PORTOLAN_INIT_MANAGEMENT_KEY", self.management_key.is_some()),
            ("PORTOLAN_INIT_ADMIN_EMAIL", self.admin_email.is_some()),
            ("PORTOLAN_INIT_ADMIN_PASSWORD_FILE", self.admin_password_file.is_some()),
        ];
        set.iter().filter(|(_, set)| *set).map(|(name, _)| format!("{name} is ignored: that part is not built yet")).collect()
    }
}

impl Config {
    /// Drops what the environment offers as a provider's key and is one of our own: users export theirs under the customary names.
    pub(crate) fn disown(&mut self, is_own: impl Fn(&str) -> bool) {
        let ProviderKeys { found, ignored } = &mut self.provider_keys;
        found.retain(|key| match &key.origin {
            Origin::Env(name) if is_own(key.secret.expose_secret()) => {
                ignored.push(format!("{name} is ignored: it is one of this instance's own keys, no provider's"));
                false
            }
            _ => true,
        });
    }

    /// Where a setting comes from. `None`: no such setting, or it has no value.
    pub(crate) fn origin_of(&self, key: &str) -> Option<&Origin> {
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.origin)
    }

    /// A mistake of a setting, at the place where the setting stands.
    pub(crate) fn problem(&self, key: impl Into<String>, message: impl Into<String>) -> Problem {
        let key = key.into();
        let origin = self.origin_of(&key).cloned().unwrap_or(Origin::Default);
        Problem::new(origin, key, message)
    }

    /// The URL that users know, without a slash at its end. Without a setting it is the bound address;
    /// "all interfaces" is no address that one can call, so loopback stands for it.
    pub(crate) fn public_url(&self, bound: SocketAddr) -> String {
        self.server.public_url.clone().unwrap_or_else(|| callable_url(bound))
    }

    /// Whether the simulator is allowed at all. In the production profile it never is.
    pub(crate) fn simulator_allowed(&self) -> bool {
        self.profile == Profile::Development && self.simulator != Simulator::Off
    }

    /// The socket of the running server, for the command line.
    pub(crate) fn admin_socket(&self) -> PathBuf {
        self.data_dir.join("admin.sock")
    }
}

pub(super) fn callable_url(bound: SocketAddr) -> String {
    let callable = match bound {
        SocketAddr::V4(at) if at.ip().is_unspecified() => SocketAddr::from(([127, 0, 0, 1], at.port())),
        SocketAddr::V6(at) if at.ip().is_unspecified() => SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, at.port())),
        other => other,
    };
    format!("http://{callable}")
}
