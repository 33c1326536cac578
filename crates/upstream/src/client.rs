//! Sends calls over pooled connections.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::Response;
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use portolan_core::Fault;
use rustls::pki_types::CertificateDer;

use crate::base::Transport;
use crate::connector::{Connector, Dialer};
use crate::in_process::PipeConnector;
use crate::{Call, Egress, InProcess, Resolver, Segments, SystemResolver, UpstreamError, fault, tls};

/// What hyper reads ahead, and within a factor of two (it looks before each read) what an answer's head may weigh; a head
/// holds at most 100 headers, hyper's default.
/// Also most of what a stream costs whose caller reads slowly.
const READ_BYTES_MAX: usize = 64 * 1024;

/// How a [`Client`] connects.
pub struct ClientOptions {
    /// Which addresses it may connect to.
    pub egress: Egress,
    /// Name, TCP and TLS together.
    pub connect_timeout: Duration,
    /// Connections kept open per origin while nothing uses them; more are closed when they fall idle.
    pub pool_idle_per_host_max: usize,
    /// How long an idle connection is kept. Load balancers commonly close at 60 s; we are to be first.
    pub pool_idle_timeout: Duration,
    /// Certificates trusted beside the system's.
    pub extra_roots: Vec<CertificateDer<'static>>,
    /// Who resolves names.
    pub resolver: Arc<dyn Resolver>,
    /// The service of this process, if it has one.
    pub in_process: Option<InProcess>,
}

impl ClientOptions {
    /// The defaults, with these rules.
    #[must_use]
    pub fn new(egress: Egress) -> Self {
        Self {
            egress,
            connect_timeout: Duration::from_secs(2),
            // A busy gateway holds about as many connections to a provider as it has streams open to it.
            pool_idle_per_host_max: 1024,
            pool_idle_timeout: Duration::from_secs(50),
            extra_roots: Vec::new(),
            resolver: Arc::new(SystemResolver),
            in_process: None,
        }
    }
}

/// The only thing that opens outbound connections. One per process, so that there is one pool.
pub struct Client {
    network: legacy::Client<Connector, Segments>,
    /// Apart from the network, so that no URL can lead to it.
    in_process: Option<(&'static str, legacy::Client<PipeConnector, Segments>)>,
}

impl Client {
    /// A client with an empty pool. Nothing connects until the first call.
    ///
    /// # Errors
    /// Extra roots that are no certificates.
    pub fn new(options: ClientOptions) -> Result<Self, UpstreamError> {
        let mut builder = legacy::Client::builder(TokioExecutor::new());
        builder
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(options.pool_idle_timeout)
            .pool_max_idle_per_host(options.pool_idle_per_host_max)
            .http1_max_buf_size(READ_BYTES_MAX)
            // Every request brings its own.
            .set_host(false)
            // hyper repeats only what it hands back whole: a request of which no byte was taken for writing.
            .retry_canceled_requests(true);
        let dialer = Dialer {
            egress: options.egress,
            resolver: options.resolver,
            tls: tls::connector(&options.extra_roots)?,
            connect_timeout: options.connect_timeout,
        };
        let in_process = options.in_process.map(|service| (service.authority, builder.build(PipeConnector(service))));
        Ok(Self { network: builder.build(Connector(Arc::new(dialer))), in_process })
    }

    /// Sends a call and waits for the head of the answer, whatever its status. Dropping the future, or the
    /// answer before its end, closes the connection, and with it the request at the provider.
    ///
    /// # Errors
    /// The fault, when there is no answer: egress refused, no connection in time, a broken connection, no HTTP.
    pub async fn send(&self, call: Call) -> Result<Response<Incoming>, Fault> {
        let target = Arc::clone(&call.target);
        let origin = target.base().origin();
        let request = call.into_request()?;
        let answer = match (origin.transport(), &self.in_process) {
            (Transport::Http | Transport::Https, _) => self.network.request(request),
            (Transport::InProcess, Some((authority, pipes))) if *authority == origin.host() => pipes.request(request),
            (Transport::InProcess, _) => return Err(fault::internal(format!("there is no service {} in this process", origin.host()))),
        };
        answer.await.map_err(|error| fault::exchange(origin.host(), &error))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}
