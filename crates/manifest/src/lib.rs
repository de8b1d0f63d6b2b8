//! Documents: YAML or JSON text in, checked resources out.
//!
//! I read `nexus.config.yaml` in both of its spellings and everything `naos apply` takes, find the
//! kind by its shape, and say what is wrong with file, line, column and what was probably meant.
//! I never open a file or a socket myself ([`Files`] does), never judge an expression ([`Checks`]
//! does), never guess: an unknown key is an error. Start at [`parse_document`].

mod agent;
mod agent_skill;
mod amounts;
mod budget;
pub mod calendar;
mod checks;
mod config;
mod cron;
mod dag;
mod diagnostic;
mod driver;
mod event;
mod flow;
mod instruction;
mod kept;
mod mind;
mod model;
mod notice;
mod places;
mod plan;
mod plan_check;
mod planted;
mod policy;
mod pool;
mod reader;
mod result_checks;
mod schedule;
mod schema;
mod server;
mod shape;
mod skill;
mod soundness;
mod subscription;
mod supervision;
mod tree;

pub use agent::AgentDoc;
pub use checks::{Checks, Fault, NoChecks, Scope};
pub use config::{
    BrokerConfig, DashboardConfig, LoggingConfig, ProjectConfig, RecallConfig, RecallEmbedder,
};
pub use diagnostic::{DIAGNOSTICS_MAX, Diagnostic, Diagnostics};
pub use driver::driver_config_faults;
pub use event::{EventDoc, parse_event};
pub use kept::Kept;
pub use places::{StepPlaces, place_of, says};
pub use plan::{STEPS_MAX, WINDOW_MAX};
pub use reader::length_of_time;
pub use schedule::ScheduleDoc;
pub use skill::SkillDoc;
pub use tree::{DEPTH_MAX, DOCUMENT_BYTES_MAX, Mark, NODES_MAX};

use naos_types::spec::{
    AgentSkillSpec, BudgetSpec, FlowSpec, FlowStep, Kind, PlanSpec, PoolSpec, Spec, SupervisorSpec,
    Telling, UndoablePlan,
};
use naos_types::{Code, Name};

use diagnostic::Findings;
use tree::Node;

/// Gives the bytes of a file that a document names, relative to the document.
pub trait Files {
    /// The content of `path`.
    ///
    /// # Errors
    /// A sentence: why there is none.
    fn read(&self, path: &str) -> Result<Vec<u8>, String>;
}

/// No files at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _path: &str) -> Result<Vec<u8>, String> {
        Err("no files are read here".into())
    }
}

/// What a document makes, in its order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Applied {
    /// The project's settings, where the document is its configuration.
    pub project: Option<ProjectConfig>,
    /// Agents; their components aren't resolved yet.
    pub agents: Vec<(Name, AgentDoc)>,
    /// Skills.
    pub skills: Vec<(Name, SkillDoc)>,
    /// Plans in naos's own format.
    pub plans: Vec<(Name, PlanSpec)>,
    /// Plans whose steps can be undone.
    pub undoable: Vec<(Name, UndoablePlan)>,
    /// Spending limits by agent.
    pub budgets: Vec<(Name, BudgetSpec)>,
    /// The spending limit of all that have none of their own.
    pub overall_budget: Option<BudgetSpec>,
    /// Who is told that something waits for a person.
    pub notices: Vec<(Name, Telling)>,
    /// Workflows and sagas.
    pub flows: Vec<(Kind, Name, FlowSpec)>,
    /// Who listens to events.
    pub subscriptions: Vec<(Name, Spec)>,
    /// Pools.
    pub pools: Vec<(Name, PoolSpec)>,
    /// What happens at a time.
    pub schedules: Vec<(Name, ScheduleDoc)>,
    /// Supervisors.
    pub supervisors: Vec<(Name, SupervisorSpec)>,
    /// Skills that agents read.
    pub agent_skills: Vec<(Name, AgentSkillSpec)>,
    /// What this version keeps and doesn't run yet.
    pub kept: Vec<Kept>,
    /// Where steps name what they run or ask for.
    pub places: StepPlaces,
    /// What is odd and no error.
    pub warnings: Vec<Diagnostic>,
}

