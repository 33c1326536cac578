//! Which models are candidates, in a catalog with two more providers.

use std::sync::LazyLock;

use portolan_catalog::{Catalog, ProviderOverlay};
use portolan_core::{Capabilities, Capability, MaxPrice, Preferences, Price};
use portolan_routing::auto::{
    AutoCandidate, AutoPlugin, CostTier, Knob, MODELS_MAX, Market, ModelView, PromptView, Router, RouterView, TaskKind, default_set,
    explain, free, is_judge, route, strength,
};
use portolan_routing::{Ask, Bind, Bindings, NoEndpoint, Rule};

/// Alpha costs something, beta nothing. Only `t/seer` reads images, and its other endpoint does not.
const OVERLAYS: &[(&str, &str)] = &[
    (
        "alpha",
        r#"
base_url = "http://a"
[[models]]
id = "t/cheap"
context_length = 1000
max_output = 100
pricing = { prompt = "0.0000001", completion = "0.0000001" }
[[models]]
id = "t/seer"
context_length = 1000
max_output = 1000
capabilities = ["image_input", "tools"]
pricing = { prompt = "0.00001", completion = "0.00001" }
[[models]]
id = "f/here"
context_length = 1000
pricing = { prompt = "0.00002", completion = "0.00002" }
[[models]]
id = "u/dear:free"
context_length = 1000
max_output = 1000
pricing = { prompt = "0.00002", completion = "0.00002" }
"#,
    ),
    (
        "beta",
        r#"
base_url = "http://b"
[[models]]
id = "t/seer"
context_length = 1000
max_output = 1000
supported_parameters = ["max_tokens"]
pricing = { prompt = "0.000001", completion = "0.000001" }
[[models]]
id = "f/one"
context_length = 1000
pricing = { prompt = "0", completion = "0" }
[[models]]
id = "f/fee"
context_length = 1000
pricing = { prompt = "0", completion = "0", request = "0.01" }
[[models]]
id = "f/two"
context_length = 1000
pricing = { prompt = "0", completion = "0" }
[[models]]
id = "f/here"
context_length = 1000
pricing = { prompt = "0", completion = "0" }
[[models]]
id = "f/eye"
context_length = 1000
capabilities = ["image_input"]
pricing = { prompt = "0", completion = "0" }
"#,
    ),
];

fn catalog() -> Catalog {
    let overlays: Vec<_> = OVERLAYS.iter().map(|(slug, text)| ProviderOverlay::parse(slug, text.parse().unwrap()).unwrap()).collect();
    Catalog::builtin_with(&overlays).unwrap()
}

/// A credential for each of these providers.
fn bound(catalog: &Catalog, providers: &[&str]) -> Bindings {
    Bindings::new(catalog, |provider, _| if providers.contains(&provider.slug.as_str()) { Bind::Real } else { Bind::Simulated })
}

fn patterns(text: &str) -> Option<Vec<String>> {
    (!text.is_empty()).then(|| text.split(' ').map(str::to_owned).collect())
}

fn settings(allowed: &str, excluded: &str) -> AutoPlugin {
    AutoPlugin { allowed_models: patterns(allowed), excluded_models: patterns(excluded), ..AutoPlugin::default() }
}

/// A request that asks for nothing special.
fn plain() -> Ask<'static> {
    static PREFERENCES: LazyLock<Preferences> = LazyLock::new(Preferences::default);
    Ask::new(&[], &PREFERENCES)
}

/// A request with an image.
fn image() -> Ask<'static> {
    Ask { needs: Capabilities::NONE.with(Capability::ImageInput), ..plain() }
}

