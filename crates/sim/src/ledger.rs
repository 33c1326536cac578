//! What the simulator served, request by request: the ground truth that an accounting proof is held against.
//!
//! A request is here from the moment it is accepted, and its counts grow as chunks are handed to the connection, so that a
//! reader sees partial service after a kill. Counts are atomics: one lock per request, none per chunk.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU64, Ordering};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::dialect::Dialect;
use crate::usage::Usage;

/// Requests kept one by one. Older ones leave the list and stay in the totals; 200,000 are about 60 MB.
const REQUESTS_MAX: usize = 200_000;

macro_rules! ends {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// How a request ended.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[repr(u8)]
        pub enum End { $($(#[$doc])* $name,)* }

        impl End {
            const ALL: [End; [$(stringify!($name),)*].len()] = [$(End::$name,)*];
        }
    };
}

ends! {
    /// Not yet: it is being served.
    Open,
    /// Served to its end, with finish marker.
    Completed,
    /// Answered with an error, in the status, the body or an event of the stream.
    Error,
    /// Found wrong by the simulator's own checks (400, 401, 413): the sender has a defect.
    Refused,
    /// The connection was closed on purpose, without an end of the answer.
    Cut,
    /// The body ended cleanly, without a finish marker.
    Eof,
    /// A malformed frame or body was sent.
    Garbled,
    /// The answer stopped on purpose, with the connection open.
    Hang,
    /// The client went away first, or the simulator was stopped.
    HungUp,
}

/// The ledger as `GET /sim/ledger` shows it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct LedgerView {
    /// The latest requests, oldest first.
    pub requests: Vec<ServedRequest>,
    /// Sums over all requests since the start or the last reset, also of those no longer listed.
    pub totals: Totals,
}

/// One request and what was served for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedRequest {
    /// The response id that the answer carries.
    pub id: String,
    /// The wire dialect: `openai_chat` or `anthropic`.
    pub dialect: String,
    /// The model as it was asked for.
    pub model: String,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// HTTP status of the answer; 0 before there is one.
    pub status: u16,
    /// Input tokens, including what came from or went to the cache. Counted when the answer's headers are sent.
    pub input_tokens: u64,
    /// Of these, read from the cache.
    pub cache_read_tokens: u64,
    /// Of these, written to the cache.
    pub cache_write_tokens: u64,
    /// Of the cache writes, those kept for an hour.
    pub cache_write_1h_tokens: u64,
    /// Output tokens handed to the connection so far, including reasoning. An answer that is not streamed counts whole.
    pub output_tokens: u64,
    /// Of these, reasoning.
    pub reasoning_tokens: u64,
    /// Bytes of the response body handed to the connection so far.
    pub bytes: u64,
    /// How it ended.
    pub end: End,
}

/// Sums over requests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Requests accepted.
    pub requests: u64,
    /// Input tokens, cache included.
    pub input_tokens: u64,
    /// Of these, read from the cache.
    pub cache_read_tokens: u64,
    /// Of these, written to the cache.
    pub cache_write_tokens: u64,
    /// Output tokens, reasoning included.
    pub output_tokens: u64,
    /// Of these, reasoning.
    pub reasoning_tokens: u64,
    /// Bytes of response bodies.
    pub bytes: u64,
    /// Requests by their end; an end that none had is absent.
    pub ends: BTreeMap<End, u64>,
    /// Requests that came to the target of a simulated redirect: following one is a defect of the client.
    pub redirects_followed: u64,
}

#[derive(Debug, Default)]
struct Counts {
    input: AtomicU64,
    cache_read: AtomicU64,
    cache_write: AtomicU64,
    cache_write_1h: AtomicU64,
    output: AtomicU64,
    reasoning: AtomicU64,
    bytes: AtomicU64,
}

#[derive(Debug)]
struct Entry {
    id: String,
    dialect: Dialect,
    model: String,
    stream: bool,
    status: AtomicU16,
    end: AtomicU8,
    counts: Counts,
}

/// The state between two resets. What was open at a reset goes on counting in the old one.
#[derive(Debug, Default)]
struct Book {
    requests: Mutex<VecDeque<Arc<Entry>>>,
    accepted: AtomicU64,
    totals: Counts,
    ends: [AtomicU64; End::ALL.len()],
    redirects_followed: AtomicU64,
}

/// All requests of one simulator.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    book: Mutex<Arc<Book>>,
}

impl Ledger {
    /// Enters a request that was just accepted.
    pub(crate) fn open(&self, id: String, dialect: Dialect, model: String, stream: bool) -> Receipt {
        let book = Arc::clone(&self.book.lock());
        let entry = Arc::new(Entry {
            id,
            dialect,
            model,
            stream,
            status: AtomicU16::new(0),
            end: AtomicU8::new(End::Open as u8),
            counts: Counts::default(),
        });
        book.accepted.fetch_add(1, Ordering::Relaxed);
        book.ends[End::Open as usize].fetch_add(1, Ordering::Relaxed);
        {
            let mut requests = book.requests.lock();
            if requests.len() == REQUESTS_MAX {
                requests.pop_front();
            }
            requests.push_back(Arc::clone(&entry));
        }
        Receipt { entry, book }
    }

    /// Forgets everything.
    pub(crate) fn reset(&self) {
        *self.book.lock() = Arc::new(Book::default());
    }

