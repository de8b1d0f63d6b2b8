//! A message on the bus, and what becomes of it with those who subscribed.

use serde::{Deserialize, Serialize};

use super::Problem;
use super::task::Parent;
use crate::{Actor, BodyRef, EventId, Name, PlanId, Seq, StepPath, TaskId, Time};

/// Where a message stands between the outside and the inside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// From outside, for naos: a mail that came.
    #[default]
    Input,
    /// Between parts of naos: what an agent or a plan says.
    Internal,
    /// From naos, for the outside: a mail to be sent.
    Output,
    /// Something outside that naos only hears of.
    External,
}

impl Category {
    /// All of them with their words.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("input", Self::Input),
        ("internal", Self::Internal),
        ("output", Self::Output),
        ("external", Self::External),
    ];

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, one)| *one == self);
        found.map_or("input", |(word, _)| word)
    }

    /// The one that a word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(known, _)| *known == word);
        found.map(|(_, category)| *category)
    }
}

/// Where a message comes from and what it belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Between outside and inside.
    pub category: Category,
    /// Where it comes from, as it says; none for naos itself.
    pub source: Option<String>,
    /// Its id there.
    pub id: Option<String>,
    /// What it is ordered by, as it says.
    pub key: Option<String>,
    /// What its data is, where it isn't JSON.
    pub content: Option<String>,
    /// The conversation that it belongs to; none where it begins one.
    pub correlation: Option<String>,
    /// What caused it: the run or plan that emitted it, or what it says.
    pub causation: Option<String>,
    /// How many events led to it, one by the other.
    pub hops: u32,
    /// The subscription that was set off by an event, and which, where that led to this one.
    pub trigger: Option<(Name, EventId)>,
    /// What else it says about itself: a JSON object of texts.
    pub more: Option<BodyRef>,
    /// Whether anybody subscribed to it when it was published.
    pub heard: bool,
    /// The step of a plan that waits for a driver's answer.
    pub asks: Option<Parent>,
}

/// One message that is with a consumer again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Again {
    /// Its place in the journal.
    pub seq: Seq,
    /// How often it was given by now.
    pub attempt: u32,
    /// When it is given again, unless it is acknowledged before.
    pub at: Time,
}

/// What an event set off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Began {
    /// A run of a plan, workflow or saga.
    Plan(PlanId),
    /// A task.
    Task(TaskId),
    /// Nothing: the condition wasn't met.
    Nothing,
    /// So many events, by the subscription itself.
    Events(u32),
}

facts! {
    "Facts about events."

    /// Published, with an open type.
    Published "event.published" as "event.published" v 2 lifts PublishedV1 1 {
        /// Which.
        event: EventId,
        /// Its type: `email.received`.
        topic: String,
        /// Its data.
        data: BodyRef,
        /// Who published it.
        by: Actor,
        /// Where it comes from.
        origin: Box<Origin>,
    }
    /// A consumer began to listen.
    Subscribed "event.subscribed" as "event.subscribed" v 1 {
        /// Who.
        consumer: Name,
        /// What comes after this place is theirs.
        after: Seq,
    }
    /// A consumer took messages, to acknowledge them later.
    Taken "event.taken" as "event.taken" v 1 {
        /// Who.
        consumer: Name,
        /// What they looked at, up to here.
        upto: Seq,
        /// Those that are with them for the first time.
        fresh: Vec<(Seq, EventId)>,
        /// When these are given again, unless they are acknowledged before.
        at: Time,
        /// Those that were with them before.
        again: Vec<Again>,
    }
    /// A consumer is done with messages: they never come again.
    Acknowledged "event.acknowledged" as "event.acknowledged" v 1 {
        /// Who.
        consumer: Name,
        /// Which.
        events: Vec<Seq>,
    }
    /// A consumer couldn't use messages: they come again.
    Returned "event.returned" as "event.returned" v 1 {
        /// Who.
        consumer: Name,
        /// Which, and when they are given again.
        events: Vec<Again>,
    }
    /// A message came too often, or could not be used at all: it is put aside.
    Dead "event.dead" as "event.dead" v 2 lifts DeadV1 1 {
        /// Whose.
        consumer: Name,
        /// Which.
        event: EventId,
        /// Its place in the journal, where it was taken.
        seq: Option<Seq>,
        /// How often it was given.
        attempts: u32,
        /// Why.
        problem: Problem,
        /// The task that a driver failed at; none where nothing was begun.
        task: Option<TaskId>,
    }
    /// A person has what was put aside given again.
    Replayed "event.replayed" as "event.replayed" v 1 {
        /// Whose.
        consumer: Name,
        /// Which.
        event: EventId,
        /// Who.
        by: Actor,
    }
    /// A person gave up what was put aside.
    Dropped "event.dropped" as "event.dropped" v 1 {
        /// Whose.
        consumer: Name,
        /// Which.
        event: EventId,
        /// Who.
        by: Actor,
    }
    /// An event set something off.
    Triggered "event.triggered" as "event.triggered" v 1 {
        /// By which subscription.
        consumer: Name,
        /// Which event.
        event: EventId,
        /// What it says, as what it set off sees it.
        given: Option<BodyRef>,
        /// What it set off.
        began: Began,
    }
    /// A step of a plan waits for an event.
    Awaited "event.awaited" as "event.awaited" v 1 {
        /// Which plan.
        plan: PlanId,
        /// Which step.
        at: StepPath,
        /// Types of events.
        topic: String,
        /// The conversation it must belong to.
        correlation: Option<String>,
    }
    /// A run of a plan was sent a signal.
    Signalled "event.signalled" as "event.signalled" v 1 {
        /// Which plan.
        plan: PlanId,
        /// The signal.
        name: Name,
        /// What came with it, JSON.
        data: BodyRef,
        /// Who sent it.
        by: Actor,
    }
}

