//! A live catalog as the text of a file: a line with a checksum, then JSON.

use super::{SyncError, Synced};

/// The first word of the file, with the version of its form.
const MAGIC: &str = "portolan-catalog-1";

impl Synced {
    /// The text of the file.
    ///
    /// # Errors
    /// When it cannot be written as JSON, which its types do not let happen.
    pub fn to_text(&self) -> Result<String, SyncError> {
        let json = serde_json::to_string(self).map_err(|e| SyncError::Stored(e.to_string()))?;
        Ok(format!("{MAGIC} {:08x}\n{json}\n", crc32fast::hash(json.as_bytes())))
    }

    /// Reads what [`Synced::to_text`] made.
    ///
    /// # Errors
    /// When anything of it was changed or lost.
    pub fn from_text(text: &str) -> Result<Self, SyncError> {
        let wrong = |why: &str| SyncError::Stored(why.to_owned());
        let (head, json) = text.split_once('\n').ok_or_else(|| wrong("it has no first line"))?;
        let (magic, sum) = head.split_once(' ').ok_or_else(|| wrong("its first line has another form"))?;
        if magic != MAGIC {
            return Err(wrong("it was written by another version"));
        }
        let json = json.trim_end_matches('\n');
        if u32::from_str_radix(sum, 16).ok() != Some(crc32fast::hash(json.as_bytes())) {
            return Err(wrong("its checksum does not match"));
        }
        serde_json::from_str(json).map_err(|e| SyncError::Stored(e.to_string()))
    }
}
