//! A binary file cannot be reviewed, so it stands only where its origin is known.

use super::Violation;
use crate::tree::{File, Tree};

const PICTURE_BYTES_MAX: usize = 200 * 1024;

pub fn check(tree: &Tree) -> Vec<Violation> {
    let binaries = tree.files.iter().filter(|file| file.text().is_none());
    binaries
        .filter_map(|file| Some(Violation::new(&file.path, 0, objection(file)?)))
        .collect()
}

fn objection(file: &File) -> Option<String> {
    let path = file.path.as_str();
    if path.starts_with("guest/built/") && path.ends_with(".wasm") {
        return None;
    }
    let mut folders = path.split('/').rev().skip(1);
    if folders.any(|folder| folder == "fixtures") {
        return None;
    }
    // Office files as people have them: Latin-1 mails and tables are text, only not UTF-8.
    if path.starts_with("examples/") && !file.bytes.contains(&0) {
        return None;
    }
    if path.starts_with("docs/") && path.ends_with(".png") {
        let size = file.bytes.len();
        return (size > PICTURE_BYTES_MAX).then(|| {
            format!("a picture of {size} bytes, at most {PICTURE_BYTES_MAX}; make it smaller")
        });
    }
    Some(
        "a binary file; only guest/built/*.wasm, fixtures/ and docs/*.png may be: generate it, \
         or record it as a fixture"
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;

    fn check_bytes(path: &str, bytes: &[u8]) -> bool {
        let file = File {
            path: path.to_owned(),
            bytes: bytes.to_vec(),
        };
        places(&check(&Tree { files: vec![file] })).is_empty()
    }

    #[test]
    fn binaries_have_their_places() {
        let nul = b"\0asm";
        for (path, good) in [
            ("guest/built/echo.wasm", true),
            ("guest/echo.wasm", false),
            ("tests/fixtures/a.db", true),
            ("crates/store/tests/fixtures/v1/a.db", true),
            ("fixtures", false),
            ("docs/page.png", true),
            ("docs/page.bin", false),
            ("crates/web/logo.png", false),
            ("examples/agency/a.eml", false),
        ] {
            assert_eq!(check_bytes(path, nul), good, "{path}");
            assert!(check_bytes(path, b"text"), "{path}");
        }
    }

    #[test]
    fn latin_1_is_text_in_examples_only() {
        assert!(check_bytes("examples/agency/a.eml", b"caf\xe9"));
        assert!(!check_bytes("docs/a.md", b"caf\xe9"));
    }

    #[test]
    fn pictures_are_small() {
        assert!(check_bytes("docs/page.png", &vec![0; PICTURE_BYTES_MAX]));
        assert!(!check_bytes(
            "docs/page.png",
            &vec![0; PICTURE_BYTES_MAX + 1]
        ));
    }
}
