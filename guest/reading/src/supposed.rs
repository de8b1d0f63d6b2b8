//! What is only supposed, hoped for, denied or left open: no decision and no deadline. Phrases are
//! folded as in [`crate::cues`].

use std::ops::Range;

use crate::cues;
use crate::due_words;
use crate::words::{Word, begins_with, find_phrase, has_phrase};

/// What says that the rest holds in one case only.
#[rustfmt::skip]
const IF: &[&str] = &[
    "if", "unless", "whether", "in case", "provided", "assuming", "supposing", "should we",
    "should you", "should they", "subject to",
    "si", "s il", "s ils", "a condition", "a moins", "au cas ou", "pourvu", "sauf si",
    "sous reserve", "en supposant",
    "raha",
];
/// What says that the rest holds later, once something has happened.
#[rustfmt::skip]
const ONCE: &[&str] = &[
    "once", "as soon as", "when it is", "when it s", "when this is", "when that is", "after it is",
    "une fois", "des que", "des lors que", "quand ce sera", "lorsque ce sera", "quand il sera",
    "lorsqu il sera", "quand elle sera", "rehefa", "vantany vao", "raha vao",
];
/// What begins like that and restricts nothing.
#[rustfmt::skip]
const MEANS_NOTHING: &[&str] = &[
    "if possible", "if needed", "if necessary", "if you please", "if any", "if at all possible",
    "once again", "once more", "once and for all", "even if", "as if",
    "si possible", "si besoin", "si necessaire", "s il vous plait", "s il te plait", "si bien que",
    "si vous voulez bien", "s il y a lieu", "une fois de plus", "une fois encore",
    "une fois pour toutes", "meme si", "comme si",
    "raha azo atao", "raha ilaina", "rehefa avy", "rehefa n*", "rehefa efa",
];
/// What makes it doubtful wherever it stands before.
#[rustfmt::skip]
const PERHAPS: &[&str] = &[
    "perhaps", "maybe", "peut etre", "angamba", "mety ho", "il se peut", "il parait", "as though",
    "je crois que", "i think they", "i guess", "toa hoe",
];
/// What makes it doubtful right before it.
#[rustfmt::skip]
const MIGHT: &[&str] = &[
    "might", "may", "could", "would", "should", "must",
    "pourrait", "pourraient", "pourrions", "devrait", "devraient", "devrions", "aurait",
    "auraient", "aurions", "aurais", "auriez", "serait", "seraient", "soit", "ait",
    "mety", "tokony",
];
/// What denies it right before it, also with a word of [`YET`] between.
#[rustfmt::skip]
const NOT: &[&str] = &[
    "not", "t", "never", "nobody", "pas", "jamais", "personne", "tsy",
];
#[rustfmt::skip]
const YET: &[&str] = &[
    "yet", "really", "formally", "have", "has", "had", "be", "been",
    "encore", "vraiment", "ete", "mbola",
];
/// Present and future: they hold only if the rest does, wherever that stands.
#[rustfmt::skip]
const OFFERS: &[&str] = &[
    "let s go with", "we will go with", "we ll go with", "we are going with", "we go with",
    "we re going with", "going ahead with", "on part sur", "nous partons sur", "on reste sur",
    "nous restons sur", "on opte pour", "nous optons pour", "on choisit", "nous choisissons",
    "je valide", "nous validons", "nous retenons", "on retient", "is approved", "est valide",
    "est validee",
];
/// What somebody offers to do, rather than what somebody has to.
#[rustfmt::skip]
const PROMISES: &[&str] = &[
    "will", "ll", "can", "could", "would",
    "livrons", "livrerons", "envoyons", "enverrons", "enverrai", "lancons", "lancerons",
    "recevrez", "pouvons", "pourrons", "pourrions", "commencons", "commencerons", "imprimons",
    "imprimerons", "publions", "publierons", "sera", "serons",
    "hanatitra", "handefa", "hahavita", "hanomboka", "afaka",
];
/// What somebody is asked to do is due, whatever it depends on.
#[rustfmt::skip]
const REQUESTS: &[&str] = &[
    "please", "need", "needs", "must", "has to", "have to", "let me know", "let us know",
    "kindly", "deadline", "is due", "are due",
    "merci de", "merci d", "veuillez", "priere", "il faut", "il faudra", "doit", "doivent", "devez",
    "devons", "besoin", "dites moi", "dites nous", "svp", "echeance",
    "azafady", "mba", "mila", "tsy maintsy", "lazao", "fe potoana",
];
/// What somebody waits for before anything is done.
#[rustfmt::skip]
const APPROVALS: &[&str] = &[
    "approv*", "decid*", "agree*", "accept*", "confirm*", "sign*", "valid*", "tranche*",
    "ekena", "tapaka", "nekena", "nankatoav*", "ankatoav*", "manaiky", "voasonia", "neken*",
];
/// What says that something is still to be decided.
#[rustfmt::skip]
const OPEN: &[&str] = &[
    "have not decided", "haven t decided", "has not decided", "hasn t decided", "not yet decided",
    "not decided yet", "no decision yet", "no decision has been", "no decision was",
    "no decision on", "yet to decide", "yet to be decided", "to be decided", "not been decided",
    "still undecided", "have not agreed on", "haven t agreed on", "not yet agreed on",
    "should we decide",
    "avons pas decide", "avons pas encore decide", "avons pas tranche", "avons pas encore tranche",
    "pas encore ete decide*", "est pas encore decide*", "pas encore tranche*", "pas ete decide*",
    "aucune decision", "pas encore de decision", "pas de decision", "doit etre decide*",
    "mbola tsy nanapa kevitra", "mbola tsy nanapaka hevitra", "tsy mbola nanapa kevitra",
    "mbola tsy tapaka", "tsy mbola tapaka", "tsy mbola misy fanapahan kevitra",
    "mbola tsy misy fanapahan kevitra", "mbola tsy nifanaraka",
];
/// Words of it that say nothing of what is to be decided.
#[rustfmt::skip]
const OF_IT: &[&str] = &[
    "decid*", "decis*", "tranche*", "agreed", "been", "still", "today", "nothing", "rien", "aucune",
    "aujourd", "jour", "instant", "moment", "point", "fanapahan", "kevitra", "hevitra", "nanapa*",
    "mbola", "misy", "tapaka", "nifanaraka", "izahay", "isika", "unfortunately", "malheureusement",
];

