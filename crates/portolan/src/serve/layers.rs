//! The catalog of a configuration: its layers put together, and what of the configuration does not go with them.

use portolan_catalog::sync::Synced;
use portolan_catalog::{Attestation, Catalog, CatalogError, ModelOverlay, NotAttested, Pricing, ProviderOverlay, Via};
use portolan_core::{Meter, Rates};

use crate::config::{Config, ConfigError, ModelSettings, Problem, ProviderSettings, nearest};

/// The layers put together.
pub(super) struct Layered {
    pub(super) catalog: Catalog,
    unmet: Vec<Unmet>,
}

/// An attestation that does not hold.
struct Unmet {
    problem: Problem,
    /// Whether it covers no endpoint.
    is_absent: bool,
}

/// The built-in rows and the configuration over them.
///
/// # Errors
/// When the configuration contradicts itself or the built-in rows.
pub(super) fn alone(config: &Config) -> Result<Layered, ConfigError> {
    layered(config, None).map_err(|e| wrong_rows(config, &e))
}

/// The same with a live catalog between the two.
///
/// # Errors
/// What is wrong with its rows, in words, unless [`alone`] has an error too.
pub(super) fn with(synced: &Synced, config: &Config) -> Result<Layered, String> {
    layered(config, Some(synced)).map_err(|e| format!("its rows do not go with the configuration: {e}"))
}

/// Over all layers lies what an administrator vouches for.
fn layered(config: &Config, synced: Option<&Synced>) -> Result<Layered, CatalogError> {
    let overlays: Vec<ProviderOverlay> = config.providers.iter().map(overlay).collect();
    let (catalog, wrong) = Catalog::layered(synced, &overlays)?.attested(&config.attestations);
    let unmet = wrong.into_iter().map(|(i, why)| unmet(config, &catalog, i, &why)).collect();
    Ok(Layered { catalog, unmet })
}

impl Layered {
    /// The catalog, and a line for each attestation that holds for nothing because a source, where there is one, may have dropped
    /// its endpoints.
    ///
    /// # Errors
    /// The attestations that are wrong whatever a source says.
    pub(super) fn checked(self, has_source: bool) -> Result<(Catalog, Vec<String>), ConfigError> {
        let may_come_back = |one: &Unmet| one.is_absent && has_source;
        let (gone, wrong): (Vec<Unmet>, Vec<Unmet>) = self.unmet.into_iter().partition(may_come_back);
        let warnings = gone.iter().map(Unmet::warning).collect();
        if wrong.is_empty() {
            return Ok((self.catalog, warnings));
        }
        Err(ConfigError::new(wrong.into_iter().map(|one| one.problem).collect(), warnings))
    }

    /// The catalog, and a line for each attestation that does not hold: what a source says stops nothing that runs.
    pub(super) fn unchecked(self) -> (Catalog, Vec<String>) {
        let warnings = self.unmet.iter().map(Unmet::warning).collect();
        (self.catalog, warnings)
    }
}

impl Unmet {
    fn warning(&self) -> String {
        let until = if self.is_absent { "; it vouches for nothing until a sync brings it" } else { "" };
        format!("{}{until}", self.problem)
    }
}

fn unmet(config: &Config, catalog: &Catalog, index: usize, why: &NotAttested) -> Unmet {
    let Attestation { endpoints, area, .. } = &config.attestations[index];
    let said = area.map_or("", |area| area.as_str());
    let (field, message) = match why {
        NotAttested::Nothing => ("endpoints", nothing(catalog, endpoints)),
        NotAttested::Elsewhere(tag, known) => {
            let known = known.as_str();
            ("area", format!("`{tag}` stands in {known}, so nobody can attest {said}; write area = \"{known}\", or name other endpoints"))
        }
        NotAttested::Disputed(tag, other, by) => {
            ("area", format!("attestations[{by}] says that `{tag}` stands in {}; remove one of the two", other.as_str()))
        }
    };
    let problem = config.problem(format!("attestations[{index}].{field}"), message);
    Unmet { problem, is_absent: *why == NotAttested::Nothing }
}

