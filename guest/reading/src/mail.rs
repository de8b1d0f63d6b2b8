//! Mails and mailboxes as pages. Parts are decoded (charsets, quoted-printable, base64, encoded
//! headers) and every decoded line keeps the line it comes from in the original file.

use std::borrow::Cow;

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{
    Addr, Address, DateTime, Encoding, HeaderValue, Message, MessageParser, MessagePart,
    MimeHeaders, PartType,
};

use crate::absence;
use crate::charsets;
use crate::dates::Date;
use crate::entities;
use crate::page::{Line, Page};
use crate::people::Person;

/// Most messages read from one mailbox.
pub const MESSAGES_MAX: usize = 10_000;

/// Most mails within one mail: each is read inside of the other.
pub const NESTED_MAX: usize = 64;
/// A shorter subject ("Re: ok") binds nothing together.
const SUBJECT_CHARS_MIN: usize = 8;

/// What a mail file holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mailbox {
    /// One page for each readable text part.
    pub pages: Vec<Page>,
    /// What could not be read and why.
    pub notes: Vec<String>,
    /// How many messages there were.
    pub messages: usize,
}

/// Whether a text begins like a mail or a mailbox.
#[must_use]
pub fn looks_like_mail(text: &str) -> bool {
    const FIRST: &[&str] = &[
        "from",
        "to",
        "date",
        "subject",
        "received",
        "return-path",
        "message-id",
        "mime-version",
        "delivered-to",
        "x-",
    ];
    if text.starts_with("From ") && text.lines().nth(1).is_some_and(is_header) {
        return true;
    }
    let head: Vec<&str> = text
        .lines()
        .take_while(|line| !line.trim().is_empty())
        .collect();
    let known = |line: &&&str| {
        let name = line
            .split(':')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        is_header(line) && FIRST.iter().any(|first| name.starts_with(first))
    };
    head.first().is_some_and(|line| is_header(line)) && head.iter().filter(known).count() >= 2
}

fn is_header(line: &str) -> bool {
    let Some((name, _)) = line.split_once(':') else {
        return false;
    };
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Reads a mail (`.eml`) or a mailbox (`.mbox`), or a piece of one, in front of which its file
/// has so many lines.
#[must_use]
pub fn read(path: &str, text: &str, lines_before: usize) -> Mailbox {
    let mut mailbox = Mailbox::default();
    if !text.starts_with("From ") {
        read_message(path, text, lines_before, &mut mailbox);
        return mailbox;
    }
    let mut from = None;
    let mut start_line = 0;
    let (mut byte, mut blank_before) = (0, true);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if line.starts_with("From ") && blank_before {
            if let Some(from) = from {
                read_message(path, &text[from..byte], start_line, &mut mailbox);
            }
            if mailbox.messages >= MESSAGES_MAX {
                let note = format!("{path}: not read behind message {MESSAGES_MAX}");
                mailbox.notes.push(note);
                return mailbox;
            }
            from = Some(byte + line.len());
            start_line = lines_before + number + 1;
        }
        blank_before = line.trim().is_empty();
        byte += line.len();
    }
    if let Some(from) = from {
        read_message(path, &text[from..], start_line, &mut mailbox);
    }
    mailbox
}

/// What is known about where a message stands.
struct Place<'a> {
    path: &'a str,
    raw: &'a str,
    lines_before: usize,
}

impl Place<'_> {
    /// The 1-based line in the original file of a byte of this message.
    fn line_at(&self, byte: usize) -> usize {
        let before = &self.raw.as_bytes()[..byte.min(self.raw.len())];
        self.lines_before + before.iter().filter(|&&byte| byte == b'\n').count() + 1
    }
}

