//! Mails within a mail: what was forwarded, and what is quoted without a mark in front of each
//! line. Both are parted from what the sender wrote, and belong to whoever wrote them, on the day
//! that stands over them. Start at [`parted`].

use crate::dates::{self, Date, SECONDS_PER_DAY};
use crate::own_words::{self, is_quoted};
use crate::page::{Line, Page};
use crate::people::Person;
use crate::words::{Word, fold, words};

/// Separators, without their dashes: more lines may follow that say who wrote what is below.
const SEPARATORS: &[&str] = &[
    "forwarded message",
    "forwarded mail",
    "message transfere",
    "courriel transfere",
    "message reexpedie",
    "original message",
    "original mail",
    "message d'origine",
    "message original",
    "message initial",
    "courriel d'origine",
    "hafatra nampitaina",
];
/// The same as whole sentences.
const OPENINGS: &[&str] = &[
    "begin forwarded message",
    "debut du message transfere",
    "debut du message reexpedie",
    "debut du courriel transfere",
];
/// What the lines say that stand over a mail: the names of its headers.
const HEADERS: &[(&str, Header)] = &[
    ("de", Header::From),
    ("from", Header::From),
    ("expediteur", Header::From),
    ("avy amin'i", Header::From),
    ("date", Header::Date),
    ("sent", Header::Date),
    ("envoye", Header::Date),
    ("envoye le", Header::Date),
    ("date d'envoi", Header::Date),
    ("daty", Header::Date),
    ("to", Header::Other),
    ("a", Header::Other),
    ("pour", Header::Other),
    ("destinataire", Header::Other),
    ("cc", Header::Other),
    ("copie a", Header::Other),
    ("bcc", Header::Other),
    ("cci", Header::Other),
    ("reply-to", Header::Other),
    ("repondre a", Header::Other),
    ("subject", Header::Subject),
    ("objet", Header::Subject),
    ("sujet", Header::Subject),
    ("importance", Header::Other),
    ("pieces jointes", Header::Other),
    ("attachments", Header::Other),
];
/// So many of them stand over a mail that no separator announces.
const HEADERS_MIN: usize = 3;
/// Most lines that are looked through for them, continued ones included.
const HEAD_LINES_MAX: usize = 40;
/// What stands between the time and the name in "Le 5 oct. 2026 à 10:12 (UTC+3), Hery a écrit :".
const ZONES: &[&str] = &["am", "pm", "a.m", "p.m", "utc", "gmt", "eat", "cet", "cest"];
/// How mails begin that say nothing yet.
const GREETING_WORDS_MAX: usize = 4;

#[derive(Clone, Copy, PartialEq)]
enum Header {
    From,
    Date,
    Subject,
    Other,
}

/// A page in parts.
#[derive(Debug, Default)]
pub struct Parted {
    /// What the sender wrote comes first, then each mail within it.
    pub pages: Vec<Page>,
    /// What belongs to nobody that is known.
    pub notes: Vec<String>,
}

/// What stands over a mail within a mail.
#[derive(Default)]
struct Head {
    author: Option<Person>,
    date: Option<Date>,
    /// Seconds since midnight.
    time: i64,
    subject: Option<String>,
    /// How many lines it takes.
    length: usize,
    /// The lines below it begin with `>`.
    marked: bool,
    /// Whose words follow can't be told.
    doubtful: bool,
}

struct Block {
    head: Head,
    line: usize,
    lines: Vec<Line>,
}

/// Parts what the sender wrote from the mails within it.
#[must_use]
pub fn parted(page: &Page) -> Parted {
    let mut own: Vec<Line> = Vec::new();
    let mut blocks: Vec<Block> = Vec::new();
    let (mut within, mut at) = (false, 0);
    while at < page.lines.len() {
        let rest = &page.lines[at..];
        if let Some(head) = head(rest, &own, !blocks.is_empty(), page) {
            let line = rest[0].number;
            at += head.length;
            let lines = Vec::new();
            blocks.push(Block { head, line, lines });
            within = true;
            continue;
        }
        let line = &rest[0];
        let blank = line.text.trim().is_empty();
        match blocks.last_mut().filter(|_| within) {
            // Below a forwarded mail whose lines are marked the sender goes on.
            Some(block) if block.head.marked && !blank && !is_quoted(&line.text) => {
                within = false;
                own.push(line.clone());
            }
            Some(block) if block.head.marked => block.lines.push(unmarked(line)),
            Some(block) => block.lines.push(line.clone()),
            None => own.push(line.clone()),
        }
        at += 1;
    }
    joined(page, own, blocks)
}

/// The page without its lines.
fn bare(page: &Page) -> Page {
    Page {
        lines: Vec::new(),
        ..page.clone()
    }
}

