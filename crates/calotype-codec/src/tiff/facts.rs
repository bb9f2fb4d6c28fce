//! What a directory says about its picture.

use calotype_plan::{Orientation, Size};

use super::ifd::{Directory, Numbers};
use super::jpeg;
use crate::CodecError;

/// Tags (TIFF 6.0 and its supplements).
pub(super) mod tag {
    pub(in crate::tiff) const WIDTH: u16 = 256;
    pub(in crate::tiff) const LENGTH: u16 = 257;
    pub(in crate::tiff) const BITS: u16 = 258;
    pub(in crate::tiff) const COMPRESSION: u16 = 259;
    pub(in crate::tiff) const PHOTOMETRIC: u16 = 262;
    pub(in crate::tiff) const FILL_ORDER: u16 = 266;
    pub(in crate::tiff) const STRIP_OFFSETS: u16 = 273;
    pub(in crate::tiff) const ORIENTATION: u16 = 274;
    pub(in crate::tiff) const SAMPLES: u16 = 277;
    pub(in crate::tiff) const ROWS_PER_STRIP: u16 = 278;
    pub(in crate::tiff) const STRIP_BYTES: u16 = 279;
    pub(in crate::tiff) const PLANAR: u16 = 284;
    pub(in crate::tiff) const T4_OPTIONS: u16 = 292;
    pub(in crate::tiff) const PREDICTOR: u16 = 317;
    pub(in crate::tiff) const COLOR_MAP: u16 = 320;
    pub(in crate::tiff) const TILE_WIDTH: u16 = 322;
    pub(in crate::tiff) const TILE_LENGTH: u16 = 323;
    pub(in crate::tiff) const TILE_OFFSETS: u16 = 324;
    pub(in crate::tiff) const TILE_BYTES: u16 = 325;
    pub(in crate::tiff) const INK_SET: u16 = 332;
    pub(in crate::tiff) const EXTRA_SAMPLES: u16 = 338;
    pub(in crate::tiff) const SAMPLE_FORMAT: u16 = 339;
    pub(in crate::tiff) const JPEG_TABLES: u16 = 347;
    pub(in crate::tiff) const JPEG_INTERCHANGE: u16 = 513;
    pub(in crate::tiff) const JPEG_INTERCHANGE_BYTES: u16 = 514;
    pub(in crate::tiff) const JPEG_Q_TABLES: u16 = 519;
    pub(in crate::tiff) const JPEG_DC_TABLES: u16 = 520;
    pub(in crate::tiff) const JPEG_AC_TABLES: u16 = 521;
    pub(in crate::tiff) const YCBCR_COEFFICIENTS: u16 = 529;
    pub(in crate::tiff) const YCBCR_SUBSAMPLING: u16 = 530;
    pub(in crate::tiff) const REFERENCE_BLACK_WHITE: u16 = 532;
    pub(in crate::tiff) const XMP: u16 = 700;
    pub(in crate::tiff) const IPTC: u16 = 33_723;
    pub(in crate::tiff) const PHOTOSHOP: u16 = 34_377;
    pub(in crate::tiff) const EXIF: u16 = 34_665;
    pub(in crate::tiff) const ICC: u16 = 34_675;
    pub(in crate::tiff) const GPS: u16 = 34_853;
}

/// The number of JPEG compression as TIFF 6.0 had it.
pub(super) const OLD_JPEG: u16 = 6;

/// What the samples of a pixel mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colors {
    WhiteIsZero,
    BlackIsZero,
    Rgb,
    Palette,
    Cmyk,
    YCbCr,
    /// CIE L*a*b*; `offset` if a and b are stored with an offset as in ICC profiles, else they are signed.
    Lab {
        offset: bool,
    },
    /// A meaning that is not read here.
    Other(u16),
}

impl Colors {
    /// Samples of a pixel, without alpha and others.
    pub(super) const fn channels(self) -> u16 {
        match self {
            Self::WhiteIsZero | Self::BlackIsZero | Self::Palette | Self::Other(_) => 1,
            Self::Rgb | Self::YCbCr | Self::Lab { .. } => 3,
            Self::Cmyk => 4,
        }
    }
}

/// How a sample is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Unsigned,
    Signed,
    Float,
    Other,
}

/// A picture's alpha.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Alpha {
    /// Which sample of the pixel it is.
    pub(super) index: u16,
    /// Whether colours are multiplied by it already.
    pub(super) associated: bool,
}

/// The facts of a page.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub(super) directory: Directory<'a>,
    pub(super) size: Size,
    pub(super) orientation: Orientation,
    /// Bits of a sample; samples of different widths in one pixel give `None`.
    pub(super) bits: Option<u16>,
    /// Samples of a pixel, all of them.
    pub(super) samples: u16,
    pub(super) kind: Kind,
    pub(super) colors: Colors,
    pub(super) alpha: Option<Alpha>,
    pub(super) compression: u16,
    pub(super) predictor: u16,
    /// Whether each sample has a plane of its own.
    pub(super) planar: bool,
    /// Whether the bits of each byte are stored the other way round.
    pub(super) reversed: bool,
    pub(super) tiled: bool,
    /// The size of a strip or tile.
    pub(super) chunk: Size,
    pub(super) offsets: Option<Numbers<'a>>,
    pub(super) lengths: Option<Numbers<'a>>,
    /// Luma samples for each chroma sample, across and down.
    pub(super) subsampling: (u16, u16),
}

