//! Every preference, policy, tier, variant and sort, and what they make of one model with seven endpoints: as a table.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod world;

use portolan_core::{
    Area, Capabilities, Capability, MaxPrice, Parameters, Partition, Percentiles, Preferences, Price, Quantization, ServiceTier, Sort,
    SortBy, Task,
};
use portolan_routing::{Ask, Bind, Bindings, Choice, NoEndpoint, Plan, Policy, Source, Variant, plan};
use world::routed::{self, BY_PRICE};
use world::{Marks, at, slugs, tags};

/// Its draws are below 0.02: the cheapest is drawn, so that what is balanced stands in the order of the prices.
const LOW_DRAW: u64 = 320;

/// One request, before it is borrowed from.
struct Request {
    preferences: Preferences,
    policies: Vec<Policy>,
    variant: Option<Variant>,
    tier: Option<ServiceTier>,
    sticky: Option<&'static str>,
    failed: &'static [&'static str],
    parameters: &'static [&'static str],
    needs: Capabilities,
    task: Task,
    distillable: bool,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            preferences: Preferences::default(),
            policies: Vec::new(),
            variant: None,
            tier: None,
            sticky: None,
            failed: &[],
            parameters: &[],
            needs: Capabilities::NONE,
            task: Task::Chat,
            distillable: false,
        }
    }
}

impl Request {
    fn plan(&self) -> (portolan_catalog::Catalog, Result<Plan, NoEndpoint>, String) {
        let mut catalog = routed::catalog();
        let model = catalog.model_ix(routed::MODEL).unwrap();
        catalog.models[model.0 as usize].distillable = self.distillable;
        let models = slugs(&[routed::MODEL]);
        let failed = self.failed.iter().map(|tag| at(&catalog, routed::MODEL, tag)).collect();
        let health = Marks { failed, ..routed::health(&catalog) };
        let ask = Ask {
            variants: &[self.variant],
            policies: &self.policies,
            service_tier: self.tier,
            sticky: self.sticky.map(|tag| at(&catalog, routed::MODEL, tag)),
            parameters: self.parameters.iter().collect::<Parameters>(),
            needs: self.needs,
            task: self.task,
            seed: LOW_DRAW,
            ..Ask::new(&models, &self.preferences)
        };
        let made = plan(&catalog, &Bindings::new(&catalog, |_, _| Bind::Real), &ask, &health);
        let message = made.as_ref().err().map(|none| none.message(&catalog, &ask)).unwrap_or_default();
        let rejected = made.as_ref().map_or_else(NoEndpoint::rejected, |plan| plan.rejected.as_slice());
        for rejection in rejected {
            let detail = portolan_routing::detail(&catalog, &ask, rejection);
            assert!(detail.is_some_and(|words| !words.is_empty()), "{rejection:?}");
        }
        (catalog, made, message)
    }
}

fn texts(all: &[&str]) -> Vec<String> {
    all.iter().map(|&t| t.to_owned()).collect()
}

fn preferring(set: impl FnOnce(&mut Preferences)) -> Request {
    let mut request = Request::default();
    set(&mut request.preferences);
    request
}

fn under(source: Source, set: impl FnOnce(&mut Policy)) -> Request {
    let mut policy = Policy::new(source);
    set(&mut policy);
    Request { policies: vec![policy], ..Request::default() }
}

fn sort(by: SortBy) -> Option<Sort> {
    Some(Sort { by, partition: Partition::Model })
}

fn p50(value: f64) -> Option<Percentiles> {
    Some(Percentiles { p50: Some(value), ..Percentiles::default() })
}

/// Dollars per unit.
fn usd(dollars: u64) -> Option<Price> {
    Some(Price(dollars * 1_000_000_000_000))
}

/// A name, a request, the tags of its attempts with their reasons, and the rule and source of those that are out beside the
/// endpoints of tiers that an ordinary request does not use.
type Case = (&'static str, Request, &'static [(&'static str, &'static str)], &'static [(&'static str, &'static str, &'static str)]);

const ALL: &[(&str, &str)] = &[("alpha", "drawn"), ("alpha/eu", "price"), ("beta", "price"), ("gamma", "price"), ("delta", "price")];

fn check(cases: Vec<Case>) {
    for (name, request, attempts, out) in cases {
        let (catalog, made, _) = request.plan();
        let tag = |ix| catalog.endpoint(ix).tag.clone();
        let planned = made.as_ref().map(|plan| plan.attempts.as_slice()).unwrap_or_default();
        let seen: Vec<(String, &str)> = planned.iter().map(|c| (tag(c.endpoint), c.reason.as_str())).collect();
        let wanted: Vec<(String, &str)> = attempts.iter().map(|(tag, reason)| ((*tag).to_owned(), *reason)).collect();
        assert_eq!(seen, wanted, "{name}: {made:?}");
        let rejected = made.as_ref().map_or_else(NoEndpoint::rejected, |plan| plan.rejected.as_slice());
        let mut seen: Vec<_> = rejected.iter().map(|r| (tag(r.endpoint), r.rule.as_str(), r.source.as_str())).collect();
        seen.retain(|(tag, rule, _)| !(tag.contains("/priority") || tag.contains("/flex")) || *rule != "service_tier");
        let mut wanted: Vec<_> = out.iter().map(|(tag, rule, source)| ((*tag).to_owned(), *rule, *source)).collect();
        seen.sort();
        wanted.sort();
        assert_eq!(seen, wanted, "{name}");
    }
}

