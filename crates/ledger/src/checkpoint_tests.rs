//! Checkpoints against one that another program signed, against tampering and against forks.

use proptest::prelude::*;

use super::*;
use crate::leaf::{leaf_hash, node_hash};
use crate::note::parse_vkey;
use crate::proof::prove_consistency;
use crate::proof::reference::{leaves, numbered};
use crate::tree::Frontier;

const NAME: &str = "example.com/journal";

/// Signed by OpenSSL with the key seed 00 01 … 1f.
const SIGNED: &str = "example.com/journal\n\
    8\n\
    XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n\
    \n\
    \u{2014} example.com/journal 56rySkfidlWRvLwZBKL8QQocOjpqLzjwps6hUJdjzqf8c4QtK0iUstcwP6PFvf58\
    VbnsoxVwc65tsx1PB+6hG0rqzw4=\n";
const VKEY: &str = "example.com/journal+e7aaf24a+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";

fn signer() -> Signer {
    Signer::new(
        SigningKey::from_bytes(&std::array::from_fn(|at| at as u8)),
        NAME,
    )
    .unwrap()
}

fn of(leaves: &[Hash]) -> Checkpoint {
    let mut frontier = Frontier::new();
    frontier.append_many(leaves.iter().copied());
    Checkpoint::new(NAME, frontier.head())
}

/// The first checkpoint may have any size, so it signs any text we want to read.
fn sign(checkpoint: &Checkpoint) -> String {
    signer().next(None, checkpoint, &[]).unwrap()
}

fn read(text: impl AsRef<[u8]>) -> Result<Checkpoint, ReadCheckpointError> {
    Checkpoint::parse_and_verify(text, &signer().verifying_key(), NAME)
}

/// Signs a text whatever it says.
fn read_signed(text: &str) -> Result<Checkpoint, ReadCheckpointError> {
    read(note::sign(text, &signer().key, NAME))
}

#[test]
fn the_foreign_checkpoint_is_made_and_read() {
    assert_eq!(signer().vkey(), VKEY);
    assert_eq!(sign(&of(&leaves())), SIGNED);
    let (key, name) = parse_vkey(VKEY).unwrap();
    assert_eq!(
        Checkpoint::parse_and_verify(SIGNED, &key, &name),
        Ok(of(&leaves()))
    );
}

#[test]
fn any_bit_of_a_checkpoint_counts() {
    for bit in 0..SIGNED.len() * 8 {
        let mut altered = SIGNED.as_bytes().to_vec();
        altered[bit / 8] ^= 1 << (bit % 8);
        assert!(
            matches!(read(&altered), Err(ReadCheckpointError::Note(_))),
            "bit {bit}"
        );
    }
}

#[test]
fn another_key_or_name_is_not_believed() {
    let other = SigningKey::from_bytes(&[1; 32]).verifying_key();
    let key = signer().verifying_key();
    for (key, name) in [(&other, NAME), (&key, "example.com/other"), (&key, "")] {
        assert!(matches!(
            Checkpoint::parse_and_verify(SIGNED, key, name),
            Err(ReadCheckpointError::Note(OpenNoteError::Unsigned { .. }))
        ));
    }
}

