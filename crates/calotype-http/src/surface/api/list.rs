//! Lists of images (spec 6.8 to 6.11).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use calotype_store::{Account, CreatorIs, FieldPath, Filter, FilterTest, Image, ListQuery, Order, Position};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Call, query};
use crate::hosted::{Outcome, Problem, Records, success, success_written};

/// What may be asked for.
const PER_PAGE: std::ops::RangeInclusive<u32> = 1..=10_000;
/// What is answered at most, whatever is asked for (D39).
const PER_PAGE_MAX: u32 = 1_000;
const FILTERS_MAX: usize = 5;
const LIST_VALUES_MAX: usize = 10;
/// What stands for "without a bound" (D43): the largest whole number that JavaScript has.
const NO_QUOTA: u64 = 9_007_199_254_740_991;

type Parameters = [(String, String)];

impl Call<'_> {
    pub(super) async fn list_v1(&self) -> Outcome {
        let parameters = self.query()?;
        let page = match query::single(&parameters, "page")? {
            None => 1,
            Some(text) => text
                .parse::<u32>()
                .ok()
                .filter(|page| *page >= 1)
                .ok_or_else(|| Problem::bad_request("page must be a whole number from 1"))?,
        };
        let per_page = per_page(&parameters)?;
        let store = &self.hosted.store;
        let (images, total) = store
            .list_images_numbered(&self.account, creator(&parameters)?, u64::from(page), per_page)
            .await?;
        let info = json!({
            "page": page,
            "per_page": per_page,
            "count": images.len(),
            "total_count": total,
            "total_pages": total.div_ceil(u64::from(per_page)),
        });
        self.told_list(&images, None, Some(&info)).await
    }

    pub(super) async fn list_v2(&self) -> Outcome {
        let parameters = self.query()?;
        let mut query = ListQuery {
            order: order(&parameters)?,
            creator: creator(&parameters)?,
            filters: filters(&parameters)?,
            after: None,
            max: per_page(&parameters)?,
        };
        let seal = Seal::of(&self.account, &query);
        query.after = match query::single(&parameters, "continuation_token")? {
            None | Some("") => None,
            Some(token) => Some(seal.open(token)?),
        };
        let page = self.hosted.store.list_images(&self.account, &query).await?;
        let token = page.next.map(|position| seal.token(position));
        self.told_list(&page.images, Some(token), None).await
    }

    pub(super) async fn metadata_keys(&self) -> Outcome {
        let (keys, truncated) = self.hosted.store.metadata_keys(&self.account).await?;
        success(&json!({ "keys": keys, "truncated": truncated }))
    }

    pub(super) fn stats(&self) -> Outcome {
        let allowed = self.account.quota.unwrap_or(NO_QUOTA);
        success(&json!({ "count": { "current": self.account.images, "allowed": allowed } }))
    }

    fn query(&self) -> Result<Vec<(String, String)>, Problem> {
        query::parameters(self.parts.uri.query().unwrap_or_default())
    }

    /// The answer with images; of a list that goes on by tokens, the next one too.
    async fn told_list(&self, images: &[Image], token: Option<Option<String>>, info: Option<&Value>) -> Outcome {
        let variants = self.hosted.store.variants(&self.account).await?;
        let records = Records::new(&self.account, &variants, &self.bases);
        success_written(records.bytes(images.len()), info, |body| {
            body.extend_from_slice(br#"{"images":"#);
            records.write_all(images, body)?;
            if let Some(token) = token {
                body.extend_from_slice(format!(r#","continuation_token":{}"#, Value::from(token)).as_bytes());
            }
            body.push(b'}');
            Ok(())
        })
    }
}

fn per_page(parameters: &Parameters) -> Result<u32, Problem> {
    let Some(text) = query::single(parameters, "per_page")? else {
        return Ok(PER_PAGE_MAX);
    };
    let asked = text.parse().ok().filter(|count| PER_PAGE.contains(count));
    let asked = asked.ok_or_else(|| Problem::bad_request("per_page must be a whole number from 1 to 10000"))?;
    Ok(asked.min(PER_PAGE_MAX))
}

/// An empty creator is none (spec 6.8).
fn creator(parameters: &Parameters) -> Result<Option<CreatorIs>, Problem> {
    Ok(query::single(parameters, "creator")?.map(|creator| match creator {
        "" => CreatorIs::Unset,
        creator => CreatorIs::Named(creator.to_owned()),
    }))
}

fn order(parameters: &Parameters) -> Result<Order, Problem> {
    match query::single(parameters, "sort_order")? {
        None | Some("desc") => Ok(Order::Descending),
        Some("asc") => Ok(Order::Ascending),
        Some(_) => Err(Problem::bad_request("sort_order must be asc or desc")),
    }
}

/// `meta.<field>[<operator>]=<value>` (spec 6.9).
fn filters(parameters: &Parameters) -> Result<Vec<Filter>, Problem> {
    let mut filters = Vec::new();
    let named = parameters
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix("meta.")?, value)))
        // What an SDK sends that cannot name a field (D94).
        .filter(|(name, _)| *name != "<field>[<operator>]");
    for (name, value) in named {
        let (path, operator) = name
            .strip_suffix(']')
            .and_then(|name| name.split_once('['))
            .ok_or_else(|| {
                Problem::bad_request(format!(
                    "Invalid metadata filter: 'meta.{name:.200}'; write meta.<field>[<operator>]=<value>"
                ))
            })?;
        let path = FieldPath::new(path).ok_or_else(|| {
            Problem::bad_request(format!(
                "Invalid metadata filter field: '{path:.200}'; use letters, digits and _, joined by dots, at most 5 levels and 100 characters"
            ))
        })?;
        let test = test(operator, value)?;
        filters.push(Filter { path, test });
    }
    if filters.len() > FILTERS_MAX {
        return Err(Problem::bad_request(format!(
            "Too many metadata filters: {} provided, maximum {FILTERS_MAX} allowed",
            filters.len()
        )));
    }
    Ok(filters)
}

