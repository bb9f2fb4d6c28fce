//! The plan: an ordered list of typed operations and an output description.
//!
//! Whatever dpr, aliases, compact forms and request hints did is settled before a value of these types exists: sizes are final pixels, defaults are
//! left out, numbers are in range. Two plans that do the same thing are equal whatever door they came through.

use crate::{Color, Decimal, Fault, ImageFormat, Size, rhu};

/// What to do with one image.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Plan {
    /// The text that the plan starts from, where it starts from no image (the binding's `text_input`).
    pub canvas: Option<Text>,
    /// The operations, first to last. One URL gives one pass in the fixed order of spec section 4; the binding gives one pass per node.
    pub ops: Vec<Op>,
    /// How the result is written.
    pub output: Output,
}

impl Plan {
    /// Whether any operation can change pixels or size.
    #[must_use]
    pub fn changes_pixels(&self) -> bool {
        self.canvas.is_some() || !self.ops.is_empty()
    }

    /// Every overlay URL in the plan, in order of appearance, nested ones included.
    #[must_use]
    pub fn overlay_urls(&self) -> Vec<&str> {
        let urls = self.draws().into_iter().filter_map(|draw| match &draw.source {
            DrawSource::Url(url) => Some(url.as_str()),
            DrawSource::Text(_) | DrawSource::Part(_) => None,
        });
        urls.collect()
    }

    /// Every text in the plan: the canvas first, then in order of appearance, nested ones included.
    #[must_use]
    pub fn texts(&self) -> Vec<&Text> {
        let drawn = self.draws().into_iter().filter_map(|draw| match &draw.source {
            DrawSource::Text(text) => Some(text),
            DrawSource::Url(_) | DrawSource::Part(_) => None,
        });
        self.canvas.iter().chain(drawn).collect()
    }

    /// The URL of every font that a text names, in the order of [`Plan::texts`].
    #[must_use]
    pub fn font_urls(&self) -> Vec<&str> {
        let fonts = self.texts().into_iter().filter_map(|text| match &text.font {
            Font::Url(url) => Some(url.as_str()),
            Font::BuiltIn => None,
        });
        fonts.collect()
    }

    fn draws(&self) -> Vec<&Draw> {
        fn walk<'a>(ops: &'a [Op], draws: &mut Vec<&'a Draw>) {
            for op in ops {
                if let Op::Draw(draw) = op {
                    draws.push(draw);
                    walk(&draw.ops, draws);
                }
            }
        }
        let mut draws = Vec::new();
        walk(&self.ops, &mut draws);
        draws
    }
}

/// One operation on the picture as the operations before it left it. Decoding, EXIF orientation and the conversion to sRGB come before all of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Op {
    /// Cut to an explicit box (spec 5.3).
    Trim(TrimBox),
    /// Cut away a uniform frame (spec 5.3).
    TrimColor(ColorTrim),
    /// Mirror (spec 5.4).
    Flip(Flip),
    /// Turn clockwise (spec 5.4).
    Rotate(Rotate),
    /// Find faces; with `zoom` above 0 cut towards them (spec 5.7).
    FaceCrop(FaceCrop),
    /// Make the background transparent (spec section 7).
    Segment,
    /// Resize and crop (spec 5.5, 5.6).
    Resize(Resize),
    /// Lay a colour under the picture (spec 5.8).
    Background(Background),
    /// `v*b` (spec section 6). Factor 0..255, neither 0 nor 1.
    Brightness(Decimal),
    /// `(v-0.5)*c+0.5`. Factor 0..255, neither 0 nor 1.
    Contrast(Decimal),
    /// `v^g`. Exponent above 0, not 1.
    Gamma(Decimal),
    /// `Y+(v-Y)*s`. Factor 0..255, not 1; 0 is grey.
    Saturation(Decimal),
    /// Unsharp mask of radius 1 px. Amount above 0, at most 10.
    Sharpen(Decimal),
    /// Gaussian, sigma = r/2. Radius in px, above 0, at most 250.
    Blur(Decimal),
    /// Paint an overlay (spec section 8).
    Draw(Box<Draw>),
    /// Add a frame outside the picture (spec 5.9).
    Border(BorderWidths),
}

