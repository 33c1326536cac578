//! The `[providers]` tables: columns put over built-in rows, and rows of one's own.

use portolan_catalog::sync::{OWN_AUTHOR, variant_objection};
use portolan_catalog::{DataPolicy, SIMULATOR};
use portolan_core::{Auth, Dialect, ExposeSecret, Meter, ModelSlug, Price, ProviderSlug, Rates, SecretString};
use portolan_engine::is_router;

use super::keys::{BuiltinProvider, missing_part};
use super::reader::Section;
use super::settings::{ModelSettings, ProviderSettings};
use super::values::HttpUrl;

/// The author of OpenRouter's routers.
const OPENROUTER: &str = "openrouter";

/// Columns that only authentications need which are not built yet.
const COLUMNS_NOT_BUILT: &[(&str, &str)] = &[
    ("region", "regions belong to `auth = \"aws_sigv4\"` and \"gcp_service_account\", which are not built yet"),
    ("access_key_id", "`auth = \"aws_sigv4\"` is not built yet"),
    ("secret_access_key", "`auth = \"aws_sigv4\"` is not built yet"),
    ("session_token", "`auth = \"aws_sigv4\"` is not built yet"),
    ("credentials_file", "`auth = \"gcp_service_account\"` is not built yet"),
    ("api_version", "`auth = \"azure\"` is not built yet"),
];

/// The names of prices, and what they are the price of.
const PRICES: &[(&str, Meter)] = &[
    ("prompt", Meter::Input),
    ("completion", Meter::Output),
    ("cache_read", Meter::CacheRead),
    ("cache_write", Meter::CacheWrite5m),
    ("cache_write_1h", Meter::CacheWrite1h),
    ("reasoning", Meter::Reasoning),
    ("audio", Meter::InputAudio),
    ("audio_output", Meter::OutputAudio),
    ("image", Meter::InputImage),
    ("image_output", Meter::OutputImage),
    ("request", Meter::Request),
    ("web_search", Meter::Search),
];

pub(super) fn provider(name: &str, s: &mut Section<'_, '_>, builtins: &[BuiltinProvider]) -> Option<ProviderSettings> {
    let slug = ProviderSlug::parse(name).ok();
    if slug.is_none() {
        s.problem("", "a provider's name has 1 to 64 lowercase letters, digits and dashes");
    }
    if name == SIMULATOR {
        s.problem("", "is the name of the simulator, which has no columns; choose another name");
    }
    let builtin = builtins.iter().find(|row| row.slug == name);
    let own = builtin.is_none();
    let base_url = if own { s.required("base_url", &not_builtin(name, builtins)) } else { s.optional("base_url") };
    let dialect = dialect(s, own);
    let auth = s.built("auth", |auth| missing_part(Dialect::OpenAiChat, *auth));
    let api_key = api_key(s, builtin, dialect, auth);
    let display = s.optional("name");
    let on_hangup = s.optional("on_hangup");
    let quirks = s.optional("quirks");
    let data_policy = s.has("data_policy").then(|| s.section("data_policy", data_policy));
    for (column, why) in COLUMNS_NOT_BUILT {
        s.not_built(column, why);
    }
    if own && !s.has("models") {
        s.problem("models", "is missing: add a [[providers.<name>.models]] table with id and pricing for each model");
    }
    let models = s.tables("models", |s| model(s, name, builtin));
    duplicates(s, &models);
    let auth = auth.or_else(|| own.then(|| default_auth(dialect, api_key.as_ref())));
    Some(ProviderSettings {
        slug: slug?,
        name: display,
        base_url: base_url.map(|url: HttpUrl| url.0),
        dialect,
        auth,
        api_key,
        on_hangup,
        quirks,
        data_policy,
        models,
    })
}

/// What the provider does with prompts, by contract. What is left out is unknown, and counts as the worst.
fn data_policy(s: &mut Section<'_, '_>) -> DataPolicy {
    let policy = DataPolicy {
        training: s.optional("training"),
        retains_prompts: s.optional("retains_prompts"),
        retention_days: s.optional("retention_days"),
        can_publish: s.optional("can_publish"),
    };
    if policy.retains_prompts == Some(false) && policy.retention_days.is_some_and(|days| days > 0) {
        s.problem("retention_days", "is above 0 where retains_prompts = false; remove one of the two");
    }
    policy
}

fn not_builtin(name: &str, builtins: &[BuiltinProvider]) -> String {
    let near = super::nearest::nearest(name, builtins.iter().map(|row| row.slug.as_str()));
    let hint = near.map_or(String::new(), |near| format!(" (did you mean the built-in provider `{near}`?)"));
    format!("`{name}` is not built in{hint}, so it needs base_url, dialect and models")
}

fn dialect(s: &mut Section<'_, '_>, own: bool) -> Option<Dialect> {
    let not_built = |dialect: &Dialect| missing_part(*dialect, Auth::None);
    if own {
        return s.required_built("dialect", "write \"openai_chat\" or \"anthropic\", whichever the provider speaks", not_built);
    }
    s.built("dialect", not_built)
}

