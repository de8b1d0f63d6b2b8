//! A person or machine came or went.

use crate::{Actor, Digest, MemberId, Role, Sealed, Time, TokenId};

facts! {
    "Facts about members."

    /// Somebody came.
    Added "member.added" as "user.added" v 1 {
        /// Who.
        member: MemberId,
        /// What they are called.
        name: Sealed,
        /// What they may do.
        role: Role,
        /// Who let them in.
        by: Actor,
    }
    /// They may do something else now.
    RoleChanged "member.role_changed" as "user.role_changed" v 1 {
        /// Who.
        member: MemberId,
        /// What they may do.
        role: Role,
        /// Who changed it.
        by: Actor,
    }
    /// They are gone, their tokens too.
    Removed "member.removed" as "user.removed" v 1 {
        /// Who.
        member: MemberId,
        /// Who removed them.
        by: Actor,
    }
    /// They got a token; only its hash is kept.
    TokenIssued "member.token_issued" as "user.token_issued" v 1 {
        /// Who.
        member: MemberId,
        /// Which.
        token: TokenId,
        /// SHA-256 of the secret.
        hash: Digest,
        /// When it ends.
        expires_at: Option<Time>,
    }
    /// A token is worth nothing any more.
    TokenRevoked "member.token_revoked" as "user.token_revoked" v 1 {
        /// Who.
        member: MemberId,
        /// Which.
        token: TokenId,
        /// Who revoked it.
        by: Actor,
    }
}
