//! `PATCH /keys/{hash}`: what shall change. A field that is absent stays as it is; `null` clears it.

use portolan_core::{Enforcement, Money, Reset, UnixMillis};
use serde::Deserialize;

use crate::field::{self, Field, written};
use crate::request::{ENFORCEMENTS, RESETS};
use crate::{Invalid, KeyRecord};

/// A valid change of a key. The outer `None`: unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyPatch {
    /// See [`KeyRecord::name`].
    pub name: Option<String>,
    /// See [`KeyRecord::disabled`].
    pub disabled: Option<bool>,
    /// See [`KeyRecord::limit`].
    pub limit: Option<Option<Money>>,
    /// See [`KeyRecord::limit_reset`].
    pub limit_reset: Option<Option<Reset>>,
    /// See [`KeyRecord::enforcement`].
    pub enforcement: Option<Enforcement>,
    /// See [`KeyRecord::include_byok_in_limit`].
    pub include_byok_in_limit: Option<bool>,
    /// See [`KeyRecord::max_tokens_default`].
    pub max_tokens_default: Option<Option<u64>>,
    /// See [`KeyRecord::expires_at`].
    pub expires_at: Option<Option<UnixMillis>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    #[serde(default, deserialize_with = "written")]
    name: Field,
    #[serde(default, deserialize_with = "written")]
    disabled: Field,
    #[serde(default, deserialize_with = "written")]
    limit: Field,
    #[serde(default, deserialize_with = "written")]
    limit_reset: Field,
    #[serde(default, deserialize_with = "written")]
    enforcement: Field,
    #[serde(default, deserialize_with = "written")]
    include_byok_in_limit: Field,
    #[serde(default, deserialize_with = "written")]
    max_tokens_default: Field,
    #[serde(default, deserialize_with = "written")]
    expires_at: Field,
    #[serde(default, deserialize_with = "written")]
    workspace_id: Field,
}

impl KeyPatch {
    /// A change that only switches the key on or off.
    #[must_use]
    pub fn disabled(disabled: bool) -> Self {
        Self { disabled: Some(disabled), ..Self::default() }
    }

    /// Reads the body of a request.
    ///
    /// # Errors
    /// Names the field that is wrong and what to send instead.
    pub fn parse(body: &[u8], now: UnixMillis) -> Result<Self, Invalid> {
        let body: Body = serde_json::from_slice(body).map_err(|e| Invalid::body(&e))?;
        if field::read("workspace_id", &body.workspace_id, |_, _| Ok(()))?.flatten().is_some() {
            return Err(Invalid::field("workspace_id", "cannot be changed yet; leave it out"));
        }
        let reset = |f, j: &str| field::word(f, j, Reset::parse, RESETS);
        let enforcement = |f, j: &str| field::word(f, j, Enforcement::parse, ENFORCEMENTS);
        // `null` for a field that cannot be empty means unchanged: OpenRouter's clients send it for what was not set.
        Ok(Self {
            name: field::read("name", &body.name, field::name)?.flatten(),
            disabled: field::read("disabled", &body.disabled, field::flag)?.flatten(),
            limit: field::read("limit", &body.limit, field::limit)?,
            limit_reset: field::read("limit_reset", &body.limit_reset, reset)?,
            enforcement: field::read("enforcement", &body.enforcement, enforcement)?.flatten(),
            include_byok_in_limit: field::read("include_byok_in_limit", &body.include_byok_in_limit, field::flag)?.flatten(),
            max_tokens_default: field::read("max_tokens_default", &body.max_tokens_default, field::max_tokens)?,
            expires_at: field::read("expires_at", &body.expires_at, |f, j| field::future(f, j, now))?,
        })
    }

    /// The record after the change.
    #[must_use]
    pub fn apply(self, before: &KeyRecord, now: UnixMillis) -> KeyRecord {
        KeyRecord {
            name: self.name.unwrap_or_else(|| before.name.clone()),
            disabled: self.disabled.unwrap_or(before.disabled),
            limit: self.limit.unwrap_or(before.limit),
            limit_reset: self.limit_reset.unwrap_or(before.limit_reset),
            enforcement: self.enforcement.unwrap_or(before.enforcement),
            include_byok_in_limit: self.include_byok_in_limit.unwrap_or(before.include_byok_in_limit),
            max_tokens_default: self.max_tokens_default.unwrap_or(before.max_tokens_default),
            expires_at: self.expires_at.unwrap_or(before.expires_at),
            updated_at: Some(now),
            ..before.clone()
        }
    }
}
