//! What must hold of a result, and is looked at without a model before anybody is asked.

use std::sync::Arc;

use naos_types::spec::{Check, Holds};
use naos_types::{BodyRef, Name};
use serde_json::{Value, json};

use crate::compute::{Names, Type, cel, schema};
use crate::need::{Compute, Formula, Var};
use crate::plan::{Plan, given};
use crate::run::cut;
use crate::turn::{Done, Stop, Turn};

/// Who is said to have refuted what a check did.
pub const CHECKS: &str = "checks";
/// The most bytes that are told of what one check found.
const FOUND_BYTES_MAX: usize = 300;

/// What is wrong with a check, before anything is looked at with it; `names` may stand in it.
#[must_use]
pub fn unsound(check: &Check, names: &Names) -> Option<String> {
    if let Err(why) = check.check() {
        return Some(why);
    }
    let why = match &check.holds {
        Holds::Cel(cel) => {
            let checked = cel::check_as(cel, names, &Type::Bool);
            checked.err().map(|error| error.to_string())
        }
        Holds::Schema(schema) => schema::unsound(schema),
    }?;
    Some(format!("the check {}: {why}", check.cited()))
}

/// What came of the checks of a result.
pub(crate) struct Looked {
    /// Whether all that must hold does.
    pub(crate) passed: bool,
    /// What was looked at and what was found, in the words of a verdict where something fails.
    pub(crate) evidence: BodyRef,
    /// The same for whoever looks next, where all of it holds.
    pub(crate) told: String,
}

/// Looks at a result: all checks at once, each with the same names.
pub(crate) fn look(
    turn: &Turn<'_>,
    plan: &Plan,
    step: &Name,
    checks: &[Check],
    output: BodyRef,
) -> Done<Looked> {
    let (mut found, mut needs) = (Vec::with_capacity(checks.len()), Vec::new());
    for check in checks {
        match one(turn, (plan, step), check, output) {
            Ok(why) => found.push((check, why)),
            Err(Stop::Needs(more)) => needs.extend(more),
            Err(stop) => return Err(stop),
        }
    }
    if !needs.is_empty() {
        return Err(Stop::Needs(needs));
    }
    let passed = found.iter().all(|(_, why)| why.is_none());
    let listed = found.iter().map(|(check, why)| {
        json!({"name": check.name, "check": check.says(), "passed": why.is_none(),
            "found": why, "message": check.message.as_ref().filter(|_| why.is_some())})
    });
    let mut report = json!({"passed": passed, "checks": listed.collect::<Vec<_>>()});
    if !passed {
        let failed = found.iter().filter_map(|(check, why)| {
            let why = why.as_ref()?;
            Some(sentence(check, why))
        });
        report["verdict"] = json!("refute");
        report["evidence"] = json!(failed.collect::<Vec<_>>());
    }
    let evidence = turn.stage(report.to_string().into_bytes())?;
    let lines: Vec<String> = checks
        .iter()
        .map(|check| format!("- {}", check.cited()))
        .collect();
    let told = format!(
        "\n\n# What was checked without a model\n\nAll of this holds:\n\n{}",
        lines.join("\n")
    );
    Ok(Looked {
        passed,
        evidence,
        told,
    })
}

/// What a check that failed says to whoever mends it: which, what it says, what was found.
fn sentence(check: &Check, found: &str) -> String {
    let which = check
        .name
        .as_ref()
        .map_or_else(String::new, |name| format!(" {name}"));
    let says = check.says();
    let todo = match &check.message {
        Some(message) => format!(". {message}"),
        None => String::new(),
    };
    format!("the check{which} failed: {says}: {found}{todo}")
}

/// Why a check fails; none where it holds.
fn one(
    turn: &Turn<'_>,
    at: (&Plan, &Name),
    check: &Check,
    output: BodyRef,
) -> Done<Option<String>> {
    let why = match &check.holds {
        Holds::Cel(cel) => match value(turn, at, cel, output)? {
            Ok(value) => match *value {
                Value::Bool(true) => return Ok(None),
                Value::Bool(false) => found(turn, at, cel, output)?,
                ref other => format!("it gives neither true nor false: {other}"),
            },
            // What can't be worked out doesn't hold.
            Err(_) if crate::planted::is("broken-check-passes") => return Ok(None),
            Err(why) => format!("it can't be worked out: {why}"),
        },
        Holds::Schema(schema) => {
            let fits = turn.value(Compute {
                formula: Formula::Fits(schema.clone()),
                vars: vec![("text".to_owned(), Var::Text(output))],
            })?;
            match fits.as_deref() {
                Ok(Value::Array(faults)) if faults.is_empty() => return Ok(None),
                Ok(Value::Array(faults)) => {
                    let faults: Vec<&str> = faults.iter().filter_map(Value::as_str).collect();
                    faults.join("; ")
                }
                Ok(_) => "it can't be compared".to_owned(),
                Err(why) => why.clone(),
            }
        }
    };
    Ok(Some(cut(&why, FOUND_BYTES_MAX)))
}

/// The value of an expression over a result.
fn value(
    turn: &Turn<'_>,
    (plan, step): (&Plan, &Name),
    cel: &str,
    output: BodyRef,
) -> Done<Result<Arc<Value>, String>> {
    let mut vars = match given(turn, plan, step, None, cel)? {
        Ok(vars) => vars,
        Err(why) => return Ok(Err(why)),
    };
    // After those of the step: what is looked at is the result, whatever a step is called.
    let own = [
        ("output", Var::Body(output)),
        ("text", Var::Text(output)),
        ("bytes", Var::Json(output.len.to_string())),
    ];
    let named = own.into_iter().filter(|(name, _)| cel.contains(name));
    vars.extend(named.map(|(name, var)| (name.to_owned(), var)));
    turn.value(Compute {
        formula: Formula::Cel(cel.to_owned()),
        vars,
    })
}

/// What was found where an expression gives false: what its sides are, where it compares two.
fn found(turn: &Turn<'_>, at: (&Plan, &Name), cel: &str, output: BodyRef) -> Done<String> {
    let mut told = Vec::new();
    for side in cel::sides(cel).into_iter().flatten() {
        let Ok(value) = value(turn, at, side, output)? else {
            continue;
        };
        let is = value.to_string();
        if is != side {
            told.push(format!("{side} is {}", cut(&is, FOUND_BYTES_MAX / 3)));
        }
    }
    Ok(match told.is_empty() {
        true => "it is false".to_owned(),
        false => told.join(", "),
    })
}
