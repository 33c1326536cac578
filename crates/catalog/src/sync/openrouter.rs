//! OpenRouter's public answers.
//!
//! `GET /models?output_modalities=all` lists the models, `GET /models/{author}/{slug}/endpoints` the endpoints of one,
//! `GET /endpoints/zdr` those that keep nothing, `GET /providers` the providers. What makes images and videos: [`super::media`].

use std::collections::BTreeSet;

use portolan_core::{ModelSlug, ProviderSlug};

use super::fields::{Fields, Item, Kind};
use super::live::{LiveEndpoint, LiveMedia, LiveMediaEndpoint, LiveModel, LiveProvider, MODELS_MAX, Source, SyncError, Synced};
use super::{media, names, prices};
use crate::{DefaultParameters, ReasoningInfo};

/// More voices than any model has.
const VOICES_MAX: usize = 1_000;
const MODELS: &str = "/models";
const ZDR: &str = "/endpoints/zdr";
const PROVIDERS: &str = "/providers";
const IMAGES: &str = "/images/models";
const VIDEOS: &str = "/videos/models";
/// The longest tag. Those of today have some forty characters.
const TAG_BYTES_MAX: usize = 200;

/// What the fields of a model hold.
const OF_A_MODEL: &[(&str, Kind)] = &[
    ("canonical_slug", Kind::Text),
    ("name", Kind::Text),
    ("created", Kind::Time),
    ("context_length", Kind::Tokens),
    ("architecture", Kind::Object),
    ("pricing", Kind::Object),
    ("top_provider", Kind::Object),
    ("supported_parameters", Kind::List),
    ("hugging_face_id", Kind::Text),
    ("knowledge_cutoff", Kind::Text),
    ("expiration_date", Kind::Text),
    ("supported_voices", Kind::List),
    ("reasoning", Kind::Object),
    ("default_parameters", Kind::Object),
];
/// What the fields of an endpoint hold.
const OF_AN_ENDPOINT: &[(&str, Kind)] = &[
    ("context_length", Kind::Tokens),
    ("max_prompt_tokens", Kind::Tokens),
    ("max_completion_tokens", Kind::Tokens),
    ("quantization", Kind::Text),
    ("pricing", Kind::Object),
    ("supported_parameters", Kind::List),
    ("supports_implicit_caching", Kind::Flag),
];

/// The answers that a sync gathers.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenRouterAnswers<'a> {
    /// Of `/models?output_modalities=all`.
    pub models: &'a str,
    /// Of `/models/{slug}/endpoints`, each with its slug.
    pub endpoints: &'a [(ModelSlug, String)],
    /// Of `/endpoints/zdr`, where it was to be had.
    pub zdr: Option<&'a str>,
    /// Of `/providers`, where it was to be had.
    pub providers: Option<&'a str>,
    /// Of `/images/models`, where it was to be had.
    pub images: Option<&'a str>,
    /// Of `/images/models/{slug}/endpoints`, each with its slug.
    pub image_endpoints: &'a [(ModelSlug, String)],
    /// Of `/videos/models`, where it was to be had.
    pub videos: Option<&'a str>,
}

