//! Other names of models.

use std::collections::BTreeMap;

use portolan_core::ModelSlug;
use serde::Deserialize;
use toml::Spanned;

use crate::place;
use crate::resolve::Via;

/// The file `data/aliases.toml`: name, then the slug that it stands for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AliasFile {
    /// Names that stand for the newest model of a family.
    #[serde(default)]
    pub(crate) aliases: BTreeMap<ModelSlug, Spanned<ModelSlug>>,
    /// Names that a model had before.
    #[serde(default)]
    pub(crate) redirects: BTreeMap<ModelSlug, Spanned<ModelSlug>>,
}

/// One other name.
#[derive(Debug, Clone)]
pub(crate) struct AliasRow {
    pub(crate) name: ModelSlug,
    pub(crate) target: ModelSlug,
    pub(crate) via: Via,
    pub(crate) line: u32,
}

impl AliasRow {
    /// Where it stands.
    pub(crate) fn place(&self) -> String {
        format!("{}:{}", place::ALIASES, self.line)
    }
}
