//! Compares what was acknowledged and what strangers saw with what the machine says it did. Pure:
//! each check looks at collected facts and names what is wrong.

mod asked;
mod board;
mod effects;
mod flows;
mod minds;
mod money;
#[cfg(test)]
mod tests;
mod watched;

use std::collections::BTreeMap;

use naos_types::Code;
use serde_json::Value;

use super::gather::{Gathered, Row};
use super::ledger::{Stand, What, Write};
use super::load::ASK_TOPIC;
use super::receiver::Hit;
use super::thinker::Thought;
use super::weaver::{BELL, FRAGILE, PAID_TOPIC};

pub(super) use effects::{Effects, count};
pub(super) use minds::lost;

/// How often a run of the agent that always fails is tried.
const FLAKY_ATTEMPTS: u64 = 3;

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// Which promise is broken.
    pub(super) check: &'static str,
    /// What was seen.
    pub(super) what: String,
}

/// What checks write into.
#[derive(Debug, Default)]
pub(super) struct Findings(pub(super) Vec<Finding>);

impl Findings {
    pub(super) fn add(&mut self, check: &'static str, what: impl Into<String>) {
        let what = what.into();
        self.0.push(Finding { check, what });
    }

    pub(super) fn expect(
        &mut self,
        check: &'static str,
        holds: bool,
        what: impl FnOnce() -> String,
    ) {
        if !holds {
            self.add(check, what());
        }
    }
}

/// All that is compared.
pub(super) struct Collected<'c> {
    pub(super) ledger: &'c [Write],
    pub(super) found: &'c Gathered,
    /// What came to the receiver that honours keys.
    pub(super) keyed: &'c [Hit],
    /// What came to the one that doesn't.
    pub(super) plain: &'c [Hit],
    /// What came to the endpoint of the driver outside.
    pub(super) asked: &'c [Hit],
    /// What came to whom notices go: each tag is the whole of it.
    pub(super) told: &'c [Hit],
    /// What the model was asked.
    pub(super) thoughts: &'c [Thought],
}

/// Makes every check.
pub(super) fn all(collected: &Collected<'_>) -> Vec<Finding> {
    let mut findings = Findings::default();
    journal(collected.found, &mut findings);
    answered(collected.ledger, &mut findings);
    present(collected, &mut findings);
    repeated(collected.found, &mut findings);
    twice(collected, &mut findings);
    plans(collected, &mut findings);
    stuck(collected.found, &mut findings);
    money::check(collected, &mut findings);
    effects::check(collected, &mut findings);
    asked::check(collected, &mut findings);
    minds::check(collected, &mut findings);
    board::check(collected, &mut findings);
    flows::check(collected, &mut findings);
    watched::check(collected, &mut findings);
    findings.0
}

/// Seqs without gaps, and the proof agrees.
fn journal(found: &Gathered, findings: &mut Findings) {
    for (at, row) in found.audit.iter().enumerate() {
        let expected = at as u64 + 1;
        if row.seq != expected {
            findings.add(
                "journal",
                format!("seq {} stands where {expected} should", row.seq),
            );
            break;
        }
    }
    let (sound, entries, said) = &found.verified;
    findings.expect("journal", *sound, || format!("audit verify: {said}"));
    let rows = found.audit.len() as u64;
    findings.expect("journal", *entries >= rows, || {
        format!("audit verify covers {entries} entries of {rows}")
    });
}

/// Every write got a yes, or a no where one is possible.
fn answered(ledger: &[Write], findings: &mut Findings) {
    for write in ledger {
        match &write.stand {
            Stand::Acked { .. } => {}
            Stand::Open => {
                let what = format!("{} was never answered ({} tries)", write.key, write.sent);
                findings.add("answered", what);
            }
            Stand::Refused { status, reply } => {
                let code = reply["code"].as_str().and_then(Code::parse);
                let may = match &write.what {
                    What::Spend { .. } => code == Some(Code::OVER_BUDGET),
                    // Somebody was faster: the other client of this person, or time.
                    What::Decide { .. } | What::Resolve { .. } | What::Rule { .. } => {
                        code == Some(Code::WRONG_STATE)
                    }
                    // It came too late: the run ended, the supervisor rests already.
                    What::Signal | What::Drill => code == Some(Code::WRONG_STATE),
                    _ => false,
                };
                findings.expect("answered", may, || {
                    format!("{} was refused with {status}: {reply}", write.key)
                });
            }
        }
    }
}

