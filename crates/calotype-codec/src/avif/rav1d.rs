//! The calls into re_rav1d, whose interface is that of dav1d in C, each behind a safe function. Nothing else in the crate touches `re_rav1d`.
//!
//! A panic inside the decoder cannot be caught: its functions are `extern "C"`, so it ends the process. That is what worker processes are for.

use std::io;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use calotype_plan::Size;
use re_rav1d::Dav1dResult;
use re_rav1d::include::dav1d::data::Dav1dData;
use re_rav1d::include::dav1d::dav1d::{Dav1dContext, Dav1dLogger, Dav1dSettings};
use re_rav1d::include::dav1d::headers::{
    DAV1D_PIXEL_LAYOUT_I400, DAV1D_PIXEL_LAYOUT_I420, DAV1D_PIXEL_LAYOUT_I422, DAV1D_PIXEL_LAYOUT_I444,
    Dav1dPixelLayout, Dav1dSequenceHeader,
};
use re_rav1d::include::dav1d::picture::Dav1dPicture;
use re_rav1d::src::lib as dav1d;

use super::container::Nclx;
use crate::CodecError;

/// Pictures that a bitstream may give before the wanted layer: AV1 has 4 spatial layers.
const PICTURES_MAX: usize = 8;

/// How chroma planes lie to the luma plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sampling {
    /// There are none.
    Monochrome,
    /// Halved both ways.
    Half,
    /// Halved horizontally.
    HalfWidth,
    /// Of full size.
    Full,
}

impl Sampling {
    fn new(layout: Dav1dPixelLayout) -> Option<Self> {
        match layout {
            DAV1D_PIXEL_LAYOUT_I400 => Some(Self::Monochrome),
            DAV1D_PIXEL_LAYOUT_I420 => Some(Self::Half),
            DAV1D_PIXEL_LAYOUT_I422 => Some(Self::HalfWidth),
            DAV1D_PIXEL_LAYOUT_I444 => Some(Self::Full),
            _ => None,
        }
    }

    /// The size of a chroma plane beside a luma plane of `luma`.
    pub(super) fn chroma(self, luma: Size) -> Size {
        match self {
            Self::Monochrome => Size::new(0, 0),
            Self::Half => Size::new(luma.width.div_ceil(2), luma.height.div_ceil(2)),
            Self::HalfWidth => Size::new(luma.width.div_ceil(2), luma.height),
            Self::Full => luma,
        }
    }
}

/// The sequence header of a bitstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sequence {
    /// 0 main, 1 high, 2 professional.
    pub(super) profile: u8,
    /// `seq_level_idx` of the first operating point (AV1, annex A.3).
    pub(super) level: u8,
    /// `seq_tier` of the first operating point.
    pub(super) tier: u8,
    /// Bits of a sample.
    pub(super) depth: u8,
    /// The planes.
    pub(super) sampling: Sampling,
    /// Whether grain may be added, which takes a second copy of the planes.
    pub(super) has_grain: bool,
    /// The colours.
    pub(super) cicp: Nclx,
}

/// Reads the sequence header of a bitstream.
pub(super) fn sequence(data: &[u8]) -> Result<Sequence, CodecError> {
    let broken = || CodecError::corrupt("the AVIF picture data has no valid header");
    if data.is_empty() {
        return Err(broken());
    }
    let mut header = MaybeUninit::<Dav1dSequenceHeader>::uninit();
    // SAFETY: data is a live slice that the call only reads; the header is written whole when the call succeeds, and read only then.
    let header = unsafe {
        let result = dav1d::dav1d_parse_sequence_header(
            NonNull::new(header.as_mut_ptr()),
            NonNull::new(data.as_ptr().cast_mut()),
            data.len(),
        );
        if result.0 != 0 {
            return Err(broken());
        }
        header.assume_init()
    };
    let point = header.operating_points.first().ok_or_else(broken)?;
    let code = |code: u32| u16::try_from(code).unwrap_or(2);
    Ok(Sequence {
        profile: header.profile,
        level: point
            .major_level
            .saturating_sub(2)
            .saturating_mul(4)
            .saturating_add(point.minor_level)
            .min(31),
        tier: point.tier,
        depth: depth_of(header.hbd),
        sampling: Sampling::new(header.layout).ok_or_else(broken)?,
        has_grain: header.film_grain_present != 0,
        cicp: Nclx {
            primaries: code(header.pri),
            transfer: code(header.trc),
            matrix: code(header.mtrx),
            full_range: header.color_range != 0,
        },
    })
}

