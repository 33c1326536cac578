//! Headers of answers, and what is read from those of requests.

use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use portolan_core::{Area, GenerationId};
use portolan_engine::{Head, Origins, Refused};
use portolan_ledger::App;

/// The generation of an inference answer.
pub(crate) const GENERATION_ID: HeaderName = HeaderName::from_static("x-generation-id");
/// The request's own id, given back.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Says that the simulator answered.
pub(crate) const SIMULATED: HeaderName = HeaderName::from_static("x-portolan-simulated");
/// The output limit, where the gateway lowered it.
pub(crate) const MAX_TOKENS: HeaderName = HeaderName::from_static("x-portolan-max-tokens");
/// Names the instances that a request has passed.
pub(crate) const VIA: HeaderName = HeaderName::from_static("x-portolan-via");
/// Asks for the simulator.
pub(crate) const SIMULATE: HeaderName = HeaderName::from_static("x-portolan-simulate");
/// Wishes for the simulator.
pub(crate) const X_SIM: HeaderName = HeaderName::from_static("x-sim");

/// The trace of a request (W3C Trace Context).
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// The application, as OpenRouter names it.
const HTTP_REFERER: HeaderName = HeaderName::from_static("http-referer");
const OPENROUTER_TITLE: HeaderName = HeaderName::from_static("x-openrouter-title");
const TITLE: HeaderName = HeaderName::from_static("x-title");
const OPENROUTER_CATEGORIES: HeaderName = HeaderName::from_static("x-openrouter-categories");
const ROUTER_METADATA: HeaderName = HeaderName::from_static("x-openrouter-metadata");
const ROUTER_METADATA_OLD: HeaderName = HeaderName::from_static("x-openrouter-experimental-metadata");
const SESSION_ID: HeaderName = HeaderName::from_static("x-session-id");

const EXPOSED: &str = "X-Generation-Id,X-Provider-Name,X-Request-ID,Retry-After,X-Portolan-Simulated,X-Portolan-Max-Tokens,X-Portolan-Via";

/// What a header may weigh in a record. More is cut.
const KEPT_CHARS_MAX: usize = 256;
/// Categories in a record, as OpenRouter takes them per request.
const CATEGORIES_MAX: usize = 2;

/// Instances that a request may have passed. A chain of gateways is short; what is longer goes round in a way that hides it.
const PASSED_MAX: usize = 8;
/// The name of an instance is a UUID.
const INSTANCE_CHARS_MAX: usize = 36;

/// The instances that a request has passed, and `own` after them, for whoever gets it next.
/// `None`: it has been here before, or has passed too many. What is no name is not passed on.
pub(crate) fn via(headers: &HeaderMap, own: &HeaderValue) -> Option<HeaderValue> {
    let is_name =
        |name: &&str| (1..=INSTANCE_CHARS_MAX).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let values = headers.get_all(VIA).iter().filter_map(|value| value.to_str().ok());
    let passed: Vec<&str> = values.flat_map(|value| value.split(',')).map(str::trim).filter(is_name).collect();
    if passed.len() > PASSED_MAX || passed.iter().any(|name| name.as_bytes() == own.as_bytes()) {
        return None;
    }
    if passed.is_empty() {
        return Some(own.clone());
    }
    HeaderValue::from_str(&format!("{}, {}", passed.join(", "), own.to_str().unwrap_or_default())).ok()
}

/// Headers of every answer: pages of any origin may read it, no browser guesses its type.
pub(crate) fn common(headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

/// Headers of an answer to a preflight request (Fetch standard).
pub(crate) fn preflight(headers: &mut HeaderMap) {
    common(headers);
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET,POST,PATCH,PUT,DELETE,OPTIONS"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("*, Authorization"));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
}

/// Headers of an inference answer.
pub(crate) fn inference(headers: &mut HeaderMap, id: &GenerationId, head: &Head) {
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        headers.insert(GENERATION_ID, value);
    }
    if head.simulated {
        headers.insert(SIMULATED, HeaderValue::from_static("true"));
    }
    if let Some(tokens) = head.lowered_max_tokens {
        headers.insert(MAX_TOKENS, HeaderValue::from(tokens));
    }
}

