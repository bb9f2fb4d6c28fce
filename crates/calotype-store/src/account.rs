//! Accounts and their settings.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use crate::clock::Position;
use crate::event::{self, EventKind};
use crate::signing_key;
use crate::variant;
use crate::{Result, Store, StoreError, secret};

/// What an account is called inside the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountNumber(pub(crate) i64);

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Inside.
    pub number: AccountNumber,
    /// In API paths: 32 lower-case hex digits.
    pub id: String,
    /// In delivery URLs: 22 characters of URL-safe base64.
    pub hash: String,
    /// For people.
    pub name: String,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: i64,
    /// Stored images; drafts do not count.
    pub images: u64,
    /// Stored images that it may have.
    pub quota: Option<u64>,
    /// What its users set.
    pub config: Config,
}

/// The settings of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Config {
    /// Options may stand in delivery URLs.
    pub flexible_variants: bool,
    /// How long browsers may keep public images, in seconds; the default if none.
    pub browser_ttl_s: Option<u32>,
}

const COLUMNS: &str =
    "SELECT number, id, hash, name, created_ms, images, quota, flexible_variants, browser_ttl_s FROM accounts";

impl Account {
    fn from_row(row: &AnyRow) -> Result<Self> {
        let unsigned = |number: i64| u64::try_from(number).unwrap_or_default();
        let quota: Option<i64> = row.try_get("quota")?;
        let browser_ttl_s: Option<i64> = row.try_get("browser_ttl_s")?;
        Ok(Self {
            number: AccountNumber(row.try_get("number")?),
            id: row.try_get("id")?,
            hash: row.try_get("hash")?,
            name: row.try_get("name")?,
            created_ms: row.try_get("created_ms")?,
            images: unsigned(row.try_get("images")?),
            quota: quota.map(unsigned),
            config: Config {
                flexible_variants: row.try_get::<i64, _>("flexible_variants")? != 0,
                browser_ttl_s: browser_ttl_s.and_then(|ttl| u32::try_from(ttl).ok()),
            },
        })
    }
}

