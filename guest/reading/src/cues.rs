//! The words by which decisions, questions and deadlines are recognised: data, no code.
//!
//! Phrases are folded (lower case, no accents) words parted by blanks, as [`crate::words`]
//! parts them: `d'ici` is `d ici`. A word that ends in `*` is a stem.

use crate::language::Language::{self, English, French, Malagasy};

/// How a cue has to stand in a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Anywhere.
    Says,
    /// As the first words, before a colon.
    Label,
    /// The given word follows within three words.
    Then(&'static str),
    /// A day that is still to come begins at most so many words behind it.
    BeforeDay(usize),
    /// A day that is still to come stands anywhere in the sentence.
    WithDay,
}

/// One way to recognise a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cue {
    /// The language it belongs to.
    pub language: Language,
    /// The folded words.
    pub phrase: &'static str,
    /// How they have to stand.
    pub rule: Rule,
}

const fn says(language: Language, phrase: &'static str) -> Cue {
    Cue {
        language,
        phrase,
        rule: Rule::Says,
    }
}
const fn label(language: Language, phrase: &'static str) -> Cue {
    Cue {
        language,
        phrase,
        rule: Rule::Label,
    }
}
const fn then(language: Language, phrase: &'static str, next: &'static str) -> Cue {
    Cue {
        language,
        phrase,
        rule: Rule::Then(next),
    }
}
const fn before_day(language: Language, phrase: &'static str, words: usize) -> Cue {
    Cue {
        language,
        phrase,
        rule: Rule::BeforeDay(words),
    }
}
const fn with_day(language: Language, phrase: &'static str) -> Cue {
    Cue {
        language,
        phrase,
        rule: Rule::WithDay,
    }
}

/// What says that something was decided.
pub const DECISIONS: &[Cue] = &[
    says(English, "we decided"),
    says(English, "decided to"),
    says(English, "decided that"),
    says(English, "decided not to"),
    says(English, "decided on"),
    says(English, "decided against"),
    says(English, "have decided"),
    says(English, "has decided"),
    says(English, "was decided"),
    says(English, "were decided"),
    says(English, "decision is"),
    label(English, "decided"),
    label(English, "decision"),
    label(English, "agreed"),
    says(English, "agreed to"),
    says(English, "agreed that"),
    says(English, "agreed on"),
    says(English, "agreed with"),
    says(English, "we agreed"),
    says(English, "have agreed"),
    says(English, "was agreed"),
    says(English, "let s go with"),
    says(English, "we will go with"),
    says(English, "we ll go with"),
    says(English, "we are going with"),
    says(English, "going ahead with"),
    says(English, "we chose"),
    says(English, "have chosen"),
    says(English, "has chosen"),
    says(English, "settled on"),
    says(English, "signed off on"),
    says(English, "is approved"),
    says(English, "was approved"),
    says(English, "has approved"),
    says(English, "have approved"),
    says(English, "we approved"),
    label(French, "decision"),
    label(French, "decide"),
    label(French, "acte"),
    says(French, "avons decide"),
    says(French, "on a decide"),
    says(French, "a decide"),
    says(French, "ont decide"),
    says(French, "ai decide"),
    says(French, "est decide"),
    says(French, "ete decide*"),
    says(French, "decide par"),
    says(French, "decide que"),
    says(French, "decision prise"),
    says(French, "decision confirmee"),
    says(French, "avons tranche"),
    says(French, "a tranche"),
    says(French, "ont tranche"),
    says(French, "ete tranche*"),
    says(French, "avons retenu"),
    says(French, "ai retenu"),
    says(French, "a retenu"),
    says(French, "ete retenu*"),
    says(French, "nous retenons"),
    says(French, "on retient"),
    says(French, "est convenu"),
    says(French, "ete convenu"),
    says(French, "avons convenu"),
    says(French, "ont convenu"),
    says(French, "a convenu"),
    says(French, "sommes convenus"),
    says(French, "est valide"),
    says(French, "est validee"),
    says(French, "ete valide*"),
    says(French, "avons valide"),
    says(French, "a valide"),
    says(French, "nous validons"),
    says(French, "je valide"),
    says(French, "avons choisi"),
    says(French, "ai choisi"),
    says(French, "a choisi"),
    says(French, "ont choisi"),
    says(French, "sommes d accord"),
    says(French, "sommes tombes d accord"),
    says(French, "on part sur"),
    says(French, "nous partons sur"),
    says(French, "on reste sur"),
    says(French, "nous restons sur"),
    says(French, "preferons finalement"),
    says(French, "avons approuve"),
    says(French, "a approuve"),
    says(French, "est acte*"),
    then(Malagasy, "tapaka", "fa"),
    says(Malagasy, "tapa kevitra"),
    says(Malagasy, "nanapa kevitra"),
    says(Malagasy, "nanapaka hevitra"),
    says(Malagasy, "nifanarahana"),
    says(Malagasy, "nifanaraka"),
    says(Malagasy, "nifanarahantsika"),
    says(Malagasy, "nifanarahanay"),
    says(Malagasy, "nifidy"),
    says(Malagasy, "nofidina"),
    says(Malagasy, "nofidinay"),
    says(Malagasy, "nofidintsika"),
    says(Malagasy, "voafidy"),
    says(Malagasy, "voatendry"),
    says(Malagasy, "nankatoavina"),
    says(Malagasy, "nankatoavinay"),
    then(Malagasy, "nekena", "fa"),
    then(Malagasy, "raikitra", "fa"),
    label(Malagasy, "fanapahan kevitra"),
];

