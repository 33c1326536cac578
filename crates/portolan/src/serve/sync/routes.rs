//! `/catalog/...` on the admin socket.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use portolan_catalog::Catalog;
use portolan_catalog::sync::{Diff, Source, Synced};
use portolan_engine::{Refused, find_listed, not_a_model};
use portolan_gateway::{ApiError, Gateway};
use portolan_upstream::{Base, Client, UpstreamError};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Live, Outcome, STALE_AFTER_INTERVALS, fetch as source, probe, scheduled, show, url_of};
use crate::config::nearest;
use crate::serve::Instance;
use crate::serve::in_force::InForce;
use crate::serve::layers;

type Answered = Result<Json<Value>, ApiError>;

struct Reach {
    live: Arc<Live>,
    in_force: Arc<InForce>,
    gateway: Arc<Gateway>,
    client: Arc<Client>,
}

/// The routes of the live catalog.
pub(in crate::serve) fn router(instance: &Instance) -> Router {
    let reach = Reach {
        live: instance.live.clone(),
        in_force: instance.in_force.clone(),
        gateway: instance.gateway.clone(),
        client: instance.client.clone(),
    };
    Router::new()
        .route("/catalog", get(list))
        .route("/catalog/models/{author}/{slug}", get(model))
        .route("/catalog/status", get(status))
        .route("/catalog/fetch", post(fetch))
        .route("/catalog/apply", post(apply))
        .route("/catalog/probe", post(probed))
        .with_state(Arc::new(reach))
}

async fn list(State(reach): State<Arc<Reach>>) -> Json<Value> {
    Json(json!({ "data": show::list(&reach.gateway.engine.deployment().catalog) }))
}

async fn model(State(reach): State<Arc<Reach>>, Path((author, slug)): Path<(String, String)>) -> Answered {
    let deployment = reach.gateway.engine.deployment();
    let name = format!("{author}/{slug}");
    let Some(model) = find_listed(&deployment.catalog, &name).map(|listed| listed.model) else {
        return Err(Refused::new(404, "not_found", not_a_model(&deployment.catalog, &name)).into());
    };
    let synced = reach.in_force.now().synced.map(|good| good.synced);
    let below = source::apart(|| show::Below::read(synced)).await.map_err(|error| {
        tracing::error!(%error, "the layers of the catalog were not read");
        Refused::internal()
    })?;
    Ok(Json(json!({ "data": show::model(&deployment, model, &below, reach.gateway.engine.clock().now().day()) })))
}

async fn status(State(reach): State<Arc<Reach>>) -> Answered {
    reach.told().await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    source: Option<Source>,
    url: Option<String>,
    /// Nothing is remembered, not even a failure.
    #[serde(default)]
    dry_run: bool,
}

