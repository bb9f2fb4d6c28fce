//! URLs that are posted to, and their secrets.

use sqlx::Row;
use sqlx::any::AnyRow;
use url::Url;

use super::{check_name, check_room, is_id};
use crate::account::{self, Account, AccountNumber};
use crate::secret::{self, Secret};
use crate::{Result, Store, StoreError};

const URL_BYTES_MAX: usize = 2_048;
const SECRET_BYTES_MAX: usize = 1_024;
/// Webhooks of an account.
const WEBHOOKS_MAX: u64 = 50;
const COLUMNS: &str =
    "SELECT id, name, url, created_ms, last_success_ms, last_failure_ms FROM webhooks WHERE account = $1";

/// A URL that is posted to. Many hold a secret in their path, so it is not for the log.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookUrl(String);

impl WebhookUrl {
    /// An `http` or `https` URL with a host, and without user, password and fragment.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] says what would be one.
    pub fn parse(text: &str) -> Result<Self> {
        let url = Url::parse(text.trim()).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
                && url.fragment().is_none()
                && url.as_str().len() <= URL_BYTES_MAX
        });
        match url {
            Some(url) => Ok(Self(url.into())),
            None => Err(StoreError::Invalid(format!(
                "url must be an http or https URL without user and fragment, of at most {URL_BYTES_MAX} bytes"
            ))),
        }
    }

    /// As it is posted to.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookUrl(…)")
    }
}

/// What a receiver knows the sender by: sent verbatim in a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSecret(Secret);

impl WebhookSecret {
    /// Printable ASCII that does not begin or end with a space.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for what no header can carry.
    pub fn parse(text: &str) -> Result<Self> {
        let is_right = (1..=SECRET_BYTES_MAX).contains(&text.len())
            && text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
            && text.trim() == text;
        if !is_right {
            return Err(StoreError::Invalid(format!(
                "secret must have 1 to {SECRET_BYTES_MAX} printable ASCII characters, and no space at its ends"
            )));
        }
        Ok(Self(Secret::new(text.to_owned())))
    }

    /// The secret itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.0.reveal()
    }
}

/// A webhook to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWebhook {
    /// For people.
    pub name: String,
    /// Where to.
    pub url: WebhookUrl,
    /// What the receiver looks for.
    pub secret: Option<WebhookSecret>,
}

/// What to change; `None` is unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WebhookChanges {
    /// For people.
    pub name: Option<String>,
    /// Where to.
    pub url: Option<WebhookUrl>,
    /// `Some(None)` forgets it.
    pub secret: Option<Option<WebhookSecret>>,
}

/// A webhook, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// 32 hex digits.
    pub id: String,
    /// For people.
    pub name: String,
    /// Where to.
    pub url: WebhookUrl,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: i64,
    /// When it last answered with a 2xx.
    pub last_success_ms: Option<i64>,
    /// When it last did not.
    pub last_failure_ms: Option<i64>,
}

impl Webhook {
    fn from_row(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            url: WebhookUrl(row.try_get("url")?),
            created_ms: row.try_get("created_ms")?,
            last_success_ms: row.try_get("last_success_ms")?,
            last_failure_ms: row.try_get("last_failure_ms")?,
        })
    }
}

/// What a secret is sealed for.
pub(crate) fn place(account: AccountNumber, id: &str) -> String {
    format!("{}/webhook/{id}", account.0)
}

