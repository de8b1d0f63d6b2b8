//! `naos doctor`, `naos doctor cell`

mod cell;
mod missing;
mod receivers;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use naos_types::Code;
use serde_json::{Value, json};

use super::{Context, Ended};
use crate::embedder::{Chosen, MODEL_VARIABLE};
use crate::fail::Fail;
use crate::project::Project;
use crate::session::{Session, api};
use crate::{daemon, sync, workspace};

/// Looks whether everything is in order, and says what isn't.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  naos doctor\n  naos doctor --json\n  naos doctor cell")]
pub(crate) struct Doctor {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(clap::Subcommand)]
enum What {
    Cell(cell::Cell),
}

/// What is said of what waits for a model begins so, where it waits for nothing else.
const MODEL: &str = "model ";

/// What was found about one thing.
struct Found {
    what: &'static str,
    state: State,
    says: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Good,
    Odd,
    Bad,
}

impl State {
    const fn word(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Odd => "warn",
            Self::Bad => "bad",
        }
    }
}

const fn good(what: &'static str, says: String) -> Found {
    Found {
        what,
        state: State::Good,
        says,
    }
}

const fn odd(what: &'static str, says: String) -> Found {
    Found {
        what,
        state: State::Odd,
        says,
    }
}

fn bad(what: &'static str, fail: &Fail) -> Found {
    Found {
        what,
        state: State::Bad,
        says: format!("{}: {}", fail.what, fail.help),
    }
}

pub(crate) fn go(context: &Context, doctor: &Doctor) -> Ended {
    match &doctor.what {
        Some(What::Cell(asked)) => cell::go(context, asked),
        None => everything(context),
    }
}

fn everything(context: &Context) -> Ended {
    let project = context.project()?;
    let mut found = vec![good("project", project.root.display().to_string())];
    found.push(configuration(&project));
    found.extend(workspaces(&project));
    found.extend(owner(&project));
    let recall = Chosen::of(&project);
    found.push(match recall.load() {
        Ok(says) => good("recall", says),
        Err(fail) => bad("recall", &fail),
    });
    match context.session() {
        Ok(mut session) => asked(&mut session, &recall, &mut found),
        Err(fail) => found.push(bad("data", &fail)),
    }
    found.extend(secrets(&project));
    let worst = found.iter().any(|found| found.state == State::Bad);
    if context.out.json {
        let items: Vec<Value> = found
            .iter()
            .map(|f| json!({"what": f.what, "state": f.state.word(), "says": f.says}))
            .collect();
        context.out.json(&json!({"ok": !worst, "items": items}));
    } else {
        let row = |f: &Found| vec![f.state.word().to_owned(), f.what.to_owned(), f.says.clone()];
        let rows: Vec<_> = found.iter().map(row).collect();
        context.out.table(&["", "what", "says"], &rows);
    }
    Ok(u8::from(worst))
}

fn configuration(project: &Project) -> Found {
    let read = sync::own_documents(project);
    let documents = match read {
        Ok(documents) if documents.is_empty() => return odd("files", "there are none".into()),
        Ok(documents) => documents,
        Err(fail) => return bad("files", &fail),
    };
    for document in &documents {
        if let Some(says) = sync::fault(document) {
            return Found {
                what: "files",
                state: State::Bad,
                says,
            };
        }
    }
    good("files", format!("{} sound", documents.len()))
}

/// What says who an agent is and can't be taken over: that agent's runs are refused.
fn workspaces(project: &Project) -> Vec<Found> {
    match workspace::identities(project) {
        Ok((_, unread)) => {
            let each = unread.iter();
            each.map(|unread| bad("workspace", &unread.fail)).collect()
        }
        Err(fail) => vec![bad("workspace", &fail)],
    }
}

fn owner(project: &Project) -> Option<Found> {
    let pid = daemon::owner(&project.data)?;
    Some(match daemon::Daemon::of(&project.data) {
        Some(daemon) => good("daemon", format!("process {pid}, port {}", daemon.port)),
        None => odd(
            "daemon",
            format!("process {pid} has the directory and serves no port"),
        ),
    })
}

/// All journals where the caller owns the node, else its own.
fn proof(session: &mut Session) -> Result<Value, Fail> {
    match session.get(api("/audit/verify?all=true")) {
        Err(fail) if fail.code == Some(Code::NOT_ALLOWED) => session.get(api("/audit/verify")),
        told => told,
    }
}

/// The journals of others: how many are sound, and which aren't.
fn others(proof: &Value) -> Vec<Found> {
    let damaged = super::audit::damaged(proof);
    let says = |says| Found {
        what: "other journals",
        state: State::Bad,
        says,
    };
    match proof["others"].as_u64() {
        Some(count @ 1..) if damaged.is_empty() => {
            vec![good("other journals", format!("{count} verified"))]
        }
        _ => damaged.into_iter().map(says).collect(),
    }
}

