//! The table as the engine and the planner use it.

use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use portolan_catalog::{ProviderIx, ProviderOverlay};
use portolan_core::{Origin, Retry};
use portolan_routing::Health;

use super::breaker::{COOL_DOWN_MAX_MS, COOL_DOWN_MS};
use super::*;

const T0: i64 = 1_800_000_000_000;

fn at(ms: i64) -> UnixMillis {
    UnixMillis(T0 + ms)
}

/// The built-in catalog with a model of one's own at each of these providers.
fn catalog(providers: &[&str]) -> Catalog {
    let text = |at: usize| {
        format!(
            "base_url = \"http://p{at}\"\n[[models]]\nid = \"t/m\"\ncontext_length = 1000\npricing = {{ prompt = \"1\", completion = \"1\" }}\n"
        )
    };
    let overlays: Vec<_> =
        providers.iter().enumerate().map(|(i, slug)| ProviderOverlay::parse(slug, text(i).parse().unwrap()).unwrap()).collect();
    Catalog::builtin_with(&overlays).unwrap()
}

fn ix(catalog: &Catalog, provider: &str) -> EndpointIx {
    let model = catalog.model("t/m").unwrap();
    *model.endpoints.iter().find(|ix| catalog.endpoint(**ix).tag == provider).unwrap()
}

fn fault(class: Class, retry_after: Option<Duration>) -> Fault {
    Fault { retry_after, ..Fault::new(Origin::Upstream, class, Retry::NextEndpoint, "it failed") }
}

fn answer(began: UnixMillis) -> Served {
    Served { began, output_tokens: Some(100), latency_ms: Some(200.0), throughput: Some(80.0) }
}

struct World {
    table: HealthTable,
    endpoint: EndpointIx,
}

fn world() -> World {
    let catalog = catalog(&["alpha"]);
    World { endpoint: ix(&catalog, "alpha"), table: HealthTable::new(&catalog, None) }
}

impl World {
    fn held_back(&self, ms: i64) -> bool {
        self.table.at(at(ms), Probe::Leave).standing(self.endpoint) == Standing::Behind
    }

    fn probes(&self, ms: i64) -> bool {
        let health = self.table.at(at(ms), Probe::Take);
        match health.standing(self.endpoint) {
            Standing::Well => true,
            Standing::ProbeDue => health.probe(self.endpoint),
            Standing::Behind => false,
        }
    }
}

#[test]
fn only_the_endpoints_own_faults_hold_it_back() {
    for (origin, class, counts) in [
        (Origin::Upstream, Class::ProviderUnavailable, true),
        (Origin::Upstream, Class::CredentialRefused, true),
        (Origin::Caller, Class::InvalidRequest, false),
        (Origin::Caller, Class::CallerGone, false),
        (Origin::Gateway, Class::Internal, false),
        (Origin::Gateway, Class::EgressRefused, false),
    ] {
        let world = world();
        world.table.failed(world.endpoint, &Fault::new(origin, class, Retry::NextEndpoint, "it failed"), at(0));
        assert_eq!(world.held_back(1), counts, "{class:?}");
        assert_eq!(world.table.endpoint_stats(world.endpoint, at(1)).faults_1d.is_empty(), !counts, "{class:?}");
    }
}

#[test]
fn a_rate_limit_cools_down_as_long_as_it_says_and_no_longer() {
    let seconds = |s| Some(Duration::from_secs(s));
    // The class, `Retry-After`, until when it is held back, and whether it needs a probe then.
    for (class, retry_after, until, probe) in [
        (Class::RateLimitExceeded, seconds(9), 9_000, false),
        (Class::RateLimitExceeded, None, COOL_DOWN_MS, false),
        (Class::RateLimitExceeded, seconds(3_600), COOL_DOWN_MAX_MS, false),
        (Class::ProviderOverloaded, seconds(9), 9_000, true),
        (Class::ProviderOverloaded, seconds(60), 60_000, false),
    ] {
        let world = world();
        world.table.failed(world.endpoint, &fault(class, retry_after), at(0));
        assert!(world.held_back(until - 1), "{class:?} {retry_after:?}");
        assert!(world.probes(until), "{class:?} {retry_after:?}");
        assert_eq!(world.held_back(until), probe, "{class:?} {retry_after:?}");
    }
}

