//! The two forms of a JPEG XL file: a bare codestream, or boxes around it (ISO/IEC 18181-2).

use std::borrow::Cow;
use std::io::{self, Write};

use brotli_decompressor::DecompressorWriter;
use calotype_plan::Limits;

use crate::CodecError;
use crate::metadata::exif_payload;

/// What a bare codestream begins with.
const CODESTREAM: [u8; 2] = [0xff, 0x0a];

/// The first box of a container, whole.
const SIGNATURE: &[u8] = b"\0\0\0\x0cJXL \r\n\x87\n";

/// The boxes of a file that matter here.
#[derive(Debug, Default)]
pub(super) struct Container<'a> {
    /// The codestream, in one piece or in many, in order.
    pub(super) parts: Vec<&'a [u8]>,
    exif: Option<Block<'a>>,
    xmp: Option<Block<'a>>,
}

/// The payload of a metadata box.
#[derive(Debug, Clone, Copy)]
enum Block<'a> {
    Plain(&'a [u8]),
    /// Packed by Brotli (RFC 7932).
    Packed(&'a [u8]),
}

impl<'a> Container<'a> {
    /// Finds the boxes. A box that is cut is as long as what is left of it: whether the picture is whole shows when it
    /// is decoded.
    pub(super) fn parse(bytes: &'a [u8], limits: &Limits) -> Result<Self, CodecError> {
        if bytes.starts_with(&CODESTREAM) {
            return Ok(Self {
                parts: vec![bytes],
                ..Self::default()
            });
        }
        let mut rest = bytes
            .strip_prefix(SIGNATURE)
            .ok_or_else(|| CodecError::corrupt("its JPEG XL signature is damaged"))?;
        let mut this = Self::default();
        let (mut whole, mut next_part) = (false, 0u32);
        let mut boxes = 0;
        while let Some((kind, payload, behind)) = next_box(rest) {
            rest = behind;
            boxes += 1;
            if boxes > limits.container_items_max {
                return Err(CodecError::limit(
                    "the number of boxes in the JPEG XL file",
                    boxes as u64,
                    limits.container_items_max as u64,
                ));
            }
            match &kind {
                b"jxlc" if !whole && next_part == 0 => {
                    whole = true;
                    this.parts.push(payload);
                }
                b"jxlp" if !whole => {
                    let Some((index, part)) = payload.split_first_chunk::<4>() else {
                        return Err(CodecError::corrupt("a part of its JPEG XL data is cut"));
                    };
                    // The highest bit marks the last part.
                    let index = u32::from_be_bytes(*index);
                    if index & 0x7fff_ffff != next_part {
                        return Err(CodecError::corrupt("the parts of its JPEG XL data are out of order"));
                    }
                    next_part += 1;
                    whole = index >> 31 == 1;
                    this.parts.push(part);
                }
                b"jxlc" | b"jxlp" => return Err(CodecError::corrupt("it holds more than one JPEG XL picture")),
                _ => this.metadata_box(kind, payload),
            }
        }
        if this.parts.is_empty() {
            return Err(CodecError::corrupt("it holds no JPEG XL picture"));
        }
        Ok(this)
    }

    /// Keeps the first block of each kind.
    fn metadata_box(&mut self, kind: [u8; 4], payload: &'a [u8]) {
        let (kind, block) = if kind == *b"brob" {
            let Some((inner, packed)) = payload.split_first_chunk::<4>() else {
                return;
            };
            (*inner, Block::Packed(packed))
        } else {
            (kind, Block::Plain(payload))
        };
        match &kind {
            b"Exif" => self.exif = self.exif.or(Some(block)),
            b"xml " => self.xmp = self.xmp.or(Some(block)),
            _ => {}
        }
    }

    /// The first bytes of the codestream, at most `count`.
    pub(super) fn first_bytes(&self, count: usize) -> Cow<'a, [u8]> {
        if let [only] = self.parts.as_slice() {
            return Cow::Borrowed(only.get(..count).unwrap_or(only));
        }
        let mut head = Vec::new();
        for part in &self.parts {
            let wanted = count.saturating_sub(head.len()).min(part.len());
            head.extend_from_slice(part.get(..wanted).unwrap_or_default());
        }
        Cow::Owned(head)
    }

    /// Bytes of the codestream.
    pub(super) fn length(&self) -> u64 {
        self.parts.iter().map(|part| part.len() as u64).sum()
    }

    /// EXIF, a TIFF structure: the box begins with the offset of its header (18181-2, annex A.3). A block that is too
    /// large or damaged is treated as absent.
    pub(super) fn exif(&self, limits: &Limits) -> Option<Vec<u8>> {
        let data = self.exif?.unpacked(limits)?;
        let (offset, rest) = data.split_first_chunk::<4>()?;
        let tiff = exif_payload(rest.get(usize::try_from(u32::from_be_bytes(*offset)).ok()?..)?);
        (!tiff.is_empty()).then(|| tiff.to_vec())
    }

    /// XMP, with the same leniency.
    pub(super) fn xmp(&self, limits: &Limits) -> Option<Vec<u8>> {
        let data = self.xmp?.unpacked(limits)?;
        (!data.is_empty()).then(|| data.into_owned())
    }
}

