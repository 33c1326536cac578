//! The body of an answer: steps in their time, counted as they are handed to the connection.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame as BodyFrame};
use tokio::time::{Sleep, sleep};

use super::plan::Step;
use crate::content::Part;
use crate::dialect::{Answer, Frame, Frames};
use crate::ledger::{End, Receipt};
use crate::shape::Pace;

/// Keep-alives of a hanging stream come at this interval unless the shape says otherwise.
const PING_INTERVAL: Duration = Duration::from_secs(1);

/// What a body answers when it is asked for more. It never fails: a cut is made below it.
type Polled = Poll<Option<Result<BodyFrame<Bytes>, Infallible>>>;

/// What the body is made of.
pub(super) enum Source {
    /// Bytes that are there already, and how they end.
    Whole { parts: VecDeque<Bytes>, last: Step },
    /// A stream, written frame by frame.
    Stream { answer: Box<Answer>, frames: Frames, steps: Vec<Step>, next: usize },
}

/// When the frames of a body are sent.
#[derive(Debug, Clone, Default)]
pub(super) struct Tempo {
    first: Duration,
    delay: Duration,
    /// After every byte, if each is to be a write of its own.
    per_byte: Option<Duration>,
    crlf: bool,
    /// Keep-alives while hanging.
    ping: Option<Duration>,
}

impl Tempo {
    pub(super) fn of(pace: &Pace, delay: Duration) -> Tempo {
        let ms = |ms: u32| Duration::from_millis(ms.into());
        Tempo {
            first: ms(pace.first_ms),
            delay,
            per_byte: pace.drip_ms.map(ms).or(pace.tiny.then_some(Duration::ZERO)),
            crlf: pace.crlf,
            ping: pace.ping.then(|| pace.delay_ms.map_or(PING_INTERVAL, ms)),
        }
    }
}

/// A response body.
pub(super) struct PacedBody {
    source: Source,
    tempo: Tempo,
    /// Absent for answers that are no model's.
    receipt: Option<Receipt>,
    severed: Arc<AtomicBool>,
    timer: Option<Pin<Box<Sleep>>>,
    /// A step whose time has not come.
    held: Option<Step>,
    /// What is left of a frame that goes byte by byte, and the tokens it brings when it is through.
    dribble: Bytes,
    dribble_tokens: (u64, u64),
    /// The next poll has to let the connection write first.
    flush_first: bool,
    content_sent: bool,
    ended: bool,
}

impl PacedBody {
    pub(super) fn new(source: Source, tempo: Tempo, receipt: Option<Receipt>, severed: Arc<AtomicBool>) -> PacedBody {
        PacedBody {
            source,
            tempo,
            receipt,
            severed,
            timer: None,
            held: None,
            dribble: Bytes::new(),
            dribble_tokens: (0, 0),
            flush_first: false,
            content_sent: false,
            ended: false,
        }
    }

    /// A whole body without pace, pitfalls or entry in the ledger.
    pub(super) fn plain(bytes: impl Into<Bytes>) -> PacedBody {
        let source = Source::Whole { parts: VecDeque::from([bytes.into()]), last: Step::End(End::Completed) };
        PacedBody::new(source, Tempo::default(), None, Arc::default())
    }

    fn end(&self, end: End) {
        if let Some(receipt) = &self.receipt {
            receipt.end(end);
        }
    }

    fn credit(&self, tokens: (u64, u64)) {
        if let Some(receipt) = &self.receipt
            && tokens != (0, 0)
        {
            receipt.served(tokens.0, tokens.1);
        }
    }

    /// Hands bytes to the connection.
    fn hand_over(&mut self, bytes: Bytes) -> Polled {
        if let Some(receipt) = &self.receipt {
            receipt.wrote(bytes.len());
        }
        // hyper does not ask again once a body of known length is complete, so the end is noted with the last bytes.
        if self.dribble.is_empty()
            && let Some(end) = self.source.ends_now()
        {
            self.end(end);
        }
        Poll::Ready(Some(Ok(BodyFrame::data(bytes))))
    }

    /// The next byte of a frame that goes byte by byte.
    fn drop_of(&mut self, pause: Duration) -> Polled {
        let byte = self.dribble.split_to(1);
        if self.dribble.is_empty() {
            self.credit(self.dribble_tokens);
        }
        if pause.is_zero() {
            self.flush_first = true;
        } else {
            self.timer = Some(Box::pin(sleep(pause)));
        }
        self.hand_over(byte)
    }

    /// The next step, unless it has to wait: then the timer runs.
    fn due(&mut self) -> Option<Step> {
        if let Some(step) = self.held.take() {
            return Some(step);
        }
        let step = self.source.next();
        let pause = self.pause_before(step);
        if pause.is_zero() {
            return Some(step);
        }
        self.timer = Some(Box::pin(sleep(pause)));
        self.held = Some(step);
        None
    }

