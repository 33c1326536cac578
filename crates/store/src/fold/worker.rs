//! The thread that folds.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use portolan_core::GenerationId;
use portolan_ledger::Entry;
use rusqlite::Connection;

use super::{Batch, Inbox, Item, Row};
use crate::StoreError;
use crate::journal::{Line, Position, Tail, delete_before, read, segment_path};
use crate::sql::{Cursor, fold_rows};

/// Rows of one transaction: enough that its own cost vanishes, few enough that a key change behind it does not wait.
const ROWS_MAX: usize = 4096;

/// Folds the journal into the database.
#[derive(Debug)]
pub(crate) struct Worker {
    connection: Connection,
    journal: PathBuf,
    /// What the database says.
    cursor: Cursor,
    /// How far the staged rows go.
    reached: Position,
    staged: Vec<Row>,
    /// Where the generations were opened that have not closed yet (where the write began that held the entry).
    open: HashMap<GenerationId, Position>,
    /// The segment in which old segments were last deleted.
    retired_in: u64,
}

impl Worker {
    pub(crate) fn new(connection: Connection, journal: PathBuf, cursor: Cursor) -> Self {
        Self {
            connection,
            journal,
            cursor,
            reached: cursor.folded,
            staged: Vec::new(),
            open: HashMap::new(),
            retired_in: cursor.folded.segment,
        }
    }

    pub(crate) fn cursor(&self) -> Cursor {
        self.cursor
    }

    pub(crate) fn journal(&self) -> &Path {
        &self.journal
    }

    pub(crate) fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// Works until it is stopped.
    pub(crate) fn run(mut self, inbox: &Inbox) {
        loop {
            let work = inbox.wait();
            for job in work.jobs {
                job(&mut self.connection);
            }
            let result = self.fold(work.batches, work.written).map_err(|error| {
                // What was staged is still in the file: it is read from there at the next try.
                self.staged.clear();
                self.reached = self.cursor.folded;
                tracing::error!(store.error = %error, "the journal could not be folded; it is tried again");
                Arc::<str>::from(error.to_string())
            });
            inbox.report(self.cursor.folded, result.clone().err());
            for flush in work.flushes {
                let _ = flush.send(result.clone());
            }
            if work.stop {
                return inbox.stopped();
            }
        }
    }

    fn fold(&mut self, batches: VecDeque<Batch>, written: Position) -> Result<(), StoreError> {
        for batch in batches {
            if batch.to <= self.reached {
                continue;
            }
            // The inbox was full, or the segment changed: what lies between is in the file.
            if batch.from != self.reached {
                self.catch_up(batch.from)?;
            }
            for item in batch.items {
                self.stage(item, batch.from);
            }
            self.reached = batch.to;
            if self.staged.len() >= ROWS_MAX {
                self.commit()?;
            }
        }
        if self.reached < written {
            self.catch_up(written)?;
        }
        self.commit()?;
        if self.retired_in != self.cursor.folded.segment { self.retire() } else { Ok(()) }
    }

    fn catch_up(&mut self, to: Position) -> Result<(), StoreError> {
        let journal = self.journal.clone();
        read(&journal, self.reached, Tail::Whole(to), |from, end, line| {
            let entry = parse(&journal, from, &line)?;
            self.replay(entry, line, from, end)
        })?;
        self.reached = to;
        Ok(())
    }

    /// Takes an entry that was read from the file.
    pub(crate) fn replay(&mut self, entry: Entry, line: Line, from: Position, end: Position) -> Result<(), StoreError> {
        match entry {
            Entry::Opened(opened) => self.stage(Item::Opened(opened.id), from),
            Entry::Extended(_) => {}
            Entry::Closed(generation) => self.stage(Item::Closed(Box::new(Row::of(&generation, line))), from),
        }
        self.reached = end;
        if self.staged.len() >= ROWS_MAX { self.commit() } else { Ok(()) }
    }

    fn stage(&mut self, item: Item, from: Position) {
        match item {
            Item::Opened(id) => {
                self.open.entry(id).or_insert(from);
            }
            Item::Closed(row) => {
                self.open.remove(&row.id);
                self.staged.push(*row);
            }
        }
    }

