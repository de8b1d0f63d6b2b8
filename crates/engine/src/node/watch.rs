//! Who wants to hear what happened: durable facts, as they become durable; and pieces of answers,
//! as models write them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use naos_types::fact::Fact;
use naos_types::{RunId, Seq, TenantId, Time};
use tokio::sync::broadcast;

use super::lock;

/// How many announcements a slow listener may lag behind before it must read the journal instead.
const LAG_MAX: usize = 1_024;

/// Facts that became durable together.
#[derive(Debug)]
pub struct Happened {
    /// Seq, time, fact; in order.
    pub facts: Vec<(Seq, Time, Fact)>,
}

/// A piece of a model's answer, as it is written. Provisional: it is told and never kept, and only
/// the answer that is journaled counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Whose answer.
    pub run: RunId,
    /// Which call of the run.
    pub call: u32,
    /// Where the piece begins, in bytes of its kind; 0 begins anew, after a failed attempt too.
    pub offset: u64,
    /// What it is part of.
    pub kind: FrameKind,
    /// The piece.
    pub text: String,
}

/// What a piece of an answer is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// What it says.
    Text,
    /// What it thinks before.
    Thought,
    /// What it wants to have called.
    Call,
}

impl FrameKind {
    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Thought => "thought",
            Self::Call => "call",
        }
    }
}

/// The listeners of a node, by tenant.
pub struct Watch<T> {
    tenants: Mutex<BTreeMap<TenantId, broadcast::Sender<Arc<T>>>>,
}

impl<T> Default for Watch<T> {
    fn default() -> Self {
        Self {
            tenants: Mutex::default(),
        }
    }
}

impl<T> Watch<T> {
    pub(super) fn subscribe(&self, tenant: TenantId) -> broadcast::Receiver<Arc<T>> {
        let mut tenants = lock(&self.tenants);
        let sender = tenants
            .entry(tenant)
            .or_insert_with(|| broadcast::channel(LAG_MAX).0);
        sender.subscribe()
    }

    pub(super) fn announce(&self, tenant: TenantId, told: T) {
        let mut tenants = lock(&self.tenants);
        let Some(sender) = tenants.get(&tenant) else {
            return;
        };
        if sender.send(Arc::new(told)).is_err() {
            tenants.remove(&tenant); // nobody listens any more
        }
    }
}