#[test]
fn malformed_texts_say_why_even_when_signed() {
    const ROOT: &str = "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=";
    let long = "x".repeat(LINE_BYTES_MAX + 1);
    let (empty, too_long) = ("is empty", "is too long");
    for (text, expected) in [
        ("a\n".to_owned(), ReadCheckpointError::Lines { found: 1 }),
        ("a\n1\n".to_owned(), ReadCheckpointError::Lines { found: 2 }),
        (
            format!("\n1\n{ROOT}\n"),
            ReadCheckpointError::Line {
                line: 1,
                fault: empty,
            },
        ),
        (
            format!("{long}\n1\n{ROOT}\n"),
            ReadCheckpointError::Line {
                line: 1,
                fault: too_long,
            },
        ),
        (
            format!("a\n1\n{ROOT}\nx\n\n"),
            ReadCheckpointError::Line {
                line: 5,
                fault: empty,
            },
        ),
        (
            format!("a\n1\n{ROOT}\n{long}\n"),
            ReadCheckpointError::Line {
                line: 4,
                fault: too_long,
            },
        ),
        (
            format!("a\n1\n{ROOT}\n{}", "x\n".repeat(17)),
            ReadCheckpointError::Extensions { found: 17 },
        ),
    ] {
        assert_eq!(read_signed(&text), Err(expected), "{text}");
    }
    for size in [
        "",
        "01",
        "00",
        "-1",
        "+1",
        " 1",
        "1 ",
        "1e3",
        "١",
        "18446744073709551616",
    ] {
        let text = format!("a\n{size}\n{ROOT}\n");
        assert_eq!(read_signed(&text), Err(ReadCheckpointError::Size), "{size}");
    }
    for root in [
        "",
        &ROOT[..43],
        &ROOT[1..],
        &ROOT.replace("g=", "h="),
        &ROOT.replace('=', "A"),
    ] {
        let text = format!("a\n1\n{root}\n");
        assert_eq!(read_signed(&text), Err(ReadCheckpointError::Root), "{root}");
    }
    let largest = read_signed(&format!("a\n18446744073709551615\n{ROOT}\n")).unwrap();
    assert_eq!(largest.size, u64::MAX);
}

#[test]
fn fields_that_could_not_be_read_back_are_not_signed() {
    let good = of(&leaves());
    let origin = |text: &str| Checkpoint {
        origin: text.to_owned(),
        ..good.clone()
    };
    let extensions = |lines: &[&str]| {
        let extensions = lines.iter().map(|line| (*line).to_owned()).collect();
        Checkpoint {
            extensions,
            ..good.clone()
        }
    };
    let long = "é".repeat(LINE_BYTES_MAX / 2 + 1);
    for bad in [
        origin(""),
        origin("a\nb"),
        origin("a\0b"),
        origin(&long),
        extensions(&["fine", ""]),
        extensions(&["a\n\n\u{2014} forged AAAAAAE="]),
        extensions(&[&long]),
        extensions(&["x"; EXTENSIONS_COUNT_MAX + 1]),
    ] {
        let refused = signer().next(None, &bad, &[]);
        assert!(
            matches!(refused, Err(NextCheckpointError::Field(_))),
            "{bad:?}"
        );
    }
    for fine in [origin(&long[2..]), extensions(&["x"; EXTENSIONS_COUNT_MAX])] {
        assert_eq!(read(sign(&fine)), Ok(fine));
    }
    for name in ["", "a b", "a+b", "a\nb"] {
        assert!(Signer::new(SigningKey::from_bytes(&[1; 32]), name).is_err());
    }
}

#[test]
fn a_growing_log_is_signed_from_step_to_step() {
    let all = numbered(40);
    let mut previous = None;
    for size in [0, 0, 1, 1, 2, 7, 8, 21, 40, 40] {
        let new = of(&all[..size]);
        let old_size = previous.as_ref().map_or(0, |it: &Checkpoint| it.size);
        let proof = prove_consistency(all.as_slice(), old_size, new.size).unwrap();
        let note = signer().next(previous.as_ref(), &new, &proof).unwrap();
        assert_eq!(read(note).as_ref(), Ok(&new));
        previous = Some(new);
    }
}

