//! SVG sources (spec 9.7): passed on filtered, described, and drawn with `svg=raster`.

#![allow(clippy::unwrap_used)] // A test may end by an unwrap.

mod common;

use calotype_codec::{Budget, EncodeRequest, OutputMetadata, encode, probe, sniff};
use calotype_plan::{
    Edge, Fit, Flip, FormatChoice, ImageFormat, Limits, Metadata, Op, OutputFormat, Plan, Rotate, Size, TrimBox,
};

use common::{Around, jpeg, picture, plan, png, resize, smooth, unpacked, with};

/// A red left half and a blue right half, 40x20.
const HALVES: &str = "<svg xmlns='http://www.w3.org/2000/svg' width='40' height='20'><rect width='20' height='20' \
    fill='red'/><rect x='20' width='20' height='20' fill='blue' onclick='alert(1)'/></svg>";

fn raster(ops: Vec<Op>) -> Plan {
    let mut plan = plan(ops);
    plan.output.rasterize_svg = true;
    plan
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[test]
fn an_svg_stays_an_svg_whatever_the_options_say() {
    let filtered = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"40\" height=\"20\"><rect width=\"20\" height=\"20\" \
        fill=\"red\"/><rect x=\"20\" width=\"20\" height=\"20\" fill=\"blue\"/></svg>";
    for format in [
        FormatChoice::Absent,
        FormatChoice::Auto,
        FormatChoice::Jpeg,
        FormatChoice::Svg,
    ] {
        let outcome = Around::default()
            .run(&with(format, vec![resize(7, 7, Fit::Cover)]), HALVES.as_bytes())
            .unwrap();
        assert_eq!(String::from_utf8(outcome.bytes).unwrap(), filtered);
        assert_eq!(
            (outcome.content_type, outcome.format),
            ("image/svg+xml", OutputFormat::Svg)
        );
        assert_eq!(outcome.size, Some(Size::new(40, 20)));
        assert!(!outcome.passed_through);
    }
}

#[test]
fn a_description_of_an_svg_names_no_size() {
    let outcome = Around::default()
        .run(
            &with(FormatChoice::Json, vec![resize(7, 0, Fit::Cover)]),
            HALVES.as_bytes(),
        )
        .unwrap();
    let want = format!(
        r#"{{"original":{{"file_size":{},"format":"image/svg+xml"}}}}"#,
        HALVES.len()
    );
    assert_eq!(String::from_utf8(outcome.bytes).unwrap(), want);
    assert_eq!(outcome.content_type, "application/json");
    let mut drawn = raster(vec![resize(80, 0, Fit::Contain)]);
    drawn.output.format = FormatChoice::Json;
    let outcome = Around::default().run(&drawn, HALVES.as_bytes()).unwrap();
    let want = format!(
        r#"{{"width":80,"height":40,"original":{{"file_size":{},"width":40,"height":20,"format":"image/svg+xml"}}}}"#,
        HALVES.len()
    );
    assert_eq!(String::from_utf8(outcome.bytes).unwrap(), want);
}

#[test]
fn a_size_of_no_sense_is_passed_on_but_not_drawn() {
    let huge = "<svg xmlns='http://www.w3.org/2000/svg' width='1000000000' height='1000000000'/>";
    assert!(Around::default().run(&plan(vec![]), huge.as_bytes()).is_ok());
    let code = |plan: &Plan, text: &str| {
        Around::default()
            .run(plan, text.as_bytes())
            .map(|_| ())
            .unwrap_err()
            .code()
    };
    assert_eq!(code(&raster(vec![]), huge), 9413);
    // At a size that is asked for, it is a small picture.
    assert!(
        Around::default()
            .run(&raster(vec![resize(10, 0, Fit::Contain)]), huge.as_bytes())
            .is_ok()
    );
    let empty = "<svg xmlns='http://www.w3.org/2000/svg' width='0' height='10'/>";
    assert!(Around::default().run(&plan(vec![]), empty.as_bytes()).is_ok());
    assert_eq!(code(&raster(vec![]), empty), 9413);
    assert_eq!(code(&raster(vec![resize(20_000, 0, Fit::Contain)]), HALVES), 9413);
}

#[test]
fn damage_and_limits_have_their_codes_and_words() {
    let run = |text: &str| {
        let limits = Limits {
            svg_bytes_max: 1000,
            svg_elements_max: 5,
            svg_depth_max: 3,
            ..Limits::default()
        };
        let around = Around {
            limits,
            ..Around::default()
        };
        let fault = around.run(&plan(vec![]), text.as_bytes()).unwrap_err();
        (fault.code(), fault.status(), fault.public_message().to_owned())
    };
    let svg = |content: &str| format!("<svg xmlns='http://www.w3.org/2000/svg'>{content}</svg>");
    for (text, code, words) in [
        (
            svg("\n<g></svg>"),
            9516,
            "The image is damaged: its XML is not well-formed in line 2",
        ),
        (
            svg("&unknown;"),
            9516,
            "The image is damaged: its XML is not well-formed in line 1",
        ),
        (
            svg(&"<g/>".repeat(5)),
            9413,
            "The number of elements in the SVG is 6, but at most 5 is allowed",
        ),
        (
            svg("<g><g><g/></g></g>"),
            9413,
            "The nesting of elements in the SVG is 4, but at most 3 is allowed",
        ),
        (
            svg(&" ".repeat(1000)),
            9413,
            "The length of the SVG, in bytes, is 1046, but at most 1000 is allowed",
        ),
    ] {
        let (got, status, message) = run(&text);
        assert_eq!((got, message.as_str()), (code, words), "{text}");
        assert_eq!(status, if code == 9516 { 422 } else { 403 });
    }
}

#[test]
fn a_drawing_is_made_at_the_size_that_is_asked_for() {
    // Sharp at any size: the border between the halves lies on a pixel, so no pixel is mixed.
    for (ops, size) in [
        (vec![], Size::new(40, 20)),
        (vec![resize(400, 0, Fit::ScaleDown)], Size::new(400, 200)),
        (vec![resize(0, 6, Fit::Contain)], Size::new(12, 6)),
        (vec![resize(400, 400, Fit::Cover)], Size::new(400, 400)),
        (
            vec![Op::Flip(Flip::Vertical), resize(200, 0, Fit::Contain)],
            Size::new(200, 100),
        ),
    ] {
        let drawn = unpacked(&Around::default().run(&raster(ops), HALVES.as_bytes()).unwrap().bytes);
        assert_eq!(drawn.size(), size);
        for y in [0, size.height / 2, size.height - 1] {
            let middle = size.width / 2;
            assert_eq!(drawn.pixel(middle - 1, y), Some([255, 0, 0, 255]), "{size}");
            assert_eq!(drawn.pixel(middle, y), Some([0, 0, 255, 255]), "{size}");
        }
    }
    let turned = Around::default()
        .run(
            &raster(vec![Op::Rotate(Rotate::Deg90), resize(100, 0, Fit::Contain)]),
            HALVES.as_bytes(),
        )
        .unwrap();
    let turned = unpacked(&turned.bytes);
    assert_eq!(turned.size(), Size::new(100, 200));
    // Clockwise: what was left is on top.
    assert_eq!(turned.pixel(50, 99), Some([255, 0, 0, 255]));
    assert_eq!(turned.pixel(50, 100), Some([0, 0, 255, 255]));
}

#[test]
fn options_apply_to_a_drawing_as_to_any_picture() {
    // `trim` is meant in the document's own pixels.
    let trim = TrimBox {
        left: Some(Edge::Px(10)),
        ..TrimBox::default()
    };
    let cut = Around::default()
        .run(&raster(vec![Op::Trim(trim)]), HALVES.as_bytes())
        .unwrap();
    let cut = unpacked(&cut.bytes);
    assert_eq!(cut.size(), Size::new(30, 20));
    assert_eq!(
        (cut.pixel(9, 0), cut.pixel(10, 0)),
        (Some([255, 0, 0, 255]), Some([0, 0, 255, 255]))
    );
    // The ground is transparent: JPEG has it white, and without a format the answer is PNG.
    let dot = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><circle r='2' cx='4' cy='4'/></svg>";
    let mut absent = raster(vec![]);
    absent.output.format = FormatChoice::Absent;
    let outcome = Around::default().run(&absent, dot.as_bytes()).unwrap();
    assert_eq!(outcome.format, OutputFormat::Png { palette: false });
    let drawn = unpacked(&outcome.bytes);
    assert_eq!(
        (drawn.pixel(0, 0), drawn.pixel(4, 4)),
        (Some([0; 4]), Some([0, 0, 0, 255]))
    );
    absent.output.format = FormatChoice::Jpeg;
    let drawn = unpacked(&Around::default().run(&absent, dot.as_bytes()).unwrap().bytes);
    assert!(drawn.pixel(8, 8).unwrap().iter().all(|&sample| sample > 250));
}

#[test]
fn half_transparent_colours_come_out_straight() {
    let half = "<svg xmlns='http://www.w3.org/2000/svg' width='4' height='4'><rect width='4' height='4' fill='#c86432' \
        fill-opacity='0.5'/></svg>";
    let drawn = unpacked(&Around::default().run(&raster(vec![]), half.as_bytes()).unwrap().bytes);
    let [r, g, b, a] = drawn.pixel(2, 2).unwrap();
    // 200, 100, 50 at an alpha of 128 survive a premultiplied byte to within 255/128/2 = 1.
    assert_eq!(a, 128);
    for (got, want) in [(r, 200), (g, 100), (b, 50)] {
        assert!(got.abs_diff(want) <= 1, "{got} for {want}");
    }
}

#[test]
fn embedded_pictures_are_made_smaller_and_shorn() {
    let photo = jpeg(&smooth(Size::new(300, 200)), 98);
    let exif = common::exif_with_orientation(6);
    let metadata = OutputMetadata {
        exif: Some(exif),
        ..OutputMetadata::default()
    };
    let request = EncodeRequest::Jpeg {
        quality: 30,
        progressive: false,
    };
    let turned = encode(&smooth(Size::new(30, 20)), &request, &metadata, &Budget::unlimited()).unwrap();
    let drawing = png(&picture(Size::new(40, 40), true));
    let text = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' xmlns:x='http://www.w3.org/1999/xlink'>\
         <image x:href='data:image/jpeg;base64,{}'/><image href='data:image/jpeg;base64,{}'/>\
         <image href='data:image/png;base64,{}'/><image href='data:image/png;base64,{}'/>\
         <image href='data:image/svg+xml;base64,{}'/></svg>",
        base64(&photo),
        base64(&turned),
        base64(&drawing),
        base64(b"\x89PNG\r\n\x1a\n but no more"),
        base64(HALVES.as_bytes()),
    );
    let run = |metadata: Metadata| {
        let mut plan = with(FormatChoice::Auto, vec![]);
        plan.output.metadata = metadata;
        let outcome = Around::default().run(&plan, text.as_bytes()).unwrap();
        let text = String::from_utf8(outcome.bytes).unwrap();
        let urls: Vec<Vec<u8>> = text
            .split("base64,")
            .skip(1)
            .map(|rest| {
                use base64::Engine as _;
                base64::engine::general_purpose::STANDARD
                    .decode(rest.split('"').next().unwrap())
                    .unwrap()
            })
            .collect();
        urls
    };
    let pictures = run(Metadata::Copyright);
    assert_eq!(pictures.len(), 4, "the SVG in it is gone");
    assert_eq!(
        pictures.iter().map(|bytes| sniff(bytes)).collect::<Vec<_>>(),
        [
            Some(ImageFormat::Jpeg),
            Some(ImageFormat::Jpeg),
            Some(ImageFormat::Png),
            Some(ImageFormat::Png)
        ]
    );
    assert!(
        pictures[0].len() < photo.len() / 2,
        "{} of {}",
        pictures[0].len(),
        photo.len()
    );
    // Whatever its size: it has lost its metadata, and so it is turned.
    let header = probe(&pictures[1], &Limits::default()).unwrap();
    assert_eq!(
        (header.size, header.upright_size()),
        (Size::new(20, 30), Size::new(20, 30))
    );
    assert_eq!(common::difference(&unpacked(&pictures[2]), &unpacked(&drawing)), 0);
    assert!(pictures[3].ends_with(b"but no more"), "what cannot be decoded stays");
    assert!(run(Metadata::Keep)[1].len() <= turned.len());
}