fn read_message(path: &str, raw: &str, lines_before: usize, mailbox: &mut Mailbox) {
    let place = Place {
        path,
        raw,
        lines_before,
    };
    let number = mailbox.messages + 1;
    mailbox.messages = number;
    let folded = raw.to_ascii_lowercase();
    let nested = folded.matches("message/").count() + folded.matches("multipart/digest").count();
    if nested > NESTED_MAX {
        let line = place.line_at(0);
        let note = format!("{path}:{line}: not read: more than {NESTED_MAX} mails in this mail");
        mailbox.notes.push(note);
        return;
    }
    let parsed = MessageParser::default().parse(raw);
    let Some(message) = parsed.filter(|message| !message.headers().is_empty()) else {
        let line = place.line_at(0);
        mailbox
            .notes
            .push(format!("{path}:{line}: no mail: it has no headers"));
        return;
    };
    if raw.contains('\u{fffd}') {
        let note = "some characters were lost before the mail came here (not UTF-8)";
        mailbox.notes.push(format!("{path}: {note}"));
    }
    read_parts(&message, &place, mailbox);
}

fn read_parts(message: &Message<'_>, place: &Place<'_>, mailbox: &mut Mailbox) {
    let before = mailbox.pages.len();
    let path = place.path;
    let is_body = |at: usize| {
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        message.text_body.contains(&at)
    };
    for (at, part) in message.parts.iter().enumerate() {
        let readable_attachment = is_text_attachment(part);
        match &part.body {
            PartType::Text(text) if is_body(at) || readable_attachment => {
                let lines = lines_of(part, text, place, &mut mailbox.notes);
                mailbox.pages.push(page_of(message, lines, place));
            }
            PartType::Html(html) if is_body(at) => {
                let lines = lines_of(part, html, place, &mut mailbox.notes);
                let lines = without_tags(lines);
                mailbox.pages.push(page_of(message, lines, place));
            }
            PartType::Message(inner) if part.encoding == Encoding::None => {
                read_parts(inner, place, mailbox);
            }
            PartType::Text(_)
            | PartType::Binary(_)
            | PartType::InlineBinary(_)
            | PartType::Message(_) => {
                let name =
                    charsets::declared(part.attachment_name().unwrap_or("without a name"), "");
                let line = place.line_at(part.offset_header as usize);
                let kind = kind_of(part);
                let note = format!("{path}:{line}: attachment {name} ({kind}) not read");
                mailbox.notes.push(note);
            }
            PartType::Html(_) | PartType::Multipart(_) => {}
        }
        if part.is_encoding_problem {
            let line = place.line_at(part.offset_body as usize);
            mailbox.notes.push(format!(
                "{path}:{line}: this part is encoded wrongly: read as is"
            ));
        }
    }
    if mailbox.pages.len() == before {
        let line = place.line_at(0);
        mailbox
            .notes
            .push(format!("{path}:{line}: this mail has no readable text"));
        mailbox.pages.push(page_of(message, Vec::new(), place));
    }
}

fn kind_of(part: &MessagePart<'_>) -> String {
    part.content_type()
        .map_or("unknown kind".to_owned(), |kind| {
            format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or("*"))
        })
}

/// Notes are attached as text; tables are for another agent.
fn is_text_attachment(part: &MessagePart<'_>) -> bool {
    let plain = part.content_type().is_some_and(|kind| {
        kind.ctype() == "text" && matches!(kind.subtype(), Some("plain" | "markdown"))
    });
    plain
        && part
            .attachment_name()
            .is_some_and(|name| name.ends_with(".md") || name.ends_with(".txt"))
}

fn page_of(message: &Message<'_>, lines: Vec<Line>, place: &Place<'_>) -> Page {
    let first = |address: Option<&Address<'_>>| address.and_then(Address::first).and_then(person);
    let everybody = |address: Option<&Address<'_>>| -> Vec<Person> {
        address
            .map(|all| all.iter().filter_map(person).collect())
            .unwrap_or_default()
    };
    let mut readers = everybody(message.to());
    readers.extend(everybody(message.cc()));
    Page {
        path: place.path.to_owned(),
        author: first(message.from()),
        readers,
        date: message.date().and_then(day),
        subject: message.subject().map(header),
        lines,
        markdown: false,
        automatic: is_automatic(message),
        message: message.message_id().map(str::to_owned),
        replies: first_id(message.in_reply_to()).or_else(|| last_id(message.references())),
        thread: thread(message),
        written_ms: message.date().map_or(0, |date| date.to_timestamp() * 1000),
        quoted: false,
    }
}

