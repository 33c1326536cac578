//! Failed answers in OpenAI's shape, and in the shapes of those who almost follow it.

use std::borrow::Cow;

use portolan_core::{Class, Fault, Origin, Retry, UnixMillis};

use crate::classify::{self, RetryHeaders};
use crate::json::{JsonError, Kind, Reader};

/// How much of a body that is no JSON is looked at: some hosts answer with a page of HTML.
const PLAIN_BYTES_MAX: usize = 4_096;

/// What an answer other than 200 means.
#[must_use]
pub fn classify(status: u16, headers: RetryHeaders<'_>, body: &[u8], now: UnixMillis) -> Fault {
    let text = String::from_utf8_lossy(body);
    let details = Details::parse(&text).unwrap_or_else(|_| Details { message: plain(&text), ..Details::default() });
    let mut fault = classify::fault(status, &details.message, None, headers.wait(now));
    details.refine(&mut fault);
    fault
}

/// What an error value inside a 200 means: an event of a stream, or a body. `json` is the whole frame or body.
pub(crate) fn within(json: &str) -> Fault {
    let details = Details::parse(json).unwrap_or_default();
    let status = details
        .status
        .or_else(|| details.code.as_deref().or(details.kind.as_deref()).and_then(status_of))
        .filter(|s| (400..600).contains(s));
    let message = if details.message.is_empty() { "the provider reported an error without a message" } else { &details.message };
    let mut fault = classify::fault(status.unwrap_or(502), message, None, None);
    fault.status = status;
    details.refine(&mut fault);
    fault
}

/// What a body says of an error, wherever it says it.
#[derive(Debug, Default)]
struct Details {
    message: String,
    code: Option<String>,
    kind: Option<String>,
    status: Option<u16>,
}

impl Details {
    fn parse(json: &str) -> Result<Self, JsonError> {
        let mut details = Self::default();
        let mut r = Reader::new(json);
        match r.kind()? {
            // Google's compatible endpoint wraps its error in a list.
            Kind::Array => r.array(|r, _| details.value(r, 0)).map(drop)?,
            _ => details.value(&mut r, 0)?,
        }
        r.end()?;
        Ok(details)
    }

    fn value(&mut self, r: &mut Reader<'_>, depth: u8) -> Result<(), JsonError> {
        match r.kind()? {
            Kind::Object if depth < 4 => r.object(|r, key| self.member(r, key.raw, depth)).map(drop),
            Kind::Array if depth < 4 => r.array(|r, _| self.value(r, depth + 1)).map(drop),
            Kind::String => {
                let text = r.string()?.decode();
                if self.message.is_empty() {
                    self.message = text.into_owned();
                }
                Ok(())
            }
            _ => r.skip().map(drop),
        }
    }

    fn member(&mut self, r: &mut Reader<'_>, key: &str, depth: u8) -> Result<(), JsonError> {
        match key {
            "error" | "message" | "detail" | "msg" | "choices" => self.value(r, depth + 1),
            "code" => {
                let code = scalar(r)?;
                self.status = self.status.or_else(|| code.as_deref().and_then(|c| c.parse().ok()).filter(|s| (400..600).contains(s)));
                self.code = self.code.take().or(code);
                Ok(())
            }
            "type" => {
                let kind = scalar(r)?;
                self.kind = self.kind.take().or(kind);
                Ok(())
            }
            "status" | "status_code" | "raw_status_code" => {
                let status = scalar(r)?.and_then(|text| text.parse().ok());
                self.status = self.status.or(status);
                Ok(())
            }
            _ => r.skip().map(drop),
        }
    }

