//! Reading a body: whole, within the cap, or not at all.

use bytes::Bytes;
use calotype_plan::{Fault, FaultKind};
use http::Response;
use http::header::CONTENT_LENGTH;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};

use crate::content_encoding;
use crate::memory::{GrowingBuffer, SourceMemory};

/// The whole body, without its content codings.
///
/// # Errors
/// 9402/413 over `source_bytes_max`, declared or arrived; 9402/502 for a body that breaks off, is shorter than its `Content-Length`, or is
/// encoded in a way that cannot be undone; 9412/415 for an empty one; 9522 when the memory for sources is used up.
pub(crate) async fn read(
    response: Response<Incoming>,
    source_bytes_max: u64,
    memory: &SourceMemory,
) -> Result<Bytes, Fault> {
    let (head, mut body) = response.into_parts();
    let codings = content_encoding::codings(&head.headers)?;
    // Hyper has checked the header against the framing; the size hint is what will arrive.
    let declared = body.size_hint().exact();
    if declared.is_some_and(|length| length > source_bytes_max) {
        return Err(
            too_large(source_bytes_max).with_detail(format!("Content-Length: {:?}", head.headers.get(CONTENT_LENGTH)))
        );
    }
    let bound = usize::try_from(declared.unwrap_or(source_bytes_max)).unwrap_or(usize::MAX);
    let mut buffer = GrowingBuffer::new(memory, bound);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            Fault::new(
                FaultKind::SourceBroken,
                "the connection to the origin broke before the whole source had arrived",
            )
            .with_detail(error_chain(&error))
        })?;
        if let Ok(piece) = frame.into_data() {
            if piece.len() > buffer.room() {
                return Err(too_large(source_bytes_max));
            }
            buffer.push(&piece)?;
        }
    }
    // Hyper reports a short body as an error; this stands for the day when it does not.
    if declared.is_some_and(|length| length != buffer.len() as u64) {
        return Err(Fault::new(
            FaultKind::SourceBroken,
            "the source is shorter than the origin declared",
        ));
    }
    let mut bytes = buffer.into_bytes();
    if !codings.is_empty() {
        let memory = memory.clone();
        bytes = tokio::task::spawn_blocking(move || content_encoding::undo(bytes, &codings, source_bytes_max, &memory))
            .await
            .map_err(|error| {
                Fault::new(FaultKind::Internal, "unpacking the source failed").with_detail(error.to_string())
            })??;
    }
    if bytes.is_empty() {
        return Err(Fault::new(FaultKind::NotAnImage, "the source is empty"));
    }
    Ok(bytes)
}

/// 9402/413.
pub(crate) fn too_large(source_bytes_max: u64) -> Fault {
    Fault::new(
        FaultKind::SourceTooLarge,
        format!("the source file is too large; at most {source_bytes_max} bytes are read"),
    )
}

/// An error and its causes in one line, for the log.
pub(crate) fn error_chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
