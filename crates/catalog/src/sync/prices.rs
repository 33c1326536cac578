//! Price lists of others. A list of which one price cannot be read beyond doubt is unknown as a whole: unknown is never free.

use portolan_core::Price;
use serde_json::{Map, Value, json};

use super::decimal::{before_discount, price};
use super::fields::Fields;
use crate::Pricing;

/// OpenRouter's names and ours, USD per unit.
const OPENROUTER: &[(&str, &str)] = &[
    ("prompt", "prompt"),
    ("completion", "completion"),
    ("input_cache_read", "cache_read"),
    ("input_cache_write", "cache_write"),
    ("input_cache_write_1h", "cache_write_1h"),
    ("internal_reasoning", "internal_reasoning"),
    ("audio", "audio"),
    ("audio_output", "audio_output"),
    ("image_token", "image_token"),
    ("image_output", "image_output"),
    ("request", "request"),
    ("web_search", "web_search"),
];

/// The names of models.dev and ours. USD per million tokens there.
const MODELS_DEV: &[(&str, &str)] = &[
    ("input", "prompt"),
    ("output", "completion"),
    ("reasoning", "internal_reasoning"),
    ("cache_read", "cache_read"),
    ("cache_write", "cache_write"),
    ("input_audio", "audio"),
    ("output_audio", "audio_output"),
];

/// Per million: the places by which the point moves.
const PER_MILLION: i64 = -6;
/// A price of an "image" below this is one of an image token: whole images cost more.
const IMAGE_TOKEN_MAX: Price = Price(100_000_000);
/// The list of models.dev for prompts above this many tokens has no other name than `context_over_200k`.
const LONG_CONTEXT: u64 = 200_000;
/// More lists than any model has.
const TIERS_MAX: usize = 16;
/// So much of a text that is no price is told.
const DIGITS_SHOWN: usize = 40;

/// The discount of a price list of OpenRouter's form, where it is none that a list price can be reckoned from.
pub(super) fn implausible_discount(fields: &Fields<'_>) -> Option<String> {
    fields.digits("discount").filter(|discount| before_discount(Price(0), discount).is_none())
}

/// What keeps a list of OpenRouter's form from being read, in words. `None`: it is read, or states no price.
pub(super) fn openrouter_doubt(fields: &Fields<'_>) -> Option<String> {
    let lists = [("overrides", fields.objects("overrides"))];
    let is_of_a_time = |list: &Fields<'_>| list.digits("utc_start").is_some() || list.digits("utc_end").is_some();
    let is_timed = lists.iter().flat_map(|(_, list)| list.iter().flatten()).any(is_of_a_time);
    doubt(fields, OPENROUTER, 0, &lists, openrouter(fields)).map(|why| if is_timed { "a price of a time of day".to_owned() } else { why })
}

/// The same of the form of models.dev.
pub(super) fn models_dev_doubt(fields: &Fields<'_>) -> Option<String> {
    let long = fields.object("context_over_200k").map_or_else(Vec::new, |long| vec![long]);
    let lists = [("tiers", fields.objects("tiers")), ("context_over_200k", Some(long))];
    doubt(fields, MODELS_DEV, PER_MILLION, &lists, models_dev(fields))
}

