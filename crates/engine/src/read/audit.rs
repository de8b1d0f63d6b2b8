//! The audit log: the journal, line by line.

use naos_store::Entry;
use naos_types::fact::{Fact, tenant};
use naos_types::{Actor, RunId, Seq, TenantId, Time};

use super::{Looked, Reader, damaged};
use naos_types::Refusal;

/// How many entries a filtered look at the journal reads before it answers with what it has.
pub const AUDIT_SCAN_MAX: u64 = 50_000;
/// How many entries are read at once.
const CHUNK: u64 = 512;

/// One fact as a line of the audit log.
#[derive(Clone, Debug)]
pub struct AuditRow {
    /// Its place in the journal.
    pub seq: Seq,
    /// When.
    pub at: Time,
    /// What happened, in the audit log's words.
    pub action: String,
    /// To what.
    pub subject: String,
    /// Who did it.
    pub actor: String,
    /// The run it belongs to.
    pub run: Option<RunId>,
    /// An amount, a status, a reason.
    pub remark: Option<String>,
    /// Its leaf in the Merkle tree, in hexadecimal.
    pub hash: String,
    /// The fact; none of a kind that this naos doesn't know.
    pub fact: Option<Fact>,
}

impl AuditRow {
    /// One entry as a line.
    #[must_use]
    pub fn of(tenant: TenantId, entry: &Entry) -> Self {
        let owner = tenant.0.to_be_bytes();
        let hash = naos_ledger::hash_entry(
            &owner,
            entry.seq,
            entry.at.0,
            &entry.kind,
            entry.version,
            &entry.bytes,
        );
        let fact = Fact::decode(&entry.kind, entry.version, &entry.bytes).ok();
        let (action, subject) = match &fact {
            Some(fact) => (fact.action().to_owned(), fact.subject()),
            None => (entry.kind.to_string(), String::new()),
        };
        Self {
            seq: entry.seq,
            at: entry.at,
            action,
            subject,
            actor: fact.as_ref().map_or_else(String::new, actor),
            run: fact.as_ref().and_then(Fact::run),
            remark: fact.as_ref().and_then(Fact::remark),
            hash: hash.as_bytes().iter().map(|b| format!("{b:02x}")).collect(),
            fact,
        }
    }

    /// `[2025-01-15 10:30:01] cost.recorded researcher $0.05`, in UTC.
    #[must_use]
    pub fn line(&self) -> String {
        let head = format!(
            "[{}] {} {}",
            self.at.audit_text(),
            self.action,
            self.subject
        );
        match &self.remark {
            Some(remark) => format!("{head} {remark}"),
            None => head,
        }
    }
}

/// Who did it: where the fact doesn't say, the agent whose run it is, or naos itself.
fn actor(fact: &Fact) -> String {
    match (fact.actor(), fact) {
        (Some(actor), _) => actor.to_string(),
        (None, Fact::Run(_) | Fact::Budget(_)) => format!("agent:{}", fact.subject()),
        (None, _) => Actor::System.to_string(),
    }
}

/// Which lines are wanted.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// The action or its beginning.
    pub action: Option<String>,
    /// The agent, actor or subject.
    pub who: Option<String>,
}

impl AuditFilter {
    /// Whether a line is wanted.
    #[must_use]
    pub fn fits(&self, row: &AuditRow) -> bool {
        let action = self.action.as_deref();
        let who = self.who.as_deref();
        action.is_none_or(|action| row.action.starts_with(action))
            && who.is_none_or(|who| {
                row.subject == who
                    || row.actor == who
                    || row
                        .actor
                        .split_once(':')
                        .is_some_and(|(_, name)| name == who)
            })
    }
}

impl Reader {
    /// One entry as a line, with the owner's reason where one was asked for.
    fn audit_row(&self, entry: &Entry) -> AuditRow {
        let mut row = AuditRow::of(self.tenant, entry);
        if let Some(Fact::Tenant(tenant::Fact::Skipped(fact))) = &row.fact {
            let about = row.remark.take().unwrap_or_default();
            row.remark = Some(format!("{about}: {}", self.sealed(&fact.reason)));
        }
        row
    }

    /// Up to `limit` lines that fit, after `after`, oldest first; and up to where the journal was
    /// looked at, at most `scan` entries of it.
    ///
    /// # Errors
    /// A refusal if the journal is damaged.
    pub fn audit_after(
        &self,
        after: Seq,
        limit: usize,
        scan: u64,
        filter: &AuditFilter,
    ) -> Result<(Vec<AuditRow>, Seq), Refusal> {
        let (mut out, mut at) = (Vec::new(), after);
        while out.len() < limit && at - after < scan {
            let count = CHUNK.min(scan - (at - after));
            let entries = self.store.entries(at, count as usize).map_err(damaged)?;
            if entries.is_empty() {
                break;
            }
            for entry in &entries {
                at = entry.seq;
                out.extend(Some(self.audit_row(entry)).filter(|row| filter.fits(row)));
                if out.len() == limit {
                    break;
                }
            }
        }
        Ok((out, at))
    }

    /// The last `limit` lines that fit and stand before `before`, oldest first, among `scan`
    /// entries.
    ///
    /// # Errors
    /// A refusal if the journal is damaged.
    pub fn audit_last(
        &self,
        before: Option<Seq>,
        limit: usize,
        scan: u64,
        filter: &AuditFilter,
    ) -> Result<Looked<AuditRow>, Refusal> {
        if limit == 0 {
            let (rows, newest) = (Vec::new(), 0);
            return Ok(Looked {
                rows,
                next: before,
                newest,
            });
        }
        let mut rows: Vec<AuditRow> = Vec::new();
        let (next, newest) = self.backwards(before, scan, |entry| {
            rows.extend(Some(self.audit_row(entry)).filter(|row| filter.fits(row)));
            Ok((rows.len() == limit).then_some(entry.seq))
        })?;
        rows.reverse();
        let next = next.filter(|seq| *seq > 1); // before the first there is nothing
        Ok(Looked { rows, next, newest })
    }

    /// The first seq whose fact is not older than `at`: the journal's times never run backwards.
    ///
    /// # Errors
    /// A refusal if the journal is damaged.
    pub fn seq_at(&self, at: Time) -> Result<Seq, Refusal> {
        let (mut low, mut high) = (0, self.seq()?);
        while low < high {
            let middle = low + (high - low) / 2;
            let entry = self.store.entries(middle, 1).map_err(damaged)?;
            match entry.first() {
                Some(entry) if entry.at < at => low = middle + 1,
                _ => high = middle,
            }
        }
        Ok(low + 1)
    }
}
