//! Bounds on images, as operators write them.

use calotype_plan::Limits;
use figment::Figment;
use figment::providers::Serialized;
use serde::{Deserialize, Serialize};

use super::explain::explain;
use super::layers::{override_of, split};
use super::values::Bytes;
use crate::failure::Failure;

/// Bounds on images, in the units operators think in. One megapixel is 1,000,000 pixels.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitSettings {
    /// Size of a source file.
    pub(crate) source_bytes: Bytes,
    /// Megapixels of a still source.
    pub(crate) source_area_mp: u64,
    /// Pixels on one side of a source or an output.
    pub(crate) side: u32,
    /// The same of a WebP source.
    pub(crate) webp_source_side: u32,
    /// Megapixels of all frames of an animation that is transformed.
    pub(crate) animation_area_mp: u64,
    /// Megapixels of all frames above which an animation is refused.
    pub(crate) animation_area_refused_mp: u64,
    /// Frames of an animation.
    pub(crate) frames: u32,
    /// Passes that a JPEG makes over its picture.
    pub(crate) scans: u32,
    /// Megapixels of a JPEG times its passes.
    pub(crate) scan_area_mp: u64,
    /// Items, tiles, pages or chunks that a file lists.
    pub(crate) container_items: usize,
    /// Size of an SVG, unpacked.
    pub(crate) svg_bytes: Bytes,
    /// Elements of an SVG.
    pub(crate) svg_elements: usize,
    /// Elements inside elements of an SVG.
    pub(crate) svg_depth: usize,
    /// Size of one block of metadata.
    pub(crate) metadata_bytes: Bytes,
    /// Longest side of a negotiated AVIF.
    pub(crate) avif_side: u32,
    /// Longest side of an AVIF that was asked for.
    pub(crate) avif_explicit_side: u32,
    /// Overlays of one image.
    pub(crate) draws: usize,
    /// Characters of a text overlay.
    pub(crate) text_chars: usize,
    /// Size of a font file.
    pub(crate) font_bytes: Bytes,
    /// Length of an option list.
    pub(crate) options_bytes: Bytes,
    /// Memory that one image may take.
    pub(crate) job_memory: Bytes,
}

const MP: u64 = 1_000_000;
/// Drawing calls itself once for every level of an SVG.
const SVG_DEPTH_MAX: usize = 256;

impl Default for LimitSettings {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            source_bytes: Bytes(limits.source_bytes_max),
            source_area_mp: limits.source_area_px_max / MP,
            side: limits.side_px_max,
            webp_source_side: limits.webp_source_side_px_max,
            animation_area_mp: limits.animation_area_px_max / MP,
            animation_area_refused_mp: limits.animation_area_px_refused / MP,
            frames: limits.frames_max,
            scans: limits.scans_max,
            scan_area_mp: limits.scan_area_px_max / MP,
            container_items: limits.container_items_max,
            svg_bytes: Bytes(limits.svg_bytes_max as u64),
            svg_elements: limits.svg_elements_max,
            svg_depth: limits.svg_depth_max,
            metadata_bytes: Bytes(limits.metadata_bytes_max as u64),
            avif_side: limits.avif_side_px_max,
            avif_explicit_side: limits.avif_explicit_side_px_max,
            draws: limits.draws_max,
            text_chars: limits.text_chars_max,
            font_bytes: Bytes(limits.font_bytes_max),
            options_bytes: Bytes(limits.options_bytes_max as u64),
            job_memory: Bytes(limits.job_memory_bytes_max),
        }
    }
}

impl LimitSettings {
    /// The limits as the other crates know them.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            source_bytes_max: self.source_bytes.0,
            source_area_px_max: self.source_area_mp.saturating_mul(MP),
            side_px_max: self.side,
            webp_source_side_px_max: self.webp_source_side,
            animation_area_px_max: self.animation_area_mp.saturating_mul(MP),
            animation_area_px_refused: self.animation_area_refused_mp.saturating_mul(MP),
            frames_max: self.frames,
            scans_max: self.scans,
            scan_area_px_max: self.scan_area_mp.saturating_mul(MP),
            container_items_max: self.container_items,
            svg_bytes_max: self.svg_bytes.as_usize(),
            svg_elements_max: self.svg_elements,
            svg_depth_max: self.svg_depth,
            metadata_bytes_max: self.metadata_bytes.as_usize(),
            avif_side_px_max: self.avif_side,
            avif_explicit_side_px_max: self.avif_explicit_side,
            draws_max: self.draws,
            text_chars_max: self.text_chars,
            font_bytes_max: self.font_bytes.0,
            options_bytes_max: self.options_bytes.as_usize(),
            job_memory_bytes_max: self.job_memory.0,
            ..Limits::default()
        }
    }

    /// What a type cannot say.
    pub(super) fn check(&self) -> Result<(), Failure> {
        if self.svg_depth > SVG_DEPTH_MAX {
            return Err(Failure::Usage(format!(
                "limits.svg_depth is {}; it must be at most {SVG_DEPTH_MAX}, for which the stack of a worker is large enough",
                self.svg_depth
            )));
        }
        Ok(())
    }

    /// The defaults with some of them changed, each as `name=value`.
    pub(crate) fn with(changes: &[String]) -> Result<Self, Failure> {
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        for change in changes {
            let (key, value) = split(change, "--limit")?;
            figment = figment.merge(override_of(key, value, "--limit"));
        }
        let limits: Self = figment.extract().map_err(explain)?;
        limits.check()?;
        Ok(limits)
    }
}