/// The tiers' endpoints, out by another rule than their tier.
macro_rules! and_tiers {
    ($rule:literal, $source:literal, [$($tag:literal),*]) => { &[$(($tag, $rule, $source)),*] };
}

#[test]
fn what_restricts_takes_endpoints_away_by_a_named_rule() {
    let names = |only: &[&str]| preferring(|p| p.only = texts(only));
    check(vec![
        ("nothing asked", Request::default(), ALL, &[]),
        (
            "zdr",
            preferring(|p| p.zdr = true),
            &[("alpha", "drawn"), ("alpha/eu", "price"), ("delta", "price")],
            and_tiers!("zdr_required", "request.provider.zdr", ["beta", "beta/flex", "gamma"]),
        ),
        (
            "no collection of data: unknown training and publication are out",
            preferring(|p| p.deny_data_collection = true),
            &[("alpha", "drawn"), ("alpha/eu", "price")],
            and_tiers!("data_collection", "request.provider.data_collection", ["beta", "beta/flex", "gamma", "delta"]),
        ),
        (
            "only, the base slug, takes the regions and not the tiers",
            names(&["ALPHA"]),
            &[("alpha", "drawn"), ("alpha/eu", "price")],
            and_tiers!("provider_not_allowed", "request.provider.only", ["alpha/priority", "beta", "beta/flex", "gamma", "delta"]),
        ),
        (
            "only, a full slug by display name",
            names(&["Alpha Cloud/EU"]),
            &[("alpha/eu", "drawn")],
            and_tiers!("provider_not_allowed", "request.provider.only", ["alpha", "alpha/priority", "beta", "beta/flex", "gamma", "delta"]),
        ),
        (
            "only, a tier in full",
            names(&["alpha/priority", "beta"]),
            &[("beta", "drawn"), ("alpha/priority", "price")],
            and_tiers!("provider_not_allowed", "request.provider.only", ["alpha", "alpha/eu", "beta/flex", "gamma", "delta"]),
        ),
        (
            "ignore, a full slug",
            preferring(|p| p.ignore = texts(&["alpha/eu", "nobody"])),
            &[("alpha", "drawn"), ("beta", "price"), ("gamma", "price"), ("delta", "price")],
            and_tiers!("provider_not_allowed", "request.provider.ignore", ["alpha/eu"]),
        ),
        (
            "ignore takes the tiers as well, also one that order names in full",
            preferring(|p| (p.ignore, p.order) = (texts(&["alpha"]), texts(&["alpha/priority"]))),
            &[("beta", "drawn"), ("gamma", "price"), ("delta", "price")],
            and_tiers!("provider_not_allowed", "request.provider.ignore", ["alpha", "alpha/eu", "alpha/priority"]),
        ),
        (
            "max_price, at the bound",
            preferring(|p| p.max_price = MaxPrice { prompt: usd(3), completion: usd(5), ..MaxPrice::default() }),
            &[("alpha", "drawn"), ("alpha/eu", "price"), ("beta", "price")],
            and_tiers!("max_price", "request.provider.max_price", ["alpha/priority", "gamma", "delta"]),
        ),
        (
            "max_price of requests: no price is listed, which means that there is none",
            preferring(|p| p.max_price.request = usd(0)),
            ALL,
            &[],
        ),
        ("max_price of images, in a request without", preferring(|p| p.max_price.image = usd(1)), ALL, &[]),
        (
            "quantizations: fp4 covers nvfp4",
            preferring(|p| p.quantizations = vec![Quantization::Fp4, Quantization::Unknown]),
            &[("beta", "drawn"), ("gamma", "price")],
            and_tiers!("quantization", "request.provider.quantizations", ["alpha", "alpha/eu", "alpha/priority", "beta/flex", "delta"]),
        ),
        (
            "require_parameters",
            Request { parameters: &["seed", "tools"], ..preferring(|p| p.require_parameters = true) },
            &[("gamma", "drawn")],
            and_tiers!(
                "parameters",
                "request.provider.require_parameters",
                ["alpha", "alpha/eu", "alpha/priority", "beta", "beta/flex", "delta"]
            ),
        ),
        (
            "require_parameters takes synonyms for one",
            Request { parameters: &["max_completion_tokens"], ..preferring(|p| p.require_parameters = true) },
            &[("alpha", "drawn"), ("alpha/eu", "price"), ("beta", "price"), ("delta", "price")],
            and_tiers!("parameters", "request.provider.require_parameters", ["gamma"]),
        ),
        (
            "require_parameters: who takes tools takes whether they may be called in parallel",
            Request { parameters: &["seed", "tools", "parallel_tool_calls"], ..preferring(|p| p.require_parameters = true) },
            &[("gamma", "drawn")],
            and_tiers!(
                "parameters",
                "request.provider.require_parameters",
                ["alpha", "alpha/eu", "alpha/priority", "beta", "beta/flex", "delta"]
            ),
        ),
        ("parameters that are not required", Request { parameters: &["seed"], ..Request::default() }, ALL, &[]),
        (
            "distillable: unknown is no",
            preferring(|p| p.enforce_distillable_text = true),
            &[],
            and_tiers!(
                "distillable",
                "request.provider.enforce_distillable_text",
                ["alpha", "alpha/eu", "alpha/priority", "beta", "beta/flex", "gamma", "delta"]
            ),
        ),
        ("distillable: known", Request { distillable: true, ..preferring(|p| p.enforce_distillable_text = true) }, ALL, &[]),
        (
            "another task",
            Request { task: Task::Embeddings, ..Request::default() },
            &[],
            and_tiers!("task", "catalog", ["alpha", "alpha/eu", "alpha/priority", "beta", "beta/flex", "gamma", "delta"]),
        ),
        (
            "tools are preferred, and verbosity beside them where somebody has both",
            Request { needs: [Capability::Tools].into_iter().collect(), parameters: &["verbosity"], ..Request::default() },
            &[("alpha", "drawn"), ("alpha/eu", "price"), ("gamma", "price"), ("delta", "price")],
            and_tiers!("capability_preferred", "request", ["beta"]),
        ),
        (
            "verbosity is preferred",
            Request { parameters: &["verbosity"], ..Request::default() },
            &[("beta", "drawn")],
            and_tiers!("capability_preferred", "request", ["alpha", "alpha/eu", "gamma", "delta"]),
        ),
        (
            "several rules: the first one that speaks is told",
            preferring(|p| {
                p.zdr = true;
                p.deny_data_collection = true;
                p.max_price.prompt = usd(1);
            }),
            &[("alpha", "drawn")],
            &[
                ("alpha/eu", "max_price", "request.provider.max_price"),
                ("alpha/priority", "max_price", "request.provider.max_price"),
                ("beta", "zdr_required", "request.provider.zdr"),
                ("beta/flex", "zdr_required", "request.provider.zdr"),
                ("gamma", "zdr_required", "request.provider.zdr"),
                ("delta", "data_collection", "request.provider.data_collection"),
            ],
        ),
    ]);
}