/// The parts, the sender's first.
fn joined(page: &Page, own: Vec<Line>, blocks: Vec<Block>) -> Parted {
    let mut parted = Parted::default();
    parted.pages.push(Page {
        lines: own,
        ..bare(page)
    });
    let mut before = page.written_ms;
    for block in blocks {
        let Block { head, line, lines } = block;
        let says = |line: &Line| line.text.chars().any(char::is_alphanumeric);
        if !lines.iter().any(says) {
            continue;
        }
        let known = head.author.filter(|_| !head.doubtful).zip(head.date);
        let Some((author, date)) = known else {
            let why = "quoted, and it can't be told who wrote it when: not read";
            parted.notes.push(format!("{}:{line}: {why}", page.path));
            continue;
        };
        // Clocks differ between places: what is quoted is older than what quotes it.
        let written = (date.to_days() * SECONDS_PER_DAY + head.time) * 1_000;
        let written = if before > 0 {
            written.min(before - 1_000)
        } else {
            written
        };
        before = written;
        let outer = page.message.as_deref().unwrap_or(&page.path);
        parted.pages.push(Page {
            author: Some(author),
            readers: Vec::new(),
            date: Some(date),
            subject: head.subject.or_else(|| page.subject.clone()),
            lines,
            message: Some(format!("{outer}/{line}")),
            replies: None,
            written_ms: written,
            quoted: true,
            ..bare(page)
        });
    }
    parted
}

/// What stands over a mail, if one begins with these lines.
fn head(lines: &[Line], own: &[Line], within: bool, page: &Page) -> Option<Head> {
    let first = flat(&lines[0].text);
    let announced = is_separator(&first);
    let inside_a_quote = own.last().is_some_and(|line| is_quoted(&line.text));
    if announced && !(is_quoted(&lines[0].text) && inside_a_quote) {
        let blank = |line: &&Line| flat(&line.text).is_empty();
        let skip = 1 + lines[1..].iter().take_while(blank).count();
        let mut head = headers(&lines[skip..], page.date, 1).unwrap_or_default();
        head.length += if head.length > 0 { skip } else { 1 };
        head.marked = next_is_quoted(&lines[head.length..]);
        return Some(head);
    }
    if is_quoted(&lines[0].text) {
        return None;
    }
    if let Some(mut head) = headers(lines, page.date, HEADERS_MIN) {
        head.marked = false;
        return Some(head);
    }
    let length = own_words::attribution(lines)?;
    let below = lines[length..]
        .iter()
        .find(|line| !line.text.trim().is_empty())?;
    if is_quoted(&below.text) {
        return None;
    }
    let text: Vec<&str> = lines[..length]
        .iter()
        .map(|line| line.text.trim())
        .collect();
    let mut head = attributed(&text.join(" "), page.date)?;
    head.length = length;
    // On top of everything stands the quote of somebody who answers below it, and nothing says
    // where it ends.
    head.doubtful = !within && !is_forward(page) && !own.iter().any(says_something);
    Some(head)
}

/// More than "Hello Hery,".
fn says_something(line: &Line) -> bool {
    !is_quoted(&line.text) && words(&line.text).len() > GREETING_WORDS_MAX
}

fn is_forward(page: &Page) -> bool {
    let subject = flat(page.subject.as_deref().unwrap_or_default());
    ["fwd:", "fw:", "tr:", "tr :", "fwd :"]
        .iter()
        .any(|mark| subject.starts_with(mark))
}

fn next_is_quoted(lines: &[Line]) -> bool {
    let mut lines = lines.iter().filter(|line| !line.text.trim().is_empty());
    lines.next().is_some_and(|line| is_quoted(&line.text))
}

/// A line without its first `>`.
fn unmarked(line: &Line) -> Line {
    let text = line.text.trim_start();
    let text = text.strip_prefix('>').unwrap_or(text);
    Line {
        number: line.number,
        text: text.strip_prefix(' ').unwrap_or(text).to_owned(),
    }
}

/// Folded, without marks of quotes and emphasis, hard blanks as blanks.
fn flat(text: &str) -> String {
    let text = text.replace(['\u{a0}', '\u{202f}'], " ").replace('*', "");
    fold(text.trim_start_matches(['>', ' ', '\t']).trim())
}

fn is_separator(folded: &str) -> bool {
    let bare = folded.trim_matches(['-', '_', '=', ' ', ':']);
    let dashed = folded.starts_with("--") || folded.starts_with("__") || folded.starts_with("==");
    dashed && SEPARATORS.contains(&bare) || OPENINGS.contains(&bare)
}

/// A header's name and what stands behind its colon.
fn header(text: &str) -> Option<(Header, String)> {
    let text = text.replace(['\u{a0}', '\u{202f}'], " ").replace('*', "");
    let text = text.trim_start_matches(['>', ' ', '\t']);
    let (name, value) = text.split_once(':')?;
    let name = fold(name.trim());
    let (_, header) = HEADERS.iter().find(|(known, _)| *known == name)?;
    Some((*header, value.trim().to_owned()))
}

