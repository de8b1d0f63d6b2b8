//! What the names in a plan's templates and conditions stand for.

use naos_types::spec::{InputSpec, InputType, Kind, PlanSpec, StepDo, StepSpec};
use naos_types::{Actor, BodyRef, Code, Name, Refusal};
use serde_json::Value;

use super::Plan;
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
    // Inputs can be large: they are loaded only where they are named.
    let named = |word: &str| match source.contains(word) {
        true => Var::Body(plan.inputs),
        false => Var::Null,
    };
    let mut out = Vec::new();
    if !matches!(plan.flow.of, Kind::Plan | Kind::Instruction) {
        out.push(("input".to_owned(), named("input")));
    }
    out.extend([
        ("inputs".to_owned(), inputs(plan.inputs, source)),
        ("today".to_owned(), text(&plan.started.rfc3339()[..10])),
        (
            "plan".to_owned(),
            Var::Object(vec![("name".to_owned(), text(plan.name.as_str()))]),
        ),
    ]);
    if let Some((items, index)) = at {
        out.push(("item".to_owned(), Var::Item(items, index)));
        out.push(("index".to_owned(), Var::Json(index.to_string())));
    }
    let own = plan.steps.get(step);
    let feedback = own
        .and_then(|step| step.feedback)
        .map_or(Var::Null, Var::Body);
    out.push(("feedback".to_owned(), feedback));
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
        let kept = spec.is_some_and(|spec| matches!(spec.action, StepDo::Compute { .. }));
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
    let source = match &formula {
        Formula::Cel(source) | Formula::Template(source) => source.clone(),
        Formula::Gather | Formula::Recall(_) => String::new(),
    };
    let mut vars = vars(plan, step, at, &source);
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
    turn.compute(Compute { formula, vars })
}

/// The dates of yesterday, today and tomorrow when the run began, where its instruction lives.
fn days(turn: &Turn<'_>, plan: &Plan) -> Done<Result<Var, String>> {
    let zone = match plan.flow.of {
        Kind::Instruction => crate::resource::zone(turn, &plan.name)?,
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
        match &before.action {
            StepDo::Review(review) => output(&review.of),
            _ => output(name),
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
        let before = spec.after.last().map(|name| match plan.known(name) {
            Some(StepSpec {
                action: StepDo::Review(review),
                ..
            }) => &review.of,
            _ => name,
        });
        match before {
            Some(before) => name = before,
            None => return Some(plan.inputs),
        }
    }
    None
}

/// The inputs of a new execution: a JSON object with every input of the plan, of its type, with
/// defaults for those that weren't given and nothing else. What a step of another run gives is what
/// steps gave, which is a text where they wrote a number: it is taken as what the input says.
pub(crate) fn checked_inputs(
    turn: &Turn<'_>,
    by: &Actor,
    spec: &PlanSpec,
    given: BodyRef,
) -> Done<BodyRef> {
    let refuse = |what: String| {
        let refusal = Refusal::new(Code::BAD_REQUEST, what);
        Err(refusal.help(taken(spec)).into())
    };
    let bytes = turn.body(given)?.unwrap_or_default();
    let value: Value = match serde_json::from_slice(bytes) {
        Ok(value) => value,
        Err(_) if bytes.is_empty() => Value::Object(serde_json::Map::new()),
        Err(error) => return refuse(format!("the inputs are no JSON object: {error}")),
    };
    let Value::Object(mut given) = value else {
        return refuse("the inputs are no JSON object".into());
    };
    if let Some(twice) = crate::compute::key_twice(bytes) {
        return refuse(format!("in the inputs, {twice}"));
    }
    let mut inputs = serde_json::Map::new();
    for input in &spec.inputs {
        let value = match (given.remove(&input.name), &input.default) {
            (Some(value), _) => value,
            (None, Some(default)) => serde_json::from_str(default)
                .map_err(|e| Stop::broken(format!("the default of {}: {e}", input.name)))?,
            (None, None) => return refuse(format!("the input {} is missing", input.name)),
        };
        let value = match by {
            Actor::Plan(_) => coerced(input.kind, value),
            _ => value,
        };
        if !fits(input.kind, &value) {
            return refuse(format!(
                "the input {} must be a {}",
                input.name,
                input.kind.word()
            ));
        }
        inputs.insert(input.name.clone(), value);
    }
    if let Some(name) = given.keys().next() {
        return refuse(format!("the plan takes no input {name}"));
    }
    turn.stage(Value::Object(inputs).to_string().into_bytes())
}

/// A text that says a value of the type is that value, and a number or a truth is a text where a
/// text is wanted; anything else stays what it is.
fn coerced(kind: InputType, value: Value) -> Value {
    if crate::planted::is("texts-of-steps-stay-texts") {
        return value;
    }
    match (kind, value) {
        (InputType::String, value @ (Value::Number(_) | Value::Bool(_))) => {
            Value::String(value.to_string())
        }
        (InputType::Any | InputType::String, value) => value,
        (_, Value::String(text)) => match serde_json::from_str(&text) {
            Ok(value) if fits(kind, &value) => value,
            _ => Value::String(text),
        },
        (_, value) => value,
    }
}

/// What a plan takes, in a sentence that says what to do.
fn taken(spec: &PlanSpec) -> String {
    const NAMED_MAX: usize = 12;
    if spec.inputs.is_empty() {
        return "it takes no inputs: leave them out, or give {}".to_owned();
    }
    let one = |input: &InputSpec| {
        let may = if input.default.is_some() {
            ", may be left out"
        } else {
            ""
        };
        format!("{} ({}{may})", input.name, input.kind.word())
    };
    let named: Vec<String> = spec.inputs.iter().take(NAMED_MAX).map(one).collect();
    let more = match spec.inputs.len().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "give a JSON object with the inputs that it takes: {}{more}",
        named.join(", ")
    )
}

