//! `naos run AGENT|--all --input TEXT`

mod all;
mod trust;

use std::time::Duration;

use naos_engine::clock;
use naos_types::Code;
use serde_json::{Map, Value, json};

use super::{Context, Ended, begun, exit_of, given, name, shown};
use crate::fail::Fail;
use crate::out::{Out, aside, money};
use crate::session::{Session, api, part};

/// How long an answer is waited for, in seconds, unless somebody says else.
const WAIT_S: u64 = 300;

/// Gives an agent something to do and waits for its answer. Without an agent the broker chooses.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = "Examples:\n  \
    naos run reader --input \"What is due on Friday?\"\n  \
    naos run analyzer --input @invoices.csv --json\n  \
    cat notes.md | naos run reader --input -\n  \
    naos run --input \"summarise these notes\"      # the broker chooses\n  \
    naos run --all --input @monday.md             # everybody who takes work\n  \
    naos run reader --input @notes.md --verify-trust\n  \
    naos run steer run_01jd8… \"Only the bills of this year.\"\n  \
    naos run resolve run_01jd8… --retry")]
pub(crate) struct Run {
    #[command(subcommand)]
    about: Option<About>,
    /// Who is to do it.
    agent: Option<String>,
    /// Every agent that takes work, each with the same input.
    #[arg(long, conflicts_with_all = ["agent", "stream"])]
    all: bool,
    /// What is given: text, @FILE, or - for standard input.
    #[arg(long, short, value_name = "TEXT|@FILE|-", default_value = "")]
    input: String,
    /// First proves the journal and looks whether the agent's component is one that is known: of a
    /// template, or the project's own file. Else nothing is run.
    #[arg(long)]
    verify_trust: bool,
    /// What the task is called on the board.
    #[arg(long)]
    title: Option<String>,
    /// Doesn't wait for the answer.
    #[arg(long)]
    no_wait: bool,
    /// Waits at most so many seconds; the run goes on.
    #[arg(long, value_name = "SECONDS", default_value_t = WAIT_S)]
    timeout: u64,
    /// Shows what a model writes as it writes it; on a terminal that is always so. Elsewhere, and
    /// with --json, it is shown on standard error: standard output has the answer and nothing else.
    #[arg(long, conflicts_with = "no_wait")]
    stream: bool,
}

#[derive(clap::Subcommand)]
enum About {
    /// Cancels a run.
    Cancel {
        /// Which.
        run: String,
    },
    /// Decides about a run whose effect may or may not have happened.
    Resolve(Resolve),
    /// Says something to whoever is at work in a run: its model hears it with the next turn.
    Steer {
        /// Which.
        run: String,
        /// What: text, @FILE, or - for standard input.
        #[arg(value_name = "TEXT|@FILE|-")]
        note: String,
    },
}

#[derive(clap::Args)]
#[group(id = "verdict", required = true, multiple = false)]
struct Verdict {
    /// It happened: go on.
    #[arg(long)]
    finish: bool,
    /// It did not happen, and is not to: the agent hears that, and goes on without it.
    #[arg(long)]
    undo: bool,
    /// It did not happen: do it again.
    #[arg(long)]
    retry: bool,
}

#[derive(clap::Args)]
struct Resolve {
    /// Which run.
    run: String,
    #[command(flatten)]
    verdict: Verdict,
}

/// Gives a task to whoever the broker chooses.
pub(crate) fn for_anybody(context: &Context, text: &str) -> Ended {
    let run = Run {
        about: None,
        agent: None,
        all: false,
        input: text.to_owned(),
        verify_trust: false,
        title: None,
        no_wait: false,
        timeout: WAIT_S,
        stream: false,
    };
    go(context, &run)
}

