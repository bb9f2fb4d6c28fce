//! The connection to SQLite or PostgreSQL, and what differs between them.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::any::{AnyArguments, AnyPoolOptions, AnyRow};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::pool::PoolConnection;
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AnyPool, AssertSqlSafe, Connection, Executor, SqlSafeStr, SqlStr, Transaction};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::{Result, StoreError};

/// The tables, in the order in which they came to be. Only ever added to.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "hosted images", include_str!("../migrations/0001_hosted_images.sql")),
    (
        2,
        "token networks",
        include_str!("../migrations/0002_token_networks.sql"),
    ),
    (4, "list blocks", include_str!("../migrations/0004_list_blocks.sql")),
    (5, "usage", include_str!("../migrations/0005_usage.sql")),
];
const BUSY_TIMEOUT_MS: u32 = 10_000;
const CONNECTIONS_MAX: u32 = 16;
/// Values of a statement whose plan is kept.
const KEPT_VALUES_MAX: usize = 64;

/// A pool of connections.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    pool: AnyPool,
    dialect: Dialect,
    /// SQLite has one writer. Ours wait for each other here and in order, not there and by trying again.
    turn: Arc<Mutex<()>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Sqlite,
    Postgres,
}

/// A transaction that writes. Dropped without [`Write::commit`] it leaves nothing.
pub(crate) struct Write {
    transaction: Transaction<'static, Any>,
    _turn: Option<OwnedMutexGuard<()>>,
}

/// A connection, and the turn to write.
pub(crate) struct Alone {
    connection: PoolConnection<Any>,
    _turn: Option<OwnedMutexGuard<()>>,
}

impl std::ops::Deref for Alone {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        &self.connection
    }
}

impl std::ops::DerefMut for Alone {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.connection
    }
}

impl Write {
    pub(crate) fn connection(&mut self) -> &mut AnyConnection {
        &mut self.transaction
    }

    pub(crate) async fn commit(self) -> Result<()> {
        Ok(self.transaction.commit().await?)
    }
}

impl Database {
    /// SQLite in a file, which is made if it is not there.
    pub(crate) async fn sqlite(path: &Path) -> Result<Self> {
        let path = path
            .to_str()
            .ok_or_else(|| StoreError::Invalid("the path of the database is not UTF-8".to_owned()))?;
        let escaped: String = path
            .chars()
            .map(|c| match c {
                '%' => "%25".to_owned(),
                '?' => "%3F".to_owned(),
                '#' => "%23".to_owned(),
                _ => c.to_string(),
            })
            .collect();
        Self::open(&format!("sqlite://{escaped}?mode=rwc"), Dialect::Sqlite).await
    }

    /// PostgreSQL by its URL.
    pub(crate) async fn postgres(url: &str) -> Result<Self> {
        Self::open(url, Dialect::Postgres).await
    }

