//! Requests to the running server, over its admin socket, or to a router in this process.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;
use tower::ServiceExt;

use super::exit::{CliError, ExitCode};
use super::host::Host;
use crate::config::Config;

/// An answer is a page of a list or one object. More would be no answer of ours.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Everything on the socket is local. A proof over a large journal takes longest.
const TIMEOUT: Duration = Duration::from_secs(600);

/// Who answers the requests of the command line.
#[derive(Debug)]
pub(super) enum Admin {
    /// A running server.
    Socket(PathBuf),
    /// The same routes, in this process.
    Local(axum::Router),
}

/// An answer that was no refusal.
#[derive(Debug)]
pub(super) struct Answer {
    /// As it was sent: what is printed for machines, with all digits.
    pub(super) text: String,
    /// The same, read. `Null` where it is no JSON (a 204 has no body).
    pub(super) value: Value,
}

impl Admin {
    /// The server that runs on the data directory, else what the host opens.
    pub(super) async fn open(host: &impl Host, config: &Config) -> Result<Self, CliError> {
        let path = config.admin_socket();
        match UnixStream::connect(&path).await {
            Ok(_) => Ok(Self::Socket(path)),
            // A socket that refuses is what a killed server leaves behind.
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
                host.open_admin(config).await.map(Self::Local)
            }
            Err(e) => Err(unreachable(&path, &e)),
        }
    }

    /// Sends one request.
    ///
    /// # Errors
    /// When nobody answers, and when the answer is a refusal.
    pub(super) async fn call(&self, method: Method, path: &str, body: Option<Bytes>) -> Result<Answer, CliError> {
        let exchange = async {
            match self {
                Self::Socket(socket) => by_socket(socket, request(method, path, body)?).await,
                Self::Local(router) => {
                    let response = router.clone().oneshot(request(method, path, body)?.map(Body::new)).await;
                    collect(response.unwrap_or_else(|never| match never {})).await
                }
            }
        };
        let (status, bytes) = tokio::time::timeout(TIMEOUT, exchange).await.map_err(|_| failed("the server does not answer"))??;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let value = serde_json::from_str(&text).unwrap_or(Value::Null);
        if status.is_success() { Ok(Answer { text, value }) } else { Err(CliError::refused(status, &value)) }
    }
}

fn request(method: Method, path: &str, body: Option<Bytes>) -> Result<Request<Full<Bytes>>, CliError> {
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "portolan")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(body.unwrap_or_default()))
        .map_err(|e| failed(format!("`{path}` is no path: {e}")))
}

async fn by_socket(socket: &Path, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), CliError> {
    let stream = UnixStream::connect(socket).await.map_err(|e| unreachable(socket, &e))?;
    let broken = |e: hyper::Error| failed(format!("the server broke off: {e}"));
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let exchange = async move {
        let response = sender.send_request(request).await.map_err(broken)?;
        collect(response).await
    };
    // The connection ends once the exchange has dropped its sender. A fault of it reaches the exchange as well.
    let (answer, _) = tokio::join!(exchange, connection);
    answer
}

async fn collect<B>(response: http::Response<B>) -> Result<(StatusCode, Bytes), CliError>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let status = response.status();
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
    body.map(|body| (status, body.to_bytes())).map_err(|e| failed(format!("the answer cannot be read: {e}")))
}

fn failed(message: impl Into<String>) -> CliError {
    CliError::new(ExitCode::Failure, message)
}

fn unreachable(path: &Path, error: &std::io::Error) -> CliError {
    let message = format!("the admin socket {} cannot be reached: {error}", path.display());
    match error.kind() {
        ErrorKind::PermissionDenied => {
            CliError::new(ExitCode::Authentication, message).hint("the server runs as another user; run this command as that user")
        }
        ErrorKind::InvalidInput => failed(message).hint("its path is too long for a socket; choose a shorter --data-dir"),
        _ => failed(message),
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::{get, post};

    use super::*;

    fn router() -> Router {
        let refusal = || async { (StatusCode::NOT_FOUND, r#"{"error": {"code": 404, "message": "no such key"}}"#) };
        let echo = |body: String| async move { (StatusCode::CREATED, body) };
        Router::new().route("/refusal", get(refusal)).route("/echo", post(echo))
    }

    async fn behaves(admin: &Admin) {
        let answer = admin.call(Method::POST, "/echo?a=b", Some(Bytes::from_static(b"{\"cost\": 0.000000001}"))).await.unwrap();
        assert_eq!(answer.text, "{\"cost\": 0.000000001}");
        assert_eq!(answer.value["cost"].as_f64(), Some(1e-9));
        let error = admin.call(Method::GET, "/refusal", None).await.unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (ExitCode::NotFound, "no such key"));
    }

    #[tokio::test]
    async fn a_router_in_process_and_a_server_behind_a_socket_answer_alike() {
        behaves(&Admin::Local(router())).await;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("admin.sock");
        let listener = tokio::net::UnixListener::bind(&path).unwrap();
        let admin = Admin::Socket(path);
        tokio::select! {
            () = behaves(&admin) => {}
            served = async { axum::serve(listener, router()).await } => panic!("the server ended: {served:?}"),
        }
    }

    /// A host whose store is the router above.
    struct Stored;

    impl Host for Stored {
        fn builtins(&self) -> Vec<crate::config::BuiltinProvider> {
            Vec::new()
        }

        fn check(&self, _: &Config) -> Result<Vec<String>, crate::config::ConfigError> {
            Ok(Vec::new())
        }

        fn sim_help(&self) -> String {
            String::new()
        }

        async fn serve(&self, _: super::super::Start) -> Result<(), CliError> {
            Ok(())
        }

        async fn sim(&self, _: std::net::SocketAddr) -> Result<(), CliError> {
            Ok(())
        }

        async fn open_admin(&self, _: &Config) -> Result<Router, CliError> {
            Ok(router())
        }
    }

    #[tokio::test]
    async fn the_store_is_opened_only_when_no_server_listens() {
        let dir = tempfile::tempdir().unwrap();
        let flags = crate::config::Flags { data_dir: Some(dir.path().into()), ..Default::default() };
        let config = crate::config::load(&flags, &crate::config::Environment::default(), &[]).unwrap();
        assert!(matches!(Admin::open(&Stored, &config).await.unwrap(), Admin::Local(_)), "there is no socket");
        let listener = tokio::net::UnixListener::bind(config.admin_socket()).unwrap();
        assert!(matches!(Admin::open(&Stored, &config).await.unwrap(), Admin::Socket(_)), "a server listens");
        drop(listener);
        assert!(config.admin_socket().exists());
        assert!(matches!(Admin::open(&Stored, &config).await.unwrap(), Admin::Local(_)), "a killed server left its socket");
    }

    #[tokio::test]
    async fn a_socket_that_is_gone_is_an_error_that_names_it() {
        let error = Admin::Socket("/nowhere/admin.sock".into()).call(Method::GET, "/keys", None).await.unwrap_err();
        assert!(error.message.contains("/nowhere/admin.sock"), "{error}");
    }
}
