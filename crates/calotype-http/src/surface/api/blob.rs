//! The bytes that were uploaded, unchanged (spec 6.7).

use bytes::Bytes;
use http::StatusCode;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_RANGE, RANGE, X_CONTENT_TYPE_OPTIONS,
};
use http_body_util::Full;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::Call;
use crate::answer::Answer;
use crate::conditional;
use crate::hosted::{Outcome, Problem};

/// An SVG as it was uploaded may hold anything: it is a file, and no document that runs.
const FILE_POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox");

impl Call<'_> {
    pub(super) async fn blob(&self, id: &str) -> Outcome {
        let image = self.find(id).await?;
        let original = image.original.ok_or_else(Problem::image_not_found)?;
        let tag = HeaderValue::from_str(&format!("\"{}\"", original.blob.as_str()))
            .map_err(|error| Problem::internal(error.to_string()))?;
        let mut answer = Answer::new(Full::default());
        let headers = answer.headers_mut();
        headers.insert(ETAG, tag.clone());
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        if conditional::is_not_modified(&self.parts.headers, Some(&tag), None) {
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
            return Ok(answer);
        }
        let headers = answer.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_str(&original.media_type).unwrap_or(HeaderValue::from_static("application/octet-stream")),
        );
        let name = utf8_percent_encode(&original.filename, NON_ALPHANUMERIC);
        headers.extend(
            HeaderValue::from_str(&format!("attachment; filename*=UTF-8''{name}"))
                .ok()
                .map(|value| (CONTENT_DISPOSITION, value)),
        );
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(CONTENT_SECURITY_POLICY, FILE_POLICY);
        let length = original.bytes;
        let body = match asked(&self.parts.headers, &tag, length) {
            Asked::Whole => {
                let mut reader = self.hosted.store.open_blob(&original.blob).await?;
                self.hosted.original(&mut reader).await?
            }
            Asked::Part(first, last) => {
                *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
                range_header(answer.headers_mut(), &format!("bytes {first}-{last}/{length}"));
                let range = first..last.saturating_add(1);
                let mut reader = self.hosted.store.open_blob_part(&original.blob, range).await?;
                self.hosted.original(&mut reader).await?
            }
            Asked::Nothing => {
                *answer.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
                range_header(answer.headers_mut(), &format!("bytes */{length}"));
                Bytes::new()
            }
        };
        answer
            .headers_mut()
            .insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        Ok(answer.map(|_| Full::new(body)))
    }
}

fn range_header(headers: &mut HeaderMap, text: &str) {
    headers.extend(HeaderValue::from_str(text).ok().map(|value| (CONTENT_RANGE, value)));
}

/// Which bytes are asked for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Whole,
    /// From the first to the last.
    Part(u64, u64),
    /// A range that begins after the end.
    Nothing,
}

/// One range of bytes (RFC 9110, 14.1.2); several are answered with the whole, as may be.
fn asked(headers: &HeaderMap, tag: &HeaderValue, length: u64) -> Asked {
    let of_another = headers.get(IF_RANGE).is_some_and(|condition| condition != tag);
    let Some(range) = headers.get(RANGE).filter(|_| !of_another) else {
        return Asked::Whole;
    };
    let parsed = range
        .to_str()
        .ok()
        .and_then(|text| text.trim().strip_prefix("bytes="))
        .filter(|text| !text.contains(','))
        .and_then(|text| text.split_once('-'));
    let Some((first, last)) = parsed else {
        return Asked::Whole;
    };
    let number = |text: &str| -> Option<u64> {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let end = length.saturating_sub(1);
    match (number(first.trim()), number(last.trim())) {
        (Some(first), _) if first >= length => Asked::Nothing,
        (Some(first), Some(last)) if last < first => Asked::Whole,
        (Some(first), Some(last)) => Asked::Part(first, last.min(end)),
        (Some(first), None) if last.trim().is_empty() => Asked::Part(first, end),
        (None, Some(0)) if first.trim().is_empty() => Asked::Nothing,
        (None, Some(count)) if first.trim().is_empty() && length > 0 => Asked::Part(length.saturating_sub(count), end),
        _ => Asked::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_answered_and_what_is_none_is_ignored() {
        let tag = HeaderValue::from_static("\"t\"");
        for (range, want) in [
            ("bytes=0-1", Asked::Part(0, 1)),
            ("bytes=2-", Asked::Part(2, 9)),
            ("bytes=-3", Asked::Part(7, 9)),
            ("bytes=-30", Asked::Part(0, 9)),
            ("bytes=5-99", Asked::Part(5, 9)),
            ("bytes=10-", Asked::Nothing),
            ("bytes=-0", Asked::Nothing),
            ("bytes=3-2", Asked::Whole),
            ("bytes=0-1,3-4", Asked::Whole),
            ("lines=0-1", Asked::Whole),
            ("bytes=a-b", Asked::Whole),
            ("bytes=-", Asked::Whole),
        ] {
            let mut headers = HeaderMap::from_iter([(RANGE, HeaderValue::from_static(range))]);
            assert_eq!(asked(&headers, &tag, 10), want, "{range}");
            headers.insert(IF_RANGE, HeaderValue::from_static("\"other\""));
            assert_eq!(asked(&headers, &tag, 10), Asked::Whole);
        }
    }
}
