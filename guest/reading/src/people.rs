//! People as mails and notes name them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::words::{Word, fold, is_capitalised};

/// One person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// As they are called.
    pub name: String,
    /// Their mail address, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

impl Person {
    /// A person with a name only.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            address: None,
        }
    }

    /// What they are called by: the first part of the name.
    #[must_use]
    pub fn first_name(&self) -> &str {
        self.name
            .split([' ', '.', '@'])
            .next()
            .unwrap_or(&self.name)
    }
}

/// A person in the list of all, with how often they wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// As they are called.
    pub name: String,
    /// Their mail address, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// How many texts they wrote.
    pub wrote: usize,
}

/// Everybody who was seen, one entry for each address or name.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    seen: BTreeMap<String, Counted>,
}

impl Directory {
    /// Notes a person; `wrote` when they are the author.
    pub fn see(&mut self, person: &Person, wrote: bool) {
        let key = person
            .address
            .as_deref()
            .map_or_else(|| fold(&person.name), fold);
        let entry = self.seen.entry(key).or_insert_with(|| Counted {
            name: person.name.clone(),
            address: person.address.clone(),
            wrote: 0,
        });
        entry.wrote += usize::from(wrote);
        let bare = entry.name.contains('@') && !person.name.contains('@');
        if bare {
            entry.name.clone_from(&person.name);
        }
    }

    /// The full name of whom a word names, where it is the first or last name of somebody seen.
    #[must_use]
    pub fn full_name(&self, word: &str) -> Option<&str> {
        let folded = fold(word);
        let is_theirs = |person: &&Counted| {
            !person.name.contains('@')
                && fold(&person.name).split([' ', '-']).any(|it| it == folded)
        };
        self.seen
            .values()
            .find(is_theirs)
            .map(|person| person.name.as_str())
    }

    /// Everybody, those who wrote most first.
    #[must_use]
    pub fn list(&self) -> Vec<Counted> {
        let mut everybody: Vec<Counted> = self.seen.values().cloned().collect();
        everybody.sort_by(|left, right| {
            right
                .wrote
                .cmp(&left.wrote)
                .then_with(|| left.name.cmp(&right.name))
        });
        everybody
    }
}

/// Words after a name that make its bearer the one who has to act.
const ACTS: &[&str] = &[
    "will",
    "shall",
    "must",
    "has",
    "needs",
    "should",
    "sends",
    "calls",
    "prepares",
    "is",
    "doit",
    "devra",
    "va",
    "envoie",
    "enverra",
    "prepare",
    "preparera",
    "fera",
    "fait",
    "rappelle",
    "rappellera",
    "livre",
    "livrera",
    "termine",
    "terminera",
    "relance",
    "relancera",
    "corrige",
    "corrigera",
    "finalise",
    "finalisera",
    "valide",
    "validera",
    "transmet",
    "transmettra",
    "appelle",
    "appellera",
    "met",
    "mettra",
    "reste",
    "s",
    "redige",
    "verifie",
    "organise",
    "to",
    "handa",
    "dia",
    "no",
    "tokony",
    "tsy",
];
/// Words before a name that make its bearer the one who has to act.
const BEFORE: &[&str] = &[
    "par",
    "by",
    "owner",
    "responsable",
    "tompon",
    "qui",
    "nataon",
    "ataon",
];
/// Words in the first person: the author has to act.
const FIRST: &[&str] = &["je", "j", "i", "izaho", "aho"];
/// Capitalised words that begin a sentence and name nobody.
const NOBODY: &[&str] = &[
    "the",
    "this",
    "that",
    "it",
    "we",
    "you",
    "they",
    "he",
    "she",
    "i",
    "there",
    "what",
    "who",
    "le",
    "la",
    "les",
    "l",
    "il",
    "elle",
    "on",
    "nous",
    "vous",
    "ils",
    "ce",
    "cela",
    "ca",
    "je",
    "tout",
    "tous",
    "un",
    "une",
    "des",
    "qui",
    "tu",
    "c",
    "n",
    "ny",
    "izy",
    "isika",
    "izahay",
    "ianao",
    "io",
    "ity",
    "iza",
    "inona",
    "everything",
    "everyone",
    "please",
    "merci",
    "client",
    "livraison",
    "echeance",
    "deadline",
    "decision",
    "action",
    "report",
    "rapport",
    "today",
    "a",
    "an",
    "our",
    "your",
    "notre",
    "votre",
    "mon",
    "ma",
    "si",
    "if",
    "and",
    "et",
    "todo",
];

