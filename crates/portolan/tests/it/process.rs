//! Running the built binary.

use std::path::Path;
use std::process::{Command, Output};

/// Runs the binary in a folder, with no environment but `env` and a home in that folder.
pub(crate) fn portolan(dir: &Path, args: &str, env: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_portolan"))
        .args(args.split_whitespace())
        .current_dir(dir)
        .env_clear()
        .env("HOME", dir)
        .envs(env.iter().copied())
        .output()
        .expect("the binary starts")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