    /// Sharpens a fault that knows only its status.
    fn refine(self, fault: &mut Fault) {
        let words = [self.code.as_deref(), self.kind.as_deref()];
        let is = |names: &[&str]| words.iter().flatten().any(|word| names.iter().any(|name| word.eq_ignore_ascii_case(name)));
        let message = self.message.to_lowercase();
        let says = |parts: &[&str]| parts.iter().any(|part| message.contains(part));
        let bad_request = matches!(fault.status, Some(400 | 403 | 413 | 422));
        let refined = if is(EXHAUSTED)
            || (fault.class != Class::CredentialRefused && says(&["insufficient balance", "credit balance is too low"]))
        {
            Some((Origin::Upstream, Class::CredentialExhausted, Retry::NextEndpoint))
        } else if is(&["invalid_api_key", "authentication_error"]) || (bad_request && says(&["api key not valid"])) {
            Some((Origin::Upstream, Class::CredentialRefused, Retry::NextEndpoint))
        } else if is(CONTEXT) || (bad_request && says(CONTEXT_WORDS)) {
            // Another endpoint may hold more.
            Some((Origin::Caller, Class::ContextLengthExceeded, Retry::NextEndpoint))
        } else if is(POLICY) || (bad_request && says(&["content management policy", "flagged by moderation", "requires moderation"])) {
            Some((Origin::Caller, Class::ContentPolicyViolation, Retry::NextEndpoint))
        } else if is(&["model_not_found", "invalid_model", "deploymentnotfound"]) || (bad_request && says(&["supported api model names"])) {
            Some((Origin::Upstream, Class::NotFound, Retry::NextEndpoint))
        } else if is(&["unsupported_parameter", "unsupported_value", "tool_use_failed"]) && bad_request {
            // Another endpoint may support it, or another model call its tools better.
            Some((Origin::Caller, Class::InvalidRequest, Retry::NextEndpoint))
        } else {
            None
        };
        if let Some((origin, class, retry)) = refined {
            (fault.origin, fault.class, fault.retry) = (origin, class, retry);
        }
        let numeric = |code: &String| code.bytes().all(|b| b.is_ascii_digit());
        let code = match (self.code, self.kind) {
            (Some(code), Some(kind)) if numeric(&code) && fault.status.is_some_and(|s| code == s.to_string()) => Some(kind),
            (code, kind) => code.or(kind),
        };
        fault.provider_code = code.map(|code| code.chars().take(100).collect());
    }
}

const EXHAUSTED: &[&str] =
    &["insufficient_quota", "insufficient_balance", "billing_hard_limit_reached", "billing_not_active", "payment_required"];
const CONTEXT: &[&str] = &["context_length_exceeded", "exceed_context_size_error", "too_many_prompt_tokens", "context_window_exceeded"];
const CONTEXT_WORDS: &[&str] = &[
    "maximum context length",
    "context size",
    "context window",
    "prompt too long",
    "prompt is too long",
    "exceeds the context",
    "max context length",
];
const POLICY: &[&str] = &["content_filter", "content_policy_violation", "responsibleaipolicyviolation", "moderation_blocked"];

/// The status that an error's own word stands for.
fn status_of(word: &str) -> Option<u16> {
    Some(match word.to_ascii_lowercase().as_str() {
        "rate_limit_exceeded" | "rate_limit_error" | "ratelimitreached" | "too_many_requests" => 429,
        "insufficient_quota" | "payment_required" => 402,
        "invalid_api_key" | "authentication_error" => 401,
        "permission_error" | "forbidden" => 403,
        "model_not_found" | "not_found_error" | "not_found" => 404,
        "overloaded_error" | "overloaded" | "service_unavailable" => 503,
        "invalid_request_error" | "content_filter" | "context_length_exceeded" | "tool_use_failed" | "bad_request" => 400,
        _ => return None,
    })
}

fn scalar(r: &mut Reader<'_>) -> Result<Option<String>, JsonError> {
    Ok(match r.kind()? {
        Kind::String => Some(r.string()?.decode()).filter(|text| !text.is_empty()).map(Cow::into_owned),
        Kind::Number => Some(r.raw()?.to_owned()),
        _ => r.skip().map(|_| None)?,
    })
}