fn asked(session: &mut Session, recall: &Chosen, found: &mut Vec<Found>) {
    let mut dead_letters = Value::Null;
    match session.get(api("/status")) {
        Ok(status) => {
            let seq = &status["journal"]["seq"];
            found.push(good(
                "data",
                format!("{}, {seq} facts", session.project().data.display()),
            ));
            found.extend(other_recall(&status, recall));
            let all = crate::out::items(&status["stuck"]).iter();
            // Schedules are looked at below, those too whose time is still to come.
            let others = all.filter(|one| one["what"] != "schedule.missed");
            found.extend(others.map(stuck));
            dead_letters = status["dead_letters"].clone();
        }
        Err(fail) => found.push(bad("data", &fail)),
    }
    match proof(session) {
        Ok(proof) if proof["first_bad"].is_null() && proof["fault"].is_null() => {
            found.push(good(
                "journal",
                format!("{} entries verified", proof["entries"]),
            ));
            found.extend(others(&proof));
        }
        Ok(proof) => {
            found.push(Found {
                what: "journal",
                state: State::Bad,
                says: format!(
                    "first bad entry: {} ({})",
                    proof["first_bad"],
                    crate::out::cell(&proof["fault"])
                ),
            });
            found.extend(others(&proof));
        }
        Err(fail) => found.push(bad("journal", &fail)),
    }
    match session.get(api("/notices?limit=1")) {
        Ok(notices) => found.extend(crate::out::items(&notices["troubled"]).iter().map(silent)),
        Err(fail) => found.push(bad("notices", &fail)),
    }
    match session.get(api("/schedules")) {
        Ok(schedules) => {
            let all = crate::out::items(&schedules);
            found.extend(all.iter().filter_map(without_runs));
        }
        Err(fail) => found.push(bad("schedules", &fail)),
    }
    found.extend(receivers::all(session));
    found.extend(receivers::aside(&dead_letters));
    match session.get(api("/top")) {
        Ok(top) => {
            let items = crate::out::items(&top);
            found.extend(items.iter().filter_map(quarantined));
            found.extend(views(&top));
        }
        Err(fail) => found.push(bad("cells", &fail)),
    }
    match session.get(api("/tool-servers")) {
        Ok(servers) => {
            for server in crate::out::items(&servers) {
                found.extend(uncallable(session, server));
            }
        }
        Err(fail) => found.push(bad("tools", &fail)),
    }
    match session.get(api("/resources/model")) {
        Ok(listed) => {
            found.push(models(&listed));
            let all = crate::out::items(&listed).iter();
            let daemon = session.daemon().map(|daemon| daemon.pid);
            found.extend(all.filter_map(|model| without_key(model, daemon)));
            found.extend(missing::all(session, &listed));
        }
        Err(fail) => found.push(bad("models", &fail)),
    }
    match session.get(api("/resources/policy")) {
        Ok(policies) => found.extend(missing::unenforced(&policies)),
        Err(fail) => found.push(bad("policies", &fail)),
    }
}

/// A daemon goes by what was so when it was started.
fn other_recall(status: &Value, recall: &Chosen) -> Option<Found> {
    let (daemon, here) = (status["recall"].as_str()?, recall.embedder().about());
    (daemon != here).then(|| {
        let says = format!(
            "the daemon goes by {daemon}, and here it would be {here}: it was started before \
             that, or with another {MODEL_VARIABLE}; what is right there holds from its next start"
        );
        odd("recall", says)
    })
}

/// What goes on by a person only.
fn stuck(one: &Value) -> Found {
    let ways = one["ways"].as_array().into_iter().flatten();
    let ways: Vec<String> = ways
        .map(|way| format!("`{}`", crate::out::cell(way)))
        .collect();
    let says = format!("{}: {}", crate::out::cell(&one["says"]), ways.join(" or "));
    odd("stuck", says)
}

/// A server of which a tool, or all of them, can't be called.
fn uncallable(session: &mut Session, server: &Value) -> Option<Found> {
    let name = crate::out::cell(&server["name"]);
    match super::tools::stands(session, server) {
        (_, why) if why.is_empty() => None,
        (status, why) => Some(odd(
            "tools",
            format!("{name} is {status}: {}", why.join("; ")),
        )),
    }
}

/// A schedule that has no runs while something isn't there, or while it gives what isn't taken.
fn without_runs(schedule: &Value) -> Option<Found> {
    let (why, until) = match (schedule["waits_for"].as_str(), schedule["unfit"].as_str()) {
        (Some(lacks), _) => (format!("waits for {lacks}"), "until it is there"),
        (None, Some(wrong)) => (
            format!("doesn't give what is taken by {wrong}"),
            "until one of the two is applied anew",
        ),
        (None, None) => return None,
    };
    if matches!(schedule["status"].as_str(), Some("paused" | "disabled")) {
        return None;
    }
    let name = crate::out::cell(&schedule["name"]);
    let next = schedule["next"][0].as_str();
    let next = next.map_or_else(String::new, |at| format!(", and the one at {at} has none"));
    let lacks = schedule["waits_for"].as_str().unwrap_or_default();
    let comes_to = match lacks.starts_with(MODEL) {
        true => format!("what it starts fails {until}"),
        false => format!(
            "{} of its times had no run{next} {until}",
            schedule["missed"]
        ),
    };
    let says = format!(
        "{} {name} {why}: {comes_to}; `naos schedule show {name}`, and `naos schedule pause \
         {name}` if it isn't wanted",
        crate::out::cell(&schedule["kind"]),
    );
    Some(odd("schedules", says))
}

