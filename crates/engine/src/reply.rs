//! What the caller gets: a head, then bytes through a bounded channel.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Frame;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

use crate::Refused;

/// Messages that may wait for a slow caller. Each holds what was ready at one wake-up; beyond that the provider's stream is read no further.
const MESSAGES_WAITING_MAX: usize = 4;

/// What is known when the answer begins.
#[derive(Debug, Clone, Default)]
pub struct Head {
    /// Whether the simulator answers.
    pub simulated: bool,
    /// The output limit, where the gateway lowered it.
    pub lowered_max_tokens: Option<u64>,
}

/// The engine's answer to a request.
pub enum Reply {
    /// A whole JSON answer.
    Body(Head, Bytes),
    /// A stream of server-sent events.
    Stream(Head, StreamBody),
    /// An error, before anything was said.
    Refused(Refused),
}

/// The stream as a response body. Dropping it is how the engine learns that the caller hung up.
pub struct StreamBody(mpsc::Receiver<Bytes>);

impl http_body::Body for StreamBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(cx).map(|bytes| bytes.map(|b| Ok(Frame::data(b))))
    }
}

/// The engine's end of the line to the caller.
pub(crate) struct Line(Ends, Patience);

/// With a caller who reads slower than the provider writes, or not at all.
struct Patience {
    /// One who takes nothing for so long is taken for gone: money is held, and a provider waits.
    max: Duration,
    /// How much time the caller has cost.
    spent: Duration,
    /// Ends the wait at shutdown.
    cut: CancellationToken,
}

enum Ends {
    /// Nothing was said yet.
    Waiting(oneshot::Sender<Reply>),
    /// The head is out. `gone` completes when the other end is dropped.
    Streaming { tx: mpsc::Sender<Bytes>, gone: Pin<Box<dyn Future<Output = ()> + Send>> },
    /// The caller hung up, and what comes is read for its usage only.
    Abandoned,
    /// All was said, or the caller hung up.
    Closed,
}

/// The caller hung up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gone;

impl Line {
    /// A line to a caller who may take nothing for `stall_max`; `cut` completes when the gateway must stop.
    pub(crate) fn new(stall_max: Duration, cut: CancellationToken) -> (Self, oneshot::Receiver<Reply>) {
        let (tx, rx) = oneshot::channel();
        (Self(Ends::Waiting(tx), Patience { max: stall_max, spent: Duration::ZERO, cut }), rx)
    }

    /// How long the answer has waited for its reader.
    pub(crate) fn held_up(&self) -> Duration {
        self.1.spent
    }

    /// Whether bytes have gone out: an error can then only be told within the stream.
    pub(crate) fn has_begun(&self) -> bool {
        !matches!(self.0, Ends::Waiting(_))
    }

    /// Ready once the caller has hung up.
    pub(crate) fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.0 {
            Ends::Waiting(tx) => tx.poll_closed(cx),
            Ends::Streaming { gone, .. } => gone.as_mut().poll(cx),
            Ends::Abandoned => Poll::Pending,
            Ends::Closed => Poll::Ready(()),
        }
    }

    /// Sends a part of a stream; the head goes out with the first.
    pub(crate) async fn send(&mut self, head: &Head, bytes: Bytes) -> Result<(), Gone> {
        if matches!(self.0, Ends::Abandoned) {
            return Ok(());
        }
        self.begin(head)?;
        let Ends::Streaming { tx, .. } = &self.0 else { return Err(Gone) };
        match tx.try_send(bytes) {
            Ok(()) => Ok(()),
            Err(TrySendError::Closed(_)) => Err(self.hang_up()),
            Err(TrySendError::Full(bytes)) => self.wait_and_send(bytes).await,
        }
    }

    async fn wait_and_send(&mut self, bytes: Bytes) -> Result<(), Gone> {
        let Ends::Streaming { tx, .. } = &self.0 else { return Err(Gone) };
        let begun = Instant::now();
        let sent = tokio::select! {
            sent = tokio::time::timeout(self.1.max, tx.send(bytes)) => matches!(sent, Ok(Ok(()))),
            // The line stays open: what follows is the word that the gateway stops, if it finds a place.
            () = self.1.cut.cancelled() => return Err(Gone),
        };
        self.1.spent += begun.elapsed();
        if sent { Ok(()) } else { Err(self.hang_up()) }
    }

    fn begin(&mut self, head: &Head) -> Result<(), Gone> {
        if !matches!(self.0, Ends::Waiting(_)) {
            return Ok(());
        }
        let Ends::Waiting(waiting) = std::mem::replace(&mut self.0, Ends::Closed) else { return Err(Gone) };
        let (tx, rx) = mpsc::channel(MESSAGES_WAITING_MAX);
        waiting.send(Reply::Stream(head.clone(), StreamBody(rx))).map_err(|_| Gone)?;
        let watched = tx.clone();
        self.0 = Ends::Streaming { tx, gone: Box::pin(async move { watched.closed().await }) };
        Ok(())
    }

    /// Answers with a whole body or a refusal, where nothing was said yet.
    pub(crate) fn answer(&mut self, reply: Reply) -> Result<(), Gone> {
        match std::mem::replace(&mut self.0, Ends::Closed) {
            Ends::Waiting(tx) => tx.send(reply).map_err(|_| Gone),
            Ends::Streaming { .. } | Ends::Abandoned | Ends::Closed => Err(Gone),
        }
    }

    /// Nobody listens any more; sending goes nowhere and is no error.
    pub(crate) fn abandon(&mut self) {
        self.0 = Ends::Abandoned;
    }

    pub(crate) fn is_closed(&self) -> bool {
        matches!(self.0, Ends::Abandoned | Ends::Closed)
    }

    fn hang_up(&mut self) -> Gone {
        self.0 = Ends::Closed;
        Gone
    }
}
