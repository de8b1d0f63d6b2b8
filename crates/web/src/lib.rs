//! The web floor of naos: the API, pages for people (complete without scripts), live streams.
//! Never decides anything: it says who asks, gives the question to a cell and the answer back.
//! Start at [`router`], the table of all routes; then `door.rs`, which every request goes through.

mod app;
mod cloudevents;
mod couriers;
mod door;
mod error;
mod router;

mod api;
mod auth;
mod judge;
mod live;
mod metrics;
mod openapi;
mod planted;
mod screens;

pub mod serve;
pub mod setup;

pub mod pages;

pub mod locale;

pub mod standup;

/// The Model Context Protocol for whoever is asked elsewhere than over HTTP.
pub mod mcp {
    pub use crate::api::mcp::{
        Asked, Catalog, Listener, Telling, Told, Way, answered, nowhere, speak,
    };
}

pub use axum::Router;

pub use app::{App, KeepSessions, Template, Verify};
pub use auth::token::new_token;
pub use couriers::Couriers;
pub use judge::{Answers, Document, Found, check};
pub use router::{Face, Least, Row, TABLE, router, router_with_couriers};
pub use serve::{Admission, serve, serve_within};
