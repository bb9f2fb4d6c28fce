//! Option grammars → [`Options`] → [`Plan`].
//!
//! URL segments and JSON objects are parsed into the same [tree](tree) and read by one validator; a [`Door`] says what differs. [`Options`] are valid but
//! may still depend on the request (`width=auto`, `slow-connection-quality`); [`Options::plan`] settles that.

mod binding;
mod border;
mod draw;
mod output;
mod pass;
mod reader;
mod tree;
mod trim;

pub use binding::{BindingForm, BindingLayer, BindingPlan};
pub use output::OutputFields;

use output::OutputOptions;
use pass::Pass;
use reader::Reader;
use tree::Node;

use crate::op::{Metadata, Op, Output, Plan, Text};
use crate::{ClientHints, Fault, FaultKind, Limits, Warning};

/// Where options come from. The doors differ in which options exist, and in whether a bad value is dropped or refused (spec 2.1, section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Door {
    /// `/cdn-cgi/image/<options>/…`: unknown and unreadable options are ignored with a warning.
    Url,
    /// `cf.image` of a Worker: bad values are 9401.
    Object,
    /// The options of a hosted variant, or a flexible variant: as the object, without a request of its own.
    Variant,
    /// One operation of the binding: as the object, refusals are 9432.
    Binding,
    /// Our own canonical print, read back: as the object, with the few words that no user writes.
    Canonical,
}

impl Door {
    /// Whether `width=auto`, `slow-connection-quality` and `onerror` mean something here.
    const fn knows_the_request(self) -> bool {
        matches!(self, Self::Url)
    }
}

/// The options of one request, validated: every value is in range and every size is a number, but for what the request's hints decide.
#[derive(Debug, Clone)]
pub struct Options {
    pass: Pass,
    overlays: Vec<draw::Overlay>,
    output: OutputOptions,
    warnings: Vec<Warning>,
}

/// What options came to for one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// What to do.
    pub plan: Plan,
    /// Remarks from reading the options.
    pub warnings: Vec<Warning>,
    /// Request headers that the plan depends on, besides `Accept`: for `Vary` (spec 10.1, 10.2).
    pub vary: Vec<&'static str>,
}

impl Options {
    /// Reads the option segment of a URL (spec section 1).
    ///
    /// Unknown and unreadable options are dropped with a warning; 9401 when nothing valid is left or a value is out of its hard range.
    pub fn parse_url(segment: &str, limits: &Limits) -> Result<Self, Fault> {
        if segment.len() > limits.options_bytes_max {
            return Err(too_long(limits));
        }
        let tree = tree::parse_segment(segment)?;
        let (options, valid) = Self::read(&tree, Reader::new(Door::Url, limits))?;
        if valid == 0 {
            return Err(Fault::invalid(
                "none of the options is valid; write for example width=400",
            ));
        }
        Ok(options)
    }

    /// Reads an options object (`cf.image`, a variant, one node of the binding) from JSON text.
    ///
    /// Unknown members are ignored; anything unreadable or out of range is 9401 (9432 for the binding).
    pub fn parse_json(text: &str, door: Door, limits: &Limits) -> Result<Self, Fault> {
        if text.len() > limits.options_bytes_max {
            return Err(too_long(limits));
        }
        let value = serde_json::from_str(text)
            .map_err(|error| Fault::invalid("the options are not valid JSON").with_detail(error.to_string()))?;
        Self::parse_object(&value, door, limits)
    }

    /// Reads an options object that is JSON already. Errors as [`Options::parse_json`].
    pub fn parse_object(value: &serde_json::Value, door: Door, limits: &Limits) -> Result<Self, Fault> {
        let result = tree::from_json(value).and_then(|tree| Self::read(&tree, Reader::new(door, limits)));
        match result {
            Ok((options, _)) => Ok(options),
            Err(fault) if door == Door::Binding => Err(fault.for_binding()),
            Err(fault) => Err(fault),
        }
    }

    /// The validator that every grammar goes through. Returns how many options were valid, too.
    fn read(tree: &Node, mut reader: Reader<'_>) -> Result<(Self, usize), Fault> {
        let mut pass = Pass::default();
        let mut output = OutputOptions::default();
        let mut overlays = Vec::new();
        let mut valid = 0;
        for (name, node) in &tree.members {
            let key = node.written.as_str();
            if node.is_empty() {
                // `null` in an object, or an item without `=` in a URL.
                if reader.door == Door::Url {
                    reader.unknown(key);
                }
                continue;
            }
            let dropped = reader.dropped;
            if name == "draw" {
                overlays = draw::read_overlays(&mut reader, key, node)?;
            } else if name == "width" {
                pass.read(&mut reader, name, key, node)?;
                output.read_width_members(&mut reader, key, node)?;
            } else if !pass.read(&mut reader, name, key, node)? && !output.read(&mut reader, name, key, node)? {
                reader.unknown(key);
                continue;
            }
            valid += node.values().saturating_sub(reader.dropped - dropped);
        }
        Ok((
            Self {
                pass,
                overlays,
                output,
                warnings: reader.warnings,
            },
            valid,
        ))
    }

