//! The translated lane, streaming: frames, events, chunks.

use portolan_core::{Class, Fault};

use super::drive::broken_off;
use super::stray::Stray;
use super::tap::Tap;
use super::{Bill, Gathered, RelaySpec, Seen};
use crate::classify::invalid_answer;
use crate::decoder::Decoder;
use crate::openai_chat::answer::{Chunks, Identity};
use crate::sse::{Frame, Parser};

pub(super) struct TranslatedStream {
    sse: Parser,
    lane: Lane,
    stray: Stray,
}

/// What each frame passes through.
struct Lane {
    decoder: Box<dyn Decoder>,
    tap: Tap,
    identity: Identity,
    chunks: Chunks,
}

impl Lane {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<u8>) {
        let Self { decoder, tap, identity, chunks } = self;
        tap.frame(|tap| {
            decoder.frame(frame.event, frame.data, &mut |event| {
                if tap.event(&event) {
                    if identity.note_served(&tap.seen) {
                        chunks.rename(identity);
                    }
                    chunks.event(&event, out);
                }
            });
        });
        tap.note_odd(decoder.odd_usage());
    }
}

impl TranslatedStream {
    pub(super) fn new(decoder: Box<dyn Decoder>, spec: RelaySpec) -> Self {
        let identity = Identity::new(&spec);
        let chunks = Chunks::new(&identity, spec.exclude_reasoning);
        let lane = Lane { decoder, tap: Tap::new(spec.exclude_reasoning), identity, chunks };
        Self { sse: Parser::default(), lane, stray: Stray::default() }
    }

    pub(super) fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        if self.stray.takes(bytes) {
            return;
        }
        let Self { sse, lane, .. } = self;
        if let Err(e) = sse.push(bytes, &mut |frame| lane.frame(frame, out)) {
            lane.tap.seen.note_fault(invalid_answer(e.to_string()));
        }
    }

    pub(super) fn end(&mut self, out: &mut Vec<u8>) {
        if let Some(fault) = self.stray.fault() {
            self.lane.tap.seen.note_fault(fault);
            return;
        }
        let Self { sse, lane, .. } = self;
        let sound = lane.tap.seen.fault.is_none();
        let ended = sse.end(&mut |frame| lane.frame(frame, out));
        let tap = &mut lane.tap;
        if sound && (ended.is_err() || tap.seen.fault.is_some() || !tap.close()) {
            // Half a frame at the very end is a cut, not a broken dialect; a whole error event is what it is.
            let own = tap.seen.fault.take().filter(|fault| fault.class != Class::InvalidAnswer);
            tap.seen.fault = Some(own.unwrap_or_else(broken_off));
        }
    }

    pub(super) fn seen(&self) -> &Seen {
        &self.lane.tap.seen
    }

    pub(super) fn tools(&self) -> &Gathered {
        &self.lane.tap.tools
    }

    pub(super) fn complete(&self, bill: &Bill, out: &mut Vec<u8>) {
        self.lane.identity.finish(&self.lane.tap.seen, self.lane.tap.has_several(), bill, out);
    }

    pub(super) fn fail(&self, fault: &Fault, out: &mut Vec<u8>) {
        self.lane.identity.fail(fault, out);
    }
}
