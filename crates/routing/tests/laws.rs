//! What holds for every request: restrictions only take away, what is forbidden is never planned, a seed decides.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use portolan_catalog::{Catalog, Endpoint, EndpointIx};
use portolan_core::{
    Area, Capabilities, Capability, MaxPrice, Meter, Parameters, Partition, Percentiles, Preferences, Price, Quantization, ServiceTier,
    Sort, SortBy,
};
use portolan_routing::{
    Ask, Bind, Bindings, Choice, NoEndpoint, NoFailures, OrderReason, Plan, Policy, SimulatorUse, Source, Variant, plan,
};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use world::{Marks, ask, at, catalog, planned, routed, slugs};

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let mut catalog = routed::catalog();
    // What lacks an ability passes the other filters, so that a rule which gave up a wish under a restriction would show.
    for tag in ["beta", "beta/flex"] {
        let ix = at(&catalog, "t/m", tag).0 as usize;
        let endpoint = &mut catalog.endpoints[ix];
        (endpoint.zdr, endpoint.policy.training) = (true, Some(false));
    }
    catalog
});

/// Names of providers and ordinary endpoints. To name a tier's endpoint in full is to ask for the tier, and no restriction.
const NAMES: &[&str] = &[
    "alpha",
    "Alpha Cloud",
    "alpha/eu",
    "beta",
    "gamma",
    "delta",
    "groq",
    "Together",
    "deepinfra",
    "deepinfra/turbo",
    "openai",
    "simulator",
];
const MODELS: &[&str] =
    &["t/m", "t/m", "t/other", "t/unpriced", "openai/gpt-oss-120b", "openai/gpt-4o-mini", "openai/gpt-5-pro", "simulator/echo"];

const PARAMETERS: &[&[&str]] = &[&[], &["tools"], &["verbosity", "max_completion_tokens"]];

#[derive(Debug, Clone)]
struct Request {
    models: Vec<&'static str>,
    variants: Vec<Option<Variant>>,
    preferences: Preferences,
    policy: Policy,
    needs: Capabilities,
    parameters: Parameters,
    tier: Option<ServiceTier>,
    sticky: Option<EndpointIx>,
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
            variants: &self.variants,
            policies: std::slice::from_ref(&self.policy),
            needs: self.needs,
            parameters: self.parameters,
            service_tier: self.tier,
            sticky: self.sticky,
            input_tokens_max: self.input,
            max_output: self.max_output,
            strict: self.strict,
            simulate: self.simulate,
            seed: self.seed,
            ..Ask::new(&models, &self.preferences)
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

    fn admits(&self, requested: u16, tier: ServiceTier) -> bool {
        let variant = self.variants.get(usize::from(requested)).copied().flatten();
        self.tier == Some(tier) || variant.and_then(Variant::admits) == Some(tier)
    }

    /// The request's entries, read anew: a full tag, or a provider with what is ordinary or asked for.
    fn names(&self, entries: &[String], requested: u16, endpoint: &Endpoint) -> bool {
        let open = endpoint.service_tier.is_none_or(|tier| self.admits(requested, tier));
        is_named(entries, endpoint, open)
    }
}

fn is_named(entries: &[String], endpoint: &Endpoint, whole: bool) -> bool {
    let provider = CATALOG.provider(endpoint.provider);
    let base = |e: &String| [provider.slug.as_str(), provider.name.as_str()].iter().any(|n| n.eq_ignore_ascii_case(e));
    entries.iter().any(|e| whole && base(e) || e.contains('/') && endpoint.tag.eq_ignore_ascii_case(e))
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
        1 => subsequence(&Capability::ALL, 1..3).prop_map(few),
    ]
}

fn marked() -> impl Strategy<Value = BTreeSet<EndpointIx>> {
    let all = u32::try_from(CATALOG.endpoints.len()).unwrap();
    proptest::collection::btree_set((0..all).prop_map(EndpointIx), 0..60)
}

fn dollars(n: u64) -> Price {
    Price(n * 1_000_000_000_000)
}

