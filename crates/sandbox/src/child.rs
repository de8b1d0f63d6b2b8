//! Compiles a component from outside in a child process of the same binary, with limits.
//!
//! A compiler is a large program that reads hostile bytes: a module can make it use hours or all
//! memory, and a bug in it must not be a bug in the process that holds every tenant's keys.
//! The child gets no environment, no arguments but its limits, and two pipes: the component in,
//! one tag byte and the artefact (or a sentence) out.

use crate::compile::{CompileError, check_kind};
use crate::limits::{ARTEFACT_BYTES_MAX, COMPONENT_BYTES_MAX};
use crate::sandbox::engine_config;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use wasmtime::Engine;

/// First argument of a child that compiles.
pub const CHILD_ARGUMENT: &str = "__compile";

const TAG_ARTEFACT: u8 = 0;
const TAG_INVALID: u8 = 1;

/// Bytes of a child's sentence that we keep.
const SENTENCE_BYTES_MAX: usize = 4 << 10;

/// What a child that compiles may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChildLimits {
    /// Address space.
    pub memory_bytes: u64,
    /// Processor time.
    pub cpu_s: u64,
    /// Wall clock.
    pub wall_ms: u64,
}

impl Default for ChildLimits {
    fn default() -> Self {
        ChildLimits {
            memory_bytes: 2 << 30,
            cpu_s: 60,
            wall_ms: 120_000,
        }
    }
}

/// Why the child did not compile.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// No child.
    #[error("compiling a component: the child process {exe} does not start")]
    Start {
        /// What was to be run.
        exe: String,
        /// Why it did not.
        #[source]
        source: io::Error,
    },
    /// Took too long by the clock.
    #[error(
        "compiling a component: it takes longer than {wall_ms} ms; \
         the component is too large or made to be slow"
    )]
    WallClock {
        /// The limit.
        wall_ms: u64,
    },
    /// Took too much processor time.
    #[error(
        "compiling a component: it takes more than {cpu_s} s of processor time; \
         the component is too large or made to be slow"
    )]
    Cpu {
        /// The limit.
        cpu_s: u64,
    },
    /// Broke, most likely for want of memory.
    #[error(
        "compiling a component: the compiler broke ({status}); most likely it needs more than \
         {memory_bytes} bytes of memory: the component is too large or made to be"
    )]
    Broke {
        /// How it ended.
        status: String,
        /// The limit.
        memory_bytes: u64,
    },
    /// A program that knows nothing of this.
    #[error("compiling a component: {exe} is not a naos that compiles; name the running binary")]
    Stranger {
        /// What was run.
        exe: String,
    },
    /// The pipes failed.
    #[error("compiling a component: talking to the child process failed")]
    Pipe(#[source] io::Error),
}

/// Compiles in a child that runs `exe __compile`.
#[derive(Debug, Clone)]
pub struct ChildCompiler {
    exe: PathBuf,
    limits: ChildLimits,
}

impl ChildCompiler {
    /// `exe` is normally the running binary itself.
    pub fn new(exe: impl Into<PathBuf>) -> Self {
        ChildCompiler {
            exe: exe.into(),
            limits: ChildLimits::default(),
        }
    }

    /// The same with other limits.
    pub fn with_limits(self, limits: ChildLimits) -> Self {
        ChildCompiler { limits, ..self }
    }

    pub(crate) fn compile(&self, component: &[u8]) -> Result<Vec<u8>, CompileError> {
        let mut child = self.spawn()?;
        let reply = self.converse(&mut child, component);
        let status = child.wait().map_err(ChildError::Pipe)?;
        let mut reply = reply?;
        if !status.success() {
            return Err(self.broke(status).into());
        }
        match reply.first().copied() {
            Some(TAG_ARTEFACT) => Ok(reply.split_off(1)),
            Some(TAG_INVALID) => {
                let sentence = &reply[1..reply.len().min(SENTENCE_BYTES_MAX)];
                Err(CompileError::Invalid(
                    String::from_utf8_lossy(sentence).into_owned(),
                ))
            }
            _ => Err(ChildError::Stranger {
                exe: self.exe.display().to_string(),
            }
            .into()),
        }
    }

    fn spawn(&self) -> Result<Child, ChildError> {
        Command::new(&self.exe)
            .arg(CHILD_ARGUMENT)
            .arg(self.limits.memory_bytes.to_string())
            .arg(self.limits.cpu_s.to_string())
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // What a dying compiler prints is for us, and the status says enough.
            .stderr(Stdio::null())
            .spawn()
            .map_err(|source| ChildError::Start {
                exe: self.exe.display().to_string(),
                source,
            })
    }

