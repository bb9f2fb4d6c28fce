//! Every worked example of the specification, read from `worked-examples.md`, at plan level: header facts, boxes, `Accept` and installed models in,
//! sizes, boxes, formats, codes and warnings out. Exact.

#![allow(clippy::unwrap_used, clippy::panic)]

mod tables;

use std::collections::BTreeMap;

use calotype_plan::{
    AcceptedFormats, ClientHints, DeviceKind, Door, FaceBox, Fault, Findings, ImageFormat, Layout, Limits, Models, Op,
    Options, Orientation, OutputFormat, Plan, Planned, Rect, Rendition, Size, SourceRef, TransformPath, Warning,
    inference_size,
};
use tables::{json_of, rect, rows, size};

/// Options as the table writes them: a URL segment, or a JavaScript object.
fn planned(cell: &str) -> Result<Planned, Fault> {
    let text = cell.trim_matches('`');
    let limits = Limits::default();
    let options = if text.starts_with('{') {
        Options::parse_json(&json_of(text), Door::Object, &limits)?
    } else {
        Options::parse_url(text, &limits)?
    };
    Ok(options.plan(&ClientHints::default()))
}

fn layout(plan: &Plan, source: Size, findings: &Findings) -> Result<Layout, Fault> {
    Layout::compute(plan, source, Orientation::Upright, findings, &Limits::default())
}

fn all_models() -> Findings {
    Findings {
        models: Models {
            faces: true,
            segment: true,
            generate: true,
        },
        ..Findings::default()
    }
}

/// The scaled size and cut that a table shows for a plan with at most one resize.
fn scaled_and_crop(layout: &Layout) -> (Size, Option<Rect>) {
    match layout.resize() {
        Some(step) => (step.fitted.expect("a resize has a fit").scaled, step.crop),
        None => (layout.source, None),
    }
}

fn check_crop(row: &[String], cell: &str, crop: Option<Rect>) {
    match cell {
        "—" => assert_eq!(crop, None, "{row:?}"),
        text => assert_eq!(crop, Some(rect(text)), "{row:?}"),
    }
}

#[test]
fn there_are_194_rows() {
    let count: usize = ('A'..='L').map(|letter| rows(letter).len()).sum();
    assert_eq!(count, 194);
}

#[test]
fn a_fit() {
    for row in rows('A') {
        let planned = planned(&row[2]).unwrap();
        let layout = layout(&planned.plan, size(&row[1]), &Findings::default()).unwrap();
        let (scaled, crop) = scaled_and_crop(&layout);
        assert_eq!(scaled, size(&row[3]), "{row:?}");
        check_crop(&row, &row[4], crop);
        assert_eq!(layout.output, size(&row[5]), "{row:?}");
        let warnings: Vec<String> = planned.warnings.iter().map(ToString::to_string).collect();
        let note = row[6].as_str();
        if let Some(warning) = note.strip_prefix("warning: ") {
            assert_eq!(warnings, [warning], "{row:?}");
        } else {
            assert!(warnings.is_empty(), "{row:?}: {warnings:?}");
        }
        if let Some(place) = note.strip_prefix("image placed at +") {
            let (left, top) = place.split_once('+').unwrap();
            let canvas = layout
                .resize()
                .and_then(|step| step.fitted)
                .and_then(|fitted| fitted.canvas)
                .unwrap();
            assert_eq!(
                (canvas.left, canvas.top),
                (left.parse().unwrap(), top.parse().unwrap()),
                "{row:?}"
            );
        }
    }
}

#[test]
fn b_gravity() {
    for row in rows('B') {
        let layout = layout(&planned(&row[2]).unwrap().plan, size(&row[1]), &Findings::default()).unwrap();
        let (scaled, crop) = scaled_and_crop(&layout);
        assert_eq!(scaled, size(&row[3]), "{row:?}");
        check_crop(&row, &row[4], crop);
        assert_eq!(layout.output, size(&row[5]), "{row:?}");
    }
}

