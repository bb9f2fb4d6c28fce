//! Making, changing and deleting images.

use sqlx::{AnyConnection, Row};

use super::metadata::Scalar;
use super::{FieldPath, Image, ImageId, Metadata, list};
use crate::account::{self, Account, AccountNumber};
use crate::blob::{self, BlobName, Received};
use crate::clock::Position;
use crate::database::{Statement, Write};
use crate::outbox::{Happening, ImageFacts, announce};
use crate::secret::{self, Secret};
use crate::{Result, Store, StoreError};

/// Tries at a position that nobody has: a thousand uploads in one millisecond meet once in two tries.
const POSITION_TRIES: usize = 4;
/// Tries at changing an image that others change at the same time.
const CHANGE_TRIES: usize = 16;

/// What is known of an image before it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct NewImage {
    /// A custom id; one is made if none.
    pub id: Option<ImageId>,
    /// Whether its delivery takes a signature.
    pub is_private: bool,
    /// Who uploads it.
    pub creator: Option<String>,
    /// What the user writes beside it.
    pub metadata: Option<Metadata>,
}

/// What was seen of the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// What the file was called.
    pub filename: String,
    /// Of which type it is.
    pub media_type: String,
    /// Pixels; an SVG has none of its own.
    pub width: Option<u32>,
    /// Pixels.
    pub height: Option<u32>,
}

/// A promise of an image.
#[derive(Debug, Clone, PartialEq)]
pub struct NewDraft {
    /// What it will be.
    pub image: NewImage,
    /// Until when it may be uploaded, in milliseconds since 1970.
    pub ends_ms: i64,
}

/// What to change; `None` is unchanged.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Changes {
    /// Whether its delivery takes a signature.
    pub is_private: Option<bool>,
    /// Who uploaded it; `Some(None)` forgets.
    pub creator: Option<Option<String>>,
    /// What the user writes beside it; `Some(None)` forgets.
    pub metadata: Option<Option<Metadata>>,
}

impl NewImage {
    fn check(&self) -> Result<()> {
        if self.is_private && self.id.as_ref().is_some_and(ImageId::is_custom) {
            return Err(private_custom());
        }
        check_creator(self.creator.as_deref())
    }

    /// Whether an image that has had its id elsewhere may be brought along so.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] says why not.
    pub fn check_imported(&self) -> Result<()> {
        match &self.id {
            Some(id) if !id.is_custom() && id.with_access(self.is_private) != *id => Err(StoreError::Invalid(
                "an id of the server's form ends with 01 for an image that requires signed URLs, and with 00 for others".to_owned(),
            )),
            _ => self.check(),
        }
    }
}

fn private_custom() -> StoreError {
    StoreError::Invalid("Custom IDs cannot be used with requireSignedURLs".to_owned())
}

fn check_creator(creator: Option<&str>) -> Result<()> {
    match creator {
        Some(creator) if creator.chars().count() > 1_024 || creator.contains('\0') => Err(StoreError::Invalid(
            "creator must have at most 1024 characters, none of them U+0000".to_owned(),
        )),
        _ => Ok(()),
    }
}

