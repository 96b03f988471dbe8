//! The provider called in-process, on databases in a temporary folder.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod concurrency;
mod database;
mod links;
mod migrations;
mod rules;
mod statements;
