//! `naos workflow …` and `naos saga …`: steps in a row, and their runs.

use std::time::Duration;

use naos_types::spec::Kind;
use naos_types::{Code, PlanId};
use serde_json::{Map, Value, json};

use super::plan::{left, show, standing, verbs};
use super::run::{FIRST_MS, until_closed};
use super::{Context, Ended, begun, given, name};
use crate::fail::Fail;
use crate::out::{cell, items};
use crate::session::{Session, api, part};
use crate::sync;

/// Makes, runs and shows workflows: agents in a row, each gets what the one before it gave.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    naos workflow create digest --on-error retry --retries 2\n  \
    naos workflow add-step digest fetch --agent reader\n  \
    naos workflow add-step digest sum --agent writer --input 'Sum up: {{ fetch.output }}'\n  \
    naos workflow run digest --input @mails.txt\n  \
    naos workflow status digest\n  naos workflow resume digest")]
pub(crate) struct Workflow {
    #[command(subcommand)]
    what: WorkflowVerb,
}

/// Makes, runs and shows sagas: steps that are undone, last things first, when a later one fails.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    naos saga create trip\n  \
    naos saga add-step trip book --agent booker --compensate unbooker\n  \
    naos saga add-step trip pay --agent payer --compensate refunder\n  \
    naos saga run trip --input 'Nosy Be'\n  \
    naos saga retry-compensation trip --step 1\n  naos saga resolve trip --step 1")]
pub(crate) struct Saga {
    #[command(subcommand)]
    what: SagaVerb,
}

#[derive(clap::Subcommand)]
enum WorkflowVerb {
    /// Makes a workflow without steps.
    Create(Create),
    /// Adds a step at its end.
    AddStep(AddStep),
    #[command(flatten)]
    Both(Verb),
}

#[derive(clap::Subcommand)]
enum SagaVerb {
    /// Makes a saga without steps.
    Create(CreateSaga),
    /// Adds a step at its end.
    AddStep(AddSagaStep),
    /// Tries again to undo what could not be undone.
    RetryCompensation(Undo),
    /// Says that somebody undid what could not be undone; the rest is undone then.
    Resolve(Undo),
    #[command(flatten)]
    Both(Verb),
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Runs one and waits for its end.
    #[command(visible_alias = "start")]
    Run(Run),
    /// Shows the last run of one, or how all of them stand.
    Status(Status),
    /// Lists them.
    List,
    /// Lists their runs, newest first.
    History {
        /// Only those of this one.
        name: Option<String>,
        /// At most so many.
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
    },
    /// Lets a run begin nothing more; what runs ends.
    Pause(Pause),
    /// Goes on where a run was paused, failed or was cancelled; what could not be undone is tried
    /// again.
    Resume(Which),
    /// Gives up a run that isn't done, as it stands; the next `run` begins anew.
    Reset(Which),
    /// Cancels a run; a saga undoes what it did.
    Cancel(Which),
    /// Takes one away; runs that are open go on.
    Delete {
        /// Which.
        name: String,
    },
}

#[derive(clap::Args)]
struct Create {
    /// What it is called.
    name: String,
    #[command(flatten)]
    common: Common,
    /// What happens when a step fails: stop, skip or retry.
    #[arg(long, value_name = "WORD", value_parser = ["stop", "skip", "retry"])]
    on_error: Option<String>,
    /// How often a step is tried again.
    #[arg(long, value_name = "N")]
    retries: Option<u32>,
    /// How long to wait before that: 500ms, 30s; it doubles each time.
    #[arg(long, value_name = "SPAN")]
    retry_delay: Option<String>,
}

#[derive(clap::Args)]
struct CreateSaga {
    /// What it is called.
    name: String,
    #[command(flatten)]
    common: Common,
}

#[derive(clap::Args)]
struct Common {
    /// What it is for, in a sentence.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// The longest the whole may take: 30s, 5m, 2h.
    #[arg(long, value_name = "SPAN")]
    timeout: Option<String>,
    /// The longest one attempt of a step may take.
    #[arg(long, value_name = "SPAN")]
    step_timeout: Option<String>,
}

