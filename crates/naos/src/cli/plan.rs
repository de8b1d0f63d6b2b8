//! `naos plan start|list|status|pause|resume|skip|reset|cancel|signal|retry-compensation|resolve`

use std::collections::BTreeMap;
use std::time::Duration;

use naos_types::spec::Kind;
use naos_types::{Code, Name};
use serde_json::{Map, Value, json};

use super::events::exactly;
use super::flow::{Flow, Undo, Which};
use super::run::{FIRST_MS, until_closed, waits_for, why};
use super::{Context, Ended, begun, exit_of, given, name, shown};
use crate::fail::Fail;
use crate::out::{Out, cell, count, items, money};
use crate::session::{Session, api, part};

/// Starts, shows, pauses and cancels plans; RUN is a run's id, or a name for its last run.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    naos plan start weekly --input client=Riake --input week=41\n  \
    naos plan start weekly --input '{\"client\": \"Riake\"}' --no-wait\n  \
    naos plan list\n  naos plan pause plan_01jd8…\n  \
    naos plan skip plan_01jd8… say\n  naos plan resume plan_01jd8…\n  \
    naos plan cancel plan_01jd8…\n  \
    naos plan retry-compensation weekly --step book\n  naos plan resolve weekly --step book")]
pub(crate) struct Plan {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Starts a plan.
    #[command(visible_alias = "run")]
    Start(Start),
    /// Lists plans that ran or run, newest first.
    List {
        /// Only those of this one.
        name: Option<String>,
        /// At most so many.
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
    },
    /// Shows one of them.
    #[command(alias = "show")]
    Status {
        /// Its id, or a name for its last run.
        run: String,
    },
    /// Lets one of them begin nothing more; what runs ends.
    Pause {
        /// Its id, or a name for its last run.
        run: String,
    },
    /// Goes on where one of them was paused, failed or was cancelled; tries again what could not be
    /// undone, as retry-compensation does.
    Resume {
        /// Its id, or a name for its last run.
        run: String,
    },
    /// Goes on without a step that has not ended: its output is null.
    Skip {
        /// Its id, or a name for its last run.
        run: String,
        /// The step, by its name or its number.
        step: String,
    },
    /// Gives up one that isn't done, as it stands.
    Reset(Which),
    /// Tries again to undo what could not be undone.
    RetryCompensation(Undo),
    /// Says that somebody undid what could not be undone; the rest is undone then.
    Resolve(Undo),
    /// Cancels one of them; what can be undone is.
    Cancel {
        /// Its id, or a name for its last run.
        run: String,
    },
    /// Sends one of them a signal: a step that waits for it goes on.
    Signal {
        /// Its id, or a name for its last run.
        run: String,
        /// The signal.
        name: String,
        /// What comes with it: JSON, @FILE, or - for standard input.
        #[arg(long, short, value_name = "JSON|@FILE|-", default_value = "null")]
        data: String,
    },
}

#[derive(clap::Args)]
pub(super) struct Start {
    /// Which one.
    name: String,
    /// Its inputs, each of them once: a JSON object, @FILE, -, or KEY=VALUE as often as needed.
    #[arg(long, short, value_name = "JSON|KEY=VALUE")]
    input: Vec<String>,
    /// Doesn't wait for its end.
    #[arg(long)]
    no_wait: bool,
    /// Waits at most so many seconds; the plan goes on.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    timeout: u64,
}

pub(crate) fn go(context: &Context, plan: &Plan) -> Ended {
    let flow = Flow {
        context,
        kind: Kind::Plan,
    };
    match &plan.what {
        What::Start(start) => run(context, start, "plan"),
        What::List { name, limit } => list(context, name.as_deref(), *limit),
        What::Status { run } => status(context, run),
        What::Pause { run } => tell(context, run, "pause", &json!({})),
        What::Resume { run } => tell(context, run, "resume", &json!({})),
        What::Skip { run, step } => tell(context, run, "skip", &json!({"step": step})),
        What::Reset(which) => flow.tell(which, "reset", &json!({})),
        What::RetryCompensation(undo) => flow.resolve(undo, false),
        What::Resolve(undo) => flow.resolve(undo, true),
        What::Cancel { run } => cancel(context, run),
        What::Signal {
            run,
            name: signal,
            data,
        } => send(context, run, signal, data),
    }
}

