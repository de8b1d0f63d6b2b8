//! A cell at whose input a rule broke. The input and the reason are journaled, so that they are
//! there after a restart too; the cell decides nothing until its owner skips the input or has it
//! decided again. Outcomes that come meanwhile are kept and decided then.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use naos_kernel::tenant::{Quarantine, given_up};
use naos_kernel::{AnyAggregate, Input, Key, invariants};
use naos_types::command::{self, Command, Reply};
use naos_types::fact::{Fact, tenant};
use naos_types::{
    Actor, BodyRef, Code, Kept, KeptInput, KeptKey, Refusal, Sealed, SubjectId, TenantId, Time,
    input,
};

use super::cell::{Cell, Queued};
use super::rounds::{Brought, Decided, Draft};
use super::{Dice, Envelope, NewBody, Outgoing, SameAs, Shard};
use crate::refusals::reading as unreadable;

/// The most acts of an owner that wait for a cell's last append.
const ACTS_MAX: usize = 16;
/// The most outcomes that a quarantined cell keeps; what comes beyond is lost as in a crash.
const RETURNS_MAX: usize = 1_024;
/// The most of a reason that is kept, in bytes.
const WHY_BYTES_MAX: usize = 2_048;

/// Why a cell decides nothing.
#[derive(Debug)]
pub(super) struct Quarantined {
    /// What broke.
    pub(super) why: String,
    /// Whether its journal says so; else the journal itself can't be followed or written.
    pub(super) journaled: bool,
    /// How many commands were refused since the process began.
    pub(super) refused: u64,
}

impl Quarantined {
    pub(super) const fn unwritten(why: String) -> Self {
        Self {
            why,
            journaled: false,
            refused: 0,
        }
    }
}

/// What goes into the journal about a broken input.
struct Noted {
    fact: tenant::Quarantined,
    bodies: Vec<NewBody>,
}

impl Shard {
    /// What reaches a quarantined cell: its owner's acts, outcomes that are kept, and commands,
    /// which are refused.
    pub(super) fn receive_quarantined(&mut self, now: Time, envelope: Envelope) {
        let id = envelope.tenant;
        if act(&envelope.input).is_some() {
            let acts = self.mending.entry(id).or_default();
            if acts.len() >= ACTS_MAX {
                let what = format!("{ACTS_MAX} acts wait for this cell's last append");
                return self.refuse(envelope.ticket, 0, Refusal::new(Code::BUSY, what));
            }
            acts.push_back(envelope);
            return self.mend_if_settled(now, id);
        }
        let Some(cell) = self.cells.get_mut(&id) else {
            return;
        };
        let keeps = !naos_kernel::planted::is("quarantine-drops-outcomes");
        let room = cell.returns.len() < RETURNS_MAX;
        if envelope.ends.is_some() && envelope.ticket.is_none() && keeps && room {
            cell.returns.push_back(Queued::Envelope(Box::new(envelope)));
            return;
        }
        cell.keep(envelope.ends);
        let refusal = cell.quarantine_refusal();
        if let Some(quarantined) = &mut cell.quarantined
            && matches!(envelope.input, input::Input::Command { .. })
        {
            quarantined.refused += 1;
        }
        if let Some(refusal) = refusal {
            self.refuse(envelope.ticket, 0, refusal);
        }
    }

    /// Carries out what the owner of a quarantined cell asked for, once all that the cell sent to
    /// the journal is settled.
    pub(super) fn mend_if_settled(&mut self, now: Time, id: TenantId) {
        while let Some(mut acts) = self.mending.remove(&id) {
            let settled = self
                .cells
                .get(&id)
                .is_none_or(|cell| cell.staged.is_empty() || !cell.is_quarantined());
            if settled {
                let next = acts.pop_front();
                if !acts.is_empty() {
                    self.mending.insert(id, acts);
                }
                match next {
                    Some(act) if self.is_quarantined(id) => self.mend(now, act),
                    Some(act) => self.receive(now, act),
                    None => {}
                }
            } else {
                self.mending.insert(id, acts);
                return;
            }
        }
    }

    fn is_quarantined(&self, id: TenantId) -> bool {
        self.cells.get(&id).is_some_and(Cell::is_quarantined)
    }

