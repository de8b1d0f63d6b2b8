//! `naos plan start|list|status|pause|resume|skip|cancel|signal`

use std::collections::BTreeMap;
use std::time::Duration;

use naos_types::Code;
use serde_json::{Map, Value, json};

use super::run::{until_closed, why};
use super::{Context, Ended, exit_of, given, name, shown};
use crate::fail::Fail;
use crate::out::{Out, cell, items};
use crate::session::{WAIT_MS_MAX, api, part};

/// Starts, shows, pauses and cancels plans.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    naos plan start weekly --input client=Riake --input week=41\n  \
    naos plan start weekly --input '{\"client\": \"Riake\"}' --no-wait\n  \
    naos plan list\n  naos plan pause plan_01jd8…\n  \
    naos plan skip plan_01jd8… say\n  naos plan resume plan_01jd8…\n  \
    naos plan cancel plan_01jd8…")]
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
    Status {
        /// Its id.
        run: String,
    },
    /// Lets one of them begin nothing more; what runs ends.
    Pause {
        /// Its id.
        run: String,
    },
    /// Goes on where one of them was paused, failed or cancelled.
    Resume {
        /// Its id.
        run: String,
    },
    /// Goes on without a step that has not ended: its output is null.
    Skip {
        /// Its id.
        run: String,
        /// The step, by its name or its number.
        step: String,
    },
    /// Cancels one of them.
    Cancel {
        /// Its id.
        run: String,
    },
    /// Sends one of them a signal: a step that waits for it goes on.
    Signal {
        /// Its id.
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
    /// Its inputs: a JSON object, @FILE, -, or KEY=VALUE as often as needed.
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
    match &plan.what {
        What::Start(start) => run(context, start, "plan"),
        What::List { name, limit } => list(context, name.as_deref(), *limit),
        What::Status { run } => status(context, run),
        What::Pause { run } => tell(context, run, "pause", &json!({})),
        What::Resume { run } => tell(context, run, "resume", &json!({})),
        What::Skip { run, step } => tell(context, run, "skip", &json!({"step": step})),
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
    let data: Value = serde_json::from_str(&given(data)?)
        .map_err(|error| malformed(format!("the data is no JSON: {error}")))?;
    let mut session = context.session()?;
    let body = json!({"name": signal, "data": data});
    let answer = session.post(api(&format!("/plan-runs/{}/signal", part(run))), &body)?;
    drop(session);
    if context.out.json {
        context.out.json(&answer);
    } else {
        context.out.say(format!("{run} has the signal {signal}."));
    }
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
        inputs.keep_texts(&kept);
    }
    let body = json!({"inputs": inputs.values, "wait_ms": wait.min(WAIT_MS_MAX)});
    let started = session.post(api(&format!("/{kind}s/{plan}/start")), &body)?;
    let wait = Duration::from_millis(wait);
    let answer = until_closed(&mut session, "/plan-runs", started, wait)?;
    drop(session);
    show(&context.out, &answer);
    let status = answer["status"].as_str().unwrap_or_default();
    if matches!(status, "running" | "queued") && !start.no_wait {
        context
            .out
            .note("It is not done yet; it goes on while naos runs.");
        return Ok(1);
    }
    Ok(exit_of(status))
}

/// A plan's inputs as they were given.
#[derive(Default)]
struct Inputs {
    values: Map<String, Value>,
    /// What was typed for `key=value`, where it was taken as JSON.
    typed: BTreeMap<String, String>,
}

impl Inputs {
    /// What the plan takes as a string is one: `client=5` is the text 5 there.
    fn keep_texts(&mut self, plan: &Value) {
        let takes = plan["spec"]["inputs"].as_array().into_iter().flatten();
        let text = |input: &&Value| input["kind"] == "string" || input["type"] == "string";
        for input in takes.filter(text) {
            if let Some((key, text)) = self.typed.remove_entry(&cell(&input["name"])) {
                self.values.insert(key, Value::String(text));
            }
        }
    }
}

