//! Clients: they send commands, repeat them under the same key when they hear nothing or a
//! "not now", and remember what they were told.

use std::collections::BTreeMap;

use naos_engine::shard::{Envelope, Incoming, NewBody, SameAs, Ticket};
use naos_types::command::{self, Command, Reply};
use naos_types::input::Input;
use naos_types::{
    Actor, BodyRef, Code, Digest, MemberId, Refusal, Role, Sealed, Seq, SubjectId, TenantId, Time,
};

use crate::events::Event;
use crate::sim::Sim;
use crate::workload;

/// How long a client waits for an answer.
const PATIENCE_MS: u64 = 60_000;
/// How often supervisors are to be started once more, all in all.
const ANEW_MAX: u32 = 100;
/// How often a client tries.
const TRIES_MAX: u32 = 200;

/// Where a command stands for its client.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Stand {
    /// Not sent, or no answer yet.
    Open,
    /// Done, the client was told.
    Acked(Reply),
    /// Not done, the client was told.
    Refused(Refusal),
    /// The client gave up without knowing.
    Unsure,
}

/// A command as its client keeps it.
pub(crate) struct Asked {
    pub(crate) tenant: TenantId,
    pub(crate) what: String,
    pub(crate) same: Option<SameAs>,
    /// How its one fact is recognised in the journal.
    pub(crate) mark: Option<String>,
    pub(crate) stand: Stand,
    /// A try was sent whose answer never came.
    pub(crate) in_doubt: bool,
    tries: u32,
    command: Command,
    pub(crate) bodies: Vec<NewBody>,
}

/// Who waits for an answer.
pub(crate) enum Waiter {
    Client {
        command: usize,
    },
    Guest {
        tenant: TenantId,
        run: naos_types::RunId,
    },
    /// For the records to be with the store.
    Flush {
        tenant: TenantId,
    },
}

/// All clients.
#[derive(Default)]
pub(crate) struct Clients {
    pub(crate) asked: Vec<Asked>,
    pub(crate) waiting: BTreeMap<Ticket, Waiter>,
    pub(crate) tickets: u64,
    /// How often a supervisor was to be started once more.
    anew: u32,
}

impl Sim {
    /// A body of a tenant, sealed.
    pub(crate) fn body(&mut self, tenant: TenantId, plain: &[u8]) -> NewBody {
        let staged = self
            .door(tenant)
            .seal_body(plain)
            .expect("the memory store seals");
        let stored = self.kept_before(tenant, &staged);
        NewBody {
            staged,
            plain: plain.into(),
            stored,
        }
    }

    pub(crate) fn seal(&self, tenant: TenantId, text: &str) -> Sealed {
        let sealed = self.door(tenant).seal(SubjectId::TENANT, text.as_bytes());
        sealed.expect("the memory store seals")
    }

    /// Lets a client ask for something, after a while.
    pub(crate) fn ask(
        &mut self,
        tenant: TenantId,
        command: Command,
        bodies: Vec<NewBody>,
        mark: Option<String>,
        keyed: bool,
        after_ms: u64,
    ) {
        let index = self.clients.asked.len();
        let what = format!("{command:?}").chars().take(60).collect();
        let request = Digest::of(format!("{index}").as_bytes());
        let key = format!("key-{index}");
        let same = keyed.then(|| SameAs {
            source: "client".into(),
            key,
            request,
        });
        let stand = Stand::Open;
        let (tries, in_doubt) = (0, false);
        self.clients.asked.push(Asked {
            tenant,
            what,
            same,
            mark,
            stand,
            in_doubt,
            tries,
            command,
            bodies,
        });
        self.later(after_ms, Event::Send(index));
    }

    /// What a tenant begins with.
    pub(crate) fn begin(&mut self, tenant: TenantId) {
        for (at, command) in workload::beginnings(&mut self.chance)
            .into_iter()
            .enumerate()
        {
            self.ask(tenant, command, Vec::new(), None, true, at as u64);
        }
        if self.scenarios.notices {
            let command = workload::notice(&mut self.extra);
            self.ask(tenant, command, Vec::new(), None, true, 0);
        }
        if self.scenarios.flows {
            self.begin_flows(tenant);
        }
        if self.scenarios.bus {
            self.begin_bus(tenant);
        }
        if self.scenarios.drivers {
            self.begin_drivers(tenant);
            self.begin_endpoints(tenant);
        }
        if self.scenarios.schedules {
            self.begin_schedules(tenant);
        }
        if self.scenarios.watches {
            self.begin_watches(tenant);
        }
        if self.scenarios.hands {
            self.begin_hands(tenant);
        }
        if self.scenarios.waits {
            self.begin_waits(tenant);
        }
    }

