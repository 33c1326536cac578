//! Measures a plan for a model with 20 endpoints: without preferences, with a variant, and with every preference there is.
//!
//! `cargo run --release -p portolan-routing --example plan_speed`
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on fails")]

use std::hint::black_box;
use std::time::Duration;

use portolan_catalog::{Catalog, DataPolicy, Endpoint, EndpointIx, Provider, ProviderIx};
use portolan_core::{Area, MaxPrice, Partition, Percentiles, Preferences, Price, ProviderSlug, Quantization, ServiceTier, Sort, SortBy};
use portolan_routing::{Ask, Bind, Bindings, Health, Policy, Source, Standing, Stats, Variant, plan};

const ENDPOINTS: usize = 20;
const PROVIDERS: usize = 120;
const WORDS: [&str; 7] = ["Arc", "Boreal AI", "Cumulus Cloud", "Fathom", "Grid Inference", "Kestrel", "Meridian Compute"];
const RUNS: u64 = 200_000;
const MODEL: &str = "openai/gpt-oss-120b";

/// Speeds that differ by endpoint.
struct Speeds;

impl Health for Speeds {
    fn standing(&self, endpoint: EndpointIx) -> Standing {
        if endpoint.0.is_multiple_of(7) { Standing::Behind } else { Standing::Well }
    }

    fn probe(&self, _: EndpointIx) -> bool {
        true
    }

    fn stats(&self, endpoint: EndpointIx) -> Stats {
        let n = f64::from(endpoint.0 % 13);
        Stats { throughput: all(20.0 + 10.0 * n), latency: all(0.1 + n), tool_error_rate: Some(n / 100.0) }
    }

    fn strict_barred(&self, _: EndpointIx) -> bool {
        false
    }
}

fn all(value: f64) -> Option<Percentiles> {
    Some(Percentiles { p50: Some(value), p75: Some(value), p90: Some(value), p99: Some(value) })
}

/// The built-in catalog with more providers, and one model at 20 endpoints that pass every filter.
fn catalog() -> Catalog {
    let mut catalog = Catalog::builtin();
    for n in catalog.providers.len()..PROVIDERS {
        let slug = ProviderSlug::parse(&format!("provider-{n}")).unwrap();
        let name = format!("{} {n}", WORDS[n % WORDS.len()]);
        catalog.providers.push(Provider { slug, name, ..catalog.providers[0].clone() });
    }
    let model = catalog.model_ix(MODEL).unwrap().0 as usize;
    catalog.models[model].endpoints.truncate(ENDPOINTS);
    let first = catalog.endpoint(catalog.models[model].endpoints[0]).clone();
    for n in catalog.models[model].endpoints.len()..ENDPOINTS {
        let ix = EndpointIx(u32::try_from(catalog.endpoints.len()).unwrap());
        let provider = ProviderIx(u16::try_from(catalog.providers.len() - 1 - n).unwrap());
        let tag = format!("{}/copy-{n}", catalog.provider(provider).slug);
        catalog.models[model].endpoints.push(ix);
        catalog.endpoints.push(Endpoint { ix, provider, tag, ..first.clone() });
    }
    for ix in catalog.models[model].endpoints.clone() {
        let endpoint = &mut catalog.endpoints[ix.0 as usize];
        (endpoint.zdr, endpoint.area, endpoint.quantization) = (true, Some(Area::Eu), Quantization::MxFp4);
        endpoint.policy = DataPolicy { training: Some(false), ..DataPolicy::default() };
    }
    catalog.models[model].distillable = true;
    catalog
}

/// Every preference, such that all endpoints pass, with every provider by its display name: the most work there is.
fn everything(catalog: &Catalog) -> Preferences {
    let model = catalog.model(MODEL).unwrap();
    let most = Some(Price(1_000_000_000_000));
    Preferences {
        order: vec!["Groq".to_owned(), "openai".to_owned()],
        only: catalog.endpoints_of(model).map(|endpoint| catalog.provider(endpoint.provider).name.clone()).collect(),
        ignore: vec!["nobody".to_owned(), "nobody/else".to_owned()],
        require_parameters: true,
        deny_data_collection: true,
        zdr: true,
        enforce_distillable_text: true,
        quantizations: vec![Quantization::Bf16, Quantization::Fp4],
        sort: Some(Sort { by: SortBy::Throughput, partition: Partition::None }),
        preferred_min_throughput: all(50.0),
        preferred_max_latency: all(5.0),
        max_price: MaxPrice { prompt: most, completion: most, request: most, image: most, audio: most },
        ..Preferences::default()
    }
}

#[expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a measurement takes the time and prints it")]
fn measure(name: &str, catalog: &Catalog, ask: &Ask<'_>) {
    let bindings = Bindings::new(catalog, |_, _| Bind::Real);
    let attempts = plan(catalog, &bindings, ask, &Speeds).unwrap().attempts.len();
    let mut times: Vec<Duration> = Vec::new();
    for seed in 0..RUNS {
        let from = std::time::Instant::now();
        let made = black_box(plan(catalog, &bindings, &Ask { seed, ..*ask }, &Speeds));
        times.push(from.elapsed());
        drop(made);
    }
    times.sort_unstable();
    let at = |thousandths: usize| times[times.len() * thousandths / 1000];
    println!("{name:<30} {attempts} attempts, median {:?}, p99 {:?}, p99.9 {:?}", at(500), at(990), at(999));
}

#[expect(clippy::print_stdout, reason = "a measurement prints what it measures")]
fn main() {
    let catalog = catalog();
    let models = [catalog.model(MODEL).unwrap().slug.clone()];
    let (plain, full) = (Preferences::default(), everything(&catalog));
    let policies = [Policy { area: Some(Area::Eu), zdr: true, only: full.only.clone(), ..Policy::new(Source::Workspace) }];
    println!("{} providers, {ENDPOINTS} endpoints of the model, {RUNS} plans each", catalog.providers.len());
    let ordinary = Ask { input_tokens_max: 1_000, max_output: Some(100), ..Ask::new(&models, &plain) };
    measure("no preferences", &catalog, &ordinary);
    measure("nitro", &catalog, &Ask { variants: &[Some(Variant::Nitro)], ..ordinary });
    let everything = Ask {
        preferences: &full,
        policies: &policies,
        parameters: ["temperature", "max_tokens"].into_iter().collect(),
        service_tier: Some(ServiceTier::Priority),
        ..ordinary
    };
    measure("all preferences and a policy", &catalog, &everything);
}
