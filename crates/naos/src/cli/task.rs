//! `naos task create|list|show|say|assign|hand-over|begin|done|change|follow|mute|cancel`

use serde_json::{Map, Value, json};

use super::begun::NOBODY_GOES_ON;
use super::get::{address as address_of, more, pages};
use super::plan::standing;
use super::{Context, Ended, given};
use crate::fail::Fail;
use crate::out::{Out, cell, items};
use crate::session::{Session, api, part};

/// Plans, follows and hands over tasks.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  naos task create \"Write the pricing page\" --to growth \
    --reviewer fury --approve\n  \
    naos task create \"Spec for the login\" --to pm --then dev --due 2026-12-01 \
    --priority high\n  naos task list --status human_approval\n  naos task show task_01jd8…\n  \
    naos task say task_01jd8… \"@growth what about the old prices?\"\n  \
    naos task hand-over task_01jd8… fury --note \"the numbers are in notes/prices.md\""
)]
pub(crate) struct Task {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Puts a task on the board.
    Create {
        /// What it is called.
        title: String,
        #[command(flatten)]
        plan: Plan,
        /// What is to be done: text, @FILE, or - for standard input.
        #[arg(long, short, value_name = "TEXT|@FILE|-")]
        text: Option<String>,
        /// Tasks that must be done before.
        #[arg(long, value_name = "TASK")]
        after: Vec<String>,
        /// The task that it is a part of.
        #[arg(long, value_name = "TASK")]
        part_of: Option<String>,
    },
    /// Lists tasks.
    List {
        /// Only those with this status: inbox, in_progress, human_approval, done …
        #[arg(long)]
        status: Option<String>,
        #[command(flatten)]
        only: Only,
        /// At most so many.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        limit: Option<u32>,
        /// Only those older than this one.
        #[arg(long, value_name = "ID")]
        before: Option<String>,
    },
    /// Shows one task: what is planned, where it stands, what was said.
    Show {
        /// Its id.
        task: String,
    },
    /// Says something in its thread: `@name` calls an agent, `@all` all that have to do with it.
    #[command(visible_alias = "comment")]
    Say {
        /// Its id.
        task: String,
        /// What: text, @FILE, or - for standard input. A call at its beginning is a call, no file,
        /// where an agent has that name.
        #[arg(value_name = "TEXT")]
        text: String,
    },
    /// Changes what is planned for it.
    #[command(visible_alias = "assign")]
    Change {
        /// Its id.
        task: String,
        #[command(flatten)]
        plan: Plan,
        /// The tasks that it waits for from now on; `none` waits for nothing more.
        #[arg(long, value_name = "TASK")]
        after: Vec<String>,
        /// The task that it is a part of; `none` stands by itself.
        #[arg(long, value_name = "TASK")]
        part_of: Option<String>,
    },
    /// Gives it to somebody else, who goes on where it stands: what was made stays.
    #[command(visible_alias = "handoff")]
    HandOver {
        /// Its id.
        task: String,
        /// An agent, or a member: their id, or @ and the word they are called by.
        to: String,
        /// What they should know.
        #[arg(long, short, value_name = "TEXT|@FILE|-")]
        note: Option<String>,
    },
    /// Begins it at once, without a heartbeat; what was blocked or failed goes on where it stood.
    #[command(visible_aliases = ["retry", "resume"])]
    Begin {
        /// Its id.
        task: String,
    },
    /// Says that a person did it.
    #[command(visible_alias = "finish")]
    Done {
        /// Its id.
        task: String,
        /// The result.
        #[arg(long, short, value_name = "TEXT|@FILE|-")]
        output: Option<String>,
    },
    /// Lets you hear of it: your inbox says what happens to it.
    Follow {
        /// Its id.
        task: String,
    },
    /// Lets you hear no more of it, but where you are called by name.
    #[command(visible_alias = "unfollow")]
    Mute {
        /// Its id.
        task: String,
    },
    /// Cancels a task and what runs for it.
    Cancel {
        /// Its id.
        task: String,
    },
}

