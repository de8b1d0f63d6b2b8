//! Each limit, with an agent that tries to exceed it.

use crate::support::{MapHost, component, echo, friendly, once, run, sandbox};
use naos_sandbox::{
    CancelToken, Config, Ended, Gate, HostError, Limit, Limits, Run, Sandbox, Ticking,
};
use std::collections::BTreeSet;
use std::sync::Arc;

fn limited(input: &str, change: impl FnOnce(&mut Limits)) -> Run {
    let mut run = run(input);
    change(&mut run.limits);
    run
}

fn stopped_by(component: &[u8], run: Run, expected: Limit) -> u32 {
    match once(component, run).ended {
        Ended::Stopped { limit, at_call, .. } if limit == expected => at_call,
        other => panic!("expected {expected}: {other:?}"),
    }
}

const SPIN: &str = "(loop $forever (br $forever)) unreachable";

#[test]
fn limits_have_their_own_names() {
    let names: BTreeSet<_> = Limit::ALL.iter().map(|limit| limit.as_str()).collect();
    assert_eq!(names.len(), Limit::ALL.len());
}

#[test]
fn fuel() {
    let spin = component(&[], SPIN, "");
    let report = once(&spin, limited("", |limits| limits.fuel_max = 100_000));
    assert!(matches!(
        report.ended,
        Ended::Stopped {
            limit: Limit::Fuel,
            at_call: 0,
            ..
        }
    ));
    assert!(report.fuel_used >= 99_000, "{}", report.fuel_used);
    // An instance is started on the same fuel.
    let start = component(
        &[],
        "unreachable",
        "(func $start (loop $l (br $l))) (start $start)",
    );
    stopped_by(
        &start,
        limited("", |limits| limits.fuel_max = 100_000),
        Limit::Fuel,
    );
}

#[test]
fn memory_bytes() {
    let grow = "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
      unreachable";
    let at_once = "(drop (memory.grow (i32.const 65535))) unreachable";
    for body in [grow, at_once] {
        let agent = component(&[], body, "");
        let run = limited("", |limits| limits.memory_bytes_max = 4 << 20);
        stopped_by(&agent, run, Limit::MemoryBytes);
    }
    // One page to begin with is too much.
    let run = limited("", |limits| limits.memory_bytes_max = 65_535);
    stopped_by(&echo(), run, Limit::MemoryBytes);
    // Many memories count together.
    let many = "(memory 20) (memory 20) (memory 20)";
    let run = limited("", |limits| limits.memory_bytes_max = 50 * 65_536);
    stopped_by(
        &component(&[], "unreachable", many),
        run,
        Limit::MemoryBytes,
    );
    // An input that its memory cannot hold.
    let run = limited(&"x".repeat(1 << 20), |limits| {
        limits.memory_bytes_max = 1 << 20;
    });
    stopped_by(&echo(), run, Limit::MemoryBytes);
}

#[test]
fn a_modules_own_bound_is_its_own_affair() {
    let body = "(if (i32.ne (memory.grow 1 (i32.const 5)) (i32.const -1)) (then unreachable))
      (call $ok (local.get $ptr) (local.get $len))";
    let report = once(&component(&[], body, "(memory 1 3)"), run("fine"));
    assert_eq!(report.ended, Ended::Completed("fine".into()));
}

#[test]
fn table_elements() {
    let grow = "(drop (table.grow $t (ref.null func) (i32.const 1000))) unreachable";
    let run = || limited("", |limits| limits.table_elements_max = 500);
    stopped_by(
        &component(&[], grow, "(table $t 1 funcref)"),
        run(),
        Limit::TableElements,
    );
    stopped_by(
        &component(&[], grow, "(table $t 501 funcref)"),
        run(),
        Limit::TableElements,
    );
    let two = "(table $t 300 funcref) (table 300 funcref)";
    stopped_by(&component(&[], grow, two), run(), Limit::TableElements);
}

fn with_instances(count: usize) -> Vec<u8> {
    let mut text = String::from("(component (core module $empty)\n");
    for _ in 0..count {
        text += "(core instance (instantiate $empty))\n";
    }
    text += r#"(core module $m (memory (export "m") 1)
        (func (export "r") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
        (func (export "h") (param i32 i32) (result i32) (i32.const 0)))
      (core instance $i (instantiate $m))
      (func (export "handle") (param "input" string) (result (result string (error string)))
        (canon lift (core func $i "h") (memory $i "m") (realloc (func $i "r")))))"#;
    wat::parse_str(&text).expect("wat")
}

#[test]
fn instances() {
    let run = || limited("", |limits| limits.instances_max = 20);
    assert_eq!(
        once(&with_instances(10), run()).ended,
        Ended::Completed(String::new())
    );
    stopped_by(&with_instances(20), run(), Limit::Instances);
    let memories = "(memory 0) ".repeat(30);
    stopped_by(
        &component(&[], "unreachable", &memories),
        run(),
        Limit::Instances,
    );
}

