//! Anthropic's Messages, as an endpoint's dialect.
//!
//! A request becomes `POST {base}/messages` ([`encode`]); an answer, streamed or whole, becomes events
//! ([`events`]); a failure becomes a fault ([`error`]). What a model can do beyond the format follows from
//! its name alone ([`model`]), so that no table of models is kept in code.

mod answer;
mod block;
mod cache;
pub mod encode;
pub mod error;
pub mod events;
mod ids;
pub mod model;
mod schema;
mod thinking;
mod tools;
mod turns;
mod usage;

/// OpenRouter's name for the family that signs these thinking blocks.
pub const FAMILY: &str = "anthropic-claude-v1";
/// The path of the one call that is made.
pub(crate) const PATH: &str = "/messages";
/// The version of the API that is spoken.
pub const VERSION: &str = "2023-06-01";
