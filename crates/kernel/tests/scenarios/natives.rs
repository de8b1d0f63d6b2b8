//! Drivers that are built in, and what the kinds of drivers are good for.

use std::sync::Arc;

use naos_kernel::member::Inbox;
use naos_kernel::resource::Driver;
use naos_kernel::{AnyAggregate, Key};
use naos_types::command::{self, Reply};
use naos_types::fact::event::Category;
use naos_types::fact::member::News;
use naos_types::fact::{Fact, event, task};
use naos_types::spec::{
    DriverKind, DriverLimits, DriverSpec, Kind, LimitedDriver, Native, NativeDriver, RemoteDriver,
    Spec, StepDo,
};
use naos_types::{Code, DocPath, MemberId, Refusal, Role, TaskStatus};

use crate::bench::{Bench, sealed};
use crate::events::publish;
use crate::plans::{plan, step};
use crate::script::{apply_plan, name, play_in};

fn native(called: &str, native: Native, granted: &[&str]) -> NativeDriver {
    let granted: Vec<String> = granted.iter().map(|one| (*one).to_owned()).collect();
    NativeDriver {
        driver: DriverSpec {
            document: "{}".to_owned(),
            kind: native.kind(),
            agent: RemoteDriver::runs_as(&name(called)).expect("it is short"),
            capabilities: native
                .topics()
                .iter()
                .map(|one| (*one).to_owned())
                .collect(),
            enabled: true,
        },
        limits: DriverLimits::default(),
        native,
        reads: granted.clone(),
        writes: granted,
    }
}

fn apply(bench: &mut Bench, called: &str, spec: Spec) -> Result<Reply, Refusal> {
    let (said, _) = bench.command(command::Resource::Apply {
        kind: Kind::Driver,
        name: name(called),
        spec,
    });
    said
}

fn build_in(bench: &mut Bench, called: &str, does: Native, granted: &[&str]) {
    let spec = Spec::Native(Arc::new(native(called, does, granted)));
    apply(bench, called, spec).expect("it is sound");
}

fn driver(bench: &Bench, called: &str) -> Arc<Driver> {
    match bench.state.get(&Key::Driver(name(called))) {
        Some(AnyAggregate::Driver(driver)) => driver,
        other => panic!("{other:?}"),
    }
}

/// How the task of an event ended, and what it gave.
fn came(bench: &Bench, facts: &[Fact]) -> (TaskStatus, String) {
    let closed = facts.iter().find_map(|fact| match fact {
        Fact::Task(task::Fact::Closed(f)) => Some(f),
        _ => None,
    });
    let closed = closed.expect("it was answered");
    let said = closed.problem.as_ref().and_then(|problem| {
        let said = problem.said.as_ref()?;
        String::from_utf8(said.bytes.clone()).ok()
    });
    let output = closed.output.map(|body| bench.text(&body));
    (closed.status, output.or(said).unwrap_or_default())
}

fn heard(facts: &[Fact]) -> bool {
    facts
        .iter()
        .any(|fact| matches!(fact, Fact::Event(event::Fact::Published(f)) if f.origin.heard))
}

fn person(bench: &mut Bench, handle: &str, role: Role) -> MemberId {
    let (said, _) = bench.command(command::Member::Add {
        name: sealed(handle),
        role,
        handle: Some(name(handle)),
    });
    match said {
        Ok(Reply::Member(member)) => member,
        other => panic!("{other:?}"),
    }
}

fn inbox(bench: &Bench, member: MemberId) -> Vec<String> {
    let Some(AnyAggregate::Inbox(inbox)) = bench.state.get(&Key::Inbox(member)) else {
        return Vec::new();
    };
    let Inbox { items, .. } = &*inbox;
    let shown = items.iter().filter_map(|item| match &item.news {
        News::Shown(_, body) => Some(bench.text(body)),
        _ => None,
    });
    shown.collect()
}

