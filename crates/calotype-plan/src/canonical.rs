//! The one canonical print of a plan, its way back, and the key made of it.
//!
//! A plan prints as passes joined by `|`; each pass is an option segment in the fixed order of operations, with full names, no defaults and no dpr. A
//! plan of one pass therefore prints as options that the URL interface reads again. Layers with passes or layers of their own print as an `ops` member.

use std::fmt::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use sha2::{Digest, Sha256};

use crate::op::{
    ColorTrim, Composite, Draw, DrawSource, Edge, FaceCrop, Fit, Flip, Font, FormatChoice, Gravity, GravityMode,
    Length, Metadata, Offset, Op, Output, Plan, Repeat, Resize, Text, Upscale,
};
use crate::{AcceptedFormats, ClientHints, Color, Decimal, Fault, Limits, Options, Size};

/// What must not stand raw in a value: separators of the grammar, of URLs and of passes.
const VALUE: &AsciiSet = &CONTROLS
    .add(b'%')
    .add(b',')
    .add(b'/')
    .add(b'|')
    .add(b'?')
    .add(b'#')
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'=');

/// The identity of a result's recipe: equal plans have equal keys, whatever door they came through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlanKey([u8; 16]);

impl PlanKey {
    /// The sixteen bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for PlanKey {
    /// base64url without padding, 22 characters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl Plan {
    /// The canonical print. [`Plan::from_canonical`] reads it back to the same plan.
    #[must_use]
    pub fn canonical(&self) -> String {
        let mut text = print_ops(&self.ops);
        let output = print_output(&self.output);
        if !text.is_empty() && !output.is_empty() {
            text.push(',');
        }
        text.push_str(&output);
        match &self.canvas {
            // A pass of its own, before all others.
            Some(canvas) => format!("{}|{text}", print_canvas(canvas)),
            None => text,
        }
    }

    /// Reads a canonical print. Errors as [`Options::parse_json`].
    pub fn from_canonical(text: &str, limits: &Limits) -> Result<Self, Fault> {
        let mut plan = Self::default();
        let mut text = text;
        if text.starts_with("text=") {
            let (canvas, rest) = text.split_once('|').unwrap_or((text, ""));
            plan.canvas = Some(Options::parse_canonical_text(canvas, limits)?);
            text = rest;
        }
        for pass in text.split('|').filter(|pass| !pass.is_empty()) {
            let part = Options::parse_canonical(pass, limits)?
                .plan(&ClientHints::default())
                .plan;
            plan.ops.extend(part.ops);
            plan.output = part.output;
        }
        Ok(plan)
    }

    /// The plan's identity together with what of `Accept` it depends on. Source identity, limits and encoder versions are the cache's to add.
    #[must_use]
    pub fn key(&self, accepted: AcceptedFormats) -> PlanKey {
        let accepted = accepted.relevant_to(&self.output);
        let mut hash = Sha256::new();
        hash.update(b"calotype plan 1\0");
        hash.update(self.canonical().as_bytes());
        hash.update([0, u8::from(accepted.avif), u8::from(accepted.webp)]);
        let digest = hash.finalize();
        let mut key = [0; 16];
        key.copy_from_slice(&digest[..16]);
        PlanKey(key)
    }
}

/// Reads a chain of passes back to operations.
pub(crate) fn parse_ops(text: &str, limits: &Limits) -> Result<Vec<Op>, Fault> {
    Ok(Plan::from_canonical(text, limits)?.ops)
}

fn print_ops(ops: &[Op]) -> String {
    passes(ops)
        .iter()
        .map(|pass| print_pass(pass, ""))
        .collect::<Vec<_>>()
        .join("|")
}

/// The fixed place of an operation within a pass (spec section 4).
const fn rank(op: &Op) -> u8 {
    match op {
        Op::Trim(_) => 0,
        Op::TrimColor(_) => 1,
        Op::Flip(_) => 2,
        Op::Rotate(_) => 3,
        Op::FaceCrop(_) => 4,
        Op::Segment => 5,
        Op::Resize(_) => 6,
        Op::Background(_) => 7,
        Op::Brightness(_) => 8,
        Op::Contrast(_) => 9,
        Op::Gamma(_) => 10,
        Op::Saturation(_) => 11,
        Op::Sharpen(_) => 12,
        Op::Blur(_) => 13,
        Op::Draw(_) => 14,
        Op::Border(_) => 15,
    }
}

