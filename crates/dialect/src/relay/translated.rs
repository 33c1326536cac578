//! The translated lane, streaming: frames, events, chunks.

use portolan_core::{Class, Fault};

use super::drive::broken_off;
use super::stray::Stray;
use super::tap::Tap;
use super::{Bill, RelaySpec, Seen};
use crate::classify::invalid_answer;
use crate::decoder::Decoder;
use crate::openai_chat::answer::{Chunks, Identity};
use crate::sse::Parser;

pub(super) struct TranslatedStream {
    sse: Parser,
    decoder: Box<dyn Decoder>,
    identity: Identity,
    chunks: Chunks,
    tap: Tap,
    stray: Stray,
}

impl TranslatedStream {
    pub(super) fn new(decoder: Box<dyn Decoder>, spec: RelaySpec) -> Self {
        let identity = Identity::new(&spec);
        let chunks = Chunks::new(&identity, spec.exclude_reasoning);
        Self { sse: Parser::default(), decoder, identity, chunks, tap: Tap::new(spec.exclude_reasoning), stray: Stray::default() }
    }

    pub(super) fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        if self.stray.takes(bytes) {
            return;
        }
        let Self { sse, decoder, chunks, tap, .. } = self;
        let pushed = sse.push(bytes, &mut |frame| {
            tap.frame(|tap| {
                decoder.frame(frame.event, frame.data, &mut |event| {
                    if tap.event(&event) {
                        chunks.event(&event, out);
                    }
                });
            });
        });
        if let Err(e) = pushed {
            self.tap.seen.note_fault(invalid_answer(e.to_string()));
        }
        self.tap.note_odd(self.decoder.odd_usage());
    }

    pub(super) fn end(&mut self, out: &mut Vec<u8>) {
        if let Some(fault) = self.stray.fault() {
            self.tap.seen.note_fault(fault);
            return;
        }
        let sound = self.tap.seen.fault.is_none();
        let Self { sse, decoder, chunks, tap, .. } = self;
        let ended = sse.end(&mut |frame| {
            tap.frame(|tap| {
                decoder.frame(frame.event, frame.data, &mut |event| {
                    if tap.event(&event) {
                        chunks.event(&event, out);
                    }
                });
            });
        });
        tap.note_odd(decoder.odd_usage());
        if sound && (ended.is_err() || tap.seen.fault.is_some() || !tap.close()) {
            // Half a frame at the very end is a cut, not a broken dialect; a whole error event is what it is.
            let own = tap.seen.fault.take().filter(|fault| fault.class != Class::InvalidAnswer);
            tap.seen.fault = Some(own.unwrap_or_else(broken_off));
        }
    }

    pub(super) fn seen(&self) -> &Seen {
        &self.tap.seen
    }

    pub(super) fn complete(&self, bill: &Bill, out: &mut Vec<u8>) {
        self.identity.finish(&self.tap.seen, bill, out);
    }

    pub(super) fn fail(&self, fault: &Fault, out: &mut Vec<u8>) {
        self.identity.fail(fault, out);
    }
}
