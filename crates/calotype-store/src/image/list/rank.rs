//! Where the n-th image of a list is.
//!
//! Page numbers ask for it. An index knows what comes after an image, and not how many there are; so lists are cut into blocks of neighbours, and each
//! block's images are counted in the transactions that add and remove them, which hold the account's row. A page is found by summing up the blocks, a
//! thousand of them for a million images, and by steps inside of one.

use std::collections::HashSet;

use sqlx::{AnyConnection, AnyPool, Row};

use super::query::CreatorIs;
use crate::account::AccountNumber;
use crate::clock::Position;
use crate::database::Statement;
use crate::{Result, StoreError};

/// Images of a block; at one more it becomes two.
const BLOCK_IMAGES_MAX: i64 = 2_048;

/// Where the images of a page begin, when they are asked for newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Below this position; below none at the newest block.
    pub(super) below: Option<Position>,
    /// After so many more images, which are fewer than a block's.
    pub(super) skip: i64,
}

/// An image in its lists: where, and whose.
pub(in crate::image) type Listed<'i> = (Position, Option<&'i str>);

/// A block that has become too large.
type Full = (Option<CreatorIs>, i64);

/// These images more: in the list of all, and in their creators'. Their rows are there already.
pub(in crate::image) async fn add(
    connection: &mut AnyConnection,
    account: AccountNumber,
    images: &[Listed<'_>],
) -> Result<()> {
    let mut full = HashSet::new();
    for (position, creator) in images {
        full.extend(count_in(connection, account, None, *position).await?);
        let creator = CreatorIs::of(*creator);
        full.extend(count_in(connection, account, Some(creator), *position).await?);
    }
    // Not before all are counted: a block is cut by its rows.
    for (creator, start) in full {
        cut(connection, account, creator.as_ref(), start).await?;
    }
    Ok(())
}

/// One image less.
pub(in crate::image) async fn remove(
    connection: &mut AnyConnection,
    account: AccountNumber,
    position: Position,
    creator: Option<&str>,
) -> Result<()> {
    count_out(connection, account, None, position).await?;
    remove_from_creator(connection, account, position, creator).await
}

/// The image is this creator's from now on.
pub(in crate::image) async fn add_to_creator(
    connection: &mut AnyConnection,
    account: AccountNumber,
    position: Position,
    creator: Option<&str>,
) -> Result<()> {
    let full = count_in(connection, account, Some(CreatorIs::of(creator)), position).await?;
    if let Some((creator, start)) = full {
        cut(connection, account, creator.as_ref(), start).await?;
    }
    Ok(())
}

/// The image is this creator's no longer.
pub(in crate::image) async fn remove_from_creator(
    connection: &mut AnyConnection,
    account: AccountNumber,
    position: Position,
    creator: Option<&str>,
) -> Result<()> {
    count_out(connection, account, Some(&CreatorIs::of(creator)), position).await
}

/// How many images a list has.
pub(super) async fn total(pool: &AnyPool, account: AccountNumber, creator: Option<&CreatorIs>) -> Result<i64> {
    let row = sqlx::query(
        "SELECT CAST(COALESCE(SUM(images), 0) AS BIGINT) AS total FROM list_blocks WHERE account = $1 AND list = $2",
    )
    .bind(account.0)
    .bind(name(creator))
    .fetch_one(pool)
    .await?;
    Ok(row.try_get("total")?)
}

/// Where the image is that has so many newer ones in its list; `None` behind the end.
pub(super) async fn place(
    pool: &AnyPool,
    account: AccountNumber,
    creator: Option<&CreatorIs>,
    newer: i64,
) -> Result<Option<Place>> {
    let row = sqlx::query(
        "SELECT below, images, through FROM (
             SELECT start, LAG(start) OVER (ORDER BY start DESC) AS below, images, CAST(SUM(images) OVER (ORDER BY start DESC) AS BIGINT) AS through
             FROM list_blocks WHERE account = $1 AND list = $2
         ) AS block WHERE through > $3 ORDER BY start DESC LIMIT 1",
    )
    .bind(account.0)
    .bind(name(creator))
    .bind(newer)
    .fetch_optional(pool)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let (images, through): (i64, i64) = (row.try_get("images")?, row.try_get("through")?);
    Ok(Some(Place {
        below: row.try_get::<Option<i64>, _>("below")?.map(Position),
        skip: newer.saturating_sub(through.saturating_sub(images)),
    }))
}

