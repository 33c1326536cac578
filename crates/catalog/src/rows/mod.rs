//! The rows that a snapshot is assembled from, as the data files and the configuration write them.

mod alias;
mod endpoint;
mod model;
mod provider;

pub(crate) use alias::{AliasFile, AliasRow};
pub(crate) use endpoint::{EndpointRow, ServiceTiers};
pub(crate) use model::{ModelFile, ModelRow};
pub(crate) use provider::ProviderRow;

/// All of them, in the order in which they get their indices.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rows {
    pub(crate) providers: Vec<ProviderRow>,
    pub(crate) models: Vec<ModelRow>,
    pub(crate) aliases: Vec<AliasRow>,
}

/// Reads tables that remember where they begin, in bytes; the reader of the file makes lines of it.
fn with_offsets<'de, T, D>(deserializer: D, set: fn(&mut T, u32)) -> Result<Vec<T>, D::Error>
where
    T: serde::Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    let tables: Vec<toml::Spanned<T>> = serde::Deserialize::deserialize(deserializer)?;
    let placed = tables.into_iter().map(|table| {
        let offset = u32::try_from(table.span().start).unwrap_or(u32::MAX);
        let mut row = table.into_inner();
        set(&mut row, offset);
        row
    });
    Ok(placed.collect())
}
