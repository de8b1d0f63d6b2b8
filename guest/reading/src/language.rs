//! Which of the three languages a text is in: counts of small words that only one of them has.

use serde::{Deserialize, Serialize};

use crate::words;

/// The languages whose decisions, questions and deadlines are recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Language {
    /// English.
    #[serde(rename = "en")]
    English,
    /// French.
    #[serde(rename = "fr")]
    French,
    /// Malagasy.
    #[serde(rename = "mg")]
    Malagasy,
}

const SMALL_WORDS: &[(Language, &[&str])] = &[
    (
        Language::English,
        &[
            "the", "and", "is", "are", "we", "you", "to", "of", "for", "by", "will", "with", "on",
            "this", "that", "have", "has", "who", "what", "when", "please", "it", "be", "can",
            "our", "your", "in", "do", "does", "should", "from",
        ],
    ),
    (
        Language::French,
        &[
            "le", "la", "les", "des", "est", "et", "nous", "vous", "pour", "avec", "dans", "une",
            "un", "sur", "qui", "que", "quand", "au", "aux", "du", "de", "je", "il", "on", "ce",
            "cette", "pas", "sont", "avant", "merci", "l", "d", "qu", "en",
        ],
    ),
    (
        Language::Malagasy,
        &[
            "ny",
            "dia",
            "fa",
            "amin",
            "izao",
            "isika",
            "izahay",
            "ianao",
            "ianareo",
            "ve",
            "tsy",
            "sy",
            "ho",
            "efa",
            "mbola",
            "aho",
            "izy",
            "ireo",
            "raha",
            "azafady",
            "misaotra",
            "inona",
            "iza",
            "rahoviana",
            "no",
            "tamin",
            "hoe",
            "anao",
            "ity",
            "io",
        ],
    ),
];

/// Whether a word is one of the small words of a language: none of them is written with a capital
/// letter within a sentence. The ones that names begin with ("La Rochelle") are left out.
#[must_use]
pub fn is_small_word(folded: &str) -> bool {
    const IN_NAMES: &[&str] = &[
        "le", "la", "les", "l", "d", "du", "de", "des", "will", "no", "on",
    ];
    let known = |(_, small): &(Language, &[&str])| small.contains(&folded);
    !IN_NAMES.contains(&folded) && SMALL_WORDS.iter().any(known)
}

/// The language whose small words are most frequent; none where nothing was recognised.
#[must_use]
pub fn guess(text: &str) -> Option<Language> {
    let mut scores = [0_usize; 3];
    for word in words::words(text) {
        for (score, (_, small)) in scores.iter_mut().zip(SMALL_WORDS) {
            *score += usize::from(small.contains(&word.folded.as_str()));
        }
    }
    let best = *scores.iter().max()?;
    if best == 0 {
        return None;
    }
    let at = scores.iter().position(|&score| score == best)?;
    Some(SMALL_WORDS[at].0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_is_told_from_the_others() {
        for (text, expected) in [
            (
                "We decided to ship the edition on Monday.",
                Some(Language::English),
            ),
            (
                "Nous avons décidé de livrer la page d'accueil.",
                Some(Language::French),
            ),
            (
                "Tapaka fa amin'ny Zoma no hovitaina ny tatitra.",
                Some(Language::Malagasy),
            ),
            ("Iza no miantso azy?", Some(Language::Malagasy)),
            ("42", None),
            ("", None),
        ] {
            assert_eq!(guess(text), expected, "{text}");
        }
    }
}
