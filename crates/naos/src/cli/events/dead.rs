//! `naos events dead list|show|replay|drop`

use std::collections::BTreeMap;

use clap::ArgGroup;
use naos_types::Code;
use naos_types::spec::DRIVER_PREFIX;
use serde_json::{Value, json};

use super::{Context, Ended, name};
use crate::cli::get::more;
use crate::fail::Fail;
use crate::out::{cell, clean, count, items, why};
use crate::session::{Session, api, part};

/// As many as one answer has.
const ALL_MAX: usize = 500;
/// How many names are told of all that there are.
const NAMES_TOLD: usize = 12;
/// How many of those that stay are told one by one.
const STAY_TOLD: usize = 20;
/// As many as a list has where nothing is said.
const LISTED: u32 = 50;

#[derive(clap::Args)]
pub(super) struct Dead {
    #[command(subcommand)]
    what: Option<DeadWhat>,
}

#[derive(clap::Subcommand)]
enum DeadWhat {
    /// Lists what was put aside.
    List(Listing),
    /// Shows one with all that it says.
    Show {
        /// The event.
        event: String,
        /// Whose; needed where it was put aside for several.
        #[arg(long)]
        consumer: Option<String>,
    },
    /// Has it given again, as if for the first time.
    Replay(Chosen),
    /// Gives it up.
    Drop(Chosen),
}

#[derive(clap::Args)]
struct Listing {
    /// Only of this consumer.
    #[arg(long)]
    consumer: Option<String>,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = LISTED)]
    limit: u32,
    /// Those behind this one, as the list before said.
    #[arg(long, value_name = "CONSUMER/EVENT")]
    before: Option<String>,
}

/// One event, or all of them: one of the two is said.
fn one_or_all() -> ArgGroup {
    ArgGroup::new("which").args(["event", "all"]).required(true)
}

#[derive(clap::Args)]
#[command(group = one_or_all())]
struct Chosen {
    /// The event.
    event: Option<String>,
    /// All of them, in the order in which they were published.
    #[arg(long)]
    all: bool,
    /// Only of this consumer.
    #[arg(long)]
    consumer: Option<String>,
}

pub(super) fn go(context: &Context, dead: &Dead) -> Ended {
    match &dead.what {
        None => dead_list(context, None, LISTED, None),
        Some(DeadWhat::List(asked)) => {
            let (consumer, before) = (asked.consumer.as_deref(), asked.before.as_deref());
            dead_list(context, consumer, asked.limit, before)
        }
        Some(DeadWhat::Show { event, consumer }) => dead_show(context, event, consumer.as_deref()),
        Some(DeadWhat::Replay(chosen)) => dead_decide(context, chosen, "replay"),
        Some(DeadWhat::Drop(chosen)) => dead_decide(context, chosen, "drop"),
    }
}

/// Refuses a consumer that never was: that nothing was put aside for it would be no news. For one
/// that is gone something may still be there.
fn known(session: &mut Session, consumer: Option<&str>) -> Result<(), Fail> {
    let Some(consumer) = consumer else {
        return Ok(());
    };
    let consumer = name(consumer)?;
    let aside = session.get(api(&format!("/events/dead?limit=1&consumer={consumer}")))?;
    if !items(&aside).is_empty() {
        return Ok(());
    }
    let all = session.get(api("/consumers"))?;
    let names: Vec<String> = items(&all).iter().map(|one| cell(&one["name"])).collect();
    if names.iter().any(|name| name == consumer.as_str()) {
        return Ok(());
    }
    let what = format!("there is no consumer {consumer}, and nothing was put aside for one");
    let listed = "`naos events consumers` lists them, `naos events dead list` shows for whom \
                  something was put aside";
    let help = match &names[..] {
        [] => format!("nobody listens to events now; {listed}"),
        [..] => {
            let told = names.iter().take(NAMES_TOLD).cloned().collect::<Vec<_>>();
            let more = if names.len() > NAMES_TOLD {
                ", …"
            } else {
                ""
            };
            format!("there are: {}{more}; {listed}", told.join(", "))
        }
    };
    Err(Fail::new(Code::NOT_FOUND, what).help(help))
}

