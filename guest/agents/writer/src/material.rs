//! What a report is written from, sorted and restricted to the client and the period.

use std::collections::{BTreeMap, BTreeSet};

use naos_reading::findings::{Finding, Findings, More};
use naos_reading::input::Input;
use naos_reading::{Language, nested, strands};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{SECTIONS, plain};

/// One thing a reviewer refuted.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Refuted {
    /// Which rule was broken.
    #[serde(default)]
    pub code: String,
    /// The refuted line.
    #[serde(default)]
    pub claim: String,
    /// Its place.
    #[serde(default)]
    pub cite: Option<String>,
    /// What the source says instead.
    #[serde(default)]
    pub expected: Option<String>,
    /// Where the source says so.
    #[serde(default)]
    pub source: Option<String>,
}

#[derive(Deserialize)]
struct Feedback {
    #[serde(default)]
    evidence: Vec<Refuted>,
}

/// Everything handed over.
pub struct Material {
    /// Whom the report is for.
    pub client: String,
    /// Whom everything in it has to concern; nobody where all of it belongs in.
    pub about: Option<String>,
    /// What was left out before anybody read it: path and reason.
    pub left_out: Vec<(String, String)>,
    /// From when to when, as written.
    pub period: Option<(String, String)>,
    /// What it is written in.
    pub language: Language,
    /// What researchers found.
    pub findings: Vec<Findings>,
    /// What analyzers counted.
    pub analysis: Vec<Value>,
    /// What skills answered.
    pub skills: Map<String, Value>,
    /// What a reviewer refuted.
    pub refuted: Vec<Refuted>,
    layout: Value,
    /// The places of the deadlines that each takes the place of.
    replaced: BTreeMap<String, Vec<(usize, usize)>>,
}

/// Codes of refutations that a line is dropped for.
const DROPPED_FOR: &[&str] = &[
    "unresolved-citation",
    "unrelated-citation",
    "missing-citation",
    "unsupported",
];

/// The deadlines that were moved, by the place of the one each was moved to.
fn replaced(findings: &[Findings]) -> BTreeMap<String, Vec<(usize, usize)>> {
    let mut replaced: BTreeMap<String, Vec<(usize, usize)>> = BTreeMap::new();
    for (found, findings) in findings.iter().enumerate() {
        for (at, deadline) in findings.deadlines.iter().enumerate() {
            if let Some(later) = deadline.replaced_by.as_ref().filter(|_| !deadline.unsure) {
                replaced.entry(later.clone()).or_default().push((found, at));
            }
        }
    }
    replaced
}

/// `[{"path": …, "why": …}, …]`.
fn left_out(list: Option<&Value>) -> Vec<(String, String)> {
    let list = list.map(nested::unpacked).unwrap_or_default();
    let items = list.as_array().map_or(&[][..], Vec::as_slice);
    let one = |item: &Value| {
        let field = |name: &str| item.get(name)?.as_str().map(plain::text);
        Some((field("path")?, field("why")?))
    };
    items.iter().filter_map(one).collect()
}

/// What answers are missing for: a plan hands on nothing where an agent failed, and `of` names in
/// the same order what each was given. With some failed the report goes on without them.
fn unanswered(answers: Option<&Value>, of: Option<&Value>) -> Vec<(String, String)> {
    const WHY: &str = "not read: the agent failed on it; divide it or save it anew, and make the \
        report once more";
    let (answers, of) = (answers.map(nested::unpacked), of.map(nested::unpacked));
    let list = |value: Option<Value>| match value {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    };
    // Where all of them failed there is no list.
    let none = std::iter::repeat(Value::Null);
    let pairs = list(answers).into_iter().chain(none).zip(list(of));
    let failed = pairs.filter(|(answer, _)| answer.is_null());
    let named = failed.filter_map(|(_, name)| name.as_str().map(plain::text));
    named.map(|name| (name, WHY.to_owned())).collect()
}

