//! An endpoint: one model at one provider, with price, limits, abilities and data policy.

use std::sync::Arc;

use portolan_core::{Area, Auth, Capabilities, Dialect, Meter, Parameters, Price, PriceCard, Quantization, Quirk, ServiceTier, Task};
use serde::{Deserialize, Serialize};

use crate::media::MediaPricing;
use crate::{DataOrigin, EndpointIx, ModelIx, ProviderIx};

/// So many tokens an ordinary request has, where a price per request is to be compared with prices per token.
const TOKENS_OF_A_REQUEST: u64 = 1_000;

/// What a provider does with prompts. `None` is unknown, and unknown counts as the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataPolicy {
    /// Whether it may train on prompts.
    pub training: Option<bool>,
    /// Whether it keeps prompts.
    pub retains_prompts: Option<bool>,
    /// For how many days, where it keeps them for a known time.
    pub retention_days: Option<u32>,
    /// Whether it may publish them.
    pub can_publish: Option<bool>,
}

/// Which values of `tool_choice` it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ToolChoice {
    /// `auto`.
    pub auto: bool,
    /// `none`.
    pub none: bool,
    /// `required`.
    pub required: bool,
    /// A certain function.
    pub function: bool,
}

/// Why an endpoint cannot be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotCallable {
    /// Nobody knows its price, and unknown is never free.
    PriceUnknown,
    /// Nobody knows what the provider calls the model.
    UpstreamIdUnknown,
    /// Nobody knows where the provider listens, or its address has a placeholder that nothing fills.
    BaseUrlUnknown,
    /// It is sold for requests in batches only, which have no route yet.
    BatchNotBuilt,
    /// Its task has no route yet.
    TaskNotBuilt,
    /// Its wire format is not built, or is none of ours.
    DialectNotBuilt,
    /// Its way of proving who sends is not built.
    AuthNotBuilt,
    /// It is another model with a setting (`speed: fast`), which nobody sends for it yet; without, it would be another price.
    SettingNotBuilt,
}

impl NotCallable {
    /// All of them, in the order in which they are looked for: what nobody can change comes first.
    pub const ALL: &[NotCallable] = &[
        NotCallable::PriceUnknown,
        NotCallable::BatchNotBuilt,
        NotCallable::TaskNotBuilt,
        NotCallable::DialectNotBuilt,
        NotCallable::AuthNotBuilt,
        NotCallable::SettingNotBuilt,
        NotCallable::UpstreamIdUnknown,
        NotCallable::BaseUrlUnknown,
    ];

    /// Whether the simulator may answer in its place: it needs a price and a request that it understands, and nothing of the provider's.
    #[must_use]
    pub fn is_callable_by_simulator(self) -> bool {
        !matches!(self, NotCallable::PriceUnknown | NotCallable::BatchNotBuilt | NotCallable::TaskNotBuilt)
    }

    /// The reason in words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            NotCallable::PriceUnknown => "its price is unknown",
            NotCallable::UpstreamIdUnknown => "its id at the provider is unknown",
            NotCallable::BaseUrlUnknown => "the base_url of its provider is unknown, or has a placeholder that nothing fills",
            NotCallable::BatchNotBuilt => "it is for batches only, and batch requests are not supported yet",
            NotCallable::TaskNotBuilt => "its task is not supported yet",
            NotCallable::DialectNotBuilt => "its dialect is not supported yet",
            NotCallable::AuthNotBuilt => "its auth is not supported yet",
            NotCallable::SettingNotBuilt => "it needs a setting of the provider's that is not supported yet",
        }
    }
}

/// Whether requests of this task can be sent.
#[must_use]
pub fn is_task_built(task: Task) -> bool {
    matches!(task, Task::Chat)
}

/// Whether a class of service can be asked for in this dialect.
#[must_use]
pub fn is_service_tier_built(dialect: Dialect) -> bool {
    matches!(dialect, Dialect::OpenAiChat)
}

/// Why prompts are believed to be kept nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ZdrBasis {
    /// The endpoint's own policy says so: a fact.
    Endpoint,
    /// An administrator says so.
    Administrator,
    /// The same model has it at the same provider in another region. No fact.
    OtherRegion,
    /// All known endpoints of the provider have it. No fact.
    Provider,
}

impl ZdrBasis {
    /// Whether a promise may rest on it.
    #[must_use]
    pub fn is_fact(self) -> bool {
        matches!(self, ZdrBasis::Endpoint | ZdrBasis::Administrator)
    }
}

/// Whether requests can be sent in this dialect.
#[must_use]
pub fn is_dialect_built(dialect: Dialect) -> bool {
    matches!(dialect, Dialect::OpenAiChat | Dialect::Anthropic)
}

/// Whether requests can be signed this way.
#[must_use]
pub fn is_auth_built(auth: Auth) -> bool {
    matches!(auth, Auth::None | Auth::Bearer | Auth::Header)
}

