//! A provider's columns.

use std::collections::BTreeMap;

use portolan_core::{Auth, Dialect, OnHangup, ProviderSlug};

use super::super::live::LiveProvider;
use super::set_optional;
use crate::rows::ProviderRow;
use crate::{DataOrigin, DataPolicy};

/// Addresses of pages win. Seat and data centers say where prompts go: what is curated stays.
pub(super) fn describe(row: &mut ProviderRow, live: &LiveProvider) {
    set_optional(&mut row.privacy_policy_url, live.privacy_policy_url.as_ref());
    set_optional(&mut row.terms_of_service_url, live.terms_of_service_url.as_ref());
    set_optional(&mut row.status_page_url, live.status_page_url.as_ref());
    if row.headquarters.is_none() {
        row.headquarters.clone_from(&live.headquarters);
    }
    if row.datacenters.is_empty() {
        row.datacenters.clone_from(&live.datacenters);
    }
}

/// A provider that only the source knows: it is listed, and without an address none of its endpoints can be called.
pub(super) fn new(slug: ProviderSlug, name: Option<String>) -> ProviderRow {
    ProviderRow {
        name: name.unwrap_or_else(|| slug.to_string()),
        slug,
        base_url: String::new(),
        region_base_urls: BTreeMap::new(),
        dialect: Some(Dialect::OpenAiChat),
        auth: Auth::Bearer,
        quirks: Vec::new(),
        on_hangup: OnHangup::Drain,
        api_key_env: Vec::new(),
        requires_user_ids: false,
        privacy_policy_url: None,
        terms_of_service_url: None,
        status_page_url: None,
        headquarters: None,
        datacenters: Vec::new(),
        claimed_area: None,
        data_policy: DataPolicy::default(),
        resells: false,
        origin: DataOrigin::Synced,
        moved: false,
        attested: false,
        endpoints: Vec::new(),
    }
}
