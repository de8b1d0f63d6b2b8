//! Runs of a driver that is built in: naos answers in the turn that hears the event, under what the
//! driver's manifest grants.

use naos_types::fact::Problem;
use naos_types::spec::{Kind, Native, NativeDriver, SHOWN_BYTES_MAX};
use naos_types::{Actor, BodyRef, Code, DocPath, Grants, Name, RunId, RunLimits, Tier};
use serde_json::Value;

use crate::resource::driver::addressed;
use crate::state::ResourceKey;
use crate::task::Wanted;
use crate::turn::{Done, Turn};

/// What a driver does that is built in; none for any other.
pub(crate) fn of(turn: &Turn<'_>, driver: &Name) -> Done<Option<NativeDriver>> {
    let found = turn.resource(&ResourceKey(Kind::Driver, driver.clone()))?;
    Ok(found.and_then(|found| found.spec.native()).cloned())
}

/// Answers an event: the task, its run and its end, in this commit.
pub(crate) fn answer(
    turn: &mut Turn<'_>,
    wanted: Wanted,
    who: &Name,
    native: &NativeDriver,
    data: &Value,
) -> Done {
    let grants = Grants {
        context_read: native.reads.clone(),
        context_write: native.writes.clone(),
        ..Grants::default()
    };
    let limits = RunLimits::default();
    let id = super::begin_own(turn, wanted, who, Tier::Skill, (grants, limits))?;
    match does(turn, id, who, native, data)? {
        Ok(output) => {
            let run = super::held(turn, id)?;
            super::completed(turn, id, &run, output, run.grant.cost_max)
        }
        Err(why) => {
            // What the event says stands by itself, and never in a sentence of naos's own.
            let said = Some(turn.seal(why)?);
            let note = "the driver can't do what the event asks for".to_owned();
            let problem = Problem {
                code: Code::EVENT_UNFIT,
                note,
                said,
            };
            super::failed(turn, id, who.clone(), problem, None)
        }
    }
}

/// What it gives, or the sentence why nothing.
fn does(
    turn: &mut Turn<'_>,
    run: RunId,
    who: &Name,
    native: &NativeDriver,
    data: &Value,
) -> Done<Result<BodyRef, String>> {
    let document = || {
        let said = data.get("path").and_then(Value::as_str);
        let said = said.ok_or("the event names no document: its data has no `path`")?;
        DocPath::new(said)
    };
    match native.native {
        Native::ContextRead => {
            let path = match document() {
                Ok(path) => path,
                Err(why) => return Ok(Err(why)),
            };
            if !covers(&native.reads, &path) {
                return Ok(Err(denied(&path, "read")));
            }
            match turn.document(&path)?.map(|found| found.body) {
                Some(body) => Ok(Ok(body)),
                None => turn.stage(b"null".to_vec()).map(Ok),
            }
        }
        Native::ContextWrite => {
            let path = match document() {
                Ok(path) => path,
                Err(why) => return Ok(Err(why)),
            };
            let is_remembered = path.is_memory() && !crate::planted::is("natives-write-memories");
            if !covers(&native.writes, &path) || path.is_identity() || is_remembered {
                return Ok(Err(denied(&path, "write")));
            }
            let text = match data.get("content") {
                Some(Value::String(text)) => text.clone(),
                Some(other) if !other.is_null() => other.to_string(),
                _ => return Ok(Err("the event says no `content`".to_owned())),
            };
            let body = turn.stage(text.into_bytes())?;
            let by = Actor::Agent(who.clone());
            let _ = crate::document::write(turn, &by, &path, body, None, Some(run))?;
            Ok(Ok(body))
        }
        Native::Echo => turn.stage(data.to_string().into_bytes()).map(Ok),
        Native::Notify => {
            if let Some(names) = addressed(data) {
                let missing = names
                    .iter()
                    .find(|name| !crate::member::is_named(turn, name));
                match missing {
                    Some(missing) => return Ok(Err(format!("nobody is called {missing}"))),
                    None if names.is_empty() => {
                        return Ok(Err("`to` names nobody".to_owned()));
                    }
                    None => {}
                }
            }
            let text = words(data);
            if text.trim().is_empty() {
                return Ok(Err(
                    "the event says nothing: its data has no `message`".to_owned()
                ));
            }
            let text = super::cut(&text, SHOWN_BYTES_MAX);
            turn.stage(text.into_bytes()).map(Ok)
        }
    }
}

fn covers(granted: &[String], path: &DocPath) -> bool {
    let path = path.as_str().trim_start_matches('/');
    let granted = granted
        .iter()
        .any(|pattern| naos_types::covers(pattern, path));
    granted || crate::planted::is("natives-reach-beyond")
}

fn denied(path: &DocPath, verb: &str) -> String {
    let shown = path.as_str().trim_start_matches('/');
    format!(
        "the driver may not {verb} {shown}: add {shown:?} to its `grants.context_{verb}`; who an \
         agent is (SOUL.md and the like) and what it remembers (MEMORY.md and the like) no driver \
         says"
    )
}

/// What an event says to people: its title and its message, else all of it.
fn words(data: &Value) -> String {
    if let Value::String(text) = data {
        return text.clone();
    }
    let text = |key: &str| data.get(key).and_then(Value::as_str);
    let message = ["message", "text", "body", "summary"]
        .into_iter()
        .find_map(text);
    match (text("title").or_else(|| text("subject")), message) {
        (Some(title), Some(message)) => format!("{title}\n\n{message}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) if data.as_object().is_none_or(|fields| fields.is_empty()) => String::new(),
        (None, None) => serde_json::to_string_pretty(data).unwrap_or_default(),
    }
}
