//! What a person says in reply to a mail that asks: no decision, but perhaps the answer. What only
//! asks back, thanks or promises an answer is none. Start at [`read`] and [`answer`].

use serde::{Deserialize, Serialize};

use crate::findings::Finding;
use crate::own_words::is_quoted;
use crate::page::Page;
use crate::passages::Passage;
use crate::strands::{shared_words, squeezed};
use crate::supposed;
use crate::words::{Word, has_phrase, words};

/// Most sentences of one reply, and how long they are: answers stand on top.
const SENTENCES_MAX: usize = 12;
const CHARS_MAX: usize = 300;
/// A whole reply of so many words speaks of the one thing that was asked.
const ALONE_WORDS_MAX: usize = 12;
const ALONE_SENTENCES_MAX: usize = 2;
/// How many words it shares with the question.
const SHARED_WORDS_MIN: usize = 2;

/// What promises an answer, or says that there is none.
#[rustfmt::skip]
const LATER: &[&str] = &[
    "get back", "let you know", "later", "check", "don t know", "do not know", "not sure",
    "no idea", "look into", "looking into", "tell you", "to be confirmed", "tbc", "tbd", "not yet",
    "will ask", "ll ask", "must ask", "have to ask", "need to ask", "will answer", "ll answer",
    "will reply", "ll reply", "good question", "tomorrow", "soon", "wait", "think about",
    "reviens vers", "revenons vers", "vous dis", "te dis", "dirai", "verifie", "verifier",
    "regarde", "sais pas", "savons pas", "plus tard", "pas encore", "a confirmer", "demande",
    "demander", "repondrai", "repondrons", "reponds demain", "bonne question", "demain", "bientot",
    "reflechir", "reflechis", "aucune idee", "attends", "tiens au courant", "tiendrai au courant",
    "mbola", "tsy haiko", "tsy fantatro", "tsy fantatray", "hojereko", "hamarinina", "hanontany",
    "hovaliako", "hamaly", "rahampitso", "atsy ho atsy", "hiverina",
];
/// A reply of these words alone says nothing.
#[rustfmt::skip]
const EMPTY: &[&str] = &[
    "thanks", "thank", "you", "merci", "beaucoup", "noted", "well", "received", "ok", "okay",
    "bien", "recu", "note", "misaotra", "voaray", "got", "it", "for", "the", "your", "mail",
    "message", "pour", "votre", "ton", "le", "tompoko", "indrindra", "betsaka", "azafady", "hello",
    "hi", "dear", "bonjour", "bonsoir", "salut", "salama", "manao", "ahoana", "all", "tous",
    "a", "i", "have", "question", "see", "below", "voir", "ci", "dessous", "hery", "please",
];
const GREETINGS: &[&str] = &[
    "hello", "hi", "dear", "bonjour", "bonsoir", "salut", "salama", "manao",
];

/// A sentence of a reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The sentence with its place.
    #[serde(flatten)]
    pub said: Finding,
    /// What is quoted right above it, its letters and digits alone.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub below: String,
    /// The whole reply is as short as an answer to one question.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub alone: bool,
}

/// Which sentences of a reply may be answers: their places, and what else an [`Answer`] knows.
#[must_use]
pub fn read(page: &Page, passages: &[Passage]) -> Vec<(usize, String, bool)> {
    if page.quoted || page.replies.is_none() || page.author.is_none() {
        return Vec::new();
    }
    let said: Vec<usize> = (0..passages.len())
        .filter(|&at| !is_greeting(&passages[at].text))
        .collect();
    let length: usize = said.iter().map(|&at| words(&passages[at].text).len()).sum();
    let states = |at: &usize| states(&passages[*at].text);
    let alone =
        said.len() <= ALONE_SENTENCES_MAX && length <= ALONE_WORDS_MAX && said.iter().all(states);
    let stating = said.iter().copied().filter(states).take(SENTENCES_MAX);
    stating
        .map(|at| (at, quoted_above(page, passages[at].line), alone))
        .collect()
}

fn is_greeting(text: &str) -> bool {
    let words = words(text);
    let greets = |word: &Word<'_>| GREETINGS.contains(&word.folded.as_str());
    text.trim_end().ends_with(',') && words.len() <= 4
        || words.len() <= 3 && words.first().is_some_and(greets)
}

/// Whether it says something now.
fn states(text: &str) -> bool {
    let words = words(text);
    let says = |word: &Word<'_>| !EMPTY.contains(&word.folded.as_str());
    text.chars().count() <= CHARS_MAX
        && !text.contains('?')
        && words.iter().any(says)
        && !LATER.iter().any(|phrase| has_phrase(&words, phrase))
        && !supposed::is_open(&words)
        && !supposed::is_conditional(&words, words.len())
}

/// The quoted lines right above a line.
fn quoted_above(page: &Page, line: usize) -> String {
    let at = page.lines.iter().position(|it| it.number == line);
    let above = page.lines[..at.unwrap_or(0)].iter().rev();
    let above = above.skip_while(|it| it.text.trim().is_empty());
    let mut quoted: Vec<&str> = above
        .take_while(|it| is_quoted(&it.text))
        .map(|it| it.text.as_str())
        .collect();
    quoted.reverse();
    squeezed(&quoted.join(" "))
}

/// The sentence of a direct reply of somebody else that seems to answer; `only` is what was asked
/// in its mail.
#[must_use]
pub fn answer<'a>(asked: &Finding, only: bool, replies: &[&'a Answer]) -> Option<&'a Answer> {
    let strand = asked.strand.as_ref()?;
    let wanted = squeezed(&asked.text);
    let fits = |it: &&&Answer| {
        let other = asked.who.is_some() && it.said.who.is_some() && asked.who != it.said.who;
        let direct = it.said.strand.as_ref().is_some_and(|said| {
            !strand.mail.is_empty() && said.replies == strand.mail && said.at >= strand.at
        });
        other && direct
    };
    let below = |it: &&&Answer| !wanted.is_empty() && it.below.ends_with(&wanted);
    let shares = |it: &&&Answer| {
        // Of a long question most words, so that what is about the same thing alone is none.
        let shared = shared_words(&asked.text, &it.said.text);
        let most = shared * 2 > shared_words(&asked.text, &asked.text);
        it.below.is_empty() && shared >= SHARED_WORDS_MIN && most
    };
    let alone = |it: &&&Answer| only && it.alone;
    let of = || replies.iter().filter(fits);
    let found = of().find(below).or_else(|| of().find(shares));
    found.or_else(|| of().find(alone)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::fold;

    #[test]
    fn every_word_is_folded() {
        for word in LATER.iter().chain(EMPTY).chain(GREETINGS) {
            assert_eq!(fold(word), *word);
        }
    }
}
