//! The image record of the API (spec 4.1).

use std::time::{Duration, UNIX_EPOCH};

use calotype_store::{Account, Image, Variant};
use serde::Serialize;
use serde_json::Value;

use super::urls::Bases;

/// An image as the API tells it. What is not set is left out (D20).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record<'i> {
    id: &'i str,
    #[serde(skip_serializing_if = "Option::is_none")]
    filename: Option<&'i str>,
    uploaded: String,
    #[serde(rename = "requireSignedURLs")]
    require_signed_urls: bool,
    variants: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<&'i Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    creator: Option<&'i str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    draft: Option<bool>,
}

impl<'i> Record<'i> {
    /// The whole record.
    pub(crate) fn of(image: &'i Image, account: &Account, variants: &[Variant], bases: &Bases) -> Self {
        Self {
            id: image.id.as_str(),
            filename: image.original.as_ref().map(|original| original.filename.as_str()),
            uploaded: timestamp(image.position.ms()),
            require_signed_urls: image.is_private,
            variants: bases.of_variants(account, &image.id, variants),
            meta: image.metadata.as_ref().map(calotype_store::Metadata::value),
            creator: image.creator.as_deref(),
            draft: image.original.is_none().then_some(true),
        }
    }

    /// What an end user may see, who is told neither metadata nor creator (D58).
    pub(crate) fn for_end_users(self) -> Self {
        Self {
            meta: None,
            creator: None,
            ..self
        }
    }
}

/// RFC 3339 in UTC with milliseconds (spec 3.5).
pub(crate) fn timestamp(ms: i64) -> String {
    let since = Duration::from_millis(u64::try_from(ms).unwrap_or_default());
    humantime::format_rfc3339_millis(UNIX_EPOCH + since).to_string()
}

/// The milliseconds since 1970 of an RFC 3339 time, with any offset; `None` if it is none.
pub(crate) fn parse_timestamp(text: &str) -> Option<i64> {
    let text = text.trim();
    let (local, offset_s) = if text.ends_with(['Z', 'z']) {
        (text.get(..text.len().checked_sub(1)?)?, 0)
    } else {
        let (local, offset) = text.split_at_checked(text.len().checked_sub(6)?)?;
        let (sign, hours_minutes) = offset.split_at_checked(1)?;
        let (hours, minutes) = hours_minutes.split_once(':')?;
        let number = |digits: &str| -> Option<i64> {
            let is_number = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| digits.parse().ok()).flatten()
        };
        let seconds = number(hours)?
            .checked_mul(3_600)?
            .checked_add(number(minutes)?.checked_mul(60)?)?;
        match sign {
            "+" => (local, seconds),
            "-" => (local, seconds.checked_neg()?),
            _ => return None,
        }
    };
    let time = humantime::parse_rfc3339(&format!("{}Z", local.replace('t', "T"))).ok()?;
    let ms = i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()?;
    ms.checked_sub(offset_s.checked_mul(1_000)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_every_offset_and_written_in_utc() {
        // 2026-07-14T09:31:05.207Z is 1784021465.207 (GNU date).
        for text in [
            "2026-07-14T09:31:05.207Z",
            "2026-07-14T11:31:05.207+02:00",
            "2026-07-14T04:01:05.207-05:30",
            "2026-07-14t09:31:05.207z",
        ] {
            assert_eq!(parse_timestamp(text), Some(1_784_021_465_207), "{text}");
        }
        assert_eq!(timestamp(1_784_021_465_207), "2026-07-14T09:31:05.207Z");
        for text in [
            "",
            "tomorrow",
            "2026-07-14",
            "2026-07-14T09:31:05",
            "2026-07-14T09:31:05+2",
            "é+02:00",
        ] {
            assert_eq!(parse_timestamp(text), None, "{text}");
        }
    }
}
