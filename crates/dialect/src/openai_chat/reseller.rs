//! What OpenRouter, as an endpoint, is told beyond an ordinary one: how it may route, and that it shall report the cost.

use portolan_core::{MaxPrice, Price};

use super::decimal::per_million;
use crate::json::Writer;
use crate::target::Reseller;

/// Fields of its own that pass as they stand, though no other endpoint gets them.
pub(super) const UNDERSTANDS: &[&str] = &["reasoning", "include_reasoning", "cache_control"];

/// The value of `usage`: the cost is to be reported.
pub(super) const USAGE: &str = r#"{"include":true}"#;

/// The value of `provider`: what restricts the caller's request restricts it there as well.
pub(super) fn provider(reseller: &Reseller<'_>) -> String {
    let preferences = reseller.preferences;
    let mut json = Writer::with_capacity(128);
    json.object();
    for (name, stated, value) in [
        ("allow_fallbacks", !preferences.allow_fallbacks, "false"),
        ("require_parameters", preferences.require_parameters, "true"),
        ("data_collection", preferences.deny_data_collection, "\"deny\""),
        ("zdr", preferences.zdr, "true"),
        ("enforce_distillable_text", preferences.enforce_distillable_text, "true"),
    ] {
        if stated {
            json.raw_member(name, value);
        }
    }
    if !reseller.ignore.is_empty() {
        json.key("ignore");
        json.array();
        reseller.ignore.iter().for_each(|slug| json.text(slug));
        json.end_array();
    }
    if !preferences.quantizations.is_empty() {
        json.key("quantizations");
        json.array();
        preferences.quantizations.iter().for_each(|q| json.text(q.as_str()));
        json.end_array();
    }
    if !reseller.max_price.is_empty() {
        json.key("max_price");
        write_max_price(&reseller.max_price, &mut json);
    }
    json.end_object();
    String::from_utf8(json.finish()).expect("the writer writes text")
}

/// Prices as text, for a JSON number may be read as a float.
fn write_max_price(all: &MaxPrice, json: &mut Writer) {
    let each = |price: Price| price.to_string();
    let members = [
        ("prompt", all.prompt.map(per_million)),
        ("completion", all.completion.map(per_million)),
        ("request", all.request.map(each)),
        ("image", all.image.map(each)),
        ("audio", all.audio.map(each)),
    ];
    json.object();
    for (name, price) in members {
        if let Some(price) = price {
            json.text_member(name, &price);
        }
    }
    json.end_object();
}