#[test]
fn what_restricts_from_outside_is_asked_beside_the_request_and_told_first() {
    check(vec![
        (
            "an area by the host name",
            under(Source::Host, |p| p.area = Some(Area::Eu)),
            &[("alpha/eu", "drawn"), ("delta", "price")],
            and_tiers!("region", "host", ["alpha", "alpha/priority", "beta", "beta/flex", "gamma"]),
        ),
        (
            "a base slug means the tiers, too",
            Request { tier: Some(ServiceTier::Priority), ..under(Source::Workspace, |p| p.ignore = texts(&["alpha"])) },
            &[("beta", "drawn"), ("gamma", "price"), ("delta", "price")],
            and_tiers!("provider_not_allowed", "workspace", ["alpha", "alpha/eu", "alpha/priority"]),
        ),
        (
            "only of a policy is no wish for a tier, and the request's order none to loosen it",
            Request {
                preferences: Preferences { order: texts(&["beta"]), ..Preferences::default() },
                ..under(Source::Account, |p| p.only = texts(&["alpha/priority", "alpha/eu"]))
            },
            &[("alpha/eu", "drawn")],
            and_tiers!("provider_not_allowed", "account", ["alpha", "beta", "beta/flex", "gamma", "delta"]),
        ),
        (
            "both say the same: the one that the caller can not change is told",
            Request { preferences: Preferences { zdr: true, ..Preferences::default() }, ..under(Source::Guardrail, |p| p.zdr = true) },
            &[("alpha", "drawn"), ("alpha/eu", "price"), ("delta", "price")],
            and_tiers!("zdr_required", "guardrail", ["beta", "beta/flex", "gamma"]),
        ),
        (
            "a name that nobody has allows nothing",
            under(Source::Workspace, |p| p.only = texts(&["nobody"])),
            &[],
            and_tiers!("provider_not_allowed", "workspace", ["alpha", "alpha/eu", "alpha/priority", "beta", "beta/flex", "gamma", "delta"]),
        ),
    ]);
}