fn depth_of(high_bit_depth: u8) -> u8 {
    match high_bit_depth {
        0 => 8,
        1 => 10,
        _ => 12,
    }
}

/// A decoder; closed when dropped.
struct Decoder(Option<Dav1dContext>);

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: the context came from dav1d_open and is closed once: the call takes it out of the option.
        unsafe { dav1d::dav1d_close(Some(NonNull::from(&mut self.0))) }
    }
}

/// Bytes on their way into a decoder; given back when dropped.
struct Input(Dav1dData);

impl Drop for Input {
    fn drop(&mut self) {
        // SAFETY: the data came from dav1d_data_create, or was emptied by dav1d_send_data; both may be unreferenced.
        unsafe { dav1d::dav1d_data_unref(Some(NonNull::from(&mut self.0))) }
    }
}

/// Decoded planes; given back when dropped.
pub(super) struct Frame {
    picture: Dav1dPicture,
    /// Size of the luma plane.
    pub(super) size: Size,
    /// Bits of a sample: 8, 10 or 12.
    pub(super) depth: u8,
    /// The planes.
    pub(super) sampling: Sampling,
}

impl Drop for Frame {
    fn drop(&mut self) {
        // SAFETY: the picture came from dav1d_get_picture and is unreferenced once.
        unsafe { dav1d::dav1d_picture_unref(Some(NonNull::from(&mut self.picture))) }
        // In 0.1.3 the call leaves an empty picture behind whose list of ITU-T T.35 messages is counted anew, and nobody gives that one back.
        if let Some(messages) = self.picture.itut_t35_ref.take() {
            // SAFETY: the pointer was made by `RawArc::from_arc` in the call above, and is taken once.
            drop(unsafe { messages.into_arc() });
        }
    }
}

/// Decodes one picture of exactly `size`, on this thread alone. `layer` names a spatial layer; the highest of the operating point otherwise.
pub(super) fn decode(data: &[u8], size: Size, operating_point: u8, layer: Option<u8>) -> Result<Frame, CodecError> {
    let mut stream = Stream::open(size, operating_point, layer)?;
    stream.feed(data, true)
}

/// A decoder that is fed picture by picture, on this thread alone, and keeps what later ones refer to.
pub(super) struct Stream {
    decoder: Decoder,
    size: Size,
    layer: Option<u8>,
}

impl Stream {
    /// A decoder for pictures of exactly `size`.
    pub(super) fn open(size: Size, operating_point: u8, layer: Option<u8>) -> Result<Self, CodecError> {
        let pixels = u32::try_from(size.area()).map_err(|_| CodecError::unsupported("an AVIF picture of this size"))?;
        Ok(Self {
            decoder: open(pixels, operating_point, layer.is_some())?,
            size,
            layer,
        })
    }

    /// The picture that the next temporal unit of the bitstream shows.
    pub(super) fn next(&mut self, data: &[u8]) -> Result<Frame, CodecError> {
        self.feed(data, false)
    }

    /// Takes bytes in and gives the picture that they show: the first, and the rest is left, or the last.
    fn feed(&mut self, data: &[u8], takes_first: bool) -> Result<Frame, CodecError> {
        if data.is_empty() {
            return Err(broken());
        }
        let mut input = Input(Dav1dData::default());
        // SAFETY: the data is empty and may be written; the buffer that is given has the length asked for, and is filled before anything reads it.
        unsafe {
            let buffer = dav1d::dav1d_data_create(Some(NonNull::from(&mut input.0)), data.len());
            if buffer.is_null() {
                return Err(CodecError::unsupported("an AVIF picture that needs this much memory"));
            }
            buffer.copy_from_nonoverlapping(data.as_ptr(), data.len());
        }
        let mut idle = 0;
        let mut pictures = 0;
        let mut shown = None;
        // Every turn takes bytes in, gives a picture out, or counts as idle, and two idle turns end it: one for what is decoded, one to drain.
        while idle < 2 && pictures < PICTURES_MAX {
            let before = input.0.sz;
            if before > 0 {
                // SAFETY: the context is open, the data is valid; what the call does not consume stays in it.
                let result = unsafe { dav1d::dav1d_send_data(self.decoder.0, Some(NonNull::from(&mut input.0))) };
                if result.0 != 0 && !is_again(&result) {
                    return Err(broken());
                }
            }
            let mut picture = Dav1dPicture::default();
            // SAFETY: the context is open and the picture may be written.
            let result = unsafe { dav1d::dav1d_get_picture(self.decoder.0, Some(NonNull::from(&mut picture))) };
            match result.0 {
                0 => {
                    pictures += 1;
                    let frame = frame(picture)?;
                    if self.layer.is_none_or(|layer| frame.layer() == layer) {
                        shown = Some(frame);
                        if takes_first {
                            break;
                        }
                    }
                }
                _ if is_again(&result) => idle += usize::from(input.0.sz == before),
                _ => return Err(broken()),
            }
        }
        match shown {
            Some(frame) if frame.size == self.size => Ok(frame),
            Some(_) => Err(wrong_size()),
            None => Err(broken()),
        }
    }
}