/// How an event was published while nobody could subscribe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedV1 {
    /// Which.
    pub event: EventId,
    /// Its type.
    pub topic: String,
    /// Its data, JSON.
    pub data: BodyRef,
    /// Which conversation it belongs to.
    pub correlation: Option<EventId>,
    /// Who published it.
    pub by: Actor,
}

impl From<PublishedV1> for Published {
    fn from(old: PublishedV1) -> Self {
        let PublishedV1 {
            event,
            topic,
            data,
            correlation,
            by,
        } = old;
        let category = match by {
            Actor::Agent(_) | Actor::Plan(_) => Category::Internal,
            _ => Category::Input,
        };
        let origin = Box::new(Origin {
            category,
            correlation: correlation.map(|id| id.to_string()),
            ..Origin::default()
        });
        Self {
            event,
            topic,
            data,
            by,
            origin,
        }
    }
}

/// How an event was put aside while a driver that failed at one was done with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadV1 {
    /// Whose.
    pub consumer: Name,
    /// Which.
    pub event: EventId,
    /// Its place in the journal, where it was taken.
    pub seq: Option<Seq>,
    /// How often it was given.
    pub attempts: u32,
    /// Why.
    pub problem: Problem,
}

impl From<DeadV1> for Dead {
    fn from(old: DeadV1) -> Self {
        let DeadV1 {
            consumer,
            event,
            seq,
            attempts,
            problem,
        } = old;
        Self {
            consumer,
            event,
            seq,
            attempts,
            problem,
            task: None,
        }
    }
}

impl Published {
    /// The conversation that it belongs to.
    #[must_use]
    pub fn correlation(&self) -> String {
        let said = self.origin.correlation.clone();
        said.unwrap_or_else(|| self.event.to_string())
    }

    /// What caused it, as far as that is known.
    #[must_use]
    pub fn causation(&self) -> Option<String> {
        let trigger = self.origin.trigger.as_ref();
        trigger
            .map(|(_, event)| event.to_string())
            .or_else(|| self.origin.causation.clone())
    }
}

impl Fact {
    /// Whose fact it is: a consumer's name, a type, a signal.
    #[must_use]
    pub fn about(&self) -> String {
        match self {
            Self::Published(f) => f.topic.clone(),
            Self::Subscribed(f) => f.consumer.to_string(),
            Self::Taken(f) => f.consumer.to_string(),
            Self::Acknowledged(f) => f.consumer.to_string(),
            Self::Returned(f) => f.consumer.to_string(),
            Self::Dead(f) => f.consumer.to_string(),
            Self::Replayed(f) => f.consumer.to_string(),
            Self::Dropped(f) => f.consumer.to_string(),
            Self::Triggered(f) => f.consumer.to_string(),
            Self::Awaited(f) => f.topic.clone(),
            Self::Signalled(f) => f.name.to_string(),
        }
    }

