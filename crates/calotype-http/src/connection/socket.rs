//! What a connection is made of: a socket of TCP or Unix.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, Interest};
use tokio::net::TcpStream;
use tokio::net::tcp;
#[cfg(unix)]
use tokio::net::{UnixStream, unix};

/// A client's socket, which comes apart into a half that is read and a half that is written.
pub(crate) trait Socket: Send + 'static {
    type Read: AsyncRead + Unpin + Send + 'static;
    type Write: AsyncWrite + Unpin + Send + 'static;

    fn halves(self) -> (Self::Read, Self::Write);

    /// Writes what the system takes at once, which may be nothing. An error: the client takes no more.
    fn write_now(write: &Self::Write, bytes: &[u8]) -> io::Result<usize>;

    /// Done when a client that sends no more takes no more either.
    fn gone(read: Self::Read) -> impl Future<Output = ()> + Send + 'static;

    /// Ends the connection in the middle of an answer, so that the client can tell: as soon as the other half is dropped.
    fn abort(write: Self::Write);
}

impl Socket for TcpStream {
    type Read = tcp::OwnedReadHalf;
    type Write = tcp::OwnedWriteHalf;

    fn halves(self) -> (Self::Read, Self::Write) {
        self.into_split()
    }

    fn write_now(write: &Self::Write, bytes: &[u8]) -> io::Result<usize> {
        or_nothing(write.try_write(bytes))
    }

    async fn gone(read: Self::Read) {
        // An error is as good an end.
        let _ = read.ready(Interest::ERROR).await;
    }

    /// By a reset: an end in the ordinary way is, without a length, the end of the body (RFC 9112, 6.3).
    fn abort(write: Self::Write) {
        let _ = write.as_ref().set_zero_linger();
        write.forget();
    }
}

#[cfg(unix)]
impl Socket for UnixStream {
    type Read = unix::OwnedReadHalf;
    type Write = unix::OwnedWriteHalf;

    fn halves(self) -> (Self::Read, Self::Write) {
        self.into_split()
    }

    fn write_now(write: &Self::Write, bytes: &[u8]) -> io::Result<usize> {
        or_nothing(write.try_write(bytes))
    }

    async fn gone(read: Self::Read) {
        // An error is as good an end.
        let _ = read.ready(Interest::ERROR).await;
    }

    /// These sockets have no reset. The client counts the bytes, or misses the last chunk.
    fn abort(write: Self::Write) {
        write.forget();
    }
}

fn or_nothing(written: io::Result<usize>) -> io::Result<usize> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        written => written,
    }
}

/// The half that is written, until it is taken out.
pub(super) struct Writer<S: Socket>(Option<S::Write>);

impl<S: Socket> Writer<S> {
    pub(super) const fn new(write: S::Write) -> Self {
        Self(Some(write))
    }

    pub(super) fn write_now(&self, bytes: &[u8]) -> io::Result<usize> {
        self.0.as_ref().map_or(Ok(0), |write| S::write_now(write, bytes))
    }

    pub(super) fn abort(&mut self) {
        if let Some(write) = self.0.take() {
            S::abort(write);
        }
    }

    fn with<T>(
        self: Pin<&mut Self>,
        act: impl FnOnce(Pin<&mut S::Write>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match &mut self.get_mut().0 {
            Some(write) => act(Pin::new(write)),
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }
}

impl<S: Socket> AsyncWrite for Writer<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.with(|write| write.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.with(|write| write.poll_write_vectored(cx, buffers))
    }

    fn is_write_vectored(&self) -> bool {
        self.0.as_ref().is_some_and(AsyncWrite::is_write_vectored)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|write| write.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|write| write.poll_shutdown(cx))
    }
}
