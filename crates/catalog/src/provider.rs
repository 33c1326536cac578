//! A provider: where it listens, how it is spoken to, who it is.

use std::collections::BTreeMap;

use portolan_core::{Auth, Dialect, OnHangup, ProviderSlug, Quirk};

/// The slug of the simulator's own row.
pub const SIMULATOR: &str = "simulator";

portolan_core::words! {
    /// Where a row comes from.
    #[derive(Default)]
    pub enum DataOrigin {
        /// The data that the program carries.
        #[default]
        Builtin = "builtin",
        /// A live source: a row that only it has, or a built-in one whose prices or limits it states.
        Synced = "synced",
        /// The operator's configuration, or a built-in row that it changed.
        Configuration = "configuration",
    }
}

/// One provider.
#[derive(Debug, Clone)]
pub struct Provider {
    /// Its name in routing.
    pub slug: ProviderSlug,
    /// Its display name, as answers show it in `provider`.
    pub name: String,
    /// Other names by which clients know it.
    pub also_called: Vec<String>,
    /// Where its API starts; the dialect appends its path. Empty where unknown; a part in braces is for each account to fill in.
    pub base_url: String,
    /// Other addresses, by region.
    pub region_base_urls: BTreeMap<String, String>,
    /// The wire format of its endpoints, where they name none of their own. `None`: it is none of ours.
    pub dialect: Option<Dialect>,
    /// How a request proves who sends it.
    pub auth: Auth,
    /// Deviations from the dialect that hold for all its endpoints.
    pub quirks: Vec<Quirk>,
    /// What to do with a stream whose caller hung up.
    pub on_hangup: OnHangup,
    /// Customary names of the environment variable with its key, the preferred one first.
    pub api_key_env: Vec<String>,
    /// It wants to know the caller's end users apart.
    pub requires_user_ids: bool,
    /// It serves other providers' models, and reports what it charges.
    pub resells: bool,
    /// Its privacy policy.
    pub privacy_policy_url: Option<String>,
    /// Its terms of service.
    pub terms_of_service_url: Option<String>,
    /// Its status page.
    pub status_page_url: Option<String>,
    /// Its seat, ISO 3166-1 alpha-2.
    pub headquarters: Option<String>,
    /// Countries of its data centers, ISO 3166-1 alpha-2. Empty where not published.
    pub datacenters: Vec<String>,
    /// Where this row comes from.
    pub origin: DataOrigin,
}

impl Provider {
    /// Whether this is the simulator's own row.
    #[must_use]
    pub fn is_simulator(&self) -> bool {
        self.slug.as_str() == SIMULATOR
    }

    /// Whether its address is known, with no placeholder left in it.
    #[must_use]
    pub fn has_address(&self) -> bool {
        !self.base_url.is_empty() && !self.base_url.contains('{')
    }

    /// Whether `text` names this provider: its slug or its display name, in any case.
    #[must_use]
    pub fn is_named(&self, text: &str) -> bool {
        self.slug.as_str().eq_ignore_ascii_case(text) || self.name.eq_ignore_ascii_case(text)
    }

    /// As [`Provider::is_named`], or by another name; spaces and punctuation do not matter.
    #[must_use]
    pub fn is_known_as(&self, text: &str) -> bool {
        let text = letters(text);
        !text.is_empty() && self.names().any(|name| letters(name) == text)
    }

    /// All its names: the slug, the display name, the others.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        [self.slug.as_str(), &self.name].into_iter().chain(self.also_called.iter().map(String::as_str))
    }
}

/// What of a name matters: `Io Net` is `io.net` and `io_net`. A slash does: it parts the provider from the rest of a tag.
pub(crate) fn letters(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric() || *c == '/').map(|c| c.to_ascii_lowercase()).collect()
}
