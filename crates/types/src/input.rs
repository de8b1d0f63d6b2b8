//! What comes into a cell: commands from outside, and returns of what the cell itself began.

use serde::{Deserialize, Serialize};

use crate::command::Command;
use crate::effect::Caller;
use crate::fact::agent::StateWrite;
use crate::fact::run::Ability;
use crate::{Actor, BodyRef, Code, Digest, DocPath, MessageId, NewLog, RunId, Sealed, Span, Time};

/// One thing to decide about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Input {
    /// Somebody asks for something.
    Command {
        /// Who.
        actor: Actor,
        /// What.
        command: Command,
    },
    /// A guest made a gated call and waits.
    Call(GuestCall),
    /// A driver carried out a call, or lost it.
    CallEnded(CallEnded),
    /// A component ended.
    RunEnded(RunEnded),
}

/// A part of a run's recording that isn't durable yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewSegment {
    /// The staged segment; it names the one before it.
    pub body: BodyRef,
    /// How many calls it holds.
    pub calls: u32,
}

/// A gated call of a guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestCall {
    /// Of which run.
    pub run: RunId,
    /// Of which attempt.
    pub attempt: u32,
    /// Its number in the run, counted from 0 over all kinds of calls.
    pub index: u32,
    /// What was recorded since the last durable segment.
    pub segment: Option<NewSegment>,
    /// What it logged since the last commit that spoke for it.
    pub log: Option<NewLog>,
    /// The request, as the guest made it.
    pub request: BodyRef,
    /// Digest of the request, compared on re-execution.
    pub digest: Digest,
    /// What it asks for.
    pub ask: Asked,
}

/// What a gated call asks for: as much as the rules must see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Asked {
    /// An HTTP request.
    Http {
        /// `GET`, `POST` …
        method: String,
        /// The host, without port.
        host: String,
        /// The port.
        port: u16,
        /// The port of its scheme.
        own_port: u16,
        /// Whether the guest says that the receiver honours the key.
        keyed: bool,
    },
    /// An event on the bus.
    Emit {
        /// Its type.
        topic: String,
        /// Its data.
        data: BodyRef,
    },
    /// A question to a person.
    Ask {
        /// The question.
        title: Sealed,
        /// The question, as what is approved.
        body: BodyRef,
        /// The answers to choose from.
        options: Vec<String>,
    },
}

impl Asked {
    /// The ability it needs.
    #[must_use]
    pub const fn ability(&self) -> Ability {
        match self {
            Self::Http { .. } => Ability::Http,
            Self::Emit { .. } => Ability::Emit,
            Self::Ask { .. } => Ability::Ask,
        }
    }
}

/// A driver's outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallEnded {
    /// Which call.
    pub by: Caller,
    /// Which attempt of it.
    pub attempt: u32,
    /// What became of it.
    pub outcome: CallOutcome,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CallOutcome {
    /// The receiver answered; a refusal of the receiver is an answer too.
    Answered(BodyRef),
    /// It certainly did not happen; it may be tried again.
    NotSent(Sealed),
    /// Nobody knows.
    Lost(Option<Sealed>),
    /// It did not happen and never will: there is no use in another attempt.
    Refused(Sealed),
    /// The receiver works, and this very request is nothing for it: it will never happen.
    Unfit(Sealed),
    /// The receiver took it, and answers by itself later.
    Later,
    /// The receiver took nothing: it may be tried again, no sooner than it says.
    Busy(Sealed, Span),
}

/// A component's end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEnded {
    /// Of which run.
    pub run: RunId,
    /// Of which attempt.
    pub attempt: u32,
    /// What was recorded since the last durable segment.
    pub segment: Option<NewSegment>,
    /// What it logged since the last commit that spoke for it; kept however it ended.
    pub log: Option<NewLog>,
    /// Instructions, roughly.
    pub fuel: u64,
    /// How long the attempt took.
    pub took: Span,
    /// Changes of the agent's private state; kept only if it completed.
    pub writes: Vec<StateWrite>,
    /// New versions of documents; kept only if it completed.
    pub documents: Vec<DocumentWrite>,
    /// How.
    pub end: End,
}

impl RunEnded {
    /// An end with nothing beside it: nothing recorded, nothing written, no time.
    #[must_use]
    pub const fn bare(run: RunId, attempt: u32, end: End) -> Self {
        Self {
            run,
            attempt,
            segment: None,
            log: None,
            fuel: 0,
            took: Span(0),
            writes: Vec::new(),
            documents: Vec::new(),
            end,
        }
    }
}

/// A new version of a document, as a run wants it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentWrite {
    /// Where.
    pub path: DocPath,
    /// What it says.
    pub body: BodyRef,
    /// The version it is based on, where the agent said so: 0 for none.
    pub expected: Option<u64>,
}

/// How a component ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// With an answer.
    Completed(BodyRef),
    /// With an error of its own.
    Failed(Sealed),
    /// At a limit.
    Stopped {
        /// Which.
        limit: Code,
        /// At which call.
        call: u32,
        /// In naos's own words.
        note: String,
    },
    /// With a trap.
    Trapped(Sealed),
    /// It asked something else than its recording says.
    Diverged {
        /// At which call.
        call: u32,
    },
    /// It waits for a gated call that takes long; it starts again on its recording.
    Suspended,
    /// It never began, or its process died.
    Lost,
    /// Its component isn't there or can't be loaded.
    Unloadable(String),
}

/// One piece of a run's recording; a chain from the last to the first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The piece before.
    pub before: Option<BodyRef>,
    /// What it holds.
    pub piece: Piece,
}

/// What a piece of a recording holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Piece {
    /// Calls that were answered at once, in the sandbox's own encoding.
    Segment(Vec<u8>),
    /// The answer of one gated call.
    Answer {
        /// Its number in the run.
        index: u32,
        /// What for.
        ability: Ability,
        /// Digest of the request.
        request: Digest,
        /// What the guest gets.
        answer: Answer,
        /// When it became durable: the run's clock from then on.
        at: Time,
    },
    /// What people said meanwhile, before a model is asked again.
    Notes {
        /// Which message, and its words.
        said: Vec<(MessageId, String)>,
        /// When the model was asked.
        at: Time,
    },
    /// What a model hears whose answer doesn't fit the form that is asked for.
    Unfit {
        /// All that it is told.
        said: String,
        /// When it is asked once more.
        at: Time,
    },
}

impl Piece {
    /// The number of a call in which a model answered, and what it said; none where it failed.
    #[must_use]
    pub const fn answer_of_a_model(&self) -> Option<(u32, &BodyRef)> {
        match self {
            Self::Answer {
                index,
                ability: Ability::Model,
                answer: Answer::Body(body),
                ..
            } => Some((*index, body)),
            _ => None,
        }
    }
}

/// What a guest gets for a gated call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// Done, with this text: an event's id, a person's answer.
    Text(String),
    /// Done, with this body: a person's own words, or a driver's answer in its own encoding.
    Body(BodyRef),
    /// The manifest doesn't grant it; the sentence says which line would.
    Denied(String),
    /// The arguments are malformed.
    Invalid(String),
    /// Anything else.
    Failed(String),
}
