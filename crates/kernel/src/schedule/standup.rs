//! The stand-up that comes by itself. A schedule that tells of how things stand has a book: what
//! ended since it told last, which the cell would otherwise have put out of its memory. Telling is
//! one commit with the time that was due, so that no crash loses a day or tells of it twice.
//! Where nothing happened nobody is told anything.

use std::collections::BTreeMap;

use naos_types::fact::member::News;
use naos_types::fact::schedule::{Began, Fired};
use naos_types::fact::{Fact, resource, task};
use naos_types::spec::{Begins, Kind, Spec, StandupSpec, When};
use naos_types::standup::{Line, Standup, Work};
use naos_types::{
    Actor, ApprovalId, Code, MemberId, Name, Refusal, Role, Sealed, TaskId, TaskStatus, Time,
};
use serde::{Deserialize, Serialize};

use crate::member::{self, TOLD_MAX};
use crate::state::{Key, ResourceKey};
use crate::table::Aggregate;
use crate::turn::{Done, Stop, Turn};

/// The most schedules of one tenant that tell of how things stand.
pub const STANDUPS_MAX: usize = 4;
/// The most tasks that ended which a book names: of what is beyond only the number is told.
pub const BOOK_TASKS_MAX: usize = 60;
/// The most agents whose work a book counts.
pub const BOOK_AGENTS_MAX: usize = 64;
/// The most open tasks that are told of.
pub const STANDUP_OPEN_MAX: usize = 60;
/// The most questions that are told of.
pub const STANDUP_ASKED_MAX: usize = 20;

/// What happened since a schedule told last of how things stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Book {
    /// Since when.
    pub since: Time,
    /// Tasks of the board that were done or failed, in order.
    pub ended: Vec<TaskId>,
    /// How many ended beyond those.
    pub more: u32,
    /// What agents worked.
    pub work: BTreeMap<Name, Work>,
    /// Whether anything else happened on the board.
    pub moved: bool,
}

impl Aggregate for Book {
    const KIND: &'static str = "book";
    const VERSION: u8 = 1;
    /// Always loaded: whatever happens on the board is written down in it.
    fn is_open(&self) -> bool {
        true
    }
}

impl Book {
    const fn new(since: Time) -> Self {
        Self {
            since,
            ended: Vec::new(),
            more: 0,
            work: BTreeMap::new(),
            moved: false,
        }
    }

    /// Whether there is anything to tell of.
    fn is_blank(&self) -> bool {
        !self.moved && self.ended.is_empty() && self.work.is_empty()
    }

    fn write(&mut self, entry: &Entry) {
        match entry {
            Entry::Moved => self.moved = true,
            Entry::Ended(task) if self.ended.contains(task) => {}
            Entry::Ended(task) if self.ended.len() < BOOK_TASKS_MAX => self.ended.push(*task),
            Entry::Ended(_) => self.more = self.more.saturating_add(1),
            Entry::Worked(agent, work) => {
                if self.work.len() >= BOOK_AGENTS_MAX && !self.work.contains_key(agent) {
                    self.moved = true;
                    return;
                }
                let sum = self.work.entry(agent.clone()).or_default();
                sum.runs = sum.runs.saturating_add(work.runs);
                sum.failed = sum.failed.saturating_add(work.failed);
                sum.cost.0 = sum.cost.0.saturating_add(work.cost.0);
            }
        }
    }
}

/// What is written down.
enum Entry {
    /// Something happened on the board.
    Moved,
    /// A task of the board was done, or failed.
    Ended(TaskId),
    /// A run of an agent ended.
    Worked(Name, Work),
}

/// Refuses one stand-up too many.
pub(crate) fn room(turn: &Turn<'_>, name: &Name, spec: &Spec) -> Done {
    let mut others = turn.tables.book.iter().filter(|(key, _)| key.1 != *name);
    if asked(spec).is_none() || others.nth(STANDUPS_MAX - 1).is_none() {
        return Ok(());
    }
    let what = format!("there are {STANDUPS_MAX} stand-ups, and no more are told in one tenant");
    Err(Stop::refused(Code::TOO_LARGE, what))
}

const fn asked(spec: &Spec) -> Option<&StandupSpec> {
    match spec {
        Spec::Schedule(spec) => match &spec.starts {
            Begins::Standup(spec) => Some(spec),
            _ => None,
        },
        _ => None,
    }
}

