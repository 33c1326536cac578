//! Which models exist, who serves them, at what price and under which data policy: one immutable snapshot.
//!
//! A snapshot is assembled from rows: the built-in ones (`data/`, one file per provider and one per model author)
//! and those of the configuration. Everything else points into it by index. It knows nothing of credentials,
//! of routing, of HTTP or of time.

mod assemble;
mod attest;
mod builtin;
mod catalog;
mod endpoint;
mod model;
mod overlay;
mod present;
mod pricing;
mod provider;
mod rows;
mod suggest;

pub use attest::Attestation;
pub use catalog::{Catalog, CatalogError, EndpointIx, ModelIx, ProviderIx};
pub use endpoint::{DataPolicy, Endpoint, NotCallable, ToolChoice, is_auth_built, is_dialect_built};
pub use model::{DefaultParameters, Model, ReasoningInfo};
pub use overlay::{ModelOverlay, ProviderOverlay};
pub use present::{Alias, EndpointStats, Listed, ModelFilter, ModelSort, PriceRange, models_answer};
pub use pricing::Pricing;
pub use provider::{DataOrigin, Provider, SIMULATOR};
