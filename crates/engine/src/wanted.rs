//! What a request wants of the planner: its models, who restricts it, where its conversation is.

use std::sync::Arc;

use portolan_catalog::{Catalog, EndpointIx, ModelIx};
use portolan_core::{Area, ModelSlug, Suffix};
use portolan_dialect::openai_chat::peek::Peek;
use portolan_routing::auto::{self, AutoPlugin, Market, Needs, PromptView};
use portolan_routing::{Ask, Choice, Policy, Source, Variant};
use serde_json::{Value, json};

use crate::chat::Inbound;
use crate::refusal::not_a_model;
use crate::sticky::{self, Conversation, Pinned, StickyKey};
use crate::{Deployment, Engine, Refused, Rule, Settings};

/// How the model was chosen, in OpenRouter's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strategy {
    /// The caller named it.
    Direct,
    /// The caller named an alias of it.
    Latest,
    /// `openrouter/auto`
    Auto,
    /// `openrouter/free`
    Free,
}

impl Strategy {
    /// How the models of a request are chosen, by the names in it. The last name that stands for others counts.
    pub(crate) fn of(requested: &[String]) -> Self {
        let of = |name: &String| match name.as_str() {
            name if auto::AUTO.contains(&name) => Some(Strategy::Auto),
            name if auto::FREE.contains(&name) => Some(Strategy::Free),
            name if name.starts_with('~') => Some(Strategy::Latest),
            _ => None,
        };
        requested.iter().rev().find_map(of).unwrap_or(Strategy::Direct)
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Strategy::Direct => "direct",
            Strategy::Latest => "latest",
            Strategy::Auto => "auto",
            Strategy::Free => "free",
        }
    }
}

/// Whether a name is that of a router, which chooses among models.
#[must_use]
pub fn is_router(name: &str) -> bool {
    auto::AUTO.contains(&name) || auto::FREE.contains(&name)
}

/// Where a conversation is, and by what it is known.
pub(crate) struct Place {
    pub(crate) key: StickyKey,
    pub(crate) is_session: bool,
    pub(crate) before: Option<Pinned>,
    /// Where it was, as far as this catalog has it.
    model: Option<ModelIx>,
    endpoint: Option<EndpointIx>,
}

/// A request as the planner takes it.
pub(crate) struct Wanted {
    /// Without variants, routers replaced by what they chose.
    pub(crate) models: Vec<ModelSlug>,
    pub(crate) strategy: Strategy,
    pub(crate) place: Option<Place>,
    pub(crate) strict: bool,
    pub(crate) seed: u64,
    variants: Vec<Option<Variant>>,
    policies: Vec<Policy>,
    /// The providers that may not serve, as resellers know them.
    pub(crate) ignored: Vec<String>,
}

impl Wanted {
    /// Looks the request's names up in one deployment.
    ///
    /// # Errors
    /// A name that is none, a router that has no model, an area that is not served here.
    pub(crate) fn new(engine: &Engine, deployment: &Deployment, inbound: &Inbound, seed: u64) -> Result<Self, Refused> {
        let area = area(engine.settings(), inbound)?;
        let mut wanted = Self {
            models: Vec::new(),
            strategy: Strategy::of(&inbound.peek.models),
            place: None,
            strict: inbound.caller.is_strict(),
            seed,
            variants: Vec::new(),
            ignored: Vec::new(),
            policies: area.map(|(area, source)| Policy { area: Some(area), ..Policy::new(source) }).into_iter().collect(),
        };
        let requested = &inbound.peek.models;
        let names = requested.iter().map(|name| Named::new(deployment, name, requested)).collect::<Result<Vec<_>, _>>()?;
        wanted.place = names.first().and_then(|first| place(engine, deployment, inbound, first.known_as()));
        for name in names {
            wanted.add(deployment, inbound, name)?;
        }
        wanted.ignored = ignored(deployment, &inbound.peek.preferences.ignore, &wanted.policies);
        Ok(wanted)
    }

