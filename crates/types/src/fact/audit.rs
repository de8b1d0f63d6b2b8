//! How a fact reads in the audit log.

use super::{Fact, agent, approval, budget, document, member, message, notice, plan};
use super::{review, run, schedule, supervisor, task, tenant};
use crate::{Actor, RunId, TaskId};

impl Fact {
    /// What the fact is about, as one word: an agent's name where there is one.
    #[must_use]
    pub fn subject(&self) -> String {
        match self {
            Self::Agent(fact) => agent_of(fact).to_string(),
            Self::Task(fact) => fact.task().to_string(),
            Self::Run(fact) => run_of(fact).1.to_string(),
            Self::Plan(fact) => plan_of(fact),
            Self::Review(fact) => match fact {
                review::Fact::Requested(f) => f.reviewer.to_string(),
                review::Fact::Praised(f) => f.reviewer.to_string(),
                review::Fact::Refuted(f) => f.reviewer.to_string(),
                review::Fact::Abandoned(f) => f.reviewer.to_string(),
                review::Fact::Checked(f) => f.author.to_string(),
            },
            Self::Approval(fact) => match fact {
                approval::Fact::Requested(f) => f.approval.to_string(),
                approval::Fact::Approved(f) => f.approval.to_string(),
                approval::Fact::Rejected(f) => f.approval.to_string(),
                approval::Fact::Expired(f) => f.approval.to_string(),
                approval::Fact::Withdrawn(f) => f.approval.to_string(),
                approval::Fact::Delegated(f) => f.approval.to_string(),
                approval::Fact::Ruled(f) => f.approval.to_string(),
                approval::Fact::RuleOffered(f) => f.habit.clone(),
                approval::Fact::RuleTaken(f) => f.habit.clone(),
                approval::Fact::RuleEnded(f) => f.habit.clone(),
            },
            Self::Budget(fact) => budget_of(fact).to_owned(),
            Self::Resource(fact) => fact.about(),
            Self::Document(fact) => match fact {
                document::Fact::Written(f) => f.path.to_string(),
                document::Fact::Deleted(f) => f.path.to_string(),
                document::Fact::Erased(f) => f.path.to_string(),
            },
            Self::Member(fact) => match fact {
                member::Fact::Added(f) => f.member.to_string(),
                member::Fact::RoleChanged(f) => f.member.to_string(),
                member::Fact::Removed(f) => f.member.to_string(),
                member::Fact::TokenIssued(f) => f.member.to_string(),
                member::Fact::TokenRevoked(f) => f.member.to_string(),
                member::Fact::HandleSet(f) => f.member.to_string(),
                member::Fact::Told(f) => f.news.subject(),
                member::Fact::Saw(f) => f.member.to_string(),
            },
            Self::Message(message::Fact::Posted(f)) => f.message.to_string(),
            Self::Message(message::Fact::Said(f)) => f.message.to_string(),
            Self::Message(message::Fact::Steered(f)) => f.message.to_string(),
            Self::Event(fact) => fact.about(),
            Self::Tenant(tenant::Fact::Created(f)) => f.slug.to_string(),
            Self::Notice(fact) => notice_of(fact).to_string(),
            Self::Schedule(fact) => {
                let (kind, name) = fact.of();
                format!("{}/{name}", kind.word())
            }
            Self::Supervisor(fact) => supervisor_of(fact).to_string(),
            Self::Tenant(tenant::Fact::Restored(_)) => "backup".into(),
            Self::Tenant(
                tenant::Fact::Quarantined(_) | tenant::Fact::Skipped(_) | tenant::Fact::Resumed(_),
            ) => "cell".into(),
        }
    }

