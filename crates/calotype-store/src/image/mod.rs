//! Images and drafts.

mod change;
mod id;
mod import;
mod list;
mod metadata;

pub use change::{Changes, Facts, NewDraft, NewImage};
pub use id::ImageId;
pub use import::{IMPORT_MAX, Imported, ImportedImage, KeptOriginal};
pub use list::{CreatorIs, Filter, FilterTest, ListQuery, Order, Page};
pub use metadata::{FieldPath, Metadata};

use sqlx::Row;
use sqlx::any::AnyRow;

use crate::account::Account;
use crate::blob::BlobHash;
use crate::clock::Position;
use crate::{Result, Store};

/// An image, or the draft of one.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// What it is called.
    pub id: ImageId,
    /// When it was uploaded, or the draft made; and its place in lists.
    pub position: Position,
    /// Whether its delivery takes a signature.
    pub is_private: bool,
    /// Who uploaded it, in the user's words.
    pub creator: Option<String>,
    /// What the user wrote beside it.
    pub metadata: Option<Metadata>,
    /// Its bytes; `None` for a draft.
    pub original: Option<Original>,
}

/// The bytes of an image, and what was seen in their headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Original {
    /// What the file was called.
    pub filename: String,
    /// Which bytes.
    pub blob: BlobHash,
    /// How many.
    pub bytes: u64,
    /// Of which type.
    pub media_type: String,
    /// Pixels; an SVG has none of its own.
    pub width: Option<u32>,
    /// Pixels.
    pub height: Option<u32>,
}

const COLUMNS: &str = "i.id, i.position, i.is_private, i.creator, i.metadata, i.filename, i.blob, i.bytes, i.media_type, i.width, i.height";

impl Image {
    fn from_row(row: &AnyRow) -> Result<Self> {
        let metadata: Option<String> = row.try_get("metadata")?;
        let blob: Option<String> = row.try_get("blob")?;
        let side = |name: &str| -> Result<Option<u32>> {
            let side: Option<i64> = row.try_get(name)?;
            Ok(side.and_then(|side| u32::try_from(side).ok()))
        };
        let original = match blob {
            None => None,
            Some(blob) => Some(Original {
                filename: row.try_get::<Option<String>, _>("filename")?.unwrap_or_default(),
                blob: BlobHash::new(blob),
                bytes: u64::try_from(row.try_get::<Option<i64>, _>("bytes")?.unwrap_or_default()).unwrap_or_default(),
                media_type: row.try_get::<Option<String>, _>("media_type")?.unwrap_or_default(),
                width: side("width")?,
                height: side("height")?,
            }),
        };
        Ok(Self {
            id: ImageId::stored(row.try_get("id")?),
            position: Position(row.try_get("position")?),
            is_private: row.try_get::<i64, _>("is_private")? != 0,
            creator: row.try_get("creator")?,
            metadata: metadata.map(Metadata::stored),
            original,
        })
    }
}

impl Store {
    /// The image or draft of an id. A draft whose time is over is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn image(&self, account: &Account, id: &str) -> Result<Option<Image>> {
        if id.contains('\0') {
            return Ok(None);
        }
        let text = format!(
            "SELECT {COLUMNS} FROM images i WHERE i.account = $1 AND i.id = $2 AND (i.draft_ends_ms IS NULL OR i.draft_ends_ms > $3)"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(account.number.0)
            .bind(id)
            .bind(self.clock.now_ms())
            .fetch_optional(self.database.pool())
            .await?;
        row.as_ref().map(Image::from_row).transpose()
    }
}
