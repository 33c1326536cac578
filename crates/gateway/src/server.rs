//! Serving a router on a listener: limits per connection, graceful end.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use portolan_engine::Tasks;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tower::Service;

/// After a connection that could not be accepted, before the next try.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What a server bears.
#[derive(Debug, Clone, Copy)]
pub struct ServerLimits {
    /// Connections open at a time; further ones wait to be accepted.
    pub connections_max: usize,
    /// From the first byte of a request's head to its last: slow senders are cut.
    pub header_time_max: Duration,
    /// What is read ahead of a request's head and body.
    pub read_bytes_max: usize,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self { connections_max: 65_536, header_time_max: Duration::from_secs(10), read_bytes_max: 128 * 1024 }
    }
}

/// Where connections come from.
pub enum Listener {
    /// The network.
    Tcp(TcpListener),
    /// This machine's administrators.
    Unix(UnixListener),
}

enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Listener {
    async fn accept(&self) -> std::io::Result<Socket> {
        match self {
            Listener::Tcp(listener) => {
                let (socket, _) = listener.accept().await?;
                // Every token is a small write; none may wait for the one before it to be acknowledged.
                let _ = socket.set_nodelay(true);
                Ok(Socket::Tcp(socket))
            }
            Listener::Unix(listener) => listener.accept().await.map(|(socket, _)| Socket::Unix(socket)),
        }
    }
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self::Tcp(listener)
    }
}

impl From<UnixListener> for Listener {
    fn from(listener: UnixListener) -> Self {
        Self::Unix(listener)
    }
}

/// Serves until `stop`: then no connection is accepted, idle ones close, and those at work finish what they do.
pub async fn serve<S>(listener: impl Into<Listener>, service: S, limits: ServerLimits, tasks: Tasks, stop: CancellationToken)
where
    S: Service<Request<Body>, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let listener = listener.into();
    let places = Arc::new(Semaphore::new(limits.connections_max));
    loop {
        // Also when every place is taken: a listener that waits for one ends like any other.
        let place = tokio::select! { place = Arc::clone(&places).acquire_owned() => place, () = stop.cancelled() => return };
        let Ok(place) = place else { return };
        let accepted = tokio::select! { accepted = listener.accept() => accepted, () = stop.cancelled() => return };
        let (service, stop) = (service.clone(), stop.clone());
        match accepted {
            Ok(Socket::Tcp(socket)) => tasks.spawn("connection", connection(socket, service, limits, stop, place)),
            Ok(Socket::Unix(socket)) => tasks.spawn("connection", connection(socket, service, limits, stop, place)),
            Err(error) => {
                // Out of file descriptors, as a rule: a moment later some are free.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Serves one connection to its end; `_place` is free again when it is over.
async fn connection<I, S>(socket: I, service: S, limits: ServerLimits, stop: CancellationToken, _place: OwnedSemaphorePermit)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Body>, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let service = service_fn(move |request: Request<Incoming>| service.clone().call(request.map(Body::new)));
    let serving = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_time_max)
        .max_buf_size(limits.read_bytes_max)
        .serve_connection(TokioIo::new(socket), service);
    let mut serving = std::pin::pin!(serving);
    tokio::select! {
        _ = serving.as_mut() => {}
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            let _ = serving.await;
        }
    }
}
