//! Live catalogs: reading what a source answers, laying it over the built-in rows, telling what changes.
//!
//! What is live wins, column by column. What the source does not say changes nothing, and some things are not a source's to
//! say: where a provider listens, how it is spoken to, which region an endpoint is in, what happens to
//! prompts. Fetching, time and files are the caller's. [`crate::Catalog::layered`] lays one over the built-in rows.

mod columns;
mod decimal;
mod diff;
mod fields;
mod kept;
mod live;
mod media;
mod merge;
mod models_dev;
mod names;
mod openrouter;
mod prices;
mod stored;
mod variants;

pub use diff::{Change, Diff};
pub use live::{LiveEndpoint, LiveMedia, LiveMediaEndpoint, LiveModel, LiveProvider, Source, SyncError, Synced};
pub(crate) use merge::Over;
pub use models_dev::read_models_dev;
pub use names::OWN_AUTHOR;
pub use openrouter::OpenRouterAnswers;
pub use variants::variant_objection;
