//! Options and a file through the whole engine. The input is a line of options, then the bytes of the file.
#![no_main]

use calotype_fuzz::pixels::transform;
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|input: &[u8]| -> Corpus { transform(input) });
