//! What an endpoint's dialect must be able to do for an answer: turn it into events.

use crate::ir::Event;

/// Decodes one answer. Made anew for each attempt; remembers what the dialect spreads over several frames.
pub trait Decoder: Send {
    /// One frame of a stream: the name of the server-sent event, where it has one, and its data.
    fn frame(&mut self, event: Option<&str>, data: &str, sink: &mut dyn FnMut(Event<'_>));

    /// A whole JSON body, into the same events as a stream.
    fn body(&mut self, json: &str, sink: &mut dyn FnMut(Event<'_>));

    /// Why a reported usage makes no sense, where one did not. A count that makes no sense is treated as absent.
    fn odd_usage(&self) -> Option<&'static str> {
        None
    }
}