/// What takes a decision back: proposals, figures of speech, decisions still to be made.
pub const NO_DECISION: &[&str] = &[
    "not yet",
    "not decided",
    "not been decided",
    "haven t decided",
    "hasn t decided",
    "nothing is decided",
    "nothing has been",
    "nothing was decided",
    "to be decided",
    "has to be decided",
    "no decision",
    "should decide",
    "until we decide",
    "as agreed",
    "as we agreed",
    "once approved",
    "if approved",
    "pas encore",
    "n est encore",
    "pas decide",
    "rien n est",
    "rien n a",
    "a decider",
    "reste a",
    "aucune decision",
    "une fois valide*",
    "si vous validez",
    "proposons de",
    "proposition",
    "araka ny nifanarahana",
    "mbola tsy",
    "tsy mbola",
    "tsy nifanaraka",
];

/// What says that something is due; a day has to be named.
pub const DEADLINES: &[Cue] = &[
    before_day(English, "by", 3),
    before_day(English, "before", 3),
    before_day(English, "no later than", 3),
    before_day(English, "not later than", 3),
    before_day(English, "due", 3),
    before_day(English, "until", 3),
    with_day(English, "deadline"),
    with_day(English, "is due"),
    with_day(English, "are due"),
    with_day(English, "at the latest"),
    with_day(English, "must"),
    with_day(English, "has to"),
    with_day(English, "have to"),
    with_day(English, "i need"),
    with_day(English, "we need"),
    with_day(English, "i will"),
    with_day(English, "we will"),
    with_day(English, "i ll"),
    with_day(English, "we ll"),
    with_day(English, "will send"),
    with_day(English, "will deliver"),
    with_day(English, "will be ready"),
    with_day(English, "urgent"),
    before_day(French, "avant", 5),
    before_day(French, "au plus tard", 3),
    before_day(French, "d ici", 3),
    before_day(French, "pour", 2),
    before_day(French, "jusqu au", 3),
    before_day(French, "jusqu a", 3),
    with_day(French, "au plus tard"),
    with_day(French, "echeance"),
    with_day(French, "date limite"),
    with_day(French, "dernier delai"),
    with_day(French, "delai"),
    with_day(French, "livraison"),
    with_day(French, "a rendre"),
    with_day(French, "a livrer"),
    with_day(French, "doit"),
    with_day(French, "doivent"),
    with_day(French, "il faut"),
    with_day(French, "il nous faut"),
    with_day(French, "il me faut"),
    with_day(French, "il me faudrait"),
    with_day(French, "ai besoin"),
    with_day(French, "avons besoin"),
    with_day(French, "vous recevrez"),
    with_day(French, "j enverrai"),
    with_day(French, "nous enverrons"),
    with_day(French, "urgent*"),
    before_day(Malagasy, "alohan ny", 3),
    before_day(Malagasy, "hatramin ny", 3),
    before_day(Malagasy, "mialoha ny", 3),
    with_day(Malagasy, "alohan izay"),
    with_day(Malagasy, "farafahatarany"),
    with_day(Malagasy, "farafahatara"),
    with_day(Malagasy, "fe potoana"),
    with_day(Malagasy, "daty farany"),
    with_day(Malagasy, "tsy maintsy"),
    with_day(Malagasy, "tokony ho"),
];

/// What names a day on which nothing is due: absences, periods.
pub const NO_DEADLINE: &[&str] = &[
    "absent*",
    "absence",
    "out of office",
    "out of the office",
    "conge",
    "conges",
    "vacances",
    "on leave",
    "miala sasatra",
    "tsy eo aho",
    "semaines qui viennent",
    "la periode",
    "weeks ahead",
    "was due",
    "were due",
    "etait du*",
];

