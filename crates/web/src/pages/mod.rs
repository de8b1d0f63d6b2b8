//! The pages: one file, one struct, one template and its tests each.
//!
//! A page is plain data that the caller fills from what the API answers; [`render`] puts it into
//! the frame. A [`Part`] is a piece of a page with an element id of its own: [`fragment`] and
//! [`delta`] render it alone, for the live stream. Texts come from the locale table only.

pub mod frame;
pub mod render;

pub mod home;

pub mod board;

pub mod agents;

pub mod agent;

pub mod agent_log;

pub mod runs;

pub mod run;

pub mod timeline;

pub mod what_if;

pub mod plan;

pub mod picture;

mod layers;

pub mod inbox;
pub mod task;

pub mod supervisors;

pub mod flows;

pub mod pools;

pub mod drivers;

pub mod approvals;

pub mod approval;

pub mod document;

pub mod documents;

pub mod events;

pub mod audit;

pub mod costs;

pub mod schedules;

pub mod sign_in;

pub mod error;

pub mod assets;
pub mod excerpt;
pub mod facts;
mod filters;
pub mod markdown;
pub mod topic;
pub mod turns;
pub mod words;

pub use frame::{Badge, Crumb, Page, Role, Section, Shell, User, render};
pub use render::{Part, Say, delta, fragment};
pub use topic::Topic;

/// The `Content-Security-Policy` under which every page works in full.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; \
     script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'";

/// What a list page shows at most; the rest is behind "older".
pub const PAGE_ROWS_MAX: usize = 50;

#[cfg(test)]
mod check;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;
