//! The API: a folder for each version.

pub(crate) mod v1;
