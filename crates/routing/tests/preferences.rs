//! What a request's preferences, needs and the state of endpoints make of the candidates, as a table.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod world;

use portolan_catalog::{Endpoint, NotCallable};
use portolan_core::{Capabilities, Capability, Preferences};
use portolan_routing::{Ask, Bind, Bindings, Detail, NoEndpoint, NoFailures, Rule, SimulatorUse, explain, plan};
use world::{Marks, ask, at, catalog, planned, real, rules, slugs, tags};

fn texts(all: &[&str]) -> Vec<String> {
    all.iter().map(|&t| t.to_owned()).collect()
}

fn sorted(mut all: Vec<String>) -> Vec<String> {
    all.sort();
    all
}

struct Case {
    name: &'static str,
    order: &'static [&'static str],
    only: &'static [&'static str],
    ignore: &'static [&'static str],
    fallbacks: bool,
    /// The first ones, in this order.
    first: &'static [&'static str],
    /// How many there are.
    attempts: usize,
    /// The rule and source of those that are out.
    out: Option<(&'static str, &'static str)>,
}

const OPEN: Case = Case { name: "", order: &[], only: &[], ignore: &[], fallbacks: true, first: &[], attempts: 4, out: None };
const ONLY: Option<(&str, &str)> = Some(("provider_not_allowed", "request.provider.only"));
const IGNORE: Option<(&str, &str)> = Some(("provider_not_allowed", "request.provider.ignore"));

#[test]
fn preferences_restrict_and_order_as_documented() {
    let cases = [
        Case { name: "nothing asked", ..OPEN },
        Case { name: "order puts in front", order: &["delta", "beta"], first: &["delta", "beta"], ..OPEN },
        Case {
            name: "order without fallbacks keeps only what it names",
            order: &["delta", "beta"],
            fallbacks: false,
            first: &["delta", "beta"],
            attempts: 2,
            out: Some(("not_in_order", "request.provider.allow_fallbacks")),
            ..OPEN
        },
        Case { name: "order names what does not serve", order: &["openai", "gamma"], first: &["gamma"], ..OPEN },
        Case { name: "ignore names nobody", ignore: &["nobody"], ..OPEN },
        Case { name: "only", only: &["beta", "gamma"], attempts: 2, out: ONLY, ..OPEN },
        Case { name: "only by display name in any case", only: &["ALPHA cloud"], first: &["alpha"], attempts: 1, out: ONLY, ..OPEN },
        Case { name: "ignore", ignore: &["Alpha", "beta"], attempts: 2, out: IGNORE, ..OPEN },
        Case {
            name: "only and order",
            only: &["beta", "gamma"],
            order: &["gamma"],
            first: &["gamma", "beta"],
            attempts: 2,
            out: ONLY,
            ..OPEN
        },
        Case {
            name: "no fallbacks keeps the first choice",
            fallbacks: false,
            attempts: 1,
            out: Some(("fallback_not_allowed", "request.provider.allow_fallbacks")),
            ..OPEN
        },
    ];
    let catalog = catalog();
    let models = slugs(&["t/m"]);
    for case in cases {
        let preferences = Preferences {
            order: texts(case.order),
            only: texts(case.only),
            ignore: texts(case.ignore),
            allow_fallbacks: case.fallbacks,
            ..Preferences::default()
        };
        let made = planned(&catalog, &ask(&models, &preferences), &NoFailures);
        let tags = tags(&catalog, &made);
        assert_eq!(tags.len(), case.attempts, "{}: {tags:?}", case.name);
        assert_eq!(tags[..case.first.len()], texts(case.first), "{}", case.name);
        let rules = rules(&catalog, &made);
        assert_eq!(rules.len(), 4 - case.attempts, "{}", case.name);
        for (tag, rule, source) in rules {
            assert_eq!(Some((rule, source)), case.out, "{}: {tag}", case.name);
        }
        let views = explain(&catalog, &ask(&models, &preferences), &[], &made.unwrap().rejected);
        assert!(views.iter().all(|view| view.detail.as_ref().is_some_and(|words| !words.is_empty())), "{}", case.name);
    }
}

#[test]
fn an_order_entry_may_be_a_full_tag_or_a_provider_with_all_its_tags() {
    let catalog = catalog();
    let bindings = Bindings::new(&catalog, |_, _| Bind::Real);
    let models = slugs(&["openai/gpt-oss-120b"]);
    let first_two = |order: &[&str]| {
        let preferences = Preferences { order: texts(order), ..Preferences::default() };
        let made = plan(&catalog, &bindings, &ask(&models, &preferences), &NoFailures);
        tags(&catalog, &made)[..2].to_vec()
    };
    assert_eq!(first_two(&["deepinfra/turbo", "groq"]), texts(&["deepinfra/turbo", "groq"]));
    assert_eq!(sorted(first_two(&["deepinfra"])), texts(&["deepinfra/bf16", "deepinfra/turbo"]));
}

