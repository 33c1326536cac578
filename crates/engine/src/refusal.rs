//! What a caller is told when there is no answer: a status, a rule, and what to do.

use std::time::Duration;

use portolan_catalog::Catalog;
use portolan_core::{Class, Fault, ModelSlug, Origin};
use serde_json::{Map, Value, json};

/// The rule that spoke. The names are part of the contract with clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// What is settled leaves too little.
    BudgetExhausted,
    /// What is left is held by requests in flight.
    BudgetInFlight,
    /// A hard ceiling, and a cost that nobody can bound.
    UnboundedCost,
    /// The key is disabled.
    KeyDisabled,
    /// The key has expired.
    KeyExpired,
    /// A field that is not built yet.
    NotSupported,
    /// No allowed provider is left.
    ProviderNotAllowed,
    /// The request is confined to an area that is not served.
    Region,
    /// A policy of data, price or the like left no endpoint.
    Route(portolan_routing::Rule),
    /// The model is not known.
    ModelNotFound,
    /// No endpoint is left, by another rule.
    NoEndpoint,
    /// The request has been here before.
    Loop,
    /// A body, header or nesting beyond its limit.
    Limit,
}

impl Rule {
    /// The name in `metadata.rule`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Rule::BudgetExhausted => "budget_exhausted",
            Rule::BudgetInFlight => "budget_in_flight",
            Rule::UnboundedCost => "unbounded_cost",
            Rule::KeyDisabled => "key_disabled",
            Rule::KeyExpired => "key_expired",
            Rule::NotSupported => "not_supported",
            Rule::ProviderNotAllowed => "provider_not_allowed",
            Rule::Region => "region",
            Rule::Route(rule) => rule.as_str(),
            Rule::ModelNotFound => "model_not_found",
            Rule::NoEndpoint => "no_endpoint",
            Rule::Loop => "loop",
            Rule::Limit => "limit",
        }
    }
}

/// So many models are suggested for an unknown one.
const SUGGESTIONS_MAX: usize = 3;

/// Characters of an unknown name that an error tells back.
const SHOWN_CHARS_MAX: usize = 120;

/// What is said of a name that no model has here, with the names that resemble it. A model that is known, but not for what is
/// asked, resembles none.
#[must_use]
pub fn not_a_model(catalog: &Catalog, name: &str) -> String {
    let shown: String = name.chars().filter(|c| !c.is_control()).take(SHOWN_CHARS_MAX).collect();
    if name.contains(char::is_control) {
        return format!("{shown} is not a valid model ID: the name holds a control character, which is not shown here; leave it out");
    }
    let nearest: Vec<&str> = catalog.nearest(name.trim(), SUGGESTIONS_MAX).into_iter().map(ModelSlug::as_str).collect();
    let hint =
        if nearest.is_empty() || nearest.contains(&name) { String::new() } else { format!(". Did you mean {}?", nearest.join(", ")) };
    format!("{shown} is not a valid model ID{hint}")
}

/// A refusal, or a failure before anything was said. One pointer wide: it stands in every `Result` of the way in.
#[derive(Debug, Clone)]
pub struct Refused(Box<Details>);

/// What a refusal says.
#[derive(Debug, Clone)]
pub struct Details {
    /// The HTTP status; also `error.code`.
    pub status: u16,
    /// What happened and what to do.
    pub message: String,
    /// OpenRouter's `error_type`.
    pub error_type: &'static str,
    /// The rule, where one spoke.
    pub rule: Option<Rule>,
    /// When another try makes sense.
    pub retry_after: Option<Duration>,
    /// What else `error.metadata` holds.
    pub metadata: Map<String, Value>,
    /// OpenRouter's `error.availability`, where no endpoint remained.
    pub availability: Option<Value>,
    /// What the router did, where the caller asked for it.
    pub router: Option<Value>,
    /// Whether it is the simulator that failed.
    pub simulated: bool,
}

impl Refused {
    /// A refusal without further details.
    #[must_use]
    pub fn new(status: u16, error_type: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Details {
            status,
            message: message.into(),
            error_type,
            rule: None,
            retry_after: None,
            metadata: Map::new(),
            availability: None,
            router: None,
            simulated: false,
        }))
    }

    /// A 400 that names the field.
    #[must_use]
    pub fn field(field: &str, message: impl Into<String>) -> Self {
        Self::new(400, "invalid_request", message).with("field", field)
    }

    /// A fault of our own: says nothing but the generation id, which the caller has in a header.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(500, "server", "Internal Server Error")
    }

    /// The same, by this rule.
    #[must_use]
    pub fn by(mut self, rule: Rule) -> Self {
        self.rule = Some(rule);
        self
    }

    /// The same, with another detail.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.metadata.insert(name.to_owned(), value.into());
        self
    }

    /// What the last attempt's fault means for the caller.
    #[must_use]
    pub fn after(fault: &Fault, provider: &str) -> Self {
        if fault.class == Class::Internal {
            return Self::internal();
        }
        let mut refused = Self::new(fault.class.http_status(), fault.class.error_type(), fault.message.clone());
        if fault.origin == Origin::Upstream || fault.status.is_some() {
            refused = refused.with("provider_name", provider);
        }
        if let Some(code) = fault.provider_code.clone().or_else(|| fault.status.map(|s| s.to_string())) {
            refused = refused.with("provider_code", code);
        }
        refused.retry_after = fault.retry_after;
        refused
    }

    /// The body, in OpenRouter's shape.
    #[must_use]
    pub fn body(&self) -> Value {
        let mut error = json!({ "code": self.status, "message": self.message });
        // OpenRouter's 500s say nothing more.
        if self.status != 500 {
            let mut metadata = Map::new();
            metadata.insert("error_type".to_owned(), self.error_type.into());
            if let Some(rule) = self.rule {
                metadata.insert("rule".to_owned(), rule.as_str().into());
            }
            metadata.insert("retryable".to_owned(), self.is_retryable().into());
            metadata.extend(self.metadata.clone());
            error["metadata"] = metadata.into();
        }
        if let Some(availability) = &self.availability {
            error["availability"] = availability.clone();
            if let Some(seconds) = self.retry_after_seconds() {
                error["availability"]["retry_after"] = seconds.into();
            }
        }
        let mut body = json!({ "error": error });
        if let Some(router) = self.router.as_ref().filter(|_| self.status != 500) {
            body["openrouter_metadata"] = router.clone();
        }
        body
    }

    /// When another try makes sense. Rounded up: a caller who waits a second less than needed has waited for nothing.
    #[must_use]
    pub fn retry_after_seconds(&self) -> Option<u64> {
        let wait = self.retry_after.or((self.status == 503).then_some(Duration::from_secs(1)))?;
        Some(wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
    }

    fn is_retryable(&self) -> bool {
        matches!(self.status, 408 | 429 | 502 | 503 | 504 | 529)
    }
}

impl std::ops::Deref for Refused {
    type Target = Details;
    fn deref(&self) -> &Details {
        &self.0
    }
}

impl std::ops::DerefMut for Refused {
    fn deref_mut(&mut self) -> &mut Details {
        &mut self.0
    }
}
