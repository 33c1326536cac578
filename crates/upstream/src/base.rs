//! Where a provider lives: parsed and normalised once, by this parser only.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use http::HeaderValue;

use crate::UpstreamError;
use crate::egress::parse_port;
use crate::host::Host;
use crate::path::push_path;

/// How a destination is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Http,
    Https,
    /// Over a pipe inside this process. No text parses to it.
    InProcess,
}

/// Scheme, host and port: what a credential is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    transport: Transport,
    host: Arc<str>,
    port: u16,
}

impl Origin {
    /// The host in its normal form; IPv6 in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn transport(&self) -> Transport {
        self.transport
    }

    /// The host, and the port where it is not the scheme's own.
    fn authority(&self) -> String {
        match (self.transport, self.port) {
            (Transport::Http, 80) | (Transport::Https, 443) | (Transport::InProcess, _) => self.host.to_string(),
            _ => format!("{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.transport == Transport::Https { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority())
    }
}

/// A base URL: an origin, and the path that a dialect's own path is appended to.
#[derive(Debug, Clone)]
pub struct Base {
    origin: Origin,
    /// The normal form, without a trailing slash.
    url: String,
    host_header: HeaderValue,
}

impl Base {
    /// Parses `https://api.openai.com/v1`.
    ///
    /// # Errors
    /// Schemes other than http and https; userinfo, query, fragment, backslashes, control characters and spaces;
    /// hosts that two parsers may read in two ways; ports that are none; empty and dot segments.
    pub fn parse(text: &str) -> Result<Self, UpstreamError> {
        Self::parse_parts(text).map_err(|reason| {
            // A URL with userinfo may hold a password: errors are logged.
            let text = if text.contains('@') { "(hidden)" } else { text };
            UpstreamError::BaseUrl { text: text.to_owned(), reason }
        })
    }

    /// The base of the service that [`crate::InProcess`] offers under this name. Only code makes one: no text of
    /// a configuration, a tenant or a request parses to it, and the same name in a base URL goes to DNS.
    ///
    /// # Errors
    /// A name that is no host name, or a prefix that is no path.
    pub fn in_process(authority: &'static str, prefix: &str) -> Result<Self, UpstreamError> {
        Host::parse(authority)
            .and_then(|host| Self::build(Transport::InProcess, &host, 80, prefix))
            .map_err(|reason| UpstreamError::BaseUrl { text: format!("{authority}{prefix}"), reason })
    }

    fn parse_parts(text: &str) -> Result<Self, &'static str> {
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err("it holds a space or a control character");
        }
        if text.contains('\\') {
            return Err("it holds a backslash");
        }
        if text.contains(['?', '#']) {
            return Err("it holds a query or a fragment; a base URL ends with its path");
        }
        let (scheme, rest) = text.split_once("://").ok_or("it begins with neither http:// nor https://")?;
        let (transport, port) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (Transport::Http, 80),
            "https" => (Transport::Https, 443),
            _ => return Err("the scheme is neither http nor https"),
        };
        let (authority, prefix) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err("it holds a user name or password; give credentials by api_key");
        }
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, digits)) if !digits.ends_with(']') => (host, parse_port(digits).ok_or("the port is no number from 1 to 65535")?),
            _ => (authority, port),
        };
        Self::build(transport, &Host::parse(host)?, port, prefix)
    }

    fn build(transport: Transport, host: &Host, port: u16, prefix: &str) -> Result<Self, &'static str> {
        let origin = Origin { transport, host: host.url_text().into(), port };
        let mut url = origin.to_string();
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        if !prefix.is_empty() {
            push_path(&mut url, prefix)?;
        }
        let host_header = HeaderValue::try_from(origin.authority()).map_err(|_| "the host cannot stand in a header")?;
        Ok(Self { origin, url, host_header })
    }

    /// What credentials for this base are bound to.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The normal form of the URL, without a trailing slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.url
    }

    pub(crate) fn host_header(&self) -> &HeaderValue {
        &self.host_header
    }
}

/// Host and address of the normal form, for whoever connects.
pub(crate) fn literal(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

#[cfg(test)]
mod tests;
