//! Which models are candidates, in a catalog with two more providers.

use portolan_catalog::{Catalog, ProviderOverlay};
use portolan_core::{Capabilities, Capability, MaxPrice, ModelSlug, Preferences, Price};
use portolan_routing::auto::{
    AutoCandidate, AutoPlugin, CostTier, MODELS_MAX, Market, Needs, NoModel, PromptView, TaskKind, default_set, free, is_judge, route,
    strength,
};
use portolan_routing::{Ask, Bind, Bindings};

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

fn slugs(candidates: &[AutoCandidate]) -> Vec<&str> {
    candidates.iter().map(|candidate| candidate.slug.as_str()).collect()
}

#[test]
fn only_allowed_models_that_can_serve_the_request_are_candidates() {
    let catalog = catalog();
    let bindings = bound(&catalog, &["alpha", "beta"]);
    let market = Market { catalog: &catalog, bindings: &bindings, simulate: false, ask: None };
    let image = Needs { capabilities: Capabilities::NONE.with(Capability::ImageInput), ..Needs::default() };
    let long = Needs { input_tokens_min: 1001, ..Needs::default() };
    let answer = Needs { max_output: Some(101), ..Needs::default() };
    for (allowed, excluded, needs, want) in [
        ("t/*", "", Needs::default(), &["t/cheap", "t/seer"][..]),
        ("t/*", "*/seer", Needs::default(), &["t/cheap"]),
        ("t/seer", "t/*", Needs::default(), &[]),
        ("t/*", "", image, &["t/seer"]),
        ("t/*", "", answer, &["t/seer"]),
        ("t/*", "", long, &[]),
        ("u/*", "", Needs::default(), &[]),
        ("u/*:free", "", Needs::default(), &["u/dear:free"]),
        ("openai/*", "", Needs::default(), &[]),
        ("", "f/*", Needs::default(), &["t/cheap", "t/seer"]),
    ] {
        let found = market.candidates(TaskKind::General, &needs, &settings(allowed, excluded));
        assert_eq!(found.as_deref().map(slugs), if want.is_empty() { Err(&NoModel) } else { Ok(want.to_vec()) }, "{allowed} {excluded}");
    }
    let seer = |needs: &Needs| market.candidates(TaskKind::General, needs, &settings("t/seer", "")).unwrap()[0].price;
    assert_eq!((seer(&Needs::default()), seer(&image)), (Price(1_000_000), Price(10_000_000)), "the price is that of an endpoint that can");
    assert_eq!((NoModel.to_string().as_str(), NoModel::HTTP_STATUS), ("No models match your request and model restrictions", 404));
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
        // The plan refuses such a name, whatever the choice.
        (Preferences { only: names(&["gamma"]), ..Preferences::default() }, &[("t/cheap", 100_000), ("t/seer", 1_000_000)]),
    ] {
        let ask = Ask::new(&[], &preferences);
        let market = Market { catalog: &catalog, bindings: &bindings, simulate: false, ask: Some(&ask) };
        let found = market.candidates(TaskKind::General, &Needs::default(), &settings("t/*", "")).unwrap_or_default();
        let found: Vec<_> = found.iter().map(|c| (c.slug.as_str(), c.price.0)).collect();
        assert_eq!(found, want, "{preferences:?}");
    }
}

#[test]
fn without_settings_the_default_set_answers() {
    let catalog = catalog();
    let bindings = bound(&catalog, &["openai", "anthropic", "alpha", "beta"]);
    let market = Market { catalog: &catalog, bindings: &bindings, simulate: false, ask: None };
    let found = market.candidates(TaskKind::General, &Needs::default(), &AutoPlugin::default()).unwrap();
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
        let market = Market { catalog: &catalog, bindings, simulate, ask: None };
        market.candidates(TaskKind::General, &Needs::default(), &settings(allowed, "")).map(|c| c.len())
    };
    assert!(find(&none, false, "openai/*").is_ok_and(|count| count > 10), "the simulator stands in");
    assert_eq!(find(&some, false, "openai/*"), Err(NoModel), "a credential ends that");
    assert!(find(&some, true, "openai/*").is_ok());
    assert_eq!(find(&some, false, "simulator/*"), Err(NoModel));
}

