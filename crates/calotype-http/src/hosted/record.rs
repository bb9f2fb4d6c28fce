//! The image record of the API (spec 4.1).

use std::io::Write as _;
use std::time::{Duration, UNIX_EPOCH};

use calotype_store::{Account, Image, Metadata, Variant};

use super::problem::{Outcome, Problem, success_written};
use super::urls::{Bases, encoded};

/// Bytes of a record beside its URLs, about.
const RECORD_BYTES: usize = 512;

/// Writes images as the API tells them. A list holds up to a hundred thousand URLs, so what they have in common is put together once.
#[derive(Debug)]
pub(crate) struct Records {
    /// Of every URL, up to the image's id, as JSON.
    start: String,
    /// Of the URLs of an image, behind its id: `public` first, then by name.
    ends: Vec<String>,
    /// End users are told neither metadata nor creator (D58).
    is_for_end_users: bool,
}

impl Records {
    /// For the images of an account.
    pub(crate) fn new(account: &Account, variants: &[Variant], bases: &Bases) -> Self {
        let start = format!("\"{}", json_escaped(&bases.of_account(account)));
        let ends = variants
            .iter()
            .map(|variant| format!("/{}\"", json_escaped(&variant.name)));
        Self {
            start,
            ends: ends.collect(),
            is_for_end_users: false,
        }
    }

    /// The same, without what end users are not told.
    pub(crate) fn for_end_users(self) -> Self {
        Self {
            is_for_end_users: true,
            ..self
        }
    }

    /// The answer with one image.
    pub(crate) fn answer(&self, image: &Image) -> Outcome {
        success_written(self.bytes(1), None, |body| self.write(image, body))
    }

    /// The bytes that so many images take, about.
    pub(crate) fn bytes(&self, images: usize) -> usize {
        let urls: usize = self.ends.iter().map(|end| self.start.len() + end.len() + 40).sum();
        images.saturating_mul(urls.saturating_add(RECORD_BYTES))
    }

    /// Appends an array of images.
    pub(crate) fn write_all(&self, images: &[Image], body: &mut Vec<u8>) -> Result<(), Problem> {
        body.push(b'[');
        for (at, image) in images.iter().enumerate() {
            if at > 0 {
                body.push(b',');
            }
            self.write(image, body)?;
        }
        body.push(b']');
        Ok(())
    }

    /// Appends an image. What is not set is left out (D20).
    fn write(&self, image: &Image, body: &mut Vec<u8>) -> Result<(), Problem> {
        body.extend_from_slice(b"{\"id\":");
        text(image.id.as_str(), body)?;
        if let Some(original) = &image.original {
            body.extend_from_slice(b",\"filename\":");
            text(&original.filename, body)?;
        }
        let uploaded = timestamp(image.position.ms());
        let written = write!(
            body,
            ",\"uploaded\":\"{uploaded}\",\"requireSignedURLs\":{},\"variants\":[",
            image.is_private
        );
        written.map_err(|error| Problem::internal(error.to_string()))?;
        // Encoded, it holds nothing that JSON would write otherwise.
        let id = encoded(image.id.as_str());
        for (at, end) in self.ends.iter().enumerate() {
            if at > 0 {
                body.push(b',');
            }
            body.extend_from_slice(self.start.as_bytes());
            body.extend_from_slice(id.as_bytes());
            body.extend_from_slice(end.as_bytes());
        }
        body.push(b']');
        if !self.is_for_end_users {
            if let Some(metadata) = &image.metadata {
                body.extend_from_slice(b",\"meta\":");
                body.extend_from_slice(Metadata::text(metadata).as_bytes());
            }
            if let Some(creator) = &image.creator {
                body.extend_from_slice(b",\"creator\":");
                text(creator, body)?;
            }
        }
        if image.original.is_none() {
            body.extend_from_slice(b",\"draft\":true");
        }
        body.push(b'}');
        Ok(())
    }
}

/// Appends a text as JSON.
fn text(text: &str, body: &mut Vec<u8>) -> Result<(), Problem> {
    serde_json::to_writer(body, text).map_err(|error| Problem::internal(error.to_string()))
}

/// A text as it stands between the quotation marks of JSON.
fn json_escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or_default()
        .to_owned()
}

/// RFC 3339 in UTC with milliseconds (spec 3.5).
pub(crate) fn timestamp(ms: i64) -> String {
    let since = Duration::from_millis(u64::try_from(ms).unwrap_or_default());
    humantime::format_rfc3339_millis(UNIX_EPOCH + since).to_string()
}

/// The milliseconds since 1970 of an RFC 3339 time, with any offset; `None` if it is none.
#[must_use]
pub fn parse_timestamp(text: &str) -> Option<i64> {
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
