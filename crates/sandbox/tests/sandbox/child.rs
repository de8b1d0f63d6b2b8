//! Components from outside are compiled in a child with limits.

use crate::support::{echo, ended, run, sandbox};
use naos_sandbox::{ChildCompiler, ChildLimits, Compiler, Ended};
use std::fmt::Write as _;
use std::path::PathBuf;

/// The example beside this test binary: cargo builds it along.
fn exe() -> PathBuf {
    let test = std::env::current_exe().expect("this test has a path");
    let profile = test.ancestors().nth(2).expect("target/PROFILE/deps/test");
    let exe = profile.join("examples/compile_child");
    assert!(
        exe.exists(),
        "build {} first: cargo build --examples",
        exe.display()
    );
    exe
}

fn limited(limits: ChildLimits) -> Compiler {
    Compiler::InChild(ChildCompiler::new(exe()).with_limits(limits))
}

/// One function with so many additions that a compiler needs long and much for it.
fn bomb(operations: usize) -> Vec<u8> {
    let mut text = String::from("(component (core module (func (param i32) (result i32)\n");
    text += "local.get 0\n";
    for index in 0..operations {
        writeln!(text, "local.get 0 i32.const {index} i32.rotl i32.add").expect("a string");
    }
    text += ")))";
    wat::parse_str(&text).expect("wat")
}

#[test]
fn a_child_compiles() {
    let sandbox = sandbox();
    let agent = sandbox
        .load(&echo(), &Compiler::in_child(exe()), None)
        .expect("compiles");
    assert_eq!(
        ended(&sandbox, &agent, run("hi")),
        Ended::Completed("hi".into())
    );
}

#[test]
fn a_child_says_what_is_wrong() {
    let invalid = wat::parse_str("(component (core module (func (result i32) unreachable)))");
    let mut invalid = invalid.expect("wat");
    let at = invalid.len() - 2;
    invalid[at] = 0xff;
    let error = sandbox()
        .load(&invalid, &Compiler::in_child(exe()), None)
        .expect_err("invalid");
    assert!(
        error
            .to_string()
            .starts_with("compiling a component: it is not valid"),
        "{error}"
    );
}

#[test]
fn a_compile_bomb_runs_out_of_processor_time() {
    let limits = ChildLimits {
        cpu_s: 1,
        ..ChildLimits::default()
    };
    let error = sandbox()
        .load(&bomb(600_000), &limited(limits), None)
        .expect_err("limited");
    assert!(
        error
            .to_string()
            .contains("more than 1 s of processor time"),
        "{error}"
    );
}

#[test]
fn a_compile_bomb_runs_out_of_memory() {
    let limits = ChildLimits {
        memory_bytes: 192 << 20,
        ..ChildLimits::default()
    };
    sandbox()
        .load(&echo(), &limited(limits), None)
        .expect("enough for a small one");
    let error = sandbox()
        .load(&bomb(600_000), &limited(limits), None)
        .expect_err("limited");
    assert!(
        error
            .to_string()
            .contains("needs more than 201326592 bytes of memory"),
        "{error}"
    );
}

#[test]
fn a_child_that_hangs_is_ended() {
    let limits = ChildLimits {
        wall_ms: 0,
        ..ChildLimits::default()
    };
    let error = sandbox()
        .load(&bomb(100_000), &limited(limits), None)
        .expect_err("limited");
    assert!(error.to_string().contains("longer than 0 ms"), "{error}");
}

#[test]
fn another_program_is_not_taken_for_the_compiler() {
    for (exe, expected) in [
        ("/bin/true", "/bin/true is not a naos that compiles"),
        ("/bin/echo", "/bin/echo is not a naos that compiles"),
        ("/bin/false", "the compiler broke (exit status: 1)"),
    ] {
        let error = sandbox()
            .load(&echo(), &Compiler::in_child(exe), None)
            .expect_err(exe);
        assert!(error.to_string().contains(expected), "{error}");
    }
}