/// Whom a task in a list is given to: `Hery: send the quote`.
#[must_use]
pub fn assigned(task: &str) -> Option<String> {
    let (name, rest) = task.split_once(':')?;
    let name = name.trim().trim_start_matches('@');
    let short = (1..=3).contains(&name.split_whitespace().count());
    let named = short && name.split_whitespace().all(is_capitalised) && !rest.starts_with("//");
    (named && !NOBODY.contains(&fold(name).as_str())).then(|| name.to_owned())
}

/// Who has to act in a sentence: somebody seen who is named as the one who acts, a name before
/// a colon or a verb, or the author where the sentence is in the first person.
#[must_use]
pub fn owner(
    words: &[Word<'_>],
    sentence: &str,
    author: Option<&Person>,
    all: &Directory,
) -> Option<String> {
    let acts = |at: usize| {
        words
            .get(at)
            .is_some_and(|word| ACTS.contains(&word.folded.as_str()))
    };
    for (at, word) in words.iter().enumerate() {
        let short = word.text.chars().count() < 2;
        if short || !is_capitalised(word.text) || NOBODY.contains(&word.folded.as_str()) {
            continue;
        }
        let colon = at < 2 && sentence[word.end..].trim_start().starts_with(':');
        let mentioned = sentence[..word.start].ends_with('@');
        let after = at > 0 && BEFORE.contains(&words[at - 1].folded.as_str());
        let known = all.full_name(word.text);
        let starts = at == 0 && acts(1);
        let surname = known.is_some() && (acts(at + 1) || acts(at + 2));
        if surname || mentioned || (after && known.is_some()) || colon && known.is_some() || starts
        {
            return Some(known.unwrap_or(word.text).to_owned());
        }
    }
    let first_person = words
        .iter()
        .take(8)
        .any(|word| FIRST.contains(&word.folded.as_str()));
    author
        .filter(|_| first_person)
        .map(|author| author.name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::words;

    #[test]
    fn who_has_to_act() {
        let mut all = Directory::default();
        all.see(&Person::named("Hery Rakoto"), true);
        all.see(&Person::named("Lalao"), false);
        let author = Person::named("Lalao");
        for (sentence, expected) in [
            ("Hery doit envoyer le devis", Some("Hery Rakoto")),
            ("Hery: envoyer le devis", Some("Hery Rakoto")),
            ("J'envoie le devis demain", Some("Lalao")),
            ("I will call them", Some("Lalao")),
            ("@Tojo please look", Some("Tojo")),
            ("Tojo will call", Some("Tojo")),
            ("The report is due on Friday", None),
            ("à envoyer par Hery", Some("Hery Rakoto")),
            ("Livraison: vendredi", None),
        ] {
            let found = owner(&words(sentence), sentence, Some(&author), &all);
            assert_eq!(found.as_deref(), expected, "{sentence}");
        }
    }

    #[test]
    fn one_entry_for_each_address() {
        let mut all = Directory::default();
        let address = Some("hery@riake.mg".to_owned());
        all.see(
            &Person {
                name: "hery@riake.mg".to_owned(),
                address: address.clone(),
            },
            true,
        );
        all.see(
            &Person {
                name: "Hery Rakoto".to_owned(),
                address,
            },
            true,
        );
        let list = all.list();
        assert_eq!(
            (list.len(), list[0].name.as_str(), list[0].wrote),
            (1, "Hery Rakoto", 2)
        );
    }
}
