//! Our own decoder of JPEG files against libjpeg: what ours decodes, libjpeg decodes without complaint, to planes of the
//! same shapes, and to the same samples at full size. The last byte of the input chooses the scale.
#![no_main]

use calotype_codec::{jpeg_planes_libjpeg, jpeg_planes_ours, probe};
use calotype_fuzz::small_limits;
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|bytes: &[u8]| -> Corpus {
    // Bytes behind the end marker are no part of the picture.
    let scale = 1 << (bytes.last().copied().unwrap_or(0) & 3);
    let limits = small_limits();
    match probe(bytes, &limits) {
        Ok(header) if header.size.area() <= limits.source_area_px_max => {}
        _ => return Corpus::Reject,
    }
    let mut ours: Vec<Vec<u8>> = vec![Vec::new(); 4];
    let decoded = jpeg_planes_ours(bytes, scale, &mut |plane, row| {
        ours[plane].extend(row);
        Ok(())
    });
    let Some(shapes) = decoded.expect("the receiver takes all") else {
        return Corpus::Keep;
    };
    let mut theirs: Vec<Vec<u8>> = vec![Vec::new(); 4];
    let (expected, warnings) = jpeg_planes_libjpeg(bytes, scale, &mut |plane, row| {
        theirs[plane].extend(row);
        Ok(())
    })
    .expect("libjpeg decodes what ours does");
    assert_eq!(warnings, 0, "libjpeg complains of what ours takes for whole");
    assert_eq!(shapes, expected);
    for ((ours, theirs), (width, height)) in ours.iter().zip(&theirs).zip(shapes) {
        assert_eq!(ours.len() as u64, u64::from(width) * u64::from(height));
        assert_eq!(ours.len(), theirs.len());
    }
    if scale == 1 {
        assert!(ours == theirs, "the samples differ");
    }
    Corpus::Keep
});
