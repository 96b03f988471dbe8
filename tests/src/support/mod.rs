//! What the tests stand on: a running lattice and a client for it.

pub(crate) mod client;
pub(crate) mod lattice;
