//! Reading generations.

use portolan_core::GenerationId;
use portolan_ledger::Generation;
use rusqlite::{Connection, OptionalExtension, params};

use crate::{GenerationFilter, Order, Page, StoreError};

/// A page is in memory at once: about half a megabyte of records.
const PAGE: usize = 500;

pub(crate) fn generation(connection: &Connection, id: &GenerationId) -> Result<Option<Generation>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT record FROM generations WHERE id = $1")?;
    let found: Option<Vec<u8>> = statement.query_row([id.as_str()], |row| row.get(0)).optional()?;
    found.map(|record| parse(id.as_str(), &record)).transpose()
}

pub(crate) fn generations(connection: &Connection, filter: &GenerationFilter, after: Option<&GenerationId>) -> Result<Page, StoreError> {
    // The order of ids is that of the seconds in them: the primary key serves as the index of time.
    let (first, order) = match filter.order {
        Order::OldestFirst => ("id > $1", "ASC"),
        Order::NewestFirst => ("($1 = '' OR id < $1)", "DESC"),
    };
    let sql = format!(
        "SELECT id, record FROM generations WHERE {first} AND id >= $2 AND at >= $3 AND ($4 < 0 OR simulated = $4) \
         AND ($5 < 0 OR key_hash IN (SELECT hash FROM key_hashes WHERE key_id = $5)) ORDER BY id {order} LIMIT {PAGE}"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let since = filter.since.unwrap_or_default();
    let from = if since.0 > 0 { format!("gen-{}-", since.seconds()) } else { String::new() };
    let parameters = params![
        after.map_or("", GenerationId::as_str),
        from,
        since.0,
        filter.simulated.map_or(-1, i64::from),
        filter.key.map_or(-1, |key| key.0),
    ];
    let rows = statement.query_map(parameters, |row| Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
    let mut page = Vec::new();
    for row in rows {
        let (id, record) = row?;
        page.push(parse(&id, &record)?);
    }
    let next = if page.len() == PAGE { page.last().map(|generation| generation.id.clone()) } else { None };
    Ok(Page { generations: page, next })
}

fn parse(id: &str, record: &[u8]) -> Result<Generation, StoreError> {
    serde_json::from_slice(record).map_err(|e| StoreError::Row { what: "generation", problem: format!("{id}: {e}") })
}
