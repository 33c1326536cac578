//! The writer's side: one task that takes whatever is queued and writes it at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Poll, Waker};

use parking_lot::Mutex;
use portolan_ledger::Entry;
use tokio::sync::Notify;

use super::{Append, Position, Segments};
use crate::dir::DataDir;
use crate::fold::{Batch, Encoded, Inbox, Item};
use crate::{Durability, JournalError, Options};

/// The journal, open for appending. Whoever owns the tasks spawns [`Journal::run`] once; appends wait until then.
#[derive(Debug)]
pub struct Journal {
    queue: Mutex<Queue>,
    /// The last ticket that is written.
    written: AtomicU64,
    /// Wakes the writer when it has nothing to do.
    wake: Notify,
    segments: Mutex<Option<Segments>>,
    durability: Durability,
    pending_bytes_max: usize,
    fold: Arc<Inbox>,
    /// While a write may be under way, nobody else may open the directory.
    _dir: Arc<DataDir>,
}

#[derive(Debug, Default)]
struct Queue {
    lines: Vec<u8>,
    items: Vec<Item>,
    /// The last ticket given out.
    last: u64,
    waiters: Vec<(u64, Waker)>,
    /// Appenders that found the queue full. As many as there are requests, which the gateway bounds.
    blocked: Vec<Waker>,
    idle: bool,
    closing: bool,
    failed: Option<JournalError>,
}

/// What goes in one write.
struct Gathered {
    lines: Vec<u8>,
    items: Vec<Item>,
    last: u64,
    waiters: Vec<(u64, Waker)>,
}

impl Journal {
    pub(crate) fn new(segments: Segments, options: &Options, fold: Arc<Inbox>, dir: Arc<DataDir>) -> Self {
        Self {
            queue: Mutex::default(),
            written: AtomicU64::new(0),
            wake: Notify::new(),
            segments: Mutex::new(Some(segments)),
            durability: options.durability,
            pending_bytes_max: options.pending_bytes_max,
            fold,
            _dir: dir,
        }
    }

