//! `naos broker route TEXT`, `broker execute TEXT`, `broker stats`, `broker skills`, `config`

use serde_json::{Value, json};

use super::{Context, Ended, given};
use crate::out::{Out, cell, money};
use crate::session::api;

/// Says who would do a task, and why: a skill, an agent or a model.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  naos broker route \"summarise the open questions\"\n  \
    naos broker stats --json"
)]
pub(crate) struct Broker {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Says who would do it, without doing it.
    Route {
        /// The task: text, @FILE, or - for standard input.
        text: String,
    },
    /// Has it done by whoever would do it, and waits for the answer, as `naos run` does with an
    /// input.
    Execute {
        /// The task: text, @FILE, or - for standard input.
        text: String,
    },
    /// Shows what the project's configuration says of the broker.
    Config,
    /// Lists the skills that answer without an agent, as `naos get skills` does.
    Skills,
    /// Shows how tasks were routed, the money that was not spent, and how often the answer was
    /// remembered.
    Stats,
}

pub(crate) fn go(context: &Context, broker: &Broker) -> Ended {
    let out = &context.out;
    match &broker.what {
        What::Route { text } => {
            let text = given(text)?;
            let mut session = context.fresh_session()?;
            let answer = session.post(api("/broker/route"), &json!({ "text": text }))?;
            drop(session);
            if out.json {
                out.json(&answer);
            } else {
                show(out, &answer);
            }
        }
        What::Execute { text } => return super::run::for_anybody(context, text),
        What::Config => return config(context),
        What::Skills => return super::get::shown(context, "skills", None),
        What::Stats => {
            let mut session = context.session()?;
            let answer = session.get(api("/broker/stats"))?;
            drop(session);
            if out.json {
                out.json(&answer);
                return Ok(0);
            }
            let routed = answer["routed"].as_object().into_iter().flatten();
            let rows: Vec<_> = routed
                .map(|(tier, n)| vec![tier.clone(), cell(n)])
                .collect();
            out.table(&["tier", "tasks"], &rows);
            let avoided = match money(&answer["avoided_micros"]) {
                unknown if unknown.is_empty() => {
                    "not known, no run with a model cost anything yet".to_owned()
                }
                avoided => format!("about {avoided}, as the runs with a model cost on average"),
            };
            out.line(format!("Not spent on models: {avoided}"));
            let count = |name: &str| answer["cache"][name].as_u64().unwrap_or_default();
            let (hits, misses) = (count("hits"), count("misses"));
            if hits + misses == 0 {
                out.line("Remembered answers: none asked for since the start");
            } else {
                out.line(format!(
                    "Remembered answers: {hits} of {} since the start ({} kept, at most {})",
                    hits + misses,
                    count("kept"),
                    count("kept_max")
                ));
            }
        }
    }
    Ok(0)
}

/// The section `broker` as it was written, and how the broker chooses where nothing is written.
fn config(context: &Context) -> Ended {
    let project = context.project()?;
    let mut said = Value::Null;
    if let Some(path) = &project.config {
        let read = super::config::read(&project, path)?;
        said = read["broker"].clone();
    }
    let out = &context.out;
    if out.json {
        out.json(&json!({"file": project.config, "broker": said}));
    } else if said.is_null() {
        out.say("The configuration says nothing of the broker: a skill answers before an agent.");
    } else {
        out.line(super::shown(&said));
    }
    Ok(0)
}

fn show(out: &Out, answer: &Value) {
    let target = cell(&answer["target"]);
    if target.is_empty() {
        out.line("Nobody would do it.");
    } else {
        let sure = answer["confidence"].as_f64().unwrap_or_default();
        let cached = if answer["cached"] == true {
            ", cached"
        } else {
            ""
        };
        out.line(format!(
            "{target} ({}, confidence {sure:.2}{cached})",
            cell(&answer["tier"])
        ));
    }
    let considered = answer["considered"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let row = |c: &Value| {
        let sure = c["confidence"].as_f64().unwrap_or_default();
        let permitted = if c["permitted"] == true { "yes" } else { "no" };
        vec![
            cell(&c["tier"]),
            cell(&c["target"]),
            format!("{sure:.2}"),
            money(&c["estimate_micros"]),
            permitted.into(),
            cell(&c["reason"]),
        ]
    };
    let rows: Vec<_> = considered.iter().map(row).collect();
    if !rows.is_empty() {
        out.table(
            &[
                "tier",
                "target",
                "confidence",
                "estimate",
                "permitted",
                "why",
            ],
            &rows,
        );
    }
}
