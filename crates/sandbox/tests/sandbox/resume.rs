//! A run is killed anywhere and goes on in the middle.

use crate::support::{MapHost, component, durable_ms, friendly, run, sandbox};
use naos_sandbox::{
    Ability, Ended, Gate, GatedAnswer, GatedCall, Host, HostError, Recording, Report, Run, Sandbox,
    Segment,
};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

const GATED: u32 = 10;

/// Ten times: a line of log, a look at the state, dice and clock into a sum, one event. Returns
/// the ids of the events and the sum as 16 letters.
fn worker() -> Vec<u8> {
    let body = "(loop $step
        (call $log.write (i32.const 1) (i32.const 100) (i32.const 4))
        (call $state.get (i32.const 100) (i32.const 4) (i32.const 1024))
        (local.set $acc (i64.xor (i64.rotl (local.get $acc) (i64.const 7))
          (i64.add (call $random.next) (call $clock.now))))
        (call $events.emit (i32.const 110) (i32.const 9) (i32.const 120) (i32.const 2)
          (i32.const 1024))
        (memory.copy (i32.add (i32.const 2000) (local.get $n))
          (i32.load (i32.const 1032)) (i32.load (i32.const 1036)))
        (local.set $n (i32.add (local.get $n) (i32.load (i32.const 1036))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $step (i32.lt_u (local.get $i) (i32.const 10))))
      (local.set $i (i32.const 0))
      (loop $letters
        (i32.store8 (i32.add (i32.const 2000) (local.get $n)) (i32.add (i32.const 97)
          (i32.and (i32.const 15) (i32.wrap_i64 (local.get $acc)))))
        (local.set $acc (i64.shr_u (local.get $acc) (i64.const 4)))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $letters (i32.lt_u (local.get $i) (i32.const 16))))
      (call $ok (i32.const 2000) (local.get $n))";
    let data = "(data (i32.const 100) \"step\") (data (i32.const 110) \"step.done\")
      (data (i32.const 120) \"{}\")";
    let imports = [
        "log.write",
        "state.get",
        "random.next",
        "clock.now",
        "events.emit",
    ];
    component(&imports, body, data)
}

/// What survives a kill.
#[derive(Default)]
struct Disk {
    journal: Vec<Fact>,
    /// At a receiver that honours keys: effect by key, and how often it was attempted.
    attempts: BTreeMap<u32, u32>,
    effects: BTreeMap<u32, GatedAnswer>,
}

enum Fact {
    Segment(Segment),
    Outcome(GatedCall, GatedAnswer),
}

impl Disk {
    fn recording(&self) -> Recording {
        let mut recording = Recording::new();
        for fact in &self.journal {
            match fact {
                Fact::Segment(segment) => recording.push_segment(&segment.bytes),
                Fact::Outcome(call, answer) => {
                    recording.push_answer(call, answer, durable_ms(call.index))
                }
            }
            .expect("the journal is in order");
        }
        recording
    }
}

/// Where in a gated call the machine dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kill {
    BeforeIntent,
    BeforeEffect,
    BeforeOutcome,
    BehindOutcome,
}

/// Journals what passes, and dies once.
struct Mortal {
    inner: MapHost,
    disk: Arc<Mutex<Disk>>,
    kill: Option<(u32, Kill)>,
    suspends: bool,
}

impl Mortal {
    fn new(disk: &Arc<Mutex<Disk>>) -> Self {
        Mortal {
            inner: MapHost::default(),
            disk: Arc::clone(disk),
            kill: None,
            suspends: false,
        }
    }

    fn dies(&self, index: u32, at: Kill) -> Result<(), HostError> {
        if self.kill == Some((index, at)) {
            Err(HostError::Failed("killed".into()))
        } else {
            Ok(())
        }
    }
}

