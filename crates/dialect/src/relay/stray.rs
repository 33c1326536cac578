//! A JSON body where a stream was asked for: some providers answer 200 with their error in it.

use portolan_core::Fault;

use crate::classify::invalid_answer;
use crate::json::Reader;
use crate::openai_chat::error;

/// An error's body is short. What is longer is cut, and then no JSON.
const BYTES_MAX: usize = 64 * 1024;

/// Collects such a body.
#[derive(Debug, Default)]
pub(super) struct Stray {
    begun: bool,
    body: Option<Vec<u8>>,
}

impl Stray {
    /// Whether these bytes belong to one. The first byte that is no white space decides: no event stream begins with a brace.
    #[inline]
    pub(super) fn takes(&mut self, bytes: &[u8]) -> bool {
        if !self.begun {
            let Some(first) = bytes.iter().find(|b| !b.is_ascii_whitespace()) else { return false };
            self.begun = true;
            self.body = (*first == b'{').then(Vec::new);
        }
        let Some(body) = &mut self.body else { return false };
        let room = BYTES_MAX.saturating_sub(body.len());
        body.extend_from_slice(&bytes[..bytes.len().min(room)]);
        true
    }

    /// What the body means.
    pub(super) fn fault(&self) -> Option<Fault> {
        let text = String::from_utf8_lossy(self.body.as_deref()?);
        let mut failed = false;
        let _ = Reader::new(&text).object(|r, key| {
            failed |= key.raw == "error";
            r.skip().map(drop)
        });
        Some(if failed {
            error::within(&text)
        } else {
            invalid_answer("the provider answered with a JSON body where a stream was asked for")
        })
    }
}
