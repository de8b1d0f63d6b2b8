//! What each ability gives, refuses and hands to the host.

use crate::support::{MapHost, component, echo, friendly, grants, once, run, sandbox};
use naos_sandbox::{
    AbilityError, Document, Ended, Gate, GatedAnswer, GatedRequest, Grants, HostError, LogLevel,
};
use std::sync::Arc;

fn completed(text: &str) -> Ended {
    Ended::Completed(text.into())
}

fn failed(text: &str) -> Ended {
    Ended::Failed(text.into())
}

const GET: &str = "(call $state.get (local.get $ptr) (local.get $len) (i32.const 1024))
  (call $finish (i32.const 1024) (i32.load (i32.const 1036)) (i32.load (i32.const 1040)))";
const SEND: &str =
    "(call $http.send (i32.const 100) (i32.const 3) (local.get $ptr) (local.get $len)
    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1024))
  (call $finish (i32.const 1024) (i32.load (i32.const 1044)) (i32.load (i32.const 1048)))";
const GET_METHOD: &str = "(data (i32.const 100) \"GET\")";
const EMIT: &str = "(call $events.emit (local.get $ptr) (local.get $len)
    (i32.const 100) (i32.const 7) (i32.const 1024))
  (call $finish (i32.const 1024) (i32.load (i32.const 1032)) (i32.load (i32.const 1036)))";
const EMIT_DATA: &str = "(data (i32.const 100) \"{\\\"a\\\":1}\")";
const READ: &str = "(call $context.read (local.get $ptr) (local.get $len) (i32.const 1024))
  (call $finish (i32.const 1024) (i32.load (i32.const 1048)) (i32.load (i32.const 1052)))";
const ASK: &str = "(call $ask.person (local.get $ptr) (local.get $len)
    (i32.const 0) (i32.const 0) (i32.const 1024))
  (call $finish (i32.const 1024) (i32.load (i32.const 1032)) (i32.load (i32.const 1036)))";

#[test]
fn echo_returns_its_input() {
    for input in ["", "hello", "é\u{0}\n", &"x".repeat(1 << 20)] {
        let report = once(&echo(), run(input));
        assert_eq!(report.ended, completed(input));
        assert_eq!((report.calls, report.segment), (0, None));
        assert!(report.fuel_used > 0);
    }
}

#[test]
fn a_guest_may_fail_and_may_trap() {
    let fails = component(
        &[],
        "(call $return (i32.const 1) (local.get $ptr) (local.get $len))",
        "",
    );
    assert_eq!(
        once(&fails, run("no such client")).ended,
        failed("no such client")
    );
    let traps = component(&[], "unreachable", "");
    let Ended::Trapped { message } = once(&traps, run("")).ended else {
        panic!("traps")
    };
    assert!(message.contains("unreachable"), "{message}");
    let not_text = component(
        &[],
        "(i32.store8 (i32.const 99) (i32.const 0xff))
        (call $ok (i32.const 99) (i32.const 1))",
        "",
    );
    let Ended::Trapped { message } = once(&not_text, run("")).ended else {
        panic!("traps")
    };
    assert!(message.contains("utf-8"), "{message}");
    let outside = component(&[], "(call $ok (i32.const 0x10000) (i32.const 1))", "");
    let Ended::Trapped { message } = once(&outside, run("")).ended else {
        panic!("traps")
    };
    assert!(message.contains("out of bounds"), "{message}");
}

#[test]
fn the_output_is_read_before_the_guest_frees_it() {
    let frees = "(func (export \"cabi_post_handle\") (param $area i32)
      (memory.fill (i32.load offset=4 (local.get $area)) (i32.const 0x2d) (i32.const 4))
      (i32.store offset=8 (local.get $area) (i32.const 1)))";
    let agent = component(&[], "(call $ok (local.get $ptr) (local.get $len))", frees);
    assert_eq!(once(&agent, run("whole")).ended, completed("whole"));
    let traps = "(func (export \"cabi_post_handle\") (param i32) unreachable)";
    let agent = component(&[], "(call $ok (local.get $ptr) (local.get $len))", traps);
    let ended = once(&agent, run("whole")).ended;
    assert!(matches!(ended, Ended::Trapped { .. }), "{ended:?}");
}

#[test]
fn log_lines_are_clean_and_recorded() {
    let body = "(call $log.write (i32.const 2) (local.get $ptr) (local.get $len))
      (call $ok (i32.const 0) (i32.const 0))";
    let report = once(
        &component(&["log.write"], body, ""),
        run("\u{1b}[31mred\u{1b}[0m\nnext"),
    );
    assert_eq!(report.ended, completed(""));
    let lines = [
        (LogLevel::Warn, "red".to_owned()),
        (LogLevel::Warn, "next".to_owned()),
    ];
    assert_eq!(report.host.log, lines);
    let segment = report.segment.expect("one recorded call");
    assert_eq!((report.calls, segment.first, segment.calls), (1, 0, 1));
}

