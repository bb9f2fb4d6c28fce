//! Properties that hold for every plan and every option string.

#![allow(clippy::unwrap_used, clippy::panic)]

use calotype_plan::{
    AcceptedFormats, BindingForm, BindingLayer, ClientHints, DeviceKind, Door, Findings, Fit, Layout, Limits, Op,
    Options, Orientation, OutputFields, Plan, Size, TransformPath,
};
use proptest::prelude::*;

fn number(max: u32) -> impl Strategy<Value = String> {
    prop_oneof![
        (0..=max).prop_map(|n| n.to_string()),
        (0..=max * 100).prop_map(|n| format!("{}.{:02}", n / 100, n % 100))
    ]
}

fn share() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("0".to_owned()),
        Just("1".to_owned()),
        (0..=1000_u32).prop_map(|n| format!("{}", f64::from(n) / 1000.0))
    ]
}

fn color() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("red".to_owned()),
        Just("transparent".to_owned()),
        any::<u32>().prop_map(|n| format!("%23{n:08x}")),
        any::<[u8; 3]>().prop_map(|[r, g, b]| format!("rgb({r} {g} {b})").replace(' ', "%20")),
    ]
}

fn word(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(words).prop_map(str::to_owned)
}

/// One option that works on pixels, as `name=value`.
fn pixel_option() -> impl Strategy<Value = String> {
    let named =
        |name: &'static str, value: BoxedStrategy<String>| value.prop_map(move |v| format!("{name}={v}")).boxed();
    prop_oneof![
        named("w", (1..4000_u32).prop_map(|n| n.to_string()).boxed()),
        named("height", (1..4000_u32).prop_map(|n| n.to_string()).boxed()),
        named("dpr", word(&["1", "2", "1.5", "0.25", "3", "1.333"]).boxed()),
        named(
            "fit",
            word(&[
                "scale-down",
                "contain",
                "cover",
                "crop",
                "aspect-crop",
                "pad",
                "squeeze",
                "scale-up"
            ])
            .boxed()
        ),
        named(
            "g",
            word(&["auto", "entropy", "face", "left", "right", "top", "bottom", "center"]).boxed()
        ),
        (share(), share()).prop_map(|(x, y)| format!("gravity={x}x{y}")),
        named("gravity.mode", word(&["remainder", "box-center"]).boxed()),
        named("zoom", share().boxed()),
        named("trim.left", prop_oneof![number(300), share()].boxed()),
        named("trim.top", prop_oneof![number(300), share()].boxed()),
        named("trim.right", number(300).boxed()),
        named("trim.width", prop_oneof![number(900), share()].boxed()),
        named(
            "trim",
            word(&["border", "color", "5", "5;10", "1;2;3;4", "0.1;0.2;0.1;0.2"]).boxed()
        ),
        named(
            "trim.border.tolerance",
            (0..=255_u32).prop_map(|n| n.to_string()).boxed()
        ),
        named("trim.border.keep", number(50).boxed()),
        named("trim.color", color().boxed()),
        named("border", (0..40_u32).prop_map(|n| n.to_string()).boxed()),
        named("border.color", color().boxed()),
        named("border.left", (0..40_u32).prop_map(|n| n.to_string()).boxed()),
        named("background", color().boxed()),
        named("brightness", number(255).boxed()),
        named("contrast", number(255).boxed()),
        named("gamma", number(255).boxed()),
        named("saturation", number(255).boxed()),
        named("sharpen", number(10).boxed()),
        named("blur", number(250).boxed()),
        named("flip", word(&["h", "v", "hv", "vh"]).boxed()),
        named("rotate", word(&["0", "90", "180", "270", "360"]).boxed()),
        named("upscale", word(&["interpolate", "generate"]).boxed()),
        named("segment", word(&["foreground"]).boxed()),
    ]
}

