//! Undoing the `Content-Encoding` of origins that compress without being asked (RFC 9110, 8.4).

use std::io::{self, Read};

use bytes::Bytes;
use calotype_plan::{Fault, FaultKind};
use flate2::bufread::{DeflateDecoder, GzDecoder, ZlibDecoder};
use http::header::{CONTENT_ENCODING, HeaderMap};

use crate::body::too_large;
use crate::memory::{GrowingBuffer, SourceMemory};

/// Codings that one answer may have applied on top of each other.
const CODINGS_MAX: usize = 3;
const PIECE_BYTES: usize = 64 << 10;

/// A coding that we can undo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// RFC 1952.
    Gzip,
    /// RFC 1950, or bare RFC 1951 as some servers send under this name.
    Deflate,
}

/// The codings of an answer in the order in which they were applied.
pub(crate) fn codings(headers: &HeaderMap) -> Result<Vec<Coding>, Fault> {
    let mut codings = Vec::new();
    for value in headers.get_all(CONTENT_ENCODING) {
        for name in value.as_bytes().split(|b| *b == b',').map(<[u8]>::trim_ascii) {
            match name.to_ascii_lowercase().as_slice() {
                b"" | b"identity" => {}
                b"gzip" | b"x-gzip" => codings.push(Coding::Gzip),
                b"deflate" => codings.push(Coding::Deflate),
                _ => return Err(unsupported(value.as_bytes())),
            }
            if codings.len() > CODINGS_MAX {
                return Err(unsupported(value.as_bytes()));
            }
        }
    }
    Ok(codings)
}

/// The bytes without their codings. What they inflate to is held under the same cap as a plain download, so a decompression bomb meets it early.
/// Works for milliseconds per megabyte: not for an async thread.
pub(crate) fn undo(
    mut bytes: Bytes,
    codings: &[Coding],
    source_bytes_max: u64,
    memory: &SourceMemory,
) -> Result<Bytes, Fault> {
    for coding in codings.iter().rev() {
        bytes = match coding {
            Coding::Gzip => inflate_gzip(&bytes, source_bytes_max, memory)?,
            Coding::Deflate if is_zlib(&bytes) => inflate(ZlibDecoder::new(&bytes[..]), source_bytes_max, memory)?,
            Coding::Deflate => inflate(DeflateDecoder::new(&bytes[..]), source_bytes_max, memory)?,
        };
    }
    Ok(bytes)
}

/// Every member of a gzip file (RFC 1952, 2.2); what follows the last and is no member is padding.
fn inflate_gzip(bytes: &[u8], source_bytes_max: u64, memory: &SourceMemory) -> Result<Bytes, Fault> {
    let mut out = output(source_bytes_max, memory);
    let mut rest = bytes;
    loop {
        let mut member = GzDecoder::new(rest);
        drain(&mut member, &mut out, source_bytes_max)?;
        rest = member.into_inner();
        if !rest.starts_with(&[0x1f, 0x8b]) {
            return Ok(out.into_bytes());
        }
    }
}

fn inflate(mut decoder: impl Read, source_bytes_max: u64, memory: &SourceMemory) -> Result<Bytes, Fault> {
    let mut out = output(source_bytes_max, memory);
    drain(&mut decoder, &mut out, source_bytes_max)?;
    Ok(out.into_bytes())
}

fn output(source_bytes_max: u64, memory: &SourceMemory) -> GrowingBuffer {
    GrowingBuffer::new(memory, usize::try_from(source_bytes_max).unwrap_or(usize::MAX))
}

fn drain(decoder: &mut impl Read, out: &mut GrowingBuffer, source_bytes_max: u64) -> Result<(), Fault> {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let read = match decoder.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(read) => piece.get(..read).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                return Err(Fault::new(
                    FaultKind::SourceBroken,
                    "the origin sent a body that does not match its Content-Encoding, or is cut short",
                )
                .with_detail(error.to_string()));
            }
        };
        if read.len() > out.room() {
            return Err(too_large(source_bytes_max));
        }
        out.push(read)?;
    }
}

/// The two header bytes of RFC 1950, 2.2: method 8, and a check that makes them a multiple of 31.
fn is_zlib(bytes: &[u8]) -> bool {
    matches!(bytes, [cmf, flg, ..] if cmf & 0x0f == 8 && (u16::from(*cmf) << 8 | u16::from(*flg)) % 31 == 0)
}

