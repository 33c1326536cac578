//! Which model a name means, and by what right.

use portolan_core::ModelSlug;
use serde::{Deserialize, Serialize};

use crate::provider::letters;
use crate::{Catalog, Model, ModelIx, ProviderIx, SIMULATOR};

/// By what a name means a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// It is the model's slug.
    Slug,
    /// It is the model's permanent, dated slug.
    Canonical,
    /// It stands for the newest model of a family: `~anthropic/claude-haiku-latest`.
    Alias,
    /// The model was called so before.
    Redirect,
    /// A wildcard of the simulator covers it.
    Wildcard,
}

/// What a name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolved {
    /// The model.
    pub model: ModelIx,
    /// Why this one.
    pub via: Via,
}

impl Catalog {
    /// What a request means by `slug`. A model's own slug wins over every other meaning.
    #[must_use]
    pub fn resolve(&self, slug: &str) -> Option<Resolved> {
        self.by_slug.get(slug).copied().or_else(|| self.wildcard(slug).map(|model| Resolved { model, via: Via::Wildcard }))
    }

    /// The model that a request means by `slug`, by whichever of the ways of [`Via`].
    #[must_use]
    pub fn model(&self, slug: &str) -> Option<&Model> {
        self.model_ix(slug).map(|ix| self.model_at(ix))
    }

    /// As [`Catalog::model`], the index.
    #[must_use]
    pub fn model_ix(&self, slug: &str) -> Option<ModelIx> {
        self.resolve(slug).map(|resolved| resolved.model)
    }

    /// The names of aliases and of renamed models, each with what it means, in no order.
    pub fn aliases(&self) -> impl Iterator<Item = (&ModelSlug, Resolved)> {
        self.by_slug.iter().filter(|(_, r)| matches!(r.via, Via::Alias | Via::Redirect)).map(|(name, r)| (name, *r))
    }

    /// The provider that a caller means by `text`: a slug first, then a slug or display name in any case, then another name that
    /// clients know.
    #[must_use]
    pub fn provider_called(&self, text: &str) -> Option<ProviderIx> {
        self.provider_ix(text).or_else(|| self.by_name.get(&letters(text)).copied())
    }

    fn wildcard(&self, slug: &str) -> Option<ModelIx> {
        if !slug.starts_with(SIMULATOR) {
            return None;
        }
        let covers =
            |ix: &ModelIx| slug.strip_prefix(self.model_at(*ix).slug.as_str()).is_some_and(|rest| rest.len() > 1 && rest.starts_with('-'));
        self.wildcards.iter().copied().find(covers)
    }
}
