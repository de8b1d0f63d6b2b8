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
    let (mut erased, mut also, mut recordings) = (Vec::new(), Vec::new(), 0);
    let mut readers = json!({});
    let mut last = erase_all(&mut session, &place, &body, |answer| {
        erased.extend_from_slice(items(&answer["erased"]));
        also.extend_from_slice(items(&answer["also"]));
        recordings += number(answer, "recordings");
        for key in READERS {
            gather(&mut readers, answer, key);
        }
    })?;
    drop(session);
    for (key, all) in readers.as_object().into_iter().flatten() {
        last[key] = all.clone();
    }
    if context.out.json {
        last["erased"] = json!(erased);
        last["also"] = json!(also);
        last["recordings"] = json!(recordings);
        context.out.json(&last);
        return Ok(0);
    }
    if erased.is_empty() && recordings == 0 {
        context
            .out
            .say(format!("There is nothing to erase of {path}."));
        tell_readers(context, &last);
        return Ok(0);
    }
    let versions = count(erased.len(), "version", "versions");
    context.out.say(format!("Erased {versions} of {path}."));
    if recordings > 0 {
        let runs = count(recordings, "run", "runs");
        let what = format!("Erased what {runs} read of it with their tools.");
        context.out.note(what);
    }
    for one in &also {
        context
            .out
            .note(format!("The same is erased in {}.", cell(one)));
    }
    tell_readers(context, &last);
    context.out.note(KEPT_ELSEWHERE);
    Ok(0)
}

/// Who was told it: what a model made of it in its own words stays, and only a person sees it.
/// Where its own words still stand is said by itself: nobody is to believe that they are gone.
fn tell_readers(context: &Context, answer: &Value) {
    let out = &context.out;
    if let Some(told) = named(answer, "told") {
        out.note(format!("It was read, shown or written in {told}."));
        out.note("What models made of it in their own words stays: look with `naos logs`.");
    }
    if let Some(stands) = named(answer, "stands") {
        out.note(format!(
            "NOT erased: it still stands, word for word, in what was given to {stands}. A template \
             or a person put it there among other words, and no command erases it there: it stays \
             as long as the journal does."
        ));
        out.note(
            "Give documents with `naos task create --attach PATH`: what came so is erased with the \
             document.",
        );
    }
}

/// Who was told what is erased, and where it still stands.
const READERS: [&str; 2] = ["told", "stands"];

/// Those that several answers name: once a version is erased, nobody knows any more where its words
/// stand.
fn gather(all: &mut Value, answer: &Value, key: &str) {
    let more = format!("{key}_more");
    let mut named = items(&all[key]).to_vec();
    let fresh = items(&answer[key]).iter();
    let fresh: Vec<Value> = fresh.filter(|one| !named.contains(one)).cloned().collect();
    named.extend(fresh);
    all[&more] = json!(number(all, &more).max(number(answer, &more)));
    all[key] = json!(named);
}

/// Those that an answer names, and how many more there are; none where it names nobody.
fn named(answer: &Value, key: &str) -> Option<String> {
    let all: Vec<String> = items(&answer[key]).iter().map(cell).collect();
    let more = match number(answer, &format!("{key}_more")) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    (!all.is_empty()).then(|| format!("{}{more}", all.join(", ")))
}

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
