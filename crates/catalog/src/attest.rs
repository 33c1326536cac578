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

/// Why an attestation does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotAttested {
    /// It covers no endpoint.
    Nothing,
    /// An endpoint of this tag stands in this area: that is a fact.
    Elsewhere(String, Area),
    /// Another attestation, of this index, says this area of an endpoint of this tag.
    Disputed(String, Area, usize),
}

impl Attestation {
    fn covers(&self, catalog: &Catalog, endpoint: &Endpoint) -> bool {
        endpoint.tag == self.endpoints || catalog.provider(endpoint.provider).slug.as_str() == self.endpoints
    }
}

impl Catalog {
    /// This catalog with what `attestations` vouch for, and those that do not hold, by their index. An area that is a fact stays
    /// one: nobody can attest it away. Where attestations contradict each other, none of them gives an area.
    #[must_use]
    pub fn attested(mut self, attestations: &[Attestation]) -> (Catalog, Vec<(usize, NotAttested)>) {
        let wrong = (0..attestations.len()).filter_map(|i| Some((i, self.objection(attestations, i)?))).collect();
        for i in 0..self.endpoints.len() {
            let covering = || attestations.iter().filter(|one| one.covers(&self, &self.endpoints[i]));
            let (area, zdr) = (agreed(covering().filter_map(|one| one.area)), covering().any(|one| one.zdr));
            let endpoint = &mut self.endpoints[i];
            endpoint.area = endpoint.area.or(area);
            endpoint.zdr |= zdr;
        }
        (self, wrong)
    }

    /// What speaks against the attestation of this index: the endpoints, or an attestation before it.
    fn objection(&self, attestations: &[Attestation], index: usize) -> Option<NotAttested> {
        let one = &attestations[index];
        let mut covered = self.endpoints.iter().filter(|e| one.covers(self, e)).peekable();
        if covered.peek().is_none() {
            return Some(NotAttested::Nothing);
        }
        let said = one.area?;
        covered.find_map(|endpoint| {
            if let Some(fact) = endpoint.area {
                return (fact != said).then(|| NotAttested::Elsewhere(endpoint.tag.clone(), fact));
            }
            let other = |(i, other): (usize, &Attestation)| other.area.filter(|area| *area != said).map(|area| (i, area));
            let before = attestations[..index].iter().enumerate().filter(|(_, other)| other.covers(self, endpoint));
            before.filter_map(other).next().map(|(i, area)| NotAttested::Disputed(endpoint.tag.clone(), area, i))
        })
    }
}

/// What all of them say.
fn agreed(mut said: impl Iterator<Item = Area>) -> Option<Area> {
    let first = said.next()?;
    said.all(|area| area == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(endpoints: &str, area: Option<Area>, zdr: bool) -> Attestation {
        Attestation { endpoints: endpoints.to_owned(), area, zdr, by: "Jane Doe".to_owned(), on: "2026-11-20".to_owned() }
    }

    #[test]
    fn an_attestation_holds_for_a_provider_or_for_one_of_its_endpoints() {
        let (catalog, wrong) = Catalog::builtin().attested(&[says("groq", Some(Area::Us), false), says("deepinfra/fp4", None, true)]);
        let of = |tag: &str| catalog.endpoints.iter().filter(|e| e.tag == tag).collect::<Vec<_>>();
        assert_eq!(wrong, []);
        assert!(of("groq").iter().all(|e| e.area == Some(Area::Us)));
        assert!(!of("deepinfra/fp4").is_empty() && of("deepinfra/fp4").iter().all(|e| e.zdr && e.area.is_none()));
    }

    #[test]
    fn nobody_attests_for_what_is_not_there_or_stands_elsewhere() {
        let unknown = says("grok", None, true);
        let elsewhere = says("azure", Some(Area::Us), true);
        let disputed = [says("groq", Some(Area::Us), false), says("groq", Some(Area::Eu), false)];
        let all = [&[unknown, elsewhere], &disputed[..]].concat();
        let before = Catalog::builtin();
        let fact =
            before.endpoints.iter().find(|e| e.tag.starts_with("azure") && e.area.is_some_and(|area| area != Area::Us)).unwrap().clone();
        let (after, wrong) = before.attested(&all);
        let expected = [
            (0, NotAttested::Nothing),
            (1, NotAttested::Elsewhere(fact.tag.clone(), fact.area.unwrap())),
            (3, NotAttested::Disputed("groq".to_owned(), Area::Us, 2)),
        ];
        assert_eq!(wrong, expected);
        assert_eq!(after.endpoint(fact.ix).area, fact.area, "a fact stays one");
        assert!(after.endpoints.iter().filter(|e| e.tag == "groq").all(|e| e.area.is_none()), "of two that disagree none holds");
    }
}
