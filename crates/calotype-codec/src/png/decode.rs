//! PNG to pixels.

use std::io::Cursor;

use calotype_plan::{Limits, Size};
use png::{BitDepth, ColorType, Decoder, DecodingError, Reader, Transformations};

use super::chunks::Chunks;
use crate::color::{Conversion, narrow};
use crate::{Budget, CodecError, ColorSource, DecodeRequest, Decoded, Header, Layout, Picture, SourceMetadata};

/// Bytes that the library may allocate for chunks and rows beside our own buffers.
const LIBRARY_BYTES_MAX: usize = 64 << 20;

/// Decodes the default image to 8-bit RGB, or RGBA if the file can hold transparency. Samples of 16 bits are rounded;
/// if the file's colours are not sRGB they are converted first, because 8 bits are too few for linear or very wide
/// samples, unless they are to be kept and 8 bits do.
///
/// Checksums are judged as by browsers: damaged critical chunks are errors, damaged others are passed over.
pub(crate) fn decode(
    bytes: &[u8],
    header: &Header,
    request: &DecodeRequest,
    limits: &Limits,
    budget: &Budget,
) -> Result<Decoded, CodecError> {
    let chunks = Chunks::read(bytes, limits)?;
    let mut icc = chunks.icc(limits);
    let mut color = chunks.color_source(icc.clone());
    let conversion = chunks.wide_conversion(&color, request.keep_colors);
    let picture = pixels(bytes, header.size, &chunks, conversion.as_deref(), budget)?;
    if conversion.is_some() {
        (color, icc) = (ColorSource::Srgb, None);
    }
    Ok(Decoded {
        picture,
        scale: 1,
        color,
        metadata: metadata(&chunks, icc, limits),
    })
}

/// What came with the file.
pub(super) fn metadata(chunks: &Chunks<'_>, icc: Option<Vec<u8>>, limits: &Limits) -> SourceMetadata {
    SourceMetadata {
        exif: chunks.exif.map(<[u8]>::to_vec),
        xmp: chunks.xmp(limits),
        iptc: None,
        icc,
    }
}

/// Decodes the default image of a file to a picture of `size`: the whole file, or one put together for a frame of it, whose
/// other chunks are `chunks`. Samples of 16 bits go through `conversion`, if there is one.
pub(super) fn pixels(
    bytes: &[u8],
    size: Size,
    chunks: &Chunks<'_>,
    conversion: Option<&Conversion>,
    budget: &Budget,
) -> Result<Picture, CodecError> {
    let layout = if chunks.has_alpha() { Layout::Rgba } else { Layout::Rgb };
    let mut picture = Picture::new(size, layout, [0; 4], budget)?;

    let mut rows = RowReader::open(bytes, size, chunks, conversion)?;
    if chunks.interlaced {
        rows.read_interlaced(&mut picture, budget)?;
    } else {
        for to in picture.rows_mut() {
            rows.next(to)?;
        }
    }
    Ok(picture)
}

/// The rows of a default image, one by one.
pub(super) struct RowReader<'a> {
    reader: Reader<Cursor<&'a [u8]>>,
    rows: Rows<'a>,
    /// The library's rows are ours.
    direct: bool,
    row: Vec<u8>,
    /// The grey that is transparent, where the library does not see to it.
    wide_gray_key: Option<u8>,
}

impl<'a> RowReader<'a> {
    /// Reads up to the first row. Rows have three samples a pixel, or four if the file can hold transparency.
    pub(super) fn open(
        bytes: &'a [u8],
        size: Size,
        chunks: &Chunks<'_>,
        conversion: Option<&'a Conversion>,
    ) -> Result<Self, CodecError> {
        let mut decoder = Decoder::new_with_limits(
            Cursor::new(bytes),
            png::Limits {
                bytes: LIBRARY_BYTES_MAX,
            },
        );
        decoder.set_transformations(Transformations::EXPAND);
        decoder.set_ignore_text_chunk(true);
        decoder.set_ignore_iccp_chunk(true);
        let reader = decoder.read_info().map_err(explain)?;
        if reader.info().size() != (size.width, size.height) {
            return Err(CodecError::corrupt("its header changes"));
        }
        let (color_type, depth) = reader.output_color_type();
        let row_bytes = reader
            .output_line_size(size.width)
            .ok_or_else(|| CodecError::corrupt("its rows are too long"))?;
        let wide = depth == BitDepth::Sixteen;
        let channels = if chunks.has_alpha() { 4 } else { 3 };
        Ok(Self {
            reader,
            rows: Rows {
                color_type,
                wide,
                conversion,
                samples: Vec::new(),
                converted: Vec::new(),
            },
            direct: !wide && color_type.samples() == channels,
            row: vec![0; row_bytes],
            wide_gray_key: chunks.wide_gray_key,
        })
    }

    /// Reads the next row of a picture that is not interlaced. Nothing after the last is looked at: what is wrong behind
    /// the picture does not matter to it.
    pub(super) fn next(&mut self, to: &mut [u8]) -> Result<(), CodecError> {
        let target = if self.direct { &mut *to } else { &mut self.row };
        if self.reader.read_row(target).map_err(explain)?.is_none() {
            return Err(CodecError::corrupt("the file ends before the picture does"));
        }
        if !self.direct {
            self.rows.convert(&self.row, to)?;
        }
        self.apply_key(to);
        Ok(())
    }

