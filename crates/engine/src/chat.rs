//! A chat request, from what the gateway hands over to a plan with money held for it.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use portolan_catalog::{Catalog, DataOrigin, Endpoint, EndpointIx, Model, Provider};
use portolan_core::{Area, Day, Dialect, GenerationId, KeyHash, ModelSlug, UnixMillis};
use portolan_dialect::openai_chat::peek::{self, Peek};
use portolan_dialect::target::{Reseller, Target};
use portolan_ledger::{App, Attempt, Held, Refusal};
use portolan_routing::{Ask, Choice, Detail, NoEndpoint, Plan, Rejection, Rule as By, SimulatorUse, Source};
use tokio::time::Instant;

use crate::deployment::Deployment;
use crate::health::Probe;
use crate::quote::{self, LOWERED_MIN};
use crate::wanted::{Wanted, unknown_model};
use crate::{Caller, Engine, Refused, Rule, metadata};

/// How often an unstated limit is lowered further, because others spent while it waited. Each time costs up to two seconds.
const LOWERINGS_MAX: usize = 4;

/// Tokens for a word after the thinking that was asked for.
const LEAST_AFTER_THINKING: u64 = 1024;

/// Everything that is known of a request when it reaches the engine.
pub struct Inbound {
    /// The generation: made before anything is written.
    pub id: GenerationId,
    /// When the request came, by the wall clock.
    pub at: UnixMillis,
    /// When the request came, for durations.
    pub begun: Instant,
    /// Who asks.
    pub caller: Caller,
    /// The body as it came.
    pub body: Bytes,
    /// What was learned of it in one pass.
    pub peek: Peek,
    /// Where the request comes from.
    pub origins: Origins,
    /// The caller asks for the simulator (`X-Portolan-Simulate`).
    pub simulate: bool,
    /// The caller wants to be told what the router did.
    pub wants_metadata: bool,
    /// The area that the host name confines it to.
    pub area: Option<Area>,
    /// Wishes for the simulator (`X-Sim`); sent to simulated endpoints only.
    pub x_sim: Option<HeaderValue>,
    /// The instances that the request has passed, this one last; sent to providers, one of which may be another gateway.
    pub via: HeaderValue,
}

/// Where a request comes from, for its record.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    /// `X-Request-ID`, or the trace id of `traceparent`.
    pub trace_id: Option<String>,
    /// The application.
    pub app: App,
    /// The session, by header; the body's wins.
    pub session: Option<String>,
    /// The caller's own tags (`metadata`).
    pub tags: Vec<(String, String)>,
}

impl Inbound {
    /// Which field of the request names a model: `model`, or one of `models`.
    pub(crate) fn field_of_model(&self, name: &str) -> String {
        let value = |field| self.peek.field(field).map(|field| &self.body[field.value.clone()]);
        let fallbacks: Vec<String> = value("models").and_then(|text| serde_json::from_slice(text).ok()).unwrap_or_default();
        let is_model = value("model").and_then(|text| serde_json::from_slice::<String>(text).ok()).is_some_and(|model| model == name);
        match fallbacks.iter().position(|fallback| fallback == name).filter(|_| !is_model) {
            Some(at) => format!("models[{at}]"),
            None => "model".to_owned(),
        }
    }
}

/// A request that was admitted: there is a plan. Nothing is held yet.
pub(crate) struct Planned {
    pub(crate) inbound: Box<Inbound>,
    pub(crate) deployment: Arc<Deployment>,
    pub(crate) wanted: Wanted,
    pub(crate) plan: Plan,
}

/// The output limit of a request, and where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutputLimit {
    pub(crate) tokens: u64,
    pub(crate) stated: bool,
    pub(crate) lowered: bool,
}

impl Planned {
    /// Plans the request.
    ///
    /// # Errors
    /// A model that is unknown, or no endpoint that is left.
    pub(crate) fn new(engine: &Engine, inbound: Box<Inbound>) -> Result<Self, Refused> {
        let deployment = engine.deployment();
        permitted(&deployment, &inbound)?;
        // 53 bits: what reads the record's JSON may keep numbers as floats, and a draw is asked for again by its seed.
        let wanted = Wanted::new(engine, &deployment, &inbound, engine.random().next_u64() >> 11)?;
        let health = deployment.health(inbound.simulate).at(inbound.at, Probe::Take);
        match wanted.plan(&deployment, &inbound, &health) {
            Ok(plan) => Ok(Self { plan, wanted, deployment, inbound }),
            Err(none) => {
                let mut refused = no_endpoint(&deployment, &inbound, &wanted, &none);
                refused.router = metadata::unsubmitted(&inbound, &wanted, none.rejected().len());
                Err(refused)
            }
        }
    }

