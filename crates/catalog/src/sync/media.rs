//! What OpenRouter says of models that make images and videos.
//!
//! `GET /images/models` lists what image models can be told, `GET /images/models/{author}/{slug}/endpoints` what they cost at
//! each provider, `GET /videos/models` both for video models, which have one price list whoever serves them.

use std::collections::BTreeMap;

use portolan_core::{ModelSlug, Price};

use super::decimal::price;
use super::fields::Fields;
use super::live::{LiveMedia, LiveMediaEndpoint};
use crate::media::{BILLABLES, MediaAbilities, MediaPrice, MediaUnit, MediaVariant, Range};

/// More values than any list of a model has.
const VALUES_MAX: usize = 1_000;
/// More prices than any model has.
const PRICES_MAX: usize = 200;
/// Cents to dollars: the places by which the point moves.
const CENTS: i64 = -2;

/// Reads a row of `/images/models`. What it costs stands in another answer.
pub(super) fn image(row: &Fields<'_>) -> Option<LiveMedia> {
    let abilities = row.object("supported_parameters").map(|can| image_abilities(&can)).unwrap_or_default();
    Some(LiveMedia { model: slug(row)?, abilities, endpoints: Vec::new() })
}

/// Reads a row of `/videos/models`.
pub(super) fn video(row: &Fields<'_>) -> Option<LiveMedia> {
    let (prices, skus) = row.object("pricing_skus").and_then(|skus| sku_prices(&skus)).unwrap_or_default();
    let passthrough_parameters = texts(row, "allowed_passthrough_parameters").unwrap_or_default();
    let only = LiveMediaEndpoint { tag: None, passthrough_parameters, prices, skus };
    Some(LiveMedia { model: slug(row)?, abilities: video_abilities(row), endpoints: vec![only] })
}

/// The model of a row.
pub(super) fn slug(row: &Fields<'_>) -> Option<ModelSlug> {
    ModelSlug::parse(&row.text("id")?).ok()
}

/// A list that says something.
fn texts(row: &Fields<'_>, name: &str) -> Option<Vec<String>> {
    let mut all = row.texts(name).filter(|all| !all.is_empty())?;
    all.truncate(VALUES_MAX);
    Some(all)
}

fn numbers(row: &Fields<'_>, name: &str) -> Option<Vec<u32>> {
    let mut all = row.numbers(name).filter(|all| !all.is_empty())?;
    all.truncate(VALUES_MAX);
    Some(all)
}

fn image_abilities(can: &Fields<'_>) -> MediaAbilities {
    let values = |name: &str| texts(&can.object(name)?, "values");
    let range = |name: &str| range(&can.object(name)?);
    MediaAbilities {
        resolutions: values("resolution"),
        aspect_ratios: values("aspect_ratio"),
        qualities: values("quality"),
        output_formats: values("output_format"),
        backgrounds: values("background"),
        n: range("n"),
        input_references: range("input_references"),
        output_compression: range("output_compression"),
        seed: can.object("seed").map(|_| true),
        ..MediaAbilities::default()
    }
}

fn video_abilities(row: &Fields<'_>) -> MediaAbilities {
    // What it takes beside words, it takes as references.
    let references = texts(row, "input_modalities").map(|taken| taken.into_iter().filter(|m| m != "text").collect::<Vec<_>>());
    MediaAbilities {
        durations: numbers(row, "supported_durations"),
        resolutions: texts(row, "supported_resolutions"),
        aspect_ratios: texts(row, "supported_aspect_ratios"),
        sizes: texts(row, "supported_sizes"),
        frame_images: texts(row, "supported_frame_images"),
        reference_modalities: references.filter(|all| !all.is_empty()),
        native_audio: row.flag("generate_audio"),
        seed: row.flag("seed"),
        upscale_factor: row.object("upscale_factor").and_then(|factor| range(&factor)),
        creativity: numbers(row, "creativity"),
        ..MediaAbilities::default()
    }
}

/// Both ends, as whole numbers where they are.
fn range(row: &Fields<'_>) -> Option<Range> {
    let (min, max) = (row.digits("min")?, row.digits("max")?);
    price(&min, 0)?.cmp(&price(&max, 0)?).is_le().then_some(())?;
    Some(match (min.parse(), max.parse()) {
        (Ok(min), Ok(max)) => Range::Whole { min, max },
        _ => Range::Decimal { min, max },
    })
}

/// Reads a row of `/images/models/{author}/{slug}/endpoints`.
pub(super) fn image_endpoint(row: &Fields<'_>) -> Option<LiveMediaEndpoint> {
    Some(LiveMediaEndpoint {
        tag: Some(row.text("provider_tag").or_else(|| row.text("provider_slug"))?),
        passthrough_parameters: texts(row, "allowed_passthrough_parameters").unwrap_or_default(),
        prices: row.objects("pricing").and_then(|rows| image_prices(&rows)).unwrap_or_default(),
        skus: BTreeMap::new(),
    })
}

