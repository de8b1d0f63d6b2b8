//! I read mails, mailboxes, Markdown notes and plain text, and pull out decisions, open
//! questions and deadlines, each cited as `file:line`. I work by rules, without a model: what I
//! find was written there, and what no rule knows I don't find.
//! I never open files or the network; I read what I am handed. Start at [`handle`].
//!
//! To change: [`HOUSE_DECISIONS`] holds the words by which your own people decide.

use naos_agent::limits;
use naos_reading::answers;
use naos_reading::cues::Cue;
use naos_reading::findings::{self, Finding, Findings, More};
use naos_reading::input::{Input, SourceFile};
use naos_reading::people::Counted;
use naos_reading::{mail, page};
use serde::Serialize;

naos_agent::export!(handle);

/// More ways to say that something was decided, beyond `naos_reading::cues::DECISIONS`, such as
/// `Cue { language: Language::English, phrase: "so be it", rule: Rule::Says }`.
pub const HOUSE_DECISIONS: &[Cue] = &[];

/// Endings of files that hold no prose: another agent reads them.
const NO_PROSE: &[(&str, &str)] = &[
    ("csv", "a table: hand it to an analyzer"),
    ("tsv", "a table: hand it to an analyzer"),
    ("json", "data and no prose"),
    ("pdf", "not text"),
    ("docx", "not text"),
    ("xlsx", "not text"),
    ("zip", "not text"),
    ("png", "not text"),
    ("jpg", "not text"),
];
const NOTHING: &str = "nothing to read: hand over text, or JSON with `files` or `text`";
const MAIL_ENDINGS: &[&str] = &["eml", "mbox", "mbx", "mail"];

/// What I answer.
#[derive(Debug, Serialize)]
struct Answer {
    summary: String,
    decisions: Vec<Finding>,
    questions: Vec<Finding>,
    deadlines: Vec<Finding>,
    /// What replies say that may answer a question asked in another batch.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    answers: Vec<answers::Answer>,
    people: Vec<Counted>,
    /// How many mails and notes were read.
    sources: usize,
    notes: Vec<String>,
    #[serde(skip_serializing_if = "More::is_none")]
    more: More,
}

/// Reads everything handed over and answers with JSON.
///
/// # Errors
/// A sentence when the input or the answer is too large.
pub fn handle(input: &str) -> Result<String, String> {
    limits::input(input)?;
    let input = Input::parse(input)?;
    let mut notes = input.notes.clone();
    if input.files.is_empty() {
        notes.push(NOTHING.to_owned());
    }
    let (mut pages, mut sources) = (Vec::new(), 0);
    for file in &input.files {
        sources += read(file, &mut pages, &mut notes);
    }
    let mut found = findings::find(&pages, HOUSE_DECISIONS);
    if let Some(client) = input
        .word("client")
        .filter(|client| !client.trim().is_empty())
    {
        findings::mark_client(&mut found, &pages, client);
    }
    notes.extend(found.notes.iter().cloned());
    let summary = summary(&found, sources, notes.len());
    let Findings {
        decisions,
        questions,
        deadlines,
        answers,
        people,
        more,
        ..
    } = found;
    let answer = Answer {
        summary,
        decisions,
        questions,
        deadlines,
        answers,
        people,
        sources,
        notes,
        more,
    };
    let text = serde_json::to_string(&answer)
        .map_err(|why| format!("could not write the answer as JSON: {why}"))?;
    limits::output(text)
}

/// Reads one file; says how many texts it held.
fn read(file: &SourceFile, pages: &mut Vec<page::Page>, notes: &mut Vec<String>) -> usize {
    let ending = file.ending();
    if let Some((_, why)) = NO_PROSE.iter().find(|(name, _)| *name == ending) {
        notes.push(format!("{}: not read: {why}", file.path));
        return 0;
    }
    if file.text.contains('\0') {
        notes.push(format!("{}: not read: not text", file.path));
        return 0;
    }
    if file.text.trim().is_empty() {
        notes.push(format!("{}: empty", file.path));
        return 0;
    }
    let before = file.line - 1;
    let is_mail = MAIL_ENDINGS.contains(&ending.as_str())
        || !matches!(ending.as_str(), "md" | "markdown") && mail::looks_like_mail(&file.text);
    if is_mail {
        let mailbox = mail::read(&file.path, &file.text, before);
        pages.extend(mailbox.pages);
        notes.extend(mailbox.notes);
        return mailbox.messages;
    }
    let markdown = !matches!(ending.as_str(), "txt" | "text");
    pages.push(page::from_piece(&file.path, &file.text, markdown, before));
    1
}

fn summary(found: &Findings, sources: usize, notes: usize) -> String {
    let count = |number: usize, one: &str| {
        let ending = if number == 1 { "" } else { "s" };
        format!("{number} {one}{ending}")
    };
    let open = found
        .questions
        .iter()
        .filter(|question| question.answered_by.is_none())
        .count()
        + found.more.open;
    let next = found
        .deadlines
        .iter()
        .filter(|deadline| deadline.stands())
        .find_map(|deadline| deadline.due.as_deref());
    let next = next
        .map(|due| format!(", the first {due}"))
        .unwrap_or_default();
    let left = if notes == 0 {
        String::new()
    } else {
        format!("; {} on what I could not read", count(notes, "note"))
    };
    format!(
        "{}: {}, {} ({open} without an answer that I can see), {}{next}{left}",
        count(sources, "source"),
        count(found.decisions.len() + found.more.decisions, "decision"),
        count(found.questions.len() + found.more.questions, "question"),
        count(found.deadlines.len() + found.more.deadlines, "deadline"),
    )
}
