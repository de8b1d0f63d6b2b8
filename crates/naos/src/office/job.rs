//! Starts the report's plan, follows it, and ends with what it came to.

use std::path::{Path, PathBuf};
use std::time::Duration;

use naos_types::{Code, Digest};
use serde_json::{Value, json};

use super::collect::{LeftOut, Material};
use super::deliver::{self, Delivered};
use super::show::Show;
use super::{PLAN, files, slug};
use crate::fail::Fail;
use crate::interrupts::Interrupts;
use crate::session::{Session, api};

/// How long to wait between two looks at what happened.
const LOOK: Duration = Duration::from_millis(60);
/// Reports are in this language unless said.
const USUAL_LANGUAGE: &str = "en";
/// So many files are named that an agent failed on at once.
const FAILED_ON_SHOWN_MAX: usize = 3;
/// How many facts one look takes.
const FACTS_PER_LOOK: usize = 500;

/// What is to be done.
pub(crate) struct Job {
    /// Whom the report is for.
    pub(crate) client: String,
    /// Whom everything in it has to concern; empty where all of the material does.
    pub(crate) about: String,
    /// From when to when: ISO dates.
    pub(crate) period: (String, String),
    /// `en` or `fr`.
    pub(crate) language: String,
    /// Where reports are written.
    pub(crate) home: PathBuf,
    /// What it is made of.
    pub(crate) material: Material,
    /// Tells one attempt from another, where somebody wants it done again.
    pub(crate) again: Option<String>,
}

/// What to do when a person is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhenAsked {
    /// Say so and end.
    End,
    /// Say yes.
    Approve,
    /// Wait for the answer.
    Wait,
}

impl Job {
    /// The name of the report, among the documents and on disk.
    /// What is written in another language than the usual one says so: both have a file.
    pub(crate) fn slug(&self) -> String {
        let slug = slug::slug(&self.client, &self.period.1);
        match self.language.as_str() {
            USUAL_LANGUAGE => slug,
            language => format!("{slug}-{language}"),
        }
    }
}

/// How it ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The report is there.
    Delivered(Delivered),
    /// It waits for a person.
    Held,
    /// It waits for a person, and whoever said yes beforehand didn't know that the reviewer would
    /// still refute it.
    Disputed,
    /// It failed.
    Failed(Problem),
    /// Somebody asked this process to end; the work stays as it is and goes on at the next start.
    Interrupted,
}

/// Why it failed, as the plan says it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// What went wrong.
    pub(crate) what: String,
    /// Under which code.
    pub(crate) code: Code,
    /// What to do about it; empty where nobody knows.
    pub(crate) help: String,
}

/// What it came to.
#[derive(Debug)]
pub(crate) struct Done {
    /// How it ended.
    pub(crate) ended: Ended,
    /// The run of the plan.
    pub(crate) plan: String,
    /// What the report says isn't in it.
    pub(crate) left_out: Vec<String>,
    /// What the agents failed on, and why.
    pub(crate) failed_on: Vec<String>,
    /// A later report stands in the place of the one that was approved in this run.
    pub(crate) replaced: bool,
}

/// Does the job, or takes it up where it was.
pub(crate) fn run(
    session: &mut Session,
    job: &Job,
    asked: WhenAsked,
    show: &mut Show,
    interrupts: &mut Interrupts,
) -> Result<Done, Fail> {
    let status = session.get(api("/status"))?;
    let said_before = status["journal"]["seq"].as_u64().unwrap_or(0);
    prepare(session, &job.home)?;
    let plan = start(session, job)?;
    let mut seen = 0; // what happened before this start counts in the table too
    let mut told = false;
    loop {
        let state = session.get(api(&format!("/plan-runs/{plan}?brief=true")))?;
        seen = look(session, seen, said_before, show, &state)?;
        let status = state["status"].as_str().unwrap_or_default();
        show.steps(&state);
        if status == "held" && !newest_alone(session, job, &plan)? {
            continue; // it is cancelled, and the next look says so
        }
        let ended = match status {
            "running" => None,
            "held" if asked == WhenAsked::Approve => {
                (!approve(session, &plan)?).then_some(Ended::Disputed)
            }
            "held" if asked == WhenAsked::End => Some(Ended::Held),
            "held" => {
                if !told {
                    show.line(
                        "the report waits for you: approve it on the page or with `naos approve`",
                    );
                    told = true;
                }
                None
            }
            // Partial: an agent failed on a part of it, which the report names.
            "completed" | "partial" => {
                Some(Ended::Delivered(deliver::deliver(session, &job.home)?))
            }
            _ => Some(Ended::Failed(problem(&state, status))),
        };
        if let Some(ended) = ended {
            show.end();
            let state = session.get(api(&format!("/plan-runs/{plan}")))?;
            return Ok(Done {
                replaced: is_replaced(&state, &ended, job),
                ended,
                plan,
                left_out: left_out(&state),
                failed_on: failed_on(job, show),
            });
        }
        if session.pause_unless(LOOK, interrupts) {
            show.end();
            let (ended, left_out) = (interrupted(status), Vec::new());
            return Ok(Done {
                ended,
                plan,
                left_out,
                failed_on: Vec::new(),
                replaced: false,
            });
        }
    }
}

