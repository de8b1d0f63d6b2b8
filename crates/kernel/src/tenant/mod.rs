//! Tenants: in the cell of the system, where slugs are unique on the node; and whether a cell
//! goes on from a backup, or is quarantined.

mod quarantine;

use naos_types::command::{self, Reply};
use naos_types::fact::tenant::{self, Fact};
use naos_types::{Actor, Code, Name, RunId, Sealed, Seq, TenantId, Time};
use serde::{Deserialize, Serialize};

use crate::table::Aggregate;
use crate::turn::{Done, Stop, Turn};

pub use quarantine::{Quarantine, given_up};

/// A slug and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slug {
    /// Whose.
    pub tenant: TenantId,
}

impl Aggregate for Slug {
    const KIND: &'static str = "slug";
    const VERSION: u8 = 1;
}

/// What is known about the backup that a cell goes on from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// The last fact that it had.
    pub upto: Seq,
    /// The cell's time when it was restored.
    pub at: Time,
}

impl Aggregate for Restored {
    const KIND: &'static str = "restored";
    const VERSION: u8 = 1;
}

/// Whether this run belongs to work that was under way in a backup: then the original may be
/// doing the same, or have done it. Ids keep the time of what they follow from, so that a step
/// is as old as its plan.
pub(crate) fn is_forked(turn: &Turn<'_>, run: RunId) -> Done<bool> {
    if crate::planted::is("restore-repeats") {
        return Ok(false);
    }
    let restored = turn.restored(&())?;
    Ok(restored.is_some_and(|restored| run.made() <= restored.at))
}

pub(crate) fn command(turn: &mut Turn<'_>, by: &Actor, asked: &command::Tenant) -> Done<Reply> {
    match asked {
        command::Tenant::Create {
            tenant,
            slug,
            title,
        } => create(turn, by, *tenant, slug, title),
        command::Tenant::Skip { reason } => quarantine::skip(turn, by, reason),
        command::Tenant::Resume {} => quarantine::resume(turn, by),
    }
}

fn create(
    turn: &mut Turn<'_>,
    by: &Actor,
    tenant: TenantId,
    slug: &Name,
    title: &Sealed,
) -> Done<Reply> {
    match turn.slug(slug)? {
        Some(taken) if taken.tenant == tenant => Ok(Reply::Unchanged),
        Some(_) => Err(Stop::refused(
            Code::EXISTS,
            format!("the slug {slug} is taken"),
        )),
        None => {
            turn.emit(tenant::Created {
                tenant,
                slug: slug.clone(),
                title: title.clone(),
                by: by.clone(),
            })?;
            Ok(Reply::Done)
        }
    }
}

pub(crate) fn fold(turn: &mut Turn<'_>, fact: &Fact) -> Done {
    match fact {
        Fact::Created(f) => turn.put_slug(f.slug.clone(), Some(Slug { tenant: f.tenant })),
        Fact::Restored(f) => {
            let (upto, at) = (f.upto, turn.now);
            turn.put_restored((), Some(Restored { upto, at }));
        }
        Fact::Quarantined(f) => quarantine::fold_quarantined(turn, f),
        Fact::Skipped(_) => quarantine::fold_skipped(turn)?,
        Fact::Resumed(_) => turn.put_quarantine((), None),
    }
    Ok(())
}
