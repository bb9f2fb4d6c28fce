use calotype_plan::Size;

use super::*;

/// A photograph-like picture: smooth ramps and some noise, all opaque or with a soft edge.
fn picture(alpha: bool) -> Picture {
    let mut random = 7u32;
    let mut data = Vec::new();
    for y in 0..128u32 {
        for x in 0..128u32 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = random >> 29;
            data.extend([
                (x * 2).min(250) as u8,
                ((y * 2) as u8).saturating_add(noise as u8),
                ((x + y) as u8).saturating_add(noise as u8),
            ]);
            if alpha {
                data.push((x * 4).min(255) as u8);
            }
        }
    }
    Picture::from_raw(
        Size::new(128, 128),
        if alpha { Layout::Rgba } else { Layout::Rgb },
        data,
    )
    .unwrap()
}

/// Root mean square error over blocks of 4x4, where dithering must average out, of colours laid on grey.
fn blurred_error(picture: &Picture, indexed: &Indexed) -> f64 {
    let on_grey =
        |c: [u8; 4]| [0, 1, 2].map(|i| (f64::from(c[i]) * f64::from(c[3]) + 128.0 * (255.0 - f64::from(c[3]))) / 255.0);
    let mut sum = 0.0;
    for by in 0..32 {
        for bx in 0..32 {
            let mut difference = [0.0; 3];
            for (x, y) in (0..16).map(|i| (bx * 4 + i % 4, by * 4 + i / 4)) {
                let want = on_grey(picture.pixel(x, y).unwrap());
                let got = on_grey(indexed.colors[usize::from(indexed.indices[(y * 128 + x) as usize])]);
                (0..3).for_each(|c| difference[c] += (got[c] - want[c]) / 16.0);
            }
            sum += difference.iter().map(|d| d * d).sum::<f64>() / 3.0;
        }
    }
    (sum / 1024.0).sqrt()
}

#[test]
fn more_colours_come_closer_and_dithering_keeps_the_mean() {
    for alpha in [false, true] {
        let picture = picture(alpha);
        let mut errors = Vec::new();
        for colors in [8, 64, 256] {
            let indexed = quantize(&picture, colors, &Budget::unlimited()).unwrap();
            assert!(indexed.colors.len() <= colors && indexed.colors.len() > colors / 2);
            assert_eq!(indexed.indices.len(), 128 * 128);
            assert!(indexed.indices.iter().all(|&i| usize::from(i) < indexed.colors.len()));
            errors.push(blurred_error(&picture, &indexed));
        }
        assert!(errors[0] > errors[2] && errors[2] < 4.0, "alpha {alpha}: {errors:?}");
    }
}

#[test]
fn equal_pictures_give_equal_palettes_and_translucent_entries_come_first() {
    let (a, b) = (
        quantize(&picture(true), 100, &Budget::unlimited()).unwrap(),
        quantize(&picture(true), 100, &Budget::unlimited()).unwrap(),
    );
    assert_eq!((&a.colors, &a.indices), (&b.colors, &b.indices));
    assert!(a.colors.is_sorted_by_key(|c| c[3]));
}

#[test]
fn invisible_pixels_share_one_entry_and_few_colours_stay_exact() {
    let data = vec![1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 255];
    let picture = Picture::from_raw(Size::new(3, 1), Layout::Rgba, data).unwrap();
    let indexed = quantize(&picture, 256, &Budget::unlimited()).unwrap();
    assert_eq!(indexed.colors, [[0; 4], [7, 8, 9, 255]]);
    assert_eq!(indexed.indices, [0, 0, 1]);
}

#[test]
fn the_nearest_entry_is_found_as_by_trying_all() {
    let mut random = 3u32;
    let mut byte = || {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 24) as u8
    };
    for alpha in [false, true] {
        let colors: Vec<[u8; 4]> = (0..200)
            .map(|_| [byte(), byte(), byte(), if alpha { byte() } else { 255 }])
            .collect();
        let pixels: Vec<[u8; 4]> = (0..2000).map(|_| [byte(), byte(), byte(), 255]).collect();
        for pixel in pixels {
            // One pixel alone has no error to take in.
            let got = dither::map(&[pixel], 1, &colors, None)[0];
            let apart = |c: [u8; 4]| distance(premultiply(pixel), premultiply(c));
            let best = colors.iter().map(|&c| apart(c)).min().unwrap();
            assert_eq!(apart(colors[usize::from(got)]), best);
        }
    }
}