    /// Who did it, where the fact says so.
    #[must_use]
    pub fn actor(&self) -> Option<&Actor> {
        match self {
            Self::Agent(agent::Fact::Created(f)) => Some(&f.by),
            Self::Agent(agent::Fact::Changed(f)) => Some(&f.by),
            Self::Agent(agent::Fact::Stopped(f)) => Some(&f.by),
            Self::Agent(agent::Fact::Enabled(f)) => Some(&f.by),
            Self::Task(task::Fact::Opened(f)) => Some(&f.by),
            Self::Run(run::Fact::Started(f)) => f.fork.as_ref().map(|fork| &fork.by),
            Self::Run(run::Fact::Cancelled(f)) => Some(&f.by),
            Self::Run(run::Fact::Resolved(f)) => Some(&f.by),
            Self::Plan(plan::Fact::Started(f)) => Some(&f.by),
            Self::Plan(plan::Fact::UndoBegan(f)) => Some(&f.by),
            Self::Plan(plan::Fact::UndoDecided(f)) => Some(&f.by),
            Self::Plan(plan::Fact::Paused(f)) => Some(&f.by),
            Self::Plan(plan::Fact::Resumed(f)) => Some(&f.by),
            Self::Plan(plan::Fact::StepSkipped(f)) => f.by.as_ref(),
            Self::Approval(approval::Fact::Approved(f)) => Some(&f.by),
            Self::Approval(approval::Fact::Rejected(f)) => Some(&f.by),
            Self::Budget(budget::Fact::Set(f)) => Some(&f.by),
            Self::Budget(budget::Fact::Reset(f)) => Some(&f.by),
            Self::Resource(fact) => fact.by(),
            Self::Document(document::Fact::Written(f)) => Some(&f.by),
            Self::Document(document::Fact::Deleted(f)) => Some(&f.by),
            Self::Document(document::Fact::Erased(f)) => Some(&f.by),
            Self::Member(member::Fact::Added(f)) => Some(&f.by),
            Self::Member(member::Fact::RoleChanged(f)) => Some(&f.by),
            Self::Member(member::Fact::Removed(f)) => Some(&f.by),
            Self::Member(member::Fact::TokenRevoked(f)) => Some(&f.by),
            Self::Member(member::Fact::HandleSet(f)) => Some(&f.by),
            Self::Member(member::Fact::Told(f)) => Some(&f.by),
            Self::Approval(approval::Fact::Delegated(f)) => Some(&f.by),
            Self::Approval(approval::Fact::Ruled(f)) => Some(&f.by),
            Self::Approval(approval::Fact::RuleTaken(f)) => Some(&f.by),
            Self::Approval(approval::Fact::RuleEnded(f)) => Some(&f.by),
            Self::Message(message::Fact::Posted(f)) => Some(&f.by),
            Self::Message(message::Fact::Said(f)) => Some(&f.by),
            Self::Message(message::Fact::Steered(f)) => Some(&f.by),
            Self::Task(task::Fact::Planned(f)) => Some(&f.by),
            Self::Task(task::Fact::Handed(f)) => Some(&f.by),
            Self::Event(fact) => fact.by(),
            Self::Supervisor(supervisor::Fact::Failed(f)) => f.by.as_ref(),
            Self::Supervisor(supervisor::Fact::Stopped(f)) => Some(&f.by),
            Self::Supervisor(supervisor::Fact::Started(f)) => f.by.as_ref(),
            Self::Supervisor(supervisor::Fact::Reset(f)) => Some(&f.by),
            Self::Tenant(tenant::Fact::Created(f)) => Some(&f.by),
            Self::Tenant(tenant::Fact::Skipped(f)) => Some(&f.by),
            Self::Tenant(tenant::Fact::Resumed(f)) => Some(&f.by),
            Self::Schedule(schedule::Fact::Fired(f)) => f.by.as_ref(),
            Self::Schedule(schedule::Fact::Paused(f)) => Some(&f.by),
            Self::Schedule(schedule::Fact::Resumed(f)) => Some(&f.by),
            _ => None,
        }
    }

    /// The run it belongs to.
    #[must_use]
    pub fn run(&self) -> Option<RunId> {
        match self {
            Self::Run(fact) => Some(run_of(fact).0),
            Self::Agent(agent::Fact::Remembered(f)) => Some(f.run),
            Self::Budget(budget::Fact::Reserved(f)) => Some(f.run),
            Self::Budget(budget::Fact::Settled(f)) => Some(f.run),
            Self::Budget(budget::Fact::Released(f)) => Some(f.run),
            Self::Budget(budget::Fact::Metered(f)) => Some(f.run),
            Self::Document(document::Fact::Written(f)) => f.run,
            _ => None,
        }
    }

