//! Scripted guests: what a component does is decided by its kind, its input and its seed alone,
//! and by the answers it got; so it can be executed again on its recording.

use naos_types::input::{Asked, End};
use naos_types::{BodyRef, Code, Digest, DocPath, Sealed};

use crate::chance::Chance;

/// What a component is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Makes calls and answers.
    Worker,
    /// Answers with a verdict.
    Reviewer,
    /// Fails most of the time.
    Faulty,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Worker, Self::Reviewer, Self::Faulty];

    pub(crate) const fn component(self) -> Digest {
        Digest([self as u8 + 1; 32])
    }

    fn of(component: Digest) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.component() == component)
    }
}

/// What a guest does next.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// Asks for something that is answered at once and recorded.
    Recorded,
    /// Asks for something that a stranger can see.
    Gated(Gated),
    /// Ends.
    End(Ending),
}

/// A gated call, before its texts are sealed.
#[derive(Clone, Debug)]
pub(crate) enum Gated {
    Http {
        method: &'static str,
        host: &'static str,
        keyed: bool,
    },
    Emit {
        topic: &'static str,
    },
    Ask,
}

/// How a guest ends.
#[derive(Clone, Debug)]
pub(crate) enum Ending {
    Completed {
        output: Vec<u8>,
        document: Option<DocPath>,
        remembers: bool,
    },
    Failed,
    Trapped,
    Stopped,
    Lost,
    Unloadable,
    Diverged,
}

/// The host that honours idempotency keys.
pub(crate) const HONOURING: &str = "honours.example";
/// The host that doesn't.
pub(crate) const DUMB: &str = "dumb.example";
/// A host that no manifest grants.
pub(crate) const FORBIDDEN: &str = "forbidden.example";

/// A guest at work.
#[derive(Clone, Debug)]
pub(crate) struct Guest {
    kind: Option<Kind>,
    chance: Chance,
    input: Vec<u8>,
    left: u64,
    /// All that it was told so far, as a number.
    told: u64,
}

impl Guest {
    pub(crate) fn new(component: Digest, input: Vec<u8>, seed: Digest) -> Self {
        let mut bits = [0; 8];
        bits.copy_from_slice(&seed.0[..8]);
        let mut chance = Chance::new(u64::from_le_bytes(bits));
        let left = match Kind::of(component) {
            Some(Kind::Worker) => chance.below(6),
            Some(Kind::Faulty) => chance.below(3),
            _ => chance.below(2),
        };
        Self {
            kind: Kind::of(component),
            chance,
            input,
            left,
            told: 0,
        }
    }

    /// What it does next: follows from what it was told.
    pub(crate) fn next(&mut self) -> Op {
        if self.left == 0 {
            return Op::End(self.ending());
        }
        self.left -= 1;
        match self.chance.below(10) {
            0..4 => Op::Recorded,
            4 | 5 => Op::Gated(Gated::Http {
                method: "POST",
                host: HONOURING,
                keyed: true,
            }),
            6 => Op::Gated(Gated::Http {
                method: "POST",
                host: DUMB,
                keyed: false,
            }),
            7 => {
                let host = if self.chance.once_in(3) {
                    FORBIDDEN
                } else {
                    HONOURING
                };
                Op::Gated(Gated::Http {
                    method: "GET",
                    host,
                    keyed: false,
                })
            }
            8 => {
                let topic = *self
                    .chance
                    .pick(&["work.done", "bad topic", "secret.thing"]);
                Op::Gated(Gated::Emit { topic })
            }
            _ => Op::Gated(Gated::Ask),
        }
    }

    /// The request of a call, as it is compared when the run is executed again.
    pub(crate) fn request(&self, index: u32, call: &Gated) -> Vec<u8> {
        let given = String::from_utf8_lossy(&self.input);
        format!("{call:?} call {index} told {:x} of {given}", self.told).into_bytes()
    }

    /// The answer of its call.
    pub(crate) fn hear(&mut self, answer: &[u8]) {
        let mut bits = [0; 8];
        bits.copy_from_slice(&Digest::of(answer).0[..8]);
        self.told = Chance::new(self.told ^ u64::from_le_bytes(bits)).next();
    }

    fn ending(&mut self) -> Ending {
        match self.kind {
            None => Ending::Unloadable,
            Some(Kind::Reviewer) => self.verdict(),
            Some(Kind::Worker) => match self.chance.below(24) {
                0 => Ending::Failed,
                1 => Ending::Trapped,
                2 => Ending::Stopped,
                3 => Ending::Lost,
                4 => Ending::Diverged,
                _ => self.completed(),
            },
            Some(Kind::Faulty) => match self.chance.below(6) {
                0 | 1 => Ending::Failed,
                2 => Ending::Trapped,
                3 => Ending::Lost,
                _ => self.completed(),
            },
        }
    }

    fn completed(&mut self) -> Ending {
        let given = String::from_utf8_lossy(&self.input);
        let output = format!("answer {:x} to {given}", self.told).into_bytes();
        let document = self
            .chance
            .once_in(4)
            .then(|| DocPath::new("/notes/shared"))
            .transpose();
        let remembers = self.chance.once_in(4);
        Ending::Completed {
            output,
            document: document.ok().flatten(),
            remembers,
        }
    }

    fn verdict(&mut self) -> Ending {
        let verdict = match self.chance.below(8) {
            0..4 => r#"{"verdict":"praise"}"#,
            4..7 => r#"{"verdict":"refute","why":"too short"}"#,
            _ => "no verdict at all",
        };
        Ending::Completed {
            output: verdict.into(),
            document: None,
            remembers: false,
        }
    }
}

/// The call as the rules see it.
pub(crate) fn asked(call: &Gated, body: BodyRef, title: Sealed) -> Asked {
    match call {
        Gated::Http {
            method,
            host,
            keyed,
        } => Asked::Http {
            method: (*method).into(),
            host: (*host).into(),
            port: 443,
            own_port: 443,
            keyed: *keyed,
        },
        Gated::Emit { topic } => Asked::Emit {
            topic: (*topic).into(),
            data: body,
        },
        Gated::Ask => Asked::Ask {
            title,
            body,
            options: Vec::new(),
        },
    }
}

/// An end without an answer, as the rules see it.
pub(crate) fn end(ending: &Ending, index: u32, said: Sealed) -> End {
    match ending {
        Ending::Failed | Ending::Completed { .. } => End::Failed(said),
        Ending::Trapped => End::Trapped(said),
        Ending::Stopped => End::Stopped {
            limit: Code::LIMIT_FUEL,
            call: index,
            note: "out of fuel".into(),
        },
        Ending::Lost => End::Lost,
        Ending::Unloadable => End::Unloadable("no such component".into()),
        Ending::Diverged => End::Diverged { call: index },
    }
}
