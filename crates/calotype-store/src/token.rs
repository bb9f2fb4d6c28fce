//! API tokens, and the short-lived ones of the batch host.

use sqlx::Row;
use sqlx::any::AnyRow;

use crate::account::{self, Account, AccountNumber};
use crate::networks::Networks;
use crate::secret::{self, Secret};
use crate::{Result, Store, StoreError};

/// What every API token begins with, so that scanners of leaked secrets can tell one.
const PREFIX: &str = "ctk_";
const BATCH_PREFIX: &str = "bt_";
/// How long a batch token lives: one hour.
pub const BATCH_TOKEN_LIFE_MS: i64 = 3_600_000;
/// Tokens of an account, those that have ended included.
const TOKENS_MAX: u64 = 500;
/// Characters of a name.
const NAME_CHARS_MAX: usize = 120;

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
    /// Where it may be used from.
    pub networks: Networks,
}

/// A token to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// For people: up to 120 characters.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
    /// When it ends, if ever, in milliseconds since 1970.
    pub expires_ms: Option<i64>,
    /// Where it may be used from.
    pub networks: Networks,
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
            networks: Networks::from_column(row.try_get::<Option<String>, _>("networks")?.as_deref())?,
        })
    }

    /// Whether it is good for ever and everywhere. One that is not makes no others: they could outlive it, or reach further.
    #[must_use]
    pub const fn is_unbound(&self) -> bool {
        self.expires_ms.is_none() && self.networks.is_everywhere()
    }
}

impl Store {
    /// A new token of an account, good everywhere. Its secret is shown here and never again: only its hash is kept.
    ///
    /// # Errors
    /// Those of [`Store::create_token_of`].
    pub async fn create_token(
        &self,
        account: &Account,
        name: &str,
        scope: Scope,
        expires_ms: Option<i64>,
    ) -> Result<(Token, Secret)> {
        let new = NewToken {
            name: name.to_owned(),
            scope,
            expires_ms,
            networks: Networks::default(),
        };
        self.create_token_of(account, new).await
    }

    /// The same of a whole description.
    ///
    /// # Errors
    /// When the end is past, the name is empty or too long, the account has as many tokens as it may have, or the database fails.
    pub async fn create_token_of(&self, account: &Account, new: NewToken) -> Result<(Token, Secret)> {
        let now_ms = self.clock.now_ms();
        if new.expires_ms.is_some_and(|end| end <= now_ms) {
            return Err(StoreError::Invalid("the token would have ended already".to_owned()));
        }
        let is_name = !new.name.is_empty()
            && new.name.chars().count() <= NAME_CHARS_MAX
            && !new.name.chars().any(char::is_control);
        if !is_name {
            return Err(StoreError::Invalid(format!(
                "the name of a token must have 1 to {NAME_CHARS_MAX} characters"
            )));
        }
        let secret = Secret::new(format!("{PREFIX}{}", secret::random_text::<32>()));
        let token = Token {
            id: secret::hex(&secret::random::<16>()),
            account: account.number,
            name: new.name,
            scope: new.scope,
            created_ms: now_ms,
            expires_ms: new.expires_ms,
            networks: new.networks,
        };
        let mut write = self.database.write().await?;
        let connection = write.connection();
        account::lock(connection, account.number).await?;
        let count: i64 = sqlx::query("SELECT COUNT(*) AS many FROM tokens WHERE account = $1")
            .bind(account.number.0)
            .fetch_one(&mut *connection)
            .await?
            .try_get("many")?;
        if u64::try_from(count).unwrap_or_default() >= TOKENS_MAX {
            return Err(StoreError::Full {
                of: "tokens",
                max: TOKENS_MAX,
            });
        }
        sqlx::query(
            "INSERT INTO tokens (id, account, name, secret_hash, may_write, created_ms, expires_ms, networks) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(&token.id)
        .bind(token.account.0)
        .bind(&token.name)
        .bind(secret::hash(secret.reveal()))
        .bind(i64::from(token.scope == Scope::Write))
        .bind(token.created_ms)
        .bind(token.expires_ms)
        .bind(token.networks.to_column())
        .execute(&mut *connection)
        .await?;
        write.commit().await?;
        Ok((token, secret))
    }

    /// The token of a secret, unless it has ended.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn token(&self, secret: &str) -> Result<Option<Token>> {
        let row = sqlx::query(
            "SELECT id, account, name, may_write, created_ms, expires_ms, networks FROM tokens
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
            "SELECT id, account, name, may_write, created_ms, expires_ms, networks FROM tokens WHERE account = $1 ORDER BY created_ms, id",
        )
        .bind(account.number.0)
        .fetch_all(self.database.pool())
        .await?;
        rows.iter().map(Token::from_row).collect()
    }

    /// One token of an account by its id, whether it has ended or not.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such token, or the database fails.
    pub async fn token_by_id(&self, account: &Account, id: &str) -> Result<Token> {
        if id.contains('\0') {
            return Err(StoreError::Missing("token"));
        }
        let row = sqlx::query(
            "SELECT id, account, name, may_write, created_ms, expires_ms, networks FROM tokens WHERE account = $1 AND id = $2",
        )
        .bind(account.number.0)
        .bind(id)
        .fetch_optional(self.database.pool())
        .await?;
        row.as_ref()
            .map(Token::from_row)
            .transpose()?
            .ok_or(StoreError::Missing("token"))
    }

    /// Ends a token now.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such token, or the database fails.
    pub async fn revoke_token(&self, account: &Account, id: &str) -> Result<()> {
        if id.contains('\0') {
            return Err(StoreError::Missing("token"));
        }
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

    /// The account of a batch token, unless the token has ended.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn account_of_batch_token(&self, secret: &str) -> Result<Option<Account>> {
        let row = sqlx::query("SELECT account FROM batch_tokens WHERE secret_hash = $1 AND expires_ms > $2")
            .bind(secret::hash(secret))
            .bind(self.clock.now_ms())
            .fetch_optional(self.database.pool())
            .await?;
        match row {
            None => Ok(None),
            Some(row) => self.account_by_number(AccountNumber(row.try_get("account")?)).await,
        }
    }
}