#[test]
fn embedded_pictures_are_drawn_upright() {
    let metadata = OutputMetadata {
        exif: Some(common::exif_with_orientation(6)),
        ..OutputMetadata::default()
    };
    let halves = unpacked(&Around::default().run(&raster(vec![]), HALVES.as_bytes()).unwrap().bytes);
    let halves = halves.into_rgb_on([0; 3], &Budget::unlimited()).unwrap();
    let request = EncodeRequest::Jpeg {
        quality: 100,
        progressive: false,
    };
    let turned = encode(&halves, &request, &metadata, &Budget::unlimited()).unwrap();
    let text = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' width='20' height='40'><image width='20' height='40' \
         href='data:;base64,{}'/></svg>",
        base64(&turned)
    );
    let drawn = unpacked(&Around::default().run(&raster(vec![]), text.as_bytes()).unwrap().bytes);
    // Orientation 6 is turned clockwise: red is on top.
    let [top, bottom] = [drawn.pixel(10, 5).unwrap(), drawn.pixel(10, 35).unwrap()];
    assert!(
        top[0] > 240 && top[2] < 15 && bottom[2] > 240 && bottom[0] < 15,
        "{top:?} {bottom:?}"
    );
}

#[test]
fn drawings_that_would_take_for_ever_are_refused_at_once() {
    let svg =
        |content: String| format!("<svg xmlns='http://www.w3.org/2000/svg' width='1000' height='1000'>{content}</svg>");
    let tenfold = |element: &str, show: &dyn Fn(u32) -> String| {
        let levels = (0..9).map(|level| {
            format!(
                "<{element} id='e{level}' width='9' height='9'>{}</{element}>",
                show(level + 1).repeat(10)
            )
        });
        format!("{}{}", levels.collect::<String>(), show(0))
    };
    let filter = |primitive: &str| {
        format!(
            "<filter id='f' x='0' y='0' width='1' height='1'>{primitive}</filter><rect width='1000' height='1000' filter='url(#f)'/>"
        )
    };
    for (name, text) in [
        ("use", svg(tenfold("g", &|next| format!("<use href='#e{next}'/>")))),
        ("patterns", svg(tenfold("pattern", &|next| format!("<rect width='9' height='9' fill='url(#e{next})'/>")))),
        ("octaves", svg(filter("<feTurbulence baseFrequency='0.1' numOctaves='100000'/>"))),
        ("morphology", svg(filter("<feMorphology operator='dilate' radius='400'/>"))),
        ("layers", svg(format!("{}{}", "<g opacity='0.5'><rect width='999' height='999'/>".repeat(120), "</g>".repeat(120)).repeat(30))),
        ("a pattern of gigapixels", svg("<pattern id='p' width='100000' height='90000' patternUnits='userSpaceOnUse'><rect width='1' height='1'/></pattern><rect width='9' height='9' fill='url(#p)'/>".to_owned())),
        ("covering paths", svg("<rect width='1000' height='1000'/>".repeat(50_000))),
    ] {
        let start = std::time::Instant::now();
        let result = Around::default().run(&raster(vec![]), text.as_bytes());
        let code = result.map(|outcome| outcome.memory_peak_bytes).map_err(|fault| fault.code());
        assert_eq!(code, Err(9413), "{name}");
        // A guess at the slowest machine: the work itself would be minutes to years.
        assert!(start.elapsed().as_secs() < 20, "{name}");
        // Filtered, it is as good as any.
        assert!(Around::default().run(&plan(vec![]), text.as_bytes()).is_ok(), "{name}");
    }
}

#[test]
fn the_deepest_document_that_is_allowed_is_drawn() {
    let text = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' width='10' height='10'>{}<rect width='10' height='10' fill='#f00'/>{}</svg>",
        "<g opacity='1' mix-blend-mode='normal' isolation='isolate'>".repeat(126),
        "</g>".repeat(126)
    );
    let drawn = unpacked(&Around::default().run(&raster(vec![]), text.as_bytes()).unwrap().bytes);
    assert_eq!(drawn.pixel(5, 5), Some([255, 0, 0, 255]));
    // The longest chain of references: each clips the next.
    let links: String = (0..190)
        .map(|n| {
            format!(
                "<clipPath id='c{n}'><rect width='10' height='10' clip-path='url(#c{})'/></clipPath>",
                n + 1
            )
        })
        .collect();
    let text = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' width='10' height='10'>{links}<rect width='10' height='10' fill='#f00' \
         clip-path='url(#c0)'/></svg>"
    );
    assert!(Around::default().run(&raster(vec![]), text.as_bytes()).is_ok());
}
