//! Whether two texts say the same, so that nothing is learned twice. It is meant to be strict: a
//! text that says something else by a number, by a "not" or by who comes first is another one.

use super::passages::without_time;
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

/// Whether a fact repeats what stands in a text: it, one of its sentences, or words of it in a row.
#[must_use]
pub fn repeats(fact: &str, text: &str) -> bool {
    let said = stems(fact);
    if said.is_empty() {
        return text.contains(fact.trim());
    }
    let all = stems(text);
    let is_quoted =
        said.len() >= QUOTED_WORDS_MIN && all.windows(said.len()).any(|words| words == said);
    is_quoted
        || are_same(&said, &all)
        || sentences(text)
            .iter()
            .any(|sentence| are_same(&said, &stems(without_time(sentence))))
}
