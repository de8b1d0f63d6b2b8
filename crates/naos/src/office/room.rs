//! How much one report takes: what is more is left out, and said so.

use std::collections::{BTreeMap, BTreeSet};

use super::collect::{LeftOut, NAMED_MAX};
use super::pieces::{self, Piece};

/// The most files that one report takes: the newest mails.
const FILES_MAX: usize = 5_000;
/// All files together, in bytes as they are handed over: one plan's input.
pub(super) const TOTAL_BYTES_MAX: usize = 12 << 20;

/// How much there is of a lane.
#[derive(Clone, Copy)]
pub(super) struct Size {
    files: usize,
    pub(super) bytes: usize,
}

impl Size {
    pub(super) fn of(lane: &[Piece]) -> Self {
        Self {
            files: lane.len(),
            bytes: lane.iter().map(handed_over).sum(),
        }
    }

    pub(super) const fn plus(self, other: Self) -> Self {
        Self {
            files: self.files + other.files,
            bytes: self.bytes + other.bytes,
        }
    }

    const fn without(self, other: Self) -> Self {
        Self {
            files: self.files - other.files,
            bytes: self.bytes - other.bytes,
        }
    }

    /// Why it is more than one report takes, if it is.
    fn excess(self) -> Option<String> {
        let most = match self {
            Self { bytes, .. } if bytes > TOTAL_BYTES_MAX => {
                format!("{} MiB", TOTAL_BYTES_MAX >> 20)
            }
            Self { files, .. } if files > FILES_MAX => format!("{FILES_MAX} files"),
            _ => return None,
        };
        Some(most)
    }
}

/// How long a text is as it is handed over: within JSON, which escapes some letters.
pub(super) fn handed_over(piece: &Piece) -> usize {
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 2,
        0..=0x1f => 6,
        _ => 1,
    };
    piece.text.bytes().map(escaped).sum()
}

/// Leaves the largest tables and notes out until the rest is no more than one report takes. A file
/// that is cut into pieces goes as a whole.
pub(super) fn without_largest(tables: &mut Vec<Piece>, notes: &mut Vec<Piece>) -> Vec<LeftOut> {
    let mut size = Size::of(tables).plus(Size::of(notes));
    if size.excess().is_none() {
        return Vec::new();
    }
    let mut files: BTreeMap<&str, Size> = BTreeMap::new();
    for piece in tables.iter().chain(notes.iter()) {
        let one = Size::of(std::slice::from_ref(piece));
        let known = files.get(piece.path.as_str()).copied();
        files.insert(&piece.path, known.map_or(one, |known| known.plus(one)));
    }
    let mut files: Vec<(String, Size)> = files
        .into_iter()
        .map(|(path, size)| (path.to_owned(), size))
        .collect();
    files.sort_by(|(one, left), (two, right)| right.bytes.cmp(&left.bytes).then(one.cmp(two)));
    let mut gone: BTreeSet<String> = BTreeSet::new();
    let mut left_out = Vec::new();
    for (path, own) in files {
        let Some(most) = size.excess() else { break };
        size = size.without(own);
        let is = if most.ends_with("files") { "are" } else { "is" };
        let why = format!(
            "not read: with it there {is} more than the {most} that one report takes; {ALONE}"
        );
        left_out.push(LeftOut {
            path: path.clone(),
            why,
        });
        gone.insert(path);
    }
    tables.retain(|piece| !gone.contains(&piece.path));
    notes.retain(|piece| !gone.contains(&piece.path));
    if left_out.len() > NAMED_MAX {
        let (first, why) = (&left_out[0], left_out[0].why.clone());
        let path = format!("{} files, the largest is {}", left_out.len(), first.path);
        return vec![LeftOut { path, why }];
    }
    left_out
}

/// Leaves old mails out until the rest, beside so much else, is no more than one report takes: the
/// beginnings of mailboxes, then the oldest mails.
pub(super) fn shorten(mail: &mut Vec<Piece>, rest: Size) -> Vec<LeftOut> {
    let mut size = Size::of(mail).plus(rest);
    let mut cut: BTreeMap<String, (usize, String)> = BTreeMap::new();
    while let Some(most) = size.excess() {
        let more = |pair: &[Piece]| pair[0].path == pair[1].path;
        let Some(at) = mail.windows(2).position(more) else {
            break;
        };
        let next = mail[at + 1].line;
        let piece = mail.remove(at);
        size = size.without(Size::of(std::slice::from_ref(&piece)));
        cut.insert(piece.path, (next - 1, most));
    }
    let mut left_out: Vec<LeftOut> = cut
        .into_iter()
        .map(|(path, (last, most))| {
            let why = format!("lines 1 to {last} not read: one report takes {most}; {CUT_IT}");
            LeftOut { path, why }
        })
        .collect();
    left_out.extend(without_oldest(mail, size));
    left_out
}

