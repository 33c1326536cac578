//! Both lanes, for a JSON body: it is collected, and answered as a whole after settlement.

use super::drive::{BODY_BYTES_MAX, broken_off};
use super::tap::Tap;
use super::{Bill, Gathered, RelaySpec, Seen};
use crate::classify::invalid_answer;
use crate::decoder::Decoder;
use crate::json::utf8;
use crate::openai_chat::answer::{Fold, Identity};
use crate::openai_chat::raw::Patcher;
use crate::openai_chat::usage;

/// The endpoint's body as it comes.
#[derive(Debug, Default)]
struct Collected(Vec<u8>);

impl Collected {
    fn push(&mut self, bytes: &[u8], seen: &mut Seen) {
        if seen.fault.is_some() {
            return;
        }
        if self.0.len() + bytes.len() > BODY_BYTES_MAX {
            seen.note_fault(invalid_answer(format!("the provider's answer is longer than {BODY_BYTES_MAX} bytes")));
            self.0 = Vec::new();
            return;
        }
        self.0.extend_from_slice(bytes);
    }

    /// The body as text; otherwise the fault is noted.
    fn text(&self, seen: &mut Seen) -> Option<&str> {
        if seen.fault.is_some() {
            return None;
        }
        if self.0.trim_ascii().is_empty() {
            seen.note_fault(broken_off());
            return None;
        }
        utf8(&self.0).map_err(|e| seen.note_fault(invalid_answer(format!("the provider's answer is no JSON: {e}")))).ok()
    }
}

pub(super) struct RawBody {
    collected: Collected,
    patcher: Patcher,
    /// The patched answer, save for usage and the last brace.
    patched: Vec<u8>,
}

impl RawBody {
    pub(super) fn new(spec: RelaySpec) -> Self {
        Self { collected: Collected::default(), patcher: Patcher::new(&spec), patched: Vec::new() }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.collected.push(bytes, &mut self.patcher.seen);
    }

    pub(super) fn end(&mut self) {
        if let Some(json) = self.collected.text(&mut self.patcher.seen) {
            self.patched.reserve(json.len() + 256);
            self.patcher.body(json, &mut self.patched);
        }
        self.collected = Collected::default();
    }

    pub(super) fn seen(&self) -> &Seen {
        &self.patcher.seen
    }

    pub(super) fn tools(&self) -> &Gathered {
        &self.patcher.tools
    }

    pub(super) fn complete(&self, bill: &Bill, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.patched);
        out.extend_from_slice(b",\"usage\":");
        usage::write(bill, out);
        out.push(b'}');
    }
}

pub(super) struct TranslatedBody {
    collected: Collected,
    decoder: Box<dyn Decoder>,
    identity: Identity,
    fold: Fold,
    tap: Tap,
}

impl TranslatedBody {
    pub(super) fn new(decoder: Box<dyn Decoder>, spec: RelaySpec) -> Self {
        Self {
            collected: Collected::default(),
            decoder,
            identity: Identity::new(&spec),
            fold: Fold::new(spec.exclude_reasoning),
            tap: Tap::new(spec.exclude_reasoning),
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.collected.push(bytes, &mut self.tap.seen);
    }

    pub(super) fn end(&mut self) {
        let Self { collected, decoder, identity, fold, tap } = self;
        if let Some(json) = collected.text(&mut tap.seen) {
            tap.frame(|tap| {
                decoder.body(json, &mut |event| {
                    if tap.event(&event) {
                        fold.event(&event);
                    }
                });
            });
            tap.seen.done = true;
            identity.note_served(&tap.seen);
        }
        tap.note_odd(decoder.odd_usage());
        self.collected = Collected::default();
    }

    pub(super) fn seen(&self) -> &Seen {
        &self.tap.seen
    }

    pub(super) fn tools(&self) -> &Gathered {
        &self.tap.tools
    }

    pub(super) fn complete(&self, bill: &Bill, out: &mut Vec<u8>) {
        self.fold.write(&self.identity, bill, out);
    }
}
