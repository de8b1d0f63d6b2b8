//! The key ring: one AES-256 key per tenant and subject, wrapped by the node's key.
//!
//! A key is durable before it seals anything. Destroying one leaves a row that says so, so that
//! it is never made anew.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use naos_ledger::{Signer, SigningKey};
use naos_types::{SubjectId, TenantId};
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::db::{self, DbError, Layout, Mode};
use crate::crypto::{self, Key, TenantKeys};

/// Under which name this node signs checkpoints; each journal's origin begins with it.
pub(crate) const SIGNER_NAME: &str = "naos";
/// How many expanded keys are kept in memory.
const CACHED_KEYS_MAX: usize = 10_000;
/// A key file: the key and the first bytes of its SHA-256.
const KEY_FILE_BYTES: usize = 32 + 8;

pub(crate) static RING: Layout = Layout {
    name: "key ring",
    format: 1,
    schema: "CREATE TABLE ring(
        tenant BLOB NOT NULL,
        subject INTEGER NOT NULL,
        wrapped BLOB,
        PRIMARY KEY(tenant, subject)
    ) STRICT, WITHOUT ROWID;",
};

/// All keys of a node.
pub(crate) struct Keys {
    path: PathBuf,
    node: Key,
    signing: Zeroizing<[u8; 32]>,
    ring: Mutex<Ring>,
}

struct Ring {
    conn: Connection,
    cached: HashMap<(TenantId, SubjectId), Arc<Key>>,
    owners: HashMap<TenantId, Arc<TenantKeys>>,
}

impl Keys {
    /// Opens the directory's keys, and makes them at the first start. Where something is sealed
    /// already (`used`), a ring that isn't there is a loss: a new one would open nothing.
    pub(crate) fn open(dir: &Path, used: bool) -> Result<Self, DbError> {
        fs::create_dir_all(dir)?;
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
        let path = dir.join("ring.db");
        let first = !path.exists();
        let used = used && !super::planted::new_ring();
        if used && fs::metadata(&path).map_or(0, |about| about.len()) == 0 {
            return Err(DbError::Gone(path.display().to_string()));
        }
        let node = Key::new(key_file(&dir.join("node.key"), first)?);
        let signing = key_file(&dir.join("sign.key"), first)?;
        let conn = open_ring(&path)?;
        db::sync_dir(dir)?;
        let ring = Ring {
            conn,
            cached: HashMap::new(),
            owners: HashMap::new(),
        };
        let keys = Self {
            path,
            node,
            signing,
            ring: Mutex::new(ring),
        };
        Ok(keys)
    }

    /// Reads every key: what is damaged is named before anything is sealed or opened with it.
    pub(crate) fn check(&self) -> Result<u64, DbError> {
        let ring = self.ring();
        let mut select = ring
            .conn
            .prepare_cached("SELECT tenant, subject FROM ring ORDER BY tenant, subject")?;
        let mut rows = select.query([])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            count += 1;
            let tenant: Vec<u8> = row.get(0)?;
            let tenant = TenantId(u128::from_be_bytes(db::fixed(&tenant, "ring")?));
            let subject = SubjectId(row.get::<_, i64>(1)? as u64);
            match self.find(&ring.conn, tenant, subject) {
                Ok(_) | Err(DbError::Erased(_)) => {}
                Err(cause) => return Err(cause),
            }
        }
        Ok(count)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The node's own key.
    pub(crate) const fn node(&self) -> &Key {
        &self.node
    }

    /// Whose keys there are, and which of them are destroyed.
    pub(crate) fn all(&self) -> Result<Vec<(TenantId, SubjectId, bool)>, DbError> {
        let ring = self.ring();
        let mut select = ring.conn.prepare_cached(
            "SELECT tenant, subject, wrapped IS NULL FROM ring ORDER BY tenant, subject",
        )?;
        let mut rows = select.query([])?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            let tenant: [u8; 16] = row.get(0)?;
            let tenant = TenantId(u128::from_be_bytes(tenant));
            all.push((tenant, SubjectId(row.get::<_, i64>(1)? as u64), row.get(2)?));
        }
        Ok(all)
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who signs checkpoints.
    pub(crate) fn signer(&self) -> Signer {
        Signer::new(SigningKey::from_bytes(&self.signing), SIGNER_NAME)
            .expect("our own name is a key name")
    }

    /// A tenant's keys, made at their first use.
    pub(crate) fn tenant(&self, tenant: TenantId) -> Result<Arc<TenantKeys>, DbError> {
        if let Some(keys) = self.ring().owners.get(&tenant) {
            return Ok(Arc::clone(keys));
        }
        let keys = Arc::new(TenantKeys::new(self.key(tenant, SubjectId::TENANT)?));
        let mut ring = self.ring();
        if ring.owners.len() >= CACHED_KEYS_MAX {
            ring.owners.clear();
        }
        Ok(Arc::clone(ring.owners.entry(tenant).or_insert(keys)))
    }

    /// A subject's key, made at its first use.
    pub(crate) fn key(&self, tenant: TenantId, subject: SubjectId) -> Result<Arc<Key>, DbError> {
        let mut ring = self.ring();
        if let Some(key) = ring.cached.get(&(tenant, subject)) {
            return Ok(Arc::clone(key));
        }
        let key = match self.find(&ring.conn, tenant, subject)? {
            Some(key) => key,
            None => self.make(&ring.conn, tenant, subject)?,
        };
        if ring.cached.len() >= CACHED_KEYS_MAX {
            ring.cached.clear();
        }
        let key = Arc::new(key);
        ring.cached.insert((tenant, subject), Arc::clone(&key));
        Ok(key)
    }

