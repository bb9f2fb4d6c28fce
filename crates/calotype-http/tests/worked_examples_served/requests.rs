//! Tables F, G, H and K: what requests say, which formats come out, limits and URLs.

use std::fmt::Write as _;
use std::sync::Arc;

use calotype_plan::Size;

use super::{check_refused, coordinate_source, directory, file, files, files_seen_by, names, served_rows, transform};
use crate::support::client::Request;
use crate::support::network::Network;
use crate::support::origin::Origin;
use crate::support::pictures;
use crate::support::reader::{Kind, frames, inspect, jpeg_pixels, png_pixels};
use crate::support::served::Setup;
use crate::support::vision::FakeVision;
use crate::tables::size;

pub(super) async fn f_width_auto() -> Vec<String> {
    let server = files().await;
    let (_, path) = coordinate_source("2000x20");
    let rows = served_rows('F');
    for row in &rows {
        let mut options = "width=auto".to_owned();
        let mut headers = Vec::new();
        for part in row[1].split(", ") {
            let part = part.trim_matches('`');
            if let Some((name, value)) = part.split_once(": ") {
                headers.push((name, value.to_owned()));
            } else if part.contains('=') {
                write!(options, ",{part}").unwrap();
            } else if let Some(agent) = part.strip_prefix("user agent with `") {
                headers.push(("User-Agent", format!("Mozilla/5.0 ({agent})")));
            } else {
                assert!(part.starts_with("no "), "{row:?}: {part}");
            }
        }
        let mut request = Request::get(&format!("/cdn-cgi/image/{options}{path}"));
        for (name, value) in &headers {
            request = request.header(name, value);
        }
        let answer = server.ask(&request).await.transformed();
        assert_eq!(inspect(&answer.body).1.width.to_string(), row[2], "{row:?}");
        assert_eq!(
            answer.header("vary"),
            Some("Accept, Sec-CH-Viewport-Width, User-Agent"),
            "{row:?}"
        );
    }
    names(&rows)
}

const SVG: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\" onload=\"alert(1)\"/>";

pub(super) async fn g_format() -> Vec<String> {
    let server = files_seen_by(Arc::new(FakeVision::default())).await;
    let rows = served_rows('G');
    for row in &rows {
        let source = row[1].as_str();
        let sides = source
            .split(' ')
            .find(|word| word.contains('x'))
            .map_or(Size::new(1000, 800), size);
        let path = match source.split([' ', ',']).next().unwrap() {
            "JPEG" => file(&format!("{}x{}.jpg", sides.width, sides.height), || {
                pictures::jpeg(sides)
            }),
            "WebP" => file("1000x800.webp", || pictures::webp(sides)),
            "PNG" if source.contains("with alpha") => file("alpha.png", || pictures::half_transparent_png(sides)),
            "PNG" => coordinate_source("1000x800").1,
            "SVG" => file("a.svg", || SVG.as_bytes().to_vec()),
            "GIF" => file("10-frames.gif", || pictures::animated_gif(sides, 10)),
            other => panic!("{row:?}: {other}"),
        };
        let options = row[2].trim_matches('`');
        let mut request = Request::get(&format!("/cdn-cgi/image/{options}{path}"));
        if !matches!(row[3].as_str(), "absent" | "any") {
            request = request.header("Accept", row[3].trim_matches('`'));
        }
        let answer = server.ask(&request).await;
        let want = row[4].as_str();
        if want.starts_with("415") {
            check_refused(row, &answer, want);
            continue;
        }
        let answer = answer.transformed();
        if want == "filtered SVG" {
            assert_eq!(answer.header("content-type"), Some("image/svg+xml"), "{row:?}");
            assert_eq!(answer.header("vary"), Some("Accept"), "{row:?}");
            assert_eq!(answer.text(), SVG.replace(" onload=\"alert(1)\"", ""), "{row:?}");
            continue;
        }
        let (kind, found) = inspect(&answer.body);
        let is_right = match want.split([',', '(']).next().unwrap().trim() {
            "JPEG" | "JPEG on white" => matches!(kind, Kind::BaselineJpeg | Kind::ProgressiveJpeg),
            "baseline JPEG" => kind == Kind::BaselineJpeg,
            "PNG" => kind == Kind::Png,
            "AVIF" => kind == Kind::Avif,
            "WebP" => kind == Kind::LossyWebp,
            "animated WebP" => kind == Kind::AnimatedWebp && frames(&answer.body) == 10,
            "animated GIF" => kind == Kind::Gif && frames(&answer.body) == 10,
            other => panic!("{row:?}: {other}"),
        };
        assert!(is_right, "{row:?}: {kind:?}");
        assert_eq!(answer.header("content-type"), Some(kind.mime()), "{row:?}");
        let number = |key: &str| {
            options
                .split(',')
                .find_map(|option| option.strip_prefix(key)?.parse::<u32>().ok())
        };
        let turned = options.contains("rotate=90").then_some(sides.height);
        assert_eq!(found.width, number("w=").or(turned).unwrap_or(sides.width), "{row:?}");
        let too_large = want.contains("warning").then_some("image too large for AVIF");
        assert_eq!(answer.warnings(), Vec::from_iter(too_large), "{row:?}");
        let chosen_by_us = options.contains("f=auto") || !options.contains("f=");
        assert_eq!(answer.header("vary"), chosen_by_us.then_some("Accept"), "{row:?}");
        if want == "JPEG on white" {
            let pixels = jpeg_pixels(&answer.body);
            let (left, right) = (pixels.at(sides.width / 4, 400), pixels.at(sides.width * 3 / 4, 400));
            assert!(left.iter().all(|c| *c >= 253), "{row:?}: {left:?}");
            assert!(right[2] >= 250 && right[0] <= 5, "{row:?}: {right:?}");
        }
    }
    names(&rows)
}