    /// A try of a command goes out.
    pub(crate) fn send(&mut self, index: usize) {
        let ticket = self.ticket(Waiter::Client { command: index });
        let asked = &mut self.clients.asked[index];
        asked.tries += 1;
        let (tenant, role) = (asked.tenant, Role::Owner);
        let actor = Actor::Member(MemberId(7), role);
        let input = Input::Command {
            actor,
            command: asked.command.clone(),
        };
        let (same, bodies) = (asked.same.clone(), asked.bodies.clone());
        let what = asked.what.clone();
        self.sends(&bodies);
        self.trace.say(self.now, || format!("send {ticket} {what}"));
        let envelope = Envelope {
            tenant,
            input,
            bodies,
            same,
            ticket: Some(ticket),
            ends: None,
        };
        self.to_shard.push_back(Incoming::For(Box::new(envelope)));
        self.later(PATIENCE_MS, Event::GiveUp(ticket));
    }

    pub(crate) fn ticket(&mut self, waiter: Waiter) -> Ticket {
        self.clients.tickets += 1;
        self.clients.waiting.insert(self.clients.tickets, waiter);
        self.clients.tickets
    }

    /// No answer came in time.
    pub(crate) fn give_up(&mut self, ticket: Ticket) {
        match self.clients.waiting.remove(&ticket) {
            Some(Waiter::Client { command }) => self.unanswered(command),
            Some(inside) => {
                self.clients.waiting.insert(ticket, inside);
            }
            None => {}
        }
    }

    /// A try has no answer: whoever has a key sends it again.
    pub(crate) fn unanswered(&mut self, index: usize) {
        let asked = &mut self.clients.asked[index];
        asked.in_doubt = true;
        if asked.stand != Stand::Open {
            return;
        }
        if asked.same.is_some() && asked.tries < TRIES_MAX {
            let wait = self.chance.below(5_000);
            self.later(wait, Event::Send(index));
        } else {
            asked.stand = Stand::Unsure;
        }
    }

    /// An answer came out of the gate.
    pub(crate) fn answered(&mut self, ticket: Ticket, seq: Seq, result: Result<Reply, Refusal>) {
        let index = match self.clients.waiting.remove(&ticket) {
            Some(Waiter::Client { command }) => command,
            Some(Waiter::Guest { tenant, run }) => return self.guest_told(tenant, run, &result),
            Some(Waiter::Flush { tenant }) => return self.flushed(tenant, seq, result.is_ok()),
            None => return, // its client gave up
        };
        let tenant = self.clients.asked[index].tenant;
        let durable = self.door(tenant).head().map_or(0, |head| head.seq);
        if seq > durable {
            self.violated(
                "reply before durable",
                format!("ticket {ticket} relies on {seq}"),
            );
        }
        match result {
            Ok(reply) => self.acked(index, reply),
            Err(refusal) => self.refused(index, refusal),
        }
    }

    fn acked(&mut self, index: usize, reply: Reply) {
        let door = self.door(self.clients.asked[index].tenant);
        let asked = &mut self.clients.asked[index];
        let kept = match &asked.same {
            Some(same) => door.inbox(&same.source, &same.key).ok().flatten().is_some(),
            None => true,
        };
        let (tenant, command) = (asked.tenant, asked.command.clone());
        let before = std::mem::replace(&mut asked.stand, Stand::Acked(reply.clone()));
        if before == Stand::Open {
            self.consumed(tenant, &command, &reply);
        }
        let asked = &self.clients.asked[index];
        let what = asked.what.clone();
        if !kept {
            self.violated("reply before its answer is durable", what.clone());
        }
        match before {
            Stand::Acked(before) if before != reply => {
                let detail = format!("{what}: {before:?}, then {reply:?}");
                self.violated("same key, another reply", detail);
            }
            Stand::Refused(refusal) if !not_now(&refusal) => {
                // A try that was sent before the refusal was decided later: allowed only if the
                // world changed in between; nothing to hold against it.
            }
            _ => {}
        }
        let repeat = self.clients.asked[index].same.is_some() && self.chance.once_in(6);
        if repeat && self.faults_on() {
            let wait = self.chance.below(600_000);
            self.later(wait, Event::Send(index));
        }
    }

