//! The agency's office, as it comes with naos.

use std::path::Path;

use naos_engine::chance;
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../../examples/agency"]
#[exclude = ".gitattributes"]
struct Office;

/// A text of the office; empty if there is none of this name.
#[must_use]
pub(crate) fn text(name: &str) -> String {
    Office::get(name).map_or(String::new(), |file| {
        String::from_utf8_lossy(&file.data).into()
    })
}

/// Puts the office's files into `dir`. What is there already stays as it is, so that a start
/// that was cut off goes on, and what somebody changed stays changed.
///
/// # Errors
/// The file that could not be written, and why.
pub(crate) fn lay_out(dir: &Path) -> std::io::Result<usize> {
    let mut written = 0;
    for name in Office::iter() {
        let Some(file) = Office::get(&name) else {
            continue;
        };
        let path = dir.join(name.as_ref());
        if path.exists() {
            continue;
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        put(&path, &file.data)?;
        written += 1;
    }
    Ok(written)
}

/// Writes a file whole or not at all: one that is cut off in the middle would be taken for the
/// real one. Two that write the same at once don't get into each other's way.
///
/// # Errors
/// Why it could not be written.
pub(super) fn put(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let new = path.with_file_name(format!(".{name}.{:032x}.new", chance::roll()));
    std::fs::write(&new, bytes)?;
    std::fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offices_that_are_laid_out_at_once_are_whole() {
        let dir = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            let all: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| lay_out(dir.path())))
                .collect();
            for one in all {
                one.join().unwrap().unwrap();
            }
        });
        assert_eq!(lay_out(dir.path()).unwrap(), 0);
        for name in Office::iter() {
            let there = std::fs::read(dir.path().join(name.as_ref())).unwrap();
            assert_eq!(there, &*Office::get(&name).unwrap().data, "{name}");
        }
        let top = std::fs::read_dir(dir.path()).unwrap().flatten();
        let hidden = top.filter(|entry| entry.file_name().to_string_lossy().starts_with('.'));
        assert_eq!(hidden.count(), 0, "nothing half done stays behind");
    }

    #[test]
    fn what_the_readme_describes_is_there() {
        let readme = text("README.md");
        let files = readme.split('`').filter(|word| word.ends_with(".json"));
        for name in files {
            assert!(Office::get(name).is_some(), "{name}");
        }
        assert!(readme.contains("expected.json"));
    }
}
