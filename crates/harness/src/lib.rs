//! What tests and benchmarks stand on: a running lattice and a client for it.
//!
//! Everything here panics when it cannot go on: a test that has no lattice has
//! failed.
#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::return_self_not_must_use,
    reason = "a test that cannot go on ends with what it missed"
)]

mod client;
mod lattice;

pub use client::{Answer, Client, Request};
pub use lattice::{Lattice, root, stoa};
