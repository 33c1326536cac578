//! The whole catalog: how much there is of everything, and whether it agrees with itself and with the collected facts.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]
#![allow(clippy::print_stderr, reason = "the counts are for people to read, and a test that is skipped says so")]

mod facts;

use std::collections::{BTreeMap, BTreeSet};

use portolan_catalog::{Catalog, DataOrigin, Endpoint, NotCallable, Via, ZdrBasis, is_auth_built, is_dialect_built, is_task_built};
use portolan_core::{Area, Meter, Price, ServiceTier, Task};
use serde_json::Value;

fn name(catalog: &Catalog, endpoint: &Endpoint) -> String {
    format!("{} at {}", catalog.model_at(endpoint.model).slug, endpoint.tag)
}

#[test]
fn the_counts_add_up() {
    let catalog = Catalog::builtin();
    let mut models: BTreeMap<Task, usize> = BTreeMap::new();
    let mut endpoints: BTreeMap<Task, usize> = BTreeMap::new();
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    let mut callable_at = BTreeSet::new();
    catalog.models.iter().for_each(|m| *models.entry(m.task).or_default() += 1);
    for endpoint in &catalog.endpoints {
        *endpoints.entry(endpoint.task).or_default() += 1;
        *reasons.entry(endpoint.callable.err().map_or("callable", NotCallable::as_str)).or_default() += 1;
        if endpoint.callable.is_ok() {
            callable_at.insert(endpoint.provider);
        }
    }
    let routers = catalog.models.iter().filter(|m| m.router).count();
    eprintln!("{} models {models:?}, {routers} of them routers; {} other names", catalog.models.len(), catalog.aliases().count());
    eprintln!("{} providers, {} with something to call", catalog.providers.len(), callable_at.len());
    eprintln!("{} endpoints {endpoints:?}: {reasons:#?}", catalog.endpoints.len());
    assert_eq!(models.values().sum::<usize>(), catalog.models.len());
    assert_eq!(endpoints.values().sum::<usize>(), catalog.endpoints.len());
    assert_eq!(catalog.models.iter().map(|m| m.endpoints.len()).sum::<usize>(), catalog.endpoints.len());
    // What the collected facts hold, so that a file that gets lost is noticed without them too.
    assert!(catalog.models.len() >= 892 && catalog.providers.len() >= 137 && catalog.endpoints.len() >= 2_862);
    assert!(reasons["callable"] >= 1_600 && callable_at.len() >= 85);
    assert!(reasons.len() == NotCallable::ALL.len() + 1, "every reason occurs, and no other: {reasons:?}");
}

#[test]
fn every_slug_and_every_name_means_one_thing() {
    let catalog = Catalog::builtin();
    let slugs: BTreeSet<&str> = catalog.models.iter().map(|m| m.slug.as_str()).collect();
    assert_eq!(slugs.len(), catalog.models.len());
    let names: BTreeSet<String> = catalog.providers.iter().map(|p| p.name.to_lowercase()).collect();
    assert_eq!(names.len(), catalog.providers.len(), "two providers answer to one name");
    for provider in &catalog.providers {
        for name in provider.names() {
            let called: Vec<&str> = catalog.providers.iter().filter(|p| p.is_known_as(name)).map(|p| p.slug.as_str()).collect();
            assert_eq!(called, [provider.slug.as_str()], "{name}");
            assert!(provider.also_called.iter().all(|other| !provider.is_named(other)), "{}: named twice", provider.slug);
        }
    }
    for (i, endpoint) in catalog.endpoints.iter().enumerate() {
        assert_eq!(endpoint.ix.0 as usize, i);
        assert!(catalog.model_at(endpoint.model).endpoints.contains(&endpoint.ix));
    }
    for model in &catalog.models {
        let tags: BTreeSet<&str> = catalog.endpoints_of(model).map(|e| e.tag.as_str()).collect();
        assert_eq!(tags.len(), model.endpoints.len(), "{}", model.slug);
        assert!(model.variant_of.as_ref().is_none_or(|base| catalog.model(base.as_str()).is_some()), "{}", model.slug);
        assert_eq!(model.router, model.endpoints.is_empty(), "{}", model.slug);
    }
}