/// Leaves the oldest mails out, those without a day first.
fn without_oldest(mail: &mut Vec<Piece>, mut size: Size) -> Vec<LeftOut> {
    if size.excess().is_none() {
        return Vec::new();
    }
    let mut by_day: Vec<(Option<i64>, usize)> = mail
        .iter()
        .enumerate()
        .map(|(at, piece)| (pieces::written(&piece.text), at))
        .collect();
    by_day.sort_unstable();
    let mut gone: Vec<usize> = Vec::new();
    let mut oldest = by_day.into_iter().map(|(_, at)| at);
    let mut why = String::new();
    while let Some(most) = size.excess() {
        let Some(at) = oldest.next() else { break };
        size = size.without(Size::of(&mail[at..=at]));
        gone.push(at);
        why = format!("not read: one report takes {most}, the newest mails first; {INSTEAD}");
    }
    let one = |path: String| LeftOut {
        path,
        why: why.clone(),
    };
    let left_out = if crate::planted::silent_about_old_mails() {
        Vec::new()
    } else if gone.len() > NAMED_MAX {
        let (first, last) = (gone[0], gone[gone.len() - 1]);
        let (first, last) = (&mail[first].path, &mail[last].path);
        vec![one(format!("{} mails, {first} to {last}", gone.len()))]
    } else {
        gone.iter().map(|&at| one(mail[at].path.clone())).collect()
    };
    gone.sort_unstable();
    let mut at = 0;
    mail.retain(|_| {
        at += 1;
        gone.binary_search(&(at - 1)).is_err()
    });
    left_out
}

/// What to do about what is left out.
pub(super) const CUT_IT: &str = "cut the mailbox in two to have them";
const ALONE: &str = "move it into a folder of its own and make a report of that";
const INSTEAD: &str = "make a report of a part of the folder to have them";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_mails_are_left_out_by_name_where_there_is_too_much() {
        let mail = |day: u32, kib: usize| Piece {
            path: format!("{day:02}.eml"),
            text: format!(
                "Date: {day} Oct 2026 00:00:00 +0000\n\n{}",
                "hello \n".repeat(kib * 147)
            ),
            line: 1,
            one_of_many: false,
        };
        let none = Size { files: 0, bytes: 0 };
        let told = |mut mails: Vec<Piece>, rest: Size| {
            let left_out = shorten(&mut mails, rest);
            let told: Vec<String> = left_out.iter().map(LeftOut::to_string).collect();
            let kept: Vec<String> = mails.into_iter().map(|mail| mail.path).collect();
            (told.join(" "), kept.join(" "))
        };
        let why = |most: &str| {
            format!("(not read: one report takes {most}, the newest mails first; {INSTEAD})")
        };
        let pair = |told: String, kept: &str| (told, kept.to_owned());
        let large = || vec![mail(3, 5_000), mail(1, 5_000), mail(2, 5_000), mail(4, 10)];
        assert_eq!(
            told(large(), none),
            pair(format!("01.eml {}", why("12 MiB")), "03.eml 02.eml 04.eml")
        );
        let many = || (1..=31).map(|day| mail(day, 1)).collect::<Vec<_>>();
        let full = Size {
            files: FILES_MAX - 2,
            bytes: 0,
        };
        let said = format!("29 mails, 01.eml to 29.eml {}", why("5000 files"));
        assert_eq!(told(many(), full), pair(said, "30.eml 31.eml"));
        assert_eq!(told(many(), none).0, "");
    }

    #[test]
    fn the_largest_tables_are_left_out_where_there_is_too_much() {
        let table = |name: &str, mib: usize| Piece {
            path: name.to_owned(),
            text: "1,2,3,4,5,6,7,8\t".repeat((mib << 20) / 17),
            line: 1,
            one_of_many: false,
        };
        let mut tables = vec![table("a.csv", 9), table("b.csv", 2), table("c.csv", 9)];
        let mut notes = vec![table("n.md", 1)];
        let left_out = without_largest(&mut tables, &mut notes);
        let told: Vec<String> = left_out.iter().map(LeftOut::to_string).collect();
        let why = "(not read: with it there is more than the 12 MiB that one report takes; ";
        assert_eq!(told, [format!("a.csv {why}{ALONE})")]);
        let kept = |lane: &[Piece]| lane.iter().map(|it| it.path.clone()).collect::<Vec<_>>();
        assert_eq!(kept(&tables), ["b.csv", "c.csv"]);
        assert_eq!(kept(&notes), ["n.md"]);
        assert!(without_largest(&mut tables, &mut notes).is_empty());
    }
}
