//! Asking a source. No credential is sent, no redirect is followed, the rules of the way out hold.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use portolan_catalog::Catalog;
use portolan_catalog::sync::{OpenRouterAnswers, Source, SyncError, Synced, read_models_dev};
use portolan_core::ModelSlug;
use portolan_upstream::{Base, Call, Client, Credential, Segments, Target};

/// Some ten times the largest answer of today.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// Of one answer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(60);
/// Of all answers together: some hundred for OpenRouter.
const SYNC_TIME_MAX: Duration = Duration::from_mins(5);

/// After this all is read again, whatever the ETag says: OpenRouter's is that of its list of models, and an endpoint may change alone.
const WHOLE_AFTER_SECONDS: i64 = 86_400;

/// What a source answers.
pub(super) enum Answer {
    NotModified,
    Text { text: String, etag: Option<String> },
}

/// The catalog of a source. `None`: it is the one of `last`.
///
/// # Errors
/// Why there is none, in words.
pub(super) async fn fetch(
    client: &Client,
    source: Source,
    url: &str,
    last: Option<Arc<Synced>>,
    now: i64,
) -> Result<Option<Synced>, String> {
    let base = Arc::new(Base::parse(url).map_err(|e| e.to_string())?);
    let same = last.filter(|last| last.source == source && last.url == url);
    let etag = same.as_ref().filter(|last| now - last.fetched_at < WHOLE_AFTER_SECONDS).and_then(|last| last.etag.clone());
    let all = async {
        match source {
            Source::OpenRouter => openrouter(client, &base, etag, same, now).await,
            Source::ModelsDev => models_dev(client, &base, etag, now).await,
        }
    };
    let synced = tokio::time::timeout(SYNC_TIME_MAX, all).await.map_err(|_| format!("{url} took longer than five minutes"))??;
    Ok(synced.map(|synced| Synced { url: url.to_owned(), ..synced }))
}

async fn models_dev(client: &Client, base: &Arc<Base>, etag: Option<String>, now: i64) -> Result<Option<Synced>, String> {
    match get(client, base, "/api.json", None, etag).await? {
        Answer::NotModified => Ok(None),
        Answer::Text { text, etag } => apart(move || read_models_dev(&text, &Catalog::builtin(), now, etag)).await.map(Some),
    }
}

async fn openrouter(
    client: &Client,
    base: &Arc<Base>,
    etag: Option<String>,
    last: Option<Arc<Synced>>,
    now: i64,
) -> Result<Option<Synced>, String> {
    let Answer::Text { text: models, etag } = get(client, base, "/models", Some("output_modalities=all"), etag).await? else {
        return Ok(None);
    };
    let slugs = OpenRouterAnswers::slugs(&models).map_err(|e| e.to_string())?;
    let (endpoints, missing) = endpoints(client, base, "/models", &slugs).await;
    if missing.len() * 2 > slugs.len() {
        return Err(format!("{} of {} models: their endpoints could not be read", missing.len(), slugs.len()));
    }
    let optional = async |path| match get(client, base, path, None, None).await {
        Ok(Answer::Text { text, .. }) => Some(text),
        _ => None,
    };
    let (zdr, providers) = (optional("/endpoints/zdr").await, optional("/providers").await);
    let (images, videos) = (optional("/images/models").await, optional("/videos/models").await);
    let image_slugs = images.as_deref().map(OpenRouterAnswers::image_slugs).unwrap_or_default();
    let (image_endpoints, _) = self::endpoints(client, base, "/images/models", &(&slugs & &image_slugs)).await;
    let read = move || {
        let answers = OpenRouterAnswers {
            models: &models,
            endpoints: &endpoints,
            zdr: zdr.as_deref(),
            providers: providers.as_deref(),
            images: images.as_deref(),
            image_endpoints: &image_endpoints,
            videos: videos.as_deref(),
        };
        let synced = answers.read(now, etag)?;
        Ok::<_, SyncError>(match last {
            Some(last) => synced.with_missing_from(&last, &missing),
            None => synced,
        })
    };
    apart(read).await.map(Some)
}

/// The endpoints of every model in this list, four questions at a time, and the models whose endpoints did not come.
async fn endpoints(
    client: &Client,
    base: &Arc<Base>,
    list: &str,
    slugs: &BTreeSet<ModelSlug>,
) -> (Vec<(ModelSlug, String)>, BTreeSet<ModelSlug>) {
    let open = Mutex::new(slugs.iter());
    let next = || open.lock().unwrap_or_else(PoisonError::into_inner).next();
    let asker = async || {
        let (mut found, mut missing) = (Vec::new(), BTreeSet::new());
        while let Some(slug) = next() {
            match get(client, base, &format!("{list}/{slug}/endpoints"), None, None).await {
                Ok(Answer::Text { text, .. }) => found.push((slug.clone(), text)),
                _ => {
                    missing.insert(slug.clone());
                }
            }
        }
        (found, missing)
    };
    let (a, b, c, d) = tokio::join!(asker(), asker(), asker(), asker());
    let mut all = (Vec::new(), BTreeSet::new());
    for (found, missing) in [a, b, c, d] {
        all.0.extend(found);
        all.1.extend(missing);
    }
    all
}

/// Reading some megabytes, or making a catalog, takes tens of milliseconds, which no stream is to wait for.
pub(super) async fn apart<T: Send + 'static, E: Display + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, String> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|e| format!("reading it failed: {e}"))?.map_err(|e| e.to_string())
}

async fn get(client: &Client, base: &Arc<Base>, path: &str, query: Option<&str>, etag: Option<String>) -> Result<Answer, String> {
    let target = match query {
        Some(query) => Target::with_query(base, path, query),
        None => Target::new(base, path),
    };
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    if let Some(etag) = etag.and_then(|etag| HeaderValue::try_from(etag).ok()) {
        headers.insert(header::IF_NONE_MATCH, etag);
    }
    let target = Arc::new(target.map_err(|e| e.to_string())?);
    let credential = Arc::new(Credential::none());
    send(client, Call { target, method: Method::GET, headers, body: Segments::default(), credential }).await
}

/// Sends one question and reads the whole answer.
pub(super) async fn send(client: &Client, call: Call) -> Result<Answer, String> {
    let place = call.target.uri().to_string();
    let exchange = async {
        let response = client.send(call).await.map_err(|fault| fault.message)?;
        let etag = response.headers().get(header::ETAG).and_then(|etag| etag.to_str().ok()).map(str::to_owned);
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_MODIFIED => return Ok(Answer::NotModified),
            status if status.is_redirection() => return Err(format!("{place} answers {status}, and redirects are not followed")),
            status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                return Err(format!("{place} answers {status}: the credential is missing, wrong, or has no right to ask this"));
            }
            status => return Err(format!("{place} answers {status}")),
        }
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await.map_err(|e| format!("{place}: {e}"))?;
        let text = String::from_utf8(body.to_bytes().into()).map_err(|_| format!("{place}: the answer is not UTF-8"))?;
        Ok(Answer::Text { text, etag })
    };
    tokio::time::timeout(ANSWER_TIME_MAX, exchange).await.map_err(|_| format!("{place} took longer than a minute"))?
}
