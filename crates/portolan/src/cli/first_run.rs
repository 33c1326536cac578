//! The secrets of a first start that has no terminal to show them on.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use portolan_core::{ApiKey, ExposeSecret};

/// What `first-run.json` holds.
#[derive(Debug)]
pub(crate) struct FirstRun<'a> {
    pub(crate) api_url: &'a str,
    pub(crate) key: &'a ApiKey,
    /// A line to paste, see [`super::curl`].
    pub(crate) curl: &'a str,
}

/// Writes `first-run.json` (mode 0600) into the data directory. Whoever reads it finds it whole or not at all.
///
/// # Errors
/// When the directory cannot be written to.
pub(crate) fn write_first_run(data_dir: &Path, first: &FirstRun<'_>) -> io::Result<PathBuf> {
    let text = serde_json::json!({ "api_url": first.api_url, "api_key": first.key.expose_secret(), "curl": first.curl });
    let (path, draft) = (data_dir.join("first-run.json"), data_dir.join(".first-run.json.draft"));
    // A draft that a crash left. Anything else at this name would have other rights than ours.
    match std::fs::remove_file(&draft) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.set_permissions(Permissions::from_mode(0o600))?; // whatever the umask made of the mode
    writeln!(file, "{text:#}")?;
    file.sync_all()?;
    std::fs::rename(&draft, &path)?;
    File::open(data_dir)?.sync_all()?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_for_its_owner_only_and_replaces_drafts_and_links() {
        let dir = tempfile::tempdir().unwrap();
        let elsewhere = dir.path().join("elsewhere");
        std::fs::write(&elsewhere, "untouched").unwrap();
        std::os::unix::fs::symlink(&elsewhere, dir.path().join(".first-run.json.draft")).unwrap();
        let key = ApiKey::parse(&format!("sk-or-v1-{}", "0a".repeat(32))).unwrap();
        for _ in 0..2 {
            let first = FirstRun { api_url: "http://127.0.0.1:4747/api/v1", key: &key, curl: "curl" };
            let path = write_first_run(dir.path(), &first).unwrap();
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            let json: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            assert_eq!(json["api_key"], key.expose_secret());
        }
        assert_eq!(std::fs::read_to_string(&elsewhere).unwrap(), "untouched");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "no draft is left");
    }
}
