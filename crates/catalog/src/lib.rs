//! Which models exist, who serves them, at what price and under which data policy: one immutable snapshot.
//!
//! A snapshot is assembled from rows: the built-in ones (`data/`, one file per provider and one per author of models), over
//! them what a live source says ([`sync`]), over that those of the configuration. Everything else points into it by index. It
//! knows nothing of credentials, of routing, of HTTP or of time.

mod assemble;
mod attest;
mod builtin;
mod catalog;
mod endpoint;
mod media;
mod model;
mod overlay;
mod place;
mod present;
mod pricing;
mod provider;
mod resolve;
mod rows;
mod suggest;
pub mod sync;

pub use attest::{Attestation, NotAttested};
pub use catalog::{Catalog, CatalogError, EndpointIx, ModelIx, ProviderIx};
pub use endpoint::{
    DataPolicy, Endpoint, NotCallable, ToolChoice, ZdrBasis, is_auth_built, is_dialect_built, is_service_tier_built, is_task_built,
};
pub use media::{MediaAbilities, MediaPrice, MediaPricing, MediaUnit, MediaVariant, Range};
pub use model::{DefaultParameters, Model, ReasoningInfo, ZdrGroup};
pub use overlay::{ModelOverlay, ProviderOverlay};
pub use present::{Alias, EndpointStats, Listed, ModelFilter, ModelSort, PriceRange, models_answer};
pub use pricing::Pricing;
pub use provider::{DataOrigin, Provider, SIMULATOR};
pub use resolve::{Resolved, Via};
