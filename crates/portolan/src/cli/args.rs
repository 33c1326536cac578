//! What can be asked for.

mod catalog;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use portolan_core::{Enforcement, GenerationId, Money, Reset};

pub(super) use catalog::{Catalog, SyncCatalog};

#[derive(Debug, Parser)]
#[command(name = "portolan", version, about = "One API for every model: a self-hosted gateway that speaks OpenRouter's API")]
#[command(after_help = EXAMPLES)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

const EXAMPLES: &str = "\
Without a command, portolan serves. Examples:
  portolan                             start; the first start prints a key
  portolan keys create --name ci --limit 5 --limit-reset daily
  portolan explain --key ci body.json  why a request would go where
  portolan logs show GEN_ID            what was recorded about a request
  portolan config show --origin        every setting, and where it comes from

Exit codes:
  0 ok              3 bad configuration   6 conflict               9 provider failure
  1 failure         4 authentication      7 budget or rate limit  10 unhealthy
  2 usage           5 not found           8 guardrail";

const EXPLAIN_EXAMPLE: &str = r#"Example:
  echo '{"model": "openai/gpt-4o-mini",
    "messages": [{"role": "user", "content": "Hi"}]}' | portolan explain -"#;

/// What every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Everywhere")]
pub(super) struct Global {
    /// Configuration file [else $PORTOLAN_CONFIG, ./portolan.toml, the XDG config home, /etc/portolan/portolan.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Data directory [else $PORTOLAN_DATA_DIR, the XDG data home]
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) data_dir: Option<PathBuf>,
    /// How results are printed; with json, only JSON goes to standard output
    #[arg(short, long, global = true, value_name = "FORMAT", default_value = "human", overrides_with = "output")]
    pub(super) output: Format,
    /// The same as -o json
    #[arg(long, global = true)]
    pub(super) json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Human,
    Json,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Start the gateway
    #[command(after_help = "Example:\n  OPENAI_API_KEY=... portolan serve --listen 127.0.0.1:4747\n\n\
        With no provider key anywhere the simulator answers. SIGTERM drains, SIGHUP reloads the configuration.")]
    Serve(Serve),
    /// Make and manage API keys, beside a running server or without one
    #[command(subcommand, after_help = "A KEY is named by its hash, by the first 6 or more digits of it, or by its name.")]
    Keys(Keys),
    /// Check or show the configuration
    #[command(subcommand)]
    Config(Config),
    /// Say why a request would go where, what it would cost and which rule speaks, without sending it
    #[command(after_help = EXPLAIN_EXAMPLE)]
    Explain(Explain),
    /// Show what is recorded about a request
    #[command(subcommand)]
    Logs(Logs),
    /// Show the models and what can be called; sync the catalog with a live source
    #[command(subcommand)]
    Catalog(Catalog),
    /// Compare what was charged with what the simulator says that it served
    #[command(after_help = "Example:\n  portolan verify --sim http://127.0.0.1:4800\n\nExit code 1 when anything does not match.")]
    Verify(Verify),
    /// Start the simulator as a server of its own
    Sim(Sim),
}

#[derive(Debug, Clone, Default, Args)]
pub(super) struct Serve {
    /// Address of the API [default: 127.0.0.1:4747]
    #[arg(long, value_name = "ADDR:PORT")]
    pub(super) listen: Option<SocketAddr>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Make a key; it is shown only this once
    #[command(after_help = "Examples:\n  portolan keys create --name ci --limit 5 --limit-reset daily\n  \
        portolan keys create --name batch --limit 1 --enforcement strict --json")]
    Create(CreateKey),
    /// List all keys
    List,
    /// Show a key: limit, usage, state
    Show(KeyName),
    /// Refuse a key from now on
    Disable(KeyName),
    /// Accept a disabled key again
    Enable(KeyName),
    /// Delete a key; its records stay
    Delete(KeyName),
    /// Replace a key's secret; the old one is refused at once, limit and usage stay
    Rotate(KeyName),
}

#[derive(Debug, Args)]
pub(super) struct KeyName {
    /// Hash, the first 6 or more digits of it, or name
    pub(super) key: String,
}

