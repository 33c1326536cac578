//! What lasts: the journal on disk, and the database that is a fold of it.
//!
//! The journal is the truth about what was sent and what ended; see [`Journal`]. Generations and what they
//! charge reach the database by the fold only, each exactly once. Keys, tenants and small facts are written to
//! the database directly. Only this crate knows SQL. Nothing here spawns a task: whoever owns the tasks runs
//! [`Journal::run`]. One thread of its own writes the database.

mod dir;
mod error;
mod fold;
mod journal;
mod options;
mod query;
mod sql;
mod store;

pub use error::{JournalError, StoreError};
pub use fold::ended_at;
pub use journal::{Append, Journal};
pub use options::{Durability, Options};
pub use query::{GenerationFilter, Health, KeyPageFilter, Order, Page, Recovered};
pub use store::Store;
