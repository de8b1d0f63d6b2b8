//! Which decision or deadline takes the place of which: within one thread, by what the later one
//! says of the earlier one and the words they share. What is only probable is marked as such, so
//! that it is asked. Start at [`settle`].

use std::collections::{BTreeMap, BTreeSet};

use crate::cues;
use crate::dates::{self, SECONDS_PER_DAY};
use crate::due_words;
use crate::findings::{Finding, Findings, Kind};
use crate::turns;
use crate::words::words;

/// How many words they share where one would be too few.
const SHARED_WORDS_MIN: usize = 2;
/// How many letters of a word are compared.
const STEM_LETTERS: usize = 5;
/// Most earlier ones that one is held against, the latest first.
const EARLIER_MAX: usize = 256;

/// Colours are one and the same question: whoever says "green" after "blue" speaks of it again.
#[rustfmt::skip]
const COLOURS: &[&[&str]] = &[
    &["blue", "bleu", "bleue", "manga"], &["green", "vert", "verte", "maitso"],
    &["red", "rouge", "mena"], &["yellow", "jaune", "mavo"], &["black", "noir", "noire", "mainty"],
    &["white", "blanc", "blanche", "fotsy"], &["orange"], &["grey", "gray", "gris", "grise"],
    &["pink", "rose", "mavokely"], &["purple", "violet", "violette", "volomparasy"],
    &["brown", "marron"],
];
/// Words that say nothing of what is due or decided.
#[rustfmt::skip]
const EMPTY: &[&str] = &[
    "deadline", "date", "daty", "echeance", "potoana", "delai", "finally", "finalement", "final",
    "farany", "instead", "actually", "please", "merci", "azafady", "avant", "before", "until",
    "jusqu", "alohan", "hatramin", "still", "toujours", "keep", "garde", "gardons", "going",
    "part", "partons", "prend", "latest", "tard", "moved", "ready", "pret", "prete", "vita",
    "nouvelle", "nouveau", "vaovao", "plutot", "desormais", "make", "expected", "attendu",
    "attendue", "aleo", "second", "thought", "thoughts", "after", "scrap", "annulee", "annule",
    "cancelled", "reversed", "fanapahan", "kevitra", "nofoanana", "change", "changed", "avis",
    "reste", "restons", "sooner", "latter", "ankehitriny", "choose", "chose", "choisi",
];

/// What one is about.
struct Subject {
    stems: BTreeSet<String>,
    colours: BTreeSet<usize>,
}

impl Subject {
    fn of(text: &str) -> Self {
        let words = words(text);
        let days = dates::find(text, &words, None);
        let (mut stems, mut colours) = (BTreeSet::new(), BTreeSet::new());
        for (at, word) in words.iter().enumerate() {
            let folded = word.folded.as_str();
            let colour = COLOURS.iter().position(|names| names.contains(&folded));
            colours.extend(colour);
            let dated = days.iter().any(|day| (day.first..day.next).contains(&at));
            let lists = [cues::COMMON, EMPTY, due_words::MOVES];
            let empty = lists.iter().any(|list| list.contains(&folded));
            if colour.is_none() && !dated && !empty && folded.chars().count() >= 4 {
                let bare = folded.trim_end_matches(['s', 'x']);
                stems.insert(bare.chars().take(STEM_LETTERS).collect());
            }
        }
        Self { stems, colours }
    }

    fn shared(&self, other: &Self) -> usize {
        self.stems.intersection(&other.stems).count()
    }

    fn other_colour(&self, other: &Self) -> bool {
        !self.colours.is_empty() && !other.colours.is_empty() && self.colours != other.colours
    }
}

/// All of one kind.
struct Known<'f> {
    findings: Vec<&'f Finding>,
    subjects: Vec<Subject>,
    /// The places of those of one thread, and of those that share a word.
    by_key: BTreeMap<&'f str, Vec<usize>>,
    by_stem: BTreeMap<String, Vec<usize>>,
    marks: Marks,
}

