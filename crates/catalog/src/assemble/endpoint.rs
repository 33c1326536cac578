//! From a row to an endpoint, and to one more for each of its service tiers.

use std::sync::Arc;

use portolan_core::{Meter, Parameters, Price, PriceCard, Quantization, ServiceTier, Task};

use super::shared::Shared;
use super::{Wrong, area, derive};
use crate::endpoint::ZdrBasis;
use crate::media::MediaPricing;
use crate::pricing::in_service_tier;
use crate::rows::{EndpointRow, ProviderRow, ServiceTiers};
use crate::{DataPolicy, Endpoint, EndpointIx, Model, ModelIx, NotCallable, ProviderIx, SIMULATOR, is_service_tier_built};

/// The context of what the configuration alone has and states none for, in tokens. More than any model has: what is held under a
/// strict limit must bound what the provider may take, and a guess that is too small would not.
const CONTEXT_UNSTATED: u32 = 10_000_000;
/// The longest answer where the configuration states neither context nor answer, in tokens.
const OUTPUT_UNSTATED: u32 = 131_072;

/// Where an endpoint belongs.
#[derive(Clone, Copy)]
pub(super) struct Indices {
    pub(super) endpoint: EndpointIx,
    pub(super) model: ModelIx,
    pub(super) provider: ProviderIx,
}

/// Whether nothing of it costs anything, apart from searches, which a request asks for.
fn costs_nothing(card: &PriceCard) -> bool {
    let mut lists = card.lists();
    lists.all(|rates| Meter::ALL.into_iter().all(|meter| meter == Meter::Search || rates.effective(meter) == Price(0)))
}

/// Whether requests may be processed anywhere, whatever region they enter by: Amazon's inference profiles and the tags of the cloud
/// providers say so.
fn is_global(row: &EndpointRow, tag: &str) -> bool {
    row.upstream_id.as_deref().is_some_and(|id| id.starts_with("global.")) || tag.ends_with("/global")
}

/// The endpoint of a row.
pub(super) fn ordinary(of: &ProviderRow, row: &EndpointRow, model: &Model, ix: Indices, shared: &mut Shared) -> Result<Endpoint, Wrong> {
    let task = row.task.unwrap_or(model.task);
    let tag = tag(of, row)?;
    let context_length = context_length(row, task)?;
    if row.pricing.is_zero() && !row.free && row.media.is_empty() {
        return Err(Wrong("pricing", "is zero for a model that is not marked free".to_owned()));
    }
    let limit = if context_length == 0 { u32::MAX } else { context_length };
    let mut quirks = of.quirks.clone();
    quirks.extend(row.quirks.iter().filter(|q| !of.quirks.contains(q)));
    let tool_choice = row.tool_choice.unwrap_or_else(|| derive::tool_choice(&row.supported_parameters));
    let card = card(row, task);
    let zdr_basis = zdr_basis(of, row);
    let stays = (!of.moved || row.own_region) && !is_global(row, &tag);
    Ok(Endpoint {
        ix: ix.endpoint,
        model: ix.model,
        provider: ix.provider,
        origin: row.origin,
        own: row.own,
        is_bounded: !row.own || row.context_length.is_some(),
        tag,
        upstream_id: row.upstream_id.clone(),
        region: row.region.clone(),
        dialect: row.dialect.or(of.dialect).unwrap_or(portolan_core::Dialect::OpenAiChat),
        context_length,
        max_prompt_tokens: row.max_prompt_tokens,
        max_output: row.max_output.unwrap_or_else(|| output_unstated(row, context_length)).min(limit),
        quantization: row.quantization.unwrap_or(Quantization::Unknown),
        task,
        service_tier: None,
        area: row.region.as_deref().filter(|_| stays).and_then(area::of),
        claimed_area: of.claimed_area,
        zdr: zdr_basis.is_some_and(ZdrBasis::is_fact),
        zdr_basis,
        parameters: row.supported_parameters.iter().collect::<Parameters>(),
        capabilities: row.capabilities.unwrap_or_else(|| derive::capabilities(row, model, tool_choice)),
        supported_parameters: shared.list(&row.supported_parameters),
        tool_choice,
        callable: derive::callable(of, row, task, model, card.is_some()),
        free: row.free && card.as_ref().is_some_and(costs_nothing),
        prices: shared.card(card.unwrap_or_default()),
        media: media(row),
        audio_cache_read: row.pricing.audio_cache_read,
        charged_by_report: of.resells,
        policy: row.data_policy.unwrap_or(of.data_policy),
        implicit_caching: row.implicit_caching,
        native_web_search: row.native_web_search,
        file_urls: row.file_urls,
        video_urls: row.video_urls,
        passthrough_parameters: shared.list(&row.passthrough_parameters),
        deprecation_date: row.deprecation_date.clone(),
        quirks,
    })
}

