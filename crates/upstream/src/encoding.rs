//! No compressed answers: a few kilobytes of gzip can be gigabytes of nothing.

use http::header::{CONTENT_ENCODING, TRANSFER_ENCODING};
use http::{HeaderName, Response};
use portolan_core::{Class, Fault, Origin, Retry};

/// Refuses an answer whose body is encoded, although every request asks for `identity`.
///
/// # Errors
/// A fault of the provider that names the encoding.
pub fn check_encoding<B>(response: &Response<B>) -> Result<(), Fault> {
    check(response, &CONTENT_ENCODING, "identity")?;
    check(response, &TRANSFER_ENCODING, "chunked")
}

fn check<B>(response: &Response<B>, name: &HeaderName, plain: &str) -> Result<(), Fault> {
    for value in response.headers().get_all(name) {
        let codings = String::from_utf8_lossy(value.as_bytes());
        let mut encoded = codings.split(',').map(str::trim).filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(plain));
        if let Some(coding) = encoded.next() {
            let message = format!("the provider sent {name}: {coding:?}, though only {plain} was asked for");
            return Err(Fault {
                status: Some(response.status().as_u16()),
                ..Fault::new(Origin::Upstream, Class::InvalidAnswer, Retry::NextEndpoint, message)
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_without_an_encoding_passes() {
        let cases = [
            ("content-encoding", "identity", true),
            ("content-encoding", "Identity, identity", true),
            ("content-encoding", "", true),
            ("transfer-encoding", "chunked", true),
            ("content-type", "application/json", true),
            ("content-encoding", "gzip", false),
            ("content-encoding", "br", false),
            ("content-encoding", "identity, zstd", false),
            ("content-encoding", "GZIP", false),
            ("transfer-encoding", "gzip, chunked", false),
        ];
        for (name, value, passes) in cases {
            let response = Response::builder().header(name, value).body(()).expect("a response");
            assert_eq!(check_encoding(&response).is_ok(), passes, "{name}: {value}");
        }
    }
}