/// Which rules left no model.
fn rules(none: &NoEndpoint, ask: &Ask<'_>) -> Vec<&'static str> {
    assert!(matches!(none, NoEndpoint::NoModel { .. }), "{none:?}");
    none.excluded_by(ask).into_keys().map(Rule::as_str).collect()
}

fn slugs(candidates: &[AutoCandidate]) -> Vec<&str> {
    candidates.iter().map(|candidate| candidate.slug.as_str()).collect()
}

#[test]
fn only_allowed_models_that_can_serve_the_request_are_candidates() {
    let catalog = catalog();
    let bindings = bound(&catalog, &["alpha", "beta"]);
    let long = Ask { input_tokens_max: 8008, ..plain() };
    let answer = Ask { max_output: Some(101), ..plain() };
    // Patterns of what is allowed and excluded; the request; the candidates, or else the rules that leave none.
    for (allowed, excluded, ask, want, out) in [
        ("t/*", "", plain(), &["t/cheap", "t/seer"][..], &[][..]),
        ("t/*", "*/seer", plain(), &["t/cheap"], &[]),
        ("t/seer", "t/*", plain(), &[], &["model_not_allowed"]),
        ("nobody/*", "t/*", plain(), &[], &["model_not_allowed"]),
        ("t/*", "", image(), &["t/seer"], &[]),
        ("t/cheap", "", image(), &[], &["capability"]),
        ("t/*", "", answer, &["t/seer"], &[]),
        ("t/*", "", long, &[], &["context_length"]),
        ("u/*", "", plain(), &[], &["model_not_allowed"]),
        ("u/*:free", "", plain(), &["u/dear:free"], &[]),
        ("openai/gpt-4.1", "", plain(), &[], &["not_callable", "simulated_apart"]),
        ("google/gemini-2.5-flash-image", "", plain(), &[], &["task"]),
        ("", "f/*", plain(), &["t/cheap", "t/seer"], &[]),
    ] {
        let market = Market { catalog: &catalog, bindings: &bindings, ask: &ask };
        match market.candidates(TaskKind::General, &settings(allowed, excluded)) {
            Ok(found) => assert_eq!((slugs(&found), out), (want.to_vec(), &[][..]), "{allowed} {excluded}"),
            Err(none) => assert_eq!((rules(&none, &ask), want), (out.to_vec(), &[][..]), "{allowed} {excluded}"),
        }
    }
    let seer = |ask: &Ask<'_>| {
        let market = Market { catalog: &catalog, bindings: &bindings, ask };
        market.candidates(TaskKind::General, &settings("t/seer", "")).unwrap()[0].price
    };
    assert_eq!((seer(&plain()), seer(&image())), (Price(1_000_000), Price(10_000_000)), "the price is that of an endpoint that can");
}

#[test]
fn the_preferences_of_the_request_restrict_the_choice_and_its_price() {
    let catalog = catalog();
    let bindings = bound(&catalog, &["alpha", "beta"]);
    let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let ceiling = |price| MaxPrice { prompt: Some(Price(price)), ..MaxPrice::default() };
    // The preferences; the candidates of `t/*` and their prices.
    for (preferences, want) in [
        (Preferences::default(), &[("t/cheap", 100_000), ("t/seer", 1_000_000)][..]),
        (Preferences { only: names(&["alpha"]), ..Preferences::default() }, &[("t/cheap", 100_000), ("t/seer", 10_000_000)]),
        (Preferences { ignore: names(&["alpha"]), ..Preferences::default() }, &[("t/seer", 1_000_000)]),
        (Preferences { order: names(&["beta"]), allow_fallbacks: false, ..Preferences::default() }, &[("t/seer", 1_000_000)]),
        (Preferences { max_price: ceiling(500_000), ..Preferences::default() }, &[("t/cheap", 100_000)]),
        (Preferences { zdr: true, ..Preferences::default() }, &[]),
    ] {
        let ask = Ask::new(&[], &preferences);
        let market = Market { catalog: &catalog, bindings: &bindings, ask: &ask };
        let found = market.candidates(TaskKind::General, &settings("t/*", "")).unwrap_or_default();
        let found: Vec<_> = found.iter().map(|c| (c.slug.as_str(), c.price.0)).collect();
        assert_eq!(found, want, "{preferences:?}");
    }
    // What is wrong whatever the model is told as for a model that was named.
    for (preferences, words) in [
        (
            Preferences { only: names(&["betta"]), ..Preferences::default() },
            "provider.only: no provider is called betta. Did you mean beta",
        ),
        (Preferences { only: names(&["beta"]), ignore: names(&["beta"]), ..Preferences::default() }, "provider.only and provider.ignore"),
    ] {
        let ask = Ask::new(&[], &preferences);
        let none = Market { catalog: &catalog, bindings: &bindings, ask: &ask }.candidates(TaskKind::General, &settings("t/*", ""));
        let told = none.unwrap_err().message(&catalog, &ask);
        assert!(told.starts_with(words), "{told}");
    }
}