/// Newsletters and automatic answers say so in their headers.
fn is_automatic(message: &Message<'_>) -> bool {
    let word = |name: &'static str| {
        let raw = message.header_raw(name).unwrap_or_default();
        raw.trim().to_ascii_lowercase()
    };
    let submitted = word("Auto-Submitted");
    let answers = ["X-Autoreply", "X-Autorespond"];
    let answered = answers.into_iter().map(word);
    let subject = message.subject().map(header).unwrap_or_default();
    let suppresses = !word("X-Auto-Response-Suppress").is_empty();
    absence::is_automatic(&subject, suppresses)
        || answered
            .into_iter()
            .any(|it| !(it.is_empty() || it == "no"))
        || !(submitted.is_empty() || submitted == "no")
        || matches!(word("Precedence").as_str(), "bulk" | "junk" | "auto_reply")
        || !word("List-Unsubscribe").is_empty()
        || message
            .content_type()
            .is_some_and(|kind| kind.subtype() == Some("report"))
}

fn first_id(header: &HeaderValue<'_>) -> Option<String> {
    match header {
        HeaderValue::Text(id) => Some(id.to_string()),
        HeaderValue::TextList(list) => list.first().map(ToString::to_string),
        _ => None,
    }
}

/// A mail that names only its thread replies to the last mail of it.
fn last_id(header: &HeaderValue<'_>) -> Option<String> {
    match header {
        HeaderValue::Text(id) => Some(id.to_string()),
        HeaderValue::TextList(list) => list.last().map(ToString::to_string),
        _ => None,
    }
}

fn thread(message: &Message<'_>) -> Vec<String> {
    let mut ids: Vec<String> = message
        .message_id()
        .map(str::to_owned)
        .into_iter()
        .collect();
    for header in [message.in_reply_to(), message.references()] {
        match header {
            HeaderValue::Text(id) => ids.push(id.to_string()),
            HeaderValue::TextList(list) => ids.extend(list.iter().map(ToString::to_string)),
            _ => {}
        }
    }
    let subject = message
        .thread_name()
        .map(crate::words::fold)
        .unwrap_or_default();
    if subject.chars().count() >= SUBJECT_CHARS_MIN {
        ids.push(subject);
    }
    ids
}

/// What a header says: encoded words are decoded, and what isn't encoded names no character set.
fn header(text: &str) -> String {
    charsets::declared(text, "").into_owned()
}

fn person(address: &Addr<'_>) -> Option<Person> {
    let mail = address.address.as_deref().map(str::to_lowercase);
    let name = address
        .name
        .as_deref()
        .map(str::trim)
        .filter(|name| !name.is_empty());
    let name = name.or(mail.as_deref())?;
    Some(Person {
        name: header(name),
        address: mail,
    })
}

fn day(date: &DateTime) -> Option<Date> {
    Date::new(
        i32::from(date.year),
        u32::from(date.month),
        u32::from(date.day),
    )
}