impl Applied {
    /// All that it makes, by kind and name.
    #[must_use]
    pub fn named(&self) -> Vec<(Kind, &Name)> {
        let mut all: Vec<(Kind, &Name)> = Vec::new();
        all.extend(self.agents.iter().map(|(name, _)| (Kind::Agent, name)));
        all.extend(self.skills.iter().map(|(name, _)| (Kind::Skill, name)));
        all.extend(self.plans.iter().map(|(name, _)| (Kind::Plan, name)));
        all.extend(self.undoable.iter().map(|(name, _)| (Kind::Plan, name)));
        all.extend(self.budgets.iter().map(|(name, _)| (Kind::Budget, name)));
        all.extend(self.notices.iter().map(|(name, _)| (Kind::Notice, name)));
        let listening = self.subscriptions.iter();
        all.extend(listening.map(|(name, ..)| (Kind::Subscription, name)));
        all.extend(self.flows.iter().map(|(kind, name, _)| (*kind, name)));
        all.extend(self.pools.iter().map(|(name, _)| (Kind::Pool, name)));
        all.extend(
            self.schedules
                .iter()
                .map(|(name, _)| (Kind::Schedule, name)),
        );
        let read = self.agent_skills.iter();
        all.extend(read.map(|(name, _)| (Kind::AgentSkill, name)));
        let supervisors = self.supervisors.iter();
        all.extend(supervisors.map(|(name, _)| (Kind::Supervisor, name)));
        all.extend(self.kept.iter().map(|kept| (kept.kind, &kept.name)));
        all
    }
}

/// What a reader needs beside the text.
pub(crate) struct Reading<'r> {
    pub files: &'r dyn Files,
    pub checks: &'r dyn Checks,
    pub is_project: bool,
}

pub(crate) const START: Mark = Mark { line: 1, column: 1 };

/// Reads a document, or a stream of them, into resources. `label` is what the file is called in
/// messages; a configuration is known by its keys, or by its name (`nexus.config.yaml`,
/// `naos.config.yaml`).
///
/// # Errors
/// All that is wrong with it, in the order of its lines.
pub fn parse_document(
    label: &str,
    text: &str,
    files: &dyn Files,
    checks: &dyn Checks,
) -> Result<Applied, Diagnostics> {
    let (out, mut found) = read(label, text, files, checks);
    duplicates(&out, &mut found);
    if !found.errors.is_empty() {
        return Err(sorted(found));
    }
    Ok(out)
}

/// The same of a document that may be wrong: what could be read of it, and all that is wrong with
/// it in the order of its lines. That a name is there twice isn't looked at.
pub fn parse_all(
    label: &str,
    text: &str,
    files: &dyn Files,
    checks: &dyn Checks,
) -> (Applied, Vec<Diagnostic>) {
    let (out, found) = read(label, text, files, checks);
    (out, sorted(found).0)
}

fn read(label: &str, text: &str, files: &dyn Files, checks: &dyn Checks) -> (Applied, Findings) {
    let mut found = Findings::new(label);
    let mut out = Applied::default();
    let is_project = [".config.yaml", ".config.yml", ".config.json"]
        .iter()
        .any(|ending| label.ends_with(ending));
    let reading = Reading {
        files,
        checks,
        is_project,
    };
    let documents = documents(text, &mut found);
    for node in &documents {
        shape::read(node, &reading, &mut out, &mut found);
    }
    if documents.is_empty() && found.errors.is_empty() {
        if is_project {
            out.project = Some(ProjectConfig::default());
        } else {
            found.error(START, "the document is empty");
        }
    }
    for kept in &mut out.kept {
        // A driver that works with a model says who the agent is that does its work.
        if let Some(mut doc) = kept.agent.take() {
            let budget = doc.budget.take();
            let budget = budget.map(|budget| (kept.name.clone(), budget));
            out.budgets.extend(budget);
            out.agents.push((kept.name.clone(), *doc));
        }
    }
    out.warnings = std::mem::take(&mut found.warnings);
    out.places = std::mem::take(&mut found.places);
    (out, found)
}

/// Reads what is said about a workflow or saga whose steps come later, and its name.
///
/// # Errors
/// All that is wrong with it.
pub fn parse_flow(kind: Kind, label: &str, text: &str) -> Result<(Name, FlowSpec), Diagnostics> {
    let mut found = Findings::new(label);
    let read = single(text, &mut found).and_then(|node| flow::begun(kind, &node, &mut found));
    match read {
        Some(read) if found.errors.is_empty() => Ok(read),
        _ => Err(sorted(found)),
    }
}

/// Reads what is said about one pool, and its name.
///
/// # Errors
/// All that is wrong with it.
pub fn parse_pool(label: &str, text: &str) -> Result<(Name, PoolSpec), Diagnostics> {
    let mut found = Findings::new(label);
    let read = single(text, &mut found).and_then(|node| pool::one(None, &node, &mut found));
    match read {
        Some(read) if found.errors.is_empty() => Ok(read),
        _ => Err(sorted(found)),
    }
}

