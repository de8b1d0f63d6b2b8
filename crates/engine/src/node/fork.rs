//! What a what-if goes on from, as the journal has it, and how it compares with its original.

use std::collections::{BTreeMap, BTreeSet};

use naos_kernel::run::Run;
use naos_types::fact::run::Ability;
use naos_types::input::{Answer, Piece};
use naos_types::think::Think;
use naos_types::{BodyRef, Code, Digest, Name, Refusal, RunId, TenantId};

use super::replay::not_any_more;
use super::{Node, unreadable};

/// What is brought to the rules with the wish for a what-if.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ground {
    /// What was asked in the turn; none where the run has no such turn.
    pub asked: Option<BodyRef>,
    /// The pieces of the run's recording, oldest first.
    pub pieces: Vec<BodyRef>,
}

/// The turns of a run that works with a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turns {
    /// How many it took.
    pub count: u32,
    /// Which models answered, in the order in which each did first.
    pub models: Vec<Name>,
}

/// Where each turn begins, as the number of its first call: a model that stands in for one that
/// failed answers in the same turn.
fn beginnings(pieces: &[(Option<BodyRef>, Piece)]) -> Vec<u32> {
    let (mut out, mut failing) = (Vec::new(), false);
    for (_, piece) in pieces {
        let Piece::Answer {
            index,
            ability: Ability::Model,
            answer,
            ..
        } = piece
        else {
            continue;
        };
        if !failing {
            out.push(*index);
        }
        failing = !matches!(answer, Answer::Body(_));
    }
    out
}

impl Node {
    /// What a what-if of a run goes on from. Whatever it would be shown is read, so that an erased
    /// content is told before anything begins. Blocks.
    ///
    /// # Errors
    /// What can't be read, and why.
    pub fn ground(
        &self,
        tenant: TenantId,
        id: RunId,
        run: &Run,
        from: u32,
    ) -> Result<Ground, Refusal> {
        if !run.is_by_model() || !run.status.is_closed() {
            return Ok(Ground::default()); // the rules say why not
        }
        let ground = self.ground_of(tenant, id, run, from);
        ground.map_err(|why| not_any_more(why, &format!("nothing goes on from {id}")))
    }

    fn ground_of(
        &self,
        tenant: TenantId,
        id: RunId,
        run: &Run,
        from: u32,
    ) -> Result<Ground, Refusal> {
        let found = self.pieces(tenant, run.tail)?;
        let before = found.iter().filter_map(|(before, _)| *before);
        let pieces = before.chain(run.tail).collect();
        let nth = usize::try_from(from).unwrap_or(usize::MAX).checked_sub(1);
        let at = nth.and_then(|nth| beginnings(&found).get(nth).copied());
        let Some(at) = at else {
            return Ok(Ground {
                asked: None,
                pieces,
            });
        };
        let asked = self.requests(tenant, id, run)?.remove(&at);
        let missing = || {
            let what = format!("the journal doesn't say what call {at} asked");
            Refusal::new(Code::DAMAGED, what)
        };
        let asked = asked.ok_or_else(missing)?;
        self.takes(tenant, run, &found, &[asked])?;
        Ok(Ground {
            asked: Some(asked),
            pieces,
        })
    }

    /// Reads what doing it again takes: the task, all that was answered, and what was asked in
    /// these turns with what their models were shown. A replay and a what-if are judged alike.
    ///
    /// # Errors
    /// What can't be read, and why.
    pub(super) fn takes(
        &self,
        tenant: TenantId,
        run: &Run,
        pieces: &[(Option<BodyRef>, Piece)],
        asked: &[BodyRef],
    ) -> Result<(), Refusal> {
        self.body(tenant, &run.input)?;
        for (_, piece) in pieces {
            if let Piece::Answer {
                answer: Answer::Body(body),
                ..
            } = piece
            {
                self.body(tenant, body)?;
            }
        }
        let mut read: BTreeSet<Digest> = BTreeSet::new();
        for request in asked {
            let think = self.thought_of(tenant, request)?;
            let shown = think.shown.iter().map(|(_, body)| body);
            for body in shown.chain(&think.pictures) {
                if read.insert(body.digest) {
                    self.body(tenant, body)?;
                }
            }
        }
        Ok(())
    }

    /// How many turns a run took, and who answered in them: what a what-if goes on from counts too.
    /// Blocks.
    ///
    /// # Errors
    /// What can't be read, and why.
    pub(crate) fn turns(&self, tenant: TenantId, id: RunId, run: &Run) -> Result<Turns, Refusal> {
        let (found, _) = self.pieces_left(tenant, run.tail)?;
        let found: Vec<(Option<BodyRef>, Piece)> = found.into_iter().map(|p| (None, p)).collect();
        let count = u32::try_from(beginnings(&found).len()).unwrap_or(u32::MAX);
        let requests: BTreeMap<u32, BodyRef> = self.requests(tenant, id, run)?;
        let mut models: Vec<Name> = Vec::new();
        for (_, piece) in &found {
            let Some((index, _)) = piece.answer_of_a_model() else {
                continue;
            };
            let Some(request) = requests.get(&index) else {
                continue;
            };
            let model = match self.thought_of(tenant, request) {
                Err(why) if why.code == Code::ERASED => continue,
                found => found?.model,
            };
            if !models.contains(&model) {
                models.push(model);
            }
        }
        Ok(Turns { count, models })
    }

    fn thought_of(&self, tenant: TenantId, request: &BodyRef) -> Result<Think, Refusal> {
        let bytes = self.body(tenant, request)?;
        serde_json::from_slice(&bytes).map_err(|_| unreadable())
    }
}

#[cfg(test)]
mod tests {
    use naos_types::Time;

    use super::*;

    #[test]
    fn whoever_stands_in_answers_in_the_same_turn() {
        let body = BodyRef {
            digest: Digest([1; 32]),
            len: 1,
        };
        let piece = |(index, ability, answer): (u32, Ability, Answer)| {
            let (request, at) = (Digest([2; 32]), Time(0));
            let piece = Piece::Answer {
                index,
                ability,
                request,
                answer,
                at,
            };
            (None, piece)
        };
        let failed = || Answer::Failed("overloaded".into());
        let pieces: Vec<_> = [
            (0, Ability::Model, failed()),
            (1, Ability::Model, Answer::Body(body)),
            (2, Ability::Tool, Answer::Text("42".into())),
            (3, Ability::Model, Answer::Body(body)),
            (4, Ability::Model, failed()),
            (5, Ability::Model, failed()),
        ]
        .map(piece)
        .into();
        assert_eq!(beginnings(&pieces), [0, 3, 4]);
        assert_eq!(beginnings(&[]), [0; 0]);
    }
}
