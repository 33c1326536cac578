//! Rows of `GET /providers`.

use serde_json::{Value, json};

use crate::{Catalog, Provider};

impl Catalog {
    /// One provider.
    #[must_use]
    pub fn provider_row(&self, provider: &Provider) -> Value {
        let datacenters = (!provider.datacenters.is_empty()).then_some(&provider.datacenters);
        json!({
            "name": provider.name,
            "slug": provider.slug,
            "privacy_policy_url": provider.privacy_policy_url,
            "terms_of_service_url": provider.terms_of_service_url,
            "status_page_url": provider.status_page_url,
            "headquarters": provider.headquarters,
            "datacenters": datacenters,
        })
    }

    /// The whole answer of `GET /providers`.
    #[must_use]
    pub fn providers_answer(&self) -> Value {
        json!({ "data": self.providers.iter().map(|p| self.provider_row(p)).collect::<Vec<_>>() })
    }
}
