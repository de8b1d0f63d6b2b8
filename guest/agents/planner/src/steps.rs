//! The plan: dated steps first, in the order of their days; then the instruction, in its own
//! order; what has no day and what nobody has answered is listed apart.

use naos_reading::findings::{Finding, Findings};
use naos_reading::page::{Page, from_text};
use naos_reading::passages::{self, Passage};
use naos_reading::people;
use naos_reading::words::{fold, is_capitalised, words};
use serde::Serialize;

/// Most steps of one plan.
const STEPS_MAX: usize = 500;
/// Where an instruction goes on with the next step.
const THEN: &[&str] = &[
    ", then ",
    " then ",
    ", puis ",
    " puis ",
    ", ensuite ",
    " ensuite ",
    "; ",
    " avy eo ",
];
/// The file an instruction is cited as.
const INSTRUCTION: &str = "instruction";

/// What a plan is made from.
#[derive(Default)]
pub struct Material {
    /// Findings, ours or a researcher's.
    pub findings: Vec<Findings>,
    /// Notes, for tasks without a day.
    pub pages: Vec<Page>,
    /// What to do, in words.
    pub instruction: Option<String>,
    /// What was malformed.
    pub notes: Vec<String>,
}

/// One step.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Step {
    n: usize,
    what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cite: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<usize>,
}

/// Something nobody has answered.
#[derive(Debug, Serialize)]
struct Open {
    what: String,
    /// The people and things it names.
    about: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asked_by: Option<String>,
    cite: String,
}

/// The answer.
#[derive(Debug, Serialize)]
pub struct Plan {
    summary: String,
    steps: Vec<Step>,
    open: Vec<Open>,
    undated: Vec<Step>,
    notes: Vec<String>,
}

/// Makes the plan.
#[must_use]
pub fn plan(material: &Material) -> Plan {
    let mut notes = material.notes.clone();
    let mut dated: Vec<Step> = Vec::new();
    let mut undated: Vec<Step> = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    for found in &material.findings {
        let deadlines = found.deadlines.iter().filter(|it| it.stands());
        dated.extend(deadlines.map(from_finding));
        let decisions = found.decisions.iter().filter(|it| it.stands());
        undated.extend(decisions.map(|decision| {
            let step = from_finding(decision);
            Step {
                what: format!("Carry out: {}", step.what),
                ..step
            }
        }));
        let unanswered = found.questions.iter().filter(|it| it.answered_by.is_none());
        open.extend(unanswered.map(from_question));
    }
    let seen = |cite: &str, steps: &[Step]| steps.iter().any(|it| it.cite.as_deref() == Some(cite));
    for page in &material.pages {
        for passage in passages::read(page)
            .iter()
            .filter(|passage| passage.done == Some(false))
        {
            let step = from_task(page, passage);
            if !seen(step.cite.as_deref().unwrap_or_default(), &dated) {
                undated.push(step);
            }
        }
    }
    // A decision with its own day is a dated step already.
    undated.retain(|step| !seen(step.cite.as_deref().unwrap_or_default(), &dated));
    dated.sort_by_key(|step| (rank(step), step.due.clone()));
    dated.dedup_by(|right, left| right.what == left.what && right.due == left.due);
    let mut steps = dated;
    for (at, step) in ordered(material).into_iter().enumerate() {
        let after = (at > 0).then_some(steps.len());
        steps.push(Step { after, ..step });
    }
    if steps.len() > STEPS_MAX {
        notes.push(format!("{} more steps left out", steps.len() - STEPS_MAX));
        steps.truncate(STEPS_MAX);
    }
    number(&mut steps);
    number(&mut undated);
    let summary = format!(
        "{} step(s) in order, {} open question(s), {} thing(s) without a day; by rules, without \
         a model",
        steps.len(),
        open.len(),
        undated.len(),
    );
    if steps.is_empty() && open.is_empty() && undated.is_empty() {
        notes.push("nothing to plan: I found no task, no day and no question".to_owned());
    }
    Plan {
        summary,
        steps,
        open,
        undated,
        notes,
    }
}

