//! What a component must be, and the sentence for what it is instead.

use crate::child::ChildError;
use crate::limits::COMPONENT_BYTES_MAX;

/// Why a component cannot become an agent.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// Too big to look at.
    #[error("loading a component: {bytes} bytes are more than the {COMPONENT_BYTES_MAX} allowed")]
    TooLong {
        /// How many there are.
        bytes: usize,
    },
    /// A module that could become a component.
    #[error(
        "loading a component: this is a core WebAssembly module; \
         wrap it into a component with `naos agent build`"
    )]
    CoreModule,
    /// Something else altogether.
    #[error("loading a component: this is not a WebAssembly component: {0}")]
    NotComponent(&'static str),
    /// Looks like a component and is not valid.
    #[error("compiling a component: it is not valid: {0}")]
    Invalid(String),
    /// Wants something that no agent gets.
    #[error(
        "loading a component: it imports {import}, which naos does not offer; \
         agents may import the interfaces of naos:agent@0.1.0 only"
    )]
    Import {
        /// The first of its imports that is not in the world.
        import: String,
    },
    /// Wants one of our interfaces with another shape.
    #[error("loading a component: an import does not fit naos:agent@0.1.0: {0}")]
    ImportType(String),
    /// Nothing to call.
    #[error(
        "loading a component: it does not export `handle`; \
         an agent exports handle: func(input: string) -> result<string, string>"
    )]
    NoHandle,
    /// Something else by that name.
    #[error(
        "loading a component: its `handle` has another type; \
         an agent exports handle: func(input: string) -> result<string, string>"
    )]
    HandleType,
    /// The child that compiles did not.
    #[error(transparent)]
    Child(#[from] ChildError),
    /// What the compiler made does not fit this process.
    #[error("loading a component: what was compiled does not fit this naos: {0}")]
    Artefact(String),
}

/// Tells a component from everything else by its first bytes, before anything costly.
pub(crate) fn check_kind(bytes: &[u8]) -> Result<(), CompileError> {
    if bytes.len() > COMPONENT_BYTES_MAX {
        return Err(CompileError::TooLong { bytes: bytes.len() });
    }
    if bytes.is_empty() {
        return Err(CompileError::NotComponent("it is empty"));
    }
    let Some(header) = bytes.first_chunk::<8>() else {
        return Err(CompileError::NotComponent("it is too short"));
    };
    match header {
        // Magic, version, layer: 0 is a core module, 1 a component.
        [0, b'a', b's', b'm', 0x0d, 0, 1, 0] => Ok(()),
        [0, b'a', b's', b'm', 1, 0, 0, 0] => Err(CompileError::CoreModule),
        [0, b'a', b's', b'm', ..] => Err(CompileError::NotComponent(
            "its format version is not known",
        )),
        [b'(', ..] => Err(CompileError::NotComponent(
            "it is WebAssembly text; compile it first",
        )),
        _ => Err(CompileError::NotComponent(
            "it does not start with the WebAssembly magic number",
        )),
    }
}
