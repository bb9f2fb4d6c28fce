//! The options that work on pixels: those of the main picture, of an overlay, and of one `transform` node of the binding (spec section 3).

use super::Door;
use super::border::Border;
use super::reader::Reader;
use super::tree::{Leaf, Node};
use super::trim::{PixelsOrShare, Trim, pixels_or_share};
use crate::op::{Background, FaceCrop, Fit, Flip, Gravity, GravityMode, Length, Op, Resize, Rotate, Upscale};
use crate::{Color, Decimal, Fault, Size, Warning, rhu};

/// Widths and heights saturate here: far above every limit on a side, and small enough that exact geometry cannot overflow.
const LENGTH_PX_MAX: i64 = 1 << 24;

/// One pass, validated but not yet settled: dpr and `width=auto` are still apart.
#[derive(Debug, Clone, Default)]
pub(super) struct Pass {
    pub(super) width: Option<Width>,
    pub(super) height: Option<PixelsOrShare>,
    dpr: Option<Decimal>,
    fit: Option<Fit>,
    gravity: Option<GravityWord>,
    gravity_x: Option<Decimal>,
    gravity_y: Option<Decimal>,
    gravity_mode: Option<GravityMode>,
    zoom: Option<Decimal>,
    trim: Option<Trim>,
    border: Option<Border>,
    background: Option<Color>,
    brightness: Option<Decimal>,
    contrast: Option<Decimal>,
    gamma: Option<Decimal>,
    saturation: Option<Decimal>,
    sharpen: Option<Decimal>,
    blur: Option<Decimal>,
    flip: Option<Option<Flip>>,
    rotate: Option<Option<Rotate>>,
    upscale: Option<Upscale>,
    segment: bool,
}

/// What `width` said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    Fixed(PixelsOrShare),
    /// `width=auto`: settled by the request's hints.
    Auto,
}

#[derive(Debug, Clone, Copy)]
enum GravityWord {
    Point(Decimal, Decimal),
    Auto,
    Entropy,
    Face,
}

const FITS: &[(&str, Fit)] = &[
    ("scale-down", Fit::ScaleDown),
    ("contain", Fit::Contain),
    ("cover", Fit::Cover),
    ("crop", Fit::Crop),
    ("aspect-crop", Fit::AspectCrop),
    ("pad", Fit::Pad),
    ("squeeze", Fit::Squeeze),
    ("scale-up", Fit::ScaleUp),
];

const FLIPS: &[(&str, Flip)] = &[
    ("h", Flip::Horizontal),
    ("v", Flip::Vertical),
    ("hv", Flip::Both),
    ("vh", Flip::Both),
];

