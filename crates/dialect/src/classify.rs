//! What all dialects share in reading a failed answer: the status table, `Retry-After`, and making a message fit to be shown.

use std::time::Duration;

use portolan_core::{Class, Fault, Origin, Retry, UnixMillis};

/// No provider's request to wait is taken for longer than this: beyond an hour it is an error or an attack.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);
/// How much of a provider's message is kept, in characters.
pub const MESSAGE_CHARS_MAX: usize = 1_000;

/// The headers of a failed answer that say when to come back, as they were sent.
#[derive(Debug, Clone, Copy, Default)]
pub struct RetryHeaders<'a> {
    /// `retry-after`: seconds, possibly with a fraction, or an HTTP date.
    pub retry_after: Option<&'a str>,
    /// `retry-after-ms` (OpenAI, Azure).
    pub retry_after_ms: Option<&'a str>,
}

impl RetryHeaders<'_> {
    /// How long the provider asks us to wait; at most [`RETRY_AFTER_MAX`]. What is negative, in the past or no time at all is ignored.
    #[must_use]
    pub fn wait(&self, now: UnixMillis) -> Option<Duration> {
        self.retry_after_ms
            .and_then(|text| seconds(text, 1_000.0))
            .or_else(|| self.retry_after.and_then(|text| seconds(text, 1.0).or_else(|| until(text, now))))
    }
}

/// A provider's words for a pause (`34s`, `1.5s`), as error bodies hold them.
#[must_use]
pub fn pause(text: &str) -> Option<Duration> {
    seconds(text.trim().trim_end_matches('s'), 1.0)
}

fn seconds(text: &str, per_second: f64) -> Option<Duration> {
    let value = text.trim().parse::<f64>().ok()? / per_second;
    (value >= 0.0).then(|| Duration::from_secs_f64(value.min(RETRY_AFTER_MAX.as_secs_f64())))
}

fn until(text: &str, now: UnixMillis) -> Option<Duration> {
    let at = httpdate::parse_http_date(text.trim()).ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    let now = Duration::from_millis(u64::try_from(now.0).ok()?);
    at.checked_sub(now).map(|wait| wait.min(RETRY_AFTER_MAX))
}

/// What a status alone says. Dialects refine it by the body.
#[must_use]
pub fn by_status(status: u16) -> (Origin, Class, Retry) {
    use Class::{
        CredentialExhausted, CredentialRefused, InvalidRequest, NotFound, PayloadTooLarge, ProviderOverloaded, ProviderUnavailable,
        RateLimitExceeded, Timeout,
    };
    match status {
        401 | 403 => (Origin::Upstream, CredentialRefused, Retry::NextEndpoint),
        402 => (Origin::Upstream, CredentialExhausted, Retry::NextEndpoint),
        404 => (Origin::Upstream, NotFound, Retry::NextEndpoint),
        408 | 504 | 524 => (Origin::Upstream, Timeout, Retry::NextEndpoint),
        // Another endpoint may take more.
        413 => (Origin::Caller, PayloadTooLarge, Retry::NextEndpoint),
        429 => (Origin::Upstream, RateLimitExceeded, Retry::NextEndpoint),
        503 | 529 => (Origin::Upstream, ProviderOverloaded, Retry::NextEndpoint),
        409 | 425 | 498 => (Origin::Upstream, ProviderUnavailable, Retry::NextEndpoint),
        400..=499 => (Origin::Caller, InvalidRequest, Retry::Never),
        // Redirects are never followed: they would carry our credential to another host.
        _ => (Origin::Upstream, ProviderUnavailable, Retry::NextEndpoint),
    }
}

/// A fault by its status, with a message that is fit to be shown.
#[must_use]
pub fn fault(status: u16, message: &str, provider_code: Option<String>, retry_after: Option<Duration>) -> Fault {
    let (origin, class, retry) = by_status(status);
    let message = if message.trim().is_empty() { format!("the provider answered status {status}") } else { presentable(message) };
    Fault { origin, class, retry, status: Some(status), provider_code, message, retry_after }
}