#[test]
fn without_settings_the_default_set_answers() {
    let catalog = catalog();
    let bindings = bound(&catalog, &["openai", "anthropic", "alpha", "beta"]);
    let ask = plain();
    let market = Market { catalog: &catalog, bindings: &bindings, ask: &ask };
    let found = market.candidates(TaskKind::General, &AutoPlugin::default()).unwrap();
    let set: Vec<_> = default_set().collect();
    assert!(found.len() >= 6, "{:?}", slugs(&found));
    assert!(found.iter().all(|c| set.contains(&c.slug.as_str()) && ["openai", "anthropic"].contains(&c.slug.author())));
    let built_in = set.iter().filter(|slug| catalog.model(slug).is_some()).count();
    assert!(built_in >= 15, "only {built_in} models of the default set are in the catalog");
}

#[test]
fn a_credential_decides_the_world_and_a_restriction_can_not_change_it() {
    let catalog = catalog();
    let none = bound(&catalog, &[]);
    let some = bound(&catalog, &["alpha"]);
    let find = |bindings, simulate, allowed: &str| {
        let ask = Ask { simulate, ..plain() };
        let market = Market { catalog: &catalog, bindings, ask: &ask };
        market.candidates(TaskKind::General, &settings(allowed, "")).map_or(0, |found| found.len())
    };
    assert!(find(&none, false, "openai/*") > 10, "the simulator stands in");
    assert_eq!(find(&some, false, "openai/*"), 0, "a credential ends that");
    assert!(find(&some, true, "openai/*") > 10);
    assert_eq!(find(&some, false, "simulator/*"), 0);
}

#[test]
fn simple_prompts_go_to_cheaper_models_than_hard_ones() {
    let catalog = catalog();
    let bindings = bound(&catalog, &["openai", "anthropic", "deepinfra"]);
    let ask = plain();
    let market = Market { catalog: &catalog, bindings: &bindings, ask: &ask };
    let hard = "Design a distributed lock service, prove that it is safe under clock skew, compare three approaches and analyse the failure modes of each.";
    for tier in [CostTier::Medium, CostTier::High, CostTier::XHigh] {
        let settings = AutoPlugin { cost_tier: Some(tier), ..AutoPlugin::default() };
        let first = |text: &str| route(&market, &PromptView::of_text(text), &settings, None).unwrap().ranking.models.remove(0);
        let (simple, hard) = (first("hi"), first(hard));
        assert!(simple.price < hard.price && simple.strength < hard.strength, "{tier:?}: {simple:?} {hard:?}");
    }
}

