//! The planner over the catalog that the program carries, whatever is in it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use portolan_catalog::{Catalog, Endpoint, NotCallable};
use portolan_core::{ModelSlug, Preferences, ServiceTier};
use portolan_routing::{Ask, Bind, Bindings, NoFailures, Rule, plan};

#[test]
fn every_callable_endpoint_is_found_by_its_tag() {
    let catalog = Catalog::builtin();
    let bindings = Bindings::new(&catalog, |_, _| Bind::Real);
    let mut found = 0;
    for endpoint in catalog.endpoints.iter().filter(|endpoint| endpoint.callable.is_ok()) {
        let models = [catalog.model_at(endpoint.model).slug.clone()];
        let preferences = Preferences { only: vec![endpoint.tag.clone()], ..Preferences::default() };
        let ask = Ask { task: endpoint.task, ..Ask::new(&models, &preferences) };
        let made = plan(&catalog, &bindings, &ask, &NoFailures);
        let made = made.unwrap_or_else(|none| panic!("{} at {}: {}", models[0], endpoint.tag, none.message(&catalog, &ask)));
        assert!(made.attempts.iter().any(|choice| choice.endpoint == endpoint.ix), "{} at {}", models[0], endpoint.tag);
        assert!(made.attempts.iter().all(|choice| catalog.endpoint(choice.endpoint).provider == endpoint.provider));
        found += 1;
    }
    assert!(found > 50, "{found} callable endpoints");
}

/// Whom a request of a tier may go to under these preferences, the first choice first.
fn tags(catalog: &Catalog, model: &ModelSlug, tier: Option<ServiceTier>, preferences: &Preferences) -> Vec<String> {
    let bindings = Bindings::new(catalog, |_, _| Bind::Simulated);
    let models = [model.clone()];
    let made = plan(
        catalog,
        &bindings,
        &Ask { service_tier: tier, task: catalog.model(model.as_str()).unwrap().task, ..Ask::new(&models, preferences) },
        &NoFailures,
    );
    made.map_or_else(|_| Vec::new(), |made| made.attempts.iter().map(|choice| catalog.endpoint(choice.endpoint).tag.clone()).collect())
}

#[test]
fn the_slug_of_a_tier_names_all_endpoints_of_the_tier_whatever_stands_between() {
    let catalog = Catalog::builtin();
    let mut long = 0;
    let answers = |endpoint: &&Endpoint| endpoint.callable.err().is_none_or(NotCallable::is_callable_by_simulator);
    for endpoint in catalog.endpoints.iter().filter(answers) {
        let Some(tier) = endpoint.service_tier else { continue };
        let model = &catalog.model_at(endpoint.model).slug;
        let slug = format!("{}/{}", catalog.provider(endpoint.provider).slug, tier.as_str());
        let (tag, what) = (&endpoint.tag, format!("{model} at {}", endpoint.tag));
        let only = tags(&catalog, model, None, &Preferences { only: vec![slug.clone()], ..Preferences::default() });
        assert!(only.contains(tag), "{what}: {only:?}");
        assert!(only.iter().all(|tag| tag.ends_with(&format!("/{}", tier.as_str()))), "{what}: {only:?}");
        let order = tags(&catalog, model, None, &Preferences { order: vec![slug.clone()], ..Preferences::default() });
        assert_eq!(sorted(order[..only.len()].to_vec()), sorted(only), "{what}");
        let ignore = tags(&catalog, model, Some(tier), &Preferences { ignore: vec![slug.clone()], ..Preferences::default() });
        assert!(!ignore.contains(tag), "{what}: {ignore:?}");
        let middle = tag.rsplit_once('/').unwrap().0.to_owned();
        let ignore = tags(&catalog, model, Some(tier), &Preferences { ignore: vec![middle], ..Preferences::default() });
        assert!(!ignore.contains(tag), "{what}: {ignore:?}");
        long += usize::from(*tag != slug);
    }
    assert!(long > 5, "{long} tags have a part between");
}

fn sorted(mut all: Vec<String>) -> Vec<String> {
    all.sort();
    all
}

#[test]
fn the_slug_of_a_tier_and_a_full_slug_of_the_tier_do_not_contradict_each_other() {
    let catalog = Catalog::builtin();
    let bindings = Bindings::new(&catalog, |_, _| Bind::Simulated);
    let endpoint = catalog.endpoints.iter().find(|endpoint| endpoint.tag == "openai/default/priority").unwrap();
    let models = [catalog.model_at(endpoint.model).slug.clone()];
    for (order, only) in [("openai/priority", "openai/default/priority"), ("openai/default/priority", "openai/priority")] {
        let (order, only) = (vec![order.to_owned()], vec![only.to_owned()]);
        let preferences = Preferences { order, only, allow_fallbacks: false, ..Preferences::default() };
        let ask = Ask { input_tokens_max: u64::MAX, ..Ask::new(&models, &preferences) };
        let refusal = plan(&catalog, &bindings, &ask, &NoFailures).unwrap_err();
        assert_eq!(refusal.decisive().map(|rejection| rejection.rule), Some(Rule::ContextLength), "{refusal:?}");
    }
}
