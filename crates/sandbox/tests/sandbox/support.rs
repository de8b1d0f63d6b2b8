//! Guests in text, written against the canonical ABI by hand, and a host that remembers.

use naos_sandbox::{
    AbilityError, CancelToken, Compiled, Config, Document, Ended, Entry, Gate, GatedAnswer,
    GatedCall, GatedRequest, Grants, Host, HostError, HttpResponse, Limits, LogLevel, Recording,
    Report, Run, Sandbox, Segment, Ticking, wrap,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Core signatures of all functions of the world.
const IMPORTS: [(&str, &str, &str); 14] = [
    ("log", "write", "(param i32 i32 i32)"),
    ("state", "get", "(param i32 i32 i32)"),
    ("state", "set", "(param i32 i32 i32 i32 i32)"),
    ("state", "delete", "(param i32 i32 i32)"),
    ("state", "keys", "(param i32)"),
    ("context", "read", "(param i32 i32 i32)"),
    ("context", "write", "(param i32 i32 i32 i32 i32 i64 i32)"),
    ("context", "list", "(param i32 i32 i32)"),
    (
        "http",
        "send",
        "(param i32 i32 i32 i32 i32 i32 i32 i32 i32)",
    ),
    ("clock", "now", "(result i64)"),
    ("random", "bytes", "(param i32 i32)"),
    ("random", "next", "(result i64)"),
    ("events", "emit", "(param i32 i32 i32 i32 i32)"),
    ("ask", "person", "(param i32 i32 i32 i32 i32)"),
];

/// A core module: `imports` as `log.write`, the body of `handle(ptr, len) -> result area`, and
/// whatever else belongs into it. 0..8192 is the module's own, the heap lies behind.
pub fn module(imports: &[&str], body: &str, rest: &str) -> Vec<u8> {
    let mut text = String::from("(module\n");
    for import in imports {
        let (_, _, signature) = IMPORTS
            .iter()
            .find(|(interface, function, _)| *import == format!("{interface}.{function}"))
            .expect("an import of the world");
        let (interface, function) = import.split_once('.').expect("interface.function");
        text += &format!(
            "(import \"naos:agent/{interface}@0.1.0\" \"{function}\" \
             (func ${import} {signature}))\n"
        );
    }
    text += PRELUDE;
    text += &format!(
        "(func (export \"handle\") (param $ptr i32) (param $len i32) (result i32)\n\
         (local $i i32) (local $n i32) (local $acc i64)\n{body})\n{rest})"
    );
    wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

const PRELUDE: &str = r#"
(memory (export "memory") 1)
(global $heap (mut i32) (i32.const 8192))
(func $alloc (param $size i32) (result i32) (local $p i32)
  (local.set $p (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
  (global.set $heap (i32.add (local.get $p) (local.get $size)))
  (if (i32.gt_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536)))
    (then (if (i32.eq (i32.const -1)
                (memory.grow (i32.add (i32.const 1) (i32.shr_u (local.get $size) (i32.const 16)))))
      (then unreachable))))
  (local.get $p))
(func (export "cabi_realloc") (param $old i32) (param $had i32) (param $align i32)
  (param $size i32) (result i32) (local $p i32)
  (local.set $p (call $alloc (local.get $size)))
  (memory.copy (local.get $p) (local.get $old) (local.get $had))
  (local.get $p))
(func $return (param $tag i32) (param $ptr i32) (param $len i32) (result i32)
  (i32.store (i32.const 16) (local.get $tag))
  (i32.store (i32.const 20) (local.get $ptr))
  (i32.store (i32.const 24) (local.get $len))
  (i32.const 16))
(func $ok (param $ptr i32) (param $len i32) (result i32)
  (call $return (i32.const 0) (local.get $ptr) (local.get $len)))
;; Returns what an ability's result area says: its error (name of the case by tag, or its text),
;; else the text at $ptr, $len.
(func $finish (param $area i32) (param $ptr i32) (param $len i32) (result i32) (local $case i32)
  (if (i32.eqz (i32.load8_u (local.get $area)))
    (then (return (call $ok (local.get $ptr) (local.get $len)))))
  (local.set $case (i32.load8_u offset=8 (local.get $area)))
  (if (i32.eq (local.get $case) (i32.const 2))
    (then (return (call $return (i32.const 1) (i32.const 32) (i32.const 9)))))
  (if (i32.eq (local.get $case) (i32.const 3))
    (then
      (i32.store8 (i32.const 57) (i32.add (i32.const 48) (i32.load offset=16 (local.get $area))))
      (return (call $return (i32.const 1) (i32.const 48) (i32.const 10)))))
  (i32.store8 (i32.load offset=16 (local.get $area)) ;; first letter names the case: D, I, U, F
    (i32.load8_u (i32.add (i32.const 64) (local.get $case))))
  (call $return (i32.const 1) (i32.load offset=16 (local.get $area))
    (i32.load offset=20 (local.get $area))))
(data (i32.const 32) "not-found")
(data (i32.const 48) "conflict ?")
(data (i32.const 64) "DI__UF")
"#;

/// The same, wrapped into a component.
pub fn component(imports: &[&str], body: &str, rest: &str) -> Vec<u8> {
    wrap(&module(imports, body, rest)).expect("the module follows the world")
}

pub fn echo() -> Vec<u8> {
    component(&[], "(call $ok (local.get $ptr) (local.get $len))", "")
}

/// Time moves by hand, 1 ms a tick, unless a test says otherwise.
pub fn sandbox() -> Sandbox {
    Sandbox::new(&Config {
        ticking: Ticking::ByHand(1),
    })
    .expect("sandbox")
}

/// Everything that the test guests use.
pub fn grants() -> Grants {
    Grants {
        agent: "fetcher".into(),
        log: true,
        state: true,
        context_read: vec!["notes/".into()],
        context_write: vec!["notes/*".into()],
        http_hosts: vec!["api.example.com".into()],
        clock: true,
        random: true,
        emit_kinds: vec!["step.*".into()],
        ask: true,
    }
}

pub fn run(input: &str) -> Run {
    Run {
        input: input.into(),
        grants: Arc::new(grants()),
        limits: Limits::default(),
        seed: [7; 32],
        started_ms: 1_000,
        recording: Recording::new(),
        cancel: CancelToken::new(),
    }
}

/// Compiles and runs once.
pub fn once(component: &[u8], run: Run) -> Report<MapHost> {
    let sandbox = sandbox();
    let agent = sandbox.compile(component).expect("compiles");
    sandbox.run(&agent, run, MapHost::default())
}

pub fn ended(sandbox: &Sandbox, agent: &Compiled, run: Run) -> Ended {
    sandbox.run(agent, run, MapHost::default()).ended
}

type Answer = Box<dyn FnMut(&GatedCall) -> Result<Gate, HostError> + Send>;

/// A host made of maps. Gated calls are answered at once unless a test sets `gate`.
#[derive(Default)]
pub struct MapHost {
    pub log: Vec<(LogLevel, String)>,
    pub log_calls: Vec<u32>,
    pub state: BTreeMap<String, Vec<u8>>,
    pub documents: BTreeMap<String, Document>,
    pub segments: Vec<Segment>,
    pub gated: Vec<GatedCall>,
    pub gate: Option<Answer>,
}

impl MapHost {
    pub fn with_gate(
        gate: impl FnMut(&GatedCall) -> Result<Gate, HostError> + Send + 'static,
    ) -> Self {
        MapHost {
            gate: Some(Box::new(gate)),
            ..MapHost::default()
        }
    }
}

/// An answer of the right kind that names its call.
pub fn friendly(call: &GatedCall) -> GatedAnswer {
    let text = format!("{}:{};", call.ability(), call.index);
    match call.request {
        GatedRequest::Http(_) => GatedAnswer::Http(Ok(HttpResponse {
            status: 200,
            headers: vec![("content-type".into(), "text/plain".into())],
            body: text.into_bytes(),
        })),
        GatedRequest::Emit { .. } => GatedAnswer::Emit(Ok(text)),
        GatedRequest::Ask { .. } => GatedAnswer::Ask(Ok(text)),
    }
}

/// When the outcome of a call became durable, in the world of these tests.
pub fn durable_ms(index: u32) -> u64 {
    2_000 + u64::from(index)
}

impl Host for MapHost {
    fn log(&mut self, call: u32, level: LogLevel, line: &str) -> Result<(), HostError> {
        self.log_calls.push(call);
        self.log.push((level, line.to_owned()));
        Ok(())
    }

    fn state_get(&mut self, key: &str) -> Result<Option<Vec<u8>>, HostError> {
        Ok(self.state.get(key).cloned())
    }

    fn state_set(&mut self, key: &str, value: &[u8]) -> Result<(), HostError> {
        self.state.insert(key.into(), value.into());
        Ok(())
    }

    fn state_delete(&mut self, key: &str) -> Result<(), HostError> {
        self.state.remove(key);
        Ok(())
    }

    fn state_keys(&mut self) -> Result<Vec<String>, HostError> {
        // Backwards on purpose: the sandbox sorts.
        Ok(self.state.keys().rev().cloned().collect())
    }

    fn context_read(&mut self, path: &str) -> Result<Document, HostError> {
        self.documents
            .get(path)
            .cloned()
            .ok_or_else(|| AbilityError::NotFound.into())
    }

    fn context_write(
        &mut self,
        path: &str,
        text: &str,
        expected: Option<u64>,
    ) -> Result<u64, HostError> {
        let version = self
            .documents
            .get(path)
            .map_or(0, |document| document.version);
        if expected.is_some_and(|expected| expected != version) {
            return Err(AbilityError::Conflict(version).into());
        }
        let document = Document {
            path: path.into(),
            version: version + 1,
            text: text.to_owned(),
        };
        self.documents.insert(path.into(), document);
        Ok(version + 1)
    }

    fn context_list(&mut self, prefix: &str) -> Result<Vec<Entry>, HostError> {
        let documents = self.documents.values().rev();
        Ok(documents
            .filter(|document| document.path.starts_with(prefix))
            .map(|document| Entry {
                path: document.path.clone(),
                version: document.version,
                size: document.text.len() as u64,
            })
            .collect())
    }

    fn segment(&mut self, segment: Segment) -> Result<(), HostError> {
        self.segments.push(segment);
        Ok(())
    }

    fn gated(&mut self, call: &GatedCall, before: Option<Segment>) -> Result<Gate, HostError> {
        self.segments.extend(before);
        self.gated.push(call.clone());
        match &mut self.gate {
            Some(gate) => gate(call),
            None => Ok(Gate::Answered {
                answer: friendly(call),
                now_ms: durable_ms(call.index),
            }),
        }
    }
}