fn output_option() -> impl Strategy<Value = String> {
    let named =
        |name: &'static str, value: BoxedStrategy<String>| value.prop_map(move |v| format!("{name}={v}")).boxed();
    prop_oneof![
        named(
            "format",
            word(&[
                "auto",
                "avif",
                "webp",
                "jpeg",
                "jpg",
                "baseline-jpeg",
                "png",
                "png-force",
                "gif",
                "svg",
                "json"
            ])
            .boxed()
        ),
        named(
            "q",
            prop_oneof![number(120), word(&["low", "medium-low", "medium-high", "high"])].boxed()
        ),
        named("compression", word(&["fast"]).boxed()),
        named("metadata", word(&["none", "copyright", "keep"]).boxed()),
        named("anim", word(&["true", "false"]).boxed()),
        named("svg", word(&["raster"]).boxed()),
        named("scq", number(100).boxed()),
    ]
}

fn overlay_option() -> impl Strategy<Value = String> {
    let named =
        |name: &'static str, value: BoxedStrategy<String>| value.prop_map(move |v| format!("{name}={v}")).boxed();
    prop_oneof![
        pixel_option(),
        named("width", share().boxed()),
        named("left", (-50..50_i32).prop_map(|n| n.to_string()).boxed()),
        named("bottom", (-50..50_i32).prop_map(|n| n.to_string()).boxed()),
        named("opacity", share().boxed()),
        named("repeat", word(&["true", "x", "y", "false"]).boxed()),
        named(
            "composite",
            word(&["over", "in", "atop", "out", "xor", "lighter"]).boxed()
        ),
    ]
}

fn segment() -> impl Strategy<Value = String> {
    let overlays = prop::collection::vec(prop::collection::vec(overlay_option(), 0..5), 0..3);
    (
        prop::collection::vec(pixel_option(), 0..8),
        prop::collection::vec(output_option(), 0..4),
        overlays,
    )
        .prop_map(|(pixels, outputs, overlays)| {
            let mut items = pixels;
            items.extend(outputs);
            for (n, overlay) in overlays.iter().enumerate() {
                items.push(
                    format!("draw.{n}.url=https:%2F%2Fexample.com%2Fo%20{n}.png%3Fa=1%2C2").replace("%20", "%2520"),
                );
                items.extend(overlay.iter().map(|item| format!("draw.{n}.{item}")));
            }
            items.push("metadata=copyright".to_owned());
            items.join(",")
        })
}

