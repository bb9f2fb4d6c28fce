//! Strips and tiles: from the file to rows of samples.

use calotype_plan::{Limits, Size};

use super::coding::Coding;
use super::facts::{Colors, Facts, Kind, OLD_JPEG, tag};
use super::samples::Form;
use super::{ccitt, jpeg, predictor};
use crate::jpeg::decode_samples;
use crate::{Budget, CodecError, Reservation, webp};

/// Tiles a picture may have, for each item a container may list: tiles are smaller than other items.
const TILES_PER_ITEM: u64 = 16;

/// Decompressed bytes of a picture, for each byte of memory a job may hold.
const WORK_FACTOR: u64 = 2;

/// Bytes of data that strips or tiles may share, beside four times the file.
const SHARED_BYTES_MAX: u64 = 16 << 20;

/// Bytes of tables and headers of ordinary length that are put in front of the data of a JPEG.
const JPEG_HEAD_BYTES: usize = 32 << 10;

/// How the data of a strip or tile becomes samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// Rows of samples, compressed as bytes.
    Rows(Coding),
    /// Blocks of YCbCr with fewer chroma samples, compressed as bytes.
    Blocks(Coding),
    Jpeg,
    OldJpeg,
    Webp,
}

/// Rows of one plane of the strip or tile that was read last.
#[derive(Debug, Default)]
struct Plane {
    rows: Vec<u8>,
    row_bytes: usize,
    /// Samples of a pixel.
    step: usize,
    _charged: Option<Reservation>,
}

/// Reads the strips or tiles of a picture, one after the other.
#[derive(Debug)]
pub(super) struct Chunks<'a> {
    facts: &'a Facts<'a>,
    source: Source,
    /// Width of a sample as it is read here.
    bits: u16,
    kind: Kind,
    /// The samples of a pixel that are wanted: colours, then alpha.
    wanted: Vec<u16>,
    across: u32,
    down: u32,
    planes: Vec<Plane>,
    jpeg_work: u64,
    /// Bytes of all data that was gone through.
    bytes_read: u64,
    limits: Limits,
    budget: Budget,
}

impl<'a> Chunks<'a> {
    /// Checks that the picture's coding is one that is read here.
    ///
    /// # Errors
    /// [`CodecError::Unsupported`], or [`CodecError::Corrupt`] if facts contradict each other.
    pub(super) fn new(facts: &'a Facts<'a>, limits: &Limits, budget: &Budget) -> Result<Self, CodecError> {
        let bits = facts
            .bits
            .ok_or_else(|| CodecError::unsupported("TIFF with samples of different widths"))?;
        let source = source(facts)?;
        let as_bytes = matches!(source, Source::Rows(_) | Source::Blocks(_));
        if as_bytes && !Form::is_known(bits, facts.kind) {
            return Err(CodecError::unsupported(format!(
                "TIFF with samples of {bits} bits of this kind"
            )));
        }
        let predicted = match facts.predictor {
            1 => true,
            2 => matches!(bits, 8 | 16 | 32 | 64),
            3 => facts.kind == Kind::Float,
            _ => false,
        };
        if !predicted && as_bytes {
            return Err(CodecError::unsupported("TIFF with this predictor"));
        }
        let channels = facts.colors.channels();
        if facts.samples < channels {
            return Err(CodecError::corrupt(
                "it has fewer samples in a pixel than its colours need",
            ));
        }
        let mut wanted: Vec<u16> = (0..channels).collect();
        wanted.extend(facts.alpha.map(|alpha| alpha.index));
        let chunk = facts.chunk;
        if chunk.is_empty() {
            return Err(CodecError::corrupt("its strips or tiles have a size of 0"));
        }
        let (across, down) = (
            facts.size.width.div_ceil(chunk.width),
            facts.size.height.div_ceil(chunk.height),
        );
        let tiles = u64::from(across) * u64::from(down);
        let tiles_max = limits.container_items_max as u64 * TILES_PER_ITEM;
        if facts.tiled && tiles > tiles_max {
            return Err(CodecError::limit("number of tiles", tiles, tiles_max));
        }
        // Tiles may reach far over the edge, and pixels may have thousands of samples that nobody looks at: all of it has
        // to be decompressed.
        let stored = if facts.planar {
            wanted.len() as u64
        } else {
            facts.samples.into()
        };
        let work = (u64::from(across) * u64::from(chunk.width))
            .saturating_mul(facts.size.height.into())
            .saturating_mul(stored * u64::from(bits))
            / 8;
        let work_max = limits.job_memory_bytes_max.saturating_mul(WORK_FACTOR);
        if work > work_max {
            return Err(CodecError::limit(
                "size of the decompressed TIFF, in bytes,",
                work,
                work_max,
            ));
        }
        Ok(Self {
            facts,
            source,
            bits: if as_bytes { bits } else { 8 },
            kind: if as_bytes { facts.kind } else { Kind::Unsigned },
            wanted,
            across,
            down,
            planes: Vec::new(),
            jpeg_work: 0,
            bytes_read: 0,
            limits: *limits,
            budget: budget.clone(),
        })
    }

