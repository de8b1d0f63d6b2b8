//! What a commit means for the cells: the same for a node's commit thread and for the simulator.

use std::collections::BTreeMap;

use naos_store::{Append, CommitError, Store};
use naos_types::{Code, Refusal, TenantId};

use super::Incoming;

/// Commits groups of appends and says what each cell is to be told.
///
/// When an append fails, those that its cell sent after it rely on what never happened. Most of
/// them no longer fit the journal, but one that only remembers answers would: so everything of the
/// same epoch is turned away until the cell has started again, with a larger one.
#[derive(Debug, Default)]
pub struct Commits {
    void: BTreeMap<TenantId, u64>,
    /// Why the store took nothing the last time that it was asked; none if it did.
    pub refusing: Option<Refusal>,
}

/// The sync failed: what is on disk is unknown, and the process must end.
#[derive(Debug, thiserror::Error)]
#[error("could not sync the journal: what is on disk is unknown")]
pub struct SyncFailed(#[source] pub CommitError);

impl Commits {
    /// Makes `appends` durable with one sync; what to tell for each, in their order.
    ///
    /// # Errors
    /// [`SyncFailed`]: tell nobody anything any more.
    pub fn commit(
        &mut self,
        store: &dyn Store,
        appends: Vec<Append>,
    ) -> Result<Vec<Incoming>, SyncFailed> {
        let mut told: Vec<Option<Incoming>> = Vec::with_capacity(appends.len());
        let mut sound = Vec::with_capacity(appends.len());
        for append in appends {
            if self
                .void
                .get(&append.tenant)
                .is_some_and(|epoch| append.epoch <= *epoch)
            {
                let why = Refusal::new(Code::BUSY, "an append before this one failed");
                told.push(Some(dropped(&append, why)));
            } else {
                told.push(None);
                sound.push(append);
            }
        }
        let mut news = self.write(store, &sound)?.into_iter();
        Ok(told
            .into_iter()
            .filter_map(|told| told.or_else(|| news.next()))
            .collect())
    }

    fn write(
        &mut self,
        store: &dyn Store,
        appends: &[Append],
    ) -> Result<Vec<Incoming>, SyncFailed> {
        if appends.is_empty() {
            return Ok(Vec::new());
        }
        let results = match store.commit(appends) {
            Ok(results) => {
                self.refusing = None;
                results
            }
            Err(error @ CommitError::SyncFailed(_)) => return Err(SyncFailed(error)),
            Err(error) => {
                let why = crate::refusals::writing(&error);
                tracing::error!(
                    why = why.what,
                    "could not write the journal; nothing is acknowledged"
                );
                self.refusing = Some(why.clone());
                let fail = |append| self.fail(append, why.clone());
                return Ok(appends.iter().map(fail).collect());
            }
        };
        let tell = |(append, result): (&Append, Result<_, naos_store::Stale>)| match result {
            Ok(seq) => Incoming::Durable {
                tenant: append.tenant,
                seq,
            },
            Err(stale) => self.fail(append, Refusal::new(Code::BUSY, stale.to_string())),
        };
        Ok(appends.iter().zip(results).map(tell).collect())
    }

    fn fail(&mut self, append: &Append, why: Refusal) -> Incoming {
        self.void.insert(append.tenant, append.epoch);
        dropped(append, why)
    }
}

fn dropped(append: &Append, why: Refusal) -> Incoming {
    Incoming::Dropped {
        tenant: append.tenant,
        batch: append.batch,
        why,
    }
}