fn open(pixels_max: u32, operating_point: u8, all_layers: bool) -> Result<Decoder, CodecError> {
    let mut settings = MaybeUninit::<Dav1dSettings>::uninit();
    // SAFETY: the call writes the settings whole.
    let mut settings = unsafe {
        dav1d::dav1d_default_settings(NonNull::from(&mut settings).cast());
        settings.assume_init()
    };
    settings.n_threads = 1;
    settings.max_frame_delay = 1;
    settings.all_layers = i32::from(all_layers);
    settings.operating_point = i32::from(operating_point);
    settings.frame_size_limit = pixels_max;
    // SAFETY: no callback, so nothing is ever called: a library must not write to the standard streams.
    settings.logger = unsafe { Dav1dLogger::new(None, None) };
    let mut context = None;
    // SAFETY: both pointers are to live values; the settings are copied.
    let result = unsafe { dav1d::dav1d_open(Some(NonNull::from(&mut context)), Some(NonNull::from(&mut settings))) };
    if result.0 == 0 && context.is_some() {
        Ok(Decoder(context))
    } else {
        Err(CodecError::unsupported("this kind of AVIF picture"))
    }
}

fn frame(picture: Dav1dPicture) -> Result<Frame, CodecError> {
    let mut frame = Frame {
        picture,
        size: Size::new(0, 0),
        depth: 8,
        sampling: Sampling::Monochrome,
    };
    let p = &frame.picture.p;
    let facts = (
        u32::try_from(p.w),
        u32::try_from(p.h),
        u8::try_from(p.bpc),
        Sampling::new(p.layout),
    );
    let (Ok(width), Ok(height), Ok(depth @ (8 | 10 | 12)), Some(sampling)) = facts else {
        return Err(broken());
    };
    (frame.size, frame.depth, frame.sampling) = (Size::new(width, height), depth, sampling);
    Ok(frame)
}

impl Frame {
    /// The spatial layer that this picture is.
    fn layer(&self) -> u8 {
        // SAFETY: the header belongs to the picture and lives as long.
        self.picture
            .frame_hdr
            .map_or(0, |header| unsafe { header.as_ref() }.spatial_id)
    }

    /// A row of a plane (0 luma, 1 and 2 chroma) of an 8-bit picture; empty outside of it.
    pub(super) fn row8(&self, plane: usize, y: u32) -> &[u8] {
        if self.depth == 8 { self.row(plane, y) } else { &[] }
    }

    /// A row of a plane of a picture of 10 or 12 bits; empty outside of it.
    pub(super) fn row16(&self, plane: usize, y: u32) -> &[u16] {
        if self.depth > 8 { self.row(plane, y) } else { &[] }
    }

    fn row<T>(&self, plane: usize, y: u32) -> &[T] {
        let size = if plane == 0 {
            self.size
        } else {
            self.sampling.chroma(self.size)
        };
        let start = self.picture.data.get(plane).copied().flatten();
        let stride = self.picture.stride.get(plane.min(1)).copied();
        let (Some(start), Some(stride)) = (start, stride) else {
            return &[];
        };
        let offset = isize::try_from(y).ok().and_then(|y| y.checked_mul(stride));
        let (Some(offset), Ok(width), true) = (offset, usize::try_from(size.width), y < size.height) else {
            return &[];
        };
        // SAFETY: the decoder allocated the plane with `stride` bytes for each of its rows, of which the first `width` samples are initialised; samples
        // are of one byte at 8 bits and of two above, which the two callers check; planes are aligned to 64 bytes and strides are even. The borrow
        // of self keeps the plane alive, and the decoder does not write to a picture that it has given out.
        unsafe { std::slice::from_raw_parts(start.cast::<u8>().offset(offset).cast::<T>().as_ptr(), width) }
    }
}

fn is_again(result: &Dav1dResult) -> bool {
    io::Error::from_raw_os_error(result.0.saturating_neg()).kind() == io::ErrorKind::WouldBlock
}

fn broken() -> CodecError {
    CodecError::corrupt("the AVIF picture data is broken")
}

fn wrong_size() -> CodecError {
    CodecError::corrupt("the AVIF picture does not have the size its header says")
}
