//! What people are to hear of: who is called in a thread, what is said in the threads of tasks that
//! they follow, what is theirs now, what ended. It lies in their inbox until they saw it.

use std::collections::BTreeSet;

use naos_types::fact::member::{self, News};
use naos_types::{Actor, MemberId, MessageId, Name, Role, TaskId, Time};
use serde::{Deserialize, Serialize};

use crate::table::Aggregate;
use crate::task::OnBoard;
use crate::turn::{Done, Turn};

/// How much an inbox holds: what is older falls out of it, and stands in its thread still.
pub const NEWS_MAX: usize = 200;
/// The most members that hear of one thing.
pub const TOLD_MAX: usize = 64;

/// One thing that somebody is to hear of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Counted from 1 in each inbox.
    pub number: u32,
    /// What.
    pub news: News,
    /// Who did it.
    pub by: Actor,
    /// When.
    pub at: Time,
}

/// What a member is to hear of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inbox {
    /// The newest last.
    pub items: Vec<Item>,
    /// How much there was in all.
    pub count: u32,
    /// Up to which number they saw it.
    pub seen: u32,
}

impl Aggregate for Inbox {
    const KIND: &'static str = "inbox";
    const VERSION: u8 = 1;
}

impl Inbox {
    /// How much they did not see yet.
    #[must_use]
    pub fn unseen(&self) -> usize {
        let new = |item: &&Item| item.number > self.seen;
        self.items.iter().filter(new).count()
    }
}

/// Tells of something all who are there and may see it, but for who did it.
pub(crate) fn tell(
    turn: &mut Turn<'_>,
    to: impl IntoIterator<Item = MemberId>,
    news: News,
    by: &Actor,
) -> Done {
    let mut told = BTreeSet::new();
    for member in to {
        let did_it = matches!(by, Actor::Member(id, _) if *id == member);
        let sees = turn
            .member(&member)?
            .is_some_and(|found| found.role > Role::External || crate::planted::is("tells-all"));
        if sees && !did_it {
            told.insert(member);
        }
    }
    let to: Vec<MemberId> = told.into_iter().take(TOLD_MAX).collect();
    if to.is_empty() {
        return Ok(());
    }
    let by = by.clone();
    turn.emit(member::Told { to, news, by })
}

/// Tells of a message those whom it calls, and those who follow the task.
pub(crate) fn said(
    turn: &mut Turn<'_>,
    by: &Actor,
    found: &OnBoard,
    (task, message): (TaskId, MessageId),
    (names, all): (&[Name], bool),
) -> Done {
    let follow: Vec<MemberId> = found.followers().collect();
    let mut called: Vec<MemberId> = named(turn, names).collect();
    if all {
        called.extend(&follow);
    }
    let rest = follow.iter().filter(|member| !called.contains(member));
    let rest: Vec<MemberId> = rest.copied().collect();
    tell(turn, called, News::Called(task, message), by)?;
    tell(turn, rest, News::Said(task, message), by)
}

/// The members who are called so.
pub(super) fn named(turn: &Turn<'_>, names: &[Name]) -> impl Iterator<Item = MemberId> {
    let called = turn.tables.member.iter();
    called.filter_map(|(id, member)| {
        let handle = member.handle.as_ref()?;
        names.contains(handle).then_some(*id)
    })
}

/// The same, gathered.
pub(crate) fn all_named(turn: &Turn<'_>, names: &[Name]) -> Vec<MemberId> {
    named(turn, names).collect()
}

/// All who are there.
pub(crate) fn all(turn: &Turn<'_>) -> Vec<MemberId> {
    turn.tables.member.iter().map(|(id, _)| *id).collect()
}

/// The member who is called so.
pub(crate) fn who(turn: &Turn<'_>, name: &Name) -> Option<MemberId> {
    named(turn, std::slice::from_ref(name)).next()
}

/// Whether a member is called so.
pub(crate) fn is_named(turn: &Turn<'_>, name: &Name) -> bool {
    who(turn, name).is_some()
}

pub(super) fn fold(turn: &mut Turn<'_>, f: &member::Told) -> Done {
    let now = turn.now;
    for member in &f.to {
        let mut inbox = turn.inbox(member)?.cloned().unwrap_or_default();
        inbox.count += 1;
        inbox.items.push(Item {
            number: inbox.count,
            news: f.news.clone(),
            by: f.by.clone(),
            at: now,
        });
        if inbox.items.len() > NEWS_MAX {
            inbox.items.remove(0);
        }
        turn.put_inbox(*member, Some(inbox));
    }
    Ok(())
}