impl Material {
    /// Sorts an input.
    #[must_use]
    pub fn of(input: &Input) -> Self {
        let rest = &input.rest;
        let day = |end: &str| rest.get("period")?.get(end)?.as_str().map(str::to_owned);
        let (mut findings, _) = nested::many::<Findings>(rest.get("findings"));
        let (mut analysis, _) = nested::many::<Value>(rest.get("analysis"));
        analysis.retain(|it| !it.is_null());
        // Each was found over a handful of files; threads go on for longer.
        strands::settle(&mut findings);
        findings.iter_mut().for_each(plain::findings);
        analysis.iter_mut().for_each(plain::value);
        let (feedback, _) = nested::many::<Feedback>(rest.get("feedback"));
        let skills = match rest.get("skills").map(nested::unpacked) {
            Some(Value::Object(skills)) => skills,
            _ => Map::new(),
        };
        let client = plain::text(input.word("client").unwrap_or("client"));
        let mut left_out = left_out(rest.get("left_out"));
        left_out.extend(unanswered(rest.get("findings"), rest.get("findings_of")));
        left_out.extend(unanswered(rest.get("analysis"), rest.get("analysis_of")));
        let about = input.word("about").map_or(client.clone(), plain::text);
        Self {
            client,
            about: Some(about).filter(|about| !about.trim().is_empty()),
            left_out,
            period: day("from").zip(day("to")),
            language: if input.word("language") == Some("fr") {
                Language::French
            } else {
                Language::English
            },
            replaced: replaced(&findings),
            findings,
            analysis,
            skills,
            refuted: feedback.into_iter().flat_map(|it| it.evidence).collect(),
            layout: rest.get("layout").map(nested::unpacked).unwrap_or_default(),
        }
    }