pub(crate) fn go(context: &Context, run: &Run) -> Ended {
    match &run.about {
        Some(About::Cancel { run }) => return tell(context, run, "cancel", &json!({})),
        Some(About::Resolve(resolve)) => {
            let Verdict { finish, undo, .. } = resolve.verdict;
            let verdict = if finish {
                "finish"
            } else if undo {
                "undo"
            } else {
                "retry"
            };
            return tell(
                context,
                &resolve.run,
                "resolve",
                &json!({ "verdict": verdict }),
            );
        }
        Some(About::Steer { run, note }) => {
            return tell(context, run, "notes", &json!({ "text": given(note)? }));
        }
        None => {}
    }
    let input = given(&run.input)?;
    if run.all {
        return all::go(context, run, &input);
    }
    if run.agent.is_none() && input.trim().is_empty() {
        return Err(
            Fail::usage("there is nothing to do: neither an agent nor an input").help(
                "say what: `naos run --input TEXT`, or to whom too: `naos run AGENT --input TEXT`",
            ),
        );
    }
    let mut body = json!({ "input": input });
    let agent = run.agent.as_deref().map(name).transpose()?;
    if let Some(agent) = &agent {
        body["agent"] = json!(agent);
    }
    if let Some(title) = &run.title {
        body["title"] = json!(title);
    }
    let mut session = match &agent {
        Some(agent) => context.fresh_session_of(agent)?,
        None => context.fresh_session()?,
    };
    if run.verify_trust {
        let Some(agent) = &agent else {
            let what = "--verify-trust looks at an agent's component, and none was named";
            return Err(Fail::usage(what).help("name the agent, or take --all"));
        };
        trust::verify(&mut session, &[agent.to_string()])?;
    }
    let wait = run.wait_ms();
    // Nobody asked a terminal to show it where the answer is for a program.
    let shows = context.out.terminal && !context.out.json;
    let stream = run.stream || (shows && !run.no_wait);
    // What is written is heard from the start on, or as near to it as can be.
    body["wait_ms"] = json!(if stream { 0 } else { wait.min(FIRST_MS) });
    let until = clock::tick() + Duration::from_millis(wait);
    let started = begun::begin(&mut session, begun::RUNS, "/runs", &body)?;
    let left = || until.saturating_duration_since(clock::tick());
    begun::tell(&context.out, begun::RUNS, &started, left());
    let mut written = None;
    // One that rests writes nothing, and what it waits for is told below.
    let rests = started["waits"].is_string();
    if stream
        && !rests
        && let Some(id) = started["run"].as_str()
    {
        written = Some(listen(context, &session, id, left())?);
    }
    let answer = until_closed(&mut session, begun::RUNS, started, left())?;
    let inside = session.daemon().is_none();
    drop(session);
    let heard = written.as_deref().filter(|text| !text.is_empty());
    // What was missed at the end follows; nothing is shown twice.
    let rest = heard.and_then(|text| answer["output"].as_str()?.strip_prefix(text));
    let rest = rest.filter(|_| shows);
    if heard.is_some() {
        let rest = rest.unwrap_or_default();
        context.out.thought(&format!("{rest}\n"));
    }
    let whole = rest.is_some();
    Ok(show(&context.out, &answer, run.no_wait, inside, whole))
}

impl Run {
    /// How long its end is waited for.
    fn wait_ms(&self) -> u64 {
        if self.no_wait {
            0
        } else {
            self.timeout.saturating_mul(1_000)
        }
    }
}

/// Shows what a model writes until the run is over; what was shown of its last answer.
fn listen(context: &Context, session: &Session, id: &str, wait: Duration) -> Result<String, Fail> {
    let mut heard = Heard::default();
    let path = api(&format!("/runs/{}/stream", part(id)));
    let listened = session.listen(&path, wait, |event, data| {
        if event == "said" {
            let (ended, text) = heard.add(data);
            if ended != Before::Follows {
                context.out.thought("\n");
            }
            if ended == Before::Dropped {
                aside(DROPPED);
            }
            context.out.thought(&text);
        }
    });
    match listened {
        // Whoever comes next is asked how it ended.
        Err(fail) if fail.code == Some(Code::STOPPING) => Ok(heard.written),
        listened => listened.map(|()| heard.written),
    }
}

/// What is said of text that is no part of the answer, unless a call of a tool followed.
const DROPPED: &str = "(that isn't the answer: it was asked for again)";

