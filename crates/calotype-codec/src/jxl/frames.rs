//! jxl-oxide, fed so that neither frames nor memory run away.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};

use calotype_plan::Limits;
use jxl_oxide::{AllocTracker, InitializeResult, JxlImage, Render};

use super::container::Container;
use super::head::Head;
use crate::{Budget, CodecError, Reservation};

/// Bytes given to the library at a time. Between two helpings frames are counted: the smallest has some six bytes and
/// costs the library two kilobytes.
const HELPING_BYTES: usize = 16 << 10;

/// Bytes of a preview, a small picture before the first frame that is never shown here.
const PREVIEW_BYTES_MAX: usize = 256 << 10;

/// Frames that may lie on one another in one shown picture. Each is rendered by a call within the call for the next.
const LAYERS_MAX: usize = 128;

/// Memory of the library beside what it accounts for: the codestream twice, tables, one of each structure.
const LIBRARY_BYTES: u64 = 2 << 20;

/// Why the library gave nothing.
#[derive(Debug)]
pub(super) enum Failure {
    /// It wanted more memory than it was allowed.
    Memory,
    /// Anything else.
    Codec(CodecError),
}

impl From<CodecError> for Failure {
    fn from(error: CodecError) -> Self {
        Self::Codec(error)
    }
}

impl Failure {
    /// For callers that have no more memory to give.
    pub(super) fn into_error(self, allowed: u64) -> CodecError {
        match self {
            Self::Memory => CodecError::limit(
                "memory needed for this image, in bytes,",
                allowed.saturating_add(1),
                allowed,
            ),
            Self::Codec(error) => error,
        }
    }
}

/// Runs a part of the library: its objections and its panics in our words.
pub(super) fn call<T>(run: impl FnOnce() -> jxl_oxide::Result<T>) -> Result<T, Failure> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) if is_about_memory(error.as_ref()) => Err(Failure::Memory),
        Ok(Err(_)) | Err(_) => Err(Failure::Codec(damaged())),
    }
}

pub(super) fn damaged() -> CodecError {
    CodecError::corrupt("its JPEG XL data cannot be read")
}

fn is_about_memory(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<jxl_grid::OutOfMemory>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Calls `run` with a memory account for the library, charged to `budget`: first with what such a picture usually takes,
/// then with more as long as there is more, because the library's need depends on how the file was made.
pub(super) fn with_memory<T>(
    budget: &Budget,
    usual_bytes: u64,
    mut run: impl FnMut(AllocTracker) -> Result<T, Failure>,
) -> Result<(T, Reservation), CodecError> {
    let mut bytes = usual_bytes;
    loop {
        let charged = budget.reserve(bytes)?;
        let limit = usize::try_from(bytes).unwrap_or(usize::MAX);
        match run(AllocTracker::with_limit(limit)) {
            Ok(value) => return Ok((value, charged)),
            Err(Failure::Codec(error)) => return Err(error),
            Err(Failure::Memory) => {
                let free = budget.bytes_max().saturating_sub(budget.held()).saturating_add(bytes);
                let doubled = bytes.saturating_mul(2);
                // What is left is tried too; if it is not more than before, the account says what is missing.
                bytes = if free > bytes { doubled.min(free) } else { doubled };
            }
        }
    }
}

/// What decoding a picture usually takes: all channels as 32-bit samples, and that 2.0 to 2.2 times, by measurement; with
/// noise 3.1 times, with blending modes up to 5.5 times.
pub(super) fn usual_bytes(head: &Head, container: &Container<'_>) -> u64 {
    working_bytes(head, container, 9)
}

/// What decoding an animation takes at most: it cannot begin anew with more. All frames are kept by the library.
pub(super) fn animation_bytes(head: &Head, container: &Container<'_>, frames: u32) -> u64 {
    working_bytes(head, container, u64::from(frames).saturating_mul(4).saturating_add(24))
}

fn working_bytes(head: &Head, container: &Container<'_>, bytes_per_sample: u64) -> u64 {
    let size = &head.header.size;
    let area = u64::from(size.width).saturating_mul(u64::from(size.height));
    let channels = 3 + head.header.metadata.ec_info.len() as u64;
    area.saturating_mul(channels)
        .saturating_mul(bytes_per_sample)
        .saturating_add(container.length().saturating_mul(2))
        .saturating_add(LIBRARY_BYTES)
}

/// The frames of a file, loaded as far as they were asked for.
pub(super) struct Frames<'a> {
    pub(super) image: JxlImage,
    rest: Helpings<'a>,
    limits: Limits,
    /// Frames that were looked at, and those of the next shown picture.
    seen: usize,
    layers: usize,
    layers_area: u64,
}

