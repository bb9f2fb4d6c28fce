//! Texts: as canvas and as layers, by font files from the network, and the URL door as the measure of one draw.

use calotype_plan::Size;
use calotype_samples::font::{BoxFont, BoxGlyph, woff};
use calotype_source::AllowedOrigins;

use crate::form::{Answer, Form};
use crate::service::{Bounds, Service, start, start_over, start_with};
use crate::support::origin::Origin;
use crate::support::pictures;
use crate::support::reader::{self, Pixels};
use crate::support::served::{Served, Setup};

const ADDRESS: &str = "93.184.215.30";

/// `A` at 100 px is a picture of 60x100 with ink from 5,10 to 55,80; `█` fills its square.
fn font() -> BoxFont {
    BoxFont::default().with([
        BoxGlyph::new('A', 600, [50, 0, 550, 700]),
        BoxGlyph::new('█', 1000, [0, -200, 1000, 800]),
    ])
}

/// A server of fonts by a public address.
async fn origin() -> Origin {
    let origin = Origin::start().await;
    origin.file("/boxes.ttf", &[], &font().truetype());
    origin.file("/boxes.woff", &[], &woff(&font().truetype()));
    origin.file("/none.ttf", &[], b"<html>no font</html>");
    origin.redirect("/moved.ttf", "/boxes.ttf");
    origin.redirect("/inside.ttf", "http://127.0.0.1:9/boxes.ttf");
    origin
}

fn setup(origin: &Origin) -> Setup {
    let setup = Setup {
        allowed: AllowedOrigins::Any,
        ..Setup::default()
    };
    setup.network.name("fonts.example", ADDRESS);
    setup.network.route(&format!("{ADDRESS}:80"), origin.address);
    setup
}

