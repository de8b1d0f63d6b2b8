//! Which decision answers which question: within one thread, by the words they share. Findings
//! carry short keys of their thread, so that they can be told apart wherever they meet: mails are
//! read a handful at a time, and a thread goes on for longer.
//!
//! Start at [`settle`].

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::answers::{self, Answer};
use crate::cues;
use crate::dates::SECONDS_PER_DAY;
use crate::findings::{Finding, Findings};
use crate::page::Page;
use crate::replaced;
use crate::words::{fold, words};

/// How many words a decision shares with a question that it answers.
const SHARED_WORDS_MIN: usize = 2;
/// The same where its mail replies to the very mail that asks, and it answers nothing else.
const SHARED_WORDS_OF_REPLY_MIN: usize = 1;
/// What a reply is worth beside words that are shared.
const REPLY_WORTH: usize = 3;
const WORD_WORTH: usize = 2;
/// How many letters of a word are compared.
const STEM_LETTERS: usize = 5;
/// Most keys of one finding: those of the mail itself, of what it replies to, of the thread's first
/// and last known mail, and of the subject.
const KEYS_MAX: usize = 5;
/// How often a decision may be taken back until nobody follows any more.
const TURNS_MAX: usize = 16;

/// Where in its thread the mail of a finding stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strand {
    /// The mail itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub mail: String,
    /// The mail that it replies to.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub replies: String,
    /// What binds it to others: two of one thread have one in common.
    #[serde(default)]
    pub keys: Vec<String>,
    /// When it was written, in seconds since 1970.
    #[serde(default)]
    pub at: i64,
}

impl Strand {
    /// The same for what may take the place of something said elsewhere: what belongs to no thread
    /// has its day alone.
    #[must_use]
    pub fn dated(page: &Page) -> Option<Self> {
        let date = || page.date.filter(|_| page.thread.is_empty());
        Self::of(page).or_else(|| {
            Some(Self {
                at: date()?.to_days() * SECONDS_PER_DAY,
                ..Self::default()
            })
        })
    }

    /// A page's place; nothing where it belongs to no thread.
    #[must_use]
    pub fn of(page: &Page) -> Option<Self> {
        let last = page.thread.last()?;
        let named = [page.message.as_ref(), page.replies.as_ref()];
        let named = named.into_iter().flatten();
        let ends = page.thread.iter().take(3).chain([last]);
        let mut keys: Vec<String> = Vec::new();
        for key in named.chain(ends).map(|id| key(id)) {
            if keys.len() < KEYS_MAX && !keys.contains(&key) {
                keys.push(key);
            }
        }
        let key_of = |id: &Option<String>| id.as_deref().map(key).unwrap_or_default();
        Some(Self {
            mail: key_of(&page.message),
            replies: key_of(&page.replies),
            keys,
            at: page.written_ms / 1_000,
        })
    }
}

/// A short name for a long one (FNV-1a): two different ones share it once in 2^40.
fn key(id: &str) -> String {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let hash = id.bytes().fold(OFFSET, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(PRIME)
    });
    format!("{:010x}", hash >> 24)
}