fn plan(segment: &str, hints: &ClientHints) -> Option<Plan> {
    Options::parse_url(segment, &Limits::default())
        .ok()
        .map(|options| options.plan(hints).plan)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn printing_and_parsing_a_canonical_plan_is_the_identity(segment in segment()) {
        let Some(plan) = plan(&segment, &ClientHints::default()) else { return Ok(()) };
        let canonical = plan.canonical();
        let again = Plan::from_canonical(&canonical, &Limits::default());
        prop_assert_eq!(again.as_ref(), Ok(&plan), "{}", canonical);
        prop_assert_eq!(again.unwrap().canonical(), canonical);
    }

    #[test]
    fn a_plan_of_one_pass_prints_as_options_that_the_url_reads_again(segment in segment()) {
        let Some(plan) = plan(&segment, &ClientHints::default()) else { return Ok(()) };
        let canonical = plan.canonical();
        // A share above 1 is the one thing that URLs write by dpr alone.
        if canonical.is_empty() || canonical.contains('|') || canonical.contains(".share=") || canonical.contains(".ops=") {
            return Ok(());
        }
        let options = Options::parse_url(&canonical, &Limits::default()).unwrap();
        prop_assert_eq!(options.plan(&ClientHints::default()).plan, plan, "{}", canonical);
    }

    #[test]
    fn the_order_of_options_changes_nothing(segment in segment(), seed in any::<u64>()) {
        // Repeated options are decided by order, so keep the last of each.
        let mut seen = std::collections::HashSet::new();
        let canonical_name = |item: &str| {
            let name = item.split('=').next().unwrap_or_default();
            let (prefix, last) = name.rsplit_once('.').unwrap_or(("", name));
            let last = match last { "w" => "width", "h" => "height", "q" => "quality", "f" => "format", "g" => "gravity", other => other };
            format!("{prefix}.{last}")
        };
        let mut items: Vec<&str> = segment.split(',').rev().filter(|item| seen.insert(canonical_name(item))).collect();
        let plan_a = plan(&items.join(","), &ClientHints::default());
        let len = items.len();
        let mut state = seed | 1;
        for i in (1..len).rev() {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let j = usize::try_from(state >> 33).unwrap_or(0) % (i + 1);
            items.swap(i, j);
        }
        let plan_b = plan(&items.join(","), &ClientHints::default());
        prop_assert_eq!(&plan_a, &plan_b);
        if let (Some(a), Some(b)) = (plan_a, plan_b) {
            prop_assert_eq!(a.key(AcceptedFormats::default()), b.key(AcceptedFormats::default()));
        }
    }

    #[test]
    fn sizes_stay_inside_the_box_and_cuts_inside_the_picture(segment in segment(), w in 1..6000_u32, h in 1..6000_u32, turn in 1..=8_u32) {
        let Some(plan) = plan(&segment, &ClientHints::default()) else { return Ok(()) };
        let source = Size::new(w, h);
        let limits = Limits::default();
        let findings = Findings { models: calotype_plan::Models { faces: true, segment: true, generate: true }, ..Findings::default() };
        let Ok(layout) = Layout::compute(&plan, source, Orientation::from_exif(turn), &findings, &limits) else { return Ok(()) };
        prop_assert!(!layout.output.is_empty());
        prop_assert!(layout.output.longest() <= limits.side_px_max);
        for (op, step) in plan.ops.iter().zip(&layout.steps) {
            if let Some(cut) = step.cut {
                prop_assert!(cut.fits(step.before), "{op:?} {step:?}");
                prop_assert!(!cut.size().is_empty());
            }
            if let (Op::Resize(resize), Some(fitted)) = (op, step.fitted) {
                if let Some(crop) = step.crop {
                    prop_assert!(crop.fits(fitted.scaled), "{op:?} {step:?}");
                }
                let inside = |asked: Option<calotype_plan::Length>, got: u32| match asked {
                    Some(calotype_plan::Length::Px(px)) => got <= px,
                    _ => true,
                };
                if resize.fit != Fit::ScaleUp {
                    prop_assert!(inside(resize.width, fitted.output.width) && inside(resize.height, fitted.output.height), "{op:?} {step:?}");
                }
                if matches!(resize.fit, Fit::ScaleDown | Fit::Crop | Fit::AspectCrop) {
                    prop_assert!(fitted.output.width <= step.before.width && fitted.output.height <= step.before.height);
                }
                if let Some(canvas) = fitted.canvas {
                    prop_assert!(canvas.left + fitted.scaled.width <= canvas.size.width);
                    prop_assert!(canvas.top + fitted.scaled.height <= canvas.size.height);
                }
            }
        }
        let facts = calotype_plan::SourceFacts { stored: source, orientation: Orientation::from_exif(turn), scalable: true, holds_coefficients: false };
        let cost = plan.cost(facts, &limits).unwrap();
        prop_assert!([1, 2, 4, 8].contains(&cost.decode_scale));
        prop_assert!(cost.memory_peak_bytes >= cost.decoded_bytes);
    }

    #[test]
    fn no_option_string_panics(segment in ".{0,200}", json in ".{0,200}") {
        let _ = plan(&segment, &ClientHints { viewport_width_px: Some(1), device: DeviceKind::Mobile, slow_connection: true });
        let _ = Options::parse_json(&json, Door::Object, &Limits::default());
        let _ = TransformPath::parse(&format!("/cdn-cgi/image/{segment}/{json}"));
        let _ = Plan::from_canonical(&segment, &Limits::default());
    }

    #[test]
    fn no_mix_of_names_and_values_panics(items in prop::collection::vec(("[a-z.0-9]{1,24}", "[-a-z0-9.;x%#(), ]{0,24}"), 0..12)) {
        let segment = items.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(",");
        let _ = plan(&segment, &ClientHints::default());
        let segment = segment.replace("a", "w").replace("b", "draw.0.");
        let _ = plan(&segment, &ClientHints::default());
    }
}

