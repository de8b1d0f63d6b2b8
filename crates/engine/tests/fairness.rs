//! Work that is due is done in turns: a tenant with very much of it holds up nobody else, and not
//! its own people either.

mod rig;

use naos_engine::shard::{Envelope, Incoming, Outgoing, TURNS_PER_STEP_MAX};
use naos_store::Store;
use naos_types::command::{self, Command};
use naos_types::input::Input;
use naos_types::spec::{
    Begins, Kind, Missed, PlanSpec, RetryPolicy, ScheduleSpec, Spec, StepDo, StepSpec, Timing, When,
};
use naos_types::{Actor, MemberId, Name, Role, Span, TenantId, Time};

use rig::Rig;

/// Who has very much to do, and whose turn comes after theirs.
const MUCH: TenantId = TenantId(1);
const LITTLE: TenantId = TenantId(2);
/// How many rows of theirs are due at once.
const ROWS: usize = 100_000;
/// How many of them are made at once.
const AT_ONCE: usize = 1_000;
/// More steps than anybody may wait.
const STEPS_MAX: usize = 4;
/// Who asks for something while all of that is due.
const ASKER: u64 = u64::MAX;

fn by_owner(tenant: TenantId, command: Command, ticket: Option<u64>) -> Incoming {
    let actor = Actor::Member(MemberId(1), Role::Owner);
    Incoming::For(Box::new(Envelope {
        tenant,
        input: Input::Command { actor, command },
        bodies: Vec::new(),
        same: None,
        ticket,
        ends: None,
    }))
}

fn apply(kind: Kind, name: &str, spec: Spec) -> Command {
    let name = Name::new(name).unwrap();
    command::Resource::Apply { kind, name, spec }.into()
}

/// Says so.
fn event() -> Begins {
    Begins::Event {
        topic: "bell.rang".into(),
        data: "{}".into(),
    }
}

/// A schedule that begins something at a time.
fn rings(name: &str, at: Time, starts: Begins) -> Command {
    let spec = ScheduleSpec {
        description: String::new(),
        timing: Timing {
            when: When::At(at),
            until: None,
        },
        count: None,
        missed: Missed::CatchUp(1_000),
        jitter: Span(0),
        starts,
        enabled: true,
    };
    apply(Kind::Schedule, name, Spec::Schedule(Box::new(spec)))
}

/// Somebody with so many rows that are due at once, and somebody else with one.
fn due_at_once(rows: usize, starts: &Begins) -> Rig {
    let mut rig = Rig::new();
    let at = rig.now + Span::secs(3_000);
    let step = StepSpec {
        name: Name::new("say").unwrap(),
        after: Vec::new(),
        when: None,
        action: StepDo::Render {
            template: "rang".into(),
        },
        for_each: None,
        retry: RetryPolicy::default(),
        timeout: None,
        optional: false,
        key: None,
    };
    let then = StepSpec {
        name: Name::new("then").unwrap(),
        after: vec![step.name.clone()],
        ..step.clone()
    };
    let chime = Spec::Plan(PlanSpec {
        description: "rings twice".into(),
        inputs: Vec::new(),
        steps: vec![step, then],
        output: None,
    });
    rig.play(vec![by_owner(
        MUCH,
        apply(Kind::Plan, "chime", chime),
        None,
    )]);
    for first in (0..rows).step_by(AT_ONCE) {
        let made = (first..first + AT_ONCE).map(|row| {
            let rings = rings(&format!("bell-{row}"), at, starts.clone());
            by_owner(MUCH, rings, None)
        });
        rig.play(made.collect());
    }
    rig.play(vec![by_owner(LITTLE, rings("bell", at, event()), None)]);
    rig.now = at + Span::secs(1);
    rig
}

/// In which step they were answered, and in which somebody else's row had its turn.
fn served(rig: &mut Rig) -> (Option<usize>, Option<usize>) {
    let again = command::Schedule::RunNow {
        kind: Kind::Schedule,
        name: Name::new("bell-0").unwrap(),
    };
    let mut inputs = vec![by_owner(MUCH, again.into(), Some(ASKER))];
    let (mut answered, mut others) = (None, None);
    for step in 1..=STEPS_MAX {
        let mut appends = Vec::new();
        for outgoing in rig.shard.step(rig.now, std::mem::take(&mut inputs)) {
            match outgoing {
                Outgoing::Commit(append) => appends.push(append),
                Outgoing::Reply { ticket, .. } if ticket == ASKER => answered = Some(step),
                _ => {}
            }
        }
        inputs = rig.commits.commit(&rig.store, appends).unwrap();
        if rang(rig, LITTLE) > 0 {
            others.get_or_insert(step);
        }
    }
    (answered, others)
}

fn rang(rig: &Rig, tenant: TenantId) -> usize {
    let door = rig.store.tenant(tenant).unwrap();
    let head = door.head().unwrap().seq;
    // What rang is at the end of the journal.
    let after = head.saturating_sub((STEPS_MAX * TURNS_PER_STEP_MAX * 4) as u64);
    let entries = door.entries(after, usize::MAX).unwrap();
    entries
        .iter()
        .filter(|entry| entry.kind == "schedule.fired")
        .count()
}

#[test]
fn much_that_is_due_holds_up_nobody() {
    let mut rig = due_at_once(ROWS, &event());
    let (answered, others) = served(&mut rig);
    assert!(
        others.is_some(),
        "another tenant's one row waits for all of these"
    );
    assert!(answered.is_some(), "their own people wait for all of these");
    let much = rang(&rig, MUCH);
    let most = STEPS_MAX * TURNS_PER_STEP_MAX;
    assert!(
        (1..=most).contains(&much),
        "{much} of {ROWS} rang meanwhile"
    );
}

/// Each row is more than one turn: then what follows from it is in their way, too.
#[test]
fn much_that_follows_holds_up_nobody() {
    let starts = Begins::Run {
        kind: Kind::Plan,
        name: Name::new("chime").unwrap(),
        input: "{}".into(),
    };
    let mut rig = due_at_once(2 * AT_ONCE, &starts);
    let (answered, others) = served(&mut rig);
    assert!(others.is_some(), "another tenant's one row waits for these");
    assert!(answered.is_some(), "their own people wait for these");
    assert!(rang(&rig, MUCH) > 0);
}
