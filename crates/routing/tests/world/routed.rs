//! A model whose endpoints differ in everything that preferences ask for.

use std::sync::Arc;

use portolan_catalog::{Catalog, DataPolicy, Endpoint, EndpointIx};
use portolan_core::{Area, Capability, Meter, Percentiles, Price, PriceCard, Quantization, Rates, ServiceTier};
use portolan_routing::Stats;

use super::{Marks, at};

/// The model.
pub(crate) const MODEL: &str = "t/m";

/// Prices in dollars per prompt token; an output token costs the same.
pub(crate) struct Row {
    pub(crate) tag: &'static str,
    price: u64,
    quantization: Quantization,
    training: Option<bool>,
    can_publish: Option<bool>,
    zdr: bool,
    area: Option<Area>,
    tier: Option<ServiceTier>,
    parameters: &'static [&'static str],
    /// Throughput, latency and tool error rate, where known.
    stats: Option<(f64, f64, Option<f64>)>,
}

const ROW: Row = Row {
    tag: "",
    price: 1,
    quantization: Quantization::Fp8,
    training: Some(false),
    can_publish: None,
    zdr: true,
    area: None,
    tier: None,
    parameters: &["max_tokens", "temperature", "tools"],
    stats: None,
};

pub(crate) const ROWS: &[Row] = &[
    Row { tag: "alpha", price: 1, stats: Some((50.0, 2.0, Some(0.2))), ..ROW },
    Row { tag: "alpha/eu", price: 2, area: Some(Area::Eu), stats: Some((100.0, 1.0, None)), ..ROW },
    Row { tag: "alpha/priority", price: 4, tier: Some(ServiceTier::Priority), stats: Some((300.0, 0.2, None)), ..ROW },
    Row {
        tag: "beta",
        price: 3,
        quantization: Quantization::NvFp4,
        training: Some(true),
        zdr: false,
        area: Some(Area::Us),
        parameters: &["max_tokens", "temperature", "verbosity"],
        stats: Some((80.0, 0.5, Some(0.1))),
        ..ROW
    },
    Row { tag: "beta/flex", price: 1, training: Some(true), zdr: false, area: Some(Area::Us), tier: Some(ServiceTier::Flex), ..ROW },
    Row { tag: "gamma", price: 5, quantization: Quantization::Unknown, training: None, zdr: false, parameters: &["seed", "tools"], ..ROW },
    Row {
        tag: "delta",
        price: 6,
        quantization: Quantization::Bf16,
        can_publish: Some(true),
        area: Some(Area::Eu),
        stats: Some((200.0, 3.0, Some(0.1))),
        ..ROW
    },
];

/// The tags of the ordinary endpoints, the cheapest first.
pub(crate) const BY_PRICE: &[&str] = &["alpha", "alpha/eu", "beta", "gamma", "delta"];

pub(crate) fn catalog() -> Catalog {
    let mut catalog = super::catalog();
    for row in ROWS {
        let provider = row.tag.split('/').next().unwrap();
        let base = at(&catalog, MODEL, provider);
        let ix = if row.tag == provider { base } else { copy(&mut catalog, base, row.tag) };
        describe(&mut catalog.endpoints[ix.0 as usize], row);
    }
    catalog
}

/// Adds another endpoint of the same model and provider.
pub(crate) fn copy(catalog: &mut Catalog, of: EndpointIx, tag: &str) -> EndpointIx {
    let ix = EndpointIx(u32::try_from(catalog.endpoints.len()).unwrap());
    let endpoint = Endpoint { ix, tag: tag.to_owned(), ..catalog.endpoint(of).clone() };
    catalog.models[endpoint.model.0 as usize].endpoints.push(ix);
    catalog.endpoints.push(endpoint);
    ix
}

fn describe(endpoint: &mut Endpoint, row: &Row) {
    let price = Price(row.price * 1_000_000_000_000);
    endpoint.prices = Arc::new(PriceCard::new(Rates::default().with(Meter::Input, price).with(Meter::Output, price), Vec::new()));
    endpoint.quantization = row.quantization;
    endpoint.policy = DataPolicy { training: row.training, can_publish: row.can_publish, ..DataPolicy::default() };
    endpoint.zdr = row.zdr;
    endpoint.area = row.area;
    endpoint.service_tier = row.tier;
    endpoint.parameters = row.parameters.iter().collect();
    endpoint.capabilities = row.parameters.contains(&"tools").then_some(Capability::Tools).into_iter().collect();
    (endpoint.context_length, endpoint.max_output) = (1_000, 500);
}

/// What is known of their speed.
pub(crate) fn health(catalog: &Catalog) -> Marks {
    let percentiles = |p50: f64| Some(Percentiles { p50: Some(p50), ..Percentiles::default() });
    let of = |row: &Row| {
        let (throughput, latency, tool_error_rate) = row.stats?;
        let stats = Stats { throughput: percentiles(throughput), latency: percentiles(latency), tool_error_rate };
        Some((at(catalog, MODEL, row.tag), stats))
    };
    Marks { stats: ROWS.iter().filter_map(of).collect(), ..Marks::default() }
}