    /// Starts the cell again from its journal and carries the act out there. What is under way in
    /// the world isn't begun again.
    fn mend(&mut self, now: Time, envelope: Envelope) {
        let id = envelope.tenant;
        let Some(mut old) = self.cells.remove(&id) else {
            return;
        };
        let mut cell = match self.opened(now, id) {
            Ok(cell) => cell,
            Err(why) => {
                self.cells.insert(id, old);
                return self.refuse(envelope.ticket, 0, why);
            }
        };
        let known = self.epochs.get(&id).copied().unwrap_or(0);
        cell.epoch = cell.epoch.max(old.epoch).max(known);
        let (outside, returns, running) = old.take_waiting();
        cell.running = running;
        cell.adopt(outside, returns);
        if let (Some(now), Some(before)) = (&mut cell.quarantined, &old.quarantined) {
            now.refused = before.refused;
        }
        match &cell.quarantined {
            Some(quarantined) if quarantined.journaled => {
                cell.mend(now, self.dice.as_mut(), envelope, &mut self.out);
            }
            Some(quarantined) => {
                let what = format!("nothing is kept to be mended: {}", quarantined.why);
                let help = "run the naos that wrote this journal, or a newer one";
                let refusal = Refusal::new(Code::CANNOT_MEND, what).help(help);
                self.refuse(envelope.ticket, 0, refusal);
            }
            None => {
                // What was in the way is gone: the journal can be followed now.
                cell.begin(&mut self.out);
                self.started_again(&cell, envelope);
            }
        }
        self.cells.insert(id, cell);
        self.make_ready(id);
    }

    fn started_again(&mut self, cell: &Cell, envelope: Envelope) {
        let Some(ticket) = envelope.ticket else {
            return;
        };
        let result = match act(&envelope.input) {
            Some(Act::Resume) => Ok(Reply::Done),
            _ => {
                let what = "the cell isn't quarantined any more: there is nothing to give up";
                Err(Refusal::new(Code::WRONG_STATE, what))
            }
        };
        let seq = cell.seq;
        self.out.push(Outgoing::Reply {
            ticket,
            seq,
            result,
        });
    }
}

impl Cell {
    /// A rule broke at this input: that goes into the journal, and nothing else of it.
    pub(super) fn broken(
        &mut self,
        now: Time,
        why: String,
        input: &Input,
        brought: Brought,
        draft: &mut Draft,
        out: &mut Vec<Outgoing>,
    ) {
        let ticket = brought.ticket;
        let noted = catch_unwind(AssertUnwindSafe(|| self.noted(&why, input, &brought)));
        let noted = noted.unwrap_or_else(|_| Err(Refusal::new(Code::INTERNAL, why.clone())));
        let journaled = match noted {
            Ok(noted) => self.stage_noted(now, noted, draft),
            Err(unwritten) if crate::refusals::passes(&unwritten) => {
                // What can't be kept doesn't happen: it is decided again, or its asker is told.
                return self.not_now(now, input, brought, unwritten, draft);
            }
            Err(unwritten) => {
                tracing::error!(tenant = %self.id, why = unwritten.what, "could not be journaled");
                false
            }
        };
        tracing::error!(tenant = %self.id, why, "the cell is quarantined");
        self.quarantined = Some(Quarantined {
            why,
            journaled,
            refused: 0,
        });
        if let Some(refusal) = self.quarantine_refusal() {
            let kept = "it is kept: `naos doctor cell` shows it, its owner skips it or has it \
                        tried again";
            let seq = self.seq;
            draft.reply(ticket, seq, Err(refusal.help(kept)));
        }
        self.turn_away(out);
    }

    /// The fact about a broken input, with the contents that it names on the disk or on their way.
    fn noted(&self, why: &str, input: &Input, brought: &Brought) -> Result<Noted, Refusal> {
        let input = kept_input(input);
        let broke = input.broke();
        let names: Vec<BodyRef> = brought.bodies.iter().map(|body| body.staged.name).collect();
        let kept = Kept {
            input,
            bodies: names.clone(),
            same: brought.same.as_ref().map(kept_key),
            ends: brought.ends,
        };
        let mut bodies = brought.bodies.clone();
        let kept = match kept.encode() {
            Some(plain) => {
                let staged = self.store.seal_body(&plain).map_err(|e| unreadable(&e))?;
                let name = staged.name;
                bodies.push(NewBody {
                    staged,
                    plain: plain.into(),
                    stored: false,
                });
                Some(name)
            }
            None => None,
        };
        self.put_large(bodies.iter())?;
        let why_sealed = self
            .store
            .seal(SubjectId::TENANT, clipped(why).as_bytes())
            .map_err(|e| unreadable(&e))?;
        let fact = tenant::Quarantined {
            after: self.seq,
            rule: invariants::named(why).map(str::to_owned),
            why: why_sealed,
            broke,
            kept,
            bodies: names,
        };
        Ok(Noted { fact, bodies })
    }

