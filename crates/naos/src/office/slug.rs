//! What a report is called: readable, and never the name of another client's.

use naos_types::{Digest, Name};

/// A longer name of a client is cut.
const CLIENT_BYTES_MAX: usize = 40;
/// So much of a digest tells clients apart.
const DIGEST_CHARS: usize = 8;

/// `riake-2026-10-09`: the client and the last day. A name that can't be written in Latin letters
/// and digits, or not whole, gets a piece of its digest.
pub(super) fn slug(client: &str, to: &str) -> String {
    let plain: String = client.chars().map(naos_types::latin).collect();
    let name = Name::slug(&plain).map_or_else(String::new, |name| name.to_string());
    let kept = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
    let whole = kept(&plain) == kept(&name) && name.len() <= CLIENT_BYTES_MAX;
    if whole && !name.is_empty() {
        return format!("{name}-{to}");
    }
    let digest = &Digest::of(client.as_bytes()).to_string()[..DIGEST_CHARS];
    let cut = &name[..name.len().min(CLIENT_BYTES_MAX)]; // a slug is ASCII
    match cut.trim_end_matches('-') {
        "" => format!("client-{digest}-{to}"),
        name => format!("{name}-{digest}-{to}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_client_has_a_name_of_its_own() {
        for (client, start, digest) in [
            ("Riake", "riake", false),
            ("Élan Œuvres & Cie", "elan-oeuvres-cie", false),
            ("A-1", "a-1", false),
            ("日本", "client", true),
            ("Łódź 日本", "lodz", true),
            ("3M", "m", true),
            ("???", "client", true),
        ] {
            let slug = slug(client, "2026-10-09");
            let name = slug.strip_suffix("-2026-10-09").unwrap();
            assert!(name.starts_with(start), "{client}: {slug}");
            let rest = name.len() - start.len();
            assert_eq!(rest, if digest { 9 } else { 0 }, "{client}: {slug}");
        }
        let long = "éé".repeat(500);
        let (one, other) = (slug(&long, "d"), slug(&format!("{long}x"), "d"));
        assert!(one.len() <= CLIENT_BYTES_MAX + DIGEST_CHARS + 3, "{one}");
        assert_ne!(one, other);
        assert_ne!(slug("日本", "d"), slug("中国", "d"));
    }
}
