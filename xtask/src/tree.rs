//! The checkout as data: a list of (path, bytes), so that every rule can be tried on a small
//! made-up tree.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

/// One file. `path` is relative to the root, with forward slashes.
pub struct File {
    pub path: String,
    pub bytes: Vec<u8>,
}

impl File {
    /// The text, or nothing if the bytes are not UTF-8 or hold a NUL.
    pub fn text(&self) -> Option<&str> {
        let text = std::str::from_utf8(&self.bytes).ok()?;
        (!text.contains('\0')).then_some(text)
    }
}

/// All files that git tracks or would track.
pub struct Tree {
    pub files: Vec<File>,
}

impl Tree {
    /// Reads what `git ls-files` names, and what is new and not ignored.
    pub fn read(root: &Path) -> anyhow::Result<Tree> {
        let listing = Command::new("git")
            .args([
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ])
            .current_dir(root)
            .output()
            .context("could not start git to list the files; install git")?;
        anyhow::ensure!(
            listing.status.success(),
            "git ls-files failed: {}",
            String::from_utf8_lossy(&listing.stderr).trim()
        );
        let listing = String::from_utf8(listing.stdout).context("a path is not UTF-8")?;
        let mut paths: Vec<&str> = listing
            .split('\0')
            .filter(|path| !path.is_empty())
            .collect();
        paths.sort_unstable();
        paths.dedup();
        let mut files = Vec::with_capacity(paths.len());
        for path in paths {
            let full = root.join(path);
            // Tracked but deleted, and links: nothing of ours to read.
            if !full.symlink_metadata().is_ok_and(|meta| meta.is_file()) {
                continue;
            }
            let bytes = std::fs::read(&full).with_context(|| format!("could not read {path}"))?;
            files.push(File {
                path: path.to_owned(),
                bytes,
            });
        }
        Ok(Tree { files })
    }

    #[cfg(test)]
    pub fn of(files: &[(&str, &str)]) -> Tree {
        let files = files
            .iter()
            .map(|(path, text)| File {
                path: (*path).to_owned(),
                bytes: text.as_bytes().to_vec(),
            })
            .collect();
        Tree { files }
    }

    pub fn has(&self, path: &str) -> bool {
        self.files.iter().any(|file| file.path == path)
    }

    pub fn rust(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts().filter(|(path, _)| path.ends_with(".rs"))
    }

    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .filter_map(|file| Some((file.path.as_str(), file.text()?)))
    }
}

/// The workspace's root: the folder above this package.
pub fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_path_buf()
}
