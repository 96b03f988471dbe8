//! The registry, over HTTP and NATS.

pub(crate) mod beats;
pub(crate) mod list;
pub(crate) mod register;
pub(crate) mod remove;
