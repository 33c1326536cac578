//! From a failed answer to a fault.

use portolan_core::{Class, Fault, Origin, Retry, UnixMillis};
use serde::Deserialize;

use super::answer::Text;
use crate::classify::{self, RetryHeaders};

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    error: Option<Detail<'a>>,
}

#[derive(Deserialize)]
struct Detail<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    message: Option<Text<'a>>,
}

/// What an answer other than 200 means.
#[must_use]
pub fn classify(status: u16, headers: RetryHeaders<'_>, body: &[u8], now: UnixMillis) -> Fault {
    let (kind, message) = read(&String::from_utf8_lossy(body));
    let mut fault = classify::fault(status, &message, kind.clone(), headers.wait(now));
    if let Some((origin, class, retry)) = kind.and_then(|kind| judged(&kind, &message)) {
        (fault.origin, fault.class, fault.retry) = (origin, class, retry);
    }
    fault
}

/// An error inside a 200: an event of a stream, or a body. There is no status.
pub(super) fn within(body: &str) -> Fault {
    let (kind, message) = read(body);
    let (origin, class, retry) = kind.as_deref().and_then(|kind| judged(kind, &message)).unwrap_or((
        Origin::Upstream,
        Class::ProviderUnavailable,
        Retry::NextEndpoint,
    ));
    let message = if message.trim().is_empty() { "the provider reported an error".to_owned() } else { classify::presentable(&message) };
    Fault { provider_code: kind, ..Fault::new(origin, class, retry, message) }
}

fn read(body: &str) -> (Option<String>, String) {
    match serde_json::from_str::<Body<'_>>(body) {
        Ok(Body { error: Some(Detail { kind, message }) }) => {
            // The type is shown as the provider's code: it is a short word, or it is not one.
            let kind = kind.map(|kind| kind.0.into_owned()).filter(|kind| kind.len() <= 64);
            (kind, message.unwrap_or_default().0.into_owned())
        }
        _ => (None, String::new()),
    }
}

/// What the error's type means; it says more than the status.
fn judged(kind: &str, message: &str) -> Option<(Origin, Class, Retry)> {
    let (origin, class, retry) = match kind {
        "invalid_request_error" => return Some(invalid_request(message)),
        "authentication_error" | "permission_error" => (Origin::Upstream, Class::CredentialRefused, Retry::NextEndpoint),
        "billing_error" => (Origin::Upstream, Class::CredentialExhausted, Retry::NextEndpoint),
        "not_found_error" => (Origin::Upstream, Class::NotFound, Retry::NextEndpoint),
        "request_too_large" => (Origin::Caller, Class::PayloadTooLarge, Retry::NextEndpoint),
        "rate_limit_error" => (Origin::Upstream, Class::RateLimitExceeded, Retry::NextEndpoint),
        "overloaded_error" => (Origin::Upstream, Class::ProviderOverloaded, Retry::NextEndpoint),
        "timeout_error" => (Origin::Upstream, Class::Timeout, Retry::NextEndpoint),
        "api_error" => (Origin::Upstream, Class::ProviderUnavailable, Retry::NextEndpoint),
        _ => return None,
    };
    Some((origin, class, retry))
}

