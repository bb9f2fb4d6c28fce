//! Drawing an SVG at a size: `svg=raster` (spec 9.7). Neither network nor files are touched, but for the system's fonts.

use std::sync::{Arc, LazyLock, Mutex};

use calotype_plan::{Limits, Size};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::{Database, Family, Query};
use resvg::usvg::{self, ImageHrefResolver, ImageKind, Options, Tree};

use super::{IntrinsicSize, cost, graph};
use crate::{Budget, CodecError, EncodeRequest, Layout, OutputMetadata, Picture, encode};

/// The renderer follows references by recursion, up to the depth that the graph allows: this is measured to be enough
/// for it many times over. Pages that are not touched cost nothing.
const STACK_BYTES: usize = 64 << 20;

/// Decodes an embedded picture: upright, in sRGB. `None` leaves its place empty.
pub(super) type Pictures<'p> = &'p mut (dyn FnMut(&[u8]) -> Option<Picture> + Send);

/// Draws the filtered text of a document.
pub(super) fn render(
    text: &str,
    intrinsic: IntrinsicSize,
    size: Size,
    limits: &Limits,
    budget: &Budget,
    pictures: Pictures<'_>,
) -> Result<Picture, CodecError> {
    crate::Header::new(calotype_plan::ImageFormat::Svg, size).check(limits)?;
    graph::check(text)?;
    // A tree is some thirty times its text, measured.
    let _tree = budget.reserve((text.len() as u64).saturating_mul(30))?;
    let canvas = budget.reserve(Layout::Rgba.bytes(size))?;
    let drawn = std::thread::scope(|scope| {
        std::thread::Builder::new()
            .name("svg".to_owned())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, || draw(text, intrinsic, size, budget, pictures))
            .map_err(|_| CodecError::encode("no thread could be started to draw the SVG"))
            // A panic in the renderer ends its thread alone.
            .and_then(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|_| Err(CodecError::corrupt("it cannot be drawn")))
            })
    })?;
    Picture::from_reserved(size, Layout::Rgba, drawn, canvas)
}

fn draw(
    text: &str,
    intrinsic: IntrinsicSize,
    size: Size,
    budget: &Budget,
    pictures: Pictures<'_>,
) -> Result<Vec<u8>, CodecError> {
    let pictures = Mutex::new(pictures);
    let embedded = |bytes: &[u8]| -> Option<ImageKind> {
        let mut pictures = pictures.lock().ok()?;
        let picture = (*pictures)(bytes)?;
        let request = EncodeRequest::Png {
            palette: crate::PaletteUse::Never,
            fast: true,
            quality: 100,
        };
        let png = encode(&picture, &request, &OutputMetadata::default(), budget).ok()?;
        Some(ImageKind::PNG(Arc::new(png)))
    };
    let mut options = Options {
        default_size: usvg::Size::from_wh(to_f32(intrinsic.width), to_f32(intrinsic.height))
            .ok_or(CodecError::Empty)?,
        image_href_resolver: ImageHrefResolver {
            resolve_data: Box::new(move |_, bytes, _| embedded(&bytes)),
            // A path or an address: the filter leaves none, and none would be read.
            resolve_string: Box::new(|_, _| None),
        },
        ..Options::default()
    };
    if text.contains("<text") {
        options.font_family.clone_from(&FONTS.serif);
        options.fontdb = Arc::clone(&FONTS.database);
    }
    let tree = Tree::from_str(text, &options).map_err(|error| match error {
        usvg::Error::ElementsLimitReached => {
            CodecError::limit("the number of elements that the SVG draws", 1_000_001, 1_000_000)
        }
        usvg::Error::InvalidSize => CodecError::Empty,
        _ => CodecError::corrupt("it cannot be drawn"),
    })?;
    let _layers = budget.reserve(cost::memory(&tree, size)?)?;
    let mut pixmap = Pixmap::new(size.width, size.height).ok_or(CodecError::Empty)?;
    let scale = Transform::from_scale(
        size.width as f32 / tree.size().width(),
        size.height as f32 / tree.size().height(),
    );
    resvg::render(&tree, scale, &mut pixmap.as_mut());
    let mut data = pixmap.take();
    for pixel in data.as_chunks_mut::<4>().0 {
        let [r, g, b, a] = *pixel;
        *pixel = match a {
            0 => [0; 4],
            255 => [r, g, b, a],
            _ => [straight(r, a), straight(g, a), straight(b, a), a],
        };
    }
    Ok(data)
}

/// A sample without its alpha, rounded to nearest.
fn straight(sample: u8, alpha: u8) -> u8 {
    let (sample, alpha) = (u32::from(sample), u32::from(alpha).max(1));
    u8::try_from((sample * 255 + alpha / 2) / alpha).unwrap_or(u8::MAX)
}

#[expect(clippy::cast_possible_truncation, reason = "pixels, of which a float has enough")]
fn to_f32(number: f64) -> f32 {
    number as f32
}

struct Fonts {
    database: Arc<Database>,
    /// What text without a family, or of a family that is not there, is set in.
    serif: String,
}

/// The fonts of the system, read when the first text is drawn.
static FONTS: LazyLock<Fonts> = LazyLock::new(|| {
    let mut database = Database::new();
    database.load_system_fonts();
    let first = |database: &Database, names: &[&str]| {
        let is_there = |name: &&&str| {
            let query = Query {
                families: &[Family::Name(name)],
                ..Query::default()
            };
            database.query(&query).is_some()
        };
        let any = || {
            let mut faces = database.faces();
            Some(faces.next()?.families.first()?.0.clone())
        };
        names.iter().find(is_there).map(|name| (*name).to_owned()).or_else(any)
    };
    let serif = first(
        &database,
        &["Times New Roman", "Liberation Serif", "DejaVu Serif", "Noto Serif"],
    );
    let sans = first(
        &database,
        &["Arial", "Liberation Sans", "DejaVu Sans", "Noto Sans", "Helvetica"],
    );
    let mono = first(
        &database,
        &["Courier New", "Liberation Mono", "DejaVu Sans Mono", "Noto Sans Mono"],
    );
    let serif = serif.unwrap_or_else(|| "serif".to_owned());
    database.set_serif_family(serif.clone());
    if let Some(sans) = sans {
        database.set_sans_serif_family(sans.clone());
        database.set_cursive_family(sans.clone());
        database.set_fantasy_family(sans);
    }
    if let Some(mono) = mono {
        database.set_monospace_family(mono);
    }
    Fonts {
        database: Arc::new(database),
        serif,
    }
});
