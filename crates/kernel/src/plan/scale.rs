//! A pool that scales by itself: its size follows the work of its open batches in steps, and stands
//! a while before it changes again. Each step is a fact, so that a crash changes none of it.

use naos_types::fact::resource;
use naos_types::spec::{Kind, PoolSpec, Spec};
use naos_types::{Name, PlanId, Time};
use serde::{Deserialize, Serialize};

use super::Plan;
use crate::state::ResourceKey;
use crate::table::Aggregate;
use crate::turn::{Done, Turn};

/// How large a pool is that scales by itself, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scale {
    /// How many tasks of a batch are open at once.
    pub size: u32,
    /// Since when.
    pub since: Time,
    /// How many tasks there were then, at work and waiting.
    pub tasks: u32,
    /// Of how many batches.
    pub batches: u32,
    /// What it was before.
    pub before: u32,
    /// When it is looked at again.
    pub again: Option<Time>,
}

impl Aggregate for Scale {
    const KIND: &'static str = "scale";
    const VERSION: u8 = 1;
    fn is_open(&self) -> bool {
        self.again.is_some()
    }
    fn due(&self) -> Option<Time> {
        self.again
    }
}

fn spec<'t>(turn: &'t Turn<'_>, pool: &Name) -> Done<Option<&'t PoolSpec>> {
    let found = turn.resource(&ResourceKey(Kind::Pool, pool.clone()))?;
    Ok(found.and_then(|found| match &found.spec {
        Spec::Pool(spec) => Some(spec),
        _ => None,
    }))
}

/// The open batches of a pool, and how many tasks of them are left, at work and waiting; none as
/// long as one of them isn't read yet.
fn work(turn: &Turn<'_>, pool: &Name) -> (Vec<PlanId>, Option<u32>) {
    let is_batch = |plan: &Plan| !plan.is_closed() && plan.flow.pool.is_some();
    let all = turn.tables.plan.iter();
    let open = all.filter(|(_, plan)| is_batch(plan) && plan.name == *pool);
    let (mut batches, mut tasks) = (Vec::new(), Some(0_u32));
    for (id, plan) in open {
        batches.push(*id);
        for step in plan.steps.values().filter(|step| !step.status.is_closed()) {
            let left = step.fan.as_ref();
            let left = left.map(|fan| fan.count.saturating_sub(fan.done + fan.failed));
            tasks = tasks.zip(left).map(|(all, left)| all.saturating_add(left));
        }
    }
    (batches, tasks)
}

/// How many tasks of a batch of it may be open at once; none where its size doesn't follow the
/// work in steps.
pub(super) fn limit(turn: &Turn<'_>, plan: &Plan) -> Done<Option<usize>> {
    if plan.flow.pool.is_none() {
        return Ok(None);
    }
    let Some(spec) = spec(turn, &plan.name)? else {
        return Ok(None); // it was taken away: what is open ends as it began
    };
    let Some((_, least, most)) = spec.scales() else {
        return Ok(None);
    };
    let size = spec.size;
    let size = turn.scale(&plan.name)?.map_or(size, |found| found.size);
    Ok(Some(size.clamp(least, most) as usize))
}

/// Looks at how much work there is for each worker, and takes the next size where that is too much
/// or too little and this one stood long enough.
pub(crate) fn look(turn: &mut Turn<'_>, pool: &Name) -> Done {
    let Some(spec) = spec(turn, pool)? else {
        return Ok(());
    };
    let Some((scaling, least, most)) = spec.scales() else {
        return Ok(());
    };
    let own = spec.size;
    let found = turn.scale(pool)?.cloned();
    let size = found.as_ref().map_or(own, |found| found.size);
    let size = size.clamp(least, most);
    let stands = found.as_ref().map(|found| found.since + scaling.cooldown);
    let rests = stands.is_some_and(|until| turn.now < until);
    if rests && !crate::planted::is("pool-scales-without-rest") {
        return Ok(());
    }
    let (batches, tasks) = work(turn, pool);
    let rang = found
        .as_ref()
        .is_some_and(|found| found.again.is_some_and(|at| at <= turn.now));
    let Some(tasks) = tasks else {
        if rang {
            // It is looked at when that batch is read.
            return stays(turn, pool, size, &batches);
        }
        return Ok(());
    };
    let count = u32::try_from(batches.len()).unwrap_or(u32::MAX);
    let workers = u64::from(size) * u64::from(count.max(1));
    let load = u64::from(tasks) * 100;
    let wanted = if load > u64::from(scaling.up) * workers {
        size.saturating_mul(2).min(most)
    } else if load < u64::from(scaling.down) * workers {
        (size / 2).max(least)
    } else {
        size
    };
    if wanted == size && !rang {
        return Ok(());
    }
    let changes = wanted != size;
    turn.emit(resource::PoolScaled {
        pool: pool.clone(),
        size: wanted,
        tasks,
        batches: count,
        again: changes.then_some(turn.now + scaling.cooldown),
    })?;
    if wanted > size {
        for batch in batches {
            turn.advance(batch);
        }
    }
    Ok(())
}

/// It was time to look, and nothing can be said yet.
fn stays(turn: &mut Turn<'_>, pool: &Name, size: u32, batches: &[PlanId]) -> Done {
    turn.emit(resource::PoolScaled {
        pool: pool.clone(),
        size,
        tasks: 0,
        batches: u32::try_from(batches.len()).unwrap_or(u32::MAX),
        again: None,
    })
}

pub(crate) fn fold(turn: &mut Turn<'_>, fact: &resource::Fact) -> Done {
    let now = turn.now;
    match fact {
        resource::Fact::PoolScaled(f) => {
            let before = match turn.scale(&f.pool)? {
                Some(found) => found.clone(),
                None => {
                    let size = spec(turn, &f.pool)?.map_or(f.size, |spec| spec.size);
                    Scale {
                        size,
                        since: now,
                        tasks: f.tasks,
                        batches: f.batches,
                        before: size,
                        again: None,
                    }
                }
            };
            let scale = if before.size == f.size {
                Scale {
                    again: f.again,
                    ..before
                }
            } else {
                Scale {
                    size: f.size,
                    since: now,
                    tasks: f.tasks,
                    batches: f.batches,
                    before: before.size,
                    again: f.again,
                }
            };
            turn.put_scale(f.pool.clone(), Some(scale));
        }
        // What a person or a document says of a pool begins anew.
        resource::Fact::Applied(f) if f.kind == Kind::Pool => forget(turn, &f.name)?,
        resource::Fact::Deleted(f) if f.kind == Kind::Pool => forget(turn, &f.name)?,
        _ => {}
    }
    Ok(())
}

fn forget(turn: &mut Turn<'_>, pool: &Name) -> Done {
    if turn.scale(pool)?.is_some() {
        turn.put_scale(pool.clone(), None);
    }
    Ok(())
}