#[test]
fn free_models_are_drawn_by_the_seed_and_only_such_as_can_serve_the_request() {
    let catalog = catalog();
    let bindings = bound(&catalog, &["alpha", "beta"]);
    let drawn = |ask| drawn(Market { catalog: &catalog, bindings: &bindings, ask: &ask }, None);
    let first = |seed| drawn(Ask { seed, ..plain() }).remove(0);
    for slug in ["f/one", "f/two", "f/eye"] {
        let drawn = (0..3000).filter(|seed| first(*seed) == slug).count();
        assert!((850..1150).contains(&drawn), "{slug} is drawn {drawn} times of 3000");
    }
    assert_eq!(first(7), first(7));
    let here = |seed| drawn(Ask { seed, ..plain() }).iter().any(|slug| slug == "f/here");
    assert!(!(0..100).any(here), "what another endpoint charges for is not free");
    let fee = |seed| drawn(Ask { seed, ..plain() }).iter().any(|slug| slug == "f/fee");
    assert!(!(0..100).any(fee), "what costs something by the request is not free");
    assert_eq!(drawn(image()), ["f/eye"]);
    let ask = Ask { input_tokens_max: 8_000_000_000, ..plain() };
    let none = free(&Market { catalog: &catalog, bindings: &bindings, ask: &ask }, None).unwrap_err();
    assert!(rules(&none, &ask).contains(&"context_length"), "{none:?}");
    assert_eq!(none.excluded_by(&ask)[&Rule::ContextLength].endpoints, 3);
}

#[test]
fn a_model_without_an_opinion_is_as_strong_as_it_is_dear() {
    let catalog = catalog();
    let model = catalog.model("t/cheap").unwrap();
    let of = |price| strength(model, TaskKind::General, Price(price));
    assert!(of(0) < of(500_000) && of(500_000) < of(5_000_000) && of(5_000_000) < of(50_000_000));
    assert!((of(500_000) - 0.5).abs() < 0.01);
}

/// The models that stand in for the router when the conversation had `before`.
fn routed(market: Market<'_>, text: &str, settings: &AutoPlugin, before: Option<&str>) -> Vec<String> {
    let before = before.map(|slug| market.catalog.model_ix(slug).unwrap());
    route(&market, &PromptView::of_text(text), settings, before).unwrap().models().map(ToString::to_string).collect()
}

/// The same of the router that draws.
fn drawn(market: Market<'_>, before: Option<&str>) -> Vec<String> {
    let before = before.map(|slug| market.catalog.model_ix(slug).unwrap());
    free(&market, before).unwrap().models().map(ToString::to_string).collect()
}

/// `before` and then the others in their order; at most `MODELS_MAX`.
fn first<'a>(before: &'a str, others: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    [before].into_iter().chain(others.into_iter().filter(|other| *other != before)).take(MODELS_MAX).collect()
}

#[test]
fn a_conversation_keeps_its_model_whatever_its_rank_and_the_others_stay_in_their_order() {
    let catalog = catalog();
    let bindings = bound(&catalog, &["openai", "anthropic", "deepinfra"]);
    let ask = plain();
    let market = Market { catalog: &catalog, bindings: &bindings, ask: &ask };
    let all = market.candidates(TaskKind::General, &AutoPlugin::default()).unwrap();
    for tier in [CostTier::Low, CostTier::Medium, CostTier::Max] {
        let settings = AutoPlugin { cost_tier: Some(tier), ..AutoPlugin::default() };
        for text in ["hi", "Prove that the square root of two is irrational, step by step."] {
            let ranking = route(&market, &PromptView::of_text(text), &settings, None).unwrap().ranking;
            let kept = |slug| routed(market, text, &settings, Some(slug));
            for slug in slugs(&all) {
                assert_eq!(kept(slug), first(slug, slugs(&ranking.models)), "{tier:?} {text}");
            }
            let chosen = routed(market, text, &settings, None);
            assert!(slugs(&ranking.models).starts_with(&chosen.iter().map(String::as_str).collect::<Vec<_>>()));
            assert_eq!(kept("t/cheap"), chosen, "a model without a credential that is in no default set");
        }
    }
}

