//! The log of what happened.

use std::collections::HashSet;

use sqlx::{AnyConnection, Row};

use crate::account::AccountNumber;
use crate::clock::Position;
use crate::database::Statement;
use crate::{Result, Store, StoreError};

/// Tries at positions that nobody has.
const POSITION_TRIES: usize = 16;

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

/// Adds a line, in the transaction of what it tells of; at another position of the same millisecond if this one is taken.
pub(crate) async fn record(
    connection: &mut AnyConnection,
    position: Position,
    account: AccountNumber,
    kind: EventKind,
    subject: &str,
) -> Result<()> {
    write(connection, position, account, kind, &[subject]).await
}

/// Adds a line for each subject.
pub(crate) async fn record_all(
    connection: &mut AnyConnection,
    now_ms: i64,
    account: AccountNumber,
    kind: EventKind,
    subjects: &[&str],
) -> Result<()> {
    write(connection, Position::at(now_ms), account, kind, subjects).await
}

async fn write(
    connection: &mut AnyConnection,
    mut first: Position,
    account: AccountNumber,
    kind: EventKind,
    subjects: &[&str],
) -> Result<()> {
    let mut missing = subjects.to_vec();
    for _ in 0..POSITION_TRIES {
        if missing.is_empty() {
            return Ok(());
        }
        let mut statement = Statement::new("INSERT INTO events (position, account, kind, subject) VALUES ");
        // One after the other: of a hundred random positions in one millisecond two may be the same.
        for (at, (position, subject)) in (first.0..).zip(&missing).enumerate() {
            statement.text(if at == 0 { "(" } else { ", (" }).value(position);
            statement.text(", ").value(account.0);
            statement.text(", ").value(kind.name());
            statement.text(", ").value(*subject).text(")");
        }
        statement.text(" ON CONFLICT DO NOTHING RETURNING subject");
        let rows = statement.rows_in(connection).await?;
        if rows.len() == missing.len() {
            return Ok(());
        }
        let written = rows.iter().map(|row| row.try_get("subject"));
        let written = written.collect::<std::result::Result<HashSet<String>, _>>()?;
        missing.retain(|subject| !written.contains(*subject));
        first = Position::at(first.ms());
    }
    Err(StoreError::damaged("no position was free for an event"))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StoreSettings;

    #[tokio::test]
    async fn two_events_at_one_position_are_both_told() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(StoreSettings::in_directory(directory.path()))
            .await
            .unwrap();
        let account = store.default_account().await.unwrap().number;
        let position = Position::at(1_800_000_000_000);
        let mut write = store.database.write().await.unwrap();
        for subject in ["one", "two"] {
            let kind = EventKind::ImageUploaded;
            record(write.connection(), position, account, kind, subject)
                .await
                .unwrap();
        }
        write.commit().await.unwrap();
        let events = store.events(Position(0), 10).await.unwrap();
        let mut subjects: Vec<&str> = events.iter().map(|event| event.subject.as_str()).collect();
        subjects.sort_unstable();
        assert_eq!(subjects, ["one", "two"]);
        assert!(events.iter().all(|event| event.position.ms() == position.ms()));
    }
}
