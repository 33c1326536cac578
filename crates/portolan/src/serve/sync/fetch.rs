//! Asking a source. No credential is sent, no redirect is followed, the rules of the way out hold.

use std::collections::{BTreeMap, BTreeSet};
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
    /// There is no such thing, in words.
    NotFound(String),
    Text {
        text: String,
        etag: Option<String>,
    },
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
            Source::ModelsDev => models_dev(client, &base, etag, same, now).await,
        }
    };
    let synced = tokio::time::timeout(SYNC_TIME_MAX, all).await.map_err(|_| format!("{url} took longer than five minutes"))??;
    Ok(synced.map(|synced| Synced { url: url.to_owned(), ..synced }))
}

async fn models_dev(
    client: &Client,
    base: &Arc<Base>,
    etag: Option<String>,
    last: Option<Arc<Synced>>,
    now: i64,
) -> Result<Option<Synced>, String> {
    let Answer::Text { text, etag } = get(client, base, "/api.json", None, etag).await? else { return Ok(None) };
    let read =
        move || read_models_dev(&text, &Catalog::builtin(), now, etag).map(|synced| completed(synced, last.as_deref(), &BTreeSet::new()));
    apart(read).await.map(Some)
}

/// With what the source last said, where it leaves something out.
fn completed(synced: Synced, last: Option<&Synced>, missing: &BTreeSet<ModelSlug>) -> Synced {
    match last {
        Some(last) => synced.with_missing_from(last, missing),
        None => synced,
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
    let (endpoints, failed) = endpoints(client, base, "/models", &slugs, OpenRouterAnswers::has_endpoints).await;
    if failed.len() * 2 > slugs.len() {
        return Err(format!("{} of {} models: their endpoints could not be read", failed.len(), slugs.len()));
    }
    let missing: BTreeSet<ModelSlug> = failed.keys().cloned().collect();
    let mut unread: Vec<String> = failed.into_values().collect();
    // An older server has no such list.
    let mut optional = async |path| match ask(client, base, path, None, None).await {
        Ok(Answer::Text { text, .. }) if OpenRouterAnswers::is_list(&text) => Some(text),
        Ok(Answer::NotFound(_)) => None,
        Ok(_) => {
            unread.push(format!("{path}: no answer of the known form"));
            None
        }
        Err(why) => {
            unread.push(naming(path, why));
            None
        }
    };
    let (zdr, providers) = (optional("/endpoints/zdr").await, optional("/providers").await);
    let (images, videos) = (optional("/images/models").await, optional("/videos/models").await);
    let image_slugs = images.as_deref().map(OpenRouterAnswers::image_slugs).unwrap_or_default();
    let slugs = &slugs & &image_slugs;
    let (image_endpoints, failed) = self::endpoints(client, base, "/images/models", &slugs, OpenRouterAnswers::has_image_endpoints).await;
    unread.extend(failed.into_values());
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
        let synced = answers.read(now, etag)?.with_unread(&unread);
        Ok::<_, SyncError>(completed(synced, last.as_deref(), &missing))
    };
    apart(read).await.map(Some)
}

/// The endpoints of every model in this list, four questions at a time, and the models whose endpoints did not come, each with why.
async fn endpoints(
    client: &Client,
    base: &Arc<Base>,
    list: &str,
    slugs: &BTreeSet<ModelSlug>,
    is_right: impl Fn(&str) -> bool,
) -> (Vec<(ModelSlug, String)>, BTreeMap<ModelSlug, String>) {
    let open = Mutex::new(slugs.iter());
    let next = || open.lock().unwrap_or_else(PoisonError::into_inner).next();
    let asker = async || {
        let (mut found, mut missing) = (Vec::new(), BTreeMap::new());
        while let Some(slug) = next() {
            let path = format!("{list}/{slug}/endpoints");
            let why = match get(client, base, &path, None, None).await {
                Ok(Answer::Text { text, .. }) if is_right(&text) => {
                    found.push((slug.clone(), text));
                    continue;
                }
                Ok(Answer::Text { .. }) => format!("{path}: no answer of the known form"),
                Ok(_) => format!("{path} answers 304 to a question without a condition"),
                Err(why) => naming(&path, why),
            };
            missing.insert(slug.clone(), why);
        }
        (found, missing)
    };
    let (a, b, c, d) = tokio::join!(asker(), asker(), asker(), asker());
    let mut all = (Vec::new(), BTreeMap::new());
    for (found, missing) in [a, b, c, d] {
        all.0.extend(found);
        all.1.extend(missing);
    }
    all
}

/// An error that tells what was asked for.
fn naming(path: &str, why: String) -> String {
    if why.contains(path) { why } else { format!("{path}: {why}") }
}

/// Reading some megabytes, or making a catalog, takes tens of milliseconds, which no stream is to wait for.
pub(super) async fn apart<T: Send + 'static, E: Display + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, String> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|e| format!("reading it failed: {e}"))?.map_err(|e| e.to_string())
}

/// What must be there.
async fn get(client: &Client, base: &Arc<Base>, path: &str, query: Option<&str>, etag: Option<String>) -> Result<Answer, String> {
    match ask(client, base, path, query, etag).await {
        Ok(Answer::NotFound(why)) => Err(why),
        other => other,
    }
}

async fn ask(client: &Client, base: &Arc<Base>, path: &str, query: Option<&str>, etag: Option<String>) -> Result<Answer, String> {
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
            status @ StatusCode::NOT_FOUND => return Ok(Answer::NotFound(format!("{place} answers {status}"))),
            status => return Err(format!("{place} answers {status}")),
        }
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await.map_err(|e| format!("{place}: {e}"))?;
        let text = String::from_utf8(body.to_bytes().into()).map_err(|_| format!("{place}: the answer is not UTF-8"))?;
        Ok(Answer::Text { text, etag })
    };
    tokio::time::timeout(ANSWER_TIME_MAX, exchange).await.map_err(|_| format!("{place} took longer than a minute"))?
}
