//! What a step does.

use std::sync::Arc;

use naos_types::spec::{
    ApprovalSpec, CheckedReview, Kind, STEP_TYPES, StepDo, StepGiven, StepType, TypedStep,
};
use naos_types::{Name, Role};

use super::{Sort, Texts, step_name};
use crate::diagnostic::Findings;
use crate::event;
use crate::instruction;
use crate::reader::{self, Fields};
use crate::result_checks;
use crate::tree::{Mark, Node, Value};

const ROUNDS_MAX: i64 = 10;
const ROUNDS_DEFAULT: u32 = 2;

/// Those of more than one sort of result, beside [`STEP_TYPES`].
const ACTIONS: [&str; 13] = [
    "task",
    "agent",
    "compute",
    "render",
    "review",
    "approval",
    "document",
    "emit",
    "wait_for",
    "plan",
    "workflow",
    "saga",
    "instruction",
];

/// A template among a map's keys.
fn template<'t>(
    map: &mut Fields<'t>,
    names: &[&'static str],
    texts: &mut Texts<'t>,
    findings: &mut Findings,
) -> Option<String> {
    let node = map.node(names, findings)?;
    let source = reader::text(node, names[0], findings)?;
    texts.push((Sort::Template, source.clone(), node));
    Some(instruction::in_place(&source))
}

pub(super) fn read<'t>(
    map: &mut Fields<'t>,
    name: &Name,
    texts: &mut Texts<'t>,
    of_at: &mut Mark,
    findings: &mut Findings,
) -> Option<StepDo> {
    let own = STEP_TYPES.iter().map(|known| known.word);
    let actions: Vec<&'static str> = ACTIONS.into_iter().chain(own).collect();
    let there: Vec<&'static str> = actions
        .iter()
        .copied()
        .filter(|action| map.has(action))
        .collect();
    let action = match there[..] {
        // `agent` beside `task: a title` says who
        ["task", "agent"] => "task",
        [action] => action,
        [] => {
            // what stands instead of an action is the unknown key
            map.skip(&actions);
            let help = format!("a step has one of {}", actions.join(", "));
            findings.error_help(map.at, format!("the step {name} does nothing"), help);
            return None;
        }
        _ => {
            map.skip(&actions);
            let what = format!("the step {name} does several things: {}", there.join(", "));
            findings.error_help(map.at, what, "make a step of each");
            return None;
        }
    };
    match action {
        "task" | "agent" => task(map, name, texts, findings),
        "compute" => {
            let node = map.node(&["compute"], findings)?;
            let cel = reader::text(node, "compute", findings)?;
            texts.push((Sort::Expression, cel.clone(), node));
            Some(StepDo::Compute { cel })
        }
        "render" => {
            let template = template(map, &["render"], texts, findings)?;
            Some(StepDo::Render { template })
        }
        "review" => review(map, texts, of_at, findings),
        "approval" => approval(map, texts, findings),
        "document" => document(map, texts, findings),
        "wait_for" => super::wait::read(map, texts, findings),
        "plan" | "workflow" | "saga" | "instruction" => nested(map, action, texts, of_at, findings),
        "emit" => emit(map, texts, findings),
        word => {
            let known = STEP_TYPES.iter().find(|known| known.word == word)?;
            typed(map, known, texts, findings)
        }
    }
}

/// A step of a type that says what is given to it: a text alone is the first of it.
fn typed<'t>(
    map: &mut Fields<'t>,
    known: &StepType,
    texts: &mut Texts<'t>,
    findings: &mut Findings,
) -> Option<StepDo> {
    let node = map.node(&[known.word], findings)?;
    let mut given = Vec::new();
    if matches!(node.value, Value::Map(_)) {
        let mut own = Fields::of(node, &format!("`{}`", known.word), findings)?;
        let mut is_whole = true;
        for field in known.fields {
            match template(&mut own, &[field.word], texts, findings) {
                Some(text) => given.push((field.word.to_owned(), text)),
                None if field.needed => {
                    let what = format!("`{}` of `{}` is missing", field.word, known.word);
                    findings.error(node.at, what);
                    is_whole = false;
                }
                None => {}
            }
        }
        own.finish(findings);
        if !is_whole {
            return None;
        }
    } else {
        let text = reader::text(node, known.word, findings)?;
        texts.push((Sort::Template, text.clone(), node));
        let text = instruction::in_place(&text);
        given.extend(
            known
                .fields
                .first()
                .map(|first| (first.word.to_owned(), text)),
        );
    }
    // What is the same in each run is looked at now.
    let is_fixed = |text: &str| !text.contains("{{") && !text.contains("{%");
    let judged = known.fields.iter().try_for_each(|field| {
        let said = given
            .iter()
            .find(|(word, text)| word == field.word && is_fixed(text));
        said.map_or(Ok(()), |(_, text)| field.check(text))
    });
    let judged = judged.and_then(|()| {
        let is_all = given.iter().all(|(_, text)| is_fixed(text));
        if is_all {
            (known.does)(&StepGiven::of(&given)).map(drop)
        } else {
            Ok(())
        }
    });
    if let Err(why) = judged {
        findings.error(node.at, why);
        return None;
    }
    let word = known.word.to_owned();
    Some(StepDo::Typed(Arc::new(TypedStep { word, given })))
}

