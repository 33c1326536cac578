//! The rules of the way out: which addresses, other than public ones, may be connected to.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use ipnet::IpNet;

use crate::UpstreamError;
use crate::address::{self, Special};

/// What the operator permits besides the public Internet. Never made from a request or a tenant's setting.
///
/// A rule opens a refused network for its port, or for every port. Guarded ranges (link-local, the metadata
/// services of the clouds, multicast, "this" network) are opened only by a rule whose own network lies inside
/// the range: `169.254.10.0/24` opens its part, `0.0.0.0/0` opens none of it.
#[derive(Debug, Clone, Default)]
pub struct Egress {
    rules: Vec<EgressRule>,
    allow_loopback: bool,
}

impl Egress {
    /// These rules, and loopback on every port where `allow_loopback` (the development profile).
    #[must_use]
    pub fn new(rules: Vec<EgressRule>, allow_loopback: bool) -> Self {
        Self { rules, allow_loopback }
    }

    /// May this address be connected to?
    ///
    /// # Errors
    /// The refusal, which names the address and the rule that would permit it.
    pub fn vet(&self, address: SocketAddr) -> Result<(), Refusal> {
        if self.allow_loopback && address.ip().is_loopback() {
            return Ok(());
        }
        self.vet_one(address.ip(), address.port())?;
        match address::embedded_v4(address.ip()) {
            Some(v4) => self.vet_one(IpAddr::V4(v4), address.port()),
            None => Ok(()),
        }
    }

    fn vet_one(&self, ip: IpAddr, port: u16) -> Result<(), Refusal> {
        match address::special(ip) {
            Some(special) if !self.rules.iter().any(|rule| rule.permits(ip, port, special)) => {
                Err(Refusal { address: SocketAddr::new(ip, port), what: special.what })
            }
            _ => Ok(()),
        }
    }
}

/// An address that no rule permits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} is {what}, which is refused; add {:?} to [egress] allow to permit it", .address.ip(), EgressRule::only(*.address).to_string())]
pub struct Refusal {
    /// The refused address.
    pub address: SocketAddr,
    /// What the address is.
    pub what: &'static str,
}

/// One entry of `[egress] allow`: `10.0.0.0/8`, `10.0.0.0/8:8000`, `10.0.0.5`, `fd00::/8`, `[fd00::/8]:8000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EgressRule {
    network: IpNet,
    port: Option<u16>,
}

impl EgressRule {
    /// The narrowest rule that permits an address.
    fn only(address: SocketAddr) -> Self {
        Self { network: IpNet::from(address.ip()), port: Some(address.port()) }
    }

    fn permits(&self, ip: IpAddr, port: u16, special: &Special) -> bool {
        self.network.contains(&ip)
            && self.port.is_none_or(|own| own == port)
            && (!special.guarded || special.network.contains(&self.network))
    }
}

impl FromStr for EgressRule {
    type Err = UpstreamError;

    fn from_str(text: &str) -> Result<Self, UpstreamError> {
        let refuse = |reason: String| UpstreamError::EgressRule { text: text.to_owned(), reason };
        let (network, port) = split_port(text).ok_or_else(|| refuse("the brackets do not match".to_owned()))?;
        let network = parse_network(network).ok_or_else(|| refuse(format!("{network:?} is no network or address")))?;
        if network.trunc() != network {
            // Silently widening 10.0.0.5/8 to sixteen million neighbours is not what was meant.
            let (all, one) = (network.trunc(), IpNet::from(network.addr()));
            return Err(refuse(format!("the address has bits beyond the prefix: {all} or {one} is meant")));
        }
        let port = port.map(|digits| parse_port(digits).ok_or_else(|| refuse(format!("{digits:?} is no port")))).transpose()?;
        Ok(Self { network, port })
    }
}

/// `[network]:port`, `[network]`, `v4:port`, or the whole as a network. `None`: an unmatched bracket.
fn split_port(text: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (network, rest) = rest.split_once(']')?;
        return match rest.strip_prefix(':') {
            Some(port) => Some((network, Some(port))),
            None => rest.is_empty().then_some((network, None)),
        };
    }
    match text.split_once(':') {
        Some((network, port)) if !port.contains(':') && network.contains('.') => Some((network, Some(port))),
        _ => Some((text, None)),
    }
}

/// An address, alone or with a prefix length. The address is read by the standard library, which takes no leading zeros:
/// `010.0.0.0` is 8.0.0.0 to some and 10.0.0.0 to others.
fn parse_network(text: &str) -> Option<IpNet> {
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    let address = address.parse::<IpAddr>().ok()?;
    match bits {
        Some(bits) => IpNet::new(address, bits.bytes().all(|byte| byte.is_ascii_digit()).then(|| bits.parse().ok())??).ok(),
        None => Some(IpNet::from(address)),
    }
}

/// A decimal port from 1 to 65535, without a sign.
pub(crate) fn parse_port(digits: &str) -> Option<u16> {
    let decimal = (1..=5).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|port| decimal && *port != 0)
}

impl fmt::Display for EgressRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.network, self.port) {
            (network, None) => write!(f, "{network}"),
            (IpNet::V4(network), Some(port)) => write!(f, "{network}:{port}"),
            (IpNet::V6(network), Some(port)) => write!(f, "[{network}]:{port}"),
        }
    }
}

#[cfg(test)]
mod tests;
