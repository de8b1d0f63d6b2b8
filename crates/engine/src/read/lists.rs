//! Lists and sums of one tenant: from its views, which know ids, and from records while views are
//! being made. What a row says is always its record's.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use naos_kernel::plan::Plan;
use naos_kernel::run::Run;
use naos_kernel::task::Task;
use naos_store::{ModelSpent, PlanFilter, ReadError, RunFilter, Spent, Viewed, Views};
use naos_types::{Code, PlanId, Refusal, RunId, Seq, TaskId, TaskStatus, Time};

use super::{Found, Kept, LIST_SCAN_MAX, Listed, PAGE, Reader, Spending};

/// How long a list waits for what was written before.
pub const VIEWS_WAIT_MAX: Duration = Duration::from_secs(1);

/// The tasks of one status: how many, and the newest.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// All of them.
    pub count: u64,
    /// The newest.
    pub newest: Vec<Found<Task>>,
}

/// Lists and sums; everything else that a [`Reader`] reads too.
#[derive(Clone)]
pub struct Lists {
    reader: Reader,
    views: Option<Arc<Views>>,
}

impl Deref for Lists {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.reader
    }
}

impl Reader {
    /// Lists that hold all that is durable by now: at least `seq`.
    ///
    /// # Errors
    /// A refusal if the views don't have `seq` after [`VIEWS_WAIT_MAX`].
    pub async fn lists(&self, seq: Seq) -> Result<Lists, Refusal> {
        let head = self.seq()?;
        let viewed = self.brought_up(head).await?;
        let views = self.store.views().filter(|_| !viewed.away);
        if views.is_some() && viewed.seq < seq.min(head) {
            return Err(late());
        }
        // Rows are shown from records: these must know what the views know.
        let settled = self.node.settled(self.tenant, viewed.seq.max(seq));
        match tokio::time::timeout(VIEWS_WAIT_MAX, settled).await {
            Ok(settled) => settled?,
            Err(_) if seq > 0 => return Err(late()),
            Err(_) => {}
        }
        let reader = self.clone();
        Ok(Lists { reader, views })
    }

    async fn brought_up(&self, head: Seq) -> Result<Viewed, Refusal> {
        let viewed = self.store.viewed();
        let there = viewed.seq >= head && !viewed.away && self.store.views().is_some();
        if there || super::planted::list_without_wait() {
            return Ok(viewed);
        }
        let store = Arc::clone(&self.store);
        let waited =
            tokio::task::spawn_blocking(move || store.await_views(head, VIEWS_WAIT_MAX)).await;
        waited.map_err(|_| Refusal::new(Code::STOPPING, "naos is stopping"))
    }
}

fn late() -> Refusal {
    Refusal::new(Code::BUSY, "lists lag behind by over a second")
}

impl Lists {
    /// The same from records alone: slower, and they look at the newest [`LIST_SCAN_MAX`] only.
    #[must_use]
    pub fn from_records(reader: &Reader) -> Self {
        let reader = reader.clone();
        Self {
            reader,
            views: None,
        }
    }

    /// Whether the views answer.
    #[must_use]
    pub const fn has_views(&self) -> bool {
        self.views.is_some()
    }

    /// Asks the views; none if they are away, or turn out to be unsound.
    fn viewed<T>(&self, ask: impl FnOnce(&Views) -> Result<T, ReadError>) -> Option<T> {
        let answer = ask(self.views.as_ref()?);
        answer
            .inspect_err(|error| tracing::warn!(%error, "a list comes from records"))
            .ok()
    }

    /// Runs that fit, newest first; `before` excludes itself.
    ///
    /// # Errors
    /// A refusal if a record is damaged.
    pub fn runs(
        &self,
        filter: &RunFilter<'_>,
        before: Option<RunId>,
        limit: usize,
    ) -> Result<Listed<Run>, Refusal> {
        let fits = |run: &Run| {
            filter.status.is_none_or(|status| run.status == status)
                && filter.agent.is_none_or(|agent| run.agent.as_str() == agent)
        };
        self.list(before, limit, fits, |views, at, limit| {
            views.runs(filter, at, limit)
        })
    }

    /// Tasks that fit, newest first; `before` excludes itself.
    ///
    /// # Errors
    /// A refusal if a record is damaged.
    pub fn tasks(
        &self,
        status: Option<TaskStatus>,
        before: Option<TaskId>,
        limit: usize,
    ) -> Result<Listed<Task>, Refusal> {
        let fits = |task: &Task| {
            task.stands_on_the_board() && status.is_none_or(|status| task.status == status)
        };
        self.list(before, limit, fits, |views, at, limit| {
            views.tasks(status, at, limit)
        })
    }