    pub(crate) fn endpoint(&self, attempt: usize) -> &Endpoint {
        self.deployment.catalog.endpoint(self.plan.attempts[attempt].endpoint)
    }

    pub(crate) fn provider(&self, attempt: usize) -> &Provider {
        self.deployment.catalog.provider(self.endpoint(attempt).provider)
    }

    /// The display name of the provider of an attempt that was made.
    pub(crate) fn provider_name<'a>(&'a self, attempt: &'a Attempt) -> &'a str {
        self.deployment.catalog.provider_by_slug(&attempt.provider).map_or(&attempt.provider, |provider| &provider.name)
    }

    /// The public name of the model that an attempt serves. A wildcard is known by the name that was asked for.
    pub(crate) fn slug(&self, attempt: usize) -> &ModelSlug {
        let choice = &self.plan.attempts[attempt];
        self.slug_of(choice.endpoint, choice.requested)
    }

    /// The public name of the model of an endpoint that stands in the plan for one of the requested models.
    pub(crate) fn slug_of(&self, endpoint: EndpointIx, requested: u16) -> &ModelSlug {
        let catalog = &self.deployment.catalog;
        let model = catalog.model_at(catalog.endpoint(endpoint).model);
        let asked = self.wanted.models.get(usize::from(requested)).filter(|_| model.wildcard);
        asked.unwrap_or(&model.slug)
    }

    /// Whether an attempt goes to a reseller, who takes OpenRouter's own fields. The simulator is none.
    pub(crate) fn is_resold(&self, attempt: usize) -> bool {
        self.plan.simulator_use == SimulatorUse::OnlyReal && self.endpoint(attempt).charged_by_report
    }