#[test]
fn service_tiers_serve_who_asks_for_them() {
    let tier = |tier| Request { tier: Some(tier), ..Request::default() };
    check(vec![
        (
            "priority goes first, the others follow",
            tier(ServiceTier::Priority),
            &[
                ("alpha/priority", "drawn"),
                ("alpha", "price"),
                ("alpha/eu", "price"),
                ("beta", "price"),
                ("gamma", "price"),
                ("delta", "price"),
            ],
            &[],
        ),
        (
            "flex does not go up",
            tier(ServiceTier::Flex),
            &[("beta/flex", "drawn")],
            and_tiers!("service_tier", "request.service_tier", ["alpha", "alpha/eu", "beta", "gamma", "delta"]),
        ),
        (
            "flex where it is not allowed",
            Request { preferences: Preferences { zdr: true, ..Preferences::default() }, ..tier(ServiceTier::Flex) },
            &[],
            &[
                ("alpha", "service_tier", "request.service_tier"),
                ("alpha/eu", "service_tier", "request.service_tier"),
                ("delta", "service_tier", "request.service_tier"),
                ("beta", "zdr_required", "request.provider.zdr"),
                ("beta/flex", "zdr_required", "request.provider.zdr"),
                ("gamma", "zdr_required", "request.provider.zdr"),
            ],
        ),
        (
            "a base slug means the tier that the request asks for",
            Request { preferences: Preferences { only: texts(&["alpha"]), ..Preferences::default() }, ..tier(ServiceTier::Priority) },
            &[("alpha/priority", "drawn"), ("alpha", "price"), ("alpha/eu", "price")],
            and_tiers!("provider_not_allowed", "request.provider.only", ["beta", "beta/flex", "gamma", "delta"]),
        ),
        (
            "named in full by order",
            preferring(|p| p.order = texts(&["beta/flex"])),
            &[("beta/flex", "named"), ("alpha", "drawn"), ("alpha/eu", "price"), ("beta", "price"), ("gamma", "price"), ("delta", "price")],
            &[],
        ),
        (
            "a variant admits its tier among the others",
            Request { variant: Some(Variant::Floor), ..Request::default() },
            &[("alpha", "price"), ("beta/flex", "price"), ("alpha/eu", "price"), ("beta", "price"), ("gamma", "price"), ("delta", "price")],
            &[],
        ),
        (
            "nitro: priority is admitted, and the fastest goes first",
            Request { variant: Some(Variant::Nitro), ..Request::default() },
            &[
                ("alpha/priority", "throughput"),
                ("delta", "throughput"),
                ("alpha/eu", "throughput"),
                ("beta", "throughput"),
                ("alpha", "throughput"),
                ("gamma", "throughput"),
            ],
            &[],
        ),
    ]);
}

