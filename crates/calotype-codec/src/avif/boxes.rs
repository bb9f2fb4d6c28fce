//! Reading ISO base media boxes (ISO/IEC 14496-12, section 4.2) from a slice. Nothing is copied, and no length is believed.

use crate::CodecError;

/// Reads big-endian fields one after another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// All that has not been read.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Result<&'a [u8], CodecError> {
        let (head, rest) = self.rest.split_at_checked(count).ok_or_else(cut)?;
        self.rest = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or_else(cut)?;
        self.rest = rest;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, CodecError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, CodecError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, CodecError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, CodecError> {
        self.array().map(u64::from_be_bytes)
    }

    /// A field of 0, 4 or 8 bytes; one of 0 bytes is 0.
    pub(crate) fn sized(&mut self, bytes: u8) -> Result<u64, CodecError> {
        match bytes {
            0 => Ok(0),
            4 => self.u32().map(u64::from),
            8 => self.u64(),
            _ => Err(CodecError::corrupt("a box has fields of an impossible length")),
        }
    }

    /// An identifier of 2 or 4 bytes.
    pub(crate) fn id(&mut self, wide: bool) -> Result<u32, CodecError> {
        if wide { self.u32() } else { self.u16().map(u32::from) }
    }

    pub(crate) fn four(&mut self) -> Result<[u8; 4], CodecError> {
        self.array()
    }

    /// Version and flags at the start of a full box.
    pub(crate) fn version(&mut self) -> Result<(u8, u32), CodecError> {
        let [version, a, b, c] = self.array()?;
        Ok((version, u32::from_be_bytes([0, a, b, c])))
    }

    /// Text up to a zero byte, or to the end.
    pub(crate) fn text(&mut self) -> &'a [u8] {
        let length = self.rest.iter().position(|&byte| byte == 0).unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, &[]));
        self.rest = rest.get(1..).unwrap_or_default();
        text
    }

    /// The next box: its type and its payload. `None` at the end.
    pub(crate) fn next_box(&mut self) -> Result<Option<([u8; 4], Reader<'a>)>, CodecError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let whole = self.rest;
        let size = u64::from(self.u32()?);
        let kind = self.four()?;
        let size = match size {
            // To the end of the file.
            0 => whole.len() as u64,
            1 => self.u64()?,
            size => size,
        };
        let head = whole.len().saturating_sub(self.rest.len());
        let payload = usize::try_from(size)
            .ok()
            .and_then(|size| size.checked_sub(head))
            .ok_or_else(cut)?;
        Ok(Some((kind, Self::new(self.bytes(payload)?))))
    }
}

pub(crate) fn cut() -> CodecError {
    CodecError::corrupt("the file ends too early")
}