/// Whether the document says something else than what was approved in this run: the same files were
/// reported before, and others after them.
fn is_replaced(state: &Value, ended: &Ended, job: &Job) -> bool {
    let Ended::Delivered(delivered) = ended else {
        return false;
    };
    let approved = output(state, "approve");
    let stands = delivered.stands.get(&format!("{}.md", job.slug()));
    approved
        .zip(stands)
        .is_some_and(|(approved, stands)| approved.trim() != stands.text.trim())
}

/// What a step of a plan's run came to, where that is a text.
fn output<'s>(state: &'s Value, name: &str) -> Option<&'s str> {
    let mut steps = state["steps"].as_array()?.iter();
    steps.find(|step| step["name"] == name)?["output"].as_str()
}

/// What it means to be interrupted: a report that waits goes on waiting.
fn interrupted(status: &str) -> Ended {
    match status {
        "held" => Ended::Held,
        _ => Ended::Interrupted,
    }
}

/// Why a plan ended as it did: which step went wrong, what was said about it, and what to do.
fn problem(state: &Value, status: &str) -> Problem {
    let problem = &state["problem"];
    let why = match (problem["note"].as_str(), problem["said"].as_str()) {
        (Some(note), Some(said)) => format!("{note}: {said}"),
        (Some(text), None) | (None, Some(text)) => text.to_owned(),
        (None, None) => status.to_owned(),
    };
    // What was skipped before went wrong too, and the run went on.
    let mut steps = state["steps"].as_array().into_iter().flatten();
    let is_it = |step: &&Value| step["status"] == "failed" && step["problem"] == *problem;
    let step = steps.rfind(is_it).and_then(|step| step["name"].as_str());
    let code = problem["code"].as_str().and_then(Code::parse);
    Problem {
        what: step.map_or(why.clone(), |step| format!("its step {step} failed: {why}")),
        code: code.unwrap_or(Code::STEP_FAILED),
        help: problem["help"].as_str().unwrap_or_default().to_owned(),
    }
}

/// Which parts of the material an agent failed on, and why: the report can't know it.
fn failed_on(job: &Job, show: &Show) -> Vec<String> {
    let material = &job.material;
    let one = |(step, at, why): &(String, usize, String)| {
        let batch = match step.as_str() {
            "read" => material.mail.iter().chain(&material.notes).nth(*at),
            "count" => material.tables.get(*at),
            _ => None,
        };
        let files = batch?["files"].as_array()?.iter();
        let mut paths: Vec<&str> = files.filter_map(|file| file["path"].as_str()).collect();
        paths.dedup();
        let more = paths.len().saturating_sub(FAILED_ON_SHOWN_MAX);
        let named = paths[..paths.len() - more].join(", ");
        Some(match more {
            0 => format!("{named}: {why}"),
            more => format!("{named} and {more} more: {why}"),
        })
    };
    show.failed_items().iter().filter_map(one).collect()
}

/// The items of the report's last section, which says what isn't in it.
fn left_out(state: &Value) -> Vec<String> {
    let lines = output(state, "draft").unwrap_or_default().lines();
    let items = lines.filter_map(|line| line.strip_prefix("+ "));
    items.map(str::to_owned).collect()
}

/// The workforce and the plan: applying the same again changes nothing.
fn prepare(session: &mut Session, home: &Path) -> Result<(), Fail> {
    let own = |name: &str| {
        let there = std::fs::read_to_string(home.join(name)).ok();
        json!({ "name": name, "text": there.unwrap_or_else(|| files::text(name)) })
    };
    let wanted = [
        own("nexus.config.yaml"),
        own("skills/overdue.yaml"),
        own("report.yaml"),
    ];
    session.post(api("/apply"), &json!({ "files": wanted }))?;
    Ok(())
}