#[test]
fn an_enum_out_of_range_is_a_trap() {
    let body = "(call $log.write (i32.const 9) (local.get $ptr) (local.get $len)) unreachable";
    let report = once(&component(&["log.write"], body, ""), run("x"));
    assert!(
        matches!(report.ended, Ended::Trapped { .. }),
        "{:?}",
        report.ended
    );
    assert!(report.host.log.is_empty());
}

#[test]
fn state_is_written_and_read() {
    let body = "(call $state.set (local.get $ptr) (local.get $len)
        (i32.const 100) (i32.const 5) (i32.const 1024))
      (call $state.get (local.get $ptr) (local.get $len) (i32.const 1024))
      (call $finish (i32.const 1024) (i32.load (i32.const 1036)) (i32.load (i32.const 1040)))";
    let agent = component(
        &["state.set", "state.get"],
        body,
        "(data (i32.const 100) \"value\")",
    );
    let report = once(&agent, run("key"));
    assert_eq!(report.ended, completed("value"));
    assert_eq!(report.host.state["key"], b"value");
    assert_eq!(report.calls, 2);
}

#[test]
fn state_keys_are_sorted_and_deleted() {
    // Deletes the key that is the input, returns the first of the rest.
    let body = "(call $state.delete (local.get $ptr) (local.get $len) (i32.const 1024))
      (call $state.keys (i32.const 1024))
      (local.set $i (i32.load (i32.const 1032)))
      (call $finish (i32.const 1024) (i32.load (local.get $i)) (i32.load offset=4 (local.get $i)))";
    let sandbox = sandbox();
    let agent = component(&["state.delete", "state.keys"], body, "");
    let agent = sandbox.compile(&agent).expect("compiles");
    let mut host = MapHost::default();
    for key in ["a", "b", "c"] {
        host.state.insert(key.into(), vec![]);
    }
    let report = sandbox.run(&agent, run("a"), host);
    assert_eq!(report.ended, completed("b"));
    assert_eq!(report.host.state.len(), 2);
}

#[test]
fn bad_keys_are_invalid() {
    let agent = component(&["state.get"], GET, "");
    for key in ["", "a\nb", &"k".repeat(257)] {
        let report = once(&agent, run(key));
        let Ended::Failed(why) = report.ended else {
            panic!("{key:.20} {:?}", report.ended)
        };
        assert!(why.starts_with("I key of the state"), "{why}");
    }
}

#[test]
fn documents_are_versioned() {
    let sandbox = sandbox();
    let read = sandbox
        .compile(&component(&["context.read"], READ, ""))
        .expect("compiles");
    assert_eq!(
        sandbox
            .run(&read, run("notes/a.md"), MapHost::default())
            .ended,
        failed("not-found")
    );
    // Writes the input to notes/x, expecting that it does not exist; returns the error, if any.
    let write = "(call $context.write (i32.const 100) (i32.const 7) (local.get $ptr)
        (local.get $len) (i32.const 1) (i64.const 0) (i32.const 1024))
      (call $finish (i32.const 1024) (local.get $ptr) (local.get $len))";
    let write = component(
        &["context.write"],
        write,
        "(data (i32.const 100) \"notes/x\")",
    );
    let write = sandbox.compile(&write).expect("compiles");
    let first = sandbox.run(&write, run("one"), MapHost::default());
    assert_eq!(first.ended, completed("one"));
    let second = sandbox.run(&write, run("two"), first.host);
    assert_eq!(second.ended, failed("conflict 1"));
    let third = sandbox.run(&read, run("notes/x"), second.host);
    assert_eq!(third.ended, completed("one"));
}

#[test]
fn who_an_agent_is_and_what_it_remembers_is_closed_whatever_is_granted() {
    // Writes the input to where the input says; returns why not, or the input.
    let write = "(call $context.write (local.get $ptr) (local.get $len) (local.get $ptr)
        (local.get $len) (i32.const 0) (i64.const 0) (i32.const 1024))
      (call $finish (i32.const 1024) (local.get $ptr) (local.get $len))";
    let agent = component(&["context.write"], write, "");
    let may = |path: &str| {
        let mut asked = run(path);
        asked.grants = Arc::new(Grants {
            context_write: vec!["**".into()],
            ..grants()
        });
        once(&agent, asked).ended
    };
    for path in [
        "agents/fury/SOUL.md",
        "agents/fury/\u{17f}OUL.md",
        "agents/fury/SOUL\u{200b}.md",
        "agents/fury/MEMORY.md",
        "agents/fury/CORRECTIONS.md ",
        "agents/fury/WORKING.md",
        "agents/fury/memory/2026-11-30.md",
        "crew/fury/memory/facts.jsonl",
    ] {
        let Ended::Failed(why) = may(path) else {
            panic!("{path} is written")
        };
        assert!(why.contains("people write it"), "{path}: {why}");
    }
    for path in ["agents/fury/notes/x.md", "notes/a.md"] {
        assert_eq!(may(path), completed(path));
    }
}

