//! The subjects of mails that a machine sends while somebody is away. The words are data, folded
//! as in [`crate::cues`]. Start at [`is_automatic`].

use crate::words::{Word, has_phrase, words};

/// How such a subject begins.
#[rustfmt::skip]
const BEGINS: &[&str] = &[
    "automatic reply", "out of office", "out of the office", "autoreply", "auto reply",
    "automatic response", "reponse automatique", "absence du bureau", "absent du bureau",
    "absente du bureau", "absent e du bureau", "valiny mandeha ho azy",
];
/// What may follow without a sign between: "Out of office hours" is a person's subject.
#[rustfmt::skip]
const GOES_ON: &[&str] = &[
    "until", "till", "from", "re", "reply", "message", "notification", "notice", "today", "this",
    "on", "to", "and", "jusqu", "jusque", "du", "le", "pour", "a", "hatramin",
];
/// A word that means it only in front of a colon.
const LABEL: &str = "auto";

/// Whether a subject is a machine's. Where the mail asks other machines not to answer it, as
/// machines do, the words may stand anywhere but in an answer to it.
#[must_use]
pub fn is_automatic(subject: &str, suppresses: bool) -> bool {
    let words = words(subject);
    let behind = |word: &Word<'_>| subject[word.end..].trim_start().chars().next();
    let labelled = words
        .first()
        .is_some_and(|word| word.folded == LABEL && behind(word) == Some(':'));
    let begins = BEGINS.iter().any(|phrase| {
        let length = phrase.split(' ').count();
        let Some(last) = words
            .get(length - 1)
            .filter(|_| has_phrase(&words[..length], phrase))
        else {
            return false;
        };
        let sign = behind(last).is_none_or(|it| !it.is_alphanumeric());
        let next = words.get(length).map(|it| it.folded.as_str());
        sign || next.is_some_and(|it| GOES_ON.contains(&it))
    });
    let answers = ["re", "aw", "tr", "fw", "fwd"];
    let person = words
        .first()
        .is_some_and(|word| answers.contains(&word.folded.as_str()) && behind(word) == Some(':'));
    let anywhere = || BEGINS.iter().any(|phrase| has_phrase(&words, phrase));
    labelled || begins || suppresses && !person && anywhere()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::fold;

    #[test]
    fn what_a_machine_writes_is_told_from_what_people_answer() {
        for subject in [
            "Automatic reply: Banner",
            "Out of Office: Banner",
            "Out of office",
            "OUT OF OFFICE until 5 October",
            "Out-of-office reply",
            "Auto: Banner",
            "Autoreply",
            "Auto-reply: Banner",
            "Réponse automatique : Bannière",
            "Absence du bureau",
            "Absent du bureau",
            "Absente du bureau jusqu'au 5",
            "Absent(e) du bureau",
            "Valiny mandeha ho azy: Sora-baventy",
        ] {
            assert!(is_automatic(subject, false), "{subject}");
        }
        for subject in [
            "Re: Out of Office",
            "RE : Réponse automatique : Bannière",
            "Fwd: Automatic reply: Banner",
            "Out of office hours",
            "Autoreply texts for the site",
            "Auto insurance",
            "Auto",
            "Our automatic reply: a text",
            "",
        ] {
            assert!(!is_automatic(subject, false), "{subject}");
        }
        assert!(is_automatic("Banner (out of office)", true));
        assert!(!is_automatic("Re: Out of Office", true));
        assert!(!is_automatic("Banner", true));
        for word in BEGINS.iter().chain(GOES_ON) {
            assert_eq!(fold(word), *word);
        }
    }
}
