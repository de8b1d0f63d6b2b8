//! What can be said of documents without looking at anything else: `apply` asks before it changes
//! anything, `naos config validate` asks without a node.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use naos_manifest::{AgentDoc, Applied, Diagnostic, Files, Mark, ScheduleDoc, parse_all, place_of};
use naos_types::command::{self, Command};
use naos_types::spec::{
    AgentSpec, FlowSpec, Handler, Kind, PlanSpec, Spec, StepDo, SupervisorSpec, misgrown,
};
use naos_types::{Code, Digest, Name, RunLimits, Spender};

use crate::api::v1::rules::Rules;
use crate::app::Template;

mod back;
pub(crate) mod exported;
mod given;
mod leaving;
mod models;
mod waits;
mod words;

pub(crate) use back::leads_back;
pub(crate) use given::{given_wrongly, misgiven, outgrown};
pub(crate) use leaving::leaving;
pub(crate) use models::unmodelled;
pub use waits::Answers;
pub(crate) use waits::{asked_by, unanswered, unheard};
pub(crate) use words::words;

/// A document and what it is called in messages.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// What it is called.
    pub name: &'a str,
    /// What it says.
    pub text: &'a str,
}

impl Document<'_> {
    /// A fault where `word` first stands in the document; at its beginning if it doesn't.
    #[must_use]
    pub fn fault(&self, word: &str, what: String, help: Option<String>) -> Diagnostic {
        let (line, column) = self.place(word).unwrap_or((1, 1));
        Diagnostic {
            file: self.name.to_owned(),
            line,
            column,
            what,
            help,
            code: Code::BAD_DOCUMENT,
        }
    }

    fn place(&self, word: &str) -> Option<(u32, u32)> {
        let part = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
        let whole = |line: &str, at: usize| {
            let before = line[..at].chars().next_back();
            let after = line[at + word.len()..].chars().next();
            !before.is_some_and(part) && !after.is_some_and(part)
        };
        let of_line = |(number, line): (usize, &str)| {
            let mut found = line.match_indices(word).map(|(at, _)| at);
            let at = found.find(|at| whole(line, *at))?;
            let column = line[..at].chars().count() + 1;
            Some((u32::try_from(number + 1).ok()?, u32::try_from(column).ok()?))
        };
        self.text.lines().enumerate().find_map(of_line)
    }
}

/// One thing to make.
pub(crate) struct Item {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) file: String,
    pub(crate) command: Command,
    /// A new agent that isn't to take work at once.
    pub(crate) stopped: bool,
    /// Where its time stands, if it has one.
    pub(crate) time: Option<Mark>,
    /// Where each of its steps names what it runs or asks for.
    steps: BTreeMap<Name, Mark>,
}

/// What documents come to.
pub(crate) struct Judged {
    pub(crate) items: Vec<Item>,
    pub(crate) warnings: Vec<Diagnostic>,
    pub(crate) errors: Vec<Diagnostic>,
    /// Whether all of them could be read: else what is missing may stand where that failed.
    pub(crate) whole: bool,
}

/// What is wrong with documents, and what is only worth a look.
#[derive(Debug, Default)]
pub struct Found {
    /// They can't be applied.
    pub errors: Vec<Diagnostic>,
    /// They can.
    pub warnings: Vec<Diagnostic>,
}

