//! A cell at whose input a rule broke: what is kept, what its owner can do, who hears of it.

mod rig;

use std::sync::Arc;

use naos_engine::shard::{Commits, Envelope, Incoming};
use naos_kernel::tenant::Quarantine;
use naos_kernel::{AnyAggregate, Key};
use naos_store::{CommitFault, Store};
use naos_types::command::{self, Command, Reply};
use naos_types::effect::EffectId;
use naos_types::fact::tenant::Broke;
use naos_types::fact::{Fact, tenant};
use naos_types::input::{End, Input, RunEnded};
use naos_types::spec::{Kind, PlanSpec, Spec, StepDo, StepSpec, SupervisorSpec, WaitFor};
use naos_types::{
    Actor, BodyRef, Code, Kept, MemberId, Name, Refusal, Role, Span, SubjectId, TenantId,
};

use rig::{Rig, Said, TENANT, shard, stored};

const OTHER: TenantId = TenantId(8);

impl Rig {
    /// The process dies and another one starts.
    fn restart(&mut self) {
        self.store.crash();
        self.shard = shard(&self.store);
        self.commits = Commits::default();
        let due = self.store.due(self.now).unwrap();
        for (tenant, _) in due {
            self.play(vec![Incoming::Wake(tenant)]);
        }
    }

    /// A command that panics once: starting a plan makes a content.
    fn poisoned(&mut self, key: Option<&str>) -> Refusal {
        let start = self.start();
        self.store.poison(Some(TENANT));
        let refusal = self.ask(start, key).expect_err("a rule panicked");
        assert!(!self.store.poison(None), "nothing panicked");
        refusal
    }

    fn start(&mut self) -> Command {
        let inputs = self.door().seal_body(b"{}").unwrap();
        let (name, inputs) = (naos_types::Name::new("hello").unwrap(), inputs.name);
        self.door().put_large(&stored(self, b"{}")).unwrap();
        let of = naos_types::spec::Kind::Plan;
        command::Plan::Start { of, name, inputs }.into()
    }

    /// A plan that does next to nothing.
    fn plan(&mut self) {
        self.plan_to(StepDo::Render {
            template: "hello".into(),
        });
    }

    fn plan_to(&mut self, action: StepDo) {
        self.plan_of(vec![step("say", &[], action)]);
    }

    fn plan_of(&mut self, steps: Vec<StepSpec>) {
        let spec = Spec::Plan(PlanSpec {
            description: "says hello".into(),
            inputs: Vec::new(),
            steps,
            output: None,
        });
        let (kind, name) = (Kind::Plan, name("hello"));
        self.ask(command::Resource::Apply { kind, name, spec }, None)
            .unwrap();
    }

    fn skip(&mut self) -> Said {
        let reason = self.seal("not needed");
        self.ask(command::Tenant::Skip { reason }, None)
    }

    fn resume(&mut self) -> Said {
        self.ask(command::Tenant::Resume {}, None)
    }

    fn post(&mut self, tenant: TenantId) -> Said {
        let door = self.store.tenant(tenant).unwrap();
        let text = door.seal(SubjectId::TENANT, b"hi").unwrap();
        let post = command::Message::Post { task: None, text };
        self.ask_as(tenant, Role::Owner, post.into(), None)
    }

    fn standing(&self) -> Option<Arc<Quarantine>> {
        match self.shard.state(TENANT)?.get(&Key::Quarantine(()))? {
            AnyAggregate::Quarantine(standing) => Some(standing),
            _ => None,
        }
    }

