//! A key as it is kept: never its secret, only the hash of it.

use portolan_core::{AccountId, ApiKey, Enforcement, KeyHash, KeyId, Money, OrgId, Random, Reset, UnixMillis, WorkspaceId};

/// A key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// Its row. It stays when the secret is rotated.
    pub id: KeyId,
    /// The SHA-256 of its secret: its name in URLs and look-ups.
    pub hash: KeyHash,
    /// The name that its owner gave it.
    pub name: String,
    /// The masked secret.
    pub label: String,
    /// Where it belongs.
    pub scope: KeyScope,
    /// What its charges and its limit count against.
    pub account: AccountId,
    /// Whether it is switched off.
    pub disabled: bool,
    /// The most that may be charged in a window; unlimited where absent.
    pub limit: Option<Money>,
    /// When the limit starts anew; never, where absent.
    pub limit_reset: Option<Reset>,
    /// How the limit is kept.
    pub enforcement: Enforcement,
    /// Whether what runs on the customer's own provider keys counts against the limit.
    pub include_byok_in_limit: bool,
    /// The output bound of requests that state none.
    pub max_tokens_default: Option<u64>,
    /// From when on it is refused.
    pub expires_at: Option<UnixMillis>,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When its record last changed.
    pub updated_at: Option<UnixMillis>,
    /// When it last served a generation, as far as the ledger has been folded.
    pub last_used_at: Option<UnixMillis>,
    /// When it was deleted. The row stays, so that records of the past can be read.
    pub deleted_at: Option<UnixMillis>,
}

/// Where a key belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyScope {
    /// The organization.
    pub org: OrgId,
    /// The workspace.
    pub workspace: WorkspaceId,
}

/// A key before the store gave it a row and an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyDraft {
    /// See [`KeyRecord::hash`].
    pub hash: KeyHash,
    /// See [`KeyRecord::name`].
    pub name: String,
    /// See [`KeyRecord::label`].
    pub label: String,
    /// See [`KeyRecord::scope`].
    pub scope: KeyScope,
    /// See [`KeyRecord::limit`].
    pub limit: Option<Money>,
    /// See [`KeyRecord::limit_reset`].
    pub limit_reset: Option<Reset>,
    /// See [`KeyRecord::enforcement`].
    pub enforcement: Enforcement,
    /// See [`KeyRecord::include_byok_in_limit`].
    pub include_byok_in_limit: bool,
    /// See [`KeyRecord::max_tokens_default`].
    pub max_tokens_default: Option<u64>,
    /// See [`KeyRecord::expires_at`].
    pub expires_at: Option<UnixMillis>,
    /// See [`KeyRecord::created_at`].
    pub created_at: UnixMillis,
}

impl KeyDraft {
    /// A key without limits, for a secret that exists already (a first run, a headless start).
    #[must_use]
    pub fn unlimited(key: &ApiKey, name: &str, scope: KeyScope, now: UnixMillis) -> Self {
        Self {
            hash: key.hash(),
            name: name.to_owned(),
            label: key.label(),
            scope,
            limit: None,
            limit_reset: None,
            enforcement: Enforcement::Standard,
            include_byok_in_limit: false,
            max_tokens_default: None,
            expires_at: None,
            created_at: now,
        }
    }

    /// The record, once the store gave it a row and an account.
    #[must_use]
    pub fn into_record(self, id: KeyId, account: AccountId) -> KeyRecord {
        KeyRecord {
            id,
            hash: self.hash,
            name: self.name,
            label: self.label,
            scope: self.scope,
            account,
            disabled: false,
            limit: self.limit,
            limit_reset: self.limit_reset,
            enforcement: self.enforcement,
            include_byok_in_limit: self.include_byok_in_limit,
            max_tokens_default: self.max_tokens_default,
            expires_at: self.expires_at,
            created_at: self.created_at,
            updated_at: None,
            last_used_at: None,
            deleted_at: None,
        }
    }
}

impl KeyRecord {
    /// The same key with a new secret. Row, account and spend stay; the old secret is unknown as soon as this replaces the record.
    #[must_use]
    pub fn rotated(&self, random: &dyn Random, now: UnixMillis) -> (Self, ApiKey) {
        let key = ApiKey::new(random);
        let record = Self { hash: key.hash(), label: key.label(), updated_at: Some(now), ..self.clone() };
        (record, key)
    }

    /// Whether it has expired by `now`.
    #[must_use]
    pub fn expired(&self, now: UnixMillis) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }
}