#[test]
fn what_a_request_needs_takes_endpoints_away() {
    let catalog = catalog();
    let models = slugs(&["t/m"]);
    let preferences = Preferences::default();
    let base = ask(&models, &preferences);
    let needs = |all: &[Capability]| all.iter().copied().collect::<Capabilities>();
    // what is asked, who is left, the rule of the others
    let cases = [
        (Ask { needs: needs(&[Capability::ImageInput]), ..base }, vec!["gamma"], "capability"),
        (Ask { needs: needs(&[Capability::Tools]), ..base }, vec!["alpha", "delta", "gamma"], "capability_preferred"),
        // Nobody has it, so that all may try.
        (Ask { needs: needs(&[Capability::Logprobs]), ..base }, vec!["alpha", "beta", "delta", "gamma"], ""),
        (Ask { max_output: Some(501), ..base }, vec!["delta"], "max_output"),
        (Ask { max_output: Some(500), ..base }, vec!["alpha", "beta", "delta"], "max_output"),
        // 808 bytes are at least 101 tokens.
        (Ask { input_tokens_max: 808, ..base }, vec!["alpha", "beta", "delta"], "context_length"),
        (Ask { input_tokens_max: 807, ..base }, vec!["alpha", "beta", "delta", "gamma"], ""),
        (Ask { input_tokens_max: 80_000, ..base }, vec![], "context_length"),
    ];
    for (asked, left, rule) in cases {
        let made = planned(&catalog, &asked, &NoFailures);
        assert_eq!(sorted(tags(&catalog, &made)), texts(&left), "{asked:?}");
        assert!(rules(&catalog, &made).iter().all(|(_, own, _)| *own == rule), "{asked:?}");
    }
}

#[test]
fn a_preferred_ability_is_not_given_up_for_a_preference() {
    let catalog = catalog();
    let models = slugs(&["t/m"]);
    let preferences = Preferences { only: texts(&["beta"]), ..Preferences::default() };
    let asked = Ask { needs: [Capability::Tools].into_iter().collect(), ..ask(&models, &preferences) };
    let refusal = planned(&catalog, &asked, &NoFailures).unwrap_err();
    assert_eq!(refusal.decisive().map(|r| r.rule), Some(Rule::CapabilityPreferred));
    assert!(refusal.message(&catalog, &asked).contains("lacks tools"), "{}", refusal.message(&catalog, &asked));
}

#[test]
fn what_failed_recently_is_tried_last_and_what_is_barred_not_at_all_under_strict() {
    let catalog = catalog();
    let models = slugs(&["t/m"]);
    let preferences = Preferences::default();
    let alpha = at(&catalog, "t/m", "alpha");
    let marks = Marks { failed: [alpha].into(), barred: [alpha].into(), ..Marks::default() };
    for seed in 0..50 {
        let made = planned(&catalog, &Ask { seed, ..ask(&models, &preferences) }, &marks);
        assert_eq!(tags(&catalog, &made).last().map(String::as_str), Some("alpha"));
        let strict = planned(&catalog, &Ask { seed, strict: true, ..ask(&models, &preferences) }, &marks);
        assert_eq!(rules(&catalog, &strict), [("alpha".to_owned(), "strict_barred", "health")]);
    }
    let named = Preferences { order: texts(&["alpha"]), ..Preferences::default() };
    let made = planned(&catalog, &ask(&models, &named), &marks);
    assert_eq!(tags(&catalog, &made)[0], "alpha", "the caller's own order holds");
}

#[test]
fn models_keep_the_order_of_the_request_and_each_is_planned_once() {
    let catalog = catalog();
    let preferences = Preferences::default();
    let models = slugs(&["t/other", "t/m", "t/other"]);
    let made = planned(&catalog, &ask(&models, &preferences), &NoFailures).unwrap();
    let requested: Vec<u16> = made.attempts.iter().map(|c| c.requested).collect();
    assert_eq!(requested, [0, 1, 1, 1, 1]);
}

#[test]
fn an_unknown_model_is_named_with_its_neighbours_even_as_a_fallback() {
    let catalog = catalog();
    let preferences = Preferences::default();
    let models = slugs(&["t/m", "openai/gpt-4o-mni"]);
    let asked = ask(&models, &preferences);
    let refusal = planned(&catalog, &asked, &NoFailures).unwrap_err();
    assert_eq!(refusal.http_status(), 400);
    let message = refusal.message(&catalog, &asked);
    assert!(message.starts_with("openai/gpt-4o-mni is not a valid model ID") && message.contains("openai/gpt-4o-mini"), "{message}");
}

#[test]
fn a_miss_of_only_is_told_in_the_words_that_clients_know() {
    let catalog = catalog();
    let models = slugs(&["t/m"]);
    let preferences = Preferences { only: texts(&["Groq", "OpenAI"]), ..Preferences::default() };
    let asked = ask(&models, &preferences);
    let made = planned(&catalog, &asked, &NoFailures);
    let NoEndpoint::NothingLeft { rejected } = made.as_ref().unwrap_err() else { panic!("the model is known") };
    assert!(rejected.iter().all(|r| r.rule == Rule::ProviderNotAllowed && r.detail == Detail::None));
    assert_eq!(
        made.as_ref().unwrap_err().message(&catalog, &asked),
        "No allowed providers are available for the selected model. Providers serving t/m: alpha, beta, gamma, delta, \
         but your request's provider.only preference permits only: Groq, OpenAI."
    );
    let views = explain(&catalog, &asked, &[], made.as_ref().unwrap_err().rejected());
    assert_eq!(views[0].detail.as_deref(), Some("only: Groq, OpenAI"));
}

