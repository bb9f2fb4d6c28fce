//! Many images at once: what another service kept, with its ids and times.

use std::collections::{HashMap, HashSet};

use sqlx::{AnyConnection, Row};

use super::change::{FieldRow, NewImage, forget_ended_drafts, write_field_rows};
use super::{Facts, ImageId, Metadata, list};
use crate::account::{self, Account, AccountNumber};
use crate::blob::{self, BlobName, Received};
use crate::clock::Position;
use crate::database::Statement;
use crate::event::{self, EventKind};
use crate::{Result, Store, StoreError};

/// Images of one transaction. Other writers wait for its end.
pub const IMPORT_MAX: usize = 2_000;
/// Rows of a statement. SQLite looks each of its values up among those before, so twice the rows take four times as long to read.
const ROWS_MAX: usize = 25;
/// The same for rows of four or five values.
const NARROW_ROWS_MAX: usize = 100;
/// Tries at positions that nobody has. Of those who share a millisecond a million find one.
const POSITION_TRIES: usize = 32;

/// An original that is in its place, for as long as a collection's grace, until an image names it.
#[derive(Debug, Clone)]
pub struct KeptOriginal {
    name: BlobName,
    bytes: u64,
}

/// An image that is brought along.
#[derive(Debug, Clone)]
pub struct ImportedImage {
    /// What is known of it. Its id may be of the server's form, if its last byte says the same of its access.
    pub new: NewImage,
    /// When it was uploaded, in milliseconds since 1970; now if none.
    pub uploaded_ms: Option<i64>,
    /// Its bytes.
    pub original: KeptOriginal,
    /// What was seen of them.
    pub facts: Facts,
}

/// What became of an image that was brought along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Imported {
    /// It is stored.
    Stored,
    /// There is another one, or a draft, with its id.
    Taken,
}

struct ImageRow<'i> {
    index: usize,
    id: ImageId,
    image: &'i ImportedImage,
}

impl Store {
    /// Puts an original into its place, to be named by any number of images.
    ///
    /// # Errors
    /// When the disk or the database fails.
    pub async fn keep_original(&self, received: Received) -> Result<KeptOriginal> {
        let bytes = received.bytes();
        let name = self.put(received).await?;
        Ok(KeptOriginal { name, bytes })
    }

    /// Stores images in one transaction, at most [`IMPORT_MAX`] of them: all that can be, or none. Tells of each what became of it.
    ///
    /// # Errors
    /// [`StoreError::Full`] over the quota, [`StoreError::Invalid`] for more images or for one that could not be uploaded so, or the database fails.
    pub async fn import_images(&self, account: &Account, images: &[ImportedImage]) -> Result<Vec<Imported>> {
        if images.len() > IMPORT_MAX {
            return Err(StoreError::Invalid(format!("at most {IMPORT_MAX} images at once")));
        }
        let mut rows = Vec::with_capacity(images.len());
        let mut ids = HashSet::new();
        let mut outcomes = vec![Imported::Taken; images.len()];
        for (index, image) in images.iter().enumerate() {
            image.new.check_imported()?;
            let id = image.new.id.clone();
            let id = id.unwrap_or_else(|| ImageId::generate(image.new.is_private));
            if ids.insert(id.as_str().to_owned()) {
                rows.push(ImageRow { index, id, image });
            }
        }
        let now_ms = self.clock.now_ms();
        let mut write = self.database.write().await?;
        let connection = write.connection();
        account::lock(connection, account.number).await?;
        self.hold_all(connection, images).await?;
        forget_ended_drafts(connection, now_ms).await?;
        let mut stored = Vec::with_capacity(rows.len());
        for rows in rows.chunks(ROWS_MAX) {
            stored.extend(insert(connection, account.number, rows, now_ms).await?);
        }
        account::count_images(connection, account, stored.len()).await?;
        let (mut fields, mut listed) = (Vec::new(), Vec::with_capacity(stored.len()));
        for (row, position) in &stored {
            let new = &row.image.new;
            fields.extend(FieldRow::of(*position, new.metadata.as_ref()));
            listed.push((*position, new.creator.as_deref()));
        }
        list::add(connection, account.number, &listed).await?;
        for fields in fields.chunks(NARROW_ROWS_MAX) {
            write_field_rows(connection, account.number, fields).await?;
        }
        let subjects: Vec<&str> = stored.iter().map(|(row, _)| row.id.as_str()).collect();
        for subjects in subjects.chunks(NARROW_ROWS_MAX) {
            event::record_all(connection, now_ms, account.number, EventKind::ImageUploaded, subjects).await?;
        }
        write.commit().await?;
        for (row, _) in stored {
            if let Some(outcome) = outcomes.get_mut(row.index) {
                *outcome = Imported::Stored;
            }
        }
        Ok(outcomes)
    }

