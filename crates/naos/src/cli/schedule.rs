//! `naos schedule list|show|next|pause|resume|run-now|delete`

use serde_json::{Value, json};

use super::{Context, Ended};
use crate::fail::Fail;
use crate::out::{Out, cell, items};
use crate::session::{api, part};

/// Shows what happens at a time, pauses it, and runs it out of turn.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  naos apply -f standup.yaml\n  naos schedule list\n  \
    naos schedule next standup\n  naos schedule pause standup\n  \
    naos schedule run-now standup\n\nA schedule is a document: `type: schedule`, a time (`at:`, \
    `every:` or `cron:` with\n`timezone:`) and what it starts. Instructions with a time in their \
    trigger are listed, too.\nTimes come while `naos up` runs, or a command works without it."
)]
pub(crate) struct Schedule {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Lists schedules with their next and their last time.
    #[command(visible_alias = "status")]
    List,
    /// Shows one.
    #[command(visible_alias = "get")]
    Show {
        /// Which.
        name: String,
    },
    /// Shows the next five times of one.
    Next {
        /// Which.
        name: String,
    },
    /// Lets nothing happen until it is resumed.
    Pause {
        /// Which.
        name: String,
    },
    /// Goes on with the next time that comes; what was due meanwhile is not made up for.
    Resume {
        /// Which.
        name: String,
    },
    /// Starts at once what it starts; its own times stay.
    #[command(visible_aliases = ["run", "trigger"])]
    RunNow {
        /// Which.
        name: String,
    },
    /// Takes one away.
    Delete {
        /// Which.
        name: String,
    },
}

pub(crate) fn go(context: &Context, schedule: &Schedule) -> Ended {
    match &schedule.what {
        What::List => list(context),
        What::Show { name } => show(context, name),
        What::Next { name } => next(context, name),
        What::Pause { name } => change(context, name, "pause"),
        What::Resume { name } => change(context, name, "resume"),
        What::RunNow { name } => change(context, name, "run"),
        What::Delete { name } => delete(context, name),
    }
}

/// The table of schedules, for `naos get schedules` too.
pub(super) fn table(out: &Out, answer: &Value) {
    let head = [
        "name", "status", "when", "timezone", "next", "last", "missed", "starts",
    ];
    let row = |item: &Value| {
        let starts = &item["starts"];
        vec![
            cell(&item["name"]),
            cell(&item["status"]),
            cell(&item["when"]),
            cell(&item["timezone"]),
            cell(&item["next"][0]),
            cell(&item["last"]),
            cell(&item["missed"]),
            match (item["waits_for"].as_str(), item["unfit"].as_str()) {
                (Some(what), _) => format!("waits for {what}"),
                (None, Some(wrong)) => format!("never starts {wrong}"),
                (None, None) => {
                    let (kind, name) = (cell(&starts["kind"]), cell(&starts["name"]));
                    match item["problem"]["note"].as_str() {
                        Some(note) => format!("{kind} {name}, last time not: {note}"),
                        None => format!("{kind} {name}"),
                    }
                }
            },
        ]
    };
    let rows: Vec<Vec<String>> = items(answer).iter().map(row).collect();
    if rows.is_empty() {
        out.say("There are no schedules.");
        return;
    }
    out.table(&head, &rows);
    super::get::more(out, answer);
}

fn list(context: &Context) -> Ended {
    let mut session = context.session()?;
    let answer = session.get(api("/schedules"))?;
    drop(session);
    if context.out.json {
        context.out.json(&answer);
    } else {
        table(&context.out, &answer);
    }
    Ok(0)
}

fn one(context: &Context, name: &str) -> Result<Value, Fail> {
    let mut session = context.session()?;
    session.get(api(&format!("/schedules/{}", part(name))))
}

fn show(context: &Context, name: &str) -> Ended {
    let found = one(context, name)?;
    if context.out.json {
        context.out.json(&found);
    } else {
        super::get::show(&context.out, &found);
    }
    Ok(0)
}

fn next(context: &Context, name: &str) -> Ended {
    let found = one(context, name)?;
    if context.out.json {
        context
            .out
            .json(&json!({"name": found["name"], "next": found["next"]}));
        return Ok(0);
    }
    let next = found["next"].as_array();
    let next = next.map_or(&[][..], Vec::as_slice);
    if next.is_empty() {
        let said = format!(
            "{name} waits for no time: it is {}.",
            cell(&found["status"])
        );
        context.out.say(said);
    }
    for time in next {
        context.out.line(cell(time));
    }
    Ok(0)
}

fn change(context: &Context, name: &str, verb: &str) -> Ended {
    let mut session = context.fresh_session()?;
    let answer = session.post(
        api(&format!("/schedules/{}/{verb}", part(name))),
        &json!({}),
    )?;
    drop(session);
    if context.out.json {
        context.out.json(&answer);
        return Ok(0);
    }
    let began = answer["began"].as_object();
    let told = began.and_then(|began| began.get("standup"));
    let said = match (verb, began.and_then(|began| began.values().next())) {
        _ if told.is_some_and(|told| told == "nothing happened") => {
            // When it told last by itself, or was made where it never did.
            let since = cell(&answer["since"]);
            format!("Nothing happened since {since}: nobody was told anything.")
        }
        // It starts nothing, but people were told how things stand: `told 2 members`.
        _ if told.is_some() => {
            let told = told.map(cell).unwrap_or_default();
            format!("{name} {told} how things stand.")
        }
        (_, Some(id)) => format!("Started {}.", cell(id)),
        ("pause", _) if answer["changed"] == false => format!("{name} was paused already."),
        ("pause", _) => format!("{name} is paused."),
        _ if answer["changed"] == false => format!("{name} wasn't paused."),
        _ => match answer["next"][0].as_str() {
            Some(at) => format!("{name} goes on, next at {at}."),
            None => format!("{name} goes on, but it is {}.", cell(&answer["status"])),
        },
    };
    context.out.say(said);
    Ok(0)
}

fn delete(context: &Context, name: &str) -> Ended {
    let mut session = context.session()?;
    let answer = session.delete(api(&format!("/resources/schedule/{}", part(name))))?;
    drop(session);
    if context.out.json {
        context.out.json(&answer);
    }
    context.out.say(format!("Took away the schedule {name}."));
    Ok(0)
}