    fn report(&self) -> naos_engine::shard::CellReport {
        self.shard.report(TENANT).unwrap()
    }
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn step(called: &str, after: &[&str], action: StepDo) -> StepSpec {
    StepSpec {
        name: name(called),
        after: after.iter().map(|before| name(before)).collect(),
        when: None,
        action,
        for_each: None,
        retry: Default::default(),
        timeout: None,
        optional: false,
        key: None,
    }
}

fn body(rig: &Rig, name: &BodyRef) -> Vec<u8> {
    rig.door().body(name).unwrap().expect("it is stored")
}

fn quarantined() -> Rig {
    let mut rig = Rig::new();
    rig.plan();
    let refusal = rig.poisoned(Some("k1"));
    assert_eq!(refusal.code, Code::QUARANTINED);
    assert!(refusal.help.contains("it is kept"), "{refusal:?}");
    rig
}

#[test]
fn what_broke_is_kept_and_outlives_a_restart() {
    let mut rig = quarantined();
    for _ in 0..3 {
        assert_eq!(rig.post(TENANT).unwrap_err().code, Code::QUARANTINED);
    }
    assert_eq!(rig.report().refused, 3);
    rig.post(OTHER).expect("its neighbours go on");
    for _ in 0..3 {
        rig.restart();
        let report = rig.shard.report(TENANT).expect("the start opens it");
        let why = report.quarantined.expect("it is still quarantined");
        assert_eq!(why, "a rule panicked: a made-up panic");
        let standing = rig.standing().unwrap();
        assert_eq!((standing.after, standing.rule.as_deref()), (1, None));
        let expected = Broke::Command {
            by: Actor::Member(MemberId(1), Role::Owner),
            family: "plan".into(),
        };
        assert_eq!(standing.broke, expected);
        let kept = Kept::decode(&body(&rig, &standing.kept.unwrap())).unwrap();
        assert_eq!(kept.same.unwrap().key, "k1");
    }
    assert_eq!(rig.kinds(), ["resource.applied", "tenant.quarantined"]);
}

#[test]
fn a_skipped_command_is_refused_to_its_asker() {
    let mut rig = quarantined();
    assert_eq!(rig.skip(), Ok(Reply::Done));
    assert_eq!(rig.report().quarantined, None);
    for _ in 0..2 {
        let start = rig.start();
        let again = rig.ask(start, Some("k1")).unwrap_err();
        assert_eq!(again.code, Code::SKIPPED);
        rig.restart();
    }
    assert_eq!(rig.count("plan.started"), 0);
    rig.post(TENANT).expect("the cell goes on");
    let start = rig.start();
    rig.ask(start, Some("k2")).expect("another request is done");
    let Fact::Tenant(tenant::Fact::Skipped(skipped)) = rig.fact("tenant.skipped") else {
        panic!("it is journaled");
    };
    assert_eq!(skipped.by, Actor::Member(MemberId(1), Role::Owner));
    assert_eq!(rig.door().open(&skipped.reason).unwrap(), b"not needed");
}

impl Rig {
    fn fact(&self, kind: &str) -> Fact {
        let entries = self.door().entries(0, usize::MAX).unwrap();
        let found = entries.iter().find(|entry| entry.kind == kind).unwrap();
        Fact::decode(&found.kind, found.version, &found.bytes).unwrap()
    }
}

#[test]
fn a_kept_command_is_carried_out_once_when_it_is_tried_again() {
    for restarted in [false, true] {
        let mut rig = quarantined();
        if restarted {
            rig.restart();
        }
        assert_eq!(rig.resume(), Ok(Reply::Done));
        let start = rig.start();
        let first = rig.ask(start, Some("k1")).expect("it was carried out");
        assert!(matches!(first, Reply::Plan(_)), "{first:?}");
        assert_eq!(rig.count("plan.started"), 1);
        assert_eq!(rig.count("plan.closed"), 1, "{:?}", rig.kinds());
        rig.restart();
        assert_eq!(rig.report_or_well(), None);
    }
}

impl Rig {
    fn report_or_well(&self) -> Option<String> {
        self.shard
            .report(TENANT)
            .and_then(|report| report.quarantined)
    }
}

#[test]
fn what_breaks_again_leaves_the_cell_as_it_is() {
    let mut rig = quarantined();
    rig.store.poison(Some(TENANT));
    let again = rig.resume().unwrap_err();
    assert!(
        [Code::CANNOT_MEND, Code::INTERNAL].contains(&again.code),
        "{again:?}"
    );
    assert!(!rig.store.poison(None));
    assert!(rig.report().quarantined.is_some());
    assert_eq!(rig.count("tenant.resumed"), 0);
    assert_eq!(rig.resume(), Ok(Reply::Done));
    assert_eq!(rig.count("plan.started"), 1);
}

#[test]
fn only_an_owner_mends_and_only_what_is_broken() {
    let mut rig = quarantined();
    for role in [Role::External, Role::Staff, Role::Admin] {
        let resume = command::Tenant::Resume {}.into();
        let no = rig.ask_as(TENANT, role, resume, None).unwrap_err();
        assert_eq!(no.code, Code::QUARANTINED, "{role:?}");
    }
    rig.skip().unwrap();
    assert_eq!(rig.skip().unwrap_err().code, Code::WRONG_STATE);
    assert_eq!(rig.resume().unwrap_err().code, Code::WRONG_STATE);
    assert_eq!(rig.count("tenant.skipped"), 1);
}

#[test]
fn what_could_not_be_journaled_did_not_happen() {
    let mut rig = Rig::new();
    rig.plan();
    rig.store.fail_next_commit(CommitFault::Io);
    let refusal = rig.poisoned(Some("k1"));
    assert_eq!(refusal.code, Code::DISK_FAILED);
    let start = rig.start();
    rig.now.0 += 5_000;
    rig.ask(start, Some("k1"))
        .expect("it is asked anew, and works");
    // The same for the owner's act.
    rig.poisoned(Some("k2"));
    rig.store.fail_next_commit(CommitFault::Io);
    assert_eq!(rig.skip().unwrap_err().code, Code::DISK_FAILED);
    assert!(rig.report_or_well().is_some());
    rig.skip().expect("the second time it is written");
}

#[test]
fn what_ends_meanwhile_is_decided_when_the_cell_goes_on() {
    for skips in [false, true] {
        let mut rig = Rig::new();
        rig.plan();
        let effect = rig.run();
        rig.poisoned(None);
        let end = rig.end(effect);
        rig.play(vec![end]);
        assert_eq!(rig.count("run.completed"), 0);
        let done = if skips { rig.skip() } else { rig.resume() };
        assert_eq!(done, Ok(Reply::Done));
        assert_eq!(rig.count("run.completed"), 1, "{:?}", rig.kinds());
        assert_eq!(rig.begun, [effect], "it isn't begun again");
    }
}

#[test]
fn a_question_outlives_a_restart() {
    let mut rig = Rig::new();
    rig.plan_to(StepDo::Approval {
        title: "may it?".into(),
        body: None,
        role: Role::Owner,
        expires: None,
    });
    let start = rig.start();
    rig.ask(start, None).expect("it begins");
    rig.restart();
    rig.play(vec![Incoming::Wake(TENANT)]); // nothing is due: it opens when it is asked for
    let all = rig.shard.state(TENANT).expect("it is open").all();
    let mut open = all.into_iter().filter_map(|(key, _)| match key {
        Key::Approval(id) => Some(id),
        _ => None,
    });
    let approval = open.next().expect("nobody answered it");
    let decide = command::Approval::Decide {
        approval,
        yes: true,
        seen: None,
        comment: None,
        edited: None,
    };
    rig.ask(decide, None).expect("it is still asked");
    assert_eq!(rig.count("plan.closed"), 1);
}

/// One that came before the step which takes it is kept for that step, whoever dies meanwhile.
#[test]
fn a_signal_outlives_a_restart() {
    let mut rig = Rig::new();
    let nap = WaitFor::Time {
        span: Span::secs(60),
    };
    let go = WaitFor::Signal { name: name("go") };
    rig.plan_of(vec![
        step("nap", &[], StepDo::Wait(nap)),
        step("hold", &["nap"], StepDo::Wait(go)),
    ]);
    let start = rig.start();
    let Ok(Reply::Plan(plan)) = rig.ask(start, None) else {
        panic!("it doesn't begin");
    };
    let data = stored(&rig, b"{}");
    rig.door().put_large(&data).unwrap();
    let (name, data) = (name("go"), data.name);
    let signal = command::Event::Signal { plan, name, data };
    rig.ask(signal, None).expect("it is kept");
    rig.restart();
    rig.now = rig.now + Span::secs(61);
    rig.play(vec![Incoming::Wake(TENANT)]);
    assert_eq!(rig.count("plan.closed"), 1, "{:?}", rig.kinds());
}

/// Who is to be restarted is, whoever dies meanwhile.
#[test]
fn a_failure_outlives_a_restart() {
    let mut rig = Rig::new();
    let spec = Spec::Supervisor(SupervisorSpec {
        children: vec![name("worker")],
        ..SupervisorSpec::default()
    });
    let (kind, boss) = (Kind::Supervisor, name("boss"));
    let apply = command::Resource::Apply {
        kind,
        name: boss,
        spec,
    };
    rig.ask(apply, None).unwrap();
    let effect = rig.run();
    let EffectId::Sandbox(run, attempt) = effect else {
        panic!("{effect:?} is no run");
    };
    let input = Input::RunEnded(RunEnded {
        run,
        attempt,
        segment: None,
        log: None,
        fuel: 1,
        took: Span(1),
        writes: Vec::new(),
        documents: Vec::new(),
        end: End::Trapped(rig.seal("unreachable")),
    });
    rig.play(vec![Incoming::For(Box::new(Envelope {
        tenant: TENANT,
        input,
        bodies: Vec::new(),
        same: None,
        ticket: None,
        ends: Some(effect),
    }))]);
    assert_eq!(rig.count("supervisor.child_failed"), 1, "{:?}", rig.kinds());
    rig.restart();
    rig.now = rig.now + Span::secs(5);
    rig.play(vec![Incoming::Wake(TENANT)]);
    assert_eq!(rig.count("agent.restarted"), 1, "{:?}", rig.kinds());
}
