//! What a refusal says: which rule decides, and that every word of the message holds for the endpoints that it speaks of.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod world;

use portolan_catalog::NotCallable;
use portolan_core::{Area, Capability, MaxPrice, Preferences, Price, Quantization, ServiceTier};
use portolan_routing::{Ask, Bind, Bindings, Policy, Source, plan};
use world::{Marks, at, routed, slugs};

struct Case {
    preferences: Preferences,
    policy: Policy,
    tier: Option<ServiceTier>,
    needs: &'static [Capability],
    max_output: Option<u64>,
    /// An endpoint that nobody can call.
    broken: Option<&'static str>,
    /// The endpoint whose rejection decides, and by which rule.
    decisive: (&'static str, &'static str),
    /// The field that decides.
    field: Option<&'static str>,
    /// The message, without the list of all rules.
    message: &'static str,
}

fn case(preferences: Preferences, decisive: (&'static str, &'static str), field: Option<&'static str>, message: &'static str) -> Case {
    let policy = Policy::new(Source::Guardrail);
    Case { preferences, policy, tier: None, needs: &[], max_output: None, broken: None, decisive, field, message }
}

fn names(all: &[&str]) -> Vec<String> {
    all.iter().map(|&name| name.to_owned()).collect()
}

fn only(all: &[&str]) -> Preferences {
    Preferences { only: names(all), ..Preferences::default() }
}

fn order(all: &[&str]) -> Preferences {
    Preferences { order: names(all), allow_fallbacks: false, ..Preferences::default() }
}

/// At most so many dollars per prompt token.
fn at_most(dollars: u64) -> MaxPrice {
    MaxPrice { prompt: Some(Price(dollars * 1_000_000_000_000)), ..MaxPrice::default() }
}

/// The endpoint that is named is out by another rule than the list that names it.
fn of_the_named() -> Vec<Case> {
    vec![
        case(
            Preferences { max_price: at_most(2), ..order(&["gamma"]) },
            ("gamma", "max_price"),
            Some("provider.max_price"),
            "No endpoints found for t/m: of the endpoints that remain after provider.order, none costs as little as max_price allows \
             (gamma: it costs 5 USD per prompt token, at most 2 is allowed). Raise provider.max_price, or change provider.order.",
        ),
        case(
            Preferences { max_price: at_most(2), ..only(&["gamma"]) },
            ("gamma", "max_price"),
            Some("provider.max_price"),
            "No endpoints found for t/m: of the endpoints that remain after provider.only, none costs as little as max_price allows \
             (gamma: it costs 5 USD per prompt token, at most 2 is allowed). Raise provider.max_price, or change provider.only.",
        ),
        case(
            Preferences { max_price: at_most(0), zdr: true, ..order(&["gamma", "delta"]) },
            ("delta", "max_price"),
            Some("provider.max_price"),
            "No endpoints found for t/m: of the endpoints that remain after provider.order and provider.zdr, none costs as little as \
             max_price allows (delta: it costs 6 USD per prompt token, at most 0 is allowed). Raise provider.max_price.",
        ),
        case(
            order(&["openai"]),
            ("beta/flex", "not_in_order"),
            Some("provider.order"),
            "No allowed providers are available for the selected model. Providers serving t/m: alpha, beta, gamma, delta, but your \
             request's provider.order preference without fallbacks permits only: openai.",
        ),
        case(
            Preferences { ignore: names(&["gamma"]), ..only(&["openai", "gamma"]) },
            ("gamma", "provider_not_allowed"),
            Some("provider.ignore"),
            "No allowed providers are available for the selected model. Providers serving t/m: alpha, beta, gamma, delta, but your \
             request's provider.only preference permits only: openai, gamma, and your request's provider.ignore preference excludes: \
             gamma.",
        ),
        Case {
            policy: Policy { id: Some("g-7".to_owned()), only: names(&["alpha"]), ..Policy::new(Source::Guardrail) },
            ..case(
                order(&["gamma"]),
                ("gamma", "provider_not_allowed"),
                None,
                "No allowed providers are available for the selected model. Providers serving t/m: alpha, beta, gamma, delta, but your \
                 request's provider.order preference without fallbacks permits only: gamma, and the guardrail:g-7 allows others.",
            )
        },
    ]
}

