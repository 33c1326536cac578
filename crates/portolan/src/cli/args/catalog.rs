//! What `portolan catalog` can be asked for.

use clap::{Args, Subcommand};
use portolan_catalog::sync::Source;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Catalog {
    /// Fetch a live catalog, show what it changes, and apply it
    #[command(after_help = "Examples:\n  portolan catalog sync --dry-run\n  portolan catalog sync --source models-dev\n\n\
        Exit code 9 when the source fails or its answer is not believed; the last good catalog stays in force.")]
    Sync(SyncCatalog),
    /// List all models
    List,
    /// Show a model: its endpoints, callable or why not, where each comes from, prices and policies
    Show {
        /// The model, as in a request
        model: String,
    },
    /// Say which catalog is in force, how old it is, and how the last sync went
    Status,
    /// Ask providers which models the configured credentials really have
    Probe {
        /// One provider [default: all with a credential]
        provider: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(in crate::cli) struct SyncCatalog {
    /// Which source [default: the one of catalog.sync, else openrouter]
    #[arg(long, value_name = "SOURCE", value_parser = Source::ALL.map(Source::as_str))]
    pub(in crate::cli) source: Option<String>,
    /// Where to read it in place of the source's own address
    #[arg(long, value_name = "URL", value_parser = super::http_url)]
    pub(in crate::cli) url: Option<String>,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
}
