//! `catalog/synced.txt` and `catalog/status.json` in the data directory. A file is written beside its place and then moved there: whoever
//! reads sees the old one or the new one.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use portolan_catalog::sync::{SyncError, Synced};

use super::Status;

const SYNCED: &str = "synced.txt";
const STATUS: &str = "status.json";
/// Some ten times the largest catalog of today.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// What is stored, if anything is, and its name.
pub(super) fn synced(dir: &Path) -> Result<Option<(String, Synced)>, SyncError> {
    match read(&dir.join(SYNCED)) {
        Ok(text) => Synced::from_text(&text).map(|synced| Some((name(&text), synced))),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(SyncError::Stored(e.to_string())),
    }
}

/// A status that cannot be read is one that says nothing.
pub(super) fn status(dir: &Path) -> Status {
    read(&dir.join(STATUS)).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

/// A name for a catalog: its checksum.
pub(super) fn name(text: &str) -> String {
    text.lines().next().and_then(|head| head.split(' ').nth(1)).unwrap_or_default().to_owned()
}

pub(super) fn write_synced(dir: &Path, synced: &Synced) -> std::io::Result<()> {
    write(dir, SYNCED, &synced.to_text().map_err(std::io::Error::other)?)
}

pub(super) fn write_status(dir: &Path, status: &Status) -> std::io::Result<()> {
    write(dir, STATUS, &serde_json::to_string(status)?)
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(FILE_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
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
