//! `naos driver list|show|enable|disable|reset|secret`

use serde_json::{Value, json};

use super::instruction::enable;
use super::{Context, Ended, name};
use crate::out::{Out, cell, items};
use crate::session::api;

/// Lists drivers with how they do, and gives them events or no more.
#[derive(clap::Args)]
#[command(
    after_help = "A driver is an agent, or an address, and the types of events that it answers:\n  \
    naos create weather --template custom\n  naos apply -f weather-driver.yaml\n  \
    naos driver list\n  naos driver secret crm --rotate\n  \
    naos events emit weather.get --data '{\"location\": \"Toamasina\"}'"
)]
pub(crate) struct Driver {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Lists them, with what they answer and how they do.
    #[command(visible_alias = "status")]
    List,
    /// Shows one as it was written, and how it does.
    Show {
        /// Which.
        name: String,
    },
    /// Lets it be given events.
    Enable {
        /// Which.
        name: String,
    },
    /// Gives it no more events; those that wait for it are put aside.
    Disable {
        /// Which.
        name: String,
    },
    /// Lets one that rests be given events at once.
    Reset {
        /// Which.
        name: String,
    },
    /// Says where a driver with an endpoint is asked, and where it answers later.
    Secret {
        /// Which.
        name: String,
        /// Gives it a new secret, and shows it: what the old one signs is refused from then on.
        #[arg(long)]
        rotate: bool,
    },
}

pub(crate) fn go(context: &Context, driver: &Driver) -> Ended {
    match &driver.what {
        What::List => list(context),
        What::Show { name } => show(context, name),
        What::Enable { name } => enable(context, "driver", name, true),
        What::Disable { name } => enable(context, "driver", name, false),
        What::Reset { name } => reset(context, name),
        What::Secret { name, rotate } => secret(context, "drivers", name, *rotate),
    }
}

/// Shows what goes to an address outside, and gives it a new secret.
pub(super) fn secret(context: &Context, of: &str, which: &str, rotate: bool) -> Ended {
    let path = format!("/{of}/{}/secret", name(which)?);
    signing(context, &path, rotate, signing_line)
}

/// Shows what is signed, and with `rotate` gives it a new secret first.
pub(super) fn signing(
    context: &Context,
    path: &str,
    rotate: bool,
    line: impl Fn(&Value) -> String,
) -> Ended {
    let mut session = context.session()?;
    let answer = if rotate {
        session.post(api(path), &json!({}))?
    } else {
        session.get(api(path))?
    };
    drop(session);
    if context.out.json {
        context.out.json(&answer);
    } else {
        context.out.line(line(&answer));
    }
    Ok(0)
}

/// Where something goes, where it is answered, and with which secret where that is told.
pub(super) fn signing_line(told: &Value) -> String {
    let mut line = format!("events go to {}", cell(&told["sends_to"]));
    if let Some(address) = told["address"].as_str() {
        line += &format!(", later answers come to POST {address}");
    }
    if let Some(secret) = told["secret"].as_str() {
        line += &format!("; signed with {secret}: it is shown this once");
    }
    line
}

/// Shows a document as it was written; how the driver does is advice beside it.
fn show(context: &Context, which: &str) -> Ended {
    let which = name(which)?;
    let mut session = context.session()?;
    let mut answer = session.get(api(&format!("/resources/driver/{which}")))?;
    let known = session.get(api(&format!("/drivers/{which}")))?;
    drop(session);
    if context.out.json {
        answer["status"] = known["status"].clone();
        context.out.json(&answer);
        return Ok(0);
    }
    let text = serde_json::to_string_pretty(&answer["spec"]).unwrap_or_default();
    context.out.line(text);
    context.out.note(format!("{which}: {}", state(&known)));
    Ok(0)
}

fn reset(context: &Context, which: &str) -> Ended {
    let which = name(which)?;
    let mut session = context.session()?;
    let answer = session.post(api(&format!("/drivers/{which}/reset")), &json!({}))?;
    drop(session);
    if context.out.json {
        context.out.json(&answer);
    } else {
        context.out.say(format!("{which} is given events again."));
    }
    Ok(0)
}

fn list(context: &Context) -> Ended {
    let mut session = context.session()?;
    let answer = session.get(api("/drivers"))?;
    drop(session);
    if context.out.json {
        context.out.json(&answer);
    } else {
        table(&context.out, &answer);
    }
    Ok(0)
}

/// Drivers as lines: what each answers, and how it does.
pub(super) fn table(out: &Out, answer: &Value) {
    let row = |item: &Value| {
        let answers = item["capabilities"].as_array().into_iter().flatten();
        let answers: Vec<String> = answers.map(cell).collect();
        let errors = match item["error_percent"].as_u64() {
            Some(percent) => format!("{percent} %"),
            None => String::new(),
        };
        vec![
            cell(&item["name"]),
            cell(&item["type"]),
            answers.join(" "),
            by(item),
            state(item),
            format!("{}/{}", cell(&item["open"]), cell(&item["concurrency"])),
            cell(&item["waiting"]),
            errors,
        ]
    };
    let rows: Vec<_> = items(answer).iter().map(row).collect();
    if rows.is_empty() {
        out.say("There are no drivers. `naos apply -f FILE` makes one.");
    } else {
        let columns = [
            "driver", "type", "answers", "by", "state", "at once", "waiting", "errors",
        ];
        out.table(&columns, &rows);
    }
}

/// Who answers: an agent, an address, or naos itself.
fn by(item: &Value) -> String {
    match (item["endpoint"].as_str(), item["builtin"].as_str()) {
        (Some(url), _) => url.to_owned(),
        (None, Some(word)) => format!("built in: {word}"),
        (None, None) => cell(&item["agent"]),
    }
}

/// Where one stands, in a few words.
fn state(item: &Value) -> String {
    match item["status"].as_str().unwrap_or_default() {
        "waiting" => format!("waiting: {}", cell(&item["waits_for"])),
        "resting" => format!("resting until {}", cell(&item["resting_until"])),
        "empty" => "answers nothing: no capabilities".to_owned(),
        word => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_answers_is_said_in_words() {
        for (item, words) in [
            (json!({"agent": "mail"}), "mail"),
            (
                json!({"endpoint": "https://a.example"}),
                "https://a.example",
            ),
            (json!({"agent": null, "builtin": "echo"}), "built in: echo"),
        ] {
            assert_eq!(by(&item), words);
        }
    }

    #[test]
    fn what_a_driver_does_is_said_in_words() {
        for (item, words) in [
            (json!({"status": "ready"}), "ready"),
            (
                json!({"status": "empty"}),
                "answers nothing: no capabilities",
            ),
            (
                json!({"status": "waiting", "agent": "mail", "waits_for": "agent mail"}),
                "waiting: agent mail",
            ),
            (
                json!({"status": "resting", "resting_until": "2026-10-09T14:00:00Z"}),
                "resting until 2026-10-09T14:00:00Z",
            ),
        ] {
            assert_eq!(state(&item), words);
        }
    }
}
