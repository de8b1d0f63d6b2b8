//! `naos instruction run|list|enable|disable|webhook`

use naos_types::spec::DRIVER_PREFIX;
use serde_json::{Value, json};

use super::driver::signing;
use super::plan::{self, Start};
use super::{Context, Ended, name};
use crate::out::{cell, count, items};
use crate::session::{api, part};
use crate::sync;

/// Runs instructions by hand, lists them, and lets their triggers set them off or not.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    naos apply -f standup.yaml\n  naos instruction list\n  \
    naos instruction run daily-standup --input team_members='[\"soa\", \"hery\"]'\n  \
    naos instruction disable daily-standup\n  \
    naos instruction webhook on-payment --rotate")]
pub(crate) struct Instruction {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Runs one now, whatever its trigger says, and waits for its end.
    #[command(visible_alias = "start")]
    Run(Start),
    /// Lists them, with what sets them off.
    List,
    /// Shows one as it was written.
    Show {
        /// Which.
        name: String,
    },
    /// Lets its trigger set it off.
    Enable {
        /// Which.
        name: String,
    },
    /// Lets nothing set it off; it can be run by hand.
    Disable {
        /// Which.
        name: String,
    },
    /// Says where its webhook is called.
    Webhook {
        /// Which.
        name: String,
        /// Gives it a new secret, and shows it: what the old one signs is refused from then on.
        #[arg(long)]
        rotate: bool,
    },
}

pub(crate) fn go(context: &Context, instruction: &Instruction) -> Ended {
    match &instruction.what {
        What::Run(start) => plan::run(context, start, "instruction"),
        What::List => list(context),
        What::Show { name } => show(context, "instruction", name),
        What::Enable { name } => enable(context, "instruction", name, true),
        What::Disable { name } => enable(context, "instruction", name, false),
        What::Webhook { name, rotate } => webhook(context, name, *rotate),
    }
}

fn webhook(context: &Context, which: &str, rotate: bool) -> Ended {
    let path = format!("/instructions/{}/webhook", name(which)?);
    signing(context, &path, rotate, webhook_line)
}

/// Where a webhook is called, and with which secret where that is told.
pub(super) fn webhook_line(told: &Value) -> String {
    let address = cell(&told["address"]);
    match told["secret"].as_str() {
        Some(secret) => format!("POST {address}, signed with {secret}: it is shown this once"),
        None => format!("POST {address}"),
    }
}

/// What sets it off, in a few words.
fn trigger(spec: &Value) -> String {
    let trigger = &spec["trigger"];
    let said = |key: &str| trigger[key].as_str().map(str::to_owned);
    let zone = said("timezone").map_or(String::new(), |zone| format!(" ({zone})"));
    let webhook = trigger["webhook"] == true || trigger["type"] == "webhook";
    let kinds = ["plan", "workflow", "saga", "pool", "instruction"];
    let ending = kinds.iter().find_map(|kind| Some((kind, said(kind)?)));
    let found = [
        said("schedule")
            .or_else(|| said("cron"))
            .map(|cron| format!("{cron}{zone}")),
        said("interval").map(|span| format!("every {span}")),
        said("at").map(|at| format!("at {at}{zone}")),
        said("event").map(|event| format!("on {event}")),
        webhook.then(|| "by webhook".to_owned()),
        ending.map(|(kind, name)| format!("after {kind} {name}")),
    ];
    let words: Vec<String> = found.into_iter().flatten().collect();
    match words.as_slice() {
        [] => "by hand".to_owned(),
        words => words.join(", "),
    }
}

fn list(context: &Context) -> Ended {
    let mut session = context.session()?;
    let answer = session.get(api("/resources/instruction"))?;
    drop(session);
    if context.out.json {
        context.out.json(&answer);
        return Ok(0);
    }
    let row = |item: &Value| {
        let spec = &item["spec"];
        let steps = spec["plan"].as_array().map_or(0, Vec::len);
        let state = if spec["enabled"] == false {
            "disabled"
        } else {
            "enabled"
        };
        vec![
            cell(&item["name"]),
            trigger(spec),
            steps.to_string(),
            state.to_owned(),
        ]
    };
    let rows: Vec<_> = items(&answer).iter().map(row).collect();
    if rows.is_empty() {
        context
            .out
            .say("There are no instructions. `naos apply -f FILE` makes one.");
    } else {
        context
            .out
            .table(&["instruction", "trigger", "steps", "state"], &rows);
    }
    Ok(0)
}

/// Shows a document as it was written.
pub(super) fn show(context: &Context, kind: &str, which: &str) -> Ended {
    let which = name(which)?;
    let mut session = context.session()?;
    let answer = session.get(api(&format!("/resources/{kind}/{which}")))?;
    drop(session);
    if context.out.json {
        context.out.json(&answer);
    } else {
        let text = serde_json::to_string_pretty(&answer["spec"]).unwrap_or_default();
        context.out.line(text);
    }
    Ok(0)
}

/// Puts one in force, or out of it.
pub(super) fn enable(context: &Context, kind: &str, which: &str, on: bool) -> Ended {
    let which = name(which)?;
    let verb = if on { "enable" } else { "disable" };
    let mut session = context.session()?;
    let path = format!("/{kind}s/{}/{verb}", part(which.as_str()));
    let answer = session.post(api(&path), &json!({}))?;
    drop(session);
    if context.out.json {
        context.out.json(&answer);
    } else {
        context.out.say(format!("{which} is {verb}d."));
        if let Some(aside) = answer["put_aside"].as_u64().filter(|aside| *aside > 0) {
            let those = count(
                aside,
                "event that waited for it is",
                "events that waited for it are",
            );
            let list = format!("naos events dead list --consumer {DRIVER_PREFIX}{which}");
            context
                .out
                .note(format!("{those} put aside: `{list}` shows them."));
        }
        sync::warn(&context.out, &answer);
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn triggers_in_words() {
        for (trigger_says, words) in [
            (json!({"schedule": "0 8 * * *"}), "0 8 * * *"),
            (
                json!({"schedule": "0 9 * * MON-FRI", "timezone": "Indian/Antananarivo"}),
                "0 9 * * MON-FRI (Indian/Antananarivo)",
            ),
            (json!({"event": "weather.severe"}), "on weather.severe"),
            (
                json!({"interval": "15m", "event": "a.b"}),
                "every 15m, on a.b",
            ),
            (json!({"manual": true}), "by hand"),
            (json!("manual"), "by hand"),
            (Value::Null, "by hand"),
            (json!({"webhook": true}), "by webhook"),
            (json!({"type": "webhook"}), "by webhook"),
            (json!({"saga": "trip", "on": ["failed"]}), "after saga trip"),
        ] {
            assert_eq!(trigger(&json!({"trigger": trigger_says})), words);
        }
    }
}
