//! Folds facts into the state: the same function for what is decided now and what is replayed.

use naos_types::Time;
use naos_types::fact::Fact;

use crate::need::{Answers, Need};
use crate::state::{Changes, State};
use crate::turn::{Done, Stop, Turn};

/// What replaying a fact gives.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "changes are taken apart at once; a box would cost an allocation for each fact"
)]
pub enum Replay {
    /// The state after it is the state before with these changes.
    Changed(Changes),
    /// Load these and try again.
    Needs(Vec<Need>),
    /// The fact doesn't fit the state: the journal or a rule is broken.
    Broken(String),
}

/// Folds a stored fact into `state`, without deciding anything.
#[must_use]
pub fn apply(state: &State, fact: &Fact, at: Time) -> Replay {
    let answers = Answers::new();
    let mut turn = Turn::new(state, at, 0, &answers);
    let folded = fold(&mut turn, fact).and_then(|()| forget_a_field(&mut turn, fact));
    match folded {
        Ok(()) => Replay::Changed(turn.tables.into_changes()),
        Err(Stop::Needs(needs)) => Replay::Needs(needs),
        Err(Stop::Broken(what)) => Replay::Broken(what),
        Err(Stop::Refused(refusal)) => Replay::Broken(refusal.what),
    }
}

/// The planted bug `apply-differs`: replay loses what a live fold keeps.
fn forget_a_field(turn: &mut Turn<'_>, fact: &Fact) -> Done {
    if crate::planted::is("apply-differs")
        && let Fact::Task(naos_types::fact::task::Fact::Closed(f)) = fact
    {
        turn.task_mut(&f.task)?.output = None;
    }
    Ok(())
}

pub(crate) fn fold(turn: &mut Turn<'_>, fact: &Fact) -> Done {
    let now = turn.now;
    turn.head_mut(&())?.at = now;
    family(turn, fact)?;
    crate::schedule::note(turn, fact)
}

fn family(turn: &mut Turn<'_>, fact: &Fact) -> Done {
    match fact {
        Fact::Agent(fact) => crate::agent::fold(turn, fact),
        Fact::Task(fact) => crate::task::fold(turn, fact),
        Fact::Run(fact) => crate::run::fold(turn, fact),
        Fact::Plan(fact) => crate::plan::fold(turn, fact),
        Fact::Review(fact) => crate::review::fold(turn, fact),
        Fact::Approval(fact) => crate::approval::fold(turn, fact),
        Fact::Budget(fact) => crate::budget::fold(turn, fact),
        Fact::Resource(fact) => {
            crate::notice::set_up(turn, fact)?;
            crate::event::set_up(turn, fact)?;
            crate::supervisor::set_up(turn, fact)?;
            crate::schedule::set_up(turn, fact)?;
            crate::resource::fold(turn, fact)
        }
        Fact::Document(fact) => crate::document::fold(turn, fact),
        Fact::Member(fact) => crate::member::fold(turn, fact),
        Fact::Message(fact) => crate::message::fold(turn, fact),
        Fact::Event(fact) => crate::event::fold(turn, fact),
        Fact::Tenant(fact) => crate::tenant::fold(turn, fact),
        Fact::Notice(fact) => crate::notice::fold(turn, fact),
        Fact::Schedule(fact) => crate::schedule::fold(turn, fact),
        Fact::Supervisor(fact) => crate::supervisor::fold(turn, fact),
    }
}
