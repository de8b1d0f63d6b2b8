//! Drives cells: brings inputs in, asks the rules, makes facts durable, carries wishes out.
//!
//! Never decides anything itself. The only crate that knows "now" and draws dice.
//! Start at [`shard::Shard`], then [`node::Node`], which puts threads around it.

pub mod chance;
pub mod clock;
pub mod node;
pub mod read;
pub mod refusals;
pub mod shard;
