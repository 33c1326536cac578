//! A key as the management endpoints show it.

use portolan_core::{Enforcement, Money, Reset};
use serde::Serialize;

use super::{Spent, remaining};
use crate::{KeyRecord, print_instant};

/// OpenRouter's key object, with two fields of ours (`enforcement`, `max_tokens_default`).
/// What has no value is `null`, never absent: the SDKs require every field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are OpenRouter's, documented there")]
pub struct KeyView {
    pub hash: String,
    pub name: String,
    pub label: String,
    pub disabled: bool,
    pub limit: Option<Money>,
    pub limit_remaining: Option<Money>,
    pub limit_reset: Option<Reset>,
    pub include_byok_in_limit: bool,
    pub usage: Money,
    pub usage_daily: Money,
    pub usage_weekly: Money,
    pub usage_monthly: Money,
    pub byok_usage: Money,
    pub byok_usage_daily: Money,
    pub byok_usage_weekly: Money,
    pub byok_usage_monthly: Money,
    pub creator_user_id: Option<String>,
    pub external_user: Option<String>,
    pub workspace_id: String,
    pub expires_at: Option<String>,
    pub created_at: String,
    pub updated_at: Option<String>,
    pub last_used_at: Option<String>,
    pub enforcement: Enforcement,
    pub max_tokens_default: Option<u64>,
}

impl KeyView {
    /// The view of a key that has spent this.
    #[must_use]
    pub fn of(key: &KeyRecord, spent: &Spent) -> Self {
        Self {
            hash: key.hash.to_string(),
            name: key.name.clone(),
            label: key.label.clone(),
            disabled: key.disabled,
            limit: key.limit,
            limit_remaining: remaining(key, spent),
            limit_reset: key.limit_reset,
            include_byok_in_limit: key.include_byok_in_limit,
            usage: spent.total,
            usage_daily: spent.daily,
            usage_weekly: spent.weekly,
            usage_monthly: spent.monthly,
            byok_usage: Money::ZERO,
            byok_usage_daily: Money::ZERO,
            byok_usage_weekly: Money::ZERO,
            byok_usage_monthly: Money::ZERO,
            creator_user_id: None,
            external_user: None,
            workspace_id: key.scope.workspace.to_string(),
            expires_at: key.expires_at.map(print_instant),
            created_at: print_instant(key.created_at),
            updated_at: key.updated_at.map(print_instant),
            last_used_at: key.last_used_at.map(print_instant),
            enforcement: key.enforcement,
            max_tokens_default: key.max_tokens_default,
        }
    }
}
