//! Texts as words: without accents, case and the mark of the plural, in any language written with
//! letters.

use icu_normalizer::DecomposingNormalizerBorrowed;

/// Lower case, without accents.
pub(super) fn folded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let parts = DecomposingNormalizerBorrowed::new_nfkd().normalize_iter(text.chars());
    let mut out = String::with_capacity(text.len());
    for letter in parts.flat_map(char::to_lowercase) {
        match letter {
            '\u{300}'..='\u{36f}' => {} // accents, by now apart from their letters
            'œ' => out.push_str("oe"),
            'æ' => out.push_str("ae"),
            'ß' => out.push_str("ss"),
            'ø' => out.push('o'),
            'ł' => out.push('l'),
            other => out.push(other),
        }
    }
    out
}

/// The words of a folded text: runs of letters and digits.
pub(super) fn words(folded: &str) -> impl Iterator<Item = &str> {
    let apart = |letter: char| !letter.is_alphanumeric();
    folded.split(apart).filter(|word| !word.is_empty())
}

/// The fewest letters of a word whose last one may be the mark of the plural.
const PLURAL_LETTERS_MIN: usize = 4;

/// A word without the mark of the plural in English and French; Malagasy has none.
pub(super) fn stem(word: &str) -> &str {
    match word.strip_suffix(['s', 'x']) {
        Some(stem) if word.chars().count() >= PLURAL_LETTERS_MIN => stem,
        _ => word,
    }
}

/// The words of a text as they are compared.
pub(super) fn stems(text: &str) -> Vec<String> {
    let folded = folded(text);
    words(&folded).map(|word| stem(word).to_owned()).collect()
}

/// Words that say nothing by themselves, folded: a query for them would find everything.
const FILLERS: &[&str] = &[
    // English
    "a", "about", "an", "and", "are", "as", "at", "be", "by", "did", "do", "does", "for", "from",
    "had", "has", "have", "how", "i", "in", "is", "it", "me", "my", "of", "on", "or", "our",
    "that", "the", "their", "this", "to", "was", "we", "were", "what", "when", "where", "which",
    "who", "why", "will", "with", "you", "your", // French
    "au", "aux", "avec", "ce", "ces", "cette", "comment", "d", "dans", "de", "des", "du", "elle",
    "en", "est", "et", "il", "j", "je", "l", "la", "le", "les", "leur", "ma", "mes", "mon", "nos",
    "notre", "nous", "on", "ont", "ou", "par", "pour", "pourquoi", "qu", "quand", "que", "quel",
    "quelle", "qui", "quoi", "sa", "se", "ses", "son", "sont", "sur", "un", "une", "votre", "vous",
    "y", // Malagasy
    "ahoana", "aiza", "amin", "ao", "ary", "dia", "eo", "fa", "ho", "inona", "iza", "izany",
    "izao", "izy", "ka", "mba", "misy", "no", "ny", "oviana", "sy", "ve",
];

/// Whether a folded word says nothing by itself.
pub(super) fn is_filler(word: &str) -> bool {
    FILLERS.contains(&word)
}

/// The words that a query asks for, each once: those that say something, or all if none does.
pub(super) fn asked(query: &str) -> Vec<String> {
    let folded = folded(query);
    let mut telling: Vec<&str> = words(&folded).filter(|word| !is_filler(word)).collect();
    if telling.is_empty() {
        telling = words(&folded).collect();
    }
    let mut out: Vec<String> = Vec::with_capacity(telling.len());
    for word in telling.into_iter().map(stem) {
        if !out.iter().any(|known| known == word) {
            out.push(word.to_owned());
        }
    }
    out
}

/// The lines and sentences of a text.
pub(super) fn sentences(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    for line in text.lines() {
        let mut from = 0;
        let mut before = ' ';
        for (at, letter) in line.char_indices() {
            if letter.is_whitespace() && matches!(before, '.' | '!' | '?' | ';' | ':') {
                out.push(line[from..at].trim());
                from = at;
            }
            before = letter;
        }
        out.push(line[from..].trim());
    }
    out.retain(|sentence| !sentence.is_empty());
    out
}
