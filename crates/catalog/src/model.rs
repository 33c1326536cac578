//! A model: what it is called, takes and gives, apart from who serves it.

use std::sync::Arc;

use portolan_core::{ModelSlug, Suffix, Task};
use serde::{Deserialize, Serialize};

use crate::media::MediaAbilities;
use crate::{DataOrigin, EndpointIx};

/// What is known of a model's reasoning.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReasoningInfo {
    /// It cannot be switched off.
    pub mandatory: bool,
    /// On unless a request says otherwise.
    pub default_enabled: Option<bool>,
    /// The effort where a request names none.
    pub default_effort: Option<String>,
    /// Efforts it takes, the highest first.
    pub supported_efforts: Option<Vec<String>>,
    /// Whether a budget in tokens can be set.
    pub supports_max_tokens: Option<bool>,
}

/// Sampling settings that hold where a request has none.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DefaultParameters {
    /// `temperature`.
    pub temperature: Option<f64>,
    /// `top_p`.
    pub top_p: Option<f64>,
    /// `top_k`.
    pub top_k: Option<i64>,
    /// `frequency_penalty`.
    pub frequency_penalty: Option<f64>,
    /// `presence_penalty`.
    pub presence_penalty: Option<f64>,
    /// `repetition_penalty`.
    pub repetition_penalty: Option<f64>,
}

/// One model.
#[derive(Debug, Clone)]
pub struct Model {
    /// Its public name in requests.
    pub slug: ModelSlug,
    /// Its permanent, dated name; also accepted in requests.
    pub canonical_slug: ModelSlug,
    /// Its display name.
    pub name: String,
    /// One line about it.
    pub description: String,
    /// When it was published, Unix seconds; 0 where unknown.
    pub created: i64,
    /// The longest context of its endpoints, in tokens. 0 where a task other than chat has none.
    pub context_length: u32,
    /// What it takes: `text`, `image`, `file`, `audio`, `video`.
    pub input_modalities: Arc<[String]>,
    /// What it gives: `text`, `image`, `audio`, `video`, `speech`, `transcription`, `embeddings`, `rerank`.
    pub output_modalities: Arc<[String]>,
    /// The family of its tokenizer.
    pub tokenizer: String,
    /// The format of its instructions, where it has a known one.
    pub instruct_type: Option<String>,
    /// The request fields that at least one of its endpoints takes.
    pub supported_parameters: Arc<[String]>,
    /// Sampling settings of its own.
    pub default_parameters: DefaultParameters,
    /// Its reasoning; `None`: it does not reason.
    pub reasoning: Option<ReasoningInfo>,
    /// Where its weights are published.
    pub hugging_face_id: Option<String>,
    /// `YYYY-MM-DD`.
    pub knowledge_cutoff: Option<String>,
    /// `YYYY-MM-DD`.
    pub expiration_date: Option<String>,
    /// Whether its first provider moderates.
    pub moderated: bool,
    /// Whether its weights are published, where known.
    pub open_weights: Option<bool>,
    /// The license of its published weights: the SPDX identifier, where it has one.
    pub license: Option<String>,
    /// The model that it is a variant of (`:free`, `:thinking`, `:batch`).
    pub variant_of: Option<ModelSlug>,
    /// OpenRouter lists it no more since at most this day, `YYYY-MM-DD`.
    pub delisted: Option<String>,
    /// What it can do, where its task is not chat.
    pub media: Option<Box<MediaAbilities>>,
    /// It chooses another model: it has no endpoints, and its price is that of what it chooses.
    pub router: bool,
    /// What it does.
    pub task: Task,
    /// Its text may be used to train other models. Unknown is no.
    pub distillable: bool,
    /// Where its row comes from.
    pub origin: DataOrigin,
    /// The slug is a prefix: `simulator/sim` also answers to `simulator/sim-c200-d5`. Only the simulator's rows may say so.
    pub wildcard: bool,
    /// Who serves it, in the order of the rows.
    pub endpoints: Vec<EndpointIx>,
}

impl Model {
    /// Whether it is another model at the price of requests in batches. A model that is only called so is none.
    #[must_use]
    pub fn is_for_batches(&self) -> bool {
        self.variant_of.is_some() && Suffix::all_in(self.slug.as_str()).any(|suffix| suffix == Suffix::Batch)
    }

    /// The group by which zero data retention is enforced.
    #[must_use]
    pub fn zdr_group(&self) -> ZdrGroup {
        let group = GROUPS.iter().find(|(author, _)| *author == self.slug.author());
        group.map_or(ZdrGroup::NonFrontier, |(_, group)| *group)
    }
}

/// Authors whose models make a group.
const GROUPS: &[(&str, ZdrGroup)] = &[("anthropic", ZdrGroup::Anthropic), ("google", ZdrGroup::Google), ("openai", ZdrGroup::OpenAi)];

/// Models for which zero data retention is enforced together: by author, open weights included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ZdrGroup {
    /// Anthropic's.
    Anthropic,
    /// Google's.
    Google,
    /// OpenAI's.
    #[serde(rename = "openai")]
    OpenAi,
    /// All others'.
    NonFrontier,
}