#[test]
fn what_orders_puts_endpoints_in_their_places() {
    let sorted = |by| preferring(|p| p.sort = sort(by));
    check(vec![
        (
            "price",
            sorted(SortBy::Price),
            &[("alpha", "price"), ("alpha/eu", "price"), ("beta", "price"), ("gamma", "price"), ("delta", "price")],
            &[],
        ),
        (
            "throughput, the unknown last",
            sorted(SortBy::Throughput),
            &[
                ("delta", "throughput"),
                ("alpha/eu", "throughput"),
                ("beta", "throughput"),
                ("alpha", "throughput"),
                ("gamma", "throughput"),
            ],
            &[],
        ),
        (
            "latency",
            sorted(SortBy::Latency),
            &[("beta", "latency"), ("alpha/eu", "latency"), ("alpha", "latency"), ("delta", "latency"), ("gamma", "latency")],
            &[],
        ),
        (
            "exacto: the fewest bad tool calls, then the fastest, the unknown behind",
            sorted(SortBy::Exacto),
            &[("delta", "exacto"), ("beta", "exacto"), ("alpha", "exacto"), ("alpha/eu", "exacto"), ("gamma", "exacto")],
            &[],
        ),
        (
            "a variant wins over the request's sort",
            Request { variant: Some(Variant::Exacto), ..sorted(SortBy::Price) },
            &[("delta", "exacto"), ("beta", "exacto"), ("alpha", "exacto"), ("alpha/eu", "exacto"), ("gamma", "exacto")],
            &[],
        ),
        (
            "a sort is among what works",
            Request { failed: &["beta"], ..sorted(SortBy::Latency) },
            &[("alpha/eu", "latency"), ("alpha", "latency"), ("delta", "latency"), ("gamma", "latency"), ("beta", "unhealthy")],
            &[],
        ),
        (
            "a threshold moves what misses it behind, and keeps what is unknown",
            preferring(|p| p.preferred_min_throughput = p50(90.0)),
            &[("alpha/eu", "drawn"), ("gamma", "price"), ("delta", "price"), ("alpha", "misses"), ("beta", "misses")],
            &[],
        ),
        (
            "a threshold that all miss is the reason of all",
            preferring(|p| (p.preferred_min_throughput, p.only) = (p50(1000.0), texts(&["alpha", "beta"]))),
            &[("alpha", "misses"), ("alpha/eu", "misses"), ("beta", "misses")],
            and_tiers!("provider_not_allowed", "request.provider.only", ["alpha/priority", "beta/flex", "gamma", "delta"]),
        ),
        ("no throughput misses zero", preferring(|p| p.preferred_min_throughput = p50(0.0)), ALL, &[]),
        (
            "every latency that is known misses zero",
            preferring(|p| p.preferred_max_latency = p50(0.0)),
            &[("gamma", "drawn"), ("alpha", "misses"), ("alpha/eu", "misses"), ("beta", "misses"), ("delta", "misses")],
            &[],
        ),
        (
            "two thresholds and a failure",
            Request {
                failed: &["beta"],
                ..preferring(|p| {
                    p.preferred_max_latency = p50(1.0);
                    p.preferred_min_throughput = p50(60.0);
                })
            },
            &[("alpha/eu", "drawn"), ("gamma", "price"), ("alpha", "misses"), ("delta", "misses"), ("beta", "unhealthy")],
            &[],
        ),
        (
            "a percentile that is not known is not missed",
            preferring(|p| p.preferred_max_latency = Some(Percentiles { p99: Some(0.1), ..Percentiles::default() })),
            ALL,
            &[],
        ),
        (
            "sticky goes first, the others are balanced",
            Request { sticky: Some("delta"), ..Request::default() },
            &[("delta", "sticky"), ("alpha", "drawn"), ("alpha/eu", "price"), ("beta", "price"), ("gamma", "price")],
            &[],
        ),
        (
            "sticky before a sort",
            Request { sticky: Some("gamma"), ..sorted(SortBy::Latency) },
            &[("gamma", "sticky"), ("beta", "latency"), ("alpha/eu", "latency"), ("alpha", "latency"), ("delta", "latency")],
            &[],
        ),
        (
            "sticky that failed recently",
            Request { sticky: Some("beta"), failed: &["beta"], ..Request::default() },
            &[("alpha", "drawn"), ("alpha/eu", "price"), ("gamma", "price"), ("delta", "price"), ("beta", "unhealthy")],
            &[],
        ),
        (
            "sticky that is out",
            Request { sticky: Some("beta"), ..preferring(|p| p.ignore = texts(&["beta"])) },
            &[("alpha", "drawn"), ("alpha/eu", "price"), ("gamma", "price"), ("delta", "price")],
            and_tiers!("provider_not_allowed", "request.provider.ignore", ["beta", "beta/flex"]),
        ),
        (
            "order is stronger than sticky",
            Request { sticky: Some("beta"), ..preferring(|p| p.order = texts(&["delta"])) },
            &[("delta", "named"), ("alpha", "drawn"), ("alpha/eu", "price"), ("beta", "price"), ("gamma", "price")],
            &[],
        ),
        (
            "sticky without fallbacks is the only one",
            Request { sticky: Some("delta"), ..preferring(|p| p.allow_fallbacks = false) },
            &[("delta", "sticky")],
            and_tiers!("fallback_not_allowed", "request.provider.allow_fallbacks", ["alpha", "alpha/eu", "beta", "gamma"]),
        ),
        (
            "order with a sort: what it does not name is sorted",
            preferring(|p| {
                p.order = texts(&["gamma", "Alpha Cloud"]);
                p.sort = sort(SortBy::Throughput);
            }),
            &[("gamma", "named"), ("alpha/eu", "named"), ("alpha", "named"), ("delta", "throughput"), ("beta", "throughput")],
            &[],
        ),
    ]);
}

#[test]
fn a_partition_of_none_sorts_the_endpoints_of_all_models_together() {
    let catalog = routed::catalog();
    let health = routed::health(&catalog);
    let bindings = Bindings::new(&catalog, |_, _| Bind::Real);
    let models = slugs(&["t/other", routed::MODEL]);
    let of = |partition, variants: &[Option<Variant>]| {
        let preferences = Preferences { sort: Some(Sort { by: SortBy::Price, partition }), ..Preferences::default() };
        let made = plan(&catalog, &bindings, &Ask { variants, ..Ask::new(&models, &preferences) }, &health);
        made.unwrap().attempts.iter().map(|c| c.requested).collect::<Vec<_>>()
    };
    // t/other costs 2 at beta, as t/m does at alpha/eu.
    assert_eq!(of(Partition::None, &[]), [1, 0, 1, 1, 1, 1]);
    assert_eq!(of(Partition::Model, &[]), [0, 1, 1, 1, 1, 1]);
    assert_eq!(of(Partition::None, &[None, Some(Variant::Floor)]), [0, 1, 1, 1, 1, 1, 1], "a variant sorts its own model");
}

