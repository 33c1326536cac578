//! What holds for every request: restrictions only take away, what is forbidden is never planned, a seed decides.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod world;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use portolan_catalog::{Catalog, EndpointIx};
use portolan_core::{Capabilities, Capability, Preferences};
use portolan_routing::{Ask, Bind, Bindings, NoEndpoint, OrderReason, Plan, plan};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use world::{Marks, slugs};

static CATALOG: LazyLock<Catalog> = LazyLock::new(world::catalog);

const NAMES: &[&str] = &[
    "alpha",
    "Alpha Cloud",
    "beta",
    "gamma",
    "delta",
    "groq",
    "Together",
    "deepinfra",
    "deepinfra/turbo",
    "openai",
    "nobody",
    "simulator",
];
const MODELS: &[&str] =
    &["t/m", "t/other", "t/unpriced", "openai/gpt-oss-120b", "openai/gpt-4o-mini", "openai/gpt-5-pro", "simulator/echo"];

#[derive(Debug, Clone)]
struct Request {
    models: Vec<&'static str>,
    preferences: Preferences,
    needs: Capabilities,
    input: u64,
    max_output: Option<u64>,
    strict: bool,
    simulate: bool,
    seed: u64,
    binds: Vec<Bind>,
    health: Marks,
}

impl Request {
    fn plan(&self) -> Result<Plan, NoEndpoint> {
        let models = slugs(&self.models);
        let ask = Ask {
            models: &models,
            preferences: &self.preferences,
            needs: self.needs,
            input_tokens_max: self.input,
            max_output: self.max_output,
            strict: self.strict,
            simulate: self.simulate,
            seed: self.seed,
        };
        let bindings = Bindings::new(&CATALOG, |_, e| self.bind(e.ix));
        plan(&CATALOG, &bindings, &ask, &self.health)
    }

    fn bind(&self, ix: EndpointIx) -> Bind {
        if CATALOG.provider_of(ix).is_simulator() { Bind::Simulated } else { self.binds[ix.0 as usize % self.binds.len()] }
    }

    fn endpoints(&self) -> BTreeSet<EndpointIx> {
        self.plan().map(|p| p.attempts.iter().map(|c| c.endpoint).collect()).unwrap_or_default()
    }

    fn names(entries: &[String], ix: EndpointIx) -> bool {
        let (endpoint, provider) = (CATALOG.endpoint(ix), CATALOG.provider_of(ix));
        entries
            .iter()
            .any(|e| [endpoint.tag.as_str(), provider.slug.as_str(), provider.name.as_str()].iter().any(|n| n.eq_ignore_ascii_case(e)))
    }
}

fn names() -> impl Strategy<Value = Vec<String>> {
    prop_oneof![2 => Just(Vec::new()), 1 => subsequence(NAMES, 1..4).prop_shuffle().prop_map(|v| v.into_iter().map(str::to_owned).collect())]
}

/// Mostly what some endpoints lack and others have; a hard need would leave little over.
fn needs() -> impl Strategy<Value = Capabilities> {
    let few = |all: Vec<Capability>| all.into_iter().collect::<Capabilities>();
    prop_oneof![
        2 => Just(Capabilities::NONE),
        2 => Just(few(vec![Capability::Tools])),
        1 => subsequence(Capability::ALL, 1..3).prop_map(few),
    ]
}

fn marked() -> impl Strategy<Value = BTreeSet<EndpointIx>> {
    let all = u32::try_from(CATALOG.endpoints.len()).unwrap();
    proptest::collection::btree_set((0..all).prop_map(EndpointIx), 0..60)
}

