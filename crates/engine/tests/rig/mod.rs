//! A shard with its commit thread on one thread, and what is done with it again and again.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::sync::Arc;

use naos_engine::shard::{
    Commits, Dice, Envelope, Incoming, NewBody, Outgoing, SameAs, Shard, Ticket,
};
use naos_store::{MemStore, Store, TenantStore};
use naos_types::command::{self, Command, Reply};
use naos_types::effect::EffectId;
use naos_types::input::{End, Input, RunEnded};
use naos_types::{Actor, Digest, MemberId, Refusal, Role, Sealed, SubjectId, TenantId, Time};

pub(crate) const TENANT: TenantId = TenantId(7);

/// Numbers that nobody needs to guess.
struct Count(u128);

impl Dice for Count {
    fn roll(&mut self) -> u128 {
        self.0 += 1;
        self.0
    }
}

/// A shard with its commit thread, on one thread.
pub(crate) struct Rig {
    pub(crate) store: MemStore,
    pub(crate) shard: Shard,
    pub(crate) commits: Commits,
    pub(crate) now: Time,
    tickets: Ticket,
    /// What was wished for.
    pub(crate) begun: Vec<EffectId>,
}

pub(crate) type Said = Result<Reply, Refusal>;

impl Rig {
    pub(crate) fn new() -> Self {
        #[cfg(feature = "planted-bugs")]
        naos_kernel::planted::set(&std::env::var("NAOS_PLANTED_BUG").unwrap_or_default());
        let store = MemStore::new(3);
        Self {
            shard: shard(&store),
            store,
            commits: Commits::default(),
            now: Time(1_772_352_000_000),
            tickets: 0,
            begun: Vec::new(),
        }
    }

    /// Steps until nothing is left to do; the answers by ticket.
    pub(crate) fn play(&mut self, mut inputs: Vec<Incoming>) -> Vec<(Ticket, Said)> {
        let mut answers = Vec::new();
        loop {
            let out = self.shard.step(self.now, std::mem::take(&mut inputs));
            let mut appends = Vec::new();
            for outgoing in out {
                match outgoing {
                    Outgoing::Commit(append) => appends.push(append),
                    Outgoing::Reply { ticket, result, .. } => answers.push((ticket, result)),
                    Outgoing::Execute { order, .. } => self.begun.push(order.effect.id()),
                    _ => {}
                }
            }
            inputs = self.commits.commit(&self.store, appends).unwrap();
            if inputs.is_empty() && !self.shard.is_busy() {
                return answers;
            }
        }
    }

    pub(crate) fn ask_as(
        &mut self,
        tenant: TenantId,
        role: Role,
        command: Command,
        key: Option<&str>,
    ) -> Said {
        self.tickets += 1;
        let ticket = self.tickets;
        let same = key.map(|key| SameAs {
            source: "client".into(),
            key: key.into(),
            request: Digest::of(key.as_bytes()),
        });
        let actor = Actor::Member(MemberId(1), role);
        let envelope = Envelope {
            tenant,
            input: Input::Command { actor, command },
            bodies: Vec::<NewBody>::new(),
            same,
            ticket: Some(ticket),
            ends: None,
        };
        let answers = self.play(vec![Incoming::For(Box::new(envelope))]);
        let own = answers.into_iter().find(|(to, _)| *to == ticket);
        own.expect("whoever asks is answered").1
    }

    pub(crate) fn ask(&mut self, command: impl Into<Command>, key: Option<&str>) -> Said {
        self.ask_as(TENANT, Role::Owner, command.into(), key)
    }

    pub(crate) fn door(&self) -> Arc<dyn TenantStore> {
        self.store.tenant(TENANT).unwrap()
    }

    pub(crate) fn seal(&self, text: &str) -> Sealed {
        let sealed = self.door().seal(SubjectId::TENANT, text.as_bytes());
        sealed.unwrap()
    }

    pub(crate) fn kinds(&self) -> Vec<String> {
        let entries = self.door().entries(0, usize::MAX).unwrap();
        entries.into_iter().map(|e| e.kind.into_owned()).collect()
    }

    pub(crate) fn count(&self, kind: &str) -> usize {
        self.kinds().iter().filter(|k| *k == kind).count()
    }

    /// A run that is under way.
    pub(crate) fn run(&mut self) -> EffectId {
        let name = naos_types::Name::new("worker").unwrap();
        let spec = naos_types::spec::AgentSpec {
            component: Some(Digest::of(b"a component")),
            ..Default::default()
        };
        let create = command::Agent::Create {
            name: name.clone(),
            spec,
        };
        self.ask(create, None).unwrap();
        let content = stored(self, b"do it");
        self.door().put_large(&content).unwrap();
        let (title, input) = (self.seal("do it"), content.name);
        let agent = Some(name);
        let open = command::Task::Open {
            title,
            input,
            agent,
        };
        self.ask(open, None).unwrap();
        *self.begun.last().expect("the run was begun")
    }

    /// Its end, on its way to the shard.
    pub(crate) fn end(&self, effect: EffectId) -> Incoming {
        let EffectId::Sandbox(run, attempt) = effect else {
            panic!("{effect:?} is no run");
        };
        let output = stored(self, b"done");
        self.door().put_large(&output).unwrap();
        let end = RunEnded {
            run,
            attempt,
            segment: None,
            log: None,
            fuel: 1,
            took: naos_types::Span(1),
            writes: Vec::new(),
            documents: Vec::new(),
            end: End::Completed(output.name),
        };
        let envelope = Envelope {
            tenant: TENANT,
            input: Input::RunEnded(end),
            bodies: Vec::new(),
            same: None,
            ticket: None,
            ends: Some(effect),
        };
        Incoming::For(Box::new(envelope))
    }
}

pub(crate) fn shard(store: &MemStore) -> Shard {
    Shard::new(Arc::new(store.clone()), Box::new(Count(0)))
}

pub(crate) fn stored(rig: &Rig, plain: &[u8]) -> naos_types::StagedBody {
    rig.door().seal_body(plain).unwrap()
}
