//! Finds decisions, open questions and deadlines in pages, each with its place.
//!
//! Everything is by rules over the tables of [`crate::cues`]; nothing is made up. Start at
//! [`find`].

use serde::{Deserialize, Serialize};

use crate::actions;
use crate::answers::{self, Answer};
use crate::cues::{self, Cue, Rule};
use crate::dates::{self, Date, Phrase};
use crate::due;
use crate::language::{self, Language};
use crate::page::Page;
use crate::passages::{self, Passage};
use crate::people::{self, Counted, Directory};
use crate::quoted;
use crate::strands::{self, Strand};
use crate::words::{Word, find_phrase, fold, has_phrase, words};
use crate::{supposed, turns};

/// Most findings of one kind.
pub const FINDINGS_MAX: usize = 1_000;

/// What kind of finding it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Something was decided.
    Decision,
    /// Somebody asks.
    Question,
    /// Something is due.
    Deadline,
}

/// One finding with its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What kind it is.
    pub kind: Kind,
    /// The sentence, as written.
    pub text: String,
    /// The file it stands in.
    pub file: String,
    /// 1-based line in the original text of that file.
    pub line: usize,
    /// `file:line`.
    pub cite: String,
    /// Who has to act, who decided or who asks, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// The day something is due, as `2026-10-09`, or as written where it can't be resolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// The language of the sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// The day the text was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<Date>,
    /// A question: the decision of the same thread that seems to answer it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_by: Option<String>,
    /// Where in its thread it stands, as [`strands::settle`] reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strand: Option<Strand>,
    /// A decision or deadline: it says that something said before stands no more. The day that is
    /// given up, or nothing where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<String>,
    /// A decision or deadline: the later one that takes its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<String>,
    /// That is only probable: it has to be asked, and both stand until it is known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsure: bool,
    /// It stands within the mail of somebody else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub quoted: bool,
    /// Whether the text concerns the client that was asked about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concerns_client: Option<bool>,
}

/// Everything found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    /// What was decided, in the order of the sources.
    #[serde(default)]
    pub decisions: Vec<Finding>,
    /// What was asked.
    #[serde(default)]
    pub questions: Vec<Finding>,
    /// What is due, the earliest first.
    #[serde(default)]
    pub deadlines: Vec<Finding>,
    /// What replies say that may answer a question.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answer>,
    /// Everybody who wrote or was written to.
    #[serde(default)]
    pub people: Vec<Counted>,
    /// What was left out and why.
    #[serde(default)]
    pub notes: Vec<String>,
    /// How much of it was left out because there was too much.
    #[serde(default, skip_serializing_if = "More::is_none")]
    pub more: More,
}

/// How many findings of each kind are left out: at most [`FINDINGS_MAX`] are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct More {
    /// Decisions.
    #[serde(default)]
    pub decisions: usize,
    /// Questions, answered or not.
    #[serde(default)]
    pub questions: usize,
    /// Of these, the ones without an answer.
    #[serde(default)]
    pub open: usize,
    /// Deadlines.
    #[serde(default)]
    pub deadlines: usize,
}

impl Finding {
    /// Whether nothing later is known to have taken its place.
    #[must_use]
    pub fn stands(&self) -> bool {
        self.replaced_by.is_none() || self.unsure
    }
}

impl More {
    /// Whether everything is listed.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// One sentence with everything that is known about it.
struct Sentence<'a> {
    page: &'a Page,
    passage: &'a Passage,
    words: Vec<Word<'a>>,
    days: Vec<Phrase>,
    /// The day that something was moved to.
    moved_to: Option<usize>,
    /// The words that say that there is no deadline.
    denied: Vec<std::ops::Range<usize>>,
}

/// Says of every finding whether its text names the client, or was written by or to somebody
/// there.
pub fn mark_client(found: &mut Findings, pages: &[Page], client: &str) {
    let client = fold(client);
    let theirs: Vec<&str> = pages
        .iter()
        .filter(|page| {
            let people = page.author.iter().chain(&page.readers);
            let mut addresses = people.filter_map(|person| person.address.as_deref());
            let mut lines = page.lines.iter().map(|line| line.text.as_str());
            let subject = page.subject.as_deref().unwrap_or_default();
            addresses.any(|address| fold(address).contains(&client))
                || fold(subject).contains(&client)
                || lines.any(|line| fold(line).contains(&client))
        })
        .map(|page| page.path.as_str())
        .collect();
    let lists = [
        &mut found.decisions,
        &mut found.questions,
        &mut found.deadlines,
    ];
    for finding in lists.into_iter().flatten() {
        finding.concerns_client = Some(theirs.contains(&finding.file.as_str()));
    }
}