/// What was put aside, a page of it: the newest events first.
fn page(
    session: &mut Session,
    consumer: Option<&str>,
    before: Option<&str>,
) -> Result<Value, Fail> {
    let mut path = format!("/events/dead?limit={ALL_MAX}");
    for (key, value) in [("consumer", consumer), ("before", before)] {
        if let Some(value) = value {
            path.push_str(&format!("&{key}={}", part(value)));
        }
    }
    session.get(api(&path))
}

/// One that was put aside.
struct Aside {
    consumer: String,
    event: String,
    /// What failed at it, where that did something that can't be done twice.
    acted: Option<String>,
}

impl Aside {
    /// What whoever has it given again should know.
    fn warns(&self) -> Option<String> {
        let run = self.acted.as_ref()?;
        Some(format!(
            "before it failed {run} did something that can't be done twice: `naos get run {run}` \
             shows what"
        ))
    }
}

/// Everything that was put aside, in the order in which it was published.
fn all_dead(session: &mut Session, consumer: Option<&str>) -> Result<Vec<Aside>, Fail> {
    // What is no longer there to be given has no place: it comes first, and is told.
    let mut all: BTreeMap<(u64, String, String), Option<String>> = BTreeMap::new();
    let mut before = None;
    loop {
        let listed = page(session, consumer, before.as_deref())?;
        let each = items(&listed).iter();
        all.extend(each.map(|one| {
            let place = one["seq"].as_u64().unwrap_or_default();
            let key = (place, cell(&one["event"]), cell(&one["consumer"]));
            (key, (one["acted"] == true).then(|| cell(&one["run"])))
        }));
        match listed["next"].as_str() {
            Some(next) => before = Some(next.to_owned()),
            None => break,
        }
    }
    let each = all.into_iter().map(|((_, event, consumer), acted)| Aside {
        consumer,
        event,
        acted,
    });
    let mut each: Vec<Aside> = each.collect();
    if crate::planted::newest_is_given_first() {
        each.reverse();
    }
    Ok(each)
}

fn dead_list(context: &Context, consumer: Option<&str>, limit: u32, before: Option<&str>) -> Ended {
    const COLUMNS: [&str; 4] = ["consumer", "event", "attempts", "at"];
    let mut path = format!("/events/dead?limit={limit}");
    for (key, value) in [("consumer", consumer), ("before", before)] {
        if let Some(value) = value {
            path.push_str(&format!("&{key}={}", part(value)));
        }
    }
    let mut session = context.session()?;
    known(&mut session, consumer)?;
    let answer = session.get(api(&path))?;
    drop(session);
    if context.out.json {
        context.out.json(&answer);
        return Ok(0);
    }
    let row = |one: &Value| {
        let mut row: Vec<String> = COLUMNS.iter().map(|key| cell(&one[*key])).collect();
        if one["gone"] == true {
            row[0].push_str(" (gone)");
        }
        row.push(why(&one["problem"]));
        row
    };
    let rows: Vec<Vec<String>> = items(&answer).iter().map(row).collect();
    if rows.is_empty() {
        context.out.say("Nothing was put aside.");
        return Ok(0);
    }
    let head: Vec<&str> = COLUMNS.into_iter().chain(["why"]).collect();
    context.out.table(&head, &rows);
    context.out.note("The newest events come first.");
    more(&context.out, &answer);
    Ok(0)
}

/// The consumers for which an event was put aside.
fn whose(session: &mut Session, event: &str, consumer: Option<&str>) -> Result<Vec<Aside>, Fail> {
    if event.is_empty() {
        return Err(Fail::unnamed());
    }
    let mut found = all_dead(session, consumer)?;
    found.retain(|one| one.event == event);
    if found.is_empty() {
        let what = format!("no event {event} was put aside");
        let help = "`naos events dead list` shows what was";
        return Err(Fail::new(Code::NOT_FOUND, what).help(help));
    }
    Ok(found)
}

fn dead_show(context: &Context, event: &str, consumer: Option<&str>) -> Ended {
    let mut session = context.session()?;
    for one in whose(&mut session, event, consumer)? {
        let (consumer, event) = (part(&one.consumer), part(&one.event));
        let answer = session.get(api(&format!("/consumers/{consumer}/dead/{event}")))?;
        if context.out.json {
            context.out.json(&answer);
            continue;
        }
        for line in told(&answer) {
            context.out.line(clean(&line));
        }
    }
    Ok(0)
}

