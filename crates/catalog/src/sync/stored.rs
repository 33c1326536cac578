//! A live catalog as the text of a file: a line with a checksum, then JSON with a line for each row.

use std::io;

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;

use super::{SyncError, Synced};

/// The first word of the file, with the version of its form.
const MAGIC: &str = "portolan-catalog-1";

impl Synced {
    /// The text of the file.
    ///
    /// # Errors
    /// When it cannot be written as JSON, which its types do not let happen.
    pub fn to_text(&self) -> Result<String, SyncError> {
        let mut json = Vec::new();
        self.serialize(&mut Serializer::with_formatter(&mut json, RowsInLines::default())).map_err(|e| SyncError::Stored(e.to_string()))?;
        let json = String::from_utf8(json).map_err(|e| SyncError::Stored(e.to_string()))?;
        Ok(format!("{MAGIC} {:08x}\n{json}\n", crc32fast::hash(json.as_bytes())))
    }

    /// Reads what [`Synced::to_text`] made.
    ///
    /// # Errors
    /// When anything of it was changed or lost, with the line where that shows.
    pub fn from_text(text: &str) -> Result<Self, SyncError> {
        let wrong = |why: &str| SyncError::Stored(format!("line 1: {why}"));
        let head = text.lines().next().unwrap_or_default();
        let (magic, sum) = head.split_once(' ').ok_or_else(|| wrong("it has another form than a stored catalog"))?;
        if magic != MAGIC {
            return Err(wrong("it was written by another version"));
        }
        // With the end of the first line, so that lines are counted as in the file. A row that cannot be read says more than the checksum.
        let json = text[head.len()..].trim_end_matches('\n');
        let synced = serde_json::from_str(json).map_err(|e| SyncError::Stored(e.to_string()))?;
        match u32::from_str_radix(sum, 16) {
            Ok(sum) if sum == crc32fast::hash(json.trim_start_matches('\n').as_bytes()) => Ok(synced),
            _ => Err(wrong("its checksum does not match what follows: a value was changed")),
        }
    }
}

/// Begins a line at each value of the outermost lists.
#[derive(Default)]
struct RowsInLines {
    lists: usize,
}

impl Formatter for RowsInLines {
    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.lists += 1;
        writer.write_all(b"[")
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.lists -= 1;
        writer.write_all(b"]")
    }

    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b"," })?;
        writer.write_all(if self.lists == 1 { b"\n" } else { b"" })
    }
}