#[test]
fn of_many_plans_at_one_moment_exactly_one_gets_the_permit_to_probe() {
    let world = world();
    for round in 0..50 {
        let now = i64::from(round) * 100_000;
        (0..3).for_each(|_| world.table.failed(world.endpoint, &fault(Class::Timeout, None), at(now)));
        let permits = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| permits.fetch_add(usize::from(world.probes(now + 60_000)), Ordering::Relaxed));
            }
        });
        assert_eq!(permits.into_inner(), 1, "{round}");
        world.table.served(world.endpoint, &answer(at(now + 60_000)), at(now + 60_500));
        assert!(!world.held_back(now + 60_500), "{round}");
    }
}

#[test]
fn looking_takes_no_permit() {
    let world = world();
    world.table.failed(world.endpoint, &fault(Class::Timeout, None), at(0));
    assert!(!world.held_back(6_000) && !world.held_back(6_000), "a plan would probe");
    assert!(world.probes(6_000));
    assert!(world.held_back(6_000), "somebody does");
}

#[test]
fn a_plan_gives_back_what_it_does_not_use() {
    let world = world();
    world.table.failed(world.endpoint, &fault(Class::Timeout, None), at(0));
    assert!(world.probes(6_000) && !world.probes(6_000));
    world.table.release([world.endpoint].into_iter(), at(5_999));
    assert!(world.held_back(6_001), "another plan has it");
    world.table.release([world.endpoint].into_iter(), at(6_000));
    assert!(world.probes(6_001));
}

#[test]
fn a_reload_keeps_everything_of_the_endpoints_that_stay() {
    let before = catalog(&["alpha", "beta", "gamma"]);
    let old = HealthTable::new(&before, None);
    let alpha = ix(&before, "alpha");
    let beta = ix(&before, "beta");
    (0..20).for_each(|_| old.served(alpha, &answer(at(0)), at(0)));
    (0..20).for_each(|i| old.tool_calls(alpha, i < 2, at(0)));
    old.failed(alpha, &fault(Class::Timeout, None), at(0));
    old.bar_strict(alpha);
    old.failed(beta, &fault(Class::Timeout, None), at(0));

    let after = catalog(&["gamma", "alpha", "delta"]);
    let new = HealthTable::new(&after, Some((&before, &old)));
    let moved = ix(&after, "alpha");
    let (then, now) = (old.at(at(1), Probe::Leave), new.at(at(1), Probe::Leave));
    assert!(now.standing(moved) == Standing::Behind && now.strict_barred(moved));
    assert!(now.stats(moved).latency.is_some());
    assert_eq!(now.stats(moved), then.stats(alpha));
    assert_eq!(now.stats(moved).tool_error_rate, Some(0.1));
    assert_eq!(new.output_p95(moved), Some(100));
    assert_eq!(new.endpoint_stats(moved, at(1)), old.endpoint_stats(alpha, at(1)));
    assert!(now.standing(ix(&after, "gamma")) == Standing::Well && now.standing(ix(&after, "delta")) == Standing::Well);
    old.served(alpha, &answer(at(5_000)), at(6_000));
    assert_eq!(new.at(at(6_000), Probe::Leave).standing(moved), Standing::Well, "a request that began before the reload counts after it");
}

