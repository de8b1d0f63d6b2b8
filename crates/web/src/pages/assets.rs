//! Style sheet, script and icon: embedded, under names that carry their content's hash, so that
//! a browser may keep them for good.

use std::fmt::Write as _;
use std::sync::OnceLock;

use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

/// For an address whose name carries the content's hash.
pub const CACHE_FOR_GOOD: &str = "public, max-age=31536000, immutable";
/// For the plain name, which may change with the next version.
pub const CACHE_BRIEFLY: &str = "no-cache";

const HASH_BYTES: usize = 6;

#[derive(RustEmbed)]
#[folder = "assets/"]
struct Files;

/// One file as it is served.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// What it holds.
    pub bytes: &'static [u8],
    /// For `Content-Type`.
    pub content_type: &'static str,
    /// Whether it was asked for by the name with the hash.
    pub hashed: bool,
}

impl Asset {
    /// For `Cache-Control`.
    pub fn cache_control(&self) -> &'static str {
        if self.hashed {
            CACHE_FOR_GOOD
        } else {
            CACHE_BRIEFLY
        }
    }
}

/// The file of that name below `/assets/`, with or without the hash in it.
pub fn get(name: &str) -> Option<Asset> {
    let file = all()
        .iter()
        .find(|file| file.hashed == name || file.name == name)?;
    Some(Asset {
        bytes: &file.bytes,
        content_type: file.content_type,
        hashed: file.hashed == name,
    })
}

/// The address of a file, with its hash.
pub fn address(name: &str) -> String {
    let file = all().iter().find(|file| file.name == name);
    format!("/assets/{}", file.map_or(name, |file| &file.hashed))
}

/// The names with hashes of all files.
pub fn names() -> impl Iterator<Item = &'static str> {
    all().iter().map(|file| file.hashed.as_str())
}

struct File {
    name: String,
    hashed: String,
    bytes: Vec<u8>,
    content_type: &'static str,
}

fn all() -> &'static [File] {
    static ALL: OnceLock<Vec<File>> = OnceLock::new();
    ALL.get_or_init(|| {
        Files::iter()
            .filter_map(|name| {
                let bytes = Files::get(&name)?.data.into_owned();
                Some(File::new(&name, bytes))
            })
            .collect()
    })
}

impl File {
    fn new(name: &str, bytes: Vec<u8>) -> File {
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
        let mut hash = String::new();
        for byte in &Sha256::digest(&bytes)[..HASH_BYTES] {
            let _ = write!(hash, "{byte:02x}");
        }
        File {
            name: name.to_owned(),
            hashed: format!("{stem}.{hash}.{extension}"),
            content_type: content_type(extension),
            bytes,
        }
    }
}

fn content_type(extension: &str) -> &'static str {
    match extension {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_follows_the_content_and_the_plain_name_stays() {
        let one = File::new("a.css", b"x".to_vec());
        let two = File::new("a.css", b"y".to_vec());
        assert_ne!(one.hashed, two.hashed);
        assert!(one.hashed.starts_with("a.") && one.hashed.ends_with(".css"));
    }

    #[test]
    fn only_the_hashed_name_may_be_kept() {
        for (name, content_type) in [
            ("naos.css", "text/css; charset=utf-8"),
            ("live.js", "text/javascript; charset=utf-8"),
            ("icon.svg", "image/svg+xml"),
        ] {
            let plain = get(name).expect("there under its plain name");
            assert_eq!(plain.cache_control(), CACHE_BRIEFLY);
            assert_eq!(plain.content_type, content_type);
            let hashed = address(name);
            let kept = get(hashed.trim_start_matches("/assets/")).expect("there under its hash");
            assert_eq!(kept.cache_control(), CACHE_FOR_GOOD);
            assert_eq!(kept.bytes, plain.bytes);
        }
    }

    #[test]
    fn nothing_else_is_served() {
        for name in [
            "",
            "naos.000000000000.css",
            "../Cargo.toml",
            "naos.css/",
            "a.css",
        ] {
            assert!(get(name).is_none(), "{name}");
        }
    }
}
