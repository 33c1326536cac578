//! Lists the data files, so that a new file is part of the program by being there.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

#[expect(clippy::disallowed_methods, reason = "a build script is told by the environment where to read and write")]
fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=data");
    let data = Path::new(&env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?).join("data");
    let mut code = String::new();
    for (constant, folder) in [("PROVIDERS", "providers"), ("MODELS", "models")] {
        let mut files: Vec<PathBuf> = fs::read_dir(data.join(folder))?.map(|f| f.map(|f| f.path())).collect::<io::Result<_>>()?;
        files.retain(|path| path.extension().is_some_and(|e| e == "toml"));
        files.sort();
        let _ = writeln!(code, "/// Name and text of each file in `data/{folder}`.\npub(crate) const {constant}: &[(&str, &str)] = &[");
        for path in &files {
            let name = path.file_stem().unwrap_or_default().display();
            // Where the package stands when this is compiled: a checkout may be moved with what was built in it.
            let at = format!("concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/data/{folder}/{name}.toml\")");
            let _ = writeln!(code, "    (\"{name}\", include_str!({at})),");
        }
        code.push_str("];\n");
    }
    fs::write(Path::new(&env::var("OUT_DIR").map_err(io::Error::other)?).join("files.rs"), code)
}
