//! One entry as one line.

use std::ops::Range;

use portolan_ledger::Entry;

use crate::JournalError;

/// No entry comes near it; it bounds what a damaged file can make us read.
pub(crate) const LINE_BYTES_MAX: usize = 16 << 20;

const HEAD: usize = 9;
const CLOSED: &[u8] = b"{\"closed\":";

/// An encoded entry, newline included.
#[derive(Debug, Clone)]
pub(crate) struct Line(Vec<u8>);

impl Line {
    pub(crate) fn encode(entry: &Entry) -> Result<Self, JournalError> {
        // Room for an ordinary record, so that it is not moved while it grows.
        let mut bytes = Vec::with_capacity(1536);
        bytes.extend_from_slice(b"00000000 ");
        serde_json::to_writer(&mut bytes, entry).map_err(|e| JournalError::Failed(e.to_string().into()))?;
        let crc = crc32fast::hash(&bytes[HEAD..]);
        for (i, byte) in bytes[..8].iter_mut().enumerate() {
            *byte = b"0123456789abcdef"[(crc >> (28 - 4 * i) & 15) as usize];
        }
        bytes.push(b'\n');
        if bytes.len() > LINE_BYTES_MAX {
            return Err(JournalError::TooLong(bytes.len()));
        }
        Ok(Self(bytes))
    }

    /// A line that was read, newline included.
    pub(crate) fn check(bytes: Vec<u8>) -> Result<Self, &'static str> {
        let Some(body) = bytes.strip_suffix(b"\n") else { return Err("the line has no end") };
        let (Some(crc), Some(json)) = (body.get(..8), body.get(HEAD..)) else { return Err("the line is too short") };
        let crc = std::str::from_utf8(crc).ok().and_then(|hex| u32::from_str_radix(hex, 16).ok());
        if body[8] != b' ' || crc != Some(crc32fast::hash(json)) {
            return Err("the checksum does not fit");
        }
        Ok(Self(bytes))
    }

    pub(crate) fn entry(&self) -> Result<Entry, serde_json::Error> {
        serde_json::from_slice(&self.0[HEAD..self.0.len() - 1])
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Where the record of a closed generation lies in the line: what the database keeps is a part of it, not encoded twice.
    pub(crate) fn record(&self) -> Option<Range<usize>> {
        let range = HEAD + CLOSED.len()..self.0.len() - 2;
        self.0[HEAD..].starts_with(CLOSED).then_some(range)
    }
}