/// What a piece follows.
#[derive(PartialEq, Eq)]
enum Before {
    /// What belongs to it, or nothing.
    Follows,
    /// What was said before the call of a tool.
    Called,
    /// What broke off, or what somebody asked for otherwise.
    Dropped,
}

/// What was heard of the answer that is being written.
#[derive(Default)]
struct Heard {
    call: Option<u64>,
    written: String,
    /// A piece of it was missed: it is shown as a whole once it is there, and no half of it now.
    missed: bool,
    /// It goes before the call of a tool.
    calls: bool,
}

impl Heard {
    /// What a piece follows, and what is shown of it.
    fn add(&mut self, data: &Value) -> (Before, String) {
        let text = data["text"].as_str().unwrap_or_default();
        let offset = data["offset"].as_u64().unwrap_or_default();
        let says = data["kind"] == "text";
        let mut before = Before::Follows;
        if (says && offset == 0) || self.call != data["call"].as_u64() {
            if !self.written.is_empty() {
                before = match self.calls {
                    true => Before::Called,
                    false => Before::Dropped,
                };
            }
            *self = Self {
                call: data["call"].as_u64(),
                ..Self::default()
            };
        }
        self.calls |= data["kind"] == "call";
        if !says {
            return (before, String::new());
        }
        self.missed |= offset != self.written.len() as u64;
        if self.missed {
            return (before, String::new());
        }
        self.written.push_str(text);
        (before, text.to_owned())
    }
}

fn tell(context: &Context, run: &str, verb: &str, body: &Value) -> Ended {
    let mut session = context.session()?;
    let answer = session.post(api(&format!("/runs/{}/{verb}", part(run))), body)?;
    let inside = session.daemon().is_none();
    let now = session.get(api(&format!("/runs/{}", part(run))));
    drop(session);
    if context.out.json {
        context.out.json(&answer);
    }
    let done = match verb {
        "cancel" => format!("Cancelled {run}."),
        "notes" => format!("Said to {run}: it hears it with its next turn."),
        _ => format!("Resolved {run}."),
    };
    context.out.say(done);
    begun::leave(&context.out, inside, &now.unwrap_or_default());
    Ok(0)
}

/// Waits on until what was started is closed or waits for a person, or the time is over. Where it
/// waits for an agent that takes no work, that is said, once for each reason.
pub(crate) fn until_closed(
    session: &mut Session,
    place: &str,
    mut answer: Value,
    wait: Duration,
) -> Result<Value, Fail> {
    let until = clock::tick() + wait;
    let mut told = String::new();
    loop {
        let left = until.saturating_duration_since(clock::tick());
        if !begun::is_open(&answer) || left.is_zero() || session.has_left() {
            return Ok(answer);
        }
        if let Some(why) = answer["waits"].as_str().filter(|why| *why != told) {
            aside(waits_for(why)); // else it would hang without a word
            told = why.to_owned();
        }
        let Some(id) = answer["run"].as_str() else {
            return Ok(answer);
        };
        let step = left.as_millis().min(u128::from(LOOK_MS));
        let asked = clock::tick();
        let mut found = begun::ask(session, place, id, step)?;
        if let (Value::Object(found), Value::Object(first)) = (&mut found, &answer) {
            // What is shown is what the start shows: no more, no less.
            found.retain(|key, _| first.contains_key(key));
        }
        answer = found;
        if clock::tick().saturating_duration_since(asked) < PAUSE {
            session.pause_or_give_way(PAUSE)?;
        }
    }
}

/// The line that says why something waits.
pub(crate) fn waits_for(why: &str) -> String {
    format!("waits: {why}")
}

/// How long the first question waits at most: what can't go on is told that soon.
pub(crate) const FIRST_MS: u64 = 1_000;
/// How long each further one does.
const LOOK_MS: u64 = 5_000;
/// The least time between two questions about the same thing.
const PAUSE: Duration = Duration::from_millis(20);