#[test]
fn the_binding_list_of_one_pass_equals_the_url() {
    let limits = Limits::default();
    let form = BindingForm {
        layers: vec![
            BindingLayer::Image,
            BindingLayer::Image,
            BindingLayer::Image,
            BindingLayer::Image,
        ],
        // The worked example of the binding's documentation, captured from the runtime.
        transforms: r#"[{"imageIndex":0,"width":800},{"imageIndex":1,"width":400},{"imageIndex":2,"rotate":90},
            {"drawImageIndex":2,"targetImageIndex":1,"top":5,"left":5},{"imageIndex":1,"blur":2},
            {"drawImageIndex":1,"targetImageIndex":0,"opacity":0.7,"bottom":0,"right":0},
            {"imageIndex":0,"sharpen":1},{"drawImageIndex":3,"targetImageIndex":0,"repeat":"y"}]"#,
        output: OutputFields {
            format: "image/avif",
            ..OutputFields::default()
        },
    };
    let plan = form.parse(&limits).unwrap().plan;
    assert_eq!(
        plan.canonical(),
        "width=800,draw.0.part=1,draw.0.ops=width%3D400%2Cdraw.0.part%3D2%2Cdraw.0.rotate%3D90%2Cdraw.0.left%3D5%2Cdraw.0.top%3D5%7Cblur%3D2,\
         draw.0.right=0,draw.0.bottom=0,draw.0.opacity=0.7|sharpen=1,draw.0.part=3,draw.0.repeat=y,format=avif"
    );
    assert_eq!(Plan::from_canonical(&plan.canonical(), &limits), Ok(plan));

    let single = BindingForm {
        layers: vec![BindingLayer::Image],
        transforms: r#"[{"imageIndex":0,"width":400,"height":300,"fit":"cover","blur":2,"gravity":null}]"#,
        output: OutputFields {
            format: "image/webp",
            quality: Some("62.5"),
            ..OutputFields::default()
        },
    };
    let by_url = Options::parse_url("w=400,h=300,fit=cover,blur=2,f=webp,q=63", &limits).unwrap();
    let hints = ClientHints::default();
    let accepted = AcceptedFormats::default();
    assert_eq!(
        single.parse(&limits).unwrap().plan.key(accepted),
        by_url.plan(&hints).plan.key(accepted)
    );
}

#[test]
fn the_binding_refuses_indexes_that_make_no_sense() {
    let limits = Limits::default();
    for transforms in [
        r#"[{"imageIndex":2}]"#,
        r#"[{"imageIndex":-1}]"#,
        r#"[{"imageIndex":0.5}]"#,
        r#"[{"width":5}]"#,
        r#"[5]"#,
        r#"{}"#,
        r#"[{"drawImageIndex":1}]"#,
        r#"[{"drawImageIndex":1,"targetImageIndex":1}]"#,
        r#"[{"drawImageIndex":0,"targetImageIndex":1}]"#,
        r#"[{"drawImageIndex":1,"targetImageIndex":0},{"drawImageIndex":1,"targetImageIndex":0}]"#,
        r#"[{"drawImageIndex":1,"targetImageIndex":0},{"imageIndex":1,"width":5}]"#,
        r#"[{"drawImageIndex":1,"targetImageIndex":0,"left":1,"right":1}]"#,
        r#"[{"imageIndex":0,"blur":300}]"#,
        r#"[{"imageIndex":0,"width":"auto"}]"#,
    ] {
        let form = BindingForm {
            layers: vec![BindingLayer::Image, BindingLayer::Image],
            transforms,
            output: OutputFields {
                format: "image/png",
                ..OutputFields::default()
            },
        };
        let fault = form.parse(&limits).unwrap_err();
        assert_eq!((fault.code(), fault.status()), (9432, 400), "{transforms}");
        assert!(
            fault.public_message().starts_with("Bad request: "),
            "{transforms}: {fault}"
        );
    }
    for format in ["", "undefined", "image/heic", "jpeg"] {
        let form = BindingForm {
            layers: vec![BindingLayer::Image],
            transforms: "[]",
            output: OutputFields {
                format,
                ..OutputFields::default()
            },
        };
        let fault = form.parse(&limits).unwrap_err();
        assert!(
            fault.public_message().starts_with("Bad request: invalid output format"),
            "{fault}"
        );
    }
}
