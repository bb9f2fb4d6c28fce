//! Pixels against another program: Pillow and NumPy compute what scaling, cutting, turning, blurring, sharpening, the colour formulas and drawing must
//! give (`reference/expected.py`), on pictures made here. Each case says how far off a sample may be and why.
//!
//! Needs a Python with Pillow and NumPy: `CALOTYPE_PYTHON`, or `python3`. Without one the test says what it left out; under `CI=true` it fails.

#![allow(clippy::unwrap_used)] // A test may end by it, in its helpers too.
#![allow(clippy::print_stdout)] // What is left out is said.

mod common;

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use calotype_codec::{Layout, Picture};
use calotype_plan::{
    Background, BorderWidths, Color, Composite, Draw, DrawSource, Fit, Flip, Gravity, Length, Offset, Op, Repeat,
    Resize, Rotate, Size, Upscale,
};
use serde_json::{Value, json};

use Source::{Clear, Opaque, Smooth};
use common::{Around, decimal, picture, png, resize, smooth};

const URL: &str = "https://overlays.test/mark.png";

#[derive(Clone, Copy, PartialEq)]
enum Source {
    Opaque,
    Clear,
    Smooth,
}

impl Source {
    const fn file(self) -> &'static str {
        match self {
            Self::Opaque => "opaque.bin",
            Self::Clear => "clear.bin",
            Self::Smooth => "smooth.bin",
        }
    }

    fn picture(self) -> Picture {
        match self {
            Self::Opaque => picture(Size::new(161, 121), false),
            Self::Clear => picture(Size::new(161, 121), true),
            Self::Smooth => smooth(Size::new(161, 121)),
        }
    }

    fn describe(self) -> Value {
        let picture = self.picture();
        json!({"file": self.file(), "width": picture.size().width, "height": picture.size().height, "channels": picture.channels()})
    }
}

fn gravity(width: u32, height: u32, x: &str, y: &str) -> Op {
    Op::Resize(Resize {
        width: Some(Length::Px(width)),
        height: Some(Length::Px(height)),
        fit: Fit::Cover,
        gravity: Gravity::Point {
            x: decimal(x),
            y: decimal(y),
            mode: calotype_plan::GravityMode::Remainder,
        },
        upscale: Upscale::Interpolate,
    })
}

fn draw(opacity: &str, x: Option<Offset>, y: Option<Offset>) -> Op {
    Op::Draw(Box::new(Draw {
        source: DrawSource::Url(URL.into()),
        ops: Vec::new(),
        opacity: decimal(opacity),
        repeat: Repeat::No,
        composite: Composite::Over,
        x,
        y,
    }))
}