#[test]
fn a_model_that_may_no_longer_answer_is_not_kept() {
    let catalog = catalog();
    let bindings = bound(&catalog, &["alpha", "beta"]);
    let kept = |ask: Ask<'_>, allowed, excluded, before| {
        routed(Market { catalog: &catalog, bindings: &bindings, ask: &ask }, "hi", &settings(allowed, excluded), Some(before)).remove(0)
    };
    assert_eq!(kept(plain(), "t/*", "", "t/seer"), "t/seer");
    assert_eq!(kept(plain(), "t/*", "", "t/cheap"), "t/cheap");
    assert_eq!(kept(image(), "t/*", "", "t/cheap"), "t/seer", "it reads no images");
    assert_eq!(kept(plain(), "t/cheap", "", "t/seer"), "t/cheap", "it is not allowed");
    assert_eq!(kept(plain(), "t/*", "t/seer", "t/seer"), "t/cheap", "it is excluded");
    let ignored = Preferences { ignore: vec!["alpha".to_owned()], ..Preferences::default() };
    assert_eq!(kept(Ask::new(&[], &ignored), "t/*", "", "t/cheap"), "t/seer", "nobody may serve it");
}

#[test]
fn a_free_model_is_kept_as_long_as_it_can_serve_and_costs_nothing() {
    let catalog = catalog();
    let bindings = bound(&catalog, &["alpha", "beta"]);
    let drawn = |ask, before| drawn(Market { catalog: &catalog, bindings: &bindings, ask: &ask }, before);
    for seed in 0..50 {
        let (plain, image) = (Ask { seed, ..plain() }, Ask { seed, ..image() });
        let all = drawn(plain, None);
        for slug in ["f/one", "f/two", "f/eye"] {
            assert_eq!(drawn(plain, Some(slug)), first(slug, all.iter().map(String::as_str)), "{seed}");
        }
        assert_eq!(drawn(plain, Some("f/here")), all, "it costs something elsewhere");
        assert_eq!(drawn(image, Some("f/one")), ["f/eye"], "it reads no images");
    }
}

/// Model, status, place or rule.
fn told(view: &RouterView) -> Vec<(&str, &str)> {
    let what = |model: &ModelView| model.order_reason.or(model.rule).unwrap();
    view.models.iter().map(|model| (model.model.as_str(), what(model))).collect()
}

#[test]
fn a_choice_is_explained_for_every_model_that_was_looked_at() {
    let catalog = catalog();
    let bindings = bound(&catalog, &["alpha", "beta"]);
    let explained = |ask: &Ask<'_>, router, settings: &AutoPlugin, before: Option<&str>| {
        let market = Market { catalog: &catalog, bindings: &bindings, ask };
        let before = before.map(|slug| catalog.model_ix(slug).unwrap());
        let decided = match router {
            Router::Auto => route(&market, &PromptView::of_text("hi"), settings, before),
            Router::Free => free(&market, before),
        };
        explain(&market, router, settings, &decided)
    };
    let low = |allowed| AutoPlugin { cost_tier: Some(CostTier::Low), ..settings(allowed, "t/none") };
    let max = |allowed| AutoPlugin { cost_tier: Some(CostTier::Max), ..settings(allowed, "") };
    let only = Preferences { only: vec!["beta".to_owned()], ..Preferences::default() };
    // The request; the settings; the conversation's model; each model with what became of it.
    for (ask, settings, before, want) in [
        (plain(), low("t/*"), None, &[("t/cheap", "strong_enough"), ("t/seer", "cost_ceiling")][..]),
        (plain(), low("t/*"), Some("t/seer"), &[("t/seer", "kept"), ("t/cheap", "strong_enough")]),
        (plain(), max("t/*"), None, &[("t/seer", "strong_enough"), ("t/cheap", "weaker")]),
        (image(), max("t/*"), None, &[("t/seer", "strong_enough"), ("t/cheap", "capability")]),
        (plain(), settings("t/*", "*/seer"), None, &[("t/cheap", "strong_enough"), ("t/seer", "model_not_allowed")]),
        (Ask::new(&[], &only), max("t/*"), None, &[("t/seer", "strong_enough"), ("t/cheap", "provider_not_allowed")]),
        (plain(), settings("t/*", "t/*"), None, &[("t/cheap", "model_not_allowed"), ("t/seer", "model_not_allowed")]),
        (plain(), settings("nobody/*", ""), None, &[]),
    ] {
        let view = explained(&ask, Router::Auto, &settings, before);
        assert_eq!(told(&view), want, "{settings:?} {before:?}");
        assert_eq!(
            view.task,
            view.models.iter().any(|m| m.status == "chosen").then_some(TaskKind::SmallTalk),
            "nothing chosen, nothing asked"
        );
        assert!(
            view.models.iter().all(|m| (m.status == "chosen") == m.order.is_some() && m.source.is_some() == m.rule.is_some()),
            "{view:?}"
        );
    }
    let view = explained(&plain(), Router::Auto, &low("t/*"), None);
    assert_eq!(
        (view.ceiling_percent, &*view.models[1].source.clone().unwrap()),
        (Some(Knob::of_percent(20)), "request.plugins.auto-router.cost_tier")
    );
    let view = explained(&image(), Router::Free, &AutoPlugin::default(), None);
    assert_eq!((view.router, view.task, told(&view)[0]), (Router::Free, None, ("f/eye", "drawn")));
    assert!(told(&view).contains(&("f/one", "capability")) && !told(&view).iter().any(|(model, _)| *model == "t/cheap"), "{view:?}");
    let view = explained(&plain(), Router::Auto, &max("f/* t/* u/*:free *:free"), None);
    let count = |what| told(&view).iter().filter(|(_, told)| *told == what).count();
    assert_eq!((count("strong_enough") + count("weaker"), count("models_max")), (MODELS_MAX, 4), "{view:?}");
    assert_eq!(count("simulated_apart"), view.models.len() - MODELS_MAX - 4);
}