/// The lines of a decoded part. 7 and 8 bit stand as they are, in the character set that the part
/// names unless they are UTF-8; quoted-printable joins and parts lines; base64 has no lines of its
/// own, so that its first one is cited.
fn lines_of(
    part: &MessagePart<'_>,
    decoded: &str,
    place: &Place<'_>,
    notes: &mut Vec<String>,
) -> Vec<Line> {
    let (start, end) = (part.offset_body as usize, part.offset_end as usize);
    let first = place.line_at(start);
    let raw = place.raw.get(start..end).unwrap_or_default();
    let charset = part
        .content_type()
        .and_then(|kind| kind.attribute("charset"))
        .unwrap_or_default();
    let text = match part.encoding {
        Encoding::Base64 | Encoding::QuotedPrintable => mended(part, decoded, raw, charset),
        _ => charsets::declared(raw, charset),
    };
    let lost = text.contains('\u{fffd}') && !raw.contains('\u{fffd}');
    if lost || !charsets::is_known(charset) && !text.is_ascii() {
        let path = place.path;
        notes.push(format!(
            "{path}:{first}: some characters of {charset} could not be read"
        ));
    }
    let sources = match part.encoding {
        Encoding::QuotedPrintable => quoted_printable_lines(raw, first),
        _ => Vec::new(),
    };
    let number = |at: usize| match part.encoding {
        Encoding::Base64 => first,
        Encoding::QuotedPrintable => sources.get(at).or(sources.last()).copied().unwrap_or(first),
        _ => first + at,
    };
    text.lines()
        .enumerate()
        .map(|(at, text)| Line {
            number: number(at),
            text: text.to_owned(),
        })
        .collect()
}

/// Encoded text that names no character set, or UTF-8, and isn't UTF-8.
fn mended<'t>(part: &MessagePart<'_>, decoded: &'t str, raw: &str, charset: &str) -> Cow<'t, str> {
    let names_none = charset.is_empty() || charset.eq_ignore_ascii_case("utf-8");
    if !names_none || !decoded.contains('\u{fffd}') {
        return Cow::Borrowed(decoded);
    }
    let bytes = match part.encoding {
        Encoding::Base64 => base64_decode(raw.as_bytes()),
        _ => quoted_printable_decode(raw.as_bytes()),
    };
    bytes.map_or(Cow::Borrowed(decoded), |bytes| {
        Cow::Owned(charsets::decoded(bytes, charset))
    })
}

/// For each decoded line of a quoted-printable text, the source line it begins on.
fn quoted_printable_lines(raw: &str, first: usize) -> Vec<usize> {
    let mut begins = vec![first];
    for (at, line) in raw.split_inclusive('\n').enumerate() {
        let ended = line.ends_with('\n');
        let line = line.trim_end();
        let encoded_breaks = line.match_indices('=').filter(|(at, _)| {
            line.get(at + 1..at + 3)
                .is_some_and(|code| code.eq_ignore_ascii_case("0A"))
        });
        begins.extend(encoded_breaks.map(|_| first + at));
        if ended && !line.ends_with('=') {
            begins.push(first + at + 1);
        }
    }
    begins
}

/// Marks that end a line of a page of HTML.
const BREAKS: &[&str] = &[
    "br",
    "/p",
    "/div",
    "/li",
    "/tr",
    "/h1",
    "/h2",
    "/h3",
    "/td",
    "/blockquote",
];