fn send(context: &Context, run: &str, signal: &str, data: &str) -> Ended {
    let signal = name(signal)?;
    let data = exactly(&given(data)?, |error| {
        let what = format!("the data is no JSON: {error}");
        Fail::usage(what).help("quote a text: --data '\"yes\"'")
    })?;
    let mut session = context.session()?;
    let run = &which(context, &mut session, run)?;
    let body = json!({"name": signal, "data": data});
    let answer = session.post(api(&format!("/plan-runs/{}/signal", part(run))), &body)?;
    let inside = session.daemon().is_none();
    let now = session.get(api(&format!("/plan-runs/{}", part(run))));
    drop(session);
    if context.out.json {
        context.out.json(&answer);
    } else {
        context.out.say(format!("{run} has the signal {signal}."));
    }
    begun::leave(&context.out, inside, &now.unwrap_or_default());
    Ok(0)
}

/// Starts a `plan` or an `instruction`, and waits for its end.
pub(super) fn run(context: &Context, start: &Start, kind: &str) -> Ended {
    let plan = name(&start.name)?;
    let wait = if start.no_wait {
        0
    } else {
        start.timeout.saturating_mul(1_000)
    };
    let mut inputs = inputs(&start.input)?;
    let mut session = context.fresh_session()?;
    if !inputs.typed.is_empty() {
        let kept = session.get(api(&format!("/resources/{kind}/{plan}")))?;
        inputs.keep_texts(&kept)?;
    }
    let body = json!({"inputs": inputs.values, "wait_ms": wait.min(FIRST_MS)});
    let path = format!("/{kind}s/{plan}/start");
    let started = begun::begin(&mut session, begun::PLAN_RUNS, &path, &body)?;
    let wait = Duration::from_millis(wait);
    begun::tell(&context.out, begun::PLAN_RUNS, &started, wait);
    let answer = until_closed(&mut session, begun::PLAN_RUNS, started, wait)?;
    let inside = session.daemon().is_none();
    drop(session);
    Ok(left(&context.out, inside, &answer, start.no_wait))
}

/// Shows a run that is waited for no longer, and says how it ended.
pub(super) fn left(out: &Out, inside: bool, answer: &Value, no_wait: bool) -> u8 {
    show(out, answer);
    begun::leave(out, inside, answer);
    if begun::is_open(answer) && !no_wait {
        if !inside {
            out.note("It is not done yet; it goes on while naos runs.");
        }
        return 1;
    }
    exit_of(answer["status"].as_str().unwrap_or_default())
}

/// A plan's inputs as they were given.
#[derive(Default)]
struct Inputs {
    values: Map<String, Value>,
    /// What was typed for `key=value`, where it was taken as JSON.
    typed: BTreeMap<String, String>,
}

impl Inputs {
    fn put(&mut self, key: String, value: Value) -> Result<(), Fail> {
        if self.values.contains_key(&key) && !crate::planted::later_input_wins() {
            return Err(twice(&key));
        }
        self.values.insert(key, value);
        Ok(())
    }

    /// What the plan takes as a string is one: `client=5` is the text 5 there.
    fn keep_texts(&mut self, plan: &Value) -> Result<(), Fail> {
        let takes = plan["spec"]["inputs"].as_array().into_iter().flatten();
        let text = |input: &&Value| input["kind"] == "string" || input["type"] == "string";
        for input in takes.filter(text) {
            if let Some((key, text)) = self.typed.remove_entry(&cell(&input["name"])) {
                self.values.insert(key, Value::String(text));
            }
        }
        self.typed
            .values()
            .try_for_each(|json| parsed(json).map(|_| ()))
    }
}

