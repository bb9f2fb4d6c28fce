//! Options to an explanation: plan, geometry, cost, warnings, or the fault.

use calotype_plan::{
    ClientHints, DeviceKind, Door, Fault, Findings, Fit, Gravity, Layout, LayoutStep, Limits, Models, Op, Options,
    Orientation, Plan, Rect, Size, SourceFacts,
};
use serde::{Deserialize, Serialize};

use crate::region::Tracker;

/// Every way of fitting, in the order of the documentation.
pub(crate) const FITS: [Fit; 8] = [
    Fit::ScaleDown,
    Fit::Contain,
    Fit::Cover,
    Fit::Crop,
    Fit::AspectCrop,
    Fit::Pad,
    Fit::Squeeze,
    Fit::ScaleUp,
];

/// What the page knows of the client and the source beyond the size.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Hints {
    viewport_width: Option<u32>,
    mobile: bool,
    slow: bool,
    format: Option<String>,
    models: Installed,
}

/// Which models the server has. The page need not know; the server's own answer says so in the end.
#[derive(Debug, Deserialize)]
#[serde(default)]
#[allow(clippy::struct_excessive_bools)]
struct Installed {
    faces: bool,
    segment: bool,
    generate: bool,
}

impl Default for Installed {
    fn default() -> Self {
        Self {
            faces: true,
            segment: true,
            generate: true,
        }
    }
}

/// The answer to the page.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Explanation {
    /// The canonical print of the plan; absent when the options could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canonical: Option<String>,
    /// The upright source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Dimensions>,
    /// The result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Dimensions>,
    /// One entry per operation, in order.
    pub steps: Vec<Step>,
    /// The part of the upright source that is left, in its pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// The picture that gravity points refer to, on the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame: Option<Frame>,
    /// What only the pixels can tell: `trim`, `gravity` or `faces`; the geometry above takes the middle, or the whole, for them.
    pub depends_on_pixels: Vec<&'static str>,
    /// Remarks, in the words of the `Warning` header.
    pub warnings: Vec<String>,
    /// Request headers that the plan depends on.
    pub vary: Vec<&'static str>,
    /// The estimate that admission works with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<CostNote>,
    /// Why the server would refuse.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorNote>,
}

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Dimensions {
    width: u32,
    height: u32,
}

impl From<Size> for Dimensions {
    fn from(size: Size) -> Self {
        Self {
            width: size.width,
            height: size.height,
        }
    }
}

/// A box in pixels, which may begin and end between two.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Region {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// Where the picture just before the cut lies on the source: `source.x = x[0] * u + x[1] * v + x[2]`, `source.y` alike, for u and v in 0..1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Frame {
    pub(crate) x: [f64; 3],
    pub(crate) y: [f64; 3],
}

/// What one operation does.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Step {
    op: &'static str,
    before: Dimensions,
    after: Dimensions,
    #[serde(skip_serializing_if = "Option::is_none")]
    cut: Option<Region>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scaled: Option<Dimensions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    crop: Option<Region>,
    #[serde(skip_serializing_if = "Option::is_none")]
    generate: Option<u32>,
}

/// The cost of the plan.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CostNote {
    decode_scale: u8,
    output_px: u64,
    memory_peak_bytes: u64,
}

/// A row of the protocol's error table.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorNote {
    code: u16,
    status: u16,
    message: String,
}

impl From<&Fault> for ErrorNote {
    fn from(fault: &Fault) -> Self {
        Self {
            code: fault.code(),
            status: fault.status(),
            message: fault.public_message().to_owned(),
        }
    }
}

/// See [`crate::explain`].
pub(crate) fn explain(options: &str, door: &str, stored: Size, orientation: u32, hints: &Hints) -> Explanation {
    let limits = Limits::default();
    let parsed = match door {
        "object" => Options::parse_json(options, Door::Object, &limits),
        _ => Options::parse_url(options, &limits),
    };
    let options = match parsed {
        Ok(options) => options,
        Err(fault) => {
            return Explanation {
                error: Some((&fault).into()),
                ..Explanation::default()
            };
        }
    };
    let planned = options.plan(&ClientHints {
        viewport_width_px: hints.viewport_width,
        device: if hints.mobile {
            DeviceKind::Mobile
        } else {
            DeviceKind::Desktop
        },
        slow_connection: hints.slow,
    });
    let mut explanation = Explanation {
        canonical: Some(planned.plan.canonical()),
        warnings: planned.warnings.iter().map(ToString::to_string).collect(),
        vary: planned.vary,
        ..Explanation::default()
    };
    let orientation = Orientation::from_exif(orientation);
    if let Err(fault) = add_geometry(&mut explanation, &planned.plan, stored, orientation, hints, &limits) {
        explanation.error = Some((&fault).into());
    }
    explanation
}

