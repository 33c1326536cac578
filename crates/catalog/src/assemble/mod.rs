//! From rows to a snapshot: indices, defaults, derived columns, and the checks that keep wrong rows out.

mod area;
mod derive;
mod endpoint;
mod layers;
mod model;
mod resell;
mod shared;

use std::collections::HashMap;

use portolan_core::ModelSlug;

use self::endpoint::Indices;
use self::layers::Layers;
use self::shared::Shared;
use crate::provider::letters;
use crate::resolve::{Resolved, Via};
use crate::rows::{AliasRow, EndpointRow, ProviderRow, Rows};
use crate::suggest::Suggester;
use crate::sync::Synced;
use crate::{Catalog, CatalogError, Endpoint, EndpointIx, Provider, ProviderIx, ProviderOverlay, SIMULATOR};

/// Makes a snapshot of rows, of a live catalog over them, and of what the configuration lays over both. What follows from rows
/// (resellers, descriptions) follows from what all layers make of them.
pub(crate) fn assemble<P>(rows: Rows<P>, synced: Option<&Synced>, overlays: &[ProviderOverlay]) -> Result<Catalog, CatalogError>
where
    P: Iterator<Item = Result<ProviderRow, CatalogError>>,
{
    let Rows { providers, mut models, aliases } = rows;
    let layers = Layers::over_models(synced, overlays, &mut models, &aliases)?;
    let mut shared = Shared::default();
    let mut catalog = Catalog {
        epoch: 1,
        providers: Vec::new(),
        models: Vec::with_capacity(models.len()),
        endpoints: Vec::new(),
        by_slug: HashMap::with_capacity(2 * models.len()),
        by_provider: HashMap::new(),
        by_name: HashMap::new(),
        wildcards: Vec::new(),
        suggester: Suggester::default(),
    };
    for row in &models {
        model::add(&mut catalog, &mut shared, row)?;
    }
    let mut resellers = Vec::new();
    let mut add = |catalog: &mut Catalog, row: ProviderRow| {
        add_provider(catalog, &mut shared, &row)?;
        if row.resells {
            resellers.push(row);
        }
        Ok(())
    };
    for row in providers {
        add(&mut catalog, layers.over(row?)?)?;
    }
    for row in layers.own_providers(|slug| catalog.by_provider.contains_key(slug))? {
        add(&mut catalog, row)?;
    }
    for reseller in &resellers {
        resell::add(&mut catalog, &mut shared, reseller, &models);
    }
    model::finish(&mut catalog, &mut shared, &models);
    for row in &aliases {
        add_alias(&mut catalog, row)?;
    }
    catalog.by_name = by_name(&catalog.providers);
    // What is for batches is never meant by a wrong name, nor is a name of the past.
    let models = catalog.models.iter().filter(|model| !model.is_for_batches()).map(|model| &model.slug);
    let aliases = aliases.iter().filter(|row| row.via == Via::Alias).map(|row| &row.name);
    catalog.suggester = Suggester::new(models.chain(aliases));
    catalog.providers.shrink_to_fit();
    catalog.endpoints.shrink_to_fit();
    Ok(catalog)
}

/// Whom a name means, by its letters: a slug or a display name before what else a provider is called, the first provider of two.
fn by_name(providers: &[Provider]) -> HashMap<String, ProviderIx> {
    let all = || (0u16..).map(ProviderIx).zip(providers);
    let first = all().flat_map(|(ix, provider)| [(provider.slug.as_str(), ix), (provider.name.as_str(), ix)]);
    let others = all().flat_map(|(ix, provider)| provider.also_called.iter().map(move |name| (name.as_str(), ix)));
    let mut by_name = HashMap::new();
    for (name, ix) in first.chain(others) {
        by_name.entry(letters(name)).or_insert(ix);
    }
    by_name.remove("");
    by_name
}

fn add_provider(catalog: &mut Catalog, shared: &mut Shared, row: &ProviderRow) -> Result<(), CatalogError> {
    let ix = ProviderIx(u16::try_from(catalog.providers.len()).map_err(|_| too_many(row.place()))?);
    if catalog.by_provider.insert(row.slug.clone(), ix).is_some() {
        return Err(CatalogError::invalid(row.place(), "slug", "stands twice"));
    }
    if row.name.is_empty() {
        return Err(CatalogError::invalid(row.place(), "name", "is empty"));
    }
    catalog.providers.push(provider(row));
    row.endpoints.iter().try_for_each(|endpoint| add_endpoints(catalog, shared, row, endpoint, ix))
}