/// Inputs: JSON objects and `key=value`, each input once: of two nobody knows which was meant. A
/// value that is JSON is taken so.
fn inputs(given_inputs: &[String]) -> Result<Inputs, Fail> {
    let mut out = Inputs::default();
    for text in given_inputs {
        let whole = text.starts_with(['@', '{', '[']) || text == "-";
        if whole {
            let text = given(text)?;
            let Value::Object(members) = parsed(&text)? else {
                return Err(malformed(NO_OBJECT.into()));
            };
            for (key, value) in members {
                out.put(key, value)?;
            }
            continue;
        }
        let Some((key, value)) = text.split_once('=') else {
            let what = match serde_json::from_str::<Value>(text) {
                Ok(_) => NO_OBJECT.to_owned(),
                Err(_) => format!("{text:?} is neither JSON nor key=value"),
            };
            return Err(malformed(what));
        };
        let text = given(value)?;
        let value = match serde_json::from_str(&text) {
            Ok(value) => {
                out.typed.insert(key.to_owned(), text);
                value
            }
            Err(_) => Value::String(text),
        };
        out.put(key.to_owned(), value)?;
    }
    Ok(out)
}

/// What isn't a map of inputs.
const NO_OBJECT: &str = "inputs must be a JSON object, and this is JSON of another kind";

/// JSON of which nothing is lost on the way.
fn parsed(json: &str) -> Result<Value, Fail> {
    exactly(json, |error| {
        malformed(format!("the inputs don't parse: {error}"))
    })
}

fn twice(key: &str) -> Fail {
    Fail::usage(format!("the input {key} is given twice"))
        .help("give it once: in one --input, as KEY=VALUE or within a JSON object")
}

fn malformed(what: String) -> Fail {
    Fail::new(Code::BAD_REQUEST, what).help("for example: --input client=Riake --input week=41")
}

fn list(context: &Context, of: Option<&str>, limit: u32) -> Ended {
    let of = of.map(name).transpose()?.map(|of| format!("&name={of}"));
    let mut session = context.session()?;
    let path = format!("/plan-runs?limit={limit}{}", of.unwrap_or_default());
    let answer = session.get(api(&path))?;
    drop(session);
    if context.out.json {
        context.out.json(&answer);
        return Ok(0);
    }
    let row = |item: &Value| vec![cell(&item["run"]), cell(&item["name"]), standing(item)];
    let rows: Vec<_> = items(&answer).iter().map(row).collect();
    if rows.is_empty() {
        context.out.say("No plan ran yet.");
    } else {
        context.out.table(&["run", "plan", "status"], &rows);
        if !answer["next"].is_null() {
            context
                .out
                .note("There are more: --limit N shows more of them.");
        }
    }
    Ok(0)
}

/// The run that an id names, or the last one of this name; the API refuses what is neither.
fn which(context: &Context, session: &mut Session, run: &str) -> Result<String, Fail> {
    if Name::new(run).is_err() {
        return Ok(run.to_owned());
    }
    let flow = Flow {
        context,
        kind: Kind::Plan,
    };
    flow.which(session, run, "status")
}

fn status(context: &Context, run: &str) -> Ended {
    let mut session = context.session()?;
    let run = which(context, &mut session, run)?;
    let answer = session.get(api(&format!("/plan-runs/{}", part(&run))))?;
    drop(session);
    show(&context.out, &answer);
    Ok(0)
}

fn cancel(context: &Context, run: &str) -> Ended {
    let mut session = context.session()?;
    let run = which(context, &mut session, run)?;
    let answer = session.post(
        api(&format!("/plan-runs/{}/cancel", part(&run))),
        &json!({}),
    )?;
    drop(session);
    if context.out.json {
        context.out.json(&answer);
    }
    context.out.say(format!("Cancelled {run}."));
    Ok(0)
}

/// Does something about a run, and shows how it stands then.
fn tell(context: &Context, run: &str, verb: &str, body: &Value) -> Ended {
    let mut session = context.session()?;
    let run = which(context, &mut session, run)?;
    let answer = session.post(api(&format!("/plan-runs/{}/{verb}", part(&run))), body)?;
    let inside = session.daemon().is_none();
    drop(session);
    show(&context.out, &answer);
    begun::leave(&context.out, inside, &answer);
    Ok(0)
}

