//! `context`: recorded. The tenant's shared documents, as far as the manifest names them.

use super::invalid;
use crate::bindings::naos::agent::{context, types};
use crate::host::{AbilityError, Document, Entry};
use crate::limits::{Limit, PATH_BYTES_MAX};
use crate::recording::Ability;
use crate::run_state::{RunState, Stop, told};
use serde::Serialize;
use wasmtime::component::{HasSelf, Linker};

pub(super) fn link(linker: &mut Linker<RunState>) -> wasmtime::Result<()> {
    context::add_to_linker::<RunState, HasSelf<RunState>>(linker, |run| run)
}

/// What is digested. Append, never reorder.
#[derive(Serialize)]
enum Request<'a> {
    Read {
        path: &'a str,
    },
    Write {
        path: &'a str,
        text: &'a str,
        expected: Option<u64>,
    },
    List {
        prefix: &'a str,
    },
}

impl context::Host for RunState {
    fn read(&mut self, path: String) -> wasmtime::Result<Result<context::Document, types::Error>> {
        let request = Request::Read { path: &path };
        let answer = self.recorded(Ability::Context, &request, |run| {
            match readable(run, &path) {
                Err(refused) => Ok(Err(refused)),
                Ok(()) => told(run.host.context_read(&path)),
            }
        })?;
        Ok(answer.map(Into::into).map_err(Into::into))
    }

    fn write(
        &mut self,
        path: String,
        text: String,
        expected: Option<u64>,
    ) -> wasmtime::Result<Result<u64, types::Error>> {
        let request = Request::Write {
            path: &path,
            text: &text,
            expected,
        };
        let answer = self.recorded(Ability::Context, &request, |run| {
            let max = run.limits.document_bytes_max;
            match writable(run, &path) {
                Err(refused) => Ok(Err(refused)),
                Ok(()) if text.len() > max => {
                    let detail = format!("a document of {} bytes, at most {max}", text.len());
                    Err(Stop::limit(Limit::DocumentBytes, detail))
                }
                Ok(()) => told(run.host.context_write(&path, &text, expected)),
            }
        })?;
        Ok(answer.map_err(Into::into))
    }

    fn list(
        &mut self,
        prefix: String,
    ) -> wasmtime::Result<Result<Vec<context::Entry>, types::Error>> {
        let request = Request::List { prefix: &prefix };
        let answer = self.recorded(Ability::Context, &request, |run| {
            match listable(run, &prefix) {
                Err(refused) => Ok(Err(refused)),
                Ok(()) => told(run.host.context_list(&prefix)).map(|answer| {
                    answer.map(|mut entries: Vec<Entry>| {
                        entries.retain(|entry| run.grants.reads(&entry.path));
                        entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
                        entries
                    })
                }),
            }
        })?;
        Ok(answer
            .map(|entries| entries.into_iter().map(Into::into).collect())
            .map_err(Into::into))
    }
}

impl From<Document> for context::Document {
    fn from(
        Document {
            path,
            version,
            text,
        }: Document,
    ) -> Self {
        context::Document {
            path,
            version,
            text,
        }
    }
}

impl From<Entry> for context::Entry {
    fn from(
        Entry {
            path,
            version,
            size,
        }: Entry,
    ) -> Self {
        context::Entry {
            path,
            version,
            size,
        }
    }
}

fn readable(run: &RunState, path: &str) -> Result<(), AbilityError> {
    check(path)?;
    if run.grants.reads(path) {
        return Ok(());
    }
    let what = format!("reading {path}");
    Err(AbilityError::Denied(run.grants.item(
        &what,
        path,
        "context_read",
    )))
}

fn writable(run: &RunState, path: &str) -> Result<(), AbilityError> {
    check(path)?;
    if naos_types::is_identity(path) {
        return Err(AbilityError::Denied(format!(
            "{path} says who an agent is: only people write it"
        )));
    }
    if naos_types::is_memory(path) && !crate::planted::writes_memories() {
        return Err(AbilityError::Denied(format!(
            "{path} is of what an agent remembers: only that agent and people write it"
        )));
    }
    if run.grants.writes(path) {
        return Ok(());
    }
    let what = format!("writing {path}");
    Err(AbilityError::Denied(run.grants.item(
        &what,
        path,
        "context_write",
    )))
}

fn listable(run: &RunState, prefix: &str) -> Result<(), AbilityError> {
    if prefix.len() > PATH_BYTES_MAX || prefix.chars().any(char::is_control) {
        return invalid(format!(
            "a prefix has at most {PATH_BYTES_MAX} bytes and no control characters"
        ));
    }
    if !run.grants.context_read.is_empty() {
        return Ok(());
    }
    let item = if prefix.is_empty() { "**" } else { prefix };
    Err(AbilityError::Denied(run.grants.item(
        "listing documents",
        item,
        "context_read",
    )))
}

/// A path is a name, never a way out of where it stands.
fn check(path: &str) -> Result<(), AbilityError> {
    if path.is_empty() || path.len() > PATH_BYTES_MAX {
        return invalid(format!("a path has 1 to {PATH_BYTES_MAX} bytes"));
    }
    if path.chars().any(|c| c.is_control() || c == '\\') {
        return invalid("a path must not contain control characters or backslashes");
    }
    if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return invalid("a path must not start or end with / nor contain empty parts, . or ..");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for good in ["a", "notes/a.md", "é/ü.txt", ".hidden", "a..b"] {
            assert!(check(good).is_ok(), "{good}");
        }
        let long = "x".repeat(PATH_BYTES_MAX + 1);
        for bad in [
            "", "/a", "a/", "a//b", "../a", "a/./b", "a/..", "a\nb", "a\\b", &long,
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
