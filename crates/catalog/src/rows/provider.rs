//! A provider's columns.

use std::collections::BTreeMap;

use portolan_core::{Area, Auth, Dialect, OnHangup, ProviderSlug, Quirk};
use serde::Deserialize;

use super::EndpointRow;
use crate::{DataOrigin, DataPolicy, place};

/// A file `data/providers/<slug>.toml`: the provider's columns, then its endpoints.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProviderRow {
    pub(crate) slug: ProviderSlug,
    pub(crate) name: String,
    /// Other names by which clients know it. Case and punctuation do not matter. One that could mean two providers is none: in
    /// `ignore` it would leave one of them.
    #[serde(default)]
    pub(crate) also_called: Vec<String>,
    /// Left out where nobody knows it. With a placeholder in braces where every account has its own.
    #[serde(default)]
    pub(crate) base_url: String,
    /// Other addresses, by region.
    #[serde(default)]
    pub(crate) region_base_urls: BTreeMap<String, String>,
    /// Left out where its wire format is none of ours.
    pub(crate) dialect: Option<Dialect>,
    pub(crate) auth: Auth,
    #[serde(default)]
    pub(crate) quirks: Vec<Quirk>,
    pub(crate) on_hangup: OnHangup,
    /// Only names that are used for this alone: a general token of an account is no sign that its owner wants models called.
    #[serde(default)]
    pub(crate) api_key_env: Vec<String>,
    /// It wants to know the caller's end users apart.
    #[serde(default)]
    pub(crate) requires_user_ids: bool,
    pub(crate) privacy_policy_url: Option<String>,
    pub(crate) terms_of_service_url: Option<String>,
    pub(crate) status_page_url: Option<String>,
    pub(crate) headquarters: Option<String>,
    #[serde(default)]
    pub(crate) datacenters: Vec<String>,
    /// Where it operates, as far as can be read about it. No fact.
    pub(crate) claimed_area: Option<Area>,
    /// The policy of endpoints that state none.
    #[serde(default)]
    pub(crate) data_policy: DataPolicy,
    /// It serves other providers' models: those that name it in `resold_by`, without rows of its own.
    #[serde(default)]
    pub(crate) resells: bool,
    #[serde(skip)]
    pub(crate) origin: DataOrigin,
    /// The configuration gave it another address: what is known of regions and retention at the old one does not hold there.
    #[serde(skip)]
    pub(crate) moved: bool,
    /// The configuration states its data policy.
    #[serde(skip)]
    pub(crate) attested: bool,
    /// The tables `[[endpoints]]` of the file.
    #[serde(skip)]
    pub(crate) endpoints: Vec<EndpointRow>,
}

impl ProviderRow {
    /// A row of which only this is known: OpenAI's dialect and a bearer token are what most speak, and of its policy nothing is.
    pub(crate) fn new(name: String, slug: ProviderSlug, base_url: String, origin: DataOrigin) -> Self {
        Self {
            slug,
            name,
            also_called: Vec::new(),
            base_url,
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
            origin,
            moved: false,
            attested: false,
            endpoints: Vec::new(),
        }
    }

    /// Where it stands.
    pub(crate) fn place(&self) -> String {
        match self.origin {
            DataOrigin::Builtin => format!("{}:1", place::provider_file(self.slug.as_str())),
            DataOrigin::Synced | DataOrigin::Configuration => self.slug.to_string(),
        }
    }

    /// Where one of its endpoints stands.
    pub(crate) fn place_of(&self, row: &EndpointRow) -> String {
        match row.origin {
            DataOrigin::Builtin => format!("{}:{}, model {}", place::provider_file(self.slug.as_str()), row.line, row.model),
            DataOrigin::Synced | DataOrigin::Configuration => format!("{}, model {}", self.slug, row.model),
        }
    }
}
