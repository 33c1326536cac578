//! Server-sent events: bytes in, cut anywhere, frames out.
//!
//! A frame that lies wholly inside the pushed slice is handed out without a copy; only an unfinished tail
//! is kept. Line ends may be LF, CRLF or CR; comments and unknown fields are skipped.
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream>

use std::ops::Range;

use memchr::memchr2;

/// The longest frame: one event may hold a whole image or a ten-megabyte tool call, but nobody may fill our memory.
pub const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;

/// One event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its name (`event:`), where it has one.
    pub event: Option<&'a str>,
    /// Its data; several `data:` lines are joined by a line feed.
    pub data: &'a str,
}

/// A stream that cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SseError {
    /// A frame longer than [`FRAME_BYTES_MAX`].
    #[error("an event of the stream is longer than {FRAME_BYTES_MAX} bytes")]
    TooLong,
    /// Bytes that are no UTF-8.
    #[error("an event of the stream is not UTF-8")]
    NotUtf8,
}

/// The parser of one stream.
#[derive(Debug, Default)]
pub struct Parser {
    /// The unfinished frame, from its first byte.
    tail: Vec<u8>,
    line: Line,
    begun: bool,
    broken: Option<SseError>,
}

/// Where the parser stands inside the unfinished frame. Offsets count from the frame's first byte.
#[derive(Debug, Default, Clone)]
struct Line {
    start: usize,
    /// Bytes before this hold no line end.
    scanned: usize,
    /// The last line ended in CR: a following LF belongs to it.
    after_cr: bool,
    event: Option<Range<usize>>,
    data: Option<Range<usize>>,
    /// The second and further data lines.
    more: Vec<Range<usize>>,
}

impl Parser {
    /// Takes the next bytes and hands out the frames that they complete.
    ///
    /// # Errors
    /// When the stream cannot be read on; then every later call answers the same.
    pub fn push(&mut self, bytes: &[u8], sink: &mut dyn FnMut(Frame<'_>)) -> Result<(), SseError> {
        if let Some(error) = self.broken {
            return Err(error);
        }
        let read = if self.tail.is_empty() {
            self.read(bytes, sink)
        } else {
            let mut tail = std::mem::take(&mut self.tail);
            tail.extend_from_slice(bytes);
            let read = self.read(&tail, sink);
            if let Ok(used @ 1..) = read {
                tail.drain(..used);
            }
            self.tail = tail;
            return self.remember(read).map(drop);
        };
        let used = self.remember(read)?;
        self.tail.extend_from_slice(&bytes[used..]);
        Ok(())
    }

    /// The stream ended: hands out the last frame even where its blank line, or its line end, is missing.
    ///
    /// # Errors
    /// As [`Parser::push`].
    pub fn end(&mut self, sink: &mut dyn FnMut(Frame<'_>)) -> Result<(), SseError> {
        if let Some(error) = self.broken {
            return Err(error);
        }
        let tail = std::mem::take(&mut self.tail);
        let mut line = std::mem::take(&mut self.line);
        if line.start < tail.len() {
            line.field(&tail, line.start..tail.len());
        }
        let sent = line.dispatch(&tail, sink);
        self.remember(sent)
    }

    fn remember<T>(&mut self, result: Result<T, SseError>) -> Result<T, SseError> {
        if let Err(error) = &result {
            self.broken = Some(*error);
            self.tail = Vec::new();
        }
        result
    }

    /// Reads all complete frames of `bytes`, which begins with a frame, and answers how many bytes they are.
    fn read(&mut self, bytes: &[u8], sink: &mut dyn FnMut(Frame<'_>)) -> Result<usize, SseError> {
        const BOM: &[u8] = b"\xEF\xBB\xBF";
        let mut base = 0;
        if !self.begun {
            if bytes.len() < BOM.len() && BOM.starts_with(bytes) {
                return Ok(0);
            }
            self.begun = true;
            base = if bytes.starts_with(BOM) { BOM.len() } else { 0 };
        }
        loop {
            let frame = &bytes[base..];
            match self.line.advance(frame, sink)? {
                Some(used) => base += used,
                None if frame.len() > FRAME_BYTES_MAX => return Err(SseError::TooLong),
                None => return Ok(base),
            }
        }
    }
}

impl Line {
    /// Reads lines until a frame is complete, and answers its length; `None` when more bytes are needed.
    fn advance(&mut self, frame: &[u8], sink: &mut dyn FnMut(Frame<'_>)) -> Result<Option<usize>, SseError> {
        loop {
            if self.after_cr {
                match frame.get(self.start) {
                    None => return Ok(None),
                    Some(b'\n') => self.start += 1,
                    Some(_) => {}
                }
                self.after_cr = false;
                self.scanned = self.start;
            }
            let Some(found) = memchr2(b'\n', b'\r', &frame[self.scanned..]) else {
                self.scanned = frame.len();
                return Ok(None);
            };
            let end = self.scanned + found;
            let line = self.start..end;
            let after_cr = frame[end] == b'\r';
            (self.start, self.scanned) = (end + 1, end + 1);
            if line.is_empty() {
                self.dispatch(frame, sink)?;
                *self = Line { after_cr, ..Line::default() };
                return Ok(Some(end + 1));
            }
            self.after_cr = after_cr;
            self.field(frame, line);
        }
    }

    fn field(&mut self, frame: &[u8], line: Range<usize>) {
        let text = &frame[line.clone()];
        let value = |name: &[u8]| {
            let rest = text.strip_prefix(name)?;
            let colon = match rest.first() {
                None => return Some(line.end..line.end),
                Some(b':') => 1,
                Some(_) => return None,
            };
            let space = usize::from(rest.get(1) == Some(&b' '));
            Some(line.start + name.len() + colon + space..line.end)
        };
        if let Some(value) = value(b"data") {
            if self.data.is_none() {
                self.data = Some(value);
            } else {
                self.more.push(value);
            }
        } else if let Some(value) = value(b"event") {
            self.event = Some(value);
        }
    }

    /// A frame without data is none: a comment, or a keep-alive.
    fn dispatch(&self, frame: &[u8], sink: &mut dyn FnMut(Frame<'_>)) -> Result<(), SseError> {
        let Some(first) = self.data.clone() else { return Ok(()) };
        if frame.len() > FRAME_BYTES_MAX && first.len() + self.more.iter().map(Range::len).sum::<usize>() > FRAME_BYTES_MAX {
            return Err(SseError::TooLong);
        }
        let event = self.event.clone().map(|range| utf8(&frame[range])).transpose()?.filter(|name| !name.is_empty());
        if self.more.is_empty() {
            sink(Frame { event, data: utf8(&frame[first])? });
            return Ok(());
        }
        let mut joined = frame[first].to_vec();
        for range in &self.more {
            joined.push(b'\n');
            joined.extend_from_slice(&frame[range.clone()]);
        }
        sink(Frame { event, data: utf8(&joined)? });
        Ok(())
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, SseError> {
    simdutf8::basic::from_utf8(bytes).map_err(|_| SseError::NotUtf8)
}
