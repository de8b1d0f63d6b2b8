//! Makes a component of a core module that follows the canonical ABI of the agents' world.
//!
//! A module from a bindings generator says itself what it imports and exports; one written by
//! hand, or by a compiler that knows nothing of components, gets the world from here.

use crate::limits::COMPONENT_BYTES_MAX;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, WorldId};

/// The world of agents, as text: for guests that generate their own bindings.
pub const WORLD_WIT: &str = include_str!("../../../guest/wit/agent.wit");

/// Name of the custom sections in which a module says what it is in terms of components.
const METADATA_SECTION: &str = "component-type";

/// Why a module could not be wrapped.
#[derive(Debug, thiserror::Error)]
pub enum WrapError {
    /// Too big to look at.
    #[error("wrapping a module: {bytes} bytes are more than the {COMPONENT_BYTES_MAX} allowed")]
    TooLong {
        /// How many there are.
        bytes: usize,
    },
    /// Nothing to do.
    #[error("wrapping a module: this is a component already")]
    Component,
    /// Not WebAssembly.
    #[error("wrapping a module: this is not a core WebAssembly module")]
    NotModule,
    /// A mistake of ours.
    #[error("wrapping a module: the world of agents cannot be read: {0}")]
    World(String),
    /// Its imports and exports are not what the world says.
    #[error(
        "wrapping a module: it does not follow the canonical ABI of naos:agent@0.1.0 \
         (export memory, cabi_realloc and handle; import only functions of the world): {0}"
    )]
    Shape(String),
}

/// Wraps a core module into a component of the agents' world.
pub fn wrap(module: &[u8]) -> Result<Vec<u8>, WrapError> {
    if module.len() > COMPONENT_BYTES_MAX {
        return Err(WrapError::TooLong {
            bytes: module.len(),
        });
    }
    match module.first_chunk::<8>() {
        Some([0, b'a', b's', b'm', 1, 0, 0, 0]) => {}
        Some([0, b'a', b's', b'm', 0x0d, 0, 1, 0]) => return Err(WrapError::Component),
        _ => return Err(WrapError::NotModule),
    }
    let shape = |error| WrapError::Shape(format!("{error:#}"));
    let mut bytes = module.to_vec();
    if !has_metadata(module).ok_or(WrapError::NotModule)? {
        let (resolve, world) = world().map_err(|error| WrapError::World(format!("{error:#}")))?;
        embed_component_metadata(&mut bytes, &resolve, world, StringEncoding::UTF8)
            .map_err(shape)?;
    }
    ComponentEncoder::default()
        .validate(true)
        .module(&bytes)
        .and_then(|mut encoder| encoder.encode())
        .map_err(shape)
}

fn world() -> Result<(Resolve, WorldId), Box<dyn std::error::Error + Send + Sync>> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("agent.wit", WORLD_WIT)?;
    let world = resolve.select_world(&[package], Some("agent"))?;
    Ok((resolve, world))
}

/// Walks the sections of a module; none when they don't fit its length.
fn has_metadata(module: &[u8]) -> Option<bool> {
    let mut rest = module.get(8..)?;
    while let Some((&id, after)) = rest.split_first() {
        let (length, body) = read_u32(after)?;
        let (section, next) = body.split_at_checked(length as usize)?;
        if id == 0 {
            let (name_length, name) = read_u32(section)?;
            let name = name.get(..name_length as usize)?;
            if name.starts_with(METADATA_SECTION.as_bytes()) {
                return Some(true);
            }
        }
        rest = next;
    }
    Some(false)
}

/// An unsigned number of at most 32 bits in LEB128.
fn read_u32(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let mut value = 0u64;
    for (at, &byte) in bytes.iter().enumerate().take(5) {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((u32::try_from(value).ok()?, &bytes[at + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_module_is_refused() {
        let component = wat::parse_str("(component)").expect("wat");
        let mut cut = wat::parse_str("(module (memory 1))").expect("wat");
        cut.pop();
        assert!(matches!(wrap(&component), Err(WrapError::Component)));
        for bytes in [&b""[..], b"\0asm", b"garbage and more", &cut] {
            assert!(
                matches!(wrap(bytes), Err(WrapError::NotModule)),
                "{bytes:?}"
            );
        }
    }

    #[test]
    fn the_shape_is_checked() {
        for (text, expected) in [
            ("(module)", "handle"),
            ("(module (func (export \"handle\")))", "handle"),
            (
                "(module (import \"wasi_snapshot_preview1\" \"proc_exit\" (func (param i32))))",
                "wasi_snapshot_preview1",
            ),
        ] {
            let error = wrap(&wat::parse_str(text).expect("wat"))
                .expect_err(text)
                .to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn leb128() {
        assert_eq!(read_u32(&[0x7f, 9]), Some((127, &[9][..])));
        assert_eq!(read_u32(&[0x80, 1]), Some((128, &[][..])));
        assert_eq!(
            read_u32(&[0xff, 0xff, 0xff, 0xff, 0x0f]),
            Some((u32::MAX, &[][..]))
        );
        assert_eq!(read_u32(&[0xff, 0xff, 0xff, 0xff, 0x1f]), None);
        assert_eq!(read_u32(&[0x80; 6]), None);
        assert_eq!(read_u32(&[]), None);
    }
}
