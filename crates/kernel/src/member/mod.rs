//! Members: who may come in.

mod inbox;

use std::collections::BTreeMap;

use naos_types::command::{self, Reply};
use naos_types::fact::member::{self, Fact};
use naos_types::{Actor, Code, Digest, MemberId, Name, Role, Sealed, Time, TokenId};
use serde::{Deserialize, Serialize};

use crate::table::{Aggregate, lengthened};
use crate::turn::{Done, Stop, Turn};

pub use inbox::{Inbox, Item, NEWS_MAX, TOLD_MAX};
pub(crate) use inbox::{all, all_named, is_named, said, tell, who};

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
    /// By which word they are called in threads.
    pub handle: Option<Name>,
}

impl Aggregate for Member {
    const KIND: &'static str = "member";
    const VERSION: u8 = 2;
    /// Always loaded: every request asks for one.
    fn is_open(&self) -> bool {
        true
    }
    fn lift(version: u8, bytes: &[u8]) -> Option<Self> {
        (version == 1).then(|| lengthened(bytes, 1))? // the handle
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

/// Whoever is called so is one: a member or an agent.
fn is_free(turn: &Turn<'_>, handle: &Name) -> Done {
    let taken = if handle.as_str() == crate::message::ALL {
        "calls everybody"
    } else if handle.as_str() == crate::message::SELF {
        "is naos itself"
    } else if handle.as_str() == crate::resource::NOBODY {
        "stands for nobody"
    } else if turn.agent(handle)?.is_some() {
        "is an agent"
    } else if is_named(turn, handle) {
        "is a member"
    } else {
        return Ok(());
    };
    let what = format!("@{handle} {taken} already");
    Err(Stop::refused(Code::EXISTS, what))
}

pub(crate) fn command(turn: &mut Turn<'_>, by: &Actor, asked: &command::Member) -> Done<Reply> {
    match asked {
        command::Member::Add { name, role, handle } => {
            if let Some(handle) = handle {
                is_free(turn, handle)?;
            }
            let member = turn.mint.next_id();
            turn.emit(member::Added {
                member,
                name: name.clone(),
                role: *role,
                by: by.clone(),
            })?;
            if handle.is_some() {
                turn.emit(member::HandleSet {
                    member,
                    handle: handle.clone(),
                    by: by.clone(),
                })?;
            }
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
            if *role < Role::Staff {
                let handle = known(turn, *member)?.handle.clone();
                crate::task::left_by(turn, by, (*member, handle), "works on no tasks any more")?;
            }
            Ok(Reply::Done)
        }
        command::Member::Remove { member } => {
            an_owner_stays(turn, *member, None)?;
            let handle = known(turn, *member)?.handle.clone();
            turn.emit(member::Removed {
                member: *member,
                by: by.clone(),
            })?;
            crate::task::left_by(turn, by, (*member, handle), "is no member any more")?;
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
        command::Member::SetHandle { member, handle } => {
            if known(turn, *member)?.handle == *handle {
                return Ok(Reply::Unchanged);
            }
            if let Some(handle) = handle {
                is_free(turn, handle)?;
            }
            turn.emit(member::HandleSet {
                member: *member,
                handle: handle.clone(),
                by: by.clone(),
            })?;
            Ok(Reply::Done)
        }
        command::Member::Saw { upto } => {
            let Actor::Member(member, _) = by else {
                return Err(Stop::refused(
                    Code::NOT_ALLOWED,
                    "only members have an inbox",
                ));
            };
            let inbox = turn.inbox(member)?.cloned().unwrap_or_default();
            let upto = (*upto).min(inbox.count);
            if upto <= inbox.seen {
                return Ok(Reply::Unchanged);
            }
            turn.emit(member::Saw {
                member: *member,
                upto,
            })?;
            Ok(Reply::Done)
        }
    }
}

pub(crate) fn fold(turn: &mut Turn<'_>, fact: &Fact) -> Done {
    match fact {
        Fact::Added(f) => {
            turn.head_mut(&())?.members += 1;
            let added = Member {
                name: f.name.clone(),
                role: f.role,
                tokens: BTreeMap::new(),
                handle: None,
            };
            turn.put_member(f.member, Some(added));
        }
        Fact::RoleChanged(f) => turn.member_mut(&f.member)?.role = f.role,
        Fact::Removed(f) => {
            turn.head_mut(&())?.members -= 1;
            turn.put_member(f.member, None);
            turn.put_inbox(f.member, None);
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
        Fact::HandleSet(f) => {
            turn.member_mut(&f.member)?.handle.clone_from(&f.handle);
            if let Some(handle) = &f.handle {
                crate::notice::called(turn, handle, f.member)?;
            }
        }
        Fact::Told(f) => inbox::fold(turn, f)?,
        Fact::Saw(f) => turn.inbox_mut(&f.member)?.seen = f.upto,
    }
    Ok(())
}