#[test]
fn a_listing_shows_what_may_be_read_in_order() {
    // Joins nothing: returns the path of entry number (length of the input).
    let body = "(call $context.list (i32.const 0) (i32.const 0) (i32.const 1024))
      (if (i32.ge_u (local.get $len) (i32.load (i32.const 1036)))
        (then (return (call $ok (i32.const 0) (i32.const 0)))))
      (local.set $i (i32.add (i32.load (i32.const 1032))
        (i32.mul (local.get $len) (i32.const 24))))
      (call $finish (i32.const 1024) (i32.load (local.get $i)) (i32.load offset=4 (local.get $i)))";
    let sandbox = sandbox();
    let agent = sandbox
        .compile(&component(&["context.list"], body, ""))
        .expect("compiles");
    for (input, expected) in [("", "notes/a"), ("1", "notes/b"), ("12", "")] {
        let mut host = MapHost::default();
        for path in ["notes/b", "notes/a", "secret/c"] {
            let document = Document {
                path: path.into(),
                version: 1,
                text: "t".into(),
            };
            host.documents.insert(path.into(), document);
        }
        assert_eq!(
            sandbox.run(&agent, run(input), host).ended,
            completed(expected)
        );
    }
}

#[test]
fn http_passes_the_gate() {
    let report = once(
        &component(&["http.send"], SEND, GET_METHOD),
        run("https://api.example.com/x"),
    );
    assert_eq!(report.ended, completed("http:0;"));
    let [call] = &report.host.gated[..] else {
        panic!("one call")
    };
    let GatedRequest::Http(request) = &call.request else {
        panic!("http")
    };
    assert_eq!(
        (request.method.as_str(), request.url.as_str()),
        ("GET", "https://api.example.com/x")
    );
    assert_eq!(report.segment, None, "the host keeps what it answered");
}

#[test]
fn what_is_not_granted_is_denied_with_the_line_that_would_allow_it() {
    let sandbox = sandbox();
    let nothing = Arc::new(Grants {
        agent: "fetcher".into(),
        ..Grants::default()
    });
    for (imports, body, rest, input, line) in [
        (
            &["http.send"],
            SEND,
            GET_METHOD,
            "https://evil.example:8443/x",
            "add \"evil.example:8443\" to agents.fetcher.sandbox.allowed_hosts",
        ),
        (
            &["state.get"],
            GET,
            "",
            "key",
            "set agents.fetcher.sandbox.state to true",
        ),
        (
            &["context.read"],
            READ,
            "",
            "notes/a.md",
            "add \"notes/a.md\" to agents.fetcher.sandbox.context_read",
        ),
        (
            &["events.emit"],
            EMIT,
            EMIT_DATA,
            "step.done",
            "add \"step.done\" to agents.fetcher.sandbox.emit",
        ),
        (
            &["ask.person"],
            ASK,
            "",
            "ship it?",
            "set agents.fetcher.sandbox.ask to true",
        ),
    ] {
        let agent = sandbox
            .compile(&component(imports, body, rest))
            .expect("compiles");
        let denied = run(input);
        let denied = naos_sandbox::Run {
            grants: Arc::clone(&nothing),
            ..denied
        };
        let report = sandbox.run(&agent, denied, MapHost::default());
        let Ended::Failed(why) = report.ended else {
            panic!("{imports:?} {:?}", report.ended)
        };
        assert!(why.starts_with("Dhe manifest does not grant"), "{why}");
        assert!(why.ends_with(line), "{why}");
        assert!(report.host.gated.is_empty());
        assert_eq!(report.segment.expect("a refusal is recorded").calls, 1);
    }
}

#[test]
fn malformed_requests_are_invalid() {
    let sandbox = sandbox();
    for (imports, body, rest, input, expected) in [
        (
            &["http.send"],
            SEND,
            GET_METHOD,
            "file:///etc/passwd",
            "starts with http:// or https://",
        ),
        (
            &["http.send"],
            SEND,
            "(data (i32.const 100) \"get\")",
            "https://api.example.com",
            "method is one of GET",
        ),
        (
            &["events.emit"],
            EMIT,
            EMIT_DATA,
            "Step Done",
            "event's kind is words",
        ),
        (
            &["events.emit"],
            EMIT,
            "(data (i32.const 100) \"{notjs}\")",
            "step.done",
            "not JSON",
        ),
        (&["ask.person"], ASK, "", " ", "question has 1 to"),
        (
            &["context.read"],
            READ,
            "",
            "notes/../secret",
            "path must not",
        ),
    ] {
        let agent = sandbox
            .compile(&component(imports, body, rest))
            .expect("compiles");
        let report = sandbox.run(&agent, run(input), MapHost::default());
        let Ended::Failed(why) = report.ended else {
            panic!("{input} {:?}", report.ended)
        };
        assert!(why.starts_with('I') && why.contains(expected), "{why}");
        assert!(report.host.gated.is_empty());
    }
}

