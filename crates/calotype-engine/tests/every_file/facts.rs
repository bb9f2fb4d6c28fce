//! What one file gave: everything that a verdict is made of, found out in a child process and sent to the parent.

use calotype_codec::{
    Animation, Budget, CodecError, ColorProfile, ColorSource, DecodeRequest, Header, Layout, Picture, decode,
    decode_animation, probe, to_srgb,
};
use calotype_engine::{Job, NoModels, NoOverlays, run};
use calotype_plan::{
    AcceptedFormats, Fault, FormatChoice, ImageFormat, Limits, Orientation, Output, OutputFormat, Plan, Size,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::grid::{self, Pixels};
use crate::meter::Meter;
use crate::png_colors::{self, Gamma};
use crate::present;

/// One file through everything that reads it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub(crate) header: Result<HeaderFacts, Refusal>,
    /// The first frame; `None` where there is no header.
    pub(crate) picture: Option<Result<PictureFacts, Refusal>>,
    /// All frames; `None` for formats without frames, and for animations over the limit on their area, which are never played.
    pub(crate) animation: Option<Result<AnimationFacts, Refusal>>,
    /// The job `format=json`.
    pub(crate) json: Result<String, Answer>,
    /// The job without an option.
    pub(crate) plain: Result<Sent, Answer>,
    /// The size that the job `svg=raster` gave, for SVG alone.
    pub(crate) raster: Option<Result<(u32, u32), Answer>>,
    /// Frames in the file by our own count.
    pub(crate) frames_present: Option<u64>,
    /// What each step took, in their order.
    pub(crate) steps: Vec<Step>,
}

/// What one way of reading the file took.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Step {
    /// `codec`, or the job.
    pub(crate) name: String,
    /// Processor time.
    pub(crate) cpu_ms: u64,
    /// The most that its budget held.
    pub(crate) accounted_bytes: u64,
    /// By how much the process grew at its peak, the result's bytes not counted.
    pub(crate) growth_bytes: u64,
}

impl Step {
    fn ended(name: &str, meter: &Meter, accounted_bytes: u64, result_bytes: usize) -> Self {
        Self {
            name: name.to_owned(),
            cpu_ms: meter.cpu_ms(),
            accounted_bytes,
            growth_bytes: meter.growth().saturating_sub(result_bytes as u64),
        }
    }

    /// Memory that was taken and not accounted for.
    pub(crate) fn unaccounted_bytes(&self) -> u64 {
        self.growth_bytes.saturating_sub(self.accounted_bytes)
    }
}

/// The header, in plain values.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct HeaderFacts {
    pub(crate) format: String,
    pub(crate) size: (u32, u32),
    pub(crate) upright: (u32, u32),
    /// The EXIF value.
    pub(crate) orientation: u8,
    pub(crate) frames: u32,
    pub(crate) frames_area: u64,
    pub(crate) bit_depth: u8,
}

/// A decoded picture.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PictureFacts {
    pub(crate) size: (u32, u32),
    /// Of the raw RGBA.
    pub(crate) sha256: String,
    /// Of the raw RGBA, where what is clear has no colour.
    pub(crate) visible_sha256: String,
    /// Of the upright RGBA, if the picture has to be turned.
    pub(crate) upright_sha256: Option<String>,
    /// Upright; ICC profiles applied and nothing else, as the references do.
    pub(crate) grid: Vec<[f64; 3]>,
    /// Of a GIF whose first frame leaves some of the screen free.
    pub(crate) beside: Option<Beside>,
    /// Of a PNG with a gamma of its own: what the samples and the file say, and the grid of the picture with all of its colours applied.
    pub(crate) gamma: Option<(Gamma, Vec<[f64; 3]>)>,
}

/// The same picture with what lies beside the first frame of a GIF painted as the references paint it.
///
/// Browsers leave it clear, and so do we; Pillow and libvips show the first colour there. So that the frame itself is still compared exactly, it is
/// painted over with that colour, and looked at once more.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Beside {
    /// Whether all of it was clear before.
    pub(crate) was_clear: bool,
    pub(crate) sha256: String,
    pub(crate) grid: Vec<[f64; 3]>,
}

