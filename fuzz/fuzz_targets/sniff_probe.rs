//! The header of a file of any format.
#![no_main]

use calotype_codec::{probe, sniff};
use calotype_fuzz::small_limits;
use calotype_fuzz::theirs::answered;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| answered(|| read_header(bytes)));

fn read_header(bytes: &[u8]) {
    let limits = small_limits();
    let format = sniff(bytes);
    if let Ok(header) = probe(bytes, &limits) {
        assert_eq!(Some(header.format), format);
        assert!(header.frames >= 1);
        let turned = header.upright_size();
        assert_eq!(turned.area(), header.size.area());
        if header.check(&limits).is_ok() {
            assert!(!turned.is_empty() && turned.longest() <= limits.source_side_px_max(Some(header.format)));
        }
    }
}
