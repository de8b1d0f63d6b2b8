//! The tool `context_search`: an agent looks for what fits in the documents that it may read, and
//! in nobody else's. What it remembers itself is left to [`super::recall`], which knows that it
//! isn't news.

use naos_types::input::Answer;
use naos_types::picture::media_type;
use naos_types::spec::MindSpec;
use naos_types::think::from_outside;
use naos_types::{BodyRef, DocPath, RunId};
use serde::Deserialize;
use serde_json::Value;

use super::{Run, recall, talk, tools, workspace};
use crate::document::Document;
use crate::need::{Compute, DOCUMENTS_LISTED_MAX, Formula};
use crate::recall::{Found, Hit, Place, Recall, day, with_room};
use crate::turn::{Done, Stop, Turn};

pub(super) fn call(
    turn: &mut Turn<'_>,
    (id, run): (RunId, &Run),
    mind: &MindSpec,
    request: BodyRef,
    arguments: &Value,
) -> Done {
    let answer = match asked(arguments) {
        Err(why) => Answer::Invalid(why),
        Ok((query, hits_max, under)) => {
            let (there, is_cut) = readable(turn, run, mind, under.as_ref())?;
            if there.is_empty() && !is_cut {
                nothing_there(run, under.as_ref())
            } else {
                look(turn, (query, hits_max), there, is_cut)?
            }
        }
    };
    tools::said(turn, id, run, request, answer)
}

/// What is looked for, the most hits, and beneath which folder.
fn asked(arguments: &Value) -> Result<(String, usize, Option<DocPath>), String> {
    let (query, hits_max) = recall::asked(arguments)?;
    let under = arguments["under"]
        .as_str()
        .map(|under| under.trim_matches('/'));
    let under = under.filter(|under| !under.is_empty());
    Ok((query, hits_max, under.map(DocPath::new).transpose()?))
}

/// A document that it may read.
type There = (DocPath, Document);

/// All that it may read beneath a folder but its own memory, what was written last first, and
/// whether there is more than was listed.
fn readable(
    turn: &Turn<'_>,
    run: &Run,
    mind: &MindSpec,
    under: Option<&DocPath>,
) -> Done<(Vec<There>, bool)> {
    let (listed, is_cut) = turn.documents(&prefixes(run, mind, under))?;
    let mut there: Vec<There> = Vec::new();
    for (path, document) in listed {
        let is_wanted = is_under(&path, under) && !workspace::is_memory(mind, &path);
        let may = || tools::may_read(turn, run, mind, &path);
        if is_wanted && (crate::planted::is("searches-of-others") || may()?) {
            there.push((path, document));
        }
    }
    for path in talk::attached(turn, run)? {
        let is_new = !there.iter().any(|(known, _)| *known == path);
        if is_new
            && is_under(&path, under)
            && let Some(document) = turn.document(&path)?
        {
            there.push((path, document.clone()));
        }
    }
    there.sort_by(|(a, one), (b, other)| (other.at, a).cmp(&(one.at, b)));
    Ok((there, is_cut))
}

/// Where documents that it may read can stand: what its grants begin with, none within another.
fn prefixes(run: &Run, mind: &MindSpec, under: Option<&DocPath>) -> Vec<String> {
    let granted = run.grant.grants.context_read.iter().map(|pattern| {
        let literal = pattern.split('*').next().unwrap_or_default();
        format!("/{literal}")
    });
    let own = mind.workspace.iter().map(|folder| format!("{folder}/"));
    let mut all: Vec<String> = granted
        .chain(own)
        .filter_map(|prefix| match under {
            Some(under) if under.as_str().starts_with(&prefix) => Some(under.to_string()),
            Some(under) => prefix.starts_with(under.as_str()).then_some(prefix),
            None => Some(prefix),
        })
        .collect();
    all.sort();
    all.dedup_by(|next, before| next.starts_with(before.as_str()));
    all
}

fn is_under(path: &DocPath, under: Option<&DocPath>) -> bool {
    let Some(under) = under else { return true };
    let rest = path.as_str().strip_prefix(under.as_str());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Why there is nothing to look through.
fn nothing_there(run: &Run, under: Option<&DocPath>) -> Answer {
    let (agent, granted) = (&run.agent, &run.grant.grants.context_read);
    if granted.is_empty() {
        return Answer::Denied(format!(
            "{agent} may read no documents but its own: add them to \
             agents.{agent}.grants.context_read"
        ));
    }
    let beneath = under.map_or_else(String::new, |under| {
        format!(" beneath {}", tools::plain(under))
    });
    let granted = granted.join(", ");
    Answer::Text(format!(
        "There are no documents that you may read{beneath}: you may read {granted}."
    ))
}

/// Looks through as many of the documents as there is room for.
fn look(
    turn: &Turn<'_>,
    (query, hits_max): (String, usize),
    there: Vec<There>,
    is_cut: bool,
) -> Done<Answer> {
    let (there, left_out) = with_room(there, |(_, document)| document.body.len);
    turn.read_all(there.iter().map(|(_, document)| document.body))?;
    let mut texts: Vec<There> = Vec::with_capacity(there.len());
    for (path, document) in there {
        let bytes = turn.body(document.body)?;
        if bytes.is_some_and(|bytes| media_type(bytes).is_none()) {
            texts.push((path, document));
        }
    }
    let places = texts.iter().map(|(path, document)| Place {
        path: tools::plain(path).to_owned(),
        day: day(document.at),
        body: document.body,
    });
    let asked = Recall {
        query,
        hits_max,
        places: places.collect(),
    };
    let (formula, vars) = (Formula::Recall(asked), Vec::new());
    Ok(match turn.value(Compute { formula, vars })? {
        Ok(value) => {
            let found =
                Found::deserialize(&*value).map_err(|error| Stop::broken(error.to_string()))?;
            Answer::Text(told(&found, &texts, left_out, is_cut))
        }
        Err(why) => Answer::Failed(why),
    })
}

/// What a model is told of it.
fn told(found: &Found, texts: &[There], left_out: usize, is_cut: bool) -> String {
    let mut out = if found.hits.is_empty() {
        let (passages, documents) = (found.passages, texts.len());
        format!("Nothing fits: {passages} passages of {documents} documents were looked through.")
    } else {
        let version = |hit: &Hit| {
            let mut texts = texts.iter();
            let of = texts.find(|(path, _)| tools::plain(path) == hit.document);
            of.map_or(0, |(_, document)| document.version)
        };
        let lines = found
            .hits
            .iter()
            .map(|hit| hit.told(version(hit)).to_string());
        let lines: Vec<String> = lines.collect();
        format!(
            "{} of {} that fit, the best first; `context_read` shows the whole document. {}\n{}",
            lines.len(),
            found.fit,
            tools::MATERIAL,
            from_outside(&lines.join("\n"))
        )
    };
    if let Some(said) = found.without_meaning() {
        out.push_str(&format!("\n{said}"));
    }
    if left_out > 0 {
        out.push_str(&format!(
            "\n{left_out} documents weren't looked through, the longest and those written longest \
             ago: there was no room for them. Name a folder with `under`."
        ));
    }
    if is_cut {
        out.push_str(&format!(
            "\nOnly the first {DOCUMENTS_LISTED_MAX} documents were looked at: name a folder with \
             `under`."
        ));
    }
    out
}
