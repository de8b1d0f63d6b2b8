//! What a person sees while the job is done: a line for each finished run, a bar on a terminal,
//! and a table of who did what at the end.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use naos_types::Micros;
use serde_json::{Value, json};

use super::job::task_of;
use crate::fail::Fail;
use crate::out::Out;
use crate::session::Session;

/// How much of a refutation is shown.
const EVIDENCE_SHOWN_MAX: usize = 3;

/// What one agent did.
#[derive(Default)]
struct Did {
    tier: String,
    runs: u64,
    took_ms: u64,
    cost: u64,
}

/// The screen of a job.
pub(crate) struct Show {
    out: Out,
    bar: Option<ProgressBar>,
    did: BTreeMap<String, Did>,
    /// What each agent's last answer brought forward against a draft.
    evidence: BTreeMap<String, Vec<String>>,
    /// The items of lists that failed: the step, which of its items, and why.
    failed_items: Vec<(String, usize, String)>,
}

impl Show {
    /// A screen: a bar where there is a terminal, lines where there is none.
    pub(crate) fn new(out: Out) -> Self {
        let bar = (out.terminal && !out.quiet && !out.json).then(|| {
            let bar = ProgressBar::new(1);
            let style = ProgressStyle::with_template("{bar:30.cyan/black} {pos}/{len} {wide_msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        Self {
            out,
            bar,
            did: BTreeMap::new(),
            evidence: BTreeMap::new(),
            failed_items: Vec::new(),
        }
    }

    /// Says something.
    pub(crate) fn line(&self, text: &str) {
        match &self.bar {
            _ if self.out.quiet || self.out.json => {}
            Some(bar) => bar.println(text),
            None => self.out.line(text),
        }
    }

    /// Counts a fact of the plan's run, if it is one that people care for, and says it when it is
    /// new.
    pub(crate) fn fact(
        &mut self,
        session: &mut Session,
        row: &Value,
        plan: &str,
        new: bool,
    ) -> Result<(), Fail> {
        let action = row["action"].as_str().unwrap_or_default();
        if !new && !matches!(action, "agent.completed" | "plan.step_failed") {
            return Ok(());
        }
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        match action {
            "agent.completed" => {
                let (task, run) = task_of(session, &text("run"))?;
                if task.plan.as_deref() != Some(plan) {
                    return Ok(()); // somebody else's work in the same moment
                }
                let title = task.title;
                let tier = run["tier"].as_str().unwrap_or_default().to_owned();
                let cost = run["cost_micros"].as_u64().unwrap_or(0);
                let took = run["took_ms"].as_u64().unwrap_or(0);
                let did = self.did.entry(text("subject")).or_default();
                did.runs += 1;
                did.took_ms += took;
                did.cost += cost;
                did.tier.clone_from(&tier);
                if !new {
                    return Ok(());
                }
                let who = text("subject");
                self.evidence.insert(who.clone(), evidence(&run));
                let cost = Micros(cost);
                self.line(&format!(
                    "✓ {who:<12} {title:<34} {tier:<6} {took:>6} ms  {cost}"
                ));
            }
            "plan.step_failed" => {
                let subject = text("subject");
                let item = subject.strip_suffix(']').and_then(|it| it.split_once('['));
                if let Some((step, at)) = item
                    && let Ok(at) = at.parse()
                {
                    let why = text("detail");
                    self.failed_items.push((step.to_owned(), at, why));
                }
            }
            "agent.failed" | "agent.limited" => {
                let (task, run) = task_of(session, &text("run"))?;
                if task.plan.as_deref() == Some(plan) {
                    let why = ["said", "note"]
                        .iter()
                        .find_map(|key| run["problem"][*key].as_str())
                        .unwrap_or_default();
                    let who = text("subject");
                    self.line(&format!("✗ {who:<12} {:<34} {why}", task.title));
                }
            }
            "review.praised" => self.line(&format!("★ {:<12} praised it", text("subject"))),
            "review.refuted" => {
                let who = text("subject");
                self.line(&format!("↺ {who:<12} refuted it, with evidence"));
                let found = self.evidence.remove(&who).unwrap_or_default();
                for why in found.iter().take(EVIDENCE_SHOWN_MAX) {
                    self.line(&format!("  {:<12} {why}", ""));
                }
                if let Some(more @ 1..) = found.len().checked_sub(EVIDENCE_SHOWN_MAX) {
                    self.line(&format!("  {:<12} and {more} more", ""));
                }
            }
            "approval.requested" => self.line("? waits for a person"),
            "approval.approved" => self.line("✓ a person approved it"),
            "approval.rejected" => self.line("✗ a person said no"),
            "document.updated" => self.line(&format!("✓ wrote {}", text("subject"))),
            _ => {}
        }
        Ok(())
    }

    /// How far the plan is.
    pub(crate) fn steps(&self, plan: &Value) {
        let Some(bar) = &self.bar else { return };
        let steps = plan["steps"].as_array().map_or(&[][..], Vec::as_slice);
        let at = |step: &&Value| matches!(step["status"].as_str(), Some("done" | "skipped"));
        let open = steps
            .iter()
            .find(|step| !at(step))
            .and_then(|step| step["name"].as_str());
        bar.set_length(steps.len() as u64);
        bar.set_position(steps.iter().filter(at).count() as u64);
        bar.set_message(open.unwrap_or("done").to_owned());
    }

    /// Who did what, at which tier, for how much.
    pub(crate) fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        if self.out.quiet || self.out.json {
            return;
        }
        let mut rows = Vec::new();
        let mut total = Did::default();
        for (who, did) in &self.did {
            total.runs += did.runs;
            total.took_ms += did.took_ms;
            total.cost += did.cost;
            rows.push(row(who, did));
        }
        rows.push(row("all", &total));
        self.out
            .table(&["who", "tier", "runs", "time", "cost"], &rows);
    }
}

impl Show {
    /// The items of lists that failed: the step, which of its items, and why.
    pub(crate) fn failed_items(&self) -> &[(String, usize, String)] {
        &self.failed_items
    }

    /// The same as data.
    pub(crate) fn table(&self) -> Value {
        let one = |(who, did): (&String, &Did)| {
            json!({"who": who, "tier": did.tier, "runs": did.runs, "took_ms": did.took_ms,
                "cost_micros": did.cost})
        };
        self.did.iter().map(one).collect()
    }
}

/// What a reviewer's answer says against the draft.
fn evidence(run: &Value) -> Vec<String> {
    let answer = run["output"].as_str();
    let answer: Option<Value> = answer.and_then(|text| serde_json::from_str(text).ok());
    let found = answer
        .as_ref()
        .and_then(|answer| answer["evidence"].as_array());
    let why = |one: &Value| one["why"].as_str().map(str::to_owned);
    found.into_iter().flatten().filter_map(why).collect()
}

fn row(who: &str, did: &Did) -> Vec<String> {
    vec![
        who.to_owned(),
        did.tier.clone(),
        did.runs.to_string(),
        format!("{} ms", did.took_ms),
        Micros(did.cost).to_string(),
    ]
}
