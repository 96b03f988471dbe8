//! SQLite: one file for each database, in WAL mode. Writers queue up for one
//! connection; readers have several of their own, which cannot write, and are
//! not held up by the writer.

mod errors;
mod lane;
mod migrations;
mod session;
mod statement;

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use futures::future::{BoxFuture, FutureExt as _};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::{Backend, Limits};
use crate::types::{Error, Migration, Outcome, Statement};
use lane::Lane;
use session::{Role, Session};
use statement::Budget;

/// One SQLite database.
pub struct Sqlite {
    limits: Limits,
    writer: Lane,
    readers: Lane,
    /// The version of the last migration, as far as this process knows. It only
    /// grows, so a call that it satisfies needs no look into the database.
    applied: OnceCell<AtomicU32>,
    fault: Mutex<Option<String>>,
}

impl Sqlite {
    /// The database in `file`, which is opened, and made where it does not
    /// exist, at the first call.
    #[must_use]
    pub fn new(file: &Path, limits: Limits) -> Self {
        let lane = |role, size| {
            let (file, limits) = (file.to_owned(), limits.clone());
            let queue = limits.queue;
            Lane::new(size, queue, move || Session::open(&file, role, &limits))
        };
        Self {
            writer: lane(Role::Writer, 1),
            readers: lane(Role::Reader, limits.readers.max(1)),
            limits,
            applied: OnceCell::new(),
            fault: Mutex::new(None),
        }
    }

    /// The version applied so far. The first call of all opens the database, as
    /// the writer: a reader cannot make the file.
    async fn applied(&self, deadline: Instant) -> Result<&AtomicU32, Error> {
        self.applied
            .get_or_try_init(|| async {
                let version = self.writer.run(deadline, migrations::version).await?;
                Ok(AtomicU32::new(version))
            })
            .await
    }

    async fn require(&self, schema: u32, deadline: Instant) -> Result<(), Error> {
        match self.applied(deadline).await?.load(Ordering::Acquire) {
            applied if applied < schema => Err(Error::SchemaBehind(applied)),
            _ => Ok(()),
        }
    }

    async fn run_query(&self, schema: u32, statement: Statement) -> Result<Outcome, Error> {
        let deadline = Instant::now() + self.limits.call_time;
        self.require(schema, deadline).await?;
        let mut budget = Budget::new(&self.limits);
        self.readers
            .run(deadline, move |session| {
                statement::run_reading(session, &statement, &mut budget)
            })
            .await
    }

    async fn run_transact(
        &self,
        schema: u32,
        statements: Vec<Statement>,
    ) -> Result<Vec<Outcome>, Error> {
        if statements.len() > self.limits.statements {
            let allowed = self.limits.statements;
            return Err(Error::Invalid(format!("more than {allowed} statements")));
        }
        let deadline = Instant::now() + self.limits.call_time;
        self.require(schema, deadline).await?;
        let mut budget = Budget::new(&self.limits);
        self.writer
            .run(deadline, move |session| {
                let transaction = session.begin()?;
                let mut outcomes = Vec::with_capacity(statements.len());
                for (position, statement) in (0..).zip(&statements) {
                    outcomes.push(statement::run(session, position, statement, &mut budget)?);
                }
                transaction.commit().map_err(errors::own)?;
                Ok(outcomes)
            })
            .await
    }

    async fn run_migrate(&self, migrations: Vec<Migration>) -> Result<u32, Error> {
        let limit = self.limits.migration_time;
        let applied = self.applied(Instant::now() + limit).await?;
        let plan = migrations::plan(migrations)?;
        let version = self
            .writer
            .run(Instant::now() + limit, move |session| {
                migrations::apply(session, &plan, limit)
            })
            .await?;
        applied.fetch_max(version, Ordering::AcqRel);
        Ok(version)
    }

    /// Remembers for the health check whether the database could be reached.
    fn note<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        let fault = match &result {
            Err(Error::Unavailable(reason)) => Some(reason.clone()),
            _ => None,
        };
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
        result
    }
}

impl Backend for Sqlite {
    fn query(&self, schema: u32, statement: Statement) -> BoxFuture<'_, Result<Outcome, Error>> {
        async move { self.note(self.run_query(schema, statement).await) }.boxed()
    }

    fn transact(
        &self,
        schema: u32,
        statements: Vec<Statement>,
    ) -> BoxFuture<'_, Result<Vec<Outcome>, Error>> {
        async move { self.note(self.run_transact(schema, statements).await) }.boxed()
    }

    fn migrate(&self, migrations: Vec<Migration>) -> BoxFuture<'_, Result<u32, Error>> {
        async move { self.note(self.run_migrate(migrations).await) }.boxed()
    }

    fn fault(&self) -> Option<String> {
        self.fault
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move {
            self.readers.close().await;
            self.writer.close().await;
        }
        .boxed()
    }
}
