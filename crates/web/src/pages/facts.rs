//! What the kinds of facts are called. The vocabulary is closed but grows; a kind that the
//! locale table doesn't know yet is shown by its own name.

use std::borrow::Cow;

use super::words::{RunStatus, TaskStatus, Tone, Word};
use crate::locale::Locale;

/// The kinds that have a message of their own (`fact-run-completed`).
pub const NAMED: &[&str] = &[
    "agent.created",
    "agent.started",
    "agent.completed",
    "agent.stopped",
    "agent.failed",
    "agent.restarted",
    "agent.updated",
    "agent.deleted",
    "task.created",
    "task.assigned",
    "task.started",
    "task.moved",
    "task.blocked",
    "task.failed",
    "task.cancelled",
    "task.closed",
    "task.planned",
    "task.begun",
    "task.handed",
    "task.made",
    "message.said",
    "message.steered",
    "agent.called",
    "agent.woke",
    "run.queued",
    "run.started",
    "run.resumed",
    "run.completed",
    "run.failed",
    "run.held",
    "run.refused",
    "run.stopped",
    "run.cancelled",
    "run.diverged",
    "step.started",
    "step.completed",
    "step.failed",
    "step.retried",
    "step.skipped",
    "plan.started",
    "plan.completed",
    "plan.failed",
    "plan.cancelled",
    "review.requested",
    "review.checked",
    "review.praised",
    "review.refuted",
    "approval.requested",
    "approval.approved",
    "approval.rejected",
    "approval.decided",
    "approval.delegated",
    "approval.expired",
    "budget.set",
    "budget.reserved",
    "budget.settled",
    "budget.released",
    "budget.exceeded",
    "cost.recorded",
    "schedule.set",
    "schedule.fired",
    "schedule.missed",
    "schedule.paused",
    "schedule.resumed",
    "schedule.ended",
    "schedule.removed",
    "schedule.waited",
    "schedule.freed",
    "resource.applied",
    "resource.removed",
    "member.invited",
    "member.joined",
    "member.left",
    "message.posted",
    "document.written",
    "event.published",
    "event.subscribed",
    "event.taken",
    "event.acknowledged",
    "event.returned",
    "event.dead",
    "event.replayed",
    "event.dropped",
    "event.triggered",
    "event.awaited",
    "event.signalled",
    "skill.answered",
    "notice.raised",
    "notice.tried",
    "notice.repeated",
    "notice.delivered",
    "notice.given_up",
    "notice.withdrawn",
    "supervisor.child_failed",
    "supervisor.set_aside",
    "supervisor.child_restarted",
    "supervisor.child_left",
    "supervisor.failed",
    "supervisor.suspended",
    "supervisor.stopped",
    "supervisor.started",
    "supervisor.reset",
    "tenant.quarantined",
    "tenant.skipped",
    "tenant.resumed",
];

/// What that kind is called.
pub fn label(kind: &str, locale: Locale) -> Cow<'static, str> {
    locale
        .find_text(&key(kind))
        .unwrap_or_else(|| Cow::Owned(kind.to_owned()))
}

/// The message of a remark that is a word of the kind's vocabulary: where a task or plan stands.
pub fn remark_key(kind: &str, remark: &str) -> Option<String> {
    remarked(kind, remark).map(|(key, _)| key)
}

/// Such a remark, with its colour.
fn remarked(kind: &str, remark: &str) -> Option<(String, Tone)> {
    fn said(word: impl Word) -> (String, Tone) {
        (word.key(), word.tone())
    }
    match kind.split('.').next()? {
        "task" => TaskStatus::from_word(remark).map(said),
        "plan" => RunStatus::from_word(remark).map(said),
        _ => None,
    }
}

/// The kind that a fact is called by: a task and a plan are closed by one fact, however they
/// ended, and its remark says how.
pub fn shown_as<'k>(kind: &'k str, remark: &str) -> &'k str {
    match (kind, remark) {
        ("task.closed", "failed") => "task.failed",
        ("task.closed", "cancelled") => "task.cancelled",
        ("plan.completed", "failed" | "rolled_back" | "compensation_failed") => "plan.failed",
        ("plan.completed", "cancelled") => "plan.cancelled",
        _ => kind,
    }
}

/// The colour of that kind, read from how it ended.
pub fn tone(kind: &str, remark: &str) -> Tone {
    if matches!(kind, "task.closed" | "plan.completed")
        && let Some((_, tone)) = remarked(kind, remark)
    {
        return tone;
    }
    match kind.rsplit('.').next().unwrap_or_default() {
        "completed" | "closed" | "approved" | "praised" | "written" | "delivered" => Tone::Good,
        "child_failed" | "failed" | "refused" | "rejected" | "refuted" | "diverged"
        | "given_up" | "quarantined" => Tone::Bad,
        "blocked" | "stopped" | "dead" | "exceeded" | "expired" | "retried" | "tried"
        | "missed" => Tone::Warn,
        "held" | "requested" if kind != "review.requested" => Tone::Human,
        "started" | "resumed" => Tone::Live,
        _ => Tone::Calm,
    }
}

fn key(kind: &str) -> String {
    format!("fact-{}", kind.replace(['.', '_'], "-"))
}

/// The keys of all named kinds.
#[cfg(test)]
pub(super) fn all_keys() -> Vec<String> {
    NAMED.iter().map(|kind| key(kind)).collect()
}
