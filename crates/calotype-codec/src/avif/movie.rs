//! The tracks of an AVIF image sequence (AV1 Image File Format 1.1, section 3; ISO/IEC 14496-12, sections 8.3 to 8.7):
//! where the frames are, how long each is shown, and how often all of them.

use std::num::NonZeroU32;
use std::time::Duration;

use calotype_plan::{Limits, Orientation, Size};

use super::boxes::Reader;
use super::container::{Nclx, Property, property_of};
use super::still::{ALPHA_NAMES, orientation};
use crate::CodecError;
use crate::animation::Loops;

/// Tracks that a file may have; two are used.
const TRACKS_MAX: usize = 16;

/// Bytes of a visual sample entry before its boxes (ISO/IEC 14496-12, section 12.1.3), and where in them its size lies.
const SAMPLE_ENTRY_BYTES: usize = 78;
const SAMPLE_ENTRY_SIZE_AT: usize = 24;

/// The animation of a file.
#[derive(Debug)]
pub(super) struct Movie<'a> {
    /// The colour planes.
    pub(super) color: Track<'a>,
    /// The alpha planes.
    pub(super) alpha: Option<Track<'a>>,
    /// Whether colours have been multiplied by alpha.
    pub(super) is_premultiplied: bool,
    /// How often it is played.
    pub(super) loops: Loops,
}

/// A track of AV1 pictures.
#[derive(Debug)]
pub(super) struct Track<'a> {
    id: u32,
    /// Tracks for which this one is auxiliary, and those by whose samples this one's are multiplied.
    auxiliary_for: Vec<u32>,
    multiplied_by: Vec<u32>,
    /// Units of a second.
    timescale: u32,
    /// In units of the movie; the largest value is "not known".
    duration: Option<u64>,
    edit: Option<Edit>,
    is_av1: bool,
    is_alpha: bool,
    /// Size of every picture.
    pub(super) size: Size,
    /// Bits of a sample.
    pub(super) bit_depth: u8,
    /// Code points, which win over those of the bitstream.
    pub(super) nclx: Option<Nclx>,
    /// ICC profile, where its size is within the limit.
    pub(super) icc: Option<&'a [u8]>,
    /// How its pictures are to be turned.
    pub(super) orientation: Orientation,
    /// The pictures that are in the file whole, and up to the first that is not.
    pub(super) samples: Vec<&'a [u8]>,
    /// Numbers of samples and how long each of them is shown, in units of the track.
    times: Vec<(u32, u32)>,
}

/// An edit list of one edit.
#[derive(Debug, Clone, Copy)]
struct Edit {
    repeats: bool,
    /// In units of the movie.
    duration: u64,
}

impl<'a> Movie<'a> {
    /// Reads the tracks of a file that says by its major brand that it is an image sequence. `None` if it does not, or if
    /// no picture of it is there: such a file stands for its still picture.
    pub(super) fn parse(bytes: &'a [u8], limits: &Limits) -> Option<Self> {
        let mut file = Reader::new(bytes);
        match file.next_box() {
            Ok(Some((kind, body))) if kind == *b"ftyp" && body.rest().starts_with(b"avis") => {}
            _ => return None,
        }
        while let Ok(Some((kind, body))) = file.next_box() {
            if kind == *b"moov" {
                return Self::tracks(bytes, body, limits).ok().flatten();
            }
        }
        None
    }

    fn tracks(file: &'a [u8], mut moov: Reader<'a>, limits: &Limits) -> Result<Option<Self>, CodecError> {
        let mut tracks = Vec::new();
        while let Some((kind, body)) = moov.next_box()? {
            if kind == *b"trak" && tracks.len() < TRACKS_MAX {
                let track = Track::parse(file, body, limits)?;
                if track.is_av1 && !track.samples.is_empty() && !track.size.is_empty() {
                    tracks.push(track);
                }
            }
        }
        let Some(color) = tracks.iter().position(|track| track.auxiliary_for.is_empty()) else {
            return Ok(None);
        };
        let mut color = tracks.swap_remove(color);
        let alpha = tracks
            .into_iter()
            .find(|track| track.is_alpha && track.auxiliary_for.contains(&color.id) && track.size == color.size);
        if let Some(alpha) = &alpha {
            // A frame without its alpha is not whole.
            color.samples.truncate(alpha.samples.len());
        }
        Ok(Some(Self {
            is_premultiplied: alpha
                .as_ref()
                .is_some_and(|alpha| color.multiplied_by.contains(&alpha.id)),
            loops: color.loops(),
            color,
            alpha,
        }))
    }
}

