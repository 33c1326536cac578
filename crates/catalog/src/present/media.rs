//! Models that make images and videos, in the shapes that OpenRouter has for them.
//!
//! What such a model can be told (sizes, durations, ...) has no columns yet: it is shown as unconstrained.

use portolan_core::{Meter, Task};
use serde_json::{Value, json};

use crate::{Catalog, Endpoint, Model, NotCallable};

/// What an image costs by, as OpenRouter names it: meter, what is billed, unit.
const IMAGE_PRICES: &[(Meter, &str, &str)] = &[
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
            .then(|| json!({ "id": model.slug, "endpoints": rows().map(|e| self.image_endpoint(e)).collect::<Vec<_>>() }))
    }

    /// The whole answer of `GET /videos/models`.
    #[must_use]
    pub fn video_models_answer(&self) -> Value {
        json!({ "data": self.models_for(Task::Videos).map(video_model).collect::<Vec<_>>() })
    }

    fn models_for(&self, task: Task) -> impl Iterator<Item = &Model> {
        self.models.iter().filter(move |model| self.does(model, task))
    }

    fn image_endpoint(&self, endpoint: &Endpoint) -> Value {
        let provider = self.provider(endpoint.provider);
        json!({
            "provider_name": provider.name,
            "provider_slug": provider.slug,
            "provider_tag": endpoint.tag,
            "supported_parameters": {},
            "allowed_passthrough_parameters": [],
            "supports_streaming": false,
            "pricing": image_prices(endpoint),
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
        "supported_parameters": {},
        "endpoints": format!("/api/v1/images/models/{}/endpoints", model.slug),
    })
}

fn image_prices(endpoint: &Endpoint) -> Vec<Value> {
    if endpoint.callable == Err(NotCallable::PriceUnknown) {
        return Vec::new();
    }
    let listed = IMAGE_PRICES.iter().filter_map(|(meter, billable, unit)| Some((billable, unit, endpoint.prices.base.listed(*meter)?)));
    // A number and no text, unlike every other price of this API.
    listed
        .filter_map(|(billable, unit, price)| {
            let cost: Value = serde_json::from_str(&price.to_string()).ok()?;
            Some(json!({ "billable": billable, "unit": unit, "cost_usd": cost }))
        })
        .collect()
}

fn video_model(model: &Model) -> Value {
    json!({
        "id": model.slug,
        "canonical_slug": model.canonical_slug,
        "name": model.name,
        "description": model.description,
        "created": model.created,
        "hugging_face_id": model.hugging_face_id,
        "supported_durations": null,
        "supported_resolutions": null,
        "supported_aspect_ratios": null,
        "supported_sizes": null,
        "supported_frame_images": null,
        "generate_audio": null,
        "seed": null,
        "upscale_factor": null,
        "creativity": null,
        "allowed_passthrough_parameters": [],
        "pricing_skus": null,
    })
}
