//! Lays a model of the configuration over the row that the provider has of it.

use portolan_core::Quantization;

use super::ModelOverlay;
use crate::DataOrigin;
use crate::rows::{EndpointRow, ProviderRow, ServiceTiers};

/// Where a model of the configuration goes.
pub(super) enum Place {
    /// Over this endpoint of the provider.
    At(usize),
    /// Beside them: the provider has none of this model.
    New,
}

/// Which endpoint is meant: the one of the tag; without, the one that bears the provider's plain tag, else the only one.
///
/// # Errors
/// The field, and why it means none or several.
pub(super) fn place(of: &ProviderRow, model: &ModelOverlay) -> Result<Place, (&'static str, String)> {
    let tag = |row: &EndpointRow| row.tag.clone().unwrap_or_else(|| of.slug.to_string());
    let all: Vec<usize> = (0..of.endpoints.len()).filter(|at| of.endpoints[*at].model == model.id).collect();
    let tags = || all.iter().map(|at| format!("`{}`", tag(&of.endpoints[*at]))).collect::<Vec<_>>().join(", ");
    let named = |name: &str| all.iter().copied().find(|at| tag(&of.endpoints[*at]) == name);
    if let Some(name) = &model.tag {
        let is_tier =
            |at: &usize| of.endpoints[*at].service_tiers.each().any(|(tier, _)| ServiceTiers::tag(&tag(&of.endpoints[*at]), tier) == *name);
        let why = || match all.iter().any(is_tier) {
            _ if all.is_empty() => format!("is `{name}`, and {} has no endpoint of {}; leave it out", of.slug, model.id),
            true => format!("is `{name}`, a class of service, which follows the ordinary endpoint; write one of {}", tags()),
            false => format!("is `{name}`, which {} does not have of {}; write one of {}", of.slug, model.id, tags()),
        };
        return named(name).map(Place::At).ok_or_else(|| ("tag", why()));
    }
    // What a source lists beside the built-in rows does not change which of those is meant.
    let curated: Vec<usize> = all.iter().copied().filter(|at| of.endpoints[*at].is_curated()).collect();
    let choice = if curated.is_empty() { &all } else { &curated };
    match (named(of.slug.as_str()).filter(|at| choice.contains(at)), choice.as_slice()) {
        (Some(at), _) | (None, &[at]) => Ok(Place::At(at)),
        // A source that lists several of them tells of none that it is the operator's.
        _ if curated.is_empty() => Ok(Place::New),
        _ => Err(("id", format!("`{}` has several endpoints at {}; say which one with tag, of {}", model.id, of.slug, tags()))),
    }
}

/// What is stated wins, column by column.
pub(super) fn lay_over(row: &mut EndpointRow, model: &ModelOverlay) {
    fn set<T: Clone>(column: &mut Option<T>, value: Option<&T>) {
        if let Some(value) = value {
            *column = Some(value.clone());
        }
    }
    row.origin = DataOrigin::Configuration;
    set(&mut row.upstream_id, model.upstream_id.as_ref());
    if row.upstream_id.is_none() && !row.is_curated() {
        // As it would be without the source, which knows no ids.
        row.upstream_id = Some(model.id.to_string());
    }
    set(&mut row.region, model.region.as_ref());
    row.own_region |= model.region.is_some();
    set(&mut row.dialect, model.dialect.as_ref());
    set(&mut row.context_length, model.context_length.as_ref());
    set(&mut row.max_output, model.max_output.as_ref());
    set(&mut row.quantization, model.quantization.as_deref().and_then(Quantization::parse).as_ref());
    set(&mut row.capabilities, model.capabilities.as_ref());
    if let Some(stated) = &model.supported_parameters {
        row.supported_parameters.clone_from(stated);
    }
    if let Some(stated) = &model.quirks {
        row.quirks.clone_from(stated);
    }
    if model.pricing.is_stated() {
        row.pricing = row.pricing.changed_to(&model.pricing);
        // A price of zero that the operator wrote is meant.
        row.free = row.pricing.is_zero();
    }
}
