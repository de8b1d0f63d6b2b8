//! The components of a node, ready to run: a component is never compiled on the way of a request.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use naos_sandbox::{Cache, CompileError, Compiled, Compiler, Sandbox};
use naos_types::Digest;

use super::lock;

/// Why a component can't be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Nobody brought it.
    #[error("the component {0} isn't on this node")]
    Missing(Digest),
    /// It is no component of the world, or could not be compiled.
    #[error("{0}")]
    Compile(#[from] CompileError),
    /// Its file.
    #[error("could not keep the component at {}", path.display())]
    File {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
}

/// All components of a node.
pub struct Components {
    sandbox: Arc<Sandbox>,
    built_in: BTreeMap<Digest, &'static [u8]>,
    dir: PathBuf,
    cache: Option<Cache>,
    outside: Compiler,
    ready: Mutex<BTreeMap<Digest, Compiled>>,
}

impl Components {
    /// Components that came with naos (`built_in`) and those that are kept in `dir`. `outside`
    /// compiles the latter.
    #[must_use]
    pub fn new(
        sandbox: Arc<Sandbox>,
        built_in: &[&'static [u8]],
        dir: PathBuf,
        cache: Option<Cache>,
        outside: Compiler,
    ) -> Self {
        let built_in = built_in
            .iter()
            .map(|bytes| (Digest::of(bytes), *bytes))
            .collect();
        Self {
            sandbox,
            built_in,
            dir,
            cache,
            outside,
            ready: Mutex::default(),
        }
    }

    /// Compiles a component, keeps it on disk, and says what it is called.
    ///
    /// # Errors
    /// [`LoadError`]: nothing is kept of what isn't a component of the world.
    pub fn keep(&self, bytes: &[u8]) -> Result<Digest, LoadError> {
        let digest = Digest::of(bytes);
        if lock(&self.ready).contains_key(&digest) || self.built_in.contains_key(&digest) {
            self.get(digest)?;
            return Ok(digest);
        }
        let compiled = self.load(bytes, &self.outside)?;
        let path = self.path(digest);
        write_synced(&self.dir, &path, bytes).map_err(|cause| LoadError::File {
            path: path.clone(),
            cause,
        })?;
        lock(&self.ready).insert(digest, compiled);
        Ok(digest)
    }

    /// A component, ready to run. Compiles only what this process never ran before.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn get(&self, digest: Digest) -> Result<Compiled, LoadError> {
        if let Some(compiled) = lock(&self.ready).get(&digest) {
            return Ok(compiled.clone());
        }
        let compiled = if let Some(bytes) = self.built_in.get(&digest) {
            self.load(bytes, &Compiler::InProcess)?
        } else {
            let path = self.path(digest);
            let bytes = std::fs::read(&path).map_err(|_| LoadError::Missing(digest))?;
            if Digest::of(&bytes) != digest {
                return Err(LoadError::Missing(digest));
            }
            self.load(&bytes, &self.outside)?
        };
        lock(&self.ready).insert(digest, compiled.clone());
        Ok(compiled)
    }

    /// Compiles on a thread that gives way to whoever is answered meanwhile; the compiler's own
    /// threads take after the first that asks for them.
    fn load(&self, bytes: &[u8], compiler: &Compiler) -> Result<Compiled, LoadError> {
        let load = || {
            super::world::give_way();
            self.sandbox.load(bytes, compiler, self.cache.as_ref())
        };
        let loaded = std::thread::scope(|scope| scope.spawn(load).join());
        Ok(loaded.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?)
    }

    fn path(&self, digest: Digest) -> PathBuf {
        self.dir.join(format!("{digest}.wasm"))
    }
}

/// Writes a file so that it is there whole or not at all, even after a power cut.
fn write_synced(dir: &Path, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    std::fs::create_dir_all(dir)?;
    let new = path.with_extension("new");
    let mut file = std::fs::File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    std::fs::File::open(dir)?.sync_all()
}