    fn refused(&mut self, index: usize, refusal: Refusal) {
        let asked = &mut self.clients.asked[index];
        if matches!(asked.stand, Stand::Acked(_)) && !not_now(&refusal) {
            let detail = format!("{}: done before, now {refusal}", asked.what);
            return self.violated("same key, another reply", detail);
        }
        match refusal.code {
            Code::QUARANTINED => {
                self.report.meet("refused by a quarantined cell", 1);
                // What broke it may be decided again: whoever has no key can't know.
                let asked = &mut self.clients.asked[index];
                asked.in_doubt |= refusal.help.contains("it is kept");
            }
            Code::BUSY if refusal.what.contains("commands wait") => {
                self.report.meet("inbox full", 1);
            }
            _ => {}
        }
        let asked = &mut self.clients.asked[index];
        if asked.stand != Stand::Open {
            return;
        }
        if not_now(&refusal) && asked.same.is_some() && asked.tries < TRIES_MAX {
            let wait = 100 + self.chance.below(5_000);
            return self.later(wait, Event::Send(index));
        }
        let mends = matches!(asked.command, Command::Tenant(_));
        if mends && refusal.code != Code::WRONG_STATE {
            let tenant = asked.tenant;
            asked.stand = Stand::Refused(refusal);
            return self.later(1_000, Event::Mend(tenant)); // the owner doesn't leave it there
        }
        // Whoever decided something and had it given up with what broke decides it once more: what
        // waits for people waits for no end otherwise.
        let decides = matches!(
            asked.command,
            Command::Approval(command::Approval::Decide { .. })
                | Command::Run(command::Run::Resolve { .. })
        );
        // So does whoever starts a supervisor whose own is down: that one is seen to first.
        let starts = matches!(
            asked.command,
            Command::Supervisor(command::Supervisor::Start { .. })
        );
        let decides = decides && refusal.code == Code::SKIPPED;
        let starts = starts
            && matches!(refusal.code, Code::SKIPPED | Code::WRONG_STATE)
            && self.clients.anew < ANEW_MAX;
        self.clients.anew += u32::from(starts);
        let anew = (decides || starts)
            .then(|| (asked.tenant, asked.command.clone(), asked.bodies.clone()));
        asked.stand = Stand::Refused(refusal);
        if let Some((tenant, command, bodies)) = anew {
            let wait = 1_000 + self.chance.below(60_000);
            self.ask(tenant, command, bodies, None, true, wait);
        }
    }

    /// A flush is over: the store has records of all that it spoke for.
    fn flushed(&mut self, tenant: TenantId, seq: Seq, done: bool) {
        let kept = self.door(tenant).head().map_or(0, |head| head.records_seq);
        if done && kept < seq {
            self.violated("a flush brings the records", format!("{kept} of {seq}"));
        }
    }

    /// Who asked for something and never heard: nobody may be left without an answer.
    pub(crate) fn check_clients(&mut self) {
        let open = self
            .clients
            .asked
            .iter()
            .find(|asked| asked.stand == Stand::Open);
        if let Some(asked) = open {
            let what = asked.what.clone();
            self.violated("a client never got an answer", what);
        }
    }
}

/// The word that stands in every text of a tenant and in no other's.
pub(crate) fn canary(tenant: TenantId) -> String {
    format!("canary{}x", tenant.0)
}

/// How a fact that names this body is recognised.
pub(crate) fn marked(kind: &str, body: BodyRef) -> String {
    format!("{kind} {}", body.digest)
}

/// Whether a refusal says: not now, try again.
pub(crate) fn not_now(refusal: &Refusal) -> bool {
    const AGAIN: [Code; 6] = [
        Code::BUSY,
        Code::DISK_FULL,
        Code::DISK_FAILED,
        Code::READ_ONLY,
        Code::DAMAGED,
        Code::QUARANTINED,
    ];
    AGAIN.contains(&refusal.code)
}

/// The made-up start of all simulations: 2026-03-01T08:00:00Z.
pub(crate) const START: Time = Time(1_772_352_000_000);