/// All that applying these documents would say before it changes anything, as far as it can be
/// said without a node: what is named, and is neither in them nor, as `known` says, there already,
/// is a warning; `answered` says who of the drivers that are there answers events of a type.
/// `files` reads what lies beside them, `components` says what their paths stand for.
#[must_use]
pub fn check(
    documents: &[Document<'_>],
    files: &dyn Files,
    components: &BTreeMap<String, Digest>,
    templates: &[Template],
    known: &dyn Fn(Kind, &Name) -> bool,
    answered: &dyn Fn(&str) -> Answers,
) -> Found {
    let judged = judge(documents, files, components, templates);
    let (errors, mut warnings) = (judged.errors, judged.warnings);
    let does_work = |name: &Name| {
        let kinds = [Kind::Agent, Kind::Skill, Kind::Supervisor];
        Ok::<bool, Infallible>(kinds.into_iter().any(|kind| known(kind, name)))
    };
    warnings.extend(missing(documents, &judged.items, does_work).unwrap_or_else(|e| match e {}));
    let is_read = |name: &Name| Ok::<bool, Infallible>(known(Kind::AgentSkill, name));
    warnings.extend(unskilled(documents, &judged.items, is_read).unwrap_or_else(|e| match e {}));
    let is_asked = |name: &Name| Ok::<bool, Infallible>(known(Kind::Model, name));
    warnings.extend(unmodelled(documents, &judged.items, is_asked).unwrap_or_else(|e| match e {}));
    // That it is there is all that is known of it: what it runs, `apply` looks at.
    let kept = |kind: Kind, name: &Name| {
        Ok::<_, Infallible>(known(kind, name).then(|| Spec::Kept("{}".into())))
    };
    let (waiting, circle) = nested(documents, &judged.items, kept).unwrap_or_else(|e| match e {});
    let misgiven = misgiven(documents, &judged.items, kept).unwrap_or_else(|e| match e {});
    let leaving = leaving(documents, &judged.items, kept).unwrap_or_else(|e| match e {});
    let answers = |topic: &str, _: &dyn Fn(&Name) -> bool| Ok::<_, Infallible>(answered(topic));
    warnings.extend(unanswered(documents, &judged.items, answers).unwrap_or_else(|e| match e {}));
    warnings.extend(unheard(documents, &judged.items, answers).unwrap_or_else(|e| match e {}));
    warnings.extend(waiting);
    let all: Vec<&Item> = judged.items.iter().collect();
    let is_called = |kind, name: &Name| Ok::<bool, Infallible>(known(kind, name));
    let words = words(documents, &all, is_called).unwrap_or_else(|e| match e {});
    let mut errors: Vec<Diagnostic> = errors
        .into_iter()
        .chain(circle)
        .chain(misgiven)
        .chain(leaving)
        .chain(words)
        .collect();
    in_order(documents, &mut errors);
    Found { errors, warnings }
}

/// Reads and judges every document before anything changes.
pub(crate) fn judge(
    documents: &[Document<'_>],
    files: &dyn Files,
    components: &BTreeMap<String, Digest>,
    templates: &[Template],
) -> Judged {
    let (mut items, mut warnings, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    let mut all = Vec::new();
    for document in documents {
        match exported::items(document) {
            None => {}
            Some(Ok(found)) => {
                items.extend(found);
                continue;
            }
            Some(Err(found)) => {
                errors.extend(found);
                continue;
            }
        }
        let (mut applied, found) = parse_all(document.name, document.text, files, &Rules);
        errors.extend(found);
        warnings.append(&mut applied.warnings);
        all.push((document, applied));
    }
    let whole = errors.is_empty();
    for (document, applied) in all {
        gather(
            templates,
            document,
            applied,
            components,
            &mut items,
            &mut errors,
        );
    }
    check_twice(documents, &items, &mut errors);
    Judged {
        items,
        warnings,
        errors,
        whole,
    }
}

/// What is wrong, in the order of the documents and their lines.
pub(crate) fn in_order(documents: &[Document<'_>], found: &mut [Diagnostic]) {
    let place = |file: &str| documents.iter().position(|document| document.name == file);
    found.sort_by_key(|one| (place(&one.file), one.line, one.column));
}

/// A fault in the document that an item came from.
pub(crate) fn fault_in(
    documents: &[Document<'_>],
    item: &Item,
    word: &str,
    what: String,
    help: Option<String>,
) -> Diagnostic {
    let named = documents.iter().find(|document| document.name == item.file);
    let empty = Document {
        name: &item.file,
        text: "",
    };
    named.unwrap_or(&empty).fault(word, what, help)
}

/// A fault where an item names something else; `of` says what that is, where it is a resource.
pub(crate) fn fault_naming(
    documents: &[Document<'_>],
    item: &Item,
    (of, word): (Option<Kind>, &str),
    what: String,
    help: Option<String>,
) -> Diagnostic {
    let named = documents.iter().find(|document| document.name == item.file);
    let at = named.and_then(|it| place_of(it.text, item.kind, &item.name, of, word));
    let mut found = fault_in(documents, item, word, what, help);
    if let Some(Mark { line, column }) = at {
        (found.line, found.column) = (line, column);
    }
    found
}

/// The same, where a step of the item names it: the place is that of this very step, as others may
/// name it too. None is whoever starts it without a step.
pub(crate) fn fault_of_step(
    documents: &[Document<'_>],
    item: &Item,
    step: Option<&Name>,
    named: (Option<Kind>, &str),
    (what, help): (String, Option<String>),
) -> Diagnostic {
    let mut found = fault_naming(documents, item, named, what, help);
    if let Some(Mark { line, column }) = step.and_then(|step| item.steps.get(step)) {
        (found.line, found.column) = (*line, *column);
    }
    found
}

/// A fault where the time of an item stands.
pub(crate) fn fault_at(item: &Item, at: Mark, what: String, help: Option<String>) -> Diagnostic {
    Diagnostic {
        file: item.file.clone(),
        line: at.line,
        column: at.column,
        what,
        help,
        code: Code::BAD_TIME,
    }
}

fn apply(kind: Kind, name: &Name, spec: Spec) -> Command {
    let name = name.clone();
    command::Resource::Apply { kind, name, spec }.into()
}

/// The things that one file makes; agents before what names them.
fn gather(
    templates: &[Template],
    document: &Document<'_>,
    mut applied: Applied,
    components: &BTreeMap<String, Digest>,
    items: &mut Vec<Item>,
    errors: &mut Vec<Diagnostic>,
) {
    let mut places = std::mem::take(&mut applied.places);
    let mut push = |kind, name: String, stopped, command: Command, time| {
        let file = document.name.to_owned();
        let key = Name::new(&name).ok().map(|name| (kind, name));
        let steps = key.and_then(|key| places.remove(&key)).unwrap_or_default();
        items.push(Item {
            kind,
            name,
            file,
            command,
            stopped,
            time,
            steps,
        });
    };
    let mut budgets = Vec::new();
    for (name, doc) in applied.agents {
        let budget = doc.budget.clone();
        let stopped = !doc.auto_start;
        match agent(templates, doc, components) {
            Ok(spec) => {
                let apply = command::Agent::Apply {
                    name: name.clone(),
                    spec,
                };
                push(Kind::Agent, name.to_string(), stopped, apply.into(), None);
            }
            Err((word, what, help)) => {
                let what = format!("agent {name}: {what}");
                errors.push(document.fault(&word, what, help));
            }
        }
        budgets.extend(budget.map(|spec| (Spender::Agent(name), spec)));
    }
    for (name, doc) in applied.skills {
        let mut spec = doc.spec;
        if let (Handler::Wasm(digest), Some(source)) = (&mut spec.handler, &doc.source)
            && let Some(sent) = components.get(source)
        {
            *digest = *sent;
        }
        let kind = Kind::Skill;
        let apply = apply(kind, &name, Spec::Skill(spec));
        push(kind, name.to_string(), false, apply, None);
    }
    for (name, plan) in applied.plans {
        let kind = Kind::Plan;
        let apply = apply(kind, &name, Spec::Plan(plan));
        push(kind, name.to_string(), false, apply, None);
    }
    for (name, plan) in applied.undoable {
        let kind = Kind::Plan;
        let apply = apply(kind, &name, Spec::Undoable(Box::new(plan)));
        push(kind, name.to_string(), false, apply, None);
    }
    for (kind, name, flow) in applied.flows {
        let apply = apply(kind, &name, Spec::Flow(flow));
        push(kind, name.to_string(), false, apply, None);
    }
    for (name, pool) in applied.pools {
        let kind = Kind::Pool;
        let apply = apply(kind, &name, Spec::Pool(pool));
        push(kind, name.to_string(), false, apply, None);
    }
    for (name, supervisor) in applied.supervisors {
        let kind = Kind::Supervisor;
        let apply = apply(kind, &name, Spec::Supervisor(supervisor));
        push(kind, name.to_string(), false, apply, None);
    }
    let own = applied.budgets.into_iter();
    budgets.extend(own.map(|(name, spec)| (Spender::Agent(name), spec)));
    budgets.extend(applied.overall_budget.map(|spec| (Spender::All, spec)));
    for (agent, spec) in budgets {
        let (name, spec) = (agent.to_string(), Some(spec));
        let set = command::Budget::Set { agent, spec };
        push(Kind::Budget, name, false, set.into(), None);
    }
    for (name, notice) in applied.notices {
        let kind = Kind::Notice;
        let apply = apply(kind, &name, Spec::from(notice));
        push(kind, name.to_string(), false, apply, None);
    }
    for (name, ScheduleDoc { spec, at }) in applied.schedules {
        let kind = Kind::Schedule;
        let apply = apply(kind, &name, Spec::Schedule(Box::new(spec)));
        push(kind, name.to_string(), false, apply, Some(at));
    }
    for (name, spec) in applied.subscriptions {
        let kind = Kind::Subscription;
        let apply = apply(kind, &name, spec);
        push(kind, name.to_string(), false, apply, None);
    }
    for (name, skill) in applied.agent_skills {
        let kind = Kind::AgentSkill;
        let apply = apply(kind, &name, Spec::AgentSkill(skill.into()));
        push(kind, name.to_string(), false, apply, None);
    }
    for kept in applied.kept {
        let kind = kept.kind;
        let time = kept.schedule.as_ref().map(|schedule| schedule.at);
        if let Some(policy) = kept.policy {
            let apply = apply(kind, &kept.name, Spec::Policy(policy.into()));
            push(kind, kept.name.to_string(), false, apply, None);
            continue;
        }
        if let Some(server) = kept.server {
            let apply = apply(kind, &kept.name, Spec::Server(server));
            push(kind, kept.name.to_string(), false, apply, None);
            continue;
        }
        let spec = match (kept.instruction, kept.driver, kept.model) {
            (_, _, Some(model)) => Spec::from(*model),
            (Some(mut instruction), ..) => {
                instruction.schedule = kept.schedule.map(|schedule| schedule.spec);
                Spec::Instruction(instruction)
            }
            (_, Some(driver), _) => driver,
            (None, None, None) => Spec::Kept(kept.json),
        };
        let apply = apply(kind, &kept.name, spec);
        push(kind, kept.name.to_string(), false, apply, time);
    }
}

/// The agent with its component; what its document doesn't say is its template's.
fn agent(
    templates: &[Template],
    doc: AgentDoc,
    components: &BTreeMap<String, Digest>,
) -> Result<AgentSpec, (String, String, Option<String>)> {
    let mut spec = doc.spec;
    let form = spec.mind.as_ref().and_then(|mind| mind.schema.as_deref());
    if let Some(Err(what)) = form.map(naos_kernel::run::sound_form) {
        let help = "json-schema.org says how such a schema is written".to_owned();
        return Err(("output_schema".to_owned(), what, Some(help)));
    }
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
        let Some(template) = templates.iter().find(|t| t.name == name) else {
            let what = if name.contains(['/', '.']) {
                format!("its component {name} wasn't sent along")
            } else {
                format!("there is no template {name}")
            };
            let names: Vec<_> = templates.iter().map(|t| t.name.as_str()).collect();
            return Err((name, what, Some(format!("templates: {}", names.join(", ")))));
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
fn check_twice(documents: &[Document<'_>], items: &[Item], errors: &mut Vec<Diagnostic>) {
    let mut seen = BTreeSet::new();
    for item in items {
        if !seen.insert((item.kind, &item.name)) {
            let what = format!("{} {} is there twice", item.kind.word(), item.name);
            errors.push(fault_in(documents, item, item.name.as_str(), what, None));
        }
    }
}

/// What the items of some kinds are called.
fn names_of(items: &[Item], wanted: impl Fn(Kind) -> bool) -> BTreeSet<Name> {
    let wanted = items.iter().filter(|item| wanted(item.kind));
    wanted
        .filter_map(|item| Name::new(&item.name).ok())
        .collect()
}

/// What is named and isn't there: neither here nor, as far as `there` knows, anywhere else.
pub(crate) fn missing<E>(
    documents: &[Document<'_>],
    items: &[Item],
    mut there: impl FnMut(&Name) -> Result<bool, E>,
) -> Result<Vec<Diagnostic>, E> {
    let starts = |kind| matches!(kind, Kind::Agent | Kind::Skill | Kind::Supervisor);
    let mut known = names_of(items, starts);
    let mut out = Vec::new();
    for item in items {
        let Command::Resource(command::Resource::Apply { kind, spec, .. }) = &item.command else {
            continue;
        };
        let named = match spec {
            Spec::Subscription(spec) => match &spec.starts {
                Some(starts) if starts.kind == Kind::Agent => BTreeSet::from([&starts.name]),
                _ => continue,
            },
            // A driver with an endpoint waits for no agent.
            Spec::Driver(driver) => BTreeSet::from([&driver.agent]),
            Spec::Limited(limited) => BTreeSet::from([&limited.driver.agent]),
            Spec::Schedule(schedule) => match schedule.starts.run() {
                Some((Kind::Agent, name, _)) => BTreeSet::from([name]),
                _ => continue,
            },
            Spec::Supervisor(spec) => spec.children.iter().collect(),
            spec => workers(spec),
        };
        for name in named {
            if known.contains(name) {
                continue;
            }
            if there(name)? {
                known.insert(name.clone());
            } else {
                let what = format!("{} {} is waiting: agent {name}", kind.word(), item.name);
                let help = Some(format!("`naos create {name} --template …` makes it"));
                let named = (Some(Kind::Agent), name.as_str());
                out.push(fault_naming(documents, item, named, what, help));
            }
        }
    }
    Ok(out)
}

/// Skills that agents name and that aren't there: neither here nor, as far as `there` knows,
/// anywhere else.
pub(crate) fn unskilled<E>(
    documents: &[Document<'_>],
    items: &[Item],
    mut there: impl FnMut(&Name) -> Result<bool, E>,
) -> Result<Vec<Diagnostic>, E> {
    let mut out = Vec::new();
    for item in items {
        let Command::Agent(command::Agent::Apply { name, spec }) = &item.command else {
            continue;
        };
        for skill in spec.mind.iter().flat_map(|mind| &mind.skills) {
            let here =
                |other: &Item| other.kind == Kind::AgentSkill && other.name == skill.as_str();
            if !items.iter().any(here) && !there(skill)? {
                let what = format!("agent {name} names the skill {skill}, and there is none");
                let help = Some(format!("`naos skill add skills/{skill}` makes it"));
                out.push(fault_naming(
                    documents,
                    item,
                    (None, skill.as_str()),
                    what,
                    help,
                ));
            }
        }
    }
    Ok(out)
}

/// Something that a step can run.
pub(crate) type Run = (Kind, Name);
/// What each plan runs, and the steps that do, as far as it is known; none where there is no such
/// thing.
type Runs = BTreeMap<Run, Option<Vec<(Run, Option<Name>)>>>;

/// What steps run that isn't there, and plans that run each other in a circle; `kept` gives what
/// there is beside the documents.
pub(crate) fn nested<E>(
    documents: &[Document<'_>],
    items: &[Item],
    mut kept: impl FnMut(Kind, &Name) -> Result<Option<Spec>, E>,
) -> Result<(Vec<Diagnostic>, Option<Diagnostic>), E> {
    let mut runs = Runs::new();
    for item in items {
        if let Command::Resource(command::Resource::Apply { kind, name, spec }) = &item.command {
            runs.insert((*kind, name.clone()), Some(run_by(spec)));
        }
    }
    let named = runs.values().flatten().flatten();
    let mut open: Vec<Run> = named.map(|(run, _)| run.clone()).collect();
    while let Some(next) = open.pop() {
        if let Entry::Vacant(new) = runs.entry(next) {
            let (kind, name) = new.key();
            let found = kept(*kind, name)?.map(|spec| run_by(&spec));
            open.extend(found.iter().flatten().map(|(run, _)| run.clone()));
            new.insert(found);
        }
    }
    let (mut waiting, mut circle) = (Vec::new(), None);
    for item in items {
        let Command::Resource(command::Resource::Apply { kind, name, .. }) = &item.command else {
            continue;
        };
        let own = (*kind, name.clone());
        let runs_itself = runs.get(&own).into_iter().flatten().flatten();
        for (run, step) in runs_itself.clone() {
            if runs.get(run).is_some_and(Option::is_none) {
                let (of, named) = (run.0.word(), &run.1);
                let what = format!("{} {name} is waiting: {of} {named}", kind.word());
                let says = (what, Some(format!("apply a {of} of that name")));
                let named = (Some(run.0), named.as_str());
                waiting.push(fault_of_step(documents, item, step.as_ref(), named, says));
            }
        }
        if let Some(path) = circle_from(&own, &runs).filter(|_| circle.is_none()) {
            let names: Vec<&str> = path.iter().map(|(_, name)| name.as_str()).collect();
            let what = format!("plans run each other in a circle: {}", names.join(" → "));
            let next = path.get(1).unwrap_or(&own);
            let mut begins = runs_itself.clone().filter(|(run, _)| run == next);
            let step = begins.next().and_then(|(_, step)| step.as_ref());
            let named = (Some(next.0), next.1.as_str());
            let mut found = fault_of_step(documents, item, step, named, (what, None));
            found.code = Code::BAD_PLAN;
            circle = Some(found);
        }
    }
    Ok((waiting, circle))
}

/// What something runs: its steps, each with its name, its time, or an event. Agents are looked at
/// elsewhere.
pub(crate) fn run_by(spec: &Spec) -> Vec<(Run, Option<Name>)> {
    let other = |kind: Kind, name: &Name| match kind {
        Kind::Agent => Vec::new(),
        kind => vec![((kind, name.clone()), None)],
    };
    match spec {
        Spec::Schedule(spec) => {
            let starts = spec.starts.run();
            return starts.map_or_else(Vec::new, |(kind, name, _)| other(kind, name));
        }
        Spec::Subscription(spec) => {
            let starts = spec.starts.as_ref();
            return starts.map_or_else(Vec::new, |starts| other(starts.kind, &starts.name));
        }
        _ => {}
    }
    let steps = spec.plan().into_iter().flat_map(|plan| &plan.steps);
    let named = steps.filter_map(|step| match &step.action {
        StepDo::Plan { of, name, .. } => Some(((*of, name.clone()), Some(step.name.clone()))),
        _ => None,
    });
    named.collect()
}

/// The agents that do the work of something.
pub(crate) fn workers(spec: &Spec) -> BTreeSet<&Name> {
    match spec {
        Spec::Flow(flow) => agents_of_flow(flow),
        Spec::Pool(pool) => pool.agents.iter().collect(),
        spec => spec.plan().map_or_else(BTreeSet::new, agents_of),
    }
}

/// The way from something back to itself.
fn circle_from(start: &Run, runs: &Runs) -> Option<Vec<Run>> {
    let mut came: BTreeMap<&Run, &Run> = BTreeMap::new();
    let mut open = vec![start];
    while let Some(at) = open.pop() {
        for (next, _) in runs.get(at).into_iter().flatten().flatten() {
            if next == start {
                let mut path = vec![start.clone(), at.clone()];
                let mut step = at;
                while step != start {
                    step = came.get(step)?;
                    path.push(step.clone());
                }
                path.reverse();
                return Some(path);
            }
            if !came.contains_key(next) {
                came.insert(next, at);
                open.push(next);
            }
        }
    }
    None
}

/// What is wrong with all supervisors as a tree: those of the documents, and those that are `kept`
/// and not among them.
pub(crate) fn misgrown_tree(
    documents: &[Document<'_>],
    items: &[Item],
    kept: impl IntoIterator<Item = (Name, SupervisorSpec)>,
) -> Option<Diagnostic> {
    let mut all: BTreeMap<Name, (SupervisorSpec, Option<&Item>)> = kept
        .into_iter()
        .map(|(name, spec)| (name, (spec, None)))
        .collect();
    let mut first = None;
    for item in items {
        if let Command::Resource(command::Resource::Apply {
            name,
            spec: Spec::Supervisor(spec),
            ..
        }) = &item.command
        {
            all.insert(name.clone(), (spec.clone(), Some(item)));
            first = first.or(Some(item));
        }
    }
    let first = first?;
    let mut above: BTreeMap<&Name, &Name> = BTreeMap::new();
    for (name, (spec, item)) in &all {
        for child in &spec.children {
            let Some(other) = above.insert(child, name).filter(|other| *other != name) else {
                continue;
            };
            let theirs = all.get(other).and_then(|(_, item)| *item);
            let Some(item) = item.or(theirs) else {
                continue;
            };
            let what = format!("{child} has two supervisors: {other} and {name}");
            return Some(fault_in(documents, item, child.as_str(), what, None));
        }
    }
    let parents: BTreeMap<Name, Option<Name>> = all
        .keys()
        .map(|name| (name.clone(), above.get(name).map(|by| (*by).clone())))
        .collect();
    let (name, what) = misgrown(&parents)?;
    let item = all.get(&name).and_then(|(_, item)| *item).unwrap_or(first);
    Some(fault_in(documents, item, name.as_str(), what, None))
}

fn agents_of_flow(flow: &FlowSpec) -> BTreeSet<&Name> {
    let steps = flow.steps.iter();
    steps
        .flat_map(|step| [Some(&step.agent), step.compensate.as_ref()])
        .flatten()
        .collect()
}

fn agents_of(plan: &PlanSpec) -> BTreeSet<&Name> {
    let named = plan.steps.iter().filter_map(|step| match &step.action {
        StepDo::Task { agent, .. } => agent.as_ref(),
        does => does.review().and_then(|review| review.by),
    });
    named.collect()
}
