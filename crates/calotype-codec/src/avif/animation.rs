//! AVIF image sequences to frames.

use calotype_plan::{Limits, Size};

use super::container::Nclx;
use super::decode::{color_source, decode, decoder_bytes};
use super::movie::{Movie, Track};
use super::rav1d::{self, Sequence, Stream};
use super::still::Still;
use super::yuv::{self, Converter};
use crate::animation::{Animation, Frame, FrameSource, Still as OneFrame};
use crate::{Budget, CodecError, DecodeRequest, Decoded, Header, Layout, Picture, Reservation, SourceMetadata};

/// Pictures that a decoder keeps for later ones to refer to (AV1, section 7.20), and the one that it gives.
const PICTURES_KEPT: u64 = 9;

/// Begins to decode all frames. A file that is no image sequence has one.
///
/// A file that is cut plays the frames that are whole. At a frame that is damaged the animation ends, unless it is the first,
/// which is an error.
pub(crate) fn decode_animation<'a>(
    bytes: &'a [u8],
    header: &Header,
    limits: &Limits,
    budget: &Budget,
) -> Result<Animation<'a>, CodecError> {
    let Some(movie) = Movie::parse(bytes, limits) else {
        return decode(bytes, header, &DecodeRequest::default(), limits, budget).map(OneFrame::animation);
    };
    let metadata = metadata(&movie, bytes, limits);
    let loops = movie.loops;
    let frames = Frames::open(movie, header, budget)?;
    let color = color_source(metadata.icc.clone(), frames.cicp);
    Ok(Animation::new(loops, color, metadata, frames))
}

/// Decodes the first frame.
pub(super) fn first(
    movie: Movie<'_>,
    bytes: &[u8],
    header: &Header,
    limits: &Limits,
    budget: &Budget,
) -> Result<Decoded, CodecError> {
    let metadata = metadata(&movie, bytes, limits);
    let mut frames = Frames::open(movie, header, budget)?;
    let color = color_source(metadata.icc.clone(), frames.cicp);
    Ok(Decoded {
        picture: frames.picture()?,
        scale: 1,
        color,
        metadata,
    })
}

/// What the file says beside its frames: the tracks have the profile, the still picture EXIF and XMP.
fn metadata(movie: &Movie<'_>, bytes: &[u8], limits: &Limits) -> SourceMetadata {
    let (exif, xmp) = Still::parse(bytes, limits).map_or((None, None), |still| still.metadata(limits));
    SourceMetadata {
        exif,
        xmp,
        iptc: None,
        icc: movie.color.icc.map(<[u8]>::to_vec),
    }
}

struct Frames<'a> {
    movie: Movie<'a>,
    size: Size,
    color: Planes,
    alpha: Option<Planes>,
    /// Code points of the container, or of the first picture.
    cicp: Nclx,
    /// The next frame.
    index: usize,
    budget: Budget,
}

impl<'a> Frames<'a> {
    fn open(movie: Movie<'a>, header: &Header, budget: &Budget) -> Result<Self, CodecError> {
        if movie.color.size != header.size {
            return Err(CodecError::corrupt("the AVIF size changed after it was read"));
        }
        let color = Planes::open(&movie.color, budget)?;
        Ok(Self {
            size: header.size,
            cicp: movie.color.nclx.unwrap_or(color.sequence.cicp),
            alpha: movie
                .alpha
                .as_ref()
                .map(|track| Planes::open(track, budget))
                .transpose()?,
            color,
            movie,
            index: 0,
            budget: budget.clone(),
        })
    }

    /// Decodes the next frame.
    fn picture(&mut self) -> Result<Picture, CodecError> {
        let layout = if self.alpha.is_some() {
            Layout::Rgba
        } else {
            Layout::Rgb
        };
        let mut picture = Picture::new(self.size, layout, [0; 4], &self.budget)?;
        let frame = self.color.next(&self.movie.color, self.index)?;
        let converter = Converter::new(self.cicp, frame.depth, frame.sampling)?;
        yuv::write_color(&frame, &converter, &mut picture, 0, 0);
        if let (Some(planes), Some(track)) = (&mut self.alpha, &self.movie.alpha) {
            let frame = planes.next(track, self.index)?;
            yuv::write_alpha(&frame, planes.sequence.cicp.full_range, &mut picture, 0, 0);
            if self.movie.is_premultiplied {
                yuv::unpremultiply(&mut picture);
            }
        }
        Ok(picture)
    }
}

impl FrameSource for Frames<'_> {
    fn next_frame(&mut self) -> Result<Option<Frame>, CodecError> {
        if self.index >= self.movie.color.samples.len() {
            return Ok(None);
        }
        match self.picture() {
            Err(CodecError::Corrupt { .. }) if self.index > 0 => Ok(None),
            picture => {
                let duration = self.movie.color.duration(self.index);
                self.index += 1;
                picture.map(|picture| Some(Frame { picture, duration }))
            }
        }
    }
}

/// The decoder of one track.
struct Planes {
    stream: Stream,
    sequence: Sequence,
    _held: Reservation,
}

impl Planes {
    fn open(track: &Track<'_>, budget: &Budget) -> Result<Self, CodecError> {
        let first = track
            .samples
            .first()
            .ok_or_else(|| CodecError::corrupt("the AVIF file holds no picture"))?;
        let sequence = rav1d::sequence(first)?;
        let copies = PICTURES_KEPT + u64::from(sequence.has_grain);
        // A sample is copied while it is decoded.
        let sample = track
            .samples
            .iter()
            .map(|sample| sample.len())
            .max()
            .unwrap_or_default();
        let bytes = decoder_bytes(&sequence, track.size, copies).saturating_add(sample as u64);
        Ok(Self {
            _held: budget.reserve(bytes)?,
            stream: Stream::open(track.size, 0, None)?,
            sequence,
        })
    }

    fn next(&mut self, track: &Track<'_>, index: usize) -> Result<rav1d::Frame, CodecError> {
        let sample = track
            .samples
            .get(index)
            .ok_or_else(|| CodecError::corrupt("the AVIF file ends too early"))?;
        let frame = self.stream.next(sample)?;
        // The charge was for the planes that the first sequence header names.
        if (frame.depth, frame.sampling) != (self.sequence.depth, self.sequence.sampling) {
            return Err(CodecError::corrupt(
                "the AVIF picture does not have the planes its header says",
            ));
        }
        Ok(frame)
    }
}