    /// Strips or tiles in a row and in a column.
    pub(super) fn count(&self) -> (u32, u32) {
        (self.across, self.down)
    }

    /// What the samples mean as they come from here: JPEG and WebP bring RGB.
    pub(super) fn colors(&self) -> Colors {
        match (self.source, self.facts.colors) {
            (Source::Jpeg | Source::Webp, Colors::YCbCr) => Colors::Rgb,
            (_, colors) => colors,
        }
    }

    /// Bits of a sample as they come from here.
    pub(super) fn bits(&self) -> u16 {
        self.bits
    }

    /// The kind of a sample as it comes from here.
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// Samples of a pixel as they come from here.
    pub(super) fn channels(&self) -> usize {
        self.wanted.len()
    }

    /// Reads the strip or tile in column `x` and row `y`, of which `needed` lies in the picture.
    pub(super) fn read(&mut self, x: u32, y: u32, needed: Size) -> Result<(), CodecError> {
        let in_plane = u64::from(self.across) * u64::from(self.down);
        let at = u64::from(y) * u64::from(self.across) + u64::from(x);
        let planes: Vec<u16> = if self.facts.planar {
            self.wanted.clone()
        } else {
            vec![0]
        };
        self.planes.resize_with(planes.len(), Plane::default);
        for (place, plane) in planes.into_iter().enumerate() {
            self.read_plane(place, at + in_plane * u64::from(plane), needed)?;
        }
        Ok(())
    }

    /// Row `y` of what was read last as it lies there, if all its samples are wanted and have 8 bits.
    pub(super) fn bytes_row(&self, y: u32) -> Option<&[u8]> {
        let [plane] = self.planes.as_slice() else { return None };
        if self.bits != 8 || self.kind != Kind::Unsigned || plane.step != self.wanted.len() {
            return None;
        }
        let from = (y as usize).checked_mul(plane.row_bytes)?;
        plane.rows.get(from..from.checked_add(plane.row_bytes)?)
    }

    /// The samples of row `y` of what was read last, pixel by pixel.
    pub(super) fn row(&self, y: u32, indices: bool, out: &mut [u16]) {
        for (place, &sample) in self.wanted.iter().enumerate() {
            let (plane, channel) = if self.facts.planar {
                (place, 0)
            } else {
                (0, usize::from(sample))
            };
            let Some(plane) = self.planes.get(plane) else { continue };
            let from = (y as usize).saturating_mul(plane.row_bytes);
            let Some(row) = plane.rows.get(from..from.saturating_add(plane.row_bytes)) else {
                continue;
            };
            let form = Form {
                bits: self.bits,
                kind: self.kind,
                step: plane.step,
            };
            form.read(row, channel, indices && place == 0, out, place, self.wanted.len());
        }
    }

