//! A provider's columns.

use portolan_core::ProviderSlug;

use super::super::live::LiveProvider;
use super::set_optional;
use crate::DataOrigin;
use crate::rows::ProviderRow;

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
    ProviderRow::new(name.unwrap_or_else(|| slug.to_string()), slug, String::new(), DataOrigin::Synced)
}