impl<'a> Frames<'a> {
    /// Initialises the library. No frame is loaded.
    pub(super) fn open(
        container: &Container<'a>,
        head: &Head,
        limits: &Limits,
        tracker: AllocTracker,
    ) -> Result<Self, Failure> {
        let mut rest = Helpings::new(&container.parts);
        let mut fresh = JxlImage::builder().alloc_tracker(tracker).build_uninit();
        let (mut wanted, mut unread) = (head.length, Vec::new());
        let most = head.length.saturating_add(PREVIEW_BYTES_MAX);
        let mut fed = 0usize;
        let image = loop {
            while fed < wanted {
                let helping = rest
                    .next(wanted.saturating_sub(fed))
                    .ok_or_else(|| CodecError::corrupt("the file ends before the picture does"))?;
                fed = fed.saturating_add(helping.len());
                unread.extend_from_slice(helping);
                let consumed = call(|| fresh.feed_bytes(&unread))?;
                unread.drain(..consumed.min(unread.len()));
            }
            match call(|| fresh.try_init())? {
                InitializeResult::Initialized(image) => break image,
                // A preview is not all there.
                InitializeResult::NeedMoreData(same) if wanted < most => {
                    fresh = same;
                    wanted = wanted
                        .saturating_add(HELPING_BYTES.max(wanted.saturating_sub(head.length)))
                        .min(most);
                }
                InitializeResult::NeedMoreData(_) => {
                    return Err(CodecError::unsupported("a JPEG XL preview of more than 256 KiB").into());
                }
            }
        };
        Ok(Self {
            image,
            rest,
            limits: *limits,
            seen: 0,
            layers: 0,
            layers_area: 0,
        })
    }

    /// Loads until there are `count` shown pictures or the file ends; gives how many there are.
    pub(super) fn load(&mut self, count: usize) -> Result<usize, Failure> {
        loop {
            self.count_layers()?;
            let loaded = self.image.num_loaded_keyframes();
            if loaded >= count || self.image.is_loading_done() {
                return Ok(loaded);
            }
            let Some(helping) = self.rest.next(HELPING_BYTES) else {
                return Ok(loaded);
            };
            call(|| self.image.feed_bytes(helping))?;
        }
    }

    /// Bounds what makes up one shown picture: it is work that the picture's size does not show.
    fn count_layers(&mut self) -> Result<(), CodecError> {
        let area_max = self
            .limits
            .animation_area_px_refused
            .max(self.limits.source_area_px_max);
        while self.seen < self.image.num_loaded_frames() {
            let Some(frame) = self.image.frame(self.seen) else {
                break;
            };
            let header = frame.header();
            self.seen += 1;
            self.layers += 1;
            self.layers_area = self
                .layers_area
                .saturating_add(u64::from(header.width).saturating_mul(u64::from(header.height)));
            if self.layers > LAYERS_MAX {
                return Err(CodecError::limit(
                    "the number of layers of the picture",
                    self.layers as u64,
                    LAYERS_MAX as u64,
                ));
            }
            if self.layers_area > area_max {
                return Err(CodecError::limit(
                    "the area of all layers of the picture, in pixels,",
                    self.layers_area,
                    area_max,
                ));
            }
            if header.is_keyframe() {
                (self.layers, self.layers_area) = (0, 0);
            }
        }
        Ok(())
    }

    /// Renders a shown picture that is loaded.
    pub(super) fn render(&self, index: usize) -> Result<Render, Failure> {
        call(|| self.image.render_frame(index))
    }
}

/// The codestream in helpings.
struct Helpings<'a> {
    /// What comes next, last.
    parts: Vec<&'a [u8]>,
    rest: &'a [u8],
}

impl<'a> Helpings<'a> {
    fn new(parts: &[&'a [u8]]) -> Self {
        Self {
            parts: parts.iter().rev().copied().collect(),
            rest: &[],
        }
    }

    /// The next bytes: at most `most`, at least one. `None` at the end.
    fn next(&mut self, most: usize) -> Option<&'a [u8]> {
        while self.rest.is_empty() {
            self.rest = self.parts.pop()?;
        }
        let (helping, rest) = self.rest.split_at_checked(most).unwrap_or((self.rest, &[]));
        self.rest = rest;
        Some(helping)
    }
}