/// How many words of those that restrict something stand at this place.
fn restricts(words: &[Word<'_>], at: usize) -> bool {
    let here = |phrases: &[&str]| phrases.iter().any(|it| begins_with(&words[at..], it));
    let back = at.saturating_sub(2)..=at;
    let nothing = MEANS_NOTHING.iter().any(|phrase| {
        let length = phrase.split(' ').count();
        let mut places = back.clone();
        places
            .any(|from| begins_with(&words[from..], phrase) && (from..from + length).contains(&at))
    });
    !nothing && (here(IF) || here(ONCE))
}

/// Whether what stands at `said` is supposed, hoped for or denied.
#[must_use]
pub fn is_supposed(text: &str, words: &[Word<'_>], said: &Range<usize>) -> bool {
    let clause = |word: &Word<'_>| due_words::CLAUSES.contains(&word.folded.as_str());
    let begin = words[..said.start].iter().rposition(clause).unwrap_or(0);
    let before = &words[begin..said.start];
    if (begin..said.start).any(|at| restricts(words, at))
        || PERHAPS.iter().any(|phrase| has_phrase(before, phrase))
    {
        return true;
    }
    // `don't worry, we agreed`: a comma ends what a small word denies.
    let near = |back: usize| {
        let at = said.start.checked_sub(back).filter(|at| *at >= begin)?;
        let between = &text[words[at].end..words[said.start].start];
        (!between.contains([',', ';', ':', '(', ')'])).then(|| words[at].folded.as_str())
    };
    let first = near(1).is_some_and(|word| MIGHT.contains(&word) || NOT.contains(&word));
    let second = near(1).is_some_and(|word| YET.contains(&word))
        && near(2).is_some_and(|word| MIGHT.contains(&word) || NOT.contains(&word));
    if first || second {
        return true;
    }
    let offers = OFFERS
        .iter()
        .any(|it| begins_with(&words[said.start..], it));
    offers && (said.end..words.len()).any(|at| restricts(words, at))
}

/// Whether what is due in a sentence is due in one case only; its last day begins with that word.
#[must_use]
pub fn is_conditional(words: &[Word<'_>], last_day: usize) -> bool {
    let asked = || REQUESTS.iter().any(|phrase| has_phrase(words, phrase));
    let holds = |at: &usize| {
        if !restricts(words, *at) {
            return false;
        }
        let once = ONCE.iter().any(|phrase| begins_with(&words[*at..], phrase));
        let next = &words[*at..words.len().min(at + 7)];
        let approved = || APPROVALS.iter().any(|stem| has_phrase(next, stem));
        // `si vous n'avez pas répondu avant vendredi, nous fermons`: that is when it is due.
        let denied = next.iter().any(|word| NOT.contains(&word.folded.as_str()));
        // `I can do it if I get your answers before Friday`: they are due, whoever offers what.
        let promised = || {
            let before = &words[..*at];
            last_day < *at && PROMISES.iter().any(|word| has_phrase(before, word))
        };
        !denied && (!once || approved()) && (*at <= 1 || promised())
    };
    (0..words.len()).any(|at| holds(&at)) && !asked()
}

/// Whether a sentence says of something that it is still to be decided.
#[must_use]
pub fn is_open(words: &[Word<'_>]) -> bool {
    let open = OPEN
        .iter()
        .any(|phrase| find_phrase(words, phrase, 0).is_some());
    let names = |at: usize| {
        let folded = words[at].folded.as_str();
        let common = cues::COMMON.contains(&folded);
        let of_it = OF_IT.iter().any(|stem| begins_with(&words[at..], stem));
        folded.chars().count() >= 4 && !common && !of_it
    };
    open && !(0..words.len()).any(|at| restricts(words, at)) && (0..words.len()).any(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phrase_is_folded_and_parted_by_single_blanks() {
        let lists = [
            IF,
            ONCE,
            MEANS_NOTHING,
            PERHAPS,
            MIGHT,
            NOT,
            YET,
            OFFERS,
            PROMISES,
            REQUESTS,
            APPROVALS,
            OPEN,
            OF_IT,
        ];
        for phrase in lists.into_iter().flatten() {
            let words = crate::words::words(phrase);
            let plain: Vec<&str> = words.iter().map(|word| word.folded.as_str()).collect();
            assert_eq!(plain.join(" "), phrase.replace('*', ""));
        }
    }
}