/// How far off a sample may be at most, all of them on average, and why.
struct Tolerance(u8, f64, &'static str);

const EXACT: Tolerance = Tolerance(0, 0.0, "the formula is the same and both round to nearest");
const HALVES: Tolerance = Tolerance(
    1,
    0.001,
    "as above, but the reference's doubles fall below some exact halves",
);
const ROUNDED: Tolerance = Tolerance(2, 0.25, "both round to 8 bits between the two passes and at the end");
const PREMULTIPLIED: Tolerance = Tolerance(
    3,
    0.3,
    "as above, and both keep premultiplied colours in 8 bits before that",
);
const KERNEL: Tolerance = Tolerance(
    1,
    0.01,
    "the reference is the true Gaussian; the kernel here ends at 4 sigmas, the recursive one is off by 0.2",
);
const BOXES: Tolerance = Tolerance(
    8,
    0.4,
    "Pillow blurs by three box filters, near a Gaussian but none, and extends the edges anew for each",
);
const BLENDED: Tolerance = Tolerance(1, 0.01, "Pillow's alpha_composite works with 15 bits");
const OPACITY: Tolerance = Tolerance(2, 0.1, "the reference rounds alpha times opacity to 8 bits");

/// One comparison.
struct Case {
    name: &'static str,
    source: Source,
    ops: Vec<Op>,
    /// The same for the reference.
    steps: Value,
    tolerance: Tolerance,
}

fn cases() -> Vec<Case> {
    let mut all = geometry_cases();
    all.extend(effect_cases());
    all.extend(paint_cases());
    all
}

fn case(name: &'static str, source: Source, ops: Vec<Op>, steps: Value, tolerance: Tolerance) -> Case {
    Case {
        name,
        source,
        ops,
        steps,
        tolerance,
    }
}

fn geometry_cases() -> Vec<Case> {
    let scaled = |width: u32, height: u32| json!([{"op": "resize", "scaled": [width, height]}]);
    let cut = |scaled: [u32; 2], cut: [u32; 4]| json!([{"op": "resize", "scaled": scaled, "box": cut}]);
    let turn = |names: &[&str]| names.iter().map(|name| json!({"op": name})).collect::<Value>();
    let down = |width| vec![resize(width, 0, Fit::ScaleDown)];
    let up = || vec![resize(300, 0, Fit::Contain)];
    let turned = vec![Op::Rotate(Rotate::Deg270), resize(60, 0, Fit::ScaleDown)];
    let turned_steps = json!([{"op": "rotate270"}, {"op": "resize", "scaled": [60, 80]}]);
    let cropped = json!([{"op": "crop", "box": [31, 0, 100, 121]}]);
    vec![
        case("scale_down", Opaque, down(60), scaled(60, 45), ROUNDED),
        case("scale_down_far", Opaque, down(13), scaled(13, 10), ROUNDED),
        case("scale_down_clear", Clear, down(60), scaled(60, 45), PREMULTIPLIED),
        case("scale_up", Opaque, up(), scaled(300, 225), ROUNDED),
        case("scale_up_clear", Clear, up(), scaled(300, 225), PREMULTIPLIED),
        case(
            "squeeze_wider",
            Opaque,
            vec![resize(300, 40, Fit::Squeeze)],
            scaled(300, 40),
            ROUNDED,
        ),
        case(
            "squeeze_taller",
            Opaque,
            vec![resize(40, 300, Fit::Squeeze)],
            scaled(40, 300),
            ROUNDED,
        ),
        // 161x121 covers 50x50 as 67x50: rdiv(161 * 50, 121) = 67; the cut starts at rhu(17 / 2) = 9.
        case(
            "cover",
            Opaque,
            vec![resize(50, 50, Fit::Cover)],
            cut([67, 50], [9, 0, 50, 50]),
            ROUNDED,
        ),
        case(
            "cover_right",
            Opaque,
            vec![gravity(50, 50, "1", "0.5")],
            cut([67, 50], [17, 0, 50, 50]),
            ROUNDED,
        ),
        case(
            "cover_up",
            Opaque,
            vec![gravity(500, 100, "0", "0.25")],
            cut([500, 376], [0, 69, 500, 100]),
            ROUNDED,
        ),
        case("rotate_then_scale", Opaque, turned, turned_steps, ROUNDED),
        case(
            "crop_without_scale",
            Opaque,
            vec![resize(100, 500, Fit::Crop)],
            cropped,
            EXACT,
        ),
        case(
            "flip_then_rotate",
            Clear,
            vec![Op::Flip(Flip::Horizontal), Op::Rotate(Rotate::Deg90)],
            turn(&["flip_h", "rotate90"]),
            EXACT,
        ),
        case(
            "flip_vertical",
            Opaque,
            vec![Op::Flip(Flip::Vertical)],
            turn(&["flip_v"]),
            EXACT,
        ),
        case(
            "turn_around",
            Opaque,
            vec![Op::Rotate(Rotate::Deg180)],
            turn(&["rotate180"]),
            EXACT,
        ),
    ]
}

fn effect_cases() -> Vec<Case> {
    let formula = |op: &str, value: &str| json!([{"op": op, "value": value.parse::<f64>().unwrap()}]);
    let brightness = |value| vec![Op::Brightness(decimal(value))];
    let gamma = |value| vec![Op::Gamma(decimal(value))];
    let saturation = |value| vec![Op::Saturation(decimal(value))];
    let blur = |value| vec![Op::Blur(decimal(value))];
    let sharpen = |value| vec![Op::Sharpen(decimal(value))];
    let chain = vec![
        Op::Brightness(decimal("1.2")),
        Op::Contrast(decimal("0.7")),
        Op::Gamma(decimal("1.5")),
        Op::Saturation(decimal("0.6")),
    ];
    let chain_steps = json!([
        {"op": "brightness", "value": 1.2}, {"op": "contrast", "value": 0.7},
        {"op": "gamma", "value": 1.5}, {"op": "saturation", "value": 0.6}
    ]);
    vec![
        case(
            "brightness",
            Opaque,
            brightness("1.37"),
            formula("brightness", "1.37"),
            EXACT,
        ),
        case(
            "contrast",
            Opaque,
            vec![Op::Contrast(decimal("1.61"))],
            formula("contrast", "1.61"),
            EXACT,
        ),
        case("gamma_light", Clear, gamma("0.45"), formula("gamma", "0.45"), EXACT),
        case("gamma_dark", Opaque, gamma("2.2"), formula("gamma", "2.2"), EXACT),
        case(
            "saturation",
            Clear,
            saturation("1.7"),
            formula("saturation", "1.7"),
            EXACT,
        ),
        case("gray", Opaque, saturation("0"), formula("saturation", "0"), HALVES),
        case("adjusted_in_order", Opaque, chain, chain_steps, EXACT),
        case("blur_small", Opaque, blur("1.5"), formula("blur", "1.5"), KERNEL),
        case("blur_middle", Clear, blur("8"), formula("blur", "8"), KERNEL),
        case("blur_recursive", Opaque, blur("8.1"), formula("blur", "8.1"), KERNEL),
        case("blur_large", Clear, blur("60"), formula("blur", "60"), KERNEL),
        case("blur_largest", Opaque, blur("250"), formula("blur", "250"), KERNEL),
        case("blur_as_pillow", Smooth, blur("6"), formula("pillow_blur", "6"), BOXES),
        case("sharpen", Opaque, sharpen("1"), formula("sharpen", "1"), KERNEL),
        case(
            "sharpen_much",
            Opaque,
            sharpen("7.5"),
            formula("sharpen", "7.5"),
            KERNEL,
        ),
        case("sharpen_clear", Clear, sharpen("2"), formula("sharpen", "2"), KERNEL),
        case(
            "sharpen_as_pillow",
            Smooth,
            sharpen("1"),
            formula("pillow_sharpen", "1"),
            BOXES,
        ),
    ]
}

fn paint_cases() -> Vec<Case> {
    let color = |r, g, b| Color { r, g, b, a: 255 };
    let background = vec![Op::Background(Background(color(10, 200, 99)))];
    let border = vec![Op::Border(BorderWidths {
        top: 3,
        right: 5,
        bottom: 7,
        left: 9,
        color: color(1, 2, 3),
    })];
    let (start, end) = (|px| Some(Offset::Start(px)), |px| Some(Offset::End(px)));
    let drawn = |x: i32, y: i32, opacity: f64| json!([{"op": "draw", "at": [x, y], "opacity": opacity}]);
    vec![
        case(
            "background",
            Clear,
            background,
            json!([{"op": "background", "value": [10, 200, 99, 255]}]),
            BLENDED,
        ),
        case(
            "border",
            Opaque,
            border,
            json!([{"op": "border", "widths": [3, 5, 7, 9], "value": [1, 2, 3, 255]}]),
            EXACT,
        ),
        case(
            "draw_centred",
            Opaque,
            vec![draw("1", None, None)],
            drawn(60, 45, 1.0),
            BLENDED,
        ),
        case(
            "draw_outside",
            Opaque,
            vec![draw("0.5", end(-7), start(-4))],
            drawn(128, -4, 0.5),
            OPACITY,
        ),
        case(
            "draw_on_clear",
            Clear,
            vec![draw("1", start(3), end(5))],
            drawn(3, 86, 1.0),
            BLENDED,
        ),
    ]
}

fn overlay() -> Picture {
    picture(Size::new(40, 30), true)
}

fn python() -> Option<String> {
    let python = std::env::var("CALOTYPE_PYTHON").unwrap_or_else(|_| "python3".into());
    let found = Command::new(&python)
        .args(["-c", "import PIL, numpy"])
        .output()
        .is_ok_and(|output| output.status.success());
    if found {
        return Some(python);
    }
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "no Python with Pillow and NumPy: set CALOTYPE_PYTHON, or `pip install pillow numpy`"
    );
    println!(
        "left out: all comparisons with Pillow, for there is no Python with Pillow and NumPy (CALOTYPE_PYTHON, python3)"
    );
    None
}

