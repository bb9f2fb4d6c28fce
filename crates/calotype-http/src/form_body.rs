//! A request's body on its way into the form: it rests after every piece, and is bounded.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame};

/// Bytes that may come before a boundary or the end of a part's head does. The runtime's heads have less than 100.
const HEAD_BYTES_MAX: u64 = 64 << 10;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How many bytes may still come before the parser has to be through with what it reads.
#[derive(Debug, Clone)]
pub(crate) struct Allowance(Arc<AtomicU64>);

/// The parser did not get through.
#[derive(Debug)]
pub(crate) struct HeadTooLong;

impl std::fmt::Display for HeadTooLong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "no boundary or end of a part's head within {HEAD_BYTES_MAX} bytes")
    }
}

impl std::error::Error for HeadTooLong {}

impl Allowance {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicU64::new(HEAD_BYTES_MAX)))
    }

    /// A boundary and a head are looked for: the parser keeps all that it reads.
    pub(crate) fn for_head(&self) {
        self.0.store(HEAD_BYTES_MAX, Ordering::Relaxed);
    }

    /// Data is read: the parser keeps one piece, and whoever takes the data bounds it.
    pub(crate) fn for_data(&self) {
        self.0.store(u64::MAX, Ordering::Relaxed);
    }

    fn take(&self, bytes: usize) {
        let left = self.0.load(Ordering::Relaxed);
        if left != u64::MAX {
            self.0.store(left.saturating_sub(bytes as u64), Ordering::Relaxed);
        }
    }

    fn is_used_up(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}

/// The body of a request.
pub(crate) struct Upload<B> {
    body: Option<B>,
    allowance: Allowance,
    has_rested: bool,
}

impl<B> Upload<B> {
    pub(crate) fn new(body: B, allowance: Allowance) -> Self {
        Self {
            body: Some(body),
            allowance,
            has_rested: true,
        }
    }
}

impl<B> Body for Upload<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        // The parser reads on for as long as there is something to read, and keeps it all.
        if !self.has_rested {
            self.has_rested = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.allowance.is_used_up() {
            return Poll::Ready(Some(Err(Box::new(HeadTooLong))));
        }
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        match Pin::new(body).poll_frame(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Ok(frame))) => {
                self.has_rested = false;
                self.allowance.take(frame.data_ref().map_or(0, Bytes::len));
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(ended) => {
                self.body = None;
                Poll::Ready(ended.map(|frame| frame.map_err(Into::into)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyDataStream;
    use multer::Multipart;

    /// A body whose pieces are all there already, and which counts those that were taken.
    struct Ready {
        first: Option<Bytes>,
        then: Bytes,
        taken: Arc<AtomicU64>,
    }

    impl Body for Ready {
        type Data = Bytes;
        type Error = BoxError;

        fn poll_frame(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            if self.taken.fetch_add(1, Ordering::Relaxed) >= 10_000 {
                return Poll::Ready(None);
            }
            let piece = self.first.take().unwrap_or_else(|| self.then.clone());
            Poll::Ready(Some(Ok(Frame::data(piece))))
        }
    }

    /// A form that begins like this and goes on with a piece of 1 KiB again and again.
    fn form(first: &'static str, then: u8) -> (Multipart<'static>, Allowance, Arc<AtomicU64>) {
        let taken = Arc::<AtomicU64>::default();
        let body = Ready {
            first: Some(Bytes::from_static(first.as_bytes())),
            then: vec![then; 1_024].into(),
            taken: taken.clone(),
        };
        let allowance = Allowance::new();
        let upload = BodyDataStream::new(Upload::new(body, allowance.clone()));
        (Multipart::new(upload, "B"), allowance, taken)
    }

    #[tokio::test]
    async fn no_more_is_taken_than_what_is_asked_for() {
        let (mut parts, allowance, taken) = form("--B\r\ncontent-disposition: form-data; name=\"image\"\r\n\r\nx", 7);
        let mut field = parts.next_field().await.unwrap().unwrap();
        assert!(taken.load(Ordering::Relaxed) <= 2);
        allowance.for_data();
        let mut bytes = 0;
        while bytes < 100 << 10 {
            bytes += field.chunk().await.unwrap().unwrap().len() as u64;
            let ahead = taken.load(Ordering::Relaxed) * 1_024 - bytes;
            assert!(ahead <= 4 << 10, "{ahead} bytes are kept");
        }
    }

    #[tokio::test]
    async fn what_is_looked_for_must_come_soon() {
        for first in ["", "--B\r\ncontent-disposition: form-data; name=\"image\"\r\nx: "] {
            let (mut parts, _, taken) = form(first, b'y');
            let error = parts.next_field().await.unwrap_err();
            assert!(
                matches!(&error, multer::Error::StreamReadFailed(cause) if cause.is::<HeadTooLong>()),
                "{error}"
            );
            assert!(taken.load(Ordering::Relaxed) <= HEAD_BYTES_MAX / 1_024 + 1);
        }
    }
}
