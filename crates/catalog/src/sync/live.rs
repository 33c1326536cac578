//! What a source says, in one form for all sources.

use std::collections::{BTreeMap, BTreeSet};

use portolan_core::{ModelSlug, ProviderSlug};
use serde::{Deserialize, Serialize};

use super::fields::{Fields, Item};
use crate::{DefaultParameters, MediaAbilities, MediaPrice, Pricing, ReasoningInfo};

/// More than any source lists. What lies beyond is left out.
pub(super) const MODELS_MAX: usize = 20_000;
/// As [`MODELS_MAX`], endpoints.
pub(super) const ENDPOINTS_MAX: usize = 100_000;
/// As [`MODELS_MAX`], providers.
pub(super) const PROVIDERS_MAX: usize = 2_000;
/// How many of the entries that could not be read are named.
const SKIPPED_MAX: usize = 100;
/// So many answers that did not come are told in short.
const UNREAD_SHOWN: usize = 3;
/// The longest note.
const NOTE_CHARS_MAX: usize = 200;

/// Who publishes a live catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// OpenRouter's public routes.
    #[serde(rename = "openrouter")]
    OpenRouter,
    /// The file of models.dev.
    #[serde(rename = "models-dev")]
    ModelsDev,
}

impl Source {
    /// All of them.
    pub const ALL: [Source; 2] = [Source::OpenRouter, Source::ModelsDev];

    /// The name in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Source::OpenRouter => "openrouter",
            Source::ModelsDev => "models-dev",
        }
    }

    /// The provider under whose credential all can be called that it lists, where it is one.
    #[must_use]
    pub fn reseller(self) -> Option<ProviderSlug> {
        match self {
            Source::OpenRouter => ProviderSlug::parse(self.as_str()).ok(),
            Source::ModelsDev => None,
        }
    }

    /// Where it is read unless the operator names another place.
    #[must_use]
    pub fn base_url(self) -> &'static str {
        match self {
            Source::OpenRouter => "https://openrouter.ai/api/v1",
            Source::ModelsDev => "https://models.dev",
        }
    }
}

/// A live catalog. `None` and empty lists: the source does not say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Synced {
    /// Who said it.
    pub source: Source,
    /// Where it was read; empty where nobody said.
    #[serde(default)]
    pub url: String,
    /// When it was fetched, Unix seconds.
    pub fetched_at: i64,
    /// What the source calls this version.
    pub etag: Option<String>,
    /// Models, by slug.
    pub models: Vec<LiveModel>,
    /// Endpoints, by model and tag.
    pub endpoints: Vec<LiveEndpoint>,
    /// Providers, by slug.
    pub providers: Vec<LiveProvider>,
    /// What its models that make images can be told and cost by other units than tokens. `None`: that answer was not to be had.
    #[serde(default)]
    pub images: Option<Vec<LiveMedia>>,
    /// The same of models that make videos.
    #[serde(default)]
    pub videos: Option<Vec<LiveMedia>>,
    /// Endpoints, as model and tag, that the source lists as keeping nothing. Its agreement with the provider, not the operator's:
    /// it is shown and changes no policy.
    pub zdr: Option<BTreeSet<(ModelSlug, String)>>,
    /// Entries that could not be read, and why: the first hundred.
    #[serde(default)]
    pub skipped: Vec<String>,
    /// How many could not be read in all.
    #[serde(default)]
    pub skipped_count: usize,
    /// Answers that did not come, the first hundred, each with why. What they would say is that of the last good catalog.
    #[serde(default)]
    pub unread: Vec<String>,
    /// How many there are.
    #[serde(default)]
    pub unread_count: usize,
}

/// A model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each field is the column of the same name of `Model`")]
pub struct LiveModel {
    pub slug: ModelSlug,
    pub canonical_slug: Option<ModelSlug>,
    pub name: Option<String>,
    pub created: Option<i64>,
    pub input_modalities: Vec<String>,
    pub output_modalities: Vec<String>,
    pub tokenizer: Option<String>,
    pub instruct_type: Option<String>,
    pub hugging_face_id: Option<String>,
    pub knowledge_cutoff: Option<String>,
    pub expiration_date: Option<String>,
    pub moderated: Option<bool>,
    pub reasoning: Option<ReasoningInfo>,
    #[serde(default)]
    pub open_weights: Option<bool>,
    pub default_parameters: Option<DefaultParameters>,
    #[serde(default)]
    pub voices: Vec<String>,
}

/// A model at a provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each field is the column of the same name of `Endpoint`")]
pub struct LiveEndpoint {
    pub model: ModelSlug,
    pub provider: ProviderSlug,
    pub tag: String,
    pub upstream_id: Option<String>,
    pub context_length: Option<u32>,
    pub max_prompt_tokens: Option<u32>,
    pub max_output: Option<u32>,
    pub quantization: Option<String>,
    pub supported_parameters: Vec<String>,
    /// List prices. `None`: not stated, or not to be read beyond doubt.
    pub pricing: Option<Pricing>,
    pub implicit_caching: Option<bool>,
}

/// What a model that makes images or videos can be told, and what it costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LiveMedia {
    /// The model.
    pub model: ModelSlug,
    /// What it can be told.
    pub abilities: MediaAbilities,
    /// What it costs at whom.
    pub endpoints: Vec<LiveMediaEndpoint>,
}

/// What such a model costs, and takes of the provider's own.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LiveMediaEndpoint {
    /// Its tag. `None`: whoever serves the model alone.
    pub tag: Option<String>,
    /// Fields of the provider's own that it takes.
    pub passthrough_parameters: Vec<String>,
    /// Prices by other units than tokens. Empty: not stated, or not to be read beyond doubt.
    pub prices: Vec<MediaPrice>,
    /// The same as the source writes them.
    pub skus: BTreeMap<String, String>,
}