impl Store {
    /// The first account; made when there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn default_account(&self) -> Result<Account> {
        match self.accounts().await?.into_iter().next() {
            Some(account) => Ok(account),
            None => self.create_account("default").await,
        }
    }

    /// All accounts, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn accounts(&self) -> Result<Vec<Account>> {
        let rows = sqlx::query(joined(COLUMNS, " ORDER BY number"))
            .fetch_all(self.database.pool())
            .await?;
        rows.iter().map(Account::from_row).collect()
    }

    /// The account of an API path.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn account_by_id(&self, id: &str) -> Result<Option<Account>> {
        self.account_where(" WHERE id = $1", id).await
    }

    /// The account of a delivery URL.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn account_by_hash(&self, hash: &str) -> Result<Option<Account>> {
        self.account_where(" WHERE hash = $1", hash).await
    }

    pub(crate) async fn account_by_number(&self, number: AccountNumber) -> Result<Option<Account>> {
        let row = sqlx::query(joined(COLUMNS, " WHERE number = $1"))
            .bind(number.0)
            .fetch_optional(self.database.pool())
            .await?;
        row.as_ref().map(Account::from_row).transpose()
    }

    async fn account_where(&self, condition: &'static str, value: &str) -> Result<Option<Account>> {
        if value.contains('\0') {
            return Ok(None);
        }
        let row = sqlx::query(joined(COLUMNS, condition))
            .bind(value)
            .fetch_optional(self.database.pool())
            .await?;
        row.as_ref().map(Account::from_row).transpose()
    }

    /// A new account with the variant `public` and the signing key `default`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn create_account(&self, name: &str) -> Result<Account> {
        let now_ms = self.clock.now_ms();
        let mut write = self.database.write().await?;
        let connection = write.connection();
        let last: Option<i64> = sqlx::query("SELECT MAX(number) AS last FROM accounts")
            .fetch_one(&mut *connection)
            .await?
            .try_get("last")?;
        let number = AccountNumber(last.unwrap_or(0).saturating_add(1));
        let id = secret::hex(&secret::random::<16>());
        sqlx::query("INSERT INTO accounts (number, id, hash, name, created_ms) VALUES ($1, $2, $3, $4, $5)")
            .bind(number.0)
            .bind(&id)
            .bind(secret::random_text::<16>())
            .bind(name)
            .bind(now_ms)
            .execute(&mut *connection)
            .await?;
        variant::insert_public(connection, number).await?;
        signing_key::insert(connection, &self.sealer, number, signing_key::DEFAULT_NAME, now_ms).await?;
        write.commit().await?;
        self.account_by_id(&id).await?.ok_or(StoreError::Missing("account"))
    }

    /// Changes the settings of an account.
    ///
    /// # Errors
    /// When the account is gone, or the database fails.
    pub async fn set_config(&self, account: &Account, config: Config) -> Result<()> {
        let mut write = self.database.write().await?;
        let connection = write.connection();
        let done = sqlx::query("UPDATE accounts SET flexible_variants = $2, browser_ttl_s = $3 WHERE number = $1")
            .bind(account.number.0)
            .bind(i64::from(config.flexible_variants))
            .bind(config.browser_ttl_s.map(i64::from))
            .execute(&mut *connection)
            .await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::Missing("account"));
        }
        let position = Position::at(self.clock.now_ms());
        event::record(
            connection,
            position,
            account.number,
            EventKind::ConfigChanged,
            &account.id,
        )
        .await?;
        write.commit().await
    }

    /// Bounds the images that an account may have.
    ///
    /// # Errors
    /// When the account is gone, or the database fails.
    pub async fn set_quota(&self, account: &Account, quota: Option<u64>) -> Result<()> {
        let quota = quota.map(|quota| i64::try_from(quota).unwrap_or(i64::MAX));
        let done = sqlx::query("UPDATE accounts SET quota = $2 WHERE number = $1")
            .bind(account.number.0)
            .bind(quota)
            .execute(self.database.pool())
            .await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::Missing("account"));
        }
        Ok(())
    }
}

/// Locks the account's row until the end of the transaction: what is counted before it is added is counted by one at a time.
pub(crate) async fn lock(connection: &mut AnyConnection, account: AccountNumber) -> Result<()> {
    let done = sqlx::query("UPDATE accounts SET images = images WHERE number = $1")
        .bind(account.0)
        .execute(connection)
        .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::Missing("account"));
    }
    Ok(())
}

/// One image more, if the quota allows it.
pub(crate) async fn count_image(connection: &mut AnyConnection, account: &Account) -> Result<()> {
    count_images(connection, account, 1).await
}

/// So many images more, if the quota allows all of them.
pub(crate) async fn count_images(connection: &mut AnyConnection, account: &Account, images: usize) -> Result<()> {
    let done = sqlx::query(
        "UPDATE accounts SET images = images + $2 WHERE number = $1 AND (quota IS NULL OR images + $2 <= quota)",
    )
    .bind(account.number.0)
    .bind(i64::try_from(images).unwrap_or(i64::MAX))
    .execute(connection)
    .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::Full {
            of: "images",
            max: account.quota.unwrap_or_default(),
        });
    }
    Ok(())
}

/// One image less.
pub(crate) async fn discount_image(connection: &mut AnyConnection, account: AccountNumber) -> Result<()> {
    sqlx::query("UPDATE accounts SET images = images - 1 WHERE number = $1")
        .bind(account.0)
        .execute(connection)
        .await?;
    Ok(())
}

/// Two pieces of fixed text.
fn joined(start: &'static str, end: &'static str) -> sqlx::AssertSqlSafe<String> {
    sqlx::AssertSqlSafe(format!("{start}{end}"))
}
