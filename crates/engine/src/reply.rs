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
use crate::watch::Interrupt;

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
pub(crate) struct Line {
    ends: Ends,
    /// Whether the head of a stream is out. It stays true when the caller hangs up.
    has_begun: bool,
    patience: Patience,
}

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

impl Line {
    /// A line to a caller who may take nothing for `stall_max`; `cut` completes when the gateway must stop.
    pub(crate) fn new(stall_max: Duration, cut: CancellationToken) -> (Self, oneshot::Receiver<Reply>) {
        let (tx, rx) = oneshot::channel();
        let patience = Patience { max: stall_max, spent: Duration::ZERO, cut };
        (Self { ends: Ends::Waiting(tx), has_begun: false, patience }, rx)
    }

    /// How long the answer has waited for its reader.
    pub(crate) fn held_up(&self) -> Duration {
        self.patience.spent
    }

    /// Whether bytes have gone out: an error can then only be told within the stream.
    pub(crate) fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// Ready once the caller has hung up.
    pub(crate) fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.ends {
            Ends::Waiting(tx) => tx.poll_closed(cx),
            Ends::Streaming { gone, .. } => gone.as_mut().poll(cx),
            Ends::Abandoned => Poll::Pending,
            Ends::Closed => Poll::Ready(()),
        }
    }

    /// Sends a part of a stream; the head goes out with the first.
    ///
    /// # Errors
    /// `Gone`, or `Cut` where the gateway stops while the caller does not read: these bytes are then lost.
    pub(crate) async fn send(&mut self, head: &Head, bytes: Bytes) -> Result<(), Interrupt> {
        if matches!(self.ends, Ends::Abandoned) {
            return Ok(());
        }
        self.begin(head)?;
        let Ends::Streaming { tx, .. } = &self.ends else { return Err(Interrupt::Gone) };
        match tx.try_send(bytes) {
            Ok(()) => Ok(()),
            Err(TrySendError::Closed(_)) => Err(self.hang_up()),
            Err(TrySendError::Full(bytes)) => self.wait_and_send(bytes).await,
        }
    }

    async fn wait_and_send(&mut self, bytes: Bytes) -> Result<(), Interrupt> {
        let Ends::Streaming { tx, .. } = &self.ends else { return Err(Interrupt::Gone) };
        let begun = Instant::now();
        let sent = tokio::select! {
            sent = tokio::time::timeout(self.patience.max, tx.send(bytes)) => matches!(sent, Ok(Ok(()))),
            // The line stays open: what follows is the word that the gateway stops, if it finds a place.
            () = self.patience.cut.cancelled() => return Err(Interrupt::Cut),
        };
        self.patience.spent += begun.elapsed();
        if sent { Ok(()) } else { Err(self.hang_up()) }
    }

    fn begin(&mut self, head: &Head) -> Result<(), Interrupt> {
        if !matches!(self.ends, Ends::Waiting(_)) {
            return Ok(());
        }
        let Ends::Waiting(waiting) = std::mem::replace(&mut self.ends, Ends::Closed) else { return Err(Interrupt::Gone) };
        let (tx, rx) = mpsc::channel(MESSAGES_WAITING_MAX);
        waiting.send(Reply::Stream(head.clone(), StreamBody(rx))).map_err(|_| Interrupt::Gone)?;
        self.has_begun = true;
        let watched = tx.clone();
        self.ends = Ends::Streaming { tx, gone: Box::pin(async move { watched.closed().await }) };
        Ok(())
    }

    /// Answers with a whole body or a refusal, where nothing was said yet.
    pub(crate) fn answer(&mut self, reply: Reply) -> Result<(), Interrupt> {
        match std::mem::replace(&mut self.ends, Ends::Closed) {
            Ends::Waiting(tx) => tx.send(reply).map_err(|_| Interrupt::Gone),
            Ends::Streaming { .. } | Ends::Abandoned | Ends::Closed => Err(Interrupt::Gone),
        }
    }

    /// Nobody listens any more; sending goes nowhere and is no error.
    pub(crate) fn abandon(&mut self) {
        self.ends = Ends::Abandoned;
    }

    pub(crate) fn is_closed(&self) -> bool {
        matches!(self.ends, Ends::Abandoned | Ends::Closed)
    }

    fn hang_up(&mut self) -> Interrupt {
        self.ends = Ends::Closed;
        Interrupt::Gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Bytes {
        Bytes::from_static(b"data")
    }

    #[tokio::test]
    async fn a_shutdown_while_the_caller_does_not_read_is_no_hang_up() {
        let cut = CancellationToken::new();
        let (mut line, _unread) = Line::new(Duration::from_secs(60), cut.clone());
        for _ in 0..MESSAGES_WAITING_MAX {
            assert_eq!(line.send(&Head::default(), some()).await, Ok(()));
        }
        cut.cancel();
        assert_eq!(line.send(&Head::default(), some()).await, Err(Interrupt::Cut));
        assert!(!line.is_closed(), "the word that the gateway stops may still find a place");
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_who_takes_nothing_for_the_longest_stall_has_hung_up() {
        let (mut line, _unread) = Line::new(Duration::from_secs(60), CancellationToken::new());
        for _ in 0..MESSAGES_WAITING_MAX {
            assert_eq!(line.send(&Head::default(), some()).await, Ok(()));
        }
        assert_eq!(line.send(&Head::default(), some()).await, Err(Interrupt::Gone));
        assert_eq!((line.held_up(), line.is_closed(), line.has_begun()), (Duration::from_secs(60), true, true));
    }

    #[tokio::test]
    async fn a_caller_who_leaves_before_the_head_of_a_stream_has_seen_no_status() {
        let line = || Line::new(Duration::from_secs(60), CancellationToken::new());
        let (mut read_on, _) = line();
        read_on.abandon();
        let (mut gone, _) = line();
        assert_eq!(gone.send(&Head::default(), some()).await, Err(Interrupt::Gone));
        assert_eq!((read_on.has_begun(), gone.has_begun()), (false, false));
        let (mut began, _unread) = line();
        assert_eq!(began.send(&Head::default(), some()).await, Ok(()));
        began.abandon();
        assert!(began.has_begun());
    }
}
