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

mod build;
mod client;
mod host;
mod lattice;
mod patience;
mod probes;
mod process;
mod python;
mod wire;

pub use build::{Build, GATEWAY, PRODUCT, SANDBOX};
pub use client::{Answer, Client, Request};
pub use host::Host;
pub use lattice::{ADMIN, ADMIN_PASSWORD, Ended, Lattice, make_admin, root, stoa};
pub use patience::{eventually, patience, until};
pub use probes::{Probes, probe_image};
pub use process::{Process, outcome};
pub use python::Packages;
pub use wire::Wire;
