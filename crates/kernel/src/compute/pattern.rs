//! How well a task's text fits a pattern or an agent: whole ten-thousandths, the same on every
//! machine.
//!
//! - The same words as a pattern: 1.0.
//! - All of its significant words, somewhere: 0.85 to 0.95, more the more of the text they are.
//! - Some of them: 0.50 to 0.84, more the more of them.
//! - None: 0.
//!
//! Words are compared without case, punctuation, accents and common endings; words that carry no
//! meaning (English, French, Malagasy) don't count. In a pattern `*` stands for any words and
//! `{name}` for one or more that are kept.

mod words;

use words::{Word, words};

/// Fits exactly.
pub const CERTAIN: u16 = 10_000;
const KEYWORD_MIN: u16 = 8_500;
const KEYWORD_MAX: u16 = 9_500;
const PARTIAL_MIN: u16 = 5_000;
const PARTIAL_MAX: u16 = 8_400;
/// No more of a text is looked at.
const TEXT_BYTES_MAX: usize = 16 * 1_024;
/// No more words of a pattern or text are compared.
const WORDS_MAX: usize = 512;
/// No longer pattern is matched.
pub const PATTERN_BYTES_MAX: usize = 512;

/// How well a text fits, why, and what it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Match {
    /// In ten-thousandths.
    pub confidence: u16,
    /// A sentence: what fits.
    pub reason: String,
    /// What stood for each `{name}`, as it was written.
    pub captures: Vec<(String, String)>,
}

/// The best match of `text` among `patterns`.
#[must_use]
pub fn skill_match(patterns: &[String], text: &str) -> Match {
    let text_words = text_words(text);
    let mut best = Match {
        reason: NONE.into(),
        ..Match::default()
    };
    for pattern in patterns {
        let found = one(pattern, &text_words);
        if found.confidence > best.confidence {
            best = found;
        }
    }
    best
}

/// How well `text` fits an agent: by its patterns, else by the words of its name, its template
/// and its description. What a built-in template is known for counts as its description.
#[must_use]
pub fn agent_match(
    name: &str,
    template: Option<&str>,
    description: &str,
    patterns: &[String],
    text: &str,
) -> Match {
    let by_pattern = skill_match(patterns, text);
    let text_words = text_words(text);
    let mut own = words(name);
    own.extend(words(template.unwrap_or_default()));
    own.extend(words(description));
    let known = template.and_then(known_for).or_else(|| known_for(name));
    own.extend(words(known.unwrap_or_default()));
    let by_words = overlap(&own, &text_words);
    if by_pattern.confidence >= by_words.confidence {
        by_pattern
    } else {
        by_words
    }
}

const NONE: &str = "none of its words stand in the task";

/// What the built-in templates are for: the words people use when they want them.
fn known_for(template: &str) -> Option<&'static str> {
    Some(match template {
        "researcher" => {
            "research summarise summary read notes mails sources find search decisions open \
             questions deadlines extract list collect cite resume résumer lire notes courriels \
             décisions questions échéances trouver chercher famintinana mitady fanontaniana"
        }
        "analyzer" => {
            "analyse analyze analysis data csv table tables columns rows totals sum average \
             duplicates duplicate outliers statistics numbers figures count invoices time sheets \
             données tableau colonnes doublons totaux moyenne factures chiffres tarehimarika"
        }
        "coder" => {
            "code program source outline todo todos functions function refactor review bug bugs \
             blocks duplicated script rust python javascript programme fonctions kaody"
        }
        "planner" => {
            "plan planning steps schedule order owner owners date dates tasks break down roadmap \
             organise organize prepare report étapes calendrier organiser planifier drafitra \
             fandaharana"
        }
        "echo" => "echo repeat back",
        _ => return None,
    })
}

fn text_words(text: &str) -> Vec<Word<'_>> {
    let mut end = text.len().min(TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut found = words(&text[..end]);
    found.truncate(WORDS_MAX);
    found
}

fn scale(min: u16, max: u16, part: usize, whole: usize) -> u16 {
    let room = usize::from(max - min);
    let share = room * part.min(whole) / whole.max(1);
    min + u16::try_from(share).unwrap_or(0)
}

/// A piece of a pattern.
enum Piece<'p> {
    Word(Word<'p>),
    Any,
    Capture(&'p str),
}

fn pieces(pattern: &str) -> Vec<Piece<'_>> {
    let mut all = Vec::new();
    let mut rest = pattern;
    while !rest.is_empty() {
        let special = rest.find(['*', '{']).unwrap_or(rest.len());
        all.extend(words(&rest[..special]).into_iter().map(Piece::Word));
        rest = &rest[special..];
        if let Some(after) = rest.strip_prefix('*') {
            all.push(Piece::Any);
            rest = after;
        } else if let Some(inner) = rest.strip_prefix('{') {
            let end = inner.find('}').unwrap_or(inner.len());
            all.push(Piece::Capture(inner[..end].trim()));
            rest = inner.get(end + 1..).unwrap_or_default();
        }
    }
    all.truncate(WORDS_MAX);
    all
}

/// What is wrong with a pattern, if anything.
#[must_use]
pub fn fault(pattern: &str) -> Option<String> {
    if pattern.len() > PATTERN_BYTES_MAX {
        return Some(format!("a pattern has at most {PATTERN_BYTES_MAX} bytes"));
    }
    if pattern.matches('{').count() != pattern.matches('}').count() {
        return Some("a capture is written `{name}`".into());
    }
    let all = pieces(pattern);
    let mut names: Vec<&str> = Vec::new();
    for piece in &all {
        let Piece::Capture(name) = piece else {
            continue;
        };
        let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(part) {
            return Some(format!(
                "{{{name}}} is no capture: use letters, digits and _"
            ));
        }
        if names.contains(name) {
            return Some(format!("{{{name}}} stands twice"));
        }
        names.push(name);
    }
    let word = all.iter().any(|piece| matches!(piece, Piece::Word(_)));
    (!word).then(|| "a pattern has at least one word".into())
}