    /// Reads strip or tile number `index` into plane `place`.
    fn read_plane(&mut self, place: usize, index: u64, needed: Size) -> Result<(), CodecError> {
        let facts = self.facts;
        let (at, data) = data(facts, index)?;
        if self.source != Source::Rows(Coding::Plain) {
            go_through(&mut self.bytes_read, data.len(), facts)?;
        }
        // Fax coding and all others of bytes work on the bits as the file says they lie.
        let turned;
        let _turned_charge;
        let data = if facts.reversed && matches!(self.source, Source::Rows(_) | Source::Blocks(_)) {
            _turned_charge = self.budget.reserve(data.len() as u64)?;
            turned = data.iter().map(|byte| byte.reverse_bits()).collect::<Vec<_>>();
            turned.as_slice()
        } else {
            data
        };
        let step = if facts.planar { 1 } else { usize::from(facts.samples) };
        let Some(plane) = self.planes.get_mut(place) else {
            return Ok(());
        };
        match self.source {
            Source::Rows(coding) => {
                let row_bytes = (u64::from(facts.chunk.width) * u64::from(self.bits))
                    .saturating_mul(step as u64)
                    .div_ceil(8);
                let row_bytes = plane.make_room(row_bytes, needed.height, step, &self.budget)?;
                coding.decode(data, facts.chunk.width, row_bytes, &mut plane.rows, &self.budget)?;
                let big_endian = facts.directory.file.big_endian;
                predictor::restore(&mut plane.rows, row_bytes, self.bits, step, facts.predictor, big_endian);
            }
            Source::Blocks(coding) => {
                let blocks = Blocks::new(facts, needed.height);
                let mut packed = Plane::default();
                let row_bytes = packed.make_room(blocks.row_bytes(), blocks.down, 1, &self.budget)?;
                coding.decode(data, facts.chunk.width, row_bytes, &mut packed.rows, &self.budget)?;
                let row_bytes = plane.make_room(u64::from(facts.chunk.width) * 3, needed.height, 3, &self.budget)?;
                blocks.spread(&packed.rows, packed.row_bytes, &mut plane.rows, row_bytes);
            }
            Source::Jpeg | Source::OldJpeg => {
                // The stream is a copy, a little longer than the data, with whatever the directory puts in front.
                let in_front = if self.source == Source::Jpeg {
                    facts.directory.bytes(tag::JPEG_TABLES).map_or(0, <[u8]>::len)
                } else if jpeg::has_old_stream(&facts.directory) {
                    facts.directory.file.bytes.len()
                } else {
                    0
                };
                let _stream = self.budget.reserve((data.len() + in_front + JPEG_HEAD_BYTES) as u64)?;
                let stream = if self.source == Source::Jpeg {
                    jpeg::stream(facts, data)?
                } else {
                    let rows = if facts.tiled { facts.chunk.height } else { needed.height };
                    jpeg::old_stream(facts, data, at, Size::new(facts.chunk.width, rows))?
                };
                let copied = stream.len().saturating_sub(data.len() + JPEG_HEAD_BYTES);
                go_through(&mut self.bytes_read, copied, facts)?;
                // Tiles of some writers are as wide as whole blocks.
                let width_max = facts.chunk.width.saturating_add(64);
                let work = &mut self.jpeg_work;
                let samples = decode_samples(&stream, needed, width_max, work, &self.limits, &self.budget)?;
                if samples.channels != step {
                    return Err(CodecError::corrupt("a JPEG inside has other channels than its place"));
                }
                let row_bytes = u64::from(samples.size.width) * step as u64;
                let row_bytes = plane.make_room(row_bytes, needed.height, step, &self.budget)?;
                let length = plane.rows.len();
                debug_assert_eq!(length, row_bytes * needed.height as usize);
                plane
                    .rows
                    .copy_from_slice(samples.data.get(..length).unwrap_or_default());
            }
            Source::Webp => {
                let header = webp::probe(data, &self.limits)?;
                header.check(&self.limits)?;
                if header.size.width < needed.width || header.size.height < needed.height {
                    return Err(CodecError::corrupt("a WebP inside does not fill its place"));
                }
                let request = crate::DecodeRequest::default();
                let decoded = webp::decode(data, &header, &request, &self.limits, &self.budget)?;
                let picture = match step {
                    3 => decoded.picture.into_rgb_on([255; 3], &self.budget)?,
                    4 => decoded.picture.into_rgba(&self.budget)?,
                    _ => {
                        return Err(CodecError::unsupported(
                            "TIFF with WebP data of this number of channels",
                        ));
                    }
                };
                plane.make_room(picture.stride() as u64, needed.height, step, &self.budget)?;
                let length = plane.rows.len();
                plane
                    .rows
                    .copy_from_slice(picture.data().get(..length).unwrap_or_default());
            }
        }
        Ok(())
    }
}