fn doubt(
    fields: &Fields<'_>,
    names: &[(&str, &str)],
    shift: i64,
    lists: &[(&str, Option<Vec<Fields<'_>>>)],
    read: Option<Pricing>,
) -> Option<String> {
    let wrong = |list: &Fields<'_>| {
        let stated =
            names.iter().find_map(|(name, _)| list.digits(name).filter(|text| price(text, shift).is_none()).map(|text| (*name, text)));
        stated.map(|(name, text)| format!("{name} is {}, which is no price", text.chars().take(DIGITS_SHOWN).collect::<String>()))
    };
    let is_stated = names.iter().any(|(name, _)| fields.digits(name).is_some());
    if read.is_some() || !is_stated || implausible_discount(fields).is_some() {
        return None;
    }
    let longer = || lists.iter().flat_map(|(_, list)| list.iter().flatten()).find_map(wrong);
    let broken = || lists.iter().find(|(_, list)| list.is_none()).map(|(name, _)| format!("{name} cannot be read"));
    let missing = || {
        let base = names.iter().find(|(name, ours)| matches!(*ours, "prompt" | "completion") && fields.digits(name).is_none());
        base.map(|(name, _)| format!("{name} is missing"))
    };
    wrong(fields).or_else(longer).or_else(broken).or_else(missing).or_else(|| Some("they cannot be read".to_owned()))
}

/// Prices of OpenRouter's form. Its promotion is taken out again: it is OpenRouter's, not the provider's.
pub(super) fn openrouter(fields: &Fields<'_>) -> Option<Pricing> {
    let discount = fields.digits("discount").unwrap_or_else(|| "0".to_owned());
    let of = |fields: &Fields<'_>| {
        let mut list = list(fields, OPENROUTER, 0, &discount)?;
        let image = fields.digits("image").and_then(|text| price(&text, 0)).filter(|image| *image > Price(0) && *image < IMAGE_TOKEN_MAX);
        if let Some(image) = image
            && !list.contains_key("image_token")
        {
            list.insert("image_token".to_owned(), json!(before_discount(image, &discount)?));
        }
        Some(list)
    };
    let mut tiers = Vec::new();
    for over in fields.objects("overrides")? {
        // A price of a time of day is one that no list of ours can say.
        if over.digits("utc_start").is_some() || over.digits("utc_end").is_some() {
            return None;
        }
        tiers.push((u64::try_from(over.int("min_prompt_tokens")?).ok()?, of(&over)?));
    }
    made(of(fields)?, tiers)
}

/// Prices of the form of models.dev.
pub(super) fn models_dev(fields: &Fields<'_>) -> Option<Pricing> {
    let of = |fields: &Fields<'_>| list(fields, MODELS_DEV, PER_MILLION, "0");
    let mut tiers = Vec::new();
    for tier in fields.objects("tiers")? {
        let which = tier.object("tier")?;
        if which.text("type")? != "context" {
            return None;
        }
        tiers.push((u64::try_from(which.int("size")?).ok()?, of(&tier)?));
    }
    if let Some(long) = fields.object("context_over_200k")
        && tiers.is_empty()
    {
        tiers.push((LONG_CONTEXT, of(&long)?));
    }
    made(of(fields)?, tiers)
}

/// The prices by our names. A zero of what is an extra says that it has no price of its own.
fn list(fields: &Fields<'_>, names: &[(&str, &str)], shift: i64, discount: &str) -> Option<Map<String, Value>> {
    let mut list = Map::new();
    for (theirs, ours) in names {
        let Some(text) = fields.digits(theirs) else { continue };
        let price = before_discount(price(&text, shift)?, discount)?;
        if price > Price(0) || matches!(*ours, "prompt" | "completion") {
            list.insert((*ours).to_owned(), json!(price));
        }
    }
    Some(list)
}

