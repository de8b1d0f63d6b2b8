//! Which days of a sentence still count: what was moved, called off or is over is no deadline. The
//! words for it are data, in [`crate::due_words`]. Start at [`settle`].

use std::ops::Range;

use crate::dates::{Date, Phrase};
use crate::due_words::{
    ABANDONED, BEFORE, CALLED_OFF, CLAUSES, DONE, EARLIEST, FORGET, FROM, HELPERS, IS, MEETINGS,
    MOVES, NO_DEADLINE, NOT, PARTICIPLES, TO,
};
use crate::words::{Word, find_phrase, has_phrase};

/// How many words stand between a day and the word that says it is the new or the old one.
const NEAR_WORDS: usize = 3;
/// What may stand between such a word and its day.
const SMALL: &[&str] = &["le", "la", "the", "ny", "amin", "end", "of", "faha"];
/// The signs between an old day and a new one.
const ARROWS: &[&str] = &["→", "->", "=>", "➔", "➜", "-->"];

/// What became of the days of a sentence.
pub struct Settled {
    /// The days, the abandoned ones marked as past.
    pub days: Vec<Phrase>,
    /// The day that something was moved to.
    pub moved_to: Option<usize>,
    /// The words that say that there is no deadline: nothing in them says that there is one.
    pub denied: Vec<Range<usize>>,
}