fn task<'t>(
    map: &mut Fields<'t>,
    name: &Name,
    texts: &mut Texts<'t>,
    findings: &mut Findings,
) -> Option<StepDo> {
    let titled = |title: Option<String>| title.unwrap_or_else(|| name.as_str().replace('-', " "));
    let agent = map.name(&["agent"], findings);
    let title = template(map, &["title"], texts, findings);
    let input = template(map, &["input"], texts, findings);
    let Some(node) = map.node(&["task"], findings) else {
        return Some(StepDo::Task {
            agent,
            title: titled(title),
            input,
        });
    };
    if matches!(node.value, Value::Text(_)) {
        let own = reader::text(node, "task", findings)?;
        texts.push((Sort::Template, own.clone(), node));
        return Some(StepDo::Task {
            agent,
            title: titled(title.or(Some(own))),
            input,
        });
    }
    let mut own = Fields::of(node, "`task`", findings)?;
    let agent = own.name(&["agent", "by"], findings).or(agent);
    let title = template(&mut own, &["title"], texts, findings).or(title);
    let input = template(&mut own, &["input"], texts, findings).or(input);
    own.finish(findings);
    Some(StepDo::Task {
        agent,
        title: titled(title),
        input,
    })
}

fn review<'t>(
    map: &mut Fields<'t>,
    texts: &mut Texts<'t>,
    of_at: &mut Mark,
    findings: &mut Findings,
) -> Option<StepDo> {
    let node = map.node(&["review"], findings)?;
    let mut own = Fields::of(node, "`review`", findings)?;
    let of = own.node(&["of"], findings);
    let by = own.name(&["by", "agent"], findings);
    let input = template(&mut own, &["input"], texts, findings);
    let rounds = own.whole(&["rounds", "rounds_max"], (0, ROUNDS_MAX), findings);
    let checks = match own.node(&["checks"], findings) {
        Some(node) => result_checks::read(node, texts, findings),
        None => Vec::new(),
    };
    own.finish(findings);
    let Some(of) = of.filter(|_| by.is_some() || !checks.is_empty()) else {
        let help = "write `review: {of: STEP, by: AGENT}`; with `checks` alone nobody is asked";
        findings.error_help(node.at, "a review says `of` which step and `by` whom", help);
        return None;
    };
    *of_at = of.at;
    let of = step_name(of, "of", findings)?;
    let called = of.as_str().replace('-', "_");
    let input = input.unwrap_or_else(|| format!("{{{{ {called}.output }}}}"));
    let rounds_max = rounds
        .and_then(|n| u32::try_from(n).ok())
        .unwrap_or(ROUNDS_DEFAULT);
    let review = CheckedReview {
        of,
        by,
        input,
        rounds_max,
        checks,
    };
    Some(review.into())
}

fn approval<'t>(
    map: &mut Fields<'t>,
    texts: &mut Texts<'t>,
    findings: &mut Findings,
) -> Option<StepDo> {
    let node = map.node(&["approval"], findings)?;
    if matches!(node.value, Value::Text(_)) {
        let title = reader::text(node, "approval", findings)?;
        texts.push((Sort::Template, title.clone(), node));
        return Some(StepDo::Approval {
            title,
            body: None,
            role: Role::Staff,
            expires: None,
        });
    }
    let mut own = Fields::of(node, "`approval`", findings)?;
    let title = template(&mut own, &["title"], texts, findings);
    let body = template(&mut own, &["body"], texts, findings);
    let roles = ["external", "staff", "admin", "owner"];
    let role = match own.word(&["role"], &roles, findings) {
        Some("external") => Role::External,
        Some("admin") => Role::Admin,
        Some("owner") => Role::Owner,
        _ => Role::Staff,
    };
    let expires = own.span(&["expires", "timeout"], 1, findings);
    let unreviewed = own.bool(&["unreviewed"], findings).unwrap_or_default();
    own.finish(findings);
    if title.is_none() {
        findings.error(node.at, "`title` is missing: the question");
    }
    if unreviewed {
        return Some(StepDo::UnreviewedApproval(Arc::new(ApprovalSpec {
            title: title?,
            body,
            role,
            expires,
        })));
    }
    Some(StepDo::Approval {
        title: title?,
        body,
        role,
        expires,
    })
}

