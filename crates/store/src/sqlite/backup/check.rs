//! Reading a backup: every item in its place, every journal hashed again and compared with what
//! was signed, every body compared with its name.

use std::borrow::Cow;
use std::io::Read;

use naos_ledger::{Frontier, Signer, hash_entry};
use naos_types::{SubjectId, TenantId, Time};

use super::item::{self, Head, Item};
use super::sealed::Opener;
use super::{BackupError, BackupKeys, Contents, TenantContents};
use crate::crypto::TenantKeys;
use crate::sqlite::row::Body;
use crate::sqlite::tenant_file::{self as file, Meta, StoredCheckpoint};
use crate::sqlite::verify;

/// What was counted so far.
#[derive(Default)]
pub(crate) struct Counted {
    pub(crate) contents: Contents,
}

impl Counted {
    pub(crate) fn begin(&mut self, tenant: TenantId, meta: &Meta) -> Result<(), BackupError> {
        let tenants = &mut self.contents.tenants;
        if tenants.last().is_some_and(|last| last.tenant >= tenant) {
            return Err(BackupError::damaged("its tenants are out of order"));
        }
        let frontier = match meta.seq {
            0 => Frontier::new(),
            seq => Frontier::decode(&meta.frontier)
                .ok()
                .filter(|frontier| frontier.size() == seq)
                .ok_or_else(|| BackupError::damaged(format!("the tree of {tenant}")))?,
        };
        tenants.push(TenantContents {
            tenant,
            seq: meta.seq,
            at: meta.at,
            root: frontier.root(),
            checkpoints: 0,
            records: 0,
            answers: 0,
            bodies: 0,
        });
        self.contents.facts += meta.seq;
        Ok(())
    }

    /// The tenant that is being read.
    pub(crate) fn last(&mut self) -> &mut TenantContents {
        self.contents
            .tenants
            .last_mut()
            .expect("a tenant was begun before its rows")
    }

    pub(crate) fn of(&mut self, tenant: TenantId) -> Result<&mut TenantContents, BackupError> {
        let tenants = &mut self.contents.tenants;
        let at = tenants.binary_search_by_key(&tenant, |found| found.tenant);
        at.map(|at| &mut tenants[at])
            .map_err(|_| BackupError::damaged(format!("{tenant} has bodies and no journal")))
    }

    pub(crate) fn done(mut self) -> Contents {
        let bodies = self.contents.tenants.iter().map(|tenant| tenant.bodies);
        self.contents.bodies = bodies.sum();
        self.contents
    }
}

/// A journal on its way in.
struct Journal {
    tenant: TenantId,
    meta: Meta,
    frontier: Frontier,
    signed: Vec<StoredCheckpoint>,
    agreed: usize,
    keys: Option<TenantKeys>,
    /// Items before it.
    before: u64,
}

struct Check<'k> {
    keys: &'k BackupKeys,
    signer: Signer,
    counted: Counted,
    journal: Option<Journal>,
    /// The tenant whose large bodies are being read.
    packed: Option<(TenantId, Option<TenantKeys>)>,
    items: u64,
    over: bool,
}

