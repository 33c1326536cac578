//! What a request wants of the planner: its models, who restricts it, where its conversation is.

use std::sync::Arc;

use portolan_catalog::{Catalog, EndpointIx, ModelIx, NotCallable};
use portolan_core::{Area, ModelSlug, Suffix};
use portolan_ledger::RouterChoice;
use portolan_routing::auto::{Market, Router, RouterView};
use portolan_routing::{Ask, Choice, Health, NoEndpoint, Plan, Policy, Source, Variant};
use serde_json::json;

use crate::chat::Inbound;
use crate::refusal::not_a_model;
use crate::routers::Chooser;
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
    /// How the model of a request is chosen: what its first name stands for. The others are fallbacks.
    pub(crate) fn of(requested: &[String]) -> Self {
        let first = requested.first().map_or("", String::as_str);
        match Router::named(first) {
            Some(Router::Auto) => Strategy::Auto,
            Some(Router::Free) => Strategy::Free,
            None if first.starts_with('~') => Strategy::Latest,
            None => Strategy::Direct,
        }
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
    /// How many of the models the first name stands for; the others are fallbacks.
    pub(crate) first: usize,
    pub(crate) place: Option<Place>,
    pub(crate) strict: bool,
    pub(crate) seed: u64,
    /// What its routers decided.
    pub(crate) routed: Vec<RouterChoice>,
    variants: Vec<Option<Variant>>,
    policies: Vec<Policy>,
    /// A router has no model to choose.
    no_model: Option<NoEndpoint>,
    /// The providers that may not serve, as resellers know them.
    pub(crate) ignored: Vec<String>,
}

impl Wanted {
    /// Looks the request's names up in one deployment.
    ///
    /// # Errors
    /// A name that is none, settings of a router that make no sense, an area that is not served here.
    pub(crate) fn new(engine: &Engine, deployment: &Deployment, inbound: &Inbound, seed: u64) -> Result<Self, Refused> {
        let area = area(engine.settings(), inbound.area, &inbound.peek.models)?;
        let mut wanted = Self {
            models: Vec::new(),
            strategy: Strategy::of(&inbound.peek.models),
            first: 0,
            place: None,
            strict: inbound.caller.is_strict(),
            seed,
            routed: Vec::new(),
            no_model: None,
            variants: Vec::new(),
            ignored: Vec::new(),
            policies: area.map(|(area, source)| Policy { area: Some(area), ..Policy::new(source) }).into_iter().collect(),
        };
        let requested = &inbound.peek.models;
        let named =
            |name: &String| Named::new(deployment, name, requested).map_err(|refused| refused.with("field", inbound.field_of_model(name)));
        let names = requested.iter().map(named).collect::<Result<Vec<_>, _>>()?;
        wanted.place = names.first().and_then(|first| place(engine, deployment, inbound, first.known_as()));
        for (requested, name) in requested.iter().zip(names) {
            wanted.add(deployment, inbound, requested, name)?;
            wanted.first = if wanted.first == 0 { wanted.models.len() } else { wanted.first };
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

    /// Its plan.
    ///
    /// # Errors
    /// As [`portolan_routing::plan`] says, or when a router has no model to choose.
    pub(crate) fn plan(&self, deployment: &Deployment, inbound: &Inbound, health: &dyn Health) -> Result<Plan, NoEndpoint> {
        match &self.no_model {
            Some(none) => Err(none.clone()),
            None => portolan_routing::plan(&deployment.catalog, deployment.bindings(inbound.simulate), &self.ask(inbound), health),
        }
    }

    /// Why each of its routers decides what it does.
    pub(crate) fn explain_routers(&self, deployment: &Deployment, inbound: &Inbound) -> Result<Vec<RouterView>, Refused> {
        let routers = inbound.peek.models.iter().filter_map(|name| Router::named(name));
        let explain = |router| {
            Ok(Chooser::new(router, inbound)?.explain(&market(deployment, inbound, &self.ask_router(inbound)), inbound, self.before()))
        };
        routers.map(explain).collect()
    }

    /// The area that the request is confined to.
    pub(crate) fn area(&self) -> Option<Area> {
        self.policies.iter().find_map(|policy| policy.area)
    }

    fn add(&mut self, deployment: &Deployment, inbound: &Inbound, requested: &str, name: Named) -> Result<(), Refused> {
        let (router, variant) = match name {
            Named::Model(slug, variant) => {
                self.models.push(slug);
                self.variants.push(variant);
                return Ok(());
            }
            Named::Router(router, variant) => (router, variant),
        };
        if let Some(area) = self.area() {
            let message = format!("{requested} cannot be used in a request that is confined to {}; name a model", area.as_str());
            return Err(Refused::field(&inbound.field_of_model(requested), message).by(Rule::Region));
        }
        let chooser = Chooser::new(router, inbound)?;
        match chooser.choose(&market(deployment, inbound, &self.ask_router(inbound)), inbound, self.before()) {
            Ok(routed) => {
                self.models.extend(routed.models().cloned());
                self.variants.resize(self.models.len(), variant);
                self.routed.push(chooser.record(&routed));
            }
            Err(none) => self.no_model = self.no_model.take().or(Some(none)),
        }
        Ok(())
    }

    /// The question for a router: without models, for those are what is looked for.
    fn ask_router<'a>(&'a self, inbound: &'a Inbound) -> Ask<'a> {
        Ask { models: &[], variants: &[], ..self.ask(inbound) }
    }

    /// The model that the conversation had.
    fn before(&self) -> Option<ModelIx> {
        self.place.as_ref().and_then(|place| place.model)
    }
}

fn market<'a>(deployment: &'a Deployment, inbound: &Inbound, ask: &'a Ask<'a>) -> Market<'a> {
    Market { catalog: &deployment.catalog, bindings: deployment.bindings(inbound.simulate), ask }
}