#[test]
fn what_is_for_batches_is_listed_and_cannot_be_called() {
    let catalog = Catalog::builtin();
    let listed: Vec<_> = catalog.listed().map(|row| row.model).filter(|m| m.is_for_batches()).collect();
    assert_eq!(listed.len(), 62);
    for model in listed {
        let base = catalog.model(model.variant_of.as_ref().unwrap().as_str()).unwrap();
        assert_eq!(model.slug.as_str(), format!("{}:batch", base.slug));
        assert!(catalog.model(base.canonical_slug.as_str()).is_some_and(|m| !m.is_for_batches()), "{}", base.slug);
        for endpoint in catalog.endpoints_of(model) {
            let name = name(&catalog, endpoint);
            assert_eq!(endpoint.callable, Err(NotCallable::BatchNotBuilt), "{name}");
            let mut ordinary = catalog.endpoints_of(base).filter(|e| e.provider == endpoint.provider && e.service_tier.is_none());
            assert!(ordinary.all(|e| endpoint.blended_price() < e.blended_price()), "{name} is no cheaper");
        }
        // Nobody who mistypes a name means one.
        assert!(catalog.nearest(&format!("{}x", model.slug), 3).iter().all(|slug| !slug.as_str().ends_with(":batch")), "{}", model.slug);
    }
    assert!(!NotCallable::BatchNotBuilt.is_callable_by_simulator());
}

#[test]
fn a_key_is_read_from_a_variable_of_one_provider_only() {
    let catalog = Catalog::builtin();
    let mut of = BTreeMap::new();
    for provider in &catalog.providers {
        for variable in &provider.api_key_env {
            let other = of.insert(variable.clone(), &provider.slug);
            assert!(other.is_none(), "{variable} would be sent to {} and to {other:?}", provider.slug);
        }
    }
}

#[test]
fn a_callable_endpoint_has_what_a_call_needs() {
    let catalog = Catalog::builtin();
    for endpoint in &catalog.endpoints {
        let (provider, name) = (catalog.provider_of(endpoint.ix), name(&catalog, endpoint));
        assert_eq!(endpoint.tag.split('/').next(), Some(provider.slug.as_str()), "{name}");
        assert!(endpoint.task != Task::Chat || endpoint.context_length > 0, "{name}");
        if endpoint.callable.is_err() {
            continue;
        }
        assert!(provider.is_simulator() || provider.has_address(), "{name}");
        assert!(endpoint.upstream_id.is_some() || catalog.model_at(endpoint.model).wildcard, "{name}");
        assert!(is_dialect_built(endpoint.dialect) && is_auth_built(provider.auth) && is_task_built(endpoint.task), "{name}");
        let listed = |meter| endpoint.prices.base.listed(meter);
        assert!(listed(Meter::Input).is_some() && listed(Meter::Output).is_some(), "{name}");
        let costs_nothing = listed(Meter::Input) == Some(Price(0)) && listed(Meter::Output) == Some(Price(0));
        assert_eq!(costs_nothing, endpoint.free, "{name}: free is what is marked free");
    }
}

#[test]
fn what_is_only_claimed_is_no_fact() {
    let catalog = Catalog::builtin();
    for endpoint in &catalog.endpoints {
        let name = name(&catalog, endpoint);
        assert_eq!(endpoint.zdr, matches!(endpoint.zdr_basis, Some(ZdrBasis::Endpoint)), "{name}");
        assert!(!endpoint.zdr || (endpoint.policy.training, endpoint.policy.retains_prompts) == (Some(false), Some(false)), "{name}");
        assert!(endpoint.area.is_none() || endpoint.region.is_some(), "{name}");
        let is_global = endpoint.tag.ends_with("/global") || endpoint.upstream_id.as_deref().is_some_and(|id| id.starts_with("global."));
        assert!(endpoint.area.is_none() || !is_global, "{name}");
    }
    let at = |slug: &str, tag: &str| catalog.endpoints_of(catalog.model(slug).unwrap()).find(|e| e.tag == tag).unwrap();
    assert_eq!(at("google/gemini-2.5-flash", "google-vertex/eu").area, Some(Area::Eu));
    assert_eq!(at("google/gemini-2.5-flash", "google-vertex/global").area, None);
    let mistral = catalog.endpoints.iter().filter(|e| catalog.provider_of(e.ix).slug.as_str() == "mistral");
    mistral.for_each(|e| assert_eq!((e.area, e.claimed_area), (None, Some(Area::Eu))));
    // The same address and the same key as the ordinary endpoint: only another account makes it what it is.
    assert_eq!(at("x-ai/grok-4.5", "xai/zdr").callable, Err(NotCallable::SettingNotBuilt));
}