impl Op {
    /// The name of the option that asks for it, for reports.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Trim(_) => "trim",
            Self::TrimColor(_) => "trim.border",
            Self::Flip(_) => "flip",
            Self::Rotate(_) => "rotate",
            Self::FaceCrop(_) => "gravity=face",
            Self::Segment => "segment",
            Self::Resize(_) => "resize",
            Self::Background(_) => "background",
            Self::Brightness(_) => "brightness",
            Self::Contrast(_) => "contrast",
            Self::Gamma(_) => "gamma",
            Self::Saturation(_) => "saturation",
            Self::Sharpen(_) => "sharpen",
            Self::Blur(_) => "blur",
            Self::Draw(_) => "draw",
            Self::Border(_) => "border",
        }
    }
}

/// How much of one edge, or of one dimension, in pixels or as a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Edge {
    /// Pixels, dpr included.
    Px(u32),
    /// A share of the dimension, 0..=1.
    Share(Decimal),
}

impl Edge {
    /// The pixels this is of a side of `dimension` pixels, rounded half up.
    #[must_use]
    pub fn of(self, dimension: u32) -> u32 {
        match self {
            Self::Px(px) => px,
            Self::Share(share) => {
                u32::try_from(rhu(share.units() * i128::from(dimension), Decimal::ONE.units())).unwrap_or(u32::MAX)
            }
        }
    }
}

/// `trim` by numbers: what to take off each edge, and optionally the size to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct TrimBox {
    /// Taken off the left.
    pub left: Option<Edge>,
    /// Taken off the top.
    pub top: Option<Edge>,
    /// Taken off the right. Ignored when `left` and `width` are given.
    pub right: Option<Edge>,
    /// Taken off the bottom. Ignored when `top` and `height` are given.
    pub bottom: Option<Edge>,
    /// Width to keep.
    pub width: Option<Edge>,
    /// Height to keep.
    pub height: Option<Edge>,
}

/// `trim=border`: cut away a frame of one colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ColorTrim {
    /// The colour to cut; `None` is detected from the corners.
    pub color: Option<Color>,
    /// How far each of R, G, B, A may be off, 0..=255; 0 is exact.
    pub tolerance: u8,
    /// Pixels of the frame to leave, dpr included.
    pub keep: u32,
}

impl ColorTrim {
    /// The tolerance when none is given.
    pub const DEFAULT_TOLERANCE: u8 = 10;
}

/// Mirroring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flip {
    /// `h`: left and right change places.
    Horizontal,
    /// `v`: top and bottom change places.
    Vertical,
    /// `hv`: both.
    Both,
}

/// A clockwise turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rotate {
    /// 90 degrees.
    Deg90,
    /// 180 degrees.
    Deg180,
    /// 270 degrees.
    Deg270,
}

impl Rotate {
    /// Degrees, clockwise.
    #[must_use]
    pub const fn degrees(self) -> u16 {
        match self {
            Self::Deg90 => 90,
            Self::Deg180 => 180,
            Self::Deg270 => 270,
        }
    }

    /// Whether width and height change places.
    #[must_use]
    pub const fn swaps_axes(self) -> bool {
        !matches!(self, Self::Deg180)
    }
}

/// Faces are looked for here; the focal point they give is used by the next [`Gravity::Face`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FaceCrop {
    /// 0 keeps the whole picture, 1 cuts to the faces.
    pub zoom: Decimal,
    /// The ratio that the following resize cuts to: the crop area grows towards it, so that a tight zoom never cuts a face.
    pub ratio: Option<Size>,
}

/// A requested dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Length {
    /// Pixels, dpr included, at least 1.
    Px(u32),
    /// A share of the base picture's dimension, 0..=1, times a dpr; overlays only (spec section 8).
    OfBase(Decimal),
}

/// Resize and crop. With neither width nor height there is no such operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Resize {
    /// Requested width after dpr.
    pub width: Option<Length>,
    /// Requested height after dpr.
    pub height: Option<Length>,
    /// How the picture is made to fit. Never a mode that needs both sides when one is missing: those were replaced when the plan was made.
    pub fit: Fit,
    /// What survives the cut; `center` for modes that do not cut.
    pub gravity: Gravity,
    /// How missing detail is made when enlarging.
    pub upscale: Upscale,
}

/// The eight ways of fitting a picture to a box (spec 5.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Fit {
    /// Inside the box, never enlarged.
    #[default]
    ScaleDown,
    /// Inside the box, enlarged if smaller.
    Contain,
    /// Fill the box and cut what stands out.
    Cover,
    /// As cover, never enlarged.
    Crop,
    /// As cover, never enlarged, and the box's ratio is kept.
    AspectCrop,
    /// Inside the box, the rest filled with the background.
    Pad,
    /// Exactly the box, distorted.
    Squeeze,
    /// Inside the box, only ever enlarged.
    ScaleUp,
}

