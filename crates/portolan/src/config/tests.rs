//! What users see of the configuration: values, origins, mistakes, warnings.

use std::fmt::Write;
use std::path::Path;

use portolan_core::{Auth, Dialect, ExposeSecret, Meter, ModelSlug, OnHangup, Price};

use super::{BuiltinProvider, Config, ConfigError, Environment, Flags, load};

fn row(slug: &str, dialect: Dialect, auth: Auth, key_env: &[&str]) -> BuiltinProvider {
    let key_env = key_env.iter().map(|name| (*name).to_owned()).collect();
    let serves = [ModelSlug::parse(&format!("{slug}/known")).unwrap()].into();
    BuiltinProvider { slug: slug.into(), dialect, auth, key_env, serves, not_built: None }
}

fn builtins() -> Vec<BuiltinProvider> {
    vec![
        row("openai", Dialect::OpenAiChat, Auth::Bearer, &["OPENAI_API_KEY"]),
        row("anthropic", Dialect::Anthropic, Auth::Header, &["ANTHROPIC_API_KEY"]),
        row("amazon-bedrock", Dialect::BedrockConverse, Auth::AwsSigV4, &["AWS_ACCESS_KEY_ID"]),
        row("google", Dialect::Gemini, Auth::Header, &["GEMINI_API_KEY", "GOOGLE_API_KEY"]),
    ]
}

type Pairs<'a> = &'a [(&'a str, &'a str)];

