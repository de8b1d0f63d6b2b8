//! Signed notes (C2SP signed-note): a text, a blank line, signature lines. Ed25519 only.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

/// The longest signed note that is read: room for 16 post-quantum signatures of witnesses.
pub const NOTE_BYTES_MAX: usize = 128 * 1024;
/// The most signature lines of a note that is read, the least the specification asks for.
pub const SIGNATURES_COUNT_MAX: usize = 16;
/// The longest name of a key of ours.
pub const KEY_NAME_BYTES_MAX: usize = 255;

/// The signature type identifier of Ed25519 in C2SP signed-note.
const ED25519: u8 = 1;
/// What a signature line begins with: an em dash and a space.
const SIGNATURE_MARK: &str = "\u{2014} ";

/// Why a text is no key name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyNameError {
    /// There must be one.
    #[error("a key needs a name, such as example.com/journal")]
    Empty,
    /// It is longer than is read back.
    #[error("a key name has at most {KEY_NAME_BYTES_MAX} bytes, this has {found}")]
    Long {
        /// The bytes of the name.
        found: usize,
    },
    /// It has a space, a plus sign or a control character.
    #[error("a key name has no spaces, plus signs or control characters, this has {found:?}")]
    Character {
        /// The first such character.
        found: char,
    },
}

pub(crate) fn check_key_name(name: &str) -> Result<(), KeyNameError> {
    if name.is_empty() {
        return Err(KeyNameError::Empty);
    }
    if name.len() > KEY_NAME_BYTES_MAX {
        return Err(KeyNameError::Long { found: name.len() });
    }
    match name.chars().find(|&found| !in_key_name(found)) {
        Some(found) => Err(KeyNameError::Character { found }),
        None => Ok(()),
    }
}

fn in_key_name(character: char) -> bool {
    character != '+' && !character.is_whitespace() && !character.is_control()
}

/// `SHA-256(name || 0x0A || 0x01 || public key)[..4]`: which key made a signature. An address, not
/// a proof: the specification keeps it short on purpose.
fn key_id(key: &VerifyingKey, name: &str) -> [u8; 4] {
    let mut hasher = Sha256::new();
    hasher.update(name.as_bytes());
    hasher.update([b'\n', ED25519]);
    hasher.update(key.as_bytes());
    let digest: [u8; 32] = hasher.finalize().into();
    [digest[0], digest[1], digest[2], digest[3]]
}

/// The text by which others are told whom to trust: `name+key id+base64(0x01 || public key)`.
pub fn vkey(key: &VerifyingKey, name: &str) -> Result<String, KeyNameError> {
    check_key_name(name)?;
    let id = u32::from_be_bytes(key_id(key, name));
    let bytes = [&[ED25519], key.as_bytes().as_slice()].concat();
    Ok(format!("{name}+{id:08x}+{}", STANDARD.encode(bytes)))
}

