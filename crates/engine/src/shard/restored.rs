//! A store that was just laid out from a backup: each cell is opened once, every body that its
//! journal names is looked for, and one fact says that the cell goes on from a backup.

use naos_store::{Append, Entry, ReadError, Store, TenantStore};
use naos_types::fact::{Fact, tenant};
use naos_types::{BatchId, Code, Refusal, Seq, TenantId, Time};

use super::opening;
use crate::refusals::reading as unreadable;

/// How many facts are read at once.
const READ_FACTS: usize = 512;

/// A cell that goes on from a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GoesOn {
    /// Whose.
    pub tenant: TenantId,
    /// The last fact of the backup.
    pub upto: Seq,
    /// The fact that says so.
    pub seq: Seq,
}

/// Makes every cell of a restored store one that goes on from a backup: its epoch rises, so that
/// nobody who owned it before writes into it, and calls that can't be repeated become questions
/// where the original may have made them already.
///
/// # Errors
/// A refusal if a cell can't be opened, or a body isn't there.
pub fn go_on_from_backup(
    store: &dyn Store,
    now: Time,
    backed_up: Time,
    batch: &mut dyn FnMut() -> u128,
) -> Result<Vec<GoesOn>, Refusal> {
    let mut cells = Vec::new();
    for id in store.tenants().map_err(|e| unreadable(&e))? {
        let tenant = store.tenant(id).map_err(|e| unreadable(&e))?;
        bodies_are_there(tenant.as_ref())?;
        let wake = wake(store, id, now)?;
        let head = tenant.head().map_err(|e| unreadable(&e))?;
        let upto = head.seq;
        let fact = Fact::from(tenant::Restored { upto, backed_up });
        let entry = Entry {
            seq: upto + 1,
            // A cell's time never runs backwards.
            at: now.max(head.at),
            kind: fact.kind().into(),
            version: fact.version(),
            bytes: fact.encode(),
        };
        let append = Append {
            tenant: id,
            expected: upto,
            epoch: head.epoch + 1,
            batch: BatchId(batch()),
            entries: vec![entry],
            bodies: Vec::new(),
            inbox: Vec::new(),
            wake,
        };
        let failed = |what: String| Refusal::new(Code::READ_ONLY, what);
        let done = store.commit(&[append]).map_err(|e| failed(e.to_string()))?;
        match done.into_iter().next() {
            Some(Ok(seq)) => cells.push(GoesOn {
                tenant: id,
                upto,
                seq,
            }),
            Some(Err(stale)) => return Err(failed(stale.to_string())),
            None => return Err(failed("the store took nothing".into())),
        }
    }
    Ok(cells)
}

/// When the cell has something to do by itself, as it says once it is open. One that is
/// quarantined stays so, and says so when it is asked.
fn wake(store: &dyn Store, id: TenantId, now: Time) -> Result<Option<Time>, Refusal> {
    let mut cell = opening::open(store, id, now)?;
    cell.begin(&mut Vec::new());
    Ok(cell.wake())
}

fn bodies_are_there(tenant: &dyn TenantStore) -> Result<(), Refusal> {
    let mut after = 0;
    loop {
        let entries = tenant
            .entries(after, READ_FACTS)
            .map_err(|e| unreadable(&e))?;
        let Some(last) = entries.last() else {
            return Ok(());
        };
        after = last.seq;
        for entry in &entries {
            // What this naos doesn't know quarantines its cell; it names nothing that is known.
            let Ok(fact) = Fact::decode(&entry.kind, entry.version, &entry.bytes) else {
                continue;
            };
            for name in fact.bodies() {
                match tenant.body(&name) {
                    Ok(Some(_)) | Err(ReadError::Erased(_) | ReadError::BodyErased(_)) => {}
                    Ok(None) => {
                        let what = format!(
                            "entry {} of {} names a body that isn't there: {}",
                            entry.seq,
                            tenant.id(),
                            name.digest
                        );
                        return Err(Refusal::new(Code::DAMAGED, what));
                    }
                    Err(cause) => return Err(unreadable(&cause)),
                }
            }
        }
    }
}