/// The headers that these lines begin with: at least so many, one of them says who wrote it.
fn headers(lines: &[Line], mailed: Option<Date>, least: usize) -> Option<Head> {
    let mut head = Head::default();
    let (mut count, mut from, mut goes_on) = (0, false, false);
    for (at, line) in lines.iter().take(HEAD_LINES_MAX).enumerate() {
        let Some((header, value)) = header(&line.text) else {
            let text = flat(&line.text);
            // Many readers are listed over more than one line.
            if text.is_empty() || !goes_on || !text.contains(['@', ';', '<']) {
                // Blank lines stand between headers where a page was made of paragraphs.
                let next = lines.get(at + 1).and_then(|line| self::header(&line.text));
                if text.is_empty() && count > 0 && next.is_some() {
                    continue;
                }
                break;
            }
            head.length = at + 1;
            continue;
        };
        count += 1;
        head.length = at + 1;
        goes_on = header == Header::Other || header == Header::From;
        match header {
            Header::From => {
                from = true;
                head.author = person(&value);
            }
            Header::Date => (head.date, head.time) = day_and_time(&value, mailed),
            Header::Subject => head.subject = Some(value).filter(|it| !it.is_empty()),
            Header::Other => {}
        }
    }
    (count >= least && from).then_some(head)
}

/// `Hery Rakoto <hery@x.example>`, `Hery Rakoto [mailto:hery@x.example]`.
fn person(text: &str) -> Option<Person> {
    let is_address = |it: &&str| it.contains('@');
    let parts = text.split(['<', '>', '[', ']', '(', ')', ' ', ';', ',', '"']);
    let address = parts
        .map(|it| it.trim_start_matches("mailto:"))
        .find(is_address);
    let name = text.split(['<', '[', '(']).next().unwrap_or_default();
    let name = name.trim_matches([' ', '"', '\'', ',', ';', '*']);
    let name = if name.is_empty() { address? } else { name };
    Some(Person {
        name: name.to_owned(),
        address: address.map(str::to_lowercase),
    })
}

/// `Le lun. 5 oct. 2026 à 10:12, Hery <h@x.example> a écrit :`; none where it names no day.
fn attributed(text: &str, mailed: Option<Date>) -> Option<Head> {
    let text = text.replace(['\u{a0}', '\u{202f}'], " ");
    let words = words(&text);
    let day = dates::find(&text, &words, mailed)
        .into_iter()
        .find(|day| day.date.is_some())?;
    let (date, time) = day_and_time(&text, mailed);
    let verb = |word: &Word<'_>| {
        let verbs = ["ecrit", "ecrivit", "wrote", "nanoratra"];
        verbs.contains(&word.folded.as_str())
    };
    let verb = words.iter().rposition(verb)?;
    let from = (day.next..verb)
        .rev()
        .find(|&at| is_time(&words[at]))
        .map_or(day.next, |at| at + 1);
    let zone = |word: &Word<'_>| {
        ZONES.contains(&word.folded.as_str())
            || word.text.starts_with(|it: char| it.is_ascii_digit())
    };
    let first = (from..verb).find(|&at| !zone(&words[at]))?;
    let end = words[verb].start;
    let said = text[words[first].start..end].trim();
    let said = said.strip_suffix(" a").unwrap_or(said);
    Some(Head {
        author: person(said),
        date,
        time,
        ..Head::default()
    })
}

fn is_time(word: &Word<'_>) -> bool {
    seconds(word).is_some()
}

/// `10:12`, `10:12:33`, `10h12`.
fn seconds(word: &Word<'_>) -> Option<i64> {
    let (hours, minutes) = word.folded.split_once([':', 'h'])?;
    let minutes = minutes.split(':').next()?;
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    let holds = (0..24).contains(&hours) && (0..60).contains(&minutes);
    holds.then_some((hours * 60 + minutes) * 60)
}

/// The day and the time of day in a text. Where `10/5/2026` could be two days, it is the last one
/// before the mail was sent.
fn day_and_time(text: &str, mailed: Option<Date>) -> (Option<Date>, i64) {
    let words = words(text);
    let day = dates::find(text, &words, mailed)
        .into_iter()
        .find_map(|day| day.date);
    let swapped = day
        .filter(|_| text.contains('/'))
        .and_then(|day| Date::new(day.year, day.day, day.month));
    let before = |day: &Date| mailed.is_none_or(|mailed| *day <= mailed);
    let day = day.into_iter().chain(swapped).filter(before).max();
    let at = words.iter().position(is_time);
    let time = at.and_then(|at| seconds(&words[at])).unwrap_or_default();
    let behind = at.and_then(|at| words.get(at + 1));
    let noon = 12 * 3_600;
    let afternoon = behind.is_some_and(|word| word.folded == "pm") && time < noon;
    (day, if afternoon { time + noon } else { time })
}

#[cfg(test)]
#[path = "quoted_tests.rs"]
mod tests;