impl Store {
    /// Stores an image. It can be delivered when this returns.
    ///
    /// # Errors
    /// [`StoreError::Taken`] for the id, [`StoreError::Full`] over the quota, [`StoreError::Invalid`] for a custom id that shall be private, or the database
    /// or the disk fails: nothing is stored then.
    pub async fn create_image(
        &self,
        account: &Account,
        new: NewImage,
        received: Received,
        facts: &Facts,
    ) -> Result<Image> {
        new.check()?;
        self.check_room(account, new.id.as_ref()).await?;
        let bytes = received.bytes();
        let name = self.put(received).await?;
        let id = new.id.clone().unwrap_or_else(|| ImageId::generate(new.is_private));
        for _ in 0..POSITION_TRIES {
            let position = Position::at(self.clock.now_ms());
            let mut write = self.database.write().await?;
            let connection = write.connection();
            account::count_image(connection, account).await?;
            self.hold(connection, &name).await?;
            forget_ended_draft(connection, account.number, &id, position.ms()).await?;
            let inserted = sqlx::query(
                "INSERT INTO images (account, id, position, is_private, creator, metadata, filename, blob, bytes, media_type, width, height)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING",
            )
            .bind(account.number.0)
            .bind(id.as_str())
            .bind(position.0)
            .bind(i64::from(new.is_private))
            .bind(new.creator.as_deref())
            .bind(new.metadata.as_ref().map(Metadata::text))
            .bind(&facts.filename)
            .bind(name.hash.as_str())
            .bind(i64::try_from(bytes).unwrap_or(i64::MAX))
            .bind(&facts.media_type)
            .bind(facts.width.map(i64::from))
            .bind(facts.height.map(i64::from))
            .execute(&mut *connection)
            .await?;
            if inserted.rows_affected() == 0 {
                if exists(connection, account.number, &id).await? {
                    return Err(StoreError::Taken("image"));
                }
                continue;
            }
            write_fields(connection, account.number, position, new.metadata.as_ref()).await?;
            list::add(connection, account.number, &[(position, new.creator.as_deref())]).await?;
            let told = ImageFacts {
                id: id.as_str().to_owned(),
                filename: Some(facts.filename.clone()),
                uploaded_ms: Some(position.ms()),
                is_private: new.is_private,
                creator: new.creator.clone(),
                metadata: new.metadata.as_ref().map(|metadata| metadata.value().clone()),
                ..ImageFacts::default()
            };
            let happening = Happening::Uploaded { is_direct: false };
            let queued = announce(connection, position, account.number, happening, &told).await?;
            write.commit().await?;
            self.ring(queued);
            return self
                .image(account, id.as_str())
                .await?
                .ok_or(StoreError::Missing("image"));
        }
        Err(StoreError::damaged("no position was free"))
    }

    /// Promises an image: its id is taken until the draft ends. With a custom id there is a secret too, which the upload must bring; the id of others is
    /// their secret.
    ///
    /// # Errors
    /// [`StoreError::Taken`], [`StoreError::Invalid`] as for images, or the database fails.
    pub async fn create_draft(&self, account: &Account, draft: &NewDraft) -> Result<(ImageId, Option<Secret>)> {
        let new = &draft.image;
        new.check()?;
        let id = new.id.clone().unwrap_or_else(|| ImageId::generate(new.is_private));
        let secret = id.is_custom().then(|| Secret::new(secret::random_text::<16>()));
        let position = Position::at(self.clock.now_ms());
        let mut write = self.database.write().await?;
        let connection = write.connection();
        forget_ended_draft(connection, account.number, &id, position.ms()).await?;
        let inserted = sqlx::query(
            "INSERT INTO images (account, id, position, is_private, creator, metadata, draft_ends_ms, draft_secret_hash)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        )
        .bind(account.number.0)
        .bind(id.as_str())
        .bind(position.0)
        .bind(i64::from(new.is_private))
        .bind(new.creator.as_deref())
        .bind(new.metadata.as_ref().map(Metadata::text))
        .bind(draft.ends_ms)
        .bind(secret.as_ref().map(|secret| secret::hash(secret.reveal())))
        .execute(&mut *connection)
        .await?;
        if inserted.rows_affected() == 0 {
            return Err(StoreError::Taken("image"));
        }
        write.commit().await?;
        Ok((id, secret))
    }

    /// Whether a draft waits for its upload.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn draft_waits(&self, account: &Account, id: &str, secret: Option<&str>) -> Result<bool> {
        if id.contains('\0') {
            return Ok(false);
        }
        let row = sqlx::query(
            "SELECT draft_secret_hash FROM images WHERE account = $1 AND id = $2 AND draft_ends_ms IS NOT NULL AND draft_ends_ms > $3",
        )
        .bind(account.number.0)
        .bind(id)
        .bind(self.clock.now_ms())
        .fetch_optional(self.database.pool())
        .await?;
        match row {
            None => Ok(false),
            Some(row) => Ok(row.try_get::<Option<String>, _>("draft_secret_hash")? == secret.map(secret::hash)),
        }
    }

