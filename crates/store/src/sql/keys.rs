//! Keys.

use portolan_core::{AccountId, Enforcement, KeyHash, KeyId, Money, OrgId, Reset, UnixMillis, WorkspaceId};
use portolan_tenancy::{KeyDraft, KeyRecord, KeyScope};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::{meta, set_meta};
use crate::{KeyPageFilter, StoreError};

/// OpenRouter's page.
const PAGE: usize = 100;

const COLUMNS: &str = "id, hash, name, label, organization_id, workspace_id, account_id, disabled, limit_amount, limit_reset, enforcement, \
     include_byok_in_limit, max_tokens_default, expires_at, created_at, updated_at, last_used_at, deleted_at";

/// Whether the key of the first run has been made (or one was given instead).
const FIRST_KEY: &str = "first_key";

/// All keys that are not deleted.
pub(crate) fn keys(connection: &Connection) -> Result<Vec<KeyRecord>, StoreError> {
    let mut statement = connection.prepare(&format!("SELECT {COLUMNS} FROM keys WHERE deleted_at IS NULL ORDER BY id"))?;
    let rows = statement.query_map([], columns)?;
    rows.map(|row| record(row?)).collect()
}

/// A page of keys, the newest first.
pub(crate) fn key_page(connection: &Connection, filter: &KeyPageFilter) -> Result<Vec<KeyRecord>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM keys WHERE deleted_at IS NULL AND workspace_id = $1 AND (disabled = 0 OR $2 = 1) \
         AND (expires_at IS NULL OR expires_at > $3) ORDER BY id DESC LIMIT {PAGE} OFFSET $4"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let alive_at = filter.alive_at.map_or(i64::MIN, |at| at.0);
    let offset = i64::try_from(filter.offset).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![filter.workspace.as_str(), i64::from(filter.include_disabled), alive_at, offset], columns)?;
    rows.map(|row| record(row?)).collect()
}

/// The key that has, or had, this hash.
pub(crate) fn key(connection: &Connection, hash: &KeyHash) -> Result<Option<KeyRecord>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM keys WHERE id = (SELECT key_id FROM key_hashes WHERE hash = $1)");
    let found = connection.prepare_cached(&sql)?.query_row([hash.bytes()], columns).optional()?;
    found.map(record).transpose()
}

pub(crate) fn workspace_of(connection: &Connection, hash: &KeyHash) -> Result<Option<WorkspaceId>, StoreError> {
    Ok(key(connection, hash)?.map(|key| key.scope.workspace))
}

/// Makes a key with an account of its own.
pub(crate) fn insert_key(connection: &mut Connection, draft: KeyDraft) -> Result<KeyRecord, StoreError> {
    let change = connection.transaction()?;
    let key = insert(&change, draft)?;
    change.commit()?;
    Ok(key)
}

/// Makes a key unless there is, or was, one with this hash. No first key is made after it.
pub(crate) fn put_key(connection: &mut Connection, draft: KeyDraft) -> Result<KeyRecord, StoreError> {
    let change = connection.transaction()?;
    let key = match key(&change, &draft.hash)? {
        Some(key) => key,
        None => insert(&change, draft)?,
    };
    set_meta(&change, FIRST_KEY, "given")?;
    change.commit()?;
    Ok(key)
}

/// Makes the key of the first run: once in the life of a database, whenever the process is killed.
pub(crate) fn first_key(connection: &mut Connection, draft: KeyDraft) -> Result<Option<KeyRecord>, StoreError> {
    let change = connection.transaction()?;
    if meta(&change, FIRST_KEY)?.is_some() {
        return Ok(None);
    }
    let key = insert(&change, draft)?;
    set_meta(&change, FIRST_KEY, "made")?;
    change.commit()?;
    Ok(Some(key))
}