    /// What follows the subject on the audit line: an amount, a status, a reason.
    #[must_use]
    pub fn remark(&self) -> Option<String> {
        match self {
            Self::Budget(budget::Fact::Settled(f)) => Some(f.amount.to_string()),
            Self::Budget(budget::Fact::Reserved(f)) => Some(f.amount.to_string()),
            Self::Budget(budget::Fact::Metered(f)) => Some(format!(
                "{}: {} in, {} out, {}",
                f.model, f.input, f.output, f.billed
            )),
            Self::Budget(budget::Fact::Alerted(f)) => Some(format!("{} of {}", f.used, f.limit)),
            Self::Task(task::Fact::Closed(f)) => Some(f.status.to_string()),
            Self::Task(task::Fact::Moved(f)) => Some(f.status.to_string()),
            Self::Task(task::Fact::Routed(f)) => Some(format!("{} {}", f.tier, f.target)),
            Self::Task(task::Fact::Planned(f)) => f.card.to.as_ref().map(|to| format!("for {to}")),
            Self::Task(task::Fact::Begun(f)) => Some(f.plan.to_string()),
            Self::Task(task::Fact::Handed(f)) => Some(format!("to {}", f.to)),
            Self::Task(task::Fact::Made(f)) => Some(format!("by {}", f.agent)),
            Self::Task(task::Fact::Followed(f)) => {
                let word = if f.on { "followed by" } else { "muted by" };
                Some(format!("{word} {}", f.member))
            }
            Self::Approval(approval::Fact::Delegated(f)) => Some(format!("to {}", f.to)),
            Self::Approval(approval::Fact::RuleOffered(f)) => Some(format!("after {}", f.same)),
            Self::Approval(approval::Fact::RuleTaken(f)) => {
                Some(format!("until {}", f.until.rfc3339()))
            }
            Self::Approval(approval::Fact::Ruled(f)) => Some(f.habit.clone()),
            Self::Member(member::Fact::HandleSet(f)) => Some(match &f.handle {
                Some(handle) => format!("@{handle}"),
                None => "none".to_owned(),
            }),
            Self::Member(member::Fact::Told(f)) => Some(match f.to.len() {
                1 => format!("{} to {}", f.news.word(), f.to[0]),
                members => format!("{} to {members} members", f.news.word()),
            }),
            Self::Message(message::Fact::Said(f)) => Some(format!("in {}", f.task)),
            Self::Message(message::Fact::Steered(f)) => {
                Some(format!("to {} in {}", f.agent, f.run))
            }
            Self::Agent(agent::Fact::Called(f)) => Some(format!("wakes {}", f.at.rfc3339())),
            Self::Agent(agent::Fact::Woke(f)) => Some(match f.calls.len() {
                1 => "1 thing waited".to_owned(),
                calls => format!("{calls} things waited"),
            }),
            Self::Plan(plan::Fact::Closed(f)) => Some(f.status.to_string()),
            Self::Run(run::Fact::Started(f)) => {
                let fork = f.fork.as_ref();
                fork.map(|fork| format!("what if of {} from turn {}", fork.of, fork.from))
            }
            Self::Run(run::Fact::Logged(f)) => Some(logged(f)),
            Self::Run(run::Fact::Failed(f)) => Some(f.problem.note.clone()),
            Self::Run(run::Fact::Stopped(f)) => Some(f.problem.note.clone()),
            Self::Plan(plan::Fact::StepFailed(f)) => Some(f.problem.note.clone()),
            Self::Plan(plan::Fact::StepSkipped(f)) => Some(f.why.clone()),
            Self::Plan(plan::Fact::StepDone(f)) => f
                .from
                .map(|from| format!("done before by {from}, under the same key")),
            Self::Plan(plan::Fact::UndoBegan(f)) => Some(match &f.problem {
                Some(problem) => problem.note.clone(),
                None => "cancelled".to_owned(),
            }),
            Self::Plan(plan::Fact::UndoDecided(f)) => {
                let word = if f.done { "resolved" } else { "tried again" };
                Some(word.to_owned())
            }
            Self::Document(document::Fact::Written(f)) => Some(format!("v{}", f.version)),
            Self::Document(document::Fact::Erased(f)) => Some(erased(f)),
            Self::Event(fact) => fact.remark(),
            Self::Resource(fact) => fact.remark(),
            Self::Notice(notice::Fact::Raised(f)) => Some(f.about.word().to_owned()),
            Self::Notice(notice::Fact::Gathered(f)) => {
                let until = f.until.rfc3339();
                Some(format!("{} until {until}", f.about.word()))
            }
            Self::Notice(notice::Fact::GivenUp(f)) => Some(f.problem.note.clone()),
            Self::Schedule(fact) => scheduled(fact),
            Self::Supervisor(fact) => watched(fact),
            Self::Tenant(tenant::Fact::Restored(f)) => {
                Some(format!("of {}, up to {}", f.backed_up.rfc3339(), f.upto))
            }
            Self::Tenant(tenant::Fact::Quarantined(f)) => {
                let rule = f.rule.as_deref().unwrap_or("a rule broke");
                Some(format!("{rule} at {}", f.broke.about()))
            }
            Self::Tenant(tenant::Fact::Skipped(f)) => Some(format!("what broke after {}", f.after)),
            Self::Tenant(tenant::Fact::Resumed(f)) => Some(format!("what broke after {}", f.after)),
            _ => None,
        }
    }
}

