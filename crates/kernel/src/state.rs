//! What a cell knows: aggregates by kind. Open ones are always loaded, others on demand.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use naos_types::spec::Kind;
use naos_types::{
    ApprovalId, Digest, DocPath, EventId, MemberId, MessageId, Name, NoticeId, PlanId, ReviewId,
    RunId, Spender, TaskId, TenantId, Time,
};
use serde::{Deserialize, Serialize};

use crate::event::{DeadKey, TraceKey, WaitKey};
use crate::table::{Aggregate, Edits, Overlay, Slot, Table};

/// Key of a resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ResourceKey(pub Kind, pub Name);

/// Key of a chunk of a fan-out's outputs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ItemsKey {
    /// Which plan's execution.
    pub plan: PlanId,
    /// Which step.
    pub step: Name,
    /// Which chunk.
    pub chunk: u32,
}

/// Key of one entry of an agent's private state.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MemoryKey(pub Name, pub String);

/// Key of how questions of one kind are answered: what asks, and at which step.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HabitKey(pub String);

/// Key of a piece of a task's thread, counted from 0.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ThreadKey(pub TaskId, pub u32);

/// Key of what is done once: the plan, the step and its own key, as one digest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OnceKey(pub Digest);

/// Key of a schedule's place among those that wait: by time, so that the next ones stand first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BeatKey(pub Time, pub ResourceKey);

/// Keys as bytes that sort as they do.
pub(crate) trait KeyBytes: Sized {
    fn to_bytes(&self) -> Vec<u8>;
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

impl KeyBytes for () {
    fn to_bytes(&self) -> Vec<u8> {
        Vec::new()
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.is_empty().then_some(())
    }
}

impl KeyBytes for Name {
    fn to_bytes(&self) -> Vec<u8> {
        self.as_str().into()
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::new(std::str::from_utf8(bytes).ok()?).ok()
    }
}

impl KeyBytes for Spender {
    fn to_bytes(&self) -> Vec<u8> {
        self.as_str().into()
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        std::str::from_utf8(bytes).ok()?.parse().ok()
    }
}

impl KeyBytes for DocPath {
    fn to_bytes(&self) -> Vec<u8> {
        self.as_str().into()
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::new(std::str::from_utf8(bytes).ok()?).ok()
    }
}

impl KeyBytes for ResourceKey {
    fn to_bytes(&self) -> Vec<u8> {
        format!("{}/{}", self.0.word(), self.1).into()
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (kind, name) = std::str::from_utf8(bytes).ok()?.split_once('/')?;
        Some(Self(Kind::parse(kind)?, Name::new(name).ok()?))
    }
}

impl KeyBytes for BeatKey {
    fn to_bytes(&self) -> Vec<u8> {
        let mut out: Vec<u8> = (self.0.0 ^ i64::MIN).to_be_bytes().into();
        out.extend(self.1.to_bytes());
        out
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (time, rest) = bytes.split_at_checked(8)?;
        let time = i64::from_be_bytes(time.try_into().ok()?) ^ i64::MIN;
        Some(Self(Time(time), ResourceKey::from_bytes(rest)?))
    }
}

impl KeyBytes for ItemsKey {
    fn to_bytes(&self) -> Vec<u8> {
        let mut out = self.plan.to_bytes();
        out.extend_from_slice(self.step.as_str().as_bytes());
        out.push(0);
        out.extend_from_slice(&self.chunk.to_be_bytes());
        out
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (plan, rest) = bytes.split_at_checked(16)?;
        let (step, chunk) = rest.split_at_checked(rest.len().checked_sub(5)?)?;
        Some(Self {
            plan: PlanId::from_bytes(plan)?,
            step: Name::from_bytes(step)?,
            chunk: u32::from_be_bytes(chunk[1..].try_into().ok()?),
        })
    }
}

impl KeyBytes for ThreadKey {
    fn to_bytes(&self) -> Vec<u8> {
        let mut out = self.0.to_bytes();
        out.extend(self.1.to_be_bytes());
        out
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (task, piece) = bytes.split_at_checked(16)?;
        let piece = u32::from_be_bytes(piece.try_into().ok()?);
        Some(Self(TaskId::from_bytes(task)?, piece))
    }
}

impl KeyBytes for HabitKey {
    fn to_bytes(&self) -> Vec<u8> {
        self.0.clone().into()
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(std::str::from_utf8(bytes).ok()?.into()))
    }
}

