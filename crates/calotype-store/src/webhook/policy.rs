//! Policies: which webhooks hear of direct uploads.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::{check_description, check_name, check_room, check_webhook, is_id};
use crate::account::{self, Account, AccountNumber};
use crate::{Result, Store, StoreError, secret};

/// Webhooks of one policy.
const WEBHOOKS_MAX: usize = 50;
/// Policies of an account.
const POLICIES_MAX: u64 = 100;
const COLUMNS: &str =
    "SELECT id, name, description, is_enabled, created_ms, modified_ms FROM notification_policies WHERE account = $1";

/// A policy to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPolicy {
    /// For people.
    pub name: String,
    /// For people.
    pub description: String,
    /// Whether it does anything.
    pub is_enabled: bool,
    /// The ids of the webhooks that hear of it.
    pub webhooks: Vec<String>,
}

/// What to change; `None` is unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PolicyChanges {
    /// For people.
    pub name: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// Whether it does anything.
    pub is_enabled: Option<bool>,
    /// The ids of the webhooks that hear of it.
    pub webhooks: Option<Vec<String>>,
}

/// A policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// 32 hex digits.
    pub id: String,
    /// For people.
    pub name: String,
    /// For people.
    pub description: String,
    /// Whether it does anything.
    pub is_enabled: bool,
    /// The ids of the webhooks that hear of it.
    pub webhooks: Vec<String>,
    /// In milliseconds since 1970.
    pub created_ms: i64,
    /// In milliseconds since 1970.
    pub modified_ms: i64,
}

impl Store {
    /// The policies of an account, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn policies(&self, account: &Account) -> Result<Vec<Policy>> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("{COLUMNS} ORDER BY created_ms, id")))
            .bind(account.number.0)
            .fetch_all(self.database.pool())
            .await?;
        let mut policies = Vec::with_capacity(rows.len());
        for row in &rows {
            policies.push(self.policy_of(row).await?);
        }
        Ok(policies)
    }

    /// The policy of an id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn policy(&self, account: &Account, id: &str) -> Result<Option<Policy>> {
        if !is_id(id) {
            return Ok(None);
        }
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{COLUMNS} AND id = $2")))
            .bind(account.number.0)
            .bind(id)
            .fetch_optional(self.database.pool())
            .await?;
        match row {
            None => Ok(None),
            Some(row) => Ok(Some(self.policy_of(&row).await?)),
        }
    }

    async fn policy_of(&self, row: &AnyRow) -> Result<Policy> {
        let id: String = row.try_get("id")?;
        let webhooks = sqlx::query("SELECT webhook FROM policy_webhooks WHERE policy = $1 ORDER BY place")
            .bind(&id)
            .fetch_all(self.database.pool())
            .await?
            .iter()
            .map(|row| Ok(row.try_get("webhook")?))
            .collect::<Result<_>>()?;
        Ok(Policy {
            id,
            name: row.try_get("name")?,
            description: row.try_get("description")?,
            is_enabled: row.try_get::<i64, _>("is_enabled")? != 0,
            webhooks,
            created_ms: row.try_get("created_ms")?,
            modified_ms: row.try_get("modified_ms")?,
        })
    }

    /// Makes a policy. An account has at most 100.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a name, or a webhook that is not there, [`StoreError::Full`], or the database fails.
    pub async fn create_policy(&self, account: &Account, new: &NewPolicy) -> Result<Policy> {
        check_name(&new.name)?;
        check_description(&new.description)?;
        let id = secret::hex(&secret::random::<16>());
        let now_ms = self.clock.now_ms();
        let mut write = self.database.write().await?;
        let connection = write.connection();
        account::lock(connection, account.number).await?;
        let count = "SELECT COUNT(*) AS rows_ FROM notification_policies WHERE account = $1";
        check_room(connection, count, account.number, "policies", POLICIES_MAX).await?;
        sqlx::query(
            "INSERT INTO notification_policies (id, account, name, description, is_enabled, created_ms, modified_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $6)",
        )
        .bind(&id)
        .bind(account.number.0)
        .bind(&new.name)
        .bind(&new.description)
        .bind(i64::from(new.is_enabled))
        .bind(now_ms)
        .execute(&mut *connection)
        .await?;
        lead(connection, account.number, &id, &new.webhooks).await?;
        write.commit().await?;
        self.policy(account, &id).await?.ok_or(StoreError::Missing("policy"))
    }

    /// Changes a policy.
    ///
    /// # Errors
    /// [`StoreError::Missing`], [`StoreError::Invalid`] as for new ones, or the database fails.
    pub async fn update_policy(&self, account: &Account, id: &str, changes: &PolicyChanges) -> Result<Policy> {
        if let Some(name) = &changes.name {
            check_name(name)?;
        }
        if let Some(description) = &changes.description {
            check_description(description)?;
        }
        let old = self.policy(account, id).await?.ok_or(StoreError::Missing("policy"))?;
        let mut write = self.database.write().await?;
        let connection = write.connection();
        account::lock(connection, account.number).await?;
        let done = sqlx::query(
            "UPDATE notification_policies SET name = $3, description = $4, is_enabled = $5, modified_ms = $6 WHERE account = $1 AND id = $2",
        )
        .bind(account.number.0)
        .bind(id)
        .bind(changes.name.as_deref().unwrap_or(&old.name))
        .bind(changes.description.as_deref().unwrap_or(&old.description))
        .bind(i64::from(changes.is_enabled.unwrap_or(old.is_enabled)))
        .bind(self.clock.now_ms())
        .execute(&mut *connection)
        .await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::Missing("policy"));
        }
        if let Some(webhooks) = &changes.webhooks {
            lead(connection, account.number, id, webhooks).await?;
        }
        write.commit().await?;
        self.policy(account, id).await?.ok_or(StoreError::Missing("policy"))
    }

    /// Deletes a policy, and what waits because of it.
    ///
    /// # Errors
    /// [`StoreError::Missing`], or the database fails.
    pub async fn delete_policy(&self, account: &Account, id: &str) -> Result<()> {
        if !is_id(id) {
            return Err(StoreError::Missing("policy"));
        }
        let mut write = self.database.write().await?;
        let connection = write.connection();
        account::lock(connection, account.number).await?;
        let done = sqlx::query("DELETE FROM notification_policies WHERE account = $1 AND id = $2")
            .bind(account.number.0)
            .bind(id)
            .execute(&mut *connection)
            .await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::Missing("policy"));
        }
        for statement in [
            "DELETE FROM policy_webhooks WHERE policy = $1",
            "DELETE FROM outbox WHERE route = $1 AND done_ms IS NULL",
        ] {
            sqlx::query(statement).bind(id).execute(&mut *connection).await?;
        }
        write.commit().await
    }
}

/// Lets a policy lead to these webhooks and no others; one that is named twice counts once.
async fn lead(connection: &mut AnyConnection, account: AccountNumber, policy: &str, webhooks: &[String]) -> Result<()> {
    if webhooks.is_empty() || webhooks.len() > WEBHOOKS_MAX {
        return Err(StoreError::Invalid(format!(
            "mechanisms.webhooks must name 1 to {WEBHOOKS_MAX} webhooks by their id"
        )));
    }
    sqlx::query("DELETE FROM policy_webhooks WHERE policy = $1")
        .bind(policy)
        .execute(&mut *connection)
        .await?;
    for (place, webhook) in (0_i64..).zip(webhooks) {
        check_webhook(connection, account, webhook).await?;
        sqlx::query("INSERT INTO policy_webhooks (policy, webhook, place) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
            .bind(policy)
            .bind(webhook)
            .bind(place)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