/// Marks every question of all of these that a later decision of its thread seems to answer. What
/// was marked before, over fewer of them, is decided anew.
pub fn settle(all: &mut [Findings]) {
    drop_repeated(all);
    replaced::settle(all);
    let decisions: Vec<&Finding> = all.iter().flat_map(|found| &found.decisions).collect();
    let subjects: Vec<BTreeSet<String>> = decisions.iter().map(|it| stems(&it.text)).collect();
    let mut by_key: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, decision) in decisions.iter().enumerate() {
        for key in decision.strand.iter().flat_map(|strand| &strand.keys) {
            by_key.entry(key).or_default().push(at);
        }
    }
    let mut pairs: Vec<Pair> = Vec::new();
    let questions = all.iter().flat_map(|found| &found.questions);
    for (question, asked) in questions.enumerate() {
        let Some(strand) = &asked.strand else {
            continue;
        };
        let wanted = stems(&asked.text);
        let near = strand
            .keys
            .iter()
            .filter_map(|key| by_key.get(key.as_str()));
        let near: BTreeSet<usize> = near.flatten().copied().collect();
        for decision in near {
            let answer = decisions[decision];
            let shared = subjects[decision].intersection(&wanted).count();
            pairs.extend(Pair::of(asked, strand, answer, shared).map(|worth| Pair {
                question,
                decision,
                shared,
                worth,
            }));
        }
    }
    let answers = best(pairs);
    // What was decided otherwise later is answered by what stands now.
    let later: BTreeMap<&str, &str> = decisions
        .iter()
        .filter(|it| !it.stands())
        .filter_map(|it| Some((it.cite.as_str(), it.replaced_by.as_deref()?)))
        .collect();
    let standing = |decision: usize| {
        let mut cite = decisions[decision].cite.as_str();
        for _ in 0..TURNS_MAX {
            cite = later.get(cite).copied().unwrap_or(cite);
        }
        cite.to_owned()
    };
    let mut cites: BTreeMap<usize, String> = answers
        .into_iter()
        .map(|(question, decision)| (question, standing(decision)))
        .collect();
    reply(all, &mut cites);
    let questions = all.iter_mut().flat_map(|found| &mut found.questions);
    for (at, question) in questions.enumerate() {
        // What has no thread keeps what is known about it.
        if question.strand.is_some() {
            question.answered_by = cites.get(&at).cloned();
        }
    }
}

/// What no decision answers may be answered by what a reply says.
fn reply(all: &[Findings], cites: &mut BTreeMap<usize, String>) {
    let mut replies: BTreeMap<&str, Vec<&Answer>> = BTreeMap::new();
    for answer in all.iter().flat_map(|found| &found.answers) {
        if let Some(strand) = &answer.said.strand {
            replies.entry(&strand.replies).or_default().push(answer);
        }
    }
    let questions = || all.iter().flat_map(|found| &found.questions);
    let mut asked: BTreeMap<&str, usize> = BTreeMap::new();
    for strand in questions().filter_map(|it| it.strand.as_ref()) {
        *asked.entry(&strand.mail).or_default() += 1;
    }
    for (at, question) in questions().enumerate() {
        let Some(strand) = question
            .strand
            .as_ref()
            .filter(|_| !cites.contains_key(&at))
        else {
            continue;
        };
        let of = replies.get(strand.mail.as_str());
        let only = asked.get(strand.mail.as_str()) == Some(&1);
        if let Some(answer) = of.and_then(|of| answers::answer(question, only, of)) {
            cites.insert(at, answer.said.cite.clone());
        }
    }
}

/// What is quoted counts once: not where its own mail is there, nor where it was quoted before.
fn drop_repeated(all: &mut [Findings]) {
    type Lists = [fn(&mut Findings) -> &mut Vec<Finding>; 3];
    let lists: Lists = [
        |found| &mut found.decisions,
        |found| &mut found.questions,
        |found| &mut found.deadlines,
    ];
    for list in lists {
        let mut said: BTreeMap<(String, Option<String>), Vec<Option<String>>> = BTreeMap::new();
        let same = |it: &Finding| (squeezed(&it.text), it.due.clone());
        for found in all.iter_mut() {
            for it in list(found).iter().filter(|it| !it.quoted) {
                said.entry(same(it)).or_default().push(it.who.clone());
            }
        }
        for found in all.iter_mut() {
            list(found).retain(|it| {
                if !it.quoted {
                    return true;
                }
                let known = said.entry(same(it)).or_default();
                let again = known
                    .iter()
                    .any(|who| may_be_one(who.as_deref(), it.who.as_deref()));
                known.push(it.who.clone());
                !again
            });
        }
    }
}

