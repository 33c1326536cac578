//! One transaction of the fold: rows, account deltas, cursor.

use std::collections::{BTreeMap, HashMap};

use portolan_core::{AccountId, Day, KeyHash, Money, UnixMillis};
use rusqlite::{Connection, Transaction, params};

use crate::StoreError;
use crate::fold::Row;
use crate::journal::Position;

/// How far the journal is folded, and from where a restart reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Everything before this is in the database.
    pub(crate) folded: Position,
    /// Nothing before this belongs to a generation that is open.
    pub(crate) oldest: Position,
}

pub(crate) fn cursor(connection: &Connection) -> Result<Cursor, StoreError> {
    let sql = "SELECT folded_segment, folded_offset, oldest_segment, oldest_offset FROM journal_cursor WHERE id = 1";
    let position = |row: &rusqlite::Row<'_>, at: usize| -> rusqlite::Result<Position> {
        Ok(Position { segment: row.get::<_, i64>(at)?.unsigned_abs(), offset: row.get::<_, i64>(at + 1)?.unsigned_abs() })
    };
    Ok(connection.query_row(sql, [], |row| Ok(Cursor { folded: position(row, 0)?, oldest: position(row, 2)? }))?)
}

/// Adds what a batch sums up to. Rows that were there before count nothing.
#[derive(Default)]
struct Deltas {
    accounts: BTreeMap<AccountId, Money>,
    days: BTreeMap<(AccountId, Day), Money>,
    used: HashMap<KeyHash, UnixMillis>,
}

impl Deltas {
    fn add(&mut self, row: &Row) {
        let used = self.used.entry(row.key).or_insert(row.at);
        *used = (*used).max(row.at);
        if row.charge == Money::ZERO {
            return;
        }
        for account in &row.accounts {
            *self.accounts.entry(*account).or_default() += row.charge;
            *self.days.entry((*account, row.day)).or_default() += row.charge;
        }
    }
}

/// Inserts the rows, posts their charges and moves the cursor, or does nothing.
pub(crate) fn fold_rows(connection: &mut Connection, rows: &[Row], cursor: Cursor) -> Result<(), StoreError> {
    let change = connection.transaction()?;
    let mut deltas = Deltas::default();
    insert(&change, rows, &mut deltas)?;
    post(&change, &deltas)?;
    let sql = "UPDATE journal_cursor SET folded_segment = $1, folded_offset = $2, oldest_segment = $3, oldest_offset = $4 WHERE id = 1";
    let Cursor { folded, oldest } = cursor;
    let positions = [folded.segment, folded.offset, oldest.segment, oldest.offset].map(u64::cast_signed);
    change.prepare_cached(sql)?.execute(positions)?;
    Ok(change.commit()?)
}

/// Row by row with a prepared statement: measured faster than statements with many rows.
fn insert(change: &Transaction<'_>, rows: &[Row], deltas: &mut Deltas) -> Result<(), StoreError> {
    let mut statement = change.prepare_cached(
        "INSERT INTO generations (id, at, key_hash, workspace, model, provider, end_reason, simulated, cost, charge, tokens_in, tokens_out, record) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (id) DO NOTHING",
    )?;
    for row in rows {
        let tokens = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let inserted = statement.execute(params![
            row.id.as_str(),
            row.at.0,
            row.key.bytes(),
            row.workspace.as_str(),
            row.model,
            row.provider,
            row.end.as_str(),
            row.simulated,
            row.cost.0,
            row.charge.0,
            tokens(row.tokens_in),
            tokens(row.tokens_out),
            row.record(),
        ])?;
        if inserted == 1 {
            deltas.add(row);
        }
    }
    Ok(())
}

fn post(change: &Transaction<'_>, deltas: &Deltas) -> Result<(), StoreError> {
    let mut total = change.prepare_cached(
        "INSERT INTO accounts (id, settled, created_at) VALUES ($1, $2, 0) ON CONFLICT (id) DO UPDATE SET settled = accounts.settled + excluded.settled",
    )?;
    for (account, charge) in &deltas.accounts {
        total.execute((account.0, charge.0))?;
    }
    let mut daily = change.prepare_cached(
        "INSERT INTO account_days (account_id, day, amount) VALUES ($1, $2, $3) \
         ON CONFLICT (account_id, day) DO UPDATE SET amount = account_days.amount + excluded.amount",
    )?;
    for ((account, day), charge) in &deltas.days {
        daily.execute((account.0, day.0, charge.0))?;
    }
    let mut used = change.prepare_cached(
        "UPDATE keys SET last_used_at = $1 WHERE id = (SELECT key_id FROM key_hashes WHERE hash = $2) AND (last_used_at IS NULL OR last_used_at < $1)",
    )?;
    for (key, at) in &deltas.used {
        used.execute((at.0, key.bytes()))?;
    }
    Ok(())
}
