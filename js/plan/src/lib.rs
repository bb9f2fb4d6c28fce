//! The plan crate for browsers.
//!
//! The playground shows sizes, cuts, the canonical print, warnings and errors before the server answers, by the very code that will run there. Two
//! functions cross the border, both with JSON: [`explain`] and [`describe`].

mod explain;
mod region;

use wasm_bindgen::prelude::wasm_bindgen;

/// Says what a request would do to a source of `width` x `height` pixels as stored, turned by EXIF `orientation` (1 to 8; 1 is upright).
///
/// `door` is `url` (an option segment) or `object` (`cf.image` JSON). `hints` is a JSON object with any of `viewportWidth` (px), `mobile`, `slow`
/// (booleans), `format` (of the source: `jpeg`, `png`, …) and `models` (`{faces, segment, generate}`, all taken as installed when absent). The answer is
/// the JSON of `explain::Explanation`.
#[wasm_bindgen]
#[must_use]
pub fn explain(options: &str, door: &str, width: u32, height: u32, orientation: u32, hints: &str) -> String {
    let hints = serde_json::from_str(hints).unwrap_or_default();
    let explanation = explain::explain(
        options,
        door,
        calotype_plan::Size::new(width, height),
        orientation,
        &hints,
    );
    serde_json::to_string(&explanation).unwrap_or_default()
}

/// The version, the limits and the words of this build, as JSON.
#[wasm_bindgen]
#[must_use]
pub fn describe() -> String {
    let limits = calotype_plan::Limits::default();
    serde_json::json!({
        "version": env!("CARGO_PKG_VERSION"),
        "limits": {
            "sidePx": limits.side_px_max,
            "sourceAreaPx": limits.source_area_px_max,
            "sourceBytes": limits.source_bytes_max,
            "optionsBytes": limits.options_bytes_max,
            "draws": limits.draws_max,
        },
        "fits": explain::FITS.map(calotype_plan::Fit::name),
    })
    .to_string()
}
