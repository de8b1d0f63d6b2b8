//! Cuts long files into pieces that one agent can read at once. A piece knows the line it begins
//! with, so that citations name the line of the file.

use std::collections::HashMap;

use naos_types::Digest;

use super::collect::{LeftOut, NAMED_MAX};

/// How long a piece is, and how many mails it holds.
const PIECE_BYTES: usize = 64 << 10;
const PIECE_MAILS: usize = 50;
/// The longest mail without its attachments, or line of a text: more is too much for an agent.
const ONE_BYTES_MAX: usize = 512 << 10;
/// Shorter runs of encoded lines stay where they are.
const RUN_LINES: usize = 20;
/// What is in parts that nobody reads.
const ATTACHED: &[&str] = &["application/", "image/", "audio/", "video/", "font/"];

/// A text and where it stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) path: String,
    pub(super) text: String,
    /// The number of its first line in the file.
    pub(super) line: usize,
    /// There are more pieces of the file.
    pub(super) one_of_many: bool,
}

/// A file in pieces, and what of it is too long to be read.
#[derive(Debug, Default)]
pub(super) struct Cut {
    pub(super) pieces: Vec<Piece>,
    pub(super) left_out: Vec<LeftOut>,
}

impl Cut {
    fn leave_out(&mut self, path: &str, line: usize, what: &str) {
        self.left_out.push(LeftOut {
            path: format!("{path}:{line}"),
            why: format!("{what} of more than {} KiB", ONE_BYTES_MAX >> 10),
        });
    }

    /// Puts `parts` together into pieces: each with the number of its first line.
    fn fill(&mut self, path: &str, what: &str, most: usize, parts: Vec<(usize, Part)>) {
        let mut open: Option<(Piece, usize)> = None;
        for (line, part) in parts {
            let part = match part {
                Part::Text(text) => text,
                Part::Gap(lines) => {
                    if let Some((piece, _)) = &mut open {
                        piece.text.push_str(&"\n".repeat(lines));
                    }
                    continue;
                }
            };
            let long = part.len() > ONE_BYTES_MAX;
            let full = open.as_ref().is_some_and(|(piece, count)| {
                *count >= most || piece.text.len() + part.len() > PIECE_BYTES
            });
            if long || full {
                self.pieces.extend(open.take().map(|(piece, _)| piece));
            }
            if long {
                self.leave_out(path, line, what);
                continue;
            }
            let (piece, count) = open.get_or_insert_with(|| {
                let (path, text) = (path.to_owned(), String::new());
                let piece = Piece {
                    path,
                    text,
                    line,
                    one_of_many: false,
                };
                (piece, 0)
            });
            piece.text.push_str(&part);
            *count += 1;
        }
        self.pieces.extend(open.map(|(piece, _)| piece));
        let later = self.pieces.iter().any(|piece| piece.line > 1);
        if self.pieces.len() > 1 || !self.left_out.is_empty() || later {
            self.pieces.iter_mut().for_each(|it| it.one_of_many = true);
        }
    }
}

/// A part of a file: a mail or a line.
enum Part {
    Text(String),
    /// So many lines that aren't read: those behind them keep their numbers.
    Gap(usize),
}

/// The mails that were read, so that none is read twice, and those that came again.
#[derive(Debug, Default)]
pub(super) struct Mails {
    read: HashMap<Digest, String>,
    again: Vec<LeftOut>,
}

impl Mails {
    /// Whether a mail was read before, in whichever file; what lies at `place` is read now if not.
    fn knows(&mut self, place: String, mail: &str) -> bool {
        let Some(identity) = identity(mail) else {
            return false;
        };
        if let Some(first) = self.read.get(&identity) {
            let why = format!("the same mail as {first}");
            self.again.push(LeftOut { path: place, why });
            return true;
        }
        self.read.insert(identity, place);
        false
    }

    /// What was not read again: a few by name, many by their number.
    pub(super) fn told(mut self) -> Vec<LeftOut> {
        if self.again.len() > NAMED_MAX {
            let (first, last) = (&self.again[0], &self.again[self.again.len() - 1]);
            let path = format!(
                "{} mails, {} to {}",
                self.again.len(),
                first.path,
                last.path
            );
            let why = format!("read once each, the first of them is {}", first.why);
            self.again = vec![LeftOut { path, why }];
        }
        self.again
    }
}