/// Letters and digits alone: quoting breaks lines elsewhere.
#[must_use]
pub fn squeezed(text: &str) -> String {
    fold(text)
        .chars()
        .filter(|it| it.is_alphanumeric())
        .collect()
}

/// Whether two names may be those of one person: they share a part, or one isn't known.
fn may_be_one(left: Option<&str>, right: Option<&str>) -> bool {
    let Some((left, right)) = left.zip(right) else {
        return true;
    };
    let right = fold(right);
    let parts = |name: &str| -> Vec<String> {
        let parts = name.split(|it: char| !it.is_alphanumeric());
        parts
            .filter(|it| !it.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let right = parts(&right);
    parts(&fold(left)).iter().any(|part| right.contains(part))
}

/// A decision that may answer a question.
struct Pair {
    question: usize,
    decision: usize,
    shared: usize,
    worth: usize,
}

impl Pair {
    /// What it is worth as an answer, if it can be one.
    fn of(asked: &Finding, strand: &Strand, answer: &Finding, shared: usize) -> Option<usize> {
        let other = answer.strand.as_ref()?;
        // Mails of one mailbox stand in one file.
        let same_mail = asked.file == answer.file
            && (strand.mail.is_empty() || other.mail.is_empty() || strand.mail == other.mail);
        if same_mail || other.at < strand.at {
            return None;
        }
        let replies = !strand.mail.is_empty() && other.replies == strand.mail;
        let enough = if replies {
            SHARED_WORDS_OF_REPLY_MIN
        } else {
            SHARED_WORDS_MIN
        };
        let reply = if replies { REPLY_WORTH } else { 0 };
        (shared >= enough).then_some(shared * WORD_WORTH + reply)
    }

    /// Whether it is an answer only if the decision answers nothing else.
    const fn is_weak(&self) -> bool {
        self.shared < SHARED_WORDS_MIN
    }
}

/// The best answer of each question, the best pairs first.
fn best(mut pairs: Vec<Pair>) -> BTreeMap<usize, usize> {
    pairs.sort_by_key(|pair| (usize::MAX - pair.worth, pair.decision, pair.question));
    let mut answers: BTreeMap<usize, usize> = BTreeMap::new();
    let mut taken: BTreeSet<usize> = BTreeSet::new();
    for pair in pairs {
        if answers.contains_key(&pair.question) || pair.is_weak() && taken.contains(&pair.decision)
        {
            continue;
        }
        taken.insert(pair.decision);
        answers.insert(pair.question, pair.decision);
    }
    answers
}

fn stems(text: &str) -> BTreeSet<String> {
    words(text)
        .into_iter()
        .map(|word| word.folded)
        .filter(|word| word.chars().count() >= 4 && !cues::COMMON.contains(&word.as_str()))
        .map(|word| word.chars().take(STEM_LETTERS).collect())
        .collect()
}

/// For anybody who compares two texts: how many words that matter they share.
#[must_use]
pub fn shared_words(left: &str, right: &str) -> usize {
    stems(&fold(left)).intersection(&stems(right)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Kind;

    /// A mail of a thread with one finding; a reply names the mail that it replies to.
    fn finding(kind: Kind, number: usize, replies: usize, text: &str) -> Finding {
        let id = |number: usize| format!("m{number}@x");
        let mut thread = vec![id(number), id(1)];
        let replies = (replies > 0).then(|| id(replies));
        thread.extend(replies.clone());
        let page = Page {
            message: Some(id(number)),
            replies,
            thread,
            written_ms: number as i64 * 1_000,
            ..Page::default()
        };
        Finding {
            kind,
            text: text.to_owned(),
            file: format!("{number}.eml"),
            line: 9,
            cite: format!("{number}.eml:9"),
            who: None,
            due: None,
            language: None,
            date: None,
            answered_by: None,
            strand: Strand::of(&page),
            instead: None,
            replaced_by: None,
            unsure: false,
            quoted: false,
            concerns_client: None,
        }
    }

    fn batch(findings: Vec<Finding>) -> Findings {
        let (decisions, questions) = findings
            .into_iter()
            .partition(|finding| finding.kind == Kind::Decision);
        Findings {
            decisions,
            questions,
            ..Findings::default()
        }
    }

    fn answers(all: &[Findings]) -> String {
        let questions = all.iter().flat_map(|found| &found.questions);
        let shown = questions.map(|it| it.answered_by.clone().unwrap_or_else(|| "-".to_owned()));
        shown.collect::<Vec<_>>().join(" ")
    }

    fn settled(batches: Vec<Vec<Finding>>) -> String {
        let mut all: Vec<Findings> = batches.into_iter().map(batch).collect();
        settle(&mut all);
        answers(&all)
    }

    fn asks(number: usize, text: &str) -> Finding {
        finding(Kind::Question, number, 0, text)
    }

    #[test]
    fn an_answer_is_found_wherever_its_mail_was_read() {
        let colour = "Which colour for the banner?";
        let decides = |number, replies, text: &str| finding(Kind::Decision, number, replies, text);
        for (batches, expected) in [
            // Two words, in another batch, in the same one.
            (
                vec![
                    vec![asks(1, colour)],
                    vec![decides(3, 2, "The banner has one colour")],
                ],
                "3.eml:9",
            ),
            (
                vec![vec![
                    asks(1, colour),
                    decides(3, 2, "The banner has one colour"),
                ]],
                "3.eml:9",
            ),
            // One word is enough for a reply, and for nothing else.
            (
                vec![
                    vec![asks(1, colour)],
                    vec![decides(3, 1, "Blue for the banner")],
                ],
                "3.eml:9",
            ),
            (
                vec![
                    vec![asks(1, colour)],
                    vec![decides(3, 2, "Blue for the banner")],
                ],
                "-",
            ),
            (
                vec![
                    vec![asks(1, colour)],
                    vec![decides(3, 1, "We stay in Rome")],
                ],
                "-",
            ),
            // A decision that answers another question better isn't stretched to this one.
            (
                vec![
                    vec![asks(1, "Who prints the banner?"), asks(1, colour)],
                    vec![decides(3, 1, "The banner has one colour")],
                ],
                "- 3.eml:9",
            ),
            // What was decided before isn't an answer, nor what the same mail says.
            (
                vec![vec![
                    asks(4, colour),
                    decides(3, 1, "The banner has one colour"),
                ]],
                "-",
            ),
            (
                vec![vec![
                    asks(3, colour),
                    decides(3, 1, "The banner has one colour"),
                ]],
                "-",
            ),
        ] {
            assert_eq!(settled(batches), expected);
        }
    }

    #[test]
    fn another_thread_answers_nothing_and_what_was_marked_is_decided_anew() {
        let mut other = finding(Kind::Decision, 3, 0, "The banner has one colour");
        let page = Page {
            message: Some("z@y".to_owned()),
            thread: vec!["z@y".to_owned()],
            written_ms: 9_000,
            ..Page::default()
        };
        other.strand = Strand::of(&page);
        let mut marked = asks(1, "Which colour for the banner?");
        marked.answered_by = Some("9.eml:9".to_owned());
        let mut unthreaded = marked.clone();
        unthreaded.strand = None;
        assert_eq!(settled(vec![vec![marked, unthreaded, other]]), "- 9.eml:9");
    }

    #[test]
    fn keys_are_few_and_short() {
        let thread: Vec<String> = (0..200)
            .map(|number| format!("<{number}@x.example>"))
            .collect();
        let page = Page {
            message: thread.first().cloned(),
            replies: thread.get(1).cloned(),
            thread,
            ..Page::default()
        };
        let strand = Strand::of(&page).expect("a thread");
        assert_eq!(strand.keys.len(), 4);
        assert!(strand.keys.iter().all(|key| key.len() == 10), "{strand:?}");
        assert_eq!(Strand::of(&Page::default()), None);
    }
}
