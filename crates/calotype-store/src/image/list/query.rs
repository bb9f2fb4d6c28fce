//! What may be asked of a list, and the conditions that it becomes.

use super::super::{FieldPath, Image};
use crate::clock::Position;
use crate::database::Statement;

/// In which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Oldest first.
    Ascending,
    /// Newest first.
    Descending,
}

/// Whose images.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// The images.
    pub images: Vec<Image>,
    /// Where the list goes on; `None` at its end.
    pub next: Option<Position>,
}

impl CreatorIs {
    /// The creator of an image.
    pub(super) fn of(creator: Option<&str>) -> Self {
        creator.map_or(Self::Unset, |creator| Self::Named(creator.to_owned()))
    }

    /// The condition on a row of `images` that is called `i`.
    pub(super) fn write(&self, statement: &mut Statement) {
        match self {
            Self::Unset => {
                statement.text(" AND i.creator IS NULL");
            }
            Self::Named(creator) => {
                statement.text(" AND i.creator = ").value(creator.as_str());
            }
        }
    }
}

impl Filter {
    fn texts(&self) -> Vec<String> {
        match &self.test {
            FilterTest::Text(texts) => texts.iter().map(|text| format!("s{text}")).collect(),
            FilterTest::Boolean(boolean) => vec![format!("b{boolean}")],
            _ => Vec::new(),
        }
    }

    /// Whether the matches of the filter stand in the order of the list: one value, one stretch of the index.
    pub(super) fn is_in_order(&self) -> bool {
        match &self.test {
            FilterTest::Text(texts) => texts.len() == 1,
            FilterTest::Number(numbers) => numbers.len() == 1,
            FilterTest::Boolean(_) => true,
            _ => false,
        }
    }

    /// The condition on a row of `metadata_fields` of this name, but for its account.
    pub(super) fn write(&self, statement: &mut Statement, row: &'static str) {
        statement
            .text(" AND ")
            .text(row)
            .text(".path = ")
            .value(self.path.as_str());
        statement.text(" AND ").text(row);
        let comparison = match &self.test {
            FilterTest::Text(_) | FilterTest::Boolean(_) => {
                statement.text(".word IN (");
                for (index, text) in self.texts().iter().enumerate() {
                    statement.text(if index == 0 { "" } else { ", " }).value(text.as_str());
                }
                statement.text(")");
                return;
            }
            FilterTest::Number(numbers) => {
                statement.text(".number IN (");
                for (index, number) in numbers.iter().enumerate() {
                    statement.text(if index == 0 { "" } else { ", " }).value(*number);
                }
                statement.text(")");
                return;
            }
            FilterTest::Greater(number) => (".number > ", number),
            FilterTest::AtLeast(number) => (".number >= ", number),
            FilterTest::Less(number) => (".number < ", number),
            FilterTest::AtMost(number) => (".number <= ", number),
        };
        statement.text(comparison.0).value(*comparison.1);
    }
}

impl Order {
    /// The comparison with a position that comes before in the order.
    pub(super) const fn after(self) -> &'static str {
        match self {
            Self::Ascending => " > ",
            Self::Descending => " < ",
        }
    }

    /// The comparison with the last position of a stretch.
    pub(super) const fn until(self) -> &'static str {
        match self {
            Self::Ascending => " <= ",
            Self::Descending => " >= ",
        }
    }

    /// The direction of `ORDER BY`.
    pub(super) const fn direction(self) -> &'static str {
        match self {
            Self::Ascending => " ASC",
            Self::Descending => " DESC",
        }
    }
}

impl ListQuery {
    /// Whether a text of it holds what no text in the database does. PostgreSQL refuses such texts.
    pub(super) fn is_impossible(&self) -> bool {
        let holds_nul = |text: &str| text.contains('\0');
        let of_texts = |filter: &Filter| matches!(&filter.test, FilterTest::Text(texts) if texts.iter().any(|text| holds_nul(text)));
        self.filters.iter().any(of_texts)
            || matches!(&self.creator, Some(CreatorIs::Named(creator)) if holds_nul(creator))
    }
}