pub(super) fn show(out: &Out, answer: &Value) {
    if out.json {
        out.json(&in_json(answer));
        return;
    }
    let steps = answer["steps"].as_array().map_or(&[][..], Vec::as_slice);
    let row = |step: &Value| {
        let output = shown(&step["output"]);
        let first: String = output
            .lines()
            .next()
            .unwrap_or_default()
            .chars()
            .take(60)
            .collect();
        vec![
            cell(&step["name"]),
            standing(step),
            cell(&step["attempts"]),
            first,
        ]
    };
    let rows: Vec<_> = steps.iter().map(row).collect();
    if !rows.is_empty() {
        out.table(&["step", "status", "attempts", "output"], &rows);
    }
    let output = shown(&answer["output"]);
    if !output.is_empty() {
        out.line(format!("\n{output}"));
    }
    let is_well = exit_of(answer["status"].as_str().unwrap_or_default()) == 0;
    for step in steps {
        // Why the whole isn't well is said to whoever wants to hear nothing else.
        let say = |text: String| match !is_well && step["status"] == "failed" {
            true => out.wrong(text),
            false => out.note(text),
        };
        let fan = &step["fan"];
        if fan["failed"].as_u64().is_some_and(|failed| failed > 0) {
            let name = cell(&step["name"]);
            let undone = undone_items(step);
            say(format!(
                "{name}: {} of {} items failed{undone}",
                fan["failed"], fan["count"]
            ));
        }
        if let Some(why) = why(&step["problem"]) {
            // It went well in the end.
            let before = match step["status"].as_str() {
                Some("done") => "an earlier attempt failed: ",
                _ => "",
            };
            say(format!("{}: {before}{why}", cell(&step["name"])));
        }
        undoing(out, step);
    }
    let status = cell(&answer["status"]);
    let cost = match answer["cost_micros"].as_u64() {
        Some(1..) => format!(" · {}", money(&answer["cost_micros"])),
        _ => String::new(),
    };
    out.note(format!(
        "{} · {} · {}{cost}",
        cell(&answer["run"]),
        cell(&answer["name"]),
        standing(answer)
    ));
    if !answer["paused_with"].is_null() {
        let above = cell(&answer["paused_with"]);
        out.note(format!(
            "It is paused with {above}: naos plan resume {above}"
        ));
    } else if !answer["paused"].is_null() {
        let run = cell(&answer["run"]);
        out.note(format!("It is paused: naos plan resume {run}"));
    } else if status == "held" {
        out.note("It waits for a person: naos approve");
    }
    if let Some(why) = answer["waits"].as_str() {
        out.note(waits_for(why));
    }
    over_all(out, answer);
    if status == "compensation_failed" {
        out.note(not_undone(answer));
    }
}

/// As programs take it: a list or an object is one, as it is for the steps of a plan. Whatever else
/// parses (a number, say) stays the text that it is.
fn in_json(answer: &Value) -> Value {
    let mut told = answer.clone();
    taken_in(&mut told);
    let steps = told.get_mut("steps").and_then(Value::as_array_mut);
    for step in steps.into_iter().flatten() {
        taken_in(step);
        if let Some(undo) = step.get_mut("compensation") {
            taken_in(undo);
        }
    }
    told
}

/// The output of one.
fn taken_in(of: &mut Value) {
    let Some(output @ Value::String(_)) = of.get_mut("output") else {
        return;
    };
    let parsed = output.as_str().map(serde_json::from_str::<Value>);
    if let Some(Ok(parsed @ (Value::Array(_) | Value::Object(_)))) = parsed {
        *output = parsed;
    }
}

/// How a run stands, and whether it is paused, or waits for an agent that takes no work: what runs
/// of it may still end then.
pub(super) fn standing(run: &Value) -> String {
    let status = cell(&run["status"]);
    if !run["paused"].is_null() {
        format!("{status}, paused")
    } else if run["waits"].is_string() {
        format!("{status}, waits")
    } else {
        status
    }
}

/// How many items of a list that is over neither failed nor were done, where there are any.
fn undone_items(step: &Value) -> String {
    let fan = &step["fan"];
    let of = |key: &str| fan[key].as_u64().unwrap_or(0);
    let left = of("count").saturating_sub(of("done") + of("failed"));
    if left == 0 || step["ended"].is_null() {
        return String::new();
    }
    format!(", {} not done", count(left, "was", "were"))
}

/// Why the whole failed, where none of its steps says so: it took longer than it may.
fn over_all(out: &Out, answer: &Value) {
    let same = |step: &Value| step["problem"]["note"] == answer["problem"]["note"];
    let mut steps = answer["steps"].as_array().into_iter().flatten();
    if steps.any(same) {
        return;
    }
    if let Some(why) = why(&answer["problem"]) {
        out.wrong(why);
    }
}

