//! The orders of a list of models.

use portolan_core::Meter;

use super::endpoint::EndpointStats;
use super::listed::Listed;
use super::pricing::token_price;
use crate::{Catalog, Endpoint, EndpointIx};

portolan_core::words! {
    /// What a list is sorted by, in OpenRouter's names of those that can be served.
    pub enum ModelSort {
        /// The latest first.
        Newest = "newest",
        /// The cheapest first, by the mean of the prices of prompt and output.
        PriceLowToHigh = "pricing-low-to-high",
        /// The dearest first.
        PriceHighToLow = "pricing-high-to-low",
        /// The longest context first.
        ContextHighToLow = "context-high-to-low",
        /// The most tokens per second first, by the median of its fastest endpoint.
        ThroughputHighToLow = "throughput-high-to-low",
        /// The shortest time to the first token first, by the median of its quickest endpoint.
        LatencyLowToHigh = "latency-low-to-high",
    }
}

impl ModelSort {
    /// The key to sort `row` by, the smallest first. What nobody knows of a row puts it last in every order.
    /// `stats` tells what was measured of an endpoint.
    #[must_use]
    pub fn key(self, catalog: &Catalog, row: &Listed<'_>, stats: impl Fn(EndpointIx) -> Option<EndpointStats>) -> (bool, i128) {
        let model = row.model;
        let is_by_token = |e: &&Endpoint| [Meter::Input, Meter::Output].into_iter().all(|meter| token_price(e, meter).is_some());
        let price = || catalog.top_endpoint(model).filter(is_by_token).map(|e| i128::from(e.blended_price().0));
        let measured = || model.endpoints.iter().filter_map(|ix| stats(*ix));
        let key = match self {
            ModelSort::Newest => (model.created != 0).then(|| -i128::from(model.created)),
            ModelSort::PriceLowToHigh => price(),
            ModelSort::PriceHighToLow => price().map(|p| -p),
            ModelSort::ContextHighToLow => Some(-i128::from(model.context_length)),
            ModelSort::ThroughputHighToLow => measured().filter_map(|s| thousandths(s.throughput_30m?.p50?)).max().map(|t| -t),
            ModelSort::LatencyLowToHigh => measured().filter_map(|s| thousandths(s.latency_30m?.p50?)).min(),
        };
        (key.is_none(), key.unwrap_or_default())
    }
}

fn thousandths(value: f64) -> Option<i128> {
    value.is_finite().then_some((value * 1000.0) as i128)
}