/// Reads what is said about one subscription, and its name.
///
/// # Errors
/// All that is wrong with it.
pub fn parse_subscription(
    label: &str,
    text: &str,
    checks: &dyn Checks,
) -> Result<(Name, Spec), Diagnostics> {
    let mut found = Findings::new(label);
    let read = single(text, &mut found)
        .and_then(|node| subscription::one(None, &node, checks, &mut found));
    match read {
        Some(read) if found.errors.is_empty() => Ok(read),
        _ => Err(sorted(found)),
    }
}

/// Reads what is said about one supervisor, and its name.
///
/// # Errors
/// All that is wrong with it.
pub fn parse_supervisor(label: &str, text: &str) -> Result<(Name, SupervisorSpec), Diagnostics> {
    let mut found = Findings::new(label);
    let read = single(text, &mut found).and_then(|node| supervision::one(None, &node, &mut found));
    match read {
        Some(read) if found.errors.is_empty() => Ok(read),
        _ => Err(sorted(found)),
    }
}

/// Reads any one YAML or JSON document as it is, without asking what it means.
///
/// # Errors
/// Where it can't be read.
pub fn parse_any(label: &str, text: &str) -> Result<serde_json::Value, Diagnostics> {
    let mut found = Findings::new(label);
    match single(text, &mut found) {
        Some(node) if found.errors.is_empty() => Ok(node.json()),
        _ => Err(sorted(found)),
    }
}

/// Reads a step that is added to a workflow or saga which has the steps `before`.
///
/// # Errors
/// All that is wrong with it.
pub fn parse_flow_step(
    kind: Kind,
    label: &str,
    text: &str,
    before: &[Name],
    checks: &dyn Checks,
) -> Result<FlowStep, Diagnostics> {
    let mut found = Findings::new(label);
    let read = single(text, &mut found)
        .and_then(|node| flow::step(kind, &node, before, checks, &mut found));
    match read {
        Some(read) if found.errors.is_empty() => Ok(read),
        _ => Err(sorted(found)),
    }
}

/// The one document that a text holds.
fn single(text: &str, found: &mut Findings) -> Option<Node> {
    let mut all = documents(text, found);
    if all.len() != 1 {
        let what = format!("one document is expected, not {}", all.len());
        found.error(START, what);
    }
    all.pop()
}

fn documents(text: &str, found: &mut Findings) -> Vec<Node> {
    let error = match tree::parse(text) {
        Ok(documents) => return documents,
        Err(error) => error,
    };
    let mut documents = Vec::new();
    let before = found.errors.len();
    if !error.too_large {
        for part in parts(text) {
            match tree::parse(&part) {
                Ok(nodes) => documents.extend(nodes),
                Err(error) => unreadable(error, found),
            }
        }
    }
    if found.errors.len() == before {
        documents.clear(); // they are wrong together only
        unreadable(error, found);
    }
    documents
}

fn unreadable(error: tree::TreeError, found: &mut Findings) {
    let code = if error.too_large {
        Code::TOO_LARGE
    } else {
        Code::BAD_DOCUMENT
    };
    found.push(error.at, code, error.what, None);
}

/// The documents of a text one by one, each with its lines where they stand; none where it is one.
fn parts(text: &str) -> Vec<String> {
    const PARTS_MAX: usize = 64;
    let begins = |line: &str| line.trim_end() == "---" || line.starts_with("--- ");
    let mut starts = vec![0];
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with('%') {
            return Vec::new(); // what it says counts for those after it
        }
        if begins(line) && at > 0 {
            starts.push(at);
        }
        at += line.len();
    }
    if starts.len() == 1 || starts.len() > PARTS_MAX {
        return Vec::new();
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let part = |(start, end): (&usize, usize)| {
        let above = text[..*start].matches('\n').count();
        format!("{}{}", "\n".repeat(above), &text[*start..end])
    };
    starts.iter().zip(ends).map(part).collect()
}

fn sorted(found: Findings) -> Diagnostics {
    let mut errors = found.errors;
    errors.sort_by_key(|error| (error.line, error.column));
    Diagnostics(errors)
}

/// A name stands for one thing of a kind in what is applied at once.
fn duplicates(out: &Applied, found: &mut Findings) {
    let mut all = out.named();
    all.sort();
    for pair in all.windows(2).filter(|pair| pair[0] == pair[1]) {
        let (kind, name) = pair[0];
        found.error(START, format!("{} {name} is there twice", kind.word()));
    }
}