/// What a run is to whoever asked for it, in this order; the rest is in `naos get run`.
const SHOWN: [&str; 9] = [
    "run",
    "task",
    "agent",
    "status",
    "tier",
    "output",
    "cost_micros",
    "steps",
    "seq",
];

fn in_json(answer: &Value) -> Value {
    let mut shown: Map<String, Value> = SHOWN
        .iter()
        .map(|key| ((*key).to_owned(), answer[*key].clone()))
        .collect();
    for key in ["problem", "waits"] {
        if !answer[key].is_null() {
            shown.insert(key.into(), answer[key].clone());
        }
    }
    Value::Object(shown)
}

fn show(out: &Out, answer: &Value, no_wait: bool, inside: bool, written: bool) -> u8 {
    let status = answer["status"].as_str().unwrap_or_default();
    let id = answer["run"].as_str().unwrap_or("the run");
    if out.json {
        out.json(&in_json(answer));
    } else {
        for_people(out, answer, id, status, written);
    }
    let open = begun::is_open(answer);
    begun::leave(out, inside, answer);
    match status {
        _ if open && no_wait => 0,
        _ if open => {
            out.note(format!(
                "{id} is not done yet; naos get run {id} shows it later"
            ));
            1
        }
        status => exit_of(status),
    }
}

/// `written` says that the output stands there already, whole.
fn for_people(out: &Out, answer: &Value, id: &str, status: &str, written: bool) {
    let output = shown(&answer["output"]);
    match status {
        _ if written => {}
        "completed" => out.answer(&output),
        _ if output.is_empty() => {}
        _ => out.note(output),
    }
    if let Some(why) = why(&answer["problem"]) {
        aside(why); // an error is never kept quiet
    }
    let word = |key: &str| answer[key].as_str().unwrap_or_default();
    let cost = money(&answer["cost_micros"]);
    let words = [id, word("agent"), status, word("tier"), &cost];
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    out.note(words.join(" · "));
    match status {
        "queued" | "running" => {
            if let Some(why) = answer["waits"].as_str() {
                out.note(waits_for(why));
            }
        }
        "held" => out.note("It waits for a person: naos approve"),
        "unknown" | "diverged" => out.note(format!("It waits for a person: naos get run {id}")),
        _ => {}
    }
}

/// A problem in the form of every other error.
pub(crate) fn why(problem: &Value) -> Option<String> {
    let code = problem["code"].as_str()?;
    let entry = Code::parse(code)?.entry();
    let said = ["said", "note"]
        .iter()
        .filter_map(|key| problem[*key].as_str());
    let said: Vec<&str> = said.filter(|text| !text.is_empty()).collect();
    let what = if said.is_empty() {
        entry.title.to_owned()
    } else {
        said.join("; ")
    };
    Some(format!("error: {what} [{code}]\n  help: {}", entry.help))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_model_writes_is_shown_once_and_in_order() {
        let mut heard = Heard::default();
        let mut add = |call: u64, offset: usize, text: &str| {
            let kind = if text == "look" { "call" } else { "text" };
            let piece = json!({"call": call, "kind": kind, "offset": offset, "text": text});
            let (before, text) = heard.add(&piece);
            let before = match before {
                Before::Follows => "",
                Before::Called => "called",
                Before::Dropped => "dropped",
            };
            (before, text)
        };
        let mut said = |call: u64, offset: usize, text: &str, before: &str, shown: &str| {
            assert_eq!(
                add(call, offset, text),
                (before, shown.to_owned()),
                "{text}"
            );
        };
        said(0, 0, "The ", "", "The ");
        said(0, 4, "price", "", "price");
        said(0, 0, "Anew", "dropped", "Anew"); // the attempt before failed
        said(0, 9, "late", "", ""); // the piece before it was missed
        said(0, 13, "r", "", "");
        said(2, 4, "of the end", "dropped", ""); // its beginning was missed
        said(4, 0, "I look.", "", "I look.");
        said(4, 0, "look", "", "");
        said(5, 0, "Last", "called", "Last");
        assert_eq!(heard.written, "Last");
    }
}
