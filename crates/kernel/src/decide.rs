//! The one door: state and input in, facts, wishes and a reply out.

use std::sync::Arc;

use naos_types::command::{Command, Reply};
use naos_types::effect::Caller;
use naos_types::fact::Fact;
use naos_types::{Actor, Refusal, Seq, Time, input};

use crate::need::{Answers, Need};
use crate::route::{RankKey, Ranked};
use crate::state::{Changes, State};
use crate::turn::{Done, Input, Order, Stop, Turn};

/// What a decision is made with, beside state and input.
#[derive(Clone, Copy, Debug)]
pub struct Ctx<'a> {
    /// The cell's time; never before that of the last fact.
    pub now: Time,
    /// 128 bits of chance: ids derive from them.
    pub seed: u128,
    /// The last seq of the journal so far.
    pub seq: Seq,
    /// What earlier rounds asked for.
    pub answers: &'a Answers,
}

/// What a decision gives.
#[derive(Debug)]
pub enum Outcome {
    /// Load these and ask again, at the same seq.
    Needs(Vec<Need>),
    /// It is decided.
    Decided(Box<Decision>),
    /// A rule of ours is broken: quarantine the cell. Nothing changed.
    Broken(String),
}

/// What is decided. Nothing has happened in the world yet.
#[derive(Debug)]
pub struct Decision {
    /// What goes into the journal.
    pub facts: Vec<Fact>,
    /// What is to be done once the facts are durable.
    pub orders: Vec<Order>,
    /// What the asker hears once the facts are durable; a refusal comes without facts.
    pub reply: Result<Reply, Refusal>,
    /// What the cell does next by itself.
    pub next: Vec<Input>,
    /// What the state becomes.
    pub changes: Changes,
    /// Rankings that were worked out, for whoever remembers them: no part of what is decided.
    pub learned: Vec<(RankKey, Arc<[Ranked]>)>,
    /// Whether the run that was to think waits for money that others have set aside: it is asked
    /// again after a while.
    pub waits: bool,
}

/// Decides about one input. Pure: the same arguments give the same outcome.
#[must_use]
pub fn decide(state: &State, input: &Input, ctx: &Ctx<'_>) -> Outcome {
    let now = ctx.now.max(state.head().at);
    let mut turn = Turn::new(state, now, ctx.seed, ctx.answers);
    turn.seq = ctx.seq;
    let result = dispatch(&mut turn, input).and_then(|reply| {
        crate::reactions::until_quiet(&mut turn)?;
        crate::invariants::check(&turn)?;
        Ok(reply)
    });
    match result {
        Ok(reply) => Outcome::Decided(Box::new(Decision {
            reply: Ok(reply),
            facts: std::mem::take(&mut turn.facts),
            orders: std::mem::take(&mut turn.orders),
            next: std::mem::take(&mut turn.next).into(),
            learned: std::mem::take(&mut turn.learned),
            waits: turn.waits,
            changes: turn.tables.into_changes(),
        })),
        Err(Stop::Needs(needs)) => Outcome::Needs(needs),
        Err(Stop::Broken(what)) => Outcome::Broken(what),
        Err(Stop::Refused(refusal)) => Outcome::Decided(Box::new(Decision {
            reply: Err(*refusal),
            facts: Vec::new(),
            orders: Vec::new(),
            next: Vec::new(),
            changes: Changes::default(),
            learned: std::mem::take(&mut turn.learned),
            waits: false,
        })),
    }
}

fn dispatch(turn: &mut Turn<'_>, input: &Input) -> Done<Reply> {
    match input {
        Input::Advance(plan) => crate::plan::advance(turn, *plan).map(|()| Reply::Done),
        Input::Think(run) => crate::run::think(turn, *run).map(|()| Reply::Done),
        Input::Halt(plan, why) => crate::plan::halt(turn, *plan, why).map(|()| Reply::Done),
        Input::Due(key) => crate::effects::due(turn, key).map(|()| Reply::Done),
        Input::External(input) => match input {
            input::Input::Command { actor, command } => command_of(turn, actor, command),
            input::Input::Call(call) => crate::run::called(turn, call).map(|()| Reply::Done),
            input::Input::CallEnded(end) => match end.by {
                Caller::Run(run, index) => crate::run::call_ended(turn, run, index, end),
                Caller::Notice(notice) => crate::notice::ended(turn, notice, end),
            }
            .map(|()| Reply::Done),
            input::Input::RunEnded(end) => crate::run::ended(turn, end).map(|()| Reply::Done),
        },
    }
}

fn command_of(turn: &mut Turn<'_>, actor: &Actor, command: &Command) -> Done<Reply> {
    crate::guard::admit(actor, command)?;
    match command {
        Command::Agent(command) => crate::agent::command(turn, actor, command),
        Command::Task(command) => crate::task::command(turn, actor, command),
        Command::Run(command) => crate::run::command(turn, actor, command),
        Command::Plan(command) => crate::plan::command(turn, actor, command),
        Command::Approval(command) => crate::approval::command(turn, actor, command),
        Command::Budget(command) => crate::budget::command(turn, actor, command),
        Command::Resource(command) => crate::resource::command(turn, actor, command),
        Command::Pool(command) => crate::resource::pool_command(turn, actor, command),
        Command::Document(command) => crate::document::command(turn, actor, command),
        Command::Member(command) => crate::member::command(turn, actor, command),
        Command::Message(command) => crate::message::command(turn, actor, command),
        Command::Event(command) => crate::event::command(turn, actor, command),
        Command::Notice(command) => crate::notice::command(turn, command),
        Command::Tenant(command) => crate::tenant::command(turn, actor, command),
        Command::Schedule(command) => crate::schedule::command(turn, actor, command),
        Command::Supervisor(command) => crate::supervisor::command(turn, actor, command),
    }
}