/// The later one that takes the place of each, and whether that is sure.
type Marks = BTreeMap<usize, (usize, bool)>;

/// Marks every decision and deadline that a later one takes the place of. What was marked before,
/// over fewer of them, is decided anew.
pub fn settle(all: &mut [Findings]) {
    for kind in [Kind::Decision, Kind::Deadline] {
        let marks = marks(all, kind);
        let mut concerned = BTreeSet::new();
        let lists = all.iter_mut().flat_map(|found| list_mut(found, kind));
        for (at, finding) in lists.enumerate() {
            if finding.strand.is_none() {
                continue;
            }
            let mark = marks.get(&at);
            finding.replaced_by = mark.map(|(_, cite, _)| cite.clone());
            finding.unsure = mark.is_some_and(|(.., sure)| !sure);
            if let Some((newer, ..)) = mark.filter(|_| finding.concerns_client == Some(true)) {
                concerned.insert(*newer);
            }
        }
        // What takes the place of something about a client is about that client.
        let lists = all.iter_mut().flat_map(|found| list_mut(found, kind));
        for (at, finding) in lists.enumerate() {
            if concerned.contains(&at) && finding.concerns_client.is_some() {
                finding.concerns_client = Some(true);
            }
        }
    }
}

fn list_mut(found: &mut Findings, kind: Kind) -> &mut Vec<Finding> {
    match kind {
        Kind::Decision => &mut found.decisions,
        Kind::Question => &mut found.questions,
        Kind::Deadline => &mut found.deadlines,
    }
}

/// By their place among all of a kind: the later one, its citation, and whether it is sure.
fn marks(all: &[Findings], kind: Kind) -> BTreeMap<usize, (usize, String, bool)> {
    let lists = all.iter().flat_map(|found| match kind {
        Kind::Decision => &found.decisions,
        Kind::Question => &found.questions,
        Kind::Deadline => &found.deadlines,
    });
    let mut known = Known::of(lists.collect());
    let turning = |at: &usize| known.findings[*at].instead.is_some();
    let mut newer: Vec<usize> = (0..known.findings.len()).filter(turning).collect();
    newer.sort_by_key(|&at| (known.at(at), at));
    for newer in newer {
        match kind {
            Kind::Decision => known.reverse(newer),
            Kind::Deadline | Kind::Question => known.move_to(newer),
        }
    }
    if kind == Kind::Deadline {
        known.say_again();
    }
    let told = |(&older, &(newer, sure)): (&usize, &(usize, bool))| {
        (older, (newer, known.findings[newer].cite.clone(), sure))
    };
    known.marks.iter().map(told).collect()
}