fn add_geometry(
    explanation: &mut Explanation,
    plan: &Plan,
    stored: Size,
    orientation: Orientation,
    hints: &Hints,
    limits: &Limits,
) -> Result<(), Fault> {
    let models = Models {
        faces: hints.models.faces,
        segment: hints.models.segment,
        generate: hints.models.generate,
    };
    let findings = Findings {
        models,
        ..Findings::default()
    };
    limits.check_source(stored, None)?;
    let layout = Layout::compute(plan, stored, orientation, &findings, limits)?;
    let mut tracker = Tracker::new(layout.source);
    for (op, step) in plan.ops.iter().zip(&layout.steps) {
        tracker.follow(op, step);
        explanation.steps.push(describe_step(op, step));
        if let Some(what) = depends_on_pixels(op, step) {
            explanation.depends_on_pixels.push(what);
        }
    }
    explanation.source = Some(layout.source.into());
    explanation.output = Some(layout.output.into());
    explanation.region = Some(tracker.region());
    explanation.frame = tracker.frame();
    explanation
        .warnings
        .extend(layout.warnings.iter().map(ToString::to_string));
    let jpeg = hints.format.as_deref() == Some("jpeg");
    let cost = plan.cost(
        SourceFacts {
            stored,
            orientation,
            scalable: jpeg,
            holds_coefficients: false,
        },
        limits,
    )?;
    explanation.cost = Some(CostNote {
        decode_scale: cost.decode_scale,
        output_px: cost.output_px,
        memory_peak_bytes: cost.memory_peak_bytes,
    });
    Ok(())
}

fn describe_step(op: &Op, step: &LayoutStep) -> Step {
    let region = |rect: Rect| Region {
        left: f64::from(rect.left),
        top: f64::from(rect.top),
        width: f64::from(rect.width),
        height: f64::from(rect.height),
    };
    Step {
        op: op.name(),
        before: step.before.into(),
        after: step.after.into(),
        cut: step.cut.map(region),
        scaled: step.fitted.map(|fitted| fitted.scaled.into()),
        crop: step.crop.map(region),
        generate: step.generate,
    }
}

fn depends_on_pixels(op: &Op, step: &LayoutStep) -> Option<&'static str> {
    match op {
        Op::TrimColor(_) => Some("trim"),
        Op::FaceCrop(_) => Some("faces"),
        Op::Resize(resize) if step.crop.is_some() && matches!(resize.gravity, Gravity::Auto | Gravity::Entropy) => {
            Some("gravity")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(options: &str, width: u32, height: u32) -> serde_json::Value {
        let hints = Hints::default();
        serde_json::to_value(explain(options, "url", Size::new(width, height), 1, &hints)).unwrap_or_default()
    }

    #[test]
    fn a_cover_says_its_scaled_size_its_cut_and_the_region_of_the_source() {
        // 2400x1600 to 400x400: covering is 600x400, and at gravity 1 the last 400 columns stay, which are the last 1600 of the source.
        let answer = ask("w=400,h=400,fit=cover,g=right", 2400, 1600);
        assert_eq!(answer["output"], serde_json::json!({"width": 400, "height": 400}));
        assert_eq!(
            answer["steps"][0]["scaled"],
            serde_json::json!({"width": 600, "height": 400})
        );
        assert_eq!(
            answer["steps"][0]["crop"],
            serde_json::json!({"left": 200.0, "top": 0.0, "width": 400.0, "height": 400.0})
        );
        assert_eq!(
            answer["region"],
            serde_json::json!({"left": 800.0, "top": 0.0, "width": 1600.0, "height": 1600.0})
        );
        assert_eq!(answer["error"], serde_json::Value::Null);
    }

    #[test]
    fn refusals_carry_the_codes_of_the_protocol() {
        let answer = ask("blur=251", 100, 100);
        assert_eq!(
            (answer["error"]["code"].as_u64(), answer["error"]["status"].as_u64()),
            (Some(9401), Some(400))
        );
        let empty = ask("trim=60;0;60;0", 100, 100);
        assert_eq!(empty["error"]["code"].as_u64(), Some(9413));
        assert!(empty["canonical"].is_string(), "the options themselves were fine");
    }

    #[test]
    fn the_object_door_reads_json() {
        let hints = Hints::default();
        let answer = explain(r#"{"width":50}"#, "object", Size::new(100, 40), 1, &hints);
        assert_eq!(answer.output, Some(Dimensions { width: 50, height: 20 }));
        assert_eq!(answer.canonical.as_deref(), Some("width=50"));
    }

    #[test]
    fn orientation_turns_the_source_first() {
        let hints = Hints::default();
        let answer = explain("w=20", "url", Size::new(100, 40), 6, &hints);
        assert_eq!(answer.source, Some(Dimensions { width: 40, height: 100 }));
        assert_eq!(answer.output, Some(Dimensions { width: 20, height: 50 }));
    }

    #[test]
    fn what_only_pixels_can_tell_is_named() {
        assert_eq!(
            ask("trim=border,w=10,h=10,fit=cover,g=auto", 100, 50)["dependsOnPixels"],
            serde_json::json!(["trim", "gravity"])
        );
        assert_eq!(
            ask("w=10,h=10,fit=cover", 100, 50)["dependsOnPixels"],
            serde_json::json!([])
        );
    }
}
