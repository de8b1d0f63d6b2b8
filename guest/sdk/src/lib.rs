//! What an agent is written against: the abilities of the world in `wit/agent.wit` as plain Rust.
//! I never decide what is allowed: naos does, and [`Error::Denied`] says which manifest line
//! would allow it. An agent imports only the abilities it calls.
//!
//! Start at [`export!`]: hand it a function and it is an agent.
//!
//! ```
//! naos_agent::export!(greet);
//!
//! pub fn greet(input: &str) -> Result<String, String> {
//!     naos_agent::log::info(&format!("greeting {input}"));
//!     Ok(format!("Hello, {input}"))
//! }
//! # fn main() { assert_eq!(greet("Riake").as_deref(), Ok("Hello, Riake")); }
//! ```
//!
//! Outside of the sandbox (in `cargo test`) the same modules work over [`fake`], in memory.

mod abilities;
mod error;
pub mod limits;

#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod component;
#[cfg(not(target_arch = "wasm32"))]
pub mod fake;

pub use abilities::{ask, clock, context, events, http, log, random, state};
pub use error::Error;

/// Makes a function `fn(&str) -> Result<String, String>` the agent's entry.
///
/// In the sandbox it is exported as `handle` of the world `agent`; elsewhere only its type is
/// checked, so that the crate links into ordinary tests.
#[cfg(target_arch = "wasm32")]
#[macro_export]
macro_rules! export {
    ($handle:path) => {
        #[allow(unsafe_code, reason = "the ABI glue of the exported function is generated")]
        mod __naos_entry {
            use super::*;
            struct Agent;
            impl $crate::component::bindings::Guest for Agent {
                fn handle(
                    input: ::std::string::String,
                ) -> ::std::result::Result<::std::string::String, ::std::string::String> {
                    let answer: ::std::result::Result<
                        ::std::string::String,
                        ::std::string::String,
                    > = $handle(&input);
                    answer
                }
            }
            $crate::component::bindings::__export_agent!(
                Agent with_types_in $crate::component::bindings
            );
        }
    };
}

/// Makes a function `fn(&str) -> Result<String, String>` the agent's entry.
///
/// In the sandbox it is exported as `handle` of the world `agent`; elsewhere only its type is
/// checked, so that the crate links into ordinary tests.
#[cfg(not(target_arch = "wasm32"))]
#[macro_export]
macro_rules! export {
    ($handle:path) => {
        const _: fn(&str) -> ::std::result::Result<::std::string::String, ::std::string::String> =
            $handle;
    };
}
