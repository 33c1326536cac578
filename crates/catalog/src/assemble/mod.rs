//! From rows to a snapshot: indices, defaults, derived columns, and the checks that keep wrong rows out.

mod derive;

use std::collections::HashMap;
use std::sync::Arc;

use portolan_core::{ModelSlug, Quantization, Task};

use crate::rows::{EndpointRow, ModelRow, ProviderRow, Rows};
use crate::suggest::Suggester;
use crate::{Catalog, CatalogError, Endpoint, EndpointIx, Model, ModelIx, Provider, ProviderIx, SIMULATOR};

pub(crate) fn assemble(rows: Rows, epoch: u64) -> Result<Catalog, CatalogError> {
    let mut models = Vec::with_capacity(rows.models.len());
    let mut by_slug = HashMap::new();
    let mut wildcards = Vec::new();
    for row in &rows.models {
        let ix = ModelIx(u32::try_from(models.len()).map_err(|_| too_many(row.slug.as_str()))?);
        if by_slug.insert(row.slug.clone(), ix).is_some() {
            return Err(invalid(row.slug.as_str(), "slug", "stands twice"));
        }
        if row.wildcard {
            if row.slug.author() != SIMULATOR {
                return Err(invalid(row.slug.as_str(), "wildcard", "is for the simulator's models only"));
            }
            wildcards.push(ix);
        }
        models.push(model(row));
    }
    let mut catalog = Catalog {
        epoch,
        providers: Vec::new(),
        models,
        endpoints: Vec::new(),
        by_slug,
        by_provider: HashMap::new(),
        wildcards,
        suggester: Suggester::default(),
        rows: Arc::new(Rows::default()),
    };
    for row in &rows.providers {
        add_provider(&mut catalog, row)?;
    }
    finish_models(&mut catalog, &rows.models);
    catalog.suggester = Suggester::new(&catalog.models);
    catalog.rows = Arc::new(rows);
    Ok(catalog)
}

fn add_provider(catalog: &mut Catalog, row: &ProviderRow) -> Result<(), CatalogError> {
    let ix = ProviderIx(u16::try_from(catalog.providers.len()).map_err(|_| too_many(row.slug.as_str()))?);
    if catalog.by_provider.insert(row.slug.clone(), ix).is_some() {
        return Err(invalid(row.slug.as_str(), "slug", "stands twice"));
    }
    if row.name.is_empty() {
        return Err(invalid(row.slug.as_str(), "name", "is empty"));
    }
    catalog.providers.push(provider(row));
    for endpoint_row in &row.endpoints {
        let place = format!("{}, model {}", row.slug, endpoint_row.model);
        let Some(&model_ix) = catalog.by_slug.get(&endpoint_row.model) else {
            return Err(invalid(&place, "model", "is no model of the catalog"));
        };
        let endpoint_ix = EndpointIx(u32::try_from(catalog.endpoints.len()).map_err(|_| too_many(&place))?);
        let model_row = catalog.model_at(model_ix);
        let endpoint = endpoint(row, endpoint_row, model_row, (endpoint_ix, model_ix, ix)).map_err(|e| e.at(&place))?;
        if catalog.endpoints_of(model_row).any(|other| other.tag == endpoint.tag) {
            return Err(invalid(&place, "tag", &format!("`{}` stands twice", endpoint.tag)));
        }
        catalog.models[model_ix.0 as usize].endpoints.push(endpoint_ix);
        catalog.endpoints.push(endpoint);
    }
    Ok(())
}

fn provider(row: &ProviderRow) -> Provider {
    Provider {
        slug: row.slug.clone(),
        name: row.name.clone(),
        base_url: row.base_url.trim_end_matches('/').to_owned(),
        dialect: row.dialect,
        auth: row.auth,
        quirks: row.quirks.clone(),
        on_hangup: row.on_hangup,
        api_key_env: row.api_key_env.clone(),
        privacy_policy_url: row.privacy_policy_url.clone(),
        terms_of_service_url: row.terms_of_service_url.clone(),
        status_page_url: row.status_page_url.clone(),
        headquarters: row.headquarters.clone(),
        datacenters: row.datacenters.clone(),
        origin: row.origin,
    }
}

