//! What an administrator vouches for, where the data only claim it or know nothing.

use portolan_core::Area;

use crate::{Catalog, Endpoint};

/// A dated statement about the endpoints of a provider, by somebody who has a contract to show for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attestation {
    /// The provider's slug, or the tag of one of its endpoints.
    pub endpoints: String,
    /// The part of the world that their requests do not leave.
    pub area: Option<Area>,
    /// They keep nothing.
    pub zdr: bool,
    /// Who says so.
    pub by: String,
    /// Since when, `YYYY-MM-DD`.
    pub on: String,
}

impl Attestation {
    fn covers(&self, catalog: &Catalog, endpoint: &Endpoint) -> bool {
        endpoint.tag == self.endpoints || catalog.provider(endpoint.provider).slug.as_str() == self.endpoints
    }
}

impl Catalog {
    /// This catalog with what `attestations` vouch for. A region that is a fact stays one: nobody can attest it away.
    ///
    /// # Errors
    /// An attestation that covers no endpoint, or contradicts a known region; the message says which and why.
    pub fn attested(mut self, attestations: &[Attestation]) -> Result<Catalog, String> {
        for one in attestations {
            let covered: Vec<usize> = self.endpoints.iter().enumerate().filter(|(_, e)| one.covers(&self, e)).map(|(i, _)| i).collect();
            if covered.is_empty() {
                return Err(format!("`{}` is no provider and no tag of the catalog", one.endpoints));
            }
            for i in covered {
                let endpoint = &mut self.endpoints[i];
                endpoint.zdr |= one.zdr;
                match (endpoint.area, one.area) {
                    (Some(known), Some(said)) if known != said => {
                        let (known, said) = (known.as_str(), said.as_str());
                        return Err(format!("`{}` stands in {known}, so nobody can attest {said}", endpoint.tag));
                    }
                    (None, Some(said)) => endpoint.area = Some(said),
                    _ => {}
                }
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(endpoints: &str, area: Option<Area>, zdr: bool) -> Attestation {
        Attestation { endpoints: endpoints.to_owned(), area, zdr, by: "Jane Doe".to_owned(), on: "2026-11-20".to_owned() }
    }

    #[test]
    fn an_attestation_holds_for_a_provider_or_for_one_of_its_endpoints() {
        let catalog = Catalog::builtin().attested(&[says("groq", Some(Area::Us), false), says("deepinfra/fp4", None, true)]).unwrap();
        let of = |tag: &str| catalog.endpoints.iter().filter(|e| e.tag == tag).collect::<Vec<_>>();
        assert!(of("groq").iter().all(|e| e.area == Some(Area::Us)));
        assert!(!of("deepinfra/fp4").is_empty() && of("deepinfra/fp4").iter().all(|e| e.zdr && e.area.is_none()));
    }

    #[test]
    fn nobody_attests_for_what_is_not_there_or_stands_elsewhere() {
        let refused = |all: &[Attestation]| Catalog::builtin().attested(all).unwrap_err();
        assert_eq!(refused(&[says("grok", None, true)]), "`grok` is no provider and no tag of the catalog");
        let twice = [says("groq", Some(Area::Us), false), says("groq", Some(Area::Eu), false)];
        assert_eq!(refused(&twice), "`groq` stands in us, so nobody can attest eu");
    }
}
