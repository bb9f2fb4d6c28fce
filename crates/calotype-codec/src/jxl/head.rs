//! What stands before the first frame of a codestream (ISO/IEC 18181-1, annex D).

use std::panic::{AssertUnwindSafe, catch_unwind};

use calotype_plan::Limits;
use jxl_bitstream::Bitstream;
use jxl_oxide::image::ImageHeader;
use jxl_oxide_common::Bundle;

use super::container::Container;
use super::frames::damaged;
use crate::CodecError;

/// Bytes that a header may have without its profile. Real ones have some dozens; names of extra channels add to it.
const HEADER_BYTES_MAX: usize = 64 << 10;

/// The header and the profile.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) header: ImageHeader,
    /// The ICC profile, if the colour encoding is one.
    pub(super) icc: Option<Vec<u8>>,
    /// Bytes of the codestream up to here; a preview or the first frame follows.
    pub(super) length: usize,
}

impl Head {
    /// Reads header and profile. A profile over the limit on metadata is an error and not passed over, because without
    /// it nobody knows the colours, and the frames cannot be reached.
    pub(super) fn read(container: &Container<'_>, limits: &Limits) -> Result<Self, CodecError> {
        // A compressed profile is about as long as the profile; the decoder's tables come on top.
        let bytes = container.first_bytes(HEADER_BYTES_MAX.saturating_add(limits.metadata_bytes_max.saturating_mul(2)));
        catch_unwind(AssertUnwindSafe(|| read(&bytes, limits))).unwrap_or_else(|_| Err(damaged()))
    }
}

fn read(bytes: &[u8], limits: &Limits) -> Result<Head, CodecError> {
    let cut = || CodecError::corrupt("its JPEG XL header is cut or damaged");
    let mut stream = Bitstream::new(bytes);
    let header = ImageHeader::parse(&mut stream, ()).map_err(|_| cut())?;
    let icc = if header.metadata.colour_encoding.want_icc() {
        // The length comes first; the library would allow 256 MiB.
        let length = stream.clone().read_u64().map_err(|_| cut())?;
        if length > limits.metadata_bytes_max as u64 {
            return Err(CodecError::limit(
                "the ICC profile of the image, in bytes,",
                length,
                limits.metadata_bytes_max as u64,
            ));
        }
        let packed = jxl_color::icc::read_icc(&mut stream).map_err(|_| cut())?;
        Some(jxl_color::icc::decode_icc(&packed).map_err(|_| cut())?)
    } else {
        None
    };
    stream.zero_pad_to_byte().map_err(|_| cut())?;
    Ok(Head {
        header,
        icc,
        length: stream.num_read_bits() / 8,
    })
}
