//! `gravity=auto` and `entropy` in whole jobs: what stands out survives the cut (spec 5.6).

#![allow(clippy::unwrap_used)] // A test may end by it, in its helpers too.

mod common;

use calotype_codec::{Budget, EncodeRequest, Layout, OutputMetadata, Picture, encode};
use calotype_plan::{Fit, Gravity, Op, Resize, Size};

use common::{Around, exif_with_orientation, png, resize};

/// Grey with a chequered red and white square of 60 px, whose corner is at `left`, `top`.
fn with_square(size: Size, left: u32, top: u32) -> Picture {
    let mut picture = Picture::new(size, Layout::Rgb, [120; 4], &Budget::unlimited()).unwrap();
    for y in top..top + 60 {
        for x in left..left + 60 {
            let color = if (x / 6 + y / 6) % 2 == 0 {
                [230, 20, 20]
            } else {
                [250; 3]
            };
            let at = x as usize * 3;
            picture.row_mut(y)[at..at + 3].copy_from_slice(&color);
        }
    }
    picture
}

fn cover(width: u32, height: u32, gravity: Gravity) -> Vec<Op> {
    match resize(width, height, Fit::Cover) {
        Op::Resize(resize) => vec![Op::Resize(Resize { gravity, ..resize })],
        other => vec![other],
    }
}

/// Pixels of the square that are left.
fn survivors(picture: &Picture) -> usize {
    picture
        .data()
        .chunks_exact(picture.channels())
        .filter(|pixel| pixel[0] > 200)
        .count()
}

#[test]
fn what_stands_out_is_kept_wherever_it_is() {
    for (left, top, size, cut) in [
        (20, 30, Size::new(600, 200), (100, 100)),
        (270, 100, Size::new(600, 200), (100, 100)),
        (530, 70, Size::new(600, 200), (100, 100)),
        (50, 20, Size::new(160, 640), (80, 80)),
        (50, 560, Size::new(160, 640), (80, 80)),
    ] {
        let source = png(&with_square(size, left, top));
        // Scaled by a half: 30x30 pixels are left of the square.
        for gravity in [Gravity::Auto, Gravity::Entropy] {
            let out = Around::default().pixels(cover(cut.0, cut.1, gravity), &source);
            assert!(survivors(&out) >= 850, "{left},{top} {gravity:?}: {}", survivors(&out));
        }
    }
}

#[test]
fn the_search_sees_the_upright_picture() {
    // Stored turned by a quarter: the square at the right of the stored picture is at the bottom of the upright one.
    let metadata = OutputMetadata {
        exif: Some(exif_with_orientation(6)),
        ..OutputMetadata::default()
    };
    let request = EncodeRequest::Jpeg {
        quality: 95,
        progressive: false,
    };
    let stored = with_square(Size::new(640, 160), 560, 50);
    let source = encode(&stored, &request, &metadata, &Budget::unlimited()).unwrap();
    let out = Around::default().pixels(cover(160, 160, Gravity::Auto), &source);
    assert!(survivors(&out) >= 3_400, "{}", survivors(&out));
}
