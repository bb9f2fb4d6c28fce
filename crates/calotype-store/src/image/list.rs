//! Lists of images: in order of upload, by creator, by fields of their metadata (spec 6.8 to 6.10).
//!
//! No query reads JSON. Each scalar of metadata has a row of its own, which is found by its value and carries the image's place in the list. What makes a
//! filter fast depends on how many images match it: few are fetched and sorted; many are met soon by walking the list. So matches are counted first, up
//! to a bound.

use sqlx::Row;

use super::{FieldPath, Image};
use crate::account::{Account, AccountNumber};
use crate::clock::Position;
use crate::database::Statement;
use crate::{Result, Store};

/// Matches up to which fetching all of one filter and sorting them is cheap. Of a million images more than this match at least one in fifty, so a walk
/// meets a page of a thousand within fifty thousand steps.
const FEW: i64 = 20_000;
/// Names of fields in one answer (spec 6.10).
const FIELD_NAMES_MAX: usize = 1_000;

/// In which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Oldest first.
    Ascending,
    /// Newest first.
    Descending,
}

/// Whose images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CreatorIs {
    /// Exactly this one's.
    Named(String),
    /// Those of nobody in particular.
    Unset,
}

/// What must hold for a field.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// Which field.
    pub path: FieldPath,
    /// What must hold.
    pub test: FilterTest,
}

/// A comparison. Types must match: a number is never equal to a text. A field that is missing matches nothing.
#[derive(Debug, Clone, PartialEq)]
pub enum FilterTest {
    /// One of these texts.
    Text(Vec<String>),
    /// One of these numbers.
    Number(Vec<f64>),
    /// This truth.
    Boolean(bool),
    /// A greater number.
    Greater(f64),
    /// A number that is not less.
    AtLeast(f64),
    /// A lesser number.
    Less(f64),
    /// A number that is not greater.
    AtMost(f64),
}

/// Which images, and how many.
#[derive(Debug, Clone, PartialEq)]
pub struct ListQuery {
    /// In which order.
    pub order: Order,
    /// Whose; everybody's if none.
    pub creator: Option<CreatorIs>,
    /// What must hold of their metadata, all together.
    pub filters: Vec<Filter>,
    /// Those that come after this position in the order.
    pub after: Option<Position>,
    /// At most so many.
    pub max: u32,
}

/// Images of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The images.
    pub images: Vec<Image>,
    /// Where the list goes on; `None` at its end.
    pub next: Option<Position>,
}

impl Filter {
    fn texts(&self) -> Option<Vec<String>> {
        match &self.test {
            FilterTest::Text(texts) => Some(texts.iter().map(|text| format!("s{text}")).collect()),
            FilterTest::Boolean(boolean) => Some(vec![format!("b{boolean}")]),
            _ => None,
        }
    }

    /// Whether the matches of the filter stand in the order of the list: one value, one stretch of the index.
    fn is_in_order(&self) -> bool {
        match &self.test {
            FilterTest::Text(texts) => texts.len() == 1,
            FilterTest::Number(numbers) => numbers.len() == 1,
            FilterTest::Boolean(_) => true,
            _ => false,
        }
    }

    /// The condition on a row of `metadata_fields` that is called `f`, but for its account.
    fn write(&self, statement: &mut Statement) {
        statement.text(" AND f.path = ").value(self.path.as_str());
        if let Some(texts) = self.texts() {
            statement.text(" AND f.word IN (");
            for (index, text) in texts.iter().enumerate() {
                statement.text(if index == 0 { "" } else { ", " }).value(text.as_str());
            }
            statement.text(")");
            return;
        }
        let (comparison, number) = match &self.test {
            FilterTest::Greater(number) => (" AND f.number > ", number),
            FilterTest::AtLeast(number) => (" AND f.number >= ", number),
            FilterTest::Less(number) => (" AND f.number < ", number),
            FilterTest::AtMost(number) => (" AND f.number <= ", number),
            FilterTest::Number(numbers) => {
                statement.text(" AND f.number IN (");
                for (index, number) in numbers.iter().enumerate() {
                    statement.text(if index == 0 { "" } else { ", " }).value(*number);
                }
                statement.text(")");
                return;
            }
            FilterTest::Text(_) | FilterTest::Boolean(_) => return,
        };
        statement.text(comparison).value(*number);
    }
}

impl ListQuery {
    /// What may be asked of an image's row besides its place.
    fn write_creator(&self, statement: &mut Statement) {
        match &self.creator {
            None => {}
            Some(CreatorIs::Unset) => {
                statement.text(" AND i.creator IS NULL");
            }
            Some(CreatorIs::Named(creator)) => {
                statement.text(" AND i.creator = ").value(creator.as_str());
            }
        }
    }

    fn write_after(&self, statement: &mut Statement, column: &'static str) {
        if let Some(after) = self.after {
            statement.text(" AND ").text(column);
            statement.text(match self.order {
                Order::Ascending => " > ",
                Order::Descending => " < ",
            });
            statement.value(after.0);
        }
    }

    fn write_order(&self, statement: &mut Statement, column: &'static str) {
        statement.text(" ORDER BY ").text(column);
        statement.text(match self.order {
            Order::Ascending => " ASC LIMIT ",
            Order::Descending => " DESC LIMIT ",
        });
        // One more tells whether the list goes on.
        statement.value(i64::from(self.max).saturating_add(1));
    }
}

