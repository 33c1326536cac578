//! OpenAI's Chat Completions, as OpenRouter extends it: the caller's dialect and that of most endpoints.

pub(crate) mod answer;
mod calls;
mod decimal;
pub mod decode;
mod delta;
mod edit;
pub mod encode;
pub mod error;
pub mod events;
pub mod finish;
mod list;
pub mod patch;
pub mod peek;
mod preferences;
pub(crate) mod raw;
mod reseller;
pub mod usage;