    fn find(
        &self,
        conn: &Connection,
        tenant: TenantId,
        subject: SubjectId,
    ) -> Result<Option<Key>, DbError> {
        let wrapped: Option<Option<Vec<u8>>> = conn
            .prepare_cached("SELECT wrapped FROM ring WHERE tenant = ?1 AND subject = ?2")?
            .query_row(params![tenant.0.to_be_bytes(), subject.0 as i64], |row| {
                row.get(0)
            })
            .optional()?;
        let Some(wrapped) = wrapped else {
            return Ok(None);
        };
        let wrapped = wrapped.ok_or(DbError::Erased(subject))?;
        let damaged = || DbError::Row {
            table: "ring",
            key: format!("{tenant}, subject {}", subject.0),
        };
        let key = unwrap(&self.node, tenant, subject, &wrapped).ok_or_else(damaged)?;
        Ok(Some(key))
    }

    fn make(
        &self,
        conn: &Connection,
        tenant: TenantId,
        subject: SubjectId,
    ) -> Result<Key, DbError> {
        let raw = crypto::random_key();
        let aad = ring_aad(tenant, subject);
        let wrapped = self
            .node
            .seal_joined(crypto::random_nonce(), &aad, &raw[..]);
        conn.prepare_cached("INSERT INTO ring(tenant, subject, wrapped) VALUES(?1, ?2, ?3)")?
            .execute(params![tenant.0.to_be_bytes(), subject.0 as i64, wrapped])?;
        Ok(Key::new(raw))
    }

    /// Destroys a key for good, whether it was ever made or not.
    pub(crate) fn destroy(&self, tenant: TenantId, subject: SubjectId) -> Result<(), DbError> {
        let mut ring = self.ring();
        ring.conn
            .prepare_cached(
                "INSERT INTO ring(tenant, subject, wrapped) VALUES(?1, ?2, NULL)
                 ON CONFLICT(tenant, subject) DO UPDATE SET wrapped = NULL",
            )?
            .execute(params![tenant.0.to_be_bytes(), subject.0 as i64])?;
        ring.cached.remove(&(tenant, subject));
        if subject == SubjectId::TENANT {
            ring.owners.remove(&tenant);
        }
        Ok(())
    }
}

/// A ring's file, made if it isn't there; nobody else's to read.
pub(crate) fn open_ring(path: &Path) -> Result<Connection, DbError> {
    let conn = db::open(path, &RING, Mode::Secret)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    Ok(conn)
}

/// A subject's key out of its wrapping; none if anything about it was changed.
pub(crate) fn unwrap(
    node: &Key,
    tenant: TenantId,
    subject: SubjectId,
    wrapped: &[u8],
) -> Option<Key> {
    let raw = Zeroizing::new(node.open_joined(&ring_aad(tenant, subject), wrapped)?);
    let raw: [u8; 32] = raw.as_slice().try_into().ok()?;
    Some(Key::new(Zeroizing::new(raw)))
}

fn ring_aad(tenant: TenantId, subject: SubjectId) -> [u8; 28] {
    let mut aad = *b"ring........................";
    aad[4..20].copy_from_slice(&tenant.0.to_be_bytes());
    aad[20..].copy_from_slice(&subject.0.to_be_bytes());
    aad
}

fn key_sum(key: &[u8]) -> [u8; 8] {
    let mut sum = [0; 8];
    sum.copy_from_slice(&Sha256::digest(key)[..8]);
    sum
}

/// Reads a key file, or makes it if this is the ring's first opening.
pub(crate) fn key_file(path: &Path, first: bool) -> Result<Zeroizing<[u8; 32]>, DbError> {
    let damaged = || DbError::Row {
        table: "key file",
        key: path.display().to_string(),
    };
    match fs::read(path) {
        Ok(bytes) => {
            let bytes = Zeroizing::new(bytes);
            if bytes.len() != KEY_FILE_BYTES || bytes[32..] != key_sum(&bytes[..32]) {
                return Err(damaged());
            }
            let mut key = Zeroizing::new([0; 32]);
            key.copy_from_slice(&bytes[..32]);
            Ok(key)
        }
        // A lost key must not be replaced in silence: everything it sealed would be gone.
        Err(cause) if cause.kind() == io::ErrorKind::NotFound && first => make_key_file(path),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Err(damaged()),
        Err(cause) => Err(cause.into()),
    }
}

fn make_key_file(path: &Path) -> Result<Zeroizing<[u8; 32]>, DbError> {
    let key = crypto::random_key();
    write_key_file(path, &key)?;
    Ok(key)
}

/// Writes a key file, whole or not at all.
pub(crate) fn write_key_file(path: &Path, key: &[u8; 32]) -> Result<(), DbError> {
    let draft = path.with_extension("new");
    let _leftover = fs::remove_file(&draft);
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(&key[..])?;
    file.write_all(&key_sum(&key[..]))?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    if let Some(dir) = path.parent() {
        db::sync_dir(dir)?;
    }
    Ok(())
}
