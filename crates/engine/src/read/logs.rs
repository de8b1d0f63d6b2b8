//! What a run logged.

use naos_kernel::run::Log;
use naos_types::fact::{Fact, run};
use naos_types::{Code, LogLine, LogPage, Refusal, RunId, Seq};

use super::{AuditFilter, Reader};

/// Some lines of a run's log.
#[derive(Clone, Debug, Default)]
pub struct LogView {
    /// Each with its number in the run, counted from 1.
    pub lines: Vec<(u32, LogLine)>,
    /// How many lines the log holds.
    pub total: u32,
    /// How many were left out, because there was no room for them.
    pub left_out: u32,
}

impl Reader {
    /// Up to `limit` lines behind the one with the number `after`, oldest first.
    ///
    /// # Errors
    /// A refusal if a page can't be read.
    pub fn log(&self, run: RunId, after: u32, limit: usize) -> Result<LogView, Refusal> {
        let Some(log) = self.find::<Log>(&run)? else {
            return Ok(LogView::default());
        };
        let mut lines = Vec::new();
        let mut number = 0;
        for page in &log.pages {
            if lines.len() == limit {
                break;
            }
            let end = number + page.lines;
            if end <= after {
                number = end;
                continue;
            }
            let bytes = self.node.body(self.tenant, &page.body)?;
            let unreadable = || Refusal::new(Code::DAMAGED, "a page of a run's log can't be read");
            for line in LogPage::decode(&bytes).ok_or_else(unreadable)?.lines {
                number += 1;
                if number > after && lines.len() < limit {
                    lines.push((number, line));
                }
            }
        }
        Ok(LogView {
            lines,
            total: log.lines,
            left_out: log.left_out,
        })
    }

    /// The lines that the fact with this seq tells of.
    ///
    /// # Errors
    /// As [`Self::log`], and where that fact doesn't tell of lines of this run.
    pub fn log_of(&self, run: RunId, seq: Seq) -> Result<LogView, Refusal> {
        let (rows, _) = self.audit_after(seq.saturating_sub(1), 1, 1, &AuditFilter::default())?;
        match rows
            .into_iter()
            .find_map(|row| row.fact.filter(|_| row.seq == seq))
        {
            Some(Fact::Run(run::Fact::Logged(f))) if f.run == run => {
                self.log(run, f.first.saturating_sub(1), f.lines as usize)
            }
            _ => {
                let what = format!("entry {seq} tells of no lines of {run}");
                Err(Refusal::new(Code::NOT_FOUND, what))
            }
        }
    }

    /// The last `count` lines, oldest first.
    ///
    /// # Errors
    /// As [`Self::log`].
    pub fn log_last(&self, run: RunId, count: usize) -> Result<LogView, Refusal> {
        let total = self.find::<Log>(&run)?.map_or(0, |log| log.lines);
        let before = u32::try_from(count).unwrap_or(u32::MAX);
        self.log(run, total.saturating_sub(before), count)
    }
}