#[test]
fn documents_are_read_and_written_by_events() {
    let mut bench = Bench::new();
    let (_, facts) = publish(&mut bench, "context.read", "{\"path\": \"/Tasks/Active\"}");
    assert!(!heard(&facts), "nobody answers it yet");
    build_in(&mut bench, "reader", Native::ContextRead, &["Tasks/"]);
    build_in(&mut bench, "writer", Native::ContextWrite, &["Tasks/"]);
    let read = "{\"path\": \"/Tasks/Active\"}";
    let (_, facts) = publish(&mut bench, "context.read", read);
    assert!(heard(&facts));
    assert_eq!(came(&bench, &facts), (TaskStatus::Done, "null".into()));
    let write = "{\"path\": \"/Tasks/Active\", \"content\": \"two are open\"}";
    let (_, facts) = publish(&mut bench, "context.write", write);
    let wrote = (TaskStatus::Done, "two are open".into());
    assert_eq!(came(&bench, &facts), wrote);
    let path = DocPath::new("/Tasks/Active").expect("a path");
    assert!(bench.state.get(&Key::Document(path)).is_some());
    let (_, facts) = publish(&mut bench, "context.read", read);
    assert_eq!(came(&bench, &facts), wrote);
    let found = driver(&bench, "reader");
    assert_eq!((found.answered, found.failed, found.open.len()), (2, 0, 0));
}

#[test]
fn what_is_built_in_reaches_what_it_is_granted() {
    let mut bench = Bench::new();
    build_in(&mut bench, "reader", Native::ContextRead, &["Tasks/"]);
    build_in(&mut bench, "writer", Native::ContextWrite, &["**"]);
    let (_, facts) = publish(&mut bench, "context.read", "{\"path\": \"/Secrets/Key\"}");
    let (status, why) = came(&bench, &facts);
    assert_eq!(status, TaskStatus::Failed);
    assert!(why.contains("grants.context_read"), "{why}");
    // Who an agent is no event says, whatever is granted.
    let soul = "{\"path\": \"/agents/jarvis/SOUL.md\", \"content\": \"obey\"}";
    let (_, facts) = publish(&mut bench, "context.write", soul);
    assert_eq!(came(&bench, &facts).0, TaskStatus::Failed);
    // Nor what one remembers.
    let memory = "{\"path\": \"/agents/jarvis/MEMORY.md\", \"content\": \"obey\"}";
    let (_, facts) = publish(&mut bench, "context.write", memory);
    let (status, why) = came(&bench, &facts);
    assert_eq!(status, TaskStatus::Failed);
    assert!(why.contains("what it remembers"), "{why}");
    for odd in ["{}", "{\"path\": \"/a/b\"}", "7"] {
        let (_, facts) = publish(&mut bench, "context.write", odd);
        assert_eq!(came(&bench, &facts).0, TaskStatus::Failed, "{odd}");
    }
    // What is wrong with events lets nobody rest.
    let found = driver(&bench, "writer");
    assert_eq!((found.failed, found.in_a_row, found.resting), (5, 0, None));
    let problem = found.problem.as_ref().map(|(_, problem)| problem);
    assert_eq!(problem.map(|problem| problem.code), Some(Code::EVENT_UNFIT));
}

#[test]
fn a_step_that_asks_has_the_answer() {
    let mut bench = Bench::new();
    build_in(&mut bench, "back", Native::Echo, &[]);
    let ask = StepDo::Ask {
        kind: "echo".into(),
        data: Some("{\"n\": 1}".into()),
        needed: true,
    };
    let end = StepDo::Render {
        template: "{{ ask.output.n }}".into(),
    };
    let spec = plan(vec![step("ask", &[], ask), step("end", &["ask"], end)]);
    apply_plan(&mut bench, "p", &spec).0.expect("it is sound");
    assert_eq!(play_in(&mut bench, "start p; show plan"), "completed 1");
}

#[test]
fn one_that_is_off_answers_nothing() {
    let mut bench = Bench::new();
    build_in(&mut bench, "back", Native::Echo, &[]);
    let on = |bench: &mut Bench, on| {
        let (kind, name) = (Kind::Driver, name("back"));
        let (said, _) = bench.command(command::Resource::Enable { kind, name, on });
        said.expect("it can be switched");
    };
    on(&mut bench, false);
    let (_, facts) = publish(&mut bench, "echo", "1");
    let is_dead = |fact: &Fact| matches!(fact, Fact::Event(event::Fact::Dead(_)));
    assert!(facts.iter().any(is_dead), "it is put aside");
    on(&mut bench, true);
    let (_, facts) = publish(&mut bench, "echo", "1");
    assert_eq!(came(&bench, &facts), (TaskStatus::Done, "1".into()));
}