#[derive(clap::Args)]
struct Step {
    /// Which one gets it.
    of: String,
    /// What the step is called.
    step: String,
    /// Who does it; the agent of the step's name unless given.
    #[arg(long)]
    agent: Option<String>,
    /// What is given, a template; the output of the step before unless given.
    #[arg(long, short, value_name = "TEMPLATE")]
    input: Option<String>,
    /// A condition; not met, the step is skipped.
    #[arg(long, visible_alias = "condition", value_name = "CEL")]
    when: Option<String>,
    /// The longest one attempt may take.
    #[arg(long, value_name = "SPAN")]
    timeout: Option<String>,
    /// How often it is tried again.
    #[arg(long, value_name = "N")]
    retries: Option<u32>,
    /// What it is done under, a template: done once under the same text, it isn't done again.
    #[arg(long, value_name = "TEMPLATE")]
    idempotency_key: Option<String>,
}

#[derive(clap::Args)]
struct AddStep {
    #[command(flatten)]
    step: Step,
    /// What happens when it fails: stop, skip or retry.
    #[arg(long, value_name = "WORD", value_parser = ["stop", "skip", "retry"])]
    on_error: Option<String>,
}

#[derive(clap::Args)]
struct AddSagaStep {
    #[command(flatten)]
    step: Step,
    /// Who undoes it; gets what the step gave.
    #[arg(long, value_name = "AGENT")]
    compensate: Option<String>,
}

#[derive(clap::Args)]
struct Run {
    /// Which one.
    name: String,
    /// What is given: text, @FILE, or - for standard input.
    #[arg(long, short, value_name = "TEXT|@FILE|-", default_value = "")]
    input: String,
    #[command(flatten)]
    wait: Wait,
}

#[derive(clap::Args)]
pub(super) struct Wait {
    /// Doesn't wait for its end.
    #[arg(long)]
    no_wait: bool,
    /// Waits at most so many seconds; the run goes on.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    timeout: u64,
}

impl Wait {
    pub(super) const fn millis(&self) -> u64 {
        if self.no_wait {
            0
        } else {
            self.timeout.saturating_mul(1_000)
        }
    }
}

#[derive(clap::Args)]
struct Status {
    /// A name, or the id of a run.
    which: Option<String>,
    /// How all of them stand.
    #[arg(long, conflicts_with = "which")]
    all: bool,
}

#[derive(clap::Args)]
pub(super) struct Which {
    /// A name, for its last run, or the id of a run.
    pub(super) which: String,
    #[command(flatten)]
    pub(super) wait: Wait,
}

#[derive(clap::Args)]
struct Pause {
    /// A name, for its last run, or the id of a run.
    which: String,
    // Nobody waits, so neither says anything; scripts have them from when somebody did.
    #[arg(long = "no-wait", hide = true)]
    _no_wait: bool,
    #[arg(long = "timeout", hide = true, value_name = "SECONDS")]
    _timeout: Option<u64>,
}

#[derive(clap::Args)]
pub(super) struct Undo {
    #[command(flatten)]
    which: Which,
    /// The step, by its name or its number; the one that waits unless given.
    #[arg(long, value_name = "N")]
    step: Option<String>,
}

pub(crate) fn workflow(context: &Context, asked: &Workflow) -> Ended {
    let flow = Flow {
        context,
        kind: Kind::Workflow,
    };
    match &asked.what {
        WorkflowVerb::Create(create) => {
            let mut body = flow.head(&create.name, &create.common)?;
            put(&mut body, "on_error", create.on_error.as_ref());
            put(&mut body, "retry_delay", create.retry_delay.as_ref());
            body.extend(create.retries.map(|n| ("retries".into(), json!(n))));
            flow.create(&create.name, body)
        }
        WorkflowVerb::AddStep(add) => {
            let mut body = flow.step(&add.step)?;
            put(&mut body, "on_error", add.on_error.as_ref());
            flow.add_step(&add.step, body)
        }
        WorkflowVerb::Both(verb) => flow.verb(verb),
    }
}

pub(crate) fn saga(context: &Context, asked: &Saga) -> Ended {
    let flow = Flow {
        context,
        kind: Kind::Saga,
    };
    match &asked.what {
        SagaVerb::Create(create) => {
            let body = flow.head(&create.name, &create.common)?;
            flow.create(&create.name, body)
        }
        SagaVerb::AddStep(add) => {
            let mut body = flow.step(&add.step)?;
            put(&mut body, "compensate", add.compensate.as_ref());
            flow.add_step(&add.step, body)
        }
        SagaVerb::RetryCompensation(undo) => flow.resolve(undo, false),
        SagaVerb::Resolve(undo) => flow.resolve(undo, true),
        SagaVerb::Both(verb) => flow.verb(verb),
    }
}

