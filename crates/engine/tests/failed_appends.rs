//! An append that fails takes what was decided with it, and nothing else: what came back from the
//! world comes to be decided anew.

mod rig;

use naos_engine::shard::{Envelope, Incoming, Outgoing};
use naos_store::{Append, CommitFault};
use naos_types::command::{self, Command};
use naos_types::effect::EffectId;
use naos_types::input::Input;
use naos_types::{Actor, MemberId, Role};

use rig::{Rig, TENANT};

impl Rig {
    /// What it wants to be written then; nothing is.
    fn decide(&mut self, input: Incoming) -> Vec<Append> {
        let out = self.shard.step(self.now, vec![input]);
        let appends = out.into_iter().filter_map(|outgoing| match outgoing {
            Outgoing::Commit(append) => Some(append),
            _ => None,
        });
        appends.collect()
    }

    /// Somebody's wish that a run ends.
    fn cancels(&self, effect: EffectId) -> Incoming {
        let EffectId::Sandbox(run, _) = effect else {
            panic!("{effect:?} is no run");
        };
        let command = Command::from(command::Run::Cancel { run });
        let actor = Actor::Member(MemberId(1), Role::Owner);
        Incoming::For(Box::new(Envelope {
            tenant: TENANT,
            input: Input::Command { actor, command },
            bodies: Vec::new(),
            same: None,
            ticket: None,
            ends: None,
        }))
    }
}

#[test]
fn an_end_that_came_too_late_for_what_never_happened_counts() {
    let mut rig = Rig::new();
    let effect = rig.run();
    let cancels = rig.cancels(effect);
    let cancelled = rig.decide(cancels);
    assert_eq!(cancelled.len(), 1);
    let end = rig.end(effect);
    assert_eq!(
        rig.decide(end).len(),
        0,
        "it says nothing about a run that is cancelled"
    );

    rig.store.fail_next_commit(CommitFault::Io);
    let told = rig.commits.commit(&rig.store, cancelled).unwrap();
    rig.play(told);
    assert_eq!(rig.count("run.cancelled"), 0);
    rig.now.0 += 5_000;
    rig.play(Vec::new());
    assert_eq!(rig.count("run.completed"), 1, "{:?}", rig.kinds());
    assert_eq!(rig.begun, [effect], "it isn't begun again");
}
