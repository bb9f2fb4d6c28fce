//! What samples mean.

use super::*;

#[test]
fn alpha_is_told_from_other_samples() {
    let data = [100, 50, 25, 128, 255, 9, 0, 0];
    let page = Page::new(2, 1, 2, &[8; 4], &data);
    let alpha = |page: &Page| {
        let (header, decoded) = open(&page.file()).unwrap();
        (header.has_alpha, decoded.picture.into_raw())
    };
    let as_stored = (true, data.to_vec());
    assert_eq!(alpha(&page), as_stored, "one sample more, of which nothing is said");
    assert_eq!(alpha(&page.clone().with(tag::EXTRA_SAMPLES, short(&[2]))), as_stored);
    let other = alpha(&page.clone().with(tag::EXTRA_SAMPLES, short(&[0])));
    assert_eq!(other, (false, vec![100, 50, 25, 255, 9, 0]));
    // Multiplied colours: 100 * 255 / 128 = 199.2, 99.6, 49.8, rounded down; where nothing shows they stay.
    let associated = alpha(&page.with(tag::EXTRA_SAMPLES, short(&[1])));
    assert_eq!(associated, (true, vec![199, 99, 49, 128, 255, 9, 0, 0]));
    // Two more samples, the second one alpha; in 16 bits 0x4000 over 0x8000 is a half.
    let samples = [0x4000u16, 0x2000, 0, 0xabcd, 0x8000].map(u16::to_le_bytes);
    let page = Page::new(1, 1, 2, &[16; 5], samples.as_flattened()).with(tag::EXTRA_SAMPLES, short(&[0, 1]));
    assert_eq!(alpha(&page), (true, vec![128, 64, 0, 128]));
}

#[test]
fn palettes_have_8_bits_in_either_half() {
    let map = |factor: u16| short(&[1, 2, 3, 4, 10, 20, 30, 40, 100, 200, 255, 0].map(|v: u16| v * factor));
    for factor in [1, 256, 257] {
        let page = Page::new(4, 1, 3, &[2], &[0b0001_1011]).with(tag::COLOR_MAP, map(factor));
        assert_eq!(pixels(&page), [1, 10, 100, 2, 20, 200, 3, 30, 255, 4, 40, 0]);
    }
    let missing = open(&Page::new(4, 1, 3, &[2], &[0]).file()).unwrap_err();
    assert_eq!(missing, CodecError::corrupt("its palette is missing or cut"));
}

#[test]
fn inks_and_l_a_b_become_srgb() {
    let inks = Page::new(3, 1, 5, &[8; 4], &[255, 0, 0, 0, 0, 0, 0, 255, 100, 50, 0, 51]);
    // By the naive formula: 155 * 204 / 255 = 124, 205 * 204 / 255 = 164.
    assert_eq!(pixels(&inks), [0, 255, 255, 0, 0, 0, 124, 164, 204]);
    let others = open(&inks.with(tag::INK_SET, short(&[2])).file()).unwrap_err();
    assert!(matches!(others, CodecError::Unsupported { .. }));
    // L* 54.29, a* 80.80, b* 69.89 is the red of sRGB by D50 (CSS Color 4); whole numbers are a level or two off.
    let red = [(54.29f64 * 2.55).round() as u8, 81, 70];
    for (photometric, offset) in [(8, 0u8), (9, 128)] {
        let data = [
            red[0],
            red[1].wrapping_add(offset),
            red[2].wrapping_add(offset),
            255,
            offset,
            offset,
        ];
        let got = pixels(&Page::new(2, 1, photometric, &[8; 3], &data));
        let close = got
            .iter()
            .zip([255, 0, 0, 255, 255, 255])
            .all(|(a, b): (&u8, u8)| a.abs_diff(b) <= 3);
        assert!(close, "{got:?}");
    }
}

#[test]
fn ycbcr_is_converted_by_its_own_numbers() {
    // Two by two luma samples share one of Cb and one of Cr; the third column begins another block.
    let blocks = [81, 82, 83, 84, 90, 240, 0, 255, 128, 7, 128, 128];
    let page = Page::new(3, 2, 6, &[8; 3], &blocks).with(tag::YCBCR_SUBSAMPLING, short(&[2, 2]));
    let got = pixels(&page);
    // BT.601: R = Y + 1.402 * 112, G = Y - 0.344136 * -38 - 0.714136 * 112, B = Y + 1.772 * -38.
    let block = |y: f64| [y + 157.024, y + 13.077 - 79.983, y - 67.336].map(|v: f64| v.clamp(0.0, 255.0).round());
    for (pixel, luma) in [(0, 81.0), (1, 82.0), (3, 83.0), (4, 84.0)] {
        for (got, want) in got[pixel * 3..].iter().zip(block(luma)) {
            assert!(
                (f64::from(*got) - want).abs() <= 1.0,
                "pixel {pixel}: {got:?}, not {want}"
            );
        }
    }
    assert_eq!((&got[6..9], &got[15..18]), (&[0; 3][..], &[128; 3][..]));
    // Video levels: 16 is black, 235 is white.
    let levels = [(16, 1), (235, 1), (128, 1), (240, 1), (128, 1), (240, 1)];
    let page = Page::new(2, 1, 6, &[8; 3], &[16, 128, 128, 235, 128, 128])
        .with(tag::YCBCR_SUBSAMPLING, short(&[1, 1]))
        .with(tag::REFERENCE_BLACK_WHITE, Values::Fraction(levels.to_vec()));
    assert_eq!(pixels(&page), [0, 0, 0, 255, 255, 255]);
    // Coefficients that no light has count as none.
    for nonsense in [[(u32::MAX, 1); 3], [(1, u32::MAX); 3], [(0, 0); 3]] {
        let odd = page
            .clone()
            .with(tag::YCBCR_COEFFICIENTS, Values::Fraction(nonsense.to_vec()));
        assert_eq!(pixels(&odd), [0, 0, 0, 255, 255, 255]);
    }
}

#[test]
fn a_profile_is_applied_while_there_are_16_bits_and_named_else() {
    let icc = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let with_profile = |page: Page| page.with(tag::ICC, Values::Bytes(7, icc.clone()));
    let (header, decoded) = open(&with_profile(Page::new(1, 1, 2, &[8; 3], &[255, 0, 0])).file()).unwrap();
    assert_eq!(header.profile, ColorProfile::from_icc(&icc));
    assert_eq!(
        (decoded.color, decoded.metadata.icc),
        (ColorSource::Icc(icc.clone()), Some(icc.clone()))
    );
    let samples = [0x8080u16, 0x4040, 0x4040].map(u16::to_le_bytes);
    let page = with_profile(Page::new(1, 1, 2, &[16; 3], samples.as_flattened()));
    let (_, decoded) = open(&page.file()).unwrap();
    assert_eq!((decoded.color, decoded.metadata.icc), (ColorSource::Srgb, None));
    // Display P3 of 128, 64, 64 in sRGB, by the matrices of CSS Color 4: 138.0, 60.8, 62.9.
    assert!(
        close(decoded.picture.data(), [138, 61, 63]),
        "{:?}",
        decoded.picture.data()
    );
}