pub(super) fn put(body: &mut Map<String, Value>, key: &str, value: Option<&String>) {
    body.extend(value.map(|value| (key.to_owned(), json!(value))));
}

/// A length of time as it was typed; a bare number stays one.
pub(super) fn put_span(body: &mut Map<String, Value>, key: &str, value: Option<&String>) {
    let span = |text: &String| text.parse::<u64>().map_or(json!(text), |n| json!(n));
    body.extend(value.map(|value| (key.to_owned(), span(value))));
}

/// A line of a table of runs.
fn row_of(columns: &[&str]) -> impl Fn(&Value) -> Vec<String> {
    move |item| {
        let said = columns.iter().map(|key| match *key {
            "status" => standing(item),
            key => cell(&item[key]),
        });
        said.collect()
    }
}

/// One of the two kinds.
#[derive(Clone, Copy)]
pub(super) struct Flow<'c> {
    pub(super) context: &'c Context,
    pub(super) kind: Kind,
}

impl Flow<'_> {
    fn verb(self, verb: &Verb) -> Ended {
        match verb {
            Verb::Run(run) => self.run(run),
            Verb::Status(status) => self.status(status),
            Verb::List => self.list(),
            Verb::History { name, limit } => self.history(name.as_deref(), *limit),
            Verb::Pause(pause) => self.pause(&pause.which),
            Verb::Resume(which) => self.tell(which, "resume", &json!({})),
            Verb::Reset(which) => self.tell(which, "reset", &json!({})),
            Verb::Cancel(which) => self.tell(which, "cancel", &json!({})),
            Verb::Delete { name } => self.delete(name),
        }
    }

    fn place(self) -> String {
        format!("/{}", self.kind.plural())
    }

    fn head(self, text: &str, common: &Common) -> Result<Map<String, Value>, Fail> {
        let mut body = Map::new();
        body.insert("name".into(), json!(name(text)?));
        put(&mut body, "description", common.description.as_ref());
        put_span(&mut body, "timeout", common.timeout.as_ref());
        put_span(&mut body, "step_timeout", common.step_timeout.as_ref());
        Ok(body)
    }

    fn create(self, called: &str, body: Map<String, Value>) -> Ended {
        let mut session = self.context.fresh_session()?;
        let answer = session.post(api(&self.place()), &Value::Object(body))?;
        drop(session);
        let word = self.kind.word();
        if self.context.out.json {
            self.context.out.json(&answer);
        }
        self.context.out.say(format!("Made the {word} {called}."));
        let next = format!("Give it a step: naos {word} add-step {called} STEP --agent AGENT");
        self.context.out.note(next);
        Ok(0)
    }

    fn step(self, step: &Step) -> Result<Map<String, Value>, Fail> {
        let mut body = Map::new();
        body.insert("name".into(), json!(step.step));
        put(&mut body, "agent", step.agent.as_ref());
        put(&mut body, "input", step.input.as_ref());
        put(&mut body, "when", step.when.as_ref());
        put_span(&mut body, "timeout", step.timeout.as_ref());
        put(&mut body, "idempotency_key", step.idempotency_key.as_ref());
        body.extend(step.retries.map(|n| ("retries".into(), json!(n))));
        name(&step.of)?;
        Ok(body)
    }

    fn add_step(self, step: &Step, body: Map<String, Value>) -> Ended {
        let mut session = self.context.fresh_session()?;
        let path = format!("{}/{}/steps", self.place(), part(&step.of));
        let answer = session.post(api(&path), &Value::Object(body))?;
        drop(session);
        if self.context.out.json {
            self.context.out.json(&answer);
        }
        let (word, of, step) = (self.kind.word(), &step.of, &step.step);
        self.context
            .out
            .say(format!("Added the step {step} to the {word} {of}."));
        sync::warn(&self.context.out, &answer);
        Ok(0)
    }

    fn run(self, run: &Run) -> Ended {
        name(&run.name)?;
        let wait = run.wait.millis();
        let body = json!({"input": given(&run.input)?, "wait_ms": wait.min(FIRST_MS)});
        let mut session = self.context.fresh_session()?;
        let path = format!("{}/{}/start", self.place(), part(&run.name));
        let started = begun::begin(&mut session, begun::PLAN_RUNS, &path, &body)?;
        self.until_end(session, started, &run.wait)
    }

    /// Waits for the end of a run, shows it, and says how it ended.
    pub(super) fn until_end(self, mut session: Session, started: Value, wait: &Wait) -> Ended {
        let millis = Duration::from_millis(wait.millis());
        begun::tell(&self.context.out, begun::PLAN_RUNS, &started, millis);
        let answer = until_closed(&mut session, begun::PLAN_RUNS, started, millis)?;
        let inside = session.daemon().is_none();
        drop(session);
        Ok(left(&self.context.out, inside, &answer, wait.no_wait))
    }

    /// The run that an id names, or the last one of this name.
    /// `verb` is what is to be done about it.
    pub(super) fn which(
        self,
        session: &mut Session,
        which: &str,
        verb: &str,
    ) -> Result<String, Fail> {
        if PlanId::parse(which).is_some() {
            return Ok(which.to_owned());
        }
        name(which)?;
        let last = self.last(session, which)?;
        if let Some(run) = last["run"].as_str() {
            return Ok(run.to_owned());
        }
        let any = session.get(api(&format!("/plan-runs?name={}&limit=1", part(which))))?;
        if let Some(other) = items(&any).first() {
            return Err(self.not_of_this(which, other, verb));
        }
        let word = self.kind.word();
        let kept = session.get(api(&format!("/resources/{word}/{}", part(which))));
        if kept.is_err() {
            let what = format!("there is no {word} {which}, and no run of that name");
            let all = self.kind.plural();
            let help = format!("`naos plan list` shows what ran, `naos get {all}` what there is");
            return Err(Fail::new(Code::NOT_FOUND, what).help(help));
        }
        let what = format!("no {word} {which} ran yet");
        Err(Fail::new(Code::NOT_FOUND, what).help(format!("`naos {word} run {which}` runs it")))
    }

    /// The run is of another kind than the command.
    fn not_of_this(self, which: &str, found: &Value, verb: &str) -> Fail {
        let (kind, word) = (cell(&found["kind"]), self.kind.word());
        let what = format!(
            "{which} is a run of the {kind} {}, no {word}",
            cell(&found["name"])
        );
        let help = format!("naos {} {verb} {which}", verbs(&found["kind"]));
        Fail::new(Code::NOT_FOUND, what).help(help)
    }

    /// The last run of this name; null where there is none.
    pub(super) fn last(self, session: &mut Session, name: &str) -> Result<Value, Fail> {
        // `plan` tells of the runs of every kind, as `naos plan list` does.
        let kind = match self.kind {
            Kind::Plan => String::new(),
            kind => format!("kind={}&", kind.word()),
        };
        let path = format!("/plan-runs?{kind}name={}&limit=1", part(name));
        let found = session.get(api(&path))?;
        Ok(items(&found).first().cloned().unwrap_or(Value::Null))
    }

    pub(super) fn tell(self, which: &Which, verb: &str, body: &Value) -> Ended {
        let shown = match body["done"].as_bool() {
            Some(false) => "retry-compensation",
            _ => verb,
        };
        let mut session = self.context.session()?;
        let (before, found) = self.told(&mut session, &which.which, (verb, shown), body)?;
        if verb == "reset" {
            drop(session);
            show(&self.context.out, &found);
            if !before["ended"].is_null() {
                self.context.out.note(self.had_ended(&found));
            }
            return Ok(0);
        }
        self.until_end(session, found, &which.wait)
    }

    /// How a run stood before something is done about it, and how it stands then.
    fn told(
        self,
        session: &mut Session,
        which: &str,
        (verb, shown): (&str, &str),
        body: &Value,
    ) -> Result<(Value, Value), Fail> {
        let id = self.which(session, which, shown)?;
        let before = session.get(api(&format!("/plan-runs/{id}")))?;
        if self.kind != Kind::Plan && before["kind"] != self.kind.word() {
            return Err(self.not_of_this(which, &before, shown));
        }
        session.post(api(&format!("/plan-runs/{id}/{verb}")), body)?;
        let found = session.get(api(&format!("/plan-runs/{id}")))?;
        Ok((before, found))
    }

    /// What runs may take as long as it likes: nobody waits for it.
    fn pause(self, which: &str) -> Ended {
        let mut session = self.context.session()?;
        let (_, found) = self.told(&mut session, which, ("pause", "pause"), &json!({}))?;
        let inside = session.daemon().is_none();
        drop(session);
        show(&self.context.out, &found);
        begun::leave(&self.context.out, inside, &found);
        Ok(0)
    }

    /// What there is to do about a run that was to be given up, and was over.
    fn had_ended(self, found: &Value) -> String {
        let (word, id, name) = (self.kind.word(), cell(&found["run"]), cell(&found["name"]));
        let goes_on = match found["status"].as_str() {
            Some("failed" | "cancelled") => {
                format!("naos {word} resume {id} goes on where it ended, ")
            }
            _ => String::new(),
        };
        format!(
            "It had ended before: there was nothing to give up. {goes_on}naos {word} run {name} \
             begins anew."
        )
    }

    pub(super) fn resolve(self, undo: &Undo, done: bool) -> Ended {
        let body = json!({"step": undo.step, "done": done});
        self.tell(&undo.which, "resolve", &body)
    }

    fn status(self, status: &Status) -> Ended {
        let Some(which) = &status.which else {
            return self.list();
        };
        let mut session = self.context.session()?;
        let found = if PlanId::parse(which).is_some() {
            session.get(api(&format!("/plan-runs/{which}")))?
        } else {
            name(which)?;
            let kept = session.get(api(&format!("/resources/{}/{which}", self.kind.word())))?;
            match self.last(&mut session, which)? {
                Value::Null => self.ready(&kept),
                found => found,
            }
        };
        drop(session);
        show(&self.context.out, &found);
        Ok(0)
    }

    /// One that never ran.
    fn ready(self, kept: &Value) -> Value {
        let steps = kept["spec"]["steps"].as_array().into_iter().flatten();
        let step = |step: &Value| {
            let (name, output) = (&step["name"], Value::Null);
            json!({"name": name, "status": "pending", "output": output, "attempts": 0})
        };
        json!({
            "run": null,
            "kind": self.kind,
            "name": kept["name"],
            "status": "ready",
            "output": null,
            "steps": steps.map(step).collect::<Vec<_>>(),
        })
    }

    fn list(self) -> Ended {
        let mut session = self.context.session()?;
        let kept = session.get(api(&format!("/resources/{}", self.kind.word())))?;
        let mut all = Vec::new();
        for item in items(&kept) {
            let called = cell(&item["name"]);
            let last = self.last(&mut session, &called)?;
            let steps = item["spec"]["steps"].as_array().map_or(0, Vec::len);
            let status = match &last["status"] {
                Value::Null => json!("ready"),
                status => status.clone(),
            };
            all.push(json!({
                "name": called,
                "steps": steps,
                "status": status,
                "paused": last["paused"],
                "waits": last["waits"],
                "run": last["run"],
                "version": item["version"],
            }));
        }
        drop(session);
        let out = &self.context.out;
        if out.json {
            out.json(&json!({"items": all, "next": kept["next"]}));
            return Ok(0);
        }
        if all.is_empty() {
            out.say(format!("There are no {}.", self.kind.plural()));
            return Ok(0);
        }
        let columns = ["name", "steps", "status", "run"];
        out.table(
            &columns,
            &all.iter().map(row_of(&columns)).collect::<Vec<_>>(),
        );
        Ok(0)
    }

    pub(super) fn history(self, of: Option<&str>, limit: u32) -> Ended {
        let mut path = format!("/plan-runs?kind={}&limit={limit}", self.kind.word());
        if let Some(of) = of {
            path.push_str(&format!("&name={}", name(of)?));
        }
        let mut session = self.context.session()?;
        let answer = session.get(api(&path))?;
        if let Some(of) = of.filter(|_| items(&answer).is_empty()) {
            // Whoever isn't there and never ran is a mistake.
            let kept = format!("/resources/{}/{}", self.kind.word(), part(of));
            session.get(api(&kept))?;
        }
        drop(session);
        let out = &self.context.out;
        if out.json {
            out.json(&answer);
            return Ok(0);
        }
        let columns = ["run", "name", "status", "started", "ended"];
        let rows: Vec<Vec<String>> = items(&answer).iter().map(row_of(&columns)).collect();
        if rows.is_empty() {
            out.say(format!("No {} ran yet.", self.kind.word()));
        } else {
            out.table(&columns, &rows);
        }
        Ok(0)
    }

    pub(super) fn delete(self, text: &str) -> Ended {
        let called = name(text)?;
        let mut session = self.context.session()?;
        let word = self.kind.word();
        let answer = session.delete(api(&format!("/resources/{word}/{called}")))?;
        drop(session);
        if self.context.out.json {
            self.context.out.json(&answer);
        }
        self.context
            .out
            .say(format!("Deleted the {word} {called}."));
        sync::warn(&self.context.out, &answer);
        Ok(0)
    }
}
