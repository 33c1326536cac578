//! How a caller wants a request to be routed: OpenRouter's `provider` object, read once and kept as it was meant.
//!
//! Source: OpenRouter's documentation of provider routing. Unstated is the default, and the default is not written.

use serde::{Deserialize, Serialize};

use crate::Price;

crate::words! {
    /// The precision of an endpoint's weights.
    pub enum Quantization {
        /// 4-bit integers.
        Int4 = "int4",
        /// 8-bit integers.
        Int8 = "int8",
        /// 4-bit floats of any kind.
        Fp4 = "fp4",
        /// 4-bit floats, microscaled.
        MxFp4 = "mxfp4",
        /// 4-bit floats, NVIDIA's.
        NvFp4 = "nvfp4",
        /// 6-bit floats.
        Fp6 = "fp6",
        /// 8-bit floats of any kind.
        Fp8 = "fp8",
        /// 8-bit floats, microscaled.
        MxFp8 = "mxfp8",
        /// 16-bit floats.
        Fp16 = "fp16",
        /// 16-bit floats with the range of 32.
        Bf16 = "bf16",
        /// 32-bit floats.
        Fp32 = "fp32",
        /// Not published.
        Unknown = "unknown",
    }
}

impl Quantization {
    /// Whether a caller who takes `self` takes `other`: `fp4` means every 4-bit float, `fp8` every 8-bit one.
    #[must_use]
    pub fn covers(self, other: Quantization) -> bool {
        use Quantization::{Fp4, Fp8, MxFp4, MxFp8, NvFp4};
        self == other || matches!((self, other), (Fp4, MxFp4 | NvFp4) | (Fp8, MxFp8))
    }
}

crate::words! {
    /// What endpoints are sorted by.
    pub enum SortBy {
        /// The cheapest first.
        Price = "price",
        /// The most tokens per second first.
        Throughput = "throughput",
        /// The shortest time to the first token first.
        Latency = "latency",
        /// The best at calling tools first.
        Exacto = "exacto",
    }

    /// What is sorted together.
    pub enum Partition {
        /// The endpoints of each requested model by themselves; models keep their order.
        Model = "model",
        /// The endpoints of all requested models together.
        None = "none",
    }

    /// A part of the world whose borders a request must not leave.
    pub enum Area {
        /// The European Union.
        Eu = "eu",
        /// The United States.
        Us = "us",
    }

    /// A class of service, with its own endpoints and prices.
    pub enum ServiceTier {
        /// Slower and cheaper.
        Flex = "flex",
        /// Faster and dearer.
        Priority = "priority",
    }
}

/// `provider.sort`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sort {
    /// By what.
    pub by: SortBy,
    /// What together.
    pub partition: Partition,
}

/// Thresholds at percentiles; all that are stated must hold.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Percentiles {
    /// The median.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50: Option<f64>,
    /// The 75th.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p75: Option<f64>,
    /// The 90th.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p90: Option<f64>,
    /// The 99th.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99: Option<f64>,
}

/// `provider.max_price`: the dearest that the caller takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MaxPrice {
    /// Per prompt token (requests state USD per million).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<Price>,
    /// Per output token (requests state USD per million).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion: Option<Price>,
    /// Per request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Price>,
    /// Per image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<Price>,
    /// Per unit of audio.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio: Option<Price>,
}

impl MaxPrice {
    /// Whether nothing is bounded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// OpenRouter's `provider` object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Preferences {
    /// Try these first, in this order. Slugs, slugs with a region or tier, display names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub order: Vec<String>,
    /// Only these. Empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// Not these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<String>,
    /// Whether others than the first choice, or than those named in `order`, may serve.
    #[serde(skip_serializing_if = "is_true")]
    pub allow_fallbacks: bool,
    /// Only endpoints that take every parameter of the request.
    #[serde(skip_serializing_if = "is_false")]
    pub require_parameters: bool,
    /// `data_collection: "deny"`: only endpoints that neither train on prompts nor keep them for other ends.
    #[serde(skip_serializing_if = "is_false")]
    pub deny_data_collection: bool,
    /// Only endpoints with zero data retention.
    #[serde(skip_serializing_if = "is_false")]
    pub zdr: bool,
    /// Only models whose text may be used to train others.
    #[serde(skip_serializing_if = "is_false")]
    pub enforce_distillable_text: bool,
    /// Only these precisions. Empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub quantizations: Vec<Quantization>,
    /// Sorted instead of balanced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort: Option<Sort>,
    /// Tokens per second, over the last five minutes; endpoints that miss it go to the back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_min_throughput: Option<Percentiles>,
    /// Seconds to the first token, over the last five minutes; endpoints that miss it go to the back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_max_latency: Option<Percentiles>,
    /// Only endpoints that cost no more.
    #[serde(skip_serializing_if = "MaxPrice::is_empty")]
    pub max_price: MaxPrice,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            order: Vec::new(),
            only: Vec::new(),
            ignore: Vec::new(),
            allow_fallbacks: true,
            require_parameters: false,
            deny_data_collection: false,
            zdr: false,
            enforce_distillable_text: false,
            quantizations: Vec::new(),
            sort: None,
            preferred_min_throughput: None,
            preferred_max_latency: None,
            max_price: MaxPrice::default(),
        }
    }
}

fn is_true(value: &bool) -> bool {
    *value
}

fn is_false(value: &bool) -> bool {
    !value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_written_as_nothing_and_read_back() {
        let written = serde_json::to_string(&Preferences::default()).unwrap();
        assert_eq!(written, "{}");
        assert_eq!(serde_json::from_str::<Preferences>(&written).unwrap(), Preferences::default());
    }

    #[test]
    fn a_wide_precision_covers_its_kinds() {
        assert!(Quantization::Fp4.covers(Quantization::NvFp4) && Quantization::Fp8.covers(Quantization::MxFp8));
        assert!(!Quantization::NvFp4.covers(Quantization::Fp4) && !Quantization::Fp8.covers(Quantization::Fp4));
    }
}
