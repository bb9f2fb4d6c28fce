//! Tables A, B, E and L: sizes and cuts.

use calotype_plan::Rect;

use super::mapping::{MEAN_MAX, Mapping, WORST_MAX};
use super::{
    check_jpeg, check_refused, coordinate_source, crop_of, file, files, inner, names, pixels, place_of, served_rows,
    transform, url_form,
};
use crate::support::pictures;
use crate::support::pictures::distance;
use crate::tables::{rect, size};

pub(super) async fn a_fit() -> Vec<String> {
    let server = files().await;
    let rows = served_rows('A');
    for row in &rows {
        let (source, path) = coordinate_source(&row[1]);
        let note = row[6].as_str();
        let (scaled, output) = (size(&row[3]), size(&row[5]));
        let answer = check_jpeg(&server, row, &row[2], &path, output).await;
        let warning: Vec<&str> = note.strip_prefix("warning: ").into_iter().collect();
        assert_eq!(answer.warnings(), warning, "{row:?}");

        let pixels = pixels(&server, &url_form(&row[2]), &path).await;
        assert_eq!(pixels.size, output, "{row:?}");
        let crop = crop_of(&row[4], scaled);
        let whole = Mapping::scaled(source, scaled, crop);
        let place = note.strip_prefix("image placed at +").map(place_of);
        let Some(place) = place else {
            whole.check(row, &pixels);
            continue;
        };
        let margin = if row[2].contains("background=red") {
            [255, 0, 0]
        } else {
            [255; 3]
        };
        whole.check(row, &inner(row, &pixels, place, scaled, margin));
    }
    names(&rows)
}

pub(super) async fn b_gravity() -> Vec<String> {
    let server = files().await;
    let rows = served_rows('B');
    for row in &rows {
        let (source, path) = coordinate_source(&row[1]);
        let (scaled, output) = (size(&row[3]), size(&row[5]));
        let answer = check_jpeg(&server, row, &row[2], &path, output).await;
        assert_eq!(answer.warnings(), [""; 0], "{row:?}");
        let pixels = pixels(&server, &url_form(&row[2]), &path).await;
        assert_eq!(pixels.size, output, "{row:?}");
        Mapping::scaled(source, scaled, crop_of(&row[4], scaled)).check(row, &pixels);
    }
    names(&rows)
}

pub(super) async fn e_trim_rotate_flip_dpr_border() -> Vec<String> {
    let server = files().await;
    let rows = served_rows('E');
    for row in &rows {
        let (source, path) = coordinate_source(&row[1]);
        let options = url_form(&row[2]);
        if row[3] == "empty" {
            check_refused(row, &transform(&server, &options, &path).await, &row[6]);
            continue;
        }
        let output = size(&row[6]);
        let answer = check_jpeg(&server, row, &row[2], &path, output).await;
        let too_dense = options.contains("dpr=3").then_some("dpr > 2 should never be used");
        assert_eq!(answer.warnings(), Vec::from_iter(too_dense), "{row:?}");

        let mut pixels = pixels(&server, &options, &path).await;
        assert_eq!(pixels.size, output, "{row:?}");
        // "500x750 / 500x500+0+0"
        let mut parts = row[5].split(" / ");
        let scaled = size(parts.next().unwrap());
        let crop = parts.next().map_or(Rect::of(scaled), rect);
        if options.contains("border.") && !options.contains("trim.") {
            let color = match &options {
                text if text.contains("%23fff") => [255; 3],
                text if text.contains("red") => [255, 0, 0],
                _ => [0; 3],
            };
            // All borders of this table have the same width on opposite sides.
            let place = ((output.width - scaled.width) / 2, (output.height - scaled.height) / 2);
            pixels = inner(row, &pixels, place, scaled, color);
        }
        Mapping {
            trim: if row[3] == "—" {
                Rect::of(source)
            } else {
                rect(&row[3])
            },
            turned: size(&row[4]),
            flipped: options.contains("flip=h"),
            turn: ["rotate=90", "rotate=180", "rotate=270"]
                .iter()
                .position(|turn| options.contains(turn))
                .map_or(0, |at| at + 1),
            ..Mapping::scaled(source, scaled, crop)
        }
        .check(row, &pixels);
    }
    names(&rows)
}

pub(super) async fn l_colour_trim() -> Vec<String> {
    let server = files().await;
    let path = file("framed.png", pictures::framed_png);
    let rows = served_rows('L');
    for row in &rows {
        let options = url_form(&row[1]);
        let (kept, output) = (rect(&row[2]), size(&row[3]));
        let answer = check_jpeg(&server, row, &row[1], &path, output).await;
        assert_eq!(answer.warnings(), [""; 0], "{row:?}");
        let mut pixels = pixels(&server, &options, &path).await;
        assert_eq!(pixels.size, output, "{row:?}");
        if options.contains("border.width=4") {
            pixels = inner(row, &pixels, (4, 4), kept.size(), [0; 3]);
        }
        // Rows that turn or scale keep the black area alone.
        let is_black = options.contains("w=20") || options.contains("rotate=90");
        for y in 0..pixels.size.height {
            for x in 0..pixels.size.width {
                let want = if is_black {
                    0
                } else {
                    pictures::framed(kept.left + x, kept.top + y)
                };
                assert_eq!(pixels.at(x, y), [want; 3], "{row:?} at {x},{y}");
            }
        }
    }
    names(&rows)
}

/// The tolerance is worth nothing if it hides a cut that is one pixel off.
#[tokio::test]
async fn a_cut_that_is_one_pixel_off_would_be_seen() {
    let server = files().await;
    for row in served_rows('B').iter().filter(|row| row[4] != "—") {
        let (source, path) = coordinate_source(&row[1]);
        let pixels = pixels(&server, &url_form(&row[2]), &path).await;
        let (scaled, crop) = (size(&row[3]), rect(&row[4]));
        for (right, down) in [(1, 0), (0, 1)] {
            let off = Rect::new(crop.left + right, crop.top + down, crop.width, crop.height);
            let mapping = Mapping::scaled(source, scaled, off);
            let distance = distance(&pixels, |x, y| mapping.color(x, y));
            assert!(
                distance.mean > MEAN_MAX || distance.worst_inside > WORST_MAX,
                "{row:?} {right},{down}: {distance:?}"
            );
        }
    }
}
