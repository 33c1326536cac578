//! The catalog in the shape of OpenRouter's answers, with what OpenAI's clients look for beside it.
//!
//! Every field that a strict client requires is there; what is unknown is `null`, for nullable is not optional.

mod endpoint;
mod model;
mod pricing;
mod provider;
