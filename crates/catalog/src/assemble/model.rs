//! From a row to a model, and what follows from its endpoints.

use super::shared::Shared;
use super::{derive, too_many};
use crate::resolve::{Resolved, Via};
use crate::rows::ModelRow;
use crate::{Catalog, CatalogError, Endpoint, Model, ModelIx, SIMULATOR};

pub(super) fn add(catalog: &mut Catalog, shared: &mut Shared, row: &ModelRow) -> Result<(), CatalogError> {
    let ix = ModelIx(u32::try_from(catalog.models.len()).map_err(|_| too_many(row.place()))?);
    if catalog.by_slug.insert(row.slug.clone(), Resolved { model: ix, via: Via::Slug }).is_some() {
        return Err(CatalogError::invalid(row.place(), "slug", format!("`{}` stands twice", row.slug)));
    }
    if row.wildcard {
        if row.slug.author() != SIMULATOR {
            return Err(CatalogError::invalid(row.place(), "wildcard", "is for the simulator's models only"));
        }
        catalog.wildcards.push(ix);
    }
    catalog.models.push(model(row, shared));
    Ok(())
}

/// Fills in what follows from a model's endpoints, and lets its canonical slug name it where no other model is called so.
pub(super) fn finish(catalog: &mut Catalog, shared: &mut Shared, rows: &[ModelRow]) {
    for (i, row) in rows.iter().enumerate() {
        let own: Vec<&Endpoint> = catalog.endpoints_of(&catalog.models[i]).collect();
        // A context that nobody stated is shown where there is no other.
        let context = |bounded: bool| own.iter().filter(move |e| e.is_bounded == bounded).map(|e| e.context_length).max();
        let context_length = context(true).max(row.context_length).or_else(|| context(false)).unwrap_or(0);
        let own = own.iter().flat_map(|e| e.supported_parameters.iter());
        let mut parameters: Vec<String> = own.chain(&row.supported_parameters).cloned().collect();
        parameters.sort_unstable();
        parameters.dedup();
        let model = &mut catalog.models[i];
        model.context_length = context_length;
        model.supported_parameters = shared.list(&parameters);
        model.description = row.description.clone().unwrap_or_else(|| derive::description(model, &row.author));
        let (canonical, model) = (model.canonical_slug.clone(), ModelIx(u32::try_from(i).unwrap_or(u32::MAX)));
        catalog.by_slug.entry(canonical).or_insert(Resolved { model, via: Via::Canonical });
    }
}

fn model(row: &ModelRow, shared: &mut Shared) -> Model {
    Model {
        slug: row.slug.clone(),
        canonical_slug: row.canonical_slug.clone().unwrap_or_else(|| row.slug.clone()),
        name: row.name.clone(),
        description: String::new(),
        created: row.created,
        context_length: 0,
        input_modalities: shared.list(&row.input_modalities),
        output_modalities: shared.list(&row.output_modalities),
        tokenizer: row.tokenizer.clone(),
        instruct_type: row.instruct_type.clone(),
        supported_parameters: [].into(),
        default_parameters: row.default_parameters.clone(),
        reasoning: row.reasoning.clone(),
        hugging_face_id: row.hugging_face_id.clone(),
        knowledge_cutoff: row.knowledge_cutoff.clone(),
        expiration_date: row.expiration_date.clone(),
        moderated: row.moderated,
        open_weights: row.open_weights,
        variant_of: row.variant_of.clone(),
        delisted: row.delisted.clone(),
        media: row.capabilities.clone(),
        router: row.router,
        task: row.task,
        license: row.license.clone(),
        distillable: row.distillable.unwrap_or_else(|| row.license.as_deref().is_some_and(derive::leaves_output_free)),
        wildcard: row.wildcard,
        origin: row.origin,
        endpoints: Vec::new(),
    }
}
