//! The rows that a snapshot is assembled from, as the data files and the configuration write them.

use portolan_core::{Auth, Capabilities, Dialect, ModelSlug, OnHangup, ProviderSlug, Quirk};
use serde::Deserialize;

use crate::model::{DefaultParameters, ReasoningInfo};
use crate::{DataOrigin, DataPolicy, Pricing, ToolChoice};

/// All of them, in the order in which they get their indices.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rows {
    pub(crate) providers: Vec<ProviderRow>,
    pub(crate) models: Vec<ModelRow>,
}

/// A file `data/providers/<slug>.toml`: the provider's columns, then its endpoints.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProviderRow {
    pub(crate) slug: ProviderSlug,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) base_url: String,
    pub(crate) dialect: Dialect,
    pub(crate) auth: Auth,
    #[serde(default)]
    pub(crate) quirks: Vec<Quirk>,
    pub(crate) on_hangup: OnHangup,
    #[serde(default)]
    pub(crate) api_key_env: Vec<String>,
    pub(crate) privacy_policy_url: Option<String>,
    pub(crate) terms_of_service_url: Option<String>,
    pub(crate) status_page_url: Option<String>,
    pub(crate) headquarters: Option<String>,
    #[serde(default)]
    pub(crate) datacenters: Vec<String>,
    /// The policy of endpoints that state none.
    #[serde(default)]
    pub(crate) data_policy: DataPolicy,
    #[serde(skip, default = "builtin_origin")]
    pub(crate) origin: DataOrigin,
    #[serde(default)]
    pub(crate) endpoints: Vec<EndpointRow>,
}

fn builtin_origin() -> DataOrigin {
    DataOrigin::Builtin
}

/// One model at this provider.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndpointRow {
    pub(crate) model: ModelSlug,
    /// The provider's slug where left out.
    pub(crate) tag: Option<String>,
    pub(crate) upstream_id: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) dialect: Option<Dialect>,
    pub(crate) context_length: u32,
    pub(crate) max_prompt_tokens: Option<u32>,
    pub(crate) max_output: Option<u32>,
    pub(crate) quantization: Option<String>,
    #[serde(default)]
    pub(crate) supported_parameters: Vec<String>,
    /// Derived from the parameters and the model's modalities where left out.
    pub(crate) capabilities: Option<Capabilities>,
    /// Modalities of the model that this provider does not take.
    #[serde(default)]
    pub(crate) without_input: Vec<String>,
    pub(crate) tool_choice: Option<ToolChoice>,
    #[serde(default)]
    pub(crate) pricing: Pricing,
    #[serde(default)]
    pub(crate) free: bool,
    pub(crate) data_policy: Option<DataPolicy>,
    #[serde(default)]
    pub(crate) implicit_caching: bool,
    #[serde(default)]
    pub(crate) quirks: Vec<Quirk>,
    /// A setting that makes the provider's model this one (`speed = fast`).
    pub(crate) requires_setting: Option<String>,
}

/// A file `data/models/<author>.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelFile {
    /// The author as people write it, for descriptions.
    pub(crate) author: String,
    pub(crate) models: Vec<ModelRow>,
}

/// One model.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelRow {
    pub(crate) slug: ModelSlug,
    /// The slug where left out.
    pub(crate) canonical_slug: Option<ModelSlug>,
    pub(crate) name: String,
    /// Made from the other columns where left out.
    pub(crate) description: Option<String>,
    #[serde(default)]
    pub(crate) created: i64,
    pub(crate) input_modalities: Vec<String>,
    pub(crate) output_modalities: Vec<String>,
    #[serde(default = "other")]
    pub(crate) tokenizer: String,
    pub(crate) instruct_type: Option<String>,
    #[serde(default)]
    pub(crate) default_parameters: DefaultParameters,
    pub(crate) reasoning: Option<ReasoningInfo>,
    pub(crate) hugging_face_id: Option<String>,
    pub(crate) knowledge_cutoff: Option<String>,
    pub(crate) expiration_date: Option<String>,
    #[serde(default)]
    pub(crate) moderated: bool,
    #[serde(default)]
    pub(crate) wildcard: bool,
    /// Filled in from the file.
    #[serde(skip)]
    pub(crate) author: String,
}

fn other() -> String {
    "Other".to_owned()
}

impl ModelRow {
    /// A model of which the configuration tells only the name: text in, text out.
    pub(crate) fn of_configuration(slug: ModelSlug, name: Option<String>) -> Self {
        Self {
            name: name.unwrap_or_else(|| slug.to_string()),
            author: slug.author().to_owned(),
            slug,
            canonical_slug: None,
            description: None,
            created: 0,
            input_modalities: vec!["text".to_owned()],
            output_modalities: vec!["text".to_owned()],
            tokenizer: other(),
            instruct_type: None,
            default_parameters: DefaultParameters::default(),
            reasoning: None,
            hugging_face_id: None,
            knowledge_cutoff: None,
            expiration_date: None,
            moderated: false,
            wildcard: false,
        }
    }
}
