//! `/apply`: documents into resources. Every file is read and judged before anything changes.

use std::collections::{BTreeMap, BTreeSet};

use naos_engine::read::Reader;
use naos_kernel::ResourceKey;
use naos_kernel::agent::Agent;
use naos_kernel::budget::Budget;
use naos_kernel::resource::Resource;
use naos_manifest::{AgentDoc, Applied, Diagnostic, Files, parse_document};
use naos_types::command::{self, Command, Reply};
use naos_types::spec::{AgentSpec, Handler, Kind, PlanSpec, Spec, StepDo};
use naos_types::{Code, Digest, Name, RunLimits, Seq, TenantId};
use serde::Deserialize;
use serde_json::{Value, json};

use super::notices::may_sign;
use super::rules::Rules;
use crate::app::Desk;
use crate::door::{Answered, Call, ok};
use crate::error::Fault;

/// How many files one request may hold.
const FILES_MAX: usize = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Apply {
    files: Vec<File>,
    /// What the paths of components in the files stand for: sent to `/components` before.
    #[serde(default)]
    components: BTreeMap<String, Digest>,
    #[serde(default)]
    strict: bool,
    #[serde(default)]
    dry_run: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    text: String,
}

/// Files beside a document: only their digests came along.
struct Sent<'a>(&'a BTreeMap<String, Digest>);

impl Files for Sent<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        match self.0.get(path) {
            // Its digest takes the place of that of these bytes.
            Some(_) => Ok(Vec::new()),
            None => Err("its component wasn't sent along: `naos apply` does that".into()),
        }
    }
}

fn diagnostic(d: &Diagnostic) -> Value {
    json!({
        "file": d.file,
        "line": d.line,
        "column": d.column,
        "what": d.what,
        "help": d.help,
        "code": d.code,
    })
}

fn refused(found: &[Diagnostic]) -> Fault {
    let what = match found {
        [only] => only.to_string(),
        [first, rest @ ..] => format!("{first} (and {} more)", rest.len()),
        [] => "the documents don't parse".to_owned(),
    };
    let code = found.first().map_or(Code::BAD_DOCUMENT, |first| first.code);
    let mut fault = Fault::new(Code::BAD_DOCUMENT, what);
    if code == Code::TOO_LARGE {
        fault.refusal.code = code;
    }
    fault.with("diagnostics", found.iter().map(diagnostic).collect())
}

/// One thing to make.
struct Item {
    kind: Kind,
    name: Name,
    file: String,
    command: Command,
    /// A new agent that isn't to take work at once.
    stopped: bool,
}

