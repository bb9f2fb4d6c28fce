//! How the images of a list are found.

use sqlx::{AnyPool, Row};

use super::super::{COLUMNS, Image};
use super::query::{CreatorIs, Filter, ListQuery, Page};
use super::rank;
use crate::Result;
use crate::account::AccountNumber;
use crate::clock::Position;
use crate::database::Statement;

/// Matches up to which fetching all of one filter and sorting them is cheap. Of a million images more than this match at least one in fifty, so going through
/// all images meets a page of a thousand within fifty thousand.
const FEW: i64 = 20_000;
/// Single fields that one request looks up. Then its page is answered with what was found, be it nothing, and goes on from there.
const LOOKS_MAX: i64 = 65_536;
/// Images that are gone through at first, as a multiple of the page's length; then four times as many, and so on.
const FIRST_STRETCH: i64 = 4;

/// A list whose leading condition has been chosen.
#[derive(Debug)]
pub(super) struct Search<'q> {
    account: AccountNumber,
    query: &'q ListQuery,
    lead: Lead<'q>,
}

/// What is gone through.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Lead<'q> {
    /// All images of the account.
    All,
    /// A creator's images.
    Creator(&'q CreatorIs),
    /// The matches of one filter, in the order of the list.
    Stretch(usize, &'q Filter),
    /// The few matches of one filter, in any order.
    Few(usize, &'q Filter),
}

/// Positions that are looked at: after one, until another.
#[derive(Debug, Clone, Copy)]
struct Range {
    after: Option<Position>,
    until: Option<Position>,
}

impl<'q> Search<'q> {
    /// Chooses; `None` when a condition has no match at all.
    pub(super) async fn plan(pool: &AnyPool, account: AccountNumber, query: &'q ListQuery) -> Result<Option<Self>> {
        let all = query.creator.as_ref().map_or(Lead::All, Lead::Creator);
        let search = |lead| Self { account, query, lead };
        if let ([], _) | ([_], None) = (query.filters.as_slice(), &query.creator) {
            // Nothing to choose from, unless the matches of the one filter stand in another order.
            match query.filters.first() {
                None => return Ok(Some(search(all))),
                Some(filter) if filter.is_in_order() => return Ok(Some(search(Lead::Stretch(0, filter)))),
                Some(_) => {}
            }
        }
        let of_creator = match &query.creator {
            Some(creator) => rank::total(pool, account, Some(creator)).await?.min(FEW + 1),
            None => i64::MAX,
        };
        let mut best = (all, of_creator);
        for (index, filter) in query.filters.iter().enumerate() {
            if best.1 == 0 {
                return Ok(None);
            }
            let matches = count(pool, account, filter).await?;
            if matches >= best.1 {
                continue;
            }
            if filter.is_in_order() {
                best = (Lead::Stretch(index, filter), matches);
            } else if matches <= FEW {
                best = (Lead::Few(index, filter), matches);
            }
        }
        Ok((best.1 > 0).then(|| search(best.0)))
    }

    /// The page.
    pub(super) async fn page(&self, pool: &AnyPool) -> Result<Page> {
        let max = usize::try_from(self.query.max).unwrap_or(usize::MAX);
        // One more tells whether the list goes on.
        let wanted = i64::from(self.query.max).saturating_add(1);
        let looks = self.looks();
        let mut after = self.query.after;
        let mut images = Vec::new();
        if looks == 0 || matches!(self.lead, Lead::Few(..)) {
            self.find(pool, Range { after, until: None }, wanted, &mut images)
                .await?;
            return Ok(Page::of(images, max, None));
        }
        let (mut steps, mut looked) = (i64::from(self.query.max).saturating_mul(FIRST_STRETCH), 0_i64);
        loop {
            steps = steps.min(LOOKS_MAX.saturating_sub(looked) / looks).max(1);
            let until = self.step(pool, after, steps).await?;
            let missing = wanted.saturating_sub(i64::try_from(images.len()).unwrap_or(i64::MAX));
            self.find(pool, Range { after, until }, missing, &mut images).await?;
            looked = looked.saturating_add(steps.saturating_mul(looks));
            if images.len() > max || until.is_none() || looked.saturating_add(looks) > LOOKS_MAX {
                return Ok(Page::of(images, max, until));
            }
            after = until;
            steps = steps.saturating_mul(4);
        }
    }

    /// Conditions that are looked up for each image that is gone through.
    fn looks(&self) -> i64 {
        let filters = i64::try_from(self.query.filters.len()).unwrap_or(i64::MAX);
        match self.lead {
            Lead::All | Lead::Creator(_) => filters,
            Lead::Stretch(..) | Lead::Few(..) => filters - 1 + i64::from(self.query.creator.is_some()),
        }
    }

    /// The position of the image that many steps after another; `None` when the list ends before.
    async fn step(&self, pool: &AnyPool, after: Option<Position>, steps: i64) -> Result<Option<Position>> {
        let mut statement = Statement::new("SELECT ");
        let range = Range { after, until: None };
        match self.lead {
            Lead::All | Lead::Creator(_) => {
                statement.text("i.position FROM images i WHERE i.draft_ends_ms IS NULL AND i.account = ");
                statement.value(self.account.0);
                self.write_creator(&mut statement);
                self.write_range(&mut statement, range, "i.position");
                self.write_order(&mut statement, "i.position");
            }
            Lead::Stretch(_, filter) | Lead::Few(_, filter) => {
                statement.text("f.position FROM metadata_fields f WHERE f.account = ");
                statement.value(self.account.0);
                filter.write(&mut statement, "f");
                self.write_range(&mut statement, range, "f.position");
                self.write_order(&mut statement, "f.position");
            }
        }
        statement.text(" LIMIT 1 OFFSET ").value(steps - 1);
        let rows = statement.rows(pool).await?;
        let position = rows.first().map(|row| row.try_get("position")).transpose()?;
        Ok(position.map(Position))
    }

    /// Adds the images of a range, at most so many.
    async fn find(&self, pool: &AnyPool, range: Range, max: i64, images: &mut Vec<Image>) -> Result<()> {
        let statement = match self.lead {
            Lead::All | Lead::Creator(_) => self.among_images(range, max),
            Lead::Stretch(index, filter) | Lead::Few(index, filter) => self.among_matches(range, max, index, filter),
        };
        for row in statement.rows(pool).await? {
            images.push(Image::from_row(&row)?);
        }
        Ok(())
    }

    fn among_images(&self, range: Range, max: i64) -> Statement {
        let mut statement = Statement::new("SELECT ");
        statement
            .text(COLUMNS)
            .text(" FROM images i WHERE i.draft_ends_ms IS NULL AND i.account = ")
            .value(self.account.0);
        self.write_creator(&mut statement);
        self.write_range(&mut statement, range, "i.position");
        for filter in &self.query.filters {
            self.write_look(&mut statement, filter, "i.position");
        }
        self.write_order(&mut statement, "i.position");
        statement.text(" LIMIT ").value(max);
        statement
    }

    /// The positions first: what is sorted then has no more than a number each.
    fn among_matches(&self, range: Range, max: i64, index: usize, lead: &Filter) -> Statement {
        let mut statement = Statement::new("SELECT ");
        statement
            .text(COLUMNS)
            .text(" FROM (SELECT f.position FROM metadata_fields f");
        // CROSS: the order in which SQLite joins is the order here.
        if self.query.creator.is_some() {
            statement.text(" CROSS JOIN images i WHERE i.draft_ends_ms IS NULL AND i.account = f.account AND i.position = f.position AND f.account = ");
        } else {
            statement.text(" WHERE f.account = ");
        }
        statement.value(self.account.0);
        lead.write(&mut statement, "f");
        self.write_range(&mut statement, range, "f.position");
        self.write_creator(&mut statement);
        for (at, filter) in self.query.filters.iter().enumerate() {
            if at != index {
                self.write_look(&mut statement, filter, "f.position");
            }
        }
        self.write_order(&mut statement, "f.position");
        statement
            .text(" LIMIT ")
            .value(max)
            .text(") AS found CROSS JOIN images i WHERE i.draft_ends_ms IS NULL AND i.position = found.position AND i.account = ")
            .value(self.account.0);
        self.write_order(&mut statement, "found.position");
        statement
    }

    fn write_creator(&self, statement: &mut Statement) {
        if let Some(creator) = &self.query.creator {
            creator.write(statement);
        }
    }

    fn write_range(&self, statement: &mut Statement, range: Range, column: &'static str) {
        let order = self.query.order;
        for (comparison, position) in [(order.after(), range.after), (order.until(), range.until)] {
            if let Some(position) = position {
                statement.text(" AND ").text(column).text(comparison).value(position.0);
            }
        }
    }

    fn write_order(&self, statement: &mut Statement, column: &'static str) {
        statement
            .text(" ORDER BY ")
            .text(column)
            .text(self.query.order.direction());
    }

    /// A look at one field of the image.
    fn write_look(&self, statement: &mut Statement, filter: &Filter, position: &'static str) {
        statement
            .text(" AND EXISTS (SELECT 1 FROM metadata_fields p WHERE p.account = ")
            .value(self.account.0);
        statement.text(" AND p.position = ").text(position);
        filter.write(statement, "p");
        statement.text(")");
    }
}

impl Page {
    /// The first images; the list goes on after the last one if there are more, and else after where the search stopped.
    fn of(mut images: Vec<Image>, max: usize, stopped: Option<Position>) -> Self {
        let is_more = images.len() > max;
        images.truncate(max);
        let next = if is_more {
            images.last().map(|image| image.position)
        } else {
            stopped
        };
        Self { images, next }
    }
}

/// The matches of a filter, counted up to one more than few.
async fn count(pool: &AnyPool, account: AccountNumber, filter: &Filter) -> Result<i64> {
    let mut statement =
        Statement::new("SELECT COUNT(*) AS matches FROM (SELECT 1 AS one FROM metadata_fields f WHERE f.account = ");
    statement.value(account.0);
    filter.write(&mut statement, "f");
    statement.text(" LIMIT ").value(FEW + 1).text(") AS found");
    let rows = statement.rows(pool).await?;
    Ok(rows.first().map(|row| row.try_get("matches")).transpose()?.unwrap_or(0))
}
