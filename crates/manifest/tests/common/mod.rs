//! What the tests share.
#![allow(dead_code, reason = "each test file uses its part of it")]

use naos_manifest::{Applied, Checks, Fault, Files, Scope, parse_document};
use naos_types::{Code, Type};

/// One file.
pub struct OneFile;

impl Files for OneFile {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        match path {
            "skills/sum.wasm" => Ok(b"\0asm".to_vec()),
            _ => Err("no such file".into()),
        }
    }
}

/// Finds a fault where a text names `nosuch`, and tells the scope where it names `scope`.
pub struct Naming;

impl Naming {
    fn judge(&self, source: &str, scope: &Scope) -> Result<(), Fault> {
        let fault = |at: usize, what: String| {
            let line = source[..at].matches('\n').count() + 1;
            let start = source[..at].rfind('\n').map_or(0, |newline| newline + 1);
            Err(Fault {
                code: Code::BAD_EXPRESSION,
                line: u32::try_from(line).unwrap(),
                column: u32::try_from(at - start + 1).unwrap(),
                what,
                help: None,
            })
        };
        if let Some(at) = source.find("nosuch") {
            return fault(at, "unknown name `nosuch`".into());
        }
        match (source.find("scope"), scope) {
            (
                Some(at),
                Scope::Step {
                    before, fan_out, ..
                },
            ) => {
                let names: Vec<&str> = before.iter().map(|(name, _)| name.as_str()).collect();
                fault(at, format!("[{}] {fan_out}", names.join(" ")))
            }
            (Some(at), Scope::Skill { captures }) => fault(at, format!("{captures:?}")),
            _ => Ok(()),
        }
    }
}

impl Checks for Naming {
    fn condition(&self, source: &str, scope: &Scope) -> Result<(), Fault> {
        self.judge(source, scope)
    }
    fn list(&self, source: &str, scope: &Scope) -> Result<(), Fault> {
        self.judge(source, scope)
    }
    fn expression(&self, source: &str, scope: &Scope) -> Result<Type, Fault> {
        self.judge(source, scope).map(|()| Type::Any)
    }
    fn template(&self, source: &str, scope: &Scope) -> Result<(), Fault> {
        self.judge(source, scope)
    }
    fn pattern(&self, source: &str) -> Result<(), Fault> {
        self.judge(source, &Scope::Policy)
    }
}

pub fn applied(label: &str, text: &str) -> Result<Applied, String> {
    parse_document(label, text, &OneFile, &Naming).map_err(|errors| errors.to_string())
}

/// What is applied, or a panic that shows why not.
pub fn good(text: &str) -> Applied {
    applied("f.yaml", text).unwrap_or_else(|errors| panic!("{text}\n{errors}"))
}

/// All that is wrong, a line each.
pub fn bad(label: &str, text: &str) -> String {
    match applied(label, text) {
        Ok(applied) => panic!("{text}\nwas accepted: {applied:?}"),
        Err(errors) => errors,
    }
}
