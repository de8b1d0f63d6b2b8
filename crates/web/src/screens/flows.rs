//! `/flows`: plans, workflows, sagas and instructions, and what came of them.

use naos_engine::read::{Lists, PlanFilter};
use naos_kernel::ResourceKey;
use naos_kernel::resource::Resource;
use naos_types::command::{self, Reply};
use naos_types::spec::{InputSpec, Kind, PlanSpec, Spec, StepDo, StepSpec};
use naos_types::{Code, Name, PlanId, Refusal, Unread};
use serde::Deserialize;
use serde_json::Value;

use super::{form_key, rows, see};
use crate::door::{Answered, Call};
use crate::error::{Fault, unkept};
use crate::pages::agents::LastRun;
use crate::pages::flows::{Flow, FlowRow, Flows, INPUT_CHARS_MAX};
use crate::pages::picture::{Drawn, Picture};
use crate::pages::runs::RunRow;
use crate::pages::words::FlowKind;

/// How many are listed, in all.
const FLOWS_SHOWN: usize = 200;
/// How many runs a page shows at once.
const RUNS_SHOWN: usize = 20;

const KINDS: [(Kind, FlowKind); 4] = [
    (Kind::Plan, FlowKind::Plan),
    (Kind::Workflow, FlowKind::Workflow),
    (Kind::Saga, FlowKind::Saga),
    (Kind::Instruction, FlowKind::Instruction),
];

pub(crate) async fn list(call: Call) -> Answered {
    let reader = call.lists().await?;
    let mut found = Vec::new();
    for (kind, shown) in KINDS {
        let kept = reader.resources(kind, crate::api::v1::NAMES_MAX)?;
        found.extend(kept.into_iter().map(|(key, kept)| (shown, key, kept)));
    }
    let more = found.len().saturating_sub(FLOWS_SHOWN) as u64;
    let mut rows = Vec::new();
    for (kind, key, kept) in found.into_iter().take(FLOWS_SHOWN) {
        rows.push(row(&reader, kind, &key, &kept)?);
    }
    super::page(&call, &Flows { rows, more })
}

/// Its steps as a plan's, or as a flow's: what each waits for, and who does it.
struct Steps<'a> {
    description: &'a str,
    plan: Option<&'a PlanSpec>,
    drawn: Vec<Drawn>,
    /// How many of them only undo others.
    undo: usize,
}

fn steps(spec: &Spec) -> Steps<'_> {
    let of_plan = |plan| Steps {
        description: described(plan),
        plan: Some(plan),
        drawn: plan_steps(plan),
        undo: 0,
    };
    match spec {
        Spec::Plan(plan) => of_plan(plan),
        Spec::Undoable(spec) => Steps {
            undo: spec.flow.undo.len(),
            ..of_plan(&spec.plan)
        },
        Spec::Instruction(spec) => of_plan(&spec.plan),
        Spec::Flow(flow) => Steps {
            description: &flow.description,
            plan: None,
            drawn: flow
                .steps
                .iter()
                .enumerate()
                .map(|(at, step)| {
                    let before = at.checked_sub(1).into_iter().collect();
                    drawn(step.name.to_string(), step.agent.to_string(), before)
                })
                .collect(),
            undo: 0,
        },
        _ => Steps {
            description: "",
            plan: None,
            drawn: Vec::new(),
            undo: 0,
        },
    }
}

fn described(plan: &PlanSpec) -> &str {
    &plan.description
}

fn drawn(name: String, who: String, after: Vec<usize>) -> Drawn {
    Drawn {
        name,
        number: None,
        status: None,
        who,
        after,
        fan: None,
        from_ms: None,
        took_ms: None,
    }
}

fn plan_steps(plan: &PlanSpec) -> Vec<Drawn> {
    let place = |name: &Name| plan.steps.iter().position(|step| step.name == *name);
    let one = |step: &StepSpec| {
        let after = step.after.iter().filter_map(place).collect();
        drawn(step.name.to_string(), does(&step.action), after)
    };
    plan.steps.iter().map(one).collect()
}