/// The text of HTML, for mails that come without a plain part. Quoted parts keep their `>`.
fn without_tags(lines: Vec<Line>) -> Vec<Line> {
    let mut plain: Vec<Line> = Vec::new();
    let (mut tag, mut quotes, mut hidden): (Option<String>, usize, bool) = (None, 0, false);
    for line in lines {
        let mut text = String::new();
        let mut push = |text: &mut String, quotes: usize| {
            let readable = entities::decoded(text.trim()).trim().to_owned();
            text.clear();
            if !readable.is_empty() {
                let mark = if quotes > 0 { "> " } else { "" };
                plain.push(Line {
                    number: line.number,
                    text: format!("{mark}{readable}"),
                });
            }
        };
        for letter in line.text.chars() {
            match (&mut tag, letter) {
                (None, '<') => tag = Some(String::new()),
                (Some(_), '>') => {
                    let name = tag.take().unwrap_or_default().to_ascii_lowercase();
                    let name = name.split([' ', '\t']).next().unwrap_or_default();
                    let name = name
                        .strip_suffix('/')
                        .filter(|it| !it.is_empty())
                        .unwrap_or(name);
                    if BREAKS.contains(&name) || name == "blockquote" {
                        push(&mut text, quotes);
                    }
                    match name {
                        "blockquote" => quotes += 1,
                        "/blockquote" => quotes = quotes.saturating_sub(1),
                        "style" | "script" | "head" => hidden = true,
                        "/style" | "/script" | "/head" => hidden = false,
                        "li" => text.push_str("- "),
                        _ => {}
                    }
                }
                (Some(tag), letter) => tag.push(letter),
                (None, letter) if !hidden => text.push(letter),
                (None, _) => {}
            }
        }
        push(&mut text, quotes);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `line:text` of every readable line that isn't blank.
    fn shape(text: &str) -> String {
        let mailbox = read("m.eml", text, 0);
        let lines = mailbox.pages.iter().flat_map(|page| &page.lines);
        let shown: Vec<String> = lines
            .filter(|line| !line.text.trim().is_empty())
            .map(|line| format!("{}:{}", line.number, line.text.trim()))
            .collect();
        shown.join(" ")
    }

    fn mail(headers: &str, body: &str) -> String {
        format!("From: Soa <soa@x.example>\nSubject: =?utf-8?Q?R=C3=A9union?=\n{headers}\n{body}")
    }

    #[test]
    fn lines_are_those_of_the_original_file() {
        let quoted = "Content-Transfer-Encoding: quoted-printable\nContent-Type: text/plain; \
                      charset=iso-8859-1\n";
        let base64 = "Content-Transfer-Encoding: base64\nContent-Type: text/plain; charset=utf-8\n";
        for (headers, body, expected) in [
            ("", "one\ntwo\n", "4:one 5:two"),
            (
                quoted,
                "d=E9cid=\né, and=\n more\nnext=0Abroken\nlast\n",
                "6:décidé, and more 9:next 9:broken 10:last",
            ),
            (base64, "b25lCnR3\nbwo=\n", "6:one 6:two"),
        ] {
            if headers == quoted {
                let body = body.replace('é', "=E9");
                assert_eq!(shape(&mail(headers, &body)), expected);
                continue;
            }
            assert_eq!(shape(&mail(headers, body)), expected);
        }
    }

    #[test]
    fn mails_are_read_in_the_character_set_that_they_name() {
        let as_bytes = |bytes: &[u8]| -> String { bytes.iter().copied().map(char::from).collect() };
        let quoted = "Content-Transfer-Encoding: quoted-printable\n";
        let base64 = "Content-Transfer-Encoding: base64\n";
        let kind = |charset: &str| format!("Content-Type: text/plain; charset={charset}\n");
        for (headers, body, expected) in [
            (String::new(), as_bytes(b"5 \x80"), "4:5 €"),
            (
                kind("us-ascii"),
                as_bytes(b"\x93d\xe9cid\xe9\x94"),
                "5:“décidé”",
            ),
            (
                kind("iso-8859-1"),
                as_bytes(b"l\x92\x9cuvre\x85"),
                "5:l’œuvre…",
            ),
            (kind("iso-8859-15"), as_bytes(b"5 \xa4 \xbd"), "5:5 € œ"),
            (kind("windows-1251"), as_bytes(b"\xcf\xf0"), "5:Пр"),
            (
                kind("iso-8859-1"),
                as_bytes("d\u{e9}j\u{e0} €".as_bytes()),
                "5:déjà €",
            ),
            (kind("iso-8859-1"), "déjà €".to_owned(), "5:déjà €"),
            (kind("utf-8"), "déjà".to_owned(), "5:déjà"),
            (kind("iso-8859-15") + quoted, "5 =A4".to_owned(), "6:5 €"),
            (kind("iso-8859-1") + quoted, "5 =80".to_owned(), "6:5 €"),
            (quoted.to_owned(), "5 =80".to_owned(), "5:5 €"),
            (kind("utf-8") + base64, "NSCA".to_owned(), "6:5 €"),
        ] {
            let text = mail(&headers, &body);
            assert_eq!(shape(&text), expected, "{headers}");
            assert_eq!(read("m.eml", &text, 0).notes, [""; 0]);
        }
        let subject = as_bytes(b"From: No\xebl <n@x.example>\nSubject: 5 \x80\n\nx\n");
        let page = read("m.eml", &subject, 0).pages.remove(0);
        assert_eq!(page.subject.as_deref(), Some("5 €"));
        assert_eq!(page.author.map(|it| it.name).as_deref(), Some("Noël"));
        let text = mail(&kind("gb2312"), &as_bytes(b"\xc4\xe3\xba\xc3"));
        let notes = read("m.eml", &text, 0).notes;
        assert_eq!(
            notes,
            ["m.eml:5: some characters of gb2312 could not be read"]
        );
    }

    #[test]
    fn parts_are_chosen_and_attachments_noted() {
        let parts = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n";
        let body = "--b\nContent-Type: text/plain\n\nbody\n--b\nContent-Type: text/plain; \
                    name=n.txt\nContent-Disposition: attachment; filename=n.txt\n\nnote\n--b\n\
                    Content-Type: application/pdf; name=d.pdf\nContent-Disposition: attachment; \
                    filename=d.pdf\nContent-Transfer-Encoding: base64\n\nAAAA\n--b--\n";
        let text = mail(parts, body);
        assert_eq!(shape(&text), "9:body 14:note");
        let notes = read("m.eml", &text, 0).notes;
        assert_eq!(
            notes,
            ["m.eml:16: attachment d.pdf (application/pdf) not read"]
        );
    }

    #[test]
    fn html_alone_is_read_without_its_tags() {
        let html = "<html><head><style>p{}</style></head>\n\
                    <body><p>We d&eacute;cide &#8217;&ndash; &amp;eacute;</p>\n\
                    <blockquote>old</blockquote><ul><li>one</li></ul>";
        let text = mail("Content-Type: text/html\n", html);
        assert_eq!(shape(&text), "6:We décide ’– &eacute; 7:> old 7:- one");
    }

    #[test]
    fn mailboxes_keep_their_lines_and_headers_are_decoded() {
        let one = mail("Date: Fri, 9 Oct 2026 08:00:00 +0300\n", "one\n\n");
        let text = format!("From soa Fri Oct  9\n{one}From soa Fri Oct  9\n{one}");
        assert_eq!(shape(&text), "6:one 13:one");
        let pages = read("m.mbox", &text, 0).pages;
        assert_eq!(pages[1].subject.as_deref(), Some("Réunion"));
        assert_eq!(
            pages[1].date.map(|date| date.to_string()).as_deref(),
            Some("2026-10-09")
        );
        assert_eq!(
            pages[1].author.as_ref().map(|it| it.name.as_str()),
            Some("Soa")
        );
    }

    #[test]
    fn what_is_no_mail_gets_a_note() {
        for text in ["", "\n\n", "hello\n"] {
            let mailbox = read("m.eml", text, 0);
            assert!(!mailbox.notes.is_empty(), "{text:?}: {mailbox:?}");
        }
        let nested = "Content-Type: message/rfc822\n\n".repeat(100_000);
        let notes = read("m.eml", &nested, 0).notes;
        assert!(notes[0].contains("more than 64"), "{notes:?}");
    }

    #[test]
    fn a_piece_of_a_mailbox_keeps_the_lines_of_its_file() {
        let one = "From a\nFrom: a@x.example\nSubject: x\n\nhello\n\n";
        let whole = one.repeat(3);
        let lines = |pages: &[Page]| -> Vec<usize> {
            let numbers = |page: &Page| page.lines[0].number;
            pages.iter().map(numbers).collect()
        };
        assert_eq!(lines(&read("m.mbox", &whole, 0).pages), [5, 11, 17]);
        assert_eq!(lines(&read("m.mbox", &one.repeat(2), 6).pages), [11, 17]);
        let notes = read("m.mbox", "From a\n\n\0", 40).notes;
        assert!(notes[0].starts_with("m.mbox:42"), "{notes:?}");
    }
}