/// Finds everything; `house` are more decision cues of one's own.
#[must_use]
pub fn find(pages: &[Page], house: &[Cue]) -> Findings {
    let mut found = Findings::default();
    let mut directory = Directory::default();
    for page in pages {
        page.author
            .iter()
            .for_each(|author| directory.see(author, true));
        page.readers
            .iter()
            .for_each(|reader| directory.see(reader, false));
    }
    for page in pages {
        if page.automatic {
            let line = page.lines.first().map_or(1, |line| line.number);
            let why = "written by a machine to many (newsletter or automatic answer): left out";
            found.notes.push(format!("{}:{line}: {why}", page.path));
            continue;
        }
        let parted = quoted::parted(page);
        found.notes.extend(parted.notes);
        let authors = parted.pages.iter().filter(|page| page.quoted);
        let authors = authors.filter_map(|page| page.author.as_ref());
        authors.for_each(|author| directory.see(author, false));
        for page in &parted.pages {
            read(page, house, &directory, &mut found);
        }
    }
    strands::settle(std::slice::from_mut(&mut found));
    found
        .deadlines
        .sort_by(|left, right| left.due.cmp(&right.due));
    found.people = directory.list();
    cap(&mut found);
    found
}

/// Finds what one author says.
fn read(page: &Page, house: &[Cue], directory: &Directory, found: &mut Findings) {
    let lines: Vec<&str> = page.lines.iter().map(|line| line.text.as_str()).collect();
    let main = language::guess(&lines.join("\n"));
    let mut undated = Vec::new();
    let passages = passages::read(page);
    let mut answers = answers::read(page, &passages).into_iter().peekable();
    for (at, passage) in passages.iter().enumerate() {
        let words = words(&passage.text);
        let days = dates::find(&passage.text, &words, page.date);
        let settled = due::settle(&passage.text, &words, days);
        let sentence = Sentence {
            page,
            passage,
            words,
            days: settled.days,
            moved_to: settled.moved_to,
            denied: settled.denied,
        };
        let language = language::guess(&passage.text).or(main);
        if sentence.is_decision(house) {
            let finding = sentence.finding(Kind::Decision, language, directory, None);
            found.decisions.push(finding);
        }
        if let Some((_, below, alone)) = answers.next_if(|(place, ..)| *place == at) {
            let said = sentence.finding(Kind::Decision, language, directory, None);
            found.answers.push(Answer { said, below, alone });
        }
        if sentence.is_question() {
            let finding = sentence.finding(Kind::Question, language, directory, None);
            found.questions.push(finding);
        }
        let action = actions::read(passage, page.date);
        let day = sentence.deadline().map(|day| {
            day.date
                .map_or_else(|| day.text.clone(), |date| date.to_string())
        });
        let (due, action) = match action {
            Some(action) if action.done => continue,
            Some(action) if action.row => (action.due.clone(), Some(action)),
            Some(action) => (day.or(action.due.clone()), Some(action)),
            None => (day, None),
        };
        if due.is_none() && action.is_some() {
            undated.push(passage.line);
        }
        if let Some(due) = due {
            let mut finding = sentence.finding(Kind::Deadline, language, directory, Some(due));
            if let Some(action) = action {
                finding.text = action.what;
                finding.who = action.owner.or(finding.who);
            }
            undated.retain(|line| *line != finding.line);
            found.deadlines.push(finding);
        }
    }
    if !undated.is_empty() {
        let lines: Vec<String> = undated.iter().map(ToString::to_string).collect();
        let (path, lines) = (&page.path, lines.join(", "));
        let note = format!("{path}: open tasks without a day: lines {lines}");
        found.notes.push(note);
    }
}

