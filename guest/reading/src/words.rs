//! Words of a sentence, folded (lower case, no accents) so that tables of cues stay readable.

/// One word and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word<'a> {
    /// As written.
    pub text: &'a str,
    /// Lower case, without accents.
    pub folded: String,
    /// First byte in the sentence.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
}

/// Lower case, without accents, ligatures spelled out.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for letter in text.chars().flat_map(char::to_lowercase) {
        match letter {
            'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' => folded.push('a'),
            'ç' => folded.push('c'),
            'è' | 'é' | 'ê' | 'ë' => folded.push('e'),
            'ì' | 'í' | 'î' | 'ï' => folded.push('i'),
            'ñ' | 'ǹ' => folded.push('n'),
            'ò' | 'ó' | 'ô' | 'õ' | 'ö' => folded.push('o'),
            'ù' | 'ú' | 'û' | 'ü' => folded.push('u'),
            'ý' | 'ÿ' => folded.push('y'),
            'œ' => folded.push_str("oe"),
            'æ' => folded.push_str("ae"),
            '’' | 'ʼ' | '`' => folded.push('\''),
            '\u{300}'..='\u{36f}' => {}
            other => folded.push(other),
        }
    }
    folded
}

/// The words of a sentence. Apostrophes and hyphens part words (`d'ici`, `fanapahan-kevitra`);
/// numbers keep what is inside of them (`09/10/2026`, `14:30`).
#[must_use]
pub fn words(text: &str) -> Vec<Word<'_>> {
    let mut found = Vec::new();
    let mut letters = text.char_indices().peekable();
    while let Some((start, first)) = letters.next() {
        if !first.is_alphanumeric() {
            continue;
        }
        let numeric = first.is_ascii_digit();
        let mut end = start + first.len_utf8();
        while let Some(&(at, letter)) = letters.peek() {
            let inside_number = numeric
                && matches!(letter, '-' | '/' | '.' | ':')
                && text[at + 1..].starts_with(|next: char| next.is_ascii_digit());
            let combining = ('\u{300}'..='\u{36f}').contains(&letter);
            if !(letter.is_alphanumeric() || inside_number || combining) {
                break;
            }
            end = at + letter.len_utf8();
            letters.next();
        }
        let word = &text[start..end];
        found.push(Word {
            text: word,
            folded: fold(word),
            start,
            end,
        });
    }
    found
}

/// Where the phrase (folded words, parted by blanks) first stands from word `from` on.
#[must_use]
pub fn find_phrase(words: &[Word<'_>], phrase: &str, from: usize) -> Option<usize> {
    (from..words.len()).find(|&at| begins_with(&words[at..], phrase))
}

/// Whether the words begin with the phrase; a word of it that ends in `*` is a stem.
#[must_use]
pub fn begins_with(words: &[Word<'_>], phrase: &str) -> bool {
    // Most words differ in their first letter already: tables of cues are long.
    let first = words
        .first()
        .and_then(|word| word.folded.as_bytes().first());
    if first != phrase.as_bytes().first() {
        return false;
    }
    let mut words = words.iter();
    phrase.split(' ').all(|wanted| {
        words
            .next()
            .is_some_and(|word| match wanted.strip_suffix('*') {
                Some(stem) => word.folded.starts_with(stem),
                None => word.folded == wanted,
            })
    })
}

/// Whether the phrase stands anywhere.
#[must_use]
pub fn has_phrase(words: &[Word<'_>], phrase: &str) -> bool {
    find_phrase(words, phrase, 0).is_some()
}

/// Whether a word begins with a capital letter.
#[must_use]
pub fn is_capitalised(word: &str) -> bool {
    word.chars().next().is_some_and(char::is_uppercase)
}

/// At most so many characters, with an ellipsis where something was left off.
#[must_use]
pub fn shorten(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        None => text.to_owned(),
        Some((cut, _)) => format!("{}…", text[..cut].trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_folded_and_parted_at_apostrophes_and_hyphens() {
        for (text, expected) in [
            ("D’ici vendredi", "d ici vendredi"),
            ("Fanapahan-kevitra: ekena", "fanapahan kevitra ekena"),
            ("le 09/10/2026, à 14:30.", "le 09/10/2026 a 14:30"),
            ("Œuvre Été", "oeuvre ete"),
            ("e\u{301}te\u{301}", "ete"),
            ("2026-10-09.", "2026-10-09"),
            ("", ""),
            ("?!…", ""),
        ] {
            let folded: Vec<String> = words(text).into_iter().map(|word| word.folded).collect();
            assert_eq!(folded.join(" "), expected, "{text}");
        }
    }

    #[test]
    fn phrases_match_whole_words_and_stems() {
        let sentence = words("Nous avons décidé de livrer");
        for (phrase, expected) in [
            ("avons decide", Some(1)),
            ("decid*", Some(2)),
            ("avons livrer", None),
            ("livre", None),
            ("nous avons decide de livrer demain", None),
        ] {
            assert_eq!(find_phrase(&sentence, phrase, 0), expected, "{phrase}");
        }
    }

    #[test]
    fn shortening_never_cuts_a_letter() {
        assert_eq!(shorten("éééé", 2), "éé…");
        assert_eq!(shorten("abc", 3), "abc");
    }
}
