//! `naos pool …`: agents that share work.

use naos_types::spec::Kind;
use naos_types::{Code, PlanId};
use serde_json::{Map, Value, json};

use super::flow::{Flow, Wait, Which, put};
use super::plan::{show, standing};
use super::run::{FIRST_MS, waits_for};
use super::{Context, Ended, begun, given, name};
use crate::fail::Fail;
use crate::out::{cell, count, items};
use crate::session::{Session, api, part};
use crate::sync;

/// Makes pools, gives them work, and shows what came of it.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    naos pool create team --agent reader --size 8\n  \
    naos pool submit team --batch questions.txt --merge all --json\n  \
    naos pool submit team 'What is due on Friday?'\n  \
    naos pool scale team --size 16 --max 32 --autoscale\n  \
    naos pool remove team helper\n  naos pool drain team")]
pub(crate) struct Pool {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Makes a pool.
    Create(Create),
    /// Adds an agent.
    Add {
        /// Which pool.
        name: String,
        /// Who.
        agent: String,
    },
    /// Gives it a task, or a batch of them, and waits for what they come to.
    #[command(visible_alias = "run")]
    Submit(Submit),
    /// Shows a pool and its open batches, or one batch.
    Status {
        /// A name, or the id of a batch; all pools without it.
        which: Option<String>,
    },
    /// Lists them.
    List,
    /// Lists batches, newest first.
    History {
        /// Only those of this pool.
        name: Option<String>,
        /// At most so many.
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
    },
    /// Takes an agent out, or the pool itself; refused while it has open work, unless the pool
    /// takes no more: open batches end with those they began with.
    Remove {
        /// Which pool.
        name: String,
        /// Who; the pool itself without it.
        agent: Option<String>,
    },
    /// Changes how many tasks of a batch are open at once, within which bounds, and what a quorum
    /// is.
    Scale(Scale),
    /// Lets it take no more work; open batches go on.
    Drain {
        /// Which pool.
        name: String,
    },
    /// Lets it take no more work and cancels its open batches.
    Stop {
        /// Which pool.
        name: String,
    },
    /// Lets it take work again.
    Start {
        /// Which pool.
        name: String,
    },
    /// Cancels a batch.
    Cancel(Which),
    /// Takes a pool away; open batches go on.
    Delete {
        /// Which pool.
        name: String,
    },
}

#[derive(clap::Args)]
struct Create {
    /// What it is called.
    name: String,
    /// Who shares the work; as often as needed.
    #[arg(long)]
    agent: Vec<String>,
    /// How many tasks of a batch are open at once.
    #[arg(long, value_name = "N")]
    size: Option<u32>,
    /// Which agent gets the next task: round-robin, least-busy or random.
    #[arg(long, value_name = "WORD", value_parser = ["round-robin", "least-busy", "random"])]
    strategy: Option<String>,
    /// What answers come to: all, first, majority or quorum.
    #[arg(long, value_name = "WORD", value_parser = ["all", "first", "majority", "quorum"])]
    merge: Option<String>,
    /// What it is for, in a sentence.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    #[command(flatten)]
    bounds: Bounds,
}

#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("change").required(true).multiple(true)
    .args(["size", "min", "max", "autoscale", "quorum"])))]
struct Scale {
    /// Which pool.
    name: String,
    /// How many; the nearest that the bounds allow unless given.
    #[arg(long, value_name = "N")]
    size: Option<u32>,
    #[command(flatten)]
    bounds: Bounds,
}

#[derive(clap::Args)]
struct Bounds {
    /// The least size.
    #[arg(long, visible_alias = "min-size", value_name = "N")]
    min: Option<u32>,
    /// The largest size.
    #[arg(long, visible_alias = "max-size", value_name = "N")]
    max: Option<u32>,
    /// Lets the size follow the work, up to the largest; `--autoscale=false` ends that.
    #[arg(long, visible_alias = "auto-scale", value_name = "BOOL", num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true")]
    autoscale: Option<bool>,
    /// How many answers a quorum is; more than half unless given.
    #[arg(long, value_name = "N")]
    quorum: Option<u32>,
}

impl Bounds {
    fn put(&self, body: &mut Map<String, Value>) {
        let numbers = [
            ("min_size", self.min),
            ("max_size", self.max),
            ("quorum", self.quorum),
        ];
        for (key, number) in numbers {
            body.extend(number.map(|number| (key.to_owned(), json!(number))));
        }
        body.extend(
            self.autoscale
                .map(|on| ("auto_scale".to_owned(), json!(on))),
        );
    }
}

