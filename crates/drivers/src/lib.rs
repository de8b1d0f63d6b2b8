//! The outside: everything that leaves this machine goes through here.
//!
//! I send one HTTP request for whoever asks, and only to addresses that belong to the open
//! internet (or to a loopback port that was named), sign what is a webhook's, ask language models
//! in their own words, gateways of OpenClaw for whole turns, and call tools of MCP servers.
//! I never decide who may send what, never
//! repeat a request, never follow a redirect and never look at a proxy variable.
//! Start at [`http::HttpClient::send`], then [`http::forbidden`], [`webhook::deliver`] and
//! [`models::ask`] and [`mcp::Server`].

pub mod http;
pub mod mcp;
pub mod models;
mod planted;
pub mod webhook;