impl Fit {
    /// The word of the option.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ScaleDown => "scale-down",
            Self::Contain => "contain",
            Self::Cover => "cover",
            Self::Crop => "crop",
            Self::AspectCrop => "aspect-crop",
            Self::Pad => "pad",
            Self::Squeeze => "squeeze",
            Self::ScaleUp => "scale-up",
        }
    }

    /// Whether the mode cuts, so that gravity matters.
    #[must_use]
    pub const fn cuts(self) -> bool {
        matches!(self, Self::Cover | Self::Crop | Self::AspectCrop)
    }
}

/// What survives a cut (spec 5.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Gravity {
    /// A point of the picture, each coordinate 0..=1; the sides and the centre are points too.
    Point {
        /// From the left.
        x: Decimal,
        /// From the top.
        y: Decimal,
        /// How the point is read.
        mode: GravityMode,
    },
    /// The most salient window.
    Auto,
    /// The window with the most luminance entropy.
    Entropy,
    /// The middle of the faces found by the [`FaceCrop`] before; the centre if there are none.
    Face,
}

impl Gravity {
    /// The middle.
    pub const CENTER: Self = Self::Point {
        x: Decimal::HALF,
        y: Decimal::HALF,
        mode: GravityMode::Remainder,
    };
}

/// Two readings of a gravity point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum GravityMode {
    /// The point at fraction x of the output lies on the point at fraction x of the source.
    #[default]
    Remainder,
    /// The output is centred on the point and pushed back inside.
    BoxCenter,
}

/// How an enlarged picture gets its detail (spec 5.10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Upscale {
    /// Bicubic.
    #[default]
    Interpolate,
    /// A model of the ESRGAN kind.
    Generate,
}

/// A colour laid under the whole picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Background(pub Color);

/// A frame added outside the picture, per side, dpr included; at least one side is above 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BorderWidths {
    /// Pixels on top.
    pub top: u32,
    /// Pixels on the right.
    pub right: u32,
    /// Pixels at the bottom.
    pub bottom: u32,
    /// Pixels on the left.
    pub left: u32,
    /// Colour of the frame; nothing is under it.
    pub color: Color,
}

/// One overlay and where it goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Draw {
    /// Where the overlay comes from.
    pub source: DrawSource,
    /// What is done to the overlay alone before it is painted.
    pub ops: Vec<Op>,
    /// 0..=1, multiplies the overlay's alpha.
    pub opacity: Decimal,
    /// Tiling.
    pub repeat: Repeat,
    /// Porter-Duff operator.
    pub composite: Composite,
    /// Horizontal place: offset from the left or the right edge, or centred.
    pub x: Option<Offset>,
    /// Vertical place: offset from the top or the bottom edge, or centred.
    pub y: Option<Offset>,
}

/// Distance from an edge of the base to the same edge of the overlay; negative is outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Offset {
    /// From the left or top edge.
    Start(i32),
    /// From the right or bottom edge.
    End(i32),
}

impl Draw {
    /// The place of the overlay's first pixel on one axis: `base` and `overlay` are the two dimensions (spec 8.2).
    #[must_use]
    pub fn place(offset: Option<Offset>, base: u32, overlay: u32) -> i64 {
        let (base, overlay) = (i64::from(base), i64::from(overlay));
        match offset {
            Some(Offset::Start(px)) => i64::from(px),
            Some(Offset::End(px)) => base - overlay - i64::from(px),
            None => (base - overlay).div_euclid(2),
        }
    }
}

/// Where an overlay comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum DrawSource {
    /// An absolute http(s) URL.
    Url(String),
    /// Rendered text.
    Text(Text),
    /// The n-th `draw_*` part of a binding call, from 1.
    Part(u32),
}

/// A text to render.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Text {
    /// The characters, at most 1,000; line breaks start lines.
    pub text: String,
    /// The font.
    pub font: Font,
    /// Size in px.
    pub size: Decimal,
    /// Colour.
    pub color: Color,
}

/// A font for a text overlay.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Font {
    /// The built-in font.
    BuiltIn,
    /// A TTF, OTF, WOFF or WOFF2 file by absolute URL.
    Url(String),
}

/// Tiling of an overlay (spec 8.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Repeat {
    /// Painted once.
    #[default]
    No,
    /// Left and right.
    X,
    /// Up and down.
    Y,
    /// Both ways.
    Both,
}