#[derive(clap::Args)]
struct Submit {
    /// Which pool.
    name: String,
    /// The task: text, @FILE, or - for standard input.
    #[arg(required_unless_present = "batch", conflicts_with = "batch")]
    task: Option<String>,
    /// A file with a task on each line, or a JSON list; - for standard input.
    #[arg(long, value_name = "FILE")]
    batch: Option<String>,
    /// What the answers come to: all, first, majority or quorum; what the pool says unless given.
    #[arg(long, value_name = "WORD", value_parser = ["all", "first", "majority", "quorum"])]
    merge: Option<String>,
    /// How many answers a quorum is; more than half unless given.
    #[arg(long, value_name = "N")]
    quorum: Option<u32>,
    #[command(flatten)]
    wait: Wait,
}

pub(crate) fn go(context: &Context, pool: &Pool) -> Ended {
    let flow = Flow {
        context,
        kind: Kind::Pool,
    };
    match &pool.what {
        What::Create(asked) => create(context, asked),
        What::Add { name, agent } => {
            let agent = super::name(agent)?;
            let said = format!("{agent} works in {name}.");
            change(context, name, "add", &json!({"agent": agent}), &said)
        }
        What::Submit(asked) => submit(flow, asked),
        What::Status { which: None } | What::List => list(context),
        What::Status { which: Some(which) } => status(context, which),
        What::History { name, limit } => flow.history(name.as_deref(), *limit),
        What::Remove { name, agent: None } => remove(flow, name),
        What::Remove {
            name,
            agent: Some(agent),
        } => {
            let agent = super::name(agent)?;
            let said = format!("{agent} works in {name} no more.");
            change(context, name, "remove", &json!({"agent": agent}), &said)
        }
        What::Scale(asked) => scale(context, asked),
        What::Drain { name } => {
            let said = format!("{name} takes no more work.");
            change(context, name, "drain", &json!({}), &said)
        }
        What::Stop { name } => stop(context, name),
        What::Start { name } => {
            let said = format!("{name} takes work.");
            change(context, name, "start", &json!({}), &said)
        }
        What::Cancel(which) => flow.tell(which, "cancel", &json!({})),
        What::Delete { name } => flow.delete(name),
    }
}

fn create(context: &Context, asked: &Create) -> Ended {
    let mut body = Map::new();
    body.insert("name".into(), json!(name(&asked.name)?));
    if !asked.agent.is_empty() {
        body.insert("agents".into(), json!(asked.agent));
    }
    body.extend(asked.size.map(|size| ("size".into(), json!(size))));
    asked.bounds.put(&mut body);
    put(&mut body, "strategy", asked.strategy.as_ref());
    put(&mut body, "merge", asked.merge.as_ref());
    put(&mut body, "description", asked.description.as_ref());
    let mut session = context.fresh_session()?;
    let answer = session.post(api("/pools"), &Value::Object(body))?;
    drop(session);
    if context.out.json {
        context.out.json(&answer);
    }
    context.out.say(format!("Made the pool {}.", asked.name));
    sync::warn(&context.out, &answer);
    if asked.agent.is_empty() {
        let next = format!("Give it somebody: naos pool add {} AGENT", asked.name);
        context.out.note(next);
    }
    Ok(0)
}

fn scale(context: &Context, asked: &Scale) -> Ended {
    let mut body = Map::new();
    body.extend(asked.size.map(|size| ("size".to_owned(), json!(size))));
    asked.bounds.put(&mut body);
    let said = match asked.size {
        Some(size) => format!("{} has size {size}.", asked.name),
        None => format!("{} is changed.", asked.name),
    };
    change(context, &asked.name, "scale", &Value::Object(body), &said)
}

/// Takes a pool away that has no open work, or takes no more.
fn remove(flow: Flow<'_>, text: &str) -> Ended {
    let called = name(text)?;
    let mut session = flow.context.session()?;
    let kept = session.get(api(&format!("/resources/pool/{called}")))?;
    let open = open(&mut session, called.as_str())?.len();
    drop(session);
    if open > 0 && kept["spec"]["draining"] != true {
        let batches = count(open, "open batch", "open batches");
        let what = format!("the pool {called} has {batches}");
        let help = format!(
            "`naos pool drain {called}` lets it take no more and its batches end, `naos pool stop \
             {called}` cancels them"
        );
        return Err(Fail::new(Code::WRONG_STATE, what).help(help));
    }
    flow.delete(text)
}