    /// Notes that a client followed a redirect.
    pub(crate) fn redirect_followed(&self) {
        self.book.lock().redirects_followed.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn view(&self) -> LedgerView {
        let book = Arc::clone(&self.book.lock());
        let entries: Vec<Arc<Entry>> = book.requests.lock().iter().cloned().collect();
        LedgerView { requests: entries.iter().map(|entry| entry.view()).collect(), totals: book.totals() }
    }
}

impl Book {
    fn totals(&self) -> Totals {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Totals {
            requests: read(&self.accepted),
            input_tokens: read(&self.totals.input),
            cache_read_tokens: read(&self.totals.cache_read),
            cache_write_tokens: read(&self.totals.cache_write),
            output_tokens: read(&self.totals.output),
            reasoning_tokens: read(&self.totals.reasoning),
            bytes: read(&self.totals.bytes),
            ends: End::ALL.into_iter().map(|end| (end, read(&self.ends[end as usize]))).filter(|(_, count)| *count > 0).collect(),
            redirects_followed: read(&self.redirects_followed),
        }
    }
}

impl Entry {
    fn view(&self) -> ServedRequest {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        ServedRequest {
            id: self.id.clone(),
            dialect: self.dialect.name().to_owned(),
            model: self.model.clone(),
            stream: self.stream,
            status: self.status.load(Ordering::Relaxed),
            input_tokens: read(&self.counts.input),
            cache_read_tokens: read(&self.counts.cache_read),
            cache_write_tokens: read(&self.counts.cache_write),
            cache_write_1h_tokens: read(&self.counts.cache_write_1h),
            output_tokens: read(&self.counts.output),
            reasoning_tokens: read(&self.counts.reasoning),
            bytes: read(&self.counts.bytes),
            end: End::ALL.get(usize::from(self.end.load(Ordering::Relaxed))).copied().unwrap_or(End::Open),
        }
    }
}

/// The right to add to one entry. Dropping it while the entry is open means that the client is gone.
#[derive(Debug)]
pub(crate) struct Receipt {
    entry: Arc<Entry>,
    book: Arc<Book>,
}

impl Receipt {
    /// The answer's headers are about to be sent.
    pub(crate) fn answered(&self, status: u16) {
        self.entry.status.store(status, Ordering::Relaxed);
    }

    /// The model has read the input.
    pub(crate) fn read_input(&self, usage: &Usage) {
        for counts in [&self.entry.counts, &self.book.totals] {
            counts.input.fetch_add(usage.input, Ordering::Relaxed);
            counts.cache_read.fetch_add(usage.cache_read, Ordering::Relaxed);
            counts.cache_write.fetch_add(usage.cache_write(), Ordering::Relaxed);
            counts.cache_write_1h.fetch_add(usage.cache_write_1h, Ordering::Relaxed);
        }
    }

    /// Output was handed to the connection.
    pub(crate) fn served(&self, output: u64, reasoning: u64) {
        for counts in [&self.entry.counts, &self.book.totals] {
            counts.output.fetch_add(output, Ordering::Relaxed);
            counts.reasoning.fetch_add(reasoning, Ordering::Relaxed);
        }
    }

    /// Bytes of the body were handed to the connection.
    pub(crate) fn wrote(&self, bytes: usize) {
        for counts in [&self.entry.counts, &self.book.totals] {
            counts.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        }
    }

    /// Closes the entry. The first end stays: what happens after it is its consequence.
    pub(crate) fn end(&self, end: End) {
        let open = End::Open as u8;
        if self.entry.end.compare_exchange(open, end as u8, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.book.ends[usize::from(open)].fetch_sub(1, Ordering::Relaxed);
            self.book.ends[end as usize].fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        self.end(End::HungUp);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(ledger: &Ledger, id: usize) -> Receipt {
        ledger.open(id.to_string(), Dialect::OpenAiChat, "sim".to_owned(), true)
    }

    #[test]
    fn totals_keep_what_the_list_has_let_go() {
        let ledger = Ledger::default();
        let first = open(&ledger, 0);
        for id in 1..=REQUESTS_MAX {
            open(&ledger, id).end(End::Completed);
        }
        first.served(3, 1);
        first.end(End::Completed);
        let view = ledger.view();
        assert_eq!(view.requests.len(), REQUESTS_MAX);
        assert_eq!(view.requests[0].id, "1");
        assert_eq!((view.totals.requests, view.totals.output_tokens), (REQUESTS_MAX as u64 + 1, 3));
        assert_eq!(view.totals.ends, BTreeMap::from([(End::Completed, REQUESTS_MAX as u64 + 1)]));
    }

    #[test]
    fn a_dropped_receipt_is_a_client_that_hung_up_unless_it_ended_before() {
        let ledger = Ledger::default();
        drop(open(&ledger, 0));
        let hanging = open(&ledger, 1);
        hanging.end(End::Hang);
        drop(hanging);
        let ends: Vec<End> = ledger.view().requests.iter().map(|request| request.end).collect();
        assert_eq!(ends, [End::HungUp, End::Hang]);
    }

    #[test]
    fn what_is_open_at_a_reset_does_not_count_afterwards() {
        let ledger = Ledger::default();
        let before = open(&ledger, 0);
        ledger.reset();
        before.served(5, 0);
        drop(before);
        assert!(ledger.view().requests.is_empty());
        assert_eq!(ledger.view().totals, Totals::default());
    }
}