    /// Who did it, where the fact says so.
    #[must_use]
    pub const fn by(&self) -> Option<&Actor> {
        match self {
            Self::Published(f) => Some(&f.by),
            Self::Replayed(f) => Some(&f.by),
            Self::Dropped(f) => Some(&f.by),
            Self::Signalled(f) => Some(&f.by),
            _ => None,
        }
    }

    /// What follows on the audit line.
    #[must_use]
    pub fn remark(&self) -> Option<String> {
        let many = |count: usize| match count {
            1 => "1 event".to_owned(),
            count => format!("{count} events"),
        };
        match self {
            Self::Published(f) => (!f.origin.heard).then(|| "nobody listens".to_owned()),
            Self::Taken(f) => Some(many(f.fresh.len() + f.again.len())),
            Self::Acknowledged(f) => Some(many(f.events.len())),
            Self::Returned(f) => Some(many(f.events.len())),
            Self::Dead(f) => Some(format!("{}: {}", f.event, f.problem.note)),
            Self::Replayed(f) => Some(f.event.to_string()),
            Self::Dropped(f) => Some(f.event.to_string()),
            Self::Triggered(f) => Some(match f.began {
                Began::Plan(plan) => format!("{} began {plan}", f.event),
                Began::Task(task) => format!("{} began {task}", f.event),
                Began::Nothing => format!("{} doesn't meet its condition", f.event),
                Began::Events(count) => format!("{} became {}", f.event, many(count as usize)),
            }),
            Self::Awaited(f) => Some(format!("by {} {}", f.plan, f.at)),
            Self::Signalled(f) => Some(f.plan.to_string()),
            Self::Subscribed(_) => None,
        }
    }

    /// The contents that it names.
    #[must_use]
    pub const fn contents(&self) -> [Option<BodyRef>; 2] {
        match self {
            Self::Published(f) => [Some(f.data), f.origin.more],
            Self::Triggered(f) => [f.given, None],
            Self::Signalled(f) => [Some(f.data), None],
            _ => [None, None],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Code, Digest};

    /// The bytes that were written before anybody could subscribe, byte for byte.
    #[test]
    fn what_was_published_before_is_read() {
        let old = PublishedV1 {
            event: EventId(7),
            topic: "a.b".into(),
            data: BodyRef {
                digest: Digest([1; 32]),
                len: 2,
            },
            correlation: Some(EventId(9)),
            by: Actor::System,
        };
        let bytes = postcard::to_stdvec(&old).unwrap();
        let mut frozen = vec![0; 15];
        frozen.extend([7, 3]);
        frozen.extend(b"a.b");
        frozen.extend([1; 32]);
        frozen.extend([2, 1]);
        frozen.extend([0; 15]);
        frozen.extend([9, 0]);
        assert_eq!(bytes, frozen);
        let fact = crate::fact::Fact::decode("event.published", 1, &frozen).unwrap();
        assert_eq!(fact, Published::from(old.clone()).into());
        assert_eq!(fact.version(), 2);
        let lifted = Published::from(old);
        assert_eq!(lifted.correlation(), EventId(9).to_string());
        let again = fact.encode();
        let read = crate::fact::Fact::decode("event.published", 2, &again).unwrap();
        assert_eq!(read, fact);
    }

    /// The bytes that were written before what a driver failed at was put aside, byte for byte.
    #[test]
    fn what_was_put_aside_before_is_read() {
        let problem = Problem::new(Code::DRIVER_OFF, "off");
        let told = postcard::to_stdvec(&problem).unwrap();
        let mut frozen = vec![1, b'c'];
        frozen.extend([0; 15]);
        frozen.extend([7, 1, 9, 3]); // the event, at place 9, given three times
        frozen.extend(&told);
        let fact = crate::fact::Fact::decode("event.dead", 1, &frozen).unwrap();
        let wanted = Dead {
            consumer: Name::new("c").unwrap(),
            event: EventId(7),
            seq: Some(9),
            attempts: 3,
            problem,
            task: None,
        };
        assert_eq!(fact, wanted.into());
        frozen.push(0); // nothing was begun
        assert_eq!(fact.encode(), frozen);
    }
}