fn test(operator: &str, value: &str) -> Result<FilterTest, Problem> {
    let number = |text: &str| {
        let number: Option<f64> = text.trim().parse().ok();
        number.filter(|number| number.is_finite()).ok_or_else(|| {
            Problem::bad_request(format!("Invalid metadata filter value: '{text:.200}' is not a number"))
        })
    };
    let values = || {
        let values: Vec<&str> = value.split('|').collect();
        if values.len() > LIST_VALUES_MAX {
            return Err(Problem::bad_request(format!(
                "Too many metadata filter values: {} provided, maximum {LIST_VALUES_MAX} allowed",
                values.len()
            )));
        }
        Ok(values)
    };
    Ok(match operator {
        "eq" | "eq:string" => FilterTest::Text(vec![value.to_owned()]),
        "eq:number" => FilterTest::Number(vec![number(value)?]),
        "eq:boolean" => match value {
            "true" => FilterTest::Boolean(true),
            "false" => FilterTest::Boolean(false),
            _ => {
                return Err(Problem::bad_request(format!(
                    "Invalid metadata filter value: '{value:.200}' is not true or false"
                )));
            }
        },
        "in" | "in:string" => FilterTest::Text(values()?.into_iter().map(str::to_owned).collect()),
        "in:number" => FilterTest::Number(values()?.into_iter().map(number).collect::<Result<_, _>>()?),
        "gt" | "gt:number" => FilterTest::Greater(number(value)?),
        "gte" | "gte:number" => FilterTest::AtLeast(number(value)?),
        "lt" | "lt:number" => FilterTest::Less(number(value)?),
        "lte" | "lte:number" => FilterTest::AtMost(number(value)?),
        _ => {
            return Err(Problem::bad_request(format!(
                "Unsupported metadata filter operator: '{operator:.200}'"
            )));
        }
    })
}

/// What a continuation token is good for: 8 bytes of place and 16 of a digest of account, order, creator and filters (D41).
struct Seal([u8; 16]);

impl Seal {
    fn of(account: &Account, query: &ListQuery) -> Self {
        let mut digest = Sha256::new();
        digest.update(format!(
            "{}\n{:?}\n{:?}\n{:?}",
            account.id, query.order, query.creator, query.filters
        ));
        let mut seal = [0; 16];
        seal.copy_from_slice(&digest.finalize()[..16]);
        Self(seal)
    }