    /// Remembers a generation that was opened before the cursor.
    pub(crate) fn track(&mut self, entry: &Entry, from: Position) {
        match entry {
            Entry::Opened(opened) | Entry::Extended(opened) => {
                self.open.entry(opened.id.clone()).or_insert(from);
            }
            Entry::Closed(generation) => {
                self.open.remove(&generation.id);
            }
        }
    }

    /// Passes over a part of the journal that is lost, but was folded before.
    pub(crate) fn skip_to(&mut self, to: Position) {
        self.reached = to;
    }

    pub(crate) fn commit(&mut self) -> Result<(), StoreError> {
        if self.reached == self.cursor.folded {
            return Ok(());
        }
        let cursor = Cursor { folded: self.reached, ..self.cursor };
        fold_rows(&mut self.connection, &self.staged, cursor)?;
        self.cursor = cursor;
        self.staged.clear();
        Ok(())
    }

    /// Deletes the segments that no restart needs, but for one.
    pub(crate) fn retire(&mut self) -> Result<(), StoreError> {
        let oldest = self.open.values().copied().min().unwrap_or(self.cursor.folded).min(self.cursor.folded);
        let cursor = Cursor { oldest, ..self.cursor };
        fold_rows(&mut self.connection, &[], cursor)?;
        self.cursor = cursor;
        self.retired_in = cursor.folded.segment;
        delete_before(&self.journal, oldest.segment.saturating_sub(1))
    }
}

/// The entry of a line whose checksum fits.
pub(crate) fn parse(journal: &Path, from: Position, line: &Line) -> Result<Entry, StoreError> {
    line.entry().map_err(|e| StoreError::Corrupt {
        path: segment_path(journal, from.segment),
        offset: from.offset,
        problem: format!("the entry is not understood ({e})"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold::Encoded;
    use crate::journal::Segments;
    use crate::{Durability, sql};
    use portolan_core::UnixMillis;

    fn closed(n: usize) -> Entry {
        let record = format!(
            r#"{{"id":"gen-1-0000000000000000000{n}","t":1,"k":"{:064}","w":"w","rq":[],"m":"m","p":"p","e":"p","end":"completed","s":200,
            "a":[],"ep":1,"sd":1,"u":{{}},"co":1,"ch":1,"pv":1,"h":[[1,1]],"l":{{"tt":1,"gw":1}}}}"#,
            0
        );
        Entry::Closed(serde_json::from_str(&record).unwrap())
    }

    #[test]
    fn what_the_inbox_had_no_room_for_is_read_from_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let mut connection = sql::open_writer(&dir.path().join("db")).unwrap();
        sql::migrate(&mut connection, UnixMillis(0)).unwrap();
        let cursor = sql::cursor(&connection).unwrap();
        let mut worker = Worker::new(connection, dir.path().to_owned(), cursor);
        // Small segments: the gaps reach across them.
        let mut segments = Segments::open(dir.path(), Position::START, 700, Durability::Process).unwrap();
        let mut batches: Vec<Batch> = (0..8)
            .map(|n| {
                let encoded = Encoded::of(&closed(n)).unwrap();
                let from = segments.write(encoded.line().bytes()).unwrap();
                Batch { from, to: segments.end(), items: vec![encoded.into_item()] }
            })
            .collect();
        assert!(segments.end().segment > 2);
        // There was no room for the first two, one in the middle and the last two.
        let kept: VecDeque<Batch> = batches.drain(..).enumerate().filter(|(n, _)| [2, 3, 5].contains(n)).map(|(_, batch)| batch).collect();
        worker.fold(kept, segments.end()).unwrap();
        let count = |worker: &mut Worker, sql: &str| worker.connection().query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(count(&mut worker, "SELECT COUNT(*) FROM generations"), 8);
        assert_eq!(count(&mut worker, "SELECT settled FROM accounts WHERE id = 1"), 8_000_000_000);
        assert_eq!(worker.cursor().folded, segments.end());
    }
}
