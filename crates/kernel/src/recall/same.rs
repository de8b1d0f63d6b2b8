//! Whether two texts say the same, so that nothing is learned twice. It is meant to be strict: a
//! text that says something else by a number, by a "not" or by who comes first is another one.

use std::collections::BTreeSet;

use super::Document;
use super::passages::{self, line_says, without_time};
use super::words::{sentences, stem, stems};

/// How much of two texts must be the same words, in hundredths (Dice's coefficient).
const SAME_MIN: usize = 85;
/// The fewest words that count as a quotation.
const QUOTED_WORDS_MIN: usize = 3;

/// Words that turn what is said around, in English, French and Malagasy, folded.
const TURNS: &[&str] = &[
    "aucun", "aucune", "aza", "jamais", "n", "ne", "never", "no", "non", "nor", "not", "pas",
    "sans", "t", "tsy", "without",
];

/// Whether two texts say the same in the same words, in the same order, but for a few that add
/// nothing: case, accents, punctuation and plurals don't count.
#[must_use]
pub fn is_same(one: &str, other: &str) -> bool {
    let (first, second) = (stems(one), stems(other));
    if first.is_empty() || second.is_empty() {
        return one.trim() == other.trim();
    }
    are_same(&first, &second)
}

/// Whether two texts have the same words in the same order: case, accents, punctuation and plurals
/// don't count.
#[must_use]
pub fn is_equal(one: &str, other: &str) -> bool {
    let (first, second) = (stems(one), stems(other));
    if first.is_empty() {
        return one.trim() == other.trim();
    }
    first == second
}

fn are_same(one: &[String], other: &[String]) -> bool {
    let (few, many) = match one.len() <= other.len() {
        true => (one, other),
        false => (other, one),
    };
    let alike = 200 * few.len() >= SAME_MIN * (few.len() + many.len());
    alike && stands_within(few, many) && telling(few) == telling(many)
}

/// Whether all words stand among the others in the same order.
fn stands_within(few: &[String], many: &[String]) -> bool {
    let mut rest = many.iter();
    few.iter().all(|word| rest.any(|other| other == word))
}

/// How many words there are of which one more or less says something else.
fn telling(words: &[String]) -> usize {
    let counts = |word: &&String| {
        let turns = TURNS.iter().any(|turn| stem(turn) == word.as_str());
        turns || word.contains(|letter: char| letter.is_numeric())
    };
    words.iter().filter(counts).count()
}

/// A text that was recalled, as others are compared with it.
#[derive(Clone, Debug)]
pub struct Recalled<'t> {
    text: &'t str,
    words: Vec<String>,
    sentences: Vec<Vec<String>>,
}

impl<'t> Recalled<'t> {
    /// Of this text.
    #[must_use]
    pub fn of(text: &'t str) -> Self {
        let each = sentences(text).into_iter();
        Self {
            text,
            words: stems(text),
            sentences: each.map(|one| stems(without_time(one))).collect(),
        }
    }

    /// Whether a fact repeats what stands in it: all of it, one of its sentences, or words of it in
    /// a row.
    #[must_use]
    pub fn is_repeated_by(&self, fact: &str) -> bool {
        let said = stems(fact);
        if said.is_empty() {
            return self.text.contains(fact.trim());
        }
        let quoted = |words: &[String]| words == said;
        let is_quoted =
            said.len() >= QUOTED_WORDS_MIN && self.words.windows(said.len()).any(quoted);
        let mut sentences = self.sentences.iter();
        is_quoted
            || are_same(&said, &self.words)
            || sentences.any(|sentence| are_same(&said, sentence))
    }
}

/// Whether a fact repeats what stands in a text.
#[must_use]
pub fn repeats(fact: &str, text: &str) -> bool {
    Recalled::of(text).is_repeated_by(fact)
}

/// What a document says anew, beside what it said before: its lines, its paragraphs, and those
/// sentences of them that are long enough to be quoted.
#[must_use]
pub fn added(text: &str, before: &str) -> Vec<String> {
    let known: BTreeSet<Vec<String>> = lines(before).map(stems).collect();
    let is_new = |said: &str| !known.contains(&stems(said));
    let mut out = Vec::new();
    for line in lines(text).filter(|line| is_new(line)) {
        let parts = sentences(line).into_iter();
        let long = parts.filter(|part| stems(part).len() >= QUOTED_WORDS_MIN);
        out.extend(long.filter(|part| *part != line).map(str::to_owned));
        out.push(line.to_owned());
    }
    // A sentence that was broken in two lines is found as one later.
    let whole = Document {
        path: String::new(),
        day: String::new(),
        text: text.to_owned(),
    };
    let broken = passages::of_all(&[whole]).into_iter().map(|hit| hit.text);
    out.extend(broken.filter(|said| said.contains('\n') && lines(said).all(is_new)));
    out
}

/// What the lines of a document say, those that say something.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let said = text.lines().map(|line| {
        let title = line.trim().trim_start_matches('#');
        line_says(title).trim()
    });
    said.filter(|said| !stems(said).is_empty())
}