    /// The sections of the layout that I know, then the ones it lacks and a reviewer misses.
    #[must_use]
    pub fn sections(&self) -> Vec<&'static str> {
        let known = |id: &str| SECTIONS.iter().copied().find(|known| *known == id);
        let laid: Vec<&'static str> = self
            .layout
            .get("sections")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|section| known(section.get("id")?.as_str()?))
            .collect();
        if laid.is_empty() {
            return SECTIONS.to_vec();
        }
        let missed = |id: &&&str| {
            let refuted = |it: &Refuted| it.code == "missing-section" && it.claim == ***id;
            !laid.contains(*id) && self.refuted.iter().any(refuted)
        };
        let missing: Vec<&'static str> = SECTIONS.iter().filter(missed).copied().collect();
        [laid.clone(), missing].concat()
    }

    /// The citations that the layout puts into a section; none where it doesn't say.
    fn chosen(&self, id: &str) -> Option<BTreeSet<&str>> {
        let sections = self.layout.get("sections")?.as_array()?;
        let section = sections
            .iter()
            .find(|section| section.get("id").and_then(Value::as_str) == Some(id))?;
        Some(
            section
                .get("items")?
                .as_array()?
                .iter()
                .filter_map(Value::as_str)
                .collect(),
        )
    }

    fn pick<'a>(&'a self, id: &str, all: Vec<&'a Finding>) -> Vec<&'a Finding> {
        let ours = all
            .into_iter()
            .filter(|it| it.concerns_client != Some(false));
        match self.chosen(id) {
            Some(chosen) => ours
                .filter(|it| chosen.contains(it.cite.as_str()))
                .collect(),
            None => ours.collect(),
        }
    }

    /// Whether it was written in the period.
    #[must_use]
    pub fn in_period(&self, finding: &Finding) -> bool {
        let Some((from, to)) = &self.period else {
            return true;
        };
        finding.date.is_none_or(|date| {
            let date = date.to_string();
            date >= *from && date <= *to
        })
    }

    /// What was decided in the period.
    #[must_use]
    pub fn decisions(&self) -> Vec<&Finding> {
        let all = self.findings.iter().flat_map(|it| &it.decisions);
        self.pick("decisions", all.filter(|it| self.in_period(it)).collect())
    }

    /// How much of a section's kind stands in the sources and belongs to another time.
    #[must_use]
    pub fn outside_the_period(&self, id: &str) -> usize {
        let from = self.period.as_ref().map_or("", |(from, _)| from);
        let ours = |it: &&Finding| it.concerns_client != Some(false);
        let over = |it: &&Finding| it.due.as_deref().unwrap_or_default() < from;
        let found = self.findings.iter();
        match id {
            "decisions" => {
                let all = found.flat_map(|it| &it.decisions).filter(ours);
                all.filter(|it| !self.in_period(it)).count()
            }
            "deadlines" => {
                let all = found.flat_map(|it| &it.deadlines).filter(ours);
                all.filter(|it| it.stands()).filter(over).count()
            }
            _ => 0,
        }
    }

    /// Whether a kind of finding is listed in part only; how many more are in the period or concern
    /// the client isn't known.
    #[must_use]
    pub fn is_cut(&self, of: impl Fn(&More) -> usize) -> bool {
        self.findings.iter().any(|it| of(&it.more) > 0)
    }

    /// What nobody has answered.
    #[must_use]
    pub fn questions(&self) -> Vec<&Finding> {
        let all = self.findings.iter().flat_map(|it| &it.questions);
        self.pick(
            "questions",
            all.filter(|it| it.answered_by.is_none()).collect(),
        )
    }

    /// The questions that a decision seems to answer, with it.
    #[must_use]
    pub fn answered(&self) -> Vec<(&Finding, &Finding)> {
        let mut decisions = self.decided();
        let replies = self.findings.iter().flat_map(|it| &it.answers);
        for reply in replies {
            decisions.entry(&reply.said.cite).or_insert(&reply.said);
        }
        let questions = self.findings.iter().flat_map(|it| &it.questions);
        let ours = questions.filter(|it| it.concerns_client != Some(false));
        ours.filter_map(|it| Some((it, *decisions.get(it.answered_by.as_deref()?)?)))
            .collect()
    }

    /// What is due from the period's first day on, the earliest first.
    #[must_use]
    pub fn deadlines(&self) -> Vec<&Finding> {
        let from = self.period.as_ref().map_or("", |(from, _)| from);
        let all = self.findings.iter().flat_map(|it| &it.deadlines);
        let due = all
            .filter(|it| it.stands() && it.due.as_deref().unwrap_or_default() >= from)
            .collect();
        let mut due = self.pick("deadlines", due);
        due.sort_by(|left, right| (&left.due, &left.cite).cmp(&(&right.due, &right.cite)));
        due
    }

    /// What a deadline was before it was moved, the last day first.
    #[must_use]
    pub fn moved_from(&self, deadline: &Finding) -> Vec<&Finding> {
        let mut earlier: Vec<&Finding> = Vec::new();
        let mut from = vec![deadline.cite.as_str()];
        while let Some(cite) = from.pop() {
            for older in self.replaced.get(cite).into_iter().flatten() {
                let (found, at) = *older;
                let older = &self.findings[found].deadlines[at];
                if !earlier.iter().any(|it| it.cite == older.cite) {
                    from.push(&older.cite);
                    earlier.push(older);
                }
            }
        }
        earlier
    }

    /// The decisions by their places.
    fn decided(&self) -> BTreeMap<&str, &Finding> {
        let decisions = self.findings.iter().flat_map(|it| &it.decisions).rev();
        decisions.map(|it| (it.cite.as_str(), it)).collect()
    }

    /// The decision that takes the place of each that was reversed, by the place of the latter.
    #[must_use]
    pub fn reversals(&self) -> BTreeMap<&str, &Finding> {
        let decided = self.decided();
        let all = self.findings.iter().flat_map(|it| &it.decisions);
        let reversed = all.filter(|it| !it.stands());
        let pair = reversed.filter_map(|it| {
            let later = *decided.get(it.replaced_by.as_deref()?)?;
            Some((it.cite.as_str(), later))
        });
        pair.collect()
    }

    /// What seems reversed or moved by something later, with it: it has to be asked.
    #[must_use]
    pub fn doubtful(&self) -> Vec<(&Finding, &Finding)> {
        let decided = self.decided();
        let deadlines = self.findings.iter().flat_map(|it| &it.deadlines);
        let due: BTreeMap<&str, &Finding> = deadlines.map(|it| (it.cite.as_str(), it)).collect();
        let found = self.findings.iter();
        let decisions = found.flat_map(|it| it.decisions.iter().zip(std::iter::repeat(&decided)));
        let found = self.findings.iter();
        let deadlines = found.flat_map(|it| it.deadlines.iter().zip(std::iter::repeat(&due)));
        let unsure = decisions.chain(deadlines).filter(|(it, _)| it.unsure);
        let ours = unsure.filter(|(it, _)| it.concerns_client != Some(false));
        ours.filter_map(|(it, all)| Some((it, *all.get(it.replaced_by.as_deref()?)?)))
            .collect()
    }

    /// What is due behind the period's last day.
    #[must_use]
    pub fn ahead(&self) -> Vec<&Finding> {
        let to = self.period.as_ref().map_or("", |(_, to)| to);
        let late = |it: &&Finding| it.due.as_deref().unwrap_or_default() > to;
        self.deadlines().into_iter().filter(late).collect()
    }

    /// How many findings of the period concern somebody else: decisions, open questions, deadlines.
    #[must_use]
    pub fn findings_elsewhere(&self) -> [usize; 3] {
        if self.about.is_none() {
            return [0; 3];
        }
        let from = self.period.as_ref().map_or("", |(from, _)| from);
        let elsewhere = |it: &&Finding| it.concerns_client == Some(false);
        let due = |it: &&Finding| it.due.as_deref().unwrap_or_default() >= from;
        let mut counts = [0; 3];
        for found in &self.findings {
            let decisions = found.decisions.iter().filter(elsewhere);
            counts[0] += decisions.filter(|it| self.in_period(it)).count();
            let questions = found.questions.iter().filter(elsewhere);
            counts[1] += questions.filter(|it| it.answered_by.is_none()).count();
            let deadlines = found.deadlines.iter().filter(|it| it.stands());
            counts[2] += deadlines.filter(elsewhere).filter(due).count();
        }
        counts
    }

    /// How many rows of tables that are reported name somebody else, or nobody.
    #[must_use]
    pub fn rows_elsewhere(&self) -> u64 {
        if self.about.is_none() {
            return 0;
        }
        let rows = |group: &Value, name: &str| {
            let scopes = group.get("scopes")?.as_array()?;
            let named = |it: &&Value| it.get("name").and_then(Value::as_str) == Some(name);
            scopes.iter().find(named)?.get("rows")?.as_u64()
        };
        let reported = ["invoices", "payments", "timesheet", "table"].into_iter();
        let groups = reported.flat_map(|kind| self.groups(kind));
        let others = |group| {
            let theirs = rows(group, "client")?;
            Some(rows(group, "all")?.saturating_sub(theirs))
        };
        groups.filter_map(others).sum()
    }

    /// Whether a reviewer refuted this very line.
    #[must_use]
    pub fn is_refuted(&self, line: &str, cite: &str) -> bool {
        self.refuted.iter().any(|refuted| {
            let dropped = DROPPED_FOR.contains(&refuted.code.as_str());
            let same_line = refuted.claim.trim() == line.trim();
            let same_cite = refuted.cite.as_deref() == Some(cite) && line.contains(&refuted.claim);
            dropped && (same_line || same_cite)
        })
    }

    /// The kinds of invoices that are reported: what others bill us concerns no client.
    #[must_use]
    pub fn billed(&self) -> &'static [&'static str] {
        if self.about.is_none() {
            &["invoices", "purchases"]
        } else {
            &["invoices"]
        }
    }

    /// The line on which a table names its columns.
    #[must_use]
    pub fn header_line(&self, file: &str) -> u64 {
        let files = self.analysis.iter().filter_map(|it| it.get("files"));
        let mut files = files.filter_map(Value::as_array).flatten();
        let ours = files.find(|it| it.get("file").and_then(Value::as_str) == Some(file));
        let line = ours.and_then(|it| it.get("header_line")?.as_u64());
        line.unwrap_or(1)
    }

    /// The groups of figures of one kind.
    pub fn groups<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        let groups = self
            .analysis
            .iter()
            .filter_map(|it| it.get("groups")?.as_array())
            .flatten();
        groups.filter(move |group| group.get("kind").and_then(Value::as_str) == Some(kind))
    }
}
