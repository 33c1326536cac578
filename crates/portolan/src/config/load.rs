//! Loading: find the file, put environment and flags over it, read, check.

use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use portolan_core::ApiKey;

use super::environment::Environment;
use super::keys::{BuiltinProvider, ProviderKeys, provider_keys};
use super::problem::{ConfigError, Origin, Problem};
use super::reader::{Reader, Section};
use super::setting::quoted;
use super::settings::{Config, Entry, Init};
use super::tree::{self, Node, Table, Value};
use super::{Profile, Simulator, check, overrides, paths, providers, sections};

/// A configuration is small. What is larger is another file.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// What the command line says about the configuration.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flags {
    /// `--config`
    pub(crate) config: Option<PathBuf>,
    /// `--data-dir`
    pub(crate) data_dir: Option<PathBuf>,
    /// `--listen`
    pub(crate) listen: Option<SocketAddr>,
}

/// Loads the configuration. To reload it, call it again with the same arguments.
///
/// # Errors
/// All mistakes at once, with their places.
pub(crate) fn load(flags: &Flags, env: &Environment, builtins: &[BuiltinProvider]) -> Result<Config, ConfigError> {
    let one = |problem| ConfigError::new(vec![problem], Vec::new());
    let file = paths::config_file(flags, env).map_err(one)?;
    let mut root = match &file {
        Some(path) => read_file(path).map_err(|problems| ConfigError::new(problems, Vec::new()))?,
        None => Table::new(),
    };
    let strays = overrides::apply(&mut root, env, builtins);
    if let Some(listen) = flags.listen {
        put_listen(&mut root, listen);
    }
    let base = file.as_deref().and_then(Path::parent).map(PathBuf::from).unwrap_or_default();
    let mut reader = Reader::new(env, base);
    let mut config = reader.root(root, |s| read(s, builtins));
    let Reader { problems, warnings, entries, referenced, .. } = reader;
    let strays: Vec<String> = strays.into_iter().filter(|name| !referenced.contains(&format!("PORTOLAN_{name}"))).collect();
    (config.file, config.warnings, config.entries) = (file, warnings, entries);
    config.warnings.extend(overrides::warnings(&strays, builtins));
    finish(config, problems, flags, env, builtins)
}

fn finish(
    mut config: Config,
    mut problems: Vec<Problem>,
    flags: &Flags,
    env: &Environment,
    builtins: &[BuiltinProvider],
) -> Result<Config, ConfigError> {
    match paths::data_dir(flags, env) {
        Ok((dir, origin)) => {
            config.entries.push(Entry { key: "data_dir".into(), value: quoted(&dir.to_string_lossy()), origin });
            config.data_dir = dir;
        }
        Err(problem) => problems.push(problem),
    }
    config.init = init(env, &mut problems);
    config.provider_keys = provider_keys(&config.providers, &config.entries, env, builtins);
    let from_env = |key: &super::keys::ProviderKey| {
        let path = format!("providers.{}.api_key", key.provider);
        config.origin_of(&path).is_none().then(|| Entry { key: path, value: quoted(&key.masked), origin: key.origin.clone() })
    };
    let found: Vec<Entry> = config.provider_keys.found.iter().filter_map(from_env).collect();
    config.entries.extend(found);
    let (more, warnings) = check::check(&config);
    problems.extend(more);
    config.warnings.extend(warnings);
    if problems.is_empty() { Ok(config) } else { Err(ConfigError::new(problems, config.warnings)) }
}

fn read_file(path: &Path) -> Result<Table, Vec<Problem>> {
    let shown: Arc<str> = path.to_string_lossy().into();
    let at = Origin::File { path: Arc::clone(&shown), line: 1, column: 1 };
    let fail = |why: String| vec![Problem::new(at.clone(), "", why)];
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|e| fail(format!("cannot be read: {e}")))?;
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|e| fail(format!("cannot be read: {e}")))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(fail(format!("is larger than {FILE_BYTES_MAX} bytes")));
    }
    let text = String::from_utf8(bytes).map_err(|_| fail("is not UTF-8".into()))?;
    tree::parse(&text, &shown)
}

fn put_listen(root: &mut Table, listen: SocketAddr) {
    let flag = Origin::Flag("--listen");
    let server = root.entry("server".into()).or_insert_with(|| Node::new(Value::Table(Table::new()), flag.clone()));
    if let Value::Table(server) = &mut server.value {
        server.insert("listen".into(), Node::new(Value::Text(listen.to_string()), flag));
    }
}

fn read(s: &mut Section<'_, '_>, builtins: &[BuiltinProvider]) -> Config {
    let (profile, simulator) = (s.or("profile", Profile::Development), s.or("simulator", Simulator::Auto));
    let (server, admin) = (s.section("server", sections::server), s.section("admin", sections::admin));
    s.section("storage", sections::storage);
    Config {
        profile,
        simulator,
        server,
        admin,
        journal: s.section("journal", sections::journal),
        catalog: s.section("catalog", sections::catalog),
        egress: s.section("egress", sections::egress),
        timeouts: s.section("timeouts", sections::timeouts),
        logging: s.section("logging", sections::logging),
        routing: s.section("routing", sections::routing),
        region: s.section("region", sections::region),
        attestations: s.tables("attestations", sections::attestation),
        providers: s.named("providers", |name, s| providers::provider(name, s, builtins)),
        provider_keys: ProviderKeys::default(),
        data_dir: PathBuf::new(),
        file: None,
        init: Init::default(),
        warnings: Vec::new(),
        entries: Vec::new(),
    }
}

fn init(env: &Environment, problems: &mut Vec<Problem>) -> Init {
    let mut key = |name: &str| {
        let parsed = ApiKey::parse(env.get(name)?.trim());
        parsed.map_err(|e| problems.push(Problem::new(Origin::Env(name.to_owned()), "", e.to_string()))).ok()
    };
    Init {
        api_key: key("PORTOLAN_INIT_API_KEY"),
        management_key: key("PORTOLAN_INIT_MANAGEMENT_KEY"),
        org: env.get("PORTOLAN_INIT_ORG").map(str::to_owned),
        admin_email: env.get("PORTOLAN_INIT_ADMIN_EMAIL").map(str::to_owned),
        admin_password_file: env.get("PORTOLAN_INIT_ADMIN_PASSWORD_FILE").map(PathBuf::from),
    }
}
