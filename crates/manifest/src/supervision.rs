//! Supervisors supervise supervisors: a tree, without circles and not too high.

use std::collections::BTreeMap;

use naos_types::spec::{Restart, SUPERVISION_LEVELS_MAX, SUPERVISOR_RESTARTS_MAX, SupervisorSpec};
use naos_types::{Code, Name};

use crate::diagnostic::Findings;
use crate::reader::{self, Fields};
use crate::tree::{Field, Node, Value};

/// A map of them by name, or a list in which each has its `name`; those of one document make a
/// tree.
pub(crate) fn all(node: &Node, findings: &mut Findings) -> Vec<(Name, SupervisorSpec)> {
    let entries = reader::entries("supervisors", node, findings);
    let read = entries
        .into_iter()
        .filter_map(|(key, node)| one(key, node, findings))
        .collect();
    check(node, findings);
    read
}

/// One; `key` is its name where it stands in a map.
pub(crate) fn one(
    key: Option<&str>,
    node: &Node,
    findings: &mut Findings,
) -> Option<(Name, SupervisorSpec)> {
    let mut map = Fields::of(node, "a supervisor", findings)?;
    map.skip(&["type"]);
    let name = reader::called("supervisor", key, &mut map, findings);
    let before = findings.errors.len();
    let spec = fields(&mut map, findings);
    map.finish(findings);
    if findings.errors.len() == before
        && let Err(what) = spec.check()
    {
        findings.push(node.at, Code::BAD_DOCUMENT, what, None);
    }
    Some((name?, spec))
}

fn fields(map: &mut Fields<'_>, findings: &mut Findings) -> SupervisorSpec {
    let mut spec = SupervisorSpec {
        description: map.text(&["description"], findings).unwrap_or_default(),
        ..SupervisorSpec::default()
    };
    if let Some(word) = map.word(&["strategy"], Restart::WORDS, findings) {
        spec.strategy = Restart::parse(word).unwrap_or_default();
    }
    let most = map.whole(
        &["max_restarts", "maxRestarts"],
        (0, i64::from(SUPERVISOR_RESTARTS_MAX)),
        findings,
    );
    if let Some(most) = most.and_then(|most| u32::try_from(most).ok()) {
        spec.max_restarts = most;
    }
    let window = [
        "restart_window",
        "restartWindow",
        "window_secs",
        "windowSecs",
        "window",
    ];
    if let Some(window) = map.span(&window, 1_000, findings) {
        spec.window = window;
    }
    let Some(node) = map.node(&["children"], findings) else {
        findings.error(map.at, "`children` is missing");
        return spec;
    };
    let items = match &node.value {
        Value::List(items) => items.as_slice(),
        _ => {
            let what = format!("`children` is a list, not {}", node.word());
            findings.error(node.at, what);
            return spec;
        }
    };
    let names = items.iter();
    spec.children
        .extend(names.filter_map(|item| child(item, findings)));
    spec
}

/// A child is a name, or a map with one.
fn child(node: &Node, findings: &mut Findings) -> Option<Name> {
    if !matches!(node.value, Value::Map(_)) {
        return reader::name(node, "children", findings);
    }
    let mut map = Fields::of(node, "a child", findings)?;
    map.skip(&["type"]);
    let name = map.name(&["name"], findings);
    if name.is_none() {
        findings.error(node.at, "this child has no `name`");
    }
    map.finish(findings);
    name
}

/// Checks the supervisors of a document among themselves.
pub(crate) fn check(supervisors: &Node, findings: &mut Findings) {
    let Value::Map(fields) = &supervisors.value else {
        return;
    };
    let by_name: BTreeMap<&str, &Field> = fields
        .iter()
        .map(|field| (field.key.as_str(), field))
        .collect();
    let mut parents: BTreeMap<&str, &str> = BTreeMap::new();
    for field in fields {
        for child in children(field) {
            let Some(other) = parents
                .insert(child, &field.key)
                .filter(|p| *p != field.key)
            else {
                continue;
            };
            let what = format!("{child} has two supervisors: {other} and {}", field.key);
            findings.error(field.at, what);
        }
    }
    for field in fields {
        // each has one parent at most: walking up ends at a root, or comes round
        let mut path = vec![field.key.as_str()];
        while let Some(parent) = parents.get(path[path.len() - 1]) {
            if let Some(start) = path.iter().position(|name| name == parent) {
                let least = path[start..].iter().min() == Some(&field.key.as_str());
                if start == 0 && least {
                    path.push(parent);
                    path.reverse();
                    let what = format!("the supervisors go in a circle: {}", path.join(" → "));
                    findings.error(field.at, what);
                }
                break;
            }
            path.push(parent);
        }
        if path.len() > SUPERVISION_LEVELS_MAX && by_name.contains_key(path[0]) {
            let what = format!("more than {SUPERVISION_LEVELS_MAX} levels of supervisors");
            findings.error(field.at, what);
        }
    }
}

fn children(field: &Field) -> Vec<&str> {
    let Some(Value::List(items)) = field.node.get("children").map(|node| &node.value) else {
        return Vec::new();
    };
    items.iter().filter_map(called).collect()
}

/// A child is a name, or a map with one.
fn called(child: &Node) -> Option<&str> {
    match (&child.value, child.get("name").map(|name| &name.value)) {
        (Value::Text(text), _) | (_, Some(Value::Text(text))) => Some(text),
        _ => None,
    }
}