/// One that was put aside, line by line: what it is, why it stands there, what to do, what it says.
fn told(one: &Value) -> Vec<String> {
    let (consumer, event) = (cell(&one["consumer"]), cell(&one["event"]));
    let problem = &one["problem"];
    let tries = match one["attempts"].as_u64() {
        Some(1) => "once".to_owned(),
        _ => format!("{} times", cell(&one["attempts"])),
    };
    let mut out = vec![
        format!("{event}  put aside for {consumer} at {}", cell(&one["at"])),
        format!("given      {tries}"),
        format!("why        {}", why(problem)),
    ];
    let run = cell(&one["run"]);
    if !run.is_empty() {
        out.push(format!("failed     naos get run {run}"));
    }
    if one["acted"] == true {
        let acted = "before it failed it did something that can't be done twice";
        out.push(format!("look       {acted}"));
    }
    let help = cell(&problem["help"]);
    if !help.is_empty() {
        out.push(format!("code       {}: {help}", cell(&problem["code"])));
    }
    let said = &one["cloudevent"];
    for key in ["type", "source", "subject", "time"] {
        let text = cell(&said[key]);
        if !text.is_empty() {
            out.push(format!("{key:<11}{text}"));
        }
    }
    match (&said["data"], &said["data_base64"]) {
        (Value::Null, Value::Null) => {}
        (Value::Null, bytes) => out.push(format!("data       {} (base64)", cell(bytes))),
        (data, _) => {
            out.push("data".to_owned());
            let pretty = serde_json::to_string_pretty(data).unwrap_or_default();
            out.extend(pretty.lines().map(|line| format!("  {line}")));
        }
    }
    out.extend(next(one, &event, &consumer));
    out
}

/// What to do about one that was put aside, line by line.
fn next(one: &Value, event: &str, consumer: &str) -> Vec<String> {
    let about = format!("{event} --consumer {consumer}");
    let driver = consumer.strip_prefix(DRIVER_PREFIX);
    let mut does = Vec::new();
    if one["off"] == true {
        does.extend(driver.map(|driver| format!("naos driver enable {driver}")));
    }
    let run = cell(&one["over"]);
    if !run.is_empty() {
        // Its step waits for no answer: whoever lets the run go on has it asked anew.
        does.push(format!("naos plan resume {run}, where it failed"));
    }
    let is_gone = one["gone"] == true;
    if run.is_empty() && !is_gone {
        does.push(format!("naos events dead replay {about}"));
    }
    does.push(format!("naos events dead drop {about}"));
    if is_gone {
        // Nobody would get it: it is given up, or somebody is made who gets it.
        does.push(match driver {
            Some(driver) => {
                format!("driver {driver} is there no more; naos apply of its document makes it")
            }
            None => format!(
                "{consumer} is there no more; naos events subscribe {consumer} makes it anew"
            ),
        });
    }
    let first = |at| if at == 0 { "next" } else { "" };
    let line = |(at, does)| format!("{:<11}{does}", first(at));
    does.into_iter().enumerate().map(line).collect()
}

/// Whether this is about one that was put aside, and nothing of all the others.
fn is_of_one(fail: &Fail) -> bool {
    matches!(fail.code, Some(Code::WRONG_STATE | Code::NOT_FOUND))
}

/// Whether somebody else decided meanwhile about one that was put aside.
fn is_decided(session: &mut Session, path: &str) -> Result<bool, Fail> {
    match session.get(api(path)) {
        Ok(_) => Ok(false),
        Err(fail) if fail.code == Some(Code::NOT_FOUND) => Ok(true),
        Err(fail) => Err(fail),
    }
}

