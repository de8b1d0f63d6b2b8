//! Where a document names something: the place of the very reference, however often the word
//! stands elsewhere.

use std::collections::BTreeMap;

use naos_types::Name;
use naos_types::spec::{Kind, StepDo};

use crate::diagnostic::Findings;
use crate::plan::Placed;
use crate::tree::{self, Mark, Node, Value};

/// Where each step of what is of this kind and name says which plan it runs, or which events it
/// wants answered: who reads a document knows the very place, however many steps say the same.
pub type StepPlaces = BTreeMap<(Kind, Name), BTreeMap<Name, Mark>>;

/// Keeps these places.
pub(crate) fn keep(kind: Kind, name: &Name, steps: &[Placed<'_>], findings: &mut Findings) {
    let naming = steps
        .iter()
        .filter(|step| matches!(step.spec.action, StepDo::Plan { .. } | StepDo::Ask { .. }));
    let at: BTreeMap<Name, Mark> = naming
        .map(|step| (step.spec.name.clone(), step.of_at))
        .collect();
    if !at.is_empty() {
        findings.places.insert((kind, name.clone()), at);
    }
}

/// Keys whose values name an agent, or whatever does its work.
const WORKING: &[&str] = &[
    "agent",
    "agents",
    "agent_id",
    "assigned_agent",
    "assignedAgent",
    "by",
    "reviewer",
    "compensate",
    "compensation",
    "undo",
    "children",
    "child",
    "members",
];
/// Keys whose values name something else.
const NAMING: &[&str] = &[
    "plan",
    "workflow",
    "saga",
    "pool",
    "instruction",
    "skills",
    "for",
];
/// Keys whose values name a model.
const MODELS: &[&str] = &[
    "model",
    "models",
    "engine",
    "recall",
    "fallback",
    "fallbacks",
];
/// Keys whose values are people's words, or what something itself is called.
const SAYING: &[&str] = &[
    "id",
    "title",
    "description",
    "input",
    "inputs",
    "prompt",
    "render",
    "text",
    "type",
    "on",
    "idempotency_key",
];

/// Whether the value of such a key names something.
fn names(key: &str) -> bool {
    WORKING.contains(&key) || NAMING.contains(&key)
}

/// Where what is `kind` and called `name` names `word`, which is `of` a kind where that is known;
/// none where the text is no document, or doesn't.
#[must_use]
pub fn place_of(text: &str, kind: Kind, name: &str, of: Option<Kind>, word: &str) -> Option<Mark> {
    let documents = tree::parse(text).ok()?;
    let own = all_described(&documents, kind, name);
    let within = |nodes: &[&Node]| {
        let wanted = Wanted { word, name, of };
        [Look::OfKind, Look::Naming, Look::Values, Look::Keys]
            .into_iter()
            .find_map(|look| nodes.iter().find_map(|node| wanted.find(node, None, look)))
    };
    let one_by_one = own.iter().find_map(|node| within(&[*node]));
    one_by_one.or_else(|| within(&documents.iter().collect::<Vec<_>>()))
}

/// Whether what is `kind` and called `name` says something beneath a key.
#[must_use]
pub fn says(text: &str, kind: Kind, name: &str, key: &str) -> bool {
    let Ok(documents) = tree::parse(text) else {
        return false;
    };
    let own = all_described(&documents, kind, name);
    own.iter().any(|node| node.get(key).is_some())
}

/// What may describe it; first what surely does.
fn all_described<'n>(documents: &'n [Node], kind: Kind, name: &str) -> Vec<&'n Node> {
    let mut own = Vec::new();
    for node in documents {
        described(node, None, kind, name, &mut own);
    }
    own.sort_by_key(|(surely, _)| !surely);
    own.into_iter().map(|(_, node)| node).collect()
}

fn is_called(text: &str, name: &str) -> bool {
    text == name || Name::slug(text).is_some_and(|slug| slug.as_str() == name)
}

/// What may describe it, and whether it surely does: it stands beneath the word of its kind, or
/// says what it is.
fn described<'n>(
    node: &'n Node,
    above: Option<&str>,
    kind: Kind,
    name: &str,
    out: &mut Vec<(bool, &'n Node)>,
) {
    let is_kind = |word: &str| word == kind.word() || word == kind.plural();
    match &node.value {
        Value::Map(fields) => {
            let says = |keys: &[&str], fits: &dyn Fn(&str) -> bool| {
                let mut named = keys.iter().filter_map(|key| node.get(key));
                named.any(|found| matches!(&found.value, Value::Text(text) if fits(text)))
            };
            if says(&["name", "id"], &|text| is_called(text, name)) {
                let surely = says(&["type", "kind"], &is_kind) || above.is_some_and(is_kind);
                out.push((surely, node));
            }
            for field in fields {
                if is_called(&field.key, name) {
                    out.push((above.is_some_and(is_kind), &field.node));
                }
                described(&field.node, Some(&field.key), kind, name, out);
            }
        }
        Value::List(items) => {
            for item in items {
                described(item, above, kind, name, out);
            }
        }
        _ => {}
    }
}

