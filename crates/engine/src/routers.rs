//! `openrouter/auto` and `openrouter/free`: what they are asked, and what they decide.

use portolan_catalog::{Catalog, Listed, ModelIx};
use portolan_core::Capability;
use portolan_ledger::RouterChoice;
use portolan_routing::auto::{self, AutoPlugin, Market, PromptView, Routed, Router, RouterView};
use portolan_routing::{NoEndpoint, Variant};
use serde_json::{Value, json};

use crate::chat::Inbound;
use crate::settle::ppm;
use crate::{Refused, Rule};

/// Whether a name is that of a router, which chooses among models.
#[must_use]
pub fn is_router(name: &str) -> bool {
    Router::named(name).is_some()
}

/// The row of the catalog that requests mean by a name: a router by either of its names, a model whatever the order of its endpoints
/// is to be (`:nitro`).
#[must_use]
pub fn find_listed<'c>(catalog: &'c Catalog, name: &str) -> Option<Listed<'c>> {
    let slug = Router::named(name).map_or_else(|| Variant::split(catalog, name).0, |router| router.as_str().into());
    catalog.find_listed(&slug)
}

/// A router with the settings of a request.
pub(crate) struct Chooser {
    router: Router,
    settings: AutoPlugin,
}

impl Chooser {
    /// # Errors
    /// Settings that make no sense.
    pub(crate) fn new(router: Router, inbound: &Inbound) -> Result<Self, Refused> {
        let settings = match router {
            Router::Auto => plugin(inbound)?,
            Router::Free => AutoPlugin::default(),
        };
        Ok(Self { router, settings })
    }

    /// The models that it chooses. `before` is the one that the conversation had.
    pub(crate) fn choose(&self, market: &Market<'_>, inbound: &Inbound, before: Option<ModelIx>) -> Result<Routed, NoEndpoint> {
        if self.router == Router::Free {
            return auto::free(market, before);
        }
        let (peek, media) = (&inbound.peek, &inbound.peek.media);
        let text = last_user_text(inbound);
        let view = PromptView {
            text: &text,
            messages: peek.messages,
            conversation_bytes: peek.text_bytes,
            tools: u32::from(peek.needs.has(Capability::Tools)),
            attachments: media.images.count + media.files.count + media.audios.count + media.videos.count,
            structured: peek.needs.has(Capability::StructuredOutputs),
        };
        auto::route(market, &view, &self.settings, before)
    }

    /// Why it chooses what it does.
    pub(crate) fn explain(&self, market: &Market<'_>, inbound: &Inbound, before: Option<ModelIx>) -> RouterView {
        auto::explain(market, self.router, &self.settings, &self.choose(market, inbound, before))
    }

    /// What the record keeps of a choice.
    pub(crate) fn record(&self, routed: &Routed) -> RouterChoice {
        RouterChoice {
            router: self.router.as_str().to_owned(),
            task: routed.judgement.map(|judgement| judgement.task.as_str().to_owned()),
            complexity_ppm: routed.judgement.map(|judgement| ppm(judgement.complexity.into())),
            ceiling_percent: routed.judgement.map(|_| self.settings.knob().ceiling_percent()),
            strength_ppm: routed.judgement.map(|_| ppm(routed.ranking.need.into())),
            kept: routed.kept.as_ref().map(ToString::to_string),
        }
    }
}

/// What the settings of the auto router are, for whoever wrote something else.
const SETTINGS: [(&str, &str); 7] = [
    ("id", "`auto-router`"),
    ("enabled", "true or false"),
    ("allowed_models", "a list of patterns, such as [\"anthropic/*\"]"),
    ("excluded_models", "a list of patterns, such as [\"anthropic/*\"]"),
    ("cost_tier", "one of low, medium, high, xhigh and max"),
    ("cost_quality_tradeoff", "a number between 0 and 10"),
    ("pin_model", "false"),
];

/// The settings of the auto router, from `plugins`. The first look has refused every other plugin that is switched on, and a
/// second of this one.
fn plugin(inbound: &Inbound) -> Result<AutoPlugin, Refused> {
    let Some(field) = inbound.peek.field("plugins") else { return Ok(AutoPlugin::default()) };
    let all: Vec<Value> = serde_json::from_slice(&inbound.body[field.value.clone()]).unwrap_or_default();
    let own = all.into_iter().enumerate().find(|(_, plugin)| plugin["id"] == "auto-router" && plugin["enabled"] != false);
    own.map_or_else(|| Ok(AutoPlugin::default()), |(at, own)| settings(at, own))
}

fn settings(at: usize, mut own: Value) -> Result<AutoPlugin, Refused> {
    let wrong = |field: String, problem: &str| Refused::field(&field, format!("{field}: {problem}"));
    if let Some(own) = own.as_object_mut() {
        own.retain(|_, value| !value.is_null());
    }
    for (name, value) in own.as_object().into_iter().flatten() {
        let Some((_, form)) = SETTINGS.iter().find(|(known, _)| known == name) else {
            let known = SETTINGS.map(|(known, _)| known).join(", ");
            let problem = format!("is no setting of the auto-router; known are {known}");
            return Err(wrong(format!("plugins[{at}].{name:.40}"), &problem));
        };
        if name == "pin_model" && *value == json!(true) {
            let problem = "is not supported; leave it out, and give the conversation a session_id, which keeps its model";
            return Err(wrong(format!("plugins[{at}].{name}"), problem).by(Rule::NotSupported));
        }
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