/// How many versions are named in one line.
const VERSIONS_SHOWN_MAX: usize = 8;

fn erased(fact: &document::Erased) -> String {
    let shown = fact.versions.iter().take(VERSIONS_SHOWN_MAX);
    let mut out: Vec<String> = shown.map(|version| format!("v{version}")).collect();
    let rest = fact.versions.len() - out.len();
    if rest > 0 {
        out.push(format!("and {rest} more"));
    }
    if !fact.runs.is_empty() {
        out.push(format!("and in {} runs", fact.runs.len()));
    }
    out.join(" ")
}

fn scheduled(fact: &schedule::Fact) -> Option<String> {
    match fact {
        schedule::Fact::Set(f) => f.next.map(|beat| format!("next {}", beat.at.rfc3339())),
        schedule::Fact::Fired(f) => Some(format!("{} for {}", f.began, f.at.rfc3339())),
        schedule::Fact::Missed(f) => Some(match &f.problem {
            Some(problem) => format!("{}: {}", f.from.rfc3339(), problem.note),
            None => format!(
                "{} from {} to {}",
                f.count,
                f.from.rfc3339(),
                f.to.rfc3339()
            ),
        }),
        schedule::Fact::Resumed(f) => f.next.map(|beat| format!("next {}", beat.at.rfc3339())),
        schedule::Fact::Ended(f) => f.problem.as_ref().map(|problem| problem.note.clone()),
        schedule::Fact::Waited(f) => Some(format!("{} waits for {}", f.at.rfc3339(), f.behind)),
        schedule::Fact::Paused(_) | schedule::Fact::Removed(_) | schedule::Fact::Freed(_) => None,
    }
}

fn logged(f: &run::Logged) -> String {
    let lines = match f.lines {
        1 => "1 line".to_owned(),
        lines => format!("{lines} lines"),
    };
    match f.left_out {
        0 => lines,
        left => format!("{lines}, {left} left out"),
    }
}

fn agent_of(fact: &agent::Fact) -> &crate::Name {
    match fact {
        agent::Fact::Created(f) => &f.name,
        agent::Fact::Changed(f) => &f.name,
        agent::Fact::Stopped(f) => &f.name,
        agent::Fact::Enabled(f) => &f.name,
        agent::Fact::Restarted(f) => &f.name,
        agent::Fact::Deleted(f) => &f.name,
        agent::Fact::Remembered(f) => &f.name,
        agent::Fact::Called(f) => &f.name,
        agent::Fact::Woke(f) => &f.name,
    }
}

impl task::Fact {
    /// The task that it is about.
    #[must_use]
    pub const fn task(&self) -> TaskId {
        match self {
            Self::Opened(f) => f.task,
            Self::Routed(f) => f.task,
            Self::Moved(f) => f.task,
            Self::Closed(f) => f.task,
            Self::Planned(f) => f.task,
            Self::Begun(f) => f.task,
            Self::Handed(f) => f.task,
            Self::Made(f) => f.task,
            Self::Followed(f) => f.task,
        }
    }
}