fn dead_decide(context: &Context, chosen: &Chosen, verb: &str) -> Ended {
    let mut session = context.session()?;
    let consumer = chosen.consumer.as_deref();
    known(&mut session, consumer)?;
    let these = match &chosen.event {
        Some(event) => whose(&mut session, event, consumer)?,
        None => all_dead(&mut session, consumer)?,
    };
    let (mut done, mut decided, mut kept) = (0_u64, 0_u64, Vec::new());
    for one in these {
        let warns = one.warns().filter(|_| verb == "replay");
        let Aside {
            consumer, event, ..
        } = one;
        if let Some(warns) = &warns {
            if chosen.all {
                let once = format!("`naos events dead replay {event}` gives it all the same");
                let fail = Fail::new(Code::WRONG_STATE, warns.clone()).help(once);
                kept.push((consumer, event, fail));
                continue;
            }
            context.out.note(clean(warns));
        }
        let path = format!("/consumers/{}/dead/{}", part(&consumer), part(&event));
        match session.post(api(&format!("{path}/{verb}")), &json!({})) {
            Ok(_) => done += 1,
            // One that can't be given holds up none of the others.
            Err(fail) if chosen.all && is_of_one(&fail) => {
                if is_decided(&mut session, &path)? {
                    decided += 1;
                } else {
                    kept.push((consumer, event, fail));
                }
            }
            Err(fail) => return Err(fail),
        }
    }
    drop(session);
    for (consumer, event, fail) in kept.iter().take(STAY_TOLD) {
        let (what, help) = (&fail.what, &fail.help);
        let told = format!("{event} of {consumer} stays: {what}; {help}");
        context.out.note(clean(&told));
    }
    if kept.len() > STAY_TOLD {
        let more = kept.len() - STAY_TOLD;
        let told = format!("… and {more} more stay: `naos events dead list` shows them");
        context.out.note(told);
    }
    if decided > 0 {
        let those = count(decided, "event was", "events were");
        let told = format!("{those} given again or given up by somebody else meanwhile.");
        context.out.note(told);
    }
    if context.out.json {
        let told = json!({"done": done, "kept": kept.len(), "decided_meanwhile": decided});
        context.out.json(&told);
    } else {
        let word = if verb == "drop" {
            "given up"
        } else {
            "given again"
        };
        let stay = match kept.len() {
            0 => String::new(),
            stay => format!(", {} put aside", count(stay as u64, "stays", "stay")),
        };
        context.out.say(format!("{done} {word}{stay}."));
    }
    Ok(u8::from(!kept.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_told_line_by_line() {
        let one = json!({
            "consumer": "mailer", "event": "evt_1", "attempts": 3, "at": "2026-01-02T03:04:05Z",
            "problem": {"code": "N0190", "note": "it did not answer", "said": "refused",
                "help": "ask its owner"},
            "cloudevent": {"type": "order.paid", "source": "/shop", "data": {"cents": 5}},
        });
        assert_eq!(
            told(&one),
            [
                "evt_1  put aside for mailer at 2026-01-02T03:04:05Z",
                "given      3 times",
                "why        it did not answer: refused",
                "code       N0190: ask its owner",
                "type       order.paid",
                "source     /shop",
                "data",
                "  {",
                "    \"cents\": 5",
                "  }",
                "next       naos events dead replay evt_1 --consumer mailer",
                "           naos events dead drop evt_1 --consumer mailer",
            ]
        );
        let mut one = one;
        (one["run"], one["acted"]) = (json!("run_1"), json!(true));
        let failed = told(&one);
        assert_eq!(failed[3], "failed     naos get run run_1");
        assert!(failed[4].contains("can't be done twice"), "{failed:?}");
        one["gone"] = json!(true);
        let told = told(&one).join("\n");
        assert!(
            told.contains("next       naos events dead drop evt_1"),
            "{told}"
        );
        assert!(!told.contains("dead replay"), "{told}");
        // Of drivers it says what lets them be given it.
        let about = "evt_1 --consumer driver-mailer";
        one["consumer"] = json!("driver-mailer");
        let next = |one: &Value| next(one, "evt_1", "driver-mailer");
        let said = next(&one);
        assert!(said[1].contains("naos apply"), "{said:?}");
        (one["gone"], one["off"]) = (json!(false), json!(true));
        let said = next(&one);
        assert_eq!(said[0], "next       naos driver enable mailer");
        assert_eq!(
            said[1],
            format!("           naos events dead replay {about}")
        );
        one["over"] = json!("plan_1");
        let said = next(&one).join("\n");
        assert!(said.contains("naos plan resume plan_1"), "{said}");
        assert!(!said.contains("dead replay"), "{said}");
    }
}