impl Plane {
    /// Makes the rows `lines` rows of `row_bytes`, charged before they are allocated.
    fn make_room(&mut self, row_bytes: u64, lines: u32, step: usize, budget: &Budget) -> Result<usize, CodecError> {
        let bytes = row_bytes.saturating_mul(lines.into());
        let too_long = || CodecError::corrupt("its rows are too long");
        let length = usize::try_from(bytes).map_err(|_| too_long())?;
        if length > self.rows.len() {
            *self = Self::default();
            self._charged = Some(budget.reserve(bytes)?);
            self.rows = vec![0; length];
        }
        self.rows.truncate(length);
        self.row_bytes = usize::try_from(row_bytes).map_err(|_| too_long())?;
        self.step = step;
        Ok(self.row_bytes)
    }
}

/// The coding of a picture's data.
fn source(facts: &Facts<'_>) -> Result<Source, CodecError> {
    let fax = |coding| {
        if facts.bits == Some(1) && (facts.samples == 1 || facts.planar) {
            Ok(Coding::Ccitt(coding))
        } else {
            Err(CodecError::corrupt(
                "it has fax coding, but more than one bit in a pixel",
            ))
        }
    };
    let coding = match facts.compression {
        1 => Coding::Plain,
        2 => fax(ccitt::Coding::Aligned(8))?,
        3 if facts.directory.number(tag::T4_OPTIONS).unwrap_or(0) & 1 == 1 => fax(ccitt::Coding::T4TwoDimensional)?,
        3 => fax(ccitt::Coding::T4)?,
        4 => fax(ccitt::Coding::T6)?,
        5 => Coding::Lzw,
        OLD_JPEG => return Ok(Source::OldJpeg),
        7 => return Ok(Source::Jpeg),
        8 | 32_946 => Coding::Deflate,
        32_771 => fax(ccitt::Coding::Aligned(16))?,
        32_773 => Coding::PackBits,
        50_000 => Coding::Zstd,
        50_001 if !facts.planar => return Ok(Source::Webp),
        other => {
            let name = match other {
                32_766 => "NeXT",
                32_809 => "ThunderScan",
                34_661 | 34_663 => "JBIG",
                34_676 | 34_677 => "SGI Log",
                33_003 | 33_005 | 34_712 => "JPEG 2000",
                34_887 => "LERC",
                34_892 => "lossy DNG",
                34_925 => "LZMA",
                50_001 => "planar WebP",
                50_002 | 52_546 => "JPEG XL",
                _ => "unknown",
            };
            return Err(CodecError::unsupported(format!("TIFF with {name} compression")));
        }
    };
    if facts.colors == Colors::YCbCr && facts.subsampling != (1, 1) {
        let known = |n| matches!(n, 1 | 2 | 4);
        let (across, down) = facts.subsampling;
        if facts.planar
            || facts.samples != 3
            || facts.bits != Some(8)
            || facts.predictor != 1
            || !known(across)
            || !known(down)
        {
            return Err(CodecError::unsupported("TIFF with YCbCr samples laid out like these"));
        }
        return Ok(Source::Blocks(coding));
    }
    Ok(Source::Rows(coding))
}

