//! What becomes an agent, what does not, and what is kept on disk.

use crate::support::{echo, ended, module, run, sandbox};
use naos_sandbox::{Cache, Compiler, Ended, wrap};
use std::fs;

#[test]
fn what_is_not_an_agent_is_refused_with_the_reason() {
    let sandbox = sandbox();
    let text = |text: &str| wat::parse_str(text).expect(text);
    let mut cut = echo();
    cut.truncate(cut.len() / 2);
    let cases = [
        (vec![], "not a WebAssembly component: it is empty"),
        (b"\0asm".to_vec(), "it is too short"),
        (
            b"MZ garbage and more".to_vec(),
            "does not start with the WebAssembly magic number",
        ),
        (b"(component)".to_vec(), "it is WebAssembly text"),
        (
            b"\0asm\x0c\0\x01\0".to_vec(),
            "its format version is not known",
        ),
        (
            module(&[], "unreachable", ""),
            "wrap it into a component with `naos agent build`",
        ),
        (cut, "it is not valid"),
        (text("(component)"), "it does not export `handle`"),
        (
            text("(component (import \"wasi:cli/environment@0.2.0\" (instance)))"),
            "it imports wasi:cli/environment@0.2.0, which naos does not offer",
        ),
        (
            text("(component (import \"naos:agent/log@0.2.0\" (instance)))"),
            "it imports naos:agent/log@0.2.0",
        ),
        (
            text("(component (import \"log\" (func)))"),
            "it imports log",
        ),
        (
            text(
                "(component (core module $m (func (export \"f\"))) (core instance $i
                 (instantiate $m)) (func (export \"handle\") (canon lift (core func $i \"f\"))))",
            ),
            "its `handle` has another type",
        ),
        (
            text("(component (instance $i) (export \"handle\" (instance $i)))"),
            "another type",
        ),
    ];
    for (bytes, expected) in cases {
        let error = sandbox.compile(&bytes).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn an_import_of_another_shape_is_refused() {
    let text = r#"(component
      (import "naos:agent/clock@0.1.0" (instance (export "now" (func (result string)))))
      (core module $m (memory (export "m") 1)
        (func (export "r") (param i32 i32 i32 i32) (result i32) unreachable)
        (func (export "h") (param i32 i32) (result i32) unreachable))
      (core instance $i (instantiate $m))
      (func (export "handle") (param "input" string) (result (result string (error string)))
        (canon lift (core func $i "h") (memory $i "m") (realloc (func $i "r")))))"#;
    let error = sandbox()
        .compile(&wat::parse_str(text).expect("wat"))
        .expect_err("shape");
    assert!(
        error
            .to_string()
            .contains("an import does not fit naos:agent@0.1.0"),
        "{error}"
    );
}

#[test]
fn a_component_written_by_hand_runs() {
    let text = r#"(component
      (core module $m (memory (export "m") 1)
        (func (export "r") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
        (func (export "h") (param i32 i32) (result i32)
          (i32.store (i32.const 4) (local.get 0)) (i32.store (i32.const 8) (local.get 1))
          (i32.const 0)))
      (core instance $i (instantiate $m))
      (func (export "handle") (param "input" string) (result (result string (error string)))
        (canon lift (core func $i "h") (memory $i "m") (realloc (func $i "r")))))"#;
    let sandbox = sandbox();
    let agent = sandbox
        .compile(&wat::parse_str(text).expect("wat"))
        .expect("compiles");
    assert_eq!(
        ended(&sandbox, &agent, run("hi")),
        Ended::Completed("hi".into())
    );
}

#[test]
fn a_component_in_utf_16_runs() {
    let text = r#"(component
      (core module $m (memory (export "m") 1)
        (func (export "r") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
        (func (export "h") (param i32 i32) (result i32)
          (i32.store (i32.const 4) (local.get 0)) (i32.store (i32.const 8) (local.get 1))
          (i32.const 0)))
      (core instance $i (instantiate $m))
      (func (export "handle") (param "input" string) (result (result string (error string)))
        (canon lift (core func $i "h") (memory $i "m") (realloc (func $i "r"))
          string-encoding=utf16)))"#;
    let sandbox = sandbox();
    let agent = sandbox
        .compile(&wat::parse_str(text).expect("wat"))
        .expect("compiles");
    assert_eq!(
        ended(&sandbox, &agent, run("é🦎")),
        Ended::Completed("é🦎".into())
    );
}

#[test]
fn a_module_that_says_what_it_is_keeps_its_word() {
    // Wrapping twice embeds once: the metadata of the first time is used, not added to.
    let bare = module(&[], "(call $ok (local.get $ptr) (local.get $len))", "");
    let mut resolve = wit_parser::Resolve::default();
    let package = resolve
        .push_str("agent.wit", naos_sandbox::WORLD_WIT)
        .expect("wit");
    let world = resolve
        .select_world(&[package], Some("agent"))
        .expect("world");
    let mut described = bare.clone();
    let utf8 = wit_component::StringEncoding::UTF8;
    wit_component::embed_component_metadata(&mut described, &resolve, world, utf8).expect("embed");
    assert_eq!(
        wrap(&bare).expect("bare"),
        wrap(&described).expect("described")
    );
}

#[test]
fn the_digest_is_the_components() {
    let sandbox = sandbox();
    let one = sandbox.compile(&echo()).expect("compiles");
    let two = sandbox.compile(&echo()).expect("compiles");
    assert_eq!(one.digest(), two.digest());
}

/// A compiler that always fails, so that only the cache can help.
fn no_compiler() -> Compiler {
    Compiler::in_child("/nonexistent/naos")
}

#[test]
fn the_cache_saves_the_compiler() {
    let dir = tempfile::tempdir().expect("directory");
    let cache = Cache::new(dir.path().join("compiled"), [1; 32]);
    let sandbox = sandbox();
    let error = sandbox
        .load(&echo(), &no_compiler(), Some(&cache))
        .expect_err("nothing cached");
    assert!(
        error
            .to_string()
            .contains("/nonexistent/naos does not start"),
        "{error}"
    );
    let first = sandbox
        .load(&echo(), &Compiler::InProcess, Some(&cache))
        .expect("compiles");
    let path = cache.path(&first.digest(), sandbox.engine_key());
    assert!(path.exists());
    let second = sandbox
        .load(&echo(), &no_compiler(), Some(&cache))
        .expect("cached");
    assert_eq!(
        ended(&sandbox, &second, run("hi")),
        Ended::Completed("hi".into())
    );
    assert_eq!(
        fs::read_dir(path.parent().expect("parent"))
            .expect("list")
            .count(),
        1
    );
}

#[test]
fn a_cached_file_that_is_not_ours_is_compiled_again() {
    let dir = tempfile::tempdir().expect("directory");
    let cache = Cache::new(dir.path(), [1; 32]);
    let sandbox = sandbox();
    let agent = sandbox
        .load(&echo(), &Compiler::InProcess, Some(&cache))
        .expect("compiles");
    let path = cache.path(&agent.digest(), sandbox.engine_key());
    let good = fs::read(&path).expect("cached");
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let spoiled = [
        flipped(0),
        flipped(32),
        flipped(good.len() / 2),
        flipped(good.len() - 1),
        good[..good.len() - 1].to_vec(),
        good[..31].to_vec(),
        [&good[..], b"more"].concat(),
        vec![],
    ];
    for bytes in spoiled {
        fs::write(&path, &bytes).expect("spoil");
        assert!(
            sandbox.load(&echo(), &no_compiler(), Some(&cache)).is_err(),
            "not trusted"
        );
        sandbox
            .load(&echo(), &Compiler::InProcess, Some(&cache))
            .expect("compiles again");
        assert_eq!(fs::read(&path).expect("cached"), good, "put right");
    }
    let other_key = Cache::new(dir.path(), [2; 32]);
    assert!(
        sandbox
            .load(&echo(), &no_compiler(), Some(&other_key))
            .is_err()
    );
}

#[test]
fn an_artefact_under_another_components_name_is_not_taken() {
    let dir = tempfile::tempdir().expect("directory");
    let cache = Cache::new(dir.path(), [1; 32]);
    let sandbox = sandbox();
    let one = sandbox
        .load(&echo(), &Compiler::InProcess, Some(&cache))
        .expect("compiles");
    let other = crate::support::component(&[], "unreachable", "");
    let two = sandbox
        .load(&other, &Compiler::InProcess, Some(&cache))
        .expect("compiles");
    let path = |digest| cache.path(&digest, sandbox.engine_key());
    fs::copy(path(one.digest()), path(two.digest())).expect("swap");
    assert!(sandbox.load(&other, &no_compiler(), Some(&cache)).is_err());
}

#[test]
fn a_cache_that_cannot_be_written_is_done_without() {
    let dir = tempfile::tempdir().expect("directory");
    let file = dir.path().join("file");
    fs::write(&file, "in the way").expect("write");
    let cache = Cache::new(&file, [1; 32]);
    let sandbox = sandbox();
    let agent = sandbox
        .load(&echo(), &Compiler::InProcess, Some(&cache))
        .expect("compiles");
    assert_eq!(
        ended(&sandbox, &agent, run("hi")),
        Ended::Completed("hi".into())
    );
}
