//! Rows of `GET /models`, for OpenRouter's clients and OpenAI's.

use serde_json::{Value, json};

use super::listed::Listed;
use super::pricing::pricing;
use crate::{Catalog, Model};

impl Catalog {
    /// One model. Its price and limits are those of its cheapest endpoint that can be called (without one: of its cheapest).
    #[must_use]
    pub fn model_row(&self, listed: Listed<'_>) -> Value {
        let model = listed.model;
        let top = self.top_endpoint(model);
        let mut row = json!({
            "id": listed.slug(),
            "canonical_slug": model.canonical_slug,
            "object": "model",
            "owned_by": listed.author(),
            "hugging_face_id": model.hugging_face_id,
            "name": listed.name(),
            "created": model.created,
            "description": model.description,
            "context_length": model.context_length,
            "architecture": architecture(model),
            "pricing": pricing(top),
            "top_provider": {
                "context_length": top.map(|e| e.context_length),
                "max_completion_tokens": top.map(|e| e.max_output),
                "is_moderated": model.moderated,
            },
            "per_request_limits": null,
            "supported_parameters": model.supported_parameters,
            "default_parameters": model.default_parameters,
            "supported_voices": model.media.as_ref().and_then(|can| can.voices.as_ref()),
            "knowledge_cutoff": model.knowledge_cutoff,
            "expiration_date": model.expiration_date,
            "links": { "details": format!("/api/v1/models/{}/endpoints", model.canonical_slug) },
        });
        if listed.alias.is_some() {
            row["alias_target"] = json!({ "slug": model.slug, "name": model.name });
        }
        // Optional, and not nullable: OpenRouter's SDKs refuse a null here.
        if let Some(reasoning) = &model.reasoning {
            let mut known = json!(reasoning);
            if let Value::Object(fields) = &mut known {
                fields.retain(|name, value| !value.is_null() || !matches!(name.as_str(), "default_enabled" | "supports_max_tokens"));
            }
            row["reasoning"] = known;
        }
        row
    }
}

pub(super) fn architecture(model: &Model) -> Value {
    json!({
        "modality": format!("{}->{}", model.input_modalities.join("+"), model.output_modalities.join("+")),
        "input_modalities": model.input_modalities,
        "output_modalities": model.output_modalities,
        "tokenizer": model.tokenizer,
        "instruct_type": model.instruct_type,
    })
}