fn change(context: &Context, text: &str, verb: &str, body: &Value, said: &str) -> Ended {
    let called = name(text)?;
    let mut session = context.fresh_session()?;
    let answer = session.post(api(&format!("/pools/{called}/{verb}")), body)?;
    drop(session);
    if context.out.json {
        context.out.json(&answer);
    }
    context.out.say(said);
    sync::warn(&context.out, &answer);
    Ok(0)
}

/// Tasks of a file: a JSON list, or a line each; empty lines are none.
fn tasks(text: &str) -> Result<Vec<Value>, Fail> {
    if text.trim_start().starts_with('[') {
        return serde_json::from_str(text).map_err(|error| {
            let what = format!("the batch begins like a JSON list and doesn't parse: {error}");
            Fail::new(Code::BAD_REQUEST, what)
        });
    }
    let lines = text.lines().map(str::trim_end);
    Ok(lines
        .filter(|line| !line.is_empty())
        .map(|line| json!(line))
        .collect())
}

fn submit(flow: Flow<'_>, asked: &Submit) -> Ended {
    let called = name(&asked.name)?;
    let (tasks, merge) = match (&asked.batch, &asked.task) {
        (Some(file), _) if file == "-" => (tasks(&given("-")?)?, asked.merge.clone()),
        (Some(file), _) => (tasks(&given(&format!("@{file}"))?)?, asked.merge.clone()),
        // One task has one answer.
        (None, task) => {
            let task = given(task.as_deref().unwrap_or_default())?;
            (
                vec![json!(task)],
                asked.merge.clone().or(Some("first".into())),
            )
        }
    };
    let wait = asked.wait.millis();
    let mut body = json!({"tasks": tasks, "wait_ms": wait.min(FIRST_MS)});
    if let Some(merge) = merge {
        body["merge"] = json!(merge);
    }
    if let Some(quorum) = asked.quorum {
        body["quorum"] = json!(quorum);
    }
    let mut session = flow.context.fresh_session()?;
    let path = format!("/pools/{called}/submit");
    let started = begun::begin(&mut session, begun::PLAN_RUNS, &path, &body)?;
    flow.until_end(session, started, &asked.wait)
}

/// The batches of a pool that are open, those that somebody paused too.
fn open(session: &mut Session, called: &str) -> Result<Vec<Value>, Fail> {
    let mut all = Vec::new();
    for status in ["running", "held"] {
        let path = format!(
            "/plan-runs?kind=pool&status={status}&name={}&limit=500",
            part(called)
        );
        let found = session.get(api(&path))?;
        all.extend_from_slice(items(&found));
    }
    Ok(all)
}

fn stop(context: &Context, text: &str) -> Ended {
    let called = name(text)?;
    let mut session = context.fresh_session()?;
    let answer = session.post(api(&format!("/pools/{called}/drain")), &json!({}))?;
    let open = open(&mut session, called.as_str())?;
    for batch in &open {
        let id = cell(&batch["run"]);
        session.post(api(&format!("/plan-runs/{id}/cancel")), &json!({}))?;
    }
    drop(session);
    if context.out.json {
        context.out.json(&answer);
    }
    let cancelled = count(open.len(), "batch was", "batches were");
    let said = format!("{called} is stopped; {cancelled} cancelled.");
    context.out.say(said);
    Ok(0)
}

fn shape(session: &mut Session, kept: &Value) -> Result<Value, Fail> {
    let called = cell(&kept["name"]);
    let open = open(session, &called)?;
    let spec = &kept["spec"];
    let (working, waiting) = under_way(&open);
    let waits = open.iter().find(|batch| batch["waits"].is_string());
    let status = match (spec["draining"].as_bool(), open.is_empty()) {
        (Some(true), true) => "drained",
        (Some(true), false) => "draining",
        (_, true) => "ready",
        (_, false) => "running",
    };
    Ok(json!({
        "name": called,
        "status": status,
        "agents": spec["agents"],
        "size": kept["scale"].get("size").unwrap_or(&spec["size"]),
        "scale": kept["scale"],
        "scaling": spec["scaling"],
        "min_size": spec["size_min"],
        "max_size": spec["size_max"],
        "auto_scale": spec["auto_scale"],
        "quorum": spec["quorum"],
        "strategy": spec["strategy"],
        "merge": spec["merge"],
        "batches": open.len(),
        "working": working,
        "waiting": waiting,
        "waits": waits.map(|batch| &batch["waits"]),
        "version": kept["version"],
    }))
}

