//! Where a document names something: the place of the very reference, however often the word
//! stands elsewhere.

use naos_types::Name;
use naos_types::spec::Kind;

use crate::tree::{self, Mark, Node, Value};

/// Keys whose values name something else.
const NAMING: &[&str] = &[
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
    "plan",
    "workflow",
    "saga",
    "pool",
    "instruction",
    "skills",
    "for",
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
];

/// Where what is `kind` and called `name` names `word`; none where the text is no document, or
/// doesn't.
#[must_use]
pub fn place_of(text: &str, kind: Kind, name: &str, word: &str) -> Option<Mark> {
    let documents = tree::parse(text).ok()?;
    let own = all_described(&documents, kind, name);
    let within = |nodes: &[&Node]| {
        let wanted = Wanted { word, name };
        [Look::Naming, Look::Values, Look::Keys]
            .into_iter()
            .find_map(|look| nodes.iter().find_map(|node| wanted.find(node, None, look)))
    };
    let one_by_one = own.iter().find_map(|node| within(&[*node]));
    one_by_one.or_else(|| within(&documents.iter().collect::<Vec<_>>()))
}

/// Where a step of what is `kind` and called `name` says events of this type; none where the text
/// is no document, or none does.
#[must_use]
pub fn place_of_event(text: &str, kind: Kind, name: &str, topic: &str) -> Option<Mark> {
    let documents = tree::parse(text).ok()?;
    let own = all_described(&documents, kind, name);
    own.into_iter().find_map(|node| said(node, None, topic))
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

/// `type: TOPIC`, or `emit: TOPIC`, anywhere but in what sets something off.
fn said(node: &Node, key: Option<&str>, topic: &str) -> Option<Mark> {
    match &node.value {
        Value::Text(text) => {
            let says = key.is_some_and(|key| matches!(key, "type" | "emit" | "event"));
            (says && text == topic).then_some(node.at)
        }
        Value::List(items) => items.iter().find_map(|item| said(item, key, topic)),
        Value::Map(fields) => fields
            .iter()
            .filter(|field| field.key != "trigger")
            .find_map(|field| said(&field.node, Some(&field.key), topic)),
        _ => None,
    }
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
}

impl Wanted<'_> {
    fn find(&self, node: &Node, key: Option<&str>, look: Look) -> Option<Mark> {
        match &node.value {
            Value::Text(text) => {
                let counts = match look {
                    Look::Naming => key.is_some_and(|key| NAMING.contains(&key)),
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
                    Some(above) if field.key == "name" && NAMING.contains(&above) => above,
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
        for (text, kind, name, word, line, column) in [
            (plan, Kind::Plan, "p", "ann", 7, 29),
            (two, Kind::Plan, "a", "ann", 3, 37),
            (two, Kind::Plan, "b", "ann", 5, 37),
            (tree, Kind::Supervisor, "boss", "ann", 3, 21),
            (nested, Kind::Plan, "p", "greet", 5, 30),
            (steps, Kind::Workflow, "w", "ann", 4, 16),
        ] {
            let found = place_of(text, kind, name, word);
            assert_eq!(
                found,
                Some(Mark { line, column }),
                "{name} names {word} in\n{text}"
            );
        }
        let morning = "type: instruction\nname: m\ntrigger: {event: mail.list}\nplan:\n  \
                       - {id: a, emit: {type: mail.list}}\n  - {id: b, emit: mail.send}\n";
        for (topic, line, column) in [("mail.list", 5, 26), ("mail.send", 6, 19)] {
            let found = place_of_event(morning, Kind::Instruction, "m", topic);
            assert_eq!(found, Some(Mark { line, column }), "{topic}");
        }
        let none = place_of_event(morning, Kind::Instruction, "m", "mail.read");
        assert_eq!(none, None);
        assert_eq!(place_of(plan, Kind::Plan, "p", "nobody"), None);
        assert_eq!(place_of("a: [", Kind::Plan, "p", "ann"), None);
    }
}