impl OpenRouterAnswers<'_> {
    /// Reads them all.
    ///
    /// # Errors
    /// When the list of models is none, or empty. What else cannot be read is left out and noted.
    pub fn read(&self, fetched_at: i64, etag: Option<String>) -> Result<Synced, SyncError> {
        let mut synced = Synced::empty(Source::OpenRouter, fetched_at, etag);
        for row in synced.objects(MODELS, rows(self.models, MODELS)?) {
            match model(&row) {
                Ok(model) => {
                    if let Some(why) = row.misfits(OF_A_MODEL) {
                        synced.skip(|| format!("model {}: {why}", model.slug));
                    }
                    synced.models.push(model);
                }
                Err(None) => {}
                Err(Some(why)) => synced.skip(|| why),
            }
        }
        for (slug, text) in self.endpoints {
            match Fields::read(text).and_then(|answer| answer.object("data")?.items("endpoints")) {
                Some(items) => add_endpoints(&mut synced, slug, items),
                None => synced.skip(|| format!("the endpoints of {slug}: no answer of the known form")),
            }
        }
        synced.zdr = list(&mut synced, self.zdr, ZDR, "a model_id and a tag", zdr);
        synced.providers = list(&mut synced, self.providers, PROVIDERS, "a slug", provider).unwrap_or_default();
        let mut images: Option<Vec<LiveMedia>> = list(&mut synced, self.images, IMAGES, "an id", media::image);
        for image in images.iter_mut().flatten().take(MODELS_MAX) {
            image.endpoints = self.endpoints_of_image(&mut synced, &image.model);
        }
        synced.images = images;
        synced.videos = list(&mut synced, self.videos, VIDEOS, "an id", media::video);
        if synced.models.is_empty() { Err(SyncError::Empty) } else { Ok(synced.tidy()) }
    }

    /// Empty where that answer did not come.
    fn endpoints_of_image(&self, synced: &mut Synced, model: &ModelSlug) -> Vec<LiveMediaEndpoint> {
        let Some((_, text)) = self.image_endpoints.iter().find(|(slug, _)| slug == model) else { return Vec::new() };
        let of = format!("{IMAGES}/{model}/endpoints");
        let Some(items) = Fields::read(text).and_then(|answer| answer.items("endpoints")) else {
            synced.skip(|| format!("{of}: no answer of the known form"));
            return Vec::new();
        };
        each(synced, items, &of, "a tag", media::image_endpoint)
    }

    /// The models that the answer of `/models` lists, whose endpoints are to be asked for.
    ///
    /// # Errors
    /// When it is no list of models.
    pub fn slugs(models: &str) -> Result<BTreeSet<ModelSlug>, SyncError> {
        Ok(rows(models, MODELS)?.iter().flatten().filter_map(|row| model(row).ok()).map(|model| model.slug).take(MODELS_MAX).collect())
    }

    /// Whether the answer for a list is one.
    #[must_use]
    pub fn is_list(text: &str) -> bool {
        rows(text, MODELS).is_ok()
    }

    /// Whether an answer of `/models/{slug}/endpoints` is one.
    #[must_use]
    pub fn has_endpoints(text: &str) -> bool {
        Fields::read(text).and_then(|answer| answer.object("data")?.items("endpoints")).is_some()
    }

    /// The same of `/images/models/{slug}/endpoints`.
    #[must_use]
    pub fn has_image_endpoints(text: &str) -> bool {
        Fields::read(text).and_then(|answer| answer.items("endpoints")).is_some()
    }

    /// The models that the answer of `/images/models` lists. None where it is no list of models.
    #[must_use]
    pub fn image_slugs(images: &str) -> BTreeSet<ModelSlug> {
        rows(images, IMAGES).unwrap_or_default().iter().flatten().filter_map(media::slug).take(MODELS_MAX).collect()
    }
}

fn rows<'a>(text: &'a str, what: &str) -> Result<Vec<Item<'a>>, SyncError> {
    let wrong = || SyncError::Form { what: what.to_owned(), source_name: Source::OpenRouter };
    Fields::read(text).and_then(|answer| answer.items("data")).ok_or_else(wrong)
}

/// What `read` makes of the rows of an answer. `None`: there is no such answer.
fn list<'a, T, C: Default + Extend<T>>(
    synced: &mut Synced,
    text: Option<&'a str>,
    what: &str,
    needs: &str,
    read: impl Fn(&Fields<'a>) -> Option<T>,
) -> Option<C> {
    let items = rows(text?, what).ok()?;
    Some(each(synced, items, what, needs, read))
}

/// What `read` makes of each item; one without what a row `needs` is noted.
fn each<'a, T, C: Default + Extend<T>>(
    synced: &mut Synced,
    items: Vec<Item<'a>>,
    what: &str,
    needs: &str,
    read: impl Fn(&Fields<'a>) -> Option<T>,
) -> C {
    let mut all = C::default();
    for row in synced.objects(what, items) {
        match read(&row) {
            Some(one) => all.extend([one]),
            None => synced.skip(|| format!("an entry of {what} without {needs} that can be read")),
        }
    }
    all
}

fn add_endpoints(synced: &mut Synced, of: &ModelSlug, items: Vec<Item<'_>>) {
    for row in synced.objects(&format!("the endpoints of {of}"), items) {
        match endpoint(of, &row) {
            Ok(endpoint) => {
                let pricing = row.object("pricing");
                if let Some(discount) = pricing.as_ref().and_then(prices::implausible_discount) {
                    synced.skip(|| format!("the prices of {of} at {}: a discount of {discount}", endpoint.tag));
                }
                if let Some(why) = pricing.as_ref().and_then(prices::openrouter_doubt) {
                    synced.skip(|| format!("the prices of {of} at {}: {why}", endpoint.tag));
                }
                if let Some(why) = row.misfits(OF_AN_ENDPOINT) {
                    synced.skip(|| format!("{of} at {}: {why}", endpoint.tag));
                }
                synced.endpoints.push(endpoint);
            }
            Err(why) => synced.skip(|| why),
        }
    }
}

