//! The snapshot, and how to find something in it.

use std::collections::HashMap;

use portolan_core::{ModelSlug, ProviderSlug};
use serde::{Deserialize, Serialize};

use crate::resolve::Resolved;
use crate::suggest::Suggester;
use crate::sync::Synced;
use crate::{Endpoint, Model, Provider, ProviderOverlay, assemble, builtin};

macro_rules! index {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);
    };
}

index!(
    /// Points to an endpoint of one snapshot.
    EndpointIx(u32)
);
index!(
    /// Points to a model of one snapshot.
    ModelIx(u32)
);
index!(
    /// Points to a provider of one snapshot.
    ProviderIx(u16)
);

/// Rows that make no catalog.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// A file or table has another form. The message names the field.
    #[error("{place}: {message}")]
    Syntax {
        /// Which file or table.
        place: String,
        /// What is wrong.
        message: String,
    },
    /// A key that nothing has.
    #[error("{place}: unknown key `{key}`{}", nearest.as_ref().map(|n| format!(", did you mean `{n}`?")).unwrap_or_default())]
    UnknownKey {
        /// Which table.
        place: String,
        /// The key.
        key: String,
        /// The nearest known one.
        nearest: Option<&'static str>,
    },
    /// A value that no row may have.
    #[error("{place}: `{field}` {problem}")]
    Invalid {
        /// Which row.
        place: String,
        /// Which column.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

impl CatalogError {
    pub(crate) fn invalid(place: String, field: &'static str, problem: impl Into<String>) -> Self {
        Self::Invalid { place, field, problem: problem.into() }
    }
}

/// Everything that can be served: an immutable snapshot. Indices of one snapshot mean nothing in another.
#[derive(Debug, Clone)]
pub struct Catalog {
    /// Counts snapshots; every record keeps the one it was planned with. 1 until [`Catalog::at_epoch`] says otherwise.
    pub epoch: u64,
    /// All providers.
    pub providers: Vec<Provider>,
    /// All models, by slug.
    pub models: Vec<Model>,
    /// All endpoints.
    pub endpoints: Vec<Endpoint>,
    pub(crate) by_slug: HashMap<ModelSlug, Resolved>,
    pub(crate) by_provider: HashMap<ProviderSlug, ProviderIx>,
    /// The letters of each name of a provider.
    pub(crate) by_name: HashMap<String, ProviderIx>,
    pub(crate) wildcards: Vec<ModelIx>,
    pub(crate) suggester: Suggester,
}

impl Catalog {
    /// The data that the program carries. They are read anew by each call, which costs milliseconds; nothing is kept.
    #[must_use]
    pub fn builtin() -> Catalog {
        Self::layered(None, &[]).expect("a test loads every data file")
    }

    /// The built-in data with the configuration's providers laid over them.
    ///
    /// # Errors
    /// As [`Catalog::layered`].
    pub fn builtin_with(overlays: &[ProviderOverlay]) -> Result<Catalog, CatalogError> {
        Self::layered(None, overlays)
    }

    /// The built-in data, over them a live catalog, over both the configuration's providers.
    ///
    /// # Errors
    /// When an overlay contradicts itself or the rows; the message names provider and field. A live catalog that was read by
    /// this crate contradicts nothing.
    pub fn layered(synced: Option<&Synced>, overlays: &[ProviderOverlay]) -> Result<Catalog, CatalogError> {
        assemble::assemble(builtin::rows()?, synced, overlays)
    }

    /// The same snapshot under another number.
    #[must_use]
    pub fn at_epoch(self, epoch: u64) -> Catalog {
        Catalog { epoch, ..self }
    }

    /// The model of an index.
    #[must_use]
    pub fn model_at(&self, ix: ModelIx) -> &Model {
        &self.models[ix.0 as usize]
    }

    /// The endpoint of an index.
    #[must_use]
    pub fn endpoint(&self, ix: EndpointIx) -> &Endpoint {
        &self.endpoints[ix.0 as usize]
    }

    /// The provider of an index.
    #[must_use]
    pub fn provider(&self, ix: ProviderIx) -> &Provider {
        &self.providers[usize::from(ix.0)]
    }

    /// The provider of this slug.
    #[must_use]
    pub fn provider_by_slug(&self, slug: &str) -> Option<&Provider> {
        self.by_provider.get(slug).map(|ix| self.provider(*ix))
    }

    /// The index of the provider of this slug.
    #[must_use]
    pub fn provider_ix(&self, slug: &str) -> Option<ProviderIx> {
        self.by_provider.get(slug).copied()
    }

    /// The provider that serves an endpoint.
    #[must_use]
    pub fn provider_of(&self, ix: EndpointIx) -> &Provider {
        self.provider(self.endpoint(ix).provider)
    }

    /// The endpoints of a model.
    pub fn endpoints_of(&self, model: &Model) -> impl Iterator<Item = &Endpoint> {
        model.endpoints.iter().map(|ix| self.endpoint(*ix))
    }

    /// Up to `n` names that resemble `slug`, of models or of aliases, the nearest first. Costs some microseconds whatever the text is.
    #[must_use]
    pub fn nearest(&self, slug: &str, n: usize) -> Vec<&ModelSlug> {
        self.suggester.nearest(slug, n)
    }
}