    /// Settles the options for one request: `width=auto` and `slow-connection-quality` (spec section 10) become numbers, and everything becomes a plan.
    #[must_use]
    pub fn plan(&self, hints: &ClientHints) -> Planned {
        let mut warnings = self.warnings.clone();
        let mut vary = Vec::new();
        let auto_width = self.pass.has_auto_width().then(|| {
            vary.extend(["Sec-CH-Viewport-Width", "User-Agent"]);
            self.output.auto_width(hints)
        });
        let draws = self
            .overlays
            .iter()
            .map(|overlay| overlay.clone().op(&mut warnings))
            .collect();
        let ops = self.pass.ops(auto_width, draws, &mut warnings);
        let mut output = self.output.output;
        if let Some(quality) = self.output.slow_connection_quality {
            vary.extend(["RTT", "Save-Data", "ECT", "Downlink"]);
            if hints.slow_connection {
                output.quality = Some(quality);
            }
        }
        Planned {
            plan: Plan {
                ops,
                output: output.canonical(),
                ..Plan::default()
            },
            warnings,
            vary,
        }
    }

    /// Whether a URL's option segment asks for `onerror=redirect`, also when [`Options::parse_url`] refuses it: a refused value is an error as any other
    /// (spec 13.5).
    #[must_use]
    pub fn segment_redirects_on_error(segment: &str, limits: &Limits) -> bool {
        segment.len() <= limits.options_bytes_max
            && tree::parse_segment(segment)
                .is_ok_and(|tree| tree.members.get("onerror").and_then(Reader::text) == Some("redirect"))
    }

    /// `onerror=redirect` was given (spec 13.5).
    #[must_use]
    pub const fn redirects_on_error(&self) -> bool {
        self.output.redirect_on_error
    }

    /// `origin-auth: "share-publicly"` was given (spec 11.3).
    #[must_use]
    pub const fn shares_origin_auth(&self) -> bool {
        self.output.share_origin_auth
    }

    /// Reads one pass of the canonical print.
    pub(crate) fn parse_canonical(segment: &str, limits: &Limits) -> Result<Self, Fault> {
        let tree = tree::parse_segment(segment)?;
        Ok(Self::read(&tree, Reader::new(Door::Canonical, limits))?.0)
    }

    /// Reads the text that a plan starts from, as the canonical print has it.
    pub(crate) fn parse_canonical_text(segment: &str, limits: &Limits) -> Result<Text, Fault> {
        let tree = tree::parse_segment(segment)?;
        draw::read_whole_text(&mut Reader::new(Door::Canonical, limits), &tree)
    }

    /// The pass alone, for the binding.
    fn pass_ops(&self, warnings: &mut Vec<Warning>) -> Vec<Op> {
        warnings.extend(self.warnings.iter().cloned());
        let draws = self
            .overlays
            .iter()
            .map(|overlay| overlay.clone().op(warnings))
            .collect();
        self.pass.ops(None, draws, warnings)
    }
}

fn too_long(limits: &Limits) -> Fault {
    Fault::new(
        FaultKind::OptionsTooLong,
        format!(
            "the options are longer than {} bytes; write fewer of them, or ask the operator to raise limits.options_bytes",
            limits.options_bytes_max
        ),
    )
}

impl Output {
    /// The same output with everything left out that its format does not read, so that equal results are equal values.
    #[must_use]
    fn canonical(mut self) -> Self {
        use crate::op::{FormatChoice as F, Quality};
        if !self.fast {
            match self.format {
                F::Gif | F::Json | F::Svg | F::Rgb | F::Rgba => self.quality = None,
                F::Jpeg | F::BaselineJpeg if self.quality == Some(Quality::DEFAULT) => self.quality = None,
                F::PngForce if self.quality.is_some() => self.quality = None,
                _ => {}
            }
        }
        if matches!(self.format, F::Json | F::Rgb | F::Rgba) {
            self.metadata = Metadata::default();
        }
        self
    }
}