pub(super) async fn h_limits() -> Vec<String> {
    let server = files().await;
    let rows = served_rows('H');
    for row in &rows {
        let sides = size(row[1].split([' ', ',']).nth(1).unwrap());
        let name = format!("h-{}x{}", sides.width, sides.height);
        let path = match row[1].split(' ').next().unwrap() {
            "PNG" => file(&format!("{name}.png"), || pictures::bilevel_png(sides)),
            "JPEG" => file(&format!("{name}.jpg"), || pictures::jpeg(sides)),
            "GIF" => {
                let frames = row[1].split([' ', ',']).nth(3).unwrap().parse().unwrap();
                file(&format!("{name}-{frames}.gif"), || {
                    pictures::animated_gif(sides, frames)
                })
            }
            other => panic!("{row:?}: {other}"),
        };
        let answer = transform(&server, row[2].trim_matches('`'), &path).await;
        match row[3].as_str() {
            "403, 9413" => check_refused(row, &answer, &row[3]),
            "original bytes, warning" => {
                let answer = answer.transformed();
                assert_eq!(answer.warnings(), ["animation is too large"], "{row:?}");
                let original = std::fs::read(directory().path().join(&path[1..])).unwrap();
                assert!(answer.body == original, "{row:?}");
            }
            "transformed" => assert_eq!(inspect(&answer.transformed().body).1, Size::new(100, 100), "{row:?}"),
            text => {
                let (kind, found) = inspect(&answer.transformed().body);
                let text = text.strip_prefix("still, ").unwrap_or(text);
                assert_eq!((found, kind == Kind::Gif), (size(text), false), "{row:?}");
            }
        }
    }
    names(&rows)
}