fn endpoint(
    of: &ProviderRow,
    row: &EndpointRow,
    model: &Model,
    (ix, model_ix, provider_ix): (EndpointIx, ModelIx, ProviderIx),
) -> Result<Endpoint, Wrong> {
    let tag = row.tag.clone().unwrap_or_else(|| of.slug.to_string());
    if tag.split('/').next() != Some(of.slug.as_str()) {
        return Err(Wrong("tag", format!("`{tag}` does not begin with the provider's slug")));
    }
    if row.context_length == 0 {
        return Err(Wrong("context_length", "is zero".to_owned()));
    }
    if row.pricing.is_zero() && !row.free {
        return Err(Wrong("pricing", "is zero for a model that is not marked free".to_owned()));
    }
    let mut quirks = of.quirks.clone();
    quirks.extend(row.quirks.iter().filter(|q| !of.quirks.contains(q)));
    let tool_choice = row.tool_choice.unwrap_or_else(|| derive::tool_choice(&row.supported_parameters));
    let card = row.pricing.card();
    Ok(Endpoint {
        ix,
        model: model_ix,
        provider: provider_ix,
        tag,
        upstream_id: row.upstream_id.clone(),
        region: row.region.clone(),
        dialect: row.dialect.unwrap_or(of.dialect),
        context_length: row.context_length,
        max_prompt_tokens: row.max_prompt_tokens,
        max_output: row.max_output.unwrap_or(row.context_length).min(row.context_length),
        quantization: row.quantization.as_deref().and_then(Quantization::parse).unwrap_or(Quantization::Unknown),
        task: Task::Chat,
        service_tier: None,
        area: None,
        claimed_area: None,
        zdr: false,
        parameters: row.supported_parameters.iter().collect(),
        capabilities: row.capabilities.unwrap_or_else(|| derive::capabilities(row, model, tool_choice)),
        supported_parameters: row.supported_parameters.clone(),
        tool_choice,
        callable: derive::callable(of, row, model.wildcard, card.is_some()),
        prices: Arc::new(card.unwrap_or_default()),
        free: row.free,
        policy: row.data_policy.unwrap_or(of.data_policy),
        implicit_caching: row.implicit_caching,
        quirks,
    })
}

fn model(row: &ModelRow) -> Model {
    Model {
        slug: row.slug.clone(),
        canonical_slug: row.canonical_slug.clone().unwrap_or_else(|| row.slug.clone()),
        name: row.name.clone(),
        description: String::new(),
        created: row.created,
        context_length: 0,
        input_modalities: row.input_modalities.clone(),
        output_modalities: row.output_modalities.clone(),
        tokenizer: row.tokenizer.clone(),
        instruct_type: row.instruct_type.clone(),
        supported_parameters: Vec::new(),
        default_parameters: row.default_parameters.clone(),
        reasoning: row.reasoning.clone(),
        hugging_face_id: row.hugging_face_id.clone(),
        knowledge_cutoff: row.knowledge_cutoff.clone(),
        expiration_date: row.expiration_date.clone(),
        moderated: row.moderated,
        task: Task::Chat,
        distillable: false,
        wildcard: row.wildcard,
        endpoints: Vec::new(),
    }
}

/// Fills in what follows from a model's endpoints, and lets its canonical slug name it where no other model is called so.
fn finish_models(catalog: &mut Catalog, rows: &[ModelRow]) {
    for (i, row) in rows.iter().enumerate() {
        let own: Vec<&Endpoint> = catalog.endpoints_of(&catalog.models[i]).collect();
        let context_length = own.iter().map(|e| e.context_length).max().unwrap_or(0);
        let mut parameters: Vec<String> = own.iter().flat_map(|e| e.supported_parameters.iter().cloned()).collect();
        parameters.sort_unstable();
        parameters.dedup();
        let model = &mut catalog.models[i];
        model.context_length = context_length;
        model.supported_parameters = parameters;
        model.description = row.description.clone().unwrap_or_else(|| derive::description(model, &row.author));
        let (canonical, ix) = (model.canonical_slug.clone(), ModelIx(u32::try_from(i).unwrap_or(u32::MAX)));
        catalog.by_slug.entry(canonical).or_insert(ix);
    }
}

struct Wrong(&'static str, String);

impl Wrong {
    fn at(self, place: &str) -> CatalogError {
        CatalogError::Invalid { place: place.to_owned(), field: self.0, problem: self.1 }
    }
}

fn invalid(place: &str, field: &'static str, problem: &str) -> CatalogError {
    Wrong(field, problem.to_owned()).at(place)
}

fn too_many(place: &str) -> CatalogError {
    invalid(place, "slug", "is one row too many")
}

/// Whether `slug` belongs to the simulator, whose names the configuration may not take.
pub(crate) fn is_reserved(slug: &ModelSlug) -> bool {
    slug.author() == SIMULATOR
}