/// The same endpoint in another class of service.
pub(super) fn in_tier(ordinary: &Endpoint, row: &EndpointRow, tier: ServiceTier, ix: EndpointIx, shared: &mut Shared) -> Option<Endpoint> {
    let (_, own) = row.service_tiers.each().find(|(t, _)| *t == tier)?;
    let unbuilt = !is_service_tier_built(ordinary.dialect);
    let callable = if unbuilt { ordinary.callable.and(Err(NotCallable::SettingNotBuilt)) } else { ordinary.callable };
    Some(Endpoint {
        ix,
        tag: ServiceTiers::tag(&ordinary.tag, tier),
        service_tier: Some(tier),
        prices: shared.card(in_service_tier(&ordinary.prices, &own.rates())),
        audio_cache_read: own.audio_cache_read.or(ordinary.audio_cache_read),
        callable,
        ..ordinary.clone()
    })
}

fn tag(of: &ProviderRow, row: &EndpointRow) -> Result<String, Wrong> {
    let tag = row.tag.clone().unwrap_or_else(|| of.slug.to_string());
    match tag.split('/').next() == Some(of.slug.as_str()) {
        true => Ok(tag),
        false => Err(Wrong("tag", format!("`{tag}` does not begin with the provider's slug"))),
    }
}

/// The context where nothing is stated: the longest answer is a limit that is sent, so it holds.
fn output_unstated(row: &EndpointRow, context_length: u32) -> u32 {
    if row.own && row.context_length.is_none() { OUTPUT_UNSTATED } else { context_length }
}

/// Needed for chat only: what is not made of tokens has none.
fn context_length(row: &EndpointRow, task: Task) -> Result<u32, Wrong> {
    match (row.context_length, task) {
        (Some(0), _) => Err(Wrong("context_length", "is zero".to_owned())),
        (None, _) if row.own => Ok(CONTEXT_UNSTATED),
        (None, Task::Chat) => Err(Wrong("context_length", "is missing".to_owned())),
        (stated, _) => Ok(stated.unwrap_or(0)),
    }
}

/// Its prices, or `None` where they are unknown. Chat is priced by its tokens. What other tasks give may be priced by
/// other units, and tokens cost nothing there unless a price says so.
fn card(row: &EndpointRow, task: Task) -> Option<PriceCard> {
    let by_unit = !row.media.is_empty();
    match task {
        Task::Chat if by_unit && row.pricing.is_zero() => None,
        Task::Chat => row.pricing.card(),
        _ if by_unit || row.pricing.prompt.is_some() => {
            let mut stated = row.pricing.clone();
            stated.prompt.get_or_insert(Price(0));
            stated.completion.get_or_insert(Price(0));
            Some(stated.card_as_stated())
        }
        _ => None,
    }
}

fn media(row: &EndpointRow) -> Option<Arc<MediaPricing>> {
    let known = !row.media.is_empty() || !row.skus.is_empty();
    known.then(|| Arc::new(MediaPricing { prices: row.media.clone(), skus: row.skus.clone() }))
}

/// What the row says holds at the provider's own address; what an administrator states about the provider goes before it.
fn zdr_basis(of: &ProviderRow, row: &EndpointRow) -> Option<ZdrBasis> {
    if of.attested && row.data_policy.is_none() {
        let kept_nowhere = DataPolicy { training: Some(false), retains_prompts: Some(false), ..of.data_policy } == of.data_policy;
        return kept_nowhere.then_some(ZdrBasis::Administrator);
    }
    (row.zdr && !of.moved && of.slug.as_str() != SIMULATOR).then(|| row.zdr_basis.unwrap_or(ZdrBasis::Endpoint))
}
