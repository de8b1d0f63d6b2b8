//! The router from outside, on a whole node in one process.

mod api;
mod door;
mod pages;
mod serve;
mod support;
mod walk;