/// What was acknowledged is there.
fn present(collected: &Collected<'_>, findings: &mut Findings) {
    let found = collected.found;
    let subjects = |action: &str| -> std::collections::BTreeSet<&str> {
        let rows = found.audit.iter().filter(|row| row.action == action);
        rows.map(|row| row.subject.as_str()).collect()
    };
    let (topics, resolved) = (subjects("event.published"), resolutions(&found.audit));
    let created = subjects("task.created");
    let head = found.audit.last().map_or(0, |row| row.seq);
    let mut versions: BTreeMap<&str, u64> = BTreeMap::new();
    for write in collected
        .ledger
        .iter()
        .filter(|write| write.reply().is_some())
    {
        let lost = |what: &str| format!("{}: {what} is not there", write.key);
        let run = write.said("run").unwrap_or_default();
        let seq = write.reply().and_then(|reply| reply["seq"].as_u64());
        findings.expect("acknowledged", seq.is_some_and(|seq| seq <= head), || {
            format!(
                "{}: relies on seq {seq:?}, the journal ends at {head}",
                write.key
            )
        });
        let there = match &write.what {
            What::Echo
            | What::Skill
            | What::Flaky
            | What::Courier { .. }
            | What::Spend { .. }
            | What::Watched { .. }
            | What::Think { .. } => found.runs.contains_key(run),
            What::Board { .. } => created.contains(write.said("task").unwrap_or_default()),
            // Counted elsewhere.
            What::Rule { .. } | What::Signal | What::Drill => true,
            What::Paid => topics.contains(PAID_TOPIC),
            What::Plan { .. }
            | What::Saga { .. }
            | What::Line { .. }
            | What::Batch { .. }
            | What::Wait { .. }
            | What::Nest { .. } => found.plans.contains_key(run),
            What::Decide { approval, approve } => {
                let wanted = if *approve { "approved" } else { "rejected" };
                found
                    .approvals
                    .get(approval)
                    .is_some_and(|status| status == wanted)
            }
            What::Resolve { run, .. } => resolved.contains_key(run.as_str()),
            What::Agent { name, .. } => found.agents.contains(name),
            What::Budget { agent } => found.money.contains_key(agent),
            What::Event { topic } => topics.contains(topic.as_str()),
            What::Ask { .. } => topics.contains(ASK_TOPIC),
            What::Document { path } => {
                *versions.entry(path).or_default() += 1;
                found.documents.contains_key(path)
            }
        };
        findings.expect("acknowledged", there, || lost(write.what.word()));
    }
    for (take, action) in [
        (true, "approval.rule_taken"),
        (false, "approval.rule_ended"),
    ] {
        let rule = |write: &&Write| {
            let own = matches!(&write.what, What::Rule { take: own } if *own == take);
            // One that nobody held any more changed nothing.
            own && write.reply().is_some_and(|reply| reply["changed"] != false)
        };
        let acked = collected.ledger.iter().filter(rule).count();
        let rows = found.audit.iter().filter(|row| row.action == action);
        let count = rows.count();
        findings.expect("acknowledged", count == acked, || {
            format!("{acked} people heard of {action}, the journal has {count}")
        });
    }
    for (path, count) in versions {
        let version = found.documents.get(path).copied().unwrap_or_default();
        findings.expect("acknowledged", version == count, || {
            format!("{path} has version {version} after {count} acknowledged writes")
        });
    }
}

/// How often each run was decided about by a person.
pub(super) fn resolutions(audit: &[Row]) -> BTreeMap<&str, usize> {
    let mut count = BTreeMap::new();
    for row in audit.iter().filter(|row| row.action == "agent.resolved") {
        if let Some(run) = &row.run {
            *count.entry(run.as_str()).or_default() += 1;
        }
    }
    count
}

