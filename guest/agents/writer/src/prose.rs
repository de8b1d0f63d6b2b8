//! The sections that are made of findings.

use naos_reading::findings::Finding;

use crate::material::Material;
use crate::words::Words;

/// Most items of each of the next steps' lists.
const NEXT_MAX: usize = 12;
/// Most bytes of one list: a report is read by people, and an answer has a limit.
const LIST_BYTES_MAX: usize = 120 << 10;

/// One line for each; what a reviewer refuted is left out, and what is too much is counted.
pub fn list<T>(
    items: &[T],
    material: &Material,
    words: &Words,
    line: impl Fn(&T) -> String,
) -> String {
    let mut text = String::new();
    for (at, item) in items.iter().enumerate() {
        let line = line(item);
        if text.len() + line.len() > LIST_BYTES_MAX {
            let more = items.len() - at;
            text.push_str(&format!("\n*{more} {}.*\n", words.more_cut));
            break;
        }
        if !material.is_refuted(&line, cite_of(&line)) {
            text.push_str(&line);
            text.push('\n');
        }
    }
    text
}

/// The only place that a line names, or the whole list of them.
fn cite_of(line: &str) -> &str {
    let inside = line.rsplit_once('(').map_or("", |(_, inside)| inside);
    inside.trim_end_matches(')')
}

fn by(finding: &Finding) -> String {
    match (&finding.who, finding.date) {
        (Some(who), Some(date)) => format!(" — {who}, {date}"),
        (Some(who), None) => format!(" — {who}"),
        (None, Some(date)) => format!(" — {date}"),
        (None, None) => String::new(),
    }
}

/// One decision as a line, with the later one that reverses it, where there is one.
pub fn decision(finding: &Finding, reversal: Option<&Finding>, words: &Words) -> String {
    let (text, by, cite) = (&finding.text, by(finding), &finding.cite);
    let Some(later) = reversal else {
        return format!("- {text}{by} ({cite})");
    };
    let who = later.who.as_deref();
    let who = who
        .map(|who| format!(" {} {who}", words.by))
        .unwrap_or_default();
    let day = later
        .date
        .map(|date| format!(", {date}"))
        .unwrap_or_default();
    format!(
        "- {text}{by} — {}{who}{day} ({cite}, {})",
        words.reversed, later.cite
    )
}

/// One open question as a line.
pub fn question(finding: &Finding, words: &Words) -> String {
    let who = finding
        .who
        .as_deref()
        .map(|who| format!("{} {who}", words.asked_by));
    let day = finding.date.map(|date| date.to_string());
    let both: Vec<String> = who.into_iter().chain(day).collect();
    let by = if both.is_empty() {
        String::new()
    } else {
        format!(" — {}", both.join(", "))
    };
    format!("- {}{by} ({})", finding.text, finding.cite)
}

/// A question and the decision that seems to answer it.
fn answered(question: &Finding, answer: &Finding) -> String {
    let (asked, said) = (&question.text, &answer.text);
    let (by, from, to) = (by(answer), &question.cite, &answer.cite);
    format!("- {asked} → {said}{by} ({from}, {to})")
}

/// What nobody answered: what was asked in the period, then what is older, then what seems to
/// have its answer.
pub fn questions(material: &Material, words: &Words) -> String {
    let line = |it: &&Finding| question(it, words);
    let (recent, older): (Vec<&Finding>, Vec<&Finding>) = material
        .questions()
        .into_iter()
        .partition(|it| material.in_period(it));
    let mut text = list(&recent, material, words, line);
    let mut part = |heading: &str, lines: String| {
        if !lines.is_empty() {
            let gap = if text.is_empty() { "" } else { "\n" };
            text.push_str(&format!("{gap}### {heading}\n\n{lines}"));
        }
    };
    part(words.asked_before, list(&older, material, words, line));
    let pairs = material.answered();
    let pair = |(question, answer): &(&Finding, &Finding)| answered(question, answer);
    part(words.seem_answered, list(&pairs, material, words, pair));
    let doubtful = material.doubtful();
    part(words.to_confirm, list(&doubtful, material, words, pair));
    text
}

/// One deadline as a line, its day first, and the days that it was moved from. A task says its day
/// and its owner once.
pub fn deadline(finding: &Finding, material: &Material, words: &Words) -> String {
    let due = finding.due.as_deref().unwrap_or("?");
    let text = finding.text.as_str();
    let text = text.strip_suffix(&format!(" — {due}")).unwrap_or(text);
    let who = finding.who.as_deref();
    let said = who.is_some_and(|who| text.starts_with(&format!("{who}:")));
    let who = who.filter(|_| !said).map(|who| format!(" — {who}"));
    let who = who.unwrap_or_default();
    let (was, cites) = moved_from(finding, material, words);
    format!("- **{due}** — {text}{who}{was} ({cites})")
}