/// Writes the cases where the reference finds them, and lets it compute.
fn ask_reference(python: &str, folder: &Path, cases: &[Case]) {
    for source in [Source::Opaque, Source::Clear, Source::Smooth] {
        std::fs::write(folder.join(source.file()), source.picture().data()).unwrap();
    }
    std::fs::write(folder.join("overlay.bin"), overlay().data()).unwrap();
    let cases: Vec<Value> = cases
        .iter()
        .map(|case| {
            let mut steps = case.steps.clone();
            for step in steps.as_array_mut().unwrap() {
                if step["op"] == "draw" {
                    step["overlay"] = json!({"file": "overlay.bin", "width": 40, "height": 30, "channels": 4});
                }
            }
            json!({"name": case.name, "source": case.source.describe(), "steps": steps})
        })
        .collect();
    std::fs::write(folder.join("cases.json"), serde_json::to_vec(&cases).unwrap()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/expected.py");
    let output = Command::new(python).arg(script).arg(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The largest and the mean difference. Colours count by the opacity of the pixel, for that is how much of them shows.
fn compare(got: &Picture, want: &Picture) -> (f64, f64) {
    assert_eq!(got.size(), want.size());
    let (mut most, mut sum, mut count) = (0.0_f64, 0.0, 0.0);
    for y in 0..got.size().height {
        for x in 0..got.size().width {
            let (got, want) = (got.pixel(x, y).unwrap(), want.pixel(x, y).unwrap());
            for channel in 0..4 {
                let share = if channel == 3 { 1.0 } else { f64::from(want[3]) / 255.0 };
                let off = f64::from(got[channel].abs_diff(want[channel])) * share;
                most = most.max(off);
                sum += off;
                count += 1.0;
            }
        }
    }
    (most, sum / count)
}

#[test]
fn pixels_are_those_of_pillow_and_numpy() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let cases = cases();
    ask_reference(&python, folder.path(), &cases);
    let sizes: HashMap<String, [u32; 3]> =
        serde_json::from_slice(&std::fs::read(folder.path().join("sizes.json")).unwrap()).unwrap();
    let overlays = HashMap::from([(URL.to_owned(), png(&overlay()))]);
    let around = Around {
        overlays: &overlays,
        ..Around::default()
    };
    let mut wrong = Vec::new();
    for case in cases {
        let [width, height, channels] = sizes[case.name];
        let layout = if channels == 4 { Layout::Rgba } else { Layout::Rgb };
        let raw = std::fs::read(folder.path().join(format!("{}.raw", case.name))).unwrap();
        let want = Picture::from_raw(Size::new(width, height), layout, raw).unwrap();
        let got = around.pixels(case.ops, &png(&case.source.picture()));
        let (most, mean) = compare(&got, &want);
        let Tolerance(most_allowed, mean_allowed, because) = case.tolerance;
        println!(
            "{:20} most {most:.2} of {most_allowed}, mean {mean:.4} of {mean_allowed}: {because}",
            case.name
        );
        if most > f64::from(most_allowed) || mean > mean_allowed {
            wrong.push(case.name);
        }
    }
    assert!(wrong.is_empty(), "off by more than allowed: {wrong:?}");
}