/// Splits operations into the fewest passes that print them.
fn passes(ops: &[Op]) -> Vec<&[Op]> {
    let mut passes = Vec::new();
    let mut start = 0;
    for index in 1..ops.len() {
        let (before, op) = (&ops[index - 1], &ops[index]);
        let in_order = rank(before) < rank(op) || matches!((before, op), (Op::Draw(_), Op::Draw(_)));
        let agrees = match op {
            Op::Resize(resize) => agrees_with_faces(&ops[start..index], resize),
            _ => true,
        };
        if !in_order || !agrees {
            passes.push(&ops[start..index]);
            start = index;
        }
    }
    if start < ops.len() {
        passes.push(&ops[start..]);
    }
    passes
}

/// Whether a resize may share a pass with the face crop before it: a pass has one gravity.
fn agrees_with_faces(before: &[Op], resize: &Resize) -> bool {
    let Some(face) = before
        .iter()
        .find_map(|op| if let Op::FaceCrop(face) = op { Some(face) } else { None })
    else {
        return true;
    };
    let ratio = match (resize.width, resize.height) {
        (Some(Length::Px(w)), Some(Length::Px(h))) if resize.fit.cuts() => Some(Size::new(w, h)),
        _ => None,
    };
    face.ratio == ratio && (!resize.fit.cuts() || resize.gravity == Gravity::Face)
}

/// One pass as an option segment; `prefix` is that of an overlay.
fn print_pass(ops: &[Op], prefix: &str) -> String {
    let mut out = Printer {
        text: String::new(),
        prefix,
    };
    let mut draws = 0;
    for op in ops {
        match op {
            Op::Trim(trim) => {
                for (name, edge) in [
                    ("trim.left", trim.left),
                    ("trim.top", trim.top),
                    ("trim.right", trim.right),
                    ("trim.bottom", trim.bottom),
                    ("trim.width", trim.width),
                    ("trim.height", trim.height),
                ] {
                    match edge {
                        Some(Edge::Px(px)) => out.item(name, px),
                        Some(Edge::Share(share)) => out.item(name, print_share(share)),
                        None => {}
                    }
                }
            }
            Op::TrimColor(trim) => {
                out.item("trim", "border");
                if let Some(color) = trim.color {
                    out.item("trim.border.color", color);
                }
                if trim.tolerance != ColorTrim::DEFAULT_TOLERANCE {
                    out.item("trim.border.tolerance", trim.tolerance);
                }
                if trim.keep != 0 {
                    out.item("trim.border.keep", trim.keep);
                }
            }
            Op::Flip(flip) => out.item(
                "flip",
                match flip {
                    Flip::Horizontal => "h",
                    Flip::Vertical => "v",
                    Flip::Both => "hv",
                },
            ),
            Op::Rotate(rotate) => out.item("rotate", rotate.degrees()),
            Op::FaceCrop(FaceCrop { zoom, .. }) => {
                out.item("gravity", "face");
                if *zoom != Decimal::ZERO {
                    out.item("zoom", zoom);
                }
            }
            Op::Segment => out.item("segment", "foreground"),
            Op::Resize(resize) => print_resize(resize, &mut out),
            Op::Background(background) => out.item("background", background.0),
            Op::Brightness(factor) => out.item("brightness", factor),
            Op::Contrast(factor) => out.item("contrast", factor),
            Op::Gamma(exponent) => out.item("gamma", exponent),
            Op::Saturation(factor) => out.item("saturation", factor),
            Op::Sharpen(amount) => out.item("sharpen", amount),
            Op::Blur(radius) => out.item("blur", radius),
            Op::Draw(draw) => {
                print_draw(draw, draws, &mut out);
                draws += 1;
            }
            Op::Border(border) => {
                let sides = [border.top, border.right, border.bottom, border.left];
                if sides.iter().all(|side| *side == border.top) {
                    out.item("border", border.top);
                } else {
                    for (name, px) in ["border.top", "border.right", "border.bottom", "border.left"]
                        .into_iter()
                        .zip(sides)
                    {
                        if px != 0 {
                            out.item(name, px);
                        }
                    }
                }
                if border.color != Color::BLACK {
                    out.item("border.color", border.color);
                }
            }
        }
    }
    out.text
}