fn api_key(
    s: &mut Section<'_, '_>,
    builtin: Option<&BuiltinProvider>,
    dialect: Option<Dialect>,
    auth: Option<Auth>,
) -> Option<SecretString> {
    // What is wrong with the dialect or the auth of one's own row is said there.
    let missing = builtin.and_then(|row| row.missing_part(dialect, auth));
    let was_set = s.has("api_key");
    let key = s.built("api_key", |_: &SecretString| missing.clone());
    match (auth, &key) {
        (Some(Auth::None), Some(_)) => s.problem("api_key", "is set, but `auth = \"none\"` never sends it; remove one of the two"),
        (Some(auth @ (Auth::Bearer | Auth::Header)), None) if builtin.is_none() && !was_set => {
            s.problem("api_key", format!("is missing: `auth = \"{}\"` sends it; without a key write `auth = \"none\"`", auth.as_str()));
        }
        _ => {}
    }
    key
}

/// What most servers of the dialect expect.
fn default_auth(dialect: Option<Dialect>, key: Option<&SecretString>) -> Auth {
    match (key.map(ExposeSecret::expose_secret), dialect) {
        (None, _) => Auth::None,
        (Some(_), Some(Dialect::Anthropic | Dialect::Gemini)) => Auth::Header,
        (Some(_), _) => Auth::Bearer,
    }
}

fn model(s: &mut Section<'_, '_>, provider: &str, builtin: Option<&BuiltinProvider>) -> Option<ModelSettings> {
    let own = builtin.is_none();
    let id = s.required("id", "write the public name of the model, such as \"my-org/my-model\"");
    if id.as_ref().is_some_and(|id: &ModelSlug| id.author() == SIMULATOR) {
        s.problem("id", "is a name of the simulator; choose one that does not begin with `simulator/`");
    }
    if let Some(id) = id.as_ref().filter(|id| is_router(id.as_str())) {
        s.problem("id", format!("`{id}` is a router, which chooses among models and is served by nobody; choose another name"));
    } else if let Some(id) = id.as_ref().filter(|id| is_taken(id.author(), provider)) {
        s.problem("id", format!("`{id}`: names that begin with `{}/` are no models of yours; choose another author", id.author()));
    }
    if let Some((id, why)) = id.as_ref().and_then(|id| Some((id, variant_objection(id)?))) {
        let plain = id.as_str().split(':').next().unwrap_or_default();
        s.problem("id", format!("`{id}` cannot be the name of a model: {why}; choose another name, such as `{plain}`"));
    }
    let tag = s.optional("tag");
    let upstream_id = s.optional("upstream_id");
    let name = s.optional("name");
    let context_length = s.optional::<u32>("context_length");
    let max_output = s.optional::<u32>("max_output");
    if let (Some(context), Some(output)) = (context_length, max_output)
        && output > context
    {
        s.problem("max_output", format!("is larger than context_length ({context})"));
    }
    let capabilities = s.optional("capabilities");
    if own && !s.has("pricing") {
        // A price that nobody stated must not be taken for zero.
        s.problem(
            "pricing",
            "is missing: write pricing = { prompt = \"0.0000002\", completion = \"0.0000008\" } (USD per token; \"0\" is free)",
        );
    }
    let stated = s.has("pricing");
    let pricing = s.section("pricing", |s| pricing(s, own && stated));
    let is_known = id.as_ref().is_some_and(|id| builtin.is_some_and(|row| row.serves.contains(id)));
    if !own && !is_known && [Meter::Input, Meter::Output].into_iter().any(|meter| pricing.listed(meter).is_none()) {
        let warning = format!("{} lacks prompt or completion: a model of unknown price is listed and cannot be called", s.key("pricing"));
        s.reader.warnings.push(warning);
    }
    Some(ModelSettings { id: id?, tag, upstream_id, name, context_length, max_output, capabilities, pricing })
}

/// The gateway's own names, and those of OpenRouter's routers, which only that provider serves.
fn is_taken(author: &str, provider: &str) -> bool {
    let is = |name: &str| author.eq_ignore_ascii_case(name);
    is(OWN_AUTHOR) || (is(OPENROUTER) && provider != OPENROUTER)
}

fn pricing(s: &mut Section<'_, '_>, complete: bool) -> Rates {
    let mut rates = Rates::default();
    for (key, meter) in PRICES {
        let base = matches!(meter, Meter::Input | Meter::Output);
        let price = if base && complete { s.required(key, "write USD per token, such as \"0.0000002\"") } else { s.optional::<Price>(key) };
        let Some(price) = price else { continue };
        rates = rates.with(*meter, price);
        // No model costs a cent per token; whoever writes that means a million of them.
        if base && price > Price(10_000_000_000) {
            let warning = format!("{} is {price} USD per token: prices are per token, not per million tokens", s.key(key));
            s.reader.warnings.push(warning);
        }
    }
    rates
}

fn duplicates(s: &mut Section<'_, '_>, models: &[ModelSettings]) {
    for (i, model) in models.iter().enumerate() {
        if models[..i].iter().any(|other| (&other.id, &other.tag) == (&model.id, &model.tag)) {
            s.problem(&format!("models[{i}].id"), format!("`{}` is listed twice", model.id));
        }
    }
}