#[test]
fn who_names_nobody_or_contradicts_himself_is_told_which_field() {
    let order = |order: &[&str], allow_fallbacks| Preferences { order: texts(order), allow_fallbacks, ..Preferences::default() };
    // the preferences, the field, what the message says
    let cases = [
        (Preferences { only: texts(&["alpha", "opanai"]), ..Preferences::default() }, "provider.only", "opanai. Did you mean openai"),
        (order(&["grok-cloud-7"], true), "provider.order", "no provider is called grok-cloud-7"),
        (order(&["nobody/at-all"], true), "provider.order", "no provider is called nobody/at-all"),
        (
            Preferences { only: texts(&["alpha"]), ignore: texts(&["ALPHA CLOUD"]), ..Preferences::default() },
            "provider.only",
            "provider.only and provider.ignore contradict each other: of alpha nothing can remain",
        ),
        (
            Preferences { only: texts(&["alpha/eu", "groq"]), ignore: texts(&["alpha", "groq", "beta"]), ..Preferences::default() },
            "provider.only",
            "provider.only and provider.ignore contradict",
        ),
        (
            Preferences { ignore: texts(&["delta"]), ..order(&["delta"], false) },
            "provider.order",
            "provider.order and provider.ignore contradict",
        ),
        (
            Preferences { only: texts(&["alpha"]), ..order(&["beta", "gamma"], false) },
            "provider.order",
            "provider.order and provider.only contradict",
        ),
    ];
    for (preferences, field, words) in cases {
        let (_, made, message) = Request { preferences: preferences.clone(), ..Request::default() }.plan();
        let none = made.unwrap_err();
        assert_eq!((none.field(), none.http_status()), (Some(field), 400), "{preferences:?}");
        assert!(message.contains(words), "{message}");
    }
    // With fallbacks these are wishes that can be kept.
    let kept = [
        Preferences { ignore: texts(&["delta"]), ..order(&["delta"], true) },
        Preferences { only: texts(&["alpha"]), ..order(&["beta"], true) },
        Preferences { only: texts(&["alpha", "beta"]), ignore: texts(&["alpha"]), ..Preferences::default() },
    ];
    for preferences in kept {
        assert!(Request { preferences: preferences.clone(), ..Request::default() }.plan().1.is_ok(), "{preferences:?}");
    }
}

#[test]
fn names_by_which_clients_know_a_provider_are_understood() {
    let mut catalog = portolan_catalog::Catalog::builtin();
    catalog.endpoints.iter_mut().for_each(|endpoint| endpoint.callable = Ok(()));
    let models = slugs(&["anthropic/claude-haiku-4.5"]);
    let bindings = Bindings::new(&catalog, |_, _| Bind::Real);
    for name in ["amazon-bedrock", "aws-bedrock", "AWS-Bedrock", "bedrock", "Amazon Bedrock"] {
        let preferences = Preferences { only: texts(&[name]), ..Preferences::default() };
        let made = plan(&catalog, &bindings, &Ask::new(&models, &preferences), &Marks::default());
        let tags = tags(&catalog, &made);
        assert!(!tags.is_empty() && tags.iter().all(|tag| tag.split('/').next() == Some("amazon-bedrock")), "{name}: {tags:?}");
    }
}

#[test]
fn an_empty_choice_says_which_rules_emptied_it_and_where_they_come_from() {
    let mut guardrail = Policy { id: Some("g-7".to_owned()), ..Policy::new(Source::Guardrail) };
    guardrail.deny_data_collection = true;
    let mut request = Request { policies: vec![guardrail], ..preferring(|p| p.zdr = true) };
    request.preferences.max_price.prompt = usd(0);
    let (catalog, made, message) = request.plan();
    let none = made.unwrap_err();
    let models = slugs(&[routed::MODEL]);
    let ask = Ask { policies: &request.policies, ..Ask::new(&models, &request.preferences) };
    assert_eq!(
        serde_json::to_value(none.excluded_by(&ask)).unwrap(),
        serde_json::json!({
            "zdr_required": { "endpoints": 3, "sources": ["request.provider.zdr"] },
            "data_collection": { "endpoints": 1, "sources": ["guardrail:g-7"] },
            "max_price": { "endpoints": 3, "sources": ["request.provider.max_price"] },
        })
    );
    assert_eq!((none.http_status(), none.field()), (404, None));
    assert_eq!(
        message,
        "No endpoints found for t/m: of the endpoints that remain after provider.zdr and the guardrail:g-7, none costs as little as \
         max_price allows (alpha: it costs 1 USD per prompt token, at most 0 is allowed). Raise provider.max_price. \
         Excluded by zdr_required (request.provider.zdr: 3), data_collection (guardrail:g-7: 1), max_price \
         (request.provider.max_price: 3)."
    );
    let views = portolan_routing::explain(&catalog, &ask, &[], none.rejected());
    let delta = views.iter().find(|view| view.tag == "delta").unwrap();
    assert_eq!((delta.source.as_deref(), delta.detail.as_deref()), (Some("guardrail:g-7"), Some("it may publish prompts")));
}

