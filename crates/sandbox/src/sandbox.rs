//! The engine of all runs and the components that are ready to run.

use crate::abilities::{IMPORTS, Silent, link};
use crate::cache::Cache;
use crate::child::ChildCompiler;
use crate::compile::{CompileError, check_kind};
use crate::grants::Grants;
use crate::limits::STACK_BYTES_MAX;
use crate::run_state::RunState;
use crate::ticker::{Ticker, Ticking};
use sha2::{Digest, Sha256};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use wasmtime::component::{
    Component, ComponentExportIndex, InstancePre, Linker, Type, types::ComponentItem,
};
use wasmtime::{Engine, OptLevel};

/// Which version of the world the components of this build are linked against.
pub const WORLD: &str = "naos:agent/agent@0.1.0";

/// How often the deadline of a run is looked at, unless set otherwise.
pub const TICK_MS: u64 = 10;

/// How a sandbox works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Who moves its time.
    pub ticking: Ticking,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            ticking: Ticking::EveryMs(TICK_MS),
        }
    }
}

/// Why a sandbox could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// This machine or build cannot run WebAssembly.
    #[error("starting the sandbox: WebAssembly does not work on this machine: {0}")]
    Engine(String),
    /// No thread for the deadlines.
    #[error("starting the sandbox: the thread that watches deadlines does not start")]
    Ticker(#[source] std::io::Error),
}

/// Who compiles a component that is not in the cache.
#[derive(Debug, Clone)]
pub enum Compiler {
    /// This process: for components that come with naos.
    InProcess,
    /// A child with limits: for components from anywhere else.
    InChild(ChildCompiler),
}

impl Compiler {
    /// Compiles in a child that runs `exe __compile`, which must call
    /// [`crate::child::compile_main`].
    pub fn in_child(exe: impl Into<std::path::PathBuf>) -> Self {
        Compiler::InChild(ChildCompiler::new(exe))
    }
}

/// Runs agents. One per process; shared by reference between threads.
pub struct Sandbox {
    pub(crate) engine: Engine,
    linker: Linker<RunState>,
    pub(crate) ticker: Ticker,
    pub(crate) tick_ms: u64,
    key: String,
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl Sandbox {
    /// A sandbox with its own engine and ticker.
    pub fn new(config: &Config) -> Result<Sandbox, SandboxError> {
        let failed = |error: wasmtime::Error| SandboxError::Engine(format!("{error:#}"));
        let engine = Engine::new(&engine_config()).map_err(failed)?;
        let mut linker = Linker::new(&engine);
        link(&mut linker).map_err(failed)?;
        let ticker = Ticker::start(&engine, config.ticking).map_err(SandboxError::Ticker)?;
        let key = engine_key(&engine);
        Ok(Sandbox {
            engine,
            linker,
            ticker,
            tick_ms: config.ticking.ms(),
            key,
        })
    }

    /// Moves the time of [`Ticking::ByHand`] by one tick.
    pub fn tick(&self) {
        self.ticker.tick();
    }

    /// What compiled components depend on beside their source: version and settings of the
    /// compiler. Part of the name of a cached artefact.
    pub fn engine_key(&self) -> &str {
        &self.key
    }

    /// Compiles a trusted component in this process and checks that it is an agent.
    pub fn compile(&self, bytes: &[u8]) -> Result<Compiled, CompileError> {
        self.load(bytes, &Compiler::InProcess, None)
    }

    /// Makes a component ready to run: from the cache, else compiled and put there.
    pub fn load(
        &self,
        bytes: &[u8],
        compiler: &Compiler,
        cache: Option<&Cache>,
    ) -> Result<Compiled, CompileError> {
        check_kind(bytes)?;
        let digest: [u8; 32] = Sha256::digest(bytes).into();
        if let Some(component) = cache.and_then(|cache| self.cached(cache, &digest)) {
            return self.check(&component, digest);
        }
        let artefact = match compiler {
            Compiler::InProcess => self
                .engine
                .precompile_component(bytes)
                .map_err(|error| CompileError::Invalid(format!("{error:#}")))?,
            Compiler::InChild(child) => child.compile(bytes)?,
        };
        let component = self
            .deserialize(&artefact)
            .map_err(CompileError::Artefact)?;
        let compiled = self.check(&component, digest)?;
        if let Some(cache) = cache
            && let Err(error) = cache.put(&digest, &self.key, &artefact)
        {
            // It runs without; the next start compiles again.
            tracing::warn!(%error, "a compiled component could not be cached");
        }
        Ok(compiled)
    }

    fn cached(&self, cache: &Cache, digest: &[u8; 32]) -> Option<Component> {
        let artefact = cache.get(digest, &self.key)?;
        match self.deserialize(&artefact) {
            Ok(component) => Some(component),
            Err(error) => {
                tracing::warn!(
                    error,
                    "a cached component does not fit and is compiled again"
                );
                None
            }
        }
    }

    fn deserialize(&self, artefact: &[u8]) -> Result<Component, String> {
        #[expect(
            unsafe_code,
            reason = "an artefact is machine code: it comes from our own compiler in this process \
                      or a child of our own binary, or carries a valid code of our key"
        )]
        let component = unsafe { Component::deserialize(&self.engine, artefact) };
        component.map_err(|error| format!("{error:#}"))
    }

    /// Imports nothing but the world, exports `handle`, and all types are as they should be.
    fn check(&self, component: &Component, digest: [u8; 32]) -> Result<Compiled, CompileError> {
        let mut silent = Silent::default();
        let kind = component.component_type();
        for (import, _) in kind.imports(&self.engine) {
            if !IMPORTS.contains(&import) {
                return Err(CompileError::Import {
                    import: import.to_owned(),
                });
            }
            silent.note(import);
        }
        match kind
            .get_export(&self.engine, "handle")
            .map(|export| export.ty)
        {
            Some(ComponentItem::ComponentFunc(handle)) if is_handle(&handle) => {}
            Some(_) => return Err(CompileError::HandleType),
            None => return Err(CompileError::NoHandle),
        }
        let handle = component
            .get_export_index(None, "handle")
            .ok_or(CompileError::NoHandle)?;
        let pre = self
            .linker
            .instantiate_pre(component)
            .map_err(|error| CompileError::ImportType(format!("{error:#}")))?;
        Ok(Compiled(Arc::new(Inner {
            pre,
            handle,
            digest,
            silent,
        })))
    }
}