/// Which words count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    /// Values of keys that name something of the kind that is wanted.
    OfKind,
    /// Values of keys that name something.
    Naming,
    /// All values that aren't people's words.
    Values,
    /// Keys: a step's agent is called as the step is.
    Keys,
}

struct Wanted<'w> {
    word: &'w str,
    /// Who names it: what it is called itself is no reference.
    name: &'w str,
    /// What it is, where that is known: an agent may be called as a plan is.
    of: Option<Kind>,
}

impl Wanted<'_> {
    /// Whether the value of such a key names something of the kind that is wanted.
    fn is_of_kind(&self, key: &str) -> bool {
        match self.of {
            Some(Kind::Agent) => WORKING.contains(&key),
            Some(Kind::Model) => MODELS.contains(&key),
            Some(kind) => key == kind.word(),
            None => false,
        }
    }

    fn find(&self, node: &Node, key: Option<&str>, look: Look) -> Option<Mark> {
        match &node.value {
            Value::Text(text) => {
                let counts = match look {
                    Look::OfKind => key.is_some_and(|key| self.is_of_kind(key)),
                    Look::Naming => key.is_some_and(names),
                    Look::Values => key.is_none_or(|key| {
                        !SAYING.contains(&key) && (key != "name" || self.word != self.name)
                    }),
                    Look::Keys => false,
                };
                (counts && is_called(text, self.word)).then_some(node.at)
            }
            Value::List(items) => items.iter().find_map(|item| self.find(item, key, look)),
            Value::Map(fields) => fields.iter().find_map(|field| {
                if look == Look::Keys && is_called(&field.key, self.word) {
                    return Some(field.at);
                }
                // `plan: {name: greet}` names it as `plan: greet` does.
                let key = match key {
                    Some(above) if field.key == "name" && names(above) => above,
                    _ => &field.key,
                };
                self.find(&field.node, Some(key), look)
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_that_of_the_reference() {
        let plan = "# ann does it\ntype: plan\nname: p\ndescription: ann\nsteps:\n  \
                    - {name: ann, render: x}\n  - {name: b, task: {agent: ann, title: ann}}\n";
        let two = "plans:\n  a:\n    steps: [{name: s, task: {agent: ann}}]\n  \
                   b:\n    steps: [{name: s, task: {agent: ann}}]\n";
        let tree = "supervisors:\n  boss:\n    children: [bob, ann]\n";
        let nested = "type: plan\nname: p\nsteps:\n  - {name: greet, render: x}\n  \
                      - {name: one, plan: {name: greet, inputs: \"{}\"}}\n";
        let steps = "workflows:\n  w:\n    steps:\n      - {name: ann, input: bob}\n";
        let both = "type: plan\nname: p\nsteps:\n  - {name: one, plan: ann}\n  \
                    - {name: two, agent: ann}\n";
        let (agent, of_plan) = (Some(Kind::Agent), Some(Kind::Plan));
        for (text, kind, name, of, word, line, column) in [
            (plan, Kind::Plan, "p", agent, "ann", 7, 29),
            (two, Kind::Plan, "a", agent, "ann", 3, 37),
            (two, Kind::Plan, "b", None, "ann", 5, 37),
            (tree, Kind::Supervisor, "boss", agent, "ann", 3, 21),
            (nested, Kind::Plan, "p", of_plan, "greet", 5, 30),
            (steps, Kind::Workflow, "w", agent, "ann", 4, 16),
            (both, Kind::Plan, "p", agent, "ann", 5, 24),
            (both, Kind::Plan, "p", of_plan, "ann", 4, 23),
        ] {
            let found = place_of(text, kind, name, of, word);
            assert_eq!(
                found,
                Some(Mark { line, column }),
                "{name} names {word} in\n{text}"
            );
        }
        assert_eq!(place_of(plan, Kind::Plan, "p", agent, "nobody"), None);
        assert_eq!(place_of("a: [", Kind::Plan, "p", agent, "ann"), None);
    }
}
