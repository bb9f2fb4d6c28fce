//! The reader of HEIC files: of headers, and of pixels where libheif is installed.
#![no_main]

use calotype_fuzz::pixels::decode_as;
use calotype_plan::ImageFormat;
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|bytes: &[u8]| -> Corpus { decode_as(ImageFormat::Heic, bytes) });