impl<'a> Track<'a> {
    fn parse(file: &'a [u8], mut body: Reader<'a>, limits: &Limits) -> Result<Self, CodecError> {
        let mut track = Self {
            id: 0,
            auxiliary_for: Vec::new(),
            multiplied_by: Vec::new(),
            timescale: 0,
            duration: None,
            edit: None,
            is_av1: false,
            // An auxiliary track that does not say what it is for.
            is_alpha: true,
            size: Size::new(0, 0),
            bit_depth: 8,
            nclx: None,
            icc: None,
            orientation: Orientation::Upright,
            samples: Vec::new(),
            times: Vec::new(),
        };
        while let Some((kind, mut inner)) = body.next_box()? {
            match &kind {
                b"tkhd" => {
                    let wide = inner.version()?.0 == 1;
                    inner.bytes(if wide { 16 } else { 8 })?;
                    track.id = inner.u32()?;
                    inner.u32()?;
                    let (duration, unknown) = if wide {
                        (inner.u64()?, u64::MAX)
                    } else {
                        (inner.u32()?.into(), u32::MAX.into())
                    };
                    track.duration = (duration != unknown).then_some(duration);
                }
                b"tref" => {
                    while let Some((kind, mut list)) = inner.next_box()? {
                        let to = match &kind {
                            b"auxl" => &mut track.auxiliary_for,
                            b"prem" => &mut track.multiplied_by,
                            _ => continue,
                        };
                        while to.len() < TRACKS_MAX && !list.rest().is_empty() {
                            to.push(list.u32()?);
                        }
                    }
                }
                b"edts" => {
                    while let Some((kind, mut list)) = inner.next_box()? {
                        if kind == *b"elst" {
                            let (version, flags) = list.version()?;
                            // What several edits would mean is not defined for images.
                            if list.u32()? == 1 {
                                track.edit = Some(Edit {
                                    repeats: flags & 1 == 1,
                                    duration: if version == 1 { list.u64()? } else { list.u32()?.into() },
                                });
                            }
                        }
                    }
                }
                b"mdia" => track.media(file, inner, limits)?,
                _ => {}
            }
        }
        Ok(track)
    }

