//! Typed reads of one tenant: records by id or by name, lists and sums from its views, the audit
//! log from the journal. Never changes anything, never decides anything.

mod audit;
mod calls;
mod daily;
mod erasing;
mod events;
mod lists;
mod logs;
mod moment;
mod planted;
mod readers;
mod spending;
mod standup;
mod told;
mod versions;
mod wait;
mod written;

use std::sync::Arc;

use naos_kernel::{Aggregate, AnyAggregate, Key, MemoryKey, ResourceKey};
use naos_store::{Record, TenantStore};
use naos_types::command::Reply;
use naos_types::spec::Kind;
use naos_types::{
    ApprovalId, BodyRef, Code, DocPath, MemberId, Name, NoticeId, PlanId, Refusal, ReviewId, RunId,
    Sealed, Seq, Spender, TaskId, TenantId, Time,
};

use crate::node::Node;
use crate::shard::SameAs;

pub use audit::{AUDIT_SCAN_MAX, AuditFilter, AuditRow};
pub use calls::{CALLS_SHOWN_MAX, CallView, Calls, CallsFrom, PREVIEW_BYTES_MAX};
pub use daily::{Activity, Daily, LOG_LINES_MAX, Line};
pub use erasing::{Erasable, Saying, Wanted};
pub use events::{EVENTS_SCAN_MAX, EventRow, Looked};
pub use lists::{Lists, Standing, VIEWS_WAIT_MAX};
pub use logs::LogView;
pub use moment::Moment;
pub use naos_store::{ModelSpent, PlanFilter, RunFilter};
pub use readers::{ERASED_TOLD, Readers};
pub use spending::{Spending, Sum};
pub use versions::Change;
pub use wait::{Awaited, settled_notice, settled_plan, settled_run};

/// How many records one look into the store takes.
const PAGE: usize = 200;
/// How many records a filtered list looks at before it answers with what it has.
pub const LIST_SCAN_MAX: usize = 20_000;

/// What a record holds, with the type of its key.
pub trait Kept: Aggregate {
    /// What names one.
    type Id: Clone;
    /// The key in the records.
    fn key(id: &Self::Id) -> Key;
    /// This kind's key and content.
    fn pick(key: Key, any: AnyAggregate) -> Option<(Self::Id, Arc<Self>)>;
}

macro_rules! kept {
    ($($variant:ident $type:ty, $id:ty;)*) => {$(
        impl Kept for $type {
            type Id = $id;
            fn key(id: &$id) -> Key {
                Key::$variant(id.clone())
            }
            fn pick(key: Key, any: AnyAggregate) -> Option<($id, Arc<Self>)> {
                match (key, any) {
                    (Key::$variant(id), AnyAggregate::$variant(value)) => Some((id, value)),
                    _ => None,
                }
            }
        }
    )*};
}
kept! {
    Agent naos_kernel::agent::Agent, Name;
    Memory naos_kernel::agent::Memory, MemoryKey;
    Task naos_kernel::task::Task, TaskId;
    Run naos_kernel::run::Run, RunId;
    Thinking naos_kernel::run::Thinking, RunId;
    Forks naos_kernel::run::Forks, RunId;
    Models naos_kernel::run::Models, ();
    Log naos_kernel::run::Log, RunId;
    Plan naos_kernel::plan::Plan, PlanId;
    Items naos_kernel::plan::Items, naos_kernel::ItemsKey;
    Scale naos_kernel::plan::Scale, Name;
    Review naos_kernel::review::Review, ReviewId;
    Approval naos_kernel::approval::Approval, ApprovalId;
    Budget naos_kernel::budget::Budget, Spender;
    Resource naos_kernel::resource::Resource, ResourceKey;
    Document naos_kernel::document::Document, DocPath;
    Member naos_kernel::member::Member, MemberId;
    Supervisor naos_kernel::supervisor::Supervisor, Name;
    Forest naos_kernel::supervisor::Forest, ();
    Watch naos_kernel::supervisor::Watch, Name;
    Slug naos_kernel::tenant::Slug, Name;
    Notice naos_kernel::notice::Notice, NoticeId;
    Bus naos_kernel::event::Bus, ();
    Listeners naos_kernel::event::Listeners, ();
    Consumer naos_kernel::event::Consumer, Name;
    Driver naos_kernel::resource::Driver, Name;
    Dead naos_kernel::event::Dead, naos_kernel::event::DeadKey;
    Trace naos_kernel::event::Trace, naos_kernel::event::TraceKey;
    Quarantine naos_kernel::tenant::Quarantine, ();
    Schedule naos_kernel::schedule::Schedule, ResourceKey;
    Book naos_kernel::schedule::Book, ResourceKey;
    Card naos_kernel::task::OnBoard, TaskId;
    Thread naos_kernel::message::Thread, naos_kernel::ThreadKey;
    Desk naos_kernel::agent::Desk, Name;
    Inbox naos_kernel::member::Inbox, MemberId;
    Habit naos_kernel::approval::Habit, naos_kernel::HabitKey;
}

