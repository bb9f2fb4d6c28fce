//! What must hold of every plan.

use calotype_plan::{
    AcceptedFormats, ClientHints, DeviceKind, FaceBox, Findings, Fit, Layout, Length, Limits, Models, Op, Options,
    Orientation, Plan, Rect, Resize, Size, SourceFacts, Window,
};

/// Requests that options are settled for.
const HINTS: [ClientHints; 2] = [
    ClientHints {
        viewport_width_px: None,
        device: DeviceKind::Desktop,
        slow_connection: false,
    },
    ClientHints {
        viewport_width_px: Some(u32::MAX),
        device: DeviceKind::Mobile,
        slow_connection: true,
    },
];

/// Sources that plans are laid out for: ordinary, thin, tiny, the longest side allowed.
const SOURCES: [Size; 5] = [
    Size::new(640, 480),
    Size::new(1, 12_000),
    Size::new(12_000, 1),
    Size::new(1, 1),
    Size::new(9_999, 10_000),
];

/// Settles options for several requests and checks every plan.
pub fn check_options(options: &Options, limits: &Limits) {
    for hints in &HINTS {
        check_plan(&options.plan(hints).plan, limits);
    }
}

/// The canonical print reads back to the same plan, and geometry holds for every source.
pub fn check_plan(plan: &Plan, limits: &Limits) {
    let canonical = plan.canonical();
    let again = match Plan::from_canonical(&canonical, limits) {
        Ok(again) => again,
        Err(fault) => panic!("the canonical print is refused: {fault}\n{canonical}\n{plan:?}"),
    };
    assert_eq!(&again, plan, "the canonical print says something else: {canonical}");
    assert_eq!(again.canonical(), canonical, "the canonical print is not stable");
    let accepted = AcceptedFormats { avif: true, webp: true };
    assert_eq!(
        again.key(accepted),
        plan.key(accepted),
        "equal plans have different keys"
    );
    for stored in SOURCES {
        for findings in findings(stored) {
            check_layout(plan, stored, &findings, limits);
        }
    }
}

/// Nothing found; and things found at the edges of what a model may say.
fn findings(source: Size) -> [Findings; 2] {
    let models = Models {
        faces: true,
        segment: true,
        generate: true,
    };
    let found = Findings {
        trim: Some(Rect::new(
            source.width / 3,
            source.height / 3,
            source.width.div_ceil(3),
            source.height.div_ceil(3),
        )),
        faces: Some(FaceBox {
            inference: Size::new(1024, 683),
            left: 0,
            top: 300,
            right: 1,
            bottom: 683,
        }),
        window: Some(Window { left: 7, top: 0 }),
        models,
    };
    [
        Findings {
            models,
            ..Findings::default()
        },
        found,
    ]
}

fn check_layout(plan: &Plan, stored: Size, findings: &Findings, limits: &Limits) {
    let orientation = Orientation::from_exif(6);
    let Ok(layout) = Layout::compute(plan, stored, orientation, findings, limits) else {
        return;
    };
    assert!(!layout.output.is_empty(), "an empty result");
    assert!(layout.output.longest() <= limits.side_px_max, "a result over the limit");
    assert_eq!(layout.steps.len(), plan.ops.len());
    for (op, step) in plan.ops.iter().zip(&layout.steps) {
        assert!(!step.after.is_empty(), "{op:?} leaves nothing: {step:?}");
        if let Some(cut) = step.cut {
            assert!(
                cut.fits(step.before) && !cut.size().is_empty(),
                "{op:?} cuts outside: {step:?}"
            );
        }
        if let (Some(crop), Some(fitted)) = (step.crop, step.fitted) {
            assert!(crop.fits(fitted.scaled), "{op:?} crops outside: {step:?}");
        }
        if let (Op::Resize(resize), Some(fitted)) = (op, step.fitted) {
            check_fit(resize, step.before, fitted.output);
            if let Some(canvas) = fitted.canvas {
                let inside = Rect::new(canvas.left, canvas.top, fitted.scaled.width, fitted.scaled.height);
                assert!(inside.fits(canvas.size), "{op:?} pads outside: {step:?}");
            }
        }
    }
    // What costs before it runs is known for every plan that can be laid out without findings.
    if findings.window.is_none() {
        let facts = SourceFacts {
            stored,
            orientation,
            scalable: true,
            holds_coefficients: true,
        };
        match plan.cost(facts, limits) {
            Ok(cost) => {
                assert!([1, 2, 4, 8].contains(&cost.decode_scale) && cost.memory_peak_bytes >= cost.decoded_bytes)
            }
            Err(fault) => panic!("a plan with a layout has no cost: {fault}"),
        }
    }
}

/// Requested sides are never passed, but by the mode that only enlarges.
fn check_fit(resize: &Resize, before: Size, output: Size) {
    let within = |asked: Option<Length>, got: u32| match asked {
        Some(Length::Px(px)) => got <= px,
        _ => true,
    };
    if resize.fit != Fit::ScaleUp {
        assert!(
            within(resize.width, output.width) && within(resize.height, output.height),
            "{resize:?} of {before:?} gives {output:?}"
        );
    }
    if matches!(resize.fit, Fit::ScaleDown | Fit::Crop | Fit::AspectCrop) {
        assert!(
            output.width <= before.width && output.height <= before.height,
            "{resize:?} enlarges {before:?} to {output:?}"
        );
    }
}
