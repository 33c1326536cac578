//! Rows of `GET /models`, for OpenRouter's clients and OpenAI's.

use serde_json::{Map, Value, json};

use super::pricing::pricing;
use crate::{Catalog, Endpoint, Model, NotCallable};

impl Catalog {
    /// One model. Its price and limits are those of its cheapest endpoint that can be called (without one: of its cheapest).
    #[must_use]
    pub fn model_row(&self, model: &Model) -> Value {
        let top = self.top_endpoint(model);
        let mut row = json!({
            "id": model.slug,
            "canonical_slug": model.canonical_slug,
            "object": "model",
            "owned_by": model.slug.author(),
            "hugging_face_id": model.hugging_face_id,
            "name": model.name,
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
            "supported_voices": null,
            "knowledge_cutoff": model.knowledge_cutoff,
            "expiration_date": model.expiration_date,
            "links": { "details": format!("/api/v1/models/{}/endpoints", model.canonical_slug) },
        });
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

    /// The answer of `GET /models`, whole or a page of it: a list for both families of clients. `next` is the address of the page after it.
    #[must_use]
    pub fn models_answer(&self, page: &[Model], next: Option<String>) -> Value {
        let data: Vec<Value> = page.iter().map(|m| self.model_row(m)).collect();
        let mut answer = Map::new();
        answer.insert("object".to_owned(), "list".into());
        answer.insert("data".to_owned(), data.into());
        answer.insert("total_count".to_owned(), self.models.len().into());
        answer.insert("links".to_owned(), json!({ "next": next }));
        Value::Object(answer)
    }

    fn top_endpoint(&self, model: &Model) -> Option<&Endpoint> {
        self.endpoints_of(model).min_by_key(|e| (rank(e), e.blended_price(), e.ix))
    }
}

/// Callable first, unknown prices last.
fn rank(endpoint: &Endpoint) -> u8 {
    match endpoint.callable {
        Ok(()) => 0,
        Err(NotCallable::PriceUnknown) => 2,
        Err(_) => 1,
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