/// Who does a step, or what it does: the words of documents.
fn does(action: &StepDo) -> String {
    match action {
        StepDo::Task {
            agent: Some(agent), ..
        } => agent.to_string(),
        StepDo::Review(review) => review.by.to_string(),
        StepDo::CheckedReview(review) => match &review.by {
            Some(by) => by.to_string(),
            None => "checks".to_owned(),
        },
        StepDo::UnreviewedApproval(_) => "approval".to_owned(),
        StepDo::Emit { kind, .. } | StepDo::Ask { kind, .. } => kind.clone(),
        StepDo::Typed(typed) => typed.word.clone(),
        other => {
            let shown = serde_json::json!(other);
            let word = shown.as_object().and_then(|shown| shown.keys().next());
            word.cloned().unwrap_or_default()
        }
    }
}

/// The runs of something.
fn runs(key: &ResourceKey) -> PlanFilter<'_> {
    PlanFilter {
        status: None,
        name: Some(key.1.as_str()),
        kind: Some(key.0),
    }
}

fn row(
    reader: &Lists,
    kind: FlowKind,
    key: &ResourceKey,
    kept: &Resource,
) -> Result<FlowRow, Refusal> {
    let last = reader.plans(&runs(key), None, 1)?;
    let last = last.items.first().map(|(id, plan)| {
        let shown = rows::plan_row(*id, plan, plan.started);
        LastRun {
            id: shown.id,
            status: shown.status,
            paused: shown.paused,
            time_ms: shown.started_ms,
        }
    });
    let steps = steps(&kept.spec);
    Ok(FlowRow {
        kind,
        name: key.1.to_string(),
        description: steps.description.to_owned(),
        steps: steps.drawn.len().saturating_sub(steps.undo) as u64,
        last,
    })
}

/// What the address names.
fn named(call: &Call) -> Result<(ResourceKey, FlowKind), Fault> {
    let word = call.param("kind");
    let found = Kind::parse(word).and_then(|kind| KINDS.into_iter().find(|(k, _)| *k == kind));
    let missing = || Fault::new(Code::NOT_FOUND, format!("nothing runs as a {word}"));
    let (kind, shown) = found.ok_or_else(missing)?;
    Ok((ResourceKey(kind, call.name("name")?), shown))
}

/// The runs of something, newest first, and where there are more.
pub(super) struct Runs {
    pub(super) rows: Vec<RunRow>,
    pub(super) newer: Option<String>,
    pub(super) older: Option<String>,
}

pub(super) fn runs_of(call: &Call, reader: &Lists, key: &ResourceKey) -> Result<Runs, Fault> {
    let before = call.word("before", PlanId::parse)?;
    let found = reader.plans(&runs(key), before, RUNS_SHOWN)?;
    let shown = |(id, plan): &(PlanId, std::sync::Arc<naos_kernel::plan::Plan>)| {
        RunRow {
            about: String::new(), // it stands above
            ..rows::plan_row(*id, plan, call.now)
        }
    };
    Ok(Runs {
        rows: found.items.iter().map(shown).collect(),
        newer: before.map(|_| call.path.clone()),
        older: found
            .next
            .map(|next| format!("{}?before={next}", call.path)),
    })
}

pub(crate) async fn show(call: Call) -> Answered {
    let (key, kind) = named(&call)?;
    let reader = call.lists().await?;
    let kept = reader.find::<Resource>(&key)?.ok_or_else(|| {
        let what = format!("there is no {} {}", key.0.word(), key.1);
        Fault::new(Code::NOT_FOUND, what)
    })?;
    let runs = runs_of(&call, &reader, &key)?;
    let found = steps(&kept.spec);
    let enabled = match &kept.spec {
        Spec::Instruction(spec) if spec.listens.is_some() || spec.schedule.is_some() => {
            Some(spec.enabled)
        }
        _ => None,
    };
    let inputs = found.plan.map_or(&[][..], |plan| &plan.inputs);
    let is_kept = matches!(kept.spec, Spec::Kept(_));
    let admin = call.who()?.role >= naos_types::Role::Admin;
    let page = Flow {
        version: u64::from(kept.version),
        begin: match key.0 {
            Kind::Plan | Kind::Instruction => begin(inputs),
            _ => String::new(),
        },
        inputs: inputs
            .iter()
            .map(|input| (input.name.clone(), input.kind.word().to_owned()))
            .collect(),
        kept: is_kept,
        enabled,
        run_key: (!is_kept && !found.drawn.is_empty()).then(form_key),
        enable_key: (admin && enabled.is_some()).then(form_key),
        picture: Picture {
            steps: found.drawn,
            whole_ms: 0,
        },
        row: row(&reader, kind, &key, &kept)?,
        runs: runs.rows,
        newer: runs.newer,
        older: runs.older,
    };
    super::page(&call, &page)
}

