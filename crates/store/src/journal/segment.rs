//! The files of the journal.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::dir::private;
use crate::{Durability, StoreError};

/// A place in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) segment: u64,
    pub(crate) offset: u64,
}

impl Position {
    pub(crate) const START: Position = Position { segment: 1, offset: 0 };
}

/// The open end of the journal.
#[derive(Debug)]
pub(crate) struct Segments {
    dir: PathBuf,
    file: Arc<File>,
    end: Position,
    bytes_max: u64,
    durability: Durability,
}

pub(crate) fn path(dir: &Path, segment: u64) -> PathBuf {
    dir.join(format!("{segment:016}.jsonl"))
}

/// The numbers of the segments that are there, rising.
pub(crate) fn list(dir: &Path) -> Result<Vec<u64>, StoreError> {
    let failed = |e| StoreError::file("list", dir, e);
    let mut found = Vec::new();
    for file in fs::read_dir(dir).map_err(failed)? {
        let name = file.map_err(failed)?.file_name();
        let number: Option<u64> = name.to_str().and_then(|n| n.strip_suffix(".jsonl")).and_then(|n| n.parse().ok());
        found.extend(number);
    }
    found.sort_unstable();
    Ok(found)
}

/// Deletes the segments before `first`.
pub(crate) fn delete_before(dir: &Path, first: u64) -> Result<(), StoreError> {
    for segment in list(dir)?.into_iter().filter(|s| *s < first) {
        let path = path(dir, segment);
        fs::remove_file(&path).map_err(|e| StoreError::file("delete", &path, e))?;
    }
    Ok(())
}

impl Segments {
    /// Opens the journal for writing at its end.
    pub(crate) fn open(dir: &Path, end: Position, bytes_max: u64, durability: Durability) -> Result<Self, StoreError> {
        let path = path(dir, end.segment);
        let open = || {
            let file = private().read(true).write(true).create(true).truncate(false).open(&path)?;
            sync_dir(dir, durability)?;
            Ok(file)
        };
        let file = open().map_err(|e| StoreError::file("open", &path, e))?;
        Ok(Self { dir: dir.to_owned(), file: Arc::new(file), end, bytes_max, durability })
    }

    pub(crate) fn end(&self) -> Position {
        self.end
    }

    /// Writes whole lines at the end, and answers where they begin.
    pub(crate) fn write(&mut self, lines: &[u8]) -> io::Result<Position> {
        let length = lines.len() as u64;
        if self.end.offset > 0 && self.end.offset + length > self.bytes_max {
            self.next()?;
        }
        let start = self.end;
        self.file.write_all_at(lines, start.offset)?;
        if self.durability == Durability::Disk {
            self.file.sync_data()?;
        }
        self.end.offset += length;
        Ok(start)
    }

    fn next(&mut self) -> io::Result<()> {
        let next = Position { segment: self.end.segment + 1, offset: 0 };
        self.file = Arc::new(private().read(true).write(true).create_new(true).open(path(&self.dir, next.segment))?);
        sync_dir(&self.dir, self.durability)?;
        self.end = next;
        Ok(())
    }
}

/// A new file is only there after a power loss when its directory was synced.
fn sync_dir(dir: &Path, durability: Durability) -> io::Result<()> {
    match durability {
        Durability::Process => Ok(()),
        Durability::Disk => File::open(dir)?.sync_all(),
    }
}
