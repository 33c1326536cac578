//! The credentials of providers: from their tables, and from the environment by their customary names.

use std::collections::BTreeSet;

use portolan_catalog::{is_auth_built, is_dialect_built};
use portolan_core::{Auth, Dialect, ExposeSecret, ModelSlug, ProviderSlug, SecretString};

use super::environment::Environment;
use super::problem::Origin;
use super::settings::{Entry, ProviderSettings};
use super::values::mask;

/// What the configuration needs to know of a provider in the catalog.
#[derive(Debug, Clone)]
pub(crate) struct BuiltinProvider {
    pub(crate) slug: String,
    pub(crate) dialect: Dialect,
    pub(crate) auth: Auth,
    /// The customary environment variables of its key. The first that is set is taken.
    pub(crate) key_env: Vec<String>,
    /// The models that it serves.
    pub(crate) serves: BTreeSet<ModelSlug>,
    /// Why the provider cannot be called yet, where that is not its dialect or its authentication.
    pub(crate) not_built: Option<String>,
}

/// A credential that was found.
#[derive(Debug, Clone)]
pub(crate) struct ProviderKey {
    pub(crate) provider: ProviderSlug,
    pub(crate) origin: Origin,
    pub(crate) secret: SecretString,
    pub(crate) masked: String,
}

/// The credentials of all providers.
#[derive(Debug, Clone, Default)]
pub(crate) struct ProviderKeys {
    /// At most one per provider.
    pub(crate) found: Vec<ProviderKey>,
    /// One line for each variable that is set and cannot be used.
    pub(crate) ignored: Vec<String>,
}

/// Customary variables of providers that the catalog may not list yet. Whoever sets one wants to hear of it.
const CUSTOMARY: &[(&str, &str)] = &[
    ("OPENROUTER_API_KEY", "OpenRouter"),
    ("GEMINI_API_KEY", "Google Gemini"),
    ("AWS_ACCESS_KEY_ID", "Amazon Bedrock"),
    ("AWS_BEARER_TOKEN_BEDROCK", "Amazon Bedrock"),
    ("AZURE_OPENAI_API_KEY", "Azure OpenAI"),
    ("GOOGLE_APPLICATION_CREDENTIALS", "Google Vertex"),
    ("COHERE_API_KEY", "Cohere"),
    ("MISTRAL_API_KEY", "Mistral"),
    ("DEEPSEEK_API_KEY", "DeepSeek"),
    ("XAI_API_KEY", "xAI"),
    ("FIREWORKS_API_KEY", "Fireworks"),
    ("GROQ_API_KEY", "Groq"),
    ("TOGETHER_API_KEY", "Together"),
    ("DEEPINFRA_API_KEY", "DeepInfra"),
];

/// Which part a row needs that is not built yet.
pub(super) fn missing_part(dialect: Dialect, auth: Auth) -> Option<String> {
    if !is_dialect_built(dialect) {
        return Some(format!("the dialect `{}` is not built yet", dialect.as_str()));
    }
    if !is_auth_built(auth) {
        return Some(format!("`auth = \"{}\"` is not built yet", auth.as_str()));
    }
    None
}

impl BuiltinProvider {
    /// Which part the row needs, with these columns put over it, that is not built yet.
    pub(super) fn missing_part(&self, dialect: Option<Dialect>, auth: Option<Auth>) -> Option<String> {
        let missing = missing_part(dialect.unwrap_or(self.dialect), auth.unwrap_or(self.auth));
        // A row whose dialect was replaced is one that its user has made callable.
        missing.or_else(|| self.not_built.clone().filter(|_| dialect.is_none()))
    }
}

/// Gathers the credentials. A table wins over a customary variable.
pub(super) fn provider_keys(
    tables: &[ProviderSettings],
    entries: &[Entry],
    env: &Environment,
    builtins: &[BuiltinProvider],
) -> ProviderKeys {
    let mut keys = ProviderKeys::default();
    for table in tables {
        let Some(secret) = &table.api_key else { continue };
        let path = format!("providers.{}.api_key", table.slug);
        let origin = entries.iter().find(|entry| entry.key == path).map_or(Origin::Default, |entry| entry.origin.clone());
        keys.found.push(ProviderKey { provider: table.slug.clone(), origin, masked: mask(secret.expose_secret()), secret: secret.clone() });
    }
    for row in builtins {
        from_environment(row, tables, env, &mut keys);
    }
    let claimed = |name: &str| builtins.iter().any(|row| row.key_env.iter().any(|n| n == name));
    for (name, provider) in CUSTOMARY {
        if env.get(name).is_some() && !claimed(name) {
            keys.ignored.push(format!("{name} is ignored: {provider} as a provider is not built yet"));
        }
    }
    keys
}

fn from_environment(row: &BuiltinProvider, tables: &[ProviderSettings], env: &Environment, keys: &mut ProviderKeys) {
    let Ok(provider) = ProviderSlug::parse(&row.slug) else { return };
    let Some((name, value)) = row.key_env.iter().find_map(|name| Some((name, env.get(name)?.trim()))) else { return };
    if keys.found.iter().any(|key| key.provider == provider) {
        return;
    }
    let table = tables.iter().find(|table| table.slug == provider);
    let missing = row.missing_part(table.and_then(|t| t.dialect), table.and_then(|t| t.auth));
    let unusable = || (value.is_empty() || !value.bytes().all(|b| b.is_ascii_graphic())).then(|| "its value can be no key".to_owned());
    let unsent =
        || table.and_then(|t| t.auth).filter(|auth| *auth == Auth::None).map(|_| format!("`providers.{provider}.auth` is \"none\""));
    match missing.or_else(unusable).or_else(unsent) {
        Some(why) => keys.ignored.push(format!("{name} is ignored for {provider}: {why}")),
        None => keys.found.push(ProviderKey {
            provider,
            origin: Origin::Env(name.clone()),
            masked: mask(value),
            secret: value.to_owned().into(),
        }),
    }
}