    /// Writes and reads at the same time, so that neither side waits for the other forever.
    fn converse(&self, child: &mut Child, component: &[u8]) -> Result<Vec<u8>, ChildError> {
        let missing = || ChildError::Pipe(io::ErrorKind::BrokenPipe.into());
        let mut into = child.stdin.take().ok_or_else(missing)?;
        let mut out = child.stdout.take().ok_or_else(missing)?;
        let wall_ms = self.limits.wall_ms;
        std::thread::scope(|scope| {
            scope.spawn(move || {
                // A child that died early shows in its status, not here.
                let _ = into.write_all(component);
            });
            let (done, reply) = mpsc::channel();
            scope.spawn(move || {
                let mut bytes = Vec::new();
                let limit = ARTEFACT_BYTES_MAX as u64 + 2;
                let read = out.by_ref().take(limit).read_to_end(&mut bytes);
                let _ = done.send(read.map(|_| bytes));
            });
            let result = match reply.recv_timeout(Duration::from_millis(wall_ms)) {
                Ok(Ok(bytes)) if bytes.len() <= ARTEFACT_BYTES_MAX => Ok(bytes),
                Ok(Ok(_)) => Err(ChildError::Pipe(io::ErrorKind::FileTooLarge.into())),
                Ok(Err(error)) => Err(ChildError::Pipe(error)),
                Err(_) => Err(ChildError::WallClock { wall_ms }),
            };
            if result.is_err() {
                // No child is left behind, and both threads end: their pipes close.
                let _ = child.kill();
            }
            result
        })
    }

    fn broke(&self, status: ExitStatus) -> ChildError {
        use std::os::unix::process::ExitStatusExt as _;
        if status.signal() == Some(libc::SIGXCPU) {
            return ChildError::Cpu {
                cpu_s: self.limits.cpu_s,
            };
        }
        let memory_bytes = self.limits.memory_bytes;
        ChildError::Broke {
            status: status.to_string(),
            memory_bytes,
        }
    }
}

/// What the binary does when its first argument is [`CHILD_ARGUMENT`]: limits itself by the two
/// arguments that follow, reads a component from the standard input, writes the artefact to the
/// standard output.
pub fn compile_main() -> ExitCode {
    let mut limits = std::env::args().skip(2).map(|text| text.parse::<u64>());
    let (Some(Ok(memory_bytes)), Some(Ok(cpu_s))) = (limits.next(), limits.next()) else {
        eprintln!("usage: {CHILD_ARGUMENT} MEMORY_BYTES CPU_SECONDS < component > artefact");
        return ExitCode::from(2);
    };
    let reply = match limit_self(memory_bytes, cpu_s).and_then(|()| read_component()) {
        Ok(component) => compile(&component),
        Err(error) => {
            eprintln!("{CHILD_ARGUMENT}: {error}");
            return ExitCode::FAILURE;
        }
    };
    let (tag, bytes) = match reply {
        Ok(artefact) => (TAG_ARTEFACT, artefact),
        Err(sentence) => (TAG_INVALID, sentence.into_bytes()),
    };
    let mut out = io::stdout().lock();
    match out
        .write_all(&[tag])
        .and_then(|()| out.write_all(&bytes))
        .and_then(|()| out.flush())
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn read_component() -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::stdin()
        .lock()
        .take(COMPONENT_BYTES_MAX as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn compile(component: &[u8]) -> Result<Vec<u8>, String> {
    check_kind(component).map_err(|error| error.to_string())?;
    // One thread: the limits on memory and processor time mean the same on every machine.
    let engine = Engine::new(engine_config().parallel_compilation(false));
    let engine = engine.map_err(|error| format!("{error:#}"))?;
    engine
        .precompile_component(component)
        .map_err(|error| format!("{error:#}"))
}

fn limit_self(memory_bytes: u64, cpu_s: u64) -> io::Result<()> {
    limit(libc::RLIMIT_AS, memory_bytes, memory_bytes)?;
    // The soft limit ends us with a signal that says why; the hard one a second later anyway.
    limit(libc::RLIMIT_CPU, cpu_s, cpu_s.saturating_add(1))?;
    // No file written, no image of a hostile module's memory left behind.
    limit(libc::RLIMIT_FSIZE, 0, 0)?;
    limit(libc::RLIMIT_CORE, 0, 0)
}

#[cfg(target_env = "gnu")]
type Resource = libc::__rlimit_resource_t;
#[cfg(not(target_env = "gnu"))]
type Resource = libc::c_int;

fn limit(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    let limit = libc::rlimit {
        rlim_cur: soft,
        rlim_max: hard,
    };
    #[expect(
        unsafe_code,
        reason = "a call into libc with a pointer to a value on our stack"
    )]
    let result = unsafe { libc::setrlimit(resource, &raw const limit) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