impl Host for Mortal {
    fn log(
        &mut self,
        call: u32,
        level: naos_sandbox::LogLevel,
        line: &str,
    ) -> Result<(), HostError> {
        self.inner.log(call, level, line)
    }
    fn state_get(&mut self, key: &str) -> Result<Option<Vec<u8>>, HostError> {
        self.inner.state_get(key)
    }
    fn state_set(&mut self, key: &str, value: &[u8]) -> Result<(), HostError> {
        self.inner.state_set(key, value)
    }
    fn state_delete(&mut self, key: &str) -> Result<(), HostError> {
        self.inner.state_delete(key)
    }
    fn state_keys(&mut self) -> Result<Vec<String>, HostError> {
        self.inner.state_keys()
    }
    fn context_read(&mut self, path: &str) -> Result<naos_sandbox::Document, HostError> {
        self.inner.context_read(path)
    }
    fn context_write(
        &mut self,
        path: &str,
        text: &str,
        expected: Option<u64>,
    ) -> Result<u64, HostError> {
        self.inner.context_write(path, text, expected)
    }
    fn context_list(&mut self, prefix: &str) -> Result<Vec<naos_sandbox::Entry>, HostError> {
        self.inner.context_list(prefix)
    }
    fn segment(&mut self, segment: Segment) -> Result<(), HostError> {
        self.disk
            .lock()
            .expect("disk")
            .journal
            .push(Fact::Segment(segment));
        Ok(())
    }

    fn gated(&mut self, call: &GatedCall, before: Option<Segment>) -> Result<Gate, HostError> {
        self.dies(call.index, Kill::BeforeIntent)?;
        let mut disk = self.disk.lock().expect("disk");
        disk.journal.extend(before.map(Fact::Segment));
        self.dies(call.index, Kill::BeforeEffect)?;
        *disk.attempts.entry(call.index).or_default() += 1;
        let answer = disk
            .effects
            .entry(call.index)
            .or_insert_with(|| friendly(call))
            .clone();
        self.dies(call.index, Kill::BeforeOutcome)?;
        disk.journal
            .push(Fact::Outcome(call.clone(), answer.clone()));
        self.dies(call.index, Kill::BehindOutcome)?;
        if self.suspends {
            return Ok(Gate::Suspend);
        }
        Ok(Gate::Answered {
            answer,
            now_ms: durable_ms(call.index),
        })
    }
}

/// Index of the nth gated call of the worker: two recorded calls come before each.
fn gated_index(nth: u32) -> u32 {
    nth * 3 + 2
}

fn undisturbed(sandbox: &Sandbox, agent: &naos_sandbox::Compiled) -> Report<Mortal> {
    sandbox.run(agent, run(""), Mortal::new(&Arc::default()))
}

#[test]
fn the_worker_works() {
    let sandbox = sandbox();
    let agent = sandbox.compile(&worker()).expect("compiles");
    let report = undisturbed(&sandbox, &agent);
    let Ended::Completed(text) = &report.ended else {
        panic!("{:?}", report.ended)
    };
    assert!(text.starts_with("events:2;events:5;events:8;"), "{text}");
    assert_eq!((report.calls, report.segment), (3 * GATED, None));
    let in_calls: Vec<u32> = (0..GATED).map(|nth| nth * 3).collect();
    assert_eq!(report.host.inner.log_calls, in_calls);
}

#[test]
fn killed_at_any_gated_call_it_goes_on_there() {
    let sandbox = sandbox();
    let agent = sandbox.compile(&worker()).expect("compiles");
    let whole = undisturbed(&sandbox, &agent);
    for nth in 0..GATED {
        for kill in [
            Kill::BeforeIntent,
            Kill::BeforeEffect,
            Kill::BeforeOutcome,
            Kill::BehindOutcome,
        ] {
            let disk: Arc<Mutex<Disk>> = Arc::default();
            let at = gated_index(nth);
            let host = Mortal {
                kill: Some((at, kill)),
                ..Mortal::new(&disk)
            };
            let first = sandbox.run(&agent, run(""), host);
            assert_eq!(first.ended, Ended::HostFailed("killed".into()));
            let recording = disk.lock().expect("disk").recording();
            let answered = recording.len() as u32;
            let expected = match kill {
                Kill::BeforeIntent => at - 2,
                Kill::BeforeEffect | Kill::BeforeOutcome => at,
                Kill::BehindOutcome => at + 1,
            };
            assert_eq!(answered, expected, "{nth} {kill:?}");
            let second = sandbox.run(
                &agent,
                Run {
                    recording,
                    ..run("")
                },
                Mortal::new(&disk),
            );
            assert_eq!(second.ended, whole.ended, "{nth} {kill:?}");
            assert_eq!(second.fuel_used, whole.fuel_used, "{nth} {kill:?}");
            let logged = second.host.inner.log.len() as u32;
            assert_eq!(
                logged,
                GATED - answered.div_ceil(3),
                "only what is new is logged again"
            );
            let disk = disk.lock().expect("disk");
            assert_eq!(disk.effects.len() as u32, GATED);
            for (index, attempts) in &disk.attempts {
                let twice = *index == at && kill == Kill::BeforeOutcome;
                assert_eq!(
                    *attempts,
                    if twice { 2 } else { 1 },
                    "{nth} {kill:?} {index}"
                );
            }
        }
    }
}