/// The endpoint of a row, and those of its service tiers.
fn add_endpoints(
    catalog: &mut Catalog,
    shared: &mut Shared,
    of: &ProviderRow,
    row: &EndpointRow,
    provider: ProviderIx,
) -> Result<(), CatalogError> {
    let place = || of.place_of(row);
    let Some(&Resolved { model, via: Via::Slug }) = catalog.by_slug.get(&row.model) else {
        return Err(CatalogError::invalid(place(), "model", "is no model of the catalog"));
    };
    if catalog.model_at(model).router {
        return Err(CatalogError::invalid(place(), "model", "is a router, which nobody serves"));
    }
    let ix = next_endpoint(catalog).ok_or_else(|| too_many(place()))?;
    let indices = Indices { endpoint: ix, model, provider };
    let endpoint = endpoint::ordinary(of, row, catalog.model_at(model), indices, shared).map_err(|e| e.at(place()))?;
    push(catalog, endpoint.clone()).map_err(|e| e.at(place()))?;
    for (tier, _) in row.service_tiers.each() {
        let ix = next_endpoint(catalog).ok_or_else(|| too_many(place()))?;
        if let Some(tiered) = endpoint::in_tier(&endpoint, row, tier, ix, shared) {
            push(catalog, tiered).map_err(|e| e.at(place()))?;
        }
    }
    Ok(())
}

fn next_endpoint(catalog: &Catalog) -> Option<EndpointIx> {
    u32::try_from(catalog.endpoints.len()).ok().map(EndpointIx)
}

fn push(catalog: &mut Catalog, endpoint: Endpoint) -> Result<(), Wrong> {
    let model = catalog.model_at(endpoint.model);
    if catalog.endpoints_of(model).any(|other| other.tag == endpoint.tag) {
        return Err(Wrong("tag", format!("`{}` stands twice", endpoint.tag)));
    }
    catalog.models[endpoint.model.0 as usize].endpoints.push(endpoint.ix);
    catalog.endpoints.push(endpoint);
    Ok(())
}

fn add_alias(catalog: &mut Catalog, row: &AliasRow) -> Result<(), CatalogError> {
    let Some(&Resolved { model, .. }) = catalog.by_slug.get(&row.target) else {
        return Err(CatalogError::invalid(row.place(), "aliases", format!("`{}` is no model of the catalog", row.target)));
    };
    match catalog.by_slug.insert(row.name.clone(), Resolved { model, via: row.via }) {
        None => Ok(()),
        Some(_) => Err(CatalogError::invalid(row.place(), "aliases", format!("`{}` is a model's own name", row.name))),
    }
}

fn provider(row: &ProviderRow) -> Provider {
    Provider {
        slug: row.slug.clone(),
        name: row.name.clone(),
        also_called: row.also_called.clone(),
        base_url: row.base_url.trim_end_matches('/').to_owned(),
        region_base_urls: row.region_base_urls.clone(),
        dialect: row.dialect,
        auth: row.auth,
        quirks: row.quirks.clone(),
        on_hangup: row.on_hangup,
        api_key_env: row.api_key_env.clone(),
        requires_user_ids: row.requires_user_ids,
        resells: row.resells,
        privacy_policy_url: row.privacy_policy_url.clone(),
        terms_of_service_url: row.terms_of_service_url.clone(),
        status_page_url: row.status_page_url.clone(),
        headquarters: row.headquarters.clone(),
        datacenters: row.datacenters.clone(),
        origin: row.origin,
    }
}

/// A column and what is wrong with it.
struct Wrong(&'static str, String);

impl Wrong {
    fn at(self, place: String) -> CatalogError {
        CatalogError::invalid(place, self.0, self.1)
    }
}

fn too_many(place: String) -> CatalogError {
    CatalogError::invalid(place, "slug", "is one row too many")
}

/// Whether `slug` belongs to the simulator, whose names the configuration may not take.
pub(crate) fn is_reserved(slug: &ModelSlug) -> bool {
    slug.author() == SIMULATOR
}