/// A page of HTML helps nobody; short text is a message.
fn plain(text: &str) -> String {
    let text = text.trim();
    if text.starts_with('<') || text.len() > PLAIN_BYTES_MAX { String::new() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(status: u16, body: &str) -> Fault {
        classify(status, RetryHeaders::default(), body.as_bytes(), UnixMillis(0))
    }

    #[test]
    fn bodies_of_many_shapes_are_understood() {
        use Class::{
            ContentPolicyViolation, ContextLengthExceeded, CredentialExhausted, CredentialRefused, InvalidRequest, NotFound,
            ProviderUnavailable, RateLimitExceeded,
        };
        for (status, body, class, message, code) in [
            (
                400,
                r#"{"error":{"message":"m","type":"invalid_request_error","param":"p","code":"unsupported_value"}}"#,
                InvalidRequest,
                "m",
                Some("unsupported_value"),
            ),
            (
                400,
                r#"{"error":{"message":"m","type":"invalid_request_error","param":null,"code":null}}"#,
                InvalidRequest,
                "m",
                Some("invalid_request_error"),
            ),
            (
                400,
                r#"{"error":{"message":"This model's maximum context length is 8 tokens","code":"invalid_request_error"}}"#,
                ContextLengthExceeded,
                "This model's maximum context length is 8 tokens",
                Some("invalid_request_error"),
            ),
            (
                400,
                r#"{"error":{"code":400,"message":"too big","type":"exceed_context_size_error"}}"#,
                ContextLengthExceeded,
                "too big",
                Some("exceed_context_size_error"),
            ),
            (400, r#"{"code":"invalid-argument","error":"a text"}"#, InvalidRequest, "a text", Some("invalid-argument")),
            (
                400,
                r#"{"object":"error","message":"Invalid model: x","type":"invalid_model","code":"1500","raw_status_code":400}"#,
                NotFound,
                "Invalid model: x",
                Some("1500"),
            ),
            (
                422,
                r#"{"object":"error","message":{"detail":[{"loc":["body"],"msg":"field required"}]}}"#,
                InvalidRequest,
                "field required",
                None,
            ),
            (401, r#"{"detail":"Invalid API Key"}"#, CredentialRefused, "Invalid API Key", None),
            (
                400,
                r#"[{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT"}}]"#,
                CredentialRefused,
                "API key not valid.",
                Some("400"),
            ),
            (
                402,
                r#"{"error":{"message":"Insufficient Balance","type":"unknown_error"}}"#,
                CredentialExhausted,
                "Insufficient Balance",
                Some("unknown_error"),
            ),
            (
                429,
                r#"{"error":{"message":"quota","type":"insufficient_quota","code":"insufficient_quota"}}"#,
                CredentialExhausted,
                "quota",
                Some("insufficient_quota"),
            ),
            (429, r#"{"error":{"code":"RateLimitReached","message":"slow"}}"#, RateLimitExceeded, "slow", Some("RateLimitReached")),
            (400, r#"{"error":{"code":"content_filter","message":"no"}}"#, ContentPolicyViolation, "no", Some("content_filter")),
            (404, r#"{"error":"Specified model not found"}"#, NotFound, "Specified model not found", None),
            (502, "<html><body>Bad gateway</body></html>", ProviderUnavailable, "the provider answered status 502", None),
            (500, "upstream connect error", ProviderUnavailable, "upstream connect error", None),
            (500, "", ProviderUnavailable, "the provider answered status 500", None),
            (500, "[[[[[[", ProviderUnavailable, "[[[[[[", None),
        ] {
            let found = fault(status, body);
            assert_eq!(
                (found.class, found.message.as_str(), found.provider_code.as_deref(), found.status),
                (class, message, code, Some(status)),
                "{body}"
            );
        }
    }

    #[test]
    fn what_every_endpoint_would_answer_alike_is_not_tried_again() {
        for (status, body, retry) in [
            (400, r#"{"error":{"message":"Invalid 'messages': empty array","code":"empty_array"}}"#, Retry::Never),
            (400, r#"{"error":{"message":"unsupported","code":"unsupported_parameter"}}"#, Retry::NextEndpoint),
            (400, r#"{"error":{"message":"too long","code":"context_length_exceeded"}}"#, Retry::NextEndpoint),
            (401, "{}", Retry::NextEndpoint),
        ] {
            assert_eq!(fault(status, body).retry, retry, "{body}");
        }
        assert_eq!(fault(400, "{}").origin, Origin::Caller);
    }

    #[test]
    fn a_pause_that_was_asked_for_is_kept() {
        let headers = RetryHeaders { retry_after: Some("1.5"), retry_after_ms: None };
        let found = classify(429, headers, b"{}", UnixMillis(0));
        assert_eq!(found.retry_after, Some(std::time::Duration::from_millis(1_500)));
    }
}