#[test]
fn suspended_at_every_gated_call_it_asks_each_once() {
    let sandbox = sandbox();
    let agent = sandbox.compile(&worker()).expect("compiles");
    let whole = undisturbed(&sandbox, &agent);
    let disk: Arc<Mutex<Disk>> = Arc::default();
    for nth in 0..GATED {
        let recording = disk.lock().expect("disk").recording();
        let host = Mortal {
            suspends: true,
            ..Mortal::new(&disk)
        };
        let report = sandbox.run(
            &agent,
            Run {
                recording,
                ..run("")
            },
            host,
        );
        assert_eq!(
            report.ended,
            Ended::Suspended {
                at_call: gated_index(nth)
            }
        );
        assert_eq!(report.segment, None);
    }
    let recording = disk.lock().expect("disk").recording();
    let last = sandbox.run(
        &agent,
        Run {
            recording,
            ..run("")
        },
        Mortal::new(&disk),
    );
    assert_eq!(
        (&last.ended, last.fuel_used),
        (&whole.ended, whole.fuel_used)
    );
    assert!(last.host.inner.log.is_empty(), "everything was recorded");
    assert!(
        disk.lock()
            .expect("disk")
            .attempts
            .values()
            .all(|attempts| *attempts == 1)
    );
}

/// A recording of the whole worker.
fn recorded(sandbox: &Sandbox) -> Recording {
    let agent = sandbox.compile(&worker()).expect("compiles");
    let disk: Arc<Mutex<Disk>> = Arc::default();
    sandbox.run(&agent, run(""), Mortal::new(&disk));
    let disk = disk.lock().expect("disk");
    disk.recording()
}

#[test]
fn another_question_is_a_divergence() {
    let sandbox = sandbox();
    let recording = recorded(&sandbox);
    // Logs once as the worker does, then something else.
    let other = "(call $log.write (i32.const 1) (i32.const 100) (i32.const 4))
      (call $log.write (i32.const 1) (i32.const 100) (i32.const 3))
      (call $ok (i32.const 0) (i32.const 0))";
    let other = component(&["log.write"], other, "(data (i32.const 100) \"step\")");
    let other = sandbox.compile(&other).expect("compiles");
    let report = sandbox.run(
        &other,
        Run {
            recording,
            ..run("")
        },
        MapHost::default(),
    );
    let Ended::Diverged {
        index,
        recorded,
        asked,
    } = report.ended
    else {
        panic!("{:?}", report.ended)
    };
    assert_eq!(index, 1);
    assert!(recorded.starts_with("state request "), "{recorded}");
    assert!(asked.starts_with("log request "), "{asked}");
    assert!(report.host.log.is_empty(), "nothing new was done");
}

#[test]
fn the_same_ability_with_other_arguments_is_a_divergence() {
    let sandbox = sandbox();
    let recording = recorded(&sandbox);
    let other = "(call $log.write (i32.const 1) (i32.const 100) (i32.const 3)) unreachable";
    let other = component(&["log.write"], other, "(data (i32.const 100) \"step\")");
    let other = sandbox.compile(&other).expect("compiles");
    let report = sandbox.run(
        &other,
        Run {
            recording,
            ..run("")
        },
        MapHost::default(),
    );
    assert!(
        matches!(report.ended, Ended::Diverged { index: 0, .. }),
        "{:?}",
        report.ended
    );
}

#[test]
fn an_end_before_the_recordings_end_is_a_divergence() {
    let sandbox = sandbox();
    for (body, expected) in [
        (
            "(call $ok (i32.const 0) (i32.const 0))",
            "the end of the run",
        ),
        ("unreachable", "unreachable"),
    ] {
        let recording = recorded(&sandbox);
        let agent = sandbox
            .compile(&component(&[], body, ""))
            .expect("compiles");
        let report = sandbox.run(
            &agent,
            Run {
                recording,
                ..run("")
            },
            MapHost::default(),
        );
        let Ended::Diverged {
            index: 0, asked, ..
        } = report.ended
        else {
            panic!("{:?}", report.ended)
        };
        assert!(asked.contains(expected), "{asked}");
    }
}