    fn token(&self, position: Position) -> String {
        URL_SAFE_NO_PAD.encode([&position.0.to_be_bytes()[..], &self.0].concat())
    }

    fn open(&self, token: &str) -> Result<Position, Problem> {
        let wrong =
            || Problem::bad_request("Invalid continuation_token: it belongs to another list; begin again without one");
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| wrong())?;
        let (position, seal) = bytes.split_at_checked(8).ok_or_else(wrong)?;
        let position: [u8; 8] = position.try_into().map_err(|_| wrong())?;
        if seal != self.0 {
            return Err(wrong());
        }
        Ok(Position(i64::from_be_bytes(position)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &str) -> Result<Vec<Filter>, String> {
        let parameters = query::parameters(raw).map_err(|problem| format!("{problem:?}"))?;
        filters(&parameters).map_err(|problem| format!("{problem:?}"))
    }

    fn text(value: &str) -> FilterTest {
        FilterTest::Text(vec![value.to_owned()])
    }

    #[test]
    fn every_operator_is_read_encoded_or_not() {
        for (raw, path, test) in [
            ("meta.status%5Beq%3Astring%5D=active", "status", text("active")),
            ("meta.status[eq]=5", "status", text("5")),
            ("meta.a.b[eq:number]=5", "a.b", FilterTest::Number(vec![5.0])),
            ("meta.a[eq:boolean]=true", "a", FilterTest::Boolean(true)),
            (
                "meta.a[in]=x|y%7Cz",
                "a",
                FilterTest::Text(vec!["x".to_owned(), "y".to_owned(), "z".to_owned()]),
            ),
            ("meta.a[in:number]=1|-2.5", "a", FilterTest::Number(vec![1.0, -2.5])),
            ("meta.a[gt]=1", "a", FilterTest::Greater(1.0)),
            ("meta.a[gte:number]=1", "a", FilterTest::AtLeast(1.0)),
            ("meta.a[lt]=1", "a", FilterTest::Less(1.0)),
            ("meta.a[lte:number]=1e2", "a", FilterTest::AtMost(100.0)),
        ] {
            let filters = read(raw).unwrap();
            assert_eq!(filters.len(), 1, "{raw}");
            assert_eq!((filters[0].path.as_str(), &filters[0].test), (path, &test), "{raw}");
        }
        assert_eq!(
            read("meta.%3Cfield%3E%5B%3Coperator%3E%5D=x&per_page=1").unwrap().len(),
            0
        );
    }

    #[test]
    fn what_is_not_supported_is_an_error_in_the_documented_words() {
        let five = "meta.a[eq]=1&meta.a[eq]=1&meta.a[eq]=1&meta.a[eq]=1&meta.a[eq]=1";
        assert_eq!(read(five).unwrap().len(), 5);
        for (raw, words) in [
            ("meta.a[not-eq]=1", "Unsupported metadata filter operator: 'not-eq'"),
            (
                &format!("{five}&meta.b[gt]=1"),
                "Too many metadata filters: 6 provided, maximum 5 allowed",
            ),
            ("meta.a[gt:string]=1", "Unsupported metadata filter operator"),
            ("meta.a[eq:boolean]=1", "not true or false"),
            ("meta.a[gt]=x", "is not a number"),
            ("meta.a[gt]=inf", "is not a number"),
            ("meta.a[in:number]=1|x", "is not a number"),
            ("meta.a[in]=1|2|3|4|5|6|7|8|9|10|11", "11 provided, maximum 10"),
            ("meta.a=1", "Invalid metadata filter"),
            ("meta.a-b[eq]=1", "Invalid metadata filter field"),
            ("meta.a.b.c.d.e.f[eq]=1", "Invalid metadata filter field"),
            ("meta.[eq]=1", "Invalid metadata filter field"),
        ] {
            let error = read(raw).unwrap_err();
            assert!(error.contains(words), "{raw}: {error}");
        }
    }
}
