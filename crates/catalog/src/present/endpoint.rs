//! Rows of `GET /models/{author}/{slug}/endpoints` and `GET /endpoints/zdr`.

use portolan_core::Percentiles;
use serde_json::{Value, json};

use super::model::architecture;
use super::pricing::pricing;
use crate::{Catalog, Endpoint, EndpointIx, Model};

/// What our own traffic tells of an endpoint. `None`: too little traffic to tell.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct EndpointStats {
    /// How often it answered well in the last 5 minutes, in percent.
    pub uptime_5m: Option<f64>,
    /// The same for 30 minutes.
    pub uptime_30m: Option<f64>,
    /// The same for a day.
    pub uptime_1d: Option<f64>,
    /// Milliseconds to the first token, last 30 minutes.
    pub latency_30m: Option<Percentiles>,
    /// Tokens per second, last 30 minutes.
    pub throughput_30m: Option<Percentiles>,
}

impl EndpointStats {
    /// What a caller without a key is shown: whether it is up, and not how fast it is.
    #[must_use]
    pub fn without_speed(self) -> Self {
        Self { latency_30m: None, throughput_30m: None, ..self }
    }
}

impl Catalog {
    /// One endpoint, with what was measured of it.
    #[must_use]
    pub fn endpoint_row(&self, endpoint: &Endpoint, stats: Option<EndpointStats>) -> Value {
        let (model, provider) = (self.model_at(endpoint.model), self.provider(endpoint.provider));
        let stats = stats.unwrap_or_default();
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
            "uptime_last_5m": stats.uptime_5m,
            "uptime_last_30m": stats.uptime_30m,
            "uptime_last_1d": stats.uptime_1d,
            "latency_last_30m": percentiles(stats.latency_30m),
            "throughput_last_30m": percentiles(stats.throughput_30m),
        })
    }

    /// The whole answer for one model. `stats` tells what was measured of an endpoint.
    #[must_use]
    pub fn endpoints_answer(&self, model: &Model, stats: impl Fn(EndpointIx) -> Option<EndpointStats>) -> Value {
        let endpoints = self.endpoints_of(model).map(|e| self.endpoint_row(e, stats(e.ix))).collect();
        endpoints_of(model, model.slug.as_str(), endpoints)
    }

    /// The answer for a variant that the catalog has no entry of: the model's own columns, and nobody who serves it.
    #[must_use]
    pub fn no_endpoints_answer(&self, model: &Model, variant: &str) -> Value {
        endpoints_of(model, variant, Vec::new())
    }

    /// The whole answer of `GET /endpoints/zdr`: where zero data retention is a fact.
    #[must_use]
    pub fn zdr_answer(&self, stats: impl Fn(EndpointIx) -> Option<EndpointStats>) -> Value {
        let rows: Vec<Value> = self.endpoints.iter().filter(|e| e.zdr).map(|e| self.endpoint_row(e, stats(e.ix))).collect();
        json!({ "data": rows })
    }
}

fn endpoints_of(model: &Model, slug: &str, endpoints: Vec<Value>) -> Value {
    json!({
        "data": {
            "id": slug,
            "name": model.name,
            "created": model.created,
            "description": model.description,
            "architecture": architecture(model),
            "endpoints": endpoints,
        }
    })
}

/// All four or none: OpenRouter's clients require each of them to be a number.
fn percentiles(known: Option<Percentiles>) -> Value {
    match known {
        Some(Percentiles { p50: Some(p50), p75: Some(p75), p90: Some(p90), p99: Some(p99) }) => {
            json!({ "p50": p50, "p75": p75, "p90": p90, "p99": p99 })
        }
        _ => Value::Null,
    }
}