/// What an answer says about which thing it is; the rest of it (a run's status, the seq up to
/// which it may be read) may move on.
fn identity<'v>(what: &What, reply: &'v Value) -> Vec<&'v Value> {
    let names: &[&str] = match what {
        What::Echo
        | What::Skill
        | What::Flaky
        | What::Courier { .. }
        | What::Spend { .. }
        | What::Watched { .. }
        | What::Think { .. } => &["run", "task", "agent"],
        What::Board { .. } => &["task"],
        What::Rule { .. } => &["question"],
        What::Plan { .. }
        | What::Saga { .. }
        | What::Line { .. }
        | What::Batch { .. }
        | What::Wait { .. }
        | What::Nest { .. } => &["run", "name"],
        What::Drill => &["name", "changed"],
        What::Decide { .. } => &["approval", "plan", "run"],
        What::Resolve { .. } | What::Signal => &["run"],
        What::Document { .. } => &["path", "version"],
        What::Agent { .. } => &["name", "version"],
        What::Budget { .. } => &["agent"],
        What::Event { .. } | What::Ask { .. } | What::Paid => &["event"],
    };
    names.iter().map(|name| &reply[*name]).collect()
}

/// The same question under the same key has the same answer.
fn repeated(found: &Gathered, findings: &mut Findings) {
    for (write, answer) in &found.again {
        let Some(before) = write.reply() else {
            continue;
        };
        let same = answer.as_ref().is_some_and(|answer| {
            let (then, now) = (
                identity(&write.what, before),
                identity(&write.what, &answer.body),
            );
            answer.is_ok() && then == now
        });
        findings.expect("same answer", same, || {
            let now = answer
                .as_ref()
                .map(|answer| format!("{} {}", answer.status, answer.body));
            let now = now.unwrap_or_else(|| "nothing".into());
            format!("{}: first {before}, asked again {now}", write.key)
        });
    }
}

/// Nothing is recorded twice.
fn twice(collected: &Collected<'_>, findings: &mut Findings) {
    let (found, ledger) = (collected.found, collected.ledger);
    let mut count: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for row in &found.audit {
        let of = match row.action.as_str() {
            // Each answer of a model is set aside and settled by itself: see `minds.rs`.
            "cost.recorded" | "cost.reserved" if minds::thinks(&row.subject) => continue,
            "agent.started" | "agent.completed" | "agent.failed" | "agent.limited"
            | "cost.recorded" | "cost.reserved" => row.run.as_deref().unwrap_or("?"),
            "agent.created" | "document.updated" | "event.published" | "approval.approved"
            | "approval.rejected" => row.subject.as_str(),
            _ => continue,
        };
        *count.entry((row.action.as_str(), of)).or_default() += 1;
    }
    let mut writes: BTreeMap<&str, u64> = BTreeMap::new();
    for write in ledger.iter().filter(|write| write.reply().is_some()) {
        match &write.what {
            What::Document { path } => *writes.entry(path).or_default() += 1,
            What::Ask { .. } => *writes.entry(ASK_TOPIC).or_default() += 1,
            What::Paid => *writes.entry(PAID_TOPIC).or_default() += 1,
            _ => {}
        }
    }
    let of = |run: &str, agent: &str| found.runs.get(run).is_some_and(|row| row.agent == agent);
    let (flaky, outside) = (
        |run: &str| of(run, "flaky"),
        |run: &str| of(run, asked::RUNS_AS),
    );
    let watched = |run: &str| {
        let row = found.runs.get(run);
        row.is_some_and(|row| watched::is_watched(&row.agent))
    };
    for ((action, of), count) in &count {
        let expected = match *action {
            "document.updated" | "event.published" => writes.get(of).copied().unwrap_or(1),
            // An endpoint is tried as often as it takes.
            "agent.started" | "agent.failed" if outside(of) => *count,
            // Whoever is restarted begins what it was at anew.
            "agent.started" if watched(of) => *count,
            "agent.started" | "agent.failed" if flaky(of) => FLAKY_ATTEMPTS,
            _ => 1,
        };
        findings.expect("once", *count == expected, || {
            format!("{action} {of} is recorded {count} times, not {expected}")
        });
    }
    for (run, row) in &found.runs {
        let completed = count.contains_key(&("agent.completed", run.as_str()));
        findings.expect("once", completed == (row.status == "completed"), || {
            format!(
                "{run} is {}, and the journal says completed: {completed}",
                row.status
            )
        });
    }
    for (run, input) in &found.strangers {
        let ours = ["once ", "greet ", "{\"calls\""]
            .iter()
            .any(|start| input.starts_with(start));
        findings.expect("once", !ours, || {
            format!("{run} does {input:?} again: no acknowledged write began it")
        });
    }
}