/// How many tasks of these batches are worked at, and how many wait: those that their agents have
/// no room for now, and those that are not begun.
fn under_way(open: &[Value]) -> (u64, u64) {
    let count = |key: &str| -> u64 {
        let fans = open.iter().map(|batch| &batch["steps"][0]["fan"]);
        fans.filter_map(|fan| fan[key].as_u64()).sum()
    };
    let working = count("open").saturating_sub(count("waiting"));
    let ended = count("done") + count("failed");
    (working, count("count").saturating_sub(ended + working))
}

fn status(context: &Context, which: &str) -> Ended {
    let mut session = context.session()?;
    if PlanId::parse(which).is_some() {
        let found = session.get(api(&format!("/plan-runs/{which}")))?;
        drop(session);
        show(&context.out, &found);
        return Ok(0);
    }
    let called = name(which)?;
    let kept = session.get(api(&format!("/resources/pool/{called}")))?;
    let found = shape(&mut session, &kept)?;
    drop(session);
    let rows = json!({"items": [&found]});
    table(context, &rows, &found);
    Ok(0)
}

fn list(context: &Context) -> Ended {
    let mut session = context.session()?;
    let kept = session.get(api("/resources/pool"))?;
    let mut all = Vec::new();
    for item in items(&kept) {
        all.push(shape(&mut session, item)?);
    }
    drop(session);
    let answer = json!({"items": all, "next": kept["next"]});
    if all.is_empty() && !context.out.json {
        context.out.say("There are no pools.");
        return Ok(0);
    }
    table(context, &answer, &answer);
    Ok(0)
}

fn table(context: &Context, rows: &Value, in_json: &Value) {
    let out = &context.out;
    if out.json {
        out.json(in_json);
        return;
    }
    let columns = [
        "name", "status", "size", "strategy", "merge", "batches", "working", "waiting",
    ];
    let row = |item: &Value| {
        let cells = columns.iter().map(|key| match *key {
            "status" => standing(item),
            "size" => size(item),
            key => cell(&item[key]),
        });
        cells.collect()
    };
    let all: Vec<Vec<String>> = items(rows).iter().map(row).collect();
    out.table(&columns, &all);
    for item in items(rows) {
        if let Some(why) = item["scale"]["why"].as_str() {
            out.note(format!("{}: {why}", cell(&item["name"])));
        }
        if let Some(why) = item["waits"].as_str() {
            out.note(format!("{}: {}", cell(&item["name"]), waits_for(why)));
        }
    }
}

/// The size of a pool, with the bounds that it has: `8 (4 to 16, by itself)`.
fn size(item: &Value) -> String {
    let size = cell(&item["size"]);
    let bounds = match (&item["min_size"], &item["max_size"]) {
        (Value::Null, Value::Null) => return size,
        (least, Value::Null) => format!("from {}", cell(least)),
        (Value::Null, most) => format!("to {}", cell(most)),
        (least, most) => format!("{} to {}", cell(least), cell(most)),
    };
    let itself = if item["auto_scale"] == true {
        ", by itself"
    } else {
        ""
    };
    format!("{size} ({bounds}{itself})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_begun_waits() {
        let fan = json!({"count": 8_000, "done": 10, "failed": 2, "open": 32, "waiting": 4});
        let small = json!({"count": 3, "done": 0, "failed": 0, "open": 3, "waiting": 0});
        let batch = |fan| json!({"steps": [{ "fan": fan }]});
        let open = [batch(fan), batch(small)];
        assert_eq!(under_way(&open), (31, 7_960));
        assert_eq!(under_way(&[]), (0, 0));
    }

    #[test]
    fn a_batch_is_lines_or_a_list() {
        for (text, wanted) in [
            ("a\nb c \n\nd\n", json!(["a", "b c", "d"])),
            ("", json!([])),
            ("[\"a\", {\"b\": 1}]", json!(["a", {"b": 1}])),
        ] {
            assert_eq!(Value::Array(tasks(text).unwrap()), wanted, "{text:?}");
        }
        assert_eq!(tasks("[a").unwrap_err().exit, 2);
    }
}
