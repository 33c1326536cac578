//! `GET /generation?id=`

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use portolan_core::{GenerationId, Meter};
use portolan_engine::{Caller, Refused};
use portolan_ledger::{Attempt, End, Generation};
use portolan_tenancy::print_instant;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::auth::Authenticated;
use crate::{ApiError, Gateway};

#[derive(Deserialize)]
pub(crate) struct Asked {
    id: Option<String>,
}

pub(crate) async fn show(
    State(gateway): State<Arc<Gateway>>,
    Authenticated(caller): Authenticated,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(asked) = asked?;
    let id = asked.id.ok_or_else(|| Refused::field("id", "id: name the generation, as ?id=gen-..."))?;
    let generation = find(&gateway, &caller, &id).await?;
    Ok(axum::Json(json!({ "data": view(&gateway, &generation) })).into_response())
}

/// A generation of the caller's workspace. One of another's is not found, as one that never was.
pub(crate) async fn find(gateway: &Gateway, caller: &Caller, id: &str) -> Result<Generation, ApiError> {
    let id = GenerationId::parse(id).map_err(|e| Refused::field("id", format!("id: {e}")))?;
    let generation = gateway.store.generation(&id).await.map_err(|error| {
        tracing::error!(%error, "a generation could not be read");
        Refused::internal()
    })?;
    generation
        .filter(|g| g.workspace == caller.key.scope.workspace)
        .ok_or_else(|| Refused::new(404, "not_found", format!("Generation {id} not found")).into())
}

/// The record in OpenRouter's shape. Every field that its SDKs require is there.
fn view(gateway: &Gateway, generation: &Generation) -> Value {
    let usage = &generation.usage;
    // Those after it were skipped.
    let serving = generation.attempts.iter().rfind(|a| a.model == generation.model && a.endpoint == generation.endpoint);
    let total_ms = generation.latency.total_ms;
    let first_token_ms = generation.latency.first_token_ms.unwrap_or(total_ms);
    let cancelled = matches!(generation.end, End::CallerGoneBeforeContent | End::CallerGoneAfterContent);
    json!({
        "id": generation.id,
        "api_type": "completions",
        "app_id": null,
        "cache_discount": null,
        "cancelled": cancelled,
        "created_at": print_instant(generation.at),
        "data_region": "global",
        "external_user": generation.user,
        "finish_reason": generation.finish,
        "generation_time": total_ms.saturating_sub(first_token_ms),
        "http_referer": generation.app.referer,
        "is_byok": false,
        "latency": first_token_ms,
        "model": serving.and_then(|a| a.served_model.as_deref()).unwrap_or(&generation.model),
        "moderation_latency": null,
        "native_finish_reason": generation.native_finish,
        "native_tokens_cached": usage[Meter::CacheRead],
        "native_tokens_completion": usage.completion_tokens(),
        "native_tokens_completion_images": usage[Meter::OutputImage],
        "native_tokens_prompt": usage.prompt_tokens(),
        "native_tokens_reasoning": usage[Meter::Reasoning],
        "num_fetches": null,
        "num_input_audio_prompt": null,
        "num_media_completion": null,
        "num_media_prompt": null,
        "num_search_results": null,
        "origin": generation.app.referer.clone().unwrap_or_default(),
        "preset_id": null,
        "provider_name": provider_name(gateway, &generation.provider, serving),
        "provider_responses": generation.attempts.iter().map(|a| attempt(gateway, a)).collect::<Vec<_>>(),
        "request_id": generation.trace_id,
        "router": null,
        "service_tier": null,
        "session_id": generation.session,
        "streamed": generation.stream,
        "tokens_completion": usage.completion_tokens(),
        "tokens_prompt": usage.prompt_tokens(),
        "total_cost": generation.charge,
        "upstream_id": serving.and_then(|a| a.upstream_id.clone()),
        "upstream_inference_cost": generation.cost,
        "usage": generation.charge,
        "user_agent": null,
        "web_search_engine": null,
        "workspace_id": generation.workspace,
        "simulated": generation.simulated,
        "end": generation.end,
    })
}

fn attempt(gateway: &Gateway, attempt: &Attempt) -> Value {
    json!({
        "id": attempt.upstream_id,
        "model_permaslug": attempt.served_model.as_deref().unwrap_or(&attempt.model),
        "provider_name": provider_name(gateway, &attempt.provider, Some(attempt)),
        "status": attempt.status,
        "latency": attempt.took_ms,
        "is_byok": false,
    })
}

/// Who served: behind a reseller whom it names, else the provider itself.
fn provider_name(gateway: &Gateway, slug: &str, attempt: Option<&Attempt>) -> Option<String> {
    if let Some(served) = attempt.and_then(|a| a.served_provider.as_ref()) {
        return Some(served.clone());
    }
    gateway.engine.deployment().catalog.provider_by_slug(slug).map(|p| p.name.clone())
}
