//! A skill: a rule that answers without an agent.

use std::collections::BTreeMap;

use naos_types::Digest;
use naos_types::spec::{Handler, SkillSpec};

use crate::Files;
use crate::checks::{Checks, Scope};
use crate::diagnostic::Findings;
use crate::reader::{self, Fields};
use crate::tree::{Node, Value};

/// What a skill's document says.
#[derive(Clone, Debug, PartialEq)]
pub struct SkillDoc {
    /// The skill.
    pub spec: SkillSpec,
    /// The path of its component, where its handler is one; `spec` holds its digest.
    pub source: Option<String>,
}

const PATTERNS_MAX: usize = 64;
const TABLE_KEYS_MAX: usize = 10_000;

pub(crate) fn fields(
    map: &mut Fields<'_>,
    files: &dyn Files,
    checks: &dyn Checks,
    findings: &mut Findings,
) -> Option<SkillDoc> {
    let description = map.text(&["description"], findings).unwrap_or_default();
    let cost = map.money_or_cents(&["cost_per_call", "costPerCall"], findings);
    let at = map
        .node(&["patterns"], findings)
        .map_or(map.at, |node| node.at);
    let patterns = map_patterns(map, findings);
    if patterns.is_empty() || patterns.len() > PATTERNS_MAX {
        let what = format!("a skill has 1 to {PATTERNS_MAX} `patterns`");
        findings.error(at, what);
    }
    for pattern in &patterns {
        if let Err(fault) = checks.pattern(pattern) {
            findings.push(
                at,
                fault.code,
                format!("`{pattern}`: {}", fault.what),
                fault.help,
            );
        }
    }
    let Some(node) = map.node(&["handler"], findings) else {
        let help = "write `handler: {template: …}`, `{cel: …}`, `{lookup: {…}}` or a .wasm file";
        findings.error_help(map.at, "`handler` is missing", help);
        return None;
    };
    let scope = Scope::Skill {
        captures: captures(&patterns),
    };
    let (handler, source) = handler(node, &scope, files, checks, findings)?;
    let cost_per_call = cost.unwrap_or_default();
    let spec = SkillSpec {
        description,
        patterns,
        handler,
        cost_per_call,
    };
    Some(SkillDoc { spec, source })
}

fn map_patterns(map: &mut Fields<'_>, findings: &mut Findings) -> Vec<String> {
    map.texts(&["patterns"], findings).unwrap_or_default()
}

/// The names of the captures that every pattern has.
fn captures(patterns: &[String]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for pattern in patterns {
        for part in pattern.split('{').skip(1) {
            let Some((name, _)) = part.split_once('}') else {
                continue;
            };
            let name = name.trim().to_owned();
            if !all.contains(&name) {
                all.push(name);
            }
        }
    }
    all
}

fn handler(
    node: &Node,
    scope: &Scope,
    files: &dyn Files,
    checks: &dyn Checks,
    findings: &mut Findings,
) -> Option<(Handler, Option<String>)> {
    if let Value::Text(path) = &node.value {
        return component(path, node, files, findings);
    }
    let mut map = Fields::of(node, "`handler`", findings)?;
    let template = map.node(&["template"], findings);
    let cel = map.node(&["cel", "expression"], findings);
    let lookup = map.node(&["lookup", "table"], findings);
    let wasm = map.node(&["wasm"], findings);
    let one = [template, cel, lookup, wasm].iter().flatten().count() == 1;
    map.finish(findings);
    if !one {
        let help = "keep one of `template`, `cel`, `lookup` and `wasm`";
        findings.error_help(node.at, "a handler is one thing", help);
        return None;
    }
    if let Some(node) = template {
        let source = reader::text(node, "template", findings)?;
        crate::checks::note(checks.template(&source, scope), node, findings);
        let source = crate::instruction::in_place(&source);
        return Some((Handler::Template(source), None));
    }
    if let Some(node) = cel {
        let source = reader::text(node, "cel", findings)?;
        let judged = checks.expression(&source, scope).map(drop);
        crate::checks::note(judged, node, findings);
        return Some((Handler::Cel(source), None));
    }
    if let Some(node) = lookup {
        return Some((Handler::Lookup(table(node, findings)?), None));
    }
    let node = wasm?;
    let path = reader::text(node, "wasm", findings)?;
    component(&path, node, files, findings)
}

fn table(node: &Node, findings: &mut Findings) -> Option<BTreeMap<String, String>> {
    let Value::Map(fields) = &node.value else {
        findings.error(node.at, format!("`lookup` is a map, not {}", node.word()));
        return None;
    };
    if fields.is_empty() || fields.len() > TABLE_KEYS_MAX {
        findings.error(node.at, format!("`lookup` has 1 to {TABLE_KEYS_MAX} keys"));
    }
    let mut table = BTreeMap::new();
    for field in fields {
        if let Some(value) = reader::text(&field.node, &field.key, findings) {
            table.insert(field.key.clone(), value);
        }
    }
    Some(table)
}

fn component(
    path: &str,
    node: &Node,
    files: &dyn Files,
    findings: &mut Findings,
) -> Option<(Handler, Option<String>)> {
    if !path.ends_with(".wasm") {
        let help = "a handler is a .wasm file, or a map with `template`, `cel` or `lookup`";
        findings.error_help(node.at, format!("{path:?} is no handler"), help);
        return None;
    }
    match files.read(path) {
        Ok(bytes) => Some((Handler::Wasm(Digest::of(&bytes)), Some(path.to_owned()))),
        Err(cause) => {
            findings.error(
                node.at,
                format!("the component {path} can't be read: {cause}"),
            );
            None
        }
    }
}
