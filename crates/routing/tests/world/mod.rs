//! A small catalog for the tests of the planner: one model at four providers, another at one, one that nobody can call.
#![allow(dead_code, reason = "each test file uses its own part")]

pub(crate) mod routed;

use std::collections::{BTreeMap, BTreeSet};

use portolan_catalog::{Catalog, EndpointIx, ProviderOverlay};
use portolan_core::{ModelSlug, Preferences};
use portolan_routing::{Ask, Bind, Bindings, Health, NoEndpoint, Plan, Standing, Stats, plan};

/// Prices of `t/m` in dollars per token: alpha 1, beta 2, gamma 3, delta 3. Beta has no tools, gamma takes images and little context.
const PROVIDERS: &[(&str, &str)] = &[
    (
        "alpha",
        r#"
name = "Alpha Cloud"
base_url = "http://a"
[[models]]
id = "t/m"
context_length = 1000
max_output = 500
pricing = { prompt = "1", completion = "1" }
[[models]]
id = "t/unpriced"
context_length = 1000
"#,
    ),
    (
        "beta",
        r#"
base_url = "http://b"
[[models]]
id = "t/m"
context_length = 1000
max_output = 500
supported_parameters = ["max_tokens"]
pricing = { prompt = "2", completion = "2" }
[[models]]
id = "t/other"
context_length = 1000
pricing = { prompt = "2", completion = "2" }
"#,
    ),
    (
        "gamma",
        r#"
base_url = "http://c"
[[models]]
id = "t/m"
context_length = 100
max_output = 50
capabilities = ["image_input", "tools"]
pricing = { prompt = "3", completion = "3" }
"#,
    ),
    (
        "delta",
        r#"
base_url = "http://d"
[[models]]
id = "t/m"
context_length = 1000
max_output = 1000
pricing = { prompt = "3", completion = "3" }
"#,
    ),
];

pub(crate) fn catalog() -> Catalog {
    let overlays: Vec<ProviderOverlay> =
        PROVIDERS.iter().map(|(slug, text)| ProviderOverlay::parse(slug, text.parse().unwrap()).unwrap()).collect();
    Catalog::builtin_with(&overlays).unwrap()
}

/// All own providers have a credential; the simulator's own models are there.
pub(crate) fn real(catalog: &Catalog) -> Bindings {
    Bindings::new(catalog, |provider, _| match provider.slug.as_str() {
        "alpha" | "beta" | "gamma" | "delta" => Bind::Real,
        "simulator" => Bind::Simulated,
        _ => Bind::Unbound,
    })
}

#[derive(Debug, Default, Clone)]
pub(crate) struct Marks {
    pub(crate) failed: BTreeSet<EndpointIx>,
    pub(crate) due: BTreeSet<EndpointIx>,
    pub(crate) barred: BTreeSet<EndpointIx>,
    pub(crate) stats: BTreeMap<EndpointIx, Stats>,
}

impl Health for Marks {
    fn stats(&self, endpoint: EndpointIx) -> Stats {
        self.stats.get(&endpoint).copied().unwrap_or_default()
    }

    fn standing(&self, endpoint: EndpointIx) -> Standing {
        match (self.failed.contains(&endpoint), self.due.contains(&endpoint)) {
            (true, _) => Standing::Behind,
            (_, true) => Standing::ProbeDue,
            _ => Standing::Well,
        }
    }

    fn probe(&self, _: EndpointIx) -> bool {
        true
    }

    fn strict_barred(&self, endpoint: EndpointIx) -> bool {
        self.barred.contains(&endpoint)
    }
}

pub(crate) fn slugs(texts: &[&str]) -> Vec<ModelSlug> {
    texts.iter().map(|t| ModelSlug::parse(t).unwrap()).collect()
}

pub(crate) fn ask<'a>(models: &'a [ModelSlug], preferences: &'a Preferences) -> Ask<'a> {
    Ask { input_tokens_max: 8, seed: 1, ..Ask::new(models, preferences) }
}

pub(crate) fn at(catalog: &Catalog, model: &str, tag: &str) -> EndpointIx {
    catalog.endpoints_of(catalog.model(model).unwrap()).find(|e| e.tag == tag).unwrap().ix
}

pub(crate) fn tags(catalog: &Catalog, planned: &Result<Plan, NoEndpoint>) -> Vec<String> {
    let attempts = planned.as_ref().map(|p| p.attempts.as_slice()).unwrap_or_default();
    attempts.iter().map(|c| catalog.endpoint(c.endpoint).tag.clone()).collect()
}

pub(crate) fn rules(catalog: &Catalog, planned: &Result<Plan, NoEndpoint>) -> Vec<(String, &'static str, &'static str)> {
    let rejected = match planned {
        Ok(plan) => plan.rejected.as_slice(),
        Err(none) => none.rejected(),
    };
    rejected.iter().map(|r| (catalog.endpoint(r.endpoint).tag.clone(), r.rule.as_str(), r.source.as_str())).collect()
}

pub(crate) fn planned(catalog: &Catalog, ask: &Ask<'_>, health: &dyn Health) -> Result<Plan, NoEndpoint> {
    plan(catalog, &real(catalog), ask, health)
}
