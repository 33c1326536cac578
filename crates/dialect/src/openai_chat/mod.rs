//! OpenAI's Chat Completions, as OpenRouter extends it: the caller's dialect and that of most endpoints.

pub mod decode;
pub mod encode;
pub mod patch;
pub mod peek;
pub mod preferences;
pub mod answer;
mod calls;
mod delta;
mod edit;
pub mod error;
pub mod events;
pub mod finish;
mod list;
pub mod raw;
pub mod usage;
