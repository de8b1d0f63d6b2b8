//! The same component, seed, time and answers give the same run.

use crate::support::{MapHost, component, once, run, sandbox};
use naos_sandbox::{Ended, Run, limits::RANDOM_BYTES_MAX};

/// Draws bytes and numbers; returns them as letters.
fn dice() -> Vec<u8> {
    let body = "(call $random.bytes (i32.const 40) (i32.const 1024))
      (local.set $i (i32.load (i32.const 1024)))
      (i64.store offset=40 (local.get $i) (call $random.next))
      (loop $letters
        (i32.store8 (i32.add (local.get $i) (local.get $n)) (i32.add (i32.const 97)
          (i32.and (i32.const 15) (i32.load8_u (i32.add (local.get $i) (local.get $n))))))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $letters (i32.lt_u (local.get $n) (i32.const 48))))
      (call $ok (local.get $i) (i32.const 48))";
    component(&["random.bytes", "random.next"], body, "")
}

#[test]
fn the_same_seed_gives_the_same_run_and_fuel() {
    let agent = dice();
    let (one, two) = (once(&agent, run("")), once(&agent, run("")));
    let other = once(
        &agent,
        Run {
            seed: [8; 32],
            ..run("")
        },
    );
    assert!(matches!(&one.ended, Ended::Completed(text) if text.len() == 48));
    assert_eq!((&one.ended, one.fuel_used), (&two.ended, two.fuel_used));
    assert_ne!(one.ended, other.ended);
    assert_eq!(one.calls, 0, "dice are not recorded");
}

#[test]
fn too_many_random_bytes_at_once_stop_the_run() {
    let body = format!(
        "(call $random.bytes (i32.const {}) (i32.const 1024)) unreachable",
        RANDOM_BYTES_MAX + 1
    );
    let Ended::Stopped { limit, .. } =
        once(&component(&["random.bytes"], &body, ""), run("")).ended
    else {
        panic!("stops")
    };
    assert_eq!(limit, naos_sandbox::Limit::RandomBytes);
}

#[test]
fn a_nan_has_one_bit_pattern() {
    let body = "(i32.store (i32.const 100) (i32.reinterpret_f32 (f32.add
        (f32.const nan:0x200001) (f32.const 1))))
      (if (i32.ne (i32.load (i32.const 100)) (i32.const 0x7fc00000)) (then unreachable))
      (call $ok (local.get $ptr) (local.get $len))";
    assert_eq!(
        once(&component(&[], body, ""), run("same")).ended,
        Ended::Completed("same".into())
    );
}

#[test]
fn what_could_tell_two_machines_apart_is_refused() {
    let sandbox = sandbox();
    for (name, core) in [
        ("threads", "(module (memory 1 1 shared))"),
        ("memory64", "(module (memory i64 1))"),
        ("exceptions", "(module (tag))"),
        ("gc", "(module (type (struct (field i32))))"),
    ] {
        let text = format!("(component (core module {}", &core["(module".len()..]) + ")";
        let bytes = wat::parse_str(&text).expect(name);
        let error = sandbox.compile(&bytes).expect_err(name).to_string();
        assert!(
            error.starts_with("compiling a component: it is not valid"),
            "{name}: {error}"
        );
    }
}

#[test]
fn one_agent_runs_twice_without_a_trace() {
    // Counts its runs in its memory: always 1, because every run has its own.
    let body = "(i32.store8 (i32.const 300) (i32.add (i32.const 1) (i32.load8_u (i32.const 300))))
      (call $ok (i32.const 300) (i32.const 1))";
    let sandbox = sandbox();
    let agent = sandbox
        .compile(&component(&[], body, "(data (i32.const 300) \"0\")"))
        .expect("compiles");
    for _ in 0..3 {
        let report = sandbox.run(&agent, run(""), MapHost::default());
        assert_eq!(report.ended, Ended::Completed("1".into()));
    }
}
