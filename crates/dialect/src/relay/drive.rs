//! The relay: one of four, chosen once per attempt.

use portolan_core::{Class, Dialect, Fault, Origin, Retry};

use super::body::{RawBody, TranslatedBody};
use super::raw::RawStream;
use super::translated::TranslatedStream;
use super::{Bill, RelaySpec, Seen, ToolCalls};
use crate::openai_chat::peek::Offered;

/// The largest JSON answer: images and audio come inline, but nobody may fill our memory.
pub const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// From an endpoint's bytes to the caller's.
pub struct Relay(Lane);

enum Lane {
    RawStream(RawStream),
    RawBody(RawBody),
    TranslatedStream(TranslatedStream),
    TranslatedBody(TranslatedBody),
}

impl Relay {
    /// The endpoint speaks `openai_chat` and nothing was edited: its answer is patched.
    #[must_use]
    pub fn raw(spec: RelaySpec) -> Relay {
        Relay(if spec.stream { Lane::RawStream(RawStream::new(spec)) } else { Lane::RawBody(RawBody::new(spec)) })
    }

    /// The endpoint speaks `dialect`: its answer is decoded into events and encoded anew.
    #[must_use]
    pub fn translated(dialect: Dialect, spec: RelaySpec) -> Relay {
        let decoder = crate::registry::decoder(dialect, &spec.quirks);
        Relay(if spec.stream {
            Lane::TranslatedStream(TranslatedStream::new(decoder, spec))
        } else {
            Lane::TranslatedBody(TranslatedBody::new(decoder, spec))
        })
    }

    /// The next bytes of the endpoint's body, cut anywhere. In a stream, the caller's complete frames are appended to `out`.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        match &mut self.0 {
            Lane::RawStream(lane) => lane.push(bytes, out),
            Lane::RawBody(lane) => lane.push(bytes),
            Lane::TranslatedStream(lane) => lane.push(bytes, out),
            Lane::TranslatedBody(lane) => lane.push(bytes),
        }
    }

    /// The endpoint's body ended. Decides whether the answer is whole; if not, [`Seen::fault`] is set.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        match &mut self.0 {
            Lane::RawStream(lane) => lane.end(out),
            Lane::RawBody(lane) => lane.end(),
            Lane::TranslatedStream(lane) => lane.end(out),
            Lane::TranslatedBody(lane) => lane.end(),
        }
    }

    /// What has been seen so far.
    #[must_use]
    pub fn seen(&self) -> &Seen {
        match &self.0 {
            Lane::RawStream(lane) => lane.seen(),
            Lane::RawBody(lane) => lane.seen(),
            Lane::TranslatedStream(lane) => lane.seen(),
            Lane::TranslatedBody(lane) => lane.seen(),
        }
    }

    /// What the tool calls of an answer that came to its end are like. `None`: there are none, or they cannot be judged
    /// (longer than a MiB, cut off, or tools are offered that are no functions). `request` is the body that offered the tools.
    #[must_use]
    pub fn tool_calls(&self, offered: &Offered, request: &[u8]) -> Option<ToolCalls> {
        let gathered = match &self.0 {
            Lane::RawStream(lane) => lane.tools(),
            Lane::RawBody(lane) => lane.tools(),
            Lane::TranslatedStream(lane) => lane.tools(),
            Lane::TranslatedBody(lane) => lane.tools(),
        };
        gathered.judge(offered, request)
    }

    /// After settlement. Stream: the last chunk, with usage and cost, and `[DONE]`. Body: the whole answer.
    pub fn complete(&mut self, bill: &Bill, out: &mut Vec<u8>) {
        match &mut self.0 {
            Lane::RawStream(lane) => lane.complete(bill, out),
            Lane::RawBody(lane) => lane.complete(bill, out),
            Lane::TranslatedStream(lane) => lane.complete(bill, out),
            Lane::TranslatedBody(lane) => lane.complete(bill, out),
        }
    }

    /// A stream fails after content: the error chunk, and `[DONE]`. For a body this does nothing: its status is still open.
    pub fn fail(&mut self, fault: &Fault, out: &mut Vec<u8>) {
        match &mut self.0 {
            Lane::RawStream(lane) => lane.fail(fault, out),
            Lane::TranslatedStream(lane) => lane.fail(fault, out),
            Lane::RawBody(_) | Lane::TranslatedBody(_) => {}
        }
    }
}

/// The stream ended before the answer did.
pub(super) fn broken_off() -> Fault {
    Fault::new(Origin::Upstream, Class::ProviderUnavailable, Retry::NextEndpoint, "the provider ended the stream without a finish reason")
}