fn cap(found: &mut Findings) {
    found.answers.truncate(FINDINGS_MAX);
    let cut = found.questions.iter().skip(FINDINGS_MAX);
    found.more.open = cut.filter(|it| it.answered_by.is_none()).count();
    for (list, name, more) in [
        (&mut found.decisions, "decisions", &mut found.more.decisions),
        (&mut found.questions, "questions", &mut found.more.questions),
        (&mut found.deadlines, "deadlines", &mut found.more.deadlines),
    ] {
        *more = list.len().saturating_sub(FINDINGS_MAX);
        if *more > 0 {
            found.notes.push(format!(
                "{more} more {name} left out: at most {FINDINGS_MAX}"
            ));
            list.truncate(FINDINGS_MAX);
        }
    }
}

impl Sentence<'_> {
    fn finding(
        &self,
        kind: Kind,
        language: Option<Language>,
        directory: &Directory,
        due: Option<String>,
    ) -> Finding {
        let author = self.page.author.as_ref();
        let named = people::owner(&self.words, &self.passage.text, author, directory);
        let assigned = self
            .passage
            .done
            .and_then(|_| people::assigned(&self.passage.text));
        let who = match kind {
            Kind::Deadline => assigned.or(named),
            Kind::Decision | Kind::Question => author.map(|author| author.name.clone()),
        };
        Finding {
            kind,
            text: self.passage.text.clone(),
            file: self.page.path.clone(),
            line: self.passage.line,
            cite: format!("{}:{}", self.page.path, self.passage.line),
            who,
            due,
            language,
            date: self.page.date,
            answered_by: None,
            strand: match kind {
                Kind::Question => Strand::of(self.page),
                Kind::Decision | Kind::Deadline => Strand::dated(self.page),
            },
            instead: match kind {
                Kind::Question => None,
                Kind::Decision => self.turns().then(String::new),
                Kind::Deadline => self.given_up(),
            },
            replaced_by: None,
            unsure: false,
            quoted: self.page.quoted,
            concerns_client: None,
        }
    }

    fn turns(&self) -> bool {
        turns::says(&self.words) || turns::reverses(&self.words)
    }

    fn is_supposed(&self, said: &std::ops::Range<usize>) -> bool {
        supposed::is_supposed(&self.passage.text, &self.words, said)
    }

    /// What a sentence that moves a deadline says of the old day.
    fn given_up(&self) -> Option<String> {
        let mut old = self.days.iter().filter(|day| day.past);
        let old = old.find_map(|day| day.date).map(|date| date.to_string());
        let turns = self.moved_to.is_some() || turns::says(&self.words);
        (turns || old.is_some()).then(|| old.unwrap_or_default())
    }

    fn has_any(&self, phrases: &[&str]) -> bool {
        phrases.iter().any(|phrase| has_phrase(&self.words, phrase))
    }

    fn under(&self, headings: &[&str]) -> bool {
        let heading = words(self.passage.heading.as_deref().unwrap_or_default());
        headings.iter().any(|wanted| has_phrase(&heading, wanted)) || self.column(headings)
    }

    fn column(&self, headings: &[&str]) -> bool {
        let first = words(self.passage.columns.first().map_or("", String::as_str));
        headings.iter().any(|wanted| has_phrase(&first, wanted))
    }

    fn asks(&self) -> bool {
        let text = self
            .passage
            .text
            .trim_end_matches(['"', '»', '”', ')', ' ', '\u{a0}']);
        text.ends_with('?') || text.ends_with("?!") || text.ends_with("?…")
    }

    fn is_decision(&self, house: &[Cue]) -> bool {
        if self.asks() || self.passage.done.is_some() || self.has_any(cues::NO_DECISION) {
            return false;
        }
        let turned = turns::decided(&self.words, !self.days.is_empty());
        if turned.is_some_and(|said| !self.is_supposed(&said)) {
            return true;
        }
        // A row of a table under "Decisions" is a figure, unless its column says otherwise.
        let headings = cues::DECISION_HEADINGS;
        let row = !self.passage.columns.is_empty();
        let listed = self.passage.item
            && if row {
                self.column(headings)
            } else {
                self.under(headings)
            };
        let mut cues = cues::DECISIONS.iter().chain(house);
        listed || cues.any(|cue| self.is_decided(cue))
    }

    /// Whether a cue stands in this sentence, and nothing makes it what isn't or isn't yet so.
    fn is_decided(&self, cue: &Cue) -> bool {
        let length = cue.phrase.split(' ').count();
        let mut from = 0;
        while let Some(at) = find_phrase(&self.words, cue.phrase, from) {
            let said = at..at + length;
            let stands = cue.rule == Rule::Label || !self.is_supposed(&said);
            if stands && self.stands_at(cue, at).is_some() {
                return true;
            }
            from = at + 1;
        }
        false
    }

    fn is_question(&self) -> bool {
        if self.passage.done == Some(true) {
            return false;
        }
        let listed = self.passage.item && self.under(cues::QUESTION_HEADINGS);
        if !self.asks() {
            let task = self.passage.done.is_some();
            let open = || supposed::is_open(&self.words);
            return listed && !task || self.has_any(cues::INDIRECT_QUESTIONS) || open();
        }
        let small_talk = cues::SMALL_TALK.iter().any(|phrase| {
            let length = phrase.split(' ').count();
            self.words.len() <= length + 2 && has_phrase(&self.words, phrase)
        });
        let address = self.passage.text.contains("://") && self.words.len() < 8;
        listed || !small_talk && !address && self.words.len() >= 2
    }

    /// The day that is named as the end of something.
    fn deadline(&self) -> Option<&Phrase> {
        let first = self.days.iter().find(|day| self.is_ahead(day))?;
        match self.passage.done {
            Some(true) => return None,
            Some(false) => return self.days.iter().rfind(|day| self.is_ahead(day)),
            None => {}
        }
        let last = self.days.last().map_or(0, |day| day.first);
        if self.has_any(cues::NO_DEADLINE) || supposed::is_conditional(&self.words, last) {
            return None;
        }
        // Who asks whether to move it has moved nothing.
        if self.asks() && self.moved_to.is_some() {
            return None;
        }
        let moved_to = self.moved_to.and_then(|at| self.days.get(at));
        if let Some(day) = moved_to.filter(|day| self.is_ahead(day)) {
            return Some(day);
        }
        if self.passage.item && self.under(cues::DEADLINE_HEADINGS) {
            return Some(first);
        }
        cues::DEADLINES
            .iter()
            .find_map(|cue| self.stands(cue))
            .and_then(|day| self.days.get(day))
    }

    /// A day that isn't gone and isn't the beginning of something.
    fn is_ahead(&self, day: &Phrase) -> bool {
        let gone = match (day.date, self.page.date) {
            (Some(date), Some(written)) => date < written && self.passage.done.is_none(),
            _ => false,
        };
        let before = |back: usize| {
            let at = day.first.checked_sub(back)?;
            Some(self.words[at].folded.as_str())
        };
        let beginning = [1, 2]
            .into_iter()
            .filter_map(before)
            .any(|word| cues::BEGINNINGS.contains(&word));
        !day.past && !gone && !beginning
    }

    /// Whether a cue stands in this sentence as it has to: the index of its day (0 for none).
    fn stands(&self, cue: &Cue) -> Option<usize> {
        let mut from = 0;
        while let Some(at) = find_phrase(&self.words, cue.phrase, from) {
            let day = self.stands_at(cue, at);
            if day.is_some() {
                return day;
            }
            from = at + 1;
        }
        None
    }

    /// The same for the place where its phrase stands.
    fn stands_at(&self, cue: &Cue, at: usize) -> Option<usize> {
        let next = at + cue.phrase.split(' ').count();
        match cue.rule {
            Rule::Says => Some(0),
            Rule::Label => {
                let end = self.words[next - 1].end;
                let colon = self.passage.text[end..].trim_start().starts_with(':');
                (at == 0 && colon).then_some(0)
            }
            Rule::Then(word) => {
                let mut near = self.words.iter().skip(next).take(3);
                near.any(|it| it.folded == word).then_some(0)
            }
            Rule::BeforeDay(reach) => self
                .days
                .iter()
                .position(|day| (next..=next + reach).contains(&day.first) && self.is_ahead(day)),
            Rule::BeginsDay => self
                .days
                .iter()
                .position(|day| day.first == at && self.is_ahead(day)),
            Rule::WithDay if self.denied.iter().any(|it| it.contains(&at)) => None,
            Rule::WithDay => self.days.iter().position(|day| self.is_ahead(day)),
        }
    }
}

#[cfg(test)]
#[path = "findings_tests.rs"]
mod tests;
