//! The inputs of a run of a plan: read, checked and completed once for each start. They may be
//! long, and a decision is asked for again each time that it needs something more: so this is a
//! computation.

use naos_types::spec::{InputSpec, PlanSpec, misfits, taken};
use naos_types::{Actor, BodyRef, Code, Refusal, Unread};
use serde_json::{Map, Value};

use crate::need::{Compute, Formula};
use crate::turn::{Done, Turn};

/// What somebody gives, and what is taken of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Inputs {
    /// What is given.
    pub given: BodyRef,
    /// What the plan takes.
    pub taken: Vec<InputSpec>,
    /// Whether a step of another run gives it, or an event: what steps gave is a text where they
    /// wrote a number, and what templates make of an event is a number where it looks like one, so
    /// each is taken as what the input says.
    pub by_step: bool,
}

impl Inputs {
    /// A JSON object with every input of the plan, of its type, with defaults for those that
    /// weren't given and nothing else.
    pub(crate) fn read(&self, bytes: &[u8]) -> Result<Value, String> {
        let value = match crate::compute::read_exactly(bytes) {
            Ok(value) => value,
            Err(_) if bytes.is_empty() => Value::Object(Map::new()),
            Err(found @ Unread::Twice(_)) => return Err(format!("in the inputs, {found}")),
            Err(found @ Unread::Large(_)) => {
                return Err(format!("in the inputs, {}", found.sentence()));
            }
            Err(Unread::NoJson(error)) => {
                return Err(format!("the inputs are no JSON object: {error}"));
            }
        };
        let Value::Object(mut given) = value else {
            return Err("the inputs are no JSON object".into());
        };
        let named = given
            .iter()
            .map(|(name, value)| (name.as_str(), Some(value)));
        if let Some(what) = misfits(&self.taken, named, self.by_step).into_iter().next() {
            return Err(what);
        }
        let mut inputs = Map::new();
        for input in &self.taken {
            let value = match (given.remove(&input.name), &input.default) {
                (Some(value), _) if self.by_step => input.kind.read(value),
                (Some(value), _) => value,
                (None, Some(default)) => serde_json::from_str(default)
                    .map_err(|e| format!("the default of {}: {e}", input.name))?,
                (None, None) => continue, // was refused
            };
            inputs.insert(input.name.clone(), input.kind.plain(value));
        }
        Ok(Value::Object(inputs))
    }
}

/// The inputs of a new run, or the refusal of what is given.
pub(super) fn checked(
    turn: &Turn<'_>,
    by: &Actor,
    spec: &PlanSpec,
    given: BodyRef,
) -> Done<BodyRef> {
    let by_step = matches!(by, Actor::Plan(_) | Actor::Trigger(..))
        && !crate::planted::is("texts-of-steps-stay-texts");
    let formula = Formula::Inputs(Inputs {
        given,
        taken: spec.inputs.clone(),
        by_step,
    });
    let vars = Vec::new();
    match turn.compute(Compute { formula, vars })? {
        Ok(computed) => Ok(computed.body),
        Err(mut what) => {
            let help = taken(&spec.inputs);
            // What nobody asked for leaves a sentence behind, and no advice beside it.
            if matches!(
                by,
                Actor::Plan(_) | Actor::Trigger(..) | Actor::Schedule(..)
            ) {
                what = format!("{what}: {help}");
            }
            let refusal = Refusal::new(Code::BAD_REQUEST, what);
            Err(refusal.help(help).into())
        }
    }
}