impl Store {
    /// The webhooks of an account, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn webhooks(&self, account: &Account) -> Result<Vec<Webhook>> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("{COLUMNS} ORDER BY created_ms, id")))
            .bind(account.number.0)
            .fetch_all(self.database.pool())
            .await?;
        rows.iter().map(Webhook::from_row).collect()
    }

    /// The webhook of an id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn webhook(&self, account: &Account, id: &str) -> Result<Option<Webhook>> {
        if !is_id(id) {
            return Ok(None);
        }
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{COLUMNS} AND id = $2")))
            .bind(account.number.0)
            .bind(id)
            .fetch_optional(self.database.pool())
            .await?;
        row.as_ref().map(Webhook::from_row).transpose()
    }

    /// The secret of a webhook.
    ///
    /// # Errors
    /// [`StoreError::Missing`], the database fails, or the secret was sealed with another key.
    pub async fn webhook_secret(&self, account: &Account, id: &str) -> Result<Option<Secret>> {
        if !is_id(id) {
            return Err(StoreError::Missing("webhook"));
        }
        let sealed: Option<String> = sqlx::query("SELECT sealed_secret FROM webhooks WHERE account = $1 AND id = $2")
            .bind(account.number.0)
            .bind(id)
            .fetch_optional(self.database.pool())
            .await?
            .ok_or(StoreError::Missing("webhook"))?
            .try_get("sealed_secret")?;
        sealed
            .map(|sealed| self.sealer.open(&sealed, &place(account.number, id)))
            .transpose()
    }

    /// Makes a webhook. An account has at most 50.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for the name, [`StoreError::Full`], or the database fails.
    pub async fn create_webhook(&self, account: &Account, new: &NewWebhook) -> Result<Webhook> {
        check_name(&new.name)?;
        let id = secret::hex(&secret::random::<16>());
        let sealed = self.seal_webhook(account, &id, new.secret.as_ref())?;
        let mut write = self.database.write().await?;
        let connection = write.connection();
        account::lock(connection, account.number).await?;
        let count = "SELECT COUNT(*) AS rows_ FROM webhooks WHERE account = $1";
        check_room(connection, count, account.number, "webhooks", WEBHOOKS_MAX).await?;
        sqlx::query(
            "INSERT INTO webhooks (id, account, name, url, sealed_secret, created_ms) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&id)
        .bind(account.number.0)
        .bind(&new.name)
        .bind(new.url.as_str())
        .bind(sealed)
        .bind(self.clock.now_ms())
        .execute(&mut *connection)
        .await?;
        write.commit().await?;
        self.webhook(account, &id).await?.ok_or(StoreError::Missing("webhook"))
    }

    /// Changes a webhook. What waits for it goes to where it leads then.
    ///
    /// # Errors
    /// [`StoreError::Missing`], [`StoreError::Invalid`] for the name, or the database fails.
    pub async fn update_webhook(&self, account: &Account, id: &str, changes: &WebhookChanges) -> Result<Webhook> {
        if let Some(name) = &changes.name {
            check_name(name)?;
        }
        let old = self.webhook(account, id).await?.ok_or(StoreError::Missing("webhook"))?;
        let mut write = self.database.write().await?;
        let connection = write.connection();
        let done = sqlx::query("UPDATE webhooks SET name = $3, url = $4 WHERE account = $1 AND id = $2")
            .bind(account.number.0)
            .bind(id)
            .bind(changes.name.as_deref().unwrap_or(&old.name))
            .bind(changes.url.as_ref().unwrap_or(&old.url).as_str())
            .execute(&mut *connection)
            .await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::Missing("webhook"));
        }
        if let Some(secret) = &changes.secret {
            sqlx::query("UPDATE webhooks SET sealed_secret = $3 WHERE account = $1 AND id = $2")
                .bind(account.number.0)
                .bind(id)
                .bind(self.seal_webhook(account, id, secret.as_ref())?)
                .execute(&mut *connection)
                .await?;
        }
        write.commit().await?;
        self.webhook(account, id).await?.ok_or(StoreError::Missing("webhook"))
    }

    /// Deletes a webhook: policies lose it, its subscriptions go, and so does what waits for it.
    ///
    /// # Errors
    /// [`StoreError::Missing`], or the database fails.
    pub async fn delete_webhook(&self, account: &Account, id: &str) -> Result<()> {
        if !is_id(id) {
            return Err(StoreError::Missing("webhook"));
        }
        let mut write = self.database.write().await?;
        let connection = write.connection();
        account::lock(connection, account.number).await?;
        let done = sqlx::query("DELETE FROM webhooks WHERE account = $1 AND id = $2")
            .bind(account.number.0)
            .bind(id)
            .execute(&mut *connection)
            .await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::Missing("webhook"));
        }
        for statement in [
            "DELETE FROM policy_webhooks WHERE webhook = $1",
            "DELETE FROM event_subscriptions WHERE webhook = $1",
            "DELETE FROM outbox WHERE webhook = $1 AND done_ms IS NULL",
        ] {
            sqlx::query(statement).bind(id).execute(&mut *connection).await?;
        }
        write.commit().await
    }

    fn seal_webhook(&self, account: &Account, id: &str, secret: Option<&WebhookSecret>) -> Result<Option<String>> {
        secret
            .map(|secret| self.sealer.seal(secret.reveal(), &place(account.number, id)))
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_and_secrets_are_those_that_can_be_sent() {
        for (text, is_right) in [
            ("https://hooks.example/a?b=c", true),
            ("http://10.0.0.1:8080/", true),
            ("https://hooks.example", true),
            ("ftp://hooks.example/", false),
            ("https://user@hooks.example/", false),
            ("https://hooks.example/#part", false),
            ("hooks.example", false),
            ("", false),
        ] {
            assert_eq!(WebhookUrl::parse(text).is_ok(), is_right, "{text}");
        }
        assert!(WebhookUrl::parse(&format!("https://a.example/{}", "x".repeat(2_030))).is_ok());
        assert!(WebhookUrl::parse(&format!("https://a.example/{}", "x".repeat(2_031))).is_err());
        for (text, is_right) in [
            ("s3cret with ~", true),
            ("", false),
            (" a", false),
            ("a\r\nb", false),
            ("é", false),
        ] {
            assert_eq!(WebhookSecret::parse(text).is_ok(), is_right, "{text}");
        }
    }

    #[test]
    fn neither_shows_itself() {
        let url = WebhookUrl::parse("https://hooks.example/T0/key").unwrap();
        assert_eq!(format!("{url:?}"), "WebhookUrl(…)");
        let secret = WebhookSecret::parse("hidden").unwrap();
        assert_eq!(format!("{secret:?}"), "WebhookSecret(Secret(…))");
    }
}