fn print_resize(resize: &Resize, out: &mut Printer<'_>) {
    for (name, length) in [("width", resize.width), ("height", resize.height)] {
        match length {
            Some(Length::Px(px)) => out.item(name, px),
            Some(Length::OfBase(share)) if share > Decimal::ZERO && share <= Decimal::ONE => {
                out.item(name, print_share(share));
            }
            Some(Length::OfBase(share)) => out.item(&format!("{name}.share"), share),
            None => {}
        }
    }
    if resize.fit != Fit::default() {
        out.item("fit", resize.fit.name());
    }
    match resize.gravity {
        // A face crop before has said so.
        Gravity::Face => {}
        Gravity::Auto => out.item("gravity", "auto"),
        Gravity::Entropy => out.item("gravity", "entropy"),
        gravity if gravity == Gravity::CENTER => {}
        Gravity::Point { x, y, mode } => {
            out.item("gravity", format_args!("{x}x{y}"));
            if mode == GravityMode::BoxCenter {
                out.item("gravity.mode", "box-center");
            }
        }
    }
    if resize.upscale == Upscale::Generate {
        out.item("upscale", "generate");
    }
}

fn print_draw(draw: &Draw, index: usize, out: &mut Printer<'_>) {
    let name = |member: &str| format!("draw.{index}.{member}");
    match &draw.source {
        DrawSource::Url(url) => out.item(&name("url"), url),
        DrawSource::Part(part) => out.item(&name("part"), part),
        DrawSource::Text(text) => print_text(text, &format!("draw.{index}."), out),
    }
    let nested = draw.ops.iter().any(|op| matches!(op, Op::Draw(_)));
    match passes(&draw.ops).as_slice() {
        [] => {}
        [pass] if !nested => {
            let text = print_pass(pass, &format!("{}draw.{index}.", out.prefix));
            out.raw(&text);
        }
        _ => out.item(&name("ops"), print_ops(&draw.ops)),
    }
    for (offset, start, end) in [(draw.x, "left", "right"), (draw.y, "top", "bottom")] {
        match offset {
            Some(Offset::Start(px)) => out.item(&name(start), px),
            Some(Offset::End(px)) => out.item(&name(end), px),
            None => {}
        }
    }
    if draw.opacity != Decimal::ONE {
        out.item(&name("opacity"), draw.opacity);
    }
    match draw.repeat {
        Repeat::No => {}
        Repeat::X => out.item(&name("repeat"), "x"),
        Repeat::Y => out.item(&name("repeat"), "y"),
        Repeat::Both => out.item(&name("repeat"), "true"),
    }
    if draw.composite != Composite::Over {
        out.item(
            &name("composite"),
            match draw.composite {
                Composite::Over => "over",
                Composite::In => "in",
                Composite::Atop => "atop",
                Composite::Out => "out",
                Composite::Xor => "xor",
                Composite::Lighter => "lighter",
            },
        );
    }
}

fn print_canvas(text: &Text) -> String {
    let mut out = Printer {
        text: String::new(),
        prefix: "",
    };
    print_text(text, "", &mut out);
    out.text
}

fn print_text(text: &Text, prefix: &str, out: &mut Printer<'_>) {
    out.item(&format!("{prefix}text"), &text.text);
    if let Font::Url(url) = &text.font {
        out.item(&format!("{prefix}font.url"), url);
    }
    out.item(&format!("{prefix}size"), text.size);
    out.item(&format!("{prefix}color"), text.color);
}

fn print_output(output: &Output) -> String {
    let mut out = Printer {
        text: String::new(),
        prefix: "",
    };
    if output.format != FormatChoice::Absent {
        out.item("format", output.format.name());
    }
    if let Some(quality) = output.quality {
        out.item("quality", quality.get());
    }
    if output.fast {
        out.item("compression", "fast");
    }
    if output.metadata != Metadata::default() {
        out.item("metadata", output.metadata.name());
    }
    if output.still {
        out.item("anim", "false");
    }
    if output.rasterize_svg {
        out.item("svg", "raster");
    }
    out.text
}

/// A share always has a point, so that it reads back as a share.
fn print_share(share: Decimal) -> String {
    if share.is_whole() {
        format!("{share}.0")
    } else {
        share.to_string()
    }
}

struct Printer<'p> {
    text: String,
    prefix: &'p str,
}

impl Printer<'_> {
    fn item(&mut self, name: &str, value: impl fmt::Display) {
        let value = value.to_string();
        if !self.text.is_empty() {
            self.text.push(',');
        }
        let _ = write!(
            self.text,
            "{}{name}={}",
            self.prefix,
            utf8_percent_encode(&value, VALUE)
        );
    }

    fn raw(&mut self, items: &str) {
        if !self.text.is_empty() && !items.is_empty() {
            self.text.push(',');
        }
        self.text.push_str(items);
    }
}
