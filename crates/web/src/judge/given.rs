//! Whoever starts a plan gives it what it takes: schedules, events and steps of other plans, as far
//! as what they give can be read before they do.

use std::collections::BTreeMap;

use naos_manifest::Diagnostic;
use naos_types::Name;
use naos_types::command::{self, Command};
use naos_types::spec::{InputSpec, Kind, Spec, StepDo, StepSpec, misfits, taken};
use serde_json::{Map, Value};

use super::{Document, Item, fault_in, fault_of_step};

/// What is given to what is started.
enum Given<'s> {
    /// This JSON.
    Json(&'s str),
    /// What this template gives.
    Template(&'s str),
    /// Those inputs of the plan above that it takes.
    Above(&'s [InputSpec]),
}

/// Something that starts a plan.
struct Start<'s> {
    kind: Kind,
    name: &'s Name,
    /// The step that does, where a step does.
    step: Option<&'s Name>,
    given: Given<'s>,
}

/// All that something starts and gives something to.
fn starts_of<'s>(own: &'s Name, spec: &'s Spec) -> Vec<Start<'s>> {
    let mut out = Vec::new();
    let timed = match spec {
        Spec::Schedule(spec) => spec.starts.run(),
        Spec::Instruction(spec) => {
            let schedule = spec.schedule.as_ref();
            let given = schedule.and_then(|schedule| schedule.starts.run());
            given.map(|(kind, _, input)| (kind, own, input))
        }
        _ => None,
    };
    out.extend(timed.map(|(kind, name, input)| Start {
        kind,
        name,
        step: None,
        given: Given::Json(input),
    }));
    let heard = spec.listens().and_then(|spec| spec.starts.as_ref());
    if let Some(starts) = heard
        && let Some(input) = &starts.input
    {
        out.push(Start {
            kind: starts.kind,
            name: &starts.name,
            step: None,
            given: Given::Template(input),
        });
    }
    let Some(plan) = spec.plan() else { return out };
    out.extend(
        plan.steps
            .iter()
            .filter_map(|step| begun_by(step, &plan.inputs)),
    );
    out
}

/// What a step of a plan with these inputs starts.
fn begun_by<'s>(step: &'s StepSpec, above: &'s [InputSpec]) -> Option<Start<'s>> {
    let StepDo::Plan { of, name, input } = &step.action else {
        return None;
    };
    let given = match input {
        Some(input) => Given::Template(input),
        // Without a step before it there is nothing else that it could be given.
        None if step.after.is_empty() && step.for_each.is_none() => Given::Above(above),
        None => return None,
    };
    Some(Start {
        kind: *of,
        name,
        step: Some(&step.name),
        given,
    })
}

impl Given<'_> {
    /// What is wrong with it, and what to do; none where it fits, or isn't known. `by_step` says
    /// that a step gives it.
    fn unfit(&self, to: &Spec, by_step: bool) -> Option<(String, String)> {
        let inputs = &to.plan()?.inputs;
        let known = match self {
            Given::Json(text) => literal(text)?,
            Given::Template(source) if source.trim().is_empty() => Members::new(),
            Given::Template(source) if source.contains("{{") => written(source)?,
            Given::Template(source) if source.contains("{%") => return None,
            Given::Template(source) => match literal(source) {
                Some(known) => known,
                None => {
                    let what = "what it is given is no JSON object";
                    return Some((what.to_owned(), taken(inputs)));
                }
            },
            Given::Above(above) => {
                let there = |input: &&InputSpec| inputs.iter().any(|it| it.name == input.name);
                let named = above.iter().filter(there);
                named.map(|input| (input.name.clone(), None)).collect()
            }
        };
        let known = known
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_ref()));
        let found = misfits(inputs, known, by_step);
        (!found.is_empty()).then(|| (found.join(", "), taken(inputs)))
    }
}

impl Start<'_> {
    fn unfit(&self, to: &Spec) -> Option<(String, String)> {
        self.given.unfit(to, self.step.is_some())
    }

    /// Who gives what to whom, behind whose it is.
    fn says(&self, kind: Kind, own: &Name, what: &str) -> String {
        let whose = format!("{} {own}", kind.word());
        let of = match self.step {
            Some(step) => format!("step {step} of {whose}"),
            None => whose,
        };
        if self.kind == kind && self.name == own {
            return format!("{of} starts by itself, and nobody gives what it takes: {what}");
        }
        let started = format!("{} {}", self.kind.word(), self.name);
        format!("{of} doesn't give {started} what it takes: {what}")
    }
}

/// The members of an object, with their values where these are known.
type Members = BTreeMap<String, Option<Value>>;

fn literal(text: &str) -> Option<Members> {
    let members: Map<String, Value> = serde_json::from_str(text).ok()?;
    Some(
        members
            .into_iter()
            .map(|(name, value)| (name, Some(value)))
            .collect(),
    )
}

