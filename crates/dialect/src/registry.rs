//! The one place that knows which dialects there are. Everything else asks here.

use portolan_core::{Class, Dialect, Fault, Origin, Quirk, Retry, UnixMillis};

use crate::classify::{self, RetryHeaders};
use crate::decoder::Decoder;
use crate::ir::{Event, Request};
use crate::target::{Encoded, Target};
use crate::{anthropic, openai_chat};

/// Why a request cannot be said in an endpoint's dialect. What is merely a setting is dropped and listed instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct EncodeError {
    /// The field, as the caller wrote it: `messages[2].content[0]`.
    pub field: String,
    /// What is wrong with it, and what would be right.
    pub message: String,
}

impl EncodeError {
    /// An error about a field.
    #[must_use]
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// Whether the dialect is built. An endpoint that speaks another one is not callable.
#[must_use]
pub fn built(dialect: Dialect) -> bool {
    match dialect {
        Dialect::OpenAiChat | Dialect::Anthropic => true,
        Dialect::OpenAiResponses | Dialect::Gemini | Dialect::BedrockConverse | Dialect::Cohere => false,
    }
}

/// The path of a dialect's requests below a base URL, where it is the same for all of them.
#[must_use]
pub fn path(dialect: Dialect) -> Option<&'static str> {
    match dialect {
        Dialect::OpenAiChat => Some("/chat/completions"),
        Dialect::Anthropic => Some(anthropic::PATH),
        Dialect::OpenAiResponses => Some("/responses"),
        Dialect::Gemini | Dialect::BedrockConverse | Dialect::Cohere => None,
    }
}

/// Writes a request in an endpoint's dialect.
pub fn encode(dialect: Dialect, request: &Request, target: &Target<'_>) -> Result<Encoded, EncodeError> {
    match dialect {
        Dialect::OpenAiChat => Ok(openai_chat::encode::encode(request, target)),
        Dialect::Anthropic => anthropic::encode::encode(request, target),
        Dialect::OpenAiResponses | Dialect::Gemini | Dialect::BedrockConverse | Dialect::Cohere => {
            Err(EncodeError::new("model", not_built(dialect)))
        }
    }
}

/// A decoder for one answer. That of a dialect which is not built reports so, as a fault of ours.
#[must_use]
pub fn decoder(dialect: Dialect, quirks: &[Quirk]) -> Box<dyn Decoder> {
    match dialect {
        Dialect::OpenAiChat => Box::new(openai_chat::events::Events::new(quirks)),
        Dialect::Anthropic => Box::new(anthropic::events::Events::default()),
        Dialect::OpenAiResponses | Dialect::Gemini | Dialect::BedrockConverse | Dialect::Cohere => Box::new(NotBuilt(dialect)),
    }
}

/// What a failed answer means.
#[must_use]
pub fn classify(dialect: Dialect, status: u16, headers: RetryHeaders<'_>, body: &[u8], now: UnixMillis) -> Fault {
    match dialect {
        Dialect::OpenAiChat => openai_chat::error::classify(status, headers, body, now),
        Dialect::Anthropic => anthropic::error::classify(status, headers, body, now),
        Dialect::OpenAiResponses | Dialect::Gemini | Dialect::BedrockConverse | Dialect::Cohere => {
            classify::fault(status, "", None, headers.wait(now))
        }
    }
}

/// The header of its own in which the dialect's home takes a key, for rows whose auth is `header` and that name none.
#[must_use]
pub fn default_auth_header(dialect: Dialect) -> Option<&'static str> {
    match dialect {
        Dialect::Anthropic => Some("x-api-key"),
        Dialect::Gemini => Some("x-goog-api-key"),
        // Azure's, the one of these that takes a key so.
        Dialect::OpenAiChat | Dialect::OpenAiResponses => Some("api-key"),
        Dialect::BedrockConverse | Dialect::Cohere => None,
    }
}

fn not_built(dialect: Dialect) -> String {
    format!("the dialect {} is not built yet", dialect.as_str())
}

struct NotBuilt(Dialect);

impl NotBuilt {
    fn fault(&self) -> Fault {
        Fault::new(Origin::Gateway, Class::Internal, Retry::NextEndpoint, not_built(self.0))
    }
}

impl Decoder for NotBuilt {
    fn frame(&mut self, _: Option<&str>, _: &str, sink: &mut dyn FnMut(Event<'_>)) {
        sink(Event::Fault(self.fault()));
    }

    fn body(&mut self, _: &str, sink: &mut dyn FnMut(Event<'_>)) {
        sink(Event::Fault(self.fault()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_dialect_writes_to_its_path() {
        let text = crate::ir::Part::Text { text: "x".into(), cache: None };
        let message = crate::ir::Message { role: crate::ir::Role::User, name: None, parts: vec![text] };
        let request = Request { messages: vec![message], ..Request::default() };
        for dialect in Dialect::ALL.into_iter().filter(|dialect| built(*dialect)) {
            let target = Target {
                caller: Dialect::OpenAiChat,
                upstream_id: "m",
                stream: false,
                max_tokens: None,
                user_hash: None,
                quirks: &[],
                supported: &[],
                service_tier: None,
                reseller: None,
            };
            assert_eq!(Some(encode(dialect, &request, &target).unwrap().path.as_ref()), path(dialect));
        }
    }

    #[test]
    fn a_dialect_that_is_not_built_says_so_instead_of_failing() {
        for dialect in Dialect::ALL.into_iter().filter(|dialect| !built(*dialect)) {
            let target = Target {
                caller: Dialect::OpenAiChat,
                upstream_id: "m",
                stream: false,
                max_tokens: None,
                user_hash: None,
                quirks: &[],
                supported: &[],
                service_tier: None,
                reseller: None,
            };
            let error = encode(dialect, &Request::default(), &target).unwrap_err();
            assert!(error.message.contains(dialect.as_str()));
            let mut faults = 0;
            decoder(dialect, &[]).body("{}", &mut |event| faults += u32::from(matches!(event, Event::Fault(_))));
            assert_eq!(faults, 1);
            assert_eq!(classify(dialect, 429, RetryHeaders::default(), b"{}", UnixMillis(0)).class, Class::RateLimitExceeded);
        }
    }
}
