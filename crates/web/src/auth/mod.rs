//! Who asks: tokens, sessions, and how often somebody may try.

mod members;
mod sessions;
pub mod token;
mod tries;

use naos_types::{Actor, MemberId, Role, TenantId, TokenId};

pub(crate) use members::Members;
pub(crate) use sessions::{COOKIE, SESSION_MS_MAX, Session, Sessions, cookie};
pub(crate) use tries::{Peer, Tries};

/// Somebody who proved who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Who {
    pub(crate) tenant: TenantId,
    pub(crate) member: MemberId,
    pub(crate) role: Role,
    pub(crate) token: TokenId,
    pub(crate) name: String,
}

impl Who {
    pub(crate) fn actor(&self) -> Actor {
        Actor::Member(self.member, self.role)
    }
}