/// A provider. It has no address: where credentials go is never a source's to say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each field is the column of the same name of `Provider`")]
pub struct LiveProvider {
    pub slug: ProviderSlug,
    pub name: Option<String>,
    pub privacy_policy_url: Option<String>,
    pub terms_of_service_url: Option<String>,
    pub status_page_url: Option<String>,
    pub headquarters: Option<String>,
    pub datacenters: Vec<String>,
}

/// Why a live catalog is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SyncError {
    /// The answer has another form.
    #[error("{what} is not in the form that is documented for {}", source_name.as_str())]
    Form {
        /// Which answer.
        what: String,
        /// Whose.
        source_name: Source,
    },
    /// It lists no model at all.
    #[error("the answer lists no models")]
    Empty,
    /// It lists less than half of what the last one did.
    #[error("the answer lists {now} models and the last one listed {before}: a loss of more than half is taken for a fault of the source")]
    Dropped {
        /// Models in the last one.
        before: usize,
        /// Models in this one.
        now: usize,
    },
    /// It contradicts itself, in a way that no rule of the merge foresees.
    #[error("the rows make no catalog: {0}")]
    Rows(String),
    /// A stored file that is not what was written.
    #[error("the stored catalog cannot be read: {0}")]
    Stored(String),
}

impl Synced {
    /// A catalog without entries, to be filled.
    pub(super) fn empty(source: Source, fetched_at: i64, etag: Option<String>) -> Self {
        let (models, endpoints, providers, skipped) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (images, videos, zdr, skipped_count) = (None, None, None, 0);
        let (url, unread, unread_count) = (String::new(), Vec::new(), 0);
        Self {
            source,
            url,
            fetched_at,
            etag,
            models,
            endpoints,
            providers,
            images,
            videos,
            zdr,
            skipped,
            skipped_count,
            unread,
            unread_count,
        }
    }

    /// Notes an entry that could not be read.
    pub(super) fn skip(&mut self, what: impl FnOnce() -> String) {
        self.skipped_count += 1;
        if self.skipped.len() < SKIPPED_MAX {
            self.skipped.push(what().chars().take(NOTE_CHARS_MAX).collect());
        }
    }

    /// The same with a note of each answer that did not come, and without the name of this version: the next sync reads all again.
    #[must_use]
    pub fn with_unread(mut self, unread: &[String]) -> Self {
        if !unread.is_empty() {
            self.etag = None;
        }
        self.unread_count = unread.len();
        self.unread = unread.iter().take(SKIPPED_MAX).map(|what| what.chars().take(NOTE_CHARS_MAX).collect()).collect();
        self
    }

    /// The first answers that did not come, for people.
    #[must_use]
    pub fn unread_first(&self) -> &[String] {
        &self.unread[..self.unread.len().min(UNREAD_SHOWN)]
    }

    /// The objects among the items of `list`. What else stands there is noted, with its place.
    pub(super) fn objects<'a>(&mut self, list: &str, items: Vec<Item<'a>>) -> Vec<Fields<'a>> {
        let mut objects = Vec::new();
        for (at, item) in (1..).zip(items) {
            match item {
                Ok(object) => objects.push(object),
                Err(other) => self.skip(|| format!("entry {at} of {list}: {other}, and no object")),
            }
        }
        objects
    }

    /// The same with each entry once, in a fixed order, within the bounds. Of two entries of one name the first counts, which is noted,
    /// but for models of a file in which every provider lists its own.
    pub(super) fn tidy(mut self) -> Self {
        let mut twice = Vec::new();
        self.models.sort_by(|a, b| a.slug.cmp(&b.slug));
        self.models.dedup_by(|a, b| {
            let is_same = a.slug == b.slug;
            if is_same && self.source != Source::ModelsDev {
                twice.push(format!("model {}: stands twice, the first counts", a.slug));
            }
            is_same
        });
        self.models.truncate(MODELS_MAX);
        self.endpoints.sort_by(|a, b| (&a.model, &a.tag).cmp(&(&b.model, &b.tag)));
        self.endpoints.dedup_by(|a, b| {
            let is_same = (&a.model, &a.tag) == (&b.model, &b.tag);
            if is_same {
                twice.push(format!("{} at {}: stands twice, the first counts", a.model, a.tag));
            }
            is_same
        });
        self.endpoints.truncate(ENDPOINTS_MAX);
        self.providers.sort_by(|a, b| a.slug.cmp(&b.slug));
        self.providers.dedup_by(|a, b| a.slug == b.slug);
        self.providers.truncate(PROVIDERS_MAX);
        for media in self.images.iter_mut().chain(&mut self.videos) {
            media.truncate(MODELS_MAX);
            media.iter_mut().for_each(|model| model.endpoints.truncate(ENDPOINTS_MAX));
        }
        twice.into_iter().for_each(|what| self.skip(|| what));
        self
    }

    /// Whether it may take the place of `last`: a source that lost more than half of its models has a fault.
    ///
    /// # Errors
    /// That it lists none, or less than half.
    pub fn check_against(&self, last: Option<&Synced>) -> Result<(), SyncError> {
        let now = self.models.len();
        let before = last.filter(|last| last.source == self.source).map_or(0, |last| last.models.len());
        match now {
            0 => Err(SyncError::Empty),
            _ if now * 2 < before => Err(SyncError::Dropped { before, now }),
            _ => Ok(()),
        }
    }
}
