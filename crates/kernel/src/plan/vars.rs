//! What the names in a plan's templates and conditions stand for.

use std::sync::Arc;

use naos_types::spec::{Kind, StepSpec};
use naos_types::{BodyRef, Name};
use serde_json::Value;

use super::Plan;
use crate::compute::template;
use crate::need::{Answer, Compute, Computed, Formula, Need, Var};
use crate::turn::{Done, Stop, Turn};

/// A step's name as an identifier: `fetch-mail` is called `fetch_mail`.
#[must_use]
pub fn identifier(name: &Name) -> String {
    name.as_str().replace('-', "_")
}

/// The event that set the run off.
const TRIGGER: &str = "trigger";
/// The days around the beginning of the run.
const DAYS: &str = "days";

/// Which item of a list a formula is about.
pub(crate) type At = Option<(BodyRef, u32)>;

/// The variables that `source` can name: outputs that it doesn't mention aren't loaded.
pub(crate) fn vars(plan: &Plan, step: &Name, at: At, source: &str) -> Vec<(String, Var)> {
    let text = |text: &str| Var::Json(Value::String(text.to_owned()).to_string());
    // What isn't named is neither worked out nor loaded.
    let mut out: Vec<(String, Var)> = Vec::new();
    let mut add = |word: &str, what: &dyn Fn() -> Var| {
        if source.contains(word) {
            out.push((word.to_owned(), what()));
        }
    };
    if !matches!(plan.flow.of, Kind::Plan | Kind::Instruction) {
        add("input", &|| Var::Body(plan.inputs));
    }
    add("inputs", &|| inputs(plan.inputs, source));
    add("today", &|| text(&plan.started.rfc3339()[..10]));
    let name = || Var::Object(vec![("name".to_owned(), text(plan.name.as_str()))]);
    add("plan", &name);
    if let Some((items, index)) = at {
        add("item", &|| Var::Item(items, index));
        add("index", &|| Var::Json(index.to_string()));
    }
    let own = plan.steps.get(step);
    let feedback = own.and_then(|step| step.feedback);
    add("feedback", &|| feedback.map_or(Var::Null, Var::Body));
    let all = source.contains("steps");
    let mut steps = Vec::new();
    for (name, step) in &plan.steps {
        let called = identifier(name);
        if !all && !source.contains(&called) {
            continue;
        }
        // What was computed keeps its type; whatever else a step gives is a text unless it is an
        // array or an object.
        let spec = plan.known(name);
        let kept = spec.is_some_and(|spec| spec.action.keeps_type());
        let known = if kept { Var::Value } else { Var::Body };
        let output = step.output.map_or(Var::Null, known);
        let fields = vec![
            ("output".to_owned(), output),
            ("status".to_owned(), text(step.status.word())),
            ("disputed".to_owned(), Var::Json(step.disputed.to_string())),
        ];
        if all {
            steps.push((called.clone(), Var::Object(fields.clone())));
        }
        out.push((called, Var::Object(fields)));
    }
    if all {
        out.push(("steps".to_owned(), Var::Object(steps)));
    }
    out
}

/// The inputs as far as `source` names them: whole only where it names them without a field.
fn inputs(all: BodyRef, source: &str) -> Var {
    let mut fields: Vec<String> = Vec::new();
    for (at, word) in source.match_indices("inputs") {
        let behind = &source[at + word.len()..];
        let field = behind.strip_prefix('.').unwrap_or_default();
        let end = field.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        match &field[..end.unwrap_or(field.len())] {
            "" => return Var::Body(all),
            field if fields.iter().any(|known| known == field) => {}
            field => fields.push(field.to_owned()),
        }
    }
    if fields.is_empty() {
        return Var::Null;
    }
    Var::Fields(all, fields)
}

/// Computes a formula of a step; the inner error is a sentence for the step's failure.
pub(crate) fn compute(
    turn: &Turn<'_>,
    plan: &Plan,
    step: &Name,
    at: At,
    formula: Formula,
) -> Done<Result<Computed, String>> {
    match given(turn, plan, step, at, source(&formula))? {
        Ok(vars) => turn.compute(Compute { formula, vars }),
        Err(why) => Ok(Err(why)),
    }
}

/// As [`compute`], where no content is to hold what comes of it.
pub(crate) fn value(
    turn: &Turn<'_>,
    plan: &Plan,
    step: &Name,
    at: At,
    formula: Formula,
) -> Done<Result<Arc<Value>, String>> {
    if let Formula::Template(text) = &formula
        && template::is_plain(text)
    {
        return Ok(Ok(Arc::new(Value::String(text.clone()))));
    }
    match given(turn, plan, step, at, source(&formula))? {
        Ok(vars) => turn.value(Compute { formula, vars }),
        Err(why) => Ok(Err(why)),
    }
}