impl Pass {
    /// Reads one option. `false`: the name is none of a pass.
    pub(super) fn read(&mut self, reader: &mut Reader<'_>, name: &str, key: &str, node: &Node) -> Result<bool, Fault> {
        match name {
            "width" => {
                if let Some(width) = self.read_width(reader, key, node)? {
                    self.width = Some(width);
                }
            }
            "height" => {
                if Reader::text(node) != Some("auto") {
                    self.height = read_length(reader, key, node)?.or(self.height);
                }
            }
            "dpr" => self.read_dpr(reader, key, node)?,
            "fit" => self.fit = reader.word(key, node, FITS)?.or(self.fit),
            "gravity" => self.read_gravity(reader, key, node)?,
            "zoom" => self.zoom = reader.ranged(key, node, 1)?.or(self.zoom),
            "trim" => self.trim = Trim::read(reader, key, node)?.or(self.trim.take()),
            "border" => self.border = Border::read(reader, key, node)?.or(self.border.take()),
            "background" => self.background = reader.color(key, node)?.or(self.background),
            "brightness" => self.brightness = reader.ranged(key, node, 255)?.or(self.brightness),
            "contrast" => self.contrast = reader.ranged(key, node, 255)?.or(self.contrast),
            "gamma" => self.gamma = reader.ranged(key, node, 255)?.or(self.gamma),
            "saturation" => self.saturation = reader.ranged(key, node, 255)?.or(self.saturation),
            "sharpen" => self.sharpen = reader.ranged(key, node, 10)?.or(self.sharpen),
            "blur" => self.blur = reader.ranged(key, node, 250)?.or(self.blur),
            "flip" => self.flip = reader.word(key, node, FLIPS)?.map(Some).or(self.flip),
            "rotate" => self.read_rotate(reader, key, node)?,
            "upscale" => {
                let words = &[("interpolate", Upscale::Interpolate), ("generate", Upscale::Generate)];
                self.upscale = reader.word(key, node, words)?.or(self.upscale);
            }
            "segment" => self.segment |= reader.word(key, node, &[("foreground", ())])?.is_some(),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn read_width(&mut self, reader: &mut Reader<'_>, key: &str, node: &Node) -> Result<Option<Width>, Fault> {
        if Reader::text(node) == Some("auto") && reader.door.knows_the_request() {
            return Ok(Some(Width::Auto));
        }
        Ok(read_length(reader, key, node)?.map(Width::Fixed))
    }

    /// 0 and negative are unreadable, above 2 is clamped with a warning (spec 5.2).
    fn read_dpr(&mut self, reader: &mut Reader<'_>, key: &str, node: &Node) -> Result<(), Fault> {
        let Some(dpr) = reader.decimal(key, node)? else {
            return Ok(());
        };
        if dpr <= Decimal::ZERO {
            reader.unreadable::<()>(key, "a number above 0")?;
        } else if dpr > Decimal::from_int(2) {
            reader.warn(Warning::DprTooLarge);
            self.dpr = Some(Decimal::from_int(2));
        } else {
            self.dpr = Some(dpr);
        }
        Ok(())
    }

    fn read_gravity(&mut self, reader: &mut Reader<'_>, key: &str, node: &Node) -> Result<(), Fault> {
        if node.leaf.is_some() {
            let word = match Reader::text(node) {
                Some("auto") => Some(GravityWord::Auto),
                Some("entropy") => Some(GravityWord::Entropy),
                Some("face") => Some(GravityWord::Face),
                Some("left") => Some(GravityWord::Point(Decimal::ZERO, Decimal::HALF)),
                Some("right") => Some(GravityWord::Point(Decimal::ONE, Decimal::HALF)),
                Some("top") => Some(GravityWord::Point(Decimal::HALF, Decimal::ZERO)),
                Some("bottom") => Some(GravityWord::Point(Decimal::HALF, Decimal::ONE)),
                Some("center") => Some(GravityWord::Point(Decimal::HALF, Decimal::HALF)),
                Some(text) => text
                    .split_once('x')
                    .and_then(|(x, y)| Some(GravityWord::Point(Decimal::parse(x)?, Decimal::parse(y)?))),
                None => None,
            };
            match word {
                Some(GravityWord::Point(x, y)) if !(is_share(x) && is_share(y)) => {
                    return Err(Reader::refused(
                        key,
                        "a point with both coordinates between 0 and 1, for example 0.5x0.2",
                    ));
                }
                Some(word) => self.gravity = Some(word),
                None => {
                    let wanted = "auto, face, entropy, left, right, top, bottom, center or a point such as 0.5x0.2";
                    reader.unreadable::<()>(key, wanted)?;
                }
            }
        }
        for (name, member) in &node.members {
            let path = format!("{key}.{name}");
            match name.as_str() {
                "x" => self.gravity_x = reader.ranged(&path, member, 1)?.or(self.gravity_x),
                "y" => self.gravity_y = reader.ranged(&path, member, 1)?.or(self.gravity_y),
                "zoom" => self.zoom = reader.ranged(&path, member, 1)?.or(self.zoom),
                "mode" => {
                    let words = &[
                        ("remainder", GravityMode::Remainder),
                        ("box-center", GravityMode::BoxCenter),
                    ];
                    self.gravity_mode = reader.word(&path, member, words)?.or(self.gravity_mode);
                }
                _ => reader.unknown(&path),
            }
        }
        Ok(())
    }

    fn read_rotate(&mut self, reader: &mut Reader<'_>, key: &str, node: &Node) -> Result<(), Fault> {
        let Some(angle) = reader.decimal(key, node)? else {
            return Ok(());
        };
        let degrees = angle.round();
        if !angle.is_whole() || degrees < 0 || degrees % 90 != 0 {
            return Err(Reader::refused(key, "0, 90, 180 or 270 degrees"));
        }
        self.rotate = Some(match degrees % 360 {
            90 => Some(Rotate::Deg90),
            180 => Some(Rotate::Deg180),
            270 => Some(Rotate::Deg270),
            _ => None,
        });
        Ok(())
    }

    /// Whether the size asked for depends on the request.
    pub(super) fn has_auto_width(&self) -> bool {
        self.width == Some(Width::Auto)
    }

    /// The operations of the pass in the fixed order of spec section 4. `auto_width` is what `width=auto` came to; `draws` are painted between the
    /// effects and the border.
    pub(super) fn ops(&self, auto_width: Option<u32>, draws: Vec<Op>, warnings: &mut Vec<Warning>) -> Vec<Op> {
        let mut ops = Vec::new();
        let dpr = self.dpr.unwrap_or(Decimal::ONE);
        if let Some(trim) = &self.trim {
            trim.ops(dpr, &mut ops);
        }
        ops.extend(self.flip.flatten().map(Op::Flip));
        ops.extend(self.rotate.flatten().map(Op::Rotate));

        let width = match self.width {
            Some(Width::Fixed(width)) => Some(settle_length(width, dpr)),
            Some(Width::Auto) => auto_width.map(|px| settle_length(PixelsOrShare::Px(i64::from(px)), dpr)),
            None => None,
        };
        let height = self.height.map(|height| settle_length(height, dpr));
        let asked = self.fit.unwrap_or_default();
        let mut fit = asked;
        if width.is_some() != height.is_some() {
            fit = match asked {
                Fit::Cover | Fit::Pad | Fit::Squeeze => Fit::Contain,
                Fit::Crop | Fit::AspectCrop => Fit::ScaleDown,
                other => other,
            };
            if fit != asked {
                warnings.push(Warning::FitNeedsBoth(asked.name()));
            }
        }
        let resizes = width.is_some() || height.is_some();
        let cuts = resizes && fit.cuts();
        let gravity = self.gravity();
        let zoom = self.zoom.unwrap_or(Decimal::ZERO);
        if gravity == Gravity::Face && (cuts || zoom > Decimal::ZERO) {
            let ratio = match (width, height) {
                (Some(Length::Px(w)), Some(Length::Px(h))) if cuts => Some(Size::new(w, h)),
                _ => None,
            };
            ops.push(Op::FaceCrop(FaceCrop { zoom, ratio }));
        }
        if self.segment {
            ops.push(Op::Segment);
        }
        if resizes {
            let gravity = if cuts { gravity } else { Gravity::CENTER };
            // Modes that never enlarge have nothing to generate (spec 5.10).
            let enlarges = !matches!(fit, Fit::ScaleDown | Fit::Crop | Fit::AspectCrop);
            let upscale = self.upscale.filter(|_| enlarges).unwrap_or_default();
            ops.push(Op::Resize(Resize {
                width,
                height,
                fit,
                gravity,
                upscale,
            }));
        }
        // The pad canvas is white when no colour is given (spec 5.8); transparency must go, so the white lies under all of the picture.
        let pads = resizes && fit == Fit::Pad;
        ops.extend(
            self.background
                .or(pads.then_some(Color::WHITE))
                .map(|color| Op::Background(Background(color))),
        );

        let factor = |value: Option<Decimal>| value.filter(|v| *v != Decimal::ONE);
        let factor_ignoring_zero = |value: Option<Decimal>| factor(value).filter(|v| *v != Decimal::ZERO);
        let amount = |value: Option<Decimal>| value.filter(|v| *v != Decimal::ZERO);
        ops.extend(factor_ignoring_zero(self.brightness).map(Op::Brightness));
        ops.extend(factor_ignoring_zero(self.contrast).map(Op::Contrast));
        ops.extend(factor_ignoring_zero(self.gamma).map(Op::Gamma));
        ops.extend(factor(self.saturation).map(Op::Saturation));
        ops.extend(amount(self.sharpen).map(Op::Sharpen));
        ops.extend(amount(self.blur).map(Op::Blur));
        ops.extend(draws);
        ops.extend(self.border.as_ref().and_then(|border| border.op(dpr)));
        ops
    }

    fn gravity(&self) -> Gravity {
        let mode = self.gravity_mode.unwrap_or_default();
        let (x, y) = match self.gravity {
            Some(GravityWord::Auto) if self.gravity_x.is_none() && self.gravity_y.is_none() => return Gravity::Auto,
            Some(GravityWord::Entropy) if self.gravity_x.is_none() && self.gravity_y.is_none() => {
                return Gravity::Entropy;
            }
            Some(GravityWord::Face) if self.gravity_x.is_none() && self.gravity_y.is_none() => return Gravity::Face,
            Some(GravityWord::Point(x, y)) => (x, y),
            _ => (Decimal::HALF, Decimal::HALF),
        };
        let (x, y) = (self.gravity_x.unwrap_or(x), self.gravity_y.unwrap_or(y));
        Gravity::Point { x, y, mode }
    }
}

fn is_share(value: Decimal) -> bool {
    value >= Decimal::ZERO && value <= Decimal::ONE
}

/// A width or height: pixels, or for an overlay a share of the base.
fn read_length(reader: &mut Reader<'_>, key: &str, node: &Node) -> Result<Option<PixelsOrShare>, Fault> {
    if reader.in_overlay {
        if let Some(share) = node.members.get("share").filter(|_| reader.door == Door::Canonical) {
            return Ok(reader.decimal(key, share)?.map(PixelsOrShare::Share));
        }
        return match pixels_or_share(node) {
            Some(length) => Ok(Some(length)),
            None => reader.unreadable(key, "a positive number of pixels, or a share of the base from 0 to 1"),
        };
    }
    match &node.leaf {
        // A node that holds members alone (`width.breakpoints`) says nothing about the width itself.
        None if !node.members.is_empty() => Ok(None),
        Some(Leaf::Text(_) | Leaf::Number(_)) => Ok(reader.pixels(key, node, 1)?.map(PixelsOrShare::Px)),
        _ => reader.unreadable(key, "a positive whole number of pixels"),
    }
}

/// `max(1, rhu(length * dpr))` (spec 5.2).
fn settle_length(length: PixelsOrShare, dpr: Decimal) -> Length {
    match length {
        PixelsOrShare::Px(px) => {
            let px = i128::from(px.min(LENGTH_PX_MAX));
            let settled = rhu(px * dpr.units(), Decimal::ONE.units()).clamp(1, i128::from(LENGTH_PX_MAX));
            Length::Px(u32::try_from(settled).unwrap_or(u32::MAX))
        }
        PixelsOrShare::Share(share) => Length::OfBase(share.times(dpr)),
    }
}