/// Why a text is no verifier key.
#[derive(Debug, thiserror::Error)]
pub enum ParseVkeyError {
    /// The three parts are not there.
    #[error("a verifier key has the form name+id+key, this has no two plus signs")]
    Form,
    /// The name is none.
    #[error("the verifier key's name is not one")]
    Name(#[source] KeyNameError),
    /// The key part is not base64.
    #[error("the key part of the verifier key is not padded standard base64")]
    Base64(#[source] base64::DecodeError),
    /// The key is of another kind.
    #[error("the verifier key is not Ed25519: its key part is not a 1 followed by 32 bytes")]
    Kind,
    /// The 32 bytes are no point of the curve.
    #[error("the verifier key holds no Ed25519 public key")]
    Key(#[source] ed25519_dalek::SignatureError),
    /// Signatures under this key prove nothing.
    #[error("the verifier key is weak: one signature would fit many texts")]
    Weak,
    /// Name, id and key do not belong together.
    #[error("the verifier key says id {found}, name and key make {expected}: a part is mistyped")]
    Id {
        /// The id that name and key make.
        expected: String,
        /// The id it says.
        found: String,
    },
}

/// Reads what [`vkey`] wrote: the key and its name.
pub fn parse_vkey(text: &str) -> Result<(VerifyingKey, String), ParseVkeyError> {
    let (name, rest) = text.split_once('+').ok_or(ParseVkeyError::Form)?;
    // Base64 has plus signs of its own, so only the first two part the fields.
    let (id, key) = rest.split_once('+').ok_or(ParseVkeyError::Form)?;
    check_key_name(name).map_err(ParseVkeyError::Name)?;
    if key.len() != 44 {
        return Err(ParseVkeyError::Kind);
    }
    let bytes = STANDARD.decode(key).map_err(ParseVkeyError::Base64)?;
    let key = match bytes.split_first() {
        Some((&ED25519, key)) => <&[u8; 32]>::try_from(key).map_err(|_| ParseVkeyError::Kind)?,
        _ => return Err(ParseVkeyError::Kind),
    };
    let key = VerifyingKey::from_bytes(key).map_err(ParseVkeyError::Key)?;
    if key.is_weak() {
        return Err(ParseVkeyError::Weak);
    }
    let expected = format!("{:08x}", u32::from_be_bytes(key_id(&key, name)));
    if id != expected {
        let found = id.chars().take(16).collect();
        return Err(ParseVkeyError::Id { expected, found });
    }
    Ok((key, name.to_owned()))
}

/// Signs a text that ends in a newline, under a name that [`check_key_name`] accepted.
pub(crate) fn sign(text: &str, key: &SigningKey, name: &str) -> String {
    debug_assert!(text.ends_with('\n') && check_key_name(name).is_ok());
    let id = key_id(&key.verifying_key(), name);
    let signature = key.sign(text.as_bytes()).to_bytes();
    let line = STANDARD.encode([&id, signature.as_slice()].concat());
    format!("{text}\n{SIGNATURE_MARK}{name} {line}\n")
}

/// Why a signed note was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenNoteError {
    /// It is longer than is read.
    #[error("a signed note has at most {NOTE_BYTES_MAX} bytes, this has {found}")]
    Long {
        /// The bytes of the note.
        found: usize,
    },
    /// It is no text.
    #[error("the signed note is not UTF-8")]
    Utf8(#[source] std::str::Utf8Error),
    /// Only newlines are allowed of the ASCII control characters.
    #[error("the signed note has the control character {found:?} at byte {at}")]
    Control {
        /// The character.
        found: char,
        /// Where it stands, from 0.
        at: usize,
    },
    /// There is no blank line with signature lines after it.
    #[error("the note has no blank line followed by signature lines that end in a newline")]
    NoSignatures,
    /// More signatures than are read.
    #[error("a signed note has at most {SIGNATURES_COUNT_MAX} signatures, this has more")]
    TooManySignatures,
    /// A signature line is malformed.
    #[error("signature line {line} is not an em dash, a key name and padded standard base64")]
    SignatureLine {
        /// Which one, from 1.
        line: usize,
    },
    /// It may be signed, but not by the key in question.
    #[error("the note has no signature by {name} (key id {id:08x}), give the key it was signed by")]
    Unsigned {
        /// The name of the key looked for.
        name: String,
        /// The id of the key looked for.
        id: u32,
    },
    /// The key in question made no such signature: text or signature was altered.
    #[error("the signature by {name} does not fit the text: one of them was altered")]
    BadSignature {
        /// The name of the key.
        name: String,
    },
}

/// The text of a note that `key` signed under `name`. Signatures by other keys are ignored, a
/// false one by this key spoils the note.
pub(crate) fn open<'a>(
    note: &'a [u8],
    key: &VerifyingKey,
    name: &str,
) -> Result<&'a str, OpenNoteError> {
    let (text, lines) = split_note(note)?;
    let id = key_id(key, name);
    let mut signed = false;
    for (index, line) in lines.split_terminator('\n').enumerate() {
        if index == SIGNATURES_COUNT_MAX {
            return Err(OpenNoteError::TooManySignatures);
        }
        let malformed = OpenNoteError::SignatureLine { line: index + 1 };
        let (by, bytes) = parse_signature_line(line).ok_or(malformed)?;
        let Some((&by_id, signature)) = bytes.split_first_chunk::<4>() else {
            continue;
        };
        if by != name || by_id != id {
            continue;
        }
        let signature = Signature::from_slice(signature);
        if !signature.is_ok_and(|it| key.verify_strict(text.as_bytes(), &it).is_ok()) {
            return Err(OpenNoteError::BadSignature {
                name: name.to_owned(),
            });
        }
        signed = true;
    }
    if !signed {
        let (name, id) = (name.to_owned(), u32::from_be_bytes(id));
        return Err(OpenNoteError::Unsigned { name, id });
    }
    Ok(text)
}

/// The text with its last newline, and the signature lines.
fn split_note(note: &[u8]) -> Result<(&str, &str), OpenNoteError> {
    if note.len() > NOTE_BYTES_MAX {
        return Err(OpenNoteError::Long { found: note.len() });
    }
    let note = std::str::from_utf8(note).map_err(OpenNoteError::Utf8)?;
    let control = note
        .char_indices()
        .find(|&(_, found)| found < ' ' && found != '\n');
    if let Some((at, found)) = control {
        return Err(OpenNoteError::Control { found, at });
    }
    let blank = note.rfind("\n\n").ok_or(OpenNoteError::NoSignatures)?;
    let (text, lines) = (&note[..blank + 1], &note[blank + 2..]);
    if !lines.ends_with('\n') {
        return Err(OpenNoteError::NoSignatures);
    }
    Ok((text, lines))
}

/// The key's name, its id and the signature (at least a byte of it).
fn parse_signature_line(line: &str) -> Option<(&str, Vec<u8>)> {
    let (name, signature) = line.strip_prefix(SIGNATURE_MARK)?.split_once(' ')?;
    if name.is_empty() || !name.chars().all(in_key_name) {
        return None;
    }
    let bytes = STANDARD.decode(signature).ok()?;
    (bytes.len() > 4).then_some((name, bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The example of the format's first implementation: a published key and its note.
    const VKEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const SEED: &str = "gQoUAtUUbI2E8kQzMPVAgOv5juF9nHT2JS/F1ccoMXM=";
    const TEXT: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n";
    const LINE: &str = "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgY\
        N1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    fn published_key() -> SigningKey {
        let seed = STANDARD.decode(SEED).unwrap();
        SigningKey::from_bytes(&seed.try_into().unwrap())
    }

    fn published_note() -> String {
        format!("{TEXT}\n{LINE}")
    }

    fn open_published(note: &str) -> Result<&str, OpenNoteError> {
        let (key, name) = parse_vkey(VKEY).unwrap();
        open(note.as_bytes(), &key, &name)
    }

    #[test]
    fn the_published_note_is_made_and_read() {
        let key = published_key();
        assert_eq!(vkey(&key.verifying_key(), "PeterNeumann").unwrap(), VKEY);
        assert_eq!(sign(TEXT, &key, "PeterNeumann"), published_note());
        assert_eq!(open_published(&published_note()), Ok(TEXT));
    }

    #[test]
    fn any_bit_of_a_note_counts() {
        let (key, name) = parse_vkey(VKEY).unwrap();
        let note = published_note().into_bytes();
        for bit in 0..note.len() * 8 {
            let mut altered = note.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&altered, &key, &name).is_err(), "bit {bit}");
        }
        for length in 0..note.len() {
            assert!(
                open(&note[..length], &key, &name).is_err(),
                "{length} bytes"
            );
        }
    }