fn unsupported(value: &[u8]) -> Fault {
    Fault::new(
        FaultKind::SourceBroken,
        "the origin compressed the source in a way that was not asked for and is not understood here; send it without Content-Encoding",
    )
    .with_detail(format!("Content-Encoding: {}", String::from_utf8_lossy(value)))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use http::HeaderValue;

    use super::*;

    const PLAIN: &[u8] = b"not really a picture, not really a picture, not really a picture";

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).expect("to memory");
        encoder.finish().expect("to memory")
    }

    fn undone(bytes: Vec<u8>, codings: &[Coding], max: u64) -> Result<Bytes, Fault> {
        undo(Bytes::from(bytes), codings, max, &SourceMemory::new(1 << 30))
    }

    fn parse(value: &'static str) -> Result<Vec<Coding>, u16> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(value));
        codings(&headers).map_err(|fault| fault.code())
    }

    #[test]
    fn the_known_names_are_read_and_others_are_9402() {
        assert_eq!(parse("gzip"), Ok(vec![Coding::Gzip]));
        assert_eq!(
            parse("X-GZip, deflate, identity"),
            Ok(vec![Coding::Gzip, Coding::Deflate])
        );
        assert_eq!(parse("br"), Err(9402));
        assert_eq!(parse("gzip, zstd"), Err(9402));
        assert_eq!(parse("gzip,gzip,gzip,gzip"), Err(9402));
    }

    #[test]
    fn gzip_zlib_and_bare_deflate_are_undone() {
        assert_eq!(undone(gzip(PLAIN), &[Coding::Gzip], 1000).as_deref(), Ok(PLAIN));
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(PLAIN).expect("to memory");
        assert_eq!(
            undone(zlib.finish().expect("to memory"), &[Coding::Deflate], 1000).as_deref(),
            Ok(PLAIN)
        );
        let mut bare = DeflateEncoder::new(Vec::new(), Compression::default());
        bare.write_all(PLAIN).expect("to memory");
        assert_eq!(
            undone(bare.finish().expect("to memory"), &[Coding::Deflate], 1000).as_deref(),
            Ok(PLAIN)
        );
    }

    #[test]
    fn codings_are_undone_last_first_and_members_are_joined() {
        assert_eq!(
            undone(gzip(&gzip(PLAIN)), &[Coding::Gzip, Coding::Gzip], 1000).as_deref(),
            Ok(PLAIN)
        );
        let members = [gzip(b"left "), gzip(b"right"), vec![0; 20]].concat();
        assert_eq!(
            undone(members, &[Coding::Gzip], 1000).as_deref(),
            Ok(&b"left right"[..])
        );
    }

    #[test]
    fn every_cut_of_a_compressed_body_is_9402_and_502() {
        let whole = gzip(PLAIN);
        for length in 0..whole.len() {
            let fault = undone(whole[..length].to_vec(), &[Coding::Gzip], 1000).expect_err("cut");
            assert_eq!((fault.code(), fault.status()), (9402, 502), "cut at {length}");
        }
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(PLAIN).expect("to memory");
        let whole = zlib.finish().expect("to memory");
        for length in 0..whole.len() {
            assert!(
                undone(whole[..length].to_vec(), &[Coding::Deflate], 1000).is_err(),
                "cut at {length}"
            );
        }
    }

    #[test]
    fn a_bomb_meets_the_size_cap_and_no_more_memory_than_that() {
        let bomb = gzip(&vec![0; 10_000_000]);
        assert!(bomb.len() < 20_000);
        let memory = SourceMemory::new(1_000_000);
        let fault = undo(Bytes::from(bomb), &[Coding::Gzip], 1_000_000, &memory).expect_err("over the cap");
        assert_eq!((fault.code(), fault.status()), (9402, 413));
        assert_eq!(memory.bytes_in_use(), 0);
    }

    #[test]
    fn exactly_the_cap_passes() {
        assert_eq!(
            undone(gzip(PLAIN), &[Coding::Gzip], PLAIN.len() as u64).as_deref(),
            Ok(PLAIN)
        );
        assert!(undone(gzip(PLAIN), &[Coding::Gzip], PLAIN.len() as u64 - 1).is_err());
    }
}
