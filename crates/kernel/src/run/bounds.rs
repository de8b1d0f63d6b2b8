//! What bounds a run that works with models beside its budget.

use naos_types::spec::{DATA_POLICY, Data, Kind, MindSpec, ModelSpec, ModelUsage, StaysFrom};
use naos_types::think::{Bound, Think, Thought};
use naos_types::{Code, Micros, Name, Refusal, Time};

use super::Run;
use super::think::{Thinking, found};
use crate::state::ResourceKey;
use crate::turn::{Done, Stop, Turn};

/// Whether a model is asked though nobody knows what it costs: by whom an owner lets. An engine
/// acts by itself, and no number of tokens holds it.
pub(super) fn asks_unpriced(mind: &MindSpec, spec: &ModelSpec) -> bool {
    let let_be = mind.unpriced || crate::planted::is("unpriced-without-leave");
    let_be && spec.is_unpriced() && !spec.format.is_engine()
}

/// The time that a run's models are told at the beginning: that of its attempt, with each question.
/// What stands behind it is the same each time, then, and providers keep it.
pub(super) fn begun(turn: &Turn<'_>, run: &Run) -> Time {
    if crate::planted::is("prefix-tells-the-time") {
        turn.now
    } else {
        run.started
    }
}

/// What a run may still cost; none where nothing but budgets bounds it. `begins` is what one may
/// that is yet to begin.
pub(super) fn left(run: Option<&Run>, begins: Option<Micros>) -> Option<Micros> {
    if crate::planted::is("run-limit-unheeded") {
        return None;
    }
    match run {
        Some(run) => {
            let most = Some(run.grant.cost_max).filter(|most| *most > Micros::ZERO);
            most.map(|most| most.minus(run.cost))
        }
        None => begins,
    }
}

/// Why an answer isn't asked for that might cost more than the run may.
pub(super) fn dear(name: &Name, worst: Micros, left: Micros) -> Refusal {
    let what = format!(
        "an answer of {name} may cost {worst}, and the run has {left} left of its `limits.cost`"
    );
    let help = "raise `limits.cost`, lower `answer_tokens`, or name a cheaper model";
    Refusal::new(Code::LIMIT_COST, what).help(help)
}

/// Whether what an agent's own models are asked must not leave the country: its manifest says so,
/// or, where it says nothing, the policy of all.
pub(crate) fn stays(turn: &Turn<'_>, mind: &MindSpec) -> Done<bool> {
    if crate::planted::is("data-leaves") {
        return Ok(false);
    }
    let name = Name::new(DATA_POLICY).map_err(|error| Stop::broken(error.to_string()))?;
    let policy = turn.resource(&ResourceKey(Kind::Policy, name))?;
    Ok(mind.data(policy.map(|policy| &policy.spec)) == Data::Stays)
}

/// Refuses an agent whose data stays and that names a model which is there and whose data leaves.
pub(crate) fn names_none_abroad(turn: &Turn<'_>, mind: &MindSpec) -> Done {
    if !stays(turn, mind)? {
        return Ok(());
    }
    for name in &mind.models {
        if found(turn, name)?.is_some_and(|spec| spec.leaves_country) {
            return Err(leaves(name, mind, None).into());
        }
    }
    Ok(())
}

/// Why a model isn't asked whose data leaves the country.
pub(super) fn leaves(name: &Name, mind: &MindSpec, from: Option<&StaysFrom>) -> Refusal {
    let (who, way) = who_says(mind, from);
    let what =
        format!("what the model {name} is asked leaves the country, and this data stays: {who}");
    let help = format!("name a model whose data stays: `naos get models` shows which; {way}");
    Refusal::new(Code::DATA_STAYS, what).help(help)
}

/// Who says that the data stays, and how else it could be: the work that it comes from, the agent's
/// manifest, or the policy of all.
fn who_says(mind: &MindSpec, from: Option<&StaysFrom>) -> (String, &'static str) {
    match (from, mind.data) {
        (Some(StaysFrom { agent, task }), _) => (
            format!("it comes from what {agent} worked on in {task}"),
            "or give it to an agent that has one: what was made of it stays, whatever anybody says",
        ),
        (None, Some(_)) => (
            "the agent's manifest says `data: stays`".to_owned(),
            "or an owner writes `data: leaves` into the agent's manifest",
        ),
        (None, None) => (
            "the policy of all agents says so (`policies: {data: stays}`), as the agent's own \
             manifest says nothing"
                .to_owned(),
            "or an owner writes `data: leaves` into the agent's manifest, which counts before the \
             policy, or changes that: `naos get policies data` shows it",
        ),
    }
}

/// Why no model is asked that fits.
pub(super) fn none_fits(stays: bool, mind: &MindSpec, from: Option<&StaysFrom>) -> Refusal {
    let what = "no model is connected that can do what it wants";
    if stays {
        let (who, way) = who_says(mind, from);
        let what = format!("{what} and whose data stays in the country: {who}");
        let help = format!("apply a model with `data_leaves_country: false`; {way}");
        return Refusal::new(Code::DATA_STAYS, what).help(help);
    }
    Refusal::new(Code::NO_MODEL, what)
}

/// Why a model isn't asked that nobody gave a price.
pub(super) fn unpriced(name: &Name, spec: &ModelSpec) -> Refusal {
    let what = format!("what the model {name} costs isn't known");
    let help = if spec.format.is_engine() {
        format!("give it a price: cost_per_call in the model {name}")
    } else {
        format!(
            "give it a price: cost_per_1k_tokens in the model {name}; or let an owner write \
             `unpriced: allow` into the agent, which no budget holds then"
        )
    };
    Refusal::new(Code::NO_MODEL, what).help(help)
}

/// What an answer used. Where its provider doesn't say and no money is set aside for it, tokens
/// alone bound it: then it is the most that it can be.
pub(super) fn used(think: &Think, thought: &Thought, run: &Run, before: &Thinking) -> ModelUsage {
    let nothing = thought.trouble.as_ref().is_some_and(|why| !why.billed);
    match thought.usage {
        Some(usage) => usage,
        None if think.spec.is_unpriced() && !nothing => ModelUsage {
            input: think.prompt.len() as u64
                + think.given.iter().sum::<u64>()
                + run.input.len
                + before.bytes,
            output: u64::from(think.answer_tokens_max),
            ..ModelUsage::default()
        },
        None => ModelUsage::default(),
    }
}

/// Which bound an answer was cut at. Where its provider counted fewer tokens than it may have, it
/// was another: most say of a full window only that the answer was too long.
pub(super) fn cut_at(thought: &Thought, mind: &MindSpec, used: u64) -> String {
    let (most, whose) = match thought.bound {
        Some(Bound::Agent(most)) if used.saturating_add(u64::from(most)) > mind.tokens_max => {
            (most, "what was left for it of the run's `tokens`")
        }
        Some(Bound::Agent(most)) if most < mind.answer_tokens_max => {
            (most, "what the window of its model has left for it")
        }
        Some(Bound::Agent(most)) => (most, "the agent's `answer_tokens`"),
        Some(Bound::Model(most)) => (most, "the `max_output` of its model"),
        None => return "its provider cut its answer, at a bound of its own".to_owned(),
    };
    match thought.usage {
        Some(used) if used.output > 0 && used.output < u64::from(most) => format!(
            "its provider cut its answer after {} tokens, and {most} were allowed: the window of \
             its model may be full",
            used.output
        ),
        _ => format!("its answer was cut at {most} tokens, {whose}"),
    }
}
