//! The appender's side: a future that is ready when its line is written.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::writer::Journal;
use crate::JournalError;
use crate::fold::Encoded;

/// Ready when the entry is in the journal. Its line is queued at the first poll; to drop it later does not take it back.
#[derive(Debug)]
#[must_use = "an entry is only in the journal once this was awaited"]
pub struct Append<'a> {
    journal: &'a Journal,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// Not queued yet; the queue may be full.
    New(Option<Encoded>),
    /// Queued with this ticket; the writer wakes this waker.
    Queued(u64, Waker),
    /// Refused before it was queued.
    Refused(JournalError),
}

impl<'a> Append<'a> {
    pub(super) fn new(journal: &'a Journal, encoded: Result<Encoded, JournalError>) -> Self {
        let stage = match encoded {
            Ok(encoded) => Stage::New(Some(encoded)),
            Err(error) => Stage::Refused(error),
        };
        Self { journal, stage }
    }
}

impl Future for Append<'_> {
    type Output = Result<(), JournalError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let journal = self.journal;
        match &mut self.stage {
            Stage::Refused(error) => Poll::Ready(Err(error.clone())),
            Stage::New(encoded) => match journal.queue(encoded, context.waker()) {
                Ok(Some(ticket)) => {
                    self.stage = Stage::Queued(ticket, context.waker().clone());
                    Poll::Pending
                }
                Ok(None) => Poll::Pending,
                Err(error) => Poll::Ready(Err(error)),
            },
            Stage::Queued(ticket, waker) => journal.poll_written(*ticket, waker, context.waker()),
        }
    }
}
