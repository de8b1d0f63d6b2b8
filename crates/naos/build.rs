//! Embeds the guest side: the built components, and the sources that `naos create` lays out.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// What of the guest side goes into the binary.
const EMBEDDED: &[&str] = &[
    "agents",
    "built",
    "reading",
    "sdk",
    "templates",
    "wit",
    "Cargo.lock",
    "templates.yaml",
];
/// The kinds of files that do.
const ENDINGS: &[&str] = &["rs", "toml", "wit", "wasm", "lock", "yaml", "md"];

fn main() {
    let own = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let guest = own
        .join("../../guest")
        .canonicalize()
        .expect("guest/ is part of the sources");
    let mut files = Vec::new();
    for part in EMBEDDED {
        println!("cargo::rerun-if-changed={}", guest.join(part).display());
        collect(&guest.join(part), &mut files);
    }
    files.sort();
    let mut text = String::from("pub(super) static FILES: &[(&str, &[u8])] = &[\n");
    for file in &files {
        let name = file
            .strip_prefix(&guest)
            .expect("it was found there")
            .to_string_lossy();
        let path = file.to_string_lossy();
        writeln!(text, "    ({name:?}, include_bytes!({path:?})),").expect("a string takes all");
    }
    text.push_str("];\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("guest.rs"), text).expect("the folder for outputs can be written");
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_dir() {
        let named = |name: &str| path.file_name().is_some_and(|own| own == name);
        if named("target") || named("tests") {
            return;
        }
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            collect(&entry.path(), files);
        }
    } else if path
        .extension()
        .is_some_and(|end| ENDINGS.iter().any(|known| end == *known))
    {
        files.push(path.to_owned());
    }
}