/// Words before a day that make it a beginning and not an end.
pub const BEGINNINGS: &[&str] = &[
    "from",
    "since",
    "depuis",
    "des",
    "starting",
    "after",
    "apres",
    "nanomboka",
    "manomboka",
];

/// Words of a heading under which every item is a decision, a question or a deadline.
pub const DECISION_HEADINGS: &[&str] = &[
    "decision*",
    "decided",
    "fanapahan kevitra",
    "tapaka",
    "nifanarahana",
    "agreed",
    "releve de decisions",
];
/// See [`DECISION_HEADINGS`].
pub const QUESTION_HEADINGS: &[&str] = &[
    "question*",
    "open points",
    "points ouverts",
    "fanontaniana",
    "a trancher",
    "to clarify",
    "a clarifier",
];
/// See [`DECISION_HEADINGS`].
pub const DEADLINE_HEADINGS: &[&str] = &[
    "deadline*",
    "echeance*",
    "due",
    "due dates",
    "due date",
    "fe potoana",
    "daty farany",
    "calendrier",
    "delais",
    "milestones",
    "jalons",
];

/// Questions that ask nothing.
pub const SMALL_TALK: &[&str] = &[
    "how are you",
    "how is it going",
    "how s it going",
    "what s up",
    "any questions",
    "comment allez vous",
    "comment vas tu",
    "comment ca va",
    "ca va",
    "tout va bien",
    "des questions",
    "n est ce pas",
    "pourquoi pas",
    "why not",
    "isn t it",
    "right",
    "ok",
    "d accord",
    "vraiment",
    "really",
    "manao ahoana",
    "inona no vaovao",
    "inona vaovao",
    "salama tsara",
    "ah bon",
    "sa tsy izany",
    "tsy izany ve",
];

/// Requests that ask a question without its mark.
pub const INDIRECT_QUESTIONS: &[&str] = &[
    "let me know if",
    "let me know whether",
    "let us know if",
    "let us know whether",
    "please confirm whether",
    "please confirm if",
    "merci de me dire si",
    "merci de nous dire si",
    "dites moi si",
    "dites nous si",
    "merci de confirmer si",
    "lazao ahy raha",
    "reste a decider",
    "reste a trancher",
    "remains to be decided",
    "still to be decided",
    "open question",
];

/// Words that are too common to say what a sentence is about.
pub const COMMON: &[&str] = &[
    "nous",
    "vous",
    "avec",
    "pour",
    "dans",
    "cette",
    "sont",
    "est",
    "that",
    "this",
    "with",
    "will",
    "have",
    "from",
    "what",
    "which",
    "when",
    "they",
    "them",
    "your",
    "only",
    "than",
    "there",
    "about",
    "decide",
    "decided",
    "decision",
    "agreed",
    "convenu",
    "tapaka",
    "nifanarahana",
    "izany",
    "ireo",
    "amin",
    "tamin",
    "momba",
    "does",
    "must",
    "plus",
    "elle",
    "leur",
    "votre",
    "notre",
    "tout",
    "toute",
    "tous",
    "deja",
    "encore",
    "aussi",
    "faut",
    "peut",
    "etre",
    "quelle",
    "quel",
    "qui",
    "seront",
    "sera",
    "avez",
    "avons",
    "bien",
    "comme",
    "mais",
    "donc",
    "seul",
    "ceux",
    "entre",
    "iza",
    "inona",
    "rahoviana",
    "hatao",
    "izahay",
    "isika",
    "ianareo",
    "would",
    "could",
    "should",
    "want",
    "need",
    "side",
    "each",
    "every",
    "between",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::fold;

    #[test]
    fn every_phrase_is_folded_and_parted_by_single_blanks() {
        let cues = DECISIONS.iter().chain(DEADLINES).map(|cue| cue.phrase);
        let lists = [
            NO_DECISION,
            NO_DEADLINE,
            BEGINNINGS,
            DECISION_HEADINGS,
            QUESTION_HEADINGS,
            DEADLINE_HEADINGS,
            SMALL_TALK,
            INDIRECT_QUESTIONS,
            COMMON,
        ];
        for phrase in cues.chain(lists.into_iter().flatten().copied()) {
            assert_eq!(fold(phrase), phrase, "not folded");
            let words = crate::words::words(phrase);
            let plain: Vec<&str> = words.iter().map(|word| word.folded.as_str()).collect();
            assert_eq!(
                plain.join(" "),
                phrase.replace('*', ""),
                "not parted as sentences are"
            );
        }
    }
}
