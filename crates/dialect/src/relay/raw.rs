//! The raw lane, streaming.

use portolan_core::Fault;

use super::drive::broken_off;
use super::stray::Stray;
use super::{Bill, Gathered, RelaySpec, Seen};
use crate::classify::invalid_answer;
use crate::openai_chat::raw::Patcher;
use crate::sse::Parser;

pub(super) struct RawStream {
    sse: Parser,
    patcher: Patcher,
    stray: Stray,
}

impl RawStream {
    pub(super) fn new(spec: RelaySpec) -> Self {
        Self { sse: Parser::default(), patcher: Patcher::new(&spec), stray: Stray::default() }
    }

    pub(super) fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        if self.stray.takes(bytes) {
            return;
        }
        let patcher = &mut self.patcher;
        if let Err(e) = self.sse.push(bytes, &mut |frame| patcher.frame(frame.data, out)) {
            self.patcher.seen.note_fault(invalid_answer(e.to_string()));
        }
    }

    pub(super) fn end(&mut self, out: &mut Vec<u8>) {
        if let Some(fault) = self.stray.fault() {
            self.patcher.seen.note_fault(fault);
            return;
        }
        let sound = self.patcher.seen.fault.is_none();
        let patcher = &mut self.patcher;
        let ended = self.sse.end(&mut |frame| patcher.frame(frame.data, out));
        if sound && (ended.is_err() || patcher.seen.fault.is_some() || !patcher.close()) {
            // Half a chunk at the very end is a cut, not a broken dialect; a whole error event is what it is.
            let own = patcher.seen.fault.take().filter(|fault| fault.class != portolan_core::Class::InvalidAnswer);
            patcher.seen.fault = Some(own.unwrap_or_else(broken_off));
        }
    }

    pub(super) fn seen(&self) -> &Seen {
        &self.patcher.seen
    }

    pub(super) fn tools(&self) -> &Gathered {
        &self.patcher.tools
    }

    pub(super) fn complete(&self, bill: &Bill, out: &mut Vec<u8>) {
        self.patcher.identity.finish(&self.patcher.seen, self.patcher.has_several(), bill, out);
    }

    pub(super) fn fail(&self, fault: &Fault, out: &mut Vec<u8>) {
        self.patcher.identity.fail(fault, out);
    }
}