fn made(mut base: Map<String, Value>, tiers: Vec<(u64, Map<String, Value>)>) -> Option<Pricing> {
    if tiers.len() > TIERS_MAX {
        return None;
    }
    // Later entries win per key where two begin at the same length.
    let mut merged: Vec<(u64, Map<String, Value>)> = Vec::new();
    for (above, list) in tiers {
        match merged.iter_mut().find(|(other, _)| *other == above) {
            Some((_, known)) => known.extend(list),
            None => merged.push((above, list)),
        }
    }
    merged.sort_by_key(|(above, _)| *above);
    let with_limit = |(above, mut list): (u64, Map<String, Value>)| {
        list.insert("min_prompt_tokens".to_owned(), json!(above));
        Value::Object(list)
    };
    base.insert("tiers".to_owned(), merged.into_iter().map(with_limit).collect());
    let pricing: Pricing = serde_json::from_value(Value::Object(base)).ok()?;
    (pricing.prompt.is_some() && pricing.completion.is_some()).then_some(pricing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn openrouter_of(text: &str) -> Option<Pricing> {
        openrouter(&Fields::read(text).unwrap())
    }

    #[test]
    fn texts_and_numbers_make_the_same_list_and_a_zero_extra_is_no_price() {
        let a =
            openrouter_of(r#"{"prompt":"0.0000002","completion":"8e-7","request":"0","internal_reasoning":"0","new_key":"x"}"#).unwrap();
        let b = openrouter_of(r#"{"prompt":2e-7,"completion":0.0000008}"#).unwrap();
        assert_eq!((a.prompt, a.completion, a.request, a.internal_reasoning), (Some(Price(200_000)), Some(Price(800_000)), None, None));
        assert_eq!(a, b);
    }

    #[test]
    fn a_promotion_of_openrouter_is_taken_out() {
        let list = openrouter_of(r#"{"prompt":"1e-7","completion":"4e-7","discount":0.5}"#).unwrap();
        assert_eq!((list.prompt, list.completion), (Some(Price(200_000)), Some(Price(800_000))));
    }

    #[test]
    fn a_small_price_of_an_image_is_one_of_its_tokens() {
        let of = |image: &str| openrouter_of(&format!(r#"{{"prompt":"1e-7","completion":"1e-7","image":"{image}"}}"#)).unwrap().image_token;
        assert_eq!((of("1e-7"), of("0.002"), of("0")), (Some(Price(100_000)), None, None));
    }

    #[test]
    fn a_list_with_one_doubtful_price_is_unknown() {
        for text in [
            r#"{"prompt":"-1","completion":"-1"}"#,
            r#"{"prompt":"1e-7"}"#,
            r#"{"prompt":"1e-7","completion":null}"#,
            r#"{"prompt":"1e-7","completion":"1e-7","audio":"much"}"#,
            r#"{"prompt":"1e-7","completion":"1e-7","audio":"1e-14"}"#,
            r#"{"prompt":"1e-7","completion":"1e-7","overrides":[{"utc_start":"1630","prompt":"2e-7"}]}"#,
            r#"{"prompt":"1e-7","completion":"1e-7","overrides":[{"prompt":"2e-7"}]}"#,
            r#"{"prompt":"1e-7","completion":"1e-7","overrides":[{"min_prompt_tokens":9,"prompt":"2e-7"},null]}"#,
            r#"{"prompt":"1e-7","completion":"1e-7","overrides":7}"#,
            r#"{"prompt":"1e-7","completion":"1e-7","discount":1}"#,
        ] {
            assert_eq!(openrouter_of(text), None, "{text}");
        }
    }

    #[test]
    fn lists_for_long_prompts_are_read_from_both_forms() {
        let list = openrouter_of(
            r#"{"prompt":"1e-6","completion":"2e-6","overrides":[{"min_prompt_tokens":200000,"prompt":"2e-6"},{"min_prompt_tokens":200000,"prompt":"3e-6","completion":"4e-6"}]}"#,
        );
        let tiers = list.unwrap().tiers;
        assert_eq!(
            (tiers.len(), tiers[0].min_prompt_tokens, tiers[0].prompt, tiers[0].completion),
            (1, 200_000, Some(Price(3_000_000)), Some(Price(4_000_000)))
        );
        for text in [
            r#"{"input":1.25,"output":10,"tiers":[{"tier":{"type":"context","size":200000},"input":2.5,"output":15}]}"#,
            r#"{"input":1.25,"output":10,"context_over_200k":{"input":2.5,"output":15}}"#,
        ] {
            let list = models_dev(&Fields::read(text).unwrap()).unwrap();
            assert_eq!((list.prompt, list.completion), (Some(Price(1_250_000)), Some(Price(10_000_000))), "{text}");
            assert_eq!((list.tiers[0].min_prompt_tokens, list.tiers[0].prompt), (200_000, Some(Price(2_500_000))), "{text}");
        }
    }
}
