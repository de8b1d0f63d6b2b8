//! Text → words that can be compared.

/// A word as it was written, folded (case and accents), and without its ending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word<'t> {
    pub raw: &'t str,
    pub folded: String,
    pub stem: String,
    pub is_stop: bool,
}

pub(super) fn words(text: &str) -> Vec<Word<'_>> {
    let part = |c: char| {
        c.is_alphanumeric() || matches!(c, '@' | '%' | '$' | '€' | '#' | '\u{300}'..='\u{36f}')
    };
    let inner = |c: char| part(c) || matches!(c, '.' | '-' | '_' | '/' | ':');
    let mut all = Vec::new();
    for raw in text.split(|c: char| !inner(c)) {
        // `notes.md`, `2026-10-05` and `re-read` are words; `notes.` and `--` have edges
        let raw = raw.trim_matches(|c: char| !part(c));
        let hyphenated = raw
            .chars()
            .all(|c| c.is_alphabetic() || matches!(c, '-' | '_' | '/'));
        let pieces: Vec<&str> = if hyphenated {
            raw.split(['-', '_', '/']).collect()
        } else {
            vec![raw]
        };
        for piece in pieces.into_iter().filter(|piece| !piece.is_empty()) {
            all.push(word(piece));
        }
    }
    all
}

fn word(raw: &str) -> Word<'_> {
    let folded = fold(raw);
    let stem = stem(&folded);
    let is_stop = STOP.binary_search(&folded.as_str()).is_ok();
    Word {
        raw,
        folded,
        stem,
        is_stop,
    }
}

/// Lower case, without accents.
fn fold(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().flat_map(char::to_lowercase) {
        match c {
            'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' => out.push('a'),
            'ç' => out.push('c'),
            'è' | 'é' | 'ê' | 'ë' => out.push('e'),
            'ì' | 'í' | 'î' | 'ï' => out.push('i'),
            'ñ' => out.push('n'),
            'ò' | 'ó' | 'ô' | 'õ' | 'ö' => out.push('o'),
            'ù' | 'ú' | 'û' | 'ü' => out.push('u'),
            'ý' | 'ÿ' => out.push('y'),
            'œ' => out.push_str("oe"),
            'æ' => out.push_str("ae"),
            'ß' => out.push_str("ss"),
            // an accent that stands alone
            '\u{300}'..='\u{36f}' => {}
            other => out.push(other),
        }
    }
    out
}

/// Endings that don't change what is meant: `summaries`, `summarised` and `summary` meet.
fn stem(folded: &str) -> String {
    const ENDINGS: &[&str] = &[
        "isations", "izations", "isation", "ization", "ising", "izing", "ements", "ement", "ised",
        "ized", "ises", "izes", "ise", "ize", "ies", "ing", "ees", "ers", "ed", "es", "er", "ee",
        "s", "y", "e",
    ];
    const STEM_CHARS_MIN: usize = 4;
    if !folded.chars().all(|c| c.is_ascii_lowercase()) {
        return folded.to_owned();
    }
    let cut = ENDINGS.iter().find_map(|ending| {
        let stem = folded.strip_suffix(ending)?;
        (stem.len() >= STEM_CHARS_MIN).then_some(stem)
    });
    let stem = cut.unwrap_or(folded);
    stem.trim_end_matches(['y', 'i']).to_owned()
}

/// Words that carry no meaning in English, French and Malagasy, folded and sorted.
const STOP: &[&str] = &[
    "a", "about", "ahy", "all", "am", "amin", "amy", "an", "and", "any", "are", "as", "at", "au",
    "aux", "avec", "avy", "be", "been", "but", "by", "can", "ce", "ces", "cet", "cette", "d",
    "dans", "de", "des", "dia", "do", "does", "donc", "du", "elle", "en", "est", "et", "eto", "fa",
    "faire", "for", "from", "give", "has", "have", "he", "his", "how", "i", "il", "ilay", "in",
    "into", "ireo", "ireto", "is", "it", "its", "izany", "izao", "izay", "izy", "j", "je", "ka",
    "l", "la", "le", "les", "leur", "m", "ma", "make", "me", "mes", "mi", "mon", "my", "n", "na",
    "ne", "no", "nos", "not", "notre", "nous", "ny", "of", "on", "or", "ou", "our", "par", "pas",
    "please", "pour", "qu", "que", "qui", "re", "s", "sa", "se", "ses", "she", "si", "so", "son",
    "sont", "sur", "sy", "that", "the", "their", "them", "these", "they", "this", "those", "to",
    "tokony", "toy", "tu", "un", "une", "us", "vos", "votre", "vous", "was", "we", "were", "what",
    "which", "who", "will", "with", "y", "you", "your",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stop_words_are_sorted_and_folded() {
        assert!(STOP.is_sorted());
        assert!(STOP.iter().all(|word| fold(word) == *word));
    }

    #[test]
    fn words_are_cut_and_folded() {
        for (text, expected) in [
            (
                "Résumé, s'il vous plaît!",
                &["resume", "s", "il", "vous", "plait"][..],
            ),
            ("re-read notes.md", &["re", "read", "notes.md"]),
            ("due 2026-10-05.", &["due", "2026-10-05"]),
            ("  ...  ", &[]),
            ("e\u{301}te\u{301}", &["ete"]),
        ] {
            let found: Vec<String> = words(text).into_iter().map(|word| word.folded).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn endings_meet() {
        for group in [
            &[
                "summarise",
                "summarize",
                "summaries",
                "summary",
                "summarised",
            ][..],
            &["question", "questions"],
            &["invoice", "invoices", "invoiced", "invoicing"],
            &["plan", "plans"],
        ] {
            for word in group {
                assert_eq!(stem(word), stem(group[0]), "{word}");
            }
        }
        assert_ne!(stem("note"), stem("not"));
    }
}
