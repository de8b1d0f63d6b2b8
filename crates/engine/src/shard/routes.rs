//! Rankings that a cell remembers: beside its state, not in it. The rules decide the same with
//! and without, so nothing of it is journaled, and a cell that is opened again begins anew.

use std::collections::BTreeMap;
use std::sync::Arc;

use naos_kernel::route::{RankKey, Ranked};
use naos_types::Digest;

/// The most rankings that a cell remembers; each holds at most
/// [`naos_kernel::route::CONSIDERED_MAX`] candidates.
pub const ROUTES_MAX: usize = 128;

#[derive(Debug, Default)]
pub(super) struct Routes {
    /// When each was used last, and what it says.
    kept: BTreeMap<Digest, (u64, Arc<[Ranked]>)>,
    /// The catalog that they are about.
    catalog: Option<Digest>,
    uses: u64,
    pub(super) report: RoutesReport,
}

/// What remembering rankings was good for, since the cell was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoutesReport {
    /// How often one was remembered.
    pub hits: u64,
    /// How often one had to be worked out.
    pub misses: u64,
    /// How many are remembered.
    pub kept: usize,
}

impl Routes {
    pub(super) fn get(&mut self, key: &RankKey) -> Option<Arc<[Ranked]>> {
        let known = match self.kept.get_mut(&key.text) {
            Some((used, ranked)) if self.catalog == Some(key.catalog) => {
                self.uses += 1;
                *used = self.uses;
                Some(Arc::clone(ranked))
            }
            _ => None,
        };
        match known {
            Some(_) => self.report.hits += 1,
            None => self.report.misses += 1,
        }
        known
    }

    /// Remembers a ranking; those of another catalog are of no more use, nor is the one that
    /// nobody asked for the longest.
    pub(super) fn learn(&mut self, key: RankKey, ranked: Arc<[Ranked]>) {
        if self.catalog != Some(key.catalog) {
            self.kept.clear();
            self.catalog = Some(key.catalog);
        }
        if self.kept.len() >= ROUTES_MAX && !self.kept.contains_key(&key.text) {
            let oldest = self.kept.iter().min_by_key(|(_, (used, _))| *used);
            if let Some(text) = oldest.map(|(text, _)| *text) {
                self.kept.remove(&text);
            }
        }
        self.uses += 1;
        self.kept.insert(key.text, (self.uses, ranked));
        self.report.kept = self.kept.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: u8, catalog: u8) -> RankKey {
        RankKey {
            text: Digest([text; 32]),
            catalog: Digest([catalog; 32]),
        }
    }

    #[test]
    fn the_least_used_goes_first() {
        let mut routes = Routes::default();
        for text in 0..128 {
            routes.learn(key(text, 1), Arc::from([]));
        }
        assert!(routes.get(&key(0, 1)).is_some());
        routes.learn(key(200, 1), Arc::from([]));
        assert!(routes.get(&key(0, 1)).is_some(), "it was used since");
        assert!(routes.get(&key(1, 1)).is_none(), "it made room");
        assert!(routes.get(&key(200, 1)).is_some());
        let report = routes.report;
        assert_eq!(
            (report.hits, report.misses, report.kept),
            (3, 1, ROUTES_MAX)
        );
    }

    #[test]
    fn another_catalog_knows_nothing_of_the_one_before() {
        let mut routes = Routes::default();
        routes.learn(key(1, 1), Arc::from([]));
        assert!(routes.get(&key(1, 2)).is_none());
        routes.learn(key(2, 2), Arc::from([]));
        assert_eq!(routes.report.kept, 1);
        assert!(routes.get(&key(1, 1)).is_none());
    }
}
