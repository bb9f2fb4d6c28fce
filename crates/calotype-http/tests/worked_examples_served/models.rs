//! Tables C, D and J: what models find and make.

use std::sync::Arc;

use calotype_plan::{Rect, Size};

use super::mapping::{Mapping, check_distance};
use super::{coordinate_source, files_seen_by, names, pixels, served_rows, transform, url_form};
use crate::support::pictures::distance;
use crate::support::vision::FakeVision;
use crate::tables::{rect, size};

pub(super) async fn c_faces() -> Vec<String> {
    let vision = Arc::new(FakeVision::default());
    let server = files_seen_by(vision.clone()).await;
    let rows = served_rows('C');
    for row in &rows {
        let (source, path) = coordinate_source(&row[1]);
        let edges: Vec<u32> = row[3].split(',').map(|n| n.parse().unwrap()).collect();
        *vision.faces.lock().unwrap() = Some(edges.try_into().unwrap());
        vision.searched.lock().unwrap().clear();

        let output = size(&row[7]);
        let pixels = pixels(&server, &url_form(&row[4]), &path).await;
        assert_eq!(pixels.size, output, "{row:?}");
        let region = rect(&row[5]);
        // "scale 800x800, crop 400x800+152+0"
        let part = |name: &str| row[6].split(", ").find_map(|part| part.strip_prefix(name));
        let scaled = part("scale ").map_or(region.size(), size);
        let crop = part("crop ").map_or(Rect::of(scaled), rect);
        Mapping {
            trim: region,
            turned: region.size(),
            ..Mapping::scaled(source, scaled, crop)
        }
        .check(row, &pixels);
        // `gravity=face` alone cuts nothing: nobody has to look for faces.
        let searched = vision.searched.lock().unwrap().clone();
        if row[4].trim_matches('`') == "gravity=face" {
            assert!(
                searched.iter().all(|copy| *copy == size(&row[2])),
                "{row:?}: {searched:?}"
            );
        } else {
            assert_eq!(searched, [size(&row[2])], "{row:?}");
        }
    }
    names(&rows)
}

pub(super) async fn d_inference_size() -> Vec<String> {
    let vision = Arc::new(FakeVision::default());
    let server = files_seen_by(vision.clone()).await;
    let rows = served_rows('D');
    for row in &rows {
        let (_, path) = coordinate_source(&row[1]);
        vision.searched.lock().unwrap().clear();
        transform(&server, "gravity=face,zoom=1,w=10", &path)
            .await
            .transformed();
        assert_eq!(*vision.searched.lock().unwrap(), [size(&row[2])], "{row:?}");
    }
    names(&rows)
}

pub(super) async fn j_generate() -> Vec<String> {
    let vision = Arc::new(FakeVision::default());
    let server = files_seen_by(vision.clone()).await;
    let rows = served_rows('J');
    for row in &rows {
        let (source, path) = coordinate_source(&row[1]);
        vision.enlarged.lock().unwrap().clear();
        let options = row[2].split('`').nth(1).unwrap();
        let pixels = pixels(&server, &format!("{options},upscale=generate"), &path).await;
        let output = size(&row[5]);
        assert_eq!(pixels.size, output, "{row:?}");
        let passes = vision.enlarged.lock().unwrap().clone();
        let mapping = Mapping::scaled(source, output, Rect::of(output));
        if row[3] == "none" {
            assert_eq!(passes, [], "{row:?}");
            mapping.check(row, &pixels);
        } else {
            // "2x to 600x400"
            let (factor, to) = row[3].split_once("x to ").unwrap();
            let factor: u32 = factor.parse().unwrap();
            assert_eq!(passes, [(source, factor)], "{row:?}");
            assert_eq!(
                size(to),
                Size::new(source.width * factor, source.height * factor),
                "{row:?}"
            );
            // The model of the test inverts blue.
            let inverted = distance(&pixels, |x, y| {
                let [r, g, b] = mapping.color(x, y);
                [r, g, 255.0 - b]
            });
            check_distance(row, inverted);
        }
    }
    names(&rows)
}