    /// What an encoder is told about an attempt's endpoint.
    pub(crate) fn target<'a>(&'a self, attempt: usize, slug: &'a str, max_tokens: Option<u64>, user_hash: Option<&'a str>) -> Target<'a> {
        let endpoint = self.endpoint(attempt);
        Target {
            caller: Dialect::OpenAiChat,
            upstream_id: endpoint.upstream_model(slug),
            stream: self.inbound.peek.stream,
            max_tokens,
            user_hash,
            quirks: &endpoint.quirks,
            // What a model of one's own takes, its owner knows; of the others the catalog does.
            supported: match self.provider(attempt).origin {
                DataOrigin::Builtin | DataOrigin::Synced => &endpoint.supported_parameters,
                DataOrigin::Configuration => &[],
            },
            service_tier: endpoint.service_tier,
            reseller: self.is_resold(attempt).then(|| Reseller {
                preferences: &self.inbound.peek.preferences,
                ignore: &self.wanted.ignored,
                max_price: quote::ceiling(endpoint, &self.inbound.peek.preferences.max_price),
            }),
        }
    }

    /// What stands upstream for the caller's end user: stable within the organization, meaningless outside.
    pub(crate) fn user_hash(&self) -> Option<String> {
        let user = self.inbound.peek.user.as_ref()?;
        let org = &self.inbound.caller.key.scope.org;
        Some(KeyHash::of(&format!("{org}:{user}")).to_string())
    }

    pub(crate) fn quote(&self, attempt: usize, tokens: u64) -> portolan_ledger::Quote {
        let recent = self.health().output_p95(self.plan.attempts[attempt].endpoint);
        quote::quote(&self.inbound.peek, self.endpoint(attempt), tokens, recent)
    }

    /// The request's own limit, else the key's default, else what the endpoint gives at most.
    pub(crate) fn output_limit(&self, attempt: usize) -> OutputLimit {
        let most = u64::from(self.endpoint(attempt).max_output);
        let stated = self.inbound.peek.max_tokens;
        let tokens = stated.or(self.inbound.caller.key.max_tokens_default).unwrap_or(most);
        OutputLimit { tokens: tokens.min(most), stated: stated.is_some(), lowered: false }
    }

    /// Holds the first attempt that the budgets allow, dropping those before it from the plan.
    ///
    /// # Errors
    /// The refusal of the first attempt, where none fits.
    pub(crate) async fn hold(&mut self, engine: &Engine) -> Result<(Held, OutputLimit), Refused> {
        if !engine.journal().is_open() {
            return Err(no_record());
        }
        let today = engine.clock().now().day();
        let limit = self.output_limit(0);
        let caller = &self.inbound.caller;
        let refusal = match caller.hold(&self.inbound.id, self.quote(0, limit.tokens), today).await {
            Ok(held) => return Ok((held, limit)),
            Err(refusal) => refusal,
        };
        let mut rules = vec![budget_rule(&refusal)];
        for attempt in 1..self.plan.attempts.len() {
            let limit = self.output_limit(attempt);
            match caller.try_hold(&self.inbound.id, self.quote(attempt, limit.tokens), today) {
                Ok(held) => {
                    self.drop_first(&rules);
                    let dropped = self.plan.rejected.iter().rev().take(rules.len()).map(|rejection| rejection.endpoint);
                    self.deployment.health(self.inbound.simulate).release(dropped, self.inbound.at);
                    return Ok((held, limit));
                }
                Err(refusal) => rules.push(budget_rule(&refusal)),
            }
        }
        if limit.stated { Err(over_budget(self, &refusal)) } else { self.hold_less(limit.tokens, refusal, today).await }
    }

    /// Takes the first attempts out of the plan, one for each rule.
    fn drop_first(&mut self, rules: &[By]) {
        let dropped = self.plan.attempts.drain(..rules.len()).zip(rules);
        self.plan.rejected.extend(dropped.map(|(Choice { endpoint, requested, .. }, rule)| Rejection {
            endpoint,
            requested,
            rule: *rule,
            source: Source::Key,
            policy: None,
            detail: Detail::None,
        }));
    }

    /// What the request would be refused with now, if it did not wait. Holds nothing; attempts before the first that the budgets
    /// allow leave the plan.
    pub(crate) fn refusal(&mut self, today: Day) -> Option<Refused> {
        let check = |attempt| self.inbound.caller.check(self.quote(attempt, self.output_limit(attempt).tokens), today);
        let refusals: Vec<Refusal> = (0..self.plan.attempts.len()).map_while(|attempt| check(attempt).err()).collect();
        if refusals.len() < self.plan.attempts.len() {
            self.drop_first(&refusals.iter().map(budget_rule).collect::<Vec<_>>());
            return None;
        }
        let refusal = refusals.into_iter().next()?;
        match &refusal {
            Refusal::Exhausted { affordable, .. } if !self.output_limit(0).stated => {
                let lowered = quote::affordable_tokens(&self.inbound.peek, self.endpoint(0), *affordable, self.least_tokens());
                lowered.is_none().then(|| over_budget(self, &refusal))
            }
            _ => Some(over_budget(self, &refusal)),
        }
    }

    /// Lowers an unstated limit to what is affordable. While it waits, others may spend of that: it then asks for less again.
    async fn hold_less(&self, tokens: u64, refusal: Refusal, today: Day) -> Result<(Held, OutputLimit), Refused> {
        let (mut most, mut refusal) = (tokens, refusal);
        for _ in 0..LOWERINGS_MAX {
            let Refusal::Exhausted { affordable, .. } = &refusal else { break };
            let tokens = quote::affordable_tokens(&self.inbound.peek, self.endpoint(0), *affordable, self.least_tokens());
            let Some(tokens) = tokens.filter(|t| *t < most) else { break };
            match self.inbound.caller.hold(&self.inbound.id, self.quote(0, tokens), today).await {
                Ok(held) => return Ok((held, OutputLimit { tokens, stated: false, lowered: true })),
                Err(still) => (most, refusal) = (tokens, still),
            }
        }
        Err(over_budget(self, &refusal))
    }

    /// The least output limit that makes sense: room for the thinking that was asked for and a word after it.
    fn least_tokens(&self) -> u64 {
        let thinking = self.inbound.peek.reasoning.as_ref().and_then(|r| r.max_tokens);
        thinking.map_or(LOWERED_MIN, |budget| budget.saturating_add(LEAST_AFTER_THINKING))
    }
}

/// What is refused whatever the plan.
pub(crate) fn permitted(deployment: &Deployment, inbound: &Inbound) -> Result<(), Refused> {
    if inbound.caller.is_strict() && inbound.peek.hosted_tools {
        let field = peek::HOSTED_FIELDS.into_iter().find(|name| inbound.peek.field(name).is_some()).unwrap_or("tools");
        let message = format!(
            "{field}: the cost of what runs at the provider has no bound, and this key has a strict limit; \
             offer only functions, or use a key with a standard limit"
        );
        return Err(Refused::field(field, message).by(Rule::UnboundedCost));
    }
    if inbound.simulate && !deployment.simulator_on_request {
        let message = "X-Portolan-Simulate: the simulator is off here; leave the header out, or start with simulator = \"on\"";
        return Err(Refused::field("X-Portolan-Simulate", message).by(Rule::NotSupported));
    }
    Ok(())
}