#[test]
fn a_service_tier_is_an_endpoint_of_its_own() {
    let catalog = Catalog::builtin();
    let mini = catalog.model("openai/gpt-5-mini").unwrap();
    let of = |tag: &str| catalog.endpoints_of(mini).find(|e| e.tag == tag).unwrap_or_else(|| panic!("{tag}"));
    let (ordinary, flex) = (of("openai"), of("openai/flex"));
    assert_eq!((ordinary.service_tier, flex.service_tier), (None, Some(ServiceTier::Flex)));
    assert_eq!(flex.prices.base.listed(Meter::Input), Price::parse("0.000000125").ok());
    assert_eq!(flex.prices.base.listed(Meter::Search), ordinary.prices.base.listed(Meter::Search), "what it does not state is inherited");
    assert_eq!((ordinary.callable, flex.callable), (Ok(()), Ok(())));
    let unbuilt = |e: &&portolan_catalog::Endpoint| e.service_tier.is_some() && e.dialect != portolan_core::Dialect::OpenAiChat;
    assert!(catalog.endpoints.iter().filter(unbuilt).all(|e| e.callable.is_err()), "only this dialect names a tier");
    assert!(!NotCallable::TaskNotBuilt.is_callable_by_simulator());
}

#[test]
fn a_reseller_is_bounded_by_the_dearest_of_the_others() {
    let catalog = Catalog::builtin();
    let mut sold = 0;
    for resold in catalog.endpoints.iter().filter(|e| e.charged_by_report) {
        let (model, name) = (catalog.model_at(resold.model), name(&catalog, resold));
        assert_eq!((resold.upstream_id.as_deref(), resold.tag.as_str()), (Some(model.slug.as_str()), "openrouter"), "{name}");
        assert!(model.delisted.is_none() && model.task == Task::Chat && !resold.zdr && resold.policy.training.is_none(), "{name}");
        for other in catalog.endpoints_of(model).filter(|e| e.service_tier.is_none() && e.callable != Err(NotCallable::PriceUnknown)) {
            for meter in Meter::ALL.into_iter().filter(|m| other.prices.base.listed(*m).is_some()) {
                assert!(resold.prices.base.effective(meter) >= other.prices.base.effective(meter), "{name}: {meter:?}");
            }
            for bound in other.prices.tiers.iter().map(|tier| tier.above_prompt_tokens + 1) {
                let dearer = |m: &Meter| other.prices.rates(bound).effective(*m) > resold.prices.rates(bound).effective(*m);
                assert_eq!(Meter::ALL.into_iter().find(dearer), None, "{name}, for {bound} tokens");
            }
            assert!(resold.context_length >= other.context_length && resold.max_output >= other.max_output, "{name}");
        }
        sold += 1;
    }
    assert!(sold > 300, "{sold}");
    let routers: Vec<_> = catalog.models.iter().filter(|m| m.router).collect();
    assert!(routers.len() == 6 && routers.iter().all(|m| m.context_length > 0), "{routers:?}");
}

#[test]
fn a_name_is_resolved_by_the_nearest_right() {
    let catalog = Catalog::builtin();
    for (asked, slug, via) in [
        ("anthropic/claude-haiku-4.5", "anthropic/claude-haiku-4.5", Via::Slug),
        ("anthropic/claude-4.6-sonnet-20260217", "anthropic/claude-sonnet-4.6", Via::Canonical),
        ("~anthropic/claude-haiku-latest", "anthropic/claude-haiku-4.5", Via::Alias),
        ("simulator/sim-c200", "simulator/sim", Via::Wildcard),
    ] {
        let resolved = catalog.resolve(asked).unwrap_or_else(|| panic!("{asked}"));
        assert_eq!((catalog.model_at(resolved.model).slug.as_str(), resolved.via), (slug, via), "{asked}");
        assert_eq!(catalog.model_ix(asked), Some(resolved.model));
    }
    assert_eq!(catalog.resolve("~anthropic/claude-newest"), None);
    assert!(catalog.aliases().count() >= 11);
}

#[test]
fn every_row_says_where_it_comes_from() {
    let catalog = Catalog::builtin();
    assert!(catalog.providers.iter().all(|p| p.origin == DataOrigin::Builtin));
    assert!(catalog.endpoints.iter().all(|e| e.origin == DataOrigin::Builtin));
}