#[test]
fn an_explanation_names_entries_of_ignore_that_nobody_has_and_the_speed_that_decided() {
    let catalog = routed::catalog();
    let models = slugs(&[routed::MODEL]);
    let preferences = Preferences { ignore: texts(&["opanai"]), sort: sort(SortBy::Throughput), ..Preferences::default() };
    let ask = Ask::new(&models, &preferences);
    assert_eq!(portolan_routing::notes(&catalog, &ask), ["provider.ignore: no provider is called opanai"]);
    let made = plan(&catalog, &Bindings::new(&catalog, |_, _| Bind::Real), &ask, &routed::health(&catalog)).unwrap();
    let views = serde_json::to_value(portolan_routing::explain(&catalog, &ask, &made.attempts, &made.rejected)).unwrap();
    assert_eq!((&views[0]["tag"], &views[0]["order_reason"]), (&"delta".into(), &"throughput".into()));
    let score = serde_json::json!({
        "price": "6", "weight": 0.0, "health": "ok", "sticky": false, "throughput": 200.0, "latency": 3.0, "tool_error_rate": 0.1
    });
    assert_eq!(views[0]["score"], score);
}

#[test]
fn routing_variants_come_off_the_name_and_the_last_one_counts() {
    let catalog = routed::catalog();
    let cases = [
        ("t/m", "t/m", None),
        ("t/m:nitro", "t/m", Some(Variant::Nitro)),
        ("t/m:nitro:free", "t/m:free", Some(Variant::Nitro)),
        ("t/m:free:floor", "t/m:free", Some(Variant::Floor)),
        ("t/m:floor:exacto:nitro", "t/m", Some(Variant::Nitro)),
        ("t/m:online", "t/m:online", None),
        ("simulator/sim-c2:nitro", "simulator/sim-c2", Some(Variant::Nitro)),
    ];
    for (name, slug, variant) in cases {
        assert_eq!(Variant::split(&catalog, name), (slug.into(), variant), "{name}");
    }
}

#[test]
fn health_removes_nothing() {
    let failed: &[&str] = &["alpha", "alpha/eu", "beta", "gamma", "delta"];
    let (catalog, made, _) = Request { failed, ..Request::default() }.plan();
    assert_eq!(tags(&catalog, &made), BY_PRICE);
}

#[test]
fn a_provider_that_openrouter_has_and_the_catalog_has_not_is_no_typing_error() {
    let catalog = routed::catalog();
    let models = slugs(&[routed::MODEL]);
    let bindings = Bindings::new(&catalog, |_, _| Bind::Real);
    for name in ["WandB", "Thinking Machines", "inferact-vllm", "wandb/fp8"] {
        let preferences = Preferences { order: texts(&[name, "beta"]), ignore: texts(&[name]), ..Preferences::default() };
        let ask = Ask::new(&models, &preferences);
        let made = plan(&catalog, &bindings, &ask, &routed::health(&catalog));
        assert_eq!(tags(&catalog, &made).first().map(String::as_str), Some("beta"), "{name}");
        let notes = ["order", "ignore"].map(|field| format!("provider.{field}: {name} serves nothing here"));
        assert_eq!(portolan_routing::notes(&catalog, &ask), notes);
        let preferences = Preferences { only: texts(&[name]), ..Preferences::default() };
        let ask = Ask::new(&models, &preferences);
        let none = plan(&catalog, &bindings, &ask, &routed::health(&catalog)).unwrap_err();
        let message = none.message(&catalog, &ask);
        assert!(none.http_status() == 404 && message.contains(&format!("({name} serves nothing here)")), "{message}");
    }
}

#[test]
fn a_plan_probes_the_first_endpoint_that_is_due_and_no_other() {
    let catalog = routed::catalog();
    let models = slugs(&[routed::MODEL]);
    let cheapest = Preferences { sort: sort(SortBy::Price), ..Preferences::default() };
    let named = Preferences { order: texts(&["beta"]), ..cheapest.clone() };
    // the preferences, who is due, the order, who is probed, who is held back
    let cases: [(_, &[_], _, _, &[&str]); 4] = [
        (&cheapest, &["alpha/eu", "alpha", "beta"], ["alpha", "gamma", "delta", "alpha/eu", "beta"], "alpha", &["alpha/eu", "beta"]),
        (&cheapest, &["gamma", "delta"], ["alpha", "alpha/eu", "beta", "gamma", "delta"], "gamma", &["delta"]),
        (&cheapest, &["delta"], ["alpha", "alpha/eu", "beta", "gamma", "delta"], "delta", &[]),
        (&named, &["alpha", "beta"], ["beta", "alpha/eu", "gamma", "delta", "alpha"], "beta", &["alpha"]),
    ];
    for (preferences, due, order, probed, held_back) in cases {
        let due = due.iter().map(|tag| at(&catalog, routed::MODEL, tag)).collect();
        let health = Marks { due, ..routed::health(&catalog) };
        let made = plan(&catalog, &Bindings::new(&catalog, |_, _| Bind::Real), &Ask::new(&models, preferences), &health);
        assert_eq!(tags(&catalog, &made), order);
        let attempts = made.unwrap().attempts;
        let of = |is: fn(&Choice) -> bool| -> Vec<&str> {
            attempts.iter().filter(|choice| is(choice)).map(|choice| catalog.endpoint(choice.endpoint).tag.as_str()).collect()
        };
        assert_eq!((of(|choice| choice.probes), of(|choice| choice.failed_recently)), (vec![probed], held_back.to_vec()));
    }
}

