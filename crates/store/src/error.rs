//! What can go wrong with the store.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has the data directory.
    #[error("the data directory {} is in use by process {pid}; stop that process, or choose another directory with --data-dir", dir.display())]
    Locked {
        /// The directory.
        dir: PathBuf,
        /// Who has it (`unknown`, where it did not say).
        pid: String,
    },
    /// A file could not be used.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(#[from] rusqlite::Error),
    /// The database was written by a newer program.
    #[error("the database has schema version {found}, this program knows {known}: start the newer program, or restore a backup")]
    TooNew {
        /// What is there.
        found: i64,
        /// What we know.
        known: i64,
    },
    /// A journal line is damaged, and entries follow it.
    #[error("the journal {} is damaged at byte {offset}: {problem}; restore the file from a backup, nothing was changed", path.display())]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// Where the damaged line begins.
        offset: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// A row of the database makes no sense.
    #[error("the database holds a {what} that makes no sense: {problem}")]
    Row {
        /// What it is a row of.
        what: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// The journal takes no more.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The journal could not be folded yet; it is tried again.
    #[error("the journal could not be folded: {0}")]
    Unfolded(Arc<str>),
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
}

/// Why an entry is not in the journal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// A write failed; nothing is taken until a restart has found out what is on the disk.
    #[error("the journal cannot be written ({0}); requests are refused until the program is restarted")]
    Failed(Arc<str>),
    /// The entry is longer than a line may be.
    #[error("a journal entry of {0} bytes is too long")]
    TooLong(usize),
    /// The journal is closed.
    #[error("the journal is closed")]
    Closed,
}

impl StoreError {
    pub(crate) fn file(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::File { action, path: path.to_owned(), source }
    }
}
