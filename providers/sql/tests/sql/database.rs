//! A database to test with, and short names for what is said to it.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use stoa_harness::patience;
use stoa_sql_provider::types::{Dialect, Error, Migration, Outcome, Script, Statement, Value};
use stoa_sql_provider::{Caller, Config, Limits, SqlProvider};
use tempfile::TempDir;

/// A provider with one linked caller.
pub(crate) struct Database {
    pub(crate) provider: SqlProvider,
    pub(crate) dir: TempDir,
}

pub(crate) fn caller() -> Caller {
    Caller::new("product", "default")
}

/// Opens `shop.db` in the folder, as another process would.
pub(crate) fn open(dir: &Path, limits: Limits) -> SqlProvider {
    let provider = SqlProvider::new(Config {
        limits,
        ..Config::new(dir)
    });
    let link = HashMap::from([("database".to_owned(), "shop".to_owned())]);
    provider.link(caller(), &link);
    provider
}

/// The usual limits, but for time: where that is not what a test is about,
/// there is enough of it.
pub(crate) fn limits() -> Limits {
    Limits {
        call_time: patience(Duration::from_mins(1)),
        lock_time: patience(Duration::from_mins(1)),
        ..Limits::default()
    }
}

impl Database {
    pub(crate) fn new() -> Self {
        Self::with(limits())
    }

    pub(crate) fn with(limits: Limits) -> Self {
        let dir = TempDir::new().unwrap();
        let provider = open(dir.path(), limits);
        Self { provider, dir }
    }

    /// A database where these statements were run.
    pub(crate) async fn prepared(sql: &[&str]) -> Self {
        let database = Self::new();
        for text in sql {
            database.run(statement(text, [])).await.unwrap();
        }
        database
    }

    pub(crate) async fn run(&self, statement: Statement) -> Result<Outcome, Error> {
        let mut outcomes = self.transact([statement]).await?;
        Ok(outcomes.remove(0))
    }

    pub(crate) async fn transact(
        &self,
        statements: impl IntoIterator<Item = Statement>,
    ) -> Result<Vec<Outcome>, Error> {
        let statements = statements.into_iter().collect();
        self.provider.transact(caller(), 0, statements).await
    }

    pub(crate) async fn query(&self, sql: &str) -> Result<Outcome, Error> {
        self.provider.query(caller(), 0, statement(sql, [])).await
    }

    /// The only value of the only row.
    pub(crate) async fn value(&self, sql: &str) -> Value {
        self.query(sql).await.unwrap().rows.remove(0).remove(0)
    }

    pub(crate) async fn number(&self, sql: &str) -> i64 {
        match self.value(sql).await {
            Value::Integer(integer) => integer,
            other => panic!("{other:?} is no integer"),
        }
    }
}

pub(crate) fn statement<const N: usize>(sql: &str, params: [Value; N]) -> Statement {
    Statement {
        sql: sql.to_owned(),
        params: params.into(),
        expect: None,
    }
}

pub(crate) fn guarded<const N: usize>(sql: &str, params: [Value; N], expect: u64) -> Statement {
    Statement {
        expect: Some(expect),
        ..statement(sql, params)
    }
}

pub(crate) fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

pub(crate) fn migration(version: u32, sql: &str) -> Migration {
    Migration {
        version,
        name: format!("step {version}"),
        scripts: vec![script(Dialect::Portable, sql)],
    }
}

pub(crate) fn script(dialect: Dialect, sql: &str) -> Script {
    Script {
        dialect,
        sql: sql.to_owned(),
    }
}