/// The message with credentials masked, cut to [`MESSAGE_CHARS_MAX`] characters. Providers echo the key that they refuse.
#[must_use]
pub fn presentable(message: &str) -> String {
    let cut = message.char_indices().nth(MESSAGE_CHARS_MAX).map_or(message, |(end, _)| &message[..end]);
    let mut text = String::with_capacity(cut.len());
    let mut secret_follows = false;
    for piece in cut.split_inclusive(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '(' | ')' | '<' | '>' | ',' | ';' | '='))
    {
        let word =
            piece.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '(' | ')' | '<' | '>' | ',' | ';' | '='));
        if looks_secret(word) || (secret_follows && word.len() >= 12) {
            text.push_str("***");
            text.push_str(&piece[word.len()..]);
        } else {
            text.push_str(piece);
        }
        secret_follows = word.eq_ignore_ascii_case("bearer") || (secret_follows && word.is_empty());
    }
    text
}

fn looks_secret(word: &str) -> bool {
    const PREFIXES: [&str; 9] = ["sk-", "sk_", "gsk_", "xai-", "AIza", "pplx-", "AKIA", "ya29.", "eyJ"];
    word.len() >= 12 && PREFIXES.iter().any(|prefix| word.starts_with(prefix))
}

/// The endpoint does not keep to its dialect.
pub(crate) fn invalid_answer(message: impl Into<String>) -> Fault {
    Fault::new(Origin::Upstream, Class::InvalidAnswer, Retry::NextEndpoint, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_to_wait_is_read_in_all_its_forms_and_bounded() {
        let now = UnixMillis(1_445_412_480_000);
        for (after, millis, expected) in [
            (Some("2"), None, Some(2_000)),
            (Some(" 0.5 "), None, Some(500)),
            (Some("2"), Some("150"), Some(150)),
            (None, Some("0"), Some(0)),
            (Some("Wed, 21 Oct 2015 07:28:30 GMT"), None, Some(30_000)),
            (Some("Wed, 21 Oct 2015 07:27:00 GMT"), None, None),
            (Some("1e300"), None, Some(3_600_000)),
            (Some("Wed, 21 Oct 2099 07:28:00 GMT"), None, Some(3_600_000)),
            (Some("-5"), None, None),
            (Some("NaN"), None, None),
            (Some("soon"), None, None),
            (None, None, None),
        ] {
            let headers = RetryHeaders { retry_after: after, retry_after_ms: millis };
            assert_eq!(headers.wait(now), expected.map(Duration::from_millis), "{after:?} {millis:?}");
        }
        assert_eq!(pause("34s"), Some(Duration::from_secs(34)));
    }

    #[test]
    fn credentials_that_a_provider_echoes_are_masked() {
        for (message, shown) in [
            ("Incorrect API key provided: sk-proj-0123456789abcdef. See docs.", "Incorrect API key provided: *** See docs."),
            ("bad header 'Bearer abcdef0123456789'", "bad header 'Bearer ***'"),
            ("key=AIzaSyA0123456789", "key=***"),
            ("the model `gpt-x` does not exist", "the model `gpt-x` does not exist"),
        ] {
            assert_eq!(presentable(message), shown);
        }
        assert_eq!(presentable(&"é".repeat(2_000)).chars().count(), MESSAGE_CHARS_MAX);
    }

    #[test]
    fn a_status_says_whose_fault_it_is_and_what_to_do() {
        for (status, origin, class, retry) in [
            (400, Origin::Caller, Class::InvalidRequest, Retry::Never),
            (401, Origin::Upstream, Class::CredentialRefused, Retry::NextEndpoint),
            (402, Origin::Upstream, Class::CredentialExhausted, Retry::NextEndpoint),
            (403, Origin::Upstream, Class::CredentialRefused, Retry::NextEndpoint),
            (404, Origin::Upstream, Class::NotFound, Retry::NextEndpoint),
            (408, Origin::Upstream, Class::Timeout, Retry::NextEndpoint),
            (409, Origin::Upstream, Class::ProviderUnavailable, Retry::NextEndpoint),
            (413, Origin::Caller, Class::PayloadTooLarge, Retry::NextEndpoint),
            (422, Origin::Caller, Class::InvalidRequest, Retry::Never),
            (429, Origin::Upstream, Class::RateLimitExceeded, Retry::NextEndpoint),
            (500, Origin::Upstream, Class::ProviderUnavailable, Retry::NextEndpoint),
            (502, Origin::Upstream, Class::ProviderUnavailable, Retry::NextEndpoint),
            (503, Origin::Upstream, Class::ProviderOverloaded, Retry::NextEndpoint),
            (529, Origin::Upstream, Class::ProviderOverloaded, Retry::NextEndpoint),
            (302, Origin::Upstream, Class::ProviderUnavailable, Retry::NextEndpoint),
        ] {
            assert_eq!(by_status(status), (origin, class, retry), "{status}");
        }
    }
}