    #[test]
    fn any_bit_of_a_vkey_counts() {
        for bit in 0..VKEY.len() * 8 {
            let mut altered = VKEY.as_bytes().to_vec();
            altered[bit / 8] ^= 1 << (bit % 8);
            if let Ok(altered) = String::from_utf8(altered) {
                assert!(parse_vkey(&altered).is_err(), "{altered}");
            }
        }
    }

    #[test]
    fn signatures_by_strangers_are_ignored_but_must_have_the_form() {
        let stranger = SigningKey::from_bytes(&[9; 32]);
        let same_name = sign(TEXT, &stranger, "PeterNeumann");
        let stranger = same_name.strip_prefix(TEXT).unwrap().trim_start();
        let short = "\u{2014} witness AAAAAAE=\n";
        for lines in [
            format!("{LINE}{stranger}"),
            format!("{stranger}{short}{LINE}"),
            format!("{LINE}{LINE}"),
            LINE.repeat(16),
        ] {
            assert_eq!(
                open_published(&format!("{TEXT}\n{lines}")),
                Ok(TEXT),
                "{lines}"
            );
        }
        assert!(matches!(
            open_published(&same_name),
            Err(OpenNoteError::Unsigned { .. })
        ));
        for line in [
            "x\n",
            "\u{2014} witness\n",
            "\u{2014} witness \n",
            "\u{2014}  AAAAAAE=\n",
            "\u{2014} wit+ness AAAAAAE=\n",
            "\u{2014} wit\u{a0}ness AAAAAAE=\n",
            "\u{2014} witness AAAAAA==\n",
            "\u{2014} witness AAAAAAE\n",
            "\u{2014} witness AAAAAAF=\n",
            "\u{2014} witness AAAAAAE= \n",
            "- witness AAAAAAE=\n",
        ] {
            let refused = open_published(&format!("{TEXT}\n{LINE}{line}")).unwrap_err();
            assert_eq!(refused, OpenNoteError::SignatureLine { line: 2 }, "{line}");
        }
    }

    #[test]
    fn a_false_signature_by_the_key_spoils_the_note() {
        let other = sign("other\n", &published_key(), "PeterNeumann");
        let other = other.strip_prefix("other\n\n").unwrap();
        let cut = "\u{2014} PeterNeumann x08gowE=\n";
        for false_line in [other, cut] {
            let refused = open_published(&format!("{TEXT}\n{LINE}{false_line}")).unwrap_err();
            assert_eq!(
                refused,
                OpenNoteError::BadSignature {
                    name: "PeterNeumann".to_owned()
                }
            );
        }
    }

