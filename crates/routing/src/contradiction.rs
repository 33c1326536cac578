//! Preferences that name nobody, or that leave nothing over by themselves: the caller's mistakes, told as such.

use portolan_catalog::{Catalog, Endpoint, Model};

use crate::ask::Ask;
use crate::names::{self, Entry};
use crate::plan::NoEndpoint;
use crate::policy::Terms;

const ORDER: &str = "provider.order";
const ONLY: &str = "provider.only";
const IGNORE: &str = "provider.ignore";

/// Refuses a name in the request's `order` or `only` that no provider has: it would silently widen or empty the choice.
pub(crate) fn known(catalog: &Catalog, named: &[Entry<'_>], terms: &[Terms<'_>]) -> Result<(), NoEndpoint> {
    let only = request(terms).map_or(&[][..], |terms| &terms.only);
    let all = named.iter().map(|entry| (ORDER, entry)).chain(only.iter().map(|entry| (ONLY, entry)));
    match all.into_iter().find(|(_, entry)| entry.is_unknown()) {
        None => Ok(()),
        Some((field, entry)) => {
            Err(NoEndpoint::UnknownProvider { field, name: entry.text.to_owned(), nearest: names::nearest(catalog, entry.text) })
        }
    }
}

/// Two preferences of the request of which one takes away all that the other leaves. Asked only when nothing is left.
pub(crate) fn find<'a>(
    catalog: &'a Catalog,
    ask: &Ask<'_>,
    named: &[Entry<'_>],
    terms: &[Terms<'_>],
    models: impl Iterator<Item = &'a Model>,
) -> Option<NoEndpoint> {
    let terms = request(terms)?;
    let endpoints: Vec<&Endpoint> = models.flat_map(|model| catalog.endpoints_of(model)).collect();
    let order = if ask.preferences.allow_fallbacks { &[] } else { named };
    let ignores = |kept: &[Entry<'_>]| !kept.is_empty() && kept.iter().all(|entry| is_taken(entry, &terms.ignore, &endpoints));
    let [first, second] = if ignores(&terms.only) {
        [ONLY, IGNORE]
    } else if ignores(order) {
        [ORDER, IGNORE]
    } else if !order.is_empty() && !terms.only.is_empty() && !order.iter().any(|entry| terms.only.iter().any(|other| entry.overlaps(other)))
    {
        [ORDER, ONLY]
    } else {
        return None;
    };
    let of = if first == ONLY { &ask.preferences.only } else { &ask.preferences.order };
    Some(NoEndpoint::Contradiction { fields: [first, second], names: of.clone() })
}

fn request<'t, 'a>(terms: &'t [Terms<'a>]) -> Option<&'t Terms<'a>> {
    terms.iter().find(|terms| terms.policy.is_none())
}

/// Whether `ignore` takes all that an entry names: it repeats the entry, or has every endpoint that the entry means.
fn is_taken(entry: &Entry<'_>, ignore: &[Entry<'_>], endpoints: &[&Endpoint]) -> bool {
    let means = |entry: &Entry<'_>, of: &Endpoint| entry.is_full_slug_of(of) || entry.is_provider_of(of) && of.service_tier.is_none();
    let mut meant = endpoints.iter().filter(|endpoint| means(entry, endpoint)).peekable();
    let repeated = ignore.iter().any(|other| other.repeats(entry));
    repeated || meant.peek().is_some() && meant.all(|endpoint| ignore.iter().any(|other| other.covers(endpoint)))
}
