//! The course of a stream: its frames in order, and the fault among them. Pure, and small: an open stream keeps this list
//! and its text, and writes each frame when its time comes.

use crate::content::{Part, Script};
use crate::dialect::Frame;
use crate::ledger::End;
use crate::shape::{Fault, Midway, Shape};

/// One step of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// A frame is sent.
    Send(Frame),
    /// Nothing more is sent, and the connection stays open.
    Hang,
    /// The connection closes.
    Cut,
    /// The body ends cleanly, which means that the request ended so.
    End(End),
}

/// The steps of a streamed answer.
pub(super) fn plan(script: &Script, shape: &Shape) -> Vec<Step> {
    let mut planner = Planner { fault: shape.fault, ping: shape.pace.ping, end: End::Completed, chunks: 0, steps: Vec::new() };
    planner.all(script);
    planner.steps
}

struct Planner {
    fault: Option<Fault>,
    ping: bool,
    end: End,
    /// Chunks of content so far.
    chunks: u32,
    steps: Vec<Step>,
}

/// A fault that ends the stream was met.
struct Broken;

impl Planner {
    fn all(&mut self, script: &Script) {
        if self.fault == Some(Fault::After(0, Midway::Failure)) {
            self.steps.extend([Step::Send(Frame::Failure), Step::End(End::Error)]);
            return;
        }
        self.steps.push(Step::Send(Frame::Start));
        let content = (0..).zip(&script.parts).try_for_each(|(index, part)| self.part(index, part));
        // A fault after more chunks than there are strikes before the finish.
        if content.and_then(|()| self.fault_if(|_| true)).is_ok() {
            self.steps.extend([Step::Send(Frame::Finish), Step::End(self.end)]);
        }
    }

    fn part(&mut self, index: u32, part: &Part) -> Result<(), Broken> {
        if part.opens_with_content() {
            self.content(Frame::Open(index))?;
        } else {
            self.steps.push(Step::Send(Frame::Open(index)));
        }
        let pieces = part.pieces().map_or(0, |pieces| u32::try_from(pieces.len()).unwrap_or(u32::MAX));
        (0..pieces).try_for_each(|piece| self.content(Frame::Piece(index, piece)))?;
        self.steps.push(Step::Send(Frame::Close(index)));
        Ok(())
    }

    fn content(&mut self, frame: Frame) -> Result<(), Broken> {
        let chunks = self.chunks;
        self.fault_if(|after| after == chunks)?;
        if self.ping {
            self.steps.push(Step::Send(Frame::Ping));
        }
        self.steps.push(Step::Send(frame));
        self.chunks += 1;
        Ok(())
    }

    /// The fault, when it is due. It strikes once.
    fn fault_if(&mut self, due: impl Fn(u32) -> bool) -> Result<(), Broken> {
        let Some(Fault::After(after, midway)) = self.fault else { return Ok(()) };
        if !due(after) {
            return Ok(());
        }
        self.fault = None;
        match midway {
            Midway::Hang => self.steps.push(Step::Hang),
            Midway::Cut => self.steps.push(Step::Cut),
            Midway::Eof => self.steps.push(Step::End(End::Eof)),
            Midway::Failure => self.steps.extend([Step::Send(Frame::Failure), Step::End(End::Error)]),
            Midway::Garble => {
                self.end = End::Garbled;
                self.steps.push(Step::Send(Frame::Garble));
                return Ok(());
            }
            Midway::BigLine => {
                self.steps.push(Step::Send(Frame::BigLine));
                return Ok(());
            }
        }
        Err(Broken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::compose;
    use crate::dialect::Dialect;
    use crate::random::Rng;

    fn steps(shape: &str) -> Vec<Step> {
        let shape = Shape::of_header(shape).unwrap();
        let asked = Dialect::OpenAiChat.read(&serde_json::Map::new());
        let script = compose(&asked, &shape.content, "aaaaaaaaaaaaaaaaaaaaaa", &mut Rng::seeded(0, &[]));
        plan(&script, &shape)
    }

    fn pieces(steps: &[Step]) -> usize {
        steps.iter().filter(|step| matches!(step, Step::Send(Frame::Piece(..)))).count()
    }

    #[test]
    fn a_fault_strikes_after_exactly_so_many_chunks() {
        for (shape, chunks, last) in [
            ("c5-cut0", 0, Step::Cut),
            ("c5-cut3", 3, Step::Cut),
            ("c5-cut99", 5, Step::Cut),
            ("c5-hang2", 2, Step::Hang),
            ("c5-eof", 0, Step::End(End::Eof)),
            ("c5-eof4", 4, Step::End(End::Eof)),
            ("c5-errevent", 0, Step::End(End::Error)),
            ("c5-errevent2", 2, Step::End(End::Error)),
            ("c5-garble2", 5, Step::End(End::Garbled)),
            ("c5-bigline2", 5, Step::End(End::Completed)),
            ("c5", 5, Step::End(End::Completed)),
        ] {
            let steps = steps(shape);
            assert_eq!((pieces(&steps), steps.last().copied()), (chunks, Some(last)), "{shape}");
        }
    }

    #[test]
    fn an_error_event_before_everything_is_the_first_frame() {
        assert_eq!(steps("c5-errevent")[0], Step::Send(Frame::Failure));
        assert_eq!(steps("c5-errevent1")[0], Step::Send(Frame::Start));
    }

    #[test]
    fn a_keep_alive_stands_before_every_chunk() {
        let steps = steps("c3-ping");
        assert_eq!(steps.iter().filter(|step| **step == Step::Send(Frame::Ping)).count(), 3);
    }
}