    #[test]
    fn refusals_say_why() {
        let seventeen = format!("{TEXT}\n{}", LINE.repeat(17));
        let long = "x".repeat(NOTE_BYTES_MAX + 1);
        for (note, expected) in [
            ("", OpenNoteError::NoSignatures),
            (TEXT, OpenNoteError::NoSignatures),
            ("text\n\n", OpenNoteError::NoSignatures),
            ("text\n\n\u{2014} a AAAAAAE=", OpenNoteError::NoSignatures),
            ("te\rxt\n", OpenNoteError::Control { found: '\r', at: 2 }),
            (&seventeen, OpenNoteError::TooManySignatures),
            (
                &long,
                OpenNoteError::Long {
                    found: NOTE_BYTES_MAX + 1,
                },
            ),
        ] {
            assert_eq!(open_published(note), Err(expected));
        }
        let key = published_key().verifying_key();
        let refused = open(b"\xff\n\n", &key, "PeterNeumann");
        assert!(matches!(refused, Err(OpenNoteError::Utf8(_))));
    }

    #[test]
    fn a_text_with_blank_lines_ends_at_the_last() {
        let note = sign("one\n\ntwo\n\n", &published_key(), "PeterNeumann");
        assert_eq!(open_published(&note), Ok("one\n\ntwo\n\n"));
    }

    #[test]
    fn bad_key_names_say_why() {
        let key = published_key().verifying_key();
        let long = "é".repeat(128);
        for (name, expected) in [
            ("", KeyNameError::Empty),
            ("a b", KeyNameError::Character { found: ' ' }),
            ("a+b", KeyNameError::Character { found: '+' }),
            ("a\nb", KeyNameError::Character { found: '\n' }),
            ("a\u{2003}b", KeyNameError::Character { found: '\u{2003}' }),
            (&long, KeyNameError::Long { found: 256 }),
        ] {
            assert_eq!(vkey(&key, name), Err(expected), "{name}");
        }
        assert!(vkey(&key, &long[2..]).is_ok());
    }

    #[test]
    fn bad_vkeys_say_why() {
        let weak = format!(
            "a+00000000+{}",
            STANDARD.encode([&[1_u8][..], &[0; 32]].concat())
        );
        assert!(matches!(parse_vkey(&weak), Err(ParseVkeyError::Weak)));
        let no_point = format!(
            "a+00000000+{}",
            STANDARD.encode([&[1_u8][..], &[2; 32]].concat())
        );
        assert!(matches!(parse_vkey(&no_point), Err(ParseVkeyError::Key(_))));
        let other_kind = VKEY.replace("+AR", "+BR");
        assert!(matches!(parse_vkey(&other_kind), Err(ParseVkeyError::Kind)));
        assert!(matches!(parse_vkey("a+b"), Err(ParseVkeyError::Form)));
        assert!(matches!(
            parse_vkey("+00000000+AR"),
            Err(ParseVkeyError::Name(_))
        ));
        assert!(matches!(
            parse_vkey(&VKEY.replace('W', "~")),
            Err(ParseVkeyError::Base64(_))
        ));
        let renamed = VKEY.replace("Peter", "Petra");
        assert!(matches!(
            parse_vkey(&renamed),
            Err(ParseVkeyError::Id { .. })
        ));
        assert!(matches!(
            parse_vkey(&VKEY.replace("c74f", "C74F")),
            Err(ParseVkeyError::Id { .. })
        ));
    }

    proptest! {
        #[test]
        fn notes_round_trip(seed: [u8; 32], text in "([^\\x00-\\x1f]{0,20}\n){1,5}") {
            let key = SigningKey::from_bytes(&seed);
            let note = sign(&text, &key, "example.com/journal");
            let opened = open(note.as_bytes(), &key.verifying_key(), "example.com/journal");
            prop_assert_eq!(opened, Ok(text.as_str()));
            let vkey = vkey(&key.verifying_key(), "example.com/journal").unwrap();
            let (parsed, name) = parse_vkey(&vkey).unwrap();
            prop_assert_eq!((parsed, name.as_str()), (key.verifying_key(), "example.com/journal"));
        }

        #[test]
        fn nothing_panics(bytes: Vec<u8>, text: String, pieces in pieces()) {
            let (key, name) = parse_vkey(VKEY).unwrap();
            prop_assert!(open(&bytes, &key, &name).is_err());
            prop_assert!(open(text.as_bytes(), &key, &text).is_err());
            prop_assert!(parse_vkey(&text).is_err());
            // What is accepted at all is the text that was signed.
            if let Ok(opened) = open(pieces.as_bytes(), &key, &name) {
                prop_assert_eq!(opened, TEXT);
            }
        }
    }

    /// Notes put together from parts of good ones: they get further into the parser than noise.
    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![TEXT, LINE, "\n", SIGNATURE_MARK, "x08g", "=", " "]);
        prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
    }
}
