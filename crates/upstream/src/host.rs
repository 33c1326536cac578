//! A host, read in one way only: a name, or an address in its normal form.
//!
//! Resolvers and browsers read `2130706433`, `0x7f.1`, `0177.0.0.1`, `127.1` and `①②⑦.⓪.⓪.①` as addresses.
//! Here they are errors, so that no two parsers can disagree about where a request goes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub(crate) enum Host {
    Ip(IpAddr),
    /// In lower case, without a trailing dot.
    Name(String),
}

/// The longest name that DNS carries.
const NAME_BYTES_MAX: usize = 253;
/// The longest label of a name.
const LABEL_BYTES_MAX: usize = 63;

impl Host {
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        if let Some(inner) = text.strip_prefix('[') {
            let address = inner.strip_suffix(']').and_then(|inner| inner.parse::<Ipv6Addr>().ok());
            return address.map(|address| Self::Ip(address.into())).ok_or("the brackets hold no IPv6 address");
        }
        if !text.is_ascii() {
            return Err("the host is not ASCII; write an international name in its xn-- form");
        }
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Ok(Self::Ip(address.into()));
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        if name.is_empty() {
            return Err("the host is missing");
        }
        if name.len() > NAME_BYTES_MAX || name.split('.').any(|label| label.is_empty() || label.len() > LABEL_BYTES_MAX) {
            return Err("the host has an empty or an overlong part");
        }
        // The underscore is no host name's, but the service names of container networks have it.
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')) {
            return Err("the host holds a character that no host name has");
        }
        if ends_in_a_number(&name) {
            return Err("the host is a number or an unusual form of an address; write it as four decimal numbers, like 10.0.0.5");
        }
        Ok(Self::Name(name))
    }

    /// As it stands in a URL and in the `Host` header.
    pub(crate) fn url_text(&self) -> String {
        match self {
            Self::Ip(IpAddr::V4(address)) => address.to_string(),
            Self::Ip(IpAddr::V6(address)) => format!("[{address}]"),
            Self::Name(name) => name.clone(),
        }
    }
}

/// The URL standard's test for what some parser may take for an IPv4 address: the last label is a number.
fn ends_in_a_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    last.bytes().all(|byte| byte.is_ascii_digit())
        || last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