/// Which tasks are listed.
#[derive(clap::Args)]
struct Only {
    /// Only those with this label.
    #[arg(long, value_name = "WORD")]
    label: Option<String>,
    /// Only those of this agent.
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
    /// Only those of this priority: low, normal, high or urgent.
    #[arg(long, value_name = "WORD")]
    priority: Option<String>,
    /// Only those that should be done by then: 2026-12-01, or a time with its zone.
    #[arg(long, value_name = "DATE")]
    due: Option<String>,
}

/// What is planned for a task.
#[derive(clap::Args)]
struct Plan {
    /// Whose it is: an agent, or a member: their id, or @ and the word they are called by.
    #[arg(long, value_name = "WHO")]
    to: Option<String>,
    /// Agents that go on with what the one before made, in order; `none` alone for nobody.
    #[arg(long, value_name = "AGENT")]
    then: Vec<String>,
    /// Who refutes or praises what agents made; `none` for nobody.
    #[arg(long, value_name = "AGENT")]
    reviewer: Option<String>,
    /// What must hold of the result before anybody is asked, without a model: an expression (CEL)
    /// over `output`, `text` and `bytes`, NAME=EXPRESSION, or @FILE with a JSON schema; `none`
    /// alone for nothing.
    #[arg(long = "check", value_name = "EXPR|@FILE")]
    checks: Vec<String>,
    /// How many rounds the reviewer has before a person decides.
    #[arg(long, value_name = "N")]
    rounds: Option<u32>,
    /// Asks a person at the end; of at least this role, where one is named.
    #[arg(long, value_name = "ROLE", num_args = 0..=1, default_missing_value = "staff")]
    approve: Option<String>,
    /// A person is asked about what no agent looked at.
    #[arg(long)]
    unreviewed: bool,
    /// low, normal, high or urgent; an urgent one doesn't wait for a heartbeat.
    #[arg(long, value_name = "WORD")]
    priority: Option<String>,
    /// When it should be done: 2026-12-01, or a time with its zone.
    #[arg(long, value_name = "DATE")]
    due: Option<String>,
    /// How long a person may take to answer whether it is good: 30m, 12h, 2d.
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
    /// Words to find it by.
    #[arg(long = "label", value_name = "WORD")]
    labels: Vec<String>,
    /// Agents that hear how it ended.
    #[arg(long, value_name = "AGENT")]
    cc: Vec<String>,
    /// Documents that come with it.
    #[arg(long = "attach", value_name = "PATH")]
    attached: Vec<String>,
}

impl Plan {
    /// What was said of it, in the words of the API.
    fn said(&self) -> Result<Map<String, Value>, Fail> {
        let mut out = Map::new();
        let texts = [
            ("to", &self.to),
            ("reviewer", &self.reviewer),
            ("approve", &self.approve),
            ("priority", &self.priority),
            ("due", &self.due),
            ("expires", &self.expires),
        ];
        for (key, value) in texts {
            if let Some(value) = value {
                let is_nobody = key == "reviewer" && value == "none";
                out.insert(
                    key.into(),
                    json!(if is_nobody { "" } else { value.as_str() }),
                );
            }
        }
        let lists = [
            ("then", &self.then),
            ("labels", &self.labels),
            ("cc", &self.cc),
            ("attached", &self.attached),
        ];
        for (key, value) in lists {
            if key == "then" && matches!(&value[..], [word] if word == "none") {
                out.insert(key.into(), json!([]));
            } else if !value.is_empty() {
                out.insert(key.into(), json!(value));
            }
        }
        if let Some(rounds) = self.rounds {
            out.insert("rounds".into(), json!(rounds));
        }
        if self.unreviewed {
            out.insert("unreviewed".into(), json!(true));
        }
        match &self.checks[..] {
            [] => {}
            [word] if word == "none" => drop(out.insert("checks".into(), json!([]))),
            all => {
                let all: Result<Vec<Value>, Fail> = all.iter().map(|text| check(text)).collect();
                out.insert("checks".into(), json!(all?));
            }
        }
        Ok(out)
    }
}

/// One check as it was said: a file holds a JSON schema.
fn check(text: &str) -> Result<Value, Fail> {
    if !text.starts_with('@') {
        return Ok(json!(text));
    }
    let schema: Value = serde_json::from_str(&given(text)?).map_err(|error| {
        Fail::usage(format!("{} holds no JSON schema: {error}", &text[1..]))
            .help("an expression stands in the command itself: --check \"size(output) < 4000\"")
    })?;
    Ok(json!({"schema": schema}))
}

