//! A key as `GET /key` shows it to whoever holds it.

use portolan_core::{Enforcement, Money, Reset, UnixMillis};
use serde::Serialize;

use super::{Spent, remaining};
use crate::{KeyRecord, print_instant};

/// The data of OpenRouter's `GET /key`, with two fields of ours (`enforcement`, `max_tokens_default`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are OpenRouter's, documented there")]
pub struct CurrentKeyView {
    pub label: String,
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
    pub is_free_tier: bool,
    pub is_management_key: bool,
    pub is_provisioning_key: bool,
    pub creator_user_id: Option<String>,
    pub organization_id: Option<String>,
    pub workspace_id: Option<String>,
    pub expires_at: Option<String>,
    pub allowed_data_regions: Vec<&'static str>,
    pub budgets: Vec<KeyBudget>,
    pub effective_budget: Option<KeyBudget>,
    pub free_model_daily_requests: FreeModelDailyRequests,
    pub rate_limit: RateLimit,
    pub enforcement: Enforcement,
    pub max_tokens_default: Option<u64>,
}

/// One budget that requests with this key count against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are OpenRouter's, documented there")]
pub struct KeyBudget {
    pub budget_id: Option<String>,
    pub guardrail_id: Option<String>,
    pub scope: &'static str,
    pub limit_usd: Money,
    pub spend_usd: Money,
    pub remaining_usd: Money,
    pub reset_interval: Option<Reset>,
    pub resets_at: Option<String>,
    pub include_byok: bool,
}

/// OpenRouter's quota of its free models. There are none here: all zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct FreeModelDailyRequests {
    /// Per UTC day.
    pub limit: u64,
    /// Today.
    pub used: u64,
    /// Today.
    pub remaining: u64,
}

/// A field that OpenRouter has given up; its clients still require it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RateLimit {
    /// Always -1.
    pub requests: i64,
    /// Without meaning.
    pub interval: &'static str,
    /// Says so.
    pub note: &'static str,
}

impl CurrentKeyView {
    /// The view of a key that has spent this.
    #[must_use]
    pub fn of(key: &KeyRecord, spent: &Spent, now: UnixMillis) -> Self {
        let budgets: Vec<KeyBudget> = key.limit.map(|limit| own_limit(key, limit, spent, now)).into_iter().collect();
        Self {
            label: key.label.clone(),
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
            is_free_tier: false,
            is_management_key: false,
            is_provisioning_key: false,
            creator_user_id: None,
            organization_id: Some(key.scope.org.to_string()),
            workspace_id: Some(key.scope.workspace.to_string()),
            expires_at: key.expires_at.map(print_instant),
            allowed_data_regions: vec!["global"],
            effective_budget: budgets.first().cloned(),
            budgets,
            free_model_daily_requests: FreeModelDailyRequests::default(),
            rate_limit: RateLimit { requests: -1, interval: "10s", note: "deprecated: always -1; limits are in `limit` and `budgets`" },
            enforcement: key.enforcement,
            max_tokens_default: key.max_tokens_default,
        }
    }
}

fn own_limit(key: &KeyRecord, limit: Money, spent: &Spent, now: UnixMillis) -> KeyBudget {
    let spend = spent.within(key.limit_reset);
    KeyBudget {
        budget_id: None,
        guardrail_id: None,
        scope: "key_limit",
        limit_usd: limit,
        spend_usd: spend,
        remaining_usd: limit - spend,
        reset_interval: key.limit_reset,
        resets_at: key.limit_reset.map(|reset| print_instant(reset.resets_at(now.day()))),
        include_byok: key.include_byok_in_limit,
    }
}