fn nothing(catalog: &Catalog, named: &str) -> String {
    let tags = catalog.endpoints.iter().map(|endpoint| endpoint.tag.as_str());
    let slugs = catalog.providers.iter().map(|provider| provider.slug.as_str());
    let near = nearest(named, slugs.chain(tags)).map_or(String::new(), |near| format!(" (did you mean `{near}`?)"));
    format!("`{named}` is no provider and no tag of the catalog{near}; write one that `portolan catalog show MODEL` lists")
}

/// The rows that make no catalog: models whose names mean something else.
fn wrong_rows(config: &Config, error: &CatalogError) -> ConfigError {
    let builtin = Catalog::builtin();
    let mut problems = Vec::new();
    for provider in &config.providers {
        for (i, model) in provider.models.iter().enumerate() {
            if let Some(why) = meant_otherwise(&builtin, model) {
                problems.push(config.problem(format!("providers.{}.models[{i}].id", provider.slug), why));
            }
        }
    }
    if problems.is_empty() {
        problems.push(match error {
            // What is wrong with one model is said at its place.
            CatalogError::Invalid { place, field, problem } if place.ends_with(']') => config.problem(format!("{place}.{field}"), problem),
            _ => config.problem("providers", error.to_string()),
        });
    }
    ConfigError::new(problems, Vec::new())
}

fn meant_otherwise(builtin: &Catalog, own: &ModelSettings) -> Option<String> {
    let known = builtin.resolve(own.id.as_str())?;
    let model = builtin.model_at(known.model);
    match known.via {
        _ if model.router => {
            Some(format!("`{}` is a router, which chooses among models and is served by nobody; choose another name", own.id))
        }
        Via::Alias | Via::Redirect => {
            Some(format!("`{}` is another name of `{1}`; write id = \"{1}\", or choose another name", own.id, model.slug))
        }
        _ => None,
    }
}

fn overlay(provider: &ProviderSettings) -> ProviderOverlay {
    ProviderOverlay {
        slug: provider.slug.clone(),
        name: provider.name.clone(),
        base_url: provider.base_url.clone(),
        dialect: provider.dialect,
        auth: provider.auth,
        quirks: provider.quirks.clone(),
        on_hangup: provider.on_hangup,
        api_key_env: None,
        privacy_policy_url: None,
        terms_of_service_url: None,
        status_page_url: None,
        headquarters: None,
        datacenters: None,
        data_policy: provider.data_policy,
        models: provider.models.iter().map(model).collect(),
    }
}

fn model(model: &ModelSettings) -> ModelOverlay {
    ModelOverlay {
        id: model.id.clone(),
        tag: model.tag.clone(),
        upstream_id: model.upstream_id.clone(),
        name: model.name.clone(),
        context_length: model.context_length,
        max_output: model.max_output,
        pricing: pricing(&model.pricing),
        dialect: None,
        quirks: None,
        capabilities: model.capabilities.as_ref().map(|all| all.iter().copied().collect()),
        supported_parameters: None,
        input_modalities: None,
        output_modalities: None,
        region: None,
        quantization: None,
    }
}

fn pricing(rates: &Rates) -> Pricing {
    Pricing {
        prompt: rates.listed(Meter::Input),
        completion: rates.listed(Meter::Output),
        cache_read: rates.listed(Meter::CacheRead),
        cache_write: rates.listed(Meter::CacheWrite5m),
        cache_write_1h: rates.listed(Meter::CacheWrite1h),
        internal_reasoning: rates.listed(Meter::Reasoning),
        audio: rates.listed(Meter::InputAudio),
        audio_output: rates.listed(Meter::OutputAudio),
        image_token: rates.listed(Meter::InputImage),
        image_output: rates.listed(Meter::OutputImage),
        request: rates.listed(Meter::Request),
        web_search: rates.listed(Meter::Search),
        audio_cache_read: None,
        tiers: Vec::new(),
    }
}
