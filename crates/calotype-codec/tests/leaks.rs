//! What decoding leaves behind: nothing. A server decodes millions of pictures, so 48 bytes each are a leak.

#![allow(clippy::unwrap_used)]

use std::alloc::{GlobalAlloc, Layout as Block, System};
use std::sync::atomic::{AtomicI64, Ordering};

use calotype_codec::{
    Budget, DecodeRequest, EncodeRequest, Layout, OutputMetadata, Picture, decode, decode_animation, encode, probe,
};
use calotype_plan::{Limits, Size};

/// The system's allocator, counting the blocks that are alive.
struct Counting;

static ALIVE: AtomicI64 = AtomicI64::new(0);

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, block: Block) -> *mut u8 {
        ALIVE.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(block) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, block: Block) {
        ALIVE.fetch_sub(1, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, block) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One test in this file: blocks of others would be counted too.
#[test]
fn decoding_leaves_no_block_behind() {
    let size = Size::new(40, 30);
    let picture = |layout, channels| {
        let data = (0..size.area() * channels)
            .map(|n| u8::try_from(n % 251).unwrap())
            .collect();
        Picture::from_raw(size, layout, data).unwrap()
    };
    let budget = Budget::unlimited();
    let limits = Limits::default();
    for request in [
        EncodeRequest::Avif { quality: 60 },
        EncodeRequest::Webp {
            quality: 60,
            lossless: false,
        },
        EncodeRequest::Png {
            palette: calotype_codec::PaletteUse::Never,
            fast: false,
            quality: 85,
        },
        EncodeRequest::Jpeg {
            quality: 60,
            progressive: true,
        },
        EncodeRequest::Gif,
    ] {
        let picture = match request {
            EncodeRequest::Jpeg { .. } => picture(Layout::Rgb, 3),
            _ => picture(Layout::Rgba, 4),
        };
        let file = encode(&picture, &request, &OutputMetadata::default(), &budget).unwrap();
        let once = || {
            let header = probe(&file, &limits).unwrap();
            drop(decode(&file, &header, &DecodeRequest::default(), &limits, &budget).unwrap());
        };
        // Caches fill the first time.
        once();
        let before = ALIVE.load(Ordering::Relaxed);
        (0..20).for_each(|_| once());
        assert_eq!(ALIVE.load(Ordering::Relaxed) - before, 0, "{request:?}");
    }
    // Animations are taken from the corpus, where there is one: nothing here writes all of them.
    let Some(shared) = std::env::var_os("CALOTYPE_SHARED") else {
        return;
    };
    for name in [
        "avif/libavif/colors-animated-8bpc-alpha-exif-xmp.avif",
        "avif/avif-sample-images/star-10bpc.avifs",
        "webp/sharp/animated-loop-3.webp",
        "apng/Pillow/delay.png",
        "gif/pygif/images-combine.gif",
    ] {
        let file = std::fs::read(std::path::Path::new(&shared).join("corpus").join(name)).unwrap();
        let header = probe(&file, &limits).unwrap();
        let play = |frames| {
            let animation = decode_animation(&file, &header, &limits, &budget).unwrap();
            assert!(animation.take(frames).all(|frame| frame.is_ok()));
        };
        play(100);
        let before = ALIVE.load(Ordering::Relaxed);
        // To the end, and left in the middle.
        (0..10).for_each(|n| play(if n % 2 == 0 { 100 } else { 2 }));
        assert_eq!(ALIVE.load(Ordering::Relaxed) - before, 0, "{name}");
    }
}