pub(crate) fn no_endpoint(deployment: &Deployment, inbound: &Inbound, wanted: &Wanted, none: &NoEndpoint) -> Refused {
    let ask = &wanted.ask(inbound);
    if let NoEndpoint::UnknownModel { slug, .. } = none {
        return unknown_model(&deployment.catalog, slug.as_str(), &inbound.peek.models);
    }
    if let Some(refused) = wrong_endpoint(&deployment.catalog, ask, &inbound.peek.models) {
        return refused;
    }
    let message = none.message(&deployment.catalog, ask);
    if let Some(field) = none.field() {
        return Refused::field(field, message).by(Rule::ProviderNotAllowed);
    }
    let excluded = none.excluded_by(ask);
    let decided = none.decisive().map(|rejection| rejection.rule).or(excluded.keys().next().copied());
    let (is_constraint, rule) = match decided {
        Some(By::ProviderNotAllowed | By::NotInOrder) => (true, Rule::ProviderNotAllowed),
        Some(By::Region) => (true, Rule::Region),
        Some(
            rule @ (By::ModelNotAllowed
            | By::ZdrRequired
            | By::DataCollection
            | By::MaxPrice
            | By::Quantization
            | By::Distillable
            | By::Parameters),
        ) => (true, Rule::Route(rule)),
        None | Some(By::NotCallable | By::NoCredential | By::SimulatedApart | By::Task) => (false, Rule::NoEndpoint),
        Some(rule) => (none.is_by_preference(&deployment.catalog, ask), Rule::Route(rule)),
    };
    let code = if is_constraint { "constraint_filtered" } else { "no_endpoints" };
    let mut refused = Refused::new(none.http_status(), "not_found", message).by(rule);
    if let Some(rejection) = none.decisive() {
        refused = refused.with("decided_by", rejection.rule.as_str()).with("source", rejection.source.as_str());
    }
    let mut availability = serde_json::json!({ "code": code, "retryable": false, "requested_models": inbound.peek.models });
    if !excluded.is_empty() {
        let mut names: Vec<&str> = excluded.keys().map(|rule| rule.availability_name()).collect();
        names.dedup();
        availability["excluded_by"] = names.into();
        refused = refused.with("excluded_by", serde_json::json!(excluded));
    }
    if let Some(constraint) = none.constraint(&deployment.catalog, ask).filter(|_| is_constraint) {
        availability["constraint"] = serde_json::json!(constraint);
    }
    refused.availability = Some(availability);
    refused
}

/// The refusal of models that are all made for something else than what is asked.
fn wrong_endpoint(catalog: &Catalog, ask: &Ask<'_>, requested: &[String]) -> Option<Refused> {
    let models: Vec<&Model> = ask.models.iter().filter_map(|slug| catalog.model(slug.as_str())).collect();
    let first = models.first().filter(|_| !models.iter().any(|model| catalog.does(model, ask.task)))?;
    let (task, asked) = (first.task.as_str(), ask.task.as_str());
    let message = format!("{} is made for {task}, and this is a request for {asked}; name a model that is made for it", first.slug);
    let mut refused = Refused::field("model", message).by(Rule::NoEndpoint);
    refused.availability = Some(serde_json::json!({ "code": "wrong_endpoint", "retryable": false, "requested_models": requested }));
    Some(refused)
}

/// What cannot be recorded is not sent: nobody could be charged for it.
fn no_record() -> Refused {
    Refused::new(503, "server", "This instance cannot record requests at the moment. Try again in a while, or at another instance.")
}

/// The rule by which an attempt leaves the plan for want of money.
fn budget_rule(refusal: &Refusal) -> By {
    match refusal {
        Refusal::Exhausted { .. } => By::BudgetExhausted,
        Refusal::InFlight { .. } => By::BudgetInFlight,
    }
}

fn over_budget(planned: &Planned, refusal: &Refusal) -> Refused {
    match refusal {
        Refusal::Exhausted { limit, settled, affordable, .. } => {
            let tokens = quote::affordable_tokens(&planned.inbound.peek, planned.endpoint(0), *affordable, 1).unwrap_or(0);
            let advice = if tokens > 0 {
                format!("lower max_tokens to {tokens} or less, or raise the key's limit")
            } else {
                "raise the key's limit, or wait until it resets".to_owned()
            };
            Refused::new(
                402,
                "payment_required",
                format!("This request can cost more than the key's budget allows: {refusal}. To go on, {advice}."),
            )
            .by(Rule::BudgetExhausted)
            .with("limit", limit.amount.to_string())
            .with("settled", settled.to_string())
            .with("affordable", affordable.to_string())
            .with("affordable_max_tokens", tokens)
        }
        Refusal::InFlight { limit, settled, held, .. } => {
            let mut refused = Refused::new(
                429,
                "rate_limit_exceeded",
                format!("This request does not fit beside those in flight: {refusal}. Try again when some have finished."),
            )
            .by(Rule::BudgetInFlight)
            .with("limit", limit.amount.to_string())
            .with("settled", settled.to_string())
            .with("held", held.to_string());
            refused.retry_after = Some(std::time::Duration::from_secs(1));
            refused
        }
    }
}
