//! Where other people's recordings lie; they are no part of the repository.

use std::path::PathBuf;

/// A folder of the recordings; `None`, loudly, when they are not here.
#[expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test asks where the recordings are, and says loudly when they are not"
)]
pub(crate) fn folder(under: &str) -> Option<PathBuf> {
    let root =
        std::env::var("PORTOLAN_SHARED").map_or_else(|_| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let folder = root.join(under);
    if !folder.is_dir() {
        eprintln!("SKIPPED: no recordings at {} (set PORTOLAN_SHARED)", folder.display());
        return None;
    }
    Some(folder)
}