/// The members of an object that a template writes (`{{ {"a": 1, "b": (c)} | tojson }}`); none
/// where it isn't known which there are.
fn written(source: &str) -> Option<Members> {
    let object = source.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    let object = object.trim().strip_suffix("tojson")?.trim_end();
    let object = object.strip_suffix('|')?.trim();
    let mut rest = object.strip_prefix('{')?.strip_suffix('}')?.trim();
    let mut out = Members::new();
    while !rest.is_empty() {
        let mut key = serde_json::Deserializer::from_str(rest).into_iter::<String>();
        let name = key.next()?.ok()?;
        let behind = rest
            .get(key.byte_offset()..)?
            .trim_start()
            .strip_prefix(':')?;
        let end = value_end(behind)?;
        let value = behind[..end].trim();
        let value = match value {
            "none" => Some(Value::Null),
            value => serde_json::from_str(value).ok(),
        };
        out.insert(name, value);
        rest = behind[end..].trim_start_matches(',').trim_start();
    }
    Some(out)
}

/// Where the value that a text begins with ends: at a comma outside of brackets and quotes.
fn value_end(text: &str) -> Option<usize> {
    let (mut depth, mut quote, mut escaped) = (0_usize, None, false);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth = depth.checked_sub(1)?,
            (None, ',') if depth == 0 => return Some(at),
            (None, _) => {}
        }
    }
    (depth == 0 && quote.is_none()).then_some(text.len())
}

/// What was applied, by what it is.
pub(super) fn applied(items: &[Item]) -> impl Iterator<Item = (&Item, Kind, &Name, &Spec)> {
    items.iter().filter_map(|item| match &item.command {
        Command::Resource(command::Resource::Apply { kind, name, spec }) => {
            Some((item, *kind, name, spec))
        }
        _ => None,
    })
}

/// An error for each thing in the documents that starts a plan with what that doesn't take; `kept`
/// gives what there is beside the documents. What isn't there at all is told elsewhere.
pub(crate) fn misgiven<E>(
    documents: &[Document<'_>],
    items: &[Item],
    mut kept: impl FnMut(Kind, &Name) -> Result<Option<Spec>, E>,
) -> Result<Vec<Diagnostic>, E> {
    let here: BTreeMap<(Kind, &Name), &Spec> = applied(items)
        .map(|(_, kind, name, spec)| ((kind, name), spec))
        .collect();
    let mut out = Vec::new();
    for (item, kind, name, spec) in applied(items) {
        for start in starts_of(name, spec) {
            let found = match here.get(&(start.kind, start.name)) {
                Some(to) => start.unfit(to),
                None => kept(start.kind, start.name)?.and_then(|to| start.unfit(&to)),
            };
            let Some((what, help)) = found else { continue };
            let says = (start.says(kind, name, &what), Some(help));
            let named = (Some(start.kind), start.name.as_str());
            out.push(fault_of_step(documents, item, start.step, named, says));
        }
    }
    Ok(out)
}

/// A warning for each of `others`, which aren't in the documents, that gives a plan of the
/// documents what it takes no more.
pub(crate) fn outgrown<'o>(
    documents: &[Document<'_>],
    items: &[Item],
    others: impl Iterator<Item = (Kind, &'o Name, &'o Spec)>,
) -> Vec<Diagnostic> {
    let here: BTreeMap<(Kind, &Name), (&Item, &Spec)> = applied(items)
        .map(|(item, kind, name, spec)| ((kind, name), (item, spec)))
        .collect();
    let mut out = Vec::new();
    for (kind, name, spec) in others.filter(|(kind, name, _)| !here.contains_key(&(*kind, *name))) {
        for start in starts_of(name, spec) {
            let Some((item, to)) = here.get(&(start.kind, start.name)) else {
                continue;
            };
            if let Some((what, help)) = start.unfit(to) {
                let what = start.says(kind, name, &what);
                let help = format!("apply {} {name} anew: {help}", kind.word());
                out.push(fault_in(documents, item, &item.name, what, Some(help)));
            }
        }
    }
    out
}

/// What is wrong with what a schedule gives to what it starts; none where that fits.
pub(crate) fn given_wrongly(input: &str, to: &Spec) -> Option<String> {
    let found = Given::Json(input).unfit(to, false);
    found.map(|(what, _)| what)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_template_writes_is_read_as_far_as_it_is_known() {
        let read = |source: &str| {
            let found = written(source)?;
            let shown = |value: Option<Value>| value.unwrap_or_else(|| json!("?"));
            let all = found.into_iter().map(|(name, value)| (name, shown(value)));
            Some(Value::Object(all.collect()))
        };
        for (source, expected) in [
            ("{{ {} | tojson }}", json!({})),
            (
                r#"{{ {"a": 1, "b": (x.output), "c": "d, e"} | tojson }}"#,
                json!({"a": 1, "b": "?", "c": "d, e"}),
            ),
            (
                r#"{{ {"a, b": concat("x,", (y["z"]), '}'), "c": [1, {"d": none}]} | tojson }}"#,
                json!({"a, b": "?", "c": "?"}),
            ),
            (
                r#"{{ {"a": none, "b": [1, 2], "c": days.today} | tojson }}"#,
                json!({"a": null, "b": [1, 2], "c": "?"}),
            ),
        ] {
            assert_eq!(read(source), Some(expected), "{source}");
        }
        for source in [
            "{{ a.output | tojson }}",
            "{{ (a.output) | tojson }}",
            "hello {{ a }}",
            r#"{{ {"a": (b} | tojson }}"#,
            r#"{{ {"a" 1} | tojson }}"#,
            r#"{"a": {{ b }}}"#,
        ] {
            assert_eq!(read(source), None, "{source}");
        }
    }
}