/// Days that are known come before phrases such as "Friday".
fn rank(step: &Step) -> u8 {
    let known = step
        .due
        .as_deref()
        .is_some_and(|due| due.starts_with(|it: char| it.is_ascii_digit()));
    u8::from(!known)
}

fn number(steps: &mut [Step]) {
    for (at, step) in steps.iter_mut().enumerate() {
        step.n = at + 1;
    }
}

fn from_finding(finding: &Finding) -> Step {
    Step {
        n: 0,
        what: without_owner(&finding.text),
        owner: finding.who.clone(),
        due: finding.due.clone(),
        cite: Some(finding.cite.clone()),
        after: None,
    }
}

fn from_task(page: &Page, passage: &Passage) -> Step {
    Step {
        what: without_owner(&passage.text),
        owner: people::assigned(&passage.text),
        cite: Some(format!("{}:{}", page.path, passage.line)),
        ..Step::default()
    }
}

/// `Hery: send the quote — 2026-10-09` is about sending the quote.
fn without_owner(text: &str) -> String {
    let rest = match people::assigned(text) {
        Some(_) => text.split_once(':').map_or(text, |(_, rest)| rest),
        None => text,
    };
    let task = people::assigned(text).is_some();
    let rest = match rest.rsplit_once(" — ") {
        Some((what, day)) if task && day.starts_with(|it: char| it.is_ascii_digit()) => what,
        _ => rest,
    };
    rest.trim().to_owned()
}

fn from_question(question: &Finding) -> Open {
    Open {
        what: question.text.clone(),
        about: about(&question.text),
        asked_by: question.who.clone(),
        cite: question.cite.clone(),
    }
}

/// The people and things a question names: what is not one of the small words of asking.
fn about(text: &str) -> Vec<String> {
    const SMALL: &[&str] = &[
        "who", "what", "when", "where", "which", "how", "why", "is", "are", "do", "does", "can",
        "could", "should", "will", "would", "the", "and", "or", "of", "to", "in", "on", "for",
        "we", "you", "your", "our", "it", "there", "qui", "que", "quand", "ou", "comment",
        "pourquoi", "quel", "quelle", "est", "ce", "le", "la", "les", "un", "une", "des", "de",
        "du", "et", "vous", "nous", "sont", "faut", "il", "iza", "inona", "ny", "no", "ve", "sa",
        "dia", "ao",
    ];
    let listed = words(text).into_iter().filter(|word| {
        let small = SMALL.contains(&word.folded.as_str());
        !small && (word.folded.chars().count() > 2 || is_capitalised(word.text))
    });
    let mut names: Vec<String> = listed.map(|word| word.text.to_owned()).collect();
    names.dedup();
    names
}

/// The steps of an instruction and of numbered lists: in the order in which they are written.
fn ordered(material: &Material) -> Vec<Step> {
    let Some(instruction) = &material.instruction else {
        return Vec::new();
    };
    let page = from_text(INSTRUCTION, instruction, true);
    let mut steps = Vec::new();
    for passage in passages::read(&page) {
        if passage.text.ends_with('?') {
            continue;
        }
        for part in parts(&passage.text) {
            let days = naos_reading::dates::find(&part, &words(&part), None);
            let due = days.first().map(|day| {
                day.date
                    .map_or_else(|| day.text.clone(), |date| date.to_string())
            });
            steps.push(Step {
                what: without_owner(&part),
                owner: people::assigned(&part),
                due,
                cite: Some(format!("{INSTRUCTION}:{}", passage.line)),
                ..Step::default()
            });
        }
    }
    steps
}

fn parts(text: &str) -> Vec<String> {
    let mut parts = vec![text.trim_end_matches('.').to_owned()];
    for mark in THEN {
        parts = parts
            .iter()
            .flat_map(|part| {
                let folded = fold(part);
                let same = folded.len() == part.len();
                let at = if same {
                    folded.find(mark)
                } else {
                    part.find(mark)
                };
                match at {
                    Some(at) => vec![part[..at].to_owned(), part[at + mark.len()..].to_owned()],
                    None => vec![part.clone()],
                }
            })
            .collect();
    }
    parts
        .iter()
        .map(|part| part.trim().to_owned())
        .filter(|part| !part.is_empty())
        .collect()
}
