//! The catalog in the shape of OpenRouter's answers, with what OpenAI's clients look for beside it.
//!
//! Every field that a strict client requires is there; what is unknown is `null`, for nullable is not optional.

mod endpoint;
mod filter;
mod listed;
mod media;
mod model;
mod pricing;
mod provider;
mod sort;

pub use endpoint::EndpointStats;
pub use filter::{ModelFilter, PriceRange};
pub use listed::{Alias, Listed, models_answer};
pub use sort::ModelSort;