/// Porter-Duff operators (spec 8.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Composite {
    /// Overlay above base.
    #[default]
    Over,
    /// Overlay where the base is.
    In,
    /// Overlay where the base is, base elsewhere.
    Atop,
    /// Overlay where the base is not.
    Out,
    /// Either, not both.
    Xor,
    /// The sum.
    Lighter,
}

/// How the result is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Output {
    /// What `format` said.
    pub format: FormatChoice,
    /// What `quality` said; `None` is the default of 85, and truecolour for PNG.
    pub quality: Option<Quality>,
    /// `compression=fast`: JPEG, fast PNG or GIF whatever `format` says.
    pub fast: bool,
    /// What metadata stays.
    pub metadata: Metadata,
    /// `anim=false`: the first frame only.
    pub still: bool,
    /// `svg=raster`: an SVG source is rendered before everything else.
    pub rasterize_svg: bool,
}

/// What `format` said (spec 9.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum FormatChoice {
    /// Nothing: JPEG, or PNG where alpha is left.
    #[default]
    Absent,
    /// `auto`: AVIF or WebP where accepted.
    Auto,
    /// `avif`.
    Avif,
    /// `webp`.
    Webp,
    /// `jpeg`, `jpg`: progressive.
    Jpeg,
    /// `baseline-jpeg`.
    BaselineJpeg,
    /// `png`: a palette allowed when quality is given.
    Png,
    /// `png-force`: never a palette.
    PngForce,
    /// `gif`.
    Gif,
    /// `svg`: only from an SVG.
    Svg,
    /// `json`: a description instead of the picture.
    Json,
    /// `rgb`: raw 8-bit samples (binding only).
    Rgb,
    /// `rgba`: raw 8-bit samples (binding only).
    Rgba,
}

impl FormatChoice {
    /// The word of the option; empty for absent.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Absent => "",
            Self::Auto => "auto",
            Self::Avif => "avif",
            Self::Webp => "webp",
            Self::Jpeg => "jpeg",
            Self::BaselineJpeg => "baseline-jpeg",
            Self::Png => "png",
            Self::PngForce => "png-force",
            Self::Gif => "gif",
            Self::Svg => "svg",
            Self::Json => "json",
            Self::Rgb => "rgb",
            Self::Rgba => "rgba",
        }
    }

    /// Whether a client that can show `format` gets what this choice asks for.
    #[must_use]
    pub const fn is_explicit(self) -> bool {
        !matches!(self, Self::Absent | Self::Auto)
    }

    /// Whether the source's own format satisfies the choice.
    #[must_use]
    pub fn allows(self, format: ImageFormat) -> bool {
        match self {
            Self::Absent | Self::Auto => true,
            Self::Avif => format == ImageFormat::Avif,
            Self::Webp => format == ImageFormat::Webp,
            Self::Jpeg => format == ImageFormat::Jpeg,
            Self::Png | Self::PngForce => format == ImageFormat::Png,
            Self::Gif => format == ImageFormat::Gif,
            Self::Svg => format == ImageFormat::Svg,
            Self::BaselineJpeg | Self::Json | Self::Rgb | Self::Rgba => false,
        }
    }
}

/// Encoder quality, 1..=100 (spec 9.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Quality(u8);

impl Quality {
    /// The quality when none is asked for.
    pub const DEFAULT: Self = Self(85);

    /// The nearest quality: numbers outside 1..=100 are clamped.
    #[must_use]
    pub fn clamped(value: i128) -> Self {
        Self(u8::try_from(value.clamp(1, 100)).unwrap_or(100))
    }

    /// The quality that a word stands for.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Some(Self(match word {
            "low" => 35,
            "medium-low" => 50,
            "medium-high" => 70,
            "high" => 90,
            _ => return None,
        }))
    }

    /// 1..=100.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// What metadata stays in the output (spec 9.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Metadata {
    /// Nothing.
    None,
    /// The copyright tag, in JPEG.
    #[default]
    Copyright,
    /// EXIF, XMP and IPTC wherever the format can carry them.
    Keep,
}

impl Metadata {
    /// The word of the option.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Copyright => "copyright",
            Self::Keep => "keep",
        }
    }
}

/// The fault for a size that became 0 (spec 5.3).
pub(crate) fn empty_size() -> Fault {
    Fault::new(
        crate::FaultKind::LimitExceeded,
        "The image has width or height of size 0; trim less",
    )
}
