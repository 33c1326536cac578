//! Models that make images and videos, in the shapes that OpenRouter has for them.
//!
//! What nobody knows of such a model is shown as OpenRouter shows what is not constrained: left out, or `null`.

use std::collections::BTreeSet;

use portolan_core::{Meter, Price, Task};
use serde_json::{Map, Value, json};

use crate::media::{BILLABLES, MediaAbilities, MediaPrice, MediaUnit, Range};
use crate::{Catalog, Endpoint, Model, NotCallable};

/// What tokens of an image model cost by, as OpenRouter names it: meter, what is billed, unit.
const TOKEN_PRICES: &[(Meter, &str, &str)] = &[
    (Meter::Input, "input_text", "token"),
    (Meter::InputImage, "input_image", "token"),
    (Meter::OutputImage, "output_image", "token"),
    (Meter::Request, "output_image", "request"),
];

impl Catalog {
    /// The whole answer of `GET /images/models`.
    #[must_use]
    pub fn image_models_answer(&self) -> Value {
        json!({ "data": self.models_for(Task::Images).map(image_model).collect::<Vec<_>>() })
    }

    /// The whole answer of `GET /images/models/{author}/{slug}/endpoints`; `None` where the model makes no images.
    #[must_use]
    pub fn image_endpoints_answer(&self, model: &Model) -> Option<Value> {
        let rows = || self.endpoints_of(model).filter(|e| model.task == Task::Images || e.task == Task::Images);
        self.does(model, Task::Images)
            .then(|| json!({ "id": model.slug, "endpoints": rows().map(|e| self.image_endpoint(model, e)).collect::<Vec<_>>() }))
    }

    /// The whole answer of `GET /videos/models`.
    #[must_use]
    pub fn video_models_answer(&self) -> Value {
        json!({ "data": self.models_for(Task::Videos).map(|model| self.video_model(model)).collect::<Vec<_>>() })
    }

    fn models_for(&self, task: Task) -> impl Iterator<Item = &Model> {
        self.models.iter().filter(move |model| self.does(model, task))
    }

    fn image_endpoint(&self, model: &Model, endpoint: &Endpoint) -> Value {
        let provider = self.provider(endpoint.provider);
        json!({
            "provider_name": provider.name,
            "provider_slug": provider.slug,
            "provider_tag": endpoint.tag,
            "supported_parameters": supported_parameters(model),
            "allowed_passthrough_parameters": endpoint.passthrough_parameters,
            "supports_streaming": false,
            "pricing": image_prices(endpoint),
        })
    }

    fn video_model(&self, model: &Model) -> Value {
        let unknown = MediaAbilities::default();
        let can = model.media.as_deref().unwrap_or(&unknown);
        let passthrough: BTreeSet<&String> = self.endpoints_of(model).flat_map(|e| e.passthrough_parameters.iter()).collect();
        let skus = self.endpoints_of(model).filter_map(|e| e.media.as_ref()).map(|media| &media.skus).find(|skus| !skus.is_empty());
        json!({
            "id": model.slug,
            "canonical_slug": model.canonical_slug,
            "name": model.name,
            "description": model.description,
            "created": model.created,
            "hugging_face_id": model.hugging_face_id,
            "supported_durations": can.durations,
            "supported_resolutions": can.resolutions,
            "supported_aspect_ratios": can.aspect_ratios,
            "supported_sizes": can.sizes,
            "supported_frame_images": can.frame_images,
            "generate_audio": can.native_audio,
            "seed": can.seed,
            "upscale_factor": can.upscale_factor.as_ref().and_then(range),
            "creativity": can.creativity,
            "allowed_passthrough_parameters": passthrough,
            "pricing_skus": skus,
        })
    }
}

fn image_model(model: &Model) -> Value {
    json!({
        "id": model.slug,
        "name": model.name,
        "description": model.description,
        "created": model.created,
        "architecture": { "input_modalities": model.input_modalities, "output_modalities": model.output_modalities },
        "supports_streaming": false,
        "supported_parameters": supported_parameters(model),
        "endpoints": format!("/api/v1/images/models/{}/endpoints", model.slug),
    })
}

