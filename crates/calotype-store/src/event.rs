//! The log of what happened.

use sqlx::{AnyConnection, Row};

use crate::account::AccountNumber;
use crate::clock::Position;
use crate::database::Statement;
use crate::{Result, Store};

/// What may have happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// An image can be had.
    ImageUploaded,
    /// An image is gone, under this id: deleted, or of another access and so of another id.
    ImageRemoved,
    /// A variant is new, other, or gone.
    VariantChanged,
    /// A signing key is new, other, or gone.
    KeyChanged,
    /// A setting of the account is another.
    ConfigChanged,
}

impl EventKind {
    const ALL: [Self; 5] = [
        Self::ImageUploaded,
        Self::ImageRemoved,
        Self::VariantChanged,
        Self::KeyChanged,
        Self::ConfigChanged,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::ImageUploaded => "image.uploaded",
            Self::ImageRemoved => "image.removed",
            Self::VariantChanged => "variant.changed",
            Self::KeyChanged => "key.changed",
            Self::ConfigChanged => "config.changed",
        }
    }
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub position: Position,
    /// In which account.
    pub account: AccountNumber,
    /// What.
    pub kind: EventKind,
    /// The id of the image, or the name of the variant or key.
    pub subject: String,
}

/// Adds a line, in the transaction of what it tells of.
pub(crate) async fn record(
    connection: &mut AnyConnection,
    position: Position,
    account: AccountNumber,
    kind: EventKind,
    subject: &str,
) -> Result<()> {
    sqlx::query("INSERT INTO events (position, account, kind, subject) VALUES ($1, $2, $3, $4)")
        .bind(position.0)
        .bind(account.0)
        .bind(kind.name())
        .bind(subject)
        .execute(connection)
        .await?;
    Ok(())
}

/// Adds a line for each subject, at most a thousand of them.
pub(crate) async fn record_all(
    connection: &mut AnyConnection,
    now_ms: i64,
    account: AccountNumber,
    kind: EventKind,
    subjects: &[&str],
) -> Result<()> {
    if subjects.is_empty() {
        return Ok(());
    }
    // One after the other: of a thousand random ones in one millisecond two would be the same.
    let first = Position::at(now_ms).0;
    let mut statement = Statement::new("INSERT INTO events (position, account, kind, subject) VALUES ");
    for (position, subject) in (first..).zip(subjects) {
        statement
            .text(if position == first { "(" } else { ", (" })
            .value(position);
        statement.text(", ").value(account.0);
        statement.text(", ").value(kind.name());
        statement.text(", ").value(*subject).text(")");
    }
    statement.run(connection).await
}

impl Store {
    /// The lines after a position, oldest first.
    ///
    /// Transactions end in another order than they begin: whoever follows the log reads again from some seconds back and knows what it has seen.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn events(&self, after: Position, max: u32) -> Result<Vec<Event>> {
        let rows = sqlx::query(
            "SELECT position, account, kind, subject FROM events WHERE position > $1 ORDER BY position LIMIT $2",
        )
        .bind(after.0)
        .bind(i64::from(max))
        .fetch_all(self.database.pool())
        .await?;
        let mut events = Vec::with_capacity(rows.len());
        for row in rows {
            let name: String = row.try_get("kind")?;
            // A later version may write what this one has no word for.
            let Some(kind) = EventKind::ALL.into_iter().find(|kind| kind.name() == name) else {
                continue;
            };
            events.push(Event {
                position: Position(row.try_get("position")?),
                account: AccountNumber(row.try_get("account")?),
                kind,
                subject: row.try_get("subject")?,
            });
        }
        Ok(events)
    }
}
