//! What waits for the fold's thread.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::Item;
use crate::StoreError;
use crate::journal::Position;

/// About 30 MB of records. What does not fit is read from the file later.
const ITEMS_MAX: usize = 32_768;
/// Time for a transaction to gather rows: it costs the same for one and for hundreds. Nobody waits for it; a flush cuts it short.
const PAUSE: Duration = Duration::from_millis(100);
/// Rows worth a transaction at once, some 2 MB: gathering more would save little time and cost memory.
const GATHERED_MAX: usize = 1024;
/// Between tries while the database refuses.
const RETRY: Duration = Duration::from_secs(1);

/// What one write of the journal held.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) from: Position,
    pub(crate) to: Position,
    pub(crate) items: Vec<Item>,
}

/// A change that the thread makes on its connection.
pub(crate) type Job = Box<dyn FnOnce(&mut Connection) + Send>;
/// Who waits for the fold.
pub(crate) type Flush = oneshot::Sender<Result<(), Arc<str>>>;

/// The inbox of the fold's thread.
#[derive(Debug)]
pub(crate) struct Inbox {
    queue: Mutex<Queue>,
    wake: Condvar,
}

struct Queue {
    batches: VecDeque<Batch>,
    items: usize,
    /// One for each management request under way, which waits for it: as few as those.
    jobs: Vec<Job>,
    flushes: Vec<Flush>,
    written: Position,
    folded: Position,
    /// Nobody needs waking while the thread is at work or pauses.
    idle: bool,
    /// The thread pauses to gather rows.
    gathering: bool,
    stop: bool,
    stopped: bool,
    failure: Option<Arc<str>>,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue")
            .field("items", &self.items)
            .field("written", &self.written)
            .field("folded", &self.folded)
            .finish_non_exhaustive()
    }
}

/// What the thread takes at once.
pub(crate) struct Work {
    pub(crate) batches: VecDeque<Batch>,
    pub(crate) jobs: Vec<Job>,
    pub(crate) flushes: Vec<Flush>,
    pub(crate) written: Position,
    pub(crate) stop: bool,
}

/// How far the fold is.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    pub(crate) written: Position,
    pub(crate) folded: Position,
    pub(crate) failure: Option<Arc<str>>,
}

impl Queue {
    fn urgent(&self) -> bool {
        self.stop || !self.jobs.is_empty() || !self.flushes.is_empty()
    }

    fn behind(&self) -> bool {
        !self.batches.is_empty() || self.written > self.folded
    }
}

impl Inbox {
    pub(crate) fn new(at: Position) -> Self {
        let queue = Queue {
            batches: VecDeque::new(),
            items: 0,
            jobs: Vec::new(),
            flushes: Vec::new(),
            written: at,
            folded: at,
            idle: false,
            gathering: false,
            stop: false,
            stopped: false,
            failure: None,
        };
        Self { queue: Mutex::new(queue), wake: Condvar::new() }
    }

    /// Hands over what was written. Never waits.
    pub(crate) fn push(&self, batch: Batch) {
        let mut queue = self.queue.lock();
        queue.written = batch.to;
        if queue.items + batch.items.len() <= ITEMS_MAX {
            queue.items += batch.items.len();
            queue.batches.push_back(batch);
        }
        let wakes = std::mem::take(&mut queue.idle) || (queue.gathering && queue.items >= GATHERED_MAX);
        drop(queue);
        if wakes {
            self.wake.notify_one();
        }
    }

    /// Answers when everything that was handed over before is folded.
    pub(crate) async fn flush(&self) -> Result<(), StoreError> {
        let (done, wait) = oneshot::channel();
        self.urge(|queue| queue.flushes.push(done))?;
        match wait.await {
            Ok(folded) => folded.map_err(StoreError::Unfolded),
            Err(_) => Err(StoreError::Closed),
        }
    }

    /// Has the thread do a job.
    pub(crate) fn submit(&self, job: Job) -> Result<(), StoreError> {
        self.urge(|queue| queue.jobs.push(job))
    }

    /// Ends the thread, once it has folded what it can.
    pub(crate) fn stop(&self) {
        let _ = self.urge(|queue| queue.stop = true);
    }

    pub(crate) fn progress(&self) -> Progress {
        let queue = self.queue.lock();
        Progress { written: queue.written, folded: queue.folded, failure: queue.failure.clone() }
    }

    fn urge(&self, change: impl FnOnce(&mut Queue)) -> Result<(), StoreError> {
        let mut queue = self.queue.lock();
        if queue.stopped {
            return Err(StoreError::Closed);
        }
        change(&mut queue);
        queue.idle = false;
        drop(queue);
        self.wake.notify_one();
        Ok(())
    }

    /// For the thread: waits until there is something worth a transaction.
    pub(crate) fn wait(&self) -> Work {
        let mut queue = self.queue.lock();
        while !queue.urgent() && !queue.behind() {
            queue.idle = true;
            self.wake.wait(&mut queue);
        }
        queue.idle = false;
        let (pause, most) = if queue.failure.is_some() { (RETRY, ITEMS_MAX) } else { (PAUSE, GATHERED_MAX) };
        queue.gathering = true;
        self.wake.wait_while_for(&mut queue, |queue| !queue.urgent() && queue.items < most, pause);
        queue.gathering = false;
        queue.items = 0;
        Work {
            batches: std::mem::take(&mut queue.batches),
            jobs: std::mem::take(&mut queue.jobs),
            flushes: std::mem::take(&mut queue.flushes),
            written: queue.written,
            stop: queue.stop,
        }
    }

    /// For the thread: how it went.
    pub(crate) fn report(&self, folded: Position, failure: Option<Arc<str>>) {
        let mut queue = self.queue.lock();
        queue.folded = folded;
        queue.failure = failure;
    }

    /// For the thread: it takes nothing more. What is still waiting is dropped, which its senders see.
    pub(crate) fn stopped(&self) {
        let mut queue = self.queue.lock();
        queue.stopped = true;
        queue.jobs.clear();
        queue.flushes.clear();
        queue.batches.clear();
    }
}