/// `, was 2026-10-12`, and all the places.
fn moved_from(finding: &Finding, material: &Material, words: &Words) -> (String, String) {
    let earlier = material.moved_from(finding);
    let mut days: Vec<&str> = earlier.iter().filter_map(|it| it.due.as_deref()).collect();
    days.dedup();
    let was = match days.is_empty() {
        true => String::new(),
        false => format!(" — {} {}", words.was, days.join(", ")),
    };
    let cites = std::iter::once(finding).chain(earlier);
    let cites: Vec<&str> = cites.map(|it| it.cite.as_str()).collect();
    (was, cites.join(", "))
}

/// The first section: counts with one place each, and what comes first. Nothing in it claims to be
/// all there is.
pub fn summary(material: &Material, words: &Words) -> String {
    let mut text = String::new();
    let mut counted = |count: &str, last: Option<&&Finding>, cites: &str| {
        if let Some(last) = last {
            let said = &last.text;
            text.push_str(&format!(
                "- {count}; {} « {said} » ({cites})\n",
                words.the_last
            ));
        }
    };
    let counts = |number: usize, one: &str, many: &str, cut: bool| {
        if cut {
            return format!("{} {many}", words.at_least(number, cut));
        }
        words.count(number, one, many)
    };
    let mut decisions = material.decisions();
    let reversals = material.reversals();
    let line = |it: &Finding| decision(it, reversals.get(it.cite.as_str()).copied(), words);
    decisions.retain(|it| !material.is_refuted(&line(it), &it.cite));
    decisions.retain(|it| it.stands());
    let last = newest(&decisions);
    let cut = material.is_cut(|more| more.decisions);
    let count = counts(decisions.len(), words.decision, words.decisions, cut);
    counted(&count, last, last.map_or("", |it| &it.cite));
    let mut questions = material.questions();
    questions.retain(|it| !material.is_refuted(&question(it, words), &it.cite));
    let recent = questions.iter().filter(|it| material.in_period(it)).count();
    let cut = material.is_cut(|more| more.open);
    let mut count = counts(questions.len(), words.question, words.questions, cut);
    if recent > 0 && material.period.is_some() {
        let recent = counts(recent, words.of_the_period_one, words.of_the_period, cut);
        count.push_str(&format!(", {recent}"));
    }
    let last = newest(&questions);
    counted(&count, last, last.map_or("", |it| &it.cite));
    let answered = material.answered();
    let last = answered.iter().max_by_key(|(_, answer)| answer.date);
    let cut = material.is_cut(|more| more.questions - more.open);
    let count = counts(answered.len(), words.answered, words.answereds, cut);
    let cites = last.map(|(question, answer)| format!("{}, {}", question.cite, answer.cite));
    counted(
        &count,
        last.map(|(question, _)| question),
        &cites.unwrap_or_default(),
    );
    if let Some(next) = material.ahead().first().or(material.deadlines().last()) {
        let due = next.due.as_deref().unwrap_or("?");
        let (was, cites) = moved_from(next, material, words);
        text.push_str(&format!(
            "- {} **{due}** — {}{was} ({cites})\n",
            words.next_deadline, next.text
        ));
    }
    text.push_str(&crate::money::headline(material, words));
    text
}

/// The last one of the newest day.
fn newest<'f, 'a>(findings: &'f [&'a Finding]) -> Option<&'f &'a Finding> {
    findings.iter().max_by_key(|it| it.date)
}

/// What has to be done: what is due later, what has to be checked, and what was asked in the
/// period and has no answer. Where there is more of it, that is said.
pub fn next(material: &Material, words: &Words) -> String {
    let ahead = material.ahead();
    let open = material.questions();
    let recent = open.iter().filter(|it| material.in_period(it));
    let recent: Vec<&&Finding> = recent.take(NEXT_MAX).collect();
    let due = ahead
        .iter()
        .take(NEXT_MAX)
        .map(|it| deadline(it, material, words));
    let answers = recent
        .iter()
        .map(|it| format!("- {} {} ({})", words.answer, it.text, it.cite));
    let checks = crate::money::checks(material, words).into_iter();
    let lines: Vec<String> = due.chain(checks).chain(answers).collect();
    let kept = lines.iter().filter(|line| !material.is_refuted(line, ""));
    let mut text: String = kept.map(|line| format!("{line}\n")).collect();
    let (due, asked) = (
        material.is_cut(|more| more.deadlines),
        material.is_cut(|more| more.open),
    );
    let more = [
        (
            ahead.len().saturating_sub(NEXT_MAX),
            due,
            words.head_deadlines,
        ),
        (open.len() - recent.len(), asked, words.head_questions),
    ];
    let more = more.iter().filter(|(count, ..)| *count > 0);
    let more: Vec<String> = more
        .map(|(count, cut, heading)| {
            let count = words.at_least(*count, *cut);
            format!("{count} {} « {heading} »", words.more_in)
        })
        .collect();
    if !more.is_empty() {
        text.push_str(&format!("\n*{}.*\n", more.join(", ")));
    }
    text
}
