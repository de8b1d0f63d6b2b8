//! Tenants: in the cell of the system, where slugs are unique on the node.

use naos_types::command::{self, Reply};
use naos_types::fact::tenant::{self, Fact};
use naos_types::{Actor, Code, TenantId};
use serde::{Deserialize, Serialize};

use crate::table::Aggregate;
use crate::turn::{Done, Stop, Turn};

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

pub(crate) fn command(turn: &mut Turn<'_>, by: &Actor, asked: &command::Tenant) -> Done<Reply> {
    let command::Tenant::Create {
        tenant,
        slug,
        title,
    } = asked;
    match turn.slug(slug)? {
        Some(taken) if taken.tenant == *tenant => Ok(Reply::Unchanged),
        Some(_) => Err(Stop::refused(
            Code::EXISTS,
            format!("the slug {slug} is taken"),
        )),
        None => {
            turn.emit(tenant::Created {
                tenant: *tenant,
                slug: slug.clone(),
                title: title.clone(),
                by: by.clone(),
            })?;
            Ok(Reply::Done)
        }
    }
}

pub(crate) fn fold(turn: &mut Turn<'_>, fact: &Fact) -> Done {
    let Fact::Created(f) = fact;
    turn.put_slug(f.slug.clone(), Some(Slug { tenant: f.tenant }));
    Ok(())
}
