//! Small facts by name.

use rusqlite::{Connection, OptionalExtension};

use crate::StoreError;

pub(crate) fn meta(connection: &Connection, name: &str) -> Result<Option<String>, StoreError> {
    Ok(connection.query_row("SELECT value FROM meta WHERE name = $1", [name], |row| row.get(0)).optional()?)
}

pub(crate) fn set_meta(connection: &Connection, name: &str, value: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    connection.execute(sql, [name, value])?;
    Ok(())
}