    fn media(&mut self, file: &'a [u8], mut body: Reader<'a>, limits: &Limits) -> Result<(), CodecError> {
        while let Some((kind, mut inner)) = body.next_box()? {
            match &kind {
                b"mdhd" => {
                    let wide = inner.version()?.0 == 1;
                    inner.bytes(if wide { 16 } else { 8 })?;
                    self.timescale = inner.u32()?;
                }
                b"minf" => {
                    while let Some((kind, table)) = inner.next_box()? {
                        if kind == *b"stbl" {
                            self.sample_table(file, table, limits)?;
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn sample_table(&mut self, file: &'a [u8], mut body: Reader<'a>, limits: &Limits) -> Result<(), CodecError> {
        let (mut sizes, mut to_chunks, mut chunks) = (None, None, None);
        while let Some((kind, mut inner)) = body.next_box()? {
            match &kind {
                b"stsd" => self.descriptions(inner, limits)?,
                b"stts" => {
                    inner.version()?;
                    // One entry a frame at most, of those that are used.
                    let count = inner.u32()?.min(limits.frames_max.saturating_add(1));
                    for _ in 0..count {
                        self.times.push((inner.u32()?, inner.u32()?));
                    }
                }
                b"stsz" => {
                    inner.version()?;
                    sizes = Some((inner.u32()?, inner.u32()?, inner));
                }
                b"stsc" => {
                    inner.version()?;
                    inner.u32()?;
                    to_chunks = Some(inner);
                }
                b"stco" | b"co64" => {
                    inner.version()?;
                    inner.u32()?;
                    chunks = Some((inner, if kind == *b"stco" { 4 } else { 8 }));
                }
                _ => {}
            }
        }
        if let (Some((size, count, sizes)), Some(to_chunks), Some((chunks, offset_bytes))) = (sizes, to_chunks, chunks)
        {
            let wanted = count.min(limits.frames_max.saturating_add(1));
            self.samples = Samples {
                file,
                sizes: (size, sizes),
                to_chunks,
                chunks: (chunks, offset_bytes),
            }
            .list(wanted);
        }
        Ok(())
    }

    /// The first sample entry that is AV1.
    fn descriptions(&mut self, mut body: Reader<'a>, limits: &Limits) -> Result<(), CodecError> {
        body.version()?;
        body.u32()?;
        while let Some((kind, mut entry)) = body.next_box()? {
            if kind != *b"av01" || self.is_av1 {
                continue;
            }
            self.is_av1 = true;
            let mut head = Reader::new(entry.bytes(SAMPLE_ENTRY_BYTES)?);
            head.bytes(SAMPLE_ENTRY_SIZE_AT)?;
            self.size = Size::new(head.u16()?.into(), head.u16()?.into());
            let (mut turns, mut mirror) = (0, None);
            while let Some((kind, mut inner)) = entry.next_box()? {
                if kind == *b"auxi" {
                    inner.version()?;
                    self.is_alpha = ALPHA_NAMES.contains(&inner.text());
                    continue;
                }
                match property_of(kind, inner)? {
                    Property::Depth(bits) => self.bit_depth = bits,
                    Property::Nclx(nclx) if self.nclx.is_none() => self.nclx = Some(nclx),
                    Property::Icc(icc) if self.icc.is_none() && icc.len() <= limits.metadata_bytes_max => {
                        self.icc = Some(icc);
                    }
                    Property::Turns(quarters) => turns = quarters,
                    Property::Mirror(axis) => mirror = Some(axis),
                    _ => {}
                }
            }
            self.orientation = orientation(turns, mirror);
        }
        Ok(())
    }

    /// An edit that repeats fills the duration of the track (AV1 Image File Format, section 3; HEIF, section 9.6.1). A file
    /// without an edit list is played without end, as by browsers.
    fn loops(&self) -> Loops {
        match (self.edit, self.duration) {
            (None, _) => Loops::Forever,
            (Some(edit), _) if !edit.repeats => Loops::ONCE,
            (Some(_), None) => Loops::Forever,
            (Some(edit), Some(duration)) => {
                let plays = duration.checked_div(edit.duration).unwrap_or(1);
                let rest = u64::from(duration.checked_rem(edit.duration).is_some_and(|rest| rest > 0));
                let plays = u32::try_from(plays.saturating_add(rest)).unwrap_or(u32::MAX);
                Loops::Times(NonZeroU32::new(plays).unwrap_or(NonZeroU32::MIN))
            }
        }
    }

    /// How long a sample is shown. Samples that the table leaves out are shown as long as the last that it names.
    pub(super) fn duration(&self, sample: usize) -> Duration {
        let mut end = 0usize;
        let named = self.times.iter().find(|&&(count, _)| {
            end = end.saturating_add(count as usize);
            sample < end
        });
        let units = named.or(self.times.last()).map_or(0, |&(_, units)| u64::from(units));
        let nanos = (units * 1_000_000_000).checked_div(self.timescale.into());
        Duration::from_nanos(nanos.unwrap_or_default())
    }
}

/// The four tables that say where samples are (ISO/IEC 14496-12, sections 8.7.3 to 8.7.5).
struct Samples<'a> {
    file: &'a [u8],
    /// The size of all samples, or 0 and the sizes one by one.
    sizes: (u32, Reader<'a>),
    /// Runs of chunks with equal numbers of samples: the first chunk from 1, the number, and a description.
    to_chunks: Reader<'a>,
    /// Offsets of chunks, and the bytes of an offset.
    chunks: (Reader<'a>, u8),
}

impl<'a> Samples<'a> {
    /// The first samples, up to `wanted`, and to the first that is not in the file.
    fn list(mut self, wanted: u32) -> Vec<&'a [u8]> {
        let mut samples = Vec::new();
        let _ = self.walk(wanted as usize, &mut samples);
        samples
    }

    /// Ends by `None` where the tables or the file end.
    fn walk(&mut self, wanted: usize, samples: &mut Vec<&'a [u8]>) -> Option<()> {
        let run = |table: &mut Reader<'a>| {
            let run = (table.u32().ok()?, table.u32().ok()?);
            table.u32().ok()?;
            Some(run)
        };
        let (mut number, mut per_chunk) = (0u32, 0);
        let mut next_run = run(&mut self.to_chunks);
        while samples.len() < wanted {
            number = number.checked_add(1)?;
            while let Some((first, count)) = next_run.filter(|&(first, _)| first <= number) {
                debug_assert!(first <= number);
                per_chunk = count;
                next_run = run(&mut self.to_chunks);
            }
            let offset = self.chunks.0.sized(self.chunks.1).ok()?;
            let mut rest = self.file.get(usize::try_from(offset).ok()?..)?;
            for _ in 0..per_chunk {
                let size = match self.sizes.0 {
                    0 => self.sizes.1.u32().ok()?,
                    size => size,
                };
                let (sample, after) = rest.split_at_checked(usize::try_from(size).ok()?)?;
                samples.push(sample);
                if samples.len() >= wanted {
                    return Some(());
                }
                rest = after;
            }
        }
        Some(())
    }
}
