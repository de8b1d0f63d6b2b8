//! The layout of a report: which finding and which figure goes into which section.

use naos_reading::findings::{Finding, Findings};
use naos_reading::input::Input;
use naos_reading::{Language, nested, strands};
use serde::Serialize;
use serde_json::Value;

/// A report's outline: the writer fills it.
#[derive(Debug, Serialize)]
pub struct Layout {
    title: String,
    language: Language,
    sections: Vec<Section>,
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Section {
    id: &'static str,
    title: &'static str,
    /// Citations of what belongs here.
    items: Vec<String>,
}

/// Sections in their order: id, English title, French title.
const SECTIONS: &[(&str, &str, &str)] = &[
    ("summary", "Summary", "Résumé"),
    ("decisions", "Decisions", "Décisions"),
    ("questions", "Open questions", "Questions ouvertes"),
    ("deadlines", "Deadlines", "Échéances"),
    ("money", "Money", "Finances"),
    ("hours", "Hours", "Heures"),
    ("next", "Next steps", "Prochaines étapes"),
];

/// Lays out a report over `findings` and `analysis`.
#[must_use]
pub fn layout(input: &Input) -> Layout {
    let (mut found, lost) = nested::many::<Findings>(input.rest.get("findings"));
    strands::settle(&mut found);
    let (analysis, _) = nested::many::<Value>(input.rest.get("analysis"));
    let mut notes = input.notes.clone();
    if lost > 0 {
        notes.push(format!("{lost} of the `findings` are none: left out"));
    }
    let language = match input.word("language") {
        Some("fr") => Language::French,
        _ => Language::English,
    };
    let client = input.word("client").unwrap_or("the client");
    let french = language == Language::French;
    let title = if french {
        "Rapport hebdomadaire"
    } else {
        "Weekly report"
    };
    let span = Span::of(input);
    let sections = SECTIONS
        .iter()
        .map(|&(id, english, in_french)| Section {
            id,
            title: if french { in_french } else { english },
            items: items(id, &found, &analysis, &span),
        })
        .collect();
    Layout {
        title: format!("{title} — {client}"),
        language,
        sections,
        notes,
    }
}

struct Span {
    from: String,
    to: String,
}

impl Span {
    fn of(input: &Input) -> Self {
        let day = |end: &str| {
            let day = input.rest.get("period").and_then(|period| period.get(end));
            day.and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        Self {
            from: day("from"),
            to: day("to"),
        }
    }

    /// Days as `2026-10-09` compare as text; an end that isn't given is open.
    fn holds(&self, day: &str) -> bool {
        (self.from.is_empty() || *day >= *self.from) && (self.to.is_empty() || *day <= *self.to)
    }
}

fn items(id: &str, found: &[Findings], analysis: &[Value], span: &Span) -> Vec<String> {
    let ours = |finding: &&Finding| finding.concerns_client != Some(false);
    let written = |finding: &&Finding| {
        finding
            .date
            .is_none_or(|date| span.holds(&date.to_string()))
    };
    let cite = |finding: &Finding| finding.cite.clone();
    let open = |finding: &&Finding| finding.answered_by.is_none();
    let due = |finding: &&Finding| {
        let due = finding.due.as_deref().unwrap_or_default();
        span.from.is_empty() || due >= span.from.as_str()
    };
    let ahead = |finding: &&Finding| {
        let due = finding.due.as_deref().unwrap_or_default();
        span.to.is_empty() || due > span.to.as_str()
    };
    let decisions = found.iter().flat_map(|it| &it.decisions).filter(ours);
    let questions = found
        .iter()
        .flat_map(|it| &it.questions)
        .filter(ours)
        .filter(open);
    let mut deadlines: Vec<&Finding> = found
        .iter()
        .flat_map(|it| &it.deadlines)
        .filter(ours)
        .filter(|it| it.stands())
        .filter(due)
        .collect();
    deadlines.sort_by(|left, right| left.due.cmp(&right.due));
    match id {
        "decisions" => decisions.filter(written).map(cite).collect(),
        "questions" => questions.map(cite).collect(),
        "deadlines" => deadlines.into_iter().map(cite).collect(),
        "next" => deadlines.into_iter().filter(ahead).map(cite).collect(),
        "money" => figures(analysis, &["duplicates", "near_duplicates", "outliers"]),
        _ => Vec::new(),
    }
}

fn figures(analysis: &[Value], lists: &[&str]) -> Vec<String> {
    let groups = analysis
        .iter()
        .filter_map(|it| it.get("groups")?.as_array())
        .flatten();
    let mut cites = Vec::new();
    for group in groups {
        for item in lists
            .iter()
            .filter_map(|list| group.get(list)?.as_array())
            .flatten()
        {
            let one = item.get("cite").and_then(Value::as_str).into_iter();
            let many = item
                .get("cites")
                .and_then(Value::as_array)
                .into_iter()
                .flatten();
            cites.extend(one.chain(many.filter_map(Value::as_str)).map(str::to_owned));
        }
    }
    cites
}