impl<'f> Known<'f> {
    fn of(findings: Vec<&'f Finding>) -> Self {
        let subjects: Vec<Subject> = findings.iter().map(|it| Subject::of(&it.text)).collect();
        let mut by_key: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let mut by_stem: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, (finding, subject)) in findings.iter().zip(&subjects).enumerate() {
            for key in finding.strand.iter().flat_map(|strand| &strand.keys) {
                by_key.entry(key).or_default().push(at);
            }
            for stem in &subject.stems {
                by_stem.entry(stem.clone()).or_default().push(at);
            }
        }
        Self {
            findings,
            subjects,
            by_key,
            by_stem,
            marks: Marks::new(),
        }
    }

    fn at(&self, at: usize) -> i64 {
        self.findings[at].strand.as_ref().map_or(0, |it| it.at)
    }

    fn replies(&self, newer: usize, older: usize) -> bool {
        let (newer, older) = (&self.findings[newer].strand, &self.findings[older].strand);
        let pair = newer.as_ref().zip(older.as_ref());
        pair.is_some_and(|(newer, older)| !older.mail.is_empty() && newer.replies == older.mail)
    }

    /// Those that still stand, of these, and that were said before in another mail.
    fn earlier(&self, newer: usize, of: impl Iterator<Item = usize>) -> Vec<usize> {
        let is_earlier = |&older: &usize| {
            let (old, new) = (self.findings[older], self.findings[newer]);
            let Some((old_strand, new_strand)) = old.strand.as_ref().zip(new.strand.as_ref())
            else {
                return false;
            };
            let same_mail = old.file == new.file
                && (old_strand.mail.is_empty() || old_strand.mail == new_strand.mail);
            let before = old_strand.at < new_strand.at || self.replies(newer, older);
            let stands = self.marks.get(&older).is_none_or(|(_, sure)| !sure);
            !same_mail && before && stands
        };
        let mut earlier: Vec<usize> = of.filter(is_earlier).collect();
        earlier.sort_by_key(|&older| std::cmp::Reverse((self.at(older), older)));
        earlier.dedup();
        earlier.truncate(EARLIER_MAX);
        earlier
    }

    fn of_thread(&self, newer: usize) -> Vec<usize> {
        let keys = self.findings[newer].strand.iter().flat_map(|it| &it.keys);
        let near = keys.filter_map(|key| self.by_key.get(key.as_str()));
        self.earlier(newer, near.flatten().copied())
    }

    /// Those in notes that share words, where one of both is a note: of another day.
    fn of_notes(&self, newer: usize) -> Vec<usize> {
        let is_note = |at: usize| {
            let strand = self.findings[at].strand.as_ref();
            strand.is_some_and(|it| it.keys.is_empty())
        };
        let stems = self.subjects[newer].stems.iter();
        let near = stems.filter_map(|stem| self.by_stem.get(stem)).flatten();
        let day = |at: usize| self.at(at).div_euclid(SECONDS_PER_DAY);
        let near = near.copied().filter(|&older| {
            (is_note(newer) || is_note(older)) && self.at(older) > 0 && day(older) < day(newer)
        });
        self.earlier(newer, near)
    }

    fn shared(&self, newer: usize, older: usize) -> usize {
        self.subjects[newer].shared(&self.subjects[older])
    }

    fn mark(&mut self, older: &[usize], newer: usize, sure: bool) {
        for &older in older {
            self.marks.insert(older, (newer, sure));
        }
    }

    /// The ones of these that share most, and how much.
    fn best(&self, newer: usize, of: &[usize]) -> (usize, Vec<usize>) {
        let most = of.iter().map(|&older| self.shared(newer, older)).max();
        let most = most.unwrap_or_default();
        let best = of
            .iter()
            .filter(|&&older| self.shared(newer, older) == most);
        (most, best.copied().collect())
    }

    /// A deadline that is moved: which ones it was before.
    fn move_to(&mut self, newer: usize) {
        let due = |at: usize| self.findings[at].due.as_deref().unwrap_or_default();
        let other_day = |older: &usize| due(*older) != due(newer);
        let mut thread = self.of_thread(newer);
        thread.retain(other_day);
        let mut notes = self.of_notes(newer);
        notes.retain(other_day);
        let related = |older: &usize| self.shared(newer, *older) > 0;
        let given_up = self.findings[newer].instead.clone().unwrap_or_default();
        if !given_up.is_empty() {
            let named = |older: &usize| due(*older) == given_up;
            let replies = |older: &usize| related(older) || self.replies(newer, *older);
            let threads = thread.iter().copied().filter(named).filter(replies);
            let notes = notes.iter().copied().filter(named).filter(related);
            let named: Vec<usize> = threads.chain(notes).collect();
            self.mark(&named, newer, true);
            return;
        }
        let (most, best) = self.best(newer, &thread);
        let one_day =
            |of: &[usize]| of.iter().map(|&at| due(at)).collect::<BTreeSet<_>>().len() == 1;
        // One word may be all that one of both is about, or one of many: the shots are moved, and
        // the day on which the shots are sent isn't.
        let whole = |older: &usize| {
            let lengths = [newer, *older].map(|at| self.subjects[at].stems.len());
            most >= SHARED_WORDS_MIN || lengths.contains(&1)
        };
        if most > 0 {
            let sure = one_day(&best) && best.iter().all(whole);
            let day = due(best[0]);
            let same = |older: &usize| related(older) && due(*older) == day;
            let said_again: Vec<usize> = thread.iter().copied().filter(same).collect();
            let later = best.iter().all(|&older| due(older) < due(newer));
            let answered = best.iter().any(|&older| self.replies(newer, older));
            if sure {
                self.mark(&said_again, newer, true);
            } else if later && answered || best.iter().all(whole) {
                self.mark(&best, newer, false);
            }
            return;
        }
        // "Let's move it to Friday" names nothing: the mail that it replies to does.
        let answered = |older: &usize| self.replies(newer, *older);
        let answered: Vec<usize> = thread.iter().copied().filter(answered).collect();
        if self.subjects[newer].stems.is_empty() && one_day(&answered) {
            self.mark(&answered, newer, false);
            return;
        }
        let (most, best) = self.best(newer, &notes);
        let same = |&older: &usize| self.subjects[older].stems == self.subjects[newer].stems;
        let plain = most >= SHARED_WORDS_MIN && one_day(&best);
        if plain || most > 0 && best.iter().all(same) {
            self.mark(&best, newer, plain);
        }
    }

    /// Deadlines of one thread that name the same thing in the same words, and another day.
    fn say_again(&mut self) {
        let mut groups: BTreeMap<(&str, String), Vec<usize>> = BTreeMap::new();
        for (&key, of) in &self.by_key {
            for &at in of {
                let stems = &self.subjects[at].stems;
                if stems.len() >= SHARED_WORDS_MIN {
                    let stems: Vec<&str> = stems.iter().map(String::as_str).collect();
                    groups.entry((key, stems.join(" "))).or_default().push(at);
                }
            }
        }
        for group in groups.values() {
            let mut group = group.clone();
            group.sort_by_key(|&at| (self.at(at), at));
            for pair in group.windows(2) {
                let (older, newer) = (pair[0], pair[1]);
                let other = self.findings[older].due != self.findings[newer].due;
                let earlier = self.earlier(newer, std::iter::once(older));
                if other && !earlier.is_empty() && !self.marks.contains_key(&older) {
                    self.mark(&earlier, newer, false);
                }
            }
        }
    }

    /// A decision that comes back on an earlier one.
    fn reverse(&mut self, newer: usize) {
        let subject = &self.subjects[newer];
        let mut thread = self.of_thread(newer);
        // Whoever says it again reverses nothing.
        let same_colour = |older: &usize| {
            !subject.colours.is_empty() && subject.colours == self.subjects[*older].colours
        };
        thread.retain(|older| !same_colour(older));
        let reverses = turns::reverses(&words(&self.findings[newer].text));
        let (most, best) = self.best(newer, &thread);
        let colour = |older: &usize| subject.other_colour(&self.subjects[*older]);
        let coloured: Vec<usize> = best.iter().copied().filter(colour).collect();
        if let [older] = coloured[..] {
            self.mark(&[older], newer, true);
            return;
        }
        if most > 0 {
            let enough = most >= SHARED_WORDS_MIN || reverses;
            let sure = enough && best.len() == 1;
            self.mark(&best, newer, sure);
            return;
        }
        // It names nothing of what was decided: the mail that it replies to does.
        let answered = |older: &usize| self.replies(newer, *older);
        let answered: Vec<usize> = thread.iter().copied().filter(answered).collect();
        let sure = reverses && answered.len() == 1;
        // Who says much of another thing comes back on nothing.
        let short = self.subjects[newer].stems.len() <= SHARED_WORDS_MIN;
        if !answered.is_empty() && (reverses || short) {
            self.mark(&answered, newer, sure);
        } else if reverses && thread.len() == 1 {
            self.mark(&thread, newer, false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::fold;

    #[test]
    fn every_word_is_folded() {
        let colours = COLOURS.iter().copied().flatten();
        for word in colours.chain(EMPTY) {
            assert_eq!(fold(word), *word);
        }
    }
}
