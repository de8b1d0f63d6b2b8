//! What the views of one tenant lack of its journal.

use std::collections::VecDeque;
use std::sync::Arc;

use naos_types::{Seq, Time};

use super::row::{Content, Pending};
use crate::views::{UNWANTED_MAX, Viewed, wants};

/// The most that is kept in memory for the views of one tenant; beyond it they read the journal.
const KEPT_BYTES_MAX: usize = 4 * 1_024 * 1_024;
/// The most facts of one transaction.
const FOLD_FACTS_MAX: u64 = 4_096;
/// Views that lack more than this when they are opened are being made: nobody waits for them.
pub(crate) const MADE_FACTS_MIN: u64 = 10_000;
/// How often something that fails is tried at once.
const TRIES_MAX: u32 = 3;

#[derive(Default)]
pub(crate) struct Unviewed {
    /// Every row that a view wants and that lies behind this seq stands in `rows`.
    known: Option<Seq>,
    rows: VecDeque<Arc<Pending>>,
    bytes: usize,
    /// The journal's end.
    head: Seq,
    /// How far the views go; none while their file isn't open.
    folded: Option<Seq>,
    /// How far they go by their own account.
    saved: Seq,
    /// The time of the oldest row in `rows` that came in this process.
    since: Option<Time>,
    making: bool,
    /// They can't be written for now.
    broken: bool,
    tries: u32,
    /// Whether the cell waits in the viewer's queue.
    pub(crate) queued: bool,
}

/// What the viewer does next for a cell.
pub(crate) enum Lack {
    Nothing,
    /// Fold what the journal has after `after`, at most up to `upto`.
    Journal {
        after: Seq,
        upto: Seq,
    },
    /// Fold these rows, and go to `upto`.
    Rows {
        rows: Vec<Arc<Pending>>,
        after: Seq,
        upto: Seq,
    },
}

impl Unviewed {
    /// A row is durable. `before` is where the journal ended.
    pub(crate) fn add(&mut self, before: Seq, row: &Arc<Pending>, content: &Content<'_>) {
        self.known.get_or_insert(before);
        self.head = row.head.last;
        let mut facts = content.parts.iter().flat_map(|part| &part.facts);
        let Some(first) = facts.find(|fact| wants(fact.kind)) else {
            return;
        };
        self.since.get_or_insert(Time(first.at));
        self.bytes += row.plain.len();
        self.rows.push_back(Arc::clone(row));
        if self.bytes > KEPT_BYTES_MAX {
            self.forget();
        }
    }

    /// What came before this process isn't late: it is read from the journal when somebody asks.
    pub(crate) fn start_at(&mut self, head: Seq) {
        *self = Self {
            known: Some(head),
            head,
            ..Self::default()
        };
    }

    /// The rows are read from the journal instead.
    fn forget(&mut self) {
        self.rows.clear();
        (self.bytes, self.known) = (0, Some(self.head));
    }

    /// Whether there is something to write by now.
    pub(crate) fn has_work(&self) -> bool {
        !self.rows.is_empty()
            || self
                .folded
                .is_some_and(|seq| seq < self.known.unwrap_or(self.head))
            || (self.folded.is_some() && self.unsaved() > UNWANTED_MAX)
    }

    /// How far the views go.
    pub(crate) fn viewed(&self, head: Seq) -> Viewed {
        let seq = match self.folded {
            Some(seq) if self.rows.is_empty() && seq >= self.known.unwrap_or(head) => head,
            Some(seq) => seq,
            None => 0,
        };
        Viewed {
            seq,
            since: self.since.filter(|_| !self.making && !self.broken),
            away: self.making || self.broken,
        }
    }

    /// How many facts that a view may want it lacks.
    pub(crate) fn facts(&self) -> u64 {
        self.rows.iter().map(|row| row.facts()).sum()
    }

    pub(crate) fn next(&mut self) -> Lack {
        let (Some(folded), Some(known)) = (self.folded, self.known) else {
            return Lack::Nothing; // its file isn't open
        };
        if folded < known {
            self.making |= known - folded > MADE_FACTS_MIN;
            let upto = known.min(folded + FOLD_FACTS_MAX);
            let after = folded;
            return Lack::Journal { after, upto };
        }
        self.making = false;
        let (mut rows, mut facts, after) = (Vec::new(), 0, folded);
        for row in &self.rows {
            if facts > FOLD_FACTS_MAX {
                break;
            }
            facts += row.facts();
            rows.push(Arc::clone(row));
        }
        if rows.is_empty() && self.unsaved() <= UNWANTED_MAX {
            return Lack::Nothing;
        }
        let upto = match rows.last() {
            Some(last) if rows.len() < self.rows.len() => last.head.last,
            _ => self.head,
        };
        Lack::Rows { rows, after, upto }
    }

    fn unsaved(&self) -> u64 {
        self.head.saturating_sub(self.saved)
    }

    /// Where the cursor may go before the file is closed, if its own account is behind.
    pub(crate) fn to_save(&self, head: Seq) -> Option<Seq> {
        let seq = self.viewed(head).seq;
        (seq > self.saved).then_some(seq)
    }

    /// The file is open and goes so far; the journal ends at `head`.
    pub(crate) fn opened(&mut self, seq: Seq, head: Seq) {
        self.known.get_or_insert(head);
        self.head = self.head.max(head);
        (self.folded, self.saved) = (Some(seq), seq);
        self.broken = false;
    }

    /// The views go so far now.
    pub(crate) fn folded(&mut self, upto: Seq) {
        (self.folded, self.saved) = (Some(upto), upto);
        self.tries = 0;
        if self.known > Some(upto) {
            return;
        }
        self.known = Some(upto);
        while let Some(row) = self.rows.front()
            && row.head.last <= upto
        {
            self.bytes = self.bytes.saturating_sub(row.plain.len());
            self.rows.pop_front();
        }
        let first = self.rows.front().and_then(|row| {
            let content = row.content();
            let fact = content.parts.first()?.facts.first()?;
            Some(Time(fact.at))
        });
        self.since = first;
    }

    /// The file is closed, or gone: it is opened again when there is something to do.
    pub(crate) fn closed(&mut self) {
        self.folded = None;
    }

    /// Something failed. True if it is to be tried again at once; else the next row or reader has
    /// it tried again.
    pub(crate) fn failed(&mut self) -> bool {
        self.closed();
        self.tries += 1;
        if self.tries < TRIES_MAX {
            return true;
        }
        self.forget();
        (self.broken, self.making, self.since) = (true, false, None);
        false
    }
}
