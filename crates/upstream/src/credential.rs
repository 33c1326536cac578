//! A provider's secret, bound to the origin that it was registered for.

use std::borrow::Cow;
use std::fmt;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use portolan_core::{Class, ExposeSecret, Fault, Origin as FaultOrigin, Retry, SecretString};

use crate::mask::mask;
use crate::{Origin, UpstreamError};

/// What a provider knows us by. It is attached to calls to its own origin and to no other.
pub struct Credential {
    bound: Option<Bound>,
}

struct Bound {
    origin: Origin,
    name: HeaderName,
    /// Built once, marked sensitive.
    value: HeaderValue,
    secret: SecretString,
}

impl Credential {
    /// For providers that ask for none.
    #[must_use]
    pub fn none() -> Self {
        Self { bound: None }
    }

    /// `Authorization: Bearer <secret>`.
    ///
    /// # Errors
    /// A secret that is empty or not of visible ASCII.
    pub fn bearer(origin: Origin, secret: SecretString) -> Result<Self, UpstreamError> {
        Self::bind(origin, AUTHORIZATION, "Bearer ", secret)
    }

    /// `<name>: <secret>`, such as `x-api-key`.
    ///
    /// # Errors
    /// A secret that is empty or not of visible ASCII.
    pub fn header(origin: Origin, name: HeaderName, secret: SecretString) -> Result<Self, UpstreamError> {
        Self::bind(origin, name, "", secret)
    }

    fn bind(origin: Origin, name: HeaderName, scheme: &str, secret: SecretString) -> Result<Self, UpstreamError> {
        let text = secret.expose_secret();
        let refuse = |reason| UpstreamError::Secret { host: origin.host().to_owned(), reason };
        if text.is_empty() {
            return Err(refuse("it is empty"));
        }
        // A space or a newline is a mistake of copying, or an attempt to add a header.
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(refuse("it holds a space, a newline or a character that is not ASCII"));
        }
        let mut value = HeaderValue::try_from(format!("{scheme}{text}")).map_err(|_| refuse("it is no header value"))?;
        value.set_sensitive(true);
        Ok(Self { bound: Some(Bound { origin, name, value, secret }) })
    }

    pub(crate) fn attach(&self, origin: &Origin, headers: &mut HeaderMap) -> Result<(), Fault> {
        let Some(bound) = &self.bound else { return Ok(()) };
        if bound.origin != *origin {
            let message = format!("a credential for {} was about to go to {origin}; the request was not sent", bound.origin);
            return Err(Fault::new(FaultOrigin::Gateway, Class::Internal, Retry::NextEndpoint, message));
        }
        headers.insert(bound.name.clone(), bound.value.clone());
        Ok(())
    }

    /// Replaces the secret, and the parts of it that providers echo (`sk-abc***wxyz`), in a provider's text.
    /// Every error text of a provider goes through here before anyone sees or stores it.
    #[must_use]
    pub fn mask<'text>(&self, text: &'text str) -> Cow<'text, str> {
        match &self.bound {
            Some(bound) => mask(text, bound.secret.expose_secret()),
            None => Cow::Borrowed(text),
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.bound {
            Some(bound) => write!(f, "Credential({} for {})", bound.name, bound.origin),
            None => write!(f, "Credential(none)"),
        }
    }
}