impl KeyBytes for MemoryKey {
    fn to_bytes(&self) -> Vec<u8> {
        format!("{}\0{}", self.0, self.1).into()
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (agent, key) = std::str::from_utf8(bytes).ok()?.split_once('\0')?;
        Some(Self(Name::new(agent).ok()?, key.into()))
    }
}

macro_rules! id_bytes {
    ($($id:ident)*) => {$(impl KeyBytes for $id {
        fn to_bytes(&self) -> Vec<u8> { self.0.to_be_bytes().into() }
        fn from_bytes(bytes: &[u8]) -> Option<Self> {
            bytes.try_into().ok().map(|b| Self(u128::from_be_bytes(b)))
        }
    })*};
}
id_bytes!(TaskId RunId PlanId ReviewId ApprovalId MemberId TenantId NoticeId EventId MessageId);

impl KeyBytes for OnceKey {
    fn to_bytes(&self) -> Vec<u8> {
        self.0.0.into()
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(Digest(bytes.try_into().ok()?)))
    }
}

impl KeyBytes for DeadKey {
    fn to_bytes(&self) -> Vec<u8> {
        let mut out = self.0.to_bytes();
        out.push(0);
        out.extend(self.1.to_bytes());
        out
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (name, event) = bytes.split_at_checked(bytes.len().checked_sub(16)?)?;
        let name = Name::from_bytes(name.strip_suffix(&[0])?)?;
        Some(Self(name, EventId::from_bytes(event)?))
    }
}

impl KeyBytes for TraceKey {
    fn to_bytes(&self) -> Vec<u8> {
        let mut out = self.0.to_bytes();
        out.extend(self.1.to_bytes());
        out
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (event, name) = bytes.split_at_checked(16)?;
        Some(Self(EventId::from_bytes(event)?, Name::from_bytes(name)?))
    }
}

impl KeyBytes for WaitKey {
    fn to_bytes(&self) -> Vec<u8> {
        match &self.correlation {
            None => self.topic.clone().into(),
            Some(correlation) => format!("{}\0{correlation}", self.topic).into(),
        }
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (topic, correlation) = match text.split_once('\0') {
            Some((topic, correlation)) => (topic, Some(correlation.to_owned())),
            None => (text, None),
        };
        let topic = topic.to_owned();
        Some(Self { topic, correlation })
    }
}

/// What the cell keeps about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Time of the last fact: the cell's time never runs backwards.
    pub at: Time,
    /// The agents there are; shared, because each fact writes the head anew.
    pub agents: Arc<BTreeSet<Name>>,
    /// The skills there are.
    pub skills: Arc<BTreeSet<Name>>,
    /// How many runs are open.
    pub open_runs: u32,
    /// How many members there are.
    pub members: u32,
}

impl Aggregate for Head {
    const KIND: &'static str = "head";
    const VERSION: u8 = 1;
    fn is_open(&self) -> bool {
        true
    }
}