/// One model at one provider.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Its own index.
    pub ix: EndpointIx,
    /// The model.
    pub model: ModelIx,
    /// The provider.
    pub provider: ProviderIx,
    /// Where its row comes from.
    pub origin: DataOrigin,
    /// The configuration alone has it: neither the built-in data nor a source do.
    pub own: bool,
    /// Somebody states its context. Where nobody does, `context_length` is one that nothing exceeds.
    pub is_bounded: bool,
    /// Its name in routing, unique within the model: `openai`, `deepinfra/turbo`, `amazon-bedrock/us-east-1`, `openai/priority`.
    pub tag: String,
    /// What the provider calls the model. `None`: unknown, or (wildcard) taken from the requested slug.
    pub upstream_id: Option<String>,
    /// The cloud region, where it is bound to one.
    pub region: Option<String>,
    /// Its wire format. Meaningless where it is none of ours: `callable` says so then.
    pub dialect: Dialect,
    /// Prompt and answer together, in tokens. 0 where a task other than chat has none.
    pub context_length: u32,
    /// The longest prompt, where shorter than the context.
    pub max_prompt_tokens: Option<u32>,
    /// The longest answer, in tokens; the context where the provider states none.
    pub max_output: u32,
    /// The precision of its weights.
    pub quantization: Quantization,
    /// What it does.
    pub task: Task,
    /// The class of service that it belongs to; `None`: the ordinary one.
    pub service_tier: Option<ServiceTier>,
    /// The part of the world that requests to it do not leave: a fact about its cloud region, or attested by an administrator.
    pub area: Option<Area>,
    /// The same, as data curated by hand claim it. Counts for nothing before it is attested.
    pub claimed_area: Option<Area>,
    /// Zero data retention is a fact here: its own policy says so, or an administrator.
    pub zdr: bool,
    /// Why zero data retention is believed, where it is.
    pub zdr_basis: Option<ZdrBasis>,
    /// What it can do.
    pub capabilities: Capabilities,
    /// The request fields that it takes.
    pub supported_parameters: Arc<[String]>,
    /// The same, as a set of OpenRouter's names.
    pub parameters: Parameters,
    /// The values of `tool_choice` that it takes.
    pub tool_choice: ToolChoice,
    /// Its prices. Meaningless while `callable` says that they are unknown.
    pub prices: Arc<PriceCard>,
    /// What it charges beside tokens.
    pub media: Option<Arc<MediaPricing>>,
    /// Cached audio of the input, per token. Nothing counts it apart: it is charged as cached input.
    pub audio_cache_read: Option<Price>,
    /// The provider's own report of the charge is what is charged; `prices` only bound it.
    pub charged_by_report: bool,
    /// It costs nothing, searches apart, and means it.
    pub free: bool,
    /// What happens to prompts.
    pub policy: DataPolicy,
    /// Caches prompts without being asked.
    pub implicit_caching: bool,
    /// Searches the web itself.
    pub native_web_search: bool,
    /// Takes files by URL.
    pub file_urls: bool,
    /// Takes videos by URL.
    pub video_urls: bool,
    /// Fields of the provider's own that it takes.
    pub passthrough_parameters: Arc<[String]>,
    /// When the provider ends it, `YYYY-MM-DD`.
    pub deprecation_date: Option<String>,
    /// The provider's quirks and its own.
    pub quirks: Vec<Quirk>,
    /// Whether it can be called, or why not.
    pub callable: Result<(), NotCallable>,
}

impl Endpoint {
    /// Whether it deviates in this way.
    #[must_use]
    pub fn has_quirk(&self, quirk: Quirk) -> bool {
        self.quirks.contains(&quirk)
    }

    /// What to call the model upstream when a request asked for `requested`: its own id there, else what follows the slash.
    #[must_use]
    pub fn upstream_model<'a>(&'a self, requested: &'a str) -> &'a str {
        match &self.upstream_id {
            Some(id) => id,
            None => requested.split_once('/').map_or(requested, |(_, name)| name),
        }
    }

    /// The dialect in which the simulator stands in for it: its own where built, else `openai_chat`.
    #[must_use]
    pub fn simulated_dialect(&self) -> Dialect {
        if is_dialect_built(self.dialect) { self.dialect } else { Dialect::OpenAiChat }
    }

    /// What routing takes for its price per token: the mean of its input and output prices for ordinary prompts. A price per
    /// request counts as that of [`TOKENS_OF_A_REQUEST`].
    #[must_use]
    pub fn blended_price(&self) -> Price {
        let of = |meter| self.prices.base.effective(meter).0;
        Price(of(Meter::Input).midpoint(of(Meter::Output)).saturating_add(of(Meter::Request) / TOKENS_OF_A_REQUEST))
    }

    /// The longest prompt it takes, in tokens.
    #[must_use]
    pub fn prompt_limit(&self) -> u32 {
        self.max_prompt_tokens.map_or(self.context_length, |max| max.min(self.context_length))
    }
}