    /// The question for the planner.
    pub(crate) fn ask<'a>(&'a self, inbound: &'a Inbound) -> Ask<'a> {
        let peek = &inbound.peek;
        Ask {
            variants: &self.variants,
            policies: &self.policies,
            needs: peek.needs,
            parameters: peek.parameters,
            service_tier: peek.service_tier,
            sticky: self.place.as_ref().and_then(|place| place.endpoint),
            input_tokens_max: peek.text_bytes,
            max_output: peek.max_tokens,
            strict: self.strict,
            simulate: inbound.simulate,
            seed: self.seed,
            ..Ask::new(&self.models, &peek.preferences)
        }
    }

    /// The area that the request is confined to.
    pub(crate) fn area(&self) -> Option<Area> {
        self.policies.iter().find_map(|policy| policy.area)
    }

    fn add(&mut self, deployment: &Deployment, inbound: &Inbound, name: Named) -> Result<(), Refused> {
        let is_auto = match name {
            Named::Model(slug, variant) => {
                self.models.push(slug);
                self.variants.push(variant);
                return Ok(());
            }
            Named::Auto => true,
            Named::Free => false,
        };
        if let Some(area) = self.area() {
            let message = format!("{} cannot be used in a request that is confined to {}; name a model", name.known_as(), area.as_str());
            return Err(Refused::field("model", message).by(Rule::Region));
        }
        // Without models: those are what is looked for.
        let ask = Ask { models: &[], variants: &[], ..self.ask(inbound) };
        let market = market(deployment, inbound, &ask);
        let before = self.place.as_ref().and_then(|place| place.model);
        let chosen = if is_auto { route(&market, inbound, before) } else { free(&market, inbound, self.seed, before) }?;
        self.variants.resize(self.variants.len() + chosen.len(), None);
        self.models.extend(chosen);
        Ok(())
    }
}

/// What a name in a request stands for.
enum Named {
    Auto,
    Free,
    Model(ModelSlug, Option<Variant>),
}

impl Named {
    fn new(deployment: &Deployment, name: &str, requested: &[String]) -> Result<Self, Refused> {
        match name {
            name if auto::AUTO.contains(&name) => return Ok(Named::Auto),
            name if auto::FREE.contains(&name) => return Ok(Named::Free),
            _ => {}
        }
        let (slug, variant) = Variant::split(&deployment.catalog, name);
        let slug = ModelSlug::parse(&slug).map_err(|_| unknown_model(&deployment.catalog, name, requested))?;
        match deployment.catalog.model(slug.as_str()) {
            None => refuse_unbuilt(name)?,
            Some(model) if model.router => {
                let message = format!("the router {name} is not supported yet; name a model, or openrouter/auto");
                return Err(Refused::field("model", message).by(Rule::NotSupported));
            }
            Some(_) => {}
        }
        Ok(Named::Model(slug, variant))
    }

    /// The name that a conversation is about: a router's first name, or that of a model without routing variants. It does not
    /// depend on what a router chooses, or the next turn would look for the conversation elsewhere.
    fn known_as(&self) -> &str {
        match self {
            Named::Auto => auto::AUTO[0],
            Named::Free => auto::FREE[0],
            Named::Model(slug, _) => slug.as_str(),
        }
    }
}

/// A name that cannot even be a slug is answered as an unknown slug is.
fn unknown_model(catalog: &Catalog, name: &str, requested: &[String]) -> Refused {
    let mut refused = Refused::field("model", not_a_model(catalog, name)).by(Rule::ModelNotFound);
    refused.availability = Some(json!({ "code": "model_not_found", "retryable": false, "requested_models": requested }));
    refused
}

fn ignored(deployment: &Deployment, own: &[String], policies: &[Policy]) -> Vec<String> {
    let all = own.iter().chain(policies.iter().flat_map(|policy| &policy.ignore));
    all.map(|name| portolan_routing::canonical(&deployment.catalog, name)).collect()
}

