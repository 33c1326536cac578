//! The data that the program carries.

use std::sync::LazyLock;

use crate::rows::{ModelFile, ProviderRow, Rows};
use crate::{Catalog, CatalogError, assemble};

macro_rules! files {
    ($folder:literal: $($name:literal)*) => {
        &[$(($name, include_str!(concat!("../data/", $folder, "/", $name, ".toml"))),)*]
    };
}

/// One file per provider.
const PROVIDERS: &[(&str, &str)] = files!("providers": "anthropic" "deepinfra" "groq" "openai" "simulator" "together");

/// One file per author of models.
const MODELS: &[(&str, &str)] =
    files!("models": "anthropic" "deepseek" "google" "meta-llama" "minimax" "mistralai" "moonshotai" "openai" "qwen" "simulator" "z-ai");

static BUILTIN: LazyLock<Catalog> = LazyLock::new(|| load().expect("a test loads every data file"));

pub(crate) fn catalog() -> &'static Catalog {
    &BUILTIN
}

fn load() -> Result<Catalog, CatalogError> {
    let mut rows = Rows::default();
    for (name, text) in PROVIDERS {
        rows.providers.push(read::<ProviderRow>("providers", name, text)?);
    }
    for (name, text) in MODELS {
        let file = read::<ModelFile>("models", name, text)?;
        rows.models.extend(file.models.into_iter().map(|row| crate::rows::ModelRow { author: file.author.clone(), ..row }));
    }
    rows.models.sort_by(|a, b| a.slug.cmp(&b.slug));
    assemble::assemble(rows, 1)
}

fn read<T: serde::de::DeserializeOwned>(folder: &str, name: &str, text: &str) -> Result<T, CatalogError> {
    toml::from_str(text).map_err(|e| CatalogError::Syntax { place: format!("data/{folder}/{name}.toml"), message: e.to_string() })
}
