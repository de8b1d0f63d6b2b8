//! Starts the report's plan, follows it, and ends with what it came to.

use std::path::{Path, PathBuf};
use std::time::Duration;

use naos_types::{Code, Digest, Name};
use serde_json::{Value, json};

use super::collect::Material;
use super::show::Show;
use super::{deliver, files};
use crate::fail::Fail;
use crate::session::{Session, api};

/// How long to wait between two looks at what happened.
const LOOK: Duration = Duration::from_millis(60);
/// How many facts one look takes.
const FACTS_PER_LOOK: usize = 500;

/// What is to be done.
pub(crate) struct Job {
    /// Whom the report is for.
    pub(crate) client: String,
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

/// How it ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The report is there.
    Delivered(Vec<PathBuf>),
    /// It waits for a person.
    Held,
    /// It failed; the plan says why.
    Failed(String),
}

/// Does the job, or takes it up where it was.
pub(crate) fn run(
    session: &mut Session,
    job: &Job,
    asked: WhenAsked,
    show: &mut Show,
) -> Result<Ended, Fail> {
    prepare(session, &job.home)?;
    let plan = start(session, job)?;
    let mut seen = 0; // what happened before this start counts in the table too
    let mut told = false;
    loop {
        seen = look(session, seen, show)?;
        let state = session.get(api(&format!("/plan-runs/{plan}")))?;
        let status = state["status"].as_str().unwrap_or_default();
        show.steps(&state);
        match status {
            "running" => {}
            "held" if asked == WhenAsked::Approve => approve(session, &plan)?,
            "held" if asked == WhenAsked::End => {
                look(session, seen, show)?;
                show.end();
                return Ok(Ended::Held);
            }
            "held" => {
                if !told {
                    show.line(
                        "the report waits for you: approve it on the page or with `naos approve`",
                    );
                    told = true;
                }
            }
            "completed" => {
                look(session, seen, show)?;
                let written = deliver::deliver(session, &job.home)?;
                show.end();
                return Ok(Ended::Delivered(written));
            }
            _ => {
                look(session, seen, show)?;
                let why = state["problem"]["note"]
                    .as_str()
                    .or_else(|| state["error"].as_str());
                return Ok(Ended::Failed(why.unwrap_or(status).to_owned()));
            }
        }
        session.pause(LOOK);
    }
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
    let inputs = json!({
        "client": job.client,
        "period": { "from": job.period.0, "to": job.period.1 },
        "language": job.language,
        "slug": slug(&job.client, &job.period.1),
        "mail": job.material.mail,
        "tables": job.material.tables,
        "notes": job.material.notes,
    });
    let mut text = inputs.to_string();
    text.push_str(job.again.as_deref().unwrap_or_default());
    let key = format!("report-{}", Digest::of(text.as_bytes()));
    let body = json!({ "inputs": inputs });
    let answer = session.post_as(api("/plans/weekly-report/start"), &body, key)?;
    let id = answer["run"].as_str().map(str::to_owned);
    id.ok_or_else(|| Fail::new(Code::INTERNAL, "a plan was started without a name"))
}

/// `riake-2026-10-09`: the client and the last day.
fn slug(client: &str, to: &str) -> String {
    let client = Name::slug(client).map_or_else(|| "report".to_owned(), |name| name.to_string());
    format!("{client}-{to}")
}

fn approve(session: &mut Session, plan: &str) -> Result<(), Fail> {
    let waiting = session.get(api("/approvals?status=pending"))?;
    for approval in waiting["items"].as_array().into_iter().flatten() {
        let ours = approval["plan"].as_str().is_none_or(|of| of == plan);
        if let (true, Some(id)) = (ours, approval["approval"].as_str()) {
            let body = json!({ "approve": true, "comment": "approved with --yes" });
            session.post(api(&format!("/approvals/{id}/decide")), &body)?;
        }
    }
    Ok(())
}

/// Shows what happened since `seen`; gives the last seq shown.
fn look(session: &mut Session, seen: u64, show: &mut Show) -> Result<u64, Fail> {
    let mut last = seen;
    loop {
        let path = format!("/audit?after={last}&limit={FACTS_PER_LOOK}");
        let page = session.get(api(&path))?;
        let rows = page["items"].as_array().map_or(&[][..], Vec::as_slice);
        for row in rows {
            show.fact(session, row)?;
            last = row["seq"].as_u64().unwrap_or(last).max(last);
        }
        if rows.len() < FACTS_PER_LOOK {
            return Ok(last);
        }
    }
}

/// The path of the task's title in a run's answer, as shown on the board.
pub(super) fn title_of(session: &mut Session, run: &str) -> Result<(String, Value), Fail> {
    let run = session.get(api(&format!("/runs/{run}")))?;
    let task = run["task"].as_str().unwrap_or_default().to_owned();
    let title = match session.get(api(&format!("/tasks/{task}"))) {
        Ok(task) => task["title"].as_str().unwrap_or_default().to_owned(),
        Err(_) => String::new(),
    };
    Ok((title, run))
}