/// One type for many causes: only the words tell them apart.
fn invalid_request(message: &str) -> (Origin, Class, Retry) {
    let message = message.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if says(&["prompt is too long", "exceed context limit", "exceeds the context window", "context window"]) {
        // Another endpoint may have a larger context.
        (Origin::Caller, Class::ContextLengthExceeded, Retry::NextEndpoint)
    } else if says(&["credit balance is too low", "usage limits"]) {
        (Origin::Upstream, Class::CredentialExhausted, Retry::NextEndpoint)
    } else if says(&["content filtering policy"]) {
        (Origin::Caller, Class::ContentPolicyViolation, Retry::NextEndpoint)
    } else {
        (Origin::Caller, Class::InvalidRequest, Retry::Never)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn body(kind: &str, message: &str) -> String {
        format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"{message}"}},"request_id":null}}"#)
    }

    fn answered(status: u16, body: &str) -> Fault {
        classify(status, RetryHeaders { retry_after: Some("7"), retry_after_ms: None }, body.as_bytes(), UnixMillis(0))
    }

    #[test]
    fn each_error_has_its_origin_class_and_retry() {
        use Class::*;
        let (caller, upstream) = (Origin::Caller, Origin::Upstream);
        for (status, kind, message, expected) in [
            (400, "invalid_request_error", "messages.0: wrong shape", (caller, InvalidRequest, Retry::Never)),
            (
                400,
                "invalid_request_error",
                "prompt is too long: 9 tokens > 8 maximum",
                (caller, ContextLengthExceeded, Retry::NextEndpoint),
            ),
            (
                400,
                "invalid_request_error",
                "input length and `max_tokens` exceed context limit",
                (caller, ContextLengthExceeded, Retry::NextEndpoint),
            ),
            (400, "invalid_request_error", "Your credit balance is too low", (upstream, CredentialExhausted, Retry::NextEndpoint)),
            (
                400,
                "invalid_request_error",
                "Output blocked by content filtering policy",
                (caller, ContentPolicyViolation, Retry::NextEndpoint),
            ),
            (401, "authentication_error", "invalid x-api-key", (upstream, CredentialRefused, Retry::NextEndpoint)),
            (403, "permission_error", "no", (upstream, CredentialRefused, Retry::NextEndpoint)),
            (402, "billing_error", "pay", (upstream, CredentialExhausted, Retry::NextEndpoint)),
            (404, "not_found_error", "model: x", (upstream, NotFound, Retry::NextEndpoint)),
            (413, "request_too_large", "too large", (caller, PayloadTooLarge, Retry::NextEndpoint)),
            (429, "rate_limit_error", "slow down", (upstream, RateLimitExceeded, Retry::NextEndpoint)),
            (500, "api_error", "oops", (upstream, ProviderUnavailable, Retry::NextEndpoint)),
            (504, "timeout_error", "late", (upstream, Timeout, Retry::NextEndpoint)),
            (529, "overloaded_error", "Overloaded", (upstream, ProviderOverloaded, Retry::NextEndpoint)),
            (529, "something_new", "Overloaded", (upstream, ProviderOverloaded, Retry::NextEndpoint)),
        ] {
            let fault = answered(status, &body(kind, message));
            assert_eq!((fault.origin, fault.class, fault.retry), expected, "{kind}: {message}");
            assert_eq!((fault.status, fault.provider_code.as_deref(), fault.message.as_str()), (Some(status), Some(kind), message));
            assert_eq!(fault.retry_after, Some(Duration::from_secs(7)));
        }
    }

    #[test]
    fn an_error_event_is_judged_without_a_status() {
        let fault = within(&body("overloaded_error", "Overloaded"));
        assert_eq!((fault.class, fault.status), (Class::ProviderOverloaded, None));
        let fault = within("not json");
        assert_eq!((fault.class, fault.message.as_str()), (Class::ProviderUnavailable, "the provider reported an error"));
    }

    #[test]
    fn a_body_of_another_shape_leaves_the_word_to_the_status() {
        for odd in ["", "<html>", "[]", r#"{"error":"text"}"#, r#"[{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}]"#] {
            let fault = answered(429, odd);
            assert_eq!((fault.class, fault.provider_code), (Class::RateLimitExceeded, None), "{odd}");
            assert!(!fault.message.is_empty());
        }
    }

    #[test]
    fn a_credential_that_the_provider_repeats_is_masked() {
        let fault = answered(401, &body("authentication_error", "invalid key sk-ant-api03-abcdefghijkl"));
        assert!(!fault.message.contains("abcdefghijkl"), "{}", fault.message);
    }
}