/// What a name in a request stands for.
enum Named {
    Router(Router, Option<Variant>),
    Model(ModelSlug, Option<Variant>),
}

impl Named {
    fn new(deployment: &Deployment, name: &str, requested: &[String]) -> Result<Self, Refused> {
        let (slug, variant) = Variant::split(&deployment.catalog, name);
        if let Some(router) = Router::named(name) {
            return Ok(Named::Router(router, variant));
        }
        let slug = ModelSlug::parse(&slug).map_err(|_| unknown_model(&deployment.catalog, name, requested))?;
        let Some(model) = deployment.catalog.model(slug.as_str()) else {
            refuse_unbuilt(name)?;
            return Err(unknown_model(&deployment.catalog, slug.as_str(), requested));
        };
        if deployment.catalog.endpoints_of(model).all(|e| e.callable == Err(NotCallable::BatchNotBuilt)) {
            refuse_unbuilt(name)?;
        }
        if model.router {
            let message = format!("the router {name} is not supported yet; name a model, or openrouter/auto");
            return Err(Refused::field("model", message).by(Rule::NotSupported));
        }
        Ok(Named::Model(slug, variant))
    }

    /// The name that a conversation is about: a router's first name, or that of a model without routing variants. It does not
    /// depend on what a router chooses, or the next turn would look for the conversation elsewhere.
    fn known_as(&self) -> &str {
        match self {
            Named::Router(router, _) => router.as_str(),
            Named::Model(slug, _) => slug.as_str(),
        }
    }
}

/// Refuses a name that no model has, be it a slug or not.
pub(crate) fn unknown_model(catalog: &Catalog, name: &str, requested: &[String]) -> Refused {
    let mut refused = Refused::field("model", not_a_model(catalog, name)).by(Rule::ModelNotFound);
    refused.availability = Some(json!({ "code": "model_not_found", "retryable": false, "requested_models": requested }));
    refused
}

fn ignored(deployment: &Deployment, own: &[String], policies: &[Policy]) -> Vec<String> {
    let all = own.iter().chain(policies.iter().flat_map(|policy| &policy.ignore));
    all.map(|name| portolan_routing::canonical(&deployment.catalog, name)).collect()
}

/// The area that a request for these models is confined to, and by whom. `host`: what its host name says.
pub(crate) fn area(settings: Settings, host: Option<Area>, models: &[String]) -> Result<Option<(Area, Source)>, Refused> {
    let refused = |message: String| {
        let mut refused = Refused::new(403, "permission_denied", message).by(Rule::Region);
        refused.availability = Some(json!({ "code": "region_restricted", "retryable": false, "requested_models": models }));
        Err(refused)
    };
    let area = match (host, settings.confine) {
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

/// `:online` and `:batch` are known, and can be called only where the operator serves a model that is called so.
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