#[test]
fn stack_bytes() {
    let deep = component(&[], "(call $deep) unreachable", "(func $deep (call $deep))");
    stopped_by(&deep, run(""), Limit::StackBytes);
}

#[test]
fn input_bytes() {
    let run = limited("12345", |limits| limits.input_bytes_max = 4);
    stopped_by(&echo(), run, Limit::InputBytes);
}

#[test]
fn output_bytes() {
    for tag in [0, 1] {
        let body = format!("(call $return (i32.const {tag}) (local.get $ptr) (local.get $len))");
        let agent = component(&[], &body, "");
        let run = |input| limited(input, |limits| limits.output_bytes_max = 4);
        stopped_by(&agent, run("12345"), Limit::OutputBytes);
        assert!(!matches!(
            once(&agent, run("1234")).ended,
            Ended::Stopped { .. }
        ));
    }
}

#[test]
fn an_output_of_a_gigabyte_is_never_copied() {
    let body = "(drop (memory.grow (i32.const 16384)))
      (call $ok (i32.const 8192) (i32.const 0x40000000))";
    let agent = component(&[], body, "");
    // It has no such memory.
    stopped_by(&agent, run(""), Limit::MemoryBytes);
    // It has.
    let generous = limited("", |limits| limits.memory_bytes_max = 2 << 30);
    stopped_by(&agent, generous, Limit::CallBytes);
}

const LOG_FOREVER: &str = "(loop $forever
  (call $log.write (i32.const 1) (local.get $ptr) (local.get $len)) (br $forever)) unreachable";

#[test]
fn log_lines_and_bytes() {
    let agent = component(&["log.write"], LOG_FOREVER, "");
    let lines = |input| limited(input, |limits| limits.log_lines_max = 5);
    assert_eq!(stopped_by(&agent, lines("one line"), Limit::LogLines), 5);
    assert_eq!(stopped_by(&agent, lines("two\nlines"), Limit::LogLines), 2);
    let bytes = limited("1234", |limits| limits.log_bytes_max = 10);
    assert_eq!(stopped_by(&agent, bytes, Limit::LogBytes), 2);
}

#[test]
fn calls() {
    let agent = component(&["log.write"], LOG_FOREVER, "");
    let sandbox = sandbox();
    let agent = sandbox.compile(&agent).expect("compiles");
    let run = limited("x", |limits| limits.calls_max = 600);
    let report = sandbox.run(&agent, run, MapHost::default());
    assert!(matches!(
        report.ended,
        Ended::Stopped {
            limit: Limit::Calls,
            at_call: 600,
            ..
        }
    ));
    let kept: Vec<_> = report
        .host
        .segments
        .iter()
        .map(|segment| segment.calls)
        .collect();
    assert_eq!(kept, [256, 256]);
    assert_eq!(report.segment.expect("the rest").calls, 88);
}

/// Sends the input as a body.
const POST: &str = "(call $http.send (i32.const 100) (i32.const 4) (i32.const 110) (i32.const 23)
    (i32.const 0) (i32.const 0) (local.get $ptr) (local.get $len) (i32.const 1024))
  (call $finish (i32.const 1024) (i32.load (i32.const 1044)) (i32.load (i32.const 1048)))";
const POST_DATA: &str =
    "(data (i32.const 100) \"POST\") (data (i32.const 110) \"https://api.example.com\")";

#[test]
fn http_body_bytes() {
    let agent = component(&["http.send"], POST, POST_DATA);
    let run = |input| limited(input, |limits| limits.http_body_bytes_max = 4);
    stopped_by(&agent, run("12345"), Limit::HttpBodyBytes);
    assert_eq!(
        once(&agent, run("1234")).ended,
        Ended::Completed("http:0;".into())
    );
}

#[test]
fn answer_bytes() {
    let agent = component(&["http.send"], POST, POST_DATA);
    let run = limited("", |limits| limits.answer_bytes_max = 4);
    stopped_by(&agent, run, Limit::AnswerBytes);
}

#[test]
fn call_bytes_count_every_copy() {
    // 1000 headers whose names are all the same 8 KiB: eight megabytes out of one page.
    let body = "(loop $fill
        (i32.store (i32.add (i32.const 0x10000) (i32.mul (local.get $i) (i32.const 16)))
          (i32.const 16))
        (i32.store (i32.add (i32.const 0x10004) (i32.mul (local.get $i) (i32.const 16)))
          (i32.const 8192))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $fill (i32.lt_u (local.get $i) (i32.const 1000))))
      (call $http.send (i32.const 100) (i32.const 4) (i32.const 110) (i32.const 23)
        (i32.const 0x10000) (i32.const 1000) (i32.const 0) (i32.const 0) (i32.const 1024))
      unreachable";
    let start = "(func $start (drop (memory.grow (i32.const 4)))) (start $start)";
    let agent = component(&["http.send"], body, &format!("{POST_DATA} {start}"));
    let four_megabytes = Limits::default().call_bytes_max();
    assert!(four_megabytes < 8 << 20);
    stopped_by(&agent, run(""), Limit::CallBytes);
}