/// All frames of an animation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AnimationFacts {
    pub(crate) frames: u32,
    /// Of all frames.
    pub(crate) duration_ms: u64,
    /// Of the first frame, as [`PictureFacts::visible_sha256`].
    pub(crate) first_sha256: String,
    /// Whether the picture that stills are made of is the first frame: not so in a PNG whose default image has no frame header.
    pub(crate) begins_with_picture: bool,
    /// Whether every frame had the size of the canvas.
    pub(crate) whole_canvas: bool,
}

/// Why the codec refused.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) kind: RefusalKind,
    pub(crate) text: String,
}

/// The kinds of [`CodecError`] that make a difference here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RefusalKind {
    NotAnImage,
    Unsupported,
    Limit,
    Encode,
    /// Damage, a size of 0, a decoder that is not installed.
    Other,
}

impl From<CodecError> for Refusal {
    fn from(error: CodecError) -> Self {
        let kind = match error {
            CodecError::NotAnImage => RefusalKind::NotAnImage,
            CodecError::Unsupported { .. } => RefusalKind::Unsupported,
            CodecError::Limit { .. } => RefusalKind::Limit,
            CodecError::Encode { .. } => RefusalKind::Encode,
            CodecError::Corrupt { .. } | CodecError::Empty | CodecError::NotInstalled { .. } => RefusalKind::Other,
        };
        Self {
            kind,
            text: error.to_string(),
        }
    }
}

/// An error of the wire protocol.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl From<Fault> for Answer {
    fn from(fault: Fault) -> Self {
        Self {
            code: fault.code(),
            status: fault.status(),
            text: fault.to_string(),
        }
    }
}

/// What a job sends.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Sent {
    pub(crate) content_type: String,
    pub(crate) size: Option<(u32, u32)>,
    /// The text, if it is an SVG.
    pub(crate) svg: Option<String>,
}

/// The bounds of a run: the defaults, but for the sides.
pub(crate) fn limits(side_px_max: u32) -> Limits {
    Limits {
        side_px_max,
        ..Limits::default()
    }
}

/// Reads a file in every way there is.
pub(crate) fn gather(bytes: &[u8], side_px_max: u32) -> Facts {
    let limits = limits(side_px_max);
    let meter = Meter::start();
    let header = probe(bytes, &limits);
    let mut facts = Facts {
        picture: None,
        animation: None,
        json: Ok(String::new()),
        plain: Ok(Sent {
            content_type: String::new(),
            size: None,
            svg: None,
        }),
        raster: None,
        frames_present: present::frames(bytes),
        steps: Vec::new(),
        header: header.as_ref().map(header_facts).map_err(|error| error.clone().into()),
    };
    if let Ok(header) = &header {
        let budget = Budget::new(limits.job_memory_bytes_max);
        // An SVG has no pixels of its own.
        if header.format.name() != "svg" {
            facts.picture = Some(first_frame(bytes, header, &limits, &budget).map_err(Refusal::from));
            let has_frames = matches!(header.format.name(), "gif" | "png" | "webp" | "avif" | "jxl");
            if has_frames && header.frames_area <= limits.animation_area_px_refused {
                let frames =
                    decode_animation(bytes, header, &limits, &budget).and_then(|all| all_frames(all, header, bytes));
                facts.animation = Some(frames.map_err(Refusal::from));
            }
        }
        facts.steps.push(Step::ended("codec", &meter, budget.peak(), 0));
        assert_eq!(
            budget.held(),
            0,
            "bytes are still charged when everything has been dropped"
        );
    }
    let mut steps = std::mem::take(&mut facts.steps);
    let decoding_peak_bytes = steps.iter().map(|step| step.accounted_bytes).max().unwrap_or_default();
    let mut job = |name: &str, output: Output| {
        let meter = Meter::start();
        let plan = Plan {
            output,
            ..Plan::default()
        };
        let done = run(&Job {
            plan: &plan,
            source: bytes,
            overlays: &NoOverlays,
            accepted: AcceptedFormats::default(),
            limits: &limits,
            vision: &NoModels,
            deadline: None,
            hosted: false,
        });
        // What a refused job had on its account is not told; it decodes as the codec has just done.
        let (accounted, sent) = done.as_ref().map_or((decoding_peak_bytes, 0), |done| {
            (done.memory_peak_bytes, done.bytes.len())
        });
        steps.push(Step::ended(name, &meter, accounted, sent));
        done.map_err(Answer::from)
    };
    let described = job(
        "format=json",
        Output {
            format: FormatChoice::Json,
            ..Output::default()
        },
    );
    facts.json = described.map(|done| String::from_utf8(done.bytes).unwrap());
    let is_svg = calotype_codec::sniff(bytes).is_some_and(|format| format.name() == "svg");
    facts.plain = job("no option", Output::default()).map(|done| Sent {
        content_type: done.content_type.to_owned(),
        size: done.size.map(pair),
        svg: (done.format == OutputFormat::Svg).then(|| String::from_utf8_lossy(&done.bytes).into_owned()),
    });
    if is_svg {
        let rendered = job(
            "svg=raster",
            Output {
                format: FormatChoice::Rgba,
                rasterize_svg: true,
                ..Output::default()
            },
        );
        facts.raster = Some(rendered.map(|done| {
            let size = done.size.unwrap();
            let picture = Picture::from_raw(size, Layout::Rgba, done.bytes).unwrap();
            pair(picture.size())
        }));
    }
    facts.steps = steps;
    facts
}

