//! Cuts long files into pieces that one agent can read at once. A piece knows the line it begins
//! with, so that citations name the line of the file.

use super::collect::LeftOut;

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
    fn fill(&mut self, path: &str, what: &str, most: usize, parts: Vec<(usize, String)>) {
        let mut open: Option<(Piece, usize)> = None;
        for (line, part) in parts {
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
        if self.pieces.len() > 1 || !self.left_out.is_empty() {
            self.pieces.iter_mut().for_each(|it| it.one_of_many = true);
        }
    }
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
pub(super) fn of_mail(path: &str, text: String) -> Cut {
    if text.starts_with("From ") {
        return of_mailbox(path, &text);
    }
    let text = without_attachments(&text);
    if text.len() <= ONE_BYTES_MAX {
        return whole(path, text);
    }
    let mut cut = Cut::default();
    cut.leave_out(path, 1, "a mail");
    cut
}

/// A mailbox, cut between its mails.
pub(super) fn of_mailbox(path: &str, text: &str) -> Cut {
    let mut mails = Vec::new();
    let (mut from, mut from_line, mut at, mut blank_before) = (0, 1, 0, true);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if line.starts_with("From ") && blank_before && at > from {
            mails.push((from_line, without_attachments(&text[from..at])));
            (from, from_line) = (at, number + 1);
        }
        blank_before = line.trim().is_empty();
        at += line.len();
    }
    mails.push((from_line, without_attachments(&text[from..])));
    let mut cut = Cut::default();
    cut.fill(path, "a mail", PIECE_MAILS, mails);
    cut
}

/// Prose, cut between its lines.
pub(super) fn of_text(path: &str, text: &str) -> Cut {
    if text.len() <= PIECE_BYTES {
        return whole(path, text.to_owned());
    }
    let lines = text.split_inclusive('\n').enumerate();
    let lines = lines.map(|(at, line)| (at + 1, line.to_owned())).collect();
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
        let cut = of_mailbox("b.mbox", &text);
        let lines: Vec<usize> = cut.pieces.iter().map(|piece| piece.line).collect();
        assert_eq!(lines, [1, 301, 601]);
        let back: String = cut.pieces.iter().map(|piece| piece.text.as_str()).collect();
        assert!(back == text && cut.left_out.is_empty());
    }

    #[test]
    fn a_mail_that_is_too_long_is_left_out_and_the_rest_goes_on() {
        let long = "x ".repeat(ONE_BYTES_MAX / 2 + 1);
        let text = format!("From a\n\none\n\nFrom b\n\n{long}\n\nFrom c\n\nthree\n");
        let cut = of_mailbox("b.mbox", &text);
        let lines: Vec<usize> = cut.pieces.iter().map(|piece| piece.line).collect();
        assert_eq!(lines, [1, 9]);
        let said = cut.left_out[0].to_string();
        assert_eq!(said, "b.mbox:5 (a mail of more than 512 KiB)");
        assert!(of_mail("a.eml", long.clone()).pieces.is_empty());
        assert_eq!(of_text("a.txt", &format!("a\n{long}\nb\n")).pieces.len(), 2);
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
