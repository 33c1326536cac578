//! Waiting for a provider while keeping an eye on the caller, the clock and the shutdown.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::time::{Duration, Instant, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::reply::{Head, Line};

/// What OpenRouter sends while a caller waits; a comment by the rules of server-sent events.
const KEEP_ALIVE: Bytes = Bytes::from_static(b": OPENROUTER PROCESSING\n\n");

/// Why waiting ended without what was waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interrupt {
    /// The caller hung up.
    Gone,
    /// The deadline of the phase passed.
    Late,
    /// The gateway shuts down.
    Cut,
}

/// The watch over one generation: one timer for the phase, one for keep-alives.
pub(crate) struct Watch {
    deadline: Pin<Box<Sleep>>,
    due: Instant,
    keep_alive: Option<(Duration, Pin<Box<Sleep>>)>,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Watch {
    /// A watch; `keep_alive` for streams only.
    pub(crate) fn new(cut: &CancellationToken, keep_alive: Option<Duration>) -> Self {
        let now = Instant::now();
        Self {
            deadline: Box::pin(tokio::time::sleep_until(now)),
            due: now,
            keep_alive: keep_alive.map(|every| (every, Box::pin(tokio::time::sleep(every)))),
            cut: Box::pin(cut.clone().cancelled_owned()),
        }
    }

    /// Sets the phase's deadline. Cheap: the timer is moved only when it fires too early.
    pub(crate) fn until(&mut self, due: Instant) {
        if due < self.deadline.deadline() {
            self.deadline.as_mut().reset(due);
        }
        self.due = due;
    }

    /// Whether the phase's deadline has passed. [`Watch::wait`] looks only while there is nothing to do.
    pub(crate) fn is_late(&self) -> bool {
        self.due <= Instant::now()
    }

    /// Waits for `work`. While nothing comes, a stream's caller gets comments.
    pub(crate) async fn wait<T>(
        &mut self,
        line: &mut Line,
        head: &Head,
        mut work: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Result<T, Interrupt> {
        loop {
            let woken = poll_fn(|cx| {
                if let Poll::Ready(value) = work(cx) {
                    return Poll::Ready(Woken::Done(value));
                }
                self.poll_interrupt(line, cx)
            })
            .await;
            match woken {
                Woken::Done(value) => return Ok(value),
                Woken::Interrupted(why) => return Err(why),
                Woken::KeepAlive => line.send(head, KEEP_ALIVE).await?,
            }
        }
    }

    fn poll_interrupt<T>(&mut self, line: &mut Line, cx: &mut Context<'_>) -> Poll<Woken<T>> {
        if line.poll_gone(cx).is_ready() {
            return Poll::Ready(Woken::Interrupted(Interrupt::Gone));
        }
        while self.deadline.as_mut().poll(cx).is_ready() {
            if self.is_late() {
                return Poll::Ready(Woken::Interrupted(Interrupt::Late));
            }
            let due = self.due;
            self.deadline.as_mut().reset(due);
        }
        if self.cut.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Woken::Interrupted(Interrupt::Cut));
        }
        if let Some((every, sleep)) = &mut self.keep_alive
            && sleep.as_mut().poll(cx).is_ready()
        {
            sleep.as_mut().reset(Instant::now() + *every);
            return Poll::Ready(Woken::KeepAlive);
        }
        Poll::Pending
    }
}

enum Woken<T> {
    Done(T),
    Interrupted(Interrupt),
    KeepAlive,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waits for something that never comes; answers why it ended, and after how many milliseconds.
    async fn waited(watch: &mut Watch) -> (Interrupt, u128) {
        let (mut line, _reply) = Line::new(Duration::from_secs(60), CancellationToken::new());
        let begun = Instant::now();
        let why = watch.wait(&mut line, &Head::default(), |_| Poll::<()>::Pending).await.unwrap_err();
        (why, begun.elapsed().as_millis())
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_is_moved_counts_where_it_was_moved_to() {
        let mut watch = Watch::new(&CancellationToken::new(), None);
        for (moves, expected) in [(&[50][..], 50), (&[50, 200], 200), (&[200, 50], 50), (&[50, 200, 100], 100)] {
            moves.iter().for_each(|ms| watch.until(Instant::now() + Duration::from_millis(*ms)));
            assert!(!watch.is_late(), "{moves:?}");
            assert_eq!(waited(&mut watch).await, (Interrupt::Late, expected), "{moves:?}");
            assert!(watch.is_late(), "{moves:?}");
        }
    }
}
