//! In which part of the world a cloud region lies.

use portolan_core::Area;

/// Regions inside the European Union. Those of the same continent outside of it (London, Zurich) are not among them.
const EU: &[&str] = &[
    // Cross-region profiles of Amazon Bedrock and Google Vertex.
    "eu",
    // Amazon.
    "eu-central-1",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-3",
    // Google.
    "europe-central2",
    "europe-north1",
    "europe-southwest1",
    "europe-west1",
    "europe-west3",
    "europe-west4",
    "europe-west8",
    "europe-west9",
    "europe-west10",
    "europe-west12",
    // Azure.
    "francecentral",
    "germanywestcentral",
    "italynorth",
    "northeurope",
    "polandcentral",
    "spaincentral",
    "swedencentral",
    "westeurope",
];

/// Regions of the United States.
const US: &[&str] = &[
    "us",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "us-central1",
    "us-east1",
    "us-east4",
    "us-east5",
    "us-south1",
    "us-west1",
    "us-west2",
    "us-west3",
    "us-west4",
    "centralus",
    "eastus",
    "eastus2",
    "northcentralus",
    "southcentralus",
    "westus",
    "westus2",
    "westus3",
];

/// The area that requests to this region do not leave; `None` for `global` and for every region not known here.
pub(super) fn of(region: &str) -> Option<Area> {
    [(EU, Area::Eu), (US, Area::Us)].into_iter().find(|(regions, _)| regions.contains(&region)).map(|(_, area)| area)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regions_that_are_known_to_lie_inside_count() {
        for (region, area) in [
            ("eu", Some(Area::Eu)),
            ("eu-west-1", Some(Area::Eu)),
            ("europe-west4", Some(Area::Eu)),
            ("swedencentral", Some(Area::Eu)),
            ("us-central1", Some(Area::Us)),
            ("us", Some(Area::Us)),
            ("eu-west-2", None),
            ("europe-west2", None),
            ("europe-west6", None),
            ("uksouth", None),
            ("global", None),
            ("us-3", None),
            ("", None),
        ] {
            assert_eq!(of(region), area, "{region}");
        }
    }
}