    /// Keeps a promise. Of several uploads at once the first to get here wins.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when the draft has ended or is an image already, [`StoreError::Full`] over the quota, or the database or the disk fails.
    pub async fn finish_draft(
        &self,
        account: &Account,
        id: &str,
        secret: Option<&str>,
        received: Received,
        facts: &Facts,
    ) -> Result<Image> {
        if !self.draft_waits(account, id, secret).await? {
            return Err(StoreError::Missing("draft"));
        }
        self.check_room(account, None).await?;
        let bytes = received.bytes();
        let name = self.put(received).await?;
        for _ in 0..POSITION_TRIES {
            let position = Position::at(self.clock.now_ms());
            let mut write = self.database.write().await?;
            let connection = write.connection();
            account::count_image(connection, account).await?;
            self.hold(connection, &name).await?;
            if is_position_taken(connection, account.number, position).await? {
                continue;
            }
            let row = sqlx::query(
                "UPDATE images SET position = $3, filename = $4, blob = $5, bytes = $6, media_type = $7, width = $8, height = $9,
                 draft_ends_ms = NULL, draft_secret_hash = NULL
                 WHERE account = $1 AND id = $2 AND draft_ends_ms IS NOT NULL AND draft_ends_ms > $10 AND COALESCE(draft_secret_hash, '') = $11
                 RETURNING filename, is_private, creator, metadata",
            )
            .bind(account.number.0)
            .bind(id)
            .bind(position.0)
            .bind(&facts.filename)
            .bind(name.hash.as_str())
            .bind(i64::try_from(bytes).unwrap_or(i64::MAX))
            .bind(&facts.media_type)
            .bind(facts.width.map(i64::from))
            .bind(facts.height.map(i64::from))
            .bind(position.ms())
            // Once more: the draft may have been deleted, and its id promised to somebody else.
            .bind(secret.map(secret::hash).unwrap_or_default())
            .fetch_optional(&mut *connection)
            .await?
            .ok_or(StoreError::Missing("draft"))?;
            let metadata = row.try_get::<Option<String>, _>("metadata")?.map(Metadata::stored);
            write_fields(connection, account.number, position, metadata.as_ref()).await?;
            let creator: Option<String> = row.try_get("creator")?;
            list::add(connection, account.number, &[(position, creator.as_deref())]).await?;
            let told = ImageFacts::of_row(id, Some(position.ms()), &row)?;
            let happening = Happening::Uploaded { is_direct: true };
            let queued = announce(connection, position, account.number, happening, &told).await?;
            write.commit().await?;
            self.ring(queued);
            return self.image(account, id).await?.ok_or(StoreError::Missing("image"));
        }
        Err(StoreError::damaged("no position was free"))
    }

    /// Changes an image or a draft. One whose access changes gets another id, and the old one is gone.
    ///
    /// # Errors
    /// [`StoreError::Missing`], [`StoreError::Invalid`] for a custom id that shall be private or for access to a draft, or the database fails.
    pub async fn update_image(&self, account: &Account, id: &str, changes: &Changes) -> Result<Image> {
        check_creator(changes.creator.as_ref().and_then(Option::as_deref))?;
        for _ in 0..CHANGE_TRIES {
            let old = self.image(account, id).await?.ok_or(StoreError::Missing("image"))?;
            if let Some(new_id) = self.change(account, &old, changes).await? {
                let image = self.image(account, new_id.as_str()).await?;
                return image.ok_or(StoreError::Missing("image"));
            }
        }
        Err(StoreError::damaged("an image was another one at every look"))
    }