/// What makes a mail the same in whichever file: its identifier, or without one all of its bytes.
fn identity(mail: &str) -> Option<Digest> {
    let mail = match mail.split_once('\n') {
        Some((first, rest)) if first.starts_with("From ") => rest,
        _ => mail,
    };
    let mail = mail.trim_end();
    let same = match message_id(mail) {
        Some(id) => format!("id {id}"),
        None if mail.is_empty() => return None,
        None => format!("mail {mail}"),
    };
    Some(Digest::of(same.as_bytes()))
}

/// A mail's identifier: its header may be written in any case and go on in the next lines.
fn message_id(mail: &str) -> Option<String> {
    let mut head = mail.lines().take_while(|line| !line.trim().is_empty());
    let mut value = head.by_ref().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let found = name.trim_end().eq_ignore_ascii_case("message-id");
        found.then(|| value.to_owned())
    })?;
    for line in head.take_while(|line| line.starts_with([' ', '\t'])) {
        value.push_str(line);
    }
    let inside = value.split_once('<').and_then(|(_, it)| it.split_once('>'));
    let id: String = inside
        .map_or(value.as_str(), |(id, _)| id)
        .split_whitespace()
        .collect();
    (!id.is_empty()).then_some(id)
}

/// A file that is read in one.
pub(super) fn whole(path: &str, text: String) -> Cut {
    let piece = Piece {
        path: path.to_owned(),
        text,
        line: 1,
        one_of_many: false,
    };
    Cut {
        pieces: vec![piece],
        left_out: Vec::new(),
    }
}

/// One mail.
pub(super) fn of_mail(path: &str, text: &str, mails: &mut Mails) -> Cut {
    if text.starts_with("From ") {
        return of_mailbox(path, text, mails);
    }
    if mails.knows(path.to_owned(), text) {
        return Cut::default();
    }
    let text = without_attachments(text);
    if text.len() <= ONE_BYTES_MAX {
        return whole(path, text);
    }
    let mut cut = Cut::default();
    cut.leave_out(path, 1, "a mail");
    cut
}

/// A mailbox, cut between its mails.
pub(super) fn of_mailbox(path: &str, text: &str, mails: &mut Mails) -> Cut {
    let mut parts = Vec::new();
    let mut part = |line: usize, mail: &str| {
        let part = if mails.knows(format!("{path}:{line}"), mail) {
            Part::Gap(mail.lines().count())
        } else {
            Part::Text(without_attachments(mail))
        };
        parts.push((line, part));
    };
    let (mut from, mut from_line, mut at, mut blank_before) = (0, 1, 0, true);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if line.starts_with("From ") && blank_before && at > from {
            part(from_line, &text[from..at]);
            (from, from_line) = (at, number + 1);
        }
        blank_before = line.trim().is_empty();
        at += line.len();
    }
    part(from_line, &text[from..]);
    let mut cut = Cut::default();
    cut.fill(path, "a mail", PIECE_MAILS, parts);
    cut
}

/// Prose, cut between its lines.
pub(super) fn of_text(path: &str, text: &str) -> Cut {
    if text.len() <= PIECE_BYTES {
        return whole(path, text.to_owned());
    }
    let lines = text.split_inclusive('\n').enumerate();
    let lines = lines.map(|(at, line)| (at + 1, Part::Text(line.to_owned())));
    let lines = lines.collect();
    let mut cut = Cut::default();
    cut.fill(path, "a line", usize::MAX, lines);
    cut
}