/// Whether the caller asks what the router did, by OpenRouter's header or its older name.
pub(crate) fn wants_metadata(headers: &HeaderMap) -> bool {
    [ROUTER_METADATA, ROUTER_METADATA_OLD].iter().any(|name| headers.get(name).is_some_and(|value| value == "enabled"))
}

/// The conversation, by header. As long as in a body: what is cut could be another's.
///
/// # Errors
/// When it is too long.
fn session(headers: &HeaderMap) -> Result<Option<String>, Refused> {
    let text = headers.get(SESSION_ID).and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty());
    match text {
        Some(text) if text.len() > KEPT_CHARS_MAX => {
            Err(Refused::field("x-session-id", format!("x-session-id: is longer than {KEPT_CHARS_MAX} characters")))
        }
        text => Ok(text.map(clean)),
    }
}

/// Leaves one host name: that of the request's target where it has one (RFC 9112, 3.2.2), else that of the header.
///
/// # Errors
/// When there are several, when one is no host, or when there is userinfo before it (RFC 9110, 4.2.4): which name confines
/// the request must not be a guess.
pub(crate) fn one_host(parts: &mut Parts) -> Result<(), Refused> {
    let wrong = |message: &str| Refused::new(400, "invalid_request", message);
    let mut headers = parts.headers.get_all(header::HOST).iter();
    let header = headers.next();
    if headers.next().is_some() {
        return Err(wrong("The request has more than one Host header; send one"));
    }
    // A target without a host has an empty header (RFC 9112, 3.2).
    if header.is_some_and(|host| !host.is_empty() && !is_host(host.as_bytes())) {
        return Err(wrong("The Host header is no host name; send the name, and the port after a colon"));
    }
    let Some(authority) = parts.uri.authority().map(Authority::as_str) else { return Ok(()) };
    if !is_host(authority.as_bytes()) {
        return Err(wrong("The request's target has userinfo (what stands before an @); leave it out, and send the key in a header"));
    }
    let host = HeaderValue::from_str(authority).map_err(|_| wrong("The request's target has no valid host name"))?;
    parts.headers.insert(header::HOST, host);
    Ok(())
}

/// Whether a text is a host with or without a port, and nothing before it.
fn is_host(text: &[u8]) -> bool {
    !text.contains(&b'@') && Authority::try_from(text).is_ok()
}

/// The area that a host name confines a request to: `eu.` or `us.` before the rest.
pub(crate) fn area(headers: &HeaderMap) -> Option<Area> {
    let (label, _) = headers.get(header::HOST)?.to_str().ok()?.split_once('.')?;
    Area::parse(&label.to_ascii_lowercase())
}

/// Where a request comes from. Control characters and what is too long are left out: these texts reach logs and pages.
///
/// # Errors
/// When the session is too long to be told from others.
pub(crate) fn origins(headers: &HeaderMap) -> Result<Origins, Refused> {
    let text = |name: HeaderName| headers.get(name).and_then(|v| v.to_str().ok()).map(clean).filter(|t| !t.is_empty());
    let categories = text(OPENROUTER_CATEGORIES).unwrap_or_default();
    Ok(Origins {
        trace_id: text(REQUEST_ID).or_else(|| text(TRACEPARENT).and_then(|t| trace_id(&t))),
        app: App {
            referer: text(HTTP_REFERER).or_else(|| text(header::REFERER)),
            title: text(OPENROUTER_TITLE).or_else(|| text(TITLE)),
            categories: categories.split(',').map(|c| c.trim().to_owned()).filter(|c| !c.is_empty()).take(CATEGORIES_MAX).collect(),
        },
        session: session(headers)?,
        tags: Vec::new(),
    })
}

/// The trace id of a `traceparent` (W3C Trace Context: version, 32 hexadecimal digits, span, flags).
fn trace_id(traceparent: &str) -> Option<String> {
    let id = traceparent.split('-').nth(1)?;
    (id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()) && id.bytes().any(|b| b != b'0')).then(|| id.to_owned())
}

