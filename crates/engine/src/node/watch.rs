//! Who wants to hear what happened: durable facts, as they become durable.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use naos_types::fact::Fact;
use naos_types::{Seq, TenantId, Time};
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

/// The listeners of a node.
#[derive(Default)]
pub struct Watch {
    tenants: Mutex<BTreeMap<TenantId, broadcast::Sender<Arc<Happened>>>>,
}

impl Watch {
    pub(super) fn subscribe(&self, tenant: TenantId) -> broadcast::Receiver<Arc<Happened>> {
        let mut tenants = lock(&self.tenants);
        let sender = tenants
            .entry(tenant)
            .or_insert_with(|| broadcast::channel(LAG_MAX).0);
        sender.subscribe()
    }

    pub(super) fn announce(&self, tenant: TenantId, facts: Vec<(Seq, Time, Fact)>) {
        let mut tenants = lock(&self.tenants);
        let Some(sender) = tenants.get(&tenant) else {
            return;
        };
        if sender.send(Arc::new(Happened { facts })).is_err() {
            tenants.remove(&tenant); // nobody listens any more
        }
    }
}
