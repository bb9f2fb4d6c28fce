//! Members of JSON bodies, and pages of lists, as `alerting` and `event_subscriptions` have them.

use serde_json::{Map, Value, json};

use super::query;
use crate::hosted::Problem;

/// A text, if it is given.
pub(super) fn text<'m>(members: &'m Map<String, Value>, name: &str) -> Result<Option<&'m str>, Problem> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Problem::bad_request(format!("{name} must be a text"))),
    }
}

/// A text that has to be given.
pub(super) fn required<'m>(members: &'m Map<String, Value>, name: &str) -> Result<&'m str, Problem> {
    text(members, name)?.ok_or_else(|| Problem::bad_request(format!("{name} must be given")))
}

/// A boolean, if it is given.
pub(super) fn boolean(members: &Map<String, Value>, name: &str) -> Result<Option<bool>, Problem> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(boolean)) => Ok(Some(*boolean)),
        Some(_) => Err(Problem::bad_request(format!("{name} must be true or false"))),
    }
}

/// `page` and `per_page` of a query.
pub(super) fn page(parameters: &[(String, String)], per_page: u32) -> Result<(u32, u32), Problem> {
    let number = |name: &str, default: u32, max: u32| {
        let Some(text) = query::single(parameters, name)? else {
            return Ok(default);
        };
        let number = text.parse().ok().filter(|number| (1..=max).contains(number));
        number.ok_or_else(|| Problem::bad_request(format!("{name} must be a whole number from 1 to {max}")))
    };
    Ok((number("page", 1, 1_000_000)?, number("per_page", per_page, 1_000)?))
}

/// What an answer says of pages.
pub(super) fn page_info(page: u32, per_page: u32, count: usize, total: u64) -> Value {
    let pages = total.div_ceil(u64::from(per_page.max(1)));
    json!({ "page": page, "per_page": per_page, "count": count, "total_count": total, "total_pages": pages })
}