#[test]
fn simple_prompts_go_to_cheaper_models_than_hard_ones() {
    let catalog = catalog();
    let bindings = bound(&catalog, &["openai", "anthropic", "deepinfra"]);
    let market = Market { catalog: &catalog, bindings: &bindings, simulate: false, ask: None };
    let hard = "Design a distributed lock service, prove that it is safe under clock skew, compare three approaches and analyse the failure modes of each.";
    for tier in [CostTier::Medium, CostTier::High, CostTier::XHigh] {
        let settings = AutoPlugin { cost_tier: Some(tier), ..AutoPlugin::default() };
        let first =
            |text: &str| route(&market, &PromptView::of_text(text), &Needs::default(), &settings, None).unwrap().ranking.models.remove(0);
        let (simple, hard) = (first("hi"), first(hard));
        assert!(simple.price < hard.price && simple.strength < hard.strength, "{tier:?}: {simple:?} {hard:?}");
    }
}

#[test]
fn free_models_are_drawn_by_the_seed_and_only_such_as_can_serve_the_request() {
    let catalog = catalog();
    let bindings = bound(&catalog, &["alpha", "beta"]);
    let market = Market { catalog: &catalog, bindings: &bindings, simulate: false, ask: None };
    let first = |seed| free(&market, &Needs::default(), seed, None).unwrap()[0].as_str().to_owned();
    for slug in ["f/one", "f/two", "f/eye"] {
        let drawn = (0..3000).filter(|seed| first(*seed) == slug).count();
        assert!((850..1150).contains(&drawn), "{slug} is drawn {drawn} times of 3000");
    }
    assert_eq!(first(7), first(7));
    let here = |seed| free(&market, &Needs::default(), seed, None).unwrap().iter().any(|slug| slug.as_str() == "f/here");
    assert!(!(0..100).any(here), "what another endpoint charges for is not free");
    let image = Needs { capabilities: Capabilities::NONE.with(Capability::ImageInput), ..Needs::default() };
    assert_eq!(free(&market, &image, 1, None).unwrap().iter().map(ModelSlug::as_str).collect::<Vec<_>>(), ["f/eye"]);
    let long = Needs { input_tokens_min: 1_000_000_000, ..Needs::default() };
    assert_eq!(free(&market, &long, 1, None), Err(NoModel));
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
fn routed(market: &Market<'_>, text: &str, needs: &Needs, settings: &AutoPlugin, before: Option<&str>) -> Vec<String> {
    let before = before.map(|slug| market.catalog.model_ix(slug).unwrap());
    let routed = route(market, &PromptView::of_text(text), needs, settings, before).unwrap();
    routed.models().iter().map(ToString::to_string).collect()
}

/// `before` and then the others in their order; at most `MODELS_MAX`.
fn first<'a>(before: &'a str, others: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    [before].into_iter().chain(others.into_iter().filter(|other| *other != before)).take(MODELS_MAX).collect()
}

#[test]
fn a_conversation_keeps_its_model_whatever_its_rank_and_the_others_stay_in_their_order() {
    let catalog = catalog();
    let bindings = bound(&catalog, &["openai", "anthropic", "deepinfra"]);
    let market = Market { catalog: &catalog, bindings: &bindings, simulate: false, ask: None };
    let all = market.candidates(TaskKind::General, &Needs::default(), &AutoPlugin::default()).unwrap();
    for tier in [CostTier::Low, CostTier::Medium, CostTier::Max] {
        let settings = AutoPlugin { cost_tier: Some(tier), ..AutoPlugin::default() };
        for text in ["hi", "Prove that the square root of two is irrational, step by step."] {
            let ranking = route(&market, &PromptView::of_text(text), &Needs::default(), &settings, None).unwrap().ranking;
            let kept = |slug| routed(&market, text, &Needs::default(), &settings, Some(slug));
            for slug in slugs(&all) {
                assert_eq!(kept(slug), first(slug, slugs(&ranking.models)), "{tier:?} {text}");
            }
            let chosen = routed(&market, text, &Needs::default(), &settings, None);
            assert!(slugs(&ranking.models).starts_with(&chosen.iter().map(String::as_str).collect::<Vec<_>>()));
            assert_eq!(kept("t/cheap"), chosen, "a model without a credential that is in no default set");
        }
    }
}

