//! The sandbox from outside: real components, a host made of maps.

mod abilities;
mod child;
mod compile;
mod determinism;
mod limits;
mod resume;
mod support;
