//! Connections to the database file.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::StoreError;

/// Only a backup or an inspector can hold the file beside us, and only for moments.
const BUSY: Duration = Duration::from_secs(5);

/// The one connection that writes.
pub(crate) fn open_writer(path: &Path) -> Result<Connection, StoreError> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    // Before the first table: a row with its record fits several times (measured: 2.7 us a row, 3.6 us with pages of 4 KiB).
    connection.pragma_update(None, "page_size", 8192)?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(StoreError::Row { what: "journal mode", problem: format!("`{mode}`, but this file system must allow `wal`") });
    }
    // Survives a crash of the process at any moment. After a power loss the last transactions may be gone, and the journal folds them again.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // Pages: some 32 MB of log before it is copied into the file. The pages at the end of table and index, which every batch changes, are copied less often.
    connection.pragma_update(None, "wal_autocheckpoint", 4000)?;
    // KiB, where negative. The ids of the last minutes and the pages of one batch; it is only taken when used.
    connection.pragma_update(None, "cache_size", -4096)?;
    connection.set_transaction_behavior(TransactionBehavior::Immediate);
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// A connection that only reads. Sees what was committed before its statement.
pub(crate) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pragmas_are_in_force() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("p.db");
        let connection = open_writer(&path).unwrap();
        connection.execute_batch("CREATE TABLE t (n INTEGER)").unwrap();
        let text = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, String>(0));
        let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(text("journal_mode").unwrap(), "wal");
        assert_eq!((number("synchronous"), number("foreign_keys"), number("page_size"), number("busy_timeout")), (1, 1, 8192, 5000));
        assert_eq!(number("cache_size"), -4096);
        let reader = open_reader(&path).unwrap();
        assert!(reader.execute("INSERT INTO t VALUES (1)", []).is_err());
    }
}