fn is_handle(handle: &wasmtime::component::types::ComponentFunc) -> bool {
    let mut params = handle.params().map(|(_, kind)| kind);
    let mut results = handle.results();
    let takes = matches!((params.next(), params.next()), (Some(Type::String), None));
    let gives = match (results.next(), results.next()) {
        (Some(Type::Result(result)), None) => {
            matches!(
                (result.ok(), result.err()),
                (Some(Type::String), Some(Type::String))
            )
        }
        _ => false,
    };
    takes && gives && !handle.async_()
}

/// A component that is ready to run: compiled, checked and linked. Cheap to clone.
#[derive(Clone)]
pub struct Compiled(Arc<Inner>);

struct Inner {
    pre: InstancePre<RunState>,
    handle: ComponentExportIndex,
    digest: [u8; 32],
    silent: Silent,
}

impl std::fmt::Debug for Compiled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compiled")
            .field("digest", &self.0.digest)
            .finish_non_exhaustive()
    }
}

/// A component needs what its manifest does not grant, and has no way to hear a refusal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

impl Compiled {
    /// SHA-256 of the component: what a run pins.
    pub fn digest(&self) -> [u8; 32] {
        self.0.digest
    }

    /// Whether a manifest grants what the component cannot do without. Ask at load; a run asks
    /// again.
    pub fn admit(&self, grants: &Grants) -> Result<(), Refused> {
        match self.0.silent.refusal(grants) {
            Some(refusal) => Err(Refused(refusal)),
            None => Ok(()),
        }
    }

    pub(crate) fn pre(&self) -> &InstancePre<RunState> {
        &self.0.pre
    }

    pub(crate) fn handle(&self) -> &ComponentExportIndex {
        &self.0.handle
    }

    pub(crate) fn silent(&self) -> Silent {
        self.0.silent
    }
}

/// The settings of every engine, parent and child alike: an artefact fits one set of them.
///
/// What could tell two runs of the same agent apart is off: threads, garbage-collected types,
/// exceptions, 64-bit memories, concurrency; NaNs and relaxed SIMD have one result.
pub(crate) fn engine_config() -> wasmtime::Config {
    let mut config = wasmtime::Config::new();
    config
        .consume_fuel(true)
        .epoch_interruption(true)
        .max_wasm_stack(STACK_BYTES_MAX)
        .cranelift_opt_level(OptLevel::Speed)
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        .wasm_component_model(true)
        .wasm_memory64(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false)
        .concurrency_support(false);
    config
}

/// The settings of an engine in 16 hexadecimal digits.
pub(crate) fn engine_key(engine: &Engine) -> String {
    struct Sha(Sha256);
    impl Hasher for Sha {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            let digest: [u8; 32] = self.0.clone().finalize().into();
            u64::from_le_bytes(digest[..8].try_into().expect("a digest has 32 bytes"))
        }
    }
    let mut sha = Sha(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut sha);
    format!("{:016x}", sha.finish())
}
