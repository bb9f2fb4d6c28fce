//! Compressions of bytes: each fills a buffer whose length is known (TIFF 6.0 sections 9 to 11, 13 and its
//! supplements).

use std::io::Read;

use flate2::read::ZlibDecoder;
use weezl::{BitOrder, LzwStatus};

use super::ccitt;
use crate::{Budget, CodecError};

/// The window a zstd frame may ask for: 16 MB, the largest that ordinary levels use.
const ZSTD_WINDOW_LOG_MAX: u32 = 24;

/// What compresses bytes, as the file's number for it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Plain,
    Lzw,
    Deflate,
    PackBits,
    Zstd,
    Ccitt(ccitt::Coding),
}

impl Coding {
    /// Fills `out` with the first bytes of the decompressed data.
    ///
    /// `width` and `row_bytes` are those of the rows, which fax coding needs to know.
    ///
    /// # Errors
    /// [`CodecError::Corrupt`] if the data is bad or does not fill `out`.
    pub(super) fn decode(
        self,
        bytes: &[u8],
        width: u32,
        row_bytes: usize,
        out: &mut [u8],
        budget: &Budget,
    ) -> Result<(), CodecError> {
        match self {
            Self::Plain => {
                let bytes = bytes.get(..out.len()).ok_or_else(cut)?;
                out.copy_from_slice(bytes);
                Ok(())
            }
            Self::Lzw => lzw(bytes, out),
            Self::Deflate => read(ZlibDecoder::new(bytes), out),
            Self::PackBits => pack_bits(bytes, out),
            Self::Zstd => {
                let _window = budget.reserve(1 << ZSTD_WINDOW_LOG_MAX)?;
                let mut decoder = zstd::Decoder::with_buffer(bytes).map_err(|_| bad())?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(|_| bad())?;
                read(decoder, out)
            }
            Self::Ccitt(coding) => ccitt::decode(bytes, coding, width, row_bytes, out),
        }
    }
}

fn cut() -> CodecError {
    CodecError::corrupt("the file ends before the picture does")
}

fn bad() -> CodecError {
    CodecError::corrupt("its compressed data cannot be read")
}

fn read(mut from: impl Read, out: &mut [u8]) -> Result<(), CodecError> {
    from.read_exact(out).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => cut(),
        _ => bad(),
    })
}

/// LZW, highest bits first with codes that widen one early; the first writers had it the other way round, and their
/// files begin with a clear code in that order.
fn lzw(bytes: &[u8], mut out: &mut [u8]) -> Result<(), CodecError> {
    let mut decoder = match bytes {
        [0, second, ..] if second & 1 == 1 => weezl::decode::Decoder::new(BitOrder::Lsb, 8),
        _ => weezl::decode::Decoder::with_tiff_size_switch(BitOrder::Msb, 8),
    };
    let mut rest = bytes;
    while !out.is_empty() {
        let result = decoder.decode_bytes(rest, out);
        rest = rest.get(result.consumed_in..).unwrap_or_default();
        out = out.get_mut(result.consumed_out..).unwrap_or_default();
        match result.status {
            Ok(LzwStatus::Ok) if result.consumed_in > 0 || result.consumed_out > 0 => {}
            Ok(_) if out.is_empty() => {}
            Ok(_) => return Err(cut()),
            Err(_) => return Err(bad()),
        }
    }
    Ok(())
}

/// Runs of equal bytes and runs of others.
fn pack_bits(bytes: &[u8], mut out: &mut [u8]) -> Result<(), CodecError> {
    let mut rest = bytes;
    while !out.is_empty() {
        let (&head, tail) = rest.split_first().ok_or_else(cut)?;
        rest = match head {
            0..=127 => {
                let length = usize::from(head) + 1;
                let taken = length.min(out.len());
                let (from, tail) = tail.split_at_checked(length.min(tail.len())).ok_or_else(cut)?;
                let (to, further) = out.split_at_mut(taken);
                to.copy_from_slice(from.get(..taken).ok_or_else(cut)?);
                out = further;
                tail
            }
            128 => tail,
            129.. => {
                let (&value, tail) = tail.split_first().ok_or_else(cut)?;
                let (to, further) = out.split_at_mut((257 - usize::from(head)).min(out.len()));
                to.fill(value);
                out = further;
                tail
            }
        };
    }
    Ok(())
}