fn document<'t>(
    map: &mut Fields<'t>,
    texts: &mut Texts<'t>,
    findings: &mut Findings,
) -> Option<StepDo> {
    let node = map.node(&["document"], findings)?;
    if matches!(node.value, Value::Text(_)) {
        let path = reader::text(node, "document", findings)?;
        texts.push((Sort::Template, path.clone(), node));
        super::no_soul(&path, node.at, findings);
        return Some(StepDo::Document { path, text: None });
    }
    let mut own = Fields::of(node, "`document`", findings)?;
    let path_at = own
        .node(&["path"], findings)
        .map_or(node.at, |node| node.at);
    let path = template(&mut own, &["path"], texts, findings);
    let text = template(&mut own, &["text"], texts, findings);
    own.finish(findings);
    if let Some(path) = &path {
        super::no_soul(path, path_at, findings);
    }
    if path.is_none() {
        findings.error(node.at, "`path` is missing: where the document stands");
    }
    Some(StepDo::Document { path: path?, text })
}

fn emit<'t>(
    map: &mut Fields<'t>,
    texts: &mut Texts<'t>,
    findings: &mut Findings,
) -> Option<StepDo> {
    let node = map.node(&["emit"], findings)?;
    let (kind, data) = match &node.value {
        Value::Map(_) => {
            let mut own = Fields::of(node, "`emit`", findings)?;
            let kind = own.node(&["type", "event"], findings);
            let data = own.node(&["data"], findings);
            own.finish(findings);
            (kind, data)
        }
        _ => (Some(node), None),
    };
    let Some(kind_node) = kind else {
        findings.error(node.at, "`type` is missing: the event's type");
        return None;
    };
    let kind = event::said(kind_node, "type", findings)?;
    let data = match data {
        None => None,
        // A day is a word here; instructions have days of their own.
        Some(node) => Some(value(node, false, texts, findings)?),
    };
    Some(StepDo::Emit { kind, data })
}

/// A text as it is, in which no value writes keys of its own where it is JSON; of anything else the
/// JSON, in which values keep their types, whatever they are.
fn value<'t>(
    node: &'t Node,
    days: bool,
    texts: &mut Texts<'t>,
    findings: &mut Findings,
) -> Option<String> {
    let source = match &node.value {
        Value::Text(text) => instruction::of_values(text, node, findings)?,
        _ => instruction::template(node, days, findings)?,
    };
    texts.push((Sort::Template, source.clone(), node));
    Some(source)
}

/// Runs another plan: `plan: NAME` with `inputs` beside it, or both beneath it.
fn nested<'t>(
    map: &mut Fields<'t>,
    action: &'static str,
    texts: &mut Texts<'t>,
    of_at: &mut Mark,
    findings: &mut Findings,
) -> Option<StepDo> {
    let node = map.node(&[action], findings)?;
    let of = Kind::parse(action)?;
    let own_input = map.node(&["inputs", "input"], findings);
    let (name, input) = match &node.value {
        Value::Map(_) => {
            let mut own = Fields::of(node, "what it runs", findings)?;
            let name = own.node(&["name", "id"], findings);
            let input = own.node(&["inputs", "input"], findings);
            own.finish(findings);
            if name.is_none() {
                findings.error(node.at, format!("`name` is missing: which {action}"));
            }
            (name?, input.or(own_input))
        }
        _ => (node, own_input),
    };
    *of_at = name.at;
    let text = reader::text(name, action, findings)?;
    let called = reader::made_name(&text, name.at, findings)?;
    let input = match input {
        None => None,
        Some(node) => Some(value(node, true, texts, findings)?),
    };
    Some(StepDo::Plan {
        of,
        name: called,
        input,
    })
}
