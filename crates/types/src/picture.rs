//! Pictures among documents: known by how their bytes begin, never by their names.

/// The largest picture that a model is shown, in bytes.
pub const PICTURE_BYTES_MAX: u64 = 5 << 20;

/// The media type of bytes that begin as a PNG (W3C PNG 5.2), JPEG (ISO/IEC 10918-1 B.1.1.3), GIF
/// (GIF89a 17) or WebP (RFC 9649) does; none for anything else.
#[must_use]
pub fn media_type(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some("image/png")
    } else if bytes.starts_with(b"\xff\xd8\xff") {
        Some("image/jpeg")
    } else if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") {
        Some("image/gif")
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        Some("image/webp")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_known_by_their_first_bytes() {
        for (bytes, want) in [
            (&b"\x89PNG\r\n\x1a\n\0\0"[..], Some("image/png")),
            (b"\xff\xd8\xff\xe0", Some("image/jpeg")),
            (b"GIF89a", Some("image/gif")),
            (b"RIFF\x10\0\0\0WEBPVP8 ", Some("image/webp")),
            (b"RIFF\x10\0\0\0WAVE", None),
            (b"RIFF", None),
            (b"# PNG", None),
            (b"", None),
        ] {
            assert_eq!(media_type(bytes), want, "{bytes:?}");
        }
    }
}