    /// Changes an image as it was read, and tells its id; `None` if it is another by now. What is not to be changed is not written: somebody else may be changing it.
    async fn change(&self, account: &Account, old: &Image, changes: &Changes) -> Result<Option<ImageId>> {
        let access = changes.is_private.filter(|is_private| *is_private != old.is_private);
        if access.is_some() && old.id.is_custom() {
            return Err(private_custom());
        }
        if access.is_some() && old.original.is_none() {
            return Err(StoreError::Invalid(
                "the access of a draft cannot be changed; only metadata and creator can".to_owned(),
            ));
        }
        let new_id = access.map_or_else(|| old.id.clone(), |is_private| old.id.with_access(is_private));
        let metadata = changes.metadata.as_ref().and_then(Option::as_ref);
        let new_creator = changes.creator.as_ref().filter(|creator| **creator != old.creator);
        let is_listed_elsewhere = old.original.is_some() && new_creator.is_some();
        let now = Position::at(self.clock.now_ms());
        let mut write = self.database.write().await?;
        let connection = write.connection();
        if is_listed_elsewhere {
            account::lock(connection, account.number).await?;
        }
        // The position tells this image from another one that took its id since it was read. The list of the creator that it had must lose it, so it must have that creator still.
        let updated = sqlx::query(
            "UPDATE images SET id = $4, is_private = $5, creator = CASE WHEN $6 = 1 THEN $7 ELSE creator END,
             metadata = CASE WHEN $8 = 1 THEN $9 ELSE metadata END
             WHERE account = $1 AND id = $2 AND position = $3 AND ($6 = 0 OR creator IS NOT DISTINCT FROM $10)
             RETURNING filename, is_private, creator, metadata",
        )
        .bind(account.number.0)
        .bind(old.id.as_str())
        .bind(old.position.0)
        .bind(new_id.as_str())
        .bind(i64::from(access.unwrap_or(old.is_private)))
        .bind(i64::from(new_creator.is_some()))
        .bind(new_creator.and_then(Option::as_deref))
        .bind(i64::from(changes.metadata.is_some()))
        .bind(metadata.map(Metadata::text))
        .bind(old.creator.as_deref())
        .fetch_optional(&mut *connection)
        .await?;
        let Some(updated) = updated else {
            return Ok(None);
        };
        if is_listed_elsewhere {
            list::remove_from_creator(connection, account.number, old.position, old.creator.as_deref()).await?;
            list::add_to_creator(
                connection,
                account.number,
                old.position,
                new_creator.and_then(Option::as_deref),
            )
            .await?;
        }
        if changes.metadata.is_some() && old.original.is_some() {
            delete_fields(connection, account.number, old.position).await?;
            write_fields(connection, account.number, old.position, metadata).await?;
        }
        let is_other = access.is_some()
            || new_creator.is_some()
            || (changes.metadata.is_some() && metadata != old.metadata.as_ref());
        let mut queued = false;
        if is_other && old.original.is_some() {
            let told = ImageFacts {
                previous_id: access.map(|_| old.id.as_str().to_owned()),
                ..ImageFacts::of_row(new_id.as_str(), Some(old.position.ms()), &updated)?
            };
            queued = announce(connection, now, account.number, Happening::Updated, &told).await?;
        }
        write.commit().await?;
        self.ring(queued);
        Ok(Some(new_id))
    }

    /// Deletes an image or a draft. Its bytes go later, if no other image has the same.
    ///
    /// # Errors
    /// [`StoreError::Missing`], or the database fails.
    pub async fn delete_image(&self, account: &Account, id: &str) -> Result<()> {
        if id.contains('\0') {
            return Err(StoreError::Missing("image"));
        }
        let now = Position::at(self.clock.now_ms());
        let mut write: Write = self.database.write().await?;
        let connection = write.connection();
        // The account first, as everywhere: two that lock two rows in turn wait for each other for ever.
        account::lock(connection, account.number).await?;
        let row = sqlx::query(
            "DELETE FROM images WHERE account = $1 AND id = $2 AND (draft_ends_ms IS NULL OR draft_ends_ms > $3)
             RETURNING position, blob, filename, is_private, creator, metadata",
        )
        .bind(account.number.0)
        .bind(id)
        .bind(now.ms())
        .fetch_optional(&mut *connection)
        .await?
        .ok_or(StoreError::Missing("image"))?;
        let position = Position(row.try_get("position")?);
        let blob: Option<String> = row.try_get("blob")?;
        let mut queued = false;
        if let Some(hash) = blob {
            account::discount_image(connection, account.number).await?;
            delete_fields(connection, account.number, position).await?;
            let creator: Option<String> = row.try_get("creator")?;
            list::remove(connection, account.number, position, creator.as_deref()).await?;
            blob::release(connection, &hash, now.ms()).await?;
            let told = ImageFacts::of_row(id, Some(position.ms()), &row)?;
            queued = announce(connection, now, account.number, Happening::Deleted, &told).await?;
        }
        write.commit().await?;
        self.ring(queued);
        Ok(())
    }

    /// Deletes the drafts whose time is over.
    pub(crate) async fn end_drafts(&self) -> Result<u64> {
        let mut alone = self.database.write_alone().await?;
        forget_ended_drafts(&mut alone, self.clock.now_ms()).await
    }

    /// Refuses what the transaction would refuse, before bytes are kept: those of refused uploads stay until they are collected, and whoever may store nothing
    /// more must not fill the disk with them.
    async fn check_room(&self, account: &Account, id: Option<&ImageId>) -> Result<()> {
        let now = self
            .account_by_id(&account.id)
            .await?
            .ok_or(StoreError::Missing("account"))?;
        if let Some(max) = now.quota.filter(|quota| now.images >= *quota) {
            return Err(StoreError::Full { of: "images", max });
        }
        match id {
            Some(id) if self.image(account, id.as_str()).await?.is_some() => Err(StoreError::Taken("image")),
            _ => Ok(()),
        }
    }