fn fits(kind: InputType, value: &Value) -> bool {
    match kind {
        InputType::Any => true,
        InputType::String => value.is_string(),
        InputType::Number => value.is_number(),
        InputType::Boolean => value.is_boolean(),
        InputType::List => value.is_array(),
        InputType::Object => value.is_object(),
    }
}

#[cfg(test)]
mod tests {
    use naos_types::Digest;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_steps_gave_is_taken_as_what_the_input_says() {
        use InputType::{Any, Boolean, List, Number, Object};
        let text = |text: &str| Value::String(text.to_owned());
        for (kind, given, expected) in [
            (Number, text("41"), json!(41)),
            (Number, text(" -4.5\n"), json!(-4.5)),
            (Number, text("4 1"), text("4 1")),
            (Number, text("true"), text("true")),
            (Number, json!(7), json!(7)),
            (Boolean, text("true"), json!(true)),
            (Boolean, json!(1), json!(1)),
            (List, text("[1, \"a\"]"), json!([1, "a"])),
            (Object, text("{\"a\": 1}"), json!({"a": 1})),
            (Object, text("[1]"), text("[1]")),
            (InputType::String, json!(41), text("41")),
            (InputType::String, json!(false), text("false")),
            (InputType::String, text("\"41\""), text("\"41\"")),
            (InputType::String, json!([41]), json!([41])),
            (InputType::String, Value::Null, Value::Null),
            (Any, text("41"), text("41")),
        ] {
            let said = format!("{given} as {}", kind.word());
            assert_eq!(coerced(kind, given), expected, "{said}");
        }
    }

    #[test]
    fn what_is_refused_says_what_is_taken() {
        let input = |name: &str, kind, default: Option<&str>| InputSpec {
            name: name.to_owned(),
            kind,
            default: default.map(str::to_owned),
        };
        let mut spec = PlanSpec {
            description: String::new(),
            inputs: Vec::new(),
            steps: Vec::new(),
            output: None,
        };
        assert!(taken(&spec).starts_with("it takes no inputs"));
        spec.inputs = vec![
            input("who", InputType::String, None),
            input("count", InputType::Number, Some("3")),
        ];
        let said = taken(&spec);
        assert!(
            said.ends_with("who (string), count (number, may be left out)"),
            "{said}"
        );
    }

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
