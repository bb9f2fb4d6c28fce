//! Lists of images: in order of upload, by creator, by fields of their metadata (spec 6.8 to 6.10).
//!
//! No query reads JSON. Each scalar of metadata has a row of its own, which is found by its value and carries the image's place in the list. One condition
//! *leads*: its matches are gone through, and the others are looked up for each. Which one leads is decided by counting, up to a bound. What has few matches
//! may stand in any order and is sorted; of what has many the matches stand in the list's order already (the images of a creator, one value of a field, all
//! images), and they are gone through until the page is full, or until so many were looked at that the page is answered as it is, to go on from there.

mod query;
mod rank;
mod search;

pub use query::{CreatorIs, Filter, FilterTest, ListQuery, Order, Page};
pub(super) use rank::{add, add_to_creator, remove, remove_from_creator};

use sqlx::Row;

use super::Image;
use crate::account::Account;
use crate::database::Statement;
use crate::{Result, Store};
use search::Search;

/// Names of fields in one answer (spec 6.10).
const FIELD_NAMES_MAX: usize = 1_000;

impl Store {
    /// A page of a list. Drafts are in none.
    ///
    /// A page may have fewer images than it could, even none, and yet go on: after a bound on work.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_images(&self, account: &Account, query: &ListQuery) -> Result<Page> {
        if query.is_impossible() {
            return Ok(Page::default());
        }
        let pool = self.database.pool();
        match Search::plan(pool, account.number, query).await? {
            Some(search) => search.page(pool).await,
            None => Ok(Page::default()),
        }
    }

    /// A page of a list by its number, from 1, newest first, and how many images there are in all (spec 6.8).
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_images_numbered(
        &self,
        account: &Account,
        creator: Option<CreatorIs>,
        page: u64,
        per_page: u32,
    ) -> Result<(Vec<Image>, u64)> {
        if matches!(&creator, Some(CreatorIs::Named(creator)) if creator.contains('\0')) {
            return Ok((Vec::new(), 0));
        }
        let pool = self.database.pool();
        let total = rank::total(pool, account.number, creator.as_ref()).await?;
        let total = u64::try_from(total).unwrap_or_default();
        let newer = page.saturating_sub(1).saturating_mul(u64::from(per_page));
        let newer = i64::try_from(newer).unwrap_or(i64::MAX);
        let Some(place) = rank::place(pool, account.number, creator.as_ref(), newer).await? else {
            return Ok((Vec::new(), total));
        };
        let mut statement = Statement::new("SELECT ");
        statement
            .text(super::COLUMNS)
            .text(" FROM images i WHERE i.draft_ends_ms IS NULL AND i.account = ")
            .value(account.number.0);
        if let Some(creator) = &creator {
            creator.write(&mut statement);
        }
        if let Some(below) = place.below {
            statement.text(" AND i.position < ").value(below.0);
        }
        statement
            .text(" ORDER BY i.position DESC LIMIT ")
            .value(i64::from(per_page))
            .text(" OFFSET ")
            .value(place.skip);
        let rows = statement.rows(pool).await?;
        let images = rows.iter().map(Image::from_row).collect::<Result<_>>()?;
        Ok((images, total))
    }

    /// The names of the metadata fields that are in use and can be filtered by, sorted; and whether there are more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn metadata_keys(&self, account: &Account) -> Result<(Vec<String>, bool)> {
        // From one name to the next by the index: as many steps as there are names, however many rows have them.
        let rows = sqlx::query(
            "WITH RECURSIVE names (path) AS (
                 SELECT MIN(path) FROM metadata_fields WHERE account = $1
                 UNION ALL
                 SELECT (SELECT MIN(f.path) FROM metadata_fields f WHERE f.account = $1 AND f.path > names.path) FROM names WHERE names.path IS NOT NULL
             ) SELECT path FROM names WHERE path IS NOT NULL LIMIT $2",
        )
        .bind(account.number.0)
        .bind(i64::try_from(FIELD_NAMES_MAX).unwrap_or(i64::MAX).saturating_add(1))
        .fetch_all(self.database.pool())
        .await?;
        let mut names = rows
            .iter()
            .map(|row| row.try_get("path"))
            .collect::<std::result::Result<Vec<String>, _>>()?;
        let is_truncated = names.len() > FIELD_NAMES_MAX;
        names.truncate(FIELD_NAMES_MAX);
        names.sort_unstable();
        Ok((names, is_truncated))
    }
}
