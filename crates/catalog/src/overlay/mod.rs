//! Rows of the configuration: changes to a built-in provider, or a whole provider of one's own.

mod apply;
mod change;

use portolan_core::{Auth, Capabilities, Dialect, ModelSlug, OnHangup, ProviderSlug, Quirk};
use serde::Deserialize;

pub(crate) use apply::{add_models, laid_over, own_provider};

use crate::{CatalogError, DataPolicy, Pricing, suggest};

/// A table `[providers.<slug>]` without its credentials. Each column left out keeps the built-in value.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderOverlay {
    /// Which provider; the name of the table.
    pub slug: ProviderSlug,
    /// Display name; the slug where a provider of one's own has none.
    pub name: Option<String>,
    /// Where its API starts. A provider of one's own needs it.
    pub base_url: Option<String>,
    /// Its wire format; `openai_chat` for a provider of one's own.
    pub dialect: Option<Dialect>,
    /// How requests prove who sends them; `bearer` for a provider of one's own.
    pub auth: Option<Auth>,
    /// Deviations of all its endpoints.
    pub quirks: Option<Vec<Quirk>>,
    /// What to do with a stream whose caller hung up; `drain` for a provider of one's own, for that bills the true usage.
    pub on_hangup: Option<OnHangup>,
    /// Names of environment variables that may hold its key.
    pub api_key_env: Option<Vec<String>>,
    /// Its privacy policy.
    pub privacy_policy_url: Option<String>,
    /// Its terms of service.
    pub terms_of_service_url: Option<String>,
    /// Its status page.
    pub status_page_url: Option<String>,
    /// Its seat, ISO 3166-1 alpha-2.
    pub headquarters: Option<String>,
    /// Countries of its data centers.
    pub datacenters: Option<Vec<String>>,
    /// What it does with prompts.
    pub data_policy: Option<DataPolicy>,
    /// Models that it serves, beside the built-in ones.
    #[serde(default)]
    pub models: Vec<ModelOverlay>,
}

/// A table `[[providers.<slug>.models]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelOverlay {
    /// The public slug. A model that the provider has already is changed by the columns that are stated; any other gets one more endpoint.
    pub id: ModelSlug,
    /// Which endpoint is changed, where the provider has several of the model.
    pub tag: Option<String>,
    /// What the provider calls it; the public slug where left out.
    pub upstream_id: Option<String>,
    /// Display name of a new model.
    pub name: Option<String>,
    /// Prompt and answer together, in tokens; more than any model has where left out.
    pub context_length: Option<u32>,
    /// The longest answer; the context where left out, 131,072 where both are.
    pub max_output: Option<u32>,
    /// USD per unit, as decimal text. Without, the model is listed and not callable: unknown is never free.
    #[serde(default)]
    pub pricing: Pricing,
    /// A wire format of its own.
    pub dialect: Option<Dialect>,
    /// Deviations of its own.
    pub quirks: Option<Vec<Quirk>>,
    /// What it can do; derived from `supported_parameters` where left out.
    pub capabilities: Option<Capabilities>,
    /// The request fields it takes; the customary ones where left out.
    pub supported_parameters: Option<Vec<String>>,
    /// What a new model takes, `["text"]` where left out.
    pub input_modalities: Option<Vec<String>>,
    /// What a new model gives, `["text"]` where left out.
    pub output_modalities: Option<Vec<String>>,
    /// The region, where it is bound to one.
    pub region: Option<String>,
    /// The precision of its weights.
    pub quantization: Option<String>,
}

const PROVIDER_KEYS: &[&str] = &[
    "name",
    "base_url",
    "dialect",
    "auth",
    "quirks",
    "on_hangup",
    "api_key_env",
    "privacy_policy_url",
    "terms_of_service_url",
    "status_page_url",
    "headquarters",
    "datacenters",
    "data_policy",
    "models",
];

const MODEL_KEYS: &[&str] = &[
    "id",
    "tag",
    "upstream_id",
    "name",
    "context_length",
    "max_output",
    "pricing",
    "dialect",
    "quirks",
    "capabilities",
    "supported_parameters",
    "input_modalities",
    "output_modalities",
    "region",
    "quantization",
];

impl ProviderOverlay {
    /// Reads the table `[providers.<slug>]`, from which whoever holds the credentials has taken theirs.
    ///
    /// # Errors
    /// On a wrong slug, an unknown key (the nearest one is suggested) or a value of another form; provider and field are named.
    pub fn parse(slug: &str, mut table: toml::Table) -> Result<Self, CatalogError> {
        let place = format!("providers.{slug}");
        known_keys(&place, &table, PROVIDER_KEYS)?;
        for (i, model) in table.get("models").and_then(toml::Value::as_array).into_iter().flatten().enumerate() {
            let Some(model) = model.as_table() else { continue };
            let place =
                model.get("id").and_then(toml::Value::as_str).map_or(format!("{place}.models[{i}]"), |id| format!("{place}, model {id}"));
            known_keys(&place, model, MODEL_KEYS)?;
            if let Some(pricing) = model.get("pricing").and_then(toml::Value::as_table) {
                known_keys(&format!("{place}, pricing"), pricing, Pricing::KEYS)?;
            }
            // Read one by one, so that a wrong value is told with its model.
            toml::Value::Table(model.clone()).try_into::<ModelOverlay>().map_err(|e| syntax(&place, &e))?;
        }
        table.insert("slug".to_owned(), toml::Value::String(slug.to_owned()));
        toml::Value::Table(table).try_into().map_err(|e| syntax(&place, &e))
    }
}

fn syntax(place: &str, error: &toml::de::Error) -> CatalogError {
    CatalogError::Syntax { place: place.to_owned(), message: error.to_string().trim_end().replace('\n', ", ") }
}

fn known_keys(place: &str, table: &toml::Table, known: &[&'static str]) -> Result<(), CatalogError> {
    match table.keys().find(|key| !known.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => Err(CatalogError::UnknownKey { place: place.to_owned(), key: key.clone(), nearest: suggest::nearest_key(key, known) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys that the derived reader knows, from its own message.
    fn known_to_the_reader<T: serde::de::DeserializeOwned>() -> Vec<String> {
        let table: toml::Table = "no_such_key = 1".parse().unwrap();
        let message = toml::Value::Table(table).try_into::<T>().err().unwrap().to_string();
        let (_, list) = message.split_once("expected one of ").unwrap();
        let mut keys: Vec<String> = list.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        keys.sort();
        keys
    }

    fn sorted(keys: &[&str]) -> Vec<String> {
        let mut keys: Vec<String> = keys.iter().map(|&k| k.to_owned()).collect();
        keys.sort();
        keys
    }

    #[test]
    fn the_keys_that_are_suggested_are_those_that_are_read() {
        assert_eq!(known_to_the_reader::<ProviderOverlay>(), sorted(&[PROVIDER_KEYS, &["slug"]].concat()));
        assert_eq!(known_to_the_reader::<ModelOverlay>(), sorted(MODEL_KEYS));
        assert!(known_to_the_reader::<Pricing>().iter().all(|k| Pricing::KEYS.contains(&k.as_str())));
    }
}