fn address(task: &str, what: &str) -> String {
    api(&format!("/tasks/{}{what}", part(task)))
}

pub(crate) fn go(context: &Context, task: &Task) -> Ended {
    let out = &context.out;
    let mut session = context.session()?;
    let (answer, sentence) = match &task.what {
        What::List {
            status,
            only,
            limit,
            before,
        } => {
            let asked = [
                ("status", status),
                ("label", &only.label),
                ("agent", &only.agent),
                ("priority", &only.priority),
                ("due", &only.due),
            ];
            let said = |(key, value): (&str, &Option<String>)| {
                let value = value.as_ref()?;
                Some(format!("{key}={}", part(value)))
            };
            let query: Vec<String> = asked.into_iter().filter_map(said).collect();
            let answer = pages(*limit, before.as_deref(), |more| {
                session.get(api(&address_of("/tasks", &query, more)))
            })?;
            return list(out, &answer);
        }
        What::Show { task } => {
            let found = session.get(address(task, ""))?;
            drop(session);
            show(out, &found);
            return Ok(0);
        }
        What::Create {
            title,
            plan,
            text,
            after,
            part_of,
        } => {
            let mut body = plan.said()?;
            body.insert("title".into(), json!(title));
            if let Some(text) = text {
                body.insert("text".into(), json!(given(text)?));
            }
            if !after.is_empty() {
                body.insert("after".into(), json!(after));
            }
            if let Some(whole) = part_of {
                body.insert("part_of".into(), json!(whole));
            }
            let answer = session.post(api("/tasks"), &Value::Object(body))?;
            if out.quiet && !out.json {
                // Nothing but what the next command needs.
                out.line(cell(&answer["task"]));
            }
            let sentence = created(&session, plan, &answer);
            (answer, sentence)
        }
        What::Say { task, text } => {
            let text = words(&mut session, text)?;
            let answer = session.post(address(task, "/messages"), &json!({"text": text}))?;
            let unknown = list_of(&answer["unknown"]);
            if !unknown.is_empty() {
                let what = "neither an agent nor a member has that name";
                out.note(format!("Nobody is called {unknown}: {what}."));
            }
            let outside = list_of(&answer["outside"]);
            if !outside.is_empty() {
                let what = "members with the role external see nothing of the board";
                out.note(format!("{outside} won't hear of it: {what}."));
            }
            let called = list_of(&answer["calls"]);
            let mut sentence = said(&called, &list_of(&answer["tells"]));
            if !called.is_empty() {
                sentence += &needs_daemon(&session);
            }
            (answer, sentence)
        }
        What::Change {
            task,
            plan,
            after,
            part_of,
        } => {
            let mut said = plan.said()?;
            if let Some(whole) = part_of {
                let whole = if whole == "none" { "" } else { whole.as_str() };
                said.insert("part_of".into(), json!(whole));
            }
            match after.as_slice() {
                [] => {}
                [none] if none == "none" => drop(said.insert("after".into(), json!([]))),
                after => drop(said.insert("after".into(), json!(after))),
            }
            if said.is_empty() {
                return Err(Fail::usage("nothing is said that changes it")
                    .help("naos task change --help names what can"));
            }
            let answer = session.post(address(task, ""), &Value::Object(said))?;
            let sentence = match answer["changed"].as_bool() {
                Some(false) => format!("{task} is planned so already."),
                _ => format!("Changed {task}."),
            };
            (answer, sentence)
        }
        What::HandOver { task, to, note } => {
            let note = note.as_deref().map(given).transpose()?;
            let body = json!({"to": to, "note": note});
            let answer = session.post(address(task, "/hand-over"), &body)?;
            (answer, format!("{task} is {to}'s now."))
        }
        What::Begin { task } => {
            let answer = session.post(address(task, "/begin"), &json!({}))?;
            (answer, format!("{task} goes on.{}", needs_daemon(&session)))
        }
        What::Done { task, output } => {
            let output = output.as_deref().map(given).transpose()?;
            let answer = session.post(address(task, "/done"), &json!({"output": output}))?;
            (answer, format!("{task} is done."))
        }
        What::Follow { task } => {
            let answer = session.post(address(task, "/follow"), &json!({"on": true}))?;
            (answer, format!("You hear of {task}: naos inbox"))
        }
        What::Mute { task } => {
            let answer = session.post(address(task, "/follow"), &json!({"on": false}))?;
            (answer, format!("You hear no more of {task}."))
        }
        What::Cancel { task } => {
            let answer = session.post(address(task, "/cancel"), &json!({}))?;
            (answer, format!("Cancelled {task}."))
        }
    };
    drop(session);
    if out.json {
        out.json(&answer);
    }
    out.say(sentence);
    Ok(0)
}

