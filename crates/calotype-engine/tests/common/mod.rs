//! What the tests of the engine share: pictures made on the spot, files made of them, and a short way to run a plan.

#![allow(dead_code, clippy::unwrap_used)] // Each test file uses a part of it, and a test may end by an unwrap.

use calotype_codec::{Budget, DecodeRequest, EncodeRequest, Layout, OutputMetadata, Picture, decode, encode, probe};
use calotype_engine::{Job, NoModels, NoOverlays, Outcome, Overlays, Vision, run};
use calotype_plan::{
    AcceptedFormats, Decimal, Fault, Fit, FormatChoice, Gravity, Length, Limits, Op, Output, Plan, Resize, Size,
    Upscale,
};

/// A picture with gradients, edges and some noise, different in every pixel and channel; with `alpha` also in opacity.
pub(crate) fn picture(size: Size, alpha: bool) -> Picture {
    let layout = if alpha { Layout::Rgba } else { Layout::Rgb };
    let mut data = Vec::new();
    let mut noise = 1_u32;
    for y in 0..size.height {
        for x in 0..size.width {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let checker = if (x / 5 + y / 7) % 2 == 0 { 60 } else { 0 };
            let byte = |value: u32| u8::try_from(value.min(255)).unwrap();
            data.push(byte(x * 190 / size.width + checker));
            data.push(byte(y * 190 / size.height + (noise >> 27)));
            data.push(byte((x + y) * 250 / (size.width + size.height)));
            if alpha {
                data.push(byte(if x < size.width / 8 {
                    0
                } else {
                    255 - (y * 255 / size.height)
                }));
            }
        }
    }
    Picture::from_raw(size, layout, data).unwrap()
}

/// A smooth picture: what a photograph is at the scale of a few pixels.
pub(crate) fn smooth(size: Size) -> Picture {
    let mut data = Vec::new();
    for y in 0..size.height {
        for x in 0..size.width {
            let (u, v) = (
                f64::from(x) / f64::from(size.width),
                f64::from(y) / f64::from(size.height),
            );
            let wave =
                |a: f64, b: f64, c: f64| (127.0 + 100.0 * ((u * a + v * b + c) * std::f64::consts::TAU).sin()) as u8;
            data.extend_from_slice(&[wave(2.0, 1.0, 0.0), wave(1.0, -2.0, 0.3), wave(0.5, 1.5, 0.6)]);
        }
    }
    Picture::from_raw(size, Layout::Rgb, data).unwrap()
}

pub(crate) fn png(picture: &Picture) -> Vec<u8> {
    let request = EncodeRequest::Png {
        palette: calotype_codec::PaletteUse::Never,
        fast: true,
        quality: 85,
    };
    encode(picture, &request, &OutputMetadata::default(), &Budget::unlimited()).unwrap()
}

pub(crate) fn jpeg(picture: &Picture, quality: u8) -> Vec<u8> {
    let request = EncodeRequest::Jpeg {
        quality,
        progressive: false,
    };
    encode(picture, &request, &OutputMetadata::default(), &Budget::unlimited()).unwrap()
}

/// An EXIF block that holds nothing but an orientation.
pub(crate) fn exif_with_orientation(value: u8) -> Vec<u8> {
    let mut exif = b"MM\0\x2a\0\0\0\x08\0\x01".to_vec();
    exif.extend_from_slice(&[0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, value, 0, 0]);
    exif.extend_from_slice(&[0; 4]);
    exif
}

pub(crate) fn unpacked(bytes: &[u8]) -> Picture {
    let limits = Limits::default();
    let header = probe(bytes, &limits).unwrap();
    decode(bytes, &header, &DecodeRequest::default(), &limits, &Budget::unlimited())
        .unwrap()
        .picture
}

/// A plan that gives exact pixels.
pub(crate) fn plan(ops: Vec<Op>) -> Plan {
    Plan {
        ops,
        output: Output {
            format: FormatChoice::PngForce,
            ..Output::default()
        },
        ..Plan::default()
    }
}

/// Everything around a plan that most tests leave alone.
pub(crate) struct Around<'a> {
    pub(crate) overlays: &'a dyn Overlays,
    pub(crate) vision: &'a dyn Vision,
    pub(crate) accepted: AcceptedFormats,
    pub(crate) limits: Limits,
}

impl Default for Around<'_> {
    fn default() -> Self {
        Self {
            overlays: &NoOverlays,
            vision: &NoModels,
            accepted: AcceptedFormats::default(),
            limits: Limits::default(),
        }
    }
}

impl Around<'_> {
    pub(crate) fn run(&self, plan: &Plan, source: &[u8]) -> Result<Outcome, Fault> {
        run(&Job {
            plan,
            source,
            overlays: self.overlays,
            accepted: self.accepted,
            limits: &self.limits,
            vision: self.vision,
            deadline: None,
            hosted: false,
        })
    }

    /// The pixels that operations make of a picture.
    pub(crate) fn pixels(&self, ops: Vec<Op>, source: &[u8]) -> Picture {
        unpacked(&self.run(&plan(ops), source).unwrap().bytes)
    }
}

pub(crate) fn decimal(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}

pub(crate) fn resize(width: u32, height: u32, fit: Fit) -> Op {
    let px = |px: u32| (px > 0).then_some(Length::Px(px));
    Op::Resize(Resize {
        width: px(width),
        height: px(height),
        fit,
        gravity: Gravity::CENTER,
        upscale: Upscale::Interpolate,
    })
}

/// The largest difference of any sample of two pictures of one size; opaque pictures may lack the alpha channel. Where nothing shows, colours do not
/// count.
pub(crate) fn difference(a: &Picture, b: &Picture) -> u8 {
    assert_eq!(a.size(), b.size());
    let mut most = 0;
    for y in 0..a.size().height {
        for x in 0..a.size().width {
            let (a, b) = (a.pixel(x, y).unwrap(), b.pixel(x, y).unwrap());
            if a[3] != 0 || b[3] != 0 {
                most = most.max(a.iter().zip(b).map(|(a, b)| a.abs_diff(b)).max().unwrap());
            }
        }
    }
    most
}

/// A plan for one format.
pub(crate) fn with(format: FormatChoice, ops: Vec<Op>) -> Plan {
    Plan {
        ops,
        output: Output {
            format,
            ..Output::default()
        },
        ..Plan::default()
    }
}
