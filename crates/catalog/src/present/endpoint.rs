//! Rows of `GET /models/{author}/{slug}/endpoints`.

use serde_json::{Value, json};

use super::model::architecture;
use super::pricing::pricing;
use crate::{Catalog, Endpoint, Model};

impl Catalog {
    /// One endpoint. Uptime, latency and throughput are measured elsewhere and `null` here.
    #[must_use]
    pub fn endpoint_row(&self, endpoint: &Endpoint) -> Value {
        let (model, provider) = (self.model_at(endpoint.model), self.provider(endpoint.provider));
        // OpenRouter's status: 0 is well, what is below is not served.
        let status = if endpoint.callable.is_ok() { 0 } else { -1 };
        json!({
            "name": format!("{} | {}", provider.name, model.slug),
            "model_id": model.slug,
            "model_name": model.name,
            "provider_name": provider.name,
            "tag": endpoint.tag,
            "context_length": endpoint.context_length,
            "max_completion_tokens": endpoint.max_output,
            "max_prompt_tokens": endpoint.max_prompt_tokens,
            "pricing": pricing(Some(endpoint)),
            "quantization": endpoint.quantization.as_str(),
            "supported_parameters": endpoint.supported_parameters,
            "supports_implicit_caching": endpoint.implicit_caching,
            "supports_tool_choice": endpoint.tool_choice,
            "supports_diarization": false,
            "native_tools": {},
            "service_tier": endpoint.service_tier,
            "status": status,
            "uptime_last_5m": null,
            "uptime_last_30m": null,
            "uptime_last_1d": null,
            "latency_last_30m": null,
            "throughput_last_30m": null,
        })
    }

    /// The whole answer for one model.
    #[must_use]
    pub fn endpoints_answer(&self, model: &Model) -> Value {
        json!({
            "data": {
                "id": model.slug,
                "name": model.name,
                "created": model.created,
                "description": model.description,
                "architecture": architecture(model),
                "endpoints": self.endpoints_of(model).map(|e| self.endpoint_row(e)).collect::<Vec<_>>(),
            }
        })
    }
}
