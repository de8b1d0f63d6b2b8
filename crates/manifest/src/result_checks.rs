//! What must hold of a result before anybody is asked about it: `checks: [EXPRESSION, {name, check,
//! message}, {schema}]`, of a review in a plan, of an agent, or of all agents of a document.

use naos_types::spec::{Check, Holds};

use crate::checks::{Checks, Fault, Scope, note};
use crate::diagnostic::Findings;
use crate::plan::{Sort, Texts};
use crate::reader::{self, Fields};
use crate::tree::{Node, Value};

/// Reads them; what is to be judged of each is added to `texts`.
pub(crate) fn read<'t>(
    node: &'t Node,
    texts: &mut Texts<'t>,
    findings: &mut Findings,
) -> Vec<Check> {
    let mut all = Vec::new();
    for node in node.items() {
        let Some(check) = one(node, findings) else {
            continue;
        };
        texts.push(match &check.holds {
            Holds::Cel(cel) => (Sort::Check, cel.clone(), node),
            Holds::Schema(schema) => (Sort::Schema, schema.clone(), node),
        });
        all.push(check);
    }
    if let Err(what) = Check::check_all(&all) {
        findings.error(node.at, what);
    }
    all
}

fn one(node: &Node, findings: &mut Findings) -> Option<Check> {
    let found = if matches!(node.value, Value::Map(_)) {
        let mut map = Fields::of(node, "a check", findings)?;
        let name = map.name(&["name", "id"], findings);
        let cel = map.text(&["check", "cel", "expression"], findings);
        let schema = map.json(&["schema"], findings);
        let message = map.text(&["message"], findings);
        map.finish(findings);
        let holds = match (cel, schema) {
            (Some(cel), None) => Holds::Cel(cel.trim().to_owned()),
            (None, Some(schema)) => Holds::Schema(schema.to_string()),
            _ => {
                let help = "write `{name: short, check: size(output) < 4000}`, or `{schema: {…}}`";
                findings.error_help(node.at, "a check says what must hold", help);
                return None;
            }
        };
        let found = Check {
            name,
            holds,
            message,
        };
        found.check().map(|()| found)
    } else {
        Check::read(&reader::text(node, "checks", findings)?.into())
    };
    match found {
        Ok(check) => Some(check),
        Err(what) => {
            findings.error(node.at, what);
            None
        }
    }
}

/// Judges one; `own` says what may be named beside the result.
pub(crate) fn judge(
    (sort, source): (Sort, &str),
    own: &Scope,
    checks: &dyn Checks,
) -> Result<(), Fault> {
    match sort {
        Sort::Schema => checks.schema(source),
        _ => checks.condition(source, &Scope::Result(Box::new(own.clone()))),
    }
}

/// Those of an agent, or of all agents of a document; none where nothing is said of them.
pub(crate) fn of_agents(
    map: &mut Fields<'_>,
    checks: &dyn Checks,
    findings: &mut Findings,
) -> Option<Vec<Check>> {
    let node = map.node(&["checks"], findings)?;
    let mut texts = Texts::new();
    let found = read(node, &mut texts, findings);
    for (sort, source, node) in texts {
        note(judge((sort, &source), &Scope::Task, checks), node, findings);
    }
    Some(found)
}