fn one(pattern: &str, text: &[Word<'_>]) -> Match {
    if pattern.len() > PATTERN_BYTES_MAX {
        return Match::default();
    }
    let all = pieces(pattern);
    let significant = |word: &&Word<'_>| !word.is_stop;
    let own: Vec<&Word<'_>> = all
        .iter()
        .filter_map(|piece| match piece {
            Piece::Word(word) => Some(word),
            _ => None,
        })
        .collect();
    if own.is_empty() || text.is_empty() {
        return Match::default();
    }
    if let Some(captures) = whole(&all, text) {
        let reason = format!("the task is `{pattern}`");
        return Match {
            confidence: CERTAIN,
            reason,
            captures,
        };
    }
    let mut key: Vec<&Word<'_>> = own.iter().copied().filter(significant).collect();
    if key.is_empty() {
        key = own;
    }
    let there = |word: &&&Word<'_>| text.iter().any(|other| other.stem == word.stem);
    let found = key.iter().filter(there).count();
    let captures = within(&all, text).unwrap_or_default();
    if found == key.len() {
        let of_text = text.iter().filter(significant).count();
        let confidence = scale(KEYWORD_MIN, KEYWORD_MAX, found, of_text.max(found));
        let reason = format!("all words of `{pattern}` stand in the task");
        return Match {
            confidence,
            reason,
            captures,
        };
    }
    if found == 0 {
        return Match::default();
    }
    let confidence = scale(PARTIAL_MIN, PARTIAL_MAX, found, key.len());
    let reason = format!(
        "{found} of {} words of `{pattern}` stand in the task",
        key.len()
    );
    Match {
        confidence,
        reason,
        captures: Vec::new(),
    }
}

/// The captures, where the whole text is the pattern.
fn whole(pieces: &[Piece<'_>], text: &[Word<'_>]) -> Option<Vec<(String, String)>> {
    // reach[i][j]: pieces from i on can be made of the words from j on
    let (p, t) = (pieces.len(), text.len());
    let mut reach = vec![vec![false; t + 1]; p + 1];
    reach[p][t] = true;
    for i in (0..p).rev() {
        for j in (0..=t).rev() {
            reach[i][j] = match &pieces[i] {
                Piece::Word(word) => j < t && text[j].folded == word.folded && reach[i + 1][j + 1],
                Piece::Any => reach[i + 1][j] || (j < t && reach[i][j + 1]),
                Piece::Capture(_) => j < t && (reach[i + 1][j + 1] || reach[i][j + 1]),
            };
        }
    }
    if !reach[0][0] {
        return None;
    }
    let (mut captures, mut j) = (Vec::new(), 0);
    for (i, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Word(_) => j += 1,
            // as few words as can be
            Piece::Any => {
                while !reach[i + 1][j] {
                    j += 1;
                }
            }
            Piece::Capture(name) => {
                let start = j;
                j += 1;
                while !reach[i + 1][j] {
                    j += 1;
                }
                captures.push(((*name).to_owned(), written(&text[start..j])));
            }
        }
    }
    Some(captures)
}

/// The captures, where the pattern stands somewhere in the text.
fn within(pieces: &[Piece<'_>], text: &[Word<'_>]) -> Option<Vec<(String, String)>> {
    const TRIED_MAX: usize = 64;
    if !pieces
        .iter()
        .any(|piece| matches!(piece, Piece::Capture(_)))
    {
        return None;
    }
    let first = pieces.iter().find_map(|piece| match piece {
        Piece::Word(word) => Some(&word.folded),
        _ => None,
    })?;
    let starts = (0..text.len())
        .filter(|j| matches!(pieces[0], Piece::Word(_)) == (text[*j].folded == *first));
    starts
        .take(TRIED_MAX)
        .find_map(|j| whole(pieces, &text[j..]))
}

fn written(words: &[Word<'_>]) -> String {
    let raw: Vec<&str> = words.iter().map(|word| word.raw).collect();
    raw.join(" ")
}

/// The words of an agent against those of a task: each word of the task that the agent knows.
fn overlap(own: &[Word<'_>], text: &[Word<'_>]) -> Match {
    let mut asked: Vec<&Word<'_>> = Vec::new();
    for word in text.iter().filter(|word| !word.is_stop) {
        if !asked.iter().any(|other| other.stem == word.stem) {
            asked.push(word);
        }
    }
    let known: Vec<&str> = asked
        .iter()
        .filter(|word| own.iter().any(|other| other.stem == word.stem))
        .map(|word| word.raw)
        .collect();
    if known.is_empty() {
        return Match {
            reason: NONE.into(),
            ..Match::default()
        };
    }
    let shown = known[..known.len().min(5)].join(", ");
    // two words or more that are most of the task are as good as a pattern
    let most = known.len() * 2 >= asked.len() && known.len() >= 2;
    let (min, max) = if most {
        (KEYWORD_MIN, KEYWORD_MAX)
    } else {
        (PARTIAL_MIN, PARTIAL_MAX)
    };
    let enough = asked.len().min(2 * known.len().max(4));
    Match {
        confidence: scale(
            min,
            max,
            known.len(),
            if most { asked.len() } else { enough },
        ),
        reason: format!("it knows {} of {} words: {shown}", known.len(), asked.len()),
        captures: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
