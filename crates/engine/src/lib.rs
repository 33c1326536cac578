//! The life of a request: plan, hold, attempt, commit, relay, settle. Everything that waits is here.
//!
//! The gateway hands over an [`Inbound`]; the engine answers with a [`Reply`]. Between the two stand
//! the typestates of the money path: a plan needs a caller, sending needs a [`portolan_ledger::Held`],
//! and every held generation ends in exactly one closed journal entry, whatever the caller does.

mod accounts;
mod attempt;
mod chat;
mod deployment;
mod directory;
mod engine;
mod explain;
mod generation;
mod health;
mod metadata;
mod quote;
mod refusal;
mod relay;
mod reply;
mod routers;
mod settings;
mod settle;
pub mod sticky;
mod tasks;
mod wanted;
mod watch;

pub use accounts::{AccountCell, Accounts, Caller};
pub use chat::{Inbound, Origins};
pub use deployment::{Deployment, Make, Route, SIMULATOR_AUTHORITY, SimulatorMode};
pub use directory::Directory;
pub use engine::{Engine, Observer, Parts};
pub use explain::stored_explanation;
pub use health::EndpointStats;
pub use refusal::{Details, Refused, Rule, not_a_model};
pub use reply::{Head, Reply, StreamBody};
pub use routers::{find_listed, is_router};
pub use settings::{Settings, Timeouts};
pub use tasks::Tasks;
