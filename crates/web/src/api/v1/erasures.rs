//! Erasing: what earlier versions of a document said, and what an agent is to forget for good.

use std::collections::BTreeSet;

use naos_engine::read::{Saying, Wanted};
use naos_types::think::FACTS;
use naos_types::{Code, DocPath, Refusal, Time, command};
use serde::Deserialize;
use serde_json::json;

use super::{agents, documents};
use crate::door::{Answered, Call, ok};
use crate::error::Fault;
use crate::planted;

/// The most texts that are looked for at once.
const SAYS_MAX: usize = 100;

/// How many of those that read a document are named.
const TOLD_SHOWN_MAX: usize = 20;

/// What a thread of its own looked up.
async fn looked<T: Send + 'static>(
    look: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Fault> {
    let stopping = |_| Fault::new(Code::STOPPING, "naos is stopping");
    let found = tokio::task::spawn_blocking(look).await.map_err(stopping)?;
    Ok(found?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Erase {
    /// These; all earlier ones unless said.
    versions: Option<BTreeSet<u64>>,
    /// Those that were written before: RFC 3339, or a date.
    before: Option<String>,
    /// Whether it is erased, too, for others that said the same and have ended.
    #[serde(default)]
    everywhere: bool,
}

impl Erase {
    fn wanted(self) -> Result<Wanted, Fault> {
        match (self.versions, self.before) {
            (None, None) => Ok(Wanted::Earlier),
            (Some(versions), None) => Ok(Wanted::Versions(versions)),
            (None, Some(text)) => Time::parse(&text).map(Wanted::Before).ok_or_else(|| {
                let what = format!("`before`: {text:?} is no date and no time of RFC 3339");
                Fault::new(Code::BAD_TIME, what)
            }),
            (Some(_), Some(_)) => {
                let what = "say `versions` or `before`, not both";
                Err(Fault::new(Code::BAD_REQUEST, what))
            }
        }
    }
}

/// Destroys what earlier versions say. What stands, and what is under way, keeps what it says.
pub(crate) async fn document(call: Call) -> Answered {
    let path = documents::path(&call)?;
    let asked: Erase = call.json()?;
    let everywhere = asked.everywhere;
    let wanted = asked.wanted()?;
    let (reader, of) = (call.reader()?, path.clone());
    let found = looked(move || reader.erasable(&of, &wanted)).await?;
    let shown = path.as_str().trim_start_matches('/');
    if !found.in_use.is_empty() {
        let what = format!(
            "{shown} says there what is still needed by {}: nothing was erased",
            found.in_use.join(", ")
        );
        let help = "wait until it ends, or cancel it; what a document says now is written anew or \
                    taken away first";
        return Err(Refusal::new(Code::WRONG_STATE, what).help(help).into());
    }
    if !found.also.is_empty() && !everywhere && !planted::erases_for_others() {
        let what = format!(
            "the same text stands in {}: nothing was erased",
            found.also.join(", ")
        );
        let help = "one content is kept for all that say the same: --everywhere (`everywhere` in \
                    the API) erases it for them, too";
        return Err(Refusal::new(Code::WRONG_STATE, what).help(help).into());
    }
    let readers = found.readers;
    let mut bodies = found.bodies;
    bodies.extend_from_slice(&readers.recorded);
    let contents = bodies.len();
    let seq = if contents == 0 {
        call.reader()?.seq()?
    } else {
        let is_read = found.versions.is_empty(); // it is erased already but for who read it
        let command = command::Document::Erase {
            path: path.clone(),
            versions: if is_read {
                found.of
            } else {
                found.versions.clone()
            },
            runs: readers.runs.iter().copied().collect(),
            bodies,
        };
        call.ask("", command, Vec::new()).await?.0
    };
    let told: Vec<&String> = readers.told.iter().take(TOLD_SHOWN_MAX).collect();
    let stands: Vec<&String> = readers.stands.iter().take(TOLD_SHOWN_MAX).collect();
    ok(&json!({
        "path": path,
        "erased": found.versions,
        "contents": contents,
        "recordings": readers.runs.len(),
        "told": told,
        "told_more": readers.told.len() - told.len(),
        "stands": stands,
        "stands_more": readers.stands.len() - stands.len(),
        "also": found.also,
        "left": found.left,
        "seq": seq,
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Forget {
    /// The texts.
    says: Vec<String>,
}

/// Destroys what says something that an agent is to forget: earlier versions of its workspace, and
/// what stands of it in the recordings of its runs that ended.
pub(crate) async fn agent(call: Call) -> Answered {
    let asked: Forget = call.json()?;
    if asked.says.is_empty() || asked.says.len() > SAYS_MAX {
        let what = format!("`says` has between 1 and {SAYS_MAX} texts");
        return Err(Fault::new(Code::BAD_REQUEST, what));
    }
    let reader = call.reader()?;
    let (name, agent) = agents::known(&call, &reader)?;
    let mind = agent.spec.mind.as_ref();
    let folder = mind
        .and_then(|mind| mind.workspace.clone())
        .ok_or_else(|| {
            let what = format!("{name} has no workspace: there is nothing that it remembers");
            Fault::new(Code::NOT_FOUND, what)
        })?;
    let (of, within, says) = (name.clone(), folder.clone(), asked.says);
    let found = looked(move || reader.saying(&of, &within, &says)).await?;
    let Saying {
        mut documents,
        runs,
        recorded,
        kept,
        left,
    } = found;
    // What recordings say goes with what the agent learned.
    let learned = DocPath::new(&format!("{folder}/{FACTS}"));
    let learned = learned.map_err(|what| Fault::new(Code::BAD_NAME, what))?;
    if !recorded.is_empty() {
        documents.entry(learned.clone()).or_default();
    }
    let (mut versions, mut contents, mut seq) = (0, 0, call.reader()?.seq()?);
    for (path, (numbers, mut bodies)) in documents {
        let mut among = Vec::new();
        if path == learned {
            bodies.extend(recorded.iter().copied());
            among = runs.iter().copied().collect();
        }
        versions += numbers.len();
        contents += bodies.len();
        let erase = command::Document::Erase {
            versions: numbers.into_iter().collect(),
            runs: among,
            bodies,
            path: path.clone(),
        };
        let part = path.to_string();
        seq = call.ask(&part, erase, Vec::new()).await?.0;
    }
    ok(&json!({
        "agent": name,
        "versions": versions,
        "runs": runs.len(),
        "contents": contents,
        "kept": kept,
        "left": left,
        "seq": seq,
    }))
}
