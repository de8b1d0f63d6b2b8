//! `naos document erase`: what earlier versions said is destroyed. Whoever asks is asked back.

use std::io::IsTerminal;

use naos_types::Code;
use serde_json::{Value, json};

use super::approve::asked;
use super::{Context, Ended};
use crate::fail::Fail;
use crate::out::{cell, count};
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
    let out = &context.out;
    if !out.terminal || !std::io::stdin().is_terminal() || out.json {
        let what = format!("{what}, and nothing brings it back: nobody is here to be asked");
        return Err(Fail::usage(what).help("add --yes if that is meant"));
    }
    let answer = asked(&format!(
        "{what}, and nothing brings it back. Go on (y/n)? "
    ))?;
    Ok(matches!(&*answer.to_lowercase(), "y" | "yes" | "o" | "oui"))
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
    let (mut erased, mut also, mut last): (Vec<Value>, Vec<Value>, Value);
    (erased, also) = (Vec::new(), Vec::new());
    loop {
        last = session.post(place.clone(), &body)?;
        erased.extend(last["erased"].as_array().into_iter().flatten().cloned());
        also.extend(last["also"].as_array().into_iter().flatten().cloned());
        let some = last["contents"].as_u64().unwrap_or_default() > 0;
        if !some || last["left"].as_u64().unwrap_or_default() == 0 {
            break;
        }
    }
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
    session: &mut crate::session::Session,
    agent: &str,
    says: &[&str],
) -> Result<(u64, u64, Vec<String>), Fail> {
    let place = crate::session::api(&format!("/agents/{agent}/erasures"));
    let (mut versions, mut runs) = (0, 0);
    loop {
        let answer = session.post(place.clone(), &json!({"says": says}))?;
        let number = |key: &str| answer[key].as_u64().unwrap_or_default();
        versions += number("versions");
        runs += number("runs");
        if number("left") > 0 && number("contents") > 0 {
            continue;
        }
        if number("left") > 0 {
            let what = "something that says it could not be erased";
            return Err(Fail::new(Code::INTERNAL, what));
        }
        let kept = answer["kept"].as_array().into_iter().flatten();
        return Ok((versions, runs, kept.map(cell).collect()));
    }
}