/// What a log must never do, and the reason it is given.
#[test]
fn an_inconsistent_successor_is_not_signed() {
    let all = numbered(9);
    let mut rewritten = all.clone();
    rewritten[2] = leaf_hash(b"another past");
    let six = of(&all[..6]);
    let proof = prove_consistency(all.as_slice(), 6, 9).unwrap();
    let false_proof = prove_consistency(rewritten.as_slice(), 6, 9).unwrap();
    let next =
        |new: &Checkpoint, proof: &[Hash]| match signer().next(Some(&six), new, proof).unwrap_err()
        {
            NextCheckpointError::Inconsistent { old: 6, cause, .. } => cause,
            other => panic!("refused for another reason: {other}"),
        };
    use VerifyConsistencyError as Cause;
    assert!(matches!(
        next(&of(&all[..5]), &[]),
        Cause::Shrunk { old: 6, new: 5 }
    ));
    assert!(matches!(
        next(&of(&rewritten[..6]), &[]),
        Cause::Forked { size: 6, .. }
    ));
    assert!(matches!(
        next(&of(&rewritten), &false_proof),
        Cause::OldRoot { size: 6, .. }
    ));
    assert!(matches!(
        next(&of(&rewritten), &proof),
        Cause::NewRoot { size: 9, .. }
    ));
    assert!(matches!(
        next(&of(&all), &[]),
        Cause::Length { found: 0, .. }
    ));
    assert!(matches!(next(&of(&all), &proof[1..]), Cause::Length { .. }));
    assert!(signer().next(Some(&six), &of(&all), &proof).is_ok());
}

#[test]
fn another_log_is_no_successor() {
    let previous = of(&leaves());
    let new = Checkpoint {
        origin: "example.com/other".to_owned(),
        ..previous.clone()
    };
    assert!(matches!(
        signer().next(Some(&previous), &new, &[]),
        Err(NextCheckpointError::Origin { .. })
    ));
}

#[test]
fn a_first_checkpoint_needs_no_proof_and_takes_none() {
    let new = of(&leaves());
    assert!(signer().next(None, &new, &leaves()[..1]).is_err());
    let false_empty = Checkpoint { size: 0, ..new };
    assert!(signer().next(None, &false_empty, &[]).is_err());
}

#[test]
fn the_key_is_not_in_the_debug_text() {
    let text = format!("{:?}", signer());
    assert!(
        !text.contains("0, 1, 2, 3") && !text.contains("00010203"),
        "{text}"
    );
}

proptest! {
    #[test]
    fn checkpoints_round_trip(
        origin in "[^\\x00-\\x1f]{1,40}", size: u64, root: [u8; 32],
        extensions in prop::collection::vec("[^\\x00-\\x1f]{1,40}", 0..5),
    ) {
        let root = if size == 0 { empty_root() } else { Hash::from_bytes(root) };
        let checkpoint = Checkpoint { origin, size, root, extensions };
        prop_assert_eq!(read(sign(&checkpoint)), Ok(checkpoint));
    }

    #[test]
    fn what_parses_is_written_alike(
        text in "a\n[0-9]{1,3}\n[A-Za-z0-9+/]{42}[AEIQUYcgkosw048]=\n([xé ]{0,2}\n)?",
    ) {
        if let Ok(checkpoint) = parse(&text) {
            prop_assert_eq!(checkpoint.text(), Ok(text));
        }
    }

    #[test]
    fn nothing_panics(bytes: Vec<u8>, text: String) {
        prop_assert!(read(&bytes).is_err());
        prop_assert!(read(&text).is_err());
        let _ = parse(&text);
        let _ = read_signed(&format!("{}\n", text.replace(char::is_control, "\n")));
    }

    /// Two histories that part anywhere never get two signatures in a row.
    #[test]
    fn no_fork_is_signed(old in 1_usize..60, more in 0_usize..60, at: prop::sample::Index) {
        let honest = numbered(old + more);
        let mut forked = honest.clone();
        let at = at.index(old);
        forked[at] = node_hash(&forked[at], &forked[at]);
        let size = forked.len() as u64;
        for history in [&honest, &forked] {
            let proof = prove_consistency(history.as_slice(), old as u64, size).unwrap();
            let signed = signer().next(Some(&of(&honest[..old])), &of(&forked), &proof);
            prop_assert!(signed.is_err());
        }
    }
}
