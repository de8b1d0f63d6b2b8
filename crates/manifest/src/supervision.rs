//! Supervisors supervise supervisors: a tree, without circles and not too high.

use std::collections::BTreeMap;

use crate::diagnostic::Findings;
use crate::tree::{Field, Node, Value};

/// The most levels of a supervision tree.
pub const SUPERVISION_LEVELS_MAX: usize = 10;

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