fn header_facts(header: &Header) -> HeaderFacts {
    HeaderFacts {
        format: header.format.name().to_owned(),
        size: pair(header.size),
        upright: pair(header.upright_size()),
        orientation: exif_value(header.orientation),
        frames: header.frames,
        frames_area: header.frames_area,
        bit_depth: header.bit_depth,
    }
}

fn first_frame(bytes: &[u8], header: &Header, limits: &Limits, budget: &Budget) -> Result<PictureFacts, CodecError> {
    let decoded = decode(bytes, header, &DecodeRequest::default(), limits, budget)?;
    let mut picture = decoded.picture;
    assert!(
        budget.peak() >= picture.data().len() as u64,
        "the picture was not charged"
    );
    let orientation = exif_value(header.orientation);
    let raw = sha256(&picture);
    let visible_sha256 = visible_sha256(&picture);
    let upright_sha256 = (orientation != 1).then(|| hex(Sha256::digest(grid::turned(&pixels(&picture), orientation))));
    let beside = beside(bytes, &picture);
    // The references have an ICC profile for every picture of JPEG XL, however the file describes its colours.
    if matches!(decoded.color, ColorSource::Icc(_)) || header.format == ImageFormat::Jxl {
        to_srgb(&mut picture, &decoded.color)?;
    }
    let cells = grid::grid(&pixels(&picture), orientation);
    let gamma = match header.profile {
        ColorProfile::Gamma => png_colors::gamma(bytes, orientation),
        _ => None,
    };
    let gamma = match gamma {
        Some(gamma) => {
            to_srgb(&mut picture, &decoded.color)?;
            Some((gamma, grid::grid(&pixels(&picture), orientation)))
        }
        None => None,
    };
    Ok(PictureFacts {
        size: pair(picture.size()),
        sha256: raw,
        visible_sha256,
        upright_sha256,
        grid: cells,
        beside,
        gamma,
    })
}