#[test]
fn a_recorded_answer_of_another_shape_is_the_hosts_fault() {
    let sandbox = sandbox();
    let agent = sandbox.compile(&worker()).expect("compiles");
    let mut recording = Recording::new();
    for call in recorded(&sandbox).calls().iter().take(2) {
        assert_ne!(call.ability, Ability::Events);
        let mut call = call.clone();
        if call.index == 1 {
            call.answer = vec![9, 9, 9];
        }
        let bytes = segment_of(&call);
        recording.push_segment(&bytes).expect("in order");
    }
    let report = sandbox.run(
        &agent,
        Run {
            recording,
            ..run("")
        },
        MapHost::default(),
    );
    let Ended::HostFailed(why) = report.ended else {
        panic!("{:?}", report.ended)
    };
    assert!(
        why.starts_with("the recorded answer of call 1 (state) cannot be read"),
        "{why}"
    );
}

fn segment_of(call: &naos_sandbox::Recorded) -> Vec<u8> {
    let head = vec![naos_sandbox::SEGMENT_VERSION];
    postcard::to_extend(std::slice::from_ref(call), head).expect("encodes")
}

#[test]
fn a_refusal_stays_a_refusal_when_the_manifest_changes() {
    let body = "(call $ask.person (local.get $ptr) (local.get $len)
        (i32.const 0) (i32.const 0) (i32.const 1024))
      (call $finish (i32.const 1024) (i32.load (i32.const 1032)) (i32.load (i32.const 1036)))";
    let sandbox = sandbox();
    let agent = sandbox
        .compile(&component(&["ask.person"], body, ""))
        .expect("compiles");
    let nothing = Arc::new(naos_sandbox::Grants::default());
    let first = sandbox.run(
        &agent,
        Run {
            grants: nothing,
            ..run("ship?")
        },
        MapHost::default(),
    );
    let mut recording = Recording::new();
    recording
        .push_segment(&first.segment.expect("recorded").bytes)
        .expect("in order");
    let second = sandbox.run(
        &agent,
        Run {
            recording,
            ..run("ship?")
        },
        MapHost::default(),
    );
    assert_eq!(second.ended, first.ended);
    assert!(second.host.gated.is_empty());
}

#[test]
fn a_long_recording_spans_segments() {
    // As many lines as the input has letters, then one event.
    let body = "(loop $line
        (call $log.write (i32.const 1) (i32.const 110) (i32.const 9))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $line (i32.lt_u (local.get $i) (local.get $len))))
      (call $events.emit (i32.const 110) (i32.const 9) (i32.const 120) (i32.const 2)
        (i32.const 1024))
      (call $finish (i32.const 1024) (i32.load (i32.const 1032)) (i32.load (i32.const 1036)))";
    let data = "(data (i32.const 110) \"step.done\") (data (i32.const 120) \"{}\")";
    let sandbox = sandbox();
    let agent = component(&["log.write", "events.emit"], body, data);
    let agent = sandbox.compile(&agent).expect("compiles");
    let input = "x".repeat(600);
    let disk: Arc<Mutex<Disk>> = Arc::default();
    let host = Mortal {
        kill: Some((600, Kill::BeforeEffect)),
        ..Mortal::new(&disk)
    };
    let first = sandbox.run(&agent, run(&input), host);
    assert_eq!(first.ended, Ended::HostFailed("killed".into()));
    let (segments, recording) = {
        let disk = disk.lock().expect("disk");
        (disk.journal.len(), disk.recording())
    };
    assert_eq!((segments, recording.len()), (3, 600));
    let second = sandbox.run(
        &agent,
        Run {
            recording,
            ..run(&input)
        },
        Mortal::new(&disk),
    );
    assert_eq!(second.ended, Ended::Completed("events:600;".into()));
    assert_eq!((second.host.inner.log.len(), second.calls), (0, 601));
}

#[test]
fn a_recording_longer_than_the_limit_is_still_replayed() {
    let sandbox = sandbox();
    let agent = sandbox.compile(&worker()).expect("compiles");
    let recording = recorded(&sandbox);
    let mut tight = run("");
    tight.limits.calls_max = 5;
    tight.limits.log_lines_max = 1;
    tight.limits.log_bytes_max = 1;
    let report = sandbox.run(&agent, Run { recording, ..tight }, MapHost::default());
    assert_eq!(report.ended, undisturbed(&sandbox, &agent).ended);
}