/// A record's id and what it holds.
pub type Found<T> = (<T as Kept>::Id, Arc<T>);

/// A list and whether there is more of it.
#[derive(Clone, Debug)]
pub struct Listed<T: Kept> {
    /// What was found, in order.
    pub items: Vec<Found<T>>,
    /// Where the next page begins; none at the end.
    pub next: Option<T::Id>,
}

/// Reads one tenant.
#[derive(Clone)]
pub struct Reader {
    node: Node,
    tenant: TenantId,
    store: Arc<dyn TenantStore>,
}

fn damaged(error: naos_store::ReadError) -> Refusal {
    crate::refusals::reading(&error)
}

/// What stands where a content was erased.
pub const ERASED: &str = "[erased]";

/// What stands where a content can't be shown.
#[must_use]
pub fn unread(why: &Refusal) -> &'static str {
    if why.code == Code::ERASED {
        ERASED
    } else {
        "[unreadable]"
    }
}

impl Reader {
    /// A reader of this tenant's records.
    ///
    /// # Errors
    /// A refusal if its file can't be opened.
    pub fn new(node: &Node, tenant: TenantId) -> Result<Self, Refusal> {
        let store = node.tenant(tenant)?;
        Ok(Self {
            node: node.clone(),
            tenant,
            store,
        })
    }

