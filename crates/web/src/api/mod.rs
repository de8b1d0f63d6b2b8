//! The API: a folder for each version.

pub(crate) mod mcp;
pub(crate) mod openai;
pub(crate) mod v1;