/// Fetches a catalog and says what it would change. It waits under its name until the next one is fetched.
async fn fetch(State(reach): State<Arc<Reach>>, Json(asked): Json<Asked>) -> Answered {
    let config = reach.in_force.config();
    let source = asked.source.or_else(|| scheduled(&config)).unwrap_or(Source::OpenRouter);
    let url = asked.url.map_or_else(|| url_of(source, &config), |url| url.trim_end_matches('/').to_owned());
    // What is no address of a source is a mistake of who asks, and no sync that failed.
    if let Err(UpstreamError::BaseUrl { reason, .. }) = Base::parse(&url) {
        let reason = if url.contains('@') { "it holds a user name or password, and no credential is sent to a source" } else { reason };
        return Err(Refused::new(400, "invalid_request", format!("the URL of a source cannot be read: {reason}")).into());
    }
    let fetched = reach.live.fetch(source, &url, asked.dry_run, &config).await;
    let outcome = fetched.map_err(|why| Refused::new(502, "provider_unavailable", format!("{}: {why}", source.as_str())))?;
    let (name, synced) = match outcome {
        Outcome::Candidate(name, synced) => (name, synced),
        Outcome::NotModified => {
            if !asked.dry_run {
                reach.refreshed().await?;
            }
            let answer = json!({ "source": source, "url": url, "changed": false, "candidate": null, "diff": Diff::default() });
            return Ok(Json(json!({ "data": answer })));
        }
    };
    let (models, endpoints) = (synced.models.len(), synced.endpoints.len());
    let (skipped, skipped_count) = (synced.skipped.clone(), synced.skipped_count);
    let (unread, unread_count) = (synced.unread.clone(), synced.unread_count);
    let deployment = reach.gateway.engine.deployment();
    let compared = move || layers::with(&synced, &config).map(|after| Diff::between(&deployment.catalog, &after.catalog));
    let diff = source::apart(compared).await.map_err(|e| Refused::new(409, "conflict", e))?;
    Ok(Json(json!({ "data": {
        "source": source,
        "url": url,
        "changed": true,
        "candidate": name,
        "models": models,
        "endpoints": endpoints,
        "skipped": skipped,
        "skipped_count": skipped_count,
        "unread": unread,
        "unread_count": unread_count,
        "diff": diff,
    } })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Chosen {
    candidate: String,
}

/// Stores what was fetched and puts it in force.
async fn apply(State(reach): State<Arc<Reach>>, Json(chosen): Json<Chosen>) -> Answered {
    reach.live.apply(&chosen.candidate).await.map_err(|why| Refused::new(409, "conflict", why))?;
    reach.refreshed().await?;
    reach.told().await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    provider: Option<String>,
}

async fn probed(State(reach): State<Arc<Reach>>, Json(named): Json<Named>) -> Answered {
    let deployment = reach.gateway.engine.deployment();
    if let Some(name) = &named.provider
        && !deployment.catalog.providers.iter().any(|provider| provider.is_named(name))
    {
        let slugs = deployment.catalog.providers.iter().map(|provider| provider.slug.as_str());
        let near = nearest(name, slugs).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        return Err(Refused::new(404, "not_found", format!("no provider is called `{name}`{near}")).into());
    }
    let reports = probe::probe(&reach.client, &deployment, named.provider.as_deref()).await;
    if reports.is_empty() {
        let whose = named.provider.unwrap_or_else(|| "any provider".to_owned());
        return Err(Refused::new(
            404,
            "not_found",
            format!("there is no credential for {whose}, or no endpoint that can be called with it"),
        )
        .into());
    }
    Ok(Json(json!({ "data": reports })))
}

impl Reach {
    async fn refreshed(&self) -> Result<(), Refused> {
        self.in_force.refresh().await.map_err(|e| {
            tracing::error!(error = %e, "the synced catalog was not put in force");
            Refused::internal()
        })
    }

    async fn told(self: Arc<Self>) -> Answered {
        let told = tokio::task::spawn_blocking(move || self.status()).await;
        told.map(|status| Json(json!({ "data": status }))).map_err(|_| Refused::internal().into())
    }

    /// Reads the built-in catalog: not for a task that streams.
    fn status(&self) -> Value {
        let made_from = self.in_force.now();
        let config = &made_from.config;
        let (is_stale, age, problem) = (self.live.is_stale(config), self.live.age(), self.live.problem(&made_from));
        let state = self.live.state();
        let what = match (&made_from.unused, &state.good) {
            (Some(unused), _) => unused.kind,
            (None, None) => "none",
            (None, Some(_)) if is_stale => "stale",
            (None, Some(_)) => "fresh",
        };
        let of = |f: fn(&Synced) -> Value| state.good.as_ref().map(|good| f(&good.synced));
        json!({
            "in_force": if made_from.synced.is_some() { "synced" } else { "builtin" },
            "synced": what,
            "source": of(|s| json!(s.source)),
            "url": of(|s| json!(s.url)),
            "fetched_at": of(|s| json!(s.fetched_at)),
            "checked_at": state.confirmed_at(),
            "age_seconds": age.map(|age| age.as_secs()),
            "models": of(|s| json!(s.models.len())),
            "endpoints": of(|s| json!(s.endpoints.len())),
            "skipped": of(|s| json!(s.skipped_count)),
            "unread": of(|s| json!(s.unread_count)),
            "unread_first": of(|s| json!(s.unread_first())),
            "problem": problem,
            "attestations_unmet": made_from.unmet,
            "failed_at": state.status.failed_at,
            "last_error": state.status.last_error,
            "schedule": config.catalog.sync.as_str(),
            "interval_seconds": config.catalog.interval.as_secs(),
            "stale_after_seconds": config.catalog.interval.as_secs() * u64::from(STALE_AFTER_INTERVALS),
            "builtin_models": Catalog::builtin().models.len(),
        })
    }
}
