//! One request to a provider.

use std::sync::Arc;

use http::header::{self, ACCEPT_ENCODING, HOST, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use portolan_core::Fault;

use crate::{Credential, Segments, Target, fault};

/// A request, ready to be sent but for what the client adds: `Host`, the credential, `Content-Length`,
/// `Accept-Encoding: identity` and, where none is given, `User-Agent`.
#[derive(Debug)]
pub struct Call {
    /// Where to.
    pub target: Arc<Target>,
    /// `POST`, or `GET` with an empty body.
    pub method: Method,
    /// Headers that the dialect wants. Room for four more saves an allocation.
    pub headers: HeaderMap,
    /// The body.
    pub body: Segments,
    /// The credential of the target's origin.
    pub credential: Arc<Credential>,
}

/// Headers that come from elsewhere: framing is hyper's, the host is the target's, a secret is a [`Credential`]'s.
/// A call that carries one was put together wrongly, perhaps from a caller's own headers: it is not sent.
static FOREIGN: [HeaderName; 16] = [
    HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
    header::EXPECT,
    header::AUTHORIZATION,
    header::PROXY_AUTHORIZATION,
    header::COOKIE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("api-key"),
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("x-goog-api-key"),
];

static IDENTITY: HeaderValue = HeaderValue::from_static("identity");
static AGENT: HeaderValue = HeaderValue::from_static(concat!("portolan/", env!("CARGO_PKG_VERSION")));

impl Call {
    pub(crate) fn into_request(self) -> Result<Request<Segments>, Fault> {
        let Self { target, method, mut headers, body, credential } = self;
        if let Some(name) = headers.keys().find(|name| FOREIGN.contains(name)) {
            return Err(fault::internal(format!("a call to {} carried the header {name}; it was not sent", target.base().origin())));
        }
        credential.attach(target.base().origin(), &mut headers)?;
        headers.insert(HOST, target.base().host_header().clone());
        headers.insert(ACCEPT_ENCODING, IDENTITY.clone());
        headers.entry(USER_AGENT).or_insert_with(|| AGENT.clone());
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = target.uri().clone();
        *request.headers_mut() = headers;
        Ok(request)
    }
}