/// A plan did each of its steps once.
fn plans(collected: &Collected<'_>, findings: &mut Findings) {
    let found = collected.found;
    let mut inputs: BTreeMap<&str, u64> = BTreeMap::new();
    // These are counted by what they do.
    let apart = |run: &str| {
        let agent = found.runs.get(run).map(|row| row.agent.as_str());
        agent.is_some_and(|agent| minds::thinks(agent) || flows::works(agent) || agent == BELL)
    };
    for (_, input) in found.strangers.iter().filter(|(run, _)| !apart(run)) {
        *inputs.entry(input).or_default() += 1;
    }
    let times = |input: &str| inputs.get(input).copied().unwrap_or_default();
    for (input, count) in &inputs {
        findings.expect("plans", *count == 1, || {
            format!("{input:?} was run {count} times")
        });
    }
    let count = found
        .audit
        .iter()
        .filter(|row| row.action == "plan.started")
        .count();
    findings.expect("plans", count == found.plans.len(), || {
        format!(
            "{count} plans were started, {} are there",
            found.plans.len()
        )
    });
    let acked = collected.ledger.iter();
    let acked = acked.filter(|write| write.what.starts_steps() && write.said("run").is_some());
    let acked = acked.count();
    for write in collected.ledger {
        let (What::Plan { tag, items }, Some(run)) = (&write.what, write.said("run")) else {
            continue;
        };
        let items = (0..*items).map(|item| format!("item {tag}/{item}"));
        let draft = format!("draft of {tag}");
        let wanted = items.chain([draft]);
        let missing: Vec<String> = wanted.filter(|input| times(input) != 1).collect();
        findings.expect("plans", missing.is_empty(), || {
            format!("{run} never ran {missing:?}")
        });
        let kept = format!("plans/{tag}.md");
        let kept = found
            .audit
            .iter()
            .any(|row| row.action == "document.updated" && row.subject == kept);
        let status = found.plans.get(run).map_or("lost", String::as_str);
        findings.expect("plans", kept == (status == "completed"), || {
            format!("{run} is {status}, and its document is there: {kept}")
        });
    }
    let plans = found.plans.len() - found.boards.len() - flows::within(collected);
    findings.expect("plans", acked == plans, || {
        format!("{acked} plans were acknowledged, {plans} are there")
    });
}

/// Everything ended, or waits for a person and says so.
fn stuck(found: &Gathered, findings: &mut Findings) {
    for (run, row) in &found.runs {
        let ends: &[&str] = match row.agent.as_str() {
            "courier" => &["completed", "unknown"],
            "flaky" | "breaker" | FRAGILE => &["failed"],
            "shipper" => &["completed", "failed"],
            agent if minds::thinks(agent) => &["completed", "failed"],
            _ => &["completed"],
        };
        findings.expect("ended", ends.contains(&row.status.as_str()), || {
            format!("{run} of {} is {}: {}", row.agent, row.status, row.output)
        });
    }
    for (plan, status) in &found.plans {
        let ended = matches!(
            status.as_str(),
            "completed" | "failed" | "cancelled" | "partial" | "rolled_back"
        );
        findings.expect("ended", ended, || format!("{plan} is {status}"));
    }
    for (approval, status) in &found.approvals {
        findings.expect("ended", status != "pending", || {
            format!("{approval} still waits")
        });
    }
}