#[test]
fn what_misses_a_threshold_goes_behind_the_other_models_too() {
    let catalog = routed::catalog();
    let models = slugs(&[routed::MODEL, "t/other"]);
    let bindings = Bindings::new(&catalog, |_, _| Bind::Real);
    let of = |failed: &[&str], set: &dyn Fn(&mut Preferences)| {
        let mut preferences = Preferences { only: texts(&["alpha", "beta"]), sort: sort(SortBy::Price), ..Preferences::default() };
        set(&mut preferences);
        let failed = failed.iter().map(|tag| at(&catalog, routed::MODEL, tag)).collect();
        let health = Marks { failed, ..routed::health(&catalog) };
        let attempts = plan(&catalog, &bindings, &Ask::new(&models, &preferences), &health).unwrap().attempts;
        attempts.iter().map(|choice| (choice.requested, catalog.endpoint(choice.endpoint).tag.clone())).collect::<Vec<_>>()
    };
    let order = |all: &[(u16, &str)]| all.iter().map(|(model, tag)| (*model, (*tag).to_owned())).collect::<Vec<_>>();
    assert_eq!(of(&[], &|_| ()), order(&[(0, "alpha"), (0, "alpha/eu"), (0, "beta"), (1, "beta")]));
    assert_eq!(
        of(&[], &|p| p.preferred_min_throughput = p50(1000.0)),
        order(&[(1, "beta"), (0, "alpha"), (0, "alpha/eu"), (0, "beta")]),
        "all of the first model"
    );
    assert_eq!(
        of(&["alpha"], &|p| p.preferred_min_throughput = p50(90.0)),
        order(&[(0, "alpha/eu"), (1, "beta"), (0, "beta"), (0, "alpha")]),
        "what failed stays behind what is slow"
    );
    assert_eq!(
        of(&[], &|p| (p.preferred_min_throughput, p.order) = (p50(1000.0), texts(&["beta"]))),
        order(&[(0, "beta"), (1, "beta"), (0, "alpha"), (0, "alpha/eu")]),
        "what is named stays"
    );
}

#[test]
fn an_entry_is_told_to_others_by_its_slug() {
    let catalog = routed::catalog();
    let cases = [
        ("Alpha Cloud", "alpha"),
        ("ALPHA/EU", "alpha/EU"),
        ("aws-bedrock", "amazon-bedrock"),
        ("togetherai/fp8", "together/fp8"),
        ("Together AI", "together"),
        ("together_ai", "together"),
        // No other name of Together: a tag of it.
        ("together/ai", "together/ai"),
        ("Google Vertex/us-east5", "google-vertex/us-east5"),
        ("mistral ai", "mistral"),
        ("io.net", "io-net"),
        ("SpaceXAI", "xai"),
        ("novita-ai", "novita"),
        ("---", "---"),
        ("Nobody/x", "Nobody/x"),
    ];
    for (text, slug) in cases {
        assert_eq!(portolan_routing::canonical(&catalog, text), slug);
    }
}

#[test]
fn a_full_slug_that_no_requested_endpoint_has_is_told_with_the_nearest() {
    let catalog = routed::catalog();
    let models = slugs(&[routed::MODEL]);
    let notes = |order: &[&str], ignore: &[&str]| {
        let preferences = Preferences { order: texts(order), ignore: texts(ignore), ..Preferences::default() };
        portolan_routing::notes(&catalog, &Ask::new(&models, &preferences))
    };
    let near = "no endpoint of the requested models is called alpha/prioritty. Did you mean alpha/priority?";
    let none = "no endpoint of the requested models is called BETA/x";
    assert_eq!(notes(&["alpha/prioritty"], &["BETA/x"]), [format!("provider.order: {near}"), format!("provider.ignore: {none}")]);
    let known = ["alpha", "Alpha Cloud/EU", "beta/flex"];
    assert_eq!(notes(&known, &known), [""; 0]);
    let request = preferring(|p| p.only = texts(&["alpha/prioritty"]));
    let (_, made, message) = request.plan();
    assert!(made.is_err() && message.ends_with(&format!("permits only: alpha/prioritty ({near}).")), "{message}");
}