    /// Whose.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The last durable seq.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn seq(&self) -> Result<Seq, Refusal> {
        Ok(self.store.head().map_err(damaged)?.seq)
    }

    /// When the journal began.
    ///
    /// # Errors
    /// A refusal if it is damaged.
    pub fn began(&self) -> Result<Option<Time>, Refusal> {
        let first = self.store.entries(0, 1).map_err(damaged)?;
        Ok(first.first().map(|entry| entry.at))
    }

    /// A body.
    ///
    /// # Errors
    /// A refusal if it isn't there or is damaged.
    pub fn bytes(&self, name: &BodyRef) -> Result<Vec<u8>, Refusal> {
        self.node.body(self.tenant, name)
    }

    /// Bodies, each as [`Self::bytes`] has it, in their order.
    #[must_use]
    pub fn all_bytes(&self, names: &[BodyRef]) -> Vec<Result<Vec<u8>, Refusal>> {
        let all = self.store.bodies(names).into_iter();
        all.map(crate::node::content).collect()
    }

    /// A body as text; what isn't UTF-8 is replaced.
    ///
    /// # Errors
    /// A refusal if it isn't there or is damaged.
    pub fn text(&self, name: &BodyRef) -> Result<String, Refusal> {
        let bytes = self.node.body(self.tenant, name)?;
        Ok(String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }

    /// A body as text; one that was erased, or is damaged, reads so and doesn't hide the rest.
    #[must_use]
    pub fn shown(&self, name: &BodyRef) -> String {
        self.text(name).unwrap_or_else(|why| unread(&why).into())
    }

    /// Whether a content was erased.
    #[must_use]
    pub fn is_erased(&self, name: &BodyRef) -> bool {
        self.store.is_erased(name).unwrap_or(false)
    }

    /// The last words of what a model writes right now in a run: provisional, and never kept.
    #[must_use]
    pub fn last_words(&self, run: naos_types::RunId) -> Option<String> {
        self.node.last_words(self.tenant, run)
    }

    /// A sealed text; an erased one reads so.
    #[must_use]
    pub fn sealed(&self, text: &Sealed) -> String {
        self.node.read(self.tenant, text)
    }

    /// What was answered to the same request before.
    ///
    /// # Errors
    /// The refusal that was; a refusal with [`Code::SAME_KEY`] where another request came with its
    /// key, or one if it can't be read.
    pub fn said_before(&self, same: &SameAs) -> Result<Option<(Seq, Reply)>, Refusal> {
        same.kept(&*self.store)
    }

    /// What is kept under an id.
    ///
    /// # Errors
    /// A refusal if the record is damaged.
    pub fn find<T: Kept>(&self, id: &T::Id) -> Result<Option<Arc<T>>, Refusal> {
        let key = T::key(id);
        let record = self.store.record(key.kind(), &key.id()).map_err(damaged)?;
        match record {
            None => Ok(None),
            Some(record) => Ok(decode::<T>(record)?.map(|(_, value)| value)),
        }
    }

    /// The same, or that there is none: `what` names the kind in the sentence.
    ///
    /// # Errors
    /// A refusal with [`Code::NOT_FOUND`].
    pub fn known<T: Kept>(&self, id: &T::Id, what: &str) -> Result<Arc<T>, Refusal>
    where
        T::Id: std::fmt::Display,
    {
        let missing = || Refusal::new(Code::NOT_FOUND, format!("there is no {what} {id}"));
        self.find::<T>(id)?.ok_or_else(missing)
    }

    /// All of a kind in the order of their ids, at most `limit`.
    ///
    /// # Errors
    /// A refusal if a record is damaged.
    pub fn all<T: Kept>(&self, limit: usize) -> Result<Vec<Found<T>>, Refusal> {
        self.beneath(b"", None, limit)
    }

    /// Those of a kind that come after one in the order of their ids, at most `limit`; `next` is
    /// the last of them where there are more.
    ///
    /// # Errors
    /// A refusal if a record is damaged.
    pub fn after<T: Kept>(
        &self,
        after: Option<&T::Id>,
        limit: usize,
    ) -> Result<Listed<T>, Refusal> {
        let (wanted, mut items) = (limit.saturating_add(1), Vec::new());
        let mut at = after.map(|id| T::key(id).id());
        while items.len() < wanted {
            let page = PAGE.min(wanted - items.len());
            let rows = self.store.scan(T::KIND, b"", at.as_deref(), page);
            let rows = rows.map_err(damaged)?;
            let done = rows.len() < page;
            at = rows.last().map(|row| row.id.clone()).or(at);
            for row in rows {
                items.extend(decode::<T>(row)?);
            }
            if done {
                break;
            }
        }
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|(id, _)| id.clone());
        Ok(Listed { items, next })
    }

    /// The resources of one kind, by name.
    ///
    /// # Errors
    /// A refusal if a record is damaged.
    pub fn resources(
        &self,
        kind: Kind,
        limit: usize,
    ) -> Result<Vec<(ResourceKey, Arc<naos_kernel::resource::Resource>)>, Refusal> {
        self.beneath(format!("{}/", kind.word()).as_bytes(), None, limit)
    }

    /// What an agent keeps for itself from run to run, by key, at most `limit` entries.
    ///
    /// # Errors
    /// A refusal if a record is damaged, or can't be opened any more.
    pub fn state_of(&self, agent: &Name, limit: usize) -> Result<Vec<(String, Vec<u8>)>, Refusal> {
        let prefix = Key::Memory(MemoryKey(agent.clone(), String::new())).id();
        let found = self.beneath::<naos_kernel::agent::Memory>(&prefix, None, limit)?;
        let opened = found.into_iter().map(|(MemoryKey(_, key), memory)| {
            let value = &memory.value;
            let sealed: Sealed =
                Sealed::from_parts(value.subject, value.nonce, value.bytes.clone());
            Ok((key, self.store.open(&sealed).map_err(damaged)?))
        });
        opened.collect()
    }

    /// The documents beneath a path, by path; `after` excludes itself and all before it.
    ///
    /// # Errors
    /// A refusal if a record is damaged.
    pub fn documents(
        &self,
        prefix: &str,
        after: Option<&DocPath>,
        limit: usize,
    ) -> Result<Vec<(DocPath, Arc<naos_kernel::document::Document>)>, Refusal> {
        let prefix = prefix.trim_start_matches('/');
        let after = after.map(|path| naos_kernel::document::Document::key(path).id());
        self.beneath(format!("/{prefix}").as_bytes(), after, limit)
    }

    fn beneath<T: Kept>(
        &self,
        prefix: &[u8],
        mut after: Option<Vec<u8>>,
        limit: usize,
    ) -> Result<Vec<Found<T>>, Refusal> {
        let mut out = Vec::new();
        while out.len() < limit {
            let wanted = PAGE.min(limit - out.len());
            let rows = self
                .store
                .scan(T::KIND, prefix, after.as_deref(), wanted)
                .map_err(damaged)?;
            let done = rows.len() < wanted;
            after = rows.last().map(|row| row.id.clone());
            for row in rows {
                out.extend(decode::<T>(row)?);
            }
            if done {
                break;
            }
        }
        Ok(out)
    }

    /// Those of a kind that `fits`, from the largest id down: newest first. `before` excludes
    /// itself.
    ///
    /// # Errors
    /// A refusal if a record is damaged.
    pub fn newest<T: Kept>(
        &self,
        before: Option<&T::Id>,
        limit: usize,
        mut fits: impl FnMut(&T::Id, &T) -> bool,
    ) -> Result<Listed<T>, Refusal> {
        let mut items: Vec<Found<T>> = Vec::new();
        let mut at = before.map(|id| T::key(id).id());
        let mut seen = 0;
        let mut last = None;
        loop {
            let rows = self
                .store
                .scan_back(T::KIND, at.as_deref(), PAGE)
                .map_err(damaged)?;
            let done = rows.len() < PAGE;
            at = rows.last().map(|row| row.id.clone());
            for row in rows {
                seen += 1;
                let Some((id, value)) = decode::<T>(row)? else {
                    continue;
                };
                if fits(&id, &value) {
                    if items.len() == limit {
                        let next = items.last().map(|(id, _)| id.clone());
                        return Ok(Listed { items, next });
                    }
                    items.push((id.clone(), value));
                }
                last = Some(id);
            }
            if done {
                return Ok(Listed { items, next: None });
            }
            if seen >= LIST_SCAN_MAX {
                return Ok(Listed { items, next: last });
            }
        }
    }

    /// Those of a kind that something is still to happen to, in the order of their ids.
    ///
    /// # Errors
    /// A refusal if a record is damaged.
    pub fn open<T: Kept>(&self) -> Result<Vec<Found<T>>, Refusal> {
        let mut out = Vec::new();
        for row in self.store.open_records().map_err(damaged)? {
            if row.kind == T::KIND {
                out.extend(decode::<T>(row)?);
            }
        }
        Ok(out)
    }

    /// The outputs of a step's fan-out, in the order of its list.
    ///
    /// # Errors
    /// A refusal if a record is damaged.
    pub fn fan_outputs(
        &self,
        plan: PlanId,
        step: &Name,
        count: u32,
    ) -> Result<Vec<Option<BodyRef>>, Refusal> {
        let mut out = Vec::new();
        for chunk in 0..count.div_ceil(naos_kernel::plan::ITEMS_PER_CHUNK) {
            let key = naos_kernel::ItemsKey {
                plan,
                step: step.clone(),
                chunk,
            };
            if let Some(items) = self.find::<naos_kernel::plan::Items>(&key)? {
                out.extend(items.outputs.values().copied());
            }
        }
        Ok(out)
    }
}

fn decode<T: Kept>(record: Record) -> Result<Option<Found<T>>, Refusal> {
    let Some(bytes) = record.bytes.as_deref() else {
        return Ok(None);
    };
    let key = Key::parse(&record.kind, &record.id);
    let any = AnyAggregate::decode(&record.kind, record.version, bytes);
    match (key, any) {
        (Some(key), Some(any)) => Ok(T::pick(key, any)),
        _ => Err(Refusal::new(
            Code::NEWER_FORMAT,
            format!(
                "a {} of layout {} can't be read",
                record.kind, record.version
            ),
        )),
    }
}
