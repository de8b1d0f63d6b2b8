//! Who may do what. The only maker of [`Permit`]s.

mod cost;
mod manifest;

use naos_types::command::{self, Command};
use naos_types::effect::Effect;
use naos_types::spec::{AgentSpec, DATA_POLICY, Data, Kind};
use naos_types::{Actor, Code, Name, Refusal, Role};

use crate::turn::{Done, Order, Turn};

pub(crate) use cost::{affordable, affordable_later, reserve, settle};
pub(crate) use manifest::granted;

/// Leave to carry out one effect, from the turn whose facts ask for it. Not `Clone`, not stored:
/// recovery asks for a fresh one.
#[derive(Debug)]
pub struct Permit {
    for_what: naos_types::effect::EffectId,
}

impl Permit {
    /// What it is good for.
    #[must_use]
    pub const fn covers(&self) -> naos_types::effect::EffectId {
        self.for_what
    }

    /// Uses the permit up: whether it is good for `effect`.
    #[must_use]
    pub fn spend(self, effect: naos_types::effect::EffectId) -> bool {
        self.for_what == effect
    }
}

/// Wishes for an effect that the facts of this turn stand for.
pub(crate) fn order(turn: &mut Turn<'_>, effect: Effect) {
    let permit = Permit {
        for_what: effect.id(),
    };
    turn.orders.push(Order { permit, effect });
}

/// An order for an effect that the state says is still outstanding.
pub(crate) const fn renew(effect: Effect) -> Order {
    Order {
        permit: Permit {
            for_what: effect.id(),
        },
        effect,
    }
}

/// The least role that a command asks for.
#[must_use]
pub fn least_role(command: &Command) -> Role {
    match command {
        // Money that no limit holds, and data that may leave the country.
        Command::Agent(
            command::Agent::Create { spec, .. } | command::Agent::Apply { spec, .. },
        ) if has_leave(spec) => Role::Owner,
        Command::Resource(
            command::Resource::Create { kind, name, .. }
            | command::Resource::Apply { kind, name, .. }
            | command::Resource::Delete { kind, name },
        ) if is_of_data(*kind, name) => Role::Owner,
        Command::Message(command::Message::Post { .. }) => Role::External,
        Command::Approval(command::Approval::TakeRule { .. })
        | Command::Document(command::Document::Erase { .. }) => Role::Admin,
        Command::Message(command::Message::Say { .. })
        | Command::Agent(command::Agent::Wake { .. })
        | Command::Task(_)
        | Command::Run(_)
        | Command::Plan(_)
        | Command::Approval(_)
        | Command::Document(_)
        | Command::Event(_) => Role::Staff,
        Command::Agent(command::Agent::Delete { .. }) => Role::Owner,
        Command::Agent(_)
        | Command::Resource(_)
        | Command::Notice(_)
        | Command::Pool(_)
        | Command::Schedule(_)
        | Command::Supervisor(_) => Role::Admin,
        Command::Member(command::Member::Saw { .. }) => Role::Staff,

        Command::Budget(_) | Command::Member(_) | Command::Tenant(_) => Role::Owner,
    }
}

/// Whether an agent may what an owner alone lets: spend what no budget counts, or ask abroad
/// whatever the policy of all says.
fn has_leave(spec: &AgentSpec) -> bool {
    let Some(mind) = &spec.mind else {
        return false;
    };
    let unpriced = mind.unpriced && !crate::planted::is("anybody-lets-unpriced");
    let leaves = mind.data == Some(Data::Leaves) && !crate::planted::is("anybody-lets-data-leave");
    unpriced || leaves
}

/// Whether this is the policy that says where data may go.
pub(crate) fn is_of_data(kind: Kind, name: &Name) -> bool {
    kind == Kind::Policy && name.as_str() == DATA_POLICY
}

/// Whether `actor` may ask for `command` at all; what depends on the state is asked later.
pub(crate) fn admit(actor: &Actor, command: &Command) -> Result<(), Refusal> {
    let least = least_role(command);
    match actor {
        Actor::System => Ok(()),
        Actor::Member(_, role) if *role >= least => Ok(()),
        Actor::Member(_, role) => Err(Refusal::new(
            Code::NOT_ALLOWED,
            format!(
                "this takes the role {}, yours is {}",
                least.word(),
                role.word()
            ),
        )),
        // Agents and plans act through their runs and steps, never by commands of their own.
        Actor::Agent(_)
        | Actor::Plan(_)
        | Actor::Trigger(..)
        | Actor::Schedule(..)
        | Actor::Task(_)
        | Actor::Message(_)
        | Actor::Call(..) => {
            let what = "agents and plans give no commands";
            Err(Refusal::new(Code::NOT_ALLOWED, what))
        }
    }
}

/// Refuses a review or an approval by the author of the work.
pub(crate) fn not_the_author(author: Option<&naos_types::Name>, actor: &Actor) -> Done {
    match (author, actor) {
        (Some(author), Actor::Agent(name)) if author == name => Err(Refusal::new(
            Code::OWN_REVIEW,
            format!("{name} can't decide about its own work"),
        )
        .into()),
        _ => Ok(()),
    }
}
