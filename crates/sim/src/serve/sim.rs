//! The simulator and its connections.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::route::handle;
use super::wire::Wire;
use crate::ledger::{Ledger, LedgerView};
use crate::random::Ids;

/// Connections at once. More than a load test opens, and fewer than would take the machine's memory.
const CONNECTIONS_MAX: usize = 65_536;
/// Pause after a failed accept: the usual cause is too many open files, which only time cures.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How a simulator answers where the shape does not say.
#[derive(Debug, Clone, Default)]
pub struct SimOptions {
    /// Content follows from it, together with the model and the last user message.
    pub seed: u64,
    /// A request without credential gets the provider's 401.
    pub require_credential: bool,
    /// Time before the headers of every answer of a model; `lN` overrides it.
    pub latency: Duration,
    /// Time between chunks of content; `dN` overrides it.
    pub chunk_delay: Duration,
}

/// A simulated provider. Clones share one ledger.
#[derive(Debug, Clone)]
pub struct Sim(pub(super) Arc<State>);

/// What all connections share.
#[derive(Debug)]
pub(super) struct State {
    pub(super) options: SimOptions,
    pub(super) ledger: Ledger,
    pub(super) ids: Ids,
}

impl Sim {
    /// A simulator with an empty ledger.
    #[must_use]
    pub fn new(options: SimOptions) -> Sim {
        Sim(Arc::new(State { options, ledger: Ledger::default(), ids: Ids::new() }))
    }

    /// What was served so far.
    #[must_use]
    pub fn ledger(&self) -> LedgerView {
        self.0.ledger.view()
    }

    /// Serves one connection to its end: TCP, or a duplex stream in process.
    pub async fn serve_connection<I>(&self, io: I)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let severed = Arc::new(AtomicBool::new(false));
        let io = TokioIo::new(Wire::new(io, Arc::clone(&severed)));
        let service = service_fn(|request: Request<Incoming>| handle(Arc::clone(&self.0), Arc::clone(&severed), request));
        let served = hyper::server::conn::http1::Builder::new().timer(TokioTimer::new()).serve_connection(io, service).await;
        if let Err(error) = served {
            // Simulated cuts and clients that hang up come here; both are what was asked for.
            tracing::debug!(%error, "a connection of the simulator ended early");
        }
    }

    /// Accepts connections until `shutdown`, then ends all that are open.
    pub async fn serve(&self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let mut connections: JoinSet<()> = JoinSet::new();
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                Some(ended) = connections.join_next(), if !connections.is_empty() => report_panic(ended),
                accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                    Ok((stream, _)) => self.spawn(&mut connections, stream),
                    Err(error) => {
                        tracing::warn!(%error, "the simulator could not accept a connection");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        connections.shutdown().await;
    }

    fn spawn(&self, connections: &mut JoinSet<()>, stream: TcpStream) {
        // Without it the kernel would join small frames, and their pace would be lost.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY is not available");
        }
        let sim = self.clone();
        connections.spawn(async move { sim.serve_connection(stream).await });
    }
}

fn report_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a connection of the simulator panicked");
    }
}
