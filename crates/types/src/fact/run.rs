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
    /// A question to another agent, that a model asks.
    Colleague,
    /// A picture among the documents, that a model asked for.
    Picture,
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
    Started "run.started" as "agent.started" v 2 lifts StartedV1 1 {
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
        /// What it goes on from, where it is a what-if; said with its first attempt.
        fork: Option<Box<Fork>>,
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

/// What a what-if goes on from: a run that ended, up to one of its turns. It stands beside that run
/// and for the same task, which it doesn't change.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Fork {
    /// The run that it stands beside.
    pub of: RunId,
    /// From which turn of that one on it goes its own way, counted from 1.
    pub from: u32,
    /// Who wants to know.
    pub by: Actor,
    /// The model that is asked; none for the one that was.
    pub model: Option<Name>,
    /// The prompt; none for the one that was.
    pub prompt: Option<BodyRef>,
    /// What was asked in that turn: whatever else is asked now stands in it.
    pub asked: BodyRef,
    /// The last piece of the recording before that turn.
    pub tail: Option<BodyRef>,
    /// How many calls the recording holds up to there.
    pub calls: u32,
    /// Answers of models in it, failed ones too.
    pub turns: u32,
    /// The last good one.
    pub answer: Option<BodyRef>,
    /// How many calls that one asks for: all were made.
    pub done: u32,
    /// Bytes of all that was said.
    pub bytes: u64,
    /// Pieces that they came in.
    pub pieces: u64,
    /// Tokens used, by the providers' figures.
    pub tokens: u64,
    /// What was recalled: the pieces of the recording.
    pub recalled: Vec<BodyRef>,
    /// Calls of the original that acted: what each asked, and the piece with its result.
    pub acted: Vec<(Digest, BodyRef)>,
}

/// How an attempt began before there were what-ifs.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StartedV1 {
    /// Which.
    pub run: RunId,
    /// For which task.
    pub task: TaskId,
    /// Who.
    pub agent: Name,
    /// At which tier.
    pub tier: Tier,
    /// The component.
    pub component: Option<Digest>,
    /// What is given.
    pub input: BodyRef,
    /// What its clock and dice derive from.
    pub seed: Digest,
    /// Counted from 1.
    pub attempt: u32,
    /// When the attempt is lost.
    pub deadline: Time,
    /// What the guard allowed.
    pub grant: Grant,
}

impl From<StartedV1> for Started {
    fn from(old: StartedV1) -> Self {
        let StartedV1 {
            run,
            task,
            agent,
            tier,
            component,
            input,
            seed,
            attempt,
            deadline,
            grant,
        } = old;
        Self {
            run,
            task,
            agent,
            tier,
            component,
            input,
            seed,
            attempt,
            deadline,
            grant,
            fork: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_began_before_there_were_what_ifs_is_none() {
        let body = BodyRef {
            digest: Digest([1; 32]),
            len: 2,
        };
        let old = StartedV1 {
            run: RunId(7),
            task: TaskId(9),
            agent: Name::new("echo").unwrap(),
            tier: Tier::Model,
            component: None,
            input: body,
            seed: Digest([3; 32]),
            attempt: 1,
            deadline: Time(4),
            grant: Grant::default(),
        };
        // Byte for byte what was written: the layout as it was, field by field.
        let bytes = postcard::to_stdvec(&old).unwrap();
        assert!(bytes.starts_with(&[[0; 15].as_slice(), &[7]].concat()));
        let fact = crate::fact::Fact::decode("run.started", 1, &bytes).unwrap();
        assert_eq!(fact, Started::from(old).into());
        assert_eq!(fact.version(), 2);
        // What came stands at the end, so an old layout is a new one without it.
        assert_eq!(fact.encode(), [bytes.as_slice(), &[0]].concat());
        let again = crate::fact::Fact::decode("run.started", 2, &fact.encode()).unwrap();
        assert_eq!(again, fact);
    }

    #[test]
    fn a_what_if_comes_back_as_it_was_written() {
        let body = |at: u8| BodyRef {
            digest: Digest([at; 32]),
            len: 2,
        };
        let fork = Fork {
            of: RunId(7),
            from: 2,
            by: Actor::System,
            model: Some(Name::new("cheap").unwrap()),
            prompt: Some(body(1)),
            asked: body(2),
            tail: Some(body(3)),
            calls: 2,
            turns: 1,
            answer: Some(body(4)),
            done: 1,
            bytes: 40,
            pieces: 2,
            tokens: 20,
            recalled: vec![body(5)],
            acted: vec![(Digest([6; 32]), body(7))],
        };
        let fact: crate::fact::Fact = Started {
            run: RunId(8),
            task: TaskId(9),
            agent: Name::new("echo").unwrap(),
            tier: Tier::Model,
            component: None,
            input: body(8),
            seed: Digest([3; 32]),
            attempt: 1,
            deadline: Time(4),
            grant: Grant::default(),
            fork: Some(Box::new(fork)),
        }
        .into();
        let again = crate::fact::Fact::decode("run.started", 2, &fact.encode()).unwrap();
        assert_eq!(again, fact);
        // Each body that it goes on from is named, so that no backup lacks one.
        assert_eq!(fact.bodies(), [8, 1, 2, 3, 4, 5, 7].map(body));
    }
}
