//! [`FILE`], [`COPY`] and `catalog/status.json` in the data directory. A file is written beside its place and then moved there:
//! whoever reads sees the old one or the new one.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use portolan_catalog::sync::Synced;

use super::{Good, Status};

/// Where a synced catalog is stored, from the data directory on.
pub(in crate::serve) const FILE: &str = "catalog/synced.txt";
/// The same once more, for when [`FILE`] cannot be used. A file of its own: what damages the one does not damage the other.
pub(in crate::serve) const COPY: &str = "catalog/last-good.txt";
const SYNCED: &str = "synced.txt";
const LAST_GOOD: &str = "last-good.txt";
const STATUS: &str = "status.json";
/// Some ten times the largest catalog of today.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// What is stored, if anything is.
///
/// # Errors
/// Why it cannot be read, and in which line.
pub(super) fn synced(dir: &Path) -> Result<Option<Good>, String> {
    stored(dir, SYNCED)
}

/// The copy of what was last stored, if there is one.
///
/// # Errors
/// As [`synced`].
pub(super) fn last_good(dir: &Path) -> Result<Option<Good>, String> {
    stored(dir, LAST_GOOD)
}

fn stored(dir: &Path, name: &str) -> Result<Option<Good>, String> {
    match read(&dir.join(name)) {
        Ok(text) => Synced::from_text(&text).map(|synced| Some(Good::new(&text, synced))).map_err(|e| e.to_string()),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e.to_string()),
    }
}

/// A status that cannot be read is one that says nothing.
pub(super) fn status(dir: &Path) -> Status {
    read(&dir.join(STATUS)).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

/// Stores a catalog and its copy, unless they stand there, whole. The copy goes first: where it cannot be written, nothing changes.
pub(super) fn keep(dir: &Path, good: &Good) -> std::io::Result<()> {
    for name in [LAST_GOOD, SYNCED] {
        let is_there = stored(dir, name).is_ok_and(|stored| stored.as_ref() == Some(good));
        if !is_there {
            write(dir, name, &good.synced.to_text().map_err(std::io::Error::other)?)?;
        }
    }
    Ok(())
}

pub(super) fn write_status(dir: &Path, status: &Status) -> std::io::Result<()> {
    write(dir, STATUS, &serde_json::to_string(status)?)
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    String::from_utf8(bytes).map_err(|e| {
        let whole = &e.as_bytes()[..e.utf8_error().valid_up_to()];
        std::io::Error::other(format!("line {}: this is not UTF-8", 1 + whole.iter().filter(|byte| **byte == b'\n').count()))
    })
}

fn write(dir: &Path, name: &str, text: &str) -> std::io::Result<()> {
    fs::create_dir_all(dir)?;
    let beside = dir.join(format!("{name}.new"));
    let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, dir.join(name))?;
    File::open(dir)?.sync_all()
}