/// A schedule that tells of how things stand gets a book, and one that doesn't any more has none.
pub(crate) fn set_up(turn: &mut Turn<'_>, fact: &resource::Fact) -> Done {
    let (kind, name, tells) = match fact {
        resource::Fact::Applied(f) => (f.kind, &f.name, asked(&f.spec).is_some()),
        resource::Fact::Deleted(f) => (f.kind, &f.name, false),
        _ => return Ok(()),
    };
    let key = ResourceKey(kind, name.clone());
    let has = turn.tables.book.iter().any(|(one, _)| *one == key);
    if kind != Kind::Schedule || has == tells {
        return Ok(());
    }
    let book = tells.then(|| Book::new(turn.now));
    turn.put_book(key, book);
    Ok(())
}

/// Writes down what a stand-up tells of: a part of the fold, after the family's own.
pub(crate) fn note(turn: &mut Turn<'_>, fact: &Fact) -> Done {
    use task::Fact::{Begun, Closed, Handed, Moved, Planned};
    let is_told = match fact {
        Fact::Task(fact) => {
            matches!(
                fact,
                Planned(_) | Moved(_) | Begun(_) | Handed(_) | Closed(_)
            )
        }
        Fact::Approval(_) => true,
        _ => false,
    };
    if !is_told {
        return Ok(());
    }
    let books = turn.tables.book.iter().map(|(key, _)| key.clone());
    let books: Vec<ResourceKey> = books.collect();
    if books.is_empty() {
        return Ok(());
    }
    let entry = match fact {
        Fact::Task(Closed(f)) => closed(turn, f)?,
        _ => Entry::Moved,
    };
    for key in books {
        let stands = matches!(entry, Entry::Moved) && turn.book(&key)?.is_some_and(|b| b.moved);
        if !stands {
            turn.book_mut(&key)?.write(&entry);
        }
    }
    Ok(())
}

fn closed(turn: &Turn<'_>, f: &task::Closed) -> Done<Entry> {
    let Some(found) = turn.task(&f.task)? else {
        return Ok(Entry::Moved);
    };
    let Some(run) = found.run else {
        let is_told = f.status != TaskStatus::Cancelled && turn.card(&f.task)?.is_some();
        return Ok(if is_told {
            Entry::Ended(f.task)
        } else {
            Entry::Moved
        });
    };
    let Some(run) = turn.run(&run)? else {
        return Ok(Entry::Moved);
    };
    let work = Work {
        runs: 1,
        failed: u32::from(f.status == TaskStatus::Failed),
        cost: run.cost,
    };
    Ok(Entry::Worked(run.agent.clone(), work))
}

/// It told of how things stand: the next one tells of what happens from here on. One that
/// somebody asked for out of turn leaves the book as it is.
pub(super) fn told(turn: &mut Turn<'_>, key: &ResourceKey, f: &Fired) {
    let is_told = matches!(f.began, Began::Standup(_)) && f.by.is_none();
    let has = turn.tables.book.iter().any(|(one, _)| one == key);
    if is_told && has && !crate::planted::is("standup-keeps-its-book") {
        let book = Book::new(turn.now);
        turn.put_book(key.clone(), Some(book));
    }
}

/// Tells people how things stand; how many there were, and nobody where nothing happened.
pub(super) fn tell(turn: &mut Turn<'_>, key: &ResourceKey, spec: &StandupSpec) -> Done<u32> {
    let Some(book) = turn.book(key)?.cloned() else {
        return Err(Stop::broken(format!("schedule {} has no book", key.1)));
    };
    if book.is_blank() && !crate::planted::is("standup-of-nothing") {
        return Ok(0);
    }
    let to = readers(turn, &spec.to);
    if to.is_empty() {
        let what = match &spec.to[..] {
            [] => "there is no member who sees the board".to_owned(),
            [one] => format!("no member is called @{one}"),
            [first, ..] => format!("no member is called @{first} or as the others it names"),
        };
        let refusal = Refusal::new(Code::NOT_FOUND, what);
        return Err(refusal
            .help("`naos member handle` gives a member that word")
            .into());
    }
    let standup = taken(turn, key, spec, book)?;
    let bytes = postcard::to_stdvec(&standup).map_err(|e| Stop::broken(e.to_string()))?;
    let body = turn.stage(bytes)?;
    let members = u32::try_from(to.len()).unwrap_or(u32::MAX);
    let news = News::Standup(key.1.clone(), body);
    member::tell(turn, to, news, &Actor::Schedule(key.0, key.1.clone()))?;
    Ok(members)
}

