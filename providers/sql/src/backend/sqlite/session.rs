//! One connection: how it is set up, and what a caller's SQL may do on it.
//!
//! The provider's own statements (BEGIN, COMMIT, the ledger of migrations) and
//! the callers' share a connection. While a caller's statement is prepared or
//! runs, the session is *watched*: an authorizer refuses what is not a
//! caller's business and a progress handler stops it at the deadline.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::super::Limits;
use super::errors;
use super::migrations::LEDGER;
use crate::types::Error;

/// Statements kept prepared on each connection.
const PREPARED: usize = 256;
/// The longest value or row SQLite may make on the way to an answer.
const VALUE_BYTES: i32 = 16 << 20;
/// Virtual machine instructions between two looks at the clock: well under a
/// millisecond.
const INSTRUCTIONS: i32 = 4000;

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Writer,
    /// Opened read-only: whatever it is told, it cannot write.
    Reader,
}

pub(super) struct Session {
    connection: Connection,
    role: Role,
    watch: Arc<Watch>,
}

#[derive(Default)]
struct Watch {
    on: AtomicBool,
    deadline: Mutex<Option<Instant>>,
}

impl Session {
    pub(super) fn open(file: &Path, role: Role, limits: &Limits) -> Result<Self, Error> {
        Self::try_open(file, role, limits).map_err(|error| {
            tracing::warn!(%error, file = %file.display(), "cannot open the database");
            match errors::own(error) {
                busy @ Error::Busy(_) => busy,
                Error::Unavailable(reason) => Error::Unavailable(reason),
                other => Error::Unavailable(format!("cannot open the database: {other}")),
            }
        })
    }

    fn try_open(file: &Path, role: Role, limits: &Limits) -> rusqlite::Result<Self> {
        let mode = match role {
            Role::Writer => {
                make_folder_of(file)?;
                OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE
            }
            Role::Reader => OpenFlags::SQLITE_OPEN_READ_ONLY,
        };
        let connection = Connection::open_with_flags(file, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        let watch = Arc::<Watch>::default();
        set_up(&connection, role, limits)?;
        stand_watch(&connection, &watch);
        Ok(Self {
            connection,
            role,
            watch,
        })
    }

    /// The connection, for statements of the provider itself.
    pub(super) fn own(&self) -> &Connection {
        &self.connection
    }

    /// Runs a caller's statement, or prepares it.
    pub(super) fn watched<T>(&self, work: impl FnOnce(&Connection) -> T) -> T {
        /// Ends the watch even when the work panics.
        struct Watching<'a>(&'a AtomicBool);
        impl Drop for Watching<'_> {
            fn drop(&mut self) {
                self.0.store(false, Ordering::Relaxed);
            }
        }
        self.watch.on.store(true, Ordering::Relaxed);
        let _watching = Watching(&self.watch.on);
        work(&self.connection)
    }

    /// When watched work has to be over.
    pub(super) fn set_deadline(&self, deadline: Instant) {
        *self.watch.deadline() = Some(deadline);
    }

    /// Starts a transaction that has the write lock from its beginning and that
    /// is rolled back unless it is committed.
    pub(super) fn begin(&self) -> Result<Transaction<'_>, Error> {
        Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)
            .map_err(errors::own)
    }

    /// Closes the connection; the writer first moves the write-ahead log into
    /// the database.
    pub(super) fn close(self) {
        if self.role == Role::Writer {
            let moved =
                self.connection
                    .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
            if let Err(error) = moved {
                tracing::warn!(%error, "the write-ahead log stays: checkpoint failed");
            }
        }
        if let Err((_, error)) = self.connection.close() {
            tracing::warn!(%error, "closing a connection failed");
        }
    }
}

impl Watch {
    fn deadline(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.deadline.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    fn is_over(&self) -> bool {
        self.is_on()
            && self
                .deadline()
                .is_some_and(|deadline| Instant::now() > deadline)
    }
}

/// Makes the folder for databases, closed to other users: it holds personal
/// data. A failure shows itself when the file is opened.
fn make_folder_of(file: &Path) -> rusqlite::Result<()> {
    let Some(folder) = file.parent() else {
        return Ok(());
    };
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(folder)
        .map_err(|_| rusqlite::Error::InvalidPath(folder.to_owned()))
}

fn set_up(connection: &Connection, role: Role, limits: &Limits) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(PREPARED);
    connection.busy_timeout(limits.lock_time)?;

    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    // "x" is a column, never a string: a misspelt column is an error.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, VALUE_BYTES)?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;

    connection.pragma_update(None, "cache_size", -(8 << 10))?; // KiB
    connection.pragma_update(None, "mmap_size", 128 << 20)?;
    match role {
        Role::Writer => {
            use_wal(connection, limits.lock_time)?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.pragma_update(None, "journal_size_limit", 64 << 20)
        }
        Role::Reader => connection.pragma_update(None, "query_only", true),
    }
}

/// Turns WAL on, which the file then remembers. SQLite does not wait for the
/// lock this needs, so two processes that make one file at the same time would
/// see each other's lock.
fn use_wal(connection: &Connection, lock_time: Duration) -> rusqlite::Result<()> {
    let deadline = Instant::now() + lock_time;
    loop {
        match connection
            .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0))
        {
            Err(error) if errors::is_busy(&error) && Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(5));
            }
            result => return result.map(drop),
        }
    }
}

fn stand_watch(connection: &Connection, watch: &Arc<Watch>) {
    let watched = Arc::clone(watch);
    connection.authorizer(Some(move |context: AuthContext<'_>| {
        if watched.is_on() && !is_allowed(&context.action) {
            Authorization::Deny
        } else {
            Authorization::Allow
        }
    }));
    let watched = Arc::clone(watch);
    connection.progress_handler(INSTRUCTIONS, Some(move || watched.is_over()));
}

/// Whether callers may do this. VACUUM is refused with ATTACH, which it is
/// made of.
fn is_allowed(action: &AuthAction<'_>) -> bool {
    match action {
        AuthAction::Attach { .. }
        | AuthAction::Detach { .. }
        | AuthAction::Transaction { .. }
        | AuthAction::Savepoint { .. }
        // Temporary objects would live on in the connection, for other calls.
        | AuthAction::CreateTempIndex { .. }
        | AuthAction::CreateTempTable { .. }
        | AuthAction::CreateTempTrigger { .. }
        | AuthAction::CreateTempView { .. } => false,
        // SQLite itself runs these: full-text search, R-trees and ALTER TABLE.
        // They only read.
        AuthAction::Pragma { pragma_name, pragma_value } => match *pragma_name {
            "data_version" | "page_size" => pragma_value.is_none(),
            "quick_check" => true,
            _ => false,
        },
        AuthAction::Function { function_name } => {
            !function_name.eq_ignore_ascii_case("load_extension")
        }
        AuthAction::CreateTable { table_name }
        | AuthAction::CreateVtable { table_name, .. }
        | AuthAction::CreateIndex { table_name, .. }
        | AuthAction::CreateTrigger { table_name, .. }
        | AuthAction::CreateView { view_name: table_name }
        | AuthAction::AlterTable { table_name, .. }
        | AuthAction::DropTable { table_name }
        | AuthAction::Insert { table_name }
        | AuthAction::Update { table_name, .. }
        | AuthAction::Delete { table_name } => !table_name.eq_ignore_ascii_case(LEDGER),
        _ => true,
    }
}
