//! The closed list of rules that can reject an endpoint. Names are stable: errors, explanations and records use them.

use portolan_catalog::NotCallable;
use portolan_core::{Area, Capabilities, Parameters, Price, Quantization, ServiceTier, Task};

portolan_core::words! {
    /// Why an endpoint is out, in the order in which the rules are asked.
    pub enum Rule {
        /// The settings of the router leave its model out.
        ModelNotAllowed = "model_not_allowed",
        /// Nobody could call it.
        NotCallable = "not_callable",
        /// No credential stands behind it.
        NoCredential = "no_credential",
        /// It is simulated and the plan is real, or the reverse.
        SimulatedApart = "simulated_apart",
        /// It does something else than what is asked for.
        Task = "task",
        /// `order` does not name it and fallbacks are not allowed.
        NotInOrder = "not_in_order",
        /// `only` or `ignore` leaves it out.
        ProviderNotAllowed = "provider_not_allowed",
        /// Requests to it may leave the part of the world that this one is confined to.
        Region = "region",
        /// Zero data retention is asked for, and not known of it.
        ZdrRequired = "zdr_required",
        /// It may use prompts for ends of its own, or nobody knows.
        DataCollection = "data_collection",
        /// It costs more than the request takes.
        MaxPrice = "max_price",
        /// Its weights have another precision.
        Quantization = "quantization",
        /// The model's text may not be used to train others.
        Distillable = "distillable",
        /// It does not take every parameter of the request, and all are required.
        Parameters = "parameters",
        /// It belongs to a class of service that the request does not ask for.
        ServiceTier = "service_tier",
        /// It can not take what the request holds.
        Capability = "capability",
        /// The prompt is longer than it takes.
        ContextLength = "context_length",
        /// The request asks for a longer answer than it gives.
        MaxOutput = "max_output",
        /// It reported more usage than was held, and the budget is strict.
        StrictBarred = "strict_barred",
        /// Others can do what the request asks for, and it can not.
        CapabilityPreferred = "capability_preferred",
        /// It would have been a fallback, and fallbacks are not allowed.
        FallbackNotAllowed = "fallback_not_allowed",
        /// It can cost more than what is left of the key's limit, and a later one does not.
        BudgetExhausted = "budget_exhausted",
        /// It does not fit beside what requests in flight hold, and a later one does.
        BudgetInFlight = "budget_in_flight",
    }

    /// Where a rule comes from.
    pub enum Source {
        /// The row of the endpoint.
        Catalog = "catalog",
        /// The operator's configuration: credentials, the simulator, rules.
        Configuration = "configuration",
        /// The name of the host that the request came to.
        Host = "host",
        /// The account.
        Account = "account",
        /// The workspace.
        Workspace = "workspace",
        /// A guardrail; explanations add its id.
        Guardrail = "guardrail",
        /// `provider.only` of the request.
        RequestOnly = "request.provider.only",
        /// `provider.ignore` of the request.
        RequestIgnore = "request.provider.ignore",
        /// `provider.zdr` of the request.
        RequestZdr = "request.provider.zdr",
        /// `provider.data_collection` of the request.
        RequestDataCollection = "request.provider.data_collection",
        /// `provider.max_price` of the request.
        RequestMaxPrice = "request.provider.max_price",
        /// `provider.quantizations` of the request.
        RequestQuantizations = "request.provider.quantizations",
        /// `provider.enforce_distillable_text` of the request.
        RequestDistillable = "request.provider.enforce_distillable_text",
        /// `provider.require_parameters` of the request.
        RequestRequireParameters = "request.provider.require_parameters",
        /// `service_tier` of the request, or that there is none.
        RequestServiceTier = "request.service_tier",
        /// `allowed_models` of the request's `auto-router` plugin.
        RequestAllowedModels = "request.plugins.auto-router.allowed_models",
        /// `excluded_models` of the request's `auto-router` plugin.
        RequestExcludedModels = "request.plugins.auto-router.excluded_models",
        /// `provider.allow_fallbacks` of the request.
        RequestAllowFallbacks = "request.provider.allow_fallbacks",
        /// The length of the request's messages.
        RequestMessages = "request.messages",
        /// `max_tokens` of the request.
        RequestMaxTokens = "request.max_tokens",
        /// What the request's messages, tools and output format need.
        RequestNeeds = "request",
        /// What earlier requests met.
        Health = "health",
        /// The key's limit.
        Key = "key",
    }
}

impl Rule {
    /// The word for it in OpenRouter's `error.availability.excluded_by`, where it has one; else its name.
    #[must_use]
    pub fn availability_name(self) -> &'static str {
        match self {
            Rule::Region => "data_region",
            Rule::ZdrRequired => "data_policy:zdr",
            Rule::DataCollection => "data_policy:training",
            Rule::NotInOrder | Rule::ProviderNotAllowed => "allowed_providers",
            Rule::Parameters => "require_parameters",
            other => other.as_str(),
        }
    }
}

/// What a provider may do with prompts that a request does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataFlaw {
    /// Whether it trains on them is unknown.
    TrainingUnknown,
    /// It trains on them.
    Trains,
    /// It publishes them.
    Publishes,
}

/// What a price is for, in the order in which the bounds are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PriceOf {
    /// A prompt token.
    Prompt,
    /// An output token.
    Completion,
    /// A request.
    Request,
    /// An image.
    Image,
    /// A unit of audio.
    Audio,
}

/// The terms of a rejection, kept as codes and rendered when someone reads them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// The rule says it all, or its words are those of the request's preferences.
    None,
    /// Why it is not callable.
    NotCallable(NotCallable),
    /// What it does instead.
    Does(Task),
    /// It also draws or talks.
    GivesMedia,
    /// Where its requests stay, and where this one must.
    Area {
        /// Asked.
        needs: Area,
        /// There; `None`: unknown.
        has: Option<Area>,
    },
    /// What it may do with prompts.
    DataFlaw(DataFlaw),
    /// What it costs and what it may cost, in USD per unit.
    Price {
        /// Which price.
        of: PriceOf,
        /// The most that is allowed.
        max: Price,
        /// There; `None`: unknown.
        has: Option<Price>,
    },
    /// The precision of its weights.
    Quantization(Quantization),
    /// Parameters of the request that it does not take.
    Ignores(Parameters),
    /// The class of service that it belongs to; `None`: the ordinary one.
    Tier(Option<ServiceTier>),
    /// What it lacks, and parameters that it does not take.
    Lacks(Capabilities, Parameters),
    /// What is asked and what it has, in tokens.
    Limit {
        /// Asked.
        needs: u64,
        /// There.
        has: u64,
    },
}
