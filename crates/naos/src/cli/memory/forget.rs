//! `naos memory forget`: out of what an agent learned, and out of every line that says just that.

use std::slice::from_ref;

use naos_kernel::recall::{self, Document};
use naos_types::Code;
use naos_types::think::FACTS;
use serde_json::{Value, json};

use super::super::erase;
use super::{Chosen, Context, Ended, ID_CHARS, Learned, folder, id, line, places};
use crate::fail::Fail;
use crate::out::{count, items};
use crate::session::{Session, part};
use crate::workspace;

fn fact(one: &Value) -> &str {
    one["fact"].as_str().unwrap_or_default()
}

#[derive(clap::Args)]
pub(super) struct Forget {
    #[command(flatten)]
    chosen: Chosen,
    /// Destroys earlier versions that say it, and what the agent's runs recorded of it, for good.
    #[arg(long)]
    erase: bool,
    /// Doesn't ask back before it erases.
    #[arg(long, requires = "erase")]
    yes: bool,
}

pub(super) fn go(context: &Context, asked: &Forget) -> Ended {
    let chosen = &asked.chosen;
    let mut session = context.session()?;
    let (agent, folder) = folder(&mut session, &chosen.agent)?;
    let mut learned = Learned::of(&mut session, &folder)?;
    learned.say_broken(context, agent.as_str());
    let all = learned.values();
    let is_there = |which: &String| places(&all, &chosen.agent, from_ref(which)).is_ok();
    let (there, before): (Vec<_>, Vec<_>) = chosen.which.iter().cloned().partition(is_there);
    let named = places(&all, &chosen.agent, &there)?;
    let earlier = forgotten_before(&mut session, &folder, &before)?;
    for which in &before {
        if !earlier
            .iter()
            .any(|one| id(one).eq_ignore_ascii_case(which))
        {
            places(&all, &chosen.agent, from_ref(which))?;
        } else if !asked.erase {
            let what = format!("{agent} forgot {which} already");
            let help = format!(
                "earlier versions still say it: `naos memory forget {agent} {which} --erase` \
                 destroys what they say of it, for good"
            );
            return Err(Fail::new(Code::NOT_FOUND, what).help(help));
        }
    }
    let is_gone = |at: usize| {
        let says_so = |other: &usize| recall::is_equal(fact(&all[at]), fact(&all[*other]));
        named.contains(&at) || (!crate::planted::forgets_one_place() && named.iter().any(says_so))
    };
    let gone: Vec<usize> = (0..all.len()).filter(|at| is_gone(*at)).collect();
    let forgotten: Vec<&Value> = gone.iter().map(|at| &all[*at]).chain(&earlier).collect();
    if asked.erase && !asked.yes {
        // Nobody else waits while somebody thinks. What is there afterwards is what they saw, or
        // it has another version, which isn't written over.
        drop(session);
        for one in &forgotten {
            context.out.note(format!("To be erased: {}", fact(one)));
        }
        let what = "This destroys all that earlier versions and recordings say of it";
        if !erase::is_meant(context, asked.yes, what)? {
            context.out.say("Nothing was forgotten.");
            return Ok(0);
        }
        session = context.session()?;
        let now = Learned::of(&mut session, &folder)?;
        if now.version != learned.version {
            let what = format!("what {agent} learned changed meanwhile; nothing was forgotten");
            let help = format!("look again: naos memory list {agent}");
            return Err(Fail::new(Code::STALE_VERSION, what).help(help));
        }
    }
    // What it learned goes last: until then the same numbers can be named again.
    take_out(&mut session, &folder, &forgotten)?;
    if !gone.is_empty() {
        let mut at = 0..;
        learned
            .all
            .retain(|_| at.next().is_some_and(|at| !gone.contains(&at)));
        learned.put(&mut session)?;
    }
    let left = documents(&mut session, &folder)?;
    let erased = if asked.erase {
        let says: Vec<&str> = forgotten.iter().map(|one| fact(one)).collect();
        Some(erase::forget(&mut session, agent.as_str(), &says)?)
    } else {
        None
    };
    drop(session);
    // Numbers move: whoever named one sees what it stood for.
    for one in &forgotten {
        context.out.note(format!("Forgotten: {}", fact(one)));
    }
    for place in still_said(&left, &forgotten) {
        let what = format!("{place} says it among other things: take it out there, too");
        context.out.note(what);
    }
    if let Some((versions, runs, kept)) = erased {
        let versions = count(versions, "earlier version", "earlier versions");
        let runs = count(runs, "run", "runs");
        context.out.note(format!(
            "Erased: {versions}, and what {runs} recorded of it."
        ));
        for one in kept {
            context
                .out
                .note(format!("{one} still says it, and is needed: it was left."));
        }
        context.out.note(erase::KEPT_ELSEWHERE);
    }
    if context.out.json {
        let says: Vec<&str> = forgotten.iter().map(|one| fact(one)).collect();
        context
            .out
            .json(&json!({"done": forgotten.len(), "forgotten": says}));
    } else {
        context.out.say(format!("{} forgotten.", forgotten.len()));
    }
    Ok(0)
}

