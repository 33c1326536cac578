//! Prices as decimal text per unit, and which of them can be compared by the token.

use portolan_core::{Meter, Price, Rates, Task};
use serde_json::{Map, Value};

use crate::{Endpoint, NotCallable};

/// OpenRouter's names of our meters. `prompt` and `completion` stand apart, for they are always shown.
const NAMES: &[(&str, Meter)] = &[
    ("input_cache_read", Meter::CacheRead),
    ("input_cache_write", Meter::CacheWrite5m),
    ("input_cache_write_1h", Meter::CacheWrite1h),
    ("internal_reasoning", Meter::Reasoning),
    ("audio", Meter::InputAudio),
    ("audio_output", Meter::OutputAudio),
    ("image_token", Meter::InputImage),
    ("image_output", Meter::OutputImage),
    ("request", Meter::Request),
    ("web_search", Meter::Search),
];

/// What OpenRouter shows where no price can be told; a client that multiplies with it sees at once that something is off.
const UNKNOWN: &str = "-1";

/// The prices of an endpoint; `None` and an unknown price look the same.
pub(super) fn pricing(endpoint: Option<&Endpoint>) -> Value {
    let Some(endpoint) = endpoint.filter(|e| e.callable != Err(NotCallable::PriceUnknown)) else {
        return serde_json::json!({ "prompt": UNKNOWN, "completion": UNKNOWN });
    };
    let mut row = list(&endpoint.prices.base, None);
    if let Some(price) = endpoint.audio_cache_read {
        row.insert("input_audio_cache".to_owned(), price.to_string().into());
    }
    let overrides: Vec<Value> = endpoint
        .prices
        .tiers
        .iter()
        .map(|tier| {
            let mut row = list(&tier.rates, Some(&endpoint.prices.base));
            row.insert("min_prompt_tokens".to_owned(), tier.above_prompt_tokens.into());
            Value::Object(row)
        })
        .collect();
    if !overrides.is_empty() {
        row.insert("overrides".to_owned(), Value::Array(overrides));
    }
    Value::Object(row)
}

/// What a token of this meter costs, where tokens are what is sold. A zero in a row of what is sold by other units (images, seconds,
/// searches, requests) is OpenRouter's way to say that, and no gift.
pub(super) fn token_price(endpoint: &Endpoint, meter: Meter) -> Option<Price> {
    if endpoint.callable == Err(NotCallable::PriceUnknown) {
        return None;
    }
    let price = endpoint.prices.base.effective(meter);
    let is_paid = |meter| endpoint.prices.base.effective(meter) > Price(0);
    let is_meant = match endpoint.task {
        _ if price > Price(0) => true,
        _ if is_paid(Meter::Request) => false,
        _ if endpoint.free => true,
        // Its row states both prices.
        Task::Chat => true,
        // These give no tokens.
        Task::Embeddings | Task::Rerank => meter == Meter::Output && is_paid(Meter::Input),
        _ => false,
    };
    is_meant.then_some(price)
}

/// The prices of a list; with a `base`, only those that differ from it.
fn list(rates: &Rates, base: Option<&Rates>) -> Map<String, Value> {
    let always = [("prompt", Meter::Input), ("completion", Meter::Output)];
    let shown = always.iter().chain(NAMES).filter_map(|(name, meter)| rates.listed(*meter).map(|price| (*name, *meter, price)));
    shown
        .filter(|(_, meter, price)| base.is_none_or(|base| base.listed(*meter) != Some(*price)))
        .map(|(name, _, price)| (name.to_owned(), Value::String(price.to_string())))
        .collect()
}
