//! The frames of GIF, APNG, animated WebP, AVIF image sequences and animated JPEG XL.
#![no_main]

use calotype_codec::{Budget, CodecError, decode_animation, probe, sniff, to_srgb};
use calotype_fuzz::small_limits;
use calotype_fuzz::theirs::answered;
use calotype_plan::ImageFormat;
use libfuzzer_sys::{Corpus, fuzz_target};

/// Frames of one input that are looked at: what is wrong with a hundred is wrong with fewer.
const FRAMES_MAX: usize = 100;

/// Formats with animations.
const MOVING: [ImageFormat; 5] = [
    ImageFormat::Gif,
    ImageFormat::Png,
    ImageFormat::Webp,
    ImageFormat::Avif,
    ImageFormat::Jxl,
];

fuzz_target!(|bytes: &[u8]| -> Corpus { answered(|| decode_frames(bytes)) });

fn decode_frames(bytes: &[u8]) -> Corpus {
    if !sniff(bytes).is_some_and(|format| MOVING.contains(&format)) {
        return Corpus::Reject;
    }
    let limits = small_limits();
    let Ok(header) = probe(bytes, &limits) else {
        return Corpus::Keep;
    };
    if header.frames_area > limits.animation_area_px_refused {
        // Nobody decodes it; whoever asks looks at this first.
        return Corpus::Keep;
    }
    let budget = Budget::new(limits.job_memory_bytes_max);
    let mut layout = None;
    match decode_animation(bytes, &header, &limits, &budget) {
        Ok(mut animation) => {
            let color = animation.color.clone();
            let mut seen = 0;
            for frame in animation.by_ref().take(FRAMES_MAX) {
                let Ok(mut frame) = frame else { break };
                seen += 1;
                assert_eq!(frame.picture.size(), header.size);
                assert_eq!(*layout.get_or_insert(frame.picture.layout()), frame.picture.layout());
                // The canvas and the frame are on the account as long as they live.
                assert!(budget.held() >= frame.picture.data().len() as u64);
                let _ = to_srgb(&mut frame.picture, &color);
            }
            assert!(seen <= header.frames, "more frames than the header counts");
            if seen < FRAMES_MAX as u32 {
                assert!(animation.next().is_none(), "a frame after the end");
            }
        }
        Err(CodecError::Encode { .. }) => panic!("a decoder spoke of encoding"),
        Err(_) => {}
    }
    assert_eq!(budget.held(), 0, "bytes are still charged after everything was dropped");
    Corpus::Keep
}
