//! A service inside this process (the simulator), spoken to over a pipe in place of a socket.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::io::DuplexStream;
use tower::Service;

use crate::connector::ConnectFault;
use crate::stream::Stream;

/// What one direction of a pipe holds before its writer waits: like a socket's buffer, and what a slow reader costs.
const PIPE_BYTES_MAX: usize = 64 * 1024;

/// Serves the calls whose base is [`crate::Base::in_process`] with this authority. No other call reaches it.
#[derive(Clone)]
pub struct InProcess {
    /// The name, such as `simulator.internal`.
    pub authority: &'static str,
    /// Takes the far end of each new connection and speaks HTTP/1.1 on it, in a task of its own; must not block.
    pub serve: Arc<dyn Fn(DuplexStream) + Send + Sync>,
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InProcess({})", self.authority)
    }
}

/// The connector of a client of its own: connections of the network and pipes never share a pool.
#[derive(Clone)]
pub(crate) struct PipeConnector(pub(crate) InProcess);

impl Service<Uri> for PipeConnector {
    type Response = Stream;
    type Error = ConnectFault;
    type Future = std::future::Ready<Result<Stream, ConnectFault>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectFault>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let (near, far) = tokio::io::duplex(PIPE_BYTES_MAX);
        (self.0.serve)(far);
        std::future::ready(Ok(Stream::Pipe(TokioIo::new(near))))
    }
}