pub(super) async fn k_urls() -> Vec<String> {
    let origin = Origin::start().await;
    let sides = Size::new(1000, 800);
    let jpeg = pictures::jpeg(sides);
    for path in ["/uploads/avatar1.jpg", "/i.png", "/a.jpg", "/a.jpg?v=2", "/b/i.png"] {
        origin.file(path, &[], &jpeg);
    }
    origin.file("/a.webp", &[], &pictures::webp(sides));
    origin.file("/a.png", &[], &pictures::plain_png(Size::new(90, 30), [0; 3]));
    let network = Network::default();
    for (name, address) in [("s3.example.net", "93.184.215.14"), ("b.net", "93.184.215.15")] {
        network.name(name, address);
        network.route(&format!("{address}:80"), origin.address);
    }
    let zone = |allowed: &str| {
        let mut setup = Setup::with_origin(&origin);
        setup.zones = vec!["example.com".to_owned()];
        setup.allowed = allowed.parse().unwrap();
        setup.network = network.clone();
        setup.serve()
    };
    let (this_zone, listed) = (zone("this-zone").await, zone("s3.example.net").await);
    let get = |target: String| Request::get(&target).header("Host", "example.com");

    let rows = served_rows('K');
    for row in &rows {
        let want = row[2].replace('`', "");
        // "`.../a`, `.../b`" and "`.../a` or `.../b`"; what follows the last one explains.
        let targets = row[1].replace("`, `", "` or `").replace("`...", "`/cdn-cgi/image");
        for target in targets.split(" or ") {
            let target = target.split('`').nth(1).unwrap();
            let asked_before = origin.targets().len();
            let answer = this_zone.ask(&get(target.to_owned())).await;
            let asked = origin.targets().split_off(asked_before);
            if want.starts_with("absolute source") {
                // Subject to the rule on origins: refused here, fetched where it is listed. Nobody answers there over TLS, but the right host was asked.
                assert_eq!((answer.status, answer.code()), (403, Some(9401)), "{row:?}");
                let answer = listed.ask(&get(target.to_owned())).await;
                assert_eq!((answer.status, answer.code()), (523, Some(9510)), "{row:?}");
                assert_eq!(network.resolved(), ["s3.example.net"], "{row:?}");
                assert_eq!(
                    network.dialled().last().unwrap().to_string(),
                    "93.184.215.14:443",
                    "{row:?}"
                );
                let answer = listed.ask(&get(target.replace("https:", "http:"))).await.transformed();
                assert_eq!(inspect(&answer.body).1, Size::new(80, 64), "{row:?}");
                assert_eq!(origin.targets().last().unwrap(), "/b/i.png");
            } else if let Some(url) = want.strip_prefix("source https://example.com") {
                assert_eq!(asked, [url], "{row:?}");
                assert_eq!(inspect(&answer.transformed().body).1, Size::new(80, 64), "{row:?}");
            } else if let Some(rest) = want.strip_prefix("width ") {
                let width: u32 = rest.split([',', ' ']).next().unwrap().parse().unwrap();
                assert_eq!(inspect(&answer.clone().transformed().body).1.width, width, "{row:?}");
                if rest.contains("quality 5") {
                    let same = this_zone
                        .ask(&get("/cdn-cgi/image/w=80,q=5/a.jpg".into()))
                        .await
                        .transformed();
                    let better = this_zone
                        .ask(&get("/cdn-cgi/image/w=80/a.jpg".into()))
                        .await
                        .transformed();
                    assert_eq!(answer.body, same.body, "{row:?}");
                    assert!(answer.body.len() < better.body.len(), "{row:?}");
                }
            } else if want == "200, source size, JPEG" {
                assert_eq!(answer.warnings(), ["invalid value for width"], "{row:?}");
                let (kind, found) = inspect(&answer.transformed().body);
                assert_eq!((kind, found), (Kind::ProgressiveJpeg, sides), "{row:?}");
            } else if want == "background #f02891" {
                let (kind, found) = inspect(&answer.transformed().body);
                assert_eq!((kind, found), (Kind::BaselineJpeg, Size::new(9, 9)), "{row:?}");
                let exact = this_zone
                    .ask(&get(target.replace("fit=pad", "fit=pad,f=png-force")))
                    .await
                    .transformed();
                let pixels = png_pixels(&exact.body);
                assert_eq!(pixels.at(0, 0), [0xf0, 0x28, 0x91], "{row:?}");
                assert_eq!(pixels.at(4, 4), [0; 3], "{row:?}");
            } else {
                check_refused(row, &answer, &want);
                assert_eq!(asked, [""; 0], "{row:?}");
            }
        }
    }
    names(&rows)
}
