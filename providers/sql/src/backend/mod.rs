//! The databases behind the interface. One value of a [`Backend`] is one
//! database; the rest of the provider knows no more of it than this trait.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;
use std::time::Duration;

use futures::future::BoxFuture;

use crate::types::{Error, Migration, Outcome, Statement};

mod sqlite;

pub use sqlite::Sqlite;

/// One database. The functions do what `stoa:sql/client` says of those with the
/// same names; a backend connects at its first call, not when it is made.
pub trait Backend: Send + Sync {
    /// Runs one reading statement.
    fn query(&self, schema: u32, statement: Statement) -> BoxFuture<'_, Result<Outcome, Error>>;

    /// Runs the statements in one transaction.
    fn transact(
        &self,
        schema: u32,
        statements: Vec<Statement>,
    ) -> BoxFuture<'_, Result<Vec<Outcome>, Error>>;

    /// Applies the migrations that are missing and returns the version reached.
    fn migrate(&self, migrations: Vec<Migration>) -> BoxFuture<'_, Result<u32, Error>>;

    /// Why the last call could not reach the database, if it could not.
    fn fault(&self) -> Option<String>;

    /// Waits for the calls that run, then closes. Later calls are
    /// `unavailable`.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// What a call may cost. Beyond it the call is refused or stopped, and nothing
/// of it is done.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How many `query` calls run at the same time on one database.
    pub readers: usize,
    /// How many calls may run or wait, reading and writing each; one more is
    /// `busy`.
    pub queue: usize,
    /// How long a call may take, its waiting included, before it is `busy`:
    /// less than callers wait (5 s), so that they learn what became of it.
    pub call_time: Duration,
    /// How long a call waits for another process's lock before it is `busy`.
    pub lock_time: Duration,
    /// How long one migration may take before it is `busy`.
    pub migration_time: Duration,
    /// The length of one statement's text in bytes; a longer one is `invalid`.
    pub sql_bytes: usize,
    /// The statements of one `transact`; more are `invalid`.
    pub statements: usize,
    /// The rows of one answer; more are `too-large`.
    pub rows: usize,
    /// The size of one answer in bytes; more are `too-large`.
    pub answer_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            readers: available_parallelism().map_or(2, NonZeroUsize::get).max(2),
            queue: 1024,
            call_time: Duration::from_secs(4),
            lock_time: Duration::from_secs(3),
            migration_time: Duration::from_mins(5),
            sql_bytes: 256 << 10,
            statements: 1000,
            rows: 10_000,
            answer_bytes: 8 << 20,
        }
    }
}
