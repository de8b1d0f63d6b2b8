//! An execution began, called, ended.

use crate::{Actor, BodyRef, Digest, Grant, Micros, Name, RunId, Sealed, Span, TaskId, Tier, Time};

use super::Problem;

/// What a gated call asks for.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Ability {
    /// An HTTP request.
    Http,
    /// An event on the bus.
    Emit,
    /// A question to a person.
    Ask,
    /// An event for a driver's endpoint.
    Endpoint,
    /// An answer of a language model.
    Model,
    /// A tool that a model called, and that naos itself answers.
    Tool,
    /// A tool of a server that a model called.
    Server,
    /// A look into what an agent remembers, that a model asked for.
    Recall,
}

/// What may be done when nobody knows whether an effect happened.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum World {
    /// It changes nothing: repeat it.
    Repeatable,
    /// The receiver honours the idempotency key: repeat it with the same key.
    Keyed,
    /// Neither: a person decides.
    Once,
}

/// What a person decided about an effect of unknown outcome.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It happened: go on.
    Finish,
    /// It did not, or was undone: fail the call.
    Undo,
    /// Try it again.
    Retry,
}

facts! {
    "Facts about runs."

    /// An attempt began.
    Started "run.started" as "agent.started" v 1 {
        /// Which.
        run: RunId,
        /// For which task.
        task: TaskId,
        /// Who.
        agent: Name,
        /// At which tier.
        tier: Tier,
        /// The component, pinned until the run closes.
        component: Option<Digest>,
        /// What is given.
        input: BodyRef,
        /// What its clock and dice derive from.
        seed: Digest,
        /// Counted from 1.
        attempt: u32,
        /// When the attempt is lost.
        deadline: Time,
        /// What the guard allowed.
        grant: Grant,
    }
    /// Answers that the guest got at once, before the next gated call or the end.
    Recorded "run.recorded" as "agent.recorded" v 1 {
        /// Which.
        run: RunId,
        /// Who.
        agent: Name,
        /// The segment of the recording.
        segment: BodyRef,
        /// How many calls it holds.
        calls: u32,
    }
    /// What the guest logged before the next gated call or the end.
    Logged "run.logged" as "agent.logged" v 1 {
        /// Which.
        run: RunId,
        /// Who.
        agent: Name,
        /// The page of lines; none where all were left out.
        page: Option<BodyRef>,
        /// The number of its first line in the run, counted from 1.
        first: u32,
        /// How many lines it holds.
        lines: u32,
        /// How many bytes of text they hold.
        bytes: u32,
        /// How many lines were left out since the page before.
        left_out: u32,
    }
    /// The guest asked for an effect: the intent, before anything happens.
    Called "run.called" as "agent.called" v 1 {
        /// Which.
        run: RunId,
        /// Who.
        agent: Name,
        /// The call's number in the run, counted from 0 over all kinds of calls.
        index: u32,
        /// What for.
        ability: Ability,
        /// The request.
        request: BodyRef,
        /// Digest that it is compared by when the run is executed again.
        digest: Digest,
        /// What may be done if the outcome is lost.
        world: World,
    }
    /// The effect's outcome, before the guest goes on.
    Answered "run.answered" as "agent.answered" v 1 {
        /// Which.
        run: RunId,
        /// Who.
        agent: Name,
        /// Which call.
        index: u32,
        /// What the guest gets.
        answer: BodyRef,
        /// How often it was tried.
        attempts: u32,
    }
    /// It gave its answer.
    Completed "run.completed" as "agent.completed" v 1 {
        /// Which.
        run: RunId,
        /// Who.
        agent: Name,
        /// For which task.
        task: TaskId,
        /// At which tier.
        tier: Tier,
        /// The answer.
        output: BodyRef,
        /// What it cost.
        cost: Micros,
        /// Instructions, roughly.
        fuel: u64,
        /// How long the last attempt took.
        took: Span,
    }
    /// An attempt failed.
    Failed "run.failed" as "agent.failed" v 1 {
        /// Which.
        run: RunId,
        /// Who.
        agent: Name,
        /// Why.
        problem: Problem,
        /// When it is tried again; none closes it.
        retry_at: Option<Time>,
    }
    /// A limit ended it: replay runs without limits up to here.
    Stopped "run.stopped" as "agent.limited" v 1 {
        /// Which.
        run: RunId,
        /// Who.
        agent: Name,
        /// Which limit, as a code.
        problem: Problem,
        /// At which call.
        call: u32,
    }
    /// Somebody doesn't want it any more.
    Cancelled "run.cancelled" as "agent.cancelled" v 1 {
        /// Which.
        run: RunId,
        /// Who ran.
        agent: Name,
        /// Who cancelled.
        by: Actor,
    }
    /// It asked something else than its recording says.
    Diverged "run.diverged" as "agent.diverged" v 1 {
        /// Which.
        run: RunId,
        /// Who.
        agent: Name,
        /// At which call.
        call: u32,
    }
    /// Nobody knows whether the effect happened.
    LeftUnknown "run.left_unknown" as "agent.unknown" v 1 {
        /// Which.
        run: RunId,
        /// Who.
        agent: Name,
        /// Which call.
        index: u32,
        /// What the driver said last.
        said: Option<Sealed>,
    }
    /// A person decided about it.
    Resolved "run.resolved" as "agent.resolved" v 1 {
        /// Which.
        run: RunId,
        /// Who.
        agent: Name,
        /// Which call.
        index: u32,
        /// How.
        verdict: Verdict,
        /// Who decided.
        by: Actor,
    }
}
