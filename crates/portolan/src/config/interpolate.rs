//! `${env:NAME}` and `${file:/path}` inside values; `$${` is a literal `${`.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::environment::Environment;

/// A secret or a setting is short. A larger file is a mistake, and must not fill the memory.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// Replaces what stands in `${...}`. `None`: there is nothing to replace.
///
/// # Errors
/// A sentence that names what is missing and what to do.
pub(super) fn interpolate(text: &str, env: &Environment, base: &Path) -> Result<Option<String>, String> {
    if !text.contains("${") {
        return Ok(None);
    }
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = rest.find("${") {
        if let Some(before) = rest[..at].strip_suffix('$') {
            out.push_str(before);
            out.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        out.push_str(&rest[..at]);
        let inside = &rest[at + 2..];
        let end = inside.find('}').ok_or("`${` has no closing `}`; write `$${` for a literal `${`")?;
        out.push_str(&resolve(&inside[..end], env, base)?);
        rest = &inside[end + 1..];
    }
    out.push_str(rest);
    Ok(Some(out))
}

fn resolve(reference: &str, env: &Environment, base: &Path) -> Result<String, String> {
    match reference.split_once(':') {
        Some(("env", name)) => env
            .get(name)
            .map(str::to_owned)
            .ok_or_else(|| format!("the environment variable {name} is not set (or empty); set it, or remove this setting")),
        Some(("file", path)) => {
            let path = base.join(path);
            read(&path).map_err(|why| format!("the file {} {why}; create it, or remove this setting", path.display()))
        }
        _ => Err("what stands in `${...}` is neither `env:NAME` nor `file:/path`; write `$${` for a literal `${`".into()),
    }
}

/// The names of the environment variables that `text` refers to.
pub(super) fn referenced(text: &str) -> impl Iterator<Item = &str> {
    text.split("${env:").skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

fn read(path: &PathBuf) -> Result<String, String> {
    // A pipe or a device could block the start forever.
    let metadata = std::fs::metadata(path).map_err(|e| format!("cannot be read ({e})"))?;
    if !metadata.is_file() {
        return Err("is no regular file".into());
    }
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(|e| format!("cannot be read ({e})"))?;
    file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(|e| format!("cannot be read ({e})"))?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("is larger than {FILE_BYTES_MAX} bytes"));
    }
    // Editors and `echo` end a file with a newline, which is no part of a secret.
    let trimmed = text.strip_suffix('\n').map_or(text.as_str(), |t| t.strip_suffix('\r').unwrap_or(t));
    Ok(trimmed.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_replaced_and_a_doubled_dollar_is_literal() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("secret"), "s3cret\n").unwrap();
        let env = Environment::from_iter([("NAME".to_owned(), "value".to_owned())]);
        let run = |text: &str| interpolate(text, &env, dir.path());
        assert_eq!(run("plain $ {x}"), Ok(None));
        assert_eq!(run("a ${env:NAME} b ${env:NAME}"), Ok(Some("a value b value".into())));
        assert_eq!(run("${file:secret}"), Ok(Some("s3cret".into())));
        assert_eq!(run("$${env:NAME}"), Ok(Some("${env:NAME}".into())));
        for (wrong, says) in [
            ("${env:GONE}", "GONE is not set"),
            ("${file:gone}", "cannot be read"),
            ("${file:.}", "no regular file"),
            ("${vault:x}", "neither"),
            ("${env:NAME", "closing"),
        ] {
            let error = run(wrong).unwrap_err();
            assert!(error.contains(says), "{wrong}: {error}");
        }
    }
}
