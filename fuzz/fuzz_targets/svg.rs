//! SVG: whatever comes out of the filter is small, well-formed, and filtered already.
#![no_main]

use calotype_codec::{Budget, filter_svg, render_svg, svg_size};
use calotype_plan::{Limits, Size};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits {
        svg_bytes_max: 100_000,
        svg_elements_max: 1_000,
        ..Limits::default()
    };
    let budget = Budget::new(64 << 20);
    let _ = svg_size(bytes, &limits);
    if let Ok(filtered) = filter_svg(bytes, &limits, &budget, &mut |_| None) {
        assert!(filtered.len() <= limits.svg_bytes_max);
        let text = std::str::from_utf8(&filtered).expect("UTF-8");
        for word in ["<script", "<foreignObject", "<?", "<!", " onload=", " onclick="] {
            assert!(!text.contains(word), "{word} in {text}");
        }
        // A result may grow by its escapes.
        let wide = Limits {
            svg_bytes_max: 10_000_000,
            ..limits
        };
        let again = filter_svg(&filtered, &wide, &budget, &mut |_| None).expect("what was filtered is well-formed");
        assert_eq!(again, filtered, "what was filtered stays as it is");
    }
    let _ = render_svg(bytes, Size::new(32, 32), &limits, &budget, &mut |_| None);
    assert_eq!(budget.held(), 0);
});