/// What was said: `@jarvis …` calls an agent, where there is one of that name; else it is a file.
fn words(session: &mut Session, text: &str) -> Result<String, Fail> {
    let Some(rest) = text.strip_prefix('@') else {
        return given(text);
    };
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let name = &rest[..end.unwrap_or(rest.len())];
    let is_call =
        name == "all" || end.is_some_and(|end| rest[end..].starts_with(char::is_whitespace));
    if is_call || session.get(api(&format!("/agents/{}", part(name)))).is_ok() {
        return Ok(text.to_owned());
    }
    given(text)
}

/// Whom a message reaches: agents answer, people find it in their inbox.
fn said(agents: &str, people: &str) -> String {
    match (agents, people) {
        ("", "") => "Said; it calls nobody, and nobody else follows the task.".to_owned(),
        (agents, "") => format!("Said; it calls {agents}."),
        ("", people) => format!("Said; {people} will find it in the inbox."),
        (agents, people) => {
            format!("Said; it calls {agents}, and {people} will find it in the inbox.")
        }
    }
}

/// What is said where nobody works on it until somebody starts naos.
fn needs_daemon(session: &Session) -> String {
    match session.daemon() {
        Some(_) => String::new(),
        None => format!(" {NOBODY_GOES_ON}."),
    }
}

fn created(session: &Session, plan: &Plan, answer: &Value) -> String {
    let task = cell(&answer["task"]);
    let when = match (&plan.to, answer["begins"].as_str()) {
        (None, _) => "It waits in the inbox: `naos task change ID --to AGENT`.".to_owned(),
        (Some(to), Some(at)) => format!("{to} looks at it at {at}.{}", needs_daemon(session)),
        (Some(to), None) if to.starts_with('@') => format!("It is {to}'s."),
        (Some(to), None) => format!("It is {to}'s.{}", needs_daemon(session)),
    };
    format!("{task}\n{when}")
}

fn list_of(value: &Value) -> String {
    let items = value.as_array().into_iter().flatten();
    items.map(cell).collect::<Vec<_>>().join(", ")
}

/// What a list says of each task.
const COLUMNS: [&str; 6] = ["task", "status", "priority", "due", "agent", "title"];

fn shown_in(item: &Value, key: &str) -> String {
    match (key, &item[key]) {
        (_, Value::Null) => String::new(),
        ("status", _) => standing(item),
        // The day is what people look for.
        ("due", due) => cell(due).chars().take(10).collect(),
        (_, value) => cell(value),
    }
}

fn list(out: &Out, answer: &Value) -> Ended {
    if out.json {
        out.json(answer);
        return Ok(0);
    }
    let row = |item: &Value| COLUMNS.iter().map(|key| shown_in(item, key)).collect();
    let rows: Vec<Vec<String>> = items(answer).iter().map(row).collect();
    if rows.is_empty() {
        out.say("There are no tasks. `naos task create TITLE --to AGENT` makes one.");
    } else {
        out.table(&COLUMNS, &rows);
        more(out, answer);
    }
    Ok(0)
}

/// What stands behind a finding about what a person changed since then.
fn before_edit(found: &Value) -> &'static str {
    match found["edited"].as_bool() {
        Some(true) => " (before a person edited it)",
        _ => "",
    }
}

/// What must hold, in a line: its name, and what it says.
fn demanded(check: &Value) -> String {
    if check.is_string() {
        return cell(check); // an expression without a name
    }
    let says = match check["check"].as_str() {
        Some(says) => says.to_owned(),
        None => format!("schema {}", check["schema"]),
    };
    let named = match check["name"].as_str() {
        Some(name) => format!("{name} ({says})"),
        None => says,
    };
    match check["message"].as_str() {
        Some(message) => format!("{named}, else: {message}"),
        None => named,
    }
}