/// A rule of another kind speaks of the endpoints that were left for it.
fn of_what_remains() -> Vec<Case> {
    vec![
        case(
            Preferences { zdr: true, ..only(&["gamma"]) },
            ("gamma", "zdr_required"),
            Some("provider.zdr"),
            "No endpoints found for t/m: zero data retention is required, and of the endpoints that remain after provider.only, none is \
             known for it. Leave provider.zdr out, or change provider.only.",
        ),
        Case {
            policy: Policy { area: Some(Area::Us), ..Policy::new(Source::Host) },
            ..case(
                only(&["alpha/eu"]),
                ("alpha/eu", "region"),
                None,
                "No endpoints found for t/m: of the endpoints that remain after provider.only, none is known to keep requests in us \
                 (alpha/eu: confined to us, its requests stay in eu). Change provider.only.",
            )
        },
        case(
            Preferences { quantizations: vec![Quantization::Int4], ..Preferences::default() },
            ("beta/flex", "quantization"),
            Some("provider.quantizations"),
            "No endpoints found for t/m: no endpoint has one of the quantizations (there is nvfp4, fp8, bf16, unknown). Widen \
             provider.quantizations.",
        ),
        case(
            Preferences { quantizations: vec![Quantization::Fp8], ..only(&["beta"]) },
            ("beta", "quantization"),
            Some("provider.quantizations"),
            "No endpoints found for t/m: of the endpoints that remain after provider.only, none has one of the quantizations (there is \
             nvfp4). Widen provider.quantizations, or change provider.only.",
        ),
        Case {
            tier: Some(ServiceTier::Flex),
            ..case(
                only(&["gamma"]),
                ("gamma", "service_tier"),
                Some("provider.only"),
                "No endpoints found for t/m: service_tier asks for flex, and of the endpoints that remain after provider.only, none \
                 serves it (gamma: the request asks for flex, and there are flex endpoints). Leave service_tier out, or change \
                 provider.only.",
            )
        },
        case(
            Preferences { ignore: names(&["alpha"]), quantizations: vec![Quantization::Fp8], ..Preferences::default() },
            ("beta/flex", "service_tier"),
            None,
            "No endpoints found for t/m: no service_tier is asked for, and of the endpoints that remain after provider.ignore and \
             provider.quantizations, none serves without one (beta/flex: it serves the flex tier, which the request does not ask for). \
             Set service_tier, or name the endpoint in full, or change provider.ignore or provider.quantizations.",
        ),
        Case {
            needs: &[Capability::Tools],
            ..case(
                only(&["beta"]),
                ("beta", "capability_preferred"),
                Some("provider.only"),
                "No endpoints found for t/m: of the endpoints that remain after provider.only, none supports what the request asks for, \
                 as others of the model do (beta: lacks tools). Change provider.only.",
            )
        },
        Case {
            max_output: Some(501),
            ..case(
                Preferences::default(),
                ("alpha/eu", "max_output"),
                None,
                "No endpoints found for t/m: of the endpoints that remain after the choice of service tier, none gives as many tokens as \
                 max_tokens asks for (alpha/eu: 501 tokens are asked for, it gives 500). Lower max_tokens.",
            )
        },
        // No other endpoint does either, so that the preference is not to blame.
        Case {
            max_output: Some(501),
            ..case(
                only(&["gamma"]),
                ("gamma", "max_output"),
                None,
                "No endpoints found for t/m: of the endpoints that remain after provider.only, none gives as many tokens as max_tokens \
                 asks for (gamma: 501 tokens are asked for, it gives 500). Lower max_tokens.",
            )
        },
        Case {
            needs: &[Capability::ImageInput],
            ..case(
                order(&["gamma"]),
                ("gamma", "capability"),
                None,
                "No endpoints found for t/m: of the endpoints that remain after provider.order, none takes this kind of input and gives \
                 this kind of output (gamma: lacks image_input). Name another model.",
            )
        },
        Case {
            broken: Some("gamma"),
            ..case(
                only(&["openai"]),
                ("beta/flex", "provider_not_allowed"),
                Some("provider.only"),
                "No allowed providers are available for the selected model. Providers serving t/m: alpha, beta, delta, but your \
                 request's provider.only preference permits only: openai.",
            )
        },
        Case {
            broken: Some("gamma"),
            ..case(
                Preferences { max_price: at_most(0), ..Preferences::default() },
                ("beta/flex", "max_price"),
                Some("provider.max_price"),
                "No endpoints found for t/m: no callable endpoint costs as little as max_price allows (beta/flex: it costs 1 USD per \
                 prompt token, at most 0 is allowed). Raise provider.max_price.",
            )
        },
    ]
}

#[test]
fn a_refusal_names_the_rule_that_took_the_last_endpoints_and_speaks_of_no_others() {
    let models = slugs(&[routed::MODEL]);
    for case in of_the_named().into_iter().chain(of_what_remains()) {
        let mut catalog = routed::catalog();
        if let Some(tag) = case.broken {
            let ix = at(&catalog, routed::MODEL, tag);
            catalog.endpoints[ix.0 as usize].callable = Err(NotCallable::PriceUnknown);
        }
        let policies = [case.policy];
        let ask = Ask {
            policies: &policies,
            service_tier: case.tier,
            needs: case.needs.iter().copied().collect(),
            max_output: case.max_output,
            ..Ask::new(&models, &case.preferences)
        };
        let none = plan(&catalog, &Bindings::new(&catalog, |_, _| Bind::Real), &ask, &Marks::default()).unwrap_err();
        let decisive = none.decisive().unwrap();
        assert_eq!((catalog.endpoint(decisive.endpoint).tag.as_str(), decisive.rule.as_str()), case.decisive, "{}", case.message);
        let message = none.message(&catalog, &ask);
        assert_eq!(message.split(" Excluded by ").next().unwrap(), case.message);
        let constraint = none.constraint(&catalog, &ask);
        assert_eq!(constraint.as_ref().map(|constraint| constraint.field), case.field, "{message}");
        assert!(constraint.is_none_or(|constraint| message.contains(&constraint.detail)), "{message}");
    }
}