    fn stage_noted(&mut self, now: Time, noted: Noted, draft: &mut Draft) -> bool {
        let at = now.max(self.state.head().at);
        let fact = Fact::from(noted.fact);
        let naos_kernel::Replay::Changed(changes) = naos_kernel::apply(&self.state, &fact, at)
        else {
            return false;
        };
        self.stage_bodies(noted.bodies.into_iter(), draft);
        self.push_fact(at, fact, draft);
        self.merge(changes, draft);
        true
    }

    /// The quarantine that the journal speaks of.
    pub(super) fn standing(&self) -> Option<Arc<Quarantine>> {
        match self.state.get(&Key::Quarantine(()))? {
            AnyAggregate::Quarantine(quarantine) => Some(quarantine),
            _ => None,
        }
    }

    /// After the journal was followed: whether it ends in a quarantine.
    pub(super) fn find_quarantine(&mut self) {
        let Some(quarantine) = self.standing() else {
            return;
        };
        self.quarantined = Some(Quarantined {
            why: self.plain_text(&quarantine.why),
            journaled: true,
            refused: 0,
        });
    }

    fn plain_text(&self, sealed: &Sealed) -> String {
        self.store.open(sealed).map_or_else(
            |_| "what broke can't be read any more".into(),
            |bytes| String::from_utf8_lossy(&bytes).into_owned(),
        )
    }

    /// Carries out what the owner asked for, in one append with all that follows from it.
    fn mend(
        &mut self,
        now: Time,
        dice: &mut dyn Dice,
        envelope: Envelope,
        out: &mut Vec<Outgoing>,
    ) {
        let mut draft = self.draft(dice);
        let ticket = envelope.ticket;
        if !self.says_again(&envelope, &mut draft) {
            match self.mended(now, dice, envelope, &mut draft) {
                Ok(next) => {
                    if let Some((input, brought)) = next {
                        self.turn(now, dice, &input, brought, &mut draft, out);
                    }
                    self.fill(now, dice, &mut draft, out);
                }
                Err(refusal) => draft.reply(ticket, self.seq, Err(refusal)),
            }
        }
        self.send(draft, out);
    }

    /// Decides about the act. What is given back is to be decided next, in the same append.
    fn mended(
        &mut self,
        now: Time,
        dice: &mut dyn Dice,
        envelope: Envelope,
        draft: &mut Draft,
    ) -> Result<Option<(Input, Brought)>, Refusal> {
        let resumes = act(&envelope.input) == Some(Act::Resume);
        let Envelope {
            input,
            bodies,
            same,
            ticket,
            ..
        } = envelope;
        let seed = dice.roll();
        let input = Input::External(input);
        let (decision, made) = match self.decided(now, seed, &input, &bodies) {
            Decided::Yes(decision, made) => (decision, made),
            Decided::No(why) => return Err(why),
            Decided::Broken(why) => return Err(breaks_too(&why)),
        };
        decision.reply.clone()?;
        let kept = match self.kept() {
            Ok(kept) => kept,
            // What can't be read is given up too; not what just can't be read at the moment.
            Err(why) if resumes || is_moment(&why) => return Err(why),
            Err(_) => None,
        };
        let asked = kept.as_ref().and_then(|kept| kept.same.clone());
        let next = if resumes {
            self.tried(now, seed, kept)?
        } else {
            None
        };
        self.quarantined = None;
        let bodies = made.into_iter().chain(bodies);
        self.stage(now, *decision, bodies, same, ticket, draft);
        let silent = naos_kernel::planted::is("skip-forgets-its-asker");
        if let (false, false, Some(asked)) = (resumes, silent, asked) {
            let at = now.max(self.state.head().at);
            let reply = Reply::Refused(Box::new(given_up()));
            self.remember(same_as(asked), &reply, at, draft);
        }
        let ends = next.as_ref().and_then(|(_, brought)| brought.ends);
        self.go_on(ends, draft);
        Ok(next)
    }

    /// The cell goes on; what it wishes for relies on this append. The outcome that is decided
    /// next isn't wished for again.
    fn go_on(&mut self, decided_next: Option<naos_types::effect::EffectId>, draft: &mut Draft) {
        self.running.extend(decided_next);
        let mut begun = Vec::new();
        self.begin(&mut begun);
        if let Some(effect) = decided_next {
            self.running.remove(&effect);
        }
        for wish in begun {
            if let Outgoing::Execute { order, .. } = wish {
                draft.staged.orders.push(order);
            }
        }
    }

