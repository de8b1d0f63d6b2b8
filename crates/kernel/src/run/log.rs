//! What a run logged: kept with it, in the commits that speak for it anyway.

use naos_types::fact::run;
use naos_types::{BodyRef, Name, NewLog, RunId};
use serde::{Deserialize, Serialize};

use crate::table::Aggregate;
use crate::turn::{Done, Turn};
use crate::{RUN_LOG_BYTES_MAX, RUN_LOG_LINES_MAX, RUN_LOG_PAGES_MAX};

/// The log of one run: which pages hold its lines, and what was left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Log {
    /// In order.
    pub pages: Vec<Page>,
    /// How many lines they hold.
    pub lines: u32,
    /// How many bytes of text.
    pub bytes: u32,
    /// How many lines were left out.
    pub left_out: u32,
}

/// One page of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Where the lines are.
    pub body: BodyRef,
    /// How many there are.
    pub lines: u32,
}

impl Aggregate for Log {
    const KIND: &'static str = "run_log";
    const VERSION: u8 = 1;
}

impl Log {
    fn has_room_for(&self, more: &NewLog) -> bool {
        self.pages.len() < RUN_LOG_PAGES_MAX as usize
            && self.lines.saturating_add(more.lines) <= RUN_LOG_LINES_MAX
            && self.bytes.saturating_add(more.bytes) <= RUN_LOG_BYTES_MAX
    }
}

/// Keeps what a guest logged since the last commit that spoke for it.
pub(super) fn keep(turn: &mut Turn<'_>, id: RunId, agent: &Name, log: Option<&NewLog>) -> Done {
    let Some(log) = log else {
        return Ok(());
    };
    let kept = turn.log(&id)?.cloned().unwrap_or_default();
    let again = log
        .page
        .is_some_and(|page| kept.pages.iter().any(|kept| kept.body == page));
    if again && !crate::planted::is("log-told-twice") {
        return Ok(()); // the end of an attempt may be told twice
    }
    let mut fact = run::Logged {
        run: id,
        agent: agent.clone(),
        page: log.page,
        first: kept.lines + 1,
        lines: log.lines,
        bytes: log.bytes,
        left_out: log.left_out,
    };
    if !kept.has_room_for(log) {
        // Whoever made the page counts too; a limit that only one keeps is none.
        fact.left_out = fact.left_out.saturating_add(fact.lines);
        (fact.page, fact.lines, fact.bytes) = (None, 0, 0);
    }
    if fact.page.is_none() && fact.left_out == 0 {
        return Ok(());
    }
    turn.emit(fact)
}

pub(super) fn fold(turn: &mut Turn<'_>, f: &run::Logged) -> Done {
    let mut log = turn.log(&f.run)?.cloned().unwrap_or_default();
    let lines = f.lines;
    log.pages.extend(f.page.map(|body| Page { body, lines }));
    log.lines = log.lines.saturating_add(f.lines);
    log.bytes = log.bytes.saturating_add(f.bytes);
    log.left_out = log.left_out.saturating_add(f.left_out);
    turn.put_log(f.run, Some(log));
    Ok(())
}
