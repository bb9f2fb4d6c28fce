//! The keys that sign URLs of private images (spec 6.12, 8).

use sqlx::{AnyConnection, Row};

use crate::account::{self, Account, AccountNumber};
use crate::clock::Position;
use crate::event::{self, EventKind};
use crate::secret::{self, Sealer, Secret};
use crate::{Result, Store, StoreError};

/// The key that every account begins with.
pub const DEFAULT_NAME: &str = "default";
/// Characters of a value: above 190 bits.
const VALUE_CHARS: usize = 32;
const NAME_CHARS_MAX: usize = 20;

/// A key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// What it is called.
    pub name: String,
    /// The UTF-8 bytes of this text are the key of the HMAC.
    pub value: Secret,
}

/// Checks a name: letters and digits, 1 to 20.
fn check_name(name: &str) -> Result<()> {
    if (1..=NAME_CHARS_MAX).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(());
    }
    Err(StoreError::Invalid(format!(
        "the name of a signing key has 1 to {NAME_CHARS_MAX} letters and digits"
    )))
}

fn place(account: AccountNumber, name: &str) -> String {
    format!("{}/{name}", account.0)
}

/// Adds a key with a new value.
pub(crate) async fn insert(
    connection: &mut AnyConnection,
    sealer: &Sealer,
    account: AccountNumber,
    name: &str,
    now_ms: i64,
) -> Result<()> {
    let sealed = sealer.seal(&secret::random_alphanumeric(VALUE_CHARS), &place(account, name))?;
    sqlx::query("INSERT INTO signing_keys (account, name, sealed_value, created_ms) VALUES ($1, $2, $3, $4)")
        .bind(account.0)
        .bind(name)
        .bind(sealed)
        .bind(now_ms)
        .execute(connection)
        .await?;
    Ok(())
}

impl Store {
    /// The keys of an account, oldest first.
    ///
    /// # Errors
    /// When the database fails, or a value was sealed with another key.
    pub async fn signing_keys(&self, account: &Account) -> Result<Vec<SigningKey>> {
        let rows =
            sqlx::query("SELECT name, sealed_value FROM signing_keys WHERE account = $1 ORDER BY created_ms, name")
                .bind(account.number.0)
                .fetch_all(self.database.pool())
                .await?;
        let mut keys = Vec::with_capacity(rows.len());
        for row in rows {
            let name: String = row.try_get("name")?;
            let sealed: String = row.try_get("sealed_value")?;
            let value = self.sealer.open(&sealed, &place(account.number, &name))?;
            keys.push(SigningKey { name, value });
        }
        Ok(keys)
    }

    /// Makes a key, or gives the one that has the name a new value. An account has at most `max` keys.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for the name, [`StoreError::Full`], or the database fails.
    pub async fn put_signing_key(&self, account: &Account, name: &str, max: u64) -> Result<()> {
        check_name(name)?;
        let now_ms = self.clock.now_ms();
        let mut write = self.database.write().await?;
        let connection = write.connection();
        account::lock(connection, account.number).await?;
        let sealed = self
            .sealer
            .seal(&secret::random_alphanumeric(VALUE_CHARS), &place(account.number, name))?;
        let rotated = sqlx::query("UPDATE signing_keys SET sealed_value = $3 WHERE account = $1 AND name = $2")
            .bind(account.number.0)
            .bind(name)
            .bind(sealed)
            .execute(&mut *connection)
            .await?;
        if rotated.rows_affected() == 0 {
            if count(connection, account.number).await? >= max {
                return Err(StoreError::Full {
                    of: "signing keys",
                    max,
                });
            }
            insert(connection, &self.sealer, account.number, name, now_ms).await?;
        }
        event::record(
            connection,
            Position::at(now_ms),
            account.number,
            EventKind::KeyChanged,
            name,
        )
        .await?;
        write.commit().await
    }

    /// Deletes a key. When it was the last one, a new `default` is made.
    ///
    /// # Errors
    /// [`StoreError::Missing`], or the database fails.
    pub async fn delete_signing_key(&self, account: &Account, name: &str) -> Result<()> {
        check_name(name).map_err(|_| StoreError::Missing("signing key"))?;
        let now_ms = self.clock.now_ms();
        let mut write = self.database.write().await?;
        let connection = write.connection();
        account::lock(connection, account.number).await?;
        let deleted = sqlx::query("DELETE FROM signing_keys WHERE account = $1 AND name = $2")
            .bind(account.number.0)
            .bind(name)
            .execute(&mut *connection)
            .await?;
        if deleted.rows_affected() == 0 {
            return Err(StoreError::Missing("signing key"));
        }
        if count(connection, account.number).await? == 0 {
            insert(connection, &self.sealer, account.number, DEFAULT_NAME, now_ms).await?;
        }
        event::record(
            connection,
            Position::at(now_ms),
            account.number,
            EventKind::KeyChanged,
            name,
        )
        .await?;
        write.commit().await
    }
}

async fn count(connection: &mut AnyConnection, account: AccountNumber) -> Result<u64> {
    let count: i64 = sqlx::query("SELECT COUNT(*) AS keys FROM signing_keys WHERE account = $1")
        .bind(account.0)
        .fetch_one(connection)
        .await?
        .try_get("keys")?;
    Ok(u64::try_from(count).unwrap_or_default())
}