#[test]
fn an_endpoint_without_traffic_has_no_statistics() {
    let world = world();
    assert!(world.table.cell(world.endpoint).statistics.lock().is_none());
    assert_eq!(world.table.endpoint_stats(world.endpoint, at(0)), EndpointStats::default());
    assert_eq!(world.table.at(at(0), Probe::Take).stats(world.endpoint), Stats::default());
    assert!(std::mem::size_of::<Cell>() <= 160, "{}", std::mem::size_of::<Cell>());
    assert!(std::mem::size_of::<Statistics>() <= 25_000, "{}", std::mem::size_of::<Statistics>());
}

fn provider(catalog: &Catalog, slug: &str) -> ProviderIx {
    catalog.provider_ix(slug).unwrap()
}

#[test]
fn two_probes_in_a_row_hold_every_endpoint_of_a_provider_back_until_one_succeeds_or_a_request_is_answered() {
    let catalog = catalog(&["alpha", "beta"]);
    let table = HealthTable::new(&catalog, None);
    let (alpha, beta) = (ix(&catalog, "alpha"), ix(&catalog, "beta"));
    let own = provider(&catalog, "alpha");
    let held_back = |ix| (table.at(at(0), Probe::Leave).standing(ix) == Standing::Behind, table.probe_failed(ix));
    let clear: [&dyn Fn(); 2] = [&|| assert!(!table.probed(own, true)), &|| table.served(alpha, &answer(at(0)), at(1))];
    for clear in clear {
        assert!(!table.probed(own, false));
        assert_eq!(held_back(alpha), (false, false), "one may be lost");
        clear();
        assert!(!table.probed(own, false), "the row was broken");
        assert!(table.probed(own, false) && table.probed(own, false));
        assert_eq!((held_back(alpha), held_back(beta)), ((true, true), (false, false)));
        clear();
        assert_eq!(held_back(alpha), (false, false));
    }
}

#[test]
fn a_probe_that_succeeds_closes_no_breaker_and_one_that_fails_takes_no_permit() {
    let catalog = catalog(&["alpha"]);
    let world = World { endpoint: ix(&catalog, "alpha"), table: HealthTable::new(&catalog, None) };
    let own = provider(&catalog, "alpha");
    (0..3).for_each(|_| world.table.failed(world.endpoint, &fault(Class::Timeout, None), at(0)));
    world.table.probed(own, true);
    assert!(world.held_back(1) && !world.table.probe_failed(world.endpoint), "only a request closes the breaker");
    (0..2).for_each(|_| _ = world.table.probed(own, false));
    assert!(!world.probes(6_000), "it is down");
    world.table.probed(own, true);
    assert!(world.probes(6_000), "and the permit is still there");
}

#[test]
fn requests_that_failed_are_no_answer_and_one_that_was_served_is_for_a_while() {
    let catalog = catalog(&["alpha", "beta"]);
    let table = HealthTable::new(&catalog, None);
    let own = provider(&catalog, "alpha");
    table.failed(ix(&catalog, "alpha"), &fault(Class::Timeout, None), at(0));
    assert!(!table.served_within(own, 5_000, at(1)));
    table.served(ix(&catalog, "alpha"), &answer(at(0)), at(100));
    assert!(table.served_within(own, 5_000, at(5_099)) && !table.served_within(own, 5_000, at(5_100)));
    assert!(!table.served_within(own, 5_000, at(-86_400_000)), "the clock was set back");
    assert!(!table.served_within(provider(&catalog, "beta"), 5_000, at(101)));
}

#[test]
fn a_reload_keeps_who_is_down() {
    let before = catalog(&["alpha", "beta"]);
    let old = HealthTable::new(&before, None);
    (0..2).for_each(|_| _ = old.probed(provider(&before, "alpha"), false));
    let after = catalog(&["beta", "alpha"]);
    let new = HealthTable::new(&after, Some((&before, &old)));
    assert!(new.probe_failed(ix(&after, "alpha")) && !new.probe_failed(ix(&after, "beta")));
    old.probed(provider(&before, "alpha"), true);
    assert!(!new.probe_failed(ix(&after, "alpha")), "a probe that began before the reload counts after it");
}