/// The mail with blank lines where attachments stand encoded that nobody reads: lines keep their
/// numbers.
fn without_attachments(mail: &str) -> String {
    let mut out = String::with_capacity(mail.len());
    let (mut attached, mut run, mut run_at) = (false, 0, 0);
    for line in mail.split_inclusive('\n') {
        let text = line.trim_end();
        if attached && is_encoded(text) {
            if run == 0 {
                run_at = out.len();
            }
            run += 1;
            if run == RUN_LINES {
                out.truncate(run_at);
                out.push_str(&"\n".repeat(RUN_LINES));
            } else if run > RUN_LINES {
                out.push('\n');
            } else {
                out.push_str(line);
            }
            continue;
        }
        run = 0;
        if let Some((name, value)) = text.split_once(':')
            && name.eq_ignore_ascii_case("content-type")
        {
            let kind = value.trim_start().to_ascii_lowercase();
            attached = ATTACHED.iter().any(|start| kind.starts_with(start));
        }
        out.push_str(line);
    }
    out
}

/// When a mail says that it was written, in seconds since 1970.
pub(super) fn written(mail: &str) -> Option<i64> {
    let head = mail.lines().take_while(|line| !line.trim().is_empty());
    let date = head
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("date"));
    let day = jiff::fmt::rfc2822::parse(date?.1.trim()).ok()?;
    Some(day.timestamp().as_second())
}

/// A full line of base64.
fn is_encoded(line: &str) -> bool {
    let sign = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    line.len() >= 40 && line.bytes().all(sign)
}

/// Whether a text has two bytes for each letter: it says so, or every other byte is nothing.
pub(super) fn is_utf16(bytes: &[u8]) -> bool {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return true;
    }
    let head = &bytes[..bytes.len().min(512)];
    let empty = |first: usize| {
        let every_other = head.iter().skip(first).step_by(2);
        let all = every_other.clone().count();
        all > 3 && every_other.filter(|byte| **byte == 0).count() * 10 > all * 7
    };
    empty(0) != empty(1)
}

