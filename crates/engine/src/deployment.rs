//! What can be called, and how: the catalog joined with the credentials of this instance. Immutable; a reload makes another.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use http::HeaderName;
use portolan_catalog::{Catalog, Endpoint, EndpointIx, Provider};
use portolan_core::{Auth, Dialect, ProviderSlug, SecretString, UnixMillis};
use portolan_dialect::registry;
use portolan_routing::{Bind, Bindings};
use portolan_upstream::{Base, Credential, Target, UpstreamError};

use crate::health::{EndpointStats, HealthTable};

/// The name under which the simulator of this process is reached. No URL of a configuration leads to it.
pub const SIMULATOR_AUTHORITY: &str = "simulator.internal";

/// Where an endpoint's requests go.
#[derive(Clone)]
pub struct Route {
    /// The address.
    pub target: Arc<Target>,
    /// What we are known by there.
    pub credential: Arc<Credential>,
    /// The dialect that is spoken there.
    pub dialect: Dialect,
    /// Whether the simulator answers.
    pub simulated: bool,
}

/// A catalog with its routes and the health of its endpoints.
pub struct Deployment {
    /// Counts the deployments of this process; every record keeps the one that decided.
    pub epoch: u64,
    /// The catalog.
    pub catalog: Arc<Catalog>,
    bindings: Bindings,
    on_request: Bindings,
    /// Whether requests may ask for the simulator.
    pub simulator_on_request: bool,
    real: Vec<Option<Route>>,
    simulated: HashMap<Dialect, Route>,
    health: HealthTable,
    /// Of requests that ask for the simulator: whoever makes it fail must not put real endpoints back.
    simulated_health: HealthTable,
}

/// When the simulator answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SimulatorMode {
    /// Never.
    Off,
    /// Behind every endpoint: no provider has a credential.
    Everything,
    /// `simulator/*`, and requests that ask for it.
    OnRequest,
}

/// What a deployment is made of.
pub struct Make {
    /// Its number.
    pub epoch: u64,
    /// The catalog.
    pub catalog: Arc<Catalog>,
    /// The credentials of this instance.
    pub credentials: HashMap<ProviderSlug, SecretString>,
    /// When the simulator answers.
    pub simulator: SimulatorMode,
}

impl Deployment {
    /// Joins catalog and credentials. `old` passes on what was known of the endpoints' health.
    ///
    /// # Errors
    /// A base URL or a credential that cannot be used, with the provider's name.
    pub fn new(make: Make, old: Option<&Deployment>) -> Result<Self, UpstreamError> {
        let Make { epoch, catalog, credentials, simulator } = make;
        let mut by_provider: HashMap<(u16, Dialect), Route> = HashMap::new();
        let mut real = Vec::with_capacity(catalog.endpoints.len());
        for endpoint in &catalog.endpoints {
            let provider = catalog.provider(endpoint.provider);
            real.push(match real_route_needed(endpoint, provider, &credentials) {
                false => None,
                true => Some(match by_provider.entry((endpoint.provider.0, endpoint.dialect)) {
                    Entry::Occupied(known) => known.get().clone(),
                    Entry::Vacant(new) => new.insert(real_route(provider, endpoint.dialect, credentials.get(&provider.slug))?).clone(),
                }),
            });
        }
        let simulated = if simulator == SimulatorMode::Off { HashMap::new() } else { simulated_routes()? };
        let simulates =
            |p: &Provider| simulator == SimulatorMode::Everything || (simulator == SimulatorMode::OnRequest && p.is_simulator());
        let bindings = Bindings::new(&catalog, |p, e| match real[e.ix.0 as usize] {
            Some(_) => Bind::Real,
            None if simulates(p) && is_simulable(e) => Bind::Simulated,
            None => Bind::Unbound,
        });
        let on_request = Bindings::new(&catalog, |_, e| if is_simulable(e) { Bind::Simulated } else { Bind::Unbound });
        let health = HealthTable::new(&catalog, old.map(|o| (&*o.catalog, &o.health)));
        let simulated_health = HealthTable::new(&catalog, old.map(|o| (&*o.catalog, &o.simulated_health)));
        let simulator_on_request = simulator != SimulatorMode::Off;
        Ok(Self { epoch, bindings, on_request, simulator_on_request, real, simulated, health, simulated_health, catalog })
    }

