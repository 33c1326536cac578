//! Who calls. An extractor, so that no handler can forget it.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, HeaderName};
use portolan_engine::{Caller, Refused};

use crate::{ApiError, Gateway};

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const X_GOOG_API_KEY: HeaderName = HeaderName::from_static("x-goog-api-key");

/// The caller of a request, authenticated.
pub(crate) struct Authenticated(pub(crate) Caller);

impl FromRequestParts<Arc<Gateway>> for Authenticated {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, ApiError> {
        authenticate(gateway, &parts.headers).map(Self)
    }
}

/// The caller by `Authorization: Bearer`, `x-api-key` or `x-goog-api-key`.
pub(crate) fn authenticate(gateway: &Gateway, headers: &HeaderMap) -> Result<Caller, ApiError> {
    Ok(gateway.directory.authenticate(presented(headers)?)?)
}

/// The one key that a request presents. Two that differ are refused: what reads one of them could be told another's name.
fn presented(headers: &HeaderMap) -> Result<&str, ApiError> {
    let bearers = headers.get_all(http::header::AUTHORIZATION).iter().map(|v| v.to_str().ok().and_then(bearer));
    let keys = [X_API_KEY, X_GOOG_API_KEY].into_iter().flat_map(|name| headers.get_all(name)).map(|v| v.to_str().ok());
    let mut presented = None;
    for key in bearers.chain(keys) {
        match (presented, key) {
            (_, None) => return Err(denied("The credential is unreadable; send `Authorization: Bearer <key>`")),
            (Some(one), Some(other)) if one != other => return Err(denied("Two different credentials were sent; send one")),
            (_, Some(key)) => presented = Some(key),
        }
    }
    presented.ok_or_else(|| denied("Missing Authentication header"))
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, key) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(key.trim())
}

fn denied(message: &str) -> ApiError {
    Refused::new(401, "authentication", message).into()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn one_credential_is_taken_from_any_of_three_headers_and_two_that_differ_are_refused() {
        type Case<'a> = (&'a [(&'a str, &'a str)], Result<&'a str, &'a str>);
        let cases: &[Case<'_>] = &[
            (&[("authorization", "Bearer k")], Ok("k")),
            (&[("authorization", "bearer  k ")], Ok("k")),
            (&[("x-api-key", "k")], Ok("k")),
            (&[("x-goog-api-key", "k")], Ok("k")),
            (&[("authorization", "Bearer k"), ("x-api-key", "k")], Ok("k")),
            (&[("authorization", "Bearer k"), ("x-api-key", "l")], Err("Two different")),
            (&[("authorization", "Bearer k"), ("authorization", "Bearer l")], Err("Two different")),
            (&[("authorization", "Basic abc")], Err("unreadable")),
            (&[], Err("Missing Authentication header")),
        ];
        for (sent, expected) in cases {
            let mut headers = HeaderMap::new();
            for (name, value) in *sent {
                headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
            }
            match (presented(&headers), expected) {
                (Ok(key), Ok(expected)) => assert_eq!(key, *expected),
                (Err(error), Err(expected)) => assert!(error.refused().message.contains(expected), "{sent:?}: {error:?}"),
                (other, _) => panic!("{sent:?}: {other:?}"),
            }
        }
    }
}