/// A name without what steers a screen or breaks a line: that is written out.
pub(super) fn shown(name: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(
                c,
                '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}'
            )
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut out = String::with_capacity(name.len());
    for letter in name.chars() {
        if steers(letter) {
            out.extend(letter.escape_default());
        } else {
            out.push(letter);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_is_cut_between_mails_and_keeps_its_lines() {
        let mail = |number: usize| format!("From a\nSubject: {number}\n\nI am\nFrom here\n\n");
        let text: String = (0..120).map(mail).collect();
        let cut = of_mailbox("b.mbox", &text, &mut Mails::default());
        let lines: Vec<usize> = cut.pieces.iter().map(|piece| piece.line).collect();
        assert_eq!(lines, [1, 301, 601]);
        let back: String = cut.pieces.iter().map(|piece| piece.text.as_str()).collect();
        assert!(back == text && cut.left_out.is_empty());
    }

    #[test]
    fn a_mail_that_is_too_long_is_left_out_and_the_rest_goes_on() {
        let long = "x ".repeat(ONE_BYTES_MAX / 2 + 1);
        let text = format!("From a\n\none\n\nFrom b\n\n{long}\n\nFrom c\n\nthree\n");
        let cut = of_mailbox("b.mbox", &text, &mut Mails::default());
        let lines: Vec<usize> = cut.pieces.iter().map(|piece| piece.line).collect();
        assert_eq!(lines, [1, 9]);
        let said = cut.left_out[0].to_string();
        assert_eq!(said, "b.mbox:5 (a mail of more than 512 KiB)");
        assert!(
            of_mail("a.eml", &long, &mut Mails::default())
                .pieces
                .is_empty()
        );
        assert_eq!(of_text("a.txt", &format!("a\n{long}\nb\n")).pieces.len(), 2);
    }

    #[test]
    fn a_mail_is_known_by_its_identifier_or_by_its_bytes() {
        for (mail, expected) in [
            ("Message-ID: <a@x>\n\nhello", Some("a@x")),
            (
                "Subject: x\r\nmessage-id:\r\n <a@x>\r\n\r\nhello",
                Some("a@x"),
            ),
            ("MESSAGE-ID: <a\n\t@x> (note)\n\n", Some("a@x")),
            ("Message-Id: a@x\n\n", Some("a@x")),
            ("Message-ID:\nSubject: x\n\n", None),
            ("Subject: x\n\nMessage-ID: <a@x>\n", None),
            ("", None),
        ] {
            assert_eq!(message_id(mail).as_deref(), expected, "{mail:?}");
        }
        assert_eq!(identity("From a\nx\n\n"), identity("x\n"));
        assert_ne!(identity("x"), identity("y"));
        assert_eq!(identity("\n"), None);
    }

    #[test]
    fn mails_that_are_there_again_are_left_out_and_the_rest_keeps_its_lines() {
        let mail = |id: &str| format!("From a\nMessage-ID: <{id}>\nSubject: x\n\nhello\n\n");
        let mut mails = Mails::default();
        let single = "message-id: <b>\n\nhello\n";
        assert_eq!(of_mail("a.eml", single, &mut mails).pieces.len(), 1);
        let text = ["b", "c", "b", "d", "c"].map(mail).concat();
        let cut = of_mailbox("b.mbox", &text, &mut mails);
        assert_eq!(cut.pieces.len(), 1);
        let piece = &cut.pieces[0];
        assert!(piece.line == 7 && piece.one_of_many, "{piece:?}");
        let at = |needle: &str| piece.text.lines().position(|line| line == needle);
        assert_eq!(at("Message-ID: <c>"), Some(1));
        assert_eq!(at("Message-ID: <d>"), Some(13));
        assert_eq!(piece.text.matches("Message-ID").count(), 2);
        let told: Vec<String> = mails.told().iter().map(ToString::to_string).collect();
        let expected = [
            "b.mbox:1 (the same mail as a.eml)",
            "b.mbox:13 (the same mail as a.eml)",
            "b.mbox:25 (the same mail as b.mbox:7)",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn many_mails_that_are_there_again_are_counted() {
        let mut mails = Mails::default();
        for copy in ["a", "b"] {
            for number in 10..21 {
                let text = format!("Message-ID: <{number}>\n\nhello\n");
                of_mail(&format!("{copy}/{number}.eml"), &text, &mut mails);
            }
        }
        let told: Vec<String> = mails.told().iter().map(ToString::to_string).collect();
        let why = "read once each, the first of them is the same mail as a/10.eml";
        assert_eq!(told, [format!("11 mails, b/10.eml to b/20.eml ({why})")]);
    }

    #[test]
    fn attachments_become_blank_lines() {
        let encoded = format!("{}\n", "QUJD".repeat(19)).repeat(20_000);
        let part = |kind: &str| format!("--b\nContent-Type: {kind}; name=x\n\n{encoded}");
        let head = "Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n";
        let text = format!("{head}{}--b\n\nhello\n--b--\n", part("Application/PDF"));
        let short = without_attachments(&text);
        assert!(short.len() < 30_000, "{}", short.len());
        assert_eq!(short.lines().count(), text.lines().count());
        assert!(short.ends_with("hello\n--b--\n"));
        let text = format!("{head}{}--b--\n", part("text/csv"));
        assert_eq!(without_attachments(&text), text);
    }

    #[test]
    fn a_mail_says_when_it_was_written() {
        for (mail, expected) in [
            (
                "Subject: x\nDATE: Thu, 01 Jan 1970 01:00:05 +0100\n\nhello",
                Some(5),
            ),
            ("Date: 1 Jan 1970 00:00:07 +0000\r\n\r\nhello", Some(7)),
            ("Date: soon\n\nhello", None),
            ("Subject: x\n\nDate: Thu, 01 Jan 1970 00:00:05 +0000", None),
            ("", None),
        ] {
            assert_eq!(written(mail), expected, "{mail}");
        }
    }

    #[test]
    fn long_prose_is_cut_between_lines() {
        let text = "a line of it\n".repeat(50_000);
        let cut = of_text("n.md", &text);
        assert_eq!(cut.pieces.len(), 10);
        let mut line = 1;
        for piece in &cut.pieces {
            assert!(piece.line == line && piece.text.len() <= PIECE_BYTES);
            line += piece.text.lines().count();
        }
    }

    #[test]
    fn names_are_written_out() {
        for (name, expected) in [
            ("a/b c.md", "a/b c.md"),
            ("é日.md", "é日.md"),
            ("a\nb\t.md", "a\\nb\\t.md"),
            ("\u{202e}dm.x", "\\u{202e}dm.x"),
        ] {
            assert_eq!(shown(name), expected);
        }
    }
}