    /// How an endpoint of this catalog did until now.
    #[must_use]
    pub fn endpoint_stats(&self, endpoint: EndpointIx, now: UnixMillis) -> EndpointStats {
        self.health.endpoint_stats(endpoint, now)
    }

    /// The health that counts for a request that asks for the simulator or does not.
    pub(crate) fn health(&self, simulate: bool) -> &HealthTable {
        if simulate { &self.simulated_health } else { &self.health }
    }

    /// Where a real endpoint's requests go, with the credential. `None`: it cannot be called, or has no credential.
    #[must_use]
    pub fn real_route(&self, ix: EndpointIx) -> Option<&Route> {
        self.real.get(ix.0 as usize)?.as_ref()
    }

    /// What stands behind each endpoint, for a request that asks for the simulator or does not.
    pub(crate) fn bindings(&self, simulate: bool) -> &Bindings {
        if simulate { &self.on_request } else { &self.bindings }
    }

    /// Whether a request that asks for nothing special can reach this endpoint: by a credential, or answered by the simulator.
    #[must_use]
    pub fn reaches(&self, ix: EndpointIx) -> bool {
        self.bindings.get(ix) != Bind::Unbound
    }

    /// The route of an endpoint, real or simulated as the plan has it.
    pub(crate) fn route(&self, ix: EndpointIx, simulated: bool) -> Option<&Route> {
        if simulated { self.simulated.get(&self.catalog.endpoint(ix).simulated_dialect()) } else { self.real_route(ix) }
    }
}

fn real_route_needed(endpoint: &Endpoint, provider: &Provider, credentials: &HashMap<ProviderSlug, SecretString>) -> bool {
    let has_credential = provider.auth == Auth::None || credentials.contains_key(&provider.slug);
    endpoint.callable.is_ok() && !provider.is_simulator() && has_credential
}

fn is_simulable(endpoint: &Endpoint) -> bool {
    match endpoint.callable {
        Ok(()) => true,
        Err(why) => why.is_callable_by_simulator(),
    }
}

fn real_route(provider: &Provider, dialect: Dialect, secret: Option<&SecretString>) -> Result<Route, UpstreamError> {
    let base = Arc::new(Base::parse(&provider.base_url)?);
    let origin = base.origin().clone();
    let credential = match (provider.auth, secret) {
        (Auth::Bearer, Some(secret)) => Credential::bearer(origin, secret.clone())?,
        (Auth::Header, Some(secret)) => {
            let name = registry::default_auth_header(dialect).unwrap_or("x-api-key");
            Credential::header(origin, HeaderName::from_static(name), secret.clone())?
        }
        _ => Credential::none(),
    };
    let target = Target::new(&base, registry::path(dialect).unwrap_or_default())?;
    Ok(Route { target: Arc::new(target), credential: Arc::new(credential), dialect, simulated: false })
}

fn simulated_routes() -> Result<HashMap<Dialect, Route>, UpstreamError> {
    let built = Dialect::ALL.into_iter().filter(|d| registry::built(*d));
    built
        .map(|dialect| {
            let base = Arc::new(Base::in_process(SIMULATOR_AUTHORITY, "/v1")?);
            let target = Arc::new(Target::new(&base, registry::path(dialect).unwrap_or_default())?);
            Ok((dialect, Route { target, credential: Arc::new(Credential::none()), dialect, simulated: true }))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalog_calls_callable_what_there_is_a_codec_for() {
        for dialect in Dialect::ALL {
            assert_eq!(portolan_catalog::is_dialect_built(dialect), registry::built(dialect), "{dialect:?}");
            assert!(!registry::built(dialect) || registry::path(dialect).is_some(), "{dialect:?}");
        }
    }
}