    async fn open(url: &str, dialect: Dialect) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let pool = AnyPoolOptions::new()
            .max_connections(CONNECTIONS_MAX)
            .acquire_timeout(Duration::from_secs(10))
            // A file does not go away between two statements, as a server does.
            .test_before_acquire(dialect == Dialect::Postgres)
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if dialect == Dialect::Sqlite {
                        // NORMAL loses no transaction in WAL mode when the process dies; when the machine does it may lose the last ones. An answer to an
                        // upload is a promise, so FULL.
                        let pragmas = format!(
                            "PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                        );
                        connection.execute(AssertSqlSafe(pragmas)).await?;
                    }
                    Ok(())
                })
            })
            .after_release(move |connection, _| {
                Box::pin(async move {
                    if dialect == Dialect::Postgres {
                        return Ok(true);
                    }
                    // A transaction that SQLite gave up by itself, as it does when the disk is full, cannot be rolled back, and the library goes on
                    // believing that it is there: no other one could begin on that connection. Pinged, the connection has done what it was told.
                    connection.ping().await?;
                    Ok(!connection.is_in_transaction())
                })
            })
            .connect(url)
            .await?;
        let database = Self {
            pool,
            dialect,
            turn: Arc::default(),
        };
        database.migrate().await?;
        Ok(database)
    }

    /// Brings the tables to this version's. A database of a later version is refused.
    async fn migrate(&self) -> Result<()> {
        let migrations = MIGRATIONS.iter().map(|(version, name, text)| {
            Migration::new(
                *version,
                Cow::Borrowed(*name),
                MigrationType::Simple,
                text.into_sql_str(),
                false,
            )
        });
        let migrator = Migrator {
            migrations: Cow::Owned(migrations.collect()),
            ..Migrator::DEFAULT
        };
        Ok(migrator.run(&self.pool).await?)
    }

    pub(crate) const fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// Begins a transaction that writes.
    pub(crate) async fn write(&self) -> Result<Write> {
        let (statement, turn) = match self.dialect {
            // A transaction that begins by reading and writes later fails when another one wrote in between.
            Dialect::Sqlite => ("BEGIN IMMEDIATE", Some(self.turn.clone().lock_owned().await)),
            Dialect::Postgres => ("BEGIN", None),
        };
        Ok(Write {
            transaction: self.pool.begin_with(statement).await?,
            _turn: turn,
        })
    }

    /// A connection for one statement that writes and is a transaction by itself.
    pub(crate) async fn write_alone(&self) -> Result<Alone> {
        let turn = match self.dialect {
            Dialect::Sqlite => Some(self.turn.clone().lock_owned().await),
            Dialect::Postgres => None,
        };
        Ok(Alone {
            connection: self.pool.acquire().await?,
            _turn: turn,
        })
    }

    /// The pool's connections are closed, and what SQLite keeps beside its file is put into it.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    /// Whether the database answers.
    pub(crate) async fn ping(&self) -> Result<()> {
        Ok(self.pool.acquire().await?.ping().await?)
    }
}

/// A statement that is put together from fixed pieces of text and values. Values never become text.
#[derive(Debug, Default)]
pub(crate) struct Statement {
    text: String,
    values: Vec<Value>,
}

#[derive(Debug)]
enum Value {
    Text(Option<String>),
    Integer(Option<i64>),
    Number(f64),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Some(text).into()
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(str::to_owned))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Some(number).into()
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        Self::Integer(number)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl Statement {
    /// A statement that begins so.
    pub(crate) fn new(text: &'static str) -> Self {
        Self {
            text: text.to_owned(),
            values: Vec::new(),
        }
    }

    /// Adds text.
    pub(crate) fn text(&mut self, text: &'static str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds a value.
    #[expect(private_bounds, reason = "the values that both databases have")]
    pub(crate) fn value(&mut self, value: impl Into<Value>) -> &mut Self {
        use std::fmt::Write as _;
        self.values.push(value.into());
        let _ = write!(self.text, "${}", self.values.len());
        self
    }

    /// Adds a number that may be missing. sqlx tells PostgreSQL that a missing one is a `real`, and the plan that is kept then reads no other.
    pub(crate) fn number(&mut self, number: Option<f64>) -> &mut Self {
        match number {
            Some(number) => self.value(number),
            None => self.text("NULL"),
        }
    }

    /// All rows.
    pub(crate) async fn rows(self, pool: &AnyPool) -> Result<Vec<AnyRow>> {
        Ok(self.query().fetch_all(pool).await?)
    }

    /// The first row, if there is one, in a transaction.
    pub(crate) async fn row(self, connection: &mut AnyConnection) -> Result<Option<AnyRow>> {
        Ok(self.query().fetch_optional(connection).await?)
    }

    /// All rows, in a transaction.
    pub(crate) async fn rows_in(self, connection: &mut AnyConnection) -> Result<Vec<AnyRow>> {
        Ok(self.query().fetch_all(connection).await?)
    }

    /// Runs it, in a transaction.
    pub(crate) async fn run(self, connection: &mut AnyConnection) -> Result<()> {
        self.query().execute(connection).await?;
        Ok(())
    }

    fn query(self) -> Query<'static, Any, AnyArguments> {
        let text: SqlStr = AssertSqlSafe(self.text).into_sql_str();
        // Large ones differ by what they hold, and would push the others out of the connection's memory.
        let query = sqlx::query(text).persistent(self.values.len() <= KEPT_VALUES_MAX);
        self.values.into_iter().fold(query, |query, value| match value {
            Value::Text(text) => query.bind(text),
            Value::Integer(number) => query.bind(number),
            Value::Number(number) => query.bind(number),
        })
    }
}