fn p50(value: f64) -> Option<Percentiles> {
    Some(Percentiles { p50: Some(value), ..Percentiles::default() })
}

prop_compose! {
    fn preferences()(
        order in names(), only in names(), ignore in names(), allow_fallbacks in proptest::bool::weighted(0.8),
        flags in proptest::collection::vec(proptest::bool::weighted(0.1), 4),
        quantizations in prop_oneof![4 => Just(&[][..]), 1 => Just(&[Quantization::Fp8, Quantization::Fp4][..])],
        sort in prop_oneof![2 => Just(None), 1 => (select(&SortBy::ALL), select(&Partition::ALL)).prop_map(|(by, partition)| Some(Sort { by, partition }))],
        fast in prop_oneof![3 => Just(None), 1 => Just(p50(90.0))],
        max in prop_oneof![4 => Just(None), 1 => (1u64..6).prop_map(|n| Some(dollars(n)))],
        tier_in_full in proptest::bool::weighted(0.1),
    ) -> Preferences {
        let mut order = order;
        if tier_in_full {
            order.push("alpha/priority".to_owned());
        }
        Preferences {
            order, only, ignore, allow_fallbacks,
            zdr: flags[0], deny_data_collection: flags[1], require_parameters: flags[2], enforce_distillable_text: flags[3] && flags[0],
            quantizations: quantizations.to_vec(), sort, preferred_min_throughput: fast,
            max_price: MaxPrice { prompt: max, ..MaxPrice::default() },
            ..Preferences::default()
        }
    }
}

prop_compose! {
    fn requests()(
        models in subsequence(MODELS, 1..4).prop_shuffle(),
        variants in prop_oneof![3 => Just(Vec::new()), 1 => Just(vec![Some(Variant::Nitro)]), 1 => Just(vec![None, Some(Variant::Floor)])],
        preferences in preferences(),
        (area, policy_only) in prop_oneof![
            4 => Just((None, Vec::new())), 1 => Just((Some(Area::Eu), Vec::new())), 1 => Just((None, vec!["alpha".to_owned()]))
        ],
        needs in needs(),
        parameters in select(PARAMETERS),
        (tier, sticky) in (
            prop_oneof![3 => Just(None), 1 => select(&ServiceTier::ALL).prop_map(Some)],
            prop_oneof![2 => Just(None), 1 => select(&["alpha", "beta", "alpha/priority"][..]).prop_map(Some)],
        ),
        input in select(&[8u64, 8, 900, 5_000, 2_000_000][..]),
        max_output in select(&[None, None, Some(60u64), Some(600), Some(50_000)][..]),
        (strict, simulate, seed) in (any::<bool>(), proptest::bool::weighted(0.2), any::<u64>()),
        binds in proptest::collection::vec(select(&[Bind::Real, Bind::Real, Bind::Simulated, Bind::Unbound][..]), 1..8),
        (failed, barred) in (marked(), marked()),
    ) -> Request {
        Request {
            models, variants, preferences, needs,
            policy: Policy { area, only: policy_only, ..Policy::new(Source::Workspace) },
            parameters: parameters.iter().collect(),
            tier, sticky: sticky.map(|tag| at(&CATALOG, "t/m", tag)),
            input, max_output, strict, simulate, seed, binds,
            health: Marks { failed, barred, ..routed::health(&CATALOG) },
        }
    }
}