#[test]
fn what_cannot_be_called_is_rejected_first_whatever_the_preferences_say() {
    let catalog = catalog();
    let models = slugs(&["t/unpriced"]);
    let preferences = Preferences { only: texts(&["beta"]), ..Preferences::default() };
    let made = planned(&catalog, &ask(&models, &preferences), &NoFailures);
    assert_eq!(rules(&catalog, &made), [("alpha".to_owned(), "not_callable", "catalog")]);
}

#[test]
fn real_and_simulated_endpoints_never_stand_in_one_plan() {
    let catalog = catalog();
    let preferences = Preferences::default();
    let auto = Bindings::new(&catalog, |_, _| Bind::Simulated);
    let of = |models: &[&str], bindings: &Bindings, simulate| {
        let models = slugs(models);
        plan(&catalog, bindings, &Ask { simulate, ..ask(&models, &preferences) }, &NoFailures)
    };
    // Both kinds are asked for: the real one serves, the simulated one is out.
    let mixed = of(&["simulator/echo", "t/m"], &real(&catalog), false).unwrap();
    assert_eq!((mixed.simulator_use, mixed.attempts.len()), (SimulatorUse::OnlyReal, 4));
    assert_eq!(mixed.rejected[0].rule, Rule::SimulatedApart);
    // Asked for by header: the simulator stands in for all.
    let asked = of(&["t/m", "simulator/echo"], &real(&catalog), true).unwrap();
    assert_eq!((asked.simulator_use, asked.attempts.len(), asked.rejected.len()), (SimulatorUse::OnlySimulated, 5, 0));
    let own = of(&["simulator/sim-c200-d5"], &real(&catalog), false).unwrap();
    assert_eq!(own.simulator_use, SimulatorUse::OnlySimulated);
    // No credential anywhere: also what is not built answers, but nothing without a price.
    let priced = |model: &str| {
        let simulable = |e: &&Endpoint| e.callable.err().is_none_or(NotCallable::is_callable_by_simulator);
        catalog.endpoints_of(catalog.model(model).unwrap()).filter(simulable).count()
    };
    let (pro, haiku) = (priced("openai/gpt-5-pro"), priced("anthropic/claude-haiku-4.5"));
    for (model, attempts) in [("openai/gpt-5-pro", pro), ("anthropic/claude-haiku-4.5", haiku), ("t/m", 4), ("t/unpriced", 0)] {
        assert!(attempts > 0 || model == "t/unpriced");
        let made = of(&[model], &auto, false);
        assert_eq!(made.map_or(0, |p| p.attempts.len()), attempts, "{model}");
    }
    let none = Bindings::new(&catalog, |_, _| Bind::Unbound);
    let refusal = of(&["t/m"], &none, false);
    assert_eq!(rules(&catalog, &refusal)[0], ("alpha".to_owned(), "no_credential", "configuration"));
}

#[test]
fn the_draw_follows_the_inverse_square_of_the_price() {
    let catalog = catalog();
    let models = slugs(&["t/m"]);
    let preferences = Preferences { only: texts(&["alpha", "gamma"]), ..Preferences::default() };
    let runs = 20_000;
    let first = |seed| planned(&catalog, &Ask { seed, ..ask(&models, &preferences) }, &NoFailures).unwrap().attempts[0];
    let alpha = at(&catalog, "t/m", "alpha");
    let share = f64::from(u32::try_from((0..runs).filter(|seed| first(*seed).endpoint == alpha).count()).unwrap()) / 20_000.0;
    // 1 dollar against 3: nine times as likely.
    assert!((share - 0.9).abs() < 0.01, "{share}");
}

#[test]
fn an_explanation_has_the_documented_shape() {
    let catalog = catalog();
    let models = slugs(&["t/m"]);
    let preferences = Preferences { only: texts(&["alpha", "delta"]), order: texts(&["delta"]), ..Preferences::default() };
    let asked = ask(&models, &preferences);
    let plan = planned(&catalog, &asked, &NoFailures).unwrap();
    let views = explain(&catalog, &asked, &plan.attempts, &plan.rejected);
    let json = serde_json::to_value(&views).unwrap();
    assert_eq!(
        json[1],
        serde_json::json!({
            "model": "t/m", "provider": "alpha", "tag": "alpha", "region": null, "status": "eligible", "order": 2, "order_reason": "drawn",
            "score": { "price": "1", "weight": 1.0, "health": "ok", "sticky": false }
        })
    );
    assert_eq!(
        json[2],
        serde_json::json!({
            "model": "t/m", "provider": "beta", "tag": "beta", "region": null, "status": "rejected",
            "rule": "provider_not_allowed", "source": "request.provider.only", "detail": "only: alpha, delta"
        })
    );
}
