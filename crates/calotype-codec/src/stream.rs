//! The rows of a source as it stores them, one after the other, for pictures that are wanted smaller: nothing of full
//! size is ever in memory (docs/design/streaming.md).

use calotype_plan::{ImageFormat, Limits, Size};

use crate::color::CmykToSrgb;
use crate::{Budget, CodecError, ColorSource, DecodeRequest, Header, Layout, Picture, SourceMetadata};
use crate::{avif, jpeg, png, webp};

/// What the planes of a stream hold, 8 bits a sample or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Samples {
    /// One plane of grey.
    Gray,
    /// Y, Cb and Cr: BT.601, full range.
    Ycc,
    /// Y, Cb and Cr: BT.601, limited range.
    YccLimited,
    /// Y, Cb and Cr by the matrix and range of [`Streamed::join`].
    Yuv,
    /// Red, green and blue, a plane each.
    RgbPlanes,
    /// Four planes that [`Streamed::join`] makes colours of.
    Inks,
    /// One plane, interleaved.
    Rgb,
    /// One plane, interleaved, alpha last and not multiplied in.
    Rgba,
}

impl Samples {
    /// Samples that lie side by side in a plane.
    #[must_use]
    pub const fn channels(self) -> usize {
        match self {
            Self::Rgb => 3,
            Self::Rgba => 4,
            _ => 1,
        }
    }
}

/// One plane of a stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StreamPlane {
    /// The rows that will come, and their length in pixels of the plane.
    pub size: Size,
    /// Pixels of the plane for one of the stored picture, across and down: 1/16 for chroma of 4:2:0 at 1/8. The plane
    /// starts where the picture starts, and its last column and row may reach beyond it.
    pub per_pixel: (f64, f64),
}

/// What will come.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamLayout {
    /// What the planes hold.
    pub samples: Samples,
    /// 1, 3 or 4 planes.
    pub planes: Vec<StreamPlane>,
    /// Whether rows come as [`Row::Deep`].
    pub is_deep: bool,
    /// Whether red, green and blue will need no conversion.
    pub is_srgb: bool,
}