/// A text that is fit for a record.
pub(crate) fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(KEPT_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_id_is_taken_from_a_traceparent_only_if_it_is_one() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(trace_id(&format!("00-{id}-00f067aa0ba902b7-01")).as_deref(), Some(id));
        for wrong in ["", "00", "00-xyz-1-1", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"] {
            assert_eq!(trace_id(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_request_names_all_instances_that_it_has_passed_and_comes_back_to_none() {
        let own = HeaderValue::from_static("me");
        for (sent, next) in [
            (&[][..], Some("me")),
            (&["a"], Some("a, me")),
            (&["a, b", "c"], Some("a, b, c, me")),
            (&["", "not a name", "a"], Some("a, me")),
            (&["me"], None),
            (&["a", "b,me,c"], None),
            (&["a,b,c,d,e,f,g,h,i"], None),
        ] {
            let mut headers = HeaderMap::new();
            sent.iter().for_each(|value| {
                headers.append(VIA, HeaderValue::from_static(value));
            });
            assert_eq!(via(&headers, &own).as_ref().and_then(|v| v.to_str().ok()), next, "{sent:?}");
        }
    }

    #[test]
    fn the_target_of_a_request_goes_before_its_header_and_what_is_not_one_host_name_is_refused() {
        let host = |target: &str, hosts: &[&str]| {
            let mut request = http::Request::post(target);
            for host in hosts {
                request = request.header(header::HOST, *host);
            }
            let (mut parts, ()) = request.body(()).unwrap().into_parts();
            one_host(&mut parts).map(|()| super::area(&parts.headers)).map_err(|refused| refused.status)
        };
        assert_eq!(host("/api/v1/chat/completions", &["eu.localhost"]), Ok(Some(Area::Eu)));
        assert_eq!(host("http://eu.localhost/api/v1/chat/completions", &["localhost"]), Ok(Some(Area::Eu)));
        assert_eq!(host("/api/v1/chat/completions", &["localhost", "eu.localhost"]), Err(400));
        assert_eq!(host("/api/v1/chat/completions", &[]), Ok(None));
        // What is no host name confines to nothing, and so must not pass.
        for target in ["http://x@eu.localhost/v1/models", "http://x:y@eu.localhost/v1/models", "http://@eu.localhost/v1/models"] {
            assert_eq!(host(target, &["eu.localhost"]), Err(400), "{target}");
        }
        for header in ["x@eu.localhost", "@eu.localhost", "a b", "e%75.localhost", "http://eu.localhost", "eu.localhost/", "é"] {
            assert_eq!(host("/v1/models", &[header]), Err(400), "{header}");
            assert_eq!(host("http://eu.localhost/v1/models", &[header]), Err(400), "{header}");
        }
        for header in ["", "localhost:", "localhost:80", "127.0.0.1:4747", "[::1]:4747", "my_service", "a.b.", "*.x", "a,b"] {
            assert_eq!(host("/v1/models", &[header]), Ok(None), "{header}");
        }
    }

    #[test]
    fn a_host_name_confines_by_its_first_label_only() {
        for (host, area) in [
            ("eu.gateway.example", Some(Area::Eu)),
            ("US.gateway.example:8443", Some(Area::Us)),
            ("eu", None),
            ("gateway.eu", None),
            ("europe.example", None),
            ("127.0.0.1:4747", None),
        ] {
            let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static(host))]);
            assert_eq!(super::area(&headers), area, "{host}");
        }
    }

    #[test]
    fn texts_for_records_lose_control_characters_and_length() {
        let mut headers = HeaderMap::new();
        headers.insert("x-title", HeaderValue::from_str(&"a".repeat(1000)).unwrap());
        headers.insert("x-openrouter-categories", HeaderValue::from_static("one, two,three"));
        let origins = origins(&headers).unwrap();
        assert_eq!(origins.app.title.map(|t| t.len()), Some(KEPT_CHARS_MAX));
        assert_eq!(origins.app.categories, ["one", "two"]);
        headers.insert("x-session-id", HeaderValue::from_str(&"s".repeat(257)).unwrap());
        assert_eq!(super::origins(&headers).map_err(|refused| refused.status).unwrap_err(), 400, "no session is taken for another");
        assert_eq!(clean("a\u{1b}[31m\r\nb"), "a[31mb");
    }
}
