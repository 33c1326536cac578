//! A model's columns.

use portolan_core::{ModelSlug, ProviderSlug, Task};
use serde::Deserialize;

use crate::media::MediaAbilities;
use crate::model::{DefaultParameters, ReasoningInfo};
use crate::{DataOrigin, place};

/// What stands before the tables `[[models]]` of a file `data/models/<author>.toml`, or of `data/routers.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelFile {
    /// The author as people write it, for descriptions.
    pub(crate) author: String,
}

/// One model.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelRow {
    pub(crate) slug: ModelSlug,
    /// The slug where left out.
    pub(crate) canonical_slug: Option<ModelSlug>,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) task: Task,
    /// Made from the other columns where left out.
    pub(crate) description: Option<String>,
    #[serde(default)]
    pub(crate) created: i64,
    /// The model that it is a variant of (`:free`, `:thinking`, `:batch`).
    pub(crate) variant_of: Option<ModelSlug>,
    /// Providers that serve it without a row of their own.
    #[serde(default)]
    pub(crate) resold_by: Vec<ProviderSlug>,
    /// OpenRouter lists it no more since at most this day, `YYYY-MM-DD`.
    pub(crate) delisted: Option<String>,
    pub(crate) input_modalities: Vec<String>,
    pub(crate) output_modalities: Vec<String>,
    #[serde(default = "other")]
    pub(crate) tokenizer: String,
    pub(crate) instruct_type: Option<String>,
    #[serde(default)]
    pub(crate) default_parameters: DefaultParameters,
    pub(crate) reasoning: Option<ReasoningInfo>,
    pub(crate) hugging_face_id: Option<String>,
    pub(crate) open_weights: Option<bool>,
    pub(crate) knowledge_cutoff: Option<String>,
    pub(crate) expiration_date: Option<String>,
    #[serde(default)]
    pub(crate) moderated: bool,
    /// Of its published weights: the SPDX identifier, where it has one.
    pub(crate) license: Option<String>,
    /// Follows from the license where left out.
    pub(crate) distillable: Option<bool>,
    pub(crate) capabilities: Option<Box<MediaAbilities>>,
    #[serde(default)]
    pub(crate) wildcard: bool,
    /// For a router, which has no endpoints to take it from.
    pub(crate) context_length: Option<u32>,
    /// For a router, likewise.
    #[serde(default)]
    pub(crate) supported_parameters: Vec<String>,
    /// It chooses another model. Filled in from the file.
    #[serde(skip)]
    pub(crate) router: bool,
    #[serde(skip)]
    pub(crate) origin: DataOrigin,
    /// Filled in from the file.
    #[serde(skip)]
    pub(crate) author: String,
    /// The line of its file, from 1.
    #[serde(skip)]
    pub(crate) line: u32,
}

fn other() -> String {
    "Other".to_owned()
}

impl ModelRow {
    /// Where it stands.
    pub(crate) fn place(&self) -> String {
        match (self.origin, self.router) {
            (DataOrigin::Synced | DataOrigin::Configuration, _) => self.slug.to_string(),
            (DataOrigin::Builtin, true) => format!("{}:{}", place::ROUTERS, self.line),
            (DataOrigin::Builtin, false) => format!("{}:{}", place::model_file(self.slug.author()), self.line),
        }
    }

    /// A model of which the configuration tells only the name: text in, text out.
    pub(crate) fn of_configuration(slug: ModelSlug, name: Option<String>) -> Self {
        Self {
            name: name.unwrap_or_else(|| slug.to_string()),
            author: slug.author().to_owned(),
            slug,
            canonical_slug: None,
            task: Task::Chat,
            description: None,
            created: 0,
            variant_of: None,
            resold_by: Vec::new(),
            delisted: None,
            input_modalities: vec!["text".to_owned()],
            output_modalities: vec!["text".to_owned()],
            tokenizer: other(),
            instruct_type: None,
            default_parameters: DefaultParameters::default(),
            reasoning: None,
            hugging_face_id: None,
            open_weights: None,
            knowledge_cutoff: None,
            expiration_date: None,
            moderated: false,
            license: None,
            distillable: None,
            capabilities: None,
            wildcard: false,
            context_length: None,
            supported_parameters: Vec::new(),
            router: false,
            origin: DataOrigin::Configuration,
            line: 0,
        }
    }
}