    /// Takes a step. `None`: it gave nothing to hand over, and the next one is due.
    fn take(&mut self, step: Step) -> Option<Polled> {
        match step {
            Step::Send(frame) => {
                let bytes = self.write(frame);
                match self.tempo.per_byte {
                    // A dialect may have no frame for a step; an empty chunk would end the body.
                    _ if bytes.is_empty() => None,
                    Some(_) => {
                        self.dribble = bytes;
                        None
                    }
                    None => Some(self.hand_over(bytes)),
                }
            }
            Step::Hang => {
                self.end(End::Hang);
                self.held = Some(Step::Hang);
                let (Some(interval), Source::Stream { .. }) = (self.tempo.ping, &self.source) else { return Some(Poll::Pending) };
                self.timer = Some(Box::pin(sleep(interval)));
                let ping = self.write(Frame::Ping);
                Some(self.hand_over(ping))
            }
            Step::Cut => {
                self.end(End::Cut);
                self.severed.store(true, Ordering::Release);
                // The flush that follows a pending body is where the connection is cut.
                self.held = Some(Step::Cut);
                Some(Poll::Pending)
            }
            Step::End(end) => {
                self.ended = true;
                self.end(end);
                Some(Poll::Ready(None))
            }
        }
    }

    /// How long a step waits for its time.
    fn pause_before(&mut self, step: Step) -> Duration {
        match &self.source {
            Source::Stream { answer, .. } if is_content(answer, step) => {
                if std::mem::replace(&mut self.content_sent, true) {
                    self.tempo.delay
                } else {
                    self.tempo.first
                }
            }
            _ => Duration::ZERO,
        }
    }

    /// The bytes of a frame and the tokens they bring. Counted here, unless they go byte by byte.
    fn write(&mut self, frame: Frame) -> Bytes {
        let (bytes, tokens) = self.source.write(frame);
        let bytes = if self.tempo.crlf { with_crlf(&bytes) } else { bytes };
        if self.tempo.per_byte.is_some() && !bytes.is_empty() {
            self.dribble_tokens = tokens;
        } else {
            self.credit(tokens);
        }
        bytes
    }
}

impl Source {
    fn next(&mut self) -> Step {
        match self {
            Source::Whole { parts, last } => {
                if parts.is_empty() {
                    *last
                } else {
                    Step::Send(Frame::Start)
                }
            }
            Source::Stream { steps, next, .. } => {
                *next += 1;
                steps.get(*next - 1).copied().unwrap_or(Step::End(End::Completed))
            }
        }
    }

    /// The end, if nothing else comes before it.
    fn ends_now(&self) -> Option<End> {
        let step = match self {
            Source::Whole { parts, last } => parts.is_empty().then_some(*last),
            Source::Stream { steps, next, .. } => steps.get(*next).copied(),
        };
        match step {
            Some(Step::End(end)) => Some(end),
            _ => None,
        }
    }

    /// The bytes of a frame, with output and reasoning tokens. A whole answer was counted when it began.
    fn write(&mut self, frame: Frame) -> (Bytes, (u64, u64)) {
        match self {
            Source::Whole { parts, .. } => (parts.pop_front().unwrap_or_default(), (0, 0)),
            Source::Stream { answer, frames, .. } => (frames.write(answer, frame).into(), tokens(answer, frame)),
        }
    }
}

fn part(answer: &Answer, index: u32) -> Option<&Part> {
    answer.script.parts.get(index as usize)
}

fn is_content(answer: &Answer, step: Step) -> bool {
    match step {
        Step::Send(Frame::Piece(..)) => true,
        Step::Send(Frame::Open(index)) => part(answer, index).is_some_and(Part::opens_with_content),
        _ => false,
    }
}

/// Output tokens of a frame, and how many of them are reasoning.
fn tokens(answer: &Answer, frame: Frame) -> (u64, u64) {
    let (index, tokens) = match frame {
        Frame::Open(index) => (index, part(answer, index).map_or(0, Part::opening_tokens)),
        Frame::Piece(index, piece) => {
            let pieces = part(answer, index).and_then(Part::pieces);
            let piece = piece as usize;
            (index, pieces.map_or(0, |pieces| pieces.tokens_before(piece + 1) - pieces.tokens_before(piece)))
        }
        _ => return (0, 0),
    };
    let reasoning = part(answer, index).is_some_and(Part::is_reasoning);
    (tokens, if reasoning { tokens } else { 0 })
}

fn with_crlf(bytes: &[u8]) -> Bytes {
    let mut lines = Vec::with_capacity(bytes.len() + 8);
    for byte in bytes {
        if *byte == b'\n' {
            lines.push(b'\r');
        }
        lines.push(*byte);
    }
    lines.into()
}

impl Body for PacedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        let this = &mut *self;
        loop {
            if let Some(timer) = &mut this.timer {
                ready!(timer.as_mut().poll(cx));
                this.timer = None;
            }
            if std::mem::take(&mut this.flush_first) {
                // A pending body makes the connection flush; then it asks again at once.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if let Some(pause) = this.tempo.per_byte
                && !this.dribble.is_empty()
            {
                return this.drop_of(pause);
            }
            let Some(step) = this.due() else { continue };
            if let Some(polled) = this.take(step) {
                return polled;
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }
}