macro_rules! tables {
    ($(
        $(#[$doc:meta])*
        $field:ident $edit:ident $put:ident $variant:ident: $key:ty => $type:ty;
    )*) => {
        /// The key of an aggregate.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Key { $($(#[$doc])* $variant($key),)* }

        /// An aggregate of any kind.
        #[derive(Clone, Debug, PartialEq)]
        pub enum AnyAggregate { $($(#[$doc])* $variant(Arc<$type>),)* }

        /// What a cell knows.
        #[derive(Debug, Clone, Default)]
        pub struct State { $(pub(crate) $field: Table<$key, $type>,)* }

        /// What one turn changed, to be folded into the state when it is accepted.
        #[derive(Debug, Default, Clone)]
        pub struct Changes { $(pub(crate) $field: Edits<$key, $type>,)* }

        pub(crate) struct Overlays<'a> { $(pub(crate) $field: Overlay<'a, $key, $type>,)* }

        impl<'a> Overlays<'a> {
            pub(crate) fn new(base: &'a State) -> Self {
                Self { $($field: Overlay::new(&base.$field),)* }
            }

            /// Whether it is known what stands under a key, or that nothing does.
            pub(crate) fn knows(&self, key: &Key) -> bool {
                match key { $(Key::$variant(key) => self.$field.get(key).is_ok(),)* }
            }

            pub(crate) fn into_changes(self) -> Changes {
                Changes { $($field: self.$field.edits,)* }
            }
        }

        impl crate::turn::Turn<'_> {
            $(
                #[allow(dead_code, reason = "not every kind is read by a rule")]
                pub(crate) fn $field(&self, key: &$key) -> crate::turn::Done<Option<&$type>> {
                    self.tables.$field.get(key)
                        .map_err(|_| crate::turn::Stop::record(Key::$variant(key.clone())))
                }
                #[allow(dead_code, reason = "not every kind is changed by a rule")]
                pub(crate) fn $edit(&mut self, key: &$key) -> crate::turn::Done<&mut $type> {
                    match self.tables.$field.get_mut(key) {
                        Err(_) => Err(crate::turn::Stop::record(Key::$variant(key.clone()))),
                        Ok(None) => Err(crate::turn::Stop::broken(
                            format!("no {} {key:?}", <$type as Aggregate>::KIND))),
                        Ok(Some(value)) => Ok(value),
                    }
                }
                #[allow(dead_code, reason = "not every kind is made by a rule of its own")]
                pub(crate) fn $put(&mut self, key: $key, value: Option<$type>) {
                    match value {
                        Some(value) => self.tables.$field.put(key, value),
                        None => self.tables.$field.remove(key),
                    }
                }
            )*
        }

        impl Key {
            /// The kind in the records.
            #[must_use]
            pub const fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => <$type as Aggregate>::KIND,)* }
            }

            /// The key as bytes that sort as keys do.
            #[must_use]
            pub fn id(&self) -> Vec<u8> {
                match self { $(Self::$variant(key) => key.to_bytes(),)* }
            }

            /// The key that stands in a record.
            #[must_use]
            pub fn parse(kind: &str, id: &[u8]) -> Option<Self> {
                $(if kind == <$type as Aggregate>::KIND {
                    return <$key>::from_bytes(id).map(Self::$variant);
                })*
                None
            }
        }

        impl AnyAggregate {
            /// Decodes the bytes of a record; none for a kind or version that isn't known.
            #[must_use]
            pub fn decode(kind: &str, version: u8, bytes: &[u8]) -> Option<Self> {
                $(if kind == <$type as Aggregate>::KIND {
                    let read: Option<$type> = if version == <$type as Aggregate>::VERSION {
                        postcard::from_bytes(bytes).ok()
                    } else {
                        <$type as Aggregate>::lift(version, bytes)
                    };
                    return read.map(|value| Self::$variant(Arc::new(value)));
                })*
                None
            }

            /// The bytes for a record.
            ///
            /// # Panics
            /// Never: aggregates hold nothing that postcard can't write, which tests prove.
            #[must_use]
            pub fn encode(&self) -> Vec<u8> {
                match self { $(Self::$variant(v) => postcard::to_stdvec(&**v),)* }
                    .expect("an aggregate always encodes")
            }

            /// Version of the layout.
            #[must_use]
            pub const fn version(&self) -> u8 {
                match self { $(Self::$variant(_) => <$type as Aggregate>::VERSION,)* }
            }

            /// Whether something is still to happen to it.
            #[must_use]
            pub fn is_open(&self) -> bool {
                match self { $(Self::$variant(v) => v.is_open(),)* }
            }

            /// When something is to happen to it by itself.
            #[must_use]
            pub fn due(&self) -> Option<Time> {
                match self { $(Self::$variant(v) => v.due(),)* }
            }
        }

        impl State {
            /// Puts what a record holds; none says that there is no such record.
            ///
            /// # Errors
            /// The key, if the aggregate is of another kind.
            pub fn load(&mut self, key: Key, value: Option<AnyAggregate>) -> Result<(), Key> {
                match (key, value) {
                    $((Key::$variant(key), Some(AnyAggregate::$variant(v))) => {
                        self.$field.0.insert(key, Slot::Present(v));
                    })*
                    $((Key::$variant(key), None) => { self.$field.0.insert(key, Slot::Absent); })*
                    (key, Some(_)) => return Err(key),
                }
                Ok(())
            }

            /// Forgets an aggregate; it is loaded again when it is needed.
            pub fn evict(&mut self, key: &Key) {
                match key { $(Key::$variant(key) => { self.$field.0.remove(key); })* }
            }

            /// What is loaded under a key.
            #[must_use]
            pub fn get(&self, key: &Key) -> Option<AnyAggregate> {
                match key {
                    $(Key::$variant(key) => match self.$field.0.get(key)? {
                        Slot::Present(value) => Some(AnyAggregate::$variant(Arc::clone(value))),
                        Slot::Absent => None,
                    },)*
                }
            }

            /// All aggregates that are loaded, in order of kind and key.
            pub fn all(&self) -> Vec<(Key, AnyAggregate)> {
                let mut out = Vec::new();
                $(for (key, slot) in &self.$field.0 {
                    if let Slot::Present(value) = slot {
                        out.push((Key::$variant(key.clone()),
                            AnyAggregate::$variant(Arc::clone(value))));
                    }
                })*
                out
            }

            /// All keys that are loaded, absent ones too, in order of kind and key.
            #[must_use]
            pub fn keys(&self) -> Vec<Key> {
                let mut out = Vec::with_capacity(self.len());
                $(out.extend(self.$field.0.keys().cloned().map(Key::$variant));)*
                out
            }

            /// How many keys are loaded, absent ones too.
            #[must_use]
            pub fn len(&self) -> usize {
                0 $(+ self.$field.0.len())*
            }

            /// Folds an accepted turn in and says what changed: none for what was taken away.
            pub fn merge(&mut self, changes: Changes) -> Vec<(Key, Option<AnyAggregate>)> {
                let mut out = Vec::new();
                $(for (key, edit) in changes.$field {
                    let slot = match &edit {
                        Some(value) => Slot::Present(Arc::clone(value)),
                        None => Slot::Absent,
                    };
                    self.$field.0.insert(key.clone(), slot);
                    out.push((Key::$variant(key), edit.map(AnyAggregate::$variant)));
                })*
                out
            }
        }
    };
}