fn source(formula: &Formula) -> &str {
    match formula {
        Formula::Cel(source) | Formula::Template(source) => source,
        Formula::Gather | Formula::Recall(_) | Formula::Inputs(_) | Formula::Fits(_) => "",
    }
}

/// What all that `source` names stands for, or why something of it is not to be had.
pub(crate) fn given(
    turn: &Turn<'_>,
    plan: &Plan,
    step: &Name,
    at: At,
    source: &str,
) -> Done<Result<Vec<(String, Var)>, String>> {
    let mut vars = vars(plan, step, at, source);
    if source.contains(TRIGGER) && !vars.iter().any(|(name, _)| name == TRIGGER) {
        let given = crate::event::given(turn, plan)?;
        vars.push((TRIGGER.to_owned(), given.map_or(Var::Null, Var::Body)));
    }
    if source.contains(DAYS) && !vars.iter().any(|(name, _)| name == DAYS) {
        match days(turn, plan)? {
            Ok(days) => vars.push((DAYS.to_owned(), days)),
            Err(why) => return Ok(Err(why)),
        }
    }
    Ok(Ok(vars))
}

/// The dates of yesterday, today and tomorrow when the run began, where its instruction lives.
fn days(turn: &Turn<'_>, plan: &Plan) -> Done<Result<Var, String>> {
    let zone = match plan.flow.of {
        Kind::Instruction if !crate::planted::is("today-is-utc") => {
            crate::resource::zone(turn, &plan.name)?
        }
        _ => "UTC".to_owned(),
    };
    let need = Need::Days(zone, plan.started);
    let Some(Answer::Days(days)) = turn.answers.get(&need) else {
        return Err(Stop::Needs(vec![need]));
    };
    let text = |day: &String| Var::Json(Value::String(day.clone()).to_string());
    Ok(days.clone().map(|days| {
        let names = ["yesterday", "today", "tomorrow"].map(str::to_owned);
        let named = names.into_iter().zip(days.iter().map(text));
        Var::Object(named.collect())
    }))
}

/// The output that a step gets where it names none: that of the step before, and of a reviewed
/// step where the one before is its review.
pub(crate) fn before(plan: &Plan, spec: &StepSpec) -> BodyRef {
    let output = |name: &Name| given_on(plan, name);
    let last = spec.after.last().and_then(|name| {
        let before = plan.known(name)?;
        match before.action.review() {
            Some(review) => output(review.of),
            None => output(name),
        }
    });
    last.unwrap_or(plan.inputs)
}

/// What a step gives on: its output; in a row of steps, what it was given where it gave nothing.
pub(crate) fn given_on(plan: &Plan, name: &Name) -> Option<BodyRef> {
    let mut name = name;
    // each goes one step back, and steps don't go in circles
    for _ in 0..=plan.spec.steps.len() {
        let step = plan.steps.get(name)?;
        if step.output.is_some() || !plan.flow.passes || crate::planted::is("skip-passes-nothing") {
            return step.output;
        }
        let spec = plan.known(name)?;
        let before = spec.after.last().map(|name| {
            let review = plan.known(name).and_then(|spec| spec.action.review());
            review.map_or(name, |review| review.of)
        });
        match before {
            Some(before) => name = before,
            None => return Some(plan.inputs),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use naos_types::Digest;

    #[test]
    fn inputs_are_taken_as_far_as_they_are_named() {
        let all = BodyRef {
            digest: Digest([1; 32]),
            len: 9,
        };
        let some = |names: &[&str]| {
            let names = names.iter().map(|name| (*name).to_owned());
            Var::Fields(all, names.collect())
        };
        for (source, expected) in [
            ("item.name", Var::Null),
            ("inputs.mail + inputs.notes", some(&["mail", "notes"])),
            (
                "{{ inputs.period.to }} {{ inputs.period.from }}",
                some(&["period"]),
            ),
            ("has(inputs.a_1) && inputs.b[0] == 1", some(&["a_1", "b"])),
            ("inputs", Var::Body(all)),
            ("inputs.mail.map(m, inputs)", Var::Body(all)),
            ("inputs[\"mail\"]", Var::Body(all)),
            ("{{ inputs|tojson }}", Var::Body(all)),
            ("inputs .mail", Var::Body(all)),
        ] {
            assert_eq!(inputs(all, source), expected, "{source}");
        }
    }
}