/// The members who are called so, or all who see the board.
fn readers(turn: &Turn<'_>, named: &[Name]) -> Vec<MemberId> {
    let wanted = |handle: Option<&Name>| {
        named.is_empty() || handle.is_some_and(|handle| named.contains(handle))
    };
    let all = turn.tables.member.iter();
    let all = all.filter(|(_, one)| one.role > Role::External && wanted(one.handle.as_ref()));
    all.map(|(id, _)| *id).take(TOLD_MAX).collect()
}

/// How things stand now.
fn taken(turn: &Turn<'_>, key: &ResourceKey, spec: &StandupSpec, book: Book) -> Done<Standup> {
    let (open, more) = open(turn, &book.ended);
    let tasks = || book.ended.iter().chain(&open);
    turn.load(tasks().flat_map(|id| [Key::Task(*id), Key::Card(*id)]))?;
    let mut lines = Vec::new();
    for id in tasks() {
        lines.extend(line(turn, *id)?);
    }
    let mut asked: Vec<(Time, ApprovalId, Sealed)> = turn
        .tables
        .approval
        .iter()
        .filter(|(_, found)| found.is_open())
        .map(|(id, found)| (found.asked, *id, found.title.clone()))
        .collect();
    asked.sort_by_key(|(at, id, _)| (*at, *id));
    let more_asked = asked.len().saturating_sub(STANDUP_ASKED_MAX);
    asked.truncate(STANDUP_ASKED_MAX);
    let zone = match super::spec(turn, key)?.timing.when {
        When::Cron { zone, .. } => zone,
        When::At(_) | When::Every { .. } => "UTC".to_owned(),
    };
    Ok(Standup {
        since: book.since,
        until: turn.now,
        zone,
        language: spec.language,
        lines,
        more: book.more.saturating_add(count(more)),
        work: book.work.into_iter().collect(),
        asked: asked
            .into_iter()
            .map(|(_, id, title)| (id, title))
            .collect(),
        more_asked: count(more_asked),
    })
}

fn count(many: usize) -> u32 {
    u32::try_from(many).unwrap_or(u32::MAX)
}

/// The open tasks that aren't the work of a run, what waits for people first; how many there are
/// beyond. Each open task is loaded.
fn open(turn: &Turn<'_>, ended: &[TaskId]) -> (Vec<TaskId>, usize) {
    let all = turn.tables.task.iter();
    let mut open: Vec<(u8, TaskId)> = all
        .filter(|(id, task)| !task.status.is_closed() && task.run.is_none() && !ended.contains(id))
        .filter(|(_, task)| task.stands_on_the_board() && task.parent.is_none())
        .map(|(id, task)| (rank(task.status), *id))
        .collect();
    open.sort_unstable();
    let more = open.len().saturating_sub(STANDUP_OPEN_MAX);
    let open = open.into_iter().take(STANDUP_OPEN_MAX);
    (open.map(|(_, id)| id).collect(), more)
}

/// What is told of first.
const fn rank(status: TaskStatus) -> u8 {
    match status {
        TaskStatus::HumanApproval => 0,
        TaskStatus::Blocked => 1,
        TaskStatus::SquadReview => 2,
        TaskStatus::InProgress => 3,
        TaskStatus::Assigned => 4,
        _ => 5,
    }
}

/// A task of the board as it stands; none for what isn't there, or never was on the board.
fn line(turn: &Turn<'_>, id: TaskId) -> Done<Option<Line>> {
    let (Some(task), Some(found)) = (turn.task(&id)?, turn.card(&id)?) else {
        return Ok(None);
    };
    // An open one is loaded: what isn't known here is no longer waited for.
    let waits = |other: &TaskId| {
        let other = turn.tables.task.get(other).ok().flatten();
        other.is_some_and(|other| !other.status.is_closed())
    };
    let is_blocked = task.status == TaskStatus::Blocked;
    let behind = found.card.after.iter().find(|other| waits(other));
    Ok(Some(Line {
        task: id,
        title: task.title.clone(),
        whose: found.card.to.clone(),
        status: task.status,
        behind: behind.filter(|_| is_blocked).copied(),
    }))
}