impl<'a> Facts<'a> {
    /// Reads what is needed for the header, and keeps the rest for the decoder to judge.
    ///
    /// # Errors
    /// [`CodecError::Corrupt`] if there is no size.
    pub(super) fn read(directory: Directory<'a>) -> Result<Self, CodecError> {
        let side = |tag| {
            directory
                .number(tag)
                .and_then(|v| u32::try_from(v).ok())
                .ok_or_else(|| CodecError::corrupt("its width or length is missing"))
        };
        let size = Size::new(side(tag::WIDTH)?, side(tag::LENGTH)?);
        let samples = directory.short(tag::SAMPLES).unwrap_or(1);
        let widths = directory.numbers(tag::BITS);
        let first = widths.map_or(Some(1), |w| w.get(0));
        // One width may stand for all; more widths than samples are there in the wild, and mean nothing.
        let same = widths
            .is_none_or(|widths| (1..u64::from(samples).min(widths.count())).all(|index| widths.get(index) == first));
        let bits = first.and_then(|v| u16::try_from(v).ok()).filter(|_| same);
        let kind = match directory.short(tag::SAMPLE_FORMAT).unwrap_or(1) {
            1 | 4 => Kind::Unsigned,
            2 => Kind::Signed,
            3 => Kind::Float,
            _ => Kind::Other,
        };
        let compression = directory.short(tag::COMPRESSION).unwrap_or(1);
        let colors = match directory.short(tag::PHOTOMETRIC) {
            Some(0) => Colors::WhiteIsZero,
            // A mask for another page is a black and white picture by itself.
            Some(1 | 4) => Colors::BlackIsZero,
            Some(2) => Colors::Rgb,
            Some(3) => Colors::Palette,
            Some(5) => Colors::Cmyk,
            Some(6) => Colors::YCbCr,
            Some(8) => Colors::Lab { offset: false },
            Some(9) => Colors::Lab { offset: true },
            Some(other) => Colors::Other(other),
            None if samples >= 3 => Colors::Rgb,
            // Pages of fax machines.
            None if matches!(compression, 2..=4 | 32_771) => Colors::WhiteIsZero,
            None => Colors::BlackIsZero,
        };
        let tiled = directory.numbers(tag::TILE_OFFSETS).is_some();
        let chunk_side = |tag| {
            directory
                .number(tag)
                .map_or(u32::MAX, |v| u32::try_from(v).unwrap_or(u32::MAX))
        };
        let chunk = if compression == OLD_JPEG && !tiled && jpeg::has_old_stream(&directory) {
            size
        } else if tiled {
            Size::new(chunk_side(tag::TILE_WIDTH), chunk_side(tag::TILE_LENGTH))
        } else {
            Size::new(size.width, chunk_side(tag::ROWS_PER_STRIP).min(size.height))
        };
        let subsampling = directory.numbers(tag::YCBCR_SUBSAMPLING).map_or((2, 2), |numbers| {
            let at = |index| numbers.get(index).and_then(|v| u16::try_from(v).ok()).unwrap_or(0);
            (at(0), at(1))
        });
        Ok(Self {
            size,
            orientation: directory
                .number(tag::ORIENTATION)
                .and_then(|v| u32::try_from(v).ok())
                .map_or(Orientation::Upright, Orientation::from_exif),
            bits,
            samples,
            kind,
            colors,
            alpha: alpha(&directory, samples, colors.channels()),
            compression,
            predictor: directory.short(tag::PREDICTOR).unwrap_or(1),
            planar: directory.short(tag::PLANAR) == Some(2) && samples > 1,
            reversed: directory.short(tag::FILL_ORDER) == Some(2),
            tiled,
            chunk,
            offsets: directory.numbers(if tiled { tag::TILE_OFFSETS } else { tag::STRIP_OFFSETS }),
            lengths: directory.numbers(if tiled { tag::TILE_BYTES } else { tag::STRIP_BYTES }),
            subsampling,
            directory,
        })
    }
}

/// Which extra sample is alpha. One extra sample of which nothing is said is alpha too, as the references have it.
fn alpha(directory: &Directory<'_>, samples: u16, channels: u16) -> Option<Alpha> {
    let extra = samples.checked_sub(channels).filter(|&n| n > 0)?;
    let Some(meanings) = directory.numbers(tag::EXTRA_SAMPLES) else {
        return (extra == 1 && channels != 4).then_some(Alpha {
            index: channels,
            associated: false,
        });
    };
    (0..extra).find_map(|at| match meanings.get(at.into())? {
        meaning @ (1 | 2) => Some(Alpha {
            index: channels + at,
            associated: meaning == 1,
        }),
        _ => None,
    })
}