/// Inputs: JSON objects and `key=value`, the later one wins. A value that is JSON is taken so.
fn inputs(given_inputs: &[String]) -> Result<Inputs, Fail> {
    let mut out = Inputs::default();
    for text in given_inputs {
        let whole = text.starts_with(['@', '{']) || text == "-";
        if whole {
            let text = given(text)?;
            match serde_json::from_str(&text) {
                Ok(Value::Object(members)) => {
                    out.typed.retain(|key, _| !members.contains_key(key));
                    out.values.extend(members);
                }
                Ok(_) => return Err(malformed("inputs are a JSON object".into())),
                Err(error) => return Err(malformed(format!("the inputs don't parse: {error}"))),
            }
            continue;
        }
        let Some((key, value)) = text.split_once('=') else {
            return Err(malformed(format!("{text:?} is neither JSON nor key=value")));
        };
        let text = given(value)?;
        let value = match serde_json::from_str(&text) {
            Ok(value) => {
                out.typed.insert(key.to_owned(), text);
                value
            }
            Err(_) => {
                out.typed.remove(key);
                Value::String(text)
            }
        };
        out.values.insert(key.to_owned(), value);
    }
    Ok(out)
}

fn malformed(what: String) -> Fail {
    Fail::new(Code::BAD_REQUEST, what).help("for example: --input client=Riake --input week=41")
}

fn list(context: &Context, of: Option<&str>, limit: u32) -> Ended {
    let of = of.map(|of| format!("&name={}", part(of)));
    let mut session = context.session()?;
    let path = format!("/plan-runs?limit={limit}{}", of.unwrap_or_default());
    let answer = session.get(api(&path))?;
    drop(session);
    if context.out.json {
        context.out.json(&answer);
        return Ok(0);
    }
    let row = |item: &Value| {
        vec![
            cell(&item["run"]),
            cell(&item["name"]),
            cell(&item["status"]),
        ]
    };
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

fn status(context: &Context, run: &str) -> Ended {
    let mut session = context.session()?;
    let answer = session.get(api(&format!("/plan-runs/{}", part(run))))?;
    drop(session);
    show(&context.out, &answer);
    Ok(0)
}

fn cancel(context: &Context, run: &str) -> Ended {
    let mut session = context.session()?;
    let answer = session.post(api(&format!("/plan-runs/{}/cancel", part(run))), &json!({}))?;
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
    let answer = session.post(api(&format!("/plan-runs/{}/{verb}", part(run))), body)?;
    drop(session);
    show(&context.out, &answer);
    Ok(0)
}

pub(super) fn show(out: &Out, answer: &Value) {
    if out.json {
        out.json(answer);
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
            cell(&step["status"]),
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
    for step in steps {
        if let Some(why) = why(&step["problem"]) {
            out.note(format!("{}: {why}", cell(&step["name"])));
        }
        let undo = &step["compensation"];
        if undo["attempts"]
            .as_u64()
            .is_some_and(|attempts| attempts > 0)
        {
            let (name, status) = (cell(&undo["name"]), cell(&undo["status"]));
            out.note(format!(
                "{name}: {status} after {} attempts",
                cell(&undo["attempts"])
            ));
            if let Some(why) = why(&undo["problem"]) {
                out.note(format!("{name}: {why}"));
            }
        }
    }
    let status = cell(&answer["status"]);
    out.note(format!(
        "{} · {} · {status}",
        cell(&answer["run"]),
        cell(&answer["name"])
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_in_every_form() {
        let of = |texts: &[&str]| {
            let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
            inputs(&texts).map(|mut inputs| {
                let takes = json!([{"name": "week", "kind": "string"}]);
                inputs.keep_texts(&json!({"spec": {"inputs": takes}}));
                Value::Object(inputs.values)
            })
        };
        for (texts, wanted) in [
            (&[][..], json!({})),
            (
                &["client=Riake", "week=41", "year=2026"],
                json!({"client": "Riake", "week": "41", "year": 2026}),
            ),
            (&["{\"a\": [1]}", "a=2"], json!({"a": 2})),
            (&["q=a=b"], json!({"q": "a=b"})),
            (&["x="], json!({"x": ""})),
            (&["week=41", "{\"week\": 42}"], json!({"week": 42})),
            (&["week=41", "week=x"], json!({"week": "x"})),
        ] {
            assert_eq!(of(texts).unwrap(), wanted);
        }
        for texts in [&["nothing"][..], &["{\"a\""], &["{]"]] {
            assert_eq!(of(texts).unwrap_err().exit, 2);
        }
    }
}