/// What became of undoing a step, where anything did.
fn undoing(out: &Out, step: &Value) {
    let undo = &step["compensation"];
    let attempts = undo["attempts"].as_u64().unwrap_or(0);
    if attempts == 0 && undo["problem"].is_null() {
        return;
    }
    let times = match attempts {
        1 => "1 attempt".to_owned(),
        n => format!("{n} attempts"),
    };
    let (name, status) = (cell(&undo["name"]), cell(&undo["status"]));
    if undo["by_hand"] == true {
        out.note(format!("{name}: resolved by hand, after {times} failed"));
        return;
    }
    out.note(format!("{name}: {status} after {times}"));
    if status != "done"
        && let Some(why) = why(&undo["problem"])
    {
        out.wrong(format!("{name}: {why}"));
    }
}

/// What could not be undone, and what a person can do about it.
fn not_undone(answer: &Value) -> String {
    if !answer["ended"].is_null() {
        return "It was given up as it stands: what was not undone stays so.".to_owned();
    }
    let mut steps = answer["steps"].as_array().into_iter().flatten();
    let failed = steps.find(|step| step["compensation"]["status"] == "failed");
    let step = failed.map_or_else(|| "A step".to_owned(), |step| cell(&step["name"]));
    let verbs = verbs(&answer["kind"]);
    let run = cell(&answer["run"]);
    format!(
        "{step} could not be undone: that waits for a person.\n  \
         naos {verbs} retry-compensation {run}   tries again\n  \
         naos {verbs} resolve {run}   says that somebody undid it; the rest is undone then\n  \
         naos {verbs} reset {run}   gives it up as it stands"
    )
}

/// The command with the verbs for a run of this kind.
pub(super) fn verbs(kind: &Value) -> &'static str {
    match kind.as_str() {
        Some("saga") => "saga",
        Some("workflow") => "workflow",
        _ => "plan",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_in_every_form() {
        let of = |texts: &[&str]| {
            let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
            inputs(&texts).and_then(|mut inputs| {
                let takes = json!([{"name": "week", "kind": "string"}]);
                inputs.keep_texts(&json!({"spec": {"inputs": takes}}))?;
                Ok(Value::Object(inputs.values))
            })
        };
        for (texts, wanted) in [
            (&[][..], json!({})),
            (
                &["client=Riake", "week=41", "year=2026"],
                json!({"client": "Riake", "week": "41", "year": 2026}),
            ),
            (&["{\"a\": [1]}", "b=2"], json!({"a": [1], "b": 2})),
            (&["q=a=b"], json!({"q": "a=b"})),
            (&["x="], json!({"x": ""})),
            (&["{\"week\": 42}"], json!({"week": 42})),
            (
                &["week={\"m\": 1, \"m\": 2}"],
                json!({"week": "{\"m\": 1, \"m\": 2}"}),
            ),
        ] {
            assert_eq!(of(texts).unwrap(), wanted);
        }
        for texts in [&["nothing"][..], &["{\"a\""], &["{]"]] {
            assert_eq!(of(texts).unwrap_err().exit, 2);
        }
        for (texts, key) in [
            (&["n=1", "n=2"][..], "n"),
            (&["n=1", "n=1"], "n"),
            (&["n=x", "m=1", "n=2"], "n"),
            (&["n=1", "{\"n\": 2}"], "n"),
            (&["{\"n\": 2}", "n=1"], "n"),
        ] {
            let refused = of(texts).unwrap_err();
            let what = format!("the input {key} is given twice");
            assert_eq!((refused.what, refused.exit), (what, 2), "{texts:?}");
        }
        for text in ["{\"m\": 1, \"m\": 2}", "n={\"m\": 1, \"m\": 2}"] {
            assert_eq!(
                of(&[text]).unwrap_err().what,
                "the key \"m\" is there twice"
            );
        }
        for text in ["[1]", "5", "\"a\"", "null"] {
            let what = of(&[text]).unwrap_err().what;
            assert!(
                what.starts_with("inputs must be a JSON object"),
                "{text}: {what}"
            );
        }
    }
}