const JUDGES: &[&str] = &[
    "meta-llama/llama-guard-3-8b",
    "meta-llama/llama-guard-4-12b",
    "meta-llama/llama-prompt-guard-2-22m",
    "meta-llama/llama-prompt-guard-2-86m",
    "nvidia/llama-3.1-nemotron-safety-guard-8b-v3",
    "nvidia/nemotron-3-content-safety",
    "nvidia/nemotron-3.5-content-safety:free",
    "nvidia/nemotron-content-safety-reasoning-4b",
    "openai/gpt-oss-safeguard-120b",
    "openai/gpt-oss-safeguard-20b",
];

#[test]
fn models_that_judge_are_told_by_their_names() {
    let catalog = Catalog::builtin();
    let mut judges: Vec<&str> = catalog.models.iter().filter(|model| is_judge(model)).map(|model| model.slug.as_str()).collect();
    judges.sort_unstable();
    assert_eq!(judges, JUDGES, "the catalog has other models with such names: are they guards?");
}

#[test]
fn a_router_answers_with_a_model_that_judges_only_where_its_exact_name_is_allowed() {
    let catalog = Catalog::builtin();
    let bindings = Bindings::new(&catalog, |_, _| Bind::Simulated);
    let ask = Ask { simulate: true, ..plain() };
    let market = Market { catalog: &catalog, bindings: &bindings, ask: &ask };
    let is_judged = |slug: &str| JUDGES.contains(&slug);
    let asked = |settings: &AutoPlugin| market.candidates(TaskKind::General, settings);
    let default: Vec<&str> = default_set().collect();
    for settings in [settings("", ""), settings("*", ""), settings("*:*", ""), settings("", &default.join(" "))] {
        let all = asked(&settings).unwrap();
        assert!(all.len() > 5 && !all.iter().any(|candidate| is_judged(candidate.slug.as_str())), "{:?}", slugs(&all));
    }
    for (exact, want) in [("openai/gpt-oss-safeguard-20b", true), ("openai/gpt-oss-safeguard-2*", false)] {
        assert_eq!(asked(&settings(exact, "")).is_ok(), want, "{exact}");
    }
    let drawn = (0..200).flat_map(|seed| drawn(Market { ask: &Ask { seed, ..ask }, ..market }, None));
    let drawn: std::collections::BTreeSet<String> = drawn.collect();
    assert!(drawn.len() > 5 && !drawn.iter().any(|slug| is_judged(slug)), "{drawn:?}");
}
