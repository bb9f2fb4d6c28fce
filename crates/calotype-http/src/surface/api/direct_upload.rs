//! Promises of images (spec 6.15).

use calotype_store::{NewDraft, Secret};
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value, json};

use super::{Call, body, query};
use crate::hosted::{Bounds, Outcome, Problem, UploadForm, parse_timestamp, success};
use crate::router::RequestBytes;

const MINUTE_MS: i64 = 60_000;
const EXPIRY_MS_MIN: i64 = 2 * MINUTE_MS;
const EXPIRY_MS_MAX: i64 = 360 * MINUTE_MS;
const EXPIRY_MS_DEFAULT: i64 = 30 * MINUTE_MS;
/// What clocks may differ by (D55).
const SKEW_MS: i64 = 5_000;

impl Call<'_> {
    pub(super) async fn direct_upload_v2(&self, body: RequestBytes) -> Outcome {
        let media_type = self
            .parts
            .headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split(';').next())
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        let form = match media_type.as_str() {
            "multipart/form-data" => self.hosted.read_form(&self.parts.headers, body, Bounds::Texts).await?,
            "" | "application/json" => UploadForm::from_members(body::json(body).await?),
            // A documented example sends JSON under this name (D54).
            "application/x-www-form-urlencoded" => UploadForm::from_members(urlencoded(&body::bytes(body).await?)?),
            _ => return Err(Problem::not_a_form()),
        };
        self.promise(&form).await
    }

    pub(super) async fn direct_upload_v1(&self, body: RequestBytes) -> Outcome {
        // Only the expiry counts (D60); a form is as good as JSON.
        let is_form = self
            .parts
            .headers
            .get(CONTENT_TYPE)
            .is_some_and(|value| value.as_bytes().starts_with(b"multipart/form-data"));
        let mut members = Map::new();
        if is_form {
            let form = self.hosted.read_form(&self.parts.headers, body, Bounds::Texts).await?;
            members.extend(form.text("expiry")?.map(|expiry| ("expiry".to_owned(), expiry.into())));
        } else {
            members.extend(body::json(body).await?.remove_entry("expiry"));
        }
        self.promise(&UploadForm::from_members(members)).await
    }

    async fn promise(&self, form: &UploadForm) -> Outcome {
        if form.has("url") {
            return Err(Problem::bad_request("a direct upload takes no url"));
        }
        let now_ms = self.hosted.store.clock().now_ms();
        let ends_ms = match form.text("expiry")? {
            None => now_ms.saturating_add(EXPIRY_MS_DEFAULT),
            Some(text) => ends_ms(text, now_ms)?,
        };
        let draft = NewDraft {
            image: form.image()?,
            ends_ms,
        };
        let (id, secret) = self.hosted.store.create_draft(&self.account, &draft).await?;
        let url = self
            .bases
            .upload(&self.account, &id, secret.as_ref().map(Secret::reveal));
        success(&json!({ "id": id.as_str(), "uploadURL": url }))
    }
}

fn ends_ms(text: &str, now_ms: i64) -> Result<i64, Problem> {
    let ends_ms = parse_timestamp(text)
        .ok_or_else(|| Problem::bad_request("expiry must be an RFC 3339 time, for example 2026-07-14T10:30:00Z"))?;
    let ahead = ends_ms.saturating_sub(now_ms);
    if !(EXPIRY_MS_MIN - SKEW_MS..=EXPIRY_MS_MAX + SKEW_MS).contains(&ahead) {
        return Err(Problem::bad_request(
            "expiry must be at least 2 minutes and at most 6 hours ahead",
        ));
    }
    Ok(ends_ms)
}

/// Pairs, or JSON that calls itself so.
fn urlencoded(bytes: &[u8]) -> Result<Map<String, Value>, Problem> {
    if bytes.trim_ascii_start().starts_with(b"{") {
        return body::object(bytes);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Problem::bad_request("the body is not UTF-8"))?;
    let pairs = query::parameters(text)?;
    Ok(pairs
        .into_iter()
        .map(|(name, value)| (name, Value::String(value)))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_lies_between_two_minutes_and_six_hours_ahead() {
        let now_ms = 1_784_021_465_000;
        for (text, is_right) in [
            ("2026-07-14T09:33:05Z", true),
            ("2026-07-14T09:33:00Z", true),
            ("2026-07-14T09:32:59Z", false),
            ("2026-07-14T15:31:05Z", true),
            ("2026-07-14T15:31:10Z", true),
            ("2026-07-14T15:31:11Z", false),
            ("2026-07-14T11:00:00+01:00", true),
            ("in an hour", false),
        ] {
            assert_eq!(ends_ms(text, now_ms).is_ok(), is_right, "{text}");
        }
    }
}