/// `Err(None)`: left out on purpose. Aliases are no models, nor are routers that are unknown here.
fn model(row: &Fields<'_>) -> Result<LiveModel, Option<String>> {
    let id = row.text("id").ok_or_else(|| Some("a model without an id".to_owned()))?;
    if id.starts_with('~') {
        return Err(None);
    }
    let slug = ModelSlug::parse(&id).map_err(|e| Some(format!("model {id}: {e}")))?;
    if let Some(why) = names::objection(&slug) {
        return Err(Some(format!("model {id}: {why}")));
    }
    if row.object("pricing").and_then(|p| p.digits("prompt")).is_some_and(|price| price.starts_with('-')) {
        return Err(None);
    }
    let shape = row.object("architecture");
    let of_shape = |name: &str| shape.as_ref().and_then(|shape| shape.text(name));
    let modalities = |name: &str| shape.as_ref().and_then(|shape| shape.texts(name)).unwrap_or_default();
    Ok(LiveModel {
        slug,
        canonical_slug: row.text("canonical_slug").and_then(|text| ModelSlug::parse(&text).ok()),
        name: row.text("name"),
        created: row.time("created"),
        input_modalities: modalities("input_modalities"),
        output_modalities: modalities("output_modalities"),
        tokenizer: of_shape("tokenizer"),
        instruct_type: of_shape("instruct_type"),
        hugging_face_id: row.text("hugging_face_id"),
        knowledge_cutoff: row.text("knowledge_cutoff"),
        expiration_date: row.text("expiration_date"),
        open_weights: None,
        voices: row.texts("supported_voices").map(|voices| voices.into_iter().take(VOICES_MAX).collect()).unwrap_or_default(),
        moderated: row.object("top_provider").and_then(|top| top.flag("is_moderated")),
        reasoning: row.object("reasoning").map(|reasoning| ReasoningInfo {
            mandatory: reasoning.flag("mandatory").unwrap_or(false),
            default_enabled: reasoning.flag("default_enabled"),
            default_effort: reasoning.text("default_effort"),
            supported_efforts: reasoning.texts("supported_efforts"),
            supports_max_tokens: reasoning.flag("supports_max_tokens"),
        }),
        default_parameters: row.object("default_parameters").map(|p| DefaultParameters {
            temperature: p.float("temperature"),
            top_p: p.float("top_p"),
            top_k: p.int("top_k"),
            frequency_penalty: p.float("frequency_penalty"),
            presence_penalty: p.float("presence_penalty"),
            repetition_penalty: p.float("repetition_penalty"),
        }),
    })
}

fn endpoint(model: &ModelSlug, row: &Fields<'_>) -> Result<LiveEndpoint, String> {
    // A tag is shown in terminals and named in requests: nothing but what can be seen stands in it.
    let tag = row.text("tag").filter(|tag| tag.len() <= TAG_BYTES_MAX && tag.bytes().all(|b| b.is_ascii_graphic()));
    let tag = tag.ok_or_else(|| format!("an endpoint of {model} without a tag"))?;
    let provider = tag.split('/').next().unwrap_or_default();
    let pricing = row.object("pricing");
    Ok(LiveEndpoint {
        model: model.clone(),
        provider: ProviderSlug::parse(provider).map_err(|e| format!("{model} at {tag}: {e}"))?,
        upstream_id: None,
        context_length: row.tokens("context_length"),
        max_prompt_tokens: row.tokens("max_prompt_tokens"),
        max_output: row.tokens("max_completion_tokens"),
        quantization: row.text("quantization"),
        supported_parameters: row.texts("supported_parameters").unwrap_or_default(),
        pricing: pricing.as_ref().and_then(prices::openrouter),
        implicit_caching: row.flag("supports_implicit_caching"),
        tag,
    })
}

fn zdr(row: &Fields<'_>) -> Option<(ModelSlug, String)> {
    Some((ModelSlug::parse(&row.text("model_id")?).ok()?, row.text("tag")?))
}

fn provider(row: &Fields<'_>) -> Option<LiveProvider> {
    Some(LiveProvider {
        slug: ProviderSlug::parse(&row.text("slug")?).ok()?,
        name: row.text("name"),
        privacy_policy_url: row.text("privacy_policy_url"),
        terms_of_service_url: row.text("terms_of_service_url"),
        status_page_url: row.text("status_page_url"),
        headquarters: row.text("headquarters"),
        datacenters: row.texts("datacenters").unwrap_or_default(),
    })
}