#[test]
fn every_fact_is_in_the_catalog_at_its_price() {
    let Some(facts) = facts::read("data/catalog/facts.json") else { return };
    let catalog = Catalog::builtin();
    let (mut compared, mut wrong) = (0, Vec::new());
    for provider in facts["providers"].as_array().unwrap() {
        let slug = provider["id"].as_str().unwrap();
        let own = catalog.provider_ix(slug);
        assert!(own.is_some(), "{slug}");
        for name in ["name", "openrouter_name"].iter().filter_map(|field| provider[field].as_str()) {
            assert_eq!(catalog.provider_called(name), own, "{name}");
        }
    }
    for alias in facts["aliases"].as_array().unwrap() {
        let meant = catalog.model(alias["id"].as_str().unwrap()).map(|m| m.slug.as_str());
        assert_eq!(meant, alias["target"].as_str(), "{alias}");
    }
    for model in facts["models"].as_array().unwrap() {
        let slug = model["id"].as_str().unwrap();
        let own = catalog.model(slug).filter(|m| m.slug.as_str() == slug).unwrap_or_else(|| panic!("{slug}"));
        let base = model["variant_of"].as_str().filter(|base| catalog.model(base).is_some());
        assert_eq!(own.variant_of.as_ref().map(|base| base.as_str()), base, "{slug}");
        for fact in model["endpoints"].as_array().unwrap() {
            match catalog.endpoints_of(own).find(|e| facts::is_same(e, fact)) {
                Some(endpoint) => wrong.extend(facts::differences(endpoint, fact).map(|d| format!("{slug} at {}: {d}", endpoint.tag))),
                None => wrong.push(format!("{slug} at {} is missing", fact["tag"])),
            }
            compared += 1;
        }
    }
    assert!(wrong.is_empty(), "{} differences: {:#?}", wrong.len(), &wrong[..wrong.len().min(20)]);
    eprintln!("{compared} endpoints of the facts compared");
    assert!(compared > 2_460, "{compared}");
}

#[test]
fn what_a_media_model_can_be_told_is_in_the_catalog_as_the_facts_have_it() {
    let Some(facts) = facts::read("data/catalog/facts.json") else { return };
    let catalog = Catalog::builtin();
    let (mut able, mut passed_on) = (0, 0);
    for model in facts["models"].as_array().unwrap() {
        let slug = model["id"].as_str().unwrap();
        let own = catalog.model(slug).unwrap();
        let told = model["capabilities"].as_object().filter(|c| !c.is_empty()).cloned().map_or(Value::Null, Value::Object);
        assert_eq!(serde_json::to_value(&own.media).unwrap(), told, "{slug}");
        able += usize::from(own.media.is_some());
        for fact in model["endpoints"].as_array().unwrap() {
            let Some(names) = fact["passthrough_parameters"].as_array().filter(|names| !names.is_empty()) else { continue };
            let names: BTreeSet<&str> = names.iter().map(|name| name.as_str().unwrap()).collect();
            let endpoint = catalog.endpoints_of(own).find(|e| facts::is_same(e, fact)).unwrap();
            assert_eq!(endpoint.passthrough_parameters.iter().map(String::as_str).collect::<BTreeSet<_>>(), names, "{slug}");
            passed_on += 1;
        }
    }
    eprintln!("{able} models with abilities, {passed_on} endpoints with parameters of the provider's own");
    assert!(able > 100 && passed_on > 50);
}

#[test]
fn a_license_that_leaves_the_output_free_makes_a_model_distillable_and_nothing_else_does() {
    let catalog = Catalog::builtin();
    let licensed = catalog.models.iter().filter(|m| m.license.is_some());
    assert!(licensed.clone().all(|m| m.open_weights == Some(true)), "a license is one of published weights");
    let distillable = catalog.models.iter().filter(|m| m.distillable).count();
    eprintln!("{} models with a license, {distillable} of them distillable", licensed.clone().count());
    assert!(distillable > 100 && distillable <= licensed.count());
    let of = |slug: &str| catalog.model(slug).map(|m| (m.license.as_deref(), m.distillable)).unwrap();
    for (slug, license) in [
        ("openai/gpt-oss-120b", "Apache-2.0"),
        ("openai/gpt-oss-20b:free", "Apache-2.0"),
        ("deepseek/deepseek-r1-0528", "MIT"),
        ("mistralai/mixtral-8x22b-instruct", "Apache-2.0"),
        ("qwen/qwen3-32b", "Apache-2.0"),
        ("z-ai/glm-4.6", "MIT"),
        ("microsoft/phi-4", "MIT"),
    ] {
        assert_eq!(of(slug), (Some(license), true), "{slug}");
    }
    for slug in ["openai/gpt-4o-mini", "qwen/qwen3-max", "qwen/qwen3-coder-plus", "z-ai/glm-5-turbo", "meta-llama/llama-3.3-70b-instruct"] {
        assert_eq!(of(slug), (None, false), "{slug}: closed, hosted, or with terms of its own");
    }
}