    /// The kept input, if it can be decided about now.
    fn tried(
        &mut self,
        now: Time,
        seed: u128,
        kept: Option<Kept>,
    ) -> Result<Option<(Input, Brought)>, Refusal> {
        let Some(kept) = kept else {
            return Ok(None); // too large to keep: whoever asked was told
        };
        let input = input_of(kept.input).ok_or_else(|| cannot_read("its key isn't known here"))?;
        match self.decided(now, seed, &input, &[]) {
            Decided::Broken(why) => {
                let what = format!("it breaks again, and the cell stays as it is: {why}");
                let help = "run a naos in which the rule is mended, or give the input up: --skip";
                return Err(Refusal::new(Code::CANNOT_MEND, what).help(help));
            }
            Decided::No(why) if crate::refusals::passes(&why) => return Err(why),
            Decided::No(_) | Decided::Yes(..) => {}
        }
        let brought = Brought {
            bodies: Vec::new(),
            same: kept.same.map(same_as),
            ticket: None,
            ends: kept.ends,
        };
        Ok(Some((input, brought)))
    }

    /// Its own panic must not end the shard: a rule is out of order here already.
    fn kept(&self) -> Result<Option<Kept>, Refusal> {
        catch_unwind(AssertUnwindSafe(|| self.read_kept())).unwrap_or_else(|_| {
            Err(Refusal::new(
                Code::INTERNAL,
                "reading what is kept panicked",
            ))
        })
    }

    fn read_kept(&self) -> Result<Option<Kept>, Refusal> {
        let Some(name) = self.standing().and_then(|quarantine| quarantine.kept) else {
            return Ok(None);
        };
        let bytes = self.content(&name, &[], &[])?;
        let bytes = bytes.ok_or_else(|| cannot_read("its content isn't stored"))?;
        let kept = Kept::decode(&bytes).map_err(|e| cannot_read(&e.to_string()))?;
        Ok(Some(kept))
    }
}

/// What an owner can do for a quarantined cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Skip,
    Resume,
}

/// The owner's act, if this is one. Anybody else's is a command like any other.
fn act(input: &input::Input) -> Option<Act> {
    let input::Input::Command { actor, command } = input else {
        return None;
    };
    let least = naos_kernel::guard::least_role(command);
    let owner = match actor {
        Actor::System => true,
        Actor::Member(_, role) => *role >= least,
        Actor::Agent(_)
        | Actor::Plan(_)
        | Actor::Trigger(..)
        | Actor::Schedule(..)
        | Actor::Task(_)
        | Actor::Message(_)
        | Actor::Call(..) => false,
    };
    match command {
        Command::Tenant(command::Tenant::Skip { .. }) if owner => Some(Act::Skip),
        Command::Tenant(command::Tenant::Resume {}) if owner => Some(Act::Resume),
        _ => None,
    }
}

fn is_moment(why: &Refusal) -> bool {
    why.code == Code::INTERNAL || crate::refusals::passes(why)
}

fn breaks_too(why: &str) -> Refusal {
    let what = format!("giving the input up breaks too, and the cell stays as it is: {why}");
    let help = "run a naos in which the rule is mended, then have it tried again: --restore";
    Refusal::new(Code::CANNOT_MEND, what).help(help)
}

fn cannot_read(why: &str) -> Refusal {
    let what = format!("the kept input can't be tried again: {why}");
    let help = "run the naos that kept it, or give the input up: --skip";
    Refusal::new(Code::CANNOT_MEND, what).help(help)
}

fn clipped(text: &str) -> &str {
    let mut end = text.len().min(WHY_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn kept_input(input: &Input) -> KeptInput {
    match input {
        Input::External(input) => KeptInput::External(Box::new(input.clone())),
        Input::Advance(plan) | Input::Halt(plan, _) => KeptInput::Advance(*plan),
        Input::Think(run) => KeptInput::Think(*run),
        Input::Due(key) => KeptInput::Due {
            kind: key.kind().into(),
            id: key.id(),
        },
    }
}

fn input_of(kept: KeptInput) -> Option<Input> {
    Some(match kept {
        KeptInput::External(input) => Input::External(*input),
        KeptInput::Advance(plan) => Input::Advance(plan),
        KeptInput::Think(run) => Input::Think(run),
        KeptInput::Due { kind, id } => Input::Due(Key::parse(&kind, &id)?),
    })
}

fn kept_key(same: &SameAs) -> KeptKey {
    KeptKey {
        source: same.source.clone(),
        key: same.key.clone(),
        request: same.request,
    }
}

fn same_as(kept: KeptKey) -> SameAs {
    SameAs {
        source: kept.source,
        key: kept.key,
        request: kept.request,
    }
}