fn insert(change: &Transaction<'_>, draft: KeyDraft) -> Result<KeyRecord, StoreError> {
    let sql = "INSERT INTO accounts (settled, created_at) VALUES (0, $1) RETURNING id";
    let account = AccountId(change.query_row(sql, [draft.created_at.0], |row| row.get(0))?);
    let sql = "INSERT INTO keys (hash, name, label, organization_id, workspace_id, account_id, disabled, limit_amount, limit_reset, enforcement, \
         include_byok_in_limit, max_tokens_default, expires_at, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, $9, $10, $11, $12, $13) RETURNING id";
    let values = params![
        draft.hash.bytes(),
        draft.name,
        draft.label,
        draft.scope.org.as_str(),
        draft.scope.workspace.as_str(),
        account.0,
        draft.limit.map(|m| m.0),
        draft.limit_reset.map(Reset::as_str),
        draft.enforcement.as_str(),
        draft.include_byok_in_limit,
        draft.max_tokens_default.map(u64::cast_signed),
        draft.expires_at.map(|t| t.0),
        draft.created_at.0,
    ];
    let id = KeyId(change.query_row(sql, values, |row| row.get(0))?);
    change.execute("INSERT INTO key_hashes (hash, key_id) VALUES ($1, $2)", (draft.hash.bytes(), id.0))?;
    Ok(draft.into_record(id, account))
}

/// Saves a change of a key: of its settings, its secret, or its end. When it was last used is the fold's to say.
pub(crate) fn save_key(connection: &mut Connection, key: &KeyRecord) -> Result<(), StoreError> {
    let change = connection.transaction()?;
    let sql = "UPDATE keys SET hash = $1, name = $2, label = $3, disabled = $4, limit_amount = $5, limit_reset = $6, enforcement = $7, \
         include_byok_in_limit = $8, max_tokens_default = $9, expires_at = $10, updated_at = $11, deleted_at = $12 WHERE id = $13";
    let values = params![
        key.hash.bytes(),
        key.name,
        key.label,
        key.disabled,
        key.limit.map(|m| m.0),
        key.limit_reset.map(Reset::as_str),
        key.enforcement.as_str(),
        key.include_byok_in_limit,
        key.max_tokens_default.map(u64::cast_signed),
        key.expires_at.map(|t| t.0),
        key.updated_at.map(|t| t.0),
        key.deleted_at.map(|t| t.0),
        key.id.0,
    ];
    if change.execute(sql, values)? != 1 {
        return Err(StoreError::Row { what: "key", problem: format!("there is no key {}", key.id) });
    }
    let sql = "INSERT INTO key_hashes (hash, key_id) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING";
    change.execute(sql, (key.hash.bytes(), key.id.0))?;
    Ok(change.commit()?)
}

/// A row whose words are not read yet.
struct Columns {
    record: KeyRecord,
    reset: Option<String>,
    enforcement: String,
}

fn columns(row: &rusqlite::Row<'_>) -> rusqlite::Result<Columns> {
    let millis = |at| row.get::<_, Option<i64>>(at).map(|value| value.map(UnixMillis));
    let hash: [u8; 32] = row.get(1)?;
    let record = KeyRecord {
        id: KeyId(row.get(0)?),
        hash: key_hash(hash),
        name: row.get(2)?,
        label: row.get(3)?,
        scope: KeyScope {
            org: OrgId::from_saved(&row.get::<_, String>(4)?),
            workspace: WorkspaceId::from_saved(&row.get::<_, String>(5)?),
        },
        account: AccountId(row.get(6)?),
        disabled: row.get(7)?,
        limit: row.get::<_, Option<i64>>(8)?.map(Money),
        limit_reset: None,
        enforcement: Enforcement::Standard,
        include_byok_in_limit: row.get(11)?,
        max_tokens_default: row.get::<_, Option<i64>>(12)?.map(i64::cast_unsigned),
        expires_at: millis(13)?,
        created_at: UnixMillis(row.get(14)?),
        updated_at: millis(15)?,
        last_used_at: millis(16)?,
        deleted_at: millis(17)?,
    };
    Ok(Columns { record, reset: row.get(9)?, enforcement: row.get(10)? })
}

fn key_hash(bytes: [u8; 32]) -> KeyHash {
    let hex = bytes.iter().fold(String::with_capacity(64), |hex, byte| hex + &format!("{byte:02x}"));
    KeyHash::parse(&hex).expect("32 bytes are 64 digits")
}

fn record(columns: Columns) -> Result<KeyRecord, StoreError> {
    let odd = |word: &str| StoreError::Row { what: "key", problem: format!("key {} has `{word}`", columns.record.id) };
    // A word that is not understood must not make a limit looser.
    let enforcement = Enforcement::parse(&columns.enforcement).ok_or_else(|| odd(&columns.enforcement))?;
    let limit_reset = columns.reset.as_deref().map(|word| Reset::parse(word).ok_or_else(|| odd(word))).transpose()?;
    Ok(KeyRecord { limit_reset, enforcement, ..columns.record })
}