/// The area that a request is confined to, and by whom.
fn area(settings: Settings, inbound: &Inbound) -> Result<Option<(Area, Source)>, Refused> {
    let refused = |message: String| Err(Refused::new(403, "permission_denied", message).by(Rule::Region));
    let area = match (inbound.area, settings.confine) {
        (Some(host), Some(rule)) if host != rule => {
            return refused(format!(
                "This host confines requests to {}, and this gateway serves only {}; use its host for {}",
                host.as_str(),
                rule.as_str(),
                rule.as_str()
            ));
        }
        (Some(host), _) => Some((host, Source::Host)),
        (None, rule) => rule.map(|area| (area, Source::Configuration)),
    };
    match (area, settings.here) {
        (Some((area, _)), Some(here)) if area != here => refused(format!(
            "This request is confined to {}, and this instance stands in {}; send it to an instance there",
            area.as_str(),
            here.as_str()
        )),
        _ => Ok(area),
    }
}

/// `:online` and `:batch` are known, and are models only where the catalog has them.
fn refuse_unbuilt(name: &str) -> Result<(), Refused> {
    let unbuilt = Suffix::all_in(name).find(|suffix| matches!(suffix, Suffix::Online | Suffix::Batch));
    match unbuilt {
        Some(suffix) => {
            let message = format!("the variant :{} is not supported yet; leave it out", suffix.as_str());
            Err(Refused::field("model", message).by(Rule::NotSupported))
        }
        None => Ok(()),
    }
}

fn place(engine: &Engine, deployment: &Deployment, inbound: &Inbound, name: &str) -> Option<Place> {
    let (peek, catalog) = (&inbound.peek, &deployment.catalog);
    if !sticky::applies(&peek.preferences) {
        return None;
    }
    let (session, header) = (peek.session_id.as_deref(), inbound.origins.session.as_deref());
    let conversation = Conversation::of(session, header, peek.prompt_cache_key.as_deref(), peek.conversation);
    let key = StickyKey::new(&inbound.caller.key.hash, name, conversation);
    let before = engine.sticky().get(&key, inbound.at);
    let model = before.as_ref().and_then(|pinned| catalog.model_ix(&pinned.model));
    let endpoint = before
        .as_ref()
        .zip(model)
        .and_then(|(pinned, model)| catalog.endpoints_of(catalog.model_at(model)).find(|e| *e.tag == *pinned.tag).map(|e| e.ix));
    Some(Place { key, is_session: matches!(conversation, Conversation::Session(_)), before, model, endpoint })
}

fn needs(peek: &Peek) -> Needs {
    let input_tokens_min = Ask { input_tokens_max: peek.text_bytes, ..Ask::new(&[], &peek.preferences) }.input_tokens_min();
    Needs { capabilities: peek.needs, input_tokens_min, max_output: peek.max_tokens }
}

fn market<'a>(deployment: &'a Deployment, inbound: &Inbound, ask: &'a Ask<'a>) -> Market<'a> {
    Market { catalog: &deployment.catalog, bindings: deployment.bindings(inbound.simulate), simulate: inbound.simulate, ask: Some(ask) }
}

fn no_model(none: &auto::NoModel) -> Refused {
    Refused::new(auto::NoModel::HTTP_STATUS, "not_found", none.to_string()).by(Rule::NoEndpoint)
}

fn free(market: &Market<'_>, inbound: &Inbound, seed: u64, before: Option<ModelIx>) -> Result<Vec<ModelSlug>, Refused> {
    auto::free(market, &needs(&inbound.peek), seed, before).map_err(|none| no_model(&none))
}

/// The models that `openrouter/auto` chooses for a request, the best first.
fn route(market: &Market<'_>, inbound: &Inbound, before: Option<ModelIx>) -> Result<Vec<ModelSlug>, Refused> {
    let peek = &inbound.peek;
    let plugin = plugin(inbound)?;
    let text = last_user_text(inbound);
    let media = &peek.media;
    let view = PromptView {
        text: &text,
        messages: peek.messages,
        conversation_bytes: peek.text_bytes,
        tools: u32::from(peek.needs.has(portolan_core::Capability::Tools)),
        attachments: media.images.count + media.files.count + media.audios.count + media.videos.count,
        structured: peek.needs.has(portolan_core::Capability::StructuredOutputs),
    };
    auto::route(market, &view, &needs(peek), &plugin, before).map(|routed| routed.models()).map_err(|none| no_model(&none))
}