async fn count_in(
    connection: &mut AnyConnection,
    account: AccountNumber,
    creator: Option<CreatorIs>,
    position: Position,
) -> Result<Option<Full>> {
    let list = name(creator.as_ref());
    let row = sqlx::query(
        "UPDATE list_blocks SET images = images + 1 WHERE account = $1 AND list = $2
         AND start = (SELECT MAX(b.start) FROM list_blocks b WHERE b.account = $1 AND b.list = $2 AND b.start <= $3)
         RETURNING start, images",
    )
    .bind(account.0)
    .bind(&list)
    .bind(position.0)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else {
        insert(connection, account, &list, 0, 1).await?;
        return Ok(None);
    };
    let is_full = row.try_get::<i64, _>("images")? > BLOCK_IMAGES_MAX;
    Ok(is_full.then_some((creator, row.try_get("start")?)))
}

/// Cuts a block into blocks that are half full.
async fn cut(
    connection: &mut AnyConnection,
    account: AccountNumber,
    creator: Option<&CreatorIs>,
    mut start: i64,
) -> Result<()> {
    let list = name(creator);
    let kept = BLOCK_IMAGES_MAX / 2;
    let row = sqlx::query("SELECT images FROM list_blocks WHERE account = $1 AND list = $2 AND start = $3")
        .bind(account.0)
        .bind(&list)
        .bind(start)
        .fetch_one(&mut *connection)
        .await?;
    let mut images: i64 = row.try_get("images")?;
    while images > BLOCK_IMAGES_MAX {
        let mut statement =
            Statement::new("SELECT i.position FROM images i WHERE i.draft_ends_ms IS NULL AND i.account = ");
        statement.value(account.0);
        if let Some(creator) = creator {
            creator.write(&mut statement);
        }
        statement
            .text(" AND i.position >= ")
            .value(start)
            .text(" ORDER BY i.position LIMIT 1 OFFSET ")
            .value(kept);
        let row = statement.row(connection).await?;
        let row = row.ok_or_else(|| StoreError::damaged("a block of a list has fewer images than were counted"))?;
        sqlx::query("UPDATE list_blocks SET images = $4 WHERE account = $1 AND list = $2 AND start = $3")
            .bind(account.0)
            .bind(&list)
            .bind(start)
            .bind(kept)
            .execute(&mut *connection)
            .await?;
        start = row.try_get("position")?;
        images -= kept;
        insert(connection, account, &list, start, images).await?;
    }
    Ok(())
}

async fn count_out(
    connection: &mut AnyConnection,
    account: AccountNumber,
    creator: Option<&CreatorIs>,
    position: Position,
) -> Result<()> {
    let list = name(creator);
    let row = sqlx::query(
        "UPDATE list_blocks SET images = images - 1 WHERE account = $1 AND list = $2
         AND start = (SELECT MAX(b.start) FROM list_blocks b WHERE b.account = $1 AND b.list = $2 AND b.start <= $3)
         RETURNING start, images",
    )
    .bind(account.0)
    .bind(&list)
    .bind(position.0)
    .fetch_optional(&mut *connection)
    .await?;
    // What an empty block covered is the one's before it.
    if let Some(row) = row
        && row.try_get::<i64, _>("images")? == 0
    {
        sqlx::query("DELETE FROM list_blocks WHERE account = $1 AND list = $2 AND start = $3")
            .bind(account.0)
            .bind(&list)
            .bind(row.try_get::<i64, _>("start")?)
            .execute(connection)
            .await?;
    }
    Ok(())
}

async fn insert(
    connection: &mut AnyConnection,
    account: AccountNumber,
    list: &str,
    start: i64,
    images: i64,
) -> Result<()> {
    sqlx::query("INSERT INTO list_blocks (account, list, start, images) VALUES ($1, $2, $3, $4)")
        .bind(account.0)
        .bind(list)
        .bind(start)
        .bind(images)
        .execute(connection)
        .await?;
    Ok(())
}

/// What a list is called in the table.
fn name(creator: Option<&CreatorIs>) -> String {
    match creator {
        None => "a".to_owned(),
        Some(CreatorIs::Unset) => "n".to_owned(),
        Some(CreatorIs::Named(creator)) => format!("c{creator}"),
    }
}