fn run_of(fact: &run::Fact) -> (RunId, &crate::Name) {
    match fact {
        run::Fact::Started(f) => (f.run, &f.agent),
        run::Fact::Recorded(f) => (f.run, &f.agent),
        run::Fact::Logged(f) => (f.run, &f.agent),
        run::Fact::Called(f) => (f.run, &f.agent),
        run::Fact::Answered(f) => (f.run, &f.agent),
        run::Fact::Completed(f) => (f.run, &f.agent),
        run::Fact::Failed(f) => (f.run, &f.agent),
        run::Fact::Stopped(f) => (f.run, &f.agent),
        run::Fact::Cancelled(f) => (f.run, &f.agent),
        run::Fact::Diverged(f) => (f.run, &f.agent),
        run::Fact::LeftUnknown(f) => (f.run, &f.agent),
        run::Fact::Resolved(f) => (f.run, &f.agent),
    }
}

fn plan_of(fact: &plan::Fact) -> String {
    match fact {
        plan::Fact::Started(f) => f.name.to_string(),
        plan::Fact::StepStarted(f) => f.at.to_string(),
        plan::Fact::StepExpanded(f) => f.step.to_string(),
        plan::Fact::StepDone(f) => f.at.to_string(),
        plan::Fact::StepFailed(f) => f.at.to_string(),
        plan::Fact::StepSkipped(f) => f.at.to_string(),
        plan::Fact::StepReopened(f) => f.at.to_string(),
        plan::Fact::UndoBegan(f) => f.name.to_string(),
        plan::Fact::UndoDecided(f) => f.at.to_string(),
        plan::Fact::Paused(f) => f.name.to_string(),
        plan::Fact::Resumed(f) => f.name.to_string(),
        plan::Fact::Closed(f) => f.name.to_string(),
    }
}

fn notice_of(fact: &notice::Fact) -> &crate::Name {
    match fact {
        notice::Fact::Raised(f) => &f.to,
        notice::Fact::Tried(f) => &f.to,
        notice::Fact::Repeated(f) => &f.to,
        notice::Fact::Delivered(f) => &f.to,
        notice::Fact::GivenUp(f) => &f.to,
        notice::Fact::Withdrawn(f) => &f.to,
        notice::Fact::Gathered(f) => &f.to,
        notice::Fact::Scattered(f) => &f.to,
    }
}

fn supervisor_of(fact: &supervisor::Fact) -> &crate::Name {
    match fact {
        supervisor::Fact::ChildFailed(f) => &f.supervisor,
        supervisor::Fact::SetAside(f) => &f.supervisor,
        supervisor::Fact::ChildRestarted(f) => &f.supervisor,
        supervisor::Fact::ChildLeft(f) => &f.supervisor,
        supervisor::Fact::Failed(f) => &f.supervisor,
        supervisor::Fact::Suspended(f) => &f.supervisor,
        supervisor::Fact::Stopped(f) => &f.supervisor,
        supervisor::Fact::Started(f) => &f.supervisor,
        supervisor::Fact::Reset(f) => &f.supervisor,
    }
}

fn watched(fact: &supervisor::Fact) -> Option<String> {
    match fact {
        supervisor::Fact::ChildFailed(f) => Some(f.child.to_string()),
        supervisor::Fact::ChildRestarted(f) => Some(f.child.to_string()),
        supervisor::Fact::ChildLeft(f) => Some(format!("{}: its budget is spent", f.child)),
        supervisor::Fact::SetAside(f) => Some(match f.runs.len() {
            1 => format!("1 run of {}", f.agent),
            runs => format!("{runs} runs of {}", f.agent),
        }),
        supervisor::Fact::Failed(f) => Some(f.problem.note.clone()),
        supervisor::Fact::Suspended(_)
        | supervisor::Fact::Stopped(_)
        | supervisor::Fact::Started(_)
        | supervisor::Fact::Reset(_) => None,
    }
}

fn budget_of(fact: &budget::Fact) -> &str {
    match fact {
        budget::Fact::Set(f) => f.agent.as_str(),
        budget::Fact::Reserved(f) => f.agent.as_str(),
        budget::Fact::Settled(f) => f.agent.as_str(),
        budget::Fact::Metered(f) => f.agent.as_str(),
        budget::Fact::Released(f) => f.agent.as_str(),
        budget::Fact::Alerted(f) => f.agent.as_str(),
        budget::Fact::Exhausted(f) => f.agent.as_str(),
        budget::Fact::Reset(f) => f.agent.as_str(),
    }
}
