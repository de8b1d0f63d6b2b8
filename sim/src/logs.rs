//! What runs logged: each line once, whatever crashed.

use std::collections::BTreeSet;

use naos_kernel::{AnyAggregate, Key, run};
use naos_types::input::{Link, Piece};
use naos_types::{LogPage, RunStatus, TenantId};

use crate::sim::Sim;

/// A line: written by which attempt, in which call.
type Place = (u32, u32);

impl Sim {
    /// No line is there twice, and who completed lacks none: guests log in every recorded call.
    pub(crate) fn check_logs(&mut self, tenant: TenantId) {
        let Some(walk) = self.walks.get(&tenant) else {
            return;
        };
        let wrong = walk.state.all().into_iter().find_map(|(key, run)| {
            let (Key::Run(id), AnyAggregate::Run(run)) = (key, run) else {
                return None;
            };
            let log = match walk.state.get(&Key::Log(id)) {
                Some(AnyAggregate::Log(log)) => log,
                _ => std::sync::Arc::default(),
            };
            let why = self.logged_once(tenant, &run, &log).err()?;
            Some(format!("{id}: {why}"))
        });
        if let Some(wrong) = wrong {
            self.violated("a line is logged once", wrong);
        }
    }

    fn logged_once(&self, tenant: TenantId, run: &run::Run, log: &run::Log) -> Result<(), String> {
        let mut lines: BTreeSet<Place> = BTreeSet::new();
        for page in &log.pages {
            let bytes = self.content(tenant, &page.body)?;
            let page = LogPage::decode(&bytes).ok_or("a page can't be read")?;
            for line in page.lines {
                if !lines.insert((line.attempt, line.call)) {
                    return Err(format!("attempt {} call {} twice", line.attempt, line.call));
                }
            }
        }
        if lines.len() != log.lines as usize {
            return Err(format!("{} lines, {} counted", lines.len(), log.lines));
        }
        if run.status != RunStatus::Completed {
            return Ok(());
        }
        let last = lines.iter().filter(|(attempt, _)| *attempt == run.attempt);
        let said: BTreeSet<u32> = last.map(|(_, call)| *call).collect();
        let recorded = self.recorded_calls(tenant, run)?;
        if said != recorded {
            return Err(format!("logged in {said:?}, recorded {recorded:?}"));
        }
        Ok(())
    }

    /// The calls that a recording answers by itself.
    fn recorded_calls(&self, tenant: TenantId, run: &run::Run) -> Result<BTreeSet<u32>, String> {
        let mut calls = BTreeSet::new();
        let mut at = run.tail;
        while let Some(name) = at {
            let bytes = self.content(tenant, &name)?;
            let link: Link = postcard::from_bytes(&bytes).map_err(|e| e.to_string())?;
            at = link.before;
            if let Piece::Segment(bytes) = link.piece {
                let segment: Vec<(u32, u64)> =
                    postcard::from_bytes(&bytes).map_err(|e| e.to_string())?;
                calls.extend(segment.iter().map(|(call, _)| *call));
            }
        }
        Ok(calls)
    }
}
