//! `naos driver list|show|enable|disable`

use serde_json::Value;

use super::instruction::{enable, show};
use super::{Context, Ended};
use crate::out::{cell, items};
use crate::session::api;

/// Lists drivers, and gives them events or no more.
#[derive(clap::Args)]
#[command(
    after_help = "A driver is an agent and the types of events that it answers:\n  \
    naos create weather --template custom\n  naos apply -f weather-driver.yaml\n  \
    naos driver list\n  naos events emit weather.get --data '{\"location\": \"Toamasina\"}'"
)]
pub(crate) struct Driver {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Lists them, with what they answer.
    List,
    /// Shows one as it was written.
    Show {
        /// Which.
        name: String,
    },
    /// Lets it be given events.
    Enable {
        /// Which.
        name: String,
    },
    /// Gives it no more events.
    Disable {
        /// Which.
        name: String,
    },
}

pub(crate) fn go(context: &Context, driver: &Driver) -> Ended {
    match &driver.what {
        What::List => list(context),
        What::Show { name } => show(context, "driver", name),
        What::Enable { name } => enable(context, "driver", name, true),
        What::Disable { name } => enable(context, "driver", name, false),
    }
}

fn list(context: &Context) -> Ended {
    let mut session = context.session()?;
    let answer = session.get(api("/resources/driver"))?;
    let agents = session.get(api("/agents"))?;
    drop(session);
    if context.out.json {
        context.out.json(&answer);
        return Ok(0);
    }
    let there = |agent: &str| items(&agents).iter().any(|one| one["name"] == agent);
    let row = |item: &Value| {
        let spec = &item["spec"];
        let answers = spec["capabilities"].as_array().into_iter().flatten();
        let answers: Vec<String> = answers.map(cell).collect();
        let own = cell(&item["name"]);
        let agent = spec["agent"].as_str().unwrap_or(&own).to_owned();
        let state = match (spec["enabled"] == false, there(&agent)) {
            (true, _) => "disabled".to_owned(),
            (_, false) => format!("waiting: agent {agent}"),
            _ => "enabled".to_owned(),
        };
        vec![own, answers.join(" "), agent, state]
    };
    let rows: Vec<_> = items(&answer).iter().map(row).collect();
    if rows.is_empty() {
        context
            .out
            .say("There are no drivers. `naos apply -f FILE` makes one.");
    } else {
        context
            .out
            .table(&["driver", "answers", "agent", "state"], &rows);
    }
    Ok(0)
}
