//! The words by which somebody comes back on what was said before: data, folded as in
//! [`crate::cues`]. What they come back on is found in [`crate::replaced`].

use std::ops::Range;

use crate::words::{Word, begins_with, find_phrase, has_phrase};

/// What says that something is otherwise than it was.
#[rustfmt::skip]
const TURNS: &[&str] = &[
    "in the end", "after all", "instead", "actually", "on second thought*", "finally",
    "change of plan*", "new deadline", "new date", "new due date", "now due", "now for",
    "let s move", "let s make it", "let s say", "we move", "we re moving", "moving the",
    "finalement", "au final", "en fin de compte", "tout compte fait", "changement de programme",
    "changement de plan", "plutot", "nouvelle date", "nouvelle echeance", "nouveau delai",
    "desormais", "on passe", "decalons", "reportons",
    "amin ny farany", "tamin ny farany", "aleo", "fe potoana vaovao", "daty vaovao", "novaina",
    "ovaina", "hovaina", "ankehitriny dia", "nony farany", "farany dia",
];
/// With these at its beginning a sentence decides something.
#[rustfmt::skip]
const STARTS: &[&str] = &[
    "in the end", "on second thought*", "after all", "finally", "finalement", "au final",
    "en fin de compte", "tout compte fait", "amin ny farany", "tamin ny farany", "nony farany",
    "aleo", "farany dia",
];
/// What is chosen then.
#[rustfmt::skip]
const CHOICES: &[&str] = &[
    "keep", "go with", "going with", "go for", "take", "stay", "stick", "choose", "chose", "use",
    "garde", "gardons", "prend", "prenons", "part sur", "partons sur", "reste sur", "restons sur",
    "choisit", "choisissons", "opte", "optons", "retient", "retenons", "utilise", "utilisons",
    "ce sera", "tazonina", "hotazonina", "hazonina", "fidina", "fidintsika", "hofidina", "raisina",
    "alaina", "ampiasaina", "no atao",
];
/// What takes a decision back.
#[rustfmt::skip]
const REVERSALS: &[&str] = &[
    "scrap that", "scrap it", "scrap the", "decision is cancelled", "decision cancelled",
    "decision is canceled", "decision canceled", "decision is reversed", "decision reversed",
    "decision is off", "decision was reversed", "decision no longer stands",
    "reverse the decision", "reverse that decision", "reversed the decision",
    "cancel the decision", "cancel that decision", "changed our mind*", "changed my mind",
    "no longer going with", "not going with",
    "decision annulee", "decision est annulee", "decision a ete annulee", "annule la decision",
    "annule cette decision", "annulons la decision", "annulons cette decision",
    "revenons sur la decision", "revenons sur cette decision", "revenons sur notre decision",
    "revient sur la decision", "avons change d avis", "a change d avis", "ai change d avis",
    "decision caduque", "decision ne tient plus", "oubliez la decision", "oublions la decision",
    "nofoanana ny fanapahan kevitra", "foanana ny fanapahan kevitra",
    "nofoanana io fanapahan kevitra", "nofoanana ilay fanapahan kevitra", "niova hevitra",
    "nanova hevitra", "tsy manan kery intsony",
];
/// How soon behind the turn the choice follows, and how short a sentence needs none.
const CHOICE_WORDS_MAX: usize = 6;
/// What such a short sentence is without.
const THANKS: &[&str] = &["thanks", "thank", "merci", "misaotra", "hello", "bonjour"];

/// Whether it says that something is otherwise than it was.
#[must_use]
pub fn says(words: &[Word<'_>]) -> bool {
    TURNS.iter().any(|phrase| has_phrase(words, phrase))
}

/// Whether it takes a decision back, whatever it says of it.
#[must_use]
pub fn reverses(words: &[Word<'_>]) -> bool {
    REVERSALS.iter().any(|phrase| has_phrase(words, phrase))
}

/// Where a sentence decides something by coming back on what was said before.
#[must_use]
pub fn decided(words: &[Word<'_>], names_a_day: bool) -> Option<Range<usize>> {
    let place = |phrase: &&str| {
        let at = find_phrase(words, phrase, 0)?;
        Some(at..at + phrase.split(' ').count())
    };
    if let Some(said) = REVERSALS.iter().find_map(place) {
        return Some(said);
    }
    let begins = |phrase: &&str| place(phrase).filter(|said| said.start <= 2);
    let said = STARTS.iter().find_map(begins)?;
    let rest = &words[said.end..];
    let near = rest.len().min(CHOICE_WORDS_MAX);
    let chooses = (0..near).any(|at| CHOICES.iter().any(|it| begins_with(&rest[at..], it)));
    let thanks = rest.iter().any(|it| THANKS.contains(&it.folded.as_str()));
    let short = (1..=CHOICE_WORDS_MAX).contains(&rest.len()) && !thanks;
    let starts_so = said.start == 0 && short && !names_a_day;
    (chooses || starts_so).then_some(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phrase_is_folded_and_parted_by_single_blanks() {
        let lists = [TURNS, STARTS, CHOICES, REVERSALS, THANKS];
        for phrase in lists.into_iter().flatten() {
            let words = crate::words::words(phrase);
            let plain: Vec<&str> = words.iter().map(|word| word.folded.as_str()).collect();
            assert_eq!(plain.join(" "), phrase.replace('*', ""));
        }
    }
}
