//! An input that is kept because a rule broke at it: as its cell would decide about it again.

use serde::{Deserialize, Serialize};

use crate::effect::EffectId;
use crate::fact::tenant::Broke;
use crate::input::Input;
use crate::{BodyRef, Digest, PlanId, RunId};

/// The layout that is written. What is asked of a cell has no frozen layout: whoever changes a
/// command or an outcome raises this, and what an earlier naos kept can then be skipped only.
const VERSION: u8 = 7;
/// The largest input that is kept.
pub const KEPT_BYTES_MAX: usize = 256 * 1_024;

/// An input with what came along.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The input.
    pub input: KeptInput,
    /// The contents that it brought; stored by themselves.
    pub bodies: Vec<BodyRef>,
    /// What marks it as the same one, sent again.
    pub same: Option<KeptKey>,
    /// The effect whose end it is.
    pub ends: Option<EffectId>,
}

/// The input itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeptInput {
    /// From outside, or an outcome.
    External(Box<Input>),
    /// A plan goes on.
    Advance(PlanId),
    /// A run that works with a model goes on.
    Think(RunId),
    /// Something was due.
    Due {
        /// For which kind.
        kind: String,
        /// Its key.
        id: Vec<u8>,
    },
}

/// Under which key somebody asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptKey {
    /// Who.
    pub source: String,
    /// The key they chose.
    pub key: String,
    /// Digest of the request.
    pub request: Digest,
}

/// Why kept bytes are no input.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeptError {
    /// Another naos kept it.
    #[error("what is kept has layout {0}, this naos reads {VERSION}")]
    Version(u8),
    /// The bytes don't fit.
    #[error("what is kept doesn't have the layout of an input")]
    Malformed,
}

impl Kept {
    /// The bytes of the content; none if it is larger than may be kept.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        let bytes = postcard::to_extend(self, vec![VERSION]).ok()?;
        (bytes.len() <= KEPT_BYTES_MAX).then_some(bytes)
    }

    /// The input that was kept.
    ///
    /// # Errors
    /// [`KeptError`] for another layout, and for bytes that don't fit.
    pub fn decode(bytes: &[u8]) -> Result<Self, KeptError> {
        let (version, rest) = bytes.split_first().ok_or(KeptError::Malformed)?;
        if *version != VERSION {
            return Err(KeptError::Version(*version));
        }
        match postcard::take_from_bytes(rest) {
            Ok((kept, [])) => Ok(kept),
            _ => Err(KeptError::Malformed),
        }
    }
}

impl KeptInput {
    /// What it is about, without what it says.
    #[must_use]
    pub fn broke(&self) -> Broke {
        match self {
            Self::External(input) => external(input),
            Self::Advance(plan) => Broke::Advance { plan: *plan },
            Self::Think(run) => Broke::Think { run: *run },
            Self::Due { kind, id } => Broke::Due {
                kind: kind.clone(),
                id: id.clone(),
            },
        }
    }
}

fn external(input: &Input) -> Broke {
    match input {
        Input::Command { actor, command } => Broke::Command {
            by: actor.clone(),
            family: command.family().to_owned(),
        },
        Input::Call(call) => Broke::Call {
            run: call.run,
            attempt: call.attempt,
            index: call.index,
        },
        Input::CallEnded(end) => Broke::CallEnded {
            by: end.by,
            attempt: end.attempt,
        },
        Input::RunEnded(end) => Broke::RunEnded {
            run: end.run,
            attempt: end.attempt,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command;
    use crate::effect::Caller;
    use crate::input::{CallEnded, CallOutcome};
    use crate::{Actor, MemberId, Name, Role, RunId};

    fn samples() -> Vec<Kept> {
        let name = Name::new("echo").unwrap();
        let command = command::Agent::Stop { name }.into();
        let actor = Actor::Member(MemberId(7), Role::Owner);
        let (by, attempt) = (Caller::Run(RunId(9), 2), 1);
        let outcome = CallOutcome::Lost(None);
        let inputs = [
            KeptInput::External(Box::new(Input::Command { actor, command })),
            KeptInput::External(Box::new(Input::CallEnded(CallEnded {
                by,
                attempt,
                outcome,
            }))),
            KeptInput::Advance(PlanId(3)),
            KeptInput::Due {
                kind: "run".into(),
                id: vec![1],
            },
        ];
        let kept = |input| Kept {
            input,
            bodies: vec![],
            same: Some(KeptKey {
                source: "m".into(),
                key: "k".into(),
                request: Digest([1; 32]),
            }),
            ends: Some(EffectId::Call(by, attempt)),
        };
        inputs.map(kept).into()
    }

    #[test]
    fn what_is_kept_reads_back() {
        for kept in samples() {
            let mut bytes = kept.encode().unwrap();
            assert_eq!(Kept::decode(&bytes), Ok(kept));
            bytes.push(0);
            assert_eq!(Kept::decode(&bytes), Err(KeptError::Malformed));
            bytes[0] = 99;
            assert_eq!(Kept::decode(&bytes), Err(KeptError::Version(99)));
        }
        assert_eq!(Kept::decode(&[]), Err(KeptError::Malformed));
    }

    #[test]
    fn what_is_too_large_is_not_kept() {
        let mut kept = samples().remove(3);
        kept.input = KeptInput::Due {
            kind: "run".into(),
            id: vec![0; KEPT_BYTES_MAX],
        };
        assert_eq!(kept.encode(), None);
    }

    /// Whoever makes this fail changed what is kept: raise [`VERSION`].
    #[test]
    fn the_layout_stands() {
        let all = samples().into_iter().filter_map(|kept| kept.encode());
        let digest = Digest::of(&all.flatten().collect::<Vec<u8>>()).to_string();
        assert_eq!(
            (VERSION, digest.as_str()),
            (
                7,
                "31705616e4204e50764e70437680ee6676ea67738a41c5f2084e8b29bebb89c1"
            )
        );
    }
}