    /// Reads all passes.
    fn read_interlaced(&mut self, picture: &mut Picture, budget: &Budget) -> Result<(), CodecError> {
        let row_bytes = self.row.len();
        if self.direct {
            read_interlaced(&mut self.reader, picture.data_mut(), row_bytes)?;
        } else {
            let length = (row_bytes as u64).saturating_mul(picture.size().height.into());
            let _held = budget.reserve(length)?;
            let length = usize::try_from(length).map_err(|_| CodecError::corrupt("its rows are too long"))?;
            let mut whole = vec![0; length];
            read_interlaced(&mut self.reader, &mut whole, row_bytes)?;
            for (from, to) in whole.chunks_exact(row_bytes).zip(picture.rows_mut()) {
                self.rows.convert(from, to)?;
            }
        }
        self.apply_key(picture.data_mut());
        Ok(())
    }

    /// The library compares all bits of the key.
    fn apply_key(&self, samples: &mut [u8]) {
        if let Some(key) = self.wide_gray_key {
            for pixel in samples.as_chunks_mut::<4>().0 {
                if pixel[0] == key {
                    pixel[3] = 0;
                }
            }
        }
    }
}

/// Reads the rows of all passes into their places.
fn read_interlaced(reader: &mut Reader<Cursor<&[u8]>>, out: &mut [u8], row_bytes: usize) -> Result<(), CodecError> {
    let size = reader.info().size();
    let (color_type, depth) = reader.output_color_type();
    let bits_per_pixel = u8::try_from(color_type.samples() * depth as usize)
        .map_err(|_| CodecError::corrupt("its samples are too wide"))?;
    let mut row = vec![0; row_bytes];
    for _ in 0..passes_rows(size) {
        let got = reader.read_row(&mut row).map_err(explain)?;
        let Some(png::InterlaceInfo::Adam7(info)) = got else {
            return Err(CodecError::corrupt("the file ends before the picture does"));
        };
        png::expand_interlaced_row(out, row_bytes, &row, &info, bits_per_pixel);
    }
    Ok(())
}

/// Rows of all passes together: a pass without columns has none (PNG 3rd edition, section 8.1).
fn passes_rows((width, height): (u32, u32)) -> u64 {
    // First column and row of each pass, and the steps to the next.
    const PASSES: [(u32, u32, u32, u32); 7] = [
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ];
    PASSES
        .iter()
        .filter(|&&(x, ..)| x < width)
        .map(|&(_, y, _, step)| u64::from(height.saturating_sub(y).div_ceil(step)))
        .sum()
}

/// Turns the library's rows into ours.
struct Rows<'a> {
    color_type: ColorType,
    wide: bool,
    conversion: Option<&'a Conversion>,
    samples: Vec<u16>,
    converted: Vec<u16>,
}

impl Rows<'_> {
    fn convert(&mut self, from: &[u8], to: &mut [u8]) -> Result<(), CodecError> {
        if !self.wide {
            match self.color_type {
                ColorType::Grayscale => {
                    for (to, &v) in to.as_chunks_mut::<3>().0.iter_mut().zip(from) {
                        *to = [v; 3];
                    }
                }
                ColorType::GrayscaleAlpha => {
                    for (to, &[v, a]) in to.as_chunks_mut::<4>().0.iter_mut().zip(from.as_chunks::<2>().0) {
                        *to = [v, v, v, a];
                    }
                }
                _ => return Err(CodecError::corrupt("its samples are not what its header says")),
            }
            return Ok(());
        }
        // 16 bits: colours into one row, alpha rounded at once.
        self.samples.clear();
        let wide = from.as_chunks::<2>().0;
        let value = |b: [u8; 2]| u16::from_be_bytes(b);
        match self.color_type {
            ColorType::Grayscale => self.samples.extend(wide.iter().flat_map(|&v| [value(v); 3])),
            ColorType::Rgb => self.samples.extend(wide.iter().map(|&v| value(v))),
            ColorType::GrayscaleAlpha => {
                for (to, &[v, a]) in to.as_chunks_mut::<4>().0.iter_mut().zip(wide.as_chunks::<2>().0) {
                    self.samples.extend([value(v); 3]);
                    to[3] = narrow(value(a));
                }
            }
            ColorType::Rgba => {
                for (to, &[r, g, b, a]) in to.as_chunks_mut::<4>().0.iter_mut().zip(wide.as_chunks::<4>().0) {
                    self.samples.extend([value(r), value(g), value(b)]);
                    to[3] = narrow(value(a));
                }
            }
            ColorType::Indexed => return Err(CodecError::corrupt("its samples are not what its header says")),
        }
        let colors = match self.conversion {
            Some(conversion) => {
                self.converted.resize(self.samples.len(), 0);
                conversion.rgb16(&self.samples, &mut self.converted)?;
                &self.converted
            }
            None => &self.samples,
        };
        let channels = if matches!(self.color_type, ColorType::GrayscaleAlpha | ColorType::Rgba) {
            4
        } else {
            3
        };
        for (to, from) in to.chunks_exact_mut(channels).zip(colors.as_chunks::<3>().0) {
            if let [r, g, b, ..] = to {
                (*r, *g, *b) = (narrow(from[0]), narrow(from[1]), narrow(from[2]));
            }
        }
        Ok(())
    }
}

/// The library's objection in our words.
fn explain(error: DecodingError) -> CodecError {
    match error {
        DecodingError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            CodecError::corrupt("the file ends before the picture does")
        }
        DecodingError::LimitsExceeded => CodecError::limit(
            "memory needed for one PNG chunk, in bytes,",
            LIBRARY_BYTES_MAX as u64 + 1,
            LIBRARY_BYTES_MAX as u64,
        ),
        _ => CodecError::corrupt("its PNG data cannot be read"),
    }
}
