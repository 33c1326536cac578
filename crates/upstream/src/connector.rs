//! Opens a connection: resolve, vet every answer, connect to a vetted address, encrypt.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::rt::TokioIo;
use portolan_core::Fault;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tower::Service;

use crate::base::literal;
use crate::stream::Stream;
use crate::{Egress, Resolver, fault};

/// Of a name with more addresses than this, the others are vetted but not tried: each gets a share of the connect timeout.
const ADDRESSES_TRIED_MAX: usize = 4;

/// A fault on its way through hyper's error type.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ConnectFault(pub(crate) Fault);

#[derive(Clone)]
pub(crate) struct Connector(pub(crate) Arc<Dialer>);

pub(crate) struct Dialer {
    pub(crate) egress: Egress,
    pub(crate) resolver: Arc<dyn Resolver>,
    pub(crate) tls: TlsConnector,
    pub(crate) connect_timeout: Duration,
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = ConnectFault;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, ConnectFault>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectFault>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let dialer = Arc::clone(&self.0);
        Box::pin(async move { dialer.connect(&uri).await.map_err(ConnectFault) })
    }
}

impl Dialer {
    async fn connect(&self, uri: &Uri) -> Result<Stream, Fault> {
        let deadline = Instant::now() + self.connect_timeout;
        let host = uri.host().unwrap_or_default();
        let encrypted = uri.scheme() == Some(&http::uri::Scheme::HTTPS);
        let port = uri.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
        let establish = async {
            let addresses = self.vetted(host, port).await?;
            let tcp = tcp(host, &addresses, deadline).await?;
            if encrypted { self.encrypt(host, tcp).await } else { Ok(Stream::Plain(TokioIo::new(tcp))) }
        };
        timeout_at(deadline, establish).await.unwrap_or_else(|_| Err(fault::connect_timeout(host, self.connect_timeout)))
    }

    /// The addresses of a host, if all of them are permitted. A name that mixes permitted and refused ones is
    /// somebody's attempt at rebinding, or a rule too few: both are refused whole.
    async fn vetted(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Fault> {
        let addresses = match literal(host) {
            Some(ip) => vec![SocketAddr::new(ip, port)],
            None => self.resolver.resolve(host, port).await.map_err(|error| fault::unresolved(host, &error))?,
        };
        for address in &addresses {
            self.egress.vet(*address).map_err(|refusal| fault::refused(host, &refusal))?;
        }
        Ok(addresses)
    }

    async fn encrypt(&self, host: &str, tcp: TcpStream) -> Result<Stream, Fault> {
        let name = match literal(host) {
            Some(ip) => ServerName::from(ip),
            None => ServerName::try_from(host.to_owned()).map_err(|error| fault::tls(host, &error))?,
        };
        let stream = self.tls.connect(name, tcp).await.map_err(|error| fault::tls(host, &error))?;
        Ok(Stream::Tls(Box::new(TokioIo::new(stream))))
    }
}

/// Tries the addresses in turn. Each may take an even share of the time that is left, so that one that
/// swallows packets does not cost the others their turn.
async fn tcp(host: &str, addresses: &[SocketAddr], deadline: Instant) -> Result<TcpStream, Fault> {
    let tried = &addresses[..addresses.len().min(ADDRESSES_TRIED_MAX)];
    let mut last = None;
    for (left, address) in (1..=tried.len()).rev().zip(tried) {
        let now = Instant::now();
        let share = deadline.saturating_duration_since(now) / u32::try_from(left).expect("at most ADDRESSES_TRIED_MAX");
        match timeout_at(now + share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Small frames must not wait for the acknowledgement of the frame before.
                stream.set_nodelay(true).map_err(|error| fault::unreachable(host, *address, &error))?;
                return Ok(stream);
            }
            Ok(Err(error)) => last = Some((*address, error)),
            Err(_) => last = Some((*address, io::Error::from(io::ErrorKind::TimedOut))),
        }
    }
    Err(match last {
        Some((address, error)) => fault::unreachable(host, address, &error),
        None => fault::unresolved(host, &io::Error::from(io::ErrorKind::NotFound)),
    })
}
