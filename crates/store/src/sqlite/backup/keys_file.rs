//! The file of keys: what opens a backup and everything in it. Never in the backup itself, never
//! handed out by the API: whoever makes a backup reads them from the data directory.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use naos_ledger::{Signer, SigningKey};
use naos_types::{Digest, SubjectId, TenantId};
use rusqlite::params;
use zeroize::Zeroizing;

use super::BackupError;
use crate::crypto::{Key, TenantKeys};
use crate::sqlite::db::{self, DbError, Mode};
use crate::sqlite::keys::{self, RING};

const MAGIC: &[u8; 8] = b"naoskey\n";
const FORMAT: u32 = 1;
const SUM_BYTES: usize = 32;
/// A wrapped key: nonce, key and tag.
const WRAPPED_BYTES_MAX: usize = 255;

/// All keys of a node at some moment.
pub struct BackupKeys {
    raw: Zeroizing<[u8; 32]>,
    signing: Zeroizing<[u8; 32]>,
    pub(crate) node: Key,
    ring: Ring,
}

/// Wrapped keys; none for one that is destroyed.
type Ring = HashMap<(TenantId, SubjectId), Option<Vec<u8>>>;

impl BackupKeys {
    /// The keys of a data directory, which may be in use.
    ///
    /// # Errors
    /// [`BackupError`] if they can't be read.
    pub fn of(data: &Path) -> Result<Self, BackupError> {
        let dir = data.join("keys");
        let failed = |path: &Path, cause: DbError| {
            BackupError::Source(cause.reading(&path.display().to_string()))
        };
        let read = |name: &str| {
            let path = dir.join(name);
            keys::key_file(&path, false).map_err(|cause| failed(&path, cause))
        };
        let (raw, signing) = (read("node.key")?, read("sign.key")?);
        let path = dir.join("ring.db");
        let ring = ring(&path).map_err(|cause| failed(&path, cause))?;
        Ok(Self::new(raw, signing, ring))
    }

    fn new(raw: Zeroizing<[u8; 32]>, signing: Zeroizing<[u8; 32]>, ring: Ring) -> Self {
        let node = Key::new(raw.clone());
        Self {
            raw,
            signing,
            node,
            ring,
        }
    }

