//! The data directory: private to its user, and to one process at a time.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::StoreError;

/// The directory, locked until this is dropped.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Makes the directory where it is absent, and takes it.
    pub(crate) fn take(path: &Path) -> Result<Self, StoreError> {
        private_dir(path)?;
        let file = path.join("portolan.lock");
        let mut lock =
            private().read(true).write(true).create(true).truncate(false).open(&file).map_err(|e| StoreError::file("open", &file, e))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::Locked { dir: path.to_owned(), pid: holder(&mut lock) }),
            Err(TryLockError::Error(e)) => return Err(StoreError::file("lock", &file, e)),
        }
        let write_pid = |lock: &mut File| {
            lock.set_len(0)?;
            lock.rewind()?;
            writeln!(lock, "{}", std::process::id())
        };
        write_pid(&mut lock).map_err(|e| StoreError::file("write", &file, e))?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// The database file. Made here, so that nobody else may read it from its first byte on.
    pub(crate) fn database(&self) -> Result<PathBuf, StoreError> {
        let file = self.path.join("portolan.db");
        private().append(true).create(true).open(&file).map_err(|e| StoreError::file("create", &file, e))?;
        Ok(file)
    }

    /// The directory of the journal.
    pub(crate) fn journal(&self) -> Result<PathBuf, StoreError> {
        let dir = self.path.join("journal");
        private_dir(&dir)?;
        Ok(dir)
    }
}

/// Options for a file that only its owner may read.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

fn private_dir(path: &Path) -> Result<(), StoreError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|e| StoreError::file("create", path, e))?;
    // Also where it was there before: the keys' hashes and the records of all callers lie in it.
    fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(|e| StoreError::file("restrict", path, e))
}

fn holder(lock: &mut File) -> String {
    let mut pid = String::new();
    let read = lock.take(32).read_to_string(&mut pid);
    match (read, pid.trim()) {
        (Ok(_), pid) if !pid.is_empty() => pid.to_owned(),
        _ => "unknown".to_owned(),
    }
}
