//! What was charged, by account.

use portolan_core::{AccountId, Day, Money};
use portolan_ledger::Spend;
use rusqlite::{Connection, OptionalExtension};

use crate::StoreError;

/// `$1` today, `$2` the first day of the week, `$3` of the month, `$4` the earlier of the two.
const SQL: &str = "SELECT a.id, a.settled, \
     COALESCE(SUM(CASE WHEN d.day = $1 THEN d.amount END), 0), \
     COALESCE(SUM(CASE WHEN d.day >= $2 THEN d.amount END), 0), \
     COALESCE(SUM(CASE WHEN d.day >= $3 THEN d.amount END), 0) \
     FROM accounts a LEFT JOIN account_days d ON d.account_id = a.id AND d.day >= $4 AND d.day <= $1";

/// What every account has spent, as of `today`.
pub(crate) fn spends(connection: &Connection, today: Day) -> Result<Vec<(AccountId, Spend)>, StoreError> {
    let mut statement = connection.prepare_cached(&format!("{SQL} GROUP BY a.id, a.settled ORDER BY a.id"))?;
    let rows = statement.query_map(days(today), |row| read(row, today))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What one account has spent, as of `today`; nothing, if there is no such account.
pub(crate) fn spend(connection: &Connection, account: AccountId, today: Day) -> Result<Spend, StoreError> {
    let mut statement = connection.prepare_cached(&format!("{SQL} WHERE a.id = $5 GROUP BY a.id, a.settled"))?;
    let [today_, week, month, first] = days(today);
    let found = statement.query_row((today_, week, month, first, account.0), |row| read(row, today)).optional()?;
    Ok(found.map_or(Spend { as_of: today, ..Spend::default() }, |(_, spend)| spend))
}

fn days(today: Day) -> [i32; 4] {
    let (week, month) = (today.week_start().0, today.month_start().0);
    [today.0, week, month, week.min(month)]
}

fn read(row: &rusqlite::Row<'_>, today: Day) -> rusqlite::Result<(AccountId, Spend)> {
    let money = |at| row.get(at).map(Money);
    let spend = Spend { total: money(1)?, daily: money(2)?, weekly: money(3)?, monthly: money(4)?, as_of: today };
    Ok((AccountId(row.get(0)?), spend))
}
