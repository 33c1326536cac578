//! The rows that a snapshot is assembled from, as the data files and the configuration write them.

mod alias;
mod endpoint;
mod model;
mod provider;

pub(crate) use alias::{AliasFile, AliasRow};
pub(crate) use endpoint::{EndpointRow, ServiceTiers};
pub(crate) use model::{ModelFile, ModelRow};
pub(crate) use provider::ProviderRow;

/// All of them, in the order in which they get their indices. The providers, by far the largest part, come one by one.
pub(crate) struct Rows<P> {
    pub(crate) providers: P,
    pub(crate) models: Vec<ModelRow>,
    pub(crate) aliases: Vec<AliasRow>,
}