/// What was forgotten before, by its ids: earlier versions of what the agent learned still say it
/// until it is erased.
fn forgotten_before(
    session: &mut Session,
    folder: &str,
    ids: &[String],
) -> Result<Vec<Value>, Fail> {
    let mut found: Vec<Value> = Vec::new();
    let path = format!("{folder}/{FACTS}");
    let mut before = String::new();
    while ids.iter().any(|which| which.len() == ID_CHARS) {
        let versions = workspace::place_of("document-versions", &path)?;
        let page = session.get(format!("{versions}{before}"))?;
        let is_kept = |item: &&Value| item["version"].is_u64() && item["gone"] != true;
        for item in items(&page).iter().filter(is_kept) {
            let place = workspace::place(&path)?;
            let text = match session.get(format!("{place}?version={}", item["version"])) {
                Ok(said) => said["text"].as_str().unwrap_or_default().to_owned(),
                Err(fail) if matches!(fail.code, Some(Code::ERASED | Code::NOT_FOUND)) => continue,
                Err(fail) => return Err(fail),
            };
            let lines = text
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok());
            for one in lines.collect::<Vec<Value>>() {
                let is_meant = |which: &String| id(&one).eq_ignore_ascii_case(which);
                if ids.iter().any(is_meant) && !found.iter().any(|said| id(said) == id(&one)) {
                    found.push(one);
                }
            }
            if found.len() == ids.len() {
                return Ok(found);
            }
        }
        match page["next"].as_str() {
            Some(next) => before = format!("?before={}", part(next)),
            None => break,
        }
    }
    Ok(found)
}

/// The documents that it recalls from.
fn documents(session: &mut Session, folder: &str) -> Result<Vec<Document>, Fail> {
    let (listed, _) = recall::with_room(workspace::recalled(session, folder)?, |one| one.bytes);
    let mut out = Vec::with_capacity(listed.len());
    for one in listed {
        // It may be gone by now.
        if let Some((text, _)) = workspace::document(session, &one.path)? {
            let (path, day) = (one.path, one.day);
            out.push(Document { path, day, text });
        }
    }
    Ok(out)
}

/// Takes the lines that say just what is forgotten out of all that it recalls from but what it
/// learned.
fn take_out(session: &mut Session, folder: &str, forgotten: &[&Value]) -> Result<(), Fail> {
    let is_gone = |text: &str| {
        forgotten.iter().any(|one| {
            line(one) == text
                || (!crate::planted::forgets_one_place()
                    && recall::is_equal(recall::line_says(text), fact(one)))
        })
    };
    for listed in workspace::recalled(session, folder)? {
        if listed.path.ends_with(FACTS) {
            continue;
        }
        let Some((text, version)) = workspace::document(session, &listed.path)? else {
            continue;
        };
        let rest = text.lines().filter(|line| !is_gone(line));
        let rest: String = rest.map(|one| format!("{one}\n")).collect();
        if rest.lines().count() < text.lines().count() {
            workspace::write(session, &listed.path, &rest, version)?;
        }
    }
    Ok(())
}

/// Where more is said than what is forgotten: nobody but a person knows what of it may stay.
fn still_said(left: &[Document], forgotten: &[&Value]) -> Vec<String> {
    let passages = recall::passages(left);
    let says = |text: &str| forgotten.iter().any(|one| recall::repeats(fact(one), text));
    let found = passages.iter().filter(|hit| says(&hit.text));
    found
        .map(|hit| format!("{}, line {},", hit.document, hit.line))
        .collect()
}