prop_compose! {
    fn requests()(
        models in subsequence(MODELS, 1..4).prop_shuffle(),
        order in names(), only in names(), ignore in names(), allow_fallbacks in proptest::bool::weighted(0.8),
        needs in needs(),
        input in select(&[8u64, 8, 900, 5_000, 2_000_000][..]),
        max_output in select(&[None, None, Some(60u64), Some(600), Some(50_000)][..]),
        (strict, simulate, seed) in (any::<bool>(), proptest::bool::weighted(0.2), any::<u64>()),
        binds in proptest::collection::vec(select(&[Bind::Real, Bind::Real, Bind::Simulated, Bind::Unbound][..]), 1..8),
        failed in marked(), barred in marked(),
    ) -> Request {
        Request {
            models,
            preferences: Preferences { order, only, ignore, allow_fallbacks, ..Preferences::default() },
            needs,
            input, max_output, strict, simulate, seed, binds,
            health: Marks { failed, barred },
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_restriction_never_adds_a_candidate(request in requests(), name in select(NAMES), kind in 0..5) {
        let mut narrow = request.clone();
        let mut wide = request;
        // The first choice among fewer may be another: what is allowed is what could have been a fallback.
        wide.preferences.allow_fallbacks |= wide.preferences.order.is_empty();
        match kind {
            0 => narrow.preferences.ignore.push(name.to_owned()),
            1 if narrow.preferences.only.is_empty() => narrow.preferences.only.push(name.to_owned()),
            1 => { narrow.preferences.only.pop(); prop_assume!(!narrow.preferences.only.is_empty()); }
            2 => narrow.preferences.allow_fallbacks = false,
            3 => narrow.strict = true,
            _ => narrow.health.barred.extend(CATALOG.endpoints.iter().map(|e| e.ix).take(100)),
        }
        let (narrow, wide) = (narrow.endpoints(), wide.endpoints());
        prop_assert!(narrow.is_subset(&wide), "{:?} beyond {:?}", narrow, wide);
    }

    #[test]
    fn what_a_rule_forbids_is_never_planned(request in requests()) {
        let Ok(made) = request.plan() else { return Ok(()) };
        for choice in &made.attempts {
            let endpoint = CATALOG.endpoint(choice.endpoint);
            let preferences = &request.preferences;
            prop_assert!(preferences.only.is_empty() || Request::names(&preferences.only, endpoint.ix));
            prop_assert!(!Request::names(&preferences.ignore, endpoint.ix));
            prop_assert!(preferences.allow_fallbacks || preferences.order.is_empty() || Request::names(&preferences.order, endpoint.ix));
            prop_assert!(!(request.strict && request.health.barred.contains(&endpoint.ix)));
            prop_assert!(request.max_output.is_none_or(|n| n <= u64::from(endpoint.max_output)));
            prop_assert!(endpoint.prices.base.listed(portolan_core::Meter::Input).is_some());
            let bind = request.bind(endpoint.ix);
            match made.simulator_use {
                portolan_routing::SimulatorUse::OnlyReal => prop_assert!(bind == Bind::Real && endpoint.callable.is_ok()),
                portolan_routing::SimulatorUse::OnlySimulated => prop_assert!(bind == Bind::Simulated || request.simulate),
            }
        }
    }

    #[test]
    fn every_endpoint_of_the_requested_models_is_planned_or_rejected_once(request in requests()) {
        let (attempts, rejected) = match request.plan() {
            Ok(plan) => (plan.attempts, plan.rejected),
            Err(NoEndpoint::NothingLeft { rejected }) => (Vec::new(), rejected),
            Err(NoEndpoint::UnknownModel { slug, .. }) => return Err(TestCaseError::fail(slug.to_string())),
        };
        let mut seen: Vec<EndpointIx> = attempts.iter().map(|c| c.endpoint).chain(rejected.iter().map(|r| r.endpoint)).collect();
        seen.sort();
        let mut all: Vec<EndpointIx> = request.models.iter().flat_map(|m| CATALOG.model(m).unwrap().endpoints.clone()).collect();
        all.sort();
        prop_assert_eq!(seen, all);
    }

    #[test]
    fn the_same_seed_gives_the_same_plan(request in requests()) {
        prop_assert_eq!(request.plan(), request.plan());
    }

    #[test]
    fn within_a_model_the_named_come_first_then_one_drawn_then_by_price_then_what_failed(request in requests()) {
        let Ok(made) = request.plan() else { return Ok(()) };
        for own in made.attempts.chunk_by(|a, b| a.requested == b.requested) {
            let place = |reason| match reason {
                OrderReason::Named => 0,
                OrderReason::Drawn => 1,
                OrderReason::Price => 2,
                OrderReason::Unhealthy => 3,
            };
            prop_assert!(own.is_sorted_by_key(|c| place(c.reason)));
            prop_assert!(own.iter().filter(|c| c.reason == OrderReason::Drawn).count() <= 1);
            prop_assert!(own.chunk_by(|a, b| a.reason == b.reason).all(|g| g[0].reason == OrderReason::Named || g.is_sorted_by_key(|c| c.price)));
            for choice in own.iter().filter(|c| c.reason != OrderReason::Named) {
                prop_assert_eq!(choice.reason == OrderReason::Unhealthy, request.health.failed.contains(&choice.endpoint));
            }
            let drawn_from: Vec<f64> = own.iter().filter(|c| matches!(c.reason, OrderReason::Drawn | OrderReason::Price)).map(|c| c.weight).collect();
            // Without fallbacks only the drawn one is left of those that were weighed.
            let whole = request.preferences.allow_fallbacks || !request.preferences.order.is_empty();
            prop_assert!(drawn_from.is_empty() || !whole || (drawn_from.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        }
        let places: Vec<u16> = made.attempts.iter().map(|c| c.requested).collect();
        prop_assert!(places.is_sorted());
    }
}