/// One check in a line: what it says, whether it holds, what was found.
pub(super) fn checked(check: &Value) -> String {
    let (name, says) = (cell(&check["name"]), cell(&check["check"]));
    let named = match check["name"].as_str() {
        Some(_) => format!("{name} ({says})"),
        None => says,
    };
    let since = before_edit(check);
    match check["passed"].as_bool() {
        Some(true) => format!("holds: {named}{since}"),
        _ => {
            let told = [&check["found"], &check["message"]];
            let told = told.into_iter().filter_map(Value::as_str);
            let told = told.collect::<Vec<_>>().join(". ");
            format!("fails: {named}{since}: {told}")
        }
    }
}

/// That its data stays, and from whose work it comes; nothing where it may leave.
fn stays(found: &Value) -> String {
    let (Some(what), from) = (found["data"].as_str(), &found["stays_from"]) else {
        return String::new();
    };
    let (agent, task) = (cell(&from["agent"]), cell(&from["task"]));
    format!("{what} (from {agent}, {task})")
}

fn show(out: &Out, found: &Value) {
    if out.json {
        out.json(found);
        return;
    }
    out.line(cell(&found["title"]));
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut put = |name: &str, value: String| {
        if !value.is_empty() {
            rows.push(vec![name.to_owned(), value]);
        }
    };
    for key in [
        "status", "waits", "to", "agent", "priority", "due", "begins", "reviewer", "approve",
        "expires", "part_of", "plan", "run", "by", "opened", "ended",
    ] {
        if key == "agent" && found["to"].is_string() {
            continue; // the same
        }
        let value = &found[key];
        let value = if value.is_null() {
            String::new()
        } else {
            cell(value)
        };
        put(key, value);
    }
    put("data", stays(found));
    for key in [
        "then", "labels", "after", "unblocks", "parts", "cc", "attached",
    ] {
        put(key, list_of(&found[key]));
    }
    if let Some(note) = found["problem"]["note"].as_str() {
        put("problem", note.to_owned());
    }
    if let Some(said) = found["problem"]["said"].as_str() {
        put("said", said.to_owned());
    }
    for check in found["checks"].as_array().into_iter().flatten() {
        put("check", demanded(check));
    }
    out.table(&["", ""], &rows);
    for (head, key) in [("What is to be done", "input"), ("Result", "output")] {
        if let Some(text) = found[key].as_str().filter(|text| !text.trim().is_empty()) {
            out.line(format!("\n{head}:\n"));
            out.line(text);
        }
    }
    for made in found["made"].as_array().into_iter().flatten() {
        if made["by"].is_null() {
            out.line("\nA person rejected that:\n");
            out.line(cell(&made["text"]));
            continue;
        }
        let what = match made["refuted"].as_bool() {
            Some(true) => "refuted in that",
            _ => "made of it",
        };
        out.line(format!("\nWhat {} {what}:\n", cell(&made["by"])));
        out.line(cell(&made["text"]));
    }
    for (at, check) in found["checked"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        if at == 0 {
            out.line("\nWhat was checked without a model:\n");
        }
        out.line(checked(check));
    }
    let review = &found["review"];
    if let Some(verdict) = review["verdict"].as_str() {
        let (who, round) = (cell(&review["reviewer"]), cell(&review["round"]));
        let rounds = cell(&review["rounds"]);
        let since = before_edit(review);
        out.line(format!(
            "\nThe review of {who}, round {round} of {rounds}: {verdict}{since}\n"
        ));
        out.line(cell(&review["text"]));
    }
    let asks = &found["asks"];
    if !asks.is_null() {
        let id = cell(&asks["approval"]);
        out.line(format!(
            "\nWhat a person is asked about (naos approve {id}):\n"
        ));
        out.line(cell(&asks["text"]));
    }
    let said = found["messages"].as_array().into_iter().flatten();
    for (at, line) in said.enumerate() {
        if at == 0 {
            out.line("\nThread:\n");
        }
        let (by, time) = (cell(&line["by"]), cell(&line["at"]));
        out.line(format!("{time} {by}: {}", cell(&line["text"])));
    }
}