/// Marks the days that are given up, and finds the one that took the place of another.
#[must_use]
pub fn settle(text: &str, words: &[Word<'_>], days: Vec<Phrase>) -> Settled {
    let mut days = days;
    if days.is_empty() {
        return Settled {
            days,
            moved_to: None,
            denied: Vec::new(),
        };
    }
    let moved = MOVES.iter().any(|verb| has_phrase(words, verb));
    if moved {
        fill_in(words, &mut days);
        fill_back(text, words, &mut days);
    }
    let new: Vec<bool> = days
        .iter()
        .map(|day| moved && precedes(words, day, TO))
        .collect();
    if moved {
        for day in days.iter_mut().filter(|day| precedes(words, day, FROM)) {
            day.past = true;
        }
    }
    abandon(words, &mut days);
    arrows_and_strikes(text, words, &mut days);
    over(words, &mut days);
    not_before(text, words, &mut days);
    let denied = denied(words);
    for at in denied.iter().map(|it| it.start) {
        let clause = clause(text, words, at);
        give_up(&mut days, &new, |day| clause.contains(&day));
    }
    called_off(text, words, &mut days, &new);
    let is_new = |at: &usize| new[*at] && !days[*at].past;
    let meeting = MEETINGS.iter().any(|word| has_phrase(words, word));
    let moved_to = (0..days.len()).find(is_new).filter(|_| !meeting);
    Settled {
        days,
        moved_to,
        denied,
    }
}

/// Whether one of these words stands shortly before a day, and no other day between them.
fn precedes(words: &[Word<'_>], day: &Phrase, list: &[&str]) -> bool {
    let from = day.first.saturating_sub(NEAR_WORDS);
    let before = &words[from..day.first];
    let is_small = |word: &&Word<'_>| SMALL.contains(&word.folded.as_str());
    let mut back = before.iter().rev();
    let near = back.find(|word| !is_small(word));
    let held = |word: &Word<'_>| list.contains(&word.folded.as_str());
    near.is_some_and(held) || before.last().is_some_and(held)
}

/// `from October 9 to 16`: the new day has the month of the old one.
fn fill_in(words: &[Word<'_>], days: &mut Vec<Phrase>) {
    let Some((next, date)) = days.first().and_then(|day| Some((day.next, day.date?))) else {
        return;
    };
    let skip = |word: &Word<'_>| matches!(word.folded.as_str(), "the" | "le");
    let to = |word: &Word<'_>| TO.contains(&word.folded.as_str());
    let Some(to) = (next..words.len()).find(|&at| to(&words[at])) else {
        return;
    };
    let at = to + 1 + usize::from(words.get(to + 1).is_some_and(skip));
    let known = days.iter().any(|day| (day.first..day.next).contains(&at));
    let Some(word) = words.get(at).filter(|_| !known) else {
        return;
    };
    let Some(number) = crate::dates::day_number(&word.folded) else {
        return;
    };
    let month = |later: u32| {
        let months = date.month - 1 + later;
        Date::new(date.year + (months / 12) as i32, months % 12 + 1, number)
    };
    let date = month(0).filter(|new| *new > date).or_else(|| month(1));
    let position = days.iter().position(|day| day.first > at);
    let new = Phrase {
        first: at,
        next: at + 1,
        text: word.text.to_owned(),
        date,
        past: false,
    };
    days.insert(position.unwrap_or(days.len()), new);
}

/// `du 16 au 19 novembre`, `from 16 to 19 November`: the old day has the month of the new one.
fn fill_back(text: &str, words: &[Word<'_>], days: &mut Vec<Phrase>) {
    let is = |at: usize, list: &[&str]| list.contains(&words[at].folded.as_str());
    let known = |days: &[Phrase], at: usize| {
        let holds = |day: &Phrase| (day.first..day.next).contains(&at);
        days.iter().any(holds)
    };
    for from in 0..words.len() {
        // Behind a sign stands a period: `reporté, du 16 au 19 novembre`.
        if !is(from, FROM) || parted(text, words, from, &[',', ':', '(', ';']) {
            continue;
        }
        let small = (from + 1..words.len()).take_while(|&at| is(at, SMALL));
        let at = from + 1 + small.count();
        let Some(number) = words.get(at).filter(|_| !known(days, at)) else {
            continue;
        };
        let Some(old) = crate::dates::day_number(&number.folded) else {
            continue;
        };
        if at + 1 >= words.len() || !is(at + 1, TO) {
            continue;
        }
        let small = (at + 2..words.len()).take_while(|&at| is(at, SMALL));
        let next = at + 2 + small.count();
        let Some(position) = days.iter().position(|day| day.first == next) else {
            continue;
        };
        let Some(new) = days[position].date else {
            continue;
        };
        let month = |back: i32| {
            let months = new.year * 12 + new.month as i32 - 1 - back;
            Date::new(months.div_euclid(12), months.rem_euclid(12) as u32 + 1, old)
        };
        let date = month(0).filter(|old| *old < new).or_else(|| month(1));
        let phrase = Phrase {
            first: at,
            next: at + 1,
            text: number.text.to_owned(),
            date,
            past: false,
        };
        days.insert(position, phrase);
    }
}

/// The day that follows `instead of`, `was due`, `not before`.
fn abandon(words: &[Word<'_>], days: &mut [Phrase]) {
    for &(phrase, reach) in ABANDONED {
        let length = phrase.split(' ').count();
        let mut from = 0;
        while let Some(at) = find_phrase(words, phrase, from) {
            let next = at + length;
            let behind = days.iter_mut().find(|day| day.first >= next);
            if let Some(day) = behind.filter(|day| day.first <= next + reach) {
                day.past = true;
            }
            from = at + 1;
        }
    }
}

/// `9 octobre → 16 octobre`, and what is struck out in Markdown.
fn arrows_and_strikes(text: &str, words: &[Word<'_>], days: &mut [Phrase]) {
    for at in 1..days.len() {
        let between = &text[words[days[at - 1].next - 1].end..words[days[at].first].start];
        if ARROWS.contains(&between.trim()) {
            days[at - 1].past = true;
        }
    }
    for day in days.iter_mut() {
        let before = &text[..words[day.first].start];
        day.past |= before.matches("~~").count() % 2 == 1;
    }
}

/// `nous avons livré vendredi`: what was done on a day isn't due on it.
fn over(words: &[Word<'_>], days: &mut [Phrase]) {
    for day in days {
        let from = day.first.saturating_sub(NEAR_WORDS);
        let said = |at: usize| {
            let folded = words[at].folded.as_str();
            if !PARTICIPLES.contains(&folded) {
                return false;
            }
            let helps = |back: usize| {
                let before = at.checked_sub(back).map(|at| words[at].folded.as_str());
                before.is_some_and(|word| HELPERS.contains(&word))
            };
            let negated =
                at > 0 && matches!(words[at - 1].folded.as_str(), "pas" | "bien" | "deja");
            helps(1) || negated && helps(2)
        };
        day.past |= (from..day.first).any(said);
        day.past |= DONE.iter().any(|phrase| {
            let length = phrase.split(' ').count();
            let at = find_phrase(words, phrase, from.saturating_sub(length));
            at.is_some_and(|at| (at + length..=at + length + NEAR_WORDS).contains(&day.first))
        });
    }
}

/// `ne pas livrer avant vendredi`, but `do not forget to answer before Friday`.
fn not_before(text: &str, words: &[Word<'_>], days: &mut [Phrase]) {
    let is = |at: usize, list: &[&str]| list.contains(&words[at].folded.as_str());
    for day in days {
        let from = day.first.saturating_sub(NEAR_WORDS);
        let Some(before) = (from..day.first).find(|&at| is(at, BEFORE)) else {
            continue;
        };
        let near = before.saturating_sub(NEAR_WORDS + 1)..before;
        let mut forbids = NOT.iter().filter_map(|phrase| {
            let at = find_phrase(&words[..before], phrase, near.start)?;
            Some(at + phrase.split(' ').count())
        });
        let forbidden = forbids.next().is_some_and(|next| {
            let turned =
                |at| is(at, FORGET) || parted(text, words, at, &[':', ';', ',', '(', '–', '—']);
            !(next..before).any(turned)
        });
        day.past |= forbidden;
    }
}

fn give_up(days: &mut [Phrase], new: &[bool], is_off: impl Fn(usize) -> bool) {
    for (day, new) in days.iter_mut().zip(new) {
        day.past |= is_off(day.first) && !new;
    }
}

/// Where it is said that there is no deadline, or that something may only begin.
fn denied(words: &[Word<'_>]) -> Vec<Range<usize>> {
    let phrases = NO_DEADLINE.iter().chain(EARLIEST);
    let range = |phrase: &&str| {
        let at = find_phrase(words, phrase, 0)?;
        Some(at..at + phrase.split(' ').count())
    };
    phrases.filter_map(range).collect()
}

/// Whether one of these signs stands before a word.
fn parted(text: &str, words: &[Word<'_>], at: usize, signs: &[char]) -> bool {
    at > 0 && text[words[at - 1].end..words[at].start].contains(signs)
}

/// The words around one up to where another clause begins.
fn clause(text: &str, words: &[Word<'_>], at: usize) -> Range<usize> {
    let begins = |&at: &usize| {
        parted(text, words, at, &[';']) || CLAUSES.contains(&words[at].folded.as_str())
    };
    let first = (1..=at).rev().find(begins);
    let next = (at + 1..words.len()).find(begins);
    first.unwrap_or(0)..next.unwrap_or(words.len())
}

/// Days of what was called off: of the whole clause where it begins with that word, else up to the
/// next comma behind it.
fn called_off(text: &str, words: &[Word<'_>], days: &mut [Phrase], new: &[bool]) {
    for (at, word) in words.iter().enumerate() {
        if !CALLED_OFF.contains(&word.folded.as_str()) {
            continue;
        }
        // Of a thing that was called off something else may be due: `les commandes annulées`.
        let after = text[word.end..].trim_start();
        let label = at == 0 && after.starts_with([':', '-', '–', '—', '!']);
        let last = at + 1 == words.len();
        let before = at.checked_sub(1).map(|at| words[at].folded.as_str());
        if !label && !last && !before.is_some_and(|it| IS.contains(&it)) {
            continue;
        }
        let clause = clause(text, words, at);
        let comma = |at: &usize| parted(text, words, *at, &[',']);
        let end = (at + 1..clause.end).find(|at| !label && comma(at));
        let from = (clause.start + 1..=at).rev().find(comma);
        let part = from.unwrap_or(clause.start)..end.unwrap_or(clause.end);
        let own = days.iter().any(|day| part.contains(&day.first));
        let first = if own { part.start } else { clause.start };
        give_up(days, new, |day| (first..part.end).contains(&day));
    }
}