/// What the form begins with: each input as it is where nobody says it, or else the shortest value
/// of its type. So it runs as it stands.
fn begin(inputs: &[InputSpec]) -> String {
    let whole = written(inputs.iter());
    if whole.chars().count() <= INPUT_CHARS_MAX {
        return whole;
    }
    written(inputs.iter().filter(|input| input.default.is_none()))
}

fn written<'i>(inputs: impl Iterator<Item = &'i InputSpec>) -> String {
    let one = |input: &InputSpec| {
        let value = match &input.default {
            None => input.kind.shortest(),
            Some(default) => serde_json::from_str(default).ok()?,
        };
        // One that doesn't fit is only taken where it isn't said.
        let name = Value::from(input.name.as_str());
        (input.kind.fits(&value)).then(|| format!("{name}: {value}"))
    };
    let all: Vec<String> = inputs.filter_map(one).collect();
    match all.is_empty() {
        true => String::new(),
        false => format!("{{{}}}", all.join(", ")),
    }
}

#[derive(Deserialize)]
struct Verb {
    #[serde(rename = "do")]
    verb: String,
    idempotency_key: String,
}

pub(crate) async fn enable(mut call: Call) -> Answered {
    let form: Verb = call.form()?;
    call.keyed(&form.idempotency_key)?;
    let (ResourceKey(kind, name), _) = named(&call)?;
    let on = match form.verb.as_str() {
        "enable" => true,
        "disable" => false,
        _ => return Err(Fault::new(Code::BAD_REQUEST, "the form doesn't parse")),
    };
    call.ask("", command::Resource::Enable { kind, name, on }, Vec::new())
        .await?;
    Ok(see(&call.path))
}

#[derive(Deserialize)]
struct Given {
    #[serde(default)]
    input: String,
    idempotency_key: String,
}

/// Runs it: a plan and an instruction with values by name, all else with a text.
pub(crate) async fn run(mut call: Call) -> Answered {
    let form: Given = call.form()?;
    if form.input.chars().count() > INPUT_CHARS_MAX {
        let what = format!("an input has at most {INPUT_CHARS_MAX} characters");
        return Err(Fault::new(Code::TOO_LARGE, what));
    }
    call.keyed(&form.idempotency_key)?;
    let (ResourceKey(of, name), _) = named(&call)?;
    let text = match of {
        Kind::Plan | Kind::Instruction => values(&form.input)?,
        _ => form.input,
    };
    let (inputs, body) = call.content(text)?;
    let command = command::Plan::Start { of, name, inputs };
    let (_, reply) = call.ask("", command, vec![body]).await?;
    began(&reply)
}

/// To the page of what began.
pub(super) fn began(reply: &Reply) -> Answered {
    match reply {
        Reply::Plan(id) => Ok(see(&format!("/plans/{id}"))),
        _ => Err(Fault::new(Code::INTERNAL, "it was started without an id")),
    }
}

/// Values by name; nothing typed is none.
fn values(text: &str) -> Result<String, Fault> {
    if text.trim().is_empty() {
        return Ok("{}".to_owned());
    }
    let why = match naos_types::read_exactly(text.as_bytes()) {
        Ok(read @ Value::Object(_)) => return Ok(read.to_string()),
        Ok(_) => String::new(),
        Err(Unread::NoJson(error)) => format!(": {error}"),
        Err(found) => return Err(unkept(&found)),
    };
    let what = format!("the input is no JSON object{why}");
    Err(Refusal::new(Code::BAD_REQUEST, what)
        .help("write {\"name\": \"value\"}")
        .into())
}
