//! ICC profiles: what they mean, and pixels converted by them.
#![no_main]

use calotype_codec::{ColorProfile, ColorSource, Layout, Picture, to_srgb};
use calotype_plan::Size;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = ColorProfile::from_icc(bytes).name();
    let source = ColorSource::from_icc(bytes.to_vec());
    let samples: Vec<u8> = (0..=255u8).flat_map(|v| [v, 255 - v, v / 2, v]).collect();
    if let Ok(mut picture) = Picture::from_raw(Size::new(256, 1), Layout::Rgba, samples.clone()) {
        // A profile may fail, but alpha is none of its business.
        let _ = to_srgb(&mut picture, &source);
        assert!(
            picture
                .data()
                .iter()
                .zip(&samples)
                .skip(3)
                .step_by(4)
                .all(|(a, b)| a == b)
        );
    }
});
