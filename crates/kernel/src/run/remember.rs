//! The tool `remember`: what an agent learned is kept, once.

use naos_types::spec::MindSpec;
use naos_types::think::{FACTS, MEMORY_HEAD, memory_line};
use naos_types::{DocPath, RunId};
use serde_json::json;

use super::workspace::{Noted, add, below, said};
use super::{Run, recall};
use crate::turn::{Done, Turn};

/// Something that an agent learned.
pub(super) struct Learned<'a> {
    /// What.
    pub fact: &'a str,
    /// How sure it is, in hundredths.
    pub confidence: u8,
    /// Where it has it from.
    pub source: &'a str,
}

/// Keeps what an agent learned, unless it is known or was recalled, and adds it to `MEMORY.md`
/// where its manifest's rule says so.
pub(super) fn remember(
    turn: &mut Turn<'_>,
    run: (RunId, &Run),
    (mind, folder): (&MindSpec, &DocPath),
    learned: &Learned<'_>,
) -> Done<Noted> {
    let (fact, source) = match (said(learned.fact, "fact"), said(learned.source, "source")) {
        (Ok(fact), Ok(source)) => (fact, source),
        (Err(why), _) | (_, Err(why)) => return Ok(Err(why)),
    };
    let sure = learned.confidence.min(100);
    let promoted = mind.promote_at.is_some_and(|at| sure >= at);
    let kept = json!({
        "timestamp": turn.now.rfc3339(),
        "fact": fact,
        "confidence": f64::from(sure) / 100.0,
        "source": source,
        "run": run.0,
        "promoted": promoted,
    });
    if let Some(place) = recall::known(turn, folder, &fact)? {
        return Ok(Err(format!(
            "not kept: it is known already and stands in {place}; say what is new, or leave it"
        )));
    }
    if let Some(why) = recall::no_news(turn, run.0, [fact.as_str()])? {
        return Ok(Err(why));
    }
    let path = below(folder, FACTS)?;
    if let Err(bytes) = add(turn, run, &path, ("", &kept.to_string()))? {
        return Ok(Err(format!(
            "its memory would have {bytes} bytes: a person forgets some"
        )));
    }
    if !promoted {
        return Ok(Ok(
            "kept; a person decides whether it goes to MEMORY.md".to_owned()
        ));
    }
    let path = below(folder, "MEMORY.md")?;
    let line = memory_line(&fact, &source, &turn.now.rfc3339());
    Ok(match add(turn, run, &path, (MEMORY_HEAD, &line))? {
        Ok(()) => Ok("kept, and added to MEMORY.md".to_owned()),
        Err(bytes) => Err(format!("MEMORY.md would have {bytes} bytes")),
    })
}