#[test]
fn people_are_told_in_their_inbox() {
    let mut bench = Bench::new();
    let ana = person(&mut bench, "ana", Role::Staff);
    let hery = person(&mut bench, "hery", Role::Admin);
    let guest = person(&mut bench, "guest", Role::External);
    build_in(&mut bench, "people", Native::Notify, &[]);
    let data = "{\"title\": \"Storm\", \"message\": \"Stay in.\", \"to\": \"@ana\"}";
    publish(&mut bench, "notification.urgent", data);
    assert_eq!(inbox(&bench, ana), ["Storm\n\nStay in."]);
    assert!(inbox(&bench, hery).is_empty());
    // Without a name all who work here, and nobody else.
    publish(&mut bench, "notification.send", "{\"message\": \"Tea!\"}");
    assert_eq!(inbox(&bench, ana).len(), 2);
    assert_eq!(inbox(&bench, hery), ["Tea!"]);
    assert!(inbox(&bench, guest).is_empty());
    for odd in [
        "{\"message\": \"x\", \"to\": \"nobody\"}",
        "{}",
        "{\"to\": []}",
    ] {
        let (_, facts) = publish(&mut bench, "notification.send", odd);
        assert_eq!(came(&bench, &facts).0, TaskStatus::Failed, "{odd}");
    }
    assert_eq!(inbox(&bench, ana).len(), 2);
}

fn of_kind(bench: &mut Bench, kind: DriverKind) {
    let driver = DriverSpec {
        document: "{}".to_owned(),
        kind,
        agent: name("mail"),
        capabilities: vec!["mail.fetch".to_owned()],
        enabled: true,
    };
    let limits = DriverLimits::default();
    let spec = Spec::Limited(Box::new(LimitedDriver { driver, limits }));
    apply(bench, "post", spec).expect("it is sound");
}

#[test]
fn what_a_way_to_people_answers_is_told_to_them() {
    let mut bench = Bench::new();
    play_in(&mut bench, "agent mail 0c");
    let ana = person(&mut bench, "ana", Role::Staff);
    for (kind, shown) in [(DriverKind::Tool, 0), (DriverKind::Ui, 1)] {
        of_kind(&mut bench, kind);
        publish(&mut bench, "mail.fetch", "{}");
        play_in(&mut bench, "finish mail three letters came");
        assert_eq!(inbox(&bench, ana).len(), shown, "{kind:?}");
    }
    assert_eq!(inbox(&bench, ana), ["three letters came"]);
}

#[test]
fn what_a_way_in_publishes_comes_from_outside() {
    let mut bench = Bench::new();
    play_in(&mut bench, "agent mail 0c");
    for (kind, category) in [
        (DriverKind::Tool, Category::Internal),
        (DriverKind::Io, Category::Input),
    ] {
        of_kind(&mut bench, kind);
        publish(&mut bench, "mail.fetch", "{}");
        play_in(&mut bench, "call mail emit work.received; finish mail done");
        let told = bench.facts.iter().rev().find_map(|(_, fact)| match fact {
            Fact::Event(event::Fact::Published(f)) if f.topic == "work.received" => {
                Some(f.origin.category)
            }
            _ => None,
        });
        assert_eq!(told, Some(category), "{kind:?}");
    }
}

#[test]
fn what_is_built_in_is_of_its_kind() {
    let mut bench = Bench::new();
    let mut odd = native("people", Native::Notify, &[]);
    odd.driver.kind = DriverKind::Agent;
    let refused = apply(&mut bench, "people", Spec::Native(Arc::new(odd)));
    let refused = refused.expect_err("people are no agent");
    assert!(refused.what.contains("type ui"), "{}", refused.what);
}
