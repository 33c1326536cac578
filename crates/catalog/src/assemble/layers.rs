//! What lies over the built-in rows: a live catalog, and over both the configuration.

use portolan_core::ProviderSlug;

use crate::rows::{AliasRow, ModelRow, ProviderRow};
use crate::sync::{Over, Synced};
use crate::{CatalogError, ProviderOverlay, overlay};

/// The layers, to be laid over one provider after the other.
pub(super) struct Layers<'a> {
    live: Option<Over<'a>>,
    overlays: &'a [ProviderOverlay],
}

impl<'a> Layers<'a> {
    /// Lays them over the models.
    pub(super) fn over_models(
        synced: Option<&'a Synced>,
        overlays: &'a [ProviderOverlay],
        models: &mut Vec<ModelRow>,
        aliases: &[AliasRow],
    ) -> Result<Self, CatalogError> {
        let live = synced.map(|synced| Over::models(synced, models, aliases));
        overlays.iter().try_for_each(|one| overlay::add_models(one, models))?;
        Ok(Self { live, overlays })
    }

    /// A provider's row with all layers over it.
    pub(super) fn over(&self, mut row: ProviderRow) -> Result<ProviderRow, CatalogError> {
        if let Some(live) = &self.live {
            live.provider(&mut row);
        }
        overlay::laid_over(row, self.overlays)
    }

    /// The rows of providers that only the layers know.
    pub(super) fn own_providers(&self, is_known: impl Fn(&ProviderSlug) -> bool) -> Result<Vec<ProviderRow>, CatalogError> {
        let mut rows = self.live.as_ref().map(|live| live.own_providers(&is_known)).unwrap_or_default();
        for one in self.overlays {
            if !is_known(&one.slug) && !rows.iter().any(|row| row.slug == one.slug) {
                rows.push(overlay::own_provider(one)?);
            }
        }
        rows.into_iter().map(|row| overlay::laid_over(row, self.overlays)).collect()
    }
}