    /// Appends an entry; it is encoded here and now. The future is ready when the line is written (under
    /// [`Durability::Disk`]: and synced). Until [`Journal::run`] runs, it waits.
    ///
    /// # Errors
    /// When the journal failed or is closed. The entry must then count as not written.
    pub fn append(&self, entry: &Entry) -> Append<'_> {
        Append::new(self, Encoded::of(entry))
    }

    /// Whether appends are taken.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let queue = self.queue.lock();
        queue.failed.is_none() && !queue.closing
    }

    /// Writes until the journal is closed. Ends at once when it runs already.
    pub async fn run(self: Arc<Self>) {
        let Some(mut segments) = self.segments.lock().take() else { return };
        let mut spare = Vec::new();
        loop {
            if !self.wait_for_lines().await {
                break;
            }
            // Whoever woke this task runs before the others that are ready; behind them, all their lines go in one write.
            tokio::task::yield_now().await;
            let gathered = self.gather(std::mem::take(&mut spare));
            let (written, lines, back) = write(segments, gathered.lines, self.durability).await;
            let Some(back) = back else { return self.fail("the writing thread ended", gathered.waiters) };
            segments = back;
            match written {
                Ok(from) => self.acknowledge(from, segments.end(), gathered.items, gathered.last, gathered.waiters),
                Err(error) => return self.fail(&error.to_string(), gathered.waiters),
            }
            spare = lines;
            // A burst must not keep its memory for ever.
            if spare.capacity() > 1 << 20 {
                spare = Vec::new();
            }
            spare.clear();
        }
        *self.segments.lock() = Some(segments);
    }

    /// Takes no more entries; [`Journal::run`] ends when what is queued is written.
    pub fn close(&self) {
        self.queue.lock().closing = true;
        self.wake.notify_one();
    }

    /// Queues a line and answers its ticket. `Ok(None)`: the queue is full, and the waker is woken when it is not.
    pub(super) fn queue(&self, encoded: &mut Option<Encoded>, waker: &Waker) -> Result<Option<u64>, JournalError> {
        let Some(line) = encoded.as_ref().map(Encoded::line) else { return Err(JournalError::Closed) };
        let mut queue = self.queue.lock();
        if let Some(error) = &queue.failed {
            return Err(error.clone());
        }
        if queue.closing {
            return Err(JournalError::Closed);
        }
        if !queue.lines.is_empty() && queue.lines.len() + line.bytes().len() > self.pending_bytes_max {
            queue.blocked.push(waker.clone());
            return Ok(None);
        }
        queue.lines.extend_from_slice(line.bytes());
        queue.items.extend(encoded.take().map(Encoded::into_item));
        queue.last += 1;
        let ticket = queue.last;
        queue.waiters.push((ticket, waker.clone()));
        if std::mem::take(&mut queue.idle) {
            drop(queue);
            self.wake.notify_one();
        }
        Ok(Some(ticket))
    }

    pub(super) fn poll_written(&self, ticket: u64, registered: &mut Waker, current: &Waker) -> Poll<Result<(), JournalError>> {
        if self.written.load(Ordering::Acquire) >= ticket {
            return Poll::Ready(Ok(()));
        }
        let mut queue = self.queue.lock();
        // Again under the lock: the writer counts up before it takes the waiters.
        if self.written.load(Ordering::Acquire) >= ticket {
            return Poll::Ready(Ok(()));
        }
        if let Some(error) = &queue.failed {
            return Poll::Ready(Err(error.clone()));
        }
        if !registered.will_wake(current) {
            registered.clone_from(current);
            queue.waiters.push((ticket, current.clone()));
        }
        Poll::Pending
    }

    /// Whether there is something to write; waits for it. `false`: closed, and everything is written.
    async fn wait_for_lines(&self) -> bool {
        loop {
            {
                let mut queue = self.queue.lock();
                if !queue.lines.is_empty() {
                    return true;
                }
                if queue.closing {
                    return false;
                }
                queue.idle = true;
            }
            self.wake.notified().await;
        }
    }

    fn gather(&self, spare: Vec<u8>) -> Gathered {
        let mut queue = self.queue.lock();
        let blocked = std::mem::take(&mut queue.blocked);
        let gathered = Gathered {
            lines: std::mem::replace(&mut queue.lines, spare),
            items: std::mem::take(&mut queue.items),
            last: queue.last,
            waiters: std::mem::take(&mut queue.waiters),
        };
        drop(queue);
        blocked.into_iter().for_each(Waker::wake);
        gathered
    }

    fn acknowledge(&self, from: Position, to: Position, items: Vec<Item>, last: u64, waiters: Vec<(u64, Waker)>) {
        // Handed on before anyone is told: a flush that follows an acknowledged append finds it.
        self.fold.push(Batch { from, to, items });
        self.written.store(last, Ordering::Release);
        let late: Vec<_> = {
            let mut queue = self.queue.lock();
            if queue.waiters.iter().any(|(ticket, _)| *ticket <= last) {
                queue.waiters.extract_if(.., |(ticket, _)| *ticket <= last).collect()
            } else {
                Vec::new()
            }
        };
        waiters.into_iter().chain(late).for_each(|(_, waker)| waker.wake());
    }

    fn fail(&self, problem: &str, waiters: Vec<(u64, Waker)>) {
        tracing::error!(journal.error = problem, "the journal cannot be written: requests are refused until a restart");
        let (late, blocked) = {
            let mut queue = self.queue.lock();
            queue.failed = Some(JournalError::Failed(problem.into()));
            (std::mem::take(&mut queue.waiters), std::mem::take(&mut queue.blocked))
        };
        waiters.into_iter().chain(late).map(|(_, waker)| waker).chain(blocked).for_each(Waker::wake);
    }
}

/// Into the page cache it is a matter of microseconds, less than handing it to another thread; a sync is not.
async fn write(mut segments: Segments, lines: Vec<u8>, durability: Durability) -> (std::io::Result<Position>, Vec<u8>, Option<Segments>) {
    let work = move || {
        let written = segments.write(&lines);
        (written, lines, Some(segments))
    };
    match durability {
        Durability::Process => work(),
        Durability::Disk => match tokio::task::spawn_blocking(work).await {
            Ok(done) => done,
            Err(_) => (Err(std::io::ErrorKind::Other.into()), Vec::new(), None),
        },
    }
}