#[test]
fn c_faces() {
    for row in rows('C') {
        let source = size(&row[1]);
        let edges: Vec<u32> = row[3].split(',').map(|n| n.parse().unwrap()).collect();
        let faces = FaceBox {
            inference: size(&row[2]),
            left: edges[0],
            top: edges[1],
            right: edges[2],
            bottom: edges[3],
        };
        assert_eq!(inference_size(source), faces.inference, "{row:?}");
        let findings = Findings {
            faces: Some(faces),
            ..all_models()
        };
        let plan = planned(&row[4]).unwrap().plan;
        let layout = layout(&plan, source, &findings).unwrap();
        let face_step = plan.ops.iter().position(|op| matches!(op, Op::FaceCrop(_)));
        let region = face_step
            .and_then(|at| layout.steps[at].cut)
            .unwrap_or(Rect::of(source));
        assert_eq!(region, rect(&row[5]), "{row:?}");
        // "scale 800x800, crop 400x800+152+0"
        let (mut scaled, mut crop) = (None, None);
        for part in row[6].split(", ") {
            if let Some(text) = part.strip_prefix("scale ") {
                scaled = Some(size(text));
            } else if let Some(text) = part.strip_prefix("crop ") {
                crop = Some(rect(text));
            }
        }
        if let Some(scaled) = scaled {
            assert_eq!(scaled_and_crop(&layout), (scaled, crop), "{row:?}");
        } else {
            assert_eq!(row[6], "—");
        }
        assert_eq!(layout.output, size(&row[7]), "{row:?}");
    }
}

#[test]
fn d_inference_size() {
    for row in rows('D') {
        assert_eq!(inference_size(size(&row[1])), size(&row[2]), "{row:?}");
    }
}

#[test]
fn e_trim_rotate_flip_dpr_border() {
    for row in rows('E') {
        let source = size(&row[1]);
        let planned = planned(&row[2]).unwrap();
        let result = layout(&planned.plan, source, &Findings::default());
        if row[3] == "empty" {
            let fault = result.unwrap_err();
            assert_eq!(
                row[6],
                format!("error {} ({})", fault.code(), fault.status()),
                "{row:?}"
            );
            continue;
        }
        let layout = result.unwrap();
        let step_of = |wanted: fn(&Op) -> bool| planned.plan.ops.iter().position(wanted).map(|at| layout.steps[at]);
        let trim = step_of(|op| matches!(op, Op::Trim(_))).and_then(|step| step.cut);
        assert_eq!(trim, (row[3] != "—").then(|| rect(&row[3])), "{row:?}");
        let before_resize = layout.resize().map_or_else(
            || step_of(|op| matches!(op, Op::Border(_))).map_or(layout.output, |step| step.before),
            |step| step.before,
        );
        assert_eq!(before_resize, size(&row[4]), "{row:?}");
        // "500x750 / 500x500+0+0"
        let mut parts = row[5].split(" / ");
        let (scaled, crop) = layout
            .resize()
            .map_or((before_resize, None), |_| scaled_and_crop(&layout));
        assert_eq!(scaled, size(parts.next().unwrap()), "{row:?}");
        assert_eq!(crop, parts.next().map(rect), "{row:?}");
        assert_eq!(layout.output, size(&row[6]), "{row:?}");
    }
}

#[test]
fn f_width_auto() {
    for row in rows('F') {
        let mut headers = BTreeMap::new();
        let mut options = "width=auto".to_owned();
        for part in row[1].split(", ") {
            let part = part.trim_matches('`');
            if let Some((name, value)) = part.split_once(": ") {
                headers.insert(name.to_ascii_lowercase(), value.to_owned());
            } else if part.contains('=') {
                options = format!("{options},{part}");
            } else if let Some(agent) = part.strip_prefix("user agent with `") {
                headers.insert("user-agent".to_owned(), format!("Mozilla/5.0 ({agent})"));
            }
        }
        let hints = ClientHints::from_headers(|name| headers.get(name).map(String::as_str));
        if row[1].contains("user agent with") {
            assert_eq!(hints.device, DeviceKind::Mobile, "{row:?}");
        }
        let planned = Options::parse_url(&options, &Limits::default()).unwrap().plan(&hints);
        let layout = layout(&planned.plan, Size::new(4000, 3000), &Findings::default()).unwrap();
        assert_eq!(layout.output.width.to_string(), row[2], "{row:?}");
        assert_eq!(planned.vary, ["Sec-CH-Viewport-Width", "User-Agent"]);
    }
}

