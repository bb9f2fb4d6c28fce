//! Bodies that are no forms.

use std::error::Error;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Collected, LengthLimitError, Limited};
use serde_json::{Map, Value};

use crate::hosted::Problem;
use crate::router::RequestBytes;

/// Bytes of a JSON body: metadata has at most 1,024, a creator 4 KiB.
const BYTES_MAX: usize = 64 << 10;
/// How long one may take.
const RECEIVE_TIMEOUT: Duration = Duration::from_secs(30);

type Collecting = Pin<Box<dyn Future<Output = Result<Collected<Bytes>, Box<dyn Error + Send + Sync>>> + Send>>;

/// The bytes of a body.
pub(super) async fn bytes(body: RequestBytes) -> Result<Bytes, Problem> {
    let collected = tokio::time::timeout(RECEIVE_TIMEOUT, collect(body))
        .await
        .map_err(|_| Problem::too_slow())?;
    match collected {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::bad_request(format!(
            "the body is longer than {BYTES_MAX} bytes"
        ))),
        Err(error) => Err(Problem::broken_upload(error.to_string())),
    }
}

/// A function of its own, because its type cannot be written into a future that is sent between threads.
fn collect(body: RequestBytes) -> Collecting {
    Box::pin(Limited::new(body, BYTES_MAX).collect())
}

/// A JSON object; an empty body is an empty one.
pub(super) async fn json(body: RequestBytes) -> Result<Map<String, Value>, Problem> {
    object(&bytes(body).await?)
}

/// A JSON object of these bytes.
pub(super) fn object(bytes: &[u8]) -> Result<Map<String, Value>, Problem> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(Problem::bad_request("the body must be a JSON object")),
        Err(error) => Err(Problem::bad_request(format!(
            "the body is not valid JSON: line {}, column {}",
            error.line(),
            error.column()
        ))),
    }
}
