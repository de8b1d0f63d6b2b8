//! Compiled components on disk, each with a code that only we can make.
//!
//! An artefact is machine code that is run as it is. So a file counts only when its HMAC-SHA256
//! over (settings of the engine, digest of the component, artefact) is right; any other file is
//! as good as none.

use crate::limits::ARTEFACT_BYTES_MAX;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

const MAC_BYTES: usize = 32;

/// A folder of compiled components.
#[derive(Clone)]
pub struct Cache {
    dir: PathBuf,
    key: [u8; 32],
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache")
            .field("dir", &self.dir)
            .finish_non_exhaustive()
    }
}

impl Cache {
    /// In `dir`, which is made when it is needed. Whoever knows `key` can make us run anything:
    /// it belongs into the key file of the node.
    pub fn new(dir: impl Into<PathBuf>, key: [u8; 32]) -> Self {
        Cache {
            dir: dir.into(),
            key,
        }
    }

    /// Where the artefact of a component lies.
    pub fn path(&self, digest: &[u8; 32], engine_key: &str) -> PathBuf {
        let mut name = String::with_capacity(64 + engine_key.len() + 7);
        for byte in digest {
            name.push_str(&format!("{byte:02x}"));
        }
        self.dir.join(format!("{name}-{engine_key}.cwasm"))
    }

    pub(crate) fn get(&self, digest: &[u8; 32], engine_key: &str) -> Option<Vec<u8>> {
        let path = self.path(digest, engine_key);
        match read(&path) {
            Ok(bytes) => {
                let artefact = self.open(digest, engine_key, bytes);
                if artefact.is_none() {
                    let path = path.display();
                    tracing::warn!(%path, "a cached component is damaged or not ours; compiling");
                }
                artefact
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "a cached component is unreadable");
                None
            }
        }
    }

    fn open(&self, digest: &[u8; 32], engine_key: &str, mut bytes: Vec<u8>) -> Option<Vec<u8>> {
        let (code, artefact) = bytes.split_at_checked(MAC_BYTES)?;
        self.mac(digest, engine_key, artefact)
            .verify_slice(code)
            .ok()?;
        bytes.drain(..MAC_BYTES);
        Some(bytes)
    }

    /// Whole or not at all: written aside, then renamed.
    pub(crate) fn put(
        &self,
        digest: &[u8; 32],
        engine_key: &str,
        artefact: &[u8],
    ) -> io::Result<()> {
        fs::create_dir_all(&self.dir)?;
        let path = self.path(digest, engine_key);
        // Several threads may compile the same component at once: each writes a file of its own.
        static TURN: AtomicU64 = AtomicU64::new(0);
        let turn = TURN.fetch_add(1, Ordering::Relaxed);
        let aside = path.with_extension(format!("{}-{turn}.part", std::process::id()));
        let written = self.write(&aside, digest, engine_key, artefact);
        let renamed = written.and_then(|()| fs::rename(&aside, &path));
        if renamed.is_err() {
            // Nobody reads it; the error that matters is the first one.
            let _ = fs::remove_file(&aside);
        }
        renamed
    }

    fn write(
        &self,
        path: &Path,
        digest: &[u8; 32],
        engine_key: &str,
        artefact: &[u8],
    ) -> io::Result<()> {
        let mut file = File::create(path)?;
        let code = self
            .mac(digest, engine_key, artefact)
            .finalize()
            .into_bytes();
        file.write_all(&code)?;
        file.write_all(artefact)
    }

    fn mac(&self, digest: &[u8; 32], engine_key: &str, artefact: &[u8]) -> Hmac<Sha256> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        mac.update(b"naos cwasm 1");
        mac.update(&(engine_key.len() as u64).to_le_bytes());
        mac.update(engine_key.as_bytes());
        mac.update(digest);
        mac.update(artefact);
        mac
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let mut bytes = Vec::new();
    file.take((ARTEFACT_BYTES_MAX + MAC_BYTES) as u64)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}