/// Reads a whole backup and gives each item on once it is found good.
pub(crate) fn read(
    from: &mut dyn Read,
    keys: &BackupKeys,
    mut each: impl FnMut(&Item<'_>) -> Result<(), BackupError>,
) -> Result<Contents, BackupError> {
    let mut opener = Opener::begin(from, &keys.node)?;
    let mut check = Check {
        keys,
        signer: keys.signer(),
        counted: Counted::default(),
        journal: None,
        packed: None,
        items: 0,
        over: false,
    };
    let mut bytes = Vec::new();
    while item::next(&mut opener, &mut bytes)? {
        let item = item::parse(&bytes)?;
        check.take(&item)?;
        check.items += 1;
        check.counted.contents.bytes += bytes.len() as u64;
        each(&item)?;
    }
    if !check.over {
        return Err(BackupError::damaged("it has no end"));
    }
    Ok(check.counted.done())
}

impl Check<'_> {
    fn take(&mut self, item: &Item<'_>) -> Result<(), BackupError> {
        if self.over || (self.items == 0) != matches!(item, Item::Start { .. }) {
            return Err(BackupError::damaged(
                "it doesn't begin or end where it should",
            ));
        }
        match item {
            Item::Start { naos, at } => {
                (*naos).clone_into(&mut self.counted.contents.naos);
                self.counted.contents.at = Time(*at);
            }
            Item::File(part) => self.counted.contents.files += u64::from(part.offset == 0),
            Item::Tenant(head) => self.begin(head)?,
            Item::Checkpoint(signed) => {
                let checkpoint = StoredCheckpoint {
                    size: signed.size,
                    at: Time(signed.at),
                    note: signed.note.to_owned(),
                    frontier: signed.frontier.to_vec(),
                };
                self.journal()?.signed.push(checkpoint);
                self.counted.last().checkpoints += 1;
            }
            Item::Fact(fact) => self.fact(fact)?,
            Item::Record(_) => {
                self.journal()?;
                self.counted.last().records += 1;
            }
            Item::Answer(_) => {
                self.journal()?;
                self.counted.last().answers += 1;
            }
            Item::Body(body) => {
                let journal = self.journal()?;
                same(journal.tenant, journal.keys.as_ref(), body)?;
                self.counted.last().bodies += 1;
            }
            Item::TenantEnd { items } => self.end(*items)?,
            Item::Packed { tenant, body } => self.packed(TenantId(*tenant), body)?,
            Item::Key { tenant, subject } => self.key(TenantId(*tenant), SubjectId(*subject))?,
            Item::End { items } => {
                self.over = *items == self.items && self.journal.is_none();
                if !self.over {
                    return Err(BackupError::damaged("items are missing"));
                }
            }
        }
        Ok(())
    }

    fn journal(&mut self) -> Result<&mut Journal, BackupError> {
        let stray = || BackupError::damaged("a row stands outside any tenant");
        self.journal.as_mut().ok_or_else(stray)
    }

    fn begin(&mut self, head: &Head<'_>) -> Result<(), BackupError> {
        if self.journal.is_some() {
            return Err(BackupError::damaged("a tenant's rows have no end"));
        }
        let (tenant, meta) = (TenantId(head.tenant), meta(head));
        let keys = self.keys.of_tenant(tenant)?;
        self.counted.begin(tenant, &meta)?;
        self.journal = Some(Journal {
            tenant,
            meta,
            frontier: Frontier::new(),
            signed: Vec::new(),
            agreed: 0,
            keys,
            before: self.items,
        });
        Ok(())
    }

    fn fact(&mut self, fact: &item::Entry<'_>) -> Result<(), BackupError> {
        let journal = self
            .journal
            .as_mut()
            .ok_or_else(|| BackupError::damaged("a fact stands outside any tenant"))?;
        let (owner, seq) = (file::owner(journal.tenant), journal.frontier.size() + 1);
        let leaf = hash_entry(&owner, seq, fact.at, fact.kind, fact.version, fact.bytes);
        journal.frontier.append(leaf);
        while let Some(next) = journal.signed.get(journal.agreed)
            && next.size <= seq
        {
            verify::agrees(next, journal.tenant, &journal.frontier, &self.signer).map_err(
                |fault| BackupError::damaged(format!("{}, entry {seq}: {fault}", journal.tenant)),
            )?;
            journal.agreed += 1;
        }
        Ok(())
    }

    fn end(&mut self, items: u64) -> Result<(), BackupError> {
        let Some(journal) = self.journal.take() else {
            return Err(BackupError::damaged("a tenant ends that didn't begin"));
        };
        let size = journal.frontier.size();
        let same_tree = size == 0 || journal.frontier.encode() == journal.meta.frontier;
        let whole = size == journal.meta.seq && same_tree && journal.agreed == journal.signed.len();
        if whole && self.items - journal.before == items {
            return Ok(());
        }
        let tenant = journal.tenant;
        Err(BackupError::damaged(format!(
            "the journal of {tenant} is not what was written"
        )))
    }

    fn packed(&mut self, tenant: TenantId, body: &Body<'_>) -> Result<(), BackupError> {
        if self.journal.is_some() {
            return Err(BackupError::damaged("a tenant's rows have no end"));
        }
        self.counted.of(tenant)?.bodies += 1;
        let keys = match self.packed.take() {
            Some((last, keys)) if last == tenant => keys,
            _ => self.keys.of_tenant(tenant)?,
        };
        same(tenant, keys.as_ref(), body)?;
        self.packed = Some((tenant, keys));
        Ok(())
    }

    fn key(&mut self, tenant: TenantId, subject: SubjectId) -> Result<(), BackupError> {
        let destroyed = self.keys.knows(tenant, subject);
        let destroyed = destroyed.ok_or(BackupError::OldKeys { tenant, subject })?;
        self.counted.contents.keys += 1;
        self.counted.contents.erased += u64::from(destroyed);
        Ok(())
    }
}

/// A body is what its name says. Without its key nobody can tell: it is erased.
fn same(tenant: TenantId, keys: Option<&TenantKeys>, body: &Body<'_>) -> Result<(), BackupError> {
    match keys {
        None => Ok(()),
        Some(_) if body.sealed.is_empty() => Ok(()), // it was taken away
        Some(keys) => keys
            .open_body(tenant, &body.name(), body.sealed)
            .map(drop)
            .map_err(|cause| BackupError::damaged(cause.to_string())),
    }
}

pub(crate) fn meta(head: &Head<'_>) -> Meta {
    Meta {
        seq: head.seq,
        epoch: head.epoch,
        at: Time(head.at),
        // Positions are those of a log that isn't there any more.
        pos: 0,
        batch: head.batch,
        records_seq: head.records_seq,
        frontier: head.frontier.to_vec(),
    }
}

pub(crate) fn record(row: &item::Row<'_>) -> crate::traits::Record {
    crate::traits::Record {
        kind: Cow::Owned(row.kind.to_owned()),
        id: row.id.to_vec(),
        version: row.version,
        seq: row.seq,
        open: row.open,
        bytes: Some(row.bytes.to_vec()),
    }
}
