//! Lays an overlay over the rows.

use std::collections::BTreeMap;

use portolan_core::Quantization;

use super::change::{self, Place};
use super::{ModelOverlay, ProviderOverlay};
use crate::rows::{EndpointRow, ModelRow, ProviderRow, ServiceTiers};
use crate::{CatalogError, DataOrigin, assemble};

/// What an OpenAI-compatible server takes as a rule, tools included.
const CUSTOMARY_PARAMETERS: &[&str] = &[
    "max_tokens",
    "temperature",
    "top_p",
    "stop",
    "frequency_penalty",
    "presence_penalty",
    "seed",
    "tools",
    "tool_choice",
    "response_format",
    "structured_outputs",
];

/// The models that an overlay brings along.
pub(crate) fn add_models(overlay: &ProviderOverlay, models: &mut Vec<ModelRow>) -> Result<(), CatalogError> {
    for model in &overlay.models {
        if assemble::is_reserved(&model.id) {
            return Err(CatalogError::invalid(place(overlay), "id", format!("`{}` is a name of the simulator", model.id)));
        }
        if !models.iter().any(|row| row.slug == model.id) {
            models.push(own_model(model));
        }
    }
    Ok(())
}

/// A provider's row, with what the overlays say of it, the later over the earlier.
pub(crate) fn laid_over(mut row: ProviderRow, overlays: &[ProviderOverlay]) -> Result<ProviderRow, CatalogError> {
    let slug = row.slug.clone();
    for overlay in overlays.iter().filter(|overlay| overlay.slug == slug) {
        if let Some(url) = &overlay.base_url {
            check_url(url).map_err(|problem| CatalogError::invalid(place(overlay), "base_url", problem))?;
        }
        override_columns(&mut row, overlay);
        for (i, model) in overlay.models.iter().enumerate() {
            match change::place(&row, model) {
                Ok(Place::At(at)) => change::lay_over(&mut row.endpoints[at], model),
                Ok(Place::New) => row.endpoints.push(own_endpoint(model)),
                Err((field, problem)) => return Err(CatalogError::invalid(format!("{}.models[{i}]", place(overlay)), field, problem)),
            }
        }
    }
    Ok(row)
}

fn place(overlay: &ProviderOverlay) -> String {
    format!("providers.{}", overlay.slug)
}

/// The row of a provider that only an overlay knows, before it is laid over.
pub(crate) fn own_provider(overlay: &ProviderOverlay) -> Result<ProviderRow, CatalogError> {
    let Some(base_url) = overlay.base_url.clone().filter(|url| !url.is_empty()) else {
        let problem = "is needed, for no built-in provider has this name".to_owned();
        return Err(CatalogError::invalid(place(overlay), "base_url", problem));
    };
    Ok(ProviderRow::new(overlay.slug.to_string(), overlay.slug.clone(), base_url, DataOrigin::Configuration))
}

fn override_columns(row: &mut ProviderRow, overlay: &ProviderOverlay) {
    fn set<T: Clone>(column: &mut T, value: Option<&T>) {
        if let Some(value) = value {
            column.clone_from(value);
        }
    }
    fn set_optional<T: Clone>(column: &mut Option<T>, value: Option<&T>) {
        if let Some(value) = value {
            *column = Some(value.clone());
        }
    }
    row.origin = DataOrigin::Configuration;
    set(&mut row.name, overlay.name.as_ref());
    row.moved |= overlay.base_url.is_some();
    set(&mut row.base_url, overlay.base_url.as_ref());
    set_optional(&mut row.dialect, overlay.dialect.as_ref());
    set(&mut row.auth, overlay.auth.as_ref());
    set(&mut row.quirks, overlay.quirks.as_ref());
    set(&mut row.on_hangup, overlay.on_hangup.as_ref());
    set(&mut row.api_key_env, overlay.api_key_env.as_ref());
    set(&mut row.datacenters, overlay.datacenters.as_ref());
    if let Some(policy) = overlay.data_policy {
        // What the operator has agreed with the provider holds for all its endpoints.
        row.data_policy = policy;
        row.attested = true;
        row.endpoints.iter_mut().for_each(|endpoint| endpoint.data_policy = None);
    }
    set_optional(&mut row.privacy_policy_url, overlay.privacy_policy_url.as_ref());
    set_optional(&mut row.terms_of_service_url, overlay.terms_of_service_url.as_ref());
    set_optional(&mut row.status_page_url, overlay.status_page_url.as_ref());
    set_optional(&mut row.headquarters, overlay.headquarters.as_ref());
}

fn own_model(overlay: &ModelOverlay) -> ModelRow {
    let mut row = ModelRow::of_configuration(overlay.id.clone(), overlay.name.clone());
    if let Some(taken) = &overlay.input_modalities {
        row.input_modalities.clone_from(taken);
    }
    if let Some(given) = &overlay.output_modalities {
        row.output_modalities.clone_from(given);
    }
    row
}

fn own_endpoint(overlay: &ModelOverlay) -> EndpointRow {
    let customary = || CUSTOMARY_PARAMETERS.iter().map(|&p| p.to_owned()).collect();
    EndpointRow {
        model: overlay.id.clone(),
        tag: None,
        upstream_id: Some(overlay.upstream_id.clone().unwrap_or_else(|| overlay.id.to_string())),
        region: overlay.region.clone(),
        dialect: overlay.dialect,
        context_length: overlay.context_length,
        max_prompt_tokens: None,
        max_output: overlay.max_output,
        quantization: overlay.quantization.as_deref().and_then(Quantization::parse),
        supported_parameters: overlay.supported_parameters.clone().unwrap_or_else(customary),
        capabilities: overlay.capabilities,
        without_input: Vec::new(),
        tool_choice: None,
        // A price of zero that the operator wrote is meant.
        free: overlay.pricing.is_zero(),
        pricing: overlay.pricing.clone(),
        service_tiers: ServiceTiers::default(),
        media: Vec::new(),
        skus: BTreeMap::new(),
        data_policy: None,
        zdr: false,
        zdr_basis: None,
        implicit_caching: false,
        native_web_search: false,
        file_urls: false,
        video_urls: false,
        passthrough_parameters: Vec::new(),
        deprecation_date: None,
        quirks: overlay.quirks.clone().unwrap_or_default(),
        requires_setting: None,
        task: None,
        origin: DataOrigin::Configuration,
        own: true,
        own_region: overlay.region.is_some(),
        line: 0,
    }
}

/// A base URL has a scheme and a host; what else could stand in a URL would be lost when the dialect appends its path,
/// or, as a credential, be sent where nobody looks for it.
fn check_url(url: &str) -> Result<(), String> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split('/').next()).unwrap_or_default();
    if host.is_empty() {
        return Err(format!("`{url}` is no http or https URL"));
    }
    match url.chars().find(|c| c.is_whitespace() || c.is_control() || "?#@".contains(*c)) {
        Some('@') => Err("holds a credential; it belongs in `api_key`".to_owned()),
        Some(c) => Err(format!("`{url}` holds {c:?}, which a base URL cannot")),
        None => Ok(()),
    }
}
