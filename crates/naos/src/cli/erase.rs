//! `naos document erase`: what earlier versions said is destroyed. Whoever asks is asked back.

use naos_types::Code;
use serde_json::{Value, json};

use super::approve::{asked, said_yes};
use super::{Context, Ended};
use crate::fail::Fail;
use crate::out::{cell, count, items};
use crate::session::{Session, api};
use crate::workspace::place_of;

#[derive(clap::Args)]
#[command(disable_version_flag = true)]
pub(super) struct Erase {
    /// The document's path.
    path: String,
    /// Only this version; may be given several times.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    version: Vec<u64>,
    /// Only what was written before: 2026-10-05, or a time of RFC 3339.
    #[arg(long, value_name = "DATE", conflicts_with = "version")]
    before: Option<String>,
    /// Erases it, too, where something else that has ended says the very same.
    #[arg(long)]
    everywhere: bool,
    /// Doesn't ask back.
    #[arg(long)]
    yes: bool,
}

/// Asks whether something that can't be undone is meant. False if it isn't.
pub(super) fn is_meant(context: &Context, yes: bool, what: &str) -> Result<bool, Fail> {
    if yes {
        return Ok(true);
    }
    if !context.out.can_ask() {
        let what = format!("{what}, and nothing brings it back: nobody is here to be asked");
        return Err(Fail::usage(what).help("add --yes if that is meant"));
    }
    let answer = asked(&format!(
        "{what}, and nothing brings it back. Go on (y/n)? "
    ))?;
    Ok(said_yes(&answer) == Some(true))
}

pub(super) fn go(context: &Context, erase: &Erase) -> Ended {
    let path = erase.path.trim_start_matches('/');
    let which = match (&erase.before, erase.version.as_slice()) {
        (Some(before), _) => format!("what {path} said before {before}"),
        (None, []) => format!("all that {path} said before what it says now"),
        (None, versions) => {
            let versions: Vec<String> = versions.iter().map(u64::to_string).collect();
            format!("version {} of {path}", versions.join(", "))
        }
    };
    if !is_meant(context, erase.yes, &format!("This destroys {which}"))? {
        context.out.say("Nothing was erased.");
        return Ok(0);
    }
    let mut body = json!({"everywhere": erase.everywhere});
    if !erase.version.is_empty() {
        body["versions"] = json!(erase.version);
    }
    if let Some(before) = &erase.before {
        body["before"] = json!(before);
    }
    let place = place_of("document-erasures", &erase.path)?;
    let mut session = context.session()?;
    let (mut erased, mut also) = (Vec::new(), Vec::new());
    let mut last = erase_all(&mut session, &place, &body, |answer| {
        erased.extend_from_slice(items(&answer["erased"]));
        also.extend_from_slice(items(&answer["also"]));
    })?;
    drop(session);
    if context.out.json {
        last["erased"] = json!(erased);
        last["also"] = json!(also);
        context.out.json(&last);
        return Ok(0);
    }
    if erased.is_empty() {
        context
            .out
            .say(format!("There is nothing to erase of {path}."));
        return Ok(0);
    }
    let versions = count(erased.len(), "version", "versions");
    context.out.say(format!("Erased {versions} of {path}."));
    for one in &also {
        context
            .out
            .note(format!("The same is erased in {}.", cell(one)));
    }
    context.out.note(READ_BY_RUNS);
    context.out.note(KEPT_ELSEWHERE);
    Ok(0)
}

/// What the erasure of a document leaves in recordings.
const READ_BY_RUNS: &str = "What runs read of it with their tools stays in their recordings: see \
                            docs/forgetting.md.";

/// What nobody can erase from here.
pub(super) const KEPT_ELSEWHERE: &str =
    "Backups that were taken before still have it: delete them, or take new ones.";

/// Has an agent's workspace and its recordings forget texts for good.
pub(super) fn forget(
    session: &mut Session,
    agent: &str,
    says: &[&str],
) -> Result<(u64, u64, Vec<String>), Fail> {
    let place = api(&format!("/agents/{agent}/erasures"));
    let (mut versions, mut runs) = (0, 0);
    let last = erase_all(session, &place, &json!({"says": says}), |answer| {
        versions += number(answer, "versions");
        runs += number(answer, "runs");
    })?;
    if number(&last, "left") > 0 {
        let what = "something that says it could not be erased";
        return Err(Fail::new(Code::INTERNAL, what));
    }
    let kept = items(&last["kept"]).iter().map(cell).collect();
    Ok((versions, runs, kept))
}

/// Erases until nothing is left, or nothing more goes; the last answer.
fn erase_all(
    session: &mut Session,
    place: &str,
    body: &Value,
    mut each: impl FnMut(&Value),
) -> Result<Value, Fail> {
    loop {
        let answer = session.post(place, body)?;
        each(&answer);
        if number(&answer, "left") == 0 || number(&answer, "contents") == 0 {
            return Ok(answer);
        }
    }
}

fn number(answer: &Value, key: &str) -> u64 {
    answer[key].as_u64().unwrap_or_default()
}
