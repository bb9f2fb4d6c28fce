//! The options that say how the result is written, and those that depend on the request (spec section 3, 9, 10).

use super::Door;
use super::reader::Reader;
use super::tree::{Leaf, Node};
use crate::op::{FormatChoice, Metadata, Output, Quality};
use crate::{ClientHints, Decimal, DeviceKind, Fault};

/// Output and delivery options, validated.
#[derive(Debug, Clone, Default)]
pub(super) struct OutputOptions {
    pub(super) output: Output,
    pub(super) slow_connection_quality: Option<Quality>,
    pub(super) redirect_on_error: bool,
    pub(super) share_origin_auth: bool,
    breakpoints: Option<Vec<u32>>,
    mobile_width: Option<u32>,
    desktop_width: Option<u32>,
}

/// Output fields of a binding call, as the form's text parts give them (binding spec 2.5).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OutputFields<'a> {
    /// `output_format`: a MIME type, `rgb` or `rgba`. Required.
    pub format: &'a str,
    /// `output_quality`.
    pub quality: Option<&'a str>,
    /// `background`: a CSS colour.
    pub background: Option<&'a str>,
    /// `anim`: `true` or `false`.
    pub anim: Option<&'a str>,
}

/// Widths for `width=auto` when `wbreakpoints` gives none (spec 10.2).
const BREAKPOINTS_PX: [u32; 4] = [320, 768, 960, 1200];
const MOBILE_PX: u32 = 768;
const DESKTOP_PX: u32 = 1200;
/// Breakpoints read of one list.
const BREAKPOINTS_MAX: usize = 64;

const FORMATS: &[(&str, FormatChoice)] = &[
    ("auto", FormatChoice::Auto),
    ("avif", FormatChoice::Avif),
    ("webp", FormatChoice::Webp),
    ("jpeg", FormatChoice::Jpeg),
    ("jpg", FormatChoice::Jpeg),
    ("baseline-jpeg", FormatChoice::BaselineJpeg),
    ("png", FormatChoice::Png),
    ("png-force", FormatChoice::PngForce),
    ("gif", FormatChoice::Gif),
    ("svg", FormatChoice::Svg),
    ("json", FormatChoice::Json),
];

const METADATA: &[(&str, Metadata)] = &[
    ("none", Metadata::None),
    ("copyright", Metadata::Copyright),
    ("keep", Metadata::Keep),
];