/// Counts data that is gone through. Some writers let equal tiles share their data, but nobody needs the whole file for
/// each.
fn go_through(bytes_read: &mut u64, length: usize, facts: &Facts<'_>) -> Result<(), CodecError> {
    *bytes_read = bytes_read.saturating_add(length as u64);
    if *bytes_read > (facts.directory.file.bytes.len() as u64).saturating_mul(4) + SHARED_BYTES_MAX {
        return Err(CodecError::corrupt("its strips or tiles overlap"));
    }
    Ok(())
}

/// The data of strip or tile number `index`, and where it begins.
fn data<'a>(facts: &Facts<'a>, index: u64) -> Result<(usize, &'a [u8]), CodecError> {
    let cut = || CodecError::corrupt("the file ends before the picture does");
    let at = facts
        .offsets
        .and_then(|offsets| offsets.get(index))
        .filter(|&at| at != 0)
        .and_then(|at| usize::try_from(at).ok())
        .ok_or_else(|| CodecError::corrupt("it does not say where its strips or tiles are"))?;
    let rest = facts.directory.file.bytes.get(at..).ok_or_else(cut)?;
    // Lengths are often missing or wrong; what is decoded knows how much it needs. Without a length the data goes on to
    // the next strip or tile.
    let length = facts
        .lengths
        .and_then(|lengths| lengths.get(index))
        .filter(|&length| length != 0)
        .or_else(|| {
            facts
                .offsets?
                .get(index + 1)?
                .checked_sub(at as u64)
                .filter(|&length| length != 0)
        })
        .and_then(|length| usize::try_from(length).ok())
        .unwrap_or(rest.len());
    Ok((at, rest.get(..length.min(rest.len())).unwrap_or(rest)))
}

/// YCbCr with fewer chroma samples: blocks of luma, each followed by one sample of Cb and Cr (TIFF 6.0 section 21).
struct Blocks {
    /// Luma samples of a block.
    width: usize,
    height: usize,
    /// Blocks of a strip or tile.
    across: u32,
    down: u32,
}

impl Blocks {
    fn new(facts: &Facts<'_>, lines: u32) -> Self {
        let (width, height) = facts.subsampling;
        Self {
            width: width.into(),
            height: height.into(),
            across: facts.chunk.width.div_ceil(width.into()),
            down: lines.div_ceil(height.into()),
        }
    }

    fn row_bytes(&self) -> u64 {
        u64::from(self.across) * (self.width * self.height + 2) as u64
    }

    /// Spreads blocks over rows of three samples per pixel; chroma is repeated.
    fn spread(&self, blocks: &[u8], blocks_row_bytes: usize, rows: &mut [u8], row_bytes: usize) {
        let luma = self.width * self.height;
        for (blocks, rows) in blocks
            .chunks_exact(blocks_row_bytes.max(1))
            .zip(rows.chunks_mut((row_bytes * self.height).max(1)))
        {
            for (y, row) in rows.chunks_exact_mut(row_bytes.max(1)).enumerate() {
                let pixels = row.as_chunks_mut::<3>().0;
                for (pixels, block) in pixels.chunks_mut(self.width).zip(blocks.chunks_exact(luma + 2)) {
                    let chroma = [block.get(luma), block.get(luma + 1)].map(|v| v.copied().unwrap_or(128));
                    let line = block.get(y * self.width..).unwrap_or_default();
                    for (pixel, &luma) in pixels.iter_mut().zip(line) {
                        *pixel = [luma, chroma[0], chroma[1]];
                    }
                }
            }
        }
    }
}