#[derive(Debug, Args)]
pub(super) struct CreateKey {
    /// What the key is for
    #[arg(long)]
    pub(super) name: String,
    /// What it may spend, in US dollars [default: no limit]
    #[arg(long, value_name = "USD", value_parser = usd)]
    pub(super) limit: Option<Money>,
    /// When spending starts again at zero, at midnight UTC [default: never]
    #[arg(long, value_name = "PERIOD", value_parser = Reset::ALL.map(Reset::as_str))]
    pub(super) limit_reset: Option<String>,
    /// standard: estimates, nothing is cut; strict: a hard ceiling [default: standard]
    #[arg(long, value_name = "KIND", value_parser = Enforcement::ALL.map(Enforcement::as_str))]
    pub(super) enforcement: Option<String>,
    /// Output tokens held for a request that states no limit of its own (strict)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) max_tokens_default: Option<u32>,
    /// When it stops working: 2027-01-31, 2027-01-31T12:00:00Z, or 30d from now
    #[arg(long, value_name = "TIME", value_parser = super::keys::time)]
    pub(super) expires_at: Option<jiff::Timestamp>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Config {
    /// Print ok, or everything that is wrong
    Check,
    /// Print every setting; secrets are masked
    Show {
        /// Say where each value comes from
        #[arg(long)]
        origin: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct Explain {
    /// Explain for this key [default: the oldest key]
    #[arg(long)]
    pub(super) key: Option<String>,
    /// What the request is for
    #[arg(long, default_value = "chat", value_parser = word)]
    pub(super) task: String,
    /// Seed of the balancing, to repeat a plan
    #[arg(long)]
    pub(super) seed: Option<u64>,
    /// File with the request body, or - for standard input
    #[arg(value_name = "BODY")]
    pub(super) body: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(super) enum Logs {
    /// Show one generation
    Show {
        /// The id, as in the header X-Generation-Id
        #[arg(value_name = "GEN_ID", value_parser = GenerationId::parse)]
        id: GenerationId,
    },
}

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// Where the simulator answers
    #[arg(long, value_name = "URL", value_parser = http_url)]
    pub(super) sim: String,
}

#[derive(Debug, Args)]
pub(super) struct Sim {
    /// Address to listen on
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:4800")]
    pub(super) listen: SocketAddr,
}

fn usd(text: &str) -> Result<Money, String> {
    let money = Money::parse(text).map_err(|e| e.to_string())?;
    if money < Money::ZERO { Err("a limit is not negative".into()) } else { Ok(money) }
}

fn word(text: &str) -> Result<String, String> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if plain { Ok(text.to_owned()) } else { Err("a task is a lowercase word such as chat".into()) }
}

fn http_url(text: &str) -> Result<String, String> {
    let url: http::Uri = text.parse().map_err(|_| "not a URL")?;
    match (url.scheme_str(), url.host()) {
        (Some("http" | "https"), Some(_)) => Ok(text.trim_end_matches('/').to_owned()),
        _ => Err("expected a URL such as http://127.0.0.1:4800".into()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definitions_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_takes_config_data_dir_and_output() {
        for command in [
            "",
            "serve",
            "keys list",
            "keys create --name x",
            "keys rotate x",
            "config check",
            "config show --origin",
            "explain -",
            "logs show gen-1760000000-abcdefghij0123456789",
            "verify --sim http://127.0.0.1:1",
            "catalog sync --dry-run --source models-dev",
            "catalog show openai/gpt-4o-mini",
            "catalog probe",
            "sim",
        ] {
            for after in ["--config c.toml --data-dir d -o json", "--config=c.toml --data-dir=d --json"] {
                let words = format!("portolan {command} {after}");
                let cli = Cli::try_parse_from(words.split_whitespace()).unwrap_or_else(|e| panic!("{words}: {e}"));
                assert_eq!(cli.global.config.as_deref(), Some("c.toml".as_ref()), "{words}");
                assert_eq!(cli.global.data_dir.as_deref(), Some("d".as_ref()), "{words}");
                assert!(cli.global.json || cli.global.output == Format::Json, "{words}");
            }
        }
    }

    #[test]
    fn wrong_arguments_are_usage_errors() {
        for words in [
            "keys create",
            "keys create --name x --limit -1",
            "keys create --name x --limit 1e3",
            "keys create --name x --limit 0.0000000001",
            "keys create --name x --limit 1 --limit-reset hourly",
            "keys create --name x --limit 1 --enforcement lax",
            "keys create --name x --expires-at tomorrow",
            "keys create --name x --max-tokens-default 0",
            "logs show gen-1",
            "verify",
            "catalog sync --source elsewhere",
            "catalog sync --url models.dev",
            "catalog show",
            "verify --sim localhost",
            "serve --listen 4747",
            "explain - --task ../keys",
        ] {
            let parsed = Cli::try_parse_from(std::iter::once("portolan").chain(words.split_whitespace()));
            assert_eq!(parsed.unwrap_err().exit_code(), 2, "{words}");
        }
    }
}