/// How the images of a list are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// From one image to the next, with a look at the fields of each.
    Walk,
    /// From the matches of one filter.
    From(usize),
}

impl Store {
    /// A page of a list. Drafts are in none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_images(&self, account: &Account, query: &ListQuery) -> Result<Page> {
        // PostgreSQL refuses texts that nothing can be equal to.
        let holds_nul = |text: &str| text.contains('\0');
        let of_texts = |filter: &Filter| matches!(&filter.test, FilterTest::Text(texts) if texts.iter().any(|text| holds_nul(text)));
        if query.filters.iter().any(of_texts)
            || matches!(&query.creator, Some(CreatorIs::Named(creator)) if holds_nul(creator))
        {
            return Ok(Page {
                images: Vec::new(),
                next: None,
            });
        }
        let statement = match self.way(account.number, query).await? {
            Way::Walk => walk(account.number, query),
            Way::From(index) => from_filter(account.number, query, index),
        };
        let rows = statement.rows(self.database.pool()).await?;
        let mut images = rows.iter().map(Image::from_row).collect::<Result<Vec<_>>>()?;
        let max = usize::try_from(query.max).unwrap_or(usize::MAX);
        let goes_on = images.len() > max;
        images.truncate(max);
        let next = images.last().filter(|_| goes_on).map(|image| image.position);
        Ok(Page { images, next })
    }

    async fn way(&self, account: AccountNumber, query: &ListQuery) -> Result<Way> {
        let mut best = (Way::Walk, i64::MAX);
        for (index, filter) in query.filters.iter().enumerate() {
            let mut statement = Statement::new(
                "SELECT COUNT(*) AS matches FROM (SELECT 1 AS one FROM metadata_fields f WHERE f.account = ",
            );
            statement.value(account.0);
            filter.write(&mut statement);
            statement.text(" LIMIT ").value(FEW + 1).text(") AS found");
            let rows = statement.rows(self.database.pool()).await?;
            let matches: i64 = rows.first().map(|row| row.try_get("matches")).transpose()?.unwrap_or(0);
            let is_way = matches <= FEW || filter.is_in_order();
            if is_way && matches < best.1 {
                best = (Way::From(index), matches);
            }
        }
        Ok(best.0)
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
        let query = ListQuery {
            order: Order::Descending,
            creator,
            filters: Vec::new(),
            after: None,
            max: per_page,
        };
        let total = if query.creator.is_none() {
            let row = sqlx::query("SELECT images FROM accounts WHERE number = $1")
                .bind(account.number.0)
                .fetch_one(self.database.pool())
                .await?;
            row.try_get::<i64, _>("images")?
        } else {
            let mut statement = Statement::new(
                "SELECT COUNT(*) AS images FROM images i WHERE i.draft_ends_ms IS NULL AND i.account = ",
            );
            statement.value(account.number.0);
            query.write_creator(&mut statement);
            let rows = statement.rows(self.database.pool()).await?;
            rows.first().map(|row| row.try_get("images")).transpose()?.unwrap_or(0)
        };
        let offset = page.saturating_sub(1).saturating_mul(u64::from(per_page));
        let mut statement = walk(account.number, &query);
        statement
            .text(" OFFSET ")
            .value(i64::try_from(offset).unwrap_or(i64::MAX));
        let rows = statement.rows(self.database.pool()).await?;
        let mut images = rows.iter().map(Image::from_row).collect::<Result<Vec<_>>>()?;
        images.truncate(usize::try_from(per_page).unwrap_or(usize::MAX));
        Ok((images, u64::try_from(total).unwrap_or_default()))
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

fn walk(account: AccountNumber, query: &ListQuery) -> Statement {
    let mut statement = Statement::new("SELECT ");
    statement
        .text(super::COLUMNS)
        .text(" FROM images i WHERE i.draft_ends_ms IS NULL AND i.account = ");
    statement.value(account.0);
    query.write_creator(&mut statement);
    query.write_after(&mut statement, "i.position");
    for filter in &query.filters {
        write_probe(&mut statement, filter);
    }
    query.write_order(&mut statement, "i.position");
    statement
}

fn from_filter(account: AccountNumber, query: &ListQuery, index: usize) -> Statement {
    let mut statement = Statement::new("SELECT ");
    // CROSS: the order in which SQLite joins is the order here.
    statement
        .text(super::COLUMNS)
        .text(" FROM metadata_fields f CROSS JOIN images i WHERE i.draft_ends_ms IS NULL AND i.account = f.account AND i.position = f.position AND f.account = ")
        .value(account.0);
    for (at, filter) in query.filters.iter().enumerate() {
        if at == index {
            filter.write(&mut statement);
        }
    }
    query.write_creator(&mut statement);
    query.write_after(&mut statement, "f.position");
    for (at, filter) in query.filters.iter().enumerate() {
        if at != index {
            write_probe(&mut statement, filter);
        }
    }
    query.write_order(&mut statement, "f.position");
    statement
}

/// A look at one field of the image.
fn write_probe(statement: &mut Statement, filter: &Filter) {
    statement
        .text(" AND EXISTS (SELECT 1 FROM metadata_fields f WHERE f.account = i.account AND f.position = i.position");
    filter.write(statement);
    statement.text(")");
}
