//! Members: who may come in.

use std::collections::BTreeMap;

use naos_types::command::{self, Reply};
use naos_types::fact::member::{self, Fact};
use naos_types::{Actor, Code, Digest, MemberId, Role, Sealed, Time, TokenId};
use serde::{Deserialize, Serialize};

use crate::table::Aggregate;
use crate::turn::{Done, Stop, Turn};

/// The most tokens of one member.
pub const TOKENS_MAX: usize = 32;

/// A token: what is known about its secret, and when it ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// SHA-256 of the secret.
    pub hash: Digest,
    /// When it ends.
    pub expires_at: Option<Time>,
}

/// One member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// What they are called.
    pub name: Sealed,
    /// What they may do.
    pub role: Role,
    /// What proves them.
    pub tokens: BTreeMap<TokenId, Token>,
}

impl Aggregate for Member {
    const KIND: &'static str = "member";
    const VERSION: u8 = 1;
    /// Always loaded: every request asks for one.
    fn is_open(&self) -> bool {
        true
    }
}

fn known<'t>(turn: &'t Turn<'_>, member: MemberId) -> Done<&'t Member> {
    turn.member(&member)?
        .ok_or_else(|| Stop::refused(Code::NOT_FOUND, format!("there is no member {member}")))
}

/// Refuses what would leave no owner who can come in: that `member` is an owner no more, or, where
/// a token is named, that it is worth nothing any more. Nobody could ever make an owner again.
fn an_owner_stays(turn: &Turn<'_>, member: MemberId, revoked: Option<TokenId>) -> Done {
    if known(turn, member)?.role != Role::Owner || crate::planted::is("last-owner-goes") {
        return Ok(());
    }
    let good = |id: &MemberId, token: &TokenId, expires: Option<Time>| {
        let goes = *id == member && revoked.is_none_or(|revoked| revoked == *token);
        !goes && expires.is_none_or(|at| at > turn.now)
    };
    let comes_in = |id: &MemberId, member: &Member| {
        let mut tokens = member.tokens.iter();
        member.role == Role::Owner && tokens.any(|(token, kept)| good(id, token, kept.expires_at))
    };
    if turn
        .tables
        .member
        .iter()
        .any(|(id, member)| comes_in(id, member))
    {
        return Ok(());
    }
    let what = match revoked {
        None => format!("{member} is the last owner who can come in"),
        Some(token) => format!("{token} is the last token by which an owner can come in"),
    };
    Err(Stop::refused(Code::LAST_OWNER, what))
}

pub(crate) fn command(turn: &mut Turn<'_>, by: &Actor, asked: &command::Member) -> Done<Reply> {
    match asked {
        command::Member::Add { name, role } => {
            let member = turn.mint.next_id();
            let (name, role, by) = (name.clone(), *role, by.clone());
            turn.emit(member::Added {
                member,
                name,
                role,
                by,
            })?;
            Ok(Reply::Member(member))
        }
        command::Member::ChangeRole { member, role } => {
            if known(turn, *member)?.role == *role {
                return Ok(Reply::Unchanged);
            }
            an_owner_stays(turn, *member, None)?;
            turn.emit(member::RoleChanged {
                member: *member,
                role: *role,
                by: by.clone(),
            })?;
            Ok(Reply::Done)
        }
        command::Member::Remove { member } => {
            an_owner_stays(turn, *member, None)?;
            turn.emit(member::Removed {
                member: *member,
                by: by.clone(),
            })?;
            Ok(Reply::Done)
        }
        command::Member::IssueToken {
            member,
            hash,
            expires_at,
        } => {
            let tokens = known(turn, *member)?.tokens.len();
            if tokens >= TOKENS_MAX {
                let what = format!("a member has at most {TOKENS_MAX} tokens");
                return Err(Stop::refused(Code::TOO_LARGE, what));
            }
            let token = turn.mint.next_id();
            let (member, hash, expires_at) = (*member, *hash, *expires_at);
            turn.emit(member::TokenIssued {
                member,
                token,
                hash,
                expires_at,
            })?;
            Ok(Reply::Token(token))
        }
        command::Member::RevokeToken { member, token } => {
            if !known(turn, *member)?.tokens.contains_key(token) {
                return Err(Stop::refused(
                    Code::NOT_FOUND,
                    format!("there is no token {token}"),
                ));
            }
            if *by != Actor::System {
                // The node takes all tokens away only to give a new one in their place.
                an_owner_stays(turn, *member, Some(*token))?;
            }
            let (member, token, by) = (*member, *token, by.clone());
            turn.emit(member::TokenRevoked { member, token, by })?;
            Ok(Reply::Done)
        }
    }
}

pub(crate) fn fold(turn: &mut Turn<'_>, fact: &Fact) -> Done {
    match fact {
        Fact::Added(f) => {
            turn.head_mut(&())?.members += 1;
            let (name, role, tokens) = (f.name.clone(), f.role, BTreeMap::new());
            turn.put_member(f.member, Some(Member { name, role, tokens }));
        }
        Fact::RoleChanged(f) => turn.member_mut(&f.member)?.role = f.role,
        Fact::Removed(f) => {
            turn.head_mut(&())?.members -= 1;
            turn.put_member(f.member, None);
        }
        Fact::TokenIssued(f) => {
            let token = Token {
                hash: f.hash,
                expires_at: f.expires_at,
            };
            turn.member_mut(&f.member)?.tokens.insert(f.token, token);
        }
        Fact::TokenRevoked(f) => {
            turn.member_mut(&f.member)?.tokens.remove(&f.token);
        }
    }
    Ok(())
}