#[test]
fn silent_abilities_are_refused_at_load() {
    let sandbox = sandbox();
    for (import, call, line) in [
        (
            "log.write",
            "(call $log.write (i32.const 1) (local.get $ptr) (local.get $len))",
            "set agents.fetcher.sandbox.log to true",
        ),
        (
            "clock.now",
            "(drop (call $clock.now))",
            "set agents.fetcher.sandbox.clock to true",
        ),
        (
            "random.next",
            "(drop (call $random.next))",
            "set agents.fetcher.sandbox.random to true",
        ),
    ] {
        let body = format!("{call} (call $ok (i32.const 0) (i32.const 0))");
        let agent = sandbox
            .compile(&component(&[import], &body, ""))
            .expect("compiles");
        let nothing = Grants {
            agent: "fetcher".into(),
            ..Grants::default()
        };
        let refused = agent.admit(&nothing).expect_err(import).to_string();
        assert!(refused.ends_with(line), "{refused}");
        let unfit = naos_sandbox::Run {
            grants: Arc::new(nothing),
            ..run("x")
        };
        let report = sandbox.run(&agent, unfit, MapHost::default());
        assert_eq!(report.ended, Ended::Refused(refused));
        assert_eq!(agent.admit(&grants()), Ok(()));
        assert_eq!(
            sandbox.run(&agent, run("x"), MapHost::default()).ended,
            completed("")
        );
    }
}

#[test]
fn the_clock_moves_with_durable_outcomes_only() {
    // (now - 1000) before and behind one event, as two bytes.
    let body = "(i64.store8 (i32.const 200)
        (i64.add (i64.const 48) (i64.sub (call $clock.now) (i64.const 1000))))
      (call $events.emit (local.get $ptr) (local.get $len)
        (i32.const 100) (i32.const 7) (i32.const 1024))
      (i64.store8 (i32.const 201)
        (i64.add (i64.const 48) (i64.sub (call $clock.now) (i64.const 2000))))
      (call $ok (i32.const 200) (i32.const 2))";
    let agent = component(&["clock.now", "events.emit"], body, EMIT_DATA);
    let report = once(&agent, run("step.done"));
    assert_eq!(report.ended, completed("00"));
    assert_eq!(report.calls, 1, "the clock is not recorded");
}

#[test]
fn a_host_that_cannot_answer_ends_the_run() {
    let sandbox = sandbox();
    let agent = sandbox
        .compile(&component(&["ask.person"], ASK, ""))
        .expect("compiles");
    for (gate, expected) in [
        (
            Err(HostError::Failed("disk full".into())),
            Ended::HostFailed("disk full".into()),
        ),
        (Err(HostError::Cancelled), Ended::Cancelled),
        (Ok(Gate::Suspend), Ended::Suspended { at_call: 0 }),
        (
            Ok(Gate::Answered {
                answer: GatedAnswer::Emit(Ok("x".into())),
                now_ms: 1,
            }),
            Ended::HostFailed("a call was answered with the outcome of events".into()),
        ),
        (
            Ok(Gate::Answered {
                answer: GatedAnswer::Ask(Err(AbilityError::Unknown("who knows".into()))),
                now_ms: 1,
            }),
            failed("Uho knows"),
        ),
        (
            Ok(Gate::Answered {
                answer: GatedAnswer::Ask(Err(AbilityError::Failed("nobody there".into()))),
                now_ms: 1,
            }),
            failed("Fobody there"),
        ),
    ] {
        let host = MapHost::with_gate(move |_| gate.clone());
        assert_eq!(sandbox.run(&agent, run("ship it?"), host).ended, expected);
    }
}

#[test]
fn a_panicking_host_leaves_the_sandbox_whole() {
    let sandbox = sandbox();
    let agent = sandbox
        .compile(&component(&["ask.person"], ASK, ""))
        .expect("compiles");
    let broken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        sandbox.run(
            &agent,
            run("ship it?"),
            MapHost::with_gate(|_| panic!("a bug in the host")),
        )
    }));
    assert!(broken.is_err());
    let host = MapHost::with_gate(|call| {
        Ok(Gate::Answered {
            answer: friendly(call),
            now_ms: 1,
        })
    });
    assert_eq!(
        sandbox.run(&agent, run("ship it?"), host).ended,
        completed("ask:0;")
    );
}