fn beside(bytes: &[u8], picture: &Picture) -> Option<Beside> {
    let gif = present::gif(bytes).filter(|_| bytes.starts_with(b"GIF8"))?;
    let size = picture.size();
    let [left, top, width, height] = gif.first;
    let across = left..left.saturating_add(width).min(size.width);
    let down = top..top.saturating_add(height).min(size.height);
    if across.len() == size.width as usize && down.len() == size.height as usize {
        return None;
    }
    let mut data = Vec::with_capacity(size.area() as usize * 4);
    let mut was_clear = true;
    for y in 0..size.height {
        for (x, pixel) in (0..).zip(picture.row(y).chunks_exact(picture.channels())) {
            let pixel = [pixel[0], pixel[1], pixel[2], pixel.get(3).copied().unwrap_or(255)];
            let is_beside = !across.contains(&x) || !down.contains(&y);
            was_clear &= !is_beside || pixel[3] == 0;
            data.extend_from_slice(if is_beside { &gif.beside } else { &pixel });
        }
    }
    let painted = Picture::from_raw(size, Layout::Rgba, data).unwrap();
    Some(Beside {
        was_clear,
        sha256: sha256(&painted),
        grid: grid::grid(&pixels(&painted), 1),
    })
}

/// PNG 3rd edition, section 5.6: the default image is a frame if a frame header comes before its data.
fn begins_with_picture(bytes: &[u8]) -> bool {
    let first = |name: &[u8; 4]| bytes.windows(4).position(|window| window == name);
    match (bytes.starts_with(b"\x89PNG"), first(b"fcTL"), first(b"IDAT")) {
        (true, Some(header), Some(data)) => header < data,
        _ => true,
    }
}

fn all_frames(animation: Animation<'_>, header: &Header, bytes: &[u8]) -> Result<AnimationFacts, CodecError> {
    let mut facts = AnimationFacts {
        frames: 0,
        duration_ms: 0,
        first_sha256: String::new(),
        begins_with_picture: begins_with_picture(bytes),
        whole_canvas: true,
    };
    for frame in animation {
        let frame = frame?;
        if facts.frames == 0 {
            facts.first_sha256 = visible_sha256(&frame.picture);
        }
        facts.frames += 1;
        facts.duration_ms += u64::try_from(frame.duration.as_millis()).unwrap_or(u64::MAX);
        facts.whole_canvas &= frame.picture.size() == header.size;
    }
    Ok(facts)
}

pub(crate) fn pixels(picture: &Picture) -> Pixels<'_> {
    Pixels {
        width: picture.size().width,
        height: picture.size().height,
        channels: picture.channels(),
        data: picture.data(),
    }
}

/// The hash of a picture as RGBA8; opaque where it has no alpha.
fn sha256(picture: &Picture) -> String {
    let mut hash = Sha256::new();
    if picture.layout() == Layout::Rgba {
        hash.update(picture.data());
    } else {
        for row in picture.rows() {
            let opaque: Vec<u8> = row
                .as_chunks::<3>()
                .0
                .iter()
                .flat_map(|&[r, g, b]| [r, g, b, 255])
                .collect();
            hash.update(opaque);
        }
    }
    hex(hash.finalize())
}

/// The same, where all pixels that are clear are alike.
fn visible_sha256(picture: &Picture) -> String {
    let mut hash = Sha256::new();
    for row in picture.rows() {
        let pixel = |pixel: &[u8]| match *pixel {
            [_, _, _, 0] => [0; 4],
            [r, g, b, a] => [r, g, b, a],
            [r, g, b] => [r, g, b, 255],
            _ => unreachable!("a pixel has three or four samples"),
        };
        hash.update(
            row.chunks_exact(picture.channels())
                .flat_map(pixel)
                .collect::<Vec<u8>>(),
        );
    }
    hex(hash.finalize())
}

fn hex(hash: impl AsRef<[u8]>) -> String {
    hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn pair(size: Size) -> (u32, u32) {
    (size.width, size.height)
}

pub(crate) fn exif_value(orientation: Orientation) -> u8 {
    match orientation {
        Orientation::Upright => 1,
        Orientation::FlipH => 2,
        Orientation::Rotate180 => 3,
        Orientation::FlipV => 4,
        Orientation::Transpose => 5,
        Orientation::Rotate90 => 6,
        Orientation::Transverse => 7,
        Orientation::Rotate270 => 8,
    }
}
