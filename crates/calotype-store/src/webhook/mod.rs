//! Where news of images goes: webhooks, and the policies and subscriptions that lead to them (spec 11, docs/design/events.md).

mod destination;
mod policy;
mod subscription;

pub use destination::{NewWebhook, Webhook, WebhookChanges, WebhookSecret, WebhookUrl};
pub use policy::{NewPolicy, Policy, PolicyChanges};
pub use subscription::{ImageEvent, NewSubscription, Subscription, SubscriptionChanges};

pub(crate) use destination::place;
pub(crate) use subscription::stored_events;

use sqlx::{AnyConnection, Row};

use crate::account::AccountNumber;
use crate::{Result, StoreError};

/// Characters of a name.
const NAME_CHARS_MAX: usize = 256;
/// Characters of a description.
const DESCRIPTION_CHARS_MAX: usize = 1_024;

/// Checks a name: 1 to 256 characters, none of them a control character.
fn check_name(name: &str) -> Result<()> {
    if name.trim().is_empty() || name.chars().count() > NAME_CHARS_MAX || name.chars().any(char::is_control) {
        return Err(StoreError::Invalid(format!(
            "name must have 1 to {NAME_CHARS_MAX} characters, none of them a control character"
        )));
    }
    Ok(())
}

fn check_description(description: &str) -> Result<()> {
    if description.chars().count() > DESCRIPTION_CHARS_MAX || description.contains('\0') {
        return Err(StoreError::Invalid(format!(
            "description must have at most {DESCRIPTION_CHARS_MAX} characters, none of them U+0000"
        )));
    }
    Ok(())
}

/// Whether an id can be one: what cannot is not asked for.
fn is_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Refuses one more than `max` rows of an account. The account is locked.
async fn check_room(
    connection: &mut AnyConnection,
    count: &'static str,
    account: AccountNumber,
    of: &'static str,
    max: u64,
) -> Result<()> {
    let rows: i64 = sqlx::query(count)
        .bind(account.0)
        .fetch_one(connection)
        .await?
        .try_get("rows_")?;
    if u64::try_from(rows).unwrap_or_default() >= max {
        return Err(StoreError::Full { of, max });
    }
    Ok(())
}

/// Refuses a webhook that the account does not have.
async fn check_webhook(connection: &mut AnyConnection, account: AccountNumber, id: &str) -> Result<()> {
    let found = if is_id(id) {
        sqlx::query("SELECT 1 AS one FROM webhooks WHERE account = $1 AND id = $2")
            .bind(account.0)
            .bind(id)
            .fetch_optional(connection)
            .await?
    } else {
        None
    };
    match found {
        Some(_) => Ok(()),
        None => Err(StoreError::Invalid(format!(
            "there is no webhook {id:.64}; create it first"
        ))),
    }
}