    /// Blobs in one order, as of all who lock several rows.
    async fn hold_all(&self, connection: &mut AnyConnection, images: &[ImportedImage]) -> Result<()> {
        let mut names: Vec<&BlobName> = images.iter().map(|image| &image.original.name).collect();
        names.sort_by(|a, b| a.hash.as_str().cmp(b.hash.as_str()));
        names.dedup();
        for name in names {
            if !blob::hold(connection, name, self.clock.now_ms()).await? {
                return Err(StoreError::Blob(std::io::Error::other(
                    "an original was given up before its image was stored",
                )));
            }
        }
        Ok(())
    }
}

/// Inserts those whose ids are free; tells their positions.
async fn insert<'r, 'i>(
    connection: &mut AnyConnection,
    account: AccountNumber,
    rows: &'r [ImageRow<'i>],
    now_ms: i64,
) -> Result<Vec<(&'r ImageRow<'i>, Position)>> {
    let mut missing: HashMap<&str, &ImageRow<'_>> = rows.iter().map(|row| (row.id.as_str(), row)).collect();
    let mut stored = Vec::with_capacity(rows.len());
    for row in taken(connection, account, rows).await? {
        missing.remove(row.as_str());
    }
    for _ in 0..POSITION_TRIES {
        if missing.is_empty() {
            return Ok(stored);
        }
        let mut statement = Statement::new(
            "INSERT INTO images (account, id, position, is_private, creator, metadata, filename, blob, bytes, media_type, width, height) VALUES ",
        );
        for (at, row) in rows
            .iter()
            .filter(|row| missing.contains_key(row.id.as_str()))
            .enumerate()
        {
            let ImportedImage {
                new, facts, original, ..
            } = row.image;
            let position = Position::at(row.image.uploaded_ms.unwrap_or(now_ms));
            statement.text(if at == 0 { "(" } else { ", (" }).value(account.0);
            statement.text(", ").value(row.id.as_str());
            statement.text(", ").value(position.0);
            statement.text(", ").value(i64::from(new.is_private));
            statement.text(", ").value(new.creator.as_deref());
            statement.text(", ").value(new.metadata.as_ref().map(Metadata::text));
            statement.text(", ").value(facts.filename.as_str());
            statement.text(", ").value(original.name.hash.as_str());
            statement
                .text(", ")
                .value(i64::try_from(original.bytes).unwrap_or(i64::MAX));
            statement.text(", ").value(facts.media_type.as_str());
            statement.text(", ").value(facts.width.map(i64::from));
            statement.text(", ").value(facts.height.map(i64::from)).text(")");
        }
        statement.text(" ON CONFLICT DO NOTHING RETURNING id, position");
        for inserted in statement.rows_in(connection).await? {
            let id: String = inserted.try_get("id")?;
            if let Some(row) = missing.remove(id.as_str()) {
                stored.push((row, Position(inserted.try_get("position")?)));
            }
        }
    }
    Err(StoreError::damaged("no position was free"))
}

/// The ids that somebody has.
async fn taken(connection: &mut AnyConnection, account: AccountNumber, rows: &[ImageRow<'_>]) -> Result<Vec<String>> {
    let mut statement = Statement::new("SELECT id FROM images WHERE account = ");
    statement.value(account.0).text(" AND id IN (");
    for (at, row) in rows.iter().enumerate() {
        statement.text(if at == 0 { "" } else { ", " }).value(row.id.as_str());
    }
    statement.text(")");
    let rows = statement.rows_in(connection).await?;
    rows.iter().map(|row| Ok(row.try_get("id")?)).collect()
}