impl<'a> Block<'a> {
    fn unpacked(self, limits: &Limits) -> Option<Cow<'a, [u8]>> {
        let max = limits.metadata_bytes_max;
        let packed = match self {
            Self::Plain(data) => return (data.len() <= max).then_some(Cow::Borrowed(data)),
            Self::Packed(packed) => packed,
        };
        let mut writer = DecompressorWriter::new(Bounded { data: Vec::new(), max }, 4096);
        writer.write_all(packed).ok()?;
        writer.close().ok()?;
        Some(Cow::Owned(writer.into_inner().ok()?.data))
    }
}

/// A buffer that refuses to grow above `max`.
struct Bounded {
    data: Vec<u8>,
    max: usize,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.max.saturating_sub(self.data.len()) {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        self.data.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The next box: its type, its payload as far as it is there, and what follows. `None` where no whole box header is
/// left.
fn next_box(bytes: &[u8]) -> Option<([u8; 4], &[u8], &[u8])> {
    let (size, rest) = bytes.split_first_chunk::<4>()?;
    let (kind, rest) = rest.split_first_chunk::<4>()?;
    let (length, rest) = match u32::from_be_bytes(*size) {
        // Up to the end of the file.
        0 => (u64::MAX, rest),
        1 => {
            let (wide, rest) = rest.split_first_chunk::<8>()?;
            (u64::from_be_bytes(*wide).checked_sub(16)?, rest)
        }
        size => (u64::from(size).checked_sub(8)?, rest),
    };
    let length = usize::try_from(length).unwrap_or(usize::MAX).min(rest.len());
    let (payload, behind) = rest.split_at_checked(length)?;
    Some((*kind, payload, behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: &[u8; 4], payload: &[u8]) -> Vec<u8> {
        let size = u32::try_from(payload.len() + 8).unwrap();
        [&size.to_be_bytes()[..], kind, payload].concat()
    }

    fn file(boxes: &[Vec<u8>]) -> Vec<u8> {
        [SIGNATURE, &boxes.concat()].concat()
    }

    #[test]
    fn parts_are_joined_in_order_and_nothing_may_be_missing() {
        let limits = Limits::default();
        let part = |index: u32, data: &[u8]| boxed(b"jxlp", &[&index.to_be_bytes()[..], data].concat());
        let bytes = file(&[
            boxed(b"ftyp", b"jxl \0\0\0\0jxl "),
            part(0, b"\xff"),
            boxed(b"xml ", b"<x/>"),
            part(1 | 1 << 31, b"\x0aabc"),
        ]);
        let container = Container::parse(&bytes, &limits).unwrap();
        assert_eq!(container.first_bytes(3).as_ref(), b"\xff\x0aa");
        assert_eq!(
            (container.length(), container.xmp(&limits)),
            (5, Some(b"<x/>".to_vec()))
        );
        for wrong in [
            file(&[part(1, b"\xff\x0a")]),
            file(&[part(0, b"\xff\x0a"), part(2, b"a")]),
            file(&[part(1 << 31, b"\xff\x0a"), part(1, b"a")]),
            file(&[boxed(b"jxlc", b"\xff\x0a"), boxed(b"jxlc", b"\xff\x0a")]),
            file(&[boxed(b"jxlp", b"\0\0\0")]),
            file(&[]),
        ] {
            assert!(Container::parse(&wrong, &limits).is_err(), "{wrong:?}");
        }
        let few = Limits {
            container_items_max: 3,
            ..limits
        };
        assert!(matches!(
            Container::parse(&bytes, &few),
            Err(CodecError::Limit { value: 4, max: 3, .. })
        ));
    }

    #[test]
    fn packed_metadata_is_unpacked_up_to_the_limit() {
        // `python3 -c 'import brotli; print(brotli.compress(b"a" * 100000).hex())'`
        let packed = [
            0x5b, 0x9f, 0x86, 0x81, 0x5f, 0x22, 0x2c, 0x1e, 0x0b, 0x04, 0xb2, 0xfc, 0x02, 0x00,
        ];
        let bytes = file(&[
            boxed(b"jxlc", b"\xff\x0a"),
            boxed(b"brob", &[&b"xml "[..], &packed].concat()),
        ]);
        let container = Container::parse(&bytes, &Limits::default()).unwrap();
        assert!(container.xmp(&Limits::default()) == Some(vec![b'a'; 100_000]));
        let tight = Limits {
            metadata_bytes_max: 99_999,
            ..Limits::default()
        };
        assert_eq!(container.xmp(&tight), None);
        let cut = file(&[boxed(b"jxlc", b"\xff\x0a"), boxed(b"brob", b"xml \x5b\x9f")]);
        assert_eq!(Container::parse(&cut, &tight).unwrap().xmp(&tight), None);
    }

    #[test]
    fn exif_begins_where_its_offset_says() {
        let limits = Limits::default();
        let exif = |payload: &[u8]| {
            let bytes = file(&[boxed(b"jxlc", b"\xff\x0a"), boxed(b"Exif", payload)]);
            Container::parse(&bytes, &limits).unwrap().exif(&limits)
        };
        assert_eq!(exif(b"\0\0\0\0MM\0*"), Some(b"MM\0*".to_vec()));
        assert_eq!(exif(b"\0\0\0\x02??MM\0*"), Some(b"MM\0*".to_vec()));
        assert_eq!(exif(b"\0\0\0\0Exif\0\0MM\0*"), Some(b"MM\0*".to_vec()));
        assert_eq!(
            (exif(b"\0\0\0\x09MM"), exif(b"\0\0"), exif(b"\0\0\0\0")),
            (None, None, None)
        );
    }
}