/// Starts the plan; the same material for the same report starts the same plan again, that is: it
/// goes on, or is done already.
fn start(session: &mut Session, job: &Job) -> Result<String, Fail> {
    let left = |it: &LeftOut| json!({ "path": it.path, "why": it.why });
    let inputs = json!({
        "client": job.client,
        "about": job.about,
        "period": { "from": job.period.0, "to": job.period.1 },
        "language": job.language,
        "slug": job.slug(),
        "mail": job.material.mail,
        "tables": job.material.tables,
        "notes": job.material.notes,
        "left_out": job.material.left_out.iter().map(left).collect::<Vec<_>>(),
    });
    let mut text = inputs.to_string();
    text.push_str(job.again.as_deref().unwrap_or_default());
    let key = format!("report-{}", Digest::of(text.as_bytes()));
    let body = json!({ "inputs": inputs });
    let answer = session.post_as(api(&format!("/plans/{PLAN}/start")), &body, key)?;
    let id = answer["run"].as_str().map(str::to_owned);
    id.ok_or_else(|| Fail::new(Code::INTERNAL, "a plan was started without a name"))
}

/// Of the reports of one name that wait for a person only the newest goes on waiting: an older one
/// that is approved after it would be written over it. Whether this one does.
fn newest_alone(session: &mut Session, job: &Job, plan: &str) -> Result<bool, Fail> {
    if crate::planted::old_reports_wait() {
        return Ok(true);
    }
    let end = format!(" ({})", job.slug());
    let waiting = session.get(api("/approvals?status=pending"))?;
    let rows = waiting["items"].as_array().into_iter().flatten();
    let named = rows.filter(|row| row["title"].as_str().is_some_and(|it| it.ends_with(&end)));
    // Names of runs are made by time: the later one comes after.
    let plans = named.filter_map(|row| row["plan"].as_str());
    let plans: Vec<&str> = plans.collect();
    let newest = plans.iter().copied().max().unwrap_or(plan).max(plan);
    for old in plans.into_iter().filter(|it| *it < newest) {
        match session.post(api(&format!("/plan-runs/{old}/cancel")), &json!({})) {
            // Somebody was quicker: it is over.
            Err(fail) if fail.code != Some(Code::WRONG_STATE) => return Err(fail),
            _ => {}
        }
    }
    Ok(newest == plan)
}

/// Whether nothing is in the way: what is disputed isn't approved unseen.
fn approve(session: &mut Session, plan: &str) -> Result<bool, Fail> {
    let waiting = session.get(api("/approvals?status=pending"))?;
    for approval in waiting["items"].as_array().into_iter().flatten() {
        let ours = approval["plan"].as_str().is_none_or(|of| of == plan);
        if ours && approval["disputed"] == true {
            return Ok(false);
        }
        if let (true, Some(id)) = (ours, approval["approval"].as_str()) {
            let body = json!({ "approve": true, "comment": "approved with --yes" });
            session.post(api(&format!("/approvals/{id}/decide")), &body)?;
        }
    }
    Ok(true)
}

/// Shows what happened since `seen`, as far as it belongs to the plan's run; gives the last seq
/// that was looked at. What stood in the journal up to `said_before` is counted and not said again.
fn look(
    session: &mut Session,
    seen: u64,
    said_before: u64,
    show: &mut Show,
    plan: &Value,
) -> Result<u64, Fail> {
    let mut last = seen;
    // Times are texts of one form: they compare as they are.
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let (from, to) = (text(&plan["started"]), text(&plan["ended"]));
    let run = plan["run"].as_str().unwrap_or_default();
    loop {
        let path = format!("/audit?after={last}&limit={FACTS_PER_LOOK}");
        let page = session.get(api(&path))?;
        let rows = page["items"].as_array().map_or(&[][..], Vec::as_slice);
        for row in rows {
            let at = text(&row["time"]);
            let seq = row["seq"].as_u64().unwrap_or(last);
            if at >= from && (to.is_none() || at <= to) {
                show.fact(session, row, run, seq > said_before)?;
            }
            last = seq.max(last);
        }
        if rows.len() < FACTS_PER_LOOK {
            return Ok(last);
        }
    }
}

/// The task of a run: its title as shown on the board, and the plan it belongs to.
pub(super) struct TaskOf {
    pub(super) title: String,
    pub(super) plan: Option<String>,
}

/// What a run was for, and the run itself.
pub(super) fn task_of(session: &mut Session, run: &str) -> Result<(TaskOf, Value), Fail> {
    let run = session.get(api(&format!("/runs/{run}")))?;
    let task = run["task"].as_str().unwrap_or_default().to_owned();
    let task = session
        .get(api(&format!("/tasks/{task}")))
        .unwrap_or_default();
    let title = task["title"].as_str().unwrap_or_default().to_owned();
    let plan = task["plan"].as_str().map(str::to_owned);
    Ok((TaskOf { title, plan }, run))
}
