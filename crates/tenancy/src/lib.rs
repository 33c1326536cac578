//! Who may call, and with what limits: keys, their rules, and how they look from outside.
//!
//! Pure: the clock and the random source are arguments, the database is someone else's. The data plane
//! reads a [`Snapshot`]; a change makes the next one. Limits are stated here and kept by the ledger.

mod admin;
mod auth;
mod decimal;
mod field;
mod instant;
mod patch;
mod record;
mod request;
mod snapshot;
mod view;

pub use admin::{AdminError, KeyAdmin, KeyFilter, KeyState, Pending};
pub use auth::Denied;
pub use field::Invalid;
pub use instant::{InstantError, parse_instant, print_instant};
pub use patch::KeyPatch;
pub use record::{KeyDraft, KeyRecord, KeyScope};
pub use request::NewKey;
pub use snapshot::Snapshot;
pub use view::{CurrentKeyView, FreeModelDailyRequests, KeyBudget, KeyView, RateLimit, Spent};