/// What the settings of the auto router are, for whoever wrote something else.
const SETTINGS: [(&str, &str); 6] = [
    ("id", "`auto-router`"),
    ("enabled", "true or false"),
    ("allowed_models", "a list of patterns, such as [\"anthropic/*\"]"),
    ("excluded_models", "a list of patterns, such as [\"anthropic/*\"]"),
    ("cost_tier", "one of low, medium, high, xhigh and max"),
    ("cost_quality_tradeoff", "a number between 0 and 10"),
];

/// The settings of the auto router, from `plugins`. The first look has refused every other plugin that is switched on, and a
/// second of this one.
fn plugin(inbound: &Inbound) -> Result<AutoPlugin, Refused> {
    let Some(field) = inbound.peek.field("plugins") else { return Ok(AutoPlugin::default()) };
    let all: Vec<Value> = serde_json::from_slice(&inbound.body[field.value.clone()]).unwrap_or_default();
    let own = all.into_iter().enumerate().find(|(_, plugin)| plugin["id"] == "auto-router" && plugin["enabled"] != false);
    own.map_or_else(|| Ok(AutoPlugin::default()), |(at, own)| settings(at, own))
}

fn settings(at: usize, own: Value) -> Result<AutoPlugin, Refused> {
    let wrong = |field: String, problem: &str| Refused::field(&field, format!("{field}: {problem}"));
    for (name, value) in own.as_object().into_iter().flatten() {
        let Some((_, form)) = SETTINGS.iter().find(|(known, _)| known == name) else {
            let known = SETTINGS.map(|(known, _)| known).join(", ");
            return Err(wrong(format!("plugins[{at}]"), &format!("`{name:.40}` is no setting of the auto-router; known are {known}")));
        };
        let pattern = value.as_array().filter(|_| name.ends_with("_models")).and_then(|list| list.iter().position(|one| !one.is_string()));
        if let Some(index) = pattern {
            return Err(wrong(format!("plugins[{at}].{name}[{index}]"), "must be a pattern, such as \"anthropic/*\""));
        }
        if serde_json::from_value::<AutoPlugin>(json!({ name: value })).is_err() {
            return Err(wrong(format!("plugins[{at}].{name}"), &format!("must be {form}")));
        }
    }
    let plugin: AutoPlugin = serde_json::from_value(own).map_err(|_| wrong(format!("plugins[{at}]"), "must be an object"))?;
    plugin.check().map_err(|told| {
        let (name, problem) = told.split_once(' ').unwrap_or(("", &told));
        wrong(format!("plugins[{at}].{name}"), problem)
    })?;
    Ok(plugin)
}

/// The text of the last message of the user. Only requests for the router pay for this second reading.
fn last_user_text(inbound: &Inbound) -> String {
    let Some(field) = inbound.peek.field("messages") else { return String::new() };
    let messages: Vec<Value> = serde_json::from_slice(&inbound.body[field.value.clone()]).unwrap_or_default();
    match messages.into_iter().rev().find(|message| message["role"] == "user").map(|mut last| last["content"].take()) {
        Some(Value::String(text)) => text,
        Some(Value::Array(parts)) => parts.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join("\n"),
        _ => String::new(),
    }
}

impl Place {
    /// Where the conversation goes on, when it was answered there: what the table shall hold from now on.
    pub(crate) fn pin(&self, answered: &sticky::Answered<'_>) -> Option<(StickyKey, Pinned)> {
        sticky::pins(answered).then(|| (self.key, answered.served.clone()))
    }

    /// Whether the place failed, in this request or shortly before: another attempt of the plan served, though nothing else
    /// stood in the way. What stands behind the one that served for its model's sake was not reached.
    pub(crate) fn has_failed(&self, attempts: &[Choice], served: usize) -> bool {
        let place = attempts.iter().position(|choice| Some(choice.endpoint) == self.endpoint);
        place.is_some_and(|at| at < served || attempts[at].failed_recently || attempts[at].requested == attempts[served].requested)
    }
}

/// A place in the table.
pub(crate) fn pinned(model: &str, tag: &str) -> Pinned {
    Pinned { model: Arc::from(model), tag: Arc::from(tag) }
}
