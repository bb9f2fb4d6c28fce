//! API tokens, and the short-lived ones of the batch host.

use sqlx::Row;
use sqlx::any::AnyRow;

use crate::account::{Account, AccountNumber};
use crate::secret::{self, Secret};
use crate::{Result, Store, StoreError};

/// What every API token begins with, so that scanners of leaked secrets can tell one.
const PREFIX: &str = "ctk_";
const BATCH_PREFIX: &str = "bt_";
/// How long a batch token lives: one hour.
pub const BATCH_TOKEN_LIFE_MS: i64 = 3_600_000;

/// What a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Ask.
    Read,
    /// Ask and change.
    Write,
}

/// An API token without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What it is revoked by: 32 hex digits.
    pub id: String,
    /// Whose it is.
    pub account: AccountNumber,
    /// For people.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: i64,
    /// When it ends, if ever.
    pub expires_ms: Option<i64>,
}

/// A token of the batch host.
#[derive(Debug)]
pub struct BatchToken {
    /// Shown once.
    pub secret: Secret,
    /// When it ends, in milliseconds since 1970.
    pub expires_ms: i64,
}

impl Token {
    fn from_row(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            account: AccountNumber(row.try_get("account")?),
            name: row.try_get("name")?,
            scope: if row.try_get::<i64, _>("may_write")? == 0 {
                Scope::Read
            } else {
                Scope::Write
            },
            created_ms: row.try_get("created_ms")?,
            expires_ms: row.try_get("expires_ms")?,
        })
    }
}

impl Store {
    /// A new token of an account. Its secret is shown here and never again: only its hash is kept.
    ///
    /// # Errors
    /// When the end is past, or the database fails.
    pub async fn create_token(
        &self,
        account: &Account,
        name: &str,
        scope: Scope,
        expires_ms: Option<i64>,
    ) -> Result<(Token, Secret)> {
        let now_ms = self.clock.now_ms();
        if expires_ms.is_some_and(|end| end <= now_ms) {
            return Err(StoreError::Invalid("the token would have ended already".to_owned()));
        }
        let secret = Secret::new(format!("{PREFIX}{}", secret::random_text::<32>()));
        let token = Token {
            id: secret::hex(&secret::random::<16>()),
            account: account.number,
            name: name.to_owned(),
            scope,
            created_ms: now_ms,
            expires_ms,
        };
        sqlx::query(
            "INSERT INTO tokens (id, account, name, secret_hash, may_write, created_ms, expires_ms) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&token.id)
        .bind(token.account.0)
        .bind(&token.name)
        .bind(secret::hash(secret.reveal()))
        .bind(i64::from(scope == Scope::Write))
        .bind(token.created_ms)
        .bind(token.expires_ms)
        .execute(self.database.pool())
        .await?;
        Ok((token, secret))
    }

    /// The token of a secret, unless it has ended.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn token(&self, secret: &str) -> Result<Option<Token>> {
        let row = sqlx::query(
            "SELECT id, account, name, may_write, created_ms, expires_ms FROM tokens
             WHERE secret_hash = $1 AND (expires_ms IS NULL OR expires_ms > $2)",
        )
        .bind(secret::hash(secret))
        .bind(self.clock.now_ms())
        .fetch_optional(self.database.pool())
        .await?;
        row.as_ref().map(Token::from_row).transpose()
    }

    /// The tokens of an account, oldest first; those that have ended too.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tokens(&self, account: &Account) -> Result<Vec<Token>> {
        let rows = sqlx::query(
            "SELECT id, account, name, may_write, created_ms, expires_ms FROM tokens WHERE account = $1 ORDER BY created_ms, id",
        )
        .bind(account.number.0)
        .fetch_all(self.database.pool())
        .await?;
        rows.iter().map(Token::from_row).collect()
    }

    /// Ends a token now.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such token, or the database fails.
    pub async fn revoke_token(&self, account: &Account, id: &str) -> Result<()> {
        let done = sqlx::query("DELETE FROM tokens WHERE account = $1 AND id = $2")
            .bind(account.number.0)
            .bind(id)
            .execute(self.database.pool())
            .await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::Missing("token"));
        }
        Ok(())
    }

    /// A token for the batch host.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn create_batch_token(&self, account: &Account) -> Result<BatchToken> {
        let secret = Secret::new(format!("{BATCH_PREFIX}{}", secret::random_text::<32>()));
        let expires_ms = self.clock.now_ms().saturating_add(BATCH_TOKEN_LIFE_MS);
        sqlx::query("INSERT INTO batch_tokens (secret_hash, account, expires_ms) VALUES ($1, $2, $3)")
            .bind(secret::hash(secret.reveal()))
            .bind(account.number.0)
            .bind(expires_ms)
            .execute(self.database.pool())
            .await?;
        Ok(BatchToken { secret, expires_ms })
    }

    /// The account of a batch token, unless it has ended.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn account_of_batch_token(&self, secret: &str) -> Result<Option<AccountNumber>> {
        let row = sqlx::query("SELECT account FROM batch_tokens WHERE secret_hash = $1 AND expires_ms > $2")
            .bind(secret::hash(secret))
            .bind(self.clock.now_ms())
            .fetch_optional(self.database.pool())
            .await?;
        Ok(row.map(|row| row.try_get("account")).transpose()?.map(AccountNumber))
    }
}