/// A row of a plane.
#[derive(Debug, Clone, Copy)]
pub enum Row<'a> {
    /// 8 bits a sample.
    Eight(&'a [u8]),
    /// So many bits a sample, 9 to 16.
    Deep(&'a [u16], u8),
}

/// Who takes the rows.
pub trait RowSink {
    /// The first call. It may come again, when a decoder has to start anew: what came before then counts for nothing.
    ///
    /// # Errors
    /// Whatever stops the stream, such as [`CodecError::Limit`].
    fn begin(&mut self, layout: &StreamLayout) -> Result<(), CodecError>;

    /// The next row of a plane, top down. Planes take turns.
    ///
    /// # Errors
    /// Whatever stops the stream.
    fn row(&mut self, plane: usize, row: Row<'_>) -> Result<(), CodecError>;
}

/// What came with the rows.
#[derive(Debug)]
pub struct Streamed {
    /// How samples become sRGB once they are red, green and blue.
    pub color: ColorSource,
    /// Metadata of the file.
    pub metadata: SourceMetadata,
    pub(crate) joining: Joining,
}

/// How planes that are neither grey nor BT.601 become colours.
#[derive(Debug)]
pub(crate) enum Joining {
    /// Nothing has to be done that [`Samples`] does not say.
    Plain,
    /// Inverted inks: cyan, magenta, yellow, black; or Y, Cb, Cr and black.
    Inks { conversion: Box<CmykToSrgb>, is_ycck: bool },
    /// By a matrix of H.273.
    Yuv(avif::PlaneConverter),
}

impl Streamed {
    /// Makes a picture of planes of one size, the samples of a stream of kind `samples` after resampling.
    ///
    /// # Errors
    /// [`CodecError::Limit`] if the budget does not allow it.
    pub fn join(
        &self,
        samples: Samples,
        size: Size,
        planes: &[Vec<u8>],
        budget: &Budget,
    ) -> Result<Picture, CodecError> {
        let mut picture = Picture::new(size, Layout::Rgb, [0; 4], budget)?;
        let width = size.width as usize;
        let rows = |plane: usize| planes.get(plane).map_or(&[][..], Vec::as_slice).chunks_exact(width);
        match (&self.joining, samples) {
            (Joining::Inks { conversion, is_ycck }, _) => {
                let mut inks = vec![0u8; width * 4];
                let rows = rows(0).zip(rows(1)).zip(rows(2)).zip(rows(3));
                for (out, (((a, b), c), d)) in picture.rows_mut().zip(rows) {
                    let samples = a.iter().zip(b).zip(c).zip(d);
                    for (ink, (((&a, &b), &c), &d)) in inks.as_chunks_mut::<4>().0.iter_mut().zip(samples) {
                        // Files hold inverted inks, as Photoshop began it. YCCK is the transform of what is not inverted.
                        *ink = if *is_ycck {
                            let [r, g, b] = crate::ycc::full_to_rgb(a, b, c);
                            [r, g, b, 255 - d]
                        } else {
                            [255 - a, 255 - b, 255 - c, 255 - d]
                        };
                    }
                    conversion.convert(&inks, out)?;
                }
            }
            (Joining::Yuv(converter), _) => {
                let rows = rows(0).zip(rows(1)).zip(rows(2));
                for (out, ((luma, blue), red)) in picture.rows_mut().zip(rows) {
                    converter.row(luma, blue, red, out);
                }
            }
            (Joining::Plain, Samples::Gray) => {
                for (out, gray) in picture
                    .data_mut()
                    .as_chunks_mut::<3>()
                    .0
                    .iter_mut()
                    .zip(rows(0).flatten())
                {
                    *out = [*gray; 3];
                }
            }
            (Joining::Plain, _) => {
                for (plane, rows) in [rows(0), rows(1), rows(2)].into_iter().enumerate() {
                    for (out, sample) in picture.data_mut().chunks_exact_mut(3).zip(rows.flatten()) {
                        if let Some(out) = out.get_mut(plane) {
                            *out = *sample;
                        }
                    }
                }
            }
        }
        Ok(picture)
    }
}

/// Whether a file of this kind comes in rows, so that a resize needs no more of it than a few. Others are decoded whole.
#[must_use]
pub fn can_stream(header: &Header) -> bool {
    match header.format {
        ImageFormat::Jpeg => jpeg::can_stream(header),
        ImageFormat::Png => !header.is_animated(),
        ImageFormat::Avif | ImageFormat::Webp => !header.is_animated() && !header.has_alpha,
        _ => false,
    }
}

/// Decodes to rows. `None` if this file has to be decoded whole by [`decode`](crate::decode); rows that came before
/// count for nothing then.
///
/// # Errors
/// As [`decode`](crate::decode), and those of the sink.
pub fn stream(
    bytes: &[u8],
    header: &Header,
    request: &DecodeRequest,
    limits: &Limits,
    budget: &Budget,
    sink: &mut dyn RowSink,
) -> Result<Option<Streamed>, CodecError> {
    if !can_stream(header) {
        return Ok(None);
    }
    header.check(limits)?;
    let streamed = match header.format {
        ImageFormat::Jpeg => jpeg::stream(bytes, header, request, limits, budget, sink),
        ImageFormat::Png => png::stream(bytes, header, request, limits, budget, sink),
        ImageFormat::Avif => avif::stream(bytes, header, limits, budget, sink),
        ImageFormat::Webp => webp::stream(bytes, header, limits, budget, sink),
        _ => Ok(None),
    }?;
    Ok(streamed.map(|mut streamed| {
        if request.keep_colors {
            streamed.metadata.icc = streamed.color.profile_to_keep();
        }
        streamed
    }))
}