/// A cell that decides nothing.
fn quarantined(cell: &Value) -> Option<Found> {
    let why = cell["quarantined"].as_str()?;
    let says = format!(
        "{} is quarantined ({why}): `naos doctor cell` of its tenant shows what its owner can do",
        crate::out::cell(&cell["tenant"])
    );
    Some(Found {
        what: "cells",
        state: State::Bad,
        says,
    })
}

/// Whether lists are what they should be.
fn views(top: &Value) -> Option<Found> {
    let away = top["views_away"].as_u64().filter(|away| *away > 0)?;
    Some(odd(
        "views",
        format!("{away} being made again: until then lists come from records, and are slower"),
    ))
}

/// A receiver that did not take the last notice.
fn silent(notice: &Value) -> Found {
    let to = crate::out::cell(&notice["to"]);
    let said = crate::out::cell(&notice["problem"]["said"]);
    let says = format!(
        "{to} was not told of {}: {said}; `naos notice test {to}` tries it again",
        crate::out::cell(&notice["what"])
    );
    Found {
        what: "notices",
        state: State::Bad,
        says,
    }
}

/// Files that only their owner may read.
fn secrets(project: &Project) -> Vec<Found> {
    let open_to_others = |path: &std::path::Path| {
        fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0)
    };
    let paths = [
        project.data.clone(),
        project.owner_token(),
        project.data.join("keys"),
    ];
    let open: Vec<String> = paths
        .iter()
        .filter(|path| open_to_others(path))
        .map(|path| path.display().to_string())
        .collect();
    if open.is_empty() {
        return vec![good("secrets", "readable by their owner only".into())];
    }
    vec![odd(
        "secrets",
        format!(
            "others may read {}: chmod go= makes them private",
            open.join(", ")
        ),
    )]
}

/// A model that can't be asked, as whoever would ask it lacks its key.
fn without_key(model: &Value, daemon: Option<u32>) -> Option<Found> {
    let variable = model["key"].as_str()?.strip_prefix("missing ")?;
    if model["spec"]["enabled"] == false {
        return None;
    }
    let (who, what) = if let Some(pid) = daemon {
        let what = format!(
            "where the daemon is started, end it (Ctrl-C, or `kill {pid}`), and start it again \
             (`naos up`)"
        );
        ("the daemon (`naos up`)", what)
    } else {
        let what = "before the next command, or before `naos up`";
        ("this shell", what.to_owned())
    };
    let says = format!(
        "{} can't be asked: {who} has no variable {variable}; set it to the model's key {what}",
        crate::out::cell(&model["name"])
    );
    Some(odd("models", says))
}

/// The models that agents work with; without any, the keys of providers in the environment.
fn models(applied: &Value) -> Found {
    let names: Vec<&str> = crate::out::items(applied)
        .iter()
        .filter_map(|model| model["name"].as_str())
        .collect();
    if !names.is_empty() {
        return good("models", names.join(", "));
    }
    const KEYS: [&str; 4] = [
        "ANTHROPIC_API_KEY",
        "OPENAI_API_KEY",
        "GEMINI_API_KEY",
        "OLLAMA_HOST",
    ];
    let there: Vec<&str> = KEYS
        .into_iter()
        .filter(|key| std::env::var_os(key).is_some())
        .collect();
    if there.is_empty() {
        return good(
            "models",
            "none is applied and no key is set; skills and components work without".into(),
        );
    }
    good(
        "models",
        format!(
            "{} is there: available, apply a model to use it (docs/models.md)",
            there.join(", ")
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_without_runs_is_told_with_what_it_lacks() {
        let mut morning = json!({
            "name": "morning", "kind": "instruction", "status": "active", "missed": 2,
            "next": ["2026-11-29T09:00:00Z"],
            "waits_for": "a driver that answers email.list",
        });
        let said = |schedule: &Value| without_runs(schedule).map(|found| found.says);
        let told = said(&morning).unwrap();
        let parts = [
            "instruction morning waits for a driver that answers email.list",
            "2 of its times had no run",
            "2026-11-29T09:00:00Z",
            "naos schedule show morning",
        ];
        for part in parts {
            assert!(told.contains(part), "{part}: {told}");
        }
        morning["status"] = json!("paused");
        assert_eq!(said(&morning), None);
        morning["status"] = json!("active");
        morning["waits_for"] = Value::Null;
        assert_eq!(said(&morning), None);
        morning["unfit"] = json!("plan report: the input who is missing");
        let told = said(&morning).unwrap();
        let wrong = "doesn't give what is taken by plan report: the input who is missing: 2 of";
        assert!(told.contains(wrong), "{told}");
    }
}