    /// Runs of plans that fit, newest first; `before` excludes itself.
    ///
    /// # Errors
    /// A refusal if a record is damaged.
    pub fn plans(
        &self,
        filter: &PlanFilter<'_>,
        before: Option<PlanId>,
        limit: usize,
    ) -> Result<Listed<Plan>, Refusal> {
        let fits = |plan: &Plan| {
            filter.status.is_none_or(|status| plan.status() == status)
                && filter.name.is_none_or(|name| plan.name.as_str() == name)
                && filter.kind.is_none_or(|kind| plan.flow.of == kind)
        };
        self.list(before, limit, fits, |views, at, limit| {
            views.plans(filter, at, limit)
        })
    }

    fn list<T: Kept>(
        &self,
        before: Option<T::Id>,
        limit: usize,
        fits: impl Fn(&T) -> bool,
        page: impl Fn(&Views, Option<T::Id>, usize) -> Result<Vec<T::Id>, ReadError>,
    ) -> Result<Listed<T>, Refusal> {
        let mut items: Vec<Found<T>> = Vec::new();
        let (mut at, mut seen) = (before.clone(), 0);
        loop {
            let wanted = (limit + 1 - items.len()).min(PAGE);
            let Some(ids) = self.viewed(|views| page(views, at.clone(), wanted)) else {
                return self.newest::<T>(before.as_ref(), limit, |_, value| fits(value));
            };
            let done = ids.len() < wanted;
            seen += ids.len();
            at = ids.last().cloned().or(at);
            for id in ids {
                // A record may be ahead of the view, never behind.
                let Some(value) = self.find::<T>(&id)?.filter(|value| fits(value)) else {
                    continue;
                };
                if items.len() == limit {
                    let next = items.last().map(|(id, _)| id.clone());
                    return Ok(Listed { items, next });
                }
                items.push((id, value));
            }
            if done {
                return Ok(Listed { items, next: None });
            }
            if seen >= LIST_SCAN_MAX {
                return Ok(Listed { items, next: at });
            }
        }
    }

    /// How many tasks stand where.
    ///
    /// # Errors
    /// A refusal if a record is damaged.
    pub fn task_counts(&self) -> Result<BTreeMap<TaskStatus, u64>, Refusal> {
        if let Some(counts) = self.viewed(Views::task_counts) {
            return Ok(counts.into_iter().collect());
        }
        let by_status = self.tasks_by_status_from_records(0)?;
        Ok(by_status
            .into_iter()
            .map(|(status, standing)| (status, standing.count))
            .collect())
    }

    /// How many tasks stand where, and the newest of each, at most `limit`.
    ///
    /// # Errors
    /// A refusal if a record is damaged.
    pub fn tasks_by_status(&self, limit: usize) -> Result<BTreeMap<TaskStatus, Standing>, Refusal> {
        if self.views.is_none() {
            return self.tasks_by_status_from_records(limit);
        }
        let mut out = BTreeMap::new();
        for (status, count) in self.task_counts()? {
            let newest = self.tasks(Some(status), None, limit)?.items;
            out.insert(status, Standing { count, newest });
        }
        Ok(out)
    }

    fn tasks_by_status_from_records(
        &self,
        limit: usize,
    ) -> Result<BTreeMap<TaskStatus, Standing>, Refusal> {
        let mut out: BTreeMap<TaskStatus, Standing> = BTreeMap::new();
        let all = self.newest::<Task>(None, LIST_SCAN_MAX, |_, _| true)?;
        for (id, task) in all.items {
            if !task.stands_on_the_board() {
                continue;
            }
            let standing = out.entry(task.status).or_default();
            standing.count += 1;
            if standing.newest.len() < limit {
                standing.newest.push((id, task));
            }
        }
        Ok(out)
    }

    /// Sums over the runs that began on the UTC day of `since` or later.
    ///
    /// # Errors
    /// A refusal if a record is damaged.
    pub fn spending(&self, since: Time) -> Result<Spending, Refusal> {
        match self.viewed(|views| views.spent(Some(since))) {
            Some(rows) => Ok(summed(rows)),
            None => self.spending_from_records(since.day_start()),
        }
    }

    /// What each model did in the runs that began on the UTC day of `since` or later; none while
    /// the views are made again.
    #[must_use]
    pub fn models(&self, since: Time) -> Option<Vec<ModelSpent>> {
        self.viewed(|views| views.models(Some(since)))
    }

    /// Sums over all runs, without days.
    ///
    /// # Errors
    /// A refusal if a record is damaged.
    pub fn spending_ever(&self) -> Result<Spending, Refusal> {
        if let Some(rows) = self.viewed(|views| views.spent(None)) {
            return Ok(summed(rows));
        }
        let mut all = self.spending_from_records(Time(i64::MIN))?;
        all.days.clear();
        Ok(all)
    }
}

fn summed(rows: Vec<Spent>) -> Spending {
    let mut out = Spending::default();
    for row in rows {
        out.add(&row);
    }
    out
}