impl OutputOptions {
    /// Reads one option. `false`: the name is none of these.
    pub(super) fn read(&mut self, reader: &mut Reader<'_>, name: &str, key: &str, node: &Node) -> Result<bool, Fault> {
        let by_url = reader.door == Door::Url;
        match name {
            "format" if reader.door == Door::Canonical && Reader::text(node) == Some("rgb") => {
                self.output.format = FormatChoice::Rgb;
            }
            "format" if reader.door == Door::Canonical && Reader::text(node) == Some("rgba") => {
                self.output.format = FormatChoice::Rgba;
            }
            "format" => self.output.format = reader.word(key, node, FORMATS)?.unwrap_or(self.output.format),
            "quality" => self.output.quality = quality(reader, key, node)?.or(self.output.quality),
            "compression" => self.output.fast |= reader.word(key, node, &[("fast", ())])?.is_some(),
            "metadata" => self.output.metadata = reader.word(key, node, METADATA)?.unwrap_or(self.output.metadata),
            "anim" => self.output.still = reader.boolean(key, node)?.map_or(self.output.still, |anim| !anim),
            "svg" => self.output.rasterize_svg |= reader.word(key, node, &[("raster", ())])?.is_some(),
            "onerror" if by_url => self.redirect_on_error |= reader.word(key, node, &[("redirect", ())])?.is_some(),
            "slow-connection-quality" if by_url => {
                self.slow_connection_quality = quality(reader, key, node)?.or(self.slow_connection_quality);
            }
            "wbreakpoints" if by_url => self.read_breakpoints(reader, key, node)?,
            "wmobile" if by_url => self.mobile_width = width(reader, key, node)?.or(self.mobile_width),
            "wdesktop" if by_url => self.desktop_width = width(reader, key, node)?.or(self.desktop_width),
            "origin-auth" if reader.door == Door::Object => {
                self.share_origin_auth |= reader.word(key, node, &[("share-publicly", ())])?.is_some();
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// `width.breakpoints`, `width.mobile`, `width.desktop` (spec 2.3).
    pub(super) fn read_width_members(&mut self, reader: &mut Reader<'_>, key: &str, node: &Node) -> Result<(), Fault> {
        for (name, member) in &node.members {
            let path = format!("{key}.{name}");
            match name.as_str() {
                "breakpoints" => self.read_breakpoints(reader, &path, member)?,
                "mobile" => self.mobile_width = width(reader, &path, member)?.or(self.mobile_width),
                "desktop" => self.desktop_width = width(reader, &path, member)?.or(self.desktop_width),
                _ => reader.unknown(&path),
            }
        }
        Ok(())
    }

    /// Positive integers joined by `;`, sorted; invalid ones are dropped.
    fn read_breakpoints(&mut self, reader: &mut Reader<'_>, key: &str, node: &Node) -> Result<(), Fault> {
        let text = match &node.leaf {
            Some(Leaf::Text(text)) => text.clone(),
            Some(Leaf::Number(n)) => n.to_string(),
            _ => String::new(),
        };
        let mut list: Vec<u32> = text
            .split(';')
            .take(BREAKPOINTS_MAX)
            .filter_map(|part| part.parse().ok())
            .filter(|&px| px > 0)
            .collect();
        list.sort_unstable();
        list.dedup();
        if list.is_empty() {
            reader.unreadable::<()>(key, "widths in pixels joined by ;, for example 400;800")?;
        } else {
            self.breakpoints = Some(list);
        }
        Ok(())
    }

    /// The width that `width=auto` comes to (spec 10.2).
    pub(super) fn auto_width(&self, hints: &ClientHints) -> u32 {
        match hints.viewport_width_px {
            Some(viewport) => {
                let list = self.breakpoints.as_deref().unwrap_or(&BREAKPOINTS_PX);
                list.iter()
                    .copied()
                    .find(|&px| px >= viewport)
                    .or(list.last().copied())
                    .unwrap_or(DESKTOP_PX)
            }
            None if hints.device == DeviceKind::Mobile => self.mobile_width.unwrap_or(MOBILE_PX),
            None => self.desktop_width.unwrap_or(DESKTOP_PX),
        }
    }
}

fn width(reader: &mut Reader<'_>, key: &str, node: &Node) -> Result<Option<u32>, Fault> {
    Ok(reader.pixels(key, node, 1)?.and_then(|px| u32::try_from(px).ok()))
}

/// A number, clamped to 1..=100 after rounding, or one of the four words (spec 2.1, 9.4).
fn quality(reader: &mut Reader<'_>, key: &str, node: &Node) -> Result<Option<Quality>, Fault> {
    let found = match &node.leaf {
        Some(Leaf::Number(n)) => Some(Quality::clamped(i128::from(n.round()))),
        Some(Leaf::Text(text)) => {
            Quality::from_word(text).or_else(|| Decimal::parse(text).map(|n| Quality::clamped(i128::from(n.round()))))
        }
        _ => None,
    };
    match found {
        Some(quality) => Ok(Some(quality)),
        None => reader.unreadable(
            key,
            "a number from 1 to 100, or one of low, medium-low, medium-high, high",
        ),
    }
}

impl OutputFields<'_> {
    /// The output description of a binding call. Everything is read strictly: 9432.
    pub(super) fn output(&self) -> Result<Output, Fault> {
        let bad = |what: &str| Fault::invalid(format!("invalid {what}")).for_binding();
        let format = match self.format {
            "image/jpeg" => FormatChoice::Jpeg,
            "image/png" => FormatChoice::Png,
            "image/gif" => FormatChoice::Gif,
            "image/webp" => FormatChoice::Webp,
            "image/avif" => FormatChoice::Avif,
            "rgb" => FormatChoice::Rgb,
            "rgba" => FormatChoice::Rgba,
            _ => {
                return Err(Fault::invalid(
                    "invalid output format; use image/jpeg, image/png, image/gif, image/webp, image/avif, rgb or rgba",
                )
                .for_binding());
            }
        };
        let quality = match self.quality {
            None => None,
            Some(text) => Some(
                Quality::from_word(text)
                    .or_else(|| Decimal::parse(text).map(|n| Quality::clamped(i128::from(n.round()))))
                    .ok_or_else(|| {
                        bad("output quality; use a number from 1 to 100, or low, medium-low, medium-high, high")
                    })?,
            ),
        };
        let still = match self.anim {
            None | Some("true") => false,
            Some("false") => true,
            Some(_) => return Err(bad("anim; use true or false")),
        };
        Ok(Output {
            format,
            quality,
            still,
            ..Output::default()
        })
    }
}