    async fn hold(&self, connection: &mut AnyConnection, name: &BlobName) -> Result<()> {
        if blob::hold(connection, name, self.clock.now_ms()).await? {
            return Ok(());
        }
        // It takes longer than the grace of a collection to get here.
        Err(StoreError::Blob(std::io::Error::other(
            "the original was given up while it was stored",
        )))
    }
}

/// Drafts whose time is over have no claim on their ids.
pub(super) async fn forget_ended_drafts(connection: &mut AnyConnection, now_ms: i64) -> Result<u64> {
    let ended = sqlx::query("DELETE FROM images WHERE draft_ends_ms IS NOT NULL AND draft_ends_ms <= $1")
        .bind(now_ms)
        .execute(connection)
        .await?;
    Ok(ended.rows_affected())
}

/// A draft whose time is over has no claim on its id.
async fn forget_ended_draft(
    connection: &mut AnyConnection,
    account: AccountNumber,
    id: &ImageId,
    now_ms: i64,
) -> Result<()> {
    sqlx::query(
        "DELETE FROM images WHERE account = $1 AND id = $2 AND draft_ends_ms IS NOT NULL AND draft_ends_ms <= $3",
    )
    .bind(account.0)
    .bind(id.as_str())
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(())
}

async fn exists(connection: &mut AnyConnection, account: AccountNumber, id: &ImageId) -> Result<bool> {
    let row = sqlx::query("SELECT 1 AS one FROM images WHERE account = $1 AND id = $2")
        .bind(account.0)
        .bind(id.as_str())
        .fetch_optional(connection)
        .await?;
    Ok(row.is_some())
}

async fn is_position_taken(connection: &mut AnyConnection, account: AccountNumber, position: Position) -> Result<bool> {
    let row = sqlx::query("SELECT 1 AS one FROM images WHERE account = $1 AND position = $2 AND draft_ends_ms IS NULL")
        .bind(account.0)
        .bind(position.0)
        .fetch_optional(connection)
        .await?;
    Ok(row.is_some())
}

/// A scalar of an image's metadata.
pub(super) struct FieldRow {
    position: Position,
    path: String,
    word: Option<String>,
    number: Option<f64>,
}

impl FieldRow {
    /// All of an image.
    pub(super) fn of(position: Position, metadata: Option<&Metadata>) -> Vec<Self> {
        let fields = metadata.map(Metadata::fields).unwrap_or_default();
        let row = |(path, scalar): (FieldPath, Scalar<'_>)| {
            let (word, number) = match scalar {
                Scalar::Text(text) => (Some(format!("s{text}")), None),
                Scalar::Boolean(boolean) => (Some(format!("b{boolean}")), None),
                Scalar::Number(number) => (None, Some(number)),
            };
            let path = path.as_str().to_owned();
            Self {
                position,
                path,
                word,
                number,
            }
        };
        fields.into_iter().map(row).collect()
    }
}

/// Writes some.
pub(super) async fn write_field_rows(
    connection: &mut AnyConnection,
    account: AccountNumber,
    rows: &[FieldRow],
) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut statement = Statement::new("INSERT INTO metadata_fields (account, position, path, word, number) VALUES ");
    for (at, row) in rows.iter().enumerate() {
        statement.text(if at == 0 { "(" } else { ", (" }).value(account.0);
        statement.text(", ").value(row.position.0);
        statement.text(", ").value(row.path.as_str());
        statement.text(", ").value(row.word.as_deref());
        statement.text(", ").number(row.number).text(")");
    }
    statement.run(connection).await
}

async fn write_fields(
    connection: &mut AnyConnection,
    account: AccountNumber,
    position: Position,
    metadata: Option<&Metadata>,
) -> Result<()> {
    write_field_rows(connection, account, &FieldRow::of(position, metadata)).await
}

async fn delete_fields(connection: &mut AnyConnection, account: AccountNumber, position: Position) -> Result<()> {
    sqlx::query("DELETE FROM metadata_fields WHERE account = $1 AND position = $2")
        .bind(account.0)
        .bind(position.0)
        .execute(connection)
        .await?;
    Ok(())
}