/// One more restriction, of any kind.
fn restrict(request: &mut Request, kind: usize, name: &str) {
    let (preferences, policy) = (&mut request.preferences, &mut request.policy);
    let push = |list: &mut Vec<String>| list.push(name.to_owned());
    // A list of what is allowed is narrowed by being made, or by losing an entry that is not the last.
    let narrow = |list: &mut Vec<String>| match list.len() {
        0 => push(list),
        1 => {}
        _ => drop(list.pop()),
    };
    match kind {
        0 => push(&mut preferences.ignore),
        1 => narrow(&mut preferences.only),
        2 => preferences.allow_fallbacks = false,
        3 => request.strict = true,
        4 => request.health.barred.extend(CATALOG.endpoints.iter().map(|e| e.ix).take(100)),
        5 => preferences.zdr = true,
        6 => preferences.deny_data_collection = true,
        7 => preferences.require_parameters = true,
        8 => preferences.enforce_distillable_text = true,
        9 if preferences.quantizations.is_empty() => preferences.quantizations.push(Quantization::Fp8),
        9 => preferences.quantizations.truncate(1),
        10 => preferences.max_price.prompt = Some(preferences.max_price.prompt.unwrap_or(dollars(4)).min(dollars(3))),
        11 => policy.zdr = true,
        12 => push(&mut policy.ignore),
        13 => narrow(&mut policy.only),
        _ => policy.area = policy.area.or(Some(Area::Us)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_restriction_never_adds_a_candidate(request in requests(), name in select(NAMES), kind in 0usize..15) {
        let mut narrow = request.clone();
        let mut wide = request;
        // The first choice among fewer may be another: what is allowed is what could have been a fallback.
        wide.preferences.allow_fallbacks |= wide.preferences.order.is_empty();
        restrict(&mut narrow, kind, name);
        let (narrow, wide) = (narrow.endpoints(), wide.endpoints());
        prop_assert!(narrow.is_subset(&wide), "{:?} beyond {:?}", narrow, wide);
    }

    #[test]
    fn what_a_rule_forbids_is_never_planned(request in requests()) {
        let Ok(made) = request.plan() else { return Ok(()) };
        let preferences = &request.preferences;
        let lists = [&preferences.only, &preferences.order];
        for choice in &made.attempts {
            let endpoint = CATALOG.endpoint(choice.endpoint);
            let named = |entries: &[String]| request.names(entries, choice.requested, endpoint);
            prop_assert!(preferences.only.is_empty() || named(&preferences.only));
            prop_assert!(!is_named(&preferences.ignore, endpoint, true));
            prop_assert!(preferences.allow_fallbacks || preferences.order.is_empty() || named(&preferences.order));
            prop_assert!(!(request.strict && request.health.barred.contains(&endpoint.ix)));
            prop_assert!(request.max_output.is_none_or(|n| n <= u64::from(endpoint.max_output)));
            prop_assert!(endpoint.prices.base.listed(Meter::Input).is_some());
            prop_assert!(!preferences.zdr || endpoint.zdr);
            prop_assert!(!preferences.deny_data_collection || endpoint.policy.training == Some(false) && endpoint.policy.can_publish != Some(true));
            prop_assert!(preferences.max_price.prompt.is_none_or(|max| endpoint.prices.base.effective(Meter::Input) <= max));
            prop_assert!(preferences.quantizations.is_empty() || preferences.quantizations.iter().any(|q| q.covers(endpoint.quantization)));
            prop_assert!(request.policy.area.is_none() || endpoint.area == request.policy.area);
            prop_assert!(request.policy.only.is_empty() || is_named(&request.policy.only, endpoint, true));
            let in_full = lists.iter().any(|list| list.contains(&endpoint.tag));
            prop_assert!(endpoint.service_tier.is_none_or(|tier| in_full || request.admits(choice.requested, tier)));
            let bind = request.bind(endpoint.ix);
            match made.simulator_use {
                SimulatorUse::OnlyReal => prop_assert!(bind == Bind::Real && endpoint.callable.is_ok()),
                SimulatorUse::OnlySimulated => prop_assert!(bind == Bind::Simulated || request.simulate),
            }
        }
    }

    #[test]
    fn every_endpoint_of_the_requested_models_is_planned_or_rejected_once(request in requests()) {
        let (attempts, rejected) = match request.plan() {
            Ok(plan) => (plan.attempts, plan.rejected),
            Err(NoEndpoint::NothingLeft { rejected }) => (Vec::new(), rejected),
            Err(NoEndpoint::Contradiction { .. }) => return Ok(()),
            Err(other) => return Err(TestCaseError::fail(format!("{other:?}"))),
        };
        let mut seen: Vec<EndpointIx> = attempts.iter().map(|c| c.endpoint).chain(rejected.iter().map(|r| r.endpoint)).collect();
        seen.sort();
        let models: BTreeSet<&str> = request.models.iter().copied().collect();
        let mut all: Vec<EndpointIx> = models.iter().flat_map(|m| CATALOG.model(m).unwrap().endpoints.clone()).collect();
        all.sort();
        prop_assert_eq!(seen, all);
    }

    #[test]
    fn the_same_seed_gives_the_same_plan(request in requests()) {
        prop_assert_eq!(request.plan(), request.plan());
    }

    #[test]
    fn within_a_model_the_named_come_first_then_the_bound_one_drawn_or_sorted_ones_and_last_what_failed(request in requests()) {
        let Ok(made) = request.plan() else { return Ok(()) };
        let preferences = &request.preferences;
        let together = preferences.sort.is_some_and(|s| s.partition == Partition::None) && request.variants.iter().all(Option::is_none);
        prop_assume!(!together);
        let models: BTreeSet<u16> = made.attempts.iter().map(|choice| choice.requested).collect();
        for model in models {
            let own: Vec<Choice> = made.attempts.iter().copied().filter(|choice| choice.requested == model).collect();
            let place = |reason| match reason {
                OrderReason::Named => 0,
                OrderReason::Sticky => 1,
                OrderReason::Drawn => 2,
                OrderReason::Tier => 3,
                OrderReason::Price | OrderReason::Throughput | OrderReason::Latency | OrderReason::Exacto => 4,
                OrderReason::Misses => 5,
                OrderReason::Unhealthy => 6,
            };
            prop_assert!(own.is_sorted_by_key(|c| place(c.reason)), "{:?}", own);
            let is_sorted = preferences.sort.is_some() || request.variants.get(usize::from(own[0].requested)).is_some_and(Option::is_some);
            prop_assert!(own.iter().filter(|c| c.reason == OrderReason::Drawn).count() <= usize::from(!is_sorted));
            let by_price = |c: &Choice| c.reason == OrderReason::Price;
            prop_assert!(own.chunk_by(|a, b| a.reason == b.reason).all(|g| !by_price(&g[0]) || g.is_sorted_by_key(|c| c.price)));
            for choice in own.iter().filter(|c| c.reason != OrderReason::Named) {
                prop_assert_eq!(choice.reason == OrderReason::Unhealthy, request.health.failed.contains(&choice.endpoint));
            }
            let weights: f64 = own.iter().map(|c| c.weight).sum();
            // Without fallbacks only the first is left of those that were weighed.
            let whole = preferences.allow_fallbacks || !preferences.order.is_empty();
            prop_assert!(weights == 0.0 || !whole || (weights - 1.0).abs() < 1e-9);
        }
        let places: Vec<u16> = made.attempts.iter().map(|c| c.requested).collect();
        // One model after the other, and once more with what misses a threshold.
        let prefers = preferences.preferred_min_throughput.is_some() || preferences.preferred_max_latency.is_some();
        prop_assert!(places.chunk_by(|a, b| a <= b).count() <= 1 + usize::from(prefers));
    }
}

#[test]
fn over_ten_thousand_draws_each_share_is_within_two_points_of_the_inverse_square_of_the_price() {
    let catalog = catalog();
    let models = slugs(&["t/m"]);
    let preferences = Preferences::default();
    let mut firsts: BTreeMap<EndpointIx, f64> = BTreeMap::new();
    for seed in 0..10_000 {
        let made = planned(&catalog, &Ask { seed, ..ask(&models, &preferences) }, &NoFailures).unwrap();
        *firsts.entry(made.attempts[0].endpoint).or_default() += 1.0 / 10_000.0;
    }
    let prices = [("alpha", 1.0f64), ("beta", 2.0), ("gamma", 3.0), ("delta", 3.0)];
    let total: f64 = prices.iter().map(|(_, price)| price.powi(-2)).sum();
    for (tag, price) in prices {
        let share = firsts[&at(&catalog, "t/m", tag)];
        assert!((share - price.powi(-2) / total).abs() < 0.02, "{tag}: {share}");
    }
}