#[test]
fn a_model_that_may_no_longer_answer_is_not_kept() {
    let catalog = catalog();
    let bindings = bound(&catalog, &["alpha", "beta"]);
    let market = Market { catalog: &catalog, bindings: &bindings, simulate: false, ask: None };
    let image = Needs { capabilities: Capabilities::NONE.with(Capability::ImageInput), ..Needs::default() };
    let any = Needs::default();
    let kept = |needs, allowed, excluded, before| routed(&market, "hi", needs, &settings(allowed, excluded), Some(before))[0].clone();
    assert_eq!(kept(&any, "t/*", "", "t/seer"), "t/seer");
    assert_eq!(kept(&any, "t/*", "", "t/cheap"), "t/cheap");
    assert_eq!(kept(&image, "t/*", "", "t/cheap"), "t/seer", "it reads no images");
    assert_eq!(kept(&any, "t/cheap", "", "t/seer"), "t/cheap", "it is not allowed");
    assert_eq!(kept(&any, "t/*", "t/seer", "t/seer"), "t/cheap", "it is excluded");
    let ignored = Preferences { ignore: vec!["alpha".to_owned()], ..Preferences::default() };
    let ask = Ask::new(&[], &ignored);
    let restricted = Market { ask: Some(&ask), ..market };
    assert_eq!(routed(&restricted, "hi", &any, &settings("t/*", ""), Some("t/cheap")), ["t/seer"], "nobody may serve it");
}

#[test]
fn a_free_model_is_kept_as_long_as_it_can_serve_and_costs_nothing() {
    let catalog = catalog();
    let bindings = bound(&catalog, &["alpha", "beta"]);
    let market = Market { catalog: &catalog, bindings: &bindings, simulate: false, ask: None };
    let drawn = |needs: &Needs, seed, before: Option<&str>| {
        let before = before.map(|slug| catalog.model_ix(slug).unwrap());
        free(&market, needs, seed, before).unwrap().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let image = Needs { capabilities: Capabilities::NONE.with(Capability::ImageInput), ..Needs::default() };
    for seed in 0..50 {
        let all = drawn(&Needs::default(), seed, None);
        for slug in ["f/one", "f/two", "f/eye"] {
            assert_eq!(drawn(&Needs::default(), seed, Some(slug)), first(slug, all.iter().map(String::as_str)), "{seed}");
        }
        assert_eq!(drawn(&Needs::default(), seed, Some("f/here")), all, "it costs something elsewhere");
        assert_eq!(drawn(&image, seed, Some("f/one")), ["f/eye"], "it reads no images");
    }
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
    let market = Market { catalog: &catalog, bindings: &bindings, simulate: true, ask: None };
    let is_judged = |slug: &str| JUDGES.contains(&slug);
    let asked = |settings: &AutoPlugin| market.candidates(TaskKind::General, &Needs::default(), settings);
    let default: Vec<&str> = default_set().collect();
    for settings in [settings("", ""), settings("*", ""), settings("*:*", ""), settings("", &default.join(" "))] {
        let all = asked(&settings).unwrap();
        assert!(all.len() > 5 && !all.iter().any(|candidate| is_judged(candidate.slug.as_str())), "{:?}", slugs(&all));
    }
    for (exact, want) in [("openai/gpt-oss-safeguard-20b", true), ("openai/gpt-oss-safeguard-2*", false)] {
        assert_eq!(asked(&settings(exact, "")).is_ok(), want, "{exact}");
    }
    let drawn = (0..200).flat_map(|seed| free(&market, &Needs::default(), seed, None).unwrap());
    let drawn: std::collections::BTreeSet<ModelSlug> = drawn.collect();
    assert!(drawn.len() > 5 && !drawn.iter().any(|slug| is_judged(slug.as_str())), "{drawn:?}");
}