#[test]
fn g_format() {
    let limits = Limits::default();
    for row in rows('G') {
        let source = row[1].as_str();
        let format = match source.split([' ', ',']).next().unwrap() {
            "JPEG" => ImageFormat::Jpeg,
            "WebP" => ImageFormat::Webp,
            "PNG" => ImageFormat::Png,
            "GIF" => ImageFormat::Gif,
            "SVG" => ImageFormat::Svg,
            other => panic!("unknown format {other}"),
        };
        let stored = source
            .split(' ')
            .find(|word| word.contains('x'))
            .map_or(Size::new(1000, 800), size);
        let accept = match row[3].as_str() {
            "absent" | "any" => String::new(),
            text => text.trim_matches('`').to_owned(),
        };
        let planned = planned(&row[2]).unwrap();
        let plan = &planned.plan;
        if plan.output.format == calotype_plan::FormatChoice::Svg && format != ImageFormat::Svg {
            let fault = plan.output.check_source(format).unwrap_err();
            assert_eq!(row[4], format!("{}, {}", fault.status(), fault.code()), "{row:?}");
            continue;
        }
        plan.output.check_source(format).unwrap();
        let frames = if source.contains("10 frames") { 10 } else { 1 };
        let layout = layout(plan, stored, &all_models()).unwrap();
        let rendition = Rendition {
            source: format,
            size: layout.output,
            transparent: source.contains("with alpha") || plan.ops.contains(&Op::Segment),
            animated: frames > 1 && !plan.output.still,
            hosted: false,
        };
        let decision = plan
            .output
            .choose(&rendition, AcceptedFormats::from_accept(&accept), &limits);
        let want = row[4].as_str();
        let got = match decision.format {
            OutputFormat::Jpeg { progressive: false } if want.starts_with("baseline") => {
                format!("baseline JPEG ({} px area)", "2,000")
            }
            OutputFormat::Jpeg { .. } => "JPEG".to_owned(),
            OutputFormat::Png { .. } => "PNG".to_owned(),
            OutputFormat::Gif { animated: true } => "animated GIF".to_owned(),
            OutputFormat::Webp { animated: true, .. } => "animated WebP".to_owned(),
            OutputFormat::Webp { .. } => "WebP".to_owned(),
            OutputFormat::Avif => "AVIF".to_owned(),
            OutputFormat::Svg => "filtered SVG".to_owned(),
            other => panic!("{row:?}: {other:?}"),
        };
        let want_format = want
            .split([',', '('])
            .next()
            .unwrap()
            .trim()
            .trim_end_matches(" on white");
        let got_format = got.split([',', '(']).next().unwrap().trim();
        assert_eq!(got_format, want_format, "{row:?}");
        assert_eq!(
            decision.warnings.contains(&Warning::TooLargeForAvif),
            want.contains("warning"),
            "{row:?}: {:?}",
            decision.warnings
        );
    }
}

#[test]
fn h_limits() {
    use calotype_plan::AnimationVerdict;
    let limits = Limits::default();
    for row in rows('H') {
        let source = row[1].as_str();
        let stored = source
            .split([' ', ','])
            .find(|word| word.contains('x') && word.starts_with(|c: char| c.is_ascii_digit()))
            .map(size)
            .unwrap();
        let frames: u64 = source
            .split([' ', ','])
            .zip(source.split([' ', ',']).skip(1))
            .find(|(_, next)| *next == "frames")
            .map_or(1, |(n, _)| n.parse().unwrap());
        let plan = planned(&row[2]).unwrap().plan;
        let counted = if plan.output.still { 1 } else { frames };
        let verdict = limits.check_animation(stored, counted, None);
        match row[3].as_str() {
            "403, 9413" => {
                let fault = verdict
                    .and_then(|_| layout(&plan, stored, &Findings::default()).map(|_| ()))
                    .unwrap_err();
                assert_eq!((fault.status(), fault.code()), (403, 9413), "{row:?}");
            }
            "original bytes, warning" => assert_eq!(verdict.unwrap(), AnimationVerdict::Unchanged, "{row:?}"),
            "transformed" => {
                assert_eq!(verdict.unwrap(), AnimationVerdict::Transformed, "{row:?}");
                layout(&plan, stored, &Findings::default()).unwrap();
            }
            text => {
                assert_eq!(verdict.unwrap(), AnimationVerdict::Transformed, "{row:?}");
                let want = size(text.trim_start_matches("still, "));
                assert_eq!(
                    layout(&plan, stored, &Findings::default()).unwrap().output,
                    want,
                    "{row:?}"
                );
            }
        }
    }
}