#[test]
fn state_document_and_event_bytes() {
    let set = "(call $state.set (i32.const 32) (i32.const 9) (local.get $ptr) (local.get $len)
      (i32.const 1024)) (call $finish (i32.const 1024) (local.get $ptr) (local.get $len))";
    let write = "(call $context.write (i32.const 100) (i32.const 7) (local.get $ptr)
        (local.get $len) (i32.const 0) (i64.const 0) (i32.const 1024))
      (call $finish (i32.const 1024) (local.get $ptr) (local.get $len))";
    let emit = "(call $events.emit (i32.const 100) (i32.const 7) (local.get $ptr) (local.get $len)
      (i32.const 1024)) (call $finish (i32.const 1024) (local.get $ptr) (local.get $len))";
    for (import, body, data, limit) in [
        ("state.set", set, "", Limit::StateBytes),
        (
            "context.write",
            write,
            "(data (i32.const 100) \"notes/a\")",
            Limit::DocumentBytes,
        ),
        (
            "events.emit",
            emit,
            "(data (i32.const 100) \"step.on\")",
            Limit::EventBytes,
        ),
    ] {
        let agent = component(&[import], body, data);
        let run = |input| {
            limited(input, |limits| {
                limits.state_value_bytes_max = 4;
                limits.document_bytes_max = 4;
                limits.event_bytes_max = 4;
            })
        };
        stopped_by(&agent, run("12345"), limit);
        assert_eq!(
            once(&agent, run("1234")).ended,
            Ended::Completed("1234".into())
        );
    }
}

#[test]
fn a_limit_of_the_host_stops_too() {
    let agent = component(&["http.send"], POST, POST_DATA);
    let sandbox = sandbox();
    let agent = sandbox.compile(&agent).expect("compiles");
    let host = MapHost::with_gate(|_| Err(HostError::Limit(Limit::StateBytes, "full".into())));
    let report = sandbox.run(&agent, run(""), host);
    let detail = "full".to_owned();
    assert_eq!(
        report.ended,
        Ended::Stopped {
            limit: Limit::StateBytes,
            at_call: 0,
            detail
        }
    );
}

#[test]
fn the_deadline_by_the_real_ticker() {
    let sandbox = Sandbox::new(&Config {
        ticking: Ticking::EveryMs(1),
    })
    .expect("sandbox");
    let agent = sandbox
        .compile(&component(&[], SPIN, ""))
        .expect("compiles");
    let run = limited("", |limits| {
        limits.deadline_ms = 20;
        limits.fuel_max = u64::MAX;
    });
    let report = sandbox.run(&agent, run, MapHost::default());
    assert!(matches!(
        report.ended,
        Ended::Stopped {
            limit: Limit::Deadline,
            ..
        }
    ));
}

#[test]
fn one_runs_deadline_does_not_touch_another() {
    let sandbox = sandbox();
    let agent = sandbox
        .compile(&component(&[], SPIN, ""))
        .expect("compiles");
    let spin = |deadline_ms| {
        limited("", |limits| {
            limits.deadline_ms = deadline_ms;
            limits.fuel_max = u64::MAX;
        })
    };
    let cancel = CancelToken::new();
    std::thread::scope(|scope| {
        let patient = Run {
            cancel: cancel.clone(),
            ..spin(u64::MAX)
        };
        let patient = scope.spawn(|| sandbox.run(&agent, patient, MapHost::default()).ended);
        let hasty = scope.spawn(|| sandbox.run(&agent, spin(5), MapHost::default()).ended);
        while !hasty.is_finished() {
            sandbox.tick();
            std::thread::yield_now();
        }
        let hasty = hasty.join().expect("no panic");
        assert!(
            matches!(
                hasty,
                Ended::Stopped {
                    limit: Limit::Deadline,
                    ..
                }
            ),
            "{hasty:?}"
        );
        assert!(!patient.is_finished(), "it goes on");
        cancel.cancel();
        while !patient.is_finished() {
            sandbox.tick();
            std::thread::yield_now();
        }
        assert_eq!(patient.join().expect("no panic"), Ended::Cancelled);
    });
}

#[test]
fn waiting_at_the_gate_does_not_count() {
    let sandbox = Arc::new(sandbox());
    let agent = sandbox
        .compile(&component(&["http.send"], POST, POST_DATA))
        .expect("compiles");
    let clock = Arc::clone(&sandbox);
    let host = MapHost::with_gate(move |call| {
        (0..1000).for_each(|_| clock.tick());
        Ok(Gate::Answered {
            answer: friendly(call),
            now_ms: 1,
        })
    });
    let run = limited("", |limits| limits.deadline_ms = 5);
    assert_eq!(
        sandbox.run(&agent, run, host).ended,
        Ended::Completed("http:0;".into())
    );
}

#[test]
fn a_cancelled_run_does_not_start() {
    let run = run("hi");
    run.cancel.cancel();
    assert_eq!(once(&echo(), run).ended, Ended::Cancelled);
}