/// What a request may say, and within which values.
fn supported_parameters(model: &Model) -> Map<String, Value> {
    let Some(can) = model.media.as_deref() else { return Map::new() };
    let lists = [
        ("resolution", &can.resolutions),
        ("aspect_ratio", &can.aspect_ratios),
        ("quality", &can.qualities),
        ("output_format", &can.output_formats),
        ("background", &can.backgrounds),
    ];
    let lists = lists.into_iter().filter_map(|(name, values)| Some((name, json!({ "type": "enum", "values": values.as_ref()? }))));
    let ranges = [("n", &can.n), ("input_references", &can.input_references), ("output_compression", &can.output_compression)];
    let ranges = ranges.into_iter().filter_map(|(name, known)| {
        let mut shown = range(known.as_ref()?)?;
        shown["type"] = "range".into();
        Some((name, shown))
    });
    let seed = (can.seed == Some(true)).then(|| ("seed", json!({ "type": "boolean" })));
    lists.chain(ranges).chain(seed).map(|(name, shown)| (name.to_owned(), shown)).collect()
}

fn range(range: &Range) -> Option<Value> {
    match range {
        Range::Whole { min, max } => Some(json!({ "min": min, "max": max })),
        Range::Decimal { min, max } => Some(json!({ "min": number(min)?, "max": number(max)? })),
    }
}

/// Decimal text as a number.
fn number(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().filter(Value::is_number)
}

fn image_prices(endpoint: &Endpoint) -> Vec<Value> {
    if endpoint.callable == Err(NotCallable::PriceUnknown) {
        return Vec::new();
    }
    let by_unit = endpoint.media.iter().flat_map(|media| &media.prices).flat_map(prices_of).collect::<Vec<_>>();
    // Beside prices by other units, a zero says that tokens are not what is sold.
    let listed = |meter| endpoint.prices.base.listed(meter).filter(|price| by_unit.is_empty() || *price > Price(0));
    let tokens = TOKEN_PRICES.iter().filter_map(|(meter, billable, unit)| price(billable, unit, None, listed(*meter)?));
    let mut all: Vec<Value> = tokens.collect();
    let is_known =
        |all: &[Value], line: &Value| all.iter().any(|known| ["billable", "unit", "variant"].iter().all(|k| known[k] == line[k]));
    for line in by_unit {
        if !is_known(&all, &line) {
            all.push(line);
        }
    }
    all
}

/// The lines of one price: of its variants, or of itself where it has none.
fn prices_of(of: &MediaPrice) -> Vec<Value> {
    let Some((name, billable)) = BILLABLES.iter().find(|(name, _)| of.sku.starts_with(name)) else { return Vec::new() };
    let variant = of.sku.strip_prefix(name).map(|rest| rest.trim_start_matches('_')).filter(|rest| !rest.is_empty());
    // OpenRouter knows no unit as small as a pixel.
    let (unit, many) = if of.unit == MediaUnit::Pixel { (MediaUnit::Megapixel, 1_000_000) } else { (of.unit, 1) };
    let unit = json!(unit).as_str().unwrap_or_default().to_owned();
    let line = |variant, cost: Price| price(billable, &unit, variant, Price(cost.0.checked_mul(many)?));
    if of.variants.is_empty() {
        return line(variant, of.price).into_iter().collect();
    }
    of.variants.iter().filter_map(|v| line(Some(v.condition.as_str()), v.price)).collect()
}

/// A number and no text, unlike every other price of this API.
fn price(billable: &str, unit: &str, variant: Option<&str>, price: Price) -> Option<Value> {
    let mut line = json!({ "billable": billable, "unit": unit, "cost_usd": number(&price.to_string())? });
    if let Some(variant) = variant {
        line["variant"] = variant.into();
    }
    Some(line)
}