#[test]
fn i_overlay_placement() {
    let base = Size::new(800, 600);
    for row in rows('I') {
        let entry = json_of(row[2].trim_matches('`'));
        let entry = if entry == "{}" {
            r#"{"url":"https://example.com/o.png"}"#.to_owned()
        } else {
            format!(r#"{{"url":"https://example.com/o.png",{}"#, &entry[1..])
        };
        let parsed = Options::parse_json(&format!(r#"{{"draw":[{entry}]}}"#), Door::Object, &Limits::default());
        if row[1] == "any" {
            let fault = parsed.unwrap_err();
            assert_eq!(row[4], format!("{}, {}", fault.status(), fault.code()), "{row:?}");
            continue;
        }
        let plan = parsed.unwrap().plan(&ClientHints::default()).plan;
        let [Op::Draw(draw)] = plan.ops.as_slice() else {
            panic!("{row:?}: {plan:?}")
        };
        let overlay = Layout::overlay(draw, size(&row[1]), base, &Findings::default()).unwrap();
        assert_eq!(overlay, size(row[3].split(',').next().unwrap()), "{row:?}");
        let (x, y) = (
            calotype_plan::Draw::place(draw.x, base.width, overlay.width),
            calotype_plan::Draw::place(draw.y, base.height, overlay.height),
        );
        assert_eq!(format!("{x},{y}"), row[4], "{row:?}");
    }
}

#[test]
fn j_generate() {
    for row in rows('J') {
        let options = row[2].trim_matches('`').replace(" (scale-down)", "").replace('`', "");
        let planned = planned(&format!("{options},upscale=generate")).unwrap();
        let layout = layout(&planned.plan, size(&row[1]), &all_models()).unwrap();
        let step = layout.resize().unwrap();
        // "2x to 600x400"
        let pass = step.generate.map(|factor| {
            let before = step.before;
            Size::new(before.width * factor, before.height * factor)
        });
        match row[3].as_str() {
            "none" => assert_eq!(pass, None, "{row:?}"),
            text => {
                let (factor, to) = text.split_once("x to ").unwrap();
                assert_eq!(step.generate, factor.parse().ok(), "{row:?}");
                assert_eq!(pass, Some(size(to)), "{row:?}");
            }
        }
        let from = pass.unwrap_or(step.before).width;
        let then = match layout.output.width.cmp(&from) {
            std::cmp::Ordering::Less => "down",
            std::cmp::Ordering::Equal => "nothing",
            std::cmp::Ordering::Greater => "up, bicubic",
        };
        assert_eq!(then, row[4], "{row:?}");
        assert_eq!(layout.output, size(&row[5]), "{row:?}");
        // Without a model the size is the same, and the answer says so.
        let without = super_layout(&planned.plan, size(&row[1]));
        assert_eq!(without.output, layout.output);
        assert_eq!(
            without.warnings.contains(&Warning::GenerateNotAvailable),
            step.generate.is_some(),
            "{row:?}"
        );
    }
}

fn super_layout(plan: &Plan, source: Size) -> Layout {
    layout(plan, source, &Findings::default()).unwrap()
}

#[test]
fn k_urls() {
    let limits = Limits::default();
    for row in rows('K') {
        for target in row[1].replace("`, `", " or ").split(" or ") {
            let target = target
                .trim_start_matches('`')
                .split('`')
                .next()
                .unwrap()
                .replace("...", "/cdn-cgi/image");
            let parsed = TransformPath::parse(&target).unwrap();
            let outcome = parsed.and_then(|path| {
                Ok((
                    Options::parse_url(path.options, &limits)?.plan(&ClientHints::default()),
                    path.source,
                ))
            });
            check_url(&row, outcome);
        }
    }
}

fn check_url(row: &[String], outcome: Result<(Planned, SourceRef), Fault>) {
    let want = row[2].replace('`', "");
    if let Some((status, code)) = want
        .split_once(", ")
        .and_then(|(s, c)| Some((s.parse::<u16>().ok()?, c[..4].parse::<u16>().ok()?)))
    {
        if row[0] == "K12" {
            // Allowed origins are the fetcher's to judge; the plan must accept the URL.
            outcome.unwrap();
            return;
        }
        let fault = outcome.unwrap_err();
        assert_eq!((fault.status(), fault.code()), (status, code), "{row:?}");
        return;
    }
    let (planned, source) = outcome.unwrap();
    let absolute = match &source {
        SourceRef::Absolute(url) => url.clone(),
        SourceRef::Path(path) => format!("https://example.com{path}"),
    };
    let resized = layout(&planned.plan, Size::new(1000, 800), &Findings::default())
        .unwrap()
        .output;
    if let Some(url) = want.strip_prefix("source ") {
        assert_eq!(absolute, url, "{row:?}");
    } else if want.starts_with("absolute source") {
        assert_eq!(absolute, "https://s3.example.net/b/i.png");
    } else if let Some(rest) = want.strip_prefix("width ") {
        let width: u32 = rest.split([',', ' ']).next().unwrap().parse().unwrap();
        assert_eq!(resized.width, width, "{row:?}");
        if rest.contains("quality 5") {
            assert_eq!(planned.plan.output.quality.map(calotype_plan::Quality::get), Some(5));
        }
    } else if want.starts_with("200, source size, JPEG") {
        assert_eq!(resized, Size::new(1000, 800));
        assert_eq!(planned.warnings, [Warning::InvalidValue("width".to_owned())]);
    } else if let Some(color) = want.strip_prefix("background ") {
        let found = planned.plan.ops.iter().find_map(|op| match op {
            Op::Background(background) => Some(background.0.to_string()),
            _ => None,
        });
        assert_eq!(found.as_deref(), Some(color), "{row:?}");
    } else {
        panic!("{row:?}");
    }
}

/// The picture of table L, by colour: what of it is frame for a colour and a tolerance. Written out from the text above the table.
fn found_frame(color: Option<[u8; 3]>, tolerance: u8, within: Rect) -> Option<Rect> {
    let pixel = |x: u32, y: u32| -> u8 {
        let inside = |r: Rect| x >= r.left && y >= r.top && x < r.left + r.width && y < r.top + r.height;
        if inside(Rect::new(30, 20, 40, 30)) {
            0
        } else if inside(Rect::new(20, 10, 60, 50)) {
            245
        } else {
            255
        }
    };
    let corner = pixel(within.left, within.top);
    let frame = color.map_or([corner; 3], |c| c);
    let mut edges: Option<(u32, u32, u32, u32)> = None;
    for y in within.top..within.top + within.height {
        for x in within.left..within.left + within.width {
            let value = pixel(x, y);
            if frame.iter().any(|c| c.abs_diff(value) > tolerance) {
                let (l, t, r, b) = edges.unwrap_or((x, y, x, y));
                edges = Some((l.min(x), t.min(y), r.max(x), b.max(y)));
            }
        }
    }
    edges.map(|(l, t, r, b)| Rect::new(l - within.left, t - within.top, r - l + 1, b - t + 1))
}

#[test]
fn l_colour_trim() {
    let source = Size::new(100, 80);
    for row in rows('L') {
        let plan = planned(&row[1]).unwrap().plan;
        let mut within = Rect::of(source);
        let mut kept = within;
        let mut findings = Findings::default();
        for op in &plan.ops {
            match op {
                Op::Trim(trim) => within = trim.cut(source).unwrap(),
                Op::TrimColor(trim) => {
                    let color = trim.color.map(|c| [c.r, c.g, c.b]);
                    findings.trim = found_frame(color, trim.tolerance, within);
                    let cut = trim.cut(findings.trim, within.size());
                    kept = Rect::new(within.left + cut.left, within.top + cut.top, cut.width, cut.height);
                }
                _ => {}
            }
        }
        assert_eq!(kept, rect(&row[2]), "{row:?}");
        assert_eq!(
            layout(&plan, source, &findings).unwrap().output,
            size(&row[3]),
            "{row:?}"
        );
    }
}

#[test]
fn the_json_forms_of_section_3_equal_their_url_forms() {
    for (url, object) in [
        (
            "w=250,h=100,fit=cover,g=0.5x0.2",
            r#"{"width":250,"height":100,"fit":"cover","gravity":{"x":0.5,"y":0.2}}"#,
        ),
        ("gravity=face,zoom=0.5", r#"{"gravity":"face","zoom":0.5}"#),
        (
            "trim=20;30;20;0",
            r#"{"trim":{"top":20,"right":30,"bottom":20,"left":0}}"#,
        ),
        ("trim.left=30,trim.width=678", r#"{"trim":{"left":30,"width":678}}"#),
        ("trim=border", r#"{"trim":"border"}"#),
        ("trim=border", r#"{"trim":{"border":true}}"#),
        ("trim=color", r#"{"trim":"color"}"#),
        (
            "trim.border.color=%23000000,trim.border.tolerance=5,trim.border.keep=10",
            r##"{"trim":{"border":{"color":"#000000","tolerance":5,"keep":10}}}"##,
        ),
        (
            "trim.color=black,trim.tolerance=5",
            r#"{"trim":{"color":{"value":"black","tolerance":5}}}"#,
        ),
        ("background=%23112233", r##"{"background":"#112233"}"##),
        ("q=low", r#"{"quality":"low"}"#),
        ("q=50", r#"{"quality":50}"#),
        (
            "anim=false,f=webp,metadata=none",
            r#"{"anim":false,"format":"webp","metadata":"none"}"#,
        ),
        ("compression=fast", r#"{"compression":"fast"}"#),
        (
            "border.width=10,border.color=%23fff",
            r##"{"border":{"color":"#fff","width":10}}"##,
        ),
        (
            "border=10,border.color=%23fff",
            r##"{"border":{"color":"#fff","width":10}}"##,
        ),
        (
            "draw.url=https:%2F%2Fe.com%2Fo.png,draw.0.left=5",
            r#"{"draw":[{"url":"https://e.com/o.png","left":5}]}"#,
        ),
    ] {
        let by_url = planned(url).unwrap();
        let by_object = Options::parse_json(object, Door::Object, &Limits::default())
            .unwrap()
            .plan(&ClientHints::default());
        assert_eq!(by_url.plan, by_object.plan, "{url}");
        assert_eq!(
            by_url.plan.key(AcceptedFormats::default()),
            by_object.plan.key(AcceptedFormats::default()),
            "{url}"
        );
        assert!(by_url.warnings.is_empty(), "{url}: {:?}", by_url.warnings);
    }
}

#[test]
fn warnings_and_refusals_name_the_option_as_it_was_written() {
    let limits = Limits::default();
    let warnings = |segment: &str| -> Vec<String> {
        let planned = Options::parse_url(segment, &limits)
            .unwrap()
            .plan(&ClientHints::default());
        planned.warnings.iter().map(ToString::to_string).collect()
    };
    assert_eq!(warnings("w=abc,h=5"), ["invalid value for w"]);
    assert_eq!(
        warnings("width=abc,h=5,Foo=1"),
        ["unknown option: foo", "invalid value for width"]
    );
    assert_eq!(
        warnings("h=5,trim.border.color=nope"),
        ["invalid value for trim.border.color"]
    );
    assert_eq!(warnings("h=5,trim.what=1"), ["unknown option: trim.what"]);
    assert_eq!(warnings("w=5,dpr=3"), ["dpr > 2 should never be used"]);
    for (segment, code) in [("trim.what=1", 9401), ("w=0", 9401), ("fit=foo", 9401), ("q=,w=", 9401)] {
        assert_eq!(
            Options::parse_url(segment, &limits).unwrap_err().code(),
            code,
            "{segment}"
        );
    }
    // More dropped options than warnings are kept: still nothing valid.
    let many: Vec<String> = (0..40).map(|n| format!("draw.{n}x.left=1,w{n}=2")).collect();
    assert_eq!(Options::parse_url(&many.join(","), &limits).unwrap_err().code(), 9401);
}

#[test]
fn options_that_are_too_long_say_what_to_change() {
    let limits = Limits::default();
    let fault = Options::parse_url(&"w=1,".repeat(limits.options_bytes_max), &limits).unwrap_err();
    assert_eq!((fault.code(), fault.status()), (9401, 414));
    assert!(
        fault.public_message().contains("write fewer") && fault.public_message().contains("limits.options_bytes"),
        "{fault}"
    );
}
