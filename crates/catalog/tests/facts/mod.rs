//! The collected facts, read where they stand, outside the repository.

use std::path::{Path, PathBuf};

use portolan_catalog::{Endpoint, NotCallable};
use portolan_core::{Meter, Price, PriceCard, Task};
use serde_json::Value;

/// A file of the reference material, or `None` and a word about it where it is not there.
#[expect(clippy::disallowed_methods, reason = "tests find the reference material by an environment variable")]
pub(crate) fn read(file: &str) -> Option<Value> {
    let folder =
        std::env::var("PORTOLAN_SHARED").map_or_else(|_| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let path = folder.join(file);
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("SKIPPED: {} is not there", path.display());
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

const METERS: &[(&str, Meter)] = &[
    ("prompt", Meter::Input),
    ("completion", Meter::Output),
    ("cache_read", Meter::CacheRead),
    ("cache_write", Meter::CacheWrite5m),
    ("cache_write_1h", Meter::CacheWrite1h),
    ("internal_reasoning", Meter::Reasoning),
    ("audio", Meter::InputAudio),
    ("audio_output", Meter::OutputAudio),
    ("image_token", Meter::InputImage),
    ("image_output", Meter::OutputImage),
    ("request", Meter::Request),
    ("web_search", Meter::Search),
];

/// Facts whose tag names no provider, or two endpoints: what the provider calls the model, and the tag in the catalog.
const RENAMED: &[(&str, &str)] =
    &[("pearl-ai/gemma-4-31b-it", "together/pearl-ai"), ("qwen3-235b-a22b-instruct-2507-maas", "google-vertex/us-south1-gemini")];

/// Whether this endpoint is made of that fact.
pub(crate) fn is_same(endpoint: &Endpoint, fact: &Value) -> bool {
    let (tag, id) = (fact["tag"].as_str().unwrap(), fact["upstream_model_id"].as_str());
    let tag = if tag == "sambanova-turbo" { "sambanova/turbo" } else { tag };
    let renamed = RENAMED.iter().find(|(own, new)| id == Some(own) && new.starts_with(tag));
    endpoint.tag == renamed.map_or(tag, |(_, new)| new) && endpoint.upstream_id.as_deref() == id
}

/// A fact as a price: what is finer than a picodollar counts as the next one.
fn price(text: &str) -> Price {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let (kept, finer) = fraction.split_at(fraction.len().min(12));
    let exact = Price::parse(&format!("{whole}.{kept:0<12}")).unwrap();
    Price(exact.0 + u64::from(finer.bytes().any(|b| b != b'0')))
}

/// A price of the facts. An `image` price of less than a hundredth of a cent is one per image token.
fn told(prices: &Value, key: &str) -> Option<Price> {
    let image = (key == "image_token").then(|| prices["image"].as_str()).flatten();
    prices[key].as_str().or(image).map(price)
}

/// What of an endpoint is not as the fact has it.
pub(crate) fn differences(endpoint: &Endpoint, fact: &Value) -> impl Iterator<Item = String> {
    let facts = &fact["pricing"];
    let mut found = lists(&endpoint.prices, facts, endpoint.task == Task::Chat || facts.as_object().unwrap().is_empty());
    let mut same = |what: &str, holds: bool| {
        if !holds {
            found.push(what.to_owned());
        }
    };
    let tokens_known =
        facts["prompt"].is_string() && facts["completion"].is_string() && (facts["media"].is_null() || facts["prompt"] != "0");
    let known = if endpoint.task == Task::Chat { tokens_known } else { facts["prompt"].is_string() || facts["media"].is_array() };
    same("price known", known == (endpoint.callable != Err(NotCallable::PriceUnknown)));
    same("audio_cache_read", endpoint.audio_cache_read == told(facts, "audio_cache_read"));
    let media: Vec<Price> = endpoint.media.iter().flat_map(|m| &m.prices).map(|m| m.price).collect();
    let told_media: Vec<Price> = facts["media"].as_array().into_iter().flatten().map(|m| price(m["price"].as_str().unwrap())).collect();
    same("media", media == told_media);
    let skus = endpoint.media.as_ref().map(|m| m.skus.len()).unwrap_or_default();
    same("skus", skus == facts["skus"].as_object().map_or(0, serde_json::Map::len));
    same(
        "context_length",
        endpoint.context_length == number(&fact["context_length"]) || (fact["context_length"].is_null() && endpoint.task == Task::Chat),
    );
    same("quantization", fact["quantization"].as_str().unwrap_or("unknown") == endpoint.quantization.as_str());
    same("zdr", endpoint.zdr == (fact["zdr"] == true && fact["zdr_basis"] == "endpoint policy"));
    if let Some(policy) = fact["data_policy"].as_object() {
        same("training", endpoint.policy.training == policy["training"].as_bool());
        same("retains_prompts", endpoint.policy.retains_prompts == policy["retains_prompts"].as_bool());
    }
    found.into_iter()
}

fn number(value: &Value) -> u32 {
    u32::try_from(value.as_u64().unwrap_or(0)).unwrap()
}

/// The lists for ordinary and for longer prompts. What is priced by other units than tokens lists tokens at nothing.
fn lists(card: &PriceCard, facts: &Value, by_tokens: bool) -> Vec<String> {
    let mut found = Vec::new();
    let known = !facts["media"].is_array() || facts["prompt"] != "0" || !by_tokens;
    for (key, meter) in METERS.iter().filter(|_| known && (!by_tokens || facts["completion"].is_string())) {
        let (own, fact) = (card.base.listed(*meter), told(facts, key));
        if own != fact && !(fact.is_none() && !by_tokens && own == Some(Price(0))) {
            found.push(format!("{key} is {own:?}, not {fact:?}"));
        }
    }
    let tiers = facts["tiers"].as_array().map(Vec::as_slice).unwrap_or_default();
    if tiers.len() != card.tiers.len() {
        found.push("tiers".to_owned());
    }
    for tier in tiers {
        let own = card.tiers.iter().find(|t| t.above_prompt_tokens == tier["min_prompt_tokens"].as_u64().unwrap()).unwrap();
        for (key, meter) in METERS {
            if own.rates.listed(*meter) != told(tier, key).or(told(facts, key)) {
                found.push(format!("{key} of a tier"));
            }
        }
    }
    found
}