pub(crate) async fn apply(call: Call) -> Answered {
    let asked: Apply = call.json()?;
    if asked.files.len() > FILES_MAX {
        let what = format!("at most {FILES_MAX} files are applied at once");
        return Err(Fault::new(Code::TOO_LARGE, what));
    }
    let tenant = call.who()?.tenant;
    let (mut items, mut warnings, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for file in &asked.files {
        match parse_document(&file.name, &file.text, &Sent(&asked.components), &Rules) {
            Ok(applied) => {
                warnings.extend(applied.warnings.iter().map(diagnostic));
                gather(
                    (&call.desk, tenant),
                    file,
                    applied,
                    &asked.components,
                    &mut items,
                    &mut errors,
                );
            }
            Err(found) => errors.extend(found.0),
        }
    }
    check_twice(&items, &mut errors);
    let reader = call.reader()?;
    let waiting = missing(&reader, &items)?;
    if asked.strict {
        errors.extend(waiting);
    } else {
        warnings.extend(waiting.iter().map(diagnostic));
    }
    if !errors.is_empty() {
        return Err(refused(&errors));
    }
    if call.role_is_below_owner()? && items.iter().any(|item| item.kind == Kind::Budget) {
        let what = "the documents set budgets: this takes the role owner";
        return Err(Fault::new(Code::NOT_ALLOWED, what));
    }
    let mut done = Vec::new();
    let mut last: Seq = reader.seq()?;
    for (index, item) in items.into_iter().enumerate() {
        let result = if asked.dry_run {
            foreseen(&reader, &item)?
        } else {
            let (seq, result) = make(&call, &reader, index, &item)
                .await
                .map_err(|fault| fault.with("done", Value::Array(done.clone())))?;
            last = last.max(seq);
            result
        };
        done.push(json!({"kind": item.kind, "name": item.name, "result": result}));
    }
    ok(&json!({"items": done, "warnings": warnings, "dry_run": asked.dry_run, "seq": last}))
}

fn start(file: &str, what: String, help: Option<String>) -> Diagnostic {
    Diagnostic {
        file: file.to_owned(),
        line: 1,
        column: 1,
        what,
        help,
        code: Code::BAD_DOCUMENT,
    }
}

/// The things that one file makes; agents before what names them.
fn gather(
    (desk, tenant): (&Desk, TenantId),
    file: &File,
    applied: Applied,
    components: &BTreeMap<String, Digest>,
    items: &mut Vec<Item>,
    errors: &mut Vec<Diagnostic>,
) {
    let mut push = |kind, name: Name, stopped, command: Command| {
        let file = file.name.clone();
        items.push(Item {
            kind,
            name,
            file,
            command,
            stopped,
        });
    };
    for (name, doc) in applied.agents {
        let budget = doc.budget.clone();
        let stopped = !doc.auto_start;
        match agent(desk, doc, components) {
            Ok(spec) => {
                let apply = command::Agent::Apply {
                    name: name.clone(),
                    spec,
                };
                push(Kind::Agent, name.clone(), stopped, apply.into());
            }
            Err((what, help)) => {
                errors.push(start(&file.name, format!("agent {name}: {what}"), help));
            }
        }
        if let Some(spec) = budget {
            let set = command::Budget::Set {
                agent: name.clone(),
                spec: Some(spec),
            };
            push(Kind::Budget, name, false, set.into());
        }
    }
    for (name, doc) in applied.skills {
        let mut spec = doc.spec;
        if let (Handler::Wasm(digest), Some(source)) = (&mut spec.handler, &doc.source)
            && let Some(sent) = components.get(source)
        {
            *digest = *sent;
        }
        let (kind, spec) = (Kind::Skill, Spec::Skill(spec));
        let apply = command::Resource::Apply {
            kind,
            name: name.clone(),
            spec,
        };
        push(kind, name, false, apply.into());
    }
    for (name, plan) in applied.plans {
        let (kind, spec) = (Kind::Plan, Spec::Plan(plan));
        let apply = command::Resource::Apply {
            kind,
            name: name.clone(),
            spec,
        };
        push(kind, name, false, apply.into());
    }
    for (name, spec) in applied.budgets {
        let set = command::Budget::Set {
            agent: name.clone(),
            spec: Some(spec),
        };
        push(Kind::Budget, name, false, set.into());
    }
    for (name, notice) in applied.notices {
        if let Err(what) = may_sign(desk, tenant, &notice) {
            errors.push(start(&file.name, format!("notice {name}: {what}"), None));
            continue;
        }
        let (kind, spec) = (Kind::Notice, Spec::Notice(notice));
        let apply = command::Resource::Apply {
            kind,
            name: name.clone(),
            spec,
        };
        push(kind, name, false, apply.into());
    }
    for kept in applied.kept {
        let (kind, spec) = (kept.kind, Spec::Kept(kept.json));
        let apply = command::Resource::Apply {
            kind,
            name: kept.name.clone(),
            spec,
        };
        push(kind, kept.name, false, apply.into());
    }
    if applied.overall_budget.is_some() {
        let what = "a limit over all agents isn't kept by this version".to_owned();
        let help = Some("set one for each agent: `budgets: {AGENT: …}`".to_owned());
        errors.push(start(&file.name, what, help)); // a limit that nobody keeps is worse than none
    }
}

/// The agent with its component; what its document doesn't say is its template's.
fn agent(
    desk: &Desk,
    doc: AgentDoc,
    components: &BTreeMap<String, Digest>,
) -> Result<AgentSpec, (String, Option<String>)> {
    let mut spec = doc.spec;
    let source = doc.source.as_deref();
    let named = source.and_then(|source| {
        components
            .get(source)
            .copied()
            .or_else(|| Digest::parse(source))
    });
    if named.is_some() {
        spec.component = named;
    }
    let wanted = spec
        .template
        .clone()
        .or_else(|| source.filter(|_| named.is_none()).map(str::to_owned));
    if let Some(name) = wanted {
        let Some(template) = desk.template(&name) else {
            let what = if name.contains(['/', '.']) {
                format!("its component {name} wasn't sent along")
            } else {
                format!("there is no template {name}")
            };
            let names: Vec<_> = desk.app.templates.iter().map(|t| t.name.as_str()).collect();
            return Err((what, Some(format!("templates: {}", names.join(", ")))));
        };
        let base = &template.spec;
        spec.template = Some(name);
        spec.component = spec.component.or(Some(template.component));
        if spec.description.is_empty() {
            spec.description.clone_from(&template.description);
        }
        if spec.limits == RunLimits::default() {
            spec.limits = base.limits.clone();
        }
        if spec.grants == Default::default() {
            spec.grants = base.grants.clone();
        }
        if spec.patterns.is_empty() {
            spec.patterns.clone_from(&base.patterns);
        }
    }
    Ok(spec)
}

/// A name stands for one thing of a kind, over all files.
fn check_twice(items: &[Item], errors: &mut Vec<Diagnostic>) {
    let mut seen = BTreeSet::new();
    for item in items {
        if !seen.insert((item.kind, &item.name)) {
            let what = format!("{} {} is there twice", item.kind.word(), item.name);
            errors.push(start(&item.file, what, None));
        }
    }
}

/// What is named and isn't there: neither here nor in the tenant.
fn missing(reader: &Reader, items: &[Item]) -> Result<Vec<Diagnostic>, Fault> {
    let mut known: BTreeSet<Name> = items
        .iter()
        .filter(|item| matches!(item.kind, Kind::Agent | Kind::Skill))
        .map(|item| item.name.clone())
        .collect();
    let mut out = Vec::new();
    for item in items {
        let Command::Resource(command::Resource::Apply {
            spec: Spec::Plan(plan),
            ..
        }) = &item.command
        else {
            continue;
        };
        for name in agents_of(plan) {
            if known.contains(name) {
                continue;
            }
            let skill = ResourceKey(Kind::Skill, name.clone());
            let there =
                reader.find::<Agent>(name)?.is_some() || reader.find::<Resource>(&skill)?.is_some();
            if there {
                known.insert(name.clone());
            } else {
                let what = format!("plan {} is waiting: agent {name}", item.name);
                let help = Some(format!("`naos create {name} --template …` makes it"));
                out.push(start(&item.file, what, help));
            }
        }
    }
    Ok(out)
}

fn agents_of(plan: &PlanSpec) -> BTreeSet<&Name> {
    let named = plan.steps.iter().filter_map(|step| match &step.action {
        StepDo::Task { agent, .. } => agent.as_ref(),
        StepDo::Review(review) => Some(&review.by),
        _ => None,
    });
    named.collect()
}

/// What applying it would do.
fn foreseen(reader: &Reader, item: &Item) -> Result<&'static str, Fault> {
    let before = match &item.command {
        Command::Agent(command::Agent::Apply { name, spec }) => {
            reader.find::<Agent>(name)?.map(|agent| agent.spec == *spec)
        }
        Command::Resource(command::Resource::Apply { kind, name, spec }) => {
            let key = ResourceKey(*kind, name.clone());
            let found = reader.find::<Resource>(&key)?;
            found.map(|found| found.digest == naos_kernel::resource::digest(spec))
        }
        Command::Budget(command::Budget::Set { agent, spec }) => {
            let found = reader.find::<Budget>(agent)?;
            found
                .filter(|found| found.spec.is_some())
                .map(|found| found.spec == *spec)
        }
        _ => None,
    };
    Ok(match before {
        None => "created",
        Some(true) => "unchanged",
        Some(false) => "changed",
    })
}

async fn make(
    call: &Call,
    reader: &Reader,
    index: usize,
    item: &Item,
) -> Result<(Seq, &'static str), Fault> {
    let expected = foreseen(reader, item)?;
    let part = format!("#{index}");
    let (mut seq, reply) = call.ask(&part, item.command.clone(), Vec::new()).await?;
    let result = match reply {
        Reply::Unchanged => "unchanged",
        Reply::Version(1) => "created",
        Reply::Version(_) => "changed",
        _ => expected,
    };
    if item.stopped && result == "created" {
        let stop = command::Agent::Stop {
            name: item.name.clone(),
        };
        seq = call.ask(&format!("{part}-stop"), stop, Vec::new()).await?.0;
    }
    Ok((seq, result))
}