tables! {
    /// The cell itself.
    head head_mut put_head Head: () => Head;
    /// An agent.
    agent agent_mut put_agent Agent: Name => crate::agent::Agent;
    /// A task.
    task task_mut put_task Task: TaskId => crate::task::Task;
    /// A run.
    run run_mut put_run Run: RunId => crate::run::Run;
    /// A plan's execution.
    plan plan_mut put_plan Plan: PlanId => crate::plan::Plan;
    /// A chunk of a fan-out's outputs.
    items items_mut put_items Items: ItemsKey => crate::plan::Items;
    /// What was done under a key.
    once once_mut put_once Once: OnceKey => crate::plan::Once;
    /// How large a pool is that scales by itself.
    scale scale_mut put_scale Scale: Name => crate::plan::Scale;
    /// A review.
    review review_mut put_review Review: ReviewId => crate::review::Review;
    /// A question to a person.
    approval approval_mut put_approval Approval: ApprovalId => crate::approval::Approval;
    /// How questions of one kind are answered.
    habit habit_mut put_habit Habit: HabitKey => crate::approval::Habit;
    /// A budget.
    budget budget_mut put_budget Budget: Spender => crate::budget::Budget;
    /// A resource.
    resource resource_mut put_resource Resource: ResourceKey => crate::resource::Resource;
    /// A document.
    document document_mut put_document Document: DocPath => crate::document::Document;
    /// A member.
    member member_mut put_member Member: MemberId => crate::member::Member;
    /// What a member is to hear of.
    inbox inbox_mut put_inbox Inbox: MemberId => crate::member::Inbox;
    /// An entry of an agent's private state.
    memory memory_mut put_memory Memory: MemoryKey => crate::agent::Memory;
    /// A slug of this node; in the system's cell.
    slug slug_mut put_slug Slug: Name => crate::tenant::Slug;
    /// A notice to somebody outside.
    notice notice_mut put_notice Notice: NoticeId => crate::notice::Notice;
    /// What is told together to somebody outside.
    bundle bundle_mut put_bundle Bundle: Name => crate::notice::Bundle;
    /// The notices that are set up.
    outlets outlets_mut put_outlets Outlets: () => crate::notice::Outlets;
    /// Which models there are.
    models models_mut put_models Models: () => crate::run::Models;
    /// What a run that works with a model remembers.
    thinking thinking_mut put_thinking Thinking: RunId => crate::run::Thinking;
    /// The what-ifs of a run.
    forks forks_mut put_forks Forks: RunId => crate::run::Forks;
    /// What a run logged.
    log log_mut put_log Log: RunId => crate::run::Log;
    /// Which agents and skills there are.
    catalog catalog_mut put_catalog Catalog: () => crate::route::Catalog;
    /// How much was published.
    bus bus_mut put_bus Bus: () => crate::event::Bus;
    /// Who listens to events.
    listeners listeners_mut put_listeners Listeners: () => crate::event::Listeners;
    /// A consumer of events.
    consumer consumer_mut put_consumer Consumer: Name => crate::event::Consumer;
    /// An event that was put aside.
    dead dead_mut put_dead Dead: DeadKey => crate::event::Dead;
    /// What something belongs to that an event set off.
    trace trace_mut put_trace Trace: TraceKey => crate::event::Trace;
    /// Who waits for the same event.
    waiters waiters_mut put_waiters Waiters: WaitKey => crate::event::Waiters;
    /// What a run of a plan waits for.
    waits waits_mut put_waits Waits: PlanId => crate::event::Waits;
    /// Signals that a run of a plan didn't take yet.
    signals signals_mut put_signals Signals: PlanId => crate::event::Signals;
    /// The backup that the cell goes on from.
    restored restored_mut put_restored Restored: () => crate::tenant::Restored;
    /// A supervisor.
    supervisor supervisor_mut put_supervisor Supervisor: Name => crate::supervisor::Supervisor;
    /// Who watches a child.
    watch watch_mut put_watch Watch: Name => crate::supervisor::Watch;
    /// Which supervisor watches which.
    forest forest_mut put_forest Forest: () => crate::supervisor::Forest;
    /// Why the cell decides nothing.
    quarantine quarantine_mut put_quarantine Quarantine: () => crate::tenant::Quarantine;
    /// A resource with a time.
    schedule schedule_mut put_schedule Schedule: ResourceKey => crate::schedule::Schedule;
    /// How a driver is.
    driver driver_mut put_driver Driver: Name => crate::resource::Driver;
    /// A schedule's place among those that wait.
    beat beat_mut put_beat Beat: BeatKey => crate::schedule::Beat;
    /// What the board knows about a task.
    card card_mut put_card Card: TaskId => crate::task::OnBoard;
    /// A piece of a task's thread.
    thread thread_mut put_thread Thread: ThreadKey => crate::message::Thread;
    /// Where a message stands.
    message message_mut put_message Message: MessageId => crate::message::Message;
    /// What waits for an agent.
    desk desk_mut put_desk Desk: Name => crate::agent::Desk;
    /// What happened since a schedule told last of how things stand.
    book book_mut put_book Book: ResourceKey => crate::schedule::Book;
    /// Whose turn is next in a pool.
    turns turns_mut put_turns Turns: Name => crate::plan::Turns;
}

impl State {
    /// A cell that nothing ever happened in.
    #[must_use]
    pub fn new() -> Self {
        let mut state = Self::default();
        state
            .head
            .0
            .insert((), Slot::Present(Arc::new(Head::default())));
        state
    }

    /// What the cell keeps about itself.
    #[must_use]
    pub fn head(&self) -> Arc<Head> {
        match self.head.0.get(&()) {
            Some(Slot::Present(head)) => Arc::clone(head),
            _ => Arc::default(),
        }
    }

    /// What is known here about beats after this one, in order: whether each is there. Others may
    /// stand in the records.
    pub fn beats_after(&self, after: Option<&BeatKey>) -> impl Iterator<Item = (&BeatKey, bool)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let rows = self.beat.0.range::<BeatKey, _>((from, Bound::Unbounded));
        rows.map(|(key, slot)| (key, matches!(slot, Slot::Present(_))))
    }

    /// Whether nothing is loaded at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