/// `None`: one of them cannot be read beyond doubt, or is nothing.
fn image_prices(rows: &[Fields<'_>]) -> Option<Vec<MediaPrice>> {
    let mut all: Vec<MediaPrice> = Vec::new();
    for row in rows.iter().take(PRICES_MAX) {
        let billable = row.text("billable")?;
        let (sku, _) = BILLABLES.iter().find(|(_, theirs)| *theirs == billable)?;
        let unit: MediaUnit = serde_json::from_value(row.text("unit")?.into()).ok()?;
        let price = price(&row.digits("cost_usd")?, 0).filter(|price| *price > Price(0))?;
        let at = all.iter().position(|known| known.sku == *sku && known.unit == unit).unwrap_or_else(|| {
            all.push(MediaPrice { sku: (*sku).to_owned(), unit, price, variants: Vec::new() });
            all.len() - 1
        });
        match row.text("variant") {
            Some(condition) => all[at].variants.push(MediaVariant { condition, price }),
            None => all[at].price = price,
        }
    }
    // Where no variant applies, nobody is charged less than the dearest.
    for price in &mut all {
        price.price = price.variants.iter().map(|v| v.price).fold(price.price, Price::max);
    }
    Some(all)
}

/// The prices of a list of SKUs, and the list itself. `None`: one of them cannot be read beyond doubt, or is nothing.
fn sku_prices(skus: &Fields<'_>) -> Option<(Vec<MediaPrice>, BTreeMap<String, String>)> {
    let (mut prices, mut texts) = (Vec::new(), BTreeMap::new());
    for (sku, _) in skus.entries().into_iter().take(PRICES_MAX) {
        let text = skus.digits(sku)?;
        let shift = if sku.starts_with("cents_") || sku.contains("_cents_") { CENTS } else { 0 };
        let price = price(&text, shift).filter(|price| *price > Price(0))?;
        prices.push(MediaPrice { sku: sku.to_owned(), unit: unit_of(sku)?, price, variants: Vec::new() });
        texts.insert(sku.to_owned(), text);
    }
    Some((prices, texts))
}

/// What a SKU is counted in, which its name tells.
fn unit_of(sku: &str) -> Option<MediaUnit> {
    const UNITS: &[(&str, MediaUnit)] = &[
        ("megapixel_second", MediaUnit::MegapixelSecond),
        ("second", MediaUnit::Second),
        ("tokens", MediaUnit::Token),
        ("image", MediaUnit::Image),
        ("generat", MediaUnit::Generation),
    ];
    UNITS.iter().find(|(part, _)| sku.contains(part)).map(|(_, unit)| *unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Catalog;
    use portolan_core::Task;

    #[test]
    fn the_skus_of_every_built_in_video_model_make_its_prices() {
        let catalog = Catalog::builtin();
        let mut compared = 0;
        for endpoint in catalog.endpoints.iter().filter(|e| e.task == Task::Videos) {
            let Some(media) = &endpoint.media else { continue };
            if !media.prices.iter().all(|price| media.skus.contains_key(&price.sku)) {
                continue;
            }
            let text = serde_json::to_string(&media.skus).unwrap();
            let (prices, skus) = sku_prices(&Fields::read(&text).unwrap()).unwrap();
            let sorted = |prices: &[MediaPrice]| prices.iter().map(|p| (p.sku.clone(), (p.unit, p.price))).collect::<BTreeMap<_, _>>();
            assert_eq!((sorted(&prices), &skus), (sorted(&media.prices), &media.skus), "{}", catalog.model_at(endpoint.model).slug);
            compared += 1;
        }
        assert!(compared > 20, "{compared}");
    }

    #[test]
    fn a_list_of_image_prices_with_one_doubtful_price_is_unknown() {
        let good = r#"{"billable":"output_image","unit":"image","cost_usd":0.05}"#;
        for (rows, known) in [
            (format!("[{good}]"), 1),
            (format!("[{good},null]"), 0),
            (format!("[{good},7]"), 0),
            (format!("[{good},{}]", good.replace("0.05", "0")), 0),
            ("7".to_owned(), 0),
            ("null".to_owned(), 0),
        ] {
            let text = format!(r#"{{"provider_tag":"acme","pricing":{rows}}}"#);
            assert_eq!(image_endpoint(&Fields::read(&text).unwrap()).unwrap().prices.len(), known, "{rows}");
        }
    }

    #[test]
    fn a_list_of_skus_with_one_doubtful_price_is_unknown() {
        let read = |text: &str| sku_prices(&Fields::read(text).unwrap());
        assert!(read(r#"{"duration_seconds":"0.1","cents_per_image_input":5}"#).is_some());
        for text in [r#"{"duration_seconds":"0"}"#, r#"{"duration_seconds":null}"#, r#"{"duration_seconds":"0.1","per_smile":"1"}"#] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
