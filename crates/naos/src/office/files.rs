//! The agency's office, as it comes with naos.

use std::path::Path;

use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../../examples/agency"]
#[exclude = "expected.json"]
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
        // Whole or not at all: a file cut off in the middle would be taken for the real one.
        let new = path.with_extension("new");
        std::fs::write(&new, &file.data)?;
        std::fs::rename(&new, &path)?;
        written += 1;
    }
    Ok(written)
}
