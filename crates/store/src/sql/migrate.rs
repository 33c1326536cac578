//! The schema, step by step. A step is never changed once it has landed.

use portolan_core::UnixMillis;
use rusqlite::{Connection, OptionalExtension};

use crate::StoreError;

const STEPS: &[(i64, &str)] = &[(1, include_str!("../../migrations/0001_init.sql"))];

const KNOWN: i64 = STEPS[STEPS.len() - 1].0;

/// Brings the database to the schema of this program.
pub(crate) fn migrate(connection: &mut Connection, now: UnixMillis) -> Result<(), StoreError> {
    let change = connection.transaction()?;
    change.execute_batch("CREATE TABLE IF NOT EXISTS schema_versions (version BIGINT PRIMARY KEY NOT NULL, applied_at BIGINT NOT NULL)")?;
    let found = version(&change)?;
    if found > KNOWN {
        return Err(StoreError::TooNew { found, known: KNOWN });
    }
    for (version, sql) in STEPS.iter().filter(|(version, _)| *version > found) {
        change.execute_batch(sql)?;
        change.execute("INSERT INTO schema_versions (version, applied_at) VALUES ($1, $2)", (version, now.0))?;
        tracing::info!(schema.version = version, "the database schema was brought up to date");
    }
    Ok(change.commit()?)
}

/// Whether the schema is the one that this program knows.
pub(crate) fn is_current(connection: &Connection) -> bool {
    version(connection).is_ok_and(|found| found == KNOWN)
}

fn version(connection: &Connection) -> Result<i64, StoreError> {
    let found: Option<Option<i64>> = connection.query_row("SELECT MAX(version) FROM schema_versions", [], |row| row.get(0)).optional()?;
    Ok(found.flatten().unwrap_or(0))
}