fn environment(pairs: Pairs<'_>) -> Environment {
    let home = ("HOME", "/home/me");
    pairs.iter().chain([&home]).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Loads `toml` as `portolan.toml`; the folder is cut out of what is said about it.
fn load_text(toml: &str, env: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("portolan.toml");
    std::fs::write(&path, toml).unwrap();
    load(&Flags { config: Some(path), ..Flags::default() }, &environment(env), &builtins())
}

fn mistakes(toml: &str, env: &[(&str, &str)]) -> String {
    match load_text(toml, env) {
        Ok(_) => "(no mistake)".into(),
        Err(error) => error.to_string().lines().map(without_folder).collect::<Vec<_>>().join("\n"),
    }
}

fn without_folder(line: &str) -> String {
    line.find("portolan.toml:").map_or(line.to_owned(), |at| line[at..].to_owned())
}

const OWN: &str = r#"
[providers.my-vllm]
name = "My vLLM"
base_url = "http://10.0.0.5:8000/v1"
dialect = "openai_chat"
auth = "bearer"
api_key = "${env:VLLM_KEY}"
on_hangup = "cancel"
[[providers.my-vllm.models]]
id = "my-org/my-model"
upstream_id = "my-model"
context_length = 32768
max_output = 4096
pricing = { prompt = "0.0000002", completion = "0.0000008" }
"#;

/// Every kind of mistake: what stands in the file, in the environment.
const MISTAKES: &[(&str, &str, Pairs)] = &[
    ("no TOML", "[server\nlisten = \"127.0.0.1:1\"\n[admin", &[]),
    ("an unknown key with a near name", "[server]\n  listne = \"127.0.0.1:1\"", &[]),
    ("an unknown key with no near name", "[journal]\ncolour = 1", &[]),
    ("an unknown section", "[sever]\nlisten = \"127.0.0.1:1\"", &[]),
    ("a key outside its section", "listen = \"127.0.0.1:1\"", &[]),
    ("a section that is no table", "server = 3", &[]),
    ("wrong types", "profile = 1\n[server]\nlisten = 4747\nbody_bytes_max = -1\ndrain_timeout = 60\n[egress]\nallow = \"10.0.0.0/8\"", &[]),
    (
        "wrong values",
        "profile = \"prod\"\nsimulator = \"onn\"\n[timeouts]\nidle = \"1 week\"\n[egress]\nallow = [\"10.0.0.0/8\", \"x\"]",
        &[],
    ),
    ("a missing variable", "[server]\npublic_url = \"${env:PUBLIC}\"", &[]),
    ("a missing file", "[providers.openai]\napi_key = \"${file:/nowhere/key}\"", &[]),
    ("a replaced value is not repeated", "[server]\nlisten = \"${env:SECRET}\"", &[("SECRET", "hunter2hunter2")]),
    ("an unquoted secret is not repeated", "[providers.openai]\napi_key = sk-hunter2", &[]),
    ("a secret of the wrong type is not repeated", "[providers.openai]\napi_key = 99887766", &[]),
    ("a secret that no header can carry", "[providers.openai]\napi_key = \"hunter2 hunter2\"", &[]),
    ("a wrong variable", "", &[("PORTOLAN_SERVER__LISTEN", "4747"), ("PORTOLAN_TIMEOUTS__IDLE", "soon")]),
    ("a wrong initial key is not repeated", "", &[("PORTOLAN_INIT_API_KEY", "hunter2")]),
    ("not built: storage", "[storage]\nurl = \"postgres://u:hunter2@h/db\"\nredis = \"redis://:hunter2@h\"", &[]),
    ("not built: a built-in provider", "[providers.google]\napi_key = \"hunter2hunter2\"", &[]),
    (
        "not built: columns",
        "[providers.amazon-bedrock]\nregion = \"eu-west-1\"\naccess_key_id = \"hunter2\"\nsecret_access_key = \"hunter2\"",
        &[],
    ),
    ("not built: dialect and auth", "[providers.openai]\ndialect = \"openai_responses\"\nauth = \"azure\"", &[]),
    ("an own provider that lacks all", "[providers.mine]", &[]),
    ("a misspelt built-in provider", "[providers.opnai]\napi_key = \"hunter2hunter2\"", &[]),
    (
        "an own provider without its key",
        "[providers.mine]\nbase_url = \"http://x\"\ndialect = \"anthropic\"\nauth = \"header\"\nmodels = []",
        &[],
    ),
    (
        "an own provider with wrong columns",
        "[providers.Mine]\nbase_url = \"ftp://x\"\ndialect = \"openai\"\nauth = \"none\"\napi_key = \"k\"\non_hangup = \"stop\"\nquirks = [\"no_dun\"]\nmodels = 3",
        &[],
    ),
    (
        "wrong models",
        "[providers.mine]\nbase_url = \"http://u:hunter2@x\"\ndialect = \"openai_chat\"\n[[providers.mine.models]]\nid = \"a/b\"\ncontext_length = 10\nmax_output = 20\npricing = { prompt = 0.1, completion = \"1e-6\", inptu = \"1\" }\n[[providers.mine.models]]\nid = \"a/b\"\npricing = { prompt = \"0\" }\n[[providers.mine.models]]\nname = \"x\"\n",
        &[],
    ),
    (
        "limits and names of models that are none",
        "[[providers.openai.models]]\nid = \"portolan/foo\"\ncontext_length = 99999999999999\n[[providers.openai.models]]\nid = \"openrouter/foo\"\ncontext_length = 0\nmax_output = -1\n[[providers.openai.models]]\nid = \"openai/twice\"\ntag = \"openai/eu\"\n[[providers.openai.models]]\nid = \"openai/twice\"\ntag = \"openai\"\n[[providers.openai.models]]\nid = \"openai/twice\"\ntag = \"openai/eu\"\n",
        &[],
    ),
    ("settings that do not fit together", "[server]\nlisten = \"127.0.0.1:4748\"\nbody_bytes_max = 10\n[timeouts]\nconnect = \"0s\"", &[]),
    ("probes in too quick a succession", "[routing]\nprobe_interval = \"4999ms\"", &[]),
    ("an address that is part of another", "[server]\nlisten = \"127.0.0.1:9\"\n[admin]\nlisten = \"[::]:9\"", &[]),
];

#[test]
fn every_mistake_is_named_with_its_place_and_its_remedy() {
    let mut all = String::new();
    for (what, toml, env) in MISTAKES {
        let said = mistakes(toml, env);
        assert!(!said.contains("hunter2") && !said.contains("99887766"), "{what} shows a secret: {said}");
        writeln!(all, "## {what}\n{said}\n").unwrap();
    }
    insta::assert_snapshot!(all);
}

#[test]
fn the_defaults_are_shown_with_every_setting() {
    let config = load_text("", &[]).unwrap();
    assert_eq!(config.warnings, Vec::<String>::new());
    let shown: String = config.entries.iter().map(|entry| format!("{} = {} ({})\n", entry.key, entry.value, entry.origin)).collect();
    insta::assert_snapshot!(shown);
}

#[test]
fn a_provider_of_ones_own_is_read_with_its_models_and_prices() {
    let config = load_text(OWN, &[("VLLM_KEY", "vllm-0123456789abcdef")]).unwrap();
    let provider = &config.providers[0];
    assert_eq!((provider.slug.as_str(), provider.name.as_deref()), ("my-vllm", Some("My vLLM")));
    assert_eq!(
        (provider.dialect, provider.auth, provider.on_hangup),
        (Some(Dialect::OpenAiChat), Some(Auth::Bearer), Some(OnHangup::Cancel))
    );
    assert_eq!(provider.api_key.as_ref().unwrap().expose_secret(), "vllm-0123456789abcdef");
    let model = &provider.models[0];
    assert_eq!((model.id.as_str(), model.upstream_id.as_deref(), model.max_output), ("my-org/my-model", Some("my-model"), Some(4096)));
    assert_eq!(model.pricing.listed(Meter::Input), Some(Price(200_000)));
    assert_eq!(model.pricing.listed(Meter::Output), Some(Price(800_000)));
    assert_eq!(model.pricing.listed(Meter::CacheRead), None);
}

#[test]
fn a_flag_wins_over_the_environment_which_wins_over_the_file_which_wins_over_the_default() {
    let toml = "[server]\nlisten = \"127.0.0.1:1\"\nbody_bytes_max = 2048\ndrain_timeout = \"5s\"";
    let env = [("PORTOLAN_SERVER__LISTEN", "127.0.0.1:2"), ("PORTOLAN_SERVER__BODY_BYTES_MAX", "4096"), ("PORTOLAN_PROFILE", "production")];
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("portolan.toml");
    std::fs::write(&path, toml).unwrap();
    let flags = Flags { config: Some(path), listen: Some("127.0.0.1:3".parse().unwrap()), ..Flags::default() };
    let config = load(&flags, &environment(&env), &[]).unwrap();
    assert_eq!(config.server.listen.port(), 3);
    assert_eq!(config.server.body_bytes_max, 4096);
    let origin = |key: &str| without_folder(&config.origin_of(key).unwrap().to_string());
    assert_eq!(origin("server.listen"), "flag --listen");
    assert_eq!(origin("server.body_bytes_max"), "env PORTOLAN_SERVER__BODY_BYTES_MAX");
    assert_eq!(origin("server.drain_timeout"), "portolan.toml:4");
    assert_eq!(origin("profile"), "env PORTOLAN_PROFILE");
    assert_eq!(origin("timeouts.idle"), "default");
    assert_eq!(config.public_url("0.0.0.0:9".parse().unwrap()), "http://127.0.0.1:9");
}

#[test]
fn a_variable_finds_providers_with_dashes_in_the_file_in_the_catalog_and_on_its_own() {
    let env = [
        ("PORTOLAN_PROVIDERS__MY_VLLM__API_KEY", "from-the-environment"),
        ("PORTOLAN_PROVIDERS__OPENAI__BASE_URL", "https://proxy.example.com/v1"),
        ("PORTOLAN_PROVIDERS__ON_ITS_OWN__BASE_URL", "http://127.0.0.1:8000/v1"),
        ("PORTOLAN_PROVIDERS__ON_ITS_OWN__DIALECT", "openai_chat"),
        ("PORTOLAN_PROVIDERS__ON_ITS_OWN__MODELS", r#"[{ id = "a/b", pricing = { prompt = "0", completion = "0" } }]"#),
    ];
    // VLLM_KEY is not set, but what refers to it is overridden.
    let config = load_text(OWN, &env).unwrap();
    let slugs: Vec<_> = config.providers.iter().map(|provider| provider.slug.as_str()).collect();
    assert_eq!(slugs, ["my-vllm", "on-its-own", "openai"]);
    assert_eq!(config.providers[0].api_key.as_ref().unwrap().expose_secret(), "from-the-environment");
    assert_eq!(config.providers[1].models[0].id.as_str(), "a/b");
    assert_eq!(config.providers[1].auth, Some(Auth::None));
    assert_eq!(config.providers[2].base_url.as_deref(), Some("https://proxy.example.com/v1"));
    assert_eq!(config.warnings, Vec::<String>::new());
}

#[test]
fn variables_that_are_no_settings_only_warn() {
    let env = [
        ("PORTOLAN_SERVICE_HOST", "10.0.0.1"),
        ("PORTOLAN_PORT_4747_TCP_ADDR", "10.0.0.1"),
        ("PORTOLAN_PROFIL", "x"),
        ("PORTOLAN_SERVER__LISTNE", "x"),
        ("PORTOLAN_SERVER__LISTEN__DEEPER", "x"),
        ("PORTOLAN_SERVER", "x"),
        ("PORTOLAN_SEVER__LISTEN", "x"),
        ("PORTOLAN_PROFILE__X", "x"),
        ("PORTOLAN_PROVIDERS__OPENAI", "x"),
        ("PORTOLAN_PROVIDERS__ANTROPIC__API_KEY", "x"),
        ("PORTOLAN_PROVIDERS__OPENAI__API_KYE", "x"),
        ("PORTOLAN__", "x"),
        ("PORTOLAN_EMPTY", ""),
        ("PORTOLAN_MY_OWN", "http://gateway.example.com"),
        ("PORTOLAN_DATA_DIR", "/data"),
        ("PORTOLAN_INIT_ORG", "Acme"),
    ];
    let config = load_text("[server]\npublic_url = \"${env:PORTOLAN_MY_OWN}\"\n[providers.openai]", &env).unwrap();
    assert_eq!(config.data_dir, Path::new("/data"));
    assert_eq!(config.init.org.as_deref(), Some("Acme"));
    insta::assert_snapshot!(config.warnings.join("\n"));
}

#[test]
fn a_variable_of_a_part_that_is_not_built_is_ignored_with_one_line_and_the_file_holds_again() {
    let env = [
        ("PORTOLAN_STORAGE__URL", "postgres://u:hunter2@h/db"),
        ("PORTOLAN_STORAGE__REDIS", "redis://:hunter2@h"),
        ("PORTOLAN_PROVIDERS__OPENAI__DIALECT", "openai_responses"),
        ("PORTOLAN_PROVIDERS__GOOGLE__API_KEY", "hunter2"),
        ("PORTOLAN_PROVIDERS__AMAZON_BEDROCK__REGION", "eu-west-1"),
    ];
    let config = load_text("[storage]\nurl = \"sqlite\"\n[providers.openai]\ndialect = \"openai_chat\"", &env).unwrap();
    assert_eq!(without_folder(&config.origin_of("storage.url").unwrap().to_string()), "portolan.toml:2");
    assert_eq!(config.providers.iter().find(|p| p.slug.as_str() == "openai").unwrap().dialect, Some(Dialect::OpenAiChat));
    assert!(!config.warnings.join("\n").contains("hunter2"));
    insta::assert_snapshot!(config.warnings.join("\n"));
}

#[test]
fn lowering_the_total_timeout_alone_is_no_mistake_and_no_warning() {
    assert_eq!(load_text("[timeouts]\ntotal = \"5s\"", &[]).unwrap().warnings, Vec::<String>::new());
}

#[test]
fn probes_are_off_unless_an_interval_of_five_seconds_or_more_is_set() {
    for (toml, seconds) in [("", 0), ("[routing]\nprobe_interval = \"0s\"", 0), ("[routing]\nprobe_interval = \"5s\"", 5)] {
        assert_eq!(load_text(toml, &[]).unwrap().routing.probe_interval.as_secs(), seconds, "{toml}");
    }
}

#[test]
fn what_is_allowed_but_risky_warns() {
    let toml = "profile = \"development\"\n[server]\nlisten = \"0.0.0.0:4747\"\n[admin]\nlisten = \"0.0.0.0:4748\"\n[timeouts]\nfirst_token = \"20m\"\n[providers.openai]\n[[providers.openai.models]]\nid = \"openai/new\"\npricing = { prompt = \"2.5\" }\n[[providers.openai.models]]\nid = \"openai/known\"\npricing = { completion = \"0.1\" }";
    let mut warnings = load_text(toml, &[]).unwrap().warnings;
    let production = load_text("profile = \"production\"\nsimulator = \"on\"", &[]).unwrap();
    assert!(!production.simulator_allowed());
    warnings.extend(production.warnings);
    insta::assert_snapshot!(warnings.join("\n"));
}

#[test]
fn provider_keys_come_from_tables_and_customary_variables_and_are_masked() {
    let env = [
        ("OPENAI_API_KEY", "sk-env-0123456789abcdef"),
        ("ANTHROPIC_API_KEY", "sk-ant-0123456789abcdef"),
        ("GOOGLE_API_KEY", "AIza0123456789abcdef"),
        ("AWS_ACCESS_KEY_ID", "AKIA0123456789abcdef"),
        ("OPENROUTER_API_KEY", "sk-or-v1-0123456789abcdef"),
        ("GROQ_API_KEY", ""),
    ];
    let config = load_text("[providers.anthropic]\napi_key = \"sk-file-0123456789abcdef\"", &env).unwrap();
    let keys = &config.provider_keys;
    let found: Vec<_> =
        keys.found.iter().map(|k| format!("{} {} {}", k.provider, k.masked, without_folder(&k.origin.to_string()))).collect();
    assert_eq!(found, ["anthropic sk-...def portolan.toml:2", "openai sk-...def env OPENAI_API_KEY"]);
    assert_eq!(keys.found[0].secret.expose_secret(), "sk-file-0123456789abcdef");
    insta::assert_snapshot!(keys.ignored.join("\n"));
    let everything = format!("{config:?}");
    assert!(!everything.contains("0123456789abcdef"), "no secret in the debug form or in an entry: {everything}");
}

#[test]
fn a_secret_from_a_file_beside_the_configuration_loses_its_newline_only() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("key"), "sk-0123456789abcdef\r\n").unwrap();
    let path = dir.path().join("portolan.toml");
    std::fs::write(&path, "[providers.openai]\napi_key = \"${file:key}\"").unwrap();
    let config = load(&Flags { config: Some(path), ..Flags::default() }, &environment(&[]), &builtins()).unwrap();
    assert_eq!(config.providers[0].api_key.as_ref().unwrap().expose_secret(), "sk-0123456789abcdef");
}