    /// As they stand in their file.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::new());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&FORMAT.to_be_bytes());
        bytes.extend_from_slice(&self.raw[..]);
        bytes.extend_from_slice(&self.signing[..]);
        let mut rows: Vec<_> = self.ring.iter().collect();
        rows.sort_unstable_by_key(|(of, _)| **of);
        for ((tenant, subject), wrapped) in rows {
            let wrapped = wrapped.as_deref().unwrap_or_default();
            bytes.extend_from_slice(&tenant.0.to_be_bytes());
            bytes.extend_from_slice(&subject.0.to_be_bytes());
            bytes.push(wrapped.len().min(WRAPPED_BYTES_MAX) as u8);
            bytes.extend_from_slice(wrapped);
        }
        let sum = Digest::of(&bytes);
        bytes.extend_from_slice(&sum.0);
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`BackupError`] if it is another kind of file, or isn't what was written.
    pub fn parse(bytes: &[u8]) -> Result<Self, BackupError> {
        let damaged = || BackupError::damaged("the file of keys isn't what was written");
        let (magic, rest) = bytes.split_at_checked(8).ok_or_else(damaged)?;
        if magic != MAGIC {
            return Err(BackupError::Foreign {
                what: "file of keys",
            });
        }
        let (format, _) = rest.split_first_chunk::<4>().ok_or_else(damaged)?;
        let found = u32::from_be_bytes(*format);
        if found != FORMAT {
            return Err(BackupError::Newer {
                found,
                ours: FORMAT,
            });
        }
        let (content, sum) = bytes.split_last_chunk::<SUM_BYTES>().ok_or_else(damaged)?;
        if Digest::of(content).0 != *sum {
            return Err(damaged());
        }
        let rest = content.get(12..).ok_or_else(damaged)?;
        let (raw, rest) = rest.split_first_chunk::<32>().ok_or_else(damaged)?;
        let (signing, mut rest) = rest.split_first_chunk::<32>().ok_or_else(damaged)?;
        let mut ring = HashMap::new();
        while !rest.is_empty() {
            let (tenant, after) = rest.split_first_chunk::<16>().ok_or_else(damaged)?;
            let (subject, after) = after.split_first_chunk::<8>().ok_or_else(damaged)?;
            let (length, after) = after.split_first().ok_or_else(damaged)?;
            let (wrapped, after) = after
                .split_at_checked(usize::from(*length))
                .ok_or_else(damaged)?;
            let of = (
                TenantId(u128::from_be_bytes(*tenant)),
                SubjectId(u64::from_be_bytes(*subject)),
            );
            ring.insert(of, (!wrapped.is_empty()).then(|| wrapped.to_vec()));
            rest = after;
        }
        Ok(Self::new(
            Zeroizing::new(*raw),
            Zeroizing::new(*signing),
            ring,
        ))
    }

    /// Whether both are keys of one node.
    #[must_use]
    pub fn same_node(&self, other: &Self) -> bool {
        self.raw == other.raw
    }

    /// How many keys there are that were destroyed.
    #[must_use]
    pub fn destroyed(&self) -> usize {
        self.ring.values().filter(|key| key.is_none()).count()
    }

    pub(crate) fn signer(&self) -> Signer {
        Signer::new(SigningKey::from_bytes(&self.signing), keys::SIGNER_NAME)
            .expect("our own name is a key name")
    }

    /// Whether a key was ever made, and if it was destroyed.
    pub(crate) fn knows(&self, tenant: TenantId, subject: SubjectId) -> Option<bool> {
        let wrapped = self.ring.get(&(tenant, subject))?;
        Some(wrapped.is_none())
    }

    /// What opens a tenant's bodies; none if its key is destroyed.
    pub(crate) fn of_tenant(&self, tenant: TenantId) -> Result<Option<TenantKeys>, BackupError> {
        let subject = SubjectId::TENANT;
        let found = self.ring.get(&(tenant, subject));
        let Some(wrapped) = found.ok_or(BackupError::OldKeys { tenant, subject })? else {
            return Ok(None);
        };
        let key = keys::unwrap(&self.node, tenant, subject, wrapped);
        let damaged = || BackupError::damaged(format!("the key of {tenant}"));
        Ok(Some(TenantKeys::new(Arc::new(key.ok_or_else(damaged)?))))
    }

    /// Lays them out as a data directory has them.
    pub(crate) fn restore(&self, dir: &Path) -> Result<(), DbError> {
        keys::write_key_file(&dir.join("node.key"), &self.raw)?;
        keys::write_key_file(&dir.join("sign.key"), &self.signing)?;
        let conn = keys::open_ring(&dir.join("ring.db"))?;
        conn.execute_batch("BEGIN IMMEDIATE")?;
        {
            let mut insert =
                conn.prepare("INSERT INTO ring(tenant, subject, wrapped) VALUES(?1, ?2, ?3)")?;
            for ((tenant, subject), wrapped) in &self.ring {
                insert.execute(params![tenant.0.to_be_bytes(), subject.0 as i64, wrapped])?;
            }
        }
        conn.execute_batch("COMMIT")?;
        conn.close().map_err(|(_, cause)| DbError::from(cause))?;
        Ok(db::sync_dir(dir)?)
    }
}

fn ring(path: &Path) -> Result<Ring, DbError> {
    let conn = db::open(path, &RING, Mode::Reader)?;
    let mut select = conn.prepare("SELECT tenant, subject, wrapped FROM ring")?;
    let mut rows = select.query([])?;
    let mut found = HashMap::new();
    while let Some(row) = rows.next()? {
        let tenant: Vec<u8> = row.get(0)?;
        let tenant = TenantId(u128::from_be_bytes(db::fixed(&tenant, "ring")?));
        let subject = SubjectId(row.get::<_, i64>(1)? as u64);
        found.insert((tenant, subject), row.get(2)?);
    }
    Ok(found)
}