fn boxes(text: &str, size: u32, color: &str) -> String {
    format!(r#"{{"text":"{text}","font":{{"url":"http://fonts.example/boxes.ttf"}},"size":{size},"color":"{color}"}}"#)
}

async fn pixels(served: &Service, form: Form) -> Pixels {
    let answer = served.transform(form).await;
    reader::png_pixels(&answer.ok("image/png"))
}

/// The samples of one pixel.
fn at(pixels: &Pixels, x: usize, y: usize) -> &[u8] {
    let start = (y * pixels.size.width as usize + x) * pixels.channels;
    &pixels.data[start..start + pixels.channels]
}

async fn both(origin: &Origin, root: &std::path::Path) -> (Service, Served) {
    let mut setup = setup(origin);
    setup.root = Setup::with_root(root).root;
    let (app, settings) = setup.app();
    let served = start_over(&app, settings, &Bounds::default());
    let mut other = self::setup(origin);
    other.root = Setup::with_root(root).root;
    (served, other.serve().await)
}

#[tokio::test]
async fn one_text_is_what_the_url_door_gives_byte_for_byte() {
    let (origin, files) = (origin().await, tempfile::tempdir().unwrap());
    let base = pictures::coordinate_png(Size::new(200, 150));
    std::fs::write(files.path().join("base.png"), &base).unwrap();
    let (binding, url) = both(&origin, files.path()).await;
    for (text, members, transforms, options) in [
        ("A", "", "", ""),
        (
            "A\\nAA",
            r#""size":40,"color":"rgb(255 0 0 / 0.5)""#,
            r#""left":3,"bottom":4"#,
            "size=40,color=rgb(255 0 0 %2F 0.5),left=3,bottom=4",
        ),
        (
            "AA",
            r#""size":30"#,
            r#""opacity":0.5,"repeat":"x","composite":"xor""#,
            "size=30,opacity=0.5,repeat=x,composite=xor",
        ),
    ] {
        for font in ["boxes.ttf", "boxes.woff", "moved.ttf"] {
            let comma = if members.is_empty() { "" } else { "," };
            let layer =
                format!(r#"{{"text":"{text}","font":{{"url":"http://fonts.example/{font}"}}{comma}{members}}}"#);
            let comma = if transforms.is_empty() { "" } else { "," };
            let list = format!(r#"[{{"drawImageIndex":1,"targetImageIndex":0{comma}{transforms}}}]"#);
            let form = Form::new()
                .file("image", &base)
                .text("draw_text", &layer)
                .text("transforms", &list)
                .text("output_format", "image/png");
            let ours = binding.transform(form).await;
            let mut segment = format!(
                "format=png,draw.text={},draw.font.url=http:%2F%2Ffonts.example%2F{font}",
                text.replace("\\n", "%0A")
            );
            for option in options.split(',').filter(|option| !option.is_empty()) {
                segment.push_str(&format!(",draw.{}", option.replace(' ', "%20")));
            }
            let theirs = url
                .get(&format!("/cdn-cgi/image/{segment}/base.png"))
                .await
                .transformed();
            assert_eq!(ours.status, 200, "{}", ours.text());
            assert!(ours.body == theirs.body, "{segment}");
            assert!(ours.body != base);
        }
    }
    binding.stop().await;
}

#[tokio::test]
async fn a_canvas_may_be_a_text() {
    let origin = origin().await;
    let served = start_with(setup(&origin), &Bounds::default());
    let canvas = |transforms: &str| {
        Form::new()
            .text("text_input", &boxes("A", 100, "#ff8000"))
            .text("transforms", transforms)
            .text("output_format", "image/png")
    };
    let plain = pixels(&served, canvas("[]")).await;
    assert_eq!((plain.size, plain.channels), (Size::new(60, 100), 4));
    assert_eq!(at(&plain, 30, 40), [255, 128, 0, 255]);
    assert_eq!(at(&plain, 2, 40)[3], 0);
    let turned = pixels(
        &served,
        canvas(r#"[{"imageIndex":0,"rotate":90},{"imageIndex":0,"background":"white","border":{"color":"blue","width":2}}]"#),
    )
    .await;
    assert_eq!(turned.size, Size::new(104, 64));
    assert_eq!(at(&turned, 0, 0)[..3], [0, 0, 255]);
    assert_eq!(at(&turned, 3, 3)[..3], [255, 255, 255]);
    assert_eq!(at(&turned, 50, 30)[..3], [255, 128, 0]);
    let raw = served
        .transform(
            Form::new()
                .text("text_input", &boxes("A", 10, "black"))
                .text("transforms", "[]")
                .text("output_format", "rgba"),
        )
        .await;
    assert_eq!(raw.ok("application/octet-stream").len(), 6 * 10 * 4);
    served.stop().await;
}

#[tokio::test]
async fn texts_and_images_share_one_count_and_keep_their_order() {
    let origin = origin().await;
    let served = start_with(setup(&origin), &Bounds::default());
    let square = |color| pictures::plain_png(Size::new(30, 30), color);
    // 1 is a text of 40 px, 2 an image of 30, 3 a text of 20, 4 an image that is drawn on text 3.
    let form = |transforms: &str| {
        Form::new()
            .file("image", &pictures::plain_png(Size::new(60, 60), [255, 255, 255]))
            .text("draw_text", &boxes("█", 40, "red"))
            .file("draw_image", &square([0, 255, 0]))
            .text("draw_text", &boxes("█", 20, "blue"))
            .file("draw_image", &square([9, 9, 9]))
            .text("transforms", transforms)
            .text("output_format", "image/png")
    };
    let place = |drawn: usize, target: usize| {
        format!(r#"{{"drawImageIndex":{drawn},"targetImageIndex":{target},"left":0,"top":0}}"#)
    };
    let list = format!(
        r#"[{},{},{{"imageIndex":4,"width":10,"fit":"squeeze","height":10}},{},{}]"#,
        place(1, 0),
        place(2, 0),
        place(4, 3),
        place(3, 0)
    );
    let picture = pixels(&served, form(&list)).await;
    for (x, want) in [
        (5, [9, 9, 9]),
        (15, [0, 0, 255]),
        (25, [0, 255, 0]),
        (35, [255, 0, 0]),
        (45, [255, 255, 255]),
    ] {
        assert_eq!(at(&picture, x, x)[..3], want, "{x}");
    }
    // The other way round the text covers the image.
    let list = format!("[{},{}]", place(2, 0), place(1, 0));
    let picture = pixels(&served, form(&list)).await;
    assert_eq!(at(&picture, 25, 25)[..3], [255, 0, 0]);
    served.stop().await;
}

fn refused(answer: &Answer, status: u16, code: u16, words: &str) {
    let (found_status, found_code, message) = answer.error();
    assert_eq!((found_status, found_code), (status, code), "{message}");
    assert!(message.contains(words), "{message:?} does not say {words:?}");
}

#[tokio::test]
async fn wrong_texts_say_what_is_wrong() {
    let served = start();
    let long = format!(r#"{{"text":"{}"}}"#, "é".repeat(1001));
    for (json, words) in [
        ("rubbish", "must be JSON"),
        ("[]", "must be a JSON object"),
        ("{}", "needs text"),
        (r#"{"text":""}"#, "at least one character"),
        (r#"{"text":5}"#, "text must be a text"),
        (long.as_str(), "at most 1000 characters"),
        (r#"{"text":"A","size":0}"#, "above 0 and at most 4096 px"),
        (r#"{"text":"A","size":-3}"#, "above 0 and at most 4096 px"),
        (r#"{"text":"A","size":4097}"#, "above 0 and at most 4096 px"),
        (r#"{"text":"A","size":1e300}"#, "size"),
        (r#"{"text":"A","size":"large"}"#, "size must be a number"),
        (r#"{"text":"A","color":"nothing"}"#, "color must be a CSS colour"),
        (r#"{"text":"A","font":"Arial"}"#, "font must be an object"),
        (r#"{"text":"A","font":{"url":5}}"#, "font.url must be an absolute"),
    ] {
        let canvas = Form::new().text("text_input", json);
        let layer = Form::new()
            .file("image", &pictures::plain_png(Size::new(9, 9), [0; 3]))
            .text("draw_text", json);
        for form in [canvas, layer] {
            let form = form.text("transforms", "[]").text("output_format", "image/png");
            let answer = served.transform(form).await;
            refused(&answer, 400, 9432, words);
        }
    }
    served.stop().await;
}

#[tokio::test]
async fn a_font_that_cannot_be_had_is_9410_with_the_status_of_the_failure() {
    let (origin, files) = (origin().await, tempfile::tempdir().unwrap());
    std::fs::write(
        files.path().join("base.png"),
        pictures::plain_png(Size::new(20, 20), [0; 3]),
    )
    .unwrap();
    let (binding, url) = both(&origin, files.path()).await;
    for (font, status, code, words) in [
        ("http://fonts.example/absent.ttf", 404, 9410, "could not be fetched"),
        ("http://fonts.example/none.ttf", 415, 9410, "it is no font"),
        ("http://fonts.example/inside.ttf", 403, 9410, "could not be fetched"),
        ("http://127.0.0.1/boxes.ttf", 403, 9410, "could not be fetched"),
        ("http://nowhere.example/boxes.ttf", 523, 9410, "could not be fetched"),
    ] {
        let json = format!(r#"{{"text":"A","font":{{"url":"{font}"}}}}"#);
        let form = Form::new()
            .text("text_input", &json)
            .text("transforms", "[]")
            .text("output_format", "image/png");
        let answer = binding.transform(form).await;
        refused(&answer, status, code, words);
        assert!(answer.text().contains(font), "{}", answer.text());
        let segment = format!("draw.text=A,draw.font.url={}", font.replace('/', "%2F"));
        let answer = url.get(&format!("/cdn-cgi/image/{segment}/base.png")).await;
        assert_eq!(
            (answer.status, answer.code()),
            (status, Some(code)),
            "{}",
            answer.text()
        );
        assert!(answer.text().contains(words) && answer.text().contains(font));
    }
    binding.stop().await;
}

#[tokio::test]
async fn fonts_have_bounds_of_their_own_and_the_rules_of_sources() {
    let (origin, files) = (origin().await, tempfile::tempdir().unwrap());
    std::fs::write(
        files.path().join("base.png"),
        pictures::plain_png(Size::new(20, 20), [0; 3]),
    )
    .unwrap();
    let target = "/cdn-cgi/image/draw.text=A,draw.font.url=http:%2F%2Ffonts.example%2Fboxes.ttf/base.png";
    let mut small = setup(&origin);
    small.root = Setup::with_root(files.path()).root;
    small.limits.font_bytes_max = 300;
    let answer = small.serve().await.get(target).await;
    assert_eq!((answer.status, answer.code()), (400, Some(9401)), "{}", answer.text());
    assert!(
        answer.text().contains("too large") && answer.text().contains("300"),
        "{}",
        answer.text()
    );

    let mut strict = setup(&origin);
    strict.root = Setup::with_root(files.path()).root;
    strict.allowed = AllowedOrigins::ThisZone;
    let before = origin.requests().len();
    let answer = strict.serve().await.get(target).await;
    assert_eq!((answer.status, answer.code()), (403, Some(9401)), "{}", answer.text());
    assert_eq!(origin.requests().len(), before);
}
